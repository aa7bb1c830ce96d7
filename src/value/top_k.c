/*
 * top_k.c
 *		The aggregates top_k and top_k_scores: the k items of the best scores.
 *
 * The state keeps at most 2k entries.  When they are full it sorts them and drops
 * all but the best k; from then on the worst of these is the threshold that a
 * row must beat, so most rows of a long input cost one comparison.  Order is
 * total (score, then item, then bytes), so that neither the order of the rows nor
 * the way parallel workers share them shows in the result.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "base/guards.h"
#include "base/ordered_type.h"

#define FIRST_ENTRIES	16		/* most groups are small */
#define LARGEST_K		10000000	/* keeps the entries below 1 GB */

typedef struct TopKEntry
{
	double		score;
	Datum		item;
} TopKEntry;

typedef struct TopK
{
	TypeCacheEntry *type;		/* of the items */
	Oid			collation;
	int			k;
	int			count;			/* entries in use */
	int			allocated;
	int			sorted;			/* so many at the start are the best so far, in order */
	TopKEntry  *entries;
} TopK;

/* Items that compare equal and still differ (1.0, 1.00) need an order, too. */
static int
compare_bytes(const TopK *state, Datum x, Datum y)
{
	Size		size_x;
	Size		size_y;
	int			cmp;

	if (state->type->typbyval)
		return (x > y) - (x < y);
	size_x = datumGetSize(x, false, state->type->typlen);
	size_y = datumGetSize(y, false, state->type->typlen);
	cmp = memcmp(DatumGetPointer(x), DatumGetPointer(y), Min(size_x, size_y));
	return cmp != 0 ? cmp : (size_x > size_y) - (size_x < size_y);
}

/* Best first.  Scores are never NaN, so two comparisons order them. */
static int
compare_entries(const void *x, const void *y, void *arg)
{
	const TopKEntry *a = x;
	const TopKEntry *b = y;
	const TopK *state = arg;
	int			cmp;

	/* the one place that every long sort passes */
	CHECK_FOR_INTERRUPTS();
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	cmp = ordered_type_compare(state->type, state->collation, a->item, b->item);
	return cmp != 0 ? cmp : compare_bytes(state, a->item, b->item);
}

/* The collation is the caller's to set: only an aggregate's own call knows it. */
static TopK *
top_k_new(MemoryContext context, Oid type, int k)
{
	TopK	   *state = MemoryContextAllocZero(context, sizeof(TopK));

	state->type = ordered_type(type);
	state->k = k;
	state->allocated = FIRST_ENTRIES;
	state->entries = MemoryContextAlloc(context, FIRST_ENTRIES * sizeof(TopKEntry));
	return state;
}

/* Leaves the best k entries in order; any number of rows may follow. */
static void
top_k_cut(TopK *state)
{
	if (state->sorted < state->count)
		qsort_arg(state->entries, state->count, sizeof(TopKEntry), compare_entries, state);
	for (int i = state->k; i < state->count; i++)
		if (!state->type->typbyval)
			pfree(DatumGetPointer(state->entries[i].item));
	state->count = Min(state->count, state->k);
	state->sorted = state->count;
}

/* Twice k, so that each sort is paid by at least k rows that came since the last. */
static void
top_k_make_room(TopK *state)
{
	if (state->count == 2 * state->k)
		top_k_cut(state);
	else
	{
		state->allocated = Min(2 * state->allocated, 2 * state->k);
		state->entries = repalloc(state->entries, state->allocated * sizeof(TopKEntry));
	}
}

/* The whole value, in memory of its own and out of any TOAST table. */
static Datum
copy_item(MemoryContext context, TypeCacheEntry *type, Datum item)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	Datum		copy = type->typlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(item))
		: datumCopy(item, type->typbyval, type->typlen);

	MemoryContextSwitchTo(caller);
	return copy;
}

/* A tie with the threshold goes on: its item may come first. */
static void
top_k_add(TopK *state, MemoryContext context, Datum item, double score)
{
	TopKEntry	entry;

	if (state->sorted == state->k && score < state->entries[state->k - 1].score)
		return;
	entry.score = score + 0.0;	/* -0 becomes 0: they compare equal but print differently */
	/* compared only as copied: bytes decide, and they differ between TOAST forms */
	entry.item = copy_item(context, state->type, item);
	if (state->count == state->allocated || state->count == 2 * state->k)
		top_k_make_room(state);
	state->entries[state->count++] = entry;
}

/* The detail has no order of time: parallel workers would make it differ. */
static void
check_same_k(const TopK *state, int k)
{
	if (state->k != k)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be the same in all rows of a group"),
				 errdetail("Both %d and %d were given.", Min(state->k, k), Max(state->k, k))));
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "top_k called outside of an aggregate");
	return context;
}

/* The item's type is known from the call only, and workers get it with the state. */
static TopK *
top_k_first_row(FunctionCallInfo fcinfo, MemoryContext context, int k)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	TopK	   *state;

	guard_int_range("k", k, 1, LARGEST_K);
	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of the items");
	state = top_k_new(context, type, k);
	state->collation = PG_GET_COLLATION();
	return state;
}

/* Looks at k before it skips a row, so that a wrong k never depends on the other columns. */
PG_FUNCTION_INFO_V1(personalize_top_k_transition);

Datum
personalize_top_k_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	TopK	   *state = PG_ARGISNULL(0) ? NULL : (TopK *) PG_GETARG_POINTER(0);

	guard_not_null("k", PG_ARGISNULL(3));
	if (state == NULL)
		state = top_k_first_row(fcinfo, context, PG_GETARG_INT32(3));
	check_same_k(state, PG_GETARG_INT32(3));
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		double		score = PG_GETARG_FLOAT8(2);

		if (isnan(score))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("score must not be NaN"),
					 errhint("Leave such rows out with FILTER (WHERE score <> 'NaN').")));
		top_k_add(state, context, PG_GETARG_DATUM(1), score);
	}
	PG_RETURN_POINTER(state);
}

/*
 * Adds the other side's entries as rows.  Also with no state yet: the other one
 * lives in memory that does not last, and came without a collation.
 */
PG_FUNCTION_INFO_V1(personalize_top_k_combine);

Datum
personalize_top_k_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	TopK	   *state = PG_ARGISNULL(0) ? NULL : (TopK *) PG_GETARG_POINTER(0);
	TopK	   *other = PG_ARGISNULL(1) ? NULL : (TopK *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
		state = top_k_new(context, other->type->type_id, other->k);
	check_same_k(state, other->k);
	state->collation = PG_GET_COLLATION();
	for (int i = 0; i < other->count; i++)
		top_k_add(state, context, other->entries[i].item, other->entries[i].score);
	PG_RETURN_POINTER(state);
}

/* type, k, count; then of each entry the score, the size of the item and its bytes */
PG_FUNCTION_INFO_V1(personalize_top_k_serialize);

Datum
personalize_top_k_serialize(PG_FUNCTION_ARGS)
{
	TopK	   *state = (TopK *) PG_GETARG_POINTER(0);
	StringInfoData out;

	(void) aggregate_context(fcinfo);
	top_k_cut(state);
	pq_begintypsend(&out);
	pq_sendint32(&out, state->type->type_id);
	pq_sendint32(&out, state->k);
	pq_sendint32(&out, state->count);
	for (int i = 0; i < state->count; i++)
	{
		TopKEntry  *entry = &state->entries[i];
		bool		byval = state->type->typbyval;
		Size		size = datumGetSize(entry->item, byval, state->type->typlen);

		pq_sendfloat8(&out, entry->score);
		pq_sendint32(&out, byval ? sizeof(Datum) : size);
		appendBinaryStringInfo(&out,
							   byval ? (char *) &entry->item : DatumGetPointer(entry->item),
							   byval ? sizeof(Datum) : size);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The copy is aligned, which the bytes in the message are not. */
static Datum
receive_item(StringInfo in, bool byval)
{
	int			size = pq_getmsgint(in, 4);
	const char *bytes = pq_getmsgbytes(in, size);
	Datum		item;

	if (byval)
		memcpy(&item, bytes, sizeof(Datum));
	else
		item = PointerGetDatum(memcpy(palloc(size), bytes, size));
	return item;
}

PG_FUNCTION_INFO_V1(personalize_top_k_deserialize);

Datum
personalize_top_k_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
	TopK	   *state;
	Oid			type;

	(void) aggregate_context(fcinfo);
	in.maxlen = in.len;
	type = pq_getmsgint(&in, 4);
	state = top_k_new(CurrentMemoryContext, type, pq_getmsgint(&in, 4));
	state->count = pq_getmsgint(&in, 4);
	state->allocated = Max(state->count, FIRST_ENTRIES);
	state->entries = repalloc(state->entries, state->allocated * sizeof(TopKEntry));
	for (int i = 0; i < state->count; i++)
	{
		state->entries[i].score = pq_getmsgfloat8(&in);
		state->entries[i].item = receive_item(&in, state->type->typbyval);
	}
	pq_getmsgend(&in);
	state->sorted = state->count;
	PG_RETURN_POINTER(state);
}

/* The finished state, or NULL where no row had both an item and a score. */
static TopK *
top_k_finish(FunctionCallInfo fcinfo)
{
	TopK	   *state = PG_ARGISNULL(0) ? NULL : (TopK *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	if (state == NULL || state->count == 0)
		return NULL;
	top_k_cut(state);
	return state;
}

/* Cutting changes nothing that a later row could see, so the state may go on. */
PG_FUNCTION_INFO_V1(personalize_top_k_items);

Datum
personalize_top_k_items(PG_FUNCTION_ARGS)
{
	TopK	   *state = top_k_finish(fcinfo);
	Datum	   *items;

	if (state == NULL)
		PG_RETURN_NULL();
	items = palloc(state->count * sizeof(Datum));
	for (int i = 0; i < state->count; i++)
		items[i] = state->entries[i].item;
	PG_RETURN_ARRAYTYPE_P(construct_array(items, state->count, state->type->type_id,
										  state->type->typlen, state->type->typbyval,
										  state->type->typalign));
}

PG_FUNCTION_INFO_V1(personalize_top_k_scores);

Datum
personalize_top_k_scores(PG_FUNCTION_ARGS)
{
	TopK	   *state = top_k_finish(fcinfo);
	Datum	   *scores;

	if (state == NULL)
		PG_RETURN_NULL();
	scores = palloc(state->count * sizeof(Datum));
	for (int i = 0; i < state->count; i++)
		scores[i] = Float8GetDatum(state->entries[i].score);
	PG_RETURN_ARRAYTYPE_P(construct_array(scores, state->count, FLOAT8OID, sizeof(float8),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
