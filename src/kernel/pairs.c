/*
 * pairs.c
 *		What baskets add to the counts of a model.
 */
#include "kernel/pairs.h"

int64_t
pairs_basket_weight(const PairShape *shape, uint32_t size)
{
	return pairs_unit(shape);
}

void
pairs_init(Env *env, PairChanges *c, PairShape shape)
{
	memset(c, 0, sizeof(*c));
	c->env = env;
	c->shape = shape;
}

void
pairs_release(PairChanges *c)
{
	env_release(c->env, c->pair);
	env_release(c->env, c->marginal);
	env_release(c->env, c->total);
	pairs_init(c->env, c, c->shape);
}

void
pairs_clear(PairChanges *c)
{
	c->num_pairs = c->num_marginals = c->num_totals = 0;
}

size_t
pairs_memory(const PairChanges *c)
{
	return 0;
}

void
pairs_diff(PairChanges *c, const Basket *old_source, const Basket *old_target,
		   const Basket *new_source, const Basket *new_target)
{
}

void
pairs_fold(PairChanges *c)
{
}

uint32_t
pairs_of_entry(const PairShape *shape, const Basket *source, const Basket *target,
			   uint32_t at, PairOfEntry *out)
{
	return 0;
}
