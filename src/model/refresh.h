/*
 * refresh.h
 *		One refresh of a group of histories and all of their models: one transaction,
 *		one snapshot.
 */
#ifndef PERSONALIZE_REFRESH_H
#define PERSONALIZE_REFRESH_H

#include "postgres.h"

#include "model/registry.h"

typedef enum RefreshMode
{
	REFRESH_CHOOSE,				/* what is cheaper */
	REFRESH_INCREMENTAL,		/* rebuild only where it must be */
	REFRESH_REBUILD
} RefreshMode;

typedef enum RefreshOutcome
{
	REFRESH_DONE,
	REFRESH_BUSY,				/* another refresh has the lock, and we were not to wait */
	REFRESH_GONE				/* the history is not there, or was dropped while we waited */
} RefreshOutcome;

/*
 * Locks the histories of the group against another refresh (not against anything else), then all tables against DDL,
 * then takes the snapshot.  Models that are dropped meanwhile are skipped.
 */
extern RefreshOutcome refresh_group(int32 history_id, RefreshMode mode, bool wait, RefreshReport *report);
/* Only this basket, now; returns the number of directed pairs touched. */
extern int64 refresh_basket(const HistoryDef *history, Datum basket);

/* --- refresh_lock.c --- */
/*
 * The lock against refreshes alone, for those who change or drop a history or model; held until the end of the
 * transaction.  Fails where the history is dropped meanwhile.
 */
extern void refresh_lock(int32 history_id);
/* Against DDL, whatever the group reads and writes; what is there after the wait is for the caller to look up. */
extern void refresh_lock_tables(int32 history_id);
/* The same for a catalog; false where it is gone. */
extern bool refresh_lock_catalog(int32 id);
/* For whoever else is refreshed: the lock against refreshes of the object with that table; false where it is not to be waited for. */
extern bool refresh_lock_object(Oid relation, bool wait);
/* Against DDL: relations as they are listed after the wait. */
extern void refresh_lock_relations(List *(*relations_of) (int32 id), int32 id);
/* Adds what is watched for the id, with partitions and children. */
extern List *refresh_add_watched(List *relations, int32 id);

#endif							/* PERSONALIZE_REFRESH_H */
