/*
 * test_baskets.c
 *		Baskets: one canonical form for every order of arrival, and bytes that
 *		come back the same or are turned away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/baskets.h"
#include "unit.h"

/* Baskets as they are meant: of keys, each with the times it came. */
typedef struct Shape
{
	const char *name;
	uint32_t	items;
	uint32_t	lists;
	uint32_t	longest;
	uint32_t	weights;		/* 0: none */
	uint32_t	copies;			/* one list in so many is like another */
} Shape;

static const Shape shapes[] = {
	{"no baskets", 3, 0, 1, 0, 1},
	{"one item", 1, 10, 1, 0, 1},
	{"one item, weighted", 1, 10, 1, 3, 1},
	{"two items", 2, 30, 2, 0, 2},
	{"small, many alike", 9, 500, 3, 0, 2},
	{"small, weighted, many alike", 9, 500, 3, 2, 2},
	{"a shop", 700, 600, 30, 0, 5},
	{"a shop, weighted", 700, 600, 30, 5, 3},
	{"65,537 items", 65537, 300, 40, 0, 3},
	{"long lists", 30000, 40, 9000, 0, 3},
	{"long lists, weighted", 30000, 40, 9000, 2, 3},
};

static uint64_t state;

static uint32_t
below(uint64_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

static uint32_t *
permutation(uint32_t n)
{
	uint32_t   *p = malloc((n + 1) * sizeof(uint32_t));

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	other = below(i + 1);

		p[i] = p[other];
		p[other] = i;
	}
	return p;
}

/* A copy of list `from` of another set, entries in any order, items renamed. */
static void
append_list(Baskets *b, const Baskets *from, uint64_t list, const uint32_t *rename, uint32_t repeat)
{
	uint64_t	first = from->start[list];
	uint64_t	size = from->start[list + 1] - first;
	uint64_t	at = b->start[b->num_lists];
	uint32_t   *order = permutation(size);

	baskets_reserve(unit_env(), b, size);
	for (uint64_t e = 0; e < size; e++)
	{
		b->item[at + e] = rename ? rename[from->item[first + order[e]]] : from->item[first + order[e]];
		if (b->weight)
			b->weight[at + e] = from->weight[first + order[e]];
	}
	baskets_close(b, size, repeat);
	free(order);
}

/* Distinct items, small ones more often; of two draws the second makes most lists short. */
static void
append_random(Baskets *b, const Shape *shape)
{
	uint32_t	size = 1 + below(1 + below(shape->longest));
	uint64_t	at = b->start[b->num_lists];
	bool	   *has = calloc(shape->items, sizeof(bool));

	size = size > shape->items ? shape->items : size;
	baskets_reserve(unit_env(), b, size);
	for (uint32_t e = 0; e < size;)
	{
		uint32_t	item = below(2) ? below(shape->items) : below(1 + below(shape->items));

		if (has[item])
			continue;
		has[item] = true;
		b->item[at + e] = item;
		if (b->weight)
			b->weight[at + e] = below(8) ? 1 + below(shape->weights) : BASKETS_MAX_WEIGHT - below(2);
		e++;
	}
	baskets_close(b, size, 1);
	free(has);
}

static Baskets
make_baskets(const Shape *shape)
{
	Baskets		b;

	baskets_init(unit_env(), &b, shape->weights > 0);
	b.num_items = shape->items;
	for (uint32_t l = 0; l < shape->lists; l++)
		if (l > 0 && below(shape->copies) == 0)
			append_list(&b, &b, below(l), NULL, 1);
		else
			append_random(&b, shape);
	return b;
}

/* The same baskets in another order, under other codes; code_of gets the code of each key. */
static Baskets
shuffled(const Baskets *b, const uint32_t *code_of)
{
	uint32_t   *order = permutation(b->num_lists);
	Baskets		s;

	baskets_init(unit_env(), &s, b->weight != NULL);
	s.num_items = b->num_items;
	for (uint64_t l = 0; l < b->num_lists; l++)
		append_list(&s, b, order[l], code_of, b->repeat[order[l]]);
	free(order);
	return s;
}

/* Canonical form; the keys in the order of ranks. */
static uint32_t *
canonical(Baskets *b, const uint32_t *key_order)
{
	uint32_t   *code = baskets_rank(unit_env(), b, key_order);

	for (uint32_t r = 0; r < b->num_items; r++)
		code[r] = key_order[code[r]];
	baskets_fold(unit_env(), b);
	return code;
}

static bool
same_baskets(const Baskets *a, const Baskets *b)
{
	uint64_t	entries = a->start[a->num_lists];

	return a->num_items == b->num_items && a->num_lists == b->num_lists &&
		memcmp(a->start, b->start, (a->num_lists + 1) * sizeof(uint64_t)) == 0 &&
		memcmp(a->repeat, b->repeat, a->num_lists * sizeof(uint32_t)) == 0 &&
		memcmp(a->item, b->item, entries * sizeof(uint32_t)) == 0 &&
		(a->weight == NULL) == (b->weight == NULL) &&
		(a->weight == NULL || memcmp(a->weight, b->weight, entries * sizeof(uint32_t)) == 0);
}

static int
compare_arrays(const uint32_t *a, const uint32_t *b, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int
compare_lists(const Baskets *b, uint64_t one, uint64_t two)
{
	uint64_t	size = b->start[one + 1] - b->start[one];
	uint64_t	other = b->start[two + 1] - b->start[two];
	int			c = size != other ? (size < other ? -1 : 1) :
		compare_arrays(b->item + b->start[one], b->item + b->start[two], size);

	if (c == 0 && b->weight)
		c = compare_arrays(b->weight + b->start[one], b->weight + b->start[two], size);
	return c;
}

/* What the header promises: ranks by degree then key, ascending lists, in order and distinct. */
static void
check_canonical(const Baskets *b, const uint32_t *key)
{
	uint64_t   *degree = baskets_degrees(unit_env(), b);

	for (uint32_t r = 1; r < b->num_items; r++)
		CHECK(degree[r - 1] > degree[r] || (degree[r - 1] == degree[r] && key[r - 1] < key[r]));
	for (uint64_t l = 0; l < b->num_lists; l++)
		for (uint64_t e = b->start[l] + 1; e < b->start[l + 1]; e++)
			CHECK(b->item[e - 1] < b->item[e]);
	for (uint64_t l = 1; l < b->num_lists; l++)
		CHECK(compare_lists(b, l - 1, l) < 0);
	free(degree);
}

/* How often each list of the original is in the canonical form, found by looking at all of them. */
static void
check_contents(const Baskets *b, const uint32_t *key, const Baskets *original)
{
	uint32_t   *rank = malloc((b->num_items + 1) * sizeof(uint32_t));
	uint64_t	total = 0;
	Baskets		ranked;
	uint32_t   *identity = malloc((b->num_items + 1) * sizeof(uint32_t));

	for (uint32_t r = 0; r < b->num_items; r++)
		rank[key[r]] = r;
	baskets_init(unit_env(), &ranked, original->weight != NULL);
	ranked.num_items = b->num_items;
	for (uint64_t l = 0; l < original->num_lists; l++)
		append_list(&ranked, original, l, rank, original->repeat[l]);
	/* ranking what is ranked keeps the ranks and sorts the lists */
	for (uint32_t r = 0; r < b->num_items; r++)
		identity[r] = r;
	free(baskets_rank(unit_env(), &ranked, identity));
	for (uint64_t l = 0; l < b->num_lists; l++)
	{
		uint64_t	times = 0;

		append_list(&ranked, b, l, NULL, 1);
		memcpy(ranked.item + ranked.start[ranked.num_lists - 1], b->item + b->start[l],
			   (b->start[l + 1] - b->start[l]) * sizeof(uint32_t));
		if (b->weight)
			memcpy(ranked.weight + ranked.start[ranked.num_lists - 1], b->weight + b->start[l],
				   (b->start[l + 1] - b->start[l]) * sizeof(uint32_t));
		for (uint64_t o = 0; o < original->num_lists; o++)
			if (compare_lists(&ranked, o, ranked.num_lists - 1) == 0)
				times += ranked.repeat[o];
		CHECK(b->repeat[l] == times);
		total += times;
		ranked.start[--ranked.num_lists] = ranked.start[original->num_lists];
	}
	for (uint64_t o = 0; o < original->num_lists; o++)
		total -= original->repeat[o];
	CHECK(total == 0);
	baskets_release(unit_env(), &ranked);
	free(rank);
	free(identity);
}

static bool
decode(const unsigned char *bytes, size_t size, const Baskets *like, Baskets *out)
{
	WireReader	in = wire_reader(bytes, size);

	baskets_init(unit_env(), out, like->weight != NULL);
	out->num_items = like->num_items;
	return baskets_decode(unit_env(), &in, out);
}

/* What a decoder may let through: it need not be canonical, but it has to be lists. */
static void
check_lists(const Baskets *b)
{
	for (uint64_t l = 0; l < b->num_lists; l++)
	{
		CHECK(b->repeat[l] >= 1 && b->start[l] < b->start[l + 1]);
		CHECK(b->item[b->start[l + 1] - 1] < b->num_items);
		for (uint64_t e = b->start[l]; e < b->start[l + 1]; e++)
			CHECK((e == b->start[l] || b->item[e - 1] < b->item[e]) && (b->weight == NULL || b->weight[e] >= 1));
	}
}

/* In a block of exactly its size, so that a sanitizer sees every read past the end. */
static bool
decode_copy(const unsigned char *bytes, size_t size, const Baskets *like)
{
	unsigned char *copy = memcpy(malloc(size + !size), bytes, size);
	Baskets		b;
	bool		accepted = decode(copy, size, like, &b);

	if (accepted)
		check_lists(&b);
	baskets_release(unit_env(), &b);
	free(copy);
	return accepted;
}

static void
check_codec(const Baskets *b)
{
	size_t		size = baskets_encoded_size(b);
	unsigned char *bytes = malloc(size + !size);
	Baskets		back;

	CHECK(baskets_encode(b, bytes) == bytes + size);
	CHECK(decode(bytes, size, b, &back) && same_baskets(b, &back));
	baskets_release(unit_env(), &back);
	for (int i = 0; i < 200 && size > 0; i++)
	{
		size_t		at = below(size);
		unsigned char old = bytes[at];

		/* cut off; the cut may lie between groups */
		decode_copy(bytes, at, b);
		bytes[at] = (unsigned char) (below(2) ? unit_random(&state) : old ^ (1 << below(8)));
		decode_copy(bytes, size, b);
		bytes[at] = old;
	}
	free(bytes);
}

static void
test_shape(const Shape *shape)
{
	Baskets		original = make_baskets(shape);
	Baskets		want;
	uint32_t   *want_key = NULL;

	for (int round = 0; round < 4; round++)
	{
		uint32_t   *code_of = permutation(shape->items);
		uint32_t   *key_order = malloc((shape->items + 1) * sizeof(uint32_t));
		Baskets		b = shuffled(&original, code_of);
		uint32_t   *key;

		for (uint32_t k = 0; k < shape->items; k++)
			key_order[code_of[k]] = k;
		key = canonical(&b, key_order);
		if (round == 0)
		{
			want = b;
			want_key = key;
			check_canonical(&want, want_key);
			check_contents(&want, want_key, &original);
			check_codec(&want);
		}
		else
		{
			CHECK(same_baskets(&b, &want) && memcmp(key, want_key, shape->items * sizeof(uint32_t)) == 0);
			baskets_release(unit_env(), &b);
			free(key);
		}
		free(code_of);
		free(key_order);
	}
	baskets_release(unit_env(), &want);
	baskets_release(unit_env(), &original);
	free(want_key);
}

/* Counts at the end of their range: full lists first, then what is left, whatever came first. */
static void
test_huge_repeats(void)
{
	static const uint32_t zero[1] = {0};

	for (int round = 0; round < 6; round++)
	{
		static const uint32_t repeats[] = {UINT32_MAX, 5, UINT32_MAX - 7, 1, 2};
		uint32_t   *order = permutation(5);
		Baskets		b;

		baskets_init(unit_env(), &b, false);
		b.num_items = 1;
		for (int i = 0; i < 5; i++)
		{
			baskets_reserve(unit_env(), &b, 1);
			b.item[b.start[b.num_lists]] = 0;
			baskets_close(&b, 1, repeats[order[i]]);
		}
		free(baskets_rank(unit_env(), &b, zero));
		baskets_fold(unit_env(), &b);
		CHECK(b.num_lists == 3);
		CHECK(b.repeat[0] == UINT32_MAX && b.repeat[1] == UINT32_MAX && b.repeat[2] == 1);
		baskets_release(unit_env(), &b);
		free(order);
	}
}

/* Bytes that say more than there is, or nothing. */
static void
test_bad_bytes(void)
{
	static const struct
	{
		const char *bytes;
		size_t		size;
		bool		weighted;
		bool		good;
	}			known[] = {
		{"", 0, false, true},
		{"\x01\x01\x00", 3, false, true},
		{"\x01\x01\x12", 3, false, true},	/* item 9, the last */
		{"\x01\x01\x14", 3, false, false},	/* item 10 */
		{"\x01\x01\x01\x00", 4, false, false},	/* repeat 0 */
		{"\x01\x01\x01\x01", 4, false, true},
		{"\x01\x01\x01\xff\xff\xff\xff\x0f", 8, false, true},
		{"\x01\x01\x01\x80\x80\x80\x80\x10", 8, false, false},	/* repeat 2^32 */
		{"\x00\x01\x00", 3, false, false},	/* lists of nothing */
		{"\x01\x00", 2, false, false},	/* no lists */
		{"\x01\x02\x00", 3, false, false},	/* one list less */
		{"\x02\x01\x00\x08", 4, false, true},	/* items 0 and 9 */
		{"\x02\x01\x00\x09", 4, false, false},	/* items 0 and 10 */
		{"\x02\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, false, false}, /* the gap wraps around */
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 21, false, false},
		{"\x01\x02\x12\x02", 4, false, false},	/* the second starts beyond the last item */
		{"\x01\x01\x00", 3, true, false},	/* no weight */
		{"\x01\x01\x00\x00", 4, true, true},
		{"\x01\x01\x00\xfe\xff\xff\xff\x0f", 8, true, true},
		{"\x01\x01\x00\xff\xff\xff\xff\x0f", 8, true, false},	/* weight 2^32 */
		{"\x01", 1, false, false},
		{"\x80", 1, false, false},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		uint32_t	weight;
		Baskets		like = {.num_items = 10, .weight = known[i].weighted ? &weight : NULL};

		CHECK(decode_copy((const unsigned char *) known[i].bytes, known[i].size, &like) == known[i].good);
	}
}

void
test_baskets(void)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		unit_begin(shapes[i].name);
		test_shape(&shapes[i]);
	}
	RUN(test_huge_repeats);
	RUN(test_bad_bytes);
}
