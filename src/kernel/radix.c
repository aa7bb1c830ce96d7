/*
 * radix.c
 *		Least significant byte first, one pass for each byte that differs at all.
 */
#include "kernel/radix.h"

#define BUCKETS 256

/* One stable pass by one byte.  Inlined per number of words, so that a record is copied without a loop. */
static inline __attribute__((always_inline)) void
radix_pass(const uint64_t *from, uint64_t *to, size_t n, int words, int key, int shift)
{
	size_t		count[BUCKETS] = {0};
	size_t		at = 0;

	for (size_t i = 0; i < n; i++)
		count[(from[i * words + key] >> shift) & 0xff]++;
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
}

static inline __attribute__((always_inline)) void
radix_sort_words(uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words)
{
	uint64_t   *from = records;
	uint64_t   *to = scratch;

	for (int key = key_words - 1; key >= 0; key--)
	{
		uint64_t	differs = 0;

		for (size_t i = 1; i < n; i++)
			differs |= from[i * words + key] ^ from[key];
		for (int shift = 0; shift < 64; shift += 8)
			if ((differs >> shift) & 0xff)
			{
				uint64_t   *swap = from;

				radix_pass(from, to, n, words, key, shift);
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
	if (words == 1)
		radix_sort_words(records, scratch, n, 1, key_words);
	else if (words == 2)
		radix_sort_words(records, scratch, n, 2, key_words);
	else
		radix_sort_words(records, scratch, n, words, key_words);
}
