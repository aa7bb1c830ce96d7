/*
 * segment_whole.c
 *		Everybody looked at for a segment: where it is new, has another rule, or nobody can tell what has changed.
 *
 * Customers and the rows of the segment's tables both come in order of their keys, so each row meets its customer.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "model/build_join.h"
#include "model/segment_pass.h"

/* ---------------------------------------------------------------- rows in order */

static KeyScan *
open_ordered(Oid table, Relation *relation, HeapTuple *first)
{
	KeyScan    *scan;

	*relation = table_open(table, AccessShareLock);
	*first = NULL;
	if (build_table_is_empty(*relation, GetActiveSnapshot()))
		return NULL;
	scan = key_scan_open(*relation, 0, GetActiveSnapshot());
	key_scan_start(scan, NULL);
	*first = key_scan_next(scan);
	return scan;
}

static void
open_whole(PassSegment *segment)
{
	segment->face_scan = open_ordered(segment->def->relation, &segment->face, &segment->face_row);
	segment->outside_scan = open_ordered(segment->def->outside, &segment->outside, &segment->outside_row);
	segment->rows.empty = segment->face_scan == NULL && segment->outside_scan == NULL;
}

static void
close_whole(PassSegment *segment)
{
	if (segment->face_scan != NULL)
		key_scan_close(segment->face_scan);
	if (segment->outside_scan != NULL)
		key_scan_close(segment->outside_scan);
	table_close(segment->face, NoLock);
	table_close(segment->outside, NoLock);
}

static Datum
key_of(Relation relation, HeapTuple row)
{
	bool		isnull;

	return heap_getattr(row, SEGMENT_CUSTOMER, RelationGetDescr(relation), &isnull);
}

/* ---------------------------------------------------------------- who is no customer */

static void
lose(SegmentPass *pass, PassSegment *segment, Relation relation, HeapTuple row, bool member)
{
	MemoryContext caller = MemoryContextSwitchTo(pass->scratch);
	Customer	gone = {.key = key_of(relation, row), .exists = false};
	SegmentStanding standing;

	CHECK_FOR_INTERRUPTS();
	gone.ordinal = key_is_number(segment->def->key_type) ? key_number(segment->def->key_type, gone.key) : -1;
	segment_row_read(relation, member, row, &standing);
	/* answers that are kept are of the customer before whom this one was met */
	segment_pass_customer(pass);
	pass->meet(pass, segment, &gone, &standing);
	segment_pass_customer(pass);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(pass->scratch);
}

/* Rows up to a key, none of which is a customer; the row of the key itself, if it comes next.  NULL: all that are left. */
static HeapTuple
advance(SegmentPass *pass, PassSegment *segment, bool member, const Datum *key)
{
	KeyScan    *scan = member ? segment->face_scan : segment->outside_scan;
	Relation	relation = member ? segment->face : segment->outside;
	HeapTuple  *row = member ? &segment->face_row : &segment->outside_row;

	while (*row != NULL)
	{
		int			order = key == NULL ? -1 : segment_compare_keys(segment->def->key_type, key_of(relation, *row), *key);

		if (order > 0)
			return NULL;
		if (order == 0)
			return *row;
		lose(pass, segment, relation, *row, member);
		*row = key_scan_next(scan);
	}
	return NULL;
}

static void
pass_by(PassSegment *segment, bool member)
{
	if (member)
		segment->face_row = key_scan_next(segment->face_scan);
	else
		segment->outside_row = key_scan_next(segment->outside_scan);
}

/* ---------------------------------------------------------------- customers */

static void
look_at(SegmentPass *pass, PassSegment *segment, const Customer *customer)
{
	HeapTuple	face = advance(pass, segment, true, &customer->key);
	HeapTuple	outside = advance(pass, segment, false, &customer->key);
	SegmentStanding standing = {false, DT_NOBEGIN, RULE_NEVER, NULL};

	if (face != NULL)
		segment_row_read(segment->face, true, face, &standing);
	else if (outside != NULL)
		segment_row_read(segment->outside, false, outside, &standing);
	pass->meet(pass, segment, customer, &standing);
	if (face != NULL)
		pass_by(segment, true);
	if (outside != NULL)
		pass_by(segment, false);
}

static void
look_at_customer(void *arg, const Customer *customer)
{
	SegmentPass *pass = arg;
	MemoryContext caller = MemoryContextSwitchTo(pass->scratch);
	ResourceOwner resources = CurrentResourceOwner;
	ListCell   *cell;

	CHECK_FOR_INTERRUPTS();
	CurrentResourceOwner = pass->resources;
	segment_pass_customer(pass);
	foreach(cell, pass->segments)
	{
		MemoryContextSwitchTo(pass->scratch);
		if (((PassSegment *) lfirst(cell))->whole)
			look_at(pass, lfirst(cell), customer);
	}
	CurrentResourceOwner = resources;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(pass->scratch);
}

/* ---------------------------------------------------------------- all of it */

void
segment_scan_whole(SegmentPass *pass)
{
	ListCell   *cell;

	foreach(cell, pass->segments)
		if (((PassSegment *) lfirst(cell))->whole)
			open_whole(lfirst(cell));
	customers_scan(pass->activity, pass->wants ? &pass->want : NULL, look_at_customer, pass);
	foreach(cell, pass->segments)
	{
		PassSegment *segment = lfirst(cell);

		if (!segment->whole)
			continue;
		advance(pass, segment, true, NULL);
		advance(pass, segment, false, NULL);
		close_whole(segment);
	}
}

static void
bring_up_to_date(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *standing)
{
	if (!customer->exists)
		segment_replay_gone(pass, segment, customer, standing);
	else
		segment_replay(pass, segment, customer, standing, segment->replays ? pass->from : pass->as_of, segment->cause);
}

void
segment_run_whole(SegmentPass *pass)
{
	bool		any = false;
	ListCell   *cell;

	foreach(cell, pass->segments)
	{
		PassSegment *segment = lfirst(cell);

		if (!segment->whole)
			continue;
		segment->members = ordinal_set_create(&pass->server.env);
		any = true;
	}
	if (!any)
		return;
	pass->meet = bring_up_to_date;
	segment_scan_whole(pass);
	segment_pass_flush(pass);
}
