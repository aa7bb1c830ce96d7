/*
 * model_read.c
 *		Exact counts and neighbors of a model, read by item.
 */
#include "base/compat.h"

#include "model/registry.h"

PG_FUNCTION_INFO_V1(personalize_model_neighbors);
Datum
personalize_model_neighbors(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_model_pair_count);
Datum
personalize_model_pair_count(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
