/*
 * test_keyset.c
 *		Keysets against a plain list of keys that is searched from the front, and
 *		prefix_sort, which orders them, against the C library's sort.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/keyset.h"
#include "kernel/prefix_sort.h"
#include "unit.h"

typedef struct Key
{
	int64_t		number;			/* in sets of numbers */
	char		bytes[24];
	size_t		size;
} Key;

/* What qsort compares, which has no argument for it. */
static bool numbers;

static int
compare_keys(const void *a, const void *b)
{
	const Key  *x = a;
	const Key  *y = b;
	int			order;

	if (numbers)
		return (x->number > y->number) - (x->number < y->number);
	order = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);
	return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

static uint32_t
add(Keyset *set, const Key *key)
{
	return numbers ? keyset_add_number(unit_env(), set, key->number) :
		keyset_add_bytes(unit_env(), set, key->bytes, key->size);
}

static uint32_t
find(const Keyset *set, const Key *key)
{
	return numbers ? keyset_find_number(set, key->number) : keyset_find_bytes(set, key->bytes, key->size);
}

/* The place in a list, n where it is not there. */
static uint32_t
naive_find(const Key *list, uint32_t n, const Key *key)
{
	uint32_t	at = 0;

	while (at < n && compare_keys(list + at, key) != 0)
		at++;
	return at;
}

/* The key at the place that the set gave it must be the one there in a sorted list. */
static void
check_order(const Keyset *set, const Key *list, uint32_t n)
{
	uint32_t   *order = keyset_order(unit_env(), set);
	Key		   *sorted = malloc((n + 1) * sizeof(Key));

	memcpy(sorted, list, n * sizeof(Key));
	qsort(sorted, n, sizeof(Key), compare_keys);
	for (uint32_t code = 0; code < n; code++)
		CHECK(order[code] < n && compare_keys(sorted + order[code], list + code) == 0);
	free(order);
	free(sorted);
}

/* The same keys in other order through another set: what parallel workers do. */
static void
check_add_from(const Keyset *set, uint32_t n)
{
	Keyset		copy;

	keyset_init(unit_env(), &copy, numbers);
	for (uint32_t code = n; code-- > 0;)
		CHECK(keyset_add_from(unit_env(), &copy, set, code) == n - 1 - code);
	for (uint32_t code = 0; code < n; code++)
		CHECK(keyset_add_from(unit_env(), &copy, set, code) == n - 1 - code);
	CHECK(copy.size == n);
	keyset_release(unit_env(), &copy);
}

/* Adds keys one after the other; every second one is looked for before it is there. */
static void
check_set(const Key *key, uint32_t n)
{
	Key		   *list = malloc((n + 1) * sizeof(Key));
	uint32_t	distinct = 0;
	Keyset		set;

	keyset_init(unit_env(), &set, numbers);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	want = naive_find(list, distinct, key + i);

		if (i % 2)
			CHECK(find(&set, key + i) == (want == distinct ? KEYSET_NONE : want));
		CHECK(add(&set, key + i) == want);
		if (want == distinct)
			list[distinct++] = key[i];
		CHECK(set.size == distinct);
	}
	/* codes outlive every growth */
	for (uint32_t code = 0; code < distinct; code++)
	{
		size_t		size;

		CHECK(find(&set, list + code) == code);
		if (!numbers)
			CHECK(memcmp(keyset_bytes(&set, code, &size), list[code].bytes, list[code].size) == 0 &&
				  size == list[code].size);
	}
	CHECK(keyset_memory(&set) >= distinct * (sizeof(uint64_t) + sizeof(uint32_t)));
	check_order(&set, list, distinct);
	check_add_from(&set, distinct);
	keyset_release(unit_env(), &set);
	free(list);
}

static void
extreme_numbers(void)
{
	static const int64_t number[] = {
		0, -1, 1, INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1, 0, INT64_MIN, -256, 255, 256,
		INT64_C(1) << 32, -(INT64_C(1) << 32), UINT32_MAX
	};
	Key			key[sizeof(number) / sizeof(number[0])];

	numbers = true;
	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		key[i] = (Key) {.number = number[i]};
	check_set(key, sizeof(number) / sizeof(number[0]));
	check_set(key, 1);
	check_set(key, 0);
}

static void
random_numbers(void)
{
	enum
	{
		N = 3000
	};
	Key		   *key = calloc(N, sizeof(Key));
	uint64_t	state = 7;

	numbers = true;
	/* few distinct, dense, multiples of a power of two as some sequences are, and anything */
	for (int kind = 0; kind < 4; kind++)
	{
		for (uint32_t i = 0; i < N; i++)
		{
			uint64_t	r = unit_random(&state);

			key[i].number = kind == 0 ? (int64_t) (r % 50) : kind == 1 ? (int64_t) i - 1500 :
				kind == 2 ? (int64_t) ((uint64_t) i << 40) : (int64_t) r;
		}
		check_set(key, N);
	}
	free(key);
}

#define BYTES(text) {.bytes = text, .size = sizeof(text) - 1}

/* What sorts differently as C strings, by the first eight bytes alone, or with signed bytes. */
static void
special_bytes(void)
{
	static const Key key[] = {
		BYTES("b"), BYTES(""), BYTES("a"), BYTES("\0"), BYTES("\0\0"), BYTES("a\0"), BYTES("a\0\0"), BYTES("a\0b"),
		BYTES("aa"), BYTES("\xff"), BYTES("\x7f"), BYTES("\x80"), BYTES("12345678"), BYTES("1234567"),
		BYTES("123456789"), BYTES("12345678\0"), BYTES("12345678\0\0"), BYTES("12345678a"), BYTES("12345678\xff"),
		BYTES("1234567\0"), BYTES("\0\0\0\0\0\0\0\0"), BYTES("\0\0\0\0\0\0\0\0\0"), BYTES("\0\0\0\0\0\0\0"),
		BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), BYTES("\xff\xff\xff\xff\xff\xff\xff"), BYTES("a"), BYTES("")
	};

	numbers = false;
	check_set(key, sizeof(key) / sizeof(key[0]));
	check_set(key + 1, 1);
}

static void
random_bytes(void)
{
	enum
	{
		N = 2500
	};
	Key		   *key = calloc(N, sizeof(Key));
	uint64_t	state = 11;

	numbers = false;
	/* with a common beginning of 0, 8 or 12 bytes, then up to six of few values */
	for (size_t common = 0; common <= 12; common += common ? 4 : 8)
	{
		for (uint32_t i = 0; i < N; i++)
		{
			key[i].size = common + unit_random(&state) % 7;
			memset(key[i].bytes, 'x', sizeof(key[i].bytes));
			for (size_t b = common; b < key[i].size; b++)
				key[i].bytes[b] = (char) (unit_random(&state) % 5 * 63);
		}
		check_set(key, N);
	}
	free(key);
}

/* One key larger than all the room so far, between small ones. */
static void
large_bytes(void)
{
	enum
	{
		SIZE = 100000
	};
	char	   *bytes = malloc(SIZE);
	uint32_t   *order;
	Keyset		set;

	memset(bytes, 'm', SIZE);
	keyset_init(unit_env(), &set, false);
	CHECK(keyset_add_bytes(unit_env(), &set, "z", 1) == 0);
	CHECK(keyset_add_bytes(unit_env(), &set, bytes, SIZE) == 1);
	CHECK(keyset_add_bytes(unit_env(), &set, bytes, SIZE - 1) == 2);
	CHECK(keyset_add_bytes(unit_env(), &set, "", 0) == 3);
	CHECK(keyset_find_bytes(&set, bytes, SIZE) == 1);
	CHECK(keyset_find_bytes(&set, bytes, SIZE - 2) == KEYSET_NONE);
	CHECK(keyset_find_bytes(&set, "", 0) == 3);
	order = keyset_order(unit_env(), &set);
	CHECK(order[3] == 0 && order[2] == 1 && order[1] == 2 && order[0] == 3);
	free(order);
	keyset_release(unit_env(), &set);
	free(bytes);
}

/* --- prefix_sort ---------------------------------------------------------- */

/* Things are numbers; a prefix is what stands above their low bits. */
typedef struct Things
{
	const uint64_t *thing;
	int			low_bits;
	bool		mixed;			/* things of different prefixes were compared */
} Things;

static int
compare_things(const void *context, uint64_t one, uint64_t two)
{
	Things	   *t = (Things *) context;

	if (t->thing[one] >> t->low_bits != t->thing[two] >> t->low_bits)
		t->mixed = true;
	return (t->thing[one] > t->thing[two]) - (t->thing[one] < t->thing[two]);
}

static void
check_prefix_sort(uint64_t n, int low_bits, uint64_t mask)
{
	uint64_t   *thing = malloc((n + 1) * sizeof(uint64_t));
	PrefixRecord *record = malloc((n + 1) * sizeof(PrefixRecord));
	Things		things = {thing, low_bits, false};
	uint64_t	state = n + low_bits;

	for (uint64_t i = 0; i < n; i++)
	{
		thing[i] = unit_random(&state) & mask;
		record[i] = (PrefixRecord) {thing[i] >> low_bits, i};
	}
	prefix_sort(unit_env(), record, n, compare_things, &things);
	CHECK(!things.mixed);
	for (uint64_t i = 0; i < n; i++)
	{
		CHECK(record[i].prefix == thing[record[i].id] >> low_bits);
		/* stable, so equal things stand in the order of their ids, and none is there twice */
		CHECK(i == 0 || thing[record[i - 1].id] < thing[record[i].id] ||
			  (thing[record[i - 1].id] == thing[record[i].id] && record[i - 1].id < record[i].id));
	}
	free(thing);
	free(record);
}

static void
prefix_sorts(void)
{
	static const uint64_t sizes[] = {0, 1, 2, 3, 5, 100, 4097};

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		check_prefix_sort(sizes[s], 0, UINT64_MAX);
		check_prefix_sort(sizes[s], 4, 0xff);
		check_prefix_sort(sizes[s], 60, UINT64_MAX);
		check_prefix_sort(sizes[s], 63, UINT64_C(1) << 63 | 7);
		check_prefix_sort(sizes[s], 8, 0);
	}
}

void
test_keyset(void)
{
	RUN(extreme_numbers);
	RUN(random_numbers);
	RUN(special_bytes);
	RUN(random_bytes);
	RUN(large_bytes);
	RUN(prefix_sorts);
}
