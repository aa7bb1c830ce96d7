/*
 * score_ridge.c
 *		Local ridge over an item's strongest neighbors.
 *
 * For each item the counts among its neighbors are needed, and so the rows of all of them:
 * the same popular rows again and again.  They are kept as bytes, which are small, and
 * gone through for the few counts that are asked for, which costs less than keeping them decoded.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "kernel/ridge.h"
#include "model/model_rows.h"
#include "model/score_ridge.h"
#include "model/table_writer.h"

#define NOT_ASKED UINT32_MAX

/* A row that was read, base and delta made one. */
typedef struct KeptRow
{
	unsigned char *bytes;
	Size		size;
} KeptRow;

struct RidgeScorer
{
	/* immutable */
	MemoryContext context;
	const ModelScoring *scoring;
	const PairContext *pairs;
	double		unit;			/* what a count of one unit is worth */
	Relation	relation;
	KeyScan    *scan;
	Size		budget;

	/* mutable */
	MemoryContext keep;			/* the bytes of rows */
	MemoryContext work;			/* one row being read */
	ServerEnv	server;			/* in `work` */
	Size		held;
	KeptRow    *row;			/* by item; bytes NULL: not there */
	uint32	   *asked;			/* by item: its place among the neighbors, or NOT_ASKED */
	double	   *g;				/* counts among the neighbors */
	double	   *rhs;
	double	   *weight;
};

/* Arrays by item are dense: an item is asked for far more often than it costs to have room for it. */
RidgeScorer *
ridge_scorer_create(MemoryContext parent, const ModelDef *model, const PairContext *pair_context,
					Relation pairs, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize ridge", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RidgeScorer *ridge = palloc0(sizeof(RidgeScorer));
	uint32		n = pair_context->num_items;
	uint32		size = model->scoring.ridge_size;

	ridge->context = context;
	ridge->scoring = &model->scoring;
	ridge->pairs = pair_context;
	ridge->unit = 1.0 / pairs_unit(&model->shape);
	ridge->relation = pairs;
	ridge->scan = key_scan_open(pairs, 1, snapshot);
	ridge->budget = (Size) maintenance_work_mem * 1024;
	ridge->keep = AllocSetContextCreate(context, "personalize ridge rows", ALLOCSET_DEFAULT_SIZES);
	ridge->work = AllocSetContextCreate(context, "personalize ridge row", ALLOCSET_DEFAULT_SIZES);
	server_env_init(&ridge->server, ridge->work);
	ridge->row = MemoryContextAllocExtended(context, (n + 1) * sizeof(KeptRow), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ridge->asked = MemoryContextAllocHuge(context, (n + 1) * sizeof(uint32));
	memset(ridge->asked, 0xff, n * sizeof(uint32));
	ridge->g = palloc(sizeof(double) * size * size);
	ridge->rhs = palloc(sizeof(double) * size);
	ridge->weight = palloc(sizeof(double) * size);
	MemoryContextSwitchTo(old);
	return ridge;
}

/* The scan holds a pin, which no memory context knows of. */
void
ridge_scorer_free(RidgeScorer *ridge)
{
	key_scan_close(ridge->scan);
	MemoryContextDelete(ridge->context);
}

/* --- rows of neighbors --------------------------------------------------- */

/* Everything goes at once when there is no room for more: which row is needed next cannot be told. */
static void
keep_row(RidgeScorer *ridge, uint32 item, const PairRow *row)
{
	KeptRow    *kept = &ridge->row[item];
	unsigned char *bytes = MemoryContextAllocHuge(ridge->work, pair_row_encoded_room(row->size) + 1);
	Size		size = pair_row_encode(row->item, row->count, row->size, bytes) - bytes;

	if (ridge->held + size > ridge->budget)
	{
		MemoryContextReset(ridge->keep);
		memset(ridge->row, 0, ridge->pairs->num_items * sizeof(KeptRow));
		ridge->held = 0;
	}
	kept->bytes = MemoryContextAllocHuge(ridge->keep, size + 1);
	kept->size = size;
	memcpy(kept->bytes, bytes, size);
	ridge->held += size;
}

/* An item without a row has no counts, which is a row of no bytes. */
static void
fetch_row(RidgeScorer *ridge, uint32 item)
{
	Datum		key = Int32GetDatum((int32) item);
	PairRow		row = {0};
	HeapTuple	tuple;
	/* the scan keeps what it allocates longer than `work` lives */
	MemoryContext old = MemoryContextSwitchTo(ridge->context);

	key_scan_start(ridge->scan, &key);
	tuple = key_scan_next(ridge->scan);
	MemoryContextSwitchTo(ridge->work);
	if (tuple != NULL)
	{
		PairTableRow stored;

		pair_table_row_read(ridge->relation, tuple, true, &stored);
		pair_table_decode(&ridge->server.env, ridge->relation, &stored, &row);
	}
	keep_row(ridge, item, &row);
	MemoryContextSwitchTo(old);
	MemoryContextReset(ridge->work);
}

/* The counts of one neighbor with the others, into its line of the matrix. */
static void
fill_line(RidgeScorer *ridge, uint32 item, double *line)
{
	PairRow		row = {0};
	MemoryContext old;

	if (ridge->row[item].bytes == NULL)
		fetch_row(ridge, item);
	old = MemoryContextSwitchTo(ridge->work);
	/* our own bytes, just made */
	if (!pair_row_decode(&ridge->server.env, wire_reader(ridge->row[item].bytes, ridge->row[item].size),
						 wire_reader(NULL, 0), &row))
		elog(ERROR, "counts of item code %u do not decode", item);
	for (uint32 i = 0; i < row.size; i++)
		if (row.item[i] < ridge->pairs->num_items && ridge->asked[row.item[i]] != NOT_ASKED)
			line[ridge->asked[row.item[i]]] = row.count[i] * ridge->unit;
	MemoryContextSwitchTo(old);
	MemoryContextReset(ridge->work);
}

/* --- solving ------------------------------------------------------------- */

/* The diagonal is n: an item is in every one of its baskets with itself. */
static void
fill_system(RidgeScorer *ridge, const CooccurNeighbor *strongest, uint32 n)
{
	memset(ridge->g, 0, sizeof(double) * n * n);
	for (uint32 s = 0; s < n; s++)
		ridge->asked[strongest[s].item] = s;
	for (uint32 s = 0; s < n; s++)
	{
		CHECK_FOR_INTERRUPTS();
		fill_line(ridge, strongest[s].item, ridge->g + (Size) s * n);
		ridge->g[(Size) s * n + s] = ridge->pairs->n_source[strongest[s].item];
		ridge->rhs[s] = strongest[s].count;
	}
	for (uint32 s = 0; s < n; s++)
		ridge->asked[strongest[s].item] = NOT_ASKED;
}

/* Substitutes have negative weights, and stand last. */
static int
compare_neighbors(const void *a, const void *b, void *order)
{
	const CooccurNeighbor *x = a;
	const CooccurNeighbor *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return ((const uint32 *) order)[x->item] < ((const uint32 *) order)[y->item] ? -1 : 1;
}

/* The counts stay those of the pairs; only scores become weights. */
uint32
ridge_scorer_solve(RidgeScorer *ridge, CooccurNeighbor *strongest, uint32 n)
{
	if (n == 0)
		return 0;
	fill_system(ridge, strongest, n);
	if (!ridge_solve(ridge->g, ridge->rhs, n, ridge->scoring->lambda, ridge->scoring->delta, ridge->weight))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("ridge over the neighbors of an item of %s has no solution",
						registry_name(RelationGetRelid(ridge->relation))),
				 errdetail("With lambda %g and delta %g the counts of its %u neighbors are not independent.",
						   ridge->scoring->lambda, ridge->scoring->delta, n),
				 errhint("Set lambda to more than 0.")));
	for (uint32 s = 0; s < n; s++)
		strongest[s].score = ridge->weight[s];
	qsort_arg(strongest, n, sizeof(CooccurNeighbor), compare_neighbors, (void *) ridge->pairs->order);
	return Min(n, (uint32) ridge->scoring->neighbors);
}
