/*
 * rule_keys.c
 *		Keys of activities, and the ranges of them that a rule needs.
 *
 * Negations are pushed down to the leaves.  A leaf, or its opposite, becomes facts: a key of one kind and type lies in certain ranges, or the kind
 * does not occur at all.  Members of an `all` share their facts, so that "in the last year, but not in the last month" becomes one short range.  What is left
 * of an `all` is cut down to what is worth reading: a range that holds a good part of the customers takes longer than to ask the rule of those
 * who are left anyway.  That only leaves more to ask.
 */
#include "kernel/rule_keys.h"

#include <math.h>

#include "kernel/rule_walk.h"

#define HOUR (3600 * ACTIVITY_SECOND)
#define MOST UINT32_MAX
#define MAX_PARTS 4				/* ranges of one fact */

const uint8_t rule_key_nth[RULE_KEY_NTHS] = {2, 3, 5, 10, 20, 50, 100, 200};

/* --- keys ------------------------------------------------------------------- */

size_t
rule_key_write(unsigned char *out, ActivityName kind, RuleKeyType type, uint32_t value)
{
	unsigned char *p = out + kind.size;

	memcpy(out, kind.bytes, kind.size);
	*p++ = 0;
	*p++ = (unsigned char) type;
	for (int shift = 24; shift >= 0; shift -= 8)
		*p++ = (unsigned char) (value >> shift);
	return p - out;
}

/* Hours or days since the first of all; what lies outside of the years falls on their ends. */
static uint32_t
steps(int64_t time, int64_t step)
{
	if (time < ACTIVITY_MIN_TIME)
		return 0;
	if (time >= ACTIVITY_END_TIME)
		time = ACTIVITY_END_TIME - 1;
	return (uint32_t) ((time - ACTIVITY_MIN_TIME) / step);
}

static uint32_t
hour_of(int64_t time)
{
	return steps(time, HOUR);
}

static uint32_t
day_of(int64_t time)
{
	return steps(time, ACTIVITY_DAY);
}

/* Itself up to 7, then quarters of octaves: 8-9, 10-11, 12-13, 14-15, 16-19, ... */
static uint32_t
class_of(uint64_t n)
{
	int			highest;

	if (n < 4)
		return (uint32_t) n;
	highest = 63 - __builtin_clzll(n);
	return (uint32_t) (4 * highest - 4 + (n >> (highest - 2) & 3));
}

/* The least that class_of gives this class. */
static double
least_of_class(uint32_t class)
{
	return class < 4 ? class : ldexp(4 + class % 4, (int) (class + 4) / 4 - 2);
}

RuleKeys
rule_keys_of(const ActivityKind *kind)
{
	RuleKeys	keys = {{0}, {0}};
	ActivityKind k = *kind;
	ActivityEvent e;
	int64_t		last = ACTIVITY_MIN_TIME;
	int64_t		first = ACTIVITY_END_TIME;
	__int128	sum = 0;
	uint64_t	n = 0;
	int			nth = 0;

	while (activity_next_event(&k, &e))
	{
		last = n == 0 ? e.time : last;
		first = e.time;
		if (e.amount > 0)
			sum += (__int128) e.amount * e.count;
		for (n += e.count; nth < RULE_KEY_NTHS && n >= rule_key_nth[nth]; nth++)
		{
			keys.values[RULE_KEY_NTH + nth] = day_of(e.time);
			keys.has[RULE_KEY_NTH + nth] = true;
		}
	}
	keys.values[RULE_KEY_COUNT] = class_of(k.count);
	keys.values[RULE_KEY_LAST] = hour_of(last);
	keys.values[RULE_KEY_FIRST] = day_of(first);
	keys.values[RULE_KEY_SUM] = class_of(sum > INT64_MAX ? INT64_MAX : (uint64_t) sum);
	keys.has[RULE_KEY_COUNT] = keys.has[RULE_KEY_LAST] = keys.has[RULE_KEY_FIRST] = true;
	keys.has[RULE_KEY_SUM] = sum > 0;
	return keys;
}

/* --- facts ------------------------------------------------------------------ */

typedef struct Part
{
	uint32_t	low;
	uint32_t	high;
} Part;

typedef struct Fact
{
	uint16_t	kind;
	RuleKeyType type;
	bool		or_absent;		/* or the kind does not occur */
	int			n;
	Part		parts[MAX_PARTS];	/* ascending and apart */
} Fact;

/* A tree of what is needed, while it is made. */
typedef struct Need
{
	struct Need *next;			/* of the same parent */
	struct Need *first;			/* RULE_ALL, RULE_ANY */
	struct Need *made_before;	/* all of them, to be released */
	RuleType	type;
	RuleRange	range;
	double		fraction;
} Need;

/* What is known of the members of an `all`. */
typedef struct All
{
	Fact	   *facts;
	uint32_t	num_facts;
	uint32_t	capacity;
	Need	   *others;
	bool		never;
} All;

typedef struct Maker
{
	Env		   *env;
	const Rule *rule;
	RuleContext *context;
	Need	   *made;			/* the last of all */
	Need		always;			/* stands for no need at all */
	Need		never;
	RuleNeeds  *out;
	uint32_t	needs_capacity;
	uint32_t	ranges_capacity;
} Maker;

static void
intersect(Fact *a, const Fact *b)
{
	Fact		both = *a;

	both.n = 0;
	for (int i = 0; i < a->n; i++)
		for (int j = 0; j < b->n; j++)
		{
			uint32_t	low = a->parts[i].low > b->parts[j].low ? a->parts[i].low : b->parts[j].low;
			uint32_t	high = a->parts[i].high < b->parts[j].high ? a->parts[i].high : b->parts[j].high;

			if (low > high)
				continue;
			/* more than there is room for: the last part takes what follows it, too */
			if (both.n == MAX_PARTS)
				both.parts[MAX_PARTS - 1].high = high;
			else
				both.parts[both.n++] = (Part) {low, high};
		}
	both.or_absent = a->or_absent && b->or_absent;
	*a = both;
}

static void
add_fact(Maker *m, All *all, const Fact *fact)
{
	for (uint32_t i = 0; i < all->num_facts; i++)
		if (all->facts[i].kind == fact->kind && all->facts[i].type == fact->type)
		{
			intersect(&all->facts[i], fact);
			return;
		}
	if (all->num_facts == all->capacity)
	{
		all->capacity = all->capacity == 0 ? 4 : 2 * all->capacity;
		all->facts = env_resize(m->env, all->facts, all->capacity, sizeof(Fact));
	}
	all->facts[all->num_facts++] = *fact;
}

static void
need_key(Maker *m, All *all, const RuleEvents *events, RuleKeyType type, uint32_t low, uint32_t high)
{
	Fact		fact = {events->kind, type, false, 1, {{low, high}}};

	add_fact(m, all, &fact);
}

static void
need_last_from(Maker *m, All *all, const RuleEvents *events, int64_t time)
{
	need_key(m, all, events, RULE_KEY_LAST, hour_of(time), MOST);
}

static void
need_first_until(Maker *m, All *all, const RuleEvents *events, int64_t time)
{
	need_key(m, all, events, RULE_KEY_FIRST, 0, day_of(time));
}

static void
need_count(Maker *m, All *all, const RuleEvents *events, int64_t count)
{
	need_key(m, all, events, RULE_KEY_COUNT, class_of(count < 1 ? 1 : count), MOST);
}

/* So many events since then, two at least: the one with that number, or with the next below that there are keys of. */
static void
need_nth_from(Maker *m, All *all, const RuleEvents *events, int64_t time, int64_t count)
{
	int			nth = RULE_KEY_NTHS - 1;

	while (rule_key_nth[nth] > count)
		nth--;
	need_key(m, all, events, RULE_KEY_NTH + nth, day_of(time), MOST);
}

static int64_t
before(int64_t time, int64_t length)
{
	int64_t		result;

	return __builtin_sub_overflow(time, length, &result) ? INT64_MIN : result;
}

/*
 * So many events after the one and up to the other time; what comes later than now changes none of it.  That the last of them, or the n-th last, is as late
 * says more than how many there are in all.
 */
static void
need_within(Maker *m, All *all, const RuleEvents *events, int64_t after, int64_t until, int64_t count)
{
	if (after == INT64_MIN || count < rule_key_nth[0])
		need_count(m, all, events, count);
	else
		need_nth_from(m, all, events, after + 1, count);
	if (after != INT64_MIN)
		need_last_from(m, all, events, after + 1);
	/* hardly anybody's first event is still to come */
	if (until < m->context->as_of)
		need_first_until(m, all, events, until);
}

/* Of the last event, where no amounts choose: it is not between, or it is still to come. */
static void
need_none_within(Maker *m, All *all, const RuleEvents *events, int64_t after, int64_t until)
{
	Fact		fact = {events->kind, RULE_KEY_LAST, true, 2, {{0, hour_of(after)}, {hour_of(until + 1), MOST}}};

	if (events->filtered)
		return;
	if (fact.parts[0].high >= fact.parts[1].low)
		return;
	add_fact(m, all, &fact);
}

/* --- leaves ----------------------------------------------------------------- */

static RuleOp
opposite(RuleOp op)
{
	static const RuleOp opposites[] = {RULE_NE, RULE_EQ, RULE_GE, RULE_GT, RULE_LE, RULE_LT};

	return op <= RULE_GE ? opposites[op] : op;
}

/* Sets what a count must be at least; where none is needed, whether none is allowed to be. */
static void
count_needed(const RuleNode *n, bool negated, int64_t *least, bool *none)
{
	int64_t		value = n->value;
	RuleOp		op = negated ? opposite(n->op) : n->op;

	*least = op == RULE_GT ? value + 1 : op == RULE_GE || op == RULE_EQ ? value : 0;
	if (op == RULE_NE && value == 0)
		*least = 1;
	*none = (op == RULE_EQ && value == 0) || (op == RULE_LT && value <= 1) || (op == RULE_LE && value <= 0);
}

static void
facts_of_count(Maker *m, All *all, const RuleNode *n, bool negated)
{
	RuleBounds	b = rule_bounds(&n->window, m->context);
	int64_t		least;
	bool		none;

	count_needed(n, negated, &least, &none);
	if (least > 0)
		need_within(m, all, &n->a, b.after, b.until, least);
	else if (none)
		need_none_within(m, all, &n->a, b.after, b.until);
}

static void
facts_of_aggregate(Maker *m, All *all, const RuleNode *n, bool negated)
{
	RuleBounds	b = rule_bounds(&n->window, m->context);
	RuleOp		op = negated ? opposite(n->op) : n->op;

	/* the sum of nothing is 0; of all others nothing is known then, which is not true */
	if (n->type == RULE_SUM && rule_compare(op, 0, n->value))
		return;
	need_within(m, all, &n->a, b.after, b.until, 1);
	if (n->value > 0 && (op == RULE_GT || op == RULE_GE || op == RULE_EQ))
		need_key(m, all, &n->a, RULE_KEY_SUM, class_of(n->value), MOST);
}

/* An age is of an event that has happened; unknown, also negated, where there is none. */
static void
facts_of_age(Maker *m, All *all, const RuleNode *n, bool negated)
{
	RuleOp		op = negated ? opposite(n->op) : n->op;
	int64_t		as_of = m->context->as_of;
	int64_t		turn = before(as_of, n->value + (op == RULE_LE || op == RULE_GT));

	need_within(m, all, &n->a, INT64_MIN, as_of, 1);
	/* younger: after the turn */
	if (op == RULE_LT || op == RULE_LE)
	{
		need_last_from(m, all, &n->a, turn + 1);
		if (n->type == RULE_FIRST && !n->a.filtered)
			need_key(m, all, &n->a, RULE_KEY_FIRST, day_of(turn + 1), MOST);
		return;
	}
	need_first_until(m, all, &n->a, turn);
	if (n->type == RULE_LAST)
		need_none_within(m, all, &n->a, turn, as_of);
}

/* Negated, it holds of who did nothing. */
static void
facts_of_sequence(Maker *m, All *all, const RuleNode *n)
{
	RuleBounds	b = rule_bounds(&n->window, m->context);

	need_within(m, all, &n->b, b.after, b.until, 1);
	need_within(m, all, &n->a, b.after == INT64_MIN ? b.after : before(b.after, n->value), b.until, 1);
}

static void
facts_of_did_not_after(Maker *m, All *all, const RuleNode *n)
{
	int64_t		due = before(m->context->as_of, n->value);

	need_within(m, all, &n->a, INT64_MIN, due, 1);
	need_none_within(m, all, &n->a, due, m->context->as_of);
}

static int64_t
before_periods(int64_t time, int64_t periods, int64_t length)
{
	int64_t		all;

	return __builtin_mul_overflow(periods, length, &all) ? INT64_MIN : before(time, all);
}

/* In m of the last n periods: the first of these events is m - 1 periods old at least. */
static void
facts_of_regular(Maker *m, All *all, const RuleNode *n)
{
	int64_t		as_of = m->context->as_of;

	need_within(m, all, &n->a, before_periods(as_of, n->limits[1], n->value), before_periods(as_of, n->limits[0] - 1, n->value), n->limits[0]);
}

static void
facts_of(Maker *m, All *all, const RuleNode *n, bool negated)
{
	switch (n->type)
	{
		case RULE_COUNT:
		case RULE_DAYS:
			facts_of_count(m, all, n, negated);
			break;
		case RULE_SUM:
		case RULE_AVG:
		case RULE_MIN:
		case RULE_MAX:
			facts_of_aggregate(m, all, n, negated);
			break;
		case RULE_LAST:
		case RULE_FIRST:
			facts_of_age(m, all, n, negated);
			break;
		case RULE_SEQ:
			if (!negated)
				facts_of_sequence(m, all, n);
			break;
		case RULE_DID_NOT_AFTER:
			if (!negated)
				facts_of_did_not_after(m, all, n);
			break;
		case RULE_REGULAR:
			if (!negated)
				facts_of_regular(m, all, n);
			break;
		default:
			break;
	}
}

/* --- how many customers, without data --------------------------------------- */

/* Of those who do such things at all: last times as if one in 180 days left, first times as if one in 720 came. */
static double
share_since(const Maker *m, RuleKeyType type, double value)
{
	int64_t		as_of = m->context->as_of;
	double		days = type == RULE_KEY_LAST ? ((double) hour_of(as_of) + 1 - value) / 24 : (double) day_of(as_of) + 1 - value;

	return days <= 0 ? 0 : 1 - exp(-days / (type == RULE_KEY_FIRST ? 720 : 180));
}

static double
guess(const Maker *m, const RuleRange *r)
{
	if (r->type == RULE_KEY_COUNT)
		return 0.5 / fmax(1, least_of_class(r->low));
	if (r->type == RULE_KEY_SUM)
		return 0.2;
	if (r->type >= RULE_KEY_NTH)
		return share_since(m, r->type, r->low) / rule_key_nth[r->type - RULE_KEY_NTH] + 1e-4;
	return share_since(m, r->type, r->low) - share_since(m, r->type, (double) r->high + 1) + 1e-4;
}

/* --- tree ------------------------------------------------------------------- */

static Need *
new_need(Maker *m, RuleType type)
{
	Need	   *need = env_alloc0(m->env, 1, sizeof(Need));

	need->type = type;
	need->made_before = m->made;
	return m->made = need;
}

static Need *
need_of_fact(Maker *m, const Fact *fact)
{
	Need	   *any = new_need(m, RULE_ANY);

	for (int i = fact->n - 1; i >= 0; i--)
	{
		Need	   *need = new_need(m, RULE_COUNT);

		need->range = (RuleRange) {fact->kind, fact->type, fact->parts[i].low, fact->parts[i].high};
		need->fraction = guess(m, &need->range);
		need->next = any->first;
		any->first = need;
		any->fraction += need->fraction;
	}
	return fact->n == 1 ? any->first : any;
}

static bool
is_lower_bound(const Fact *fact)
{
	return fact->n == 1 && fact->parts[0].high == MOST;
}

/*
 * That a kind occurs is said by all of its other keys, too; that so many events came since then says that the last did, and fewer; and where the last event
 * is old, so is the first, unless the last is still to come.
 */
static bool
implies(const Fact *a, const Fact *b)
{
	if (a->kind != b->kind || a == b || a->n == 0)
		return false;
	if (b->type == RULE_KEY_COUNT)
		return is_lower_bound(b) && b->parts[0].low <= 1;
	if (b->type == RULE_KEY_FIRST)
		return a->type == RULE_KEY_LAST && b->n == 1 && b->parts[0].low == 0 && a->parts[0].high / 24 <= b->parts[0].high;
	if (a->type < RULE_KEY_NTH || !is_lower_bound(a) || !is_lower_bound(b))
		return false;
	return b->type == RULE_KEY_LAST ? b->parts[0].low / 24 <= a->parts[0].low :
		b->type >= RULE_KEY_NTH && b->type < a->type && b->parts[0].low <= a->parts[0].low;
}

static bool
is_implied(const All *all, const Fact *fact)
{
	for (uint32_t i = 0; i < all->num_facts; i++)
		if (implies(&all->facts[i], fact))
			return true;
	return false;
}

static bool
occurs(const All *all, uint16_t kind)
{
	for (uint32_t i = 0; i < all->num_facts; i++)
		if (all->facts[i].kind == kind && !all->facts[i].or_absent)
			return true;
	return false;
}

/* A list by fraction, least first. */
static void
insert_need(Need **list, Need *need)
{
	while (*list != NULL && (*list)->fraction <= need->fraction)
		list = &(*list)->next;
	need->next = *list;
	*list = need;
}

/*
 * To look through a range takes some 1/30 of what it takes to fetch and ask as many customers.  So the next range is worth that if it spares more of those
 * that are left by the ranges before.
 */
#define READ_COST (1.0 / 30)

static Need *
best_of(Maker *m, Need *list)
{
	Need	   *all;

	if (list == NULL)
		return &m->always;
	all = new_need(m, RULE_ALL);
	all->first = list;
	all->fraction = list->fraction;
	while (list->next != NULL)
		if (list->next->fraction * READ_COST < all->fraction * (1 - list->next->fraction))
		{
			list = list->next;
			all->fraction *= list->fraction;
		}
		else
			list->next = list->next->next;
	return all;
}

static Need *
finish_all(Maker *m, All *all)
{
	Need	   *list = NULL;

	for (uint32_t i = 0; i < all->num_facts; i++)
	{
		const Fact *fact = &all->facts[i];

		if (is_implied(all, fact) || (fact->or_absent && !occurs(all, fact->kind)))
			continue;
		if (fact->n == 0)
			all->never = true;
		else
			insert_need(&list, need_of_fact(m, fact));
	}
	for (Need *need = all->others, *next; need != NULL; need = next)
	{
		next = need->next;
		insert_need(&list, need);
	}
	env_release(m->env, all->facts);
	return all->never ? &m->never : best_of(m, list);
}

static Need *make_any(Maker *m, const RuleNode *n, bool negated);

static void
collect(Maker *m, All *all, const RuleNode *n, bool negated)
{
	if (n->type == RULE_NOT)
		collect(m, all, n + 1, !negated);
	else if (n->type == (negated ? RULE_ANY : RULE_ALL))
	{
		for (const RuleNode *child = n + 1; child < m->rule->nodes + n->next; child = m->rule->nodes + child->next)
			collect(m, all, child, negated);
	}
	else if (n->type == RULE_ALL || n->type == RULE_ANY)
	{
		Need	   *any = make_any(m, n, negated);

		all->never |= any == &m->never;
		if (any == &m->never || any == &m->always)
			return;
		any->next = all->others;
		all->others = any;
	}
	else
		facts_of(m, all, n, negated);
}

static Need *
make_all(Maker *m, const RuleNode *n, bool negated)
{
	All			all = {NULL};

	collect(m, &all, n, negated);
	return finish_all(m, &all);
}

static Need *
make_any(Maker *m, const RuleNode *n, bool negated)
{
	Need	   *any = new_need(m, RULE_ANY);
	bool		always = false;

	for (const RuleNode *child = n + 1; child < m->rule->nodes + n->next; child = m->rule->nodes + child->next)
	{
		Need	   *need = make_all(m, child, negated);

		env_check(m->env, 0, 0);
		always |= need == &m->always;
		if (need == &m->always || need == &m->never)
			continue;
		need->next = any->first;
		any->first = need;
		any->fraction = fmin(1, any->fraction + need->fraction);
	}
	return always ? &m->always : any->first == NULL ? &m->never : any;
}

/* --- as arrays -------------------------------------------------------------- */

static uint32_t
put_range(Maker *m, const RuleRange *range)
{
	RuleNeeds  *out = m->out;

	for (uint32_t i = 0; i < out->num_ranges; i++)
	{
		const RuleRange *r = &out->ranges[i];

		if (r->kind == range->kind && r->type == range->type && r->low == range->low && r->high == range->high)
			return i;
	}
	if (out->num_ranges == m->ranges_capacity)
	{
		m->ranges_capacity = m->ranges_capacity == 0 ? 8 : 2 * m->ranges_capacity;
		out->ranges = env_resize(m->env, out->ranges, m->ranges_capacity, sizeof(RuleRange));
	}
	out->ranges[out->num_ranges] = *range;
	return out->num_ranges++;
}

static void
put_need(Maker *m, const Need *need)
{
	RuleNeeds  *out = m->out;
	uint32_t	place = out->num_needs++;

	if (place == m->needs_capacity)
	{
		m->needs_capacity = m->needs_capacity == 0 ? 8 : 2 * m->needs_capacity;
		out->needs = env_resize(m->env, out->needs, m->needs_capacity, sizeof(RuleNeed));
	}
	out->needs[place] = (RuleNeed) {need->type, 0, need->type == RULE_COUNT ? put_range(m, &need->range) : 0};
	for (const Need *child = need->first; child != NULL; child = child->next)
		put_need(m, child);
	out->needs[place].next = out->num_needs;
}

RuleNeeds *
rule_needs(Env *env, const Rule *rule, RuleContext *context)
{
	Maker		m = {env, rule, context};
	Need	   *need = make_all(&m, rule->nodes, false);

	m.out = env_alloc0(env, 1, sizeof(RuleNeeds));
	m.out->never = need == &m.never;
	m.out->always = need == &m.always;
	m.out->fraction = m.out->never ? 0 : m.out->always ? 1 : need->fraction;
	if (!m.out->never && !m.out->always)
		put_need(&m, need);
	while ((need = m.made) != NULL)
	{
		m.made = need->made_before;
		env_release(env, need);
	}
	return m.out;
}

void
rule_needs_release(Env *env, RuleNeeds *needs)
{
	env_release(env, needs->needs);
	env_release(env, needs->ranges);
	env_release(env, needs);
}

static bool
is_met(const RuleNeeds *needs, uint32_t place, const char *present)
{
	const RuleNeed *need = &needs->needs[place];

	if (need->type == RULE_COUNT)
		return present[need->range] != 0;
	for (uint32_t child = place + 1; child < need->next; child = needs->needs[child].next)
		if (is_met(needs, child, present) == (need->type == RULE_ANY))
			return need->type == RULE_ANY;
	return need->type == RULE_ALL;
}

bool
rule_needs_met(const RuleNeeds *needs, const char *present)
{
	return needs->always || (!needs->never && is_met(needs, 0, present));
}
