/*
 * send_time.h
 *		When to send one message: hours that allow it, chances of each time, the choice.
 */
#ifndef PERSONALIZE_KERNEL_SEND_TIME_H
#define PERSONALIZE_KERNEL_SEND_TIME_H

#include "kernel/response_fit.h"

#define SEND_WEEK_MINUTES (7 * RESPONSE_DAY)

/* --- hours that allow it ----------------------------------------------------- */

/* A bit for each minute of the week, from Monday on. */
typedef struct SendHours
{
	uint8_t		bits[SEND_WEEK_MINUTES / 8];
} SendHours;

typedef enum SendHoursProblem
{
	SEND_HOURS_OK,
	SEND_HOURS_DAY,				/* no name of a day */
	SEND_HOURS_TIME,			/* no time, or none of a day */
	SEND_HOURS_DASH,
	SEND_HOURS_END				/* something else than ";" or the end */
} SendHoursProblem;

/*
 * Reads hours like "mon-fri 08:00-21:00; sat 22:00-02:00": days are all where none are named, hours all of a day.  A time that ends before it begins
 * ends on the day after; 24:00 is the end of a day, and equal times are a whole day.  *at is where the reader stopped.
 */
extern SendHoursProblem send_hours_parse(SendHours *hours, const char *text, size_t size, size_t *at);

static inline bool
send_hours_hold(const SendHours *hours, int week_minute)
{
	return hours->bits[week_minute >> 3] >> (week_minute & 7) & 1;
}

/* --- chances ----------------------------------------------------------------- */

/* Hazards of one customer, to be added up for any time of delivery. */
typedef struct SendChances
{
	double		week[RESPONSE_WEEK + RESPONSE_LAGS];	/* λ by hour of the week, and on into the next */
	double		lags[RESPONSE_LAGS];	/* w, cut off where the message is no longer good */
	int			num_lags;
	double		known[RESPONSE_WEEK];	/* sums that have been asked for; -1: not yet */
} SendChances;

/* `valid_minutes` after delivery the message is worth nothing. */
extern void send_chances(SendChances *chances, const double *rate, const double *lags, int valid_minutes);
/* Σ w λ of a delivery at that minute of the customer's clock, which changes by change_by after change_at minutes, if that is above 0. */
extern double send_hazard(SendChances *chances, int32_t local_minute, int change_at, int change_by);
/* The chance of a response, of its hazard. */
extern double send_probability(double hazard);

/* --- choice ------------------------------------------------------------------ */

typedef enum SendPolicy
{
	SEND_OPTIMIZED,
	SEND_EXPLORE,
	SEND_FALLBACK,
	SEND_CONTROL,
	SEND_EXPIRED
} SendPolicy;

typedef struct SendChoice
{
	int			chosen;			/* candidate */
	SendPolicy	policy;
	double		propensity;		/* of that time, whatever led to it */
} SendChoice;

/*
 * Control with its share, uniform among the others with `explore`, the best otherwise; `best` and `control_at` are candidates.  The hash is that of the
 * message's key, so that calls agree.
 */
extern SendChoice send_choose(uint64_t hash, int num_candidates, int best, int control_at, double explore, double control);

extern uint64_t send_time_hash(const void *bytes, size_t size, uint64_t seed);

#endif							/* PERSONALIZE_KERNEL_SEND_TIME_H */
