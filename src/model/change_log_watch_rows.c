/*
 * change_log_watch_rows.c
 *		Who watches what, read from the registry's tables.
 *
 * Writers of a shop's tables come here in a trigger, and anybody in an event trigger.  So rows are read directly:
 * no privilege can be missing, and where the extension is half gone there is nothing to find.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "model/activity_source.h"
#include "model/change_log_watch.h"
#include "model/lineage.h"
#include "model/popularity.h"

/* Columns of personalize.watch; the registry's other tables have relation in the same place. */
enum {WATCH_ID = 1, WATCH_RELATION, WATCH_KEY, WATCH_EXPRESSION};
/* Of personalize.activity_table. */
enum {ACTIVITY_TABLE_CUSTOMERS = 4, ACTIVITY_TABLE_SCORES = 10};

/* NULL where the extension is not, or no longer, complete. */
static Relation
open_registry(const char *name)
{
	Oid			schema = get_namespace_oid("personalize", true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	return OidIsValid(relation) ? try_relation_open(relation, AccessShareLock) : NULL;
}

static Datum
column(Relation relation, HeapTuple tuple, int number)
{
	bool		isnull;

	return heap_getattr(tuple, number, RelationGetDescr(relation), &isnull);
}

static WatchDef *
read_row(Relation relation, HeapTuple tuple)
{
	WatchDef   *row = palloc(sizeof(WatchDef));

	row->id = DatumGetInt32(column(relation, tuple, WATCH_ID));
	row->relation = DatumGetObjectId(column(relation, tuple, WATCH_RELATION));
	row->key = TextDatumGetCString(column(relation, tuple, WATCH_KEY));
	row->expression = DatumGetBool(column(relation, tuple, WATCH_EXPRESSION));
	return row;
}

/* A scan without a snapshot of its own takes the latest, which a transaction with an old one must see, too. */
List *
watch_rows(int32 id)
{
	Relation	relation = open_registry("watch");
	List	   *rows = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (relation == NULL)
		return NIL;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (id == 0 || DatumGetInt32(column(relation, tuple, WATCH_ID)) == id)
			rows = lappend(rows, read_row(relation, tuple));
	systable_endscan(scan);
	relation_close(relation, AccessShareLock);
	return rows;
}

WatchDef *
watch_find(int32 id, Oid relation)
{
	List	   *rows = watch_rows(id);
	List	   *family = rows == NIL ? NIL : lineage_ancestors(relation);
	ListCell   *member;
	ListCell   *row;

	/* the nearest wins: a partition may be watched on its own */
	foreach(member, family)
		foreach(row, rows)
			if (((WatchDef *) lfirst(row))->relation == lfirst_oid(member))
				return lfirst(row);
	return NULL;
}

/* One without segments watches nothing. */
static bool
popularity_owner(int32 id, WatchOwner *owner)
{
	PopularityDef *popularity = popularity_by_id(id);
	HistoryDef *history = popularity ? registry_history_by_id(popularity->follower.history_id) : NULL;

	if (history == NULL || !OidIsValid(popularity->segments))
		return false;
	owner->popularity = popularity;
	owner->relation = popularity->follower.relation;
	owner->log = history->log;
	owner->source = popularity->segments;
	owner->type = history->basket_type;
	return true;
}

static bool
activity_owner(int32 id, WatchOwner *owner)
{
	owner->activity = activity_table_by_id(id);
	if (owner->activity == NULL)
		return false;
	owner->relation = owner->activity->relation;
	owner->log = owner->activity->log;
	owner->source = owner->activity->customers;
	owner->type = owner->activity->key_type;
	return true;
}

/* Ids are unique among all of them. */
bool
watch_owner(int32 id, WatchOwner *owner)
{
	memset(owner, 0, sizeof(*owner));
	owner->history = registry_history_by_id(id);
	if (owner->history != NULL)
	{
		owner->relation = owner->history->relation;
		owner->log = owner->history->log;
		owner->source = owner->history->interactions;
		owner->type = owner->history->basket_type;
		return true;
	}
	owner->catalog = registry_catalog_by_id(id);
	if (owner->catalog == NULL)
		return popularity_owner(id, owner) || activity_owner(id, owner);
	owner->relation = owner->catalog->relation;
	owner->log = owner->catalog->log;
	owner->source = owner->catalog->products;
	owner->type = owner->catalog->item_type;
	return true;
}

static List *
add_column(List *columns, char *name)
{
	return name == NULL ? columns : lappend(columns, name);
}

List *
watch_sources(const WatchOwner *owner)
{
	if (owner->activity != NULL)
		return activity_relations(owner->activity);
	return OidIsValid(owner->source) ? list_make1_oid(owner->source) : NIL;
}

/* Of customers, rules of segments may ask for any column. */
bool
watch_reads_all(const WatchOwner *owner, Oid relation)
{
	List	   *sources = watch_sources(owner);
	ListCell   *cell;

	if (!list_member_oid(sources, relation))
		return true;
	if (owner->activity == NULL)
		return false;
	foreach(cell, sources)
		if (lfirst_oid(cell) != relation && lineage_reads(lfirst_oid(cell), relation))
			return true;
	return relation == owner->source;
}

List *
watch_columns(const WatchOwner *owner, Oid source)
{
	const HistoryDef *history = owner->history;
	List	   *columns = NIL;

	if (owner->activity != NULL)
		return activity_columns(owner->activity, source);
	if (history != NULL)
	{
		columns = list_make2(history->basket, history->item);
		columns = add_column(columns, history->happened);
		columns = add_column(columns, history->weight);
		return add_column(columns, history->event);
	}
	if (owner->popularity != NULL)
	{
		columns = list_make1(owner->popularity->key);
		for (int i = 0; i < owner->popularity->num_by; i++)
			columns = lappend(columns, owner->popularity->by[i]);
		return columns;
	}
	columns = add_column(columns, owner->catalog->item);
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
		columns = add_column(columns, owner->catalog->attribute[i]);
	return columns;
}

static List *
add_relations(List *relations, const char *registry, int number)
{
	Relation	relation = open_registry(registry);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (relation == NULL)
		return relations;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			found = DatumGetObjectId(column(relation, tuple, number));

		if (OidIsValid(found))
			relations = list_append_unique_oid(relations, found);
	}
	systable_endscan(scan);
	relation_close(relation, AccessShareLock);
	return relations;
}

List *
watch_registered(void)
{
	static const char *const tables[] = {"catalog", "history", "model", "popularity", "sessions", "segment", "watch", "activity_table", "activity_source"};
	List	   *relations = NIL;

	for (int i = 0; i < lengthof(tables); i++)
		relations = add_relations(relations, tables[i], WATCH_RELATION);
	relations = add_relations(relations, "activity_table", ACTIVITY_TABLE_CUSTOMERS);
	return add_relations(relations, "activity_table", ACTIVITY_TABLE_SCORES);
}

/* The names that change_log_watch.c gives. */
int32
watch_id_of_name(const char *trigger)
{
	int			id;
	char		rest;

	return sscanf(trigger, "personalize_%d_%c", &id, &rest) == 2 ? id : 0;
}
