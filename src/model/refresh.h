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

/*
 * Locks the histories of the group against another refresh (not against anything else), then the watched tables against DDL,
 * then takes the snapshot.  With wait = false returns false at once where another refresh has the lock.
 */
extern bool refresh_group(int32 history_id, RefreshMode mode, bool wait, RefreshReport *report);
/* Only this basket, now; returns the number of directed pairs touched. */
extern int64 refresh_basket(int32 history_id, Datum basket);
/* The lock alone, for those who change or drop a history or model; held until the end of the transaction. */
extern bool refresh_lock(int32 history_id, bool wait);

#endif							/* PERSONALIZE_REFRESH_H */
