/*
 * pair_best.h
 *		From the exact counts of an item to its best neighbors, and what a later
 *		change can do to them without looking at all counts again.
 *
 * Beside the list of an item stands its floor: no neighbor that is not in the list scores more.
 * When the n of other items change, only those that could now pass the floor or that
 * are in the list matter; a list in which all of the best k are certainly above the floor needs no
 * other look.  Results are the same, bit for bit, as those of scoring all counts again.
 */
#ifndef PERSONALIZE_PAIR_BEST_H
#define PERSONALIZE_PAIR_BEST_H

#include "kernel/cooccur.h"

/* Everything that scores of a model depend on beside the pair itself. */
typedef struct PairContext
{
	Measure		measure;
	uint32_t	k;				/* at least 1 */
	double		min_count;
	uint32_t	num_items;
	const double *n_source;		/* n of every item as the first of a pair */
	const double *n_target;		/* and as the second; the same array for symmetric models */
	double		total;
	const uint32_t *order;		/* code -> place among the keys; breaks ties */
} PairContext;

typedef struct PairBest PairBest;

extern PairBest *pair_best_create(Env *env, const PairContext *context);
extern void pair_best_release(PairBest *best);
/* With all that patches need; pair_best alone does with pair_best_scan_memory. */
extern size_t pair_best_memory(const PairContext *context);
extern size_t pair_best_scan_memory(const PairContext *context);

/*
 * The best k of n counts (items ascending; counts already in baskets, not in units; the item itself is passed
 * over).  Counts of 0 or below min_count are no neighbors.  Best first into out, which has room for k.
 * *floor: the best score that did not make it, -Infinity where all did.  Items have to be below num_items, which
 * is for the caller to see to where counts come from a table.
 */
extern uint32_t pair_best(PairBest *best, uint32_t item, const uint32_t *items, const double *counts, uint32_t n,
						  CooccurNeighbor *out, double *floor);

/*
 * Whether `other`, with that count, may score at least `floor` for `item` if n of other is anything
 * from least_n on, and be a neighbor (min_count).  Never false where it does; cheap: a comparison with a bound that is computed once for
 * each item and magnitude of n.  The floor of an item must be the same in all calls.
 */
extern bool pair_best_may_pass(PairBest *best, uint32_t item, double floor, double least_n, double count);

/*
 * The same for `other`, of which n is anything from least_n on, and all items that it is a neighbor of: the places of
 * those in whose lists it may be, at most n.  floor is by item.
 */
extern uint32_t pair_best_may_pass_row(PairBest *best, const double *floor, double least_n, const uint32_t *items,
									   const double *counts, uint32_t n, uint32_t *found);

/* A neighbor whose count, or n, is not what it was when the list was made. */
typedef struct PairOffer
{
	uint32_t	item;
	double		count;			/* now; 0: no neighbor any more */
} PairOffer;

/*
 * Brings a list up to date, in place, with all changed neighbors that are in it or may pass its
 * floor.  False, and the list is of no use, where the best k cannot be told from these
 * alone: all counts have to be scored again.  n of the item itself must not have changed, nor the total, where
 * the measure depends on it.  Offers are in any order; those for no neighbor of interest do no harm.
 */
extern bool pair_best_patch(PairBest *best, uint32_t item, CooccurNeighbor *list, uint32_t *size, double *floor,
							const PairOffer *offers, uint32_t n);

#endif							/* PERSONALIZE_PAIR_BEST_H */
