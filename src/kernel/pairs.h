/*
 * pairs.h
 *		What a basket adds to the counts of a model: the only place that says which
 *		pairs there are and what each counts.  A change of a basket is the difference
 *		of what it was and what it is.
 *
 * Counts are int64, in units: 1 where every count is a whole number of baskets (or a
 * sum of products of weights), 1/65536 where baskets are damped or pairs are
 * weighted by their distance.  A pair (a, b) is in the row of a.
 *
 * Of one basket u with S entries as a source and T as a target (T = S but for directed
 * models), with weight w = pairs_basket_weight(|S|) and last day D over S and T:
 *
 *	plain		c(a,b) += w · s_a · s_b for all a ≠ b of S, both ways;
 *	sequence	c(a,b) += round(w / distance) for a before b, at most `window` places apart
 *				(weights of items do not count; places are positions);
 *	directed	c(a,b) += w · s_a · t_b for a of S and b of T, a = b included;
 *	always		n(a) += w · s_a² for a of S;  directed: n_target(b) += w · t_b² for b of T
 *				(with sequence, or without: s_a counts as 1 in a sequence);
 *				total += w for the basket, if S or T is not empty.
 *
 * Generations: a pair belongs to that of its later event, generation(max(day_a, day_b));
 * n, n_target and total to the generation of D, so that no pair ever counts more than
 * its items.  Without generations all is in generation 0.
 */
#ifndef PERSONALIZE_PAIRS_H
#define PERSONALIZE_PAIRS_H

#include <stdbool.h>

#include "base/env.h"
#include "kernel/basket.h"

#define PAIRS_SCALE 65536

/* Immutable: what a model counts.  A sequence is not directed. */
typedef struct PairShape
{
	bool		directed;		/* from a source basket to a target basket of the same key */
	bool		sequence;		/* from earlier to later in one basket */
	uint32_t	window;			/* sequence: the largest distance, at least 1 */
	double		damping;		/* γ of w(d) = round(65536 · 2^(−γ·⌊log2 d⌋)) */
	int32_t		generation_days;	/* 0: no generations */
} PairShape;

/* Units of a count of one: PAIRS_SCALE, or 1. */
static inline int64_t
pairs_unit(const PairShape *shape)
{
	return shape->damping > 0 || shape->sequence ? PAIRS_SCALE : 1;
}

/* Symmetric shapes have c(a,b) = c(b,a), in the same generation, and one marginal. */
static inline bool
pairs_symmetric(const PairShape *shape)
{
	return !shape->directed && !shape->sequence;
}

/* w for a basket of `size` items, 0 counting like 1. */
extern int64_t pairs_basket_weight(const PairShape *shape, uint32_t size);

/* Rounds down, also before 2000. */
static inline int32_t
pairs_generation(const PairShape *shape, int32_t day)
{
	int32_t		g = shape->generation_days;

	return g == 0 ? 0 : day >= 0 ? day / g : (int32_t) -((-(int64_t) day + g - 1) / g);
}

/* Row of a model: an item in a generation, ordered by item and then by generation. */
static inline uint64_t
pairs_row(uint32_t item, int32_t generation)
{
	return (uint64_t) item << 32 | ((uint32_t) generation ^ UINT32_C(0x80000000));
}

static inline uint32_t
pairs_row_item(uint64_t row)
{
	return (uint32_t) (row >> 32);
}

static inline int32_t
pairs_row_generation(uint64_t row)
{
	return (int32_t) ((uint32_t) row ^ UINT32_C(0x80000000));
}

typedef struct PairChange
{
	uint64_t	row;			/* pairs_row(a, generation) */
	uint64_t	item;			/* b */
	int64_t		change;			/* units */
} PairChange;

typedef struct MarginalChange
{
	uint64_t	row;			/* pairs_row(item, generation) */
	int64_t		source;			/* change of n */
	int64_t		target;			/* change of n_target; the same as source but for directed models */
} MarginalChange;

typedef struct TotalChange
{
	int32_t		generation;
	int64_t		change;
} TotalChange;

/* Changes that wait to be applied.  After pairs_fold each array ascends, has every key once, and no zero. */
typedef struct PairChanges
{
	/* immutable */
	Env		   *env;
	PairShape	shape;

	/* mutable */
	PairChange *pair;
	uint64_t	num_pairs;
	uint64_t	pairs_room;
	MarginalChange *marginal;
	uint64_t	num_marginals;
	uint64_t	marginals_room;
	TotalChange *total;
	uint64_t	num_totals;
	uint64_t	totals_room;
	void	   *scratch;		/* of one difference */
	size_t		scratch_size;
} PairChanges;

extern void pairs_init(Env *env, PairChanges *c, PairShape shape);
extern void pairs_release(PairChanges *c);
extern void pairs_clear(PairChanges *c);
/* Bytes held; a fold needs as much again for a moment. */
extern size_t pairs_memory(const PairChanges *c);
/*
 * One basket that was and now is.  An empty basket (size 0) is one that is not there; shapes
 * that are not directed look at the source only.  Pairs that count the same before and after are
 * left out where that is cheap to see, which makes cost follow the change: one item
 * more in a basket of d costs O(d), not O(d²), unless the basket's weight changes.
 */
extern void pairs_diff(PairChanges *c, const Basket *old_source, const Basket *old_target,
					   const Basket *new_source, const Basket *new_target);
extern void pairs_fold(PairChanges *c);

/*
 * What the entry at `at` of the source adds to its own row: for those who count row by row.
 * `out` has room for as many as the larger basket has entries; returns how many.
 */
typedef struct PairOfEntry
{
	uint32_t	item;
	int32_t		generation;
	int64_t		count;
} PairOfEntry;

extern uint32_t pairs_of_entry(const PairShape *shape, const Basket *source, const Basket *target,
							   uint32_t at, PairOfEntry *out);

#endif							/* PERSONALIZE_PAIRS_H */
