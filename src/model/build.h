/*
 * build.h
 *		Everything from the start: histories from the shop's tables, models from histories; and the
 *		same again to compare, for verify().
 */
#ifndef PERSONALIZE_BUILD_H
#define PERSONALIZE_BUILD_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "model/registry.h"

/*
 * Reads all interactions with the active snapshot and makes the history's table hold exactly their baskets (rows that are right already
 * stay as they are).  New items get codes by popularity, the most popular first.  Sets history->horizon_start,
 * num_baskets, built.  Returns the number of baskets.
 */
extern int64 build_history(HistoryDef *history, RefreshReport *report);
/* Makes pair table and face hold exactly what the history (and target) say; sets the model's state. */
extern void build_model(ModelDef *model, const HistoryDef *history, const HistoryDef *target, RefreshReport *report);
/* Face (and floors) again from the pair table: for alter_model, and where all scores change. */
extern void build_face(ModelDef *model, const HistoryDef *history, RefreshReport *report);

/*
 * Where stored and expected differ.  `what` is
 *	n, n_target, count, floor, row (of the pair table), total: counts of an item (with a neighbor), in baskets;
 *	face, neighbors, counts, scores: of the face;
 *	basket, day, place, happened, oldest: of the history; item is the basket then, neighbor the item.
 * Keys are texts; NULL where there is none.
 */
typedef void (*VerifySink) (void *arg, const char *what, const char *item, const char *neighbor, double stored, double expected);

/*
 * Compares each history row that is not pending in the log with the shop's tables as the active snapshot sees them, back to
 * the horizon of the last refresh; counts again from the history, and compares with pair table and face, for the share
 * `sample` of the items (1: all).
 */
extern void build_verify(const ModelDef *model, const HistoryDef *history, const HistoryDef *target, double sample,
						 VerifySink sink, void *arg);

#endif							/* PERSONALIZE_BUILD_H */
