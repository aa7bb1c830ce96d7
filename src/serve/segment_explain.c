/*
 * segment_explain.c
 *		segment_explain(): why a customer is in a segment, or is not.
 *
 * A rule that names another segment is answered from that segment's rule here, not from its set, as only the rule knows until when the answer stands.
 */
#include "base/compat.h"

#include "utils/memutils.h"

#include "serve/segment_state.h"

typedef struct Explain
{
	const ActivityTableDef *activity;
	CustomerWant want;
	bool		wants;
	List	   *rules;			/* of SegmentRule *: that of the segment, and all that in() reaches */
	ServerEnv	server;
	TimestampTz as_of;
	ReturnSetInfo *result;
} Explain;

static SegmentRule *
find_rule(const Explain *explain, Oid segment)
{
	ListCell   *cell;

	foreach(cell, explain->rules)
		if (((SegmentRule *) lfirst(cell))->def->relation == segment)
			return lfirst(cell);
	return NULL;
}

/* Cycles were refused when the rules were made; a rule that is there is not opened again. */
static void
open_rules(Explain *explain, Oid segment)
{
	SegmentDef *def = segment_require(segment);
	SegmentRule *rule;
	ListCell   *cell;

	check_stack_depth();
	if (find_rule(explain, segment) != NULL)
		return;
	segment_as_seen(def);
	rule = segment_rule_open(&explain->server.env, def);
	segment_rule_want(rule, explain->activity, &explain->want);
	explain->wants |= rule->wants;
	explain->rules = lappend(explain->rules, rule);
	foreach(cell, rule->segments)
		open_rules(explain, lfirst_oid(cell));
}

static RuleAnswer
answer_in(void *arg, Oid segment, const Customer *customer, int64 as_of)
{
	Explain    *explain = arg;
	SegmentRule *rule = find_rule(explain, segment);
	RuleAnswer	answer = {RULE_FALSE, RULE_NEVER};

	check_stack_depth();
	if (rule != NULL)
		answer = segment_rule_evaluate(rule, explain->activity, customer, as_of, answer_in, explain);
	/* what is not known of a rule is known of its segment: who is no member is outside */
	if (answer.value == RULE_UNKNOWN)
		answer.value = RULE_FALSE;
	return answer;
}

static void
explain_customer(void *arg, const Customer *customer)
{
	Explain    *explain = arg;
	SegmentRule *rule = linitial(explain->rules);

	if (!customer->exists)
		return;
	rule_explain(&explain->server.env, rule->rule,
				 segment_rule_context(rule, explain->activity, customer, explain->as_of, answer_in, explain),
				 customer->activity, customer->size, explain->result);
}

/* Evidence is more than who is a member: times and amounts, and what is in the customer's row. */
static void
require_evidence(const Explain *explain)
{
	segment_require_select(explain->activity->relation);
	if (explain->wants)
		segment_require_select(explain->activity->customers);
	if (explain->want.scores)
		segment_require_select(explain->activity->scores);
}

/* As the owner of the segment, as everything that is read for it. */
static void
explain_key(Explain *explain, SegmentState *state, Datum key)
{
	OwnerScope	scope;

	explain->activity = segment_state_activity(state);
	explain->as_of = segment_state_as_of(state);
	open_rules(explain, segment_state_def(state)->relation);
	require_evidence(explain);
	registry_enter_owner(segment_state_def(state)->relation, &scope);
	customers_fetch(explain->activity, segment_state_source(state, key), explain->wants ? &explain->want : NULL, &key, 1,
					explain_customer, explain);
	registry_leave_owner(&scope);
}

PG_FUNCTION_INFO_V1(personalize_segment_explain);
Datum
personalize_segment_explain(PG_FUNCTION_ARGS)
{
	Explain		explain = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	SegmentCall *call;
	MemoryContext caller;
	MemoryContext context;
	Datum		key;

	compat_materialize(fcinfo);
	call = segment_call(fcinfo, PG_GETARG_OID(0));
	context = AllocSetContextCreate(CurrentMemoryContext, "personalize segment explain", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	server_env_init(&explain.server, context);
	if (key_argument(call->key_type, call->type, PG_GETARG_DATUM(1), "customer", &key))
		explain_key(&explain, call->state, key);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
