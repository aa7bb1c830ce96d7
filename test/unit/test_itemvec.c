/*
 * test_itemvec.c
 *		Sparse vectors: coding, order, and sums that must not depend on order.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/itemvec.h"
#include "unit.h"

#define MAX_ROWS 4096

static double
sum_of(const double *weights, int n, uint64_t shuffle)
{
	Env		   *env = unit_env();
	ItemvecSums part[2];
	double		copy[64];
	ItemWeight *entries;
	uint64_t	n_entries;
	double		result;

	memset(part, 0, sizeof(part));
	memcpy(copy, weights, n * sizeof(double));
	for (int i = n - 1; shuffle != 0 && i > 0; i--)
	{
		int			j = unit_random(&shuffle) % (i + 1);
		double		swap = copy[i];

		copy[i] = copy[j];
		copy[j] = swap;
	}
	/* Two partial sums, as two parallel workers make them, with compactions in between. */
	for (int i = 0; i < n; i++)
	{
		ItemvecSums *s = &part[shuffle == 0 ? 0 : unit_random(&shuffle) % 2];

		itemvec_sums_add(env, s, 7, copy[i]);
		if (shuffle != 0 && unit_random(&shuffle) % 3 == 0)
			itemvec_sums_compact(env, s);
	}
	itemvec_sums_merge(env, &part[0], &part[1]);
	entries = itemvec_sums_round(env, &part[0], &n_entries);
	result = n_entries == 0 ? 0 : entries[0].weight;
	CHECK(n_entries <= 1);
	env_release(env, entries);
	for (int p = 0; p < 2; p++)
	{
		env_release(env, part[p].usual.rows);
		env_release(env, part[p].huge.rows);
	}
	return result;
}

#define SUM(...) \
	sum_of((double[]) {__VA_ARGS__}, sizeof((double[]) {__VA_ARGS__}) / sizeof(double), shuffle)

/* Known sums, each in its given order and in others. */
static void
test_known_sums(void)
{
	for (uint64_t shuffle = 0; shuffle < 100; shuffle++)
	{
		CHECK(SUM(0.1, 0.2, 0.3, -0.1, -0.2, -0.3) == 0);
		CHECK(SUM(1e100, 1, -1e100) == 1);
		CHECK(SUM(1, 0x1p-53) == 1);
		CHECK(SUM(1, 0x1p-53, 0x1p-1074) == 1 + 0x1p-52);
		CHECK(SUM(1, 0x1p-53, -0x1p-1074) == 1);
		CHECK(SUM(1 + 0x1p-52, 0x1p-53) == 1 + 0x1p-51);
		CHECK(SUM(1 + 0x1p-52, 0x1p-53, -0x1p-1074) == 1 + 0x1p-52);
		CHECK(SUM(-1, -0x1p-53, -0x1p-200) == -(1 + 0x1p-52));
		CHECK(SUM(0x1p-1074, 0x1p-1074) == 0x1p-1073);
	}
}

/* Around the end of the range, where partial sums would overflow. */
static void
test_huge_sums(void)
{
	for (uint64_t shuffle = 0; shuffle < 100; shuffle++)
	{
		CHECK(SUM(1e308, 1e308, -1e308) == 1e308);
		CHECK(SUM(1e308, 1e308, 1e308, -1e308, -1e308, -1e308) == 0);
		CHECK(SUM(1e308, 1e308, 1e308, -1e308, -1e308, -1e308, 0x1p-1074) == 0x1p-1074);
		CHECK(SUM(1e308, 1e308) == INFINITY);
		CHECK(SUM(-1e308, -1e308, 1) == -INFINITY);
		CHECK(SUM(1e308, 5e307) == 1e308 + 5e307);
		CHECK(SUM(DBL_MAX, 1) == DBL_MAX);
		/* Half a unit above the largest double is the edge; just below it, no overflow. */
		CHECK(SUM(DBL_MAX, 0x1p970) == INFINITY);
		CHECK(SUM(DBL_MAX, 0x1p970, -0x1p-1074) == DBL_MAX);
		CHECK(SUM(DBL_MAX, 0x1p969, 0x1p969, -1) == DBL_MAX);
		CHECK(SUM(0x1p1023, 0x1p970, 0x1p-1074) == 0x1p1023 + 0x1p971);
		CHECK(SUM(0x1p1023, 0x1p970, -0x1p-1074) == 0x1p1023);
		CHECK(SUM(0x1p1023, 0x1p970, 0x1p-1000, -0x1p-1074) == 0x1p1023 + 0x1p971);
		CHECK(SUM(0x1p900, 1, -0x1p899, -0x1p899) == 1);
		CHECK(SUM(0x1p1021, 0x1p968, 0x1p-1074) == 0x1p1021 + 0x1p969);
	}
}

/* Random numbers of all sizes: the same bits in any order, and their negatives cancel. */
static void
test_random_sums(void)
{
	uint64_t	state = 1;

	for (int round = 0; round < 500; round++)
	{
		double		w[64];
		int			spread = 1 + round % 1000;
		double		want;

		for (int i = 0; i < 32; i++)
			w[i] = ldexp((double) (int64_t) unit_random(&state), (int) (unit_random(&state) % (2 * spread)) - spread);
		want = sum_of(w, 32, 0);
		for (int i = 0; i < 5; i++)
			CHECK(sum_of(w, 32, unit_random(&state) | 1) == want);
		for (int i = 0; i < 32; i++)
			w[32 + i] = -w[i];
		CHECK(sum_of(w, 64, unit_random(&state) | 1) == 0);
		w[0] = 0x1p-1074;
		CHECK(sum_of(w, 64, unit_random(&state) | 1) == w[32]);
	}
}

/* Many items at once, against sums in 128-bit integers. */
static void
test_many_items(void)
{
	Env		   *env = unit_env();
	ItemvecSums sums = {.usual = {NULL}};
	__int128	want[100] = {0};
	uint64_t	state = 2;
	ItemWeight *entries;
	uint64_t	n;

	for (int i = 0; i < 100000; i++)
	{
		int			item = unit_random(&state) % 100;
		int64_t		weight = (int64_t) unit_random(&state) >> 11;

		want[item] += weight;
		itemvec_sums_add(env, &sums, item - 50, (double) weight);
	}
	CHECK(sums.usual.capacity <= 1024);
	entries = itemvec_sums_round(env, &sums, &n);
	CHECK(n == 100);
	for (uint64_t i = 0; i < n; i++)
	{
		CHECK(entries[i].item == (int64_t) i - 50);
		CHECK(entries[i].weight == (double) want[i]);
	}
	env_release(env, entries);
	env_release(env, sums.usual.rows);
}

static void
check_round_trip(const ItemWeight *entries, uint64_t n, ItemvecCoding want)
{
	static unsigned char bytes[MAX_ROWS * 18 + 12];
	ItemvecCoding coding;
	size_t		size = itemvec_encoded_size(entries, n, &coding);
	ItemvecCursor c;
	uint64_t	i = 0;

	CHECK(coding == want && size <= sizeof(bytes));
	bytes[size] = 0xa5;
	itemvec_encode(entries, n, coding, bytes);
	CHECK(bytes[size] == 0xa5);
	CHECK(itemvec_open(&c, bytes, size) && c.count == n);
	for (; itemvec_next(&c) && i < n; i++)
		CHECK(c.item == entries[i].item && c.weight == entries[i].weight);
	CHECK(i == n && wire_left(&c.in) == 0 && !c.in.bad);
	/* Cut anywhere, it ends early and reads nothing outside. */
	for (size_t cut = 0; cut < size && cut < 64; cut++)
		if (itemvec_open(&c, bytes, cut))
			while (itemvec_next(&c))
				continue;
}

static void
test_coding(void)
{
	static ItemWeight e[MAX_ROWS];
	uint64_t	state = 3;
	int64_t		item = INT64_MIN;

	check_round_trip(NULL, 0, ITEMVEC_ONES);
	check_round_trip((ItemWeight[]) {{0, 1}, {1, 1}}, 2, ITEMVEC_ONES);
	check_round_trip((ItemWeight[]) {{INT64_MIN, 1}, {-1, 1}, {0, 1}, {INT64_MAX, 1}}, 4, ITEMVEC_ONES);
	check_round_trip((ItemWeight[]) {{5, 1}, {7, 0x1p53 - 1}}, 2, ITEMVEC_INTEGERS);
	check_round_trip((ItemWeight[]) {{5, 1}, {7, 0x1p53}}, 2, ITEMVEC_FLOATS);
	check_round_trip((ItemWeight[]) {{5, 1}, {7, -1}}, 2, ITEMVEC_FLOATS);
	check_round_trip((ItemWeight[]) {{5, 0x1p-1074}, {7, DBL_MAX}}, 2, ITEMVEC_FLOATS);
	for (int i = 0; i < MAX_ROWS; i++)
	{
		e[i].item = item;
		e[i].weight = 1 + unit_random(&state) % 1000;
		item += 1 + (unit_random(&state) >> (13 + i % 50));
	}
	check_round_trip(e, MAX_ROWS, ITEMVEC_INTEGERS);
	e[MAX_ROWS - 1].weight = 0.5;
	check_round_trip(e, MAX_ROWS, ITEMVEC_FLOATS);
}

static int
by_item(const void *a, const void *b)
{
	int64_t		x = ((const ItemWeight *) a)->item;
	int64_t		y = ((const ItemWeight *) b)->item;

	return (x > y) - (x < y);
}

static int
by_weight(const void *a, const void *b)
{
	double		x = ((const ItemWeight *) a)->weight;
	double		y = ((const ItemWeight *) b)->weight;

	return x != y ? (x < y) - (x > y) : by_item(a, b);
}

static void
test_order(void)
{
	static ItemWeight e[MAX_ROWS];
	static ItemWeight want[MAX_ROWS];
	uint64_t	state = 4;

	for (int n = 0; n < MAX_ROWS; n += 1 + n / 2)
	{
		uint64_t	k = n / 3;

		for (int i = 0; i < n; i++)
			e[i] = (ItemWeight) {(int64_t) unit_random(&state) >> (n % 60), unit_random(&state) % 50};
		memcpy(want, e, sizeof(e));
		qsort(want, n, sizeof(ItemWeight), by_item);
		itemvec_sort(unit_env(), e, n);
		for (int i = 0; i < n; i++)
			CHECK(e[i].item == want[i].item);
		for (int i = 0; i < n; i++)
			e[i].item = (int64_t) i * i - 1000;
		memcpy(want, e, sizeof(e));
		qsort(want, n, sizeof(ItemWeight), by_weight);
		qsort(want, k, sizeof(ItemWeight), by_item);
		CHECK(itemvec_top(unit_env(), e, n, k) == k);
		for (uint64_t i = 0; i < k; i++)
			CHECK(e[i].item == want[i].item && e[i].weight == want[i].weight);
	}
}

static ItemvecCursor
vector_of(const ItemWeight *entries, uint64_t n, unsigned char *bytes)
{
	ItemvecCoding coding;
	size_t		size = itemvec_encoded_size(entries, n, &coding);
	ItemvecCursor c;

	itemvec_encode(entries, n, coding, bytes);
	CHECK(itemvec_open(&c, bytes, size));
	return c;
}

static void
test_measures(void)
{
	unsigned char x[256];
	unsigned char y[256];
	ItemvecCursor a = vector_of((ItemWeight[]) {{1, 1}, {3, 2}, {9, 3}}, 3, x);
	ItemvecCursor b = vector_of((ItemWeight[]) {{3, 4}, {9, 1}, {12, 5}}, 3, y);
	ItemvecCursor none = vector_of(NULL, 0, (unsigned char[16]) {0});
	ItemvecCursor c;
	ItemvecCursor d;

	c = a, d = b;
	CHECK(itemvec_dot(&c, &d) == 11);
	CHECK(itemvec_norm(&a) == sqrt(14));
	CHECK_NEAR(itemvec_cosine(&a, &b), 11 / sqrt(14.0 * 42.0), 1e-15);
	CHECK(itemvec_cosine(&a, &a) == 1);
	CHECK(itemvec_jaccard(&a, &b) == 3.0 / (1 + 4 + 3 + 5));
	CHECK(itemvec_cosine(&a, &none) == 0 && itemvec_jaccard(&none, &none) == 0 && itemvec_norm(&none) == 0);
	a = vector_of((ItemWeight[]) {{1, 3e200}, {2, 4e200}}, 2, x);
	CHECK_NEAR(itemvec_norm(&a) / 5e200, 1, 1e-15);
	CHECK(itemvec_cosine(&a, &a) == 1);
	b = vector_of((ItemWeight[]) {{1, 3e-200}, {2, 4e-200}}, 2, y);
	CHECK_NEAR(itemvec_norm(&b) / 5e-200, 1, 1e-15);
	CHECK_NEAR(itemvec_cosine(&a, &b), 1, 1e-15);
	b = vector_of((ItemWeight[]) {{1, 0x1p-1074}}, 1, y);
	CHECK(itemvec_norm(&b) == 0x1p-1074 && itemvec_cosine(&b, &b) == 1);
	a = vector_of((ItemWeight[]) {{1, DBL_MAX}, {2, DBL_MAX}}, 2, x);
	CHECK(itemvec_jaccard(&a, &a) == 1);
	CHECK(itemvec_norm(&a) == INFINITY);
}

void
test_itemvec(void)
{
	RUN(test_known_sums);
	RUN(test_huge_sums);
	RUN(test_random_sums);
	RUN(test_many_items);
	RUN(test_coding);
	RUN(test_order);
	RUN(test_measures);
}
