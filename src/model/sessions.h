/*
 * sessions.h
 *		Nearest sessions: of each item the most recent baskets of a history that have it, kept exactly.
 *
 * The model is a table that serving reads together with the history: of an item the sessions, of a session its items.
 * A fresh build, and any sequence of refreshes that leads to the same history, make the same table.
 */
#ifndef PERSONALIZE_SESSIONS_H
#define PERSONALIZE_SESSIONS_H

#include "postgres.h"

#include "access/htup.h"
#include "datatype/timestamp.h"

#include "model/follower.h"
#include "model/item_table.h"
#include "model/model_rows.h"
#include "model/registry.h"
#include "model/table_writer.h"

typedef struct SessionsDef
{
	FollowerDef follower;		/* first: a FollowerDef * is a SessionsDef * */
	/* definition: never changes */
	KeyType		item_type;
	KeyType		basket_type;
	int32		recent;			/* sessions kept of each item */
	int32		longest;		/* a session of more items counts for nothing; 0: any counts */
	/* state: as of the last refresh */
	int64		num_sessions;	/* that count */
	TransactionId writer;		/* which wrote it: for those who keep what they have read of the table */
} SessionsDef;

extern const FollowerKind sessions_follower;

/*
 * Face: (item KEY PRIMARY KEY, n float8, sessions KEY[], happened timestamptz[]), all NOT NULL.
 * A row for each item that is in a session; n sessions have it, and the arrays hold the `recent` most recent
 * of them by (happened desc, key asc).
 */
enum {SESSIONS_ITEM = 1, SESSIONS_N, SESSIONS_SESSIONS, SESSIONS_HAPPENED, SESSIONS_NUM_COLUMNS = SESSIONS_HAPPENED};

typedef struct SessionEntry
{
	TimestampTz happened;
	Datum		key;
} SessionEntry;

typedef struct SessionsRow
{
	uint32		item;			/* code */
	double		n;
	uint32		size;
	SessionEntry *entry;		/* in their order */
} SessionsRow;

/* Whether a row of the history is a session that counts. */
static inline bool
sessions_counts(const SessionsDef *def, const Basket *basket)
{
	return basket->size > 0 && (def->longest == 0 || basket->size <= (uint32) def->longest);
}

/* --- sessions_registry.c --- */
extern SessionsDef *sessions_of_relation(Oid relation); /* NULL: it is none */
/* The state that fits the rows which the active snapshot sees; not built where it sees nothing. */
extern void sessions_as_seen(SessionsDef *def);
extern List *sessions_all(const FollowerKind *kind);
extern void sessions_register(const SessionsDef *def);
/* State, after a build or refresh. */
extern void sessions_refreshed(const FollowerDef *def, const RefreshReport *report);

/* --- sessions_rows.c --- */
/* The order of a list: happened desc, key asc. */
extern int	sessions_compare(KeyType type, const SessionEntry *a, const SessionEntry *b);
extern void sessions_sort(KeyType type, SessionEntry *entry, uint32 n);
/* A list's keys and times as they stand in a row; palloc'd.  Fails with ERRCODE_DATA_CORRUPTED on what is no list. */
extern void sessions_row_read(const SessionsDef *def, Relation relation, HeapTuple tuple, SessionsRow *row);
/* n 0 deletes.  Nothing is written where nothing differs; returns whether it wrote. */
extern bool sessions_row_write(const SessionsDef *def, TableWriter *writer, HeapTuple old, Datum key, const SessionsRow *row);

/* --- sessions_gather.c --- */
typedef void (*SessionsSink) (void *arg, const SessionsRow *row);

/*
 * Makes rows from the history as the active snapshot sees it, in ascending order of codes, within maintenance_work_mem: of the codes in `only`, which
 * ascend, or of all items that a session has (NULL).  What the catalog does not know fails.  Returns the number of sessions.
 */
extern int64 sessions_gather(const SessionsDef *def, const HistoryDef *history, const ItemTable *items,
							 const uint32 *only, uint32 num_only, SessionsSink sink, void *arg);

/* --- sessions_build.c --- */
extern void sessions_build(struct RefreshGroup *group, FollowerDef *def, RefreshReport *report);

/* --- sessions_refresh.c --- */
extern void *sessions_begin(struct RefreshGroup *group, FollowerDef *def);
extern void sessions_change(void *state, const FollowerChange *change);
extern void sessions_finish(void *state, RefreshReport *report);

/* --- sessions_verify.c --- */
extern void sessions_verify(FollowerDef *def, VerifySink sink, void *arg);

#endif							/* PERSONALIZE_SESSIONS_H */
