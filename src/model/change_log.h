/*
 * change_log.h
 *		Which baskets have changed: triggers on the shop's tables append keys, a
 *		refresh takes away those that its snapshot sees.
 */
#ifndef PERSONALIZE_CHANGE_LOG_H
#define PERSONALIZE_CHANGE_LOG_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/snapshot.h"

#include "kernel/keyset.h"
#include "model/registry.h"

/* What the log of a history (or catalog) holds. */
typedef struct LogContents
{
	bool		all;			/* everything may have changed */
	char	   *reason;			/* why, of one such row */
	Keyset		keys;			/* the changed baskets, distinct */
	int64		num_rows;
} LogContents;

/* Reads what the snapshot sees; with `consume` deletes these rows. Keys live in env. */
extern void change_log_read(Env *env, Oid log, KeyType type, Snapshot snapshot, bool consume, LogContents *contents);
/* Only the rows of this key: number of rows deleted. */
extern int64 change_log_forget(Oid log, KeyType type, Snapshot snapshot, Datum key);
/* How often this session has begun to delete from any log; what it appended to one may be gone when this has grown. */
extern uint64 change_log_times_consumed(void);
/*
 * Appends keys, for whoever runs this: no privilege on the log is asked for.  Where there is no such log (any more) nothing
 * happens, as the writer of a shop's row is not to blame.
 */
extern void change_log_append_key(Oid log, KeyType type, Datum key);
extern void change_log_append(Oid log, KeyType type, const Keyset *keys);
/* Says that everything may have changed; the same about a log that is gone. */
extern void change_log_mark_all(Oid log, const char *reason);

/*
 * Triggers on a watched relation, its partitions and whatever else inherits from it: statement triggers for INSERT, UPDATE, DELETE,
 * TRUNCATE; with `replica`, which only the owner of the relation may ask for, a row trigger that fires under
 * session_replication_role = replica.  `id` is that of a registered history or catalog, on which the triggers will depend; the key
 * column or expression is read from personalize.watch.  Runs as the current user, who needs the privilege TRIGGER.  Only what is missing
 * is made, dependencies too, so this also repairs; existing replica triggers are kept whatever `replica` says.
 */
extern void change_log_watch(int32 id, Oid relation, bool replica);
/* Drops them; the caller has seen that the current user may. */
extern void change_log_unwatch(int32 id, Oid relation);
/*
 * What is wrong with the definition now, for people, or NULL: a missing column, a trigger that is gone or disabled, a partition
 * that is not watched.
 */
extern char *change_log_problem(int32 id);

#endif							/* PERSONALIZE_CHANGE_LOG_H */
