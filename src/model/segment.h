/*
 * segment.h
 *		Segments: which customers a rule holds for, kept exact at every instant.
 *
 * A segment belongs to an activity table, is told of each customer that changes in a refresh, and has a timer for each customer whose membership
 * time alone may change (`stable_until` of the rule).  Its tables stand as of the activity's last refresh; who reads corrects them by what is due or
 * pending since (segment_state.h, a storey above).
 */
#ifndef PERSONALIZE_SEGMENT_H
#define PERSONALIZE_SEGMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "model/activity_table.h"
#include "model/build.h"
#include "value/rfm.h"
#include "value/rule.h"

/* Face, the table that has the segment's name: its members.  The first column is named as the key of the customers. */
enum {SEGMENT_CUSTOMER = 1, SEGMENT_SINCE, SEGMENT_STABLE_UNTIL};
/* NAME_outside: who is no member but has a timer: (customer PRIMARY KEY, stable_until). */
enum {OUTSIDE_CUSTOMER = 1, OUTSIDE_STABLE_UNTIL};
/* NAME_set: members once more, as chunks of kernel/ordinal_set: (chunk bigint PRIMARY KEY, members bytea). */
enum {SEGMENT_SET_CHUNK = 1, SEGMENT_SET_MEMBERS};
/* NAME_changes, append only: (customer, change text entered|left, at, cause text, version integer, recorded). */
enum {CHANGES_CUSTOMER = 1, CHANGES_CHANGE, CHANGES_AT, CHANGES_CAUSE, CHANGES_VERSION, CHANGES_RECORDED};

typedef enum SegmentCause
{
	SEGMENT_EVENT,				/* an event, or another row of the customer's, came, changed or went */
	SEGMENT_TIMER,				/* nothing but time */
	SEGMENT_RULE_CHANGE,		/* alter_segment */
	SEGMENT_BACKFILL,			/* create_segment; a rebuild that could not tell more */
	SEGMENT_MODEL,				/* RFM thresholds, or whatever is fitted to all customers */
	SEGMENT_ERASURE				/* the customer is gone */
} SegmentCause;

typedef struct SegmentDef
{
	int32		id;
	Oid			relation;		/* the face */
	Oid			outside;
	Oid			set;
	Oid			changes;
	int32		activity_id;
	KeyType		key_type;
	Datum		rule;			/* of type rule; alter_segment changes it */
	int32		version;		/* of the rule, from 1 */
	List	   *uses;			/* segments that in() names, in the order of the rule: of Oid */
	/* state: as of the last refresh of the activity */
	bool		built;
	int32		built_version;	/* which its rows are of */
	int32		built_rfm;		/* the fit of RFM that its rows are of; 0: none */
	int64		num_members;
	TimestampTz refreshed;		/* memberships are those of this instant; other than the activity's: left behind, for it has a problem */
	TimestampTz rebuilt;
	int64		last_members;	/* who came or went in the last refresh */
} SegmentDef;

/* --- registry (segment_registry.c) --- */
extern SegmentDef *segment_of_relation(Oid relation);	/* NULL where it is none */
extern SegmentDef *segment_by_id(int32 id);
extern SegmentDef *segment_require(Oid relation);
extern List *segments_of(int32 activity_id);	/* of SegmentDef *, what in() names before who names it, then by id */
extern List *segments_all(void);
extern void segment_as_seen(SegmentDef *def);
/* All tables of the segments of an activity, to be locked and checked with it: of Oid. */
extern List *segment_tables(int32 activity_id);
extern List *segment_tables_of(const SegmentDef *def);
extern char *segment_rule_text(const SegmentDef *def);
extern void segment_register(const SegmentDef *def);
/* Fails where the tables are not as they were made. */
extern void segment_require_layout(const SegmentDef *def);	/* segment_check.c */
/* Rule, version and what it uses. */
extern void segment_set_rule(const SegmentDef *def);
/* State. */
extern void segment_refreshed(const SegmentDef *def, bool rebuilt);

/* --- limits of RFM (segment_rfm.c) --- */
typedef struct SegmentRfm
{
	int32		version;		/* from 1 */
	char	   *event;
	int64		within;			/* microseconds */
	pg_tz	   *zone;			/* in which recency counts days */
	RfmModel	model;
} SegmentRfm;

/* NULL: not fitted. */
extern SegmentRfm *segment_rfm_of(int32 activity_id);
extern RuleAnswer segment_rfm_answer(const SegmentRfm *rfm, const RuleNode *leaf, const Customer *customer, int64 as_of);

/* --- rules at work (segment_rules.c) --- */
typedef struct SegmentRule
{
	SegmentDef *def;
	Rule	   *rule;
	SegmentRfm *rfm;			/* NULL: the rule does not ask for it, or there is none */
	List	   *segments;		/* that in() names, in the order of the rule: of Oid */
	bool		wants;			/* needs to be told more of a customer than events */
	bool		asks;			/* about what rows of the shop other than events may change: looked at whenever the customer's rows change */
	bool		has_calendar;	/* which is of the customer's zone, and so asks for it */
	struct SegmentAsk *ask;		/* scratch of an evaluation */
} SegmentRule;

/* Whether the customer is a member of another segment at that instant, and until when that stands. */
typedef RuleAnswer (*SegmentIn) (void *arg, Oid segment, const Customer *customer, int64 as_of);

extern SegmentRule *segment_rule_open(Env *env, const SegmentDef *def);
/* Adds to `want` what the rule asks; fails where a column that it names is not there (any more). */
extern void segment_rule_want(const SegmentRule *rule, const ActivityTableDef *activity, CustomerWant *want);
/* Whether the rule itself names one of these kinds of events. */
extern bool segment_rule_names(const SegmentRule *rule, const ActivityName *kinds, int n);
/* As of an instant; who does not exist is no member. */
extern RuleAnswer segment_rule_evaluate(const SegmentRule *rule, const ActivityTableDef *activity, const Customer *customer, int64 as_of, SegmentIn in, void *arg);
/* What an evaluation asks, of a customer that exists: for who explains one.  Good until the next evaluation of the rule. */
extern RuleAttributes *segment_rule_context(const SegmentRule *rule, const ActivityTableDef *activity, const Customer *customer, int64 as_of, SegmentIn in, void *arg);
/* Whether an event that the rule itself names is at that instant. */
extern bool segment_rule_event_at(const SegmentRule *rule, const Customer *customer, int64 time);
/* The rule with another name for a column of the customers; the same datum where it does not name it. */
extern Datum segment_rule_rename_column(Datum rule, const char *old_name, const char *new_name);
/* The rule with the names that segments in it have now. */
extern Datum segment_rule_rename_segments(const SegmentDef *def);
/* Kinds of which the two activities have different events: up to ACTIVITY_MAX_KINDS of each, which point into them. */
extern int	segment_changed_kinds(const Customer *old, const Customer *new, ActivityName *kinds);

/* --- within a refresh of the activity, as its owner (segment_refresh.c) --- */
typedef struct SegmentPass SegmentPass;

/*
 * Memberships go from those of `from` (DT_NOBEGIN: unknown) to those of `as_of`, which are told with their instants and causes.  NULL where
 * there are no segments.
 */
extern SegmentPass *segments_begin(const ActivityTableDef *activity, TimestampTz from, TimestampTz as_of);
/* What the changes must carry; NULL: no attributes. */
extern const CustomerWant *segments_want(const SegmentPass *pass);
/* A customer that may have changed: as our table had it (exists, activity, ordinal only), and as it is now. */
extern void segments_change(SegmentPass *pass, const Customer *old, const Customer *new);
/*
 * The activity table is written and seen: timers that are due, sets, counts, the registry.  With `rebuild` everybody is looked at, through
 * customers_scan, instead of what segments_change was told.
 */
extern void segments_finish(SegmentPass *pass, bool rebuild, RefreshReport *report);

/* --- proof (segment_verify.c) --- */
/*
 * Everybody's membership as of the last refresh, from the stored activities, with the tables; InvalidOid: of all segments.  Whoever is pending is
 * left out.  As the active snapshot sees all of it.
 */
extern void segments_verify(const ActivityTableDef *activity, Oid only, VerifySink sink, void *arg);

#endif							/* PERSONALIZE_SEGMENT_H */
