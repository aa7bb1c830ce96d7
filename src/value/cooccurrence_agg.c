/*
 * cooccurrence_agg.c
 *		The aggregates that make co-occurrence matrices.
 *
 * Rows are buffered as pairs of numbers.  A full buffer becomes a run: sorted, free
 * of duplicates, a few bytes a row.  Runs stay in memory up to work_mem ×
 * hash_mem_multiplier and go to a temporary file from there on.  Parallel workers
 * send their runs, and the final function merges all of them, basket by basket:
 * what a basket holds is known only then, so that is where it is cut.
 *
 * Integer keys are used as they are; a uuid or text becomes a code of a keyset.
 * Codes differ between workers, so such rows are translated when states meet.
 */
#include "base/compat.h"

#include "libpq/pqformat.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "base/progress.h"
#include "kernel/radix.h"
#include "value/basket_rows.h"
#include "value/cooccurrence.h"

#define CHECK_ROWS		16384		/* merged between looks at interrupts */
#define MAX_WEIGHT		BASKETS_MAX_WEIGHT

/*
 * The transition state.  A buffer, its runs and the keysets are all of it; what a basket
 * holds is not known before the runs are merged, however early its last row came.
 */
typedef struct CooccurrenceState
{
	/* immutable */
	ServerEnv	server;
	KeyType		basket_type;
	KeyType		item_type;
	float8		damping;
	int32		max_basket;		/* 0: no limit */

	/* mutable */
	Keyset		baskets;		/* only for keys that are no numbers */
	Keyset		items;
	BasketRows	rows;			/* with weights, of three words */
} CooccurrenceState;

/*
 * The limit of the server's own hash tables, since this stands where one would: what goes
 * past it goes to a file.
 */
static Size
memory_budget(void)
{
	return (Size) (work_mem * hash_mem_multiplier) * 1024;
}

/* --- state -------------------------------------------------------------- */

/* Keys that are no numbers cannot be spilled: every row may need any of them. */
static void
check_memory(void *arg, Size held)
{
	const CooccurrenceState *state = arg;
	Size		keys = 0;

	if (!key_is_number(state->basket_type))
		keys += keyset_memory(&state->baskets);
	if (!key_is_number(state->item_type))
		keys += keyset_memory(&state->items);
	cooccurrence_check_memory(keys, "holding the keys of the co-occurrence matrix");
	if (!state->rows.may_spill)
		cooccurrence_check_memory(held, "holding the rows of the co-occurrence matrix");
}

/* In the aggregate's context and small, because GROUP BY may hold a state for each of many groups at once. */
static CooccurrenceState *
state_create(MemoryContext context, KeyType basket_type, KeyType item_type, int words)
{
	CooccurrenceState *state = MemoryContextAllocZero(context, sizeof(CooccurrenceState));
	Env		   *env = &state->server.env;

	server_env_init(&state->server, context);
	state->basket_type = basket_type;
	state->item_type = item_type;
	if (!key_is_number(basket_type))
		keyset_init(env, &state->baskets, false);
	if (!key_is_number(item_type))
		keyset_init(env, &state->items, false);
	basket_rows_init(&state->rows, context, words, MAX_WEIGHT, memory_budget());
	state->rows.check = check_memory;
	state->rows.arg = state;
	return state;
}

/* Runs when the aggregate's context goes, with or without an error before. */
static void
close_file(Datum argument)
{
	basket_rows_close(&((CooccurrenceState *) DatumGetPointer(argument))->rows);
}

/* A window has no callback for its end, so a running frame keeps its runs in memory. */
static void
allow_spill(FunctionCallInfo fcinfo, CooccurrenceState *state)
{
	if (AggCheckCallContext(fcinfo, NULL) != AGG_CONTEXT_AGGREGATE)
		return;
	AggRegisterCallback(fcinfo, close_file, PointerGetDatum(state));
	/* set with the callback: without it nobody would close the file */
	state->rows.may_spill = true;
}

/* Inlined: it runs once a row, and mostly does nothing but store two words. */
static inline void
append_row(CooccurrenceState *state, uint64 basket, uint64 item, uint64 weight)
{
	uint64	   *row = basket_rows_append(&state->rows);

	row[0] = basket;
	row[1] = item;
	if (state->rows.words == 3)
		row[2] = weight;
}

/* Texts and uuids become codes at once, so that all that follows handles numbers of one size. */
static inline uint64
key_row(CooccurrenceState *state, KeyType type, Keyset *set, Datum value)
{
	if (key_is_number(type))
		return basket_number(key_number(type, value));
	return key_add(&state->server.env, set, type, value);
}

/* --- transition --------------------------------------------------------- */

/* Arguments are (state, basket, item [, weight] [, damping, max_basket]); their number says which. */
static inline bool
has_weight(FunctionCallInfo fcinfo)
{
	return PG_NARGS() == 4 || PG_NARGS() == 6;
}

/* 0 where there are none, which is never their place: that is the state's. */
static inline int
options_at(FunctionCallInfo fcinfo)
{
	return PG_NARGS() >= 5 ? PG_NARGS() - 2 : 0;
}

/* Types and options are known with the first row only; NULL rows before it make no state. */
static CooccurrenceState *
first_row(FunctionCallInfo fcinfo, MemoryContext context)
{
	int			options = options_at(fcinfo);
	CooccurrenceState *state = state_create(context,
											key_type(get_fn_expr_argtype(fcinfo->flinfo, 1), "basket"),
											key_type(get_fn_expr_argtype(fcinfo->flinfo, 2), "item"),
											has_weight(fcinfo) ? 3 : 2);

	allow_spill(fcinfo, state);
	if (options && !PG_ARGISNULL(options))
		state->damping = guard_float_range("damping", PG_GETARG_FLOAT8(options), 0, COOCCURRENCE_MAX_DAMPING);
	if (options && !PG_ARGISNULL(options + 1))
		state->max_basket = guard_int_range("max_basket", PG_GETARG_INT32(options + 1), 1, PG_INT32_MAX);
	return state;
}

/* Options are the aggregate's, not the row's: a column there is a mistake worth an error. */
static void
check_options(const CooccurrenceState *state, float8 damping, int32 max_basket)
{
	if (damping != state->damping || max_basket != state->max_basket)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("damping and max_basket must be the same in all rows"),
				 errdetail("They were %g and %d, and are now %g and %d.",
						   state->damping, state->max_basket, damping, max_basket)));
}

/* Not STRICT, for the first row would then be taken as the state; a row with a NULL is passed over here. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_trans);
Datum
personalize_cooccurrence_trans(PG_FUNCTION_ARGS)
{
	CooccurrenceState *state = PG_ARGISNULL(0) ? NULL : (CooccurrenceState *) PG_GETARG_POINTER(0);
	MemoryContext context;
	int			options = options_at(fcinfo);
	int64		weight = 1;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (has_weight(fcinfo) && PG_ARGISNULL(3)))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (has_weight(fcinfo))
		weight = guard_int_range("weight", PG_GETARG_INT64(3), 0, MAX_WEIGHT);
	if (state == NULL)
		state = first_row(fcinfo, context);
	else if (options > 0)
		check_options(state,
					  PG_ARGISNULL(options) ? 0 : PG_GETARG_FLOAT8(options),
					  PG_ARGISNULL(options + 1) ? 0 : PG_GETARG_INT32(options + 1));
	/* nothing of an item is no item */
	if (weight > 0)
		append_row(state,
				   key_row(state, state->basket_type, &state->baskets, PG_GETARG_DATUM(1)),
				   key_row(state, state->item_type, &state->items, PG_GETARG_DATUM(2)),
				   weight);
	PG_RETURN_POINTER(state);
}

/* --- final -------------------------------------------------------------- */

/* Where items are to be cut, codes of texts have to be put into the order of their keys first. */
static uint32 *
item_places(CooccurrenceState *state, Env *env)
{
	if (state->max_basket == 0 || key_is_number(state->item_type))
		return NULL;
	return keyset_order(env, &state->items);
}

/* Puts the rows of one basket into the order of their texts; `scratch` has room for twice n rows of three words. */
static const uint64 *
order_texts(const CooccurrenceState *state, const uint64 *rows, uint64 n, const uint32 *place, uint64 *scratch)
{
	for (uint64 i = 0; i < n; i++)
	{
		scratch[i * 3] = place[rows[i * state->rows.words + 1]];
		scratch[i * 3 + 1] = rows[i * state->rows.words + 1];
		scratch[i * 3 + 2] = state->rows.words == 3 ? rows[i * state->rows.words + 2] : 1;
	}
	radix_sort(scratch, scratch + n * 3, n, 3, 1);
	for (uint64 i = 0; i < n; i++)
		/* back to rows as they were, from front to back: none is written over before it has moved */
		memmove(scratch + i * state->rows.words, scratch + i * 3, state->rows.words * sizeof(uint64));
	return scratch;
}

/* Codes are given in the order in which items turn up; the builder renumbers them at the end. */
static void
close_basket(CooccurrenceState *state, CooccurrenceBuilder *builder, const uint64 *rows, uint64 n)
{
	Env		   *env = &builder->server.env;
	Baskets    *b = &builder->baskets;
	uint64		at;

	cooccurrence_builder_reserve(builder, n);
	at = b->start[b->num_lists];
	for (uint64 i = 0; i < n; i++)
	{
		uint64		item = rows[i * state->rows.words + 1];

		b->item[at + i] = key_is_number(state->item_type) ?
			keyset_add_number(env, &builder->keys, (int64) basket_number((int64) item)) :
			keyset_add_from(env, &builder->keys, &state->items, (uint32) item);
		if (b->weight)
			b->weight[at + i] = (uint32) rows[i * state->rows.words + 2];
	}
	cooccurrence_builder_close(builder, n, 1);
}

/*
 * A basket that is too large keeps its largest items, the last by their order: with ids
 * from a sequence the newest, and the same ones whatever order the rows came in.
 */
static void
cut_basket(CooccurrenceState *state, CooccurrenceBuilder *builder, const uint64 *rows, uint64 n, const uint32 *place)
{
	Env		   *env = &builder->server.env;
	/* numbers need none: rows come in their order */
	uint64	   *scratch = NULL;

	if (place)
	{
		scratch = env_alloc(env, n * 2, 3 * sizeof(uint64));
		rows = order_texts(state, rows, n, place, scratch);
	}
	close_basket(state, builder, rows + (n - state->max_basket) * state->rows.words, state->max_basket);
	env_release(env, scratch);
}

/* The baskets go from the runs straight into the builder: they are never all there as rows. */
static Cooccurrence *
build(CooccurrenceState *state)
{
	CooccurrenceBuilder builder;
	RunMerge	merge;
	uint64		total = basket_rows_total(&state->rows);
	uint64		unchecked = 0;
	const uint64 *rows;
	const uint32 *place;
	uint64		n;

	/* in the current context, which the caller deletes */
	cooccurrence_builder_init(&builder, (CooccurrenceKind) {state->item_type, state->rows.words == 3, state->damping});
	place = item_places(state, &builder.server.env);
	basket_rows_merge(&state->rows, &builder.server.env, &merge);
	while ((n = run_merge_next(&merge, &rows)) > 0)
	{
		/* by rows: there is no saying how many a basket has */
		unchecked += n;
		if (unchecked >= CHECK_ROWS)
		{
			env_check(&builder.server.env, merge.rows_read, total);
			unchecked = 0;
		}
		if (state->max_basket > 0 && n > state->max_basket)
			cut_basket(state, &builder, rows, n, place);
		else
			close_basket(state, &builder, rows, n);
	}
	if (merge.too_heavy)
		basket_rows_too_heavy(&state->rows);
	run_merge_release(&merge);
	return cooccurrence_builder_finish(&builder);
}

/*
 * Leaves the state as it was but for the buffer, which is a run now: a window asks for the
 * value at every row.
 */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_final);
Datum
personalize_cooccurrence_final(PG_FUNCTION_ARGS)
{
	CooccurrenceState *state;
	MemoryContext scratch;
	MemoryContext old;
	Cooccurrence *m;
	bool		begun;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (CooccurrenceState *) PG_GETARG_POINTER(0);
	begun = progress_begin(PROGRESS_MERGING);
	basket_rows_flush(&state->rows);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "personalize co-occurrence build", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	m = build(state);
	/* the value outlives what built it */
	MemoryContextSwitchTo(old);
	m = memcpy(palloc(VARSIZE(m)), m, VARSIZE(m));
	/* everything else goes in one step */
	MemoryContextDelete(scratch);
	progress_end(begun);
	PG_RETURN_POINTER(m);
}

/* --- parallel ----------------------------------------------------------- */

/*
 * A worker's state travels as its packed runs and, where keys are no numbers, the keysets
 * that its codes refer to.  Runs of numbers are taken over as they are; runs of codes are
 * merged and their rows appended under the codes of the receiving state, since two workers
 * give one text two codes.
 */

/* Takes over all rows of another state, by translation where codes are in the way. */
static void
absorb(CooccurrenceState *state, CooccurrenceState *other)
{
	bool		numbers = key_is_number(state->basket_type) && key_is_number(state->item_type);
	Env		   *env = &state->server.env;
	RunMerge	merge;
	const uint64 *rows;
	uint64		n;

	basket_rows_flush(&other->rows);
	if (numbers)
	{
		for (uint32 r = 0; r < other->rows.num_runs; r++)
		{
			const BasketRun *run = &other->rows.run[r];
			/* a copy, as the other state goes with its message */
			unsigned char *bytes = env_alloc(env, run->head.bytes, 1);

			basket_rows_copy_run(&other->rows, run, bytes);
			basket_rows_add_run(&state->rows, run->head, bytes);
		}
		return;
	}
	basket_rows_merge(&other->rows, &other->server.env, &merge);
	while ((n = run_merge_next(&merge, &rows)) > 0)
	{
		/* a basket may be split between workers: the key brings it together, the code does not */
		uint64		basket = rows[0];

		CHECK_FOR_INTERRUPTS();
		if (!key_is_number(state->basket_type))
			basket = keyset_add_from(env, &state->baskets, &other->baskets, (uint32) basket);
		for (uint64 i = 0; i < n; i++, rows += state->rows.words)
			append_row(state, basket,
					   key_is_number(state->item_type) ? rows[1] :
					   keyset_add_from(env, &state->items, &other->items, (uint32) rows[1]),
					   state->rows.words == 3 ? rows[2] : 1);
	}
	if (merge.too_heavy)
		basket_rows_too_heavy(&state->rows);
	run_merge_release(&merge);
}

/*
 * Goes through the shape of a first row where the own side is empty, so that the result
 * lives in its context.
 */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_combine);
Datum
personalize_cooccurrence_combine(PG_FUNCTION_ARGS)
{
	CooccurrenceState *state = PG_ARGISNULL(0) ? NULL : (CooccurrenceState *) PG_GETARG_POINTER(0);
	CooccurrenceState *other = PG_ARGISNULL(1) ? NULL : (CooccurrenceState *) PG_GETARG_POINTER(1);
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (other == NULL)
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	if (state == NULL)
	{
		state = state_create(context, other->basket_type, other->item_type, other->rows.words);
		state->damping = other->damping;
		state->max_basket = other->max_basket;
		allow_spill(fcinfo, state);
	}
	/* workers that saw other options must not meet here unnoticed */
	check_options(state, other->damping, other->max_basket);
	absorb(state, other);
	PG_RETURN_POINTER(state);
}

/* In the order of the codes, which are then what they were where it is read. */
static void
send_keyset(StringInfo out, const Keyset *set)
{
	pq_sendint32(out, set->size);
	for (uint32 code = 0; code < set->size; code++)
	{
		size_t		size;
		const char *bytes = keyset_bytes(set, code, &size);

		pq_sendint32(out, size);
		pq_sendbytes(out, (char *) bytes, size);
	}
}

/* Adding in the order of the codes gives the same codes again. */
static void
receive_keyset(StringInfo in, Env *env, Keyset *set)
{
	uint32		n = pq_getmsgint(in, 4);

	for (uint32 i = 0; i < n; i++)
	{
		int			size = pq_getmsgint(in, 4);

		keyset_add_bytes(env, set, pq_getmsgbytes(in, size), size);
	}
}

/* As it is packed: what a worker sends is what it would have written to its file. */
static void
send_run(StringInfo out, const BasketRows *rows, const BasketRun *run)
{
	pq_sendint64(out, run->head.least_item);
	pq_sendint64(out, run->head.rows);
	pq_sendint64(out, run->head.bytes);
	enlargeStringInfo(out, run->head.bytes);
	basket_rows_copy_run(rows, run, out->data + out->len);
	out->len += run->head.bytes;
}

/* A worker's share has to pass through one message. */
static void
check_sendable(const CooccurrenceState *state)
{
	Size		total = 1024;

	for (uint32 r = 0; r < state->rows.num_runs; r++)
		total += state->rows.run[r].head.bytes + sizeof(RunHead);
	if (!key_is_number(state->basket_type))
		total += state->baskets.start[state->baskets.size] + 4 * (Size) state->baskets.size;
	if (!key_is_number(state->item_type))
		total += state->items.start[state->items.size] + 4 * (Size) state->items.size;
	if (total > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a parallel worker's share of %zu MB exceeds the 1 GB that it can send", total / 1024 / 1024),
				 errhint("Use more workers, or none: SET max_parallel_workers_per_gather = 0.")));
}

/* Never leaves the server, so it needs no check of its bytes; those of another version cannot come in. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_serialize);
Datum
personalize_cooccurrence_serialize(PG_FUNCTION_ARGS)
{
	CooccurrenceState *state = (CooccurrenceState *) PG_GETARG_POINTER(0);
	StringInfoData out;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	basket_rows_flush(&state->rows);
	check_sendable(state);
	pq_begintypsend(&out);
	pq_sendbyte(&out, state->basket_type);
	pq_sendbyte(&out, state->item_type);
	pq_sendbyte(&out, state->rows.words);
	pq_sendfloat8(&out, state->damping);
	pq_sendint32(&out, state->max_basket);
	if (!key_is_number(state->basket_type))
		send_keyset(&out, &state->baskets);
	if (!key_is_number(state->item_type))
		send_keyset(&out, &state->items);
	pq_sendint32(&out, state->rows.num_runs);
	for (uint32 r = 0; r < state->rows.num_runs; r++)
		send_run(&out, &state->rows, &state->rows.run[r]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void
receive_run(StringInfo in, BasketRows *rows)
{
	RunHead		head;

	head.least_item = pq_getmsgint64(in);
	head.rows = pq_getmsgint64(in);
	head.bytes = pq_getmsgint64(in);
	/* no copy: the bytes stay where they came in until absorb takes them */
	rows->run[rows->num_runs++] = (BasketRun)
	{
		.head = head, .bytes = (unsigned char *) pq_getmsgbytes(in, head.bytes)
	};
}

/* Lives for one call of combine only: keys are read, runs are left in the message. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_deserialize);
Datum
personalize_cooccurrence_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	CooccurrenceState *state;
	StringInfoData in;
	KeyType		basket_type;
	KeyType		item_type;
	uint32		n;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	in = (StringInfoData) {.data = VARDATA_ANY(bytes), .len = VARSIZE_ANY_EXHDR(bytes)};
	basket_type = pq_getmsgbyte(&in);
	item_type = pq_getmsgbyte(&in);
	state = state_create(CurrentMemoryContext, basket_type, item_type, pq_getmsgbyte(&in));
	state->damping = pq_getmsgfloat8(&in);
	state->max_basket = pq_getmsgint(&in, 4);
	if (!key_is_number(basket_type))
		receive_keyset(&in, &state->server.env, &state->baskets);
	if (!key_is_number(item_type))
		receive_keyset(&in, &state->server.env, &state->items);
	n = pq_getmsgint(&in, 4);
	state->rows.runs_room = n + 1;
	state->rows.run = env_resize(&state->server.env, state->rows.run, state->rows.runs_room, sizeof(BasketRun));
	for (uint32 r = 0; r < n; r++)
		receive_run(&in, &state->rows);
	pq_getmsgend(&in);
	PG_RETURN_POINTER(state);
}
