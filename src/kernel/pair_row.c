/*
 * pair_row.c
 *		Rows of exact counts: bytes into counts, changes into bytes.
 *
 * Base and delta are read side by side.  A delta is short beside its base, so most
 * entries of the base come before the next change, which one comparison sees; the same
 * comparison sees items that are none.
 */
#include "kernel/pair_row.h"

#define NO_ITEM		UINT32_MAX	/* more than any item; where a delta is at its end */
#define MAX_ENTRY	(2 * WIRE_MAX_VARINT)	/* bytes */

/* Grows only: one row is decoded after the other into the same room. */
void
pair_row_reserve(Env *env, PairRow *row, uint32_t room)
{
	if (row->room >= room)
		return;
	row->item = env_resize(env, row->item, room, sizeof(uint32_t));
	row->count = env_resize(env, row->count, room, sizeof(int64_t));
	row->room = room;
}

void
pair_row_release(Env *env, PairRow *row)
{
	env_release(env, row->item);
	env_release(env, row->count);
	*row = (PairRow) {0, 0, NULL, NULL};
}

/* --- base ---------------------------------------------------------------- */

size_t
pair_row_encoded_room(uint32_t size)
{
	return (size_t) size * MAX_ENTRY + MAX_ENTRY;
}

/* Three of four counts are one, and have no byte of their own. */
unsigned char *
pair_row_encode(const uint32_t *items, const int64_t *counts, uint32_t size, unsigned char *out)
{
	uint64_t	least = 0;

	for (uint32_t i = 0; i < size; i++)
	{
		out = wire_put_varint(out, (items[i] - least) << 1 | (counts[i] != 1));
		if (counts[i] != 1)
			out = wire_put_varint(out, (uint64_t) counts[i] - 2);
		least = (uint64_t) items[i] + 1;
	}
	return out;
}

/* The next entry of what is not at its end; a count that does not fit is `bad`. */
static inline __attribute__((always_inline)) uint64_t
next_of_base(WireReader *in, uint64_t least, int64_t *count)
{
	uint64_t	v;
	uint64_t	more = 0;

	if (in->end - in->at >= 2)
	{
		unsigned	gap = in->at[0];
		unsigned	has_count = gap & 1;

		/* two bytes at most: whether there is a count can hardly be predicted, so it is no branch */
		if ((gap | (in->at[1] & -has_count)) < 0x80)
		{
			*count = 1 + (int64_t) ((1 + in->at[1]) & -has_count);
			in->at += 1 + has_count;
			return least + (gap >> 1);
		}
	}
	v = wire_get_varint(in);
	*count = 1;
	if (v & 1)
	{
		more = wire_get_varint(in);
		*count = (int64_t) (more + 2);
	}
	in->bad = in->bad || more > INT64_MAX - 2;
	return least + (v >> 1);
}

/* --- delta --------------------------------------------------------------- */

typedef struct DeltaCursor
{
	WireReader	in;
	uint64_t	item;			/* NO_ITEM at the end */
	int64_t		change;
} DeltaCursor;

/* A delta that goes wrong is at its end, so that loops over it end; whoever reaches the end asks for `bad`. */
static void
delta_next(DeltaCursor *delta, uint64_t least)
{
	uint64_t	gap;

	delta->item = NO_ITEM;
	delta->change = 0;
	if (wire_left(&delta->in) == 0)
		return;
	gap = wire_get_varint(&delta->in);
	delta->change = wire_unzigzag(wire_get_varint(&delta->in));
	if (delta->in.bad || gap >= NO_ITEM - least)
		delta->in.bad = true;
	else
		delta->item = least + gap;
}

static DeltaCursor
delta_first(WireReader in)
{
	DeltaCursor delta = {.in = in};

	delta_next(&delta, 0);
	return delta;
}

size_t
pair_delta_encoded_room(size_t delta_size, uint32_t n)
{
	/* an entry between two others splits their gap in parts that are not longer */
	return delta_size + (size_t) n * MAX_ENTRY + MAX_ENTRY;
}

/* Changes that cancel leave no trace, so a basket that came and went costs nothing later. */
unsigned char *
pair_delta_merge(WireReader in, const uint32_t *items, const int64_t *changes, uint32_t n,
				 unsigned char *out, bool *bad)
{
	DeltaCursor delta = delta_first(in);
	uint64_t	least = 0;
	uint32_t	i = 0;

	*bad = false;
	while (delta.item != NO_ITEM || i < n)
	{
		uint64_t	item = i < n && items[i] < delta.item ? items[i] : delta.item;
		int64_t		change = 0;

		if (delta.item == item)
		{
			change = delta.change;
			delta_next(&delta, item + 1);
		}
		if (i < n && items[i] == item)
			*bad |= __builtin_add_overflow(change, changes[i++], &change);
		if (change == 0)
			continue;
		out = wire_put_varint(out, item - least);
		out = wire_put_varint(out, wire_zigzag(change));
		least = item + 1;
	}
	*bad |= delta.in.bad;
	return out;
}

/* --- both ---------------------------------------------------------------- */

/* Writes at the end of the row, which has room; false where a count comes out below zero. */
static inline bool
append(PairRow *row, uint64_t item, int64_t count)
{
	row->item[row->size] = (uint32_t) item;
	row->count[row->size] = count;
	row->size += count != 0;
	return count >= 0;
}

/* Changes up to an item of the base, which is none of theirs or has its count changed. */
static bool
append_with_delta(PairRow *row, DeltaCursor *delta, uint64_t item, int64_t count)
{
	while (delta->item < item)
	{
		if (!append(row, delta->item, delta->change))
			return false;
		delta_next(delta, delta->item + 1);
	}
	/* the end of a base */
	if (item == NO_ITEM)
		return !delta->in.bad;
	if (delta->item == item)
	{
		if (__builtin_add_overflow(count, delta->change, &count))
			return false;
		delta_next(delta, item + 1);
	}
	return append(row, item, count);
}

/* Entries before the next change are the base's own; only the others leave the loop. */
static bool
decode(WireReader in, DeltaCursor *delta, PairRow *row)
{
	uint64_t	least = 0;
	uint64_t	stop = delta->item; /* at the end of the delta that is NO_ITEM, which stops bad items, too */
	uint32_t	size = 0;		/* of the row; in a register, as far as possible */
	uint32_t   *items = row->item;
	int64_t    *counts = row->count;

	while (in.at < in.end)
	{
		int64_t		count;
		uint64_t	item = next_of_base(&in, least, &count);

		if (in.bad)
			return false;
		least = item + 1;
		if (item < stop)
		{
			items[size] = (uint32_t) item;
			counts[size++] = count;
			continue;
		}
		row->size = size;
		if (item >= NO_ITEM || !append_with_delta(row, delta, item, count))
			return false;
		size = row->size;
		stop = delta->item;
	}
	row->size = size;
	return append_with_delta(row, delta, NO_ITEM, 0);
}

/* Room by the bytes, of which an entry has one at least, or two: no bytes can ask for more than twelve times their size. */
bool
pair_row_decode(Env *env, WireReader base, WireReader delta, PairRow *row)
{
	uint64_t	room = wire_left(&base) + wire_left(&delta) / 2 + 1;
	DeltaCursor cursor = delta_first(delta);

	row->size = 0;
	if (base.bad || room > UINT32_MAX)
		return false;
	pair_row_reserve(env, row, (uint32_t) room);
	return decode(base, &cursor, row);
}

/* Of the delta and the base only what comes before the item is looked at. */
bool
pair_row_find(WireReader base, WireReader delta, uint32_t item, int64_t *count)
{
	DeltaCursor cursor = delta_first(delta);
	uint64_t	at = 0;
	uint64_t	least = 0;
	int64_t		found = 0;

	*count = 0;
	while (wire_left(&base) > 0 && least <= item)
	{
		at = next_of_base(&base, least, &found);
		least = at + 1;
	}
	/* at the end of it, or past the item */
	if (least == 0 || at != item)
		found = 0;
	while (cursor.item < item)
		delta_next(&cursor, cursor.item + 1);
	if (base.bad || cursor.in.bad ||
		(cursor.item == item && __builtin_add_overflow(found, cursor.change, &found)) || found < 0)
		return false;
	*count = found;
	return true;
}
