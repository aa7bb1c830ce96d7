/*
 * test_pair_row.c
 *		Rows of counts and their changes, against plain arrays of counts.
 */
#include <stdlib.h>

#include "kernel/pair_row.h"

#include "unit.h"

#define NUM_ITEMS	300
#define ROUNDS		400
#define LAST_ITEM	(UINT32_MAX - 1)

static uint64_t state = 11;

static uint32_t
below(uint32_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* Bytes in a block of their own size, so that the sanitizer sees a byte too many. */
typedef struct Bytes
{
	size_t		size;
	unsigned char *at;
} Bytes;

static WireReader
read_bytes(const Bytes *b)
{
	return wire_reader(b->at, b->size);
}

static void
set_bytes(Bytes *b, unsigned char *room, const unsigned char *end)
{
	free(b->at);
	b->size = end - room;
	b->at = realloc(room, b->size ? b->size : 1);
}

static bool
decode(const Bytes *base, const Bytes *delta, PairRow *row)
{
	return pair_row_decode(unit_env(), read_bytes(base), read_bytes(delta), row);
}

/* Nearby items and far ones: gaps of one byte and of several. */
static uint32_t
item_of(uint32_t i)
{
	return i < 200 ? i : i == NUM_ITEMS - 1 ? LAST_ITEM : 200 + (i - 200) * 40000000;
}

static int64_t
random_count(void)
{
	switch (below(8))
	{
		case 0:
			return 2 + below(200);
		case 1:
			return INT64_C(1) << below(63);
		default:
			return 1;
	}
}

static void
encode_base(const int64_t *count, Bytes *base)
{
	uint32_t	items[NUM_ITEMS];
	int64_t		counts[NUM_ITEMS];
	uint32_t	n = 0;
	unsigned char *room;

	for (uint32_t i = 0; i < NUM_ITEMS; i++)
		if (count[i] != 0)
		{
			items[n] = item_of(i);
			counts[n++] = count[i];
		}
	room = malloc(pair_row_encoded_room(n));
	set_bytes(base, room, pair_row_encode(items, counts, n, room));
}

/* Some of them changes to nothing, which no delta should hold. */
static void
random_change(const int64_t *count, int64_t *change)
{
	uint32_t	one_in = 1 + below(30);

	for (uint32_t i = 0; i < NUM_ITEMS; i++)
	{
		change[i] = 0;
		if (below(one_in) == 0)
			change[i] = below(3) == 0 ? -count[i] : count[i] > INT64_MAX / 2 ? -(int64_t) below(9) :
				below(2) || count[i] == 0 ? random_count() : -(count[i] / 2);
	}
}

static bool
merge_change(Bytes *delta, const int64_t *change, bool zeros)
{
	uint32_t	items[NUM_ITEMS];
	int64_t		changes[NUM_ITEMS];
	uint32_t	n = 0;
	bool		bad;
	unsigned char *room;
	unsigned char *end;

	for (uint32_t i = 0; i < NUM_ITEMS; i++)
		if (change[i] != 0 || zeros)
		{
			items[n] = item_of(i);
			changes[n++] = change[i];
		}
	room = malloc(pair_delta_encoded_room(delta->size, n));
	end = pair_delta_merge(read_bytes(delta), items, changes, n, room, &bad);
	CHECK(end - room <= pair_delta_encoded_room(delta->size, n));
	set_bytes(delta, room, end);
	return !bad;
}

/* Whole rows, and each item by itself; items between are not there. */
static void
compare(const Bytes *base, const Bytes *delta, const int64_t *count, PairRow *row)
{
	uint32_t	at = 0;
	bool		same = decode(base, delta, row);
	int64_t		found;

	for (uint32_t i = 0; same && i < NUM_ITEMS; i++)
	{
		same = pair_row_find(read_bytes(base), read_bytes(delta), item_of(i), &found) && found == count[i];
		if (count[i] == 0)
			continue;
		same = same && at < row->size && row->item[at] == item_of(i) && row->count[at] == count[i];
		at++;
	}
	CHECK(same && at == row->size);
	CHECK(pair_row_find(read_bytes(base), read_bytes(delta), 200 + 40000000 / 2, &found) && found == 0);
}

static void
histories(void)
{
	PairRow		row = {0};

	for (int round = 0; round < ROUNDS; round++)
	{
		int64_t		count[NUM_ITEMS];
		int64_t		change[NUM_ITEMS];
		uint32_t	one_in = 1 + below(5);
		Bytes		base = {0};
		Bytes		delta = {0};

		for (uint32_t i = 0; i < NUM_ITEMS; i++)
			count[i] = round > 0 && below(one_in) == 0 ? random_count() : 0;
		encode_base(count, &base);
		compare(&base, &delta, count, &row);
		for (int step = 0; step < 5; step++)
		{
			random_change(count, change);
			CHECK(merge_change(&delta, change, below(2)));
			for (uint32_t i = 0; i < NUM_ITEMS; i++)
				count[i] += change[i];
			compare(&base, &delta, count, &row);
		}
		/* base and delta as one is the row that is written from the counts */
		if (decode(&base, &delta, &row))
		{
			unsigned char *room = malloc(pair_row_encoded_room(row.size));
			Bytes		merged = {0};

			set_bytes(&merged, room, pair_row_encode(row.item, row.count, row.size, room));
			encode_base(count, &base);
			CHECK(merged.size == base.size && memcmp(merged.at, base.at, base.size) == 0);
			free(merged.at);
		}
		free(base.at);
		free(delta.at);
	}
	pair_row_release(unit_env(), &row);
}

static void
opposite_changes_leave_nothing(void)
{
	int64_t		change[NUM_ITEMS];
	int64_t		none[NUM_ITEMS] = {0};
	Bytes		delta = {0};

	for (uint32_t i = 0; i < NUM_ITEMS; i++)
		change[i] = below(3) ? 0 : below(2) ? random_count() : -random_count();
	CHECK(merge_change(&delta, change, false) && delta.size > 0);
	for (uint32_t i = 0; i < NUM_ITEMS; i++)
		change[i] = -change[i];
	CHECK(merge_change(&delta, change, false) && delta.size == 0);
	CHECK(merge_change(&delta, none, true) && delta.size == 0);
	free(delta.at);
}

/* One entry, in a base and in a delta. */
static Bytes
base_of(uint32_t item, int64_t count)
{
	Bytes		base = {0};
	unsigned char *room = malloc(pair_row_encoded_room(1));

	set_bytes(&base, room, pair_row_encode(&item, &count, 1, room));
	return base;
}

static Bytes
delta_of(uint32_t item, int64_t change)
{
	Bytes		delta = {0};
	unsigned char *room = malloc(pair_delta_encoded_room(0, 1));
	bool		bad;

	set_bytes(&delta, room, pair_delta_merge(wire_reader(NULL, 0), &item, &change, 1, room, &bad));
	CHECK(!bad);
	return delta;
}

static void
check_sum(uint32_t item, int64_t count, int64_t change, bool ok)
{
	Bytes		base = base_of(item, count);
	Bytes		delta = delta_of(item, change);
	PairRow		row = {0};
	int64_t		found;

	CHECK(decode(&base, &delta, &row) == ok);
	CHECK(pair_row_find(read_bytes(&base), read_bytes(&delta), item, &found) == ok);
	if (ok)
	{
		CHECK(found == count + change && row.size == (found != 0));
		CHECK(row.size == 0 || (row.item[0] == item && row.count[0] == found));
	}
	free(base.at);
	free(delta.at);
	pair_row_release(unit_env(), &row);
}

static void
boundaries(void)
{
	static const uint32_t items[] = {0, 1, 63, 64, LAST_ITEM};
	Bytes		none = {0};
	Bytes		delta = delta_of(5, -1);
	Bytes		most = delta_of(5, INT64_MAX);
	int64_t		one[NUM_ITEMS] = {[5] = 1};
	PairRow		row = {0};
	int64_t		found;

	for (int i = 0; i < 5; i++)
	{
		check_sum(items[i], 1, -1, true);
		check_sum(items[i], 1, -2, false);
		check_sum(items[i], 2, 3, true);
		check_sum(items[i], INT64_MAX, 0, true);
		check_sum(items[i], INT64_MAX, 1, false);
		check_sum(items[i], INT64_MAX - 1, 1, true);
		check_sum(items[i], INT64_C(1) << 62, INT64_C(1) << 62, false);
		check_sum(items[i], INT64_MAX, -INT64_MAX, true);
		check_sum(items[i], INT64_MAX, INT64_MIN, false);
	}
	CHECK(decode(&none, &none, &row) && row.size == 0);
	CHECK(!decode(&none, &delta, &row));
	CHECK(!pair_row_find(read_bytes(&none), read_bytes(&delta), 5, &found));
	CHECK(pair_row_find(read_bytes(&none), read_bytes(&delta), 4, &found) && found == 0);
	CHECK(!merge_change(&most, one, false));
	free(delta.at);
	free(most.at);
	pair_row_release(unit_env(), &row);
}

/* Bytes that no writer writes, whole and cut. */
static void
bad_bytes(void)
{
	static const struct
	{
		const char *base;
		size_t		base_size;
		const char *delta;
		size_t		delta_size;
	}			bad[] = {
		{"\x80", 1, "", 0}, {"\x03", 1, "", 0}, {"\x03\x80", 2, "", 0},
		{"\xfe\xff\xff\xff\x1f", 5, "", 0}, {"\xfc\xff\xff\xff\x1f\x00", 6, "", 0},
		{"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "", 0}, {"\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "", 0},
		{"\x01\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 10, "", 0}, {"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "", 0},
		{"", 0, "\x05", 1}, {"", 0, "\x05\x80", 2}, {"", 0, "\xff\xff\xff\xff\x0f\x02", 6}, {"", 0, "\xfe\xff\xff\xff\x0f\x02\x00\x02", 8},
		{"\x00", 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02", 11},
	};
	PairRow		row = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!pair_row_decode(unit_env(), wire_reader(bad[i].base, bad[i].base_size),
							   wire_reader(bad[i].delta, bad[i].delta_size), &row));
	pair_row_release(unit_env(), &row);
}

/* Whatever the bytes, what comes out is a row, and what is found is in it. */
static void
check_any(const Bytes *base, const Bytes *delta, PairRow *row)
{
	bool		ok = decode(base, delta, row);

	for (uint32_t i = 0; ok && i < row->size; i++)
	{
		int64_t		found;

		CHECK(row->count[i] > 0 && row->item[i] <= LAST_ITEM && (i == 0 || row->item[i - 1] < row->item[i]));
		CHECK(pair_row_find(read_bytes(base), read_bytes(delta), row->item[i], &found) && found == row->count[i]);
	}
	if (!ok)
		for (uint32_t item = 0; item < 3; item++)
		{
			int64_t		found;

			(void) pair_row_find(read_bytes(base), read_bytes(delta), item, &found);
		}
}

static void
damage(void)
{
	PairRow		row = {0};

	for (int round = 0; round < 60; round++)
	{
		int64_t		count[NUM_ITEMS] = {0};
		int64_t		change[NUM_ITEMS];
		Bytes		parts[2] = {{0}, {0}};

		for (uint32_t i = 0; i < NUM_ITEMS; i += 1 + below(40))
			count[i] = random_count();
		encode_base(count, &parts[0]);
		random_change(count, change);
		CHECK(merge_change(&parts[1], change, false));
		for (int p = 0; p < 2; p++)
		{
			Bytes	   *part = &parts[p];
			size_t		size = part->size;

			for (size_t bit = 0; bit < 8 * size; bit++)
			{
				part->at[bit / 8] ^= 1 << bit % 8;
				check_any(&parts[0], &parts[1], &row);
				part->at[bit / 8] ^= 1 << bit % 8;
			}
			for (part->size = 0; part->size < size; part->size++)
			{
				Bytes		cut = {part->size, memcpy(malloc(part->size + 1), part->at, part->size)};

				cut.at = realloc(cut.at, cut.size ? cut.size : 1);
				check_any(p ? &parts[0] : &cut, p ? &cut : &parts[1], &row);
				free(cut.at);
			}
		}
		free(parts[0].at);
		free(parts[1].at);
	}
	pair_row_release(unit_env(), &row);
}

void
test_pair_row(void)
{
	RUN(histories);
	RUN(opposite_changes_leave_nothing);
	RUN(boundaries);
	RUN(bad_bytes);
	RUN(damage);
}
