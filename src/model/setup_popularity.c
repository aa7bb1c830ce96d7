/*
 * setup_popularity.c
 *		create_popularity, create_trending, create_conversion and create_repeat.
 *
 * The four differ in a few arguments only; where each stands is a row of a table.
 */
#include "base/compat.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "model/change_log_target.h"
#include "model/popularity_counts.h"
#include "model/refresh.h"
#include "model/setup.h"

/* Places of arguments; name and history are the first two everywhere.  -1: there is none. */
typedef struct Places
{
	const char *function;
	int			target;
	int			half_life;
	int			baseline;
	int			alpha;
	int			segments;		/* then key, by, kappa, keep, watch, build */
} Places;

enum
{
	ARG_NAME, ARG_HISTORY
};

/* From `segments` on. */
enum
{
	NEXT_SEGMENTS, NEXT_KEY, NEXT_BY, NEXT_KAPPA, NEXT_KEEP, NEXT_WATCH, NEXT_BUILD
};

static const Places places[] = {
	[POPULARITY_SHARE] = {"personalize.create_popularity()", -1, 2, -1, -1, 3},
	[POPULARITY_TRENDING] = {"personalize.create_trending()", -1, 2, 3, 4, 5},
	[POPULARITY_CONVERSION] = {"personalize.create_conversion()", 2, 3, -1, -1, 4},
	[POPULARITY_REPEAT] = {"personalize.create_repeat()", -1, 2, -1, -1, 3},
};

#define MAX_DAYS 36500.0
#define MIN_DAYS (1.0 / 1440)	/* a minute */
#define MAX_BY 4
#define MAX_KEEP 100000

static bool
is_given(FunctionCallInfo fcinfo, int argument)
{
	return argument >= 0 && !PG_ARGISNULL(argument);
}

/* ---------------------------------------------------------------- time */

static Interval *
read_interval(FunctionCallInfo fcinfo, const char *name, int argument)
{
	Interval   *interval;
	double		days;

	if (!is_given(fcinfo, argument))
		return NULL;
	interval = PG_GETARG_INTERVAL_P(argument);
	days = registry_interval_days(interval);
	if (!(days >= MIN_DAYS && days <= MAX_DAYS))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be between 1 minute and %.0f days", name, MAX_DAYS),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval))))));
	return interval;
}

/* A default cannot be told from what was written, so the hint says how to do without. */
static void
require_times(const PopularityDef *def, const HistoryDef *history)
{
	if (def->half_life == NULL || history->happened != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("half_life needs a history with happened"),
			 errdetail("%s has no times, so nothing says how old an event is.", registry_name(history->relation)),
			 def->ranks == POPULARITY_TRENDING ? errhint("Make a history with happened => the column that has them.") :
			 errhint("half_life => NULL counts all events alike.")));
}

/* What comes and goes is seen against what lasts. */
static void
read_trend(FunctionCallInfo fcinfo, const Places *at, PopularityDef *def)
{
	guard_not_null("half_life", !is_given(fcinfo, at->half_life));
	guard_not_null("baseline", !is_given(fcinfo, at->baseline));
	guard_not_null("alpha", !is_given(fcinfo, at->alpha));
	def->baseline = read_interval(fcinfo, "baseline", at->baseline);
	if (registry_interval_days(def->baseline) <= registry_interval_days(def->half_life))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("baseline must be longer than half_life"),
				 errdetail("What is trending comes more often within half_life than baseline makes one expect.")));
	def->alpha = guard_float_range("alpha", PG_GETARG_FLOAT8(at->alpha), 0, 1e6);
	if (def->alpha <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("alpha must be greater than 0"),
				 errdetail("Without it an item that was never seen before would trend without bounds.")));
}

/* Without weights nobody knows how often. */
static void
require_weights(const PopularityDef *def, const HistoryDef *history)
{
	if (def->ranks != POPULARITY_REPEAT || history->weight != NULL || history->event_weights != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("repeat rates need a history with weights"),
			 errdetail("In %s an item counts once, however often it was bought.", registry_name(history->relation)),
			 errhint("create_history(..., weight => a column), for example one that is 1 for each purchase.")));
}

/* ---------------------------------------------------------------- segments */

static void
read_by(FunctionCallInfo fcinfo, int argument, PopularityDef *def)
{
	Datum	   *names;
	bool	   *nulls;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, &nulls, &def->num_by);
	if (def->num_by < 1 || def->num_by > MAX_BY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("by must name between 1 and %d columns", MAX_BY),
				 errdetail("It names %d.", def->num_by)));
	def->by = palloc(def->num_by * sizeof(char *));
	for (int i = 0; i < def->num_by; i++)
	{
		guard_not_null("a column in by", nulls[i]);
		def->by[i] = NameStr(*DatumGetName(names[i]));
		for (int before = 0; before < i; before++)
			if (strcmp(def->by[before], def->by[i]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("by names column \"%s\" twice", def->by[i])));
	}
}

static void
require_by_type(Oid relation, const char *column)
{
	Oid			type = setup_require_column("by", relation, column);

	if (!segment_type_fits(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("by cannot be of type %s", format_type_be(type)),
				 errdetail("Column \"%s\" of %s must be a text, an integer, a boolean, a uuid or an enum.", column, registry_name(relation)),
				 errhint("A view can make classes of it, for example age bands of a date of birth.")));
}

/* A refresh reads them as the owner of the history, so he must be able to as well. */
static void
require_segments(const PopularityDef *def, const HistoryDef *history)
{
	Oid			type;

	setup_require_source("segments", def->segments);
	type = setup_require_column("key", def->segments, def->key);
	if (!log_type_fits(type, history->basket_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key cannot be of type %s", format_type_be(type)),
				 errdetail("Column \"%s\" of %s must be %s, as the baskets of %s are.", def->key, registry_name(def->segments),
						   key_type_name(history->basket_type), registry_name(history->relation))));
	for (int i = 0; i < def->num_by; i++)
		require_by_type(def->segments, def->by[i]);
}

static void
fail_incomplete(const char *given, const char *missing)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s needs %s", given, missing),
			 errhint("Segments take all three, for example segments => 'shop.customers', key => 'id', by => '{country}'.")));
}

static void
read_segments(FunctionCallInfo fcinfo, int first, const HistoryDef *history, PopularityDef *def)
{
	static const char *const names[] = {"segments", "key", "by"};
	OwnerScope	owner;

	for (int a = NEXT_SEGMENTS; a <= NEXT_BY; a++)
		for (int b = NEXT_SEGMENTS; b <= NEXT_BY; b++)
			if (is_given(fcinfo, first + a) && !is_given(fcinfo, first + b))
				fail_incomplete(names[a], names[b]);
	if (!is_given(fcinfo, first + NEXT_SEGMENTS))
	{
		if (is_given(fcinfo, first + NEXT_WATCH))
			fail_incomplete("watch", "segments");
		return;
	}
	def->segments = PG_GETARG_OID(first + NEXT_SEGMENTS);
	def->key = NameStr(*PG_GETARG_NAME(first + NEXT_KEY));
	read_by(fcinfo, first + NEXT_BY, def);
	require_segments(def, history);
	registry_enter_owner(history->relation, &owner);
	require_segments(def, history);
	registry_leave_owner(&owner);
}

/* ---------------------------------------------------------------- all arguments */

static void
read_definition(FunctionCallInfo fcinfo, const HistoryDef *history, const HistoryDef *target, PopularityDef *def)
{
	const Places *at = &places[def->ranks];

	def->follower.history_id = history->id;
	def->item_type = history->item_type;
	if (target != NULL)
	{
		setup_require_joined(history, target);
		def->follower.target_id = target->id;
	}
	def->half_life = read_interval(fcinfo, "half_life", at->half_life);
	if (def->ranks == POPULARITY_TRENDING)
		read_trend(fcinfo, at, def);
	require_times(def, history);
	require_weights(def, history);
	guard_not_null("kappa", !is_given(fcinfo, at->segments + NEXT_KAPPA));
	guard_not_null("keep", !is_given(fcinfo, at->segments + NEXT_KEEP));
	def->kappa = guard_float_range("kappa", PG_GETARG_FLOAT8(at->segments + NEXT_KAPPA), 0, 1e9);
	def->keep = guard_int_range("keep", PG_GETARG_INT32(at->segments + NEXT_KEEP), 1, MAX_KEEP);
	read_segments(fcinfo, at->segments, history, def);
	popularity_set_decay(def);
	for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
		def->first_epoch[what] = PG_INT32_MIN;
	def->as_of = DT_NOBEGIN;
}

/* ---------------------------------------------------------------- tables */

/* They belong to the owner of the history, who refreshes them. */
static void
create_tables(PopularityDef *def, const HistoryDef *history, const NewTable *table)
{
	const char *element = key_type_name(def->item_type);
	const char *segment = "segment pg_catalog.text[] COLLATE pg_catalog.\"C\"";
	OwnerScope	owner;

	registry_enter_owner(history->relation, &owner);
	def->follower.relation =
		setup_create_table(table, NULL,
						   psprintf("%s PRIMARY KEY, n pg_catalog.float8 NOT NULL,"
									" items %s[]%s NOT NULL, counts pg_catalog.float8[] NOT NULL, scores pg_catalog.float8[] NOT NULL",
									segment, element, def->item_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : ""),
						   "fillfactor = 50");
	def->counts =
		setup_create_table(table, "counts",
						   psprintf("%s, chunk pg_catalog.int4, what pg_catalog.int2, sums pg_catalog.bytea NOT NULL,"
									" PRIMARY KEY (segment, chunk, what)", segment),
						   "fillfactor = 70");
	if (def->num_by > 0)
		def->members =
			setup_create_table(table, "members",
							   psprintf("basket %s PRIMARY KEY, %s NOT NULL", setup_key_column(history->basket_type), segment),
							   "fillfactor = 90");
	registry_leave_owner(&owner);
}

/* A snapshot from before the triggers would miss what was committed between: as for a history. */
static void
first_build(const PopularityDef *def, const HistoryDef *history)
{
	RefreshReport report;

	if (OidIsValid(def->segments) && IsolationUsesXactSnapshot())
		ereport(NOTICE,
				(errmsg("%s is empty until its first refresh", registry_name(def->follower.relation)),
				 errdetail("A transaction of isolation level REPEATABLE READ or SERIALIZABLE cannot see what was committed since it began."),
				 errhint("CALL personalize.refresh(%s); after this transaction.",
						 quote_literal_cstr(registry_name(def->follower.relation)))));
	else
		refresh_group(history->id, REFRESH_INCREMENTAL, true, &report);
}

static Datum
create(FunctionCallInfo fcinfo, PopularityKind ranks, const FollowerKind *kind)
{
	const Places *at = &places[ranks];
	PopularityDef def = {.ranks = ranks, .follower.kind = kind};
	HistoryDef *history;
	HistoryDef *target = NULL;
	NewTable	table;

	PreventCommandDuringRecovery(at->function);
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("history", PG_ARGISNULL(ARG_HISTORY));
	if (at->target >= 0)
		guard_not_null("target", PG_ARGISNULL(at->target));
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	history = setup_history_argument(PG_GETARG_OID(ARG_HISTORY));
	if (at->target >= 0)
		target = setup_history_argument(PG_GETARG_OID(at->target));
	setup_lock_histories(history, target);
	read_definition(fcinfo, history, target, &def);
	def.follower.id = registry_next_id();
	create_tables(&def, history, &table);
	/* registered first: the triggers read their definition from there */
	popularity_add(&def);
	CommandCounterIncrement();
	if (OidIsValid(def.segments))
		setup_watch(def.follower.id, def.segments, def.key, history->basket_type,
					is_given(fcinfo, at->segments + NEXT_WATCH) ? PG_GETARG_JSONB_P(at->segments + NEXT_WATCH) : NULL, false);
	setup_depend_follower(&def.follower);
	CommandCounterIncrement();
	if (!is_given(fcinfo, at->segments + NEXT_BUILD) || PG_GETARG_BOOL(at->segments + NEXT_BUILD))
		first_build(&def, history);
	PG_RETURN_OID(def.follower.relation);
}

PG_FUNCTION_INFO_V1(personalize_create_popularity);

Datum
personalize_create_popularity(PG_FUNCTION_ARGS)
{
	return create(fcinfo, POPULARITY_SHARE, &popularity_follower);
}

PG_FUNCTION_INFO_V1(personalize_create_trending);

Datum
personalize_create_trending(PG_FUNCTION_ARGS)
{
	return create(fcinfo, POPULARITY_TRENDING, &trending_follower);
}

PG_FUNCTION_INFO_V1(personalize_create_conversion);

Datum
personalize_create_conversion(PG_FUNCTION_ARGS)
{
	return create(fcinfo, POPULARITY_CONVERSION, &conversion_follower);
}

PG_FUNCTION_INFO_V1(personalize_create_repeat);

Datum
personalize_create_repeat(PG_FUNCTION_ARGS)
{
	return create(fcinfo, POPULARITY_REPEAT, &repeat_follower);
}
