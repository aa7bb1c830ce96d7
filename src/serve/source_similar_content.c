/*
 * source_similar_content.c
 *		Items with the same attributes, and how that gives way to what people do.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_similar_content = {"similar_content", NULL, NULL, collect};
