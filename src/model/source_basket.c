/*
 * source_basket.c
 *		From the rows of a basket to the basket: the one definition of which items it
 *		holds, how much they weigh, when and in which order they happened.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "model/source.h"

/*
 * Nothing here depends on the order in which rows arrive: full builds and refreshes read them in different ways, and
 * have to make the same basket of them.
 */

/* Up to here sorting by insertion beats a call for each comparison; most baskets are smaller. */
#define INSERTION_MAX 24

typedef int (*ItemComparison) (const void *, const void *);

/* No two are the same once they are folded, so neither order has ties that an unstable sort could break at will. */
static int
by_code(const void *x, const void *y)
{
	const SourceItem *a = x;
	const SourceItem *b = y;

	return (a->code > b->code) - (a->code < b->code);
}

/* Items of one moment are ordered by their keys, so that the sequence, and what a cut leaves, is the same always. */
static int
by_sequence(const void *x, const void *y)
{
	const SourceItem *a = x;
	const SourceItem *b = y;
	int			order = (a->happened > b->happened) - (a->happened < b->happened);

	return order != 0 ? order : (a->key > b->key) - (a->key < b->key);
}

static void
insert_sorted(SourceItem *items, uint32 n, ItemComparison compare)
{
	for (uint32 i = 1; i < n; i++)
	{
		SourceItem	item = items[i];
		uint32		at = i;

		for (; at > 0 && compare(&items[at - 1], &item) > 0; at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

/* Builds bring their items in the order of the codes, so that it need only be seen. */
static bool
are_sorted(const SourceItem *items, uint32 n, ItemComparison compare)
{
	for (uint32 i = 1; i < n; i++)
		if (compare(&items[i - 1], &items[i]) > 0)
			return false;
	return true;
}

static inline void
sort_items(SourceItem *items, uint32 n, ItemComparison compare)
{
	if (are_sorted(items, n, compare))
		return;
	if (n <= INSERTION_MAX)
		insert_sorted(items, n, compare);
	else
		qsort(items, n, sizeof(SourceItem), compare);
}

/* Rows of one item become one: its weights added up, its last event.  Items that were taken back altogether go. */
static uint32
fold_items(SourceItem *items, uint32 n)
{
	uint32		size = 0;

	for (uint32 i = 0; i < n;)
	{
		SourceItem	item = items[i++];

		for (; i < n && items[i].code == item.code; i++)
		{
			item.weight += items[i].weight;
			item.happened = Max(item.happened, items[i].happened);
		}
		if (item.weight > 0)
			items[size++] = item;
	}
	return size;
}

/* Items before the cut, too: whether a basket is valid shall not depend on what else is in it. */
static bool
any_too_heavy(const SourceItem *items, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		if (items[i].weight > PG_UINT32_MAX)
			return true;
	return false;
}

/*
 * Cut after folding: it is items that are limited, not events.  What the cut takes counts nowhere, and the bound on
 * the size of a basket bounds its pairs.
 */
uint32
source_make_basket(SourceItem *items, uint32 n, int32 max_basket, bool *too_heavy)
{
	bool		cut;

	sort_items(items, n, by_code);
	n = fold_items(items, n);
	*too_heavy = any_too_heavy(items, n);
	if (*too_heavy)
		return n;
	cut = max_basket > 0 && n > (uint32) max_basket;
	/* without times the sequence says nothing, but for what a cut leaves */
	if (cut || (n > 0 && !TIMESTAMP_IS_NOBEGIN(items[0].happened)))
		sort_items(items, n, by_sequence);
	if (cut)
	{
		/* the most recent stand last */
		memmove(items, items + n - max_basket, max_basket * sizeof(SourceItem));
		n = max_basket;
	}
	return n;
}

/*
 * Days as the server's dates count them, of the moment as UTC has it: no time zone of a session changes a generation.  Bounded,
 * because totals have a place for each generation from the first to the last, and one mistyped year must not make millions.
 */
int32
source_day(TimestampTz happened)
{
	int64		day = Min(Max(happened / USECS_PER_DAY, SOURCE_FIRST_DAY), SOURCE_LAST_DAY);

	if (TIMESTAMP_IS_NOBEGIN(happened))
		return 0;
	/* division rounds up before 2000 */
	return (int32) (day * USECS_PER_DAY > happened && day > SOURCE_FIRST_DAY ? day - 1 : day);
}
