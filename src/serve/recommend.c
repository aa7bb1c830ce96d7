/*
 * recommend.c
 *		personalize.recommend(): what every widget's function calls.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/timestamp.h"

#include "serve/recommend.h"
#include "serve/source_kind.h"

/* --- reasons ------------------------------------------------------------- */

/* What to say of an item that came by no other item; for kinds that are not here, their name. */
static const struct
{
	const char *kind;
	const char *reason;
}			reasons[] = {
	{"popularity", "popular"},
	{"trending", "trending"},
	{"conversion", "often bought by those who see it"},
	{"repeat", "often bought again"},
	{"new_arrivals", "new"},
	{"recently_viewed", "seen before"},
	{"buy_again", "bought before"},
	{"on_sale", "on sale"},
	{"curated", "chosen by the shop"},
	{"terms", "found by the search"},
	{"sessions", "others went on to it"},
};

static const char *
kind_reason(const WidgetSource *source)
{
	for (int i = 0; i < lengthof(reasons); i++)
		if (strcmp(reasons[i].kind, source->kind->name) == 0)
			return reasons[i].reason;
	return source->name;
}

char *
recommend_reason(const Request *request, const Pick *pick)
{
	if (pick->because != ITEM_NONE && pick->because != pick->item)
		return psprintf("because of %s", request_key_text(request, pick->because));
	if (pick->source < 0)
		return pstrdup(pick->source == LIST_SOURCE_PINNED ? "chosen by the shop" : pick->source == LIST_SOURCE_NEW ? "new" : "in the shop");
	if (request->reason != NULL && request->reason[pick->source] != NULL)
		return pstrdup(request->reason[pick->source]);
	return pstrdup(kind_reason(&request->widget->source[pick->source]));
}

/* --- arguments ----------------------------------------------------------- */

enum {ARG_WIDGET, ARG_CUSTOMER, ARG_ITEM, ARG_CART, ARG_CATEGORY, ARG_SESSION, ARG_K, ARG_OFFSET, ARG_PAGE, ARG_EXCLUDE, ARG_AMONG,
	ARG_AS_OF, ARG_SEED, ARG_QUERY, ARG_SEGMENT};

/* Of a key or an array of them. */
static void
get_any(FunctionCallInfo fcinfo, int argument, Oid *type, Datum *value)
{
	if (PG_ARGISNULL(argument))
		return;
	*type = get_fn_expr_argtype(fcinfo->flinfo, argument);
	*value = PG_GETARG_DATUM(argument);
	if (!OidIsValid(*type))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_DATATYPE),
				 errmsg("could not determine the type of argument %d of personalize.recommend", argument + 1)));
}

static RecommendArgs
get_args(FunctionCallInfo fcinfo)
{
	RecommendArgs args = {0};

	get_any(fcinfo, ARG_CUSTOMER, &args.customer_type, &args.customer);
	get_any(fcinfo, ARG_ITEM, &args.item_type, &args.item);
	get_any(fcinfo, ARG_CART, &args.cart_type, &args.cart);
	get_any(fcinfo, ARG_SESSION, &args.session_type, &args.session);
	get_any(fcinfo, ARG_EXCLUDE, &args.exclude_type, &args.exclude);
	get_any(fcinfo, ARG_AMONG, &args.among_type, &args.among);
	args.category = PG_ARGISNULL(ARG_CATEGORY) ? NULL : PG_GETARG_TEXT_PP(ARG_CATEGORY);
	args.query = PG_ARGISNULL(ARG_QUERY) ? NULL : PG_GETARG_TEXT_PP(ARG_QUERY);
	args.segment = PG_ARGISNULL(ARG_SEGMENT) ? NULL : PG_GETARG_ARRAYTYPE_P(ARG_SEGMENT);
	args.has_k = !PG_ARGISNULL(ARG_K);
	args.k = args.has_k ? PG_GETARG_INT32(ARG_K) : 0;
	args.has_offset = !PG_ARGISNULL(ARG_OFFSET);
	args.offset = args.has_offset ? PG_GETARG_INT32(ARG_OFFSET) : 0;
	args.has_page = !PG_ARGISNULL(ARG_PAGE);
	args.page = args.has_page ? PG_GETARG_INT32(ARG_PAGE) : 0;
	args.has_as_of = !PG_ARGISNULL(ARG_AS_OF);
	args.as_of = args.has_as_of ? PG_GETARG_TIMESTAMPTZ(ARG_AS_OF) : 0;
	args.has_seed = !PG_ARGISNULL(ARG_SEED);
	args.seed = args.has_seed ? PG_GETARG_INT64(ARG_SEED) : 0;
	return args;
}

/* --- results ------------------------------------------------------------- */

enum {OUT_ITEM, OUT_RANK, OUT_SCORE, OUT_SOURCE, OUT_BECAUSE, OUT_REASON, OUT_PROPENSITY, OUT_NUM_COLUMNS};

static const Oid out_types[OUT_NUM_COLUMNS] = {0, INT4OID, FLOAT8OID, TEXTOID, 0, TEXTOID, FLOAT8OID};

/* Rows with the columns that the query has listed, which may be domains over the keys' type. */
typedef struct ResultSink
{
	const Request *request;
	Tuplestorestate *rows;
	TupleDesc	columns;
	KeyType		as[OUT_NUM_COLUMNS];	/* of the two columns that are keys */
	Oid			domain[OUT_NUM_COLUMNS];	/* InvalidOid: none */
	void	   *domain_cache[OUT_NUM_COLUMNS];
	text	  **source;			/* names, as results show them */
} ResultSink;

static void
fail_columns(KeyType type)
{
	const char *key = key_type_name(type);

	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("personalize.recommend does not return such columns"),
			 errhint("Say AS r(item %s, rank integer, score double precision, source text, because %s, reason text, propensity double precision).",
					 key, key)));
}

/* Numbers of all widths mean each other, as everywhere; which of them a row holds must then fit. */
static void
check_key_column(ResultSink *sink, int column, KeyType type)
{
	Oid			wanted = TupleDescAttr(sink->columns, column)->atttypid;
	Oid			base = getBaseType(wanted);

	sink->as[column] = key_type_find(base);
	sink->domain[column] = base == wanted ? InvalidOid : wanted;
	if (sink->as[column] != type && (sink->as[column] == 0 || !key_is_number(type) || !key_is_number(sink->as[column])))
		fail_columns(type);
}

static void
check_columns(ResultSink *sink, KeyType type)
{
	if (sink->columns->natts != OUT_NUM_COLUMNS)
		fail_columns(type);
	for (int c = 0; c < OUT_NUM_COLUMNS; c++)
		if (out_types[c] == 0)
			check_key_column(sink, c, type);
		else if (TupleDescAttr(sink->columns, c)->atttypid != out_types[c])
			fail_columns(type);
}

static Datum
out_key(ResultSink *sink, int column, uint32 item)
{
	const Request *request = sink->request;
	Datum		key = key_datum(&request->items, request->widget->catalog->item_type, item, sink->as[column]);

	if (OidIsValid(sink->domain[column]))
		domain_check(key, false, sink->domain[column], &sink->domain_cache[column], CurrentMemoryContext);
	return key;
}

/* Once for each source: rows share them. */
static Datum
out_source(ResultSink *sink, int source)
{
	if (sink->source[source] == NULL)
		sink->source[source] = cstring_to_text(sink->request->widget->source[source].name);
	return PointerGetDatum(sink->source[source]);
}

static void
put_pick(ResultSink *sink, const Pick *pick)
{
	bool		nulls[OUT_NUM_COLUMNS] = {false};
	Datum		values[OUT_NUM_COLUMNS];

	values[OUT_ITEM] = out_key(sink, OUT_ITEM, pick->item);
	values[OUT_RANK] = Int32GetDatum(pick->rank);
	values[OUT_SCORE] = Float8GetDatum(pick->score);
	nulls[OUT_SOURCE] = pick->source < 0;
	values[OUT_SOURCE] = pick->source < 0 ? (Datum) 0 : out_source(sink, pick->source);
	nulls[OUT_BECAUSE] = pick->because == ITEM_NONE;
	values[OUT_BECAUSE] = pick->because == ITEM_NONE ? (Datum) 0 : out_key(sink, OUT_BECAUSE, pick->because);
	values[OUT_REASON] = CStringGetTextDatum(recommend_reason(sink->request, pick));
	values[OUT_PROPENSITY] = Float8GetDatum(pick->propensity);
	tuplestore_putvalues(sink->rows, sink->columns, values, nulls);
}

static void
put_picks(FunctionCallInfo fcinfo, const Request *request, const Pick *picks, uint32 n)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ResultSink	sink = {request, result->setResult, result->setDesc};

	check_columns(&sink, request->widget->catalog->item_type);
	sink.source = palloc0((request->widget->num_sources + 1) * sizeof(text *));
	for (uint32 i = 0; i < n; i++)
		put_pick(&sink, &picks[i]);
}

/* All memory of the call is in one context, which goes at its end, and with it the hold on the plan. */
static void
recommend(FunctionCallInfo fcinfo)
{
	MemoryContext own = AllocSetContextCreate(CurrentMemoryContext, "personalize recommend", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(own);
	RecommendArgs args = get_args(fcinfo);
	Request    *request = recommend_begin(widget_plan(PG_GETARG_INT32(ARG_WIDGET)), &args);
	uint32		n;
	Pick	   *picks = list_make(request, &n);

	put_picks(fcinfo, request, picks, n);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(own);
}

PG_FUNCTION_INFO_V1(personalize_recommend);
Datum
personalize_recommend(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(ARG_WIDGET))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("widget must not be NULL")));
	compat_materialize_record(fcinfo);
	recommend(fcinfo);
	return (Datum) 0;
}
