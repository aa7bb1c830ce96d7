/*
 * verify.h
 *		What the files of verify() share.
 */
#ifndef PERSONALIZE_VERIFY_H
#define PERSONALIZE_VERIFY_H

#include "postgres.h"

#include "model/build.h"
#include "model/item_table.h"

/* Every basket that is not pending; items that are new get codes at the end of `items`, which are not stored. */
extern void verify_history(const HistoryDef *history, ItemTable *items, VerifySink sink, void *arg);
extern char *verify_key_text(KeyType type, Datum key);

#endif							/* PERSONALIZE_VERIFY_H */
