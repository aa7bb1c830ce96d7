/*
 * model_rows_face.c
 *		Rows of face tables: lists of neighbors as arrays of keys, counts and scores.
 *
 * Arrays of a fixed length are laid out here, because a call for each element would be most of the time that
 * it takes to write a model.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "model/model_rows.h"

/* Room for the elements is zeroed: it may be padding. */
static ArrayType *
make_array(Oid type, uint32 n, size_t size)
{
	ArrayType  *array;

	if (n == 0)
		return construct_empty_array(type);
	array = palloc0(ARR_OVERHEAD_NONULLS(1) + size);
	SET_VARSIZE(array, ARR_OVERHEAD_NONULLS(1) + size);
	array->ndim = 1;
	array->elemtype = type;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

/* Numbers of all widths are 64 bits in a keyset; that they fit their type was known when they came in. */
static ArrayType *
number_array(const ItemTable *items, const FaceRow *row)
{
	Oid			type = key_type_oid(items->type);
	size_t		width = items->type == KEY_INT2 ? 2 : items->type == KEY_INT4 ? 4 : 8;
	ArrayType  *array = make_array(type, row->size, row->size * width);
	void	   *element = ARR_DATA_PTR(array);

	for (uint32 i = 0; i < row->size; i++)
	{
		int64		number = items->keys.number[row->neighbor[i].item];

		if (items->type == KEY_INT8)
			((int64 *) element)[i] = number;
		else if (items->type == KEY_INT4)
			((int32 *) element)[i] = (int32) number;
		else
			((int16 *) element)[i] = (int16) number;
	}
	return array;
}

/* Sixteen bytes each, which need no alignment. */
static ArrayType *
uuid_array(const ItemTable *items, const FaceRow *row)
{
	ArrayType  *array = make_array(UUIDOID, row->size, row->size * (size_t) UUID_LEN);
	size_t		size;

	for (uint32 i = 0; i < row->size; i++)
		memcpy(ARR_DATA_PTR(array) + i * UUID_LEN, keyset_bytes(&items->keys, row->neighbor[i].item, &size), UUID_LEN);
	return array;
}

/* Each text has a header of four bytes and begins at a multiple of four. */
static ArrayType *
text_array(const ItemTable *items, const FaceRow *row)
{
	size_t		total = 0;
	size_t		size;
	ArrayType  *array;
	char	   *element;

	for (uint32 i = 0; i < row->size; i++)
	{
		keyset_bytes(&items->keys, row->neighbor[i].item, &size);
		total += INTALIGN(VARHDRSZ + size);
	}
	array = make_array(TEXTOID, row->size, total);
	element = ARR_DATA_PTR(array);
	for (uint32 i = 0; i < row->size; i++)
	{
		const char *bytes = keyset_bytes(&items->keys, row->neighbor[i].item, &size);

		SET_VARSIZE(element, VARHDRSZ + size);
		memcpy(VARDATA(element), bytes, size);
		element += INTALIGN(VARHDRSZ + size);
	}
	return array;
}

static ArrayType *
key_array(const ItemTable *items, const FaceRow *row)
{
	if (key_is_number(items->type))
		return number_array(items, row);
	return items->type == KEY_UUID ? uuid_array(items, row) : text_array(items, row);
}

/* The order of columns is that of how often they change, the least first: an update logs what follows the first difference. */
void
face_lists_set(Datum *values, bool *nulls, const ItemTable *items, const FaceRow *row)
{
	ArrayType  *counts = make_array(FLOAT8OID, row->size, row->size * sizeof(double));
	ArrayType  *scores = make_array(FLOAT8OID, row->size, row->size * sizeof(double));

	for (uint32 i = 0; i < row->size; i++)
	{
		((double *) ARR_DATA_PTR(counts))[i] = row->neighbor[i].count;
		((double *) ARR_DATA_PTR(scores))[i] = row->neighbor[i].score;
	}
	values[FACE_N - 1] = Float8GetDatum(row->n);
	values[FACE_NEIGHBORS - 1] = PointerGetDatum(key_array(items, row));
	values[FACE_COUNTS - 1] = PointerGetDatum(counts);
	values[FACE_SCORES - 1] = PointerGetDatum(scores);
	memset(nulls, false, FACE_NUM_COLUMNS * sizeof(bool));
}

/* Bit for bit, because a refreshed face is the same as a new one. */
bool
face_lists_differ(Relation relation, HeapTuple old, const Datum *values, bool *replace)
{
	TupleDesc	columns = RelationGetDescr(relation);
	bool		isnull;
	double		n = DatumGetFloat8(heap_getattr(old, FACE_N, columns, &isnull));
	double		new_n = DatumGetFloat8(values[FACE_N - 1]);
	bool		any;

	any = replace[FACE_N - 1] = isnull || memcmp(&n, &new_n, sizeof(double)) != 0;
	for (int c = FACE_NEIGHBORS; c <= FACE_SCORES; c++)
	{
		Datum		old_list = heap_getattr(old, c, columns, &isnull);

		replace[c - 1] = !model_row_same_bytes(old_list, isnull, values[c - 1]);
		any = any || replace[c - 1];
	}
	return any;
}

/* An item without a neighbor has a row with empty lists: its n is of use, and readers need not tell it from one unknown. */
bool
face_row_write(TableWriter *writer, HeapTuple old, const ItemTable *items, const FaceRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	bool		wrote = true;
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	table_writer_blank(writer, &values, &nulls, &replace);
	values[FACE_ITEM - 1] = item_table_key(items, row->item);
	face_lists_set(values, nulls, items, row);
	if (old == NULL)
		table_writer_insert(writer, values, nulls);
	else if (face_lists_differ(table_writer_relation(writer), old, values, replace))
		table_writer_update(writer, old, values, nulls, replace);
	else
		wrote = false;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(writer));
	return wrote;
}

/* --- reading --- */

/* One of the three arrays; its elements are as many as the others'. */
static ArrayType *
read_list(Relation relation, HeapTuple tuple, int column, Oid type, uint32 *size)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(relation), &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypePCopy(value);
	uint32		found;

	if (isnull || ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != type)
		model_row_damaged(relation, tuple, FACE_ITEM, "A list is no array of one dimension without nulls.");
	found = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	if (column > FACE_NEIGHBORS && found != *size)
		model_row_damaged(relation, tuple, FACE_ITEM, "Its lists are not of one length.");
	*size = found;
	return array;
}

/* The code of the element at *element, which moves on to the next. */
static uint32
read_key(const ItemTable *items, char **element)
{
	const Keyset *keys = &items->keys;
	char	   *at = *element;
	size_t		size;

	switch (items->type)
	{
		case KEY_INT2:
			*element += sizeof(int16);
			return item_table_find_number(items, *(int16 *) at);
		case KEY_INT4:
			*element += sizeof(int32);
			return item_table_find_number(items, *(int32 *) at);
		case KEY_INT8:
			*element += sizeof(int64);
			return item_table_find_number(items, *(int64 *) at);
		case KEY_UUID:
			*element += UUID_LEN;
			return keyset_find_bytes(keys, at, UUID_LEN);
		default:
			size = VARSIZE_ANY_EXHDR(at);
			*element = (char *) INTALIGN(at + VARSIZE_ANY(at));
			return keyset_find_bytes(keys, VARDATA_ANY(at), size);
	}
}

/* Lengths are compared before anything is read by them. */
void
face_lists_read(Relation relation, HeapTuple tuple, const ItemTable *items, FaceRow *row)
{
	ArrayType  *keys = read_list(relation, tuple, FACE_NEIGHBORS, key_type_oid(items->type), &row->size);
	ArrayType  *counts = read_list(relation, tuple, FACE_COUNTS, FLOAT8OID, &row->size);
	ArrayType  *scores = read_list(relation, tuple, FACE_SCORES, FLOAT8OID, &row->size);
	char	   *key = ARR_DATA_PTR(keys);
	bool		isnull;

	row->n = DatumGetFloat8(heap_getattr(tuple, FACE_N, RelationGetDescr(relation), &isnull));
	row->neighbor = palloc((row->size + 1) * sizeof(CooccurNeighbor));
	for (uint32 i = 0; i < row->size; i++)
	{
		uint32		code = read_key(items, &key);

		if (code == KEYSET_NONE)
			model_row_damaged(relation, tuple, FACE_ITEM, psprintf("Neighbor %u is no item of the catalog.", i + 1));
		row->neighbor[i] = (CooccurNeighbor) {
			((double *) ARR_DATA_PTR(scores))[i], ((double *) ARR_DATA_PTR(counts))[i], code
		};
	}
	/* copies, and rows are many */
	pfree(keys);
	pfree(counts);
	pfree(scores);
}

/* Codes stay good as long as the catalog has them, which is for ever: a key that it does not know was put there by hand. */
void
face_row_read(Relation relation, HeapTuple tuple, const ItemTable *items, FaceRow *row)
{
	TupleDesc	columns = RelationGetDescr(relation);
	bool		isnull;

	row->item = key_find(&items->keys, items->type, key_type_oid(items->type), heap_getattr(tuple, FACE_ITEM, columns, &isnull));
	if (row->item == KEYSET_NONE)
		model_row_damaged(relation, tuple, FACE_ITEM, "The item is not in the catalog.");
	face_lists_read(relation, tuple, items, row);
}
