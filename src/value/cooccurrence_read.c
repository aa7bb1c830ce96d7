/*
 * cooccurrence_read.c
 *		What is in a matrix: counts of items and pairs, neighbors.
 *
 * Each call takes the value apart, does its work and leaves all memory to the context
 * of the call.  Nothing is kept between calls: a value may be another one next time.
 */
#include "base/compat.h"

#include <math.h>

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "base/module.h"
#include "base/progress.h"
#include "value/cooccurrence.h"
#include "value/measure.h"

/* Bytes that an open matrix and its product hold for each item: keys and their hash table, sums, orders. */
#define OPEN_PER_ITEM		40
#define PRODUCT_PER_ITEM	64

/* One basket counts 2^16 where baskets are damped, so that sums are whole numbers. */
#define DAMPED_UNIT		65536

/* A matrix taken apart for reading; rank is the code of keys and the item of baskets. */
typedef struct OpenMatrix
{
	ServerEnv	server;
	CooccurrenceKind kind;
	Keyset		keys;
	Baskets		baskets;
	int64	   *diagonal;		/* n of every item, in units */
	int64		total;			/* n of all baskets, in units */
	double		unit;
	Size		held;			/* bytes asked for so far */

	/* only after open_product */
	uint32	   *order;			/* rank -> place among the keys */
	uint32	   *item_at;		/* the reverse */
	double	   *marginal;
	CooccurOperand operand;
} OpenMatrix;

/* --- opening ------------------------------------------------------------ */

/*
 * Asks for memory before it is allocated; all that one call holds counts.  A user who may read
 * a value can ask for any k and any product, and the server has to survive it.
 */
static void
ask_memory(OpenMatrix *matrix, Size bytes, const char *what)
{
	matrix->held = add_size(matrix->held, bytes);
	cooccurrence_check_memory(matrix->held, what);
}

/* The spec's basket damping: 2^16 · 2^(−γ·⌊log2 d⌋), rounded; it changes only at powers of two. */
static int64
list_scale(const OpenMatrix *matrix, uint64 list)
{
	uint64		size = matrix->baskets.start[list + 1] - matrix->baskets.start[list];
	int64		repeat = matrix->baskets.repeat[list];

	if (matrix->kind.damping == 0)
		return repeat;
	return repeat * (int64) rint(DAMPED_UNIT * exp2(-matrix->kind.damping * (63 - __builtin_clzll(size))));
}

/* Checked here once and for all: whoever multiplies later adds up without a look. */
static void
add_product(const OpenMatrix *matrix, int64 *sum, int64 scale, int64 weight)
{
	int64		product;

	if (!pg_mul_s64_overflow(weight, weight, &product) && !pg_mul_s64_overflow(product, scale, &product) &&
		!pg_add_s64_overflow(*sum, product, sum))
		return;
	if (!matrix->kind.weighted)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many baskets for a co-occurrence matrix with damping"),
				 errdetail("Their sum, in units of 1/%d of a basket, passes 2^63.", DAMPED_UNIT)));
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("weights are too large for a co-occurrence matrix"),
			 errdetail("The sum of their squares for one item passes 2^63."),
			 errhint("Use smaller weights, for example by capping or rounding quantities.")));
}

/*
 * Sums for single items.  They bound those of pairs (n_ab² ≤ n_a · n_b), so that
 * once these fit nothing later can overflow.
 */
static void
sum_items(OpenMatrix *matrix)
{
	const Baskets *b = &matrix->baskets;

	/* without damping counts are counted as they are */
	matrix->unit = matrix->kind.damping == 0 ? 1.0 : 1.0 / DAMPED_UNIT;
	matrix->diagonal = env_alloc0(&matrix->server.env, (uint64) b->num_items + 1, sizeof(int64));
	for (uint64 l = 0; l < b->num_lists; l++)
	{
		int64		scale = list_scale(matrix, l);

		if (l % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		add_product(matrix, &matrix->total, scale, 1);
		for (uint64 e = b->start[l]; e < b->start[l + 1]; e++)
			add_product(matrix, &matrix->diagonal[b->item[e]], scale, b->weight ? b->weight[e] : 1);
	}
}

/* Memory is asked for by the figures in the value's head, before anything is decoded. */
static void
open_matrix(OpenMatrix *matrix, const Cooccurrence *m)
{
	memset(matrix, 0, sizeof(*matrix));
	server_env_init(&matrix->server, CurrentMemoryContext);
	matrix->kind = cooccurrence_kind(m);
	ask_memory(matrix, m->num_entries * sizeof(uint32) * (matrix->kind.weighted ? 2 : 1) +
			   m->num_lists * (sizeof(uint64) + sizeof(uint32)) + (Size) m->num_items * OPEN_PER_ITEM + VARSIZE(m), "reading the co-occurrence matrix");
	cooccurrence_read_keys(&matrix->server.env, m, &matrix->keys);
	cooccurrence_read_baskets(&matrix->server.env, m, &matrix->baskets);
	sum_items(matrix);
}

/* Whether every basket counts as one, so that counts are counts of lists. */
static bool
is_plain(const OpenMatrix *matrix)
{
	return !matrix->kind.weighted && matrix->kind.damping == 0;
}

/*
 * Entries of the lists when each is written out as often as it was seen; UINT64_MAX
 * where that is too much more than once, and scales are the better way.
 */
static uint64
repeated_entries(const Baskets *b, uint64 first)
{
	uint64		total = 0;
	uint64		once = b->start[b->num_lists] - b->start[first];

	/* left as soon as it is settled, so that no sum of repeats can wrap around */
	for (uint64 l = first; l < b->num_lists && total / 2 <= once; l++)
		total += (b->start[l + 1] - b->start[l]) * b->repeat[l];
	return total / 2 > once ? UINT64_MAX : total;
}

/* Copies make counters plain additions of one, which is what the fused way can do; repeats are few. */
static void
write_out_repeats(OpenMatrix *matrix, uint64 first, uint64 entries)
{
	Baskets    *b = &matrix->baskets;
	Env		   *env = &matrix->server.env;
	CooccurOperand *x = &matrix->operand;
	uint64		lists = 0;
	uint64	   *start;
	uint32	   *item = env_alloc(env, entries + 1, sizeof(uint32));

	for (uint64 l = first; l < b->num_lists; l++)
		lists += b->repeat[l];
	start = env_alloc(env, lists + 1, sizeof(uint64));
	start[0] = 0;
	lists = 0;
	for (uint64 l = first; l < b->num_lists; l++)
		for (uint32 r = 0; r < b->repeat[l]; r++, lists++)
		{
			uint64		size = b->start[l + 1] - b->start[l];

			memcpy(item + start[lists], b->item + b->start[l], size * sizeof(uint32));
			start[lists + 1] = start[lists] + size;
		}
	/* these were needed for their copies only */
	baskets_release(env, b);
	x->num_lists = lists;
	x->list_start = start;
	x->list_item = item;
}

/* The lists as they are, with scales unless each counts once. */
static void
use_lists(OpenMatrix *matrix, uint64 first, bool scaled)
{
	Baskets    *b = &matrix->baskets;
	Env		   *env = &matrix->server.env;
	CooccurOperand *x = &matrix->operand;
	int64	   *scale;
	uint64		num_lists = b->num_lists - first;

	x->list_item = b->item;
	x->list_start = b->start + first;
	x->list_weight = b->weight;
	if (scaled)
	{
		scale = env_alloc(env, num_lists + 1, sizeof(int64));
		for (uint64 l = 0; l < num_lists; l++)
			scale[l] = list_scale(matrix, first + l);
		/* lists ascend by size: those damped down to nothing are the last */
		while (num_lists > 0 && scale[num_lists - 1] == 0)
			num_lists--;
		x->list_scale = scale;
	}
	x->num_lists = num_lists;
}

/*
 * Everything that a multiplication needs.  The lists go in one of three forms: as they are
 * where each counts once, written out where a few count more, else with a scale each.
 */
static void
open_product(OpenMatrix *matrix)
{
	Baskets    *b = &matrix->baskets;
	Env		   *env = &matrix->server.env;
	CooccurOperand *x = &matrix->operand;
	uint64		entries;
	uint64		first = 0;

	/* baskets of one item have no pairs, and stand in front */
	while (first < b->num_lists && b->start[first + 1] - b->start[first] < 2)
		first++;
	entries = is_plain(matrix) ? repeated_entries(b, first) : UINT64_MAX;
	ask_memory(matrix, (Size) b->num_items * PRODUCT_PER_ITEM + cooccur_operand_memory(b->num_items, entries == UINT64_MAX ? b->start[b->num_lists] : entries) +
			   (entries == UINT64_MAX ? b->num_lists * sizeof(int64) : entries * sizeof(uint32)),
			   "multiplying the co-occurrence matrix");
	/* ties are broken and rows go out by key, ranks are by popularity: both ways are needed */
	matrix->order = keyset_order(env, &matrix->keys);
	matrix->item_at = env_alloc(env, b->num_items + UINT64CONST(1), sizeof(uint32));
	matrix->marginal = env_alloc(env, b->num_items + UINT64CONST(1), sizeof(double));
	for (uint32 r = 0; r < b->num_items; r++)
	{
		matrix->item_at[matrix->order[r]] = r;
		matrix->marginal[r] = matrix->diagonal[r] * matrix->unit;
	}
	*x = (CooccurOperand)
	{
		.num_items = b->num_items, .marginal = matrix->marginal, .total = matrix->total * matrix->unit,
			.unit = matrix->unit, .order = matrix->order
	};
	if (entries == b->start[b->num_lists] - b->start[first])
		use_lists(matrix, first, false);
	else if (entries != UINT64_MAX)
		write_out_repeats(matrix, first, entries);
	else
		use_lists(matrix, first, true);
	cooccur_operand_init(env, x);
}

/* Asked for apart, as the fused way does without it. */
static CooccurRow *
open_row(OpenMatrix *matrix)
{
	ask_memory(matrix, cooccur_row_memory(&matrix->operand), "multiplying the co-occurrence matrix");
	return cooccur_row_create(&matrix->server.env, &matrix->operand);
}

/* --- accessors ---------------------------------------------------------- */

/* Only the head is read: it stands at the front of the value, which is not compressed. */
static Cooccurrence *
matrix_head(FunctionCallInfo fcinfo)
{
	struct varlena *head = PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0, offsetof(Cooccurrence, data) - VARHDRSZ);

	return cooccurrence_check((Cooccurrence *) head);
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_num_baskets);
Datum
personalize_cooccurrence_num_baskets(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(matrix_head(fcinfo)->num_baskets);
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_num_items);
Datum
personalize_cooccurrence_num_items(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(matrix_head(fcinfo)->num_items);
}

PG_FUNCTION_INFO_V1(personalize_cooccurrence_damping);
Datum
personalize_cooccurrence_damping(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(matrix_head(fcinfo)->damping);
}

/* Counted, not stored: the value would have to multiply whenever it is made. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_num_pairs);
Datum
personalize_cooccurrence_num_pairs(PG_FUNCTION_ARGS)
{
	OpenMatrix	matrix;
	CooccurRow *row;
	const uint32 *items;
	const int64_t *counts;
	int64		pairs = 0;
	bool		begun = progress_begin(PROGRESS_MULTIPLYING);

	open_matrix(&matrix, PG_GETARG_COOCCURRENCE(0));
	open_product(&matrix);
	row = open_row(&matrix);
	for (uint32 i = 0; i < matrix.operand.num_items; i++)
	{
		env_check(&matrix.server.env, i, matrix.operand.num_items);
		pairs += cooccur_row(row, i, &items, &counts);
	}
	progress_end(begun);
	PG_RETURN_INT64(pairs / 2);
}

/* An item that is in no basket has the count 0, which is no error. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_item_count);
Datum
personalize_cooccurrence_item_count(PG_FUNCTION_ARGS)
{
	OpenMatrix	matrix;
	uint32		item;

	open_matrix(&matrix, PG_GETARG_COOCCURRENCE(0));
	item = key_find(&matrix.keys, matrix.kind.key_type, get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GETARG_DATUM(1));
	PG_RETURN_FLOAT8(item == KEYSET_NONE ? 0 : matrix.diagonal[item] * matrix.unit);
}

/* What one list adds to a pair: 0 unless it holds both. */
static int64
pair_in_list(const OpenMatrix *matrix, uint64 list, uint32 one, uint32 two)
{
	const Baskets *b = &matrix->baskets;
	int64		found_one = 0;
	int64		found_two = 0;

	for (uint64 e = b->start[list]; e < b->start[list + 1]; e++)
	{
		int64		weight = b->weight ? b->weight[e] : 1;

		if (b->item[e] == one)
			found_one = weight;
		if (b->item[e] == two)
			found_two = weight;
	}
	return found_one && found_two ? found_one * found_two * list_scale(matrix, list) : 0;
}

/* One pair: a look at every list takes less than the transposition for a product. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_pair_count);
Datum
personalize_cooccurrence_pair_count(PG_FUNCTION_ARGS)
{
	OpenMatrix	matrix;
	uint32		one;
	uint32		two;
	int64		sum = 0;

	open_matrix(&matrix, PG_GETARG_COOCCURRENCE(0));
	one = key_find(&matrix.keys, matrix.kind.key_type, get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GETARG_DATUM(1));
	two = key_find(&matrix.keys, matrix.kind.key_type, get_fn_expr_argtype(fcinfo->flinfo, 2), PG_GETARG_DATUM(2));
	if (one == KEYSET_NONE || two == KEYSET_NONE)
		PG_RETURN_FLOAT8(0);
	for (uint64 l = 0; l < matrix.baskets.num_lists; l++)
	{
		if (l % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		sum += pair_in_list(&matrix, l, one, two);
	}
	PG_RETURN_FLOAT8(sum * matrix.unit);
}

/* --- rows out ----------------------------------------------------------- */

/* A set-returning function's result in the making. */
typedef struct RowSink
{
	ReturnSetInfo *result;
	KeyType		item_type;		/* as what items go out */
	Oid			domain;			/* whose constraints they have to meet, if any */
	void	   *domain_cache;
	MemoryContext result_context;	/* as long as the call */
	MemoryContext context;		/* per item, reset */
} RowSink;

/*
 * Sets up the result and settles as what type items go out.  In the polymorphic
 * forms that is the type of the second argument; a caller who names it in another
 * place gets rows of a type that nobody asked for, and is told so.
 */
static void
sink_begin(RowSink *sink, FunctionCallInfo fcinfo, KeyType type, const char *function)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			item_type;

	compat_materialize(fcinfo);
	sink->result = result;
	item_type = TupleDescAttr(result->setDesc, 0)->atttypid;
	if (result->expectedDesc && result->expectedDesc->natts > 0 &&
		TupleDescAttr(result->expectedDesc, 0)->atttypid != item_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s: item_type must be the second argument", function),
				 errhint("Write %s(m, NULL::%s, ...).", function, key_type_name(type))));
	sink->item_type = key_result(type, item_type, function);
	sink->domain = getBaseType(item_type) == item_type ? InvalidOid : item_type;
	sink->domain_cache = NULL;
	sink->result_context = CurrentMemoryContext;
	sink->context = AllocSetContextCreate(CurrentMemoryContext, "personalize rows", ALLOCSET_DEFAULT_SIZES);
}

static Datum
sink_item(RowSink *sink, const OpenMatrix *matrix, uint32 item)
{
	Datum		value = key_datum(&matrix->keys, matrix->kind.key_type, item, sink->item_type);

	if (OidIsValid(sink->domain))
		domain_check(value, false, sink->domain, &sink->domain_cache, sink->result_context);
	return value;
}

/* Into a tuplestore, which goes to disk by itself: results may be larger than memory. */
static void
sink_put(RowSink *sink, Datum *values)
{
	static bool nulls[8];		/* never any */

	tuplestore_putvalues(sink->result->setResult, sink->result->setDesc, values, nulls);
}

/* Item by item in the order of the keys, so that the rows come sorted and no list of pairs is held. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_pairs);
Datum
personalize_cooccurrence_pairs(PG_FUNCTION_ARGS)
{
	OpenMatrix	matrix;
	RowSink		sink;
	CooccurRow *row;
	bool		begun;

	if (PG_ARGISNULL(0))
	{
		compat_materialize(fcinfo);
		return (Datum) 0;
	}
	begun = progress_begin(PROGRESS_MULTIPLYING);
	open_matrix(&matrix, PG_GETARG_COOCCURRENCE(0));
	sink_begin(&sink, fcinfo, matrix.kind.key_type, "pairs");
	open_product(&matrix);
	row = open_row(&matrix);
	for (uint32 place = 0; place < matrix.operand.num_items; place++)
	{
		uint32		item = matrix.item_at[place];
		const uint32 *items;
		const int64_t *counts;
		uint32		n = cooccur_row(row, item, &items, &counts);
		MemoryContext old = MemoryContextSwitchTo(sink.context);

		env_check(&matrix.server.env, place, matrix.operand.num_items);
		for (uint32 i = 0; i < n; i++)
			/* each pair once, from its smaller key */
			if (matrix.order[items[i]] > place)
				sink_put(&sink, (Datum[])
						 {
							 sink_item(&sink, &matrix, item),
							 sink_item(&sink, &matrix, items[i]),
							 Float8GetDatum(counts[i] * matrix.unit),
							 Float8GetDatum(matrix.marginal[item]),
							 Float8GetDatum(matrix.marginal[items[i]]),
							 Float8GetDatum(matrix.operand.total)
						 });
		MemoryContextSwitchTo(old);
		/* per item, as one may have a hundred thousand pairs */
		MemoryContextReset(sink.context);
	}
	progress_end(begun);
	return (Datum) 0;
}

/* Texts are made per item and dropped with it; the sink has its own copy by then. */
static void
put_neighbors(RowSink *sink, const OpenMatrix *matrix, uint32 item, const CooccurNeighbor *neighbor, uint32 n)
{
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	for (uint32 i = 0; i < n; i++)
		sink_put(sink, (Datum[])
				 {
					 sink_item(sink, matrix, item),
					 sink_item(sink, matrix, neighbor[i].item),
					 Int32GetDatum(i + 1),
					 Float8GetDatum(neighbor[i].score),
					 Float8GetDatum(neighbor[i].count),
					 Float8GetDatum(matrix->marginal[item]),
					 Float8GetDatum(matrix->marginal[neighbor[i].item]),
					 Float8GetDatum(matrix->operand.total)
				 });
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->context);
}

/* The fused way wants plain counts, a measure with a bound, room for k candidates an item, and a dense matrix. */
static bool
fused_way_fits(const OpenMatrix *matrix, const CooccurQuery *query)
{
	const CooccurOperand *x = &matrix->operand;

	return x->list_scale == NULL && x->list_weight == NULL && query->measure.info->need != NULL &&
		matrix->held + cooccur_topk_memory(x, query->k) <= (Size) personalize_matrix_mem * 1024 &&
		cooccur_topk_pays(x);
}

/* By key, whichever way they were found: the rows are the same, and so is their order. */
static void
return_neighbors(OpenMatrix *matrix, const CooccurQuery *query, RowSink *sink)
{
	Env		   *env = &matrix->server.env;
	const CooccurOperand *x = &matrix->operand;
	CooccurNeighbor *out = env_alloc(env, query->k, sizeof(CooccurNeighbor));
	CooccurTopk *topk = NULL;
	CooccurRow *row = NULL;

	if (fused_way_fits(matrix, query))
	{
		topk = cooccur_topk(env, x, query);
		progress_phase(PROGRESS_RETURNING);
	}
	else
		row = open_row(matrix);
	for (uint32 place = 0; place < x->num_items; place++)
	{
		uint32		item = matrix->item_at[place];

		env_check(env, place, x->num_items);
		put_neighbors(sink, matrix, item, out,
					  topk ? cooccur_topk_neighbors(topk, item, out) : cooccur_row_neighbors(row, item, query, out));
	}
}

/* Arguments from `at` on: k, measure, min_count, then the parameters of measures. */
static void
query_arguments(FunctionCallInfo fcinfo, int at, const OpenMatrix *matrix, CooccurQuery *query)
{
	double		value[MEASURE_NUM_PARAMS];
	bool		given[MEASURE_NUM_PARAMS];

	if (PG_ARGISNULL(at))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("k must not be null"),
				 errhint("A NULL::integer that gives the type of items has to be named: item_type => NULL::integer.")));
	guard_not_null("measure", PG_ARGISNULL(at + 1));
	guard_not_null("min_count", PG_ARGISNULL(at + 2));
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
	{
		given[i] = !PG_ARGISNULL(at + 3 + i);
		value[i] = given[i] ? PG_GETARG_FLOAT8(at + 3 + i) : 0;
	}
	/* room is allocated by k: more than there are items would be for nothing */
	query->k = Min(guard_int_range("k", PG_GETARG_INT32(at), 1, PG_INT32_MAX), Max(matrix->keys.size, 1));
	measure_init(&query->measure, text_to_cstring(PG_GETARG_TEXT_PP(at + 1)), value, given);
	query->min_count = guard_float_range("min_count", PG_GETARG_FLOAT8(at + 2), 0, 1e18);
	if (matrix->kind.weighted)
		measure_require_unweighted(&query->measure);
}

/* Not STRICT, since the argument that gives the type of items is NULL; a matrix that is none has no rows. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_neighbors);
Datum
personalize_cooccurrence_neighbors(PG_FUNCTION_ARGS)
{
	OpenMatrix	matrix;
	CooccurQuery query;
	RowSink		sink;
	bool		begun;
	/* with an item_type there is one argument more */
	int			at = PG_NARGS() == MEASURE_NUM_PARAMS + 5 ? 2 : 1;

	if (PG_ARGISNULL(0))
	{
		compat_materialize(fcinfo);
		return (Datum) 0;
	}
	begun = progress_begin(PROGRESS_MULTIPLYING);
	open_matrix(&matrix, PG_GETARG_COOCCURRENCE(0));
	query_arguments(fcinfo, at, &matrix, &query);
	sink_begin(&sink, fcinfo, matrix.kind.key_type, "neighbors");
	open_product(&matrix);
	return_neighbors(&matrix, &query, &sink);
	progress_end(begun);
	return (Datum) 0;
}
