/*
 * minimize.c
 *		Projected BFGS for a handful of variables.
 */
#include "kernel/minimize.h"

#include <math.h>

#define MAX_ITERATIONS 150
#define MAX_HALVINGS 25
/* Of the gradient, relative to the value: a likelihood of 10,000 is then within 1e-8 of its maximum. */
#define GRADIENT_TOLERANCE 1e-8
/* Where no step helps any more, rounding hides the rest. */
#define STALLED_TOLERANCE 1e-5
/* Variables are logarithms: nobody knows a likelihood well enough to go further at once. */
#define LONGEST_STEP 2.0

typedef struct Search
{
	Minimum    *minimum;
	int			n;
	double		gradient[MINIMIZE_MAX_SIZE];
	double		direction[MINIMIZE_MAX_SIZE];
	bool		held[MINIMIZE_MAX_SIZE];	/* at a bound, and pushed against it */
	double		inverse[MINIMIZE_MAX_SIZE][MINIMIZE_MAX_SIZE];	/* of the Hessian, as far as it is known */
	bool		fresh;			/* nothing is known */
} Search;

static double
between(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

static void
forget(Search *s)
{
	for (int i = 0; i < s->n; i++)
		for (int j = 0; j < s->n; j++)
			s->inverse[i][j] = i == j;
	s->fresh = true;
}

/* What was learned with other variables free does not hold for these. */
static void
find_held(Search *s)
{
	bool		changed = false;

	for (int i = 0; i < s->n; i++)
	{
		Minimum    *m = s->minimum;
		bool		held = (m->point[i] <= m->low[i] && s->gradient[i] > 0) || (m->point[i] >= m->high[i] && s->gradient[i] < 0);

		changed |= held != s->held[i];
		s->held[i] = held;
	}
	if (changed)
		forget(s);
}

static double
steepest(const Search *s)
{
	double		most = 0;

	for (int i = 0; i < s->n; i++)
		if (!s->held[i] && fabs(s->gradient[i]) > most)
			most = fabs(s->gradient[i]);
	return most;
}

static double
slope(const Search *s)
{
	double		sum = 0;

	for (int i = 0; i < s->n; i++)
		sum += s->gradient[i] * s->direction[i];
	return sum;
}

static void
follow_gradient(Search *s)
{
	for (int i = 0; i < s->n; i++)
	{
		s->direction[i] = 0;
		for (int j = 0; j < s->n; j++)
			if (!s->held[i] && !s->held[j])
				s->direction[i] -= s->inverse[i][j] * s->gradient[j];
	}
}

/* Downhill, and not too far. */
static void
choose_direction(Search *s)
{
	double		longest = 0;

	follow_gradient(s);
	if (!(slope(s) < 0))
	{
		forget(s);
		follow_gradient(s);
	}
	for (int i = 0; i < s->n; i++)
		longest = fmax(longest, fabs(s->direction[i]));
	/* the gradient of a fresh start says where, but not how far */
	if (s->fresh || longest > LONGEST_STEP)
		for (int i = 0; i < s->n; i++)
			s->direction[i] *= (s->fresh ? fmin(longest, 0.5) : LONGEST_STEP) / longest;
}

/* Broyden, Fletcher, Goldfarb, Shanno: from a step and how the gradient changed over it. */
static void
learn(Search *s, const double *step, const double *change)
{
	double		image[MINIMIZE_MAX_SIZE];
	double		curvature = 0;
	double		scale = 0;

	for (int i = 0; i < s->n; i++)
		curvature += step[i] * change[i];
	if (!(curvature > 1e-300))
		return;
	for (int i = 0; i < s->n; i++)
	{
		image[i] = 0;
		for (int j = 0; j < s->n; j++)
			image[i] += s->inverse[i][j] * change[j];
		scale += image[i] * change[i];
	}
	/* the first look at the curvature says what a unit is */
	if (s->fresh)
	{
		double		unit = curvature / scale;

		for (int i = 0; i < s->n; i++)
		{
			s->inverse[i][i] = unit;
			image[i] = unit * change[i];
		}
		scale *= unit;
	}
	for (int i = 0; i < s->n; i++)
		for (int j = 0; j < s->n; j++)
			s->inverse[i][j] += (1 + scale / curvature) * step[i] * step[j] / curvature
				- (image[i] * step[j] + step[i] * image[j]) / curvature;
	s->fresh = false;
}

/* Goes along the direction as far as it pays (Armijo); false where no step does. */
static bool
advance(Search *s)
{
	Minimum    *m = s->minimum;
	double		length = 1;

	for (int halvings = 0; halvings < MAX_HALVINGS; halvings++, length /= 2)
	{
		double		point[MINIMIZE_MAX_SIZE];
		double		gradient[MINIMIZE_MAX_SIZE];
		double		step[MINIMIZE_MAX_SIZE];
		double		gain = 0;
		double		value;

		for (int i = 0; i < s->n; i++)
		{
			point[i] = between(m->point[i] + length * s->direction[i], m->low[i], m->high[i]);
			step[i] = point[i] - m->point[i];
			gain += step[i] * s->gradient[i];
		}
		value = m->function(m->arg, point, gradient);
		if (!isfinite(value) || !(value < m->value + 1e-4 * gain))
			continue;
		for (int i = 0; i < s->n; i++)
		{
			double		before = s->gradient[i];

			m->point[i] = point[i];
			s->gradient[i] = gradient[i];
			gradient[i] -= before;
		}
		m->value = value;
		learn(s, step, gradient);
		return true;
	}
	return false;
}

void
minimize(Env *env, Minimum *m)
{
	Search		s = {.minimum = m, .n = m->size};

	for (int i = 0; i < s.n; i++)
		m->point[i] = between(m->point[i], m->low[i], m->high[i]);
	m->value = m->function(m->arg, m->point, s.gradient);
	m->converged = false;
	forget(&s);
	for (m->iterations = 0; isfinite(m->value) && m->iterations < MAX_ITERATIONS; m->iterations++)
	{
		double		scale = fmax(1, fabs(m->value));

		env_check(env, 0, 0);
		find_held(&s);
		if (steepest(&s) <= GRADIENT_TOLERANCE * scale)
		{
			m->converged = true;
			return;
		}
		choose_direction(&s);
		if (advance(&s))
			continue;
		if (s.fresh)
		{
			m->converged = steepest(&s) <= STALLED_TOLERANCE * scale;
			return;
		}
		forget(&s);
	}
}
