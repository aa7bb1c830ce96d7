/*
 * setup_content.c
 *		create_content and drop_content: similarity by attributes, as a co-occurrence model of which the baskets are attribute values.
 */
#include "base/compat.h"

#include "model/setup.h"

PG_FUNCTION_INFO_V1(personalize_create_content);
Datum
personalize_create_content(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_drop_content);
Datum
personalize_drop_content(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
