/*
 * build_model.h
 *		Counting a model from its histories, for whoever writes or compares what comes.
 */
#ifndef PERSONALIZE_BUILD_MODEL_H
#define PERSONALIZE_BUILD_MODEL_H

#include "postgres.h"

#include "model/build_parallel.h"

/*
 * Every item of the catalog once, with all counts of its row and, but for ridge, its list.  While it runs the sink may
 * insert rows, but not update or delete any.
 */
extern void build_count(const ModelDef *model, const CountInput *input, CountedSink sink, void *arg);

/* Pushes a snapshot that sees what this transaction has written, otherwise the same as the active one. */
extern void build_see_own_writes(void);

#endif							/* PERSONALIZE_BUILD_MODEL_H */
