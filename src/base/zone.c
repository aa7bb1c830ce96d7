/*
 * zone.c
 *		Days of a time zone.
 */
#include "base/compat.h"

#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/zone.h"

pg_tz *
zone_named(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%.80s\" is not known", name),
				 errhint("The view pg_timezone_names has those that are.")));
	return zone;
}

int32
zone_day_of(pg_tz *zone, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			offset;

	if (timestamp2tm(at, &offset, &tm, &fraction, NULL, zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
}

TimestampTz
zone_day_start(pg_tz *zone, int32 day)
{
	struct pg_tm tm = {0};
	int			offset;

	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	offset = DetermineTimeZoneOffset(&tm, zone);
	return day * USECS_PER_DAY + offset * USECS_PER_SEC;
}
