/*
 * change_log_watch.c
 *		The triggers that feed a change log.
 */
#include "postgres.h"

#include "model/change_log.h"

void
change_log_watch(int32 id, Oid relation, bool replica)
{
	elog(ERROR, "not there yet");
}

void
change_log_unwatch(int32 id, Oid relation)
{
	elog(ERROR, "not there yet");
}

char *
change_log_problem(int32 id)
{
	return NULL;
}
