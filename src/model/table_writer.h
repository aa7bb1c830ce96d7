/*
 * table_writer.h
 *		Rows into our own tables without the executor: heap and all indexes, also those
 *		that a user has added; row triggers of users do not fire.
 *
 * Inserts are gathered and written many at a time.  Key columns are found through the primary key's index.
 */
#ifndef PERSONALIZE_TABLE_WRITER_H
#define PERSONALIZE_TABLE_WRITER_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct TableWriter TableWriter;

/* Opens the table with RowExclusiveLock, which stays until the end of the transaction. */
extern TableWriter *table_writer_open(Oid relation);
extern Relation table_writer_relation(const TableWriter *writer);
/* Memory for what a row is made of; reset whenever a row has been written. */
extern MemoryContext table_writer_scratch(const TableWriter *writer);
/* Arrays for a row, a place for each column of the table: all null, none replaced.  `replace` may be NULL. */
extern void table_writer_blank(TableWriter *writer, Datum **values, bool **nulls, bool **replace);
/* Values are copied.  All of the table's columns must be there, also those that an owner has added. */
extern void table_writer_insert(TableWriter *writer, const Datum *values, const bool *nulls);
/* `old` is a row as found by a scan or key_scan; columns that are not replaced keep their values, toasted ones by pointer. */
extern void table_writer_update(TableWriter *writer, HeapTuple old, const Datum *values, const bool *nulls, const bool *replace);
extern void table_writer_delete(TableWriter *writer, HeapTuple old);
/* Writes what was gathered; must come before anyone looks for it.  Makes it visible to later commands of the transaction. */
extern void table_writer_flush(TableWriter *writer);
extern void table_writer_close(TableWriter *writer);

/*
 * Look-ups by primary key: one key after the other, best in ascending order.  num_keys is how many leading columns of the
 * key are given, with 0 all rows come, in the order of the key.  Keys must stay where they are, and tuples are good, until the next
 * call; NULL: there is none (any more).  Snapshot NULL: the active one, which must then stay pushed.
 */
typedef struct KeyScan KeyScan;

extern KeyScan *key_scan_open(Relation relation, int num_keys, Snapshot snapshot);
/* By another column of ours that has a unique index to itself. */
extern KeyScan *key_scan_open_column(Relation relation, AttrNumber column, Snapshot snapshot);
/* Rows of which a column of ours is at most the key, in its order, by the index that leads with it. */
extern KeyScan *key_scan_open_up_to(Relation relation, AttrNumber column, Snapshot snapshot);
extern void key_scan_start(KeyScan *scan, const Datum *keys);
extern HeapTuple key_scan_next(KeyScan *scan);
extern void key_scan_close(KeyScan *scan);

#endif							/* PERSONALIZE_TABLE_WRITER_H */
