/*
 * ridge.c
 *		Weights of an item's neighbors, all taken together.
 *
 * Few neighbors and a dense matrix: Cholesky without pivoting is as stable as it is short.  It goes by rows
 * of the upper factor, so that inner loops run along memory and add to each number in one
 * order however many of them the processor takes at once.
 */
#include "kernel/ridge.h"

#include <math.h>

/* What is left of a diagonal when nothing but rounding is: far above 512 roundings, far below any counts. */
#define SINGULAR 1e-12

/* Few and asked for once a row, so the simplest sort will do. */
static double
median_of_diagonal(const double *g, uint32_t size)
{
	double		sorted[RIDGE_MAX_SIZE];

	/* size is at least 1, which older compilers do not see */
	sorted[0] = 0;
	for (uint32_t i = 0; i < size; i++)
	{
		double		d = g[(size_t) i * size + i];
		uint32_t	j = i;

		for (; j > 0 && sorted[j - 1] > d; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = d;
	}
	return size % 2 ? sorted[size / 2] : (sorted[size / 2 - 1] + sorted[size / 2]) / 2;
}

/* Takes the part of row `of` that row `by` explains; both from column `first` on. */
static inline void
subtract(double *restrict of, const double *restrict by, double factor, uint32_t first, uint32_t size)
{
	for (uint32_t k = first; k < size; k++)
		of[k] -= factor * by[k];
}

/*
 * G = U'U, U in the place of the upper half.  The right-hand side goes along as one more column and is
 * then what forward substitution gives.
 */
static bool
factor(double *g, double *w, uint32_t size)
{
	double		diagonal[RIDGE_MAX_SIZE];

	for (uint32_t j = 0; j < size; j++)
		diagonal[j] = g[(size_t) j * size + j];
	for (uint32_t j = 0; j < size; j++)
	{
		double	   *row = g + (size_t) j * size;
		double		root;

		/* written so that NaN fails */
		if (!(row[j] > diagonal[j] * SINGULAR))
			return false;
		root = sqrt(row[j]);
		for (uint32_t k = j; k < size; k++)
			row[k] /= root;
		w[j] /= root;
		for (uint32_t i = j + 1; i < size; i++)
		{
			subtract(g + (size_t) i * size, row, row[i], i, size);
			w[i] -= row[i] * w[j];
		}
	}
	return true;
}

/* U w = what forward substitution left in w. */
static void
substitute_back(const double *g, double *w, uint32_t size)
{
	for (uint32_t j = size; j-- > 0;)
	{
		const double *row = g + (size_t) j * size;

		for (uint32_t k = size; k-- > j + 1;)
			w[j] -= row[k] * w[k];
		w[j] /= row[j];
	}
}

bool
ridge_solve(double *g, const double *rhs, uint32_t size, double lambda, double delta, double *w)
{
	double		add;

	if (size == 0)
		return true;
	if (size > RIDGE_MAX_SIZE)
		return false;
	add = lambda * median_of_diagonal(g, size);
	for (uint32_t j = 0; j < size; j++)
	{
		double	   *d = g + (size_t) j * size + j;

		*d += add + delta * *d;
		w[j] = rhs[j];
	}
	if (!factor(g, w, size))
		return false;
	substitute_back(g, w, size);
	return true;
}
