/*
 * sessions_gather.c
 *		The most recent sessions of items, from the rows of a history.
 *
 * One pass counts the sessions of each item, and so says how long each list will be; then a pass for each range of items
 * of which the lists fit into memory together.  For a few items the first pass is left out: their lists are at most `recent` long.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/progress.h"
#include "model/sessions.h"

#define NO_LIST PG_UINT32_MAX

/* What an allocated key costs beside its bytes. */
#define KEY_OVERHEAD 24

/* A list while sessions come in any order: a heap with the last of the order on top, full from `recent` on. */
typedef struct SessionList
{
	uint32		item;
	uint32		size;
	uint32		room;
	uint64		n;
	SessionEntry *entry;
} SessionList;

typedef struct SessionsGather
{
	/* immutable */
	const SessionsDef *def;
	const ItemTable *items;
	Relation	history;
	Snapshot	snapshot;
	bool		by_value;		/* keys of sessions */
	int16		key_length;
	Size		memory;			/* for lists */

	/* of the survey */
	uint64	   *n;				/* by code; NULL without one */
	int64		num_sessions;
	uint64		key_bytes;

	/* of a range */
	MemoryContext context;		/* lists and their keys */
	uint32	   *list_of;		/* by code, NO_LIST */
	SessionList *list;
	uint32		num_lists;
} SessionsGather;

typedef void (*SessionSeen) (SessionsGather *g, Datum key, const HistoryRow *row);

/* --- passes through the history ---------------------------------------------- */

static void
scan_sessions(SessionsGather *g, SessionSeen seen)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "personalize session", ALLOCSET_DEFAULT_SIZES);
	TableScanDesc scan = table_beginscan(g->history, g->snapshot, 0, NULL);
	ServerEnv	server;
	HistoryRow	row = {0};
	HeapTuple	tuple;

	server_env_init(&server, CurrentMemoryContext);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		history_row_read(&server.env, g->history, tuple, &row);
		history_row_guard_codes(g->history, &row, g->items->keys.size);
		if (sessions_counts(g->def, &row.basket))
			seen(g, heap_getattr(tuple, HISTORY_BASKET, RelationGetDescr(g->history), &isnull), &row);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	basket_release(&server.env, &row.basket);
	table_endscan(scan);
	MemoryContextDelete(scratch);
}

static void
survey_session(SessionsGather *g, Datum key, const HistoryRow *row)
{
	g->num_sessions++;
	if (!g->by_value)
		g->key_bytes += datumGetSize(key, g->by_value, g->key_length);
	for (uint32 e = 0; e < row->basket.size; e++)
		g->n[row->basket.entry[e].code]++;
}

/* --- lists ----------------------------------------------------------------- */

static bool
before(const SessionsGather *g, const SessionEntry *a, const SessionEntry *b)
{
	return sessions_compare(g->def->basket_type, a, b) < 0;
}

/* The heap above the last entry, which has just come. */
static void
rise(const SessionsGather *g, SessionList *list)
{
	SessionEntry moved = list->entry[list->size - 1];
	uint32		at = list->size - 1;

	while (at > 0 && before(g, &list->entry[(at - 1) / 2], &moved))
	{
		list->entry[at] = list->entry[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	list->entry[at] = moved;
}

/* The heap below the top, which has been replaced. */
static void
sink(const SessionsGather *g, SessionList *list)
{
	SessionEntry moved = list->entry[0];
	uint32		at = 0;

	for (uint32 child = 1; child < list->size; child = 2 * at + 1)
	{
		if (child + 1 < list->size && before(g, &list->entry[child], &list->entry[child + 1]))
			child++;
		if (!before(g, &moved, &list->entry[child]))
			break;
		list->entry[at] = list->entry[child];
		at = child;
	}
	list->entry[at] = moved;
}

static void
grow(SessionList *list, uint32 recent)
{
	list->room = Min(recent, list->room * 2 + 8);
	if (list->entry == NULL)
		list->entry = palloc(list->room * sizeof(SessionEntry));
	else
		list->entry = repalloc(list->entry, list->room * sizeof(SessionEntry));
}

/* In the memory of the range; a key is copied only when it gets into the list. */
static void
add_to_list(SessionsGather *g, SessionList *list, SessionEntry entry)
{
	bool		full = list->size == (uint32) g->def->recent;

	list->n++;
	if (full && !before(g, &entry, &list->entry[0]))
		return;
	entry.key = datumCopy(entry.key, g->by_value, g->key_length);
	if (full)
	{
		if (!g->by_value)
			pfree(DatumGetPointer(list->entry[0].key));
		list->entry[0] = entry;
		sink(g, list);
		return;
	}
	if (list->size == list->room)
		grow(list, g->def->recent);
	list->entry[list->size++] = entry;
	rise(g, list);
}

static void
list_session(SessionsGather *g, Datum key, const HistoryRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(g->context);

	for (uint32 e = 0; e < row->basket.size; e++)
	{
		uint32		l = g->list_of[row->basket.entry[e].code];

		if (l != NO_LIST)
			add_to_list(g, &g->list[l], (SessionEntry) {row->happened, key});
	}
	MemoryContextSwitchTo(old);
}

/* --- ranges ---------------------------------------------------------------- */

/* Bytes that the list of an item may take; the doubling of arrays included. */
static Size
list_size(const SessionsGather *g, uint32 item)
{
	uint64		length = g->n != NULL ? Min(g->n[item], (uint64) g->def->recent) : (uint64) g->def->recent;
	Size		key = g->by_value ? 0 : KEY_OVERHEAD + (g->num_sessions > 0 ? g->key_bytes / g->num_sessions : 32);

	return sizeof(SessionList) + length * (2 * sizeof(SessionEntry) + key);
}

static void
begin_list(SessionsGather *g, uint32 item)
{
	g->list_of[item] = g->num_lists;
	g->list[g->num_lists++] = (SessionList) {.item = item};
}

static void
put_lists(SessionsGather *g, SessionsSink sink, void *arg)
{
	for (uint32 l = 0; l < g->num_lists; l++)
	{
		SessionList *list = &g->list[l];
		SessionsRow row = {list->item, (double) list->n, list->size, list->entry};

		CHECK_FOR_INTERRUPTS();
		sessions_sort(g->def->basket_type, row.entry, row.size);
		sink(arg, &row);
		g->list_of[list->item] = NO_LIST;
	}
	g->num_lists = 0;
	MemoryContextReset(g->context);
}

/* From place `first` of the wanted codes on, as many as fit, one at least; returns the place after them. */
static uint32
choose_range(SessionsGather *g, const uint32 *code, uint32 first, uint32 n)
{
	Size		size = 0;
	uint32		end = first;

	g->list = MemoryContextAllocHuge(g->context, (n - first) * sizeof(SessionList));
	for (; end < n; end++)
	{
		size = add_size(size, list_size(g, code[end]));
		if (end > first && size > g->memory)
			break;
		begin_list(g, code[end]);
	}
	return end;
}

/* Codes that a session has, ascending. */
static uint32 *
counted_codes(const SessionsGather *g, uint32 *n)
{
	uint32	   *code = MemoryContextAllocHuge(CurrentMemoryContext, (g->items->keys.size + 1) * sizeof(uint32));

	*n = 0;
	for (uint32 c = 0; c < g->items->keys.size; c++)
		if (g->n[c] > 0)
			code[(*n)++] = c;
	return code;
}

static void
open_gather(SessionsGather *g, const HistoryDef *history)
{
	char		align;

	g->history = table_open(history->relation, AccessShareLock);
	g->snapshot = GetActiveSnapshot();
	get_typlenbyvalalign(key_type_oid(g->def->basket_type), &g->key_length, &g->by_value, &align);
	g->memory = (Size) maintenance_work_mem * 1024 / 2;
	g->context = AllocSetContextCreate(CurrentMemoryContext, "personalize session lists", ALLOCSET_DEFAULT_SIZES);
	g->list_of = MemoryContextAllocHuge(CurrentMemoryContext, (g->items->keys.size + 1) * sizeof(uint32));
	memset(g->list_of, 0xff, (g->items->keys.size + 1) * sizeof(uint32));
}

int64
sessions_gather(const SessionsDef *def, const HistoryDef *history, const ItemTable *items,
				const uint32 *only, uint32 num_only, SessionsSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize sessions", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SessionsGather		g = {.def = def, .items = items};
	int64		num_sessions;

	open_gather(&g, history);
	if (only == NULL)
	{
		g.n = MemoryContextAllocExtended(context, (items->keys.size + 1) * sizeof(uint64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
		scan_sessions(&g, survey_session);
		only = counted_codes(&g, &num_only);
	}
	for (uint32 first = 0; first < num_only;)
	{
		first = choose_range(&g, only, first, num_only);
		scan_sessions(&g, list_session);
		put_lists(&g, sink, arg);
	}
	num_sessions = g.num_sessions;
	table_close(g.history, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return num_sessions;
}
