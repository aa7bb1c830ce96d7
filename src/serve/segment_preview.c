/*
 * segment_preview.c
 *		segment_preview(): how many customers a rule holds for, before there is a segment.
 *
 * Of up to EXACT_CUSTOMERS all are looked at, of more a part of one in a hundred, chosen by a hash of the key: the same customers each time, so that two
 * rules are compared by the same people.  Everything is read with the caller's own rights.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "model/activity_source.h"
#include "model/segment_setup.h"
#include "serve/segment_moment.h"
#include "serve/segment_state.h"

#define EXACT_CUSTOMERS 200000
#define SAMPLE 0.01
/* Of a normal distribution, for limits that hold 19 times of 20. */
#define WILSON_Z 1.959963984540054
/* Keys that are asked for together. */
#define BATCH 10000
#define SHARE_UNITS 1000000

enum {ARG_RULE, ARG_CUSTOMERS, ARG_ACTIVITY, ARG_SAMPLE};

typedef struct Preview
{
	ServerEnv	server;
	MemoryContext scratch;		/* of one customer */
	ActivityTableDef *activity;
	SegmentDef	def;
	SegmentRule *rule;
	CustomerWant want;
	SegmentOthers others;
	TimestampTz as_of;
	double		share;			/* 1: everybody */
	/* what was found */
	int64		looked_at;
	int64		members;
} Preview;

/* --- evaluation ------------------------------------------------------------- */

static void
count_customer(void *arg, const Customer *customer)
{
	Preview    *preview = arg;
	MemoryContext caller = MemoryContextSwitchTo(preview->scratch);
	RuleAnswer	answer;

	CHECK_FOR_INTERRUPTS();
	answer = segment_rule_evaluate(preview->rule, preview->activity, customer, preview->as_of, segment_others_in, &preview->others);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(preview->scratch);
	preview->looked_at += customer->exists;
	preview->members += answer.value == RULE_TRUE;
}

static const CustomerWant *
wanted(const Preview *preview)
{
	return preview->rule->wants ? &preview->want : NULL;
}

/* The server's own hash, so that a sample needs no more than a scan of the keys, perhaps in parallel. */
static char *
sample_query(const Preview *preview)
{
	const ActivityTableDef *activity = preview->activity;
	char	   *key = pstrdup(quote_identifier(get_attname(activity->relation, ACTIVITY_CUSTOMER, false)));
	const char *hash = key_is_number(activity->key_type) ? "hashint8extended(a.%1$s::pg_catalog.int8, 0)" :
		activity->key_type == KEY_UUID ? "uuid_hash_extended(a.%1$s, 0)" : "hashtextextended(a.%1$s, 0)";
	char	   *call = psprintf(hash, key);

	return psprintf("SELECT a.%s FROM ONLY %s AS a WHERE (pg_catalog.%s OPERATOR(pg_catalog.&) 9223372036854775807) OPERATOR(pg_catalog.%%) %d"
					" OPERATOR(pg_catalog.<) %d ORDER BY a.%s%s",
					key, registry_name(activity->relation), call, SHARE_UNITS, (int) rint(preview->share * SHARE_UNITS), key,
					activity->key_type == KEY_TEXT ? " COLLATE \"C\"" : "");
}

static void
count_batch(Preview *preview)
{
	Datum	   *keys = palloc((SPI_processed + 1) * sizeof(Datum));
	int			n = (int) SPI_processed;
	SPITupleTable *rows = SPI_tuptable;
	bool		isnull;

	for (int i = 0; i < n; i++)
		keys[i] = SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull);
	customers_fetch(preview->activity, CUSTOMER_STORED, wanted(preview), keys, n, count_customer, preview);
	pfree(keys);
	SPI_freetuptable(rows);
}

static void
count_sample(Preview *preview)
{
	Portal		portal;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	portal = SPI_cursor_open_with_args(NULL, sample_query(preview), 0, NULL, NULL, NULL, true, CURSOR_OPT_PARALLEL_OK);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		count_batch(preview);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/* --- arguments -------------------------------------------------------------- */

static ActivityTableDef *
activity_argument(FunctionCallInfo fcinfo)
{
	ActivityTableDef *activity;

	if (PG_ARGISNULL(ARG_ACTIVITY))
		guard_not_null("customers", PG_ARGISNULL(ARG_CUSTOMERS));
	activity = PG_ARGISNULL(ARG_ACTIVITY) ? activity_table_of_customers(PG_GETARG_OID(ARG_CUSTOMERS)) :
		activity_require_table(PG_GETARG_OID(ARG_ACTIVITY));
	segment_require_select(activity->relation);
	activity_require_layout(activity);
	activity_table_as_seen(activity);
	if (!activity->built)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("activity %s has not been built", registry_name(activity->relation)),
				 errhint("CALL personalize.refresh('%s').", registry_name(activity->relation))));
	return activity;
}

static Datum
rule_argument(FunctionCallInfo fcinfo)
{
	text	   *written;

	guard_not_null("rule", PG_ARGISNULL(ARG_RULE));
	if (get_fn_expr_argtype(fcinfo->flinfo, ARG_RULE) != TEXTOID)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(ARG_RULE)));
	written = PG_GETARG_TEXT_PP(ARG_RULE);
	return rule_form(VARDATA_ANY(written), VARSIZE_ANY_EXHDR(written));
}

static void
open_rule(Preview *preview, Datum rule)
{
	ListCell   *cell;

	preview->def.activity_id = preview->activity->id;
	preview->def.key_type = preview->activity->key_type;
	segment_take_rule(&preview->def, rule, preview->activity);
	foreach(cell, preview->def.uses)
		segment_require_select(lfirst_oid(cell));
	preview->rule = segment_rule_open(&preview->server.env, &preview->def);
	segment_rule_want(preview->rule, preview->activity, &preview->want);
}

static double
share_argument(FunctionCallInfo fcinfo, const ActivityTableDef *activity)
{
	if (PG_ARGISNULL(ARG_SAMPLE))
		return activity->num_customers <= EXACT_CUSTOMERS ? 1 : SAMPLE;
	return guard_float_range("sample", PG_GETARG_FLOAT8(ARG_SAMPLE), 1.0 / SHARE_UNITS, 1);
}

/* --- the answer ------------------------------------------------------------- */

/* Wilson's interval for the share of members, of all customers; nobody who was seen is outside of it. */
static void
estimate(const Preview *preview, double customers, double *members, double *lower, double *upper)
{
	double		n = preview->looked_at;
	double		p = n > 0 ? preview->members / n : 0;
	double		z2 = WILSON_Z * WILSON_Z;
	double		middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	double		half = WILSON_Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));

	*members = rint(p * customers);
	*lower = n > 0 ? Max(floor((middle - half) * customers), preview->members) : 0;
	*upper = n > 0 ? Min(ceil((middle + half) * customers), customers - (n - preview->members)) : customers;
}

static void
put_answer(FunctionCallInfo fcinfo, const Preview *preview)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		exact = preview->share >= 1;
	double		customers = exact ? preview->looked_at : Max(preview->activity->num_customers, preview->looked_at);
	double		members = preview->members;
	double		lower = members;
	double		upper = members;
	bool		nulls[5] = {false};
	Datum		row[5];

	if (!exact)
		estimate(preview, customers, &members, &lower, &upper);
	row[0] = Int64GetDatum((int64) members);
	row[1] = Int64GetDatum((int64) lower);
	row[2] = Int64GetDatum((int64) upper);
	row[3] = Int64GetDatum((int64) customers);
	row[4] = BoolGetDatum(exact);
	tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
}

/* segment_preview(rule, customers, activity, sample) */
PG_FUNCTION_INFO_V1(personalize_segment_preview);
Datum
personalize_segment_preview(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize segment preview", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Preview    *preview = palloc0(sizeof(Preview));
	SegmentMoment moment;

	server_env_init(&preview->server, context);
	preview->scratch = AllocSetContextCreate(context, "personalize segment rule", ALLOCSET_DEFAULT_SIZES);
	preview->others.context = context;
	preview->activity = activity_argument(fcinfo);
	open_rule(preview, rule_argument(fcinfo));
	segment_moment_take(&moment);
	preview->as_of = Max(moment.at, preview->activity->refreshed);
	preview->share = share_argument(fcinfo, preview->activity);
	if (preview->share >= 1)
		customers_scan(preview->activity, wanted(preview), count_customer, preview);
	else
		count_sample(preview);
	MemoryContextSwitchTo(caller);
	compat_materialize(fcinfo);
	put_answer(fcinfo, preview);
	MemoryContextDelete(context);
	return (Datum) 0;
}
