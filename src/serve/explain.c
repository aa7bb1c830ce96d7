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
#include "serve/rules_parse.h"
#include "serve/trace.h"

/* How far down the list an item is looked for. */
#define EXPLAIN_DEPTH 1000

/* What one offer gave the item. */
typedef struct Contribution
{
	int			source;
	uint32		because;
	double		score;			/* of the source */
	double		amount;			/* of the mix */
} Contribution;

typedef struct Explanation
{
	Trace		trace;			/* first, so that the engine's trace is ours */
	MemoryContext context;
	Request    *request;
	uint32		product;
	int			size;
	int			room;
	Contribution *contribution;
	List	   *refused;		/* of char *, without repeats */
	List	   *moved;
	ReturnSetInfo *result;
} Explanation;

/* --- what the engine tells ----------------------------------------------- */

static void
on_contribution(Trace *trace, int source, uint32 item, uint32 because, double score, double amount)
{
	Explanation *why = (Explanation *) trace;

	if (item != why->product)
		return;
	if (why->size == why->room)
	{
		why->room *= 2;
		why->contribution = repalloc(why->contribution, why->room * sizeof(Contribution));
	}
	why->contribution[why->size++] = (Contribution) {source, because, score, amount};
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

/* By source, then the greatest first, then as they came. */
static int
compare_contributions(const void *a, const void *b)
{
	const Contribution *x = a;
	const Contribution *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->because < y->because ? -1 : x->because > y->because;
}

static void
put_contributions(Explanation *why)
{
	qsort(why->contribution, why->size, sizeof(Contribution), compare_contributions);
	for (int i = 0; i < why->size; i++)
	{
		const Contribution *c = &why->contribution[i];

		put_step(why, "contribution", c->source, c->because, &c->amount, psprintf("score %.6g", c->score));
	}
}

/* What a source gives to the mix, all its contributions together. */
static void
put_source(Explanation *why, const WidgetSource *source)
{
	double		score = 0;
	double		amount = 0;
	int			n = 0;

	for (int i = 0; i < why->size; i++)
		if (why->contribution[i].source == source->place)
		{
			score += why->contribution[i].score;
			amount += why->contribution[i].amount;
			n++;
		}
	if (n > 0)
		put_step(why, "source", source->place, ITEM_NONE, &amount,
				 source->level > 0 ? psprintf("score %.6g, fallback %d", score, source->level) :
				 psprintf("score %.6g, weight %.6g", score, source->weight));
}

static void
put_sources(Explanation *why)
{
	const WidgetDef *widget = why->request->widget;

	for (int i = 0; i < widget->num_sources; i++)
		put_source(why, &widget->source[i]);
	if (why->size == 0)
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
ask_rules(Explanation *why, bool list_ended)
{
	Request    *request = why->request;
	const char *rule;

	products_look(request, &why->product, 1);
	rule = rules_refuse(request, why->product);
	if (rule == NULL && list_ended && why->size == 0 && request->plan->rules->no_rest)
		rule = "rule rest";
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
		ask_rules(why, size < EXPLAIN_DEPTH);
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

static Explanation *
explain_begin(FunctionCallInfo fcinfo)
{
	Explanation *why = palloc0(sizeof(Explanation));

	why->trace.contributed = on_contribution;
	why->trace.refused = on_refusal;
	why->trace.moved = on_move;
	why->context = CurrentMemoryContext;
	why->room = 16;
	why->contribution = palloc(why->room * sizeof(Contribution));
	compat_materialize(fcinfo);
	why->result = (ReturnSetInfo *) fcinfo->resultinfo;
	return why;
}

PG_FUNCTION_INFO_V1(personalize_explain_recommendation);
Datum
personalize_explain_recommendation(PG_FUNCTION_ARGS)
{
	Explanation *why;
	RecommendArgs args;
	WidgetPlan *plan;
	KeyType		type;
	Datum		product;

	guard_not_null("widget", PG_ARGISNULL(0));
	guard_not_null("product", PG_ARGISNULL(2));
	plan = widget_plan(widget_require(PG_GETARG_TEXT_PP(0))->id);
	type = plan->def->catalog->item_type;
	context_read(fcinfo, explain_arguments, &args);
	args = context_for(&args, plan->def);
	why = explain_begin(fcinfo);
	why->request = recommend_begin(plan, &args);
	if (key_argument(type, get_fn_expr_argtype(fcinfo->flinfo, 2), PG_GETARG_DATUM(2), "product", &product))
	{
		why->product = why->trace.item = request_item(why->request, product);
		explain(why);
	}
	else
		put_step(why, "rank", -1, ITEM_NONE, NULL, psprintf("none: no key of type %s can be this number", key_type_name(type)));
	return (Datum) 0;
}
