/*
 * cooccur_topk.c
 *		The best k neighbors of every item, each pair counted once.
 *
 * Row i counts item i against the more popular items j < i.  The most popular
 * items, the head, are a bitmap: a line of bits per list, and a row's counts are
 * column sums over its lists, 512 at a time.  The tail is counted one by one, in
 * counters no wider than the row's own n: the row of an item in 255 lists or fewer
 * stays in the first-level cache.
 *
 * Few counts are ever scored.  Counters are compared, 512 at a time, with the
 * count that could still make a difference (measure_need):
 *
 * - for the partners j, whose k-th best so far is known: an array of needs, one
 *   for each j.  It is computed for the smallest n among a group of rows, so it
 *   may be too low, never too high, and is raised when j's k-th best rises.
 * - for item i itself, which starts with nothing: a guess (CooccurGuess), learned
 *   from the row before, which is about as popular.
 */
#include <math.h>

#include "kernel/cooccur.h"
#include "kernel/simd.h"

#define MAX_HEAD_SPANS	16
#define GROUP_FALL		0.93	/* a group of rows ends where n fell this far */

typedef CooccurScored Candidate;	/* tagged with the count */

/* The sides of a pair that a pass serves. */
enum
{
	OWN = 1,					/* the row's item gets neighbors */
	PARTNERS = 2				/* the others get the row's item */
};

struct CooccurTopk
{
	/* immutable */
	Env		   *env;
	const CooccurOperand *x;
	CooccurQuery query;
	const Simd *simd;
	uint32_t	num_spans;		/* of all items */
	uint32_t	head;			/* items in the bitmap, whole spans */
	int			head_planes;	/* bits of the largest n */
	uint32_t	min_count;
	uint32_t	capacity;		/* candidates per item */
	SimdPlane  *bitmap;			/* num_lists lines of head / 512 planes */
	void	   *bitmap_base;
	void	   *head_need_base;
	bool		wide;			/* columns of the tail pass 65,535 */
	void	   *tail_item;		/* the lists' entries outside the head, as columns, 2 or 4 bytes */
	uint64_t   *tail;			/* list -> its first of those */

	/* mutable: by item */
	CooccurBar *bar;
	Candidate  *candidate;		/* capacity per item */
	SimdPlane  *head_need;		/* head_planes per span of the head */
	void	   *need;			/* tail, as wide as counter */
	void	   *counter;		/* tail, all zero between rows */

	/* mutable: by row or group of rows */
	int			width;			/* bytes of a counter */
	double		group_marginal; /* the smallest n in the group */
	uint32_t	group_end;
	CooccurGuess guess;
	int			sides;
	uint32_t   *span_need;		/* by span: the least of its needs */
};

/* --- set-up ------------------------------------------------------------- */

/* Whole spans, and at least one: loops over them need no test for the last item. */
static uint32_t
topk_spans(const CooccurOperand *x)
{
	return x->num_items / SIMD_SPAN + 1;
}

/* Spans of the head: those where a look at a line of bits is cheaper than the increments it saves. */
static uint32_t
choose_head(const CooccurOperand *x)
{
	uint64_t	increments[MAX_HEAD_SPANS] = {0};
	uint64_t	entries = x->post_start[x->num_items];
	uint32_t	limit = topk_spans(x) < MAX_HEAD_SPANS ? topk_spans(x) : MAX_HEAD_SPANS;
	uint32_t	span = 0;

	for (uint64_t l = 0; l < x->num_lists; l++)
		for (uint64_t e = x->list_start[l]; e < x->list_start[l + 1] && x->list_item[e] / SIMD_SPAN < limit; e++)
			increments[x->list_item[e] / SIMD_SPAN] += x->list_start[l + 1] - e - 1;
	/* measured: a line that is not in the cache costs about six increments that are */
	while (span < limit && (uint64_t) span * SIMD_SPAN < x->num_items &&
		   increments[span] > 6 * (entries - x->post_start[(uint64_t) span * SIMD_SPAN]))
		span++;
	return span;
}

size_t
cooccur_topk_memory(const CooccurOperand *x, uint32_t k)
{
	/* the tail as if there were no head, which is what it comes to where items are many */
	return (size_t) x->post_start[x->num_items] * (x->num_items > 65536 ? sizeof(uint32_t) : sizeof(uint16_t)) +
		(size_t) x->num_lists * (choose_head(x) * sizeof(SimdPlane) + sizeof(uint64_t)) +
		(size_t) topk_spans(x) * SIMD_SPAN * 2 * sizeof(uint32_t) +
		(size_t) x->num_items * ((size_t) cooccur_room(cooccur_useful_k(x, k)) * sizeof(Candidate) + sizeof(CooccurBar));
}

/*
 * Each row looks at the counters of all items before it, touched or not.  Where items
 * are many and share few lists, that costs more than counting every pair twice.
 */
bool
cooccur_topk_pays(const CooccurOperand *x)
{
	double		looks = (double) x->num_items * topk_spans(x) / 2;
	double		pairs = 0;

	if (cooccur_is_directed(x))
		return false;
	for (uint64_t l = 0; l < x->num_lists; l++)
		pairs += (double) (x->list_start[l + 1] - x->list_start[l]) * (x->list_start[l + 1] - x->list_start[l]);
	/* measured: a look at a span takes about as long as sixteen increments */
	return looks * 16 < pairs;
}

/* Both forms of a list in one walk, as its head entries come before those of the tail. */
static void
fill_bitmap(CooccurTopk *t)
{
	const CooccurOperand *x = t->x;
	size_t		stride = t->head / SIMD_SPAN;
	uint64_t	at = 0;

	for (uint64_t l = 0; l < x->num_lists; l++)
	{
		uint64_t   *line = (uint64_t *) (t->bitmap + l * stride);
		uint64_t	e = x->list_start[l];

		if (l % 65536 == 0)
			env_check(t->env, 0, x->num_items);
		for (; e < x->list_start[l + 1] && x->list_item[e] < t->head; e++)
			line[x->list_item[e] / 64] |= UINT64_C(1) << (x->list_item[e] % 64);
		t->tail[l] = at;
		for (; e < x->list_start[l + 1]; e++, at++)
			if (t->wide)
				((uint32_t *) t->tail_item)[at] = x->list_item[e] - t->head;
			else
				((uint16_t *) t->tail_item)[at] = x->list_item[e] - t->head;
	}
}

/* Planes are vectors: their address is a multiple of their size, *base is what to release. */
static SimdPlane *
alloc_planes(Env *env, uint64_t n, void **base)
{
	char	   *p = *base = env_alloc(env, n + 1, sizeof(SimdPlane));

	return memset(p + (-(uintptr_t) p & (sizeof(SimdPlane) - 1)), 0, n * sizeof(SimdPlane));
}

/* All at once and at full size: rows must not stop to ask for memory. */
static void
topk_allocate(CooccurTopk *t)
{
	Env		   *env = t->env;
	const CooccurOperand *x = t->x;
	uint64_t	columns = (uint64_t) t->num_spans * SIMD_SPAN;
	uint32_t	head = t->head < x->num_items ? t->head : x->num_items;

	t->bitmap = alloc_planes(env, x->num_lists * (t->head / SIMD_SPAN), &t->bitmap_base);
	t->head_need = alloc_planes(env, (uint64_t) (t->head / SIMD_SPAN) * t->head_planes, &t->head_need_base);
	t->tail = env_alloc(env, x->num_lists + 1, sizeof(uint64_t));
	t->wide = x->num_items > t->head + UINT64_C(65536);
	t->tail_item = env_alloc(env, x->post_start[x->num_items] - x->post_start[head] + 1,
							 t->wide ? sizeof(uint32_t) : sizeof(uint16_t));
	t->bar = env_alloc(env, x->num_items, sizeof(CooccurBar));
	t->candidate = env_alloc(env, (uint64_t) x->num_items * t->capacity, sizeof(Candidate));
	/* columns past the group's end are compared, too, though never used */
	t->need = memset(env_alloc(env, columns, sizeof(uint32_t)), 0xff, columns * sizeof(uint32_t));
	t->counter = env_alloc0(env, columns, sizeof(uint32_t));
	t->span_need = env_alloc(env, t->num_spans, sizeof(uint32_t));
}

/* Every item gets a bar, even one that no list holds: it will be asked for neighbors, too. */
static CooccurTopk *
topk_create(Env *env, const CooccurOperand *x, const CooccurQuery *query)
{
	CooccurTopk *t = env_alloc0(env, 1, sizeof(CooccurTopk));
	uint32_t	most = 1;

	t->env = env;
	t->x = x;
	t->query = *query;
	t->query.k = cooccur_useful_k(x, query->k);
	t->simd = simd_best();
	t->num_spans = topk_spans(x);
	t->head = choose_head(x) * SIMD_SPAN;
	t->min_count = query->min_count > 1 ? (uint32_t) fmin(ceil(query->min_count), UINT32_MAX) : 1;
	t->capacity = cooccur_room(t->query.k);
	t->guess = COOCCUR_NO_GUESS;
	for (uint32_t i = 0; i < x->num_items; i++)
		if (cooccur_degree(x, i) > most)
			most = cooccur_degree(x, i);
	/* no count has more bits than the largest n */
	t->head_planes = 32 - __builtin_clz(most);
	topk_allocate(t);
	for (uint32_t i = 0; i < x->num_items; i++)
		t->bar[i] = COOCCUR_NO_BAR;
	fill_bitmap(t);
	return t;
}

/* --- needs -------------------------------------------------------------- */

/* The smallest whole count that can score as much. */
static uint32_t
need_count(const CooccurTopk *t, double score, double n_a, double n_b)
{
	double		need;

	if (score == -INFINITY)
		return t->min_count;
	need = ceil(measure_need(&t->query.measure, score, n_a, n_b, t->x->total));
	if (need > t->min_count)
		return need >= UINT32_MAX ? UINT32_MAX : (uint32_t) need;
	return t->min_count;
}

/* Upright, as the counters of the head are, so that 512 comparisons take a few operations. */
static void
store_head_need(CooccurTopk *t, uint32_t item, uint32_t need)
{
	SimdPlane  *plane = t->head_need + (size_t) (item / SIMD_SPAN) * t->head_planes;
	uint64_t	bit = UINT64_C(1) << (item % 64);

	/* more than any count has: the largest number of that many bits will do, as few counts reach it */
	if (need >> t->head_planes)
		need = (UINT32_C(1) << t->head_planes) - 1;
	for (int p = 0; p < t->head_planes; p++)
	{
		uint64_t   *word = &plane[p].word[item % SIMD_SPAN / 64];

		*word = (need >> p) & 1 ? *word | bit : *word & ~bit;
	}
}

/* Saturates: a count at the limit may pass unneeded, and is turned away by its score. */
static void
store_tail_need(CooccurTopk *t, uint32_t column, uint32_t need)
{
	if (t->width == 1)
		((uint8_t *) t->need)[column] = need > UINT8_MAX ? UINT8_MAX : need;
	else if (t->width == 2)
		((uint16_t *) t->need)[column] = need > UINT16_MAX ? UINT16_MAX : need;
	else
		((uint32_t *) t->need)[column] = need;
}

/*
 * For the smallest n of the group, with which a given count scores best: no row of it is
 * promised too much.
 */
static uint32_t
refresh_need(CooccurTopk *t, uint32_t item)
{
	uint32_t	need = need_count(t, t->bar[item].score, t->x->marginal[item], t->group_marginal);

	if (item < t->head)
		store_head_need(t, item, need);
	else
		store_tail_need(t, item - t->head, need);
	return need;
}

/* A count is at most the n of either item, and the row's own is the smaller. */
static int
counter_width(uint32_t degree)
{
	return degree <= UINT8_MAX ? 1 : degree <= UINT16_MAX ? 2 : 4;
}

/* Opens the group of rows that begins at `row`: its end, its counters, all needs. */
static void
begin_group(CooccurTopk *t, uint32_t row)
{
	const CooccurOperand *x = t->x;
	uint32_t	end = row;

	t->width = counter_width(cooccur_degree(x, row));
	while (end < x->num_items && counter_width(cooccur_degree(x, end)) == t->width &&
		   (x->marginal[end] >= x->marginal[row] * GROUP_FALL || end == row))
		end++;
	t->group_end = end;
	t->group_marginal = x->marginal[end - 1];
	for (uint32_t s = 0; s < t->num_spans && s * SIMD_SPAN < end; s++)
	{
		uint32_t	least = UINT32_MAX;

		for (uint32_t j = s * SIMD_SPAN; j < (s + 1) * SIMD_SPAN && j < end; j++)
		{
			uint32_t	need = refresh_need(t, j);

			least = need < least ? need : least;
		}
		t->span_need[s] = least;
	}
}

/* --- candidates --------------------------------------------------------- */

/* In place, without a pointer an item: there may be millions. */
static Candidate *
topk_candidates(CooccurTopk *t, uint32_t item)
{
	return t->candidate + (uint64_t) item * t->capacity;
}

/* Returns true where that raised what the item asks of newcomers. */
static inline bool
topk_offer(CooccurTopk *t, uint32_t item, uint32_t other, uint32_t count)
{
	const CooccurOperand *x = t->x;
	double		score = measure_score(&t->query.measure, count, x->marginal[item], x->marginal[other], x->total);

	return cooccur_offer(topk_candidates(t, item), t->bar + item, t->query.k,
						 (Candidate) {score, other, count}, x->order);
}

/* A pair that may matter to either side. */
static inline void
topk_pair(CooccurTopk *t, uint32_t row, uint32_t partner, uint32_t count)
{
	if (t->sides & OWN)
		topk_offer(t, row, partner, count);
	if ((t->sides & PARTNERS) && topk_offer(t, partner, row, count))
		refresh_need(t, partner);
}

/* --- one row ------------------------------------------------------------ */

/* What the row's item needs from any partner of a span. */
static uint32_t
own_need(const CooccurTopk *t, uint32_t row, uint32_t span)
{
	uint32_t	last = (span + 1) * SIMD_SPAN < row ? (span + 1) * SIMD_SPAN - 1 : row - 1;

	if (!(t->sides & OWN))
		return UINT32_MAX;
	return need_count(t, t->bar[row].score, t->x->marginal[row], t->x->marginal[last]);
}

static void
head_span(CooccurTopk *t, uint32_t row, uint32_t span)
{
	const CooccurOperand *x = t->x;
	uint32_t	degree = cooccur_degree(x, row);
	int			num_planes = 32 - __builtin_clz(degree);
	uint32_t	own = own_need(t, row, span);
	bool		for_own = own <= degree;
	bool		for_partners = (t->sides & PARTNERS) && t->span_need[span] <= degree;
	SimdPlane	planes[SIMD_MAX_PLANES];
	SimdPlane	own_planes[SIMD_MAX_PLANES];
	uint64_t	mask[2][SIMD_WORDS] = {{0}};
	uint16_t	column[SIMD_SPAN];
	uint32_t	count[SIMD_SPAN];
	uint32_t	found;

	if (!for_own && !for_partners)
		return;
	t->simd->count_columns(t->bitmap + span, t->head / SIMD_SPAN,
						   x->post_list + x->post_start[row], degree, planes, num_planes);
	if (for_own)
	{
		for (int p = 0; p < num_planes; p++)
			memset(&own_planes[p], (own >> p) & 1 ? 0xff : 0, sizeof(SimdPlane));
		t->simd->planes_at_least(planes, num_planes, own_planes, num_planes, mask[0]);
	}
	if (for_partners)
		t->simd->planes_at_least(planes, num_planes, t->head_need + (size_t) span * t->head_planes,
								 t->head_planes, mask[1]);
	for (uint32_t w = 0; w < SIMD_WORDS; w++)
		mask[0][w] |= mask[1][w];
	found = t->simd->planes_read(planes, num_planes, mask[0], column, count);
	/* columns ascend; from the row's own on, they are other rows' pairs */
	for (uint32_t f = 0; f < found && span * SIMD_SPAN + column[f] < row; f++)
		topk_pair(t, row, span * SIMD_SPAN + column[f], count[f]);
}

/*
 * Counting the tail of a row, for each width of counter and of column.  Every list
 * here holds the row's own item, which ends it.
 */
#define DEFINE_COUNT(type, index) \
static void \
count_##type##_##index(CooccurTopk *t, uint32_t row) \
{ \
	const CooccurOperand *x = t->x; \
	const index own = (index) (row - t->head); \
	const index *items = (const index *) t->tail_item; \
	const uint64_t end = x->post_start[row + 1]; \
	type	   *counter = (type *) t->counter; \
\
	for (uint64_t q = x->post_start[row]; q < end; q++) \
	{ \
		const index *item = items + t->tail[x->post_list[q]]; \
		const index *ahead = items + t->tail[x->post_list[q + COOCCUR_AHEAD]]; \
\
		/* these run on into the next rows on purpose */ \
		__builtin_prefetch(t->tail + x->post_list[q + 2 * COOCCUR_AHEAD]); \
		__builtin_prefetch(ahead); \
		__builtin_prefetch((const char *) ahead + 64); \
		for (; *item < own; item++) \
			counter[*item]++; \
	} \
}

DEFINE_COUNT(uint8_t, uint16_t)
DEFINE_COUNT(uint16_t, uint16_t)
DEFINE_COUNT(uint32_t, uint16_t)
DEFINE_COUNT(uint8_t, uint32_t)
DEFINE_COUNT(uint16_t, uint32_t)
DEFINE_COUNT(uint32_t, uint32_t)

/* Searching one span of the tail, for each width of counter. */
#define DEFINE_SEARCH(type, at_least) \
static void \
search_##type(CooccurTopk *t, uint32_t row, uint32_t span) \
{ \
	uint32_t	first = span * SIMD_SPAN - t->head; \
	const type *counter = (const type *) t->counter + first; \
	uint32_t	own = own_need(t, row, span); \
	uint32_t	degree = cooccur_degree(t->x, row); \
	uint64_t	mask[SIMD_WORDS]; \
\
	if (own > degree && ((t->sides & PARTNERS) == 0 || t->span_need[span] > degree)) \
		return; \
	t->simd->at_least(counter, (const type *) t->need + first, own < (type) -1 ? own : (type) -1, mask); \
	for (uint32_t w = 0; w < SIMD_WORDS; w++) \
		for (uint64_t m = mask[w]; m != 0; m &= m - 1) \
		{ \
			uint32_t	c = w * 64 + __builtin_ctzll(m); \
\
			if (span * SIMD_SPAN + c >= row) \
				return; \
			topk_pair(t, row, span * SIMD_SPAN + c, counter[c]); \
		} \
}

DEFINE_SEARCH(uint8_t, bytes_at_least)
DEFINE_SEARCH(uint16_t, shorts_at_least)
DEFINE_SEARCH(uint32_t, longs_at_least)

/* By width of counter; counting by width of column, too. */
static const struct
{
	void		(*count[2]) (CooccurTopk *t, uint32_t row);
	void		(*search) (CooccurTopk *t, uint32_t row, uint32_t span);
}			tails[] = {
	[1] = {{count_uint8_t_uint16_t, count_uint8_t_uint32_t}, search_uint8_t},
	[2] = {{count_uint16_t_uint16_t, count_uint16_t_uint32_t}, search_uint16_t},
	[4] = {{count_uint32_t_uint16_t, count_uint32_t_uint32_t}, search_uint32_t},
};

/* The most popular partners come first; what they raise the bar to, all others have to pass. */
static void
search_row(CooccurTopk *t, uint32_t row, int sides)
{
	t->sides = sides;
	for (uint32_t span = 0; span * SIMD_SPAN < row; span++)
		if (span * SIMD_SPAN < t->head)
			head_span(t, row, span);
		else
			tails[t->width].search(t, row, span);
}

/*
 * Counts once, searches once or, after a guess that was too high, twice; partners had
 * their turn the first time.
 */
static void
topk_row(CooccurTopk *t, uint32_t row)
{
	CooccurBar *bar = t->bar + row;
	bool		failed = false;

	if (row > t->head)
		tails[t->width].count[t->wide](t, row);
	bar->score = t->guess.score;
	search_row(t, row, OWN | PARTNERS);
	if (bar->used < t->query.k && t->guess.score != -INFINITY)
	{
		failed = true;
		*bar = COOCCUR_NO_BAR;
		search_row(t, row, OWN);
	}
	if (bar->used >= t->query.k)
		cooccur_cut(topk_candidates(t, row), bar, t->query.k, t->x->order);
	else
		bar->score = -INFINITY;
	cooccur_learn(&t->guess, bar->score, failed);
	if (row > t->head)
		memset(t->counter, 0, (size_t) (row - t->head) * t->width);
}

/* What only the multiplication needs, so that it is gone before rows go out. */
static void
release_factors(CooccurTopk *t)
{
	env_release(t->env, t->bitmap_base);
	env_release(t->env, t->head_need_base);
	env_release(t->env, t->tail);
	env_release(t->env, t->tail_item);
	env_release(t->env, t->need);
	env_release(t->env, t->counter);
	env_release(t->env, t->span_need);
}

/* From the most popular item on: a row meets only items whose rows are done, so a pair is counted once. */
CooccurTopk *
cooccur_topk(Env *env, const CooccurOperand *x, const CooccurQuery *query)
{
	CooccurTopk *t = topk_create(env, x, query);

	for (uint32_t row = 0; row < x->num_items; row++)
	{
		env_check(env, row, x->num_items);
		if (cooccur_degree(x, row) == 0)
			continue;
		if (row >= t->group_end)
			begin_group(t, row);
		topk_row(t, row);
		refresh_need(t, row);
	}
	release_factors(t);
	return t;
}

uint32_t
cooccur_topk_neighbors(CooccurTopk *t, uint32_t item, CooccurNeighbor *out)
{
	Candidate  *c = topk_candidates(t, item);

	/* what came in since the last cut has not been compared with the rest yet */
	if (t->bar[item].used > t->query.k)
		cooccur_cut(c, t->bar + item, t->query.k, t->x->order);
	cooccur_sort(c, t->bar[item].used, t->x->order);
	for (uint32_t q = 0; q < t->bar[item].used; q++)
		out[q] = (CooccurNeighbor) {c[q].score, c[q].tag, c[q].item};
	return t->bar[item].used;
}

/* What the product needed is gone since cooccur_topk; this is the candidates. */
void
cooccur_topk_release(CooccurTopk *t)
{
	Env		   *env = t->env;

	env_release(env, t->bar);
	env_release(env, t->candidate);
	env_release(env, t);
}
