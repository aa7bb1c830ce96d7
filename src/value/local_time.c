/*
 * local_time.c
 *		Civil time of IANA zones.
 */
#include "value/local_time.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#define SLOTS 64
#define MAX_NAME 255

/* One zone for each slot of a hash: more zones than that are looked up again now and then. */
typedef struct Slot
{
	int			size;			/* of the name; 0: free */
	char		name[MAX_NAME];
	LocalZone	zone;
} Slot;

struct LocalZones
{
	Slot	   *last;
	Slot	   *slots[SLOTS];
	MemoryContext context;
};

LocalZones *
local_zones_create(MemoryContext context)
{
	LocalZones *zones = MemoryContextAllocZero(context, sizeof(LocalZones));

	zones->context = context;
	return zones;
}

static void
refuse(const char *name, int size)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("time zone \"%.*s\" is not known", pg_mbcliplen(name, size, 60), name),
			 errhint("Use a name of pg_timezone_names like Europe/Berlin; offsets and abbreviations do not tell when clocks change.")));
}

/* The server takes rules like "X5" for zones, too; those have digits, as few names do. */
static bool
is_listed(const char *name)
{
	pg_tzenum  *list;
	pg_tz	   *tz;
	bool		found = false;

	if (strcspn(name, "0123456789<,") == strlen(name))
		return true;
	list = pg_tzenumerate_start();
	while (!found && (tz = pg_tzenumerate_next(list)) != NULL)
		found = pg_strcasecmp(pg_get_timezone_name(tz), name) == 0;
	pg_tzenumerate_end(list);
	return found;
}

/* The server caches zones, too, but asks for a terminated name in upper case each time. */
static pg_tz *
look_up(const char *bytes, int size)
{
	char		name[MAX_NAME + 1];
	pg_tz	   *tz;

	memcpy(name, bytes, size);
	name[size] = '\0';
	tz = pg_tzset(name);
	if (tz == NULL || !pg_tz_acceptable(tz) || !is_listed(name))
		refuse(bytes, size);
	return tz;
}

static uint32
hash_name(const char *bytes, int size)
{
	uint32		h = 2166136261u;

	for (int i = 0; i < size; i++)
		h = (h ^ (unsigned char) bytes[i]) * 16777619u;
	return (h ^ (h >> 15)) % SLOTS;
}

static inline bool
is_named(const Slot *slot, const char *bytes, int size)
{
	return slot != NULL && slot->size == size && memcmp(slot->name, bytes, size) == 0;
}

LocalZone *
local_zone(LocalZones *zones, text *name)
{
	const char *bytes = VARDATA_ANY(name);
	int			size = VARSIZE_ANY_EXHDR(name);
	Slot	  **slot;

	if (likely(is_named(zones->last, bytes, size)))
		return &zones->last->zone;
	if (size == 0 || size > MAX_NAME)
		refuse(bytes, size);
	slot = &zones->slots[hash_name(bytes, size)];
	if (!is_named(*slot, bytes, size))
	{
		pg_tz	   *tz = look_up(bytes, size);

		if (*slot == NULL)
			*slot = MemoryContextAlloc(zones->context, sizeof(Slot));
		memset(*slot, 0, sizeof(Slot));
		(*slot)->size = size;
		memcpy((*slot)->name, bytes, size);
		(*slot)->zone.tz = tz;
		/* no time is in a stretch that ends before it begins */
		for (int i = 0; i < LOCAL_STRETCHES; i++)
			(*slot)->zone.stretches[i] = (LocalStretch) {1, 0, 0};
	}
	zones->last = *slot;
	return &(*slot)->zone;
}

static int32
floor_minutes(long seconds)
{
	return (int32) (seconds / SECS_PER_MINUTE - (seconds % SECS_PER_MINUTE < 0));
}

const LocalStretch *
local_find_stretch(LocalZone *zone, pg_time_t at)
{
	LocalStretch found = {at, PG_INT64_MAX, 0};
	long		before;
	long		after;
	int			before_dst;
	int			after_dst;
	int			changes;

	for (int i = 0; i < LOCAL_STRETCHES; i++)
		if (at >= zone->stretches[i].from && at < zone->stretches[i].until)
		{
			zone->last = i;
			return &zone->stretches[i];
		}
	changes = pg_next_dst_boundary(&at, &before, &before_dst, &found.until, &after, &after_dst, zone->tz);
	if (changes < 0)
		elog(ERROR, "could not tell the time of zone \"%s\"", pg_get_timezone_name(zone->tz));
	if (changes == 0)
		found.until = PG_INT64_MAX;
	found.offset = floor_minutes(before);
	/* the same stretch from an earlier time on */
	for (zone->last = 0; zone->last < LOCAL_STRETCHES; zone->last++)
		if (zone->stretches[zone->last].until == found.until)
			break;
	if (zone->last == LOCAL_STRETCHES)
		zone->last = zone->next_free++ % LOCAL_STRETCHES;
	zone->stretches[zone->last] = found;
	return &zone->stretches[zone->last];
}

void
local_clock(LocalZone *zone, int64 utc_minute, int within, int32 *offset, int *change_at, int *change_by)
{
	pg_time_t	at = local_seconds(local_timestamp(utc_minute));
	const LocalStretch *now = local_stretch(zone, at);
	pg_time_t	until = now->until;

	*offset = now->offset;
	*change_at = *change_by = 0;
	if (likely(until - at >= (pg_time_t) within * SECS_PER_MINUTE))
		return;
	/* some clocks were changed between two minutes, long ago */
	*change_by = local_stretch(zone, until)->offset - *offset;
	if (*change_by != 0)
		*change_at = (int) ((until - at + SECS_PER_MINUTE - 1) / SECS_PER_MINUTE);
	if (*change_at >= within)
		*change_at = *change_by = 0;
}

int64
local_to_utc(LocalZone *zone, int64 local_minute)
{
	/* clocks change by less than a day, and not twice within two days */
	int32		before = local_offset(zone, local_minute - MINS_PER_HOUR * HOURS_PER_DAY);
	int32		after = local_offset(zone, local_minute + MINS_PER_HOUR * HOURS_PER_DAY);

	if (before == after || local_offset(zone, local_minute - after) != after)
		return local_minute - before;
	return local_minute - after;
}
