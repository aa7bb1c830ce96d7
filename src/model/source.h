/*
 * source.h
 *		Interactions, read from the shop's tables with the active snapshot.
 *
 * One place makes the statements: filter by event and horizon, weights, names quoted.  Rows with a NULL basket or item,
 * or without a time where there are times, do not count.
 */
#ifndef PERSONALIZE_SOURCE_H
#define PERSONALIZE_SOURCE_H

#include "postgres.h"

#include "storage/block.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"

#include "model/registry.h"

typedef struct SourceRow
{
	Datum		basket;			/* of the history's key types */
	Datum		item;
	TimestampTz happened;		/* DT_NOBEGIN without times */
	int64		weight;			/* of the row, already multiplied by that of its event; may be negative or 0 */
} SourceRow;

/* Called for every row; Datums are good until it returns. */
typedef void (*SourceSink) (void *arg, const SourceRow *row);

/*
 * A column with keys, as the key type, in a form that can be compared with keys by bytes and still use its index.
 * `alias` is that of the relation.  Fails where there is no such column.
 */
extern char *source_key_expression(Oid relation, const char *alias, const char *column, KeyType type);

/* --- statements of whoever reads the shop's tables; SPI is connected --- */
/* Keys as a parameter, an array of the key type. */
extern Datum source_key_array(KeyType type, const Datum *keys, int n);
/* A generic plan, prepared once in a session. */
extern SPIPlanPtr source_kept_plan(const char *text, int num_parameters, Oid *types);
/* A row of a statement; in a context that is reset after it. */
typedef void (*SourceTake) (void *arg, const Datum *values, const bool *nulls);
/* All rows of an open portal, which is closed then. */
extern void source_drain(Portal portal, SourceTake take, void *arg);

/* --- interactions of a history --- */
/* Reads everything, in no order; returns the number of rows. */
extern uint64 source_scan(const HistoryDef *history, TimestampTz horizon_start, SourceSink sink, void *arg);
/*
 * Whether processes can each read some blocks of the table by themselves, and find all rows between them: *num_blocks of them, where
 * a last part goes to the end whatever it is.
 */
extern bool source_has_parts(const HistoryDef *history, BlockNumber *num_blocks);
/* Blocks from `first` on, up to `end` or, where that is InvalidBlockNumber, all. */
extern uint64 source_scan_part(const HistoryDef *history, BlockNumber first, BlockNumber end, SourceSink sink, void *arg);
/* The rows of these baskets, ordered by basket as its type orders. Plans are kept for the session. */
extern uint64 source_fetch(const HistoryDef *history, TimestampTz horizon_start, const Datum *baskets, int n,
						   SourceSink sink, void *arg);
/* Whether any row of that basket is there, whatever its event or time. */
extern bool source_has(const HistoryDef *history, Datum basket);

/*
 * The definition of a basket, shared by all who make one: rows of one basket become its distinct items, weights added up,
 * items of weight <= 0 left out, the last event's time; cut to the max_basket most recent by (happened, item); positions by
 * (happened, item).  Weights past 2^32 - 1 fail, naming basket and item.
 */
typedef struct SourceItem
{
	uint64		key;			/* orders as the items' type does: for codes of keysets, their place */
	uint32		code;			/* what goes into the basket */
	TimestampTz happened;
	int64		weight;
} SourceItem;

/*
 * Sorts and folds `items` in place; returns how many are left, in the order of the sequence (happened, key); in any, where there are
 * no times.
 * Where *too_heavy one of them weighs more than 2^32 - 1, and they are in no order that matters.
 */
extern uint32 source_make_basket(SourceItem *items, uint32 n, int32 max_basket, bool *too_heavy);
/* Fails: the item weighs too much in that basket. */
extern void source_too_heavy(const HistoryDef *history, Datum basket, Datum item);
/* Day of an event, days since 2000-01-01 UTC, within 1970 to 2099; 0 for DT_NOBEGIN. */
#define SOURCE_FIRST_DAY (-10957)
#define SOURCE_LAST_DAY 36524
extern int32 source_day(TimestampTz happened);

#endif							/* PERSONALIZE_SOURCE_H */
