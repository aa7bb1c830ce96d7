/*
 * rule_json.c
 *		Rules as jsonb, for who builds them by program.
 *
 * Input is turned into the text that says the same, with every name quoted, and parsed: so there is one way to a rule, and nothing in a string can
 * become more than a string.
 */
#include "value/rule.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/numeric.h"

/* Names of conditions, in order of RuleType, and what else an object with one may have. */
static const struct
{
	const char *name;
	const char *members[5];
}			types[] = {
	{"all"}, {"any"}, {"not"},
	{"count", {"where", "window", "op", "value"}}, {"sum", {"where", "window", "op", "value"}}, {"avg", {"where", "window", "op", "value"}},
	{"min", {"where", "window", "op", "value"}}, {"max", {"where", "window", "op", "value"}}, {"days", {"where", "window", "op", "value"}},
	{"last", {"where", "op", "value"}}, {"first", {"where", "op", "value"}},
	{"seq", {"where", "where_then", "within", "window"}}, {"did_not_after", {"where", "where_then", "within"}},
	{"regular", {"where", "every", "at_least", "of"}},
	{"attr", {"op", "value"}}, {"score", {"op", "value"}}, {"rfm"}, {"lifecycle", {"event", "where"}}, {"in"},
	{"bucket", {"from", "to"}}, {"consent"}, {"list"},
	{"did", {"where", "window"}},
};

#define DID (RULE_LIST + 1)		/* a count of one or more */

/* --- from jsonb ------------------------------------------------------------- */

static void
refuse(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("jsonb is not a rule: %s", what)));
}

/* The member of that name; an error where there is none and there must be one. */
static JsonbValue *
get(JsonbContainer *object, const char *name, bool needed)
{
	JsonbValue	key;
	JsonbValue *value;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = (int) strlen(name);
	value = findJsonbValueFromContainer(object, JB_FOBJECT, &key);
	if (value == NULL && needed)
		refuse(psprintf("\"%s\" is missing", name));
	return value;
}

/* A string in quotes, a number as it is. */
static void
put_value(StringInfo out, const JsonbValue *value)
{
	if (value->type == jbvNumeric)
		appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))));
	else if (value->type == jbvBool)
		appendStringInfoString(out, value->val.boolean ? "true" : "false");
	else if (value->type == jbvString)
	{
		appendStringInfoChar(out, '\'');
		for (int i = 0; i < value->val.string.len; i++)
		{
			if (value->val.string.val[i] == '\'')
				appendStringInfoChar(out, '\'');
			appendStringInfoChar(out, value->val.string.val[i]);
		}
		appendStringInfoChar(out, '\'');
	}
	else
		refuse("a name or value must be a string, a number or a boolean");
}

/* Whether words contain one that joins or makes conditions. */
static bool
has_connective(const char *words, int size)
{
	static const char *const connectives[] = {"and", "or", "not", "true", "false"};

	for (int start = 0, end; start < size; start = end + 1)
	{
		for (end = start; end < size && isalpha((unsigned char) words[end]); end++)
			;
		for (int i = 0; i < lengthof(connectives); i++)
			if (end - start == strlen(connectives[i]) && pg_strncasecmp(words + start, connectives[i], end - start) == 0)
				return true;
	}
	return false;
}

/* Intervals, windows and signs are words of the language: only such letters as these have, and none that begins something else. */
static void
put_words(StringInfo out, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse("an interval, window or operator must be a string");
	for (int i = 0; i < value->val.string.len; i++)
	{
		char		c = value->val.string.val[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || memchr(" <>=-:TZ", c, 8) != NULL))
			refuse("an interval, window or operator has letters, digits and signs of comparison only");
	}
	if (has_connective(value->val.string.val, value->val.string.len))
		refuse("an interval, window or operator holds no further condition");
	appendBinaryStringInfo(out, value->val.string.val, value->val.string.len);
}

static void
put_member(StringInfo out, JsonbContainer *object, const char *name)
{
	put_value(out, get(object, name, true));
}

static void
put_word_member(StringInfo out, JsonbContainer *object, const char *name)
{
	put_words(out, get(object, name, true));
}

typedef void (*PutElement) (StringInfo out, const JsonbValue *element, int depth);

static uint32
put_array(StringInfo out, const JsonbValue *array, const char *separator, PutElement put, int depth)
{
	JsonbContainer *container;

	if (array->type != jbvBinary || !JsonContainerIsArray(array->val.binary.data))
		refuse("a list is expected");
	container = array->val.binary.data;
	for (uint32 i = 0; i < JsonContainerSize(container); i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(out, i == 0 ? "" : separator);
		put(out, getIthJsonbValueFromContainer(container, i), depth);
	}
	return JsonContainerSize(container);
}

static void
put_plain(StringInfo out, const JsonbValue *element, int depth)
{
	put_value(out, element);
}

/* A member that nobody reads is most likely misspelled. */
static void
check_members(JsonbContainer *object, const char *name, const char *const *members, int n)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		bool		known = token != WJB_KEY || (key.val.string.len == strlen(name) && memcmp(key.val.string.val, name, key.val.string.len) == 0);

		for (int i = 0; !known && i < n && members[i] != NULL; i++)
			known = key.val.string.len == strlen(members[i]) && memcmp(key.val.string.val, members[i], key.val.string.len) == 0;
		if (!known)
			refuse(psprintf("\"%s\" has no member \"%.*s\"", name, key.val.string.len, key.val.string.val));
	}
}

static const char *const filter_members[] = {"op", "amount"};

/* "where" holds an amount: {"op": ">=", "amount": 50} */
static void
put_events(StringInfo out, JsonbContainer *leaf, const JsonbValue *event, const char *where)
{
	JsonbValue *filter = get(leaf, where, false);

	put_value(out, event);
	if (filter == NULL)
		return;
	if (filter->type != jbvBinary || !JsonContainerIsObject(filter->val.binary.data))
		refuse(psprintf("\"%s\" must be an object", where));
	check_members(filter->val.binary.data, "where", filter_members, lengthof(filter_members));
	appendStringInfoString(out, "[amount ");
	put_word_member(out, filter->val.binary.data, "op");
	appendStringInfoChar(out, ' ');
	put_member(out, filter->val.binary.data, "amount");
	appendStringInfoChar(out, ']');
}

static void
put_window(StringInfo out, JsonbContainer *leaf)
{
	JsonbValue *window = get(leaf, "window", false);

	if (window == NULL)
		return;
	appendStringInfoString(out, ", ");
	put_words(out, window);
}

static void
put_comparison(StringInfo out, JsonbContainer *leaf, bool interval)
{
	appendStringInfoString(out, ") ");
	put_word_member(out, leaf, "op");
	appendStringInfoChar(out, ' ');
	if (interval)
		put_word_member(out, leaf, "value");
	else
		put_member(out, leaf, "value");
}

static void
put_pair(StringInfo out, JsonbContainer *leaf, const JsonbValue *pair, bool window)
{
	JsonbContainer *both;

	if (pair->type != jbvBinary || !JsonContainerIsArray(pair->val.binary.data) || JsonContainerSize(pair->val.binary.data) != 2)
		refuse("\"seq\" and \"did_not_after\" have two events");
	both = pair->val.binary.data;
	put_events(out, leaf, getIthJsonbValueFromContainer(both, 0), "where");
	appendStringInfoString(out, ", ");
	put_events(out, leaf, getIthJsonbValueFromContainer(both, 1), "where_then");
	appendStringInfoString(out, ", within ");
	put_word_member(out, leaf, "within");
	if (window)
		put_window(out, leaf);
	appendStringInfoChar(out, ')');
}

static void
put_regular(StringInfo out, JsonbContainer *leaf, const JsonbValue *event)
{
	put_events(out, leaf, event, "where");
	appendStringInfoString(out, ", every ");
	put_word_member(out, leaf, "every");
	appendStringInfoString(out, ", ");
	put_member(out, leaf, "at_least");
	appendStringInfoString(out, " of ");
	put_member(out, leaf, "of");
	appendStringInfoChar(out, ')');
}

static void
put_attr(StringInfo out, JsonbContainer *leaf, const JsonbValue *path)
{
	JsonbValue *op = get(leaf, "op", true);
	JsonbValue *value = get(leaf, "value", false);

	put_value(out, path);
	appendStringInfoString(out, ") ");
	put_words(out, op);
	if (value == NULL)
		return;
	appendStringInfoString(out, " ");
	if (value->type == jbvBinary)
	{
		appendStringInfoChar(out, '(');
		put_array(out, value, ", ", put_plain, 0);
		appendStringInfoChar(out, ')');
	}
	else if (op->type == jbvString && op->val.string.len > 4 && memcmp(op->val.string.val + op->val.string.len - 4, "than", 4) == 0)
		put_words(out, value);
	else
		put_value(out, value);
}

static void
put_rfm(StringInfo out, const JsonbValue *scores)
{
	static const char *const members[] = {"f", "m"};
	bool		first = true;

	if (scores->type != jbvBinary || !JsonContainerIsObject(scores->val.binary.data))
		refuse("\"rfm\" must be an object with r, f or m");
	check_members(scores->val.binary.data, "r", members, lengthof(members));
	for (int i = 0; i < 3; i++)
	{
		char		name[2] = {"rfm"[i], '\0'};
		JsonbValue *range = get(scores->val.binary.data, name, false);

		if (range == NULL)
			continue;
		appendStringInfo(out, "%s%s ", first ? "" : ", ", name);
		if (range->type == jbvNumeric)
			put_value(out, range);
		else
			put_array(out, range, "-", put_plain, 0);
		first = false;
	}
	appendStringInfoChar(out, ')');
}

static void
put_lifecycle(StringInfo out, JsonbContainer *leaf, const JsonbValue *state)
{
	JsonbValue *event = get(leaf, "event", false);

	put_value(out, state);
	if (event != NULL)
	{
		appendStringInfoString(out, ", ");
		put_events(out, leaf, event, "where");
	}
	appendStringInfoChar(out, ')');
}

/* What has a name, and numbers at most. */
static void
put_named(StringInfo out, RuleType type, JsonbContainer *leaf, const JsonbValue *name)
{
	put_value(out, name);
	if (type == RULE_SCORE)
	{
		put_comparison(out, leaf, false);
		return;
	}
	if (type == RULE_BUCKET)
	{
		appendStringInfoString(out, ", ");
		put_member(out, leaf, "from");
		appendStringInfoString(out, ", ");
		put_member(out, leaf, "to");
	}
	appendStringInfoChar(out, ')');
}

static void
put_leaf(StringInfo out, int type, JsonbContainer *leaf, const JsonbValue *subject)
{
	appendStringInfo(out, "%s(", types[type].name);
	if (type <= RULE_FIRST || type == DID)
	{
		put_events(out, leaf, subject, "where");
		if (type < RULE_LAST || type == DID)
			put_window(out, leaf);
		if (type == DID)
			appendStringInfoChar(out, ')');
		else
			put_comparison(out, leaf, type >= RULE_LAST);
	}
	else if (type <= RULE_DID_NOT_AFTER)
		put_pair(out, leaf, subject, type == RULE_SEQ);
	else if (type == RULE_REGULAR)
		put_regular(out, leaf, subject);
	else if (type == RULE_ATTR)
		put_attr(out, leaf, subject);
	else if (type == RULE_RFM)
		put_rfm(out, subject);
	else if (type == RULE_LIFECYCLE)
		put_lifecycle(out, leaf, subject);
	else if (type == RULE_LIST)
	{
		put_array(out, subject, ", ", put_plain, 0);
		appendStringInfoChar(out, ')');
	}
	else
		put_named(out, (RuleType) type, leaf, subject);
}

static void put_rule(StringInfo out, const JsonbValue *value, int depth);

static void
put_group(StringInfo out, int type, const JsonbValue *members, int depth)
{
	appendStringInfoString(out, type == RULE_NOT ? "not (" : "(");
	if (type == RULE_NOT)
		put_rule(out, members, depth + 1);
	else if (put_array(out, members, type == RULE_ALL ? " and " : " or ", put_rule, depth + 1) == 0)
		appendStringInfoString(out, type == RULE_ALL ? "true" : "false");
	appendStringInfoChar(out, ')');
}

/* Only as deep as text may be nested, where each level takes two; how deep the rule is, its parser tells. */
static void
put_rule(StringInfo out, const JsonbValue *value, int depth)
{
	JsonbContainer *object;

	check_stack_depth();
	if (depth > RULE_MAX_NESTING / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rule is too large: conditions nested deeper than %d", RULE_MAX_DEPTH)));
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		refuse("each condition must be an object");
	object = value->val.binary.data;
	for (int type = 0; type < lengthof(types); type++)
	{
		JsonbValue *subject = get(object, types[type].name, false);

		if (subject == NULL)
			continue;
		check_members(object, types[type].name, types[type].members, lengthof(types[type].members));
		if (type > RULE_NOT)
			put_leaf(out, type, object, subject);
		else
			put_group(out, type, subject, depth);
		return;
	}
	refuse("an object names none of the conditions");
}

/* The parser's errors count characters of a text that the caller has not seen. */
static void
show_text(void *arg)
{
	StringInfo	text = arg;

	errcontext("rule that the jsonb says: %.*s%s", pg_mbcliplen(text->data, text->len, 1000), text->data, text->len > 1000 ? " ..." : "");
}

PG_FUNCTION_INFO_V1(personalize_rule_from_jsonb);
Datum
personalize_rule_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *json = PG_GETARG_JSONB_P(0);
	JsonbValue	root;
	StringInfoData out;
	ErrorContextCallback context = {error_context_stack, show_text, &out};
	Datum		rule;

	initStringInfo(&out);
	root.type = jbvBinary;
	root.val.binary.data = &json->root;
	root.val.binary.len = VARSIZE(json) - VARHDRSZ;
	put_rule(&out, &root, 1);
	error_context_stack = &context;
	rule = rule_form(out.data, out.len);
	error_context_stack = context.previous;
	return rule;
}

/* --- to jsonb --------------------------------------------------------------- */

static void
write_text(StringInfo out, RuleText text)
{
	if (text.is_number)
		appendBinaryStringInfo(out, text.bytes, text.size);
	else
		escape_json(out, pnstrdup(text.bytes, text.size));
}

static void
write_member(StringInfo out, const char *name, RuleText text)
{
	appendStringInfo(out, ", \"%s\": ", name);
	write_text(out, text);
}

static void
write_words(StringInfo out, const char *name, const char *words)
{
	appendStringInfo(out, ", \"%s\": \"%s\"", name, words);
}

static void
write_number(StringInfo out, const char *name, int64 value, int places)
{
	char		number[RULE_FORMATTED];

	rule_format_fixed(number, value, places);
	appendStringInfo(out, ", \"%s\": %s", name, number);
}

static void
write_interval(StringInfo out, const char *name, int64 length)
{
	char		interval[RULE_FORMATTED];

	rule_format_interval(interval, length);
	write_words(out, name, interval);
}

static void
write_window(StringInfo out, const RuleWindow *window)
{
	char		words[RULE_FORMATTED];

	if (window->type == RULE_EVER)
		return;
	rule_format_window(words, window);
	write_words(out, "window", words);
}

static void
write_values(StringInfo out, const Rule *rule, const RuleNode *leaf)
{
	appendStringInfoChar(out, '[');
	for (uint32 i = 0; i < leaf->num_texts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(out, i == 0 ? "" : ", ");
		write_text(out, rule->texts[leaf->texts + i]);
	}
	appendStringInfoChar(out, ']');
}

static void
write_filter(StringInfo out, const char *name, const RuleEvents *events)
{
	char		amount[RULE_FORMATTED];

	if (!events->filtered)
		return;
	rule_format_fixed(amount, events->amount, 4);
	appendStringInfo(out, ", \"%s\": {\"op\": \"%s\", \"amount\": %s}", name, rule_signs[events->filter], amount);
}

static void
write_measure(StringInfo out, const Rule *rule, const RuleNode *leaf, bool did)
{
	write_text(out, rule->kinds[leaf->a.kind]);
	write_filter(out, "where", &leaf->a);
	if (leaf->type <= RULE_DAYS)
		write_window(out, &leaf->window);
	if (did)
		return;
	write_words(out, "op", rule_signs[leaf->op]);
	if (leaf->type >= RULE_LAST)
		write_interval(out, "value", leaf->value);
	else
		write_number(out, "value", leaf->value, leaf->type == RULE_COUNT || leaf->type == RULE_DAYS ? 0 : 4);
}

static void
write_pair(StringInfo out, const Rule *rule, const RuleNode *leaf)
{
	appendStringInfoChar(out, '[');
	write_text(out, rule->kinds[leaf->a.kind]);
	appendStringInfoString(out, ", ");
	write_text(out, rule->kinds[leaf->b.kind]);
	appendStringInfoChar(out, ']');
	write_filter(out, "where", &leaf->a);
	write_filter(out, "where_then", &leaf->b);
	write_interval(out, "within", leaf->value);
	write_window(out, &leaf->window);
}

static void
write_regular(StringInfo out, const Rule *rule, const RuleNode *leaf)
{
	write_text(out, rule->kinds[leaf->a.kind]);
	write_filter(out, "where", &leaf->a);
	write_interval(out, "every", leaf->value);
	write_number(out, "at_least", leaf->limits[0], 0);
	write_number(out, "of", leaf->limits[1], 0);
}

static void
write_attr(StringInfo out, const Rule *rule, const RuleNode *leaf)
{
	write_text(out, leaf->name);
	write_words(out, "op", rule_signs[leaf->op]);
	if (leaf->op == RULE_YOUNGER || leaf->op == RULE_OLDER)
		write_interval(out, "value", leaf->value);
	else if (leaf->op == RULE_ONE_OF)
	{
		appendStringInfoString(out, ", \"value\": ");
		write_values(out, rule, leaf);
	}
	else if (leaf->op != RULE_IS_NULL)
		write_member(out, "value", rule->texts[leaf->texts]);
}

static void
write_rfm(StringInfo out, const RuleNode *leaf)
{
	const char *separator = "{";

	for (int i = 0; i < 3; i++)
	{
		const int64_t *limits = leaf->limits + 2 * i;

		if (limits[0] == 0)
			continue;
		appendStringInfo(out, "%s\"%c\": ", separator, "rfm"[i]);
		if (limits[0] == limits[1])
			appendStringInfo(out, "%d", (int) limits[0]);
		else
			appendStringInfo(out, "[%d, %d]", (int) limits[0], (int) limits[1]);
		separator = ", ";
	}
	appendStringInfoChar(out, '}');
}

static void
write_named(StringInfo out, const Rule *rule, const RuleNode *leaf)
{
	write_text(out, leaf->name);
	if (leaf->type == RULE_SCORE)
	{
		write_words(out, "op", rule_signs[leaf->op]);
		write_number(out, "value", leaf->value, 6);
	}
	else if (leaf->type == RULE_BUCKET)
	{
		write_number(out, "from", leaf->limits[0], 2);
		write_number(out, "to", leaf->limits[1], 2);
	}
	else if (leaf->type == RULE_LIFECYCLE && leaf->limits[1])
	{
		write_member(out, "event", rule->kinds[leaf->a.kind]);
		write_filter(out, "where", &leaf->a);
	}
}

static void
write_leaf(StringInfo out, const Rule *rule, const RuleNode *leaf)
{
	bool		did = leaf->type == RULE_COUNT && leaf->op == RULE_GE && leaf->value == 1;

	appendStringInfo(out, "{\"%s\": ", types[did ? DID : (int) leaf->type].name);
	if (leaf->type <= RULE_FIRST)
		write_measure(out, rule, leaf, did);
	else if (leaf->type <= RULE_DID_NOT_AFTER)
		write_pair(out, rule, leaf);
	else if (leaf->type == RULE_REGULAR)
		write_regular(out, rule, leaf);
	else if (leaf->type == RULE_ATTR)
		write_attr(out, rule, leaf);
	else if (leaf->type == RULE_RFM)
		write_rfm(out, leaf);
	else if (leaf->type == RULE_LIST)
		write_values(out, rule, leaf);
	else
		write_named(out, rule, leaf);
	appendStringInfoChar(out, '}');
}

/* Trees are at most RULE_MAX_DEPTH deep. */
static void
write_node(StringInfo out, const Rule *rule, const RuleNode *node)
{
	if (rule_is_leaf(node))
	{
		write_leaf(out, rule, node);
		return;
	}
	appendStringInfo(out, "{\"%s\": %s", types[node->type].name, node->type == RULE_NOT ? "" : "[");
	for (const RuleNode *child = node + 1; child < rule->nodes + node->next; child = rule->nodes + child->next)
	{
		appendStringInfoString(out, child == node + 1 ? "" : ", ");
		write_node(out, rule, child);
	}
	appendStringInfoString(out, node->type == RULE_NOT ? "}" : "]}");
}

PG_FUNCTION_INFO_V1(personalize_rule_to_jsonb);
Datum
personalize_rule_to_jsonb(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Rule	   *rule;
	StringInfoData out;

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, PG_GETARG_DATUM(0));
	initStringInfo(&out);
	write_node(&out, rule, rule->nodes);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}
