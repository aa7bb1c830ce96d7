/*
 * source_sessions.c
 *		Candidates from nearest sessions: what was in the sessions that are most like the visitor's.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_sessions = {"sessions", NULL, NULL, collect};
