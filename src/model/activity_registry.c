/*
 * activity_registry.c
 *		The tables personalize.activity_table and personalize.activity_source.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "model/activity_source.h"
#include "model/registry_rows.h"
#include "model/segment.h"

/* ---------------------------------------------------------------- reading */

static void *
read_source(const RegistryRow *row)
{
	ActivitySource *source = palloc0(sizeof(ActivitySource));

	source->relation = DatumGetObjectId(row_datum(row, "relation"));
	source->customer = row_name(row, "customer");
	source->at = row_name(row, "at");
	source->amount = row_name(row, "amount");
	source->event = row_text(row, "event");
	source->event_column = row_name(row, "event_column");
	return source;
}

static void *
read_table(const RegistryRow *row)
{
	ActivityTableDef *def = palloc0(sizeof(ActivityTableDef));

	def->id = DatumGetInt32(row_datum(row, "id"));
	def->relation = DatumGetObjectId(row_datum(row, "relation"));
	def->log = DatumGetObjectId(row_datum(row, "log"));
	def->customers = DatumGetObjectId(row_datum(row, "customers"));
	def->key = row_name(row, "key");
	def->key_type = key_type(DatumGetObjectId(row_datum(row, "key_type")), "key");
	def->zone = row_name(row, "zone");
	def->default_zone = row_text(row, "default_zone");
	def->consent = row_name(row, "consent");
	def->scores = DatumGetObjectId(row_datum(row, "scores"));
	def->scores_customer = row_name(row, "scores_customer");
	def->scores_model = row_name(row, "scores_model");
	def->scores_score = row_name(row, "scores_score");
	def->built = DatumGetBool(row_datum(row, "built"));
	def->num_customers = row_bigint(row, "num_customers");
	def->next_ordinal = row_bigint(row, "next_ordinal");
	def->refreshed = row_time(row, "refreshed");
	def->rebuilt = row_time(row, "rebuilt");
	def->last_customers = row_bigint(row, "last_customers");
	def->last_ms = row_float(row, "last_ms");
	return def;
}

/* In the order of create_activity, which is that of the names. */
static ActivityTableDef *
with_sources(ActivityTableDef *def)
{
	static RegistryQuery query = {"SELECT s.* FROM personalize.activity_source AS s WHERE s.id OPERATOR(pg_catalog.=) $1 ORDER BY s.place", INT4OID};
	List	   *sources;
	ListCell   *cell;

	if (def == NULL)
		return NULL;
	sources = registry_query(&query, Int32GetDatum(def->id), read_source);
	def->sources = palloc0((list_length(sources) + 1) * sizeof(ActivitySource));
	foreach(cell, sources)
		def->sources[def->num_sources++] = *(ActivitySource *) lfirst(cell);
	return def;
}

/* ---------------------------------------------------------------- look-ups */

ActivityTableDef *
activity_table(Oid relation)
{
	static RegistryQuery query = {"SELECT a.* FROM personalize.activity_table AS a WHERE a.relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return with_sources(registry_query_first(&query, ObjectIdGetDatum(relation), read_table));
}

static RegistryQuery table_of_id =
{"SELECT a.* FROM personalize.activity_table AS a WHERE a.id OPERATOR(pg_catalog.=) $1", INT4OID};

ActivityTableDef *
activity_table_by_id(int32 id)
{
	return with_sources(registry_query_first(&table_of_id, Int32GetDatum(id), read_table));
}

List *
activity_tables(void)
{
	static RegistryQuery query = {"SELECT a.* FROM personalize.activity_table AS a ORDER BY a.id"};
	List	   *all = registry_query(&query, (Datum) 0, read_table);
	ListCell   *cell;

	foreach(cell, all)
		with_sources(lfirst(cell));
	return all;
}

/* Definitions never change, so only the state is taken over. */
void
activity_table_as_seen(ActivityTableDef *def)
{
	List	   *seen = registry_query_as(true, &table_of_id, Int32GetDatum(def->id), read_table);
	const ActivityTableDef *state = seen == NIL ? NULL : linitial(seen);

	def->built = state != NULL && state->built;
	def->num_customers = state ? state->num_customers : 0;
	def->next_ordinal = state ? state->next_ordinal : 0;
	def->refreshed = state ? state->refreshed : DT_NOBEGIN;
	def->rebuilt = state ? state->rebuilt : DT_NOBEGIN;
	def->last_customers = state ? state->last_customers : 0;
	def->last_ms = state ? state->last_ms : 0;
}

ActivityTableDef *
activity_require_table(Oid relation)
{
	ActivityTableDef *def = activity_table(relation);

	if (def == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not an activity table", registry_name(relation)),
				 errhint("personalize.create_activity() makes one; personalize.status lists those that there are.")));
	return def;
}

static char *
list_names(List *tables)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, tables)
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(((ActivityTableDef *) lfirst(cell))->relation));
	return names.data;
}

ActivityTableDef *
activity_table_of_customers(Oid customers)
{
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, activity_tables())
		if (((ActivityTableDef *) lfirst(cell))->customers == customers)
			found = lappend(found, lfirst(cell));
	if (found == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no activity table of the customers in %s", registry_name(customers)),
				 errhint("Make one with personalize.create_activity().")));
	if (list_length(found) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
				 errmsg("there are several activity tables of the customers in %s", registry_name(customers)),
				 errdetail("They are %s.", list_names(found)),
				 errhint("Say which one with activity => '%s'.", registry_name(((ActivityTableDef *) linitial(found))->relation))));
	return linitial(found);
}

List *
activity_relations(const ActivityTableDef *def)
{
	List	   *relations = list_make1_oid(def->customers);

	for (int s = 0; s < def->num_sources; s++)
		relations = list_append_unique_oid(relations, def->sources[s].relation);
	return OidIsValid(def->scores) ? list_append_unique_oid(relations, def->scores) : relations;
}

/* ---------------------------------------------------------------- what is read of each relation */

static List *
add_column(List *columns, char *name)
{
	return name == NULL ? columns : lappend(columns, name);
}

List *
activity_columns(const ActivityTableDef *def, Oid relation)
{
	List	   *columns = NIL;

	if (relation == def->customers)
	{
		columns = add_column(columns, def->key);
		columns = add_column(columns, def->zone);
		columns = add_column(columns, def->consent);
	}
	for (int s = 0; s < def->num_sources; s++)
	{
		const ActivitySource *source = &def->sources[s];

		if (source->relation != relation)
			continue;
		columns = add_column(columns, source->customer);
		columns = add_column(columns, source->at);
		columns = add_column(columns, source->amount);
		columns = add_column(columns, source->event_column);
	}
	if (OidIsValid(def->scores) && relation == def->scores)
	{
		columns = add_column(columns, def->scores_customer);
		columns = add_column(columns, def->scores_model);
		columns = add_column(columns, def->scores_score);
	}
	return columns;
}

/* The column itself, or something inside of it. */
static bool
names_column(const RuleNode *leaf, const char *column)
{
	size_t		size = strlen(column);

	return leaf->type == RULE_ATTR && leaf->name.size >= size && memcmp(leaf->name.bytes, column, size) == 0 &&
		(leaf->name.size == size || leaf->name.bytes[size] == '.');
}

bool
activity_rules_name(const ActivityTableDef *def, const char *column)
{
	ServerEnv	server;
	ListCell   *cell;

	server_env_init(&server, CurrentMemoryContext);
	foreach(cell, segments_of(def->id))
	{
		Rule	   *rule = rule_read(&server.env, ((SegmentDef *) lfirst(cell))->rule);

		for (uint32 i = 0; i < rule->num_nodes; i++)
			if (names_column(&rule->nodes[i], column))
				return true;
	}
	return false;
}

/* ---------------------------------------------------------------- writing */

static void
add_source(int32 id, int place, const ActivitySource *source)
{
	static RegistryWrite write = {"INSERT INTO personalize.activity_source (id, relation, place, event, event_column, customer, at, amount)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, id);
	argument_relation(&arguments, source->relation);
	argument_int(&arguments, place);
	argument(&arguments, TEXTOID, source->event ? CStringGetTextDatum(source->event) : (Datum) 0, source->event == NULL);
	argument_name(&arguments, source->event_column);
	argument_name(&arguments, source->customer);
	argument_name(&arguments, source->at);
	argument_name(&arguments, source->amount);
	registry_run(&write, &arguments);
}

void
activity_register(const ActivityTableDef *def)
{
	static RegistryWrite write = {"INSERT INTO personalize.activity_table"
		" (id, relation, log, customers, key, key_type, zone, default_zone, consent, scores, scores_customer, scores_model, scores_score)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->id);
	argument_relation(&arguments, def->relation);
	argument_relation(&arguments, def->log);
	argument_relation(&arguments, def->customers);
	argument_name(&arguments, def->key);
	argument_key_type(&arguments, def->key_type);
	argument_name(&arguments, def->zone);
	argument(&arguments, TEXTOID, CStringGetTextDatum(def->default_zone), false);
	argument_name(&arguments, def->consent);
	argument_relation(&arguments, def->scores);
	argument_name(&arguments, def->scores_customer);
	argument_name(&arguments, def->scores_model);
	argument_name(&arguments, def->scores_score);
	registry_run(&write, &arguments);
	for (int s = 0; s < def->num_sources; s++)
		add_source(def->id, s, &def->sources[s]);
}

/* First write of a refresh: see registry_refresh_begins. */
void
activity_refresh_begins(const ActivityTableDef *def)
{
	static RegistryWrite write = {"UPDATE personalize.activity_table SET refreshes = refreshes OPERATOR(pg_catalog.+) 1"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->id);
	registry_run_state(&write, &arguments, def->relation);
}

/* The instant that memberships are of, and not the start of the transaction, is what counts here. */
void
activity_refreshed(const ActivityTableDef *def, const RefreshReport *report)
{
	static RegistryWrite write = {"UPDATE personalize.activity_table"
		" SET built = $2, num_customers = $3, next_ordinal = $4, refreshed = $5, last_customers = $6, last_ms = $7,"
		" rebuilt = CASE WHEN $8 THEN $5 ELSE rebuilt END"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->id);
	argument_bool(&arguments, def->built);
	argument_bigint(&arguments, def->num_customers);
	argument_bigint(&arguments, def->next_ordinal);
	argument_time(&arguments, def->refreshed);
	argument_bigint(&arguments, report->baskets);
	argument_float(&arguments, report->ms, false);
	argument_bool(&arguments, report->rebuilt);
	registry_run_state(&write, &arguments, def->relation);
}
