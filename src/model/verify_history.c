/*
 * verify_history.c
 *		Whether a history holds the baskets of the shop's tables.
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/build_join.h"
#include "model/change_log.h"
#include "model/verify.h"

typedef struct HistoryCheck
{
	const HistoryDef *history;
	const ItemTable *items;
	Relation	relation;
	MemoryContext row_context;
	LogContents log;
	VerifySink	sink;
	void	   *arg;
} HistoryCheck;

/* Keys of baskets and items have different types, and share columns. */
char *
verify_key_text(KeyType type, Datum key)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(key_type_oid(type), &output, &is_varlena);
	return OidOutputFunctionCall(output, key);
}

/* What has changed since the last refresh is not to be there yet. */
static bool
is_pending(const HistoryCheck *c, Datum basket)
{
	KeyType		type = c->history->basket_type;

	if (c->log.all)
		return true;
	/* a log without rows may have no keyset */
	return c->log.keys.size > 0 && key_find(&c->log.keys, type, key_type_oid(type), basket) != KEYSET_NONE;
}

/* Dates and places as plain numbers: that they differ is what counts. */
static void
differ(const HistoryCheck *c, const char *what, Datum basket, const BasketEntry *entry, double stored, double expected)
{
	const char *item = NULL;

	if (stored == expected)
		return;
	if (entry && entry->code < c->items->keys.size)
		item = verify_key_text(c->items->type, item_table_key(c->items, entry->code));
	c->sink(c->arg, what, verify_key_text(c->history->basket_type, basket), item, stored, expected);
}

/* Both ascend by code. */
static void
compare_baskets(const HistoryCheck *c, Datum basket, const Basket *old, const Basket *new)
{
	uint32		o = 0;
	uint32		n = 0;

	while (o < old->size || n < new->size)
	{
		bool		in_new = o == old->size || (n < new->size && new->entry[n].code <= old->entry[o].code);
		bool		in_old = n == new->size || (o < old->size && old->entry[o].code <= new->entry[n].code);
		const BasketEntry *x = in_old ? &old->entry[o++] : NULL;
		const BasketEntry *y = in_new ? &new->entry[n++] : NULL;

		differ(c, "basket", basket, x ? x : y, x ? x->weight : 0, y ? y->weight : 0);
		if (x == NULL || y == NULL)
			continue;
		differ(c, "day", basket, x, x->day, y->day);
		differ(c, "place", basket, x, x->position, y->position);
	}
}

/* A basket that is pending may differ in any way. */
static void
compare_row(void *arg, Datum basket, const HistoryRow *row, HeapTuple tuple)
{
	HistoryCheck *c = arg;
	MemoryContext old = MemoryContextSwitchTo(c->row_context);
	HistoryRow	stored = {.happened = DT_NOBEGIN, .oldest = DT_NOBEGIN};
	ServerEnv	server;

	if (!is_pending(c, basket))
	{
		server_env_init(&server, c->row_context);
		if (tuple)
			history_row_read(&server.env, c->relation, tuple, &stored);
		compare_baskets(c, basket, &stored.basket, &row->basket);
		/* times of an empty basket are compared, too; those of a basket that is missing as a whole say nothing more */
		if ((stored.basket.size > 0) == (row->basket.size > 0))
		{
			differ(c, "happened", basket, NULL, (double) stored.happened, (double) row->happened);
			differ(c, "oldest", basket, NULL, (double) stored.oldest, (double) row->oldest);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(c->row_context);
}

/* Reads as a build does, with the horizon of the last refresh. */
void
verify_history(const HistoryDef *history, ItemTable *items, VerifySink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize verify history", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	HistoryCheck c = {.history = history, .items = items, .sink = sink, .arg = arg};
	ServerEnv	server;
	BuildRows  *rows;

	server_env_init(&server, context);
	c.row_context = AllocSetContextCreate(context, "personalize verify row", ALLOCSET_DEFAULT_SIZES);
	c.relation = table_open(history->relation, AccessShareLock);
	change_log_read(&server.env, history->log, history->basket_type, GetActiveSnapshot(), false, &c.log);
	rows = build_rows_read(context, history, items);
	build_join(rows, c.relation, history->basket_type, GetActiveSnapshot(), compare_row, &c);
	build_rows_end(rows);
	table_close(c.relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
