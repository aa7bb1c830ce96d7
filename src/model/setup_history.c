#include "base/compat.h"

#include "model/setup.h"

PG_FUNCTION_INFO_V1(personalize_create_history);

Datum
personalize_create_history(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

PG_FUNCTION_INFO_V1(personalize_drop_history);

Datum
personalize_drop_history(PG_FUNCTION_ARGS)
{
	elog(ERROR, "not there yet");
}

void
setup_restore_dependencies(const HistoryDef *history)
{
	elog(ERROR, "not there yet");
}
