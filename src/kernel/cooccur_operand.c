/*
 * cooccur_operand.c
 *		The transposed factor: which lists hold an item.
 *
 * A row of the product is a walk over the item's lists, so this is what finds them.
 */
#include "kernel/cooccur.h"

/* Says what cooccur_operand_init will allocate, so that limits are checked before. */
size_t
cooccur_operand_memory(uint32_t num_items, uint64_t num_entries)
{
	return (num_items + 2) * sizeof(uint64_t) + (num_entries + 2 * COOCCUR_AHEAD) * sizeof(uint32_t);
}

/* The lists in which an item is looked up: those of the source, or the only ones. */
static const uint64_t *
looked_up(const CooccurOperand *x, const uint32_t **item)
{
	*item = cooccur_is_directed(x) ? x->source_item : x->list_item;
	return cooccur_is_directed(x) ? x->source_start : x->list_start;
}

void
cooccur_operand_init(Env *env, CooccurOperand *x)
{
	const uint32_t *item;
	const uint64_t *start = looked_up(x, &item);

	x->post_start = env_alloc(env, (uint64_t) x->num_items + 2, sizeof(uint64_t));
	x->post_list = env_alloc(env, start[x->num_lists] - start[0] + 2 * COOCCUR_AHEAD, sizeof(uint32_t));
	cooccur_operand_fill(env, x);
}

void
cooccur_operand_fill(Env *env, CooccurOperand *x)
{
	const uint32_t *item;
	const uint64_t *start = looked_up(x, &item);
	/* one slot more than needed: counts go two places on, so that filling leaves starts */
	uint64_t   *next = x->post_start + 1;

	memset(x->post_start, 0, ((size_t) x->num_items + 2) * sizeof(uint64_t));
	for (uint64_t e = start[0]; e < start[x->num_lists]; e++)
		next[item[e] + 1]++;
	for (uint32_t i = 0; i < x->num_items; i++)
		next[i + 1] += next[i];
	/* lists that are fetched ahead of the end exist, whichever they are */
	memset(x->post_list + (start[x->num_lists] - start[0]), 0, 2 * COOCCUR_AHEAD * sizeof(uint32_t));
	for (uint64_t l = 0; l < x->num_lists; l++)
	{
		/* no progress yet: what is counted afterwards is items */
		if (l % 65536 == 0)
			env_check(env, 0, x->num_items);
		for (uint64_t e = start[l]; e < start[l + 1]; e++)
			x->post_list[next[item[e]]++] = (uint32_t) l;
	}
}

void
cooccur_operand_release(Env *env, CooccurOperand *x)
{
	env_release(env, x->post_start);
	env_release(env, x->post_list);
	x->post_start = NULL;
	x->post_list = NULL;
}
