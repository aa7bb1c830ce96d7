/*
 * pairs.c
 *		What a basket adds to the counts of a model, and the difference between two
 *		states of a basket.
 *
 * A difference goes over the items that either state has, those that changed
 * first: a pair can only count differently if one of its items is changed, or if the
 * weight of the basket is, which makes all of them changed.  Sequences are compared by
 * place instead, since an item more moves all that come after it.
 *
 * Products are computed modulo 2^64.  What would pass 63 bits is nothing that could be
 * counted anyway, and wrong counts that are taken back are gone again.
 */
#include <math.h>

#include "kernel/pairs.h"
#include "kernel/radix.h"

/* Records are sorted as words. */
_Static_assert(sizeof(PairChange) == 3 * sizeof(uint64_t), "a pair's change is three words");
_Static_assert(sizeof(MarginalChange) == 3 * sizeof(uint64_t), "a marginal's change is three words");

/* An item of a basket that was and now is. */
typedef struct Slot
{
	uint32_t	item;
	int32_t		was_in;			/* generations; the same where one state does not have the item */
	int32_t		is_in;
	uint64_t	was;			/* weights; 0 where it is not there */
	uint64_t	is;
} Slot;

typedef struct Slots
{
	Slot	   *changed;
	uint32_t	num_changed;
	Slot	   *same;
	uint32_t	num_same;
} Slots;

/* An item of a sequence. */
typedef struct Place
{
	uint32_t	item;
	int32_t		generation;
} Place;

/* What a basket was, or what it is. */
typedef struct State
{
	const Basket *source;
	const Basket *target;		/* the source itself but for directed models */
	uint64_t	weight;			/* 0 where there is no basket */
	int32_t		generation;		/* of its last day */
} State;

static const Basket no_basket = {0, 0, NULL};

/* --- what counts how much ------------------------------------------------- */

/* The same expression as that of the matrix value, so that both count the same to the last unit. */
int64_t
pairs_basket_weight(const PairShape *shape, uint32_t size)
{
	if (shape->damping == 0)
		return pairs_unit(shape);
	return (int64_t) rint(PAIRS_SCALE * exp2(-shape->damping * (size ? 31 - __builtin_clz(size) : 0)));
}

/* What an item counts in a basket: in a sequence it is there or not. */
static inline uint64_t
item_weight(const PairShape *shape, const BasketEntry *entry)
{
	return shape->sequence ? 1 : entry->weight;
}

/* Half a unit rounds up. */
static inline uint64_t
weight_at_distance(uint64_t weight, uint64_t distance)
{
	return (2 * weight + distance) / (2 * distance);
}

/* Generations ascend with days: the later of two is that of the later day. */
static inline int32_t
later(int32_t one, int32_t two)
{
	return one > two ? one : two;
}

/* Callers may leave out what is not there, and the targets of models that have none. */
static State
state_of(const PairShape *shape, const Basket *source, const Basket *target)
{
	State		state = {source ? source : &no_basket, NULL, 0, 0};

	state.target = !shape->directed ? state.source : target ? target : &no_basket;
	if (state.source->size == 0 && state.target->size == 0)
		return state;
	state.weight = (uint64_t) pairs_basket_weight(shape, state.source->size);
	/* of no entries it is the least day there is, which leaves that of the others */
	state.generation = pairs_generation(shape, later(basket_last_day(state.source), basket_last_day(state.target)));
	return state;
}

static inline bool
is_empty(const State *state)
{
	return state->source->size == 0 && state->target->size == 0;
}

/* --- changes that wait ----------------------------------------------------- */

void
pairs_init(Env *env, PairChanges *c, PairShape shape)
{
	memset(c, 0, sizeof(*c));
	c->env = env;
	c->shape = shape;
}

void
pairs_release(PairChanges *c)
{
	env_release(c->env, c->pair);
	env_release(c->env, c->marginal);
	env_release(c->env, c->total);
	env_release(c->env, c->scratch);
	pairs_init(c->env, c, c->shape);
}

/* Keeps the room: a refresh fills it again and again. */
void
pairs_clear(PairChanges *c)
{
	c->num_pairs = c->num_marginals = c->num_totals = 0;
}

size_t
pairs_memory(const PairChanges *c)
{
	return c->pairs_room * sizeof(PairChange) + c->marginals_room * sizeof(MarginalChange) +
		c->totals_room * sizeof(TotalChange) + c->scratch_size;
}

/* Room for that many more; doubled, so that filling is linear. */
static void *
make_room(Env *env, void *array, uint64_t used, uint64_t *room, uint64_t more, size_t size)
{
	if (*room - used >= more)
		return array;
	*room = *room > more ? 2 * *room : used + more;
	return env_resize(env, array, *room, size);
}

/* Where the next changes of pairs go; whoever wrote some says so in num_pairs. */
static PairChange *
room_for_pairs(PairChanges *c, uint64_t more)
{
	c->pair = make_room(c->env, c->pair, c->num_pairs, &c->pairs_room, more, sizeof(PairChange));
	return c->pair + c->num_pairs;
}

/* What a difference works in, kept for the next one. */
static void *
room_for_scratch(PairChanges *c, uint64_t n, size_t size)
{
	size_t		bytes = env_array_size(n + 1, size);

	if (c->scratch_size < bytes)
	{
		env_release(c->env, c->scratch);
		c->scratch = NULL;
		c->scratch_size = 0;
		c->scratch = env_alloc(c->env, bytes, 1);
		c->scratch_size = bytes;
	}
	return c->scratch;
}

/* There are few generations: totals are in order at all times, each once. */
static void
add_total(PairChanges *c, int32_t generation, uint64_t change)
{
	uint64_t	at = c->num_totals;

	if (change == 0)
		return;
	while (at > 0 && c->total[at - 1].generation >= generation)
		at--;
	if (at == c->num_totals || c->total[at].generation != generation)
	{
		c->total = make_room(c->env, c->total, c->num_totals, &c->totals_room, 1, sizeof(TotalChange));
		memmove(c->total + at + 1, c->total + at, (c->num_totals++ - at) * sizeof(TotalChange));
		c->total[at] = (TotalChange) {generation, 0};
	}
	c->total[at].change = (int64_t) ((uint64_t) c->total[at].change + change);
}

/* Most changes of a basket leave it in its generation and of its weight: no change at all. */
static void
diff_total(PairChanges *c, const State *was, const State *is)
{
	if (was->generation == is->generation)
		add_total(c, is->generation, is->weight - was->weight);
	else
	{
		add_total(c, was->generation, -was->weight);
		add_total(c, is->generation, is->weight);
	}
}

/* --- items ---------------------------------------------------------------- */

/* Divisions are what costs here, so that of a day that stayed is done once. */
static inline Slot
slot_of(const PairShape *shape, const BasketEntry *was, const BasketEntry *is)
{
	Slot		slot;

	slot.item = was ? was->code : is->code;
	slot.was_in = pairs_generation(shape, was ? was->day : is->day);
	slot.is_in = was && is && is->day != was->day ? pairs_generation(shape, is->day) :
		was ? slot.was_in : pairs_generation(shape, is->day);
	slot.was = was ? item_weight(shape, was) : 0;
	slot.is = is ? item_weight(shape, is) : 0;
	return slot;
}

/* Items of both, changed ones from the front of the room and the others from its end. */
static Slots
fill_slots(const PairShape *shape, const Basket *was, const Basket *is, bool all_changed, Slot *room)
{
	Slots		slots = {room, 0, room + was->size + is->size, 0};
	const BasketEntry *old = was->entry;
	const BasketEntry *new = is->entry;
	uint32_t	o = 0;
	uint32_t	n = 0;

	while (o < was->size || n < is->size)
	{
		bool		in_new = o == was->size || (n < is->size && new[n].code <= old[o].code);
		bool		in_old = n == is->size || (o < was->size && old[o].code <= new[n].code);
		Slot		slot = slot_of(shape, in_old ? old + o : NULL, in_new ? new + n : NULL);

		o += in_old;
		n += in_new;
		if (all_changed || slot.was != slot.is || slot.was_in != slot.is_in)
			slots.changed[slots.num_changed++] = slot;
		else
		{
			*--slots.same = slot;
			slots.num_same++;
		}
	}
	return slots;
}

/* Written in any case and kept where it is a change: cheaper than a branch on what is hardly ever zero. */
static inline MarginalChange *
put_marginal(MarginalChange *at, uint32_t item, int32_t generation, uint64_t change, bool source, bool target)
{
	*at = (MarginalChange) {pairs_row(item, generation), source ? (int64_t) change : 0, target ? (int64_t) change : 0};
	return at + (change != 0);
}

/* All are of the basket's last generation, whatever the day of the item. */
static void
diff_marginals_of(PairChanges *c, const Slot *slot, uint32_t n, const State *was, const State *is, bool source, bool target)
{
	MarginalChange *at;

	if (n == 0)
		return;
	c->marginal = make_room(c->env, c->marginal, c->num_marginals, &c->marginals_room, 2 * (uint64_t) n, sizeof(MarginalChange));
	at = c->marginal + c->num_marginals;
	for (uint32_t s = 0; s < n; s++)
	{
		uint64_t	old = was->weight * slot[s].was * slot[s].was;
		uint64_t	new = is->weight * slot[s].is * slot[s].is;

		if (was->generation == is->generation)
			at = put_marginal(at, slot[s].item, is->generation, new - old, source, target);
		else
		{
			at = put_marginal(at, slot[s].item, was->generation, -old, source, target);
			at = put_marginal(at, slot[s].item, is->generation, new, source, target);
		}
	}
	c->num_marginals = at - c->marginal;
}

static void
diff_marginals(PairChanges *c, const Slots *slots, const State *was, const State *is, bool source, bool target)
{
	diff_marginals_of(c, slots->changed, slots->num_changed, was, is, source, target);
	/* what did not change itself may still count for another generation */
	if (was->generation != is->generation)
		diff_marginals_of(c, slots->same, slots->num_same, was, is, source, target);
}

/* --- pairs of items -------------------------------------------------------- */

/* The room has to be there, also for a change that turns out to be none. */
static inline PairChange *
put_pair(PairChange *at, uint32_t a, uint32_t b, int32_t generation, uint64_t change)
{
	*at = (PairChange) {pairs_row(a, generation), b, (int64_t) change};
	return at + (change != 0);
}

/* Of one item with others, in its row and, where both ways count, in theirs. */
static inline __attribute__((always_inline)) void
diff_pairs(PairChanges *c, const Slot *a, const Slot *others, uint32_t n, const State *was, const State *is, bool both_ways)
{
	uint64_t	old_weight = was->weight * a->was;
	uint64_t	new_weight = is->weight * a->is;
	PairChange *at;

	if (n == 0)
		return;
	at = room_for_pairs(c, 4 * (uint64_t) n);
	env_check(c->env, 0, 0);
	for (const Slot *b = others; b < others + n; b++)
	{
		uint64_t	old = old_weight * b->was;
		uint64_t	new = new_weight * b->is;
		int32_t		was_in = later(a->was_in, b->was_in);
		int32_t		is_in = later(a->is_in, b->is_in);

		/* usually it is one change */
		if (was_in == is_in)
		{
			new -= old;
			old = 0;
		}
		at = put_pair(at, a->item, b->item, is_in, new);
		if (both_ways)
			at = put_pair(at, b->item, a->item, is_in, new);
		if (old == 0)
			continue;
		at = put_pair(at, a->item, b->item, was_in, -old);
		if (both_ways)
			at = put_pair(at, b->item, a->item, was_in, -old);
	}
	c->num_pairs = at - c->pair;
}

/* Each pair once: of two changed items in the turn of the first. */
static void
diff_symmetric(PairChanges *c, const Slots *slots, const State *was, const State *is)
{
	for (uint32_t a = 0; a < slots->num_changed; a++)
	{
		const Slot *slot = slots->changed + a;

		diff_pairs(c, slot, slot + 1, slots->num_changed - a - 1, was, is, true);
		diff_pairs(c, slot, slots->same, slots->num_same, was, is, true);
	}
}

/* An item may be its own target, so sources and targets have slots of their own. */
static void
diff_directed(PairChanges *c, const Slots *sources, const Slots *targets, const State *was, const State *is)
{
	for (uint32_t a = 0; a < sources->num_changed; a++)
	{
		diff_pairs(c, sources->changed + a, targets->changed, targets->num_changed, was, is, false);
		diff_pairs(c, sources->changed + a, targets->same, targets->num_same, was, is, false);
	}
	for (uint32_t a = 0; targets->num_changed > 0 && a < sources->num_same; a++)
		diff_pairs(c, sources->same + a, targets->changed, targets->num_changed, was, is, false);
}

/* --- sequences ------------------------------------------------------------- */

/* Entries stand by code; distances are between places. */
static void
fill_places(const PairShape *shape, const Basket *b, Place *place)
{
	for (uint32_t e = 0; e < b->size; e++)
		place[b->entry[e].position] = (Place) {b->entry[e].code, pairs_generation(shape, b->entry[e].day)};
}

static inline bool
same_place(const Place *one, const Place *two)
{
	return one->item == two->item && one->generation == two->generation;
}

/* All pairs but those of two of the first `before`, or of two of the last `after`, times sign. */
static void
add_sequence(PairChanges *c, const Place *place, uint32_t n, uint32_t before, uint32_t after, uint64_t weight, int sign)
{
	uint32_t	window = c->shape.window < n ? c->shape.window : n;

	for (uint32_t a = before > window ? before - window : 0; a < n - after; a++)
	{
		uint32_t	b = a + 1 > before ? a + 1 : before;
		uint32_t	end = n - a > window ? a + window + 1 : n;
		PairChange *at;

		/* a window may end before what changed begins */
		if (b >= end)
			continue;
		at = room_for_pairs(c, end - b);
		env_check(c->env, 0, 0);
		for (; b < end; b++)
		{
			uint64_t	count = weight_at_distance(weight, b - a);

			at = put_pair(at, place[a].item, place[b].item, later(place[a].generation, place[b].generation),
						  sign > 0 ? count : -count);
		}
		c->num_pairs = at - c->pair;
	}
}

/* What comes before the first difference and after the last one is as far apart as it was. */
static void
diff_sequence(PairChanges *c, const State *was, const State *is)
{
	uint32_t	old_size = was->source->size;
	uint32_t	new_size = is->source->size;
	uint32_t	shared = old_size < new_size ? old_size : new_size;
	Place	   *old = room_for_scratch(c, (uint64_t) old_size + new_size, sizeof(Place));
	Place	   *new = old + old_size;
	uint32_t	before = 0;
	uint32_t	after = 0;

	fill_places(&c->shape, was->source, old);
	fill_places(&c->shape, is->source, new);
	/* another weight counts for all pairs */
	if (was->weight == is->weight)
	{
		while (before < shared && same_place(old + before, new + before))
			before++;
		while (after < shared - before && same_place(old + old_size - after - 1, new + new_size - after - 1))
			after++;
	}
	add_sequence(c, old, old_size, before, after, was->weight, -1);
	add_sequence(c, new, new_size, before, after, is->weight, 1);
}

/* --- a basket that changed ------------------------------------------------- */

void
pairs_diff(PairChanges *c, const Basket *old_source, const Basket *old_target,
		   const Basket *new_source, const Basket *new_target)
{
	State		was = state_of(&c->shape, old_source, old_target);
	State		is = state_of(&c->shape, new_source, new_target);
	uint64_t	num_sources = (uint64_t) was.source->size + is.source->size;
	uint64_t	num_targets = c->shape.directed ? (uint64_t) was.target->size + is.target->size : 0;
	Slot	   *room = room_for_scratch(c, num_sources + num_targets, sizeof(Slot));
	Slots		sources;
	Slots		targets;

	/* a basket that comes or goes is one change of each count, not two in different generations */
	if (is_empty(&was))
		was.generation = is.generation;
	if (is_empty(&is))
		is.generation = was.generation;
	diff_total(c, &was, &is);
	sources = fill_slots(&c->shape, was.source, is.source, was.weight != is.weight, room);
	diff_marginals(c, &sources, &was, &is, true, !c->shape.directed);
	if (c->shape.directed)
	{
		targets = fill_slots(&c->shape, was.target, is.target, was.weight != is.weight, room + num_sources);
		diff_marginals(c, &targets, &was, &is, false, true);
		diff_directed(c, &sources, &targets, &was, &is);
	}
	else if (c->shape.sequence)
		diff_sequence(c, &was, &is);
	else
		diff_symmetric(c, &sources, &was, &is);
}

/* --- folding --------------------------------------------------------------- */

/* Sums of equal keys, which stand together, and none of those that cancel: the table never hears of them. */
static void
fold_pairs(PairChanges *c)
{
	PairChange *pair = c->pair;
	uint64_t	folded = 0;

	for (uint64_t p = 0; p < c->num_pairs;)
	{
		PairChange	sum = pair[p];

		while (++p < c->num_pairs && pair[p].row == sum.row && pair[p].item == sum.item)
			sum.change = (int64_t) ((uint64_t) sum.change + (uint64_t) pair[p].change);
		pair[folded] = sum;
		folded += sum.change != 0;
	}
	c->num_pairs = folded;
}

/* Those of a directed model come one by one, as a source and as a target. */
static void
fold_marginals(PairChanges *c)
{
	MarginalChange *marginal = c->marginal;
	uint64_t	folded = 0;

	for (uint64_t m = 0; m < c->num_marginals;)
	{
		MarginalChange sum = marginal[m];

		while (++m < c->num_marginals && marginal[m].row == sum.row)
		{
			sum.source = (int64_t) ((uint64_t) sum.source + (uint64_t) marginal[m].source);
			sum.target = (int64_t) ((uint64_t) sum.target + (uint64_t) marginal[m].target);
		}
		marginal[folded] = sum;
		folded += sum.source != 0 || sum.target != 0;
	}
	c->num_marginals = folded;
}

/* In order already: only what canceled has to go. */
static void
fold_totals(PairChanges *c)
{
	uint64_t	folded = 0;

	for (uint64_t t = 0; t < c->num_totals; t++)
		if (c->total[t].change != 0)
			c->total[folded++] = c->total[t];
	c->num_totals = folded;
}

/* The scratch lasts for the sort only: nobody folds often enough to keep as much memory again. */
static void
sort_changes(Env *env, void *changes, uint64_t n, int key_words)
{
	uint64_t   *scratch;

	if (n < 2)
		return;
	scratch = env_alloc(env, n, 3 * sizeof(uint64_t));
	radix_sort_checked(env, changes, scratch, n, 3, key_words);
	env_release(env, scratch);
}

void
pairs_fold(PairChanges *c)
{
	sort_changes(c->env, c->pair, c->num_pairs, 2);
	fold_pairs(c);
	sort_changes(c->env, c->marginal, c->num_marginals, 1);
	fold_marginals(c);
	fold_totals(c);
}

/* --- one row at a time ------------------------------------------------------ */

/* A sequence counts towards the later item, at whatever day it was. */
static uint32_t
later_of_entry(const PairShape *shape, const Basket *b, uint32_t at, uint64_t weight, PairOfEntry *out)
{
	const BasketEntry *own = b->entry + at;
	uint32_t	n = 0;

	/* by code, not by place: rows are wanted in the order of their items */
	for (uint32_t i = 0; i < b->size; i++)
	{
		const BasketEntry *e = b->entry + i;

		if (e->position <= own->position || e->position - own->position > shape->window)
			continue;
		out[n] = (PairOfEntry) {e->code, pairs_generation(shape, later(e->day, own->day)),
			(int64_t) weight_at_distance(weight, e->position - own->position)};
		n += out[n].count != 0;
	}
	return n;
}

/* In the order of the others' codes, as rows are. */
uint32_t
pairs_of_entry(const PairShape *shape, const Basket *source, const Basket *target,
			   uint32_t at, PairOfEntry *out)
{
	const BasketEntry *own = source->entry + at;
	const BasketEntry *skip = shape->directed ? NULL : own;
	const Basket *others = shape->directed ? target : source;
	uint64_t	weight = (uint64_t) pairs_basket_weight(shape, source->size);
	int32_t		generation = pairs_generation(shape, own->day);
	bool		aged = shape->generation_days != 0;
	uint32_t	n = 0;

	if (shape->sequence)
		return later_of_entry(shape, source, at, weight, out);
	weight *= own->weight;
	for (uint32_t i = 0; i < others->size; i++)
	{
		const BasketEntry *e = others->entry + i;
		int64_t		count = (int64_t) (weight * e->weight);

		out[n] = (PairOfEntry) {e->code, aged && e->day > own->day ? pairs_generation(shape, e->day) : generation, count};
		/* written over by the next where it does not count */
		n += count != 0 && e != skip;
	}
	return n;
}
