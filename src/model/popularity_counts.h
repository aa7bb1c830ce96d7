/*
 * popularity_counts.h
 *		What the files of popularity share.
 */
#ifndef PERSONALIZE_POPULARITY_COUNTS_H
#define PERSONALIZE_POPULARITY_COUNTS_H

#include "postgres.h"

#include "model/popularity.h"

/* --- popularity.c --- */
extern void popularity_set_decay(PopularityDef *def);

/* --- popularity_refresh.c --- */
extern void *popularity_begin(struct RefreshGroup *group, FollowerDef *def);
extern void popularity_change(void *state, const FollowerChange *change);
extern void popularity_finish(void *state, RefreshReport *report);
extern void popularity_build(struct RefreshGroup *group, FollowerDef *def, RefreshReport *report);
extern void popularity_verify(FollowerDef *def, VerifySink sink, void *arg);
extern void popularity_require_layout(const FollowerDef *def);

#endif							/* PERSONALIZE_POPULARITY_COUNTS_H */
