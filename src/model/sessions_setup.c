/*
 * sessions_setup.c
 *		create_sessions, and what refreshes, status and DDL ask of a model of nearest sessions.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/guards.h"
#include "model/refresh.h"
#include "model/sessions.h"
#include "model/setup.h"
#include "model/table_layout.h"

enum {ARG_NAME, ARG_HISTORY, ARG_RECENT, ARG_LONGEST, ARG_BUILD};

/* A list of that many keys and times is still a row that a call can read: 160 kB. */
#define MAX_RECENT 10000
#define MAX_LONGEST 1000000

/* --- create_sessions ------------------------------------------------------- */

static void
require_times(const HistoryDef *history)
{
	if (history->happened == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nearest sessions need a history with happened"),
				 errdetail("Without times, nothing says which sessions are the most recent."),
				 errhint("Create the history with happened => the column of the time.")));
}

static void
read_arguments(FunctionCallInfo fcinfo, const HistoryDef *history, SessionsDef *def)
{
	guard_not_null("recent", PG_ARGISNULL(ARG_RECENT));
	def->follower.kind = &sessions_follower;
	def->follower.history_id = history->id;
	def->item_type = history->item_type;
	def->basket_type = history->basket_type;
	def->recent = guard_int_range("recent", PG_GETARG_INT32(ARG_RECENT), 1, MAX_RECENT);
	if (!PG_ARGISNULL(ARG_LONGEST))
		def->longest = guard_int_range("longest", PG_GETARG_INT32(ARG_LONGEST), 2, MAX_LONGEST);
}

/* Keys and times hardly compress, and a call should not pay for trying to. */
static void
create_table(SessionsDef *def, const HistoryDef *history, const NewTable *table)
{
	OwnerScope	owner;

	registry_enter_owner(history->relation, &owner);
	def->follower.relation =
		setup_create_table(table, NULL,
						   psprintf("item %s PRIMARY KEY, n pg_catalog.float8 NOT NULL,"
									" sessions %s[]%s NOT NULL, happened pg_catalog.timestamptz[] NOT NULL",
									setup_key_column(def->item_type), key_type_name(def->basket_type),
									def->basket_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : ""),
						   "fillfactor = 70");
	setup_execute("ALTER TABLE %s ALTER COLUMN sessions SET STORAGE EXTERNAL, ALTER COLUMN happened SET STORAGE EXTERNAL",
				  registry_name(def->follower.relation));
	registry_leave_owner(&owner);
}

PG_FUNCTION_INFO_V1(personalize_create_sessions);

Datum
personalize_create_sessions(PG_FUNCTION_ARGS)
{
	SessionsDef def = {0};
	HistoryDef *history;
	NewTable	table;
	RefreshReport report;

	PreventCommandDuringRecovery("personalize.create_sessions()");
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("history", PG_ARGISNULL(ARG_HISTORY));
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	history = setup_history_argument(PG_GETARG_OID(ARG_HISTORY));
	setup_lock_histories(history, NULL);
	require_times(history);
	read_arguments(fcinfo, history, &def);
	def.follower.id = registry_next_id();
	create_table(&def, history, &table);
	sessions_register(&def);
	setup_depend_follower(&def.follower);
	CommandCounterIncrement();
	if (PG_ARGISNULL(ARG_BUILD) || PG_GETARG_BOOL(ARG_BUILD))
		refresh_group(history->id, REFRESH_INCREMENTAL, true, &report);
	PG_RETURN_OID(def.follower.relation);
}

/* --- the kind ---------------------------------------------------------------- */

static void
require_layout(const FollowerDef *follower)
{
	const SessionsDef *def = (const SessionsDef *) follower;
	const Oid	keys = get_array_type(key_type_oid(def->basket_type));
	const Oid	type[SESSIONS_NUM_COLUMNS] = {key_type_oid(def->item_type), FLOAT8OID, keys, get_array_type(TIMESTAMPTZOID)};

	layout_require_table(follower->relation, SESSIONS_NUM_COLUMNS, type, 1);
}

static char *
definition(const FollowerDef *follower)
{
	const SessionsDef *def = (const SessionsDef *) follower;

	if (def->longest == 0)
		return psprintf("the %d most recent sessions of each item", def->recent);
	return psprintf("the %d most recent sessions of each item, of at most %d items", def->recent, def->longest);
}

static char *
same_call(const FollowerDef *follower, const char *name, Oid history, Oid target)
{
	const SessionsDef *def = (const SessionsDef *) follower;

	return psprintf("SELECT personalize.create_sessions(%s, %u::pg_catalog.oid::pg_catalog.regclass, recent => %d, longest => %s, build => false)",
					quote_literal_cstr(name), history, def->recent, def->longest ? psprintf("%d", def->longest) : "NULL");
}

const FollowerKind sessions_follower = {
	.name = "sessions",
	.all = sessions_all,
	.begin = sessions_begin,
	.change = sessions_change,
	.finish = sessions_finish,
	.build = sessions_build,
	.refreshed = sessions_refreshed,
	.verify = sessions_verify,
	.require_layout = require_layout,
	.definition = definition,
	.same_call = same_call,
};
