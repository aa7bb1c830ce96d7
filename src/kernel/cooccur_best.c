/*
 * cooccur_best.c
 *		Choosing and ordering neighbors.
 *
 * Candidates gather unordered above k and are cut by quickselect, which takes a few
 * comparisons for each that entered; a heap takes log k, none of them predictable.
 */
#include "kernel/cooccur.h"

/* The total order: score descending, then key ascending. */
static inline bool
better(const CooccurScored *a, const CooccurScored *b, const uint32_t *order)
{
	return a->score > b->score || (a->score == b->score && order[a->item] < order[b->item]);
}

static inline void
swap(CooccurScored *a, CooccurScored *b)
{
	CooccurScored t = *a;

	*a = *b;
	*b = t;
}

/* Puts the median of three first, as the pivot: sorted input then splits in halves. */
static void
choose_pivot(CooccurScored *a, uint32_t n, const uint32_t *order)
{
	CooccurScored *low = a,
			   *mid = a + n / 2,
			   *high = a + n - 1;

	if (better(mid, low, order))
		swap(mid, low);
	if (better(high, mid, order))
		swap(high, mid);
	if (better(mid, low, order))
		swap(mid, low);
	swap(a, mid);
}

/* An element moved as one: halves that were stored apart would stall the next load of both. */
typedef uint64_t Whole __attribute__((vector_size(16), aligned(8), may_alias));

/*
 * Splits around the first element and returns where it ends up; no two elements are
 * equal.  Every element is swapped, whether it has to move or not: which it is
 * cannot be predicted, and a wrong guess costs more than the swap.
 */
static uint32_t
split(CooccurScored *a, uint32_t n, const uint32_t *order)
{
	Whole	   *whole = (Whole *) a;
	CooccurScored pivot;
	uint32_t	at = 1;

	choose_pivot(a, n, order);
	pivot = a[0];
	for (uint32_t i = 1; i < n; i++)
	{
		Whole		moved = whole[i];
		uint32_t	is_better = a[i].score > pivot.score;

		if (__builtin_expect(a[i].score == pivot.score, 0))
			is_better = order[a[i].item] < order[pivot.item];
		whole[i] = whole[at];
		whole[at] = moved;
		at += is_better;
	}
	at--;
	a[0] = a[at];
	a[at] = pivot;
	return at;
}

/*
 * Moves the best k of n >= k to the front, the k-th best to the k-th place.
 * Quickselect: the part that cannot hold the k-th best is left as it is.
 */
static void
select_best(CooccurScored *a, uint32_t n, uint32_t k, const uint32_t *order)
{
	if (k == 0 || n < k)
		return;
	/* the k-th best has place k - 1 */
	for (uint32_t want = k - 1; n > 1;)
	{
		uint32_t	at = split(a, n, order);

		if (at == want)
			return;
		if (at > want)
			n = at;
		else
		{
			a += at + 1;
			n -= at + 1;
			want -= at + 1;
		}
	}
}

/* Not sorted: an item is cut many times and sorted once, when its rows go out. */
void
cooccur_cut(CooccurScored *held, CooccurBar *bar, uint32_t k, const uint32_t *order)
{
	select_best(held, bar->used, k, order);
	bar->used = k;
	bar->score = held[k - 1].score;
	bar->order = order[held[k - 1].item];
}

/*
 * Up slowly while guesses hold, down fast when one fails: a failure costs a whole search,
 * a bar that is a little too low only a few more scores.
 */
void
cooccur_learn(CooccurGuess *guess, double reached, bool failed)
{
	if (failed)
		guess->factor *= 0.95;
	else if (guess->factor < 0.99)
		guess->factor *= 1.002;
	/* a score of 0 or less has no part to start below */
	guess->score = reached > 0 ? reached * guess->factor : -INFINITY;
}

/* For what is left below the sizes that pay for a pivot. */
static void
insertion_sort(CooccurScored *a, uint32_t n, const uint32_t *order)
{
	for (uint32_t i = 1; i < n; i++)
	{
		CooccurScored t = a[i];
		uint32_t	j = i;

		for (; j > 0 && better(&t, a + j - 1, order); j--)
			a[j] = a[j - 1];
		a[j] = t;
	}
}

/* Written out, because qsort takes no argument for its comparison. */
void
cooccur_sort(CooccurScored *a, uint32_t n, const uint32_t *order)
{
	/* recursion only into the smaller part, so the stack stays logarithmic */
	while (n > 16)
	{
		uint32_t	at = split(a, n, order);

		if (at < n - at)
		{
			cooccur_sort(a, at, order);
			a += at + 1;
			n -= at + 1;
		}
		else
		{
			cooccur_sort(a + at + 1, n - at - 1, order);
			n = at;
		}
	}
	insertion_sort(a, n, order);
}
