/*
 * test_ordinal_set.c
 *		Sets of numbers against sorted arrays of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/ordinal_set.h"
#include "kernel/simd.h"
#include "unit.h"

#define MAX_RANDOM 30000
#define MAX_MEMBERS (2 * (MAX_RANDOM + ORDINAL_PLACES))

static uint64_t state;

/* The plainest set: sorted, without duplicates. */
typedef struct Plain
{
	int64_t		members[MAX_MEMBERS];
	uint32_t	n;
} Plain;

static int
compare(const void *x, const void *y)
{
	int64_t		a = *(const int64_t *) x;
	int64_t		b = *(const int64_t *) y;

	return (a > b) - (a < b);
}

static void
plain_sort(Plain *p)
{
	uint32_t	kept = 0;

	qsort(p->members, p->n, sizeof(int64_t), compare);
	for (uint32_t i = 0; i < p->n; i++)
		if (i == 0 || p->members[i] != p->members[kept - 1])
			p->members[kept++] = p->members[i];
	p->n = kept;
}

static bool
plain_has(const Plain *p, int64_t ordinal)
{
	return bsearch(&ordinal, p->members, p->n, sizeof(int64_t), compare) != NULL;
}

static Plain *
plain_combine(OrdinalOp op, const Plain *a, const Plain *b)
{
	Plain	   *result = malloc(sizeof(Plain));

	result->n = 0;
	for (uint32_t i = 0; i < a->n; i++)
		if (op == ORDINAL_OR || plain_has(b, a->members[i]) == (op == ORDINAL_AND))
			result->members[result->n++] = a->members[i];
	for (uint32_t i = 0; i < b->n && op == ORDINAL_OR; i++)
		result->members[result->n++] = b->members[i];
	plain_sort(result);
	return result;
}

/* Shapes: numbers from 1 on, crowds here and there, anything, the ends of the range. */
static int64_t
random_ordinal(int shape)
{
	switch (shape)
	{
		case 0:
			return 1 + unit_random(&state) % 100000;
		case 1:
			return (int64_t) (unit_random(&state) % 5) * 1000000 - 2000000 + unit_random(&state) % 9000;
		case 2:
			return (int64_t) unit_random(&state);
		case 3:
			return (unit_random(&state) & 1 ? INT64_MIN : INT64_MAX - 50000) + unit_random(&state) % 50001;
		default:
			return unit_random(&state) % 40000;
	}
}

static OrdinalSet *
random_set(Plain *plain)
{
	OrdinalSet *set = ordinal_set_create(unit_env());
	int			shape = unit_random(&state) % 5;
	uint32_t	n = unit_random(&state) % 3 == 0 ? unit_random(&state) % 20 : unit_random(&state) % MAX_RANDOM;

	plain->n = 0;
	for (uint32_t i = 0; i < n; i++)
	{
		int64_t		ordinal = random_ordinal(unit_random(&state) % 50 == 0 ? unit_random(&state) % 5 : shape);

		plain->members[plain->n++] = ordinal;
		ordinal_set_add(set, ordinal);
	}
	/* full chunks, and nearly full ones */
	if (unit_random(&state) % 3 == 0)
	{
		int64_t		chunk = unit_random(&state) % 3;

		ordinal_set_add_range(set, ordinal_at(chunk, 0), ordinal_at(chunk, ORDINAL_PLACES - 1));
		for (uint32_t place = 0; place < ORDINAL_PLACES; place++)
			plain->members[plain->n++] = ordinal_at(chunk, place);
	}
	plain_sort(plain);
	/* some leave again, which must not show */
	for (uint32_t i = 0, one_in = unit_random(&state) % 2 ? 4 : MAX_MEMBERS; i < plain->n; i++)
		if (unit_random(&state) % one_in == 0)
		{
			CHECK(ordinal_set_remove(set, plain->members[i]));
			CHECK(!ordinal_set_remove(set, plain->members[i]));
			plain->members[i] = plain->members[--plain->n];
		}
	plain_sort(plain);
	return set;
}

static void
check_walk(OrdinalCursor *cursor, const Plain *plain)
{
	OrdinalWalk walk;
	int64_t		ordinal;
	uint32_t	i = 0;
	bool		same = true;

	ordinal_walk_begin(&walk, cursor);
	for (; ordinal_walk_next(&walk, &ordinal); i++)
		same = same && i < plain->n && ordinal == plain->members[i];
	CHECK(same && i == plain->n);
	CHECK(!cursor->bad);
}

/* Runs within chunks hold the same, and have gaps or ends of chunks on both sides. */
static void
check_runs(OrdinalCursor *cursor, const Plain *plain)
{
	OrdinalWalk walk;
	int64_t		first;
	int64_t		last;
	uint32_t	i = 0;
	bool		same = true;

	ordinal_walk_begin(&walk, cursor);
	while (same && ordinal_walk_run(&walk, &first, &last))
	{
		same = ordinal_chunk_number(first) == ordinal_chunk_number(last) && i < plain->n && plain->members[i] == first;
		while (i < plain->n && plain->members[i] <= last)
			i++;
		same = same && plain->members[i - 1] == last && (i == plain->n || ordinal_place(last) == ORDINAL_PLACES - 1 || plain->members[i] > last + 1);
	}
	CHECK(same && i == plain->n);
}

static void
check_set(OrdinalSet *set, const Plain *plain)
{
	OrdinalSetCursor at;
	bool		same = true;

	CHECK(ordinal_set_count(set) == plain->n);
	for (uint32_t i = 0; i < plain->n; i++)
		same = same && ordinal_set_contains(set, plain->members[i]);
	CHECK(same);
	for (int i = 0; i < 1000; i++)
	{
		int64_t		ordinal = random_ordinal(i % 5);

		same = same && ordinal_set_contains(set, ordinal) == plain_has(plain, ordinal);
	}
	CHECK(same);
	check_walk(ordinal_set_open(&at, set), plain);
	check_runs(ordinal_set_open(&at, set), plain);
	CHECK(ordinal_count(ordinal_set_open(&at, set)) == plain->n);
}

static unsigned char *
bytes_of(OrdinalSet *set, size_t *size)
{
	OrdinalSetCursor at;

	return ordinal_write(unit_env(), ordinal_set_open(&at, set), 0, size);
}

/* The same members, in another order and from other parts, are the same bytes. */
static void
check_bytes(const unsigned char *bytes, size_t size, const Plain *plain)
{
	OrdinalSet *again = ordinal_set_create(unit_env());
	OrdinalSet *copy = ordinal_set_create(unit_env());
	OrdinalBytes at;
	size_t		again_size;
	unsigned char *same;

	CHECK(ordinal_is_canonical(bytes, size));
	check_walk(ordinal_bytes_open(&at, bytes, size), plain);
	for (uint32_t i = plain->n; i-- > 0;)
		ordinal_set_add(again, plain->members[i]);
	same = bytes_of(again, &again_size);
	CHECK(again_size == size && memcmp(same, bytes, size) == 0);
	ordinal_set_add_all(copy, ordinal_bytes_open(&at, bytes, size));
	ordinal_set_add_all(copy, ordinal_bytes_open(&at, bytes, size));
	check_set(copy, plain);
	free(same);
	ordinal_set_release(again);
	ordinal_set_release(copy);
}

static void
test_combinations(void)
{
	for (int round = 0; round < 60; round++)
	{
		Plain	   *plain[3];
		OrdinalSet *set[3];
		unsigned char *bytes[3];
		size_t		size[3];
		OrdinalOp	first = unit_random(&state) % 3;
		OrdinalOp	second = unit_random(&state) % 3;
		OrdinalBytes at[3];
		OrdinalPair pair[2];
		OrdinalSet *combined;
		Plain	   *two;
		Plain	   *three;

		for (int i = 0; i < 3; i++)
		{
			plain[i] = malloc(sizeof(Plain));
			set[i] = random_set(plain[i]);
			check_set(set[i], plain[i]);
			bytes[i] = bytes_of(set[i], &size[i]);
			check_bytes(bytes[i], size[i], plain[i]);
		}
		two = plain_combine(first, plain[0], plain[1]);
		three = plain_combine(second, plain[2], two);
		combined = ordinal_set_combine(unit_env(), first, set[0], set[1]);
		check_set(combined, two);
		for (int walked = 0; walked < 2; walked++)
		{
			for (int i = 0; i < 3; i++)
				ordinal_bytes_open(&at[i], bytes[i], size[i]);
			ordinal_pair_open(&pair[0], first, &at[0].cursor, &at[1].cursor);
			ordinal_pair_open(&pair[1], second, &at[2].cursor, &pair[0].cursor);
			if (walked)
				check_walk(&pair[1].cursor, three);
			else
				CHECK(ordinal_count(&pair[1].cursor) == three->n);
		}
		free(three);
		three = plain_combine(ORDINAL_AND, plain[0], plain[1]);
		CHECK(ordinal_overlap(ordinal_bytes_open(&at[0], bytes[0], size[0]), ordinal_bytes_open(&at[1], bytes[1], size[1])) == three->n);
		CHECK(ordinal_intersects(ordinal_bytes_open(&at[0], bytes[0], size[0]), ordinal_bytes_open(&at[1], bytes[1], size[1])) == (three->n > 0));
		free(two);
		free(three);
		ordinal_set_release(combined);
		for (int i = 0; i < 3; i++)
		{
			free(plain[i]);
			free(bytes[i]);
			ordinal_set_release(set[i]);
		}
	}
}

/* Every form of the vector loops makes the same of the same sets. */
static void
test_forms(void)
{
	const Simd *const *forms;
	int			n = simd_all(&forms);
	uint64_t	first = state;

	for (int f = 0; f < n; f++)
	{
		simd_choose(forms[f]);
		state = first;
		test_combinations();
	}
	simd_choose(NULL);
}

static void
test_ranges(void)
{
	static const int64_t ends[][2] = {{5, 5}, {6, 5}, {-3, 3}, {0, 32767}, {-40000, 100000}, {32768, 98303}, {INT64_MAX - 2, INT64_MAX}, {INT64_MIN, INT64_MIN + 40000}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		OrdinalSet *set = ordinal_set_create(unit_env());
		uint64_t	n = ends[i][0] > ends[i][1] ? 0 : (uint64_t) ends[i][1] - ends[i][0] + 1;

		ordinal_set_add_range(set, ends[i][0], ends[i][1]);
		CHECK(ordinal_set_count(set) == n);
		CHECK(n == 0 || (ordinal_set_contains(set, ends[i][0]) && ordinal_set_contains(set, ends[i][1])));
		CHECK(ends[i][0] == INT64_MIN || !ordinal_set_contains(set, ends[i][0] - 1));
		CHECK(ends[i][1] == INT64_MAX || n == 0 || !ordinal_set_contains(set, ends[i][1] + 1));
		ordinal_set_release(set);
	}
}

/* One bit at a time, back and forth over the limit between the two forms, as a table of chunks would do. */
static void
test_stored_chunks(void)
{
	unsigned char bitmap[ORDINAL_BITMAP] = {0};
	unsigned char bytes[ORDINAL_MAX_CHUNK + 1];
	OrdinalChunk chunk;
	uint32_t	count = 0;

	for (int i = 0; i < 20000; i++)
	{
		uint32_t	place = unit_random(&state) % ORDINAL_PLACES;
		bool		had = bitmap[place / 8] >> (place % 8) & 1;
		size_t		size;

		if (had == (i / 5000 % 2 == 0))
			continue;
		bitmap[place / 8] ^= (unsigned char) (1 << place % 8);
		count += had ? -1 : 1;
		chunk = ordinal_chunk_of_bitmap(-7, bitmap);
		CHECK(chunk.count == count);
		size = ordinal_chunk_encode(&chunk, bytes);
		CHECK(size == (count == 0 ? 0 : 2 + ordinal_body_size(count)));
		CHECK(ordinal_chunk_decode(-7, bytes, size, &chunk) && chunk.count == count);
		CHECK(ordinal_chunk_contains(&chunk, place) == !had);
		ordinal_chunk_bitmap(&chunk, bitmap);
		CHECK(size < 2 || !ordinal_chunk_decode(-7, bytes, size - 1, &chunk));
		CHECK(size == 0 || !ordinal_chunk_decode(-7, bytes, size + 1, &chunk));
	}
}

static void
test_refusals(void)
{
	static const struct
	{
		size_t		size;
		unsigned char bytes[16];
	}			bad[] = {
		{0, {0}}, {1, {2}},
		{2, {1, 0}}, {3, {1, 0, 0}}, {4, {1, 0, 0, 0}}, {5, {1, 0, 0, 0, 0x80}},	/* cut off; a place too large */
		{7, {1, 0, 1, 0, 5, 0, 5}}, {7, {1, 0, 1, 0, 5, 0, 4}}, {7, {1, 0, 1, 0, 5, 0}},	/* twice the same; descending */
		{6, {1, 0x80, 0, 0, 0, 5}}, {5, {1, 0, 0, 0x80, 5}},	/* a varint too long; another form */
		{6, {1, 0, 0xff, 0x7f, 0, 0}},	/* a full chunk has nothing more */
		{15, {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 5, 0}},	/* a number that no chunk has */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!ordinal_is_canonical(bad[i].bytes, bad[i].size));
	CHECK(ordinal_is_canonical("\1", 1));
	CHECK(ordinal_is_canonical("\1\0\0\0\5\0", 6));
	CHECK(ordinal_is_canonical("\1\0\xff\x7f", 4));
	CHECK(ordinal_is_canonical("\1\1\0\0\5\0\0\0\0\5\0", 11));
}

/* Damaged bytes may answer anything, and touch nothing. */
static void
test_damage(void)
{
	Plain	   *plain = malloc(sizeof(Plain));

	for (int round = 0; round < 300; round++)
	{
		OrdinalSet *set = random_set(plain);
		OrdinalSet *copy = ordinal_set_create(unit_env());
		size_t		size;
		size_t		again;
		unsigned char *bytes = bytes_of(set, &size);
		OrdinalBytes at[2];
		OrdinalPair pair;

		for (int i = 0; i < 5; i++)
			bytes[unit_random(&state) % (size < 40 ? size : 40)] = (unsigned char) unit_random(&state);
		ordinal_set_add_all(copy, ordinal_bytes_open(&at[0], bytes, size));
		free(ordinal_write(unit_env(), ordinal_pair_open(&pair, round % 3, ordinal_bytes_open(&at[0], bytes, size), ordinal_bytes_open(&at[1], bytes + 1, size - 1)), 0, &again));
		free(ordinal_write(unit_env(), ordinal_pair_open(&pair, round % 3, ordinal_bytes_open(&at[0], bytes, size), ordinal_bytes_open(&at[1], bytes, size)), 0, &again));
		CHECK(true);
		free(bytes);
		ordinal_set_release(set);
		ordinal_set_release(copy);
	}
	free(plain);
}

void
test_ordinal_set(void)
{
	state = 22;
	RUN(test_forms);
	RUN(test_ranges);
	RUN(test_stored_chunks);
	RUN(test_refusals);
	RUN(test_damage);
}
