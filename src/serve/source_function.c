/*
 * source_function.c
 *		Candidates from a function of the shop.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_function = {"function", NULL, NULL, collect};
