/*
 * segment_chunks.c
 *		The set of a segment: its members once more, as chunks of bits.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "model/model_rows.h"
#include "model/segment_pass.h"

typedef struct ChunkRows
{
	SegmentPass *pass;
	PassSegment *segment;
	TableWriter *writer;
	Relation	relation;
	KeyScan    *scan;
} ChunkRows;

static void
open_chunks(ChunkRows *rows, SegmentPass *pass, PassSegment *segment, int num_keys)
{
	rows->pass = pass;
	rows->segment = segment;
	rows->writer = table_writer_open(segment->def->set);
	rows->relation = table_writer_relation(rows->writer);
	rows->scan = key_scan_open(rows->relation, num_keys, GetActiveSnapshot());
}

static void
close_chunks(ChunkRows *rows)
{
	key_scan_close(rows->scan);
	table_writer_close(rows->writer);
}

/* In the memory of the tuple. */
static bytea *
stored_bytes(const ChunkRows *rows, HeapTuple row)
{
	bool		isnull;
	Datum		bytes = heap_getattr(row, SEGMENT_SET_MEMBERS, RelationGetDescr(rows->relation), &isnull);

	return isnull ? NULL : DatumGetByteaPP(bytes);
}

static int64
stored_number(const ChunkRows *rows, HeapTuple row)
{
	bool		isnull;

	return DatumGetInt64(heap_getattr(row, SEGMENT_SET_CHUNK, RelationGetDescr(rows->relation), &isnull));
}

/* A chunk without members has no row; one that is the same is left as it is. */
static void
write_chunk(ChunkRows *rows, HeapTuple old, const OrdinalChunk *chunk)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(rows->writer));
	bytea	   *bytes = palloc(VARHDRSZ + ORDINAL_MAX_CHUNK);
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	SET_VARSIZE(bytes, VARHDRSZ + ordinal_chunk_encode(chunk, (unsigned char *) VARDATA(bytes)));
	table_writer_blank(rows->writer, &values, &nulls, &replace);
	values[SEGMENT_SET_CHUNK - 1] = Int64GetDatum(chunk->number);
	values[SEGMENT_SET_MEMBERS - 1] = PointerGetDatum(bytes);
	nulls[SEGMENT_SET_CHUNK - 1] = nulls[SEGMENT_SET_MEMBERS - 1] = false;
	replace[SEGMENT_SET_MEMBERS - 1] = true;
	if (old == NULL && chunk->count > 0)
		table_writer_insert(rows->writer, values, nulls);
	else if (old != NULL && chunk->count == 0)
		table_writer_delete(rows->writer, old);
	else if (old != NULL && !model_row_same_bytes(PointerGetDatum(stored_bytes(rows, old)), false, PointerGetDatum(bytes)))
		table_writer_update(rows->writer, old, values, nulls, replace);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(rows->writer));
}

/* ---------------------------------------------------------------- some members */

static int
compare_flips(const void *a, const void *b)
{
	int64		x = ((const SegmentFlip *) a)->ordinal;
	int64		y = ((const SegmentFlip *) b)->ordinal;

	return (x > y) - (x < y);
}

static void
read_bitmap(const ChunkRows *rows, HeapTuple row, int64 number, unsigned char *bitmap)
{
	bytea	   *bytes = row == NULL ? NULL : stored_bytes(rows, row);
	OrdinalChunk chunk;

	if (bytes == NULL)
		ordinal_chunk_decode(number, NULL, 0, &chunk);
	else if (!ordinal_chunk_decode(number, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &chunk))
		model_row_damaged(rows->relation, row, SEGMENT_SET_CHUNK, "It is no chunk of a set.");
	ordinal_chunk_bitmap(&chunk, bitmap);
}

/* From the first of a chunk on; returns the place after the last. */
static uint64
change_chunk(ChunkRows *rows, const SegmentFlip *flips, uint64 at, uint64 n)
{
	int64		number = ordinal_chunk_number(flips[at].ordinal);
	Datum		key = Int64GetDatum(number);
	unsigned char bitmap[ORDINAL_BITMAP];
	OrdinalChunk chunk;
	HeapTuple	row;

	key_scan_start(rows->scan, &key);
	row = key_scan_next(rows->scan);
	read_bitmap(rows, row, number, bitmap);
	for (; at < n && ordinal_chunk_number(flips[at].ordinal) == number; at++)
	{
		uint32		place = ordinal_place(flips[at].ordinal);
		unsigned char bit = 1 << place % 8;

		bitmap[place / 8] = flips[at].member ? bitmap[place / 8] | bit : bitmap[place / 8] & ~bit;
	}
	chunk = ordinal_chunk_of_bitmap(number, bitmap);
	write_chunk(rows, row, &chunk);
	return at;
}

static void
write_flips(SegmentPass *pass, PassSegment *segment)
{
	ChunkRows	rows;

	if (segment->num_flips == 0)
		return;
	qsort(segment->flips, segment->num_flips, sizeof(SegmentFlip), compare_flips);
	open_chunks(&rows, pass, segment, 1);
	for (uint64 at = 0; at < segment->num_flips;)
	{
		CHECK_FOR_INTERRUPTS();
		at = change_chunk(&rows, segment->flips, at, segment->num_flips);
	}
	close_chunks(&rows);
	for (uint64 i = 0; i < segment->num_flips; i++)
		segment->def->num_members += segment->flips[i].member ? 1 : -1;
}

/* ---------------------------------------------------------------- all members */

static void
delete_chunk(ChunkRows *rows, HeapTuple row)
{
	OrdinalChunk none;

	ordinal_chunk_decode(stored_number(rows, row), NULL, 0, &none);
	write_chunk(rows, row, &none);
}

/* Both ascend. */
static void
write_all(SegmentPass *pass, PassSegment *segment)
{
	OrdinalSetCursor all;
	OrdinalCursor *cursor = ordinal_set_open(&all, segment->members);
	OrdinalChunk chunk;
	ChunkRows	rows;
	HeapTuple	row;

	open_chunks(&rows, pass, segment, 0);
	key_scan_start(rows.scan, NULL);
	row = key_scan_next(rows.scan);
	while (cursor->next(cursor, &chunk))
	{
		CHECK_FOR_INTERRUPTS();
		for (; row != NULL && stored_number(&rows, row) < chunk.number; row = key_scan_next(rows.scan))
			delete_chunk(&rows, row);
		if (row == NULL || stored_number(&rows, row) > chunk.number)
			write_chunk(&rows, NULL, &chunk);
		else
		{
			write_chunk(&rows, row, &chunk);
			row = key_scan_next(rows.scan);
		}
	}
	for (; row != NULL; row = key_scan_next(rows.scan))
		delete_chunk(&rows, row);
	close_chunks(&rows);
	segment->def->num_members = (int64) ordinal_set_count(segment->members);
}

void
segment_write_chunks(SegmentPass *pass, PassSegment *segment)
{
	if (segment->whole)
		write_all(pass, segment);
	else
		write_flips(pass, segment);
}
