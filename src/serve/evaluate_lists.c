/*
 * evaluate_lists.c
 *		The lists that are compared: the widget's, called as an application calls it, and the best-selling items.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "access/table.h"

#include "model/model_rows.h"
#include "model/source.h"
#include "serve/evaluate.h"
#include "serve/products_statement.h"
#include "serve/recommend.h"

#define MOST_SESSION 20			/* items of a session that is given */

bool
evaluate_knows(const Basket *basket, uint32 code)
{
	uint32		low = 0;
	uint32		high = basket->size;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (basket->entry[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low < basket->size && basket->entry[low].code == code;
}

/* ---------------------------------------------------------------- the shop's products as they are */

/* What the filter lets through now, which means what it does in lists; items that the table does not have are not eligible. */
static void
read_eligible(EvaluateLists *lists, const WidgetDef *widget)
{
	const CatalogDef *catalog = widget->catalog;
	Products   *products = lists->plan->products;
	ParamListInfo parameters = products_parameters(products);
	const char *alias = quote_identifier(products->alias);
	char	   *command = psprintf("SELECT %s FROM %s AS %s WHERE (%s\n) IS TRUE",
								   source_key_expression(catalog->products, alias, catalog->item, catalog->item_type),
								   registry_name(catalog->products), alias, widget->filter != NULL ? widget->filter : "true");
	SPIPlanPtr	statement = products_prepare(products, command);
	Oid			type = key_type_oid(lists->items->type);
	int			nest = products_enter_path();

	products_set_parameter(parameters, PRODUCTS_AS_OF, TimestampTzGetDatum(lists->options->since));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan_with_paramlist(statement, parameters, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the products of %s", registry_name(catalog->relation));
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		bool		isnull;
		Datum		key = SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, 1, &isnull);
		uint32		code = isnull ? KEYSET_NONE : key_find(&lists->items->keys, lists->items->type, type, key);

		if (code != KEYSET_NONE && code < lists->num_known)
			lists->eligible[code] = true;
	}
	lists->catalog_size = SPI_processed;
	SPI_finish();
	products_leave_path(nest);
	SPI_freeplan(statement);
}

/* A catalog without products recommends whatever it has. */
static void
find_eligible(EvaluateLists *lists, const WidgetDef *widget)
{
	bool		all = widget == NULL || !OidIsValid(widget->catalog->products);

	lists->eligible = palloc(lists->num_known + 1);
	memset(lists->eligible, all, lists->num_known);
	lists->catalog_size = lists->num_known;
	if (!all)
		read_eligible(lists, widget);
}

/* ---------------------------------------------------------------- popularity */

static void
count_buyers(EvaluateLists *lists, const HistoryDef *history)
{
	Relation	relation = table_open(history->relation, AccessShareLock);
	KeyScan    *scan = key_scan_open(relation, 0, NULL);
	HistoryRow	row = {{0}};
	HeapTuple	tuple;

	lists->buyers = palloc0(sizeof(uint32) * (lists->num_known + 1));
	key_scan_start(scan, NULL);
	while ((tuple = key_scan_next(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		history_row_read(&lists->server.env, relation, tuple, &row);
		history_row_guard_codes(relation, &row, lists->num_known);
		for (uint32 e = 0; e < row.basket.size; e++)
			lists->buyers[row.basket.entry[e].code]++;
		lists->num_baskets += row.basket.size > 0;
	}
	key_scan_close(scan);
	table_close(relation, NoLock);
}

/* Total, so that the reference is the same on every machine. */
static int
compare_popularity(const void *x, const void *y, void *arg)
{
	const EvaluateLists *lists = arg;
	uint32		a = *(const uint32 *) x;
	uint32		b = *(const uint32 *) y;

	if (lists->buyers[a] != lists->buyers[b])
		return lists->buyers[a] > lists->buyers[b] ? -1 : 1;
	return lists->items->order[a] < lists->items->order[b] ? -1 : 1;
}

/* Once for all customers: what one of them knows is passed over when the list is made. */
static void
rank_popularity(EvaluateLists *lists)
{
	(void) item_table_order(lists->items);
	lists->popular = palloc(sizeof(uint32) * (lists->num_known + 1));
	for (uint32 code = 0; code < lists->num_known; code++)
		lists->popular[code] = code;
	if (lists->num_known > 1)
		qsort_arg(lists->popular, lists->num_known, sizeof(uint32), compare_popularity, lists);
}

/* Popularity first: codes that are added later, by lists, have no buyers. */
void
evaluate_lists_open(EvaluateLists *lists, const EvaluateOptions *options, Past *past, WidgetDef *widget, const HistoryDef *history)
{
	memset(lists, 0, sizeof(EvaluateLists));
	lists->options = options;
	server_env_init(&lists->server, CurrentMemoryContext);
	lists->items = item_table_load(CurrentMemoryContext, past->catalog);
	lists->num_known = lists->items->keys.size;
	if (widget != NULL)
		lists->plan = widget_plan_make(widget);
	find_eligible(lists, widget);
	count_buyers(lists, history);
	rank_popularity(lists);
}

/* The test has codes of its own, because what is new in it must not be in the catalog that lists are filled from. */
uint32 *
evaluate_test_codes(EvaluateLists *lists, const HistoryDef *test)
{
	ItemTable  *later = item_table_load(CurrentMemoryContext, registry_catalog_by_id(test->catalog_id));
	uint32	   *codes = palloc(sizeof(uint32) * (later->keys.size + 1));

	for (uint32 code = 0; code < later->keys.size; code++)
		codes[code] = item_table_code(lists->items, item_table_key(later, code));
	return codes;
}

/* Codes were in order before they were exchanged, and have to be again. */
Basket
evaluate_test_basket(Relation relation, HeapTuple tuple, const uint32 *codes)
{
	HistoryRow	row = {{0}};
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	history_row_read(&server.env, relation, tuple, &row);
	for (uint32 e = 0; e < row.basket.size; e++)
		row.basket.entry[e].code = codes[row.basket.entry[e].code];
	basket_sort(&row.basket);
	return row.basket;
}

/* Codes that are not in the past have no buyers in it, and come last; such as nobody bought are no best sellers. */
static uint32 *
popular_list(EvaluateLists *lists, const EvaluateCustomer *customer, uint32 *size)
{
	uint32	   *list = palloc(sizeof(uint32) * lists->options->k);

	*size = 0;
	for (uint32 p = 0; p < lists->num_known && *size < lists->options->k; p++)
	{
		uint32		code = lists->popular[p];

		if (lists->buyers[code] == 0)
			break;
		if (lists->eligible[code] && (lists->options->repeats || !evaluate_knows(&customer->known, code)))
			list[(*size)++] = code;
	}
	return list;
}

/* ---------------------------------------------------------------- the widget */

/* Codes as an array of keys. */
static Datum
key_array(const EvaluateLists *lists, const uint32 *codes, uint32 n)
{
	Oid			type = key_type_oid(lists->items->type);
	Datum	   *keys = palloc(sizeof(Datum) * (n + 1));
	int16		size;
	bool		byval;
	char		align;

	for (uint32 i = 0; i < n; i++)
		keys[i] = item_table_key(lists->items, codes[i]);
	get_typlenbyvalalign(type, &size, &byval, &align);
	return PointerGetDatum(construct_array(keys, n, type, size, byval, align));
}

/* The most recent first. */
static int
compare_recency(const void *x, const void *y)
{
	const BasketEntry *a = x;
	const BasketEntry *b = y;

	return a->day != b->day ? (a->day > b->day ? -1 : 1) : a->position != b->position ? (a->position > b->position ? -1 : 1) : 0;
}

/* The oldest of them first, as an application has a session or cart. */
uint32 *
evaluate_recent_items(const Basket *known, uint32 most, bool last_day, uint32 *size)
{
	BasketEntry *entry = palloc(sizeof(BasketEntry) * (known->size + 1));
	uint32	   *codes = palloc(sizeof(uint32) * (known->size + 1));
	uint32		n = 0;

	memcpy(entry, known->entry, sizeof(BasketEntry) * known->size);
	if (known->size > 1)
		qsort(entry, known->size, sizeof(BasketEntry), compare_recency);
	while (n < known->size && n < most && (!last_day || entry[n].day == entry[0].day))
		n++;
	for (uint32 i = 0; i < n; i++)
		codes[i] = entry[n - 1 - i].code;
	*size = n;
	return codes;
}

/* Of the type that the widget has, whatever the column in the shop. */
static void
give_customer(const EvaluateLists *lists, const EvaluateCustomer *customer, RecommendArgs *args)
{
	args->customer_type = key_type_oid(lists->plan->def->customer_type);
	args->customer = customer->key;
}

/* Who has no past gives no context, and gets what a stranger gets. */
static void
give_context(const EvaluateLists *lists, const EvaluateCustomer *customer, RecommendArgs *args)
{
	Oid			type = key_type_oid(lists->items->type);
	Oid			array_type = get_array_type(type);
	EvaluateGiven given = lists->options->given;
	uint32		size;
	uint32	   *codes = evaluate_recent_items(&customer->known, given == GIVEN_ITEM ? 1 : given == GIVEN_CART ? UINT32_MAX : MOST_SESSION,
									 given == GIVEN_CART, &size);

	if (given != GIVEN_SESSION)
		give_customer(lists, customer, args);
	if (given == GIVEN_CUSTOMER || size == 0)
		return;
	if (given == GIVEN_ITEM)
	{
		args->item_type = type;
		args->item = item_table_key(lists->items, codes[0]);
	}
	else if (given == GIVEN_CART)
	{
		args->cart_type = array_type;
		args->cart = key_array(lists, codes, size);
	}
	else
	{
		args->session_type = array_type;
		args->session = key_array(lists, codes, size);
	}
}

/* Where only new items count, what the customer knows is no candidate; then a list of k holds k that could be right. */
static void
exclude_known(const EvaluateLists *lists, const EvaluateCustomer *customer, RecommendArgs *args)
{
	uint32	   *codes = palloc(sizeof(uint32) * (customer->known.size + 1));

	if (lists->options->repeats || customer->known.size == 0)
		return;
	for (uint32 e = 0; e < customer->known.size; e++)
		codes[e] = customer->known.entry[e].code;
	args->exclude_type = get_array_type(key_type_oid(lists->items->type));
	args->exclude = key_array(lists, codes, customer->known.size);
}

/* As an application calls it, at the time of the split. */
static uint32 *
widget_list(EvaluateLists *lists, const EvaluateCustomer *customer, uint32 *size)
{
	RecommendArgs args = {.has_k = true, .k = lists->options->k, .has_as_of = true, .as_of = lists->options->since,
	.has_seed = true, .seed = lists->options->seed};
	Request    *request;
	Pick	   *pick;
	uint32	   *list;

	give_context(lists, customer, &args);
	exclude_known(lists, customer, &args);
	request = recommend_begin(lists->plan, &args);
	pick = list_make(request, size);
	list = palloc(sizeof(uint32) * (*size + 1));
	for (uint32 i = 0; i < *size; i++)
		list[i] = item_table_code(lists->items, request_key(request, pick[i].item));
	return list;
}

uint32 *
evaluate_list(EvaluateLists *lists, const EvaluateCustomer *customer, int which, uint32 *size)
{
	return which == LIST_WIDGET ? widget_list(lists, customer, size) : popular_list(lists, customer, size);
}
