/*
 * score.c
 *		From the exact counts of an item to its row of the face.
 *
 * Counts of several generations are added up as doubles, each generation with its decay, in
 * the order of the generations: one order everywhere, so that the sums are the same bits.
 */
#include "postgres.h"

#include <math.h>

#include "access/heapam.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "kernel/radix.h"
#include "model/score.h"
#include "model/score_ridge.h"

struct ModelScorer
{
	/* immutable */
	MemoryContext context;
	ServerEnv	server;
	const ModelDef *model;
	const uint32 *order;
	uint32		num_items;
	bool		decays;			/* counts come in generations */
	bool		keeps_floor;
	PairContext pairs;			/* once ready */
	PairBest   *best;
	RidgeScorer *ridge;
	double	   *n_source;
	double	   *n_target;		/* the same array but for directed models */

	/* mutable: the item being scored */
	uint32		item;
	double	   *sum;			/* by item, with generations only; zero between items */
	bool	   *has_sum;
	uint32	   *touched;		/* items with a sum, in no order */
	uint32		num_touched;
	uint32	   *other;			/* ascending */
	double	   *count;
	uint32		num_others;
	uint32		room;
	CooccurNeighbor *list;

	/* mutable: reading rows of the pair table */
	KeyScan    *scan;
	Relation	scan_relation;
	Snapshot	scan_snapshot;
	MemoryContext row_context;
};

/* --- decay --------------------------------------------------------------- */

/* Totals may stand at the end with nothing in them, after baskets were taken back. */
int32
model_newest_generation(const ModelDef *model)
{
	for (int g = model->num_totals - 1; g > 0; g--)
		if (model->totals[g] != 0)
			return model->first_generation + g;
	return model->first_generation;
}

/* Without decay a power of two, so that counts stay whole numbers. */
double
model_unit_value(const ModelDef *model, int32 generation)
{
	double		unit = 1.0 / pairs_unit(&model->shape);
	double		age;

	if (model->half_life <= 0)
		return unit;
	age = (double) model_newest_generation(model) - generation;
	return unit * exp2(-age / model->half_life);
}

/* Oldest first, as everything that is added up by generation. */
double
model_total(const ModelDef *model)
{
	double		total = 0;

	for (int g = 0; g < model->num_totals; g++)
		total += model->totals[g] * model_unit_value(model, model->first_generation + g);
	return total;
}

/* --- making one ---------------------------------------------------------- */

static void *
alloc_array(ModelScorer *scorer, Size size)
{
	/* never of no bytes: a catalog may be empty */
	return env_alloc0(&scorer->server.env, scorer->num_items + 1, size);
}

/* Sums of generations need arrays of their own, which model_scorer_ready allocates. */
ModelScorer *
model_scorer_over(MemoryContext parent, const ModelDef *model, uint32 num_items, const uint32 *order,
				  double *n_source, double *n_target)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize scorer", ALLOCSET_DEFAULT_SIZES);
	ModelScorer *scorer = MemoryContextAllocZero(context, sizeof(ModelScorer));

	scorer->context = context;
	server_env_init(&scorer->server, context);
	scorer->model = model;
	scorer->order = order;
	scorer->num_items = num_items;
	scorer->decays = model->shape.generation_days > 0;
	scorer->keeps_floor = !scorer->decays && !model->scoring.ridge;
	scorer->n_source = n_source;
	scorer->n_target = n_target;
	scorer->row_context = AllocSetContextCreate(context, "personalize scorer row", ALLOCSET_DEFAULT_SIZES);
	return scorer;
}

/* n starts at zero for all items, as most refreshes read it from the pair table. */
ModelScorer *
model_scorer_create(MemoryContext parent, const ModelDef *model, ItemTable *items)
{
	ModelScorer *scorer = model_scorer_over(parent, model, items->keys.size, item_table_order(items), NULL, NULL);

	scorer->n_source = alloc_array(scorer, sizeof(double));
	scorer->n_target = model->shape.directed ? alloc_array(scorer, sizeof(double)) : scorer->n_source;
	return scorer;
}

/* Scans hold pins and relations, which no memory context knows of. */
void
model_scorer_free(ModelScorer *scorer)
{
	if (scorer->scan)
		key_scan_close(scorer->scan);
	if (scorer->ridge)
		ridge_scorer_free(scorer->ridge);
	MemoryContextDelete(scorer->context);
}

/* Codes come from tables that their owner may write. */
static void
check_item(const ModelScorer *scorer, uint32 item)
{
	if (item >= scorer->num_items)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s has counts of item code %u, which its catalog does not have",
						registry_name(scorer->model->pairs), item),
				 errdetail("The catalog has %u items.", scorer->num_items),
				 errhint("Rebuild it with CALL personalize.refresh(%s, rebuild => true).",
						 quote_literal_cstr(registry_name(scorer->model->relation)))));
}

/* Each generation by itself, and in their order: sums of doubles depend on it. */
void
model_scorer_add(ModelScorer *scorer, uint32 item, int32 generation, int64 n, int64 n_target)
{
	double		value = model_unit_value(scorer->model, generation);

	check_item(scorer, item);
	scorer->n_source[item] += n * value;
	if (scorer->n_target != scorer->n_source)
		scorer->n_target[item] += n_target * value;
}

/* For whoever has added it up already, in the same order. */
void
model_scorer_set(ModelScorer *scorer, uint32 item, double n, double n_target)
{
	check_item(scorer, item);
	scorer->n_source[item] = n;
	if (scorer->n_target != scorer->n_source)
		scorer->n_target[item] = n_target;
}

/* Rows of a heap come in any order: those of several generations are sorted first. */
static void
add_sorted(ModelScorer *scorer, uint64 *row, uint64 n)
{
	uint64	   *scratch = env_alloc(&scorer->server.env, n + 1, 3 * sizeof(uint64));

	radix_sort_checked(&scorer->server.env, row, scratch, n, 3, 1);
	for (uint64 i = 0; i < n; i++, row += 3)
		model_scorer_add(scorer, pairs_row_item(row[0]), pairs_row_generation(row[0]), (int64) row[1], (int64) row[2]);
	env_release(&scorer->server.env, scratch);
}

/* Without generations rows may come as they lie, since each item has one. */
void
model_scorer_read(ModelScorer *scorer, Relation pairs, Snapshot snapshot)
{
	Env		   *env = &scorer->server.env;
	TableScanDesc scan = table_beginscan(pairs, snapshot, 0, NULL);
	uint64	   *kept = NULL;
	uint64		n = 0;
	uint64		room = 0;
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		PairTableRow row;

		CHECK_FOR_INTERRUPTS();
		pair_table_row_read(pairs, tuple, false, &row);
		if (!scorer->decays)
		{
			model_scorer_add(scorer, row.item, row.generation, row.n, row.n_target);
			continue;
		}
		if (n == room)
			kept = env_resize(env, kept, room = room * 2 + 1024, 3 * sizeof(uint64));
		kept[n * 3] = pairs_row(row.item, row.generation);
		kept[n * 3 + 1] = (uint64) row.n;
		kept[n++ * 3 + 2] = (uint64) row.n_target;
	}
	table_endscan(scan);
	add_sorted(scorer, kept, n);
	env_release(env, kept);
}

/* Only now: the best k are searched with bounds that depend on all n. */
void
model_scorer_ready(ModelScorer *scorer, Relation pairs, Snapshot snapshot)
{
	const ModelScoring *scoring = &scorer->model->scoring;

	scorer->pairs = (PairContext)
	{
		.measure = scoring->measure,
		.k = scoring->ridge ? scoring->ridge_size : scoring->neighbors,
		.min_count = scoring->min_count,
		.num_items = scorer->num_items,
		.n_source = scorer->n_source,
		.n_target = scorer->n_target,
		.total = model_total(scorer->model),
		.order = scorer->order,
	};
	scorer->best = pair_best_create(&scorer->server.env, &scorer->pairs);
	scorer->list = env_alloc(&scorer->server.env, scorer->pairs.k, sizeof(CooccurNeighbor));
	if (scoring->ridge && pairs != NULL)
		scorer->ridge = ridge_scorer_create(scorer->context, scorer->model, &scorer->pairs, pairs, snapshot);
	if (scorer->decays)
	{
		scorer->sum = alloc_array(scorer, sizeof(double));
		scorer->has_sum = alloc_array(scorer, sizeof(bool));
		scorer->touched = alloc_array(scorer, sizeof(uint32));
	}
}

const PairContext *
model_scorer_context(const ModelScorer *scorer)
{
	return &scorer->pairs;
}

PairBest *
model_scorer_best(ModelScorer *scorer)
{
	return scorer->best;
}

/* --- one item ------------------------------------------------------------ */

/* Whatever a caller left half done is forgotten with the counts of the item before. */
void
model_scorer_begin(ModelScorer *scorer, uint32 item)
{
	check_item(scorer, item);
	scorer->item = item;
	scorer->num_others = 0;
}

/* Grows with the longest row, which may hold every item. */
static void
reserve_others(ModelScorer *scorer, uint32 n)
{
	if (n <= scorer->room)
		return;
	scorer->room = n + n / 2;
	scorer->other = env_resize(&scorer->server.env, scorer->other, scorer->room, sizeof(uint32));
	scorer->count = env_resize(&scorer->server.env, scorer->count, scorer->room, sizeof(double));
}

/* One generation is the usual case, and needs no sums. */
void
model_scorer_counts(ModelScorer *scorer, int32 generation, const uint32 *items, const int64 *counts, uint32 n)
{
	double		value = model_unit_value(scorer->model, generation);

	/* ascending: the last is the largest */
	if (n > 0)
		check_item(scorer, items[n - 1]);
	if (!scorer->decays)
	{
		reserve_others(scorer, n);
		scorer->num_others = n;
		if (n > 0)
			memcpy(scorer->other, items, n * sizeof(uint32));
		for (uint32 i = 0; i < n; i++)
			scorer->count[i] = counts[i] * value;
		return;
	}
	for (uint32 i = 0; i < n; i++)
	{
		/* a mark, since a sum may have decayed to 0 */
		if (!scorer->has_sum[items[i]])
			scorer->touched[scorer->num_touched++] = items[i];
		scorer->has_sum[items[i]] = true;
		scorer->sum[items[i]] += counts[i] * value;
	}
}

static int
compare_codes(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* The sums of all generations, ascending by item, and zero again for the next one. */
static void
gather_sums(ModelScorer *scorer)
{
	reserve_others(scorer, scorer->num_touched);
	qsort(scorer->touched, scorer->num_touched, sizeof(uint32), compare_codes);
	scorer->num_others = 0;
	for (uint32 t = 0; t < scorer->num_touched; t++)
	{
		uint32		item = scorer->touched[t];

		scorer->other[scorer->num_others] = item;
		scorer->count[scorer->num_others++] = scorer->sum[item];
		scorer->sum[item] = 0;
		scorer->has_sum[item] = false;
	}
	scorer->num_touched = 0;
}

/* The floor of a list that decays would move by itself from one refresh to the next, so none is kept. */
void
model_scorer_finish(ModelScorer *scorer, FaceRow *face, double *floor)
{
	double		least;

	if (scorer->decays)
		gather_sums(scorer);
	face->item = scorer->item;
	face->n = scorer->n_source[scorer->item];
	face->neighbor = scorer->list;
	face->size = pair_best(scorer->best, scorer->item, scorer->other, scorer->count, scorer->num_others,
						   scorer->list, &least);
	if (scorer->ridge)
		face->size = ridge_scorer_solve(scorer->ridge, scorer->list, face->size);
	*floor = scorer->keeps_floor ? least : NAN;
}

/* The scan is kept for the next item: to open one costs more than to look up a row. */
static void
scan_pairs(ModelScorer *scorer, Relation pairs, Snapshot snapshot)
{
	if (scorer->scan && scorer->scan_relation == pairs && scorer->scan_snapshot == snapshot)
		return;
	if (scorer->scan)
		key_scan_close(scorer->scan);
	scorer->scan = key_scan_open(pairs, 1, snapshot);
	scorer->scan_relation = pairs;
	scorer->scan_snapshot = snapshot;
}

/* In a context of its own, since what a row needs goes before the scan does. */
static void
add_row(ModelScorer *scorer, Relation pairs, HeapTuple tuple)
{
	MemoryContext old = MemoryContextSwitchTo(scorer->row_context);
	PairTableRow stored;
	PairRow		row = {0};
	ServerEnv	server;

	server_env_init(&server, scorer->row_context);
	pair_table_row_read(pairs, tuple, true, &stored);
	pair_table_decode(&server.env, pairs, &stored, &row);
	model_scorer_counts(scorer, stored.generation, row.item, row.count, row.size);
	MemoryContextSwitchTo(old);
	MemoryContextReset(scorer->row_context);
}

/* The index brings rows in the order of the generations. */
void
model_scorer_item(ModelScorer *scorer, Relation pairs, Snapshot snapshot, uint32 item, FaceRow *face, double *floor)
{
	Datum		key = Int32GetDatum((int32) item);
	MemoryContext old = MemoryContextSwitchTo(scorer->context);
	HeapTuple	tuple;

	scan_pairs(scorer, pairs, snapshot);
	model_scorer_begin(scorer, item);
	key_scan_start(scorer->scan, &key);
	while ((tuple = key_scan_next(scorer->scan)) != NULL)
		add_row(scorer, pairs, tuple);
	MemoryContextSwitchTo(old);
	model_scorer_finish(scorer, face, floor);
}
