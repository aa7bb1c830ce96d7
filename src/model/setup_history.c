/*
 * setup_history.c
 *		create_history and drop_history.
 *
 * Triggers are made before the first snapshot that reads the source, and CREATE TRIGGER waits for all writers of
 * the table: from there on every change is either in the snapshot or in the log.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/guards.h"
#include "model/refresh.h"
#include "model/setup.h"

enum
{
	ARG_NAME, ARG_INTERACTIONS, ARG_BASKET, ARG_ITEM, ARG_HAPPENED, ARG_WEIGHT, ARG_EVENT, ARG_EVENTS, ARG_EVENT_WEIGHTS,
	ARG_MAX_BASKET, ARG_HORIZON, ARG_CATALOG, ARG_WATCH, ARG_REPLICA, ARG_BUILD
};

#define MAX_HORIZON_DAYS 3650000.0

/* ---------------------------------------------------------------- arguments */

static char *
name_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(argument)));
}

/* Each column is looked at in the order of the arguments, so the first mistake is the one that is told. */
static void
read_columns(FunctionCallInfo fcinfo, HistoryDef *history)
{
	Oid			source = history->interactions;

	history->basket = name_argument(fcinfo, ARG_BASKET);
	history->item = name_argument(fcinfo, ARG_ITEM);
	history->happened = name_argument(fcinfo, ARG_HAPPENED);
	history->weight = name_argument(fcinfo, ARG_WEIGHT);
	history->event = name_argument(fcinfo, ARG_EVENT);
	history->basket_type = key_type(setup_require_column("basket", source, history->basket), "basket");
	history->item_type = key_type(setup_require_column("item", source, history->item), "item");
	if (history->happened != NULL)
		setup_require_times("happened", source, history->happened,
							setup_require_column("happened", source, history->happened));
	if (history->weight != NULL)
		setup_require_number("weight", source, history->weight,
							 setup_require_column("weight", source, history->weight));
	if (history->event != NULL)
		setup_require_column("event", source, history->event);
}

/* Elements of a one-dimensional array without NULLs; fails, naming the argument, on every other array. */
static Datum *
array_argument(FunctionCallInfo fcinfo, int argument, const char *name, Oid type, int *count)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(argument);
	int16		size;
	bool		byval;
	char		align;
	Datum	   *elements;

	if (ARR_NDIM(array) != 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a list of one value or more, none of them null", name)));
	get_typlenbyvalalign(type, &size, &byval, &align);
	deconstruct_array(array, type, size, byval, align, &elements, NULL, count);
	return elements;
}

/* The same kind twice, with two weights, would have none. */
static void
add_event(HistoryDef *history, char *event)
{
	for (int i = 0; i < history->num_events; i++)
		if (strcmp(history->events[i], event) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("event \"%s\" is given twice", event)));
	history->events[history->num_events++] = event;
}

static void
read_event_weights(FunctionCallInfo fcinfo, HistoryDef *history)
{
	int			count;
	Datum	   *weights = array_argument(fcinfo, ARG_EVENT_WEIGHTS, "event_weights", INT4OID, &count);

	if (count != history->num_events)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("event_weights must have as many elements as events"),
				 errdetail("There are %d weights for %d events.", count, history->num_events)));
	history->event_weights = palloc(sizeof(int32) * count);
	for (int i = 0; i < count; i++)
		history->event_weights[i] = guard_int_range("a weight in event_weights", DatumGetInt32(weights[i]), 1, PG_INT32_MAX);
}

/* Rules between arguments are errors, too: what would be ignored shows a misunderstanding. */
static void
read_events(FunctionCallInfo fcinfo, HistoryDef *history)
{
	Datum	   *events;
	int			count;

	if (PG_ARGISNULL(ARG_EVENT) != PG_ARGISNULL(ARG_EVENTS))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event and events go together"),
				 errdetail("event names the column, events the values that count."),
				 errhint("For example event => 'kind', events => '{view, cart, buy}'.")));
	if (PG_ARGISNULL(ARG_EVENTS))
	{
		if (!PG_ARGISNULL(ARG_EVENT_WEIGHTS))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("event_weights needs event and events")));
		return;
	}
	events = array_argument(fcinfo, ARG_EVENTS, "events", TEXTOID, &count);
	history->events = palloc(sizeof(char *) * count);
	for (int i = 0; i < count; i++)
		add_event(history, TextDatumGetCString(events[i]));
	if (!PG_ARGISNULL(ARG_EVENT_WEIGHTS))
		read_event_weights(fcinfo, history);
}

/* max_basket NULL is a choice, and stands as 0 from here on. */
static void
read_limits(FunctionCallInfo fcinfo, HistoryDef *history)
{
	double		days;

	if (!PG_ARGISNULL(ARG_MAX_BASKET))
		history->max_basket = guard_int_range("max_basket", PG_GETARG_INT32(ARG_MAX_BASKET), 1, PG_INT32_MAX);
	if (PG_ARGISNULL(ARG_HORIZON))
		return;
	history->horizon = PG_GETARG_INTERVAL_P(ARG_HORIZON);
	days = registry_interval_days(history->horizon);
	if (!(days > 0 && days <= MAX_HORIZON_DAYS))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("horizon must be a positive interval of at most 10000 years")));
	if (history->happened == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("horizon needs happened"),
				 errdetail("Without times, nothing says how old a row is.")));
}

/* Codes of a shared catalog are given by each refresh, which runs as the owner of its history. */
static CatalogDef *
shared_catalog(Oid relation, const HistoryDef *history)
{
	CatalogDef *catalog = registry_require_catalog(relation);
	char	   *name = registry_name(relation);

	registry_require_owner(relation);
	LockRelationOid(relation, AccessShareLock);
	if (registry_catalog(relation) == NULL)
		registry_fail_gone("catalog", name);
	if (catalog->item_type != history->item_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("items of %s are of type %s, items of catalog %s of type %s",
						registry_name(history->interactions), key_type_name(history->item_type),
						registry_name(relation), key_type_name(catalog->item_type)),
				 errhint("Histories share a catalog only if their items have one type; a view can cast.")));
	return catalog;
}

/* ---------------------------------------------------------------- create_history */

/* Nobody asked for it, so it is marked to go with the last history that uses it. */
static CatalogDef *
own_catalog(const NewTable *table, KeyType item_type)
{
	CatalogDef *catalog = palloc0(sizeof(CatalogDef));

	catalog->item_type = item_type;
	catalog->implicit = true;
	setup_create_catalog(catalog, table, "items");
	setup_depend_catalog(catalog);
	return catalog;
}

/* The index on oldest is how a refresh finds baskets of which an event has expired. */
static void
create_tables(HistoryDef *history, const NewTable *table)
{
	const char *key = setup_key_column(history->basket_type);

	history->id = registry_next_id();
	history->relation =
		setup_create_table(table, NULL,
						   psprintf("basket %s PRIMARY KEY, items pg_catalog.bytea NOT NULL,"
									" happened pg_catalog.timestamptz, oldest pg_catalog.timestamptz", key),
						   "fillfactor = 90");
	if (history->horizon != NULL)
		setup_execute("CREATE INDEX ON %s (oldest)", registry_name(history->relation));
	history->log = setup_create_table(table, "log", psprintf("basket %s, reason pg_catalog.text", key), SETUP_LOG_OPTIONS);
}

/*
 * Only a snapshot younger than the triggers sees all that they do not.  A transaction with one snapshot for
 * all has an older one.
 */
static void
first_build(const HistoryDef *history)
{
	RefreshReport report;

	if (IsolationUsesXactSnapshot())
		ereport(NOTICE,
				(errmsg("%s is empty until its first refresh", registry_name(history->relation)),
				 errdetail("A transaction of isolation level REPEATABLE READ or SERIALIZABLE cannot see what was committed since it began."),
				 errhint("CALL personalize.refresh(%s); after this transaction.",
						 quote_literal_cstr(registry_name(history->relation)))));
	else
		refresh_group(history->id, REFRESH_REBUILD, true, &report);
}

static void
require_arguments(FunctionCallInfo fcinfo)
{
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("interactions", PG_ARGISNULL(ARG_INTERACTIONS));
	guard_not_null("basket", PG_ARGISNULL(ARG_BASKET));
	guard_not_null("item", PG_ARGISNULL(ARG_ITEM));
}

PG_FUNCTION_INFO_V1(personalize_create_history);

Datum
personalize_create_history(PG_FUNCTION_ARGS)
{
	HistoryDef	history = {.interactions = PG_GETARG_OID(ARG_INTERACTIONS)};
	CatalogDef *catalog = NULL;
	NewTable	table;

	PreventCommandDuringRecovery("personalize.create_history()");
	require_arguments(fcinfo);
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	setup_require_source("interactions", history.interactions);
	read_columns(fcinfo, &history);
	read_events(fcinfo, &history);
	read_limits(fcinfo, &history);
	if (!PG_ARGISNULL(ARG_CATALOG))
		catalog = shared_catalog(PG_GETARG_OID(ARG_CATALOG), &history);
	create_tables(&history, &table);
	if (catalog == NULL)
		catalog = own_catalog(&table, history.item_type);
	history.catalog_id = catalog->id;
	/* registered first: the triggers read their definition from there */
	registry_add_history(&history);
	setup_watch(history.id, history.interactions, history.basket, history.basket_type,
				PG_ARGISNULL(ARG_WATCH) ? NULL : PG_GETARG_JSONB_P(ARG_WATCH),
				!PG_ARGISNULL(ARG_REPLICA) && PG_GETARG_BOOL(ARG_REPLICA));
	setup_restore_dependencies(&history);
	if (PG_ARGISNULL(ARG_BUILD) || PG_GETARG_BOOL(ARG_BUILD))
		first_build(&history);
	PG_RETURN_OID(history.relation);
}

/* ---------------------------------------------------------------- drop_history */

/* Models of both kinds: those that start here and those that this history is the target of. */
static void
drop_models(const HistoryDef *history, bool cascade)
{
	List	   *models = registry_models_of(history->id);
	List	   *followers = followers_of(history->id);
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, models)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(((ModelDef *) lfirst(cell))->relation));
	foreach(cell, followers)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(((FollowerDef *) lfirst(cell))->relation));
	if (names.len > 0 && !cascade)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("history %s has models", registry_name(history->relation)),
				 errdetail("They are %s.", names.data),
				 errhint("Drop them with personalize.drop_model(), or all at once with cascade => true.")));
	foreach(cell, models)
		setup_drop_model(lfirst(cell));
	foreach(cell, followers)
		setup_drop_follower(lfirst(cell));
}

PG_FUNCTION_INFO_V1(personalize_drop_history);

Datum
personalize_drop_history(PG_FUNCTION_ARGS)
{
	HistoryDef *history = registry_require_history(PG_GETARG_OID(0));

	PreventCommandDuringRecovery("personalize.drop_history()");
	registry_require_owner(history->relation);
	/* a refresh that is running would otherwise write to tables that go */
	refresh_lock(history->id);
	setup_restore_dependencies(history);
	drop_models(history, PG_GETARG_BOOL(1));
	setup_unwatch(history->id);
	setup_drop_table(history->relation);
	setup_drop_unused_catalog(history->catalog_id);
	PG_RETURN_VOID();
}
