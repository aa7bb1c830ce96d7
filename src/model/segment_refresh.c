/*
 * segment_refresh.c
 *		Segments in a refresh of their activity table.
 *
 * First come the customers whose rows have changed, each with what is known of it before and now; most of them change nothing, which two evaluations
 * tell without a look at any table.  Then, with the activity table as it will be, timers that are due, and segments for which everybody is looked at.
 * Chunks of bits and the registry come last.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/segment_pass.h"
#include "model/segment_setup.h"
#include "value/activity.h"

/* ---------------------------------------------------------------- begin */

/* What a segment names comes before it, so the inner ones know theirs. */
static void
add_inner(SegmentPass *pass, PassSegment *segment)
{
	ListCell   *cell;

	segment->inner = list_make1(segment);
	segment->asks = segment->rule->asks || (segment->rule->has_calendar && pass->activity->zone != NULL);
	foreach(cell, pass->segments)
	{
		PassSegment *used = lfirst(cell);

		if (!list_member_oid(segment->def->uses, used->def->relation))
			continue;
		segment->inner = list_concat_unique_ptr(segment->inner, used->inner);
		segment->asks |= used->asks;
	}
}

static void
look_at_all(PassSegment *segment, SegmentCause cause)
{
	segment->whole = true;
	segment->cause = cause;
}

/* Rows that are not those of `from` say nothing about who came and went since, and neither do rows of another rule. */
static void
choose_whole(const SegmentPass *pass, PassSegment *segment)
{
	ListCell   *cell;

	if (!segment->def->built || pass->from == DT_NOBEGIN || segment->def->refreshed != pass->from)
		look_at_all(segment, SEGMENT_BACKFILL);
	else if (segment->def->built_version != segment->def->version)
		look_at_all(segment, SEGMENT_RULE_CHANGE);
	else if (segment->rule->rfm != NULL && segment->def->built_rfm != segment->rule->rfm->version)
		look_at_all(segment, SEGMENT_MODEL);
	foreach(cell, segment->inner)
	{
		PassSegment *used = lfirst(cell);

		if (used->whole && !segment->whole)
			look_at_all(segment, used->cause);
	}
}

static bool
has_segment(const SegmentPass *pass, Oid relation)
{
	ListCell   *cell;

	foreach(cell, pass->segments)
		if (((PassSegment *) lfirst(cell))->def->relation == relation)
			return true;
	return false;
}

static void
add_segment(SegmentPass *pass, SegmentDef *def)
{
	PassSegment *segment = palloc0(sizeof(PassSegment));

	segment->def = def;
	segment->rule = segment_rule_open(&pass->server.env, def);
	segment_rule_want(segment->rule, pass->activity, &pass->want);
	pass->wants |= segment->rule->wants;
	add_inner(pass, segment);
	pass->segments = lappend(pass->segments, segment);
}

/* One whose column was dropped shall not keep the others from being refreshed; it is told of until it is altered or dropped. */
static bool
is_sound(const SegmentPass *pass, const SegmentDef *def, bool warn)
{
	char	   *problem = segment_problem(pass->activity, def);
	ListCell   *cell;

	foreach(cell, def->uses)
		if (problem == NULL && !has_segment(pass, lfirst_oid(cell)))
			problem = psprintf("segment %s, which it names, has one", registry_name(lfirst_oid(cell)));
	if (problem != NULL && warn)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("segment %s has a problem and is left as it is: %s", registry_name(def->relation), problem),
				 errhint("Give it another rule with personalize.alter_segment(), or drop it.")));
	return problem == NULL;
}

SegmentPass *
segment_pass_make(const ActivityTableDef *activity, TimestampTz from, TimestampTz as_of, bool warn)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize segments", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	SegmentPass *pass = palloc0(sizeof(SegmentPass));
	ListCell   *cell;

	server_env_init(&pass->server, context);
	pass->activity = activity;
	pass->from = from;
	pass->as_of = as_of;
	pass->recorded = GetCurrentTransactionStartTimestamp();
	pass->resources = CurrentResourceOwner;
	pass->scratch = AllocSetContextCreate(context, "personalize customer", ALLOCSET_DEFAULT_SIZES);
	foreach(cell, segments_of(activity->id))
		if (is_sound(pass, lfirst(cell), warn))
			add_segment(pass, lfirst(cell));
	MemoryContextSwitchTo(caller);
	return pass;
}

/* A copy of our own, which no command of the refresh moves on. */
static Snapshot
copy_snapshot(void)
{
	Snapshot	snapshot;

	PushCopiedSnapshot(GetActiveSnapshot());
	snapshot = RegisterSnapshot(GetActiveSnapshot());
	PopActiveSnapshot();
	return snapshot;
}

SegmentPass *
segments_begin(const ActivityTableDef *activity, TimestampTz from, TimestampTz as_of)
{
	SegmentPass *pass = segment_pass_make(activity, from, as_of, true);
	ListCell   *cell;

	if (pass->segments == NIL)
	{
		MemoryContextDelete(pass->server.context);
		return NULL;
	}
	pass->snapshot = copy_snapshot();
	foreach(cell, pass->segments)
	{
		PassSegment *segment = lfirst(cell);

		choose_whole(pass, segment);
		segment_rows_open(&segment->rows, segment->def, pass->server.context, pass->snapshot);
	}
	return pass;
}

const CustomerWant *
segments_want(const SegmentPass *pass)
{
	return pass != NULL && pass->wants ? &pass->want : NULL;
}

/* ---------------------------------------------------------------- changed customers */

/* Whether one of the rules names a kind of which events came, went or changed. */
static bool
events_matter(const SegmentPass *pass, const PassSegment *segment)
{
	ListCell   *cell;

	foreach(cell, segment->inner)
		if (segment_rule_names(((PassSegment *) lfirst(cell))->rule, pass->kinds, pass->num_kinds))
			return true;
	return false;
}

/*
 * Whether nothing has to be done: the answer is the same, and stands for as long at least.  What is stored was true of the old events, so it need not be
 * looked up.
 */
static bool
stays(SegmentPass *pass, PassSegment *segment, const Customer *old, const Customer *new)
{
	Customer	before = *new;
	RuleAnswer	was;
	RuleAnswer	is;

	before.activity = old->activity;
	before.size = old->size;
	segment_pass_customer(pass);
	was = segment_pass_answer(pass, segment, &before, pass->from);
	segment_pass_customer(pass);
	is = segment_pass_answer(pass, segment, new, pass->from);
	return answer_is_member(was) == answer_is_member(is) && is.stable_until >= was.stable_until && is.stable_until > pass->as_of;
}

/* Of somebody new, nothing is known from before the first event that the shop told. */
static TimestampTz
first_seen(const SegmentPass *pass, const Customer *customer)
{
	ActivityReader reader;
	ActivityKind kind;
	ActivityEvent e;
	TimestampTz first = pass->as_of;

	if (!activity_open(&reader, customer->activity, customer->size))
		activity_damaged();
	while (activity_next_kind(&reader, &kind))
		while (activity_next_event(&kind, &e) && e.time > pass->from)
			first = Min(first, e.time);
	return first;
}

/* When it was that something other than an event changed, nobody knows; it is so by now. */
static void
look_at_changed(SegmentPass *pass, PassSegment *segment, const Customer *old, const Customer *new, bool by_event)
{
	SegmentStanding standing;
	TimestampTz start = old->exists ? pass->from : first_seen(pass, new);

	segment_rows_find(&segment->rows, new->key, &standing);
	if (old->exists && !by_event &&
		answer_is_member(segment_pass_answer(pass, segment, new, start)) != standing.member)
		start = pass->as_of;
	segment_replay(pass, segment, new, &standing, start, SEGMENT_EVENT);
}

static void
change_segment(SegmentPass *pass, PassSegment *segment, const Customer *old, const Customer *new)
{
	bool		by_event = events_matter(pass, segment);

	if (!by_event && !segment->asks && old->exists == new->exists)
		return;
	if (old->exists && new->exists && !segment->asks && stays(pass, segment, old, new))
		return;
	segment_pass_customer(pass);
	if (new->exists)
		look_at_changed(pass, segment, old, new, by_event);
	else
	{
		Customer	gone = {.key = new->key, .exists = false, .ordinal = old->ordinal};
		SegmentStanding standing;

		segment_rows_find(&segment->rows, new->key, &standing);
		segment_replay_gone(pass, segment, &gone, &standing);
	}
}

void
segments_change(SegmentPass *pass, const Customer *old, const Customer *new)
{
	MemoryContext caller;
	ResourceOwner resources = CurrentResourceOwner;
	ListCell   *cell;

	if (pass == NULL || (!old->exists && !new->exists))
		return;
	caller = MemoryContextSwitchTo(pass->scratch);
	CurrentResourceOwner = pass->resources;
	pass->num_kinds = segment_changed_kinds(old, new, pass->kinds);
	foreach(cell, pass->segments)
		if (!((PassSegment *) lfirst(cell))->whole)
			change_segment(pass, lfirst(cell), old, new);
	CurrentResourceOwner = resources;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(pass->scratch);
}

/* ---------------------------------------------------------------- finish */

void
segment_pass_flush(SegmentPass *pass)
{
	ListCell   *cell;

	foreach(cell, pass->segments)
		segment_rows_flush(&((PassSegment *) lfirst(cell))->rows, GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
}

static void
finish_segment(SegmentPass *pass, PassSegment *segment, RefreshReport *report)
{
	SegmentDef *def = segment->def;

	segment_write_chunks(pass, segment);
	segment_rows_close(&segment->rows);
	def->refreshed = pass->as_of;
	def->built_version = def->version;
	def->built_rfm = segment->rule->rfm == NULL ? 0 : segment->rule->rfm->version;
	def->last_members = segment->num_changed;
	report->items += segment->num_changed;
	segment_refreshed(def, segment->whole);
}

static void
finish(SegmentPass *pass, RefreshReport *report)
{
	ListCell   *cell;

	PushCopiedSnapshot(GetActiveSnapshot());
	segment_pass_flush(pass);
	segment_run_whole(pass);
	if (pass->from != DT_NOBEGIN)
		segment_run_timers(pass);
	foreach(cell, pass->segments)
		finish_segment(pass, lfirst(cell), report);
	PopActiveSnapshot();
}

void
segments_finish(SegmentPass *pass, bool rebuild, RefreshReport *report)
{
	MemoryContext caller;
	ListCell   *cell;

	if (pass == NULL)
		return;
	caller = MemoryContextSwitchTo(pass->server.context);
	foreach(cell, pass->segments)
	{
		PassSegment *segment = lfirst(cell);

		if (!rebuild || segment->whole)
			continue;
		look_at_all(segment, SEGMENT_BACKFILL);
		segment->replays = true;
	}
	finish(pass, report);
	UnregisterSnapshot(pass->snapshot);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(pass->server.context);
}
