/*
 * guards.h
 *		Checks of arguments that recur; each owns its error text, so that the
 *		functions that call them read as straight lines.
 */
#ifndef PERSONALIZE_GUARDS_H
#define PERSONALIZE_GUARDS_H

#include "postgres.h"

extern void guard_not_null(const char *argument, bool isnull);
extern int64 guard_int_range(const char *argument, int64 value, int64 low, int64 high);
extern double guard_float_range(const char *argument, double value, double low, double high);
extern double guard_finite(const char *argument, double value);

#endif							/* PERSONALIZE_GUARDS_H */
