/*
 * radix.c
 *		Least significant byte first, one pass for each byte that differs at all.
 *
 * Keys here are mostly small numbers in 64-bit words: of sixteen bytes of two
 * words only a few differ.  That is where this beats a comparison sort.
 */
#include "kernel/radix.h"

#define BUCKETS 256

/* A byte of the key. */
typedef struct Digit
{
	int			word;
	int			shift;
} Digit;

static inline uint8_t
digit_of(const uint64_t *record, Digit digit)
{
	return (uint8_t) (record[digit.word] >> digit.shift);
}

/* The bytes in which records differ, least significant first; returns how many. */
static inline __attribute__((always_inline)) int
find_digits(const uint64_t *records, size_t n, int words, int key_words, Digit *digits)
{
	int			found = 0;

	for (int word = key_words - 1; word >= 0; word--)
	{
		/* one look at all words finds the passes that would move nothing */
		uint64_t	differs = 0;

		for (size_t i = 1; i < n; i++)
			/* to differ from the first is enough: bytes that all agree with it agree with each other */
			differs |= records[i * words + word] ^ records[word];
		for (int shift = 0; shift < 64; shift += 8)
			if ((differs >> shift) & 0xff)
				digits[found++] = (Digit) {word, shift};
	}
	return found;
}

/* A bucket's records follow those of all smaller buckets. */
static inline void
counts_to_places(size_t *count)
{
	size_t		at = 0;

	for (int b = 0; b < BUCKETS; b++)
	{
		size_t		size = count[b];

		count[b] = at;
		at += size;
	}
}

/* One stable pass, which counts the next digit on its way: alone that would take as long as moving. */
static inline __attribute__((always_inline)) void
move_records(const uint64_t *from, uint64_t *to, size_t n, int words,
			 Digit digit, size_t *place, Digit next, size_t *next_count)
{
	for (size_t i = 0; i < n; i++, from += words)
	{
		uint64_t   *record = to + place[digit_of(from, digit)]++ * words;

		next_count[digit_of(from, next)]++;
		for (int w = 0; w < words; w++)
			record[w] = from[w];
	}
}

/* Inlined per number of words, so that a record is copied without a loop. */
static inline __attribute__((always_inline)) void
sort_words(Env *env, uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words)
{
	Digit		digits[8 * RADIX_MAX_KEY_WORDS + 1];
	int			num_digits = find_digits(records, n, words, key_words, digits);
	size_t		count[2][BUCKETS] = {{0}};
	uint64_t   *from = records;
	uint64_t   *to = scratch;

	if (num_digits == 0)
		return;
	for (size_t i = 0; i < n; i++)
		count[0][digit_of(records + i * words, digits[0])]++;
	digits[num_digits] = digits[0]; /* counted once more than needed */
	for (int d = 0; d < num_digits; d++)
	{
		uint64_t   *swap = from;

		/* between passes only: within one, records are in two places */
		if (env)
			env_check(env, 0, 0);
		counts_to_places(count[d % 2]);
		memset(count[1 - d % 2], 0, sizeof(count[0]));
		move_records(from, to, n, words, digits[d], count[d % 2], digits[d + 1], count[1 - d % 2]);
		from = to;
		to = swap;
	}
	/* an odd number of passes ends in the scratch */
	if (from != records)
		memcpy(records, from, n * words * sizeof(uint64_t));
}

void
radix_sort_checked(Env *env, uint64_t *records, uint64_t *scratch, size_t n, int words, int key_words)
{
	if (n < 2)
		return;
	/* one copy of the code for each number that occurs; the last serves all others */
	if (words == 1)
		sort_words(env, records, scratch, n, 1, key_words);
	else if (words == 2)
		sort_words(env, records, scratch, n, 2, key_words);
	else if (words == 3)
		sort_words(env, records, scratch, n, 3, key_words);
	else if (words == 4)
		sort_words(env, records, scratch, n, 4, key_words);
	else
		sort_words(env, records, scratch, n, words, key_words);
}
