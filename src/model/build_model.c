/*
 * build_model.c
 *		Models from histories.
 *
 * One pass over the baskets tells how much there is.  If that fits maintenance_work_mem, baskets go into memory
 * (shared with parallel workers where that is worth it) and rows are counted one by one.
 * Otherwise the baskets of as many items as fit are in memory, and all of them pass by again and again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "kernel/pair_lists.h"
#include "model/build.h"
#include "model/build_model.h"
#include "model/build_parallel.h"
#include "model/build_rows.h"
#include "model/build_stream.h"
#include "model/build_write.h"
#include "model/score.h"

/* --- counting while baskets pass by ---------------------------------------- */

typedef struct RangeCount
{
	const ModelDef *model;
	const CountInput *input;
	PairLists  *lists;
	ItemMaker	maker;
	CountedSink sink;
	void	   *arg;
} RangeCount;

static void
add_to_lists(void *arg, const Basket *source, const Basket *target)
{
	pair_lists_add(arg, source, target);
}

static void
hand_out_range(RangeCount *b, uint32 first, uint32 n)
{
	const BuildSurvey *survey = b->input->survey;

	for (uint32 item = first; item < first + n; item++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!count_is_sampled(b->input->sample, item))
			continue;
		item_maker_begin(&b->maker, item);
		for (uint32 g = 0; g < survey->num_generations; g++)
		{
			const uint32 *items;
			const int64 *counts;
			int32		generation = survey->first_generation + (int32) g;
			uint32		num = pair_lists_row(b->lists, item, generation, &items, &counts);

			item_maker_row(&b->maker, generation, items, counts, num);
		}
		b->sink(b->arg, item_maker_finish(&b->maker));
	}
}

/* What a single row takes comes off the memory for baskets, of which there is always some. */
static Size
list_budget(const RangeCount *b, uint32 num_items)
{
	Size		budget = (Size) maintenance_work_mem * 1024;
	Size		fixed = pair_lists_fixed_memory(num_items, b->input->survey->num_generations);

	if (fixed > budget && fixed > (Size) 64 * 1024 * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("counting model %s needs %zu MB, more than maintenance_work_mem",
						registry_name(b->model->relation), fixed / 1024 / 1024),
				 errdetail("It has %u items and %u generations, and maintenance_work_mem is %d MB.",
						   num_items, b->input->survey->num_generations, maintenance_work_mem / 1024),
				 errhint("Set maintenance_work_mem to more, or make generations longer.")));
	return fixed < budget / 2 ? budget - fixed : budget / 2;
}

/* Scores need n of all items, which the survey has. */
static ModelScorer *
survey_scorer(const ModelDef *model, const CountInput *input)
{
	ModelScorer *scorer = model_scorer_create(CurrentMemoryContext, model, input->items);

	for (uint64 m = 0; m < input->survey->num_marginals; m++)
	{
		const MarginalChange *c = &input->survey->marginal[m];

		model_scorer_add(scorer, pairs_row_item(c->row), pairs_row_generation(c->row), c->source, c->target);
	}
	model_scorer_ready(scorer, NULL, NULL);
	return scorer;
}

static void
count_by_ranges(const ModelDef *model, const CountInput *input, CountedSink sink, void *arg)
{
	RangeCount	b = {.model = model, .input = input, .sink = sink, .arg = arg};
	uint32		num_items = input->items->keys.size;
	uint32		n;
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	item_maker_init(&b.maker, CurrentMemoryContext, model->scoring.ridge ? NULL : survey_scorer(model, input));
	b.lists = pair_lists_create(&server.env, model->shape, num_items, input->survey->first_generation,
								input->survey->num_generations, list_budget(&b, num_items));
	for (uint32 first = 0; first < num_items; first += n)
	{
		progress_update(first, num_items);
		pair_lists_begin(b.lists, first, num_items - first);
		build_stream(input->history, input->target, num_items, add_to_lists, b.lists);
		n = pair_lists_end(b.lists);
		hand_out_range(&b, first, n);
	}
	pair_lists_release(b.lists);
}

/* --- either way ------------------------------------------------------------- */

void
build_count(const ModelDef *model, const CountInput *input, CountedSink sink, void *arg)
{
	bool		begun = build_phase(PROGRESS_COUNTING);
	CountPlan	plan;
	int			workers;

	count_plan(&plan, model, input->survey, input->items->keys.size);
	plan.sample = input->sample;
	workers = build_workers(&plan, input->survey->work, (Size) maintenance_work_mem * 1024);
	if (workers >= 0)
		build_count_all(&plan, workers, input, sink, arg);
	else
		count_by_ranges(model, input, sink, arg);
	progress_end(begun);
}

void
build_see_own_writes(void)
{
	CommandCounterIncrement();
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
}

/* --- models ------------------------------------------------------------------ */

/* Into the memory of the model, which outlives the build. */
static void
set_totals(ModelDef *model, const BuildSurvey *survey, MemoryContext context)
{
	model->first_generation = survey->first_total;
	model->num_totals = survey->num_totals;
	model->totals = MemoryContextAllocHuge(context, survey->num_totals * sizeof(int64));
	memcpy(model->totals, survey->totals, survey->num_totals * sizeof(int64));
}

void
build_model(ModelDef *model, const HistoryDef *history, const HistoryDef *target, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize model", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BuildSurvey survey;
	CountInput	input = {.history = history, .target = target, .survey = &survey, .sample = 1};
	ModelWriter *writer;

	build_see_own_writes();
	input.items = item_table_load(context, registry_catalog_by_id(history->catalog_id));
	build_survey(model, history, target, input.items->keys.size, &survey);
	set_totals(model, &survey, old);
	writer = model_writer_open(context, model, input.items, &survey);
	build_count(model, &input, model_writer_item, writer);
	model_writer_close(writer, report);
	PopActiveSnapshot();
	if (model->scoring.ridge)
		build_face(model, history, report);
	model->built = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
