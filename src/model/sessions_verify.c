/*
 * sessions_verify.c
 *		Whether nearest sessions are exact: made again from the history, and compared.
 */
#include "base/compat.h"

#include <math.h>

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/sessions.h"
#include "model/verify.h"

typedef struct SessionsCheck
{
	const SessionsDef *def;
	const ItemTable *items;
	Relation	face;
	KeyScan    *scan;
	bool	   *met;			/* by code: the item has to have a row */
	VerifySink	sink;
	void	   *arg;
	MemoryContext scratch;		/* reset after each item */
} SessionsCheck;

static char *
item_text(const SessionsCheck *c, uint32 code)
{
	return verify_key_text(c->items->type, item_table_key(c->items, code));
}

/* Place by place: the order is total, so there is one right list. */
static void
compare_lists(const SessionsCheck *c, const SessionsRow *stored, const SessionsRow *expected)
{
	KeyType		type = c->def->basket_type;

	if (stored->size != expected->size)
		c->sink(c->arg, "sessions", item_text(c, expected->item), NULL, stored->size, expected->size);
	for (uint32 i = 0; i < Min(stored->size, expected->size); i++)
		if (sessions_compare(type, &stored->entry[i], &expected->entry[i]) != 0)
			c->sink(c->arg, "sessions", item_text(c, expected->item), verify_key_text(type, expected->entry[i].key), NAN, i + 1);
}

static void
compare_row(void *arg, const SessionsRow *expected)
{
	SessionsCheck *c = arg;
	MemoryContext old = MemoryContextSwitchTo(c->scratch);
	Datum		key = item_table_key(c->items, expected->item);
	SessionsRow stored = {expected->item};
	HeapTuple	tuple;

	c->met[expected->item] = true;
	key_scan_start(c->scan, &key);
	tuple = key_scan_next(c->scan);
	if (tuple == NULL)
		c->sink(c->arg, "face", item_text(c, expected->item), NULL, 0, 1);
	else
	{
		sessions_row_read(c->def, c->face, tuple, &stored);
		if (stored.n != expected->n)
			c->sink(c->arg, "n", item_text(c, expected->item), NULL, stored.n, expected->n);
		compare_lists(c, &stored, expected);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(c->scratch);
}

/* Rows of items that no session has. */
static void
find_others(const SessionsCheck *c)
{
	TableScanDesc scan = table_beginscan(c->face, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		Datum		key = heap_getattr(tuple, SESSIONS_ITEM, RelationGetDescr(c->face), &isnull);
		uint32		code = key_find(&c->items->keys, c->items->type, key_type_oid(c->items->type), key);

		CHECK_FOR_INTERRUPTS();
		if (code == KEYSET_NONE || !c->met[code])
			c->sink(c->arg, "face", verify_key_text(c->items->type, key), NULL, 1, 0);
	}
	table_endscan(scan);
}

void
sessions_verify(FollowerDef *follower, VerifySink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize sessions verify", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SessionsDef *def = (SessionsDef *) follower;
	HistoryDef *history = registry_history_by_id(follower->history_id);
	SessionsCheck c = {.def = def, .sink = sink, .arg = arg};
	int64		num_sessions;

	sessions_as_seen(def);
	c.items = item_table_load(context, registry_catalog_by_id(history->catalog_id));
	c.face = table_open(follower->relation, AccessShareLock);
	c.scan = key_scan_open(c.face, 1, NULL);
	c.met = MemoryContextAllocExtended(context, c.items->keys.size + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	c.scratch = AllocSetContextCreate(context, "personalize verify item", ALLOCSET_DEFAULT_SIZES);
	num_sessions = sessions_gather(def, history, c.items, NULL, 0, compare_row, &c);
	if (num_sessions != def->num_sessions)
		sink(arg, "total", NULL, NULL, def->num_sessions, num_sessions);
	find_others(&c);
	key_scan_close(c.scan);
	table_close(c.face, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
