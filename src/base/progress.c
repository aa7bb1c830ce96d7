/*
 * progress.c
 *		What a long call is doing, published in the backend's own status slot.
 *
 * Every backend has one progress slot in shared memory, written without a lock
 * by its owner and readable by all; using it needs no shared memory of ours,
 * and so no preload.
 */
#include "base/compat.h"

#include "catalog/pg_authid.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/progress.h"

/*
 * The server's enum of commands is closed: its views look for their own number
 * and pass over ours.  A small number could become a member of the enum in a
 * later release and show up as rows of VACUUM or COPY, so this one ("PERS") is
 * far away from any.
 */
#define PROGRESS_COMMAND ((ProgressCommandType) 0x50455253)

enum
{
	PARAM_PHASE,
	PARAM_DONE,
	PARAM_TOTAL,
	PARAM_STARTED
};

static const char *const phase_names[] = {
	[PROGRESS_NONE] = NULL,
	[PROGRESS_MERGING] = "merging",
	[PROGRESS_MULTIPLYING] = "multiplying",
	[PROGRESS_RETURNING] = "returning rows",
	[PROGRESS_READING] = "reading interactions",
	[PROGRESS_WRITING_HISTORY] = "writing history",
	[PROGRESS_COUNTING] = "counting pairs",
	[PROGRESS_SCORING] = "scoring",
	[PROGRESS_COMPARING] = "comparing",
	[PROGRESS_REFRESHING] = "refreshing baskets",
	[PROGRESS_APPLYING] = "applying counts",
	[PROGRESS_COPYING] = "copying interactions",
	[PROGRESS_RECOMMENDING] = "recommending",
	[PROGRESS_TUNING] = "trying parameters",
};

/* The figures last published, to tell whether new ones are worth a write. */
static uint64 shown_done;
static uint64 shown_total;
/* Steps within a step are not to show; ends with whoever began. */
static bool held;

/*
 * The slot itself is the only memory of what was begun: the server clears it
 * when a transaction or a savepoint aborts, which no flag here would notice.
 */
static bool
progress_is_ours(void)
{
	return MyBEEntry != NULL && MyBEEntry->st_progress_command == PROGRESS_COMMAND;
}

static void
publish(int param, int64 value)
{
	pgstat_progress_update_param(param, value);
}

static void
publish_done(uint64 done, uint64 total)
{
	shown_done = done;
	shown_total = total;
	publish(PARAM_DONE, (int64) done);
	publish(PARAM_TOTAL, (int64) total);
}

void
progress_phase(ProgressPhase phase)
{
	if (!progress_is_ours())
		return;
	publish(PARAM_PHASE, phase);
	publish_done(0, 0);
}

/*
 * Says whether the slot is now the caller's, who then ends it.  A command that
 * reports already (COPY of a query, VACUUM) keeps its slot, and so does a call
 * of ours further out.
 */
bool
progress_begin(ProgressPhase phase)
{
	if (MyBEEntry == NULL || MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID)
		return false;
	pgstat_progress_start_command(PROGRESS_COMMAND, InvalidOid);
	/* Nothing starts with track_activities off. */
	if (!progress_is_ours())
		return false;
	held = false;
	publish(PARAM_STARTED, GetCurrentTimestamp());
	progress_phase(phase);
	return true;
}

/*
 * Called in every turn of an outer loop: steps of less than a thousandth of the
 * whole are not published.  A count that went back wraps to a large step.
 */
void
progress_update(uint64 done, uint64 total)
{
	if (held || !progress_is_ours())
		return;
	if (total == shown_total && done < total && done - shown_done < total / 1000)
		return;
	publish_done(done, total);
}

void
progress_hold(bool hold)
{
	held = hold;
}

void
progress_end(bool begun)
{
	if (begun && progress_is_ours())
		pgstat_progress_end_command();
}

/* The rule of the server's own progress views. */
static bool
may_see(Oid owner)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), owner);
}

static void
put_row(ReturnSetInfo *rsinfo, const PgBackendStatus *entry)
{
	const int64 *param = entry->st_progress_param;
	int64		phase = param[PARAM_PHASE];
	const char *name = phase > 0 && phase < lengthof(phase_names) ? phase_names[phase] : NULL;
	Datum		values[7];
	bool		nulls[7] = {false};

	values[0] = Int32GetDatum(entry->st_procpid);
	values[1] = ObjectIdGetDatum(entry->st_databaseid);
	values[2] = ObjectIdGetDatum(entry->st_userid);
	nulls[3] = name == NULL;
	values[3] = name == NULL ? (Datum) 0 : CStringGetTextDatum(name);
	values[4] = Int64GetDatum(param[PARAM_DONE]);
	values[5] = Int64GetDatum(param[PARAM_TOTAL]);
	/* Not every loop knows where it ends. */
	nulls[5] = param[PARAM_TOTAL] == 0;
	values[6] = TimestampTzGetDatum(param[PARAM_STARTED]);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(personalize_progress_rows);
Datum
personalize_progress_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			n = pgstat_fetch_stat_numbackends();

	compat_materialize(fcinfo);
	for (int i = 1; i <= n; i++)
	{
		LocalPgBackendStatus *local = pgstat_get_local_beentry_by_index(i);

		if (local != NULL && local->backendStatus.st_procpid > 0 &&
			local->backendStatus.st_progress_command == PROGRESS_COMMAND &&
			may_see(local->backendStatus.st_userid))
			put_row(rsinfo, &local->backendStatus);
	}
	return (Datum) 0;
}
