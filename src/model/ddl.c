/*
 * ddl.c
 *		Event triggers that notice DDL on what models are made of.
 *
 * What a trigger on the shop's tables cannot see — partitions that come and go, columns, rules, policies, views — is
 * met here: new members of a family get triggers, and where rows may have changed the log says that everything may have.
 *
 * Nobody's DDL fails because of us.  So the work is done in a subtransaction, and what goes wrong becomes a warning; status then
 * shows what is missing.  Most commands are none of our business, and are found to be so without one.
 */
#include "base/compat.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/guarded.h"
#include "model/activity_source.h"
#include "model/change_log.h"
#include "model/change_log_watch.h"
#include "model/ddl.h"
#include "model/lineage.h"
#include "model/popularity.h"
#include "model/segment_setup.h"
#include "model/setup.h"

PG_FUNCTION_INFO_V1(personalize_ddl_end);
PG_FUNCTION_INFO_V1(personalize_sql_drop);

/* ---------------------------------------------------------------- guard */

typedef struct Follow
{
	DdlWork		work;
	Node	   *command;
} Follow;

static void
follow_command(void *arg)
{
	Follow	   *following = arg;

	following->work(following->command);
}

/* Only what is found to be ours comes here, so that others' commands pay for no subtransaction. */
void
ddl_guarded(DdlWork work, Node *command)
{
	Follow		following = {work, command};
	ErrorData  *error = guarded(follow_command, &following);

	if (error != NULL)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("personalize could not follow this command: %s", error->message),
				 errhint("See personalize.status and personalize.widgets for what is missing now.")));
}

/* ---------------------------------------------------------------- whom it concerns */

/* The log of this id, if there still is one of that id. */
static void
mark(int32 id, const char *reason)
{
	WatchOwner	owner;

	if (watch_owner(id, &owner))
		change_log_mark_all(owner.log, reason);
}

static void
mark_each(List *ids, const char *reason)
{
	ListCell   *id;

	foreach(id, ids)
		mark(lfirst_int(id), reason);
}

/* A command on a relation reaches what inherits from it, and changes what it is part of. */
static bool
same_family(Oid a, Oid b)
{
	return list_member_oid(lineage_ancestors(a), b) || list_member_oid(lineage_ancestors(b), a);
}

static List *
add_activities(List *ids, Oid relation)
{
	ListCell   *table;
	ListCell   *source;

	foreach(table, activity_tables())
		foreach(source, activity_relations(lfirst(table)))
			if (lineage_reads(lfirst_oid(source), relation))
				ids = list_append_unique_int(ids, ((ActivityTableDef *) lfirst(table))->id);
	return ids;
}

/* Views have no triggers and no partitions; their readers are found from the other end. */
static List *
add_readers(List *ids, Oid relation)
{
	ListCell   *cell;

	foreach(cell, registry_histories())
	{
		HistoryDef *history = lfirst(cell);

		if (lineage_reads(history->interactions, relation))
			ids = list_append_unique_int(ids, history->id);
	}
	foreach(cell, registry_catalogs())
	{
		CatalogDef *catalog = lfirst(cell);

		if (OidIsValid(catalog->products) && lineage_reads(catalog->products, relation))
			ids = list_append_unique_int(ids, catalog->id);
	}
	foreach(cell, popularity_models())
	{
		PopularityDef *popularity = lfirst(cell);

		if (OidIsValid(popularity->segments) && lineage_reads(popularity->segments, relation))
			ids = list_append_unique_int(ids, popularity->follower.id);
	}
	return add_activities(ids, relation);
}

/* Ids for which a relation is watched, as member of a family or as a view that is read. */
static List *
concerned(Oid relation)
{
	List	   *ids = NIL;
	ListCell   *cell;

	foreach(cell, watch_rows(0))
	{
		WatchDef   *watch = lfirst(cell);

		if (same_family(watch->relation, relation))
			ids = list_append_unique_int(ids, watch->id);
	}
	return get_rel_relkind(relation) == RELKIND_VIEW ? add_readers(ids, relation) : ids;
}

static bool
is_named(List *columns, const char *column)
{
	ListCell   *cell;

	foreach(cell, columns)
		if (strcmp(lfirst(cell), column) == 0)
			return true;
	return false;
}

/* Of one of the relations that a definition reads. */
static bool
definition_names(const WatchOwner *owner, Oid relation, const char *column)
{
	ListCell   *cell;

	foreach(cell, watch_sources(owner))
		if (same_family(lfirst_oid(cell), relation) && is_named(watch_columns(owner, lfirst_oid(cell)), column))
			return true;
	return owner->activity != NULL && same_family(owner->source, relation) && activity_rules_name(owner->activity, column);
}

/* Whether the definition of this id reads that column of a relation or its family. */
static bool
column_matters(int32 id, Oid relation, const char *column)
{
	WatchOwner	owner;
	ListCell   *cell;

	if (watch_owner(id, &owner) && definition_names(&owner, relation, column))
		return true;
	foreach(cell, watch_rows(id))
	{
		WatchDef   *watch = lfirst(cell);

		if (same_family(watch->relation, relation) && (watch->expression || strcmp(watch->key, column) == 0))
			return true;
	}
	return false;
}

/* Per id, as histories of one table may read different columns. */
static void
mark_column(List *ids, Oid relation, const char *column, const char *what)
{
	ListCell   *id;

	foreach(id, ids)
		if (column_matters(lfirst_int(id), relation, column))
			mark(lfirst_int(id), psprintf("%s: %s \"%s\"", registry_name(relation), what, column));
}

static void
mark_relation(List *ids, Oid relation, const char *what)
{
	if (ids != NIL)
		mark_each(ids, psprintf("%s: %s", registry_name(relation), what));
}

/* ---------------------------------------------------------------- members that come and go */

/* Before anything is written to it: the command's lock on the newcomer is still held. */
static void
family_joined(Oid parent, Oid child)
{
	List	   *ancestors = lineage_ancestors(parent);
	ListCell   *cell;

	foreach(cell, watch_rows(0))
	{
		WatchDef   *watch = lfirst(cell);

		if (list_member_oid(ancestors, watch->relation))
			watch_newcomer(watch, child);
	}
}

/* A former partition may still be watched on its own, or through another parent. */
static void
drop_former(const WatchDef *watch, Oid child)
{
	ListCell   *member;

	foreach(member, find_all_inheritors(child, NoLock, NULL))
		if (!list_member_oid(lineage_ancestors(lfirst_oid(member)), watch->relation))
			watch_drop_triggers(watch->id, lfirst_oid(member));
}

static void
family_left(Oid parent, Oid child)
{
	List	   *ancestors = lineage_ancestors(parent);
	ListCell   *cell;

	foreach(cell, watch_rows(0))
	{
		WatchDef   *watch = lfirst(cell);

		if (list_member_oid(ancestors, watch->relation))
			drop_former(watch, child);
	}
}

/* ---------------------------------------------------------------- ALTER TABLE */

/* By name, as the command did: its locks keep the name where it was.  InvalidOid after IF EXISTS. */
static Oid
find_relation(const RangeVar *name)
{
	return name == NULL ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
}

/* The other relation of ATTACH, DETACH, INHERIT and NO INHERIT. */
static Oid
other_relation(const AlterTableCmd *command)
{
	if (command->def == NULL)
		return InvalidOid;
	return find_relation(IsA(command->def, PartitionCmd) ? ((PartitionCmd *) command->def)->name : (RangeVar *) command->def);
}

/* The families of both ends are concerned, but only what is above can gain or lose rows. */
static void
alter_family(Oid relation, List *ids, const AlterTableCmd *command)
{
	Oid			other = other_relation(command);

	if (!OidIsValid(other))
		return;
	switch (command->subtype)
	{
		case AT_AttachPartition:
			family_joined(relation, other);
			mark_relation(ids, relation, psprintf("ATTACH PARTITION %s", registry_name(other)));
			break;
		case AT_AddInherit:
			family_joined(other, relation);
			mark_relation(concerned(other), other, psprintf("%s inherits", registry_name(relation)));
			break;
		case AT_DropInherit:
			family_left(other, relation);
			mark_relation(concerned(other), other, psprintf("%s does not inherit any more", registry_name(relation)));
			break;
		default:
			family_left(relation, other);
			mark_relation(ids, relation, psprintf("DETACH PARTITION %s", registry_name(other)));
			break;
	}
}

/* While a trigger did not fire, changes may have been missed; so both its end and its new start count. */
static bool
fires_our_trigger(Oid relation, const AlterTableCmd *command)
{
	Relation	opened = table_open(relation, NoLock);
	TriggerDesc *triggers = opened->trigdesc;
	bool		ours = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !ours; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		ours = (command->name == NULL || strcmp(command->name, trigger->tgname) == 0) && watch_trigger_is_ours(trigger, 0);
	}
	table_close(opened, NoLock);
	return ours;
}

/* A new column may take the name of one that is gone, and make a broken definition work again. */
static const char *
changed_column(const AlterTableCmd *command)
{
	return command->subtype == AT_AddColumn ? castNode(ColumnDef, command->def)->colname : command->name;
}

/* What may change the rows that are read, or whether changes are noticed.  Everything else is harmless. */
static void
alter_command(Oid relation, List *ids, const AlterTableCmd *command)
{
	AlterTableType type = command->subtype;
	bool		is_view = get_rel_relkind(relation) == RELKIND_VIEW;

	if (type == AT_AttachPartition || type == AT_DetachPartition || type == AT_DetachPartitionFinalize ||
		type == AT_AddInherit || type == AT_DropInherit)
		alter_family(relation, ids, command);
	else if (type == AT_AlterColumnType || type == AT_SetExpression || type == AT_AddColumn)
		mark_column(ids, relation, changed_column(command), "changed column");
	else if (type >= AT_EnableTrig && type <= AT_DisableTrigUser)
	{
		if (fires_our_trigger(relation, command))
			mark_relation(ids, relation, "ENABLE or DISABLE TRIGGER");
	}
	else if (type >= AT_EnableRule && type <= AT_DisableRule)
		mark_relation(ids, relation, "ENABLE or DISABLE RULE");
	else if (type == AT_EnableRowSecurity || type == AT_DisableRowSecurity ||
			 type == AT_ForceRowSecurity || type == AT_NoForceRowSecurity)
		mark_relation(ids, relation, "ROW LEVEL SECURITY");
	else if (is_view && (type == AT_SetRelOptions || type == AT_ResetRelOptions || type == AT_ChangeOwner))
		mark_relation(ids, relation, "ALTER VIEW");
}

static void
alter_table(const AlterTableStmt *command)
{
	Oid			relation = find_relation(command->relation);
	List	   *ids = OidIsValid(relation) ? concerned(relation) : NIL;
	ListCell   *cell;

	if (!OidIsValid(relation))
		return;
	foreach(cell, command->cmds)
		alter_command(relation, ids, castNode(AlterTableCmd, lfirst(cell)));
}

/* ---------------------------------------------------------------- other commands */

/* Texts name a segment, and a column of it. */
static void
rename_segment(const RangeVar *name)
{
	Oid			relation = find_relation(name);
	SegmentDef *def = OidIsValid(relation) ? segment_of_relation(relation) : NULL;

	if (def != NULL)
		segments_follow_name(def);
}

/* A column of a parent has been renamed in its children as well. */
static void
rename_column(const RenameStmt *command)
{
	Oid			relation = find_relation(command->relation);
	List	   *registered = watch_registered();
	ListCell   *member;

	if (!OidIsValid(relation))
		return;
	foreach(member, find_all_inheritors(relation, NoLock, NULL))
		if (list_member_oid(registered, lfirst_oid(member)))
		{
			registry_rename_column(lfirst_oid(member), command->subname, command->newname);
			segments_rename_column(lfirst_oid(member), command->subname, command->newname);
		}
	rename_segment(command->relation);
}

/* The command knows the name that the relation had. */
static void
rename_relation(const RenameStmt *command)
{
	RangeVar   *renamed = copyObject(command->relation);

	renamed->relname = command->newname;
	rename_segment(renamed);
}

static void
move_relation(const AlterObjectSchemaStmt *command)
{
	RangeVar   *moved = copyObject(command->relation);

	moved->schemaname = command->newschema;
	rename_segment(moved);
}

/* Functions of segments name their schema, and so do rules. */
static void
rename_schema(const char *name)
{
	Oid			schema = get_namespace_oid(name, true);
	ListCell   *cell;

	foreach(cell, segments_all())
	{
		SegmentDef *def = lfirst(cell);

		if (get_rel_namespace(def->relation) == schema)
			segments_follow_name(def);
	}
}

/* A new partition is empty; a foreign one need not be. */
static void
create_member(const CreateStmt *command)
{
	Oid			relation = find_relation(command->relation);
	ListCell   *cell;

	if (!OidIsValid(relation))
		return;
	foreach(cell, command->inhRelations)
	{
		Oid			parent = find_relation(castNode(RangeVar, lfirst(cell)));

		if (OidIsValid(parent))
			family_joined(parent, relation);
	}
	if (get_rel_relkind(relation) == RELKIND_FOREIGN_TABLE)
		mark_relation(concerned(relation), relation, "new foreign table");
}

/* Which rows a view or a policy lets through cannot be compared, so any change counts. */
static void
change_relation(const RangeVar *name, const char *what)
{
	Oid			relation = find_relation(name);

	if (OidIsValid(relation))
		mark_relation(concerned(relation), relation, what);
}

static void
follow(Node *command)
{
	switch (nodeTag(command))
	{
		case T_AlterTableStmt:
			alter_table((AlterTableStmt *) command);
			break;
		case T_RenameStmt:
			if (((RenameStmt *) command)->renameType == OBJECT_COLUMN)
				rename_column((RenameStmt *) command);
			else if (((RenameStmt *) command)->renameType == OBJECT_SCHEMA)
				rename_schema(((RenameStmt *) command)->newname);
			else
				rename_relation((RenameStmt *) command);
			break;
		case T_AlterObjectSchemaStmt:
			move_relation((AlterObjectSchemaStmt *) command);
			break;
		case T_CreateStmt:
			create_member((CreateStmt *) command);
			break;
		case T_CreateForeignTableStmt:
			create_member(&((CreateForeignTableStmt *) command)->base);
			break;
		case T_ViewStmt:
			change_relation(((ViewStmt *) command)->view, "CREATE OR REPLACE VIEW");
			break;
		case T_RuleStmt:
			change_relation(((RuleStmt *) command)->relation, "CREATE RULE");
			break;
		case T_CreatePolicyStmt:
			change_relation(((CreatePolicyStmt *) command)->table, "CREATE POLICY");
			break;
		case T_AlterPolicyStmt:
			change_relation(((AlterPolicyStmt *) command)->table, "ALTER POLICY");
			break;
		default:
			break;
	}
}

/* Looks at the command only, so that nearly all of them cost nothing. */
static bool
is_relevant(const Node *command)
{
	switch (nodeTag(command))
	{
		case T_CreateStmt:
			return ((const CreateStmt *) command)->inhRelations != NIL;
		case T_CreateForeignTableStmt:
			return ((const CreateForeignTableStmt *) command)->base.inhRelations != NIL;
		case T_RenameStmt:
			return ((const RenameStmt *) command)->renameType == OBJECT_COLUMN ||
				((const RenameStmt *) command)->renameType == OBJECT_TABLE ||
				((const RenameStmt *) command)->renameType == OBJECT_SCHEMA;
		case T_AlterObjectSchemaStmt:
			return ((const AlterObjectSchemaStmt *) command)->objectType == OBJECT_TABLE;
		case T_ViewStmt:
			return ((const ViewStmt *) command)->replace;
		case T_AlterTableStmt:
		case T_RuleStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
			return true;
		default:
			return false;
	}
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

Datum
personalize_ddl_end(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = guard_event_trigger(fcinfo);

	if (!watch_own_ddl() && event->parsetree != NULL && is_relevant(event->parsetree) && watch_registered() != NIL)
		ddl_guarded(follow, event->parsetree);
	PG_RETURN_NULL();
}

List *
ddl_read_event(const char *query, DdlRead read)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *all = NIL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read what the command did");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		CHECK_FOR_INTERRUPTS();
		all = lappend(all, read(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return all;
}

/* ---------------------------------------------------------------- what is dropped */

typedef struct Dropped
{
	Oid			relation;		/* itself, or that of a column */
	char	   *type;
	char	   *name;			/* of a trigger, column, policy or rule */
	char	   *table;			/* that it was on, for people */
	Oid			table_oid;		/* InvalidOid where it is gone, too */
} Dropped;

static const char *const dropped_query =
"SELECT objid, object_type, address_names[pg_catalog.cardinality(address_names)], address_names[1], address_names[2]"
" FROM pg_catalog.pg_event_trigger_dropped_objects()"
" WHERE object_type OPERATOR(pg_catalog.=) ANY ('{table,view,materialized view,foreign table,policy,rule,table column}'::pg_catalog.text[])"
" OR object_type OPERATOR(pg_catalog.=) 'trigger' AND pg_catalog.starts_with(address_names[3], 'personalize_')";

static char *
field(HeapTuple tuple, TupleDesc desc, int number)
{
	char	   *value = SPI_getvalue(tuple, desc, number);

	return value != NULL ? value : "";
}

/* A table that is gone cannot be found by its name, which is how the drop of a trigger alone is told. */
static void *
read_dropped(HeapTuple tuple, TupleDesc desc)
{
	Dropped    *dropped = palloc0(sizeof(Dropped));
	char	   *schema = field(tuple, desc, 4);
	char	   *table = field(tuple, desc, 5);
	Oid			schema_oid = get_namespace_oid(schema, true);
	bool		isnull;

	dropped->relation = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	dropped->type = field(tuple, desc, 2);
	dropped->name = field(tuple, desc, 3);
	dropped->table = quote_qualified_identifier(schema, table);
	dropped->table_oid = OidIsValid(schema_oid) ? get_relname_relid(table, schema_oid) : InvalidOid;
	return dropped;
}

static bool
is_relation(const Dropped *dropped)
{
	return strcmp(dropped->type, "table") == 0 || strcmp(dropped->type, "view") == 0 ||
		strcmp(dropped->type, "materialized view") == 0 || strcmp(dropped->type, "foreign table") == 0;
}

/*
 * Of a dropped partition nothing tells any more whose it was but the name of
 * its trigger.  One that was dropped by hand from a table that is still there counts just as well.
 */
static void
mark_dropped(const Dropped *dropped)
{
	int32		id;

	if (strcmp(dropped->type, "trigger") == 0)
	{
		id = watch_id_of_name(dropped->name);
		if (id > 0)
			mark(id, psprintf("%s: %s", dropped->table, OidIsValid(dropped->table_oid) ? "DROP TRIGGER" : "dropped"));
	}
	else if (!OidIsValid(dropped->table_oid))
		return;
	else if (strcmp(dropped->type, "policy") == 0 || strcmp(dropped->type, "rule") == 0)
		mark_relation(concerned(dropped->table_oid), dropped->table_oid, psprintf("%s \"%s\" dropped", dropped->type, dropped->name));
	else
		mark_column(concerned(dropped->table_oid), dropped->table_oid, dropped->name, "dropped column");
}

/* Four triggers of one dropped partition are one reason; they stand together. */
static bool
is_repeated(const Dropped *dropped, const Dropped *before)
{
	return before != NULL && strcmp(before->type, "trigger") == 0 && strcmp(dropped->type, "trigger") == 0 &&
		strcmp(before->table, dropped->table) == 0 && watch_id_of_name(before->name) == watch_id_of_name(dropped->name);
}

/* Whether any of it was registered. */
static bool
forget_dropped(const List *all)
{
	List	   *registered = watch_registered();
	bool		any = false;
	ListCell   *cell;

	foreach(cell, all)
	{
		const Dropped *dropped = lfirst(cell);

		if (!is_relation(dropped) || !list_member_oid(registered, dropped->relation))
			continue;
		registry_forget(dropped->relation);
		any = true;
	}
	CommandCounterIncrement();
	return any;
}

/* What create_history made for itself is not left in the way of the next one of that name. */
static void
drop_unused(Node *command)
{
	setup_drop_unused_catalogs();
}

/* First the registry forgets what is gone, so that nothing is marked for it. */
static void
follow_drop(Node *command)
{
	List	   *all = ddl_read_event(dropped_query, read_dropped);
	const Dropped *before = NULL;
	ListCell   *cell;

	/* a guard of its own: a catalog that cannot go, as somebody's view reads it, undoes nothing else */
	if (forget_dropped(all))
		ddl_guarded(drop_unused, command);
	foreach(cell, all)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_relation(lfirst(cell)) && !is_repeated(lfirst(cell), before))
			mark_dropped(lfirst(cell));
		before = lfirst(cell);
	}
}

/* Drops cannot be told by their command: CASCADE and DROP OWNED reach anything. */
Datum
personalize_sql_drop(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = guard_event_trigger(fcinfo);

	if (!watch_own_ddl() && watch_registered() != NIL)
		ddl_guarded(follow_drop, event->parsetree);
	PG_RETURN_NULL();
}
