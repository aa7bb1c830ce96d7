/*
 * refresh_lock.c
 *		What a refresh locks, and what is left of it after the wait.
 *
 * Two kinds: an object lock on each history of the group, which only refreshes and those who change
 * definitions take, and then ACCESS SHARE on all tables of the group and of the shop against DDL.  DROP TABLE takes
 * only the second, in an order of its own, and may have taken things away when the wait is over; so everything is looked up again.
 */
#include "base/compat.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "model/follower.h"
#include "model/refresh.h"
#include "model/refresh_group.h"

/* --- histories ----------------------------------------------------------- */

/* Readers and writers of the history's table, and pg_dump, take other locks: this one is ours alone. */
bool
refresh_lock_object(Oid relation, bool wait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, relation, 0);
	if (LockAcquire(&tag, ExclusiveLock, false, !wait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	/* what was committed while we waited */
	AcceptInvalidationMessages();
	return true;
}

/* Where event triggers were disabled, the registry knows of tables that are gone. */
static bool
history_exists(int32 id)
{
	HistoryDef *history = registry_history_by_id(id);

	return history != NULL && get_rel_name(history->relation) != NULL && get_rel_name(history->log) != NULL;
}

/*
 * A directed model made meanwhile may have joined more histories to the group, so it is read again until all are
 * locked.  Those with smaller ids come late then; deadlocks are detected.
 */
static RefreshOutcome
lock_histories(int32 history_id, bool wait)
{
	List	   *locked = NIL;

	for (;;)
	{
		int			before = list_length(locked);
		ListCell   *cell;

		if (!history_exists(history_id))
			return REFRESH_GONE;
		foreach(cell, registry_group(history_id))
		{
			HistoryDef *history = lfirst(cell);

			if (list_member_int(locked, history->id))
				continue;
			if (!refresh_lock_object(history->relation, wait))
				return REFRESH_BUSY;
			locked = lappend_int(locked, history->id);
		}
		if (list_length(locked) == before)
			return REFRESH_DONE;
	}
}

void
refresh_lock(int32 history_id)
{
	HistoryDef *history = registry_history_by_id(history_id);
	char	   *name = history ? registry_name(history->relation) : psprintf("%d", history_id);

	if (lock_histories(history_id, true) == REFRESH_GONE)
		registry_fail_gone("history", name);
}

/* --- tables -------------------------------------------------------------- */

/* With partitions, and children, whose rows count as well. */
List *
refresh_add_watched(List *relations, int32 id)
{
	ListCell   *cell;

	foreach(cell, registry_watched(id))
		relations = list_concat_unique_oid(relations, find_all_inheritors(lfirst_oid(cell), NoLock, NULL));
	return relations;
}

static List *
add_relation(List *relations, Oid relation)
{
	return OidIsValid(relation) ? list_append_unique_oid(relations, relation) : relations;
}

static List *
add_catalog(List *relations, const CatalogDef *catalog)
{
	if (catalog == NULL)
		return relations;
	relations = add_relation(relations, catalog->relation);
	relations = add_relation(relations, catalog->log);
	relations = add_relation(relations, catalog->products);
	return refresh_add_watched(relations, catalog->id);
}

static List *
add_follower(List *relations, const FollowerDef *follower)
{
	relations = list_concat_unique_oid(relations, follower_tables(follower));
	relations = list_concat_unique_oid(relations, follower_sources(follower));
	return refresh_add_watched(relations, follower->id);
}

static List *
add_history(List *relations, const HistoryDef *history)
{
	ListCell   *cell;

	relations = add_relation(relations, history->interactions);
	relations = refresh_add_watched(relations, history->id);
	relations = add_relation(relations, history->relation);
	relations = add_relation(relations, history->log);
	foreach(cell, registry_models_of(history->id))
	{
		relations = add_relation(relations, ((ModelDef *) lfirst(cell))->relation);
		relations = add_relation(relations, ((ModelDef *) lfirst(cell))->pairs);
	}
	foreach(cell, followers_of(history->id))
		relations = add_follower(relations, lfirst(cell));
	return add_catalog(relations, registry_catalog_by_id(history->catalog_id));
}

static List *
relations_of_group(int32 history_id)
{
	List	   *relations = NIL;
	ListCell   *cell;

	foreach(cell, registry_group(history_id))
		relations = add_history(relations, lfirst(cell));
	return relations;
}

static List *
relations_of_catalog(int32 id)
{
	return add_catalog(NIL, registry_catalog_by_id(id));
}

static void
unlock_relations(const List *relations, int n)
{
	while (n-- > 0)
		UnlockRelationOid(list_nth_oid(relations, n), AccessShareLock);
}

/*
 * DROP ... CASCADE starts at the shop's table, at the history or at a model, and locks from there on.  No order of ours fits
 * all; so whenever one lock has to be waited for, none of the others is held.
 */
static void
lock_relations(const List *relations)
{
	Oid			awaited = InvalidOid;

	for (;;)
	{
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(awaited))
			LockRelationOid(awaited, AccessShareLock);
		while (n < list_length(relations) && ConditionalLockRelationOid(list_nth_oid(relations, n), AccessShareLock))
			n++;
		if (OidIsValid(awaited))
			UnlockRelationOid(awaited, AccessShareLock);
		if (n == list_length(relations))
			return;
		awaited = list_nth_oid(relations, n);
		unlock_relations(relations, n);
	}
}

/* Again, until all that there is after the wait was locked before it was looked up. */
void
refresh_lock_relations(List *(*relations_of) (int32 id), int32 id)
{
	List	   *held = NIL;

	for (;;)
	{
		List	   *needed = relations_of(id);

		if (list_difference_oid(needed, held) == NIL)
			return;
		unlock_relations(held, list_length(held));
		lock_relations(needed);
		held = needed;
	}
}

void
refresh_lock_tables(int32 history_id)
{
	refresh_lock_relations(relations_of_group, history_id);
}

bool
refresh_lock_catalog(int32 id)
{
	CatalogDef *catalog;

	refresh_lock_relations(relations_of_catalog, id);
	catalog = registry_catalog_by_id(id);
	return catalog != NULL && get_rel_name(catalog->relation) != NULL;
}

RefreshOutcome
refresh_lock_group(int32 history_id, bool wait)
{
	RefreshOutcome outcome = lock_histories(history_id, wait);

	if (outcome != REFRESH_DONE)
		return outcome;
	refresh_lock_tables(history_id);
	return history_exists(history_id) ? REFRESH_DONE : REFRESH_GONE;
}
