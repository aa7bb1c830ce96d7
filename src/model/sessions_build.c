/*
 * sessions_build.c
 *		All rows of nearest sessions, from the history as it is.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/build_join.h"
#include "model/refresh_group.h"
#include "model/sessions.h"

typedef struct SessionsBuild
{
	const SessionsDef *def;
	const ItemTable *items;
	TableWriter *writer;
	KeyScan    *scan;			/* NULL: the table is empty */
	bool	   *met;			/* by code: the item has a row */
	RefreshReport *report;
} SessionsBuild;

static void
write_row(void *arg, const SessionsRow *row)
{
	SessionsBuild *b = arg;
	Datum		key = item_table_key(b->items, row->item);
	HeapTuple	old = NULL;

	b->met[row->item] = true;
	if (b->scan != NULL)
	{
		key_scan_start(b->scan, &key);
		old = key_scan_next(b->scan);
	}
	b->report->items += sessions_row_write(b->def, b->writer, old, key, row);
}

/* Rows of items that no session has any more, or that were put there by hand. */
static void
delete_others(SessionsBuild *b)
{
	Relation	relation = table_writer_relation(b->writer);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		Datum		key = heap_getattr(tuple, SESSIONS_ITEM, RelationGetDescr(relation), &isnull);
		uint32		code = key_find(&b->items->keys, b->items->type, key_type_oid(b->items->type), key);

		CHECK_FOR_INTERRUPTS();
		if (code != KEYSET_NONE && b->met[code])
			continue;
		table_writer_delete(b->writer, tuple);
		b->report->items++;
	}
	table_endscan(scan);
}

void
sessions_build(RefreshGroup *group, FollowerDef *follower, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize sessions build", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SessionsDef *def = (SessionsDef *) follower;
	HistoryDef *history = registry_history_by_id(follower->history_id);
	ItemTable  *items = item_table_load(context, group->catalog);
	SessionsBuild b = {def, items, table_writer_open(follower->relation), .report = report};

	b.met = MemoryContextAllocExtended(context, items->keys.size + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (!build_table_is_empty(table_writer_relation(b.writer), GetActiveSnapshot()))
		b.scan = key_scan_open(table_writer_relation(b.writer), 1, NULL);
	def->num_sessions = sessions_gather(def, history, items, NULL, 0, write_row, &b);
	if (b.scan != NULL)
	{
		key_scan_close(b.scan);
		delete_others(&b);
	}
	table_writer_close(b.writer);
	follower->built = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
