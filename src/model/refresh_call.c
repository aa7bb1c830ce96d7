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
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "model/item_table.h"
#include "model/refresh.h"

/* --- one relation ------------------------------------------------------- */

/* Only attributes: no history is read, so there is no group to lock; the item table guards itself. */
static bool
refresh_catalog(CatalogDef *catalog, RefreshMode mode, RefreshReport *report)
{
	TimestampTz started = GetCurrentTimestamp();
	OwnerScope	owner;

	memset(report, 0, sizeof(RefreshReport));
	registry_require_owner(catalog->relation);
	if (!OidIsValid(catalog->products))
		return true;
	PushCopiedSnapshot(GetTransactionSnapshot());
	registry_enter_owner(catalog->relation, &owner);
	report->items = item_table_refresh_attributes(catalog, mode == REFRESH_REBUILD);
	registry_leave_owner(&owner);
	PopActiveSnapshot();
	report->ms = TimestampDifferenceMilliseconds(started, GetCurrentTimestamp());
	return true;
}

static bool
try_refresh(Oid relation, RefreshMode mode, bool wait, RefreshReport *report)
{
	HistoryDef *history = registry_history(relation);
	ModelDef   *model = history ? NULL : registry_model(relation);
	CatalogDef *catalog = history || model ? NULL : registry_catalog(relation);

	if (catalog != NULL)
		return refresh_catalog(catalog, mode, report);
	/* for what is none of the three, the error of a history serves: it is what can be made first */
	if (model == NULL)
		history = registry_require_history(relation);
	return refresh_group(history ? history->id : model->history_id, mode, wait, report);
}

static bool
refresh_relation(Oid relation, RefreshMode mode, bool wait, RefreshReport *report)
{
	bool		done = try_refresh(relation, mode, wait, report);

	if (!done)
		ereport(NOTICE, (errmsg("%s is being refreshed already", registry_name(relation))));
	return done;
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

/* Relations to refresh, of Oid: a history for each group, then catalogs that no history brings up to date. */
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
refresh_or_warn(Oid relation, RefreshMode mode, bool wait, RefreshReport *report)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resources = CurrentResourceOwner;
	volatile bool failed = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		refresh_relation(relation, mode, wait, report);
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
add_report(RefreshReport *sum, const RefreshReport *report)
{
	sum->baskets += report->baskets;
	sum->pairs += report->pairs;
	sum->items += report->items;
	sum->ms += report->ms;
}

/* What is left of a group that was locked by others is zero. */
static void
refresh_all(bool atomic, RefreshMode mode, bool wait, RefreshReport *sum)
{
	List	   *relations = everything_of_mine();
	ListCell   *cell;
	int			failed = 0;

	foreach(cell, relations)
	{
		RefreshReport report = {0};

		if (atomic)
			refresh_relation(lfirst_oid(cell), mode, wait, &report);
		else
		{
			failed += !refresh_or_warn(lfirst_oid(cell), mode, wait, &report);
			SPI_commit();
			SPI_start_transaction();
		}
		add_report(sum, &report);
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

static Datum
report_row(FunctionCallInfo fcinfo, const RefreshReport *report, bool done)
{
	TupleDesc	desc;
	Datum		values[] = {Int64GetDatum(report->baskets), Int64GetDatum(report->pairs),
	Int64GetDatum(report->items), Float8GetDatum(report->ms)};
	bool		nulls[] = {!done, !done, !done, !done};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
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
	RefreshReport report = {0};
	bool		done = true;

	if (!PG_ARGISNULL(0))
		done = refresh_relation(PG_GETARG_OID(0), mode, wait, &report);
	else
	{
		if (SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
			elog(ERROR, "could not connect to SPI");
		refresh_all(atomic, mode, wait, &report);
		SPI_finish();
	}
	return report_row(fcinfo, &report, done);
}

/* erase(history, basket) */
PG_FUNCTION_INFO_V1(personalize_erase);
Datum
personalize_erase(PG_FUNCTION_ARGS)
{
	HistoryDef *history = registry_require_history(PG_GETARG_OID(0));
	Datum		basket;

	if (!key_argument(history->basket_type, get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GETARG_DATUM(1), "basket", &basket))
		PG_RETURN_INT64(0);
	PG_RETURN_INT64(refresh_basket(history->id, basket));
}
