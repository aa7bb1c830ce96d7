/*
 * dropoff_agg.c
 *		Aggregates that count page views by how long they lasted: dropoff, trigger_efficacy, rollups of both; and the operator +.
 */
#include "value/dropoff.h"

#include <math.h>

#include "base/guards.h"
#include "kernel/trigger.h"
#include "value/activity.h"
#include "value/duration.h"

#define DEFAULT_HALF_LIFE (30 * DROPOFF_DAY)

void
dropoff_too_many(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("there are too many page views to count"),
			 errdetail("The limit is 2^63 of one ending and duration, with a half-life 2^31.")));
}

int64
dropoff_guard_half_life(int64 half_life)
{
	if (half_life < DROPOFF_MIN_HALF_LIFE || half_life > DROPOFF_MAX_HALF_LIFE || half_life % DROPOFF_SECOND != 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("half_life is out of range: %.6f s", duration_seconds(half_life)),
				 errdetail("It must be whole seconds, from one hour to a hundred years.")));
	return half_life;
}

static void
require_half_life(const DropoffCounts *counts, int64 half_life)
{
	if (counts->decay.half_life == half_life)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("page views with different half-lives cannot be added up"),
			 errdetail("One is " INT64_FORMAT " s, another " INT64_FORMAT " s; 0 means none.",
					   counts->decay.half_life / DROPOFF_SECOND, half_life / DROPOFF_SECOND)));
}

void
dropoff_merge_checked(Env *env, DropoffCounts *counts, const DropoffCounts *more)
{
	if (dropoff_is_empty(more))
		return;
	if (dropoff_is_empty(counts))
		counts->decay = more->decay;
	require_half_life(counts, more->decay.half_life);
	if (!dropoff_merge(env, counts, more))
		dropoff_too_many();
}

Datum
dropoff_form(Env *env, const DropoffCounts *counts)
{
	size_t		size;
	unsigned char *bytes = dropoff_encode(env, counts, VARHDRSZ, &size);

	SET_VARSIZE(bytes, size);
	return PointerGetDatum(bytes);
}

/* --- states ----------------------------------------------------------------- */

typedef struct DropoffState
{
	ServerEnv	server;
	DropoffCounts counts;
} DropoffState;

static DropoffState *
state_new(MemoryContext context)
{
	DropoffState *state = MemoryContextAllocZero(context, sizeof(DropoffState));

	server_env_init(&state->server, context);
	return state;
}

/* The check keeps a state apart from other internal values. */
static DropoffState *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return PG_ARGISNULL(0) ? state_new(context) : (DropoffState *) PG_GETARG_POINTER(0);
}

/* --- rows ------------------------------------------------------------------- */

/* Whatever is longer than an hour is in the last bin, however long. */
static int
bin_of_seconds(const char *argument, double seconds)
{
	seconds = duration_guard(argument, seconds);
	return seconds < 3600 ? dropoff_bin((int64) rint(seconds * DROPOFF_SECOND)) : DROPOFF_BINS - 1;
}

static int
bin_of_interval(const char *argument, Interval *interval)
{
	return dropoff_bin(duration_microseconds(argument, interval));
}

static DropoffEnding
ending_of(FunctionCallInfo fcinfo)
{
	text	   *ending = PG_GETARG_TEXT_PP(2);
	const char *bytes = VARDATA_ANY(ending);
	size_t		size = VARSIZE_ANY_EXHDR(ending);

	if (size == 4 && memcmp(bytes, "exit", 4) == 0)
		return DROPOFF_EXIT;
	if (size == 7 && memcmp(bytes, "advance", 7) == 0)
		return DROPOFF_ADVANCE;
	if (size == 7 && memcmp(bytes, "convert", 7) == 0)
		return DROPOFF_CONVERT;
	if (size == 4 && memcmp(bytes, "open", 4) == 0)
		return DROPOFF_OPEN;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("ending \"%.*s\" is not known", (int) Min(size, 100), bytes),
			 errhint("A page view ends with exit, advance or convert, and is open where its end is not known.")));
	return DROPOFF_OPEN;
}

/* A state's half-life is that of its first row. */
static int64
half_life_of(FunctionCallInfo fcinfo)
{
	if (PG_NARGS() < 5)
		return DEFAULT_HALF_LIFE;
	guard_not_null("half_life", PG_ARGISNULL(4));
	return dropoff_guard_half_life(duration_microseconds("half_life", PG_GETARG_INTERVAL_P(4)));
}

static Datum
add_view(FunctionCallInfo fcinfo, DropoffState *state, int bin)
{
	DropoffEnding ending = ending_of(fcinfo);
	TimestampTz at = 0;

	if (PG_NARGS() > 3)
	{
		int64		half_life = half_life_of(fcinfo);

		if (dropoff_is_empty(&state->counts))
			state->counts.decay.half_life = half_life;
		require_half_life(&state->counts, half_life);
		at = activity_guard_time(PG_GETARG_TIMESTAMPTZ(3));
	}
	if (unlikely(!dropoff_add(&state->server.env, &state->counts, bin, ending, at)))
		dropoff_too_many();
	PG_RETURN_POINTER(state);
}

static bool
is_incomplete(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 3 && PG_ARGISNULL(3));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_accum);
Datum
personalize_dropoff_accum(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);

	if (is_incomplete(fcinfo))
		PG_RETURN_POINTER(state);
	return add_view(fcinfo, state, bin_of_seconds("dwell", PG_GETARG_FLOAT8(1)));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_accum_interval);
Datum
personalize_dropoff_accum_interval(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);

	if (is_incomplete(fcinfo))
		PG_RETURN_POINTER(state);
	return add_view(fcinfo, state, bin_of_interval("dwell", PG_GETARG_INTERVAL_P(1)));
}

/* A row of a test: who left before the trigger's time saw none, and was not let go without one on purpose, so it belongs to neither arm. */
static Datum
add_trial(FunctionCallInfo fcinfo, DropoffState *state, int shown_bin, int bin, bool was_there)
{
	bool		converted = PG_GETARG_BOOL(3);
	bool		control = PG_ARGISNULL(1);
	TriggerKind kind = control ? (converted ? TRIGGER_CONTROL_CONVERTED : TRIGGER_CONTROL) : (converted ? TRIGGER_SHOWN_CONVERTED : TRIGGER_SHOWN);

	if (was_there && !dropoff_add(&state->server.env, &state->counts, control ? bin : shown_bin, kind, 0))
		dropoff_too_many();
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_trigger_efficacy_accum);
Datum
personalize_trigger_efficacy_accum(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);
	double		shown_at = PG_ARGISNULL(1) ? 0 : PG_GETARG_FLOAT8(1);
	int			shown_bin;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	shown_bin = bin_of_seconds("shown_at", shown_at);
	return add_trial(fcinfo, state, shown_bin, bin_of_seconds("dwell", PG_GETARG_FLOAT8(2)), shown_at <= PG_GETARG_FLOAT8(2));
}

PG_FUNCTION_INFO_V1(personalize_trigger_efficacy_accum_interval);
Datum
personalize_trigger_efficacy_accum_interval(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);
	int64		shown_at;
	int64		dwell;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_POINTER(state);
	shown_at = PG_ARGISNULL(1) ? 0 : duration_microseconds("shown_at", PG_GETARG_INTERVAL_P(1));
	dwell = duration_microseconds("dwell", PG_GETARG_INTERVAL_P(2));
	return add_trial(fcinfo, state, dropoff_bin(shown_at), dropoff_bin(dwell), shown_at <= dwell);
}

/* --- merging ---------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(personalize_dropoff_accum_value);
Datum
personalize_dropoff_accum_value(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);
	DropoffCounts more;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	dropoff_read(PG_GETARG_DATUM(1), &state->server.env, &more);
	dropoff_merge_checked(&state->server.env, &state->counts, &more);
	dropoff_release(&state->server.env, &more);
	PG_RETURN_POINTER(state);
}

/* The other state may be in memory that goes after this call. */
PG_FUNCTION_INFO_V1(personalize_dropoff_combine);
Datum
personalize_dropoff_combine(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);

	if (!PG_ARGISNULL(1))
		dropoff_merge_checked(&state->server.env, &state->counts, &((DropoffState *) PG_GETARG_POINTER(1))->counts);
	PG_RETURN_POINTER(state);
}

/* A state travels as the value that it would become. */
PG_FUNCTION_INFO_V1(personalize_dropoff_serialize);
Datum
personalize_dropoff_serialize(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_of(fcinfo);
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	return dropoff_form(&server.env, &state->counts);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_deserialize);
Datum
personalize_dropoff_deserialize(PG_FUNCTION_ARGS)
{
	DropoffState *state = state_new(CurrentMemoryContext);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	dropoff_read(PG_GETARG_DATUM(0), &state->server.env, &state->counts);
	PG_RETURN_POINTER(state);
}

/* NULL of no views. */
PG_FUNCTION_INFO_V1(personalize_dropoff_final);
Datum
personalize_dropoff_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || dropoff_is_empty(&state_of(fcinfo)->counts))
		PG_RETURN_NULL();
	return personalize_dropoff_serialize(fcinfo);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_add);
Datum
personalize_dropoff_add(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	DropoffCounts counts;
	DropoffCounts more;
	Datum		result;

	server_env_init(&server, CurrentMemoryContext);
	dropoff_read(PG_GETARG_DATUM(0), &server.env, &counts);
	dropoff_read(PG_GETARG_DATUM(1), &server.env, &more);
	dropoff_merge_checked(&server.env, &counts, &more);
	result = dropoff_form(&server.env, &counts);
	dropoff_release(&server.env, &counts);
	dropoff_release(&server.env, &more);
	return result;
}
