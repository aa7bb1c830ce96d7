/*
 * activity_source.c
 *		Customers, read from the shop's tables and from ours.
 *
 * Attributes are columns of the shop's row, read when a rule wants them and stored nowhere.  Customers are handed out in the order of their keys: numbers
 * by value, uuids and texts by their bytes, which is also the order of the index of our table.
 */
#include "base/compat.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "model/activity_source.h"
#include "model/setup.h"
#include "model/source.h"

/* Customers of one statement: a page with events of several is then read once; few enough for their events to be held. */
#define BATCH_CUSTOMERS 10000
/* Rows of a cursor at a time. */
#define FETCH_ROWS 1000
/* Pairs of name and column in one jsonb_build_object, which takes at most 100 arguments. */
#define MAX_PAIRS 49

/* ---------------------------------------------------------------- keys */

static int
compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
	int			order = memcmp(a, b, Min(a_size, b_size));

	return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* Texts of tables may be compressed or elsewhere; those of keys hardly ever are. */
static int
compare_texts(Datum a, Datum b)
{
	text	   *x = DatumGetTextPP(a);
	text	   *y = DatumGetTextPP(b);

	return compare_bytes(VARDATA_ANY(x), VARSIZE_ANY_EXHDR(x), VARDATA_ANY(y), VARSIZE_ANY_EXHDR(y));
}

int
activity_key_compare(KeyType type, Datum a, Datum b)
{
	int64		x;
	int64		y;

	if (type == KEY_TEXT)
		return compare_texts(a, b);
	if (type == KEY_UUID)
		return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN);
	x = key_number(type, a);
	y = key_number(type, b);
	return (x > y) - (x < y);
}

static int
compare_keys(const void *a, const void *b, void *type)
{
	return activity_key_compare(*(const KeyType *) type, *(const Datum *) a, *(const Datum *) b);
}

/* A cast would keep the index from being used, and comparisons of integers of any two types belong to their indexes. */
char *
activity_key_expression(Oid relation, const char *alias, const char *column, KeyType type)
{
	AttrNumber	number = get_attnum(relation, column);
	KeyType		own = number == InvalidAttrNumber ? 0 : key_type_find(get_atttype(relation, number));

	return source_key_expression(relation, alias, column, own != 0 && key_is_number(own) && key_is_number(type) ? own : type);
}

void
activity_require_columns(const ActivityTableDef *def, Oid relation)
{
	ListCell   *cell;

	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("a source of activity table %s does not exist any more", registry_name(def->relation)),
				 errhint("Drop the table with personalize.drop_activity().")));
	foreach(cell, activity_columns(def, relation))
		if (get_attnum(relation, lfirst(cell)) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("%s has no column \"%s\" any more", registry_name(relation), (char *) lfirst(cell)),
					 errhint("Give the column its name back, or create the activity table again.")));
}

/* ---------------------------------------------------------------- the statement */

/* Places in a row of the statement. */
typedef struct CustomerQuery
{
	const ActivityTableDef *def;
	char	   *text;
	int			zone_at;		/* 0: not asked for */
	int			attributes_at;
	char	   *last_zone;		/* as the shop writes it */
	pg_tz	   *zone;			/* which that is */
	pg_tz	   *default_zone;
} CustomerQuery;

/* Of several rows the largest score counts, so that their order does not. */
static char *
scores_expression(const ActivityTableDef *def)
{
	activity_require_columns(def, def->scores);
	return psprintf("coalesce((SELECT pg_catalog.jsonb_object_agg(%s, s.%s ORDER BY s.%s NULLS FIRST) FROM %s AS s"
					" WHERE %s OPERATOR(pg_catalog.=) c.%s AND s.%s IS NOT NULL), '{}'::pg_catalog.jsonb)",
					source_key_expression(def->scores, "s", def->scores_model, KEY_TEXT),
					quote_identifier(def->scores_score), quote_identifier(def->scores_score), registry_name(def->scores),
					activity_key_expression(def->scores, "s", def->scores_customer, def->key_type), quote_identifier(def->key),
					quote_identifier(def->scores_model));
}

/* A list of channels; of an object those that are true. */
static char *
consent_expression(const ActivityTableDef *def)
{
	const char *column = quote_identifier(def->consent);

	if (getBaseType(get_atttype(def->customers, get_attnum(def->customers, def->consent))) != JSONBOID)
		return psprintf("c.%s", column);
	return psprintf("CASE pg_catalog.jsonb_typeof((c.%s)::pg_catalog.jsonb) WHEN 'object' THEN (SELECT pg_catalog.jsonb_agg(o.key)"
					" FROM pg_catalog.jsonb_each((c.%s)::pg_catalog.jsonb) AS o WHERE o.value OPERATOR(pg_catalog.=) 'true'::pg_catalog.jsonb)"
					" ELSE (c.%s)::pg_catalog.jsonb END", column, column, column);
}

typedef struct PairList
{
	StringInfoData text;
	int			num_pairs;		/* of the object at hand */
} PairList;

static void
add_pair(PairList *list, const char *name, const char *expression)
{
	if (list->num_pairs == MAX_PAIRS)
	{
		appendStringInfoString(&list->text, ") OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object(");
		list->num_pairs = 0;
	}
	appendStringInfo(&list->text, "%s%s::pg_catalog.text, %s", list->num_pairs++ > 0 ? ", " : "", quote_literal_cstr(name), expression);
}

static char *
require_column(const ActivityTableDef *def, const char *column)
{
	if (get_attnum(def->customers, column) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column \"%s\" any more", registry_name(def->customers), column),
				 errhint("Its columns are %s.", setup_column_list(def->customers))));
	return psprintf("c.%s", quote_identifier(column));
}

/* Names with $ come last, as of equal names the last counts. */
char *
customer_attributes_expression(const ActivityTableDef *def, const CustomerWant *want)
{
	PairList	list = {.num_pairs = 0};
	ListCell   *cell;

	initStringInfo(&list.text);
	appendStringInfoString(&list.text, "pg_catalog.jsonb_build_object(");
	foreach(cell, want->columns)
		add_pair(&list, lfirst(cell), require_column(def, lfirst(cell)));
	add_pair(&list, "$key", source_key_expression(def->customers, "c", def->key, def->key_type));
	if (want->consent && def->consent != NULL)
		add_pair(&list, "$consent", consent_expression(def));
	if (want->scores && OidIsValid(def->scores))
		add_pair(&list, "$score", scores_expression(def));
	appendStringInfoChar(&list.text, ')');
	return list.text.data;
}

static void
init_query(CustomerQuery *query, const ActivityTableDef *def, const CustomerWant *want)
{
	StringInfoData text;
	int			num_columns = 1;

	*query = (CustomerQuery) {.def = def};
	query->default_zone = pg_tzset(def->default_zone);
	if (query->default_zone == NULL)
		query->default_zone = pg_tzset("GMT");
	activity_require_columns(def, def->customers);
	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s", source_key_expression(def->customers, "c", def->key, def->key_type));
	if (def->zone != NULL)
	{
		appendStringInfo(&text, ", (c.%s)::pg_catalog.text", quote_identifier(def->zone));
		query->zone_at = num_columns++;
	}
	if (want != NULL)
	{
		appendStringInfo(&text, ", %s", customer_attributes_expression(def, want));
		query->attributes_at = num_columns++;
	}
	appendStringInfo(&text, " FROM %s AS c", registry_name(def->customers));
	query->text = text.data;
}

/* What the shop writes there is nobody's business to refuse: what is no zone is as good as none. */
static pg_tz *
find_zone(CustomerQuery *query, const char *name)
{
	pg_tz	   *zone;

	if (query->last_zone != NULL && strcmp(query->last_zone, name) == 0)
		return query->zone;
	zone = name[0] == '\0' || strlen(name) > TZ_STRLEN_MAX ? NULL : pg_tzset(name);
	if (query->last_zone != NULL)
		pfree(query->last_zone);
	query->last_zone = MemoryContextStrdup(GetMemoryChunkContext(query->text), name);
	return query->zone = zone != NULL && pg_tz_acceptable(zone) ? zone : query->default_zone;
}

/* All but the activity; values are of the row. */
static void
read_customer(CustomerQuery *query, const Datum *values, const bool *nulls, Customer *customer)
{
	customer->exists = true;
	customer->key = values[0];
	customer->zone = query->default_zone;
	if (query->zone_at > 0 && !nulls[query->zone_at])
		customer->zone = find_zone(query, TextDatumGetCString(values[query->zone_at]));
	customer->attributes = query->attributes_at > 0 ? DatumGetJsonbP(values[query->attributes_at]) : NULL;
}

/* Only for messages. */
static char *
key_text(KeyType type, Datum key)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(key_type_oid(type), &output, &is_varlena);
	return OidOutputFunctionCall(output, key);
}

/* Nobody could say which of them the customer is. */
static void pg_attribute_noreturn()
fail_duplicate(const ActivityTableDef *def, Datum key)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("%s has several rows of customer %s", registry_name(def->customers), key_text(def->key_type, key)),
			 errdetail("A customer of activity table %s is one row.", registry_name(def->relation)),
			 errhint("Make \"%s\" unique.", def->key)));
}

/* An empty activity: its bytes are the same for everybody. */
static const unsigned char *
empty_activity(size_t *size)
{
	static const unsigned char bytes[] = {ACTIVITY_VERSION, 0};

	*size = sizeof(bytes);
	return bytes;
}

/* ---------------------------------------------------------------- everybody, from the shop */

struct CustomerRows
{
	CustomerQuery query;
	Portal		portal;
	uint64		at;				/* in the rows that were fetched last */
	SPITupleTable *table;
	uint64		num_rows;
	bool		any;
	Datum		last;			/* key of the row before, in the rows that were fetched last or `copy` */
	MemoryContext copy;
	MemoryContext row;			/* reset for every customer */
};

/* Stays connected to SPI until it is closed. */
CustomerRows *
customer_rows_open(const ActivityTableDef *def, const CustomerWant *want)
{
	MemoryContext caller = CurrentMemoryContext;
	CustomerRows *rows = palloc0(sizeof(CustomerRows));

	rows->copy = AllocSetContextCreate(CurrentMemoryContext, "personalize customer key", ALLOCSET_SMALL_SIZES);
	rows->row = AllocSetContextCreate(CurrentMemoryContext, "personalize customer", ALLOCSET_DEFAULT_SIZES);
	init_query(&rows->query, def, want);
	rows->query.text = psprintf("%s WHERE c.%s IS NOT NULL ORDER BY %s%s", rows->query.text, quote_identifier(def->key),
								source_key_expression(def->customers, "c", def->key, def->key_type),
								def->key_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : "");
	SPI_connect();
	rows->portal = SPI_cursor_open_with_args(NULL, rows->query.text, 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	if (rows->portal == NULL)
		elog(ERROR, "could not open a cursor: %s", SPI_result_code_string(SPI_result));
	MemoryContextSwitchTo(caller);
	return rows;
}

/* The last key outlives the rows that it came with. */
static void
keep_last(CustomerRows *rows)
{
	KeyType		type = rows->query.def->key_type;

	if (!rows->any || key_is_number(type))
		return;
	MemoryContextReset(rows->copy);
	MemoryContextSwitchTo(rows->copy);
	rows->last = datumCopy(rows->last, false, type == KEY_UUID ? UUID_LEN : -1);
}

static bool
fetch_more(CustomerRows *rows)
{
	MemoryContext caller = CurrentMemoryContext;

	keep_last(rows);
	if (rows->table != NULL)
		SPI_freetuptable(rows->table);
	SPI_cursor_fetch(rows->portal, true, FETCH_ROWS);
	rows->table = SPI_tuptable;
	rows->num_rows = SPI_processed;
	rows->at = 0;
	MemoryContextSwitchTo(caller);
	return rows->num_rows > 0;
}

bool
customer_rows_next(CustomerRows *rows, Customer *customer)
{
	Datum		values[3];
	bool		nulls[3];
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (rows->at == rows->num_rows && !fetch_more(rows))
		return false;
	MemoryContextReset(rows->row);
	old = MemoryContextSwitchTo(rows->row);
	heap_deform_tuple(rows->table->vals[rows->at++], rows->table->tupdesc, values, nulls);
	memset(customer, 0, sizeof(Customer));
	read_customer(&rows->query, values, nulls, customer);
	if (rows->any && activity_key_compare(rows->query.def->key_type, rows->last, customer->key) == 0)
		fail_duplicate(rows->query.def, customer->key);
	rows->last = customer->key;
	rows->any = true;
	MemoryContextSwitchTo(old);
	return true;
}

void
customer_rows_close(CustomerRows *rows)
{
	SPI_cursor_close(rows->portal);
	SPI_finish();
	MemoryContextDelete(rows->copy);
	MemoryContextDelete(rows->row);
	pfree(rows);
}

/* ---------------------------------------------------------------- everybody, as stored */

/* Where nothing is asked of the shop, our table knows who there was. */
static void
scan_stored(const ActivityTableDef *def, Relation relation, KeyScan *scan, CustomerSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize customer", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	pg_tz	   *zone = pg_tzset(def->default_zone);
	HeapTuple	tuple;

	while ((tuple = key_scan_next(scan)) != NULL)
	{
		Customer	customer;

		CHECK_FOR_INTERRUPTS();
		activity_row_read(def, relation, tuple, &customer);
		customer.zone = zone ? zone : pg_tzset("GMT");
		sink(arg, &customer);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Both ascend.  A customer that our table does not have yet has an empty activity there. */
static void
scan_joined(const ActivityTableDef *def, const CustomerWant *want, Relation relation, KeyScan *scan, CustomerSink sink, void *arg)
{
	CustomerRows *rows = customer_rows_open(def, want);
	HeapTuple	tuple = key_scan_next(scan);
	Customer	customer;

	while (customer_rows_next(rows, &customer))
	{
		MemoryContext old = MemoryContextSwitchTo(rows->row);
		Customer	stored;
		int			order = -1;

		activity_row_read(def, relation, tuple, &stored);
		while (tuple != NULL && (order = activity_key_compare(def->key_type, stored.key, customer.key)) < 0)
		{
			tuple = key_scan_next(scan);
			activity_row_read(def, relation, tuple, &stored);
		}
		if (tuple == NULL || order != 0)
			activity_row_read(def, relation, NULL, &stored);
		customer.ordinal = key_is_number(def->key_type) ? key_number(def->key_type, customer.key) : stored.ordinal;
		customer.activity = stored.exists ? stored.activity : empty_activity(&stored.size);
		customer.size = stored.size;
		sink(arg, &customer);
		MemoryContextSwitchTo(old);
	}
	customer_rows_close(rows);
}

void
customers_scan(const ActivityTableDef *def, const CustomerWant *want, CustomerSink sink, void *arg)
{
	Relation	relation = table_open(def->relation, AccessShareLock);
	KeyScan    *scan = key_scan_open(relation, 0, GetActiveSnapshot());

	key_scan_start(scan, NULL);
	if (want == NULL && def->zone == NULL)
		scan_stored(def, relation, scan, sink, arg);
	else
		scan_joined(def, want, relation, scan, sink, arg);
	key_scan_close(scan);
	table_close(relation, NoLock);
}

/* ---------------------------------------------------------------- some of them */

typedef struct Fetch
{
	const ActivityTableDef *def;
	CustomerRead read;
	CustomerQuery query;
	bool		asks_shop;		/* for customers, beside their events */
	Relation	relation;		/* ours */
	KeyScan    *scan;
	ServerEnv	outer;			/* memory of all batches */
	ActivityNames *names;		/* fresh only */
	/* the batch at hand, all in its context */
	MemoryContext context;
	MemoryContext scratch;		/* reset for every customer */
	ServerEnv	server;
	const Datum *key;			/* ascending */
	int			n;
	Keyset		places;			/* codes are places in `key` */
	Customer   *customer;
	CustomerEvents *events;
} Fetch;

static int
place_of(const Fetch *fetch, Datum key)
{
	KeyType		type = fetch->def->key_type;
	uint32		code = key_find(&fetch->places, type, key_type_oid(type), key);

	if (code == KEYSET_NONE)
		elog(ERROR, "a source has rows of a customer that was not asked for");
	return (int) code;
}

static void
take_customer(void *arg, const Datum *values, const bool *nulls)
{
	Fetch	   *fetch = arg;
	Customer   *customer = &fetch->customer[place_of(fetch, values[0])];
	MemoryContext old;

	if (customer->exists)
		fail_duplicate(fetch->def, values[0]);
	read_customer(&fetch->query, values, nulls, customer);
	customer->key = fetch->key[customer - fetch->customer];
	old = MemoryContextSwitchTo(fetch->context);
	if (customer->attributes != NULL)
		customer->attributes = (Jsonb *) PG_DETOAST_DATUM_COPY(PointerGetDatum(customer->attributes));
	MemoryContextSwitchTo(old);
}

static void
take_event(void *arg, Datum key, const ActivityEvent *event)
{
	Fetch	   *fetch = arg;

	activity_events_add(&fetch->server.env, &fetch->events[place_of(fetch, key)], *event);
}

static void
fetch_customers(Fetch *fetch)
{
	Oid			type = get_array_type(key_type_oid(fetch->def->key_type));
	Datum		array;

	SPI_connect();
	array = source_key_array(fetch->def->key_type, fetch->key, fetch->n);
	source_drain(SPI_cursor_open(NULL, source_kept_plan(fetch->query.text, 1, &type), &array, NULL, true), take_customer, fetch);
	SPI_finish();
}

/* What our table has, where that is the answer or has the ordinal. */
static void
add_stored(Fetch *fetch, Customer *customer)
{
	Customer	stored;

	key_scan_start(fetch->scan, &customer->key);
	activity_row_read(fetch->def, fetch->relation, key_scan_next(fetch->scan), &stored);
	customer->exists |= !fetch->asks_shop && stored.exists;
	customer->ordinal = stored.ordinal;
	if (fetch->read != CUSTOMER_STORED)
		return;
	customer->activity = stored.exists ? stored.activity : empty_activity(&stored.size);
	customer->size = stored.size;
}

static void
finish_customer(Fetch *fetch, int place)
{
	const ActivityTableDef *def = fetch->def;
	Customer   *customer = &fetch->customer[place];

	if (fetch->scan != NULL)
		add_stored(fetch, customer);
	if (key_is_number(def->key_type))
		customer->ordinal = key_number(def->key_type, customer->key);
	if (customer->exists && fetch->read == CUSTOMER_FRESH)
		customer->activity = activity_events_encode(&fetch->server.env, &fetch->events[place], fetch->names, &customer->size);
}

static void
fetch_batch(Fetch *fetch, CustomerSink sink, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(fetch->context);

	server_env_init(&fetch->server, fetch->context);
	keyset_init(&fetch->server.env, &fetch->places, key_is_number(fetch->def->key_type));
	fetch->customer = palloc0(fetch->n * sizeof(Customer));
	fetch->events = palloc0(fetch->n * sizeof(CustomerEvents));
	for (int i = 0; i < fetch->n; i++)
	{
		key_add(&fetch->server.env, &fetch->places, fetch->def->key_type, fetch->key[i]);
		fetch->customer[i].key = fetch->key[i];
		fetch->customer[i].zone = fetch->query.default_zone;
		fetch->customer[i].ordinal = -1;
	}
	if (fetch->asks_shop)
		fetch_customers(fetch);
	if (fetch->read == CUSTOMER_FRESH)
		activity_events_read(fetch->def, fetch->names, fetch->key, fetch->n, take_event, fetch);
	MemoryContextSwitchTo(fetch->scratch);
	for (int i = 0; i < fetch->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		finish_customer(fetch, i);
		sink(arg, &fetch->customer[i]);
		MemoryContextReset(fetch->scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(fetch->context);
}

/* Ascending, each once; the copy is the caller's to keep. */
static Datum *
sort_keys(KeyType type, const Datum *keys, int *n)
{
	Datum	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, (*n + 1) * sizeof(Datum));
	int			kept = 0;

	memcpy(sorted, keys, *n * sizeof(Datum));
	qsort_arg(sorted, *n, sizeof(Datum), compare_keys, &type);
	for (int i = 0; i < *n; i++)
		if (kept == 0 || activity_key_compare(type, sorted[kept - 1], sorted[i]) != 0)
			sorted[kept++] = sorted[i];
	*n = kept;
	return sorted;
}

static void
open_fetch(Fetch *fetch, const ActivityTableDef *def, CustomerRead read, const CustomerWant *want)
{
	fetch->def = def;
	fetch->read = read;
	fetch->asks_shop = read == CUSTOMER_FRESH || want != NULL || def->zone != NULL;
	init_query(&fetch->query, def, want);
	fetch->query.text = psprintf("%s WHERE %s OPERATOR(pg_catalog.=) ANY ($1)", fetch->query.text,
								 activity_key_expression(def->customers, "c", def->key, def->key_type));
	fetch->context = AllocSetContextCreate(CurrentMemoryContext, "personalize batch", ALLOCSET_DEFAULT_SIZES);
	fetch->scratch = AllocSetContextCreate(CurrentMemoryContext, "personalize customer", ALLOCSET_DEFAULT_SIZES);
	if (read == CUSTOMER_FRESH)
	{
		server_env_init(&fetch->outer, CurrentMemoryContext);
		fetch->names = activity_names_create(&fetch->outer.env);
	}
	if (read == CUSTOMER_STORED || !key_is_number(def->key_type))
	{
		fetch->relation = table_open(def->relation, AccessShareLock);
		fetch->scan = key_scan_open(fetch->relation, 1, GetActiveSnapshot());
	}
}

void
customers_fetch(const ActivityTableDef *def, CustomerRead read, const CustomerWant *want, const Datum *keys, int n,
				CustomerSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize fetch", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Fetch	   *fetch = palloc0(sizeof(Fetch));
	Datum	   *sorted = sort_keys(def->key_type, keys, &n);

	open_fetch(fetch, def, read, want);
	for (int first = 0; first < n; first += BATCH_CUSTOMERS)
	{
		fetch->key = sorted + first;
		fetch->n = Min(n - first, BATCH_CUSTOMERS);
		fetch_batch(fetch, sink, arg);
	}
	if (fetch->scan != NULL)
	{
		key_scan_close(fetch->scan);
		table_close(fetch->relation, NoLock);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

bool
customers_pending(const ActivityTableDef *def, Env *env, LogContents *contents)
{
	change_log_read(env, def->log, def->key_type, GetActiveSnapshot(), false, contents);
	return contents->all || contents->keys.size > 0;
}
