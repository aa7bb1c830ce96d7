/*
 * model_rows.c
 *		Not there yet.
 */
#include "base/compat.h"

#include "model/model_rows.h"

void
history_row_read(Env *env, Relation relation, HeapTuple tuple, HistoryRow *row)
{
	elog(ERROR, "history_row_read is not there yet");
}

bool
history_row_write(TableWriter *writer, HeapTuple old, Datum key, const HistoryRow *row)
{
	elog(ERROR, "history_row_write is not there yet");
}

void
pair_table_row_read(Relation relation, HeapTuple tuple, bool want_base, PairTableRow *row)
{
	elog(ERROR, "pair_table_row_read is not there yet");
}

void
pair_table_insert(TableWriter *writer, bool directed, const PairTableRow *row)
{
	elog(ERROR, "pair_table_insert is not there yet");
}

void
pair_table_update(TableWriter *writer, HeapTuple old, bool directed, bool new_base, const PairTableRow *row)
{
	elog(ERROR, "pair_table_update is not there yet");
}

void
pair_table_decode(Env *env, Relation relation, const PairTableRow *row, PairRow *out)
{
	elog(ERROR, "pair_table_decode is not there yet");
}

bool
face_row_write(TableWriter *writer, HeapTuple old, const ItemTable *items, const FaceRow *row)
{
	elog(ERROR, "face_row_write is not there yet");
}

void
face_row_read(Relation relation, HeapTuple tuple, const ItemTable *items, FaceRow *row)
{
	elog(ERROR, "face_row_read is not there yet");
}

PG_FUNCTION_INFO_V1(personalize_basket_items);

Datum
personalize_basket_items(PG_FUNCTION_ARGS)
{
	elog(ERROR, "personalize_basket_items is not there yet");
}
