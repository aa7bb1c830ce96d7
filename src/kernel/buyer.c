/*
 * buyer.c
 *		Predictions for one customer.
 *
 * The textbook's conditional expectation has 2F1(r+x, b+x; …), which overflows for many orders, over a - 1, which may be 0.  Euler's
 * transformation takes the powers out; what is left of the series converges at once, and the division is by a factor of its numerator.
 */
#include "kernel/buyer.h"

#include <math.h>

#include "kernel/buyer_quadrature.h"

#define SERIES_TERMS 20000
#define SERIES_TOLERANCE 1e-17
/* Below, the divisor is a factor of the numerator, and their quotient its limit. */
#define NEARLY_ZERO 1e-12

double
buyer_log_add(double x, double y)
{
	double		high = fmax(x, y);

	return high == -INFINITY ? high : high + log1p(exp(fmin(x, y) - high));
}

/* (1 - e^(-k l)) / k, and its limit l. */
static double
decay_sum(double k, double l)
{
	return fabs(k) < NEARLY_ZERO ? l : -expm1(-k * l) / k;
}

static double
logistic(double x)
{
	return 1 / (1 + exp(-x));
}

double
buyer_alive(const BuyerModel *m, const BuyerTimes *t)
{
	double		silence = (m->r + t->x) * log((m->alpha + t->T) / (m->alpha + t->t_x));

	switch (m->kind)
	{
		case BUYER_BG:
			return t->x == 0 ? 1 : logistic(-(silence + log(m->a) - log(m->b + t->x - 1)));
		case BUYER_MBG:
			return logistic(-(silence + log(m->a) - log(m->b + t->x)));
		case BUYER_PARETO:
			break;
	}
	{
		double		alive;
		double		dead;

		buyer_pareto_logs(m, t, &alive, &dead);
		return logistic(alive - dead);
	}
}

/*
 * Of orders of a customer who is alive; `c` as the specification of the series has it.
 */
static double
expected_alive(const BuyerModel *m, const BuyerTimes *t, double c, double horizon)
{
	double		z = horizon / (m->alpha + t->T + horizon);
	double		A = c - m->r - t->x;
	double		l = log1p(-z);
	double		term = A * z;
	double		sum = term;		/* c S: S itself has a pole at c = 0, where a customer without repeat orders may be */
	double		rest;

	for (int k = 1; k < SERIES_TERMS && fabs(term) > SERIES_TOLERANCE * fabs(sum); k++)
	{
		term *= (A + k) * (m->a + k - 1) / ((c + k) * (k + 1.0)) * z;
		sum += term;
	}
	rest = (m->a - 1) * sum / c;
	if (c > 0.1 && isfinite(rest) && rest > -1)
	{
		double		u = (m->a - 1) * l + log1p(rest);

		return fabs(m->a - 1) < NEARLY_ZERO ? -c * l - sum : -c * expm1(u) / (m->a - 1);
	}
	if (c <= 0.1 && isfinite(sum))
		return c * decay_sum(1 - m->a, l) * -1 - exp((m->a - 1) * l) * sum;
	/* a and b so large that all drop out at the same rate: then it is theirs, and the sum a plain integral */
	{
		double		p = m->a / (c + 1);
		double		shape = m->r + t->x;

		return -expm1(-shape * log1p(p * horizon / (m->alpha + t->T))) / p;
	}
}

double
buyer_expected(const BuyerModel *m, const BuyerTimes *t, double horizon)
{
	double		alive;
	double		orders;

	if (m->problem != BUYER_FITTED)
		return buyer_rates_expected(&m->rates, t, horizon);
	alive = buyer_alive(m, t);
	if (alive == 0 || horizon == 0)
		return 0;
	switch (m->kind)
	{
		case BUYER_BG:
			orders = expected_alive(m, t, m->a + m->b + t->x - 1, horizon);
			break;
		case BUYER_MBG:
			orders = expected_alive(m, t, m->a + m->b + t->x, horizon);
			break;
		default:
			orders = (m->r + t->x) * (m->b + t->T) / (m->alpha + t->T) * decay_sum(m->a - 1, log1p(horizon / (m->b + t->T)));
	}
	return fmax(0, alive * orders);
}

/* Until the next order nobody drops out in BG and MBG; in Pareto/NBD one may, at any time before it. */
double
buyer_silent(const BuyerModel *m, const BuyerTimes *t, double horizon)
{
	double		shape = m->r + t->x;
	double		buys;

	if (horizon == 0)
		return 1;
	if (m->problem != BUYER_FITTED)
		return buyer_rates_silent(&m->rates, t, horizon);
	if (m->kind == BUYER_PARETO)
		buys = exp(log(shape) + shape * log(m->alpha + t->T) + m->a * log(m->b + t->T)
				   + power_integral_log(m->alpha + t->T, shape + 1, m->b + t->T, m->a, 0, horizon));
	else
		buys = -expm1(-shape * log1p(horizon / (m->alpha + t->T)));
	return fmax(0, 1 - buyer_alive(m, t) * buys);
}

/* The weighted mean of the customer's own value and everybody's, p v / (q - 1). */
double
buyer_expected_spend(const BuyerModel *m, uint32_t x, double mean)
{
	return m->p * (m->v + (x == 0 ? 0 : x * mean)) / (m->p * x + m->q - 1);
}

double
buyer_discounted(const BuyerModel *m, const BuyerTimes *t, double horizon, double step, double rate, double period)
{
	double		before = 0;
	double		value = 0;

	for (double from = 0; from < horizon; from += step)
	{
		double		to = fmin(from + step, horizon);
		double		orders = buyer_expected(m, t, to);

		value += (orders - before) * exp(-log1p(rate) * (from + to) / 2 / period);
		before = orders;
	}
	return value;
}

/* ---------------------------------------------------------------- parts of the customers */

static double
between(double part, double all, double weight)
{
	return weight == 0 ? all : exp(weight * log(part) + (1 - weight) * log(all));
}

/* What came of a search says nothing of an average. */
static void
shrink_times(BuyerModel *m, const BuyerModel *all, double weight)
{
	if (all->problem != BUYER_FITTED && m->problem == BUYER_FITTED)
		return;
	m->log_likelihood = 0;
	m->iterations = 0;
	if (m->problem != BUYER_FITTED)
	{
		m->problem = all->problem;
		m->rates = all->rates;
		weight = 0;
	}
	if (m->problem != BUYER_FITTED)
		return;
	m->r = between(m->r, all->r, weight);
	m->alpha = between(m->alpha, all->alpha, weight);
	m->a = between(m->a, all->a, weight);
	m->b = between(m->b, all->b, weight);
}

static void
shrink_spend(BuyerModel *m, const BuyerModel *all, double weight)
{
	if (all->spend_problem != BUYER_FITTED)
		return;
	m->spend_log_likelihood = 0;
	if (m->spend_problem != BUYER_FITTED)
	{
		m->spend_problem = BUYER_FITTED;
		m->spend_correlation = all->spend_correlation;
		weight = 0;
	}
	m->p = between(m->p, all->p, weight);
	m->q = between(m->q, all->q, weight);
	m->v = between(m->v, all->v, weight);
}

void
buyer_shrink(BuyerModel *m, const BuyerModel *all, uint64_t full)
{
	double		weight = fmin(1, (double) m->customers / full);

	if (weight < 1 || m->problem != BUYER_FITTED)
		shrink_times(m, all, weight);
	if (weight < 1 || m->spend_problem != BUYER_FITTED)
		shrink_spend(m, all, weight);
}
