/*
 * table_layout.h
 *		That the tables of catalogs, histories and models still look as they were made.
 *
 * They belong to the shop, and nothing keeps an owner from changing the type of a column or dropping a key.  Rows are read and
 * written here by place and type, so each table is looked at once after it is locked and before it is used.
 */
#ifndef PERSONALIZE_TABLE_LAYOUT_H
#define PERSONALIZE_TABLE_LAYOUT_H

#include "postgres.h"

#include "utils/rel.h"

#include "model/registry.h"

/* These fail with ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE; AccessShareLock on the tables stays until the end of the transaction. */
extern void layout_require_catalog(const CatalogDef *catalog);
extern void layout_require_history(const HistoryDef *history);
extern void layout_require_log(Relation log, KeyType type);
extern void layout_require_model(const ModelDef *model);
/* Any other: the types of its first columns, none of which may be null; the first num_keys of them are its primary key. */
extern void layout_require_table(Oid table, int num_columns, const Oid *type, int num_keys);

/*
 * For those who write as the owner of a history or activity table: indexes of these tables may run functions, so whoever owns a table must not be able
 * to lend himself the rights of another.  A superuser has them anyway.
 */
extern void layout_require_owner(Oid table, Oid whose);

/* A log with keys of that type; 0: of any.  No failure, because a writer of the shop asks. */
extern bool layout_is_log(Relation relation, KeyType type);

#endif							/* PERSONALIZE_TABLE_LAYOUT_H */
