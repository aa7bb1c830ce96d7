/*
 * lifecycle.c
 *		The state of a customer, by an activity.
 */
#include "base/compat.h"

#include "utils/builtins.h"

#include "kernel/lifecycle.h"
#include "kernel/rule_walk.h"
#include "value/activity.h"

PG_FUNCTION_INFO_V1(personalize_lifecycle);
Datum
personalize_lifecycle(PG_FUNCTION_ARGS)
{
	size_t		size;
	const unsigned char *activity = activity_bytes(PG_GETARG_DATUM(0), &size);
	text	   *event = PG_GETARG_TEXT_PP(2);
	RuleEvents	events = {0};
	RuleWalk	w = {.events = &events,.as_of = activity_guard_time(PG_GETARG_TIMESTAMPTZ(1)),.future = RULE_NEVER};
	int64		last = 0;
	uint64		purchases;

	if (!activity_find(activity, size, VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event), &w.kind))
		w.kind.count = 0;
	purchases = rule_find_purchases(&w, &last);
	PG_RETURN_TEXT_P(cstring_to_text(lifecycle_names[lifecycle_state(purchases, last, w.as_of)]));
}
