/*
 * pair_block.h
 *		Counting the rows of a range of items while baskets stream by.
 *
 * Needs no matrix in memory, only the counters of the range, and so any amount of baskets
 * passes through bounded memory, in as many passes as there are ranges.  Those are short: a row
 * has a counter for every item.  pair_lists.h is the better way for all but the densest matrices.
 */
#ifndef PERSONALIZE_PAIR_BLOCK_H
#define PERSONALIZE_PAIR_BLOCK_H

#include "kernel/pairs.h"

typedef struct PairBlock PairBlock;

/*
 * How many items a block may have that may use `bytes`: at least 1.  num_generations is 1
 * without generations; first_generation is the least that can come.
 */
extern uint32_t pair_block_items(size_t bytes, uint32_t num_items, uint32_t num_generations);
extern PairBlock *pair_block_create(Env *env, PairShape shape, uint32_t num_items, uint32_t max_items,
									int32_t first_generation, uint32_t num_generations);
/* Forgets all counts; from now on the rows of items first .. first + n - 1 are counted. */
extern void pair_block_begin(PairBlock *block, uint32_t first, uint32_t n);
extern void pair_block_add(PairBlock *block, const Basket *source, const Basket *target);
/* The counts of one row, ascending by item; returns how many.  The arrays are good until the next call. */
extern uint32_t pair_block_row(PairBlock *block, uint32_t item, int32_t generation,
							   const uint32_t **items, const int64_t **counts);
extern void pair_block_release(PairBlock *block);

/* The first entry with at least that code; codes ascend. */
static inline uint32_t
pair_find_entry(const Basket *b, uint64_t code)
{
	uint32_t	low = 0;
	uint32_t	high = b->size;

	while (low < high)
	{
		uint32_t	mid = low + (high - low) / 2;

		if (b->entry[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

#endif							/* PERSONALIZE_PAIR_BLOCK_H */
