/*
 * counted.h
 *		Integers with how often each came, and exact quantiles of them.
 *
 * Memory goes with the different values, not with the rows.  A quantile is a property of the multiset, so neither order nor parts matter.
 */
#ifndef PERSONALIZE_KERNEL_COUNTED_H
#define PERSONALIZE_KERNEL_COUNTED_H

#include <stdbool.h>

#include "base/env.h"

typedef struct CountedValue
{
	int64_t		value;
	uint64_t	count;
} CountedValue;

typedef struct Counted
{
	CountedValue *values;
	uint64_t	n;
	uint64_t	room;
} Counted;

/* False where it would have to grow beyond `most` different values. */
extern bool counted_add(Env *env, Counted *c, int64_t value, uint64_t count, uint64_t most);
/* Ascending, each value once. */
extern void counted_fold(Counted *c);
extern uint64_t counted_total(const Counted *c);
/* Of a folded, nonempty one: the least value that part / parts of all do not exceed, as percentile_disc has it. */
extern int64_t counted_quantile(const Counted *c, uint64_t total, uint32_t part, uint32_t parts);

#endif							/* PERSONALIZE_KERNEL_COUNTED_H */
