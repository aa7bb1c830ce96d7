/*
 * segment_refresh.c
 *		Segments in a refresh of their activity table.
 */
#include "base/compat.h"

#include "model/segment.h"

SegmentPass *
segments_begin(const ActivityTableDef *activity, TimestampTz from, TimestampTz as_of)
{
	return NULL;
}

const CustomerWant *
segments_want(const SegmentPass *pass)
{
	return NULL;
}

void
segments_change(SegmentPass *pass, const Customer *old, const Customer *new)
{
}

void
segments_finish(SegmentPass *pass, bool rebuild, RefreshReport *report)
{
}
