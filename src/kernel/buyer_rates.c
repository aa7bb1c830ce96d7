/*
 * buyer_rates.c
 *		Where no model can be fitted: how many of the customers alike ordered in the weeks just past.
 *
 * Customers are alike in when they ordered last, and how often.  Of n of them k ordered within the window, so the chance is (k + 1/2) / (n + 1), the
 * mean of a Beta(1/2, 1/2) after n trials.  It is taken for constant in time, which it is not, so nothing is said beyond four windows.
 */
#include "kernel/buyer.h"

#include <math.h>

static const double recency_ends[BUYER_RATE_RECENCIES - 1] = {4, 13, 26, 52};

double
buyer_rate_recency_end(int recency)
{
	return recency < BUYER_RATE_RECENCIES - 1 ? recency_ends[recency] : INFINITY;
}

static int
recency_class(const BuyerTimes *t)
{
	int			i = 0;

	while (t->T - t->t_x > buyer_rate_recency_end(i))
		i++;
	return i;
}

static int
orders_class(const BuyerTimes *t)
{
	return t->x < BUYER_RATE_ORDERS - 1 ? (int) t->x : BUYER_RATE_ORDERS - 1;
}

void
buyer_rates_add(BuyerRates *r, const BuyerTimes *then, uint32_t orders, uint64_t customers)
{
	BuyerRate  *cell = &r->cells[recency_class(then)][orders_class(then)];

	cell->customers += customers;
	cell->buyers += orders > 0 ? customers : 0;
	r->all.customers += customers;
	r->all.buyers += orders > 0 ? customers : 0;
	r->orders += orders * customers;
}

void
buyer_rates_merge(BuyerRates *r, const BuyerRates *other)
{
	for (int i = 0; i < BUYER_RATE_RECENCIES; i++)
		for (int j = 0; j < BUYER_RATE_ORDERS; j++)
		{
			r->cells[i][j].customers += other->cells[i][j].customers;
			r->cells[i][j].buyers += other->cells[i][j].buyers;
		}
	r->all.customers += other->all.customers;
	r->all.buyers += other->all.buyers;
	r->orders += other->orders;
}

/* The longer window, where customers are known for as long before it. */
const BuyerRates *
buyer_rates_choose(const BuyerRates *by_window, double longest)
{
	const BuyerRates *r = &by_window[longest >= 2 * BUYER_LONG_WINDOW];

	return r->all.customers > 0 ? r : NULL;
}

bool
buyer_rates_are_sound(const BuyerRates *r)
{
	bool		sound = (r->weeks == BUYER_SHORT_WINDOW || r->weeks == BUYER_LONG_WINDOW) && r->all.customers > 0 && r->all.buyers <= r->all.customers &&
		(r->orders == 0 || r->orders >= r->all.buyers);

	for (int i = 0; i < BUYER_RATE_RECENCIES; i++)
		for (int j = 0; j < BUYER_RATE_ORDERS; j++)
			sound &= r->cells[i][j].buyers <= r->cells[i][j].customers && r->cells[i][j].customers <= r->all.customers;
	return sound;
}

/* A cell that nobody was in says nothing. */
double
buyer_rate(const BuyerRates *r, const BuyerRate *cell)
{
	if (cell->customers == 0)
		cell = &r->all;
	return (cell->buyers + 0.5) / (cell->customers + 1.0);
}

static double
chance(const BuyerRates *r, const BuyerTimes *t)
{
	return buyer_rate(r, &r->cells[recency_class(t)][orders_class(t)]);
}

double
buyer_rates_silent(const BuyerRates *r, const BuyerTimes *t, double horizon)
{
	return pow(1 - chance(r, t), horizon / r->weeks);
}

double
buyer_rates_expected(const BuyerRates *r, const BuyerTimes *t, double horizon)
{
	double		each = r->all.buyers > 0 ? (double) r->orders / r->all.buyers : 1;	/* of who orders at all */

	return chance(r, t) * each * horizon / r->weeks;
}

bool
buyer_can_count(const BuyerModel *m, double horizon)
{
	return buyer_can_tell(m, horizon) && (m->problem == BUYER_FITTED || m->rates.orders > 0 || m->rates.all.buyers == 0);
}

bool
buyer_can_tell(const BuyerModel *m, double horizon)
{
	return m->problem == BUYER_FITTED || (m->rates.weeks > 0 && horizon <= BUYER_RATE_WINDOWS * m->rates.weeks);
}
