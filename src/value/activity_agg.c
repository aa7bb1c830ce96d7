/*
 * activity_agg.c
 *		Aggregates that make activities: from rows, from other activities.
 *
 * Names of events are numbered once for all groups of an aggregate, in the call site's memory; a state has numbers only.
 */
#include "value/activity.h"

/* So many events are compacted on the way, so that one very busy customer takes little memory. */
#define FOLD_FROM 4096

typedef struct ActivityState
{
	ServerEnv	server;
	ActivityNames *names;
	ActivityEvents events;
	uint64		fold_at;
} ActivityState;

/* What a call site keeps: the names, and the one that came last. */
typedef struct CallSite
{
	ServerEnv	server;
	ActivityNames *names;
	int			last;			/* -1: none yet */
} CallSite;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	if (likely(site != NULL))
		return site;
	site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
	server_env_init(&site->server, fcinfo->flinfo->fn_mcxt);
	site->names = activity_names_create(&site->server.env);
	site->last = -1;
	return fcinfo->flinfo->fn_extra = site;
}

static ActivityState *
state_new(MemoryContext context, ActivityNames *names)
{
	ActivityState *state = MemoryContextAllocZero(context, sizeof(ActivityState));

	server_env_init(&state->server, context);
	state->names = names;
	state->fold_at = FOLD_FROM;
	return state;
}

static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static ActivityState *
state_for_row(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	if (!PG_ARGISNULL(0))
		return (ActivityState *) PG_GETARG_POINTER(0);
	return state_new(context, call_site(fcinfo)->names);
}

/* Whatever is left after a fold is there to stay, so the next waits for as much again. */
static void
add(ActivityState *state, ActivityEvent event)
{
	activity_add(&state->server.env, &state->events, event);
	if (likely(state->events.n < state->fold_at))
		return;
	activity_fold_checked(&state->server.env, &state->events);
	state->fold_at = state->events.n + Max(state->events.n, FOLD_FROM);
}

/* Events of a kind often come one after the other; then the name is compared, not looked up. */
static int
kind_of(CallSite *site, text *event)
{
	const char *bytes = VARDATA_ANY(event);
	size_t		size = VARSIZE_ANY_EXHDR(event);

	if (site->last >= 0 && site->names->names[site->last].size == size &&
		memcmp(site->names->names[site->last].bytes, bytes, size) == 0)
		return site->last;
	return site->last = activity_guard_name(site->names, bytes, size);
}

static Datum
add_row(FunctionCallInfo fcinfo, int64 amount)
{
	text	   *event = PG_GETARG_TEXT_PP(1);
	TimestampTz at = activity_guard_time(PG_GETARG_TIMESTAMPTZ(2));
	ActivityState *state = state_for_row(fcinfo);
	int			kind = kind_of(call_site(fcinfo), event);

	add(state, (ActivityEvent) {at, amount, 1, (uint16) kind, ACTIVITY_EVENT});
	if ((Pointer) event != DatumGetPointer(PG_GETARG_DATUM(1)))
		pfree(event);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_activity_accum);
Datum
personalize_activity_accum(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	return add_row(fcinfo, ACTIVITY_NO_AMOUNT);
}

PG_FUNCTION_INFO_V1(personalize_activity_accum_float);
Datum
personalize_activity_accum_float(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	return add_row(fcinfo, PG_ARGISNULL(3) ? ACTIVITY_NO_AMOUNT : activity_amount_from_float(PG_GETARG_FLOAT8(3)));
}

PG_FUNCTION_INFO_V1(personalize_activity_accum_numeric);
Datum
personalize_activity_accum_numeric(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	return add_row(fcinfo, PG_ARGISNULL(3) ? ACTIVITY_NO_AMOUNT : activity_amount_from_numeric(PG_GETARG_DATUM(3)));
}

PG_FUNCTION_INFO_V1(personalize_activity_accum_activity);
Datum
personalize_activity_accum_activity(PG_FUNCTION_ARGS)
{
	ActivityState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	activity_read(PG_GETARG_DATUM(1), &state->server.env, state->names, &state->events);
	if (state->events.n >= state->fold_at)
		add(state, state->events.events[--state->events.n]);
	PG_RETURN_POINTER(state);
}

/* Both states have numbers of their own for names. */
PG_FUNCTION_INFO_V1(personalize_activity_merge);
Datum
personalize_activity_merge(PG_FUNCTION_ARGS)
{
	ActivityState *state;
	ActivityState *other;
	int			from = -1;
	int			to = -1;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	other = (ActivityState *) PG_GETARG_POINTER(1);
	for (uint64 i = 0; i < other->events.n; i++)
	{
		ActivityEvent event = other->events.events[i];

		if (event.kind != from)
		{
			ActivityName name = other->names->names[event.kind];

			from = event.kind;
			to = activity_guard_name(state->names, name.bytes, name.size);
		}
		event.kind = (uint16) to;
		add(state, event);
	}
	PG_RETURN_POINTER(state);
}

/* A state travels as the value that it would become. */
PG_FUNCTION_INFO_V1(personalize_activity_serialize);
Datum
personalize_activity_serialize(PG_FUNCTION_ARGS)
{
	ActivityState *state = (ActivityState *) PG_GETARG_POINTER(0);
	ServerEnv	server;

	aggregate_context(fcinfo);
	/* in the state's own memory, and the value in the caller's */
	activity_fold_checked(&state->server.env, &state->events);
	server_env_init(&server, CurrentMemoryContext);
	return activity_form(&server.env, &state->events, state->names);
}

PG_FUNCTION_INFO_V1(personalize_activity_deserialize);
Datum
personalize_activity_deserialize(PG_FUNCTION_ARGS)
{
	ActivityState *state;

	aggregate_context(fcinfo);
	/* Only read by the merge that follows, so it may go with the caller's context. */
	state = state_new(CurrentMemoryContext, call_site(fcinfo)->names);
	activity_read(PG_GETARG_DATUM(0), &state->server.env, state->names, &state->events);
	PG_RETURN_POINTER(state);
}

/* Folds in place, in the state's memory: whatever is added later finds the same events. */
PG_FUNCTION_INFO_V1(personalize_activity_final);
Datum
personalize_activity_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return personalize_activity_serialize(fcinfo);
}
