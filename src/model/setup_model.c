#include "base/compat.h"

#include "model/setup.h"

PG_FUNCTION_INFO_V1(personalize_create_cooccurrence);

Datum
personalize_create_cooccurrence(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_alter_model);

Datum
personalize_alter_model(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_drop_model);

Datum
personalize_drop_model(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}
