/*
 * shop_data.h
 *		Deterministic interactions for the benchmarks: Zipf-Mandelbrot
 *		popularity 1/(r+10), log-normal activity, latent clusters (three of four
 *		draws stay inside the customer's own), about one draw in ten a repeat.
 */
#ifndef SHOP_DATA_H
#define SHOP_DATA_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct ShopSize
{
	const char *name;
	uint32_t	customers;
	uint32_t	items;
	uint32_t	interactions;
	uint32_t	clusters;
} ShopSize;

static const ShopSize shop_sizes[] = {
	{"XS", 5000, 2000, 100000, 20},
	{"S", 100000, 10000, 2000000, 50},
	{"M", 500000, 50000, 10000000, 200},
	{"D", 6000, 3700, 1000000, 18},
};

typedef struct Interactions
{
	uint32_t	customers;
	uint32_t	items;
	uint64_t   *start;			/* customers + 1 */
	uint32_t   *item;			/* in the order of the draws, with repeats */
} Interactions;

static inline uint64_t
shop_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline double
shop_uniform(uint64_t *state)
{
	return (shop_mix((*state)++) >> 11) * 0x1p-53;
}

static inline double
shop_normal(uint64_t *state)
{
	double		u = shop_uniform(state) + 0x1p-54;

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * shop_uniform(state));
}

/* First index whose cumulative weight passes x. */
static inline uint32_t
shop_draw(const double *cumulative, uint32_t n, double x)
{
	uint32_t	low = 0;

	x *= cumulative[n - 1];
	while (n > 1)
	{
		uint32_t	half = n / 2;

		if (cumulative[low + half - 1] <= x)
		{
			low += half;
			n -= half;
		}
		else
			n = half;
	}
	return low;
}

static const ShopSize *
shop_size(const char *name)
{
	for (size_t i = 0; i < sizeof(shop_sizes) / sizeof(*shop_sizes); i++)
		if (strcmp(shop_sizes[i].name, name) == 0)
			return &shop_sizes[i];
	fprintf(stderr, "no data set \"%s\"; there are XS, S, M and D\n", name);
	exit(2);
}

/* Items by popularity, overall and inside each cluster: cumulative weights to draw from. */
typedef struct ShopTaste
{
	double	   *all;			/* by popularity rank */
	uint32_t   *id;				/* popularity rank -> item number, shuffled */
	uint32_t   *member;			/* ranks grouped by cluster */
	uint32_t   *first;			/* cluster -> first of member */
	double	   *within;			/* parallel to member */
} ShopTaste;

static ShopTaste
shop_taste(const ShopSize *size)
{
	ShopTaste	t;
	uint32_t	n = size->items;
	uint32_t	at = 0;

	t.all = malloc(n * sizeof(double));
	t.id = malloc(n * sizeof(uint32_t));
	t.member = malloc(n * sizeof(uint32_t));
	t.first = malloc((size->clusters + 1) * sizeof(uint32_t));
	t.within = malloc(n * sizeof(double));
	for (uint32_t r = 0; r < n; r++)
	{
		t.all[r] = (r ? t.all[r - 1] : 0) + 1.0 / (r + 10);
		t.id[r] = r;
	}
	for (uint32_t r = n - 1; r > 0; r--)
	{
		uint32_t	other = shop_mix(r ^ 0x51f7) % (r + 1);
		uint32_t	swap = t.id[r];

		t.id[r] = t.id[other];
		t.id[other] = swap;
	}
	for (uint32_t c = 0; c < size->clusters; c++)
	{
		double		sum = 0;

		t.first[c] = at;
		for (uint32_t r = 0; r < n; r++)
			if (shop_mix(r ^ 0xc105) % size->clusters == c)
			{
				t.member[at] = r;
				t.within[at++] = sum += 1.0 / (r + 10);
			}
	}
	t.first[size->clusters] = at;
	return t;
}

static uint32_t
shop_item(const ShopSize *size, const ShopTaste *taste, const uint32_t *cluster, uint64_t *state)
{
	uint32_t	c;
	uint32_t	first;

	if (shop_uniform(state) >= 0.75)
		return taste->id[shop_draw(taste->all, size->items, shop_uniform(state))];
	c = cluster[(uint32_t) (shop_uniform(state) * 3)];
	first = taste->first[c];
	return taste->id[taste->member[first + shop_draw(taste->within + first, taste->first[c + 1] - first,
													 shop_uniform(state))]];
}

static Interactions
shop_interactions(const ShopSize *size)
{
	ShopTaste	taste = shop_taste(size);
	Interactions x = {size->customers, size->items};
	double	   *activity = malloc(size->customers * sizeof(double));
	uint32_t   *seen = calloc(size->items, sizeof(uint32_t));
	double		total = 0;
	uint64_t	at = 0;

	for (uint32_t u = 0; u < size->customers; u++)
	{
		uint64_t	state = shop_mix(u) ^ 0xac71;

		total += activity[u] = exp(shop_normal(&state));
	}
	x.start = malloc((size->customers + 1) * sizeof(uint64_t));
	x.item = malloc((size->interactions + (uint64_t) size->customers * 2) * sizeof(uint32_t));
	for (uint32_t u = 0; u < size->customers; u++)
	{
		uint64_t	state = shop_mix(u ^ 0xd4a3) << 20;
		uint32_t	cluster[3];
		uint32_t	draws = (uint32_t) (activity[u] / total * size->interactions + 0.5);

		if (draws < 1)
			draws = 1;
		if (draws > size->items)
			draws = size->items;
		for (int c = 0; c < 3; c++)
			cluster[c] = shop_mix(state++) % size->clusters;
		x.start[u] = at;
		for (uint32_t d = 0; d < draws && at < size->interactions; d++, at++)
		{
			if (d > 0 && shop_uniform(&state) < 0.10)
			{
				x.item[at] = x.item[x.start[u] + (uint32_t) (shop_uniform(&state) * d)];
				continue;
			}
			/* a new item: draw again while it is an old one, within reason */
			for (int try = 0; try < 20; try++)
			{
				uint32_t	item = shop_item(size, &taste, cluster, &state);

				x.item[at] = item;
				if (seen[item] != u + 1)
				{
					seen[item] = u + 1;
					break;
				}
			}
		}
	}
	x.start[size->customers] = at;
	free(activity);
	free(seen);
	free(taste.all);
	free(taste.id);
	free(taste.member);
	free(taste.first);
	free(taste.within);
	return x;
}

#endif							/* SHOP_DATA_H */
