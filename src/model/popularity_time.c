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
	KeyScan    *scan = key_scan_open(counts, 3, GetActiveSnapshot());
	Datum		keys[] = {
		PointerGetDatum(construct_empty_array(TEXTOID)), Int32GetDatum(POPULARITY_TIMES_ITEM), Int16GetDatum(POPULARITY_TIMES)
	};
	HeapTuple	tuple;
	bool		any = false;

	key_scan_start(scan, keys);
	while ((tuple = key_scan_next(scan)) != NULL)
	{
		bool		isnull;

		*quarter = DatumGetInt32(heap_getattr(tuple, COUNTER_EPOCH, RelationGetDescr(counts), &isnull));
		any = true;
	}
	key_scan_close(scan);
	table_close(counts, NoLock);
	return any;
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
is_expired(const PopularityDef *def, Relation counts, HeapTuple tuple)
{
	bool		isnull;
	int			what = DatumGetInt16(heap_getattr(tuple, COUNTER_WHAT, RelationGetDescr(counts), &isnull));
	int32		epoch = DatumGetInt32(heap_getattr(tuple, COUNTER_EPOCH, RelationGetDescr(counts), &isnull));

	if (what == POPULARITY_TIMES)
		return decay_quarter_epoch(epoch) < def->first_epoch[0];
	return what >= 0 && what < POPULARITY_MAX_WHAT && epoch < def->first_epoch[what];
}

/* Rows of epochs that have gone by for good: they are few, as they go by one at a time. */
void
popularity_delete_expired(const PopularityDef *def)
{
	TableWriter *writer = table_writer_open(def->counts);
	Relation	counts = table_writer_relation(writer);
	TableScanDesc scan = table_beginscan(counts, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_expired(def, counts, tuple))
			table_writer_delete(writer, tuple);
	}
	table_endscan(scan);
	table_writer_close(writer);
	refresh_see_own_writes();
}
