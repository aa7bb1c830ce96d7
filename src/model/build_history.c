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

#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/build.h"
#include "model/build_join.h"

/* --- codes of new items -------------------------------------------------- */

typedef struct NewItem
{
	uint64		rows;
	uint32		place;			/* among the keys */
	uint32		code;			/* as it came */
} NewItem;

/* Ties by key, so that codes do not depend on the order of the rows. */
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

typedef struct HistoryWriter
{
	TableWriter *writer;
	int64		num_baskets;
} HistoryWriter;

/* Nothing is written where the row is right already. */
static void
write_basket(void *arg, Datum basket, const HistoryRow *row, HeapTuple old)
{
	HistoryWriter *w = arg;

	w->num_baskets += row->basket.size > 0;
	history_row_write(w->writer, old, basket, row);
}

/* Old and new side by side, in one pass. */
static int64
write_history(BuildRows *rows, const HistoryDef *history)
{
	bool		begun = build_phase(PROGRESS_WRITING_HISTORY);
	HistoryWriter w = {table_writer_open(history->relation), 0};

	build_join(rows, table_writer_relation(w.writer), history->basket_type, GetActiveSnapshot(), write_basket, &w);
	table_writer_close(w.writer);
	progress_end(begun);
	return w.num_baskets;
}

/* Codes are stored before any row that holds one. */
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
