/*
 * source_new_arrivals.c
 *		Candidates that came into the shop last.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_new_arrivals = {"new_arrivals", NULL, NULL, collect};
