/*
 * segment_sql.c
 *		segment_sql(): a segment as a query over the shop's own tables, for audits, for views, and as a proof.
 *
 * Nothing that is kept is read: activities are made of the events, other segments that in() names are such queries again.  Only limits of rfm() come
 * from where they were fitted to.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "model/activity_source.h"
#include "serve/segment_state.h"

/* Amounts and times that an activity can hold; what is beyond is left out as a refresh leaves it out. */
#define MOST_AMOUNT "461168601842738"
#define FIRST_TIME "'0001-01-01 00:00:00+00'"
#define END_TIME "'10000-01-01 00:00:00+00'"

static void append_query(StringInfo out, ServerEnv *server, const ActivityTableDef *activity, Oid segment);

static Oid
column_type(Oid relation, const char *column)
{
	return getBaseType(get_atttype(relation, get_attnum(relation, column)));
}

/* Times without a zone are those of UTC, as in refreshes. */
static char *
time_expression(const ActivitySource *source)
{
	const char *column = quote_identifier(source->at);
	Oid			type = column_type(source->relation, source->at);

	if (type == TIMESTAMPTZOID)
		return psprintf("s.%s", column);
	return psprintf("(s.%s)%s AT TIME ZONE 'UTC'", column, type == DATEOID ? "::timestamp" : "");
}

static char *
amount_expression(const ActivitySource *source)
{
	const char *column;

	if (source->amount == NULL)
		return "NULL::numeric";
	column = quote_identifier(source->amount);
	return psprintf("CASE WHEN abs((s.%s)::numeric) < " MOST_AMOUNT " THEN (s.%s)::numeric END", column, column);
}

static void
append_source(StringInfo out, const ActivityTableDef *activity, const ActivitySource *source)
{
	activity_require_columns(activity, source->relation);
	appendStringInfo(out, "SELECT %s::text AS kind, %s AS at, %s AS amount FROM %s AS s WHERE %s = c.%s",
					 source->event != NULL ? quote_literal_cstr(source->event) : psprintf("s.%s", quote_identifier(source->event_column)),
					 time_expression(source), amount_expression(source), registry_name(source->relation),
					 activity_key_expression(source->relation, "s", source->customer, activity->key_type), quote_identifier(activity->key));
}

static void
append_activity(StringInfo out, const ActivityTableDef *activity)
{
	appendStringInfoString(out, "(SELECT coalesce(personalize.activity(e.kind, e.at, e.amount), '{}'::personalize.activity) AS activity FROM (\n        ");
	for (int i = 0; i < activity->num_sources; i++)
	{
		if (i > 0)
			appendStringInfoString(out, "\n        UNION ALL ");
		append_source(out, activity, &activity->sources[i]);
	}
	appendStringInfoString(out, ") AS e\n      WHERE octet_length(e.kind) BETWEEN 1 AND 200 AND e.at >= " FIRST_TIME " AND e.at < " END_TIME ") AS a");
}

/* Names as the rule has them, of those that hold. */
static void
append_segments(StringInfo out, ServerEnv *server, const ActivityTableDef *activity, const SegmentRule *rule)
{
	int			place = 0;

	appendStringInfoString(out, "\n      || jsonb_build_object('$segments', array_remove(ARRAY[");
	for (uint32 i = 0; i < rule->rule->num_nodes; i++)
	{
		const RuleNode *n = &rule->rule->nodes[i];

		if (n->type != RULE_IN)
			continue;
		appendStringInfo(out, "%s\n      CASE WHEN c.%s IN (", place > 0 ? "," : "", quote_identifier(activity->key));
		append_query(out, server, activity, list_nth_oid(rule->segments, place++));
		appendStringInfo(out, ") THEN %s END", quote_literal_cstr(pnstrdup(n->name.bytes, n->name.size)));
	}
	appendStringInfoString(out, "]::text[], NULL))");
}

static void
append_rfm(StringInfo out, const ActivityTableDef *activity)
{
	appendStringInfo(out, "\n      || jsonb_build_object('$rfm', (SELECT jsonb_build_object('r', r.r, 'f', r.f, 'm', r.m) FROM personalize.rfm_fit AS f,"
					 " personalize.rfm_score(f.model, a.activity, f.event, f.within * interval '1 microsecond', statement_timestamp(), f.zone) AS r WHERE f.id = %d))",
					 activity->id);
}

static void
append_attributes(StringInfo out, ServerEnv *server, const ActivityTableDef *activity, const SegmentRule *rule)
{
	CustomerWant want = {NIL, false, false};

	segment_rule_want(rule, activity, &want);
	appendStringInfoString(out, customer_attributes_expression(activity, &want));
	if (rule->segments != NIL)
		append_segments(out, server, activity, rule);
	if (rule_has(rule->rule, RULE_RFM))
		append_rfm(out, activity);
}

/* Zones are looked up only where a calendar asks; what is none means the zone that everybody else has. */
static void
append_query(StringInfo out, ServerEnv *server, const ActivityTableDef *activity, Oid segment)
{
	SegmentDef *def = segment_require(segment);
	SegmentRule *rule;
	const char *text;
	size_t		size;
	bool		own_zone;

	check_stack_depth();
	segment_as_seen(def);
	rule = segment_rule_open(&server->env, def);
	own_zone = rule->has_calendar && activity->zone != NULL;
	text = rule_text(def->rule, &size);
	appendStringInfo(out, "SELECT c.%s\n  FROM %s AS c", quote_identifier(activity->key), registry_name(activity->customers));
	if (own_zone)
		appendStringInfo(out, "\n  LEFT JOIN pg_timezone_names AS z ON lower(z.name) = lower((c.%s)::text)", quote_identifier(activity->zone));
	appendStringInfoString(out, "\n  CROSS JOIN LATERAL ");
	append_activity(out, activity);
	appendStringInfo(out, "\n WHERE personalize.matches(a.activity, %s::personalize.rule,\n      ", quote_literal_cstr(pnstrdup(text, size)));
	append_attributes(out, server, activity, rule);
	appendStringInfo(out, ",\n      statement_timestamp(), %s%s%s)", own_zone ? "coalesce(z.name, " : "", quote_literal_cstr(activity->default_zone),
					 own_zone ? ")" : "");
}

PG_FUNCTION_INFO_V1(personalize_segment_sql);
Datum
personalize_segment_sql(PG_FUNCTION_ARGS)
{
	SegmentDef *def = segment_require(PG_GETARG_OID(0));
	StringInfoData out;
	ServerEnv	server;

	segment_require_select(def->relation);
	server_env_init(&server, CurrentMemoryContext);
	initStringInfo(&out);
	append_query(&out, &server, activity_table_by_id(def->activity_id), def->relation);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
