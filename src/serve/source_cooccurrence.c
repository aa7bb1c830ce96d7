/*
 * source_cooccurrence.c
 *		Candidates from the rows of a co-occurrence model: neighbors of the items that a request starts from.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_cooccurrence = {"cooccurrence", NULL, NULL, collect};
