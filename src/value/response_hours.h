/*
 * response_hours.h
 *		The SQL type response_hours: a varlena around the bytes of kernel/response.h.
 */
#ifndef PERSONALIZE_VALUE_RESPONSE_HOURS_H
#define PERSONALIZE_VALUE_RESPONSE_HOURS_H

#include "base/compat.h"

#include "base/server_env.h"
#include "kernel/response.h"
#include "value/local_time.h"

/* Adds the messages and visits of a value; fails on bytes that are of no version that is known here. */
extern void response_read(Datum value, Env *env, ResponseHours *hours);
/* Folds, and makes a value. */
extern Datum response_form(Env *env, ResponseHours *hours);

/* Checked: a minute since 2000-01-01 in the years that messages can have. */
extern int32 response_guard_minute(const char *argument, TimestampTz at);

#endif							/* PERSONALIZE_VALUE_RESPONSE_HOURS_H */
