/*
 * activity_build.c
 *		What the shop's tables say about every customer beside what an activity table holds.
 *
 * Events become numbers at once: customer, place and kind, amount, time.  As such they are sorted by customer in runs, which may go to a file, and merged.
 * Then three sides ascend by key and pass by each other once: the shop's customers, their events, the rows of our table.
 */
#include "base/compat.h"

#include "access/table.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/activity_source.h"
#include "model/build_rows.h"
#include "value/basket_rows.h"

/*
 * A row of four words: customer, a number that no other row has (rows that are equal in the first two would be added up), amount, time.  The number
 * counts the rows, and has the kind in its lowest bits.
 */
#define ROW_WORDS 4
#define KIND_BITS 10

StaticAssertDecl(ACTIVITY_MAX_KINDS <= 1 << KIND_BITS, "kinds of events have their bits");

typedef struct ActivityJoin
{
	const ActivityTableDef *def;
	ServerEnv	server;			/* memory of all of it */
	ActivityNames *names;
	Keyset		keys;			/* of customers, where they are no numbers: codes ascend as they do */
	BasketRows	rows;
	uint64		num_rows;
	RunMerge	merge;
	const uint64 *event;		/* events of one customer: the next that come */
	uint64		num_events;		/* 0: there are none any more */
	CustomerEvents events;		/* of the customer at hand */
	uint64		num_customers;
	Relation	relation;
	KeyScan    *scan;
	HeapTuple	old;			/* the next row of our table */
	MemoryContext context;		/* reset for every customer */
	ActivityJoinSink sink;
	void	   *arg;
} ActivityJoin;

/* ---------------------------------------------------------------- reading */

static void
add_event(void *arg, Datum key, const ActivityEvent *event)
{
	ActivityJoin	   *join = arg;
	KeyType		type = join->def->key_type;
	uint64		customer;
	uint64	   *row;

	if (key_is_number(type))
		customer = basket_number(key_number(type, key));
	else
	{
		uint32		code = key_find(&join->keys, type, key_type_oid(type), key);

		if (code == KEYSET_NONE)
			return;
		customer = code;
	}
	row = basket_rows_append(&join->rows);
	row[0] = customer;
	row[1] = join->num_rows++ << KIND_BITS | event->kind;
	row[2] = (uint64) event->amount;
	row[3] = (uint64) event->time;
}

/* They come in their order, so codes have it, too. */
static void
read_keys(ActivityJoin *join)
{
	CustomerRows *rows = customer_rows_open(join->def, NULL);
	Customer	customer;

	while (customer_rows_next(rows, &customer))
		key_add(&join->server.env, &join->keys, join->def->key_type, customer.key);
	customer_rows_close(rows);
}

static void
read_events(ActivityJoin *join)
{
	bool		begun = build_phase(PROGRESS_READING);

	keyset_init(&join->server.env, &join->keys, key_is_number(join->def->key_type));
	if (!key_is_number(join->def->key_type))
		read_keys(join);
	basket_rows_init(&join->rows, join->server.context, ROW_WORDS, 0, (Size) maintenance_work_mem * 1024);
	join->rows.may_spill = true;
	activity_events_read(join->def, join->names, NULL, 0, add_event, join);
	basket_rows_flush(&join->rows);
	/* the buffer has done its work; the merge reads ahead by as much */
	env_release(&join->server.env, join->rows.row);
	join->rows.row = NULL;
	basket_rows_merge(&join->rows, &join->server.env, &join->merge);
	progress_end(begun);
}

/* ---------------------------------------------------------------- one customer */

static void
next_events(ActivityJoin *join)
{
	join->num_events = run_merge_next(&join->merge, &join->event);
}

static uint64
customer_number(const ActivityJoin *join, Datum key)
{
	KeyType		type = join->def->key_type;

	return key_is_number(type) ? basket_number(key_number(type, key)) : join->num_customers;
}

/* Those of smaller keys are of nobody who is a customer. */
static void
take_events(ActivityJoin *join, Datum key)
{
	uint64		number = customer_number(join, key);

	join->events.events.n = 0;
	join->events.fold_at = 0;
	while (join->num_events > 0 && join->event[0] < number)
		next_events(join);
	if (join->num_events == 0 || join->event[0] != number)
		return;
	for (uint64 i = 0; i < join->num_events; i++)
	{
		const uint64 *row = join->event + i * ROW_WORDS;
		uint16		kind = row[1] & ((1 << KIND_BITS) - 1);

		activity_events_add(&join->server.env, &join->events, (ActivityEvent) {(int64) row[3], (int64) row[2], 1, kind, ACTIVITY_EVENT});
	}
	next_events(join);
}

static Datum
key_of(const ActivityJoin *join, HeapTuple tuple)
{
	bool		isnull;

	return heap_getattr(tuple, ACTIVITY_CUSTOMER, RelationGetDescr(join->relation), &isnull);
}

/* What was made of the customer is in the same context, which is reset. */
static void
hand_out(ActivityJoin *join, Datum key, const unsigned char *activity, size_t size, HeapTuple old)
{
	MemoryContext caller = MemoryContextSwitchTo(join->context);

	join->sink(join->arg, key, activity, size, old);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(join->context);
}

/* Hands out rows of our table that are before a key, or (NULL) all that are left: their customers are gone. */
static void
pass_old(ActivityJoin *join, const Datum *key)
{
	while (join->old != NULL && (key == NULL || activity_key_compare(join->def->key_type, key_of(join, join->old), *key) < 0))
	{
		CHECK_FOR_INTERRUPTS();
		hand_out(join, key_of(join, join->old), NULL, 0, join->old);
		join->old = key_scan_next(join->scan);
	}
}

static void
join_customer(ActivityJoin *join, Datum key)
{
	MemoryContext caller;
	const unsigned char *activity;
	size_t		size;
	bool		met;

	pass_old(join, &key);
	take_events(join, key);
	join->num_customers++;
	caller = MemoryContextSwitchTo(join->context);
	activity = activity_events_encode(&join->server.env, &join->events, join->names, &size);
	MemoryContextSwitchTo(caller);
	met = join->old != NULL && activity_key_compare(join->def->key_type, key_of(join, join->old), key) == 0;
	hand_out(join, key, activity, size, met ? join->old : NULL);
	if (met)
		join->old = key_scan_next(join->scan);
}

/* ---------------------------------------------------------------- all of them */

/* Other keys than numbers have been read already, and are not asked for again. */
static void
join_customers(ActivityJoin *join)
{
	KeyType		type = join->def->key_type;
	CustomerRows *rows;
	Customer	customer;

	if (!key_is_number(type))
	{
		MemoryContext keys = AllocSetContextCreate(join->server.context, "personalize customer key", ALLOCSET_SMALL_SIZES);

		for (uint32 code = 0; code < join->keys.size; code++)
		{
			MemoryContext old = MemoryContextSwitchTo(keys);
			Datum		key = key_datum(&join->keys, type, code, type);

			MemoryContextSwitchTo(old);
			join_customer(join, key);
			MemoryContextReset(keys);
			env_check(&join->server.env, code, join->keys.size);
		}
		return;
	}
	rows = customer_rows_open(join->def, NULL);
	while (customer_rows_next(rows, &customer))
		join_customer(join, customer.key);
	customer_rows_close(rows);
}

/* Compressing, detoasting and the sink leave what they like in the context of a customer. */
void
activity_join(const ActivityTableDef *def, Relation relation, ActivityJoinSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize activity", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ActivityJoin	   *join = palloc0(sizeof(ActivityJoin));
	bool		begun;

	*join = (ActivityJoin) {.def = def, .relation = relation, .sink = sink, .arg = arg};
	server_env_init(&join->server, context);
	join->names = activity_names_create(&join->server.env);
	read_events(join);
	begun = build_phase(PROGRESS_WRITING_HISTORY);
	next_events(join);
	join->scan = key_scan_open(relation, 0, GetActiveSnapshot());
	key_scan_start(join->scan, NULL);
	join->old = key_scan_next(join->scan);
	join->context = AllocSetContextCreate(context, "personalize customer", ALLOCSET_DEFAULT_SIZES);
	join_customers(join);
	pass_old(join, NULL);
	key_scan_close(join->scan);
	run_merge_release(&join->merge);
	basket_rows_close(&join->rows);
	progress_end(begun);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
