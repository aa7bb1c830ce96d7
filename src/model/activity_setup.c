/*
 * activity_setup.c
 *		create_activity and drop_activity.
 *
 * As for histories: triggers are made before the first snapshot that reads the sources.  A relation that stands in several places is watched once, by
 * one key.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/guards.h"
#include "model/activity_source.h"
#include "model/segment.h"
#include "model/setup.h"

enum
{
	ARG_NAME, ARG_CUSTOMERS, ARG_KEY, ARG_EVENTS, ARG_ZONE, ARG_DEFAULT_ZONE, ARG_CONSENT, ARG_SCORES, ARG_WATCH, ARG_REPLICA, ARG_BUILD
};

#define MAX_SOURCES 1000

/* Stands for the kinds that a column names. */
#define ANY_EVENT "*"

/* A relation to be watched by its column with the customer, or through the tables that `watch` names. */
typedef struct WatchWish
{
	Oid			relation;
	const char *column;
	Jsonb	   *watch;			/* NULL: none given */
} WatchWish;

/* ---------------------------------------------------------------- entries of JSON arguments */

/* "events -> purchase", as errors call it. */
typedef struct Entry
{
	const char *where;
	JsonbContainer *object;
} Entry;

static void pg_attribute_noreturn()
fail_entry(const Entry *entry, const char *member, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of %s %s", member, entry->where, what),
			 errhint("An entry is written like {\"table\": \"shop.orders\", \"customer\": \"customer_id\", \"at\": \"ordered_at\"}.")));
}

static JsonbValue *
find_member(const Entry *entry, const char *name, enum jbvType type, const char *what)
{
	JsonbValue	key;
	JsonbValue *value;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = (int) strlen(name);
	value = findJsonbValueFromContainer(entry->object, JB_FOBJECT, &key);
	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != type)
		fail_entry(entry, name, psprintf("must be %s", what));
	return value;
}

/* NULL where it is not there. */
static char *
text_member(const Entry *entry, const char *name, bool required)
{
	JsonbValue *value = find_member(entry, name, jbvString, "a string");

	if (value == NULL && required)
		fail_entry(entry, name, "is missing");
	if (value != NULL && value->val.string.len == 0)
		fail_entry(entry, name, "must not be empty");
	return value == NULL ? NULL : pnstrdup(value->val.string.val, value->val.string.len);
}

static Jsonb *
object_member(const Entry *entry, const char *name)
{
	JsonbValue *value = find_member(entry, name, jbvBinary, "an object");

	if (value != NULL && !JsonContainerIsObject(value->val.binary.data))
		fail_entry(entry, name, "must be an object");
	return value == NULL ? NULL : JsonbValueToJsonb(value);
}

/* What would be ignored shows a misunderstanding. */
static void
guard_members(const Entry *entry, const char *const *known, int n)
{
	JsonbIterator *it = JsonbIteratorInit(entry->object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		char	   *name = token == WJB_KEY ? pnstrdup(value.val.string.val, value.val.string.len) : NULL;
		bool		found = name == NULL;

		for (int k = 0; k < n && !found; k++)
			found = strcmp(name, known[k]) == 0;
		if (!found)
			fail_entry(entry, name, "means nothing");
	}
}

/* As the caller would find it in a statement. */
static Oid
relation_member(const Entry *entry)
{
	char	   *name = text_member(entry, "table", true);
	RangeVar   *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));

	return RangeVarGetRelid(range, NoLock, false);
}

/* ---------------------------------------------------------------- what is read of the shop */

/* Narrower numbers mean customers as well. */
static void
require_customer(const ActivityTableDef *def, const char *role, Oid relation, const char *column)
{
	KeyType		type = key_type(setup_require_column(role, relation, column), role);

	if (type == def->key_type || (key_is_number(type) && key_is_number(def->key_type) && type < def->key_type))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("customers are of type %s in %s, and of type %s in %s", key_type_name(def->key_type),
					registry_name(def->customers), key_type_name(type), registry_name(relation)),
			 errdetail("Column \"%s\" of %s was given as %s.", column, registry_name(relation), role),
			 errhint("A view can cast, as in SELECT %s::%s, ...", column, key_type_name(def->key_type))));
}

static char *
name_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(argument)));
}

/* The column of our table is called as that of the shop, and so must not be called as one of our own. */
static void
read_key(FunctionCallInfo fcinfo, ActivityTableDef *def)
{
	def->customers = PG_GETARG_OID(ARG_CUSTOMERS);
	setup_require_source("customers", def->customers);
	def->key = name_argument(fcinfo, ARG_KEY);
	def->key_type = key_type(setup_require_column("key", def->customers, def->key), "key");
	if (strcmp(def->key, "activity") == 0 || strcmp(def->key, "ordinal") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("key cannot be a column of the name \"%s\"", def->key),
				 errdetail("The activity table has a column of that name beside the key."),
				 errhint("A view can give it another name.")));
}

static void
read_consent(FunctionCallInfo fcinfo, ActivityTableDef *def)
{
	Oid			type;

	def->consent = name_argument(fcinfo, ARG_CONSENT);
	if (def->consent == NULL)
		return;
	type = getBaseType(setup_require_column("consent", def->customers, def->consent));
	if (type != JSONBOID && !type_is_array(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("consent cannot be of type %s", format_type_be(type)),
				 errdetail("Column \"%s\" of %s must be an array of channels, or jsonb.", def->consent, registry_name(def->customers))));
}

/* What the session has, unless something is said: from now on it is written down. */
static void
read_zone(FunctionCallInfo fcinfo, ActivityTableDef *def)
{
	pg_tz	   *zone;

	def->zone = name_argument(fcinfo, ARG_ZONE);
	if (def->zone != NULL)
		setup_require_column("zone", def->customers, def->zone);
	if (PG_ARGISNULL(ARG_DEFAULT_ZONE))
	{
		def->default_zone = pstrdup(pg_get_timezone_name(session_timezone));
		return;
	}
	def->default_zone = text_to_cstring(PG_GETARG_TEXT_PP(ARG_DEFAULT_ZONE));
	zone = strlen(def->default_zone) > TZ_STRLEN_MAX || def->default_zone[0] == '\0' ? NULL : pg_tzset(def->default_zone);
	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" of default_zone does not exist", def->default_zone),
				 errhint("pg_timezone_names lists those that there are.")));
}

static void
read_scores(FunctionCallInfo fcinfo, ActivityTableDef *def, Jsonb **watch)
{
	static const char *const members[] = {"table", "customer", "model", "score", "watch"};
	Entry		entry = {"scores", NULL};

	if (PG_ARGISNULL(ARG_SCORES))
		return;
	entry.object = &PG_GETARG_JSONB_P(ARG_SCORES)->root;
	if (!JsonContainerIsObject(entry.object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scores must be an object"),
				 errhint("For example {\"table\": \"shop.scores\", \"customer\": \"customer_id\", \"model\": \"model\", \"score\": \"score\"}.")));
	guard_members(&entry, members, lengthof(members));
	def->scores = relation_member(&entry);
	setup_require_source("scores", def->scores);
	def->scores_customer = text_member(&entry, "customer", true);
	def->scores_model = text_member(&entry, "model", true);
	def->scores_score = text_member(&entry, "score", true);
	require_customer(def, "customer of scores", def->scores, def->scores_customer);
	setup_require_column("model of scores", def->scores, def->scores_model);
	setup_require_number("score of scores", def->scores, def->scores_score,
						 setup_require_column("score of scores", def->scores, def->scores_score));
	*watch = object_member(&entry, "watch");
}

/* ---------------------------------------------------------------- events */

static void
guard_event_name(const char *name)
{
	if (strlen(name) == 0 || strlen(name) > ACTIVITY_MAX_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of an event must have 1 to %d bytes, not %zu", ACTIVITY_MAX_NAME, strlen(name))));
}

static void
read_event_column(const Entry *entry, const char *name, ActivitySource *source)
{
	bool		any = strcmp(name, ANY_EVENT) == 0;

	source->event_column = text_member(entry, "event", any);
	if (!any && source->event_column != NULL)
		fail_entry(entry, "event", "is for kinds that a column names: call the entry \"" ANY_EVENT "\"");
	if (any)
		setup_require_column("event", source->relation, source->event_column);
	else
	{
		guard_event_name(name);
		source->event = pstrdup(name);
	}
}

static void
read_entry(const ActivityTableDef *def, const char *name, JsonbValue *value, ActivitySource *source, Jsonb **watch)
{
	static const char *const members[] = {"table", "customer", "at", "amount", "event", "watch"};
	Entry		entry = {psprintf("event \"%s\"", name), NULL};

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be an object", entry.where),
				 errhint("For example {\"table\": \"shop.orders\", \"customer\": \"customer_id\", \"at\": \"ordered_at\"}.")));
	entry.object = value->val.binary.data;
	guard_members(&entry, members, lengthof(members));
	source->relation = relation_member(&entry);
	setup_require_source(entry.where, source->relation);
	source->customer = text_member(&entry, "customer", true);
	source->at = text_member(&entry, "at", true);
	source->amount = text_member(&entry, "amount", false);
	require_customer(def, "customer", source->relation, source->customer);
	setup_require_times("at", source->relation, source->at, setup_require_column("at", source->relation, source->at));
	if (source->amount != NULL)
		setup_require_number("amount", source->relation, source->amount,
							 setup_require_column("amount", source->relation, source->amount));
	read_event_column(&entry, name, source);
	*watch = object_member(&entry, "watch");
}

/* In the order of the names, which is that of jsonb. */
static void
read_events(FunctionCallInfo fcinfo, ActivityTableDef *def, Jsonb **watches)
{
	Jsonb	   *events = PG_GETARG_JSONB_P(ARG_EVENTS);
	JsonbIterator *it = JsonbIteratorInit(&events->root);
	JsonbValue	value;
	JsonbIteratorToken token;
	char	   *name = NULL;

	if (!JB_ROOT_IS_OBJECT(events) || JB_ROOT_COUNT(events) == 0 || JB_ROOT_COUNT(events) > MAX_SOURCES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("events must be an object with 1 to %d kinds of events", MAX_SOURCES),
				 errhint("For example {\"purchase\": {\"table\": \"shop.orders\", \"customer\": \"customer_id\", \"at\": \"ordered_at\"}}.")));
	def->sources = palloc0(JB_ROOT_COUNT(events) * sizeof(ActivitySource));
	/* the object itself; then its members, whose objects come as a whole */
	JsonbIteratorNext(&it, &value, false);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
		{
			read_entry(def, name, &value, &def->sources[def->num_sources], &watches[def->num_sources]);
			def->num_sources++;
		}
	}
}

/* ---------------------------------------------------------------- watching */

/* A table is watched once, so its rows name their customer in one way. */
static void
guard_one_key(const WatchWish *first, const WatchWish *wish)
{
	if (strcmp(first->column, wish->column) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be of customers in column \"%s\" and in column \"%s\"", registry_name(wish->relation),
						first->column, wish->column),
				 errhint("Make a view for one of them, and watch the table with an expression that gives both, as in unnest(ARRAY[%s, %s]).",
						 first->column, wish->column)));
}

static void
add_wish(WatchWish *wishes, int *n, Oid relation, const char *column, Jsonb *watch)
{
	WatchWish	wish = {relation, column, watch};

	for (int w = 0; w < *n; w++)
		if (wishes[w].relation == relation)
		{
			guard_one_key(&wishes[w], &wish);
			if (wishes[w].watch == NULL)
				wishes[w].watch = watch;
			return;
		}
	wishes[(*n)++] = wish;
}

/* Tables first: what a view reads may be watched already then. */
static void
watch_all(const ActivityTableDef *def, const WatchWish *wishes, int n, bool replica)
{
	for (int views = 0; views <= 1; views++)
		for (int w = 0; w < n; w++)
			if ((get_rel_relkind(wishes[w].relation) == RELKIND_VIEW) == (views == 1))
				setup_watch(def->id, wishes[w].relation, wishes[w].column, def->key_type, wishes[w].watch, replica);
}

/* ---------------------------------------------------------------- create_activity */

static void
create_tables(ActivityTableDef *def, const NewTable *table)
{
	const char *key = quote_identifier(def->key);
	const char *type = setup_key_column(def->key_type);

	def->id = registry_next_id();
	def->relation = setup_create_table(table, NULL,
									   psprintf("%s %s PRIMARY KEY, activity personalize.activity NOT NULL%s", key, type,
												key_is_number(def->key_type) ? "" : ", ordinal pg_catalog.int8 NOT NULL UNIQUE"),
									   "fillfactor = 80");
	def->log = setup_create_table(table, "log", psprintf("%s %s, reason pg_catalog.text", strcmp(def->key, "reason") == 0 ? "customer" : key, type),
								  SETUP_LOG_OPTIONS);
}

/* As for a history: a snapshot of the whole transaction is older than the triggers. */
static void
first_build(const ActivityTableDef *def)
{
	RefreshReport report;

	if (IsolationUsesXactSnapshot())
		ereport(NOTICE,
				(errmsg("%s is empty until its first refresh", registry_name(def->relation)),
				 errdetail("A transaction of isolation level REPEATABLE READ or SERIALIZABLE cannot see what was committed since it began."),
				 errhint("CALL personalize.refresh(%s); after this transaction.",
						 quote_literal_cstr(registry_name(def->relation)))));
	else
		activity_table_refresh(def->id, REFRESH_REBUILD, true, &report);
}

static void
require_arguments(FunctionCallInfo fcinfo)
{
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("customers", PG_ARGISNULL(ARG_CUSTOMERS));
	guard_not_null("key", PG_ARGISNULL(ARG_KEY));
	guard_not_null("events", PG_ARGISNULL(ARG_EVENTS));
}

PG_FUNCTION_INFO_V1(personalize_create_activity);
Datum
personalize_create_activity(PG_FUNCTION_ARGS)
{
	ActivityTableDef def = {.scores = InvalidOid};
	Jsonb	   *watches[MAX_SOURCES] = {NULL};
	Jsonb	   *scores_watch = NULL;
	WatchWish  *wishes = palloc((MAX_SOURCES + 2) * sizeof(WatchWish));
	int			n = 0;
	NewTable	table;

	PreventCommandDuringRecovery("personalize.create_activity()");
	require_arguments(fcinfo);
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	read_key(fcinfo, &def);
	read_events(fcinfo, &def, watches);
	read_zone(fcinfo, &def);
	read_consent(fcinfo, &def);
	read_scores(fcinfo, &def, &scores_watch);
	add_wish(wishes, &n, def.customers, def.key, PG_ARGISNULL(ARG_WATCH) ? NULL : PG_GETARG_JSONB_P(ARG_WATCH));
	for (int s = 0; s < def.num_sources; s++)
		add_wish(wishes, &n, def.sources[s].relation, def.sources[s].customer, watches[s]);
	if (OidIsValid(def.scores))
		add_wish(wishes, &n, def.scores, def.scores_customer, scores_watch);
	create_tables(&def, &table);
	/* registered first: the triggers read their definition from there */
	activity_register(&def);
	watch_all(&def, wishes, n, !PG_ARGISNULL(ARG_REPLICA) && PG_GETARG_BOOL(ARG_REPLICA));
	setup_depend_activity(&def);
	if (PG_ARGISNULL(ARG_BUILD) || PG_GETARG_BOOL(ARG_BUILD))
		first_build(&def);
	PG_RETURN_OID(def.relation);
}

/* ---------------------------------------------------------------- drop_activity */

static void
guard_no_segments(const ActivityTableDef *def)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, segments_of(def->id))
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(((SegmentDef *) lfirst(cell))->relation));
	if (names.len > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("activity table %s has segments", registry_name(def->relation)),
				 errdetail("They are %s.", names.data),
				 errhint("Drop them with personalize.drop_segment() first.")));
}

PG_FUNCTION_INFO_V1(personalize_drop_activity);
Datum
personalize_drop_activity(PG_FUNCTION_ARGS)
{
	ActivityTableDef *def = activity_require_table(PG_GETARG_OID(0));
	char	   *name = registry_name(def->relation);
	bool		busy;

	PreventCommandDuringRecovery("personalize.drop_activity()");
	registry_require_owner(def->relation);
	/* a refresh that is running would otherwise write to a table that goes */
	if (!activity_table_lock(def->id, true, &busy))
		registry_fail_gone("activity table", name);
	guard_no_segments(def);
	setup_depend_activity(def);
	setup_unwatch(def->id);
	setup_drop_table(def->relation);
	PG_RETURN_VOID();
}
