/*
 * widget_setup.c
 *		create_widget, alter_widget and drop_widget.
 *
 * All run as the caller: the function is made by CREATE FUNCTION, so the server's own rules say who may make it where, and its owner is
 * the widget's.  What is changed is made again from what it was told and what it is told now, so that there is one way to a definition.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

#include "base/guards.h"
#include "model/setup.h"
#include "serve/plan.h"
#include "serve/widget_setup.h"

enum
{
	ARG_NAME, ARG_SOURCES, ARG_HISTORIES, ARG_CATALOG, ARG_MIX, ARG_FILTER, ARG_EXCLUDE, ARG_RULES, ARG_MAX_PER_CATEGORY,
	ARG_MAX_PER, ARG_FALLBACK, ARG_DIVERSITY, ARG_SHUFFLE, ARG_EXPLORE, ARG_K
};

/* ---------------------------------------------------------------- arguments */

/* Names as the literature has them. */
static WidgetMix
read_mix(const char *mix)
{
	if (strcmp(mix, "sum") == 0)
		return WIDGET_MIX_SUM;
	if (strcmp(mix, "rrf") == 0)
		return WIDGET_MIX_RRF;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("mix \"%s\" is not known", mix),
			 errhint("Use sum (weighted sum of normalized scores) or rrf (reciprocal rank fusion).")));
}

/* An empty text is no filter, which is how alter_widget takes one away. */
static char *
read_filter(text *filter)
{
	char	   *string = text_to_cstring(filter);

	return strspn(string, " \t\r\n") == strlen(string) ? NULL : string;
}

/* A second dimension would be read as if it were the first. */
static void
guard_list(const char *argument, ArrayType *array)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must have one dimension, not %d", argument, ARR_NDIM(array))));
}

static void
read_exclude(ArrayType *array, WidgetDef *widget)
{
	Datum	   *elements;
	bool	   *nulls;

	guard_list("exclude", array);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &widget->num_exclude);
	widget->exclude = palloc0(sizeof(char *) * (widget->num_exclude + 1));
	for (int i = 0; i < widget->num_exclude; i++)
	{
		guard_not_null("an element of exclude", nulls[i]);
		widget->exclude[i] = TextDatumGetCString(elements[i]);
	}
}

/* An empty object is nothing at all; other kinds of JSON are nothing that could be meant. */
static Jsonb *
read_object(const char *argument, const char *example, Jsonb *value)
{
	if (!JB_ROOT_IS_OBJECT(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a JSON object", argument),
				 errhint("For example %s => '%s'.", argument, example)));
	return JB_ROOT_COUNT(value) == 0 ? NULL : value;
}

/* What the rules mean is theirs to say: here only that they are of the right kind. */
static void
read_lists(FunctionCallInfo fcinfo, WidgetDef *widget)
{
	if (!PG_ARGISNULL(ARG_EXCLUDE))
		read_exclude(PG_GETARG_ARRAYTYPE_P(ARG_EXCLUDE), widget);
	if (!PG_ARGISNULL(ARG_RULES))
		widget->rules = read_object("rules", "{\"price\": {\"min\": 1.1, \"max\": 1.6}}", PG_GETARG_JSONB_P(ARG_RULES));
	if (!PG_ARGISNULL(ARG_MAX_PER_CATEGORY))
		widget->max_per_category = guard_int_range("max_per_category", PG_GETARG_INT32(ARG_MAX_PER_CATEGORY), 0, WIDGET_MAX_K);
	if (!PG_ARGISNULL(ARG_MAX_PER))
		widget->max_per = read_object("max_per", "{\"brand\": 2}", PG_GETARG_JSONB_P(ARG_MAX_PER));
}

/* What is NULL keeps the value that the definition has already. */
static void
read_settings(FunctionCallInfo fcinfo, WidgetDef *widget)
{
	if (!PG_ARGISNULL(ARG_MIX))
		widget->mix = read_mix(text_to_cstring(PG_GETARG_TEXT_PP(ARG_MIX)));
	if (!PG_ARGISNULL(ARG_FILTER))
		widget->filter = read_filter(PG_GETARG_TEXT_PP(ARG_FILTER));
	read_lists(fcinfo, widget);
	if (!PG_ARGISNULL(ARG_DIVERSITY))
		widget->diversity = guard_float_range("diversity", PG_GETARG_FLOAT8(ARG_DIVERSITY), 0, 1);
	if (!PG_ARGISNULL(ARG_SHUFFLE))
		widget->shuffle = guard_int_range("shuffle", PG_GETARG_INT32(ARG_SHUFFLE), 0, WIDGET_MAX_K);
	if (!PG_ARGISNULL(ARG_EXPLORE))
		widget->explore = guard_float_range("explore", PG_GETARG_FLOAT8(ARG_EXPLORE), 0, 1);
	if (!PG_ARGISNULL(ARG_K))
		widget->k = guard_int_range("k", PG_GETARG_INT32(ARG_K), 1, WIDGET_MAX_K);
}

/* An empty object of histories means what NULL means: that they are to be found. */
static void
read_relations(FunctionCallInfo fcinfo, WidgetArguments *arguments)
{
	if (!PG_ARGISNULL(ARG_SOURCES))
		arguments->sources = PG_GETARG_JSONB_P(ARG_SOURCES);
	if (!PG_ARGISNULL(ARG_HISTORIES))
	{
		arguments->histories = PG_GETARG_JSONB_P(ARG_HISTORIES);
		if (JB_ROOT_IS_OBJECT(arguments->histories) && JB_ROOT_COUNT(arguments->histories) == 0)
			arguments->histories = NULL;
	}
	if (!PG_ARGISNULL(ARG_CATALOG))
		arguments->catalog = PG_GETARG_OID(ARG_CATALOG);
	if (!PG_ARGISNULL(ARG_FALLBACK))
	{
		guard_list("fallback", PG_GETARG_ARRAYTYPE_P(ARG_FALLBACK));
		arguments->fallback = PG_GETARG_ARRAYTYPE_P(ARG_FALLBACK);
	}
}

/* ---------------------------------------------------------------- what must fit */

/* What looks at products has nothing to look at otherwise. */
static void
require_products(const WidgetDef *widget, const char *argument)
{
	if (!OidIsValid(widget->catalog->products))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs a table of products", argument),
				 errdetail("Catalog %s has none.", registry_name(widget->catalog->relation)),
				 errhint("Make the catalog with personalize.create_catalog(..., products => ...).")));
}

/* Caps by column: every one a whole number, every column one of the products. */
static void
require_caps(const WidgetDef *widget)
{
	JsonbIterator *iterator = JsonbIteratorInit(&widget->max_per->root);
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	require_products(widget, "max_per");
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		double		cap = 0;
		char	   *column;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		column = pnstrdup(key.val.string.val, key.val.string.len);
		if (value.type == jbvNumeric)
			cap = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value.val.numeric)));
		if (!(cap >= 1 && cap <= WIDGET_MAX_K) || cap != (int32) cap)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("max_per of \"%s\" must be a whole number between 1 and %d", column, WIDGET_MAX_K)));
		(void) setup_require_column("max_per", widget->catalog->products, column);
	}
}

/* Everything that a call would stumble over is met here, as calls do: a plan of the definition is made, and thrown away. */
static void
require_works(WidgetDef *widget)
{
	/* every call looks there for what is still in the shop */
	if (OidIsValid(widget->catalog->products))
		(void) setup_require_column("catalog", widget->catalog->products, widget->catalog->item);
	if (widget->filter != NULL)
		require_products(widget, "filter");
	if (widget->max_per != NULL)
		require_caps(widget);
	if (widget->max_per_category > 0)
	{
		require_products(widget, "max_per_category");
		if (widget->catalog->attribute[CATALOG_CATEGORY] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("max_per_category needs a category"),
					 errdetail("Catalog %s has none.", registry_name(widget->catalog->relation)),
					 errhint("Make the catalog with personalize.create_catalog(..., category => ...), or use max_per.")));
	}
	widget_check(widget);
}

/* Sources are opened, too, which calls put off until they need them. */
void
widget_check(WidgetDef *widget)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "check of a widget", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	WidgetPlan *plan = widget_plan_make(widget);

	for (int i = 0; i < widget->num_sources; i++)
		(void) widget_plan_opened(plan, &widget->source[i]);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---------------------------------------------------------------- create_widget */

/* The name is parsed as the server parses 'a.b'::regproc: folded to lower case unless quoted. */
static void
read_name(text *name, WidgetDef *widget)
{
	char	   *function;
	Oid			schema = QualifiedNameGetCreationNamespace(textToQualifiedNameList(name), &function);
	AclResult	allowed = compat_schema_aclcheck(schema, GetUserId(), ACL_CREATE);

	widget->schema = get_namespace_name(schema);
	widget->name = function;
	if (isAnyTempNamespace(schema))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("widget %s cannot be temporary", quote_identifier(function)),
				 errhint("Name a permanent schema, as in 'shop.%s'.", function)));
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_SCHEMA, widget->schema);
	/* one after the other, so that who comes second hears of the name, and not of a unique index of the server */
	LockDatabaseObject(NamespaceRelationId, schema, 0, ShareUpdateExclusiveLock);
	if (widget_name_is_taken(schema, function))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_FUNCTION),
				 errmsg("function %s already exists", widget_name(widget)),
				 errdetail("With another of its name, calls by named arguments would not say which is meant."),
				 errhint("Choose another name, change it with personalize.alter_widget(), or drop it first.")));
}

PG_FUNCTION_INFO_V1(personalize_create_widget);

Datum
personalize_create_widget(PG_FUNCTION_ARGS)
{
	WidgetDef	widget = {0};
	WidgetArguments arguments = {0};
	Oid			function;

	PreventCommandDuringRecovery("personalize.create_widget()");
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("sources", PG_ARGISNULL(ARG_SOURCES));
	guard_not_null("mix", PG_ARGISNULL(ARG_MIX));
	guard_not_null("diversity", PG_ARGISNULL(ARG_DIVERSITY));
	guard_not_null("shuffle", PG_ARGISNULL(ARG_SHUFFLE));
	guard_not_null("explore", PG_ARGISNULL(ARG_EXPLORE));
	guard_not_null("k", PG_ARGISNULL(ARG_K));
	read_name(PG_GETARG_TEXT_PP(ARG_NAME), &widget);
	read_settings(fcinfo, &widget);
	read_relations(fcinfo, &arguments);
	widget_resolve(&widget, &arguments);
	require_works(&widget);
	(void) widget_forget_stale(widget.schema, widget.name);
	widget.id = registry_next_id();
	function = widget_make_function(&widget, false);
	widget_add(&widget);
	widget_depend(&widget);
	CommandCounterIncrement();
	PG_RETURN_OID(function);
}

/* ---------------------------------------------------------------- alter_widget */

/* Against DROP FUNCTION and another alter_widget; both may have come first. */
static Oid
lock_widget(text *name)
{
	Oid			function = widget_require_function(name);

	if (!compat_owns_function(function, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION, get_func_name(function));
	LockDatabaseObject(ProcedureRelationId, function, 0, AccessExclusiveLock);
	if (widget_of_function(function) == 0)
		registry_fail_gone("widget", text_to_cstring(name));
	return function;
}

/* Back through the reader of arguments, so that both ways are one. */
static Jsonb *
json_of(const char *string)
{
	return string == NULL ? NULL : DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(string)));
}

/* What was told before, unless it is told anew. */
static void
keep_relations(const WidgetDef *old, FunctionCallInfo fcinfo, WidgetArguments *arguments)
{
	arguments->before = old;
	if (PG_ARGISNULL(ARG_SOURCES))
		arguments->sources = json_of(widget_sources_text(old));
	if (PG_ARGISNULL(ARG_HISTORIES))
	{
		arguments->histories = json_of(widget_histories_text(old));
		arguments->no_customers = arguments->histories == NULL;
	}
	if (PG_ARGISNULL(ARG_FALLBACK))
		arguments->fallback = widget_fallback_array(old);
	if (PG_ARGISNULL(ARG_CATALOG) && old->catalog != NULL)
		arguments->catalog = old->catalog->relation;
}

/* Another signature is another function, and its grants would be gone. */
static void
require_same_types(const WidgetDef *old, const WidgetDef *new)
{
	bool		customer = old->customer_type != new->customer_type;

	if (customer || old->catalog->item_type != new->catalog->item_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("alter_widget cannot change the type of %s of widget %s", customer ? "customers" : "items", widget_name(old)),
				 errdetail("It is %s, and would be %s.",
						   key_type_name(customer ? (old->customer_type ? old->customer_type : KEY_TEXT) : old->catalog->item_type),
						   key_type_name(customer ? (new->customer_type ? new->customer_type : KEY_TEXT) : new->catalog->item_type)),
				 errhint("Drop it with personalize.drop_widget() and create it again.")));
}

PG_FUNCTION_INFO_V1(personalize_alter_widget);

Datum
personalize_alter_widget(PG_FUNCTION_ARGS)
{
	WidgetDef  *old;
	WidgetDef	widget = {0};
	WidgetArguments arguments = {0};
	char	   *problem;
	Oid			function;

	PreventCommandDuringRecovery("personalize.alter_widget()");
	guard_not_null("widget", PG_ARGISNULL(ARG_NAME));
	function = lock_widget(PG_GETARG_TEXT_PP(ARG_NAME));
	old = widget_load(widget_id_in_function(function), &problem);
	widget = *old;
	widget.num_sources = widget.num_histories = widget.num_lost = 0;
	widget.customer_type = 0;
	read_settings(fcinfo, &widget);
	read_relations(fcinfo, &arguments);
	keep_relations(old, fcinfo, &arguments);
	widget_resolve(&widget, &arguments);
	if (problem == NULL)
		require_same_types(old, &widget);
	require_works(&widget);
	widget_make_function(&widget, true);
	widget_replace(&widget);
	widget_depend(&widget);
	CommandCounterIncrement();
	PG_RETURN_OID(function);
}

/* ---------------------------------------------------------------- drop_widget */

/* One whose function has gone behind our back is its schema's owner's to forget. */
static bool
drop_without_function(text *name)
{
	char	   *schema;
	char	   *function;
	Oid			schema_oid;

	DeconstructQualifiedName(widget_name_list(name), &schema, &function);
	schema_oid = schema != NULL ? get_namespace_oid(schema, true) : InvalidOid;
	return OidIsValid(schema_oid) && compat_owns_schema(schema_oid, GetUserId()) && widget_forget_stale(schema, function);
}

/* The event trigger forgets the widget, unless it is disabled. */
PG_FUNCTION_INFO_V1(personalize_drop_widget);

Datum
personalize_drop_widget(PG_FUNCTION_ARGS)
{
	Oid			function;
	int32		id;

	PreventCommandDuringRecovery("personalize.drop_widget()");
	if (drop_without_function(PG_GETARG_TEXT_PP(0)))
		PG_RETURN_VOID();
	function = lock_widget(PG_GETARG_TEXT_PP(0));
	id = widget_id_in_function(function);
	setup_execute("DROP FUNCTION %s", format_procedure_qualified(function));
	widget_forget(id);
	PG_RETURN_VOID();
}
