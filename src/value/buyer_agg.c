/*
 * buyer_agg.c
 *		The aggregates buyer(at, amount) and rollup(buyer), and the operator +.
 */
#include "value/buyer.h"

#include <math.h>

#include "utils/timestamp.h"

#include "base/guards.h"

/* The check keeps a state apart from other internal values. */
static BuyerDays *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	MemoryContext old;
	BuyerDays  *state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (!PG_ARGISNULL(0))
		return (BuyerDays *) PG_GETARG_POINTER(0);
	old = MemoryContextSwitchTo(context);
	state = palloc(sizeof(BuyerDays));
	/* most customers have ordered once or twice */
	buyer_days_init(state, 2);
	MemoryContextSwitchTo(old);
	return state;
}

static int64
units_of(double amount)
{
	guard_float_range("amount", amount, -1e14, 1e14);
	return (int64) rint(amount * BUYER_UNITS_PER_ONE);
}

static Datum
add_order(FunctionCallInfo fcinfo, BuyerDays *state, int64 day)
{
	buyer_check_day(day);
	buyer_days_add(state, (int32) day, units_of(PG_GETARG_FLOAT8(2)));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_buyer_add_date);
Datum
personalize_buyer_add_date(PG_FUNCTION_ARGS)
{
	BuyerDays  *state = state_of(fcinfo);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	return add_order(fcinfo, state, PG_GETARG_DATEADT(1));
}

/* Of timestamp and timestamptz: both count microseconds, from midnight of a local day or of UTC.  Infinities are out of range in days. */
PG_FUNCTION_INFO_V1(personalize_buyer_add_timestamp);
Datum
personalize_buyer_add_timestamp(PG_FUNCTION_ARGS)
{
	BuyerDays  *state = state_of(fcinfo);
	Timestamp	at;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	at = PG_GETARG_TIMESTAMP(1);
	return add_order(fcinfo, state, at / USECS_PER_DAY - (at % USECS_PER_DAY < 0));
}

static void
add_all(BuyerDays *state, const BuyerDays *other)
{
	for (uint32 i = 0; i < other->n; i++)
		buyer_days_add(state, other->days[i].day, other->days[i].units);
}

/* The other state may be in memory that goes after this call. */
PG_FUNCTION_INFO_V1(personalize_buyer_combine);
Datum
personalize_buyer_combine(PG_FUNCTION_ARGS)
{
	BuyerDays  *state = state_of(fcinfo);

	if (!PG_ARGISNULL(1))
		add_all(state, (BuyerDays *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_buyer_serialize);
Datum
personalize_buyer_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(buyer_form(state_of(fcinfo)));
}

PG_FUNCTION_INFO_V1(personalize_buyer_deserialize);
Datum
personalize_buyer_deserialize(PG_FUNCTION_ARGS)
{
	BuyerDays  *state = palloc(sizeof(BuyerDays));

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	buyer_read(PG_GETARG_BYTEA_PP(0), state);
	PG_RETURN_POINTER(state);
}

/* NULL of no rows. */
PG_FUNCTION_INFO_V1(personalize_buyer_final);
Datum
personalize_buyer_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || state_of(fcinfo)->n == 0)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(buyer_form(state_of(fcinfo)));
}

PG_FUNCTION_INFO_V1(personalize_buyer_rollup);
Datum
personalize_buyer_rollup(PG_FUNCTION_ARGS)
{
	BuyerDays  *state = state_of(fcinfo);
	BuyerDays	more;

	if (!PG_ARGISNULL(1))
	{
		buyer_read(PG_GETARG_BYTEA_PP(1), &more);
		add_all(state, &more);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(personalize_buyer_merge);
Datum
personalize_buyer_merge(PG_FUNCTION_ARGS)
{
	BuyerDays	x;
	BuyerDays	y;

	buyer_read(PG_GETARG_BYTEA_PP(0), &x);
	buyer_read(PG_GETARG_BYTEA_PP(1), &y);
	x.room = Max(x.room, 1);
	add_all(&x, &y);
	PG_RETURN_BYTEA_P(buyer_form(&x));
}
