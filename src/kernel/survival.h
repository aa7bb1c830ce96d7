/*
 * survival.h
 *		Kaplan-Meier: how long things last, where some have not ended yet.
 *
 * What is known is, for each distinct duration, how many ended then (events) and how many were only seen until then (censored); that is all that
 * the estimate needs, it is exact, and it adds up.  Of equal durations, events come before censorings: who was seen until then was at risk then.
 *
 *		version, flag, number of times, then by time, ascending: distance to the one before, events, censored
 *
 * All are varints but the first two, which are bytes.  Times are whole numbers where the flag says so, otherwise the bits of a double, which
 * ascend with what they stand for.  Equal counts have equal bytes.
 */
#ifndef PERSONALIZE_KERNEL_SURVIVAL_H
#define PERSONALIZE_KERNEL_SURVIVAL_H

#include "base/env.h"
#include "base/wire.h"

#define SURVIVAL_VERSION 1
#define SURVIVAL_MAX_COUNT (INT64_C(1) << 62)	/* observations in all */

typedef struct SurvivalTime
{
	double		time;			/* finite, 0 or more, never -0 */
	int64_t		events;
	int64_t		censored;
} SurvivalTime;

/* --- counting --------------------------------------------------------------- */

/* A table by hash of the time: slots without any count are free. */
typedef struct SurvivalCounts
{
	SurvivalTime *slots;
	uint64_t	room;			/* a power of two, or 0 */
	uint64_t	used;
	int64_t		total;
} SurvivalCounts;

/* Bytes that the table, and what is made of it, would take if one more time made it grow; 0 where there is room. */
extern uint64_t survival_growth(const SurvivalCounts *counts);
/* False where there would be too many observations. */
extern bool survival_add(Env *env, SurvivalCounts *counts, double time, int64_t events, int64_t censored);
/* Ascending by time; the caller releases it. */
extern SurvivalTime *survival_sorted(Env *env, const SurvivalCounts *counts);

/* --- bytes ------------------------------------------------------------------ */

/* Of ascending times; `reserve` bytes are left free in front.  The caller releases the result. */
extern unsigned char *survival_encode(Env *env, const SurvivalTime *times, uint64_t n, size_t reserve, size_t *size);
/* How many times it claims to have, never more than the bytes can hold; UINT64_MAX where they are no value of this version. */
extern uint64_t survival_open(WireReader *in, const void *bytes, size_t size);
/* All of them, ascending; NULL where the bytes are damaged. */
extern SurvivalTime *survival_decode(Env *env, const void *bytes, size_t size, uint64_t *n);
/* Whether survival_encode wrote these bytes, or could have. */
extern bool survival_is_canonical(Env *env, const void *bytes, size_t size);

/* --- estimates -------------------------------------------------------------- */

typedef enum SurvivalLimits
{
	SURVIVAL_PLAIN,				/* S ± z·σ·S */
	SURVIVAL_LOG,				/* of log S */
	SURVIVAL_LOG_LOG			/* of log(-log S) */
} SurvivalLimits;

/* The curve after one of its times. */
typedef struct SurvivalCurve
{
	int64_t		at_risk;		/* at that time: it has lasted so long, or longer */
	int64_t		next;			/* at risk from then on */
	double		survival;
	double		variance;		/* of log S, after Greenwood; infinite where S is 0 */
} SurvivalCurve;

extern SurvivalCurve survival_begin(const SurvivalTime *times, uint64_t n);
extern void survival_step(SurvivalCurve *curve, const SurvivalTime *time);
/* False where they are not defined: where S is 0, and for log-log where it is 1. */
extern bool survival_limits(double survival, double variance, double z, SurvivalLimits type, double *lower, double *upper);
/* The time by which a share p has ended, and its limits, from where the limits of S have that value; NaN where a curve does not get there. */
extern void survival_quantile(const SurvivalTime *times, uint64_t n, double p, double z, SurvivalLimits type, double result[3]);
/* Quantile of the standard normal distribution; 0 < p < 1. */
extern double normal_quantile(double p);

#endif							/* PERSONALIZE_KERNEL_SURVIVAL_H */
