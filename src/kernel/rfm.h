/*
 * rfm.h
 *		Recency, frequency, monetary value: scores from 1 to 3 or 5 by what share of all customers does worse, and names for them.
 *
 * A score is one more than the number of limits that a customer passes: fewer days since the last order than a limit of recency, more orders than one of
 * frequency, more money than one of monetary value.  Limits are quantiles, so customers who tie share a score, and a score may be nobody's.
 * Recency is in whole days of the shop's calendar, so a score of it changes at a midnight.
 */
#ifndef PERSONALIZE_KERNEL_RFM_H
#define PERSONALIZE_KERNEL_RFM_H

#include "kernel/activity.h"
#include "kernel/counted.h"

#define RFM_MOST_LEVELS 5
#define RFM_MOST_LIMITS (RFM_MOST_LEVELS - 1)
#define RFM_NEVER INT64_MAX
#define RFM_MOST_DAYS 3652425	/* ten thousand years */

typedef enum RfmSide
{
	RFM_RECENCY,
	RFM_FREQUENCY,
	RFM_MONETARY,
	RFM_SIDES
} RfmSide;

typedef struct RfmModel
{
	uint32_t	levels;			/* 3 or 5 */
	uint64_t	customers;
	int64_t		limits[RFM_SIDES][RFM_MOST_LIMITS]; /* levels - 1 of each; of recency descending, of the others ascending */
} RfmModel;

/* What a customer did; money in units of 1/10000. */
typedef struct RfmNumbers
{
	int64_t		days;			/* since the last order */
	int64_t		orders;
	int64_t		units;
} RfmNumbers;

typedef struct RfmScores
{
	int			r;
	int			f;
	int			m;
} RfmScores;

static inline bool
rfm_has_levels(int64_t levels)
{
	return levels == 3 || levels == 5;
}

/* Limits of what was counted of each side, of recency with the sign changed; folded, not empty, and as many in each. */
extern void rfm_limits(RfmModel *model, const Counted counted[RFM_SIDES]);
extern bool rfm_is_sound(const RfmModel *model);
extern RfmScores rfm_score(const RfmModel *model, const RfmNumbers *numbers);
/* Days since the last order from which on the score of recency is lower than now; RFM_NEVER where it is the least. */
extern int64_t rfm_recency_falls(const RfmModel *model, int64_t days);
/* Of scores from 1 to `levels`. */
extern const char *rfm_group(uint32_t levels, RfmScores scores);

/* What 64 bits can hold of a sum. */
extern int64_t rfm_nearest_units(__int128 sum);

/* Orders of an activity in a window (as_of - length, as_of]; what has a negative amount is a refund, no order. */
typedef struct RfmWindow
{
	int64_t		orders;
	int64_t		units;			/* as near to the sum as 64 bits allow */
	int64_t		last;			/* time of the last order, if there are any */
	int64_t		changes;		/* when the next event enters or leaves the window; RFM_NEVER if none does */
} RfmWindow;

/* False where the bytes are no activity. */
extern bool rfm_look(RfmWindow *window, const void *activity, size_t size, const char *event, uint32_t event_size, int64_t as_of, int64_t length);

#endif							/* PERSONALIZE_KERNEL_RFM_H */
