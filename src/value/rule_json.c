/*
 * rule_json.c
 *		Rules as jsonb, for who builds them by program.
 *
 * Input is turned into the text that says the same, with every name quoted, and parsed: so there is one way to a rule, and nothing in a string can
 * become more than a string.
 */
#include "value/rule.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/numeric.h"

static const char *const type_names[] = {"all", "any", "not", "count", "sum", "avg", "min", "max", "days", "last", "first", "seq", "did_not_after",
"regular", "attr", "score", "rfm", "lifecycle", "in", "bucket", "consent", "list"};

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

/* Intervals, windows and signs are words of the language: only such letters as these have. */
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

/* "where" holds an amount: {"op": ">=", "amount": 50} */
static void
put_events(StringInfo out, JsonbContainer *leaf, const JsonbValue *event, const char *where)
{
	JsonbValue *filter = get(leaf, where, false);

	put_value(out, event);
	if (filter == NULL)
		return;
	if (filter->type != jbvBinary)
		refuse(psprintf("\"%s\" must be an object", where));
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
	bool		first = true;

	if (scores->type != jbvBinary || !JsonContainerIsObject(scores->val.binary.data))
		refuse("\"rfm\" must be an object with r, f or m");
	for (int i = 0; i < 3; i++)
	{
		char		name[2] = {"rfm"[i], '\0'};
		JsonbValue *range = get(scores->val.binary.data, name, false);

		if (range == NULL)
			continue;
		appendStringInfo(out, "%s%s ", first ? "" : ", ", name);
		put_array(out, range, "-", put_plain, 0);
		first = false;
	}
	appendStringInfoChar(out, ')');
}

static void
put_leaf(StringInfo out, RuleType type, JsonbContainer *leaf, const JsonbValue *subject)
{
	appendStringInfo(out, "%s(", type_names[type]);
	if (type <= RULE_FIRST)
	{
		put_events(out, leaf, subject, "where");
		if (type < RULE_LAST)
			put_window(out, leaf);
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
	else if (type == RULE_LIST)
	{
		put_array(out, subject, ", ", put_plain, 0);
		appendStringInfoChar(out, ')');
	}
	else
	{
		put_value(out, subject);
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
}

static void
put_rule(StringInfo out, const JsonbValue *value, int depth)
{
	JsonbContainer *object;

	check_stack_depth();
	if (depth > RULE_MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rule is too large: conditions nested deeper than %d", RULE_MAX_DEPTH)));
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		refuse("each condition must be an object");
	object = value->val.binary.data;
	for (int type = 0; type < lengthof(type_names); type++)
	{
		JsonbValue *subject = get(object, type_names[type], false);

		if (subject == NULL)
			continue;
		if (type > RULE_NOT)
			put_leaf(out, (RuleType) type, object, subject);
		else
		{
			appendStringInfoString(out, type == RULE_NOT ? "not (" : "(");
			if (type == RULE_NOT)
				put_rule(out, subject, depth + 1);
			else if (put_array(out, subject, type == RULE_ALL ? " and " : " or ", put_rule, depth + 1) == 0)
				appendStringInfoString(out, type == RULE_ALL ? "true" : "false");
			appendStringInfoChar(out, ')');
		}
		return;
	}
	refuse("an object names none of the conditions");
}

PG_FUNCTION_INFO_V1(personalize_rule_from_jsonb);
Datum
personalize_rule_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *json = PG_GETARG_JSONB_P(0);
	JsonbValue	root;
	StringInfoData out;

	initStringInfo(&out);
	root.type = jbvBinary;
	root.val.binary.data = &json->root;
	root.val.binary.len = VARSIZE(json) - VARHDRSZ;
	put_rule(&out, &root, 1);
	return rule_form(out.data, out.len);
}
