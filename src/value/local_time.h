/*
 * local_time.h
 *		Civil time of IANA zones, for rows by the million: what a zone's clock says is looked up once for each stretch between two changes.
 */
#ifndef PERSONALIZE_VALUE_LOCAL_TIME_H
#define PERSONALIZE_VALUE_LOCAL_TIME_H

#include "base/compat.h"

#include "pgtime.h"
#include "utils/timestamp.h"

#define LOCAL_STRETCHES 4

/* From one change of the clock to the next; seconds since 1970. */
typedef struct LocalStretch
{
	pg_time_t	from;			/* as far back as is known */
	pg_time_t	until;
	int32		offset;			/* minutes ahead of UTC */
} LocalStretch;

typedef struct LocalZone
{
	pg_tz	   *tz;
	int			last;			/* stretch that served last */
	int			next_free;
	LocalStretch stretches[LOCAL_STRETCHES];
} LocalZone;

/* Zones that a call site has met. */
typedef struct LocalZones LocalZones;

extern LocalZones *local_zones_create(MemoryContext context);
/* Fails for what is no IANA name; the result lives as long as the call site. */
extern LocalZone *local_zone(LocalZones *zones, text *name);

extern const LocalStretch *local_find_stretch(LocalZone *zone, pg_time_t at);

static inline pg_time_t
local_seconds(TimestampTz at)
{
	int64		seconds = at / USECS_PER_SEC - (at % USECS_PER_SEC < 0);

	return (pg_time_t) (seconds + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY);
}

static inline const LocalStretch *
local_stretch(LocalZone *zone, pg_time_t at)
{
	const LocalStretch *s = &zone->stretches[zone->last];

	return likely(at >= s->from && at < s->until) ? s : local_find_stretch(zone, at);
}

/* Minutes since 2000-01-01, which all of this counts in. */
static inline int64
local_utc_minute(TimestampTz at)
{
	return at / USECS_PER_MINUTE - (at % USECS_PER_MINUTE < 0);
}

static inline TimestampTz
local_timestamp(int64 utc_minute)
{
	return utc_minute * USECS_PER_MINUTE;
}

/* Offset of the zone's clock at a minute of UTC. */
static inline int32
local_offset(LocalZone *zone, int64 utc_minute)
{
	return local_stretch(zone, local_seconds(local_timestamp(utc_minute)))->offset;
}

/* The offset at a minute of UTC; and whether the clock is changed within so many minutes: after how many (0: it is not), and by how much. */
extern void local_clock(LocalZone *zone, int64 utc_minute, int within, int32 *offset, int *change_at, int *change_by);
/* When a clock of that zone says so: what it skips is taken as if it had not been changed yet, what it says twice as after the change. */
extern int64 local_to_utc(LocalZone *zone, int64 local_minute);

#endif							/* PERSONALIZE_VALUE_LOCAL_TIME_H */
