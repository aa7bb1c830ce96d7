/*
 * km.c
 *		Reading Kaplan-Meier estimates: survival, quantiles, the table.
 */
#include "value/km.h"

#include <math.h>

#include "utils/builtins.h"

#include "base/guards.h"
#include "value/duration.h"

SurvivalTime *
km_times(Datum value, Env *env, uint64 *n)
{
	bytea	   *bytes = DatumGetByteaPP(value);
	SurvivalTime *times = survival_decode(env, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), n);

	if (times == NULL)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type km is damaged")));
	return times;
}

/* --- arguments -------------------------------------------------------------- */

/* For two-sided limits that hold with this probability. */
static double
z_of_level(double level)
{
	if (!(level > 0 && level < 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("level is out of range: %g", level),
				 errdetail("It must be between 0 and 1, like 0.95.")));
	return normal_quantile(0.5 + level / 2);
}

static SurvivalLimits
limits_of_name(text *name)
{
	static const char *const names[] = {"plain", "log", "log-log"};
	const char *wanted = text_to_cstring(name);

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(wanted, names[i]) == 0)
			return (SurvivalLimits) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("conf_type \"%s\" is not known", wanted),
			 errhint("Known are plain, log and log-log.")));
	return SURVIVAL_LOG;
}

/* --- accessors -------------------------------------------------------------- */

/* What lasts longer than t: an event at t has happened. */
PG_FUNCTION_INFO_V1(personalize_km_survival_at);
Datum
personalize_km_survival_at(PG_FUNCTION_ARGS)
{
	double		t = PG_GETARG_FLOAT8(1);
	ServerEnv	server;
	uint64		n;
	SurvivalTime *times;
	SurvivalCurve curve;

	if (isnan(t))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("t must be a number, not NaN")));
	server_env_init(&server, CurrentMemoryContext);
	times = km_times(PG_GETARG_DATUM(0), &server.env, &n);
	/* beyond the last time, where nobody was at risk any more, nothing is known unless all have ended */
	curve = survival_begin(times, n);
	for (uint64 i = 0; i < n && times[i].time <= t; i++)
		survival_step(&curve, &times[i]);
	if (n == 0 || (t > times[n - 1].time && curve.survival > 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(curve.survival);
}

static Datum
record_of(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* A quantile and its limits; the arguments behind the share are level and conf_type. */
static Datum
quantile(FunctionCallInfo fcinfo, double p, int level)
{
	double		z = z_of_level(PG_GETARG_FLOAT8(level));
	SurvivalLimits type = limits_of_name(PG_GETARG_TEXT_PP(level + 1));
	ServerEnv	server;
	uint64		n;
	SurvivalTime *times;
	double		found[3];
	Datum		values[3];
	bool		nulls[3];

	server_env_init(&server, CurrentMemoryContext);
	times = km_times(PG_GETARG_DATUM(0), &server.env, &n);
	survival_quantile(times, n, p, z, type, found);
	for (int i = 0; i < 3; i++)
	{
		nulls[i] = isnan(found[i]);
		values[i] = Float8GetDatum(found[i]);
	}
	return record_of(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(personalize_km_quantile);
Datum
personalize_km_quantile(PG_FUNCTION_ARGS)
{
	return quantile(fcinfo, guard_float_range("p", PG_GETARG_FLOAT8(1), 0, 1), 2);
}

PG_FUNCTION_INFO_V1(personalize_km_median);
Datum
personalize_km_median(PG_FUNCTION_ARGS)
{
	return quantile(fcinfo, 0.5, 1);
}

/* The curve after a time.  Where S is 0 its error is 0 times infinity, and so unknown, as in R. */
static void
put_time(ReturnSetInfo *result, const SurvivalTime *time, const SurvivalCurve *curve, double z, SurvivalLimits type)
{
	double		lower = 0;
	double		upper = 0;
	bool		nulls[8] = {false};
	Datum		row[8];

	nulls[5] = !(curve->survival > 0);
	nulls[6] = nulls[7] = !survival_limits(curve->survival, curve->variance, z, type, &lower, &upper);
	row[0] = Float8GetDatum(time->time);
	row[1] = Int64GetDatum(curve->at_risk);
	row[2] = Int64GetDatum(time->events);
	row[3] = Int64GetDatum(time->censored);
	row[4] = Float8GetDatum(curve->survival);
	row[5] = Float8GetDatum(curve->survival * sqrt(curve->variance));
	row[6] = Float8GetDatum(lower);
	row[7] = Float8GetDatum(upper);
	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

PG_FUNCTION_INFO_V1(personalize_km_survival_table);
Datum
personalize_km_survival_table(PG_FUNCTION_ARGS)
{
	double		z = z_of_level(PG_GETARG_FLOAT8(1));
	SurvivalLimits type = limits_of_name(PG_GETARG_TEXT_PP(2));
	ServerEnv	server;
	uint64		n;
	SurvivalTime *times;
	SurvivalCurve curve;

	compat_materialize(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	times = km_times(PG_GETARG_DATUM(0), &server.env, &n);
	curve = survival_begin(times, n);
	for (uint64 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		survival_step(&curve, &times[i]);
		put_time((ReturnSetInfo *) fcinfo->resultinfo, &times[i], &curve, z, type);
	}
	return (Datum) 0;
}

/* --- operators -------------------------------------------------------------- */

/* Equal counts have equal bytes. */
PG_FUNCTION_INFO_V1(personalize_km_eq);
Datum
personalize_km_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_PP(0);
	bytea	   *b = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_km_ne);
Datum
personalize_km_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_km_eq(fcinfo)));
}
