#include "base/compat.h"

#include "model/setup.h"

PG_FUNCTION_INFO_V1(personalize_create_catalog);

Datum
personalize_create_catalog(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_drop_catalog);

Datum
personalize_drop_catalog(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
