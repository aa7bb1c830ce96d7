/*
 * clock.h
 *		What time it is for horizons, decay and trends.
 */
#ifndef PERSONALIZE_CLOCK_H
#define PERSONALIZE_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* The start of the transaction, unless an evaluation replays another time. */
extern TimestampTz clock_now(void);
/*
 * From here on it is that time, until clock_replay(0) or the end of the transaction; for who answers what would have been known then.  Parallel workers
 * do not share it: they get times from their leader.
 */
extern void clock_replay(TimestampTz at);
/* The start of the statement, unless an evaluation replays another time: for what is exact to the second. */
extern TimestampTz clock_statement(void);

#endif							/* PERSONALIZE_CLOCK_H */
