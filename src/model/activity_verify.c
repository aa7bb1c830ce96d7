/*
 * activity_verify.c
 *		Whether an activity table holds what the shop's tables say, and how it is defined, for status.
 */
#include "base/compat.h"

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/activity_source.h"
#include "model/segment.h"
#include "model/verify.h"
#include "value/activity.h"

typedef struct ActivityCheck
{
	const ActivityTableDef *def;
	Relation	relation;
	LogContents log;
	ActivityName kinds[2 * ACTIVITY_MAX_KINDS];
	VerifySink	sink;
	void	   *arg;
} ActivityCheck;

/* What has changed since the last refresh is not to be there yet. */
static bool
is_pending(const ActivityCheck *check, Datum key)
{
	KeyType		type = check->def->key_type;

	if (check->log.all)
		return true;
	return check->log.keys.size > 0 && key_find(&check->log.keys, type, key_type_oid(type), key) != KEYSET_NONE;
}

static double
events_of(const Customer *customer, ActivityName name)
{
	ActivityKind kind;

	if (!activity_find(customer->activity, customer->size, name.bytes, name.size, &kind))
		return 0;
	return (double) kind.count;
}

/* Kind by kind, with the numbers of events: these may be equal where times or amounts are not. */
static void
compare_customer(void *arg, Datum key, const unsigned char *activity, size_t size, HeapTuple old)
{
	ActivityCheck *check = arg;
	Customer	expected = {.key = key, .exists = activity != NULL, .activity = activity, .size = size};
	Customer	stored;
	char	   *name;
	int			n;

	if (is_pending(check, key))
		return;
	activity_row_read(check->def, check->relation, old, &stored);
	if (stored.exists && expected.exists && stored.size == size && memcmp(stored.activity, activity, size) == 0)
		return;
	name = verify_key_text(check->def->key_type, key);
	if (stored.exists != expected.exists)
	{
		check->sink(check->arg, "customer", name, NULL, stored.exists, expected.exists);
		return;
	}
	n = segment_changed_kinds(&stored, &expected, check->kinds);
	for (int k = 0; k < n; k++)
		check->sink(check->arg, "activity", name, pnstrdup(check->kinds[k].bytes, check->kinds[k].size),
					events_of(&stored, check->kinds[k]), events_of(&expected, check->kinds[k]));
	/* the same events in other bytes */
	if (n == 0)
		check->sink(check->arg, "activity", name, NULL, stored.size, expected.size);
}

void
activity_verify(const ActivityTableDef *def, VerifySink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize verify activity", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ActivityCheck *check = palloc0(sizeof(ActivityCheck));
	ServerEnv	server;

	*check = (ActivityCheck) {.def = def, .sink = sink, .arg = arg};
	activity_require_layout(def);
	server_env_init(&server, context);
	check->relation = table_open(def->relation, AccessShareLock);
	customers_pending(def, &server.env, &check->log);
	activity_join(def, check->relation, compare_customer, check);
	table_close(check->relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* ---------------------------------------------------------------- definition */

static void
append_source(StringInfo out, const ActivitySource *source)
{
	if (source->event != NULL)
		appendStringInfo(out, ", %s", source->event);
	else
		appendStringInfo(out, ", events by %s", quote_identifier(source->event_column));
	appendStringInfo(out, " from %s (%s, %s", registry_name(source->relation), quote_identifier(source->customer), quote_identifier(source->at));
	if (source->amount != NULL)
		appendStringInfo(out, ", %s", quote_identifier(source->amount));
	appendStringInfoChar(out, ')');
}

char *
activity_definition(const ActivityTableDef *def)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "customers by %s", quote_identifier(def->key));
	for (int s = 0; s < def->num_sources; s++)
		append_source(&out, &def->sources[s]);
	if (OidIsValid(def->scores))
		appendStringInfo(&out, ", scores from %s (%s, %s, %s)", registry_name(def->scores), quote_identifier(def->scores_customer),
						 quote_identifier(def->scores_model), quote_identifier(def->scores_score));
	if (def->consent != NULL)
		appendStringInfo(&out, ", consent %s", quote_identifier(def->consent));
	if (def->zone != NULL)
		appendStringInfo(&out, ", zone %s", quote_identifier(def->zone));
	appendStringInfo(&out, ", default_zone %s", def->default_zone);
	return out.data;
}
