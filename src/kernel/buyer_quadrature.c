/*
 * buyer_quadrature.c
 *		Integrals of products of two powers.
 *
 * The textbook writes them as differences of two hypergeometric functions, which overflow for customers with many orders and lose
 * all digits where t_x is near T.  As integrals of something positive they do neither.
 */
#include "kernel/buyer_quadrature.h"

#include <math.h>

/* Gauss-Legendre with 16 points: these, and the same below zero. */
static const struct
{
	double		at;
	double		weight;
}			nodes[] = {
	{0.98940093499164994, 0.027152459411754058},
	{0.9445750230732326, 0.062253523938647776},
	{0.86563120238783176, 0.095158511682492897},
	{0.755404408355003, 0.12462897125553395},
	{0.61787624440264377, 0.14959598881657682},
	{0.45801677765722737, 0.16915651939500256},
	{0.28160355077925892, 0.18260341504492361},
	{0.095012509837637441, 0.18945061045506847},
};

/* No panel falls by more than some e^4, which 16 points know to the last digit. */
#define PANEL_FALL 4.0
#define NUM_NODES (sizeof(nodes) / sizeof(nodes[0]))

/* The integrand over w = ln(m + y), where m is the smaller shift: there it is nearly an exponential. */
typedef struct Powers
{
	double		alpha;
	double		j;
	double		beta;
	double		k;
	double		shift;
	double		peak;			/* ln of its value at the start, so that nothing underflows */
} Powers;

static double
power_log(const Powers *p, double w)
{
	double		y = exp(w) - p->shift;

	return w - p->j * log(p->alpha + y) - p->k * log(p->beta + y);
}

static double
panel(const Powers *p, double from, double to)
{
	double		middle = (from + to) / 2;
	double		half = (to - from) / 2;
	double		sum = 0;

	for (int i = 0; i < NUM_NODES; i++)
		sum += nodes[i].weight * (exp(power_log(p, middle - half * nodes[i].at) - p->peak)
								  + exp(power_log(p, middle + half * nodes[i].at) - p->peak));
	return half * sum;
}

/* How fast the integrand falls at w; ever faster, the larger w is. */
static double
fall(const Powers *p, double w)
{
	double		y = exp(w) - p->shift;

	return p->j * exp(w) / (p->alpha + y) + p->k * exp(w) / (p->beta + y);
}

/* Where exponents are large all of it is at the start, so panels are as long as the fall at their end allows. */
static double
next_end(const Powers *p, double from, double to)
{
	double		first = from + PANEL_FALL / (PANEL_FALL + fall(p, from));

	return fmin(to, from + PANEL_FALL / (PANEL_FALL + fall(p, fmin(first, to))));
}

double
power_integral_log(double alpha, double j, double beta, double k, double from, double to)
{
	Powers		p = {alpha, j, beta, k, fmin(alpha, beta)};
	double		start = log(p.shift + from);
	double		end = start + log1p((to - from) / (p.shift + from));
	double		sum = 0;

	if (!(end > start))
		return -INFINITY;
	p.peak = power_log(&p, start);
	for (double at = start, next; at < end; at = next)
	{
		double		more;

		next = next_end(&p, at, end);
		more = panel(&p, at, next);
		sum += more;
		/* a step that is too short to be one: the rest is nothing beside it */
		if (more < 1e-18 * sum || next <= at)
			break;
	}
	return p.peak + log(sum);
}
