/*
 * test_pairs.c
 *		What baskets add to counts, against dense matrices that are counted from
 *		the definition, for random histories of changes.
 */
#include <math.h>
#include <stdlib.h>

#include "kernel/pairs.h"

#include "unit.h"

#define NUM_ITEMS		14
#define NUM_BASKETS		12
#define FIRST_DAY		-45
#define NUM_DAYS		90
#define CHANGES			1500		/* of baskets, by shape */

/* Every count of a model, by generation from that of FIRST_DAY on. */
typedef struct Counts
{
	int64_t		pair[NUM_DAYS][NUM_ITEMS][NUM_ITEMS];
	int64_t		source[NUM_DAYS][NUM_ITEMS];
	int64_t		target[NUM_DAYS][NUM_ITEMS];
	int64_t		total[NUM_DAYS];
} Counts;

typedef struct History
{
	Basket		source[NUM_BASKETS];
	Basket		target[NUM_BASKETS];
} History;

static uint64_t state = 7;

static uint32_t
below(uint32_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* --- from the definition ---------------------------------------------------- */

static int
generation_of(const PairShape *shape, int day)
{
	return shape->generation_days ? (int) floor((double) day / shape->generation_days) : 0;
}

/* A row of Counts. */
static int
place_of(const PairShape *shape, int32_t generation)
{
	return generation - generation_of(shape, FIRST_DAY);
}

static int64_t
weight_of(const PairShape *shape, uint32_t size)
{
	int			log = 0;

	while (size >> (log + 1))
		log++;
	return shape->damping > 0 ? (int64_t) round(65536 * pow(2, -shape->damping * log)) : shape->sequence ? 65536 : 1;
}

static int64_t
count_of(const PairShape *shape, int64_t weight, const BasketEntry *a, const BasketEntry *b)
{
	int64_t		distance = (int64_t) b->position - a->position;

	if (shape->directed)
		return weight * a->weight * b->weight;
	if (!shape->sequence)
		return a->code == b->code ? 0 : weight * a->weight * b->weight;
	return distance < 1 || distance > shape->window ? 0 : (int64_t) floor((double) weight / distance + 0.5);
}

static int
last_place(const PairShape *shape, const Basket *source, const Basket *target)
{
	int32_t		day = FIRST_DAY;

	for (uint32_t e = 0; e < source->size; e++)
		day = source->entry[e].day > day ? source->entry[e].day : day;
	for (uint32_t e = 0; e < target->size; e++)
		day = target->entry[e].day > day ? target->entry[e].day : day;
	return place_of(shape, generation_of(shape, day));
}

static void
count_basket(const PairShape *shape, const Basket *source, const Basket *other, Counts *counts)
{
	const Basket *target = shape->directed ? other : source;
	int64_t		weight = weight_of(shape, source->size);
	int			last = last_place(shape, source, target);

	if (source->size == 0 && target->size == 0)
		return;
	counts->total[last] += weight;
	for (uint32_t a = 0; a < source->size; a++)
	{
		const BasketEntry *s = source->entry + a;

		counts->source[last][s->code] += shape->sequence ? weight : weight * s->weight * s->weight;
		for (uint32_t b = 0; b < target->size; b++)
		{
			const BasketEntry *t = target->entry + b;
			int			day = s->day > t->day ? s->day : t->day;

			counts->pair[place_of(shape, generation_of(shape, day))][s->code][t->code] += count_of(shape, weight, s, t);
		}
	}
	for (uint32_t b = 0; b < target->size; b++)
	{
		const BasketEntry *t = target->entry + b;

		counts->target[last][t->code] += shape->sequence ? weight : weight * t->weight * t->weight;
	}
}

/* --- from differences -------------------------------------------------------- */

static bool
is_folded(const PairChanges *c)
{
	bool		ok = true;

	for (uint64_t p = 0; p < c->num_pairs; p++)
		ok = ok && c->pair[p].change != 0 &&
			(p == 0 || c->pair[p - 1].row < c->pair[p].row ||
			 (c->pair[p - 1].row == c->pair[p].row && c->pair[p - 1].item < c->pair[p].item));
	for (uint64_t m = 0; m < c->num_marginals; m++)
		ok = ok && (c->marginal[m].source != 0 || c->marginal[m].target != 0) &&
			(m == 0 || c->marginal[m - 1].row < c->marginal[m].row);
	for (uint64_t t = 0; t < c->num_totals; t++)
		ok = ok && c->total[t].change != 0 && (t == 0 || c->total[t - 1].generation < c->total[t].generation);
	return ok;
}

static void
apply(PairChanges *c, Counts *counts)
{
	pairs_fold(c);
	CHECK(is_folded(c));
	for (uint64_t p = 0; p < c->num_pairs; p++)
		counts->pair[place_of(&c->shape, pairs_row_generation(c->pair[p].row))][pairs_row_item(c->pair[p].row)][c->pair[p].item] +=
			c->pair[p].change;
	for (uint64_t m = 0; m < c->num_marginals; m++)
	{
		int			place = place_of(&c->shape, pairs_row_generation(c->marginal[m].row));

		counts->source[place][pairs_row_item(c->marginal[m].row)] += c->marginal[m].source;
		counts->target[place][pairs_row_item(c->marginal[m].row)] += c->marginal[m].target;
	}
	for (uint64_t t = 0; t < c->num_totals; t++)
		counts->total[place_of(&c->shape, c->total[t].generation)] += c->total[t].change;
	pairs_clear(c);
}

/* --- random baskets ---------------------------------------------------------- */

/* Places 0 to size - 1, in an order by chance. */
static void
shuffle_places(Basket *b)
{
	for (uint32_t e = 0; e < b->size; e++)
	{
		uint32_t	other = below(e + 1);

		b->entry[e].position = b->entry[other].position;
		b->entry[other].position = e;
	}
}

static void
random_entry(BasketEntry *entry, uint32_t code, uint32_t weights)
{
	*entry = (BasketEntry) {code, 1 + below(weights), FIRST_DAY + (int32_t) below(NUM_DAYS), 0};
}

static void
replace_basket(Basket *b, uint32_t weights)
{
	uint32_t	one_in = 1 + below(6);

	b->size = 0;
	for (uint32_t code = 0; code < NUM_ITEMS; code++)
		if (below(one_in) == 0)
			random_entry(&b->entry[b->size++], code, weights);
	shuffle_places(b);
}

/* Closes the place, as when an event is deleted. */
static void
remove_entry(Basket *b, uint32_t at)
{
	uint32_t	place = b->entry[at].position;

	memmove(b->entry + at, b->entry + at + 1, (--b->size - at) * sizeof(BasketEntry));
	for (uint32_t e = 0; e < b->size; e++)
		b->entry[e].position -= b->entry[e].position > place;
}

static void
insert_entry(Basket *b, uint32_t code, uint32_t weights)
{
	uint32_t	place = below(b->size + 1);

	for (uint32_t e = 0; e < b->size; e++)
		if (b->entry[e].code == code)
			return;
	for (uint32_t e = 0; e < b->size; e++)
		b->entry[e].position += b->entry[e].position >= place;
	random_entry(&b->entry[b->size], code, weights);
	b->entry[b->size++].position = place;
	basket_sort(b);
}

static void
change_basket(Basket *b, uint32_t weights)
{
	uint32_t	at = below(b->size ? b->size : 1);

	switch (b->size ? below(8) : 7)
	{
		case 0:
			b->size = 0;
			break;
		case 1:
			remove_entry(b, at);
			break;
		case 2:
			b->entry[at].weight = 1 + below(weights);
			break;
		case 3:
			b->entry[at].day = FIRST_DAY + (int32_t) below(NUM_DAYS);
			break;
		case 4:
			shuffle_places(b);
			break;
		case 5:
		case 6:
			insert_entry(b, below(NUM_ITEMS), weights);
			break;
		default:
			replace_basket(b, weights);
	}
}

static void
copy_basket(Basket *to, const Basket *from)
{
	memcpy(to->entry, from->entry, from->size * sizeof(BasketEntry));
	to->size = from->size;
}

static History *
new_history(void)
{
	History    *h = calloc(1, sizeof(History));

	for (int b = 0; b < NUM_BASKETS; b++)
	{
		basket_reserve(unit_env(), &h->source[b], NUM_ITEMS);
		basket_reserve(unit_env(), &h->target[b], NUM_ITEMS);
	}
	return h;
}

static void
free_history(History *h)
{
	for (int b = 0; b < NUM_BASKETS; b++)
	{
		basket_release(unit_env(), &h->source[b]);
		basket_release(unit_env(), &h->target[b]);
	}
	free(h);
}

/* --- the tests ---------------------------------------------------------------- */

static void
compare_with_definition(const PairShape *shape, const History *h, const Counts *counts)
{
	Counts	   *want = calloc(1, sizeof(Counts));

	for (int b = 0; b < NUM_BASKETS; b++)
		count_basket(shape, &h->source[b], &h->target[b], want);
	CHECK(memcmp(want, counts, sizeof(Counts)) == 0);
	free(want);
}

/* Entry by entry: the same as the difference from no basket, the items ascending. */
static void
compare_rows(const PairShape *shape, const Basket *source, const Basket *target)
{
	Counts	   *want = calloc(1, sizeof(Counts));
	Counts	   *got = calloc(1, sizeof(Counts));
	PairOfEntry *out = malloc(NUM_ITEMS * sizeof(PairOfEntry));

	count_basket(shape, source, target, want);
	for (uint32_t e = 0; e < source->size; e++)
	{
		uint32_t	n = pairs_of_entry(shape, source, target, e, out);

		for (uint32_t i = 0; i < n; i++)
		{
			CHECK(out[i].count != 0 && (i == 0 || out[i - 1].item < out[i].item));
			got->pair[place_of(shape, out[i].generation)][source->entry[e].code][out[i].item] += out[i].count;
		}
	}
	CHECK(memcmp(want->pair, got->pair, sizeof(want->pair)) == 0);
	free(want);
	free(got);
	free(out);
}

/* Folded now and then, as a refresh does, so that several changes of a basket meet in one fold. */
static void
check_shape(PairShape shape, uint32_t weights)
{
	History    *h = new_history();
	Counts	   *counts = calloc(1, sizeof(Counts));
	Basket		old_source = {0};
	Basket		old_target = {0};
	PairChanges c;

	pairs_init(unit_env(), &c, shape);
	basket_reserve(unit_env(), &old_source, NUM_ITEMS);
	basket_reserve(unit_env(), &old_target, NUM_ITEMS);
	for (int i = 0; i < CHANGES; i++)
	{
		uint32_t	b = below(NUM_BASKETS);
		uint32_t	what = below(3);

		copy_basket(&old_source, &h->source[b]);
		copy_basket(&old_target, &h->target[b]);
		if (what != 0)
			change_basket(&h->source[b], weights);
		if (what != 1)
			change_basket(&h->target[b], weights);
		pairs_diff(&c, &old_source, &old_target, &h->source[b], &h->target[b]);
		if (below(10) == 0)
		{
			apply(&c, counts);
			compare_with_definition(&shape, h, counts);
			compare_rows(&shape, &h->source[b], &h->target[b]);
		}
	}
	/* all baskets gone leave nothing */
	for (int b = 0; b < NUM_BASKETS; b++)
	{
		pairs_diff(&c, &h->source[b], &h->target[b], NULL, NULL);
		h->source[b].size = h->target[b].size = 0;
	}
	apply(&c, counts);
	compare_with_definition(&shape, h, counts);
	pairs_release(&c);
	basket_release(unit_env(), &old_source);
	basket_release(unit_env(), &old_target);
	free_history(h);
	free(counts);
}

static void
check_kind(bool directed, bool sequence, uint32_t window)
{
	static const double dampings[] = {0, 0.5, 2};
	static const int32_t generations[] = {0, 1, 7, 30};

	for (int d = 0; d < 3; d++)
		for (int g = 0; g < 4; g++)
			for (uint32_t weights = 1; weights <= 4; weights += 3)
				check_shape((PairShape) {directed, sequence, window, dampings[d], generations[g]}, weights);
}

static void
plain(void)
{
	check_kind(false, false, 0);
}

static void
directed(void)
{
	check_kind(true, false, 0);
}

static void
sequences(void)
{
	check_kind(false, true, 1);
	check_kind(false, true, 3);
	check_kind(false, true, UINT32_MAX);
}

static void
weights_of_sizes(void)
{
	PairShape	damped = {.damping = 0.5};
	PairShape	exact = {.damping = 0};
	PairShape	in_sequence = {.sequence = true, .window = 1};

	CHECK(pairs_basket_weight(&damped, 0) == 65536 && pairs_basket_weight(&damped, 1) == 65536);
	CHECK(pairs_basket_weight(&damped, 2) == 46341 && pairs_basket_weight(&damped, 3) == 46341);
	CHECK(pairs_basket_weight(&damped, 4) == 32768 && pairs_basket_weight(&damped, 7) == 32768);
	CHECK(pairs_basket_weight(&exact, 500) == 1 && pairs_basket_weight(&in_sequence, 500) == 65536);
	CHECK(pairs_basket_weight(&damped, UINT32_MAX) == 1);
}

static Basket
whole_basket(uint32_t size)
{
	Basket		b = {0};

	basket_reserve(unit_env(), &b, size);
	for (uint32_t e = 0; e < size; e++)
		b.entry[e] = (BasketEntry) {3 * e, 1, 9000, e};
	b.size = size;
	return b;
}

/* The promise of the header: what a change costs. */
static void
cost_follows_change(void)
{
	PairShape	shapes[] = {{.damping = 0.5}, {.directed = true, .generation_days = 30}, {.sequence = true, .window = 3}};
	uint64_t	most[] = {2 * 401, 2 * 401 + 1, 3 + 2 + 1};
	Basket		b = whole_basket(401);

	for (int s = 0; s < 3; s++)
	{
		Basket		less = b;
		PairChanges c;

		less.size--;
		pairs_init(unit_env(), &c, shapes[s]);
		pairs_diff(&c, &b, &b, &b, &b);
		CHECK(c.num_pairs == 0 && c.num_marginals == 0 && c.num_totals == 0);
		pairs_diff(&c, &less, &less, &b, &b);
		CHECK(c.num_pairs > 0 && c.num_pairs <= most[s]);
		CHECK(c.num_marginals <= 2 && c.num_totals == 0);
		CHECK(pairs_memory(&c) >= c.num_pairs * sizeof(PairChange));
		pairs_release(&c);
	}
	basket_release(unit_env(), &b);
}

/* Counts that cannot be right are taken back all the same. */
static void
extremes(void)
{
	BasketEntry entry[] = {{0, UINT32_MAX, INT32_MIN, 2}, {1, 1, -1, 1}, {UINT32_MAX - 1, UINT32_MAX, INT32_MAX, 0}};
	Basket		b = {3, 3, entry};
	PairShape	shapes[] = {{.generation_days = 1}, {.directed = true, .generation_days = 30}, {.damping = 2},
	{.sequence = true, .window = UINT32_MAX, .generation_days = INT32_MAX}};

	for (int s = 0; s < 4; s++)
	{
		PairChanges c;

		pairs_init(unit_env(), &c, shapes[s]);
		pairs_diff(&c, NULL, NULL, &b, &b);
		pairs_fold(&c);
		CHECK(c.num_pairs > 0 && is_folded(&c));
		pairs_diff(&c, &b, &b, NULL, NULL);
		pairs_fold(&c);
		CHECK(c.num_pairs == 0 && c.num_marginals == 0 && c.num_totals == 0);
		pairs_release(&c);
	}
}

static void
rows_and_generations(void)
{
	static const int32_t days[] = {INT32_MIN, INT32_MIN + 1, -31, -30, -29, -1, 0, 1, 29, 30, INT32_MAX};
	static const int32_t lengths[] = {1, 7, 30, 90, INT32_MAX};

	for (int l = 0; l < 5; l++)
	{
		PairShape	shape = {.generation_days = lengths[l]};

		for (int d = 0; d < 11; d++)
		{
			int32_t		generation = pairs_generation(&shape, days[d]);
			uint64_t	row = pairs_row(UINT32_MAX - 1, generation);

			CHECK(generation == floor((double) days[d] / lengths[l]));
			CHECK(pairs_row_item(row) == UINT32_MAX - 1 && pairs_row_generation(row) == generation);
			CHECK(d == 0 || pairs_row(5, pairs_generation(&shape, days[d - 1])) <= pairs_row(5, generation));
			CHECK(pairs_row(4, INT32_MAX) < pairs_row(5, generation));
		}
	}
}

void
test_pairs(void)
{
	RUN(weights_of_sizes);
	RUN(rows_and_generations);
	RUN(plain);
	RUN(directed);
	RUN(sequences);
	RUN(cost_follows_change);
	RUN(extremes);
}
