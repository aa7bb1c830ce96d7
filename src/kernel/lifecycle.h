/*
 * lifecycle.h
 *		Where a customer stands between the first purchase and being lost, by the number of purchases and the age of the last one.
 *
 * Every state is a span of time that begins where the one before ends, so with it is known when the next begins if nothing is bought.
 */
#ifndef PERSONALIZE_KERNEL_LIFECYCLE_H
#define PERSONALIZE_KERNEL_LIFECYCLE_H

#include <stdbool.h>

#include "kernel/activity.h"

#define LIFECYCLE_NEVER INT64_MAX

typedef enum LifecycleState
{
	LIFECYCLE_PROSPECT,			/* no purchase */
	LIFECYCLE_NEW,				/* one purchase, and not long ago */
	LIFECYCLE_ACTIVE,
	LIFECYCLE_AT_RISK,
	LIFECYCLE_LAPSED,
	LIFECYCLE_LOST
} LifecycleState;

#define LIFECYCLE_STATES 6

extern const char *const lifecycle_names[LIFECYCLE_STATES];
/* Number of a state, or -1. */
extern int	lifecycle_named(const char *bytes, size_t size);
/* From when, and before when, the state lasts after these purchases if there are no more; false where it does not come. */
extern bool lifecycle_span(LifecycleState state, uint64_t purchases, int64_t last, int64_t *from, int64_t *until);
extern LifecycleState lifecycle_state(uint64_t purchases, int64_t last, int64_t as_of);

#endif							/* PERSONALIZE_KERNEL_LIFECYCLE_H */
