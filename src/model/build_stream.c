/*
 * build_stream.c
 *		The baskets of a model, one after the other, from the tables of its histories.
 *
 * One history is read as it lies in its table.  Two are read by their keys' indexes and joined
 * like two decks of cards, so that any number of passes needs no memory.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "model/build_stream.h"
#include "model/model_rows.h"

static const Basket no_basket = {0, 0, NULL};

/* One history being read; its baskets live until the next one. */
typedef struct Side
{
	const HistoryDef *history;
	Relation	relation;
	uint32		num_items;
	ServerEnv	server;
	MemoryContext row_context;	/* what reading a row leaves behind */
	HistoryRow	row;

	/* only where two are joined */
	KeyScan    *scan;
	HeapTuple	tuple;
	Datum		key;
} Side;

/* Against DDL only: whoever reads or writes rows is not in the way. */
static void
open_side(Side *side, const HistoryDef *history, uint32 num_items)
{
	*side = (Side) {.history = history, .num_items = num_items};
	side->relation = table_open(history->relation, AccessShareLock);
	server_env_init(&side->server, CurrentMemoryContext);
	side->row_context = AllocSetContextCreate(CurrentMemoryContext, "personalize history row", ALLOCSET_SMALL_SIZES);
}

static void
close_side(Side *side)
{
	env_release(&side->server.env, side->row.basket.entry);
	MemoryContextDelete(side->row_context);
	/* the lock stays, as what was read is relied on */
	table_close(side->relation, NoLock);
}

/* Decoded into arrays that are kept; what detoasting allocates goes at once. */
static void
read_side(Side *side, HeapTuple tuple)
{
	MemoryContext old = MemoryContextSwitchTo(side->row_context);

	history_row_read(&side->server.env, side->relation, tuple, &side->row);
	MemoryContextSwitchTo(old);
	MemoryContextReset(side->row_context);
	history_row_guard_codes(side->relation, &side->row, side->num_items);
}

/* As it lies in the table: the order of baskets changes no sum. */
static void
stream_one(const HistoryDef *history, uint32 num_items, BasketSink sink, void *arg)
{
	Side		side;
	TableScanDesc scan;
	HeapTuple	tuple;

	open_side(&side, history, num_items);
	scan = table_beginscan(side.relation, GetActiveSnapshot(), 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		read_side(&side, tuple);
		if (side.row.basket.size > 0)
			sink(arg, &side.row.basket, NULL);
	}
	table_endscan(scan);
	close_side(&side);
}

/* --- two histories -------------------------------------------------------- */

/* The order of the index. */
static int
compare_keys(KeyType type, Datum a, Datum b)
{
	if (key_is_number(type))
	{
		int64		x = key_number(type, a);
		int64		y = key_number(type, b);

		return x < y ? -1 : x > y;
	}
	if (type == KEY_UUID)
		return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN);
	else
	{
		text	   *x = DatumGetTextPP(a);
		text	   *y = DatumGetTextPP(b);
		Size		nx = VARSIZE_ANY_EXHDR(x);
		Size		ny = VARSIZE_ANY_EXHDR(y);
		int			order = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), Min(nx, ny));

		return order != 0 ? order : nx < ny ? -1 : nx > ny;
	}
}

/* The basket is decoded when its row is met, so each row is read once.  Rows of empty baskets are not met. */
static void
advance(Side *side)
{
	bool		isnull;

	do
	{
		side->tuple = key_scan_next(side->scan);
		if (side->tuple == NULL)
			return;
		read_side(side, side->tuple);
	} while (side->row.basket.size == 0);
	side->key = heap_getattr(side->tuple, HISTORY_BASKET, RelationGetDescr(side->relation), &isnull);
}

/* The primary key's index is the order that both have in common. */
static void
open_joined(Side *side, const HistoryDef *history, uint32 num_items)
{
	open_side(side, history, num_items);
	side->scan = key_scan_open(side->relation, 0, GetActiveSnapshot());
	key_scan_start(side->scan, NULL);
	advance(side);
}

static void
close_joined(Side *side)
{
	key_scan_close(side->scan);
	close_side(side);
}

/* A basket that only one of them has counts, too: for the n of its items and the total. */
static void
stream_two(const HistoryDef *history, const HistoryDef *target, uint32 num_items, BasketSink sink, void *arg)
{
	Side		s;
	Side		t;

	open_joined(&s, history, num_items);
	open_joined(&t, target, num_items);
	while (s.tuple != NULL || t.tuple != NULL)
	{
		int			order = s.tuple == NULL ? 1 : t.tuple == NULL ? -1 : compare_keys(history->basket_type, s.key, t.key);

		CHECK_FOR_INTERRUPTS();
		sink(arg, order <= 0 ? &s.row.basket : &no_basket, order >= 0 ? &t.row.basket : &no_basket);
		if (order <= 0)
			advance(&s);
		if (order >= 0)
			advance(&t);
	}
	close_joined(&s);
	close_joined(&t);
}

/* Everything that a pass allocates goes with it, as there may be many passes. */
void
build_stream(const HistoryDef *history, const HistoryDef *target, uint32 num_items, BasketSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize stream", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (target)
		stream_two(history, target, num_items, sink, arg);
	else
		stream_one(history, num_items, sink, arg);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
