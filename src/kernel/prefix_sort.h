/*
 * prefix_sort.h
 *		Sorting things that are too long for a radix sort: by a 64-bit beginning
 *		first, and by comparison only where beginnings are the same.
 */
#ifndef PERSONALIZE_PREFIX_SORT_H
#define PERSONALIZE_PREFIX_SORT_H

#include "base/env.h"

typedef struct PrefixRecord
{
	uint64_t	prefix;			/* orders like the thing itself, as far as it goes */
	uint64_t	id;
} PrefixRecord;

/* < 0, 0 or > 0; called for ids of the same prefix only. */
typedef int (*PrefixCompare) (const void *things, uint64_t one, uint64_t two);

extern void prefix_sort(Env *env, PrefixRecord *record, uint64_t n, PrefixCompare compare, const void *things);

#endif							/* PERSONALIZE_PREFIX_SORT_H */
