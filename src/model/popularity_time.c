/*
 * popularity_time.c
 *		The time that scores are of, and what is too old for them.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "model/popularity_counts.h"
#include "model/refresh_group.h"

/* By the key, whose order is that of time. */
bool
popularity_last_quarter(const PopularityDef *def, int32 *quarter)
{
	Relation	counts = table_open(def->counts, AccessShareLock);
	KeyScan    *scan = key_scan_open(counts, COUNTER_NUM_KEYS, GetActiveSnapshot());
	Datum		keys[] = {
		PointerGetDatum(construct_empty_array(TEXTOID)), Int32GetDatum(POPULARITY_TIMES_CHUNK), Int16GetDatum(POPULARITY_TIMES)
	};
	CounterTableRow stored = {0};
	ServerEnv	server;
	HeapTuple	tuple;

	server_env_init(&server, CurrentMemoryContext);
	key_scan_start(scan, keys);
	tuple = key_scan_next(scan);
	if (tuple != NULL)
		counters_read_row(&server.env, counts, tuple, &stored);
	if (stored.row.size > 0)
		*quarter = stored.row.cell[stored.row.size - 1].epoch;
	key_scan_close(scan);
	table_close(counts, NoLock);
	return stored.row.size > 0;
}

bool
popularity_set_time(PopularityDef *def, bool any, int32 quarter)
{
	const Decay *decay = &def->decay[0];
	TimestampTz now = clock_now();
	TimestampTz was = def->as_of;
	bool		moved;

	if (any)
		now = Min(now, decay_quarter_end(decay, quarter));
	def->as_of = decay_tick(decay, now);
	moved = def->as_of != was;
	for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
	{
		int32		first = decay_first_epoch(&def->decay[what], def->as_of);

		moved = moved || first != def->first_epoch[what];
		def->first_epoch[what] = first;
	}
	return moved;
}

static bool
is_expired(const PopularityDef *def, int what, int32 epoch)
{
	if (what == POPULARITY_TIMES)
		return decay_quarter_epoch(epoch) < def->first_epoch[0];
	return what >= 0 && what < POPULARITY_MAX_WHAT && epoch < def->first_epoch[what];
}

/* Whether any was. */
static bool
drop_expired(const PopularityDef *def, CounterTableRow *stored)
{
	uint32		kept = 0;
	uint32		before = stored->row.size;

	for (uint32 c = 0; c < before; c++)
		if (!is_expired(def, stored->what, stored->row.cell[c].epoch))
			stored->row.cell[kept++] = stored->row.cell[c];
	stored->row.size = kept;
	return kept < before;
}

/* They are few, as epochs go by one at a time. */
void
popularity_delete_expired(const PopularityDef *def)
{
	TableWriter *writer = table_writer_open(def->counts);
	Relation	counts = table_writer_relation(writer);
	TableScanDesc scan = table_beginscan(counts, GetActiveSnapshot(), 0, NULL);
	CounterTableRow stored = {0};
	ServerEnv	server;
	HeapTuple	tuple;

	server_env_init(&server, CurrentMemoryContext);

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		counters_read_row(&server.env, counts, tuple, &stored);
		if (drop_expired(def, &stored))
			counters_replace_row(writer, tuple, &stored.row);
	}
	table_endscan(scan);
	table_writer_close(writer);
	refresh_see_own_writes();
}
