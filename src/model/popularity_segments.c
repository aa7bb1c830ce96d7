/*
 * popularity_segments.c
 *		Segments of baskets: what the shop's relation says, and where a basket was counted.
 *
 * A segment is an array of texts, the values of the columns `by` up to the first that is NULL.  What a basket was counted in is kept, so that
 * it can be taken away from there when its row in the relation says something else.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "model/popularity_counts.h"
#include "model/source.h"

/* Bytes of one value that count: segments are keys, and keys have a limit. */
#define MAX_VALUE 255

char *
segment_text(Datum segment)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(TEXTARRAYOID, &output, &is_varlena);
	return OidOutputFunctionCall(output, segment);
}

/* Types whose text does not depend on settings, nor has more values than anybody would make segments of. */
bool
segment_type_fits(Oid type)
{
	Oid			base = getBaseType(type);

	return base == TEXTOID || base == VARCHAROID || base == BPCHAROID || base == NAMEOID || base == BOOLOID ||
		base == INT2OID || base == INT4OID || base == INT8OID || base == UUIDOID || get_typtype(base) == TYPTYPE_ENUM;
}

/* ---------------------------------------------------------------- the shop's relation */

/* Of several rows for a basket the first counts, by its values. */
static char *
segments_query(const PopularityDef *def, KeyType basket_type)
{
	char	   *key = source_key_expression(def->segments, "s", def->key, basket_type);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s", key);
	for (int i = 0; i < def->num_by; i++)
		appendStringInfo(&text, ", (s.%s)::pg_catalog.text COLLATE pg_catalog.\"C\"", quote_identifier(def->by[i]));
	appendStringInfo(&text, " FROM %s AS s WHERE %s OPERATOR(pg_catalog.=) ANY ($1) ORDER BY 1", registry_name(def->segments), key);
	for (int i = 0; i < def->num_by; i++)
		appendStringInfo(&text, ", %d", i + 2);
	return text.data;
}

/* From a copy: the server puts detoasted values in the place of those that it is given, and they go with SPI's memory. */
static Datum
key_array(KeyType type, const Datum *keys, int n)
{
	Oid			oid = key_type_oid(type);
	Datum	   *copy = palloc((n + 1) * sizeof(Datum));
	int16		size;
	bool		byval;
	char		align;

	memcpy(copy, keys, n * sizeof(Datum));
	get_typlenbyvalalign(oid, &size, &byval, &align);
	return PointerGetDatum(construct_array(copy, n, oid, size, byval, align));
}

/* NULL: not even the first column has a value. */
static ArrayType *
row_segment(HeapTuple tuple, TupleDesc columns, int num_by)
{
	Datum	   *value = palloc(num_by * sizeof(Datum));
	int			n = 0;

	while (n < num_by)
	{
		bool		isnull;
		Datum		found = SPI_getbinval(tuple, columns, n + 2, &isnull);
		text	   *whole;
		int			size;

		if (isnull)
			break;
		whole = DatumGetTextPP(found);
		size = pg_mbcliplen(VARDATA_ANY(whole), VARSIZE_ANY_EXHDR(whole), MAX_VALUE);
		value[n++] = PointerGetDatum(cstring_to_text_with_len(VARDATA_ANY(whole), size));
	}
	return n == 0 ? NULL : construct_array(value, n, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Rows of one basket come together. */
static bool
same_key(KeyType type, Datum a, Datum b)
{
	Datum		one;

	if (key_is_number(type))
		return key_number(type, a) == key_number(type, b);
	if (type == KEY_UUID)
		return memcmp(DatumGetPointer(a), DatumGetPointer(b), 16) == 0;
	one = DirectFunctionCall2Coll(texteq, C_COLLATION_OID, a, b);
	return DatumGetBool(one);
}

/* What SPI has just read. */
static void
take_rows(const PopularityDef *def, KeyType basket_type, MemoryContext caller, SegmentSink sink, void *arg)
{
	Datum		last = (Datum) 0;
	uint64		num_rows = SPI_processed;

	for (uint64 i = 0; i < num_rows; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		key = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull);
		ArrayType  *segment = row_segment(tuple, SPI_tuptable->tupdesc, def->num_by);
		MemoryContext spi;

		if (i > 0 && same_key(basket_type, last, key))
			continue;
		last = key;
		if (segment == NULL)
			continue;
		spi = MemoryContextSwitchTo(caller);
		sink(arg, key, PointerGetDatum(segment));
		MemoryContextSwitchTo(spi);
	}
}

void
segments_fetch(const PopularityDef *def, KeyType basket_type, const Datum *baskets, int n, SegmentSink sink, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = get_array_type(key_type_oid(basket_type));
	Datum		argument;

	SPI_connect();
	argument = key_array(basket_type, baskets, n);
	if (SPI_execute_with_args(segments_query(def, basket_type), 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read %s", registry_name(def->segments));
	take_rows(def, basket_type, caller, sink, arg);
	SPI_finish();
}

static void
copy_segment(void *arg, Datum basket, Datum segment)
{
	*(Datum *) arg = PointerGetDatum(PG_DETOAST_DATUM_COPY(segment));
}

Datum
segments_fetch_one(const PopularityDef *def, KeyType basket_type, Datum basket, SPIPlanPtr *plan)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = get_array_type(key_type_oid(basket_type));
	Datum		segment = (Datum) 0;
	Datum		argument;

	SPI_connect();
	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(segments_query(def, basket_type), 1, &type);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare to read %s: %s", registry_name(def->segments), SPI_result_code_string(SPI_result));
		*plan = made;
	}
	argument = key_array(basket_type, &basket, 1);
	if (SPI_execute_plan(*plan, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read %s", registry_name(def->segments));
	take_rows(def, basket_type, caller, copy_segment, &segment);
	SPI_finish();
	return segment;
}

/* ---------------------------------------------------------------- where baskets were counted */

void
members_open(Members *members, Oid relation, bool write)
{
	members->writer = write ? table_writer_open(relation) : NULL;
	members->relation = write ? table_writer_relation(members->writer) : table_open(relation, AccessShareLock);
	members->scan = key_scan_open(members->relation, 1, GetActiveSnapshot());
	members->tuple = NULL;
}

void
members_close(Members *members)
{
	key_scan_close(members->scan);
	if (members->writer)
		table_writer_close(members->writer);
	else
		table_close(members->relation, NoLock);
}

ArrayType *
members_find(Members *members, Datum basket)
{
	bool		isnull;
	Datum		segment;

	key_scan_start(members->scan, &basket);
	members->tuple = key_scan_next(members->scan);
	if (members->tuple == NULL)
		return NULL;
	segment = heap_getattr(members->tuple, MEMBER_SEGMENT, RelationGetDescr(members->relation), &isnull);
	return isnull ? NULL : DatumGetArrayTypePCopy(segment);
}

bool
members_set(Members *members, Datum basket, ArrayType *segment)
{
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	if (segment == NULL)
	{
		if (members->tuple != NULL)
			table_writer_delete(members->writer, members->tuple);
		return members->tuple != NULL;
	}
	table_writer_blank(members->writer, &values, &nulls, &replace);
	values[MEMBER_BASKET - 1] = basket;
	values[MEMBER_SEGMENT - 1] = PointerGetDatum(segment);
	nulls[MEMBER_BASKET - 1] = nulls[MEMBER_SEGMENT - 1] = false;
	replace[MEMBER_SEGMENT - 1] = true;
	if (members->tuple == NULL)
		table_writer_insert(members->writer, values, nulls);
	else
	{
		bool		isnull;
		Datum		old = heap_getattr(members->tuple, MEMBER_SEGMENT, RelationGetDescr(members->relation), &isnull);

		if (model_row_same_bytes(old, isnull, values[MEMBER_SEGMENT - 1]))
			return false;
		table_writer_update(members->writer, members->tuple, values, nulls, replace);
	}
	return true;
}
