/*
 * source_buy_again.c
 *		What the customer buys again and again, when it is due (kernel/repeat.h).
 *
 * A history has the last event of an item only; so the customer's own rows are read from the interactions, with the caller's snapshot,
 * and what was bought a moment ago is not due any more.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "kernel/repeat.h"
#include "model/follower.h"
#include "model/source.h"
#include "serve/source_statement.h"

#define MAX_DAYS 36500

typedef struct BuyAgain
{
	int			history;		/* place among the widget's */
	RepeatPrior prior;
	double		interval;		/* days, where a customer has bought nothing twice */
	double		least;			/* repeat-customer probability below which nothing is offered */
	SourceStatement *rates;		/* those probabilities; NULL: every item may be bought again */
} BuyAgain;

typedef struct Purchases
{
	Request    *request;
	RepeatPurchase *purchase;
	uint32		size;
	uint32		room;
	int64	   *weight;			/* by place, of all rows: returns take away */
	uint32		num_places;
	double	   *rate;			/* by place: the repeat-customer probability */
} Purchases;

/* --- the definition --- */

static Oid
key_array_type(const WidgetDef *widget)
{
	return get_array_type(key_type_oid(widget->catalog->item_type));
}

/* Of the whole shop: what a segment buys again is too few. */
static SourceStatement *
open_rates(WidgetPlan *plan, Oid relation)
{
	Oid			keys = key_array_type(plan->def);

	return source_statement(plan,
							psprintf("SELECT u.item, u.score FROM %s AS f CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(f.items), pg_catalog.unnest(f.scores)) AS u(item, score)"
									 " WHERE f.segment OPERATOR(pg_catalog.=) '{}'::pg_catalog.text[] AND u.item OPERATOR(pg_catalog.=) ANY ($1)",
									 registry_name(relation)),
							1, &keys);
}

static int
history_of(const WidgetDef *widget, const WidgetSource *source)
{
	return widget_require_history(widget, source_option_text(source, "event", "bought"), psprintf("source \"%s\"", source->name));
}

static void *
open_buy_again(WidgetPlan *plan, const WidgetSource *source)
{
	BuyAgain   *again = palloc0(sizeof(BuyAgain));

	again->history = history_of(plan->def, source);
	again->prior.alpha = source_option_number(source, "alpha", 1, 1e-6, 1e6);
	again->prior.beta = source_option_days(source, "beta", 30, 1e-3, MAX_DAYS);
	again->interval = source_option_days(source, "interval", 30, 1e-3, MAX_DAYS);
	again->least = source_option_number(source, "least", 0, 0, 1);
	if (OidIsValid(source->relation))
		again->rates = open_rates(plan, source->relation);
	return again;
}

static void
require_times(const WidgetDef *widget, const WidgetSource *source)
{
	const HistoryDef *history = widget->history[history_of(widget, source)].history;

	if (history->happened == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source \"%s\" needs a history with happened", source->name),
				 errdetail("Without times, nothing says when something in %s was bought.", registry_name(history->relation))));
}

static void
require_repeat(const WidgetSource *source)
{
	FollowerDef *follower = OidIsValid(source->relation) ? follower_of_relation(source->relation) : NULL;

	if (OidIsValid(source->relation) && (follower == NULL || strcmp(follower->kind->name, "repeat") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"repeat\" of source \"%s\" must be a model of repeat customers: %s", source->name, registry_name(source->relation)),
				 errhint("personalize.create_repeat() makes one.")));
	if (!OidIsValid(source->relation) && source_option_value(source, "least") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"least\" of source \"%s\" needs \"repeat\"", source->name),
				 errdetail("It is a bound for probabilities that a model of repeat customers gives.")));
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"event", "alpha", "beta", "interval", "repeat", "least", NULL};

	source_options_only(source, names);
	source->relation = source_option_relation(source, "repeat");
	require_times(widget, source);
	require_repeat(source);
	source_try_open(widget, source);
}

/* --- the customer's purchases --- */

static void
add_weight(Purchases *p, uint32 item, int64 weight)
{
	if (item >= p->num_places)
	{
		uint32		room = Max(64, item * 2 + 1);

		p->weight = env_resize(&p->request->server.env, p->weight, room, sizeof(int64));
		memset(p->weight + p->num_places, 0, (room - p->num_places) * sizeof(int64));
		p->num_places = room;
	}
	p->weight[item] += weight;
}

/* What happens after the time that is asked about has not happened. */
static void
take_purchase(void *arg, const SourceRow *row)
{
	Purchases  *p = arg;
	uint32		item;

	if (row->happened > p->request->as_of)
		return;
	item = request_item(p->request, row->item);
	add_weight(p, item, row->weight);
	if (row->weight <= 0)
		return;
	if (p->size == p->room)
	{
		p->room = Max(64, p->room * 2);
		p->purchase = env_resize(&p->request->server.env, p->purchase, p->room, sizeof(RepeatPurchase));
	}
	p->purchase[p->size++] = (RepeatPurchase) {item, row->happened};
}

/* As the owner of the history, like the profile: the right to the history is the caller's, that to the interactions the owner's. */
static void
fetch_purchases(Request *request, const HistoryDef *cached, Purchases *p)
{
	HistoryDef	history = *cached;
	OwnerScope	scope;

	request_require_select(history.relation);
	registry_history_as_seen(&history);
	registry_enter_owner(history.relation, &scope);
	source_fetch(&history, history.horizon_start, &request->customer, 1, take_purchase, p);
	registry_leave_owner(&scope);
}

/* --- the items' probabilities --- */

static void
take_rate(void *arg, const Datum *values, const bool *nulls)
{
	Purchases  *p = arg;

	if (!nulls[0] && !nulls[1])
		p->rate[request_item(p->request, values[0])] = DatumGetFloat8(values[1]);
}

/* Asked for the customer's items only, all of which have places by now. */
static void
fetch_rates(const BuyAgain *again, Purchases *p, const RepeatItem *items, uint64 n)
{
	KeyType		type = p->request->widget->catalog->item_type;
	Datum	   *keys = palloc(n * sizeof(Datum));
	Datum		array;
	int16		length;
	bool		by_value;
	char		align;

	p->rate = palloc0(request_num_items(p->request) * sizeof(double));
	for (uint64 i = 0; i < n; i++)
		keys[i] = request_key(p->request, items[i].item);
	get_typlenbyvalalign(key_type_oid(type), &length, &by_value, &align);
	array = PointerGetDatum(construct_array(keys, n, key_type_oid(type), length, by_value, align));
	source_statement_run(again->rates, &array, NULL, take_rate, p);
}

/* --- collecting --- */

static void
offer_item(const BuyAgain *again, const Purchases *p, const RepeatItem *item, double usual)
{
	double		probability = p->rate == NULL ? 1 : p->rate[item->item];
	double		own = repeat_interval(item);
	double		since = ((double) p->request->as_of - (double) item->last) / REPEAT_USECS_PER_DAY;

	if (p->weight[item->item] <= 0 || probability <= 0 || probability < again->least)
		return;
	request_offer(p->request, item->item, probability * repeat_rate(item->times, since, own > 0 ? own : usual, &again->prior), ITEM_NONE);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	const BuyAgain *again = opened;
	Purchases	p = {request};
	RepeatItem *items;
	uint64		n;
	double		usual;

	if (!request->has_customer)
		return;
	fetch_purchases(request, request->widget->history[again->history].history, &p);
	if (p.size == 0)
		return;
	items = palloc(p.size * sizeof(RepeatItem));
	n = repeat_fold(&request->server.env, p.purchase, p.size, items);
	usual = repeat_usual_interval(items, n);
	if (again->rates != NULL)
		fetch_rates(again, &p, items, n);
	for (uint64 i = 0; i < n; i++)
		offer_item(again, &p, &items[i], usual > 0 ? usual : again->interval);
}

const SourceKind source_buy_again = {"buy_again", check, open_buy_again, collect};
