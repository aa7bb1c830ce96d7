/*
 * dropoff_delay.c
 *		The call that a page makes: how long its trigger should wait.
 *
 * It reads the drop-offs of a segment, a device, a page type and the site from a table or view of the shop, in one statement of four index scans.
 * The statement is kept by the backend until something about the relation, or a schema, changes.
 */
#include "base/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/guards.h"
#include "value/duration.h"
#include "value/trigger.h"

#define NUM_LEVELS 4

/* From the whole down; a level names the first of them, and the others are null in its row. */
static const char *const columns[] = {"page_type", "device", "segment"};
static const char *const level_names[NUM_LEVELS] = {"segment", "device", "page_type", "site"};

/* --- statements ------------------------------------------------------------- */

typedef struct KeptStatement
{
	Oid			relation;
	SPIPlanPtr	plan;
	int			in_use;			/* calls; a view may call us again */
	bool		stale;
	struct KeptStatement *next;
} KeptStatement;

static KeptStatement *kept = NULL;

/* May come in the middle of a call, so it only marks. */
static void
relation_changed(Datum arg, Oid relation)
{
	for (KeptStatement *k = kept; k != NULL; k = k->next)
		k->stale |= !OidIsValid(relation) || k->relation == relation;
}

/* Names of schemas stand in the statements. */
static void
schema_changed(Datum arg, int cache, uint32 hash)
{
	relation_changed(arg, InvalidOid);
}

static void
drop_stale(void)
{
	KeptStatement **link = &kept;

	while (*link != NULL)
	{
		KeptStatement *k = *link;

		if (!k->stale || k->in_use > 0)
		{
			link = &k->next;
			continue;
		}
		*link = k->next;
		SPI_freeplan(k->plan);
		pfree(k);
	}
}

/* The row of a level: the first columns as asked for, the others null; a relation need not have all of them. */
static void
add_level(StringInfo sql, Oid relation, const char *name, int num_named)
{
	appendStringInfo(sql, "(SELECT personalize.rollup(t.dropoff) FROM %s AS t WHERE true", name);
	for (int i = 0; i < lengthof(columns); i++)
	{
		AttrNumber	column = get_attnum(relation, columns[i]);

		if (column == InvalidAttrNumber)
			appendStringInfoString(sql, i < num_named ? " AND false" : "");
		else if (i < num_named)
			appendStringInfo(sql, " AND t.%s OPERATOR(pg_catalog.=) CAST($%d AS %s)", columns[i], i + 1,
							 format_type_be_qualified(get_atttype(relation, column)));
		else
			appendStringInfo(sql, " AND t.%s IS NULL", columns[i]);
	}
	appendStringInfoChar(sql, ')');
}

static char *
statement_of(Oid relation)
{
	char	   *table = get_rel_name(relation);
	char	   *name;
	StringInfoData sql;

	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no relation with oid %u", relation)));
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), table);
	if (get_attnum(relation, "dropoff") == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column dropoff", name),
				 errhint("It is read as made by SELECT page_type, device, segment, personalize.dropoff(dwell, ending) AS dropoff ... GROUP BY ROLLUP (page_type, device, segment).")));
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int level = 0; level < NUM_LEVELS; level++)
	{
		if (level > 0)
			appendStringInfoString(&sql, ", ");
		add_level(&sql, relation, name, lengthof(columns) - level);
	}
	return sql.data;
}

static KeptStatement *
make_statement(Oid relation)
{
	static bool prepared = false;
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID};
	KeptStatement *k;
	SPIPlanPtr	plan;

	/* once for the backend, and before anything is looked at: a callback cannot be taken back */
	if (!prepared)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
		prepared = true;
	}
	plan = SPI_prepare(statement_of(relation), lengthof(types), types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare the statement of dropoff_delay: %s", SPI_result_code_string(SPI_result));
	k = MemoryContextAllocZero(TopMemoryContext, sizeof(KeptStatement));
	k->relation = relation;
	k->plan = plan;
	k->next = kept;
	return kept = k;
}

static KeptStatement *
find_statement(Oid relation)
{
	drop_stale();
	for (KeptStatement *k = kept; k != NULL; k = k->next)
		if (k->relation == relation && !k->stale)
			return k;
	return make_statement(relation);
}

static void
execute(KeptStatement *k, Datum *values, const char *nulls)
{
	int			result = 0;

	k->in_use++;
	PG_TRY();
	{
		result = SPI_execute_plan(k->plan, values, nulls, true, 0);
	}
	PG_CATCH();
	{
		k->in_use--;
		PG_RE_THROW();
	}
	PG_END_TRY();
	k->in_use--;
	if (result != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the statement of dropoff_delay returned %s", SPI_result_code_string(result));
}

/* --- the call --------------------------------------------------------------- */

/* Arguments in their order; the first four are read where they are used. */
enum
{
	ARG_SOURCE, ARG_PAGE_TYPE, ARG_DEVICE, ARG_SEGMENT, ARG_CUSTOMER, ARG_SEED, ARG_PACE, ARG_EFFICACY,
	ARG_RANDOM_SHARE, ARG_CONTROL_SHARE, ARG_READING, ARG_COST, ARG_T_MIN, ARG_T_MAX, ARG_FALLBACK
};

static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const struct
	{
		int			number;
		const char *name;
	}			needed[] = {
		{ARG_SOURCE, "source"}, {ARG_SEED, "seed"}, {ARG_PACE, "pace"}, {ARG_RANDOM_SHARE, "random_share"}, {ARG_CONTROL_SHARE, "control_share"},
		{ARG_READING, "reading"}, {ARG_COST, "cost"}, {ARG_T_MIN, "t_min"}, {ARG_T_MAX, "t_max"}, {ARG_FALLBACK, "fallback"}
	};

	for (int i = 0; i < lengthof(needed); i++)
		guard_not_null(needed[i].name, PG_ARGISNULL(needed[i].number));
	trigger_guard_pace(PG_GETARG_FLOAT8(ARG_PACE));
	duration_microseconds("fallback", PG_GETARG_INTERVAL_P(ARG_FALLBACK));
}

/* Without a customer there is nobody to draw. */
static TriggerDraw
draw_arm(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(ARG_CUSTOMER))
		return (TriggerDraw) {TRIGGER_ARM_BEST, 1, 0};
	return trigger_draw(PG_GETARG_TEXT_PP(ARG_SEED), PG_GETARG_TEXT_PP(ARG_CUSTOMER),
						PG_GETARG_FLOAT8(ARG_RANDOM_SHARE), PG_GETARG_FLOAT8(ARG_CONTROL_SHARE));
}

/* What the page needs: the best time's figures, and the time of its arm, in seconds; NaN: none. */
static TriggerReply
ask(FunctionCallInfo fcinfo, const TriggerDraw *draw, double *after)
{
	TriggerQuestion question = trigger_question(PG_GETARG_INTERVAL_P(ARG_READING), PG_GETARG_FLOAT8(ARG_COST),
												PG_GETARG_INTERVAL_P(ARG_T_MIN), PG_GETARG_INTERVAL_P(ARG_T_MAX));
	TriggerEfficacy efficacy;
	Datum		values[NUM_LEVELS];
	bool		nulls[NUM_LEVELS];
	TriggerLevels levels = {NUM_LEVELS, values, nulls};
	TriggerReply reply;

	if (!PG_ARGISNULL(ARG_EFFICACY))
	{
		trigger_read_efficacy(PG_GETARG_DATUM(ARG_EFFICACY), &efficacy);
		question.efficacy = &efficacy;
	}
	for (int i = 0; i < NUM_LEVELS; i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i]);
	reply = trigger_reply(&levels, &question);
	*after = reply.flagged ? duration_seconds(duration_microseconds("fallback", PG_GETARG_INTERVAL_P(ARG_FALLBACK)))
		: draw->arm == TRIGGER_ARM_RANDOM ? trigger_quantile(values[reply.source], draw->quantile)
		: reply.answer.t * PG_GETARG_FLOAT8(ARG_PACE);
	if (draw->arm == TRIGGER_ARM_CONTROL)
		*after = NAN;
	return reply;
}

static Datum
row_of(FunctionCallInfo fcinfo, const TriggerReply *reply, const TriggerDraw *draw, double after)
{
	const TriggerAnswer *a = &reply->answer;
	Datum		values[10];
	bool		nulls[10] = {false};
	TupleDesc	desc;

	nulls[0] = isnan(after);
	values[0] = nulls[0] ? (Datum) 0 : IntervalPGetDatum(duration_interval((int64) rint(after * USECS_PER_SEC)));
	values[1] = CStringGetTextDatum(trigger_arm_name(draw->arm));
	values[2] = Float8GetDatum(draw->propensity);
	values[3] = Float8GetDatum(a->still_here);
	values[4] = Float8GetDatum(a->reachable);
	values[5] = Float8GetDatum(1000 * a->rescued);
	values[6] = Float8GetDatum(a->utility);
	for (int i = 3; i <= 6; i++)
		nulls[i] = reply->flagged;
	values[7] = CStringGetTextDatum(reply->flagged ? "default" : level_names[reply->source]);
	values[8] = Float8GetDatum(reply->views);
	values[9] = BoolGetDatum(reply->flagged);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_delay);
Datum
personalize_dropoff_delay(PG_FUNCTION_ARGS)
{
	Datum		values[lengthof(columns)];
	char		nulls[lengthof(columns)];
	TriggerDraw draw;
	TriggerReply reply;
	double		after;

	check_arguments(fcinfo);
	draw = draw_arm(fcinfo);
	for (int i = 0; i < lengthof(columns); i++)
	{
		values[i] = PG_GETARG_DATUM(ARG_PAGE_TYPE + i);
		nulls[i] = PG_ARGISNULL(ARG_PAGE_TYPE + i) ? 'n' : ' ';
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	execute(find_statement(PG_GETARG_OID(ARG_SOURCE)), values, nulls);
	reply = ask(fcinfo, &draw, &after);
	SPI_finish();
	return row_of(fcinfo, &reply, &draw, after);
}
