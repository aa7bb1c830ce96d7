/*
 * change_log.c
 *		Rows into a change log and out of it again.
 *
 * Writers only append.  Nobody but a refresh deletes, and it deletes exactly what
 * its snapshot sees: what commits later stays for the next one.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "model/change_log.h"
#include "model/model_rows.h"
#include "model/table_layout.h"
#include "model/table_writer.h"

/* Rows that are written together: a page holds about 200 of them. */
#define APPEND_BATCH 200

/* The reason where keys cannot be written any more. */
#define OTHER_KEYS "the change log has other keys than it was made for"

static uint64 times_consumed = 0;

/* ---------------------------------------------------------------- appending */

/* The lock stays until the end of the transaction, as for any row that is written. */
static Relation
open_log(Oid log, KeyType type)
{
	Relation	relation = OidIsValid(log) ? try_relation_open(log, RowExclusiveLock) : NULL;

	if (relation == NULL)
		return NULL;
	if (layout_is_log(relation, type))
		return relation;
	relation_close(relation, NoLock);
	return NULL;
}

/*
 * A log has no index of ours, and then needs neither executor nor writer.  Where its owner has added some, they are kept,
 * as the owner: an index may run functions, which must not run with the rights of whoever changes a row or a table.
 */
static TableWriter *
enter_indexed(Relation relation, OwnerScope *scope)
{
	registry_enter_owner(RelationGetRelid(relation), scope);
	return table_writer_open(RelationGetRelid(relation));
}

static void
leave_indexed(TableWriter *writer, const OwnerScope *scope)
{
	table_writer_close(writer);
	registry_leave_owner(scope);
}

static void
append_row(Relation relation, Datum *values, bool *nulls)
{
	OwnerScope	scope;

	if (relation->rd_rel->relhasindex)
	{
		TableWriter *writer = enter_indexed(relation, &scope);

		table_writer_insert(writer, values, nulls);
		leave_indexed(writer, &scope);
	}
	else
	{
		HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);

		simple_heap_insert(relation, tuple);
		heap_freetuple(tuple);
	}
}

/* By far the most frequent case, one basket by one statement: no keyset, no slots. */
void
change_log_append_key(Oid log, KeyType type, Datum key)
{
	Relation	relation = open_log(log, type);
	Datum		values[LOG_NUM_COLUMNS] = {key, 0};
	bool		nulls[LOG_NUM_COLUMNS] = {false, true};

	if (relation == NULL)
	{
		/* a log that cannot hold the key may still hold the news, and no change is lost */
		change_log_mark_all(log, OTHER_KEYS);
		return;
	}
	append_row(relation, values, nulls);
	relation_close(relation, NoLock);
}

/* Not only triggers call this: an event trigger tells of DDL, so the reason is all that will ever explain the rebuild. */
void
change_log_mark_all(Oid log, const char *reason)
{
	Relation	relation = open_log(log, 0);
	Datum		values[LOG_NUM_COLUMNS] = {0, CStringGetTextDatum(reason)};
	bool		nulls[LOG_NUM_COLUMNS] = {true, false};

	if (relation == NULL)
		return;
	append_row(relation, values, nulls);
	relation_close(relation, NoLock);
}

/* Rare, so it may take the long way of the writer, which gathers rows itself. */
static void
append_indexed(Relation relation, KeyType type, const Keyset *keys)
{
	OwnerScope	scope;
	TableWriter *writer = enter_indexed(relation, &scope);
	bool		nulls[LOG_NUM_COLUMNS] = {false, true};

	for (uint32 code = 0; code < keys->size; code++)
	{
		Datum		values[LOG_NUM_COLUMNS] = {key_datum(keys, type, code, type), 0};

		table_writer_insert(writer, values, nulls);
	}
	leave_indexed(writer, &scope);
}

/* One WAL record a page instead of one a row. */
static void
append_batch(Relation relation, KeyType type, const Keyset *keys, uint32 from, uint32 n, TupleTableSlot **slot)
{
	bool		nulls[LOG_NUM_COLUMNS] = {false, true};

	for (uint32 i = 0; i < n; i++)
	{
		Datum		values[LOG_NUM_COLUMNS] = {key_datum(keys, type, from + i, type), 0};

		ExecStoreHeapTuple(heap_form_tuple(RelationGetDescr(relation), values, nulls), slot[i], true);
	}
	heap_multi_insert(relation, slot, n, GetCurrentCommandId(true), 0, NULL);
	for (uint32 i = 0; i < n; i++)
		ExecClearTuple(slot[i]);
}

static void
append_many(Relation relation, KeyType type, const Keyset *keys)
{
	uint32		room = Min(keys->size, APPEND_BATCH);
	TupleTableSlot **slot = palloc(room * sizeof(*slot));

	for (uint32 i = 0; i < room; i++)
		slot[i] = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsHeapTuple);
	for (uint32 from = 0; from < keys->size; from += room)
	{
		CHECK_FOR_INTERRUPTS();
		append_batch(relation, type, keys, from, Min(room, keys->size - from), slot);
	}
	for (uint32 i = 0; i < room; i++)
		ExecDropSingleTupleTableSlot(slot[i]);
	pfree(slot);
}

void
change_log_append(Oid log, KeyType type, const Keyset *keys)
{
	Relation	relation = keys->size > 0 ? open_log(log, type) : NULL;

	if (relation == NULL && keys->size > 0)
		change_log_mark_all(log, OTHER_KEYS);
	if (relation == NULL)
		return;
	if (relation->rd_rel->relhasindex)
		append_indexed(relation, type, keys);
	else
		append_many(relation, type, keys);
	relation_close(relation, NoLock);
}

/* ---------------------------------------------------------------- reading and deleting */

uint64
change_log_times_consumed(void)
{
	return times_consumed;
}

/*
 * The refresh lock keeps other refreshes away, so only a hand can have been here.  Where the snapshot cannot be renewed, what has
 * been read with it must not be used.
 */
static void
guard_deleted(Relation relation, TM_Result result)
{
	/* a row that this transaction or, where a newer snapshot may be taken, somebody's hand has deleted needs no more deleting */
	if (result == TM_Ok || result == TM_SelfModified || (result == TM_Deleted && !IsolationUsesXactSnapshot()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent change of change log \"%s\"", RelationGetRelationName(relation)),
			 errhint("The transaction might succeed if retried.")));
}

/* Waits where somebody else is deleting the row just now: whether it goes decides whether its basket was consumed. */
static void
delete_row(Relation relation, TupleTableSlot *slot)
{
	TM_FailureData failure;
	TM_Result	result;

	result = table_tuple_delete(relation, &slot->tts_tid, GetCurrentCommandId(true), InvalidSnapshot, InvalidSnapshot,
								true, &failure, false);
	guard_deleted(relation, result);
}

/* One reason is enough for people; all keys are kept, because a caller may use them whatever the reason says. */
static void
take_row(Env *env, KeyType type, TupleTableSlot *slot, LogContents *contents)
{
	bool		isnull;
	Datum		key = slot_getattr(slot, LOG_BASKET, &isnull);

	contents->num_rows++;
	if (!isnull)
	{
		key_add(env, &contents->keys, type, key);
		return;
	}
	contents->all = true;
	if (contents->reason != NULL)
		return;
	key = slot_getattr(slot, LOG_REASON, &isnull);
	contents->reason = isnull ? pstrdup("everything may have changed") : TextDatumGetCString(key);
}

void
change_log_read(Env *env, Oid log, KeyType type, Snapshot snapshot, bool consume, LogContents *contents)
{
	LOCKMODE	lock = consume ? RowExclusiveLock : AccessShareLock;
	Relation	relation = table_open(log, lock);
	TupleTableSlot *slot;
	TableScanDesc scan;

	/* a catalog's log is looked at nowhere else */
	layout_require_log(relation, type);
	slot = table_slot_create(relation, NULL);
	scan = table_beginscan(relation, snapshot, 0, NULL);
	if (consume)
		times_consumed++;
	memset(contents, 0, sizeof(*contents));
	keyset_init(env, &contents->keys, key_is_number(type));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		env_check(env, 0, 0);
		take_row(env, type, slot, contents);
		if (consume)
			delete_row(relation, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, consume ? NoLock : lock);
}

/* By bytes, as everywhere: a text's own collation may call two baskets equal. */
static bool
same_key(KeyType type, Datum a, Datum b)
{
	struct varlena *left;
	struct varlena *right;

	if (key_is_number(type))
		return key_number(type, a) == key_number(type, b);
	if (type == KEY_UUID)
		return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN) == 0;
	left = PG_DETOAST_DATUM_PACKED(a);
	right = PG_DETOAST_DATUM_PACKED(b);
	return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
		memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
}

/* A log has no index on its basket, as every writer would pay for it; erasure of one basket can afford the scan. */
int64
change_log_forget(Oid log, KeyType type, Snapshot snapshot, Datum key)
{
	Relation	relation = table_open(log, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	int64		num_rows = 0;

	times_consumed++;
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		logged = slot_getattr(slot, LOG_BASKET, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull || !same_key(type, logged, key))
			continue;
		delete_row(relation, slot);
		num_rows++;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
	return num_rows;
}
