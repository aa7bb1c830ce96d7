/*
 * build_gather.h
 *		Rows of the shop's tables on their way to sorted runs, in any process of a build.
 */
#ifndef PERSONALIZE_BUILD_GATHER_H
#define PERSONALIZE_BUILD_GATHER_H

#include "postgres.h"

#include "model/item_table.h"
#include "model/source.h"
#include "value/basket_rows.h"

typedef struct BuildGather
{
	/* immutable */
	ServerEnv	server;
	const HistoryDef *history;
	Size		budget;

	/* mutable */
	ItemTable  *items;
	Keyset		keys;			/* of baskets, if they are no numbers */
	BasketRows	rows;
	uint32	   *direct;			/* codes of small item numbers, KEYSET_NONE where not met; NULL for other keys */
	uint64	   *of_item;		/* rows by code */
	uint32		of_item_room;
	uint64		num_rows;
} BuildGather;

/* *g is zeroed; memory comes from `context`. */
extern void build_gather_begin(BuildGather *g, MemoryContext context, const HistoryDef *history, ItemTable *items, Size budget);
/* A SourceSink. */
extern void build_gather_row(void *gather, const SourceRow *in);
/* So many rows more have an item. */
extern void build_gather_count(BuildGather *g, uint32 code, uint64 num_rows);
/* What is in the buffer becomes a run, too. */
extern void build_gather_end(BuildGather *g);

#endif							/* PERSONALIZE_BUILD_GATHER_H */
