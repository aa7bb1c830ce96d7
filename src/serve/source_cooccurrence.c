/*
 * source_cooccurrence.c
 *		Candidates from the rows of a co-occurrence model: neighbors of the items that a request starts from.
 *
 * Whatever the model counts and however it scores, its face is read in the same way: a row by its key for each seed, and from it the lists of
 * neighbors and scores.  That is all a call costs, so it goes without the executor, as any look-up of ours.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "model/model_rows.h"
#include "model/table_writer.h"
#include "serve/source_kind.h"

/* Rows that one source reads, at most. */
#define MAX_SEEDS	200

typedef struct FaceReader
{
	Request    *request;
	Relation	relation;
	KeyScan    *scan;
	KeyType		type;
	Datum	   *values;			/* of a row, with whatever columns an owner has added */
	bool	   *nulls;
} FaceReader;

/* --- set-up -------------------------------------------------------------- */

static void
guard_history(const WidgetDef *widget, const WidgetSource *source, int32 history_id)
{
	HistoryDef *history = registry_history_by_id(history_id);

	if (history == NULL || history->catalog_id != widget->catalog->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model %s belongs to another catalog than the widget", source->name),
				 errdetail("The widget's catalog is %s.", registry_name(widget->catalog->relation)),
				 errhint("Give all histories of a widget the same catalog: create_history(..., catalog => ...).")));
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"recency", NULL};
	ModelDef   *model = registry_require_model(source->relation);

	source_options_only(source, names);
	source_option_number(source, "recency", 0, 0.01, 36500);
	guard_history(widget, source, model->history_id);
	if (model->target_id != 0)
		guard_history(widget, source, model->target_id);
	request_require_select(source->relation);
}

/* --- rows ---------------------------------------------------------------- */

static bool
column_is(TupleDesc columns, int column, Oid type)
{
	return columns->natts >= column && TupleDescAttr(columns, column - 1)->atttypid == type;
}

/* Columns are read by place and type, and an owner may have changed them. */
static void
guard_columns(const FaceReader *reader)
{
	TupleDesc	columns = RelationGetDescr(reader->relation);
	Oid			type = key_type_oid(reader->type);

	if (!column_is(columns, FACE_ITEM, type) || !column_is(columns, FACE_NEIGHBORS, get_array_type(type)) ||
		!column_is(columns, FACE_SCORES, FLOAT8ARRAYOID))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model %s is not as it was made", registry_name(RelationGetRelid(reader->relation))),
				 errhint("Drop and create it again.")));
}

/* In the page, where it lies there plain; its number of elements. */
static ArrayType *
read_list(const FaceReader *reader, HeapTuple tuple, int column, Oid type, uint32 *size)
{
	ArrayType  *array = reader->nulls[column - 1] ? NULL : DatumGetArrayTypeP(reader->values[column - 1]);

	if (array == NULL || ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != type)
		model_row_damaged(reader->relation, tuple, FACE_ITEM, "Its lists are no arrays of one length without nulls.");
	*size = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return array;
}

/* The place of the element at *element, which moves on to the next. */
static inline uint32
read_neighbor(const FaceReader *reader, char **element)
{
	Env		   *env = &reader->request->server.env;
	Keyset	   *items = &reader->request->items;
	char	   *at = *element;

	switch (reader->type)
	{
		case KEY_INT2:
			*element += sizeof(int16);
			return keyset_add_number(env, items, *(int16 *) at);
		case KEY_INT4:
			*element += sizeof(int32);
			return keyset_add_number(env, items, *(int32 *) at);
		case KEY_INT8:
			*element += sizeof(int64);
			return keyset_add_number(env, items, *(int64 *) at);
		case KEY_UUID:
			*element += UUID_LEN;
			return keyset_add_bytes(env, items, at, UUID_LEN);
		default:
			*element = (char *) att_align_nominal(att_addlength_pointer((Size) at, -1, at), TYPALIGN_INT);
			return keyset_add_bytes(env, items, VARDATA_ANY(at), VARSIZE_ANY_EXHDR(at));
	}
}

/* A copy that detoasting made. */
static void
release_list(const FaceReader *reader, ArrayType *list, int column)
{
	if ((Pointer) list != DatumGetPointer(reader->values[column - 1]))
		pfree(list);
}

/* Negative scores count against an item: local ridge has them for what replaces it. */
static void
offer_row(FaceReader *reader, HeapTuple tuple, const Seed *seed)
{
	uint32		size;
	uint32		num_scores;
	ArrayType  *keys;
	ArrayType  *scores;
	const double *score;
	char	   *key;

	heap_deform_tuple(tuple, RelationGetDescr(reader->relation), reader->values, reader->nulls);
	keys = read_list(reader, tuple, FACE_NEIGHBORS, key_type_oid(reader->type), &size);
	scores = read_list(reader, tuple, FACE_SCORES, FLOAT8OID, &num_scores);
	if (num_scores != size)
		model_row_damaged(reader->relation, tuple, FACE_ITEM, "Its lists are no arrays of one length without nulls.");
	score = (const double *) ARR_DATA_PTR(scores);
	key = ARR_DATA_PTR(keys);
	for (uint32 i = 0; i < size; i++)
		request_offer(reader->request, read_neighbor(reader, &key), seed->weight * score[i], seed->item);
	release_list(reader, keys, FACE_NEIGHBORS);
	release_list(reader, scores, FACE_SCORES);
}

static void
read_seed(FaceReader *reader, const Seed *seed)
{
	Datum		key = request_key(reader->request, seed->item);
	HeapTuple	tuple;

	key_scan_start(reader->scan, &key);
	tuple = key_scan_next(reader->scan);
	if (tuple != NULL)
		offer_row(reader, tuple, seed);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	SeedList	seeds = request_seeds(request, source, MAX_SEEDS);
	FaceReader	reader = {request};

	request_require_select(source->relation);
	if (seeds.size == 0)
		return;
	reader.type = request->widget->catalog->item_type;
	reader.relation = table_open(source->relation, AccessShareLock);
	guard_columns(&reader);
	reader.values = palloc(RelationGetDescr(reader.relation)->natts * sizeof(Datum));
	reader.nulls = palloc(RelationGetDescr(reader.relation)->natts * sizeof(bool));
	reader.scan = key_scan_open(reader.relation, 1, request->snapshot);
	for (uint32 s = 0; s < seeds.size; s++)
	{
		CHECK_FOR_INTERRUPTS();
		read_seed(&reader, &seeds.seed[s]);
	}
	key_scan_close(reader.scan);
	table_close(reader.relation, AccessShareLock);
}

const SourceKind source_cooccurrence = {"cooccurrence", check, NULL, collect};
