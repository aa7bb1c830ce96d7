/*
 * clock.c
 *		The start of the transaction, or the time that an evaluation replays.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "base/clock.h"

static TimestampTz replayed;
/* Whose replay it is: an error may end the transaction before the replay is taken back. */
static LocalTransactionId replayed_by = InvalidLocalTransactionId;

TimestampTz
clock_now(void)
{
	if (replayed_by != InvalidLocalTransactionId && replayed_by == compat_local_transaction())
		return replayed;
	return GetCurrentTransactionStartTimestamp();
}

void
clock_replay(TimestampTz at)
{
	replayed = at;
	replayed_by = at == 0 ? InvalidLocalTransactionId : compat_local_transaction();
}
