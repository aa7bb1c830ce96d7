/*
 * products_rest.c
 *		Whatever else the shop has: what fills a list when no source knows more.
 *
 * In the order of the catalog's codes, which were given by popularity; items without a code follow by their keys.  The codes
 * are read from the catalog's index, as part of the widget; the product table is asked as the caller.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "model/item_table.h"
#include "model/table_layout.h"
#include "model/table_writer.h"
#include "serve/products_statement.h"

/* Codes that are read at a time, at least; at most PRODUCTS_QUEUE. */
#define MIN_BATCH 64

/* --- codes ------------------------------------------------------------------- */

/* Its rows are read by place and type, and an owner may have changed them. */
static Relation
open_catalog(const Request *request)
{
	Relation	relation = table_open(request->widget->catalog->relation, AccessShareLock);

	layout_require_catalog(request->widget->catalog);
	return relation;
}

/* UNIQUE (code), which the table was made with. */
static Oid
code_index(Relation catalog)
{
	List	   *indexes = RelationGetIndexList(catalog);
	Oid			found = InvalidOid;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisvalid && index->rd_index->indisunique && index->rd_index->indnkeyatts == 1 &&
			index->rd_index->indkey.values[0] == ITEM_CODE && RelationGetIndexPredicate(index) == NIL)
			found = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	list_free(indexes);
	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("catalog %s has no unique index on code", RelationGetRelationName(catalog)),
				 errhint("It was created with one, and needs it. Add it again.")));
	return found;
}

/* Items with the next codes: fewer than `most` only where there are no more. */
static uint32
read_codes(Request *request, uint32 *items, uint32 most)
{
	struct RequestProducts *state = products_state(request);
	Relation	catalog = open_catalog(request);
	Relation	index = index_open(code_index(catalog), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	uint32		n = 0;

	ScanKeyInit(&key, ITEM_CODE, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum((int32) state->next_code));
	scan = systable_beginscan_ordered(catalog, index, request->snapshot, 1, &key);
	while (n < most && (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;

		items[n++] = request_item(request, heap_getattr(tuple, ITEM_KEY, RelationGetDescr(catalog), &isnull));
		state->next_code = INT64CONST(1) + DatumGetInt32(heap_getattr(tuple, ITEM_CODE, RelationGetDescr(catalog), &isnull));
	}
	systable_endscan_ordered(scan);
	index_close(index, NoLock);
	table_close(catalog, NoLock);
	if (n < most || state->next_code > PG_INT32_MAX)
		state->next_code = -1;
	return n;
}

/* Those that are eligible and have not come out yet stay. */
static uint32
keep_eligible(Request *request, uint32 *items, uint32 n)
{
	uint32		kept = 0;

	products_look(request, items, n);
	for (uint32 i = 0; i < n; i++)
		if (product_of(request, items[i])->eligible && (!products_bound(request) || !products_product(request, items[i])->given))
		{
			if (products_bound(request))
				products_product(request, items[i])->given = true;
			items[kept++] = items[i];
		}
	return kept;
}

/* --- all that are eligible, if they are known --------------------------------------- */

typedef struct CodedItem
{
	int64		code;
	uint32		item;
	Request    *request;
} CodedItem;

static int
compare_coded(const void *a, const void *b)
{
	const CodedItem *x = a;
	const CodedItem *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return request_compare_keys(x->request, x->item, y->item);
}

/* Items without a code come last. */
static CodedItem *
coded_set(Request *request)
{
	struct RequestProducts *state = products_state(request);
	Relation	catalog = open_catalog(request);
	KeyScan    *scan = key_scan_open(catalog, 1, request->snapshot);
	CodedItem  *coded = palloc(Max(state->num_set, 1) * sizeof(CodedItem));

	for (uint32 i = 0; i < state->num_set; i++)
	{
		Datum		key = request_key(request, state->set[i]);
		HeapTuple	tuple;
		bool		isnull;

		key_scan_start(scan, &key);
		tuple = key_scan_next(scan);
		coded[i] = (CodedItem) {PG_INT64_MAX, state->set[i], request};
		if (tuple != NULL)
			coded[i].code = DatumGetInt32(heap_getattr(tuple, ITEM_CODE, RelationGetDescr(catalog), &isnull));
	}
	key_scan_close(scan);
	table_close(catalog, NoLock);
	return coded;
}

static void
order_set(Request *request)
{
	struct RequestProducts *state = products_state(request);
	CodedItem  *coded = coded_set(request);

	qsort(coded, state->num_set, sizeof(CodedItem), compare_coded);
	for (uint32 i = 0; i < state->num_set; i++)
		state->set[i] = coded[i].item;
	pfree(coded);
	state->set_ordered = true;
}

static uint32
next_of_set(Request *request, uint32 *items)
{
	struct RequestProducts *state = products_state(request);
	uint32		n;

	if (!state->set_ordered)
		order_set(request);
	n = Min(PRODUCTS_QUEUE, state->num_set - state->next_set);
	memcpy(items, state->set + state->next_set, n * sizeof(uint32));
	state->next_set += n;
	state->rest_ended = state->next_set == state->num_set;
	return n;
}

/* --- otherwise: by code, then by key ------------------------------------------------- */

/* As many at once as it will take, by the share that was eligible so far. */
static uint32
next_of_codes(Request *request, uint32 *items, uint32 want)
{
	double		batch = want / products_share(request);

	return read_codes(request, items, batch > PRODUCTS_QUEUE ? PRODUCTS_QUEUE : Max((uint32) batch, MIN_BATCH));
}

static uint32
next_of_keys(Request *request, uint32 *items)
{
	struct RequestProducts *state = products_state(request);
	ProductReceiver receiver = {.item = items, .room = PRODUCTS_QUEUE};
	ParamListInfo parameters = products_request_parameters(request);

	products_set_parameter(parameters, PRODUCTS_LIMIT, Int64GetDatum(PRODUCTS_QUEUE));
	if (state->last_key != ITEM_NONE)
		products_set_parameter(parameters, PRODUCTS_AFTER, request_key(request, state->last_key));
	state->rest_ended = products_run(request, PRODUCTS_NEXT, parameters, &receiver, 0) < PRODUCTS_QUEUE;
	if (receiver.num_items > 0)
		state->last_key = items[receiver.num_items - 1];
	return receiver.num_items;
}

/* --- the queue ------------------------------------------------------------------------- */

static void
refill(Request *request, uint32 want)
{
	struct RequestProducts *state = products_state(request);
	uint32		n;

	if (state->next_code >= 0)
		products_expect(request, want / products_share(request));
	if (state->complete)
		n = next_of_set(request, state->queue);
	else if (state->next_code >= 0)
		n = next_of_codes(request, state->queue, want);
	else
		n = next_of_keys(request, state->queue);
	if (!products_bound(request))
		state->rest_ended = state->next_code < 0;
	state->num_queue = keep_eligible(request, state->queue, n);
	state->next_queue = 0;
}

uint32
products_rest(Request *request, uint32 *items, uint32 most)
{
	struct RequestProducts *state = products_state(request);
	MemoryContext own;
	MemoryContext caller;
	uint32		n;

	if (state->queue == NULL)
		state->queue = MemoryContextAlloc(request->context, PRODUCTS_QUEUE * sizeof(uint32));
	own = AllocSetContextCreate(request->context, "personalize rest", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(own);
	while (state->next_queue == state->num_queue && !state->rest_ended)
	{
		CHECK_FOR_INTERRUPTS();
		refill(request, most);
		MemoryContextReset(own);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(own);
	n = Min(most, state->num_queue - state->next_queue);
	memcpy(items, state->queue + state->next_queue, n * sizeof(uint32));
	state->next_queue += n;
	return n;
}
