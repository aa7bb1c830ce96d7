/*
 * response.h
 *		When messages reached one customer, when they were answered, and when the customer was around.
 *
 * The latest RESPONSE_MESSAGES messages and the latest RESPONSE_VISITS hours with a visit are kept one by one, as nothing less tells hours at risk: how
 * long a message lay unanswered in which hours of the customer's day, weighed by lags that only a population knows, as of a time that only the reader
 * knows.  The latest of a union are the latest of the latest, so parts merge in any order, and equal sets have equal bytes:
 *
 *		version, messages ever, number of messages, messages latest first, number of visits, visits latest first, minutes from the first time to the oldest
 *		message: gap in minutes and flags, offset if it is not that of the one before, change of offset if there is one, outcome
 *		visit: gap in hours and a flag, offset if it is not that of the one before
 *
 * The first gap is counted from 2000-01-01.  Times are minutes of UTC; offset is what the customer's clock was ahead of it, so that a customer who
 * moves keeps the hours of the day.
 */
#ifndef PERSONALIZE_KERNEL_RESPONSE_H
#define PERSONALIZE_KERNEL_RESPONSE_H

#include "base/env.h"
#include "base/wire.h"

#define RESPONSE_VERSION 1
#define RESPONSE_MESSAGES 256
#define RESPONSE_VISITS 256
#define RESPONSE_MAX_COUNT (UINT64_C(1) << 62)

/* A message can be answered for so long: after that it never is. */
#define RESPONSE_LAGS 48
#define RESPONSE_MINUTES (RESPONSE_LAGS * 60)
#define RESPONSE_NONE (-1)

/* Cells: hours of the week from Monday on for many, hours of a weekday or of a day of the weekend for one. */
#define RESPONSE_WEEK 168
#define RESPONSE_CELLS 48

/* Minutes since 2000-01-01 of the years 1900 to 2999; clocks differ by a day at most. */
#define RESPONSE_DAY 1440
#define RESPONSE_MIN_MINUTE (-36524 * RESPONSE_DAY)
#define RESPONSE_END_MINUTE (365243 * RESPONSE_DAY)
#define RESPONSE_MAX_OFFSET RESPONSE_DAY

typedef struct ResponseMessage
{
	int32_t		minute;			/* of delivery */
	int16_t		offset;			/* of the customer's clock then */
	int16_t		opened;			/* by a human, minutes later, or RESPONSE_NONE */
	int16_t		clicked;		/* the same; not before `opened` */
	int16_t		change_at;		/* minutes later, when the clock was changed; 0: not in time */
	int16_t		change_by;
	uint16_t	machine;		/* 1: a machine has opened it, so that nobody knows of a human */
} ResponseMessage;

typedef struct ResponseVisit
{
	int32_t		hour;			/* of the customer's clock, since 2000-01-01 */
	int32_t		offset;
} ResponseVisit;

typedef struct ResponseHours
{
	uint64_t	count;			/* messages ever */
	int32_t		first;			/* time of the first message or visit ever; RESPONSE_END_MINUTE: there is none */
	uint32_t	num_messages;
	uint32_t	num_visits;
	uint32_t	message_room;
	uint32_t	visit_room;
	ResponseMessage *messages;
	ResponseVisit *visits;
} ResponseHours;

extern void response_init(ResponseHours *hours);
extern void response_release(Env *env, ResponseHours *hours);
/* Folds on the way where there are many. */
extern void response_add_message(Env *env, ResponseHours *hours, ResponseMessage message);
extern void response_add_visit(Env *env, ResponseHours *hours, ResponseVisit visit);
extern void response_merge(Env *env, ResponseHours *hours, const ResponseHours *other);
/* In order, and only what is kept. */
extern void response_fold(ResponseHours *hours);

/* Of folded hours; `reserve` bytes are left free in front.  The caller releases the result. */
extern unsigned char *response_encode(Env *env, const ResponseHours *hours, size_t reserve, size_t *size);
/* Adds a value's messages and visits; false where the bytes are no value of this version. */
extern bool response_decode(Env *env, const void *bytes, size_t size, ResponseHours *hours);
extern bool response_is_canonical(Env *env, const void *bytes, size_t size);

extern bool response_is_message(const ResponseMessage *message);
extern bool response_is_visit(const ResponseVisit *visit);

static inline int32_t
response_floor_div(int32_t a, int32_t b)
{
	return a / b - (a % b < 0);
}

static inline int32_t
response_visit_minute(const ResponseVisit *visit)
{
	return visit->hour * 60 - visit->offset;
}

/* Hour of the week of an hour since 2000-01-01, which was a Saturday. */
static inline int
response_week_hour(int32_t hour)
{
	int			h = (hour + 5 * 24) % RESPONSE_WEEK;

	return h < 0 ? h + RESPONSE_WEEK : h;
}

/* The cell of one customer that an hour of the week is in: weekdays, then the weekend. */
static inline int
response_cell(int week_hour)
{
	return week_hour % 24 + (week_hour >= 120 ? 24 : 0);
}

#endif							/* PERSONALIZE_KERNEL_RESPONSE_H */
