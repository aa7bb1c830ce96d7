/*
 * evaluate.c
 *		evaluate_widget(): what the widget would have recommended at a time, against what customers did afterwards.
 *
 * The split is by time: what happened until `since` is known, what happened after it is to be predicted, for all customers the same.
 * Leaving out something of each customer would let the others' future in.  All items are ranked, none sampled.
 */
#include "base/compat.h"

#include <math.h>

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "base/progress.h"
#include "model/model_rows.h"
#include "model/setup.h"
#include "serve/evaluate.h"

enum
{
	ARG_WIDGET, ARG_SINCE, ARG_K, ARG_UNTIL, ARG_EVENT, ARG_REPEATS, ARG_GIVEN, ARG_SEGMENTS, ARG_KEY, ARG_BY, ARG_SAMPLE, ARG_RESAMPLES,
	ARG_CONFIDENCE, ARG_SEED, ARG_NEGATIVES
};

#define MAX_RESAMPLES 10000
#define NUM_COLUMNS 12

/* The lines of the output, kept while what they are made from is rolled back. */
typedef struct ResultLine
{
	char	   *segment;
	const char *metric;
	uint64		customers;
	EvaluateResult result[3];	/* widget, popularity, difference */
} ResultLine;

typedef struct Evaluation
{
	EvaluateOptions options;
	WidgetDef  *widget;			/* the shop's */
	MemoryContext results;		/* outlives the subtransaction, like all here but what is made of the past */
	List	   *lines;			/* of ResultLine * */
	uint64		num_test;		/* customers of the test */

	/* in the subtransaction */
	EvaluateLists lists;
	uint32	   *test_codes;
	EvaluateSums *sums;
	MemoryContext customer_context;
	SPIPlanPtr	segment_plan;	/* NULL: no segments */
} Evaluation;

/* ---------------------------------------------------------------- arguments */

/* Sampled metrics rank systems differently from full ones, and lead to wrong choices. */
static void
refuse_negatives(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(ARG_NEGATIVES))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("negatives are not sampled: every item is ranked"),
			 errdetail("Metrics over sampled negatives are inconsistent: they may order two widgets the other way round than the whole list does (Krichene and Rendle, KDD 2020)."),
			 errhint("Leave out negatives; to save time, take a share of the customers with sample => 0.1.")));
}

static EvaluateGiven
read_given(text *argument)
{
	static const char *const names[] = {"customer", "item", "cart", "session"};
	char	   *given = text_to_cstring(argument);

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(given, names[i]) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("given cannot be \"%s\"", given),
			 errhint("It is customer, item, cart or session.")));
}

/* The table, the customer's column and that of the segment go together. */
static void
read_segments(FunctionCallInfo fcinfo, EvaluateOptions *options)
{
	if (PG_ARGISNULL(ARG_SEGMENTS) && PG_ARGISNULL(ARG_KEY) && PG_ARGISNULL(ARG_BY))
		return;
	if (PG_ARGISNULL(ARG_SEGMENTS) || PG_ARGISNULL(ARG_KEY) || PG_ARGISNULL(ARG_BY))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segments, key and by go together"),
				 errdetail("segments is a table, key its column with the customer, by the column whose values are segments.")));
	options->segments = PG_GETARG_OID(ARG_SEGMENTS);
	options->key = pstrdup(NameStr(*PG_GETARG_NAME(ARG_KEY)));
	options->by = pstrdup(NameStr(*PG_GETARG_NAME(ARG_BY)));
	setup_require_column("key", options->segments, options->key);
	setup_require_column("by", options->segments, options->by);
}

/* Both sides of the split must have room for something. */
void
evaluate_guard_times(const EvaluateOptions *options)
{
	if (TIMESTAMP_NOT_FINITE(options->since))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("since must be a time"),
				 errdetail("Infinity leaves nothing to learn from, or nothing to predict.")));
	if (options->until <= options->since)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("until must be later than since")));
}

/* Neither end: nobody, or nothing left to chance, is no sample and no confidence. */
static double
open_share(const char *argument, double value)
{
	if (!(value > 0 && value < 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be between 0 and 1", argument),
				 errdetail("It is %g.", value)));
	return value;
}

/* All of the customers is a share, too. */
double
evaluate_guard_sample(double sample)
{
	return sample == 1 ? 1 : open_share("sample", sample);
}

/* NULL never means the default here: who wrote it meant something, and would not notice. */
static void
read_options(FunctionCallInfo fcinfo, EvaluateOptions *options)
{
	static const struct
	{
		int			argument;
		const char *name;
	}			required[] = {
		{ARG_WIDGET, "widget"}, {ARG_SINCE, "since"}, {ARG_K, "k"}, {ARG_REPEATS, "repeats"}, {ARG_GIVEN, "given"}, {ARG_SAMPLE, "sample"},
		{ARG_RESAMPLES, "resamples"}, {ARG_CONFIDENCE, "confidence"}, {ARG_SEED, "seed"}
	};

	for (int i = 0; i < lengthof(required); i++)
		guard_not_null(required[i].name, PG_ARGISNULL(required[i].argument));
	refuse_negatives(fcinfo);
	options->since = PG_GETARG_TIMESTAMPTZ(ARG_SINCE);
	options->until = PG_ARGISNULL(ARG_UNTIL) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(ARG_UNTIL);
	evaluate_guard_times(options);
	options->k = guard_int_range("k", PG_GETARG_INT32(ARG_K), 1, EVALUATE_MAX_K);
	options->event = PG_ARGISNULL(ARG_EVENT) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(ARG_EVENT));
	options->repeats = PG_GETARG_BOOL(ARG_REPEATS);
	options->given = read_given(PG_GETARG_TEXT_PP(ARG_GIVEN));
	read_segments(fcinfo, options);
	options->sample = evaluate_guard_sample(PG_GETARG_FLOAT8(ARG_SAMPLE));
	options->resamples = guard_int_range("resamples", PG_GETARG_INT32(ARG_RESAMPLES), 10, MAX_RESAMPLES);
	options->confidence = open_share("confidence", PG_GETARG_FLOAT8(ARG_CONFIDENCE));
	options->seed = PG_GETARG_INT64(ARG_SEED);
}

/* ---------------------------------------------------------------- the widget over the past */

static char *
event_list(const WidgetDef *widget)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int h = 0; h < widget->num_histories; h++)
		appendStringInfo(&list, "%s%s", h > 0 ? ", " : "", widget->history[h].event);
	return list.data;
}

/* The history whose future is to be predicted. */
static HistoryDef *
choose_history(const WidgetDef *widget, const char *event)
{
	if (widget->num_histories == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("widget %s has no history of customers", widget_name(widget)),
				 errdetail("Nothing says what they did after it recommended."),
				 errhint("Name one with personalize.alter_widget(..., histories => '{\"bought\": …}').")));
	if (event == NULL && widget->num_histories == 1)
		return widget->history[0].history;
	for (int h = 0; event != NULL && h < widget->num_histories; h++)
		if (widget->history[h].event == NULL || strcmp(widget->history[h].event, event) == 0)
			return widget->history[h].history;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 event == NULL ? errmsg("widget %s has several histories", widget_name(widget)) :
			 errmsg("widget %s has no history \"%s\"", widget_name(widget), event),
			 errhint("Say with event => which is to be predicted: %s.", event_list(widget))));
}

/* What was created since could not have been recommended. */
static char *
past_filter(const WidgetDef *widget, const Past *past)
{
	char	   *created = widget->catalog->attribute[CATALOG_CREATED];
	char	   *column;
	char	   *condition;

	if (!OidIsValid(widget->catalog->products) || created == NULL)
		return widget->filter;
	column = pstrdup(quote_identifier(created));
	condition = psprintf("(%s IS NULL OR %s OPERATOR(pg_catalog.<=) %s::pg_catalog.timestamptz)", column, column,
						 quote_literal_cstr(timestamptz_to_str(past->since)));
	return widget->filter == NULL ? condition : psprintf("(%s\n) AND %s", widget->filter, condition);
}

/* The customer's own past is what profiles are read from. */
static void
move_histories(WidgetDef *widget, Past *past)
{
	WidgetHistory *history = palloc(sizeof(WidgetHistory) * (widget->num_histories + 1));

	for (int h = 0; h < widget->num_histories; h++)
	{
		history[h] = widget->history[h];
		history[h].history = past_history(past, widget->history[h].history);
	}
	widget->history = history;
}

/* Tables that no model is made of, as curated lists, stay what they are: nothing says what they were. */
static void
move_sources(WidgetDef *widget, Past *past)
{
	WidgetSource *source = palloc(sizeof(WidgetSource) * (widget->num_sources + 1));

	for (int s = 0; s < widget->num_sources; s++)
	{
		source[s] = widget->source[s];
		if (OidIsValid(source[s].relation))
			source[s].relation = past_model(past, source[s].relation);
		if (OidIsValid(source[s].blend))
			source[s].blend = past_model(past, source[s].blend);
	}
	widget->source = source;
}

/* Codes are those of the new catalog; the products are the shop's. */
static CatalogDef *
past_catalog(const Past *past)
{
	CatalogDef *catalog = palloc(sizeof(CatalogDef));

	*catalog = *past->shop_catalog;
	catalog->id = past->catalog->id;
	catalog->relation = past->catalog->relation;
	catalog->log = past->catalog->log;
	return catalog;
}

/* The same widget, but that it knows nothing of what came after. */
static WidgetDef *
past_widget(const WidgetDef *shop, Past *past)
{
	WidgetDef  *widget = palloc(sizeof(WidgetDef));

	*widget = *shop;
	widget->filter = past_filter(shop, past);
	move_histories(widget, past);
	move_sources(widget, past);
	widget->catalog = past_catalog(past);
	return widget;
}

/* As registered now that it is filled. */
static void
reload_histories(WidgetDef *widget)
{
	for (int h = 0; h < widget->num_histories; h++)
		widget->history[h].history = registry_require_history(widget->history[h].history->relation);
}

/* ---------------------------------------------------------------- segments */

static SPIPlanPtr
prepare_segments(const EvaluateOptions *options, KeyType type)
{
	Oid			types[] = {key_type_oid(type)};
	char	   *command = psprintf("SELECT s.%s::pg_catalog.text FROM %s AS s WHERE s.%s::%s OPERATOR(pg_catalog.=) $1 ORDER BY 1 LIMIT 1",
								   quote_identifier(options->by), registry_name(options->segments), quote_identifier(options->key),
								   format_type_be_qualified(types[0]));
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(command, 1, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	SPI_finish();
	return plan;
}

/* With the column's name, so that no value of it is taken for `all` or `known`. */
static char *
segment_of(Evaluation *evaluation, Datum customer)
{
	char	   *value;
	char	   *segment;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(evaluation->segment_plan, &customer, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the segment of a customer");
	value = SPI_processed == 0 ? NULL : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	segment = MemoryContextStrdup(evaluation->customer_context,
								  psprintf("%s=%s", evaluation->options.by, value == NULL ? "" : value));
	SPI_finish();
	return segment;
}

/* ---------------------------------------------------------------- customers */

uint64
evaluate_customer_hash(KeyType type, Datum key)
{
	const char *bytes;

	if (key_is_number(type))
		return rank_mix(0, (uint64) key_number(type, key), 0);
	if (type == KEY_UUID)
		return DatumGetUInt64(hash_any_extended((const unsigned char *) DatumGetPointer(key), 16, 0));
	bytes = (Pointer) PG_DETOAST_DATUM_PACKED(key);
	return DatumGetUInt64(hash_any_extended((const unsigned char *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), 0));
}

/* The part of later items that were known before. */
static double
repeat_share(const EvaluateCustomer *customer)
{
	uint32		repeats = 0;

	for (uint32 e = 0; e < customer->later.size; e++)
		repeats += evaluate_knows(&customer->known, customer->later.entry[e].code);
	return (double) repeats / customer->later.size;
}

/* In the order of codes, which is how hits are found. */
void
evaluate_find_relevant(EvaluateCustomer *customer, bool repeats)
{
	customer->relevant = palloc(sizeof(uint32) * (customer->later.size + 1));
	customer->num_relevant = 0;
	for (uint32 e = 0; e < customer->later.size; e++)
		if (repeats || !evaluate_knows(&customer->known, customer->later.entry[e].code))
			customer->relevant[customer->num_relevant++] = customer->later.entry[e].code;
}

/* Lists hold no item twice, and relevant items ascend. */
static RankHits
find_hits(const EvaluateCustomer *customer, const uint32 *list, uint32 size)
{
	return rank_hits(list, size, customer->relevant, customer->num_relevant, palloc(sizeof(uint32) * (size + 1)));
}

/* Of the relevant items that were known before, or of the others; NaN: there are none. */
static double
recall_of_part(const EvaluateCustomer *customer, const uint32 *list, uint32 size, uint32 k, bool known)
{
	uint32	   *part = palloc(sizeof(uint32) * (customer->num_relevant + 1));
	uint32		n = 0;
	RankHits	hits;

	for (uint32 r = 0; r < customer->num_relevant; r++)
		if (evaluate_knows(&customer->known, customer->relevant[r]) == known)
			part[n++] = customer->relevant[r];
	hits = rank_hits(list, size, part, n, palloc(sizeof(uint32) * (size + 1)));
	return n > 0 ? rank_recall(&hits, k) : NAN;
}

/* Beside recall of the two kinds: a list may be right about repeats only because it is full of them. */
static double
repeats_in_list(const EvaluateCustomer *customer, const uint32 *list, uint32 size)
{
	uint32		repeats = 0;

	for (uint32 i = 0; i < size; i++)
		repeats += evaluate_knows(&customer->known, list[i]);
	return size > 0 ? (double) repeats / size : 0;
}

/* All metrics from one look at the hits. */
static void
measure_list(const EvaluateCustomer *customer, const uint32 *list, uint32 size, uint32 k, double *value)
{
	RankHits	hits = find_hits(customer, list, size);

	value[METRIC_RECALL] = rank_recall(&hits, k);
	value[METRIC_PRECISION] = rank_precision(&hits, k);
	value[METRIC_NDCG] = rank_ndcg(&hits, k);
	value[METRIC_AVERAGE_PRECISION] = rank_average_precision(&hits, k);
	value[METRIC_RECIPROCAL_RANK] = rank_reciprocal(&hits, k);
	value[METRIC_HIT] = rank_hit(&hits, k);
	value[METRIC_RECALL_REPEATS] = recall_of_part(customer, list, size, k, true);
	value[METRIC_RECALL_NEW] = recall_of_part(customer, list, size, k, false);
	value[METRIC_REPEATS_IN_LIST] = repeats_in_list(customer, list, size);
	value[METRIC_LIST_LENGTH] = size;
}

/* Whoever did nothing new says how much was repeated, and nothing else. */
static void
measure_customer(Evaluation *evaluation, EvaluateCustomer *customer, EvaluateValues *values)
{
	const EvaluateOptions *options = &evaluation->options;
	double		repeats = repeat_share(customer);

	evaluate_find_relevant(customer, options->repeats);
	for (int l = 0; l < NUM_LISTS; l++)
	{
		for (int m = 0; m < NUM_METRICS; m++)
			values->value[l][m] = NAN;
		values->value[l][METRIC_REPEATS_IN_TEST] = repeats;
		values->size[l] = 0;
		if (customer->num_relevant == 0)
			continue;
		values->list[l] = evaluate_list(&evaluation->lists, customer, l, &values->size[l]);
		measure_list(customer, values->list[l], values->size[l], options->k, values->value[l]);
	}
}

/* The whole first: it is the first segment that sums know. */
static void
add_customer(Evaluation *evaluation, EvaluateCustomer *customer, uint64 hash)
{
	EvaluateValues values = {.hash = hash};
	const char *segments[3] = {"all", customer->known.size > 0 ? "known" : "unknown"};
	int			num_segments = 2;

	measure_customer(evaluation, customer, &values);
	if (evaluation->segment_plan != NULL)
		segments[num_segments++] = segment_of(evaluation, customer->key);
	evaluate_sums_add(evaluation->sums, segments, num_segments, &values);
}

/* The same customers for every widget with that seed, so that widgets can be compared. */
bool
evaluate_is_sampled(const EvaluateOptions *options, uint64 hash)
{
	return options->sample >= 1 || (rank_mix(options->seed, hash, 0) >> 11) * 0x1p-53 < options->sample;
}

/* The customer's row before; none: unknown. */
static void
read_known(Evaluation *evaluation, Relation relation, KeyScan *scan, EvaluateCustomer *customer)
{
	HistoryRow	row = {{0}};
	HeapTuple	tuple;
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	key_scan_start(scan, &customer->key);
	tuple = key_scan_next(scan);
	if (tuple == NULL)
		return;
	history_row_read(&server.env, relation, tuple, &row);
	customer->known = row.basket;
}

/* One customer of the test, in memory that is reset before the next. */
static void
evaluate_customer(Evaluation *evaluation, Relation train, KeyScan *train_scan, Relation test, HeapTuple tuple, KeyType type)
{
	EvaluateCustomer customer = {0};
	bool		isnull;
	uint64		hash;

	customer.key = heap_getattr(tuple, HISTORY_BASKET, RelationGetDescr(test), &isnull);
	hash = evaluate_customer_hash(type, customer.key);
	if (!evaluate_is_sampled(&evaluation->options, hash))
		return;
	customer.later = evaluate_test_basket(test, tuple, evaluation->test_codes);
	if (customer.later.size == 0)
		return;
	read_known(evaluation, train, train_scan, &customer);
	add_customer(evaluation, &customer, hash);
}

/* In the order of keys: sums of doubles come out the same each time. */
static void
evaluate_customers(Evaluation *evaluation, const HistoryDef *train_history, const HistoryDef *test_history)
{
	Relation	train = table_open(train_history->relation, AccessShareLock);
	Relation	test = table_open(test_history->relation, AccessShareLock);
	KeyScan    *train_scan = key_scan_open(train, 1, NULL);
	KeyScan    *test_scan = key_scan_open(test, 0, NULL);
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	tuple;
	uint64		done = 0;

	past_phase(PROGRESS_RECOMMENDING);
	key_scan_start(test_scan, NULL);
	while ((tuple = key_scan_next(test_scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(evaluation->customer_context);
		MemoryContextSwitchTo(evaluation->customer_context);
		progress_hold(true);
		evaluate_customer(evaluation, train, train_scan, test, tuple, test_history->basket_type);
		progress_hold(false);
		MemoryContextSwitchTo(caller);
		progress_update(++done, test_history->num_baskets);
	}
	key_scan_close(test_scan);
	key_scan_close(train_scan);
	table_close(test, NoLock);
	table_close(train, NoLock);
	evaluation->num_test = done;
}

/* ---------------------------------------------------------------- all of it */

static void
keep_line(void *arg, const char *segment, const char *metric, uint64 customers, const EvaluateResult *widget,
		  const EvaluateResult *popularity, const EvaluateResult *difference)
{
	Evaluation *evaluation = arg;
	MemoryContext caller = MemoryContextSwitchTo(evaluation->results);
	ResultLine *line = palloc(sizeof(ResultLine));

	line->segment = pstrdup(segment);
	line->metric = metric;
	line->customers = customers;
	line->result[0] = *widget;
	line->result[1] = *popularity;
	line->result[2] = *difference;
	evaluation->lines = lappend(evaluation->lines, line);
	MemoryContextSwitchTo(caller);
}

/* A split at the wrong end is the most likely mistake, and would give empty means. */
void
evaluate_require_both(const EvaluateOptions *options, const HistoryDef *train, const HistoryDef *test)
{
	const char *missing = train->num_baskets == 0 ? "until" : test->num_baskets == 0 ? "after" : NULL;

	if (missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing happened %s %s", missing, timestamptz_to_str(options->since)),
				 errhint("Choose since within the times of the interactions, with enough on both sides.")));
}

/* In the subtransaction. */
static void
evaluate(void *arg)
{
	Evaluation *evaluation = arg;
	EvaluateOptions *options = &evaluation->options;
	HistoryDef *history = choose_history(evaluation->widget, options->event);
	Past	   *past = past_begin(evaluation->widget->catalog, evaluation->widget->schema, options->since, options->until);
	WidgetDef  *widget = past_widget(evaluation->widget, past);
	HistoryDef *train = past_history(past, history);
	HistoryDef *test = past_test_history(past, history);

	past_build(past);
	reload_histories(widget);
	train = registry_require_history(train->relation);
	test = registry_require_history(test->relation);
	evaluate_require_both(options, train, test);
	evaluate_lists_open(&evaluation->lists, options, past, widget, train);
	evaluation->test_codes = evaluate_test_codes(&evaluation->lists, test);
	evaluation->sums = evaluate_sums_create(CurrentMemoryContext, options);
	evaluation->customer_context = AllocSetContextCreate(CurrentMemoryContext, "personalize customer", ALLOCSET_DEFAULT_SIZES);
	if (OidIsValid(options->segments))
		evaluation->segment_plan = prepare_segments(options, test->basket_type);
	evaluate_customers(evaluation, train, test);
	evaluate_sums_report(evaluation->sums, &evaluation->lists, keep_line, evaluation);
}

/* A figure that is not there is NULL. */
static void
put_line(ReturnSetInfo *result, const ResultLine *line)
{
	Datum		values[NUM_COLUMNS];
	bool		nulls[NUM_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(line->segment);
	values[1] = CStringGetTextDatum(line->metric);
	values[2] = Int64GetDatum(line->customers);
	for (int i = 0; i < 3; i++)
	{
		const double figure[] = {line->result[i].estimate, line->result[i].low, line->result[i].high};

		for (int f = 0; f < 3; f++)
		{
			values[3 + 3 * i + f] = Float8GetDatum(figure[f]);
			nulls[3 + 3 * i + f] = isnan(figure[f]);
		}
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(personalize_evaluate_widget);
Datum
personalize_evaluate_widget(PG_FUNCTION_ARGS)
{
	Evaluation	evaluation = {.results = CurrentMemoryContext};
	MemoryContext context;
	bool		begun;
	ListCell   *cell;

	PreventCommandIfReadOnly("personalize.evaluate_widget()");
	PreventCommandIfParallelMode("personalize.evaluate_widget()");
	read_options(fcinfo, &evaluation.options);
	evaluation.widget = widget_require(PG_GETARG_TEXT_PP(ARG_WIDGET));
	compat_materialize(fcinfo);
	begun = progress_begin(PROGRESS_COPYING);
	context = AllocSetContextCreate(CurrentMemoryContext, "personalize evaluation", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	past_run(evaluation.options.since, evaluate, &evaluation);
	MemoryContextSwitchTo(evaluation.results);
	MemoryContextDelete(context);
	if (evaluation.segment_plan != NULL)
		SPI_freeplan(evaluation.segment_plan);
	progress_end(begun);
	foreach(cell, evaluation.lines)
		put_line((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	return (Datum) 0;
}
