/*
 * build_count.c
 *		Counting a model row by row from baskets in one block of memory.
 *
 * Where pairs depend on nothing but the items, weights and sizes of baskets, a row is one of a product of
 * sparse matrices, which kernel/cooccur_row counts in dense counters.  Where days or
 * places count, each basket of an item says what it adds to the item's row, and what was said is
 * sorted and added up.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "kernel/cooccur.h"
#include "kernel/radix.h"
#include "model/build_count.h"

#define FIRST_ADDED	(256 * 1024)	/* pairs said before the first addition */

/* --- the block ----------------------------------------------------------- */

static void
place(CountPlan *plan, CountArray array, uint64 n, Size size)
{
	plan->at[array] = plan->size;
	plan->size = add_size(plan->size, CACHELINEALIGN(mul_size(n, size)));
}

/* The same offset means another address in each process. */
static void *
array_of(const CountPlan *plan, char *block, CountArray array)
{
	return block + plan->at[array];
}

/* Only what the kind of model looks at has a place: memory decides how a model is built. */
static void
place_lists(CountPlan *plan)
{
	const PairShape *shape = &plan->model.shape;

	place(plan, COUNT_START, plan->num_lists + 1, sizeof(uint64));
	if (shape->directed)
		place(plan, COUNT_TARGET_START, plan->num_lists + 1, sizeof(uint64));
	if (!plan->plain)
	{
		place(plan, COUNT_ENTRY, plan->num_entries, sizeof(BasketEntry));
		place(plan, COUNT_TARGET_ENTRY, plan->num_target_entries, sizeof(BasketEntry));
		return;
	}
	/* rows are fetched ahead of their use */
	place(plan, COUNT_ITEM, plan->num_entries + 2 * COOCCUR_AHEAD, sizeof(uint32));
	place(plan, COUNT_TARGET_ITEM, plan->num_target_entries + 2 * COOCCUR_AHEAD, sizeof(uint32));
	if (plan->model.weighted)
	{
		place(plan, COUNT_WEIGHT, plan->num_entries + 2 * COOCCUR_AHEAD, sizeof(uint32));
		place(plan, COUNT_TARGET_WEIGHT, plan->num_target_entries + 2 * COOCCUR_AHEAD, sizeof(uint32));
	}
	if (shape->damping > 0)
		place(plan, COUNT_SCALE, plan->num_lists, sizeof(int64));
}

/* Counters, buffers of scores and rows: by the number of items. */
static Size
process_memory(const CountPlan *plan)
{
	CooccurOperand x = {.num_items = plan->num_items};
	PairContext pairs = {.num_items = plan->num_items, .k = plan->model.scoring.neighbors};
	Size		rows = (Size) plan->num_items * (sizeof(uint32) + sizeof(double) + 2 * WIRE_MAX_VARINT);

	if (plan->plain)
		return cooccur_row_memory(&x) + pair_best_scan_memory(&pairs) + rows;
	return 2 * FIRST_ADDED * 2 * sizeof(uint64) + pair_best_scan_memory(&pairs) + rows;
}

void
count_plan(CountPlan *plan, const ModelDef *model, const BuildSurvey *survey, uint32 num_items)
{
	*plan = (CountPlan)
	{
		.model = *model,
		.plain = !model->shape.sequence && model->shape.generation_days == 0,
		.scores = !model->scoring.ridge,
		.num_items = num_items,
		.num_lists = survey->num_lists,
		.num_entries = survey->num_entries,
		.num_target_entries = survey->num_target_entries,
	};
	strlcpy(plan->measure, model->scoring.measure.info->name, NAMEDATALEN);
	plan->model.first_generation = survey->first_total;
	plan->model.num_totals = survey->num_totals;
	place(plan, COUNT_TOTALS, survey->num_totals, sizeof(int64));
	place(plan, COUNT_N_SOURCE, num_items, sizeof(double));
	if (model->shape.directed)
		place(plan, COUNT_N_TARGET, num_items, sizeof(double));
	else
		plan->at[COUNT_N_TARGET] = plan->at[COUNT_N_SOURCE];
	place(plan, COUNT_ORDER, num_items, sizeof(uint32));
	place_lists(plan);
	place(plan, COUNT_POST_START, (uint64) num_items + 2, sizeof(uint64));
	place(plan, COUNT_POST_LIST, plan->num_entries + 2 * COOCCUR_AHEAD, sizeof(uint32));
	plan->process_memory = process_memory(plan);
}

/* The operand of a product, over the block; of lists of entries it has the postings only. */
static void
open_operand(const CountPlan *plan, char *block, CooccurOperand *x)
{
	bool		directed = plan->model.shape.directed;
	CountArray	start = directed ? COUNT_TARGET_START : COUNT_START;

	*x = (CooccurOperand)
	{
		.num_items = plan->num_items,
		.num_lists = plan->num_lists,
		.list_start = array_of(plan, block, start),
		.list_item = array_of(plan, block, directed ? COUNT_TARGET_ITEM : COUNT_ITEM),
		.list_weight = !plan->model.weighted ? NULL : array_of(plan, block, directed ? COUNT_TARGET_WEIGHT : COUNT_WEIGHT),
		.list_scale = plan->model.shape.damping > 0 ? array_of(plan, block, COUNT_SCALE) : NULL,
		.marginal = array_of(plan, block, COUNT_N_TARGET),
		.unit = 1.0 / pairs_unit(&plan->model.shape),
		.order = array_of(plan, block, COUNT_ORDER),
		.post_start = array_of(plan, block, COUNT_POST_START),
		.post_list = array_of(plan, block, COUNT_POST_LIST),
	};
	if (!directed)
		return;
	x->source_start = array_of(plan, block, COUNT_START);
	x->source_item = array_of(plan, block, COUNT_ITEM);
	x->source_weight = plan->model.weighted ? array_of(plan, block, COUNT_WEIGHT) : NULL;
	x->source_marginal = array_of(plan, block, COUNT_N_SOURCE);
}

/* --- filling ------------------------------------------------------------- */

typedef struct Filler
{
	const CountPlan *plan;
	char	   *block;
	uint64		list;			/* the next one */
} Filler;

/* Starts grow with the lists, so the end of one is where the next begins. */
static void
fill_side(const Filler *f, const Basket *b, CountArray start, CountArray item, CountArray weight, CountArray entry)
{
	const CountPlan *plan = f->plan;
	uint64	   *starts = array_of(plan, f->block, start);
	uint64		at = starts[f->list];

	starts[f->list + 1] = at + b->size;
	if (!plan->plain)
	{
		memcpy((BasketEntry *) array_of(plan, f->block, entry) + at, b->entry, b->size * sizeof(BasketEntry));
		return;
	}
	for (uint32 e = 0; e < b->size; e++)
		((uint32 *) array_of(plan, f->block, item))[at + e] = b->entry[e].code;
	for (uint32 e = 0; plan->model.weighted && e < b->size; e++)
		((uint32 *) array_of(plan, f->block, weight))[at + e] = b->entry[e].weight;
}

/* Lists without a pair are not there: they were counted in the marginals. */
static void
fill_basket(void *arg, const Basket *source, const Basket *target)
{
	Filler	   *f = arg;
	const CountPlan *plan = f->plan;

	if (!build_has_pairs(source, target))
		return;
	/* the same snapshot as that of the survey */
	if (f->list == plan->num_lists)
		elog(ERROR, "more baskets than were counted");
	fill_side(f, source, COUNT_START, COUNT_ITEM, COUNT_WEIGHT, COUNT_ENTRY);
	if (target)
		fill_side(f, target, COUNT_TARGET_START, COUNT_TARGET_ITEM, COUNT_TARGET_WEIGHT, COUNT_TARGET_ENTRY);
	if (plan->plain && plan->model.shape.damping > 0)
		((int64 *) array_of(plan, f->block, COUNT_SCALE))[f->list] = pairs_basket_weight(&plan->model.shape, source->size);
	f->list++;
}

/* The postings of entries, as cooccur_operand_fill makes them of plain lists. */
static void
fill_postings(const CountPlan *plan, char *block)
{
	const uint64 *start = array_of(plan, block, COUNT_START);
	const BasketEntry *entry = array_of(plan, block, COUNT_ENTRY);
	uint64	   *post = array_of(plan, block, COUNT_POST_START);
	uint32	   *list = array_of(plan, block, COUNT_POST_LIST);
	uint64	   *next = post + 1;

	memset(post, 0, ((Size) plan->num_items + 2) * sizeof(uint64));
	for (uint64 e = 0; e < plan->num_entries; e++)
		next[entry[e].code + 1]++;
	for (uint32 i = 0; i < plan->num_items; i++)
		next[i + 1] += next[i];
	for (uint64 l = 0; l < plan->num_lists; l++)
	{
		if (l % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		for (uint64 e = start[l]; e < start[l + 1]; e++)
			list[next[entry[e].code]++] = (uint32) l;
	}
}

/* n as doubles, in the order of the rows, which is that of the generations. */
static void
fill_marginals(const CountPlan *plan, char *block, const BuildSurvey *survey)
{
	ModelDef	model = plan->model;
	double	   *n_source = array_of(plan, block, COUNT_N_SOURCE);
	double	   *n_target = array_of(plan, block, COUNT_N_TARGET);

	model.totals = array_of(plan, block, COUNT_TOTALS);
	memcpy(model.totals, survey->totals, survey->num_totals * sizeof(int64));
	memset(n_source, 0, plan->num_items * sizeof(double));
	memset(n_target, 0, plan->num_items * sizeof(double));
	for (uint64 m = 0; m < survey->num_marginals; m++)
	{
		const MarginalChange *c = &survey->marginal[m];
		double		value = model_unit_value(&model, pairs_row_generation(c->row));

		n_source[pairs_row_item(c->row)] += c->source * value;
		if (n_target != n_source)
			n_target[pairs_row_item(c->row)] += c->target * value;
	}
}

void
count_fill(const CountPlan *plan, char *block, const HistoryDef *history, const HistoryDef *target,
		   const BuildSurvey *survey, ItemTable *items)
{
	Filler		f = {.plan = plan, .block = block};
	CooccurOperand x;
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	fill_marginals(plan, block, survey);
	memcpy(array_of(plan, block, COUNT_ORDER), item_table_order(items), plan->num_items * sizeof(uint32));
	((uint64 *) array_of(plan, block, COUNT_START))[0] = 0;
	if (target)
		((uint64 *) array_of(plan, block, COUNT_TARGET_START))[0] = 0;
	build_stream(history, target, plan->num_items, fill_basket, &f);
	if (f.list != plan->num_lists)
		elog(ERROR, "fewer baskets than were counted");
	open_operand(plan, block, &x);
	if (plan->plain)
		cooccur_operand_fill(&server.env, &x);
	else
		fill_postings(plan, block);
}

/* --- counting ------------------------------------------------------------ */

struct Counter
{
	/* immutable */
	MemoryContext context;
	ServerEnv	server;
	const CountPlan *plan;
	char	   *block;
	ModelDef	model;
	CooccurOperand x;
	CooccurRow *row;			/* plain */

	/* mutable */
	ItemMaker	maker;
	uint64	   *added;			/* otherwise: what baskets add, (generation and item, count) */
	uint64	   *scratch;
	uint64		num_added;
	uint64		room;
	PairOfEntry *pair;			/* of one basket */
	uint32		pairs_room;
	uint32	   *other;			/* a row */
	int64	   *count;
	uint64		others_room;
};

/* All that a process allocates of its own; the block is only read from here on. */
Counter *
counter_create(MemoryContext parent, const CountPlan *plan, char *block)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize counter", ALLOCSET_DEFAULT_SIZES);
	Counter    *c = MemoryContextAllocZero(context, sizeof(Counter));
	ModelScorer *scorer = NULL;

	c->context = context;
	server_env_init(&c->server, context);
	c->plan = plan;
	c->block = block;
	c->model = plan->model;
	c->model.totals = array_of(plan, block, COUNT_TOTALS);
	/* functions have other addresses in other processes */
	c->model.scoring.measure.info = measure_find(plan->measure);
	open_operand(plan, block, &c->x);
	if (plan->scores)
	{
		scorer = model_scorer_over(context, &c->model, plan->num_items, c->x.order,
								   array_of(plan, block, COUNT_N_SOURCE), array_of(plan, block, COUNT_N_TARGET));
		model_scorer_ready(scorer, NULL, NULL);
	}
	if (plan->plain)
		c->row = cooccur_row_create(&c->server.env, &c->x);
	item_maker_init(&c->maker, context, scorer);
	return c;
}

/* The scorer goes with the context, as it holds no scans. */
void
counter_free(Counter *c)
{
	MemoryContextDelete(c->context);
}

/* --- what days and places need -------------------------------------------- */

/* Additions of the same item in the same generation become one. */
static void
fold_added(Counter *c)
{
	uint64		kept = 0;

	radix_sort_checked(&c->server.env, c->added, c->scratch, c->num_added, 2, 1);
	for (uint64 i = 0; i < c->num_added; i++)
	{
		if (kept > 0 && c->added[(kept - 1) * 2] == c->added[i * 2])
			c->added[(kept - 1) * 2 + 1] += c->added[i * 2 + 1];
		else
		{
			c->added[kept * 2] = c->added[i * 2];
			c->added[kept++ * 2 + 1] = c->added[i * 2 + 1];
		}
	}
	c->num_added = kept;
}

static void
reserve_added(Counter *c, uint32 more)
{
	if (c->num_added + more <= c->room)
		return;
	fold_added(c);
	if (c->num_added + more <= c->room / 2)
		return;
	c->room = Max(c->room * 2, FIRST_ADDED) + 2 * (uint64) more;
	c->added = env_resize(&c->server.env, c->added, c->room, 2 * sizeof(uint64));
	env_release(&c->server.env, c->scratch);
	c->scratch = env_alloc(&c->server.env, c->room, 2 * sizeof(uint64));
}

/* A view into the block: entries are not copied, as nobody changes them. */
static Basket
list_of(const Counter *c, CountArray starts, CountArray entries, uint32 list)
{
	const uint64 *start = array_of(c->plan, c->block, starts);
	BasketEntry *entry = array_of(c->plan, c->block, entries);
	uint32		size = (uint32) (start[list + 1] - start[list]);

	return (Basket) {size, size, entry + start[list]};
}

/* Entries ascend, and the item is known to be among them: no test for equality. */
static uint32
find_entry(const Basket *b, uint32 item)
{
	uint32		low = 0;
	uint32		high = b->size;

	while (high - low > 1)
	{
		uint32		mid = low + (high - low) / 2;

		if (b->entry[mid].code <= item)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The target of a list is the list itself where there is no other history. */
static void
add_list(Counter *c, uint32 item, uint32 list)
{
	Basket		source = list_of(c, COUNT_START, COUNT_ENTRY, list);
	Basket		target = c->model.shape.directed ? list_of(c, COUNT_TARGET_START, COUNT_TARGET_ENTRY, list) : source;
	uint32		most = Max(source.size, target.size);
	uint32		n;

	if (most > c->pairs_room)
	{
		c->pairs_room = most * 2;
		env_release(&c->server.env, c->pair);
		c->pair = env_alloc(&c->server.env, c->pairs_room, sizeof(PairOfEntry));
	}
	n = pairs_of_entry(&c->model.shape, &source, &target, find_entry(&source, item), c->pair);
	reserve_added(c, n);
	for (uint32 i = 0; i < n; i++)
	{
		/* the row of an item and a generation, the other way round: generations first */
		uint32		generation = (uint32) c->pair[i].generation ^ UINT32_C(0x80000000);

		c->added[c->num_added * 2] = (uint64) generation << 32 | c->pair[i].item;
		c->added[c->num_added++ * 2 + 1] = (uint64) c->pair[i].count;
	}
}

/* From one generation to the next. */
static void
make_rows(Counter *c)
{
	uint32		n = 0;

	if (c->others_room < c->num_added)
	{
		c->others_room = c->num_added * 2;
		c->other = env_resize(&c->server.env, c->other, c->others_room, sizeof(uint32));
		c->count = env_resize(&c->server.env, c->count, c->others_room, sizeof(int64));
	}
	for (uint64 i = 0; i < c->num_added; i++)
	{
		uint32		generation = (uint32) (c->added[i * 2] >> 32);

		c->other[n] = (uint32) c->added[i * 2];
		c->count[n] = (int64) c->added[i * 2 + 1];
		n += c->count[n] != 0;
		if (i + 1 == c->num_added || (uint32) (c->added[i * 2 + 2] >> 32) != generation)
		{
			item_maker_row(&c->maker, (int32) (generation ^ UINT32_C(0x80000000)), c->other, c->count, n);
			n = 0;
		}
	}
}

/* One generation after the other, since sorting has brought them into that order. */
static void
count_by_lists(Counter *c, uint32 item)
{
	c->num_added = 0;
	for (uint64 q = c->x.post_start[item]; q < c->x.post_start[item + 1]; q++)
	{
		if (q % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		add_list(c, item, c->x.post_list[q]);
	}
	fold_added(c);
	make_rows(c);
}

/* An item that is in no list with a pair may still have an n, and a row of the face that says so. */
const CountedItem *
counter_count(Counter *c, uint32 item)
{
	const uint32 *items;
	const int64 *counts;
	uint32		n;

	item_maker_begin(&c->maker, item);
	if (c->x.post_start[item] == c->x.post_start[item + 1])
		return item_maker_finish(&c->maker);
	if (!c->plan->plain)
		count_by_lists(c, item);
	else
	{
		n = cooccur_row(c->row, item, &items, &counts);
		item_maker_row(&c->maker, 0, items, counts, n);
	}
	return item_maker_finish(&c->maker);
}
