/*
 * segment_replay.c
 *		One customer and one segment from the last refresh to this one, from one instant of change to the next.
 *
 * A rule says until when its answer stands if no event comes.  All events are known now, those since the last refresh too, and the next of them counts as
 * such an instant; so the answers at these instants are all that there were, and who came or went did so then, however late it is found.
 */
#include "base/compat.h"

#include "utils/builtins.h"

#include "model/segment_pass.h"

/* Of one customer and segment; then the rest is left out, and as_of looked at. */
#define MAX_STEPS 10000

/* ---------------------------------------------------------------- answers */

void
segment_pass_customer(SegmentPass *pass)
{
	pass->customer++;
}

static PassSegment *
find_segment(const SegmentPass *pass, Oid relation)
{
	ListCell   *cell;

	foreach(cell, pass->segments)
		if (((PassSegment *) lfirst(cell))->def->relation == relation)
			return lfirst(cell);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a rule of %s names a segment that is gone", registry_name(pass->activity->relation)),
			 errdetail("It was %s.", registry_name(relation)),
			 errhint("Give the segment another rule with personalize.alter_segment(), or drop it.")));
}

/* What a member of another segment is for in(): yes or no, whatever its rule does not know. */
static RuleAnswer
answer_in(void *arg, Oid relation, const Customer *customer, int64 as_of)
{
	SegmentPass *pass = arg;
	RuleAnswer	answer = segment_pass_answer(pass, find_segment(pass, relation), customer, as_of);

	answer.value = answer_is_member(answer) ? RULE_TRUE : RULE_FALSE;
	return answer;
}

/* The last one is kept: several rules may name the same segment. */
RuleAnswer
segment_pass_answer(SegmentPass *pass, PassSegment *segment, const Customer *customer, int64 at)
{
	if (segment->answered != pass->customer || segment->answered_at != at)
	{
		segment->answer = segment_rule_evaluate(segment->rule, pass->activity, customer, at, answer_in, pass);
		segment->answered = pass->customer;
		segment->answered_at = at;
	}
	return segment->answer;
}

/* ---------------------------------------------------------------- changes */

SegmentCause
segment_cause_at(const PassSegment *segment, const Customer *customer, int64 at)
{
	ListCell   *cell;

	foreach(cell, segment->inner)
		if (segment_rule_event_at(((PassSegment *) lfirst(cell))->rule, customer, at))
			return SEGMENT_EVENT;
	return SEGMENT_TIMER;
}

static void
flip(SegmentPass *pass, PassSegment *segment, Datum key, SegmentStanding *standing, TimestampTz at, SegmentCause cause)
{
	standing->member = !standing->member;
	standing->since = standing->member ? at : DT_NOBEGIN;
	segment_rows_log(&segment->rows, key, standing->member, at, cause, pass->recorded);
}

static void
add_flip(SegmentPass *pass, PassSegment *segment, const Customer *customer, bool member)
{
	if (segment->num_flips == segment->room)
	{
		segment->room = segment->room * 2 + 1024;
		segment->flips = env_resize(&pass->server.env, segment->flips, segment->room, sizeof(SegmentFlip));
	}
	segment->flips[segment->num_flips++] = (SegmentFlip) {customer->ordinal, member};
}

/* A whole look makes all chunks anew, and so has to know everybody. */
static void
count_member(SegmentPass *pass, PassSegment *segment, const Customer *customer, bool was, bool is)
{
	segment->num_changed += was != is;
	if (segment->whole && is)
		ordinal_set_add(segment->members, customer->ordinal);
	else if (!segment->whole && was != is)
		add_flip(pass, segment, customer, is);
}

static void
guard_ordinal(const SegmentPass *pass, const Customer *customer)
{
	if (customer->ordinal < 0 && !key_is_number(pass->activity->key_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a customer of %s has no ordinal", registry_name(pass->activity->relation)),
				 errhint("CALL personalize.refresh(%s, rebuild => true).", quote_literal_cstr(registry_name(pass->activity->relation)))));
}

static void
settle(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *old, const SegmentStanding *new)
{
	/* whole sets are made of who is a member, so nobody asks for the ordinal of a customer that is gone */
	if (segment->whole ? new->member : old->member != new->member)
		guard_ordinal(pass, customer);
	count_member(pass, segment, customer, old->member, new->member);
	segment_rows_write(&segment->rows, customer->key, old, new);
}

/* ---------------------------------------------------------------- replay */

/* The next instant at which the answer may be another one; each is later than the one before. */
static int64
next_instant(const SegmentPass *pass, int64 stable_until, int64 at, int steps)
{
	return steps >= MAX_STEPS || stable_until <= at ? pass->as_of : stable_until;
}

/* One that is there, and not due, stays if it is not too late. */
static int64
timer_after(const SegmentPass *pass, const SegmentStanding *old, const SegmentStanding *new, int64 stable_until)
{
	if (old->row != NULL && old->member == new->member && old->stable_until > pass->as_of && old->stable_until <= stable_until)
		return old->stable_until;
	return Max(stable_until, pass->as_of + 1);
}

void
segment_replay(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *old,
			   TimestampTz start, SegmentCause cause)
{
	SegmentStanding new = *old;
	RuleAnswer	answer = segment_pass_answer(pass, segment, customer, start);
	int64		at = start;

	if (answer_is_member(answer) != new.member)
		flip(pass, segment, customer->key, &new, at, cause);
	for (int steps = 0; answer.stable_until <= pass->as_of && at < pass->as_of; steps++)
	{
		at = next_instant(pass, answer.stable_until, at, steps);
		answer = segment_pass_answer(pass, segment, customer, at);
		if (answer_is_member(answer) != new.member)
			flip(pass, segment, customer->key, &new, at, segment_cause_at(segment, customer, at));
	}
	new.stable_until = timer_after(pass, old, &new, answer.stable_until);
	settle(pass, segment, customer, old, &new);
}

void
segment_replay_gone(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *old)
{
	SegmentStanding new = *old;

	if (new.member)
		flip(pass, segment, customer->key, &new, pass->as_of, SEGMENT_ERASURE);
	new.stable_until = RULE_NEVER;
	settle(pass, segment, customer, old, &new);
}
