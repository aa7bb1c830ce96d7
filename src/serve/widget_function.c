/*
 * widget_function.c
 *		The SQL function that a widget is.
 *
 * One SELECT, STABLE, without SET: the planner puts it into the query that calls it.  Everything in it is qualified, as it runs under
 * its caller's search_path.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"

#include "model/setup.h"
#include "serve/widget_setup.h"

/* The argument's types, in the order of personalize.recommend(). */
static void
append_arguments(StringInfo command, const WidgetDef *widget)
{
	const char *item = format_type_be_qualified(key_type_oid(widget->catalog->item_type));
	const char *customer = format_type_be_qualified(key_type_oid(widget->customer_type != 0 ? widget->customer_type : KEY_TEXT));

	appendStringInfo(command, "customer %s DEFAULT NULL, item %s DEFAULT NULL, cart %s[] DEFAULT NULL, category pg_catalog.text DEFAULT NULL,"
					 " session %s[] DEFAULT NULL, k pg_catalog.int4 DEFAULT %d, \"offset\" pg_catalog.int4 DEFAULT 0,"
					 " page pg_catalog.int4 DEFAULT NULL, exclude %s[] DEFAULT NULL, among %s[] DEFAULT NULL,"
					 " as_of pg_catalog.timestamptz DEFAULT NULL, seed pg_catalog.int8 DEFAULT 0, query pg_catalog.text DEFAULT NULL,"
					 " segment pg_catalog.text[] DEFAULT NULL",
					 customer, item, item, item, widget->k, item, item);
}

/* Columns of the result, which must be those of the body to the type. */
static void
append_columns(StringInfo command, const WidgetDef *widget)
{
	const char *item = format_type_be_qualified(key_type_oid(widget->catalog->item_type));

	appendStringInfo(command, "item %s, rank pg_catalog.int4, score pg_catalog.float8, source pg_catalog.text, because %s,"
					 " reason pg_catalog.text, propensity pg_catalog.float8", item, item);
}

static char *
body(const WidgetDef *widget)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, WIDGET_BODY_START "%d", widget->id);
	for (int i = 1; i <= WIDGET_NUM_ARGUMENTS; i++)
		appendStringInfo(&text, ", $%d", i);
	appendStringInfoString(&text, ") AS r(");
	append_columns(&text, widget);
	appendStringInfoChar(&text, ')');
	return text.data;
}

Oid
widget_make_function(const WidgetDef *widget, bool replace)
{
	StringInfoData command;

	initStringInfo(&command);
	appendStringInfo(&command, "CREATE%s FUNCTION %s(", replace ? " OR REPLACE" : "", widget_name(widget));
	append_arguments(&command, widget);
	appendStringInfoString(&command, ") RETURNS TABLE (");
	append_columns(&command, widget);
	appendStringInfo(&command, ") LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS %d AS %s",
					 widget->k, quote_literal_cstr(body(widget)));
	setup_execute("%s", command.data);
	CommandCounterIncrement();
	return widget_function(widget);
}
