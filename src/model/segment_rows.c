/*
 * segment_rows.c
 *		Rows of the tables of a segment.
 *
 * A timer may stand earlier than it has to: when it is due, the customer is looked at, and gets the right one.  So an event that moves a
 * timer further away, as nearly all of them do, writes nothing, and each timer costs one look in the length of its window.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "model/build_join.h"
#include "model/model_rows.h"
#include "model/segment_pass.h"

const char *
segment_cause_name(SegmentCause cause)
{
	static const char *const names[] = {
		[SEGMENT_EVENT] = "event",
		[SEGMENT_TIMER] = "timer",
		[SEGMENT_RULE_CHANGE] = "rule_change",
		[SEGMENT_BACKFILL] = "backfill",
		[SEGMENT_MODEL] = "model",
		[SEGMENT_ERASURE] = "erasure",
	};

	return names[cause];
}

static int
compare_texts(text *a, text *b)
{
	size_t		a_size = VARSIZE_ANY_EXHDR(a);
	size_t		b_size = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(a_size, b_size));

	return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* As the primary keys of our tables order. */
int
segment_compare_keys(KeyType type, Datum a, Datum b)
{
	if (key_is_number(type))
	{
		int64		x = key_number(type, a);
		int64		y = key_number(type, b);

		return (x > y) - (x < y);
	}
	if (type == KEY_UUID)
		return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN);
	return compare_texts(DatumGetTextPP(a), DatumGetTextPP(b));
}

/* --- reading ----------------------------------------------------------------- */

void
segment_rows_open(SegmentRows *rows, const SegmentDef *def, MemoryContext context, Snapshot snapshot)
{
	memset(rows, 0, sizeof(*rows));
	rows->def = def;
	rows->context = context;
	rows->snapshot = snapshot;
}

static TableWriter *
writer(SegmentRows *rows, TableWriter **place, Oid table)
{
	if (*place == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(rows->context);

		*place = table_writer_open(table);
		MemoryContextSwitchTo(caller);
	}
	return *place;
}

static KeyScan *
finder(SegmentRows *rows, KeyScan **place, TableWriter *of)
{
	if (*place == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(rows->context);

		*place = key_scan_open(table_writer_relation(of), 1, rows->snapshot);
		MemoryContextSwitchTo(caller);
	}
	return *place;
}

static TableWriter *
face(SegmentRows *rows)
{
	return writer(rows, &rows->face, rows->def->relation);
}

static TableWriter *
outside(SegmentRows *rows)
{
	return writer(rows, &rows->outside, rows->def->outside);
}

static TimestampTz
time_column(Relation relation, HeapTuple row, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(row, column, RelationGetDescr(relation), &isnull);

	if (isnull)
		model_row_damaged(relation, row, SEGMENT_CUSTOMER, "A time is missing.");
	return DatumGetTimestampTz(value);
}

void
segment_row_read(Relation relation, bool member, HeapTuple row, SegmentStanding *standing)
{
	standing->member = member;
	standing->row = row;
	standing->since = member ? time_column(relation, row, SEGMENT_SINCE) : DT_NOBEGIN;
	standing->stable_until = time_column(relation, row, member ? SEGMENT_STABLE_UNTIL : OUTSIDE_STABLE_UNTIL);
}

static HeapTuple
find(KeyScan *scan, Datum key)
{
	key_scan_start(scan, &key);
	return key_scan_next(scan);
}

void
segment_rows_find(SegmentRows *rows, Datum key, SegmentStanding *standing)
{
	HeapTuple	row;

	*standing = (SegmentStanding) {false, DT_NOBEGIN, RULE_NEVER, NULL};
	if (rows->empty)
		return;
	row = find(finder(rows, &rows->find_face, face(rows)), key);
	if (row != NULL)
	{
		segment_row_read(table_writer_relation(face(rows)), true, row, standing);
		return;
	}
	row = find(finder(rows, &rows->find_outside, outside(rows)), key);
	if (row != NULL)
		segment_row_read(table_writer_relation(outside(rows)), false, row, standing);
}

/* --- writing ----------------------------------------------------------------- */

/* RULE_NEVER is infinity as the server has it, so no time is ever NULL. */
static void
put_row(SegmentRows *rows, Datum key, const SegmentStanding *new, HeapTuple old)
{
	TableWriter *out = new->member ? face(rows) : outside(rows);
	int			timer = new->member ? SEGMENT_STABLE_UNTIL : OUTSIDE_STABLE_UNTIL;
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(out));
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	table_writer_blank(out, &values, &nulls, &replace);
	values[SEGMENT_CUSTOMER - 1] = key;
	if (new->member)
		values[SEGMENT_SINCE - 1] = TimestampTzGetDatum(new->since);
	values[timer - 1] = TimestampTzGetDatum(new->stable_until);
	memset(nulls, false, timer * sizeof(bool));
	memset(replace + 1, true, (timer - 1) * sizeof(bool));
	if (old == NULL)
		table_writer_insert(out, values, nulls);
	else
		table_writer_update(out, old, values, nulls, replace);
	MemoryContextSwitchTo(caller);
}

static void
take_row(SegmentRows *rows, const SegmentStanding *old)
{
	if (old->row != NULL)
		table_writer_delete(old->member ? face(rows) : outside(rows), old->row);
}

/* Non-members without a timer have no row. */
static bool
has_row(const SegmentStanding *standing)
{
	return standing->member || standing->stable_until != RULE_NEVER;
}

void
segment_rows_write(SegmentRows *rows, Datum key, const SegmentStanding *old, const SegmentStanding *new)
{
	bool		same = old->row != NULL && old->member == new->member;

	if (same && old->since == new->since && old->stable_until == new->stable_until)
		return;
	if (!has_row(new))
		take_row(rows, old);
	else if (same)
		put_row(rows, key, new, old->row);
	else
	{
		take_row(rows, old);
		put_row(rows, key, new, NULL);
	}
}

void
segment_rows_log(SegmentRows *rows, Datum key, bool entered, TimestampTz at, SegmentCause cause, TimestampTz recorded)
{
	TableWriter *out = writer(rows, &rows->changes, rows->def->changes);
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(out));
	Datum	   *values;
	bool	   *nulls;

	table_writer_blank(out, &values, &nulls, NULL);
	values[CHANGES_CUSTOMER - 1] = key;
	values[CHANGES_CHANGE - 1] = CStringGetTextDatum(entered ? "entered" : "left");
	values[CHANGES_AT - 1] = TimestampTzGetDatum(at);
	values[CHANGES_CAUSE - 1] = CStringGetTextDatum(segment_cause_name(cause));
	values[CHANGES_VERSION - 1] = Int32GetDatum(rows->def->version);
	values[CHANGES_RECORDED - 1] = TimestampTzGetDatum(recorded);
	memset(nulls, false, CHANGES_RECORDED * sizeof(bool));
	table_writer_insert(out, values, nulls);
	MemoryContextSwitchTo(caller);
}

/* --- life -------------------------------------------------------------------- */

static void
close_finder(KeyScan **scan)
{
	if (*scan != NULL)
		key_scan_close(*scan);
	*scan = NULL;
}

static void
close_finders(SegmentRows *rows)
{
	close_finder(&rows->find_face);
	close_finder(&rows->find_outside);
}

void
segment_rows_flush(SegmentRows *rows, Snapshot snapshot)
{
	close_finders(rows);
	rows->snapshot = snapshot;
	rows->empty = false;
	if (rows->face != NULL)
		table_writer_flush(rows->face);
	if (rows->outside != NULL)
		table_writer_flush(rows->outside);
	if (rows->changes != NULL)
		table_writer_flush(rows->changes);
}

static void
close_writer(TableWriter **writer)
{
	if (*writer != NULL)
		table_writer_close(*writer);
	*writer = NULL;
}

void
segment_rows_close(SegmentRows *rows)
{
	close_finders(rows);
	close_writer(&rows->face);
	close_writer(&rows->outside);
	close_writer(&rows->changes);
}
