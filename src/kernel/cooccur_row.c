/*
 * cooccur_row.c
 *		One item against all others, with weights: a row of the product.
 *
 * Counters are no wider than the largest count that the row can come to, which
 * keeps those of most rows in the first-level cache.  All of them are looked
 * through afterwards, because to keep a list of what was touched costs as much as the
 * counting.  Of the neighbors only those are scored whose count can still make a
 * difference (measure_need).
 */
#include <math.h>

#include "kernel/cooccur.h"
#include "kernel/simd.h"

#define CHECK_EVERY 4096		/* lists between looks at interrupts */
#define NUM_GUESSES 33			/* one for each number of bits of a degree */

struct CooccurRow
{
	/* immutable */
	Env		   *env;
	const CooccurOperand *x;
	const Simd *simd;
	uint32_t	num_spans;
	double		most_per_list;	/* the largest count that one list can add */
	double	   *span_marginal;	/* the smallest n of each span */
	uint32_t   *no_bound;		/* a span of bounds that let nothing pass which is not at least `own` */

	/* mutable: by row */
	int			width;			/* bytes of a counter */
	double		most;			/* no count of the row is larger */
	void	   *counter;		/* by item, all zero between rows */
	uint8_t    *touched;		/* by span: whether it may have a count; room up to a multiple of 8 */
	uint32_t   *span;			/* those spans, ascending */
	uint32_t	num_touched;
	uint32_t   *item;			/* what cooccur_row hands out */
	int64_t    *count;
	CooccurBar	bar;
	CooccurGuess guess[NUM_GUESSES];	/* by degree: rows may come in any order */
	CooccurScored *held;
	uint32_t	room;			/* of held */
};

/* Whole spans, and at least one, so that no loop over a span has to look for the end of the items. */
static uint32_t
row_spans(const CooccurOperand *x)
{
	return x->num_items / SIMD_SPAN + 1;
}

/* The counters as wide as they can get, since the widest row decides. */
size_t
cooccur_row_memory(const CooccurOperand *x)
{
	return (size_t) row_spans(x) * (SIMD_SPAN * (sizeof(uint32_t) + 2 * sizeof(int64_t)) + sizeof(double) + sizeof(uint32_t) + 1);
}

/* One without weights. */
static double
largest_weight(const CooccurOperand *x, const uint64_t *start, const uint32_t *weight)
{
	uint32_t	largest = 1;

	for (uint64_t e = start[0]; weight && e < start[x->num_lists]; e++)
		largest = weight[e] > largest ? weight[e] : largest;
	return largest;
}

/* Scales multiply once, weights twice: those of both items of a pair. */
static double
most_per_list(const CooccurOperand *x)
{
	int64_t		scale = 1;
	double		weight = largest_weight(x, x->list_start, x->list_weight);
	double		source = cooccur_is_directed(x) ? largest_weight(x, x->source_start, x->source_weight) : weight;

	for (uint64_t l = 0; x->list_scale && l < x->num_lists; l++)
		/* one look at the data, so that each row knows its width beforehand */
		scale = x->list_scale[l] > scale ? x->list_scale[l] : scale;
	return scale * source * weight;
}

/* Allocated once for all rows: what a row leaves behind is cleared by its spans, not as a whole. */
CooccurRow *
cooccur_row_create(Env *env, const CooccurOperand *x)
{
	CooccurRow *row = env_alloc0(env, 1, sizeof(CooccurRow));
	uint64_t	columns;

	row->env = env;
	row->x = x;
	row->simd = simd_best();
	for (int g = 0; g < NUM_GUESSES; g++)
		row->guess[g] = COOCCUR_NO_GUESS;
	row->num_spans = row_spans(x);
	row->most_per_list = most_per_list(x);
	row->span_marginal = env_alloc(env, row->num_spans, sizeof(double));
	for (uint32_t s = 0; s < row->num_spans; s++)
		/* a span without items keeps this: nothing in it can pass a bar */
		row->span_marginal[s] = INFINITY;
	for (uint32_t i = 0; i < x->num_items; i++)
		row->span_marginal[i / SIMD_SPAN] = fmin(row->span_marginal[i / SIMD_SPAN], x->marginal[i]);
	row->no_bound = memset(env_alloc(env, SIMD_SPAN, sizeof(uint32_t)), 0xff, SIMD_SPAN * sizeof(uint32_t));
	columns = (uint64_t) row->num_spans * SIMD_SPAN;
	row->counter = env_alloc0(env, columns, sizeof(int64_t));
	row->touched = env_alloc0(env, (uint64_t) row->num_spans + 7, 1);
	row->span = env_alloc(env, row->num_spans, sizeof(uint32_t));
	row->item = env_alloc(env, columns, sizeof(uint32_t));
	row->count = env_alloc(env, columns, sizeof(int64_t));
	return row;
}

void
cooccur_row_release(CooccurRow *row)
{
	Env		   *env = row->env;

	env_release(env, row->span_marginal);
	env_release(env, row->no_bound);
	env_release(env, row->counter);
	env_release(env, row->touched);
	env_release(env, row->span);
	env_release(env, row->item);
	env_release(env, row->count);
	env_release(env, row->held);
	env_release(env, row);
}

/* --- counting ----------------------------------------------------------- */

/* The weight of `item` in the list from `low` to `high` that holds it. */
static uint32_t
weight_in_list(const uint32_t *items, const uint32_t *weights, uint64_t low, uint64_t high, uint32_t item)
{
	while (high - low > 1)
	{
		uint64_t	mid = low + (high - low) / 2;

		if (items[mid] <= item)
			low = mid;
		else
			high = mid;
	}
	return weights[low];
}

/* What every entry of a list counts for `item`, whose side of the pair has a weight too. */
static inline uint64_t
weight_of_list(const CooccurOperand *x, uint64_t list, uint32_t item)
{
	if (!cooccur_is_directed(x))
		return weight_in_list(x->list_item, x->list_weight, x->list_start[list], x->list_start[list + 1], item);
	if (x->source_weight == NULL)
		return 1;
	return weight_in_list(x->source_item, x->source_weight, x->source_start[list], x->source_start[list + 1], item);
}

/* Inlined per width and kind of list, so that the inner loop has no test. */
static inline __attribute__((always_inline)) void
count_lists(CooccurRow *row, uint32_t item, int width, bool scaled, bool weighted)
{
	const CooccurOperand *x = row->x;
	const uint64_t *start = x->list_start;
	const uint32_t *items = x->list_item;
	const uint32_t *weights = x->list_weight;
	void	   *counter = row->counter;

	for (uint64_t q = x->post_start[item], end = x->post_start[item + 1]; q < end; q++)
	{
		uint64_t	list = x->post_list[q];
		uint64_t	last = start[list + 1];
		/* lists of an item are scattered in memory: each is asked for long before it is read */
		uint64_t	ahead = start[x->post_list[q + COOCCUR_AHEAD]];
		uint64_t	add = scaled ? (uint64_t) x->list_scale[list] : 1;

		if (q % CHECK_EVERY == 0)
			env_check(row->env, item, x->num_items);
		/* these run on into the next row on purpose */
		__builtin_prefetch(start + x->post_list[q + 2 * COOCCUR_AHEAD]);
		__builtin_prefetch(items + ahead);
		__builtin_prefetch((const char *) (items + ahead) + 64);
		if (scaled)
			__builtin_prefetch(x->list_scale + x->post_list[q + 2 * COOCCUR_AHEAD]);
		if (weighted)
		{
			if (weights)
				__builtin_prefetch(weights + ahead);
			add *= weight_of_list(x, list, item);
		}
		for (uint64_t e = start[list]; e < last; e++)
		{
			/* only directed ones may have weights on one side alone */
			uint64_t	more = weighted && weights ? add * weights[e] : add;

			if (width == 1)
				((uint8_t *) counter)[items[e]] += more;
			else if (width == 2)
				((uint16_t *) counter)[items[e]] += more;
			else if (width == 4)
				((uint32_t *) counter)[items[e]] += more;
			else
				((uint64_t *) counter)[items[e]] += more;
		}
	}
}

/* The kind of list is the same in all rows, the width is not; both are constants in the loop. */
static inline __attribute__((always_inline)) void
count_by_kind(CooccurRow *row, uint32_t item, int width)
{
	bool		scaled = row->x->list_scale != NULL;
	bool		weighted = row->x->list_weight != NULL || row->x->source_weight != NULL;

	if (weighted && scaled)
		count_lists(row, item, width, true, true);
	else if (weighted)
		count_lists(row, item, width, false, true);
	else if (scaled)
		count_lists(row, item, width, true, false);
	else
		count_lists(row, item, width, false, false);
}

/* Marked spans in ascending order.  Most are not, and eight of them cost one test. */
static void
gather_touched(CooccurRow *row)
{
	for (uint32_t first = 0; first < row->num_spans; first += 8)
	{
		uint64_t	eight;

		memcpy(&eight, row->touched + first, sizeof(eight));
		for (uint32_t s = first; eight != 0 && s < first + 8; s++)
			if (row->touched[s])
				row->span[row->num_touched++] = s;
	}
}

/* In a row of few lists most spans may be untouched: to go through the lists again tells which. */
static void
mark_touched(CooccurRow *row, uint32_t item)
{
	const CooccurOperand *x = row->x;

	/* with that many lists hardly a span would be left out */
	if (cooccur_degree(x, item) >= row->num_spans / 8)
		memset(row->touched, 1, row->num_spans);
	else
		for (uint64_t q = x->post_start[item]; q < x->post_start[item + 1]; q++)
			for (uint64_t e = x->list_start[x->post_list[q]]; e < x->list_start[x->post_list[q] + 1]; e++)
				row->touched[x->list_item[e] / SIMD_SPAN] = 1;
	gather_touched(row);
}

/* Width from the largest count possible, which is known before counting: no counter can overflow. */
static void
count_row(CooccurRow *row, uint32_t item)
{
	row->most = row->most_per_list * cooccur_degree(row->x, item);
	row->width = row->most <= UINT8_MAX ? 1 : row->most <= UINT16_MAX ? 2 : row->most <= UINT32_MAX ? 4 : 8;
	if (row->width == 1)
		count_by_kind(row, item, 1);
	else if (row->width == 2)
		count_by_kind(row, item, 2);
	else if (row->width == 4)
		count_by_kind(row, item, 4);
	else
		count_by_kind(row, item, 8);
	mark_touched(row, item);
}

/* --- looking through the counters ---------------------------------------- */

/* One counter at a time; the loops over many have the width outside. */
static inline int64_t
counter_of(const CooccurRow *row, uint32_t item)
{
	if (row->width == 1)
		return ((const uint8_t *) row->counter)[item];
	if (row->width == 2)
		return ((const uint16_t *) row->counter)[item];
	if (row->width == 4)
		return ((const uint32_t *) row->counter)[item];
	return ((const int64_t *) row->counter)[item];
}

/* Which counters of a span are at least `least`, which the row can reach. */
static void
find_in_span(const CooccurRow *row, uint32_t span, uint32_t least, uint64_t *mask)
{
	const char *counter = (const char *) row->counter + (size_t) span * SIMD_SPAN * row->width;

	if (row->width == 1)
		row->simd->bytes_at_least((const uint8_t *) counter, (const uint8_t *) row->no_bound, least, mask);
	else if (row->width == 2)
		row->simd->shorts_at_least((const uint16_t *) counter, (const uint16_t *) row->no_bound, least, mask);
	else if (row->width == 4)
		row->simd->longs_at_least((const uint32_t *) counter, row->no_bound, least, mask);
	else
		/* so wide only with large weights, too rare for a loop of its own */
		for (uint32_t c = 0; c < SIMD_SPAN; c++)
		{
			if (c % 64 == 0)
				mask[c / 64] = 0;
			mask[c / 64] |= (uint64_t) (((const int64_t *) counter)[c] >= least) << (c % 64);
		}
}

/* Only what was touched: in a sparse matrix all else is zero still. */
static void
clear_counters(CooccurRow *row)
{
	size_t		size = (size_t) SIMD_SPAN * row->width;

	for (uint32_t t = 0; t < row->num_touched; t++)
	{
		memset((char *) row->counter + row->span[t] * size, 0, size);
		row->touched[row->span[t]] = 0;
	}
	row->num_touched = 0;
}

uint32_t
cooccur_row(CooccurRow *row, uint32_t item, const uint32_t **items, const int64_t **counts)
{
	uint64_t	mask[SIMD_WORDS];
	/* no item has this rank: a directed count of an item with itself stays */
	uint32_t	left_out = cooccur_is_directed(row->x) ? UINT32_MAX : item;
	uint32_t	n = 0;

	count_row(row, item);
	for (uint32_t t = 0; t < row->num_touched; t++)
	{
		uint32_t	s = row->span[t];

		/* most counters are zero: 64 of them cost one test */
		find_in_span(row, s, 1, mask);
		for (uint32_t w = 0; w < SIMD_WORDS; w++)
			for (uint64_t m = mask[w]; m != 0; m &= m - 1)
			{
				uint32_t	j = s * SIMD_SPAN + w * 64 + __builtin_ctzll(m);

				/* written even where it is the item itself, and then written over: no branch to predict */
				row->item[n] = j;
				row->count[n] = counter_of(row, j);
				n += j != left_out;
			}
	}
	clear_counters(row);
	*items = row->item;
	*counts = row->count;
	return n;
}

/* --- neighbors ----------------------------------------------------------- */

/* n of the row's own item. */
static inline double
own_marginal(const CooccurOperand *x, uint32_t item)
{
	return cooccur_is_directed(x) ? x->source_marginal[item] : x->marginal[item];
}

/*
 * The smallest count, in units, with which anything in the span can pass the bar.
 * Rounded down where a unit may not divide exactly: offers are judged by their score.
 */
static double
span_need(const CooccurRow *row, uint32_t item, uint32_t span, const CooccurQuery *query)
{
	const CooccurOperand *x = row->x;
	double		need = query->min_count;

	if (row->bar.score != -INFINITY)
		/* the span's smallest n scores best with a given count, so no item of it needs less */
		need = fmax(need, measure_need(&query->measure, row->bar.score, own_marginal(x, item),
									   row->span_marginal[span], x->total));
	return fmax(floor(need / x->unit), 1);
}

/* What a narrow look let through is judged here, by the count and score themselves. */
static void
offer(CooccurRow *row, uint32_t item, uint32_t other, const CooccurQuery *query)
{
	const CooccurOperand *x = row->x;
	double		count = counter_of(row, other) * x->unit;
	double		score;

	if (other == item || !(count >= query->min_count))
		return;
	score = measure_score(&query->measure, count, own_marginal(x, item), x->marginal[other], x->total);
	cooccur_offer(row->held, &row->bar, query->k, (CooccurScored) {score, other}, x->order);
}

/* The bar rises from span to span, so later spans need more and show less. */
static void
offer_span(CooccurRow *row, uint32_t item, uint32_t span, const CooccurQuery *query)
{
	double		need = span_need(row, item, span, query);
	uint64_t	mask[SIMD_WORDS];

	if (need > row->most)
		return;
	find_in_span(row, span, need < UINT32_MAX ? (uint32_t) need : UINT32_MAX, mask);
	for (uint32_t w = 0; w < SIMD_WORDS; w++)
		for (uint64_t m = mask[w]; m != 0; m &= m - 1)
			offer(row, item, span * SIMD_SPAN + w * 64 + __builtin_ctzll(m), query);
}

/* Afterwards the best k are held, in no order. */
static void
search_row(CooccurRow *row, uint32_t item, double bar, const CooccurQuery *query)
{
	row->bar = COOCCUR_NO_BAR;
	/* nothing is held yet: a guess is a score to beat without anyone who has it */
	row->bar.score = bar;
	for (uint32_t t = 0; t < row->num_touched; t++)
		offer_span(row, item, row->span[t], query);
	if (row->bar.used >= query->k)
		cooccur_cut(row->held, &row->bar, query->k, row->x->order);
	else
		row->bar.score = -INFINITY;
}

/* Nothing is kept between rows, so there is nothing to copy. */
static void
reserve_held(CooccurRow *row, uint32_t room)
{
	if (row->room >= room)
		return;
	row->room = room;
	env_release(row->env, row->held);
	row->held = env_alloc(row->env, room, sizeof(CooccurScored));
}

/* The counters are still there after a failed guess: to search again costs no counting. */
uint32_t
cooccur_row_neighbors(CooccurRow *row, uint32_t item, const CooccurQuery *wanted, CooccurNeighbor *out)
{
	CooccurQuery query = *wanted;
	uint32_t	degree = cooccur_degree(row->x, item);
	CooccurGuess *guess = row->guess + (degree ? 32 - __builtin_clz(degree) : 0);
	bool		failed;

	/* room is allocated by k, which callers may set as high as they like */
	query.k = cooccur_useful_k(row->x, wanted->k);
	reserve_held(row, cooccur_room(query.k));
	count_row(row, item);
	search_row(row, item, guess->score, &query);
	failed = row->bar.used < query.k && guess->score != -INFINITY;
	if (failed)
		search_row(row, item, -INFINITY, &query);
	/* items of about this popularity will end about there, too */
	cooccur_learn(guess, row->bar.score, failed);
	cooccur_sort(row->held, row->bar.used, row->x->order);
	for (uint32_t q = 0; q < row->bar.used; q++)
	{
		const CooccurScored *c = row->held + q;

		out[q] = (CooccurNeighbor) {c->score, counter_of(row, c->item) * row->x->unit, c->item};
	}
	/* only now: the counts themselves went out with the rows */
	clear_counters(row);
	return row->bar.used;
}
