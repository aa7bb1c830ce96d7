/*
 * setup_content.c
 *		create_content and drop_content: similarity by attributes.
 *
 * A value of an attribute is a basket of the products that have it.  So what products have in common is a co-occurrence like any other: a
 * view gives (token, item), a history watches the product table, and a damped model counts rare values for more than frequent ones,
 * as inverse document frequencies do.  It is kept exact by the same refreshes.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/guards.h"
#include "model/content.h"
#include "model/setup.h"

enum
{
	ARG_NAME, ARG_PRODUCTS, ARG_ITEM, ARG_ATTRIBUTES, ARG_WORDS, ARG_NUMBERS, ARG_CATALOG, ARG_MAX_ITEMS, ARG_DAMPING, ARG_MEASURE,
	ARG_NEIGHBORS, ARG_BUILD
};

#define MAX_COLUMNS 100

/* Keys are indexed, and index entries are bounded; beyond so many characters values count as the same. */
#define MAX_VALUE_LENGTH 200

typedef struct Content
{
	NewTable	table;
	Oid			products;
	char	   *item;
	const char *alias;			/* of products, in the view and in the key of a changed row */
	StringInfoData branches;	/* the view's SELECTs */
	StringInfoData tokens;		/* of one row, as an array */
	int			num_columns;
	Oid			catalog;		/* InvalidOid: one of its own */
} Content;

/* ---------------------------------------------------------------- tokens */

/* 'brand=' as a literal: values of two columns are never the same. */
static char *
prefix(const char *column, const char *sign)
{
	return quote_literal_cstr(psprintf("%s%s", column, sign));
}

/* A SELECT of the view, and the same for one row; `from` gives `value` beside the product. */
static void
add_column(Content *content, const char *column, const char *sign, const char *value, const char *from)
{
	const char *products = registry_name(content->products);
	char	   *token = psprintf("(%s OPERATOR(pg_catalog.||) pg_catalog.\"left\"(%s, %d)) COLLATE pg_catalog.\"C\"",
								 prefix(column, sign), value, MAX_VALUE_LENGTH);

	appendStringInfo(&content->branches, "%s SELECT %s AS token, %s.%s AS item FROM %s AS %s%s WHERE %s IS NOT NULL AND %s.%s IS NOT NULL",
					 content->num_columns > 0 ? " UNION ALL" : "", token, content->alias, quote_identifier(content->item),
					 products, content->alias, from ? psprintf(" CROSS JOIN LATERAL %s", from) : "", value,
					 content->alias, quote_identifier(content->item));
	appendStringInfo(&content->tokens, "%sARRAY(SELECT %s%s WHERE %s IS NOT NULL)", content->num_columns > 0 ? " OPERATOR(pg_catalog.||) " : "",
					 token, from ? psprintf(" FROM %s", from) : "", value);
	content->num_columns++;
}

/* Each element of an array is a value, once. */
static void
add_attribute(Content *content, const char *column)
{
	Oid			type = getBaseType(setup_require_column("a column in attributes", content->products, column));
	char	   *field = psprintf("%s.%s", content->alias, quote_identifier(column));

	if (OidIsValid(get_element_type(type)))
		add_column(content, column, "=", "v.v",
				   psprintf("(SELECT DISTINCT e.e::pg_catalog.text COLLATE pg_catalog.\"C\" AS v FROM pg_catalog.unnest(%s) AS e(e)) AS v", field));
	else
		add_column(content, column, "=", psprintf("%s::pg_catalog.text", field), NULL);
}

/* What is shorter than two characters says nothing. */
static void
add_words(Content *content, const char *column)
{
	setup_require_column("a column in words", content->products, column);
	add_column(content, column, ":", "v.v",
			   psprintf("(SELECT DISTINCT e.e COLLATE pg_catalog.\"C\" AS v FROM pg_catalog.regexp_split_to_table("
						"pg_catalog.lower(%s.%s::pg_catalog.text), '[^[:alnum:]]+') AS e(e)"
						" WHERE pg_catalog.length(e.e) OPERATOR(pg_catalog.>=) 2) AS v",
						content->alias, quote_identifier(column)));
}

/* Half octaves: 100 to 141, 141 to 200, …; what is no positive number has none. */
static void
add_number(Content *content, const char *column)
{
	char	   *field = psprintf("%s.%s", content->alias, quote_identifier(column));

	setup_require_number("a column in numbers", content->products, column,
						 setup_require_column("a column in numbers", content->products, column));
	add_column(content, column, "~",
			   psprintf("(CASE WHEN %s::pg_catalog.float8 OPERATOR(pg_catalog.>) 0 AND %s::pg_catalog.float8 OPERATOR(pg_catalog.<) 'Infinity'"
						" THEN pg_catalog.floor(2 OPERATOR(pg_catalog.*) pg_catalog.log(%s::pg_catalog.float8) OPERATOR(pg_catalog./) pg_catalog.log(2::pg_catalog.float8)) END)"
						"::pg_catalog.text", field, field, field), NULL);
}

static void
add_columns(FunctionCallInfo fcinfo, int argument, const char *role, Content *content, void (*add) (Content *content, const char *column))
{
	ArrayType  *array;
	Datum	   *names;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(argument))
		return;
	array = PG_GETARG_ARRAYTYPE_P(argument);
	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		guard_not_null(role, nulls[i]);
		if (content->num_columns == MAX_COLUMNS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("content can have at most %d columns", MAX_COLUMNS)));
		add(content, NameStr(*DatumGetName(names[i])));
	}
}

/* ---------------------------------------------------------------- what is made */

/* The catalog that is bound to the same products, where there is exactly one that the caller owns. */
static Oid
catalog_of_products(const Content *content)
{
	CatalogDef *found = NULL;
	ListCell   *cell;

	foreach(cell, registry_catalogs())
	{
		CatalogDef *catalog = lfirst(cell);

		if (catalog->products != content->products || !compat_owns_relation(catalog->relation, GetUserId()))
			continue;
		if (found != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
					 errmsg("%s has several catalogs", registry_name(content->products)),
					 errdetail("Two of them are %s and %s.", registry_name(found->relation), registry_name(catalog->relation)),
					 errhint("Name one with catalog.")));
		found = catalog;
	}
	return found == NULL ? InvalidOid : found->relation;
}

static void
read_arguments(FunctionCallInfo fcinfo, Content *content)
{
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("products", PG_ARGISNULL(ARG_PRODUCTS));
	guard_not_null("item", PG_ARGISNULL(ARG_ITEM));
	guard_not_null("max_items", PG_ARGISNULL(ARG_MAX_ITEMS));
	guard_int_range("max_items", PG_GETARG_INT32(ARG_MAX_ITEMS), 2, PG_INT32_MAX);
	content->table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	content->products = PG_GETARG_OID(ARG_PRODUCTS);
	content->item = pstrdup(NameStr(*PG_GETARG_NAME(ARG_ITEM)));
	if (setup_require_source("products", content->products) == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("products cannot be a view: %s", registry_name(content->products)),
				 errdetail("Nothing says which rows of the view a change of its tables changes."),
				 errhint("Make a view of (%s, %s), a history with watch over it, and a damped co-occurrence model.", CONTENT_TOKEN, CONTENT_ITEM)));
	key_type(setup_require_column("item", content->products, content->item), "item");
	content->alias = pstrdup(quote_identifier(get_rel_name(content->products)));
	if (!PG_ARGISNULL(ARG_CATALOG))
		content->catalog = registry_require_catalog(PG_GETARG_OID(ARG_CATALOG))->relation;
}

/* A column given twice would count twice, which may be meant. */
static void
read_columns(FunctionCallInfo fcinfo, Content *content)
{
	initStringInfo(&content->branches);
	initStringInfo(&content->tokens);
	add_columns(fcinfo, ARG_ATTRIBUTES, "an element of attributes", content, add_attribute);
	add_columns(fcinfo, ARG_WORDS, "an element of words", content, add_words);
	add_columns(fcinfo, ARG_NUMBERS, "an element of numbers", content, add_number);
	if (content->num_columns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("none of attributes, words and numbers is given"),
				 errhint("The columns of %s are %s.", registry_name(content->products), setup_column_list(content->products))));
}

static char *
part_name(const Content *content, const char *label)
{
	return quote_qualified_identifier(content->table.schema, makeObjectName(content->table.name, NULL, label));
}

/*
 * A value that one product has alone is nothing in common; one of more than max_items says little of each, and would cost the square of them.  The
 * count is by token, so that conditions on the
 * token go below it.
 */
static void
create_view(FunctionCallInfo fcinfo, const Content *content)
{
	setup_execute("CREATE VIEW %s (%s, %s) AS SELECT t.token, t.item FROM (SELECT u.token, u.item,"
				  " pg_catalog.count(*) OVER (PARTITION BY u.token) AS n FROM (%s) AS u) AS t WHERE t.n OPERATOR(pg_catalog.>=) 2 AND t.n OPERATOR(pg_catalog.<=) %d",
				  part_name(content, "tokens"), CONTENT_TOKEN, CONTENT_ITEM, content->branches.data, PG_GETARG_INT32(ARG_MAX_ITEMS));
}

/* Filled with the model: a history alone is no use here. */
static void
create_history(const Content *content)
{
	const char *products = registry_name(content->products);

	setup_execute("SELECT personalize.create_history(%s, interactions => %s, basket => '%s', item => '%s', max_basket => NULL,"
				  " catalog => %s, watch => pg_catalog.jsonb_build_object(%s::pg_catalog.text, %s::pg_catalog.text), build => false)",
				  quote_literal_cstr(part_name(content, "baskets")), quote_literal_cstr(part_name(content, "tokens")), CONTENT_TOKEN, CONTENT_ITEM,
				  OidIsValid(content->catalog) ? quote_literal_cstr(registry_name(content->catalog)) : "NULL",
				  quote_literal_cstr(products), quote_literal_cstr(psprintf("pg_catalog.unnest(%s)", content->tokens.data)));
}

static Oid
create_model(FunctionCallInfo fcinfo, const Content *content)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, INT4OID, FLOAT8OID, BOOLOID};
	char		nulls[] = "      ";
	Datum		values[6];
	bool		isnull;
	Oid			relation;

	values[0] = CStringGetTextDatum(quote_qualified_identifier(content->table.schema, content->table.name));
	values[1] = CStringGetTextDatum(part_name(content, "baskets"));
	for (int i = 0; i < 4; i++)
	{
		static const int from[] = {ARG_MEASURE, ARG_NEIGHBORS, ARG_DAMPING, ARG_BUILD};

		values[2 + i] = fcinfo->args[from[i]].value;
		nulls[2 + i] = PG_ARGISNULL(from[i]) ? 'n' : ' ';
	}
	SPI_connect();
	SPI_execute_with_args("SELECT personalize.create_cooccurrence($1, $2::pg_catalog.regclass, measure => $3, neighbors => $4, damping => $5, build => $6)",
						  6, types, values, nulls, false, 1);
	relation = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return relation;
}

PG_FUNCTION_INFO_V1(personalize_create_content);

Datum
personalize_create_content(PG_FUNCTION_ARGS)
{
	Content		content = {{0}};

	PreventCommandDuringRecovery("personalize.create_content()");
	read_arguments(fcinfo, &content);
	read_columns(fcinfo, &content);
	if (!OidIsValid(content.catalog))
		content.catalog = catalog_of_products(&content);
	create_view(fcinfo, &content);
	create_history(&content);
	PG_RETURN_OID(create_model(fcinfo, &content));
}

/* ---------------------------------------------------------------- what there is */

bool
content_is_history(const HistoryDef *history)
{
	return get_rel_relkind(history->interactions) == RELKIND_VIEW &&
		strcmp(history->basket, CONTENT_TOKEN) == 0 && strcmp(history->item, CONTENT_ITEM) == 0;
}

/* NULL: it is no model of content. */
static HistoryDef *
content_history(const ModelDef *model)
{
	HistoryDef *history = model->target_id != 0 ? NULL : registry_history_by_id(model->history_id);

	return history != NULL && content_is_history(history) ? history : NULL;
}

bool
content_is_model(const ModelDef *model)
{
	return content_history(model) != NULL;
}

List *
content_models(int32 catalog_id)
{
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, registry_all_models())
	{
		ModelDef   *model = lfirst(cell);
		HistoryDef *history = content_history(model);

		if (history != NULL && history->catalog_id == catalog_id)
			found = lappend(found, model);
	}
	return found;
}

PG_FUNCTION_INFO_V1(personalize_drop_content);

Datum
personalize_drop_content(PG_FUNCTION_ARGS)
{
	ModelDef   *model = registry_require_model(PG_GETARG_OID(0));
	HistoryDef *history = content_history(model);

	PreventCommandDuringRecovery("personalize.drop_content()");
	registry_require_owner(model->relation);
	if (history == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is no model of content", registry_name(model->relation)),
				 errdetail("Its history is not over a view with the columns %s and %s.", CONTENT_TOKEN, CONTENT_ITEM),
				 errhint("Drop it with personalize.drop_model().")));
	/* by name, as these wait for a refresh before they take locks */
	setup_execute("SELECT personalize.drop_model(%u::pg_catalog.oid::pg_catalog.regclass)", model->relation);
	setup_execute("SELECT personalize.drop_history(%u::pg_catalog.oid::pg_catalog.regclass)", history->relation);
	setup_execute("DROP VIEW %s", registry_name(history->interactions));
	PG_RETURN_VOID();
}
