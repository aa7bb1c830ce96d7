/*
 * baskets_codec.c
 *		Canonical lists as bytes.
 *
 * Lists of one size form a group: the size, the number of lists, the lists.  A list
 * begins with its first item, as the distance from the one before in the group; the
 * lowest bit says that a repeat count follows.  The other items are gaps, less one.
 * Weights, less one, follow the items.  About 1.4 bytes an entry on order data.
 */
#include "kernel/baskets.h"

/* The codec thinks in sizes, the set in starts. */
static uint64_t
list_size(const Baskets *b, uint64_t list)
{
	return b->start[list + 1] - b->start[list];
}

/* Canonical order puts lists of one size together, so a group is a range. */
static uint64_t
group_end(const Baskets *b, uint64_t first)
{
	uint64_t	end = first + 1;

	while (end < b->num_lists && list_size(b, end) == list_size(b, first))
		end++;
	return end;
}

/* The coding itself, once: `put` either writes or adds up sizes. */
#define ENCODE(put) \
	for (uint64_t l = 0, end; l < b->num_lists; l = end) \
	{ \
		uint32_t	before = 0; \
\
		end = group_end(b, l); \
		put(list_size(b, l)); \
		put(end - l); \
		for (uint64_t i = l; i < end; i++) \
		{ \
			const uint32_t *item = b->item + b->start[i]; \
			uint64_t	size = list_size(b, i); \
			uint32_t	repeat = baskets_repeat(b, i); \
\
			/* most lists were seen once: a bit for them, not a byte */ \
			put((uint64_t) (item[0] - before) << 1 | (repeat > 1)); \
			if (repeat > 1) \
				put(repeat); \
			for (uint64_t e = 1; e < size; e++) \
				put(item[e] - item[e - 1] - 1); \
			for (uint64_t e = 0; b->weight && e < size; e++) \
				put(b->weight[b->start[i] + e] - 1); \
			before = item[0]; \
		} \
	}

/* Exact, so that the value can be allocated once and written in place. */
size_t
baskets_encoded_size(const Baskets *b)
{
	size_t		total = 0;

#define ADD_SIZE(v) total += wire_varint_size(v)
	ENCODE(ADD_SIZE);
	return total;
}

/* The same order of fields as ADD_SIZE saw: `out` has just that much room. */
unsigned char *
baskets_encode(const Baskets *b, unsigned char *out)
{
#define PUT(v) out = wire_put_varint(out, v)
	ENCODE(PUT);
	return out;
}

/* One list after the first item is known; its items ascend below num_items. */
static bool
decode_list(WireReader *in, Baskets *b, uint64_t first, uint64_t size)
{
	uint32_t   *item = b->item + b->start[b->num_lists];
	uint64_t	at = first;

	for (uint64_t e = 0; e < size; e++)
	{
		if (e > 0)
		{
			uint64_t	gap = wire_get_varint(in);

			/* a hostile gap may wrap around, so it is bounded before it is added */
			if (gap >= b->num_items)
				return false;
			at += gap + 1;
		}
		if (at >= b->num_items)
			return false;
		item[e] = (uint32_t) at;
	}
	for (uint64_t e = 0; b->weight && e < size; e++)
	{
		uint64_t	weight = wire_get_varint(in);

		/* stored less one, so that the largest does not overflow */
		if (weight >= BASKETS_MAX_WEIGHT)
			return false;
		b->weight[b->start[b->num_lists] + e] = (uint32_t) weight + 1;
	}
	return !in->bad;
}

/*
 * What is wrong is never repaired: a false here means that somebody else's bytes are
 * damaged, or meant to harm.
 */
static bool
decode_group(Env *env, WireReader *in, Baskets *b)
{
	uint64_t	size = wire_get_varint(in);
	uint64_t	lists = wire_get_varint(in);
	uint64_t	first = 0;

	/* every entry takes a byte or more: no count can ask for more room than the input is long */
	if (in->bad || size == 0 || lists == 0 || size > wire_left(in) || lists > wire_left(in) / size ||
		b->num_lists + lists > BASKETS_MAX_LISTS)
		return false;
	for (uint64_t l = 0; l < lists; l++)
	{
		uint64_t	head = wire_get_varint(in);
		uint64_t	repeat = head & 1 ? wire_get_varint(in) : 1;

		/* the distance is bounded before it is added, and the sum where the list is decoded */
		if (head >> 1 >= b->num_items || repeat == 0 || repeat > UINT32_MAX)
			return false;
		first += head >> 1;
		baskets_reserve(env, b, size);
		if (!decode_list(in, b, first, size))
			return false;
		baskets_close(b, size, (uint32_t) repeat);
		if (l % 65536 == 0)
			env_check(env, l, lists);
	}
	return true;
}

/* Appends rather than makes: the caller may have lists already, and owns what was read before a failure. */
bool
baskets_decode(Env *env, WireReader *in, Baskets *b)
{
	while (wire_left(in) > 0)
		if (!decode_group(env, in, b))
			return false;
	return !in->bad;
}
