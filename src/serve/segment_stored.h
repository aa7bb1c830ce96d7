/*
 * segment_stored.h
 *		Rows of a segment's tables, as the active snapshot sees them.
 */
#ifndef PERSONALIZE_SEGMENT_STORED_H
#define PERSONALIZE_SEGMENT_STORED_H

#include "postgres.h"

#include "storage/block.h"

#include "kernel/ordinal_set.h"
#include "model/segment.h"

/* The key is good until it returns; false: that is enough. */
typedef bool (*SegmentKeySink) (void *arg, Datum key);
typedef bool (*SegmentChunkSink) (void *arg, const OrdinalChunk *chunk);

/* Whether it is a row of the face. */
extern bool segment_stored_member(const SegmentDef *def, Datum key);
/* Members as of the last refresh, in no order. */
extern void segment_stored_members(const SegmentDef *def, SegmentKeySink sink, void *arg);
/* Whose timer is due at that instant, members and others, in no order. */
extern void segment_stored_due(const SegmentDef *def, TimestampTz as_of, SegmentKeySink sink, void *arg);
extern void segment_stored_chunks(const SegmentDef *def, SegmentChunkSink sink, void *arg);
/* How large the chunks are. */
extern BlockNumber segment_stored_chunk_blocks(const SegmentDef *def);

#endif							/* PERSONALIZE_SEGMENT_STORED_H */
