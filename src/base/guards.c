/*
 * guards.c
 *		Checks of arguments that recur.
 */
#include "postgres.h"

#include <math.h>

#include "base/guards.h"

/* For functions that are not STRICT: one argument may be null, another may not. */
void
guard_not_null(const char *argument, bool isnull)
{
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", argument)));
}

/* Returns the value, so that an argument can be read and checked in one expression. */
int64
guard_int_range(const char *argument, int64 value, int64 low, int64 high)
{
	if (value < low || value > high)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s is out of range: " INT64_FORMAT, argument, value),
				 errdetail("It must be between " INT64_FORMAT " and " INT64_FORMAT ".",
						   low, high)));
	return value;
}

/* NaN fails both comparisons, so it is out of every range. */
double
guard_float_range(const char *argument, double value, double low, double high)
{
	if (!(value >= low && value <= high))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s is out of range: %g", argument, value),
				 errdetail("It must be between %g and %g.", low, high)));
	return value;
}

/* For values that have no range, yet have to be numbers: NaN and infinities spoil sums for good. */
double
guard_finite(const char *argument, double value)
{
	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be a finite number, not %g", argument, value)));
	return value;
}
