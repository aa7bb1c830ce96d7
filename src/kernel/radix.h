/*
 * radix.h
 *		Sorting by bytes of the key: linear, stable, the same on every machine.
 */
#ifndef PERSONALIZE_RADIX_H
#define PERSONALIZE_RADIX_H

#include "base/env.h"

#define RADIX_MAX_KEY_WORDS 4

/*
 * Sorts n records of `words` 64-bit words by their first `key_words` words, the
 * first the most significant.  The result is in `records`; `scratch` is as large.
 * Bytes that are the same in all records cost a look, not a pass.  Between passes
 * there is a look at interrupts.
 */
extern void radix_sort_checked(Env *env, uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words);

/* The same for records that are too few for anyone to wait for. */
static inline void
radix_sort(uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words)
{
	radix_sort_checked(NULL, records, scratch, n, words, key_words);
}

#endif							/* PERSONALIZE_RADIX_H */
