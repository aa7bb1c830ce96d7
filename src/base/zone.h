/*
 * zone.h
 *		Days of a time zone.
 */
#ifndef PERSONALIZE_ZONE_H
#define PERSONALIZE_ZONE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

/* Days since 2000-01-01. */
extern pg_tz *zone_named(const char *name);
extern int32 zone_day_of(pg_tz *zone, TimestampTz at);
/* Its first instant, where a change of the clocks leaves out midnight. */
extern TimestampTz zone_day_start(pg_tz *zone, int32 day);

#endif							/* PERSONALIZE_ZONE_H */
