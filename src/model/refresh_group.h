/*
 * refresh_group.h
 *		What the files of a refresh share: a group of histories, the models between them,
 *		and what this refresh does to each.
 */
#ifndef PERSONALIZE_REFRESH_GROUP_H
#define PERSONALIZE_REFRESH_GROUP_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/server_env.h"
#include "model/apply.h"
#include "model/change_log.h"
#include "model/follower.h"
#include "model/item_table.h"
#include "model/model_rows.h"
#include "model/refresh.h"
#include "model/registry.h"

typedef struct GroupHistory
{
	HistoryDef *def;
	RefreshReport report;
	LogContents log;			/* consumed */
	bool	   *changed;		/* by code in RefreshGroup.baskets: whether to be recomputed */
	uint32		changed_room;	/* false from here on */

	/* while baskets are recomputed */
	TableWriter *writer;
	KeyScan    *scan;
	HistoryRow	old;			/* the basket at hand, as it was */
	HistoryRow	new;
	HeapTuple	old_tuple;		/* NULL: it was not there */
} GroupHistory;

typedef struct GroupModel
{
	ModelDef   *def;
	GroupHistory *source;
	GroupHistory *target;		/* NULL but for directed models */
	RefreshReport report;
	PairChanges changes;		/* not applied yet; after the last round still those of it */
	ModelApply *apply;			/* NULL for a model that will be built anew */
} GroupModel;

typedef struct GroupFollower
{
	FollowerDef *def;
	GroupHistory *source;
	GroupHistory *target;		/* NULL: none */
	RefreshReport report;
	void	   *state;			/* NULL for one that will be built anew, or has not begun */
} GroupFollower;

typedef struct RefreshGroup
{
	ServerEnv	server;			/* memory that lasts as long as the refresh */
	CatalogDef *catalog;
	ItemTable  *items;			/* NULL until group_load_items */
	KeyType		basket_type;
	Keyset		baskets;		/* changed in any history of the group */
	int			num_histories;
	GroupHistory *history;		/* by id */
	int			num_models;
	GroupModel *model;			/* by id */
	int			num_followers;
	GroupFollower *follower;	/* by id */
} RefreshGroup;

/* What this refresh has written is from now on seen through the active snapshot. */
extern void refresh_see_own_writes(void);

/* --- refresh_lock.c --- */
/* Everything that a refresh has to lock before its snapshot.  After REFRESH_DONE the history is there to stay. */
extern RefreshOutcome refresh_lock_group(int32 history_id, bool wait);

/* --- refresh_history.c --- */
/* Loads the catalog where that has not been done, and lets followers that are built begin. */
extern void refresh_begin_followers(RefreshGroup *group);
/* Recomputes group->baskets where they have changed, and brings the counts of all models with an `apply` up to date. */
extern void refresh_baskets(RefreshGroup *group);
/* A key of the changed baskets as a datum of its type. */
extern Datum refresh_basket_key(const RefreshGroup *group, uint32 code);
/* Marks a basket as changed in one history. */
extern void refresh_add_basket(RefreshGroup *group, GroupHistory *history, Datum basket);

#endif							/* PERSONALIZE_REFRESH_GROUP_H */
