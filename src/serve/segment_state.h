/*
 * segment_state.h
 *		Who is in a segment now, as one statement keeps it: the set as of the last refresh, corrected by whose timer is due since and whose rows
 *		have changed since, this transaction's own changes among them.
 *
 * A state answers for one moment (segment_moment.h).  Little is read before somebody asks for it: one customer costs a look at the log, at the timers
 * that are due and at one row, a scan costs the chunks of the set once.
 */
#ifndef PERSONALIZE_SEGMENT_STATE_H
#define PERSONALIZE_SEGMENT_STATE_H

#include "postgres.h"

#include "fmgr.h"

#include "kernel/ordinal_set.h"
#include "model/segment.h"

typedef struct SegmentState SegmentState;

/* --- getting one ------------------------------------------------------------ */

/* What a call of a function with arguments (segment, customer) keeps in fn_extra. */
typedef struct SegmentCall
{
	SegmentState *state;
	KeyType		key_type;		/* of the segment */
	Oid			type;			/* of the argument */
	KeyType		given;			/* the same, where it is a key type */
} SegmentCall;

/* As the active snapshot and the start of the statement have it.  Checks that the caller may read the segment. */
extern SegmentCall *segment_call(FunctionCallInfo fcinfo, Oid segment);
extern SegmentCall *segment_call_by_id(FunctionCallInfo fcinfo, int32 id);
/* The same for the life of a memory context, without a look at privileges. */
extern SegmentState *segment_state_open(MemoryContext context, Oid segment);
/* Fails where the current user may not read the segment. */
extern void segment_require_select(Oid segment);

/* --- asking ----------------------------------------------------------------- */

extern const SegmentDef *segment_state_def(const SegmentState *state);
extern const ActivityTableDef *segment_state_activity(const SegmentState *state);
/* The instant that answers are of. */
extern TimestampTz segment_state_as_of(const SegmentState *state);
/* Keys are of the type of the segment. */
extern bool segment_state_has(SegmentState *state, Datum key);
/* Where keys are numbers; any number will do. */
extern bool segment_state_has_number(SegmentState *state, int64 key);
/* As of the last refresh, whatever has changed since. */
extern bool segment_state_was(SegmentState *state, Datum key);
/* Of who was a member: still is. */
extern bool segment_state_stands(SegmentState *state, Datum key);

/* What may have changed since the refresh: each customer once, in order of the keys. */
typedef struct SegmentCorrection
{
	Datum		key;
	bool		member;
} SegmentCorrection;

extern const SegmentCorrection *segment_state_corrections(SegmentState *state, int *n);
/* Where the customer's activity is to be read from. */
extern CustomerRead segment_state_source(const SegmentState *state, Datum key);
/* Where keys are numbers, all members, the state's own set; NULL where work_mem cannot hold it, and for other keys. */
extern OrdinalSet *segment_state_set(SegmentState *state);
/*
 * Members by their ordinals, whatever keys are; who is new since the last refresh may have none yet, and is not in it.  Fails where work_mem cannot hold
 * it.
 */
extern OrdinalSet *segment_state_ordinals(SegmentState *state);

/* --- for rules -------------------------------------------------------------- */

/* Segments that rules name in in(), opened when they are first asked for. */
typedef struct SegmentOthers
{
	MemoryContext context;		/* they live as long */
	List	   *states;
} SegmentOthers;

/* A SegmentIn; `others` is a SegmentOthers *. */
extern RuleAnswer segment_others_in(void *others, Oid segment, const Customer *customer, int64 as_of);

#endif							/* PERSONALIZE_SEGMENT_STATE_H */
