/*
 * test_basket.c
 *		Baskets as bytes: every basket comes back, in one form only, and no bytes
 *		do harm.
 */
#include <stdlib.h>

#include "kernel/basket.h"

#include "unit.h"

#define MAX_BYTES 4096

/* What may be in a random basket. */
typedef struct Kind
{
	uint32_t	sizes;
	uint32_t	codes;			/* 0: all that there are */
	bool		ordered;
	uint32_t	days;			/* 0: all that there are; 1: the same for all */
	uint32_t	weights;		/* 0: all that there are */
} Kind;

static uint64_t state = 3;

static uint32_t
below(uint32_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

static int
by_code(const void *a, const void *b)
{
	uint32_t	one = ((const BasketEntry *) a)->code;
	uint32_t	two = ((const BasketEntry *) b)->code;

	return (one > two) - (one < two);
}

/* Codes ascend, distinct; days do not go back in the sequence unless they are any. */
static void
fill(Basket *b, const Kind *kind)
{
	uint32_t	size = 1 + below(kind->sizes);
	int32_t		first_day = below(4) ? 9000 + (int32_t) below(1000) : 0;
	uint32_t	kept = 0;

	basket_reserve(unit_env(), b, size);
	for (uint32_t e = 0; e < size; e++)
		b->entry[e].code = kind->codes ? below(kind->codes) : (uint32_t) unit_random(&state) % UINT32_MAX;
	qsort(b->entry, size, sizeof(BasketEntry), by_code);
	for (uint32_t e = 0; e < size; e++)
		if (kept == 0 || b->entry[kept - 1].code != b->entry[e].code)
			b->entry[kept++].code = b->entry[e].code;
	b->size = kept;
	for (uint32_t e = 0; e < kept; e++)
	{
		uint32_t	other = kind->ordered ? below(e + 1) : e;

		b->entry[e].position = other == e ? e : b->entry[other].position;
		b->entry[other].position = e;
		b->entry[e].weight = kind->weights ? 1 + below(kind->weights) : 1 + (uint32_t) unit_random(&state) % UINT32_MAX;
	}
	for (uint32_t e = 0; e < kept; e++)
		b->entry[e].day = kind->days ? first_day + (int32_t) (b->entry[e].position / 3 % kind->days) : (int32_t) unit_random(&state);
}

static bool
same_basket(const Basket *a, const Basket *b)
{
	return a->size == b->size && memcmp(a->entry, b->entry, a->size * sizeof(BasketEntry)) == 0;
}

/* In a block of its own size, so that the sanitizer sees a byte too many. */
static unsigned char *
encode(const Basket *b, size_t *size)
{
	unsigned char *bytes = malloc(basket_encoded_room(b->size));

	*size = basket_encode(b, bytes) - bytes;
	return realloc(bytes, *size);
}

static bool
decode(const unsigned char *bytes, size_t size, Basket *b)
{
	unsigned char *copy = memcpy(malloc(size ? size : 1), bytes, size);
	WireReader	in = wire_reader(copy, size);
	bool		ok = basket_decode(unit_env(), &in, b);

	free(copy);
	return ok;
}

/* What is accepted is written as it was read. */
static void
check_bytes(const unsigned char *bytes, size_t size)
{
	Basket		b = {0};

	if (decode(bytes, size, &b))
	{
		size_t		again_size;
		unsigned char *again = encode(&b, &again_size);

		CHECK(again_size == size && memcmp(again, bytes, size) == 0);
		for (uint32_t e = 0; e < b.size; e++)
			CHECK(b.entry[e].weight >= 1 && b.entry[e].position < b.size && b.entry[e].code < UINT32_MAX &&
				  (e == 0 || b.entry[e - 1].code < b.entry[e].code));
		free(again);
	}
	basket_release(unit_env(), &b);
}

static void
check_damage(unsigned char *bytes, size_t size)
{
	Basket		b = {0};

	for (size_t s = 0; s < size; s++)
		CHECK(!decode(bytes, s, &b));
	for (size_t bit = 0; bit < 8 * size; bit++)
	{
		bytes[bit / 8] ^= 1 << bit % 8;
		check_bytes(bytes, size);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	basket_release(unit_env(), &b);
}

static void
check_basket(const Basket *b, Basket *scratch)
{
	size_t		size;
	unsigned char *bytes = encode(b, &size);
	unsigned char *longer = memcpy(malloc(size + 1), bytes, size);

	CHECK(size <= basket_encoded_room(b->size));
	CHECK(decode(bytes, size, scratch) && same_basket(b, scratch));
	longer[size] = 0;
	CHECK(!decode(longer, size + 1, scratch));
	if (size < 60)
		check_damage(bytes, size);
	free(longer);
	free(bytes);
}

static const Kind kinds[] = {
	{12, 100, false, 1, 1}, {12, 100, true, 1, 1}, {12, 100, true, 5, 1}, {12, 100, true, 5, 3}, {12, 100, false, 5, 1},
	{12, 100, false, 1, 3}, {5, 0, true, 0, 0}, {40, 0, false, 0, 0}, {600, 50000, true, 400, 1}, {600, 1000, false, 1, 1},
	{20000, 0, true, 0, 0}, {3, 4, true, 2, 2},
};

static void
round_trips(void)
{
	Basket		b = {0};
	Basket		back = {0};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (int i = 0; i < (kinds[k].sizes > 100 ? 20 : 200); i++)
		{
			fill(&b, &kinds[k]);
			check_basket(&b, &back);
		}
	basket_release(unit_env(), &b);
	basket_release(unit_env(), &back);
}

static void
boundaries(void)
{
	BasketEntry entry[] = {{0, UINT32_MAX, INT32_MAX, 1}, {1, 1, INT32_MIN, 0}, {UINT32_MAX - 1, UINT32_MAX, INT32_MIN, 2}};
	Basket		back = {0};

	for (uint32_t size = 1; size <= 3; size++)
		for (uint32_t first = 0; first + size <= 3; first++)
		{
			Basket		b = {size, size, malloc(3 * sizeof(BasketEntry))};

			memcpy(b.entry, entry + first, size * sizeof(BasketEntry));
			for (uint32_t e = 0; e < size; e++)
				b.entry[e].position = first == 0 && size > 1 ? entry[e].position : size - e - 1;
			check_basket(&b, &back);
			basket_release(unit_env(), &b);
		}
	basket_release(unit_env(), &back);
}

/* What a basket does not need takes no bytes: flags, size, day, and a gap each. */
static void
sizes(void)
{
	BasketEntry entry[] = {{7, 1, 9000, 0}, {8, 1, 9000, 1}, {90, 1, 9000, 2}};
	unsigned char bytes[200];
	Basket		b = {3, 3, entry};

	CHECK(basket_encode(&b, bytes) - bytes == 1 + 1 + 2 + 3);
	CHECK(basket_last_day(&b) == 9000);
	for (int e = 0; e < 3; e++)
		entry[e].day = 0;
	CHECK(basket_encode(&b, bytes) - bytes == 1 + 1 + 3);
	entry[1].weight = 2;
	CHECK(basket_encode(&b, bytes) - bytes == 1 + 1 + 3 + 3);
	entry[0].position = 1;
	entry[1].position = 0;
	CHECK(basket_encode(&b, bytes) - bytes == 1 + 1 + 3 + 1 + 3);
	entry[2].day = 1;
	CHECK(basket_encode(&b, bytes) - bytes == 1 + 1 + 3 + 1 + 2 + 3);
	CHECK(basket_last_day(&b) == 1);
}

/* Each is what a careless writer could mean by a basket, but for one thing. */
static void
other_forms(void)
{
	static const struct
	{
		const char *what;
		const char *bytes;
		size_t		size;
	}			bad[] = {
		{"no bytes", "", 0}, {"no items", "\x10\0", 2}, {"another version", "\x20\x01\x05", 3}, {"an unknown flag", "\x30\x01\x05", 3},
		{"a size beyond the bytes", "\x10\x03\x05\x01", 4}, {"a huge size", "\x10\xff\xff\xff\xff\x0f\x05", 7},
		{"a size beyond 32 bits", "\x10\x81\x80\x80\x80\x10\x05", 7}, {"a long varint", "\x10\x01\x85\x00", 4},
		{"a long size", "\x10\x81\x00\x05", 4}, {"more bytes", "\x10\x01\x05\x05", 4}, {"a day of 0", "\x11\x01\x00\x05", 4},
		{"the last code of all", "\x10\x01\xff\xff\xff\xff\x0f", 7}, {"codes that wrap", "\x10\x02\xfe\xff\xff\xff\x0f\x00", 8},
		{"an order that is none", "\x12\x02\x05\x00\x02", 5}, {"an order of one", "\x12\x01\x05\x00", 4},
		{"a place twice", "\x12\x02\x05\x00\x00", 5}, {"a place beyond the last", "\x12\x03\x05\x00\x00\x0d", 6},
		{"bits after the places", "\x12\x02\x05\x00\x05", 5}, {"days that are the same", "\x14\x02\x05\x00\x00", 5},
		{"weights that are one", "\x18\x02\x05\x00\x00\x00", 6}, {"a weight beyond 32 bits", "\x18\x01\x05\xff\xff\xff\xff\x0f", 8},
	};
	Basket		b = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		unit_check(!decode((const unsigned char *) bad[i].bytes, bad[i].size, &b), bad[i].what, __FILE__, __LINE__);
	CHECK(decode((const unsigned char *) "\x10\x01\x05", 3, &b) && b.size == 1 && b.entry[0].code == 5);
	CHECK(decode((const unsigned char *) "\x12\x02\x05\x00\x01", 5, &b) && b.entry[0].position == 1);
	CHECK(decode((const unsigned char *) "\x10\x01\xfe\xff\xff\xff\x0f", 7, &b) && b.entry[0].code == UINT32_MAX - 1);
	basket_release(unit_env(), &b);
}

/* The entry goes with its code, for few and for many and whatever bits differ. */
static void
sorting(void)
{
	static const uint32_t ranges[] = {40, 1 << 20, UINT32_MAX};
	Basket		b = {0};

	basket_reserve(unit_env(), &b, 5000);
	for (int i = 0; i < 300; i++)
	{
		uint32_t	range = ranges[i % 3];
		bool		ok = true;

		b.size = below(i % 10 ? 60 : 5000);
		b.size = b.size > range ? range : b.size;
		for (uint32_t e = 0; e < b.size; e++)
		{
			/* an odd factor makes distinct codes of distinct numbers */
			uint32_t	code = range == UINT32_MAX ? e * UINT32_C(2654435761) : range == 40 ? b.size - e : e ^ 0x55;

			b.entry[e] = (BasketEntry) {code, code + 1, (int32_t) ~code, code / 2};
		}
		basket_sort(&b);
		for (uint32_t e = 0; e < b.size; e++)
			ok = ok && (e == 0 || b.entry[e - 1].code < b.entry[e].code) &&
				b.entry[e].weight == b.entry[e].code + 1 && b.entry[e].day == (int32_t) ~b.entry[e].code &&
				b.entry[e].position == b.entry[e].code / 2;
		CHECK(ok);
	}
	basket_release(unit_env(), &b);
}

void
test_basket(void)
{
	RUN(sizes);
	RUN(round_trips);
	RUN(boundaries);
	RUN(other_forms);
	RUN(sorting);
}
