/*
 * rule_trace.c
 *		Why a rule holds or not: every node's answer, and what was found for it.
 *
 * Evidence is looked for apart from evaluating, which stops as soon as it knows enough.
 */
#include "kernel/rule_walk.h"

#define NO_TIME INT64_MIN

/* Of a count that holds because there are so many: the one without which it would not. */
static void
measure(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	RuleBounds	b = rule_bounds(&n->window, c);
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	RuleSums	s = {0};
	int64_t		needed = n->type != RULE_COUNT ? INT64_MAX : n->op == RULE_GT || n->op == RULE_LE ? n->value + 1 : n->value;

	while (rule_walk_within(&w, &b))
	{
		if (s.events < needed)
			found->time = w.e.time;
		rule_add_event(&s, &w.e);
	}
	found->events = s.events;
	found->amounts = s.n;
	found->figure = n->type == RULE_COUNT ? s.events : n->type == RULE_MIN ? s.least : n->type == RULE_MAX ? s.greatest :
		n->type == RULE_DAYS ? s.days : s.sum;
}

static void
age(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);

	found->events = rule_find_age(n, &w, &found->time);
}

/* The B that counts and the A before it, or the latest A. */
static void
sequence(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	RuleBounds	bounds = rule_bounds(&n->window, c);
	RuleWalk	a = rule_walk(rule, &n->a, c->as_of);
	RuleWalk	b = rule_walk(rule, &n->b, c->as_of);
	bool		more = rule_walk_next(&a);

	found->time = more ? a.e.time : NO_TIME;
	while (more && rule_walk_within(&b, &bounds))
	{
		while (more && a.e.time >= b.e.time)
			more = rule_walk_next(&a);
		if (more && a.e.time >= b.e.time - n->value)
		{
			found->time = a.e.time;
			found->then = b.e.time;
			return;
		}
	}
}

/* The latest X, and the first Y after it that came in time. */
static void
did_not_after(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	RuleWalk	x = rule_walk(rule, &n->a, c->as_of);
	RuleWalk	y = rule_walk(rule, &n->b, c->as_of);

	if (!rule_walk_next(&x))
		return;
	found->time = x.e.time;
	while (rule_walk_next(&y) && y.e.time > x.e.time)
		if (y.e.time <= rule_later_by(x.e.time, n->value))
			found->then = y.e.time;
}

static void
regular(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);
	int64_t		last = -1;

	while (rule_walk_next(&w) && (c->as_of - w.e.time) / n->value < n->limits[1])
	{
		found->events += (c->as_of - w.e.time) / n->value != last;
		last = (c->as_of - w.e.time) / n->value;
		found->time = w.e.time;
	}
}

static void
purchases(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	RuleWalk	w = rule_walk(rule, &n->a, c->as_of);

	found->events = (int64_t) rule_find_purchases(&w, &found->time);
}

static bool
find_evidence(const Rule *rule, const RuleNode *n, RuleContext *c, RuleEvidence *found)
{
	*found = (RuleEvidence) {.time = NO_TIME,.then = NO_TIME};
	switch (n->type)
	{
		case RULE_COUNT:
		case RULE_SUM:
		case RULE_AVG:
		case RULE_MIN:
		case RULE_MAX:
		case RULE_DAYS:
			measure(rule, n, c, found);
			return true;
		case RULE_LAST:
		case RULE_FIRST:
			age(rule, n, c, found);
			return true;
		case RULE_SEQ:
			sequence(rule, n, c, found);
			return true;
		case RULE_DID_NOT_AFTER:
			did_not_after(rule, n, c, found);
			return true;
		case RULE_REGULAR:
			regular(rule, n, c, found);
			return true;
		case RULE_LIFECYCLE:
			purchases(rule, n, c, found);
			return true;
		default:
			return false;
	}
}

bool
rule_trace(const Rule *rule, const void *activity, size_t size, RuleContext *context, RuleTrace trace, void *arg)
{
	uint32_t	ends[RULE_MAX_DEPTH];	/* of the groups that the node is in */
	int			depth = 0;

	if (!rule_open(rule, activity, size))
		return false;
	for (uint32_t place = 0; place < rule->num_nodes; place++)
	{
		const RuleNode *n = &rule->nodes[place];
		RuleEvidence found;
		RuleAnswer	answer = rule_evaluate_node(rule, n, context);

		while (depth > 0 && ends[depth - 1] <= place)
			depth--;
		trace(arg, rule, n, depth, answer, find_evidence(rule, n, context, &found) ? &found : NULL);
		if (!rule_is_leaf(n) && n->next > place + 1)
			ends[depth++] = n->next;
	}
	return true;
}
