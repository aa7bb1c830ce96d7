/*
 * activity_table.h
 *		What each customer of a shop did, kept exact: one row per customer with a value of type activity.
 *
 * Made by create_activity from the shop's tables of events, by the machinery of histories: triggers append the keys of changed customers to a
 * log, a refresh reads the log and the shop's tables through one snapshot.  A customer is a row of the shop's table of customers; one without events
 * has an empty activity.  Segments are told of each change (segment.h) in the same refresh.
 */
#ifndef PERSONALIZE_ACTIVITY_TABLE_H
#define PERSONALIZE_ACTIVITY_TABLE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "pgtime.h"
#include "utils/jsonb.h"

#include "base/server_env.h"
#include "model/change_log.h"
#include "model/refresh.h"
#include "model/registry.h"

/* Columns of the table; the first is named as the key is in the shop's table. */
enum {ACTIVITY_CUSTOMER = 1, ACTIVITY_ACTIVITY, ACTIVITY_ORDINAL};

/* A relation with events: of one kind, or of the kinds that a column names. */
typedef struct ActivitySource
{
	Oid			relation;
	char	   *customer;		/* its columns */
	char	   *at;
	char	   *amount;			/* NULL: none */
	char	   *event;			/* name of the kind; NULL: in event_column */
	char	   *event_column;
} ActivitySource;

typedef struct ActivityTableDef
{
	/* definition: never changes */
	int32		id;
	Oid			relation;
	Oid			log;
	Oid			customers;
	char	   *key;			/* columns of customers */
	char	   *zone;			/* NULL: the zone below is everybody's */
	char	   *consent;		/* NULL: none kept; text[] or jsonb */
	char	   *default_zone;	/* what customers without a zone, or with one that does not exist, have */
	KeyType		key_type;
	int			num_sources;
	ActivitySource *sources;
	/* scores by model: a relation with customer, model, score; InvalidOid: none */
	Oid			scores;
	char	   *scores_customer;
	char	   *scores_model;
	char	   *scores_score;
	/* state: as of the last refresh */
	bool		built;
	int64		num_customers;
	int64		next_ordinal;
	TimestampTz refreshed;		/* DT_NOBEGIN: not yet, as for the next; memberships are those of this instant */
	TimestampTz rebuilt;
	int64		last_customers;
	double		last_ms;
} ActivityTableDef;

/* --- registry (activity_registry.c); all in the current memory context --- */
extern ActivityTableDef *activity_table(Oid relation);	/* NULL where it is none */
extern ActivityTableDef *activity_table_by_id(int32 id);
extern List *activity_tables(void);
/* The one whose customers are that relation; fails, naming the candidates, where there are none or several. */
extern ActivityTableDef *activity_table_of_customers(Oid customers);
extern ActivityTableDef *activity_require_table(Oid relation);
/* The state that fits the rows which the active snapshot sees. */
extern void activity_table_as_seen(ActivityTableDef *def);

/* --- customers, read with the active snapshot (activity_source.c) --- */
typedef struct Customer
{
	Datum		key;
	bool		exists;			/* is a row of customers; nothing below otherwise */
	const unsigned char *activity;	/* bytes of the value, without its header */
	size_t		size;
	int64		ordinal;		/* in sets: the key where it is a number; -1: none yet */
	Jsonb	   *attributes;		/* with $key, $consent, $score; NULL where they were not asked for */
	pg_tz	   *zone;
} Customer;

/* Pointers are good until it returns. */
typedef void (*CustomerSink) (void *arg, const Customer *customer);

typedef enum CustomerRead
{
	CUSTOMER_STORED,			/* the activity as our table has it: good for whom the log does not name */
	CUSTOMER_FRESH				/* made of the shop's tables */
} CustomerRead;

/*
 * What rules ask of customers beside their activity: names of columns (of char *); `everything` for what nobody can tell, as where a path has no such
 * column.  NULL where a call takes it: no attributes at all.
 */
typedef struct CustomerWant
{
	List	   *columns;
	bool		consent;
	bool		scores;
} CustomerWant;

/*
 * These keys, each once, in order of the keys; who is not there comes with exists = false.  Runs with the rights of the current user: callers
 * have become the owner.  Plans are kept for the session.
 */
extern void customers_fetch(const ActivityTableDef *def, CustomerRead read, const CustomerWant *want, const Datum *keys, int n,
							CustomerSink sink, void *arg);
/* Everybody, in order of the keys, with stored activities. */
extern void customers_scan(const ActivityTableDef *def, const CustomerWant *want, CustomerSink sink, void *arg);
/* What is pending for this snapshot: keys, or "everything"; live in env.  False where nothing is. */
extern bool customers_pending(const ActivityTableDef *def, Env *env, LogContents *contents);

/* --- refresh (activity_refresh.c) --- */
extern RefreshOutcome activity_table_refresh(int32 id, RefreshMode mode, bool wait, RefreshReport *report);
/* Against other refreshes, and whatever set-up of segments must not meet one; then tables against DDL.  False where it is gone. */
extern bool activity_table_lock(int32 id, bool wait, bool *busy);

#endif							/* PERSONALIZE_ACTIVITY_TABLE_H */
