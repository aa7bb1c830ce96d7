/*
 * rule_explain.c
 *		What a rule asks, and why it holds for somebody or does not.
 */
#include "value/rule.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "value/activity.h"

/* --- what a rule asks --------------------------------------------------------- */

static ArrayType *
text_array(const RuleText *texts, uint32 n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (uint32 i = 0; i < n; i++)
		elements[i] = PointerGetDatum(cstring_to_text_with_len(texts[i].bytes, texts[i].size));
	return construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT);
}

static int
by_bytes(const void *a, const void *b)
{
	return rule_text_compare(*(const RuleText *) a, *(const RuleText *) b);
}

static Datum
sorted_array(RuleText *texts, uint32 n)
{
	uint32		kept = 0;

	for (uint32 i = 0; i < n; i++)
		texts[i].is_number = false;
	qsort(texts, n, sizeof(RuleText), by_bytes);
	for (uint32 i = 0; i < n; i++)
		if (kept == 0 || by_bytes(&texts[kept - 1], &texts[i]) != 0)
			texts[kept++] = texts[i];
	return PointerGetDatum(text_array(texts, kept));
}

/* Names of all leaves of a type. */
static Datum
names_of(Datum value, RuleType type)
{
	ServerEnv	server;
	Rule	   *rule;
	RuleText	names[RULE_MAX_LEAVES];
	const RuleNode *leaf;
	uint32		n = 0;

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, value);
	for (uint32 place = 0; (leaf = rule_next_leaf(rule, &place)) != NULL;)
		if (leaf->type == type)
			names[n++] = leaf->name;
	return sorted_array(names, n);
}

PG_FUNCTION_INFO_V1(personalize_rule_events);
Datum
personalize_rule_events(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Rule	   *rule;

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, PG_GETARG_DATUM(0));
	return sorted_array(rule->kinds, rule->num_kinds);
}

PG_FUNCTION_INFO_V1(personalize_rule_attributes);
Datum
personalize_rule_attributes(PG_FUNCTION_ARGS)
{
	return names_of(PG_GETARG_DATUM(0), RULE_ATTR);
}

PG_FUNCTION_INFO_V1(personalize_rule_segments);
Datum
personalize_rule_segments(PG_FUNCTION_ARGS)
{
	return names_of(PG_GETARG_DATUM(0), RULE_IN);
}

PG_FUNCTION_INFO_V1(personalize_rule_scores);
Datum
personalize_rule_scores(PG_FUNCTION_ARGS)
{
	return names_of(PG_GETARG_DATUM(0), RULE_SCORE);
}

/* --- evidence ----------------------------------------------------------------- */

static void
put_time(StringInfo out, const char *before, int64 time)
{
	appendStringInfoString(out, before);
	activity_print_time(out, time);
}

static void
put_kind(StringInfo out, const Rule *rule, const RuleEvents *events)
{
	appendBinaryStringInfo(out, rule->kinds[events->kind].bytes, rule->kinds[events->kind].size);
}

static void
put_events(StringInfo out, int64 n, const char *of_what)
{
	appendStringInfo(out, INT64_FORMAT " %s%s", n, of_what, n == 1 ? "" : "s");
}

static void
put_measure(StringInfo out, const RuleNode *n, const RuleEvidence *found)
{
	char		amount[ACTIVITY_AMOUNT_SIZE];

	if (n->type == RULE_DAYS)
	{
		put_events(out, (int64) found->figure, "day");
		appendStringInfoString(out, ", ");
	}
	put_events(out, found->events, "event");
	if (n->type >= RULE_SUM && n->type <= RULE_MAX && found->amounts > 0)
	{
		activity_print_amount(amount, found->figure);
		appendStringInfo(out, ", %s %s of ", n->type == RULE_MIN ? "min" : n->type == RULE_MAX ? "max" : "sum", amount);
		put_events(out, found->amounts, "amount");
	}
	if (found->events > 0)
		put_time(out, n->type == RULE_COUNT ? ", deciding " : ", oldest ", found->time);
}

/* Of two kinds of events: what was found of each. */
static void
put_pair(StringInfo out, const Rule *rule, const RuleNode *n, const RuleEvidence *found)
{
	appendStringInfoString(out, found->time == PG_INT64_MIN ? "no " : "");
	put_kind(out, rule, &n->a);
	if (found->time == PG_INT64_MIN)
		return;
	put_time(out, " ", found->time);
	appendStringInfoString(out, found->then == PG_INT64_MIN ? ", no " : ", ");
	put_kind(out, rule, &n->b);
	if (found->then == PG_INT64_MIN)
		appendStringInfoString(out, " in time");
	else
		put_time(out, " ", found->then);
}

static void
put_evidence(StringInfo out, const Rule *rule, const RuleNode *n, const RuleEvidence *found)
{
	if (n->type <= RULE_DAYS)
		put_measure(out, n, found);
	else if (n->type == RULE_SEQ || n->type == RULE_DID_NOT_AFTER)
		put_pair(out, rule, n, found);
	else if (n->type == RULE_REGULAR)
		appendStringInfo(out, INT64_FORMAT " of " INT64_FORMAT " periods", found->events, n->limits[1]);
	else
	{
		appendStringInfoString(out, found->events == 0 ? "no " : n->type == RULE_FIRST ? "first " : "last ");
		put_kind(out, rule, &n->a);
		if (found->events > 0)
			put_time(out, " ", found->time);
		if (n->type == RULE_LIFECYCLE && found->events == 1)
			appendStringInfoString(out, ", the only one");
	}
}

typedef struct Explanation
{
	Env		   *env;
	RuleAttributes *attributes;
	ReturnSetInfo *result;
	int32		place;
} Explanation;

static void
explain_node(void *arg, const Rule *rule, const RuleNode *node, int depth, RuleAnswer answer, const RuleEvidence *evidence)
{
	Explanation *e = arg;
	StringInfoData out;
	size_t		size;
	char	   *condition = rule_print_node(e->env, rule, node, &size);
	bool		shown;
	bool		nulls[6] = {false};
	Datum		row[6];

	CHECK_FOR_INTERRUPTS();
	initStringInfo(&out);
	shown = rule_is_leaf(node) && node->type >= RULE_ATTR && rule_attributes_show(e->attributes, node, &out);
	if (!shown && evidence != NULL)
		put_evidence(&out, rule, node, evidence);
	row[0] = Int32GetDatum(++e->place);
	row[1] = Int32GetDatum(depth);
	row[2] = PointerGetDatum(cstring_to_text_with_len(condition, size));
	row[3] = BoolGetDatum(answer.value == RULE_TRUE);
	nulls[3] = answer.value == RULE_UNKNOWN;
	row[4] = PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
	nulls[4] = !shown && evidence == NULL;
	row[5] = TimestampTzGetDatum(answer.stable_until == RULE_NEVER ? DT_NOEND : answer.stable_until);
	tuplestore_putvalues(e->result->setResult, e->result->setDesc, row, nulls);
	pfree(condition);
}

void
rule_explain(Env *env, const Rule *rule, RuleAttributes *attributes, const void *activity, size_t size, ReturnSetInfo *result)
{
	Explanation e = {env, attributes, result, 0};

	if (!rule_trace(rule, activity, size, &attributes->context, explain_node, &e))
		activity_damaged();
}

PG_FUNCTION_INFO_V1(personalize_rule_explain);
Datum
personalize_rule_explain(PG_FUNCTION_ARGS)
{
	RuleCall   *call;
	const unsigned char *activity;
	size_t		size;

	compat_materialize(fcinfo);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	activity = activity_bytes(PG_GETARG_DATUM(0), &size);
	call = rule_call(fcinfo);
	rule_explain(&call->server.env, call->rule, &call->attributes, activity, size, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
