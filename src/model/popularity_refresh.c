/*
 * popularity_refresh.c
 *		Popularity, kept with its history.
 */
#include "base/compat.h"

#include "model/popularity_counts.h"

void *
popularity_begin(struct RefreshGroup *group, FollowerDef *def)
{
	elog(ERROR, "not there yet");
}

void
popularity_change(void *state, const FollowerChange *change)
{
}

void
popularity_finish(void *state, RefreshReport *report)
{
}

void
popularity_build(struct RefreshGroup *group, FollowerDef *def, RefreshReport *report)
{
	elog(ERROR, "not there yet");
}

void
popularity_verify(FollowerDef *def, VerifySink sink, void *arg)
{
}

void
popularity_require_layout(const FollowerDef *def)
{
}
