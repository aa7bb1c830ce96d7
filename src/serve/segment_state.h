/*
 * segment_state.h
 *		Who is in a segment now, as one statement keeps it: the set as of the last refresh, corrected by whose timer is due since and whose rows
 *		have changed since, this transaction's own changes among them.
 */
#ifndef PERSONALIZE_SEGMENT_STATE_H
#define PERSONALIZE_SEGMENT_STATE_H

#include "postgres.h"

#include "fmgr.h"

#include "model/segment.h"

typedef struct SegmentState SegmentState;

/*
 * Of the segment, as the active snapshot and the start of the statement have it; kept in fn_extra of the call until another snapshot, command or statement.
 * Checks that the caller may read the segment.
 */
extern SegmentState *segment_state(FunctionCallInfo fcinfo, Oid segment);
/* The same for the life of a memory context. */
extern SegmentState *segment_state_open(MemoryContext context, Oid segment);
extern bool segment_state_has(const SegmentState *state, Datum key);

/* What has changed since the refresh: each customer once, in order of the keys. */
typedef struct SegmentCorrection
{
	Datum		key;
	int64		ordinal;
	bool		member;
} SegmentCorrection;

extern const SegmentCorrection *segment_state_corrections(const SegmentState *state, int *n);
extern const SegmentDef *segment_state_def(const SegmentState *state);

#endif							/* PERSONALIZE_SEGMENT_STATE_H */
