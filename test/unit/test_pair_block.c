/*
 * test_pair_block.c
 *		Rows of ranges of items, by both ways to count them, against a count of every pair by the definition in
 *		pairs.h, for every shape and wherever the ranges end.
 */
#include "kernel/pair_block.h"
#include "kernel/pair_lists.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

#define NUM_BASKETS 120
#define FIRST_DAY (-70)
#define NUM_DAYS 200

static uint64_t state;

static uint32_t
below(uint64_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* --- data ------------------------------------------------------------------- */

/* Distinct items, the small ones more often, ascending. */
static void
random_basket(Basket *b, uint32_t size, uint32_t num_items, uint32_t most_weight)
{
	bool	   *in = calloc(num_items, sizeof(bool));

	basket_reserve(unit_env(), b, size);
	for (b->size = 0; b->size < size;)
	{
		uint32_t	item = below(2) ? below(num_items) : below(1 + num_items / 8);

		if (in[item])
			continue;
		in[item] = true;
		b->entry[b->size++] = (BasketEntry) {item, 1 + below(most_weight), FIRST_DAY + (int32_t) below(NUM_DAYS), 0};
	}
	for (uint32_t e = 0; e < b->size; e++)
	{
		uint32_t	other = below(e + 1);

		b->entry[e].position = b->entry[other].position;
		b->entry[other].position = e;
	}
	/* by day, as positions are */
	for (uint32_t e = 0; e < b->size; e++)
		b->entry[e].day = FIRST_DAY + (int32_t) (b->entry[e].position * NUM_DAYS / b->size);
	basket_sort(b);
	free(in);
}

typedef struct Data
{
	uint32_t	num_items;
	Basket		source[NUM_BASKETS];
	Basket		target[NUM_BASKETS];
} Data;

/* One of both may be empty. */
static Data *
make_data(uint32_t num_items, uint32_t most_weight)
{
	Data	   *d = calloc(1, sizeof(Data));
	uint32_t	longest = num_items < 24 ? num_items : 24;

	d->num_items = num_items;
	for (int b = 0; b < NUM_BASKETS; b++)
	{
		random_basket(d->source + b, below(longest + 1), num_items, most_weight);
		random_basket(d->target + b, below(longest + 1), num_items, most_weight);
	}
	return d;
}

static void
free_data(Data *d)
{
	for (int b = 0; b < NUM_BASKETS; b++)
	{
		free(d->source[b].entry);
		free(d->target[b].entry);
	}
	free(d);
}

/* --- brute force ------------------------------------------------------------- */

/* Counts by generation from the first, item, and item. */
typedef struct Counts
{
	int32_t		first_generation;
	uint32_t	num_generations;
	int64_t    *count;
} Counts;

static int64_t
count_of(const PairShape *shape, uint32_t size, const BasketEntry *a, const BasketEntry *b)
{
	double		w = 1;

	if (shape->damping > 0)
		w = round(65536 * pow(2, -shape->damping * floor(log2(size))));
	else if (shape->sequence)
		w = 65536;
	if (!shape->sequence)
		return (int64_t) w * a->weight * b->weight;
	if (b->position <= a->position || b->position - a->position > shape->window)
		return 0;
	return (int64_t) floor(w / (b->position - a->position) + 0.5);
}

static Counts
count_all(const Data *d, const PairShape *shape)
{
	Counts		c = {pairs_generation(shape, FIRST_DAY)};
	size_t		n = d->num_items;

	c.num_generations = pairs_generation(shape, FIRST_DAY + NUM_DAYS) - c.first_generation + 1;
	c.count = calloc(c.num_generations * n * n, sizeof(int64_t));
	for (int b = 0; b < NUM_BASKETS; b++)
	{
		const Basket *source = d->source + b;
		const Basket *target = shape->directed ? d->target + b : source;

		for (uint32_t e = 0; e < source->size; e++)
			for (uint32_t f = 0; f < target->size; f++)
			{
				const BasketEntry *x = source->entry + e;
				const BasketEntry *y = target->entry + f;
				int32_t		day = x->day > y->day ? x->day : y->day;

				if (shape->directed || e != f)
					c.count[((pairs_generation(shape, day) - c.first_generation) * n + x->code) * n + y->code] +=
						count_of(shape, source->size, x, y);
			}
	}
	return c;
}

/* --- comparisons --------------------------------------------------------------- */

/* A row as the kernel gave it. */
static void
check_row(const Data *d, const Counts *c, uint32_t item, uint32_t generation,
		  const uint32_t *items, const int64_t *counts, uint32_t n)
{
	const int64_t *want = c->count + ((size_t) generation * d->num_items + item) * d->num_items;
	uint32_t	at = 0;

	for (uint32_t i = 0; i < d->num_items; i++)
	{
		if (want[i] == 0)
			continue;
		CHECK(at < n && items[at] == i && counts[at] == want[i]);
		at++;
	}
	CHECK(at == n);
}

/* Ranges of random sizes up to the largest, one after the other. */
static void
check_shape(const Data *d, const PairShape *shape, uint32_t max_items)
{
	Counts		c = count_all(d, shape);
	PairBlock  *block = pair_block_create(unit_env(), *shape, d->num_items, max_items, c.first_generation, c.num_generations);

	for (uint32_t first = 0, n; first < d->num_items; first += n)
	{
		n = 1 + below(max_items);
		n = n < d->num_items - first ? n : d->num_items - first;
		pair_block_begin(block, first, n);
		for (int b = 0; b < NUM_BASKETS; b++)
			pair_block_add(block, d->source + b, shape->directed ? d->target + b : d->source + b);
		for (uint32_t i = first; i < first + n; i++)
			for (uint32_t g = 0; g < c.num_generations; g++)
			{
				const uint32_t *items;
				const int64_t *counts;
				uint32_t	size = pair_block_row(block, i, c.first_generation + g, &items, &counts);

				check_row(d, &c, i, g, items, counts, size);
			}
	}
	pair_block_release(block);
	free(c.count);
}

/* The same from lists, as many rows in a pass as fit; returns how many passes it took. */
static int
check_lists(const Data *d, const PairShape *shape, size_t bytes)
{
	Counts		c = count_all(d, shape);
	PairLists  *lists = pair_lists_create(unit_env(), *shape, d->num_items, c.first_generation, c.num_generations, bytes);
	int			passes = 0;

	for (uint32_t first = 0, n; first < d->num_items; first += n, passes++)
	{
		pair_lists_begin(lists, first, d->num_items - first);
		for (int b = 0; b < NUM_BASKETS; b++)
			pair_lists_add(lists, d->source + b, shape->directed ? d->target + b : NULL);
		n = pair_lists_end(lists);
		CHECK(n >= 1 && n <= d->num_items - first);
		for (uint32_t i = first; i < first + n; i++)
			for (uint32_t g = 0; g < c.num_generations; g++)
			{
				const uint32_t *items;
				const int64_t *counts;
				uint32_t	size = pair_lists_row(lists, i, c.first_generation + g, &items, &counts);

				check_row(d, &c, i, g, items, counts, size);
			}
	}
	pair_lists_release(lists);
	free(c.count);
	return passes;
}

/* --- tests ------------------------------------------------------------------------ */

static const PairShape shapes[] = {
	{.damping = 0},
	{.damping = 0.5},
	{.directed = true},
	{.directed = true, .damping = 1},
	{.sequence = true, .window = 1},
	{.sequence = true, .window = 5, .damping = 0.5},
	{.generation_days = 30},
	{.directed = true, .generation_days = 7},
	{.sequence = true, .window = 100, .generation_days = 30},
};

static void
test_shapes(void)
{
	/* a few items, the edges of a span of bits, and more than a word of them */
	static const uint32_t sizes[] = {1, 2, 30, 511, 512, 513, 1300};

	for (int s = 0; s < 7; s++)
	{
		Data	   *d = make_data(sizes[s], s % 2 ? 1 : 5);

		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		{
			if (s > 2 && (i + s) % 3 != 0)
				continue;
			check_shape(d, &shapes[i], sizes[s]);
			check_shape(d, &shapes[i], 1 + sizes[s] / 7);
			if (sizes[s] <= 30)
				check_shape(d, &shapes[i], 1);
			CHECK(check_lists(d, &shapes[i], 1000000) == 1);
			check_lists(d, &shapes[i], 8000);
			check_lists(d, &shapes[i], 0);
		}
		free_data(d);
	}
}

/* Bits of spans take more than a word: too many items for a count of all pairs. */
static void
test_wide(void)
{
	enum
	{
		num_items = 200000
	};
	PairShape	shape = {.damping = 0};
	PairBlock  *block = pair_block_create(unit_env(), shape, num_items, 3, 0, 1);
	BasketEntry entry[] = {{4, 1}, {5, 2}, {511, 3}, {512, 1}, {65535, 1}, {199999, 7}};
	Basket		basket = {6, 6, entry};
	const uint32_t *items;
	const int64_t *counts;

	for (int round = 0; round < 2; round++)
	{
		pair_block_begin(block, 4, 3);
		pair_block_add(block, &basket, &basket);
		pair_block_add(block, &basket, &basket);
		CHECK(pair_block_row(block, 5, 0, &items, &counts) == 5);
		for (int e = 0; e < 5; e++)
			CHECK(items[e] == entry[e + (e > 0)].code && counts[e] == 4 * entry[e + (e > 0)].weight);
		CHECK(pair_block_row(block, 6, 0, &items, &counts) == 0);
		CHECK(pair_block_row(block, 5, 1, &items, &counts) == 0);
	}
	pair_block_begin(block, 199999, 1);
	CHECK(pair_block_row(block, 199999, 0, &items, &counts) == 0);
	pair_block_release(block);
}

/* The environment of the other tests, with a count of what is held. */
static size_t held;

static void
counting_release(Env *env, void *ptr)
{
	if (ptr == NULL)
		return;
	held -= ((size_t *) ptr)[-2];
	free((size_t *) ptr - 2);
}

static void *
counting_resize(Env *env, void *ptr, size_t size)
{
	size_t	   *block = malloc(size + 2 * sizeof(size_t));

	CHECK(ptr == NULL);
	block[0] = size;
	held += size;
	return block + 2;
}

static void
no_check(Env *env, uint64_t done, uint64_t total)
{
}

static PairLists *
check_fixed(Env *env, uint32_t num_items, uint32_t generations)
{
	PairLists  *lists = pair_lists_create(env, shapes[0], num_items, 0, generations, 0);

	CHECK(held <= pair_lists_fixed_memory(num_items, generations) + 1024);
	CHECK(held > pair_lists_fixed_memory(num_items, generations) * 0.9 - 20000);
	return lists;
}

/* What may be used is not passed, and used. */
static void
test_memory(void)
{
	Env			env = {counting_resize, counting_release, no_check};

	for (uint32_t generations = 1; generations < 10; generations += 4)
		for (uint32_t num_items = 100; num_items < 100000; num_items *= 5)
		{
			size_t		bytes = 8 * 1024 * 1024;
			uint32_t	n = pair_block_items(bytes, num_items, generations);
			PairBlock  *block = pair_block_create(&env, shapes[0], num_items, n, 0, generations);

			CHECK(n >= 1 && n <= num_items);
			CHECK(held <= bytes + 64 || n == 1);
			CHECK(held > bytes / 2 || n == num_items || n < 4);
			pair_block_release(block);
			CHECK(held == 0);
			pair_lists_release(check_fixed(&env, num_items, generations));
			CHECK(held == 0);
		}
	CHECK(pair_block_items(0, 1000, 1) == 1);
	CHECK(pair_block_items(1000, 0, 1) == 1);
}

void
test_pair_block(void)
{
	state = 5;
	RUN(test_shapes);
	RUN(test_wide);
	RUN(test_memory);
}
