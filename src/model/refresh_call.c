/*
 * refresh_call.c
 *		Refresh and erasure as SQL calls them.
 */
#include "base/compat.h"

#include "model/refresh.h"

PG_FUNCTION_INFO_V1(personalize_refresh);
Datum
personalize_refresh(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_erase);
Datum
personalize_erase(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
