/*
 * build_stream.h
 *		The baskets of a model, one after the other, from the tables of its histories; and what
 *		one pass over them tells: sizes, n of every item, totals.
 */
#ifndef PERSONALIZE_BUILD_STREAM_H
#define PERSONALIZE_BUILD_STREAM_H

#include "postgres.h"

#include "kernel/pairs.h"
#include "model/registry.h"

/* target is NULL but for directed models, where either may be empty. */
typedef void (*BasketSink) (void *arg, const Basket *source, const Basket *target);

/*
 * All baskets as the active snapshot sees them; those of a target are joined by key.  Fails where one
 * has an item code from num_items on.
 */
extern void build_stream(const HistoryDef *history, const HistoryDef *target, uint32 num_items,
						 BasketSink sink, void *arg);

typedef struct BuildSurvey
{
	uint64		num_lists;		/* baskets with any pair */
	uint64		num_entries;	/* items of these, as a source */
	uint64		num_target_entries; /* and as a target; 0 but for directed models */
	double		work;			/* pairs of places to be counted, at most */
	int32		first_generation;	/* of any pair */
	uint32		num_generations;
	uint64		num_marginals;
	MarginalChange *marginal;	/* ascending by row, each once */
	int32		first_total;
	int			num_totals;
	int64	   *totals;
} BuildSurvey;

/* Memory in the current context. */
extern void build_survey(const ModelDef *model, const HistoryDef *history, const HistoryDef *target, uint32 num_items,
						 BuildSurvey *survey);

/* Whether anything is counted from a basket beside its marginals. */
static inline bool
build_has_pairs(const Basket *source, const Basket *target)
{
	return target ? source->size > 0 && target->size > 0 : source->size > 1;
}

#endif							/* PERSONALIZE_BUILD_STREAM_H */
