/*
 * activity.h
 *		What one customer did: events of named kinds, each with a time and perhaps an amount.
 *
 * Of each kind the latest ACTIVITY_EXACT events are kept as they were.  What is older is compacted: events of one day (UTC) and one amount become
 * one entry with a count, so that nothing but the time of day is lost; the time of the very first event stays.  Which events are the latest is a
 * property of the set of events, and so is what becomes of the rest.  Hence parts can be merged in any order, and equal sets have equal bytes:
 *
 *		version, number of kinds, then by name, ascending: size and bytes of the name, size and bytes of the body
 *		body: flags, number of events, entries as they come, latest first:
 *			events: distance to the one before, amount;  if there are more than ACTIVITY_EXACT:
 *			first time, number of entries, entries: distance in days, amount, count less one
 *
 * Latest first, because questions about the recent past then read a few bytes.  Distances are varints, in seconds where all times are whole ones.
 */
#ifndef PERSONALIZE_KERNEL_ACTIVITY_H
#define PERSONALIZE_KERNEL_ACTIVITY_H

#include "base/env.h"
#include "base/wire.h"

#define ACTIVITY_VERSION 1
#define ACTIVITY_EXACT 256
#define ACTIVITY_MAX_KINDS 1000
#define ACTIVITY_MAX_NAME 200	/* bytes */
#define ACTIVITY_MAX_EVENTS UINT64_C(0xffffffff)	/* of one kind */

#define ACTIVITY_SECOND INT64_C(1000000)
#define ACTIVITY_DAY (86400 * ACTIVITY_SECOND)
/* Times are microseconds since 2000-01-01, in the years 1 to 9999. */
#define ACTIVITY_MIN_TIME (-730119 * ACTIVITY_DAY)
#define ACTIVITY_END_TIME (2921940 * ACTIVITY_DAY)

/* Amounts are multiples of 1/10000, integers, so that sums do not depend on order. */
#define ACTIVITY_AMOUNT_UNIT 10000
#define ACTIVITY_NO_AMOUNT INT64_MIN
#define ACTIVITY_MAX_AMOUNT ((INT64_C(1) << 62) - 1)

typedef enum ActivityForm
{
	ACTIVITY_EVENT,				/* one event at its time */
	ACTIVITY_COMPACT,			/* `count` events with one amount on the day that begins at `time` */
	ACTIVITY_FIRST				/* no event: when the first of them was */
} ActivityForm;

typedef struct ActivityEvent
{
	int64_t		time;
	int64_t		amount;			/* or ACTIVITY_NO_AMOUNT, which is the least of all */
	uint32_t	count;
	uint16_t	kind;			/* number of the name, for who decodes or encodes whole values */
	uint8_t		form;
} ActivityEvent;

/* --- names ------------------------------------------------------------------ */

typedef struct ActivityName
{
	const char *bytes;
	uint32_t	size;
} ActivityName;

/* Names by number, in the order in which they came. */
typedef struct ActivityNames
{
	Env		   *env;
	uint32_t	n;
	ActivityName names[ACTIVITY_MAX_KINDS];
	uint16_t	slots[2048];	/* by hash: number of a name plus one, or 0 */
} ActivityNames;

extern ActivityNames *activity_names_create(Env *env);
extern void activity_names_release(ActivityNames *names);
/* Its number, a new one where there was none; -1 where there are too many. */
extern int	activity_name(ActivityNames *names, const char *bytes, uint32_t size);
extern int	activity_name_compare(ActivityName a, ActivityName b);

/* --- reading ---------------------------------------------------------------- */

/* The events of one kind, to be walked latest first. */
typedef struct ActivityKind
{
	ActivityName name;
	uint64_t	count;			/* events in all */
	WireReader	in;
	uint64_t	left;			/* events or entries that have not been walked */
	uint64_t	older;			/* events that are compacted */
	int64_t		first;			/* time of the first event, if some are compacted; known from then on */
	int64_t		time;			/* of the entry before; where compacted, its day */
	int64_t		unit;			/* of times */
	int64_t		cents;			/* unit of amounts; 0 if there are none */
	bool		compact;		/* walking the compacted part */
} ActivityKind;

typedef struct ActivityReader
{
	WireReader	in;
	uint64_t	left;
} ActivityReader;

/* Bytes may be anything: what is wrong with them ends a walk early and sets in.bad of reader or kind. */
extern bool activity_open(ActivityReader *reader, const void *bytes, size_t size);
extern bool activity_next_kind(ActivityReader *reader, ActivityKind *kind);
extern bool activity_next_event(ActivityKind *kind, ActivityEvent *event);
extern bool activity_find(const void *bytes, size_t size, const char *name, uint32_t name_size, ActivityKind *kind);

/* --- making ----------------------------------------------------------------- */

typedef struct ActivityEvents
{
	ActivityEvent *events;
	uint64_t	n;
	uint64_t	capacity;
} ActivityEvents;

extern void activity_add(Env *env, ActivityEvents *events, ActivityEvent event);
/* In order and compacted; false where a kind has too many events. */
extern bool activity_fold(Env *env, ActivityEvents *events);
/* Of folded events: whether they can have come from events, as what somebody wrote down may not. */
extern bool activity_is_sound(const ActivityEvents *events);
/* All events of a value, with numbers of names; false where the bytes are no value of this version. */
extern bool activity_decode(Env *env, const void *bytes, size_t size, ActivityNames *names, ActivityEvents *events);
/* Of folded events; `reserve` bytes are left free in front.  The caller releases the result. */
extern unsigned char *activity_encode(Env *env, const ActivityEvents *events, const ActivityNames *names, size_t reserve, size_t *size);
/* Whether activity_encode wrote these bytes, or could have. */
extern bool activity_is_canonical(Env *env, const void *bytes, size_t size);

#endif							/* PERSONALIZE_KERNEL_ACTIVITY_H */
