/*
 * repeat.h
 *		When a customer buys an item again: the modified Poisson-Gamma model of Bhagat et al.
 *		(Buy It Again: Modeling Repeat Purchase Recommendations, KDD 2018).
 *
 * Purchases of an item are a Poisson process whose rate has a Gamma distribution among customers; after k of
 * them, t days after the last, the rate is (k + alpha) / (t + beta).  Nobody buys again at once, so the model is modified: until
 * twice the usual interval has passed, t is the distance from the interval's end, twice, and the rate is highest when the item is due.
 */
#ifndef PERSONALIZE_REPEAT_H
#define PERSONALIZE_REPEAT_H

#include "base/env.h"

#define REPEAT_USECS_PER_DAY INT64_C(86400000000)

/* Of the Gamma distribution, in days; both above 0. */
typedef struct RepeatPrior
{
	double		alpha;			/* shape: purchases that everybody has made */
	double		beta;			/* rate: days in which */
} RepeatPrior;

typedef struct RepeatPurchase
{
	uint32_t	item;
	int64_t		at;				/* microseconds since any midnight */
} RepeatPurchase;

typedef struct RepeatItem
{
	uint32_t	item;
	uint32_t	times;			/* days with a purchase: lines of one order are one */
	int64_t		first;
	int64_t		last;
} RepeatItem;

/* Sorts purchases of one customer, and folds them: `items` has room for n.  Ascending by item; returns how many. */
extern uint64_t repeat_fold(Env *env, RepeatPurchase *purchases, uint64_t n, RepeatItem *items);
/* Days between purchases of an item; 0 where it was bought once. */
extern double repeat_interval(const RepeatItem *item);
/* The mean over all intervals of a customer; 0 where nothing was bought twice. */
extern double repeat_usual_interval(const RepeatItem *items, uint64_t n);
/* Purchases a day to be expected: `since` days after the last one of `times`, where `interval` is usual. */
extern double repeat_rate(uint32_t times, double since, double interval, const RepeatPrior *prior);

#endif							/* PERSONALIZE_REPEAT_H */
