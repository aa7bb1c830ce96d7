/*
 * sessions_refresh.c
 *		Changed baskets into the lists of their items.
 *
 * A list that holds all sessions of its item takes any change.  One that was cut at `recent` says nothing about what came after its last entry, so what is
 * added behind that place is left out, and the list is right as long as it stays full.  Where it does not, as its sessions were deleted or
 * lost the item, it is made again from the history, in one pass for all such items.  A session that goes on, the usual case, leaves its place and takes
 * another in front, so no list grows shorter by it; nor by what falls out of a horizon, which is the oldest.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "model/refresh_group.h"
#include "model/sessions.h"

/* What a basket does to the list of one of its items. */
typedef struct ListChange
{
	uint32		item;
	uint32		basket;			/* code in the group's baskets */
	TimestampTz old_happened;	/* DT_NOBEGIN: it was not in it */
	TimestampTz new_happened;	/* DT_NOBEGIN: it is not */
} ListChange;

typedef struct SessionsRefresh
{
	/* immutable */
	RefreshGroup *group;
	SessionsDef *def;
	Env		   *env;
	uint64		allowed;		/* changes held at a time */

	/* mutable */
	ListChange *change;
	uint64		num_changes;
	uint64		room;
	TableWriter *writer;
	MemoryContext scratch;		/* reset after each item */
	bool	   *refill;			/* by code: the list has to be made again */
	uint32		refill_room;
	uint32		num_refill;
	int64		rows;			/* written */
} SessionsRefresh;

/* Both in their order; kept: what is left of the list. */
typedef struct Difference
{
	SessionEntry *removed;
	uint32		num_removed;
	SessionEntry *added;
	uint32		num_added;
} Difference;

void *
sessions_begin(RefreshGroup *group, FollowerDef *def)
{
	SessionsRefresh *s = MemoryContextAllocZero(group->server.context, sizeof(SessionsRefresh));

	s->group = group;
	s->def = (SessionsDef *) def;
	s->env = &group->server.env;
	s->allowed = Max((uint64) maintenance_work_mem * 1024 / 8 / sizeof(ListChange), 1000);
	s->scratch = AllocSetContextCreate(group->server.context, "personalize session list", ALLOCSET_DEFAULT_SIZES);
	return s;
}

/* --- changes ----------------------------------------------------------------- */

static void
add_change(SessionsRefresh *s, uint32 item, uint32 basket, TimestampTz old_happened, TimestampTz new_happened)
{
	if (s->num_changes == s->room)
	{
		s->room = s->room * 2 + 1024;
		s->change = env_resize(s->env, s->change, s->room, sizeof(ListChange));
	}
	s->change[s->num_changes++] = (ListChange) {item, basket, old_happened, new_happened};
}

/* Items of the one, of the other, and of both where the session has moved in time. */
static void
diff_items(SessionsRefresh *s, uint32 code, const HistoryRow *old, const HistoryRow *new)
{
	const BasketEntry *a = old ? old->basket.entry : NULL;
	const BasketEntry *a_end = old ? a + old->basket.size : NULL;
	const BasketEntry *b = new ? new->basket.entry : NULL;
	const BasketEntry *b_end = new ? b + new->basket.size : NULL;

	while (a < a_end || b < b_end)
	{
		bool		was = a < a_end && (b == b_end || a->code <= b->code);
		bool		is = b < b_end && (a == a_end || b->code <= a->code);
		uint32		item = was ? a->code : b->code;

		if (!was || !is || old->happened != new->happened)
			add_change(s, item, code, was ? old->happened : DT_NOBEGIN, is ? new->happened : DT_NOBEGIN);
		a += was;
		b += is;
	}
}

/* --- one list ------------------------------------------------------------------ */

static int
compare_changes(const void *x, const void *y)
{
	const ListChange *a = x;
	const ListChange *b = y;

	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return (a->basket > b->basket) - (a->basket < b->basket);
}

static void
make_difference(const SessionsRefresh *s, const ListChange *change, uint32 n, Difference *d)
{
	d->removed = palloc(n * sizeof(SessionEntry));
	d->added = palloc(n * sizeof(SessionEntry));
	d->num_removed = d->num_added = 0;
	for (uint32 i = 0; i < n; i++)
	{
		Datum		key = refresh_basket_key(s->group, change[i].basket);

		if (change[i].old_happened != DT_NOBEGIN)
			d->removed[d->num_removed++] = (SessionEntry) {change[i].old_happened, key};
		if (change[i].new_happened != DT_NOBEGIN)
			d->added[d->num_added++] = (SessionEntry) {change[i].new_happened, key};
	}
	sessions_sort(s->def->basket_type, d->removed, d->num_removed);
	sessions_sort(s->def->basket_type, d->added, d->num_added);
}

/* What is left of the list, in place. */
static void
remove_entries(KeyType type, SessionsRow *row, const Difference *d)
{
	uint32		kept = 0;
	uint32		r = 0;

	for (uint32 i = 0; i < row->size; i++)
	{
		while (r < d->num_removed && sessions_compare(type, &d->removed[r], &row->entry[i]) < 0)
			r++;
		if (r == d->num_removed || sessions_compare(type, &d->removed[r], &row->entry[i]) != 0)
			row->entry[kept++] = row->entry[i];
	}
	row->size = kept;
}

/* Those up to the last place that the old list knew, or all (last NULL), merged in. */
static void
add_entries(KeyType type, SessionsRow *row, const Difference *d, const SessionEntry *last)
{
	SessionEntry *merged = palloc((row->size + d->num_added + 1) * sizeof(SessionEntry));
	uint32		size = 0;
	uint32		a = 0;

	for (uint32 i = 0; i <= row->size; i++)
	{
		while (a < d->num_added && (i == row->size || sessions_compare(type, &d->added[a], &row->entry[i]) < 0) &&
			   (last == NULL || sessions_compare(type, &d->added[a], last) <= 0))
			merged[size++] = d->added[a++];
		if (i < row->size)
			merged[size++] = row->entry[i];
	}
	row->entry = merged;
	row->size = size;
}

/* False where the list is too short now, and only the history knows what follows. */
static bool
change_list(const SessionsRefresh *s, SessionsRow *row, const Difference *d)
{
	KeyType		type = s->def->basket_type;
	bool		whole = row->n == row->size;
	SessionEntry last = whole ? (SessionEntry) {0} : row->entry[row->size - 1];
	uint32		wanted;

	row->n += (double) d->num_added - d->num_removed;
	wanted = Max(Min(row->n, s->def->recent), 0);
	remove_entries(type, row, d);
	add_entries(type, row, d, whole ? NULL : &last);
	if (row->size < wanted)
		return false;
	row->size = wanted;
	return true;
}

static bool
is_to_be_refilled(const SessionsRefresh *s, uint32 item)
{
	return item < s->refill_room && s->refill[item];
}

static void
refill_later(SessionsRefresh *s, uint32 item)
{
	uint32		had = s->refill_room;

	if (item >= had)
	{
		s->refill_room = Max(s->group->items->keys.size, item + 1);
		s->refill = env_resize(s->env, s->refill, s->refill_room, sizeof(bool));
		memset(s->refill + had, 0, (s->refill_room - had) * sizeof(bool));
	}
	s->refill[item] = true;
	s->num_refill++;
}

/* All changes of one item.  A row that is not as it should be, by somebody's hand, is made again. */
static void
change_item(SessionsRefresh *s, KeyScan *scan, const ListChange *change, uint32 n)
{
	Datum		key = item_table_key(s->group->items, change->item);
	SessionsRow row = {change->item};
	Difference	d;
	HeapTuple	old;

	key_scan_start(scan, &key);
	old = key_scan_next(scan);
	if (old != NULL)
		sessions_row_read(s->def, table_writer_relation(s->writer), old, &row);
	make_difference(s, change, n, &d);
	/* n of a row is no less than its list, and more only where the list is cut: NaN is neither */
	if (!(row.n >= row.size) || (row.n != row.size && row.size == 0) || !change_list(s, &row, &d))
		refill_later(s, change->item);
	else
		s->rows += sessions_row_write(s->def, s->writer, old, key, &row);
}

/* --- rounds ------------------------------------------------------------------ */

static void
apply_round(SessionsRefresh *s)
{
	KeyScan    *scan;

	if (s->num_changes == 0)
		return;
	if (s->writer == NULL)
		s->writer = table_writer_open(s->def->follower.relation);
	scan = key_scan_open(table_writer_relation(s->writer), 1, NULL);
	qsort(s->change, s->num_changes, sizeof(ListChange), compare_changes);
	for (uint64 c = 0, end; c < s->num_changes; c = end)
	{
		MemoryContext old = MemoryContextSwitchTo(s->scratch);

		CHECK_FOR_INTERRUPTS();
		for (end = c + 1; end < s->num_changes && s->change[end].item == s->change[c].item;)
			end++;
		if (!is_to_be_refilled(s, s->change[c].item))
			change_item(s, scan, &s->change[c], (uint32) (end - c));
		MemoryContextSwitchTo(old);
		MemoryContextReset(s->scratch);
	}
	key_scan_close(scan);
	s->num_changes = 0;
	table_writer_flush(s->writer);
	refresh_see_own_writes();
}

void
sessions_change(void *state, const FollowerChange *change)
{
	SessionsRefresh *s = state;
	const RefreshGroup *group = s->group;
	bool		was = sessions_counts(s->def, &change->old->basket);
	bool		is = sessions_counts(s->def, &change->new->basket);
	uint32		code = key_find(&group->baskets, group->basket_type, key_type_oid(group->basket_type), change->basket);

	if (s->num_changes >= s->allowed)
	{
		MemoryContext old = MemoryContextSwitchTo(group->server.context);

		/* what it opens stays open longer than this basket */
		apply_round(s);
		MemoryContextSwitchTo(old);
	}
	diff_items(s, code, was ? change->old : NULL, is ? change->new : NULL);
	s->def->num_sessions += is - was;
}

/* --- its end ------------------------------------------------------------------- */

typedef struct Refill
{
	SessionsRefresh *refresh;
	KeyScan    *scan;
} Refill;

static void
refill_row(void *arg, const SessionsRow *row)
{
	Refill	   *refill = arg;
	SessionsRefresh *s = refill->refresh;
	Datum		key = item_table_key(s->group->items, row->item);

	key_scan_start(refill->scan, &key);
	s->rows += sessions_row_write(s->def, s->writer, key_scan_next(refill->scan), key, row);
}

static void
refill_lists(SessionsRefresh *s)
{
	HistoryDef *history = registry_history_by_id(s->def->follower.history_id);
	uint32	   *item = env_alloc(s->env, s->num_refill + 1, sizeof(uint32));
	Refill		refill = {s};
	uint32		n = 0;

	for (uint32 i = 0; i < s->refill_room; i++)
		if (s->refill[i])
			item[n++] = i;
	refill.scan = key_scan_open(table_writer_relation(s->writer), 1, NULL);
	sessions_gather(s->def, history, s->group->items, item, n, refill_row, &refill);
	key_scan_close(refill.scan);
	env_release(s->env, item);
}

void
sessions_finish(void *state, RefreshReport *report)
{
	SessionsRefresh *s = state;
	MemoryContext old = MemoryContextSwitchTo(s->group->server.context);

	apply_round(s);
	if (s->num_refill > 0)
		refill_lists(s);
	if (s->writer != NULL)
		table_writer_close(s->writer);
	report->items = s->rows;
	MemoryContextSwitchTo(old);
}
