/*
 * setup_depend.c
 *		Dependencies of what set-up makes.
 *
 * They make DROP TABLE of a source refuse, or take history and models with it, and DROP TABLE of a
 * history take its log and triggers.  Logs and pair tables are internal: alone, they cannot be dropped.  pg_dump does
 * not carry dependencies over, so each may have to be made again: every function here looks before it writes.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "parser/parse_func.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "model/activity_source.h"
#include "model/segment_setup.h"
#include "model/setup.h"

static bool
depends(const ObjectAddress *object, const ObjectAddress *on)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object->classId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object->objectId));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		/* a dependency on a column, which triggers have, is another one */
		found = depend->objsubid == 0 && depend->refclassid == on->classId &&
			depend->refobjid == on->objectId && depend->refobjsubid == 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Twice the same entry would do no harm but to those who read it. */
static void
depend(Oid class, Oid object, Oid on_class, Oid on, DependencyType type)
{
	ObjectAddress from;
	ObjectAddress to;

	ObjectAddressSet(from, class, object);
	ObjectAddressSet(to, on_class, on);
	if (!depends(&from, &to))
		recordDependencyOn(&from, &to, type);
}

/* A table that is gone, as after DROP ... with event triggers disabled, depends on nothing. */
static void
depend_relation(Oid relation, Oid on, DependencyType type)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(on)))
		depend(RelationRelationId, relation, RelationRelationId, on, type);
}

/* DROP EXTENSION refuses, or takes along tables that nothing would keep from then on. */
static void
depend_extension(Oid relation)
{
	Oid			extension = get_extension_oid("personalize", true);

	if (OidIsValid(extension) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)))
		depend(RelationRelationId, relation, ExtensionRelationId, extension, DEPENDENCY_NORMAL);
}

/* ---------------------------------------------------------------- functions */

/* The entry on the extension comes last and tells of all of them, as all are lost together. */
bool
setup_function_depends(Oid function)
{
	ObjectAddress from;
	ObjectAddress to;

	ObjectAddressSet(from, ProcedureRelationId, function);
	ObjectAddressSet(to, ExtensionRelationId, get_extension_oid("personalize", true));
	return depends(&from, &to);
}

void
setup_depend_function(Oid function, List *relations)
{
	Oid			extension = get_extension_oid("personalize", true);
	ListCell   *cell;

	foreach(cell, relations)
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(cell))))
			depend(ProcedureRelationId, function, RelationRelationId, lfirst_oid(cell), DEPENDENCY_NORMAL);
	if (OidIsValid(extension))
		depend(ProcedureRelationId, function, ExtensionRelationId, extension, DEPENDENCY_NORMAL);
}

/* ---------------------------------------------------------------- triggers */

static bool
trigger_is_of(HeapTuple tuple, TupleDesc desc, Oid function, const char *id)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
	bool		isnull;
	bytea	   *arguments;

	/* clones on partitions go with the trigger that they were made from */
	if (trigger->tgfoid != function || OidIsValid(trigger->tgparentid) || trigger->tgnargs < 1)
		return false;
	arguments = DatumGetByteaPP(heap_getattr(tuple, Anum_pg_trigger_tgargs, desc, &isnull));
	return !isnull && strcmp(VARDATA_ANY(arguments), id) == 0;
}

/* By their function and its argument: names of triggers can be changed. */
static void
depend_triggers_on(Oid relation, Oid function, const char *id, Oid owner)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (trigger_is_of(tuple, RelationGetDescr(rel), function, id))
			depend(TriggerRelationId, ((Form_pg_trigger) GETSTRUCT(tuple))->oid, RelationRelationId, owner, DEPENDENCY_AUTO);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* The triggers of a history or catalog, on all that it watches and their partitions, go when it goes. */
static void
depend_triggers(int32 id, Oid owner)
{
	List	   *name = list_make2(makeString("personalize"), makeString("log_changes"));
	Oid			function = LookupFuncName(name, 0, NULL, false);
	ListCell   *cell;

	foreach(cell, registry_watched(id))
	{
		Oid			watched = lfirst_oid(cell);
		ListCell   *part;

		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(watched)))
			continue;
		foreach(part, find_all_inheritors(watched, NoLock, NULL))
			depend_triggers_on(lfirst_oid(part), function, psprintf("%d", id), owner);
	}
}

/* ---------------------------------------------------------------- what there is */

void
setup_depend_catalog(const CatalogDef *catalog)
{
	depend_extension(catalog->relation);
	if (!OidIsValid(catalog->products))
		return;
	depend_relation(catalog->relation, catalog->products, DEPENDENCY_NORMAL);
	depend_relation(catalog->log, catalog->relation, DEPENDENCY_INTERNAL);
	depend_triggers(catalog->id, catalog->relation);
}

/* The model of a history that is gone has nothing to depend on; status tells about it. */
void
setup_depend_model(const ModelDef *model)
{
	HistoryDef *history = registry_history_by_id(model->history_id);
	HistoryDef *target = model->shape.directed ? registry_history_by_id(model->target_id) : NULL;

	depend_extension(model->relation);
	depend_relation(model->pairs, model->relation, DEPENDENCY_INTERNAL);
	if (history != NULL)
		depend_relation(model->relation, history->relation, DEPENDENCY_NORMAL);
	if (target != NULL)
		depend_relation(model->relation, target->relation, DEPENDENCY_NORMAL);
}

/* Its tables go with its face; the face goes with its histories and whatever it reads. */
void
setup_depend_follower(const FollowerDef *follower)
{
	HistoryDef *history = registry_history_by_id(follower->history_id);
	HistoryDef *target = follower->target_id ? registry_history_by_id(follower->target_id) : NULL;
	ListCell   *cell;

	depend_extension(follower->relation);
	foreach(cell, follower_tables(follower))
		if (lfirst_oid(cell) != follower->relation)
			depend_relation(lfirst_oid(cell), follower->relation, DEPENDENCY_INTERNAL);
	foreach(cell, follower_sources(follower))
		depend_relation(follower->relation, lfirst_oid(cell), DEPENDENCY_NORMAL);
	if (history != NULL)
		depend_relation(follower->relation, history->relation, DEPENDENCY_NORMAL);
	if (target != NULL)
		depend_relation(follower->relation, target->relation, DEPENDENCY_NORMAL);
	depend_triggers(follower->id, follower->relation);
}

/*
 * Its tables and its function go with the face; the face goes with its activity, and with the segments that its rule names.  The function may be
 * dropped alone, as pg_dump leaves out functions that are internal to something.
 */
void
setup_depend_segment(const SegmentDef *def)
{
	ActivityTableDef *activity = activity_table_by_id(def->activity_id);
	Oid			function = segment_function(def);
	ListCell   *cell;

	depend_extension(def->relation);
	foreach(cell, segment_tables_of(def))
		if (lfirst_oid(cell) != def->relation)
			depend_relation(lfirst_oid(cell), def->relation, DEPENDENCY_INTERNAL);
	if (activity != NULL)
		depend_relation(def->relation, activity->relation, DEPENDENCY_NORMAL);
	foreach(cell, def->uses)
		depend_relation(def->relation, lfirst_oid(cell), DEPENDENCY_NORMAL);
	/* not internal: pg_dump leaves such functions out */
	if (OidIsValid(function))
		depend(ProcedureRelationId, function, RelationRelationId, def->relation, DEPENDENCY_AUTO);
}

/* It goes with any of the relations that it reads, and segments go with it. */
void
setup_depend_activity(const ActivityTableDef *activity)
{
	ListCell   *cell;

	depend_extension(activity->relation);
	depend_relation(activity->log, activity->relation, DEPENDENCY_INTERNAL);
	foreach(cell, activity_relations(activity))
		depend_relation(activity->relation, lfirst_oid(cell), DEPENDENCY_NORMAL);
	depend_triggers(activity->id, activity->relation);
	foreach(cell, segments_of(activity->id))
		setup_depend_segment(lfirst(cell));
	CommandCounterIncrement();
}

void		(*setup_depend_hook) (int32 catalog_id) = NULL;

/* Before a drop, which is to be refused where something above still reads. */
void
setup_depend_above(int32 history_id)
{
	HistoryDef *history = registry_history_by_id(history_id);

	if (history != NULL && setup_depend_hook != NULL)
		setup_depend_hook(history->catalog_id);
}

void
setup_restore_dependencies(const HistoryDef *history)
{
	CatalogDef *catalog = registry_catalog_by_id(history->catalog_id);
	ListCell   *cell;

	depend_extension(history->relation);
	depend_relation(history->log, history->relation, DEPENDENCY_INTERNAL);
	depend_relation(history->relation, history->interactions, DEPENDENCY_NORMAL);
	depend_triggers(history->id, history->relation);
	if (catalog != NULL)
	{
		depend_relation(history->relation, catalog->relation, DEPENDENCY_NORMAL);
		setup_depend_catalog(catalog);
		if (setup_depend_hook != NULL)
			setup_depend_hook(catalog->id);
	}
	foreach(cell, registry_models_of(history->id))
		setup_depend_model((ModelDef *) lfirst(cell));
	foreach(cell, followers_of(history->id))
		setup_depend_follower(lfirst(cell));
	CommandCounterIncrement();
}
