/*
 * cset_agg.c
 *		Aggregates that make csets: of members, and of other csets.  All of them share their state, a set in memory.
 */
#include "value/cset.h"

typedef struct CsetState
{
	ServerEnv	server;
	OrdinalSet *set;
} CsetState;

static CsetState *
state_new(MemoryContext context)
{
	CsetState  *state = MemoryContextAlloc(context, sizeof(CsetState));

	server_env_init(&state->server, context);
	state->set = ordinal_set_create(&state->server.env);
	return state;
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static CsetState *
state_for_row(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? state_new(context) : (CsetState *) PG_GETARG_POINTER(0);
}

static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(personalize_cset_accum);
Datum
personalize_cset_accum(PG_FUNCTION_ARGS)
{
	CsetState  *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	ordinal_set_add(state->set, PG_GETARG_INT64(1));
	cset_guard_memory(state->set);
	PG_RETURN_POINTER(state);
}

static void
add_bytes(CsetState *state, Datum value)
{
	OrdinalBytes bytes;

	ordinal_set_add_all(state->set, cset_open(value, &bytes));
	cset_guard(&bytes.cursor);
	cset_guard_memory(state->set);
}

PG_FUNCTION_INFO_V1(personalize_cset_accum_cset);
Datum
personalize_cset_accum_cset(PG_FUNCTION_ARGS)
{
	CsetState  *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	add_bytes(state, PG_GETARG_DATUM(1));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_cset_combine);
Datum
personalize_cset_combine(PG_FUNCTION_ARGS)
{
	CsetState  *state;
	OrdinalSetCursor cursor;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	ordinal_set_add_all(state->set, ordinal_set_open(&cursor, ((CsetState *) PG_GETARG_POINTER(1))->set));
	cset_guard_memory(state->set);
	PG_RETURN_POINTER(state);
}

/* A state travels as the value that it would become; to put its chunks in order changes nothing for rows that come later. */
PG_FUNCTION_INFO_V1(personalize_cset_serialize);
Datum
personalize_cset_serialize(PG_FUNCTION_ARGS)
{
	CsetState  *state = (CsetState *) PG_GETARG_POINTER(0);
	OrdinalSetCursor cursor;
	ServerEnv	server;

	aggregate_context(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	return cset_form(&server.env, ordinal_set_open(&cursor, state->set));
}

PG_FUNCTION_INFO_V1(personalize_cset_deserialize);
Datum
personalize_cset_deserialize(PG_FUNCTION_ARGS)
{
	CsetState  *state;

	aggregate_context(fcinfo);
	/* only read by the combine that follows, so it may go with the caller's context */
	state = state_new(CurrentMemoryContext);
	add_bytes(state, PG_GETARG_DATUM(0));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_cset_final);
Datum
personalize_cset_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return personalize_cset_serialize(fcinfo);
}
