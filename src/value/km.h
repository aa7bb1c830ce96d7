/*
 * km.h
 *		The SQL type km: a varlena around the bytes of kernel/survival.h.
 */
#ifndef PERSONALIZE_VALUE_KM_H
#define PERSONALIZE_VALUE_KM_H

#include "base/compat.h"

#include "base/server_env.h"
#include "kernel/survival.h"

/* As survival_add, within personalize.matrix_mem; fails where there are too many observations. */
extern void km_add(Env *env, SurvivalCounts *counts, double time, int64 events, int64 censored);
/* All times of a value, ascending; fails on bytes that are none. */
extern SurvivalTime *km_times(Datum value, Env *env, uint64 *n);
extern void km_add_value(Env *env, SurvivalCounts *counts, Datum value);
/* The value, in the memory of env. */
extern Datum km_form(Env *env, const SurvivalCounts *counts);

#endif							/* PERSONALIZE_VALUE_KM_H */
