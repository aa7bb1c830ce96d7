/*
 * setup.h
 *		What create_catalog, create_history and create_cooccurrence have in common: names of new
 *		relations, their tables, checks of columns, watched tables, dependencies.
 *
 * Set-up runs as the caller and makes ordinary tables through ordinary statements, so privileges, default
 * tablespaces and event triggers apply as they do to the caller's own CREATE TABLE.
 */
#ifndef PERSONALIZE_SETUP_H
#define PERSONALIZE_SETUP_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "model/activity_table.h"
#include "model/follower.h"
#include "model/registry.h"

/* --- setup.c: new tables --- */
typedef struct NewTable
{
	char	   *schema;
	char	   *name;
} NewTable;

/* The caller may create it and there is none of that name, or this fails. */
extern NewTable setup_new_table(text *name);
/*
 * Creates the table, or with a label one whose name derives from its name; `options` is what stands between the
 * parentheses of WITH.
 */
extern Oid	setup_create_table(const NewTable *table, const char *label, const char *columns, const char *options);
/* A log fills and empties; thresholds are absolute, because its size says nothing about what is dead in it. */
#define SETUP_LOG_OPTIONS \
	"autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, " \
	"autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000, " \
	"autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000"
/* "bigint", and what makes texts compare by their bytes. */
extern const char *setup_key_column(KeyType type);
extern void setup_execute(const char *format,...) pg_attribute_printf(1, 2);
extern void setup_drop_table(Oid relation);
/*
 * Before the tables of a history or catalog are dropped: takes the watched tables first and the log after them, as those do
 * who write to them.
 */
extern void setup_unwatch(int32 id);

/* --- setup.c: what the shop has --- */
/* An interactions or products relation: exists, is of a kind that can be watched or looked through, may be read; its relkind. */
extern char setup_require_source(const char *role, Oid relation);
/* Type of a column, which must be there and readable; `role` is the argument that named it. */
extern Oid	setup_require_column(const char *role, Oid relation, const char *column);
extern char *setup_column_list(Oid relation);
extern void setup_require_times(const char *role, Oid relation, const char *column, Oid type);
extern void setup_require_number(const char *role, Oid relation, const char *column, Oid type);
/* Warns where finding the rows of one key has to read all of the table. */
extern void setup_warn_without_index(Oid relation, const char *column);

/* --- setup_watch.c --- */
/*
 * Watches what the relation is made from: the relation itself by its key column or, for a view, the tables that `watch` names.  Registers and
 * makes the triggers; the history or catalog must be registered already.
 */
extern void setup_watch(int32 id, Oid relation, const char *column, KeyType type, Jsonb *watch, bool replica);

/* --- setup_depend.c --- */
/*
 * Makes again what dump and restore do not carry: the dependencies of a history, its catalog, its models, logs and
 * triggers.  Cheap where they are there.
 */
extern void setup_restore_dependencies(const HistoryDef *history);
extern void setup_depend_catalog(const CatalogDef *catalog);
extern void setup_depend_model(const ModelDef *model);
/* A function on relations, and on the extension; and whether that has been done. */
extern void setup_depend_function(Oid function, List *relations);
extern bool setup_function_depends(Oid function);
/* Set by the storey above, whose functions depend on what is kept here: makes those of a catalog again. */
extern void (*setup_depend_hook) (int32 catalog_id);
/* The same, of the catalog of a history. */
extern void setup_depend_above(int32 history_id);
extern void setup_depend_follower(const FollowerDef *follower);
/* With its segments. */
extern void setup_depend_activity(const ActivityTableDef *activity);

/* --- setup_catalog.c --- */
/* The table of a catalog and its entry; id, relation and log are filled in. */
extern void setup_create_catalog(CatalogDef *catalog, const NewTable *table, const char *label);
/* Drops it if it was made by create_history and nothing uses it any more. */
extern void setup_drop_unused_catalog(int32 id);
/* The same of all catalogs, whoever has dropped their histories by whatever command. */
extern void setup_drop_unused_catalogs(void);

/* --- setup_model.c --- */
extern void setup_drop_model(const ModelDef *model);
extern void setup_drop_follower(const FollowerDef *follower);
/* For whatever is made of a history: it is one, and the caller's. */
extern HistoryDef *setup_history_argument(Oid relation);
/* Locks one or two (target: NULL) against refreshes and DROP TABLE, in the order of refreshes. */
extern void setup_lock_histories(const HistoryDef *history, const HistoryDef *target);
/* Fails where two histories cannot be refreshed as one. */
extern void setup_require_joined(const HistoryDef *history, const HistoryDef *target);

#endif							/* PERSONALIZE_SETUP_H */
