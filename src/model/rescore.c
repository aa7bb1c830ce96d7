#include "base/compat.h"
#include "model/rescore.h"
void rescore_model(ModelApply *apply, const HistoryDef *history, ItemTable *items, RefreshReport *report) { elog(ERROR, "not there yet"); }
