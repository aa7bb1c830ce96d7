/*
 * model_rows.c
 *		Rows of histories and pair tables.
 *
 * An owner may write to these tables by hand, so whatever comes out of them is checked; nothing is written
 * that is there already, so that a refresh costs WAL for what it changes only.
 */
#include "base/compat.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "model/model_rows.h"

/* What a column holds, for messages. */
char *
model_row_column(Relation relation, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(relation), &isnull);
	Oid			output;
	bool		is_varlena;

	if (isnull)
		return pstrdup("NULL");
	getTypeOutputInfo(TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/* Readers are of bare bytes, and a column wants its header before them. */
static Datum
bytea_datum(const unsigned char *bytes, size_t size)
{
	bytea	   *value = palloc(VARHDRSZ + size);

	SET_VARSIZE(value, VARHDRSZ + size);
	memcpy(VARDATA(value), bytes, size);
	return PointerGetDatum(value);
}

/* Sizes first: they differ nearly always, and a toasted value says its own without being fetched. */
void
model_row_damaged(Relation relation, HeapTuple tuple, int item_column, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("model %s is damaged at item %s", registry_name(RelationGetRelid(relation)),
					model_row_column(relation, tuple, item_column)),
			 errdetail_internal("%s", detail),
			 errhint("Only personalize should write to a model. Refresh it with rebuild => true.")));
}

bool
model_row_same_bytes(Datum old, bool isnull, Datum new)
{
	struct varlena *value;

	if (isnull || toast_raw_datum_size(old) != VARSIZE(DatumGetPointer(new)))
		return false;
	value = PG_DETOAST_DATUM_PACKED(old);
	return memcmp(VARDATA_ANY(value), VARDATA(DatumGetPointer(new)), VARSIZE_ANY_EXHDR(value)) == 0;
}

/* --- histories --- */

/* A history without times, or without a horizon, has none there. */
static TimestampTz
read_time(Relation relation, HeapTuple tuple, int column)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(relation), &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

/* Nothing but what is left of a basket that may come back says nothing. */
static bool
read_items(Env *env, WireReader *reader, HistoryRow *row)
{
	row->basket.size = 0;
	if (wire_left(reader) == 0)
		return row->oldest != DT_NOBEGIN;
	return basket_decode(env, reader, &row->basket);
}

void
history_row_read(Env *env, Relation relation, HeapTuple tuple, HistoryRow *row)
{
	bool		isnull;
	Datum		items = heap_getattr(tuple, HISTORY_ITEMS, RelationGetDescr(relation), &isnull);
	bytea	   *bytes = isnull ? NULL : DatumGetByteaPP(items);
	WireReader	reader = isnull ? wire_reader("", 0) : wire_reader(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));

	row->happened = read_time(relation, tuple, HISTORY_HAPPENED);
	row->oldest = read_time(relation, tuple, HISTORY_OLDEST);
	if (isnull || !read_items(env, &reader, row))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("history %s is damaged at basket %s", registry_name(RelationGetRelid(relation)),
						model_row_column(relation, tuple, HISTORY_BASKET)),
				 errdetail("Its items are no basket."),
				 errhint("Make it again: CALL personalize.refresh(%s, rebuild => true).",
						 quote_literal_cstr(registry_name(RelationGetRelid(relation))))));
	/* a copy that detoasting made */
	if ((Pointer) bytes != DatumGetPointer(items))
		pfree(bytes);
}

/* Entries ascend: the last is the largest. */
void
history_row_guard_codes(Relation relation, const HistoryRow *row, uint32 num_items)
{
	const Basket *b = &row->basket;

	if (b->size > 0 && b->entry[b->size - 1].code >= num_items)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s holds item code %u, which its catalog does not have",
						registry_name(RelationGetRelid(relation)), b->entry[b->size - 1].code),
				 errdetail("The catalog has %u items.", num_items),
				 errhint("Make it again: CALL personalize.refresh(%s, rebuild => true).",
						 quote_literal_cstr(registry_name(RelationGetRelid(relation))))));
}

/* Encoded in place: the bytes follow the header, whose size is known only then.  No item, no byte. */
static Datum
basket_datum(const Basket *basket)
{
	bytea	   *value = palloc(VARHDRSZ + basket_encoded_room(basket->size));
	unsigned char *end = (unsigned char *) VARDATA(value);

	if (basket->size > 0)
		end = basket_encode(basket, end);
	SET_VARSIZE(value, end - (unsigned char *) value);
	return PointerGetDatum(value);
}

static void
set_time(Datum *values, bool *nulls, int column, TimestampTz time)
{
	values[column - 1] = TimestampTzGetDatum(time);
	nulls[column - 1] = TIMESTAMP_IS_NOBEGIN(time);
}

/* Which columns differ from the old row; false where none does. */
static bool
history_row_differs(Relation relation, HeapTuple old, const HistoryRow *row, Datum items, bool *replace)
{
	bool		isnull;
	Datum		old_items = heap_getattr(old, HISTORY_ITEMS, RelationGetDescr(relation), &isnull);

	replace[HISTORY_ITEMS - 1] = !model_row_same_bytes(old_items, isnull, items);
	replace[HISTORY_HAPPENED - 1] = read_time(relation, old, HISTORY_HAPPENED) != row->happened;
	replace[HISTORY_OLDEST - 1] = read_time(relation, old, HISTORY_OLDEST) != row->oldest;
	return replace[HISTORY_ITEMS - 1] || replace[HISTORY_HAPPENED - 1] || replace[HISTORY_OLDEST - 1];
}

/* A basket that is empty and had no row: nothing to do. */
static bool
delete_row(TableWriter *writer, HeapTuple old)
{
	if (old != NULL)
		table_writer_delete(writer, old);
	return old != NULL;
}

/*
 * Baskets are written in one form only, so equal bytes are equal baskets, and a rebuild leaves alone
 * what is right already.
 */
bool
history_row_write(TableWriter *writer, HeapTuple old, Datum key, const HistoryRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	bool		wrote = true;
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	if (!history_row_exists(row))
	{
		MemoryContextSwitchTo(caller);
		return delete_row(writer, old);
	}
	table_writer_blank(writer, &values, &nulls, &replace);
	values[HISTORY_BASKET - 1] = key;
	values[HISTORY_ITEMS - 1] = basket_datum(&row->basket);
	nulls[HISTORY_BASKET - 1] = nulls[HISTORY_ITEMS - 1] = false;
	set_time(values, nulls, HISTORY_HAPPENED, row->happened);
	set_time(values, nulls, HISTORY_OLDEST, row->oldest);
	if (old == NULL)
		table_writer_insert(writer, values, nulls);
	else if (history_row_differs(table_writer_relation(writer), old, row, values[HISTORY_ITEMS - 1], replace))
		table_writer_update(writer, old, values, nulls, replace);
	else
		wrote = false;
	MemoryContextSwitchTo(caller);
	/* where nothing was written, nobody else does it */
	MemoryContextReset(table_writer_scratch(writer));
	return wrote;
}

/* --- pair tables --- */

/* Into the page of the tuple where the value is short, into a copy where it is compressed or in TOAST. */
static WireReader
read_bytes(Datum value, bool isnull)
{
	bytea	   *bytes;

	if (isnull)
		return wire_reader("", 0);
	bytes = DatumGetByteaPP(value);
	return wire_reader(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

/*
 * Only the base can be long enough to be worth leaving out: to fetch it costs many times what the row does.  The columns
 * are taken at once, since behind one that may be NULL each would be looked for from the row's start.
 */
void
pair_table_row_read(Relation relation, HeapTuple tuple, bool want_base, PairTableRow *row)
{
	Datum		values[MaxHeapAttributeNumber];
	bool		nulls[MaxHeapAttributeNumber];

	heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
	/* the key is not null; the others may be, where a kind of model has no use for them */
	row->item = (uint32) DatumGetInt32(values[PAIRS_ITEM - 1]);
	row->generation = DatumGetInt32(values[PAIRS_GENERATION - 1]);
	row->n = nulls[PAIRS_N - 1] ? 0 : DatumGetInt64(values[PAIRS_N - 1]);
	row->n_target = nulls[PAIRS_N_TARGET - 1] ? row->n : DatumGetInt64(values[PAIRS_N_TARGET - 1]);
	row->floor = nulls[PAIRS_FLOOR - 1] ? NAN : DatumGetFloat8(values[PAIRS_FLOOR - 1]);
	row->drift = nulls[PAIRS_DRIFT - 1] ? 0 : DatumGetInt64(values[PAIRS_DRIFT - 1]);
	row->base = read_bytes(values[PAIRS_BASE - 1], nulls[PAIRS_BASE - 1] || !want_base);
	row->delta = read_bytes(values[PAIRS_DELTA - 1], nulls[PAIRS_DELTA - 1]);
}

/* All but the base, which may be large. */
static void
set_pair_columns(Datum *values, bool *nulls, bool directed, const PairTableRow *row)
{
	values[PAIRS_ITEM - 1] = Int32GetDatum((int32) row->item);
	values[PAIRS_GENERATION - 1] = Int32GetDatum(row->generation);
	values[PAIRS_N - 1] = Int64GetDatum(row->n);
	values[PAIRS_N_TARGET - 1] = Int64GetDatum(row->n_target);
	values[PAIRS_FLOOR - 1] = Float8GetDatum(row->floor);
	values[PAIRS_DRIFT - 1] = Int64GetDatum(row->drift);
	values[PAIRS_DELTA - 1] = bytea_datum(row->delta.at, wire_left(&row->delta));
	memset(nulls, false, PAIRS_NUM_COLUMNS * sizeof(bool));
	nulls[PAIRS_N_TARGET - 1] = !directed;
	nulls[PAIRS_FLOOR - 1] = isnan(row->floor);
}

/* The writer decides when it goes to the table, and has its own copy by then. */
void
pair_table_insert(TableWriter *writer, bool directed, const PairTableRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	Datum	   *values;
	bool	   *nulls;

	table_writer_blank(writer, &values, &nulls, NULL);
	set_pair_columns(values, nulls, directed, row);
	values[PAIRS_BASE - 1] = bytea_datum(row->base.at, wire_left(&row->base));
	MemoryContextSwitchTo(caller);
	table_writer_insert(writer, values, nulls);
}

/* Numbers are written anyway; base and delta may stand in TOAST, where they stay if they are the same. */
void
pair_table_update(TableWriter *writer, HeapTuple old, bool directed, bool new_base, const PairTableRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	TupleDesc	columns = RelationGetDescr(table_writer_relation(writer));
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;
	bool		isnull;
	Datum		old_delta = heap_getattr(old, PAIRS_DELTA, columns, &isnull);

	table_writer_blank(writer, &values, &nulls, &replace);
	set_pair_columns(values, nulls, directed, row);
	for (int c = PAIRS_N; c <= PAIRS_DRIFT; c++)
		replace[c - 1] = true;
	replace[PAIRS_DELTA - 1] = !model_row_same_bytes(old_delta, isnull, values[PAIRS_DELTA - 1]);
	replace[PAIRS_BASE - 1] = new_base;
	if (new_base)
		values[PAIRS_BASE - 1] = bytea_datum(row->base.at, wire_left(&row->base));
	MemoryContextSwitchTo(caller);
	table_writer_update(writer, old, values, nulls, replace);
}

/* Codes and generations in the message, as that is what the table's key says. */
void
pair_table_decode(Env *env, Relation relation, const PairTableRow *row, PairRow *out)
{
	if (!pair_row_decode(env, row->base, row->delta, out))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("pair table %s is damaged at item code %u, generation %d",
						registry_name(RelationGetRelid(relation)), row->item, row->generation),
				 errdetail("Its bytes are no row of counts."),
				 errhint("Refresh the history with rebuild => true.")));
}
