/*
 * setup_model.c
 *		create_cooccurrence, alter_model and drop_model.
 */
#include "base/compat.h"

#include <math.h>

#include "access/xact.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "kernel/ridge.h"
#include "model/build.h"
#include "model/refresh.h"
#include "model/setup.h"
#include "model/table_layout.h"
#include "value/measure.h"

enum
{
	ARG_NAME, ARG_HISTORY, ARG_MEASURE, ARG_NEIGHBORS, ARG_MIN_COUNT, ARG_DAMPING, ARG_TARGET, ARG_SEQUENCE, ARG_WINDOW,
	ARG_HALF_LIFE, ARG_GENERATION, ARG_PARAMETERS, ARG_BUILD = ARG_PARAMETERS + 8
};

/* alter_model, from the second argument on */
enum
{
	ALTER_MODEL, ALTER_MEASURE, ALTER_NEIGHBORS, ALTER_MIN_COUNT, ALTER_PARAMETERS
};

/* The parameters of both, in their order: those of MeasureParams, then those of ridge. */
enum
{
	PARAMETER_LAMBDA = MEASURE_NUM_PARAMS, PARAMETER_DELTA, PARAMETER_RIDGE_SIZE
};

#define MAX_NEIGHBORS 1000
#define DEFAULT_WINDOW 5
#define MAX_WINDOW 1000
#define DEFAULT_GENERATION_DAYS 30
#define MAX_DAYS 36500

/* ---------------------------------------------------------------- scoring */

/* Takes a measure's parameters from the arguments; what is not given stays, or is the default of a new measure. */
static void
read_measure(FunctionCallInfo fcinfo, int measure, int parameters, ModelScoring *scoring)
{
	double		values[MEASURE_NUM_PARAMS];
	bool		given[MEASURE_NUM_PARAMS] = {false};
	const char *name;

	if (PG_ARGISNULL(measure))
	{
		name = scoring->measure.info->name;
		memcpy(values, &scoring->measure.params, sizeof(values));
		for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
			given[i] = (scoring->measure.info->takes & (1 << i)) != 0;
	}
	else
	{
		name = text_to_cstring(PG_GETARG_TEXT_PP(measure));
		scoring->ridge = strcmp(name, REGISTRY_RIDGE) == 0;
		if (scoring->ridge)
			name = "kernel";
		scoring->lambda = 1;
		scoring->delta = 0;
		scoring->ridge_size = 64;
	}
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (!PG_ARGISNULL(parameters + i))
		{
			values[i] = PG_GETARG_FLOAT8(parameters + i);
			given[i] = true;
		}
	measure_init(&scoring->measure, name, values, given);
}

/* A parameter that would be ignored is refused, as those of the other measures are. */
static void
require_no_ridge_parameters(FunctionCallInfo fcinfo, int parameters, const ModelScoring *scoring)
{
	static const char *const names[] = {"lambda", "delta", "ridge_size"};

	for (int i = 0; i < lengthof(names); i++)
		if (!PG_ARGISNULL(parameters + PARAMETER_LAMBDA + i))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("measure \"%s\" does not take the parameter %s", scoring->measure.info->name, names[i]),
					 errhint("Only measure => 'ridge' takes it.")));
}

/* λ > 0 keeps the equations solvable; the upper bounds only keep out what is surely a mistake. */
static void
read_ridge(FunctionCallInfo fcinfo, int parameters, ModelScoring *scoring)
{
	int			lambda = parameters + PARAMETER_LAMBDA;
	int			delta = parameters + PARAMETER_DELTA;
	int			size = parameters + PARAMETER_RIDGE_SIZE;

	if (!scoring->ridge)
	{
		require_no_ridge_parameters(fcinfo, parameters, scoring);
		return;
	}
	if (!PG_ARGISNULL(lambda))
		scoring->lambda = guard_float_range("lambda", PG_GETARG_FLOAT8(lambda), 0, 1e6);
	if (scoring->lambda <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("lambda must be greater than 0"),
				 errdetail("Without it the equations of neighbors that always come together have no single solution.")));
	if (!PG_ARGISNULL(delta))
		scoring->delta = guard_float_range("delta", PG_GETARG_FLOAT8(delta), 0, 1e6);
	if (!PG_ARGISNULL(size))
		scoring->ridge_size = guard_int_range("ridge_size", PG_GETARG_INT32(size), 1, RIDGE_MAX_SIZE);
}

/* What the counts of a model leave no meaning to. */
static void
require_scoring_fits(const ModelDef *model)
{
	const ModelScoring *scoring = &model->scoring;

	if (scoring->ridge && !pairs_symmetric(&model->shape))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measure \"%s\" needs symmetric counts", REGISTRY_RIDGE),
				 errhint("Use another measure with target or sequence.")));
	if (scoring->ridge && model->half_life_interval != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measure \"%s\" does not go with half_life", REGISTRY_RIDGE),
				 errhint("Use a horizon of the history to forget what is old.")));
	if (model->weighted)
		measure_require_unweighted(&scoring->measure);
}

/* Shared by creation and change: the arguments have the same order in both, from different places on. */
static void
read_scoring(FunctionCallInfo fcinfo, int measure, int neighbors, int min_count, int parameters, ModelDef *model)
{
	ModelScoring *scoring = &model->scoring;

	read_measure(fcinfo, measure, parameters, scoring);
	read_ridge(fcinfo, parameters, scoring);
	if (!PG_ARGISNULL(neighbors))
		scoring->neighbors = guard_int_range("neighbors", PG_GETARG_INT32(neighbors), 1, MAX_NEIGHBORS);
	if (!PG_ARGISNULL(min_count))
		scoring->min_count = guard_float_range("min_count", PG_GETARG_FLOAT8(min_count), 0, 1e20);
	require_scoring_fits(model);
}

/* ---------------------------------------------------------------- shape */

static void
fail_needs(const char *argument, const char *needed, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s needs %s", argument, needed),
			 errdetail("%s", why)));
}

/* One refresh, by one role, at one snapshot, in one set of codes: that is what joining two histories takes. */
void
setup_require_joined(const HistoryDef *history, const HistoryDef *target)
{
	const char *differ =
		history->catalog_id != target->catalog_id ? "catalogs" :
		history->basket_type != target->basket_type ? "types of baskets" :
		registry_owner(history->relation) != registry_owner(target->relation) ? "owners" : NULL;

	if (history->id == target->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target must be another history"),
				 errhint("Without target the model counts pairs inside the baskets of one history.")));
	if (differ != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s and %s cannot be joined: they have different %s",
						registry_name(history->relation), registry_name(target->relation), differ),
				 errhint("Histories of a directed model share the catalog (create_history(..., catalog => ...)), the owner and the type of baskets.")));
}

/* A window is nothing to other models, so it is refused there. */
static void
read_sequence(FunctionCallInfo fcinfo, const HistoryDef *history, PairShape *shape)
{
	shape->sequence = !PG_ARGISNULL(ARG_SEQUENCE) && PG_GETARG_BOOL(ARG_SEQUENCE);
	if (!shape->sequence)
	{
		if (!PG_ARGISNULL(ARG_WINDOW))
			fail_needs("window", "sequence => true", "Other models count all pairs of a basket.");
		return;
	}
	if (shape->directed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sequence does not go with target"),
				 errdetail("A sequence is inside the baskets of one history.")));
	if (history->happened == NULL)
		fail_needs("sequence", "a history with happened", "Without times, nothing says which item came first.");
	shape->window = PG_ARGISNULL(ARG_WINDOW) ? DEFAULT_WINDOW :
		guard_int_range("window", PG_GETARG_INT32(ARG_WINDOW), 1, MAX_WINDOW);
}

/* Whole days, because a basket's events are kept by day. */
static int32
generation_days(FunctionCallInfo fcinfo)
{
	Interval   *generation;
	double		days;

	if (PG_ARGISNULL(ARG_GENERATION))
		return DEFAULT_GENERATION_DAYS;
	generation = PG_GETARG_INTERVAL_P(ARG_GENERATION);
	days = registry_interval_days(generation);
	if (generation->time != 0 || !(days >= 1 && days <= MAX_DAYS))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("generation must be a number of whole days between 1 and %d", MAX_DAYS)));
	return (int32) days;
}

/* Half-lives may be any length; only the steps are days. */
static void
read_decay(FunctionCallInfo fcinfo, const HistoryDef *history, ModelDef *model)
{
	double		days;

	if (PG_ARGISNULL(ARG_HALF_LIFE))
	{
		if (!PG_ARGISNULL(ARG_GENERATION))
			fail_needs("generation", "half_life", "It is the step in which counts lose weight.");
		return;
	}
	if (history->happened == NULL)
		fail_needs("half_life", "a history with happened", "Without times, nothing says how old a basket is.");
	model->half_life_interval = PG_GETARG_INTERVAL_P(ARG_HALF_LIFE);
	days = registry_interval_days(model->half_life_interval);
	if (!(days > 0 && days <= MAX_DAYS))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("half_life must be a positive interval of at most %d days", MAX_DAYS)));
	model->shape.generation_days = generation_days(fcinfo);
	model->half_life = days / model->shape.generation_days;
}

/* Weights that are all 1 count as weights: the next row may have another. */
static bool
has_weights(const HistoryDef *history)
{
	return history->weight != NULL || history->event_weights != NULL;
}

/* All of what cannot be changed later, because the counts follow from it. */
static void
read_shape(FunctionCallInfo fcinfo, const HistoryDef *history, const HistoryDef *target, ModelDef *model)
{
	model->history_id = history->id;
	model->item_type = history->item_type;
	model->shape.directed = target != NULL;
	if (target != NULL)
	{
		setup_require_joined(history, target);
		model->target_id = target->id;
	}
	if (!PG_ARGISNULL(ARG_DAMPING))
		model->shape.damping = guard_float_range("damping", PG_GETARG_FLOAT8(ARG_DAMPING), 0, 2);
	read_sequence(fcinfo, history, &model->shape);
	read_decay(fcinfo, history, model);
	/* in a sequence an item counts as one, whatever its weight */
	model->weighted = !model->shape.sequence && (has_weights(history) || (target != NULL && has_weights(target)));
}

/* ---------------------------------------------------------------- create_cooccurrence */

/* The tables belong to the owner of the history, who refreshes them. */
static void
create_tables(ModelDef *model, const HistoryDef *history, const NewTable *table)
{
	const char *key = setup_key_column(model->item_type);
	const char *element = key_type_name(model->item_type);
	OwnerScope	owner;

	registry_enter_owner(history->relation, &owner);
	model->relation =
		setup_create_table(table, NULL,
						   psprintf("item %s PRIMARY KEY, n pg_catalog.float8 NOT NULL,"
									" neighbors %s[]%s NOT NULL, counts pg_catalog.float8[] NOT NULL, scores pg_catalog.float8[] NOT NULL",
									key, element, model->item_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : ""),
						   "fillfactor = 50");
	model->pairs =
		setup_create_table(table, "pairs",
						   "item pg_catalog.int4, generation pg_catalog.int4, n pg_catalog.int8 NOT NULL, n_target pg_catalog.int8,"
						   " floor pg_catalog.float8, drift pg_catalog.int8 NOT NULL,"
						   " base pg_catalog.bytea NOT NULL, delta pg_catalog.bytea NOT NULL, PRIMARY KEY (item, generation)",
						   "fillfactor = 70");
	/* packed integers do not compress */
	setup_execute("ALTER TABLE %s ALTER COLUMN base SET STORAGE EXTERNAL, ALTER COLUMN delta SET STORAGE EXTERNAL",
				  registry_name(model->pairs));
	registry_leave_owner(&owner);
}

HistoryDef *
setup_history_argument(Oid relation)
{
	HistoryDef *history = registry_require_history(relation);

	registry_require_owner(relation);
	return history;
}

/* Against DROP TABLE, which knows nothing of refreshes; it may have come first. */
static void
lock_table(const HistoryDef *history)
{
	char	   *name = registry_name(history->relation);

	LockRelationOid(history->relation, AccessShareLock);
	if (registry_history(history->relation) == NULL)
		registry_fail_gone("history", name);
}

/* The same for a model, after the lock of its history; again, because it may have waited for somebody who changed it. */
static ModelDef *
lock_model(Oid relation)
{
	char	   *name = registry_name(relation);
	ModelDef   *model = registry_require_model(relation);

	/* what has lost its history can still be dropped */
	if (registry_history_by_id(model->history_id) != NULL)
		refresh_lock(model->history_id);
	LockRelationOid(relation, AccessShareLock);
	model = registry_model(relation);
	if (model == NULL)
		registry_fail_gone("model", name);
	return model;
}

/*
 * A refresh that is running must not find itself in a larger group, and waiting for it here, before any lock on a table, is
 * no deadlock with whoever drops the history.  In the order of ids, as refreshes lock.
 */
void
setup_lock_histories(const HistoryDef *history, const HistoryDef *target)
{
	refresh_lock(target == NULL ? history->id : Min(history->id, target->id));
	if (target != NULL)
		refresh_lock(Max(history->id, target->id));
	lock_table(history);
	if (target != NULL)
		lock_table(target);
}

static void
require_arguments(FunctionCallInfo fcinfo)
{
	guard_not_null("name", PG_ARGISNULL(ARG_NAME));
	guard_not_null("history", PG_ARGISNULL(ARG_HISTORY));
	guard_not_null("measure", PG_ARGISNULL(ARG_MEASURE));
	guard_not_null("neighbors", PG_ARGISNULL(ARG_NEIGHBORS));
}

PG_FUNCTION_INFO_V1(personalize_create_cooccurrence);

Datum
personalize_create_cooccurrence(PG_FUNCTION_ARGS)
{
	ModelDef	model = {0};
	HistoryDef *history;
	HistoryDef *target = NULL;
	NewTable	table;
	RefreshReport report;

	PreventCommandDuringRecovery("personalize.create_cooccurrence()");
	require_arguments(fcinfo);
	table = setup_new_table(PG_GETARG_TEXT_PP(ARG_NAME));
	history = setup_history_argument(PG_GETARG_OID(ARG_HISTORY));
	if (!PG_ARGISNULL(ARG_TARGET))
		target = setup_history_argument(PG_GETARG_OID(ARG_TARGET));
	setup_lock_histories(history, target);
	read_shape(fcinfo, history, target, &model);
	read_scoring(fcinfo, ARG_MEASURE, ARG_NEIGHBORS, ARG_MIN_COUNT, ARG_PARAMETERS, &model);
	model.id = registry_next_id();
	create_tables(&model, history, &table);
	registry_add_model(&model);
	setup_depend_model(&model);
	CommandCounterIncrement();
	/* incremental for what exists; a model that is not built is built from the start by every refresh */
	if (PG_ARGISNULL(ARG_BUILD) || PG_GETARG_BOOL(ARG_BUILD))
		refresh_group(history->id, REFRESH_INCREMENTAL, true, &report);
	PG_RETURN_OID(model.relation);
}

/* ---------------------------------------------------------------- alter_model */

/* As the owner, like a refresh, since scoring reads and writes his tables. */
static void
rescore(ModelDef *model, HistoryDef *history)
{
	RefreshReport report = {0};
	TimestampTz start = GetCurrentTimestamp();
	OwnerScope	owner;

	/* under REPEATABLE READ: not from counts that a refresh has replaced meanwhile */
	registry_refresh_begins(history);
	registry_enter_owner(history->relation, &owner);
	PushCopiedSnapshot(GetTransactionSnapshot());
	layout_require_catalog(registry_catalog_by_id(history->catalog_id));
	layout_require_model(model);
	layout_require_owner(model->relation, history->relation);
	layout_require_owner(model->pairs, history->relation);
	build_face(model, history, &report);
	PopActiveSnapshot();
	registry_leave_owner(&owner);
	report.ms = (GetCurrentTimestamp() - start) / 1000.0;
	registry_model_rescored(model, &report);
}

PG_FUNCTION_INFO_V1(personalize_alter_model);

Datum
personalize_alter_model(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(ALTER_MODEL);
	ModelDef   *model;

	PreventCommandDuringRecovery("personalize.alter_model()");
	guard_not_null("model", PG_ARGISNULL(ALTER_MODEL));
	registry_require_model(relation);
	registry_require_owner(relation);
	model = lock_model(relation);
	read_scoring(fcinfo, ALTER_MEASURE, ALTER_NEIGHBORS, ALTER_MIN_COUNT, ALTER_PARAMETERS, model);
	registry_set_scoring(model);
	if (model->built)
		rescore(model, registry_require_history_of(model->relation, model->history_id));
	PG_RETURN_VOID();
}

/* ---------------------------------------------------------------- drop_model */

/* Dependencies first: without them the pair table would stay behind. */
void
setup_drop_model(const ModelDef *model)
{
	setup_depend_model(model);
	setup_depend_above(model->history_id);
	CommandCounterIncrement();
	setup_drop_table(model->relation);
}

/* The watched tables and the log come first, as for a history. */
void
setup_drop_follower(const FollowerDef *follower)
{
	setup_depend_follower(follower);
	setup_depend_above(follower->history_id);
	CommandCounterIncrement();
	setup_unwatch(follower->id);
	setup_drop_table(follower->relation);
}

/* As lock_model. */
static FollowerDef *
lock_follower(const FollowerDef *follower)
{
	char	   *name = registry_name(follower->relation);
	FollowerDef *locked;

	if (registry_history_by_id(follower->history_id) != NULL)
		refresh_lock(follower->history_id);
	LockRelationOid(follower->relation, AccessShareLock);
	locked = follower_of_relation(follower->relation);
	if (locked == NULL)
		registry_fail_gone("model", name);
	return locked;
}

PG_FUNCTION_INFO_V1(personalize_drop_model);

Datum
personalize_drop_model(PG_FUNCTION_ARGS)
{
	Oid			relation = PG_GETARG_OID(0);
	FollowerDef *follower = follower_of_relation(relation);

	PreventCommandDuringRecovery("personalize.drop_model()");
	if (follower == NULL)
		registry_require_model(relation);
	registry_require_owner(relation);
	if (follower != NULL)
	{
		setup_drop_follower(lock_follower(follower));
		PG_RETURN_VOID();
	}
	setup_drop_model(lock_model(relation));
	PG_RETURN_VOID();
}
