/*
 * setup_popularity.c
 *		create_popularity, create_trending, create_conversion and create_repeat.
 */
#include "base/compat.h"

#include "fmgr.h"

#include "model/popularity.h"
#include "model/setup.h"

PG_FUNCTION_INFO_V1(personalize_create_popularity);

Datum
personalize_create_popularity(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_create_trending);

Datum
personalize_create_trending(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_create_conversion);

Datum
personalize_create_conversion(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_create_repeat);

Datum
personalize_create_repeat(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
