/*
 * tune.h
 *		What the files of tune_model() share: the parameters that are tried, the customers, and how lists did.
 */
#ifndef PERSONALIZE_TUNE_H
#define PERSONALIZE_TUNE_H

#include "postgres.h"

#include "serve/evaluate.h"

/* A way to score; popularity has no measure. */
typedef struct TuneTrial
{
	int			place;			/* in the order they are tried */
	bool		popularity;
	bool		current;		/* as the model is */
	ModelScoring scoring;
	double		damping;
	int			model;			/* place among the models, which differ in damping */
	double		mean[METRIC_HIT + 1];	/* the metrics up to there; means over the customers */
} TuneTrial;

/* Who is recommended to: what a list starts from, what it must not hold, what it should. */
typedef struct TuneCustomer
{
	EvaluateCustomer customer;
	uint32		num_seeds;
	uint32	   *seed;			/* the most recent first */
} TuneCustomer;

typedef struct TuneCustomers
{
	uint32		size;
	uint32		room;
	TuneCustomer *customer;
	bool		known;			/* customers known before; otherwise first halves are given, and the second predicted */
	Size		memory;
} TuneCustomers;

/* --- tune_customers.c --- */
extern void tune_customers_read(TuneCustomers *customers, EvaluateLists *lists, const HistoryDef *train, const HistoryDef *test);

/* --- tune_score.c: the trial's means --- */
extern void tune_score_model(TuneTrial *trial, const ModelDef *model, const EvaluateLists *lists, const TuneCustomers *customers);
extern void tune_score_popularity(TuneTrial *trial, EvaluateLists *lists, const TuneCustomers *customers);

#endif							/* PERSONALIZE_TUNE_H */
