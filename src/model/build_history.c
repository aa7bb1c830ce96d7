/*
 * build_history.c
 *		Histories from the shop's tables.
 */
#include "postgres.h"

#include "model/build.h"

int64 build_history(HistoryDef *history, RefreshReport *report) { elog(ERROR, "not there yet"); }
