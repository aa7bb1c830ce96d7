/*
 * popularity_counts.c
 *		What a basket counts; counters in memory, and in their table.
 *
 * Sums are integers, so it does not matter in which order, in how many rounds and how often something is added and taken away.
 */
#include "base/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/popularity_counts.h"
#include "model/source.h"
#include "model/verify.h"

/* A heavier entry counts as this much, so that 2^31 of what is counted at the end of an epoch fits a sum. */
#define MAX_WEIGHT 65535

typedef struct CounterKey
{
	uint32		segment;
	uint32		item;
	int32		epoch;
	int32		what;
} CounterKey;

typedef struct Counter
{
	CounterKey	key;
	int64		sum;
	char		status;			/* of the hash table */
	bool		stored;			/* the table has a row for it */
} Counter;

static inline uint32
hash_counter(CounterKey key)
{
	return hash_combine(murmurhash32(key.item * 31 + (uint32) key.what),
						murmurhash32(key.segment * 65599 + (uint32) key.epoch));
}

static inline bool
same_counter(CounterKey a, CounterKey b)
{
	return a.item == b.item && a.segment == b.segment && a.epoch == b.epoch && a.what == b.what;
}

#define SH_PREFIX counter
#define SH_ELEMENT_TYPE Counter
#define SH_KEY_TYPE CounterKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_counter(key)
#define SH_EQUAL(table, a, b) same_counter(a, b)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct CounterSet
{
	ServerEnv	server;			/* for segments */
	Keyset		segments;		/* bytes of arrays */
	uint32	   *parent;			/* by segment; that of the shop is itself */
	uint32		parent_room;
	MemoryContext context;		/* of the hash table */
	counter_hash *hash;
	uint64		max_counters;
};

/* ---------------------------------------------------------------- segments */

/* One segment, whose parent is known; arrays of the same values have the same bytes, as they are made here. */
static uint32
add_segment(CounterSet *set, ArrayType *array, uint32 parent)
{
	uint32		segment = keyset_add_bytes(&set->server.env, &set->segments, array, VARSIZE(array));

	if (segment >= set->parent_room)
	{
		set->parent_room = Max(segment + 1, set->parent_room * 2);
		set->parent = env_resize(&set->server.env, set->parent, set->parent_room, sizeof(uint32));
	}
	set->parent[segment] = parent;
	return segment;
}

uint32
counters_segment(CounterSet *set, Datum segment)
{
	ArrayType  *array = DatumGetArrayTypeP(segment);
	uint32		found = keyset_find_bytes(&set->segments, array, VARSIZE(array));
	Datum	   *value;
	int			n;

	if (found != KEYSET_NONE)
		return found;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &value, NULL, &n);
	found = SEGMENT_SHOP;
	for (int level = 1; level <= n; level++)
		found = add_segment(set, construct_array(value, level, TEXTOID, -1, false, TYPALIGN_INT), found);
	return found;
}

Datum
counters_segment_datum(const CounterSet *set, uint32 segment)
{
	size_t		size;
	const char *bytes = keyset_bytes(&set->segments, segment, &size);

	return PointerGetDatum(memcpy(palloc(size), bytes, size));
}

/* ---------------------------------------------------------------- the set */

/* While the table grows, old and new are there at once; it is at most nine tenths full, and half of it after growing. */
CounterSet *
counters_create(MemoryContext context, Size memory)
{
	CounterSet *set = MemoryContextAllocZero(context, sizeof(CounterSet));

	server_env_init(&set->server, context);
	keyset_init(&set->server.env, &set->segments, false);
	add_segment(set, construct_empty_array(TEXTOID), SEGMENT_SHOP);
	set->context = AllocSetContextCreate(context, "personalize counters", ALLOCSET_DEFAULT_SIZES);
	set->max_counters = Max(memory / (3 * sizeof(Counter)), 1024);
	set->hash = counter_create(set->context, 1024, NULL);
	return set;
}

void
counters_free(CounterSet *set)
{
	MemoryContextDelete(set->context);
	keyset_release(&set->server.env, &set->segments);
	env_release(&set->server.env, set->parent);
	pfree(set);
}

void
counters_clear(CounterSet *set)
{
	MemoryContextReset(set->context);
	set->hash = counter_create(set->context, 1024, NULL);
}

bool
counters_are_full(const CounterSet *set)
{
	return set->hash->members >= set->max_counters;
}

/* A single item is counted whatever it takes: it has a counter for each segment at most, and these are known anyway. */
uint32
counters_shrink(CounterSet *set, uint32 first, uint32 end)
{
	while (counters_are_full(set) && end - first > 1)
	{
		counter_hash *all = set->hash;
		counter_iterator iterator;
		Counter    *counter;

		end = first + (end - first) / 2;
		set->hash = counter_create(set->context, 1024, NULL);
		counter_start_iterate(all, &iterator);
		while ((counter = counter_iterate(all, &iterator)) != NULL)
			if (counter->key.item < end || counter->key.what == POPULARITY_TIMES)
			{
				bool		found;

				counter_insert(set->hash, counter->key, &found)->sum = counter->sum;
			}
		counter_destroy(all);
	}
	return end;
}

static void
fail_overflow(const PopularityDef *def)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("a counter of %s is out of range", registry_name(def->follower.relation)),
			 errdetail("It has room for about 2^31 of what is counted within 16 half-lives."),
			 errhint("Make it of a history without weights, or with smaller ones.")));
}

static void
add(CounterSet *set, const PopularityDef *def, CounterKey key, int64 amount)
{
	for (;;)
	{
		bool		found;
		Counter    *counter = counter_insert(set->hash, key, &found);

		if (!found)
		{
			counter->sum = 0;
			counter->stored = false;
		}
		if (pg_add_s64_overflow(counter->sum, amount, &counter->sum))
			fail_overflow(def);
		if (key.segment == SEGMENT_SHOP)
			return;
		key.segment = set->parent[key.segment];
	}
}

/* ---------------------------------------------------------------- what a basket counts */

/* To the days that there are: a time may be infinite. */
TimestampTz
counters_time(TimestampTz time)
{
	int64		first = SOURCE_FIRST_DAY * USECS_PER_DAY;
	int64		last = (SOURCE_LAST_DAY + 1) * USECS_PER_DAY;

	return Min(Max(time, first), last);
}

/* The last event of a basket is known to the microsecond, those of earlier days by their day, which is over by then. */
static TimestampTz
entry_time(const HistoryRow *row, const BasketEntry *entry)
{
	if (row->happened == DT_NOBEGIN)
		return 0;
	if (entry->day == source_day(row->happened))
		return counters_time(row->happened);
	return (entry->day + 1) * USECS_PER_DAY;
}

static const BasketEntry *
find_entry(const Basket *basket, uint32 code)
{
	uint32		low = 0;
	uint32		high = basket->size;

	while (low < high)
	{
		uint32		mid = low + (high - low) / 2;

		if (basket->entry[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < basket->size && basket->entry[low].code == code ? &basket->entry[low] : NULL;
}

/* How often an entry counts as `what`. */
static int64
entry_amount(const PopularityDef *def, int what, const BasketEntry *entry, const HistoryRow *target)
{
	switch (def->ranks)
	{
		case POPULARITY_SHARE:
			return what == 0 ? Min(entry->weight, MAX_WEIGHT) : 0;
		case POPULARITY_TRENDING:
			return Min(entry->weight, MAX_WEIGHT);
		case POPULARITY_CONVERSION:
			return what == 0 || find_entry(&target->basket, entry->code) != NULL;
		case POPULARITY_REPEAT:
			return what == 0 || entry->weight >= 2;
	}
	return 0;
}

void
counters_add_basket(CounterSet *set, const PopularityDef *def, uint32 segment, int sign, const HistoryRow *row,
					const HistoryRow *target, uint32 first, uint32 end)
{
	for (uint32 e = 0; e < row->basket.size; e++)
	{
		const BasketEntry *entry = &row->basket.entry[e];
		TimestampTz time = entry_time(row, entry);

		if (entry->code < first || entry->code >= end)
			continue;
		for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
		{
			const Decay *decay = &def->decay[what];
			CounterKey	key = {segment, entry->code, decay_epoch(decay, time), what};
			int64		amount = entry_amount(def, what, entry, target);

			if (amount > 0 && key.epoch >= def->first_epoch[what])
				add(set, def, key, sign * amount * decay_weight(decay, time));
		}
	}
}

bool
counters_add_time(CounterSet *set, const PopularityDef *def, int sign, const HistoryRow *row, bool expire)
{
	const Decay *decay = &def->decay[0];
	CounterKey	key = {SEGMENT_SHOP, (uint32) POPULARITY_TIMES_ITEM, 0, POPULARITY_TIMES};
	bool		expired;

	if (row->basket.size == 0 || row->happened == DT_NOBEGIN || decay->half_life == 0)
		return false;
	key.epoch = decay_quarter(decay, counters_time(row->happened));
	expired = decay_quarter_epoch(key.epoch) < def->first_epoch[0];
	if (!expire || !expired)
		add(set, def, key, sign);
	return expired;
}

/* ---------------------------------------------------------------- rows */

static int
compare_counters(const void *x, const void *y)
{
	const CounterKey *a = &(*(Counter *const *) x)->key;
	const CounterKey *b = &(*(Counter *const *) y)->key;

	if (a->segment != b->segment)
		return a->segment < b->segment ? -1 : 1;
	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	if (a->what != b->what)
		return a->what < b->what ? -1 : 1;
	return a->epoch < b->epoch ? -1 : a->epoch > b->epoch;
}

/* Those that say something, in the order of the table's key as far as segments have one. */
static Counter **
sorted_counters(CounterSet *set, uint64 *n)
{
	Counter   **sorted = MemoryContextAllocHuge(set->context, Max(set->hash->members, 1) * sizeof(Counter *));
	counter_iterator iterator;
	Counter    *counter;

	*n = 0;
	counter_start_iterate(set->hash, &iterator);
	while ((counter = counter_iterate(set->hash, &iterator)) != NULL)
		if (counter->sum != 0)
			sorted[(*n)++] = counter;
	qsort(sorted, *n, sizeof(Counter *), compare_counters);
	return sorted;
}

static void
set_row(const CounterSet *set, const Counter *counter, int64 sum, Datum *values, bool *nulls)
{
	values[COUNTER_SEGMENT - 1] = counters_segment_datum(set, counter->key.segment);
	values[COUNTER_ITEM - 1] = Int32GetDatum((int32) counter->key.item);
	values[COUNTER_WHAT - 1] = Int16GetDatum((int16) counter->key.what);
	values[COUNTER_EPOCH - 1] = Int32GetDatum(counter->key.epoch);
	values[COUNTER_SUM - 1] = Int64GetDatum(sum);
	memset(nulls, false, COUNTER_NUM_COLUMNS * sizeof(bool));
}

/* Makes the row of a counter say `sum`; old NULL: there is none. */
static void
write_counter(CounterSet *set, TableWriter *writer, HeapTuple old, const Counter *counter, int64 sum)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	table_writer_blank(writer, &values, &nulls, &replace);
	set_row(set, counter, sum, values, nulls);
	replace[COUNTER_SUM - 1] = true;
	if (old == NULL)
		table_writer_insert(writer, values, nulls);
	else
		table_writer_update(writer, old, values, nulls, replace);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(writer));
}

static int64
stored_sum(Relation relation, HeapTuple tuple)
{
	bool		isnull;
	Datum		sum = heap_getattr(tuple, COUNTER_SUM, RelationGetDescr(relation), &isnull);

	return isnull ? 0 : DatumGetInt64(sum);
}

static void
apply_counter(CounterSet *set, const PopularityDef *def, TableWriter *writer, KeyScan *scan, const Counter *counter)
{
	Datum		values[COUNTER_NUM_COLUMNS];
	bool		nulls[COUNTER_NUM_COLUMNS];
	HeapTuple	old;
	int64		sum;

	set_row(set, counter, 0, values, nulls);
	key_scan_start(scan, values);
	old = key_scan_next(scan);
	sum = old ? stored_sum(table_writer_relation(writer), old) : 0;
	if (pg_add_s64_overflow(sum, counter->sum, &sum))
		fail_overflow(def);
	if (sum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("counters of %s do not fit its history", registry_name(def->follower.relation)),
				 errdetail("A sum would be less than nothing."),
				 errhint("Make it again: CALL personalize.refresh(%s, rebuild => true).",
						 quote_literal_cstr(registry_name(def->follower.relation)))));
	if (sum == 0 && old != NULL)
		table_writer_delete(writer, old);
	else if (sum != 0)
		write_counter(set, writer, old, counter, sum);
	pfree(DatumGetPointer(values[COUNTER_SEGMENT - 1]));
}

void
counters_apply(CounterSet *set, const PopularityDef *def)
{
	uint64		n;
	Counter   **sorted = sorted_counters(set, &n);
	TableWriter *writer = table_writer_open(def->counts);
	KeyScan    *scan = key_scan_open(table_writer_relation(writer), COUNTER_NUM_KEYS, GetActiveSnapshot());

	for (uint64 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		apply_counter(set, def, writer, scan, sorted[i]);
	}
	key_scan_close(scan);
	table_writer_close(writer);
	counters_clear(set);
}

/* ---------------------------------------------------------------- all of some items */

typedef struct Replacement
{
	CounterSet *set;
	const PopularityDef *def;
	const ItemTable *items;
	uint32		first;
	uint32		end;
	TableWriter *writer;		/* NULL: only compare */
	Relation	relation;
	VerifySink	sink;
	void	   *arg;
} Replacement;

static char *
item_text(const ItemTable *items, uint32 item)
{
	if (item == (uint32) POPULARITY_TIMES_ITEM)
		return NULL;
	return item < items->keys.size ? verify_key_text(items->type, item_table_key(items, item)) : psprintf("code %u", item);
}

static void
say(const Replacement *r, Datum segment, uint32 item, int64 stored, int64 expected)
{
	r->sink(r->arg, "count", item_text(r->items, item), segment_text(segment), (double) stored / DECAY_UNIT, (double) expected / DECAY_UNIT);
}

/* The counter of a row; NULL: it is to have none. */
static Counter *
expected_counter(const Replacement *r, HeapTuple tuple, Datum *segment, uint32 *item)
{
	TupleDesc	columns = RelationGetDescr(r->relation);
	bool		isnull;
	ArrayType  *array = DatumGetArrayTypePCopy(heap_getattr(tuple, COUNTER_SEGMENT, columns, &isnull));
	CounterKey	key;

	key.segment = keyset_find_bytes(&r->set->segments, array, VARSIZE(array));
	key.item = *item = (uint32) DatumGetInt32(heap_getattr(tuple, COUNTER_ITEM, columns, &isnull));
	key.what = DatumGetInt16(heap_getattr(tuple, COUNTER_WHAT, columns, &isnull));
	key.epoch = DatumGetInt32(heap_getattr(tuple, COUNTER_EPOCH, columns, &isnull));
	*segment = PointerGetDatum(array);
	return key.segment == KEYSET_NONE ? NULL : counter_lookup(r->set->hash, key);
}

/* Items beyond the catalog belong to the last range, times to the first. */
static bool
in_range(const Replacement *r, uint32 item)
{
	if (item == (uint32) POPULARITY_TIMES_ITEM)
		return r->first == 0;
	return item >= r->first && (item < r->end || r->end >= r->items->keys.size);
}

static void
replace_row(Replacement *r, HeapTuple tuple)
{
	Datum		segment;
	uint32		item;
	Counter    *counter = expected_counter(r, tuple, &segment, &item);
	int64		stored = stored_sum(r->relation, tuple);
	int64		expected = counter ? counter->sum : 0;

	if (!in_range(r, item))
		return;
	if (counter)
		counter->stored = true;
	if (stored == expected && expected != 0)
		return;
	if (r->writer == NULL)
		say(r, segment, item, stored, expected);
	else if (expected == 0)
		table_writer_delete(r->writer, tuple);
	else
		write_counter(r->set, r->writer, tuple, counter, expected);
}

/* What had no row.  The order makes the table one that can be read by its key from end to end. */
static void
insert_missing(Replacement *r)
{
	uint64		n;
	Counter   **sorted = sorted_counters(r->set, &n);

	for (uint64 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (sorted[i]->stored)
			continue;
		if (r->writer == NULL)
			say(r, counters_segment_datum(r->set, sorted[i]->key.segment), sorted[i]->key.item, 0, sorted[i]->sum);
		else
			write_counter(r->set, r->writer, NULL, sorted[i], sorted[i]->sum);
	}
}

void
counters_replace(CounterSet *set, const PopularityDef *def, const ItemTable *items, uint32 first, uint32 end,
				 VerifySink sink, void *arg)
{
	Replacement r = {.set = set, .def = def, .items = items, .first = first, .end = end, .sink = sink, .arg = arg};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "personalize counter row", ALLOCSET_SMALL_SIZES);
	MemoryContext caller;
	TableScanDesc scan;
	HeapTuple	tuple;

	r.writer = sink ? NULL : table_writer_open(def->counts);
	r.relation = table_open(def->counts, AccessShareLock);
	scan = table_beginscan(r.relation, GetActiveSnapshot(), 0, NULL);
	caller = MemoryContextSwitchTo(row_context);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		replace_row(&r, tuple);
		MemoryContextReset(row_context);
	}
	insert_missing(&r);
	MemoryContextSwitchTo(caller);
	table_endscan(scan);
	table_close(r.relation, NoLock);
	if (r.writer)
		table_writer_close(r.writer);
	MemoryContextDelete(row_context);
}
