/*
 * pair_best.c
 *		The best neighbors of an item from its exact counts.
 */
#include "kernel/pair_best.h"

struct PairBest
{
	Env		   *env;
};

PairBest *
pair_best_create(Env *env, const PairContext *context)
{
	PairBest   *best = env_alloc0(env, 1, sizeof(PairBest));

	best->env = env;
	return best;
}

void
pair_best_release(PairBest *best)
{
	env_release(best->env, best);
}

size_t
pair_best_memory(const PairContext *context)
{
	return sizeof(PairBest);
}

size_t
pair_best_scan_memory(const PairContext *context)
{
	return sizeof(PairBest);
}

uint32_t
pair_best(PairBest *best, uint32_t item, const uint32_t *items, const double *counts, uint32_t n,
		  CooccurNeighbor *out, double *floor)
{
	*floor = -INFINITY;
	return 0;
}

bool
pair_best_may_pass(PairBest *best, uint32_t item, double floor, double least_n, double count)
{
	return true;
}

bool
pair_best_patch(PairBest *best, uint32_t item, CooccurNeighbor *list, uint32_t *size, double *floor,
				const PairOffer *offers, uint32_t n)
{
	return false;
}
