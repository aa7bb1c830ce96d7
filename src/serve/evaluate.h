/*
 * evaluate.h
 *		What the files of evaluate_widget() share: what was asked, the lists of a customer, and sums over customers.
 */
#ifndef PERSONALIZE_EVALUATE_H
#define PERSONALIZE_EVALUATE_H

#include "postgres.h"

#include "access/htup.h"
#include "utils/relcache.h"

#include "base/server_env.h"
#include "kernel/basket.h"
#include "kernel/rank_metrics.h"
#include "model/item_table.h"
#include "model/registry.h"
#include "serve/evaluate_past.h"
#include "serve/plan.h"
#include "serve/widget.h"

/* What a call of the widget is told of the customer's past, beside the customer. */
typedef enum EvaluateGiven
{
	GIVEN_CUSTOMER,				/* nothing */
	GIVEN_ITEM,					/* the last item, as that of the page */
	GIVEN_CART,					/* the items of the last day */
	GIVEN_SESSION				/* the last items, and not the customer: a visitor nobody knows */
} EvaluateGiven;

typedef struct EvaluateOptions
{
	TimestampTz since;
	TimestampTz until;
	int32		k;
	char	   *event;			/* history whose future counts; NULL: the widget's only one */
	bool		repeats;		/* items that the customer knows may be recommended, and count */
	EvaluateGiven given;
	Oid			segments;		/* table with a row per customer; InvalidOid: none */
	char	   *key;
	char	   *by;
	double		sample;			/* share of the customers, by hash */
	int32		resamples;
	double		confidence;
	int64		seed;
} EvaluateOptions;

/* Means over customers; the order is that of the output. */
typedef enum EvaluateMetric
{
	METRIC_RECALL, METRIC_PRECISION, METRIC_NDCG, METRIC_AVERAGE_PRECISION, METRIC_RECIPROCAL_RANK, METRIC_HIT,
	METRIC_RECALL_REPEATS, METRIC_RECALL_NEW, METRIC_REPEATS_IN_LIST, METRIC_LIST_LENGTH, METRIC_REPEATS_IN_TEST,
	NUM_METRICS
} EvaluateMetric;

/* The widget's list, and that of popularity. */
enum
{
	LIST_WIDGET, LIST_POPULARITY, NUM_LISTS
};

/* --- evaluate_lists.c: lists as codes of the past's catalog --- */
typedef struct EvaluateLists
{
	const EvaluateOptions *options;
	ServerEnv	server;
	WidgetPlan *plan;			/* over the past */
	ItemTable  *items;			/* more are added as they are met in lists */
	uint32		num_known;		/* items that the past knows */
	uint32	   *buyers;			/* baskets of the past with it, by code below num_known */
	int64		num_baskets;
	uint32	   *popular;		/* codes, by (buyers desc, key) */
	bool	   *eligible;		/* by code below num_known: passes the widget's filter now */
	int64		catalog_size;	/* items that could be recommended */
} EvaluateLists;

typedef struct EvaluateCustomer
{
	Datum		key;
	Basket		known;			/* before */
	Basket		later;			/* after */
	uint32		num_relevant;
	uint32	   *relevant;		/* codes, ascending: what a list is to hold */
} EvaluateCustomer;

/* widget NULL: popularity alone.  The history is that of the past. */
extern void evaluate_lists_open(EvaluateLists *lists, const EvaluateOptions *options, Past *past, WidgetDef *widget, const HistoryDef *history);
/* For each code of the catalog of the test its code here: those of new items are num_known and more. */
extern uint32 *evaluate_test_codes(EvaluateLists *lists, const HistoryDef *test);
/* A basket of the test, with codes of the past. */
extern Basket evaluate_test_basket(Relation relation, HeapTuple tuple, const uint32 *codes);
/* In the current memory context; at most k codes. */
extern uint32 *evaluate_list(EvaluateLists *lists, const EvaluateCustomer *customer, int which, uint32 *size);
/* The most recent `most` items, or those of the last day, the oldest first. */
extern uint32 *evaluate_recent_items(const Basket *known, uint32 most, bool last_day, uint32 *size);
extern bool evaluate_knows(const Basket *basket, uint32 code);

/* --- evaluate.c --- */
#define EVALUATE_MAX_K 1000

extern void evaluate_guard_times(const EvaluateOptions *options);
extern double evaluate_guard_sample(double sample);
/* Fails where nothing happened before or after. */
extern void evaluate_require_both(const EvaluateOptions *options, const HistoryDef *train, const HistoryDef *test);
extern uint64 evaluate_customer_hash(KeyType type, Datum key);
extern bool evaluate_is_sampled(const EvaluateOptions *options, uint64 hash);
/* All later items, or those that were not known. */
extern void evaluate_find_relevant(EvaluateCustomer *customer, bool repeats);

/* --- evaluate_sums.c: sums over customers, for the shop and its segments --- */
typedef struct EvaluateSums EvaluateSums;

/* What a customer contributes: NaN where a metric says nothing about him. */
typedef struct EvaluateValues
{
	uint64		hash;			/* of the customer, for resampling */
	double		value[NUM_LISTS][NUM_METRICS];
	uint32		size[NUM_LISTS];
	const uint32 *list[NUM_LISTS];
} EvaluateValues;

typedef struct EvaluateResult
{
	double		estimate;
	double		low;			/* NaN: none */
	double		high;
} EvaluateResult;

/* Called for each line of the output, segments in the order of their names, the whole first. */
typedef void (*EvaluateSink) (void *arg, const char *segment, const char *metric, uint64 customers, const EvaluateResult *widget,
							  const EvaluateResult *popularity, const EvaluateResult *difference);

extern EvaluateSums *evaluate_sums_create(MemoryContext context, const EvaluateOptions *options);
extern void evaluate_sums_add(EvaluateSums *sums, const char *const *segments, int num_segments, const EvaluateValues *values);
extern void evaluate_sums_report(EvaluateSums *sums, const EvaluateLists *lists, EvaluateSink sink, void *arg);

#endif							/* PERSONALIZE_EVALUATE_H */
