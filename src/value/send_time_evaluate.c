/*
 * send_time_evaluate.c
 *		What models say and how good they are: profiles, held-out log-loss, off-policy estimates, channels.
 */
#include "value/send_time.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"

#include "base/guards.h"

static const Datum *
argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : &fcinfo->args[i].value;
}

/* ---------------------------------------------------------------- response_profile */

static void
profile_row(const SendTimeModels *m, const SendTimeCustomer *c, const ResponsePosterior *p, bool has_customer, int hour, Datum *row)
{
	const ResponseFit *fit = &m->population.model.fits[c->observable];
	int			cell = response_cell(hour);

	row[0] = Int32GetDatum(hour / 24 + 1);
	row[1] = Int32GetDatum(hour % 24);
	row[2] = Float8GetDatum(has_customer ? c->evidence.responses[cell] : fit->responses[hour]);
	row[3] = Float8GetDatum(has_customer ? c->evidence.risk[cell] : fit->risk[hour]);
	row[4] = Float8GetDatum(c->evidence.visits[cell]);
	row[5] = Float8GetDatum(p->rate[cell]);
	row[6] = Float8GetDatum(m->population.rates[c->observable].mean * send_time_rates(m, c->observable)->profile[hour]);
}

/* response_profile(hours, population, segment, as_of) */
PG_FUNCTION_INFO_V1(personalize_response_profile);
Datum
personalize_response_profile(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	SendTimeModels *models = palloc(sizeof(SendTimeModels));
	SendTimeCustomer customer;
	ResponsePosterior posterior;
	bool		nulls[7] = {false};
	Datum		row[7];

	guard_not_null("as_of", PG_ARGISNULL(3));
	compat_materialize(fcinfo);
	send_time_models_init(models, CurrentMemoryContext);
	send_time_models_read(models, argument(fcinfo, 1), argument(fcinfo, 2));
	send_time_customer(models, argument(fcinfo, 0), response_guard_minute("as_of", PG_GETARG_TIMESTAMPTZ(3)), &customer, &posterior);
	for (int hour = 0; hour < RESPONSE_WEEK; hour++)
	{
		profile_row(models, &customer, &posterior, !PG_ARGISNULL(0), hour, row);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}

/* ---------------------------------------------------------------- response_log_loss */

/* Of one customer's messages after a time: how many, and -log of their likelihood by three kinds of rates. */
typedef struct Losses
{
	int64		messages;
	double		own;
	double		global;
	double		population;
} Losses;

/* The three differ in nothing but their rates: lags are the model's for all of them. */
static void
add_losses(Losses *l, const SendTimeModels *m, const SendTimeCustomer *c, const ResponsePosterior *p, int32 cut, int32 as_of)
{
	const ResponseFit *fit = &m->population.model.fits[c->observable];
	const ResponseRates *rates = &m->population.rates[c->observable];
	double		flat[RESPONSE_CELLS];
	double		week[RESPONSE_WEEK];
	double		responses = 0;
	double		risk = 0;

	for (int h = 0; h < RESPONSE_WEEK; h++)
	{
		responses += fit->responses[h];
		risk += fit->risk[h];
		week[h] = rates->mean * rates->profile[h];
	}
	for (int h = 0; h < RESPONSE_CELLS; h++)
		flat[h] = responses > 0 ? responses / risk : rates->mean;
	for (uint32 i = 0; i < m->hours.num_messages && m->hours.messages[i].minute > cut; i++)
	{
		const ResponseMessage *message = &m->hours.messages[i];
		bool		observed;

		l->own -= response_log_likelihood(message, c->observable, fit->lags, p->rate, false, as_of, &observed);
		l->global -= response_log_likelihood(message, c->observable, fit->lags, flat, false, as_of, &observed);
		l->population -= response_log_likelihood(message, c->observable, fit->lags, week, true, as_of, &observed);
		l->messages += observed;
	}
}

typedef struct LossSite
{
	SendTimeModels models;
	TupleDesc	result;
} LossSite;

/* response_log_loss(hours, population, after, as_of, segment) */
PG_FUNCTION_INFO_V1(personalize_response_log_loss);
Datum
personalize_response_log_loss(PG_FUNCTION_ARGS)
{
	LossSite   *site = fcinfo->flinfo->fn_extra;
	SendTimeCustomer customer;
	ResponsePosterior posterior;
	Losses		losses = {0};
	int32		cut;
	int32		as_of;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (site == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		site = palloc(sizeof(LossSite));
		send_time_models_init(&site->models, fcinfo->flinfo->fn_mcxt);
		if (get_call_result_type(fcinfo, NULL, &site->result) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "response_log_loss must return a row");
		site->result = BlessTupleDesc(site->result);
		fcinfo->flinfo->fn_extra = site;
		MemoryContextSwitchTo(before);
	}
	guard_not_null("after", PG_ARGISNULL(2));
	guard_not_null("as_of", PG_ARGISNULL(3));
	cut = response_guard_minute("after", PG_GETARG_TIMESTAMPTZ(2));
	as_of = response_guard_minute("as_of", PG_GETARG_TIMESTAMPTZ(3));
	send_time_models_read(&site->models, argument(fcinfo, 1), argument(fcinfo, 4));
	send_time_customer(&site->models, argument(fcinfo, 0), cut, &customer, &posterior);
	add_losses(&losses, &site->models, &customer, &posterior, cut, as_of);
	values[0] = Int64GetDatum(losses.messages);
	values[1] = Float8GetDatum(losses.own);
	values[2] = Float8GetDatum(losses.global);
	values[3] = Float8GetDatum(losses.population);
	return HeapTupleGetDatum(heap_form_tuple(site->result, values, nulls));
}

/* ---------------------------------------------------------------- snips */

#define SNIPS_LEAST 200

/* Sums in integers, of weights and outcomes in 2^-20: order does not matter. */
#define SNIPS_BITS 20
#define SNIPS_MAX_WEIGHT 1e5
#define SNIPS_MAX_OUTCOME 1e6
#define SNIPS_MAX_ROWS (INT64CONST(1) << 40)

typedef struct SnipsState
{
	int32		vl_len_;
	int32		unused;
	int64		rows;
	int64		weights[2];		/* low and high half of 128 bits, as are the others */
	int64		squares[2];
	int64		outcomes[2];
} SnipsState;

/* A bytea is aligned to 4 or 8 bytes, which an int128 is not content with. */
static int128
get_sum(const int64 *halves)
{
	return ((int128) halves[1] << 64) | (uint64) halves[0];
}

static void
add_sum(int64 *halves, int128 more)
{
	int128		sum = get_sum(halves) + more;

	halves[0] = (int64) (uint64) sum;
	halves[1] = (int64) (sum >> 64);
}

/* The state is the aggregate's own, so it is changed in place. */
static SnipsState *
snips_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	SnipsState *s;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (!PG_ARGISNULL(0))
		return (SnipsState *) PG_GETARG_BYTEA_P(0);
	s = MemoryContextAllocZero(context, sizeof(SnipsState));
	SET_VARSIZE(s, sizeof(SnipsState));
	return s;
}

/* snips(evaluated, logged, outcome): what was never possible says nothing, and would divide by 0. */
PG_FUNCTION_INFO_V1(personalize_snips_add);
Datum
personalize_snips_add(PG_FUNCTION_ARGS)
{
	SnipsState *s = snips_state(fcinfo);
	double		evaluated;
	double		logged;
	double		outcome;
	int128		weight;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		PG_RETURN_POINTER(s);
	evaluated = guard_float_range("evaluated propensity", PG_GETARG_FLOAT8(1), 0, 1);
	logged = guard_float_range("logged propensity", PG_GETARG_FLOAT8(2), 1e-6, 1);
	outcome = guard_float_range("outcome", PG_GETARG_FLOAT8(3), -SNIPS_MAX_OUTCOME, SNIPS_MAX_OUTCOME);
	weight = (int128) rint(ldexp(guard_float_range("ratio of propensities", evaluated / logged, 0, SNIPS_MAX_WEIGHT), SNIPS_BITS));
	add_sum(s->weights, weight);
	add_sum(s->squares, weight * weight);
	add_sum(s->outcomes, weight * (int128) rint(ldexp(outcome, SNIPS_BITS)));
	if (++s->rows > SNIPS_MAX_ROWS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows for snips")));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_snips_merge);
Datum
personalize_snips_merge(PG_FUNCTION_ARGS)
{
	SnipsState *s = snips_state(fcinfo);
	const SnipsState *other;

	if (!PG_ARGISNULL(1))
	{
		other = (const SnipsState *) PG_GETARG_BYTEA_P_COPY(1);
		s->rows += other->rows;
		add_sum(s->weights, get_sum(other->weights));
		add_sum(s->squares, get_sum(other->squares));
		add_sum(s->outcomes, get_sum(other->outcomes));
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_snips_final);
Datum
personalize_snips_final(PG_FUNCTION_ARGS)
{
	const SnipsState *s;
	TupleDesc	result;
	Datum		values[4];
	bool		nulls[4] = {false};
	double		weights;
	double		size;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (const SnipsState *) PG_GETARG_BYTEA_P(0);
	if (get_call_result_type(fcinfo, NULL, &result) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "snips must return a row");
	weights = (double) get_sum(s->weights);
	size = weights > 0 ? weights * weights / (double) get_sum(s->squares) : 0;
	nulls[0] = size < SNIPS_LEAST;
	values[0] = Float8GetDatum(nulls[0] ? 0 : ldexp((double) get_sum(s->outcomes) / weights, -SNIPS_BITS));
	values[1] = Float8GetDatum(size);
	values[2] = Int64GetDatum(s->rows);
	values[3] = BoolGetDatum(!nulls[0]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result), values, nulls));
}

/* ---------------------------------------------------------------- channels */

/* channel_value(delivered, responses, population_rate, margin, cost, fatigue) */
PG_FUNCTION_INFO_V1(personalize_channel_value);
Datum
personalize_channel_value(PG_FUNCTION_ARGS)
{
	double		delivered = (double) guard_int_range("delivered", PG_GETARG_INT64(0), 0, INT64CONST(1) << 52);
	double		responses = (double) guard_int_range("responses", PG_GETARG_INT64(1), 0, (int64) delivered);
	double		rate = guard_float_range("population_rate", PG_GETARG_FLOAT8(2), 0, 1);
	double		p = (10 * rate + responses) / (10 + delivered);

	PG_RETURN_FLOAT8(p * guard_finite("margin", PG_GETARG_FLOAT8(3)) - guard_finite("cost", PG_GETARG_FLOAT8(4)) - guard_finite("fatigue", PG_GETARG_FLOAT8(5)));
}

typedef struct ChannelState
{
	int32		vl_len_;
	int32		unused;
	double		value;
	TimestampTz last_response;	/* DT_NOBEGIN where there is none */
	char		name[FLEXIBLE_ARRAY_MEMBER];
} ChannelState;

#define CHANNEL_NAME(s) (s)->name, (int) (VARSIZE(s) - offsetof(ChannelState, name))

/* Greatest value; then who answered there last; then by name. */
static bool
is_better(const ChannelState *a, double value, TimestampTz last, const char *name, int size)
{
	int			own = (int) (VARSIZE(a) - offsetof(ChannelState, name));
	int			order;

	if (value != a->value)
		return value > a->value;
	if (last != a->last_response)
		return last > a->last_response;
	order = memcmp(name, a->name, Min(size, own));
	return order != 0 ? order < 0 : size < own;
}

/* A name is as long as it is: a better channel is a new state. */
static Datum
take_channel(FunctionCallInfo fcinfo, double value, TimestampTz last, const char *name, int size)
{
	MemoryContext context;
	ChannelState *s;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (!PG_ARGISNULL(0))
	{
		s = (ChannelState *) PG_GETARG_BYTEA_P(0);
		if (!is_better(s, value, last, name, size))
			PG_RETURN_POINTER(s);
	}
	s = MemoryContextAllocZero(context, offsetof(ChannelState, name) + size);
	SET_VARSIZE(s, offsetof(ChannelState, name) + size);
	s->value = value;
	s->last_response = last;
	memcpy(s->name, name, size);
	PG_RETURN_POINTER(s);
}

static Datum
unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* best_channel(channel, value, last_response) */
PG_FUNCTION_INFO_V1(personalize_best_channel_add);
Datum
personalize_best_channel_add(PG_FUNCTION_ARGS)
{
	text	   *name;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return unchanged(fcinfo);
	name = PG_GETARG_TEXT_PP(1);
	return take_channel(fcinfo, guard_finite("value", PG_GETARG_FLOAT8(2)), PG_ARGISNULL(3) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(3),
						VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

PG_FUNCTION_INFO_V1(personalize_best_channel_merge);
Datum
personalize_best_channel_merge(PG_FUNCTION_ARGS)
{
	ChannelState *other;

	if (PG_ARGISNULL(1))
		return unchanged(fcinfo);
	other = (ChannelState *) PG_GETARG_BYTEA_P_COPY(1);
	return take_channel(fcinfo, other->value, other->last_response, CHANNEL_NAME(other));
}

PG_FUNCTION_INFO_V1(personalize_best_channel_final);
Datum
personalize_best_channel_final(PG_FUNCTION_ARGS)
{
	ChannelState *s;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (ChannelState *) PG_GETARG_BYTEA_P(0);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(CHANNEL_NAME(s)));
}
