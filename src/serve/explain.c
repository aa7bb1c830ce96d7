/*
 * explain.c
 *		Why an item is, or is not, in the list of a widget: the same engine, with a trace.
 *
 * The list is made once more, to its greatest length, so that the rank of an item beyond the k that were asked for is known, too:
 * positions do not depend on k.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "serve/context.h"
#include "serve/rules.h"
#include "serve/trace.h"

/* How far down the list an item is looked for. */
#define EXPLAIN_DEPTH 1000

/* What one offer gave the item. */
typedef struct Contribution
{
	int			source;
	uint32		because;
	double		amount;
} Contribution;

/* All offers of one source, by place of the item: the best is what scores are divided by, and the order is what ranks go by. */
typedef struct SourceSum
{
	uint32		room;
	double	   *sum;
} SourceSum;

typedef struct Explanation
{
	Trace		trace;			/* first, so that the engine's trace is ours */
	MemoryContext context;
	Request    *request;
	uint32		product;
	int			num_contributions;
	int			room;
	Contribution *contribution;
	SourceSum  *source;			/* by place */
	List	   *refused;		/* of char *, without repeats */
	List	   *moved;
	ReturnSetInfo *result;
} Explanation;

/* --- what the engine tells ----------------------------------------------- */

static void
add_to_source(SourceSum *source, uint32 item, double amount)
{
	if (item >= source->room)
	{
		uint32		room = Max(item + 1, 2 * source->room);

		source->sum = source->sum == NULL ? palloc(room * sizeof(double)) : repalloc(source->sum, room * sizeof(double));
		memset(source->sum + source->room, 0, (room - source->room) * sizeof(double));
		source->room = room;
	}
	source->sum[item] += amount;
}

static void
on_contribution(Trace *trace, int source, uint32 item, uint32 because, double amount)
{
	Explanation *why = (Explanation *) trace;
	MemoryContext old = MemoryContextSwitchTo(why->context);

	add_to_source(&why->source[source], item, amount);
	if (item == why->product)
	{
		if (why->num_contributions == why->room)
		{
			why->room = Max(16, 2 * why->room);
			why->contribution = why->contribution == NULL ? palloc(why->room * sizeof(Contribution)) :
				repalloc(why->contribution, why->room * sizeof(Contribution));
		}
		why->contribution[why->num_contributions++] = (Contribution) {source, because, amount};
	}
	MemoryContextSwitchTo(old);
}

static List *
append_new_text(List *list, const char *text)
{
	ListCell   *cell;

	foreach(cell, list)
		if (strcmp(lfirst(cell), text) == 0)
			return list;
	return lappend(list, pstrdup(text));
}

static void
on_refusal(Trace *trace, uint32 item, const char *rule)
{
	Explanation *why = (Explanation *) trace;
	MemoryContext old = MemoryContextSwitchTo(why->context);

	if (item == why->product)
		why->refused = append_new_text(why->refused, rule);
	MemoryContextSwitchTo(old);
}

static void
on_move(Trace *trace, uint32 item, const char *rule)
{
	Explanation *why = (Explanation *) trace;
	MemoryContext old = MemoryContextSwitchTo(why->context);

	if (item == why->product)
		why->moved = append_new_text(why->moved, rule);
	MemoryContextSwitchTo(old);
}

/* --- rows: (step, source, because, amount, detail) ------------------------ */

static void
put_step(Explanation *why, const char *step, int source, uint32 because, const double *amount, const char *detail)
{
	Datum		values[5] = {CStringGetTextDatum(step)};
	bool		nulls[5] = {false, source < 0, because == ITEM_NONE, amount == NULL, detail == NULL};

	if (source >= 0)
		values[1] = CStringGetTextDatum(context_source_name(why->request, source));
	if (because != ITEM_NONE)
		values[2] = CStringGetTextDatum(request_key_text(why->request, because));
	if (amount != NULL)
		values[3] = Float8GetDatum(*amount);
	if (detail != NULL)
		values[4] = CStringGetTextDatum(detail);
	tuplestore_putvalues(why->result->setResult, why->result->setDesc, values, nulls);
}

static void
put_texts(Explanation *why, const char *step, List *texts)
{
	ListCell   *cell;

	foreach(cell, texts)
		put_step(why, step, -1, ITEM_NONE, NULL, lfirst(cell));
}

/* --- contributions ------------------------------------------------------- */

static double
source_sum(const SourceSum *source, uint32 item)
{
	return item < source->room ? source->sum[item] : 0;
}

static double
source_best(const SourceSum *source)
{
	double		best = 0;

	for (uint32 i = 0; i < source->room; i++)
		best = Max(best, source->sum[i]);
	return best;
}

/* From 1, by (score desc, key asc) as everywhere. */
static uint32
source_rank(const Explanation *why, const SourceSum *source)
{
	double		own = source_sum(source, why->product);
	uint32		rank = 1;

	for (uint32 i = 0; i < source->room; i++)
		rank += source->sum[i] > own || (source->sum[i] == own && own > 0 && request_compare_keys(why->request, i, why->product) < 0);
	return rank;
}

/* By source, then the greatest first, then as they came. */
static int
compare_contributions(const void *a, const void *b)
{
	const Contribution *x = a;
	const Contribution *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->amount != y->amount)
		return x->amount > y->amount ? -1 : 1;
	return x->because < y->because ? -1 : x->because > y->because;
}

static void
put_contributions(Explanation *why)
{
	if (why->num_contributions > 1)
		qsort(why->contribution, why->num_contributions, sizeof(Contribution), compare_contributions);
	for (int i = 0; i < why->num_contributions; i++)
	{
		const Contribution *c = &why->contribution[i];
		double		best = source_best(&why->source[c->source]);

		put_step(why, "contribution", c->source, c->because, &c->amount,
				 best > 0 ? psprintf("%.4g of the best score of the source", c->amount / best) : NULL);
	}
}

/* What a source gives to the mix. */
static void
put_source(Explanation *why, const WidgetSource *source)
{
	const SourceSum *sums = &why->source[source->place];
	double		own = source_sum(sums, why->product);
	double		best = source_best(sums);
	const char *level = source->level == 0 ? "" : psprintf(", fallback %d", source->level);
	double		amount;

	if (!(own > 0))
		return;
	if (source->level == 0 && why->request->widget->mix == WIDGET_MIX_RRF)
	{
		amount = source->weight / (60 + source_rank(why, sums));
		put_step(why, "source", source->place, ITEM_NONE, &amount, psprintf("weight %.4g / (60 + rank %u)", source->weight, source_rank(why, sums)));
		return;
	}
	amount = source->weight * own / best;
	put_step(why, "source", source->place, ITEM_NONE, &amount,
			 psprintf("weight %.4g x %.4g / %.4g, the best of %s%s", source->weight, own, best, source->name, level));
}

static void
put_sources(Explanation *why)
{
	const WidgetDef *widget = why->request->widget;

	for (int i = 0; i < widget->num_sources; i++)
		put_source(why, &widget->source[i]);
	if (why->num_contributions == 0)
		put_step(why, "source", -1, ITEM_NONE, NULL, "no source offers it");
}

/* --- the list ------------------------------------------------------------ */

static const Pick *
find_pick(const Pick *picks, uint32 size, uint32 item)
{
	for (uint32 i = 0; i < size; i++)
		if (picks[i].item == item)
			return &picks[i];
	return NULL;
}

/* What refuses the item by itself; the list did not come to ask where no source offers it, or a fallback was not needed. */
static void
ask_rules(Explanation *why)
{
	Request    *request = why->request;
	const char *rule;

	products_look(request, &why->product, 1);
	rule = rules_refuse(request, why->product);
	if (rule != NULL)
		on_refusal(&why->trace, why->product, rule);
}

static void
put_rank(Explanation *why, const Pick *pick, int32 k, int64 offset)
{
	double		rank;

	if (pick == NULL)
	{
		put_step(why, "rank", -1, ITEM_NONE, NULL,
				 why->refused != NIL ? psprintf("none: %s", (char *) linitial(why->refused)) :
				 psprintf("none: not among the first %d", EXPLAIN_DEPTH));
		return;
	}
	rank = pick->rank;
	put_step(why, "reason", pick->source, pick->because, NULL, recommend_reason(why->request, pick));
	put_step(why, "rank", pick->source, pick->because, &rank,
			 pick->rank <= offset ? psprintf("before the offset of " INT64_FORMAT, offset) :
			 pick->rank <= offset + k ? psprintf("shown: among the %d from rank " INT64_FORMAT " on", k, offset + 1) :
			 psprintf("not shown: behind the %d from rank " INT64_FORMAT " on", k, offset + 1));
}

static void
explain(Explanation *why)
{
	Request    *request = why->request;
	int32		k = request->k;
	int64		offset = request->offset;
	const Pick *pick;
	Pick	   *picks;
	uint32		size;

	request->trace = &why->trace;
	request->k = EXPLAIN_DEPTH;
	request->offset = 0;
	picks = list_make(request, &size);
	pick = find_pick(picks, size, why->product);
	if (pick == NULL)
		ask_rules(why);
	put_contributions(why);
	put_sources(why);
	put_texts(why, "removed", why->refused);
	put_texts(why, "moved", why->moved);
	if (pick != NULL)
		put_step(why, "score", pick->source, ITEM_NONE, &pick->score, NULL);
	put_rank(why, pick, k, offset);
}

/* explain_recommendation(widget, customer, product, item, cart, category, session, k, offset, page, exclude, among, as_of, seed, query, segment) */
static const int8 explain_arguments[CONTEXT_NUM] = {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void
explain_begin(Explanation *why, FunctionCallInfo fcinfo, const WidgetPlan *plan)
{
	why->trace = (Trace) {ITEM_NONE, on_contribution, on_refusal, on_move};
	why->context = CurrentMemoryContext;
	why->source = palloc0(Max(plan->def->num_sources, 1) * sizeof(SourceSum));
	compat_materialize(fcinfo);
	why->result = (ReturnSetInfo *) fcinfo->resultinfo;
}

PG_FUNCTION_INFO_V1(personalize_explain_recommendation);
Datum
personalize_explain_recommendation(PG_FUNCTION_ARGS)
{
	Explanation why = {{0}};
	RecommendArgs args;
	WidgetPlan *plan;
	Datum		product;

	guard_not_null("widget", PG_ARGISNULL(0));
	guard_not_null("product", PG_ARGISNULL(2));
	plan = widget_plan(widget_require(PG_GETARG_TEXT_PP(0))->id);
	context_read(fcinfo, explain_arguments, &args);
	args = context_for(&args, plan->def);
	explain_begin(&why, fcinfo, plan);
	why.request = recommend_begin(plan, &args);
	if (!key_argument(plan->def->catalog->item_type, get_fn_expr_argtype(fcinfo->flinfo, 2), PG_GETARG_DATUM(2), "product", &product))
	{
		put_step(&why, "rank", -1, ITEM_NONE, NULL, psprintf("none: no %s can be this number", key_type_name(plan->def->catalog->item_type)));
		return (Datum) 0;
	}
	why.product = request_item(why.request, product);
	explain(&why);
	return (Datum) 0;
}
