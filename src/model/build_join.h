/*
 * build_join.h
 *		What the shop's tables say about every basket beside what a history's table holds.
 */
#ifndef PERSONALIZE_BUILD_JOIN_H
#define PERSONALIZE_BUILD_JOIN_H

#include "postgres.h"

#include "utils/rel.h"
#include "utils/snapshot.h"

#include "model/build_rows.h"

/* row is of size 0 where the shop has nothing, old NULL where the table has nothing; never both. */
typedef void (*JoinSink) (void *arg, Datum basket, const HistoryRow *row, HeapTuple old);

/* Every basket of either side once.  Rows that the sink writes to the table are not seen. */
extern void build_join(BuildRows *rows, Relation relation, KeyType type, Snapshot snapshot, JoinSink sink, void *arg);

extern bool build_table_is_empty(Relation relation, Snapshot snapshot);

#endif							/* PERSONALIZE_BUILD_JOIN_H */
