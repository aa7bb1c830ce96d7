/*
 * item_table.c
 *		A catalog in memory, and new codes into its table.
 *
 * Codes are read once, at the beginning of whatever needs them, and given in memory.  Only when they are written is
 * the catalog locked: until then another transaction, of another history with the same catalog, may have
 * given the same codes to other keys, and those who come second give way.
 */
#include "base/compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "model/item_table.h"
#include "model/table_writer.h"

/* Places for each key, at most, for which numbers are looked up directly. */
#define DIRECT_SPREAD 4

static void
guard_dense(const CatalogDef *catalog, bool dense, int32 code)
{
	if (!dense)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("catalog %s is damaged: code %d is there twice or past the number of items",
						registry_name(catalog->relation), code),
				 errdetail("Codes are 0, 1, 2 and so on without gaps, and histories and models are written in them."),
				 errhint("Only personalize should write to a catalog. Make its histories and models again.")));
}

/* The keys of a large catalog take tens of megabytes: the caller chooses the context, and how long it keeps them. */
static ItemTable *
make_item_table(MemoryContext context, CatalogDef *catalog)
{
	ItemTable  *items = MemoryContextAllocZero(context, sizeof(ItemTable));

	items->catalog = catalog;
	items->type = catalog->item_type;
	server_env_init(&items->server, context);
	keyset_init(&items->server.env, &items->keys, key_is_number(items->type));
	return items;
}

/* Rows as they come: keys into the set, their codes beside it.  Returns the codes. */
static int32 *
scan_catalog(ItemTable *items, Snapshot snapshot)
{
	Env		   *env = &items->server.env;
	Relation	relation = table_open(items->catalog->relation, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	int32	   *codes = NULL;
	uint32		room = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		uint32		at = key_add(env, &items->keys, items->type, slot_getattr(slot, ITEM_KEY, &isnull));
		int32		code = DatumGetInt32(slot_getattr(slot, ITEM_CODE, &isnull));

		if (at >= room)
		{
			room = Max(1024, room * 2);
			codes = env_resize(env, codes, room, sizeof(int32));
		}
		codes[at] = code;
		if (at % 4096 == 0)
			env_check(env, 0, 0);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
	return codes;
}

/*
 * A set numbers its keys as they come.  They mostly come by code, as that is how they were written; if not, they are added
 * to another set in that order.
 */
static void
order_by_code(ItemTable *items, const int32 *codes)
{
	Env		   *env = &items->server.env;
	Keyset		found = items->keys;
	uint32	   *at = env_alloc(env, found.size + UINT64_C(1), sizeof(uint32));
	bool		in_order = true;

	memset(at, 0xff, (found.size + UINT64_C(1)) * sizeof(uint32));
	for (uint32 i = 0; i < found.size; i++)
	{
		/* as many different codes as keys, none too large: then there is no gap either */
		guard_dense(items->catalog, codes[i] >= 0 && (uint32) codes[i] < found.size && at[codes[i]] == KEYSET_NONE, codes[i]);
		at[codes[i]] = i;
		in_order = in_order && (uint32) codes[i] == i;
	}
	if (!in_order)
	{
		keyset_init(env, &items->keys, found.numbers);
		for (uint32 code = 0; code < found.size; code++)
		{
			if (code % 65536 == 0)
				env_check(env, 0, 0);
			keyset_add_from(env, &items->keys, &found, at[code]);
		}
		keyset_release(env, &found);
	}
	env_release(env, at);
}

/*
 * The latest snapshot, even in a transaction that has an older one: codes that others have given since are
 * taken, whether the transaction would see them or not.
 */
ItemTable *
item_table_load(MemoryContext context, CatalogDef *catalog)
{
	ItemTable  *items = make_item_table(context, catalog);
	/* a parallel query reads with its own snapshot only; it gives no codes */
	Snapshot	snapshot = RegisterSnapshot(IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot());
	int32	   *codes;

	/* toasted keys are fetched with the active snapshot */
	PushActiveSnapshot(snapshot);
	codes = scan_catalog(items, snapshot);
	PopActiveSnapshot();
	UnregisterSnapshot(snapshot);
	if (codes != NULL)
	{
		order_by_code(items, codes);
		pfree(codes);
	}
	items->num_stored = items->keys.size;
	return items;
}

/* What is known of the keys is another once there is one more. */
static void
forget_order(ItemTable *items)
{
	env_release(&items->server.env, items->order);
	items->order = NULL;
	env_release(&items->server.env, items->direct);
	items->direct = NULL;
}

/* Codes are integer in SQL, so they end there. */
uint32
item_table_code(ItemTable *items, Datum key)
{
	uint32		size = items->keys.size;
	uint32		code = key_add(&items->server.env, &items->keys, items->type, key);

	if (items->keys.size == size)
		return code;
	if (size >= PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("catalog %s cannot hold more than %d items", registry_name(items->catalog->relation), PG_INT32_MAX)));
	forget_order(items);
	return code;
}

/* Kept: ties are broken by it in every list of a model. */
const uint32 *
item_table_order(ItemTable *items)
{
	if (items->order == NULL)
		items->order = keyset_order(&items->server.env, &items->keys);
	return items->order;
}

/* Of a hash table's slots most are elsewhere in memory; numbers side by side are not. */
void
item_table_index(ItemTable *items)
{
	const Keyset *keys = &items->keys;
	int64		least = PG_INT64_MAX;
	int64		most = PG_INT64_MIN;
	uint64		range;

	if (!keys->numbers || keys->size == 0 || items->direct != NULL)
		return;
	for (uint32 code = 0; code < keys->size; code++)
	{
		least = Min(least, keys->number[code]);
		most = Max(most, keys->number[code]);
	}
	range = (uint64) most - (uint64) least;
	if (range / DIRECT_SPREAD >= keys->size)
		return;
	items->direct = env_alloc(&items->server.env, range + 1, sizeof(uint32));
	memset(items->direct, 0xff, (range + 1) * sizeof(uint32));
	for (uint32 code = 0; code < keys->size; code++)
		items->direct[(uint64) keys->number[code] - (uint64) least] = code;
	items->direct_first = least;
	items->direct_size = range + 1;
}

Datum
item_table_key(const ItemTable *items, uint32 code)
{
	return key_datum(&items->keys, items->type, code, items->type);
}

/* --- new codes into the catalog --- */

/* Keys with codes from num_stored on that others have committed, in the order of their codes; as an SPI result. */
static void
select_foreign(const ItemTable *items)
{
	Oid			type = INT4OID;
	Datum		first = Int32GetDatum((int32) items->num_stored);
	char	   *statement = psprintf("SELECT item, code FROM %s WHERE code OPERATOR(pg_catalog.>=) $1 ORDER BY code",
									 registry_name(items->catalog->relation));
	Snapshot	snapshot = GetLatestSnapshot();

	PushActiveSnapshot(snapshot);
	if (SPI_execute_with_args(statement, 1, &type, &first, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read catalog");
	PopActiveSnapshot();
}

/*
 * Old codes, then those of the others, then ours that are still new.  Returns code -> final code, in the
 * current context.
 */
static uint32 *
make_room_for_foreign(ItemTable *items, SPITupleTable *foreign, uint64 num_foreign)
{
	Env		   *env = &items->server.env;
	Keyset		ours = items->keys;
	uint32	   *final = palloc_extended(ours.size * sizeof(uint32), MCXT_ALLOC_HUGE);

	keyset_init(env, &items->keys, ours.numbers);
	for (uint32 code = 0; code < items->num_stored; code++)
		final[code] = keyset_add_from(env, &items->keys, &ours, code);
	for (uint64 i = 0; i < num_foreign; i++)
	{
		bool		isnull;
		Datum		key = SPI_getbinval(foreign->vals[i], foreign->tupdesc, ITEM_KEY, &isnull);
		int32		code = DatumGetInt32(SPI_getbinval(foreign->vals[i], foreign->tupdesc, ITEM_CODE, &isnull));
		uint32		given = key_add(env, &items->keys, items->type, key);

		guard_dense(items->catalog, (uint32) code == given && items->keys.size == given + 1, code);
	}
	for (uint32 code = items->num_stored; code < ours.size; code++)
		final[code] = keyset_add_from(env, &items->keys, &ours, code);
	items->num_stored += num_foreign;
	keyset_release(env, &ours);
	return final;
}

/* Mostly there are none, and all that is done is one look into the index of codes. */
static uint32 *
meet_foreign(ItemTable *items)
{
	MemoryContext caller = CurrentMemoryContext;
	uint32	   *final = NULL;

	SPI_connect();
	select_foreign(items);
	if (SPI_processed > 0)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		final = make_room_for_foreign(items, SPI_tuptable, SPI_processed);
		forget_order(items);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return final;
}

/* The catalog has no columns but these two, or nothing to fill the others from. */
static void
write_codes(const ItemTable *items)
{
	TableWriter *writer = table_writer_open(items->catalog->relation);

	for (uint32 code = items->num_stored; code < items->keys.size; code++)
	{
		MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
		Datum	   *values;
		bool	   *nulls;

		table_writer_blank(writer, &values, &nulls, NULL);
		values[ITEM_KEY - 1] = item_table_key(items, code);
		values[ITEM_CODE - 1] = Int32GetDatum((int32) code);
		nulls[ITEM_KEY - 1] = nulls[ITEM_CODE - 1] = false;
		MemoryContextSwitchTo(caller);
		table_writer_insert(writer, values, nulls);
	}
	table_writer_close(writer);
}

/*
 * The lock lasts until the end of the transaction.  Whoever waits for it sees our codes with its next
 * latest snapshot, or, if we fail, none of them.
 */
uint32 *
item_table_store(ItemTable *items)
{
	uint32	   *final;

	if (items->num_stored == items->keys.size)
		return NULL;
	/* against other refreshes only: whoever reads or changes attributes is not in the way */
	LockDatabaseObject(RelationRelationId, items->catalog->relation, 0, ExclusiveLock);
	final = meet_foreign(items);
	if (OidIsValid(items->catalog->products))
		item_table_write_with_attributes(items);
	else
		write_codes(items);
	items->num_stored = items->keys.size;
	return final;
}
