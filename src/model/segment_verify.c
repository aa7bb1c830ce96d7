/*
 * segment_verify.c
 *		verify() of segments: everybody evaluated, and compared with the tables.
 *
 * What is stored is of the instant of the last refresh, and so is what it is compared with.  Of whom the log speaks, columns may have changed since.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/segment_pass.h"
#include "model/verify.h"

typedef struct SegmentCheck
{
	VerifySink	sink;
	void	   *arg;
	LogContents pending;
} SegmentCheck;

static double
epoch(int64 time)
{
	return time == RULE_NEVER ? get_float8_infinity() :
		time / (double) USECS_PER_SEC + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (double) SECS_PER_DAY;
}

/* ---------------------------------------------------------------- members */

static bool
is_pending(const SegmentCheck *check, KeyType type, Datum key)
{
	return check->pending.all || key_find(&check->pending.keys, type, key_type_oid(type), key) != KEYSET_NONE;
}

/* A timer may be earlier than the next change, and never is later; it is not due. */
static bool
timer_fits(const SegmentPass *pass, const SegmentStanding *standing, RuleAnswer answer)
{
	return standing->stable_until > pass->as_of && standing->stable_until <= Max(answer.stable_until, pass->as_of + 1);
}

/* Who is no customer any more, and pending, is still a member; only numbers say which one of the set. */
static void
add_member(PassSegment *segment, const Customer *customer)
{
	segment->num_changed++;
	if (customer->exists || key_is_number(segment->def->key_type))
		ordinal_set_add(segment->members, customer->ordinal);
	else
		segment->num_flips++;
}

static void
compare_customer(SegmentPass *pass, PassSegment *segment, const Customer *customer, const SegmentStanding *standing)
{
	SegmentCheck *check = pass->arg;
	RuleAnswer	answer = segment_pass_answer(pass, segment, customer, pass->as_of);
	char	   *key;

	if (standing->member)
		add_member(segment, customer);
	if (is_pending(check, segment->def->key_type, customer->key))
		return;
	if (answer_is_member(answer) == standing->member && timer_fits(pass, standing, answer))
		return;
	key = verify_key_text(segment->def->key_type, customer->key);
	if (answer_is_member(answer) != standing->member)
		check->sink(check->arg, "member", key, NULL, standing->member, answer_is_member(answer));
	else
		check->sink(check->arg, "stable_until", key, NULL, epoch(standing->stable_until), epoch(answer.stable_until));
}

/* ---------------------------------------------------------------- sets */

static void
compare_chunk(const SegmentCheck *check, int64 number, const OrdinalChunk *stored, const OrdinalChunk *expected)
{
	unsigned char a[ORDINAL_BITMAP] = {0};
	unsigned char b[ORDINAL_BITMAP] = {0};

	if (stored != NULL)
		ordinal_chunk_bitmap(stored, a);
	if (expected != NULL)
		ordinal_chunk_bitmap(expected, b);
	if (memcmp(a, b, ORDINAL_BITMAP) != 0)
		check->sink(check->arg, "set", psprintf(INT64_FORMAT, number), NULL, stored ? stored->count : 0, expected ? expected->count : 0);
}

static bool
read_chunk(Relation relation, HeapTuple row, OrdinalChunk *chunk)
{
	bool		isnull;
	int64		number = DatumGetInt64(heap_getattr(row, SEGMENT_SET_CHUNK, RelationGetDescr(relation), &isnull));
	bytea	   *bytes = DatumGetByteaPP(heap_getattr(row, SEGMENT_SET_MEMBERS, RelationGetDescr(relation), &isnull));

	return ordinal_chunk_decode(number, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), chunk) && chunk->count > 0;
}

/* Both ascend; what does not decode has no members. */
static void
compare_set(const SegmentCheck *check, PassSegment *segment)
{
	Relation	relation = table_open(segment->def->set, AccessShareLock);
	KeyScan    *scan = key_scan_open(relation, 0, GetActiveSnapshot());
	OrdinalSetCursor all;
	OrdinalCursor *cursor = ordinal_set_open(&all, segment->members);
	OrdinalChunk expected;
	OrdinalChunk stored;
	HeapTuple	row;
	bool		more = cursor->next(cursor, &expected);

	key_scan_start(scan, NULL);
	while ((row = key_scan_next(scan)) != NULL)
	{
		bool		reads = read_chunk(relation, row, &stored);

		CHECK_FOR_INTERRUPTS();
		for (; more && expected.number < stored.number; more = cursor->next(cursor, &expected))
			compare_chunk(check, expected.number, NULL, &expected);
		if (!reads)
			check->sink(check->arg, "set", psprintf(INT64_FORMAT, stored.number), NULL, get_float8_nan(), 0);
		else if (!more || expected.number > stored.number)
			compare_chunk(check, stored.number, &stored, NULL);
		else
		{
			compare_chunk(check, stored.number, &stored, &expected);
			more = cursor->next(cursor, &expected);
		}
	}
	for (; more; more = cursor->next(cursor, &expected))
		compare_chunk(check, expected.number, NULL, &expected);
	key_scan_close(scan);
	table_close(relation, NoLock);
}

/* ---------------------------------------------------------------- all of it */

/* One that was left behind by a refresh would differ for that alone. */
static void
require_current(const ActivityTableDef *activity, const SegmentDef *def)
{
	if (!def->built)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("segment %s has not been built", registry_name(def->relation)),
				 errhint("CALL personalize.refresh(%s).", quote_literal_cstr(registry_name(def->relation)))));
	if (def->built_version != def->version || def->refreshed != activity->refreshed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("segment %s is not as of the last refresh of %s", registry_name(def->relation), registry_name(activity->relation)),
				 errhint("CALL personalize.refresh(%s).", quote_literal_cstr(registry_name(def->relation)))));
}

static void
compare_state(const SegmentCheck *check, PassSegment *segment)
{
	if (segment->num_flips == 0)
		compare_set(check, segment);
	if (segment->def->num_members != segment->num_changed)
		check->sink(check->arg, "members", NULL, NULL, segment->def->num_members, segment->num_changed);
}

/* All are needed, as rules name each other; `whole` marks those that are compared. */
static void
choose(SegmentPass *pass, Oid only)
{
	ListCell   *cell;

	foreach(cell, pass->segments)
	{
		PassSegment *segment = lfirst(cell);

		segment->whole = !OidIsValid(only) || segment->def->relation == only;
		segment->members = ordinal_set_create(&pass->server.env);
		segment_as_seen(segment->def);
		if (segment->whole)
			require_current(pass->activity, segment->def);
	}
}

/* One with a problem is not in the pass. */
static void
require_present(const SegmentPass *pass, Oid only)
{
	ListCell   *cell;

	if (!OidIsValid(only))
		return;
	foreach(cell, pass->segments)
		if (((PassSegment *) lfirst(cell))->def->relation == only)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("segment %s cannot be verified, as it has a problem", registry_name(only)),
			 errhint("See personalize.segments.")));
}

void
segments_verify(const ActivityTableDef *activity, Oid only, VerifySink sink, void *arg)
{
	SegmentPass *pass = segment_pass_make(activity, activity->refreshed, activity->refreshed, false);
	MemoryContext caller = MemoryContextSwitchTo(pass->server.context);
	SegmentCheck check = {sink, arg};
	ListCell   *cell;

	choose(pass, only);
	require_present(pass, only);
	customers_pending(activity, &pass->server.env, &check.pending);
	pass->meet = compare_customer;
	pass->arg = &check;
	segment_scan_whole(pass);
	MemoryContextSwitchTo(caller);
	foreach(cell, pass->segments)
		if (((PassSegment *) lfirst(cell))->whole)
			compare_state(&check, lfirst(cell));
	MemoryContextDelete(pass->server.context);
}
