/*
 * follower.h
 *		What else is kept from a history, beside co-occurrence models: popularity, nearest sessions.
 *
 * A follower is told of each basket that has changed, as it was and as it is, within the refresh of the group, under its locks and snapshot; or it is
 * built from the histories as they are.  A new kind is a row in the table in follower.c.
 */
#ifndef PERSONALIZE_FOLLOWER_H
#define PERSONALIZE_FOLLOWER_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "model/model_rows.h"
#include "model/registry.h"

struct RefreshGroup;

/* What every kind of follower starts with. */
typedef struct FollowerDef
{
	const struct FollowerKind *kind;
	int32		id;
	Oid			relation;		/* the face: the table that has the name */
	int32		history_id;
	int32		target_id;		/* 0: none */
	bool		built;
} FollowerDef;

/* A basket of the group that may have changed: rows of the follower's history and, where it has one, target. */
typedef struct FollowerChange
{
	Datum		basket;
	const HistoryRow *old;
	const HistoryRow *new;
	const HistoryRow *old_target;	/* NULL without a target */
	const HistoryRow *new_target;
} FollowerChange;

typedef struct FollowerKind
{
	const char *name;			/* "popularity": also what personalize.status calls it */
	List	   *(*all) (void);	/* of FollowerDef *, by id, from its registry table */
	/* --- in a refresh, as the owner --- */
	void	   *(*begin) (struct RefreshGroup *group, FollowerDef *def);
	void		(*change) (void *state, const FollowerChange *change);
	/* Writes what has changed; times move on also where no basket has. */
	void		(*finish) (void *state, RefreshReport *report);
	/* Instead of begin, change, finish. */
	void		(*build) (struct RefreshGroup *group, FollowerDef *def, RefreshReport *report);
	/* --- otherwise --- */
	void		(*verify) (FollowerDef *def, void (*sink) (void *arg, const char *what, const char *item, const char *neighbor, double stored, double expected), void *arg);
	void		(*require_layout) (const FollowerDef *def);
	/* Tables beside the face that belong to it: of Oid; they are locked, owned and dropped with it. */
	List	   *(*tables) (const FollowerDef *def);
	void		(*depend) (const FollowerDef *def);	/* makes dependencies again where they are missing */
	void		(*drop) (const FollowerDef *def);
	char	   *(*definition) (const FollowerDef *def);	/* for status */
	/*
	 * The call of personalize.create_…(build => false) that makes the same of other histories under another name, as "SELECT …": how an
	 * evaluation gets one that knows only the past.  target: InvalidOid without one.
	 */
	char	   *(*same_call) (const FollowerDef *def, const char *name, Oid history, Oid target);
} FollowerKind;

extern List *followers_all(void);	/* of FollowerDef *, by id */
extern List *followers_of(int32 history_id);	/* of FollowerDef *, source or target */
extern FollowerDef *follower_of_relation(Oid relation);	/* by its face; NULL: it is none */

#endif							/* PERSONALIZE_FOLLOWER_H */
