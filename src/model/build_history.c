/*
 * build_history.c
 *		Histories from the shop's tables.
 *
 * Everything is read first, since the parts of a basket may be anywhere.  Then new items get their
 * codes, the most popular first, which makes rows of counts dense at their beginning and small.  Then
 * baskets come one by one and are compared with what the table holds, so that rows that are
 * right already stay as they are.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/build.h"
#include "model/build_rows.h"
#include "model/build_write.h"

/* --- codes of new items -------------------------------------------------- */

typedef struct NewItem
{
	uint64		rows;
	uint32		place;			/* among the keys */
	uint32		code;			/* as it came */
} NewItem;

static int
compare_new_items(const void *a, const void *b)
{
	const NewItem *x = a;
	const NewItem *y = b;

	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* The items that the catalog did not have when reading began, the most popular first. */
static NewItem *
rank_new_items(const BuildRows *rows, ItemTable *items, uint32 *n)
{
	const uint32 *place = item_table_order(items);
	NewItem    *new;

	*n = items->keys.size - items->num_stored;
	new = MemoryContextAllocHuge(CurrentMemoryContext, (*n + 1) * sizeof(NewItem));
	for (uint32 i = 0; i < *n; i++)
	{
		uint32		code = items->num_stored + i;

		new[i] = (NewItem) {build_rows_of_item(rows, code), place[code], code};
	}
	qsort(new, *n, sizeof(NewItem), compare_new_items);
	return new;
}

/*
 * A second table of the catalog gets the new keys in their final order; old ones keep their codes.  Storing may
 * change new codes once more, if another transaction has given some meanwhile.
 */
static void
number_items(BuildRows *rows, ItemTable *items, CatalogDef *catalog)
{
	uint32		n;
	NewItem    *new = rank_new_items(rows, items, &n);
	uint32	   *code;
	uint32	   *moved;
	ItemTable  *final;

	if (n == 0)
		return;
	final = item_table_load(CurrentMemoryContext, catalog);
	code = MemoryContextAllocHuge(CurrentMemoryContext, items->keys.size * sizeof(uint32));
	for (uint32 i = 0; i < items->num_stored; i++)
		code[i] = i;
	for (uint32 i = 0; i < n; i++)
		code[new[i].code] = item_table_code(final, item_table_key(items, new[i].code));
	moved = item_table_store(final);
	for (uint32 i = 0; moved && i < items->keys.size; i++)
		code[i] = moved[code[i]];
	build_rows_renumber(rows, code, final);
	pfree(new);
}

/* --- writing ------------------------------------------------------------- */

/* What the history's table gets, and what it had. */
typedef struct HistoryWriter
{
	TableWriter *writer;
	Relation	relation;
	KeyType		type;
	Snapshot	snapshot;		/* sees only what was there before */
	KeyScan    *old;			/* NULL: the table was empty */
	HeapTuple	tuple;			/* numbers: the next old row */
	int64		num_baskets;
} HistoryWriter;

static Datum
tuple_key(const HistoryWriter *w, HeapTuple tuple)
{
	bool		isnull;

	return heap_getattr(tuple, HISTORY_BASKET, RelationGetDescr(w->relation), &isnull);
}

/* Old rows with smaller keys than the basket at hand have no basket any more; all, where there is none at hand. */
static void
delete_up_to(HistoryWriter *w, bool all, int64 key)
{
	while (w->tuple != NULL && (all || key_number(w->type, tuple_key(w, w->tuple)) < key))
	{
		CHECK_FOR_INTERRUPTS();
		table_writer_delete(w->writer, w->tuple);
		w->tuple = key_scan_next(w->old);
	}
}

/* Numbers come in their order, and so do the rows of the index: one pass through both. */
static void
write_number(HistoryWriter *w, Datum key, const HistoryRow *row)
{
	int64		number = key_number(w->type, key);
	bool		met;

	delete_up_to(w, false, number);
	met = w->tuple != NULL && key_number(w->type, tuple_key(w, w->tuple)) == number;
	if (met || row->basket.size > 0)
		history_row_write(w->writer, met ? w->tuple : NULL, key, row);
	if (met)
		w->tuple = key_scan_next(w->old);
}

static void
write_other(HistoryWriter *w, Datum key, const HistoryRow *row)
{
	HeapTuple	old;

	key_scan_start(w->old, &key);
	old = key_scan_next(w->old);
	if (old != NULL || row->basket.size > 0)
		history_row_write(w->writer, old, key, row);
}

static void
write_basket(HistoryWriter *w, Datum key, const HistoryRow *row)
{
	w->num_baskets += row->basket.size > 0;
	if (w->old == NULL)
	{
		if (row->basket.size > 0)
			history_row_write(w->writer, NULL, key, row);
	}
	else if (key_is_number(w->type))
		write_number(w, key, row);
	else
		write_other(w, key, row);
}

/* Keys of old rows that did not come; those that did have been dealt with. */
static void
delete_unmet(HistoryWriter *w, const Keyset *keys)
{
	TableScanDesc scan = table_beginscan(w->relation, w->snapshot, 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (key_find(keys, w->type, key_type_oid(w->type), tuple_key(w, tuple)) == KEYSET_NONE)
			table_writer_delete(w->writer, tuple);
	}
	table_endscan(scan);
}

static void
open_writer(HistoryWriter *w, const HistoryDef *history)
{
	*w = (HistoryWriter) {.type = history->basket_type, .snapshot = GetActiveSnapshot()};
	w->writer = table_writer_open(history->relation);
	w->relation = table_writer_relation(w->writer);
	if (build_table_is_empty(w->relation, w->snapshot))
		return;
	w->old = key_scan_open(w->relation, key_is_number(w->type) ? 0 : 1, w->snapshot);
	if (key_is_number(w->type))
	{
		key_scan_start(w->old, NULL);
		w->tuple = key_scan_next(w->old);
	}
}

static void
close_writer(HistoryWriter *w, const Keyset *keys)
{
	if (w->old && key_is_number(w->type))
		delete_up_to(w, true, 0);
	else if (w->old)
		delete_unmet(w, keys);
	if (w->old)
		key_scan_close(w->old);
	table_writer_close(w->writer);
}

static int64
write_history(BuildRows *rows, const HistoryDef *history)
{
	bool		begun = build_phase(PROGRESS_WRITING_HISTORY);
	HistoryRow	row = {0};
	HistoryWriter w;
	Datum		key;

	open_writer(&w, history);
	while (build_rows_next(rows, &key, &row))
		write_basket(&w, key, &row);
	close_writer(&w, build_rows_keys(rows));
	progress_end(begun);
	return w.num_baskets;
}

int64
build_history(HistoryDef *history, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize history", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CatalogDef *catalog = registry_catalog_by_id(history->catalog_id);
	ItemTable  *items = item_table_load(context, catalog);
	BuildRows  *rows = build_rows_read(context, history, items);

	number_items(rows, items, catalog);
	history->num_baskets = write_history(rows, history);
	history->built = true;
	report->baskets = history->num_baskets;
	build_rows_end(rows);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return history->num_baskets;
}
