/*
 * popularity_counts.h
 *		What the files of popularity share: counters in memory and in their table, segments of baskets, lists.
 */
#ifndef PERSONALIZE_POPULARITY_COUNTS_H
#define PERSONALIZE_POPULARITY_COUNTS_H

#include "postgres.h"

#include "executor/spi.h"

#include "kernel/counter_row.h"
#include "model/popularity.h"
#include "model/table_writer.h"

/* --- popularity.c --- */
/* From the half-lives. */
extern void popularity_set_decay(PopularityDef *def);

/* --- popularity_refresh.c: as followers --- */
extern void *popularity_begin(struct RefreshGroup *group, FollowerDef *def);
extern void popularity_change(void *state, const FollowerChange *change);
extern void popularity_finish(void *state, RefreshReport *report);
/* --- popularity_build.c: the same --- */
extern void popularity_build(struct RefreshGroup *group, FollowerDef *def, RefreshReport *report);
extern void popularity_verify(FollowerDef *def, VerifySink sink, void *arg);

/* --- popularity_counts.c: counters in memory --- */
typedef struct CounterSet CounterSet;

/* The whole shop, in any set. */
#define SEGMENT_SHOP 0

/* Memory for counters alone; segments and their names come on top. */
extern CounterSet *counters_create(MemoryContext context, Size memory);
extern void counters_free(CounterSet *set);
/* The number of a segment, an array of texts without nulls; those that it is part of get numbers as well. */
extern uint32 counters_segment(CounterSet *set, Datum segment);
/* In the current context. */
extern Datum counters_segment_datum(const CounterSet *set, uint32 segment);
/*
 * Adds what a basket counts in its segment and all that this is part of, or (sign -1) takes it away; items of [first, end).
 * target: NULL without one.
 */
extern void counters_add_basket(CounterSet *set, const PopularityDef *def, uint32 segment, int sign, const HistoryRow *row,
								const HistoryRow *target, uint32 first, uint32 end);
/* A time within the days that there are: it may be infinite. */
extern TimestampTz counters_time(TimestampTz time);
/* The same as counters_add_basket for the time of the basket's last event; what has expired is passed over only with `expire`.  Whether it has. */
extern bool counters_add_time(CounterSet *set, const PopularityDef *def, int sign, const HistoryRow *row, bool expire);
extern bool counters_are_full(const CounterSet *set);
/* Forgets what is not below `end`, in an upper half of the items from `first` on; returns the new end. */
extern uint32 counters_shrink(CounterSet *set, uint32 first, uint32 end);
extern void counters_clear(CounterSet *set);
/* Adds the set to the table, and empties it.  The active snapshot has to be moved on before the next. */
extern void counters_apply(CounterSet *set, const PopularityDef *def);
/* One row of the table; fails, naming it, where it is damaged. */
typedef struct CounterTableRow
{
	int32		chunk;
	int			what;
	CounterRow	row;
} CounterTableRow;

extern void counters_read_row(Env *env, Relation relation, HeapTuple tuple, CounterTableRow *row);
/* Makes a row that is there hold other counters, or goes without it where there are none. */
extern void counters_replace_row(TableWriter *writer, HeapTuple old, const CounterRow *row);
/*
 * Makes the table hold, for items of [first, end), exactly this; or with a sink only says where it does not.  Rows that are right
 * stay as they are.
 */
extern void counters_replace(CounterSet *set, const PopularityDef *def, const ItemTable *items, uint32 first, uint32 end,
							 VerifySink sink, void *arg);

/* --- popularity_segments.c --- */
/* "{GB,25-34}", for people. */
extern char *segment_text(Datum segment);
/* Called once for each basket that the segments relation has, with its segment, which has a value at least. */
typedef void (*SegmentSink) (void *arg, Datum basket, Datum segment);
/* As the current user, by the active snapshot. */
extern void segments_fetch(const PopularityDef *def, KeyType basket_type, const Datum *baskets, int n, SegmentSink sink, void *arg);
/* The same of one basket, with a statement that is made at the first call and kept in *plan, for SPI_freeplan; (Datum) 0: none. */
extern Datum segments_fetch_one(const PopularityDef *def, KeyType basket_type, Datum basket, SPIPlanPtr *plan);
/* Type of a column that segments may go by. */
extern bool segment_type_fits(Oid type);

/* Where baskets were counted. */
typedef struct Members
{
	TableWriter *writer;		/* NULL: read only */
	Relation	relation;
	KeyScan    *scan;
	HeapTuple	tuple;			/* that members_find found; good until the next */
} Members;

extern void members_open(Members *members, Oid relation, bool write);
extern void members_close(Members *members);
/* The segment of a basket, in the current context; NULL: the whole shop. */
extern ArrayType *members_find(Members *members, Datum basket);
/* After members_find of the same basket; segment NULL: no row.  Returns whether it wrote. */
extern bool members_set(Members *members, Datum basket, ArrayType *segment);

/* --- popularity_time.c --- */
/*
 * Scores are of the time of the last event, or of now if that is earlier: what has no new events for long is ranked as it was, and no
 * event of the future makes all others old.  False where no counter tells when the last event was.
 */
extern bool popularity_last_quarter(const PopularityDef *def, int32 *quarter);
/* Sets as_of and the epochs that count from then on; `any`: there is an event, in that quarter.  Returns whether anything has moved. */
extern bool popularity_set_time(PopularityDef *def, bool any, int32 quarter);
/* Counters of epochs that have gone by for good. */
extern void popularity_delete_expired(const PopularityDef *def);

/* --- popularity_face.c --- */
/* From the counters to the lists, at def->as_of.  Returns rows written. */
extern int64 popularity_write_faces(const PopularityDef *def, ItemTable *items);
/* Says where the lists are not what the counters say. */
extern void popularity_compare_faces(const PopularityDef *def, ItemTable *items, VerifySink sink, void *arg);

#endif							/* PERSONALIZE_POPULARITY_COUNTS_H */
