/*
 * segment_stored.c
 *		Rows of a segment's tables, read without the executor: a point look-up must not cost a plan.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/table_writer.h"
#include "serve/segment_stored.h"

bool
segment_stored_member(const SegmentDef *def, Datum key)
{
	Relation	face = table_open(def->relation, AccessShareLock);
	KeyScan    *scan = key_scan_open(face, 1, NULL);
	bool		found;

	key_scan_start(scan, &key);
	found = key_scan_next(scan) != NULL;
	key_scan_close(scan);
	table_close(face, NoLock);
	return found;
}

/* --- whole tables ----------------------------------------------------------- */

/* What a row is for; false: that is enough. */
typedef bool (*SlotSink) (void *arg, TupleTableSlot *slot);

static void
scan_table(Oid table, SlotSink sink, void *arg)
{
	Relation	relation = table_open(table, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!sink(arg, slot))
			break;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
}

typedef struct KeyRows
{
	SegmentKeySink sink;
	void	   *arg;
} KeyRows;

static bool
take_key(void *arg, TupleTableSlot *slot)
{
	KeyRows    *rows = arg;
	bool		isnull;

	return rows->sink(rows->arg, slot_getattr(slot, SEGMENT_CUSTOMER, &isnull));
}

void
segment_stored_members(const SegmentDef *def, SegmentKeySink sink, void *arg)
{
	KeyRows		rows = {sink, arg};

	scan_table(def->relation, take_key, &rows);
}

/* --- timers ----------------------------------------------------------------- */

static void
due_in_table(Oid table, AttrNumber timer, TimestampTz as_of, SegmentKeySink sink, void *arg)
{
	Relation	relation = table_open(table, AccessShareLock);
	KeyScan    *scan = key_scan_open_up_to(relation, timer, NULL);
	Datum		limit = TimestampTzGetDatum(as_of);
	HeapTuple	row;
	bool		isnull;
	bool		goes_on = true;

	key_scan_start(scan, &limit);
	while (goes_on && (row = key_scan_next(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		goes_on = sink(arg, heap_getattr(row, SEGMENT_CUSTOMER, RelationGetDescr(relation), &isnull));
	}
	key_scan_close(scan);
	table_close(relation, NoLock);
}

void
segment_stored_due(const SegmentDef *def, TimestampTz as_of, SegmentKeySink sink, void *arg)
{
	due_in_table(def->relation, SEGMENT_STABLE_UNTIL, as_of, sink, arg);
	due_in_table(def->outside, OUTSIDE_STABLE_UNTIL, as_of, sink, arg);
}

/* --- chunks ----------------------------------------------------------------- */

typedef struct ChunkRows
{
	const SegmentDef *def;
	SegmentChunkSink sink;
	void	   *arg;
} ChunkRows;

static bool
take_chunk(void *arg, TupleTableSlot *slot)
{
	ChunkRows  *rows = arg;
	bool		isnull;
	int64		number = DatumGetInt64(slot_getattr(slot, SEGMENT_SET_CHUNK, &isnull));
	struct varlena *stored = (struct varlena *) DatumGetPointer(slot_getattr(slot, SEGMENT_SET_MEMBERS, &isnull));
	struct varlena *bytes = pg_detoast_datum_packed(stored);
	OrdinalChunk chunk;
	bool		goes_on;

	if (!ordinal_chunk_decode(number, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &chunk))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chunk " INT64_FORMAT " of %s is damaged", number, registry_name(rows->def->set)),
				 errhint("CALL personalize.refresh(..., rebuild => true) writes it anew.")));
	goes_on = rows->sink(rows->arg, &chunk);
	if (bytes != stored)
		pfree(bytes);
	return goes_on;
}

void
segment_stored_chunks(const SegmentDef *def, SegmentChunkSink sink, void *arg)
{
	ChunkRows	rows = {def, sink, arg};

	scan_table(def->set, take_chunk, &rows);
}

BlockNumber
segment_stored_chunk_blocks(const SegmentDef *def)
{
	Relation	set = table_open(def->set, AccessShareLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(set);

	table_close(set, NoLock);
	return blocks;
}
