/*
 * item_table.h
 *		A catalog in memory: which key has which code, and the order of the keys.
 *
 * Codes are 0, 1, 2, … without gaps; they are given once and never change, so codes in histories and models
 * stay good.  A catalog's table is (item KEY PRIMARY KEY, code integer NOT NULL UNIQUE [, attributes]).
 */
#ifndef PERSONALIZE_ITEM_TABLE_H
#define PERSONALIZE_ITEM_TABLE_H

#include "postgres.h"

#include "base/server_env.h"
#include "kernel/keyset.h"
#include "model/registry.h"

/* Columns of a catalog's table, before its attributes. */
enum {ITEM_KEY = 1, ITEM_CODE};

typedef struct ItemTable
{
	CatalogDef *catalog;
	ServerEnv	server;			/* its memory */
	KeyType		type;
	Keyset		keys;			/* key <-> code */
	uint32	   *order;			/* code -> place among the keys; NULL until item_table_order */
	uint32		num_stored;		/* codes from here on are new: item_table_store writes them */
	uint32	   *direct;			/* number less the least one -> code; NULL until item_table_index */
	int64		direct_first;
	uint64		direct_size;
} ItemTable;

/* All of it, with the latest snapshot; what another transaction adds later is met again in item_table_store. */
extern ItemTable *item_table_load(MemoryContext context, CatalogDef *catalog);
/* The code of a key, a new one where it has none yet. */
extern uint32 item_table_code(ItemTable *items, Datum key);
/*
 * Writes new codes to the catalog, under a lock on it.  Where another transaction has given codes meanwhile, the new
 * keys get other codes than item_table_code said: returns an array code -> final code then (in the current context), otherwise NULL.
 * Callers therefore store before they write any code anywhere.
 */
extern uint32 *item_table_store(ItemTable *items);
/* The writing alone, of a catalog that is bound to products: item_table_store calls it. */
extern void item_table_write_with_attributes(const ItemTable *items);
/* Fills in items->order for all codes. */
extern const uint32 *item_table_order(ItemTable *items);
/* For those who look up very many keys: faster where they are numbers close together, as from a sequence. */
extern void item_table_index(ItemTable *items);
/* The code of a number, KEYSET_NONE where it is no key. */
static inline uint32
item_table_find_number(const ItemTable *items, int64 number)
{
	uint64		at = (uint64) number - (uint64) items->direct_first;

	if (items->direct == NULL)
		return keyset_find_number(&items->keys, number);
	return at < items->direct_size ? items->direct[at] : KEYSET_NONE;
}
extern Datum item_table_key(const ItemTable *items, uint32 code);

/* Brings the attributes up to date from the shop's product table; consumes the catalog's log.  Returns rows written. */
extern int64 item_table_refresh_attributes(CatalogDef *catalog, bool all);

#endif							/* PERSONALIZE_ITEM_TABLE_H */
