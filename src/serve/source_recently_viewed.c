/*
 * source_recently_viewed.c
 *		What the customer, or the visitor of this session, looked at last.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_recently_viewed = {"recently_viewed", NULL, NULL, collect};
