/*
 * score.c
 *		Scoring items from exact counts.
 */
#include "postgres.h"

#include "model/score.h"

double model_unit_value(const ModelDef *model, int32 generation) { elog(ERROR, "not there yet"); }
int32 model_newest_generation(const ModelDef *model) { elog(ERROR, "not there yet"); }
double model_total(const ModelDef *model) { elog(ERROR, "not there yet"); }
ModelScorer *model_scorer_create(MemoryContext context, const ModelDef *model, ItemTable *items) { elog(ERROR, "not there yet"); }
void model_scorer_free(ModelScorer *scorer) { elog(ERROR, "not there yet"); }
void model_scorer_add(ModelScorer *scorer, uint32 item, int32 generation, int64 n, int64 n_target) { elog(ERROR, "not there yet"); }
void model_scorer_read(ModelScorer *scorer, Relation pairs, Snapshot snapshot) { elog(ERROR, "not there yet"); }
void model_scorer_set(ModelScorer *scorer, uint32 item, double n, double n_target) { elog(ERROR, "not there yet"); }
void model_scorer_ready(ModelScorer *scorer, Relation pairs, Snapshot snapshot) { elog(ERROR, "not there yet"); }
const PairContext *model_scorer_context(const ModelScorer *scorer) { elog(ERROR, "not there yet"); }
PairBest *model_scorer_best(ModelScorer *scorer) { elog(ERROR, "not there yet"); }
void model_scorer_begin(ModelScorer *scorer, uint32 item) { elog(ERROR, "not there yet"); }
void model_scorer_counts(ModelScorer *scorer, int32 generation, const uint32 *items, const int64 *counts, uint32 n) { elog(ERROR, "not there yet"); }
void model_scorer_finish(ModelScorer *scorer, FaceRow *face, double *floor) { elog(ERROR, "not there yet"); }
void model_scorer_item(ModelScorer *scorer, Relation pairs, Snapshot snapshot, uint32 item, FaceRow *face, double *floor) { elog(ERROR, "not there yet"); }
