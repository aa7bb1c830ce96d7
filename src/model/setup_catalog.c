/*
 * setup_catalog.c
 *		create_catalog and drop_catalog.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "base/guards.h"
#include "model/change_log.h"
#include "model/setup.h"

enum
{
	ARG_NAME, ARG_PRODUCTS, ARG_ITEM, ARG_AVAILABLE, ARG_PRICE, ARG_CATEGORY, ARG_CREATED, ARG_GROUP,
	ARG_ITEM_TYPE, ARG_WATCH, ARG_REPLICA
};

/* ---------------------------------------------------------------- tables */

/* Attributes have the type that they have in the shop. */
static void
append_attribute(StringInfo columns, const CatalogDef *catalog, CatalogAttribute attribute)
{
	AttrNumber	number;
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (catalog->attribute[attribute] == NULL)
		return;
	number = get_attnum(catalog->products, catalog->attribute[attribute]);
	get_atttypetypmodcoll(catalog->products, number, &type, &typmod, &collation);
	appendStringInfo(columns, ", %s %s", catalog_attribute_names[attribute],
					 format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	if (OidIsValid(collation))
		appendStringInfo(columns, " COLLATE %s", generate_collation_name(collation));
}

void
setup_create_catalog(CatalogDef *catalog, const NewTable *table, const char *label)
{
	StringInfoData columns;
	const char *key = setup_key_column(catalog->item_type);

	initStringInfo(&columns);
	appendStringInfo(&columns, "item %s PRIMARY KEY, code pg_catalog.int4 NOT NULL UNIQUE", key);
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
		append_attribute(&columns, catalog, i);
	catalog->id = registry_next_id();
	catalog->relation = setup_create_table(table, label, columns.data, "fillfactor = 90");
	if (OidIsValid(catalog->products))
		catalog->log = setup_create_table(table, "log", psprintf("item %s, reason pg_catalog.text", key), SETUP_LOG_OPTIONS);
	registry_add_catalog(catalog);
}

/* One that somebody made by hand stays, even if nothing uses it. */
static bool
is_unused(const CatalogDef *catalog)
{
	ListCell   *cell;

	if (catalog == NULL || !catalog->implicit)
		return false;
	foreach(cell, registry_histories())
		if (((HistoryDef *) lfirst(cell))->catalog_id == catalog->id)
			return false;
	return true;
}

void
setup_drop_unused_catalog(int32 id)
{
	CatalogDef *catalog = registry_catalog_by_id(id);

	if (is_unused(catalog))
		setup_drop_table(catalog->relation);
}

/*
 * As the owner: who may drop a history, as the owner of its schema, need not own what is behind it.  The lock waits for a
 * create_history that shares the catalog, which is in use then.
 */
static void
drop_as_owner(const CatalogDef *catalog)
{
	OwnerScope	scope;

	LockRelationOid(catalog->relation, AccessExclusiveLock);
	if (!is_unused(catalog) || get_rel_relkind(catalog->relation) == '\0')
		return;
	registry_enter_owner(catalog->relation, &scope);
	setup_drop_table(catalog->relation);
	registry_leave_owner(&scope);
}

void
setup_drop_unused_catalogs(void)
{
	ListCell   *cell;

	foreach(cell, registry_catalogs())
		if (is_unused(lfirst(cell)))
			drop_as_owner(lfirst(cell));
}

/* ---------------------------------------------------------------- create_catalog */

/* What must be true of the type of an attribute, so that rules can use it. */
static void
require_attribute_type(const CatalogDef *catalog, CatalogAttribute attribute, Oid type)
{
	const char *column = catalog->attribute[attribute];

	if (attribute == CATALOG_PRICE)
		setup_require_number("price", catalog->products, column, type);
	else if (attribute == CATALOG_CREATED)
		setup_require_times("created", catalog->products, column, type);
	else if (attribute == CATALOG_AVAILABLE && getBaseType(type) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("available cannot be of type %s", format_type_be(type)),
				 errdetail("Column \"%s\" of %s must be boolean.", column, registry_name(catalog->products)),
				 errhint("A view can compute it, for example SELECT *, stock > 0 AS available FROM shop.products.")));
}

static char *
name_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(argument)));
}

/* What is not named is not kept: the catalog gets a column for each attribute that is. */
static void
read_products(FunctionCallInfo fcinfo, CatalogDef *catalog)
{
	catalog->products = PG_GETARG_OID(ARG_PRODUCTS);
	setup_require_source("products", catalog->products);
	guard_not_null("item", PG_ARGISNULL(ARG_ITEM));
	catalog->item = name_argument(fcinfo, ARG_ITEM);
	catalog->item_type = key_type(setup_require_column("item", catalog->products, catalog->item), "item");
	if (!PG_ARGISNULL(ARG_ITEM_TYPE) && key_type(PG_GETARG_OID(ARG_ITEM_TYPE), "item_type") != catalog->item_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("item_type is %s, but column \"%s\" of %s is of type %s",
						format_type_be(PG_GETARG_OID(ARG_ITEM_TYPE)), catalog->item,
						registry_name(catalog->products), key_type_name(catalog->item_type))));
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
	{
		catalog->attribute[i] = name_argument(fcinfo, ARG_AVAILABLE + i);
		if (catalog->attribute[i] != NULL)
			require_attribute_type(catalog, i, setup_require_column(catalog_attribute_names[i], catalog->products, catalog->attribute[i]));
	}
}

/* Without products the catalog only gives codes; an argument about products would be ignored, so it is refused. */
static void
read_no_products(FunctionCallInfo fcinfo, CatalogDef *catalog)
{
	if (PG_ARGISNULL(ARG_ITEM_TYPE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("either products or item_type must be given"),
				 errhint("Name the shop's table of products, or the type of its item keys.")));
	for (int i = ARG_ITEM; i <= ARG_WATCH; i++)
		if (i != ARG_ITEM_TYPE && !PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("columns and watch need products")));
	catalog->item_type = key_type(PG_GETARG_OID(ARG_ITEM_TYPE), "item_type");
}

PG_FUNCTION_INFO_V1(personalize_create_catalog);

Datum
personalize_create_catalog(PG_FUNCTION_ARGS)
{
	CatalogDef	catalog = {0};
	NewTable	table;

	PreventCommandDuringRecovery("personalize.create_catalog()");
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	if (PG_ARGISNULL(ARG_PRODUCTS))
		read_no_products(fcinfo, &catalog);
	else
		read_products(fcinfo, &catalog);
	setup_create_catalog(&catalog, &table, NULL);
	if (OidIsValid(catalog.products))
	{
		setup_watch(catalog.id, catalog.products, catalog.item, catalog.item_type,
					PG_ARGISNULL(ARG_WATCH) ? NULL : PG_GETARG_JSONB_P(ARG_WATCH),
					!PG_ARGISNULL(ARG_REPLICA) && PG_GETARG_BOOL(ARG_REPLICA));
		/* left to the first refresh: a history gives its items codes by popularity, which makes rows short */
		change_log_mark_all(catalog.log, "never filled");
	}
	setup_depend_catalog(&catalog);
	CommandCounterIncrement();
	PG_RETURN_OID(catalog.relation);
}

/* ---------------------------------------------------------------- drop_catalog */

/* All of them, also those of other roles, whom the caller has to ask. */
static char *
histories_of(int32 catalog_id)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, registry_histories())
	{
		HistoryDef *history = lfirst(cell);

		if (history->catalog_id == catalog_id)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(history->relation));
	}
	return names.len > 0 ? names.data : NULL;
}

PG_FUNCTION_INFO_V1(personalize_drop_catalog);

Datum
personalize_drop_catalog(PG_FUNCTION_ARGS)
{
	CatalogDef *catalog = registry_require_catalog(PG_GETARG_OID(0));
	char	   *users;

	PreventCommandDuringRecovery("personalize.drop_catalog()");
	registry_require_owner(catalog->relation);
	users = histories_of(catalog->id);
	if (users != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("catalog %s is in use", registry_name(catalog->relation)),
				 errdetail("Its codes are in %s.", users),
				 errhint("Drop these with personalize.drop_history() first.")));
	/* a restored catalog may have lost what makes log and triggers go with it */
	setup_depend_catalog(catalog);
	setup_unwatch(catalog->id);
	setup_drop_table(catalog->relation);
	PG_RETURN_VOID();
}
