/*
 * verify.c
 *		Whether a model is exact: counts again and compares.
 */
#include "postgres.h"

#include "fmgr.h"

#include "model/build.h"

void build_verify(const ModelDef *model, const HistoryDef *history, const HistoryDef *target, double sample, VerifySink sink, void *arg) { elog(ERROR, "not there yet"); }

PG_FUNCTION_INFO_V1(personalize_verify);
Datum personalize_verify(PG_FUNCTION_ARGS) { elog(ERROR, "not there yet"); }
