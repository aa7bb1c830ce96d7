/*
 * status.c
 *		personalize.status: what there is, and how it stands.
 *
 * Monitoring reads this when something is wrong, so nothing that is wrong may make it fail: each object is
 * looked at in a subtransaction of its own, and an error becomes its problem.
 */
#include "base/compat.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/activity_source.h"
#include "model/change_log.h"
#include "model/model_rows.h"
#include "model/segment_setup.h"
#include "model/setup.h"
#include "model/table_layout.h"

enum
{
	STATUS_RELATION, STATUS_KIND, STATUS_SOURCE, STATUS_BUILT, STATUS_PENDING, STATUS_NEEDS_REBUILD, STATUS_PROBLEM,
	STATUS_BASKETS, STATUS_ITEMS, STATUS_BYTES, STATUS_REFRESHED, STATUS_REBUILT,
	STATUS_LAST_BASKETS, STATUS_LAST_PAIRS, STATUS_LAST_ITEMS, STATUS_LAST_MS, STATUS_DEFINITION,
	STATUS_NUM_COLUMNS
};

/* Pages of a table from which on its rows are not counted but estimated. */
#define COUNT_MAX_PAGES 10000

typedef struct StatusRow
{
	Datum		value[STATUS_NUM_COLUMNS];
	bool		set[STATUS_NUM_COLUMNS];
} StatusRow;

/* Fills in a row from the definition of a catalog, history or model. */
typedef void (*StatusReader) (StatusRow *row, const void *definition);

/* What is not set is NULL; what was set before an error stays. */
static void
set(StatusRow *row, int column, Datum value)
{
	row->value[column] = value;
	row->set[column] = true;
}

static void
set_text(StatusRow *row, int column, const char *text)
{
	if (text != NULL)
		set(row, column, CStringGetTextDatum(text));
}

static void
set_time(StatusRow *row, int column, TimestampTz time)
{
	if (time != DT_NOBEGIN)
		set(row, column, TimestampTzGetDatum(time));
}

/* ---------------------------------------------------------------- sizes */

/* With indexes, TOAST and maps; of what is gone, nothing. */
static int64
relation_bytes(Oid relation)
{
	if (!OidIsValid(relation) || get_rel_name(relation) == NULL)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(pg_total_relation_size, ObjectIdGetDatum(relation)));
}

/*
 * Exact, unless so large that counting would take its time; -1 where nobody knows.  Up to version 15 an owner can make a view of a table
 * that is empty: it has no blocks, and its functions would run as whoever looks.
 */
static int64
num_rows(Oid relation)
{
	Relation	rel = table_open(relation, AccessShareLock);
	double		estimate = rel->rd_rel->reltuples;
	bool		count = rel->rd_rel->relkind == RELKIND_RELATION && RelationGetNumberOfBlocks(rel) <= COUNT_MAX_PAGES;
	bool		isnull;
	int64		rows = estimate >= 0 ? (int64) estimate : -1;

	table_close(rel, AccessShareLock);
	if (!count)
		return rows;
	SPI_connect();
	if (SPI_execute(psprintf("SELECT pg_catalog.count(*) FROM ONLY %s", registry_name(relation)), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count the rows of %s", registry_name(relation));
	rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return rows;
}

static void
set_items(StatusRow *row, Oid relation)
{
	int64		rows = num_rows(relation);

	if (rows >= 0)
		set(row, STATUS_ITEMS, Int64GetDatum(rows));
}

/* ---------------------------------------------------------------- the log */

typedef struct LogState
{
	int64		pending;
	char	   *reason;			/* of a row that says that everything may have changed */
} LogState;

/* Read here and not by SQL, because whoever may read a history need not be able to read its log. */
static void
read_log(Oid log, LogState *state)
{
	Relation	rel = table_open(log, AccessShareLock);
	TupleTableSlot *slot;
	TableScanDesc scan;

	/* an owner may have changed it */
	if (!layout_is_log(rel, 0))
	{
		state->reason = "the log is not as it was made";
		table_close(rel, AccessShareLock);
		return;
	}
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		reason;

		CHECK_FOR_INTERRUPTS();
		if (!slot_attisnull(slot, LOG_BASKET))
			state->pending++;
		else if (state->reason == NULL)
		{
			reason = slot_getattr(slot, LOG_REASON, &isnull);
			state->reason = isnull ? "unknown" : TextDatumGetCString(reason);
		}
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
}

/* Never built comes before whatever else the log says, as building settles that as well. */
static void
set_log(StatusRow *row, const LogState *state, bool built)
{
	set(row, STATUS_PENDING, Int64GetDatum(state->pending));
	set_text(row, STATUS_NEEDS_REBUILD, built ? state->reason : "never built");
}

/* ---------------------------------------------------------------- definitions, for people */

static void
append_column(StringInfo out, const char *role, const char *column)
{
	if (column != NULL)
		appendStringInfo(out, ", %s %s", role, quote_identifier(column));
}

static char *
interval_text(Interval *interval)
{
	return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)));
}

/* Only what differs from the defaults, and what everybody wants to see, in the words of the arguments. */
static char *
catalog_definition(const CatalogDef *catalog)
{
	StringInfoData out;

	if (!OidIsValid(catalog->products))
		return psprintf("items of type %s", key_type_name(catalog->item_type));
	initStringInfo(&out);
	appendStringInfo(&out, "%s (%s)", registry_name(catalog->products), quote_identifier(catalog->item));
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
		append_column(&out, catalog_attribute_names[i], catalog->attribute[i]);
	return out.data;
}

/* As literals, because kinds of events may hold commas and spaces. */
static void
append_events(StringInfo out, const HistoryDef *history)
{
	append_column(out, "event", history->event);
	for (int i = 0; i < history->num_events; i++)
	{
		appendStringInfo(out, "%s%s", i == 0 ? " in (" : ", ", quote_literal_cstr(history->events[i]));
		if (history->event_weights != NULL)
			appendStringInfo(out, " %d", history->event_weights[i]);
	}
	if (history->num_events > 0)
		appendStringInfoChar(out, ')');
}

static char *
history_definition(const HistoryDef *history)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s (%s, %s)", registry_name(history->interactions),
					 quote_identifier(history->basket), quote_identifier(history->item));
	append_column(&out, "happened", history->happened);
	append_column(&out, "weight", history->weight);
	append_events(&out, history);
	if (history->max_basket > 0)
		appendStringInfo(&out, ", max_basket %d", history->max_basket);
	if (history->horizon != NULL)
		appendStringInfo(&out, ", horizon %s", interval_text(history->horizon));
	return out.data;
}

/* With all parameters: they may come from defaults that a later version changes. */
static void
append_measure(StringInfo out, const ModelScoring *scoring)
{
	static const char *const names[MEASURE_NUM_PARAMS] = {"shrinkage", "a", "b", "p", "z"};
	const double *params = &scoring->measure.params.shrinkage;
	const char *before = " (";

	appendStringInfo(out, ", measure %s", scoring->ridge ? REGISTRY_RIDGE : scoring->measure.info->name);
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (scoring->measure.info->takes & (1 << i))
		{
			appendStringInfo(out, "%s%s %g", before, names[i], params[i]);
			before = ", ";
		}
	if (scoring->ridge)
		appendStringInfo(out, "%slambda %g, delta %g, ridge_size %d", before, scoring->lambda, scoring->delta, scoring->ridge_size);
	if (scoring->ridge || scoring->measure.info->takes != 0)
		appendStringInfoChar(out, ')');
}

static char *
model_definition(const ModelDef *model, const HistoryDef *target)
{
	const PairShape *shape = &model->shape;
	StringInfoData out;

	initStringInfo(&out);
	if (target != NULL)
		appendStringInfo(&out, "to %s", registry_name(target->relation));
	else if (shape->sequence)
		appendStringInfo(&out, "sequence, window %u", shape->window);
	else
		appendStringInfoString(&out, "pairs");
	if (model->weighted)
		appendStringInfoString(&out, ", weighted");
	if (shape->damping > 0)
		appendStringInfo(&out, ", damping %g", shape->damping);
	if (model->half_life_interval != NULL)
		appendStringInfo(&out, ", half_life %s, generation %d days", interval_text(model->half_life_interval), shape->generation_days);
	append_measure(&out, &model->scoring);
	appendStringInfo(&out, ", neighbors %d, min_count %g", model->scoring.neighbors, model->scoring.min_count);
	return out.data;
}

/* ---------------------------------------------------------------- one row of each kind */

/*
 * In each of these what cannot fail comes first: the definition, and what the registry knows.  Then come sizes, the checks of the
 * definition, and the log.
 */
static void
catalog_row(StatusRow *row, const void *definition)
{
	const CatalogDef *catalog = definition;
	LogState	log = {0};
	bool		bound = OidIsValid(catalog->products);

	set_text(row, STATUS_DEFINITION, catalog_definition(catalog));
	set_time(row, STATUS_REFRESHED, catalog->refreshed);
	set(row, STATUS_BYTES, Int64GetDatum(relation_bytes(catalog->relation) + relation_bytes(catalog->log)));
	if (bound)
	{
		set(row, STATUS_SOURCE, ObjectIdGetDatum(catalog->products));
		set_text(row, STATUS_PROBLEM, change_log_problem(catalog->id));
		read_log(catalog->log, &log);
		set_log(row, &log, true);
	}
	set_items(row, catalog->relation);
}

static void
history_row(StatusRow *row, const void *definition)
{
	HistoryDef	seen = *(const HistoryDef *) definition;
	const HistoryDef *history = &seen;
	LogState	log = {0};

	/* to fit the log that is read below */
	registry_history_as_seen(&seen);
	set(row, STATUS_SOURCE, ObjectIdGetDatum(history->interactions));
	set(row, STATUS_BUILT, BoolGetDatum(history->built));
	set_text(row, STATUS_DEFINITION, history_definition(history));
	set(row, STATUS_BASKETS, Int64GetDatum(history->num_baskets));
	set_time(row, STATUS_REFRESHED, history->refreshed);
	set_time(row, STATUS_REBUILT, history->rebuilt);
	if (history->refreshed != DT_NOBEGIN)
	{
		set(row, STATUS_LAST_BASKETS, Int64GetDatum(history->last_baskets));
		set(row, STATUS_LAST_MS, Float8GetDatum(history->last_ms));
	}
	set(row, STATUS_BYTES, Int64GetDatum(relation_bytes(history->relation) + relation_bytes(history->log)));
	set_text(row, STATUS_PROBLEM, change_log_problem(history->id));
	read_log(history->log, &log);
	set_log(row, &log, history->built);
}

/* What a model waits for is in the logs of its histories. */
static void
model_row(StatusRow *row, const void *definition)
{
	ModelDef	seen = *(const ModelDef *) definition;
	const ModelDef *model = &seen;
	HistoryDef *history = registry_history_by_id(model->history_id);
	HistoryDef *target = model->shape.directed ? registry_history_by_id(model->target_id) : NULL;
	LogState	log = {0};

	registry_model_as_seen(&seen);
	set(row, STATUS_BUILT, BoolGetDatum(model->built));
	set_time(row, STATUS_REFRESHED, model->refreshed);
	set_time(row, STATUS_REBUILT, model->rebuilt);
	if (model->refreshed != DT_NOBEGIN)
	{
		set(row, STATUS_LAST_PAIRS, Int64GetDatum(model->last_pairs));
		set(row, STATUS_LAST_ITEMS, Int64GetDatum(model->last_items));
		set(row, STATUS_LAST_MS, Float8GetDatum(model->last_ms));
	}
	set(row, STATUS_BYTES, Int64GetDatum(relation_bytes(model->relation) + relation_bytes(model->pairs)));
	set_text(row, STATUS_DEFINITION, model_definition(model, target));
	if (history == NULL || (model->shape.directed && target == NULL))
	{
		set_text(row, STATUS_PROBLEM, "its history is gone");
		return;
	}
	set(row, STATUS_SOURCE, ObjectIdGetDatum(history->relation));
	set_text(row, STATUS_PROBLEM, get_rel_name(model->pairs) == NULL ? "its pair table is gone" : change_log_problem(history->id));
	if (target != NULL && !row->set[STATUS_PROBLEM])
		set_text(row, STATUS_PROBLEM, change_log_problem(target->id));
	read_log(history->log, &log);
	if (target != NULL)
		read_log(target->log, &log);
	set_log(row, &log, model->built);
	set_items(row, model->relation);
}

/* As of a model; what it watches itself can go wrong, too. */
static void
follower_row(StatusRow *row, const void *definition)
{
	const FollowerDef *follower = definition;
	HistoryDef *history = registry_history_by_id(follower->history_id);
	HistoryDef *target = follower->target_id ? registry_history_by_id(follower->target_id) : NULL;
	LogState	log = {0};
	int64		bytes = 0;
	char	   *problem = NULL;
	ListCell   *cell;

	set(row, STATUS_BUILT, BoolGetDatum(follower->built));
	set_time(row, STATUS_REFRESHED, follower->refreshed);
	set_time(row, STATUS_REBUILT, follower->rebuilt);
	if (follower->refreshed != DT_NOBEGIN)
	{
		set(row, STATUS_LAST_ITEMS, Int64GetDatum(follower->last_items));
		set(row, STATUS_LAST_MS, Float8GetDatum(follower->last_ms));
	}
	set_text(row, STATUS_DEFINITION, follower->kind->definition(follower));
	foreach(cell, follower_tables(follower))
	{
		bytes += relation_bytes(lfirst_oid(cell));
		if (get_rel_name(lfirst_oid(cell)) == NULL)
			problem = "one of its tables is gone";
	}
	set(row, STATUS_BYTES, Int64GetDatum(bytes));
	if (history == NULL || (follower->target_id && target == NULL))
	{
		set_text(row, STATUS_PROBLEM, "its history is gone");
		return;
	}
	set(row, STATUS_SOURCE, ObjectIdGetDatum(history->relation));
	problem = problem ? problem : change_log_problem(history->id);
	problem = problem ? problem : change_log_problem(follower->id);
	if (problem == NULL && target != NULL)
		problem = change_log_problem(target->id);
	set_text(row, STATUS_PROBLEM, problem);
	read_log(history->log, &log);
	if (target != NULL)
		read_log(target->log, &log);
	set_log(row, &log, follower->built);
	set_items(row, follower->relation);
}

static void
activity_row(StatusRow *row, const void *definition)
{
	ActivityTableDef seen = *(const ActivityTableDef *) definition;
	LogState	log = {0};

	activity_table_as_seen(&seen);
	set(row, STATUS_SOURCE, ObjectIdGetDatum(seen.customers));
	set(row, STATUS_BUILT, BoolGetDatum(seen.built));
	set_text(row, STATUS_DEFINITION, activity_definition(&seen));
	set(row, STATUS_BASKETS, Int64GetDatum(seen.num_customers));
	set_time(row, STATUS_REFRESHED, seen.refreshed);
	set_time(row, STATUS_REBUILT, seen.rebuilt);
	if (seen.refreshed != DT_NOBEGIN)
	{
		set(row, STATUS_LAST_BASKETS, Int64GetDatum(seen.last_customers));
		set(row, STATUS_LAST_MS, Float8GetDatum(seen.last_ms));
	}
	set(row, STATUS_BYTES, Int64GetDatum(relation_bytes(seen.relation) + relation_bytes(seen.log)));
	set_text(row, STATUS_PROBLEM, change_log_problem(seen.id));
	read_log(seen.log, &log);
	set_log(row, &log, seen.built);
}

/* What it waits for is in the log of its activity. */
static void
segment_row(StatusRow *row, const void *definition)
{
	SegmentDef	seen = *(const SegmentDef *) definition;
	ActivityTableDef *activity = activity_table_by_id(seen.activity_id);
	LogState	log = {0};
	int64		bytes = 0;
	ListCell   *cell;

	segment_as_seen(&seen);
	set_text(row, STATUS_DEFINITION, segment_rule_text(&seen));
	set(row, STATUS_BUILT, BoolGetDatum(seen.built));
	set(row, STATUS_ITEMS, Int64GetDatum(seen.num_members));
	set_time(row, STATUS_REFRESHED, seen.refreshed);
	set_time(row, STATUS_REBUILT, seen.rebuilt);
	if (seen.built)
		set(row, STATUS_LAST_ITEMS, Int64GetDatum(seen.last_members));
	foreach(cell, segment_tables_of(&seen))
		bytes += relation_bytes(lfirst_oid(cell));
	set(row, STATUS_BYTES, Int64GetDatum(bytes));
	if (activity != NULL)
	{
		activity_table_as_seen(activity);
		set(row, STATUS_SOURCE, ObjectIdGetDatum(activity->relation));
	}
	set_text(row, STATUS_PROBLEM, segment_standing_problem(activity, &seen));
	if (activity == NULL)
		return;
	read_log(activity->log, &log);
	set_log(row, &log, seen.built);
}

/* ---------------------------------------------------------------- all of them */

/* An error becomes the problem of the object; what is known already stays.  Cancellation is no problem of it. */
static void
read_guarded(StatusReader read, StatusRow *row, const void *definition)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		read(row, definition);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		set_text(row, STATUS_PROBLEM, error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resources;
}

/* A table that is gone belongs to nobody; only a superuser hears of it. */
static bool
may_see(Oid relation)
{
	if (get_rel_name(relation) == NULL)
		return superuser();
	return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static void
put_row(ReturnSetInfo *result, Oid relation, const char *kind, StatusReader read, const void *definition)
{
	StatusRow	row = {0};
	bool		nulls[STATUS_NUM_COLUMNS];

	if (!may_see(relation))
		return;
	set(&row, STATUS_RELATION, ObjectIdGetDatum(relation));
	set_text(&row, STATUS_KIND, kind);
	if (get_rel_name(relation) == NULL)
		set_text(&row, STATUS_PROBLEM, "the table is gone");
	else
		read_guarded(read, &row, definition);
	for (int i = 0; i < STATUS_NUM_COLUMNS; i++)
		nulls[i] = !row.set[i];
	tuplestore_putvalues(result->setResult, result->setDesc, row.value, nulls);
}

PG_FUNCTION_INFO_V1(personalize_status_rows);

Datum
personalize_status_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	compat_materialize(fcinfo);
	foreach(cell, registry_catalogs())
		put_row(result, ((CatalogDef *) lfirst(cell))->relation, "catalog", catalog_row, lfirst(cell));
	foreach(cell, registry_histories())
		put_row(result, ((HistoryDef *) lfirst(cell))->relation, "history", history_row, lfirst(cell));
	foreach(cell, registry_all_models())
		put_row(result, ((ModelDef *) lfirst(cell))->relation, "model", model_row, lfirst(cell));
	foreach(cell, followers_all())
		put_row(result, ((FollowerDef *) lfirst(cell))->relation, ((FollowerDef *) lfirst(cell))->kind->name, follower_row, lfirst(cell));
	foreach(cell, activity_tables())
		put_row(result, ((ActivityTableDef *) lfirst(cell))->relation, "activity", activity_row, lfirst(cell));
	foreach(cell, segments_all())
		put_row(result, ((SegmentDef *) lfirst(cell))->relation, "segment", segment_row, lfirst(cell));
	return (Datum) 0;
}
