/*
 * widget_rename.c
 *		Event triggers: a widget goes where its function goes.
 *
 * Names are what a dump carries, so the registry has the function by its name; and it follows where the function, or its schema, gets
 * another one.  Only the function that the registry means is followed: others may have the same body.
 */
#include "base/compat.h"

#include "catalog/namespace.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "model/ddl.h"
#include "serve/widget_setup.h"

PG_FUNCTION_INFO_V1(personalize_widget_ddl_end);
PG_FUNCTION_INFO_V1(personalize_widget_sql_drop);

/* What the server tells about a command, for the time of its event only, and only to SQL. */
typedef struct Told
{
	Oid			object;
	char	   *schema;
	char	   *name;
} Told;

static void *
read_told(HeapTuple tuple, TupleDesc desc)
{
	Told	   *told = palloc0(sizeof(Told));
	bool		isnull;

	told->object = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	told->schema = SPI_getvalue(tuple, desc, 2);
	told->name = SPI_getvalue(tuple, desc, 3);
	return told;
}

/* ---------------------------------------------------------------- renamed */

/* What the command was about; InvalidOid: no function. */
static Oid
altered_function(void)
{
	List	   *functions = ddl_read_event("SELECT objid, NULL, NULL FROM pg_catalog.pg_event_trigger_ddl_commands()"
										 " WHERE classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid", read_told);

	return functions == NIL ? InvalidOid : ((Told *) linitial(functions))->object;
}

/* The row of the widget whose function it is, but for its name; NULL: it is none's. */
static const WidgetDef *
row_of_function(Oid function)
{
	int32		id = widget_id_in_function(function);
	ListCell   *cell;

	foreach(cell, widget_rows_all())
		if (((WidgetDef *) lfirst(cell))->id == id && widget_has_function(lfirst(cell), function))
			return lfirst(cell);
	return NULL;
}

/* ALTER FUNCTION … RENAME: the schema is the same, and the command has the name that it had. */
static void
follow_name(Oid function, const ObjectWithArgs *old)
{
	const WidgetDef *widget = row_of_function(function);
	char	   *schema = get_namespace_name(get_func_namespace(function));

	if (widget != NULL && strcmp(widget->name, strVal(llast(old->objname))) == 0 && strcmp(widget->schema, schema) == 0)
		widget_rename(widget->id, schema, get_func_name(function));
}

/* ALTER FUNCTION … SET SCHEMA: the name is the same, and the function is not any more where the row says. */
static void
follow_schema(Oid function)
{
	const WidgetDef *widget = row_of_function(function);

	if (widget != NULL && strcmp(widget->name, get_func_name(function)) == 0 && !OidIsValid(widget_function(widget)))
		widget_rename(widget->id, get_namespace_name(get_func_namespace(function)), widget->name);
}

static void
follow_schema_name(const char *old, const char *new)
{
	ListCell   *cell;

	foreach(cell, widget_rows_all())
	{
		const WidgetDef *widget = lfirst(cell);

		if (strcmp(widget->schema, old) == 0)
			widget_rename(widget->id, new, widget->name);
	}
}

static void
follow(Node *command)
{
	if (IsA(command, RenameStmt) && ((RenameStmt *) command)->renameType == OBJECT_SCHEMA)
		follow_schema_name(((RenameStmt *) command)->subname, ((RenameStmt *) command)->newname);
	else if (IsA(command, RenameStmt))
		follow_name(altered_function(), castNode(ObjectWithArgs, ((RenameStmt *) command)->object));
	else
		follow_schema(altered_function());
}

static EventTriggerData *
guard_event_trigger(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function must be fired by an event trigger")));
	return (EventTriggerData *) fcinfo->context;
}

/* Looks at the command first, so that nearly all of them cost nothing. */
static bool
renames(const Node *command)
{
	if (command == NULL)
		return false;
	if (IsA(command, AlterObjectSchemaStmt))
		return true;
	if (!IsA(command, RenameStmt))
		return false;
	return ((const RenameStmt *) command)->renameType == OBJECT_SCHEMA ||
		((const RenameStmt *) command)->renameType == OBJECT_FUNCTION ||
		((const RenameStmt *) command)->renameType == OBJECT_ROUTINE;
}

Datum
personalize_widget_ddl_end(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = guard_event_trigger(fcinfo);

	if (renames(event->parsetree) && OidIsValid(widget_registry_relation()) && widget_rows_all() != NIL)
		ddl_guarded(follow, event->parsetree);
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------- dropped */

/* By name, as nothing else is left. */
static void
follow_drop(Node *command)
{
	ListCell   *cell;

	foreach(cell, ddl_read_event("SELECT objid, address_names[1], address_names[2] FROM pg_catalog.pg_event_trigger_dropped_objects()"
								 " WHERE object_type OPERATOR(pg_catalog.=) 'function'", read_told))
	{
		const Told *dropped = lfirst(cell);

		if (dropped->schema != NULL && dropped->name != NULL)
			(void) widget_forget_stale(dropped->schema, dropped->name);
	}
}

/* Drops cannot be told by their command: CASCADE and DROP OWNED reach anything. */
Datum
personalize_widget_sql_drop(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = guard_event_trigger(fcinfo);

	if (OidIsValid(widget_registry_relation()) && widget_rows_all() != NIL)
		ddl_guarded(follow_drop, event->parsetree);
	PG_RETURN_NULL();
}
