/*
 * change_log.c
 *		Reads, consumes and marks change logs.
 */
#include "postgres.h"

#include "fmgr.h"

#include "model/change_log.h"

void
change_log_read(Env *env, Oid log, KeyType type, Snapshot snapshot, bool consume, LogContents *contents)
{
	elog(ERROR, "not there yet");
}

int64
change_log_forget(Oid log, KeyType type, Snapshot snapshot, Datum key)
{
	elog(ERROR, "not there yet");
}

void
change_log_mark_all(Oid log, const char *reason)
{
	elog(ERROR, "not there yet");
}
