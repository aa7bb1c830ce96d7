/*
 * rule_attributes.c
 *		What a rule asks that events do not tell: attributes of the customer, calendars.
 *
 * Attributes are a jsonb object.  Names that begin with $ are what personalize or the shop knows otherwise: $key, $score, $rfm, $lifecycle,
 * $segments, $consent.  A rule that needs one that is not there is an error; an attribute that is not there is NULL.
 */
#include "value/rule.h"

#include <math.h>

#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* --- calendars -------------------------------------------------------------- */

/*
 * The first instant of a day, given as days since 2000-01-01, in a zone.  Where clocks go back over midnight there are two, and the server takes the
 * later one.
 */
static int64
midnight(pg_tz *zone, int days)
{
	struct pg_tm tm = {0};
	fsec_t		fraction;
	int			offset;
	int64		start;

	j2date(days + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	offset = DetermineTimeZoneOffset(&tm, zone);
	start = days * USECS_PER_DAY + offset * USECS_PER_SEC;
	if (timestamp2tm(start - 1, &offset, &tm, &fraction, NULL, zone) == 0 &&
		date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE >= days)
		start = days * USECS_PER_DAY + offset * USECS_PER_SEC;
	return start;
}

/* A rule that says "since" asks for the same day each time. */
static int64
day_start(RuleContext *context, int64 utc)
{
	RuleAttributes *a = (RuleAttributes *) context;

	if (!a->day_known || a->day != utc)
	{
		a->day_start = midnight(a->zone, (int) (utc / USECS_PER_DAY - (utc % USECS_PER_DAY < 0)));
		a->day = utc;
		a->day_known = true;
	}
	return a->day_start;
}

/* Months count from the year 0, so that they can be moved. */
static int64
month_start(pg_tz *zone, int month)
{
	return midnight(zone, date2j(month / 12, month % 12 + 1, 1) - POSTGRES_EPOCH_JDATE);
}

static int64
compute_period(RuleAttributes *a, RulePeriod period, int offset)
{
	static const int months[] = {0, 0, 1, 3, 12};
	struct pg_tm tm;
	fsec_t		fraction;
	int			zone_offset;
	int			days;
	int			month;

	if (timestamp2tm(a->context.as_of, &zone_offset, &tm, &fraction, NULL, a->zone) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	days = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	if (period == RULE_DAY)
		return midnight(a->zone, days + offset);
	/* weeks begin on Monday, as in ISO 8601 */
	if (period == RULE_WEEK)
		return midnight(a->zone, days - (j2day(days + POSTGRES_EPOCH_JDATE) + 6) % 7 + 7 * offset);
	month = tm.tm_year * 12 + tm.tm_mon - 1;
	return month_start(a->zone, month - month % months[period] + offset * months[period]);
}

static int64
period_start(RuleContext *context, RulePeriod period, int offset)
{
	RuleAttributes *a = (RuleAttributes *) context;

	if (!a->known[period][offset + 1])
	{
		a->starts[period][offset + 1] = compute_period(a, period, offset);
		a->known[period][offset + 1] = true;
	}
	return a->starts[period][offset + 1];
}

/* --- values of jsonb -------------------------------------------------------- */

static bool
member(JsonbContainer *object, const char *key, size_t size, JsonbValue *value)
{
	JsonbValue	name;
	JsonbValue *found;

	if (!JsonContainerIsObject(object))
		return false;
	name.type = jbvString;
	name.val.string.val = unconstify(char *, key);
	name.val.string.len = (int) size;
	found = findJsonbValueFromContainer(object, JB_FOBJECT, &name);
	if (found != NULL)
		*value = *found;
	return found != NULL;
}

/* The key as written, or else down the path that its dots say. */
static bool
find_path(JsonbContainer *object, RuleText path, JsonbValue *value)
{
	const char *dot;

	if (member(object, path.bytes, path.size, value))
		return true;
	dot = memchr(path.bytes, '.', path.size);
	if (dot == NULL || !member(object, path.bytes, dot - path.bytes, value) || value->type != jbvBinary)
		return false;
	return find_path(value->val.binary.data, (RuleText) {dot + 1, (uint32_t) (path.bytes + path.size - dot - 1), false}, value);
}

/* Digits, perhaps with a sign and a point, as numbers stand in a rule. */
static bool
is_decimal(const char *text, size_t size)
{
	size_t		at = size > 0 && *text == '-';
	bool		point = false;

	if (size - at > 1000 || at == size)
		return false;
	for (size_t start = at; at < size; at++)
	{
		if (text[at] == '.' && !point && at > start && at + 1 < size)
			point = true;
		else if (text[at] < '0' || text[at] > '9')
			return false;
	}
	return true;
}

static Numeric
numeric_of(const char *text, size_t size)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(text, size)), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* As rules write it: a number has no zeros at the end. */
static bool
text_of(const JsonbValue *value, RuleText *text)
{
	if (value->type == jbvString)
		*text = (RuleText) {value->val.string.val, (uint32_t) value->val.string.len, false};
	else if (value->type == jbvNumeric)
	{
		text->bytes = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		text->size = strlen(text->bytes);
		text->is_number = true;
		if (memchr(text->bytes, '.', text->size) != NULL)
		{
			while (text->bytes[text->size - 1] == '0')
				text->size--;
			text->size -= text->bytes[text->size - 1] == '.';
		}
	}
	else if (value->type == jbvBool)
		*text = value->val.boolean ? (RuleText) {"true", 4, false} : (RuleText) {"false", 5, false};
	else
		return false;
	return true;
}

static bool
is_numeric(const JsonbValue *value)
{
	return value->type == jbvNumeric || (value->type == jbvString && is_decimal(value->val.string.val, value->val.string.len));
}

/* What both write as numbers compares as such, also where an attribute is a string; everything else by the bytes of its text. */
static bool
compare(const JsonbValue *value, RuleText literal, int *order)
{
	RuleText	text;

	if (value->type == jbvNumeric && literal.is_number)
	{
		*order = DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(value->val.numeric), NumericGetDatum(numeric_of(literal.bytes, literal.size))));
		return true;
	}
	if (!text_of(value, &text))
		return false;
	if (literal.is_number && is_decimal(text.bytes, text.size))
	{
		JsonbValue	number = {.type = jbvNumeric};

		number.val.numeric = numeric_of(text.bytes, text.size);
		return compare(&number, literal, order);
	}
	*order = memcmp(text.bytes, literal.bytes, Min(text.size, literal.size));
	if (*order == 0)
		*order = (text.size > literal.size) - (text.size < literal.size);
	return true;
}

/* Texts are sorted; those of the same bytes, a number and a string, are neighbors. */
static bool
find_text(RuleText text, const RuleText *texts, uint32 n, bool numbers_only)
{
	uint32		low = 0;
	uint32		high = n;

	text.is_number = true;
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (rule_text_compare(texts[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && texts[low].size == text.size && memcmp(texts[low].bytes, text.bytes, text.size) == 0 &&
		(texts[low].is_number || !numbers_only);
}

/* By compare() with each would be the same, but lists may be long. */
static RuleTruth
is_one_of(const JsonbValue *value, const RuleText *texts, uint32 n)
{
	JsonbValue	number = {.type = jbvNumeric};
	RuleText	text;

	if (!text_of(value, &text))
		return RULE_UNKNOWN;
	if (find_text(text, texts, n, false))
		return RULE_TRUE;
	if (value->type != jbvString || !is_numeric(value))
		return RULE_FALSE;
	number.val.numeric = numeric_of(text.bytes, text.size);
	text_of(&number, &text);
	return find_text(text, texts, n, true) ? RULE_TRUE : RULE_FALSE;
}

static RuleTruth
contains(const JsonbValue *value, RuleText text)
{
	JsonbIterator *it;
	JsonbValue	element;
	JsonbIteratorToken token;

	if (value->type != jbvBinary)
		return is_one_of(value, &text, 1);
	if (!JsonContainerIsArray(value->val.binary.data))
		return RULE_UNKNOWN;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM && is_one_of(&element, &text, 1) == RULE_TRUE)
			return RULE_TRUE;
	return RULE_FALSE;
}

static RuleTruth
by_order(RuleOp op, int order)
{
	bool		holds = op == RULE_EQ ? order == 0 : op == RULE_NE ? order != 0 : op == RULE_LT ? order < 0 :
		op == RULE_LE ? order <= 0 : op == RULE_GT ? order > 0 : order >= 0;

	return holds ? RULE_TRUE : RULE_FALSE;
}

/* --- leaves ----------------------------------------------------------------- */

/* Digits from *at on, which then stands behind them. */
static bool
read_digits(const char **at, const char *end, int n, int *value)
{
	*value = 0;
	for (; n > 0; n--, (*at)++)
	{
		if (*at == end || **at < '0' || **at > '9')
			return false;
		*value = *value * 10 + **at - '0';
	}
	return true;
}

static bool
read_sign(const char **at, const char *end, char sign)
{
	if (*at == end || **at != sign)
		return false;
	(*at)++;
	return true;
}

/* hh:mm, hh:mm:ss, hh:mm:ss.ffffff */
static bool
read_clock(const char **at, const char *end, int64 *time)
{
	int			hour;
	int			minute;
	int			second = 0;
	int			place = 100000;

	if (!read_digits(at, end, 2, &hour) || !read_sign(at, end, ':') || !read_digits(at, end, 2, &minute) || hour > 23 || minute > 59)
		return false;
	if (read_sign(at, end, ':') && (!read_digits(at, end, 2, &second) || second > 59))
		return false;
	*time = (hour * 3600 + minute * 60 + second) * USECS_PER_SEC;
	if (read_sign(at, end, '.'))
		for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, place /= 10)
			*time += (**at - '0') * place;
	return true;
}

/* Z, +hh, +hhmm, +hh:mm, and nothing else to the end. */
static bool
read_offset(const char *at, const char *end, int64 *seconds)
{
	bool		west = at < end && *at == '-';
	int			hours;
	int			minutes = 0;

	*seconds = 0;
	if (read_sign(&at, end, 'Z'))
		return at == end;
	if (!(west ? read_sign(&at, end, '-') : read_sign(&at, end, '+')) || !read_digits(&at, end, 2, &hours))
		return false;
	if (at < end)
	{
		read_sign(&at, end, ':');
		if (!read_digits(&at, end, 2, &minutes))
			return false;
	}
	*seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return at == end && hours < 16 && minutes < 60;
}

/*
 * ISO 8601, as jsonb has dates and times: a day, or a time without an offset, is one of the customer's zone.  What is none is not known, and no
 * error: it may stand in the shop's data for anybody.
 */
static bool
time_of(RuleAttributes *a, const JsonbValue *value, int64 *time)
{
	const char *at = value->type == jbvString ? value->val.string.val : "";
	const char *end = value->type == jbvString ? at + value->val.string.len : at;
	struct pg_tm tm = {0};
	int64		days;
	int64		clock = 0;
	int64		offset;

	if (!read_digits(&at, end, 4, &tm.tm_year) || !read_sign(&at, end, '-') || !read_digits(&at, end, 2, &tm.tm_mon) ||
		!read_sign(&at, end, '-') || !read_digits(&at, end, 2, &tm.tm_mday) || tm.tm_year < 1 || tm.tm_mon < 1 || tm.tm_mon > 12 ||
		tm.tm_mday < 1 || tm.tm_mday > day_tab[isleap(tm.tm_year)][tm.tm_mon - 1])
		return false;
	days = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	if (at == end)
	{
		*time = day_start(&a->context, days * USECS_PER_DAY);
		return true;
	}
	if (!(read_sign(&at, end, 'T') || read_sign(&at, end, ' ')) || !read_clock(&at, end, &clock))
		return false;
	if (at == end)
	{
		tm.tm_hour = (int) (clock / USECS_PER_HOUR);
		tm.tm_min = (int) (clock / USECS_PER_MINUTE % 60);
		tm.tm_sec = (int) (clock / USECS_PER_SEC % 60);
		offset = -DetermineTimeZoneOffset(&tm, a->zone);
	}
	else if (!read_offset(at, end, &offset))
		return false;
	*time = days * USECS_PER_DAY + clock - offset * USECS_PER_SEC;
	return true;
}

static RuleAnswer
ask_age(RuleAttributes *a, const RuleNode *leaf, const JsonbValue *value)
{
	int64		time;
	bool		younger;

	if (!time_of(a, value, &time))
		return (RuleAnswer) {RULE_UNKNOWN, RULE_NEVER};
	younger = a->context.as_of < time + leaf->value;
	return (RuleAnswer) {younger == (leaf->op == RULE_YOUNGER) ? RULE_TRUE : RULE_FALSE, younger ? time + leaf->value : RULE_NEVER};
}

static RuleAnswer
ask_attribute(RuleAttributes *a, const Rule *rule, const RuleNode *leaf)
{
	const RuleText *texts = rule->texts + leaf->texts;
	RuleAnswer	answer = {RULE_UNKNOWN, RULE_NEVER};
	JsonbValue	value;
	bool		is_null;
	int			order;

	if (a->attributes == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule asks for attribute \"%.*s\", and there are no attributes", (int) leaf->name.size, leaf->name.bytes),
				 errhint("Call matches(activity, rule, attributes => ...) with a jsonb object.")));
	is_null = !find_path(&a->attributes->root, leaf->name, &value) || value.type == jbvNull;
	if (leaf->op == RULE_IS_NULL)
		answer.value = is_null ? RULE_TRUE : RULE_FALSE;
	else if (is_null)
		return answer;
	else if (leaf->op == RULE_YOUNGER || leaf->op == RULE_OLDER)
		return ask_age(a, leaf, &value);
	else if (leaf->op == RULE_ONE_OF)
		answer.value = is_one_of(&value, texts, leaf->num_texts);
	else if (leaf->op == RULE_CONTAINS)
		answer.value = contains(&value, texts[0]);
	else if (leaf->op >= RULE_LT && texts[0].is_number && !is_numeric(&value))
		return answer;
	else if (compare(&value, texts[0], &order))
		answer.value = by_order(leaf->op, order);
	return answer;
}

/* FNV-1a and the end of splitmix64: the same on every machine, as who is in an experiment must be. */
static uint64
hash_text(uint64 h, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char) bytes[i]) * UINT64CONST(1099511628211);
	return (h ^ 0xff) * UINT64CONST(1099511628211);
}

/* From 0 to 9999: hundredths of a percent. */
static int64
bucket_of(const RuleNode *leaf, const JsonbValue *key)
{
	const char *text = key->type == jbvString ? key->val.string.val : DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(key->val.numeric)));
	size_t		size = key->type == jbvString ? key->val.string.len : strlen(text);
	uint64		h = hash_text(hash_text(UINT64CONST(14695981039346656037), leaf->name.bytes, leaf->name.size), text, size);

	h = (h ^ (h >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return (int64) ((h ^ (h >> 31)) % 10000);
}

static RuleTruth
ask_bucket(const RuleNode *leaf, const JsonbValue *key)
{
	int64		bucket;

	if (key->type != jbvString && key->type != jbvNumeric)
		return RULE_UNKNOWN;
	bucket = bucket_of(leaf, key);
	return bucket >= leaf->limits[0] && bucket < leaf->limits[1] ? RULE_TRUE : RULE_FALSE;
}

static RuleTruth
ask_score(const RuleNode *leaf, const JsonbValue *scores)
{
	JsonbValue	score;
	double		value;

	if (scores->type != jbvBinary || !member(scores->val.binary.data, leaf->name.bytes, leaf->name.size, &score) || score.type != jbvNumeric)
		return RULE_UNKNOWN;
	value = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(score.val.numeric))) - leaf->value / 1e6;
	return by_order(leaf->op, (value > 0) - (value < 0));
}

static RuleTruth
ask_rfm(const RuleNode *leaf, const JsonbValue *scores)
{
	for (int i = 0; i < 3; i++)
	{
		JsonbValue	score;
		double		value;

		if (leaf->limits[2 * i] == 0)
			continue;
		if (scores->type != jbvBinary || !member(scores->val.binary.data, &"rfm"[i], 1, &score) || score.type != jbvNumeric)
			return RULE_UNKNOWN;
		value = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(score.val.numeric)));
		if (value < leaf->limits[2 * i] || value > leaf->limits[2 * i + 1])
			return RULE_FALSE;
	}
	return RULE_TRUE;
}

/* What comes with names of its own: they may not be missing, as nobody could tell that from a customer of whom nothing is known. */
static const char *
known_as(RuleType type)
{
	switch (type)
	{
		case RULE_SCORE:
			return "$score";
		case RULE_RFM:
			return "$rfm";
		case RULE_LIFECYCLE:
			return "$lifecycle";
		case RULE_IN:
			return "$segments";
		case RULE_CONSENT:
			return "$consent";
		default:
			return "$key";
	}
}

static void
need_known(RuleAttributes *a, const char *name, JsonbValue *value)
{
	if (a->attributes == NULL || !member(&a->attributes->root, name, strlen(name), value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule asks for \"%s\", which the attributes do not have", name),
				 errhint("Call matches(activity, rule, attributes => jsonb_build_object('%s', ...)).", name)));
}

/* Who knows better than the activity may say so, unless the rule names the events to go by. */
static bool
has_lifecycle(RuleAttributes *a, const RuleNode *leaf)
{
	JsonbValue	value;

	return leaf->limits[1] == 0 && a->attributes != NULL && member(&a->attributes->root, "$lifecycle", strlen("$lifecycle"), &value);
}

static RuleAnswer
ask(RuleContext *context, const Rule *rule, const RuleNode *leaf)
{
	RuleAttributes *a = (RuleAttributes *) context;
	RuleAnswer	answer = {RULE_UNKNOWN, RULE_NEVER};
	JsonbValue	value;

	if (leaf->type == RULE_ATTR)
		return ask_attribute(a, rule, leaf);
	if (leaf->type == RULE_LIFECYCLE && !has_lifecycle(a, leaf))
		return rule_lifecycle(rule, leaf, context);
	need_known(a, known_as(leaf->type), &value);
	if (value.type == jbvNull)
		return answer;
	if (leaf->type == RULE_SCORE)
		answer.value = ask_score(leaf, &value);
	else if (leaf->type == RULE_RFM)
		answer.value = ask_rfm(leaf, &value);
	else if (leaf->type == RULE_BUCKET)
		answer.value = ask_bucket(leaf, &value);
	else if (leaf->type == RULE_LIST)
		answer.value = is_one_of(&value, rule->texts + leaf->texts, leaf->num_texts);
	else
		answer.value = contains(&value, leaf->name);
	return answer;
}

/* --- explanation ------------------------------------------------------------ */

static void
show_json(StringInfo out, const JsonbValue *value)
{
	JsonbValue	copy = *value;

	appendStringInfoString(out, JsonbToCString(NULL, &JsonbValueToJsonb(&copy)->root, 0));
}

bool
rule_attributes_show(RuleAttributes *a, const RuleNode *leaf, StringInfo out)
{
	JsonbValue	value;
	bool		found;

	if (a->attributes == NULL || (leaf->type == RULE_LIFECYCLE && !has_lifecycle(a, leaf)))
		return false;
	if (leaf->type == RULE_ATTR)
		found = find_path(&a->attributes->root, leaf->name, &value);
	else
	{
		found = member(&a->attributes->root, known_as(leaf->type), strlen(known_as(leaf->type)), &value);
		/* a segment at work is asked itself, and has said all */
		if (!found && leaf->type == RULE_IN)
			return false;
		if (found && leaf->type == RULE_SCORE)
			found = value.type == jbvBinary && member(value.val.binary.data, leaf->name.bytes, leaf->name.size, &value);
	}
	if (!found)
		appendStringInfoString(out, "null");
	else if (leaf->type == RULE_BUCKET && (value.type == jbvString || value.type == jbvNumeric))
		appendStringInfo(out, "bucket %d.%02d", (int) (bucket_of(leaf, &value) / 100), (int) (bucket_of(leaf, &value) % 100));
	else
		show_json(out, &value);
	return true;
}

void
rule_attributes_init(RuleAttributes *a, int64 as_of, pg_tz *zone)
{
	memset(a, 0, sizeof(RuleAttributes));
	a->context.as_of = as_of;
	a->context.period = period_start;
	a->context.day = day_start;
	a->context.ask = ask;
	a->zone = zone;
}
