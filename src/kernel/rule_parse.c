/*
 * rule_parse.c
 *		Rules from text: recursive descent, into nodes in order of the text.
 *
 *		rule:	term { "or" term };  term: factor { "and" factor };  factor: "not" factor | "(" rule ")" | "true" | "false" | leaf
 */
#include "kernel/lifecycle.h"
#include "kernel/rule.h"

#define MINUTE (60 * ACTIVITY_SECOND)
#define HOUR (60 * MINUTE)
#define MAX_INTERVAL (36525 * ACTIVITY_DAY)

typedef struct Parser
{
	Env		   *env;
	const char *text;
	const char *at;
	const char *end;
	Rule	   *rule;
	RuleError  *error;
	uint32_t	node_room;
	uint32_t	text_room;
	char	   *string;			/* where the next one goes: strings are never longer than the text */
} Parser;

/* --- words ------------------------------------------------------------------ */

static bool
fail(Parser *p, const char *at, const char *expected)
{
	*p->error = (RuleError) {at - p->text, expected, NULL, false};
	return false;
}

static bool
refuse(Parser *p, const char *what, const char *hint)
{
	*p->error = (RuleError) {p->at - p->text, what, hint, true};
	return false;
}

static void
skip_space(Parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
		p->at++;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.' || (unsigned char) c >= 0x80;
}

/* Takes a sign if it is the next. */
static bool
take(Parser *p, const char *sign)
{
	size_t		size = strlen(sign);

	skip_space(p);
	if ((size_t) (p->end - p->at) < size || memcmp(p->at, sign, size) != 0)
		return false;
	p->at += size;
	return true;
}

static bool
need(Parser *p, const char *sign, const char *shown)
{
	return take(p, sign) || fail(p, p->at, shown);
}

static const char *
word_end(Parser *p)
{
	const char *end;

	skip_space(p);
	for (end = p->at; end < p->end && is_word(*end); end++)
		;
	return end;
}

/* Keywords are of small letters here, and of any in the text. */
static bool
is_keyword(const char *at, const char *end, const char *keyword)
{
	size_t		size = strlen(keyword);

	if ((size_t) (end - at) != size)
		return false;
	for (size_t i = 0; i < size; i++)
		if ((at[i] >= 'A' && at[i] <= 'Z' ? at[i] + 32 : at[i]) != keyword[i])
			return false;
	return true;
}

static bool
take_word(Parser *p, const char *keyword)
{
	const char *end = word_end(p);

	if (!is_keyword(p->at, end, keyword))
		return false;
	p->at = end;
	return true;
}

/* A number as written: sign, digits, perhaps a point and more digits. */
static const char *
number_end(Parser *p)
{
	const char *at = p->at;

	if (at < p->end && *at == '-')
		at++;
	if (at == p->end || !is_digit(*at))
		return p->at;
	while (at < p->end && is_digit(*at))
		at++;
	if (at + 1 < p->end && *at == '.' && is_digit(at[1]))
		for (at++; at < p->end && is_digit(*at); at++)
			;
	return at;
}

/* A number without zeros that say nothing; zero has no sign.  Moves both ends, and writes the sign where it must go. */
static void
trim_number(RuleText *text)
{
	char	   *at = (char *) text->bytes;
	bool		minus = *at == '-';
	char	   *end = at + text->size;

	at += minus;
	if (memchr(at, '.', end - at) != NULL)
		while (end[-1] == '0' || end[-1] == '.')
			if (*--end == '.')
				break;
	while (end - at > 1 && at[0] == '0' && at[1] != '.')
		at++;
	if (minus && !(end - at == 1 && *at == '0'))
		*--at = '-';
	*text = (RuleText) {at, (uint32_t) (end - at), true};
}

static bool
keep(Parser *p, const char *bytes, const char *end, RuleText *text)
{
	if (end - bytes > RULE_MAX_TEXT)
		return refuse(p, "a name or value is longer than 1000 bytes", NULL);
	memmove(p->string, bytes, end - bytes);
	*text = (RuleText) {p->string, (uint32_t) (end - bytes), false};
	p->string += end - bytes;
	return true;
}

/* In single or double quotes, which are doubled inside. */
static bool
parse_quoted(Parser *p, RuleText *text)
{
	const char *start = p->at;
	char		quote = *p->at++;
	char	   *out = p->string;

	for (;; p->at++)
	{
		if (p->at == p->end)
			return fail(p, start, "a quote that ends this text");
		if (*p->at == quote && (++p->at == p->end || *p->at != quote))
			break;
		*out++ = *p->at;
	}
	*text = (RuleText) {p->string, (uint32_t) (out - p->string), false};
	p->string = out;
	return text->size <= RULE_MAX_TEXT || refuse(p, "a name or value is longer than 1000 bytes", NULL);
}

/* A name, or a value: number, word or quoted. */
static bool
parse_text(Parser *p, RuleText *text, const char *what)
{
	const char *end;

	skip_space(p);
	if (p->at < p->end && (*p->at == '\'' || *p->at == '"'))
		return parse_quoted(p, text);
	end = number_end(p);
	if (end > p->at && (end == p->end || !is_word(*end)))
	{
		if (!keep(p, p->at, end, text))
			return false;
		trim_number(text);
		p->at = end;
		return true;
	}
	end = word_end(p);
	if (end == p->at)
		return fail(p, p->at, what);
	if (!keep(p, p->at, end, text))
		return false;
	p->at = end;
	return true;
}

/* A decimal number in units of 10^-places. */
static bool
parse_fixed(Parser *p, int places, int64_t limit, int64_t *value, const char *what)
{
	const char *end;
	const char *at;
	int64_t		units = 0;
	int			left = -1;		/* places still to come, once there was a point */

	skip_space(p);
	end = number_end(p);
	if (end == p->at || (end < p->end && is_word(*end)))
		return fail(p, p->at, what);
	for (at = p->at + (*p->at == '-'); at < end; at++)
	{
		if (*at == '.')
			left = places;
		else if (left == 0 && *at == '0')
			continue;
		else if (left == 0 || units > limit / 10)
			return fail(p, p->at, what);
		else
		{
			units = units * 10 + *at - '0';
			left -= left > 0;
		}
	}
	for (left = left < 0 ? places : left; left > 0; left--)
	{
		if (units > limit / 10)
			return fail(p, p->at, what);
		units *= 10;
	}
	if (units > limit)
		return fail(p, p->at, what);
	*value = *p->at == '-' ? -units : units;
	p->at = end;
	return true;
}

/* --- times ------------------------------------------------------------------ */

static int64_t
unit_of(const char *at, const char *end)
{
	static const struct
	{
		const char *one;
		const char *many;
		int64_t		length;
	}			units[] = {{"second", "seconds", ACTIVITY_SECOND}, {"minute", "minutes", MINUTE}, {"hour", "hours", HOUR},
	{"day", "days", ACTIVITY_DAY}, {"week", "weeks", 7 * ACTIVITY_DAY}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (is_keyword(at, end, units[i].one) || is_keyword(at, end, units[i].many))
			return units[i].length;
	return 0;
}

/* "36 hours", "1 day 12 hours"; months have no length, so there are none. */
static bool
parse_interval(Parser *p, int64_t *length)
{
	const char *start;
	int64_t		sum = 0;

	skip_space(p);
	start = p->at;
	do
	{
		int64_t		n;
		int64_t		unit;
		const char *end;

		if (!parse_fixed(p, 0, 4000000000, &n, "an interval like \"30 days\""))
			return false;
		end = word_end(p);
		unit = unit_of(p->at, end);
		if (unit == 0)
		{
			fail(p, p->at, "seconds, minutes, hours, days or weeks");
			p->error->hint = "A month has no fixed length: write 30 days, or \"this month\" and \"previous month\" for those of the calendar.";
			return false;
		}
		p->at = end;
		if (n < 0 || n > MAX_INTERVAL / unit)
			return fail(p, start, "an interval of at most 100 years");
		sum += n * unit;
		skip_space(p);
	} while (sum <= MAX_INTERVAL && p->at < p->end && is_digit(*p->at));
	if (sum <= 0 || sum > MAX_INTERVAL)
		return fail(p, start, "an interval of more than 0 and at most 100 years");
	*length = sum;
	return true;
}

static bool
parse_period(Parser *p, RulePeriod *period)
{
	static const char *const names[] = {"day", "week", "month", "quarter", "year"};

	for (int i = 0; i < 5; i++)
		if (take_word(p, names[i]))
		{
			*period = (RulePeriod) i;
			return true;
		}
	return fail(p, p->at, "day, week, month, quarter or year");
}

static bool
take_digits(Parser *p, int n, int *value)
{
	*value = 0;
	for (; n > 0; n--)
	{
		if (p->at == p->end || !is_digit(*p->at))
			return false;
		*value = *value * 10 + *p->at++ - '0';
	}
	return true;
}

static bool
take_char(Parser *p, char c)
{
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

/* Days of the proleptic Gregorian calendar since 2000-01-01; a year that begins in March has its leap day last. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t		y = year - (month <= 2);
	int64_t		of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + of_year - 730425;
}

static bool
parse_day(Parser *p, int64_t *time)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year;
	int			month;
	int			day;
	bool		leap;

	if (!take_digits(p, 4, &year) || !take_char(p, '-') || !take_digits(p, 2, &month) || !take_char(p, '-') || !take_digits(p, 2, &day))
		return false;
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (leap && month == 2))
		return false;
	*time = days_of(year, month, day) * ACTIVITY_DAY;
	return true;
}

/* A day is one of the customer's zone; a time ends in Z and is the same everywhere. */
static bool
parse_since(Parser *p, RuleWindow *window)
{
	const char *what = "a day like 2026-01-31, or a time like 2026-01-31T12:00:00Z";
	const char *start;
	int			hour;
	int			minute;
	int			second;

	skip_space(p);
	start = p->at;
	window->type = RULE_SINCE;
	window->local = true;
	if (!parse_day(p, &window->length))
		return fail(p, start, what);
	if (!take_char(p, 'T'))
		return true;
	window->local = false;
	if (!take_digits(p, 2, &hour) || !take_char(p, ':') || !take_digits(p, 2, &minute) || !take_char(p, ':') ||
		!take_digits(p, 2, &second) || !take_char(p, 'Z') || hour > 23 || minute > 59 || second > 59)
		return fail(p, start, what);
	window->length += hour * HOUR + minute * MINUTE + second * ACTIVITY_SECOND;
	return true;
}

static bool
parse_window(Parser *p, RuleWindow *window)
{
	window->type = RULE_EVER;
	if (!take(p, ",") || take_word(p, "ever"))
		return true;
	if (take_word(p, "this"))
		return window->type = RULE_THIS, parse_period(p, &window->period);
	if (take_word(p, "previous"))
		return window->type = RULE_PREVIOUS, parse_period(p, &window->period);
	if (take_word(p, "since"))
		return parse_since(p, window);
	skip_space(p);
	if (p->at < p->end && !is_digit(*p->at))
		return fail(p, p->at, "a window: an interval, this or previous and a period, since and a day, or ever");
	window->type = RULE_ROLLING;
	return parse_interval(p, &window->length);
}

/* --- leaves ----------------------------------------------------------------- */

static bool
parse_op(Parser *p, RuleOp *op)
{
	static const struct
	{
		const char *sign;
		RuleOp		op;
	}			signs[] = {{"<=", RULE_LE}, {">=", RULE_GE}, {"<>", RULE_NE}, {"!=", RULE_NE}, {"<", RULE_LT}, {">", RULE_GT}, {"=", RULE_EQ}};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (take(p, signs[i].sign))
		{
			*op = signs[i].op;
			return true;
		}
	return fail(p, p->at, "one of = <> < <= > >=");
}

static bool
add_text(Parser *p, RuleText text)
{
	Rule	   *r = p->rule;

	if (r->num_texts == RULE_MAX_LIST)
		return refuse(p, "more than 100000 values", "Keep long lists in a table of the shop, and hand in an attribute.");
	if (r->num_texts == p->text_room)
	{
		p->text_room = p->text_room == 0 ? 16 : 2 * p->text_room;
		r->texts = env_resize(p->env, r->texts, p->text_room, sizeof(RuleText));
	}
	r->texts[r->num_texts++] = text;
	return true;
}

static bool
kind_of(Parser *p, RuleText name, uint16_t *kind)
{
	Rule	   *r = p->rule;
	uint32_t	i = 0;

	while (i < r->num_kinds && (r->kinds[i].size != name.size || memcmp(r->kinds[i].bytes, name.bytes, name.size) != 0))
		i++;
	if (i == r->num_kinds)
		r->kinds[r->num_kinds++] = (RuleText) {name.bytes, name.size, false};
	*kind = (uint16_t) i;
	return true;
}

/* purchase, or purchase[amount >= 50] */
static bool
parse_events(Parser *p, RuleEvents *events)
{
	const char *start;
	RuleText	name;

	skip_space(p);
	start = p->at;
	if (!parse_text(p, &name, "the name of an event"))
		return false;
	if (name.size == 0 || name.size > ACTIVITY_MAX_NAME)
		return fail(p, start, "the name of an event, of 1 to 200 bytes");
	kind_of(p, name, &events->kind);
	if (!take(p, "["))
		return true;
	events->filtered = true;
	if (!take_word(p, "amount"))
		return fail(p, p->at, "amount");
	return parse_op(p, &events->filter) &&
		parse_fixed(p, 4, ACTIVITY_MAX_AMOUNT, &events->amount, "an amount with up to four decimal places") &&
		need(p, "]", "\"]\"");
}

static bool
parse_number_op(Parser *p, RuleNode *n)
{
	if (!parse_op(p, &n->op))
		return false;
	if (n->type == RULE_COUNT || n->type == RULE_DAYS)
		return parse_fixed(p, 0, ACTIVITY_MAX_EVENTS, &n->value, "a whole number of at most 4294967295");
	if (n->type == RULE_SUM)
		return parse_fixed(p, 4, RULE_MAX_SUM, &n->value, "an amount of at most 900000000000000 with up to four decimal places");
	return parse_fixed(p, 4, ACTIVITY_MAX_AMOUNT, &n->value, "an amount with up to four decimal places");
}

static bool
parse_measure(Parser *p, RuleNode *n)
{
	return parse_events(p, &n->a) && parse_window(p, &n->window) && need(p, ")", "\")\"") && parse_number_op(p, n);
}

static bool
parse_did(Parser *p, RuleNode *n)
{
	n->op = RULE_GE;
	n->value = 1;
	return parse_events(p, &n->a) && parse_window(p, &n->window) && need(p, ")", "\")\"");
}

static bool
parse_age(Parser *p, RuleNode *n)
{
	const char *at;

	if (!parse_events(p, &n->a) || !need(p, ")", "\")\""))
		return false;
	skip_space(p);
	at = p->at;
	if (!parse_op(p, &n->op))
		return false;
	if (n->op == RULE_EQ || n->op == RULE_NE)
		return fail(p, at, "one of < <= > >=");
	return parse_interval(p, &n->value);
}

static bool
parse_seq(Parser *p, RuleNode *n)
{
	if (!parse_events(p, &n->a) || !need(p, ",", "\",\"") || !parse_events(p, &n->b) || !need(p, ",", "\",\""))
		return false;
	take_word(p, "within");
	if (!parse_interval(p, &n->value))
		return false;
	if (n->type == RULE_SEQ && !parse_window(p, &n->window))
		return false;
	return need(p, ")", "\")\"");
}

/* regular(purchase, every 30 days, 3 of 4) */
static bool
parse_regular(Parser *p, RuleNode *n)
{
	const char *at;

	if (!parse_events(p, &n->a) || !need(p, ",", "\",\""))
		return false;
	take_word(p, "every");
	if (!parse_interval(p, &n->value) || !need(p, ",", "\",\""))
		return false;
	skip_space(p);
	at = p->at;
	if (!parse_fixed(p, 0, RULE_MAX_PERIODS, &n->limits[0], "a number of periods, at most 1000"))
		return false;
	if (!take_word(p, "of"))
		return fail(p, p->at, "of");
	if (!parse_fixed(p, 0, RULE_MAX_PERIODS, &n->limits[1], "a number of periods, at most 1000"))
		return false;
	if (n->limits[0] < 1 || n->limits[0] > n->limits[1])
		return fail(p, at, "m of n with 1 <= m <= n");
	return need(p, ")", "\")\"");
}

int
rule_text_compare(RuleText a, RuleText b)
{
	int			order = memcmp(a.bytes, b.bytes, a.size < b.size ? a.size : b.size);

	if (order != 0)
		return order;
	return a.size != b.size ? (a.size < b.size ? -1 : 1) : b.is_number - a.is_number;
}

static void
sift_down(RuleText *texts, uint32_t place, uint32_t n)
{
	RuleText	text = texts[place];

	for (uint32_t child; (child = 2 * place + 1) < n; place = child)
	{
		if (child + 1 < n && rule_text_compare(texts[child], texts[child + 1]) < 0)
			child++;
		if (rule_text_compare(text, texts[child]) >= 0)
			break;
		texts[place] = texts[child];
	}
	texts[place] = text;
}

/* A set, so that its order says nothing and a value is found fast: sorted in place, each once. */
static uint32_t
sort_texts(Env *env, RuleText *texts, uint32_t n)
{
	uint32_t	kept = 0;

	for (uint32_t i = n / 2; i-- > 0;)
		sift_down(texts, i, n);
	for (uint32_t i = n; i-- > 1;)
	{
		RuleText	greatest = texts[0];

		env_check(env, 0, 0);
		texts[0] = texts[i];
		texts[i] = greatest;
		sift_down(texts, 0, i);
	}
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || rule_text_compare(texts[kept - 1], texts[i]) != 0)
			texts[kept++] = texts[i];
	return kept;
}

static bool
parse_values(Parser *p, RuleNode *n)
{
	n->texts = p->rule->num_texts;
	do
	{
		RuleText	text;

		env_check(p->env, 0, 0);
		if (!parse_text(p, &text, "a value") || !add_text(p, text))
			return false;
	} while (take(p, ","));
	n->num_texts = sort_texts(p->env, p->rule->texts + n->texts, p->rule->num_texts - n->texts);
	p->rule->num_texts = n->texts + n->num_texts;
	return need(p, ")", "\",\" or \")\"");
}

static bool
parse_one_value(Parser *p, RuleNode *n)
{
	RuleText	text;

	n->texts = p->rule->num_texts;
	n->num_texts = 1;
	return parse_text(p, &text, "a value") && add_text(p, text);
}

/* attr(path): is null, in (…), contains …, younger or older than an interval, or compared with a value */
static bool
parse_attr(Parser *p, RuleNode *n)
{
	const char *start;

	skip_space(p);
	start = p->at;
	if (!parse_text(p, &n->name, "the name of an attribute") || !need(p, ")", "\")\""))
		return false;
	if (n->name.size == 0 || n->name.bytes[0] == '$')
		return fail(p, start, "the name of an attribute, which does not begin with $");
	if (take_word(p, "is"))
	{
		n->op = RULE_IS_NULL;
		return take_word(p, "null") || fail(p, p->at, "null");
	}
	if (take_word(p, "in"))
		return n->op = RULE_ONE_OF, need(p, "(", "\"(\"") && parse_values(p, n);
	if (take_word(p, "contains"))
		return n->op = RULE_CONTAINS, parse_one_value(p, n);
	if (take_word(p, "younger"))
		return n->op = RULE_YOUNGER, (take_word(p, "than") || fail(p, p->at, "than")) && parse_interval(p, &n->value);
	if (take_word(p, "older"))
		return n->op = RULE_OLDER, (take_word(p, "than") || fail(p, p->at, "than")) && parse_interval(p, &n->value);
	return parse_op(p, &n->op) && parse_one_value(p, n);
}

static bool
parse_name(Parser *p, RuleNode *n)
{
	return parse_text(p, &n->name, "a name") && need(p, ")", "\")\"");
}

/* One part of a name as SQL writes it, in small letters unless in double quotes; NULL where there is none. */
static const char *
read_identifier(const char *at, const char *end, char *name, size_t *size)
{
	bool		quoted = at < end && *at == '"';

	*size = 0;
	for (at += quoted; at < end; at++)
	{
		if (quoted ? *at == '"' && (++at == end || *at != '"') : !(is_word(*at) || *at == '$') || *at == '.')
			break;
		name[(*size)++] = !quoted && *at >= 'A' && *at <= 'Z' ? *at + 32 : *at;
	}
	if (quoted ? at[-1] != '"' : *size > 0 && (is_digit(*name) || *name == '$'))
		return NULL;
	return *size > 0 ? at : NULL;
}

/* In double quotes only where it must be. */
static char *
write_identifier(char *out, const char *name, size_t size)
{
	bool		plain = !is_digit(*name);

	for (size_t i = 0; i < size; i++)
		plain &= (name[i] >= 'a' && name[i] <= 'z') || is_digit(name[i]) || name[i] == '_';
	if (!plain)
		*out++ = '"';
	for (size_t i = 0; i < size; i++)
	{
		if (name[i] == '"')
			*out++ = '"';
		*out++ = name[i];
	}
	if (!plain)
		*out++ = '"';
	return out;
}

/* A name, or a schema's and a name, into their canonical form; 0 where it is none. */
static size_t
canonical_segment(const char *at, const char *end, char *out)
{
	char		name[RULE_MAX_TEXT];
	char	   *start = out;
	size_t		size;

	for (int parts = 0; parts < 2 && end - at <= RULE_MAX_TEXT; parts++)
	{
		at = read_identifier(at, end, name, &size);
		if (at == NULL)
			return 0;
		out = write_identifier(out, name, size);
		if (at == end)
			return out - start;
		if (*at++ != '.')
			return 0;
		*out++ = '.';
	}
	return 0;
}

/* in(vips), in(shop.vips), in("Shop".vips), and any of these in single quotes */
static bool
parse_segment(Parser *p, RuleNode *n)
{
	char		name[2 * RULE_MAX_TEXT + 8];
	const char *start;
	const char *end;
	bool		in_quotes = false;

	skip_space(p);
	start = p->at;
	if (p->at < p->end && *p->at == '\'')
	{
		if (!parse_quoted(p, &n->name))
			return false;
		p->string = (char *) n->name.bytes;
		n->name.size = (uint32_t) canonical_segment(n->name.bytes, n->name.bytes + n->name.size, name);
	}
	else
	{
		for (end = start; end < p->end && (in_quotes || *end == '"' || is_word(*end) || *end == '$'); end++)
			in_quotes ^= *end == '"';
		n->name.size = (uint32_t) canonical_segment(start, end, name);
		p->at = end;
	}
	if (n->name.size == 0 || n->name.size > RULE_MAX_TEXT)
		return fail(p, start, "a segment, like shop.vips or \"Shop\".vips");
	/* not longer than what stands in the text, from the parenthesis on */
	p->string = (char *) memcpy(p->string, name, n->name.size) + n->name.size;
	n->name.bytes = p->string - n->name.size;
	return need(p, ")", "\")\"");
}

/* lifecycle(active), or lifecycle(active, order[amount > 0]) where purchases are called otherwise */
static bool
parse_lifecycle(Parser *p, RuleNode *n)
{
	const char *start;

	skip_space(p);
	start = p->at;
	if (!parse_text(p, &n->name, "a state"))
		return false;
	n->limits[0] = lifecycle_named(n->name.bytes, n->name.size);
	if (n->limits[0] < 0)
		return fail(p, start, "one of prospect, new, active, at_risk, lapsed and lost");
	n->limits[1] = take(p, ",");
	if (n->limits[1])
		return parse_events(p, &n->a) && need(p, ")", "\")\"");
	kind_of(p, (RuleText) {"purchase", 8, false}, &n->a.kind);
	return need(p, ")", "\",\" or \")\"");
}

static bool
parse_score(Parser *p, RuleNode *n)
{
	return parse_name(p, n) && parse_op(p, &n->op) &&
		parse_fixed(p, 6, INT64_C(1000000000000000), &n->value, "a number with up to six decimal places");
}

/* rfm(r 1-2, f 4-5): any of the three, each a score or a range of scores */
static bool
parse_rfm(Parser *p, RuleNode *n)
{
	static const char *const names[] = {"r", "f", "m"};
	int			given = 0;

	do
	{
		const char *start;
		int			i = 0;

		skip_space(p);
		start = p->at;
		while (i < 3 && !take_word(p, names[i]))
			i++;
		if (i == 3)
			return fail(p, p->at, "r, f or m");
		if (given & 1 << i)
			return fail(p, start, "each of r, f and m only once");
		given |= 1 << i;
		skip_space(p);
		start = p->at;
		if (!parse_fixed(p, 0, 10, &n->limits[2 * i], "a score from 1 to 10"))
			return false;
		n->limits[2 * i + 1] = n->limits[2 * i];
		if (take(p, "-") && !parse_fixed(p, 0, 10, &n->limits[2 * i + 1], "a score from 1 to 10"))
			return false;
		if (n->limits[2 * i] < 1 || n->limits[2 * i] > n->limits[2 * i + 1])
			return fail(p, start, "scores from 1 to 10, the lower first");
	} while (take(p, ","));
	return need(p, ")", "\",\" or \")\"");
}

/* bucket('salt', 0, 50): a share of all customers, in percent */
static bool
parse_bucket(Parser *p, RuleNode *n)
{
	const char *start;

	if (!parse_text(p, &n->name, "a salt") || !need(p, ",", "\",\"") ||
		!parse_fixed(p, 2, 10000, &n->limits[0], "a percentage with up to two decimal places") || !need(p, ",", "\",\""))
		return false;
	skip_space(p);
	start = p->at;
	if (!parse_fixed(p, 2, 10000, &n->limits[1], "a percentage with up to two decimal places"))
		return false;
	if (n->limits[0] < 0 || n->limits[0] >= n->limits[1])
		return fail(p, start, "two percentages from 0 to 100, the lower first");
	return need(p, ")", "\")\"");
}

static const struct
{
	const char *name;
	RuleType	type;
	bool		(*parse) (Parser *p, RuleNode *n);
}			leaves[] = {
	{"did", RULE_COUNT, parse_did}, {"count", RULE_COUNT, parse_measure}, {"sum", RULE_SUM, parse_measure},
	{"avg", RULE_AVG, parse_measure}, {"min", RULE_MIN, parse_measure}, {"max", RULE_MAX, parse_measure},
	{"days", RULE_DAYS, parse_measure}, {"last", RULE_LAST, parse_age}, {"first", RULE_FIRST, parse_age},
	{"seq", RULE_SEQ, parse_seq}, {"did_not_after", RULE_DID_NOT_AFTER, parse_seq}, {"regular", RULE_REGULAR, parse_regular},
	{"attr", RULE_ATTR, parse_attr}, {"score", RULE_SCORE, parse_score}, {"rfm", RULE_RFM, parse_rfm},
	{"lifecycle", RULE_LIFECYCLE, parse_lifecycle}, {"in", RULE_IN, parse_segment}, {"bucket", RULE_BUCKET, parse_bucket},
	{"consent", RULE_CONSENT, parse_name}, {"list", RULE_LIST, parse_values},
};

/* --- tree ------------------------------------------------------------------- */

/* Opens a gap for one node at a place, and moves what comes after. */
static RuleNode *
insert_node(Parser *p, uint32_t place, RuleType type)
{
	Rule	   *r = p->rule;

	if (r->num_nodes == p->node_room)
	{
		p->node_room *= 2;
		r->nodes = env_resize(p->env, r->nodes, p->node_room, sizeof(RuleNode));
	}
	memmove(r->nodes + place + 1, r->nodes + place, (r->num_nodes - place) * sizeof(RuleNode));
	r->num_nodes++;
	for (uint32_t i = place + 1; i < r->num_nodes; i++)
		r->nodes[i].next++;
	memset(&r->nodes[place], 0, sizeof(RuleNode));
	r->nodes[place].type = type;
	return &r->nodes[place];
}

static void
remove_node(Parser *p, uint32_t place)
{
	Rule	   *r = p->rule;

	memmove(r->nodes + place, r->nodes + place + 1, (r->num_nodes - place - 1) * sizeof(RuleNode));
	r->num_nodes--;
	for (uint32_t i = place; i < r->num_nodes; i++)
		r->nodes[i].next--;
}

static bool
parse_leaf(Parser *p)
{
	const char *end = word_end(p);
	size_t		i = 0;
	const char *start = p->at;
	uint32_t	place = p->rule->num_nodes;
	RuleNode   *n;

	while (i < sizeof(leaves) / sizeof(leaves[0]) && !is_keyword(p->at, end, leaves[i].name))
		i++;
	if (i == sizeof(leaves) / sizeof(leaves[0]))
	{
		fail(p, start, "a condition");
		p->error->hint = "Conditions are did, count, sum, avg, min, max, days, last, first, seq, did_not_after, regular, attr, score, rfm, lifecycle, in, bucket, consent and list.";
		return false;
	}
	p->at = end;
	n = insert_node(p, place, leaves[i].type);
	n->next = place + 1;
	n->at = (uint32_t) (start - p->text);
	return need(p, "(", "\"(\"") && leaves[i].parse(p, n);
}

static bool parse_chain(Parser *p, RuleType type, int nesting);

/* A constant is a group without members: all of none, or any of none. */
static bool
take_constant(Parser *p)
{
	uint32_t	place = p->rule->num_nodes;
	const char *start = p->at;
	bool		all = take_word(p, "true");

	if (!all && !take_word(p, "false"))
		return false;
	insert_node(p, place, all ? RULE_ALL : RULE_ANY)->next = place + 1;
	p->rule->nodes[place].at = (uint32_t) (start - p->text);
	return true;
}

/* Two negations are none. */
static void
negate(Parser *p, uint32_t place, const char *start)
{
	RuleNode   *n;

	if (p->rule->nodes[place].type == RULE_NOT)
	{
		remove_node(p, place);
		return;
	}
	/* in a statement of its own: it counts the node that `next` has to pass */
	n = insert_node(p, place, RULE_NOT);
	n->next = p->rule->num_nodes;
	n->at = (uint32_t) (start - p->text);
}

static bool
parse_factor(Parser *p, int nesting)
{
	uint32_t	place = p->rule->num_nodes;
	const char *start;

	skip_space(p);
	start = p->at;
	if (nesting > RULE_MAX_NESTING)
		return refuse(p, "parentheses nested deeper than 128", NULL);
	if (take_word(p, "not"))
	{
		if (!parse_factor(p, nesting + 1))
			return false;
		negate(p, place, start);
		return true;
	}
	if (take(p, "("))
		return parse_chain(p, RULE_ANY, nesting + 1) && need(p, ")", "\"and\", \"or\" or \")\"");
	if (++p->rule->num_leaves > RULE_MAX_LEAVES)
		return refuse(p, "more than 256 conditions", NULL);
	return take_constant(p) || parse_leaf(p);
}

/* Members that are groups of the same kind dissolve in this one. */
static bool
parse_chain(Parser *p, RuleType type, int nesting)
{
	uint32_t	place = p->rule->num_nodes;
	bool		inserted = false;

	for (;;)
	{
		uint32_t	member = p->rule->num_nodes;

		env_check(p->env, 0, 0);
		if (!(type == RULE_ANY ? parse_chain(p, RULE_ALL, nesting) : parse_factor(p, nesting)))
			return false;
		if (inserted && p->rule->nodes[member].type == type && p->rule->nodes[member].next > member + 1)
			remove_node(p, member);
		if (!take_word(p, type == RULE_ANY ? "or" : "and"))
			break;
		if (!inserted && !(p->rule->nodes[place].type == type && p->rule->nodes[place].next > place + 1))
		{
			insert_node(p, place, type);
			p->rule->nodes[place].at = p->rule->nodes[place + 1].at;
		}
		inserted = true;
	}
	if (inserted)
		p->rule->nodes[place].next = p->rule->num_nodes;
	return true;
}

/* Of the tree, once groups are dissolved and negations gone, so that what is printed is never refused. */
static bool
check_depth(Parser *p)
{
	const Rule *r = p->rule;
	uint32_t	ends[RULE_MAX_DEPTH];
	int			depth = 0;

	for (uint32_t place = 0; place < r->num_nodes; place++)
	{
		while (depth > 0 && ends[depth - 1] <= place)
			depth--;
		if (depth == RULE_MAX_DEPTH)
		{
			p->at = p->text + r->nodes[place].at;
			return refuse(p, "conditions nested deeper than 32", NULL);
		}
		ends[depth++] = r->nodes[place].next;
	}
	return true;
}

static bool
parse_all(Parser *p)
{
	if (!parse_chain(p, RULE_ANY, 1))
		return false;
	skip_space(p);
	if (p->at < p->end)
		return fail(p, p->at, "\"and\", \"or\", or the end of the rule");
	return check_depth(p);
}

Rule *
rule_parse(Env *env, const char *text, size_t size, RuleError *error)
{
	Rule	   *rule = env_alloc0(env, 1, sizeof(Rule));
	Parser		p = {env, text, text, text + size, rule, error, 16, 0, NULL};

	rule->nodes = env_alloc(env, p.node_room, sizeof(RuleNode));
	rule->kinds = env_alloc(env, 2 * RULE_MAX_LEAVES, sizeof(RuleText));
	rule->strings = p.string = env_alloc(env, size + 1, 1);
	if (!parse_all(&p))
	{
		rule_release(env, rule);
		return NULL;
	}
	rule->found = env_alloc0(env, rule->num_kinds + 1, sizeof(ActivityKind));
	return rule;
}

void
rule_release(Env *env, Rule *rule)
{
	env_release(env, rule->nodes);
	env_release(env, rule->texts);
	env_release(env, rule->kinds);
	env_release(env, rule->strings);
	env_release(env, rule->found);
	env_release(env, rule);
}
