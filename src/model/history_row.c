/*
 * history_row.c
 *		The row of a history that the interactions of a basket make.
 */
#include "postgres.h"

#include "model/history_row.h"

/*
 * The first event of all, also of items that are cut off or weigh nothing: when it expires, what is
 * left may be another basket.
 */
static TimestampTz
oldest_event(const SourceItem *item, uint32 n)
{
	TimestampTz oldest = DT_NOEND;

	for (uint32 i = 0; i < n; i++)
		oldest = Min(oldest, item[i].happened);
	return n > 0 ? oldest : DT_NOBEGIN;
}

static void
fail_too_heavy(const HistoryDef *history, const ItemTable *items, Datum basket, const SourceItem *item, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		if (item[i].weight > PG_UINT32_MAX)
			source_too_heavy(history, basket, item_table_key(items, item[i].code));
	elog(ERROR, "weight of a basket is out of range");
}

/* Without times places are those of the codes, whatever the order of the keys. */
static void
place_by_code(Basket *b)
{
	for (uint32 e = 0; e < b->size; e++)
		b->entry[e].position = e;
}

/* Where nothing says how much a row weighs, repeats of an item are the item once more, and it counts once. */
static void
drop_repeats(SourceItem *item, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		item[i].weight = 1;
}

void
history_row_make(Env *env, const HistoryDef *history, const ItemTable *items, Datum basket,
				 SourceItem *item, uint32 n, HistoryRow *row)
{
	Basket	   *b = &row->basket;
	bool		too_heavy = false;

	row->oldest = history->horizon ? oldest_event(item, n) : DT_NOBEGIN;
	n = source_make_basket(item, n, history->max_basket, &too_heavy);
	if (too_heavy)
		fail_too_heavy(history, items, basket, item, n);
	if (history->weight == NULL && history->event_weights == NULL)
		drop_repeats(item, n);
	row->happened = DT_NOBEGIN;
	basket_reserve(env, b, n);
	b->size = n;
	for (uint32 i = 0; i < n; i++)
	{
		b->entry[i] = (BasketEntry)
		{
			item[i].code, (uint32) item[i].weight, source_day(item[i].happened), i
		};
		row->happened = Max(row->happened, item[i].happened);
	}
	basket_sort(b);
	if (history->happened == NULL)
		place_by_code(b);
}
