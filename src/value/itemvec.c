/*
 * itemvec.c
 *		Operators and accessors of sparse vectors.
 */
#include "value/itemvec.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/guards.h"

static void
unreadable(const struct varlena *bytes)
{
	size_t		size = VARSIZE_ANY_EXHDR(bytes);

	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("value is not an itemvec that this version of personalize can read"),
			 errdetail("It has %zu bytes and starts with version %d; known is version %d.",
					   size, size > 0 ? *(unsigned char *) VARDATA_ANY(bytes) : 0,
					   ITEMVEC_VERSION)));
}

void
itemvec_read(Datum value, ItemvecCursor *cursor)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	if (!itemvec_open(cursor, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)))
		unreadable(bytes);
}

/*
 * The count was checked against the bytes, of which each entry takes one at least,
 * so a damaged value cannot ask for more than sixteen times its size.
 */
ItemWeight *
itemvec_decode(ItemvecCursor *cursor)
{
	ItemWeight *entries = palloc_extended(sizeof(ItemWeight) * cursor->count, MCXT_ALLOC_HUGE);
	uint64		n = 0;

	while (itemvec_next(cursor))
		entries[n++] = (ItemWeight) {cursor->item, cursor->weight};
	if (n != cursor->count)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("itemvec ends after " UINT64_FORMAT " of " UINT64_FORMAT " entries",
						n, cursor->count)));
	return entries;
}

static void
too_large(const char *unit, uint64 seen, uint64 limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("itemvec is too large"),
			 errdetail("It would have " UINT64_FORMAT " %s; the limit is " UINT64_FORMAT ".",
					   seen, unit, limit),
			 errhint("Keep the heaviest items only, or split the vector by a range of items.")));
}

/* Zeros are what an absent item stands for; to store one would make equal vectors differ. */
static uint64
drop_zeros(ItemWeight *entries, uint64 n)
{
	uint64		kept = 0;

	for (uint64 i = 0; i < n; i++)
	{
		if (!isfinite(entries[i].weight))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("weight of item " INT64_FORMAT " is out of range for type double precision",
							entries[i].item)));
		if (entries[i].weight != 0)
			entries[kept++] = entries[i];
	}
	return kept;
}

/*
 * Every vector that leaves this library is made here, so what holds for all of
 * them (no zero, all finite, one coding) needs no second place.
 */
Datum
itemvec_form(ItemWeight *entries, uint64 n)
{
	ItemvecCoding coding;
	struct varlena *result;
	size_t		size;

	n = drop_zeros(entries, n);
	if (n > ITEMVEC_MAX_ITEMS)
		too_large("items", n, ITEMVEC_MAX_ITEMS);
	size = itemvec_encoded_size(entries, n, &coding);
	if (size > MaxAllocSize - VARHDRSZ)
		too_large("bytes", size, MaxAllocSize - VARHDRSZ);
	result = palloc(size + VARHDRSZ);
	SET_VARSIZE(result, size + VARHDRSZ);
	itemvec_encode(entries, n, coding, (unsigned char *) VARDATA(result));
	return PointerGetDatum(result);
}

Datum
itemvec_form_sums(ServerEnv *server, ItemvecSums *sums)
{
	uint64		n;
	ItemWeight *entries = itemvec_sums_round(&server->env, sums, &n);
	Datum		result = itemvec_form(entries, n);

	pfree(entries);
	return result;
}

/* A sum or product over a whole vector, which may be out of range though no weight is. */
static Datum
checked_float(double value, const char *what)
{
	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s of itemvec is out of range for type double precision", what)));
	return Float8GetDatum(value);
}

/*
 * Both counts together bound the result.  That may be more than palloc's 1 GB
 * before the items that are shared have fallen together.
 */
static Datum
combine(FunctionCallInfo fcinfo, ItemvecOp op)
{
	ItemvecCursor a;
	ItemvecCursor b;
	ItemWeight *out;

	PG_GETARG_ITEMVEC(0, &a);
	PG_GETARG_ITEMVEC(1, &b);
	out = palloc_extended(sizeof(ItemWeight) * (a.count + b.count), MCXT_ALLOC_HUGE);
	return itemvec_form(out, itemvec_combine(op, &a, &b, out));
}

PG_FUNCTION_INFO_V1(personalize_itemvec_add);
Datum
personalize_itemvec_add(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, ITEMVEC_ADD);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_subtract);
Datum
personalize_itemvec_subtract(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, ITEMVEC_SUBTRACT);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_multiply);
Datum
personalize_itemvec_multiply(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, ITEMVEC_MULTIPLY);
}

/* An infinite factor would turn every weight into one error; it is named as what is wrong. */
static Datum
scale(Datum vector, double factor)
{
	ItemvecCursor a;
	ItemWeight *entries;

	guard_finite("factor", factor);
	itemvec_read(vector, &a);
	entries = itemvec_decode(&a);
	for (uint64 i = 0; i < a.count; i++)
		entries[i].weight *= factor;
	return itemvec_form(entries, a.count);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_scale);
Datum
personalize_itemvec_scale(PG_FUNCTION_ARGS)
{
	return scale(PG_GETARG_DATUM(0), PG_GETARG_FLOAT8(1));
}

PG_FUNCTION_INFO_V1(personalize_itemvec_scale_by);
Datum
personalize_itemvec_scale_by(PG_FUNCTION_ARGS)
{
	return scale(PG_GETARG_DATUM(1), PG_GETARG_FLOAT8(0));
}

PG_FUNCTION_INFO_V1(personalize_itemvec_negate);
Datum
personalize_itemvec_negate(PG_FUNCTION_ARGS)
{
	return scale(PG_GETARG_DATUM(0), -1);
}

/* Equal vectors are equal bytes, so any order of bytes is an order of vectors. */
static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	size_t		size_a = VARSIZE_ANY_EXHDR(a);
	size_t		size_b = VARSIZE_ANY_EXHDR(b);
	int			result = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(size_a, size_b));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result != 0 ? (result > 0) - (result < 0) : (size_a > size_b) - (size_a < size_b);
}

/* Six symbols that the operators need, from one comparison. */
#define COMPARISON(name, condition) \
	PG_FUNCTION_INFO_V1(personalize_itemvec_##name); \
	Datum \
	personalize_itemvec_##name(PG_FUNCTION_ARGS) \
	{ \
		int			order = compare(fcinfo); \
		PG_RETURN_BOOL(condition); \
	}

COMPARISON(lt, order < 0)
COMPARISON(le, order <= 0)
COMPARISON(eq, order == 0)
COMPARISON(ne, order != 0)
COMPARISON(ge, order >= 0)
COMPARISON(gt, order > 0)

PG_FUNCTION_INFO_V1(personalize_itemvec_cmp);
Datum
personalize_itemvec_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

/* Bytes again: what = calls equal has equal hashes. */
PG_FUNCTION_INFO_V1(personalize_itemvec_hash);
Datum
personalize_itemvec_hash(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	Datum		result = hash_any((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a));

	PG_FREE_IF_COPY(a, 0);
	return result;
}

PG_FUNCTION_INFO_V1(personalize_itemvec_hash_extended);
Datum
personalize_itemvec_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	Datum		result = hash_any_extended((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
										   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(a, 0);
	return result;
}

/*
 * Infinities of both signs can meet in the sum and make a NaN: neither is an
 * answer, and both are the same error.
 */
PG_FUNCTION_INFO_V1(personalize_itemvec_dot);
Datum
personalize_itemvec_dot(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	ItemvecCursor b;

	PG_GETARG_ITEMVEC(0, &a);
	PG_GETARG_ITEMVEC(1, &b);
	return checked_float(itemvec_dot(&a, &b), "dot product");
}

PG_FUNCTION_INFO_V1(personalize_itemvec_norm);
Datum
personalize_itemvec_norm(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;

	PG_GETARG_ITEMVEC(0, &a);
	return checked_float(itemvec_norm(&a), "norm");
}

PG_FUNCTION_INFO_V1(personalize_itemvec_norm1);
Datum
personalize_itemvec_norm1(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;

	PG_GETARG_ITEMVEC(0, &a);
	return checked_float(itemvec_norm1(&a), "norm");
}

PG_FUNCTION_INFO_V1(personalize_itemvec_total);
Datum
personalize_itemvec_total(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;

	PG_GETARG_ITEMVEC(0, &a);
	return checked_float(itemvec_total(&a), "total");
}

/* Needs no check of its result: the kernel scales, so that it is always between -1 and 1. */
PG_FUNCTION_INFO_V1(personalize_itemvec_cosine);
Datum
personalize_itemvec_cosine(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	ItemvecCursor b;

	PG_GETARG_ITEMVEC(0, &a);
	PG_GETARG_ITEMVEC(1, &b);
	PG_RETURN_FLOAT8(itemvec_cosine(&a, &b));
}

/* A sum of maxima with negative weights in it would be no measure of size. */
static void
guard_not_negative(ItemvecCursor a)
{
	while (a.coding == ITEMVEC_FLOATS && itemvec_next(&a))
		if (a.weight < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("jaccard is not defined for negative weights"),
					 errdetail("Item " INT64_FORMAT " has weight %g.", a.item, a.weight)));
}

PG_FUNCTION_INFO_V1(personalize_itemvec_jaccard);
Datum
personalize_itemvec_jaccard(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	ItemvecCursor b;

	PG_GETARG_ITEMVEC(0, &a);
	PG_GETARG_ITEMVEC(1, &b);
	guard_not_negative(a);
	guard_not_negative(b);
	PG_RETURN_FLOAT8(itemvec_jaccard(&a, &b));
}

/* The count stands in the first bytes, so a large toasted value is not fetched for it. */
PG_FUNCTION_INFO_V1(personalize_itemvec_size);
Datum
personalize_itemvec_size(PG_FUNCTION_ARGS)
{
	struct varlena *head = PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0, ITEMVEC_HEAD_SIZE);
	ItemvecCursor a;

	if (!itemvec_open_head(&a, VARDATA_ANY(head), VARSIZE_ANY_EXHDR(head)))
		unreadable(head);
	PG_RETURN_INT32((int32) a.count);
}

/* Leaves the cursor on the item, or says that there is none. */
static bool
find(ItemvecCursor *a, int64 item)
{
	while (itemvec_next(a))
		if (a->item >= item)
			return a->item == item;
	return false;
}

PG_FUNCTION_INFO_V1(personalize_itemvec_weight);
Datum
personalize_itemvec_weight(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;

	PG_GETARG_ITEMVEC(0, &a);
	/* Not NULL: an absent item is one of weight zero, as in every operator. */
	PG_RETURN_FLOAT8(find(&a, PG_GETARG_INT64(1)) ? a.weight : 0);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_contains);
Datum
personalize_itemvec_contains(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;

	PG_GETARG_ITEMVEC(0, &a);
	PG_RETURN_BOOL(find(&a, PG_GETARG_INT64(1)));
}

/* Sorted by item again, as every vector is: unnest() and ORDER BY weight give the ranking. */
PG_FUNCTION_INFO_V1(personalize_itemvec_top);
Datum
personalize_itemvec_top(PG_FUNCTION_ARGS)
{
	int64		k = guard_int_range("k", PG_GETARG_INT32(1), 0, PG_INT32_MAX);
	ServerEnv	server;
	ItemvecCursor a;
	ItemWeight *entries;

	server_env_init(&server, CurrentMemoryContext);
	PG_GETARG_ITEMVEC(0, &a);
	entries = itemvec_decode(&a);
	return itemvec_form(entries, itemvec_top(&server.env, entries, a.count, k));
}
