/*
 * rule_gin.c
 *		GIN over activities: which of them a rule can be true of, by the keys of kernel/rule_keys.
 *
 * An item has four keys for each kind of event.  A query is ranges of keys, each a partial match from its lower end, and a tree that says which of them have to
 * be there together.  Everything that is found is asked again, as of the time at which the ranges were made: the start of the statement.
 */
#include "value/rule.h"

#include "access/gin.h"
#include "access/xact.h"
#include "pgtime.h"

#include "kernel/rule_keys.h"
#include "value/activity.h"

/* What comes with each range of a query. */
typedef struct RangeKey
{
	RuleNeeds  *needs;
	bytea	   *high;
} RangeKey;

static bytea *
form_key(ActivityName kind, RuleKeyType type, uint32 value)
{
	bytea	   *key = palloc(VARHDRSZ + RULE_KEY_MAX_SIZE);

	SET_VARSIZE(key, VARHDRSZ + rule_key_write((unsigned char *) VARDATA(key), kind, type, value));
	return key;
}

PG_FUNCTION_INFO_V1(personalize_rule_gin_extract_value);
Datum
personalize_rule_gin_extract_value(PG_FUNCTION_ARGS)
{
	int32	   *n = (int32 *) PG_GETARG_POINTER(1);
	size_t		size;
	const unsigned char *bytes = activity_bytes(PG_GETARG_DATUM(0), &size);
	ActivityReader reader;
	ActivityKind kind;
	Datum	   *keys;

	*n = 0;
	if (!activity_open(&reader, bytes, size))
		activity_damaged();
	keys = palloc((reader.left * RULE_KEY_TYPES + 1) * sizeof(Datum));
	while (activity_next_kind(&reader, &kind))
	{
		RuleKeys	values = rule_keys_of(&kind);

		for (int type = 0; type < RULE_KEY_TYPES; type++)
			if (values.has[type])
				keys[(*n)++] = PointerGetDatum(form_key(kind.name, type, values.values[type]));
	}
	if (reader.in.bad)
		activity_damaged();
	PG_RETURN_POINTER(keys);
}

PG_FUNCTION_INFO_V1(personalize_rule_gin_extract_query);
Datum
personalize_rule_gin_extract_query(PG_FUNCTION_ARGS)
{
	int32	   *n = (int32 *) PG_GETARG_POINTER(1);
	bool	  **partial = (bool **) PG_GETARG_POINTER(3);
	Pointer   **extra = (Pointer **) PG_GETARG_POINTER(4);
	int32	   *mode = (int32 *) PG_GETARG_POINTER(6);
	ServerEnv	server;
	RuleAttributes attributes;
	Rule	   *rule;
	RuleNeeds  *needs;
	Datum	   *keys;

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, PG_GETARG_DATUM(0));
	rule_attributes_init(&attributes, activity_guard_time(GetCurrentStatementStartTimestamp()), session_timezone);
	needs = rule_needs(&server.env, rule, &attributes.context);
	*n = needs->num_ranges;
	/* without keys, and in this mode, also those that have none are looked at */
	*mode = needs->always ? GIN_SEARCH_MODE_ALL : GIN_SEARCH_MODE_DEFAULT;
	keys = palloc((*n + 1) * sizeof(Datum));
	*partial = palloc((*n + 1) * sizeof(bool));
	*extra = palloc((*n + 1) * sizeof(Pointer));
	for (int i = 0; i < *n; i++)
	{
		const RuleRange *range = &needs->ranges[i];
		ActivityName kind = {rule->kinds[range->kind].bytes, rule->kinds[range->kind].size};
		RangeKey   *key = palloc(sizeof(RangeKey));

		keys[i] = PointerGetDatum(form_key(kind, range->type, range->low));
		*key = (RangeKey) {needs, form_key(kind, range->type, range->high)};
		(*extra)[i] = (Pointer) key;
		(*partial)[i] = true;
	}
	PG_RETURN_POINTER(keys);
}

static int
compare_keys(bytea *a, bytea *b)
{
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b)));

	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

/* A scan starts at the lower end, and ends with the first key above the upper one. */
PG_FUNCTION_INFO_V1(personalize_rule_gin_compare_partial);
Datum
personalize_rule_gin_compare_partial(PG_FUNCTION_ARGS)
{
	bytea	   *low = PG_GETARG_BYTEA_PP(0);
	bytea	   *key = PG_GETARG_BYTEA_PP(1);
	RangeKey   *range = (RangeKey *) PG_GETARG_POINTER(3);

	PG_RETURN_INT32(compare_keys(key, range->high) > 0 ? 1 : compare_keys(key, low) < 0 ? -1 : 0);
}

PG_FUNCTION_INFO_V1(personalize_rule_gin_consistent);
Datum
personalize_rule_gin_consistent(PG_FUNCTION_ARGS)
{
	const char *present = (const char *) PG_GETARG_POINTER(0);
	int32		n = PG_GETARG_INT32(3);
	RangeKey  **extra = (RangeKey **) PG_GETARG_POINTER(4);

	PG_RETURN_GIN_TERNARY_VALUE(n == 0 || rule_needs_met(extra[0]->needs, present) ? GIN_MAYBE : GIN_FALSE);
}
