/*
 * test_rank_metrics.c
 *		Vectors computed by hand, edges, and the distribution of resampling weights.
 */
#include "kernel/rank_metrics.h"

#include <math.h>

#include "unit.h"

/* Hits at positions 1, 3 and 6 of four relevant items. */
static const uint32_t three[] = {1, 3, 6};
static const RankHits hits = {4, 3, three};
static const RankHits nothing = {4, 0, NULL};

static void
lists(void)
{
	CHECK_NEAR(rank_recall(&hits, 5), 2.0 / 4, 1e-15);
	CHECK_NEAR(rank_recall(&hits, RANK_ALL), 3.0 / 4, 1e-15);
	CHECK_NEAR(rank_recall(&hits, 1), 1.0 / 4, 1e-15);
	CHECK_NEAR(rank_precision(&hits, 5), 2.0 / 5, 1e-15);
	CHECK_NEAR(rank_precision(&hits, 10), 3.0 / 10, 1e-15);
	CHECK(rank_hit(&hits, 1) == 1 && rank_hit(&nothing, 5) == 0);
	CHECK(rank_reciprocal(&hits, 5) == 1 && rank_reciprocal(&nothing, 5) == 0);
	/* (1/1 + 2/3) / min(5, 4); all: (1/1 + 2/3 + 3/6) / 4; two positions: 1 / 2 */
	CHECK_NEAR(rank_average_precision(&hits, 5), (1 + 2.0 / 3) / 4, 1e-15);
	CHECK_NEAR(rank_average_precision(&hits, RANK_ALL), (1 + 2.0 / 3 + 0.5) / 4, 1e-15);
	CHECK_NEAR(rank_average_precision(&hits, 2), 0.5, 1e-15);
	/* 1 + 1/2 over 1 + 0.63093 + 1/2 + 0.43068 */
	CHECK_NEAR(rank_ndcg(&hits, 5), 1.5 / 2.5616063116448504, 1e-15);
	CHECK(rank_ndcg(&nothing, 5) == 0);
}

static void
finding(void)
{
	static const uint32_t relevant[] = {2, 5, 7, 9, 11};
	static const uint32_t list[] = {7, 1, 11, 3, 12, 2, 0, 10};
	uint32_t	position[8];

	for (uint32_t n = 0; n <= 5; n++)
	{
		RankHits	found = rank_hits(list, 8, relevant, n, position);

		CHECK(found.num_relevant == n);
		CHECK(found.num_hits == (n >= 1) + (n >= 3) + (n >= 5));
	}
	CHECK(position[0] == 1 && position[1] == 3 && position[2] == 6);
}

/* Nothing but hits is 1, whatever k is to the number of relevant items. */
static void
perfect(void)
{
	static const uint32_t all[] = {1, 2, 3, 4};
	static const RankHits best = {4, 4, all};

	for (uint32_t k = 1; k <= 6; k++)
	{
		CHECK_NEAR(rank_ndcg(&best, k), 1, 1e-15);
		CHECK_NEAR(rank_average_precision(&best, k), 1, 1e-15);
	}
	CHECK(rank_recall(&best, 4) == 1 && rank_precision(&best, 4) == 1);
}

static void
spread(void)
{
	Env		   *env = unit_env();
	uint64_t	uneven[] = {2, 1, 1};
	uint64_t	even[] = {7, 7, 7, 7};
	uint64_t	one[] = {5};

	/* sorted behind seven zeros: (5 * 1 + 7 * 1 + 9 * 2) / (10 * 4) */
	CHECK_NEAR(rank_gini(env, uneven, 3, 10), 0.75, 1e-15);
	CHECK_NEAR(rank_gini(env, even, 4, 4), 0, 1e-15);
	CHECK_NEAR(rank_gini(env, one, 1, 10), 0.9, 1e-15);
	CHECK(isnan(rank_gini(env, one, 0, 10)));
	CHECK_NEAR(rank_coverage(3, 10), 0.3, 1e-15);
	CHECK_NEAR(rank_novelty(1, 8) / RANK_NOVELTY_UNIT, 3, 1e-12);
	CHECK_NEAR(rank_novelty(0, 8) / RANK_NOVELTY_UNIT, 3, 1e-12);
	CHECK(rank_novelty(8, 8) == 0);
	CHECK_NEAR(rank_novelty(3, 10) / RANK_NOVELTY_UNIT, log2(10.0 / 3), 1e-6);
}

static void
quantiles(void)
{
	Env		   *env = unit_env();
	const double values[] = {3, -1, NAN, 2, 0};

	CHECK_NEAR(rank_quantile(env, values, 5, 0), -1, 1e-15);
	CHECK_NEAR(rank_quantile(env, values, 5, 1), 3, 1e-15);
	CHECK_NEAR(rank_quantile(env, values, 5, 0.5), 1, 1e-15);
	CHECK_NEAR(rank_quantile(env, values, 5, 0.25), -0.25, 1e-15);
	CHECK(isnan(rank_quantile(env, values, 0, 0.5)));
	CHECK(isnan(rank_quantile(env, values + 2, 1, 0.5)));
}

/* Mean and variance of Poisson(1) are 1; the fractions of 0, 1, 2 are e^-1, e^-1, e^-1 / 2. */
static void
resampling(void)
{
	enum {DRAWS = 400000};
	double		sum = 0;
	double		squares = 0;
	uint64_t	count[32] = {0};

	for (uint64_t i = 0; i < DRAWS; i++)
	{
		uint32_t	weight = rank_resample_weight(rank_mix(42, i / 100, i % 100));

		sum += weight;
		squares += (weight - 1.0) * (weight - 1.0);
		count[weight < 31 ? weight : 31]++;
	}
	CHECK(fabs(sum / DRAWS - 1) < 0.01);
	CHECK(fabs(squares / DRAWS - 1) < 0.02);
	CHECK(fabs((double) count[0] / DRAWS - exp(-1)) < 0.005);
	CHECK(fabs((double) count[1] / DRAWS - exp(-1)) < 0.005);
	CHECK(fabs((double) count[2] / DRAWS - exp(-1) / 2) < 0.005);
	CHECK(rank_resample_weight(0) == 0 && rank_resample_weight(UINT64_MAX) <= 18);
}

void
test_rank_metrics(void)
{
	RUN(lists);
	RUN(finding);
	RUN(perfect);
	RUN(spread);
	RUN(quantiles);
	RUN(resampling);
}
