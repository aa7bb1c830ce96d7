/*
 * repeat.c
 *		When a customer buys an item again.
 */
#include "kernel/repeat.h"

#include <math.h>
#include <stdlib.h>

static int
by_item_and_time(const void *a, const void *b)
{
	const RepeatPurchase *x = a;
	const RepeatPurchase *y = b;

	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Division rounds toward zero, days do not. */
static int64_t
day(int64_t at)
{
	int64_t		days = at / REPEAT_USECS_PER_DAY;

	return days * REPEAT_USECS_PER_DAY > at ? days - 1 : days;
}

/* Sorted, so what lies between first and last of an item has been passed already. */
uint64_t
repeat_fold(Env *env, RepeatPurchase *purchases, uint64_t n, RepeatItem *items)
{
	uint64_t	size = 0;

	if (n > 0)
		qsort(purchases, n, sizeof(RepeatPurchase), by_item_and_time);
	for (uint64_t p = 0; p < n; p++)
	{
		RepeatItem *item = &items[size - (size > 0)];

		if ((p & 4095) == 0)
			env_check(env, p, n);
		if (size > 0 && item->item == purchases[p].item)
		{
			item->times += day(item->last) != day(purchases[p].at);
			item->last = purchases[p].at;
		}
		else
			items[size++] = (RepeatItem) {purchases[p].item, 1, purchases[p].at, purchases[p].at};
	}
	return size;
}

static double
days_between(int64_t from, int64_t to)
{
	return ((double) to - (double) from) / REPEAT_USECS_PER_DAY;
}

double
repeat_interval(const RepeatItem *item)
{
	return item->times > 1 ? days_between(item->first, item->last) / (item->times - 1) : 0;
}

/* Of intervals, not of items: what is bought often says more about the customer. */
double
repeat_usual_interval(const RepeatItem *items, uint64_t n)
{
	double		days = 0;
	double		intervals = 0;

	for (uint64_t i = 0; i < n; i++)
		if (items[i].times > 1)
		{
			days += days_between(items[i].first, items[i].last);
			intervals += items[i].times - 1;
		}
	return intervals > 0 ? days / intervals : 0;
}

/* Where the interval is not known (0) nothing is modified.  At twice the interval both forms agree. */
double
repeat_rate(uint32_t times, double since, double interval, const RepeatPrior *prior)
{
	double		waited = since < 2 * interval ? 2 * fabs(interval - since) : since;

	return (times + prior->alpha) / (waited + prior->beta);
}
