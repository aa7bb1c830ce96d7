/*
 * pair_lists.c
 *		Counting rows, one at a time, from baskets that are held in memory.
 *
 * A basket is held if an item of the range is in its source.  When memory is used up, the range
 * becomes shorter and the baskets that only its end needed go.  Afterwards postings tell which baskets an item is in,
 * and a PairBlock of a single item counts them.
 */
#include "kernel/pair_lists.h"

#include "kernel/pair_block.h"

#define AHEAD 8					/* baskets to fetch ahead of use */
#define CHECK_EVERY 1024		/* baskets between looks at interrupts */

typedef struct List
{
	uint64_t	start;			/* of its entries: those of the source, then of the target */
	uint32_t	source_size;
	uint32_t	target_size;
	uint32_t	least;			/* its smallest item of the range: shorter ranges may do without it */
} List;

struct PairLists
{
	/* immutable */
	Env		   *env;
	PairShape	shape;
	uint32_t	num_items;
	size_t		bytes;
	PairBlock  *block;			/* of one item */

	/* mutable: by range */
	uint32_t	first;
	uint32_t	n;
	List	   *list;
	uint64_t	num_lists;
	uint64_t	lists_room;
	BasketEntry *entry;
	uint64_t	num_entries;
	uint64_t	entries_room;
	uint64_t   *post_start;		/* items of the range -> lists */
	uint32_t   *post_list;

	/* mutable: by item */
	uint32_t	counted;		/* whose counts the block holds; UINT32_MAX: nobody's */
};

/* Counters of the one row in all of its generations, and what it is read into. */
size_t
pair_lists_fixed_memory(uint32_t num_items, uint32_t num_generations)
{
	/* a little more for bits and marks */
	size_t		columns = (size_t) num_items + num_items / 32 + 128;

	return sizeof(PairLists) + columns * ((num_generations + 1) * sizeof(int64_t) + sizeof(uint32_t));
}

/* Room for baskets comes as they do: how many there are for a range, only they tell. */
PairLists *
pair_lists_create(Env *env, PairShape shape, uint32_t num_items, int32_t first_generation,
				  uint32_t num_generations, size_t bytes)
{
	PairLists  *lists = env_alloc0(env, 1, sizeof(PairLists));

	lists->env = env;
	lists->shape = shape;
	lists->num_items = num_items;
	lists->bytes = bytes;
	lists->block = pair_block_create(env, shape, num_items, 1, first_generation, num_generations);
	lists->counted = UINT32_MAX;
	return lists;
}

/* Places in lists, so they are worth nothing as soon as baskets come again. */
static void
release_postings(PairLists *lists)
{
	env_release(lists->env, lists->post_start);
	env_release(lists->env, lists->post_list);
	lists->post_start = NULL;
	lists->post_list = NULL;
}

void
pair_lists_release(PairLists *lists)
{
	Env		   *env = lists->env;

	release_postings(lists);
	pair_block_release(lists->block);
	env_release(env, lists->list);
	env_release(env, lists->entry);
	env_release(env, lists);
}

/* --- holding baskets -------------------------------------------------------- */

void
pair_lists_begin(PairLists *lists, uint32_t first, uint32_t n)
{
	release_postings(lists);
	lists->first = first;
	lists->n = n;
	lists->num_lists = 0;
	lists->num_entries = 0;
	lists->counted = UINT32_MAX;
}

/* Each entry of a source may have a posting. */
static size_t
memory_of(uint64_t num_lists, uint64_t num_entries)
{
	return num_lists * sizeof(List) + num_entries * (sizeof(BasketEntry) + sizeof(uint32_t));
}

/* What would be held for a range of n items. */
static size_t
memory_of_range(const PairLists *lists, uint32_t n)
{
	uint64_t	num_lists = 0;
	uint64_t	num_entries = 0;

	for (uint64_t l = 0; l < lists->num_lists; l++)
		if (lists->list[l].least - lists->first < n)
		{
			num_lists++;
			num_entries += lists->list[l].source_size + lists->list[l].target_size;
		}
	return memory_of(num_lists, num_entries);
}

/* In place: what is kept only moves to the front. */
static void
keep_range(PairLists *lists, uint32_t n)
{
	uint64_t	num_lists = 0;
	uint64_t	num_entries = 0;

	lists->n = n;
	for (uint64_t l = 0; l < lists->num_lists; l++)
	{
		List		list = lists->list[l];
		uint32_t	size = list.source_size + list.target_size;

		if (list.least - lists->first >= n)
			continue;
		memmove(lists->entry + num_entries, lists->entry + list.start, size * sizeof(BasketEntry));
		list.start = num_entries;
		num_entries += size;
		lists->list[num_lists++] = list;
	}
	lists->num_lists = num_lists;
	lists->num_entries = num_entries;
}

/* To half of what may be used, so that it is not done for every basket that still comes. */
static void
shorten_range(PairLists *lists)
{
	uint32_t	low = 1;
	uint32_t	high = lists->n;

	while (low < high)
	{
		uint32_t	mid = low + (high - low + 1) / 2;

		if (memory_of_range(lists, mid) <= lists->bytes / 2)
			low = mid;
		else
			high = mid - 1;
	}
	keep_range(lists, low);
}

/* By halves: it is asked for in small steps and may end up as most of the memory there is. */
static void
reserve_list(PairLists *lists, uint32_t size)
{
	if (lists->num_lists == lists->lists_room)
	{
		lists->lists_room = lists->lists_room + lists->lists_room / 2 + 1024;
		lists->list = env_resize(lists->env, lists->list, lists->lists_room, sizeof(List));
	}
	if (lists->num_entries + size > lists->entries_room)
	{
		lists->entries_room = lists->entries_room + lists->entries_room / 2 + size + 16384;
		lists->entry = env_resize(lists->env, lists->entry, lists->entries_room, sizeof(BasketEntry));
	}
}

static void
hold_entries(PairLists *lists, const Basket *b)
{
	/* memcpy may not be asked to copy nothing from nowhere */
	if (b->size > 0)
		memcpy(lists->entry + lists->num_entries, b->entry, b->size * sizeof(BasketEntry));
	lists->num_entries += b->size;
}

/* The smallest item of the range that is in the basket; UINT32_MAX where none is. */
static uint32_t
least_in_range(const PairLists *lists, const Basket *b)
{
	uint32_t	at = pair_find_entry(b, lists->first);

	return at < b->size && b->entry[at].code - lists->first < lists->n ? b->entry[at].code : UINT32_MAX;
}

/* A range that is down to one item takes what it needs: there is no other way to count it. */
void
pair_lists_add(PairLists *lists, const Basket *source, const Basket *target)
{
	uint32_t	least = least_in_range(lists, source);
	uint32_t	target_size = lists->shape.directed ? target->size : 0;

	/* what makes no pair is not looked at again */
	if (least == UINT32_MAX || (lists->shape.directed ? target_size == 0 : source->size < 2))
		return;
	if (lists->n > 1 && memory_of(lists->num_lists + 1, lists->num_entries + source->size + target_size) > lists->bytes)
	{
		shorten_range(lists);
		if (least - lists->first >= lists->n)
			return;
	}
	reserve_list(lists, source->size + target_size);
	lists->list[lists->num_lists++] = (List) {lists->num_entries, source->size, target_size, least};
	hold_entries(lists, source);
	if (target_size > 0)
		hold_entries(lists, target);
}

/* --- postings ----------------------------------------------------------------- */

/* Entries of the range in a source, of which codes ascend. */
static const BasketEntry *
range_entries(const PairLists *lists, const List *list, const BasketEntry **end)
{
	const BasketEntry *e = lists->entry + list->start;
	const BasketEntry *last = e + list->source_size;

	while (e < last && e->code < lists->first)
		e++;
	for (*end = e; *end < last && (*end)->code - lists->first < lists->n; (*end)++)
		;
	return e;
}

/* The same walk twice, to count and to fill in; between, counts become places. */
uint32_t
pair_lists_end(PairLists *lists)
{
	uint64_t   *next;
	const BasketEntry *end;

	/* one slot more than needed: counts go two places on, so that filling leaves starts */
	lists->post_start = env_alloc0(lists->env, (uint64_t) lists->n + 2, sizeof(uint64_t));
	next = lists->post_start + 1;
	for (uint64_t l = 0; l < lists->num_lists; l++)
		for (const BasketEntry *e = range_entries(lists, lists->list + l, &end); e < end; e++)
			next[e->code - lists->first + 1]++;
	for (uint32_t i = 0; i < lists->n; i++)
		next[i + 1] += next[i];
	lists->post_list = env_alloc0(lists->env, next[lists->n] + 2 * AHEAD, sizeof(uint32_t));
	for (uint64_t l = 0; l < lists->num_lists; l++)
	{
		if (l % CHECK_EVERY == 0)
			env_check(lists->env, lists->first, lists->num_items);
		for (const BasketEntry *e = range_entries(lists, lists->list + l, &end); e < end; e++)
			lists->post_list[next[e->code - lists->first]++] = (uint32_t) l;
	}
	return lists->n;
}

/* --- counting ------------------------------------------------------------------ */

/* Of most baskets that is all; of longer ones the processor sees by itself where it goes on. */
static inline void
fetch_entries(const BasketEntry *entry)
{
	for (int line = 0; line < 4; line++)
		__builtin_prefetch((const char *) entry + line * 64);
}

/* A block of one item takes from each basket what is in the item's row. */
static void
count_item(PairLists *lists, uint32_t item)
{
	const uint64_t *start = lists->post_start + (item - lists->first);

	pair_block_begin(lists->block, item, 1);
	for (uint64_t q = start[0]; q < start[1]; q++)
	{
		const List *list = lists->list + lists->post_list[q];
		BasketEntry *entry = lists->entry + list->start;
		Basket		source = {list->source_size, list->source_size, entry};
		Basket		target = {list->target_size, list->target_size, entry + list->source_size};

		if (q % CHECK_EVERY == 0)
			env_check(lists->env, item, lists->num_items);
		/* baskets of an item are scattered in memory; these run on into the next rows on purpose */
		__builtin_prefetch(lists->list + lists->post_list[q + 2 * AHEAD]);
		fetch_entries(lists->entry + lists->list[lists->post_list[q + AHEAD]].start);
		pair_block_add(lists->block, &source, &target);
	}
	lists->counted = item;
}

/* All generations of an item are counted at once, and then only read. */
uint32_t
pair_lists_row(PairLists *lists, uint32_t item, int32_t generation, const uint32_t **items, const int64_t **counts)
{
	if (lists->counted != item)
		count_item(lists, item);
	return pair_block_row(lists->block, item, generation, items, counts);
}
