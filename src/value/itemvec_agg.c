/*
 * itemvec_agg.c
 *		Aggregates that make sparse vectors: from items, from other vectors.
 *
 * The state is exact (kernel/itemvec_sum.c), so the result is the same bit for
 * bit whatever the order of rows and however many workers took part.
 */
#include "value/itemvec.h"

#include "libpq/pqformat.h"

#include "base/guards.h"

typedef struct ItemvecState
{
	ServerEnv	server;
	ItemvecSums sums;
} ItemvecState;

/*
 * The check is what keeps a state apart from other internal values, should a
 * function here ever be reached outside of an aggregate.
 */
static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* The environment goes with the state: its rows grow in the context they were made in. */
static ItemvecState *
state_new(MemoryContext context)
{
	ItemvecState *state = MemoryContextAllocZero(context, sizeof(ItemvecState));

	server_env_init(&state->server, context);
	return state;
}

/* Null only until a row was added, so that no rows are told from rows that cancel out. */
static ItemvecState *
state_for_row(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	return PG_ARGISNULL(0) ? state_new(context) : (ItemvecState *) PG_GETARG_POINTER(0);
}

/* For rows that are skipped; a state that is null stays so. */
static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * Looks at the room, which changes seldom, not at the rows: it doubles when half
 * of it is taken, so past four times the largest vector there is no vector to come.
 */
static void
add(ItemvecState *state, int64 item, double weight)
{
	itemvec_sums_add(&state->server.env, &state->sums, item, weight);
	if (unlikely(state->sums.usual.capacity > 4 * (ITEMVEC_MAX_ITEMS + 1) ||
				 state->sums.huge.capacity > 4 * (ITEMVEC_MAX_ITEMS + 1)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many items for one itemvec"),
				 errdetail("The limit is " UINT64_FORMAT ".", ITEMVEC_MAX_ITEMS),
				 errhint("Group by a further column, or select a range of items.")));
}

/* Weight 1 is a function of its own, so that a count does not carry a column of ones. */
PG_FUNCTION_INFO_V1(personalize_itemvec_accum);
Datum
personalize_itemvec_accum(PG_FUNCTION_ARGS)
{
	ItemvecState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	add(state, PG_GETARG_INT64(1), 1);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_accum_weight);
Datum
personalize_itemvec_accum_weight(PG_FUNCTION_ARGS)
{
	ItemvecState *state;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	add(state, PG_GETARG_INT64(1), guard_finite("weight", PG_GETARG_FLOAT8(2)));
	PG_RETURN_POINTER(state);
}

/* Entries are added up one by one, not vector by vector, or else every step would round. */
PG_FUNCTION_INFO_V1(personalize_itemvec_accum_vector);
Datum
personalize_itemvec_accum_vector(PG_FUNCTION_ARGS)
{
	ItemvecState *state;
	ItemvecCursor a;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	PG_GETARG_ITEMVEC(1, &a);
	while (itemvec_next(&a))
		add(state, a.item, a.weight);
	PG_RETURN_POINTER(state);
}

/*
 * The second state is left as it is and copied from: the server may have put it
 * in memory that goes after this call.
 */
PG_FUNCTION_INFO_V1(personalize_itemvec_merge);
Datum
personalize_itemvec_merge(PG_FUNCTION_ARGS)
{
	ItemvecState *state;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	state = state_for_row(fcinfo);
	itemvec_sums_merge(&state->server.env, &state->sums,
					   &((ItemvecState *) PG_GETARG_POINTER(1))->sums);
	PG_RETURN_POINTER(state);
}

/* Fields, not the array's bytes: a struct has no place in a message, even between own workers. */
static void
send_rows(StringInfo out, const ItemvecRows *r)
{
	pq_sendint64(out, r->n);
	for (uint64 i = 0; i < r->n; i++)
	{
		pq_sendint64(out, r->rows[i].item);
		pq_sendfloat8(out, r->rows[i].weight);
	}
}

PG_FUNCTION_INFO_V1(personalize_itemvec_serialize);
Datum
personalize_itemvec_serialize(PG_FUNCTION_ARGS)
{
	ItemvecState *state = (ItemvecState *) PG_GETARG_POINTER(0);
	StringInfoData out;
	uint64		n;

	aggregate_context(fcinfo);
	/* One row per item is what has to travel, whatever came in. */
	itemvec_sums_compact(&state->server.env, &state->sums);
	n = state->sums.usual.n + state->sums.huge.n;
	if (n > ITEMVEC_MAX_ITEMS - 8)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("partial itemvec of " UINT64_FORMAT " entries is too large to be passed between workers", n),
				 errhint("Set max_parallel_workers_per_gather to 0 for this query.")));
	pq_begintypsend(&out);
	send_rows(&out, &state->sums.usual);
	send_rows(&out, &state->sums.huge);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Checked like any other input: the count decides what is allocated. */
static void
receive_rows(StringInfo in, ItemvecState *state, ItemvecRows *r)
{
	uint64		n = pq_getmsgint64(in);

	if (n > (in->len - in->cursor) / sizeof(ItemWeight))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("partial itemvec announces " UINT64_FORMAT " entries in %d bytes",
						n, in->len - in->cursor)));
	r->rows = env_alloc(&state->server.env, n, sizeof(ItemWeight));
	r->n = r->capacity = n;
	for (uint64 i = 0; i < n; i++)
	{
		r->rows[i].item = pq_getmsgint64(in);
		r->rows[i].weight = pq_getmsgfloat8(in);
	}
}

PG_FUNCTION_INFO_V1(personalize_itemvec_deserialize);
Datum
personalize_itemvec_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in;
	ItemvecState *state;

	aggregate_context(fcinfo);
	in.data = VARDATA_ANY(bytes);
	in.len = in.maxlen = VARSIZE_ANY_EXHDR(bytes);
	in.cursor = 0;
	/* Only read by the merge that follows, so it may go with the caller's context. */
	state = state_new(CurrentMemoryContext);
	receive_rows(&in, state, &state->sums.usual);
	receive_rows(&in, state, &state->sums.huge);
	pq_getmsgend(&in);
	PG_RETURN_POINTER(state);
}

/* Leaves the state as exact as it was: a window calls this once per row. */
PG_FUNCTION_INFO_V1(personalize_itemvec_final);
Datum
personalize_itemvec_final(PG_FUNCTION_ARGS)
{
	ItemvecState *state;
	ServerEnv	server;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (ItemvecState *) PG_GETARG_POINTER(0);
	/* The work area is the call's, not the state's. */
	server_env_init(&server, CurrentMemoryContext);
	return itemvec_form_sums(&server, &state->sums);
}
