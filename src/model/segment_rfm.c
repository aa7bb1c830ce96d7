/*
 * segment_rfm.c
 *		Limits for rfm() in rules: fitted to all customers of an activity, and kept until they are fitted again.
 *
 * Where limits moved with each order, customers would come and go by what others do; so they stand still, and a new fit has a version, by which
 * a refresh knows whom to look at.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "base/zone.h"
#include "model/registry_rows.h"
#include "model/segment_setup.h"
#include "value/activity.h"

/* ---------------------------------------------------------------- registry */

static void *
read_rfm(const RegistryRow *row)
{
	SegmentRfm *rfm = palloc0(sizeof(SegmentRfm));

	rfm->version = DatumGetInt32(row_datum(row, "version"));
	rfm->event = row_text(row, "event");
	rfm->within = row_bigint(row, "within");
	rfm->zone = zone_named(row_text(row, "zone"));
	rfm_read((bytea *) PG_DETOAST_DATUM_COPY(row_datum(row, "model")), &rfm->model);
	return rfm;
}

/* To fit the rows that the active snapshot sees. */
SegmentRfm *
segment_rfm_of(int32 activity_id)
{
	static RegistryQuery query = {"SELECT r.* FROM personalize.rfm_fit AS r WHERE r.id OPERATOR(pg_catalog.=) $1", INT4OID};
	List	   *found = registry_query_as(true, &query, Int32GetDatum(activity_id), read_rfm);

	return found == NIL ? NULL : linitial(found);
}

static void
store(const ActivityTableDef *activity, const SegmentRfm *rfm, const char *model)
{
	static RegistryWrite write = {"INSERT INTO personalize.rfm_fit (id, relation, version, event, within, zone, model, fitted)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7::personalize.rfm_model, pg_catalog.now())"
	" ON CONFLICT (id) DO UPDATE SET version = $3, event = $4, within = $5, zone = $6, model = $7::personalize.rfm_model, fitted = pg_catalog.now()"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, activity->id);
	argument_relation(&arguments, activity->relation);
	argument_int(&arguments, rfm->version);
	argument(&arguments, TEXTOID, CStringGetTextDatum(rfm->event), false);
	argument_bigint(&arguments, rfm->within);
	argument(&arguments, TEXTOID, CStringGetTextDatum(activity->default_zone), false);
	argument(&arguments, TEXTOID, CStringGetTextDatum(model), false);
	registry_run(&write, &arguments);
}

/* ---------------------------------------------------------------- answers */

static bool
fits(const RuleNode *leaf, RfmScores scores)
{
	const int	score[RFM_SIDES] = {scores.r, scores.f, scores.m};

	for (int side = 0; side < RFM_SIDES; side++)
		if (leaf->limits[2 * side] != 0 && (score[side] < leaf->limits[2 * side] || score[side] > leaf->limits[2 * side + 1]))
			return false;
	return true;
}

RuleAnswer
segment_rfm_answer(const SegmentRfm *rfm, const RuleNode *leaf, const Customer *customer, int64 as_of)
{
	RuleAnswer	answer = {RULE_UNKNOWN, RULE_NEVER};
	RfmWindow	window;
	RfmNumbers	numbers;

	if (!rfm_look(&window, customer->activity, customer->size, rfm->event, (uint32) strlen(rfm->event), as_of, rfm->within))
		activity_damaged();
	answer.stable_until = window.changes;
	if (window.orders == 0)
		return answer;
	numbers = (RfmNumbers) {zone_day_of(rfm->zone, as_of) - zone_day_of(rfm->zone, window.last), window.orders, window.units};
	answer.value = fits(leaf, rfm_score(&rfm->model, &numbers)) ? RULE_TRUE : RULE_FALSE;
	answer.stable_until = rfm_stable_until(&rfm->model, &numbers, window.changes, as_of, rfm->zone);
	return answer;
}

/* ---------------------------------------------------------------- fit_rfm */

enum {ARG_ACTIVITY, ARG_LEVELS, ARG_WITHIN, ARG_EVENT};

/* As a value and as text, which the registry can be given whatever the type's number is; false where no customer has an order. */
static bool
fit(const ActivityTableDef *activity, FunctionCallInfo fcinfo, Datum *model, char **as_text)
{
	Oid			types[] = {INT4OID, INTERVALOID, TEXTOID, TIMESTAMPTZOID, TEXTOID};
	Datum		values[] = {
		PG_GETARG_DATUM(ARG_LEVELS), PG_GETARG_DATUM(ARG_WITHIN), PG_GETARG_DATUM(ARG_EVENT),
		TimestampTzGetDatum(activity->refreshed), CStringGetTextDatum(activity->default_zone)
	};
	MemoryContext caller = CurrentMemoryContext;
	OwnerScope	owner;
	bool		isnull;

	registry_enter_owner(activity->relation, &owner);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(psprintf("SELECT personalize.rfm_thresholds(n.recency, n.frequency, n.monetary::pg_catalog.float8, $1)"
									   " FROM ONLY %s AS a, personalize.rfm(a.activity, $3, $2, $4, $5) AS n", registry_name(activity->relation)),
							  lengthof(types), types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not fit limits of RFM");
	*model = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		*model = SPI_datumTransfer(*model, false, -1);
		*as_text = MemoryContextStrdup(caller, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	}
	SPI_finish();
	registry_leave_owner(&owner);
	return !isnull;
}

static void
guard_event(const ActivityTableDef *activity, const char *event)
{
	for (int i = 0; i < activity->num_sources; i++)
		if (activity->sources[i].event == NULL || strcmp(activity->sources[i].event, event) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("%s has no event \"%s\"", registry_name(activity->relation), event)));
}

static void
guard_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"activity", "levels", "within", "event"};

	for (int i = 0; i < lengthof(names); i++)
		guard_not_null(names[i], PG_ARGISNULL(i));
	rfm_levels(PG_GETARG_INT32(ARG_LEVELS));
}

static void
refresh(const ActivityTableDef *activity)
{
	RefreshReport report = {0};

	activity_table_refresh(activity->id, REFRESH_INCREMENTAL, true, &report);
	CommandCounterIncrement();
}

/* (activity, levels, within, event) */
PG_FUNCTION_INFO_V1(personalize_fit_rfm);
Datum
personalize_fit_rfm(PG_FUNCTION_ARGS)
{
	ActivityTableDef *activity;
	SegmentRfm *old;
	SegmentRfm	new = {0};
	Interval   *within;
	Datum		model;
	char	   *as_text = NULL;

	PreventCommandDuringRecovery("personalize.fit_rfm()");
	guard_arguments(fcinfo);
	activity = activity_require_table(PG_GETARG_OID(ARG_ACTIVITY));
	registry_require_owner(activity->relation);
	new.event = text_to_cstring(PG_GETARG_TEXT_PP(ARG_EVENT));
	guard_event(activity, new.event);
	activity = segment_lock_activity(activity->id, registry_name(activity->relation));
	refresh(activity);
	activity = activity_table_by_id(activity->id);
	if (!fit(activity, fcinfo, &model, &as_text))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no customer of %s has an event \"%s\" in that time", registry_name(activity->relation), new.event)));
	old = segment_rfm_of(activity->id);
	new.version = old == NULL ? 1 : old->version + 1;
	within = PG_GETARG_INTERVAL_P(ARG_WITHIN);
	new.within = within->day * USECS_PER_DAY + within->time;
	store(activity, &new, as_text);
	CommandCounterIncrement();
	refresh(activity);
	PG_RETURN_DATUM(model);
}
