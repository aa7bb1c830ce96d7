/*
 * build_parallel.h
 *		Counting all items of a model, in this process or with parallel workers.
 */
#ifndef PERSONALIZE_BUILD_PARALLEL_H
#define PERSONALIZE_BUILD_PARALLEL_H

#include "postgres.h"

#include "model/build_count.h"

/* Called in this process only, and good until it returns. */
typedef void (*CountedSink) (void *arg, const CountedItem *item);

/* What to count from. */
typedef struct CountInput
{
	const HistoryDef *history;
	const HistoryDef *target;
	const BuildSurvey *survey;
	ItemTable  *items;
	double		sample;			/* share of the items that are handed out: 1 for all */
} CountInput;

/* How many workers are worth their start for so much work, and fit into `budget` with it; -1: not even none. */
extern int	build_workers(const CountPlan *plan, double work, Size budget);
/*
 * Every item once; in the order of the codes without workers, in any with them.  While it runs with workers, this process may
 * insert rows but not update or delete any.
 */
extern void build_count_all(const CountPlan *plan, int num_workers, const CountInput *input, CountedSink sink, void *arg);

#endif							/* PERSONALIZE_BUILD_PARALLEL_H */
