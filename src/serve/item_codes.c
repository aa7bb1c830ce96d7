/*
 * item_codes.c
 *		From codes to keys.
 *
 * A code is given once and never changes, so what was read stays good: unless the transaction that gave it is still in progress
 * (ours), for then it may be taken back and be given to another key.  Each catalog has a table of a fixed size, in which a code has one
 * place and drives out whatever stands there: the memory is bounded, and codes that are asked for most are small and near each other.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "model/item_table.h"
#include "model/table_layout.h"
#include "model/table_writer.h"
#include "serve/item_codes.h"

#define NUM_KEPT	32768		/* codes of a catalog; a power of two */
#define MAX_CATALOGS 4
#define MAX_LENGTH	40			/* of a key that is kept, in bytes */

typedef struct KeptCode
{
	uint32		code;			/* plus one; 0: free */
	uint32		length;			/* of bytes */
	union
	{
		int64		number;
		char	   *bytes;
	}			key;
} KeptCode;

typedef struct CatalogCodes
{
	Oid			catalog;		/* InvalidOid: free */
	MemoryContext context;
	KeptCode   *kept;
} CatalogCodes;

static CatalogCodes catalogs[MAX_CATALOGS];
static int	next_out = 0;		/* the one that makes room for another catalog */

void
item_codes_invalidate(Oid relation)
{
	for (int c = 0; c < MAX_CATALOGS; c++)
		if (!OidIsValid(relation) || catalogs[c].catalog == relation)
			catalogs[c].catalog = InvalidOid;
}

/* Memory of what was kept before is given back here: an invalidation comes at any time, and frees nothing. */
static CatalogCodes *
take_catalog(CatalogCodes *codes, Oid catalog)
{
	if (codes->context == NULL)
		codes->context = AllocSetContextCreate(CacheMemoryContext, "personalize item codes", ALLOCSET_DEFAULT_SIZES);
	codes->catalog = InvalidOid;
	MemoryContextReset(codes->context);
	codes->kept = MemoryContextAllocZero(codes->context, NUM_KEPT * sizeof(KeptCode));
	codes->catalog = catalog;
	return codes;
}

static CatalogCodes *
codes_of(Oid catalog)
{
	CatalogCodes *free_one = NULL;

	for (int c = 0; c < MAX_CATALOGS; c++)
	{
		if (catalogs[c].catalog == catalog)
			return &catalogs[c];
		if (free_one == NULL && !OidIsValid(catalogs[c].catalog))
			free_one = &catalogs[c];
	}
	if (free_one == NULL)
		free_one = &catalogs[next_out++ % MAX_CATALOGS];
	return take_catalog(free_one, catalog);
}

static inline KeptCode *
place_of(const CatalogCodes *codes, uint32 code)
{
	return &codes->kept[code % NUM_KEPT];
}

static uint32
kept_item(Request *request, const CatalogCodes *codes, uint32 code)
{
	const KeptCode *kept = place_of(codes, code);

	if (kept->code != code + 1)
		return ITEM_NONE;
	if (request->items.numbers)
		return keyset_add_number(&request->server.env, &request->items, kept->key.number);
	return keyset_add_bytes(&request->server.env, &request->items, kept->key.bytes, kept->length);
}

/* Its key is in the request already. */
static void
keep_code(const Request *request, CatalogCodes *codes, uint32 code, uint32 item)
{
	KeptCode   *kept = place_of(codes, code);
	size_t		size = 0;
	const char *bytes = request->items.numbers ? NULL : keyset_bytes(&request->items, item, &size);

	if (size > MAX_LENGTH)
		return;
	if (!request->items.numbers)
	{
		if (kept->code == 0)
			kept->key.bytes = MemoryContextAlloc(codes->context, MAX_LENGTH);
		memcpy(kept->key.bytes, bytes, size);
	}
	else
		kept->key.number = request->items.number[item];
	kept->length = (uint32) size;
	kept->code = code + 1;
}

/* Its key, and whether the code can be taken back any more. */
static uint32
read_code(Request *request, KeyScan *scan, Relation relation, uint32 code, bool *settled)
{
	Datum		key = Int32GetDatum((int32) code);
	HeapTuple	tuple;
	bool		isnull;

	key_scan_start(scan, &key);
	tuple = key_scan_next(scan);
	if (tuple == NULL)
		return ITEM_NONE;
	/* seen, so it is committed or ours */
	*settled = !TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	return request_item(request, heap_getattr(tuple, ITEM_KEY, RelationGetDescr(relation), &isnull));
}

/* The catalog is opened for those that are not kept, if there are any. */
static void
read_codes(Request *request, const uint32 *codes, uint32 n, uint32 *places)
{
	Oid			catalog = request->widget->catalog->relation;
	Relation	relation = table_open(catalog, AccessShareLock);
	KeyScan    *scan;
	CatalogCodes *kept;

	/* rows are read by place and type */
	layout_require_catalog(request->widget->catalog);
	scan = key_scan_open_column(relation, ITEM_CODE, request->snapshot);
	/* after the lock, with which an invalidation may have come */
	kept = codes_of(catalog);
	for (uint32 i = 0; i < n; i++)
	{
		bool		settled = false;

		if (places[i] != ITEM_NONE || codes[i] > PG_INT32_MAX)
			continue;
		places[i] = read_code(request, scan, relation, codes[i], &settled);
		if (settled)
			keep_code(request, kept, codes[i], places[i]);
	}
	key_scan_close(scan);
	table_close(relation, AccessShareLock);
}

void
item_codes_places(Request *request, const uint32 *codes, uint32 n, uint32 *places)
{
	const CatalogCodes *kept = codes_of(request->widget->catalog->relation);
	bool		all = true;

	for (uint32 i = 0; i < n; i++)
	{
		places[i] = kept_item(request, kept, codes[i]);
		all = all && places[i] != ITEM_NONE;
	}
	if (!all)
		read_codes(request, codes, n, places);
}
