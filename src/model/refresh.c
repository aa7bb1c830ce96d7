/*
 * refresh.c
 *		One refresh of a group of histories and all of their models.
 */
#include "base/compat.h"

#include "model/refresh.h"

bool
refresh_group(int32 history_id, RefreshMode mode, bool wait, RefreshReport *report)
{
	elog(ERROR, "not there yet");
}

int64
refresh_basket(int32 history_id, Datum basket)
{
	elog(ERROR, "not there yet");
}

bool
refresh_lock(int32 history_id, bool wait)
{
	elog(ERROR, "not there yet");
}
