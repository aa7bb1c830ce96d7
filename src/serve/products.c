/*
 * products.c
 *		What the product table says of the items of a request.
 *
 * Items are looked at many at a time, and only when somebody needs to know.  Where a filter lets so little through that very many
 * would have to be looked at, all that it lets through are fetched instead, if the planner finds that cheap.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "model/source.h"
#include "serve/products_statement.h"
#include "serve/source_kind.h"

/* Fetched at once; more are looked at one by one. */
#define MAX_SET 20000
/*
 * Planner's units that looking at one item is worth: an index and a row that are in memory, where the planner takes them to be on disk; and what the
 * same is worth where most of it will be known from earlier calls.
 */
#define LOOK_COST 0.2
#define KNOWN_COST 0.02
/* New items among which exploration chooses. */
#define MAX_NEW 1000

static const Product anything = {.looked = true, .eligible = true, .found = true, .factor = 1};
static const Product nothing = {.looked = true, .factor = 1};

/* --- opening ------------------------------------------------------------------ */

/* Plans are not in the context of the plan that knows them. */
static void
free_statements(void *arg)
{
	Products   *products = arg;

	products_pages_forget(products);
	for (int s = 0; s < PRODUCTS_NUM_STATEMENTS; s++)
		for (int c = 0; c < 2; c++)
			if (products->statement[s][c] != NULL)
				SPI_freeplan(products->statement[s][c]);
}

static void
require_attribute(const Products *products, CatalogAttribute attribute, const char *rule)
{
	if (products->catalog->attribute[attribute] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of widget %s needs the %s of items", rule, widget_name(products->rules->widget),
						catalog_attribute_names[attribute]),
				 errdetail("Catalog %s does not say which column of %s that is.", registry_name(products->catalog->relation),
						   registry_name(products->catalog->products)),
				 errhint("Name it when the catalog is made: create_catalog(..., %s => 'column').", catalog_attribute_names[attribute])));
}

static void
require_column(const Products *products, const char *rule, const char *name)
{
	if (name != NULL && get_attnum(products->catalog->products, name) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of %s does not exist", name, registry_name(products->catalog->products)),
				 errdetail("%s of widget %s names it.", rule, widget_name(products->rules->widget))));
}

static void
require_moment(const Products *products, const char *rule, const char *name)
{
	Oid			type;

	require_column(products, rule, name);
	if (name == NULL)
		return;
	type = getBaseType(get_atttype(products->catalog->products, get_attnum(products->catalog->products, name)));
	if (type != TIMESTAMPTZOID && type != TIMESTAMPOID && type != DATEOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("rule dates of widget %s cannot use column \"%s\" of type %s", widget_name(products->rules->widget), name,
						format_type_be(type)),
				 errhint("It must be timestamp with time zone, timestamp or date.")));
}

/* What is asked of a table that is not there would be ignored. */
static void
refuse_without_table(const WidgetDef *widget, const WidgetRules *rules)
{
	const char *rule = rules->num_conditions > 0 ? rules->condition[0].rule : rules->num_factors > 0 ? rules->factor[0].rule :
		rules->num_caps > 0 ? rules->cap[0].rule : rules->from != NULL || rules->until != NULL ? "rule dates" :
		rules->has_price ? "rule price" : rules->price_fill > 0 ? "rule price_fill" :
		rules->category != RULE_CATEGORY_ANY ? "rule category" : widget->explore > 0 ? "explore" : NULL;

	if (rule != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of widget %s needs a product table", rule, widget_name(widget)),
				 errdetail("Catalog %s is bound to none.", registry_name(widget->catalog->relation)),
				 errhint("Make the catalog with personalize.create_catalog(..., products => 'shop.products', ...).")));
}

/* Without a column that says when, an item that no model has counted is new. */
static void
open_exploration(Products *products)
{
	const WidgetDef *widget = products->rules->widget;

	if (widget->explore <= 0 || products->catalog->attribute[CATALOG_CREATED] != NULL)
		return;
	for (int s = 0; s < widget->num_sources && !OidIsValid(products->counted); s++)
		if (strcmp(widget->source[s].kind->name, "cooccurrence") == 0)
			products->counted = widget->source[s].relation;
	if (!OidIsValid(products->counted))
		require_attribute(products, CATALOG_CREATED, "explore");
}

static void
check(const Products *products)
{
	const WidgetRules *rules = products->rules;

	for (int c = 0; c < rules->num_conditions; c++)
		products_check_predicate(products, &rules->condition[c]);
	for (int f = 0; f < rules->num_factors; f++)
		products_check_predicate(products, &rules->factor[f]);
	for (int c = 0; c < rules->num_caps; c++)
		require_column(products, rules->cap[c].rule, rules->cap[c].column);
	require_moment(products, "rule dates", rules->from);
	require_moment(products, "rule dates", rules->until);
	if (rules_need_price(rules))
		require_attribute(products, CATALOG_PRICE, rules->has_price ? "rule price" : "rule price_fill");
	if (rules->category != RULE_CATEGORY_ANY)
		require_attribute(products, CATALOG_CATEGORY, "rule category");
}

static char *
attribute(const Products *products, CatalogAttribute attribute, const char *type)
{
	const char *name = products->catalog->attribute[attribute];

	return name == NULL ? NULL : psprintf("(%s.%s)::pg_catalog.%s", quote_identifier(products->alias), quote_identifier(name), type);
}

static void
set_expressions(Products *products)
{
	const CatalogDef *catalog = products->catalog;
	const Oid	types[] = {get_array_type(key_type_oid(catalog->item_type)), TIMESTAMPTZOID, TEXTOID, FLOAT8OID, FLOAT8OID,
	key_type_oid(catalog->item_type), INT8OID};

	memcpy(products->parameter_type, types, sizeof(types));
	products->alias = get_rel_name(catalog->products);
	products->key = source_key_expression(catalog->products, quote_identifier(products->alias), catalog->item, catalog->item_type);
	if (rules_need_price(products->rules))
		products->price = attribute(products, CATALOG_PRICE, "float8");
	products->category = attribute(products, CATALOG_CATEGORY, "text");
	products->created = catalog->attribute[CATALOG_CREATED] == NULL ? NULL :
		psprintf("(%s)", products_moment(products, catalog->attribute[CATALOG_CREATED]));
}

Products *
products_open(WidgetPlan *plan)
{
	MemoryContext caller = MemoryContextSwitchTo(plan->context);
	Products   *products = palloc0(sizeof(Products));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	products->plan = plan;
	products->rules = plan->rules;
	products->catalog = plan->def->catalog;
	callback->func = free_statements;
	callback->arg = products;
	MemoryContextRegisterResetCallback(plan->context, callback);
	if (!OidIsValid(products->catalog->products))
		refuse_without_table(plan->def, plan->rules);
	else
	{
		set_expressions(products);
		check(products);
		open_exploration(products);
		widget_plan_reads(plan, products->catalog->products);
	}
	MemoryContextSwitchTo(caller);
	return products;
}

/* --- the state of a request --------------------------------------------------- */

struct RequestProducts *
products_state(Request *request)
{
	if (request->looked == NULL)
	{
		request->looked = MemoryContextAllocZero(request->context, sizeof(struct RequestProducts));
		request->looked->last_key = ITEM_NONE;
	}
	return request->looked;
}

bool
products_bound(const Request *request)
{
	return OidIsValid(request->plan->products->catalog->products);
}

/* Its place for what is known; more items may have been met since. */
Product *
products_product(Request *request, uint32 item)
{
	struct RequestProducts *state = products_state(request);

	if (item >= state->room)
	{
		uint32		room = Max(Max(256, request_num_items(request) + 1), state->room * 2);

		state->product = env_resize(&request->server.env, state->product, room, sizeof(Product));
		memset(state->product + state->room, 0, (room - state->room) * sizeof(Product));
		state->room = room;
	}
	return &state->product[item];
}

/* --- rows --------------------------------------------------------------------- */

static char *
text_copy(Request *request, Datum value, bool isnull)
{
	text	   *packed;
	char	   *copy;

	if (isnull)
		return NULL;
	packed = DatumGetTextPP(value);
	copy = MemoryContextAlloc(request->context, VARSIZE_ANY_EXHDR(packed) + 1);
	memcpy(copy, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
	copy[VARSIZE_ANY_EXHDR(packed)] = '\0';
	return copy;
}

/* NaN is no price. */
static void
read_attributes(Request *request, const TupleTableSlot *slot, Product *known)
{
	const WidgetRules *rules = request->plan->rules;
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;

	known->has_price = !nulls[PRODUCT_PRICE - 1] && !isnan(DatumGetFloat8(values[PRODUCT_PRICE - 1]));
	known->price = known->has_price ? DatumGetFloat8(values[PRODUCT_PRICE - 1]) : 0;
	known->category = text_copy(request, values[PRODUCT_CATEGORY - 1], nulls[PRODUCT_CATEGORY - 1]);
	known->factor = DatumGetFloat8(values[PRODUCT_FACTOR - 1]);
	if (rules->num_caps > 0)
		known->cap = MemoryContextAlloc(request->context, rules->num_caps * sizeof(char *));
	for (int c = 0; c < rules->num_caps; c++)
		known->cap[c] = text_copy(request, values[PRODUCT_FIRST_CAP - 1 + c], nulls[PRODUCT_FIRST_CAP - 1 + c]);
}

static uint32
failed_conditions(Request *request, const TupleTableSlot *slot)
{
	int			first = PRODUCT_FIRST_CAP - 1 + request->plan->rules->num_caps;
	uint32		failed = 0;

	for (int c = 0; c < products_num_conditions(request->plan->products); c++)
		if (!DatumGetBool(slot->tts_values[first + c]))
			failed |= UINT32_C(1) << Min(c, 31);
	return failed;
}

static uint32
page_conditions(ProductReceiver *receiver, const TupleTableSlot *slot, uint32 item)
{
	int			first = PRODUCT_FIRST_CAP - 1 + receiver->request->plan->rules->num_caps;
	ItemPointer row = (ItemPointer) DatumGetPointer(slot->tts_values[first + 1]);

	receiver->row[receiver->num_rows++] = (ProductRow) {item, ItemPointerGetBlockNumber(row)};
	return DatumGetBool(slot->tts_values[first]) ? 0 : 1;
}

/* What does not hold. */
static uint32
read_conditions(ProductReceiver *receiver, const TupleTableSlot *slot, uint32 item)
{
	if (receiver->which == PRODUCTS_ASK)
		return failed_conditions(receiver->request, slot);
	if (receiver->which == PRODUCTS_PAGES)
		return page_conditions(receiver, slot, item);
	return 0;
}

/* A key that is there twice, as in a view, is eligible if one of its rows is. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	ProductReceiver *receiver = (ProductReceiver *) self;
	Request    *request = receiver->request;
	uint32		item;
	Product    *known;
	uint32		failed;

	slot_getallattrs(slot);
	if (slot->tts_isnull[PRODUCT_KEY - 1])
		return true;
	item = request_item(request, slot->tts_values[PRODUCT_KEY - 1]);
	known = products_product(request, item);
	failed = read_conditions(receiver, slot, item);
	if (receiver->item != NULL && receiver->num_items < receiver->room)
		receiver->item[receiver->num_items++] = item;
	if (known->looked && (known->eligible || failed != 0) && known->found)
		return true;
	read_attributes(request, slot, known);
	known->looked = known->found = true;
	known->eligible = failed == 0;
	known->failed = failed;
	return true;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc columns)
{
}

static void
receiver_end(DestReceiver *self)
{
}

uint64
products_run(Request *request, ProductsStatement which, ParamListInfo parameters, ProductReceiver *receiver, uint64 most)
{
	Products   *products = request->plan->products;
	SPIPlanPtr	plan = products_statement(products, which, request->category != NULL);
	int			nest = products_enter_path();
	Portal		portal;
	uint64		num_rows;

	receiver->pub = (DestReceiver) {receive_row, receiver_startup, receiver_end, receiver_end, DestNone};
	receiver->request = request;
	receiver->which = which;
	SPI_connect();
	portal = SPI_cursor_open_with_paramlist(NULL, plan, parameters, true);
	num_rows = PortalRunFetch(portal, FETCH_FORWARD, most == 0 ? FETCH_ALL : (long) most, &receiver->pub);
	SPI_cursor_close(portal);
	SPI_finish();
	products_leave_path(nest);
	return num_rows;
}

void
products_set_parameter(ParamListInfo list, int number, Datum value)
{
	list->params[number - 1].value = value;
	list->params[number - 1].isnull = false;
}

ParamListInfo
products_request_parameters(Request *request)
{
	struct RequestProducts *state = products_state(request);
	ParamListInfo list = products_parameters(request->plan->products);

	products_set_parameter(list, PRODUCTS_AS_OF, TimestampTzGetDatum(request->as_of));
	if (request->category != NULL)
		products_set_parameter(list, PRODUCTS_CATEGORY, CStringGetTextDatum(request->category));
	if (state->has_limits)
	{
		products_set_parameter(list, PRODUCTS_LOW, Float8GetDatum(state->low));
		products_set_parameter(list, PRODUCTS_HIGH, Float8GetDatum(state->high));
	}
	return list;
}

/* --- looking ------------------------------------------------------------------- */

static Datum
key_array(Request *request, const uint32 *items, uint32 n)
{
	Oid			oid = key_type_oid(request->widget->catalog->item_type);
	Datum	   *keys = palloc(n * sizeof(Datum));
	int16		length;
	bool		by_value;
	char		align;

	for (uint32 i = 0; i < n; i++)
		keys[i] = request_key(request, items[i]);
	get_typlenbyvalalign(oid, &length, &by_value, &align);
	return PointerGetDatum(construct_array(keys, n, oid, length, by_value, align));
}

static void
look_up(Request *request, ProductsStatement which, const uint32 *items, uint32 n)
{
	struct RequestProducts *state = products_state(request);
	ProductReceiver receiver = {0};
	ParamListInfo parameters = products_request_parameters(request);

	products_set_parameter(parameters, PRODUCTS_KEYS, key_array(request, items, n));
	if (which == PRODUCTS_PAGES)
		receiver.row = palloc(n * sizeof(ProductRow));
	products_run(request, which, parameters, &receiver, 0);
	if (which == PRODUCTS_PAGES)
		products_pages_note(request, receiver.row, receiver.num_rows);
	for (uint32 i = 0; i < n; i++)
	{
		Product    *known = products_product(request, items[i]);

		known->looked = true;
		state->num_eligible += known->eligible;
	}
	state->num_looked += n;
}

/* In the memory of this call, which may be one of many: keys and arrays are gone with it. */
static void
look(Request *request, ProductsStatement which, const uint32 *items, uint32 n)
{
	MemoryContext own = AllocSetContextCreate(request->context, "personalize products", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(own);
	uint32	   *unknown = palloc(Max(n, 1) * sizeof(uint32));
	uint32		num_unknown = 0;

	for (uint32 i = 0; i < n; i++)
	{
		Product    *known = products_product(request, items[i]);

		if (!known->looked || (which == PRODUCTS_ASK && !known->found))
			unknown[num_unknown++] = items[i];
	}
	if (which == PRODUCTS_LOOK)
		num_unknown = products_pages_serve(request, unknown, num_unknown);
	if (which == PRODUCTS_LOOK && num_unknown > 0 && products_pages_wanted(request))
		which = PRODUCTS_PAGES;
	if (num_unknown > 0)
		look_up(request, which, unknown, num_unknown);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(own);
}

void
products_look(Request *request, const uint32 *items, uint32 n)
{
	if (!products_bound(request) || products_state(request)->complete)
		return;
	look(request, request->trace != NULL ? PRODUCTS_ASK : PRODUCTS_LOOK, items, n);
}

void
products_ask(Request *request, const uint32 *items, uint32 n)
{
	if (products_bound(request))
		look(request, PRODUCTS_ASK, items, n);
}

bool
products_unknown(Request *request, uint32 item)
{
	return products_bound(request) && !products_state(request)->complete && !products_product(request, item)->looked;
}

const Product *
product_of(Request *request, uint32 item)
{
	Product    *known;

	if (!products_bound(request))
		return &anything;
	known = products_product(request, item);
	if (!known->looked && products_state(request)->complete)
		return &nothing;
	if (!known->looked)
		products_look(request, &item, 1);
	return products_product(request, item);
}

const char *
products_reason(Request *request, uint32 item)
{
	const Product *known = product_of(request, item);

	if (known->eligible)
		return NULL;
	if (!known->found)
		return "no product";
	for (int c = 0; c < products_num_conditions(request->plan->products); c++)
		if (known->failed & (UINT32_C(1) << Min(c, 31)))
			return products_condition(request->plan->products, c);
	return "not eligible";
}

/* --- all that are eligible ------------------------------------------------------- */

void
products_within(Request *request, double low, double high)
{
	products_state(request)->has_limits = true;
	products_state(request)->low = low;
	products_state(request)->high = high;
}

/* As if one eligible item had been seen in any case, so that it is never 0. */
double
products_share(const Request *request)
{
	const struct RequestProducts *state = request->looked;

	return state == NULL ? 1 : (state->num_eligible + 1.0) / (state->num_looked + 1.0);
}

/* Its rows are good in any case; if they are all, whatever is not among them is not eligible. */
static void
fetch_set(Request *request)
{
	struct RequestProducts *state = products_state(request);
	MemoryContext own = AllocSetContextCreate(request->context, "personalize products", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(own);
	ProductReceiver receiver = {0};

	receiver.room = MAX_SET;
	receiver.item = MemoryContextAlloc(request->context, MAX_SET * sizeof(uint32));
	state->tried = true;
	state->complete = products_run(request, PRODUCTS_SET, products_request_parameters(request), &receiver, MAX_SET + 1) <= MAX_SET;
	state->set = receiver.item;
	state->num_set = receiver.num_items;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(own);
}

/* Not for those who ask why: only single look-ups tell what failed. */
void
products_expect(Request *request, double more)
{
	if (!products_bound(request) || request->trace != NULL || products_state(request)->tried)
		return;
	if (products_set_cost(request->plan->products, request->category != NULL) <
		more * (products_pages_growing(request) ? KNOWN_COST : LOOK_COST))
		fetch_set(request);
}

/* --- new ones ---------------------------------------------------------------------- */

uint32 *
products_new(Request *request, uint32 *n)
{
	ProductReceiver receiver = {0};
	ParamListInfo parameters = products_request_parameters(request);

	receiver.room = MAX_NEW;
	receiver.item = MemoryContextAlloc(request->context, MAX_NEW * sizeof(uint32));
	products_set_parameter(parameters, PRODUCTS_LIMIT, Int64GetDatum(MAX_NEW));
	products_run(request, PRODUCTS_NEW, parameters, &receiver, 0);
	*n = receiver.num_items;
	return receiver.item;
}
