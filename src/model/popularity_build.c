/*
 * popularity_build.c
 *		Popularity from its history as it is: to be written, or to be compared.
 *
 * Counters are kept in memory for as many items as there is room for, and the history passes by once for each range of items.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/change_log.h"
#include "model/popularity_counts.h"
#include "model/refresh_group.h"
#include "model/table_layout.h"
#include "model/verify.h"

#define BATCH_BASKETS 1000

/* One pass over the baskets of the history, each with that of the target. */
typedef struct Stream
{
	PopularityDef *def;
	HistoryDef *history;
	ItemTable  *items;
	ServerEnv	server;			/* rows are decoded into arrays that are kept */
	MemoryContext row_context;
	Relation	relation;
	HistoryRow	row;
	Relation	target;			/* NULL: none */
	KeyScan    *target_scan;
	HistoryRow	target_row;
} Stream;

typedef void (*StreamSink) (void *arg, Datum basket, const HistoryRow *row, const HistoryRow *target);

static void
open_stream(Stream *stream, PopularityDef *def, ItemTable *items)
{
	memset(stream, 0, sizeof(Stream));
	stream->def = def;
	stream->items = items;
	stream->history = registry_require_history_of(def->follower.relation, def->follower.history_id);
	server_env_init(&stream->server, CurrentMemoryContext);
	stream->row_context = AllocSetContextCreate(CurrentMemoryContext, "personalize history row", ALLOCSET_SMALL_SIZES);
	stream->relation = table_open(stream->history->relation, AccessShareLock);
	if (def->follower.target_id != 0)
	{
		HistoryDef *target = registry_require_history_of(def->follower.relation, def->follower.target_id);

		stream->target = table_open(target->relation, AccessShareLock);
		stream->target_scan = key_scan_open(stream->target, 1, GetActiveSnapshot());
	}
}

static void
close_stream(Stream *stream)
{
	if (stream->target)
	{
		key_scan_close(stream->target_scan);
		table_close(stream->target, NoLock);
	}
	table_close(stream->relation, NoLock);
	MemoryContextDelete(stream->row_context);
	basket_release(&stream->server.env, &stream->row.basket);
	basket_release(&stream->server.env, &stream->target_row.basket);
}

static const HistoryRow *
read_target(Stream *stream, Datum basket)
{
	HeapTuple	tuple;

	if (stream->target == NULL)
		return NULL;
	key_scan_start(stream->target_scan, &basket);
	tuple = key_scan_next(stream->target_scan);
	if (tuple == NULL)
		stream->target_row.basket.size = 0;
	else
	{
		history_row_read(&stream->server.env, stream->target, tuple, &stream->target_row);
		history_row_guard_codes(stream->target, &stream->target_row, stream->items->keys.size);
	}
	return &stream->target_row;
}

static void
run_stream(Stream *stream, StreamSink sink, void *arg)
{
	TableScanDesc scan = table_beginscan(stream->relation, GetActiveSnapshot(), 0, NULL);
	MemoryContext caller = MemoryContextSwitchTo(stream->row_context);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		Datum		basket = heap_getattr(tuple, HISTORY_BASKET, RelationGetDescr(stream->relation), &isnull);

		CHECK_FOR_INTERRUPTS();
		history_row_read(&stream->server.env, stream->relation, tuple, &stream->row);
		history_row_guard_codes(stream->relation, &stream->row, stream->items->keys.size);
		if (stream->row.basket.size > 0)
			sink(arg, basket, &stream->row, read_target(stream, basket));
		MemoryContextReset(stream->row_context);
	}
	MemoryContextSwitchTo(caller);
	table_endscan(scan);
}

/* ---------------------------------------------------------------- counters */

typedef struct Counting
{
	PopularityDef *def;
	CounterSet *set;
	Members    *members;		/* NULL: no segments */
	uint32		first;			/* items that are counted in this pass */
	uint32		end;
} Counting;

static void
count_basket(void *arg, Datum basket, const HistoryRow *row, const HistoryRow *target)
{
	Counting   *c = arg;
	ArrayType  *member = c->members ? members_find(c->members, basket) : NULL;
	uint32		segment = member ? counters_segment(c->set, PointerGetDatum(member)) : SEGMENT_SHOP;

	counters_add_basket(c->set, c->def, segment, 1, row, target, c->first, c->end);
	if (c->first == 0)
		counters_add_time(c->set, c->def, 1, row, true);
	if (counters_are_full(c->set))
		c->end = counters_shrink(c->set, c->first, c->end);
}

/* Codes go by popularity, and so do counters: the first ranges are the short ones. */
static void
count_all(Stream *stream, Size memory, VerifySink sink, void *arg)
{
	PopularityDef *def = stream->def;
	Counting	c = {.def = def};
	Members		members;

	c.set = counters_create(CurrentMemoryContext, memory);
	if (OidIsValid(def->members))
	{
		members_open(&members, def->members, false);
		c.members = &members;
	}
	do
	{
		c.first = c.end;
		c.end = Max(stream->items->keys.size, 1);
		run_stream(stream, count_basket, &c);
		counters_replace(c.set, def, stream->items, c.first, c.end, sink, arg);
		counters_clear(c.set);
	} while (c.end < stream->items->keys.size);
	if (c.members)
		members_close(c.members);
	counters_free(c.set);
}

/* ---------------------------------------------------------------- members */

/* Baskets of the history, a batch at a time, with their segments. */
typedef struct Joining
{
	Stream	   *stream;
	Members		members;
	MemoryContext context;		/* of a batch */
	int			n;
	Datum		key[BATCH_BASKETS];
	ArrayType  *segment[BATCH_BASKETS];
	Keyset	   *place;			/* of the keys */
	Keyset	   *pending;		/* baskets that are not compared; NULL: none */
	VerifySink	sink;			/* NULL: to be written */
	void	   *arg;
} Joining;

static Oid
basket_oid(const Joining *j)
{
	return key_type_oid(j->stream->history->basket_type);
}

static void
take_segment(void *arg, Datum basket, Datum segment)
{
	Joining    *j = arg;
	uint32		place = key_find(j->place, j->stream->history->basket_type, basket_oid(j), basket);

	if (place == KEYSET_NONE)
		elog(ERROR, "a segment comes for a basket that was not asked for");
	j->segment[place] = (ArrayType *) PG_DETOAST_DATUM_COPY(segment);
}

static void
compare_member(Joining *j, Datum basket, ArrayType *expected)
{
	KeyType		type = j->stream->history->basket_type;
	ArrayType  *stored = members_find(&j->members, basket);

	if (j->pending && j->pending->size > 0 && key_find(j->pending, type, basket_oid(j), basket) != KEYSET_NONE)
		return;
	if ((stored == NULL) != (expected == NULL) ||
		(stored && !model_row_same_bytes(PointerGetDatum(stored), false, PointerGetDatum(expected))))
		j->sink(j->arg, "segment", verify_key_text(type, basket), segment_text(PointerGetDatum(expected ? expected : stored)),
				stored != NULL, expected != NULL);
}

static void
end_batch(Joining *j)
{
	MemoryContext caller = MemoryContextSwitchTo(j->context);
	ServerEnv	server;
	Keyset		place;

	server_env_init(&server, j->context);
	keyset_init(&server.env, &place, key_is_number(j->stream->history->basket_type));
	for (int i = 0; i < j->n; i++)
		key_add(&server.env, &place, j->stream->history->basket_type, j->key[i]);
	j->place = &place;
	memset(j->segment, 0, sizeof(j->segment));
	segments_fetch(j->stream->def, j->stream->history->basket_type, j->key, j->n, take_segment, j);
	for (int i = 0; i < j->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (j->sink)
			compare_member(j, j->key[i], j->segment[i]);
		else
		{
			members_find(&j->members, j->key[i]);
			members_set(&j->members, j->key[i], j->segment[i]);
		}
	}
	j->n = 0;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(j->context);
}

static void
join_basket(void *arg, Datum basket, const HistoryRow *row, const HistoryRow *target)
{
	Joining    *j = arg;
	KeyType		type = j->stream->history->basket_type;
	MemoryContext caller = MemoryContextSwitchTo(j->context);

	j->key[j->n++] = datumCopy(basket, key_is_number(type), type == KEY_UUID ? 16 : -1);
	MemoryContextSwitchTo(caller);
	if (j->n == BATCH_BASKETS)
		end_batch(j);
}

static bool
is_counted(Stream *stream, KeyScan *scan, Datum basket)
{
	HeapTuple	tuple;

	key_scan_start(scan, &basket);
	tuple = key_scan_next(scan);
	if (tuple == NULL)
		return false;
	history_row_read(&stream->server.env, stream->relation, tuple, &stream->row);
	return stream->row.basket.size > 0;
}

/* Members of baskets that the history does not have. */
static void
find_strangers(Joining *j)
{
	Stream	   *stream = j->stream;
	TableScanDesc scan = table_beginscan(j->members.relation, GetActiveSnapshot(), 0, NULL);
	KeyScan    *history = key_scan_open(stream->relation, 1, GetActiveSnapshot());
	MemoryContext caller = MemoryContextSwitchTo(j->context);
	HeapTuple	tuple;
	bool		isnull;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Datum		basket = heap_getattr(tuple, MEMBER_BASKET, RelationGetDescr(j->members.relation), &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!is_counted(stream, history, basket))
		{
			if (j->sink)
				j->sink(j->arg, "segment", verify_key_text(stream->history->basket_type, basket), NULL, 1, 0);
			else
				table_writer_delete(j->members.writer, tuple);
		}
		MemoryContextReset(j->context);
	}
	MemoryContextSwitchTo(caller);
	key_scan_close(history);
	table_endscan(scan);
}

static void
join_members(Stream *stream, Keyset *pending, VerifySink sink, void *arg)
{
	Joining    *j = palloc0(sizeof(Joining));

	j->stream = stream;
	j->pending = pending;
	j->sink = sink;
	j->arg = arg;
	j->context = AllocSetContextCreate(CurrentMemoryContext, "personalize members", ALLOCSET_DEFAULT_SIZES);
	members_open(&j->members, stream->def->members, sink == NULL);
	run_stream(stream, join_basket, j);
	if (j->n > 0)
		end_batch(j);
	find_strangers(j);
	members_close(&j->members);
	MemoryContextDelete(j->context);
	pfree(j);
}

/* ---------------------------------------------------------------- time */

static void
look_at_time(void *arg, Datum basket, const HistoryRow *row, const HistoryRow *target)
{
	TimestampTz *last = arg;

	*last = Max(*last, row->happened);
}

/* A pass of its own: what counts depends on it. */
static void
find_time(Stream *stream)
{
	PopularityDef *def = stream->def;
	TimestampTz last = DT_NOBEGIN;

	if (def->decay[0].half_life != 0)
		run_stream(stream, look_at_time, &last);
	popularity_set_time(def, last != DT_NOBEGIN, last == DT_NOBEGIN ? 0 : decay_quarter(&def->decay[0], counters_time(last)));
}

/* ---------------------------------------------------------------- build */

void
popularity_build(struct RefreshGroup *group, FollowerDef *follower, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize popularity build", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	PopularityDef *def = (PopularityDef *) follower;
	ItemTable  *items = item_table_load(context, group->catalog);
	Stream		stream;

	open_stream(&stream, def, items);
	find_time(&stream);
	if (OidIsValid(def->members))
	{
		join_members(&stream, NULL, NULL, NULL);
		refresh_see_own_writes();
	}
	count_all(&stream, (Size) maintenance_work_mem * 1024 / 2, NULL, NULL);
	close_stream(&stream);
	refresh_see_own_writes();
	report->items = popularity_write_faces(def, items);
	follower->built = true;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---------------------------------------------------------------- verify */

/* Where everything may have changed nothing is compared with the shop. */
static void
verify_members(Stream *stream, VerifySink sink, void *arg)
{
	ServerEnv	server;
	LogContents log;

	server_env_init(&server, CurrentMemoryContext);
	change_log_read(&server.env, stream->history->log, stream->history->basket_type, GetActiveSnapshot(), false, &log);
	if (!log.all)
		join_members(stream, &log.keys, sink, arg);
}

/* Three steps: segments with the shop's relation, counters with history and segments, lists with counters. */
void
popularity_verify(FollowerDef *follower, VerifySink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize verify popularity", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	PopularityDef *def = (PopularityDef *) follower;
	HistoryDef *history = registry_require_history_of(follower->relation, follower->history_id);
	ItemTable  *items = item_table_load(context, registry_catalog_by_id(history->catalog_id));
	Stream		stream;

	popularity_as_seen(def);
	open_stream(&stream, def, items);
	if (OidIsValid(def->members))
		verify_members(&stream, sink, arg);
	count_all(&stream, (Size) maintenance_work_mem * 1024 / 2, sink, arg);
	close_stream(&stream);
	popularity_compare_faces(def, items, sink, arg);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
