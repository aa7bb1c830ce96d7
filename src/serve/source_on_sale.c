/*
 * source_on_sale.c
 *		What costs less than it did, or what a predicate calls a sale.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_on_sale = {"on_sale", NULL, NULL, collect};
