/*
 * rules.c
 *		Which items may be in a list.
 *
 * What is out by its key — the anchor, the cart, what the customer has bought — is marked once, when it is first asked about: all of these items
 * have their places then, so whatever is met later is not among them.
 */
#include "base/compat.h"

#include <math.h>

#include "utils/timestamp.h"

#include "model/source.h"
#include "serve/products.h"
#include "serve/rules_parse.h"
#include "serve/rules_request.h"

/* 1.1 * 10 is 11.000000000000002, and 11 is meant. */
#define PRICE_TOLERANCE 1e-9

/* Marks of items that are out; events of the rules follow. */
enum {BAR_NONE, BAR_ITEM, BAR_CART, BAR_SESSION, BAR_EXCLUDE, BAR_RULE, BAR_EVENT};

/* --- what is out by its key ------------------------------------------------------- */

static void
bar(struct RequestRules *barred, uint32 item, int why)
{
	if (item < barred->size && barred->mark[item] == BAR_NONE)
		barred->mark[item] = Min(why, PG_UINT8_MAX);
}

static void
bar_list(struct RequestRules *barred, const ItemList *list, int why)
{
	for (uint32 i = 0; i < list->size; i++)
		bar(barred, list->item[i], why);
}

static bool
is_recent(const Request *request, const RuleEvent *event, const ProfileEntry *entry)
{
	return event->days < 0 || source_day(request->as_of) - entry->day <= event->days;
}

static void
bar_event(Request *request, struct RequestRules *barred, int e)
{
	const RuleEvent *event = &request->plan->rules->event[e];
	const Profile *profile = request_profile(request, event->history);

	for (uint32 i = 0; profile != NULL && i < profile->size; i++)
		if (is_recent(request, event, &profile->entry[i]))
			bar(barred, profile->entry[i].item, BAR_EVENT + e);
}

/* Everybody's place first, as marks are by place. */
static void
meet_all(Request *request, const WidgetRules *rules, uint32 *excluded)
{
	for (int e = 0; e < rules->num_exclude; e++)
		excluded[e] = request_item(request, rules->exclude[e]);
	for (int e = 0; request->has_customer && e < rules->num_events; e++)
		request_profile(request, rules->event[e].history);
}

static void
mark_barred(Request *request, struct RequestRules *barred)
{
	const WidgetRules *rules = request->plan->rules;
	uint32	   *excluded = palloc((rules->num_exclude + 1) * sizeof(uint32));

	meet_all(request, rules, excluded);
	barred->size = request_num_items(request);
	barred->mark = MemoryContextAllocZero(request->context, barred->size + 1);
	bar(barred, request->anchor, BAR_ITEM);
	if (!rules->keep_cart)
		bar_list(barred, &request->cart, BAR_CART);
	bar_list(barred, &request->exclude, BAR_EXCLUDE);
	if (rules->exclude_session)
		bar_list(barred, &request->session, BAR_SESSION);
	for (int e = 0; e < rules->num_exclude; e++)
		bar(barred, excluded[e], BAR_RULE);
	for (int e = 0; request->has_customer && e < rules->num_events; e++)
		bar_event(request, barred, e);
	pfree(excluded);
}

static void
mark_among(Request *request, struct RequestRules *barred)
{
	barred->is_among = MemoryContextAllocZero(request->context, barred->size + 1);
	for (uint32 i = 0; i < request->among.size; i++)
		barred->is_among[request->among.item[i]] = true;
}

/* --- what others are compared with --------------------------------------------------- */

static bool
price_of(Request *request, uint32 item, double *price)
{
	const Product *product = item == ITEM_NONE ? NULL : product_of(request, item);

	*price = product != NULL && product->has_price ? product->price : 0;
	return product != NULL && product->has_price;
}

/* Each item once: a cart does not say how many there are. */
static bool
cart_price(Request *request, double *sum)
{
	bool		any = false;

	*sum = 0;
	for (uint32 i = 0; i < request->cart.size; i++)
	{
		double		price;

		any |= price_of(request, request->cart.item[i], &price);
		*sum += price;
	}
	return any;
}

static void
set_price_band(Request *request, struct RequestRules *barred)
{
	const WidgetRules *rules = request->plan->rules;
	double		base;

	if (rules->has_price &&
		(rules->price_of == RULE_BASE_CART ? cart_price(request, &base) : price_of(request, request->anchor, &base)))
	{
		barred->has_band = true;
		barred->low = base * rules->min_price * (1 - PRICE_TOLERANCE);
		barred->high = isinf(rules->max_price) ? rules->max_price : base * rules->max_price * (1 + PRICE_TOLERANCE);
	}
	if (rules->price_fill > 0 && cart_price(request, &base) && base < rules->price_fill)
	{
		barred->lack = rules->price_fill - base;
		barred->low = Max(barred->has_band ? barred->low : 0, barred->lack);
		barred->high = barred->has_band ? barred->high : INFINITY;
		barred->has_band = true;
	}
	if (barred->has_band)
		products_within(request, barred->low, barred->high);
}

/* The categories of the anchor or, without one, of the cart; items that are compared with none are not compared. */
static void
set_categories(Request *request, struct RequestRules *barred)
{
	const ItemList anchor = {1, &request->anchor};
	const ItemList *base = request->anchor != ITEM_NONE ? &anchor : &request->cart;

	if (request->plan->rules->category == RULE_CATEGORY_ANY)
		return;
	barred->category = MemoryContextAlloc(request->context, (base->size + 1) * sizeof(char *));
	for (uint32 i = 0; i < base->size; i++)
	{
		const char *category = product_of(request, base->item[i])->category;

		if (category != NULL)
			barred->category[barred->num_categories++] = category;
	}
}

static void
compare_with(Request *request, struct RequestRules *barred)
{
	const WidgetRules *rules = request->plan->rules;

	if (!rules_need_price(rules) && rules->category == RULE_CATEGORY_ANY)
		return;
	if (request->anchor != ITEM_NONE)
		products_ask(request, &request->anchor, 1);
	products_ask(request, request->cart.item, request->cart.size);
	set_price_band(request, barred);
	set_categories(request, barred);
}

/* To list what is of any category would be no answer. */
static void
require_category(const Request *request)
{
	const CatalogDef *catalog = request->widget->catalog;

	if (request->category == NULL || catalog->attribute[CATALOG_CATEGORY] != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("widget %s cannot be asked for a category", widget_name(request->widget)),
			 errdetail("Catalog %s does not know the categories of items.", registry_name(catalog->relation)),
			 errhint("Make the catalog with personalize.create_catalog(..., products => ..., category => 'column').")));
}

struct RequestRules *
rules_of_request(Request *request)
{
	struct RequestRules *barred = request->barred;

	if (barred != NULL)
		return barred;
	require_category(request);
	barred = MemoryContextAllocZero(request->context, sizeof(struct RequestRules));
	mark_barred(request, barred);
	if (request->has_among)
		mark_among(request, barred);
	compare_with(request, barred);
	request->barred = barred;
	return barred;
}

/* --- refusals ------------------------------------------------------------------------ */

static const char *
barred_reason(const Request *request, int why)
{
	static const char *const reasons[] = {
		[BAR_ITEM] = "item of the page", [BAR_CART] = "cart", [BAR_SESSION] = "session", [BAR_EXCLUDE] = "exclude",
		[BAR_RULE] = "rule exclude",
	};

	return why < BAR_EVENT ? reasons[why] : request->plan->rules->event[why - BAR_EVENT].text;
}

static bool
is_category_refused(const Request *request, const struct RequestRules *barred, const Product *product)
{
	bool		same = false;

	if (barred->num_categories == 0)
		return false;
	for (int c = 0; c < barred->num_categories; c++)
		same |= product->category != NULL && strcmp(product->category, barred->category[c]) == 0;
	return same != (request->plan->rules->category == RULE_CATEGORY_SAME);
}

static bool
is_price_refused(const struct RequestRules *barred, const Product *product)
{
	return barred->has_band && !(product->has_price && product->price >= barred->low && product->price <= barred->high);
}

static const char *
price_reason(const struct RequestRules *barred, const Product *product)
{
	if (!product->has_price)
		return "no price";
	if (isinf(barred->high))
		return psprintf("price %g is below %g", product->price, barred->low);
	return psprintf("price %g is not within %g to %g", product->price, barred->low, barred->high);
}

const char *
rules_refuse_key(Request *request, uint32 item)
{
	const struct RequestRules *barred = rules_of_request(request);

	if (item < barred->size && barred->mark[item] != BAR_NONE)
		return request->trace != NULL ? barred_reason(request, barred->mark[item]) : "key";
	if (request->has_among && (item >= barred->size || !barred->is_among[item]))
		return "among";
	return NULL;
}

static const char *
refuse_product(Request *request, uint32 item)
{
	const struct RequestRules *barred = rules_of_request(request);
	const Product *product = product_of(request, item);

	if (!product->eligible)
		return request->trace != NULL ? psprintf("not eligible: %s", products_reason(request, item)) : "not eligible";
	if (is_price_refused(barred, product))
		return request->trace != NULL ? price_reason(barred, product) : "price";
	if (is_category_refused(request, barred, product))
		return request->plan->rules->category == RULE_CATEGORY_SAME ? "other category" : "same category";
	return NULL;
}

const char *
rules_refuse(Request *request, uint32 item)
{
	const char *key = rules_refuse_key(request, item);

	return key != NULL ? key : refuse_product(request, item);
}
