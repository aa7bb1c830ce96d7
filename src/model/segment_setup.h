/*
 * segment_setup.h
 *		What set-up of segments, DDL and status share.
 */
#ifndef PERSONALIZE_SEGMENT_SETUP_H
#define PERSONALIZE_SEGMENT_SETUP_H

#include "postgres.h"

#include "model/segment.h"

/* --- segment_function.c --- */
extern void segment_make_function(const SegmentDef *def);
/* InvalidOid: there is none (any more). */
extern Oid	segment_function(const SegmentDef *def);
/* The face, or a column of it, has another name, or is in another schema: so is the function. */
extern void segment_follow_name(const SegmentDef *def);

/* --- segment_setup.c --- */
/* Against refreshes and DDL, and as it is after the wait; the caller owns it.  The name is for the error of one that is gone. */
extern ActivityTableDef *segment_lock_activity(int32 id, const char *name);
/* A segment has another name: so have its function, and rules that name it. */
extern void segments_follow_name(const SegmentDef *renamed);
/* Checks a rule against the activity, and finds what in() names. */
extern void segment_take_rule(SegmentDef *def, Datum rule, const ActivityTableDef *activity);
/* Rules name a column of the customers, which has another name now. */
extern void segments_rename_column(Oid customers, const char *old_name, const char *new_name);

/* --- segment_check.c --- */
/* Fails where the rule asks for what the activity and its customers do not have. */
extern void segment_require_sources(const SegmentRule *rule, const ActivityTableDef *activity);
/* What keeps a segment from being refreshed, for people, or NULL.  The activity may be NULL, too. */
extern char *segment_problem(const ActivityTableDef *activity, const SegmentDef *def);

/* --- segment_status.c --- */
/* What is wrong with it as it stands, for people, or NULL. */
extern char *segment_standing_problem(const ActivityTableDef *activity, const SegmentDef *def);

/* --- setup_depend.c --- */
extern void setup_depend_segment(const SegmentDef *def);

#endif							/* PERSONALIZE_SEGMENT_SETUP_H */
