/*
 * rule.h
 *		The SQL type rule: a version and the canonical text, so that equal rules have equal bytes.
 */
#ifndef PERSONALIZE_VALUE_RULE_H
#define PERSONALIZE_VALUE_RULE_H

#include "base/compat.h"

#include "fmgr.h"
#include "nodes/execnodes.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "base/server_env.h"
#include "kernel/rule.h"

#define RULE_VERSION 1

/* A value from text; `what` is the kind of input that errors speak of. */
extern Datum rule_form(const char *text, size_t size);
/* The tree of a value, in the environment's memory. */
extern Rule *rule_read(Env *env, Datum value);
extern const char *rule_text(Datum value, size_t *size);

/* What answers leaves that are not of events; see rule_attributes.c. */
typedef struct RuleAttributes
{
	RuleContext context;		/* first, so that a RuleContext * is a RuleAttributes * */
	Jsonb	   *attributes;		/* or NULL */
	pg_tz	   *zone;
	int64		starts[5][3];	/* of periods: before, this, next */
	bool		known[5][3];
	bool		day_known;		/* the day that was asked for last, in UTC, and when it begins */
	int64		day;
	int64		day_start;
} RuleAttributes;

extern void rule_attributes_init(RuleAttributes *attributes, int64 as_of, pg_tz *zone);
/* What is known of a leaf's subject, for people; false where it is left to the events. */
extern bool rule_attributes_show(RuleAttributes *attributes, const RuleNode *leaf, StringInfo out);
/* Rows of explain_rule(), into a tuplestore that is there. */
extern void rule_explain(Env *env, const Rule *rule, RuleAttributes *attributes, const void *activity, size_t size, ReturnSetInfo *result);

/* What a call site keeps: the rule it was called with last, as a tree, and starts of periods. */
typedef struct RuleCall
{
	ServerEnv	server;
	char	   *text;
	size_t		size;
	Rule	   *rule;
	RuleAttributes attributes;
} RuleCall;

/* Of a call with (activity, rule, attributes, as_of, zone), the first two not NULL. */
extern RuleCall *rule_call(FunctionCallInfo fcinfo);

#endif							/* PERSONALIZE_VALUE_RULE_H */
