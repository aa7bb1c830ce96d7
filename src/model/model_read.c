/*
 * model_read.c
 *		Exact counts of a model, read by item: one pair, or the best neighbors by any
 *		measure.
 *
 * Whoever may read the face of a model may ask for these.  The pair table and the catalog are read as parts of the
 * model, without a look at their own privileges.
 */
#include "base/compat.h"

#include <math.h>

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "base/guards.h"
#include "model/score.h"
#include "model/table_layout.h"
#include "value/measure.h"

typedef struct ModelRead
{
	ModelDef   *model;
	CatalogDef *catalog;
	Snapshot	snapshot;
} ModelRead;

/* --- the model ----------------------------------------------------------- */

/* Counts cannot be told apart by a policy on rows of the face, so there is none to honor. */
static void
require_select(Oid face)
{
	AclResult	result = pg_class_aclcheck(face, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(face));
	if (check_enable_rls(face, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("counts of %s cannot be read under row-level security", registry_name(face)),
				 errhint("Read the table itself, of which the policies show the rows that may be seen.")));
}

/* The name as the caller's search_path understands it. */
static void
open_model(ModelRead *read, text *name)
{
	Oid			face = RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(name)), AccessShareLock, false);

	read->model = registry_require_model(face);
	require_select(face);
	read->catalog = registry_catalog_by_id(registry_require_history_of(read->model->relation, read->model->history_id)->catalog_id);
	registry_model_as_seen(read->model);
	read->snapshot = GetActiveSnapshot();
	layout_require_catalog(read->catalog);
	layout_require_model(read->model);
}

/* --- one pair ------------------------------------------------------------ */

/* Its code by the catalog's key; KEYSET_NONE where it has none. */
static uint32
find_code(const ModelRead *read, FunctionCallInfo fcinfo, int argument, const char *role)
{
	uint32		code = KEYSET_NONE;
	Relation	relation;
	KeyScan    *scan;
	HeapTuple	tuple;
	Datum		key;
	bool		isnull;

	if (!key_argument(read->catalog->item_type, get_fn_expr_argtype(fcinfo->flinfo, argument),
					  PG_GETARG_DATUM(argument), role, &key))
		return KEYSET_NONE;
	relation = table_open(read->catalog->relation, AccessShareLock);
	scan = key_scan_open(relation, 1, read->snapshot);
	key_scan_start(scan, &key);
	tuple = key_scan_next(scan);
	if (tuple != NULL)
		code = (uint32) DatumGetInt32(heap_getattr(tuple, ITEM_CODE, RelationGetDescr(relation), &isnull));
	key_scan_close(scan);
	table_close(relation, NoLock);
	return code;
}

/* An item with itself, in a model where an item is no pair with itself, is what both have in common: its n. */
static int64
count_in_row(const ModelRead *read, Relation pairs, HeapTuple tuple, uint32 a, uint32 b, double *value)
{
	PairTableRow row;
	int64_t		count = 0;

	pair_table_row_read(pairs, tuple, true, &row);
	*value = model_unit_value(read->model, row.generation);
	if (a == b && pairs_symmetric(&read->model->shape))
		return row.n;
	if (!pair_row_find(row.base, row.delta, b, &count))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("counts of item code %u in %s are damaged", a, registry_name(read->model->pairs))));
	return count;
}

static double
count_pair(const ModelRead *read, uint32 a, uint32 b)
{
	Relation	pairs = table_open(read->model->pairs, AccessShareLock);
	KeyScan    *scan = key_scan_open(pairs, 1, read->snapshot);
	Datum		key = Int32GetDatum((int32) a);
	double		sum = 0;
	HeapTuple	tuple;

	/* generations ascend, as where rows are scored: the same bits */
	key_scan_start(scan, &key);
	while ((tuple = key_scan_next(scan)) != NULL)
	{
		double		value;
		int64		count = count_in_row(read, pairs, tuple, a, b, &value);

		sum += count * value;
	}
	key_scan_close(scan);
	table_close(pairs, NoLock);
	return sum;
}

/* pair_count(model, a, b) */
PG_FUNCTION_INFO_V1(personalize_model_pair_count);
Datum
personalize_model_pair_count(PG_FUNCTION_ARGS)
{
	ModelRead	read;
	uint32		a;
	uint32		b;

	open_model(&read, PG_GETARG_TEXT_PP(0));
	a = find_code(&read, fcinfo, 1, "a");
	b = find_code(&read, fcinfo, 2, "b");
	PG_RETURN_FLOAT8(a == KEYSET_NONE || b == KEYSET_NONE ? 0 : count_pair(&read, a, b));
}

/* --- neighbors ----------------------------------------------------------- */

/* neighbors(model, item, k, measure, min_count, shrinkage, a, b, p, z) */
enum {ARG_MODEL, ARG_ITEM, ARG_K, ARG_MEASURE, ARG_MIN_COUNT, ARG_PARAMS};

/* Parameters that are not given are the model's where the measure is the model's own, too. */
static void
choose_measure(FunctionCallInfo fcinfo, ModelScoring *scoring)
{
	Measure		own = scoring->measure;
	const char *name = PG_ARGISNULL(ARG_MEASURE) ? own.info->name : text_to_cstring(PG_GETARG_TEXT_PP(ARG_MEASURE));
	bool		is_own = measure_find(name) == own.info;
	const double *params = (const double *) &own.params;
	double		values[MEASURE_NUM_PARAMS];
	bool		given[MEASURE_NUM_PARAMS];

	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
	{
		bool		isnull = PG_ARGISNULL(ARG_PARAMS + i);

		given[i] = !isnull || (is_own && (own.info->takes & (1 << i)));
		values[i] = isnull ? params[i] : PG_GETARG_FLOAT8(ARG_PARAMS + i);
	}
	measure_init(&scoring->measure, name, values, given);
}

/* What is asked for, as the scoring of a model that has the same counts. */
static void
choose_scoring(FunctionCallInfo fcinfo, ModelDef *model)
{
	ModelScoring *scoring = &model->scoring;

	choose_measure(fcinfo, scoring);
	if (model->weighted)
		measure_require_unweighted(&scoring->measure);
	scoring->ridge = false;
}

static void
choose_cut(FunctionCallInfo fcinfo, ModelScoring *scoring)
{
	if (!PG_ARGISNULL(ARG_K))
		scoring->neighbors = (int32) guard_int_range("k", PG_GETARG_INT32(ARG_K), 1, PG_INT32_MAX);
	if (!PG_ARGISNULL(ARG_MIN_COUNT))
		scoring->min_count = guard_float_range("min_count", PG_GETARG_FLOAT8(ARG_MIN_COUNT), 0, 1e18);
}

static bool
asks_for_ridge(FunctionCallInfo fcinfo, const ModelDef *model)
{
	if (!model->scoring.ridge)
		return false;
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (!PG_ARGISNULL(ARG_PARAMS + i))
			return false;
	return PG_ARGISNULL(ARG_MEASURE) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(ARG_MEASURE)), "ridge") == 0;
}

/* Weights depend on all counts around the item: those of the last refresh are in the face. */
static void
read_face(const ModelRead *read, const ItemTable *items, uint32 item, FaceRow *face)
{
	Relation	relation = table_open(read->model->relation, AccessShareLock);
	KeyScan    *scan = key_scan_open(relation, 1, read->snapshot);
	Datum		key = item_table_key(items, item);
	HeapTuple	tuple;
	uint32		size = 0;

	memset(face, 0, sizeof(*face));
	key_scan_start(scan, &key);
	tuple = key_scan_next(scan);
	if (tuple != NULL)
		face_row_read(relation, tuple, items, face);
	for (uint32 q = 0; q < face->size; q++)
		if (face->neighbor[q].count >= read->model->scoring.min_count)
			face->neighbor[size++] = face->neighbor[q];
	face->size = Min(size, (uint32) read->model->scoring.neighbors);
	key_scan_close(scan);
	table_close(relation, NoLock);
}

/* The type of items in the rows is that of the argument, perhaps a domain. */
typedef struct NeighborSink
{
	ReturnSetInfo *result;
	const ItemTable *items;
	const PairContext *context;
	KeyType		as;
	Oid			domain;
	void	   *domain_cache;
} NeighborSink;

static void
sink_begin(NeighborSink *sink, FunctionCallInfo fcinfo, KeyType type)
{
	Oid			wanted;

	compat_materialize(fcinfo);
	sink->result = (ReturnSetInfo *) fcinfo->resultinfo;
	wanted = TupleDescAttr(sink->result->setDesc, 0)->atttypid;
	sink->as = key_result(type, wanted, "neighbors");
	sink->domain = getBaseType(wanted) == wanted ? InvalidOid : wanted;
	sink->domain_cache = NULL;
}

static Datum
sink_key(NeighborSink *sink, uint32 code)
{
	Datum		key = key_datum(&sink->items->keys, sink->items->type, code, sink->as);

	if (OidIsValid(sink->domain))
		domain_check(key, false, sink->domain, &sink->domain_cache, CurrentMemoryContext);
	return key;
}

static void
put_neighbors(NeighborSink *sink, uint32 item, const FaceRow *face)
{
	const PairContext *x = sink->context;

	for (uint32 q = 0; q < face->size; q++)
	{
		const CooccurNeighbor *neighbor = &face->neighbor[q];
		bool		nulls[7] = {false};
		Datum		values[7] = {
			sink_key(sink, neighbor->item),
			Int32GetDatum(q + 1),
			Float8GetDatum(neighbor->score),
			Float8GetDatum(neighbor->count),
			Float8GetDatum(x->n_source[item]),
			Float8GetDatum(x->n_target[neighbor->item]),
			Float8GetDatum(x->total),
		};

		tuplestore_putvalues(sink->result->setResult, sink->result->setDesc, values, nulls);
	}
}

/*
 * n of every neighbor is needed, and for ties the order of their keys: both come with one scan, of the pair table
 * without its counts and of the catalog, which for a row of thousands is faster than as many look-ups.
 */
static void
find_neighbors(ModelRead *read, uint32 item, ItemTable *items, bool ridge, NeighborSink *sink)
{
	Relation	pairs = table_open(read->model->pairs, AccessShareLock);
	ModelScorer *scorer = model_scorer_create(CurrentMemoryContext, read->model, items);
	FaceRow		face;
	double		floor;

	/* room is allocated by k: more than there are items would be for nothing */
	read->model->scoring.neighbors = Min(read->model->scoring.neighbors, items->keys.size);
	model_scorer_read(scorer, pairs, read->snapshot);
	model_scorer_ready(scorer, NULL, NULL);
	if (ridge)
		read_face(read, items, item, &face);
	else
		model_scorer_item(scorer, pairs, read->snapshot, item, &face, &floor);
	sink->items = items;
	sink->context = model_scorer_context(scorer);
	put_neighbors(sink, item, &face);
	model_scorer_free(scorer);
	table_close(pairs, NoLock);
}

PG_FUNCTION_INFO_V1(personalize_model_neighbors);
Datum
personalize_model_neighbors(PG_FUNCTION_ARGS)
{
	ModelRead	read;
	NeighborSink sink;
	uint32		item;
	bool		ridge;

	if (PG_ARGISNULL(ARG_MODEL) || PG_ARGISNULL(ARG_ITEM))
	{
		compat_materialize(fcinfo);
		return (Datum) 0;
	}
	open_model(&read, PG_GETARG_TEXT_PP(ARG_MODEL));
	ridge = asks_for_ridge(fcinfo, read.model);
	if (!ridge)
		choose_scoring(fcinfo, read.model);
	choose_cut(fcinfo, &read.model->scoring);
	item = find_code(&read, fcinfo, ARG_ITEM, "item");
	sink_begin(&sink, fcinfo, read.catalog->item_type);
	if (item != KEYSET_NONE)
		find_neighbors(&read, item, item_table_load(CurrentMemoryContext, read.catalog), ridge, &sink);
	return (Datum) 0;
}
