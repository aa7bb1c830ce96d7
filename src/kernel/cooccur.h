/*
 * cooccur.h
 *		The multiplication: from baskets to counts of pairs of items.
 *
 * Items are ranks: 0 is in the most baskets.  Lists are ascending and hold two
 * items or more; a basket of one item has no pair and is only in the marginals.
 *
 * Two ways through the same product.  cooccur_topk counts each pair once, fused
 * with the choice of the best k of every item: it is the fast way to neighbors
 * of plain baskets.  cooccur_row counts one item against all others: rows are
 * independent, carry weights, and yield every count.  Rows also serve directed counts,
 * from the items of one list to those of another that belongs to it; such lists may
 * have any size, and be empty.
 */
#ifndef PERSONALIZE_COOCCUR_H
#define PERSONALIZE_COOCCUR_H

#include <math.h>

#include "base/env.h"
#include "kernel/measure.h"

/* Lists to fetch ahead of use; post_list has twice as many spare entries at its end. */
#define COOCCUR_AHEAD	16

/*
 * Both factors of the product; lists belong to the caller, the rest to the operand.  No array is written after
 * cooccur_operand_init, so that several processes may count from the same ones.
 */
typedef struct CooccurOperand
{
	uint32_t	num_items;
	uint64_t	num_lists;
	const uint64_t *list_start; /* num_lists + 1 places in list_item, the first not always 0 */
	const uint32_t *list_item;
	const uint32_t *list_weight;	/* per entry, or NULL for ones */
	const int64_t *list_scale;	/* per list, none negative, or NULL for ones */

	const double *marginal;		/* n of every item, and of all; directed: as the second of a pair */
	double		total;
	double		unit;			/* what a count of 1 is worth: 1 / 65536 where damped */
	const uint32_t *order;		/* rank -> place among the keys; breaks ties */

	uint64_t   *post_start;		/* items -> lists, num_items + 1, and a spare one */
	uint32_t   *post_list;

	/*
	 * Directed only, else NULL: the list that list l is counted from, and n of every item as the first of a pair.
	 * list_scale is then of the two lists together.
	 */
	const uint64_t *source_start;	/* num_lists + 1 places in source_item */
	const uint32_t *source_item;
	const uint32_t *source_weight;	/* per entry; NULL for ones, which list_weight does not have to be */
	const double *source_marginal;
} CooccurOperand;

typedef struct CooccurNeighbor
{
	double		score;
	double		count;			/* n_ab */
	uint32_t	item;
} CooccurNeighbor;

/* What to look for. */
typedef struct CooccurQuery
{
	Measure		measure;
	uint32_t	k;				/* at least 1 */
	double		min_count;
} CooccurQuery;

/* --- cooccur_operand.c --- */
/* num_entries: of the lists, or of the source where there is one. */
extern size_t cooccur_operand_memory(uint32_t num_items, uint64_t num_entries);
extern void cooccur_operand_init(Env *env, CooccurOperand *x);
/* The same into memory that is there: post_start for num_items + 2, post_list for the entries and 2 * COOCCUR_AHEAD. */
extern void cooccur_operand_fill(Env *env, CooccurOperand *x);
extern void cooccur_operand_release(Env *env, CooccurOperand *x);

static inline bool
cooccur_is_directed(const CooccurOperand *x)
{
	return x->source_start != NULL;
}

/* Lists that a row is counted from. */
static inline uint32_t
cooccur_degree(const CooccurOperand *x, uint32_t item)
{
	return (uint32_t) (x->post_start[item + 1] - x->post_start[item]);
}

/* No item has more neighbors than there are items: what may be asked for costs no memory. */
static inline uint32_t
cooccur_useful_k(const CooccurOperand *x, uint32_t k)
{
	return k < x->num_items || x->num_items == 0 ? k : x->num_items;
}

/* --- cooccur_topk.c --- */
typedef struct CooccurTopk CooccurTopk;

extern size_t cooccur_topk_memory(const CooccurOperand *x, uint32_t k);
/* Whether it is the faster way, never for directed counts; cooccur_row_neighbors has the same results. */
extern bool cooccur_topk_pays(const CooccurOperand *x);
extern CooccurTopk *cooccur_topk(Env *env, const CooccurOperand *x, const CooccurQuery *query);
/* The neighbors of one item, best first; returns how many of at most k. */
extern uint32_t cooccur_topk_neighbors(CooccurTopk *t, uint32_t item, CooccurNeighbor *out);
extern void cooccur_topk_release(CooccurTopk *t);

/* --- cooccur_row.c --- */
typedef struct CooccurRow CooccurRow;

extern size_t cooccur_row_memory(const CooccurOperand *x);
extern CooccurRow *cooccur_row_create(Env *env, const CooccurOperand *x);
/*
 * Counts `item` against all; the items with a count, ascending, and their counts.  Directed: with the
 * item itself where it is in both lists, else without.
 */
extern uint32_t cooccur_row(CooccurRow *row, uint32_t item, const uint32_t **items, const int64_t **counts);
/* The same cut to the best k; out has room for k. */
extern uint32_t cooccur_row_neighbors(CooccurRow *row, uint32_t item, const CooccurQuery *query, CooccurNeighbor *out);
extern void cooccur_row_release(CooccurRow *row);

/* --- cooccur_best.c --- */
typedef struct CooccurScored
{
	double		score;
	uint32_t	item;
	uint32_t	tag;			/* the caller's own */
} CooccurScored;

/* What a newcomer among an item's candidates has to beat: the k-th best so far, or a guess at it. */
typedef struct CooccurBar
{
	double		score;			/* -Infinity: everybody enters */
	uint32_t	order;
	uint32_t	used;			/* candidates held */
} CooccurBar;

#define COOCCUR_NO_BAR	((CooccurBar) {-INFINITY, UINT32_MAX, 0})

/* Candidates held at most: they gather above k, so that a cut serves many. */
static inline uint32_t
cooccur_room(uint32_t k)
{
	return k + (k > 48 ? k : 48);
}

/* Cuts k or more candidates to the best k, of which the last is from now on to be beaten. */
extern void cooccur_cut(CooccurScored *held, CooccurBar *bar, uint32_t k, const uint32_t *order);

/* Holds a newcomer that is good enough; true where that raised the bar. */
static inline bool
cooccur_offer(CooccurScored *held, CooccurBar *bar, uint32_t k, CooccurScored newcomer, const uint32_t *order)
{
	if (newcomer.score < bar->score ||
		(newcomer.score == bar->score && order[newcomer.item] > bar->order))
		return false;
	held[bar->used++] = newcomer;
	if (bar->used < cooccur_room(k))
		return false;
	cooccur_cut(held, bar, k, order);
	return true;
}

/*
 * Where the next item's bar may start: a little below where the last one's ended.
 * A guess that leaves fewer than k was too high, and the search is done again without
 * one; so guesses change the time, never the result.
 */
typedef struct CooccurGuess
{
	double		score;			/* -Infinity: none */
	double		factor;
} CooccurGuess;

#define COOCCUR_NO_GUESS	((CooccurGuess) {-INFINITY, 0.9})

extern void cooccur_learn(CooccurGuess *guess, double reached, bool failed);

extern void cooccur_sort(CooccurScored *a, uint32_t n, const uint32_t *order);

#endif							/* PERSONALIZE_COOCCUR_H */
