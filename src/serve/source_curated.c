/*
 * source_curated.c
 *		A list that somebody made by hand.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_curated = {"curated", NULL, NULL, collect};
