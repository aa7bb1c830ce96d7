/*
 * duration.c
 *		How long something lasted.
 */
#include "value/duration.h"

#include <math.h>

#include "utils/builtins.h"

static void
refuse(const char *argument, const char *duration)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s is out of range: %s", argument, duration),
			 errdetail("It must be 0 or more, and finite.")));
}

double
duration_guard(const char *argument, double duration)
{
	if (!(duration >= 0) || isinf(duration))
		refuse(argument, psprintf("%g", duration));
	/* there is one zero only among times that are told apart by their bits */
	return duration + 0.0;
}

/* Infinite intervals, which 17 brought, are made of the largest parts, and so far too large. */
int64
duration_microseconds(const char *argument, const Interval *interval)
{
	int128		days = (int128) interval->month * DAYS_PER_MONTH + interval->day;
	int128		total = days * USECS_PER_DAY + interval->time;

	if (total < 0 || total > PG_INT64_MAX)
		refuse(argument, DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval))));
	return (int64) total;
}

Interval *
duration_interval(int64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = microseconds;
	return interval;
}
