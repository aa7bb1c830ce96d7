/*
 * measure.h
 *		A measure chosen by name, with errors for people.
 */
#ifndef PERSONALIZE_VALUE_MEASURE_H
#define PERSONALIZE_VALUE_MEASURE_H

#include "postgres.h"

#include "kernel/measure.h"

/*
 * Fills in *measure, or fails.  The arrays have MEASURE_NUM_PARAMS elements in
 * the order of MeasureParams; what is not given has the measure's default, and
 * what is given must be a parameter that the measure takes.
 */
extern void measure_init(Measure *measure, const char *name, const double *values, const bool *given);

/* Fails for measures that mean nothing where pairs are weighted. */
extern void measure_require_unweighted(const Measure *measure);

#endif							/* PERSONALIZE_VALUE_MEASURE_H */
