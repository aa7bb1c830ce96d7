/*
 * mix.c
 *		Offers of items by several sources, added up and mixed into one list.
 */
#include <math.h>

#include "kernel/mix.h"
#include "kernel/prefix_sort.h"

#define FIRST_ROOM	256
#define CHECK_EVERY 65536		/* entries between looks at interrupts */
#define FEW			32			/* entries that insertion sorts fastest */

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

static bool
is_sorted(const MixList *list, const Keyset *items)
{
	for (uint32_t e = 1; e < list->size; e++)
		if (!stands_before(items, &list->entry[e - 1], &list->entry[e]))
			return false;
	return true;
}

static void
insertion_sort(MixList *list, const Keyset *items)
{
	for (uint32_t e = 1; e < list->size; e++)
	{
		MixEntry	one = list->entry[e];
		uint32_t	at = e;

		for (; at > 0 && stands_before(items, &one, &list->entry[at - 1]); at--)
			list->entry[at] = list->entry[at - 1];
		list->entry[at] = one;
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

/* Into new memory, by a sort of places: entries are long. */
static void
place_sort(Env *env, MixList *list, const Keyset *items)
{
	PrefixRecord *record = env_alloc(env, list->size, sizeof(PrefixRecord));
	MixEntry   *sorted = env_alloc(env, list->size, sizeof(MixEntry));
	Ties		ties = {items, list->entry};

	for (uint32_t e = 0; e < list->size; e++)
		record[e] = (PrefixRecord) {score_prefix(list->entry[e].score), e};
	prefix_sort(env, record, list->size, compare_ties, &ties);
	for (uint32_t e = 0; e < list->size; e++)
		sorted[e] = list->entry[record[e].id];
	env_release(env, record);
	env_release(env, list->entry);
	list->entry = sorted;
	list->room = list->size;
}

static void
sort_list(Env *env, MixList *list, const Keyset *items)
{
	if (list->size <= FEW)
		insertion_sort(list, items);
	else if (!is_sorted(list, items))
		place_sort(env, list, items);
}

/* A product with a small weight may be 0, too. */
static void
drop_and_sort(Env *env, MixList *list, const Keyset *items)
{
	uint32_t	size = 0;

	for (uint32_t e = 0; e < list->size; e++)
		if (list->entry[e].score > 0)
			list->entry[size++] = list->entry[e];
	list->size = size;
	sort_list(env, list, items);
}

/* Items of a list are all in the index: those are the places to make free. */
void
mix_close(Env *env, MixIndex *index, MixList *list, const Keyset *items)
{
	for (uint32_t e = 0; e < list->size; e++)
		index->slot[list->entry[e].item] = KEYSET_NONE;
	drop_and_sort(env, list, items);
}

/* --- several lists ------------------------------------------------------- */

double
mix_amount(MixKind kind, const MixList *list, uint32_t place, double weight)
{
	if (kind == MIX_RRF)
		return weight / (MIX_RRF_RANK + 1.0 + place);
	return weight * (list->entry[place].score / list->entry[0].score);
}

/* Most widgets have one source: what is in its order already stays so. */
static void
copy_list(Env *env, MixKind kind, const MixList *list, double weight, MixList *out)
{
	*out = (MixList) {list->size, list->size, env_alloc(env, list->size + UINT64_C(1), sizeof(MixEntry))};
	for (uint32_t e = 0; e < list->size; e++)
	{
		out->entry[e] = list->entry[e];
		out->entry[e].score = out->entry[e].most = mix_amount(kind, list, e, weight);
		out->entry[e].source = 0;
	}
}

static void
add_lists(Env *env, MixIndex *index, MixKind kind, const MixList *lists, const double *weights, uint32_t num_lists, MixList *out)
{
	for (uint32_t l = 0; l < num_lists; l++)
		for (uint32_t e = 0; e < lists[l].size; e++)
		{
			if (e % CHECK_EVERY == CHECK_EVERY - 1)
				env_check(env, 0, 0);
			mix_offer(env, index, out, lists[l].entry[e].item, mix_amount(kind, &lists[l], e, weights[l]),
					  lists[l].entry[e].because, l);
		}
}

void
mix_lists(Env *env, MixIndex *index, const Keyset *items, MixKind kind, const MixList *lists, const double *weights,
		  uint32_t num_lists, MixList *out)
{
	if (num_lists == 1)
	{
		copy_list(env, kind, lists, *weights, out);
		drop_and_sort(env, out, items);
		return;
	}
	add_lists(env, index, kind, lists, weights, num_lists, out);
	mix_close(env, index, out, items);
}
