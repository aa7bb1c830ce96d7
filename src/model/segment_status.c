/*
 * segment_status.c
 *		The view personalize.segments.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "model/segment_setup.h"

enum
{
	SEGMENTS_SEGMENT, SEGMENTS_ACTIVITY, SEGMENTS_RULE, SEGMENTS_VERSION, SEGMENTS_MEMBERS, SEGMENTS_CUSTOMERS, SEGMENTS_EVENTS,
	SEGMENTS_REFRESHED, SEGMENTS_PROBLEM, SEGMENTS_NUM_COLUMNS
};

static bool
has_kind(const Rule *rule, const char *event)
{
	for (uint32 i = 0; i < rule->num_kinds; i++)
		if (rule->kinds[i].size == strlen(event) && memcmp(rule->kinds[i].bytes, event, rule->kinds[i].size) == 0)
			return true;
	return false;
}

/* Of the rule itself, and the one of RFM; what in() names has its own row. */
static Datum
event_names(const SegmentDef *def)
{
	ServerEnv	server;
	SegmentRule *rule;
	Datum	   *names;
	int			n = 0;

	server_env_init(&server, CurrentMemoryContext);
	rule = segment_rule_open(&server.env, def);
	names = palloc((rule->rule->num_kinds + 1) * sizeof(Datum));
	for (uint32 i = 0; i < rule->rule->num_kinds; i++)
		names[n++] = PointerGetDatum(cstring_to_text_with_len(rule->rule->kinds[i].bytes, (int) rule->rule->kinds[i].size));
	if (rule->rfm != NULL && !has_kind(rule->rule, rule->rfm->event))
		names[n++] = CStringGetTextDatum(rule->rfm->event);
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* NULL: nothing is wrong. */
char *
segment_standing_problem(const ActivityTableDef *activity, const SegmentDef *def)
{
	char	   *problem = segment_problem(activity, def);

	if (problem != NULL)
		return problem;
	if (!def->built)
		return "never built";
	if (def->built_version != def->version || def->refreshed != activity->refreshed)
		return "left behind by the last refresh of its activity";
	return OidIsValid(segment_function(def)) ? NULL : "its function is gone";
}

static void
fill_state(const SegmentDef *def, const ActivityTableDef *activity, Datum *values, bool *nulls)
{
	char	   *problem = segment_standing_problem(activity, def);

	values[SEGMENTS_ACTIVITY] = ObjectIdGetDatum(activity ? activity->relation : InvalidOid);
	nulls[SEGMENTS_ACTIVITY] = activity == NULL;
	values[SEGMENTS_MEMBERS] = Int64GetDatum(def->num_members);
	nulls[SEGMENTS_MEMBERS] = !def->built;
	values[SEGMENTS_CUSTOMERS] = Int64GetDatum(activity ? activity->num_customers : 0);
	nulls[SEGMENTS_CUSTOMERS] = activity == NULL || !activity->built;
	values[SEGMENTS_REFRESHED] = TimestampTzGetDatum(def->refreshed);
	nulls[SEGMENTS_REFRESHED] = def->refreshed == DT_NOBEGIN;
	if (problem != NULL)
		values[SEGMENTS_PROBLEM] = CStringGetTextDatum(problem);
	nulls[SEGMENTS_PROBLEM] = problem == NULL;
}

static void
put_segment(ReturnSetInfo *result, SegmentDef *def)
{
	ActivityTableDef *activity = activity_table_by_id(def->activity_id);
	Datum		values[SEGMENTS_NUM_COLUMNS] = {0};
	bool		nulls[SEGMENTS_NUM_COLUMNS] = {false};

	segment_as_seen(def);
	if (activity != NULL)
		activity_table_as_seen(activity);
	values[SEGMENTS_SEGMENT] = ObjectIdGetDatum(def->relation);
	values[SEGMENTS_RULE] = def->rule;
	values[SEGMENTS_VERSION] = Int32GetDatum(def->version);
	values[SEGMENTS_EVENTS] = event_names(def);
	fill_state(def, activity, values, nulls);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* A table that is gone belongs to nobody; only a superuser hears of it. */
static bool
may_see(Oid relation)
{
	if (get_rel_name(relation) == NULL)
		return superuser();
	return pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

PG_FUNCTION_INFO_V1(personalize_segment_rows);
Datum
personalize_segment_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	compat_materialize(fcinfo);
	foreach(cell, segments_all())
		if (may_see(((SegmentDef *) lfirst(cell))->relation))
			put_segment(result, lfirst(cell));
	return (Datum) 0;
}
