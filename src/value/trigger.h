/*
 * trigger.h
 *		The best time of a trigger, from the drop-offs of a page and of what it is part of.
 */
#ifndef PERSONALIZE_VALUE_TRIGGER_H
#define PERSONALIZE_VALUE_TRIGGER_H

#include "base/compat.h"

#include "kernel/trigger.h"

/* Fewer views of everything together say too little. */
#define TRIGGER_MIN_VIEWS 100

/* Drop-offs, nearest first; each a value, or nothing known. */
typedef struct TriggerLevels
{
	int			n;
	Datum	   *value;
	bool	   *null;
} TriggerLevels;

typedef struct TriggerReply
{
	bool		flagged;		/* no answer: only source and views mean something then */
	int			source;			/* the nearest level with TRIGGER_MIN_VIEWS, else the last */
	double		views;			/* of that level */
	TriggerAnswer answer;
} TriggerReply;

extern TriggerReply trigger_reply(const TriggerLevels *levels, const TriggerQuestion *question);

extern void trigger_read_efficacy(Datum value, TriggerEfficacy *efficacy);

/* Checked as arguments of these names are. */
extern TriggerQuestion trigger_question(const Interval *reading, double cost, const Interval *t_min, const Interval *t_max);
extern double trigger_guard_pace(double pace);

typedef enum TriggerArm
{
	TRIGGER_ARM_BEST,
	TRIGGER_ARM_RANDOM,
	TRIGGER_ARM_CONTROL
} TriggerArm;

typedef struct TriggerDraw
{
	TriggerArm	arm;
	double		propensity;
	double		quantile;		/* of dwell, for the random arm */
} TriggerDraw;

extern TriggerDraw trigger_draw(text *seed, text *key, double random_share, double control_share);
/* When a drop-off has lost a share; NaN where nothing says so. */
extern double trigger_quantile(Datum dropoff, double p);
extern const char *trigger_arm_name(TriggerArm arm);

#endif							/* PERSONALIZE_VALUE_TRIGGER_H */
