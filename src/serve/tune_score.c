/*
 * tune_score.c
 *		The lists that a model would make of its counts with other parameters, and how they do.
 *
 * Lists of neighbors come from the scorer that makes faces, and a customer's list is the sum of those of his items, as a widget with this
 * one source has it.
 */
#include "base/compat.h"

#include "access/table.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/progress.h"
#include "model/score.h"
#include "serve/tune.h"

/* Lists of neighbors of one trial, of the items that any customer starts from. */
typedef struct TuneFaces
{
	uint32		num_items;
	uint32	   *size;			/* by code */
	CooccurNeighbor **list;
} TuneFaces;

/* Sums over the customer at hand; zero between customers. */
typedef struct TuneList
{
	const uint32 *order;		/* breaks ties */
	double	   *score;			/* by code */
	uint32	   *touched;
	uint32		num_touched;
} TuneList;

/* ---------------------------------------------------------------- neighbors */

static bool *
wanted_items(const TuneCustomers *customers, uint32 num_items)
{
	bool	   *wanted = palloc0(num_items + 1);

	for (uint32 c = 0; c < customers->size; c++)
		for (uint32 s = 0; s < customers->customer[c].num_seeds; s++)
			wanted[customers->customer[c].seed[s]] = true;
	return wanted;
}

/* By the scorer of builds and refreshes, so that lists are those that a model with these parameters would have. */
static void
read_faces(TuneFaces *faces, const ModelDef *model, ItemTable *items, const bool *wanted)
{
	Relation	pairs = table_open(model->pairs, AccessShareLock);
	ModelScorer *scorer = model_scorer_create(CurrentMemoryContext, model, items);
	FaceRow		row;
	double		floor;

	model_scorer_read(scorer, pairs, GetActiveSnapshot());
	model_scorer_ready(scorer, pairs, GetActiveSnapshot());
	for (uint32 item = 0; item < faces->num_items; item++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!wanted[item])
			continue;
		model_scorer_item(scorer, pairs, GetActiveSnapshot(), item, &row, &floor);
		faces->size[item] = row.size;
		faces->list[item] = palloc(sizeof(CooccurNeighbor) * (row.size + 1));
		memcpy(faces->list[item], row.neighbor, sizeof(CooccurNeighbor) * row.size);
	}
	model_scorer_free(scorer);
	table_close(pairs, NoLock);
}

/* ---------------------------------------------------------------- lists */

static void
add_neighbors(TuneList *list, const TuneFaces *faces, uint32 seed)
{
	for (uint32 n = 0; n < faces->size[seed]; n++)
	{
		const CooccurNeighbor *neighbor = &faces->list[seed][n];

		if (!(neighbor->score > 0))
			continue;
		if (list->score[neighbor->item] == 0)
			list->touched[list->num_touched++] = neighbor->item;
		list->score[neighbor->item] += neighbor->score;
	}
}

/* The order of every list: score, then key. */
static bool
comes_before(const TuneList *list, uint32 a, uint32 b)
{
	if (list->score[a] != list->score[b])
		return list->score[a] > list->score[b];
	return list->order[a] < list->order[b];
}

/* By insertion: k is small, and most candidates are worse than the last. */
static uint32
choose_best(const TuneList *list, const TuneCustomer *customer, bool repeats, uint32 k, uint32 *best)
{
	uint32		size = 0;

	for (uint32 t = 0; t < list->num_touched; t++)
	{
		uint32		item = list->touched[t];
		uint32		at;

		if (size == k && !comes_before(list, item, best[k - 1]))
			continue;
		if (!repeats && evaluate_knows(&customer->customer.known, item))
			continue;
		at = size < k ? size++ : k - 1;
		for (; at > 0 && comes_before(list, item, best[at - 1]); at--)
			best[at] = best[at - 1];
		best[at] = item;
	}
	return size;
}

/* Only what was touched: a list is a small part of the catalog. */
static void
forget(TuneList *list)
{
	for (uint32 t = 0; t < list->num_touched; t++)
		list->score[list->touched[t]] = 0;
	list->num_touched = 0;
}

/* ---------------------------------------------------------------- means */

static void
add_metrics(TuneTrial *trial, const TuneCustomer *customer, const uint32 *list, uint32 size, uint32 k, uint32 *position)
{
	RankHits	hits = rank_hits(list, size, customer->customer.relevant, customer->customer.num_relevant, position);

	trial->mean[METRIC_RECALL] += rank_recall(&hits, k);
	trial->mean[METRIC_PRECISION] += rank_precision(&hits, k);
	trial->mean[METRIC_NDCG] += rank_ndcg(&hits, k);
	trial->mean[METRIC_AVERAGE_PRECISION] += rank_average_precision(&hits, k);
	trial->mean[METRIC_RECIPROCAL_RANK] += rank_reciprocal(&hits, k);
	trial->mean[METRIC_HIT] += rank_hit(&hits, k);
}

static void
divide(TuneTrial *trial, uint32 customers)
{
	for (int m = 0; m <= METRIC_HIT; m++)
		trial->mean[m] /= Max(customers, 1);
}

/* Without mixing or rules: a model alone. */
static void
score_customers(TuneTrial *trial, const TuneFaces *faces, TuneList *list, const EvaluateOptions *options, const TuneCustomers *customers)
{
	uint32	   *best = palloc(sizeof(uint32) * options->k);
	uint32	   *position = palloc(sizeof(uint32) * options->k);

	for (uint32 c = 0; c < customers->size; c++)
	{
		const TuneCustomer *customer = &customers->customer[c];
		uint32		size;

		CHECK_FOR_INTERRUPTS();
		for (uint32 s = 0; s < customer->num_seeds; s++)
			add_neighbors(list, faces, customer->seed[s]);
		size = choose_best(list, customer, options->repeats, options->k, best);
		add_metrics(trial, customer, best, size, options->k, position);
		forget(list);
	}
	divide(trial, customers->size);
}

void
tune_score_model(TuneTrial *trial, const ModelDef *model, const EvaluateLists *lists, const TuneCustomers *customers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize trial", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ModelDef	tried = *model;
	uint32		n = lists->num_known;
	TuneFaces	faces = {n, palloc0(sizeof(uint32) * (n + 1)), palloc0(sizeof(CooccurNeighbor *) * (n + 1))};
	TuneList	list = {item_table_order(lists->items), palloc0(sizeof(double) * (n + 1)), palloc(sizeof(uint32) * (n + 1)), 0};

	tried.scoring = trial->scoring;
	read_faces(&faces, &tried, lists->items, wanted_items(customers, n));
	score_customers(trial, &faces, &list, lists->options, customers);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* What any model has to be better than. */
void
tune_score_popularity(TuneTrial *trial, EvaluateLists *lists, const TuneCustomers *customers)
{
	uint32	   *position = palloc(sizeof(uint32) * lists->options->k);

	for (uint32 c = 0; c < customers->size; c++)
	{
		const TuneCustomer *customer = &customers->customer[c];
		uint32		size;
		uint32	   *list = evaluate_list(lists, &customer->customer, LIST_POPULARITY, &size);

		add_metrics(trial, customer, list, size, lists->options->k, position);
		pfree(list);
	}
	divide(trial, customers->size);
}
