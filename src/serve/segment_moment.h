/*
 * segment_moment.h
 *		What a statement sees, and when it is: as long as both stay the same, so do answers about segments.
 */
#ifndef PERSONALIZE_SEGMENT_MOMENT_H
#define PERSONALIZE_SEGMENT_MOMENT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/snapshot.h"

typedef struct SegmentMoment
{
	TimestampTz at;				/* start of the statement, of a cursor its first use */
	SubTransactionId subtransaction;
	SnapshotData snapshot;		/* a copy, to be compared only */
} SegmentMoment;

/* Of the active snapshot, in the current memory context. */
extern void segment_moment_take(SegmentMoment *moment);
/* Whether it still is. */
extern bool segment_moment_holds(const SegmentMoment *moment);

#endif							/* PERSONALIZE_SEGMENT_MOMENT_H */
