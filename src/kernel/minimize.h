/*
 * minimize.h
 *		The minimum of a smooth function of few variables between bounds: projected BFGS (Nocedal and Wright, Numerical
 *		Optimization, 2006, chapter 6) with a backtracking line search.
 */
#ifndef PERSONALIZE_MINIMIZE_H
#define PERSONALIZE_MINIMIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

#define MINIMIZE_MAX_SIZE 4

/* Returns the value and fills in the gradient; a value that is not finite is a point not to go to. */
typedef double (*MinimizeFunction) (void *arg, const double *point, double *gradient);

typedef struct Minimum
{
	/* what is asked: set by the caller */
	MinimizeFunction function;
	void	   *arg;
	int			size;
	double		low[MINIMIZE_MAX_SIZE];
	double		high[MINIMIZE_MAX_SIZE];
	/* the start, and afterwards the minimum */
	double		point[MINIMIZE_MAX_SIZE];
	/* the answer */
	double		value;
	uint32_t	iterations;
	bool		converged;
} Minimum;

extern void minimize(Env *env, Minimum *minimum);

#endif							/* PERSONALIZE_MINIMIZE_H */
