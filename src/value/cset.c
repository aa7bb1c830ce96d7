/*
 * cset.c
 *		Sets of customers as values: operators, counts, members.  The stored bytes are read where they lie.
 */
#include "value/cset.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

OrdinalCursor *
cset_open(Datum value, OrdinalBytes *cursor)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	return ordinal_bytes_open(cursor, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

void
cset_guard(const OrdinalCursor *cursor)
{
	if (cursor->bad)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value is not a cset that this version of personalize can read"),
				 errdetail("Known is version %d.", ORDINAL_VERSION)));
}

static void
too_large(uint64 size)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("cset is too large for a value"),
			 errdetail("It takes " UINT64_FORMAT " bytes, and the limit is %zu.", size, (size_t) MaxAllocSize)));
}

void
cset_guard_memory(const OrdinalSet *set)
{
	if (ordinal_set_memory(set) > MaxAllocSize)
		too_large(ordinal_set_memory(set));
}

Datum
cset_finish(OrdinalWriter *writer)
{
	if (writer->size > MaxAllocSize)
		too_large(writer->size);
	SET_VARSIZE(writer->bytes, writer->size);
	return PointerGetDatum(writer->bytes);
}

Datum
cset_form(Env *env, OrdinalCursor *cursor)
{
	OrdinalWriter writer;
	OrdinalChunk chunk;

	ordinal_writer_begin(&writer, env, VARHDRSZ);
	while (cursor->next(cursor, &chunk))
		ordinal_writer_put(&writer, &chunk);
	cset_guard(cursor);
	return cset_finish(&writer);
}

/* --- operators -------------------------------------------------------------- */

static Datum
combine(FunctionCallInfo fcinfo, OrdinalOp op)
{
	ServerEnv	server;
	OrdinalBytes a;
	OrdinalBytes b;
	OrdinalPair pair;

	server_env_init(&server, CurrentMemoryContext);
	return cset_form(&server.env, ordinal_pair_open(&pair, op, cset_open(PG_GETARG_DATUM(0), &a), cset_open(PG_GETARG_DATUM(1), &b)));
}

PG_FUNCTION_INFO_V1(personalize_cset_or);
Datum
personalize_cset_or(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, ORDINAL_OR);
}

PG_FUNCTION_INFO_V1(personalize_cset_and);
Datum
personalize_cset_and(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, ORDINAL_AND);
}

PG_FUNCTION_INFO_V1(personalize_cset_minus);
Datum
personalize_cset_minus(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, ORDINAL_MINUS);
}

/* Chunks that come before are stepped over by their sizes. */
static bool
has_member(Datum set, int64 ordinal)
{
	OrdinalBytes bytes;
	OrdinalCursor *cursor = cset_open(set, &bytes);
	OrdinalChunk chunk;

	while (cursor->next(cursor, &chunk))
		if (chunk.number >= ordinal_chunk_number(ordinal))
			return chunk.number == ordinal_chunk_number(ordinal) && ordinal_chunk_contains(&chunk, ordinal_place(ordinal));
	cset_guard(cursor);
	return false;
}

PG_FUNCTION_INFO_V1(personalize_cset_has);
Datum
personalize_cset_has(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(has_member(PG_GETARG_DATUM(0), PG_GETARG_INT64(1)));
}

PG_FUNCTION_INFO_V1(personalize_cset_member);
Datum
personalize_cset_member(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(has_member(PG_GETARG_DATUM(1), PG_GETARG_INT64(0)));
}

/* All of a are in b: nothing is left without b. */
static bool
is_subset(Datum a, Datum b)
{
	OrdinalBytes at_a;
	OrdinalBytes at_b;
	OrdinalPair pair;
	OrdinalChunk chunk;
	bool		left;

	ordinal_pair_open(&pair, ORDINAL_MINUS, cset_open(a, &at_a), cset_open(b, &at_b));
	left = pair.cursor.next(&pair.cursor, &chunk);
	cset_guard(&pair.cursor);
	return !left;
}

PG_FUNCTION_INFO_V1(personalize_cset_contains);
Datum
personalize_cset_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_subset(PG_GETARG_DATUM(1), PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(personalize_cset_contained);
Datum
personalize_cset_contained(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_subset(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

PG_FUNCTION_INFO_V1(personalize_cset_overlaps);
Datum
personalize_cset_overlaps(PG_FUNCTION_ARGS)
{
	OrdinalBytes a;
	OrdinalBytes b;
	bool		overlaps = ordinal_intersects(cset_open(PG_GETARG_DATUM(0), &a), cset_open(PG_GETARG_DATUM(1), &b));

	cset_guard(&a.cursor);
	cset_guard(&b.cursor);
	PG_RETURN_BOOL(overlaps);
}

/* Equal sets have equal bytes. */
PG_FUNCTION_INFO_V1(personalize_cset_eq);
Datum
personalize_cset_eq(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_cset_ne);
Datum
personalize_cset_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_cset_eq(fcinfo)));
}

/* --- counts ----------------------------------------------------------------- */

static uint64
cardinality(Datum set)
{
	OrdinalBytes bytes;
	uint64		count = ordinal_count(cset_open(set, &bytes));

	cset_guard(&bytes.cursor);
	return count;
}

PG_FUNCTION_INFO_V1(personalize_cset_cardinality);
Datum
personalize_cset_cardinality(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(cardinality(PG_GETARG_DATUM(0)));
}

static uint64
overlap_count(FunctionCallInfo fcinfo)
{
	OrdinalBytes a;
	OrdinalBytes b;
	uint64		count = ordinal_overlap(cset_open(PG_GETARG_DATUM(0), &a), cset_open(PG_GETARG_DATUM(1), &b));

	cset_guard(&a.cursor);
	cset_guard(&b.cursor);
	return count;
}

PG_FUNCTION_INFO_V1(personalize_cset_overlap_count);
Datum
personalize_cset_overlap_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(overlap_count(fcinfo));
}

/* 0 for two empty sets, as for arrays. */
PG_FUNCTION_INFO_V1(personalize_cset_jaccard);
Datum
personalize_cset_jaccard(PG_FUNCTION_ARGS)
{
	uint64		both = overlap_count(fcinfo);
	uint64		either = cardinality(PG_GETARG_DATUM(0)) + cardinality(PG_GETARG_DATUM(1)) - both;

	PG_RETURN_FLOAT8(either == 0 ? 0 : (double) both / (double) either);
}

/* --- members ---------------------------------------------------------------- */

typedef struct Members
{
	OrdinalBytes bytes;
	OrdinalWalk walk;
} Members;

/* One at a time, so that a LIMIT reads no more than it needs. */
PG_FUNCTION_INFO_V1(personalize_cset_unnest);
Datum
personalize_cset_unnest(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Members    *members;
	int64		ordinal;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		call = SRF_FIRSTCALL_INIT();
		before = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		members = palloc(sizeof(Members));
		ordinal_walk_begin(&members->walk, cset_open(PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0))), &members->bytes));
		call->user_fctx = members;
		MemoryContextSwitchTo(before);
	}
	call = SRF_PERCALL_SETUP();
	members = call->user_fctx;
	if (ordinal_walk_next(&members->walk, &ordinal))
		SRF_RETURN_NEXT(call, Int64GetDatum(ordinal));
	cset_guard(&members->bytes.cursor);
	SRF_RETURN_DONE(call);
}

PG_FUNCTION_INFO_V1(personalize_cset_from_array);
Datum
personalize_cset_from_array(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	const int64 *members = (const int64 *) ARR_DATA_PTR(array);
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	ServerEnv	server;
	OrdinalSet *set;
	OrdinalSetCursor cursor;

	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a cset has no NULL members"),
				 errhint("array_remove(members, NULL) leaves them out.")));
	server_env_init(&server, CurrentMemoryContext);
	set = ordinal_set_create(&server.env);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ordinal_set_add(set, members[i]);
		cset_guard_memory(set);
	}
	PG_RETURN_DATUM(cset_form(&server.env, ordinal_set_open(&cursor, set)));
}

PG_FUNCTION_INFO_V1(personalize_cset_to_array);
Datum
personalize_cset_to_array(PG_FUNCTION_ARGS)
{
	uint64		n = cardinality(PG_GETARG_DATUM(0));
	Size		size = ARR_OVERHEAD_NONULLS(1) + n * sizeof(int64);
	Members		members;
	ArrayType  *array;
	int64		ordinal;
	int64	   *out;

	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cset has too many members for an array: " UINT64_FORMAT, n),
				 errhint("unnest() gives them one by one.")));
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = INT8OID;
	ARR_DIMS(array)[0] = (int) n;
	ARR_LBOUND(array)[0] = 1;
	out = (int64 *) ARR_DATA_PTR(array);
	ordinal_walk_begin(&members.walk, cset_open(PG_GETARG_DATUM(0), &members.bytes));
	/* a damaged bitmap may have other members than it says */
	for (uint64 i = 0; i < n && ordinal_walk_next(&members.walk, &ordinal); i++)
		out[i] = ordinal;
	PG_RETURN_ARRAYTYPE_P(array);
}
