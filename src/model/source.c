/*
 * source.c
 *		Not there yet.
 */
#include "base/compat.h"

#include "model/source.h"

uint64
source_scan(const HistoryDef *history, TimestampTz horizon_start, SourceSink sink, void *arg)
{
	elog(ERROR, "source_scan is not there yet");
}

uint64
source_fetch(const HistoryDef *history, TimestampTz horizon_start, const Datum *baskets, int n, SourceSink sink, void *arg)
{
	elog(ERROR, "source_fetch is not there yet");
}

bool
source_has(const HistoryDef *history, Datum basket)
{
	elog(ERROR, "source_has is not there yet");
}

void
source_too_heavy(const HistoryDef *history, Datum basket, Datum item)
{
	elog(ERROR, "source_too_heavy is not there yet");
}

uint32
source_make_basket(SourceItem *items, uint32 n, int32 max_basket, bool *too_heavy)
{
	elog(ERROR, "source_make_basket is not there yet");
}

int32
source_day(TimestampTz happened)
{
	elog(ERROR, "source_day is not there yet");
}
