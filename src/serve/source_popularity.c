/*
 * source_popularity.c
 *		Candidates from lists of popularity models: those of the customer's segment, of the visitor's, or of the whole shop.
 *
 * One row is read.  Its list holds what the segment falls back on as well, so no other is needed; where the segment has none, nobody
 * was ever counted in it, and the list of what it is part of is taken.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "model/popularity_counts.h"
#include "serve/source_kind.h"

/* What lasts as long as the plan. */
typedef struct OpenedPopularity
{
	/* immutable */
	PopularityDef *def;
	HistoryDef *history;
	bool		by_customer;	/* the model's baskets are the widget's customers */
	int			num_fixed;		/* -1: not given */
	char	  **fixed;
	const char *words;			/* for reasons */

	/* mutable */
	SPIPlanPtr	plan;			/* looks up a customer's segment; NULL until it is needed */
} OpenedPopularity;

/* ---------------------------------------------------------------- set-up */

static PopularityDef *
require_popularity(const WidgetSource *source)
{
	PopularityDef *def = popularity_of_relation(source->relation);

	if (def == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("source \"%s\" is no popularity model", source->name),
				 errhint("personalize.create_popularity() makes one.")));
	return def;
}

static void pg_attribute_noreturn()
fail_segment(const WidgetSource *source, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"segment\" of source \"%s\" must be a list of texts", source->name),
			 errdetail("%s", detail),
			 errhint("\"segment\": [\"GB\"] is the list of one segment, \"segment\": [] that of the whole shop.")));
}

/* Option "segment": always this one, whoever comes. */
static void
read_fixed(const WidgetSource *source, const PopularityDef *def, OpenedPopularity *opened)
{
	JsonbValue	space;
	JsonbValue *value = NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;

	opened->num_fixed = -1;
	if (source->options != NULL)
		value = getKeyJsonValueFromContainer(&source->options->root, "segment", strlen("segment"), &space);
	if (value == NULL || value->type == jbvNull)
		return;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		fail_segment(source, "It is no list.");
	opened->num_fixed = 0;
	opened->fixed = palloc0((JsonContainerSize(value->val.binary.data) + 1) * sizeof(char *));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &space, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (space.type != jbvString)
			fail_segment(source, "One of its elements is no text.");
		opened->fixed[opened->num_fixed++] = pnstrdup(space.val.string.val, space.val.string.len);
	}
	if (opened->num_fixed > def->num_by)
		fail_segment(source, psprintf("It has %d elements, and the model has segments by %d columns.", opened->num_fixed, def->num_by));
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"segment", NULL};
	PopularityDef *def = require_popularity(source);
	HistoryDef *history = registry_require_history_of(source->relation, def->follower.history_id);
	OpenedPopularity opened;

	source_options_only(source, names);
	read_fixed(source, def, &opened);
	if (history->catalog_id != widget->catalog->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model %s belongs to another catalog than the widget", source->name),
				 errdetail("The widget's catalog is %s.", registry_name(widget->catalog->relation)),
				 errhint("Give all histories of a widget the same catalog: create_history(..., catalog => ...).")));
	request_require_select(source->relation);
}

/* An order's number is no customer's, so the keys of other histories mean nothing here. */
static bool
is_by_customer(const WidgetDef *widget, const PopularityDef *def)
{
	for (int h = 0; h < widget->num_histories; h++)
		if (widget->history[h].history->id == def->follower.history_id)
			return OidIsValid(def->segments);
	return false;
}

/* Plans of statements live outside of the context. */
static void
free_statement(void *arg)
{
	OpenedPopularity *opened = arg;

	if (opened->plan != NULL)
		SPI_freeplan(opened->plan);
	opened->plan = NULL;
}

static const char *
words_of(PopularityKind ranks)
{
	static const char *const words[] = {
		[POPULARITY_SHARE] = "popular",
		[POPULARITY_TRENDING] = "trending",
		[POPULARITY_CONVERSION] = "often bought by those who see it",
		[POPULARITY_REPEAT] = "often bought again",
	};

	return words[ranks];
}

static void *
open_popularity(WidgetPlan *plan, const WidgetSource *source)
{
	OpenedPopularity *opened = palloc0(sizeof(OpenedPopularity));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	opened->def = require_popularity(source);
	opened->history = registry_require_history_of(source->relation, opened->def->follower.history_id);
	opened->by_customer = is_by_customer(plan->def, opened->def);
	opened->words = words_of(opened->def->ranks);
	read_fixed(source, opened->def, opened);
	callback->func = free_statement;
	callback->arg = opened;
	MemoryContextRegisterResetCallback(plan->context, callback);
	widget_plan_reads(plan, source->relation);
	widget_plan_reads(plan, opened->def->segments);
	return opened;
}

/* ---------------------------------------------------------------- which segment */

/* Up to the first that is not known, and no more than the model has levels. */
static ArrayType *
make_segment(const OpenedPopularity *opened, char **values, int n)
{
	Datum	   *value = palloc((opened->def->num_by + 1) * sizeof(Datum));
	int			level = 0;

	while (level < n && level < opened->def->num_by && values[level] != NULL)
	{
		value[level] = CStringGetTextDatum(values[level]);
		level++;
	}
	return level == 0 ? construct_empty_array(TEXTOID) : construct_array(value, level, TEXTOID, -1, false, TYPALIGN_INT);
}

/*
 * As the row of the customer says now, in this transaction, read as refreshes read it: with the rights of the history's owner.  NULL: nothing is
 * known.
 */
static ArrayType *
customer_segment(const Request *request, OpenedPopularity *opened)
{
	OwnerScope	owner;
	Datum		segment;

	if (!opened->by_customer || !request->has_customer)
		return NULL;
	registry_enter_owner(opened->history->relation, &owner);
	segment = segments_fetch_one(opened->def, opened->history->basket_type, request->customer, &opened->plan);
	registry_leave_owner(&owner);
	return segment == (Datum) 0 ? NULL : DatumGetArrayTypeP(segment);
}

static ArrayType *
choose_segment(const Request *request, OpenedPopularity *opened)
{
	ArrayType  *segment;

	if (opened->num_fixed >= 0)
		return make_segment(opened, opened->fixed, opened->num_fixed);
	segment = customer_segment(request, opened);
	if (segment != NULL)
		return segment;
	return make_segment(opened, request->segment, Max(request->num_segment, 0));
}

/* ---------------------------------------------------------------- its list */

static void
fail_damaged(Relation face, HeapTuple tuple)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("model %s is damaged at segment %s", registry_name(RelationGetRelid(face)), model_row_column(face, tuple, POPULAR_SEGMENT)),
			 errdetail("Its lists are no arrays of one length without nulls."),
			 errhint("Only personalize should write to a model. Refresh it with rebuild => true.")));
}

static Datum *
read_list(Relation face, HeapTuple tuple, int column, Oid type, int *n)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(face), &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(value);
	Datum	   *elements;
	int16		size;
	bool		byval;
	char		align;

	if (isnull || ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != type)
		fail_damaged(face, tuple);
	get_typlenbyvalalign(type, &size, &byval, &align);
	deconstruct_array(array, type, size, byval, align, &elements, NULL, n);
	return elements;
}

/* On the page of a category all that there is may be needed to fill it. */
static void
offer_list(Request *request, const OpenedPopularity *opened, Relation face, HeapTuple tuple, uint32 want)
{
	int			n;
	int			num_scores;
	Datum	   *keys = read_list(face, tuple, POPULAR_ITEMS, key_type_oid(opened->def->item_type), &n);
	Datum	   *scores = read_list(face, tuple, POPULAR_SCORES, FLOAT8OID, &num_scores);

	if (n != num_scores)
		fail_damaged(face, tuple);
	if (request->category == NULL)
		n = Min(n, (int) Min(request_room(request, want), PG_INT32_MAX));
	for (int i = 0; i < n; i++)
		request_offer(request, request_item(request, keys[i]), DatumGetFloat8(scores[i]), ITEM_NONE);
}

/* "popular in GB, 25-34" */
static void
set_reason(Request *request, const OpenedPopularity *opened, ArrayType *segment)
{
	StringInfoData reason;
	Datum	   *value;
	int			n;

	deconstruct_array(segment, TEXTOID, -1, false, TYPALIGN_INT, &value, NULL, &n);
	initStringInfo(&reason);
	appendStringInfoString(&reason, opened->words);
	for (int i = 0; i < n; i++)
		appendStringInfo(&reason, "%s%s", i == 0 ? " in " : ", ", TextDatumGetCString(value[i]));
	request_set_reason(request, reason.data);
}

/* What the segment is part of; NULL for the whole shop, which is part of nothing. */
static ArrayType *
wider_segment(ArrayType *segment)
{
	Datum	   *value;
	int			n;

	deconstruct_array(segment, TEXTOID, -1, false, TYPALIGN_INT, &value, NULL, &n);
	if (n == 0)
		return NULL;
	return n == 1 ? construct_empty_array(TEXTOID) : construct_array(value, n - 1, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
guard_columns(const OpenedPopularity *opened, Relation face)
{
	TupleDesc	columns = RelationGetDescr(face);
	Oid			items = get_array_type(key_type_oid(opened->def->item_type));

	if (columns->natts < POPULAR_NUM_COLUMNS || TupleDescAttr(columns, POPULAR_SEGMENT - 1)->atttypid != TEXTARRAYOID ||
		TupleDescAttr(columns, POPULAR_ITEMS - 1)->atttypid != items ||
		TupleDescAttr(columns, POPULAR_SCORES - 1)->atttypid != FLOAT8ARRAYOID)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model %s is not as it was made", registry_name(RelationGetRelid(face))),
				 errhint("Drop and create it again.")));
}

static void
collect(Request *request, const WidgetSource *source, void *arg, uint32 want)
{
	OpenedPopularity *opened = arg;
	ArrayType  *segment;
	Relation	face;
	KeyScan    *scan;
	HeapTuple	tuple = NULL;

	request_require_select(source->relation);
	segment = choose_segment(request, opened);
	face = table_open(source->relation, AccessShareLock);
	guard_columns(opened, face);
	scan = key_scan_open(face, 1, request->snapshot);
	for (; segment != NULL && tuple == NULL; segment = tuple ? segment : wider_segment(segment))
	{
		Datum		key = PointerGetDatum(segment);

		key_scan_start(scan, &key);
		tuple = key_scan_next(scan);
	}
	if (tuple != NULL)
	{
		offer_list(request, opened, face, tuple, want);
		set_reason(request, opened, segment);
	}
	key_scan_close(scan);
	table_close(face, AccessShareLock);
}

const SourceKind source_popularity = {"popularity", check, open_popularity, collect};
const SourceKind source_trending = {"trending", check, open_popularity, collect};
const SourceKind source_conversion = {"conversion", check, open_popularity, collect};
const SourceKind source_repeat = {"repeat", check, open_popularity, collect};
