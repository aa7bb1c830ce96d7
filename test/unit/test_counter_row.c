/*
 * test_counter_row.c
 *		Counters of neighboring items as bytes: they come back, in one form only, and no bytes
 *		do harm.
 */
#include <limits.h>
#include <stdlib.h>

#include "kernel/counter_row.h"

#include "unit.h"

#define MAX_CELLS 500
#define MAX_BYTES 20000

static uint64_t state = 17;

static uint32_t
below(uint32_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* Ascending, with epochs that are mostly the same, and sums of all lengths. */
static void
random_row(CounterRow *row)
{
	uint32_t	most = 1 + below(MAX_CELLS);

	row->size = 0;
	counter_row_reserve(unit_env(), row, most);
	for (uint32_t place = 0; place < COUNTER_ROW_ITEMS; place++)
	{
		int64_t		epoch = below(8) == 0 ? INT32_MIN + (int64_t) below(10) : (int64_t) below(40) - 20;

		for (uint32_t n = below(most / COUNTER_ROW_ITEMS * 2 + 2); n > 0 && row->size < most && epoch <= INT32_MAX; n--)
		{
			int64_t		sum = (int64_t) (unit_random(&state) >> (1 + below(63)));

			row->cell[row->size++] = (CounterCell) {place, (int32_t) epoch, sum > 0 ? sum : 1};
			epoch += below(10) == 0 ? UINT32_MAX / 2 : 1 + below(3);
		}
	}
}

static bool
same(const CounterRow *a, const CounterRow *b)
{
	if (a->size != b->size)
		return false;
	for (uint32_t c = 0; c < a->size; c++)
		if (a->cell[c].place != b->cell[c].place || a->cell[c].epoch != b->cell[c].epoch || a->cell[c].sum != b->cell[c].sum)
			return false;
	return true;
}

static void
round_trip(void)
{
	static unsigned char bytes[MAX_BYTES];
	CounterRow	row = {0};
	CounterRow	back = {0};

	for (int i = 0; i < 3000; i++)
	{
		unsigned char *end;
		WireReader	reader;

		random_row(&row);
		end = counter_row_encode(&row, bytes);
		CHECK((size_t) (end - bytes) <= counter_row_encoded_room(row.size));
		reader = wire_reader(bytes, (size_t) (end - bytes));
		CHECK(counter_row_decode(unit_env(), &reader, &back) && same(&row, &back));
	}
	env_release(unit_env(), row.cell);
	env_release(unit_env(), back.cell);
}

/* Whatever is accepted has these bytes and no others. */
static void
damaged(void)
{
	static unsigned char bytes[MAX_BYTES];
	static unsigned char again[MAX_BYTES];
	CounterRow	row = {0};
	CounterRow	back = {0};
	int			accepted = 0;

	for (int i = 0; i < 20000; i++)
	{
		size_t		size;
		WireReader	reader;

		random_row(&row);
		size = (size_t) (counter_row_encode(&row, bytes) - bytes);
		for (uint32_t n = 1 + below(3); n > 0 && size > 0; n--)
			bytes[below((uint32_t) size)] = (unsigned char) unit_random(&state);
		size -= below(3) == 0 && size > 0;
		reader = wire_reader(bytes, size);
		if (!counter_row_decode(unit_env(), &reader, &back))
			continue;
		accepted++;
		/* varints may be longer than need be: what matters is that the counters are the same again */
		reader = wire_reader(again, (size_t) (counter_row_encode(&back, again) - again));
		row.size = 0;
		CHECK(counter_row_decode(unit_env(), &reader, &row) && same(&row, &back));
	}
	CHECK(accepted > 100);
	env_release(unit_env(), row.cell);
	env_release(unit_env(), back.cell);
}

static void
refused(void)
{
	static const struct
	{
		const char *bytes;
		size_t		size;
	}			wrong[] = {
		{"\x00", 1},			/* no sum */
		{"\x00\x00", 2},		/* a sum of nothing */
		{"\x40\x01", 2},		/* no such flag */
		{"\x20\x00\x01", 3},	/* another epoch, and the same */
		{"\x01\x01\x00\x01", 4},	/* places that go back */
		{"\x01\x01\x01\x01", 4},	/* a counter twice */
		{"\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},	/* a sum below 0 */
		{"\x20\xff\xff\xff\xff\x7f\x01", 7},	/* an epoch that there is not */
	};
	CounterRow	row = {0};

	for (int i = 0; i < (int) (sizeof(wrong) / sizeof(wrong[0])); i++)
	{
		WireReader	reader = wire_reader(wrong[i].bytes, wrong[i].size);

		CHECK(!counter_row_decode(unit_env(), &reader, &row));
	}
	env_release(unit_env(), row.cell);
}

void
test_counter_row(void)
{
	RUN(round_trip);
	RUN(damaged);
	RUN(refused);
}
