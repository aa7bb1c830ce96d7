/*
 * response_hours.c
 *		Messages and visits of one customer as a value: its parts checked, accessors, operators.
 */
#include "value/response_hours.h"

#include "utils/builtins.h"

#include "base/guards.h"
#include "kernel/response_counts.h"

static void
damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("value is no response_hours that this version of personalize can read"),
			 errdetail("Known is version %d.", RESPONSE_VERSION)));
}

void
response_read(Datum value, Env *env, ResponseHours *hours)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	if (!response_decode(env, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), hours))
		damaged();
	if ((Pointer) bytes != DatumGetPointer(value))
		pfree(bytes);
}

Datum
response_form(Env *env, ResponseHours *hours)
{
	size_t		size;
	unsigned char *bytes;

	if (hours->count > RESPONSE_MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many messages for one response_hours"),
				 errdetail("The limit is " UINT64_FORMAT ".", RESPONSE_MAX_COUNT)));
	response_fold(hours);
	bytes = response_encode(env, hours, VARHDRSZ, &size);
	SET_VARSIZE(bytes, size);
	return PointerGetDatum(bytes);
}

int32
response_guard_minute(const char *argument, TimestampTz at)
{
	int64		minute = local_utc_minute(at);

	if (minute < RESPONSE_MIN_MINUTE || minute >= RESPONSE_END_MINUTE)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s must lie in the years 1900 to 2999", argument),
				 errdetail("It is %s.", timestamptz_to_str(at))));
	return (int32) minute;
}

/* --- accessors -------------------------------------------------------------- */

static ResponseHours
read_argument(FunctionCallInfo fcinfo, ServerEnv *server)
{
	ResponseHours hours;

	server_env_init(server, CurrentMemoryContext);
	response_init(&hours);
	response_read(PG_GETARG_DATUM(0), &server->env, &hours);
	return hours;
}

PG_FUNCTION_INFO_V1(personalize_response_hours_count);
Datum
personalize_response_hours_count(PG_FUNCTION_ARGS)
{
	ServerEnv	server;

	PG_RETURN_INT64((int64) read_argument(fcinfo, &server).count);
}

PG_FUNCTION_INFO_V1(personalize_response_hours_observable);
Datum
personalize_response_hours_observable(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ResponseHours hours = read_argument(fcinfo, &server);
	int32		as_of = response_guard_minute("as_of", PG_GETARG_TIMESTAMPTZ(1));

	PG_RETURN_TEXT_P(cstring_to_text(response_observable(&hours, as_of) == RESPONSE_CLICK ? "click" : "open"));
}

static Datum
lag_datum(int32 minute, int lag, bool *isnull)
{
	*isnull = lag == RESPONSE_NONE;
	return TimestampTzGetDatum(local_timestamp((int64) minute + lag));
}

PG_FUNCTION_INFO_V1(personalize_response_hours_unnest);
Datum
personalize_response_hours_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ServerEnv	server;
	ResponseHours hours = read_argument(fcinfo, &server);

	compat_materialize(fcinfo);
	for (uint32 i = 0; i < hours.num_messages; i++)
	{
		const ResponseMessage *m = &hours.messages[i];
		bool		nulls[5] = {false};
		Datum		row[5];

		row[0] = TimestampTzGetDatum(local_timestamp(m->minute));
		row[1] = TimestampGetDatum(local_timestamp((int64) m->minute + m->offset));
		row[2] = lag_datum(m->minute, m->opened, &nulls[2]);
		row[3] = lag_datum(m->minute, m->clicked, &nulls[3]);
		row[4] = BoolGetDatum(m->machine != 0);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}

/* --- operators -------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(personalize_response_hours_plus);
Datum
personalize_response_hours_plus(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ResponseHours hours = read_argument(fcinfo, &server);
	Datum		result;

	response_read(PG_GETARG_DATUM(1), &server.env, &hours);
	result = response_form(&server.env, &hours);
	response_release(&server.env, &hours);
	PG_RETURN_DATUM(result);
}

/* Equal sets of messages and visits have equal bytes. */
PG_FUNCTION_INFO_V1(personalize_response_hours_eq);
Datum
personalize_response_hours_eq(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	size_t		size = VARSIZE_ANY_EXHDR(a);

	PG_RETURN_BOOL(size == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), size) == 0);
}

PG_FUNCTION_INFO_V1(personalize_response_hours_ne);
Datum
personalize_response_hours_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_response_hours_eq(fcinfo)));
}
