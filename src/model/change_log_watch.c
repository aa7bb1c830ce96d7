/*
 * change_log_watch.c
 *		The triggers that feed a change log.
 *
 * Statement triggers fire for the relation that a statement names.  So each partition, at every level, has its own
 * ones for what is written to it directly.  A trigger is known by its function and its argument; its name may be changed.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "model/change_log.h"
#include "model/change_log_target.h"
#include "model/change_log_watch.h"

typedef enum LogTrigger
{
	ON_INSERT,
	ON_UPDATE,
	ON_DELETE,
	ON_TRUNCATE,
	ON_REPLICA
} LogTrigger;

#define NUM_LOG_TRIGGERS (ON_REPLICA + 1)

static const struct
{
	const char *suffix;
	const char *event;
	const char *rows;
	const char *level;
}			log_triggers[NUM_LOG_TRIGGERS] = {
	[ON_INSERT] = {"insert", "INSERT", "REFERENCING NEW TABLE AS " WATCH_NEW_TABLE, "STATEMENT"},
	[ON_UPDATE] = {"update", "UPDATE", "REFERENCING OLD TABLE AS " WATCH_OLD_TABLE " NEW TABLE AS " WATCH_NEW_TABLE, "STATEMENT"},
	[ON_DELETE] = {"delete", "DELETE", "REFERENCING OLD TABLE AS " WATCH_OLD_TABLE, "STATEMENT"},
	[ON_TRUNCATE] = {"truncate", "TRUNCATE", "", "STATEMENT"},
	[ON_REPLICA] = {"replica", "INSERT OR UPDATE OR DELETE", "", "ROW"},
};

/* What a relation has of these. */
typedef struct FoundTriggers
{
	Oid			oid[NUM_LOG_TRIGGERS];	/* InvalidOid: none */
	char		enabled[NUM_LOG_TRIGGERS];
} FoundTriggers;

static bool own_ddl = false;

bool
watch_own_ddl(void)
{
	return own_ddl;
}

/* ---------------------------------------------------------------- finding */

/* InvalidOid while the extension is being dropped. */
static Oid
log_function(void)
{
	return LookupFuncName(list_make2(makeString("personalize"), makeString("log_changes")), 0, NULL, true);
}

static bool
is_ours(const Trigger *trigger, Oid function, int32 id)
{
	return trigger->tgfoid == function && trigger->tgnargs == 1 && (id == 0 || strtol(trigger->tgargs[0], NULL, 10) == id);
}

bool
watch_trigger_is_ours(const Trigger *trigger, int32 id)
{
	return is_ours(trigger, log_function(), id);
}

/* By what it fires for, as its name may have been changed. */
static LogTrigger
kind_of(const Trigger *trigger)
{
	if (TRIGGER_FOR_ROW(trigger->tgtype))
		return ON_REPLICA;
	return TRIGGER_FOR_INSERT(trigger->tgtype) ? ON_INSERT : TRIGGER_FOR_UPDATE(trigger->tgtype) ? ON_UPDATE :
		TRIGGER_FOR_DELETE(trigger->tgtype) ? ON_DELETE : ON_TRUNCATE;
}

/* None where the relation is gone. */
static void
find_triggers(Oid relation, int32 id, FoundTriggers *found)
{
	Oid			function = log_function();
	Relation	opened = try_relation_open(relation, AccessShareLock);
	TriggerDesc *triggers = opened == NULL ? NULL : opened->trigdesc;

	memset(found, 0, sizeof(*found));
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!is_ours(trigger, function, id))
			continue;
		found->oid[kind_of(trigger)] = trigger->tgoid;
		found->enabled[kind_of(trigger)] = trigger->tgenabled;
	}
	if (opened != NULL)
		relation_close(opened, AccessShareLock);
}

/* A TRUNCATE trigger that always fires is also the sign that replica triggers are wanted for what joins the family. */
static bool
wants_replica(const FoundTriggers *found)
{
	return found->enabled[ON_TRUNCATE] == TRIGGER_FIRES_ALWAYS;
}

/* A statement trigger set to ENABLE REPLICA is as good as disabled, and the other way round. */
static bool
fires(LogTrigger kind, char enabled)
{
	return enabled == TRIGGER_FIRES_ALWAYS || enabled == (kind == ON_REPLICA ? TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN);
}

char *
watch_trigger_problem(int32 id, Oid relation)
{
	FoundTriggers found;

	find_triggers(relation, id, &found);
	for (LogTrigger kind = ON_INSERT; kind <= ON_REPLICA; kind++)
	{
		if (!OidIsValid(found.oid[kind]) && kind != ON_REPLICA)
			return psprintf("%s of %s is not noticed: a trigger is missing", log_triggers[kind].event,
							registry_name(relation));
		if (OidIsValid(found.oid[kind]) && !fires(kind, found.enabled[kind]))
			return psprintf("%s of %s is not noticed: a trigger is disabled", log_triggers[kind].event,
							registry_name(relation));
	}
	return NULL;
}

/* ---------------------------------------------------------------- making */

/* Our own commands set off our event triggers, which must not take them for somebody's meddling. */
static void
execute_ddl(const char *command)
{
	bool		outer = own_ddl;

	own_ddl = true;
	PG_TRY();
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute \"%s\"", command);
		SPI_finish();
	}
	PG_FINALLY();
	{
		own_ddl = outer;
	}
	PG_END_TRY();
}

static char *
trigger_name(int32 id, LogTrigger kind)
{
	return psprintf("personalize_%d_%s", id, log_triggers[kind].suffix);
}

/* As SQL, so that privileges are checked as for any trigger. */
static void
create_trigger(int32 id, Oid relation, LogTrigger kind)
{
	execute_ddl(psprintf("CREATE TRIGGER %s AFTER %s ON %s %s FOR EACH %s EXECUTE FUNCTION personalize.log_changes('%d')",
						 trigger_name(id, kind), log_triggers[kind].event, registry_name(relation),
						 log_triggers[kind].rows, log_triggers[kind].level, id));
}

/* The server asks for ownership of the table here: what runs in an apply worker runs as somebody powerful. */
static void
set_firing(int32 id, Oid relation, LogTrigger kind, const char *when)
{
	execute_ddl(psprintf("ALTER TABLE ONLY %s ENABLE %s TRIGGER %s", registry_name(relation), when, trigger_name(id, kind)));
}

/* Rows are always those of a leaf, so a partitioned table needs no row trigger, and its would only be copied to the leaves. */
static void
create_missing(int32 id, Oid relation, bool replica)
{
	FoundTriggers found;

	find_triggers(relation, id, &found);
	for (LogTrigger kind = ON_INSERT; kind <= ON_TRUNCATE; kind++)
		if (!OidIsValid(found.oid[kind]))
			create_trigger(id, relation, kind);
	if (!replica)
		return;
	if (!wants_replica(&found))
		set_firing(id, relation, ON_TRUNCATE, "ALWAYS");
	if (!OidIsValid(found.oid[ON_REPLICA]) && get_rel_relkind(relation) == RELKIND_RELATION)
	{
		create_trigger(id, relation, ON_REPLICA);
		set_firing(id, relation, ON_REPLICA, "REPLICA");
	}
}

/* pg_depend takes a second entry without a word, so we look first. */
static bool
depends_on(Oid trigger, Oid referenced)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(TriggerRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend row = (Form_pg_depend) GETSTRUCT(tuple);

		found = row->refclassid == RelationRelationId && row->refobjid == referenced && row->refobjsubid == 0 &&
			row->deptype == DEPENDENCY_AUTO;
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return found;
}

/* So that DROP TABLE of a history takes the triggers along. */
static void
make_dependent(Oid trigger, Oid owner)
{
	ObjectAddress depender;
	ObjectAddress referenced;

	ObjectAddressSet(depender, TriggerRelationId, trigger);
	ObjectAddressSet(referenced, RelationRelationId, owner);
	recordDependencyOn(&depender, &referenced, DEPENDENCY_AUTO);
}

/* Also of triggers that were there: dump and restore carry the trigger, not what it depends on. */
static void
make_all_dependent(int32 id, Oid relation, Oid owner)
{
	FoundTriggers found;

	find_triggers(relation, id, &found);
	for (LogTrigger kind = ON_INSERT; kind <= ON_REPLICA; kind++)
		if (OidIsValid(found.oid[kind]) && !depends_on(found.oid[kind], owner))
			make_dependent(found.oid[kind], owner);
}

/* ---------------------------------------------------------------- families */

/* A foreign table among the partitions is written elsewhere, unseen; there the answer is a rebuild now and then. */
static bool
can_have_triggers(Oid relation, bool named)
{
	char		kind = get_rel_relkind(relation);

	if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE)
		return true;
	if (!named && kind == RELKIND_FOREIGN_TABLE)
	{
		ereport(WARNING,
				(errmsg("changes of foreign table %s are not noticed", registry_name(relation)),
				 errhint("Refresh with rebuild => true after it has changed.")));
		return false;
	}
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s is not a table that can be watched", registry_name(relation)),
			 errdetail("Changes are noticed by triggers on tables and partitioned tables."),
			 errhint("For a view, name the tables below it with watch.")));
}

/* The caller has locked the relation. */
static void
watch_one(int32 id, Oid relation, Oid owner, bool named, bool replica)
{
	if (!can_have_triggers(relation, named))
		return;
	create_missing(id, relation, replica);
	make_all_dependent(id, relation, owner);
}

/* The root knows, because it is there as long as the history is. */
static bool
family_wants_replica(int32 id, Oid root)
{
	FoundTriggers found;

	find_triggers(root, id, &found);
	return wants_replica(&found);
}

static void
require_watch_owner(int32 id, WatchOwner *owner)
{
	if (!watch_owner(id, owner))
		elog(ERROR, "no history and no catalog has the id %d", id);
}

/* Here and not at the first write, so that whoever sets up sees the error, not some writer. */
static void
check_key(int32 id, Oid relation, const WatchOwner *owner)
{
	WatchDef   *watch = watch_find(id, relation);

	if (watch == NULL)
		elog(ERROR, "relation %u is not registered to be watched for %d", relation, id);
	if (watch->expression)
		log_check_expression(relation, watch->key, owner->type, true);
}

/* The lock is the one that CREATE TRIGGER takes: from here to the commit nobody writes, so no change falls between triggers and build. */
void
change_log_watch(int32 id, Oid relation, bool replica)
{
	WatchOwner	owner;
	List	   *members;
	ListCell   *member;

	require_watch_owner(id, &owner);
	/* itself first, as writers and other DDL do it */
	LockRelationOid(relation, ShareRowExclusiveLock);
	members = find_all_inheritors(relation, ShareRowExclusiveLock, NULL);
	check_key(id, relation, &owner);
	replica = replica || family_wants_replica(id, relation);
	foreach(member, members)
		watch_one(id, lfirst_oid(member), owner.relation, lfirst_oid(member) == relation, replica);
}

void
watch_newcomer(const WatchDef *watch, Oid relation)
{
	WatchOwner	owner;
	List	   *members = find_all_inheritors(relation, ShareRowExclusiveLock, NULL);
	bool		replica = family_wants_replica(watch->id, watch->relation);
	ListCell   *member;

	require_watch_owner(watch->id, &owner);
	foreach(member, members)
		watch_one(watch->id, lfirst_oid(member), owner.relation, false, replica);
}

/* Neither ownership of the table nor an event trigger is asked: the triggers belong to the history. */
void
watch_drop_triggers(int32 id, Oid relation)
{
	FoundTriggers found;

	find_triggers(relation, id, &found);
	for (LogTrigger kind = ON_INSERT; kind <= ON_REPLICA; kind++)
	{
		ObjectAddress trigger;

		ObjectAddressSet(trigger, TriggerRelationId, found.oid[kind]);
		if (OidIsValid(found.oid[kind]))
			performDeletion(&trigger, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
}

/* Locked all at once and in the server's order, as other DDL on the family does it. */
void
change_log_unwatch(int32 id, Oid relation)
{
	List	   *members;
	ListCell   *member;

	if (get_rel_name(relation) == NULL)
		return;
	LockRelationOid(relation, AccessExclusiveLock);
	members = find_all_inheritors(relation, AccessExclusiveLock, NULL);
	foreach(member, members)
		watch_drop_triggers(id, lfirst_oid(member));
}
