/*
 * tune.c
 *		tune_model(): which parameters of the kernel predict best what customers did after a time.
 *
 * One model of the past is counted for each damping; all other parameters are tried on the same counts.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "base/progress.h"
#include "serve/tune.h"
#include "value/measure.h"

enum
{
	ARG_MODEL, ARG_SINCE, ARG_K, ARG_UNTIL, ARG_CUSTOMERS, ARG_REPEATS, ARG_A, ARG_B, ARG_P, ARG_SHRINKAGE, ARG_DAMPING, ARG_SAMPLE, ARG_SEED
};

#define MAX_TRIALS 1000
#define MAX_DAMPINGS 10
#define NUM_COLUMNS 14

/* Values of one parameter. */
typedef struct TuneValues
{
	const char *name;
	int			size;
	double	   *value;
} TuneValues;

typedef struct Tuning
{
	EvaluateOptions options;
	ModelDef   *model;			/* the shop's */
	HistoryDef *customers;		/* whose baskets are the customers */
	TuneValues	a;
	TuneValues	b;
	TuneValues	p;
	TuneValues	shrinkage;
	TuneValues	damping;
	int			num_trials;
	TuneTrial  *trial;
	uint32		num_customers;
} Tuning;

/* ---------------------------------------------------------------- arguments */

static TuneValues
read_values(FunctionCallInfo fcinfo, int argument, const char *name)
{
	TuneValues	values = {name};
	ArrayType  *array;
	Datum	   *element;

	guard_not_null(name, PG_ARGISNULL(argument));
	array = PG_GETARG_ARRAYTYPE_P(argument);
	if (ARR_NDIM(array) != 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a list of one value or more, none of them null", name)));
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &element, NULL, &values.size);
	values.value = palloc(sizeof(double) * values.size);
	for (int i = 0; i < values.size; i++)
		values.value[i] = guard_finite(name, DatumGetFloat8(element[i]));
	return values;
}

/* Without dampings it is the model's own; a count of sequences or generations has it like any other. */
static TuneValues
read_dampings(FunctionCallInfo fcinfo, const ModelDef *model)
{
	TuneValues	values = {"damping", 1, palloc(sizeof(double))};

	values.value[0] = model->shape.damping;
	if (PG_ARGISNULL(ARG_DAMPING))
		return values;
	values = read_values(fcinfo, ARG_DAMPING, "damping");
	for (int i = 0; i < values.size; i++)
		guard_float_range("damping", values.value[i], 0, 2);
	if (values.size > MAX_DAMPINGS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many values of damping: %d", values.size),
				 errdetail("Each is a model that is counted; there can be %d.", MAX_DAMPINGS)));
	return values;
}

static void
require_arguments(FunctionCallInfo fcinfo)
{
	static const struct
	{
		int			argument;
		const char *name;
	}			required[] = {
		{ARG_MODEL, "model"}, {ARG_SINCE, "since"}, {ARG_K, "k"}, {ARG_REPEATS, "repeats"}, {ARG_SAMPLE, "sample"}, {ARG_SEED, "seed"}
	};

	for (int i = 0; i < lengthof(required); i++)
		guard_not_null(required[i].name, PG_ARGISNULL(required[i].argument));
}

static void
read_arguments(FunctionCallInfo fcinfo, Tuning *tuning)
{
	EvaluateOptions *options = &tuning->options;

	require_arguments(fcinfo);
	options->since = PG_GETARG_TIMESTAMPTZ(ARG_SINCE);
	options->until = PG_ARGISNULL(ARG_UNTIL) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(ARG_UNTIL);
	evaluate_guard_times(options);
	options->k = guard_int_range("k", PG_GETARG_INT32(ARG_K), 1, EVALUATE_MAX_K);
	options->repeats = PG_GETARG_BOOL(ARG_REPEATS);
	options->sample = evaluate_guard_sample(PG_GETARG_FLOAT8(ARG_SAMPLE));
	options->seed = PG_GETARG_INT64(ARG_SEED);
	tuning->model = registry_require_model(PG_GETARG_OID(ARG_MODEL));
	tuning->customers = PG_ARGISNULL(ARG_CUSTOMERS) ? registry_require_history_of(tuning->model->relation, tuning->model->history_id) :
		registry_require_history(PG_GETARG_OID(ARG_CUSTOMERS));
	tuning->a = read_values(fcinfo, ARG_A, "a");
	tuning->b = read_values(fcinfo, ARG_B, "b");
	tuning->p = read_values(fcinfo, ARG_P, "p");
	tuning->shrinkage = read_values(fcinfo, ARG_SHRINKAGE, "shrinkage");
	tuning->damping = read_dampings(fcinfo, tuning->model);
}

/* ---------------------------------------------------------------- what is tried */

static TuneTrial *
add_trial(Tuning *tuning, int damping)
{
	TuneTrial  *trial = &tuning->trial[tuning->num_trials];

	memset(trial, 0, sizeof(TuneTrial));
	trial->place = tuning->num_trials++;
	trial->scoring = tuning->model->scoring;
	trial->scoring.ridge = false;
	trial->model = damping;
	trial->damping = tuning->damping.value[damping];
	return trial;
}

/* measure_init checks the ranges, with the errors of create_cooccurrence. */
static void
add_kernel(Tuning *tuning, int damping, double a, double b, double p, double shrinkage)
{
	TuneTrial  *trial = add_trial(tuning, damping);
	double		values[MEASURE_NUM_PARAMS] = {shrinkage, a, b, p, 0};
	bool		given[MEASURE_NUM_PARAMS] = {true, true, true, true, false};

	measure_init(&trial->scoring.measure, "kernel", values, given);
}

/* In the order in which they are written, which is how ties come out. */
static void
add_kernels(Tuning *tuning, int damping)
{
	for (int a = 0; a < tuning->a.size; a++)
		for (int b = 0; b < tuning->b.size; b++)
			for (int p = 0; p < tuning->p.size; p++)
				for (int s = 0; s < tuning->shrinkage.size; s++)
					add_kernel(tuning, damping, tuning->a.value[a], tuning->b.value[b], tuning->p.value[p], tuning->shrinkage.value[s]);
}

/* What the rest has to be better than: the model as it is, plain cosine, popularity. */
static void
add_references(Tuning *tuning)
{
	bool		none[MEASURE_NUM_PARAMS] = {false};
	TuneTrial  *cosine;

	for (int d = 0; d < tuning->damping.size; d++)
		if (tuning->damping.value[d] == tuning->model->shape.damping)
			add_trial(tuning, d)->current = true;
	cosine = add_trial(tuning, 0);
	measure_init(&cosine->scoring.measure, "cosine", NULL, none);
	add_trial(tuning, 0)->popularity = true;
}

/* Before anything is copied: a grid that is too large is told at once. */
static void
list_trials(Tuning *tuning)
{
	double		n = (double) tuning->a.size * tuning->b.size * tuning->p.size * tuning->shrinkage.size * tuning->damping.size;

	if (n > MAX_TRIALS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many combinations of parameters: %.0f", n),
				 errdetail("There can be %d.", MAX_TRIALS),
				 errhint("Try a coarse grid first, then a finer one around the best.")));
	tuning->trial = palloc(sizeof(TuneTrial) * ((int) n + MAX_DAMPINGS + 2));
	for (int d = 0; d < tuning->damping.size; d++)
		add_kernels(tuning, d);
	add_references(tuning);
}

/* ---------------------------------------------------------------- trying */

/* As they are registered once they are filled; before, they have no totals. */
static ModelDef **
make_models(const Tuning *tuning, Past *past, Oid *relations)
{
	ModelDef  **models = palloc(sizeof(ModelDef *) * tuning->damping.size);

	for (int d = 0; d < tuning->damping.size; d++)
	{
		ModelDef	model = *tuning->model;

		model.shape.damping = tuning->damping.value[d];
		relations[d] = past_make_model(past, &model);
	}
	past_build(past);
	for (int d = 0; d < tuning->damping.size; d++)
		models[d] = registry_require_model(relations[d]);
	return models;
}

/* One after the other, so that memory is that of one. */
static void
try_all(Tuning *tuning, ModelDef **models, EvaluateLists *lists, const TuneCustomers *customers)
{
	past_phase(PROGRESS_TUNING);
	for (int t = 0; t < tuning->num_trials; t++)
	{
		TuneTrial  *trial = &tuning->trial[t];

		progress_update(t, tuning->num_trials);
		progress_hold(true);
		if (trial->popularity)
			tune_score_popularity(trial, lists, customers);
		else
			tune_score_model(trial, models[trial->model], lists, customers);
		progress_hold(false);
	}
}

/* In the subtransaction. */
static void
tune(void *arg)
{
	Tuning	   *tuning = arg;
	EvaluateOptions *options = &tuning->options;
	char	   *schema = get_namespace_name(get_rel_namespace(tuning->model->relation));
	Past	   *past = past_begin(registry_catalog_by_id(tuning->customers->catalog_id), schema, options->since, options->until);
	Oid			train = past_history(past, tuning->customers)->relation;
	Oid			test = past_test_history(past, tuning->customers)->relation;
	ModelDef  **models = make_models(tuning, past, palloc(sizeof(Oid) * tuning->damping.size));
	HistoryDef *train_history = registry_require_history(train);
	HistoryDef *test_history = registry_require_history(test);
	TuneCustomers customers;
	EvaluateLists lists;

	evaluate_require_both(options, train_history, test_history);
	evaluate_lists_open(&lists, options, past, NULL, train_history);
	tune_customers_read(&customers, &lists, train_history, test_history);
	tuning->num_customers = customers.size;
	try_all(tuning, models, &lists, &customers);
}

/* ---------------------------------------------------------------- output */

/* Best first; what is as good stays in the order of the grid. */
static int
compare_trials(const void *x, const void *y)
{
	const TuneTrial *a = x;
	const TuneTrial *b = y;

	if (a->mean[METRIC_NDCG] != b->mean[METRIC_NDCG])
		return a->mean[METRIC_NDCG] > b->mean[METRIC_NDCG] ? -1 : 1;
	if (a->mean[METRIC_RECALL] != b->mean[METRIC_RECALL])
		return a->mean[METRIC_RECALL] > b->mean[METRIC_RECALL] ? -1 : 1;
	return a->place - b->place;
}

/* A parameter that the measure does not take is NULL. */
static void
put_parameters(const TuneTrial *trial, Datum *values, bool *nulls)
{
	const MeasureParams *params = &trial->scoring.measure.params;
	const double value[] = {params->a, params->b, params->p, params->shrinkage};
	const int	takes[] = {MEASURE_A, MEASURE_B, MEASURE_P, MEASURE_SHRINKAGE};

	values[0] = CStringGetTextDatum(trial->popularity ? "popularity" : trial->scoring.measure.info->name);
	for (int i = 0; i < 4; i++)
	{
		values[1 + i] = Float8GetDatum(value[i]);
		nulls[1 + i] = trial->popularity || !(trial->scoring.measure.info->takes & takes[i]);
	}
	values[5] = Float8GetDatum(trial->damping);
	nulls[5] = trial->popularity;
	values[6] = BoolGetDatum(trial->current);
}

static void
put_trial(ReturnSetInfo *result, const Tuning *tuning, const TuneTrial *trial)
{
	static const EvaluateMetric shown[] = {METRIC_NDCG, METRIC_RECALL, METRIC_PRECISION, METRIC_AVERAGE_PRECISION, METRIC_RECIPROCAL_RANK, METRIC_HIT};
	Datum		values[NUM_COLUMNS];
	bool		nulls[NUM_COLUMNS] = {false};

	put_parameters(trial, values, nulls);
	values[7] = Int64GetDatum(tuning->num_customers);
	for (int m = 0; m < lengthof(shown); m++)
		values[8 + m] = Float8GetDatum(trial->mean[shown[m]]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
require_customers(const Tuning *tuning)
{
	if (tuning->num_customers == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing is left to predict after %s", timestamptz_to_str(tuning->options.since)),
				 errhint("Choose an earlier since, or count known items with repeats => true.")));
}

PG_FUNCTION_INFO_V1(personalize_tune_model);
Datum
personalize_tune_model(PG_FUNCTION_ARGS)
{
	Tuning		tuning = {{0}};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	bool		begun;

	PreventCommandIfReadOnly("personalize.tune_model()");
	PreventCommandIfParallelMode("personalize.tune_model()");
	read_arguments(fcinfo, &tuning);
	list_trials(&tuning);
	compat_materialize(fcinfo);
	begun = progress_begin(PROGRESS_COPYING);
	context = AllocSetContextCreate(CurrentMemoryContext, "personalize tuning", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	past_run(tuning.options.since, tune, &tuning);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	progress_end(begun);
	require_customers(&tuning);
	qsort(tuning.trial, tuning.num_trials, sizeof(TuneTrial), compare_trials);
	for (int t = 0; t < tuning.num_trials; t++)
		put_trial((ReturnSetInfo *) fcinfo->resultinfo, &tuning, &tuning.trial[t]);
	return (Datum) 0;
}
