/*
 * rank_metrics.c
 *		Metrics of ranked lists, of their spread over a catalog, and limits of their means.
 */
#include "kernel/rank_metrics.h"

#include <math.h>

#include "kernel/radix.h"

/* ---------------------------------------------------------------- one list */

static uint32_t
least(uint32_t x, uint32_t y)
{
	return x < y ? x : y;
}

/* Halving without a branch that depends on the data: lists are short, relevant items may be many. */
static bool
is_among(const uint32_t *ascending, uint32_t n, uint32_t item)
{
	uint32_t	low = 0;

	while (n > 1)
	{
		uint32_t	half = n / 2;

		low += ascending[low + half - 1] < item ? half : 0;
		n -= half;
	}
	return n == 1 && ascending[low] == item;
}

/* Positions come out ascending by themselves. */
RankHits
rank_hits(const uint32_t *list, uint32_t size, const uint32_t *relevant, uint32_t num_relevant, uint32_t *position)
{
	RankHits	hits = {num_relevant, 0, position};

	for (uint32_t i = 0; i < size; i++)
		if (is_among(relevant, num_relevant, list[i]))
			position[hits.num_hits++] = i + 1;
	return hits;
}

/* From the end, as k is mostly the length of the list. */
static uint32_t
hits_within(const RankHits *hits, uint32_t k)
{
	uint32_t	n = hits->num_hits;

	while (n > 0 && hits->position[n - 1] > k)
		n--;
	return n;
}

/* Over all relevant items, not min(k, relevant): it says what was found. */
double
rank_recall(const RankHits *hits, uint32_t k)
{
	return (double) hits_within(hits, k) / hits->num_relevant;
}

/* A list shorter than k has wasted the positions that it lacks. */
double
rank_precision(const RankHits *hits, uint32_t k)
{
	return (double) hits_within(hits, k) / k;
}

double
rank_hit(const RankHits *hits, uint32_t k)
{
	return hits_within(hits, k) > 0;
}

double
rank_reciprocal(const RankHits *hits, uint32_t k)
{
	return hits_within(hits, k) > 0 ? 1.0 / hits->position[0] : 0;
}

/* Over min(k, relevant), so that a list with nothing but hits has 1, whatever k. */
double
rank_average_precision(const RankHits *hits, uint32_t k)
{
	uint32_t	n = hits_within(hits, k);
	double		sum = 0;

	for (uint32_t h = 0; h < n; h++)
		sum += (h + 1.0) / hits->position[h];
	return sum / least(k, hits->num_relevant);
}

/* Positions from 1, so the first is worth 1. */
static double
discount(uint32_t position)
{
	return 1 / log2(position + 1.0);
}

/* The ideal list is cut where this one is. */
double
rank_ndcg(const RankHits *hits, uint32_t k)
{
	uint32_t	n = hits_within(hits, k);
	double		sum = 0;
	double		ideal = 0;

	for (uint32_t h = 0; h < n; h++)
		sum += discount(hits->position[h]);
	for (uint32_t p = 1; p <= least(k, hits->num_relevant); p++)
		ideal += discount(p);
	return sum / ideal;
}

/* ---------------------------------------------------------------- all lists */

static void
sort_numbers(Env *env, uint64_t *numbers, uint64_t n)
{
	uint64_t   *scratch = env_alloc(env, n, sizeof(uint64_t));

	radix_sort_checked(env, numbers, scratch, n, 1, 1);
	env_release(env, scratch);
}

double
rank_coverage(uint64_t num_distinct, uint64_t catalog_size)
{
	return (double) num_distinct / catalog_size;
}

/*
 * Σ (2i - N - 1) x_i / (N Σ x) over the N items in ascending order.  The zeros of what was never recommended come first and add
 * nothing, so only their number counts.  Sums are of doubles in one order, hence the same everywhere.
 */
double
rank_gini(Env *env, uint64_t *counts, uint64_t n, uint64_t catalog_size)
{
	double		weighted = 0;
	double		sum = 0;
	uint64_t	zeros = catalog_size - n;

	if (n == 0)
		return NAN;
	sort_numbers(env, counts, n);
	for (uint64_t i = 0; i < n; i++)
	{
		weighted += (2.0 * (zeros + i + 1) - catalog_size - 1) * counts[i];
		sum += counts[i];
	}
	return weighted / (catalog_size * sum);
}

/* What nobody has counts as one, so that a sum stays finite. */
int64_t
rank_novelty(double count, double total)
{
	double		bits = log2(total / (count < 1 ? 1 : count));

	return (int64_t) llround((bits < 0 ? 0 : bits) * RANK_NOVELTY_UNIT);
}

/* ---------------------------------------------------------------- limits of means */

/* By inversion: the distribution function of Poisson(1), in units of 2^-53; a weight above 17 has a probability below 2^-53. */
uint32_t
rank_resample_weight(uint64_t random)
{
	double		u = (random >> 11) * 0x1p-53;
	double		probability = 0.36787944117144233;	/* 1/e */
	double		below = probability;
	uint32_t	weight = 0;

	while (u >= below && weight < 17)
	{
		weight++;
		probability /= weight;
		below += probability;
	}
	return weight;
}

/* The finalizer of splitmix64. */
static uint64_t
finalize(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Each part goes through the finalizer on its own, or customer 1 in resample 2 would be customer 2 in resample 1. */
uint64_t
rank_mix(uint64_t seed, uint64_t customer, uint64_t resample)
{
	return finalize(finalize(finalize(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ customer) + resample * UINT64_C(0x9e3779b97f4a7c15));
}

/* Order of doubles as that of unsigned numbers: negative ones turn around. */
static uint64_t
ordered_bits(double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double
value_of_bits(uint64_t ordered)
{
	uint64_t	bits = ordered >> 63 ? ordered & ~(UINT64_C(1) << 63) : ~ordered;
	double		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Between the two values that q falls between, as percentile_cont() has it. */
double
rank_quantile(Env *env, const double *values, uint64_t n, double q)
{
	uint64_t   *sorted = env_alloc(env, n + 1, sizeof(uint64_t));
	uint64_t	size = 0;
	double		result = NAN;

	for (uint64_t i = 0; i < n; i++)
		if (!isnan(values[i]))
			sorted[size++] = ordered_bits(values[i]);
	if (size > 0)
	{
		double		at = q * (size - 1);
		uint64_t	low = (uint64_t) at;
		uint64_t	high = low + 1 < size ? low + 1 : low;

		sort_numbers(env, sorted, size);
		result = value_of_bits(sorted[low]);
		result += (at - low) * (value_of_bits(sorted[high]) - result);
	}
	env_release(env, sorted);
	return result;
}
