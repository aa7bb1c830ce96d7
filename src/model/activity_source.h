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
/* Whether any relation with events or scores, or that of the customers, has a row of the key. */
extern char *activity_events_where(const ActivityTableDef *def, Datum key);
/* As they stand in the table: without header, in env.  `events` are folded. */
extern const unsigned char *activity_events_fold(Env *env, ActivityEvents *events, const ActivityNames *names, size_t *size);

/* --- activity_source.c: customers --- */
/* `value` is a column of the alias, with a cast where the key's type is wider; good for comparing with keys by an index. */
extern char *activity_key_expression(Oid relation, const char *alias, const char *column, KeyType type);
/* Keys as a parameter of a statement. */
extern Datum activity_key_array(KeyType type, const Datum *keys, int n);
extern void activity_duplicate_customer(const ActivityTableDef *def, Datum key) pg_attribute_noreturn();
/* All keys of customers, ascending, each once. */
typedef struct CustomerKeys CustomerKeys;
extern CustomerKeys *customer_keys_open(const ActivityTableDef *def);
extern bool customer_keys_next(CustomerKeys *keys, Datum *key);
extern void customer_keys_close(CustomerKeys *keys);

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
