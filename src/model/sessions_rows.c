/*
 * sessions_rows.c
 *		Rows of nearest sessions: lists of keys and times.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "model/sessions.h"

/* --- order ----------------------------------------------------------------- */

/* Texts by bytes, as their column has COLLATE "C". */
static int
compare_texts(Datum a, Datum b)
{
	text	   *x = DatumGetTextPP(a);
	text	   *y = DatumGetTextPP(b);
	Size		x_size = VARSIZE_ANY_EXHDR(x);
	Size		y_size = VARSIZE_ANY_EXHDR(y);
	int			order = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), Min(x_size, y_size));

	return order != 0 ? order : (x_size > y_size) - (x_size < y_size);
}

static int
compare_keys(KeyType type, Datum a, Datum b)
{
	int64		x;
	int64		y;

	if (type == KEY_TEXT)
		return compare_texts(a, b);
	if (type == KEY_UUID)
		return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN);
	x = key_number(type, a);
	y = key_number(type, b);
	return (x > y) - (x < y);
}

int
sessions_compare(KeyType type, const SessionEntry *a, const SessionEntry *b)
{
	if (a->happened != b->happened)
		return a->happened > b->happened ? -1 : 1;
	return compare_keys(type, a->key, b->key);
}

static int
compare_entries(const void *a, const void *b, void *type)
{
	return sessions_compare(*(KeyType *) type, a, b);
}

void
sessions_sort(KeyType type, SessionEntry *entry, uint32 n)
{
	qsort_arg(entry, n, sizeof(SessionEntry), compare_entries, &type);
}

/* --- reading --------------------------------------------------------------- */

static Datum *
read_list(Relation relation, HeapTuple tuple, int column, Oid type, uint32 *size)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(relation), &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(value);
	int16		length;
	bool		byval;
	char		align;
	Datum	   *elements;
	int			n;

	if (isnull || ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != type)
		model_row_damaged(relation, tuple, SESSIONS_ITEM, "A list is no array of one dimension without nulls.");
	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(array, type, length, byval, align, &elements, NULL, &n);
	*size = n;
	return elements;
}

/* Keys point into the row, or into a copy in the current memory context. */
void
sessions_row_read(const SessionsDef *def, Relation relation, HeapTuple tuple, SessionsRow *row)
{
	bool		isnull;
	Datum		n = heap_getattr(tuple, SESSIONS_N, RelationGetDescr(relation), &isnull);
	uint32		num_times;
	Datum	   *key;
	Datum	   *happened;

	if (isnull)
		model_row_damaged(relation, tuple, SESSIONS_ITEM, "It has no n.");
	row->n = DatumGetFloat8(n);
	key = read_list(relation, tuple, SESSIONS_SESSIONS, key_type_oid(def->basket_type), &row->size);
	happened = read_list(relation, tuple, SESSIONS_HAPPENED, TIMESTAMPTZOID, &num_times);
	if (num_times != row->size)
		model_row_damaged(relation, tuple, SESSIONS_ITEM, "Its lists are not of one length.");
	row->entry = palloc((row->size + 1) * sizeof(SessionEntry));
	for (uint32 i = 0; i < row->size; i++)
		row->entry[i] = (SessionEntry) {DatumGetTimestampTz(happened[i]), key[i]};
	pfree(key);
	pfree(happened);
}

/* --- writing --------------------------------------------------------------- */

static Datum
list_datum(const SessionsRow *row, bool keys, Oid type)
{
	Datum	   *elements = palloc((row->size + 1) * sizeof(Datum));
	int16		length;
	bool		byval;
	char		align;

	for (uint32 i = 0; i < row->size; i++)
		elements[i] = keys ? row->entry[i].key : TimestampTzGetDatum(row->entry[i].happened);
	get_typlenbyvalalign(type, &length, &byval, &align);
	return PointerGetDatum(construct_array(elements, (int) row->size, type, length, byval, align));
}

static void
set_columns(const SessionsDef *def, Datum *values, bool *nulls, Datum key, const SessionsRow *row)
{
	values[SESSIONS_ITEM - 1] = key;
	values[SESSIONS_N - 1] = Float8GetDatum(row->n);
	values[SESSIONS_SESSIONS - 1] = list_datum(row, true, key_type_oid(def->basket_type));
	values[SESSIONS_HAPPENED - 1] = list_datum(row, false, TIMESTAMPTZOID);
	memset(nulls, false, SESSIONS_NUM_COLUMNS * sizeof(bool));
}

/* A row that is the same, bit for bit, stays where it is; a list that is the same stays in TOAST. */
static bool
differs(Relation relation, HeapTuple old, const Datum *values, bool *replace)
{
	TupleDesc	columns = RelationGetDescr(relation);
	bool		isnull;
	Datum		n = heap_getattr(old, SESSIONS_N, columns, &isnull);
	bool		any;

	any = replace[SESSIONS_N - 1] = isnull || DatumGetFloat8(n) != DatumGetFloat8(values[SESSIONS_N - 1]);
	for (int c = SESSIONS_SESSIONS; c <= SESSIONS_HAPPENED; c++)
	{
		Datum		list = heap_getattr(old, c, columns, &isnull);

		replace[c - 1] = !model_row_same_bytes(list, isnull, values[c - 1]);
		any = any || replace[c - 1];
	}
	return any;
}

bool
sessions_row_write(const SessionsDef *def, TableWriter *writer, HeapTuple old, Datum key, const SessionsRow *row)
{
	MemoryContext caller;
	bool		wrote = true;
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	if (row->n == 0)
	{
		if (old != NULL)
			table_writer_delete(writer, old);
		return old != NULL;
	}
	caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	table_writer_blank(writer, &values, &nulls, &replace);
	set_columns(def, values, nulls, key, row);
	if (old == NULL)
		table_writer_insert(writer, values, nulls);
	else if (differs(table_writer_relation(writer), old, values, replace))
		table_writer_update(writer, old, values, nulls, replace);
	else
		wrote = false;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(writer));
	return wrote;
}
