/*
 * follower.h
 *		What else is kept from a history, beside co-occurrence models: popularity, nearest sessions.
 *
 * A follower is told of each basket that has changed, as it was and as it is, within the refresh of the group, under its locks and snapshot; or it is
 * built from the histories as they are.  A new kind is a row in the table in follower.c, a registry table with the columns id, relation, history_id
 * (and target_id, where two histories are joined), and its line in registry_forget, watch_registered and, with targets, registry_group.
 */
#ifndef PERSONALIZE_FOLLOWER_H
#define PERSONALIZE_FOLLOWER_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "model/build.h"
#include "model/model_rows.h"
#include "model/registry.h"

struct RefreshGroup;

/* What every kind of follower starts with. */
typedef struct FollowerDef
{
	/* definition: never changes */
	const struct FollowerKind *kind;
	int32		id;
	Oid			relation;		/* the face: the table that has the name */
	int32		history_id;
	int32		target_id;		/* 0: none */
	/* state: as of the last refresh */
	bool		built;
	TimestampTz refreshed;		/* DT_NOBEGIN: not yet, as for the next */
	TimestampTz rebuilt;
	int64		last_items;
	double		last_ms;
} FollowerDef;

/* A basket of the group that may have changed: rows of the follower's history and, where it has one, target. */
typedef struct FollowerChange
{
	Datum		basket;
	const HistoryRow *old;		/* empty where there is none */
	const HistoryRow *new;
	const HistoryRow *old_target;	/* NULL without a target */
	const HistoryRow *new_target;
} FollowerChange;

typedef struct FollowerKind
{
	const char *name;			/* "popularity": also what personalize.status calls it */
	/* Of FollowerDef *, by id, from its registry table; of this kind only. */
	List	   *(*all) (const struct FollowerKind *kind);
	/* --- in a refresh, as the owner; group->items is loaded --- */
	void	   *(*begin) (struct RefreshGroup *group, FollowerDef *def);
	/* Before the history's row is written; in a context that is reset after each basket. */
	void		(*change) (void *state, const FollowerChange *change);
	/* Writes what has changed; times move on also where no basket has.  Histories are written and seen by now. */
	void		(*finish) (void *state, RefreshReport *report);
	/* Instead of begin, change, finish: from the histories as the active snapshot sees them.  Sets def->built. */
	void		(*build) (struct RefreshGroup *group, FollowerDef *def, RefreshReport *report);
	/* The registry's row: built, and whatever state the kind has beside it. */
	void		(*refreshed) (const FollowerDef *def, const RefreshReport *report);
	/* --- otherwise --- */
	/* Tables and histories are locked; state has to be read again as the active snapshot sees it.  NULL: nothing to compare. */
	void		(*verify) (FollowerDef *def, VerifySink sink, void *arg);
	void		(*require_layout) (const FollowerDef *def);
	/* Tables beside the face that belong to it: of Oid; they are locked, owned and dropped with it.  NULL: none. */
	List	   *(*tables) (const FollowerDef *def);
	/* Relations of the shop that it reads beside its histories: of Oid.  NULL: none. */
	List	   *(*sources) (const FollowerDef *def);
	char	   *(*definition) (const FollowerDef *def);	/* for status */
	/*
	 * The call of personalize.create_…(build => false) that makes the same of other histories under another name, as "SELECT …": how an
	 * evaluation gets one that knows only the past.  target: InvalidOid without one.
	 */
	char	   *(*same_call) (const FollowerDef *def, const char *name, Oid history, Oid target);
} FollowerKind;

extern List *followers_all(void);	/* of FollowerDef *, by id */
extern List *followers_of(int32 history_id);	/* of FollowerDef *, source or target, by id */
extern FollowerDef *follower_of_relation(Oid relation);	/* by its face; NULL: it is none */
extern List *follower_tables(const FollowerDef *def);	/* of Oid, with the face, what is there */
extern List *follower_sources(const FollowerDef *def);

#endif							/* PERSONALIZE_FOLLOWER_H */
