/*
 * rule_print.c
 *		Rules to text, one text for each tree.
 */
#include <stdio.h>

#include "kernel/rule.h"

typedef struct Printer
{
	Env		   *env;
	const Rule *rule;
	char	   *bytes;
	size_t		size;
	size_t		room;
} Printer;

static void
put(Printer *p, const char *bytes, size_t size)
{
	if (p->room - p->size < size)
	{
		p->room = 2 * p->room + size;
		p->bytes = env_resize(p->env, p->bytes, p->room, 1);
	}
	memcpy(p->bytes + p->size, bytes, size);
	p->size += size;
}

static void
put_string(Printer *p, const char *string)
{
	put(p, string, strlen(string));
}

static void
put_integer(Printer *p, int64_t value)
{
	char		digits[24];

	put(p, digits, snprintf(digits, sizeof(digits), "%lld", (long long) value));
}

/* --- parts ------------------------------------------------------------------ */

const char *const rule_signs[] = {"=", "<>", "<", "<=", ">", ">=", "in", "is null", "contains", "younger than", "older than"};

void
rule_format_fixed(char *out, int64_t value, int places)
{
	uint64_t	left = value < 0 ? -(uint64_t) value : (uint64_t) value;
	uint64_t	unit = 1;

	for (; places > 0 && left % 10 == 0; places--)
		left /= 10;
	for (int i = 0; i < places; i++)
		unit *= 10;
	out += snprintf(out, RULE_FORMATTED / 2, "%s%llu", value < 0 ? "-" : "", (unsigned long long) (left / unit));
	if (places == 0)
		return;
	*out++ = '.';
	for (left %= unit; unit > 1; left %= unit)
	{
		unit /= 10;
		*out++ = '0' + (char) (left / unit);
	}
	*out = '\0';
}

/* In the largest unit that is exact; weeks are days. */
void
rule_format_interval(char *out, int64_t length)
{
	static const struct
	{
		int64_t		length;
		const char *name;
	}			units[] = {{ACTIVITY_DAY, "day"}, {3600 * ACTIVITY_SECOND, "hour"}, {60 * ACTIVITY_SECOND, "minute"}, {ACTIVITY_SECOND, "second"}};
	int			i = 0;

	while (i < 3 && length % units[i].length != 0)
		i++;
	snprintf(out, RULE_FORMATTED, "%lld %s%s", (long long) (length / units[i].length), units[i].name, length != units[i].length ? "s" : "");
}

/* Back from days to the calendar; see days_of in rule_parse.c. */
static void
format_since(char *out, const RuleWindow *window)
{
	int64_t		days = window->length / ACTIVITY_DAY - (window->length % ACTIVITY_DAY < 0) + 730425;
	int64_t		seconds = (window->length - (days - 730425) * ACTIVITY_DAY) / ACTIVITY_SECOND;
	int64_t		era = days / 146097;
	int64_t		of_era = days % 146097;
	int64_t		year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t		of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t		month = (5 * of_year + 2) / 153;

	year += era * 400 + (month >= 10);
	out += snprintf(out, RULE_FORMATTED / 2, "since %04d-%02d-%02d", (int) year, (int) (month < 10 ? month + 3 : month - 9),
					(int) (of_year - (153 * month + 2) / 5 + 1));
	if (!window->local)
		snprintf(out, RULE_FORMATTED / 2, "T%02d:%02d:%02dZ", (int) (seconds / 3600), (int) (seconds / 60 % 60), (int) (seconds % 60));
}

void
rule_format_window(char *out, const RuleWindow *window)
{
	static const char *const periods[] = {"day", "week", "month", "quarter", "year"};

	if (window->type == RULE_ROLLING)
		rule_format_interval(out, window->length);
	else if (window->type == RULE_SINCE)
		format_since(out, window);
	else if (window->type == RULE_EVER)
		strcpy(out, "ever");
	else
		snprintf(out, RULE_FORMATTED, "%s %s", window->type == RULE_THIS ? "this" : "previous", periods[window->period]);
}

static void
put_fixed(Printer *p, int64_t value, int places)
{
	char		number[RULE_FORMATTED];

	rule_format_fixed(number, value, places);
	put_string(p, number);
}

static void
put_interval(Printer *p, int64_t length)
{
	char		interval[RULE_FORMATTED];

	rule_format_interval(interval, length);
	put_string(p, interval);
}

static void
put_window(Printer *p, const RuleWindow *window)
{
	char		words[RULE_FORMATTED];

	if (window->type == RULE_EVER)
		return;
	rule_format_window(words, window);
	put_string(p, ", ");
	put_string(p, words);
}

static void
put_sign(Printer *p, RuleOp op)
{
	put_string(p, " ");
	put_string(p, rule_signs[op]);
	put_string(p, " ");
}

/* --- names and values ------------------------------------------------------- */

/* Words stand as they are if they cannot be taken for a number; everything else is quoted. */
static bool
is_plain(RuleText text)
{
	for (uint32_t i = 0; i < text.size; i++)
	{
		char		c = text.bytes[i];
		bool		letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.')))
			return false;
	}
	return text.size > 0;
}

static void
put_text(Printer *p, RuleText text)
{
	if (text.is_number || is_plain(text))
	{
		put(p, text.bytes, text.size);
		return;
	}
	put_string(p, "'");
	for (uint32_t i = 0; i < text.size; i++)
	{
		if (text.bytes[i] == '\'')
			put_string(p, "'");
		put(p, text.bytes + i, 1);
	}
	put_string(p, "'");
}

static void
put_events(Printer *p, RuleEvents events)
{
	put_text(p, p->rule->kinds[events.kind]);
	if (!events.filtered)
		return;
	put_string(p, "[amount");
	put_sign(p, events.filter);
	put_fixed(p, events.amount, 4);
	put_string(p, "]");
}

/* --- leaves ----------------------------------------------------------------- */

static void
put_measure(Printer *p, const RuleNode *n)
{
	static const char *const names[] = {"count(", "sum(", "avg(", "min(", "max(", "days("};
	bool		did = n->type == RULE_COUNT && n->op == RULE_GE && n->value == 1;

	put_string(p, did ? "did(" : names[n->type - RULE_COUNT]);
	put_events(p, n->a);
	put_window(p, &n->window);
	put_string(p, ")");
	if (did)
		return;
	put_sign(p, n->op);
	if (n->type == RULE_COUNT || n->type == RULE_DAYS)
		put_integer(p, n->value);
	else
		put_fixed(p, n->value, 4);
}

static void
put_sequence(Printer *p, const RuleNode *n)
{
	put_string(p, n->type == RULE_SEQ ? "seq(" : n->type == RULE_REGULAR ? "regular(" : "did_not_after(");
	put_events(p, n->a);
	put_string(p, ", ");
	if (n->type == RULE_REGULAR)
	{
		put_string(p, "every ");
		put_interval(p, n->value);
		put_string(p, ", ");
		put_integer(p, n->limits[0]);
		put_string(p, " of ");
		put_integer(p, n->limits[1]);
	}
	else
	{
		put_events(p, n->b);
		put_string(p, ", within ");
		put_interval(p, n->value);
		put_window(p, &n->window);
	}
	put_string(p, ")");
}

static void
put_values(Printer *p, const RuleNode *n)
{
	for (uint32_t i = 0; i < n->num_texts; i++)
	{
		if (i > 0)
			put_string(p, ", ");
		put_text(p, p->rule->texts[n->texts + i]);
	}
}

static void
put_attr(Printer *p, const RuleNode *n)
{
	put_string(p, "attr(");
	put_text(p, n->name);
	put_string(p, ")");
	put_string(p, " ");
	put_string(p, rule_signs[n->op]);
	if (n->op != RULE_IS_NULL)
		put_string(p, n->op == RULE_ONE_OF ? " (" : " ");
	put_values(p, n);
	if (n->op == RULE_ONE_OF)
		put_string(p, ")");
	if (n->op == RULE_YOUNGER || n->op == RULE_OLDER)
		put_interval(p, n->value);
}

static void
put_rfm(Printer *p, const RuleNode *n)
{
	bool		first = true;

	for (int i = 0; i < 3; i++)
	{
		if (n->limits[2 * i] == 0)
			continue;
		put_string(p, first ? "" : ", ");
		put(p, &"rfm"[i], 1);
		put_string(p, " ");
		put_integer(p, n->limits[2 * i]);
		if (n->limits[2 * i + 1] != n->limits[2 * i])
		{
			put_string(p, "-");
			put_integer(p, n->limits[2 * i + 1]);
		}
		first = false;
	}
}

/* What is neither of events nor an attribute: a name, and at most a few numbers. */
static void
put_other(Printer *p, const RuleNode *n)
{
	static const char *const names[] = {"score(", "rfm(", "lifecycle(", "in(", "bucket(", "consent(", "list("};

	put_string(p, names[n->type - RULE_SCORE]);
	if (n->type == RULE_RFM)
		put_rfm(p, n);
	else if (n->type == RULE_LIST)
		put_values(p, n);
	else if (n->type == RULE_IN)
		put(p, n->name.bytes, n->name.size);
	else
		put_text(p, n->name);
	if (n->type == RULE_LIFECYCLE && n->limits[1])
	{
		put_string(p, ", ");
		put_events(p, n->a);
	}
	if (n->type == RULE_BUCKET)
		for (int i = 0; i < 2; i++)
		{
			put_string(p, ", ");
			put_fixed(p, n->limits[i], 2);
		}
	put_string(p, ")");
	if (n->type == RULE_SCORE)
	{
		put_sign(p, n->op);
		put_fixed(p, n->value, 6);
	}
}

static void
put_leaf(Printer *p, const RuleNode *n)
{
	if (n->type <= RULE_DAYS)
		put_measure(p, n);
	else if (n->type <= RULE_FIRST)
	{
		put_string(p, n->type == RULE_LAST ? "last(" : "first(");
		put_events(p, n->a);
		put_string(p, ")");
		put_sign(p, n->op);
		put_interval(p, n->value);
	}
	else if (n->type <= RULE_REGULAR)
		put_sequence(p, n);
	else if (n->type == RULE_ATTR)
		put_attr(p, n);
	else
		put_other(p, n);
}

static void put_node(Printer *p, const RuleNode *n, bool grouped);

static void
put_group(Printer *p, const RuleNode *n)
{
	const RuleNode *end = p->rule->nodes + n->next;

	for (const RuleNode *child = n + 1; child < end; child = p->rule->nodes + child->next)
	{
		if (child != n + 1)
			put_string(p, n->type == RULE_ALL ? " and " : " or ");
		/* "and" binds closer: only an "or" within needs parentheses */
		put_node(p, child, n->type == RULE_ALL);
	}
}

/* `grouped`: what is not a single condition goes in parentheses. */
static void
put_node(Printer *p, const RuleNode *n, bool grouped)
{
	if (n->type == RULE_NOT)
	{
		put_string(p, "not ");
		put_node(p, n + 1, true);
	}
	else if (n->type > RULE_NOT)
		put_leaf(p, n);
	else if (p->rule->nodes + n->next == n + 1)
		put_string(p, n->type == RULE_ALL ? "true" : "false");
	else
	{
		put_string(p, grouped ? "(" : "");
		put_group(p, n);
		put_string(p, grouped ? ")" : "");
	}
}

char *
rule_print(Env *env, const Rule *rule, size_t *size)
{
	return rule_print_node(env, rule, rule->nodes, size);
}

char *
rule_print_node(Env *env, const Rule *rule, const RuleNode *node, size_t *size)
{
	Printer		p = {env, rule, env_alloc(env, 64, 1), 0, 64};

	put_node(&p, node, false);
	*size = p.size;
	return p.bytes;
}
