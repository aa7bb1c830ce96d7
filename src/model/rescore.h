/*
 * rescore.h
 *		The face of a model after its counts have changed: the same, bit for bit, as if it were
 *		scored anew, with a look only at items whose neighbors can be others.
 */
#ifndef PERSONALIZE_RESCORE_H
#define PERSONALIZE_RESCORE_H

#include "postgres.h"

#include "model/apply.h"
#include "model/item_table.h"

/* After the last apply_changes. Sets report->items. */
extern void rescore_model(ModelApply *apply, const HistoryDef *history, ItemTable *items, RefreshReport *report);

#endif							/* PERSONALIZE_RESCORE_H */
