/*
 * measure.c
 *		The measures as SQL functions, their catalog, and the choice of one by name.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "value/measure.h"

/* In the order of MeasureParams and of the MEASURE_* bits. */
static const char *const param_names[MEASURE_NUM_PARAMS] = {"shrinkage", "a", "b", "p", "z"};

/* The parameters as the array that MeasureParams is. */
static double *
params_as_array(MeasureParams *params)
{
	StaticAssertStmt(sizeof(MeasureParams) == MEASURE_NUM_PARAMS * sizeof(double),
					 "MeasureParams must consist of its parameters");
	return (double *) params;
}

/* The kernel names a bit; here it gets the name that people wrote. */
static void
check_params(const Measure *measure)
{
	Measure		copy = *measure;
	const char *range;
	int			bad = measure_check_params(copy.info, &copy.params, &range);

	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (bad == 1 << i)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("parameter %s of measure \"%s\" is out of range: %g",
							param_names[i], copy.info->name, params_as_array(&copy.params)[i]),
					 errdetail("It must be %s.", range)));
}

/* For the detail of an error, so that a misspelling is corrected at once. */
static const char *
known_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < measure_table_size; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", measure_table[i].name);
	return names.data;
}

static const char *
taken_params(const MeasureInfo *info)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (info->takes & (1 << i))
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", param_names[i]);
	return names.len > 0 ? names.data : "no parameters";
}

/* A parameter that would be ignored is refused: it shows a misunderstanding. */
void
measure_init(Measure *measure, const char *name, const double *values, const bool *given)
{
	const MeasureInfo *info = measure_find(name);

	if (info == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("unknown measure \"%s\"", name),
				 errdetail("The measures are %s.", known_names()),
				 errhint("SELECT * FROM personalize.measures() describes them.")));
	measure->info = info;
	measure->params = info->defaults;
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
	{
		if (!given[i])
			continue;
		if (!(info->takes & (1 << i)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("measure \"%s\" does not take the parameter %s",
							info->name, param_names[i]),
					 errdetail("It takes %s.", taken_params(info))));
		params_as_array(&measure->params)[i] = values[i];
	}
	check_params(measure);
}

void
measure_require_unweighted(const Measure *measure)
{
	if (measure->info->contingency)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("measure \"%s\" is not defined for weighted pairs", measure->info->name),
				 errdetail("It needs numbers of baskets, where n_ab is at most n_a and n_a at most n; weights have sums of products instead."),
				 errhint("Use cosine, asymmetric_cosine, jaccard, dice, kernel or count, or aggregate without weights.")));
}

static void
check_counts(double n_ab, double n_a, double n_b, double n)
{
	const char *problem = measure_check_counts(n_ab, n_a, n_b, n);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("impossible counts: %s", problem),
				 errdetail("n_ab is %.17g, n_a is %.17g, n_b is %.17g, n is %.17g.",
						   n_ab, n_a, n_b, n)));
}

/*
 * The four counts, then the parameters that the measure takes, in their order.
 * The look-up by name is done once for each call site in a query; parameters may
 * differ from row to row, so they are checked each time.
 */
static Datum
measure_call(FunctionCallInfo fcinfo, const char *name)
{
	const MeasureInfo *info = fcinfo->flinfo->fn_extra;
	double		count[4];
	Measure		measure;
	int			arg = 4;

	if (info == NULL)
		fcinfo->flinfo->fn_extra = (void *) (info = measure_find(name));
	for (int i = 0; i < 4; i++)
		count[i] = PG_GETARG_FLOAT8(i);
	measure.info = info;
	measure.params = info->defaults;
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (info->takes & (1 << i))
			params_as_array(&measure.params)[i] = PG_GETARG_FLOAT8(arg++);
	check_params(&measure);
	check_counts(count[0], count[1], count[2], count[3]);
	PG_RETURN_FLOAT8(measure_score(&measure, count[0], count[1], count[2], count[3]));
}

/*
 * A symbol for each function, not one for all that asks for its own name: so a
 * renamed SQL function keeps its meaning.
 */
#define MEASURE_FUNCTION(name) \
	PG_FUNCTION_INFO_V1(personalize_##name); \
	Datum personalize_##name(PG_FUNCTION_ARGS) { return measure_call(fcinfo, #name); } \
	extern Datum personalize_##name(PG_FUNCTION_ARGS)

MEASURE_FUNCTION(count);
MEASURE_FUNCTION(conditional);
MEASURE_FUNCTION(cosine);
MEASURE_FUNCTION(asymmetric_cosine);
MEASURE_FUNCTION(jaccard);
MEASURE_FUNCTION(dice);
MEASURE_FUNCTION(overlap);
MEASURE_FUNCTION(tversky);
MEASURE_FUNCTION(lift);
MEASURE_FUNCTION(pmi);
MEASURE_FUNCTION(npmi);
MEASURE_FUNCTION(conviction);
MEASURE_FUNCTION(leverage);
MEASURE_FUNCTION(chi_square);
MEASURE_FUNCTION(llr);
MEASURE_FUNCTION(signed_root_llr);
MEASURE_FUNCTION(lift_lower_bound);
MEASURE_FUNCTION(kernel);

/* Each parameter as "name = default". */
static Datum
params_as_text_array(const MeasureInfo *info)
{
	MeasureParams defaults = info->defaults;
	Datum		texts[MEASURE_NUM_PARAMS];
	int			count = 0;

	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		if (info->takes & (1 << i))
			texts[count++] = CStringGetTextDatum(psprintf("%s = %g", param_names[i],
														  params_as_array(&defaults)[i]));
	return PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The table as rows, so that documentation and tests can join with it. */
PG_FUNCTION_INFO_V1(personalize_measures);

Datum
personalize_measures(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	compat_materialize(fcinfo);
	for (int i = 0; i < measure_table_size; i++)
	{
		const MeasureInfo *info = &measure_table[i];
		Datum		values[5];
		bool		nulls[5] = {false};

		values[0] = CStringGetTextDatum(info->name);
		nulls[1] = info->alias == NULL;
		values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(info->alias);
		values[2] = params_as_text_array(info);
		values[3] = BoolGetDatum(!info->contingency);
		values[4] = CStringGetTextDatum(info->formula);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
