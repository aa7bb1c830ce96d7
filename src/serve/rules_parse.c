/*
 * rules_parse.c
 *		The rules of a widget, read from its definition.
 *
 * Everything is understood here or refused; what concerns columns is checked against the product table by products.c.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "serve/rules_parse.h"

/* A rule's value, and what to call it in messages. */
typedef struct RuleValue
{
	WidgetRules *rules;
	const char *name;
	const JsonbValue *value;
} RuleValue;

/* --- errors ---------------------------------------------------------------- */

static char *
shown(const JsonbValue *value)
{
	Jsonb	   *jsonb = JsonbValueToJsonb(unconstify(JsonbValue *, value));

	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

static void pg_attribute_noreturn()
fail_value(const RuleValue *rule, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rule %s of widget %s must be %s", rule->name, widget_name(rule->rules->widget), wanted),
			 errdetail("It was given as %s.", shown(rule->value))));
}

/* --- JSON ------------------------------------------------------------------ */

static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static double
number_of(const JsonbValue *value)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
}

/* What an object or array holds, as values; NULL where it is neither. */
static JsonbContainer *
container_of(const JsonbValue *value, uint32 kind)
{
	Jsonb	   *jsonb;

	if (value->type != jbvBinary && value->type != jbvObject && value->type != jbvArray)
		return NULL;
	if (value->type == jbvBinary)
		return (value->val.binary.data->header & kind) && !JsonContainerIsScalar(value->val.binary.data) ? value->val.binary.data : NULL;
	jsonb = JsonbValueToJsonb(unconstify(JsonbValue *, value));
	return (jsonb->root.header & kind) ? &jsonb->root : NULL;
}

typedef void (*RuleReader) (WidgetRules *rules, RuleValue *rule, void *arg);

typedef struct RuleMember
{
	const char *name;
	RuleReader	read;
} RuleMember;

static char *
list_members(const RuleMember *members)
{
	StringInfoData list;

	initStringInfo(&list);
	for (const RuleMember *member = members; member->name != NULL; member++)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", member->name);
	return list.data;
}

static const RuleMember *
find_member(const RuleMember *members, const char *name)
{
	for (const RuleMember *member = members; member->name != NULL; member++)
		if (strcmp(member->name, name) == 0)
			return member;
	return NULL;
}

/* Each member by its reader; `of` says in messages what the object is. */
static void
read_members(WidgetRules *rules, const char *of, JsonbContainer *object, const RuleMember *members, void *arg)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		const RuleMember *member;
		RuleValue	rule = {rules, name, &value};

		if (token == WJB_KEY)
			name = string_of(&value);
		if (token != WJB_VALUE)
			continue;
		member = find_member(members, name);
		if (member == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s of widget %s cannot have \"%s\"", of, widget_name(rules->widget), name),
					 errhint("Possible are %s.", list_members(members))));
		rule.name = strcmp(of, "rules") == 0 ? name : psprintf("%s.%s", of + strlen("rule "), name);
		member->read(rules, &rule, arg);
	}
}

/* Each element of an array; what is no array is its own only element. */
static void
read_elements(WidgetRules *rules, RuleValue *rule, RuleReader read)
{
	JsonbContainer *array = container_of(rule->value, JB_FARRAY);
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (array == NULL)
	{
		read(rules, rule, NULL);
		return;
	}
	iterator = JsonbIteratorInit(array);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			read(rules, &(RuleValue) {rules, rule->name, &value}, NULL);
}

static void
read_object(WidgetRules *rules, RuleValue *rule, const RuleMember *members, void *arg)
{
	JsonbContainer *object = container_of(rule->value, JB_FOBJECT);

	if (object == NULL)
		fail_value(rule, psprintf("an object with %s", list_members(members)));
	read_members(rules, psprintf("rule %s", rule->name), object, members, arg);
}

/* --- single values ---------------------------------------------------------- */

static double
positive(RuleValue *rule)
{
	double		number = rule->value->type == jbvNumeric ? number_of(rule->value) : 0;

	if (!(number > 0) || isinf(number))
		fail_value(rule, "a number above 0");
	return number;
}

static char *
text_value(RuleValue *rule)
{
	if (rule->value->type != jbvString || rule->value->val.string.len == 0)
		fail_value(rule, "a text");
	return string_of(rule->value);
}

static void
read_number(WidgetRules *rules, RuleValue *rule, void *target)
{
	double		number = rule->value->type == jbvNumeric ? number_of(rule->value) : -1;

	if (!(number >= 0) || isinf(number))
		fail_value(rule, "a number, at least 0");
	*(double *) target = number;
}

/* --- price ------------------------------------------------------------------ */

static void
read_min(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_number(rules, rule, &rules->min_price);
}

static void
read_max(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_number(rules, rule, &rules->max_price);
}

static void
read_of(WidgetRules *rules, RuleValue *rule, void *arg)
{
	char	   *of = rule->value->type == jbvString ? string_of(rule->value) : "";

	if (strcmp(of, "item") != 0 && strcmp(of, "cart") != 0)
		fail_value(rule, "\"item\" or \"cart\"");
	rules->price_of = of[0] == 'i' ? RULE_BASE_ITEM : RULE_BASE_CART;
}

static const RuleMember price_members[] = {{"min", read_min}, {"max", read_max}, {"of", read_of}, {NULL}};

static void
read_price(WidgetRules *rules, RuleValue *rule, void *arg)
{
	rules->has_price = true;
	rules->max_price = INFINITY;
	read_object(rules, rule, price_members, NULL);
	if (rules->min_price > rules->max_price)
		fail_value(rule, "a range with min at most max");
}

static void
read_to(WidgetRules *rules, RuleValue *rule, void *arg)
{
	rules->price_fill = positive(rule);
}

static const RuleMember fill_members[] = {{"to", read_to}, {NULL}};

static void
read_price_fill(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_object(rules, rule, fill_members, NULL);
	if (rules->price_fill == 0)
		fail_value(rule, "an object with to");
}

/* --- category, cart, dates ---------------------------------------------------- */

static void
read_category(WidgetRules *rules, RuleValue *rule, void *arg)
{
	char	   *which = rule->value->type == jbvString ? string_of(rule->value) : "";

	if (strcmp(which, "same") != 0 && strcmp(which, "other") != 0)
		fail_value(rule, "\"same\" or \"other\"");
	rules->category = which[0] == 's' ? RULE_CATEGORY_SAME : RULE_CATEGORY_OTHER;
}

static void
read_cart(WidgetRules *rules, RuleValue *rule, void *arg)
{
	char	   *what = rule->value->type == jbvString ? string_of(rule->value) : "";

	if (strcmp(what, "keep") != 0 && strcmp(what, "exclude") != 0)
		fail_value(rule, "\"keep\" or \"exclude\"");
	rules->keep_cart = what[0] == 'k';
}

/* A shelf of what was seen, or bought, before is not to be filled with other things. */
static void
read_rest(WidgetRules *rules, RuleValue *rule, void *arg)
{
	char	   *what = rule->value->type == jbvString ? string_of(rule->value) : "";

	if (strcmp(what, "none") != 0 && strcmp(what, "all") != 0)
		fail_value(rule, "\"none\" or \"all\"");
	rules->no_rest = what[0] == 'n';
}

static void
read_from(WidgetRules *rules, RuleValue *rule, void *arg)
{
	rules->from = text_value(rule);
}

static void
read_until(WidgetRules *rules, RuleValue *rule, void *arg)
{
	rules->until = text_value(rule);
}

static const RuleMember date_members[] = {{"from", read_from}, {"until", read_until}, {NULL}};

static void
read_dates(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_object(rules, rule, date_members, NULL);
}

/* --- predicates ----------------------------------------------------------------- */

static void
add_predicate(RulePredicate **list, int *n, RulePredicate one)
{
	*list = *list == NULL ? palloc(sizeof(RulePredicate)) : repalloc(*list, (*n + 1) * sizeof(RulePredicate));
	(*list)[(*n)++] = one;
}

static void
read_condition(WidgetRules *rules, RuleValue *rule, void *arg)
{
	add_predicate(&rules->condition, &rules->num_conditions, (RulePredicate) {"rule where", text_value(rule), 1});
}

static void
read_where(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_elements(rules, rule, read_condition);
}

static void
read_factor_where(WidgetRules *rules, RuleValue *rule, void *arg)
{
	((RulePredicate *) arg)->text = text_value(rule);
}

static void
read_factor(WidgetRules *rules, RuleValue *rule, void *arg)
{
	((RulePredicate *) arg)->factor = positive(rule);
}

static const RuleMember boost_members[] = {{"where", read_factor_where}, {"factor", read_factor}, {NULL}};
static const RuleMember bury_members[] = {{"where", read_factor_where}, {NULL}};

static void
read_one_boost(WidgetRules *rules, RuleValue *rule, void *arg)
{
	RulePredicate boost = {"rule boost", NULL, 0};

	read_object(rules, rule, boost_members, &boost);
	if (boost.text == NULL || boost.factor == 0)
		fail_value(rule, "an object with where and factor, or an array of such");
	add_predicate(&rules->factor, &rules->num_factors, boost);
	rules->max_factor *= Max(boost.factor, 1);
}

static void
read_one_bury(WidgetRules *rules, RuleValue *rule, void *arg)
{
	RulePredicate bury = {"rule bury", NULL, RULES_BURY};

	read_object(rules, rule, bury_members, &bury);
	if (bury.text == NULL)
		fail_value(rule, "an object with where, or an array of such");
	add_predicate(&rules->factor, &rules->num_factors, bury);
}

static void
read_boost(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_elements(rules, rule, read_one_boost);
}

static void
read_bury(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_elements(rules, rule, read_one_bury);
}

/* --- keys ------------------------------------------------------------------------ */

/* Numbers and texts alike are read as the catalog's type reads its literals. */
static Datum
key_of(RuleValue *rule)
{
	Oid			type = key_type_oid(rule->rules->widget->catalog->item_type);
	Oid			input;
	Oid			parameter;
	char	   *text = NULL;

	if (rule->value->type == jbvString)
		text = string_of(rule->value);
	else if (rule->value->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(rule->value->val.numeric)));
	else
		fail_value(rule, "an array of item keys");
	getTypeInputInfo(type, &input, &parameter);
	return OidInputFunctionCall(input, text, parameter, -1);
}

static void
add_key(Datum **list, int *n, Datum key)
{
	*list = *list == NULL ? palloc(sizeof(Datum)) : repalloc(*list, (*n + 1) * sizeof(Datum));
	(*list)[(*n)++] = key;
}

static void
read_include_key(WidgetRules *rules, RuleValue *rule, void *arg)
{
	add_key(&rules->include, &rules->num_include, key_of(rule));
}

static void
read_exclude_key(WidgetRules *rules, RuleValue *rule, void *arg)
{
	add_key(&rules->exclude, &rules->num_exclude, key_of(rule));
}

static void
read_include(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_elements(rules, rule, read_include_key);
}

static void
read_exclude(WidgetRules *rules, RuleValue *rule, void *arg)
{
	read_elements(rules, rule, read_exclude_key);
}

/* --- caps ------------------------------------------------------------------------- */

static void
add_cap(WidgetRules *rules, const char *rule, char *column, int32 most)
{
	rules->cap = rules->cap == NULL ? palloc(sizeof(RuleCap)) : repalloc(rules->cap, (rules->num_caps + 1) * sizeof(RuleCap));
	rules->cap[rules->num_caps++] = (RuleCap) {rule, column, most};
}

static void
cap_categories(WidgetRules *rules)
{
	const CatalogDef *catalog = rules->widget->catalog;

	if (rules->widget->max_per_category <= 0)
		return;
	if (catalog->attribute[CATALOG_CATEGORY] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("max_per_category of widget %s needs the category of items", widget_name(rules->widget)),
				 errdetail("Catalog %s does not say which column that is.", registry_name(catalog->relation)),
				 errhint("Name it when the catalog is made: create_catalog(..., category => 'column'); or use max_per => '{\"column\": 2}'.")));
	add_cap(rules, "max_per_category", catalog->attribute[CATALOG_CATEGORY], rules->widget->max_per_category);
}

static void
cap_columns(WidgetRules *rules)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	if (rules->widget->max_per == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(rules->widget->max_per))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_per of widget %s must be an object", widget_name(rules->widget)),
				 errhint("Name columns of the product table, each with its cap: {\"brand\": 2}.")));
	iterator = JsonbIteratorInit(&rules->widget->max_per->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		double		most = token == WJB_VALUE && value.type == jbvNumeric ? number_of(&value) : 0;

		if (token == WJB_KEY)
			name = string_of(&value);
		if (token != WJB_VALUE)
			continue;
		if (!(most >= 1) || most != floor(most) || most > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("max_per \"%s\" of widget %s must be a whole number above 0", name, widget_name(rules->widget)),
					 errdetail("It was given as %s.", shown(&value))));
		add_cap(rules, psprintf("max_per %s", name), name, (int32) most);
	}
}

/* --- exclude ------------------------------------------------------------------------ */

static int32
days_of(const WidgetDef *widget, const char *entry, const char *text)
{
	Interval   *interval = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	double		days = ceil(registry_interval_days(interval));

	if (!(days > 0) || days > 1000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interval of exclude \"%s\" of widget %s must be above 0", entry, widget_name(widget)),
				 errdetail("It was given as \"%s\".", text)));
	return (int32) days;
}

/* "bought" or "bought 90 days" */
static void
read_event(WidgetRules *rules, const char *entry)
{
	const WidgetDef *widget = rules->widget;
	size_t		word = strcspn(entry, " \t\n");
	const char *rest = entry + word + strspn(entry + word, " \t\n");
	RuleEvent	event = {entry, 0, -1};

	event.history = widget_require_history(widget, pnstrdup(entry, word), psprintf("exclude \"%s\"", entry));
	if (*rest != '\0')
		event.days = days_of(widget, entry, rest);
	rules->event = rules->event == NULL ? palloc(sizeof(RuleEvent)) : repalloc(rules->event, (rules->num_events + 1) * sizeof(RuleEvent));
	rules->event[rules->num_events++] = event;
}

static void
read_excludes(WidgetRules *rules)
{
	for (int e = 0; e < rules->widget->num_exclude; e++)
	{
		const char *entry = rules->widget->exclude[e];

		if (strcmp(entry, "session") == 0)
			rules->exclude_session = true;
		else if (strcmp(entry, "cart") != 0)
			read_event(rules, entry);
		else if (rules->keep_cart)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("exclude of widget %s has the cart, which its rules keep", widget_name(rules->widget))));
	}
}

/* --- all ------------------------------------------------------------------------------ */

static const RuleMember rule_members[] = {
	{"price", read_price},
	{"price_fill", read_price_fill},
	{"category", read_category},
	{"where", read_where},
	{"dates", read_dates},
	{"include", read_include},
	{"exclude", read_exclude},
	{"boost", read_boost},
	{"bury", read_bury},
	{"cart", read_cart},
	{"rest", read_rest},
	{NULL}
};

WidgetRules *
rules_parse(const WidgetDef *widget)
{
	WidgetRules *rules = palloc0(sizeof(WidgetRules));

	rules->widget = widget;
	rules->max_factor = 1;
	if (widget->filter != NULL)
		add_predicate(&rules->condition, &rules->num_conditions, (RulePredicate) {"filter", widget->filter, 1});
	if (widget->rules != NULL && !JB_ROOT_IS_OBJECT(widget->rules))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rules of widget %s must be an object", widget_name(widget)),
				 errhint("Possible are %s.", list_members(rule_members))));
	if (widget->rules != NULL)
		read_members(rules, "rules", &widget->rules->root, rule_members, NULL);
	cap_categories(rules);
	cap_columns(rules);
	read_excludes(rules);
	return rules;
}
