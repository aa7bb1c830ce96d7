/*
 * products_statement.c
 *		The statements over the product table: as the caller, planned once per backend, with generic plans.
 *
 * Conditions stand in WHERE, so that rows that are not eligible cost a look and nothing else, and indexes can help where all that are eligible are
 * wanted.  Only where somebody asks why, or for the prices of anchor and cart, all rows come, with what holds.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "model/source.h"
#include "serve/products_statement.h"
#include "serve/source_kind.h"

/* --- names ---------------------------------------------------------------- */

int
products_enter_path(void)
{
	int			nest = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest;
}

void
products_leave_path(int nest)
{
	AtEOXact_GUC(true, nest);
}

static char *
column(const Products *products, const char *name)
{
	return psprintf("%s.%s", quote_identifier(products->alias), quote_identifier(name));
}

static Oid
column_type(const Products *products, const char *name)
{
	AttrNumber	number = get_attnum(products->catalog->products, name);

	return number == InvalidAttrNumber ? InvalidOid : getBaseType(get_atttype(products->catalog->products, number));
}

/* Days and times without a zone are those of UTC, as everywhere. */
char *
products_moment(const Products *products, const char *name)
{
	char	   *plain = column(products, name);

	if (column_type(products, name) == TIMESTAMPTZOID)
		return plain;
	return psprintf("pg_catalog.timezone('UTC', (%s)::pg_catalog.timestamp)", plain);
}

/* --- conditions ----------------------------------------------------------- */

/* A day is the last one with all of its hours. */
static char *
dates_condition(const Products *products)
{
	const WidgetRules *rules = products->rules;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "true");
	if (rules->from != NULL)
		appendStringInfo(&text, " AND (%s IS NULL OR %s OPERATOR(pg_catalog.<=) $%d)", column(products, rules->from),
						 products_moment(products, rules->from), PRODUCTS_AS_OF);
	if (rules->until != NULL)
		appendStringInfo(&text, " AND (%s IS NULL OR %s%s OPERATOR(pg_catalog.>) $%d)", column(products, rules->until),
						 products_moment(products, rules->until),
						 column_type(products, rules->until) == DATEOID ? " OPERATOR(pg_catalog.+) '1 day'::pg_catalog.interval" : "",
						 PRODUCTS_AS_OF);
	return text.data;
}

int
products_num_conditions(const Products *products)
{
	return products->rules->num_conditions + 2;
}

const char *
products_condition(const Products *products, int condition)
{
	int			own = condition - products->rules->num_conditions;

	if (own < 0)
		return products->rules->condition[condition].rule;
	return own == 0 ? "dates" : "category";
}

/* NULL: nothing to ask. */
static char *
condition(const Products *products, int number, bool with_category)
{
	const WidgetRules *rules = products->rules;
	int			own = number - rules->num_conditions;

	if (own < 0)
		return psprintf("(%s\n)", rules->condition[number].text);
	if (own == 0)
		return rules->from == NULL && rules->until == NULL ? NULL : dates_condition(products);
	return with_category ? psprintf("%s OPERATOR(pg_catalog.=) $%d", products->category, PRODUCTS_CATEGORY) : NULL;
}

void
products_append_conditions(StringInfo text, const Products *products, bool with_category)
{
	for (int c = 0; c < products_num_conditions(products); c++)
	{
		char	   *one = condition(products, c, with_category);

		if (one != NULL)
			appendStringInfo(text, " AND %s", one);
	}
}

/* --- columns --------------------------------------------------------------- */

static char *
as_text(const Products *products, const char *name)
{
	return psprintf("(%s)::pg_catalog.text", column(products, name));
}

static void
append_factor(StringInfo text, const Products *products)
{
	appendStringInfoString(text, ", 1::pg_catalog.float8");
	for (int f = 0; f < products->rules->num_factors; f++)
		appendStringInfo(text, " OPERATOR(pg_catalog.*) CASE WHEN (%s\n) THEN '%.17g'::pg_catalog.float8 ELSE 1::pg_catalog.float8 END",
						 products->rules->factor[f].text, products->rules->factor[f].factor);
}

static void
append_columns(StringInfo text, const Products *products, ProductsStatement which, bool with_category)
{
	appendStringInfo(text, "SELECT %s", products->key);
	appendStringInfo(text, ", %s", products->price != NULL ? products->price : "NULL::pg_catalog.float8");
	appendStringInfo(text, ", %s", products->category != NULL ? products->category : "NULL::pg_catalog.text");
	append_factor(text, products);
	for (int c = 0; c < products->rules->num_caps; c++)
		appendStringInfo(text, ", %s", as_text(products, products->rules->cap[c].column));
	for (int c = 0; which == PRODUCTS_ASK && c < products_num_conditions(products); c++)
	{
		char	   *one = condition(products, c, with_category);

		appendStringInfo(text, ", (%s) IS TRUE", one != NULL ? one : "true");
	}
	if (which != PRODUCTS_PAGES)
		return;
	appendStringInfoString(text, ", (true");
	products_append_conditions(text, products, with_category);
	appendStringInfo(text, ") IS TRUE, %s.ctid", quote_identifier(products->alias));
}

/* Bytes order texts, as they order keys. */
static const char *
byte_order(const Products *products)
{
	return products->catalog->item_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : "";
}

/* --- what each asks for ------------------------------------------------------ */

/* Without limits, as where there is no anchor, also what has no price is wanted. */
static void
append_prices(StringInfo text, const Products *products)
{
	if (rules_need_price(products->rules))
		appendStringInfo(text, " AND ($%d IS NULL OR %s OPERATOR(pg_catalog.>=) $%d AND %s OPERATOR(pg_catalog.<=) $%d)",
						 PRODUCTS_LOW, products->price, PRODUCTS_LOW, products->price, PRODUCTS_HIGH);
}

/* New is what came within 30 days or, where nobody says when, what no basket has had yet. */
static void
append_new(StringInfo text, const Products *products)
{
	if (products->created != NULL)
		appendStringInfo(text, " AND %s OPERATOR(pg_catalog.>) ($%d OPERATOR(pg_catalog.-) '30 days'::pg_catalog.interval)"
						 " AND %s OPERATOR(pg_catalog.<=) $%d ORDER BY %s DESC, %s%s", products->created, PRODUCTS_AS_OF,
						 products->created, PRODUCTS_AS_OF, products->created, products->key, byte_order(products));
	else
		appendStringInfo(text, " AND NOT EXISTS (SELECT FROM %s AS personalize_counted WHERE personalize_counted.item OPERATOR(pg_catalog.=) %s)"
						 " ORDER BY %s%s DESC", registry_name(products->counted), products->key, products->key, byte_order(products));
}

static char *
statement_text(const Products *products, ProductsStatement which, bool with_category)
{
	StringInfoData text;
	bool		by_keys = which == PRODUCTS_LOOK || which == PRODUCTS_PAGES || which == PRODUCTS_ASK;

	initStringInfo(&text);
	append_columns(&text, products, which, with_category);
	appendStringInfo(&text, " FROM %s AS %s WHERE ", registry_name(products->catalog->products), quote_identifier(products->alias));
	if (by_keys)
		appendStringInfo(&text, "%s OPERATOR(pg_catalog.=) ANY ($%d)", products->key, PRODUCTS_KEYS);
	else
		appendStringInfo(&text, "%s IS NOT NULL", products->key);
	if (which != PRODUCTS_ASK && which != PRODUCTS_PAGES)
		products_append_conditions(&text, products, with_category);
	if (which == PRODUCTS_SET || which == PRODUCTS_NEXT)
		append_prices(&text, products);
	if (which == PRODUCTS_NEXT)
		appendStringInfo(&text, " AND ($%d IS NULL OR %s%s OPERATOR(pg_catalog.>) $%d) ORDER BY %s%s", PRODUCTS_AFTER,
						 products->key, byte_order(products), PRODUCTS_AFTER, products->key, byte_order(products));
	if (which == PRODUCTS_NEW)
		append_new(&text, products);
	if (which == PRODUCTS_NEXT || which == PRODUCTS_NEW)
		appendStringInfo(&text, " LIMIT $%d", PRODUCTS_LIMIT);
	return text.data;
}

/* --- plans ------------------------------------------------------------------ */

SPIPlanPtr
products_prepare(Products *products, const char *text)
{
	int			nest = products_enter_path();
	SPIPlanPtr	plan;

	SPI_connect();
	plan = SPI_prepare_params(text, products_parser_setup, products, CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_NO_SCROLL);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", text, SPI_result_code_string(SPI_result));
	SPI_finish();
	products_leave_path(nest);
	return plan;
}

SPIPlanPtr
products_statement(Products *products, ProductsStatement which, bool with_category)
{
	SPIPlanPtr *kept = &products->statement[which][with_category];

	if (*kept == NULL)
		*kept = products_prepare(products, statement_text(products, which, with_category));
	return *kept;
}

static double
plan_cost(SPIPlanPtr statement)
{
	CachedPlan *plan;
	double		cost = 0;

	SPI_connect();
	plan = SPI_plan_get_cached_plan(statement);
	if (plan != NULL)
	{
		cost = linitial_node(PlannedStmt, plan->stmt_list)->planTree->total_cost;
		compat_release_plan(plan);
	}
	SPI_finish();
	return cost;
}

double
products_set_cost(Products *products, bool with_category)
{
	double	   *cost = &products->set_cost[with_category];

	if (*cost == 0)
	{
		int			nest = products_enter_path();

		*cost = plan_cost(products_statement(products, PRODUCTS_SET, with_category));
		products_leave_path(nest);
	}
	return *cost;
}

/* All of them NULL. */
ParamListInfo
products_parameters(const Products *products)
{
	ParamListInfo list = makeParamList(PRODUCTS_NUM_PARAMETERS);

	for (int p = 0; p < PRODUCTS_NUM_PARAMETERS; p++)
		list->params[p] = (ParamExternData) {0, true, PARAM_FLAG_CONST, products->parameter_type[p]};
	return list;
}
