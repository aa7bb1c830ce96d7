/*
 * rule_estimate.c
 *		Of how many customers a rule holds, for the planner.
 *
 * ANALYZE keeps a sample of the activities beside the usual statistics, and an estimate asks the rule of each of them: no formula knows how counts, times
 * and the hour of the day go together.  Where there is no sample, it is what the shape of the rule suggests.
 */
#include "value/rule.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "catalog/pg_statistic.h"
#include "commands/vacuum.h"
#include "pgtime.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "kernel/rule_keys.h"
#include "value/activity.h"

/* Slots of 10000 to 30000 are for private use. */
#define KIND_ACTIVITIES 10531
#define SAMPLE_SIZE 1000
#define SAMPLE_BYTES (512 * 1024)
#define MAX_WIDTH 4096			/* customers with more to them are rare, and would fill the sample */

/* --- sample ----------------------------------------------------------------- */

/* What the usual statistics are made with. */
typedef struct Usual
{
	AnalyzeAttrComputeStatsFunc compute;
	void	   *data;
} Usual;

/* Rows come in order of their places in the table, so those at equal distances are a sample again. */
static int
take_sample(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch, int rows, Datum *values)
{
	int			n = 0;
	Size		bytes = 0;

	for (int i = 0; i < SAMPLE_SIZE; i++)
	{
		int			row = (int) ((int64) i * rows / SAMPLE_SIZE);
		bool		isnull;
		Datum		value = fetch(stats, row, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull || (i > 0 && row == (int) ((int64) (i - 1) * rows / SAMPLE_SIZE)) || toast_raw_datum_size(value) > MAX_WIDTH)
			continue;
		bytes += toast_raw_datum_size(value);
		if (bytes > SAMPLE_BYTES)
			break;
		values[n++] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	return n;
}

static void
compute_sample(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch, int rows, double total_rows)
{
	Usual	   *usual = stats->extra_data;
	MemoryContext before;
	int			slot = 0;

	stats->extra_data = usual->data;
	usual->compute(stats, fetch, rows, total_rows);
	stats->extra_data = usual;
	while (slot < STATISTIC_NUM_SLOTS && stats->stakind[slot] != 0)
		slot++;
	if (!stats->stats_valid || slot == STATISTIC_NUM_SLOTS)
		return;
	before = MemoryContextSwitchTo(stats->anl_context);
	stats->stavalues[slot] = palloc(SAMPLE_SIZE * sizeof(Datum));
	stats->numvalues[slot] = take_sample(stats, fetch, rows, stats->stavalues[slot]);
	MemoryContextSwitchTo(before);
	if (stats->numvalues[slot] > 0)
		stats->stakind[slot] = KIND_ACTIVITIES;
}

PG_FUNCTION_INFO_V1(personalize_activity_typanalyze);
Datum
personalize_activity_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);
	Usual	   *usual;

	if (!std_typanalyze(stats))
		PG_RETURN_BOOL(false);
	usual = palloc(sizeof(Usual));
	*usual = (Usual) {stats->compute_stats, stats->extra_data};
	stats->compute_stats = compute_sample;
	stats->extra_data = usual;
	PG_RETURN_BOOL(true);
}

/* --- estimates -------------------------------------------------------------- */

/* Nobody can say while planning; @@ has no attributes anyway. */
static RuleAnswer
ask_nobody(RuleContext *context, const Rule *rule, const RuleNode *leaf)
{
	return (RuleAnswer) {RULE_UNKNOWN, RULE_NEVER};
}

static int
count_matches(const Rule *rule, RuleContext *context, const Datum *values, int n)
{
	int			matches = 0;

	for (int i = 0; i < n; i++)
	{
		size_t		size;
		const unsigned char *bytes = activity_bytes(values[i], &size);
		RuleTruth	value;

		if (rule_matches(rule, bytes, size, context, &value))
			matches += value == RULE_TRUE;
	}
	return matches;
}

/* A sample without a match only says that there are few: then the shape of the rule has its say, too. */
static double
estimate(VariableStatData *variable, Oid operator_function, Datum value)
{
	ServerEnv	server;
	RuleAttributes attributes;
	AttStatsSlot slot;
	Rule	   *rule;
	double		fraction;

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, value);
	rule_attributes_init(&attributes, activity_guard_time(GetCurrentStatementStartTimestamp()), session_timezone);
	attributes.context.ask = ask_nobody;
	fraction = rule_needs(&server.env, rule, &attributes.context)->fraction;
	if (!HeapTupleIsValid(variable->statsTuple) || !statistic_proc_security_check(variable, operator_function))
		return fraction;
	if (get_attstatsslot(&slot, variable->statsTuple, KIND_ACTIVITIES, InvalidOid, ATTSTATSSLOT_VALUES))
	{
		int			matches = count_matches(rule, &attributes.context, slot.values, slot.nvalues);

		fraction = matches > 0 ? (double) matches / slot.nvalues : Min(fraction, 0.5 / slot.nvalues);
		free_attstatsslot(&slot);
	}
	return fraction * (1 - ((Form_pg_statistic) GETSTRUCT(variable->statsTuple))->stanullfrac);
}

PG_FUNCTION_INFO_V1(personalize_rule_selectivity);
Datum
personalize_rule_selectivity(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	VariableStatData variable;
	Node	   *other;
	bool		on_left;
	double		fraction = DEFAULT_MATCHING_SEL;

	if (!get_restriction_variable(root, args, PG_GETARG_INT32(3), &variable, &other, &on_left))
		PG_RETURN_FLOAT8(fraction);
	if (IsA(other, Const) && on_left)
		fraction = ((Const *) other)->constisnull ? 0 : estimate(&variable, get_opcode(PG_GETARG_OID(1)), ((Const *) other)->constvalue);
	ReleaseVariableStats(variable);
	CLAMP_PROBABILITY(fraction);
	PG_RETURN_FLOAT8(fraction);
}
