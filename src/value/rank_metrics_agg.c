/*
 * rank_metrics_agg.c
 *		Aggregates over many lists: coverage, gini, novelty.
 *
 * States are integers, so results are the same bit for bit whatever the order of rows and however many workers
 * took part.
 */
#include "base/compat.h"

#include <math.h>

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "base/guards.h"
#include "base/server_env.h"
#include "kernel/rank_metrics.h"
#include "value/item_key.h"

/* In how many lists each item was. */
typedef struct ListTally
{
	ServerEnv	server;
	KeyType		type;
	int64		catalog_size;
	Keyset		items;
	uint32		room;
	uint64	   *lists;			/* by code */
	uint64	   *last;			/* number of the last list that held it: repeats in one list count once */
	uint64		num_lists;
} ListTally;

/* The check keeps a state apart from other internal values. */
static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* ---------------------------------------------------------------- tallies */

static ListTally *
tally_new(MemoryContext context, KeyType type, int64 catalog_size)
{
	ListTally  *tally = MemoryContextAllocZero(context, sizeof(ListTally));

	server_env_init(&tally->server, context);
	tally->type = type;
	tally->catalog_size = catalog_size;
	keyset_init(&tally->server.env, &tally->items, key_is_number(type));
	return tally;
}

/* New codes come one after the other. */
static void
tally_make_room(ListTally *tally)
{
	uint32		room = Max(2 * tally->room, 64);

	if (tally->items.size <= tally->room)
		return;
	tally->lists = env_resize(&tally->server.env, tally->lists, room, sizeof(uint64));
	tally->last = env_resize(&tally->server.env, tally->last, room, sizeof(uint64));
	memset(tally->lists + tally->room, 0, sizeof(uint64) * (room - tally->room));
	memset(tally->last + tally->room, 0, sizeof(uint64) * (room - tally->room));
	tally->room = room;
}

/* Keys of the list are copied by the keyset, so the arrays can go at once. */
static void
tally_add_list(ListTally *tally, ArrayType *list)
{
	Oid			element = ARR_ELEMTYPE(list);
	Datum	   *keys;
	bool	   *nulls;
	int			size;
	int16		length;
	bool		byval;
	char		align;

	get_typlenbyvalalign(element, &length, &byval, &align);
	deconstruct_array(list, element, length, byval, align, &keys, &nulls, &size);
	tally->num_lists++;
	for (int i = 0; i < size; i++)
	{
		uint32		code;

		if (nulls[i])
			continue;
		code = key_add(&tally->server.env, &tally->items, tally->type, keys[i]);
		tally_make_room(tally);
		tally->lists[code] += tally->last[code] != tally->num_lists;
		tally->last[code] = tally->num_lists;
	}
	pfree(keys);
	pfree(nulls);
}

/* The detail has no order of time: parallel workers would make it differ. */
static void
require_same_catalog(int64 x, int64 y)
{
	if (x != y)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("catalog_size must be the same in all rows of a group"),
				 errdetail("Both " INT64_FORMAT " and " INT64_FORMAT " were given.", Min(x, y), Max(x, y))));
}

PG_FUNCTION_INFO_V1(personalize_tally_transition);
Datum
personalize_tally_transition(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ListTally  *tally = PG_ARGISNULL(0) ? NULL : (ListTally *) PG_GETARG_POINTER(0);
	int64		catalog_size;

	guard_not_null("catalog_size", PG_ARGISNULL(2));
	catalog_size = guard_int_range("catalog_size", PG_GETARG_INT64(2), 1, PG_INT64_MAX);
	if (tally == NULL)
		tally = tally_new(context, key_type(get_element_type(get_fn_expr_argtype(fcinfo->flinfo, 1)), "items"), catalog_size);
	require_same_catalog(tally->catalog_size, catalog_size);
	if (!PG_ARGISNULL(1))
		tally_add_list(tally, PG_GETARG_ARRAYTYPE_P(1));
	PG_RETURN_POINTER(tally);
}

/* The other state may be in memory that goes after this call, so it is copied from. */
PG_FUNCTION_INFO_V1(personalize_tally_combine);
Datum
personalize_tally_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	ListTally  *tally = PG_ARGISNULL(0) ? NULL : (ListTally *) PG_GETARG_POINTER(0);
	ListTally  *other = PG_ARGISNULL(1) ? NULL : (ListTally *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (tally == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(tally);
	}
	if (tally == NULL)
		tally = tally_new(context, other->type, other->catalog_size);
	require_same_catalog(tally->catalog_size, other->catalog_size);
	tally->num_lists += other->num_lists;
	for (uint32 c = 0; c < other->items.size; c++)
	{
		uint32		code = keyset_add_from(&tally->server.env, &tally->items, &other->items, c);

		tally_make_room(tally);
		tally->lists[code] += other->lists[c];
	}
	PG_RETURN_POINTER(tally);
}

/* type, catalog size, lists, items; then of each item its key and its lists */
PG_FUNCTION_INFO_V1(personalize_tally_serialize);
Datum
personalize_tally_serialize(PG_FUNCTION_ARGS)
{
	ListTally  *tally = (ListTally *) PG_GETARG_POINTER(0);
	StringInfoData out;

	(void) aggregate_context(fcinfo);
	pq_begintypsend(&out);
	pq_sendint32(&out, tally->type);
	pq_sendint64(&out, tally->catalog_size);
	pq_sendint64(&out, tally->num_lists);
	pq_sendint32(&out, tally->items.size);
	for (uint32 c = 0; c < tally->items.size; c++)
	{
		if (tally->items.numbers)
			pq_sendint64(&out, tally->items.number[c]);
		else
		{
			size_t		size;
			const char *bytes = keyset_bytes(&tally->items, c, &size);

			pq_sendint32(&out, size);
			pq_sendbytes(&out, bytes, size);
		}
		pq_sendint64(&out, tally->lists[c]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Codes of the sender are in the order of the message, so keys get the same ones here. */
static uint32
receive_key(StringInfo in, ListTally *tally)
{
	int			size;

	if (tally->items.numbers)
		return keyset_add_number(&tally->server.env, &tally->items, pq_getmsgint64(in));
	size = pq_getmsgint(in, 4);
	return keyset_add_bytes(&tally->server.env, &tally->items, pq_getmsgbytes(in, size), size);
}

PG_FUNCTION_INFO_V1(personalize_tally_deserialize);
Datum
personalize_tally_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
	ListTally  *tally;
	KeyType		type;
	uint32		size;

	(void) aggregate_context(fcinfo);
	in.maxlen = in.len;
	type = pq_getmsgint(&in, 4);
	tally = tally_new(CurrentMemoryContext, type, pq_getmsgint64(&in));
	tally->num_lists = pq_getmsgint64(&in);
	size = pq_getmsgint(&in, 4);
	for (uint32 i = 0; i < size; i++)
	{
		uint32		code = receive_key(&in, tally);

		tally_make_room(tally);
		tally->lists[code] = pq_getmsgint64(&in);
	}
	pq_getmsgend(&in);
	PG_RETURN_POINTER(tally);
}

/* NULL without lists; a catalog cannot be smaller than what was recommended from it. */
static ListTally *
tally_finish(FunctionCallInfo fcinfo)
{
	ListTally  *tally = PG_ARGISNULL(0) ? NULL : (ListTally *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	if (tally == NULL || tally->num_lists == 0)
		return NULL;
	if (tally->items.size > tally->catalog_size)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("catalog_size is smaller than the number of items in the lists"),
				 errdetail("The lists hold %u different items, catalog_size is " INT64_FORMAT ".", tally->items.size, tally->catalog_size)));
	return tally;
}

PG_FUNCTION_INFO_V1(personalize_coverage);
Datum
personalize_coverage(PG_FUNCTION_ARGS)
{
	ListTally  *tally = tally_finish(fcinfo);

	if (tally == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rank_coverage(tally->items.size, tally->catalog_size));
}

/* Sorts a copy: the state may be wanted for coverage, too, and for more rows. */
PG_FUNCTION_INFO_V1(personalize_gini);
Datum
personalize_gini(PG_FUNCTION_ARGS)
{
	ListTally  *tally = tally_finish(fcinfo);
	ServerEnv	server;
	uint64	   *lists;

	if (tally == NULL || tally->items.size == 0)
		PG_RETURN_NULL();
	server_env_init(&server, CurrentMemoryContext);
	lists = env_alloc(&server.env, tally->items.size, sizeof(uint64));
	memcpy(lists, tally->lists, sizeof(uint64) * tally->items.size);
	PG_RETURN_FLOAT8(rank_gini(&server.env, lists, tally->items.size, tally->catalog_size));
}

/* ---------------------------------------------------------------- novelty */

/* A sum in units that are integers, and how many it is of. */
typedef struct NoveltyState
{
	int64		sum;
	int64		count;
} NoveltyState;

/* PostgreSQL is built so that overflow would be silent. */
static void
novelty_add(NoveltyState *state, int64 sum, int64 count)
{
	if (pg_add_s64_overflow(state->sum, sum, &state->sum))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many rows for one group of novelty()"),
				 errdetail("The sum passes 2^39 bits.")));
	state->count += count;
}

/* A first row makes one; a combine without rows, too, which says nothing in the end. */
static NoveltyState *
novelty_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? MemoryContextAllocZero(context, sizeof(NoveltyState)) : (NoveltyState *) PG_GETARG_POINTER(0);
}

/* More buyers than customers is a join gone wrong. */
static void
require_count(double count, double total)
{
	if (count > total)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must not be greater than total"),
				 errdetail("n is %g, total is %g.", count, total)));
}

/* What nobody has yet has no row to join, so its n is NULL: it is as new as what one has. */
PG_FUNCTION_INFO_V1(personalize_novelty_transition);
Datum
personalize_novelty_transition(PG_FUNCTION_ARGS)
{
	NoveltyState *state = novelty_state(fcinfo);
	double		total;
	double		count;

	guard_not_null("total", PG_ARGISNULL(2));
	total = guard_float_range("total", PG_GETARG_FLOAT8(2), 1, 1e300);
	count = PG_ARGISNULL(1) ? 0 : guard_float_range("n", PG_GETARG_FLOAT8(1), 0, 1e300);
	require_count(count, total);
	novelty_add(state, rank_novelty(count, total), 1);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_novelty_combine);
Datum
personalize_novelty_combine(PG_FUNCTION_ARGS)
{
	NoveltyState *state = novelty_state(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		NoveltyState *other = (NoveltyState *) PG_GETARG_POINTER(1);

		novelty_add(state, other->sum, other->count);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_novelty_serialize);
Datum
personalize_novelty_serialize(PG_FUNCTION_ARGS)
{
	NoveltyState *state = (NoveltyState *) PG_GETARG_POINTER(0);
	StringInfoData out;

	(void) aggregate_context(fcinfo);
	pq_begintypsend(&out);
	pq_sendint64(&out, state->sum);
	pq_sendint64(&out, state->count);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(personalize_novelty_deserialize);
Datum
personalize_novelty_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
	NoveltyState *state = palloc(sizeof(NoveltyState));

	(void) aggregate_context(fcinfo);
	in.maxlen = in.len;
	state->sum = pq_getmsgint64(&in);
	state->count = pq_getmsgint64(&in);
	pq_getmsgend(&in);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_novelty);
Datum
personalize_novelty(PG_FUNCTION_ARGS)
{
	NoveltyState *state = PG_ARGISNULL(0) ? NULL : (NoveltyState *) PG_GETARG_POINTER(0);

	(void) aggregate_context(fcinfo);
	if (state == NULL || state->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(state->sum / RANK_NOVELTY_UNIT / state->count);
}
