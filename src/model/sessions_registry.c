/*
 * sessions_registry.c
 *		The table personalize.sessions.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"

#include "model/registry_rows.h"
#include "model/sessions.h"

static void *
read_sessions(const RegistryRow *row)
{
	SessionsDef *def = palloc0(sizeof(SessionsDef));

	def->follower.kind = &sessions_follower;
	def->follower.id = DatumGetInt32(row_datum(row, "id"));
	def->follower.relation = DatumGetObjectId(row_datum(row, "relation"));
	def->follower.history_id = DatumGetInt32(row_datum(row, "history_id"));
	def->follower.built = DatumGetBool(row_datum(row, "built"));
	def->follower.refreshed = row_time(row, "refreshed");
	def->follower.rebuilt = row_time(row, "rebuilt");
	def->follower.last_items = row_bigint(row, "last_items");
	def->follower.last_ms = row_float(row, "last_ms");
	def->item_type = key_type(DatumGetObjectId(row_datum(row, "item_type")), "item");
	def->basket_type = key_type(DatumGetObjectId(row_datum(row, "basket_type")), "basket");
	def->recent = DatumGetInt32(row_datum(row, "recent"));
	def->longest = DatumGetInt32(row_datum(row, "longest"));
	def->num_sessions = row_bigint(row, "num_sessions");
	def->writer = DatumGetTransactionId(row_datum(row, "xmin"));
	return def;
}

List *
sessions_all(const FollowerKind *kind)
{
	static RegistryQuery query = {"SELECT xmin, * FROM personalize.sessions ORDER BY id"};

	return registry_query(&query, (Datum) 0, read_sessions);
}

SessionsDef *
sessions_of_relation(Oid relation)
{
	static RegistryQuery query = {"SELECT xmin, * FROM personalize.sessions WHERE relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return registry_query_first(&query, ObjectIdGetDatum(relation), read_sessions);
}

void
sessions_as_seen(SessionsDef *def)
{
	static RegistryQuery query = {"SELECT xmin, * FROM personalize.sessions WHERE id OPERATOR(pg_catalog.=) $1", INT4OID};
	List	   *seen = registry_query_as(true, &query, Int32GetDatum(def->follower.id), read_sessions);

	const SessionsDef *state = seen == NIL ? NULL : linitial(seen);

	def->follower.built = state && state->follower.built;
	def->num_sessions = state ? state->num_sessions : 0;
	def->writer = state ? state->writer : InvalidTransactionId;
}

void
sessions_register(const SessionsDef *def)
{
	static RegistryWrite write = {"INSERT INTO personalize.sessions (id, relation, history_id, item_type, basket_type, recent, longest)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->follower.id);
	argument_relation(&arguments, def->follower.relation);
	argument_int(&arguments, def->follower.history_id);
	argument_key_type(&arguments, def->item_type);
	argument_key_type(&arguments, def->basket_type);
	argument_int(&arguments, def->recent);
	argument_optional_int(&arguments, def->longest);
	registry_run(&write, &arguments);
}

/* In every refresh, so that the row's writer tells readers whether the table is still what they read. */
void
sessions_refreshed(const FollowerDef *follower, const RefreshReport *report)
{
	const SessionsDef *def = (const SessionsDef *) follower;
	static RegistryWrite write = {"UPDATE personalize.sessions"
		" SET built = $2, num_sessions = $3, last_items = $4, last_ms = $5,"
		" refreshed = pg_catalog.now(), rebuilt = CASE WHEN $6 THEN pg_catalog.now() ELSE rebuilt END"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->follower.id);
	argument_bool(&arguments, def->follower.built);
	argument_bigint(&arguments, def->num_sessions);
	argument_bigint(&arguments, report->items);
	argument_float(&arguments, report->ms, false);
	argument_bool(&arguments, report->rebuilt);
	registry_run_state(&write, &arguments, def->follower.relation);
}
