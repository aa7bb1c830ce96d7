/*
 * recommend_args.c
 *		Arguments of a call, checked and as the widget's types.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "serve/recommend.h"

#define MAX_K		1000
#define MAX_OFFSET	100000
#define MAX_ITEMS	100000		/* of one array */
#define FIRST_ROOM	1024		/* items that most calls meet */

/* --- items --------------------------------------------------------------- */

/* A number past the type's range is just no item of the shop. */
static uint32
read_item(Request *request, Oid type, Datum value)
{
	Datum		key;

	if (!OidIsValid(type) || !key_argument(request->widget->catalog->item_type, type, value, "item", &key))
		return ITEM_NONE;
	return request_item(request, key);
}

/* A literal that nobody gave a type is read as an array of the widget's items. */
static Datum
read_array_literal(KeyType type, Datum literal)
{
	Oid			input;
	Oid			parameter;

	getTypeInputInfo(get_array_type(key_type_oid(type)), &input, &parameter);
	return OidInputFunctionCall(input, DatumGetCString(literal), parameter, -1);
}

static ArrayType *
read_array(const Request *request, Oid type, Datum value, const char *role)
{
	KeyType		wanted = request->widget->catalog->item_type;

	if (type == UNKNOWNOID)
		return DatumGetArrayTypeP(read_array_literal(wanted, value));
	if (!OidIsValid(get_base_element_type(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s must be an array of %s, not %s", role, key_type_name(wanted), format_type_be(type))));
	return DatumGetArrayTypeP(value);
}

static void
guard_array_length(const char *role, int n)
{
	if (n > MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s has too many items: %d", role, n),
				 errdetail("There can be at most %d.", MAX_ITEMS)));
}

/* Without NULLs. */
static ItemList
read_items(Request *request, Oid type, Datum value, const char *role)
{
	KeyType		wanted = request->widget->catalog->item_type;
	ItemList	list = {0, NULL};
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	Oid			element;
	int16		length;
	bool		by_value;
	char		align;

	if (!OidIsValid(type))
		return list;
	array = read_array(request, type, value, role);
	element = ARR_ELEMTYPE(array);
	get_typlenbyvalalign(element, &length, &by_value, &align);
	deconstruct_array(array, element, length, by_value, align, &elements, &nulls, &n);
	guard_array_length(role, n);
	list.item = palloc((n + 1) * sizeof(uint32));
	for (int i = 0; i < n; i++)
	{
		Datum		key = elements[i];

		if (!nulls[i] && (element == key_type_oid(wanted) || key_argument(wanted, element, elements[i], role, &key)))
			list.item[list.size++] = request_item(request, key);
	}
	return list;
}

/* The first of each stays. */
static ItemList
without_repeats(const Request *request, ItemList list)
{
	bool	   *seen = palloc0(request->items.size + 1);
	uint32		size = 0;

	for (uint32 i = 0; i < list.size; i++)
	{
		if (!seen[list.item[i]])
			list.item[size++] = list.item[i];
		seen[list.item[i]] = true;
	}
	list.size = size;
	pfree(seen);
	return list;
}

static void
read_context(Request *request, const RecommendArgs *args)
{
	request->anchor = read_item(request, args->item_type, args->item);
	request->cart = without_repeats(request, read_items(request, args->cart_type, args->cart, "cart"));
	request->session = read_items(request, args->session_type, args->session, "session");
	request->exclude = without_repeats(request, read_items(request, args->exclude_type, args->exclude, "exclude"));
	request->has_among = OidIsValid(args->among_type);
	request->among = without_repeats(request, read_items(request, args->among_type, args->among, "among"));
}

/* --- the customer -------------------------------------------------------- */

/* Of a widget without histories of customers nobody reads it, so any will do. */
static void
read_customer(Request *request, const RecommendArgs *args)
{
	const WidgetDef *widget = request->widget;

	if (!OidIsValid(args->customer_type) || widget->customer_type == 0)
		return;
	request->has_customer = key_argument(widget->customer_type, args->customer_type, args->customer, "customer", &request->customer);
}

static void
read_segment(Request *request, ArrayType *segment)
{
	Datum	   *elements;
	bool	   *nulls;

	request->num_segment = -1;
	if (segment == NULL)
		return;
	deconstruct_array(segment, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &request->num_segment);
	request->segment = palloc0((request->num_segment + 1) * sizeof(char *));
	for (int i = 0; i < request->num_segment; i++)
		if (!nulls[i])
			request->segment[i] = TextDatumGetCString(elements[i]);
}

/* --- which part of the list ---------------------------------------------- */

static int64
page_offset(const RecommendArgs *args, int32 k)
{
	int64		page = guard_int_range("page", args->page, 1, PG_INT32_MAX);

	if (args->has_offset && args->offset != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("page and offset exclude each other"),
				 errhint("Page p begins at offset (p - 1) * k.")));
	return (page - 1) * k;
}

static void
read_part(Request *request, const RecommendArgs *args)
{
	request->k = (int32) guard_int_range("k", args->has_k ? args->k : request->widget->k, 1, MAX_K);
	request->offset = args->has_offset ? args->offset : 0;
	if (args->has_page)
		request->offset = page_offset(args, request->k);
	guard_int_range(args->has_page ? "offset of the page" : "offset", request->offset, 0, MAX_OFFSET);
}

static void
read_time(Request *request, const RecommendArgs *args)
{
	request->as_of = args->has_as_of ? args->as_of : GetCurrentStatementStartTimestamp();
	if (TIMESTAMP_NOT_FINITE(request->as_of))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must be finite")));
}

/* --- rights -------------------------------------------------------------- */

/*
 * All sources, because what a caller may do shall not depend on whether the first of them had enough.  Who may read some columns of a table goes
 * on: its source names those that it needs.
 */
static void
guard_rights(const WidgetDef *widget)
{
	widget_require_execute(widget);
	for (int s = 0; s < widget->num_sources; s++)
	{
		Oid			relation = widget->source[s].relation;

		if (OidIsValid(relation) &&
			pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
			request_require_select(relation);
	}
	for (int h = 0; h < widget->num_histories; h++)
		request_require_select(widget->history[h].history->relation);
}

Request *
recommend_begin(WidgetPlan *plan, const RecommendArgs *args)
{
	Request    *request = palloc0(sizeof(Request));

	guard_rights(plan->def);
	request->context = CurrentMemoryContext;
	server_env_init(&request->server, request->context);
	request->plan = plan;
	request->widget = plan->def;
	keyset_init(&request->server.env, &request->items, key_is_number(plan->def->catalog->item_type));
	keyset_reserve(&request->server.env, &request->items, FIRST_ROOM);
	request->profile = palloc0((plan->def->num_histories + 1) * sizeof(Profile *));
	request->snapshot = GetActiveSnapshot();
	read_context(request, args);
	read_customer(request, args);
	read_segment(request, args->segment);
	request->category = args->category ? text_to_cstring(args->category) : NULL;
	request->query = args->query ? text_to_cstring(args->query) : NULL;
	read_part(request, args);
	read_time(request, args);
	request->seed = args->has_seed ? (uint64) args->seed : 0;
	return request;
}
