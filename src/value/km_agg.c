/*
 * km_agg.c
 *		Aggregates that make Kaplan-Meier estimates: of rows, of other estimates; and the operator +.
 */
#include "value/km.h"

#include "base/module.h"
#include "utils/memutils.h"
#include "value/duration.h"

void
km_add(Env *env, SurvivalCounts *counts, double time, int64 events, int64 censored)
{
	uint64		bytes = survival_growth(counts);

	if (unlikely(bytes > (uint64) personalize_matrix_mem * 1024))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("km has too many distinct durations"),
				 errdetail("More than " UINT64_FORMAT " need " UINT64_FORMAT " MB, personalize.matrix_mem allows %d MB.",
						   counts->used, bytes / 1024 / 1024 + 1, personalize_matrix_mem / 1024),
				 errhint("Round the durations, or raise personalize.matrix_mem.")));
	if (unlikely(!survival_add(env, counts, time, events, censored)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("km has too many observations"),
				 errdetail("The limit is " INT64_FORMAT ".", SURVIVAL_MAX_COUNT)));
}

void
km_add_value(Env *env, SurvivalCounts *counts, Datum value)
{
	uint64		n;
	SurvivalTime *times = km_times(value, env, &n);

	for (uint64 i = 0; i < n; i++)
		km_add(env, counts, times[i].time, times[i].events, times[i].censored);
	env_release(env, times);
}

Datum
km_form(Env *env, const SurvivalCounts *counts)
{
	SurvivalTime *times = survival_sorted(env, counts);
	size_t		size;
	unsigned char *bytes = survival_encode(env, times, counts->used, VARHDRSZ, &size);

	env_release(env, times);
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("km has too many distinct durations"),
				 errdetail(UINT64_FORMAT " take %zu bytes, a value at most %zu.", counts->used, size, MaxAllocSize),
				 errhint("Round the durations.")));
	SET_VARSIZE(bytes, size);
	return PointerGetDatum(bytes);
}

/* --- aggregates ------------------------------------------------------------- */

typedef struct KmState
{
	ServerEnv	server;
	SurvivalCounts counts;
} KmState;

static KmState *
state_new(MemoryContext context)
{
	KmState    *state = MemoryContextAllocZero(context, sizeof(KmState));

	server_env_init(&state->server, context);
	return state;
}

/* The check keeps a state apart from other internal values. */
static KmState *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return PG_ARGISNULL(0) ? state_new(context) : (KmState *) PG_GETARG_POINTER(0);
}

PG_FUNCTION_INFO_V1(personalize_km_accum);
Datum
personalize_km_accum(PG_FUNCTION_ARGS)
{
	KmState    *state = state_of(fcinfo);
	bool		event;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	event = PG_GETARG_BOOL(2);
	km_add(&state->server.env, &state->counts, duration_guard("duration", PG_GETARG_FLOAT8(1)), event, !event);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_km_accum_interval);
Datum
personalize_km_accum_interval(PG_FUNCTION_ARGS)
{
	KmState    *state = state_of(fcinfo);
	bool		event;
	int64		duration;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	event = PG_GETARG_BOOL(2);
	duration = duration_microseconds("duration", PG_GETARG_INTERVAL_P(1));
	km_add(&state->server.env, &state->counts, duration_seconds(duration), event, !event);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_km_accum_km);
Datum
personalize_km_accum_km(PG_FUNCTION_ARGS)
{
	KmState    *state = state_of(fcinfo);

	if (!PG_ARGISNULL(1))
		km_add_value(&state->server.env, &state->counts, PG_GETARG_DATUM(1));
	PG_RETURN_POINTER(state);
}

/* The other state may be in memory that goes after this call. */
PG_FUNCTION_INFO_V1(personalize_km_combine);
Datum
personalize_km_combine(PG_FUNCTION_ARGS)
{
	KmState    *state = state_of(fcinfo);
	KmState    *other = PG_ARGISNULL(1) ? NULL : (KmState *) PG_GETARG_POINTER(1);

	for (uint64 i = 0; other != NULL && i < other->counts.room; i++)
	{
		SurvivalTime *t = &other->counts.slots[i];

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (t->events + t->censored > 0)
			km_add(&state->server.env, &state->counts, t->time, t->events, t->censored);
	}
	PG_RETURN_POINTER(state);
}

/* A state travels as the value that it would become. */
PG_FUNCTION_INFO_V1(personalize_km_serialize);
Datum
personalize_km_serialize(PG_FUNCTION_ARGS)
{
	KmState    *state = state_of(fcinfo);
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	return km_form(&server.env, &state->counts);
}

PG_FUNCTION_INFO_V1(personalize_km_deserialize);
Datum
personalize_km_deserialize(PG_FUNCTION_ARGS)
{
	KmState    *state = state_new(CurrentMemoryContext);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	km_add_value(&state->server.env, &state->counts, PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(state);
}

/* NULL of no observations. */
PG_FUNCTION_INFO_V1(personalize_km_final);
Datum
personalize_km_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || state_of(fcinfo)->counts.used == 0)
		PG_RETURN_NULL();
	return personalize_km_serialize(fcinfo);
}

PG_FUNCTION_INFO_V1(personalize_km_add);
Datum
personalize_km_add(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	SurvivalCounts counts = {NULL, 0, 0, 0};
	Datum		result;

	server_env_init(&server, CurrentMemoryContext);
	km_add_value(&server.env, &counts, PG_GETARG_DATUM(0));
	km_add_value(&server.env, &counts, PG_GETARG_DATUM(1));
	result = km_form(&server.env, &counts);
	env_release(&server.env, counts.slots);
	return result;
}
