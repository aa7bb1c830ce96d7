/*
 * score_ridge.h
 *		Local ridge over an item's strongest neighbors, with their rows from the pair table.
 */
#ifndef PERSONALIZE_SCORE_RIDGE_H
#define PERSONALIZE_SCORE_RIDGE_H

#include "postgres.h"

#include "kernel/pair_best.h"
#include "model/registry.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct RidgeScorer RidgeScorer;

/* Memory in a child of `context`; rows that were read are kept within maintenance_work_mem. */
extern RidgeScorer *ridge_scorer_create(MemoryContext context, const ModelDef *model, const PairContext *pair_context,
										Relation pairs, Snapshot snapshot);
extern void ridge_scorer_free(RidgeScorer *ridge);
/*
 * The n strongest neighbors of an item, in place, become at most model->scoring.neighbors with their weights as
 * scores, best first; returns how many.
 */
extern uint32 ridge_scorer_solve(RidgeScorer *ridge, CooccurNeighbor *strongest, uint32 n);

#endif							/* PERSONALIZE_SCORE_RIDGE_H */
