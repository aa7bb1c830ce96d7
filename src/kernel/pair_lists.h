/*
 * pair_lists.h
 *		Counting rows, one at a time, from baskets that are held in memory.
 *
 * For shapes for which cooccur_row has no loop.  Holds the baskets of a range of items, as many as fit, and
 * needs counters for one item only: where pairs are few among all that could be, which is
 * nearly always, a range is longer by far than that of a PairBlock of the same memory.
 */
#ifndef PERSONALIZE_PAIR_LISTS_H
#define PERSONALIZE_PAIR_LISTS_H

#include "kernel/pairs.h"

typedef struct PairLists PairLists;

/* What is needed for any range, and does not count among `bytes` below. */
extern size_t pair_lists_fixed_memory(uint32_t num_items, uint32_t num_generations);
/* `bytes` for baskets; a single row may take more, as it can be counted in no other way. */
extern PairLists *pair_lists_create(Env *env, PairShape shape, uint32_t num_items, int32_t first_generation,
									uint32_t num_generations, size_t bytes);
/* Forgets all baskets; the next ones are for the rows of items first .. first + n - 1. */
extern void pair_lists_begin(PairLists *lists, uint32_t first, uint32_t n);
/* All baskets come here; those of other items cost nothing but this call. */
extern void pair_lists_add(PairLists *lists, const Basket *source, const Basket *target);
/*
 * After the last basket: how many rows, from `first` on, can be read.  Fewer than were asked for where their baskets
 * would not fit, but at least one; the others need a pass of their own.
 */
extern uint32_t pair_lists_end(PairLists *lists);
/* As pair_block_row; an item's generations one after the other cost one count. */
extern uint32_t pair_lists_row(PairLists *lists, uint32_t item, int32_t generation,
							   const uint32_t **items, const int64_t **counts);
extern void pair_lists_release(PairLists *lists);

#endif							/* PERSONALIZE_PAIR_LISTS_H */
