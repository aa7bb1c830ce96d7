/*
 * source_terms.c
 *		Items that were found, or bought, by the words of a search.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_terms = {"terms", NULL, NULL, collect};
