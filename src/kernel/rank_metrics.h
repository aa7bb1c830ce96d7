/*
 * rank_metrics.h
 *		How good a ranked list is against the items that turned out to be relevant, and how a shop's lists share its items.
 *
 * Every item of the catalog is ranked, none is sampled: k counts positions of the whole list.  Positions are from 1.
 */
#ifndef PERSONALIZE_RANK_METRICS_H
#define PERSONALIZE_RANK_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/* A list against its relevant items, both as numbers of the items. */
typedef struct RankHits
{
	uint32_t	num_relevant;	/* distinct; metrics mean nothing where it is 0 */
	uint32_t	num_hits;
	const uint32_t *position;	/* of the hits, ascending, each relevant item once */
} RankHits;

/* Of a list without repeats against relevant items in ascending order; `position` has room for as many as there are in either. */
extern RankHits rank_hits(const uint32_t *list, uint32_t size, const uint32_t *relevant, uint32_t num_relevant, uint32_t *position);

/* From 0 to 1; of the first k positions, or of all with RANK_ALL.  num_relevant is at least 1. */
#define RANK_ALL UINT32_MAX
extern double rank_recall(const RankHits *hits, uint32_t k);	/* hits / relevant */
extern double rank_precision(const RankHits *hits, uint32_t k); /* hits / k, which is no RANK_ALL */
extern double rank_hit(const RankHits *hits, uint32_t k);	/* 1 or 0 */
extern double rank_reciprocal(const RankHits *hits, uint32_t k);	/* 1 / first position with a hit; 0: none */
extern double rank_average_precision(const RankHits *hits, uint32_t k); /* over min(k, relevant) */
extern double rank_ndcg(const RankHits *hits, uint32_t k);	/* gains of 1, ideal of min(k, relevant) */

/* Share of the catalog that was recommended at all. */
extern double rank_coverage(uint64_t num_distinct, uint64_t catalog_size);
/*
 * Gini coefficient of how often each item of the catalog was recommended: 0 all the same, 1 - 1/catalog one item gets all.
 * Sorts `counts`, of the items that were recommended at all; the others of the catalog count as 0.  NaN without any.
 */
extern double rank_gini(Env *env, uint64_t *counts, uint64_t n, uint64_t catalog_size);
/*
 * Self-information of an item that `count` of `total` baskets hold, in bits; what nobody has is as new as what one has.
 * In units of 2^-24 bits, so that sums do not depend on the order.
 */
#define RANK_NOVELTY_UNIT 16777216.0
extern int64_t rank_novelty(double count, double total);

/* How often a customer is in one resample of a bootstrap: Poisson of mean 1, from 64 random bits. */
extern uint32_t rank_resample_weight(uint64_t random);
/* Mixes seed, customer and resample into random bits; the customer's are a hash of the key already. */
extern uint64_t rank_mix(uint64_t seed, uint64_t customer, uint64_t resample);
/* The q-quantile of n values, between two of them in proportion.  NaNs are left out; NaN without any. */
extern double rank_quantile(Env *env, const double *values, uint64_t n, double q);

#endif							/* PERSONALIZE_RANK_METRICS_H */
