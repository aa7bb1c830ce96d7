/*
 * test_rule.c
 *		Rules: random ones over random events at random instants against the plainest evaluation, and until when they hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/rule_keys.h"
#include "unit.h"

#define MAX_EVENTS 40
#define HOUR (3600 * ACTIVITY_SECOND)
static const char *const names[] = {"a", "b", "c"};

typedef struct Event
{
	int			kind;
	int64_t		time;
	int64_t		amount;
} Event;

static Event events[MAX_EVENTS];
static int	num_events;

/* --- a rule in the plainest form: text, and what it should give ------------- */

typedef struct Plain
{
	char		text[4000];
} Plain;

static int64_t
utc_period(RuleContext *c, RulePeriod period, int offset)
{
	int64_t		length = period == RULE_DAY ? ACTIVITY_DAY : 7 * ACTIVITY_DAY;
	int64_t		place = c->as_of / length - (c->as_of % length < 0);

	return (place + offset) * length;
}

static int64_t
utc_day(RuleContext *c, int64_t utc)
{
	return utc;
}

static RuleAnswer
no_answer(RuleContext *c, const Rule *rule, const RuleNode *leaf)
{
	return (RuleAnswer) {RULE_UNKNOWN, RULE_NEVER};
}

static bool
plain_holds(RuleOp op, double a, double b)
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

static bool
passes(const Rule *r, const RuleEvents *e, const Event *event, int64_t as_of)
{
	if (event->time > as_of || r->kinds[e->kind].bytes[0] != names[event->kind][0])
		return false;
	return !e->filtered || (event->amount != ACTIVITY_NO_AMOUNT && plain_holds(e->filter, event->amount, e->amount));
}

static bool
in_window(const RuleWindow *w, int64_t time, RuleContext *c)
{
	switch (w->type)
	{
		case RULE_ROLLING:
			return time > c->as_of - w->length;
		case RULE_THIS:
			return time >= utc_period(c, w->period, 0);
		case RULE_PREVIOUS:
			return time >= utc_period(c, w->period, -1) && time < utc_period(c, w->period, 0);
		case RULE_SINCE:
			return time >= w->length;
		default:
			return true;
	}
}

/* Sums and ages by looking at every event. */
static RuleTruth
plain_measure(const Rule *r, const RuleNode *n, RuleContext *c)
{
	double		count = 0;
	double		amounts = 0;
	double		sum = 0;
	double		least = 0;
	double		greatest = 0;
	int64_t		days[MAX_EVENTS];
	int			num_days = 0;
	double		value;

	for (int i = 0; i < num_events; i++)
	{
		const Event *e = &events[i];
		int64_t		day = e->time / ACTIVITY_DAY - (e->time % ACTIVITY_DAY < 0);
		int			d = 0;

		if (!passes(r, &n->a, e, c->as_of) || !in_window(&n->window, e->time, c))
			continue;
		count++;
		while (d < num_days && days[d] != day)
			d++;
		if (d == num_days)
			days[num_days++] = day;
		if (e->amount == ACTIVITY_NO_AMOUNT)
			continue;
		least = amounts == 0 || e->amount < least ? e->amount : least;
		greatest = amounts == 0 || e->amount > greatest ? e->amount : greatest;
		amounts++;
		sum += e->amount;
	}
	if (amounts == 0 && (n->type == RULE_AVG || n->type == RULE_MIN || n->type == RULE_MAX))
		return RULE_UNKNOWN;
	if (n->type == RULE_AVG)
		return plain_holds(n->op, sum, (double) n->value * amounts) ? RULE_TRUE : RULE_FALSE;
	value = n->type == RULE_COUNT ? count : n->type == RULE_SUM ? sum : n->type == RULE_MIN ? least : n->type == RULE_MAX ? greatest : num_days;
	return plain_holds(n->op, value, n->value) ? RULE_TRUE : RULE_FALSE;
}

static RuleTruth
plain_age(const Rule *r, const RuleNode *n, RuleContext *c)
{
	const Event *found = NULL;

	for (int i = 0; i < num_events; i++)
		if (passes(r, &n->a, &events[i], c->as_of) &&
			(found == NULL || (n->type == RULE_LAST ? events[i].time > found->time : events[i].time < found->time)))
			found = &events[i];
	if (found == NULL)
		return RULE_UNKNOWN;
	return plain_holds(n->op, c->as_of - found->time, n->value) ? RULE_TRUE : RULE_FALSE;
}

static bool
follows(const Rule *r, const RuleNode *n, int64_t x, RuleContext *c)
{
	for (int i = 0; i < num_events; i++)
		if (passes(r, &n->b, &events[i], c->as_of) && in_window(&n->window, events[i].time, c) &&
			events[i].time > x && events[i].time <= x + n->value)
			return true;
	return false;
}

static RuleTruth
plain_sequence(const Rule *r, const RuleNode *n, RuleContext *c)
{
	int64_t		last = INT64_MIN;
	bool		any = false;

	for (int i = 0; i < num_events; i++)
		if (passes(r, &n->a, &events[i], c->as_of))
		{
			any |= follows(r, n, events[i].time, c);
			last = events[i].time > last ? events[i].time : last;
		}
	if (n->type == RULE_SEQ)
		return any ? RULE_TRUE : RULE_FALSE;
	return last != INT64_MIN && c->as_of >= last + n->value && !follows(r, n, last, c) ? RULE_TRUE : RULE_FALSE;
}

static RuleTruth
plain_regular(const Rule *r, const RuleNode *n, RuleContext *c)
{
	int			periods = 0;

	for (int p = 0; p < n->limits[1]; p++)
		for (int i = 0; i < num_events; i++)
			if (passes(r, &n->a, &events[i], c->as_of) && events[i].time > c->as_of - (p + 1) * n->value && events[i].time <= c->as_of - p * n->value)
			{
				periods++;
				break;
			}
	return periods >= n->limits[0] ? RULE_TRUE : RULE_FALSE;
}

static RuleTruth
plain_value(const Rule *r, uint32_t place, RuleContext *c)
{
	const RuleNode *n = r->nodes + place;
	RuleTruth	value = n->type == RULE_ALL ? RULE_TRUE : RULE_FALSE;

	if (n->type == RULE_NOT)
		return RULE_TRUE - plain_value(r, place + 1, c);
	if (n->type <= RULE_ANY)
	{
		for (uint32_t child = place + 1; child < n->next; child = r->nodes[child].next)
		{
			RuleTruth	v = plain_value(r, child, c);

			if (n->type == RULE_ALL ? v < value : v > value)
				value = v;
		}
		return value;
	}
	if (n->type <= RULE_DAYS)
		return plain_measure(r, n, c);
	if (n->type <= RULE_FIRST)
		return plain_age(r, n, c);
	if (n->type <= RULE_DID_NOT_AFTER)
		return plain_sequence(r, n, c);
	return n->type == RULE_REGULAR ? plain_regular(r, n, c) : RULE_UNKNOWN;
}

/* --- random rules ----------------------------------------------------------- */

static uint64_t seed;

static int
below(int n)
{
	return (int) (unit_random(&seed) % n);
}

static void
append(Plain *p, const char *string)
{
	strcat(p->text, string);
}

static void
append_events(Plain *p)
{
	char		filter[40];

	append(p, names[below(3)]);
	if (below(4) == 0)
	{
		sprintf(filter, "[amount %s %d]", (const char *[]) {"=", "<>", "<", "<=", ">", ">="}[below(6)], below(5) - 1);
		append(p, filter);
	}
}

static void
append_window(Plain *p)
{
	static const char *const windows[] = {"", ", 1 day", ", 36 hours", ", 7 days", ", 90 minutes", ", this day", ", previous day", ", this week",
	", previous week", ", since 2000-01-03", ", since 2000-01-02T12:00:00Z", ", ever"};

	append(p, windows[below(12)]);
}

static void
append_leaf(Plain *p)
{
	static const char *const intervals[] = {"1 hour", "1 day", "5 hours", "2 days 1 hour", "4 days"};
	static const char *const measures[] = {"count", "sum", "avg", "min", "max", "days"};
	static const char *const signs[] = {"=", "<>", "<", "<=", ">", ">="};
	char		rest[100];
	int			what = below(12);

	if (what < 6)
		sprintf(rest, ") %s %d", signs[below(6)], below(5) - (what != 0 && what != 5));
	else if (what == 9 || what == 10)
		sprintf(rest, ", within %s", intervals[below(5)]);
	else if (what == 11)
		sprintf(rest, ", every %s, %d of %d)", intervals[below(5)], 1 + below(2), 2 + below(4));
	else
		sprintf(rest, ") %s %s", signs[2 + below(4)], intervals[below(5)]);
	if (what < 6)
		append(p, measures[what]);
	else
		append(p, what == 6 ? "did" : what == 7 ? "last" : what == 8 ? "first" : what == 9 ? "seq" : what == 10 ? "did_not_after" : "regular");
	append(p, "(");
	append_events(p);
	if (what == 9 || what == 10)
	{
		append(p, ", ");
		append_events(p);
		append(p, rest);
		if (what == 9)
			append_window(p);
		append(p, ")");
		return;
	}
	if (what <= 6)
		append_window(p);
	append(p, what == 6 ? ")" : rest);
}

static void
append_rule(Plain *p, int depth)
{
	int			members = 2 + below(2);
	bool		all = below(2);

	if (below(4) == 0)
		append(p, "not ");
	if (depth == 0 || below(3) == 0)
	{
		append_leaf(p);
		return;
	}
	append(p, "(");
	for (int i = 0; i < members; i++)
	{
		append(p, i == 0 ? "" : all ? " and " : " or ");
		append_rule(p, depth - 1);
	}
	append(p, ")");
}

static void
random_events(void)
{
	num_events = below(4) == 0 ? below(4) : below(MAX_EVENTS);
	for (int i = 0; i < num_events; i++)
		events[i] = (Event) {below(3), below(below(2) ? 200 : 20) * HOUR, below(3) ? (below(5) - 1) * ACTIVITY_AMOUNT_UNIT : ACTIVITY_NO_AMOUNT};
}

static unsigned char *
encode_events(size_t *size)
{
	Env		   *env = unit_env();
	ActivityNames *list = activity_names_create(env);
	ActivityEvents all = {NULL, 0, 0};
	unsigned char *bytes;

	for (int i = 0; i < num_events; i++)
		activity_add(env, &all, (ActivityEvent) {events[i].time, events[i].amount, 1, activity_name(list, names[events[i].kind], 1), ACTIVITY_EVENT});
	activity_fold(env, &all);
	bytes = activity_encode(env, &all, list, 0, size);
	env_release(env, all.events);
	activity_names_release(list);
	return bytes;
}

/* Printed, and parsed again: the same. */
static void
check_printed(const Rule *rule)
{
	Env		   *env = unit_env();
	RuleError	error;
	size_t		size;
	size_t		again_size;
	char	   *text = rule_print(env, rule, &size);
	Rule	   *again = rule_parse(env, text, size, &error);
	char	   *again_text;

	CHECK(again != NULL);
	if (again == NULL)
	{
		printf("    not a rule: %.*s\n", (int) size, text);
		free(text);
		return;
	}
	again_text = rule_print(env, again, &again_size);
	CHECK(size == again_size && memcmp(text, again_text, size) == 0);
	free(text);
	free(again_text);
	rule_release(env, again);
}

static long excluded;
static long asked;

/* What an index would find: a rule that holds has all the keys that it needs. */
static void
check_keys(const Plain *p, const Rule *rule, const unsigned char *bytes, size_t size, RuleContext *c, RuleTruth value)
{
	RuleNeeds  *needs = rule_needs(unit_env(), rule, c);
	char	   *present = calloc(needs->num_ranges + 1, 1);
	ActivityReader reader;
	ActivityKind kind;
	bool		met;

	activity_open(&reader, bytes, size);
	while (activity_next_kind(&reader, &kind))
	{
		RuleKeys	keys = rule_keys_of(&kind);

		for (uint32_t i = 0; i < needs->num_ranges; i++)
		{
			const RuleRange *r = &needs->ranges[i];

			if (rule->kinds[r->kind].bytes[0] == kind.name.bytes[0] && keys.has[r->type] && keys.values[r->type] >= r->low && keys.values[r->type] <= r->high)
				present[i] = 1;
		}
	}
	met = rule_needs_met(needs, present);
	CHECK(met || value != RULE_TRUE);
	if (!met && value == RULE_TRUE)
		printf("    %s at %lld is not found\n", p->text, (long long) c->as_of);
	/* who has no key at all is only found where nothing is needed */
	memset(present, 0, needs->num_ranges + 1);
	CHECK(rule_needs_met(needs, present) == needs->always);
	asked += value != RULE_TRUE;
	excluded += value != RULE_TRUE && !met;
	free(present);
	rule_needs_release(unit_env(), needs);
}

/* At an instant, and at every one at which anything might change until the rule says that it may. */
static void
check_rule(const Plain *p, const Rule *rule, const unsigned char *bytes, size_t size)
{
	RuleContext c = {below(250) * HOUR + (below(3) - 1), utc_period, utc_day, no_answer};
	RuleAnswer	answer;
	RuleTruth	value;
	bool		ok = rule_evaluate(rule, bytes, size, &c, &answer) && rule_matches(rule, bytes, size, &c, &value);
	int64_t		as_of = c.as_of;

	check_keys(p, rule, bytes, size, &c, answer.value);
	CHECK(ok && answer.value == value && answer.value == plain_value(rule, 0, &c) && answer.stable_until > as_of);
	if (answer.value != plain_value(rule, 0, &c))
		printf("    %s at %lld: %d\n", p->text, (long long) as_of, answer.value);
	for (int64_t hour = as_of / HOUR; hour < 500; hour++)
		for (int shift = -1; shift <= 1; shift++)
		{
			c.as_of = hour * HOUR + shift;
			if (c.as_of < as_of || c.as_of >= answer.stable_until)
				continue;
			ok = plain_value(rule, 0, &c) == answer.value;
			CHECK(ok);
			if (!ok)
			{
				printf("    %s at %lld is stable until %lld, but not at %lld\n", p->text, (long long) as_of,
					   (long long) answer.stable_until, (long long) c.as_of);
				return;
			}
		}
}

static void
test_random(void)
{
	for (int i = 0; i < 4000; i++)
	{
		Env		   *env = unit_env();
		Plain		p = {""};
		RuleError	error;
		Rule	   *rule;
		unsigned char *bytes;
		size_t		size;

		seed = i + 1;
		append_rule(&p, i % 3);
		rule = rule_parse(env, p.text, strlen(p.text), &error);
		CHECK(rule != NULL);
		if (rule == NULL)
		{
			printf("    %s: expected %s at %d\n", p.text, error.expected, (int) error.at);
			continue;
		}
		check_printed(rule);
		random_events();
		bytes = encode_events(&size);
		for (int j = 0; j < 3; j++)
			check_rule(&p, rule, bytes, size);
		free(bytes);
		rule_release(env, rule);
	}
	/* an index that finds everybody would pass all that was checked so far */
	CHECK(excluded > asked / 4);
}

static RuleAnswer
answer_of(const char *text, int64_t as_of)
{
	Env		   *env = unit_env();
	RuleError	error;
	Rule	   *rule = rule_parse(env, text, strlen(text), &error);
	RuleContext c = {as_of, utc_period, utc_day, no_answer};
	RuleAnswer	answer = {RULE_UNKNOWN, 0};
	size_t		size;
	unsigned char *bytes = encode_events(&size);

	CHECK(rule != NULL && rule_evaluate(rule, bytes, size, &c, &answer));
	free(bytes);
	rule_release(env, rule);
	return answer;
}

/* Events on 1, 3, 5 and 6 January, three within seven days: until 10 January, 00:00. */
static void
test_vector(void)
{
	static const int days[] = {1, 3, 5, 6};

	num_events = 4;
	for (int i = 0; i < 4; i++)
		events[i] = (Event) {0, (days[i] - 1) * ACTIVITY_DAY, ACTIVITY_NO_AMOUNT};
	CHECK(answer_of("count(a, 7 days) >= 3", 6 * ACTIVITY_DAY).value == RULE_TRUE);
	CHECK(answer_of("count(a, 7 days) >= 3", 6 * ACTIVITY_DAY).stable_until == 9 * ACTIVITY_DAY);
	CHECK(answer_of("count(a, 7 days) >= 3", 9 * ACTIVITY_DAY).value == RULE_FALSE);
	CHECK(answer_of("count(a, 7 days) < 3", 6 * ACTIVITY_DAY).stable_until == 9 * ACTIVITY_DAY);
	CHECK(answer_of("count(a, 7 days) < 3", 9 * ACTIVITY_DAY).stable_until == RULE_NEVER);
	CHECK(answer_of("last(a) >= 2 days", 6 * ACTIVITY_DAY).stable_until == 7 * ACTIVITY_DAY);
	CHECK(answer_of("did_not_after(a, b, 2 days)", 6 * ACTIVITY_DAY).stable_until == 7 * ACTIVITY_DAY);
	/* both are false: the second is so for longer */
	CHECK(answer_of("last(a) >= 2 days and last(a) >= 9 days", 6 * ACTIVITY_DAY).stable_until == 14 * ACTIVITY_DAY);
}

static void
check_refused(const char *text, size_t at)
{
	RuleError	error = {0};
	Rule	   *rule = rule_parse(unit_env(), text, strlen(text), &error);

	CHECK(rule == NULL && error.at == at);
	if (rule != NULL || error.at != at)
		printf("    %s: %d\n", text, (int) error.at);
}

static void
test_refused(void)
{
	char		deep[300] = "";
	char	   *wide = calloc(260, 20);

	check_refused("", 0);
	check_refused("did(a", 5);
	check_refused("did(a) and", 10);
	check_refused("did(a) did(b)", 7);
	check_refused("nothing(a)", 0);
	check_refused("did(a, 2 months)", 9);
	check_refused("count(a) >= -x", 12);
	check_refused("did('a)", 4);
	check_refused("last(a) = 2 days", 8);
	check_refused("attr('$key') = 1", 5);
	check_refused("regular(a, every 1 day, 3 of 2)", 24);
	check_refused("lifecycle(gone)", 10);
	check_refused("in(a.b.c)", 3);
	check_refused("in(\"\".b)", 3);
	check_refused("in('a.\"b')", 3);
	check_refused("sum(a) > 900000000000000.1", 9);
	for (int i = 0; i < 140; i++)
		strcat(deep, "(");
	check_refused(deep, 128);
	for (int i = 0; i < 257; i++)
		strcat(wide, i == 0 ? "did(a)" : " or did(a)");
	check_refused(wide, strlen(wide) - 6);
	wide[strlen(wide) - 10] = '\0';
	{
		RuleError	error;
		Rule	   *rule = rule_parse(unit_env(), wide, strlen(wide), &error);

		CHECK(rule != NULL && rule->num_nodes == 257);
		rule_release(unit_env(), rule);
	}
	free(wide);
}

/* What is printed for a text. */
static void
check_canonical(const char *text, const char *expected)
{
	Env		   *env = unit_env();
	RuleError	error;
	Rule	   *rule = rule_parse(env, text, strlen(text), &error);
	size_t		size;
	char	   *printed = rule == NULL ? NULL : rule_print(env, rule, &size);

	CHECK(printed != NULL && size == strlen(expected) && memcmp(printed, expected, size) == 0);
	if (printed != NULL && (size != strlen(expected) || memcmp(printed, expected, size) != 0))
		printf("    %s: %.*s\n", text, (int) size, printed);
	free(printed);
	if (rule != NULL)
	{
		check_printed(rule);
		rule_release(env, rule);
	}
}

static void
test_canonical(void)
{
	check_canonical("not not did(a)", "did(a)");
	check_canonical("not not not (did(a) and (did(b)))", "not (did(a) and did(b))");
	check_canonical("not (not (did(a) and did(b))) and did(c)", "did(a) and did(b) and did(c)");
	check_canonical("attr(x) = 1.0 or attr(x) = -0.0 or attr(x) = 007.50 or attr(x) = -00.5", "attr(x) = 1 or attr(x) = 0 or attr(x) = 7.5 or attr(x) = -0.5");
	check_canonical("attr(x) = '1.0' or attr(x) = 100", "attr(x) = '1.0' or attr(x) = 100");
	check_canonical("list(b, 2, a, '2', 2.0, b)", "list(2, '2', a, b)");
	check_canonical("in(Shop.VIPs) and in(\"Shop\".\"v i\"\"p\") and in('shop.vips')", "in(shop.vips) and in(\"Shop\".\"v i\"\"p\") and in(shop.vips)");
	check_canonical("in(\xc3\xa9.a$)", "in(\"\xc3\xa9\".\"a$\")");
	check_canonical("lifecycle(new) or lifecycle('at_risk', purchase)", "lifecycle(new) or lifecycle(at_risk, purchase)");
	check_canonical("count(a) >= 1", "did(a)");
	check_canonical("true and (true or false)", "true and (true or false)");
}

/* `not (… or …)` and `(… and …)` alternate, so that nothing dissolves. */
static void
nested(char *text, int depth)
{
	*text = '\0';
	for (int i = 1; i < depth; i++)
		strcat(text, i % 2 == 1 ? "did(a) or (" : "did(a) and (");
	strcat(text, "did(b)");
	for (int i = 1; i < depth; i++)
		strcat(text, ")");
}

static void
test_limits(void)
{
	Env		   *env = unit_env();
	char		text[2000];
	char	   *list = malloc(1000000);
	char	   *end = list;
	RuleError	error;
	Rule	   *rule;

	nested(text, 32);
	rule = rule_parse(env, text, strlen(text), &error);
	CHECK(rule != NULL);
	rule_release(env, rule);
	nested(text, 33);
	rule = rule_parse(env, text, strlen(text), &error);
	CHECK(rule == NULL && error.limit && strstr(text + error.at, "did(b)") == strstr(text, "did(b)") && strstr(text + error.at + 1, "did(a)") == NULL);
	end += sprintf(end, "list(");
	for (int i = 0; i < 100000; i++)
		end += sprintf(end, "%s%d", i == 0 ? "" : ",", 99999 - i);
	strcpy(end, ")");
	rule = rule_parse(env, list, strlen(list), &error);
	CHECK(rule != NULL && rule->nodes[0].num_texts == 100000);
	for (uint32_t i = 1; i < 100000; i++)
		CHECK(rule_text_compare(rule->texts[i - 1], rule->texts[i]) < 0);
	check_printed(rule);
	rule_release(env, rule);
	strcpy(end, ",x)");
	rule = rule_parse(env, list, strlen(list), &error);
	CHECK(rule == NULL && error.limit);
	free(list);
}

static RuleAnswer
ask_lifecycle(RuleContext *c, const Rule *rule, const RuleNode *leaf)
{
	return rule_lifecycle(rule, leaf, c);
}

/* At each instant exactly one state holds, and each holds or does not until it says. */
static void
check_lifecycle(const Rule *rule, const unsigned char *bytes, size_t size)
{
	for (int64_t day = -1; day < 500; day++)
		for (int shift = -1; shift <= 1; shift++)
		{
			RuleContext c = {day * ACTIVITY_DAY + shift, utc_period, utc_day, ask_lifecycle};
			int			holding = 0;
			RuleAnswer	whole;

			CHECK(rule_evaluate(rule, bytes, size, &c, &whole));
			for (uint32_t i = 1; i < rule->num_nodes; i++)
			{
				RuleAnswer	now = rule_lifecycle(rule, &rule->nodes[i], &c);
				RuleContext later = c;

				holding += now.value == RULE_TRUE;
				if (now.stable_until == RULE_NEVER)
					later.as_of = 600 * ACTIVITY_DAY;
				else
					later.as_of = now.stable_until - 1;
				CHECK(rule_lifecycle(rule, &rule->nodes[i], &later).value == now.value);
				later.as_of = now.stable_until;
				/* a purchase to come is told of, whether or not it changes anything */
				CHECK(now.stable_until == RULE_NEVER || rule_lifecycle(rule, &rule->nodes[i], &later).value != now.value ||
					  now.stable_until == 0 || now.stable_until == 10 * ACTIVITY_DAY);
			}
			CHECK(holding == 1);
		}
}

static void
test_lifecycle(void)
{
	static const char text[] = "lifecycle(prospect) or lifecycle(new, purchase) or lifecycle(active) or lifecycle(at_risk) or lifecycle(lapsed) or lifecycle(lost)";
	Env		   *env = unit_env();
	RuleError	error;
	Rule	   *rule = rule_parse(env, text, strlen(text), &error);

	for (int purchases = 0; purchases <= 2; purchases++)
	{
		ActivityNames *list = activity_names_create(env);
		ActivityEvents all = {NULL, 0, 0};
		unsigned char *bytes;
		size_t		size;

		for (int i = 0; i < purchases; i++)
			activity_add(env, &all, (ActivityEvent) {i * 10 * ACTIVITY_DAY, ACTIVITY_NO_AMOUNT, 1, activity_name(list, "purchase", 8), ACTIVITY_EVENT});
		activity_fold(env, &all);
		bytes = activity_encode(env, &all, list, 0, &size);
		check_lifecycle(rule, bytes, size);
		free(bytes);
		env_release(env, all.events);
		activity_names_release(list);
	}
	rule_release(env, rule);
}

typedef struct Traced
{
	const unsigned char *bytes;
	size_t		size;
	uint32_t	places;
} Traced;

/* A node means the same alone. */
static void
check_node(void *arg, const Rule *rule, const RuleNode *node, int depth, RuleAnswer answer, const RuleEvidence *evidence)
{
	Traced	   *t = arg;
	Env		   *env = unit_env();
	size_t		size;
	char	   *text = rule_print_node(env, rule, node, &size);
	RuleError	error;
	Rule	   *alone = rule_parse(env, text, size, &error);
	RuleContext c = {100 * HOUR, utc_period, utc_day, no_answer};
	RuleAnswer	again;

	CHECK(node == &rule->nodes[t->places++] && (depth == 0) == (t->places == 1) && (evidence != NULL) == rule_is_leaf(node));
	CHECK(alone != NULL && rule_evaluate(alone, t->bytes, t->size, &c, &again) && again.value == answer.value && again.stable_until == answer.stable_until);
	if (rule_is_leaf(node) && node->type == RULE_COUNT)
		CHECK(plain_holds(node->op, (double) evidence->figure, node->value) == (answer.value == RULE_TRUE));
	rule_release(env, alone);
	free(text);
}

static void
test_trace(void)
{
	for (int i = 0; i < 300; i++)
	{
		Env		   *env = unit_env();
		Plain		p = {""};
		RuleError	error;
		Rule	   *rule;
		unsigned char *bytes;
		Traced		t = {0};
		RuleContext c = {100 * HOUR, utc_period, utc_day, no_answer};

		seed = 77000 + i;
		append_rule(&p, 2);
		rule = rule_parse(env, p.text, strlen(p.text), &error);
		random_events();
		t.bytes = bytes = encode_events(&t.size);
		CHECK(rule != NULL && rule_trace(rule, bytes, t.size, &c, check_node, &t) && t.places == rule->num_nodes);
		free(bytes);
		rule_release(env, rule);
	}
}

void
test_rule(void)
{
	RUN(test_canonical);
	RUN(test_limits);
	RUN(test_lifecycle);
	RUN(test_trace);
	RUN(test_vector);
	RUN(test_refused);
	RUN(test_random);
}
