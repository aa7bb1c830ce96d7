/*
 * segment_timers.c
 *		Timers that are due: customers of whom nothing has changed but the time.
 *
 * Those of all segments are gathered and sorted by customer, so that each customer is read once; in rounds, as a shop that has not refreshed for long
 * has more of them than memory.  A round leaves none of its timers due, so that the next finds others.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/segment_pass.h"

typedef struct DueTimer
{
	Datum		key;
	int			place;			/* of the segment in the pass, which is their order */
	PassSegment *segment;
} DueTimer;

typedef struct TimerRound
{
	SegmentPass *pass;
	MemoryContext context;
	DueTimer   *timers;
	int			n;
	int			room;
	int			at;				/* the first whose customer has not come */
	bool		by_value;
	int16		length;
} TimerRound;

/* Of one round, and some of the memory that is for keys. */
static int
max_timers(void)
{
	return Min((Size) maintenance_work_mem * 1024 / 2, MaxAllocSize) / (sizeof(DueTimer) + sizeof(Datum) + 32);
}

static void
add_timer(TimerRound *round, PassSegment *segment, int place, Datum key)
{
	MemoryContext caller = MemoryContextSwitchTo(round->context);

	if (round->n == round->room)
	{
		round->room = round->room * 2 + 1024;
		round->timers = env_resize(&round->pass->server.env, round->timers, round->room, sizeof(DueTimer));
	}
	round->timers[round->n++] = (DueTimer) {datumCopy(key, round->by_value, round->length), place, segment};
	MemoryContextSwitchTo(caller);
}

static void
gather_table(TimerRound *round, PassSegment *segment, int place, Oid table, AttrNumber column)
{
	Relation	relation = table_open(table, AccessShareLock);
	KeyScan    *scan = key_scan_open_up_to(relation, column, GetActiveSnapshot());
	Datum		as_of = TimestampTzGetDatum(round->pass->as_of);
	HeapTuple	row;

	key_scan_start(scan, &as_of);
	while (round->n < max_timers() && (row = key_scan_next(scan)) != NULL)
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		add_timer(round, segment, place, heap_getattr(row, SEGMENT_CUSTOMER, RelationGetDescr(relation), &isnull));
	}
	key_scan_close(scan);
	table_close(relation, NoLock);
}

static void
gather(TimerRound *round)
{
	int			place = 0;
	ListCell   *cell;

	round->n = round->at = 0;
	foreach(cell, round->pass->segments)
	{
		PassSegment *segment = lfirst(cell);

		place++;
		if (segment->whole)
			continue;
		gather_table(round, segment, place, segment->def->relation, SEGMENT_STABLE_UNTIL);
		gather_table(round, segment, place, segment->def->outside, OUTSIDE_STABLE_UNTIL);
	}
}

static int
compare_timers(const void *a, const void *b, void *arg)
{
	const DueTimer *x = a;
	const DueTimer *y = b;
	int			order = segment_compare_keys(*(KeyType *) arg, x->key, y->key);

	return order != 0 ? order : x->place - y->place;
}

/* An answer that stood until the timer was due is looked at from there on. */
static void
look_at(SegmentPass *pass, PassSegment *segment, const Customer *customer)
{
	SegmentStanding standing;

	segment_rows_find(&segment->rows, customer->key, &standing);
	if (!customer->exists)
		segment_replay_gone(pass, segment, customer, &standing);
	else
		segment_replay(pass, segment, customer, &standing, Max(standing.stable_until, pass->from),
					   segment_cause_at(segment, customer, standing.stable_until));
}

static void
look_at_customer(void *arg, const Customer *customer)
{
	TimerRound *round = arg;
	SegmentPass *pass = round->pass;
	KeyType		type = pass->activity->key_type;
	MemoryContext caller = MemoryContextSwitchTo(pass->scratch);
	ResourceOwner resources = CurrentResourceOwner;

	CHECK_FOR_INTERRUPTS();
	CurrentResourceOwner = pass->resources;
	segment_pass_customer(pass);
	while (round->at < round->n && segment_compare_keys(type, round->timers[round->at].key, customer->key) == 0)
		look_at(pass, round->timers[round->at++].segment, customer);
	CurrentResourceOwner = resources;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(pass->scratch);
}

/* Each key once, as they are sorted. */
static Datum *
distinct_keys(const TimerRound *round, int *n)
{
	Datum	   *keys = MemoryContextAllocHuge(round->context, (round->n + 1) * sizeof(Datum));
	KeyType		type = round->pass->activity->key_type;

	*n = 0;
	for (int i = 0; i < round->n; i++)
		if (i == 0 || segment_compare_keys(type, round->timers[i - 1].key, round->timers[i].key) != 0)
			keys[(*n)++] = round->timers[i].key;
	return keys;
}

static void
run_round(TimerRound *round)
{
	SegmentPass *pass = round->pass;
	KeyType		type = pass->activity->key_type;
	int			n;
	Datum	   *keys;

	qsort_arg(round->timers, round->n, sizeof(DueTimer), compare_timers, &type);
	keys = distinct_keys(round, &n);
	customers_fetch(pass->activity, CUSTOMER_STORED, pass->wants ? &pass->want : NULL, keys, n, look_at_customer, round);
	if (round->at < round->n)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("customers of %s did not come in order of their keys", registry_name(pass->activity->relation))));
	segment_pass_flush(pass);
}

void
segment_run_timers(SegmentPass *pass)
{
	TimerRound	round = {.pass = pass};
	char		align;

	get_typlenbyvalalign(key_type_oid(pass->activity->key_type), &round.length, &round.by_value, &align);
	round.context = AllocSetContextCreate(pass->server.context, "personalize timers", ALLOCSET_DEFAULT_SIZES);
	do
	{
		gather(&round);
		if (round.n > 0)
			run_round(&round);
		MemoryContextReset(round.context);
	} while (round.n > 0);
	env_release(&pass->server.env, round.timers);
	MemoryContextDelete(round.context);
}
