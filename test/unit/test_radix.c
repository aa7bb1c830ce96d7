/*
 * test_radix.c
 *		The radix sort against the C library's, on keys that share bytes and
 *		keys that repeat.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/radix.h"
#include "unit.h"

#define MAX_WORDS 4

/* What qsort compares, which has no argument for it. */
static int	key_words;

typedef struct Record
{
	uint64_t	word[MAX_WORDS];
	size_t		place;			/* in the input: makes qsort stable */
} Record;

static int
compare(const void *a, const void *b)
{
	const Record *x = a;
	const Record *y = b;

	for (int w = 0; w < key_words; w++)
		if (x->word[w] != y->word[w])
			return x->word[w] < y->word[w] ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

/* Bits outside of `mask` are 0: from all keys the same to none. */
static void
check_sort(size_t n, int words, uint64_t mask, uint64_t seed)
{
	Record	   *want = malloc((n + 1) * sizeof(Record));
	uint64_t   *got = malloc((n * words + 1) * sizeof(uint64_t));
	uint64_t   *scratch = malloc((n * words + 1) * sizeof(uint64_t));

	got[n * words] = scratch[n * words] = 0xa5;
	for (size_t i = 0; i < n; i++)
	{
		want[i].place = i;
		for (int w = 0; w < words; w++)
			got[i * words + w] = want[i].word[w] = unit_random(&seed) & (w < key_words ? mask : UINT64_MAX);
	}
	qsort(want, n, sizeof(Record), compare);
	radix_sort(got, scratch, n, words, key_words);
	for (size_t i = 0; i < n; i++)
		for (int w = 0; w < words; w++)
			CHECK(got[i * words + w] == want[i].word[w]);
	CHECK(got[n * words] == 0xa5 && scratch[n * words] == 0xa5);
	free(want);
	free(got);
	free(scratch);
}

void
test_radix(void)
{
	static const size_t sizes[] = {0, 1, 2, 3, 17, 255, 256, 257, 3000};
	static const uint64_t masks[] = {0, 1, 0xff, 0xff00, 0x7ull << 61, 0x00f0000000000f00, UINT64_MAX};
	char		name[40];

	for (int words = 1; words <= MAX_WORDS; words++)
		for (key_words = 1; key_words <= words; key_words++)
		{
			snprintf(name, sizeof(name), "%d words, %d of them keys", words, key_words);
			unit_begin(name);
			for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
				for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++)
					check_sort(sizes[s], words, masks[m], s * 100 + m);
		}
}
