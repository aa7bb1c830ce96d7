/*
 * ridge.h
 *		Local ridge regression: how much each of a few neighbors says about an
 *		item when all of them are known (sparse Markov random field, Steck 2019).
 *
 * For an item j and its strongest neighbors S: (G_SS + λ·m·I + δ·diag(d_S)) w = G_Sj, m the median of the
 * diagonal of G_SS (the mean of the middle two for an even number), d_S its diagonal.
 */
#ifndef PERSONALIZE_RIDGE_H
#define PERSONALIZE_RIDGE_H

#include <stdbool.h>

#include "base/env.h"

#define RIDGE_MAX_SIZE 512

/*
 * g holds size × size counts, row by row, symmetric, and is overwritten; rhs[s] = G_sj; w gets the weights.
 * Cholesky in plain double arithmetic, in a fixed order: the same bits everywhere.  False where the matrix is
 * not positive definite, which only λ = δ = 0 or counts that are none can cause.
 */
extern bool ridge_solve(double *g, const double *rhs, uint32_t size, double lambda, double delta, double *w);

#endif							/* PERSONALIZE_RIDGE_H */
