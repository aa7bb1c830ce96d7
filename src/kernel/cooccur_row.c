/*
 * cooccur_row.c
 *		One item against all others, with weights: a row of the product.
 */
#include "kernel/cooccur.h"

struct CooccurRow
{
	Env		   *env;
	const CooccurOperand *x;

	/* filled by each row */
	uint32_t	num_touched;
	uint32_t   *touched;		/* items with a count */
	int64_t    *count;			/* parallel to touched */
	int64_t    *counter;		/* by item, all zero between rows */
	CooccurScored *best;
	uint32_t	best_size;
};

size_t
cooccur_row_memory(const CooccurOperand *x)
{
	return (size_t) x->num_items * (sizeof(uint32_t) + 2 * sizeof(int64_t));
}

CooccurRow *
cooccur_row_create(Env *env, const CooccurOperand *x)
{
	CooccurRow *row = env_alloc0(env, 1, sizeof(CooccurRow));

	row->env = env;
	row->x = x;
	row->touched = env_alloc(env, (uint64_t) x->num_items + 1, sizeof(uint32_t));
	row->count = env_alloc(env, (uint64_t) x->num_items + 1, sizeof(int64_t));
	row->counter = env_alloc0(env, (uint64_t) x->num_items + 1, sizeof(int64_t));
	return row;
}

void
cooccur_row_release(CooccurRow *row)
{
	Env		   *env = row->env;

	env_release(env, row->touched);
	env_release(env, row->count);
	env_release(env, row->counter);
	env_release(env, row->best);
	env_release(env, row);
}

/* What one list adds for each of its items: its scale times the weight of `item` in it. */
static int64_t
list_factor(const CooccurOperand *x, uint64_t list, uint32_t item)
{
	int64_t		factor = x->list_scale ? x->list_scale[list] : 1;

	if (x->list_weight)
	{
		uint64_t	low = x->list_start[list];
		uint64_t	high = x->list_start[list + 1];

		while (high - low > 1)
		{
			uint64_t	mid = low + (high - low) / 2;

			if (x->list_item[mid] <= item)
				low = mid;
			else
				high = mid;
		}
		factor *= x->list_weight[low];
	}
	return factor;
}

static void
add_list(CooccurRow *row, uint64_t list, int64_t factor)
{
	const CooccurOperand *x = row->x;

	for (uint64_t e = x->list_start[list]; e < x->list_start[list + 1]; e++)
	{
		uint32_t	j = x->list_item[e];

		/* written always, kept only the first time: no branch to mispredict */
		row->touched[row->num_touched] = j;
		row->num_touched += row->counter[j] == 0;
		row->counter[j] += x->list_weight ? factor * x->list_weight[e] : factor;
	}
}

uint32_t
cooccur_row(CooccurRow *row, uint32_t item, const uint32_t **items, const int64_t **counts)
{
	const CooccurOperand *x = row->x;
	uint32_t	n = 0;

	row->num_touched = 0;
	for (uint64_t q = x->post_start[item]; q < x->post_start[item + 1]; q++)
	{
		if (q % 4096 == 0)
			env_check(row->env, item, x->num_items);
		add_list(row, x->post_list[q], list_factor(x, x->post_list[q], item));
	}
	for (uint32_t t = 0; t < row->num_touched; t++)
	{
		uint32_t	j = row->touched[t];

		row->count[n] = row->counter[j];
		row->touched[n] = j;
		row->counter[j] = 0;
		n += j != item;
	}
	*items = row->touched;
	*counts = row->count;
	return n;
}

uint32_t
cooccur_row_neighbors(CooccurRow *row, uint32_t item, const CooccurQuery *query, CooccurNeighbor *out)
{
	const CooccurOperand *x = row->x;
	const uint32_t *items;
	const int64_t *counts;
	uint32_t	n = cooccur_row(row, item, &items, &counts);
	uint32_t	kept = 0;

	if (n > row->best_size)
	{
		env_release(row->env, row->best);
		row->best = env_alloc(row->env, n, sizeof(CooccurScored));
		row->best_size = n;
	}
	for (uint32_t t = 0; t < n; t++)
	{
		double		count = counts[t] * x->unit;

		if (count >= query->min_count)
			row->best[kept++] = (CooccurScored)
			{
				measure_score(&query->measure, count, x->marginal[item], x->marginal[items[t]], x->total),
					items[t], t
			};
	}
	if (kept > query->k)
	{
		cooccur_select(row->best, kept, query->k, x->order);
		kept = query->k;
	}
	cooccur_sort(row->best, kept, x->order);
	for (uint32_t q = 0; q < kept; q++)
		out[q] = (CooccurNeighbor) {row->best[q].score, counts[row->best[q].tag] * x->unit, row->best[q].item};
	return kept;
}
