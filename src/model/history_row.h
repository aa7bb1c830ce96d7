/*
 * history_row.h
 *		The row of a history that the interactions of a basket make: one way for builds,
 *		refreshes and proofs.
 */
#ifndef PERSONALIZE_HISTORY_ROW_H
#define PERSONALIZE_HISTORY_ROW_H

#include "postgres.h"

#include "model/item_table.h"
#include "model/model_rows.h"
#include "model/source.h"

/*
 * All rows of the basket that its source has, with final codes and their keys' order, which are sorted and folded in
 * place.  Fails, naming basket and item, where a weight is too large.  row->basket has to be zeroed before the first use.
 */
extern void history_row_make(Env *env, const HistoryDef *history, const ItemTable *items, Datum basket,
							 SourceItem *item, uint32 n, HistoryRow *row);

#endif							/* PERSONALIZE_HISTORY_ROW_H */
