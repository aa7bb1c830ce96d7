/*
 * page_setup.c
 *		create_page(): a page as one function with the shop's types, as widgets are.
 *
 * Nothing of a page is kept but its function, which names widgets by their ids: they may be renamed and altered, and the function is dropped as any
 * other.
 */
#include "base/compat.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/guards.h"
#include "model/setup.h"
#include "serve/page.h"
#include "serve/widget_setup.h"

typedef struct NewShelf
{
	WidgetDef  *widget;
	char	   *title;
	int32		k;				/* 0: the widget's own */
} NewShelf;

typedef struct NewPage
{
	char	   *schema;
	char	   *name;
	int			num_shelves;
	NewShelf   *shelf;
	KeyType		item_type;
	KeyType		customer_type;	/* 0: no widget knows customers */
} NewPage;

/* --- what was asked for -------------------------------------------------- */

static void pg_attribute_noreturn()
fail_shelf(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("widgets is not a list of shelves"),
			 errdetail("%s", detail),
			 errhint("A shelf is the name of a widget, or an object: [\"shop.for_you\", {\"widget\": \"shop.trending\", \"title\": \"Trending\", \"k\": 6}].")));
}

static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
read_shelf_option(NewShelf *shelf, char **widget, const char *key, const JsonbValue *value)
{
	if (strcmp(key, "widget") == 0 && value->type == jbvString)
		*widget = string_of(value);
	else if (strcmp(key, "title") == 0 && value->type == jbvString)
		shelf->title = string_of(value);
	else if (strcmp(key, "k") == 0 && value->type == jbvNumeric)
		shelf->k = (int32) guard_int_range("k", DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric))), 1, 1000);
	else
		fail_shelf(psprintf("\"%s\" is none of \"widget\" and \"title\", which are strings, and \"k\", a number, or not of that type.", key));
}

/* The name of the widget in an object; what else stands there goes into the shelf. */
static char *
read_shelf_object(NewShelf *shelf, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *widget = NULL;
	char	   *key = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = string_of(&value);
		else if (token == WJB_VALUE)
			read_shelf_option(shelf, &widget, key, &value);
	}
	if (widget == NULL)
		fail_shelf("A shelf names no widget.");
	return widget;
}

static void
read_shelf(NewShelf *shelf, const JsonbValue *value)
{
	char	   *widget;

	if (value->type == jbvString)
		widget = string_of(value);
	else if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		widget = read_shelf_object(shelf, value->val.binary.data);
	else
		fail_shelf("A shelf is neither a string nor an object.");
	shelf->widget = widget_require(cstring_to_text(widget));
	if (shelf->title == NULL)
		shelf->title = shelf->widget->name;
}

static void
read_shelves(NewPage *page, Jsonb *widgets)
{
	if (!JB_ROOT_IS_ARRAY(widgets) || JB_ROOT_IS_SCALAR(widgets))
		fail_shelf("It is no array; an object would have no order.");
	page->num_shelves = (int) guard_int_range("number of shelves", JB_ROOT_COUNT(widgets), 1, PAGE_MAX_SHELVES);
	page->shelf = palloc0(page->num_shelves * sizeof(NewShelf));
	for (int i = 0; i < page->num_shelves; i++)
		read_shelf(&page->shelf[i], getIthJsonbValueFromContainer(&widgets->root, i));
}

/* --- types ---------------------------------------------------------------- */

/* Numbers of any width mean each other: the widest will do. */
static KeyType
common_type(KeyType have, KeyType next, const char *what, const NewShelf *shelf)
{
	if (have == 0 || next == 0 || have == next)
		return have == 0 ? next : have;
	if (key_is_number(have) && key_is_number(next))
		return Max(have, next);
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("widgets of a page must agree in the type of %s", what),
			 errdetail("Those before %s have %s, it has %s.", widget_name(shelf->widget), key_type_name(have), key_type_name(next)),
			 errhint("Make a page of each, or call personalize.page(), which returns texts.")));
}

static void
choose_types(NewPage *page)
{
	for (int i = 0; i < page->num_shelves; i++)
	{
		const NewShelf *shelf = &page->shelf[i];

		page->item_type = common_type(page->item_type, shelf->widget->catalog->item_type, "items", shelf);
		page->customer_type = common_type(page->customer_type, shelf->widget->customer_type, "customers", shelf);
	}
}

/* --- the function --------------------------------------------------------- */

static char *
shelf_arrays(const NewPage *page)
{
	StringInfoData ids;
	StringInfoData titles;
	StringInfoData sizes;

	initStringInfo(&ids);
	initStringInfo(&titles);
	initStringInfo(&sizes);
	for (int i = 0; i < page->num_shelves; i++)
	{
		const char *comma = i == 0 ? "" : ", ";

		appendStringInfo(&ids, "%s%d", comma, page->shelf[i].widget->id);
		appendStringInfo(&titles, "%s%s", comma, quote_literal_cstr(page->shelf[i].title));
		appendStringInfo(&sizes, "%s%d", comma, page->shelf[i].k);
	}
	return psprintf("ARRAY[%s]::pg_catalog.int4[], ARRAY[%s]::pg_catalog.text[], ARRAY[%s]::pg_catalog.int4[]", ids.data, titles.data, sizes.data);
}

static Oid
customer_type_oid(const NewPage *page)
{
	return page->customer_type == 0 ? TEXTOID : key_type_oid(page->customer_type);
}

static void
create_function(const NewPage *page)
{
	const char *item = format_type_be_qualified(key_type_oid(page->item_type));
	const char *customer = format_type_be_qualified(customer_type_oid(page));
	char	   *body = psprintf("SELECT s.* FROM personalize.page_shelves(%s, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
								"AS s(shelf pg_catalog.text, rank pg_catalog.int4, item %s, score pg_catalog.float8, source pg_catalog.text, because %s, "
								"reason pg_catalog.text, propensity pg_catalog.float8)", shelf_arrays(page), item, item);

	setup_execute("CREATE FUNCTION %s(customer %s DEFAULT NULL, item %s DEFAULT NULL, cart %s[] DEFAULT NULL, category pg_catalog.text DEFAULT NULL, "
				  "session %s[] DEFAULT NULL, k pg_catalog.int4 DEFAULT NULL, exclude %s[] DEFAULT NULL, as_of pg_catalog.timestamptz DEFAULT NULL, "
				  "seed pg_catalog.int8 DEFAULT 0, query pg_catalog.text DEFAULT NULL, segment pg_catalog.text[] DEFAULT NULL) "
				  "RETURNS TABLE (shelf pg_catalog.text, rank pg_catalog.int4, item %s, score pg_catalog.float8, source pg_catalog.text, because %s, "
				  "reason pg_catalog.text, propensity pg_catalog.float8) LANGUAGE sql STABLE PARALLEL SAFE ROWS %d AS %s",
				  quote_qualified_identifier(page->schema, page->name), customer, item, item, item, item, item, item,
				  12 * page->num_shelves, quote_literal_cstr(body));
}

static Oid
find_function(const NewPage *page)
{
	Oid			item = key_type_oid(page->item_type);
	Oid			items = get_array_type(item);
	Oid			types[] = {customer_type_oid(page), item, items, TEXTOID, items, INT4OID, items, TIMESTAMPTZOID, INT8OID, TEXTOID, TEXTARRAYOID};

	return LookupFuncName(list_make2(makeString(page->schema), makeString(page->name)), lengthof(types), types, false);
}

/* A widget that a page shows is not dropped by accident. */
static void
depend_on_widgets(const NewPage *page, Oid function)
{
	ObjectAddress self;

	ObjectAddressSet(self, ProcedureRelationId, function);
	for (int i = 0; i < page->num_shelves; i++)
	{
		ObjectAddress widget;

		ObjectAddressSet(widget, ProcedureRelationId, widget_function(page->shelf[i].widget));
		if (OidIsValid(widget.objectId))
			recordDependencyOn(&self, &widget, DEPENDENCY_NORMAL);
	}
}

/* The name is parsed as that of a widget is. */
static void
read_name(NewPage *page, text *name)
{
	Oid			schema = QualifiedNameGetCreationNamespace(textToQualifiedNameList(name), &page->name);

	page->schema = get_namespace_name(schema);
	if (widget_name_is_taken(schema, page->name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FUNCTION),
				 errmsg("function %s already exists", quote_qualified_identifier(page->schema, page->name)),
				 errdetail("With another of its name, calls by named arguments would not say which is meant."),
				 errhint("Choose another name, or drop it first.")));
}

/* create_page(name, widgets) */
PG_FUNCTION_INFO_V1(personalize_create_page);
Datum
personalize_create_page(PG_FUNCTION_ARGS)
{
	NewPage		page = {0};
	Oid			function;

	PreventCommandDuringRecovery("personalize.create_page()");
	guard_not_null("name", PG_ARGISNULL(0));
	guard_not_null("widgets", PG_ARGISNULL(1));
	read_name(&page, PG_GETARG_TEXT_PP(0));
	read_shelves(&page, PG_GETARG_JSONB_P(1));
	choose_types(&page);
	create_function(&page);
	function = find_function(&page);
	depend_on_widgets(&page, function);
	PG_RETURN_OID(function);
}
