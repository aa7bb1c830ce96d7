/*
 * build_gather.c
 *		Rows of the shop's tables become numbers as they come: what the process that builds does, and
 *		workers that read a part of the table do, too.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/progress.h"
#include "model/build_gather.h"

#define CHECK_ROWS 16384		/* between looks at interrupts */
#define NUM_DIRECT (512 * 1024) /* item numbers from 0 on whose codes are found without hashing */

/* Repeats count once where rows have no weights, and times are kept only by those who have them. */
static int
row_words(const HistoryDef *history)
{
	if (history->happened == NULL)
		return history->weight == NULL && history->event_weights == NULL ? 2 : 4;
	return history->horizon ? 5 : 4;
}

/* Keys that are no numbers cannot be spilled: every row may need any of them. */
static void
check_keys(void *arg, Size held)
{
	const BuildGather *g = arg;
	Size		keys = keyset_memory(&g->items->keys);

	if (!key_is_number(g->history->basket_type))
		keys += keyset_memory(&g->keys);
	if (keys > g->budget)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("keys of history %s need %zu MB, more than maintenance_work_mem",
						registry_name(g->history->relation), keys / 1024 / 1024 + 1),
				 errdetail("maintenance_work_mem is %zu MB.", g->budget / 1024 / 1024),
				 errhint("Set maintenance_work_mem to more, or use numbers as keys.")));
}

/* Grows by half: codes come one after the other. */
void
build_gather_count(BuildGather *g, uint32 code, uint64 num_rows)
{
	if (code >= g->of_item_room)
	{
		uint32		room = code + code / 2 + 1024;

		g->of_item = env_resize(&g->server.env, g->of_item, room, sizeof(uint64));
		memset(g->of_item + g->of_item_room, 0, (room - g->of_item_room) * sizeof(uint64));
		g->of_item_room = room;
	}
	g->of_item[code] += num_rows;
}

/* Nearly all shops number their items from 1: one look at a small array is a tenth of one at a hash table that no cache holds. */
static inline uint32
code_of(BuildGather *g, Datum item)
{
	uint64		number;

	if (g->direct == NULL)
		return item_table_code(g->items, item);
	number = (uint64) key_number(g->items->type, item);
	if (number >= NUM_DIRECT)
		return item_table_code(g->items, item);
	if (g->direct[number] == KEYSET_NONE)
		g->direct[number] = item_table_code(g->items, item);
	return g->direct[number];
}

/* Called for every row of the shop, so it does nothing but look up codes and store words. */
void
build_gather_row(void *arg, const SourceRow *in)
{
	BuildGather *g = arg;
	KeyType		type = g->history->basket_type;
	uint32		code = code_of(g, in->item);
	uint64	   *row = basket_rows_append(&g->rows);

	build_gather_count(g, code, 1);
	row[0] = key_is_number(type) ? basket_number(key_number(type, in->basket)) :
		key_add(&g->server.env, &g->keys, type, in->basket);
	row[1] = code;
	if (g->rows.words > 2)
	{
		row[2] = (uint64) in->weight;
		row[3] = basket_number(in->happened);
	}
	if (g->rows.words > 4)
		row[4] = row[3];
	if (++g->num_rows % CHECK_ROWS == 0)
		/* how many there will be is not known */
		progress_update(g->num_rows, 0);
}

/* The catalog's items, or as yet none; beside little memory the array for small numbers would be large. */
void
build_gather_begin(BuildGather *g, MemoryContext context, const HistoryDef *history, ItemTable *items, Size budget)
{
	Env		   *env = &g->server.env;

	server_env_init(&g->server, context);
	g->history = history;
	g->budget = budget;
	g->items = items;
	keyset_init(env, &g->keys, false);
	/* sums of weights are judged when baskets are made, which know their names */
	basket_rows_init(&g->rows, context, row_words(history), PG_INT64_MAX, budget);
	g->rows.check = check_keys;
	g->rows.arg = g;
	if (key_is_number(items->type) && budget >= 8 * NUM_DIRECT * sizeof(uint32))
		g->direct = memset(env_alloc(env, NUM_DIRECT, sizeof(uint32)), 0xff, NUM_DIRECT * sizeof(uint32));
}

void
build_gather_end(BuildGather *g)
{
	env_release(&g->server.env, g->direct);
	g->direct = NULL;
	basket_rows_flush(&g->rows);
}
