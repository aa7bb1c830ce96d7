/*
 * item_table_attributes.c
 *		Attributes of a catalog's items, from the shop's product table.
 *
 * Set statements, as this is upkeep of few rows; they run as the caller, with what the caller may read.  A product
 * that is gone keeps its code, as histories hold it: it is not available, and the rest of it is not known.
 */
#include "base/compat.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "model/change_log.h"
#include "model/item_table.h"
#include "model/source.h"

/* Keys in one statement: arrays of texts stay small, and joins of so many are hashed or looked up as the planner likes. */
#define BATCH_KEYS 10000

/* What makes a product's attribute, as the type that the catalog's column has. */
static char *
product_attribute(const CatalogDef *catalog, int attribute)
{
	AttrNumber	column = get_attnum(catalog->relation, catalog_attribute_names[attribute]);
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (column == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("catalog %s has no column \"%s\"", registry_name(catalog->relation), catalog_attribute_names[attribute]),
				 errhint("It was created with one, and needs it. Add it again.")));
	get_atttypetypmodcoll(catalog->relation, column, &type, &typmod, &collation);
	return psprintf("(p.%s)::%s", quote_identifier(catalog->attribute[attribute]),
					format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/* Whether an item without a product has false there, not NULL. */
static bool
is_false_without_product(const CatalogDef *catalog, int attribute)
{
	AttrNumber	column = get_attnum(catalog->relation, catalog_attribute_names[attribute]);

	return attribute == CATALOG_AVAILABLE && getBaseType(get_atttype(catalog->relation, column)) == BOOLOID;
}

/* A catalog may be bound for the sake of its items alone. */
static bool
has_attributes(const CatalogDef *catalog)
{
	for (int a = 0; a < CATALOG_NUM_ATTRIBUTES; a++)
		if (catalog->attribute[a] != NULL)
			return true;
	return false;
}

/* On either side of a comparison: the catalog's own column is plain. */
static char *
product_key(const CatalogDef *catalog)
{
	return source_key_expression(catalog->products, "p", catalog->item, catalog->item_type);
}

static Datum
key_array(KeyType type, Datum *keys, int n)
{
	Oid			oid = key_type_oid(type);
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(oid, &length, &by_value, &align);
	return PointerGetDatum(construct_array(keys, n, oid, length, by_value, align));
}

/* Each statement with a snapshot of its own, which is never older than that of the log that has been read. */
static uint64
run(const char *statement, int num_arguments, Oid *types, Datum *arguments, int expected)
{
	int			got = SPI_execute_with_args(statement, num_arguments, types, arguments, NULL, false, 0);

	if (got != expected)
		elog(ERROR, "statement \"%s\" returned %s", statement, SPI_result_code_string(got));
	return SPI_processed;
}

/* --- new items --- */

/* Where a key is there twice among the products, one of them will do: it must not fail. */
static char *
insert_statement(const CatalogDef *catalog)
{
	StringInfoData columns;
	StringInfoData values;

	initStringInfo(&columns);
	initStringInfo(&values);
	for (int a = 0; a < CATALOG_NUM_ATTRIBUTES; a++)
	{
		if (catalog->attribute[a] == NULL)
			continue;
		appendStringInfo(&columns, ", %s", quote_identifier(catalog_attribute_names[a]));
		if (is_false_without_product(catalog, a))
			appendStringInfo(&values, ", CASE WHEN p.%s IS NULL THEN false ELSE %s END",
							 quote_identifier(catalog->item), product_attribute(catalog, a));
		else
			appendStringInfo(&values, ", %s", product_attribute(catalog, a));
	}
	return psprintf("INSERT INTO %s (item, code%s) SELECT DISTINCT ON (n.code) n.item, n.code%s "
					"FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS n (item, code) "
					"LEFT JOIN %s AS p ON %s OPERATOR(pg_catalog.=) n.item ORDER BY n.code",
					registry_name(catalog->relation), columns.data, values.data,
					registry_name(catalog->products), product_key(catalog));
}

/* Codes were given in memory and locked by the caller, so they go in as they are. */
static void
insert_batch(const ItemTable *items, const char *statement, uint32 first, uint32 n)
{
	Oid			types[] = {get_array_type(key_type_oid(items->type)), INT4ARRAYOID};
	Datum	   *keys = palloc(n * sizeof(Datum));
	Datum	   *codes = palloc(n * sizeof(Datum));
	Datum		arguments[2];

	for (uint32 i = 0; i < n; i++)
	{
		keys[i] = item_table_key(items, first + i);
		codes[i] = Int32GetDatum((int32) (first + i));
	}
	arguments[0] = key_array(items->type, keys, n);
	arguments[1] = key_array(KEY_INT4, codes, n);
	run(statement, 2, types, arguments, SPI_OK_INSERT);
}

/* Attributes come with the row, because to add them later would write each row of a new catalog twice. */
void
item_table_write_with_attributes(const ItemTable *items)
{
	MemoryContext batch;
	char	   *statement;

	SPI_connect();
	statement = insert_statement(items->catalog);
	batch = AllocSetContextCreate(CurrentMemoryContext, "personalize new items", ALLOCSET_DEFAULT_SIZES);
	for (uint32 first = items->num_stored; first < items->keys.size; first += BATCH_KEYS)
	{
		MemoryContext caller = MemoryContextSwitchTo(batch);

		insert_batch(items, statement, first, Min(BATCH_KEYS, items->keys.size - first));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch);
	}
	SPI_finish();
}

/* --- upkeep --- */

/* What is to be looked at: all, or the keys of one array. */
typedef struct Scope
{
	bool		all;
	Oid			type;			/* of the array */
	Datum		keys;
} Scope;

static uint64
run_in_scope(const char *statement, Scope *scope, int expected)
{
	return run(statement, scope->all ? 0 : 1, &scope->type, &scope->keys, expected);
}

/* Byte for byte, because not every type has an equality. */
static char *
update_statement(const CatalogDef *catalog, const char *condition)
{
	StringInfoData set;
	StringInfoData old;
	StringInfoData new;

	initStringInfo(&set);
	initStringInfo(&old);
	initStringInfo(&new);
	for (int a = 0; a < CATALOG_NUM_ATTRIBUTES; a++)
	{
		const char *name = quote_identifier(catalog_attribute_names[a]);
		const char *comma = set.len > 0 ? ", " : "";

		if (catalog->attribute[a] == NULL)
			continue;
		appendStringInfo(&set, "%s%s = %s", comma, name, product_attribute(catalog, a));
		appendStringInfo(&old, "%sc.%s", comma, name);
		appendStringInfo(&new, "%s%s", comma, product_attribute(catalog, a));
	}
	return psprintf("UPDATE %s AS c SET %s FROM %s AS p WHERE %s OPERATOR(pg_catalog.=) c.item%s "
					"AND ROW(%s)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(%s)::pg_catalog.record",
					registry_name(catalog->relation), set.data, registry_name(catalog->products), product_key(catalog),
					condition, old.data, new.data);
}

/* Only where something is left to take away, so that nothing is written twice. */
static char *
vanish_statement(const CatalogDef *catalog, const char *condition)
{
	StringInfoData set;
	StringInfoData differs;

	initStringInfo(&set);
	initStringInfo(&differs);
	for (int a = 0; a < CATALOG_NUM_ATTRIBUTES; a++)
	{
		const char *name = quote_identifier(catalog_attribute_names[a]);
		const char *value = catalog->attribute[a] != NULL && is_false_without_product(catalog, a) ? "false" : "NULL";

		if (catalog->attribute[a] == NULL)
			continue;
		appendStringInfo(&set, "%s%s = %s", set.len > 0 ? ", " : "", name, value);
		appendStringInfo(&differs, "%sc.%s %s", differs.len > 0 ? " OR " : "", name,
						 value[0] == 'f' ? "IS DISTINCT FROM false" : "IS NOT NULL");
	}
	return psprintf("UPDATE %s AS c SET %s WHERE (%s)%s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s OPERATOR(pg_catalog.=) c.item)",
					registry_name(catalog->relation), set.data, differs.data, condition,
					registry_name(catalog->products), product_key(catalog));
}

/* Products that nobody has met yet get a code, so that they can be recommended for what they are. */
static int64
add_products(CatalogDef *catalog, Scope *scope)
{
	char	   *key = product_key(catalog);
	char	   *statement = psprintf("SELECT DISTINCT %s AS item FROM %s AS p WHERE p.%s IS NOT NULL%s "
									 "AND NOT EXISTS (SELECT FROM %s AS c WHERE %s OPERATOR(pg_catalog.=) c.item) ORDER BY 1",
									 key, registry_name(catalog->products), quote_identifier(catalog->item),
									 scope->all ? "" : psprintf(" AND %s OPERATOR(pg_catalog.=) ANY ($1)", key),
									 registry_name(catalog->relation), key);
	Portal		portal = SPI_cursor_open_with_args(NULL, statement, scope->all ? 0 : 1, &scope->type, &scope->keys, NULL, true, 0);
	MemoryContext context = NULL;
	ItemTable  *items = NULL;
	int64		num_new = 0;

	for (SPI_cursor_fetch(portal, true, BATCH_KEYS); SPI_processed > 0; SPI_cursor_fetch(portal, true, BATCH_KEYS))
	{
		if (items == NULL)
		{
			context = AllocSetContextCreate(CurrentMemoryContext, "personalize catalog", ALLOCSET_DEFAULT_SIZES);
			items = item_table_load(context, catalog);
		}
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;

			item_table_code(items, SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	if (items == NULL)
		return 0;
	num_new = items->keys.size - items->num_stored;
	item_table_store(items);
	MemoryContextDelete(context);
	return num_new;
}

static int64
refresh_scope(CatalogDef *catalog, Scope *scope)
{
	const char *condition = scope->all ? "" : " AND c.item OPERATOR(pg_catalog.=) ANY ($1)";
	int64		written = 0;

	if (has_attributes(catalog))
	{
		written += run_in_scope(update_statement(catalog, condition), scope, SPI_OK_UPDATE);
		written += run_in_scope(vanish_statement(catalog, condition), scope, SPI_OK_UPDATE);
	}
	/* last, as these come with their attributes */
	return written + add_products(catalog, scope);
}

/* In batches: their arrays, and what the statements make of them, are bounded by that. */
static int64
refresh_keys(CatalogDef *catalog, const Keyset *keys)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "personalize changed items", ALLOCSET_DEFAULT_SIZES);
	Scope		scope = {false, get_array_type(key_type_oid(catalog->item_type))};
	int64		written = 0;

	for (uint32 first = 0; first < keys->size; first += BATCH_KEYS)
	{
		uint32		n = Min(BATCH_KEYS, keys->size - first);
		MemoryContext caller = MemoryContextSwitchTo(batch);
		Datum	   *key = palloc(n * sizeof(Datum));

		for (uint32 i = 0; i < n; i++)
			key[i] = key_datum(keys, catalog->item_type, first + i, catalog->item_type);
		scope.keys = key_array(catalog->item_type, key, n);
		written += refresh_scope(catalog, &scope);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch);
	}
	return written;
}

/*
 * With a snapshot of its own, taken once the catalog is locked: another refresh may just have consumed the
 * same log.
 */
int64
item_table_refresh_attributes(CatalogDef *catalog, bool all)
{
	ServerEnv	server;
	LogContents changes = {0};
	Scope		everything = {true};
	int64		written;

	if (!OidIsValid(catalog->products))
		return 0;
	LockDatabaseObject(RelationRelationId, catalog->relation, 0, ExclusiveLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	server_env_init(&server, CurrentMemoryContext);
	change_log_read(&server.env, catalog->log, catalog->item_type, GetActiveSnapshot(), true, &changes);
	written = all || changes.all ? refresh_scope(catalog, &everything) : refresh_keys(catalog, &changes.keys);
	SPI_finish();
	PopActiveSnapshot();
	registry_catalog_refreshed(catalog);
	return written;
}
