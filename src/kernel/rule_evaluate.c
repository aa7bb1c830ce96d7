/*
 * rule_evaluate.c
 *		Whether a rule holds at an instant, and until when it certainly goes on as it is.
 *
 * Events later than the instant, which a replay of the past meets, do not count; when the first of them comes is an instant of change like others.
 */
#include "kernel/lifecycle.h"
#include "kernel/rule_walk.h"

static RuleTruth
truth(bool value)
{
	return value ? RULE_TRUE : RULE_FALSE;
}

/* --- windows ---------------------------------------------------------------- */

RuleBounds
rule_bounds(const RuleWindow *window, RuleContext *c)
{
	RuleBounds	b = {INT64_MIN, c->as_of, 0, RULE_NEVER};

	if (window->type == RULE_ROLLING)
	{
		b.after = c->as_of - window->length;
		b.length = window->length;
	}
	else if (window->type == RULE_SINCE)
		b.after = (window->local ? c->day(c, window->length) : window->length) - 1;
	else if (window->type != RULE_EVER)
	{
		b.after = c->period(c, window->period, window->type == RULE_THIS ? 0 : -1) - 1;
		b.change = c->period(c, window->period, 1);
		if (window->type == RULE_PREVIOUS)
			b.until = c->period(c, window->period, 0) - 1;
	}
	return b;
}

static int64_t
leaves_at(const RuleBounds *b, int64_t time)
{
	return b->length > 0 ? rule_later_by(time, b->length) : b->change;
}

/* The window of the period before gets others at once; in all others events come singly, and are new. */
static RuleAnswer
answer_in(const RuleNode *n, const RuleBounds *b, const RuleWalk *w, bool value, int64_t stable_until)
{
	if (n->window.type == RULE_PREVIOUS)
		stable_until = b->change;
	return (RuleAnswer) {truth(value), rule_earlier(stable_until, w->future)};
}

/* --- leaves ----------------------------------------------------------------- */

/* Every comparison asks whether the count lies in a range. */
static void
range_of(const RuleNode *n, int64_t *low, int64_t *high)
{
	*low = n->op == RULE_GT ? n->value + 1 : n->op == RULE_LT || n->op == RULE_LE ? 0 : n->value;
	*high = n->op == RULE_LT ? n->value - 1 : n->op == RULE_GT || n->op == RULE_GE ? INT64_MAX : n->value;
}

/*
 * Latest first, and no further than need be.  The value changes when so many have left that the range is entered from above, or left below: with the
 * event that makes the count exceed `high`, or reach `low`.
 */
static RuleAnswer
eval_count(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleBounds	b = rule_bounds(&n->window, c);
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	int64_t		low;
	int64_t		high;
	int64_t		count = 0;
	int64_t		at_low = 0;
	int64_t		at_high = 0;
	bool		in_range;

	range_of(n, &low, &high);
	while (!(count > high || (high == INT64_MAX && count >= low)) && rule_walk_within(&w, &b))
	{
		if (count < low)
			at_low = w.e.time;
		if (count <= high)
			at_high = w.e.time;
		count += w.e.count;
	}
	in_range = count >= low && count <= high;
	return answer_in(n, &b, &w, in_range != (n->op == RULE_NE),
					 count > high && high >= 0 ? leaves_at(&b, at_high) : in_range && low > 0 ? leaves_at(&b, at_low) : RULE_NEVER);
}

void
rule_add_event(RuleSums *s, const ActivityEvent *e)
{
	int64_t		day = e->time / ACTIVITY_DAY - (e->time % ACTIVITY_DAY < 0);

	s->events += e->count;
	s->days += s->days == 0 || day != s->last_day;
	s->last_day = day;
	if (e->amount == ACTIVITY_NO_AMOUNT)
		return;
	s->sum += (__int128) e->amount * e->count;
	s->least = s->n == 0 || e->amount < s->least ? e->amount : s->least;
	s->greatest = s->n == 0 || e->amount > s->greatest ? e->amount : s->greatest;
	s->n += e->count;
}

static bool
compare_sums(const RuleNode *n, const RuleSums *s)
{
	switch (n->type)
	{
		case RULE_SUM:
			return rule_compare(n->op, s->sum, n->value);
		case RULE_AVG:
			return rule_compare(n->op, s->sum, (__int128) n->value * s->n);
		case RULE_MIN:
			return rule_compare(n->op, s->least, n->value);
		case RULE_MAX:
			return rule_compare(n->op, s->greatest, n->value);
		default:
			return rule_compare(n->op, s->days, n->value);
	}
}

/* Looked at again when the oldest event leaves. */
static RuleAnswer
eval_aggregate(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleBounds	b = rule_bounds(&n->window, c);
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	RuleSums	s = {0};
	int64_t		oldest = RULE_NEVER;
	RuleAnswer	answer;

	while (rule_walk_within(&w, &b))
	{
		rule_add_event(&s, &w.e);
		oldest = w.e.time;
	}
	answer = answer_in(n, &b, &w, compare_sums(n, &s), oldest == RULE_NEVER ? RULE_NEVER : leaves_at(&b, oldest));
	if (s.n == 0 && (n->type == RULE_AVG || n->type == RULE_MIN || n->type == RULE_MAX))
		answer.value = RULE_UNKNOWN;
	return answer;
}

/* The earliest time is known exactly, also where its event is compacted, unless amounts choose. */
bool
rule_find_age(const RuleNode *n, RuleWalk *w, int64_t *time)
{
	bool		found = false;

	while (rule_walk_next(w))
	{
		*time = w->e.time;
		found = true;
		if (n->type == RULE_LAST)
			return true;
	}
	if (found && w->e.form == ACTIVITY_COMPACT && !n->a.filtered && w->kind.first <= w->as_of)
		*time = w->kind.first;
	return found;
}

static RuleAnswer
eval_age(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	bool		or_equal = n->op == RULE_LE || n->op == RULE_GT;
	bool		younger = n->op == RULE_LT || n->op == RULE_LE;
	int64_t		time;
	int64_t		turn;

	if (!rule_find_age(n, &w, &time))
		return (RuleAnswer) {RULE_UNKNOWN, w.future};
	/* the first instant at which it is not young any more */
	turn = rule_later_by(time, n->value + or_equal);
	return (RuleAnswer) {truth((c->as_of < turn) == younger), rule_earlier(c->as_of < turn ? turn : RULE_NEVER, w.future)};
}

/* The latest B that has an A up to `value` before it; both walks only go back in time. */
static RuleAnswer
eval_seq(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleBounds	bounds = rule_bounds(&n->window, c);
	RuleWalk	a = rule_walk(rule, &n->a, c->as_of);
	RuleWalk	b = rule_walk(rule, &n->b, c->as_of);
	bool		more = rule_walk_next(&a);

	while (more && rule_walk_within(&b, &bounds))
	{
		while (more && a.e.time >= b.e.time)
			more = rule_walk_next(&a);
		if (more && a.e.time >= b.e.time - n->value)
			return answer_in(n, &bounds, &b, true, leaves_at(&bounds, b.e.time));
	}
	/* future ones are seen even where no A is there yet */
	if (!more)
		rule_walk_next(&b);
	b.future = rule_earlier(a.future, b.future);
	return answer_in(n, &bounds, &b, false, RULE_NEVER);
}

static RuleAnswer
eval_did_not_after(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleWalk	x = rule_walk(rule, &n->a, c->as_of);
	RuleWalk	y = rule_walk(rule, &n->b, c->as_of);
	bool		answered = false;
	int64_t		due;

	if (!rule_walk_next(&x))
		return (RuleAnswer) {RULE_FALSE, x.future};
	due = rule_later_by(x.e.time, n->value);
	while (!answered && rule_walk_next(&y) && y.e.time > x.e.time)
		answered = y.e.time <= due;
	return (RuleAnswer) {truth(!answered && c->as_of >= due),
		rule_earlier(rule_earlier(x.future, y.future), !answered && c->as_of < due ? due : RULE_NEVER)};
}

/* Periods are counted back from now, so an event changes its period each time that its age is a multiple of one. */
static RuleAnswer
eval_regular(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	int64_t		last = -1;
	int64_t		periods = 0;
	int64_t		stable_until = RULE_NEVER;

	while (rule_walk_next(&w))
	{
		int64_t		place = (c->as_of - w.e.time) / n->value;

		if (place >= n->limits[1])
			break;
		periods += place != last;
		last = place;
		stable_until = rule_earlier(stable_until, rule_later_by(w.e.time, (place + 1) * n->value));
	}
	return (RuleAnswer) {truth(periods >= n->limits[0]), rule_earlier(stable_until, w.future)};
}

uint64_t
rule_find_purchases(RuleWalk *w, int64_t *last)
{
	uint64_t	n = 0;

	while (n < 2 && rule_walk_next(w))
	{
		if (n == 0)
			*last = w->e.time;
		n += w->e.count;
	}
	return n;
}

RuleAnswer
rule_lifecycle(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	int64_t		last = 0;
	uint64_t	purchases = rule_find_purchases(&w, &last);
	int64_t		from;
	int64_t		until;

	if (!lifecycle_span((LifecycleState) n->limits[0], purchases, last, &from, &until) || c->as_of >= until)
		return (RuleAnswer) {RULE_FALSE, w.future};
	return (RuleAnswer) {truth(c->as_of >= from), rule_earlier(c->as_of < from ? from : until, w.future)};
}

static RuleAnswer
eval_leaf(const Rule *rule, const RuleNode *n, RuleContext *c)
{
	switch (n->type)
	{
		case RULE_COUNT:
			return eval_count(rule, n, c);
		case RULE_SUM:
		case RULE_AVG:
		case RULE_MIN:
		case RULE_MAX:
		case RULE_DAYS:
			return eval_aggregate(rule, n, c);
		case RULE_LAST:
		case RULE_FIRST:
			return eval_age(rule, n, c);
		case RULE_SEQ:
			return eval_seq(rule, n, c);
		case RULE_DID_NOT_AFTER:
			return eval_did_not_after(rule, n, c);
		case RULE_REGULAR:
			return eval_regular(rule, n, c);
		default:
			return c->ask(c, rule, n);
	}
}

/* --- tree ------------------------------------------------------------------- */

static RuleAnswer eval_node(const Rule *rule, const RuleNode *n, RuleContext *c, bool value_only);

/*
 * Of `all`: one false member holds it false, so it stays so as long as the longest of them; otherwise any change may change it.  `any` is the same with
 * true and false exchanged.
 */
static RuleAnswer
eval_group(const Rule *rule, const RuleNode *n, RuleContext *c, bool value_only)
{
	RuleTruth	decides = n->type == RULE_ALL ? RULE_FALSE : RULE_TRUE;
	RuleTruth	value = n->type == RULE_ALL ? RULE_TRUE : RULE_FALSE;
	int64_t		first = RULE_NEVER;
	int64_t		longest = INT64_MIN;

	for (const RuleNode *child = n + 1; child < rule->nodes + n->next; child = rule->nodes + child->next)
	{
		RuleAnswer	a = eval_node(rule, child, c, value_only);

		if (a.value == decides)
		{
			value = decides;
			longest = a.stable_until > longest ? a.stable_until : longest;
			if (value_only)
				break;
		}
		else if (a.value == RULE_UNKNOWN && value != decides)
			value = RULE_UNKNOWN;
		first = rule_earlier(first, a.stable_until);
	}
	return (RuleAnswer) {value, value == decides && longest != INT64_MIN ? longest : first};
}

static RuleAnswer
eval_node(const Rule *rule, const RuleNode *n, RuleContext *c, bool value_only)
{
	RuleAnswer	a;

	if (n->type == RULE_ALL || n->type == RULE_ANY)
		return eval_group(rule, n, c, value_only);
	if (n->type != RULE_NOT)
		return eval_leaf(rule, n, c);
	a = eval_node(rule, n + 1, c, value_only);
	a.value = RULE_TRUE - a.value;
	return a;
}

RuleAnswer
rule_evaluate_node(const Rule *rule, const RuleNode *node, RuleContext *context)
{
	return eval_node(rule, node, context, false);
}

bool
rule_open(const Rule *rule, const void *activity, size_t size)
{
	ActivityReader r;
	ActivityKind k;

	for (uint32_t i = 0; i < rule->num_kinds; i++)
		rule->found[i].count = 0;
	if (!activity_open(&r, activity, size))
		return false;
	while (activity_next_kind(&r, &k))
		for (uint32_t i = 0; i < rule->num_kinds; i++)
			if (rule->kinds[i].size == k.name.size && memcmp(rule->kinds[i].bytes, k.name.bytes, k.name.size) == 0)
			{
				rule->found[i] = k;
				break;
			}
	return !r.in.bad;
}

bool
rule_evaluate(const Rule *rule, const void *activity, size_t size, RuleContext *c, RuleAnswer *answer)
{
	if (!rule_open(rule, activity, size))
		return false;
	*answer = eval_node(rule, rule->nodes, c, false);
	return true;
}

bool
rule_matches(const Rule *rule, const void *activity, size_t size, RuleContext *c, RuleTruth *value)
{
	if (!rule_open(rule, activity, size))
		return false;
	*value = eval_node(rule, rule->nodes, c, true).value;
	return true;
}
