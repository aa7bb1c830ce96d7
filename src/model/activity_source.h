/*
 * activity_source.h
 *		What the files of activity tables share: the registry's writing half, rows of the shop on their way to activities.
 */
#ifndef PERSONALIZE_ACTIVITY_SOURCE_H
#define PERSONALIZE_ACTIVITY_SOURCE_H

#include "postgres.h"

#include "access/htup.h"

#include "kernel/activity.h"
#include "model/activity_table.h"
#include "model/build.h"
#include "model/table_writer.h"

/* --- activity_registry.c --- */
/* Customers, relations with events, scores: of Oid, each once. */
extern List *activity_relations(const ActivityTableDef *def);
/* Columns that the definition itself reads of one of them: of char *. */
extern List *activity_columns(const ActivityTableDef *def, Oid relation);
/* Whether the rule of a segment asks for that column of the customers. */
extern bool activity_rules_name(const ActivityTableDef *def, const char *column);
extern void activity_register(const ActivityTableDef *def);
extern void activity_refresh_begins(const ActivityTableDef *def);
extern void activity_refreshed(const ActivityTableDef *def, const RefreshReport *report);

/* --- activity_events.c: rows of events --- */
/* One event that counts; the key is good until it returns. */
typedef void (*EventSink) (void *arg, Datum key, const ActivityEvent *event);

/*
 * Rows of these customers, or of all (keys NULL), with the active snapshot, in no order.  What does not count is left out: without customer, kind, or a
 * time in the years 1 to 9999.  Kinds get numbers of `names`.
 */
extern void activity_events_read(const ActivityTableDef *def, ActivityNames *names, const Datum *keys, int n, EventSink sink, void *arg);
/* What is wrong with the types of its columns, for people, or NULL. */
extern char *activity_source_problem(const ActivitySource *source);
/* A relation of those that has a row of the key; InvalidOid: none has. */
extern Oid	activity_events_where(const ActivityTableDef *def, Datum key);
/* Those of one customer on their way to a value; all zero is none. */
typedef struct CustomerEvents
{
	ActivityEvents events;
	uint64		fold_at;
} CustomerEvents;

extern void activity_events_add(Env *env, CustomerEvents *events, ActivityEvent event);
/* As a value without its header, in the current memory context; folds the events, which are in env. */
extern const unsigned char *activity_events_encode(Env *env, CustomerEvents *events, const ActivityNames *names, size_t *size);

/* --- activity_source.c: customers --- */
/* Fails where a column that the definition reads of the relation is gone. */
extern void activity_require_columns(const ActivityTableDef *def, Oid relation);
/* A column of the alias, as its own type where that is a narrower number: to be compared with keys by an index. */
extern char *activity_key_expression(Oid relation, const char *alias, const char *column, KeyType type);
/* What rules want of a customer as jsonb, over a row of the shop's customers with the alias c. */
extern char *customer_attributes_expression(const ActivityTableDef *def, const CustomerWant *want);
/* Rows of customers: key, and what is wanted of them; ascending by key, each once, good until the next. */
typedef struct CustomerRows CustomerRows;
extern CustomerRows *customer_rows_open(const ActivityTableDef *def, const CustomerWant *want);
extern bool customer_rows_next(CustomerRows *rows, Customer *customer);
extern void customer_rows_close(CustomerRows *rows);

/* Order of keys: numbers by value, others by bytes. */
extern int	activity_key_compare(KeyType type, Datum a, Datum b);

/* --- activity_build.c --- */
/* What the shop says about a key (activity NULL: it is no customer), and the row of the table (NULL: none); never neither. */
typedef void (*ActivityJoinSink) (void *arg, Datum key, const unsigned char *activity, size_t size, HeapTuple old);

/* Every key of either side once, ascending, in bounded memory.  Rows that the sink writes to the table are not seen. */
extern void activity_join(const ActivityTableDef *def, Relation relation, ActivityJoinSink sink, void *arg);

/* --- rows of the table (activity_rows.c) --- */
extern void activity_require_layout(const ActivityTableDef *def);
/* exists, activity, ordinal; the activity is in the row, or detoasted in the current context. */
extern void activity_row_read(const ActivityTableDef *def, Relation relation, HeapTuple tuple, Customer *customer);
/* Nothing is written where nothing differs; returns whether it wrote.  A customer that does not exist is deleted. */
extern bool activity_row_write(const ActivityTableDef *def, TableWriter *writer, HeapTuple old, const Customer *customer);

/* --- otherwise --- */
extern void activity_verify(const ActivityTableDef *def, VerifySink sink, void *arg);
extern char *activity_definition(const ActivityTableDef *def);	/* for status */
/* The customer's rows are deleted: takes it out of the table and of all segments now.  Returns the rows that went or changed. */
extern int64 activity_erase(const ActivityTableDef *def, Datum key);
/* Tables against DDL alone; false where it is gone. */
extern bool activity_lock_tables(int32 id);

#endif							/* PERSONALIZE_ACTIVITY_SOURCE_H */
