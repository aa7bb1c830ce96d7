/*
 * clock.c
 *		The start of the transaction or statement, or the time that an evaluation replays.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "base/clock.h"

static TimestampTz replayed;
/* Whose replay it is: an error may end the transaction before the replay is taken back. */
static LocalTransactionId replayed_by = InvalidLocalTransactionId;

static bool
replays(void)
{
	return replayed_by != InvalidLocalTransactionId && replayed_by == compat_local_transaction();
}

TimestampTz
clock_now(void)
{
	return replays() ? replayed : GetCurrentTransactionStartTimestamp();
}

TimestampTz
clock_statement(void)
{
	return replays() ? replayed : GetCurrentStatementStartTimestamp();
}

void
clock_replay(TimestampTz at)
{
	replayed = at;
	replayed_by = at == 0 ? InvalidLocalTransactionId : compat_local_transaction();
}
