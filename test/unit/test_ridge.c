/*
 * test_ridge.c
 *		Weights against elimination in long double, and cases that can be solved by hand.
 */
#include "kernel/ridge.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

static uint64_t state;

/* Counts of baskets of a few items each, as they are between neighbors: n on the diagonal. */
static void
random_counts(double *g, double *rhs, uint32_t size, uint32_t baskets)
{
	memset(g, 0, (size_t) size * size * sizeof(double));
	memset(rhs, 0, size * sizeof(double));
	for (uint32_t b = 0; b < baskets; b++)
	{
		uint64_t	with = unit_random(&state) & unit_random(&state) & unit_random(&state);
		bool		target = unit_random(&state) % 3 == 0;

		for (uint32_t i = 0; i < size; i++)
		{
			if (!(with >> ((i * 7 + b) % 61) & 1))
				continue;
			rhs[i] += target;
			for (uint32_t j = 0; j < size; j++)
				g[(size_t) i * size + j] += with >> ((j * 7 + b) % 61) & 1;
		}
	}
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median(const double *g, uint32_t size)
{
	double	   *d = malloc(size * sizeof(double));
	double		result;

	for (uint32_t i = 0; i < size; i++)
		d[i] = g[(size_t) i * size + i];
	qsort(d, size, sizeof(double), compare_doubles);
	result = size % 2 ? d[size / 2] : (d[size / 2 - 1] + d[size / 2]) / 2;
	free(d);
	return result;
}

/* Gauss with the largest pivot of each column. */
static void
eliminate(long double *a, long double *x, uint32_t size)
{
	for (uint32_t c = 0; c < size; c++)
	{
		uint32_t	pivot = c;

		for (uint32_t r = c + 1; r < size; r++)
			if (fabsl(a[r * size + c]) > fabsl(a[pivot * size + c]))
				pivot = r;
		for (uint32_t k = 0; k < size; k++)
		{
			long double t = a[c * size + k];

			a[c * size + k] = a[pivot * size + k];
			a[pivot * size + k] = t;
		}
		long double t = x[c];

		x[c] = x[pivot];
		x[pivot] = t;
		for (uint32_t r = 0; r < size; r++)
		{
			long double f = r == c ? 0 : a[r * size + c] / a[c * size + c];

			for (uint32_t k = c; k < size; k++)
				a[r * size + k] -= f * a[c * size + k];
			x[r] -= f * x[c];
		}
	}
	for (uint32_t c = 0; c < size; c++)
		x[c] /= a[c * size + c];
}

static void
check_random(uint32_t size, double lambda, double delta)
{
	double	   *g = malloc((size_t) size * size * sizeof(double));
	double	   *rhs = malloc(size * sizeof(double));
	double	   *w = malloc(size * sizeof(double));
	long double *a = malloc((size_t) size * size * sizeof(long double));
	long double *x = malloc(size * sizeof(long double));
	double		m;

	random_counts(g, rhs, size, 3000);
	m = median(g, size);
	for (uint32_t i = 0; i < size; i++)
	{
		for (uint32_t j = 0; j < size; j++)
			a[i * size + j] = g[(size_t) i * size + j] + (i == j ? lambda * m + delta * g[(size_t) i * size + i] : 0);
		x[i] = rhs[i];
	}
	eliminate(a, x, size);
	CHECK(ridge_solve(g, rhs, size, lambda, delta, w));
	for (uint32_t i = 0; i < size; i++)
		CHECK_NEAR(w[i], (double) x[i], 1e-9);
	free(g);
	free(rhs);
	free(w);
	free(a);
	free(x);
}

static void
test_random(void)
{
	for (uint32_t size = 1; size <= 61; size += size < 10 ? 1 : 17)
		for (int l = 0; l < 4; l++)
			check_random(size, l, l % 2 * 0.5);
	/* more of them than baskets tell apart: only the ridge makes it solvable */
	check_random(200, 1, 0);
}

static void
test_known(void)
{
	double		g[9] = {4, 2, 0, 2, 5, 3, 0, 3, 6};
	double		rhs[3] = {8, 21, 24};
	double		w[3];
	double		one[1] = {3};
	double		diagonal[4] = {2, 0, 0, 6};
	double		two[2] = {6, 5};

	CHECK(ridge_solve(g, rhs, 3, 0, 0, w));
	CHECK_NEAR(w[0], 1, 1e-14);
	CHECK_NEAR(w[1], 2, 1e-14);
	CHECK_NEAR(w[2], 3, 1e-14);
	CHECK(ridge_solve(one, (double[]) {6}, 1, 1, 0, w) && w[0] == 1);
	/* an even number: the median is 4, so that the diagonal is 6 and 10; with its half, 7 and 13 */
	CHECK(ridge_solve(diagonal, two, 2, 1, 0, w));
	CHECK_NEAR(w[0], 1, 1e-15);
	CHECK_NEAR(w[1], 0.5, 1e-15);
	diagonal[0] = 2;
	diagonal[3] = 6;
	CHECK(ridge_solve(diagonal, (double[]) {7, 26}, 2, 1, 0.5, w));
	CHECK_NEAR(w[0], 1, 1e-15);
	CHECK_NEAR(w[1], 2, 1e-15);
	CHECK(ridge_solve(g, rhs, 0, 1, 0, w));
}

static void
test_not_definite(void)
{
	double		twins[4] = {3, 3, 3, 3};
	double		zero[1] = {0};
	double		contradiction[4] = {1, 5, 5, 1};
	double		nan[1] = {NAN};
	double		rhs[2] = {1, 1};
	double		w[2];

	CHECK(!ridge_solve(twins, rhs, 2, 0, 0, w));
	CHECK(!ridge_solve(zero, rhs, 1, 1, 1, w));
	CHECK(!ridge_solve(contradiction, rhs, 2, 1, 0, w));
	CHECK(!ridge_solve(nan, rhs, 1, 1, 0, w));
	CHECK(!ridge_solve(twins, rhs, RIDGE_MAX_SIZE + 1, 1, 0, w));
}

void
test_ridge(void)
{
	state = 11;
	RUN(test_random);
	RUN(test_known);
	RUN(test_not_definite);
}
