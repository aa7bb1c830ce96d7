/*
 * dropoff_read.c
 *		Reading drop-offs: survival, hazards, exits, quantiles, the life table.
 *
 * A value alone is read as it is, without a parent and, but for the hazard, unsmoothed; weights are those at the time of the latest view.
 */
#include "value/dropoff.h"

#include <math.h>

#include "base/guards.h"
#include "kernel/survival.h"
#include "kernel/trigger.h"
#include "value/duration.h"

static void
read_table(FunctionCallInfo fcinfo, DropoffTable *table)
{
	ServerEnv	server;
	DropoffCounts counts;

	server_env_init(&server, CurrentMemoryContext);
	dropoff_read(PG_GETARG_DATUM(0), &server.env, &counts);
	dropoff_table(&counts, counts.latest, table);
	dropoff_release(&server.env, &counts);
}

static void
read_curve(FunctionCallInfo fcinfo, DropoffTable *table, DropoffCurve *curve)
{
	DropoffHazard hazard;

	read_table(fcinfo, table);
	dropoff_hazard(table, NULL, &hazard);
	dropoff_curve(&hazard, curve);
}

/* Nothing is known of no views, nor within the last bin, which holds whatever is longer. */
static bool
is_known(const DropoffTable *table, double t)
{
	return table->views > 0 && t <= TRIGGER_LAST_TIME;
}

PG_FUNCTION_INFO_V1(personalize_dropoff_views);
Datum
personalize_dropoff_views(PG_FUNCTION_ARGS)
{
	DropoffTable table;

	read_table(fcinfo, &table);
	PG_RETURN_FLOAT8(table.views);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_survival_at);
Datum
personalize_dropoff_survival_at(PG_FUNCTION_ARGS)
{
	double		t = duration_guard("t", PG_GETARG_FLOAT8(1));
	DropoffTable table;
	DropoffCurve curve;

	read_curve(fcinfo, &table, &curve);
	if (!is_known(&table, t))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(dropoff_survival(&curve, t));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_hazard_at);
Datum
personalize_dropoff_hazard_at(PG_FUNCTION_ARGS)
{
	double		t = duration_guard("t", PG_GETARG_FLOAT8(1));
	DropoffTable table;
	DropoffCurve curve;

	read_curve(fcinfo, &table, &curve);
	if (!is_known(&table, t) || t == TRIGGER_LAST_TIME)
		PG_RETURN_NULL();
	dropoff_smooth(&curve.hazard);
	PG_RETURN_FLOAT8(dropoff_exit_hazard(&curve, t));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_exit_incidence);
Datum
personalize_dropoff_exit_incidence(PG_FUNCTION_ARGS)
{
	double		t = duration_guard("t", PG_GETARG_FLOAT8(1));
	double		then = t + duration_guard("w", PG_GETARG_FLOAT8(2));
	DropoffTable table;
	DropoffCurve curve;

	read_curve(fcinfo, &table, &curve);
	if (!is_known(&table, then))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(dropoff_exits(&curve, then) - dropoff_exits(&curve, t));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_mean);
Datum
personalize_dropoff_mean(PG_FUNCTION_ARGS)
{
	DropoffTable table;
	DropoffCurve curve;

	read_curve(fcinfo, &table, &curve);
	if (!(table.views > 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(dropoff_mean(&curve));
}

/* --- rows ------------------------------------------------------------------- */

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

/* Limits are where those of S, exp(±z·σ) away, have the value wanted. */
static Datum
quantile(FunctionCallInfo fcinfo, double p, double level)
{
	double		z = z_of_level(level);
	double		found[3];
	Datum		values[3];
	bool		nulls[3];
	DropoffTable table;
	DropoffCurve curve;
	TupleDesc	desc;

	read_curve(fcinfo, &table, &curve);
	dropoff_greenwood(&table, &curve);
	found[0] = dropoff_quantile(&curve, p, 0);
	found[1] = dropoff_quantile(&curve, p, -z);
	found[2] = dropoff_quantile(&curve, p, z);
	for (int i = 0; i < 3; i++)
	{
		nulls[i] = isnan(found[i]) || !(table.views > 0);
		values[i] = Float8GetDatum(found[i]);
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_quantile);
Datum
personalize_dropoff_quantile(PG_FUNCTION_ARGS)
{
	return quantile(fcinfo, guard_float_range("p", PG_GETARG_FLOAT8(1), 0, 1), PG_GETARG_FLOAT8(2));
}

PG_FUNCTION_INFO_V1(personalize_dropoff_median);
Datum
personalize_dropoff_median(PG_FUNCTION_ARGS)
{
	return quantile(fcinfo, 0.5, PG_GETARG_FLOAT8(1));
}

/* One bin: what was counted, its chances, and the curve where it begins. */
static void
put_bin(ReturnSetInfo *result, const DropoffTable *table, const DropoffCurve *curve, int bin, double ended, double z)
{
	double		survival = curve->survival[bin];
	double		sigma = sqrt(curve->variance[bin]);
	double		upper = survival * exp(z * sigma);
	Datum		row[14];
	bool		nulls[14] = {false};

	row[0] = Float8GetDatum(duration_seconds(dropoff_bin_start(bin)));
	row[1] = Float8GetDatum(duration_seconds(dropoff_bin_start(bin + 1)));
	nulls[1] = bin == DROPOFF_BINS - 1;
	row[2] = Float8GetDatum(dropoff_at_risk(table, bin, ended));
	for (int kind = 0; kind < DROPOFF_KINDS; kind++)
		row[3 + kind] = Float8GetDatum(table->count[bin][kind]);
	row[7] = Float8GetDatum(curve->hazard.exit[bin]);
	row[8] = Float8GetDatum(curve->hazard.other[bin]);
	row[9] = Float8GetDatum(survival);
	row[10] = Float8GetDatum(survival * sigma);
	row[11] = Float8GetDatum(survival * exp(-z * sigma));
	row[12] = Float8GetDatum(Min(upper, 1));
	nulls[10] = nulls[11] = nulls[12] = !(survival > 0);
	row[13] = Float8GetDatum(curve->exits[bin]);
	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_life_table);
Datum
personalize_dropoff_life_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	double		z = z_of_level(PG_GETARG_FLOAT8(1));
	double		ended = 0;
	int			last = DROPOFF_BINS - 1;
	DropoffTable table;
	DropoffCurve curve;

	compat_materialize(fcinfo);
	read_curve(fcinfo, &table, &curve);
	dropoff_greenwood(&table, &curve);
	while (last >= 0 && dropoff_ended(&table, last) == 0)
		last--;
	for (int bin = 0; bin <= last; bin++)
	{
		put_bin(result, &table, &curve, bin, ended, z);
		ended += dropoff_ended(&table, bin);
	}
	return (Datum) 0;
}
