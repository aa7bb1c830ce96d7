/*
 * dropoff.h
 *		The SQL types dropoff and trigger_efficacy: varlenas around the bytes of kernel/dropoff.h.
 */
#ifndef PERSONALIZE_VALUE_DROPOFF_H
#define PERSONALIZE_VALUE_DROPOFF_H

#include "base/compat.h"

#include "base/server_env.h"
#include "kernel/dropoff.h"

/* Fails on bytes that are no value. */
extern void dropoff_read(Datum value, Env *env, DropoffCounts *counts);
extern Datum dropoff_form(Env *env, const DropoffCounts *counts);
/* As dropoff_merge; fails where the half-lives differ or counts do not fit.  Who has counted nothing takes over the half-life. */
extern void dropoff_merge_checked(Env *env, DropoffCounts *counts, const DropoffCounts *more);
extern void dropoff_too_many(void);
/* In microseconds, checked. */
extern int64 dropoff_guard_half_life(int64 half_life);

#endif							/* PERSONALIZE_VALUE_DROPOFF_H */
