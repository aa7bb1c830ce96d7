/*
 * trigger.c
 *		best_trigger, the arms of its test, what the test has shown, and the visitor's own pace.
 */
#include "value/trigger.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/guards.h"
#include "value/dropoff.h"
#include "value/duration.h"

/* --- arguments -------------------------------------------------------------- */

static double
seconds_of(const char *argument, const Interval *interval)
{
	return duration_seconds(duration_microseconds(argument, interval));
}

TriggerQuestion
trigger_question(const Interval *reading, double cost, const Interval *t_min, const Interval *t_max)
{
	TriggerQuestion q = {seconds_of("reading", reading), guard_float_range("cost", cost, 0, 1), seconds_of("t_min", t_min), seconds_of("t_max", t_max), NULL};

	guard_float_range("reading", q.reading, 0, 3600);
	guard_float_range("t_max", q.t_max, 0, TRIGGER_LAST_TIME);
	if (q.t_min > q.t_max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("t_min is after t_max"),
				 errdetail("They are %g and %g seconds.", q.t_min, q.t_max)));
	return q;
}

double
trigger_guard_pace(double pace)
{
	return guard_float_range("pace", pace, 0.1, 10);
}

/* --- the best time ---------------------------------------------------------- */

/* A level's counts, with the time at which all levels are weighed. */
typedef struct Level
{
	bool		known;
	DropoffCounts counts;
} Level;

static int64
read_levels(const TriggerLevels *levels, Env *env, Level *level)
{
	int64		as_of = PG_INT64_MIN;

	for (int i = 0; i < levels->n; i++)
	{
		level[i].known = !levels->null[i];
		if (!level[i].known)
			continue;
		dropoff_read(levels->value[i], env, &level[i].counts);
		if (level[i].counts.decay.half_life != 0)
			as_of = Max(as_of, level[i].counts.latest);
	}
	return as_of;
}

/*
 * From the whole down to the page itself, each level is the next one's prior.  Returns the views of the whole, and leaves the page's hazards; what is
 * said of the source is overwritten by each nearer level that has enough views to be one.
 */
static double
chain(const TriggerLevels *levels, Level *level, Env *env, int64 as_of, DropoffHazard *hazard, TriggerReply *reply)
{
	double		whole = -1;

	for (int i = levels->n - 1; i >= 0; i--)
	{
		DropoffTable table;

		if (!level[i].known)
			continue;
		dropoff_table(&level[i].counts, as_of, &table);
		dropoff_release(env, &level[i].counts);
		dropoff_hazard(&table, whole < 0 ? NULL : hazard, hazard);
		if (whole < 0 || table.views >= TRIGGER_MIN_VIEWS)
		{
			reply->source = i;
			reply->views = table.views;
		}
		whole = whole < 0 ? table.views : whole;
	}
	return whole;
}

TriggerReply
trigger_reply(const TriggerLevels *levels, const TriggerQuestion *question)
{
	TriggerReply reply = {true, 0, 0, {0}};
	Level	   *level = palloc(sizeof(Level) * Max(levels->n, 1));
	ServerEnv	server;
	int64		as_of;
	DropoffHazard hazard;
	DropoffCurve curve;

	server_env_init(&server, CurrentMemoryContext);
	as_of = read_levels(levels, &server.env, level);
	if (chain(levels, level, &server.env, as_of, &hazard, &reply) >= TRIGGER_MIN_VIEWS)
	{
		dropoff_smooth(&hazard);
		dropoff_curve(&hazard, &curve);
		reply.answer = trigger_best(&curve, question);
		/* where nobody ever leaves there is nobody to hold back */
		reply.flagged = curve.exits[DROPOFF_BINS] == 0;
	}
	pfree(level);
	return reply;
}

/* The value and its parents, in one row. */
static TriggerLevels
levels_of(FunctionCallInfo fcinfo)
{
	TriggerLevels levels = {1, NULL, NULL};
	Datum	   *parents = NULL;
	bool	   *nulls = NULL;
	int			n = 0;

	if (!PG_ARGISNULL(1))
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);

		deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &parents, &nulls, &n);
	}
	levels.n = n + 1;
	levels.value = palloc(sizeof(Datum) * levels.n);
	levels.null = palloc(sizeof(bool) * levels.n);
	levels.null[0] = PG_ARGISNULL(0);
	levels.value[0] = PG_GETARG_DATUM(0);
	for (int i = 0; i < n; i++)
	{
		levels.value[i + 1] = parents[i];
		levels.null[i + 1] = nulls[i];
	}
	return levels;
}

void
trigger_read_efficacy(Datum value, TriggerEfficacy *efficacy)
{
	ServerEnv	server;
	DropoffCounts counts;
	DropoffTable table;

	server_env_init(&server, CurrentMemoryContext);
	dropoff_read(value, &server.env, &counts);
	dropoff_table(&counts, 0, &table);
	dropoff_release(&server.env, &counts);
	trigger_efficacy(&table, efficacy);
}

static Datum
row_of(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static Datum
source_name(const TriggerReply *reply)
{
	const char *name = reply->flagged ? "default" : reply->source == 0 ? "own" : psprintf("parent %d", reply->source);

	return CStringGetTextDatum(name);
}

static Datum
reply_row(FunctionCallInfo fcinfo, const TriggerReply *reply, Interval *fallback, double pace)
{
	const TriggerAnswer *a = &reply->answer;
	int64		after = (int64) rint(a->t * pace * USECS_PER_SEC);
	Datum		values[8];
	bool		nulls[8] = {false};

	values[0] = IntervalPGetDatum(reply->flagged ? fallback : duration_interval(after));
	values[1] = Float8GetDatum(a->still_here);
	values[2] = Float8GetDatum(a->reachable);
	values[3] = Float8GetDatum(1000 * a->rescued);
	values[4] = Float8GetDatum(a->utility);
	for (int i = 1; i <= 4; i++)
		nulls[i] = reply->flagged;
	values[5] = source_name(reply);
	values[6] = Float8GetDatum(reply->views);
	values[7] = BoolGetDatum(reply->flagged);
	return row_of(fcinfo, values, nulls);
}

/* best_trigger(d, parents, efficacy, reading, cost, t_min, t_max, fallback, pace) */
PG_FUNCTION_INFO_V1(personalize_best_trigger);
Datum
personalize_best_trigger(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"reading", "cost", "t_min", "t_max", "fallback", "pace"};
	TriggerLevels levels = levels_of(fcinfo);
	TriggerQuestion question;
	TriggerEfficacy efficacy;
	TriggerReply reply;

	for (int i = 0; i < lengthof(names); i++)
		guard_not_null(names[i], PG_ARGISNULL(3 + i));
	question = trigger_question(PG_GETARG_INTERVAL_P(3), PG_GETARG_FLOAT8(4), PG_GETARG_INTERVAL_P(5), PG_GETARG_INTERVAL_P(6));
	duration_microseconds("fallback", PG_GETARG_INTERVAL_P(7));
	trigger_guard_pace(PG_GETARG_FLOAT8(8));
	if (!PG_ARGISNULL(2))
	{
		trigger_read_efficacy(PG_GETARG_DATUM(2), &efficacy);
		question.efficacy = &efficacy;
	}
	reply = trigger_reply(&levels, &question);
	return reply_row(fcinfo, &reply, PG_GETARG_INTERVAL_P(7), PG_GETARG_FLOAT8(8));
}

/* --- efficacy --------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(personalize_efficacy_at);
Datum
personalize_efficacy_at(PG_FUNCTION_ARGS)
{
	double		t = duration_guard("t", PG_GETARG_FLOAT8(1));
	TriggerEfficacy efficacy;

	if (PG_ARGISNULL(0))
		PG_RETURN_FLOAT8(trigger_parametric(t));
	trigger_read_efficacy(PG_GETARG_DATUM(0), &efficacy);
	PG_RETURN_FLOAT8(trigger_efficacy_at(&efficacy, t));
}

/* The error of a difference of two shares. */
static double
std_error(const TriggerBucket *b)
{
	double		p = b->shown_converted;
	double		q = b->control_converted;

	return sqrt(p * (1 - p) / b->shown + q * (1 - q) / b->control);
}

/* The last bucket has no end of its own. */
static void
put_bucket(ReturnSetInfo *result, const TriggerEfficacy *efficacy, int k)
{
	const TriggerBucket *b = &efficacy->bucket[k];
	Datum		row[9];
	bool		nulls[9] = {false};

	row[0] = Float8GetDatum(b->from);
	row[1] = Float8GetDatum(b->until);
	nulls[1] = k == TRIGGER_BUCKETS - 1;
	row[2] = Float8GetDatum(b->shown);
	row[3] = Float8GetDatum(b->shown_converted);
	row[4] = Float8GetDatum(b->control);
	row[5] = Float8GetDatum(b->control_converted);
	row[6] = Float8GetDatum(b->shown_converted - b->control_converted);
	row[7] = Float8GetDatum(std_error(b));
	row[8] = Float8GetDatum(trigger_efficacy_at(efficacy, b->from));
	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

/* Buckets that were tested: of the others there is only the curve to tell. */
PG_FUNCTION_INFO_V1(personalize_efficacy_table);
Datum
personalize_efficacy_table(PG_FUNCTION_ARGS)
{
	TriggerEfficacy efficacy;

	compat_materialize(fcinfo);
	trigger_read_efficacy(PG_GETARG_DATUM(0), &efficacy);
	for (int k = 0; k < TRIGGER_BUCKETS; k++)
		if (efficacy.bucket[k].shown > 0)
			put_bucket((ReturnSetInfo *) fcinfo->resultinfo, &efficacy, k);
	return (Datum) 0;
}

/* --- the test's arms -------------------------------------------------------- */

/* FNV-1a and steps of splitmix64: the same on every machine, as who is in a test must be. */
static uint64
hash_text(uint64 h, text *key)
{
	const unsigned char *bytes = (const unsigned char *) VARDATA_ANY(key);
	size_t		size = VARSIZE_ANY_EXHDR(key);

	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * UINT64CONST(1099511628211);
	return (h ^ 0xff) * UINT64CONST(1099511628211);
}

/* In [0, 1): the n-th of a sequence that starts from the hash. */
static double
uniform(uint64 hash, int n)
{
	uint64		z = hash + n * UINT64CONST(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return (double) ((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

TriggerDraw
trigger_draw(text *seed, text *key, double random_share, double control_share)
{
	uint64		hash = hash_text(hash_text(UINT64CONST(14695981039346656037), seed), key);
	double		place = uniform(hash, 1);

	guard_float_range("random_share", random_share, 0, 1);
	guard_float_range("control_share", control_share, 0, 1);
	if (random_share + control_share > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("random_share and control_share are more than everything together"),
				 errdetail("They are %g and %g.", random_share, control_share)));
	if (place < control_share)
		return (TriggerDraw) {TRIGGER_ARM_CONTROL, control_share, 0};
	if (place < control_share + random_share)
		return (TriggerDraw) {TRIGGER_ARM_RANDOM, random_share, 0.2 + 0.6 * uniform(hash, 2)};
	return (TriggerDraw) {TRIGGER_ARM_BEST, 1 - control_share - random_share, 0};
}

const char *
trigger_arm_name(TriggerArm arm)
{
	return arm == TRIGGER_ARM_CONTROL ? "control" : arm == TRIGGER_ARM_RANDOM ? "random" : "best";
}

double
trigger_quantile(Datum dropoff, double p)
{
	ServerEnv	server;
	DropoffCounts counts;
	DropoffTable table;
	DropoffHazard hazard;
	DropoffCurve curve;
	double		t;

	server_env_init(&server, CurrentMemoryContext);
	dropoff_read(dropoff, &server.env, &counts);
	dropoff_table(&counts, counts.latest, &table);
	dropoff_release(&server.env, &counts);
	if (!(table.views > 0))
		return NAN;
	dropoff_hazard(&table, NULL, &hazard);
	dropoff_curve(&hazard, &curve);
	t = dropoff_quantile(&curve, p, 0);
	/* a time that hardly anybody sees is still a time: a view without one would look like one of the control arm */
	return isnan(t) ? TRIGGER_LAST_TIME : t;
}

/* trigger_arm(key, seed, d, random_share, control_share) */
PG_FUNCTION_INFO_V1(personalize_trigger_arm);
Datum
personalize_trigger_arm(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"key", "seed", NULL, "random_share", "control_share"};
	TriggerDraw draw;
	double		after = NAN;
	Datum		values[3];
	bool		nulls[3] = {false};

	for (int i = 0; i < lengthof(names); i++)
		if (names[i] != NULL)
			guard_not_null(names[i], PG_ARGISNULL(i));
	draw = trigger_draw(PG_GETARG_TEXT_PP(1), PG_GETARG_TEXT_PP(0), PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4));
	if (draw.arm == TRIGGER_ARM_RANDOM && !PG_ARGISNULL(2))
		after = trigger_quantile(PG_GETARG_DATUM(2), draw.quantile);
	values[0] = CStringGetTextDatum(trigger_arm_name(draw.arm));
	nulls[1] = isnan(after);
	values[1] = nulls[1] ? (Datum) 0 : IntervalPGetDatum(duration_interval((int64) rint(after * USECS_PER_SEC)));
	values[2] = Float8GetDatum(draw.propensity);
	return row_of(fcinfo, values, nulls);
}

/* --- pace ------------------------------------------------------------------- */

/* Seconds; nulls are told apart. */
static Datum *
durations_of(ArrayType *array, int *n, bool **nulls)
{
	Datum	   *values;

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, nulls, n);
	return values;
}

/* f = (Σ dwell + κ) / (Σ expected + κ), of three views or more, and between a half and two. */
PG_FUNCTION_INFO_V1(personalize_pace);
Datum
personalize_pace(PG_FUNCTION_ARGS)
{
	int			n;
	int			num_expected;
	bool	   *unknown;
	bool	   *unexpected;
	Datum	   *dwell = durations_of(PG_GETARG_ARRAYTYPE_P(0), &n, &unknown);
	Datum	   *expected = durations_of(PG_GETARG_ARRAYTYPE_P(1), &num_expected, &unexpected);
	double		took = TRIGGER_KAPPA;
	double		usual = TRIGGER_KAPPA;
	int			views = 0;

	if (n != num_expected)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("dwells and expected must be equally long"),
				 errdetail("They have %d and %d elements.", n, num_expected)));
	for (int i = 0; i < n; i++)
	{
		if (unknown[i] || unexpected[i])
			continue;
		took += duration_guard("dwells", DatumGetFloat8(dwell[i]));
		usual += duration_guard("expected", DatumGetFloat8(expected[i]));
		views++;
	}
	PG_RETURN_FLOAT8(views < 3 ? 1 : Min(Max(took / usual, 0.5), 2));
}
