/*
 * buyer_likelihood.c
 *		How likely the observed times and values are under a model, and which way its parameters would make them likelier.
 */
#include "kernel/buyer.h"

#include <math.h>

#include "kernel/buyer_quadrature.h"

/* Derivative of ln Γ, for x > 0: the recurrence up to where the asymptotic series has 15 digits. */
static double
digamma(double x)
{
	double		sum = 0;
	double		z;

	for (; x < 10; x++)
		sum -= 1 / x;
	z = 1 / (x * x);
	return sum + log(x) - 0.5 / x
		- z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * 691.0 / 32760)))));
}

/* What depends on x only; groups come by x, so that gamma functions are computed once for each. */
typedef struct OfX
{
	double		value;
	double		r;				/* its derivatives */
	double		a;
	double		b;
} OfX;

/* ln Γ(r+x) - ln Γ(r) + r ln α, and of the drop-outs ln B(a, b+n) - ln B(a, b), n being the times that one could drop out and did not. */
static OfX
of_x(const BuyerModel *m, uint32_t x)
{
	uint32_t	chances = x + (m->kind == BUYER_MBG);
	double		both = m->a + m->b;

	return (OfX) {
		lgamma(m->r + x) - lgamma(m->r) + m->r * log(m->alpha)
			+ lgamma(both) + lgamma(m->b + chances) - lgamma(m->b) - lgamma(both + chances),
		digamma(m->r + x) - digamma(m->r) + log(m->alpha),
		digamma(both) - digamma(both + chances),
		digamma(both) + digamma(m->b + chances) - digamma(m->b) - digamma(both + chances),
	};
}

/* The ln of the odds that one dropped out with the last order, in BG of a repeat order only. */
static double
dropped_log(const BuyerModel *m, const BuyerTimes *t)
{
	uint32_t	survived = m->kind == BUYER_MBG ? t->x : t->x - 1;

	return log(m->a) - log(m->b + survived);
}

static double
log_likelihood_geometric(const BuyerModel *m, const BuyerGroup *groups, uint64_t n, double *gradient)
{
	OfX			of = {0};
	double		sum = 0;
	double		d[4] = {0};

	for (uint64_t i = 0; i < n; i++)
	{
		const BuyerTimes *t = &groups[i].times;
		double		count = groups[i].customers;
		double		shape = m->r + t->x;
		double		until_T = log(m->alpha + t->T);
		double		until_t_x = log(m->alpha + t->t_x);
		double		alive = -shape * until_T;
		double		all = alive;
		double		dead = 0;	/* the share of those who dropped out */
		uint32_t	survived = m->kind == BUYER_MBG ? t->x : t->x - 1;

		if (i == 0 || t->x != groups[i - 1].times.x)
			of = of_x(m, t->x);
		if (m->kind == BUYER_MBG || t->x > 0)
		{
			double		odds = dropped_log(m, t) - shape * until_t_x;

			all = buyer_log_add(alive, odds);
			dead = exp(odds - all);
			d[2] += count / m->a * dead;
			d[3] -= count / (m->b + survived) * dead;
		}
		sum += count * (of.value + all);
		d[0] += count * (of.r - (1 - dead) * until_T - dead * until_t_x);
		d[1] += count * (m->r / m->alpha - shape * ((1 - dead) / (m->alpha + t->T) + dead / (m->alpha + t->t_x)));
		d[2] += count * of.a;
		d[3] += count * of.b;
	}
	if (gradient != NULL)
	{
		gradient[0] = d[0] * m->r;
		gradient[1] = d[1] * m->alpha;
		gradient[2] = d[2] * m->a;
		gradient[3] = d[3] * m->b;
	}
	return sum;
}

void
buyer_pareto_logs(const BuyerModel *m, const BuyerTimes *t, double *alive, double *dead)
{
	double		shape = m->r + t->x;

	*alive = -shape * log(m->alpha + t->T) - m->a * log(m->b + t->T);
	*dead = log(m->a) + power_integral_log(m->alpha, shape, m->b, m->a + 1, t->t_x, t->T);
}

static double
log_likelihood_pareto(const BuyerModel *m, const BuyerGroup *groups, uint64_t n)
{
	double		constant = m->r * log(m->alpha) - lgamma(m->r) + m->a * log(m->b);
	double		sum = 0;

	for (uint64_t i = 0; i < n; i++)
	{
		double		alive;
		double		dead;

		buyer_pareto_logs(m, &groups[i].times, &alive, &dead);
		sum += groups[i].customers * (constant + lgamma(m->r + groups[i].times.x) + buyer_log_add(alive, dead));
	}
	return sum;
}

/* Pareto/NBD has no derivatives worth writing down: differences over 1e-5 of a parameter know eight digits of them. */
#define DIFFERENCE 1e-5

static double
log_likelihood_differences(const BuyerModel *m, const BuyerGroup *groups, uint64_t n, double *gradient)
{
	for (int i = 0; gradient != NULL && i < 4; i++)
	{
		double		side[2];

		for (int s = 0; s < 2; s++)
		{
			BuyerModel	moved = *m;
			double	   *parameter[] = {&moved.r, &moved.alpha, &moved.a, &moved.b};

			*parameter[i] *= exp(s == 0 ? -DIFFERENCE : DIFFERENCE);
			side[s] = log_likelihood_pareto(&moved, groups, n);
		}
		gradient[i] = (side[1] - side[0]) / (2 * DIFFERENCE);
	}
	return log_likelihood_pareto(m, groups, n);
}

double
buyer_log_likelihood(const BuyerModel *m, const BuyerGroup *groups, uint64_t n, double *gradient)
{
	if (m->kind == BUYER_PARETO)
		return log_likelihood_differences(m, groups, n, gradient);
	return log_likelihood_geometric(m, groups, n, gradient);
}

double
buyer_nbd_log_likelihood(const BuyerModel *m, const BuyerGroup *groups, uint64_t n, double *gradient)
{
	double		sum = 0;
	double		value = 0;
	double		slope = 0;

	gradient[0] = gradient[1] = 0;
	for (uint64_t i = 0; i < n; i++)
	{
		const BuyerTimes *t = &groups[i].times;
		double		until_T = log(m->alpha + t->T);

		if (i == 0 || t->x != groups[i - 1].times.x)
		{
			value = lgamma(m->r + t->x) - lgamma(m->r) + m->r * log(m->alpha);
			slope = digamma(m->r + t->x) - digamma(m->r) + log(m->alpha);
		}
		sum += groups[i].customers * (value - (m->r + t->x) * until_T);
		gradient[0] += groups[i].customers * (slope - until_T) * m->r;
		gradient[1] += groups[i].customers * (m->r - (m->r + t->x) * m->alpha / (m->alpha + t->T));
	}
	return sum;
}

double
buyer_spend_log_likelihood(const BuyerModel *m, const BuyerSpend *spend, uint64_t n, double *gradient)
{
	double		sum = 0;
	double		value = 0;
	double		more = 0;
	double		less = 0;

	gradient[0] = gradient[1] = gradient[2] = 0;
	for (uint64_t i = 0; i < n; i++)
	{
		double		x = spend[i].x;
		double		shape = m->p * x + m->q;
		double		total = log(x * spend[i].mean + m->v);
		double		count = spend[i].customers;

		if (i == 0 || spend[i].x != spend[i - 1].x)
		{
			value = lgamma(shape) - lgamma(m->p * x) - lgamma(m->q) + m->q * log(m->v);
			more = digamma(shape);
			less = digamma(m->p * x);
		}
		sum += count * (value + m->p * x * log(x * spend[i].mean) - log(spend[i].mean) - shape * total);
		gradient[0] += count * m->p * x * (more - less + log(x * spend[i].mean) - total);
		gradient[1] += count * m->q * (more - digamma(m->q) + log(m->v) - total);
		gradient[2] += count * (m->q - shape * m->v / (x * spend[i].mean + m->v));
	}
	return sum;
}
