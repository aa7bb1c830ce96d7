/*
 * segment_pass.h
 *		What the files share that bring segments up to date in a refresh.
 */
#ifndef PERSONALIZE_SEGMENT_PASS_H
#define PERSONALIZE_SEGMENT_PASS_H

#include "postgres.h"

#include "access/htup.h"
#include "utils/resowner.h"
#include "utils/snapshot.h"

#include "base/server_env.h"
#include "kernel/ordinal_set.h"
#include "model/segment.h"
#include "model/table_writer.h"

/* How a customer stands in the tables of a segment. */
typedef struct SegmentStanding
{
	bool		member;
	TimestampTz since;			/* of members */
	int64		stable_until;	/* RULE_NEVER: no timer.  May be earlier than it had to be, never later */
	HeapTuple	row;			/* of the face for members, otherwise of those outside; NULL: there is none */
} SegmentStanding;

/* The tables of one segment, each opened when it is first needed. */
typedef struct SegmentRows
{
	const SegmentDef *def;
	MemoryContext context;
	Snapshot	snapshot;		/* look-ups are as of this */
	TableWriter *face;
	TableWriter *outside;
	TableWriter *changes;
	KeyScan    *find_face;
	KeyScan    *find_outside;
	bool		empty;			/* face and outside have been seen to be */
} SegmentRows;

/* A member who came or went. */
typedef struct SegmentFlip
{
	int64		ordinal;
	bool		member;
} SegmentFlip;

typedef struct PassSegment
{
	/* immutable */
	SegmentDef *def;
	SegmentRule *rule;
	List	   *inner;			/* itself and what in() names, all the way down: of PassSegment * */
	bool		asks;			/* any of these */
	bool		whole;			/* everybody is looked at: nothing below `start` is known */
	bool		replays;		/* if whole, the rows are those of `from`, and are brought on from there */
	SegmentCause cause;			/* of what a whole look finds to differ */

	/* mutable */
	SegmentRows rows;
	/* the last answer, which others may ask for again */
	uint64		answered;		/* customer, by number */
	int64		answered_at;
	RuleAnswer	answer;
	/* members who came or went, or, if whole, all of them */
	SegmentFlip *flips;
	uint64		num_flips;
	uint64		room;
	OrdinalSet *members;
	int64		num_changed;
	/* of a whole look: rows in order of their keys, those that have not been met */
	Relation	face;
	Relation	outside;
	KeyScan    *face_scan;		/* NULL: the table is empty */
	KeyScan    *outside_scan;
	HeapTuple	face_row;
	HeapTuple	outside_row;
} PassSegment;

/* A customer, or a key that is none's, and what the tables of a segment have of it. */
typedef void (*SegmentMeet) (SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *standing);

struct SegmentPass
{
	/* immutable */
	ServerEnv	server;			/* memory that lasts as long as this */
	const ActivityTableDef *activity;
	TimestampTz from;			/* DT_NOBEGIN: unknown */
	TimestampTz as_of;
	TimestampTz recorded;
	Snapshot	snapshot;		/* as it was at the beginning */
	ResourceOwner resources;	/* of scans and writers, whatever is at work when we are called */
	List	   *segments;		/* of PassSegment *, what in() names before who names it */
	CustomerWant want;
	bool		wants;			/* any of it */

	/* mutable */
	MemoryContext scratch;		/* reset after each customer */
	uint64		customer;		/* number of the one whose answers are kept */
	ActivityName kinds[2 * ACTIVITY_MAX_KINDS]; /* that have changed */
	int			num_kinds;
	SegmentMeet meet;			/* of a whole look */
	void	   *arg;
};

static inline bool
answer_is_member(RuleAnswer answer)
{
	return answer.value == RULE_TRUE;
}

/* --- segment_rows.c --- */
extern void segment_rows_open(SegmentRows *rows, const SegmentDef *def, MemoryContext context, Snapshot snapshot);
/* Where it has none of the two rows, it is outside and has no timer. */
extern void segment_rows_find(SegmentRows *rows, Datum key, SegmentStanding *standing);
extern void segment_row_read(Relation relation, bool member, HeapTuple row, SegmentStanding *standing);
/* Brings rows from one standing to the other; writes nothing where a timer only becomes later. */
extern void segment_rows_write(SegmentRows *rows, Datum key, const SegmentStanding *old, const SegmentStanding *new);
extern void segment_rows_log(SegmentRows *rows, Datum key, bool entered, TimestampTz at, SegmentCause cause, TimestampTz recorded);
/* What was written is seen through that snapshot from now on. */
extern void segment_rows_flush(SegmentRows *rows, Snapshot snapshot);
extern void segment_rows_close(SegmentRows *rows);
extern const char *segment_cause_name(SegmentCause cause);
extern int	segment_compare_keys(KeyType type, Datum a, Datum b);

/* --- segment_replay.c --- */
/* Whether something happened then, or merely time went by. */
extern SegmentCause segment_cause_at(const PassSegment *segment, const Customer *customer, int64 at);
/* What is asked from now on is of another customer, or of the same with other events. */
extern void segment_pass_customer(SegmentPass *pass);
extern RuleAnswer segment_pass_answer(SegmentPass *pass, PassSegment *segment, const Customer *customer, int64 at);
/* Brings a customer from one instant to as_of; what differs at the start is told with that cause. */
extern void segment_replay(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *old,
						   TimestampTz start, SegmentCause cause);
/* The customer is not there (any more). */
extern void segment_replay_gone(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *old);

/* --- segment_refresh.c --- */
/* With all segments of the activity that have no problem, none of which is opened for writing; in the current memory context. */
extern SegmentPass *segment_pass_make(const ActivityTableDef *activity, TimestampTz from, TimestampTz as_of, bool warn);
/* What has been written is seen from now on, by the snapshot of segments_finish, which is the active one. */
extern void segment_pass_flush(SegmentPass *pass);

/* --- segment_timers.c --- */
extern void segment_run_timers(SegmentPass *pass);

/* --- segment_whole.c --- */
/* Every customer, and every key of the segment's tables that is none's, for each segment that is to be looked at as a whole: through pass->meet. */
extern void segment_scan_whole(SegmentPass *pass);
extern void segment_run_whole(SegmentPass *pass);

/* --- segment_chunks.c --- */
/* Changes of members into the chunks; or, if whole, chunks are exactly these. */
extern void segment_write_chunks(SegmentPass *pass, PassSegment *segment);

#endif							/* PERSONALIZE_SEGMENT_PASS_H */
