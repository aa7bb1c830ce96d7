/*
 * itemvec_sum.c
 *		Exact sums by item, whatever the order.
 *
 * The sum of several doubles is kept as an expansion (Shewchuk 1997): doubles
 * that do not overlap in their bits, in ascending magnitude, whose exact sum is
 * the exact sum.  An expansion never has more members than what was added, so it
 * replaces its own rows where they lie, and a partial sum is rows again: to merge
 * two of them is to append.
 */
#include <math.h>

#include "kernel/itemvec.h"

/*
 * Weights from HUGE on are added up apart, times SHRINK.  Then neither sum can
 * overflow before 2^120 rows, and an overflow is one of the final sum, not of the
 * order in which rows came.  Both factors are powers of two: nothing is rounded.
 */
#define HUGE_FROM	0x1p900
#define SHRINK		0x1p-128
#define EXPAND		0x1p128

#define FIRST_CAPACITY 8

/* Adds x to the expansion of n members; returns their new number. */
static uint64_t
expansion_add(ItemWeight *e, uint64_t n, double x)
{
	uint64_t	kept = 0;

	for (uint64_t i = 0; i < n; i++)
	{
		double		y = e[i].weight;
		double		sum = x + y;
		double		part = sum - x;
		double		error = (x - (sum - part)) + (y - part);

		if (error != 0)
			e[kept++].weight = error;
		x = sum;
	}
	if (x != 0)
		e[kept++].weight = x;
	return kept;
}

/*
 * Nearest, ties to even.  The largest member is nearest already unless the next
 * one is exactly half a unit of it; then the sign of a third decides.
 */
static double
expansion_round(const ItemWeight *e, uint64_t n)
{
	double		sum = n > 0 ? e[n - 1].weight : 0;
	double		error = 0;

	for (n = n > 0 ? n - 1 : 0; n > 0 && error == 0; n--)
	{
		double		before = sum;

		sum += e[n - 1].weight;
		error = e[n - 1].weight - (sum - before);
	}
	if (n > 0 && (error > 0) == (e[n - 1].weight > 0))
	{
		double		away = sum + 2 * error;

		if (away - sum == 2 * error)
			sum = away;
	}
	return sum;
}

/* Replaces the rows of every item by their expansion. */
static void
rows_compact(Env *env, ItemvecRows *r)
{
	uint64_t	out = 0;
	uint64_t	i = 0;

	itemvec_sort(env, r->rows, r->n);
	while (i < r->n)
	{
		int64_t		item = r->rows[i].item;
		ItemWeight *e = r->rows + out;
		uint64_t	n = 0;

		for (; i < r->n && r->rows[i].item == item; i++)
			n = expansion_add(e, n, r->rows[i].weight);
		for (uint64_t j = 0; j < n; j++)
			e[j].item = item;
		out += n;
	}
	r->n = out;
}

/* Compacting must free half the room, or else the room doubles: so the cost per row stays level. */
static void
rows_reserve(Env *env, ItemvecRows *r, uint64_t more)
{
	uint64_t	capacity = r->capacity ? r->capacity : FIRST_CAPACITY;

	if (r->capacity - r->n >= more)
		return;
	rows_compact(env, r);
	/* Measured after the compaction: rows that fell together need no room. */
	while (r->n + more > capacity / 2)
		capacity *= 2;
	if (capacity == r->capacity)
		return;
	r->rows = env_resize(env, r->rows, capacity, sizeof(ItemWeight));
	r->capacity = capacity;
}

/* The rows of a partial sum stay what they are: members of an expansion are numbers to add like any other. */
static void
rows_append(Env *env, ItemvecRows *r, const ItemWeight *rows, uint64_t n)
{
	if (n == 0)
		return;
	rows_reserve(env, r, n);
	memcpy(r->rows + r->n, rows, n * sizeof(ItemWeight));
	r->n += n;
}

void
itemvec_sums_add(Env *env, ItemvecSums *sums, int64_t item, double weight)
{
	bool		huge = fabs(weight) >= HUGE_FROM;
	ItemvecRows *r = huge ? &sums->huge : &sums->usual;

	if (r->n == r->capacity)
		rows_reserve(env, r, 1);
	r->rows[r->n++] = (ItemWeight) {item, huge ? weight * SHRINK : weight};
}

void
itemvec_sums_merge(Env *env, ItemvecSums *sums, const ItemvecSums *other)
{
	rows_append(env, &sums->usual, other->usual.rows, other->usual.n);
	rows_append(env, &sums->huge, other->huge.rows, other->huge.n);
}

void
itemvec_sums_compact(Env *env, ItemvecSums *sums)
{
	rows_compact(env, &sums->usual);
	rows_compact(env, &sums->huge);
}

/* The members of one item's expansion, which stand side by side. */
static uint64_t
group_size(const ItemvecRows *r, uint64_t at)
{
	uint64_t	n = at;

	while (n < r->n && r->rows[n].item == r->rows[at].item)
		n++;
	return n - at;
}

/*
 * The sum of an item that has huge weights, over work area `e`.  Where it is
 * near the end of the range or past it, all is added in the shrunken scale.
 * Members that are too small for that can only break a tie, by the sign of their
 * largest: it stands for them, as a number far below any half unit.
 */
static double
round_huge(const ItemWeight *usual, uint64_t n_usual, const ItemWeight *huge, uint64_t n_huge,
		   ItemWeight *e)
{
	bool		shrunken = fabs(huge[n_huge - 1].weight) >= 0x1p1022 * SHRINK;
	uint64_t	n = 0;

	for (uint64_t i = 0; i < n_usual; i++)
	{
		double		w = usual[i].weight;

		if (!shrunken)
			n = expansion_add(e, n, w);
		else if (fabs(w) >= 0x1p-700)
			n = expansion_add(e, n, w * SHRINK);
		else
			n = expansion_add(e, 0, copysign(0x1p-1000, w));
	}
	for (uint64_t i = 0; i < n_huge; i++)
		n = expansion_add(e, n, shrunken ? huge[i].weight : huge[i].weight * EXPAND);
	return expansion_round(e, n) * (shrunken ? EXPAND : 1);
}

ItemWeight *
itemvec_sums_round(Env *env, ItemvecSums *sums, uint64_t *n)
{
	const ItemvecRows *u = &sums->usual;
	const ItemvecRows *h = &sums->huge;
	ItemWeight *out;
	uint64_t	i = 0;
	uint64_t	j = 0;

	itemvec_sums_compact(env, sums);
	out = env_alloc(env, u->n + h->n, sizeof(ItemWeight));
	for (*n = 0; i < u->n || j < h->n; ++*n)
	{
		/* Only what has been passed by is overwritten: the rest of `out` is work area. */
		ItemWeight *e = out + *n;
		bool		in_u = i < u->n && (j == h->n || u->rows[i].item <= h->rows[j].item);
		bool		in_h = j < h->n && (i == u->n || h->rows[j].item <= u->rows[i].item);
		uint64_t	n_u = in_u ? group_size(u, i) : 0;
		uint64_t	n_h = in_h ? group_size(h, j) : 0;
		int64_t		item = in_u ? u->rows[i].item : h->rows[j].item;

		e->weight = n_h == 0 ? expansion_round(u->rows + i, n_u) :
			round_huge(in_u ? u->rows + i : NULL, n_u, h->rows + j, n_h, e);
		e->item = item;
		i += n_u;
		j += n_h;
	}
	return out;
}
