/*
 * refresh.c
 *		One refresh of a group of histories and all of their models.
 *
 * The order is what makes it exact: the lock against other refreshes first, then the tables
 * against DDL, then the registry, and only then the snapshot, through which the change log and the shop's tables
 * are read.  So whatever the snapshot does not see is in the log for the next refresh.  All writes are in
 * one transaction: readers see the last refresh until it commits.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/progress.h"
#include "model/build.h"
#include "model/refresh.h"
#include "model/refresh_group.h"
#include "model/rescore.h"
#include "model/setup.h"
#include "model/source.h"
#include "model/table_layout.h"

/* Share of the baskets from which on a rebuild is faster. */
#define REBUILD_SHARE 0.125

/* --- the group ---------------------------------------------------------- */

static GroupHistory *
find_history(const RefreshGroup *group, int32 id)
{
	for (int i = 0; i < group->num_histories; i++)
		if (group->history[i].def->id == id)
			return &group->history[i];
	return NULL;
}

static int
compare_models(const void *x, const void *y)
{
	int32		a = ((const GroupModel *) x)->def->id;
	int32		b = ((const GroupModel *) y)->def->id;

	return a < b ? -1 : a > b;
}

/* A directed model is a model of both of its histories. */
static bool
has_model(const RefreshGroup *group, int32 id)
{
	for (int i = 0; i < group->num_models; i++)
		if (group->model[i].def->id == id)
			return true;
	return false;
}

/* One of which a part is gone, as DROP TABLE with disabled event triggers leaves it, is skipped; status tells about it. */
static bool
is_whole(const GroupModel *model)
{
	return model->source != NULL && (model->target != NULL || !model->def->shape.directed) &&
		get_rel_name(model->def->relation) != NULL && get_rel_name(model->def->pairs) != NULL;
}

static void
add_models(RefreshGroup *group, int32 history_id)
{
	ListCell   *cell;

	foreach(cell, registry_models_of(history_id))
	{
		ModelDef   *model = lfirst(cell);
		GroupModel	m = {.def = model};

		m.source = find_history(group, model->history_id);
		m.target = model->target_id ? find_history(group, model->target_id) : NULL;
		if (!has_model(group, model->id) && is_whole(&m))
			group->model[group->num_models++] = m;
	}
}

static bool
has_follower(const RefreshGroup *group, int32 id)
{
	for (int i = 0; i < group->num_followers; i++)
		if (group->follower[i].def->id == id)
			return true;
	return false;
}

/* As for models: one of which a part is gone is skipped. */
static bool
is_whole_follower(const GroupFollower *follower)
{
	ListCell   *cell;

	foreach(cell, list_concat(follower_tables(follower->def), follower_sources(follower->def)))
		if (get_rel_name(lfirst_oid(cell)) == NULL)
			return false;
	return follower->source != NULL && (follower->target != NULL || follower->def->target_id == 0);
}

static void
add_followers(RefreshGroup *group)
{
	List	   *all = followers_all();
	ListCell   *cell;

	group->follower = palloc0(Max(list_length(all), 1) * sizeof(GroupFollower));
	foreach(cell, all)
	{
		FollowerDef *def = lfirst(cell);
		GroupFollower f = {.def = def};

		f.source = find_history(group, def->history_id);
		f.target = def->target_id ? find_history(group, def->target_id) : NULL;
		if (!has_follower(group, def->id) && is_whole_follower(&f))
			group->follower[group->num_followers++] = f;
	}
}

/* A dump carries no dependencies over, so before the first refresh after it these may have been dropped alone. */
static void
require_part(const HistoryDef *history, const char *part, Oid relation)
{
	if (get_rel_name(relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s of history %s does not exist any more", part, registry_name(history->relation)),
				 errhint("Drop the history with personalize.drop_history().")));
}

static void
open_group(RefreshGroup *group, int32 history_id)
{
	List	   *histories = registry_group(history_id);
	int			num_models = 0;
	ListCell   *cell;

	memset(group, 0, sizeof(RefreshGroup));
	server_env_init(&group->server, CurrentMemoryContext);
	group->history = palloc0(list_length(histories) * sizeof(GroupHistory));
	foreach(cell, histories)
	{
		group->history[group->num_histories].def = lfirst(cell);
		num_models += list_length(registry_models_of(group->history[group->num_histories++].def->id));
	}
	group->model = palloc0(Max(num_models, 1) * sizeof(GroupModel));
	for (int i = 0; i < group->num_histories; i++)
		require_part(group->history[i].def, "source", group->history[i].def->interactions);
	for (int i = 0; i < group->num_histories; i++)
		add_models(group, group->history[i].def->id);
	qsort(group->model, group->num_models, sizeof(GroupModel), compare_models);
	add_followers(group);
	group->catalog = registry_catalog_by_id(group->history[0].def->catalog_id);
	require_part(group->history[0].def, "catalog", group->catalog ? group->catalog->relation : InvalidOid);
	group->basket_type = group->history[0].def->basket_type;
	keyset_init(&group->server.env, &group->baskets, key_is_number(group->basket_type));
}

/* The active snapshot is our own copy, which may be moved on to later commands of this transaction. */
void
refresh_see_own_writes(void)
{
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
}

/* --- what has changed --------------------------------------------------- */

/* The clock may go back; events that have expired stay so. */
static TimestampTz
horizon_start(const HistoryDef *history)
{
	TimestampTz start;

	if (history->horizon == NULL)
		return DT_NOBEGIN;
	start = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
													TimestampTzGetDatum(clock_now()),
													IntervalPGetDatum(history->horizon)));
	return Max(start, history->horizon_start);
}

/* Baskets of which an event has fallen out of the horizon since the last refresh: found by their index. */
static void
add_expired(RefreshGroup *group, GroupHistory *history)
{
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		args[] = {TimestampTzGetDatum(history->def->horizon_start)};
	char	   *sql = psprintf("SELECT basket FROM ONLY %s WHERE oldest OPERATOR(pg_catalog.<) $1",
							   registry_name(history->def->relation));

	SPI_connect();
	if (SPI_execute_with_args(sql, 1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read expired baskets");
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		bool		isnull;

		refresh_add_basket(group, history,
						   SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
}

/* Also of what followers watch for it. */
static char *
watch_problem(const RefreshGroup *group, const GroupHistory *history)
{
	char	   *problem = change_log_problem(history->def->id);

	for (int i = 0; problem == NULL && i < group->num_followers; i++)
		if (group->follower[i].source == history)
			problem = change_log_problem(group->follower[i].def->id);
	return problem;
}

/* What is not watched may have changed without a trace: it is built again, and said, each time until it is put right. */
static void
distrust_log(const RefreshGroup *group, GroupHistory *history)
{
	char	   *problem = history->def->built ? watch_problem(group, history) : NULL;

	if (problem == NULL)
		return;
	history->log.all = true;
	ereport(WARNING,
			(errmsg("the change log of history %s may have missed changes", registry_name(history->def->relation)),
			 errdetail("%s.", problem),
			 errhint("Until that is put right, each refresh builds the history again. personalize.status shows it, too.")));
}

static void
read_changes(RefreshGroup *group, GroupHistory *history)
{
	HistoryDef *def = history->def;

	change_log_read(&group->server.env, def->log, def->basket_type, GetActiveSnapshot(), true, &history->log);
	for (uint32 code = 0; code < history->log.keys.size; code++)
		refresh_add_basket(group, history,
						   key_datum(&history->log.keys, def->basket_type, code, def->basket_type));
	distrust_log(group, history);
	def->horizon_start = horizon_start(def);
	if (def->horizon != NULL && def->built)
		add_expired(group, history);
}

/* Whether the group has to be built from the start, or it pays to. */
static bool
choose_rebuild(const RefreshGroup *group, RefreshMode mode)
{
	int64		baskets = 0;

	if (mode == REFRESH_REBUILD)
		return true;
	for (int i = 0; i < group->num_histories; i++)
	{
		const GroupHistory *history = &group->history[i];

		if (!history->def->built || history->log.all)
			return true;
		baskets += history->def->num_baskets;
	}
	/* a basket new to an empty history is no reason: there is nothing to build again */
	return mode == REFRESH_CHOOSE && baskets > 0 && group->baskets.size > REBUILD_SHARE * baskets;
}

/* --- the two ways ------------------------------------------------------- */

static void
build_group_model(GroupModel *model)
{
	build_model(model->def, model->source->def, model->target ? model->target->def : NULL, &model->report);
	model->report.rebuilt = true;
	refresh_see_own_writes();
}

static void
build_group_follower(RefreshGroup *group, GroupFollower *follower)
{
	follower->def->kind->build(group, follower->def, &follower->report);
	follower->report.rebuilt = true;
	refresh_see_own_writes();
}

static void
rebuild_group(RefreshGroup *group)
{
	for (int i = 0; i < group->num_histories; i++)
	{
		GroupHistory *history = &group->history[i];

		history->report.baskets = build_history(history->def, &history->report);
		history->report.rebuilt = true;
		refresh_see_own_writes();
	}
	for (int i = 0; i < group->num_models; i++)
		build_group_model(&group->model[i]);
	for (int i = 0; i < group->num_followers; i++)
		build_group_follower(group, &group->follower[i]);
}

/* Also where no basket has changed: time has. */
static void
finish_followers(RefreshGroup *group)
{
	refresh_begin_followers(group);
	for (int i = 0; i < group->num_followers; i++)
	{
		GroupFollower *follower = &group->follower[i];

		if (follower->state == NULL)
			continue;
		follower->def->kind->finish(follower->state, &follower->report);
		refresh_see_own_writes();
	}
}

static void
refresh_incrementally(RefreshGroup *group)
{
	if (group->baskets.size > 0)
	{
		refresh_baskets(group);
		/* there may be followers only, which read the histories */
		refresh_see_own_writes();
	}
	for (int i = 0; i < group->num_models; i++)
	{
		GroupModel *model = &group->model[i];

		if (model->apply == NULL)
			continue;
		model->report.pairs = model->apply->num_pairs;
		rescore_model(model->apply, model->source->def, group->items, &model->report);
		apply_free(model->apply);
		pairs_release(&model->changes);
		refresh_see_own_writes();
	}
	finish_followers(group);
}

/* Models that wait for their first build get their counts from the history as it is now. */
static void
build_missing_models(RefreshGroup *group)
{
	for (int i = 0; i < group->num_models; i++)
		if (!group->model[i].def->built)
			build_group_model(&group->model[i]);
	for (int i = 0; i < group->num_followers; i++)
		if (!group->follower[i].def->built)
			build_group_follower(group, &group->follower[i]);
}

/* --- its end ------------------------------------------------------------ */

/* State of every history and model, and the sum of what was done. */
static void
record(RefreshGroup *group, TimestampTz started, RefreshReport *sum)
{
	sum->ms = (GetCurrentTimestamp() - started) / 1000.0;
	for (int i = 0; i < group->num_histories; i++)
	{
		GroupHistory *history = &group->history[i];

		history->report.ms = sum->ms;
		sum->rebuilt |= history->report.rebuilt;
		sum->baskets += history->report.baskets;
		registry_history_refreshed(history->def, &history->report);
	}
	for (int i = 0; i < group->num_models; i++)
	{
		GroupModel *model = &group->model[i];

		model->report.ms = sum->ms;
		sum->pairs += model->report.pairs;
		sum->items += model->report.items;
		registry_model_refreshed(model->def, &model->report);
	}
	for (int i = 0; i < group->num_followers; i++)
	{
		GroupFollower *follower = &group->follower[i];

		follower->report.ms = sum->ms;
		sum->items += follower->report.items;
		follower->def->kind->refreshed(follower->def, &follower->report);
	}
	ereport(DEBUG1,
			(errmsg_internal("refreshed %s: " INT64_FORMAT " baskets, " INT64_FORMAT " pairs, " INT64_FORMAT " items, %.0f ms",
							 registry_name(group->history[0].def->relation), sum->baskets, sum->pairs, sum->items, sum->ms)));
}

/* Under the locks: what must hold before anything is read or written. */
static void
begin_group(RefreshGroup *group)
{
	for (int i = 0; i < group->num_histories; i++)
	{
		setup_restore_dependencies(group->history[i].def);
		registry_refresh_begins(group->history[i].def);
	}
}

static void
refresh_opened_group(RefreshGroup *group, RefreshMode mode, RefreshReport *report)
{
	TimestampTz started = GetCurrentTimestamp();
	bool		rebuild;

	begin_group(group);
	for (int i = 0; i < group->num_histories; i++)
		read_changes(group, &group->history[i]);
	rebuild = choose_rebuild(group, mode);
	if (rebuild)
		rebuild_group(group);
	else
	{
		refresh_incrementally(group);
		build_missing_models(group);
	}
	if (OidIsValid(group->catalog->products))
		item_table_refresh_attributes(group->catalog, rebuild);
	record(group, started, report);
}

static void
require_follower_layout(const FollowerDef *follower, Oid history)
{
	ListCell   *cell;

	follower->kind->require_layout(follower);
	foreach(cell, follower_tables(follower))
		layout_require_owner(lfirst_oid(cell), history);
}

/* Under the locks that keep them as they are. */
static void
require_layouts(const RefreshGroup *group)
{
	Oid			history = group->history[0].def->relation;

	layout_require_catalog(group->catalog);
	layout_require_owner(group->catalog->relation, history);
	for (int h = 0; h < group->num_histories; h++)
	{
		layout_require_history(group->history[h].def);
		layout_require_owner(group->history[h].def->relation, history);
		layout_require_owner(group->history[h].def->log, history);
	}
	for (int m = 0; m < group->num_models; m++)
	{
		layout_require_model(group->model[m].def);
		layout_require_owner(group->model[m].def->relation, history);
		layout_require_owner(group->model[m].def->pairs, history);
	}
	for (int f = 0; f < group->num_followers; f++)
		require_follower_layout(group->follower[f].def, history);
}

/* The group is locked.  Opens it with snapshot and user as all of its work needs them; close_scope undoes it. */
static void
open_scope(RefreshGroup *group, int32 history_id, OwnerScope *owner)
{
	open_group(group, history_id);
	for (int i = 0; i < group->num_histories; i++)
		registry_require_owner(group->history[i].def->relation);
	PushCopiedSnapshot(GetTransactionSnapshot());
	registry_enter_owner(group->history[0].def->relation, owner);
	require_layouts(group);
}

static void
close_scope(const OwnerScope *owner)
{
	registry_leave_owner(owner);
	PopActiveSnapshot();
}

static MemoryContext
refresh_context(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "personalize refresh", ALLOCSET_DEFAULT_SIZES);
}

RefreshOutcome
refresh_group(int32 history_id, RefreshMode mode, bool wait, RefreshReport *report)
{
	MemoryContext context = refresh_context();
	MemoryContext old = MemoryContextSwitchTo(context);
	HistoryDef *history = registry_history_by_id(history_id);
	RefreshOutcome outcome = REFRESH_GONE;
	OwnerScope	owner;
	RefreshGroup group;

	memset(report, 0, sizeof(RefreshReport));
	if (history != NULL)
	{
		registry_require_owner(history->relation);
		outcome = refresh_lock_group(history_id, wait);
	}
	if (outcome == REFRESH_DONE)
	{
		open_scope(&group, history_id, &owner);
		refresh_opened_group(&group, mode, report);
		close_scope(&owner);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return outcome;
}

/* --- one basket --------------------------------------------------------- */

static void
require_no_rows(const HistoryDef *history, Datum basket)
{
	if (source_has(history, basket))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("basket still has rows in %s", registry_name(history->interactions)),
				 errdetail("What is erased here would come back with the next refresh."),
				 errhint("Delete its rows first.")));
}

static int64
erase_opened(RefreshGroup *group, GroupHistory *history, Datum basket)
{
	RefreshReport sum = {0};
	TimestampTz started = GetCurrentTimestamp();

	require_no_rows(history->def, basket);
	begin_group(group);
	/* nothing was ever counted in a history that was never built */
	if (history->def->built)
	{
		refresh_add_basket(group, history, basket);
		refresh_incrementally(group);
	}
	change_log_forget(history->def->log, history->def->basket_type, GetActiveSnapshot(), basket);
	record(group, started, &sum);
	return sum.pairs;
}

int64
refresh_basket(const HistoryDef *history, Datum basket)
{
	MemoryContext context = refresh_context();
	MemoryContext old = MemoryContextSwitchTo(context);
	char	   *name = registry_name(history->relation);
	OwnerScope	owner;
	RefreshGroup group;
	int64		pairs;

	registry_require_owner(history->relation);
	if (refresh_lock_group(history->id, true) == REFRESH_GONE)
		registry_fail_gone("history", name);
	open_scope(&group, history->id, &owner);
	pairs = erase_opened(&group, find_history(&group, history->id), basket);
	close_scope(&owner);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return pairs;
}
