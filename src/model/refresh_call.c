/*
 * refresh_call.c
 *		Refresh and erasure as SQL calls them.
 *
 * A refresh of everything commits after each group where that is allowed, so that no lock is held for longer
 * than its group takes, and goes on where one fails.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "model/activity_source.h"
#include "model/follower.h"
#include "model/item_table.h"
#include "model/refresh.h"
#include "model/segment.h"

/* What one refresh brings up to date: a catalog's attributes, an activity table with its segments, or the group of a history. */
typedef struct Target
{
	int32		history_id;
	int32		activity_id;	/* 0: it is none */
	CatalogDef *catalog;		/* NULL: it is none */
	char	   *name;			/* as it was when it was looked up */
} Target;

/* --- one relation ------------------------------------------------------- */

/* Only attributes: no history is read, so there is no group to lock; the item table guards itself. */
static RefreshOutcome
refresh_catalog(CatalogDef *catalog, RefreshMode mode, RefreshReport *report)
{
	TimestampTz started = GetCurrentTimestamp();
	OwnerScope	owner;

	registry_require_owner(catalog->relation);
	if (!OidIsValid(catalog->products))
		return REFRESH_DONE;
	if (!refresh_lock_catalog(catalog->id))
		return REFRESH_GONE;
	registry_require_owner(catalog->relation);
	PushCopiedSnapshot(GetTransactionSnapshot());
	registry_enter_owner(catalog->relation, &owner);
	report->items = item_table_refresh_attributes(catalog, mode == REFRESH_REBUILD);
	registry_leave_owner(&owner);
	PopActiveSnapshot();
	report->ms = (GetCurrentTimestamp() - started) / 1000.0;
	return REFRESH_DONE;
}

/* All of the group: they stand at one snapshot now. */
static char *
history_names(int32 history_id)
{
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, registry_group(history_id))
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", registry_name(((HistoryDef *) lfirst(cell))->relation));
	return names.data;
}

/* One line for each group, also where nothing was pending: whoever calls by hand wants to see that it was done. */
static void
tell(const Target *target, const RefreshReport *report)
{
	if (target->catalog != NULL)
		ereport(NOTICE,
				(errmsg("refreshed catalog %s: " INT64_FORMAT " items in %.1f ms", target->name, report->items, report->ms)));
	else if (target->activity_id != 0)
		ereport(NOTICE,
				(errmsg("%s activity table %s: " INT64_FORMAT " customers, " INT64_FORMAT " members came or went in %.1f ms",
						report->rebuilt ? "rebuilt" : "refreshed", target->name, report->baskets, report->items, report->ms)));
	else
		ereport(NOTICE,
				(errmsg("%s history %s: " INT64_FORMAT " baskets, " INT64_FORMAT " pairs, " INT64_FORMAT " items in %.1f ms",
						report->rebuilt ? "rebuilt" : "refreshed", history_names(target->history_id),
						report->baskets, report->pairs, report->items, report->ms)));
}

/* A segment stands for the activity table that it is of. */
static bool
find_activity(Oid relation, Target *target)
{
	ActivityTableDef *activity = activity_table(relation);
	SegmentDef *segment = activity ? NULL : segment_of_relation(relation);

	if (segment != NULL)
		activity = activity_table_by_id(segment->activity_id);
	if (segment != NULL && activity == NULL)
		registry_fail_gone("activity table of", registry_name(relation));
	if (activity == NULL)
		return false;
	target->activity_id = activity->id;
	target->name = registry_name(activity->relation);
	return true;
}

/* Names are taken before any wait, since there may be none after it.  False where the registry does not know the relation. */
static bool
find_target(Oid relation, Target *target)
{
	HistoryDef *history = registry_history(relation);
	ModelDef   *model = history ? NULL : registry_model(relation);
	FollowerDef *follower = history || model ? NULL : follower_of_relation(relation);

	memset(target, 0, sizeof(Target));
	if (model != NULL)
		history = registry_require_history_of(model->relation, model->history_id);
	if (follower != NULL)
		history = registry_require_history_of(follower->relation, follower->history_id);
	if (history != NULL)
		target->history_id = history->id;
	else
		target->catalog = registry_catalog(relation);
	if (history == NULL && target->catalog == NULL)
		return find_activity(relation, target);
	target->name = registry_name(history ? history->relation : relation);
	return true;
}

static RefreshOutcome
refresh_target(const Target *target, RefreshMode mode, bool wait)
{
	RefreshReport report = {0};
	RefreshOutcome outcome;

	if (target->catalog != NULL)
		outcome = refresh_catalog(target->catalog, mode, &report);
	else if (target->activity_id != 0)
		outcome = activity_table_refresh(target->activity_id, mode, wait, &report);
	else
		outcome = refresh_group(target->history_id, mode, wait, &report);
	if (outcome == REFRESH_BUSY)
		ereport(NOTICE, (errmsg("%s is being refreshed already", target->name)));
	else if (outcome == REFRESH_DONE)
		tell(target, &report);
	return outcome;
}

static void
refresh_relation(Oid relation, RefreshMode mode, bool wait)
{
	Target		target;

	/* for what is none of these, the error of a history serves: it is what can be made first */
	if (!find_target(relation, &target))
		registry_require_history(relation);
	if (refresh_target(&target, mode, wait) == REFRESH_GONE)
		registry_fail_gone(target.catalog ? "catalog" : target.activity_id ? "activity table" : "history", target.name);
}

/* One of all that there were when the list was made: what is gone since needs none. */
static void
refresh_listed(Oid relation, RefreshMode mode, bool wait)
{
	Target		target;

	if (find_target(relation, &target))
		refresh_target(&target, mode, wait);
}

/* --- all of them -------------------------------------------------------- */

static bool
is_mine(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		mine;

	if (!HeapTupleIsValid(tuple))
		return false;
	mine = has_privs_of_role(GetUserId(), ((Form_pg_class) GETSTRUCT(tuple))->relowner);
	ReleaseSysCache(tuple);
	return mine;
}

/* A history stands for its group if no other of the group comes before it. */
static bool
leads_group(const HistoryDef *history)
{
	return ((HistoryDef *) linitial(registry_group(history->id)))->id == history->id;
}

static bool
has_history(const CatalogDef *catalog, const List *histories)
{
	const ListCell *cell;

	foreach(cell, histories)
		if (((const HistoryDef *) lfirst(cell))->catalog_id == catalog->id)
			return true;
	return false;
}

/* Relations to refresh, of Oid: a history for each group, then catalogs that no history brings up to date, then activity tables. */
static List *
everything_of_mine(void)
{
	List	   *histories = registry_histories();
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, histories)
		if (is_mine(((HistoryDef *) lfirst(cell))->relation) && leads_group(lfirst(cell)))
			found = lappend_oid(found, ((HistoryDef *) lfirst(cell))->relation);
	foreach(cell, registry_catalogs())
	{
		CatalogDef *catalog = lfirst(cell);

		if (OidIsValid(catalog->products) && is_mine(catalog->relation) && !has_history(catalog, histories))
			found = lappend_oid(found, catalog->relation);
	}
	foreach(cell, activity_tables())
		if (is_mine(((ActivityTableDef *) lfirst(cell))->relation))
			found = lappend_oid(found, ((ActivityTableDef *) lfirst(cell))->relation);
	return found;
}

/* The error as a warning, for the one that failed; the transaction is as it was before it. */
static void
warn_of_failure(Oid relation, ErrorData *error)
{
	/* whoever cancels, or shuts down, means all of it */
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("could not refresh %s: %s", get_rel_name(relation) ? registry_name(relation) : "a relation that was dropped",
					error->message),
			 error->detail ? errdetail("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0));
	FreeErrorData(error);
}

/* In a subtransaction, which an error undoes and nothing else.  False where it failed. */
static bool
refresh_or_warn(Oid relation, RefreshMode mode, bool wait)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	volatile bool failed = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		refresh_listed(relation, mode, wait);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = resources;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = resources;
		warn_of_failure(relation, error);
		failed = true;
	}
	PG_END_TRY();
	return !failed;
}

static void
refresh_all(bool atomic, RefreshMode mode, bool wait)
{
	List	   *relations = everything_of_mine();
	ListCell   *cell;
	int			failed = 0;

	foreach(cell, relations)
	{
		if (atomic)
		{
			refresh_listed(lfirst_oid(cell), mode, wait);
			continue;
		}
		failed += !refresh_or_warn(lfirst_oid(cell), mode, wait);
		SPI_commit();
		SPI_start_transaction();
	}
	if (failed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("%d of %d refreshes failed", failed, list_length(relations)),
				 errdetail("The others are committed; the warnings before this say what was wrong.")));
}

/* --- SQL ---------------------------------------------------------------- */

static bool
is_atomic(FunctionCallInfo fcinfo)
{
	return fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic;
}

static RefreshMode
refresh_mode(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return REFRESH_CHOOSE;
	return PG_GETARG_BOOL(argument) ? REFRESH_REBUILD : REFRESH_INCREMENTAL;
}

/* refresh(relation, rebuild, wait) */
PG_FUNCTION_INFO_V1(personalize_refresh);
Datum
personalize_refresh(PG_FUNCTION_ARGS)
{
	RefreshMode mode = refresh_mode(fcinfo, 1);
	bool		wait = PG_ARGISNULL(2) || PG_GETARG_BOOL(2);
	bool		atomic = is_atomic(fcinfo);

	PreventCommandDuringRecovery("personalize.refresh()");
	if (!PG_ARGISNULL(0))
		refresh_relation(PG_GETARG_OID(0), mode, wait);
	else
	{
		if (SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		refresh_all(atomic, mode, wait);
		SPI_finish();
	}
	PG_RETURN_VOID();
}

static int64
erase_customer(const ActivityTableDef *activity, Oid type, Datum argument)
{
	Datum		key;

	if (!key_argument(activity->key_type, type, argument, "customer", &key))
		return 0;
	return activity_erase(activity, key);
}

/* erase(history, basket), erase(activity, customer) */
PG_FUNCTION_INFO_V1(personalize_erase);
Datum
personalize_erase(PG_FUNCTION_ARGS)
{
	ActivityTableDef *activity = activity_table(PG_GETARG_OID(0));
	HistoryDef *history;
	Datum		basket;

	PreventCommandDuringRecovery("personalize.erase()");
	if (activity != NULL)
		PG_RETURN_INT64(erase_customer(activity, get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GETARG_DATUM(1)));
	history = registry_require_history(PG_GETARG_OID(0));
	if (!key_argument(history->basket_type, get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GETARG_DATUM(1), "basket", &basket))
		PG_RETURN_INT64(0);
	PG_RETURN_INT64(refresh_basket(history, basket));
}
