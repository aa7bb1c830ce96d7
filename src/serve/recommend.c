/*
 * recommend.c
 *		personalize.recommend(): what every widget's function calls.
 */
#include "base/compat.h"

#include "serve/recommend.h"

char *
recommend_reason(const Request *request, const Pick *pick)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_recommend);
Datum
personalize_recommend(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
