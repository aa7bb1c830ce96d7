/*
 * activity_refresh.c
 *		A refresh of an activity table, and of its segments with it.
 *
 * In the order of all refreshes: the lock against others first, then the tables against DDL, then the snapshot, through which the change log and the shop's
 * tables are read.  Memberships of segments are those of one instant, the start of the refresh, which is noted in the registry.
 */
#include "base/compat.h"

#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/progress.h"
#include "model/activity_source.h"
#include "model/build_rows.h"
#include "model/refresh_group.h"
#include "model/segment.h"
#include "model/setup.h"
#include "model/table_layout.h"

/* Share of the customers from which on a rebuild is faster. */
#define REBUILD_SHARE 0.25

typedef struct ActivityRefresh
{
	ActivityTableDef *def;
	ServerEnv	server;
	LogContents log;			/* consumed */
	SegmentPass *pass;			/* NULL: no segments */
	TableWriter *writer;
	KeyScan    *scan;
	int64		num_wanted;		/* customers to look at */
	RefreshReport *report;
} ActivityRefresh;

/* ---------------------------------------------------------------- locks */

static List *
relations_of_activity(int32 id)
{
	ActivityTableDef *def = activity_table_by_id(id);
	List	   *relations;

	if (def == NULL)
		return NIL;
	relations = activity_relations(def);
	relations = refresh_add_watched(relations, id);
	relations = list_append_unique_oid(relations, def->relation);
	relations = list_append_unique_oid(relations, def->log);
	return list_concat_unique_oid(relations, segment_tables(id));
}

/* Where event triggers were disabled, the registry knows of tables that are gone. */
static bool
exists(int32 id)
{
	ActivityTableDef *def = activity_table_by_id(id);

	return def != NULL && get_rel_name(def->relation) != NULL && get_rel_name(def->log) != NULL;
}

bool
activity_lock_tables(int32 id)
{
	refresh_lock_relations(relations_of_activity, id);
	return exists(id);
}

bool
activity_table_lock(int32 id, bool wait, bool *busy)
{
	ActivityTableDef *def = activity_table_by_id(id);

	*busy = false;
	if (!exists(id))
		return false;
	*busy = !refresh_lock_object(def->relation, wait);
	return *busy || activity_lock_tables(id);
}

/* ---------------------------------------------------------------- what has changed */

/* What is not watched may have changed without a trace: it is built again, and said, each time until it is put right. */
static void
distrust_log(ActivityRefresh *refresh)
{
	char	   *problem = refresh->def->built ? change_log_problem(refresh->def->id) : NULL;

	if (problem == NULL)
		return;
	refresh->log.all = true;
	ereport(WARNING,
			(errmsg("the change log of activity table %s may have missed changes", registry_name(refresh->def->relation)),
			 errdetail("%s.", problem),
			 errhint("Until that is put right, each refresh builds the table again. personalize.status shows it, too.")));
}

static bool
choose_rebuild(const ActivityRefresh *refresh, RefreshMode mode)
{
	const ActivityTableDef *def = refresh->def;

	if (mode == REFRESH_REBUILD || !def->built || refresh->log.all)
		return true;
	/* segments learn more of changes that come one by one: what was an event, and when */
	return mode == REFRESH_CHOOSE && refresh->pass == NULL && def->num_customers > 0 && refresh->log.keys.size > REBUILD_SHARE * def->num_customers;
}

/* ---------------------------------------------------------------- the two ways */

/* A customer that is new, or has come back, gets an ordinal that nobody ever had. */
static void
give_ordinal(ActivityTableDef *def, Customer *new)
{
	if (new->exists && new->ordinal < 0 && !key_is_number(def->key_type))
		new->ordinal = def->next_ordinal++;
}

static void
refresh_customer(void *arg, const Customer *customer)
{
	ActivityRefresh *refresh = arg;
	ActivityTableDef *def = refresh->def;
	Customer	new = *customer;
	Customer	old;
	HeapTuple	tuple;

	key_scan_start(refresh->scan, &new.key);
	tuple = key_scan_next(refresh->scan);
	activity_row_read(def, table_writer_relation(refresh->writer), tuple, &old);
	refresh->report->baskets++;
	if (refresh->report->baskets % 1000 == 0)
		progress_update(refresh->report->baskets, refresh->num_wanted);
	if (!old.exists && !new.exists)
		return;
	def->num_customers += new.exists - old.exists;
	/* before anybody is told of it, as sets know it by its ordinal */
	give_ordinal(def, &new);
	if (refresh->pass != NULL)
		segments_change(refresh->pass, &old, &new);
	activity_row_write(def, refresh->writer, tuple, &new);
}

static void
open_tables(ActivityRefresh *refresh)
{
	refresh->writer = table_writer_open(refresh->def->relation);
	refresh->scan = key_scan_open(table_writer_relation(refresh->writer), 1, GetActiveSnapshot());
}

static void
close_tables(ActivityRefresh *refresh)
{
	key_scan_close(refresh->scan);
	table_writer_close(refresh->writer);
	refresh_see_own_writes();
}

static void
refresh_incrementally(ActivityRefresh *refresh)
{
	const CustomerWant *want = refresh->pass ? segments_want(refresh->pass) : NULL;
	KeyType		type = refresh->def->key_type;
	uint32		n = refresh->log.keys.size;
	Datum	   *keys = MemoryContextAllocHuge(CurrentMemoryContext, (n + 1) * sizeof(Datum));
	bool		begun = progress_begin(PROGRESS_REFRESHING);

	for (uint32 code = 0; code < n; code++)
		keys[code] = key_datum(&refresh->log.keys, type, code, type);
	refresh->num_wanted = n;
	if (n > 0)
	{
		open_tables(refresh);
		customers_fetch(refresh->def, CUSTOMER_FRESH, want, keys, (int) n, refresh_customer, refresh);
		close_tables(refresh);
	}
	progress_end(begun);
}

static void
rebuild_customer(void *arg, Datum key, const unsigned char *activity, size_t size, HeapTuple old)
{
	ActivityRefresh *refresh = arg;
	Customer	stored;
	Customer	new = {.key = key, .exists = activity != NULL, .activity = activity, .size = size};

	activity_row_read(refresh->def, table_writer_relation(refresh->writer), old, &stored);
	new.ordinal = stored.ordinal;
	give_ordinal(refresh->def, &new);
	refresh->def->num_customers += new.exists;
	activity_row_write(refresh->def, refresh->writer, old, &new);
}

static void
rebuild(ActivityRefresh *refresh)
{
	refresh->def->num_customers = 0;
	open_tables(refresh);
	activity_join(refresh->def, table_writer_relation(refresh->writer), rebuild_customer, refresh);
	close_tables(refresh);
	refresh->def->built = true;
	refresh->report->rebuilt = true;
	refresh->report->baskets = refresh->def->num_customers;
}

/* ---------------------------------------------------------------- from beginning to end */

/* Time does not go back, whatever the clock says. */
static TimestampTz
instant(const ActivityTableDef *def)
{
	TimestampTz now = clock_statement();

	return def->refreshed == DT_NOBEGIN ? now : Max(now, def->refreshed);
}

static void
require_layouts(const ActivityTableDef *def)
{
	ListCell   *cell;

	activity_require_layout(def);
	layout_require_owner(def->log, def->relation);
	foreach(cell, segment_tables(def->id))
		if (get_rel_name(lfirst_oid(cell)) != NULL)
			layout_require_owner(lfirst_oid(cell), def->relation);
}

static void
refresh_opened(ActivityRefresh *refresh, RefreshMode mode)
{
	ActivityTableDef *def = refresh->def;
	TimestampTz started = GetCurrentTimestamp();
	TimestampTz as_of = instant(def);
	bool		rebuilds;

	setup_depend_activity(def);
	activity_refresh_begins(def);
	distrust_log(refresh);
	refresh->pass = segments_begin(def, def->refreshed, as_of);
	rebuilds = choose_rebuild(refresh, mode);
	if (rebuilds)
		rebuild(refresh);
	else
		refresh_incrementally(refresh);
	if (refresh->pass != NULL)
		segments_finish(refresh->pass, rebuilds, refresh->report);
	def->refreshed = as_of;
	refresh->report->ms = (GetCurrentTimestamp() - started) / 1000.0;
	activity_refreshed(def, refresh->report);
}

static void
require_gone(const ActivityTableDef *def, Datum key)
{
	Oid			left = activity_events_where(def, key);

	if (OidIsValid(left))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("customer still has rows in %s", registry_name(left)),
				 errdetail("What is erased here would come back with the next refresh."),
				 errhint("Delete its rows first.")));
}

/* Locked.  With snapshot and user as all of the work needs them; of a key (NULL: none) nothing may be left in the shop. */
static void
refresh_locked(int32 id, RefreshMode mode, const Datum *erased, RefreshReport *report)
{
	ActivityRefresh refresh = {.def = activity_table_by_id(id), .report = report};
	ActivityTableDef *def = refresh.def;
	OwnerScope	owner;

	server_env_init(&refresh.server, CurrentMemoryContext);
	registry_require_owner(def->relation);
	PushCopiedSnapshot(GetTransactionSnapshot());
	registry_enter_owner(def->relation, &owner);
	require_layouts(def);
	if (erased != NULL)
		require_gone(def, *erased);
	change_log_read(&refresh.server.env, def->log, def->key_type, GetActiveSnapshot(), true, &refresh.log);
	if (erased != NULL)
		key_add(&refresh.server.env, &refresh.log.keys, def->key_type, *erased);
	refresh_opened(&refresh, mode);
	registry_leave_owner(&owner);
	PopActiveSnapshot();
}

static RefreshOutcome
refresh_activity(int32 id, RefreshMode mode, bool wait, const Datum *erased, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize refresh", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ActivityTableDef *def = activity_table_by_id(id);
	RefreshOutcome outcome = REFRESH_GONE;
	bool		busy = false;

	memset(report, 0, sizeof(RefreshReport));
	if (def != NULL)
	{
		registry_require_owner(def->relation);
		if (activity_table_lock(id, wait, &busy))
			outcome = busy ? REFRESH_BUSY : REFRESH_DONE;
	}
	if (outcome == REFRESH_DONE)
		refresh_locked(id, mode, erased, report);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return outcome;
}

RefreshOutcome
activity_table_refresh(int32 id, RefreshMode mode, bool wait, RefreshReport *report)
{
	return refresh_activity(id, mode, wait, NULL, report);
}

/* ---------------------------------------------------------------- erasure */

/*
 * All that is pending goes along: memberships are those of one instant, so time cannot pass for one customer alone.
 */
int64
activity_erase(const ActivityTableDef *def, Datum key)
{
	char	   *name = registry_name(def->relation);
	RefreshReport report;

	if (refresh_activity(def->id, REFRESH_INCREMENTAL, true, &key, &report) == REFRESH_GONE)
		registry_fail_gone("activity table", name);
	return report.items;
}
