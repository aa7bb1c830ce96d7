/*
 * source_curated.c
 *		A list that somebody made by hand: keys in the definition, or a table with ranks.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "model/setup.h"
#include "serve/source_statement.h"

/* What fits into a definition; more belongs into a table. */
#define MAX_ITEMS 10000

typedef struct Curated
{
	int			num_items;
	Datum	   *item;
	SourceStatement *statement; /* instead of items */
} Curated;

/* --- keys in the definition --- */

static void
add_context(void *arg)
{
	errcontext("option \"items\" of source \"%s\"", ((const WidgetSource *) arg)->name);
}

/* A number is written as its type reads it: 42, not 42.0. */
static char *
element_text(const WidgetSource *source, const JsonbValue *value)
{
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("items of source \"%s\" must be keys", source->name),
				 errhint("For example [42, 7] or [\"chair\", \"table\"].")));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
fail_no_array(const WidgetSource *source)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"items\" of source \"%s\" must be an array of keys", source->name)));
}

/* By the type's own input, whose errors name the value. */
static int
read_items(const WidgetDef *widget, const WidgetSource *source, const JsonbValue *value, Datum *items)
{
	JsonbIterator *iterator = JsonbIteratorInit(value->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	element;
	int			n = 0;
	Oid			input;
	Oid			parameter;

	getTypeInputInfo(key_type_oid(widget->catalog->item_type), &input, &parameter);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			items[n++] = OidInputFunctionCall(input, element_text(source, &element), parameter, -1);
	return n;
}

/* In the current memory context, that of the plan. */
static void
open_items(const WidgetDef *widget, const WidgetSource *source, const JsonbValue *value, Curated *curated)
{
	ErrorContextCallback callback = {error_context_stack, add_context, unconstify(WidgetSource *, source)};
	int			size;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		fail_no_array(source);
	size = JsonContainerSize(value->val.binary.data);
	if (size > MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("source \"%s\" can have at most %d items", source->name, MAX_ITEMS),
				 errdetail("It has %d.", size),
				 errhint("Put them into a table, and name it as \"table\".")));
	error_context_stack = &callback;
	curated->item = palloc(Max(size, 1) * sizeof(Datum));
	curated->num_items = read_items(widget, source, value, curated->item);
	error_context_stack = callback.previous;
}

/* --- a table --- */

/* An item that stands there twice has its best rank. */
static void
open_table(WidgetPlan *plan, const WidgetSource *source, Curated *curated)
{
	const WidgetDef *widget = plan->def;
	Oid			limit = INT8OID;
	char	   *key = source_item_expression(widget, source->relation, "i", source_option_text(source, "item", "item"));
	const char *rank = quote_identifier(source_option_text(source, "rank", "rank"));

	curated->statement =
		source_statement(plan,
						 psprintf("SELECT s.item FROM (SELECT %s AS item, i.%s AS rank FROM %s AS i) AS s"
								  " WHERE s.item IS NOT NULL AND s.rank IS NOT NULL GROUP BY s.item"
								  " ORDER BY pg_catalog.min(s.rank), %s LIMIT $1",
								  key, rank, registry_name(source->relation), source_item_order(widget, "s.item")),
						 1, &limit);
}

/* --- the kind --- */

/* check has seen to it that there is one of both. */
static void *
open_curated(WidgetPlan *plan, const WidgetSource *source)
{
	Curated    *curated = palloc0(sizeof(Curated));
	JsonbValue *items = source_option_value(source, "items");

	if (items != NULL)
		open_items(plan->def, source, items, curated);
	else
		open_table(plan, source, curated);
	return curated;
}

/* What would be ignored shows a misunderstanding. */
static void
require_one(const WidgetSource *source, bool has_items, bool has_table)
{
	if (has_items == has_table)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(has_items ? "source \"%s\" has both items and a table" : "source \"%s\" needs items or a table", source->name),
				 errhint("Give \"items\": [keys], or \"table\" with its columns \"item\" and \"rank\".")));
	if (has_items && (source_option_value(source, "item") != NULL || source_option_value(source, "rank") != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"item\" and \"rank\" of source \"%s\" are columns, and there is no table", source->name)));
}

/* What has an order that min() knows. */
static void
require_rank(const WidgetSource *source, const char *column)
{
	Oid			type = setup_require_column("rank", source->relation, column);

	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("rank cannot be of type %s", format_type_be(type)),
					 errdetail("Column \"%s\" of %s must be a number, a date or a time.", column, registry_name(source->relation))));
	}
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"items", "table", "item", "rank", NULL};
	JsonbValue *items = source_option_value(source, "items");

	source_options_only(source, names);
	source->relation = source_option_relation(source, "table");
	require_one(source, items != NULL, OidIsValid(source->relation));
	if (items == NULL)
	{
		source_require_item(widget, source->relation, source_option_text(source, "item", "item"));
		require_rank(source, source_option_text(source, "rank", "rank"));
	}
	source_try_open(widget, source);
}

static void
take_row(void *arg, const Datum *values, const bool *nulls)
{
	SourceOnce *once = arg;

	source_offer_next(once, request_item(once->request, values[0]));
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	const Curated *curated = opened;
	SourceOnce	once = {request};
	Datum		limit = Int64GetDatum(request_room(request, want));

	for (int i = 0; i < curated->num_items; i++)
		source_offer_next(&once, request_item(request, curated->item[i]));
	if (curated->statement != NULL)
		source_statement_run(curated->statement, &limit, NULL, take_row, &once);
}

const SourceKind source_curated = {"curated", check, open_curated, collect};
