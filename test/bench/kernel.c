/*
 * kernel.c
 *		The multiplication alone, on one thread: neighbors of all items by cosine,
 *		k = 50, against a plain fused Gustavson with a heap.  Both start from the
 *		same lists in no order and end with sorted neighbors; results are compared
 *		before times.
 *
 *	test/bench/kernel [-r RUNS] [S|M|D|XS ...]
 */
#define _GNU_SOURCE
#include <math.h>
#include <sys/resource.h>
#include <time.h>

#include "kernel/baskets.h"
#include "kernel/cooccur.h"
#include "kernel/simd.h"

#include "shop_data.h"

#define K 50

/* --- surroundings: malloc, with a count of what is held -------------------- */

static size_t held;
static size_t peak;

static void *
counting_resize(Env *env, void *ptr, size_t size)
{
	size_t	   *block = ptr ? (size_t *) ptr - 2 : NULL;

	held += size - (block ? *block : 0);
	peak = held > peak ? held : peak;
	block = realloc(block, size + 2 * sizeof(size_t));
	if (block == NULL)
		abort();
	*block = size;
	return block + 2;
}

static void
counting_release(Env *env, void *ptr)
{
	if (ptr == NULL)
		return;
	held -= ((size_t *) ptr)[-2];
	free((size_t *) ptr - 2);
}

static void
no_check(Env *env, uint64_t done, uint64_t total)
{
}

static Env	env = {counting_resize, counting_release, no_check};

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int
compare_double(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median(double *v, int n)
{
	qsort(v, n, sizeof(double), compare_double);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* --- the job ---------------------------------------------------------------- */

typedef struct Answer
{
	uint32_t	n;
	CooccurNeighbor neighbor[K];
} Answer;

/* Distinct items per customer, in the order of the item numbers. */
static void
distinct_lists(const Interactions *x, Baskets *b)
{
	uint32_t   *seen = calloc(x->items, sizeof(uint32_t));

	baskets_init(&env, b, false);
	b->num_items = x->items;
	for (uint32_t u = 0; u < x->customers; u++)
	{
		uint64_t	size = 0;

		baskets_reserve(&env, b, x->start[u + 1] - x->start[u]);
		for (uint64_t e = x->start[u]; e < x->start[u + 1]; e++)
			if (seen[x->item[e]] != u + 1)
			{
				seen[x->item[e]] = u + 1;
				b->item[b->start[u] + size++] = x->item[e];
			}
		baskets_close(b, size, 1);
	}
	free(seen);
}

/* --- the baseline ------------------------------------------------------------ */

static inline int
worse(const CooccurNeighbor *a, const CooccurNeighbor *b)
{
	return a->score < b->score || (a->score == b->score && a->item > b->item);
}

static void
heap_offer(Answer *a, CooccurNeighbor c)
{
	CooccurNeighbor *h = a->neighbor;
	uint32_t	at;

	if (a->n < K)
	{
		for (at = a->n++; at > 0 && worse(&c, h + (at - 1) / 2); at = (at - 1) / 2)
			h[at] = h[(at - 1) / 2];
		h[at] = c;
		return;
	}
	if (!worse(h, &c))
		return;
	for (at = 0;;)
	{
		uint32_t	child = 2 * at + 1;

		if (child >= K)
			break;
		if (child + 1 < K && worse(h + child + 1, h + child))
			child++;
		if (!worse(h + child, &c))
			break;
		h[at] = h[child];
		at = child;
	}
	h[at] = c;
}

static int
compare_neighbor(const void *a, const void *b)
{
	return worse(a, b) - worse(b, a);
}

static void
baseline(const Baskets *b, Answer *answer)
{
	uint32_t	n = b->num_items;
	uint64_t	entries = b->start[b->num_lists];
	uint64_t   *post = calloc(n + 2, sizeof(uint64_t));
	uint64_t   *next = post + 1;
	uint32_t   *list = malloc(entries * sizeof(uint32_t));
	uint32_t   *count = calloc(n, sizeof(uint32_t));
	uint32_t   *touched = malloc(n * sizeof(uint32_t));

	for (uint64_t e = 0; e < entries; e++)
		next[b->item[e] + 1]++;
	for (uint32_t i = 0; i < n; i++)
		next[i + 1] += next[i];
	for (uint64_t l = 0; l < b->num_lists; l++)
		for (uint64_t e = b->start[l]; e < b->start[l + 1]; e++)
			list[next[b->item[e]]++] = l;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	t = 0;

		answer[i].n = 0;
		for (uint64_t q = post[i]; q < post[i + 1]; q++)
			for (uint64_t e = b->start[list[q]]; e < b->start[list[q] + 1]; e++)
				if (count[b->item[e]]++ == 0)
					touched[t++] = b->item[e];
		for (uint32_t q = 0; q < t; q++)
		{
			uint32_t	j = touched[q];
			double		n_ij = (double) (post[i + 1] - post[i]) * (post[j + 1] - post[j]);

			if (j != i)
				heap_offer(answer + i, (CooccurNeighbor)
						   {
							   count[j] / sqrt(n_ij), count[j], j
						   });
			count[j] = 0;
		}
		qsort(answer[i].neighbor, answer[i].n, sizeof(CooccurNeighbor), compare_neighbor);
	}
	free(post);
	free(list);
	free(count);
	free(touched);
}

/* --- ours ---------------------------------------------------------------------- */

/* Everything that a matrix needs after its baskets are known; consumes them, answers by item number. */
static void
ours(Baskets b, const uint32_t *key_order, bool rows, Answer *answer)
{
	CooccurQuery query = {{measure_find("cosine"), {0}}, K, 1};
	uint32_t   *item_of;
	uint32_t   *order = env_alloc(&env, b.num_items, sizeof(uint32_t));
	double	   *marginal = env_alloc(&env, b.num_items, sizeof(double));

	item_of = baskets_rank(&env, &b, key_order);
	for (uint32_t r = 0; r < b.num_items; r++)
		order[r] = key_order[item_of[r]];
	{
		CooccurOperand x = {b.num_items, b.num_lists, b.start, b.item, NULL, NULL, marginal, b.num_lists, 1, order};

		cooccur_operand_init(&env, &x);
		for (uint32_t r = 0; r < b.num_items; r++)
			marginal[r] = cooccur_degree(&x, r);
		if (rows)
		{
			CooccurRow *row = cooccur_row_create(&env, &x);

			for (uint32_t r = 0; r < b.num_items; r++)
				answer[item_of[r]].n = cooccur_row_neighbors(row, r, &query, answer[item_of[r]].neighbor);
			cooccur_row_release(row);
		}
		else
		{
			CooccurTopk *t = cooccur_topk(&env, &x, &query);

			for (uint32_t r = 0; r < b.num_items; r++)
				answer[item_of[r]].n = cooccur_topk_neighbors(t, r, answer[item_of[r]].neighbor);
			cooccur_topk_release(t);
		}
		cooccur_operand_release(&env, &x);
	}
	for (uint32_t i = 0; i < b.num_items; i++)
		for (uint32_t q = 0; q < answer[i].n; q++)
			answer[i].neighbor[q].item = item_of[answer[i].neighbor[q].item];
	baskets_release(&env, &b);
	env_release(&env, item_of);
	env_release(&env, order);
	env_release(&env, marginal);
}

static Baskets
copy(const Baskets *in)
{
	Baskets		b = {in->num_items, in->num_lists};

	b.start = env_alloc(&env, in->num_lists + 1, sizeof(uint64_t));
	b.item = env_alloc(&env, in->start[in->num_lists], sizeof(uint32_t));
	memcpy(b.start, in->start, (in->num_lists + 1) * sizeof(uint64_t));
	memcpy(b.item, in->item, in->start[in->num_lists] * sizeof(uint32_t));
	return b;
}

/* Same scores in the same places, and the same items: the order is total on both sides. */
static uint64_t
differences(const Answer *a, const Answer *b, uint32_t n)
{
	uint64_t	different = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		different += a[i].n != b[i].n;
		for (uint32_t q = 0; q < a[i].n && q < b[i].n; q++)
			different += a[i].neighbor[q].score != b[i].neighbor[q].score ||
				a[i].neighbor[q].item != b[i].neighbor[q].item ||
				a[i].neighbor[q].count != b[i].neighbor[q].count;
	}
	return different;
}

static int
bench(const ShopSize *size, int runs)
{
	Interactions x = shop_interactions(size);
	Baskets		b;
	Answer	   *want = calloc(size->items, sizeof(Answer));
	Answer	   *got = calloc(size->items, sizeof(Answer));
	uint32_t   *key_order = malloc(size->items * sizeof(uint32_t));
	double		time[3][64];
	uint64_t	different = 0;
	size_t		most = 0;

	for (uint32_t i = 0; i < size->items; i++)
		key_order[i] = i;
	distinct_lists(&x, &b);
	free(x.item);
	free(x.start);
	for (int r = 0; r < runs; r++)
	{
		double		start = seconds();

		baseline(&b, want);
		time[0][r] = seconds() - start;
		for (int rows = 0; rows < 2; rows++)
		{
			Baskets		mine;

			peak = held = 0;
			mine = copy(&b);
			start = seconds();
			ours(mine, key_order, rows, got);
			time[1 + rows][r] = seconds() - start;
			if (!rows)
				most = peak;
			different += differences(want, got, size->items);
		}
	}
	printf("%-3s %9u %7u %9lu  %8.3f %8.3f %8.3f  %6.2f %6.2f  %8.1f  %s\n",
		   size->name, size->customers, size->items, (unsigned long) b.start[b.num_lists],
		   median(time[0], runs), median(time[1], runs), median(time[2], runs),
		   median(time[0], runs) / median(time[1], runs), median(time[0], runs) / median(time[2], runs),
		   most / 1e6, different ? "DIFFERENT" : "equal");
	fflush(stdout);
	baskets_release(&env, &b);
	free(want);
	free(got);
	free(key_order);
	return different != 0;
}

int
main(int argc, char **argv)
{
	static char *all[] = {"S", "M", "D"};
	int			runs = 5;
	int			failed = 0;

	if (argc > 2 && strcmp(argv[1], "-r") == 0)
	{
		runs = atoi(argv[2]);
		runs = runs < 1 ? 1 : runs > 64 ? 64 : runs;
		argv += 2;
		argc -= 2;
	}
	printf("cosine, k = %d, one thread, %s; medians of %d alternating runs\n", K, simd_best()->name, runs);
	printf("set baskets   items   entries  plain s   topk s   rows s   x topk x rows   peak MB  results\n");
	if (argc < 2)
		for (int i = 0; i < 3; i++)
			failed |= bench(shop_size(all[i]), runs);
	for (int i = 1; i < argc; i++)
		failed |= bench(shop_size(argv[i]), runs);
	return failed;
}
