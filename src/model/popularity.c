/*
 * popularity.c
 *		Popularity models in the registry, and as kinds of followers.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "model/popularity.h"
#include "model/popularity_counts.h"
#include "model/registry_rows.h"
#include "model/table_layout.h"

/* ---------------------------------------------------------------- the registry */

static const FollowerKind *const kinds[] = {
	[POPULARITY_SHARE] = &popularity_follower,
	[POPULARITY_TRENDING] = &trending_follower,
	[POPULARITY_CONVERSION] = &conversion_follower,
	[POPULARITY_REPEAT] = &repeat_follower,
};

/* A row that was restored from another version may name what this one does not know. */
static PopularityKind
find_kind(const char *name)
{
	for (int k = 0; k < lengthof(kinds); k++)
		if (strcmp(kinds[k]->name, name) == 0)
			return k;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("personalize.popularity has a row of unknown kind \"%s\"", name)));
}

/* An interval as one number, by the same rule everywhere; 0: none. */
static Decay
decay_of(const Interval *interval)
{
	Decay		decay = {0};

	if (interval != NULL)
		decay.half_life = (int64) (registry_interval_days(interval) * USECS_PER_DAY);
	return decay;
}

static void
read_segments(const RegistryRow *row, PopularityDef *def)
{
	Datum	   *by = row_array(row, "by", NAMEOID, &def->num_by);

	def->segments = DatumGetObjectId(row_datum(row, "segments"));
	def->key = row_name(row, "key");
	def->by = palloc0(sizeof(char *) * (def->num_by + 1));
	for (int i = 0; i < def->num_by; i++)
		def->by[i] = pstrdup(NameStr(*DatumGetName(by[i])));
}

static void
read_state(const RegistryRow *row, PopularityDef *def)
{
	int			n;
	Datum	   *epochs = row_array(row, "first_epochs", INT4OID, &n);

	for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
		def->first_epoch[what] = what < n ? DatumGetInt32(epochs[what]) : INT32_MIN;
	def->as_of = row_time(row, "as_of");
	def->follower.built = DatumGetBool(row_datum(row, "built"));
	def->follower.refreshed = row_time(row, "refreshed");
	def->follower.rebuilt = row_time(row, "rebuilt");
	def->follower.last_items = row_bigint(row, "last_items");
	def->follower.last_ms = row_float(row, "last_ms");
}

void
popularity_set_decay(PopularityDef *def)
{
	def->decay[0] = decay_of(def->half_life);
	def->decay[1] = decay_of(def->ranks == POPULARITY_TRENDING ? def->baseline : def->half_life);
}

static void *
read_popularity(const RegistryRow *row)
{
	PopularityDef *def = palloc0(sizeof(PopularityDef));

	def->ranks = find_kind(row_text(row, "kind"));
	def->follower.kind = kinds[def->ranks];
	def->follower.id = DatumGetInt32(row_datum(row, "id"));
	def->follower.relation = DatumGetObjectId(row_datum(row, "relation"));
	def->follower.history_id = DatumGetInt32(row_datum(row, "history_id"));
	def->follower.target_id = DatumGetInt32(row_datum(row, "target_id"));
	def->counts = DatumGetObjectId(row_datum(row, "counts"));
	def->members = DatumGetObjectId(row_datum(row, "members"));
	def->item_type = key_type(DatumGetObjectId(row_datum(row, "item_type")), "item");
	def->half_life = row_interval(row, "half_life");
	def->baseline = row_interval(row, "baseline");
	def->alpha = row_float(row, "alpha");
	def->kappa = row_float(row, "kappa");
	def->keep = DatumGetInt32(row_datum(row, "keep"));
	popularity_set_decay(def);
	read_segments(row, def);
	read_state(row, def);
	return def;
}

static List *
popularity_all(const FollowerKind *kind)
{
	static RegistryQuery query = {"SELECT p.* FROM personalize.popularity AS p WHERE p.kind OPERATOR(pg_catalog.=) $1 ORDER BY p.id", TEXTOID};

	return registry_query(&query, CStringGetTextDatum(kind->name), read_popularity);
}

static RegistryQuery by_id = {"SELECT p.* FROM personalize.popularity AS p WHERE p.id OPERATOR(pg_catalog.=) $1", INT4OID};

PopularityDef *
popularity_by_id(int32 id)
{
	return registry_query_first(&by_id, Int32GetDatum(id), read_popularity);
}

PopularityDef *
popularity_of_relation(Oid relation)
{
	static RegistryQuery query = {"SELECT p.* FROM personalize.popularity AS p WHERE p.relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return registry_query_first(&query, ObjectIdGetDatum(relation), read_popularity);
}

/* All of them: a change of a relation that is read as segments by anybody is a change for them. */
List *
popularity_models(void)
{
	static RegistryQuery query = {"SELECT p.* FROM personalize.popularity AS p ORDER BY p.id", InvalidOid};

	return registry_query(&query, (Datum) 0, read_popularity);
}

void
popularity_as_seen(PopularityDef *def)
{
	List	   *seen = registry_query_as(true, &by_id, Int32GetDatum(def->follower.id), read_popularity);

	if (seen != NIL)
		*def = *(PopularityDef *) linitial(seen);
	else
		def->follower.built = false;
}

static void
argument_names(RegistryArguments *arguments, char **names, int n)
{
	Datum	   *elements = palloc0(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		Name		name = palloc0(sizeof(NameData));

		namestrcpy(name, names[i]);
		elements[i] = NameGetDatum(name);
	}
	argument_array(arguments, NAMEARRAYOID, NAMEOID, elements, n, n == 0);
}

void
popularity_add(const PopularityDef *def)
{
	static RegistryWrite write = {"INSERT INTO personalize.popularity"
		" (id, relation, counts, members, history_id, target_id, kind, item_type, half_life, baseline, alpha, kappa, segments, key, by, keep)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->follower.id);
	argument_relation(&arguments, def->follower.relation);
	argument_relation(&arguments, def->counts);
	argument_relation(&arguments, def->members);
	argument_int(&arguments, def->follower.history_id);
	argument_optional_int(&arguments, def->follower.target_id);
	argument(&arguments, TEXTOID, CStringGetTextDatum(def->follower.kind->name), false);
	argument_key_type(&arguments, def->item_type);
	argument_interval(&arguments, def->half_life);
	argument_interval(&arguments, def->baseline);
	argument_float(&arguments, def->alpha, def->ranks != POPULARITY_TRENDING);
	argument_float(&arguments, def->kappa, false);
	argument_relation(&arguments, def->segments);
	argument_name(&arguments, def->key);
	argument_names(&arguments, def->by, def->num_by);
	argument_int(&arguments, def->keep);
	registry_run(&write, &arguments);
}

static void
popularity_refreshed(const FollowerDef *follower, const RefreshReport *report)
{
	static RegistryWrite write = {"UPDATE personalize.popularity"
		" SET built = $2, first_epochs = $3, as_of = $4, last_items = $5, last_ms = $6, refreshed = pg_catalog.now(),"
		" rebuilt = CASE WHEN $7 THEN pg_catalog.now() ELSE rebuilt END"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	const PopularityDef *def = (const PopularityDef *) follower;
	RegistryArguments arguments = {0};
	Datum		epochs[POPULARITY_MAX_WHAT];

	for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
		epochs[what] = Int32GetDatum(def->first_epoch[what]);
	argument_int(&arguments, follower->id);
	argument_bool(&arguments, follower->built);
	argument_array(&arguments, INT4ARRAYOID, INT4OID, epochs, POPULARITY_MAX_WHAT, false);
	argument_time(&arguments, def->as_of);
	argument_bigint(&arguments, report->items);
	argument_float(&arguments, report->ms, false);
	argument_bool(&arguments, report->rebuilt);
	registry_run_state(&write, &arguments, follower->relation);
}

/* ---------------------------------------------------------------- as followers */

static List *
popularity_tables(const FollowerDef *follower)
{
	const PopularityDef *def = (const PopularityDef *) follower;
	List	   *tables = list_make1_oid(def->counts);

	return OidIsValid(def->members) ? lappend_oid(tables, def->members) : tables;
}

static List *
popularity_sources(const FollowerDef *follower)
{
	const PopularityDef *def = (const PopularityDef *) follower;

	return OidIsValid(def->segments) ? list_make1_oid(def->segments) : NIL;
}

static void
append_interval(StringInfo out, const char *role, Interval *interval)
{
	if (interval != NULL)
		appendStringInfo(out, ", %s %s", role, DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval))));
}

/* In the words of the arguments. */
static char *
popularity_definition(const FollowerDef *follower)
{
	const PopularityDef *def = (const PopularityDef *) follower;
	HistoryDef *target = follower->target_id ? registry_history_by_id(follower->target_id) : NULL;
	StringInfoData out;

	initStringInfo(&out);
	if (target != NULL)
		appendStringInfo(&out, "to %s, ", registry_name(target->relation));
	appendStringInfo(&out, "keep %d", def->keep);
	append_interval(&out, "half_life", def->half_life);
	append_interval(&out, "baseline", def->baseline);
	if (def->ranks == POPULARITY_TRENDING)
		appendStringInfo(&out, ", alpha %g", def->alpha);
	if (def->num_by > 0 || def->ranks == POPULARITY_REPEAT)
		appendStringInfo(&out, ", kappa %g", def->kappa);
	if (def->num_by > 0)
		appendStringInfo(&out, ", by %s (%s:", registry_name(def->segments), quote_identifier(def->key));
	for (int i = 0; i < def->num_by; i++)
		appendStringInfo(&out, "%s%s", i > 0 ? ", " : " ", quote_identifier(def->by[i]));
	if (def->num_by > 0)
		appendStringInfoChar(&out, ')');
	return out.data;
}

/* The type of the table's columns; none may be null. */
static void
popularity_require_layout(const FollowerDef *follower)
{
	const PopularityDef *def = (const PopularityDef *) follower;
	HistoryDef *history = registry_require_history_of(follower->relation, follower->history_id);
	const Oid	face[POPULAR_NUM_COLUMNS] = {
		TEXTARRAYOID, FLOAT8OID, get_array_type(key_type_oid(def->item_type)), FLOAT8ARRAYOID, FLOAT8ARRAYOID
	};
	const Oid	counts[COUNTER_NUM_COLUMNS] = {TEXTARRAYOID, INT4OID, INT2OID, BYTEAOID};
	const Oid	members[MEMBER_NUM_COLUMNS] = {key_type_oid(history->basket_type), TEXTARRAYOID};

	layout_require_table(follower->relation, POPULAR_NUM_COLUMNS, face, 1);
	layout_require_table(def->counts, COUNTER_NUM_COLUMNS, counts, COUNTER_NUM_KEYS);
	if (OidIsValid(def->members))
		layout_require_table(def->members, MEMBER_NUM_COLUMNS, members, 1);
}

static char *
interval_argument(Interval *interval)
{
	if (interval == NULL)
		return "NULL";
	return quote_literal_cstr(DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(interval))));
}

/* Of a table: whoever makes a copy of the model makes one of a view as well. */
static void
append_segments(StringInfo call, const PopularityDef *def)
{
	if (def->num_by == 0)
		return;
	appendStringInfo(call, ", segments => %u::pg_catalog.oid::pg_catalog.regclass, key => %s, by => ARRAY[", def->segments, quote_literal_cstr(def->key));
	for (int i = 0; i < def->num_by; i++)
		appendStringInfo(call, "%s%s", i > 0 ? ", " : "", quote_literal_cstr(def->by[i]));
	appendStringInfoString(call, "]::pg_catalog.name[]");
}

static char *
popularity_same_call(const FollowerDef *follower, const char *name, Oid history, Oid target)
{
	const PopularityDef *def = (const PopularityDef *) follower;
	StringInfoData call;

	initStringInfo(&call);
	appendStringInfo(&call, "SELECT personalize.create_%s(%s, %u::pg_catalog.oid::pg_catalog.regclass", follower->kind->name,
					 quote_literal_cstr(name), history);
	if (OidIsValid(target))
		appendStringInfo(&call, ", target => %u::pg_catalog.oid::pg_catalog.regclass", target);
	appendStringInfo(&call, ", half_life => %s", interval_argument(def->half_life));
	if (def->ranks == POPULARITY_TRENDING)
		appendStringInfo(&call, ", baseline => %s, alpha => %.17g", interval_argument(def->baseline), def->alpha);
	appendStringInfo(&call, ", kappa => %.17g, keep => %d", def->kappa, def->keep);
	append_segments(&call, def);
	appendStringInfoString(&call, ", build => false)");
	return call.data;
}

/* What they share. */
#define POPULARITY_FOLLOWER(kind_name) { \
	.name = kind_name, \
	.all = popularity_all, \
	.begin = popularity_begin, \
	.change = popularity_change, \
	.finish = popularity_finish, \
	.build = popularity_build, \
	.refreshed = popularity_refreshed, \
	.verify = popularity_verify, \
	.require_layout = popularity_require_layout, \
	.tables = popularity_tables, \
	.sources = popularity_sources, \
	.definition = popularity_definition, \
	.same_call = popularity_same_call, \
}

const FollowerKind popularity_follower = POPULARITY_FOLLOWER("popularity");
const FollowerKind trending_follower = POPULARITY_FOLLOWER("trending");
const FollowerKind conversion_follower = POPULARITY_FOLLOWER("conversion");
const FollowerKind repeat_follower = POPULARITY_FOLLOWER("repeat");
