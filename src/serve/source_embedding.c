/*
 * source_embedding.c
 *		Nearest neighbors by vectors, where pgvector is installed.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_embedding = {"embedding", NULL, NULL, collect};
