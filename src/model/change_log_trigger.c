/*
 * change_log_trigger.c
 *		The trigger function that appends the keys of changed rows.
 */
#include "postgres.h"

#include "fmgr.h"

#include "model/change_log.h"

PG_FUNCTION_INFO_V1(personalize_log_changes);

Datum
personalize_log_changes(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}
