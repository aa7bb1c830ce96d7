/*
 * build_survey.c
 *		One pass over the baskets of a model, for what must be known before pairs are counted: how
 *		much there is, n of every item, and the totals.
 */
#include "postgres.h"

#include <math.h>

#include "base/server_env.h"
#include "kernel/radix.h"
#include "model/build_stream.h"

#define FIRST_CHANGES	65536	/* held before the first fold */

typedef struct Survey
{
	/* immutable */
	const ModelDef *model;
	ServerEnv	server;
	uint32		num_items;

	/* mutable */
	BuildSurvey *out;
	int32		last_generation;
	int64	   *source;			/* by item; NULL with generations, which add changes instead */
	int64	   *target;
	MarginalChange *change;
	uint64		num_changes;
	uint64		room;
} Survey;

/* --- sums ---------------------------------------------------------------- */

static void
fail_too_large(const ModelDef *model)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("counts of model %s are out of range", registry_name(model->relation)),
			 errdetail("The weights of an item, squared and added up, pass 2^63."),
			 errhint("Use a coarser unit for weights.")));
}

/* The server is compiled so that sums wrap around without a word. */
static int64
add_checked(const Survey *s, int64 a, int64 b)
{
	if (__builtin_add_overflow(a, b, &a))
		fail_too_large(s->model);
	return a;
}

/* The diagonal bounds every count of a pair, so it is the only place where sums are looked at. */
static int64
square(const Survey *s, int64 basket_weight, const BasketEntry *entry)
{
	int64		weight = s->model->shape.sequence ? 1 : entry->weight;
	int64		product;

	if (__builtin_mul_overflow(weight, weight, &product) || __builtin_mul_overflow(product, basket_weight, &product))
		fail_too_large(s->model);
	return product;
}

/* Sorts what is held and adds up what belongs together. */
static void
fold_changes(Survey *s)
{
	MarginalChange *c = s->change;
	uint64		kept = 0;
	void	   *scratch = env_alloc(&s->server.env, s->num_changes + 1, sizeof(MarginalChange));

	radix_sort_checked(&s->server.env, (uint64 *) c, scratch, s->num_changes, 3, 1);
	env_release(&s->server.env, scratch);
	for (uint64 i = 0; i < s->num_changes; i++)
	{
		if (kept > 0 && c[kept - 1].row == c[i].row)
		{
			c[kept - 1].source = add_checked(s, c[kept - 1].source, c[i].source);
			c[kept - 1].target = add_checked(s, c[kept - 1].target, c[i].target);
		}
		else
			c[kept++] = c[i];
	}
	s->num_changes = kept;
}

/* Folding comes first: there are far fewer rows than changes. */
static void
add_change(Survey *s, uint64 row, int64 source, int64 target)
{
	if (s->num_changes == s->room)
	{
		fold_changes(s);
		if (s->num_changes >= s->room / 2)
		{
			s->room = s->room * 2 + FIRST_CHANGES;
			s->change = env_resize(&s->server.env, s->change, s->room, sizeof(MarginalChange));
		}
	}
	s->change[s->num_changes++] = (MarginalChange) {row, source, target};
}

/* Of one basket, in the generation of its last event, so that no pair counts more than its items. */
static void
add_marginals(Survey *s, const Basket *b, int64 weight, int32 generation, bool source, bool target)
{
	for (uint32 e = 0; e < b->size; e++)
	{
		uint32		item = b->entry[e].code;
		int64		n = square(s, weight, &b->entry[e]);

		if (s->source == NULL)
			add_change(s, pairs_row(item, generation), source ? n : 0, target ? n : 0);
		else
		{
			if (source)
				s->source[item] = add_checked(s, s->source[item], n);
			if (target)
				s->target[item] = add_checked(s, s->target[item], n);
		}
	}
}

/* --- totals -------------------------------------------------------------- */

/* Generations are met in any order: the range grows at either end. */
static void
add_total(Survey *s, int32 generation, int64 weight)
{
	BuildSurvey *out = s->out;
	int32		first = out->num_totals > 0 ? Min(out->first_total, generation) : generation;
	int64		last = out->num_totals > 0 ? Max((int64) out->first_total + out->num_totals - 1, generation) : generation;

	if (last - first >= out->num_totals)
	{
		int64	   *totals = env_alloc0(&s->server.env, last - first + 1, sizeof(int64));

		if (out->num_totals > 0)
			memcpy(totals + (out->first_total - first), out->totals, out->num_totals * sizeof(int64));
		env_release(&s->server.env, out->totals);
		out->totals = totals;
		out->first_total = first;
		out->num_totals = last - first + 1;
	}
	out->totals[generation - first] += weight;
}

/* --- baskets ------------------------------------------------------------- */

/* Pairs may be older than the last event of their basket. */
static void
widen_generations(Survey *s, const Basket *b)
{
	for (uint32 e = 0; e < b->size; e++)
	{
		int32		generation = pairs_generation(&s->model->shape, b->entry[e].day);

		s->out->first_generation = Min(s->out->first_generation, generation);
		s->last_generation = Max(s->last_generation, generation);
	}
}

/* All that depends on a basket as a whole; pairs come later, and in other ways. */
static void
survey_basket(void *arg, const Basket *source, const Basket *target)
{
	Survey	   *s = arg;
	BuildSurvey *out = s->out;
	const PairShape *shape = &s->model->shape;
	int64		weight = pairs_basket_weight(shape, source->size);
	int32		day = source->size > 0 ? basket_last_day(source) : PG_INT32_MIN;
	int32		generation;

	if (target && target->size > 0)
		day = Max(day, basket_last_day(target));
	generation = pairs_generation(shape, day);
	add_total(s, generation, weight);
	add_marginals(s, source, weight, generation, true, target == NULL);
	if (target)
		add_marginals(s, target, weight, generation, false, true);
	if (!build_has_pairs(source, target))
		return;
	out->num_lists++;
	out->num_entries += source->size;
	out->num_target_entries += target ? target->size : 0;
	out->work += (double) source->size * (target ? target->size : source->size);
	if (shape->generation_days > 0)
	{
		widen_generations(s, source);
		if (target)
			widen_generations(s, target);
	}
}

/* One form for both ways: rows in their order, only those that are there. */
static void
gather_marginals(Survey *s)
{
	BuildSurvey *out = s->out;

	if (s->source == NULL)
	{
		fold_changes(s);
		out->marginal = s->change;
		out->num_marginals = s->num_changes;
		return;
	}
	out->marginal = env_alloc(&s->server.env, (uint64) s->num_items + 1, sizeof(MarginalChange));
	for (uint32 i = 0; i < s->num_items; i++)
		if (s->source[i] != 0 || s->target[i] != 0)
			out->marginal[out->num_marginals++] = (MarginalChange) {pairs_row(i, 0), s->source[i], s->target[i]};
	env_release(&s->server.env, s->source);
	env_release(&s->server.env, s->target);
}

/* Dense sums where there is one generation, a list of changes where there may be many. */
void
build_survey(const ModelDef *model, const HistoryDef *history, const HistoryDef *target, uint32 num_items,
			 BuildSurvey *out)
{
	Survey		s = {.model = model, .num_items = num_items, .out = out};
	bool		generations = model->shape.generation_days > 0;

	server_env_init(&s.server, CurrentMemoryContext);
	*out = (BuildSurvey) {.first_generation = generations ? PG_INT32_MAX : 0};
	s.last_generation = generations ? PG_INT32_MIN : 0;
	if (!generations)
	{
		s.source = env_alloc0(&s.server.env, (uint64) num_items + 1, sizeof(int64));
		s.target = env_alloc0(&s.server.env, (uint64) num_items + 1, sizeof(int64));
	}
	build_stream(history, target, num_items, survey_basket, &s);
	gather_marginals(&s);
	if (out->num_totals == 0)
		/* a model of nothing has one total, too */
		add_total(&s, 0, 0);
	if (s.last_generation < out->first_generation)
		out->first_generation = s.last_generation = out->first_total;
	out->num_generations = s.last_generation - out->first_generation + 1;
}
