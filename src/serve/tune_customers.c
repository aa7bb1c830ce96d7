/*
 * tune_customers.c
 *		The customers that parameters are tried on, in memory, as each trial wants them all.
 */
#include "base/compat.h"

#include "access/table.h"
#include "utils/rel.h"

#include "model/model_rows.h"
#include "serve/tune.h"

#define MOST_SEEDS 50			/* as sources of widgets start from */

/* Before it is allocated, so that a large shop is told and not killed. */
static void
count_memory(TuneCustomers *customers, const TuneCustomer *customer)
{
	Size		limit = (Size) maintenance_work_mem * 1024;

	customers->memory += sizeof(TuneCustomer) + sizeof(uint32) * (customer->num_seeds + customer->customer.num_relevant) +
		sizeof(BasketEntry) * customer->customer.known.size;
	if (customers->memory > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many customers for maintenance_work_mem"),
				 errdetail("Those read so far need %zu MB of %zu MB.", customers->memory >> 20, limit >> 20),
				 errhint("Take a share of them with sample => 0.1, or raise maintenance_work_mem.")));
}

static void
add(TuneCustomers *customers, const TuneCustomer *customer)
{
	count_memory(customers, customer);
	if (customers->size == customers->room)
	{
		customers->room = Max(2 * customers->room, 256);
		customers->customer = customers->customer == NULL ?
			MemoryContextAllocHuge(CurrentMemoryContext, sizeof(TuneCustomer) * customers->room) :
			repalloc_huge(customers->customer, sizeof(TuneCustomer) * customers->room);
	}
	customers->customer[customers->size++] = *customer;
}

/* As things happened. */
static int
compare_sequence(const void *x, const void *y)
{
	const BasketEntry *a = x;
	const BasketEntry *b = y;

	return a->day != b->day ? (a->day < b->day ? -1 : 1) : (a->position > b->position) - (a->position < b->position);
}

/* A basket that begins in the test: its first half is as if known, and what follows is to be predicted. */
static void
split_halves(EvaluateCustomer *customer)
{
	Basket		all = customer->later;
	uint32		half = all.size / 2;

	qsort(all.entry, all.size, sizeof(BasketEntry), compare_sequence);
	customer->known = (Basket) {half, half, all.entry};
	customer->later = (Basket) {all.size - half, all.size - half, all.entry + half};
	basket_sort(&customer->later);
}

/* The last items say most, and more than so many no widget asks for. */
static void
find_seeds(TuneCustomer *customer, uint32 num_known)
{
	uint32		size;
	uint32	   *oldest_first = evaluate_recent_items(&customer->customer.known, MOST_SEEDS, false, &size);

	for (uint32 i = 0; i < size / 2; i++)
	{
		uint32		swapped = oldest_first[i];

		oldest_first[i] = oldest_first[size - 1 - i];
		oldest_first[size - 1 - i] = swapped;
	}
	customer->seed = oldest_first;
	/* of what was new only later, the past has no neighbors */
	for (uint32 i = 0; i < size; i++)
		if (oldest_first[i] < num_known)
			oldest_first[customer->num_seeds++] = oldest_first[i];
}

/* positions are sorted away by halves; from here on a basket is looked up by code */
static void
take(TuneCustomers *customers, const EvaluateLists *lists, TuneCustomer *customer)
{
	find_seeds(customer, lists->num_known);
	basket_sort(&customer->customer.known);
	evaluate_find_relevant(&customer->customer, lists->options->repeats);
	if (customer->num_seeds > 0 && customer->customer.num_relevant > 0)
		add(customers, customer);
}

/* The row of a basket before; empty where it had none. */
static Basket
read_known(Relation relation, KeyScan *scan, Datum *key)
{
	HistoryRow	row = {{0}};
	ServerEnv	server;
	HeapTuple	tuple;

	server_env_init(&server, CurrentMemoryContext);
	key_scan_start(scan, key);
	if ((tuple = key_scan_next(scan)) != NULL)
		history_row_read(&server.env, relation, tuple, &row);
	return row.basket;
}

typedef struct TuneRead
{
	TuneCustomers *customers;
	const EvaluateLists *lists;
	const uint32 *codes;
	KeyType		type;
	Relation	train;
	Relation	test;
	KeyScan    *train_scan;
} TuneRead;

/* A sample is by the same hash as in evaluate_widget. */
static void
read_customer(TuneRead *read, HeapTuple tuple, bool halves)
{
	TuneCustomer customer = {{0}};
	bool		isnull;
	Datum		key = heap_getattr(tuple, HISTORY_BASKET, RelationGetDescr(read->test), &isnull);

	if (!evaluate_is_sampled(read->lists->options, evaluate_customer_hash(read->type, key)))
		return;
	customer.customer.later = evaluate_test_basket(read->test, tuple, read->codes);
	if (halves)
		split_halves(&customer.customer);
	else
		customer.customer.known = read_known(read->train, read->train_scan, &key);
	take(read->customers, read->lists, &customer);
}

/* By key, so that sums are the same each time. */
static void
read_all(TuneRead *read, bool halves)
{
	KeyScan    *scan = key_scan_open(read->test, 0, NULL);
	HeapTuple	tuple;

	key_scan_start(scan, NULL);
	while ((tuple = key_scan_next(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		read_customer(read, tuple, halves);
	}
	key_scan_close(scan);
}

/*
 * Customers are known before; orders and sessions begin anew, and are known by nothing but their own first half.
 */
void
tune_customers_read(TuneCustomers *customers, EvaluateLists *lists, const HistoryDef *train, const HistoryDef *test)
{
	TuneRead	read = {customers, lists, evaluate_test_codes(lists, test), test->basket_type};

	memset(customers, 0, sizeof(TuneCustomers));
	read.train = table_open(train->relation, AccessShareLock);
	read.test = table_open(test->relation, AccessShareLock);
	read.train_scan = key_scan_open(read.train, 1, NULL);
	read_all(&read, false);
	customers->known = customers->size > 0;
	if (!customers->known)
		read_all(&read, true);
	key_scan_close(read.train_scan);
	table_close(read.test, NoLock);
	table_close(read.train, NoLock);
}
