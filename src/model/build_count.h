/*
 * build_count.h
 *		Counting a model row by row from baskets in one block of memory, which several processes
 *		may share.
 *
 * A CountPlan says what is where in the block; it holds no pointers, so it means the same in
 * every process.  A Counter is what one process works with.
 */
#ifndef PERSONALIZE_BUILD_COUNT_H
#define PERSONALIZE_BUILD_COUNT_H

#include "postgres.h"

#include "base/server_env.h"
#include "model/build_stream.h"
#include "model/item_table.h"
#include "model/score.h"

/* Arrays of the block. */
typedef enum CountArray
{
	COUNT_TOTALS,				/* of the model */
	COUNT_N_SOURCE,				/* by item, in baskets */
	COUNT_N_TARGET,				/* directed only */
	COUNT_ORDER,				/* code -> place among the keys */
	COUNT_START,				/* lists */
	COUNT_ITEM,
	COUNT_WEIGHT,				/* weighted only */
	COUNT_TARGET_START,			/* directed only */
	COUNT_TARGET_ITEM,
	COUNT_TARGET_WEIGHT,
	COUNT_SCALE,				/* of a list, damped only */
	COUNT_ENTRY,				/* instead of items and weights, where days or places count */
	COUNT_TARGET_ENTRY,
	COUNT_POST_START,			/* item -> lists */
	COUNT_POST_LIST,
	COUNT_NUM_ARRAYS
} CountArray;

typedef struct CountPlan
{
	ModelDef	model;			/* totals and pointers of the measure are filled in by whoever opens it */
	char		measure[NAMEDATALEN];
	bool		plain;			/* no days and no places: products of sparse matrices */
	double		sample;			/* see CountInput */
	bool		scores;			/* lists are made with the counts; for ridge they need all rows first */
	uint32		num_items;
	uint64		num_lists;
	uint64		num_entries;
	uint64		num_target_entries;
	Size		at[COUNT_NUM_ARRAYS];	/* in the block */
	Size		size;
	Size		process_memory; /* that each process needs beside the block */
} CountPlan;

/* Fits everything that the survey found. */
extern void count_plan(CountPlan *plan, const ModelDef *model, const BuildSurvey *survey, uint32 num_items);
/* Fills the block: from the histories, what the survey found, and the order of the keys. */
extern void count_fill(const CountPlan *plan, char *block, const HistoryDef *history, const HistoryDef *target,
					   const BuildSurvey *survey, ItemTable *items);

/* The same items in every process and on every server; from 1 on all of them. */
static inline bool
count_is_sampled(double sample, uint32 item)
{
	uint64		hash = (item + UINT64CONST(0x706572736f6e616c)) * UINT64CONST(0x9e3779b97f4a7c15);

	hash = (hash ^ (hash >> 32)) * UINT64CONST(0xd6e8feb86659fd93);
	return (double) ((hash ^ (hash >> 32)) >> 11) < sample * (UINT64CONST(1) << 53);
}

/* All of one item: its counts by generation, packed, and its list. */
typedef struct CountedRow
{
	int32		generation;
	uint32		size;
	const unsigned char *base;
} CountedRow;

typedef struct CountedItem
{
	uint32		item;
	uint32		num_rows;		/* ascending by generation, none empty */
	CountedRow *row;
	uint64		num_pairs;		/* of all rows */
	bool		scored;
	double		floor;
	FaceRow		face;			/* if scored */
} CountedItem;

typedef struct Counter Counter;

extern Counter *counter_create(MemoryContext context, const CountPlan *plan, char *block);
/* Good until the next call. */
extern const CountedItem *counter_count(Counter *counter, uint32 item);
extern void counter_free(Counter *counter);

/* --- making CountedItem out of counts, also for those who count in other ways --- */
typedef struct ItemMaker
{
	ServerEnv	server;
	ModelScorer *scorer;		/* NULL: no lists */
	CountedItem item;
	uint32		rows_room;
	Size	   *base_at;		/* places in bytes, which may move */
	unsigned char *bytes;
	Size		num_bytes;
	Size		bytes_room;
} ItemMaker;

extern void item_maker_init(ItemMaker *maker, MemoryContext context, ModelScorer *scorer);
extern void item_maker_begin(ItemMaker *maker, uint32 item);
/* Ascending by item; generations ascending; empty rows are passed over. */
extern void item_maker_row(ItemMaker *maker, int32 generation, const uint32 *items, const int64 *counts, uint32 n);
extern const CountedItem *item_maker_finish(ItemMaker *maker);

/* --- as one message --- */
extern void counted_item_send(StringInfo out, const CountedItem *item);
/* Refers to the bytes; arrays in the current context. */
extern void counted_item_receive(const void *bytes, Size size, CountedItem *item);

#endif							/* PERSONALIZE_BUILD_COUNT_H */
