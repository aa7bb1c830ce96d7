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

/* In memory times are counters of an item that no catalog has. */
#define TIMES_ITEM PG_UINT32_MAX

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

/* The items of one row are counted whatever it takes: each has a counter for each segment at most, and these are known anyway. */
uint32
counters_shrink(CounterSet *set, uint32 first, uint32 end)
{
	while (counters_are_full(set) && end - first > COUNTER_ROW_ITEMS)
	{
		counter_hash *all = set->hash;
		counter_iterator iterator;
		Counter    *counter;

		/* rows belong to one range as a whole; the first of a range begins one */
		end = first + Max((end - first) / 2 / COUNTER_ROW_ITEMS, 1) * COUNTER_ROW_ITEMS;
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
			counter->sum = 0;
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
	CounterKey	key = {SEGMENT_SHOP, TIMES_ITEM, 0, POPULARITY_TIMES};
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

static int32
chunk_of(const CounterKey *key)
{
	return key->item == TIMES_ITEM ? POPULARITY_TIMES_CHUNK : (int32) (key->item / COUNTER_ROW_ITEMS);
}

static uint32
place_of(const CounterKey *key)
{
	return key->item == TIMES_ITEM ? 0 : key->item % COUNTER_ROW_ITEMS;
}

/* Which row, then which place in it. */
static int
compare_rows(const CounterKey *a, const CounterKey *b)
{
	if (a->segment != b->segment)
		return a->segment < b->segment ? -1 : 1;
	if (chunk_of(a) != chunk_of(b))
		return chunk_of(a) < chunk_of(b) ? -1 : 1;
	return a->what < b->what ? -1 : a->what > b->what;
}

static int
compare_counters(const void *x, const void *y)
{
	const CounterKey *a = &(*(Counter *const *) x)->key;
	const CounterKey *b = &(*(Counter *const *) y)->key;
	int			order = compare_rows(a, b);

	if (order != 0)
		return order;
	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
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

/* The counters of one row among the sorted ones: how many from there on. */
static uint64
group_size(Counter **sorted, uint64 n)
{
	uint64		size = 1;

	while (size < n && compare_rows(&sorted[size]->key, &sorted[0]->key) == 0)
		size++;
	return size;
}

static void pg_attribute_noreturn()
fail_damaged(Relation relation, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("counters in %s are damaged", registry_name(RelationGetRelid(relation))),
			 errdetail("%s", detail),
			 errhint("Make them again with personalize.refresh(), rebuild => true.")));
}

static void
read_place(Relation relation, HeapTuple tuple, CounterTableRow *row)
{
	bool		isnull;

	row->chunk = DatumGetInt32(heap_getattr(tuple, COUNTER_CHUNK, RelationGetDescr(relation), &isnull));
	row->what = DatumGetInt16(heap_getattr(tuple, COUNTER_WHAT, RelationGetDescr(relation), &isnull));
}

void
counters_read_row(Env *env, Relation relation, HeapTuple tuple, CounterTableRow *row)
{
	bool		isnull;
	bytea	   *bytes = DatumGetByteaPP(heap_getattr(tuple, COUNTER_SUMS, RelationGetDescr(relation), &isnull));
	WireReader	reader;

	read_place(relation, tuple, row);
	reader = wire_reader(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	if (!counter_row_decode(env, &reader, &row->row))
		fail_damaged(relation, "The bytes of a row are no counters.");
}

/* In the current context. */
static Datum
encode(const CounterRow *row)
{
	bytea	   *bytes = palloc(VARHDRSZ + counter_row_encoded_room(row->size));

	SET_VARSIZE(bytes, (char *) counter_row_encode(row, (unsigned char *) VARDATA(bytes)) - (char *) bytes);
	return PointerGetDatum(bytes);
}

void
counters_replace_row(TableWriter *writer, HeapTuple old, const CounterRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	table_writer_blank(writer, &values, &nulls, &replace);
	values[COUNTER_SUMS - 1] = encode(row);
	nulls[COUNTER_SUMS - 1] = false;
	replace[COUNTER_SUMS - 1] = true;
	if (row->size == 0)
		table_writer_delete(writer, old);
	else
		table_writer_update(writer, old, values, nulls, replace);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(writer));
}

static void
insert_row(const CounterSet *set, TableWriter *writer, const CounterKey *key, const CounterRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	Datum	   *values;
	bool	   *nulls;

	table_writer_blank(writer, &values, &nulls, NULL);
	values[COUNTER_SEGMENT - 1] = counters_segment_datum(set, key->segment);
	values[COUNTER_CHUNK - 1] = Int32GetDatum(chunk_of(key));
	values[COUNTER_WHAT - 1] = Int16GetDatum((int16) key->what);
	values[COUNTER_SUMS - 1] = encode(row);
	memset(nulls, false, COUNTER_NUM_COLUMNS * sizeof(bool));
	table_writer_insert(writer, values, nulls);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(writer));
}

/* ---------------------------------------------------------------- changes */

static void
put_cell(CounterRow *row, const PopularityDef *def, uint32 place, int32 epoch, int64 sum)
{
	if (sum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("counters of %s do not fit its history", registry_name(def->follower.relation)),
				 errdetail("A sum would be less than nothing."),
				 errhint("Make it again: CALL personalize.refresh(%s, rebuild => true).",
						 quote_literal_cstr(registry_name(def->follower.relation)))));
	if (sum > 0)
		row->cell[row->size++] = (CounterCell) {place, epoch, sum};
}

/* -1: the stored one comes first. */
static int
compare_cells(const CounterCell *stored, const CounterKey *added)
{
	if (stored->place != place_of(added))
		return stored->place < place_of(added) ? -1 : 1;
	return stored->epoch < added->epoch ? -1 : stored->epoch > added->epoch;
}

/* Both ascend by place and epoch. */
static void
add_rows(Env *env, const PopularityDef *def, const CounterRow *stored, Counter **added, uint64 n, CounterRow *result)
{
	uint32		s = 0;
	uint64		a = 0;

	result->size = 0;
	counter_row_reserve(env, result, stored->size + (uint32) n);
	while (s < stored->size || a < n)
	{
		int			order = s == stored->size ? 1 : a == n ? -1 : compare_cells(&stored->cell[s], &added[a]->key);
		int64		sum = order <= 0 ? stored->cell[s].sum : 0;

		if (order < 0)
			put_cell(result, def, stored->cell[s].place, stored->cell[s].epoch, sum);
		else
		{
			if (pg_add_s64_overflow(sum, added[a]->sum, &sum))
				fail_overflow(def);
			put_cell(result, def, place_of(&added[a]->key), added[a]->key.epoch, sum);
		}
		s += order <= 0;
		a += order >= 0;
	}
}

/* What applying takes, kept from row to row. */
typedef struct Application
{
	CounterSet *set;
	const PopularityDef *def;
	TableWriter *writer;
	KeyScan    *scan;
	MemoryContext context;		/* reset after each row */
	CounterTableRow stored;
	CounterRow	result;
} Application;

static void
apply_group(Application *a, Counter **group, uint64 n)
{
	Env		   *env = &a->set->server.env;
	const CounterKey *key = &group[0]->key;
	Datum		keys[] = {
		counters_segment_datum(a->set, key->segment), Int32GetDatum(chunk_of(key)), Int16GetDatum((int16) key->what)
	};
	HeapTuple	old;

	key_scan_start(a->scan, keys);
	old = key_scan_next(a->scan);
	a->stored.row.size = 0;
	if (old != NULL)
		counters_read_row(env, table_writer_relation(a->writer), old, &a->stored);
	add_rows(env, a->def, &a->stored.row, group, n, &a->result);
	if (old != NULL)
		counters_replace_row(a->writer, old, &a->result);
	else if (a->result.size > 0)
		insert_row(a->set, a->writer, key, &a->result);
}

void
counters_apply(CounterSet *set, const PopularityDef *def)
{
	Application a = {.set = set, .def = def};
	uint64		n;
	Counter   **sorted = sorted_counters(set, &n);
	MemoryContext caller;

	a.writer = table_writer_open(def->counts);
	a.scan = key_scan_open(table_writer_relation(a.writer), COUNTER_NUM_KEYS, GetActiveSnapshot());
	a.context = AllocSetContextCreate(CurrentMemoryContext, "personalize counter row", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(a.context);
	for (uint64 at = 0; at < n;)
	{
		uint64		size = group_size(sorted + at, n - at);

		CHECK_FOR_INTERRUPTS();
		apply_group(&a, sorted + at, size);
		MemoryContextReset(a.context);
		at += size;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(a.context);
	env_release(&set->server.env, a.stored.row.cell);
	env_release(&set->server.env, a.result.cell);
	key_scan_close(a.scan);
	table_writer_close(a.writer);
	counters_clear(set);
}

/* ---------------------------------------------------------------- all of some items */

/* The counters of one row, as they are to be. */
typedef struct CounterGroup
{
	Counter   **counter;
	uint64		n;
	bool		stored;			/* there is a row for it */
} CounterGroup;

typedef struct Replacement
{
	CounterSet *set;
	const PopularityDef *def;
	const ItemTable *items;
	uint32		first;
	uint32		end;
	CounterGroup *group;			/* in their order */
	uint64		num_groups;
	TableWriter *writer;		/* NULL: only compare */
	Relation	relation;
	VerifySink	sink;
	void	   *arg;
	CounterTableRow stored;
	CounterRow	expected;
} Replacement;

static void
make_groups(Replacement *r)
{
	uint64		n;
	Counter   **sorted = sorted_counters(r->set, &n);

	r->group = MemoryContextAllocHuge(r->set->context, (n + 1) * sizeof(CounterGroup));
	for (uint64 at = 0; at < n;)
	{
		uint64		size = group_size(sorted + at, n - at);

		r->group[r->num_groups++] = (CounterGroup) {sorted + at, size, false};
		at += size;
	}
}

/* NULL: there is to be no such row. */
static CounterGroup *
find_group(const Replacement *r, const CounterKey *key)
{
	uint64		low = 0;
	uint64		high = r->num_groups;

	while (low < high)
	{
		uint64		mid = low + (high - low) / 2;

		if (compare_rows(&r->group[mid].counter[0]->key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->num_groups && compare_rows(&r->group[low].counter[0]->key, key) == 0 ? &r->group[low] : NULL;
}

/* NULL for times, which are of no item. */
static char *
item_text(const Replacement *r, const CounterTableRow *row, uint32 place)
{
	const ItemTable *items = r->items;
	int64		item = (int64) row->chunk * COUNTER_ROW_ITEMS + place;

	if (row->chunk == POPULARITY_TIMES_CHUNK)
		return NULL;
	return item >= 0 && item < items->keys.size ? verify_key_text(items->type, item_table_key(items, (uint32) item)) :
		psprintf("code " INT64_FORMAT, item);
}

/* Counter by counter, in what one such event at the start of an epoch counts. */
static void
compare_row(const Replacement *r, Datum segment, const CounterRow *stored, const CounterRow *expected)
{
	uint32		s = 0;
	uint32		e = 0;

	while (s < stored->size || e < expected->size)
	{
		const CounterCell *x = s < stored->size ? &stored->cell[s] : NULL;
		const CounterCell *y = e < expected->size ? &expected->cell[e] : NULL;
		int			order = x == NULL ? 1 : y == NULL ? -1 : x->place != y->place ? (x->place < y->place ? -1 : 1) :
			(x->epoch > y->epoch) - (x->epoch < y->epoch);
		int64		is = order <= 0 ? x->sum : 0;
		int64		to_be = order >= 0 ? y->sum : 0;

		if (is != to_be)
			r->sink(r->arg, "count", item_text(r, &r->stored, order <= 0 ? x->place : y->place), segment_text(segment),
					(double) is / DECAY_UNIT, (double) to_be / DECAY_UNIT);
		s += order <= 0;
		e += order >= 0;
	}
}

static void
expect_group(Replacement *r, const CounterGroup *group)
{
	r->expected.size = 0;
	if (group == NULL)
		return;
	counter_row_reserve(&r->set->server.env, &r->expected, (uint32) group->n);
	for (uint64 i = 0; i < group->n; i++)
		put_cell(&r->expected, r->def, place_of(&group->counter[i]->key), group->counter[i]->key.epoch, group->counter[i]->sum);
}

/* Chunks beyond the catalog belong to the last range, times to the first. */
static bool
in_range(const Replacement *r, int32 chunk)
{
	int64		item = (int64) chunk * COUNTER_ROW_ITEMS;

	if (chunk < 0)
		return r->first == 0;
	return item >= r->first && (item < r->end || r->end >= r->items->keys.size);
}

static void
replace_row(Replacement *r, HeapTuple tuple)
{
	bool		isnull;
	ArrayType  *segment = DatumGetArrayTypePCopy(heap_getattr(tuple, COUNTER_SEGMENT, RelationGetDescr(r->relation), &isnull));
	CounterKey	key = {.segment = keyset_find_bytes(&r->set->segments, segment, VARSIZE(segment))};
	CounterGroup *group = NULL;

	/* what is written anew need not be understood */
	if (r->writer)
		read_place(r->relation, tuple, &r->stored);
	else
		counters_read_row(&r->set->server.env, r->relation, tuple, &r->stored);
	if (!in_range(r, r->stored.chunk))
		return;
	key.item = r->stored.chunk == POPULARITY_TIMES_CHUNK ? TIMES_ITEM : (uint32) r->stored.chunk * COUNTER_ROW_ITEMS;
	key.what = r->stored.what;
	if (key.segment != KEYSET_NONE && r->stored.chunk >= POPULARITY_TIMES_CHUNK)
		group = find_group(r, &key);
	if (group)
		group->stored = true;
	expect_group(r, group);
	if (r->writer == NULL)
		compare_row(r, PointerGetDatum(segment), &r->stored.row, &r->expected);
	else if (group == NULL || !model_row_same_bytes(heap_getattr(tuple, COUNTER_SUMS, RelationGetDescr(r->relation), &isnull), false,
													 encode(&r->expected)))
		counters_replace_row(r->writer, tuple, &r->expected);
}

/* What had no row.  The order makes the table one that can be read by its key from end to end. */
static void
insert_missing(Replacement *r, MemoryContext row_context)
{
	for (uint64 g = 0; g < r->num_groups; g++)
	{
		const CounterKey *key = &r->group[g].counter[0]->key;

		CHECK_FOR_INTERRUPTS();
		if (r->group[g].stored)
			continue;
		expect_group(r, &r->group[g]);
		r->stored.chunk = chunk_of(key);
		r->stored.row.size = 0;
		if (r->writer == NULL)
			compare_row(r, counters_segment_datum(r->set, key->segment), &r->stored.row, &r->expected);
		else
			insert_row(r->set, r->writer, key, &r->expected);
		MemoryContextReset(row_context);
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

	make_groups(&r);
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
	insert_missing(&r, row_context);
	MemoryContextSwitchTo(caller);
	table_endscan(scan);
	table_close(r.relation, NoLock);
	if (r.writer)
		table_writer_close(r.writer);
	env_release(&set->server.env, r.stored.row.cell);
	env_release(&set->server.env, r.expected.cell);
	MemoryContextDelete(row_context);
}

/* ---------------------------------------------------------------- SQL */

/* popularity_counters(chunk, sums): what a row of counters holds, for people and proofs. */
PG_FUNCTION_INFO_V1(personalize_popularity_counters);

Datum
personalize_popularity_counters(PG_FUNCTION_ARGS)
{
	int32		chunk = PG_GETARG_INT32(0);
	bytea	   *bytes = PG_GETARG_BYTEA_PP(1);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	WireReader	reader = wire_reader(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	CounterRow	row = {0};
	ServerEnv	server;

	compat_materialize(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	if (chunk < POPULARITY_TIMES_CHUNK || chunk > PG_INT32_MAX / COUNTER_ROW_ITEMS || !counter_row_decode(&server.env, &reader, &row))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("these bytes are no counters of a popularity model"),
				 errhint("Counters stand in the columns chunk and sums of the table that is named after the model.")));
	for (uint32 c = 0; c < row.size; c++)
	{
		const CounterCell *cell = &row.cell[c];
		Datum		values[] = {
			Int32GetDatum(chunk * COUNTER_ROW_ITEMS + (int32) cell->place), Int32GetDatum(cell->epoch), Int64GetDatum(cell->sum)
		};
		bool		nulls[lengthof(values)] = {chunk == POPULARITY_TIMES_CHUNK};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
