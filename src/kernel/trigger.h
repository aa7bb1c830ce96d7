/*
 * trigger.h
 *		When to speak to somebody who may be about to leave: hazards from counts of page views, and the time that is best.
 *
 *		r_b = n − Σ_{j<b} ended_j − ½ open_b				at risk in bin b
 *		h_b = (exits_b + κ·h_b of the parent) / (r_b + κ)	the chance to leave in it; the same for those that went on or bought
 *		S_b = ∏_{j<b} (1 − h_j − h_others_j)				still here when it begins
 *		F_b = Σ_{j<b} S_j·h_j								left the site by then (Aalen and Johansen 1978)
 *		t* = argmax e(t)·(F(t + w) − F(t)) − c·S(t + w)
 *
 * So S of views that have all ended is the share that is left, and S, F and what ended otherwise are everything.
 *
 * All times are seconds.
 */
#ifndef PERSONALIZE_KERNEL_TRIGGER_H
#define PERSONALIZE_KERNEL_TRIGGER_H

#include "kernel/dropoff.h"

/* A parent's hazard counts as so many views at risk. */
#define TRIGGER_KAPPA 50.0
/* The last bin has no end of its own, so nothing is said of times in it. */
#define TRIGGER_LAST_TIME (dropoff_bin_start(DROPOFF_BINS - 1) / 1e6)

/* Counts as they weigh at one time. */
typedef struct DropoffTable
{
	double		views;
	double		count[DROPOFF_BINS][DROPOFF_KINDS];
} DropoffTable;

/* What everything weighs at a time; without a half-life the time means nothing, and the counts are whole. */
extern void dropoff_table(const DropoffCounts *counts, int64_t as_of, DropoffTable *table);
extern double dropoff_at_risk(const DropoffTable *table, int bin, double ended);	/* `ended` in the bins before */
extern double dropoff_ended(const DropoffTable *table, int bin);

/* By bin the chance of those at risk to leave, or to be lost otherwise (advance, convert). */
typedef struct DropoffHazard
{
	double		exit[DROPOFF_BINS];
	double		other[DROPOFF_BINS];
} DropoffHazard;

/* With the parent's hazard as prior, which may be the same struct; NULL: none. */
extern void dropoff_hazard(const DropoffTable *table, const DropoffHazard *parent, DropoffHazard *hazard);
/* Over bins, by the second. */
extern void dropoff_smooth(DropoffHazard *hazard);

/* Where bins begin; within a bin, those that end do so evenly. */
typedef struct DropoffCurve
{
	DropoffHazard hazard;
	double		survival[DROPOFF_BINS + 1];
	double		exits[DROPOFF_BINS + 1];
	double		variance[DROPOFF_BINS + 1]; /* of log S, after Greenwood; 0 unless asked for */
} DropoffCurve;

extern void dropoff_curve(const DropoffHazard *hazard, DropoffCurve *curve);
extern void dropoff_greenwood(const DropoffTable *table, DropoffCurve *curve);
/* Of times from 0 to TRIGGER_LAST_TIME. */
extern double dropoff_survival(const DropoffCurve *curve, double t);
extern double dropoff_exits(const DropoffCurve *curve, double t);
extern double dropoff_exit_hazard(const DropoffCurve *curve, double t); /* by the second */
/* When S·exp(z·σ) has come down to 1 − p; NaN if it does not by TRIGGER_LAST_TIME. */
extern double dropoff_quantile(const DropoffCurve *curve, double p, double z);
/* Mean time on the page up to TRIGGER_LAST_TIME. */
extern double dropoff_mean(const DropoffCurve *curve);

/* --- efficacy --------------------------------------------------------------- */

/*
 * What is counted by bin: views with a trigger in it, and views without any that ended in it; of both, those that bought apart from those that
 * did not.
 */
typedef enum TriggerKind
{
	TRIGGER_SHOWN,
	TRIGGER_SHOWN_CONVERTED,
	TRIGGER_CONTROL,
	TRIGGER_CONTROL_CONVERTED
} TriggerKind;

#define TRIGGER_BUCKETS 16

/* What a test says of one bucket of times; views and conversions only of those still present. */
typedef struct TriggerBucket
{
	double		from;
	double		until;
	double		shown;
	double		shown_converted;	/* shares */
	double		control;
	double		control_converted;
} TriggerBucket;

typedef struct TriggerEfficacy
{
	double		level;			/* all that was tested, as a part of what the parametric efficacy would have been */
	TriggerBucket bucket[TRIGGER_BUCKETS];
} TriggerEfficacy;

extern void trigger_efficacy(const DropoffTable *table, TriggerEfficacy *efficacy);
/* Without data, from the curve of somebody who has had time to read: 1 − exp(−t/8 s). */
extern double trigger_parametric(double t);
extern double trigger_efficacy_at(const TriggerEfficacy *efficacy, double t);	/* NULL: the parametric one */

/* --- the best time ---------------------------------------------------------- */

typedef struct TriggerQuestion
{
	double		reading;		/* w */
	double		cost;			/* c */
	double		t_min;
	double		t_max;
	const TriggerEfficacy *efficacy;	/* or NULL */
} TriggerQuestion;

typedef struct TriggerAnswer
{
	double		t;
	double		utility;
	double		still_here;
	double		reachable;		/* share of all who leave that have not left by then */
	double		rescued;		/* of one view */
} TriggerAnswer;

extern double trigger_utility(const DropoffCurve *curve, const TriggerQuestion *question, double t);
extern TriggerAnswer trigger_best(const DropoffCurve *curve, const TriggerQuestion *question);

#endif							/* PERSONALIZE_KERNEL_TRIGGER_H */
