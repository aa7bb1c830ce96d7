/*
 * setup.c
 *		New tables, and checks of the shop's relations, shared by the setup functions.
 */
#include "base/compat.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "model/change_log.h"
#include "model/setup.h"

/* ---------------------------------------------------------------- new tables */

/* Before anything is made, as the error of CREATE TABLE would not say whose name it is. */
static void
require_free_name(Oid schema, const char *name)
{
	if (OidIsValid(get_relname_relid(name, schema)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation %s already exists",
						quote_qualified_identifier(get_namespace_name(schema), name)),
				 errhint("Choose another name, or drop it first.")));
}

/* The name is parsed as the server parses 'a.b'::regclass: folded to lower case unless quoted. */
NewTable
setup_new_table(text *name)
{
	RangeVar   *range = makeRangeVarFromNameList(textToQualifiedNameList(name));
	Oid			schema = RangeVarGetCreationNamespace(range);
	AclResult	allowed = compat_schema_aclcheck(schema, GetUserId(), ACL_CREATE);
	NewTable	table;

	table.schema = get_namespace_name(schema);
	table.name = range->relname;
	if (isAnyTempNamespace(schema))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("%s cannot be a temporary table", quote_identifier(table.name)),
				 errdetail("Writers in other sessions could not log their changes."),
				 errhint("Name a permanent schema, as in 'shop.%s'.", table.name)));
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_SCHEMA, table.schema);
	require_free_name(schema, table.name);
	return table;
}

/* As the current user and through the ordinary statements: no privilege is looked at here that the server would not. */
void
setup_execute(const char *format,...)
{
	StringInfoData command;
	int			code;

	initStringInfo(&command);
	for (;;)
	{
		va_list		arguments;
		int			needed;

		va_start(arguments, format);
		needed = appendStringInfoVA(&command, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&command, needed);
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	code = SPI_execute(command.data, false, 0);
	if (code < 0)
		elog(ERROR, "\"%s\" failed: %s", command.data, SPI_result_code_string(code));
	SPI_finish();
	pfree(command.data);
}

/* heap, whatever default_table_access_method says: rows are read and written as heap tuples. */
Oid
setup_create_table(const NewTable *table, const char *label, const char *columns, const char *options)
{
	char	   *name = label == NULL ? table->name : makeObjectName(table->name, NULL, label);
	Oid			schema = get_namespace_oid(table->schema, false);

	require_free_name(schema, name);
	setup_execute("CREATE TABLE %s (%s) USING heap WITH (%s)",
				  quote_qualified_identifier(table->schema, name), columns, options);
	return get_relname_relid(name, schema);
}

/* Types with their schema, as the search path is the caller's. */
const char *
setup_key_column(KeyType type)
{
	if (type == KEY_TEXT)
		return "pg_catalog.text COLLATE pg_catalog.\"C\"";
	return format_type_be_qualified(key_type_oid(type));
}

/* Without CASCADE: what others have built upon the table is theirs to drop. */
void
setup_drop_table(Oid relation)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)))
		setup_execute("DROP TABLE %s", registry_name(relation));
	/* the event trigger has done so already, unless it is disabled */
	registry_forget(relation);
}

void
setup_unwatch(int32 id)
{
	ListCell   *cell;

	foreach(cell, registry_watched(id))
		change_log_unwatch(id, lfirst_oid(cell));
}

/* ---------------------------------------------------------------- the shop's relations */

static void pg_attribute_noreturn()
fail_kind(const char *role, Oid relation, const char *kind, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s cannot be %s: %s", role, kind, registry_name(relation)),
			 errdetail("Changes of it cannot be noticed."),
			 errhint("%s", hint)));
}

/* What has no triggers cannot be watched, and a history that goes stale silently is worse than none. */
static void
require_kind(const char *role, Oid relation, char kind)
{
	switch (kind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
			return;
		case RELKIND_MATVIEW:
			fail_kind(role, relation, "a materialized view",
					  "Name a view with the same query, and the tables to watch.");
		case RELKIND_FOREIGN_TABLE:
			fail_kind(role, relation, "a foreign table",
					  "Copy it into a table, or make the history in the database that holds the data.");
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("%s must be a table or a view: %s", role, registry_name(relation))));
	}
}

/* The lock keeps the relation from being dropped before the dependency on it is there. */
char
setup_require_source(const char *role, Oid relation)
{
	char	   *name = registry_name(relation);
	char		kind;
	Oid			user = GetUserId();

	LockRelationOid(relation, AccessShareLock);
	kind = get_rel_relkind(relation);
	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s does not exist: %s", role, name)));
	require_kind(role, relation, kind);
	if (get_rel_persistence(relation) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("%s cannot be temporary: %s", role, quote_identifier(get_rel_name(relation)))));
	/* single columns are looked at when they are named */
	if (pg_class_aclcheck(relation, user, ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relation, user, ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, registry_name(relation));
	return kind;
}

/* For hints: most wrong columns are misspelled ones. */
char *
setup_column_list(Oid relation)
{
	Relation	rel = relation_open(relation, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 quote_identifier(NameStr(TupleDescAttr(desc, i)->attname)));
	relation_close(rel, NoLock);
	return list.data;
}

Oid
setup_require_column(const char *role, Oid relation, const char *column)
{
	AttrNumber	number = get_attnum(relation, column);
	Oid			user = GetUserId();

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of %s does not exist", column, registry_name(relation)),
				 errdetail("It was given as %s.", role),
				 errhint("Its columns are %s.", setup_column_list(relation))));
	if (pg_class_aclcheck(relation, user, ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(relation, number, user, ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error_col(ACLCHECK_NO_PRIV, OBJECT_COLUMN, registry_name(relation), column);
	return get_atttype(relation, number);
}

/* The role first, because it is what the caller wrote; the column only follows from it. */
static void pg_attribute_noreturn()
fail_type(const char *role, Oid relation, const char *column, Oid type, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s cannot be of type %s", role, format_type_be(type)),
			 errdetail("Column \"%s\" of %s must be %s.", column, registry_name(relation), wanted)));
}

/* Domains are looked through, as everywhere. */
void
setup_require_times(const char *role, Oid relation, const char *column, Oid type)
{
	Oid			base = getBaseType(type);

	if (base != TIMESTAMPTZOID && base != TIMESTAMPOID && base != DATEOID)
		fail_type(role, relation, column, type, "timestamp with time zone, timestamp or date");
}

void
setup_require_number(const char *role, Oid relation, const char *column, Oid type)
{
	Oid			base = getBaseType(type);

	if (base != INT2OID && base != INT4OID && base != INT8OID &&
		base != NUMERICOID && base != FLOAT4OID && base != FLOAT8OID)
		fail_type(role, relation, column, type, "smallint, integer, bigint, numeric, real or double precision");
}

/* ---------------------------------------------------------------- indexes */

/* A partial index may leave rows out, and one that is being built may not know them yet. */
static bool
index_leads_with(Oid index, AttrNumber number)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		leads = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		leads = form->indisvalid && form->indkey.values[0] == number && heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		ReleaseSysCache(tuple);
	}
	return leads;
}

static bool
has_index(Oid relation, const char *column)
{
	AttrNumber	number = get_attnum(relation, column);
	Relation	rel = table_open(relation, AccessShareLock);
	List	   *indexes = RelationGetIndexList(rel);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, indexes)
		found |= index_leads_with(lfirst_oid(cell), number);
	list_free(indexes);
	table_close(rel, NoLock);
	return found;
}

/* A partitioned table may have the index on the whole, or on each partition. */
static bool
has_index_everywhere(Oid relation, const char *column)
{
	List	   *children;
	ListCell   *cell;

	if (has_index(relation, column))
		return true;
	if (get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE)
		return false;
	children = find_inheritance_children(relation, AccessShareLock);
	foreach(cell, children)
		if (!has_index_everywhere(lfirst_oid(cell), column))
			return false;
	return children != NIL;
}

/* A warning, no error: on a small table it does not matter, and an index may follow. */
void
setup_warn_without_index(Oid relation, const char *column)
{
	if (has_index_everywhere(relation, column))
		return;
	ereport(WARNING,
			(errmsg("no index leads with column %s of %s", quote_identifier(column), registry_name(relation)),
			 errdetail("A refresh reads the whole table to find the rows of changed baskets."),
			 errhint("CREATE INDEX ON %s (%s);", registry_name(relation), quote_identifier(column))));
}
