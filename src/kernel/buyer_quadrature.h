/*
 * buyer_quadrature.h
 *		Integrals of products of two powers, which Pareto/NBD is made of.
 */
#ifndef PERSONALIZE_BUYER_QUADRATURE_H
#define PERSONALIZE_BUYER_QUADRATURE_H

/* ln of ∫ (α+y)^-j (β+y)^-k dy from `from` to `to`; -Infinity where they are the same. */
extern double power_integral_log(double alpha, double j, double beta, double k, double from, double to);

#endif							/* PERSONALIZE_BUYER_QUADRATURE_H */
