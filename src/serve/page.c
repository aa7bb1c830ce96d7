/*
 * page.c
 *		Several shelves at once, with no item twice.
 *
 * Shelves are filled in the order in which they are named: what a shelf shows is excluded from those behind it, which therefore go
 * further down their own lists and still have k items wherever as many are eligible.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "serve/context.h"
#include "serve/page.h"

typedef struct Shelf
{
	char	   *title;
	int32		widget;
	int32		k;				/* 0: as many as the widget says */
} Shelf;

/* Items that are on the page already, by what kind of keys they have: those of different kinds are never the same. */
enum {TAKEN_NUMBERS, TAKEN_UUIDS, TAKEN_TEXTS, TAKEN_KINDS};

typedef struct Shelves
{
	const RecommendArgs *args;
	ReturnSetInfo *result;
	bool		as_text;		/* keys go out as text; otherwise typed, as `item` of the result */
	ServerEnv	server;
	Keyset		taken[TAKEN_KINDS];
} Shelves;

/* --- items that are on the page ------------------------------------------ */

static int
taken_kind(KeyType type)
{
	return key_is_number(type) ? TAKEN_NUMBERS : type == KEY_UUID ? TAKEN_UUIDS : TAKEN_TEXTS;
}

static void
taken_init(Shelves *page)
{
	server_env_init(&page->server, CurrentMemoryContext);
	for (int kind = 0; kind < TAKEN_KINDS; kind++)
		keyset_init(&page->server.env, &page->taken[kind], kind == TAKEN_NUMBERS);
}

static void
take(Shelves *page, Request *request, uint32 item)
{
	KeyType		type = request->widget->catalog->item_type;

	key_add(&page->server.env, &page->taken[taken_kind(type)], type, request_key(request, item));
}

/* Those of the call itself; their types are checked against the widget's. */
static int
add_excluded(const RecommendArgs *args, KeyType type, Datum **keys)
{
	ArrayType  *array;
	Oid			element;
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int			size = 0;

	if (!OidIsValid(args->exclude_type))
		return 0;
	element = get_base_element_type(args->exclude_type);
	if (!OidIsValid(element))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("exclude must be an array of items, not %s", format_type_be(args->exclude_type))));
	array = DatumGetArrayTypeP(args->exclude);
	get_typlenbyvalalign(element, &length, &by_value, &align);
	deconstruct_array(array, element, length, by_value, align, &values, &nulls, &n);
	*keys = values;
	for (int i = 0; i < n; i++)
		if (!nulls[i] && key_argument(type, element, values[i], "exclude", &values[size]))
			size++;
	return size;
}

/* What the next shelf must not show, as an array of its keys. */
static void
exclude_taken(const Shelves *page, const WidgetDef *widget, RecommendArgs *args)
{
	KeyType		type = widget->catalog->item_type;
	Oid			oid = key_type_oid(type);
	const Keyset *taken = &page->taken[taken_kind(type)];
	Datum	   *given = NULL;
	int			size = add_excluded(args, type, &given);
	Datum	   *keys = palloc((size + taken->size + 1) * sizeof(Datum));
	int16		length;
	bool		by_value;
	char		align;

	if (size > 0)
		memcpy(keys, given, size * sizeof(Datum));
	for (uint32 code = 0; code < taken->size; code++)
		if (!taken->numbers || key_number_fits(type, taken->number[code]))
			keys[size++] = key_datum(taken, type, code, type);
	get_typlenbyvalalign(oid, &length, &by_value, &align);
	args->exclude_type = get_array_type(oid);
	args->exclude = PointerGetDatum(construct_array(keys, size, oid, length, by_value, align));
}

/* --- rows ---------------------------------------------------------------- */

static Datum
page_key(const Shelves *page, Request *request, uint32 item, int column)
{
	KeyType		type = request->widget->catalog->item_type;
	KeyType		as;

	if (page->as_text)
		return CStringGetTextDatum(request_key_text(request, item));
	as = key_type_find(TupleDescAttr(page->result->setDesc, column)->atttypid);
	/* no domains: create_page makes none, and they would want to be checked */
	if (as == 0 || key_type_oid(as) != TupleDescAttr(page->result->setDesc, column)->atttypid ||
		(as != type && !(key_is_number(as) && key_is_number(type))))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("items of the widget are of type %s", key_type_name(type)),
				 errhint("Make the page again: create_page gives it the types of its widgets.")));
	return key_datum(&request->items, type, item, as);
}

/* (shelf, rank, item, score, source, because, reason, propensity) */
enum {PAGE_SHELF, PAGE_RANK, PAGE_ITEM, PAGE_SCORE, PAGE_SOURCE, PAGE_BECAUSE, PAGE_REASON, PAGE_PROPENSITY, PAGE_NUM_COLUMNS};

static void
put_pick(Shelves *page, Request *request, const Shelf *shelf, const Pick *pick)
{
	const char *source = context_source_name(request, pick->source);
	char	   *reason = recommend_reason(request, pick);
	Datum		values[PAGE_NUM_COLUMNS] = {0};
	bool		nulls[PAGE_NUM_COLUMNS] = {false};

	values[PAGE_SHELF] = CStringGetTextDatum(shelf->title);
	values[PAGE_RANK] = Int32GetDatum(pick->rank);
	values[PAGE_ITEM] = page_key(page, request, pick->item, PAGE_ITEM);
	values[PAGE_SCORE] = Float8GetDatum(pick->score);
	values[PAGE_PROPENSITY] = Float8GetDatum(pick->propensity);
	nulls[PAGE_SOURCE] = source == NULL;
	if (source != NULL)
		values[PAGE_SOURCE] = CStringGetTextDatum(source);
	nulls[PAGE_BECAUSE] = pick->because == ITEM_NONE;
	if (pick->because != ITEM_NONE)
		values[PAGE_BECAUSE] = page_key(page, request, pick->because, PAGE_BECAUSE);
	nulls[PAGE_REASON] = reason == NULL;
	if (reason != NULL)
		values[PAGE_REASON] = CStringGetTextDatum(reason);
	tuplestore_putvalues(page->result->setResult, page->result->setDesc, values, nulls);
}

static void
fill_shelf(Shelves *page, const Shelf *shelf)
{
	WidgetPlan *plan = widget_plan(shelf->widget);
	RecommendArgs args = context_for(page->args, plan->def);
	Request    *request;
	Pick	   *picks;
	uint32		size;

	if (!args.has_k && shelf->k > 0)
	{
		args.has_k = true;
		args.k = shelf->k;
	}
	exclude_taken(page, plan->def, &args);
	request = recommend_begin(plan, &args);
	picks = list_make(request, &size);
	for (uint32 i = 0; i < size; i++)
	{
		put_pick(page, request, shelf, &picks[i]);
		take(page, request, picks[i].item);
	}
}

static void
fill_page(Shelves *page, const Shelf *shelves, int num_shelves)
{
	MemoryContext shelf_context = AllocSetContextCreate(CurrentMemoryContext, "personalize shelf", ALLOCSET_DEFAULT_SIZES);

	taken_init(page);
	for (int i = 0; i < num_shelves; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(shelf_context);

		CHECK_FOR_INTERRUPTS();
		fill_shelf(page, &shelves[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(shelf_context);
	}
	MemoryContextDelete(shelf_context);
}

/* --- page(): widgets by name --------------------------------------------- */

/* Elements of an array argument, none of which may be NULL; fails on an empty one. */
static int
read_array(ArrayType *array, const char *argument, Oid element, Datum **values)
{
	int16		length;
	bool		by_value;
	char		align;
	bool	   *nulls;
	int			n;

	get_typlenbyvalalign(element, &length, &by_value, &align);
	deconstruct_array(array, element, length, by_value, align, values, &nulls, &n);
	for (int i = 0; i < n; i++)
		guard_not_null(argument, nulls[i]);
	guard_int_range("number of shelves", n, 1, PAGE_MAX_SHELVES);
	return n;
}

/*
 * page(widgets text[], customer, item, cart, category, session, k, exclude, as_of, seed, query, segment): no `offset` and `page`, as the
 * shelves of a page are looked at from their beginning, and no `among`, of which every shelf would show what is left.
 */
static const int8 page_arguments[CONTEXT_NUM] = {1, 2, 3, 4, 5, 6, -1, -1, 7, -1, 8, 9, 10, 11};

PG_FUNCTION_INFO_V1(personalize_page);
Datum
personalize_page(PG_FUNCTION_ARGS)
{
	RecommendArgs args;
	Shelves		page = {.args = &args, .as_text = true};
	Datum	   *names;
	Shelf	   *shelves;
	int			n;

	guard_not_null("widgets", PG_ARGISNULL(0));
	n = read_array(PG_GETARG_ARRAYTYPE_P(0), "widgets", TEXTOID, &names);
	shelves = palloc0(n * sizeof(Shelf));
	for (int i = 0; i < n; i++)
	{
		shelves[i].title = TextDatumGetCString(names[i]);
		shelves[i].widget = widget_require(DatumGetTextPP(names[i]))->id;
	}
	context_read(fcinfo, page_arguments, &args);
	compat_materialize(fcinfo);
	page.result = (ReturnSetInfo *) fcinfo->resultinfo;
	fill_page(&page, shelves, n);
	return (Datum) 0;
}

/* --- page_shelves(): what functions made by create_page call -------------- */

/* page_shelves(widgets integer[], titles text[], sizes integer[], and the same as page) */
static const int8 shelves_arguments[CONTEXT_NUM] = {3, 4, 5, 6, 7, 8, -1, -1, 9, -1, 10, 11, 12, 13};

static Shelf *
read_shelves(FunctionCallInfo fcinfo, int *size)
{
	Datum	   *ids;
	Datum	   *titles;
	Datum	   *sizes;
	Shelf	   *shelves;
	int			n = read_array(PG_GETARG_ARRAYTYPE_P(0), "widgets", INT4OID, &ids);

	if (read_array(PG_GETARG_ARRAYTYPE_P(1), "titles", TEXTOID, &titles) != n ||
		read_array(PG_GETARG_ARRAYTYPE_P(2), "sizes", INT4OID, &sizes) != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("widgets, titles and sizes must be arrays of the same length")));
	shelves = palloc0(n * sizeof(Shelf));
	for (int i = 0; i < n; i++)
	{
		shelves[i].widget = DatumGetInt32(ids[i]);
		shelves[i].title = TextDatumGetCString(titles[i]);
		shelves[i].k = DatumGetInt32(sizes[i]);
	}
	*size = n;
	return shelves;
}

/* The columns are what the query says they are; keys are checked when a widget's type is known. */
static void
require_columns(const Shelves *page)
{
	static const Oid types[PAGE_NUM_COLUMNS] = {TEXTOID, INT4OID, 0, FLOAT8OID, TEXTOID, 0, TEXTOID, FLOAT8OID};
	TupleDesc	columns = page->result->setDesc;
	bool		fits = columns->natts == PAGE_NUM_COLUMNS;

	for (int c = 0; fits && c < PAGE_NUM_COLUMNS; c++)
		fits = types[c] == 0 || TupleDescAttr(columns, c)->atttypid == types[c];
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("personalize.page_shelves does not return such columns"),
				 errhint("Call the function that create_page has made.")));
}

PG_FUNCTION_INFO_V1(personalize_page_shelves);
Datum
personalize_page_shelves(PG_FUNCTION_ARGS)
{
	RecommendArgs args;
	Shelves		page = {.args = &args, .as_text = false};
	Shelf	   *shelves;
	int			n;

	for (int i = 0; i < 3; i++)
		guard_not_null(i == 0 ? "widgets" : i == 1 ? "titles" : "sizes", PG_ARGISNULL(i));
	shelves = read_shelves(fcinfo, &n);
	context_read(fcinfo, shelves_arguments, &args);
	compat_materialize_record(fcinfo);
	page.result = (ReturnSetInfo *) fcinfo->resultinfo;
	require_columns(&page);
	fill_page(&page, shelves, n);
	return (Datum) 0;
}
