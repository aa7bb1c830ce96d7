/*
 * response_hours_agg.c
 *		Aggregates that make response_hours: from messages, from visits, from other values.
 */
#include "value/response_hours.h"

#include "utils/builtins.h"

#include "base/guards.h"

/* Trackers and mail servers have clocks of their own, which may differ by so much. */
#define MOST_SKEW 60

typedef struct ResponseState
{
	ServerEnv	server;
	ResponseHours hours;
} ResponseState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* Zones are kept by the call site, so that rows pay for no look-up. */
static LocalZone *
call_zone(FunctionCallInfo fcinfo, int argument)
{
	text	   *name;
	LocalZone  *zone;

	guard_not_null("zone", PG_ARGISNULL(argument));
	name = PG_GETARG_TEXT_PP(argument);
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
		fcinfo->flinfo->fn_extra = local_zones_create(fcinfo->flinfo->fn_mcxt);
	zone = local_zone((LocalZones *) fcinfo->flinfo->fn_extra, name);
	if ((Pointer) name != DatumGetPointer(PG_GETARG_DATUM(argument)))
		pfree(name);
	return zone;
}

static ResponseState *
state_new(MemoryContext context)
{
	ResponseState *state = MemoryContextAlloc(context, sizeof(ResponseState));

	server_env_init(&state->server, context);
	response_init(&state->hours);
	return state;
}

static ResponseState *
state_for_row(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? state_new(context) : (ResponseState *) PG_GETARG_POINTER(0);
}

static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* Minutes from delivery to a response; what comes after the last lag is none. */
static int16
lag_of(FunctionCallInfo fcinfo, int argument, const char *name, int32 delivered)
{
	int32		lag;

	if (PG_NARGS() <= argument || PG_ARGISNULL(argument))
		return RESPONSE_NONE;
	lag = response_guard_minute(name, PG_GETARG_TIMESTAMPTZ(argument)) - delivered;
	if (lag < -MOST_SKEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is %d minutes before the message was delivered", name, -lag),
				 errdetail("It was delivered at %s.", timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(1))),
				 errhint("Up to %d minutes count as at once, as clocks differ.", MOST_SKEW)));
	return lag >= RESPONSE_MINUTES ? RESPONSE_NONE : (int16) Max(lag, 0);
}

static void
set_clock(ResponseMessage *m, LocalZone *zone)
{
	int32		offset;
	int			change_at;
	int			change_by;

	local_clock(zone, m->minute, RESPONSE_MINUTES, &offset, &change_at, &change_by);
	m->offset = (int16) offset;
	m->change_at = (int16) change_at;
	m->change_by = (int16) change_by;
}

/* With a click the message was open, whatever was seen of that. */
static void
set_responses(ResponseMessage *m, int16 opened, int16 clicked)
{
	m->clicked = clicked;
	m->opened = clicked != RESPONSE_NONE && (opened == RESPONSE_NONE || opened > clicked) ? clicked : opened;
}

static Datum
add_message(FunctionCallInfo fcinfo, int clicked_argument, int machine_argument, int zone_argument)
{
	ResponseMessage m;
	ResponseState *state;

	m.minute = response_guard_minute("delivered_at", PG_GETARG_TIMESTAMPTZ(1));
	set_clock(&m, call_zone(fcinfo, zone_argument));
	set_responses(&m, lag_of(fcinfo, 2, machine_argument > 0 ? "opened_at" : "responded_at", m.minute),
				  clicked_argument > 0 ? lag_of(fcinfo, clicked_argument, "clicked_at", m.minute) : RESPONSE_NONE);
	m.machine = machine_argument > 0 && !PG_ARGISNULL(machine_argument) && PG_GETARG_BOOL(machine_argument);
	state = state_for_row(fcinfo);
	response_add_message(&state->server.env, &state->hours, m);
	PG_RETURN_POINTER(state);
}

/* response_hours(delivered_at, responded_at, zone): what was not delivered is no message. */
PG_FUNCTION_INFO_V1(personalize_response_hours_add);
Datum
personalize_response_hours_add(PG_FUNCTION_ARGS)
{
	return PG_ARGISNULL(1) ? unchanged(fcinfo) : add_message(fcinfo, 0, 0, 3);
}

/* response_hours(delivered_at, opened_at, clicked_at, machine_opened, zone) */
PG_FUNCTION_INFO_V1(personalize_response_hours_add_observed);
Datum
personalize_response_hours_add_observed(PG_FUNCTION_ARGS)
{
	return PG_ARGISNULL(1) ? unchanged(fcinfo) : add_message(fcinfo, 3, 4, 5);
}

/* visit_hours(visited_at, zone) */
PG_FUNCTION_INFO_V1(personalize_visit_hours_add);
Datum
personalize_visit_hours_add(PG_FUNCTION_ARGS)
{
	ResponseState *state;
	int32		minute;
	int32		offset;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	minute = response_guard_minute("visited_at", PG_GETARG_TIMESTAMPTZ(1));
	offset = local_stretch(call_zone(fcinfo, 2), local_seconds(PG_GETARG_TIMESTAMPTZ(1)))->offset;
	state = state_for_row(fcinfo);
	response_add_visit(&state->server.env, &state->hours, (ResponseVisit) {response_floor_div(minute + offset, 60), offset});
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_response_hours_rollup);
Datum
personalize_response_hours_rollup(PG_FUNCTION_ARGS)
{
	ResponseState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	response_read(PG_GETARG_DATUM(1), &state->server.env, &state->hours);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_response_hours_merge);
Datum
personalize_response_hours_merge(PG_FUNCTION_ARGS)
{
	ResponseState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	response_merge(&state->server.env, &state->hours, &((ResponseState *) PG_GETARG_POINTER(1))->hours);
	PG_RETURN_POINTER(state);
}

/* A state travels as the value that it would become. */
PG_FUNCTION_INFO_V1(personalize_response_hours_serialize);
Datum
personalize_response_hours_serialize(PG_FUNCTION_ARGS)
{
	ServerEnv	server;

	aggregate_context(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	return response_form(&server.env, &((ResponseState *) PG_GETARG_POINTER(0))->hours);
}

PG_FUNCTION_INFO_V1(personalize_response_hours_deserialize);
Datum
personalize_response_hours_deserialize(PG_FUNCTION_ARGS)
{
	ResponseState *state;

	aggregate_context(fcinfo);
	/* only read by the merge that follows, so it may go with the caller's context */
	state = state_new(CurrentMemoryContext);
	response_read(PG_GETARG_DATUM(0), &state->server.env, &state->hours);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_response_hours_final);
Datum
personalize_response_hours_final(PG_FUNCTION_ARGS)
{
	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return personalize_response_hours_serialize(fcinfo);
}
