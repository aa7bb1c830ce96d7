/*
 * baskets.c
 *		Growing a set of baskets, and bringing it into canonical form.
 *
 * That form is made in two steps: baskets_rank numbers the items by popularity and
 * sorts each list, baskets_fold sorts the lists and counts those that are the same.
 * Both are linear but for lists that begin alike.
 */
#include "kernel/baskets.h"
#include "kernel/prefix_sort.h"
#include "kernel/radix.h"

#define CHECK_EVERY 65536		/* lists between looks at interrupts */

/* Of a list's prefix, what is for its size. */
#define SIZE_BITS	12
#define LARGEST_SIZE ((1 << SIZE_BITS) - 1)

/* With room for a small matrix, so that most never grow; it doubles from here on. */
void
baskets_init(Env *env, Baskets *b, bool weighted)
{
	*b = (Baskets) {.lists_room = 1024, .items_room = 4096};
	b->start = env_alloc(env, b->lists_room + 1, sizeof(uint64_t));
	b->repeat = env_alloc(env, b->lists_room, sizeof(uint32_t));
	b->item = env_alloc(env, b->items_room, sizeof(uint32_t));
	if (weighted)
		b->weight = env_alloc(env, b->items_room, sizeof(uint32_t));
	b->start[0] = 0;
}

/* All zero afterwards, so that what is left cannot be read by mistake. */
void
baskets_release(Env *env, Baskets *b)
{
	env_release(env, b->start);
	env_release(env, b->repeat);
	env_release(env, b->item);
	env_release(env, b->weight);
	*b = (Baskets) {0};
}

/* Lists and entries grow apart, because either may be many where the other is few. */
void
baskets_reserve(Env *env, Baskets *b, uint64_t size)
{
	uint64_t	need = b->start[b->num_lists] + size;

	if (b->num_lists == b->lists_room)
	{
		b->lists_room *= 2;
		b->start = env_resize(env, b->start, b->lists_room + 1, sizeof(uint64_t));
		b->repeat = env_resize(env, b->repeat, b->lists_room, sizeof(uint32_t));
	}
	if (need > b->items_room)
	{
		b->items_room = need > b->items_room * 2 ? need : b->items_room * 2;
		b->item = env_resize(env, b->item, b->items_room, sizeof(uint32_t));
		if (b->weight)
			b->weight = env_resize(env, b->weight, b->items_room, sizeof(uint32_t));
	}
}

/* The items are there already, written in place behind the last list: no copy is made. */
void
baskets_close(Baskets *b, uint64_t size, uint32_t repeat)
{
	b->repeat[b->num_lists++] = repeat;
	b->start[b->num_lists] = b->start[b->num_lists - 1] + size;
}

/* Repeats count, as they stand for baskets; weights do not. */
uint64_t *
baskets_degrees(Env *env, const Baskets *b)
{
	uint64_t   *degree = env_alloc0(env, (uint64_t) b->num_items + 1, sizeof(uint64_t));

	for (uint64_t l = 0; l < b->num_lists; l++)
	{
		if (l % CHECK_EVERY == 0)
			env_check(env, 0, 0);
		for (uint64_t e = b->start[l]; e < b->start[l + 1]; e++)
			degree[b->item[e]] += baskets_repeat(b, l);
	}
	return degree;
}

/*
 * Codes by degree descending, then place among the keys: popular items get small
 * ranks, so that gaps are short, and the multiplication finds its head in front.
 */
static uint32_t *
codes_by_degree(Env *env, const uint64_t *degree, const uint32_t *key_order, uint32_t n)
{
	uint64_t   *record = env_alloc(env, (uint64_t) n * 2 + 1, sizeof(uint64_t) * 2);
	uint32_t   *code = env_alloc(env, (uint64_t) n + 1, sizeof(uint32_t));

	for (uint32_t c = 0; c < n; c++)
	{
		/* the sort ascends: the complement puts the largest first */
		record[c * 2] = ~degree[c];
		/* the code rides in the low half, where it decides nothing, as no two places are the same */
		record[c * 2 + 1] = (uint64_t) key_order[c] << 32 | c;
	}
	radix_sort_checked(env, record, record + (uint64_t) n * 2, n, 2, 2);
	for (uint32_t r = 0; r < n; r++)
		code[r] = (uint32_t) record[r * 2 + 1];
	env_release(env, record);
	return code;
}

/* Where each list of the transposed set ends up: first entries by rank. */
static uint64_t *
transposed_starts(Env *env, const Baskets *b, const uint32_t *rank)
{
	uint64_t   *next = env_alloc0(env, (uint64_t) b->num_items + 2, sizeof(uint64_t));

	for (uint64_t e = 0; e < b->start[b->num_lists]; e++)
		next[rank[b->item[e]] + 1]++;
	for (uint32_t r = 0; r < b->num_items; r++)
		next[r + 1] += next[r];
	return next;
}

/*
 * Transposing twice sorts every list: the first way groups the entries by rank, the
 * second hands them back to their lists in that order.
 */
static void
sort_lists(Env *env, Baskets *b, const uint32_t *rank)
{
	uint64_t	entries = b->start[b->num_lists];
	uint64_t   *next = transposed_starts(env, b, rank);
	uint32_t   *list = env_alloc(env, entries + 1, sizeof(uint32_t));
	/* weights travel with their entries; without any, half of the memory is enough */
	uint32_t   *weight = b->weight ? env_alloc(env, entries + 1, sizeof(uint32_t)) : NULL;
	uint64_t	e = 0;

	for (uint64_t l = 0; l < b->num_lists; l++)
	{
		if (l % CHECK_EVERY == 0)
			env_check(env, l, b->num_lists);
		for (e = b->start[l]; e < b->start[l + 1]; e++)
		{
			uint64_t	at = next[rank[b->item[e]]]++;

			/* 32 bits do: BASKETS_MAX_LISTS */
			list[at] = (uint32_t) l;
			if (weight)
				weight[at] = b->weight[e];
		}
	}
	/* next[r] is now where rank r ends; start[l] moves on while list l is filled */
	e = 0;
	for (uint32_t r = 0; r < b->num_items; r++)
	{
		if (r % CHECK_EVERY == 0)
			env_check(env, r, b->num_items);
		for (; e < next[r]; e++)
		{
			uint64_t	at = b->start[list[e]]++;

			b->item[at] = r;
			if (weight)
				b->weight[at] = weight[e];
		}
	}
	/* every start has moved on to where its list ends, which is where the next one starts */
	memmove(b->start + 1, b->start, b->num_lists * sizeof(uint64_t));
	b->start[0] = 0;
	env_release(env, next);
	env_release(env, list);
	env_release(env, weight);
}

/* The inverse goes back to the caller, who has the keys by code. */
uint32_t *
baskets_rank(Env *env, Baskets *b, const uint32_t *key_order)
{
	uint64_t   *degree = baskets_degrees(env, b);
	uint32_t   *code = codes_by_degree(env, degree, key_order, b->num_items);
	uint32_t   *rank = env_alloc(env, (uint64_t) b->num_items + 1, sizeof(uint32_t));

	for (uint32_t r = 0; r < b->num_items; r++)
		rank[code[r]] = r;
	/* the next step is the largest: what it does not need goes first */
	env_release(env, degree);
	sort_lists(env, b, rank);
	env_release(env, rank);
	return code;
}

/* --- folding ------------------------------------------------------------ */

/* As numbers, not with memcmp: the order must be the same on machines of either byte order. */
static int
compare_entries(const uint32_t *one, const uint32_t *two, uint64_t n)
{
	for (uint64_t e = 0; e < n; e++)
		if (one[e] != two[e])
			return one[e] < two[e] ? -1 : 1;
	return 0;
}

/* Order of size, then items, then weights: sizes first, because the codec puts those of one size together. */
static int
compare_lists(const void *things, uint64_t one, uint64_t two)
{
	const Baskets *b = things;
	uint64_t	size = b->start[one + 1] - b->start[one];
	uint64_t	other_size = b->start[two + 1] - b->start[two];
	int			order;

	if (size != other_size)
		return size < other_size ? -1 : 1;
	order = compare_entries(b->item + b->start[one], b->item + b->start[two], size);
	if (order == 0 && b->weight)
		order = compare_entries(b->weight + b->start[one], b->weight + b->start[two], size);
	return order;
}

/*
 * The beginning of a list as a number in the order of the lists: size, then as many
 * items as fit.  Sizes that do not fit are the same number, so no item may follow.
 */
static uint64_t
list_prefix(const Baskets *b, uint64_t list, int item_bits)
{
	uint64_t	size = b->start[list + 1] - b->start[list];
	uint64_t	prefix = size < LARGEST_SIZE ? size : LARGEST_SIZE;
	int			room = 64 - SIZE_BITS;

	if (size >= LARGEST_SIZE)
		return prefix << room;
	/* zeros behind a short list do no harm: within one size all lists have as many items */
	for (uint64_t e = b->start[list]; room >= item_bits; e++, room -= item_bits)
		prefix = prefix << item_bits | (e < b->start[list + 1] ? b->item[e] : 0);
	return prefix << room;
}

/* With few items a prefix holds many of them, so that most lists are settled without a comparison. */
static PrefixRecord *
sorted_lists(Env *env, const Baskets *b)
{
	uint64_t	n = b->num_lists;
	PrefixRecord *record = env_alloc(env, n + 1, sizeof(PrefixRecord));
	/* as few bits as the largest rank takes */
	int			item_bits = b->num_items > 1 ? 32 - __builtin_clz(b->num_items - 1) : 1;

	for (uint64_t l = 0; l < n; l++)
	{
		if (l % CHECK_EVERY == 0)
			env_check(env, 0, 0);
		record[l] = (PrefixRecord) {list_prefix(b, l, item_bits), l};
	}
	prefix_sort(env, record, n, compare_lists, b);
	return record;
}

/* Into a new set, since lists that stand apart come together; the old one goes at the end. */
void
baskets_fold(Env *env, Baskets *b)
{
	PrefixRecord *record = sorted_lists(env, b);
	Baskets		folded;

	baskets_init(env, &folded, b->weight != NULL);
	folded.num_items = b->num_items;
	for (uint64_t i = 0; i < b->num_lists; i++)
	{
		uint64_t	list = record[i].id;
		uint64_t	size = b->start[list + 1] - b->start[list];
		uint64_t	at = folded.start[folded.num_lists];
		uint32_t	repeat = baskets_repeat(b, list);

		if (i % CHECK_EVERY == 0)
			env_check(env, i, b->num_lists);
		if (i > 0 && compare_lists(b, record[i - 1].id, list) == 0)
		{
			uint32_t   *before = folded.repeat + folded.num_lists - 1;
			uint32_t	fits = UINT32_MAX - *before < repeat ? UINT32_MAX - *before : repeat;

			/* a count that does not fit fills up and goes on in another list like it */
			*before += fits;
			repeat -= fits;
			if (repeat == 0)
				continue;
		}
		/* the first of its kind, or what did not fit into the one before */
		baskets_reserve(env, &folded, size);
		memcpy(folded.item + at, b->item + b->start[list], size * sizeof(uint32_t));
		if (b->weight)
			memcpy(folded.weight + at, b->weight + b->start[list], size * sizeof(uint32_t));
		baskets_close(&folded, size, repeat);
	}
	env_release(env, record);
	baskets_release(env, b);
	*b = folded;
}
