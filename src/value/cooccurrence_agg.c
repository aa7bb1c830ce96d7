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

#include "commands/tablespace.h"
#include "libpq/pqformat.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "base/progress.h"
#include "kernel/radix.h"
#include "kernel/runs.h"
#include "value/cooccurrence.h"

#define FIRST_ROWS		64			/* of the buffer; it doubles until a run is worth its while */
#define MIN_RUN_ROWS	((Size) 4096)
#define MAX_RUN_ROWS	((Size) 512 * 1024)	/* larger ones sort slower, for want of cache */
#define MAX_READ_BYTES	65536		/* of a spilled run at a time */
#define CHECK_ROWS		16384		/* merged between looks at interrupts */
#define MAX_WEIGHT		BASKETS_MAX_WEIGHT

/* Either in memory or in the file: spilling moves the bytes, the head stays. */
typedef struct Run
{
	RunHead		head;
	unsigned char *bytes;		/* NULL where it is in the file */
	int			fileno;			/* its place there */
	off_t		offset;
} Run;

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
	int			words;			/* of a row: 3 with weights */
	float8		damping;
	int32		max_basket;		/* 0: no limit */

	/* mutable */
	Keyset		baskets;		/* only for keys that are no numbers */
	Keyset		items;
	uint64	   *row;			/* the buffer, and as much again for sorting */
	uint64		num_rows;
	uint64		room;
	Run		   *run;
	uint32		num_runs;
	uint32		runs_room;
	Size		held;			/* bytes of runs in memory */
	bool		may_spill;		/* the context will tell when to close the file */
	BufFile    *file;
	int			end_fileno;		/* where the next run goes */
	off_t		end_offset;
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

/* In the aggregate's context and small, because GROUP BY may hold a state for each of many groups at once. */
static CooccurrenceState *
state_create(MemoryContext context, KeyType basket_type, KeyType item_type, int words)
{
	CooccurrenceState *state = MemoryContextAllocZero(context, sizeof(CooccurrenceState));
	Env		   *env = &state->server.env;

	server_env_init(&state->server, context);
	state->basket_type = basket_type;
	state->item_type = item_type;
	state->words = words;
	if (!key_is_number(basket_type))
		keyset_init(env, &state->baskets, false);
	if (!key_is_number(item_type))
		keyset_init(env, &state->items, false);
	state->room = FIRST_ROWS;
	state->row = env_alloc(env, state->room * 2, words * sizeof(uint64));
	state->runs_room = 4;
	state->run = env_alloc(env, state->runs_room, sizeof(Run));
	return state;
}

/* Runs when the aggregate's context goes, with or without an error before. */
static void
close_file(Datum argument)
{
	CooccurrenceState *state = (CooccurrenceState *) DatumGetPointer(argument);

	if (state->file != NULL)
		BufFileClose(state->file);
	state->file = NULL;
}

/* A window has no callback for its end, so a running frame keeps its runs in memory. */
static void
allow_spill(FunctionCallInfo fcinfo, CooccurrenceState *state)
{
	if (AggCheckCallContext(fcinfo, NULL) != AGG_CONTEXT_AGGREGATE)
		return;
	AggRegisterCallback(fcinfo, close_file, PointerGetDatum(state));
	/* set with the callback: without it nobody would close the file */
	state->may_spill = true;
}

/* Runs are read by turns, so nobody's place in the file is where the last one left it. */
static void
seek_file(BufFile *file, int fileno, off_t offset)
{
	if (BufFileSeek(file, fileno, offset, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file: %m")));
}

/* Behind the last one: runs are never changed, so a place in the file stays good. */
static void
write_run(CooccurrenceState *state, Run *run)
{
	seek_file(state->file, state->end_fileno, state->end_offset);
	run->fileno = state->end_fileno;
	run->offset = state->end_offset;
	BufFileWrite(state->file, run->bytes, run->head.bytes);
	BufFileTell(state->file, &state->end_fileno, &state->end_offset);
	state->held -= run->head.bytes;
	pfree(run->bytes);
	run->bytes = NULL;
}

/* All of them go at once, which leaves the whole budget to those that come. */
static void
spill(CooccurrenceState *state)
{
	if (state->file == NULL)
	{
		/* the file has to live as long as the state, not as the row that was one too many */
		MemoryContext old = MemoryContextSwitchTo(state->server.context);

		PrepareTempTablespaces();
		state->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	for (uint32 r = 0; r < state->num_runs; r++)
		if (state->run[r].bytes != NULL)
			write_run(state, &state->run[r]);
}

/* Takes over bytes, which live in the state's context. */
static void
add_run(CooccurrenceState *state, RunHead head, unsigned char *bytes)
{
	if (state->num_runs == state->runs_room)
	{
		state->runs_room *= 2;
		state->run = env_resize(&state->server.env, state->run, state->runs_room, sizeof(Run));
	}
	state->run[state->num_runs++] = (Run) {.head = head, .bytes = bytes};
	state->held += head.bytes;
	if (!state->may_spill)
		cooccurrence_check_memory(state->held, "holding the rows of the co-occurrence matrix");
	else if (state->held > memory_budget())
		spill(state);
}

/* In one place: rows meet in a buffer, in a merge of runs, or when states are put together. */
static void
too_heavy(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("weight of an item in one basket is out of range"),
			 errdetail("Its sum must not exceed %u.", MAX_WEIGHT)));
}

/* Keys that are no numbers cannot be spilled: every row may need any of them. */
static void
check_keys(const CooccurrenceState *state)
{
	Size		held = 0;

	if (!key_is_number(state->basket_type))
		held += keyset_memory(&state->baskets);
	if (!key_is_number(state->item_type))
		held += keyset_memory(&state->items);
	cooccurrence_check_memory(held, "holding the keys of the co-occurrence matrix");
}

/* Turns the buffer into a run; what the state means stays the same. */
static void
flush_rows(CooccurrenceState *state)
{
	Env		   *env = &state->server.env;
	uint64		n = state->num_rows;
	unsigned char *bytes;
	RunHead		head;

	if (n == 0)
		return;
	n = run_sort(state->row, state->row + n * state->words, n, state->words, MAX_WEIGHT);
	if (n == UINT64_MAX)
		too_heavy();
	/* the most that it could take; what is left over goes back below */
	bytes = env_alloc(env, run_max_bytes(n, state->words), 1);
	head = run_pack(state->row, n, state->words, bytes);
	state->num_rows = 0;
	check_keys(state);
	add_run(state, head, env_resize(env, bytes, head.bytes, 1));
}

/* Doubles while that is cheap; from a certain size on, sorting what is there frees more than it costs. */
static void
grow_rows(CooccurrenceState *state)
{
	/* the buffer, its scratch and the packed run share the budget with the runs */
	Size		most = memory_budget() / (8 * state->words * sizeof(uint64));

	if (state->room >= Min(Max(most, MIN_RUN_ROWS), MAX_RUN_ROWS))
		flush_rows(state);
	else
	{
		state->room *= 2;
		state->row = env_resize(&state->server.env, state->row, state->room * 2, state->words * sizeof(uint64));
	}
}

/* Inlined: it runs once a row, and mostly does nothing but store two words. */
static inline void
append_row(CooccurrenceState *state, uint64 basket, uint64 item, uint64 weight)
{
	uint64	   *row;

	if (state->num_rows == state->room)
		grow_rows(state);
	row = state->row + state->num_rows++ * state->words;
	row[0] = basket;
	row[1] = item;
	if (state->words == 3)
		row[2] = weight;
}

/* Numbers in the order of their values when compared as unsigned; codes as they are. */
static inline uint64
number_row(int64 number)
{
	return (uint64) number ^ (UINT64CONST(1) << 63);
}

/* Texts and uuids become codes at once, so that all that follows handles numbers of one size. */
static inline uint64
key_row(CooccurrenceState *state, KeyType type, Keyset *set, Datum value)
{
	if (key_is_number(type))
		return number_row(key_number(type, value));
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

/* --- merging runs ------------------------------------------------------- */

/*
 * A run as the merge reads it.  The kernel knows bytes and a callback; where a run is in the
 * file, and that the file is shared, is known only here.
 */
typedef struct StateReader
{
	RunReader	reader;			/* first: a RunReader * is a StateReader * */
	BufFile    *file;
	int			fileno;
	off_t		offset;
	unsigned char *buffer;
	Size		room;
} StateReader;

/* Seeks each time, because all runs share one file; with blocks of this size that is lost in the reading. */
static void
refill_from_file(RunReader *reader)
{
	StateReader *r = (StateReader *) reader;
	Size		left = reader->in.end - reader->in.at;
	Size		more = Min(r->room - left, reader->unread);

	memmove(r->buffer, reader->in.at, left);
	seek_file(r->file, r->fileno, r->offset);
	BufFileReadExact(r->file, r->buffer + left, more);
	BufFileTell(r->file, &r->fileno, &r->offset);
	reader->in.at = r->buffer;
	reader->in.end = r->buffer + left + more;
	reader->unread -= more;
}

/* Runs in memory are read where they are; those in the file each get a buffer. */
static RunReader *
open_run(const CooccurrenceState *state, const Run *run, Size room)
{
	StateReader *r = palloc0(sizeof(StateReader));

	r->reader.head = run->head;
	if (run->bytes != NULL)
		r->reader.in = wire_reader(run->bytes, run->head.bytes);
	else
	{
		r->buffer = palloc(room);
		r->room = room;
		r->reader.in = wire_reader(r->buffer, 0);
		r->reader.unread = run->head.bytes;
		r->reader.refill = refill_from_file;
		r->file = state->file;
		r->fileno = run->fileno;
		r->offset = run->offset;
	}
	return &r->reader;
}

/* Buffers and what is read ahead share the budget, however many runs there are. */
static void
open_runs(CooccurrenceState *state, Env *env, RunMerge *merge)
{
	RunReader **readers = palloc((state->num_runs + 1) * sizeof(RunReader *));
	Size		room = memory_budget() / (state->num_runs + 1);

	room = Min(Max(room, 1024), MAX_READ_BYTES);
	for (uint32 r = 0; r < state->num_runs; r++)
		readers[r] = open_run(state, &state->run[r], room);
	run_merge_init(env, merge, readers, state->num_runs, state->words, MAX_WEIGHT,
				   Min(Max(memory_budget() / (4 * state->words * sizeof(uint64)), MIN_RUN_ROWS), MAX_RUN_ROWS));
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
		scratch[i * 3] = place[rows[i * state->words + 1]];
		scratch[i * 3 + 1] = rows[i * state->words + 1];
		scratch[i * 3 + 2] = state->words == 3 ? rows[i * state->words + 2] : 1;
	}
	radix_sort(scratch, scratch + n * 3, n, 3, 1);
	for (uint64 i = 0; i < n; i++)
		/* back to rows as they were, from front to back: none is written over before it has moved */
		memmove(scratch + i * state->words, scratch + i * 3, state->words * sizeof(uint64));
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
		uint64		item = rows[i * state->words + 1];

		b->item[at + i] = key_is_number(state->item_type) ?
			keyset_add_number(env, &builder->keys, (int64) number_row((int64) item)) :
			keyset_add_from(env, &builder->keys, &state->items, (uint32) item);
		if (b->weight)
			b->weight[at + i] = (uint32) rows[i * state->words + 2];
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
	close_basket(state, builder, rows + (n - state->max_basket) * state->words, state->max_basket);
	env_release(env, scratch);
}

/* The baskets go from the runs straight into the builder: they are never all there as rows. */
static Cooccurrence *
build(CooccurrenceState *state)
{
	CooccurrenceBuilder builder;
	RunMerge	merge;
	uint64		total = 0;
	uint64		unchecked = 0;
	const uint64 *rows;
	const uint32 *place;
	uint64		n;

	for (uint32 r = 0; r < state->num_runs; r++)
		total += state->run[r].head.rows;
	/* in the current context, which the caller deletes */
	cooccurrence_builder_init(&builder, (CooccurrenceKind) {state->item_type, state->words == 3, state->damping});
	place = item_places(state, &builder.server.env);
	open_runs(state, &builder.server.env, &merge);
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
		too_heavy();
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
	flush_rows(state);
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

/* The bytes of a run, wherever they are. */
static void
copy_run(const CooccurrenceState *state, const Run *run, void *to)
{
	if (run->bytes != NULL)
		memcpy(to, run->bytes, run->head.bytes);
	else
	{
		seek_file(state->file, run->fileno, run->offset);
		BufFileReadExact(state->file, to, run->head.bytes);
	}
}

/* Takes over all rows of another state, by translation where codes are in the way. */
static void
absorb(CooccurrenceState *state, CooccurrenceState *other)
{
	bool		numbers = key_is_number(state->basket_type) && key_is_number(state->item_type);
	Env		   *env = &state->server.env;
	RunMerge	merge;
	const uint64 *rows;
	uint64		n;

	flush_rows(other);
	if (numbers)
	{
		for (uint32 r = 0; r < other->num_runs; r++)
		{
			/* a copy, as the other state goes with its message */
			unsigned char *bytes = env_alloc(env, other->run[r].head.bytes, 1);

			copy_run(other, &other->run[r], bytes);
			add_run(state, other->run[r].head, bytes);
		}
		return;
	}
	open_runs(other, &other->server.env, &merge);
	while ((n = run_merge_next(&merge, &rows)) > 0)
	{
		/* a basket may be split between workers: the key brings it together, the code does not */
		uint64		basket = rows[0];

		CHECK_FOR_INTERRUPTS();
		if (!key_is_number(state->basket_type))
			basket = keyset_add_from(env, &state->baskets, &other->baskets, (uint32) basket);
		for (uint64 i = 0; i < n; i++, rows += state->words)
			append_row(state, basket,
					   key_is_number(state->item_type) ? rows[1] :
					   keyset_add_from(env, &state->items, &other->items, (uint32) rows[1]),
					   state->words == 3 ? rows[2] : 1);
	}
	if (merge.too_heavy)
		too_heavy();
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
		state = state_create(context, other->basket_type, other->item_type, other->words);
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
send_run(StringInfo out, const CooccurrenceState *state, const Run *run)
{
	pq_sendint64(out, run->head.least_item);
	pq_sendint64(out, run->head.rows);
	pq_sendint64(out, run->head.bytes);
	enlargeStringInfo(out, run->head.bytes);
	copy_run(state, run, out->data + out->len);
	out->len += run->head.bytes;
}

/* A worker's share has to pass through one message. */
static void
check_sendable(const CooccurrenceState *state)
{
	Size		total = 1024;

	for (uint32 r = 0; r < state->num_runs; r++)
		total += state->run[r].head.bytes + sizeof(RunHead);
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
	flush_rows(state);
	check_sendable(state);
	pq_begintypsend(&out);
	pq_sendbyte(&out, state->basket_type);
	pq_sendbyte(&out, state->item_type);
	pq_sendbyte(&out, state->words);
	pq_sendfloat8(&out, state->damping);
	pq_sendint32(&out, state->max_basket);
	if (!key_is_number(state->basket_type))
		send_keyset(&out, &state->baskets);
	if (!key_is_number(state->item_type))
		send_keyset(&out, &state->items);
	pq_sendint32(&out, state->num_runs);
	for (uint32 r = 0; r < state->num_runs; r++)
		send_run(&out, state, &state->run[r]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void
receive_run(StringInfo in, CooccurrenceState *state)
{
	RunHead		head;

	head.least_item = pq_getmsgint64(in);
	head.rows = pq_getmsgint64(in);
	head.bytes = pq_getmsgint64(in);
	/* no copy: the bytes stay where they came in until absorb takes them */
	state->run[state->num_runs++] = (Run)
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
	state->runs_room = n + 1;
	state->run = env_resize(&state->server.env, state->run, state->runs_room, sizeof(Run));
	for (uint32 r = 0; r < n; r++)
		receive_run(&in, state);
	pq_getmsgend(&in);
	PG_RETURN_POINTER(state);
}
