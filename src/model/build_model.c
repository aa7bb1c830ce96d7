/*
 * build_model.c
 *		Models from histories.
 */
#include "postgres.h"

#include "model/build.h"

void build_model(ModelDef *model, const HistoryDef *history, const HistoryDef *target, RefreshReport *report) { elog(ERROR, "not there yet"); }
void build_face(ModelDef *model, const HistoryDef *history, RefreshReport *report) { elog(ERROR, "not there yet"); }
