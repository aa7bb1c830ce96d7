/*
 * score.h
 *		From the exact counts of an item to its row of the face: one way for full builds,
 *		rescoring, refreshes and reads, so that all of them give the same bits.
 *
 * A scorer knows n of every item and the total, as doubles in baskets with the decay of
 * generations applied.  An item is scored from its counts, given generation by generation; for ridge
 * the scorer fetches the rows of the neighbors by itself.
 */
#ifndef PERSONALIZE_SCORE_H
#define PERSONALIZE_SCORE_H

#include "postgres.h"

#include "kernel/pair_best.h"
#include "kernel/pair_row.h"
#include "model/item_table.h"
#include "model/model_rows.h"
#include "model/registry.h"

typedef struct ModelScorer ModelScorer;

/* --- decay: what a count of one unit in that generation is worth, in baskets --- */
extern double model_unit_value(const ModelDef *model, int32 generation);
/* The newest generation that has a total. */
extern int32 model_newest_generation(const ModelDef *model);
/* The total in baskets. */
extern double model_total(const ModelDef *model);

/* --- making one; memory in a child of `context`; model->totals must be as of now --- */
extern ModelScorer *model_scorer_create(MemoryContext context, const ModelDef *model, ItemTable *items);
/* The same over arrays that are there, with all n in them: what a parallel worker has. n_target may be n_source. */
extern ModelScorer *model_scorer_over(MemoryContext context, const ModelDef *model, uint32 num_items, const uint32 *order,
									  double *n_source, double *n_target);
extern void model_scorer_free(ModelScorer *scorer);
/* n and n_target of a row of the pair table; rows of an item come in the order of generations, each once. */
extern void model_scorer_add(ModelScorer *scorer, uint32 item, int32 generation, int64 n, int64 n_target);
/* All of them from the pair table. */
extern void model_scorer_read(ModelScorer *scorer, Relation pairs, Snapshot snapshot);
/* Only where the n of an item has changed as a whole: replaces what was added. */
extern void model_scorer_set(ModelScorer *scorer, uint32 item, double n, double n_target);
/*
 * All n are there.  `pairs` is where ridge finds the rows of neighbors (seen by `snapshot`, which has to see what was
 * written before); NULL but for ridge.
 */
extern void model_scorer_ready(ModelScorer *scorer, Relation pairs, Snapshot snapshot);

/* After model_scorer_ready: what the kernels take; arrays belong to the scorer. */
extern const PairContext *model_scorer_context(const ModelScorer *scorer);
extern PairBest *model_scorer_best(ModelScorer *scorer);

/* --- scoring one item --- */
extern void model_scorer_begin(ModelScorer *scorer, uint32 item);
/* Exact counts in units, ascending by item; generations ascending. */
extern void model_scorer_counts(ModelScorer *scorer, int32 generation, const uint32 *items, const int64 *counts, uint32 n);
/*
 * The row of the face, whose list is good until the next begin, and the floor: NaN for models with generations or ridge,
 * which keep none.
 */
extern void model_scorer_finish(ModelScorer *scorer, FaceRow *face, double *floor);
/* The three above with all rows of the item from the pair table. */
extern void model_scorer_item(ModelScorer *scorer, Relation pairs, Snapshot snapshot, uint32 item, FaceRow *face, double *floor);

#endif							/* PERSONALIZE_SCORE_H */
