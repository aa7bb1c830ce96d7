/*
 * test_pair_best.c
 *		The best neighbors against scoring and sorting all counts, bit for bit; bounds that
 *		turn nothing away that counts; and patches of lists against making them again.
 */
#include "kernel/pair_best.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

static uint64_t state;

static uint32_t
below(uint64_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* --- data ------------------------------------------------------------------- */

/* n of items and the counts of a few rows, dense: what a model has at one time. */
typedef struct Model
{
	PairContext context;
	double		unit;			/* what a count of 1 is worth */
	double	   *n;
	uint32_t   *order;
	uint32_t	num_rows;		/* of items 0, stride, 2 * stride, ... */
	uint32_t	stride;
	double	   *count;			/* by row and item */
} Model;

/* Ranks as popular as Zipf's, or in no order at all, as in a catalog that has changed much. */
static double
random_n(uint32_t rank, uint32_t num_items, bool shuffled)
{
	uint32_t	place = shuffled ? below(num_items) : rank;

	return 2 + floor(20.0 * num_items / (place + 1 + below(3)));
}

static Model
make_model(uint32_t num_items, uint32_t num_rows, double density, double unit, bool shuffled)
{
	Model		m = {.unit = unit, .num_rows = num_rows, .stride = num_items / num_rows};

	m.n = malloc(num_items * sizeof(double));
	m.order = malloc(num_items * sizeof(uint32_t));
	m.count = calloc((size_t) num_rows * num_items, sizeof(double));
	for (uint32_t i = 0; i < num_items; i++)
	{
		uint32_t	other = below(i + 1);

		m.n[i] = random_n(i, num_items, shuffled) * unit;
		m.order[i] = m.order[other];
		m.order[other] = i;
	}
	for (uint32_t r = 0; r < num_rows; r++)
		for (uint32_t i = 0; i < num_items; i++)
			if (below(1000000) < density * 1e6 && i != r * m.stride)
			{
				double		most = fmin(m.n[i], m.n[r * m.stride]) / unit;

				m.count[(size_t) r * num_items + i] = unit * (1 + floor(below(1 + below(1 + below(most)))));
			}
	m.context = (PairContext)
	{
		.num_items = num_items, .n_source = m.n, .n_target = m.n, .total = 50.0 * num_items * unit, .order = m.order
	};
	return m;
}

static void
free_model(Model *m)
{
	free(m->n);
	free(m->order);
	free(m->count);
}

/* A row as the kernel gets it. */
typedef struct Row
{
	uint32_t	item;			/* whose it is */
	uint32_t	size;
	uint32_t   *items;
	double	   *counts;
} Row;

static Row
row_of(const Model *m, uint32_t r)
{
	uint32_t	num_items = m->context.num_items;
	Row			row = {r * m->stride, 0};

	row.items = malloc((num_items + 1) * sizeof(uint32_t));
	row.counts = malloc((num_items + 1) * sizeof(double));
	for (uint32_t i = 0; i < num_items; i++)
		if (m->count[(size_t) r * num_items + i] > 0)
		{
			row.items[row.size] = i;
			row.counts[row.size++] = m->count[(size_t) r * num_items + i];
		}
	return row;
}

static void
free_row(Row *row)
{
	free(row->items);
	free(row->counts);
}

/* --- brute force -------------------------------------------------------------- */

/* What qsort compares, which has no argument for it. */
static const uint32_t *key_order;

static int
compare_neighbors(const void *a, const void *b)
{
	const CooccurNeighbor *x = a;
	const CooccurNeighbor *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return key_order[x->item] < key_order[y->item] ? -1 : 1;
}

/* All neighbors, best first. */
static CooccurNeighbor *
rank_all(const PairContext *x, const Row *row, uint32_t *size)
{
	CooccurNeighbor *all = malloc((row->size + 1) * sizeof(CooccurNeighbor));

	*size = 0;
	for (uint32_t e = 0; e < row->size; e++)
	{
		uint32_t	other = row->items[e];

		if (other != row->item && row->counts[e] > 0 && row->counts[e] >= x->min_count)
			all[(*size)++] = (CooccurNeighbor)
			{
				measure_score(&x->measure, row->counts[e], x->n_source[row->item], x->n_target[other], x->total),
				row->counts[e], other
			};
	}
	key_order = x->order;
	qsort(all, *size, sizeof(CooccurNeighbor), compare_neighbors);
	return all;
}

static bool
same(const CooccurNeighbor *a, const CooccurNeighbor *b, uint32_t n)
{
	for (uint32_t q = 0; q < n; q++)
		if (a[q].item != b[q].item || a[q].count != b[q].count || a[q].score != b[q].score)
			return false;
	return true;
}

/* --- searching ------------------------------------------------------------------ */

static void
check_row(PairBest *best, const PairContext *x, const Row *row)
{
	uint32_t	num_all;
	CooccurNeighbor *all = rank_all(x, row, &num_all);
	CooccurNeighbor *got = malloc((x->k < row->size ? x->k : row->size + 1) * sizeof(CooccurNeighbor));
	uint32_t	want = num_all < x->k ? num_all : x->k;
	double		floor;
	uint32_t	size = pair_best(best, row->item, row->items, row->counts, row->size, got, &floor);

	CHECK(size == want && same(got, all, want));
	CHECK(floor == (num_all > x->k ? all[x->k].score : -INFINITY));
	free(got);
	free(all);
}

/* One searcher serves all rows, twice, so that what it learns from one has to serve the next. */
static void
check_model(Model *m)
{
	static const uint32_t ks[] = {1, 5, 50, 700};

	for (int i = 0; i < measure_table_size * 4; i++)
	{
		PairBest   *best;

		m->context.measure = (Measure) {&measure_table[i / 4], measure_table[i / 4].defaults};
		m->context.k = ks[i % 4];
		m->context.min_count = (i / 2 % 4) * m->unit;
		best = pair_best_create(unit_env(), &m->context);
		for (uint32_t r = 0; r < 2 * m->num_rows; r++)
		{
			Row			row = row_of(m, r % m->num_rows);

			check_row(best, &m->context, &row);
			free_row(&row);
		}
		pair_best_release(best);
	}
}

static void
test_search(void)
{
	for (int i = 0; i < 8; i++)
	{
		Model		m = make_model(i % 2 ? 3000 : 700, 12, i % 4 < 2 ? 0.4 : 0.05, i < 4 ? 1 : 0.37, i % 3 == 0);

		check_model(&m);
		free_model(&m);
	}
}

/* Rows that other models are made of: from one kind of n to another, and with the item itself in them. */
static void
test_directed(void)
{
	Model		m = make_model(900, 6, 0.3, 1, false);
	double	   *n_target = malloc(900 * sizeof(double));

	for (uint32_t i = 0; i < 900; i++)
		n_target[i] = m.n[i] + below(1000);
	m.context.n_target = n_target;
	for (uint32_t r = 0; r < m.num_rows; r++)
		m.count[(size_t) r * 900 + r * m.stride] = 2;
	check_model(&m);
	free(n_target);
	free_model(&m);
}

/* Many more than a chunk, all alike: only the keys tell them apart. */
static void
test_ties(void)
{
	Model		m = make_model(5000, 3, 0.8, 1, false);

	for (uint32_t i = 0; i < 5000; i++)
		m.n[i] = 40;
	for (uint32_t c = 0; c < 3 * 5000; c++)
		m.count[c] = m.count[c] > 0 ? 1 : 0;
	check_model(&m);
	free_model(&m);
}

/* No items, no counts, no count above 0, and n that contradict the counts. */
static void
test_odd(void)
{
	static const double n[4] = {5, 0, NAN, 1e300};
	static const uint32_t order[4] = {3, 1, 0, 2};
	static const uint32_t items[4] = {0, 1, 2, 3};
	static const double counts[4] = {0, 3, 2, NAN};

	for (int i = 0; i < measure_table_size; i++)
	{
		PairContext x = {{&measure_table[i], measure_table[i].defaults}, 2, 0, 4, n, n, 10, order};
		PairContext none = {{&measure_table[i], measure_table[i].defaults}, 2, 0, 0, n, n, 0, order};
		PairBest   *best = pair_best_create(unit_env(), &x);
		CooccurNeighbor out[2];
		double		floor;

		CHECK(pair_best(best, 0, items, counts, 0, out, &floor) == 0 && floor == -INFINITY);
		CHECK(pair_best(best, 3, items, counts, 4, out, &floor) == 2 && floor == -INFINITY);
		CHECK(!isnan(out[0].score) && !isnan(out[1].score));
		pair_best_release(best);
		best = pair_best_create(unit_env(), &none);
		pair_best_release(best);
	}
}

/* --- bounds ----------------------------------------------------------------------- */

/* Returns whether it was turned away; whatever was, does not score the floor, now or with a larger n. */
static bool
check_bound(PairBest *best, Model *m, uint32_t item, double floor)
{
	PairContext *x = &m->context;
	uint32_t	other = below(x->num_items);
	double		most = fmin(m->n[item], m->n[other]) / m->unit;
	double		count = (1 + below(1 + below(most))) * m->unit;
	bool		may = pair_best_may_pass(best, item, floor, m->n[other], count);

	if (may)
		return false;
	for (double more = 0; m->n[other] + more <= x->total / 2; more = more * 3 + m->unit)
		CHECK(measure_score(&x->measure, count, m->n[item], m->n[other] + more, x->total) < floor);
	return true;
}

/* Floors as lists have them.  A bound that turns nothing away would pass, too. */
static void
test_may_pass(void)
{
	for (int i = 0; i < measure_table_size * 2; i++)
	{
		Model		m = make_model(1500, 10, 0.5, i % 2 ? 1 : 0.05, i % 3 == 0);
		const MeasureInfo *info = &measure_table[i / 2];
		PairBest   *best;
		CooccurNeighbor list[20];
		uint32_t	refused = 0;

		m.context.measure = (Measure) {info, info->defaults};
		m.context.k = 20;
		best = pair_best_create(unit_env(), &m.context);
		for (uint32_t r = 0; r < m.num_rows; r++)
		{
			Row			row = row_of(&m, r);
			double		floor;

			pair_best(best, row.item, row.items, row.counts, row.size, list, &floor);
			for (int t = 0; t < 2000; t++)
				refused += check_bound(best, &m, row.item, floor);
			CHECK(pair_best_may_pass(best, row.item, -INFINITY, 1, 1));
			free_row(&row);
		}
		CHECK(info->need == NULL ? refused == 0 : refused > 20000 / 4);
		pair_best_release(best);
		free_model(&m);
	}
}

/* --- patches ------------------------------------------------------------------------ */

/* What stands in a face and beside it. */
typedef struct List
{
	CooccurNeighbor *neighbor;
	uint32_t	size;
	double		floor;
} List;

/* A model at two times. */
typedef struct Step
{
	double	   *old_n;
	double	   *old_count;
	bool	   *is_row;			/* by item: its n does not change */
} Step;

static void
change(Model *m, Step *s, uint32_t items_changed, uint32_t counts_changed)
{
	uint32_t	num_items = m->context.num_items;

	memcpy(s->old_n, m->n, num_items * sizeof(double));
	memcpy(s->old_count, m->count, (size_t) m->num_rows * num_items * sizeof(double));
	for (uint32_t c = 0; c < items_changed; c++)
	{
		uint32_t	i = below(num_items);
		double		least = 2 * m->unit;

		for (uint32_t r = 0; r < m->num_rows; r++)
			least = fmax(least, m->count[(size_t) r * num_items + i]);
		if (!s->is_row[i])
			m->n[i] = fmax(least, m->n[i] + ((double) below(7) - 3) * m->unit);
	}
	for (uint32_t r = 0; r < m->num_rows; r++)
		for (uint32_t c = 0; c < counts_changed; c++)
		{
			uint32_t	i = below(num_items);
			double	   *count = m->count + (size_t) r * num_items + i;
			double		most = fmin(m->n[i], m->n[r * m->stride]);

			if (i != r * m->stride && (*count > 0 || below(20) == 0))
				*count = fmax(0, fmin(most, *count + ((double) below(3) - 1) * m->unit));
		}
}

/* What a refresh offers: all that changed, and is in the list or may pass its floor. */
static uint32_t
make_offers(PairBest *best, const Model *m, const Step *s, uint32_t r, const List *list, PairOffer *offers)
{
	uint32_t	num_items = m->context.num_items;
	uint32_t	n = 0;

	for (uint32_t i = 0; i < num_items; i++)
	{
		double		count = m->count[(size_t) r * num_items + i];
		bool		listed = false;

		if (m->n[i] == s->old_n[i] && count == s->old_count[(size_t) r * num_items + i])
			continue;
		for (uint32_t q = 0; q < list->size; q++)
			listed |= list->neighbor[q].item == i;
		if (listed || pair_best_may_pass(best, r * m->stride, list->floor, m->n[i], count))
			offers[n++] = (PairOffer) {i, count};
	}
	return n;
}

/* Brings one list up to date; whether a patch did. */
static bool
check_patch(PairBest *best, const Model *m, const Step *s, uint32_t r, List *list, PairOffer *offers)
{
	Row			row = row_of(m, r);
	uint32_t	n = make_offers(best, m, s, r, list, offers);
	uint32_t	num_all;
	CooccurNeighbor *all = rank_all(&m->context, &row, &num_all);
	uint32_t	want = num_all < m->context.k ? num_all : m->context.k;
	bool		patched = pair_best_patch(best, row.item, list->neighbor, &list->size, &list->floor, offers, n);

	if (patched)
	{
		CHECK(list->size == want && same(list->neighbor, all, want));
		CHECK(num_all <= want || list->floor >= all[want].score);
	}
	else
		list->size = pair_best(best, row.item, row.items, row.counts, row.size, list->neighbor, &list->floor);
	free(all);
	free_row(&row);
	return patched;
}

/* Returns the share of lists that were patched. */
static double
run_steps(Model *m, int steps, uint32_t items_changed, uint32_t counts_changed)
{
	uint32_t	num_items = m->context.num_items;
	List	   *list = calloc(m->num_rows, sizeof(List));
	PairOffer  *offers = malloc(num_items * sizeof(PairOffer));
	Step		s = {malloc(num_items * sizeof(double)), malloc((size_t) m->num_rows * num_items * sizeof(double)),
	calloc(num_items, sizeof(bool))};
	uint32_t	patched = 0;

	for (uint32_t r = 0; r < m->num_rows; r++)
	{
		s.is_row[r * m->stride] = true;
		/* unknown, as in a table that says nothing about it */
		list[r] = (List) {malloc(m->context.k * sizeof(CooccurNeighbor)), 0, NAN};
	}
	for (int t = 0; t < steps; t++)
	{
		PairBest   *best;

		change(m, &s, items_changed, counts_changed);
		best = pair_best_create(unit_env(), &m->context);
		for (uint32_t r = 0; r < m->num_rows; r++)
			patched += check_patch(best, m, &s, r, list + r, offers);
		pair_best_release(best);
	}
	for (uint32_t r = 0; r < m->num_rows; r++)
		free(list[r].neighbor);
	free(list);
	free(offers);
	free(s.old_n);
	free(s.old_count);
	free(s.is_row);
	return patched / (double) (m->num_rows * (steps - 1));
}

static const char *const patched_measures[] = {"kernel", "cosine", "jaccard", "conditional", "count", "overlap"};

/* Short lists and long ones, full ones and such that hold all there is; far more changes than a refresh has. */
static void
test_patch(void)
{
	for (int i = 0; i < 24; i++)
	{
		Model		m = make_model(400, 8, i % 4 < 2 ? 0.3 : 0.02, i % 3 ? 1 : 0.25, false);
		const MeasureInfo *info = measure_find(patched_measures[i % 6]);

		m.context.measure = (Measure) {info, info->defaults};
		m.context.k = i % 8 < 3 ? 5 : 30;
		m.context.min_count = i % 5 == 0 ? 2 * m.unit : 0;
		run_steps(&m, 150, 1 + below(40), 1 + below(20));
		free_model(&m);
	}
}

/* What it is for: a list of 50 of about 1,000 when a hundredth of all items changed a bit. */
static void
test_patch_succeeds(void)
{
	for (int i = 0; i < 6; i++)
	{
		Model		m = make_model(2000, 8, 0.5, 1, false);
		const MeasureInfo *info = measure_find(patched_measures[i]);

		m.context.measure = (Measure) {info, info->defaults};
		m.context.k = 50;
		CHECK(run_steps(&m, 100, 20, 10) > 0.9);
		free_model(&m);
	}
}

/* An offer that comes twice counts as it came last; the item itself and what is none do no harm. */
static void
test_patch_offers(void)
{
	static const double n[4] = {9, 9, 9, 9};
	static const uint32_t order[4] = {0, 1, 2, 3};
	PairContext x = {{measure_find("count")}, 2, 0, 4, n, n, 20, order};
	PairBest   *best = pair_best_create(unit_env(), &x);
	CooccurNeighbor list[2] = {{5, 5, 1}, {4, 4, 2}};
	PairOffer	offers[] = {{1, 9}, {3, 3}, {0, 8}, {1, 6}, {3, 0}};
	uint32_t	size = 2;
	double		floor = 3;

	CHECK(pair_best_patch(best, 0, list, &size, &floor, offers, 5));
	CHECK(size == 2 && list[0].item == 1 && list[0].score == 6 && list[1].item == 2 && floor == 3);
	/* a list that was full, and is not any more */
	CHECK(!pair_best_patch(best, 0, list, &size, &floor, (PairOffer[]) {{1, 0}}, 1));
	pair_best_release(best);
}

void
test_pair_best(void)
{
	state = 3;
	RUN(test_search);
	RUN(test_directed);
	RUN(test_ties);
	RUN(test_odd);
	RUN(test_may_pass);
	RUN(test_patch);
	RUN(test_patch_succeeds);
	RUN(test_patch_offers);
}
