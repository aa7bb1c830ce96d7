/*
 * segment_setup.c
 *		create_segment, alter_segment, drop_segment.
 *
 * The tables of a segment are the owner's of the activity, under whose rights refreshes write them.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "base/guards.h"
#include "model/segment_setup.h"
#include "model/setup.h"

/* in() in in() in …, so that evaluation does not run out of stack. */
#define MAX_CHAIN 32

/* ---------------------------------------------------------------- in() */

static SegmentDef *
named_segment(RuleText name, const ActivityTableDef *activity)
{
	text	   *written = cstring_to_text_with_len(name.bytes, (int) name.size);
	Oid			relation = RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(written)), NoLock, true);
	SegmentDef *def;

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("rule asks for segment %.*s, which does not exist", (int) name.size, name.bytes)));
	def = segment_require(relation);
	if (def->activity_id != activity->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule asks for segment %s, which is of another activity", registry_name(relation)),
				 errhint("in() names segments of the same customers.")));
	return def;
}

static List *
resolve_segments(const SegmentRule *rule, const ActivityTableDef *activity)
{
	List	   *relations = NIL;
	const RuleNode *leaf;

	for (uint32 place = 0; (leaf = rule_next_leaf(rule->rule, &place)) != NULL;)
		if (leaf->type == RULE_IN)
			relations = lappend_oid(relations, named_segment(leaf->name, activity)->relation);
	return relations;
}

static void pg_attribute_noreturn()
fail_cycle(const SegmentDef *def, Oid used)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_RECURSION),
			 errmsg("segment %s would depend on itself", registry_name(def->relation)),
			 used == def->relation ? errdetail("Its rule names itself in in().") :
			 errdetail("Its rule names %s in in(), which depends on it.", registry_name(used))));
}

/* Whoever is reached again is reached from below. */
static void
guard_uses(const SegmentDef *def, List *uses, Oid first, int depth)
{
	ListCell   *cell;

	if (depth > MAX_CHAIN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rule names segments that name others more than %d deep", MAX_CHAIN)));
	foreach(cell, uses)
	{
		Oid			used = lfirst_oid(cell);
		SegmentDef *inner = segment_of_relation(used);

		if (OidIsValid(def->relation) && used == def->relation)
			fail_cycle(def, OidIsValid(first) ? first : used);
		if (inner != NULL)
			guard_uses(def, inner->uses, OidIsValid(first) ? first : used, depth + 1);
	}
}

void
segment_take_rule(SegmentDef *def, Datum value, const ActivityTableDef *activity)
{
	ServerEnv	server;
	SegmentRule *rule;
	SegmentDef	draft = *def;

	server_env_init(&server, CurrentMemoryContext);
	draft.rule = value;
	draft.relation = InvalidOid;
	rule = segment_rule_open(&server.env, &draft);
	segment_require_sources(rule, activity);
	def->rule = value;
	def->uses = resolve_segments(rule, activity);
	guard_uses(def, def->uses, InvalidOid, 1);
}

/* ---------------------------------------------------------------- locks */

ActivityTableDef *
segment_lock_activity(int32 id, const char *name)
{
	bool		busy;
	ActivityTableDef *activity;

	if (!activity_table_lock(id, true, &busy))
		registry_fail_gone("activity", name);
	activity = activity_table_by_id(id);
	if (activity == NULL)
		registry_fail_gone("activity", name);
	registry_require_owner(activity->relation);
	return activity;
}

static SegmentDef *
lock_segment(Oid relation, ActivityTableDef **activity)
{
	SegmentDef *def = segment_require(relation);
	char	   *name = registry_name(relation);

	registry_require_owner(relation);
	*activity = activity_table_by_id(def->activity_id);
	if (*activity != NULL)
		*activity = segment_lock_activity(def->activity_id, registry_name((*activity)->relation));
	def = segment_of_relation(relation);
	if (def == NULL)
		registry_fail_gone("segment", name);
	return def;
}

/* ---------------------------------------------------------------- create_segment */

enum {ARG_NAME, ARG_CUSTOMERS, ARG_KEY, ARG_RULE, ARG_ACTIVITY, ARG_BUILD};

/* Text in the rule language, or a rule. */
static Datum
rule_argument(FunctionCallInfo fcinfo, int argument)
{
	text	   *written;

	guard_not_null("rule", PG_ARGISNULL(argument));
	if (get_fn_expr_argtype(fcinfo->flinfo, argument) != TEXTOID)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(argument)));
	written = PG_GETARG_TEXT_PP(argument);
	return rule_form(VARDATA_ANY(written), VARSIZE_ANY_EXHDR(written));
}

static void
guard_customers(FunctionCallInfo fcinfo, const ActivityTableDef *activity)
{
	const char *key = PG_ARGISNULL(ARG_KEY) ? NULL : NameStr(*PG_GETARG_NAME(ARG_KEY));

	if (!PG_ARGISNULL(ARG_CUSTOMERS) && PG_GETARG_OID(ARG_CUSTOMERS) != activity->customers)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the customers of %s are those of %s, not of %s", registry_name(activity->relation),
						registry_name(activity->customers), registry_name(PG_GETARG_OID(ARG_CUSTOMERS)))));
	if (key != NULL && strcmp(key, activity->key) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of %s is \"%s\", not \"%s\"", registry_name(activity->customers), activity->key, key)));
}

static ActivityTableDef *
activity_argument(FunctionCallInfo fcinfo)
{
	ActivityTableDef *activity;

	if (PG_ARGISNULL(ARG_ACTIVITY))
		guard_not_null("customers", PG_ARGISNULL(ARG_CUSTOMERS));
	activity = PG_ARGISNULL(ARG_ACTIVITY) ? activity_table_of_customers(PG_GETARG_OID(ARG_CUSTOMERS)) :
		activity_require_table(PG_GETARG_OID(ARG_ACTIVITY));
	guard_customers(fcinfo, activity);
	registry_require_owner(activity->relation);
	return activity;
}

static void
create_index(Oid table, const char *columns)
{
	setup_execute("CREATE INDEX ON %s (%s)", registry_name(table), columns);
}

/* Chunks are rewritten in place, and bytes that are bits do not compress. */
static void
create_tables(SegmentDef *def, const ActivityTableDef *activity, const NewTable *table)
{
	const char *type = setup_key_column(def->key_type);
	OwnerScope	owner;

	registry_enter_owner(activity->relation, &owner);
	def->relation = setup_create_table(table, NULL,
									   psprintf("%s %s PRIMARY KEY, since pg_catalog.timestamptz NOT NULL,"
												" stable_until pg_catalog.timestamptz NOT NULL", quote_identifier(activity->key), type),
									   "fillfactor = 90");
	def->outside = setup_create_table(table, "outside",
									  psprintf("customer %s PRIMARY KEY, stable_until pg_catalog.timestamptz NOT NULL", type),
									  "fillfactor = 90");
	def->set = setup_create_table(table, "set", "chunk pg_catalog.int8 PRIMARY KEY, members pg_catalog.bytea NOT NULL", "fillfactor = 100");
	def->changes = setup_create_table(table, "changes",
									  psprintf("customer %s NOT NULL, change pg_catalog.text NOT NULL, at pg_catalog.timestamptz NOT NULL,"
											   " cause pg_catalog.text NOT NULL, version pg_catalog.int4 NOT NULL,"
											   " recorded pg_catalog.timestamptz NOT NULL", type),
									  "fillfactor = 100");
	setup_execute("ALTER TABLE %s ALTER COLUMN members SET STORAGE PLAIN", registry_name(def->set));
	create_index(def->relation, "stable_until");
	create_index(def->outside, "stable_until");
	create_index(def->changes, "customer, at");
	segment_make_function(def);
	registry_leave_owner(&owner);
}

static void
refresh(const ActivityTableDef *activity)
{
	RefreshReport report = {0};

	activity_table_refresh(activity->id, REFRESH_INCREMENTAL, true, &report);
}

PG_FUNCTION_INFO_V1(personalize_create_segment);
Datum
personalize_create_segment(PG_FUNCTION_ARGS)
{
	SegmentDef	def = {.version = 1};
	ActivityTableDef *activity;
	NewTable	table;

	PreventCommandDuringRecovery("personalize.create_segment()");
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	activity = activity_argument(fcinfo);
	activity = segment_lock_activity(activity->id, registry_name(activity->relation));
	def.activity_id = activity->id;
	def.key_type = activity->key_type;
	segment_take_rule(&def, rule_argument(fcinfo, ARG_RULE), activity);
	def.id = registry_next_id();
	create_tables(&def, activity, &table);
	segment_register(&def);
	setup_depend_segment(&def);
	CommandCounterIncrement();
	if (PG_ARGISNULL(ARG_BUILD) || PG_GETARG_BOOL(ARG_BUILD))
		refresh(activity);
	PG_RETURN_OID(def.relation);
}

/* ---------------------------------------------------------------- alter_segment */

/* By the old rule up to now, if it still can be; by the new one from now on. */
PG_FUNCTION_INFO_V1(personalize_alter_segment);
Datum
personalize_alter_segment(PG_FUNCTION_ARGS)
{
	SegmentDef *def;
	ActivityTableDef *activity;
	bool		refreshable;
	Datum		rule;

	PreventCommandDuringRecovery("personalize.alter_segment()");
	guard_not_null("segment", PG_ARGISNULL(0));
	rule = rule_argument(fcinfo, 1);
	def = lock_segment(PG_GETARG_OID(0), &activity);
	if (activity == NULL)
		registry_fail_gone("activity", psprintf("of segment %s", registry_name(def->relation)));
	refreshable = def->built && segment_problem(activity, def) == NULL;
	segment_take_rule(def, rule, activity);
	def->version++;
	if (refreshable)
		refresh(activity);
	segment_set_rule(def);
	deleteDependencyRecordsForClass(RelationRelationId, def->relation, RelationRelationId, DEPENDENCY_NORMAL);
	setup_depend_segment(def);
	CommandCounterIncrement();
	refresh(activity);
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------- drop_segment */

PG_FUNCTION_INFO_V1(personalize_drop_segment);
Datum
personalize_drop_segment(PG_FUNCTION_ARGS)
{
	SegmentDef *def;
	ActivityTableDef *activity;
	ListCell   *cell;

	PreventCommandDuringRecovery("personalize.drop_segment()");
	def = lock_segment(PG_GETARG_OID(0), &activity);
	/* so that the drop is refused where another segment names this one */
	foreach(cell, segments_of(def->activity_id))
		setup_depend_segment(lfirst(cell));
	CommandCounterIncrement();
	setup_drop_table(def->relation);
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------- what follows DDL */

void
segments_rename_column(Oid customers, const char *old_name, const char *new_name)
{
	ListCell   *cell;

	foreach(cell, segments_all())
	{
		SegmentDef *def = lfirst(cell);
		ActivityTableDef *activity = activity_table_by_id(def->activity_id);
		Datum		renamed;

		if (activity == NULL || activity->customers != customers)
			continue;
		renamed = segment_rule_rename_column(def->rule, old_name, new_name);
		if (renamed == def->rule)
			continue;
		def->rule = renamed;
		segment_set_rule(def);
	}
}

/* in() means the segment, whatever its name; but people read the name. */
void
segments_follow_name(const SegmentDef *renamed)
{
	ListCell   *cell;

	foreach(cell, segments_all())
	{
		SegmentDef *def = lfirst(cell);

		if (!list_member_oid(def->uses, renamed->relation))
			continue;
		def->rule = segment_rule_rename_segments(def);
		segment_set_rule(def);
	}
	segment_follow_name(renamed);
}
