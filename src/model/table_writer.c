/*
 * table_writer.c
 *		Rows into our own tables without the executor.
 *
 * A refresh writes many rows of few tables; planning and running a statement for each
 * would cost more than the rows.  What the executor would do beside the heap and its indexes is not done: triggers,
 * foreign keys, CHECK constraints, generated columns and defaults that an owner has put on
 * such a table have no effect on what is written here.  NOT NULL is looked at, as a NULL there breaks readers.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "model/registry.h"
#include "model/table_writer.h"

/* A gathered batch ends at either; rows of pairs may have megabytes each. */
#define BATCH_ROWS	1000
#define BATCH_BYTES (1024 * 1024)

struct TableWriter
{
	/* immutable */
	MemoryContext context;
	Relation	relation;
	EState	   *estate;
	ResultRelInfo *result;
	TupleTableSlot *updated;	/* the row of an update */

	/* mutable */
	MemoryContext scratch;		/* reset after every row */
	Datum	   *values;			/* a row being made, a place for each column */
	bool	   *nulls;
	bool	   *replace;
	TupleTableSlot *slot[BATCH_ROWS];	/* made as they are needed */
	int			num_gathered;
	Size		bytes_gathered;
	BulkInsertState bulk;		/* NULL until a batch has filled up */
	bool		wrote;			/* since the last flush */
};

/*
 * The relation is not in the range table of the execution state (its index is 0), as nothing here asks for columns that a
 * statement would set: an update then only tells indexes that their key may be the same, which is a hint.
 */
TableWriter *
table_writer_open(Oid relation)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize table writer", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	TableWriter *writer = palloc0(sizeof(TableWriter));
	int			num_columns;

	writer->context = context;
	writer->scratch = AllocSetContextCreate(context, "personalize row", ALLOCSET_DEFAULT_SIZES);
	writer->relation = table_open(relation, RowExclusiveLock);
	writer->estate = CreateExecutorState();
	writer->result = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->result, writer->relation, 0, NULL, 0);
	ExecOpenIndices(writer->result, false);
	writer->updated = MakeSingleTupleTableSlot(RelationGetDescr(writer->relation), &TTSOpsHeapTuple);
	num_columns = RelationGetNumberOfAttributes(writer->relation);
	writer->values = palloc0(num_columns * sizeof(Datum));
	writer->nulls = palloc(num_columns * sizeof(bool));
	writer->replace = palloc(num_columns * sizeof(bool));
	MemoryContextSwitchTo(caller);
	return writer;
}

Relation
table_writer_relation(const TableWriter *writer)
{
	return writer->relation;
}

/* Callers make their values there, so that nobody has to free them one by one. */
MemoryContext
table_writer_scratch(const TableWriter *writer)
{
	return writer->scratch;
}

/* Columns that an owner has added stay as they are: NULL in new rows, kept by updates. */
void
table_writer_blank(TableWriter *writer, Datum **values, bool **nulls, bool **replace)
{
	int			num_columns = RelationGetNumberOfAttributes(writer->relation);

	memset(writer->nulls, true, num_columns * sizeof(bool));
	memset(writer->replace, false, num_columns * sizeof(bool));
	*values = writer->values;
	*nulls = writer->nulls;
	if (replace != NULL)
		*replace = writer->replace;
}

/* Only an added column can fail here: ours are always given. */
static void
guard_not_null_columns(Relation relation, const bool *nulls)
{
	TupleDesc	columns = RelationGetDescr(relation);

	for (int c = 0; c < columns->natts; c++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, c);

		if (nulls[c] && column->attnotnull && !column->attisdropped)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("column \"%s\" of table %s has no value in a new row",
							NameStr(column->attname), registry_name(RelationGetRelid(relation))),
					 errdetail("The column is NOT NULL, and rows of this table come from personalize, which does not know it."),
					 errhint("ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL, or drop the column.")));
	}
}

/*
 * Index expressions and predicates run in the per-tuple context of the execution state; the
 * rest is left in the scratch context.
 */
static void
add_index_entries(TableWriter *writer, TupleTableSlot *slot, bool is_update, TU_UpdateIndexes which)
{
	if (writer->result->ri_NumIndices > 0)
		(void) compat_insert_index_entries(writer->result, slot, writer->estate, is_update, which);
	ResetPerTupleExprContext(writer->estate);
}

/*
 * Pages are filled with a ring of buffers of their own only where there is more than one batch: a small refresh shall
 * find its free space on pages that are in memory anyway.
 */
static void
write_gathered(TableWriter *writer)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->scratch);

	table_multi_insert(writer->relation, writer->slot, writer->num_gathered, GetCurrentCommandId(true), 0, writer->bulk);
	for (int i = 0; i < writer->num_gathered; i++)
	{
		add_index_entries(writer, writer->slot[i], false, TU_None);
		ExecClearTuple(writer->slot[i]);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->scratch);
	writer->num_gathered = 0;
	writer->bytes_gathered = 0;
	writer->wrote = true;
}

/* The slot owns its tuple, so that neither storing nor writing copies it. */
void
table_writer_insert(TableWriter *writer, const Datum *values, const bool *nulls)
{
	TupleDesc	columns = RelationGetDescr(writer->relation);
	MemoryContext caller = MemoryContextSwitchTo(writer->context);
	TupleTableSlot **slot = &writer->slot[writer->num_gathered];
	HeapTuple	tuple;

	guard_not_null_columns(writer->relation, nulls);
	if (*slot == NULL)
		*slot = MakeSingleTupleTableSlot(columns, &TTSOpsHeapTuple);
	tuple = heap_form_tuple(columns, unconstify(Datum *, values), unconstify(bool *, nulls));
	ExecStoreHeapTuple(tuple, *slot, true);
	writer->num_gathered++;
	writer->bytes_gathered += tuple->t_len;
	MemoryContextReset(writer->scratch);
	if (writer->num_gathered == BATCH_ROWS || writer->bytes_gathered >= BATCH_BYTES)
	{
		CHECK_FOR_INTERRUPTS();
		write_gathered(writer);
		/* from the next batch on; the caller's context may be the scratch one, which is no place for it */
		if (writer->bulk == NULL)
			writer->bulk = GetBulkInsertState();
	}
	MemoryContextSwitchTo(caller);
}

/* Nobody else is to write these tables while we do, but an owner can. */
static void
guard_written(TableWriter *writer, TM_Result result)
{
	if (result == TM_Ok)
		return;
	if (result == TM_Updated || result == TM_Deleted)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a row of %s was changed while it was being brought up to date",
						registry_name(RelationGetRelid(writer->relation))),
				 errdetail("Another transaction has %s the row.", result == TM_Updated ? "updated" : "deleted"),
				 errhint("Only personalize should write to this table. Run it again.")));
	elog(ERROR, "row of \"%s\" is written twice: result %d", RelationGetRelationName(writer->relation), (int) result);
}

/*
 * Columns that are not replaced are taken from the old tuple as they are there: a TOAST pointer stays a pointer, and
 * the heap sees that it is the same one and keeps what it points to.
 */
void
table_writer_update(TableWriter *writer, HeapTuple old, const Datum *values, const bool *nulls, const bool *replace)
{
	MemoryContext caller = MemoryContextSwitchTo(writer->scratch);
	HeapTuple	tuple = heap_modify_tuple(old, RelationGetDescr(writer->relation), unconstify(Datum *, values),
										  unconstify(bool *, nulls), unconstify(bool *, replace));
	TM_FailureData failure;
	LockTupleMode lock;
	TU_UpdateIndexes which;

	ExecStoreHeapTuple(tuple, writer->updated, false);
	guard_written(writer,
				  table_tuple_update(writer->relation, &old->t_self, writer->updated, GetCurrentCommandId(true),
									 GetActiveSnapshot(), InvalidSnapshot, true, &failure, &lock, &which));
	/* none after a heap-only update, which is why fill factors leave room for them */
	if (which != TU_None)
		add_index_entries(writer, writer->updated, true, which);
	ExecClearTuple(writer->updated);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(writer->scratch);
	writer->wrote = true;
}

/* Index entries of a deleted row are left to vacuum, as the executor leaves them. */
void
table_writer_delete(TableWriter *writer, HeapTuple old)
{
	TM_FailureData failure;

	guard_written(writer,
				  table_tuple_delete(writer->relation, &old->t_self, GetCurrentCommandId(true),
									 GetActiveSnapshot(), InvalidSnapshot, true, &failure, false));
	writer->wrote = true;
}

/* Whoever reads with a snapshot that is pushed already has to move its command on, too. */
void
table_writer_flush(TableWriter *writer)
{
	if (writer->num_gathered > 0)
		write_gathered(writer);
	if (writer->wrote)
		CommandCounterIncrement();
	writer->wrote = false;
}

/* Locks stay, as those of statements do. */
void
table_writer_close(TableWriter *writer)
{
	table_writer_flush(writer);
	if (writer->bulk != NULL)
		FreeBulkInsertState(writer->bulk);
	table_finish_bulk_insert(writer->relation, 0);
	ExecDropSingleTupleTableSlot(writer->updated);
	for (int i = 0; i < BATCH_ROWS && writer->slot[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(writer->slot[i]);
	ExecCloseIndices(writer->result);
	FreeExecutorState(writer->estate);
	table_close(writer->relation, NoLock);
	MemoryContextDelete(writer->context);
}

/* --- look-ups by primary key --- */

struct KeyScan
{
	MemoryContext context;		/* an index scan allocates on its way, and keeps that */
	Relation	relation;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int			num_keys;
	ScanKeyData key[INDEX_MAX_KEYS];
};

/* Equality or order as the index means it, whatever the type of the column. */
static void
init_key(ScanKey key, Relation index, int column, StrategyNumber strategy)
{
	Oid			type = index->rd_opcintype[column];
	Oid			operator = get_opfamily_member(index->rd_opfamily[column], type, type, strategy);

	if (!OidIsValid(operator))
		elog(ERROR, "index \"%s\" cannot be searched by column %d", RelationGetRelationName(index), column + 1);
	ScanKeyEntryInitialize(key, 0, column + 1, strategy, type, index->rd_indcollation[column],
						   get_opcode(operator), (Datum) 0);
}

/* An owner may have dropped it, or have made it deferrable, in which case it may hold a key twice for a moment. */
static Oid
require_primary_key(Relation relation)
{
	Oid			index;

	/* what it returns is known only once the list of indexes was made */
	if (!relation->rd_indexvalid)
		list_free(RelationGetIndexList(relation));
	index = compat_primary_key(relation);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s has no primary key", registry_name(RelationGetRelid(relation))),
				 errhint("It was created with one, and needs it. Add it again.")));
	return index;
}

/* A key's values are passed in the order of the table's columns, which is how the key was made. */
static void
guard_key_order(Relation index)
{
	for (int k = 0; k < IndexRelationGetNumberOfKeyAttributes(index); k++)
		if (index->rd_index->indkey.values[k] != k + 1)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("primary key %s is not as it was made", registry_name(RelationGetRelid(index))),
					 errdetail("Its columns must be the first of the table, in their order.")));
}

/* Nothing is read yet: that needs a key. */
static KeyScan *
open_scan(Relation relation, Relation index, int num_keys, StrategyNumber strategy, Snapshot snapshot)
{
	KeyScan    *scan = palloc0(sizeof(KeyScan));

	scan->context = CurrentMemoryContext;
	scan->relation = relation;
	scan->num_keys = num_keys;
	scan->index = index;
	for (int k = 0; k < num_keys; k++)
		init_key(&scan->key[k], scan->index, k, strategy);
	scan->slot = table_slot_create(relation, NULL);
	scan->scan = compat_index_beginscan(relation, scan->index, snapshot != NULL ? snapshot : GetActiveSnapshot(), num_keys);
	return scan;
}

KeyScan *
key_scan_open(Relation relation, int num_keys, Snapshot snapshot)
{
	Relation	index = index_open(require_primary_key(relation), AccessShareLock);

	guard_key_order(index);
	return open_scan(relation, index, num_keys, BTEqualStrategyNumber, snapshot);
}

/* Of all rows, and usable now, as those that came with the table. */
static bool
leads_with(Relation index, AttrNumber column)
{
	Form_pg_index form = index->rd_index;

	return form->indisvalid && form->indkey.values[0] == column && index->rd_rel->relam == BTREE_AM_OID &&
		RelationGetIndexPredicate(index) == NIL;
}

static bool
is_unique_on(Relation index, AttrNumber column)
{
	Form_pg_index form = index->rd_index;

	return form->indisunique && form->indimmediate && form->indnkeyatts == 1 && leads_with(index, column);
}

/* Opened; the first that will do. */
static Relation
find_index(Relation relation, AttrNumber column, bool (*will_do) (Relation index, AttrNumber column), const char *kind)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (will_do(index, column))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s has no %s on \"%s\"", registry_name(RelationGetRelid(relation)), kind,
					get_attname(RelationGetRelid(relation), column, false)),
			 errhint("It was created with one, and needs it. Add it again.")));
}

KeyScan *
key_scan_open_column(Relation relation, AttrNumber column, Snapshot snapshot)
{
	return open_scan(relation, find_index(relation, column, is_unique_on, "unique index"), 1, BTEqualStrategyNumber, snapshot);
}

KeyScan *
key_scan_open_up_to(Relation relation, AttrNumber column, Snapshot snapshot)
{
	return open_scan(relation, find_index(relation, column, leads_with, "index"), 1, BTLessEqualStrategyNumber, snapshot);
}

/* To start again costs a descent of the tree, about a microsecond while its upper pages are in memory. */
void
key_scan_start(KeyScan *scan, const Datum *keys)
{
	MemoryContext caller = MemoryContextSwitchTo(scan->context);

	for (int k = 0; k < scan->num_keys; k++)
		scan->key[k].sk_argument = keys[k];
	index_rescan(scan->scan, scan->key, scan->num_keys, NULL, 0);
	MemoryContextSwitchTo(caller);
}

HeapTuple
key_scan_next(KeyScan *scan)
{
	MemoryContext caller = MemoryContextSwitchTo(scan->context);
	HeapTuple	tuple = NULL;

	/* such a slot holds a tuple in its page, which is pinned until the next call */
	if (index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot))
		tuple = ExecFetchSlotHeapTuple(scan->slot, false, NULL);
	MemoryContextSwitchTo(caller);
	return tuple;
}

void
key_scan_close(KeyScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->index, AccessShareLock);
	pfree(scan);
}
