/*
 * widget_status.c
 *		personalize.widgets: what each widget was told, and what is wrong with it.
 */
#include "base/compat.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/guarded.h"
#include "serve/widget_setup.h"

enum
{
	WIDGETS_FUNCTION, WIDGETS_ID, WIDGETS_OWNER, WIDGETS_CATALOG, WIDGETS_ITEM_TYPE, WIDGETS_CUSTOMER_TYPE, WIDGETS_SOURCES,
	WIDGETS_FALLBACK, WIDGETS_HISTORIES, WIDGETS_MIX, WIDGETS_FILTER, WIDGETS_EXCLUDE, WIDGETS_RULES, WIDGETS_MAX_PER_CATEGORY,
	WIDGETS_MAX_PER, WIDGETS_DIVERSITY, WIDGETS_SHUFFLE, WIDGETS_EXPLORE, WIDGETS_K, WIDGETS_PROBLEM, WIDGETS_NUM_COLUMNS
};

/* What is not set is NULL. */
typedef struct WidgetRow
{
	Datum		value[WIDGETS_NUM_COLUMNS];
	bool		null[WIDGETS_NUM_COLUMNS];
} WidgetRow;

static void
set(WidgetRow *row, int column, Datum value)
{
	row->value[column] = value;
	row->null[column] = false;
}

static void
set_text(WidgetRow *row, int column, const char *text)
{
	if (text != NULL)
		set(row, column, CStringGetTextDatum(text));
}

/* The server's own reader, so that the text is seen to be JSON here and not by whoever reads the view. */
static void
set_json(WidgetRow *row, int column, const char *text)
{
	if (text != NULL)
		set(row, column, DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static void
set_texts(WidgetRow *row, int column, char **texts, int count)
{
	Datum	   *elements = palloc0(sizeof(Datum) * (count + 1));

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	if (count > 0)
		set(row, column, PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* A function that is gone leaves its columns NULL: the row is there to say so. */
static void
set_function(WidgetRow *row, Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		return;
	set(row, WIDGETS_FUNCTION, ObjectIdGetDatum(function));
	set(row, WIDGETS_OWNER, ObjectIdGetDatum(((Form_pg_proc) GETSTRUCT(tuple))->proowner));
	ReleaseSysCache(tuple);
}

static void
set_catalog(WidgetRow *row, const WidgetDef *widget)
{
	if (widget->catalog == NULL)
		return;
	set(row, WIDGETS_CATALOG, ObjectIdGetDatum(widget->catalog->relation));
	set(row, WIDGETS_ITEM_TYPE, ObjectIdGetDatum(key_type_oid(widget->catalog->item_type)));
}

/* As create_widget would have to be told; so defaults are as good as NULL, but for numbers. */
static void
set_definition(WidgetRow *row, const WidgetDef *widget)
{
	ArrayType  *fallback = widget_fallback_array(widget);

	set_catalog(row, widget);
	set(row, WIDGETS_CUSTOMER_TYPE, ObjectIdGetDatum(key_type_oid(widget->customer_type != 0 ? widget->customer_type : KEY_TEXT)));
	set_json(row, WIDGETS_SOURCES, widget_sources_text(widget));
	if (fallback != NULL)
		set(row, WIDGETS_FALLBACK, PointerGetDatum(fallback));
	set_json(row, WIDGETS_HISTORIES, widget_histories_text(widget));
	set_text(row, WIDGETS_MIX, widget->mix == WIDGET_MIX_RRF ? "rrf" : "sum");
	set_text(row, WIDGETS_FILTER, widget->filter);
	set_texts(row, WIDGETS_EXCLUDE, widget->exclude, widget->num_exclude);
	if (widget->rules != NULL)
		set(row, WIDGETS_RULES, JsonbPGetDatum(widget->rules));
	if (widget->max_per_category > 0)
		set(row, WIDGETS_MAX_PER_CATEGORY, Int32GetDatum(widget->max_per_category));
	if (widget->max_per != NULL)
		set(row, WIDGETS_MAX_PER, JsonbPGetDatum(widget->max_per));
	set(row, WIDGETS_DIVERSITY, Float8GetDatum(widget->diversity));
	set(row, WIDGETS_SHUFFLE, Int32GetDatum(widget->shuffle));
	set(row, WIDGETS_EXPLORE, Float8GetDatum(widget->explore));
	set(row, WIDGETS_K, Int32GetDatum(widget->k));
}

/* What create_widget looked at, again: relations, rights, columns and functions may have changed. */
static void
check(void *arg)
{
	WidgetDef  *widget = arg;

	for (int i = 0; i < widget->num_sources; i++)
		widget_check_source(widget, &widget->source[i]);
	widget_check(widget);
}

/* What somebody else may not read is no fault of the widget's, so only its owner's look says anything. */
static char *
problem_of(WidgetDef *widget, Oid function)
{
	ErrorData  *error;

	if (!OidIsValid(function))
		return psprintf("function %s does not exist, or is not as create_widget made it", widget_name(widget));
	if (!compat_owns_function(function, GetUserId()))
		return NULL;
	error = guarded(check, widget);
	return error == NULL ? NULL : error->message;
}

/* One that somebody drops meanwhile has no row. */
static void
fill(WidgetRow *row, int32 id)
{
	char	   *problem;
	WidgetDef  *widget = widget_load(id, &problem);
	Oid			function;

	memset(row->null, true, sizeof(row->null));
	if (widget == NULL)
		return;
	function = widget_function(widget);
	set(row, WIDGETS_ID, Int32GetDatum(id));
	set_function(row, function);
	set_definition(row, widget);
	set_text(row, WIDGETS_PROBLEM, problem != NULL ? problem : problem_of(widget, function));
}

PG_FUNCTION_INFO_V1(personalize_widget_rows);

Datum
personalize_widget_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	compat_materialize(fcinfo);
	foreach(cell, widget_rows_all())
	{
		WidgetRow	row;

		CHECK_FOR_INTERRUPTS();
		fill(&row, ((WidgetDef *) lfirst(cell))->id);
		if (!row.null[WIDGETS_ID])
			tuplestore_putvalues(result->setResult, result->setDesc, row.value, row.null);
	}
	return (Datum) 0;
}
