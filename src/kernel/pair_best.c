/*
 * pair_best.c
 *		From the exact counts of an item to its best neighbors, and how a change of
 *		a few of them changes those.
 *
 * Scores are costly and most counts are far too small: a count is compared with the least that
 * can score enough, and only what passes is scored.  That least count depends on n of the other item; it is
 * kept for classes of items whose n are alike, computed for the smallest n of the class and only when a count of the
 * class passes the one known before.
 *
 * One candidate more than asked for is held: the score of the last is the floor.
 */
#include "kernel/pair_best.h"

#include <float.h>

#define NUM_CLASSES 256			/* a byte an item */
#define CLASS_SHIFT 50			/* by exponent and two bits of mantissa: n within a fifth of each other */
#define CHUNK 256				/* counts looked at before any is scored */
#define NUM_GUESSES 64			/* one for each power of two of n of the item */
#define GUESS_SHIFT 52
#define GUESS_FIRST (1023 - 16) /* from 2^-16 on */
#define NUM_BOUNDS 32			/* for a neighbor's magnitude of n */
#define FEW_OFFERS 16			/* to be inserted one by one into a list */
#define NO_BOUND UINT16_MAX		/* not computed yet */

struct PairBest
{
	/* immutable */
	Env		   *env;
	PairContext context;
	uint32_t	k;				/* that many are of use */
	double		least;			/* the smallest count of a neighbor */
	double		smallest_n;		/* of the other items, above 0 */
	double		largest_n;
	uint64_t	first_class;	/* what class 1 has in its upper bits */
	uint8_t    *class;			/* by item; 0: nothing is known of its n */
	uint32_t	num_classes;
	int			bound_shift;	/* as CLASS_SHIFT, so that NUM_BOUNDS cover all n */
	uint64_t	first_bound;

	/* mutable: by item searched */
	CooccurGuess guess[NUM_GUESSES];
	double		need[NUM_CLASSES];	/* no smaller count of the class scores as much as the bar */
	uint32_t	known[NUM_CLASSES]; /* the bar, of those below, that it was computed for */
	uint32_t	bars;			/* that there have been in this search */
	CooccurBar	bar;
	CooccurScored *held;

	/* mutable: for patches, allocated when there is one */
	uint16_t   *bound;			/* by magnitude of a neighbor's n and by item: the least count, as the upper half of a float */
	uint32_t   *offered;		/* by item: its place among the offers, from 1 */
	CooccurNeighbor *pool;
	CooccurScored *ranked;
	uint32_t	pool_room;
};

/* --- numbers ---------------------------------------------------------------- */

/* Positive doubles are in the order of their bits. */
static inline uint64_t
bits_of(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline double
double_of(uint64_t bits)
{
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* 0 for n below the first class or no number at all; the last class goes on for ever. */
static inline uint32_t
class_of(double n, int shift, uint64_t first, uint32_t num_classes)
{
	uint64_t	upper = bits_of(n) >> shift;

	if (!(n > 0) || upper < first)
		return 0;
	return upper - first + 1 < num_classes ? (uint32_t) (upper - first + 1) : num_classes - 1;
}

/* The smallest n of a class other than 0. */
static inline double
least_n_of(uint32_t class, int shift, uint64_t first)
{
	return double_of((first + class - 1) << shift);
}

/* NaN, which only counts that contradict each other can give, comes last: the order stays total. */
static inline double
score_pair(const PairBest *best, uint32_t item, uint32_t other, double count)
{
	const PairContext *x = &best->context;
	double		score = measure_score(&x->measure, count, x->n_source[item], x->n_target[other], x->total);

	return score > -DBL_MAX ? score : -DBL_MAX;
}

/* --- creation ---------------------------------------------------------------- */

/* No item has more neighbors than there are items: what may be asked for costs no memory. */
static uint32_t
useful_k(const PairContext *context)
{
	uint32_t	most = context->num_items > 0 ? context->num_items : 1;

	return context->k < most ? context->k : most;
}

/* Without the bounds by item, which are most of it and of no use to a build. */
size_t
pair_best_scan_memory(const PairContext *context)
{
	return sizeof(PairBest) + context->num_items + (size_t) cooccur_room(useful_k(context) + 1) * sizeof(CooccurScored);
}

/* Lists and offers come on top: they are as long as the caller's own. */
size_t
pair_best_memory(const PairContext *context)
{
	return pair_best_scan_memory(context) +
		(size_t) context->num_items * (NUM_BOUNDS * sizeof(uint16_t) + sizeof(uint32_t));
}

/* Where classes begin depends on the counts there are: a damped basket may count 1/16, a weight thousands. */
static void
classify(PairBest *best)
{
	const PairContext *x = &best->context;

	best->smallest_n = INFINITY;
	best->largest_n = 0;
	for (uint32_t i = 0; i < x->num_items; i++)
		if (x->n_target[i] > 0 && x->n_target[i] < INFINITY)
		{
			best->smallest_n = fmin(best->smallest_n, x->n_target[i]);
			best->largest_n = fmax(best->largest_n, x->n_target[i]);
		}
	if (best->largest_n == 0)
		best->smallest_n = best->largest_n = 1;
	best->first_class = bits_of(best->smallest_n) >> CLASS_SHIFT;
	for (uint32_t i = 0; i < x->num_items; i++)
		best->class[i] = class_of(x->n_target[i], CLASS_SHIFT, best->first_class, NUM_CLASSES);
	best->num_classes = class_of(best->largest_n, CLASS_SHIFT, best->first_class, NUM_CLASSES) + 1;
	/* half octaves, where there are not too many of them: the finer, the fewer false alarms */
	for (best->bound_shift = 51;; best->bound_shift++)
	{
		best->first_bound = bits_of(best->smallest_n) >> best->bound_shift;
		if ((bits_of(best->largest_n) >> best->bound_shift) - best->first_bound + 2 <= NUM_BOUNDS)
			break;
	}
}

/* What only patches need is left for the first of them: a build has none. */
PairBest *
pair_best_create(Env *env, const PairContext *context)
{
	PairBest   *best = env_alloc0(env, 1, sizeof(PairBest));

	best->env = env;
	best->context = *context;
	best->k = useful_k(context);
	/* a count of 0 is no neighbor, however little is asked for */
	best->least = context->min_count > 0 ? context->min_count : DBL_TRUE_MIN;
	best->class = env_alloc(env, (uint64_t) context->num_items + 1, 1);
	classify(best);
	for (int g = 0; g < NUM_GUESSES; g++)
		best->guess[g] = COOCCUR_NO_GUESS;
	best->held = env_alloc(env, cooccur_room(best->k + 1), sizeof(CooccurScored));
	return best;
}

/* What was never allocated is NULL, which may be released, too. */
void
pair_best_release(PairBest *best)
{
	Env		   *env = best->env;

	env_release(env, best->class);
	env_release(env, best->held);
	env_release(env, best->bound);
	env_release(env, best->offered);
	env_release(env, best->pool);
	env_release(env, best->ranked);
	env_release(env, best);
}

/* --- searching all counts ----------------------------------------------------- */

/* What class needs to pass the bar as it is now. */
static inline double
need_of_class(PairBest *best, uint32_t item, uint32_t class)
{
	const PairContext *x = &best->context;

	if (best->known[class] != best->bars && class != 0)
	{
		double		n = least_n_of(class, CLASS_SHIFT, best->first_class);

		best->need[class] = fmax(best->least, measure_need(&x->measure, best->bar.score, x->n_source[item], n, x->total));
	}
	best->known[class] = best->bars;
	return best->need[class];
}

/* Needs of a lower bar stay right, if low: the higher ones are computed where they are missed. */
static void
offer(PairBest *best, uint32_t item, uint32_t other, double count, uint32_t at)
{
	double		score;

	if (count < need_of_class(best, item, best->class[other]) || other == item)
		return;
	score = score_pair(best, item, other, count);
	if (cooccur_offer(best->held, &best->bar, best->k + 1, (CooccurScored) {score, other, at}, best->context.order))
		best->bars++;
}

/* No branch depends on a count, as most of them would be guessed wrong just where it matters. */
static uint32_t
find_in_chunk(const PairBest *best, const uint32_t *items, const double *counts, uint32_t n, uint16_t *found)
{
	uint32_t	num_found = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		found[num_found] = i;
		num_found += counts[i] >= best->need[best->class[items[i]]];
	}
	return num_found;
}

/* A row of many counts needs nearly all classes anyway, and each before its first count; a short one only a few. */
static void
begin_search(PairBest *best, uint32_t item, double bar, uint32_t n)
{
	best->bar = COOCCUR_NO_BAR;
	best->bar.score = bar;
	/* a bar that there is not needs no computation */
	best->bars = bar > -INFINITY;
	for (uint32_t c = 0; c < best->num_classes; c++)
	{
		best->need[c] = best->least;
		best->known[c] = 0;
		if (n > 4 * best->num_classes)
			need_of_class(best, item, c);
	}
}

/* Afterwards the best k + 1 are held, in no order. */
static void
search(PairBest *best, uint32_t item, double bar, const uint32_t *items, const double *counts, uint32_t n)
{
	uint16_t	found[CHUNK];

	begin_search(best, item, bar, n);
	for (uint32_t from = 0; from < n; from += CHUNK)
	{
		uint32_t	size = n - from < CHUNK ? n - from : CHUNK;
		uint32_t	num_found = find_in_chunk(best, items + from, counts + from, size, found);

		for (uint32_t f = 0; f < num_found; f++)
		{
			uint32_t	at = from + found[f];

			offer(best, item, items[at], counts[at], at);
		}
	}
	if (best->bar.used > best->k)
		cooccur_cut(best->held, &best->bar, best->k + 1, best->context.order);
	else
		best->bar.score = -INFINITY;
}

/* Items of about the same n end at about the same score, so that the last one tells where to start. */
static CooccurGuess *
guess_of(PairBest *best, uint32_t item)
{
	return best->guess + class_of(best->context.n_source[item], GUESS_SHIFT, GUESS_FIRST, NUM_GUESSES);
}

/*
 * A guess that leaves fewer than k + 1 was too high, and the search is done again without one, as in
 * cooccur_row_neighbors; a row that is hardly longer than the list has all of its counts scored at once.
 */
uint32_t
pair_best(PairBest *best, uint32_t item, const uint32_t *items, const double *counts, uint32_t n,
		  CooccurNeighbor *out, double *floor)
{
	CooccurGuess *guess = guess_of(best, item);
	uint32_t	size;

	if (n <= best->k + 1)
		search(best, item, -INFINITY, items, counts, n);
	else
	{
		bool		failed;

		search(best, item, guess->score, items, counts, n);
		failed = best->bar.used <= best->k && guess->score != -INFINITY;
		if (failed)
			search(best, item, -INFINITY, items, counts, n);
		cooccur_learn(guess, best->bar.score, failed);
	}
	cooccur_sort(best->held, best->bar.used, best->context.order);
	size = best->bar.used < best->k ? best->bar.used : best->k;
	for (uint32_t q = 0; q < size; q++)
		out[q] = (CooccurNeighbor) {best->held[q].score, counts[best->held[q].tag], best->held[q].item};
	*floor = best->bar.used > best->k ? best->held[best->k].score : -INFINITY;
	return size;
}

/* --- bounds for changes -------------------------------------------------------- */

/* The upper half of a float, rounded down: what is left of a count of two digits is exact. */
static uint16_t
store_bound(double need)
{
	float		narrow = (float) need;
	uint32_t	bits;
	float		back;

	memcpy(&bits, &narrow, sizeof(bits));
	bits &= UINT32_C(0xffff0000);
	memcpy(&back, &bits, sizeof(bits));
	/* rounding to a float may have gone up; what is above 0 has a smaller neighbor */
	return (uint16_t) (bits >> 16) - (back > need);
}

/* Exact, as every such half is a float. */
static inline double
load_bound(uint16_t bound)
{
	uint32_t	bits = (uint32_t) bound << 16;
	float		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/*
 * The bound of a magnitude is that of its smallest n, as a larger one needs a larger count.  Nothing is
 * concluded where the floor is none, or n is below all that there were when classes were made.
 */
/*
 * What a neighbor of that n has to pass, by item; NULL where nothing can be said.  Bounds of a class lie together,
 * because whoever asks has one neighbor and many items.
 */
static uint16_t *
bounds_of(PairBest *best, double least_n, uint32_t *class)
{
	size_t		num_items = best->context.num_items;

	*class = class_of(least_n, best->bound_shift, best->first_bound, NUM_BOUNDS);
	if (*class == 0 || best->context.measure.info->need == NULL)
		return NULL;
	if (best->bound == NULL)
	{
		size_t		size = env_array_size((uint64_t) num_items * NUM_BOUNDS, sizeof(uint16_t));

		best->bound = memset(env_alloc(best->env, size, 1), 0xff, size);
	}
	return best->bound + *class * num_items;
}

/* A list with room for more, or of which nothing is known, is open to every count. */
static uint16_t
compute_bound(const PairBest *best, uint32_t item, double floor, uint32_t class)
{
	const PairContext *x = &best->context;

	if (!(floor > -INFINITY))
		return 0;
	return store_bound(measure_need(&x->measure, floor, x->n_source[item],
									least_n_of(class, best->bound_shift, best->first_bound), x->total));
}

static inline bool
passes(const PairBest *best, uint16_t *bound, uint32_t class, uint32_t item, double floor, double count)
{
	if (bound != NULL && bound[item] == NO_BOUND)
		bound[item] = compute_bound(best, item, floor, class);
	return (count >= best->least) & (bound == NULL || count >= load_bound(bound[item]));
}

bool
pair_best_may_pass(PairBest *best, uint32_t item, double floor, double least_n, double count)
{
	uint32_t	class;
	uint16_t   *bound = bounds_of(best, least_n, &class);

	/* the one floor that may have been another before: an item's list with room */
	return passes(best, floor > -INFINITY ? bound : NULL, class, item, floor, count);
}

uint32_t
pair_best_may_pass_row(PairBest *best, const double *floor, double least_n, const uint32_t *items,
					   const double *counts, uint32_t n, uint32_t *found)
{
	uint32_t	class;
	uint16_t   *bound = bounds_of(best, least_n, &class);
	uint32_t	num_found = 0;

	/* no branch on the result, which is seldom true and never foreseeable */
	for (uint32_t i = 0; i < n; i++)
	{
		found[num_found] = i;
		num_found += passes(best, bound, class, items[i], floor[items[i]], counts[i]);
	}
	return num_found;
}

/* --- patches -------------------------------------------------------------------- */

/* An array by item costs less than a search for each neighbor, and is cleared by the offers themselves. */
static void
reserve_pool(PairBest *best, uint32_t room)
{
	if (best->offered == NULL)
		best->offered = env_alloc0(best->env, (uint64_t) best->context.num_items + 1, sizeof(uint32_t));
	if (best->pool_room >= room)
		return;
	env_release(best->env, best->pool);
	env_release(best->env, best->ranked);
	best->pool_room = room + room / 2;
	best->pool = env_alloc(best->env, best->pool_room, sizeof(CooccurNeighbor));
	best->ranked = env_alloc(best->env, best->pool_room, sizeof(CooccurScored));
}

/* A few are compared faster than looked up, all the more as they are seldom found. */
static inline bool
is_offered(const PairOffer *offers, uint32_t n, uint32_t item)
{
	bool		found = false;

	for (uint32_t i = 0; i < n; i++)
		found |= offers[i].item == item;
	return found;
}

/* The list without what is offered, and the offers that are neighbors, each with its score. */
static uint32_t
fill_pool(PairBest *best, uint32_t item, const CooccurNeighbor *list, uint32_t size, const PairOffer *offers, uint32_t n,
		  uint32_t *kept)
{
	uint32_t	used = 0;

	reserve_pool(best, size + n);
	for (uint32_t i = 0; i < n; i++)
		best->offered[offers[i].item] = i + 1;
	for (uint32_t q = 0; q < size; q++)
	{
		best->pool[used] = list[q];
		used += n <= FEW_OFFERS ? !is_offered(offers, n, list[q].item) : best->offered[list[q].item] == 0;
	}
	*kept = used;
	for (uint32_t i = 0; i < n; i++)
	{
		const PairOffer *o = offers + i;

		/* offered twice, the last one counts */
		if (best->offered[o->item] == i + 1 && o->item != item && o->count >= best->least)
			best->pool[used++] = (CooccurNeighbor) {score_pair(best, item, o->item, o->count), o->count, o->item};
	}
	for (uint32_t i = 0; i < n; i++)
		best->offered[offers[i].item] = 0;
	return used;
}

/*
 * The first `sorted` are in order; each of the others, which are few, is put in its place.  Scores of offers are spread,
 * so that a binary search would gain nothing on moving what comes behind.
 */
static void
insert_offers(PairBest *best, uint32_t sorted, uint32_t used)
{
	const uint32_t *order = best->context.order;
	CooccurScored *ranked = best->ranked;

	for (uint32_t p = sorted; p < used; p++)
	{
		CooccurScored newcomer = ranked[p];
		uint32_t	at = p;

		for (; at > 0 && (ranked[at - 1].score < newcomer.score ||
						  (ranked[at - 1].score == newcomer.score && order[ranked[at - 1].item] > order[newcomer.item])); at--)
			ranked[at] = ranked[at - 1];
		ranked[at] = newcomer;
	}
}

/*
 * Ranks the pool, of which the first `sorted` are what is left of a list: its best k in order, then the rest, of which
 * the best score is returned.
 */
static double
rank_pool(PairBest *best, uint32_t sorted, uint32_t used)
{
	CooccurBar	bar = {.used = used};
	double		rest = -INFINITY;

	for (uint32_t p = 0; p < used; p++)
		best->ranked[p] = (CooccurScored) {best->pool[p].score, best->pool[p].item, p};
	if (used - sorted <= FEW_OFFERS)
		insert_offers(best, sorted, used);
	else
	{
		if (used > best->k)
			cooccur_cut(best->ranked, &bar, best->k, best->context.order);
		cooccur_sort(best->ranked, bar.used, best->context.order);
	}
	for (uint32_t p = best->k; p < used; p++)
		rest = best->ranked[p].score > rest ? best->ranked[p].score : rest;
	return rest;
}

/*
 * What is not in the pool scores the floor at most.  Where the list ended at the floor itself, all that is not in
 * the pool and scores as much comes after the list's old end by its key, too: many lists end in
 * a tie, and would never be patched without.
 */
static bool
is_certain(const PairBest *best, const CooccurScored *last, double floor, CooccurNeighbor end)
{
	const uint32_t *order = best->context.order;

	return last->score > floor ||
		(last->score == floor && end.score == floor && order[last->item] <= order[end.item]);
}

/*
 * The pool holds all that could be among the best, but for what is worse than the old list's end and not above
 * the floor.  If the best k of the pool are certain, they are the best of all; what did not make it may
 * be better than the old floor, which rises then.
 */
bool
pair_best_patch(PairBest *best, uint32_t item, CooccurNeighbor *list, uint32_t *size, double *floor,
				const PairOffer *offers, uint32_t n)
{
	CooccurNeighbor end = *size > 0 ? list[*size - 1] : (CooccurNeighbor) {-INFINITY, 0, item};
	uint32_t	used;
	uint32_t	kept;
	double		rest;

	/* unknown */
	if (isnan(*floor))
		return false;
	used = fill_pool(best, item, list, *size, offers, n, &kept);
	rest = rank_pool(best, kept, used);
	if (*floor > -INFINITY && (used < best->k || !is_certain(best, best->ranked + best->k - 1, *floor, end)))
		return false;
	*size = used < best->k ? used : best->k;
	for (uint32_t q = 0; q < *size; q++)
		list[q] = best->pool[best->ranked[q].tag];
	*floor = fmax(*floor, rest);
	return true;
}
