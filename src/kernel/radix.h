/*
 * radix.h
 *		Sorting by bytes of the key: linear, stable, the same on every machine.
 */
#ifndef PERSONALIZE_RADIX_H
#define PERSONALIZE_RADIX_H

#include "base/env.h"

/*
 * Sorts n records of `words` 64-bit words by their first `key_words` words, the
 * first the most significant.  The result is in `records`; `scratch` is as large.
 * Bytes that are the same in all records cost a look, not a pass.
 */
extern void radix_sort(uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words);

#endif							/* PERSONALIZE_RADIX_H */
