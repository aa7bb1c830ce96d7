/*
 * duration.h
 *		How long something lasted, as it comes from SQL: seconds or an interval, never negative.
 */
#ifndef PERSONALIZE_VALUE_DURATION_H
#define PERSONALIZE_VALUE_DURATION_H

#include "base/compat.h"

#include "utils/timestamp.h"

/* Fails on NaN, infinities and what is below 0; the name is the argument's.  -0 becomes 0. */
extern double duration_guard(const char *argument, double duration);
/* Microseconds.  A month counts 30 days, as in comparisons of intervals. */
extern int64 duration_microseconds(const char *argument, const Interval *interval);
extern Interval *duration_interval(int64 microseconds);

static inline double
duration_seconds(int64 microseconds)
{
	return (double) microseconds / USECS_PER_SEC;
}

#endif							/* PERSONALIZE_VALUE_DURATION_H */
