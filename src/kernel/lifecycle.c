/*
 * lifecycle.c
 *		States of customers, and their limits.
 */
#include "kernel/lifecycle.h"

const char *const lifecycle_names[LIFECYCLE_STATES] = {"prospect", "new", "active", "at_risk", "lapsed", "lost"};

/* How many days after the last purchase a state ends, that day's last instant included; 0: it has no end. */
static const int last_day[LIFECYCLE_STATES] = {0, 30, 90, 180, 365, 0};

int
lifecycle_named(const char *bytes, size_t size)
{
	for (int i = 0; i < LIFECYCLE_STATES; i++)
		if (strlen(lifecycle_names[i]) == size && memcmp(lifecycle_names[i], bytes, size) == 0)
			return i;
	return -1;
}

static int64_t
end_of(LifecycleState state, int64_t last)
{
	return last_day[state] == 0 ? LIFECYCLE_NEVER : last + last_day[state] * ACTIVITY_DAY + 1;
}

bool
lifecycle_span(LifecycleState state, uint64_t purchases, int64_t last, int64_t *from, int64_t *until)
{
	*from = INT64_MIN;
	*until = LIFECYCLE_NEVER;
	if ((state == LIFECYCLE_PROSPECT) != (purchases == 0) || (state == LIFECYCLE_NEW && purchases > 1))
		return false;
	if (state == LIFECYCLE_PROSPECT)
		return true;
	/* who has bought twice is active at once */
	*from = state == LIFECYCLE_NEW || (state == LIFECYCLE_ACTIVE && purchases > 1) ? last : end_of(state - 1, last);
	*until = end_of(state, last);
	return true;
}

LifecycleState
lifecycle_state(uint64_t purchases, int64_t last, int64_t as_of)
{
	for (int i = 0; i < LIFECYCLE_STATES; i++)
	{
		int64_t		from;
		int64_t		until;

		if (lifecycle_span(i, purchases, last, &from, &until) && as_of >= from && as_of < until)
			return i;
	}
	return LIFECYCLE_LOST;
}
