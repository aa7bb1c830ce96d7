/*
 * test_cooccur.c
 *		Both ways through the product against a count of every pair of every
 *		basket: the same items, counts and scores to the last bit, in the same order.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/baskets.h"
#include "kernel/cooccur.h"
#include "kernel/radix.h"
#include "kernel/simd.h"
#include "unit.h"

typedef struct Shape
{
	const char *name;
	uint32_t	items;
	uint32_t	lists;			/* of shortest to longest items, the small ones more often unless even */
	uint32_t	shortest;
	uint32_t	longest;
	uint32_t	triples;		/* lists of items 0, 1 and another */
	bool		even;
	int			measures;		/* every so many of them */
	int			queries;		/* that many of the list below */
} Shape;

static const Shape shapes[] = {
	{"five items", 5, 40, 1, 5, 0, false, 1, 8},
	{"511 items", 511, 300, 1, 12, 0, true, 1, 8},
	{"512 items", 512, 300, 1, 12, 0, false, 4, 8},
	{"513 items", 513, 300, 1, 12, 0, true, 4, 8},
	{"a head, items to spare", 700, 150, 1, 80, 0, false, 1, 8},
	{"several spans of head", 1700, 40, 60, 200, 0, true, 5, 8},
	{"3,000 items, many in no list", 3000, 1500, 1, 25, 0, false, 2, 8},
	{"255 lists", 30, 0, 1, 1, 255, false, 6, 8},
	{"256 lists", 30, 0, 1, 1, 256, false, 6, 8},
	{"65,535 lists", 30, 0, 1, 1, 65535, false, 6, 8},
	{"65,536 lists", 30, 0, 1, 1, 65536, false, 6, 8},
	{"more than 65,535 lists", 200, 200, 2, 3, 66000, false, 3, 8},
	{"more than 65,535 lists, with a head", 600, 1200, 2, 70, 66000, false, 6, 4},
	{"more than 65,536 columns", 73000, 40000, 1, 9, 66000, true, 10, 1},
};

/* First what is quickest, for shapes that take a part only. */
static const struct
{
	uint32_t	k;
	double		min_count;
}			queries[] = {
	{5, 1}, {50, 3}, {400, 1}, {1, 3}, {1, 1}, {5, 3}, {50, 1}, {400, 3}
};

static uint64_t state;

static uint32_t
below(uint64_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* --- data ----------------------------------------------------------------- */

static void
append_list(Baskets *b, const Shape *shape, uint32_t size)
{
	uint64_t	at = b->start[b->num_lists];
	uint32_t	used = shape->even ? shape->items : shape->items * 9 / 10 + 1;

	baskets_reserve(unit_env(), b, size);
	for (uint32_t e = 0; e < size;)
	{
		uint32_t	item = shape->even ? below(used) : below(1 + below(used));
		uint32_t	d = 0;

		while (d < e && b->item[at + d] != item)
			d++;
		if (d == e)
			b->item[at + e++] = item;
	}
	baskets_close(b, size, 1);
}

static void
append_triple(Baskets *b, const Shape *shape)
{
	uint32_t   *item;

	baskets_reserve(unit_env(), b, 3);
	item = b->item + b->start[b->num_lists];
	item[0] = 0;
	item[1] = 1;
	item[2] = 2 + below(below(2) ? 20 : shape->items - 2);
	baskets_close(b, 3, 1);
}

/* Baskets by rank and the place of each rank among the keys, which are in no order. */
typedef struct Data
{
	Baskets		baskets;
	uint32_t   *order;
} Data;

static Data
make_data(const Shape *shape)
{
	uint32_t   *key_order = malloc(shape->items * sizeof(uint32_t));
	uint32_t   *code;
	Data		data;

	baskets_init(unit_env(), &data.baskets, false);
	data.baskets.num_items = shape->items;
	for (uint32_t l = 0; l < shape->lists; l++)
		append_list(&data.baskets, shape, shape->shortest + below(shape->longest - shape->shortest + 1));
	for (uint32_t l = 0; l < shape->triples; l++)
		append_triple(&data.baskets, shape);
	for (uint32_t i = 0; i < shape->items; i++)
	{
		uint32_t	other = below(i + 1);

		key_order[i] = key_order[other];
		key_order[other] = i;
	}
	code = baskets_rank(unit_env(), &data.baskets, key_order);
	for (uint32_t r = 0; r < shape->items; r++)
		code[r] = key_order[code[r]];
	data.order = code;
	free(key_order);
	return data;
}

static void
free_data(Data *data)
{
	baskets_release(unit_env(), &data->baskets);
	free(data->order);
}

/* What the lists of a matrix weigh. */
typedef struct Weights
{
	const char *name;
	int64_t		scale;			/* the largest, of random ones from 0; 0: none */
	uint32_t	weight;			/* the largest, of random ones from 1; 0: none */
	double		unit;
} Weights;

static const Weights no_weights = {"plain", 0, 0, 1};
static const Weights weights[] = {
	{"scales to 3", 3, 0, 1},
	{"scales to 65,536", 65536, 0, 1.0 / 65536},
	{"scales to 10^10", INT64_C(10000000000), 0, 1},
	{"weights to 3", 0, 3, 1},
	{"weights to 10^5", 0, 100000, 0.001},
	{"scales and weights", 3, 2, 0.1},
};

/*
 * The operand of the lists that have a pair, and the marginals of all.  Marginals
 * of a weighted matrix are its diagonal, as a norm is.
 */
static CooccurOperand
make_operand(const Data *data, const Weights *w)
{
	const Baskets *b = &data->baskets;
	uint64_t   *start = malloc((b->num_lists + 1) * sizeof(uint64_t));
	uint32_t   *item = malloc((b->start[b->num_lists] + 1) * sizeof(uint32_t));
	uint32_t   *weight = w->weight ? malloc((b->start[b->num_lists] + 1) * sizeof(uint32_t)) : NULL;
	int64_t    *scale = w->scale ? malloc((b->num_lists + 1) * sizeof(int64_t)) : NULL;
	double	   *marginal = calloc(b->num_items, sizeof(double));
	double		total = 0;
	CooccurOperand x = {b->num_items};

	start[0] = 0;
	for (uint64_t l = 0; l < b->num_lists; l++)
	{
		int64_t		factor = w->scale ? unit_random(&state) % (w->scale + 1) : 1;
		uint64_t	at = start[x.num_lists];

		total += factor * w->unit;
		for (uint64_t e = b->start[l]; e < b->start[l + 1]; e++, at++)
		{
			uint32_t	of_item = weight ? 1 + below(w->weight) : 1;

			item[at] = b->item[e];
			if (weight)
				weight[at] = of_item;
			marginal[b->item[e]] += factor * w->unit * of_item * of_item;
		}
		if (b->start[l + 1] - b->start[l] < 2)
			continue;
		if (scale)
			scale[x.num_lists] = factor;
		start[++x.num_lists] = at;
	}
	x.list_start = start;
	x.list_item = item;
	x.list_weight = weight;
	x.list_scale = scale;
	x.marginal = marginal;
	x.total = total;
	x.unit = w->unit;
	x.order = data->order;
	cooccur_operand_init(unit_env(), &x);
	return x;
}

static void
free_operand(CooccurOperand *x)
{
	cooccur_operand_release(unit_env(), x);
	free((void *) x->list_start);
	free((void *) x->list_item);
	free((void *) x->list_weight);
	free((void *) x->list_scale);
	free((void *) x->marginal);
}

/* --- brute force ------------------------------------------------------------ */

/* Every ordered pair with its count, by item. */
typedef struct Pairs
{
	uint64_t   *start;
	uint32_t   *item;
	int64_t    *count;
} Pairs;

/* One record per pair of each list, by its two items, then what it adds. */
static uint64_t *
pair_records(const CooccurOperand *x, uint64_t *n)
{
	uint64_t   *record;
	uint64_t	at = 0;

	*n = 0;
	for (uint64_t l = 0; l < x->num_lists; l++)
		*n += (x->list_start[l + 1] - x->list_start[l]) * (x->list_start[l + 1] - x->list_start[l] - 1);
	record = malloc((*n + 1) * 4 * sizeof(uint64_t));
	for (uint64_t l = 0; l < x->num_lists; l++)
		for (uint64_t e = x->list_start[l]; e < x->list_start[l + 1]; e++)
			for (uint64_t f = x->list_start[l]; f < x->list_start[l + 1]; f++)
				if (f != e)
				{
					record[at++] = (uint64_t) x->list_item[e] << 32 | x->list_item[f];
					record[at++] = (x->list_scale ? x->list_scale[l] : 1) *
						(x->list_weight ? (uint64_t) x->list_weight[e] * x->list_weight[f] : 1);
				}
	radix_sort(record, record + *n * 2, *n, 2, 1);
	return record;
}

static Pairs
count_pairs(const CooccurOperand *x)
{
	uint64_t	n;
	uint64_t   *record = pair_records(x, &n);
	uint64_t	at = 0;
	Pairs		p;

	p.start = calloc(x->num_items + 1, sizeof(uint64_t));
	p.item = malloc((n + 1) * sizeof(uint32_t));
	p.count = malloc((n + 1) * sizeof(int64_t));
	for (uint64_t i = 0, next; i < n; i = next)
	{
		int64_t		count = 0;

		for (next = i; next < n && record[next * 2] == record[i * 2]; next++)
			count += record[next * 2 + 1];
		if (count == 0)
			continue;
		p.item[at] = (uint32_t) record[i * 2];
		p.count[at++] = count;
		p.start[(record[i * 2] >> 32) + 1] = at;
	}
	for (uint32_t i = 0; i < x->num_items; i++)
		if (p.start[i + 1] < p.start[i])
			p.start[i + 1] = p.start[i];
	free(record);
	return p;
}

static void
free_pairs(Pairs *p)
{
	free(p->start);
	free(p->item);
	free(p->count);
}

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

/* All neighbors of all items, each item's best first, parallel to the pairs. */
static CooccurNeighbor *
rank_pairs(const CooccurOperand *x, const Pairs *p, const Measure *measure)
{
	CooccurNeighbor *all = malloc((p->start[x->num_items] + 1) * sizeof(CooccurNeighbor));

	key_order = x->order;
	for (uint32_t i = 0; i < x->num_items; i++)
	{
		for (uint64_t q = p->start[i]; q < p->start[i + 1]; q++)
		{
			double		count = p->count[q] * x->unit;

			all[q] = (CooccurNeighbor)
			{
				measure_score(measure, count, x->marginal[i], x->marginal[p->item[q]], x->total), count, p->item[q]
			};
		}
		qsort(all + p->start[i], p->start[i + 1] - p->start[i], sizeof(CooccurNeighbor), compare_neighbors);
	}
	return all;
}

/* --- comparisons ------------------------------------------------------------ */

static void
check_neighbors(const CooccurNeighbor *got, uint32_t n, const CooccurNeighbor *all, uint64_t num_all,
				const CooccurQuery *query)
{
	uint32_t	want = 0;

	for (uint64_t q = 0; q < num_all && want < query->k; q++)
	{
		if (all[q].count < query->min_count)
			continue;
		CHECK(want < n && got[want].item == all[q].item && got[want].count == all[q].count &&
			  got[want].score == all[q].score);
		want++;
	}
	CHECK(n == want);
}

static void
check_topk(const CooccurOperand *x, const Pairs *p, const CooccurNeighbor *all, const CooccurQuery *query)
{
	CooccurNeighbor *got = malloc(query->k * sizeof(CooccurNeighbor));
	CooccurTopk *t = cooccur_topk(unit_env(), x, query);

	for (uint32_t i = 0; i < x->num_items; i++)
		check_neighbors(got, cooccur_topk_neighbors(t, i, got), all + p->start[i], p->start[i + 1] - p->start[i], query);
	cooccur_topk_release(t);
	free(got);
}

static void
check_rows(CooccurRow *row, const CooccurOperand *x, const Pairs *p, const CooccurNeighbor *all,
		   const CooccurQuery *query)
{
	CooccurNeighbor *got = malloc(query->k * sizeof(CooccurNeighbor));

	for (uint32_t i = 0; i < x->num_items; i++)
		check_neighbors(got, cooccur_row_neighbors(row, i, query, got),
						all + p->start[i], p->start[i + 1] - p->start[i], query);
	free(got);
}

/* Every count of every row. */
static void
check_counts(CooccurRow *row, const CooccurOperand *x, const Pairs *p)
{
	int64_t    *want = calloc(x->num_items, sizeof(int64_t));

	for (uint32_t i = 0; i < x->num_items; i++)
	{
		const uint32_t *items;
		const int64_t *counts;
		uint32_t	n = cooccur_row(row, i, &items, &counts);

		CHECK(n == p->start[i + 1] - p->start[i]);
		for (uint32_t t = 1; t < n; t++)
			CHECK(items[t - 1] < items[t]);
		for (uint64_t q = p->start[i]; q < p->start[i + 1]; q++)
			want[p->item[q]] = p->count[q];
		for (uint32_t t = 0; t < n; t++)
		{
			CHECK(counts[t] == want[items[t]] && counts[t] != 0);
			want[items[t]] = 0;
		}
		for (uint64_t q = p->start[i]; q < p->start[i + 1]; q++)
			want[p->item[q]] = 0;
	}
	free(want);
}

/* --- tests ------------------------------------------------------------------ */

/* One worker serves all queries, so that what it learns from one has to serve the next. */
static void
test_shape(const Shape *shape)
{
	Data		data = make_data(shape);
	CooccurOperand x = make_operand(&data, &no_weights);
	Pairs		p = count_pairs(&x);
	CooccurRow *row = cooccur_row_create(unit_env(), &x);

	check_counts(row, &x, &p);
	for (int m = 0; m < measure_table_size; m += shape->measures)
	{
		Measure		measure = {&measure_table[m], measure_table[m].defaults};
		CooccurNeighbor *all = rank_pairs(&x, &p, &measure);

		for (int q = 0; q < shape->queries; q++)
		{
			CooccurQuery query = {measure, queries[q].k, queries[q].min_count};

			check_topk(&x, &p, all, &query);
			check_rows(row, &x, &p, all, &query);
		}
		free(all);
	}
	cooccur_row_release(row);
	free_pairs(&p);
	free_operand(&x);
	free_data(&data);
}

/* Rows of weighted lists, with all measures that are meant for such counts. */
static void
test_weights(const Weights *w)
{
	static const Shape shape = {"", 1100, 400, 1, 40, 0, false};
	Data		data = make_data(&shape);
	CooccurOperand x = make_operand(&data, w);
	Pairs		p = count_pairs(&x);
	CooccurRow *row = cooccur_row_create(unit_env(), &x);

	check_counts(row, &x, &p);
	for (int m = 0; m < measure_table_size; m++)
	{
		Measure		measure = {&measure_table[m], measure_table[m].defaults};
		CooccurNeighbor *all;

		if (w->weight && measure.info->contingency)
			continue;
		all = rank_pairs(&x, &p, &measure);
		for (int q = 0; q < 4; q++)
		{
			CooccurQuery query = {measure, queries[q].k, q % 2 ? 0.75 : 3 * w->unit};

			check_rows(row, &x, &p, all, &query);
		}
		free(all);
	}
	cooccur_row_release(row);
	free_pairs(&p);
	free_operand(&x);
	free_data(&data);
}

/* Baskets that are alike, as one list with a scale, count as much as each by itself. */
static void
test_folded(void)
{
	static const Shape shape = {"", 12, 3000, 2, 4, 0, false};
	Data		data = make_data(&shape);
	CooccurOperand x = make_operand(&data, &no_weights);
	Pairs		p = count_pairs(&x);
	CooccurOperand folded = x;
	int64_t    *scale;
	CooccurRow *row;

	baskets_fold(unit_env(), &data.baskets);
	CHECK(data.baskets.num_lists < 1000);
	scale = malloc(data.baskets.num_lists * sizeof(int64_t));
	for (uint64_t l = 0; l < data.baskets.num_lists; l++)
		scale[l] = data.baskets.repeat[l];
	folded.num_lists = data.baskets.num_lists;
	folded.list_start = data.baskets.start;
	folded.list_item = data.baskets.item;
	folded.list_scale = scale;
	cooccur_operand_init(unit_env(), &folded);
	row = cooccur_row_create(unit_env(), &folded);
	check_counts(row, &folded, &p);
	cooccur_row_release(row);
	cooccur_operand_release(unit_env(), &folded);
	free(scale);
	free_pairs(&p);
	free_operand(&x);
	free_data(&data);
}

/* --- from one list to another ------------------------------------------------ */

/* Lists of any size from none on, and of which items are where they are not in the other ones. */
static void
append_side(Baskets *b, const Shape *shape)
{
	uint32_t	size = below(4) ? below(shape->longest + 1) : 0;
	uint64_t	at = b->start[b->num_lists];

	baskets_reserve(unit_env(), b, size);
	for (uint32_t i = 0, left = size; i < shape->items && left > 0; i++)
		if (below(shape->items - i) < left)
		{
			b->item[at++] = i;
			left--;
		}
	baskets_close(b, size, 1);
}

static uint32_t *
random_weights(const Baskets *b, uint32_t most)
{
	uint32_t   *weight = malloc((b->start[b->num_lists] + 1) * sizeof(uint32_t));

	for (uint64_t e = 0; e < b->start[b->num_lists]; e++)
		weight[e] = 1 + below(most);
	return weight;
}

static int64_t
count_in_list(const CooccurOperand *x, uint64_t l, uint64_t e, uint64_t f)
{
	return (x->list_scale ? x->list_scale[l] : 1) *
		(int64_t) (x->source_weight ? x->source_weight[e] : 1) * (x->list_weight ? x->list_weight[f] : 1);
}

/* By item of the source and item of the list; an item with itself as well. */
static Pairs
count_directed(const CooccurOperand *x)
{
	size_t		n = x->num_items;
	int64_t    *dense = calloc(n * n, sizeof(int64_t));
	Pairs		p = {calloc(n + 1, sizeof(uint64_t)), malloc(n * n * sizeof(uint32_t)), malloc(n * n * sizeof(int64_t))};
	uint64_t	at = 0;

	for (uint64_t l = 0; l < x->num_lists; l++)
		for (uint64_t e = x->source_start[l]; e < x->source_start[l + 1]; e++)
			for (uint64_t f = x->list_start[l]; f < x->list_start[l + 1]; f++)
				dense[x->source_item[e] * n + x->list_item[f]] += count_in_list(x, l, e, f);
	for (size_t c = 0; c < n * n; c++)
	{
		if (dense[c] != 0)
		{
			p.item[at] = c % n;
			p.count[at++] = dense[c];
		}
		p.start[c / n + 1] = at;
	}
	free(dense);
	return p;
}

/* An item is no neighbor of its own. */
static void
check_directed_neighbors(CooccurRow *row, const CooccurOperand *x, const Pairs *p, const CooccurQuery *query)
{
	CooccurNeighbor *all = malloc(x->num_items * sizeof(CooccurNeighbor));
	CooccurNeighbor *got = malloc(query->k * sizeof(CooccurNeighbor));

	key_order = x->order;
	for (uint32_t i = 0; i < x->num_items; i++)
	{
		uint32_t	n = 0;

		for (uint64_t q = p->start[i]; q < p->start[i + 1]; q++)
		{
			double		count = p->count[q] * x->unit;

			if (p->item[q] != i)
				all[n++] = (CooccurNeighbor)
				{
					measure_score(&query->measure, count, x->source_marginal[i], x->marginal[p->item[q]], x->total),
					count, p->item[q]
				};
		}
		qsort(all, n, sizeof(CooccurNeighbor), compare_neighbors);
		check_neighbors(got, cooccur_row_neighbors(row, i, query, got), all, n, query);
	}
	free(all);
	free(got);
}

static void
check_directed(const CooccurOperand *x)
{
	Pairs		p = count_directed(x);
	CooccurRow *row = cooccur_row_create(unit_env(), x);

	check_counts(row, x, &p);
	for (int m = 0; m < measure_table_size; m++)
	{
		CooccurQuery query = {{&measure_table[m], measure_table[m].defaults}, queries[m % 8].k, x->unit * (m % 3)};

		if (!query.measure.info->contingency)
			check_directed_neighbors(row, x, &p, &query);
	}
	CHECK(!cooccur_topk_pays(x));
	cooccur_row_release(row);
	free_pairs(&p);
}

/* Weights on both sides, on one, on none; with scales and without. */
static void
test_directed(void)
{
	static const Shape shape = {"", 700, 900, 0, 30, 0, true};
	double	   *n = malloc(2 * shape.items * sizeof(double));
	uint32_t   *order = malloc(shape.items * sizeof(uint32_t));
	Baskets		side[2];

	for (int s = 0; s < 2; s++)
	{
		baskets_init(unit_env(), side + s, false);
		side[s].num_items = shape.items;
		for (uint32_t l = 0; l < shape.lists; l++)
			append_side(side + s, &shape);
	}
	for (uint32_t i = 0; i < shape.items; i++)
	{
		n[i] = 1000 + below(1000);
		n[shape.items + i] = 100000.0 / (i + 1);
		order[i] = shape.items - 1 - i;
	}
	for (int v = 0; v < 8; v++)
	{
		uint32_t   *source_weight = v & 1 ? random_weights(&side[0], 5) : NULL;
		uint32_t   *weight = v & 2 ? random_weights(&side[1], v == 3 ? 70000 : 3) : NULL;
		int64_t    *scale = v & 4 ? malloc(shape.lists * sizeof(int64_t)) : NULL;
		CooccurOperand x = {
			.num_items = shape.items, .num_lists = shape.lists, .list_start = side[1].start, .list_item = side[1].item,
			.list_weight = weight, .list_scale = scale, .marginal = n + shape.items, .total = 10000,
			.unit = v & 4 ? 1.0 / 65536 : 1, .order = order, .source_start = side[0].start,
			.source_item = side[0].item, .source_weight = source_weight, .source_marginal = n
		};

		for (uint32_t l = 0; scale && l < shape.lists; l++)
			scale[l] = 1 + below(65536);
		cooccur_operand_init(unit_env(), &x);
		check_directed(&x);
		cooccur_operand_release(unit_env(), &x);
		free(source_weight);
		free(weight);
		free(scale);
	}
	baskets_release(unit_env(), side);
	baskets_release(unit_env(), side + 1);
	free(n);
	free(order);
}

/* --- other ------------------------------------------------------------------- */

/* Every form of the vector loops, which the tests above take the widest of. */
static void
test_forms(void)
{
	static const Shape shape = {"", 1300, 500, 1, 60, 0, false, 6, 3};
	const Simd *const *forms;
	int			n = simd_all(&forms);

	for (int f = 0; f < n; f++)
	{
		simd_choose(forms[f]);
		test_shape(&shape);
	}
	simd_choose(NULL);
}

/* The environment of the other tests, with a count of what is held. */
static size_t held;
static size_t most_held;

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

	CHECK(ptr == NULL);			/* these kernels know their sizes */
	block[0] = size;
	held += size;
	most_held = held > most_held ? held : most_held;
	return block + 2;
}

static void
count_checks(Env *env, uint64_t done, uint64_t total)
{
	CHECK(done <= total);
}

/* What was announced is what is needed, within a tenth, and all of it comes back. */
static void
test_memory(void)
{
	Env			env = {counting_resize, counting_release, count_checks};

	for (int i = 3; i < 8; i++)
	{
		Data		data = make_data(&shapes[i]);
		CooccurOperand x = make_operand(&data, &no_weights);
		CooccurQuery query = {{measure_find("cosine")}, 10, 1};
		size_t		announced = cooccur_topk_memory(&x, query.k);

		most_held = 0;
		cooccur_topk_release(cooccur_topk(&env, &x, &query));
		CHECK(held == 0 && most_held <= announced * 1.1 + 4096 && most_held >= announced * 0.8);
		announced = cooccur_row_memory(&x);
		most_held = 0;
		cooccur_row_release(cooccur_row_create(&env, &x));
		CHECK(held == 0 && most_held <= announced * 1.1 + 4096 && most_held >= announced * 0.8);
		free_operand(&x);
		free_data(&data);
	}
}

/* Nothing to count, and nothing but single items. */
static void
test_empty(void)
{
	static const Shape none[] = {
		{"", 1, 0, 1, 1, 0, false, 1, 8},
		{"", 600, 0, 1, 1, 0, false, 1, 8},
		{"", 600, 100, 1, 1, 0, false, 1, 8},
	};

	for (int i = 0; i < 3; i++)
		test_shape(&none[i]);
}

void
test_cooccur(void)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
	{
		unit_begin(shapes[i].name);
		test_shape(&shapes[i]);
	}
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
	{
		unit_begin(weights[i].name);
		test_weights(&weights[i]);
	}
	RUN(test_folded);
	RUN(test_directed);
	RUN(test_forms);
	RUN(test_memory);
	RUN(test_empty);
}
