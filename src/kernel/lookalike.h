/*
 * lookalike.h
 *		Which customers have the features of a seed set: what each feature adds to the log-odds of belonging to it.
 *
 *		score(customer) = sum over features f of  ln((seeds with f + 1/2) / (seeds + 1)) - ln((customers with f + 1/2) / (customers + 1))
 *
 * Counts are integers, and so are weights, in units of 2^-40: a score depends neither on the order of rows nor of features, and who has the same
 * features has the same score.
 */
#ifndef PERSONALIZE_KERNEL_LOOKALIKE_H
#define PERSONALIZE_KERNEL_LOOKALIKE_H

#include "kernel/keyset.h"

#define LOOKALIKE_UNIT 0x1p40
#define LOOKALIKE_MOST_CUSTOMERS (UINT64_C(1) << 53)

typedef struct Lookalike
{
	Env		   *env;
	uint64_t	customers;
	uint64_t	seeds;			/* of these */
	Keyset		features;
	uint64_t   *with;			/* by code: customers that have it */
	uint64_t   *seeds_with;
	int64_t    *weight;			/* once they are made */
	uint64_t   *seen;			/* by code: the customer who had it last, so that it counts once */
	uint64_t	customer;		/* number of the one whose features come now, from 1 on */
	bool		in_seed;
	uint32_t	room;
} Lookalike;

extern void lookalike_init(Env *env, Lookalike *l);
extern void lookalike_release(Lookalike *l);
extern size_t lookalike_memory(const Lookalike *l);
/* A customer, and then each of the features, which may repeat. */
extern void lookalike_begin(Lookalike *l, bool in_seed);
extern void lookalike_add(Lookalike *l, const void *feature, size_t size);
/* Counts of a feature in other customers. */
extern void lookalike_add_counts(Lookalike *l, const void *feature, size_t size, uint64_t with, uint64_t seeds_with);
extern void lookalike_merge(Lookalike *l, const Lookalike *other);
/* No more than there are, of seeds and of the others. */
extern bool lookalike_is_sound(const Lookalike *l);

extern void lookalike_weigh(Lookalike *l);
/* Of a model that is weighed: lookalike_rate() for each feature of a customer, after lookalike_rate_begin(); what nobody had says nothing. */
extern void lookalike_rate_begin(Lookalike *l);
extern int64_t lookalike_rate(Lookalike *l, const void *feature, size_t size);

#endif							/* PERSONALIZE_KERNEL_LOOKALIKE_H */
