/*
 * test_mix.c
 *		Mixed lists against plain sums over all offers, sorted by the C library.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/mix.h"
#include "unit.h"

#define NUM_KEYS	300			/* enough for only a part to be sorted */
#define MAX_LISTS	5

typedef struct Offer
{
	uint32_t	item;
	double		amount;
	uint32_t	because;
} Offer;

/* A few amounts only, so that many scores tie; the keys are in no order. */
static void
make_keys(Keyset *set, bool numbers, uint64_t *random)
{
	keyset_init(unit_env(), set, numbers);
	while (set->size < NUM_KEYS)
	{
		char		text[32];

		if (numbers)
			keyset_add_number(unit_env(), set, (int64_t) (unit_random(random) % 2000) - 1000);
		else
			keyset_add_bytes(unit_env(), set, text, (size_t) snprintf(text, sizeof(text), "%.*s%d", (int) (unit_random(random) % 9),
																	  "longlong", (int) (unit_random(random) % 400)));
	}
}

static uint32_t
make_offers(Offer *offer, uint64_t *random)
{
	uint32_t	n = unit_random(random) % 600;

	for (uint32_t o = 0; o < n; o++)
		offer[o] = (Offer) {
			(uint32_t) (unit_random(random) % NUM_KEYS), (double) (unit_random(random) % 9) / 4 - 0.5, (uint32_t) o
		};
	return n;
}

/* The sum of an item's offers, its largest and what gave that. */
static MixEntry
plain_entry(const Offer *offer, uint32_t n, uint32_t item)
{
	MixEntry	entry = {0, -INFINITY, item, KEYSET_NONE, 0};
	bool		any = false;

	for (uint32_t o = 0; o < n; o++)
	{
		if (offer[o].item != item)
			continue;
		entry.score = any ? entry.score + offer[o].amount : offer[o].amount;
		any = true;
		if (offer[o].amount > entry.most)
		{
			entry.most = offer[o].amount;
			entry.because = offer[o].because;
		}
	}
	return entry;
}

static const Keyset *sorted_items;

static int
compare_entries(const void *x, const void *y)
{
	const MixEntry *a = x;
	const MixEntry *b = y;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return mix_compare_keys(sorted_items, a->item, b->item);
}

static uint32_t
plain_list(const Keyset *items, const Offer *offer, uint32_t n, MixEntry *out)
{
	uint32_t	size = 0;

	for (uint32_t item = 0; item < items->size; item++)
	{
		MixEntry	entry = plain_entry(offer, n, item);

		if (entry.score > 0)
			out[size++] = entry;
	}
	sorted_items = items;
	qsort(out, size, sizeof(MixEntry), compare_entries);
	return size;
}

static void
check_same(const MixList *list, const MixEntry *want, uint32_t size)
{
	CHECK(list->size == size);
	for (uint32_t e = 0; e < size && e < list->size; e++)
		CHECK(list->entry[e].item == want[e].item && list->entry[e].score == want[e].score &&
			  list->entry[e].because == want[e].because);
}

/* As a page asks for them, some more at a time; what is said to stand in its order must do so. */
static void
sort_in_steps(MixList *list, const Keyset *items, uint32_t step)
{
	for (uint32_t n = 1; list->sorted < list->size; n += step)
	{
		mix_sort(unit_env(), list, items, n);
		CHECK(list->sorted >= (n < list->size ? n : list->size));
	}
}

static double
best_of(const MixList *list)
{
	double		best = 0;

	for (uint32_t e = 0; e < list->size; e++)
		best = fmax(best, list->entry[e].score);
	return best;
}

/* What the definition of either mix says, item by item. */
static double
plain_mix(MixKind kind, const MixList *lists, const double *weights, uint32_t n, uint32_t item)
{
	double		score = 0;

	for (uint32_t l = 0; l < n; l++)
		for (uint32_t e = 0; e < lists[l].size; e++)
			if (lists[l].entry[e].item == item)
				score += kind == MIX_RRF ? weights[l] / (61.0 + e) :
					weights[l] * (lists[l].entry[e].score / best_of(&lists[l]));
	return score;
}

static void
check_mix(MixKind kind, const Keyset *items, MixList *lists, const double *weights, uint32_t n, uint32_t step)
{
	MixIndex	index = {0};
	MixList		mixed = {0};
	uint32_t	found = 0;

	mix_lists(unit_env(), &index, items, kind, lists, weights, n, &mixed);
	sort_in_steps(&mixed, items, step);
	sorted_items = items;
	for (uint32_t e = 0; e < mixed.size; e++)
	{
		CHECK(mixed.entry[e].score == plain_mix(kind, lists, weights, n, mixed.entry[e].item));
		CHECK(e == 0 || compare_entries(&mixed.entry[e - 1], &mixed.entry[e]) < 0);
		CHECK(mixed.entry[e].source < n);
	}
	for (uint32_t item = 0; item < items->size; item++)
		found += plain_mix(kind, lists, weights, n, item) > 0;
	CHECK(found == mixed.size);
	free(index.slot);
	free(mixed.entry);
}

static void
check_round(bool numbers, uint64_t *random)
{
	Keyset		items;
	MixIndex	index = {0};
	MixList		lists[MAX_LISTS] = {{0}};
	double		weights[MAX_LISTS];
	uint32_t	num_lists = 1 + unit_random(random) % MAX_LISTS;
	Offer		offer[600];
	MixEntry	want[NUM_KEYS];

	make_keys(&items, numbers, random);
	for (uint32_t l = 0; l < num_lists; l++)
	{
		uint32_t	n = make_offers(offer, random);

		for (uint32_t o = 0; o < n; o++)
			mix_offer(unit_env(), &index, &lists[l], offer[o].item, offer[o].amount, offer[o].because, 0);
		mix_close(&index, &lists[l]);
		sort_in_steps(&lists[l], &items, 1 + unit_random(random) % 100);
		check_same(&lists[l], want, plain_list(&items, offer, n, want));
		weights[l] = (1 + unit_random(random) % 10) / 3.0;
	}
	check_mix(MIX_SUM, &items, lists, weights, num_lists, 1 + unit_random(random) % 100);
	check_mix(MIX_RRF, &items, lists, weights, num_lists, 1 + unit_random(random) % 100);
	for (uint32_t l = 0; l < num_lists; l++)
		free(lists[l].entry);
	free(index.slot);
	keyset_release(unit_env(), &items);
}

static void
random_lists(void)
{
	uint64_t	random = 7;

	for (int round = 0; round < 300; round++)
		check_round(round % 2 == 0, &random);
}

/* Scores so near each other that they are the same once divided: the key decides then. */
static void
scaled_ties(void)
{
	Keyset		items;
	MixIndex	index = {0};
	MixList		list = {0};
	MixList		mixed = {0};
	double		weight = 0.1;

	keyset_init(unit_env(), &items, true);
	for (int i = 0; i < 100; i++)
	{
		double		score = 1 + (100 - i) * 0x1p-52;

		mix_offer(unit_env(), &index, &list, keyset_add_number(unit_env(), &items, 100 - i), score, KEYSET_NONE, 0);
	}
	mix_close(&index, &list);
	mix_lists(unit_env(), &index, &items, MIX_SUM, &list, &weight, 1, &mixed);
	sort_in_steps(&mixed, &items, 7);
	sorted_items = &items;
	CHECK(mixed.size == 100);
	for (uint32_t e = 1; e < mixed.size; e++)
		CHECK(compare_entries(&mixed.entry[e - 1], &mixed.entry[e]) < 0);
	free(list.entry);
	free(mixed.entry);
	free(index.slot);
	keyset_release(unit_env(), &items);
}

static void
nothing_offered(void)
{
	Keyset		items;
	MixIndex	index = {0};
	MixList		lists[2] = {{0}};
	MixList		mixed = {0};
	double		weights[2] = {1, 1};

	keyset_init(unit_env(), &items, true);
	keyset_add_number(unit_env(), &items, 1);
	mix_close(&index, &lists[0]);
	mix_offer(unit_env(), &index, &lists[1], 0, -1, 0, 0);
	mix_close(&index, &lists[1]);
	mix_lists(unit_env(), &index, &items, MIX_SUM, lists, weights, 2, &mixed);
	CHECK(mixed.size == 0);
	free(lists[1].entry);
	free(index.slot);
	keyset_release(unit_env(), &items);
}

void
test_mix(void)
{
	RUN(random_lists);
	RUN(scaled_ties);
	RUN(nothing_offered);
}
