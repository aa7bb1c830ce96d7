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

void
cooccur_operand_init(Env *env, CooccurOperand *x)
{
	uint64_t	first = x->list_start[0];
	uint64_t	entries = x->list_start[x->num_lists] - first;
	uint64_t   *next;

	/* one slot more than needed: counts go two places on, so that filling leaves starts */
	x->post_start = env_alloc0(env, (uint64_t) x->num_items + 2, sizeof(uint64_t));
	x->post_list = env_alloc0(env, entries + 2 * COOCCUR_AHEAD, sizeof(uint32_t));
	next = x->post_start + 1;
	for (uint64_t e = 0; e < entries; e++)
		next[x->list_item[first + e] + 1]++;
	for (uint32_t i = 0; i < x->num_items; i++)
		next[i + 1] += next[i];
	for (uint64_t l = 0; l < x->num_lists; l++)
	{
		/* no progress yet: what is counted afterwards is items */
		if (l % 65536 == 0)
			env_check(env, 0, x->num_items);
		for (uint64_t e = x->list_start[l]; e < x->list_start[l + 1]; e++)
			x->post_list[next[x->list_item[e]]++] = (uint32_t) l;
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
