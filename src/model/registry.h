/*
 * registry.h
 *		What exists: catalogs, histories and models, as the tables personalize.catalog,
 *		personalize.history, personalize.model and personalize.watch know them.
 *
 * Everybody may read these tables; only registry_write.c writes them, as their owner, with constant
 * statements, after the caller has shown that the caller owns the object (registry_require_owner).
 * They are read with the latest snapshot, so that what was committed while a lock was waited for is seen.  Whoever
 * answers from the rows of a history or model needs the state that fits the rows: registry_model_as_seen.
 */
#ifndef PERSONALIZE_REGISTRY_H
#define PERSONALIZE_REGISTRY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "kernel/measure.h"
#include "kernel/pairs.h"
#include "value/item_key.h"

/* What personalize.model calls the measure of local ridge. */
#define REGISTRY_RIDGE "ridge"

/* Attributes that a catalog may keep from the shop's product table, in the order of its columns. */
typedef enum CatalogAttribute
{
	CATALOG_AVAILABLE,
	CATALOG_PRICE,
	CATALOG_CATEGORY,
	CATALOG_CREATED,
	CATALOG_GROUP
} CatalogAttribute;

#define CATALOG_NUM_ATTRIBUTES 5

extern const char *const catalog_attribute_names[CATALOG_NUM_ATTRIBUTES];	/* columns of the catalog's table */

typedef struct CatalogDef
{
	int32		id;
	Oid			relation;
	KeyType		item_type;
	bool		implicit;		/* made by create_history, and dropped with the last history that uses it */
	Oid			products;		/* InvalidOid: bound to no table; then nothing below is set */
	Oid			log;
	char	   *item;			/* columns of products */
	char	   *attribute[CATALOG_NUM_ATTRIBUTES];	/* NULL: not kept */
	TimestampTz refreshed;		/* last refresh of attributes; DT_NOBEGIN: none yet */
} CatalogDef;

typedef struct HistoryDef
{
	/* definition: never changes */
	int32		id;
	Oid			relation;
	Oid			log;
	int32		catalog_id;
	Oid			interactions;	/* table, partitioned table or view */
	char	   *basket;			/* its columns */
	char	   *item;
	char	   *happened;		/* NULL: no times */
	char	   *weight;			/* NULL: each row weighs 1 */
	char	   *event;			/* NULL: all rows count */
	int			num_events;		/* kinds that count */
	char	  **events;			/* their names, as text */
	int32	   *event_weights;	/* weight of each kind, or NULL: 1; multiplies that of the row */
	KeyType		basket_type;
	KeyType		item_type;
	int32		max_basket;		/* 0: no limit */
	Interval   *horizon;		/* NULL: none */
	/* state: as of the last refresh */
	bool		built;
	TimestampTz horizon_start;	/* events before it do not count; DT_NOBEGIN without a horizon */
	int64		num_baskets;
	TimestampTz refreshed;		/* DT_NOBEGIN: not yet, as for the next */
	TimestampTz rebuilt;
	int64		last_baskets;
	double		last_ms;
} HistoryDef;

/* How a model scores; alter_model may change it. */
typedef struct ModelScoring
{
	bool		ridge;			/* local ridge over the strongest neighbors by `measure`, which is the kernel then */
	Measure		measure;
	int32		neighbors;
	double		min_count;
	double		lambda;			/* ridge only */
	double		delta;
	int32		ridge_size;
} ModelScoring;

typedef struct ModelDef
{
	/* definition: never changes */
	int32		id;
	Oid			relation;		/* the face table */
	Oid			pairs;
	int32		history_id;
	int32		target_id;		/* 0: not directed */
	PairShape	shape;
	bool		weighted;		/* counts are sums of products of weights */
	KeyType		item_type;
	Interval   *half_life_interval;	/* as it was given; NULL: no decay */
	double		half_life;		/* in generations; 0: no decay */
	ModelScoring scoring;
	/* state: as of the last refresh */
	bool		built;
	int32		first_generation;	/* of totals; 0 without generations */
	int			num_totals;		/* at least 1 once built */
	int64	   *totals;			/* by generation from the first on, in units */
	TimestampTz refreshed;
	TimestampTz rebuilt;
	int64		last_pairs;
	int64		last_items;
	double		last_ms;
} ModelDef;

/* A relation that is watched for a history or catalog, and what gives the key of a changed row. */
typedef struct WatchDef
{
	int32		id;				/* of the history or catalog */
	Oid			relation;
	char	   *key;			/* name of a column, or an expression over the columns */
	bool		expression;
} WatchDef;

/* --- reading; all in the current memory context --- */
extern HistoryDef *registry_history(Oid relation);	/* NULL where it is none */
extern HistoryDef *registry_history_by_id(int32 id);
extern CatalogDef *registry_catalog(Oid relation);
extern CatalogDef *registry_catalog_by_id(int32 id);
extern ModelDef *registry_model(Oid relation);
extern List *registry_models_of(int32 history_id);	/* of ModelDef *, source or target, by id */
extern List *registry_all_models(void);
extern List *registry_histories(void);	/* of HistoryDef *, all, by id */
extern List *registry_catalogs(void);
/*
 * The histories that are refreshed together with this one, because directed models and followers with a target join them: of
 * HistoryDef *, by id, this one among them.
 */
extern List *registry_group(int32 history_id);
/* The relations that are watched for a history or catalog, without partitions: of Oid. */
extern List *registry_watched(int32 id);
extern List *registry_watches(int32 id);	/* the same, of WatchDef * */

/*
 * State and scoring as the active snapshot sees them, to fit the rows that it sees.  What it does not see at all has not been
 * built, for it.
 */
extern void registry_model_as_seen(ModelDef *model);
extern void registry_history_as_seen(HistoryDef *history);

/* These fail where the relation is none; the hint names the function that makes one. */
extern HistoryDef *registry_require_history(Oid relation);
extern ModelDef *registry_require_model(Oid relation);
extern CatalogDef *registry_require_catalog(Oid relation);
/* Source or target of a model or follower; fails where only that is left. */
extern HistoryDef *registry_require_history_of(Oid model, int32 id);
/* The name was taken before a wait, after which the object was no longer there. */
extern void registry_fail_gone(const char *kind, const char *name);
/* Fails where the current user is neither owner of the relation nor a member of the owning role. */
extern void registry_require_owner(Oid relation);

/* --- state, written at the end of a refresh --- */
typedef struct RefreshReport
{
	bool		rebuilt;
	int64		baskets;		/* recomputed */
	int64		pairs;			/* directed pairs whose count changed (incremental) or exist (rebuilt) */
	int64		items;			/* rows of face tables written */
	double		ms;
} RefreshReport;

extern void registry_history_refreshed(const HistoryDef *history, const RefreshReport *report);	/* and its state */
extern void registry_model_refreshed(const ModelDef *model, const RefreshReport *report);	/* and its state */
extern void registry_catalog_refreshed(const CatalogDef *catalog);
extern void registry_model_rescored(const ModelDef *model, const RefreshReport *report);
/* First write of a refresh: fails with a serialization error where a snapshot is older than the last refresh. */
extern void registry_refresh_begins(const HistoryDef *history);

/* --- writing definitions: setup functions only --- */
extern int32 registry_next_id(void);
extern void registry_add_catalog(const CatalogDef *catalog);
extern void registry_add_history(const HistoryDef *history);
extern void registry_add_model(const ModelDef *model);
extern void registry_set_scoring(const ModelDef *model);
extern void registry_add_watch(int32 id, Oid relation, const char *key, bool expression);
/* Whatever is registered for this relation, as catalog, history, model or watched: gone. */
extern void registry_forget(Oid relation);
/* Definitions follow a column of interactions, products or a watched table; the caller has seen it renamed. */
extern void registry_rename_column(Oid relation, const char *old_name, const char *new_name);

/* --- names --- */
/* schema.name, quoted where needed, for statements and messages. */
extern char *registry_name(Oid relation);
extern Oid	registry_owner(Oid relation);
/* A month counts 30 days. */
extern double registry_interval_days(const Interval *interval);

/*
 * Runs what follows as the owner of the relation, restricted as REFRESH MATERIALIZED VIEW is, with a safe
 * search_path; registry_leave_owner undoes it.  An error undoes it, too.
 */
typedef struct OwnerScope
{
	Oid			save_user;
	int			save_context;
	int			nest_level;
} OwnerScope;

extern void registry_enter_owner(Oid relation, OwnerScope *scope);
extern void registry_leave_owner(const OwnerScope *scope);

/*
 * The registry's own tables are read and written as their owner, with constant statements: a writer of the shop, whose
 * trigger has to know what to log, may have no right to them.  An error undoes it, too.
 */
extern void registry_become_owner(OwnerScope *scope);
extern void registry_become_caller(const OwnerScope *scope);

#endif							/* PERSONALIZE_REGISTRY_H */
