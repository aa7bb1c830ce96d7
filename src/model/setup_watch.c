/*
 * setup_watch.c
 *		Which tables are watched for a history or catalog, and what gives the key of
 *		a changed row.
 *
 * A table is watched itself.  Behind a view stand tables, of which only the DBA can say how a changed row leads
 * to baskets: {"shop.order_lines": "order_id", "shop.orders": "id"}.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/varlena.h"

#include "model/change_log.h"
#include "model/setup.h"

/* One entry of the argument `watch`. */
typedef struct WatchItem
{
	char	   *table;
	char	   *key;			/* NULL: changes are not noticed, on purpose */
	Oid			relation;
} WatchItem;

/* ---------------------------------------------------------------- base tables of a view */

/* Tables, and what else holds rows, that the view's query reads, directly or through other views; of Oid. */
static List *
base_tables(Oid view)
{
	static const char query[] = "WITH RECURSIVE part(id) AS ("
		"SELECT $1 UNION SELECT d.refobjid FROM part AS p"
		" JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.id AND c.relkind OPERATOR(pg_catalog.=) 'v'"
		" JOIN pg_catalog.pg_rewrite AS r ON r.ev_class OPERATOR(pg_catalog.=) c.oid"
		" JOIN pg_catalog.pg_depend AS d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass"
		" AND d.objid OPERATOR(pg_catalog.=) r.oid AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass)"
		" SELECT c.oid FROM part AS p JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.id"
		" JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace"
		" WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m,f}'::pg_catalog.\"char\"[])"
		" ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = OIDOID;
	Datum		argument = ObjectIdGetDatum(view);
	List	   *tables = NIL;

	SPI_connect();
	if (SPI_execute_with_args(query, 1, &type, &argument, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not find the tables of a view");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			table = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext spi = MemoryContextSwitchTo(caller);

		tables = lappend_oid(tables, table);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return tables;
}

static char *
name_list(List *relations)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, relations)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(lfirst_oid(cell)));
	return names.len > 0 ? names.data : "no table";
}

/* ---------------------------------------------------------------- the argument */

/* For the hint: the table whose column most likely is the key. */
static char *
likely_table(List *tables, const char *column)
{
	ListCell   *cell;

	foreach(cell, tables)
		if (get_attnum(lfirst_oid(cell), column) > 0)
			return registry_name(lfirst_oid(cell));
	return tables == NIL ? "shop.orders" : registry_name(linitial_oid(tables));
}

static void pg_attribute_noreturn()
fail_without_watch(Oid view, const char *column)
{
	List	   *tables = base_tables(view);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("watch must name the tables behind the view %s", registry_name(view)),
			 errdetail("Its query reads %s.", name_list(tables)),
			 errhint("Name each with the column or expression that gives the key of its rows, for example watch => '{\"%s\": \"%s\"}'; null where changes need not be noticed.",
					 likely_table(tables, column), column)));
}

/* Keys and values in the order of the names, which is that of jsonb. */
static List *
parse_watch(Jsonb *watch)
{
	static const char query[] = "SELECT e.key, pg_catalog.jsonb_typeof(e.value), e.value OPERATOR(pg_catalog.#>>) '{}'::pg_catalog.text[]"
		" FROM pg_catalog.jsonb_each($1) AS e";
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = JSONBOID;
	Datum		argument = JsonbPGetDatum(watch);
	List	   *items = NIL;

	if (!JB_ROOT_IS_OBJECT(watch))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("watch must be a JSON object of table names and keys")));
	SPI_connect();
	if (SPI_execute_with_args(query, 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read watch");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		char	   *kind = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		char	   *key = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);
		MemoryContext spi = MemoryContextSwitchTo(caller);
		WatchItem  *item = palloc0(sizeof(WatchItem));

		if (strcmp(kind, "string") != 0 && strcmp(kind, "null") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the key of \"%s\" in watch must be a string or null, not %s", name, kind)));
		item->table = pstrdup(name);
		item->key = key == NULL ? NULL : pstrdup(key);
		items = lappend(items, item);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return items;
}

/* The table that an entry names, looked up as the caller would in a statement. */
static void
resolve_item(WatchItem *item)
{
	RangeVar   *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(item->table)));
	char		kind;

	item->relation = RangeVarGetRelid(range, AccessShareLock, false);
	kind = get_rel_relkind(item->relation);
	if (item->key != NULL && kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s cannot be watched: it is no table", registry_name(item->relation)),
				 errhint("Only tables have the triggers that notice changes; null in its place says that changes of it need not be noticed.")));
}

/* ---------------------------------------------------------------- keys */

/* So that an error in the expression says where it stands. */
static void
expression_context(void *arg)
{
	const WatchItem *item = arg;

	/* a place in a text that nobody wrote */
	if (geterrposition() > 0)
		errposition(0);
	errcontext("expression \"%s\" that watch gives for table %s", item->key, registry_name(item->relation));
}

/*
 * Exactly one value of one SELECT without any clause: text that closes our parenthesis and goes on with a statement of its
 * own has another form.  The line feed ends a comment.
 */
static bool
is_one_expression(const char *key)
{
	List	   *trees = pg_parse_query(psprintf("SELECT (%s\n)", key));
	SelectStmt *select;

	if (list_length(trees) != 1)
		return false;
	select = (SelectStmt *) ((RawStmt *) linitial(trees))->stmt;
	return IsA(select, SelectStmt) && select->op == SETOP_NONE && list_length(select->targetList) == 1 &&
		select->distinctClause == NIL && select->intoClause == NULL && select->fromClause == NIL &&
		select->whereClause == NULL && select->groupClause == NIL && select->havingClause == NULL &&
		select->windowClause == NIL && select->valuesLists == NIL && select->sortClause == NIL &&
		select->limitOffset == NULL && select->limitCount == NULL && select->lockingClause == NIL && select->withClause == NULL;
}

/* The type that the expression has over the columns of the table; also that of what a set-returning one returns. */
/* Parsed and analyzed, never run: what it gives is known only for rows that change. */
static Oid
expression_type(const WatchItem *item)
{
	SPIPlanPtr	plan;
	CachedPlanSource *source;
	Query	   *query;
	Oid			type;

	SPI_connect();
	plan = SPI_prepare(psprintf("SELECT (%s\n) FROM ONLY %s", item->key, registry_name(item->relation)), 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare an expression: %s", SPI_result_code_string(SPI_result));
	source = linitial(SPI_plan_get_plan_sources(plan));
	query = linitial_node(Query, source->query_list);
	if (query->hasAggs || query->hasWindowFuncs)
		ereport(ERROR,
				(errcode(ERRCODE_GROUPING_ERROR),
				 errmsg("a key must be computed from one row, without aggregates and window functions")));
	type = TupleDescAttr(source->resultDesc, 0)->atttypid;
	SPI_finish();
	return type;
}

/* Expressions see the system's own functions only, as in the trigger, whatever the search path is. */
static Oid
check_expression(WatchItem *item)
{
	ErrorContextCallback context = {error_context_stack, expression_context, item};
	int			nest_level = NewGUCNestLevel();
	Oid			type;

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	error_context_stack = &context;
	if (!is_one_expression(item->key))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a key must be the name of a column or one expression"),
				 errhint("Functions and tables outside pg_catalog need their schema.")));
	type = expression_type(item);
	error_context_stack = context.previous;
	AtEOXact_GUC(false, nest_level);
	return type;
}

/* A narrower number means a basket as well; a wider one might not fit, and the writer's statement would fail. */
static void
require_key_type(const WatchItem *item, Oid found, KeyType wanted)
{
	KeyType		type = key_type(found, psprintf("key of %s", registry_name(item->relation)));

	if (type == wanted || (key_is_number(type) && key_is_number(wanted) && type < wanted))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("the key of %s is of type %s, where keys are of type %s",
					registry_name(item->relation), key_type_name(type), key_type_name(wanted)),
			 errdetail("watch gives \"%s\" for it.", item->key),
			 errhint("Cast it, for example (%s)::%s.", item->key, key_type_name(wanted))));
}

/* An activity table may read the same table in several ways, and watches it once. */
static bool
is_watched(int32 id, const WatchItem *item)
{
	ListCell   *cell;

	foreach(cell, registry_watches(id))
	{
		WatchDef   *watch = lfirst(cell);

		if (watch->relation != item->relation)
			continue;
		if (strcmp(watch->key, item->key) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s is watched with the key \"%s\" already, and cannot be watched with \"%s\"", registry_name(item->relation),
							watch->key, item->key),
					 errdetail("A table is watched once, with one key."),
					 errhint("One expression can give several, as in unnest(ARRAY[%s, %s]).", watch->key, item->key)));
		return true;
	}
	return false;
}

/* What gives the key: a column by its plain name, everything else as an expression. */
static void
watch_item(int32 id, WatchItem *item, KeyType type, bool replica)
{
	bool		column = get_attnum(item->relation, item->key) > 0;
	AclResult	allowed = pg_class_aclcheck(item->relation, GetUserId(), ACL_TRIGGER);
	Oid			found;

	if (is_watched(id, item))
		return;
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_TABLE, registry_name(item->relation));
	found = column ? setup_require_column("a key in watch", item->relation, item->key) : check_expression(item);
	require_key_type(item, found, type);
	if (column)
		setup_warn_without_index(item->relation, item->key);
	registry_add_watch(id, item->relation, item->key, !column);
	change_log_watch(id, item->relation, replica);
}

/* ---------------------------------------------------------------- all of it */

/* Silence would be a history that goes stale; an error would forbid tables that never change. */
static void
warn_unwatched(Oid view, List *items)
{
	List	   *missing = base_tables(view);
	ListCell   *cell;

	foreach(cell, items)
		missing = list_delete_oid(missing, ((WatchItem *) lfirst(cell))->relation);
	if (missing != NIL)
		ereport(WARNING,
				(errmsg("changes of %s will not be noticed", name_list(missing)),
				 errdetail("The view %s reads it, and watch does not name it.", registry_name(view)),
				 errhint("Name it in watch, with null instead of a key if that is meant.")));
}

/* All entries are resolved by the caller's search path, as names in statements are. */
static void
watch_view(int32 id, Oid view, List *items, KeyType type, bool replica)
{
	List	   *tables = base_tables(view);
	ListCell   *cell;

	foreach(cell, items)
	{
		WatchItem  *item = lfirst(cell);

		resolve_item(item);
		if (!list_member_oid(tables, item->relation))
			ereport(WARNING,
					(errmsg("the view %s does not read %s, which watch names", registry_name(view), registry_name(item->relation)),
					 errdetail("Its query reads %s.", name_list(tables))));
		if (item->key != NULL)
			watch_item(id, item, type, replica);
	}
	warn_unwatched(view, items);
}

/* Nulls alone would be a history that nothing ever changes. */
static bool
names_a_key(List *items)
{
	ListCell   *cell;

	foreach(cell, items)
		if (((WatchItem *) lfirst(cell))->key != NULL)
			return true;
	return false;
}

/* A table needs nothing said: its own column is the key. */
void
setup_watch(int32 id, Oid relation, const char *column, KeyType type, Jsonb *watch, bool replica)
{
	List	   *items = watch == NULL ? NIL : parse_watch(watch);

	if (get_rel_relkind(relation) == RELKIND_VIEW)
	{
		if (!names_a_key(items))
			fail_without_watch(relation, column);
		watch_view(id, relation, items, type, replica);
	}
	else
	{
		WatchItem	self = {NULL, unconstify(char *, column), relation};

		if (watch != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("watch is for views, and %s is a table", registry_name(relation)),
					 errdetail("A table is watched itself, with its column %s.", quote_identifier(column))));
		watch_item(id, &self, type, replica);
	}
}
