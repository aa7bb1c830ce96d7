/*
 * response_fit.h
 *		When people answer: a model of many, and what it says of one.
 *
 * The hazard of a response at lag d in cell c is λ(c) · w(d).  A fit finds λ of the hours of the week and w of the lags from counters of many customers; a
 * customer's own hours shrink to that of a segment, and this to that of all.  Times are minutes since 2000-01-01; rates are per hour.
 */
#ifndef PERSONALIZE_KERNEL_RESPONSE_FIT_H
#define PERSONALIZE_KERNEL_RESPONSE_FIT_H

#include "kernel/response_counts.h"

#define RESPONSE_LAG_PRIOR 5.0			/* κ0: hours at risk of the mean rate that a cell starts with */
#define RESPONSE_CUSTOMER_PRIOR 5.0		/* κ: responses */
#define RESPONSE_SEGMENT_PRIOR 200.0	/* κ_g */
#define RESPONSE_LEVEL_PRIOR 1.5
#define RESPONSE_VISIT_WEIGHT 0.5		/* ω, before there is enough to choose it by */
#define RESPONSE_MIN_HELD_OUT 2000
/* What is assumed where nobody has been asked yet, per hour. */
#define RESPONSE_DEFAULT_RATE 0.02

/* Of one observable, as it is stored: everything else follows from it. */
typedef struct ResponseFit
{
	double		messages;
	double		held_out;		/* messages that the weight of visits was chosen by */
	double		visit_weight;	/* ω */
	double		lags[RESPONSE_LAGS];	/* w */
	double		responses[RESPONSE_WEEK];
	double		risk[RESPONSE_WEEK];	/* hours, weighed by w */
} ResponseFit;

typedef struct ResponseModel
{
	double		half_life;		/* minutes; 0: nothing fades */
	double		customers;
	double		visit_rate;		/* ρ: visits per hour */
	ResponseFit fits[RESPONSE_OBSERVABLES];
} ResponseModel;

/* Rates of a population or a segment. */
typedef struct ResponseRates
{
	double		mean;			/* λ̄, over the hours of the week */
	double		level;			/* of a segment: how much more it answers */
	double		weight;			/* responses expected: what the profile rests on */
	double		profile[RESPONSE_WEEK]; /* a, mean 1 */
	double		cells[RESPONSE_CELLS];	/* the same by cells of a customer */
} ResponseRates;

/* What a customer's messages and visits come to as of a time. */
typedef struct ResponseEvidence
{
	double		messages;		/* decayed: the effective number */
	double		expected;		/* responses that somebody average would have given */
	double		responses[RESPONSE_CELLS];
	double		risk[RESPONSE_CELLS];	/* hours, weighed by w */
	double		visits[RESPONSE_CELLS];
	double		days[2];		/* observed, decayed: weekdays, weekends */
} ResponseEvidence;

typedef enum ResponseSource
{
	RESPONSE_BY_CUSTOMER,
	RESPONSE_BY_SEGMENT,
	RESPONSE_BY_POPULATION,
	RESPONSE_BY_DEFAULT
} ResponseSource;

/* What is expected of one customer. */
typedef struct ResponsePosterior
{
	double		rate[RESPONSE_CELLS];
	double		level;			/* m */
	double		weight;			/* of the customer's own data, beside RESPONSE_CUSTOMER_PRIOR */
} ResponsePosterior;

/* λ and w from counters as of a time; visit weights stay at their default. */
extern void response_fit(ResponseModel *model, const ResponseCounts *counts, int32_t as_of);
/* The model before any data. */
extern void response_fit_default(ResponseModel *model);
/* ω by the likelihood of the latest quarter of these customers' messages, each seen from the end of the other three. */
extern void response_choose_visit_weight(Env *env, ResponseModel *model, const ResponseHours *customers, uint64_t n, int32_t as_of);

extern void response_rates(ResponseRates *rates, const ResponseFit *fit);
/* A segment's rates, shrunk to those of the population. */
extern void response_segment_rates(ResponseRates *rates, const ResponseRates *population, const ResponseFit *segment);

extern void response_evidence(ResponseEvidence *evidence, const ResponseHours *hours, ResponseObservable observable, const ResponseFit *fit,
							  const ResponseRates *rates, double half_life, int32_t as_of);
extern void response_posterior(ResponsePosterior *posterior, const ResponseEvidence *evidence, const ResponseRates *rates, double visit_weight, double visit_rate);

/*
 * log of the density of what became of a message as of a time, by rates of a customer's cells or (where by_week) of the hours of the week; 0 where it
 * says nothing of the observable.
 */
extern double response_log_likelihood(const ResponseMessage *message, ResponseObservable observable, const double *lags, const double *rate, bool by_week,
									  int32_t as_of, bool *observed);

#endif							/* PERSONALIZE_KERNEL_RESPONSE_FIT_H */
