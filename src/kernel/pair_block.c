/*
 * pair_block.c
 *		Counting the rows of a range of items.
 */
#include "kernel/pair_block.h"

struct PairBlock
{
	Env		   *env;
};

uint32_t
pair_block_items(size_t bytes, uint32_t num_items, uint32_t num_generations)
{
	return 1;
}

PairBlock *
pair_block_create(Env *env, PairShape shape, uint32_t num_items, uint32_t max_items,
				  int32_t first_generation, uint32_t num_generations)
{
	PairBlock  *block = env_alloc0(env, 1, sizeof(PairBlock));

	block->env = env;
	return block;
}

void
pair_block_begin(PairBlock *block, uint32_t first, uint32_t n)
{
}

void
pair_block_add(PairBlock *block, const Basket *source, const Basket *target)
{
}

uint32_t
pair_block_row(PairBlock *block, uint32_t item, int32_t generation, const uint32_t **items, const int64_t **counts)
{
	return 0;
}

void
pair_block_release(PairBlock *block)
{
	env_release(block->env, block);
}
