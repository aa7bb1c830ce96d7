/*
 * evaluate_sums.c
 *		Means over customers with limits by bootstrap, and what the lists of many customers are together.
 *
 * A resample takes each customer a Poisson number of times, from a hash of seed, customer and resample: so the limits are the same
 * whatever the order of customers, and widget and popularity are compared on the same resamples.
 */
#include "base/compat.h"

#include <math.h>

#include "serve/evaluate.h"

/* Each takes two hundred kilobytes with a thousand resamples. */
#define MAX_SEGMENTS 200

static const char *const metric_names[NUM_METRICS] = {
	[METRIC_RECALL] = "recall_at",
	[METRIC_PRECISION] = "precision_at",
	[METRIC_NDCG] = "ndcg_at",
	[METRIC_AVERAGE_PRECISION] = "average_precision",
	[METRIC_RECIPROCAL_RANK] = "reciprocal_rank",
	[METRIC_HIT] = "hit_at",
	[METRIC_RECALL_REPEATS] = "recall_of_repeats",
	[METRIC_RECALL_NEW] = "recall_of_new",
	[METRIC_REPEATS_IN_LIST] = "repeats_in_list",
	[METRIC_LIST_LENGTH] = "list_length",
	[METRIC_REPEATS_IN_TEST] = "repeats_in_test",
};

/* Sums of one metric: the first element is the sample itself, then come the resamples. */
typedef struct MetricSums
{
	uint64		customers;
	double	   *weight;
	double	   *sum[NUM_LISTS];
} MetricSums;

typedef struct SegmentSums
{
	char	   *name;
	MetricSums	metric[NUM_METRICS];
	uint64		num_lists;
	uint32		room;			/* of the tallies, by code */
	uint64	   *tally[NUM_LISTS];
} SegmentSums;

struct EvaluateSums
{
	ServerEnv	server;
	const EvaluateOptions *options;
	int			num_segments;
	SegmentSums *segment[MAX_SEGMENTS];
	uint32	   *weight;			/* of the customer at hand, by resample */
};

/* Segments come as customers do. */
EvaluateSums *
evaluate_sums_create(MemoryContext context, const EvaluateOptions *options)
{
	EvaluateSums *sums = MemoryContextAllocZero(context, sizeof(EvaluateSums));

	server_env_init(&sums->server, context);
	sums->options = options;
	sums->weight = env_alloc(&sums->server.env, options->resamples + 1, sizeof(uint32));
	return sums;
}

/* ---------------------------------------------------------------- adding */

static SegmentSums *
new_segment(EvaluateSums *sums, const char *name)
{
	Env		   *env = &sums->server.env;
	SegmentSums *segment = env_alloc0(env, 1, sizeof(SegmentSums));
	size_t		size = sums->options->resamples + 1;

	segment->name = MemoryContextStrdup(sums->server.context, name);
	for (int m = 0; m < NUM_METRICS; m++)
	{
		segment->metric[m].weight = env_alloc0(env, size, sizeof(double));
		for (int l = 0; l < NUM_LISTS; l++)
			segment->metric[m].sum[l] = env_alloc0(env, size, sizeof(double));
	}
	return segment;
}

/* The whole comes first, and stays there. */
static SegmentSums *
find_segment(EvaluateSums *sums, const char *name)
{
	int			at = Min(1, sums->num_segments);

	if (sums->num_segments > 0 && strcmp(sums->segment[0]->name, name) == 0)
		return sums->segment[0];
	while (at < sums->num_segments && strcmp(sums->segment[at]->name, name) < 0)
		at++;
	if (at < sums->num_segments && strcmp(sums->segment[at]->name, name) == 0)
		return sums->segment[at];
	if (sums->num_segments == MAX_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many segments"),
				 errdetail("Column \"%s\" has more than %d different values.", sums->options->by, MAX_SEGMENTS - 3),
				 errhint("Name a column with fewer.")));
	memmove(sums->segment + at + 1, sums->segment + at, sizeof(SegmentSums *) * (sums->num_segments - at));
	sums->segment[at] = new_segment(sums, name);
	sums->num_segments++;
	return sums->segment[at];
}

/* Once for a customer, whatever segments and metrics he is in: that is what pairs them. */
static void
draw_weights(EvaluateSums *sums, uint64 customer)
{
	sums->weight[0] = 1;
	for (int32 r = 1; r <= sums->options->resamples; r++)
		sums->weight[r] = rank_resample_weight(rank_mix(sums->options->seed, customer, r));
}

/* Both lists or none: means are compared over the same customers. */
static void
add_metric(EvaluateSums *sums, MetricSums *metric, double widget, double popularity)
{
	if (isnan(widget) || isnan(popularity))
		return;
	metric->customers++;
	for (int32 r = 0; r <= sums->options->resamples; r++)
	{
		metric->weight[r] += sums->weight[r];
		metric->sum[LIST_WIDGET][r] += sums->weight[r] * widget;
		metric->sum[LIST_POPULARITY][r] += sums->weight[r] * popularity;
	}
}

/* Codes are dense, but new ones may be met in any list. */
static void
make_room(EvaluateSums *sums, SegmentSums *segment, uint32 code)
{
	uint32		room = Max(code + 1, 2 * segment->room);

	if (code < segment->room)
		return;
	for (int l = 0; l < NUM_LISTS; l++)
	{
		segment->tally[l] = env_resize(&sums->server.env, segment->tally[l], room, sizeof(uint64));
		memset(segment->tally[l] + segment->room, 0, sizeof(uint64) * (room - segment->room));
	}
	segment->room = room;
}

/* What all lists hold together is counted without resamples. */
static void
add_lists(EvaluateSums *sums, SegmentSums *segment, const EvaluateValues *values)
{
	/* a customer of whom nothing is relevant was recommended nothing */
	if (isnan(values->value[LIST_WIDGET][METRIC_LIST_LENGTH]))
		return;
	segment->num_lists++;
	for (int l = 0; l < NUM_LISTS; l++)
		for (uint32 i = 0; i < values->size[l]; i++)
		{
			make_room(sums, segment, values->list[l][i]);
			segment->tally[l][values->list[l][i]]++;
		}
}

void
evaluate_sums_add(EvaluateSums *sums, const char *const *segments, int num_segments, const EvaluateValues *values)
{
	draw_weights(sums, values->hash);
	for (int s = 0; s < num_segments; s++)
	{
		SegmentSums *segment = find_segment(sums, segments[s]);

		for (int m = 0; m < NUM_METRICS; m++)
			add_metric(sums, &segment->metric[m], values->value[LIST_WIDGET][m], values->value[LIST_POPULARITY][m]);
		add_lists(sums, segment, values);
	}
}

/* ---------------------------------------------------------------- means and limits */

/* The mean, and quantiles of the means of the resamples; a resample that drew no customer says nothing. */
static EvaluateResult
summarize(EvaluateSums *sums, const double *numerator, const double *subtracted, const double *weight)
{
	int32		resamples = sums->options->resamples;
	double	   *mean = env_alloc(&sums->server.env, resamples + 1, sizeof(double));
	double		tail = (1 - sums->options->confidence) / 2;
	EvaluateResult result;

	for (int32 r = 0; r <= resamples; r++)
		mean[r] = weight[r] > 0 ? (numerator[r] - (subtracted != NULL ? subtracted[r] : 0)) / weight[r] : NAN;
	result.estimate = mean[0];
	result.low = rank_quantile(&sums->server.env, mean + 1, resamples, tail);
	result.high = rank_quantile(&sums->server.env, mean + 1, resamples, 1 - tail);
	env_release(&sums->server.env, mean);
	return result;
}

/* A metric that says nothing of anybody has no line. */
static void
report_metric(EvaluateSums *sums, const SegmentSums *segment, int m, EvaluateSink sink, void *arg)
{
	const MetricSums *metric = &segment->metric[m];
	EvaluateResult widget;
	EvaluateResult popularity;
	EvaluateResult difference;

	if (metric->customers == 0)
		return;
	widget = summarize(sums, metric->sum[LIST_WIDGET], NULL, metric->weight);
	popularity = summarize(sums, metric->sum[LIST_POPULARITY], NULL, metric->weight);
	difference = summarize(sums, metric->sum[LIST_WIDGET], metric->sum[LIST_POPULARITY], metric->weight);
	sink(arg, segment->name, metric_names[m], metric->customers, &widget, &popularity, &difference);
}

/* ---------------------------------------------------------------- all lists together */

static double
coverage(EvaluateSums *sums, const EvaluateLists *lists, uint64 *counts, uint64 n)
{
	return n > 0 ? rank_coverage(n, Max((uint64) lists->catalog_size, n)) : NAN;
}

static double
gini(EvaluateSums *sums, const EvaluateLists *lists, uint64 *counts, uint64 n)
{
	return n > 0 ? rank_gini(&sums->server.env, counts, n, Max((uint64) lists->catalog_size, n)) : NAN;
}

/* How often each item was recommended, those that were not left out. */
static uint64
copy_counts(const SegmentSums *segment, int list, uint64 *counts)
{
	uint64		n = 0;

	for (uint32 code = 0; code < segment->room; code++)
		if (segment->tally[list][code] > 0)
			counts[n++] = segment->tally[list][code];
	return n;
}

/* By what customers had at the split: what is new in the test is as new as can be. */
static double
novelty(const EvaluateLists *lists, const SegmentSums *segment, int list)
{
	double		sum = 0;
	double		recommended = 0;

	for (uint32 code = 0; code < segment->room; code++)
	{
		uint64		n = segment->tally[list][code];

		if (n == 0)
			continue;
		sum += (double) n * rank_novelty(code < lists->num_known ? lists->buyers[code] : 0, lists->num_baskets);
		recommended += n;
	}
	return recommended > 0 ? sum / RANK_NOVELTY_UNIT / recommended : NAN;
}

/* No limits: these are no means over customers. */
static void
report_pair(const SegmentSums *segment, const char *metric, double widget, double popularity, EvaluateSink sink, void *arg)
{
	EvaluateResult w = {widget, NAN, NAN};
	EvaluateResult p = {popularity, NAN, NAN};
	EvaluateResult d = {widget - popularity, NAN, NAN};

	sink(arg, segment->name, metric, segment->num_lists, &w, &p, &d);
}

static void
report_spread(EvaluateSums *sums, const EvaluateLists *lists, const SegmentSums *segment, const char *metric,
			  double (*measure) (EvaluateSums *, const EvaluateLists *, uint64 *, uint64), EvaluateSink sink, void *arg)
{
	uint64	   *counts = env_alloc(&sums->server.env, segment->room + 1, sizeof(uint64));
	double		value[NUM_LISTS];

	for (int l = 0; l < NUM_LISTS; l++)
		value[l] = measure(sums, lists, counts, copy_counts(segment, l, counts));
	env_release(&sums->server.env, counts);
	report_pair(segment, metric, value[LIST_WIDGET], value[LIST_POPULARITY], sink, arg);
}

void
evaluate_sums_report(EvaluateSums *sums, const EvaluateLists *lists, EvaluateSink sink, void *arg)
{
	for (int s = 0; s < sums->num_segments; s++)
	{
		const SegmentSums *segment = sums->segment[s];

		for (int m = 0; m < NUM_METRICS; m++)
			report_metric(sums, segment, m, sink, arg);
		CHECK_FOR_INTERRUPTS();
		if (segment->room == 0)
			continue;
		report_spread(sums, lists, segment, "coverage", coverage, sink, arg);
		report_pair(segment, "novelty", novelty(lists, segment, LIST_WIDGET), novelty(lists, segment, LIST_POPULARITY), sink, arg);
		report_spread(sums, lists, segment, "gini", gini, sink, arg);
	}
}
