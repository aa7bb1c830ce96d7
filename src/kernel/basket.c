/*
 * basket.c
 *		One basket: into the order of its codes, and as bytes.
 *
 * Bytes: flags; size; first day; gaps of the codes; places in the sequence; days;
 * weights.  The last four parts are there where the flags say so, and a flag that a basket could
 * do without is an error, as is a varint longer than it must be: so there is
 * one way only to write a basket.
 *
 *	first day	of the first in the sequence, as an unsigned number: few bytes since 2000
 *	gaps		varints of code - code before - 1, the first of the code itself
 *	places		by code, each in as many bits as the largest needs, low bits first.  That
 *				is about what codes in the order of the sequence would take,
 *				and what comes back needs no sorting
 *	days		in the order of the sequence, where they hardly differ: varints of what
 *				each is after the one before, modulo 2^32
 *	weights		by code, varints of weight - 1
 */
#include "kernel/basket.h"

#define VERSION			0x10	/* in the high bits of the flags */
#define HAS_DAY			0x01	/* the first day is not 0 */
#define HAS_ORDER		0x02	/* the sequence is not that of the codes */
#define HAS_DAYS		0x04	/* not all have the same day */
#define HAS_WEIGHTS		0x08	/* not all weights are 1 */
#define ALL_FLAGS		0x0f

#define MAX_CODE		(UINT32_MAX - 1)
#define MAX_VARINT		5		/* bytes, of 32 bits */
#define FEW				24		/* entries that insertion sorts fastest */

void
basket_reserve(Env *env, Basket *b, uint32_t room)
{
	if (b->room >= room)
		return;
	b->entry = env_resize(env, b->entry, room, sizeof(BasketEntry));
	b->room = room;
}

void
basket_release(Env *env, Basket *b)
{
	env_release(env, b->entry);
	*b = (Basket) {0, 0, NULL};
}

/* --- sorting ------------------------------------------------------------- */

/* Baskets of orders are mostly so small that nothing else is ever called. */
static void
insertion_sort(BasketEntry *entry, uint32_t n)
{
	for (uint32_t e = 1; e < n; e++)
	{
		BasketEntry one = entry[e];
		uint32_t	at = e;

		for (; at > 0 && entry[at - 1].code > one.code; at--)
			entry[at] = entry[at - 1];
		entry[at] = one;
	}
}

/* Those with the bit go to the end; returns how many do not have it. */
static uint32_t
split_by_bit(BasketEntry *entry, uint32_t n, uint32_t bit)
{
	uint32_t	without = 0;

	for (uint32_t e = 0; e < n; e++)
	{
		BasketEntry one = entry[e];

		entry[e] = entry[without];
		entry[without] = one;
		without += (one.code & bit) == 0;
	}
	return without;
}

/* Bit by bit, so that no order of arrival is a bad one; in place, as there is no room for more. */
static void
sort_below(BasketEntry *entry, uint32_t n, uint32_t bit)
{
	while (n > FEW && bit != 0)
	{
		uint32_t	without = split_by_bit(entry, n, bit);

		bit >>= 1;
		sort_below(entry, without, bit);
		entry += without;
		n -= without;
	}
	insertion_sort(entry, n);
}

void
basket_sort(Basket *b)
{
	uint32_t	differs = 0;
	bool		ascends = true;

	for (uint32_t e = 1; e < b->size; e++)
	{
		differs |= b->entry[e].code ^ b->entry[0].code;
		ascends &= b->entry[e].code > b->entry[e - 1].code;
	}
	if (differs != 0 && !ascends)
		sort_below(b->entry, b->size, UINT32_C(0x80000000) >> __builtin_clz(differs));
}

/* --- encoding ------------------------------------------------------------ */

/* Bits of the largest place; there are at least two where places are written. */
static inline int
place_bits(uint32_t size)
{
	return 32 - __builtin_clz(size - 1);
}

/* All places together are whole bytes: only the last may be filled up. */
static inline size_t
places_size(uint32_t size)
{
	return ((uint64_t) size * place_bits(size) + 7) / 8;
}

/* Beside the bytes themselves a place for each entry, while days are written. */
size_t
basket_encoded_room(uint32_t size)
{
	return 1 + 2 * MAX_VARINT + (size_t) size * (3 * MAX_VARINT + 2 * sizeof(uint32_t)) + WIRE_MAX_VARINT;
}

/* Everything but whether there is a first day, which depends on the order. */
static int
flags_of(const Basket *b)
{
	uint32_t	moved = 0;
	uint32_t	days = 0;
	uint32_t	weights = 0;

	/* without a branch on what is found: most baskets have nothing of it and are looked through to the end */
	for (uint32_t e = 0; e < b->size; e++)
	{
		moved |= b->entry[e].position ^ e;
		days |= (uint32_t) b->entry[e].day ^ (uint32_t) b->entry[0].day;
		weights |= b->entry[e].weight ^ 1;
	}
	return (moved ? HAS_ORDER : 0) | (days ? HAS_DAYS : 0) | (weights ? HAS_WEIGHTS : 0);
}

/* Fixed width, since a place is equally likely to be any number. */
static unsigned char *
put_places(const Basket *b, unsigned char *out)
{
	int			bits = place_bits(b->size);
	uint64_t	held = 0;
	int			num_held = 0;

	for (uint32_t e = 0; e < b->size; e++)
	{
		held |= (uint64_t) b->entry[e].position << num_held;
		for (num_held += bits; num_held >= 8; num_held -= 8, held >>= 8)
			*out++ = (unsigned char) held;
	}
	if (num_held > 0)
		*out++ = (unsigned char) held;
	return out;
}

/* At the end of the room, where no byte of the basket gets to: the days by place. */
static unsigned char *
days_by_place(const Basket *b, unsigned char *out)
{
	unsigned char *days = out + basket_encoded_room(b->size) - (size_t) b->size * sizeof(int32_t);

	for (uint32_t e = 0; e < b->size; e++)
		memcpy(days + (size_t) b->entry[e].position * sizeof(int32_t), &b->entry[e].day, sizeof(int32_t));
	return days;
}

static inline uint32_t
day_at(const unsigned char *days, uint32_t place)
{
	uint32_t	day;

	memcpy(&day, days + (size_t) place * sizeof(int32_t), sizeof(day));
	return day;
}

unsigned char *
basket_encode(const Basket *b, unsigned char *out)
{
	unsigned char *flags = out;
	const unsigned char *days = NULL;
	uint32_t	first_day = (uint32_t) b->entry[0].day;
	uint32_t	least = 0;

	*out++ = (unsigned char) (VERSION | flags_of(b));
	if (*flags & HAS_DAYS)
	{
		days = days_by_place(b, flags);
		first_day = day_at(days, 0);
	}
	*flags |= first_day != 0 ? HAS_DAY : 0;
	out = wire_put_varint(out, b->size);
	if (*flags & HAS_DAY)
		out = wire_put_varint(out, first_day);
	for (uint32_t e = 0; e < b->size; e++)
	{
		out = wire_put_varint(out, b->entry[e].code - least);
		least = b->entry[e].code + 1;
	}
	if (*flags & HAS_ORDER)
		out = put_places(b, out);
	for (uint32_t p = 1; days && p < b->size; p++)
		out = wire_put_varint(out, day_at(days, p) - day_at(days, p - 1));
	for (uint32_t e = 0; *flags & HAS_WEIGHTS && e < b->size; e++)
		out = wire_put_varint(out, b->entry[e].weight - 1);
	return out;
}

/* --- decoding ------------------------------------------------------------ */

/* A varint of 32 bits in no more bytes than it needs; anything else is `bad`. */
static inline uint32_t
get_short(WireReader *in)
{
	const unsigned char *first = in->at;
	uint64_t	v;

	/* nearly all are of one byte or of two */
	if (wire_left(in) >= 2)
	{
		if (first[0] < 0x80)
		{
			in->at = first + 1;
			return first[0];
		}
		if (first[1] < 0x80 && first[1] != 0)
		{
			in->at = first + 2;
			return (first[0] & 0x7f) | (uint32_t) first[1] << 7;
		}
	}
	v = wire_get_varint(in);
	if (v > UINT32_MAX || (in->at - first > 1 && in->at[-1] == 0))
		in->bad = true;
	return (uint32_t) v;
}

/* Everything but the codes as it is where no flag says otherwise. */
static bool
get_codes(WireReader *reader, BasketEntry *entry, uint32_t size, int32_t day)
{
	WireReader	in = *reader;
	uint64_t	least = 0;

	for (uint32_t e = 0; e < size; e++)
	{
		uint64_t	code = least + get_short(&in);

		entry[e] = (BasketEntry) {(uint32_t) code, 1, day, e};
		least = code + 1;
		if (code > MAX_CODE)
			return false;
	}
	*reader = in;
	return !in.bad;
}

/*
 * Places are a permutation where each is below size and none comes twice.  Which entry
 * has a place is noted, plus one, in the weight of the entry of that number: weights come last, and days need it.
 */
static bool
get_places(WireReader *in, BasketEntry *entry, uint32_t size)
{
	int			bits = place_bits(size);
	const unsigned char *bytes = wire_get_bytes(in, places_size(size));
	uint64_t	held = 0;
	int			num_held = 0;
	uint32_t	moved = 0;

	if (bytes == NULL)
		return false;
	for (uint32_t e = 0; e < size; e++)
		entry[e].weight = 0;
	for (uint32_t e = 0; e < size; e++)
	{
		uint32_t	place;

		for (; num_held < bits; num_held += 8)
			held |= (uint64_t) *bytes++ << num_held;
		place = (uint32_t) (held & ((UINT64_C(1) << bits) - 1));
		held >>= bits;
		num_held -= bits;
		if (place >= size || entry[place].weight != 0)
			return false;
		entry[place].weight = e + 1;
		entry[e].position = place;
		moved |= place ^ e;
	}
	/* what is held still is what fills up the last byte */
	return moved != 0 && held == 0;
}

/* Sums wrap as the differences did, so any day can follow any other. */
static bool
get_days(WireReader *in, BasketEntry *entry, uint32_t size, uint32_t day, bool ordered)
{
	uint32_t	differs = 0;

	for (uint32_t p = 1; p < size; p++)
	{
		uint32_t	more = get_short(in);

		differs |= more;
		day += more;
		entry[ordered ? entry[p].weight - 1 : p].day = (int32_t) day;
	}
	return differs != 0 && !in->bad;
}

/* Over what places were noted in, which nobody needs any more. */
static bool
get_weights(WireReader *in, BasketEntry *entry, uint32_t size)
{
	uint32_t	more = 0;

	for (uint32_t e = 0; e < size; e++)
	{
		uint32_t	weight = get_short(in);

		if (weight == UINT32_MAX)
			return false;
		entry[e].weight = weight + 1;
		more |= weight;
	}
	return more != 0 && !in->bad;
}

/* Each part looks after its own form; that all flags were needed is part of it. */
static bool
get_parts(WireReader *in, int flags, BasketEntry *entry, uint32_t size)
{
	uint32_t	day = flags & HAS_DAY ? get_short(in) : 0;

	if (((flags & HAS_DAY) != 0) != (day != 0) || !get_codes(in, entry, size, (int32_t) day))
		return false;
	if (flags & HAS_ORDER && (size < 2 || !get_places(in, entry, size)))
		return false;
	if (flags & HAS_DAYS && !get_days(in, entry, size, day, (flags & HAS_ORDER) != 0))
		return false;
	if (flags & HAS_WEIGHTS)
		return get_weights(in, entry, size);
	for (uint32_t e = 0; flags & HAS_ORDER && e < size; e++)
		entry[e].weight = 1;
	return true;
}

/* A code takes a byte at least, which bounds the room that untrusted bytes can ask for. */
bool
basket_decode(Env *env, WireReader *in, Basket *b)
{
	const unsigned char *flags = wire_get_bytes(in, 1);
	uint32_t	size;

	b->size = 0;
	if (flags == NULL || (*flags & ~ALL_FLAGS) != VERSION)
		return false;
	size = get_short(in);
	if (size == 0 || size > wire_left(in))
		return false;
	basket_reserve(env, b, size);
	if (!get_parts(in, *flags, b->entry, size) || wire_left(in) != 0)
		return false;
	b->size = size;
	return true;
}
