/*
 * change_log_problem.c
 *		What is wrong with a definition and its triggers now, for status.
 *
 * Each check returns a sentence for people, or NULL.  Nothing here takes a lock that anybody waits for.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "model/activity_source.h"
#include "model/change_log.h"
#include "model/change_log_target.h"
#include "model/change_log_watch.h"
#include "model/popularity.h"

static char *
column_problem(Oid relation, List *columns)
{
	ListCell   *column;

	foreach(column, columns)
		if (get_attnum(relation, lfirst(column)) == InvalidAttrNumber)
			return psprintf("%s has no column \"%s\" (any more)", registry_name(relation), (char *) lfirst(column));
	return NULL;
}

/* The types that were found at creation are those of the tables that hold the keys. */
static char *
key_problem(Oid relation, const char *column, KeyType type)
{
	AttrNumber	number = get_attnum(relation, column);

	if (number == InvalidAttrNumber)
		return psprintf("%s has no column \"%s\" (any more)", registry_name(relation), column);
	if (!log_type_fits(get_atttype(relation, number), type))
		return psprintf("column \"%s\" of %s is no %s (any more)", column, registry_name(relation), key_type_name(type));
	return NULL;
}

static char *
relation_problem(const WatchOwner *owner, Oid relation)
{
	if (get_rel_name(relation) == NULL)
		return psprintf("the relation that %s was made from is gone", registry_name(owner->relation));
	return column_problem(relation, watch_columns(owner, relation));
}

/* Of each relation that an activity table reads: it is there, and so is what gives the key. */
static char *
activity_problem(const WatchOwner *owner)
{
	const ActivityTableDef *activity = owner->activity;
	char	   *problem = NULL;
	ListCell   *cell;

	foreach(cell, watch_sources(owner))
		if (problem == NULL)
			problem = relation_problem(owner, lfirst_oid(cell));
	if (problem == NULL)
		problem = key_problem(activity->customers, activity->key, activity->key_type);
	for (int s = 0; problem == NULL && s < activity->num_sources; s++)
	{
		problem = key_problem(activity->sources[s].relation, activity->sources[s].customer, activity->key_type);
		problem = problem != NULL ? problem : activity_source_problem(&activity->sources[s]);
	}
	if (problem == NULL && OidIsValid(activity->scores))
		problem = key_problem(activity->scores, activity->scores_customer, activity->key_type);
	return problem;
}

/* A catalog without a product table has nothing that could go wrong. */
static char *
source_problem(const WatchOwner *owner)
{
	char	   *problem;

	if (!OidIsValid(owner->source))
		return NULL;
	if (owner->activity != NULL)
		return activity_problem(owner);
	problem = relation_problem(owner, owner->source);
	if (problem == NULL && owner->popularity != NULL)
		problem = key_problem(owner->source, owner->popularity->key, owner->type);
	if (problem != NULL || owner->history == NULL)
		return problem;
	problem = key_problem(owner->source, owner->history->basket, owner->history->basket_type);
	return problem != NULL ? problem : key_problem(owner->source, owner->history->item, owner->history->item_type);
}

/* Who asks may lack a right that whoever writes has, so a refusal is not the definition's fault. */
static char *
expression_problem(const WatchDef *watch, KeyType type)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	char	   *volatile problem = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		log_check_expression(watch->relation, watch->key, type, false);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		if (error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
			problem = psprintf("key of %s: %s", registry_name(watch->relation), error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resources;
	return problem;
}

/* A partition that came while no event trigger fired has no triggers: direct writes to it would go by unseen. */
static char *
member_problem(int32 id, Oid relation)
{
	if (get_rel_relkind(relation) == RELKIND_FOREIGN_TABLE)
		return psprintf("changes of foreign table %s are not noticed", registry_name(relation));
	return watch_trigger_problem(id, relation);
}

/* The first that is found will do: one problem is mended after the other. */
static char *
watch_problem(const WatchDef *watch, KeyType type)
{
	char	   *problem;
	List	   *members;
	ListCell   *member;

	if (get_rel_name(watch->relation) == NULL)
		return psprintf("the watched table with OID %u is gone", watch->relation);
	if (get_rel_persistence(watch->relation) == RELPERSISTENCE_UNLOGGED)
		return psprintf("%s is unlogged: that a crash empties it is not noticed", registry_name(watch->relation));
	problem = watch->expression ? expression_problem(watch, type) : key_problem(watch->relation, watch->key, type);
	members = problem == NULL ? find_all_inheritors(watch->relation, NoLock, NULL) : NIL;
	foreach(member, members)
	{
		problem = member_problem(watch->id, lfirst_oid(member));
		if (problem != NULL)
			break;
	}
	return problem;
}

/* Triggers do nothing without a log, on purpose; so here is where it must come up. */
static char *
log_problem(const WatchOwner *owner, List *watched)
{
	if (!OidIsValid(owner->source))
		return NULL;
	if (!OidIsValid(owner->log) || get_rel_name(owner->log) == NULL)
		return psprintf("the change log of %s is gone", registry_name(owner->relation));
	return watched == NIL ? psprintf("no table is watched for %s", registry_name(owner->relation)) : NULL;
}

/* From the definition to the triggers: what is wrong above is the likely cause of what is wrong below. */
char *
change_log_problem(int32 id)
{
	List	   *watched = watch_rows(id);
	WatchOwner	owner;
	ListCell   *watch;
	char	   *problem;

	if (!watch_owner(id, &owner))
		return NULL;
	problem = source_problem(&owner);
	if (problem == NULL)
		problem = log_problem(&owner, watched);
	foreach(watch, watched)
	{
		if (problem != NULL)
			break;
		problem = watch_problem(lfirst(watch), owner.type);
	}
	return problem;
}
