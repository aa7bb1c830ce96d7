/*
 * change_log_watch.h
 *		Which relations are watched for whom; what the trigger function, the
 *		triggers' maker and the event triggers share.
 */
#ifndef PERSONALIZE_CHANGE_LOG_WATCH_H
#define PERSONALIZE_CHANGE_LOG_WATCH_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

#include "model/registry.h"

/* Whom an id means: a history, a catalog, a popularity model that reads segments or an activity table, whichever is not NULL. */
typedef struct WatchOwner
{
	HistoryDef *history;
	CatalogDef *catalog;
	struct PopularityDef *popularity;	/* logs to its history's log */
	struct ActivityTableDef *activity;	/* reads several relations */
	Oid			relation;		/* of either */
	Oid			log;
	Oid			source;			/* interactions, products, segments or customers */
	KeyType		type;			/* of the log */
} WatchOwner;

/* Transition tables of the triggers: expressions read from them. */
#define WATCH_OLD_TABLE "personalize_old"
#define WATCH_NEW_TABLE "personalize_new"

/* --- change_log_watch_rows.c: what is registered, for any role, without a privilege --- */
/* Of WatchDef *, of this id or (0) all. */
extern List *watch_rows(int32 id);
/* The row of this id that covers a relation, as its own or as that of an ancestor; NULL: there is none. */
extern WatchDef *watch_find(int32 id, Oid relation);
/* False where there is no such history or catalog. */
extern bool watch_owner(int32 id, WatchOwner *owner);
/* Relations that the definition reads, the source first: of Oid. */
extern List *watch_sources(const WatchOwner *owner);
/* Columns of one of them that the definition reads: of char *. */
extern List *watch_columns(const WatchOwner *owner, Oid source);
/* Whether other columns of a watched relation may matter, too: to a view, or to whoever asks for them. */
extern bool watch_reads_all(const WatchOwner *owner, Oid relation);
/* All relations that are registered, as whatever: of Oid. */
extern List *watch_registered(void);
/* "integer" of "personalize_integer_insert", 0 for another name. */
extern int32 watch_id_of_name(const char *trigger);

/* --- change_log_watch.c: triggers --- */
/* Whether a trigger is ours, for this id or (0) any. */
extern bool watch_trigger_is_ours(const Trigger *trigger, int32 id);
/* What is wrong with the triggers of a relation, for people, or NULL. */
extern char *watch_trigger_problem(int32 id, Oid relation);
/* change_log_watch for relations that have come into the family of a watched one, with what the family has. */
extern void watch_newcomer(const WatchDef *watch, Oid relation);
/* Drops the triggers of this id on this relation only. */
extern void watch_drop_triggers(int32 id, Oid relation);
/* While this module itself issues DDL, its event triggers look away. */
extern bool watch_own_ddl(void);

#endif							/* PERSONALIZE_CHANGE_LOG_WATCH_H */
