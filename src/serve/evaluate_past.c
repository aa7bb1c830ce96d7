/*
 * evaluate_past.c
 *		A shop as it was at a time, in tables that are never committed.
 *
 * Histories and models are made by the same calls as the shop's own, so that they are what the shop would have had.  Copies hold only
 * the rows of the past; the future cannot leak into what never saw it.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/progress.h"
#include "model/content.h"
#include "model/follower.h"
#include "model/popularity.h"
#include "model/refresh.h"
#include "serve/evaluate_past.h"

/* ---------------------------------------------------------------- the subtransaction */

/* Whoever catches the error of ours expects to find the current subtransaction his own. */
void
past_run(TimestampTz at, void (*work) (void *arg), void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	/* 0 would end a replay, and is a time like any other */
	clock_replay(at == 0 ? 1 : at);
	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	clock_replay(0);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (error != NULL)
		ReThrowError(error);
}

/* ---------------------------------------------------------------- tables */

Past *
past_begin(const CatalogDef *catalog, char *schema, TimestampTz since, TimestampTz until)
{
	Past	   *past = palloc0(sizeof(Past));

	past->schema = schema;
	past->since = since;
	past->until = until;
	past->shop_catalog = palloc(sizeof(CatalogDef));
	*past->shop_catalog = *catalog;
	return past;
}

/* With the process in it, so that two evaluations do not wait for each other's names. */
static char *
new_name(Past *past)
{
	char	   *name = psprintf("personalize_past_%d_%d", MyProcPid, ++past->num_tables);

	if (OidIsValid(get_relname_relid(name, get_namespace_oid(past->schema, false))))
		return new_name(past);
	return quote_qualified_identifier(past->schema, name);
}

/* A call of one of our functions; its regclass. */
static Oid
make(const char *call)
{
	bool		isnull;
	Oid			made;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(call, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not execute \"%s\"", call);
	made = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	CommandCounterIncrement();
	return made;
}

/* By number, as no name can then mean something else. */
static char *
relation_literal(Oid relation)
{
	return psprintf("%u::pg_catalog.oid::pg_catalog.regclass", relation);
}

/* Bound to no products, whose triggers would lock the shop. */
static void
make_catalog(Past *past)
{
	if (past->catalog != NULL)
		return;
	past->catalog = registry_catalog(make(psprintf("SELECT personalize.create_catalog(%s, item_type => %u::pg_catalog.oid::pg_catalog.regtype)",
												   quote_literal_cstr(new_name(past)), key_type_oid(past->shop_catalog->item_type))));
}

/* ---------------------------------------------------------------- interactions */

/* A timestamp or date counts as UTC, as in source.c, so the same number does for each kind of column. */
static Oid
time_type(const HistoryDef *history)
{
	Oid			type = getBaseType(get_atttype(history->interactions, get_attnum(history->interactions, history->happened)));

	return type == TIMESTAMPTZOID ? TIMESTAMPTZOID : TIMESTAMPOID;
}

static void
require_times(const HistoryDef *history)
{
	if (history->happened == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("history %s has no times", registry_name(history->relation)),
				 errdetail("Nothing says which of its rows were known at a time."),
				 errhint("Create it with happened => the column that says when a row happened.")));
}

/* The columns that the history reads, under names of our own. */
static char *
copied_columns(const HistoryDef *history)
{
	StringInfoData list;

	initStringInfo(&list);
	appendStringInfo(&list, "i.%s AS basket, i.%s AS item, i.%s AS happened", quote_identifier(history->basket),
					 quote_identifier(history->item), quote_identifier(history->happened));
	if (history->weight != NULL)
		appendStringInfo(&list, ", i.%s AS weight", quote_identifier(history->weight));
	if (history->event != NULL)
		appendStringInfo(&list, ", i.%s AS event", quote_identifier(history->event));
	return list.data;
}

/* Inside SPI.  A failure of the statement itself is an error by itself. */
static void
execute(const char *command, int num_parameters, Oid *types, Datum *values)
{
	if (SPI_execute_with_args(command, num_parameters, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", command);
}

/* CREATE INDEX reports its own progress, and leaves none of ours behind. */
void
past_phase(ProgressPhase phase)
{
	if (!progress_begin(phase))
		progress_phase(phase);
}

/* As the caller, whose rights decide what is read.  Indexed, as a history without an index is warned about. */
static char *
copy_interactions(Past *past, const HistoryDef *history, bool test)
{
	char	   *name = new_name(past);
	char	   *source = registry_name(history->interactions);
	char	   *columns = copied_columns(history);
	Oid			type = time_type(history);
	Oid			types[] = {type, type};
	Datum		values[] = {TimestampTzGetDatum(past->since), TimestampTzGetDatum(past->until)};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	execute(psprintf("CREATE UNLOGGED TABLE %s AS SELECT %s FROM %s AS i WITH NO DATA", name, columns, source), 0, NULL, NULL);
	execute(psprintf("INSERT INTO %s SELECT %s FROM %s AS i WHERE i.%s %s", name, columns, source, quote_identifier(history->happened),
					 test ? psprintf("OPERATOR(pg_catalog.>) $1 AND i.%s OPERATOR(pg_catalog.<=) $2", quote_identifier(history->happened)) :
					 "OPERATOR(pg_catalog.<=) $1"),
			test ? 2 : 1, types, values);
	past->num_rows += SPI_processed;
	execute(psprintf("CREATE INDEX ON %s (basket)", name), 0, NULL, NULL);
	SPI_finish();
	past_phase(PROGRESS_COPYING);
	progress_update(past->num_rows, 0);
	CommandCounterIncrement();
	return name;
}

/* ---------------------------------------------------------------- histories */

static void
append_events(StringInfo call, const HistoryDef *history)
{
	if (history->event == NULL)
		return;
	appendStringInfoString(call, ", event => 'event', events => ARRAY[");
	for (int i = 0; i < history->num_events; i++)
		appendStringInfo(call, "%s%s", i > 0 ? ", " : "", quote_literal_cstr(history->events[i]));
	appendStringInfoString(call, "]::pg_catalog.text[]");
	if (history->event_weights == NULL)
		return;
	appendStringInfoString(call, ", event_weights => ARRAY[");
	for (int i = 0; i < history->num_events; i++)
		appendStringInfo(call, "%s%d", i > 0 ? ", " : "", history->event_weights[i]);
	appendStringInfoString(call, "]");
}

/* As text that reads back to the same interval. */
static char *
interval_literal(Interval *interval)
{
	return psprintf("%s::pg_catalog.interval",
					quote_literal_cstr(DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval)))));
}

/* Limits belong to what was known; what happened afterwards counts as it happened. */
static void
append_limits(StringInfo call, const HistoryDef *history)
{
	if (history->max_basket > 0)
		appendStringInfo(call, ", max_basket => %d", history->max_basket);
	else
		appendStringInfoString(call, ", max_basket => NULL");
	if (history->horizon != NULL)
		appendStringInfo(call, ", horizon => %s", interval_literal(history->horizon));
}

/* By the function that made the shop's own, so that a basket is the same thing. */
static HistoryDef *
make_history(Past *past, const HistoryDef *history, bool test)
{
	StringInfoData call;
	char	   *copy;

	require_times(history);
	make_catalog(past);
	copy = copy_interactions(past, history, test);
	initStringInfo(&call);
	appendStringInfo(&call, "SELECT personalize.create_history(%s, %s::pg_catalog.regclass, 'basket', 'item', 'happened'",
					 quote_literal_cstr(new_name(past)), quote_literal_cstr(copy));
	if (history->weight != NULL)
		appendStringInfoString(&call, ", weight => 'weight'");
	append_events(&call, history);
	if (test)
		appendStringInfoString(&call, ", max_basket => NULL");
	else
		append_limits(&call, history);
	/* items that came only later are not in the past's catalog, where a list might find them */
	if (!test)
		appendStringInfo(&call, ", catalog => %s", relation_literal(past->catalog->relation));
	appendStringInfoString(&call, ", build => false)");
	return registry_require_history(make(call.data));
}

/* A handful, so a list will do. */
static Oid
find_copy(const Past *past, Oid shop)
{
	ListCell   *cell;

	foreach(cell, past->copies)
	{
		const PastCopy *copy = lfirst(cell);

		if (copy->shop == shop)
			return copy->past;
	}
	return InvalidOid;
}

static Oid
add_copy(Past *past, Oid shop, Oid made)
{
	PastCopy   *copy = palloc(sizeof(PastCopy));

	copy->shop = shop;
	copy->past = made;
	past->copies = lappend(past->copies, copy);
	return made;
}

static void
require_same_catalog(const Past *past, const HistoryDef *history)
{
	if (history->catalog_id != past->shop_catalog->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("history %s has another catalog than %s", registry_name(history->relation), registry_name(past->shop_catalog->relation)),
				 errhint("Create histories with the same catalog => ….")));
}

/* Once for each, as models that share a history are refreshed together. */
HistoryDef *
past_history(Past *past, const HistoryDef *history)
{
	Oid			made = find_copy(past, history->relation);

	if (OidIsValid(made))
		return registry_require_history(made);
	require_same_catalog(past, history);
	return registry_require_history(add_copy(past, history->relation, make_history(past, history, false)->relation));
}

/* Stands for none of the shop's: nothing may find it when it looks for a past. */
HistoryDef *
past_test_history(Past *past, const HistoryDef *history)
{
	HistoryDef *made = make_history(past, history, true);

	add_copy(past, InvalidOid, made->relation);
	return made;
}

/* ---------------------------------------------------------------- models */

static void
append_number(StringInfo call, const char *argument, double value)
{
	appendStringInfo(call, ", %s => '%.17g'::pg_catalog.float8", argument, value);
}

/* Only what the measure takes: whatever else is given is refused. */
static void
append_scoring(StringInfo call, const ModelScoring *scoring)
{
	static const char *const names[MEASURE_NUM_PARAMS] = {"shrinkage", "a", "b", "p", "z"};
	const MeasureParams *params = &scoring->measure.params;
	const double values[MEASURE_NUM_PARAMS] = {params->shrinkage, params->a, params->b, params->p, params->z};

	appendStringInfo(call, ", measure => '%s', neighbors => %d", scoring->ridge ? REGISTRY_RIDGE : scoring->measure.info->name, scoring->neighbors);
	append_number(call, "min_count", scoring->min_count);
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (scoring->measure.info->takes & (1 << i))
			append_number(call, names[i], values[i]);
	if (!scoring->ridge)
		return;
	append_number(call, "lambda", scoring->lambda);
	append_number(call, "delta", scoring->delta);
	appendStringInfo(call, ", ridge_size => %d", scoring->ridge_size);
}

/* What decides the counts. */
static void
append_shape(StringInfo call, const ModelDef *model)
{
	append_number(call, "damping", model->shape.damping);
	if (model->shape.sequence)
		appendStringInfo(call, ", sequence => true, \"window\" => %d", model->shape.window);
	if (model->half_life_interval != NULL)
		appendStringInfo(call, ", half_life => %s, generation => pg_catalog.make_interval(days => %d)",
						 interval_literal(model->half_life_interval), model->shape.generation_days);
}

/* The past of a history by its id; 0: none. */
static Oid
past_of_id(Past *past, int32 id)
{
	HistoryDef *history = id == 0 ? NULL : registry_history_by_id(id);

	return history == NULL ? InvalidOid : past_history(past, history)->relation;
}

/* Not built yet: all of a history are built together. */
Oid
past_make_model(Past *past, const ModelDef *model)
{
	Oid			source = past_history(past, registry_require_history_of(model->relation, model->history_id))->relation;
	Oid			target = past_of_id(past, model->target_id);
	StringInfoData call;

	initStringInfo(&call);
	appendStringInfo(&call, "SELECT personalize.create_cooccurrence(%s, %s, build => false", quote_literal_cstr(new_name(past)),
					 relation_literal(source));
	if (OidIsValid(target))
		appendStringInfo(&call, ", target => %s", relation_literal(target));
	append_scoring(&call, &model->scoring);
	append_shape(&call, model);
	appendStringInfoChar(&call, ')');
	return make(call.data);
}

/* A copy, as the shop's own would get triggers.  Segments are those of now: what they were is not known. */
static Oid
copy_segments(Past *past, const PopularityDef *popularity)
{
	char	   *name = new_name(past);
	StringInfoData columns;

	initStringInfo(&columns);
	appendStringInfo(&columns, "s.%s", quote_identifier(popularity->key));
	for (int i = 0; i < popularity->num_by; i++)
		appendStringInfo(&columns, ", s.%s", quote_identifier(popularity->by[i]));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	execute(psprintf("CREATE UNLOGGED TABLE %s AS SELECT %s FROM %s AS s", name, columns.data, registry_name(popularity->segments)), 0, NULL, NULL);
	execute(psprintf("CREATE INDEX ON %s (%s)", name, quote_identifier(popularity->key)), 0, NULL, NULL);
	SPI_finish();
	CommandCounterIncrement();
	return DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name)));
}

static Oid
make_follower(Past *past, const FollowerDef *follower)
{
	Oid			source = past_of_id(past, follower->history_id);
	Oid			target = past_of_id(past, follower->target_id);
	PopularityDef *popularity = popularity_of_relation(follower->relation);

	if (popularity != NULL && OidIsValid(popularity->segments))
	{
		popularity->segments = copy_segments(past, popularity);
		follower = &popularity->follower;
	}
	if (follower->kind->same_call == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be made again as it was at a time", registry_name(follower->relation))));
	return make(follower->kind->same_call(follower, new_name(past), source, target));
}

Oid
past_model(Past *past, Oid relation)
{
	Oid			made = find_copy(past, relation);
	ModelDef   *model;
	FollowerDef *follower;

	if (OidIsValid(made))
		return made;
	/* what products have in common is nothing that anybody did */
	if ((model = registry_model(relation)) != NULL && content_is_model(model))
		return relation;
	if (model != NULL)
		return add_copy(past, relation, past_make_model(past, model));
	if ((follower = follower_of_relation(relation)) != NULL)
		return add_copy(past, relation, make_follower(past, follower));
	return relation;
}

/* ---------------------------------------------------------------- filling */

/* Histories that directed models join are refreshed together, so some are filled twice, the second time with nothing to do. */
void
past_build(Past *past)
{
	ListCell   *cell;

	past_phase(PROGRESS_READING);
	foreach(cell, past->copies)
	{
		HistoryDef *history = registry_history(((PastCopy *) lfirst(cell))->past);
		RefreshReport report;

		if (history != NULL)
			refresh_group(history->id, history->built ? REFRESH_INCREMENTAL : REFRESH_REBUILD, true, &report);
		CHECK_FOR_INTERRUPTS();
	}
	CommandCounterIncrement();
	PushCopiedSnapshot(GetTransactionSnapshot());
}
