/*
 * item_table.c
 *		Not there yet.
 */
#include "base/compat.h"

#include "model/item_table.h"

ItemTable *
item_table_load(MemoryContext context, CatalogDef *catalog)
{
	elog(ERROR, "item_table_load is not there yet");
}

uint32
item_table_code(ItemTable *items, Datum key)
{
	elog(ERROR, "item_table_code is not there yet");
}

uint32 *
item_table_store(ItemTable *items)
{
	elog(ERROR, "item_table_store is not there yet");
}

const uint32 *
item_table_order(ItemTable *items)
{
	elog(ERROR, "item_table_order is not there yet");
}

Datum
item_table_key(const ItemTable *items, uint32 code)
{
	elog(ERROR, "item_table_key is not there yet");
}

int64
item_table_refresh_attributes(CatalogDef *catalog, bool all)
{
	elog(ERROR, "item_table_refresh_attributes is not there yet");
}
