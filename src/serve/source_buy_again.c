/*
 * source_buy_again.c
 *		What the customer buys again and again, when it is due.
 */
#include "base/compat.h"

#include "serve/source_kind.h"

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	elog(ERROR, "not there yet");
}

const SourceKind source_buy_again = {"buy_again", NULL, NULL, collect};
