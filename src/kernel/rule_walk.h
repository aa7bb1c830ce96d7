/*
 * rule_walk.h
 *		Events of a leaf, latest first and up to an instant, and the bounds of its window: for what evaluates rules and what explains them.
 */
#ifndef PERSONALIZE_KERNEL_RULE_WALK_H
#define PERSONALIZE_KERNEL_RULE_WALK_H

#include "kernel/rule.h"

static inline int64_t
rule_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* a + b, where b is a length of time; past the end of time it is never. */
static inline int64_t
rule_later_by(int64_t time, int64_t length)
{
	int64_t		sum;

	return __builtin_add_overflow(time, length, &sum) ? RULE_NEVER : sum;
}

static inline bool
rule_compare(RuleOp op, __int128 a, __int128 b)
{
	switch (op)
	{
		case RULE_EQ:
			return a == b;
		case RULE_NE:
			return a != b;
		case RULE_LT:
			return a < b;
		case RULE_LE:
			return a <= b;
		case RULE_GT:
			return a > b;
		default:
			return a >= b;
	}
}

/* --- events up to an instant ------------------------------------------------ */

typedef struct RuleWalk
{
	ActivityKind kind;
	const RuleEvents *events;
	int64_t		as_of;
	int64_t		future;			/* the first of those that are still to come */
	ActivityEvent e;
} RuleWalk;

static inline RuleWalk
rule_walk(const Rule *rule, const RuleEvents *events, int64_t as_of)
{
	return (RuleWalk) {rule->found[events->kind], events, as_of, RULE_NEVER, {0}};
}

static inline bool
rule_walk_next(RuleWalk *w)
{
	while (w->kind.count > 0 && activity_next_event(&w->kind, &w->e))
	{
		if (w->events->filtered && (w->e.amount == ACTIVITY_NO_AMOUNT || !rule_compare(w->events->filter, w->e.amount, w->events->amount)))
			continue;
		if (w->e.time <= w->as_of)
			return true;
		w->future = w->e.time;
	}
	return false;
}

/* --- windows ---------------------------------------------------------------- */

typedef struct RuleBounds
{
	int64_t		after;			/* events after this */
	int64_t		until;			/* and up to this */
	int64_t		length;			/* an event leaves so long after it came; 0: with all others, at `change` */
	int64_t		change;			/* when the window itself moves */
} RuleBounds;

extern RuleBounds rule_bounds(const RuleWindow *window, RuleContext *c);

/* The next event in the window. */
static inline bool
rule_walk_within(RuleWalk *w, const RuleBounds *b)
{
	while (rule_walk_next(w))
	{
		if (w->e.time <= b->after)
			return false;
		if (w->e.time <= b->until)
			return true;
	}
	return false;
}

/* --- leaves and parts of a tree --------------------------------------------- */

typedef struct RuleSums
{
	__int128	sum;
	int64_t		n;				/* with amounts */
	int64_t		events;
	int64_t		least;
	int64_t		greatest;
	int64_t		days;
	int64_t		last_day;
} RuleSums;

extern void rule_add_event(RuleSums *s, const ActivityEvent *e);
/* The event that last() or first() speaks of, which the walk then stands at. */
extern bool rule_find_age(const RuleNode *n, RuleWalk *w, int64_t *time);
/* Number of purchases, as far as a lifecycle can tell numbers apart, and time of the last. */
extern uint64_t rule_find_purchases(RuleWalk *w, int64_t *last);
/* Begin the kinds of a rule in this activity; false where the bytes are no activity. */
extern bool rule_open(const Rule *rule, const void *activity, size_t size);
/* Of a node, once the rule is open. */
extern RuleAnswer rule_evaluate_node(const Rule *rule, const RuleNode *node, RuleContext *context);

#endif							/* PERSONALIZE_KERNEL_RULE_WALK_H */
