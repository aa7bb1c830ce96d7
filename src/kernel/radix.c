/*
 * radix.c
 *		Least significant byte first; histograms of all bytes in one pass.
 */
#include <stdbool.h>

#include "kernel/radix.h"

#define BUCKETS 256

/* One stable pass by one byte, unless all records share it.  Inlined per number of words. */
static inline __attribute__((always_inline)) bool
radix_pass(const uint64_t *from, uint64_t *to, size_t n, int words, int key, int shift, size_t *count)
{
	size_t		at = 0;

	if (count[(from[key] >> shift) & 0xff] == n)
		return false;
	for (int b = 0; b < BUCKETS; b++)
	{
		size_t		size = count[b];

		count[b] = at;
		at += size;
	}
	for (size_t i = 0; i < n; i++, from += words)
	{
		uint64_t   *place = to + count[(from[key] >> shift) & 0xff]++ * words;

		for (int w = 0; w < words; w++)
			place[w] = from[w];
	}
	return true;
}

static inline __attribute__((always_inline)) void
radix_sort_words(uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words)
{
	uint64_t   *from = records;
	uint64_t   *to = scratch;

	for (int key = key_words - 1; key >= 0; key--)
	{
		size_t		count[8][BUCKETS] = {{0}};

		for (size_t i = 0; i < n; i++)
			for (int b = 0; b < 8; b++)
				count[b][(from[i * words + key] >> (b * 8)) & 0xff]++;
		for (int b = 0; b < 8; b++)
			if (radix_pass(from, to, n, words, key, b * 8, count[b]))
			{
				uint64_t   *swap = from;

				from = to;
				to = swap;
			}
	}
	if (from != records)
		memcpy(records, from, n * words * sizeof(uint64_t));
}

void
radix_sort(uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words)
{
	if (n < 2)
		return;
	/* the constant lets the compiler copy a record without a loop */
	if (words == 1)
		radix_sort_words(records, scratch, n, 1, key_words);
	else if (words == 2)
		radix_sort_words(records, scratch, n, 2, key_words);
	else
		radix_sort_words(records, scratch, n, words, key_words);
}
