/*
 * source_statement.c
 *		Statements, options and checks of sources that read the shop's tables by SQL.
 *
 * Statements run with the rights and the snapshot of the caller, so that privileges and policies of rows are the server's to look after.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "model/setup.h"
#include "model/source.h"
#include "serve/products_statement.h"
#include "serve/source_statement.h"

/* ---------------------------------------------------------------- statements */

struct SourceStatement
{
	SPIPlanPtr	plan;
	int			num_parameters;
	int			num_columns;
};

/* A plan of SPI is in memory of the server's own, which no context of ours frees. */
static void
free_statement(void *statement)
{
	SPI_freeplan(((SourceStatement *) statement)->plan);
}

/* Analyzed now, so that mistakes are told when a widget is made; the server plans it, and plans it again where tables change. */
SourceStatement *
source_statement(WidgetPlan *plan, const char *text, int num_parameters, const Oid *types)
{
	SourceStatement *statement = MemoryContextAllocZero(plan->context, sizeof(SourceStatement));
	MemoryContextCallback *callback = MemoryContextAllocZero(plan->context, sizeof(MemoryContextCallback));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	statement->num_parameters = num_parameters;
	statement->plan = SPI_prepare(text, num_parameters, unconstify(Oid *, types));
	if (statement->plan == NULL || SPI_keepplan(statement->plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", text, SPI_result_code_string(SPI_result));
	statement->num_columns = ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(statement->plan)))->resultDesc->natts;
	SPI_finish();
	callback->func = free_statement;
	callback->arg = statement;
	MemoryContextRegisterResetCallback(plan->context, callback);
	return statement;
}

int
source_statement_columns(const SourceStatement *statement)
{
	return statement->num_columns;
}

/* Of what SPI has executed last. */
static uint64
take_rows(SourceStatementRow row, void *arg)
{
	const SPITupleTable *rows = SPI_tuptable;
	uint64		num_rows = SPI_processed;
	int			num_columns = rows->tupdesc->natts;
	Datum	   *values = palloc(num_columns * sizeof(Datum));
	bool	   *nulls = palloc(num_columns * sizeof(bool));

	for (uint64 i = 0; i < num_rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(rows->vals[i], rows->tupdesc, values, nulls);
		row(arg, values, nulls);
	}
	return num_rows;
}

/* Read-only: with the snapshot of the statement that called the widget, as the rest of the list. */
uint64
source_statement_run(SourceStatement *statement, const Datum *parameters, const bool *nulls, SourceStatementRow row, void *arg)
{
	char	   *marks = palloc(statement->num_parameters + 1);
	uint64		num_rows;

	for (int i = 0; i < statement->num_parameters; i++)
		marks[i] = nulls != NULL && nulls[i] ? 'n' : ' ';
	marks[statement->num_parameters] = '\0';
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(statement->plan, unconstify(Datum *, parameters), marks, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a source could not be read: %s", SPI_result_code_string(SPI_result));
	num_rows = take_rows(row, arg);
	SPI_finish();
	return num_rows;
}

/* ---------------------------------------------------------------- the product table */

struct SourceProducts
{
	Products   *products;
	char	   *text[2];		/* without and with a category of the call */
	SPIPlanPtr	plan[2];
};

/* The second of the two is there only once a call had a category. */
static void
free_products(void *arg)
{
	SourceProducts *source = arg;

	for (int c = 0; c < 2; c++)
		if (source->plan[c] != NULL)
			SPI_freeplan(source->plan[c]);
}

/* Conditions of the widget stand in the statement: the first so many of all products may have nothing that is eligible. */
static char *
products_text(const Products *products, const char *value, const char *where, const char *order, bool with_category)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s, %s FROM %s AS %s WHERE %s IS NOT NULL AND %s", products->key, value,
					 registry_name(products->catalog->products), quote_identifier(products->alias), products->key, where);
	products_append_conditions(&text, products, with_category);
	appendStringInfo(&text, " ORDER BY %s, %s%s LIMIT $%d", order, products->key,
					 products->catalog->item_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : "", PRODUCTS_LIMIT);
	return text.data;
}

/* Only what fails without a category is analyzed now: the condition on it is ours. */
SourceProducts *
source_products(WidgetPlan *plan, const char *value, const char *where, const char *order)
{
	SourceProducts *source = palloc0(sizeof(SourceProducts));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	source->products = plan->products;
	for (int c = 0; c < 2; c++)
		if (c == 0 || plan->products->category != NULL)
			source->text[c] = products_text(plan->products, value, where, order, c == 1);
	callback->func = free_products;
	callback->arg = source;
	MemoryContextRegisterResetCallback(plan->context, callback);
	source->plan[0] = products_prepare(plan->products, source->text[0]);
	return source;
}

/* A category is refused before, where the catalog has none. */
uint64
source_products_run(Request *request, SourceProducts *source, uint32 limit, SourceStatementRow row, void *arg)
{
	int			c = request->category != NULL && source->text[1] != NULL;
	ParamListInfo parameters = products_request_parameters(request);
	int			nest;
	uint64		num_rows;

	if (source->plan[c] == NULL)
		source->plan[c] = products_prepare(source->products, source->text[c]);
	products_set_parameter(parameters, PRODUCTS_LIMIT, Int64GetDatum(limit));
	nest = products_enter_path();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan_with_paramlist(source->plan[c], parameters, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the product table could not be read: %s", SPI_result_code_string(SPI_result));
	num_rows = take_rows(row, arg);
	SPI_finish();
	products_leave_path(nest);
	return num_rows;
}

/* ---------------------------------------------------------------- offers */

/* Memory of the request, since a row's memory is gone with its statement. */
bool
source_once(SourceOnce *once, uint32 item)
{
	if (item >= once->room)
	{
		uint32		room = Max(64, item * 2 + 1);

		once->met = env_resize(&once->request->server.env, once->met, room, sizeof(bool));
		memset(once->met + once->room, 0, (room - once->room) * sizeof(bool));
		once->room = room;
	}
	if (once->met[item])
		return false;
	once->met[item] = true;
	return true;
}

void
source_offer_next(SourceOnce *once, uint32 item)
{
	if (source_once(once, item))
		request_offer(once->request, item, 1.0 / ++once->position, ITEM_NONE);
}

/* ---------------------------------------------------------------- options */

JsonbValue *
source_option_value(const WidgetSource *source, const char *name)
{
	JsonbValue *value = palloc(sizeof(JsonbValue));

	if (source->options == NULL ||
		getKeyJsonValueFromContainer(&source->options->root, name, strlen(name), value) == NULL ||
		value->type == jbvNull)
		return NULL;
	return value;
}

/* Whatever stood there before. */
void
source_set_option(WidgetSource *source, const char *name, const char *text)
{
	StringInfoData json;
	Datum		added;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	escape_json(&json, name);
	appendStringInfoString(&json, ": ");
	escape_json(&json, text);
	appendStringInfoChar(&json, '}');
	added = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	if (source->options != NULL)
		added = DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(source->options), added);
	source->options = DatumGetJsonbP(added);
}

/* With its schema from here on: the search path of who calls the widget is another one. */
Oid
source_option_relation(WidgetSource *source, const char *name)
{
	char	   *text = source_option_text(source, name, NULL);
	Oid			relation;

	if (text == NULL)
		return InvalidOid;
	relation = RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(text))), AccessShareLock, true);
	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist", text),
				 errdetail("It was given as \"%s\" of source \"%s\".", name, source->name)));
	source_set_option(source, name, registry_name(relation));
	return relation;
}

static void
rename_option(WidgetSource *source, const char *name, Oid relation)
{
	if (OidIsValid(relation) && get_rel_relkind(relation) != '\0' && source_option_value(source, name) != NULL)
		source_set_option(source, name, registry_name(relation));
}

/* The registry follows a relation that is renamed, options are texts. */
Jsonb *
source_options_now(const WidgetSource *source)
{
	static const char *const names[] = {"table", "history", "content", "repeat"};
	WidgetSource now = *source;

	for (int i = 0; i < lengthof(names); i++)
		rename_option(&now, names[i], source->relation);
	rename_option(&now, "blend", source->blend);
	return now.options;
}

typedef struct OptionName
{
	const WidgetSource *source;
	const char *name;
} OptionName;

static void
add_option_context(void *arg)
{
	OptionName *option = arg;

	errcontext("option \"%s\" of source \"%s\"", option->name, option->source->name);
}

static double
days_of(const WidgetSource *source, const char *name, const char *text)
{
	OptionName	option = {source, name};
	ErrorContextCallback callback = {error_context_stack, add_option_context, &option};
	Datum		interval;

	error_context_stack = &callback;
	interval = DirectFunctionCall3(interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	error_context_stack = callback.previous;
	return registry_interval_days(DatumGetIntervalP(interval));
}

/* An interval may be anything, so limits are looked at here, too. */
double
source_option_days(const WidgetSource *source, const char *name, double otherwise, double least, double most)
{
	JsonbValue *value = source_option_value(source, name);
	double		days;

	if (value == NULL || value->type != jbvString)
		return source_option_number(source, name, otherwise, least, most);
	days = days_of(source, name, pnstrdup(value->val.string.val, value->val.string.len));
	if (!(days >= least && days <= most))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("option \"%s\" of source \"%s\" is out of range: %g days", name, source->name, days),
				 errdetail("It must be between %g and %g days.", least, most)));
	return days;
}

/* JSON knows one kind of numbers. */
int32
source_option_count(const WidgetSource *source, const char *name, int32 otherwise, int32 most)
{
	double		count = source_option_number(source, name, otherwise, 1, most);

	if (count != (int32) count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" of source \"%s\" must be a whole number", name, source->name)));
	return (int32) count;
}

/* ---------------------------------------------------------------- checks */

/* Over the same products with the same rules, but without sources, which are not all understood yet. */
void
source_try_open(const WidgetDef *widget, const WidgetSource *source)
{
	WidgetDef	trial = *widget;

	trial.num_sources = 0;
	trial.explore = 0;
	(void) source->kind->open(widget_plan_make(&trial), source);
}

/* A wider number may be no key of the catalog, and would fail calls one day. */
void
source_require_item(const WidgetDef *widget, Oid relation, const char *column)
{
	KeyType		wanted = widget->catalog->item_type;
	KeyType		type = key_type(setup_require_column("item", relation, column), "item");

	if (type != wanted && !(key_is_number(type) && key_is_number(wanted) && type < wanted))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of %s is of type %s, items of catalog %s are of type %s", column, registry_name(relation),
						key_type_name(type), registry_name(widget->catalog->relation), key_type_name(wanted)),
				 errhint("A view can cast it.")));
}

void
source_require_products(const WidgetDef *widget, const WidgetSource *source)
{
	if (!OidIsValid(widget->catalog->products))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" needs a product table", source->name),
				 errdetail("Catalog %s is bound to none.", registry_name(widget->catalog->relation)),
				 errhint("Make the catalog with create_catalog(..., products => ..., item => ...).")));
}

void
source_require_attribute(const WidgetDef *widget, const WidgetSource *source, CatalogAttribute attribute)
{
	const CatalogDef *catalog = widget->catalog;

	source_require_products(widget, source);
	if (catalog->attribute[attribute] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" needs the attribute %s", source->name, catalog_attribute_names[attribute]),
				 errdetail("Catalog %s does not name a column for it.", registry_name(catalog->relation)),
				 errhint("Make the catalog with create_catalog(..., %s => ...).", catalog_attribute_names[attribute])));
	setup_require_column(catalog_attribute_names[attribute], catalog->products, catalog->attribute[attribute]);
}

/* ---------------------------------------------------------------- parts of statements */

char *
source_item_expression(const WidgetDef *widget, Oid relation, const char *alias, const char *column)
{
	return source_key_expression(relation, alias, column, widget->catalog->item_type);
}

char *
source_item_order(const WidgetDef *widget, const char *key)
{
	return psprintf("%s%s", key, widget->catalog->item_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : "");
}
