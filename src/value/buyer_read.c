/*
 * buyer_read.c
 *		What a buyer has done, and what a model expects of it.
 *
 * Predictions take a buyer and a day, or the numbers of the literature in weeks.  Without orders, or where the model cannot tell, they are NULL.
 */
#include "value/buyer.h"

#include "utils/timestamp.h"

#include "base/guards.h"

/* A mean year has 365.2425 days. */
#define DAYS_PER_MEAN_MONTH (365.2425 / 12)
#define WEEKS_PER_YEAR 52.18
#define WEEKS_PER_STEP (WEEKS_PER_YEAR / 12)
/* 20 years: nothing of this holds so long. */
#define MOST_HORIZON 1043.6
#define MOST_WEEKS 52180.0
#define MOST_ORDERS 1000000

static BuyerHistory
history_argument(FunctionCallInfo fcinfo, int as_of)
{
	return buyer_history(PG_GETARG_BYTEA_PP(0), buyer_as_of(PG_GETARG_DATEADT(as_of)));
}

/* ---------------------------------------------------------------- accessors */

PG_FUNCTION_INFO_V1(personalize_buyer_frequency);
Datum
personalize_buyer_frequency(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	if (h.orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(h.orders - 1);
}

PG_FUNCTION_INFO_V1(personalize_buyer_recency);
Datum
personalize_buyer_recency(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	if (h.orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_times(&h, 0).t_x);
}

PG_FUNCTION_INFO_V1(personalize_buyer_age);
Datum
personalize_buyer_age(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	buyer_check_day(PG_GETARG_DATEADT(1));
	if (h.orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_times(&h, PG_GETARG_DATEADT(1)).T);
}

PG_FUNCTION_INFO_V1(personalize_buyer_mean_value);
Datum
personalize_buyer_mean_value(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	if (!(buyer_mean(&h) > 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_mean(&h));
}

PG_FUNCTION_INFO_V1(personalize_buyer_total_value);
Datum
personalize_buyer_total_value(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	if (h.orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) h.units / BUYER_UNITS_PER_ONE);
}

PG_FUNCTION_INFO_V1(personalize_buyer_first);
Datum
personalize_buyer_first(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	if (h.orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(h.first);
}

PG_FUNCTION_INFO_V1(personalize_buyer_last);
Datum
personalize_buyer_last(PG_FUNCTION_ARGS)
{
	BuyerHistory h = history_argument(fcinfo, 1);

	if (h.orders == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(h.last);
}

/* After one day, up to another: what came of a prediction. */
PG_FUNCTION_INFO_V1(personalize_buyer_orders);
Datum
personalize_buyer_orders(PG_FUNCTION_ARGS)
{
	int32		after = buyer_as_of(PG_GETARG_DATEADT(1));
	int32		until = buyer_as_of(PG_GETARG_DATEADT(2));

	if (until <= after)
		PG_RETURN_INT32(0);
	PG_RETURN_INT32(history_argument(fcinfo, 2).orders - history_argument(fcinfo, 1).orders);
}

/* ---------------------------------------------------------------- predictions */

/* A customer as a model sees it, from whatever form the arguments have. */
typedef struct Customer
{
	BuyerModel	model;
	BuyerTimes	times;
	double		mean;
	bool		known;			/* false: there was no order */
} Customer;

/* (buyer, model, …, as_of) */
static Customer
customer_of_buyer(FunctionCallInfo fcinfo, int as_of)
{
	Customer	c = {.known = false};
	BuyerHistory h;

	buyer_check_day(PG_GETARG_DATEADT(as_of));
	buyer_model_read(PG_GETARG_BYTEA_P(1), &c.model);
	h = history_argument(fcinfo, as_of);
	if (h.orders == 0)
		return c;
	c.times = buyer_times(&h, PG_GETARG_DATEADT(as_of));
	c.mean = buyer_mean(&h);
	c.known = true;
	return c;
}

/* (frequency, recency, age, model, …) */
static Customer
customer_of_numbers(FunctionCallInfo fcinfo)
{
	Customer	c;

	c.times.x = guard_int_range("frequency", PG_GETARG_INT32(0), 0, MOST_ORDERS);
	c.times.T = guard_float_range("age", PG_GETARG_FLOAT8(2), 0, MOST_WEEKS);
	c.times.t_x = guard_float_range("recency", PG_GETARG_FLOAT8(1), 0, c.times.x == 0 ? 0 : c.times.T);
	buyer_model_read(PG_GETARG_BYTEA_P(3), &c.model);
	c.mean = 0;
	c.known = true;
	return c;
}

static double
horizon_weeks(FunctionCallInfo fcinfo, int argument)
{
	Interval   *i = PG_GETARG_INTERVAL_P(argument);
	double		days = i->month * DAYS_PER_MEAN_MONTH + i->day + (double) i->time / USECS_PER_DAY;

	return guard_float_range("horizon in weeks", days / 7, 0, MOST_HORIZON);
}

static double
horizon_number(FunctionCallInfo fcinfo, int argument)
{
	return guard_float_range("horizon", PG_GETARG_FLOAT8(argument), 0, MOST_HORIZON);
}

PG_FUNCTION_INFO_V1(personalize_buyer_expected);
Datum
personalize_buyer_expected(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_buyer(fcinfo, 3);
	double		horizon = horizon_weeks(fcinfo, 2);

	if (!c.known || !buyer_can_count(&c.model, horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_expected(&c.model, &c.times, horizon));
}

PG_FUNCTION_INFO_V1(personalize_buyer_expected_numbers);
Datum
personalize_buyer_expected_numbers(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_numbers(fcinfo);
	double		horizon = horizon_number(fcinfo, 4);

	if (!c.known || !buyer_can_count(&c.model, horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_expected(&c.model, &c.times, horizon));
}

PG_FUNCTION_INFO_V1(personalize_buyer_alive);
Datum
personalize_buyer_alive(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_buyer(fcinfo, 2);

	if (!c.known || c.model.problem != BUYER_FITTED)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_alive(&c.model, &c.times));
}

PG_FUNCTION_INFO_V1(personalize_buyer_alive_numbers);
Datum
personalize_buyer_alive_numbers(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_numbers(fcinfo);

	if (!c.known || c.model.problem != BUYER_FITTED)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_alive(&c.model, &c.times));
}

PG_FUNCTION_INFO_V1(personalize_buyer_churn);
Datum
personalize_buyer_churn(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_buyer(fcinfo, 3);
	double		horizon = horizon_weeks(fcinfo, 2);

	if (!c.known || !buyer_can_tell(&c.model, horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_silent(&c.model, &c.times, horizon));
}

PG_FUNCTION_INFO_V1(personalize_buyer_churn_numbers);
Datum
personalize_buyer_churn_numbers(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_numbers(fcinfo);
	double		horizon = horizon_number(fcinfo, 4);

	if (!c.known || !buyer_can_tell(&c.model, horizon))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(buyer_silent(&c.model, &c.times, horizon));
}

/* A mean that is not above 0 says nothing of repeat orders, so the customer counts as one without any. */
static double
spend_of(const Customer *c)
{
	return buyer_expected_spend(&c->model, c->mean > 0 ? c->times.x : 0, c->mean);
}

PG_FUNCTION_INFO_V1(personalize_buyer_spend);
Datum
personalize_buyer_spend(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_buyer(fcinfo, 2);

	if (c.model.spend_problem != BUYER_FITTED)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(spend_of(&c));
}

/* (frequency, mean_value, model) */
PG_FUNCTION_INFO_V1(personalize_buyer_spend_numbers);
Datum
personalize_buyer_spend_numbers(PG_FUNCTION_ARGS)
{
	Customer	c = {.known = true};

	c.times.x = guard_int_range("frequency", PG_GETARG_INT32(0), 0, MOST_ORDERS);
	c.mean = guard_float_range("mean_value", PG_GETARG_FLOAT8(1), 0, 1e14);
	buyer_model_read(PG_GETARG_BYTEA_P(2), &c.model);
	if (c.model.spend_problem != BUYER_FITTED)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(spend_of(&c));
}

/* (buyer, model, horizon, discount, margin, as_of) */
PG_FUNCTION_INFO_V1(personalize_buyer_lifetime);
Datum
personalize_buyer_lifetime(PG_FUNCTION_ARGS)
{
	Customer	c = customer_of_buyer(fcinfo, 5);
	double		horizon = horizon_weeks(fcinfo, 2);
	double		discount = guard_float_range("discount", PG_GETARG_FLOAT8(3), 0, 10);
	double		margin = guard_float_range("margin", PG_GETARG_FLOAT8(4), 0, 1);

	if (!c.known || !buyer_can_count(&c.model, horizon) || c.model.spend_problem != BUYER_FITTED)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(spend_of(&c) * margin * buyer_discounted(&c.model, &c.times, horizon, WEEKS_PER_STEP, discount, WEEKS_PER_YEAR));
}
