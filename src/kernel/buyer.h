/*
 * buyer.h
 *		What a customer's orders say about those to come: models of buying until one quietly drops out.
 *
 * Of a customer the models want the repeat orders x (days with an order, but for the first), the time t_x from the first to the last of
 * them, and the time T from the first until now.  While alive one buys at random with a rate that is Gamma(r, alpha) among customers.  One drops out
 *
 *		BG/NBD		after a repeat order, with a chance that is Beta(a, b) among customers (Fader, Hardie, Lee: "Counting Your Customers" the Easy Way, 2005)
 *		MBG/NBD		the same, and after the first order, too (Batislam, Denizel, Filiztekin 2007): nobody with one order is called alive for certain
 *		Pareto/NBD	at any time, with a rate that is Gamma(s, beta) (Schmittlein, Morrison, Colombo 1987)
 *
 * What orders are worth is Gamma-Gamma (Fader, Hardie, Lee 2005): p, q, v.  Times are in any unit that all of them share.
 */
#ifndef PERSONALIZE_BUYER_H
#define PERSONALIZE_BUYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/* Numbers are stored. */
typedef enum BuyerKind
{
	BUYER_BG = 1,
	BUYER_MBG = 2,
	BUYER_PARETO = 3,
} BuyerKind;

/* Why there are no parameters; numbers are stored. */
typedef enum BuyerProblem
{
	BUYER_FITTED = 0,
	BUYER_FEW = 1,				/* under BUYER_LEAST_REPEATERS customers bought again */
	BUYER_SHORT = 2,			/* observed for less than BUYER_LEAST_WEEKS */
	BUYER_NO_DROPOUT = 3,		/* as likely without anybody dropping out */
	BUYER_EDGE = 4,				/* the likelihood rises up to the bounds of the search */
	BUYER_LOST = 5,				/* the search did not end */
	BUYER_NO_SPEND = 6,			/* orders without a value */
} BuyerProblem;

#define BUYER_LEAST_REPEATERS 100
#define BUYER_LEAST_WEEKS 8.0
#define BUYER_LEAST_PARAMETER 1e-6
#define BUYER_MOST_PARAMETER 1e6

typedef struct BuyerTimes
{
	uint32_t	x;
	double		t_x;
	double		T;
} BuyerTimes;

/* Of so many customers so many ordered within a window. */
typedef struct BuyerRate
{
	uint64_t	customers;
	uint64_t	buyers;
} BuyerRate;

/* By weeks since the last order, up to 4, 13, 26, 52 and more, and by orders, 1, 2, and more; as it was when the window began. */
#define BUYER_RATE_RECENCIES 5
#define BUYER_RATE_ORDERS 3
#define BUYER_SHORT_WINDOW 4
#define BUYER_LONG_WINDOW 13
#define BUYER_RATE_WINDOWS 4	/* nothing is said of longer horizons */

typedef struct BuyerRates
{
	uint32_t	weeks;			/* of the window; 0: there are no rates */
	uint64_t	orders;			/* within the window; 0 where that is not known */
	BuyerRate	all;			/* also of customers whose cell is not known */
	BuyerRate	cells[BUYER_RATE_RECENCIES][BUYER_RATE_ORDERS];
} BuyerRates;

typedef struct BuyerModel
{
	BuyerKind	kind;
	BuyerProblem problem;
	double		r;
	double		alpha;
	double		a;				/* Pareto: s */
	double		b;				/* Pareto: beta */
	double		log_likelihood;
	/* of orders' values */
	BuyerProblem spend_problem;
	double		p;
	double		q;
	double		v;
	double		spend_log_likelihood;
	double		spend_correlation;	/* of x and mean value: the model takes it for 0 */
	/* of the fit */
	uint64_t	customers;
	uint64_t	repeaters;
	uint32_t	iterations;
	/* what predictions are where there is a problem */
	BuyerRates	rates;
} BuyerModel;

/* Customers with the same times count once, with their number. */
typedef struct BuyerGroup
{
	BuyerTimes	times;
	uint64_t	customers;
} BuyerGroup;

/* x repeat orders with this mean value, above 0. */
typedef struct BuyerSpend
{
	uint32_t	x;
	double		mean;
	uint64_t	customers;
} BuyerSpend;

/* The order in which a fit takes groups, for qsort; what compares equal is one group. */
extern int	buyer_group_compare(const void *a, const void *b);
extern int	buyer_spend_compare(const void *a, const void *b);

/* Whether there is anything to predict with up to this horizon. */
extern bool buyer_can_tell(const BuyerModel *model, double horizon);
extern bool buyer_can_count(const BuyerModel *model, double horizon);	/* and not only whether there will be orders */
/* Predictions: never NaN, never infinite.  Horizons are from T on.  Rates say nothing of being alive. */
extern double buyer_alive(const BuyerModel *model, const BuyerTimes *times);
extern double buyer_expected(const BuyerModel *model, const BuyerTimes *times, double horizon);
extern double buyer_silent(const BuyerModel *model, const BuyerTimes *times, double horizon);	/* P(no order within) */
/* Of the next orders; `mean` says nothing where x is 0. */
extern double buyer_expected_spend(const BuyerModel *model, uint32_t x, double mean);
/* Expected orders, each worth less the later it comes: by `rate` a period (0.1: 10 % a year), in steps of `step`. */
extern double buyer_discounted(const BuyerModel *model, const BuyerTimes *times, double horizon, double step, double rate, double period);

/* Of all groups; `gradient`, if not NULL, gets the four derivatives by the logarithms of r, alpha, a, b.  Groups ascend by x. */
extern double buyer_log_likelihood(const BuyerModel *model, const BuyerGroup *groups, uint64_t n, double *gradient);
/* As if nobody dropped out: r and alpha alone count, as do the first two derivatives. */
extern double buyer_nbd_log_likelihood(const BuyerModel *model, const BuyerGroup *groups, uint64_t n, double *gradient);
/* Of p, q, v. */
extern double buyer_spend_log_likelihood(const BuyerModel *model, const BuyerSpend *spend, uint64_t n, double *gradient);
/* Pareto/NBD's ln of (α+T)^-(r+x) (β+T)^-s, and of s ∫ (α+y)^-(r+x) (β+y)^-(s+1) dy from t_x to T: alive, and not. */
extern void buyer_pareto_logs(const BuyerModel *model, const BuyerTimes *times, double *alive, double *dead);
extern double buyer_log_add(double x, double y);	/* ln(e^x + e^y) */

/* Sorts the groups and fits model->kind to them; times in weeks.  What cannot be told becomes model->problem. */
extern void buyer_fit(Env *env, BuyerModel *model, BuyerGroup *groups, uint64_t n);
extern void buyer_fit_spend(Env *env, BuyerModel *model, BuyerSpend *spend, uint64_t n);

/* Rates: customers as they were when the window began, and their orders within it. */
extern void buyer_rates_add(BuyerRates *rates, const BuyerTimes *then, uint32_t orders, uint64_t customers);
extern void buyer_rates_merge(BuyerRates *rates, const BuyerRates *other);
/* Of the short and the long window, the one to predict with; NULL where customers are too new for either. */
extern const BuyerRates *buyer_rates_choose(const BuyerRates *by_window, double longest);
extern bool buyer_rates_are_sound(const BuyerRates *rates);
extern double buyer_rate(const BuyerRates *rates, const BuyerRate *cell);	/* chance of an order within the window */
extern double buyer_rate_recency_end(int recency);
extern double buyer_rates_silent(const BuyerRates *rates, const BuyerTimes *times, double horizon);
extern double buyer_rates_expected(const BuyerRates *rates, const BuyerTimes *times, double horizon);

/*
 * The model of a part of the customers, drawn to the model of all: `full` customers of its own let it stand alone, fewer count as their share of that.
 * Parameters are averaged as logarithms, as they were searched for.
 */
extern void buyer_shrink(BuyerModel *part, const BuyerModel *all, uint64_t full);

#endif							/* PERSONALIZE_BUYER_H */
