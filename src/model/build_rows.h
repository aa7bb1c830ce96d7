/*
 * build_rows.h
 *		All interactions of a history, read once and handed out basket by basket.
 */
#ifndef PERSONALIZE_BUILD_ROWS_H
#define PERSONALIZE_BUILD_ROWS_H

#include "postgres.h"

#include "base/progress.h"
#include "model/item_table.h"
#include "model/model_rows.h"
#include "model/registry.h"

typedef struct BuildRows BuildRows;

/*
 * Reads everything from history->horizon_start on with the active snapshot, within maintenance_work_mem; the rest goes to a
 * temporary file.  Items get codes of `items` as they come, new ones at its end.  Memory in a child of `context`.
 */
extern BuildRows *build_rows_read(MemoryContext context, const HistoryDef *history, ItemTable *items);
/* Rows read in which the item of that code stood. */
extern uint64 build_rows_of_item(const BuildRows *rows, uint32 code);
/* Other codes for the items: `code` by the codes of before (NULL: the same), those of `items`. */
extern void build_rows_renumber(BuildRows *rows, const uint32 *code, ItemTable *items);
/*
 * The next basket and its row, also where nothing is in it (size 0): false at the end.  Numbers come in the order of their values,
 * other keys in that of build_rows_keys.  Good until the next call.
 */
extern bool build_rows_next(BuildRows *rows, Datum *basket, HistoryRow *row);
/* All baskets, where their keys are no numbers. */
extern const Keyset *build_rows_keys(const BuildRows *rows);
extern void build_rows_end(BuildRows *rows);

/* The phase, whoever has begun to report; returns what progress_end takes. */
static inline bool
build_phase(ProgressPhase phase)
{
	bool		begun = progress_begin(phase);

	if (!begun)
		progress_phase(phase);
	return begun;
}

#endif							/* PERSONALIZE_BUILD_ROWS_H */
