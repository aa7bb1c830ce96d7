/*
 * buyer_fit.c
 *		The aggregate fit_buyers, over buyers or over grouped numbers.
 *
 * The state is a list of groups that is folded when it is full; the fit sorts it, so that neither the order of rows nor workers matter.
 */
#include "value/buyer.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/guards.h"
#include "base/module.h"
#include "base/server_env.h"

#define DEFAULT_KIND BUYER_MBG
/* 1,000 years: what a date may be away from another is more. */
#define MOST_WEEKS 52180.0
#define MOST_ORDERS 1000000
#define FIRST_ROOM 256

typedef struct FitState
{
	ServerEnv	server;
	BuyerKind	kind;
	uint64		num_groups;
	uint64		group_room;
	BuyerGroup *groups;
	uint64		num_spend;
	uint64		spend_room;
	BuyerSpend *spend;
	BuyerRates	rates[2];		/* of the short window and the long one */
} FitState;

static FitState *
fit_new(MemoryContext context, BuyerKind kind)
{
	FitState   *state = MemoryContextAllocZero(context, sizeof(FitState));

	server_env_init(&state->server, context);
	state->kind = kind;
	state->rates[0].weeks = BUYER_SHORT_WINDOW;
	state->rates[1].weeks = BUYER_LONG_WINDOW;
	return state;
}

static FitState *
fit_state(FunctionCallInfo fcinfo, int kind_argument)
{
	MemoryContext context;
	BuyerKind	kind = DEFAULT_KIND;
	FitState   *state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	if (state != NULL)
		return state;
	if (PG_NARGS() > kind_argument)
	{
		guard_not_null("kind", PG_ARGISNULL(kind_argument));
		kind = buyer_kind(text_to_cstring(PG_GETARG_TEXT_PP(kind_argument)));
	}
	return fit_new(context, kind);
}

/* ---------------------------------------------------------------- groups */

static void
fold_groups(FitState *s)
{
	uint64		n = 0;

	qsort(s->groups, s->num_groups, sizeof(BuyerGroup), buyer_group_compare);
	for (uint64 i = 0; i < s->num_groups; i++)
		if (n > 0 && buyer_group_compare(&s->groups[n - 1], &s->groups[i]) == 0)
			s->groups[n - 1].customers += s->groups[i].customers;
		else
			s->groups[n++] = s->groups[i];
	s->num_groups = n;
}

static void
fold_spend(FitState *s)
{
	uint64		n = 0;

	qsort(s->spend, s->num_spend, sizeof(BuyerSpend), buyer_spend_compare);
	for (uint64 i = 0; i < s->num_spend; i++)
		if (n > 0 && buyer_spend_compare(&s->spend[n - 1], &s->spend[i]) == 0)
			s->spend[n - 1].customers += s->spend[i].customers;
		else
			s->spend[n++] = s->spend[i];
	s->num_spend = n;
}

/* The fit copies both once. */
static void
check_room(const FitState *s, uint64 groups, uint64 spend)
{
	uint64		kilobytes = (groups * sizeof(BuyerGroup) + spend * sizeof(BuyerSpend)) * 2 / 1024;

	if (kilobytes > (uint64) personalize_matrix_mem)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("fit_buyers needs more memory than personalize.matrix_mem allows"),
				 errdetail("It needs " UINT64_FORMAT " MB, allowed are %d MB.", kilobytes / 1024 + 1, personalize_matrix_mem / 1024),
				 errhint("A fit of every tenth customer tells as much.")));
}

static void
add_group(FitState *s, BuyerTimes times, uint64 customers)
{
	if (s->num_groups == s->group_room)
	{
		if (s->num_groups > 0)
			fold_groups(s);
		if (s->num_groups >= s->group_room / 2)
		{
			s->group_room = Max(2 * s->group_room, FIRST_ROOM);
			check_room(s, s->group_room, s->spend_room);
			s->groups = env_resize(&s->server.env, s->groups, s->group_room, sizeof(BuyerGroup));
		}
	}
	s->groups[s->num_groups++] = (BuyerGroup) {times, customers};
}

static void
add_spend(FitState *s, uint32 x, double mean, uint64 customers)
{
	if (x == 0 || !(mean > 0))
		return;
	if (s->num_spend == s->spend_room)
	{
		if (s->num_spend > 0)
			fold_spend(s);
		if (s->num_spend >= s->spend_room / 2)
		{
			s->spend_room = Max(2 * s->spend_room, FIRST_ROOM);
			check_room(s, s->group_room, s->spend_room);
			s->spend = env_resize(&s->server.env, s->spend, s->spend_room, sizeof(BuyerSpend));
		}
	}
	s->spend[s->num_spend++] = (BuyerSpend) {x, mean, customers};
}

/* ---------------------------------------------------------------- rates */

/* What became of a customer as the windows found him. */
static void
add_rates(FitState *s, bytea *buyer, int32 as_of, uint32 orders)
{
	for (int i = 0; i < 2; i++)
	{
		int32		start = as_of - 7 * (int32) s->rates[i].weeks;
		BuyerHistory then = buyer_history(buyer, start);
		BuyerTimes	times;

		if (then.orders == 0)
			continue;
		times = buyer_times(&then, start);
		buyer_rates_add(&s->rates[i], &times, orders - then.orders, 1);
	}
}

/* Times tell who ordered in a window, but not how often, nor how it found who did: so there is one rate for all, and no number of orders. */
static void
add_rates_of_times(FitState *s, const BuyerTimes *t, uint64 customers)
{
	for (int i = 0; i < 2; i++)
	{
		double		start = t->T - s->rates[i].weeks;

		if (start < 0)
			continue;
		s->rates[i].all.customers += customers;
		s->rates[i].all.buyers += t->x > 0 && t->t_x > start ? customers : 0;
	}
}

/* ---------------------------------------------------------------- rows */

/* fit_buyers(buyer, as_of [, kind]): who had not ordered yet does not count. */
PG_FUNCTION_INFO_V1(personalize_fit_buyers_add);
Datum
personalize_fit_buyers_add(PG_FUNCTION_ARGS)
{
	FitState   *state = fit_state(fcinfo, 3);
	DateADT		as_of;
	BuyerHistory h;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	guard_not_null("as_of", PG_ARGISNULL(2));
	as_of = PG_GETARG_DATEADT(2);
	buyer_check_day(as_of);
	h = buyer_history(PG_GETARG_BYTEA_PP(1), as_of);
	if (h.orders == 0)
		PG_RETURN_POINTER(state);
	add_group(state, buyer_times(&h, as_of), 1);
	add_spend(state, h.orders - 1, buyer_mean(&h), 1);
	add_rates(state, PG_GETARG_BYTEA_PP(1), as_of, h.orders);
	PG_RETURN_POINTER(state);
}

/* fit_buyers(frequency, recency, age, mean_value, customers [, kind]) */
PG_FUNCTION_INFO_V1(personalize_fit_buyers_add_group);
Datum
personalize_fit_buyers_add_group(PG_FUNCTION_ARGS)
{
	FitState   *state = fit_state(fcinfo, 6);
	BuyerTimes	t;
	int64		customers;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(5))
		PG_RETURN_POINTER(state);
	t.x = guard_int_range("frequency", PG_GETARG_INT32(1), 0, MOST_ORDERS);
	t.T = guard_float_range("age", PG_GETARG_FLOAT8(3), 0, MOST_WEEKS);
	t.t_x = guard_float_range("recency", PG_GETARG_FLOAT8(2), 0, t.x == 0 ? 0 : t.T);
	customers = guard_int_range("customers", PG_GETARG_INT64(5), 0, INT64CONST(1000000000000));
	if (customers == 0)
		PG_RETURN_POINTER(state);
	add_group(state, t, customers);
	add_rates_of_times(state, &t, customers);
	if (!PG_ARGISNULL(4))
		add_spend(state, t.x, guard_float_range("mean_value", PG_GETARG_FLOAT8(4), 0, 1e14), customers);
	PG_RETURN_POINTER(state);
}

static void
add_state(FitState *state, const FitState *other)
{
	for (uint64 i = 0; i < other->num_groups; i++)
		add_group(state, other->groups[i].times, other->groups[i].customers);
	for (uint64 i = 0; i < other->num_spend; i++)
		add_spend(state, other->spend[i].x, other->spend[i].mean, other->spend[i].customers);
	for (int i = 0; i < 2; i++)
		buyer_rates_merge(&state->rates[i], &other->rates[i]);
}

PG_FUNCTION_INFO_V1(personalize_fit_buyers_combine);
Datum
personalize_fit_buyers_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	FitState   *state;
	FitState   *other = PG_ARGISNULL(1) ? NULL : (FitState *) PG_GETARG_POINTER(1);

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = PG_ARGISNULL(0) ? NULL : (FitState *) PG_GETARG_POINTER(0);
	if (state == NULL && other == NULL)
		PG_RETURN_NULL();
	if (state == NULL)
		state = fit_new(context, other->kind);
	if (other != NULL)
		add_state(state, other);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_fit_buyers_serialize);
Datum
personalize_fit_buyers_serialize(PG_FUNCTION_ARGS)
{
	FitState   *s = fit_state(fcinfo, PG_NARGS());
	StringInfoData out;

	fold_groups(s);
	fold_spend(s);
	pq_begintypsend(&out);
	pq_sendint32(&out, s->kind);
	pq_sendint64(&out, s->num_groups);
	pq_sendint64(&out, s->num_spend);
	for (uint64 i = 0; i < s->num_groups; i++)
	{
		pq_sendint32(&out, s->groups[i].times.x);
		pq_sendfloat8(&out, s->groups[i].times.t_x);
		pq_sendfloat8(&out, s->groups[i].times.T);
		pq_sendint64(&out, s->groups[i].customers);
	}
	for (uint64 i = 0; i < s->num_spend; i++)
	{
		pq_sendint32(&out, s->spend[i].x);
		pq_sendfloat8(&out, s->spend[i].mean);
		pq_sendint64(&out, s->spend[i].customers);
	}
	/* between processes of one server, so as it is */
	pq_sendbytes(&out, (char *) s->rates, sizeof(s->rates));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(personalize_fit_buyers_deserialize);
Datum
personalize_fit_buyers_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
	FitState   *s;
	uint64		groups;
	uint64		spend;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	in.maxlen = in.len;
	s = fit_new(CurrentMemoryContext, pq_getmsgint(&in, 4));
	groups = pq_getmsgint64(&in);
	spend = pq_getmsgint64(&in);
	for (uint64 i = 0; i < groups; i++)
	{
		BuyerTimes	t;

		t.x = pq_getmsgint(&in, 4);
		t.t_x = pq_getmsgfloat8(&in);
		t.T = pq_getmsgfloat8(&in);
		add_group(s, t, pq_getmsgint64(&in));
	}
	for (uint64 i = 0; i < spend; i++)
	{
		uint32		x = pq_getmsgint(&in, 4);
		double		mean = pq_getmsgfloat8(&in);

		add_spend(s, x, mean, pq_getmsgint64(&in));
	}
	pq_copymsgbytes(&in, (char *) s->rates, sizeof(s->rates));
	pq_getmsgend(&in);
	PG_RETURN_POINTER(s);
}

/* Where the data cannot tell, there are rates instead. */
static void
take_rates(BuyerModel *m, const FitState *s)
{
	double		longest = 0;
	const BuyerRates *rates;

	for (uint64 i = 0; i < s->num_groups; i++)
		longest = Max(longest, s->groups[i].times.T);
	rates = buyer_rates_choose(s->rates, longest);
	if (rates != NULL)
		m->rates = *rates;
	ereport(WARNING,
			(errmsg("no %s model can be fitted: %s", buyer_kind_name(m->kind), buyer_problem_text(m->problem)),
			 errdetail("There are " UINT64_FORMAT " customers, of whom " UINT64_FORMAT " ordered again.", (uint64) m->customers, (uint64) m->repeaters),
			 rates == NULL ? errhint("Nor were customers there for long enough to see how many come back, so predictions are NULL.") :
			 errhint("Predictions are rates of customers alike in the last %u weeks.", rates->weeks)));
}

/* A model in any case: where the data cannot tell, it is one that says why. */
PG_FUNCTION_INFO_V1(personalize_fit_buyers_final);
Datum
personalize_fit_buyers_final(PG_FUNCTION_ARGS)
{
	FitState   *s;
	BuyerModel	m = {0};
	ServerEnv	server;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = fit_state(fcinfo, PG_NARGS());
	fold_groups(s);
	fold_spend(s);
	server_env_init(&server, CurrentMemoryContext);
	m.kind = s->kind;
	buyer_fit(&server.env, &m, s->groups, s->num_groups);
	buyer_fit_spend(&server.env, &m, s->spend, s->num_spend);
	if (m.problem != BUYER_FITTED)
		take_rates(&m, s);
	PG_RETURN_BYTEA_P(buyer_model_form(&m));
}
