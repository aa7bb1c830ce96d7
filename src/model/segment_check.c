/*
 * segment_check.c
 *		What a segment needs of its activity, of the shop's customers and of its own tables.
 *
 * It is looked at when a segment is made, and again before each refresh, as a shop may drop a column that a rule names.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/guarded.h"
#include "model/segment_setup.h"
#include "model/setup.h"
#include "model/table_layout.h"

/* ---------------------------------------------------------------- what a rule needs */

/* A kind that no source brings makes a rule that is never true, most of them misspelled. */
static bool
has_kind(const ActivityTableDef *activity, RuleText kind)
{
	for (int i = 0; i < activity->num_sources; i++)
	{
		const char *event = activity->sources[i].event;

		if (event == NULL || (strlen(event) == kind.size && memcmp(event, kind.bytes, kind.size) == 0))
			return true;
	}
	return false;
}

static char *
kind_list(const ActivityTableDef *activity)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < activity->num_sources; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", quote_identifier(activity->sources[i].event));
	return list.data;
}

static void
require_kinds(const SegmentRule *rule, const ActivityTableDef *activity)
{
	for (uint32 i = 0; i < rule->rule->num_kinds; i++)
	{
		RuleText	kind = rule->rule->kinds[i];

		if (!has_kind(activity, kind))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("rule asks for event \"%.*s\", which %s does not have", (int) kind.size, kind.bytes, registry_name(activity->relation)),
					 errhint("Its events are %s.", kind_list(activity))));
	}
}

static void pg_attribute_noreturn()
fail_without(const ActivityTableDef *activity, const char *condition, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rule asks for %s, and %s has none", condition, registry_name(activity->relation)),
			 errhint("Create the activity with %s => ….", argument)));
}

/* What create_activity may have been given, or not. */
void
segment_require_sources(const SegmentRule *rule, const ActivityTableDef *activity)
{
	CustomerWant want = {0};

	require_kinds(rule, activity);
	segment_rule_want(rule, activity, &want);
	if (want.consent && activity->consent == NULL)
		fail_without(activity, "consent()", "consent");
	if (want.scores && !OidIsValid(activity->scores))
		fail_without(activity, "score()", "scores");
	if (rule_has(rule->rule, RULE_RFM) && rule->rfm == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rule asks for rfm(), and %s has no limits of it", registry_name(activity->relation)),
				 errhint("SELECT personalize.fit_rfm(%s).", quote_literal_cstr(registry_name(activity->relation)))));
}

/* ---------------------------------------------------------------- tables */

void
segment_require_layout(const SegmentDef *def)
{
	const Oid	key = key_type_oid(def->key_type);
	const Oid	face[] = {key, TIMESTAMPTZOID, TIMESTAMPTZOID};
	const Oid	outside[] = {key, TIMESTAMPTZOID};
	const Oid	set[] = {INT8OID, BYTEAOID};
	const Oid	changes[] = {key, TEXTOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TIMESTAMPTZOID};

	layout_require_table(def->relation, lengthof(face), face, 1);
	layout_require_table(def->outside, lengthof(outside), outside, 1);
	layout_require_table(def->set, lengthof(set), set, 1);
	layout_require_table(def->changes, lengthof(changes), changes, 0);
}

static void
require_tables(const ActivityTableDef *activity, const SegmentDef *def)
{
	ListCell   *cell;

	segment_require_layout(def);
	foreach(cell, segment_tables_of(def))
		layout_require_owner(lfirst_oid(cell), activity->relation);
}

/* ---------------------------------------------------------------- problems */

typedef struct SegmentSubject
{
	const ActivityTableDef *activity;
	const SegmentDef *def;
} SegmentSubject;

static void
check(void *arg)
{
	const SegmentSubject *subject = arg;
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	require_tables(subject->activity, subject->def);
	segment_require_sources(segment_rule_open(&server.env, subject->def), subject->activity);
}

/* Where event triggers were disabled, the registry knows of tables that are gone. */
static bool
has_tables(const SegmentDef *def)
{
	ListCell   *cell;

	foreach(cell, segment_tables_of(def))
		if (get_rel_name(lfirst_oid(cell)) == NULL)
			return false;
	return true;
}

char *
segment_problem(const ActivityTableDef *activity, const SegmentDef *def)
{
	SegmentSubject subject = {activity, def};
	ErrorData  *error;

	if (activity == NULL)
		return "its activity is gone";
	if (!has_tables(def))
		return "one of its tables is gone";
	error = guarded(check, &subject);
	return error == NULL ? NULL : error->message;
}
