/*
 * buyer_fit.c
 *		Models of maximum likelihood.
 *
 * The search is over logarithms, within bounds, from two starts, with times in units of the longest and values in units of their mean.
 * Where there are many groups the starts are tried on some of them, and the better end is where the search over all begins.
 * Whatever the data cannot tell becomes a problem instead of parameters.
 */
#include "kernel/buyer.h"

#include <math.h>
#include <stdlib.h>

#include "kernel/minimize.h"

/* Groups that two starts are tried on. */
#define TRIED_GROUPS 4096
/* As near as this to a bound, by a factor, the likelihood is flat up to it. */
#define EDGE 100.0
/* Half the 95 % quantile of chi-square for one parameter: below, drop-out explains nothing. */
#define LEAST_GAIN 1.92
/* The mean of orders' values exists for q > 1 only. */
#define LEAST_Q 1.01

typedef struct Fit
{
	BuyerModel	model;
	const BuyerGroup *groups;
	const BuyerSpend *spend;
	uint64_t	n;
} Fit;

static void
take_point(BuyerModel *m, const double *point)
{
	m->r = exp(point[0]);
	m->alpha = exp(point[1]);
	m->a = exp(point[2]);
	m->b = exp(point[3]);
}

static double
turn_round(double value, double *gradient, int n)
{
	for (int i = 0; i < n; i++)
		gradient[i] = -gradient[i];
	return -value;
}

static double
cost_of_times(void *arg, const double *point, double *gradient)
{
	Fit		   *fit = arg;

	take_point(&fit->model, point);
	return turn_round(buyer_log_likelihood(&fit->model, fit->groups, fit->n, gradient), gradient, 4);
}

static double
cost_of_nbd(void *arg, const double *point, double *gradient)
{
	Fit		   *fit = arg;

	fit->model.r = exp(point[0]);
	fit->model.alpha = exp(point[1]);
	return turn_round(buyer_nbd_log_likelihood(&fit->model, fit->groups, fit->n, gradient), gradient, 2);
}

static double
cost_of_spend(void *arg, const double *point, double *gradient)
{
	Fit		   *fit = arg;

	fit->model.p = exp(point[0]);
	fit->model.q = exp(point[1]);
	fit->model.v = exp(point[2]);
	return turn_round(buyer_spend_log_likelihood(&fit->model, fit->spend, fit->n, gradient), gradient, 3);
}

static Minimum
search_from(MinimizeFunction function, Fit *fit, int size, const double *start)
{
	Minimum		m = {function, fit, size};

	for (int i = 0; i < size; i++)
	{
		m.low[i] = log(BUYER_LEAST_PARAMETER);
		m.high[i] = log(BUYER_MOST_PARAMETER);
		m.point[i] = log(start[i]);
	}
	return m;
}

/* The better of two ends; iterations of both count. */
static Minimum
better_of(Env *env, Minimum x, Minimum y)
{
	uint32_t	iterations;

	minimize(env, &x);
	minimize(env, &y);
	iterations = x.iterations + y.iterations;
	if (!isfinite(x.value) || y.value < x.value)
		x = y;
	x.iterations = iterations;
	return x;
}

static bool
at_edge(const Minimum *m)
{
	for (int i = 0; i < m->size; i++)
		if (m->point[i] < m->low[i] + log(EDGE) || m->point[i] > m->high[i] - log(EDGE))
			return true;
	return false;
}

/* ---------------------------------------------------------------- times */

int
buyer_group_compare(const void *a, const void *b)
{
	const BuyerTimes *x = &((const BuyerGroup *) a)->times;
	const BuyerTimes *y = &((const BuyerGroup *) b)->times;

	if (x->x != y->x)
		return x->x < y->x ? -1 : 1;
	if (x->t_x != y->t_x)
		return x->t_x < y->t_x ? -1 : 1;
	return (x->T > y->T) - (x->T < y->T);
}

/* Sums are taken in this order, whatever the order of the rows was. */
static double
survey(BuyerModel *m, BuyerGroup *groups, uint64_t n)
{
	double		longest = 0;

	qsort(groups, n, sizeof(BuyerGroup), buyer_group_compare);
	m->customers = m->repeaters = 0;
	for (uint64_t i = 0; i < n; i++)
	{
		m->customers += groups[i].customers;
		m->repeaters += groups[i].times.x > 0 ? groups[i].customers : 0;
		longest = fmax(longest, groups[i].times.T);
	}
	return longest;
}

/* Every so manieth group, or all of them, in units of `longest`. */
static BuyerGroup *
scaled_groups(Env *env, const BuyerGroup *groups, uint64_t n, uint64_t stride, double longest, uint64_t *size)
{
	BuyerGroup *scaled = env_alloc(env, n / stride + 1, sizeof(BuyerGroup));

	*size = 0;
	for (uint64_t i = 0; i < n; i += stride)
	{
		BuyerTimes	t = groups[i].times;

		scaled[(*size)++] = (BuyerGroup) {{t.x, t.t_x / longest, t.T / longest}, groups[i].customers};
	}
	return scaled;
}

static double
sum_of_orders(const BuyerGroup *groups, uint64_t n)
{
	double		sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += (double) groups[i].customers * groups[i].times.x;
	return sum;
}

static const double time_starts[2][4] = {{0.3, 0.1, 0.8, 2.5}, {1, 1, 1, 1}};

static Minimum
search_times(Env *env, Fit *fit, const BuyerGroup *groups, uint64_t n, double longest)
{
	uint64_t	stride = n / TRIED_GROUPS + 1;
	BuyerGroup *scaled = scaled_groups(env, groups, n, stride, longest, &fit->n);
	Minimum		m;

	fit->groups = scaled;
	m = better_of(env, search_from(cost_of_times, fit, 4, time_starts[0]), search_from(cost_of_times, fit, 4, time_starts[1]));
	/* a likelihood without a maximum has none over all of them */
	if (stride > 1 && !at_edge(&m))
	{
		uint32_t	tried = m.iterations;

		env_release(env, scaled);
		fit->groups = scaled_groups(env, groups, n, 1, longest, &fit->n);
		minimize(env, &m);
		m.iterations += tried;
	}
	return m;
}

static BuyerProblem
judge_times(Env *env, Fit *fit, const Minimum *m)
{
	Fit			other = *fit;
	Minimum		nbd = search_from(cost_of_nbd, &other, 2, (double[]) {fit->model.r, fit->model.alpha});

	minimize(env, &nbd);
	if (!isfinite(m->value))
		return BUYER_LOST;
	if (nbd.value - m->value < LEAST_GAIN)
		return BUYER_NO_DROPOUT;
	if (at_edge(m))
		return BUYER_EDGE;
	return m->converged ? BUYER_FITTED : BUYER_LOST;
}

void
buyer_fit(Env *env, BuyerModel *model, BuyerGroup *groups, uint64_t n)
{
	double		longest = survey(model, groups, n);
	Fit			fit = {*model};
	Minimum		m;

	model->problem = model->repeaters < BUYER_LEAST_REPEATERS ? BUYER_FEW : longest < BUYER_LEAST_WEEKS ? BUYER_SHORT : BUYER_FITTED;
	if (model->problem != BUYER_FITTED)
		return;
	m = search_times(env, &fit, groups, n, longest);
	take_point(&fit.model, m.point);
	model->iterations = m.iterations;
	model->problem = judge_times(env, &fit, &m);
	env_release(env, (void *) fit.groups);
	if (model->problem != BUYER_FITTED)
		return;
	take_point(model, m.point);
	model->alpha *= longest;
	if (model->kind == BUYER_PARETO)
		model->b *= longest;
	/* a density of the times of orders has the unit of each of them */
	model->log_likelihood = -m.value - sum_of_orders(groups, n) * log(longest);
}

/* ---------------------------------------------------------------- values of orders */

int
buyer_spend_compare(const void *a, const void *b)
{
	const BuyerSpend *x = a;
	const BuyerSpend *y = b;

	if (x->x != y->x)
		return x->x < y->x ? -1 : 1;
	return (x->mean > y->mean) - (x->mean < y->mean);
}

/* Pearson's, of repeat orders and their mean value. */
static double
spend_correlation(const BuyerSpend *spend, uint64_t n, double customers, double mean)
{
	double		x = 0;
	double		xx = 0;
	double		xm = 0;
	double		mm = 0;

	for (uint64_t i = 0; i < n; i++)
		x += spend[i].customers * (double) spend[i].x / customers;
	for (uint64_t i = 0; i < n; i++)
	{
		double		dx = spend[i].x - x;
		double		dm = spend[i].mean - mean;

		xx += spend[i].customers * dx * dx;
		xm += spend[i].customers * dx * dm;
		mm += spend[i].customers * dm * dm;
	}
	return xx > 0 && mm > 0 ? xm / sqrt(xx * mm) : 0;
}

static void
search_spend(Env *env, BuyerModel *model, Fit *fit, double customers, double mean)
{
	Minimum		x = search_from(cost_of_spend, fit, 3, (double[]) {5, 4, 0.6});
	Minimum		y = search_from(cost_of_spend, fit, 3, (double[]) {1, 2, 1});
	Minimum		m;

	x.low[1] = y.low[1] = log(LEAST_Q);
	m = better_of(env, x, y);
	/* near its own bound q gives a mean that nobody pays */
	if (!m.converged)
		model->spend_problem = BUYER_LOST;
	else if (m.point[1] <= log(LEAST_Q) + 1e-9 || m.point[0] > log(BUYER_MOST_PARAMETER / EDGE) || m.point[1] > log(BUYER_MOST_PARAMETER / EDGE)
			 || m.point[0] < log(BUYER_LEAST_PARAMETER * EDGE))
		model->spend_problem = BUYER_EDGE;
	else
	{
		model->p = exp(m.point[0]);
		model->q = exp(m.point[1]);
		model->v = exp(m.point[2]) * mean;
		model->spend_log_likelihood = -m.value - customers * log(mean);
	}
}

void
buyer_fit_spend(Env *env, BuyerModel *model, BuyerSpend *spend, uint64_t n)
{
	Fit			fit = {*model, .n = n};
	double		customers = 0;
	double		mean = 0;
	BuyerSpend *scaled;

	qsort(spend, n, sizeof(BuyerSpend), buyer_spend_compare);
	for (uint64_t i = 0; i < n; i++)
		customers += spend[i].customers;
	model->spend_problem = n == 0 ? BUYER_NO_SPEND : customers < BUYER_LEAST_REPEATERS ? BUYER_FEW : BUYER_FITTED;
	if (model->spend_problem != BUYER_FITTED)
		return;
	for (uint64_t i = 0; i < n; i++)
		mean += spend[i].mean * spend[i].customers / customers;
	model->spend_correlation = spend_correlation(spend, n, customers, mean);
	scaled = env_alloc(env, n, sizeof(BuyerSpend));
	for (uint64_t i = 0; i < n; i++)
		scaled[i] = (BuyerSpend) {spend[i].x, spend[i].mean / mean, spend[i].customers};
	fit.spend = scaled;
	search_spend(env, model, &fit, customers, mean);
	env_release(env, scaled);
}
