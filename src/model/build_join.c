/*
 * build_join.c
 *		What the shop's tables say about every basket beside what a history's table holds.
 *
 * Numbers come in their order from both sides, from the table by its index: one pass through
 * both, which needs no memory.  Other keys come as codes of a keyset: each is looked up in the table, and
 * what the table has beside them is found by going through it.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "miscadmin.h"

#include "model/build_join.h"

static const HistoryRow no_row = {.happened = DT_NOBEGIN, .oldest = DT_NOBEGIN};

typedef struct Join
{
	BuildRows  *rows;
	Relation	relation;
	KeyType		type;
	Snapshot	snapshot;
	JoinSink	sink;
	void	   *arg;
	KeyScan    *scan;			/* NULL: the table is empty */
	HeapTuple	old;			/* numbers: the next row of the table */
} Join;

bool
build_table_is_empty(Relation relation, Snapshot snapshot)
{
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	bool		empty = heap_getnext(scan, ForwardScanDirection) == NULL;

	table_endscan(scan);
	return empty;
}

/* Keys of the table are never NULL: they are its primary key. */
static Datum
key_of(const Join *j, HeapTuple tuple)
{
	bool		isnull;

	return heap_getattr(tuple, HISTORY_BASKET, RelationGetDescr(j->relation), &isnull);
}

/* --- numbers ------------------------------------------------------------- */

/* Hands out rows of the table whose keys did not come; up to a key, or all that are left. */
static void
pass_old(Join *j, bool all, int64 key)
{
	while (j->old != NULL && (all || key_number(j->type, key_of(j, j->old)) < key))
	{
		CHECK_FOR_INTERRUPTS();
		j->sink(j->arg, key_of(j, j->old), &no_row, j->old);
		j->old = key_scan_next(j->scan);
	}
}

/* Both sides ascend, so all old keys below this one have no basket any more. */
static void
join_number(Join *j, Datum key, const HistoryRow *row)
{
	int64		number = key_number(j->type, key);
	bool		met;

	pass_old(j, false, number);
	met = j->old != NULL && key_number(j->type, key_of(j, j->old)) == number;
	if (met || history_row_exists(row))
		j->sink(j->arg, key, row, met ? j->old : NULL);
	if (met)
		j->old = key_scan_next(j->scan);
}

/* --- other keys ---------------------------------------------------------- */

/* Codes come in the order in which keys were met, which no index follows. */
static void
join_other(Join *j, Datum key, const HistoryRow *row)
{
	HeapTuple	old;

	key_scan_start(j->scan, &key);
	old = key_scan_next(j->scan);
	if (old != NULL || history_row_exists(row))
		j->sink(j->arg, key, row, old);
}

/* Keys that came have been dealt with, whether there is anything in their baskets or not. */
static void
pass_unmet(Join *j)
{
	const Keyset *keys = build_rows_keys(j->rows);
	TableScanDesc scan = table_beginscan(j->relation, j->snapshot, 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (key_find(keys, j->type, key_type_oid(j->type), key_of(j, tuple)) == KEYSET_NONE)
			j->sink(j->arg, key_of(j, tuple), &no_row, tuple);
	}
	table_endscan(scan);
}

/* --- both ---------------------------------------------------------------- */

/* The first build of a history, the usual case, has nothing to join with and looks nothing up. */
static void
open_join(Join *j)
{
	if (build_table_is_empty(j->relation, j->snapshot))
		return;
	j->scan = key_scan_open(j->relation, key_is_number(j->type) ? 0 : 1, j->snapshot);
	if (!key_is_number(j->type))
		return;
	key_scan_start(j->scan, NULL);
	j->old = key_scan_next(j->scan);
}

void
build_join(BuildRows *rows, Relation relation, KeyType type, Snapshot snapshot, JoinSink sink, void *arg)
{
	Join		j = {rows, relation, type, snapshot, sink, arg};
	HistoryRow	row = {0};
	Datum		key;

	open_join(&j);
	while (build_rows_next(rows, &key, &row))
	{
		if (j.scan != NULL)
			(key_is_number(type) ? join_number : join_other) (&j, key, &row);
		else if (history_row_exists(&row))
			sink(arg, key, &row, NULL);
	}
	if (j.scan == NULL)
		return;
	if (key_is_number(type))
		pass_old(&j, true, 0);
	else
		pass_unmet(&j);
	key_scan_close(j.scan);
}
