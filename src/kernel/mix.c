/*
 * mix.c
 *		Offers of items by several sources, added up and mixed into one list.
 */
#include <math.h>

#include "kernel/mix.h"
#include "kernel/prefix_sort.h"

#define FIRST_ROOM	1024
#define CHECK_EVERY 65536		/* entries between looks at interrupts */
#define FEW			32			/* entries that insertion sorts fastest */
#define SAMPLE		64			/* scores that tell about where the best begin */
#define LEAST		64			/* entries that are brought into their order at once */

/* --- one list ------------------------------------------------------------ */

/* Doubled, with room for the item that is asked for; what is new stands nowhere. */
static void
grow_index(Env *env, MixIndex *index, uint32_t item)
{
	uint64_t	room = index->room == 0 ? FIRST_ROOM : index->room * UINT64_C(2);

	while (room <= item)
		room *= 2;
	index->slot = env_resize(env, index->slot, room, sizeof(uint32_t));
	memset(index->slot + index->room, 0xff, (room - index->room) * sizeof(uint32_t));
	index->room = room > UINT32_MAX ? UINT32_MAX : (uint32_t) room;
}

static void
grow_list(Env *env, MixList *list)
{
	list->room = list->room == 0 ? FIRST_ROOM : list->room * 2;
	list->entry = env_resize(env, list->entry, list->room, sizeof(MixEntry));
}

void
mix_offer(Env *env, MixIndex *index, MixList *list, uint32_t item, double amount, uint32_t because, uint32_t source)
{
	MixEntry   *entry;

	if (item >= index->room)
		grow_index(env, index, item);
	if (index->slot[item] == KEYSET_NONE)
	{
		if (list->size == list->room)
			grow_list(env, list);
		index->slot[item] = list->size;
		list->entry[list->size++] = (MixEntry) {amount, amount, item, because, source};
		return;
	}
	entry = &list->entry[index->slot[item]];
	entry->score += amount;
	/* of equal amounts the first is named */
	if (amount > entry->most)
	{
		entry->most = amount;
		entry->because = because;
		entry->source = source;
	}
}

/* --- sorting ------------------------------------------------------------- */

int
mix_compare_keys(const Keyset *items, uint32_t a, uint32_t b)
{
	size_t		size_a;
	size_t		size_b;
	const char *one;
	const char *two;
	int			order;

	if (items->numbers)
		return (items->number[a] > items->number[b]) - (items->number[a] < items->number[b]);
	one = keyset_bytes(items, a, &size_a);
	two = keyset_bytes(items, b, &size_b);
	order = memcmp(one, two, size_a < size_b ? size_a : size_b);
	return order != 0 ? order : (size_a > size_b) - (size_a < size_b);
}

static bool
stands_before(const Keyset *items, const MixEntry *a, const MixEntry *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	return mix_compare_keys(items, a->item, b->item) < 0;
}

static void
insertion_sort(MixEntry *entry, uint32_t n, const Keyset *items)
{
	for (uint32_t e = 1; e < n; e++)
	{
		MixEntry	one = entry[e];
		uint32_t	at = e;

		for (; at > 0 && stands_before(items, &one, &entry[at - 1]); at--)
			entry[at] = entry[at - 1];
		entry[at] = one;
	}
}

/* What a comparison of scores that begin alike has to know. */
typedef struct Ties
{
	const Keyset *items;
	const MixEntry *entry;
} Ties;

static int
compare_ties(const void *things, uint64_t one, uint64_t two)
{
	const Ties *ties = things;

	return stands_before(ties->items, &ties->entry[one], &ties->entry[two]) ? -1 : 1;
}

/*
 * Scores are above 0, so their bits order as they do; turned over, because the best come first.  Half of them tell nearly all scores apart, at
 * half the passes.
 */
static uint64_t
score_prefix(double score)
{
	uint64_t	bits;

	memcpy(&bits, &score, sizeof(bits));
	return ~bits >> 32;
}

/* By a sort of places, as entries are long. */
static void
place_sort(Env *env, MixEntry *entry, uint32_t n, const Keyset *items)
{
	PrefixRecord *record = env_alloc(env, n, sizeof(PrefixRecord));
	MixEntry   *unsorted = env_alloc(env, n, sizeof(MixEntry));
	Ties		ties = {items, unsorted};

	memcpy(unsorted, entry, n * sizeof(MixEntry));
	for (uint32_t e = 0; e < n; e++)
		record[e] = (PrefixRecord) {score_prefix(entry[e].score), e};
	prefix_sort(env, record, n, compare_ties, &ties);
	for (uint32_t e = 0; e < n; e++)
		entry[e] = unsorted[record[e].id];
	env_release(env, record);
	env_release(env, unsorted);
}

static void
sort_entries(Env *env, MixEntry *entry, uint32_t n, const Keyset *items)
{
	if (n <= FEW)
		insertion_sort(entry, n, items);
	else
		place_sort(env, entry, n, items);
}

/* A score that about `want` of n reach, probably some more: from a sample, which stands in descending order then. */
static double
guess_threshold(const MixEntry *entry, uint32_t n, uint32_t want)
{
	double		sample[SAMPLE];

	for (uint32_t s = 0; s < SAMPLE; s++)
	{
		double		score = entry[(uint64_t) s * n / SAMPLE].score;
		uint32_t	at = s;

		for (; at > 0 && sample[at - 1] < score; at--)
			sample[at] = sample[at - 1];
		sample[at] = score;
	}
	return sample[(uint64_t) want * SAMPLE / n + 2];
}

/* Entries of at least that score to the front; how many they are.  What ties with the last of them is among them. */
static uint32_t
bring_forward(MixEntry *entry, uint32_t n, double threshold)
{
	uint32_t	found = 0;

	for (uint32_t e = 0; e < n; e++)
		if (entry[e].score >= threshold)
		{
			MixEntry	one = entry[e];

			entry[e] = entry[found];
			entry[found++] = one;
		}
	return found;
}

void
mix_sort(Env *env, MixList *list, const Keyset *items, uint32_t n)
{
	while (list->sorted < list->size && list->sorted < n)
	{
		MixEntry   *rest = list->entry + list->sorted;
		uint32_t	size = list->size - list->sorted;
		uint32_t	want = n - list->sorted < LEAST ? LEAST : n - list->sorted;

		/* of half of them all is as good; then also the place in the sample is one */
		if (want < size / 2)
			size = bring_forward(rest, size, guess_threshold(rest, size, want));
		sort_entries(env, rest, size, items);
		list->sorted += size;
	}
}

/* Items of a list are all in the index: those are the places to make free. */
void
mix_close(MixIndex *index, MixList *list)
{
	uint32_t	size = 0;

	list->best = 0;
	list->sorted = 0;
	for (uint32_t e = 0; e < list->size; e++)
	{
		index->slot[list->entry[e].item] = KEYSET_NONE;
		if (!(list->entry[e].score > 0))
			continue;
		if (list->entry[e].score > list->best)
			list->best = list->entry[e].score;
		if (size != e)
			list->entry[size] = list->entry[e];
		size++;
	}
	list->size = size;
}

/* --- several lists ------------------------------------------------------- */

double
mix_amount(MixKind kind, const MixList *list, uint32_t place, double weight)
{
	if (kind == MIX_RRF)
		return weight / (MIX_RRF_RANK + 1.0 + place);
	return weight * (list->entry[place].score / list->best);
}

/* Most widgets have one source, of which each item is there once. */
static void
copy_list(Env *env, MixKind kind, const MixList *list, double weight, MixList *out)
{
	*out = (MixList) {0, list->size, env_alloc(env, list->size + UINT64_C(1), sizeof(MixEntry))};
	for (uint32_t e = 0; e < list->size; e++)
	{
		MixEntry   *entry = &out->entry[out->size];

		*entry = list->entry[e];
		entry->score = entry->most = mix_amount(kind, list, e, weight);
		entry->source = 0;
		/* a product with a small weight may be 0, too */
		out->size += entry->score > 0;
		out->best = entry->score > out->best ? entry->score : out->best;
	}
}

static void
add_list(Env *env, MixIndex *index, MixKind kind, const MixList *list, double weight, uint32_t source, MixList *out)
{
	for (uint32_t e = 0; e < list->size; e++)
	{
		if (e % CHECK_EVERY == CHECK_EVERY - 1)
			env_check(env, 0, 0);
		mix_offer(env, index, out, list->entry[e].item, mix_amount(kind, list, e, weight), list->entry[e].because, source);
	}
}

void
mix_lists(Env *env, MixIndex *index, const Keyset *items, MixKind kind, MixList *lists, const double *weights,
		  uint32_t num_lists, MixList *out)
{
	for (uint32_t l = 0; l < num_lists && kind == MIX_RRF; l++)
		mix_sort(env, &lists[l], items, lists[l].size);
	if (num_lists == 1)
	{
		copy_list(env, kind, lists, *weights, out);
		return;
	}
	for (uint32_t l = 0; l < num_lists; l++)
		add_list(env, index, kind, &lists[l], weights[l], l, out);
	mix_close(index, out);
}
