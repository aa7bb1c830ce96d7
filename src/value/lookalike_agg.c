/*
 * lookalike_agg.c
 *		The aggregates lookalike_model(features, in_seed) and rollup(lookalike_model).
 */
#include "value/lookalike.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

typedef struct LookalikeState
{
	ServerEnv	server;
	Lookalike	model;
} LookalikeState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static LookalikeState *
state_in(MemoryContext context)
{
	LookalikeState *state = MemoryContextAllocZero(context, sizeof(LookalikeState));

	server_env_init(&state->server, context);
	lookalike_init(&state->server.env, &state->model);
	return state;
}

static LookalikeState *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? state_in(context) : (LookalikeState *) PG_GETARG_POINTER(0);
}

static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* A customer without any feature counts, too: one who has none is not like those who do. */
PG_FUNCTION_INFO_V1(personalize_lookalike_add);
Datum
personalize_lookalike_add(PG_FUNCTION_ARGS)
{
	LookalikeState *state;
	Datum	   *features;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	state = state_of(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &features, &nulls, &n);
	lookalike_begin(&state->model, PG_GETARG_BOOL(2));
	for (int i = 0; i < n; i++)
	{
		text	   *feature;

		if (nulls[i])
			continue;
		feature = DatumGetTextPP(features[i]);
		lookalike_guard_feature(VARSIZE_ANY_EXHDR(feature));
		lookalike_add(&state->model, VARDATA_ANY(feature), VARSIZE_ANY_EXHDR(feature));
	}
	lookalike_check_memory(&state->model);
	PG_RETURN_POINTER(state);
}

/* Memory is looked at here, too: workers may each have seen features of their own. */
PG_FUNCTION_INFO_V1(personalize_lookalike_combine);
Datum
personalize_lookalike_combine(PG_FUNCTION_ARGS)
{
	LookalikeState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_of(fcinfo);
	lookalike_merge(&state->model, &((LookalikeState *) PG_GETARG_POINTER(1))->model);
	lookalike_check_memory(&state->model);
	PG_RETURN_POINTER(state);
}

/* A state travels as the value that it would become. */
PG_FUNCTION_INFO_V1(personalize_lookalike_serialize);
Datum
personalize_lookalike_serialize(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(lookalike_form(&((LookalikeState *) PG_GETARG_POINTER(0))->model));
}

PG_FUNCTION_INFO_V1(personalize_lookalike_deserialize);
Datum
personalize_lookalike_deserialize(PG_FUNCTION_ARGS)
{
	LookalikeState *state;

	aggregate_context(fcinfo);
	state = state_in(CurrentMemoryContext);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &state->model);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_lookalike_final);
Datum
personalize_lookalike_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return personalize_lookalike_serialize(fcinfo);
}

PG_FUNCTION_INFO_V1(personalize_lookalike_rollup);
Datum
personalize_lookalike_rollup(PG_FUNCTION_ARGS)
{
	LookalikeState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_of(fcinfo);
	lookalike_read(PG_GETARG_BYTEA_PP(1), &state->model);
	lookalike_check_memory(&state->model);
	PG_RETURN_POINTER(state);
}
