/*
 * source_on_sale.c
 *		What costs less than it did, or what a predicate calls a sale; the largest discount first.
 */
#include "base/compat.h"

#include "utils/builtins.h"

#include "model/setup.h"
#include "serve/products_statement.h"
#include "serve/rules_parse.h"
#include "serve/source_statement.h"

/* The price now: a column that is named, or the one of the catalog. */
static const char *
price_column(const WidgetDef *widget, const WidgetSource *source)
{
	return source_option_text(source, "price", widget->catalog->attribute[CATALOG_PRICE]);
}

static char *
column(const Products *products, const char *name)
{
	return psprintf("(%s.%s)::pg_catalog.float8", quote_identifier(products->alias), quote_identifier(name));
}

/* Share of the list price that is taken off; NULL where nothing is.  In a CASE, as conditions are evaluated in any order. */
static char *
discount(const Products *products, const char *price, const char *list_price)
{
	char	   *now = column(products, price);
	char	   *before = column(products, list_price);

	return psprintf("CASE WHEN %s OPERATOR(pg_catalog.>=) 0 AND %s OPERATOR(pg_catalog.>) %s AND %s OPERATOR(pg_catalog.<) 'Infinity'"
					" THEN 1 OPERATOR(pg_catalog.-) (%s OPERATOR(pg_catalog./) %s) END", now, before, now, before, now, before);
}

/* Only what is one expression goes into the statement. */
static char *
predicate(const Products *products, const WidgetSource *source)
{
	RulePredicate where = {psprintf("\"where\" of source \"%s\"", source->name), source_option_text(source, "where", NULL), 1};

	if (where.text == NULL)
		return "true";
	products_check_predicate(products, &where);
	return psprintf("(%s\n)", where.text);
}

/* Without a list price there is no discount to go by: all score the same, and keys decide. */
static void *
open_on_sale(WidgetPlan *plan, const WidgetSource *source)
{
	const Products *products = plan->products;
	char	   *list_price = source_option_text(source, "list_price", NULL);
	char	   *value = "1::pg_catalog.float8";
	char	   *where = predicate(products, source);

	if (list_price != NULL)
	{
		value = discount(products, price_column(plan->def, source), list_price);
		where = psprintf("%s AND (%s) OPERATOR(pg_catalog.>) 0", where, value);
	}
	return source_products(plan, value, where, psprintf("(%s) DESC", value));
}

/* Before the statement is made, for messages that name the argument. */
static void
require_prices(const WidgetDef *widget, const WidgetSource *source)
{
	Oid			products = widget->catalog->products;
	const char *names[] = {source_option_text(source, "list_price", NULL), price_column(widget, source)};

	if (names[0] == NULL)
		return;
	if (names[1] == NULL)
		source_require_attribute(widget, source, CATALOG_PRICE);
	for (int i = 0; i < lengthof(names); i++)
		setup_require_number(i == 0 ? "list_price" : "price", products, names[i],
							 setup_require_column(i == 0 ? "list_price" : "price", products, names[i]));
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"where", "list_price", "price", NULL};

	source_options_only(source, names);
	source_require_products(widget, source);
	if (source_option_value(source, "where") == NULL && source_option_value(source, "list_price") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source \"%s\" needs \"list_price\" or \"where\"", source->name),
				 errdetail("Nothing says what is on sale."),
				 errhint("Name the column with the price before, as in {\"list_price\": \"old_price\"}, or give a condition over %s.",
						 registry_name(widget->catalog->products))));
	require_prices(widget, source);
	source_try_open(widget, source);
}

/* A view may have a product twice; the larger discount comes first. */
static void
take_row(void *arg, const Datum *values, const bool *nulls)
{
	SourceOnce *once = arg;
	uint32		item = request_item(once->request, values[0]);

	if (!nulls[1] && source_once(once, item))
		request_offer(once->request, item, DatumGetFloat8(values[1]), ITEM_NONE);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	SourceOnce	once = {request};

	source_products_run(request, opened, request_room(request, want), take_row, &once);
}

const SourceKind source_on_sale = {"on_sale", check, open_on_sale, collect};
