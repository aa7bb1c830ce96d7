/*
 * activity.h
 *		The SQL type activity: a varlena around the bytes of kernel/activity.h.
 */
#ifndef PERSONALIZE_VALUE_ACTIVITY_H
#define PERSONALIZE_VALUE_ACTIVITY_H

#include "base/compat.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "base/server_env.h"
#include "kernel/activity.h"

/* Detoasts as far as needed; fails on bytes that are of no version that is known here. */
extern const unsigned char *activity_bytes(Datum value, size_t *size);
extern void activity_damaged(void) pg_attribute_noreturn();

/* All events of a value, added to those that are there. */
extern void activity_read(Datum value, Env *env, ActivityNames *names, ActivityEvents *events);
extern void activity_fold_checked(Env *env, ActivityEvents *events);
/* Makes a value of folded events. */
extern Datum activity_form(Env *env, const ActivityEvents *events, const ActivityNames *names);

/* Checked parts of events. */
extern int	activity_guard_name(ActivityNames *names, const char *bytes, size_t size);
extern TimestampTz activity_guard_time(TimestampTz at);
extern int64 activity_amount_from_float(double amount);
extern int64 activity_amount_from_numeric(Datum amount);
/* False where it is out of range, infinite or NaN. */
extern bool activity_numeric_units(Datum amount, int64 *units);

/* "19.99", without zeros at the end. */
#define ACTIVITY_AMOUNT_SIZE 48
extern void activity_print_amount(char *out, int128 amount);
extern Datum activity_numeric(int128 amount);
/* "2026-01-05T10:00:00Z", always in UTC: output depends on no setting. */
extern void activity_print_time(StringInfo out, TimestampTz at);
/* Reads the same, or a day alone; NULL where there is neither. */
extern const char *activity_parse_time(const char *p, TimestampTz *at, bool *whole_day);
/* Reads a decimal number with up to four places; NULL where there is none, or too large a one. */
extern const char *activity_parse_amount(const char *p, int64 *amount);

#endif							/* PERSONALIZE_VALUE_ACTIVITY_H */
