/*
 * rfm_read.c
 *		Recency, frequency and monetary value of activities and buyers, their scores, and names of groups.
 */
#include "value/rfm.h"

#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "base/guards.h"
#include "base/zone.h"
#include "value/activity.h"
#include "value/buyer.h"

/* ---------------------------------------------------------------- windows */

bool
rfm_of_activity(Datum activity, const char *event, uint32 event_size, int64 length, TimestampTz as_of, pg_tz *zone, RfmNumbers *numbers, int64 *changes)
{
	size_t		size;
	const unsigned char *bytes = activity_bytes(activity, &size);
	RfmWindow	w;

	if (!rfm_look(&w, bytes, size, event, event_size, as_of, length))
		activity_damaged();
	*changes = w.changes;
	if (w.orders == 0)
		return false;
	*numbers = (RfmNumbers) {(int64) zone_day_of(zone, as_of) - zone_day_of(zone, w.last), w.orders, w.units};
	return true;
}

/* The score of recency falls at the start of a day. */
int64
rfm_stable_until(const RfmModel *model, const RfmNumbers *n, int64 changes, TimestampTz as_of, pg_tz *zone)
{
	int64		falls = rfm_recency_falls(model, n->days);

	if (falls == RFM_NEVER)
		return changes;
	return Min(changes, zone_day_start(zone, zone_day_of(zone, as_of) + (int32) (falls - n->days)));
}

/* Months have no fixed length, and a window has to have one. */
static int64
window_length(Interval *within)
{
	if (within->month != 0 || within->day < 0 || within->time < 0 || within->day > RFM_MOST_DAYS || within->time > (int64) RFM_MOST_DAYS * USECS_PER_DAY
		|| (within->day == 0 && within->time == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within must be an interval of days, hours and less, above 0"),
				 errdetail("It has %d months, %d days and " INT64_FORMAT " microseconds.", within->month, within->day, within->time),
				 errhint("Write 365 days instead of a year.")));
	return within->day * USECS_PER_DAY + within->time;
}

/* (…, activity, event, within, as_of, zone), from argument `first` on. */
static bool
activity_arguments(FunctionCallInfo fcinfo, int first, RfmNumbers *numbers, int64 *changes, pg_tz **zone)
{
	text	   *event = PG_GETARG_TEXT_PP(first + 1);

	*zone = zone_named(text_to_cstring(PG_GETARG_TEXT_PP(first + 4)));
	return rfm_of_activity(PG_GETARG_DATUM(first), VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event), window_length(PG_GETARG_INTERVAL_P(first + 2)),
						   activity_guard_time(PG_GETARG_TIMESTAMPTZ(first + 3)), *zone, numbers, changes);
}

static Datum
row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* Money as numeric, so that sums over customers are exact, too. */
static Datum
numbers_row(FunctionCallInfo fcinfo, const RfmNumbers *n)
{
	Datum		values[3] = {Int32GetDatum((int32) n->days), Int64GetDatum(n->orders), activity_numeric(n->units)};
	bool		nulls[3] = {false, false, false};

	return row(fcinfo, values, nulls);
}

/* (activity, event, within, as_of, zone) */
PG_FUNCTION_INFO_V1(personalize_rfm_numbers);
Datum
personalize_rfm_numbers(PG_FUNCTION_ARGS)
{
	RfmNumbers	numbers;
	int64		changes;
	pg_tz	   *zone;

	if (!activity_arguments(fcinfo, 0, &numbers, &changes, &zone))
		PG_RETURN_NULL();
	return numbers_row(fcinfo, &numbers);
}

/* (buyer, within, as_of): of days, so a window is one of whole days. */
PG_FUNCTION_INFO_V1(personalize_rfm_buyer);
Datum
personalize_rfm_buyer(PG_FUNCTION_ARGS)
{
	int64		length = window_length(PG_GETARG_INTERVAL_P(1));
	DateADT		as_of = PG_GETARG_DATEADT(2);
	BuyerDays	b;
	RfmNumbers	numbers = {0};
	int128		units = 0;

	if (length % USECS_PER_DAY != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within must be whole days, as a buyer knows no hours")));
	buyer_check_day(as_of);
	buyer_read(PG_GETARG_BYTEA_PP(0), &b);
	for (uint32 i = 0; i < b.n && b.days[i].day <= as_of; i++)
	{
		if (b.days[i].day <= as_of - length / USECS_PER_DAY)
			continue;
		units += b.days[i].units;
		if (b.days[i].units <= 0)
			continue;
		numbers.orders++;
		numbers.days = as_of - b.days[i].day;
	}
	if (numbers.orders == 0)
		PG_RETURN_NULL();
	numbers.units = rfm_nearest_units(units);
	return numbers_row(fcinfo, &numbers);
}

/* ---------------------------------------------------------------- scores */

/* (model, recency, frequency, monetary) */
PG_FUNCTION_INFO_V1(personalize_rfm_score);
Datum
personalize_rfm_score(PG_FUNCTION_ARGS)
{
	RfmModel	m;
	RfmNumbers	n;
	RfmScores	s;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	rfm_read(PG_GETARG_BYTEA_P(0), &m);
	n.days = guard_int_range("recency", PG_GETARG_INT32(1), 0, RFM_MOST_DAYS);
	n.orders = guard_int_range("frequency", PG_GETARG_INT64(2), 0, PG_INT64_MAX);
	n.units = rfm_units(PG_GETARG_FLOAT8(3));
	/* limits are of customers with an order, so the others are no lower level of them */
	if (n.orders == 0)
		PG_RETURN_NULL();
	s = rfm_score(&m, &n);
	values[0] = Int32GetDatum(s.r);
	values[1] = Int32GetDatum(s.f);
	values[2] = Int32GetDatum(s.m);
	return row(fcinfo, values, nulls);
}

/* (model, activity, event, within, as_of, zone); without orders there are no scores, yet they may come. */
PG_FUNCTION_INFO_V1(personalize_rfm_score_activity);
Datum
personalize_rfm_score_activity(PG_FUNCTION_ARGS)
{
	RfmModel	m;
	RfmNumbers	n;
	RfmScores	s = {0};
	int64		until;
	pg_tz	   *zone;
	Datum		values[4];
	bool		nulls[4] = {true, true, true, false};

	rfm_read(PG_GETARG_BYTEA_P(0), &m);
	if (activity_arguments(fcinfo, 1, &n, &until, &zone))
	{
		until = rfm_stable_until(&m, &n, until, PG_GETARG_TIMESTAMPTZ(4), zone);
		s = rfm_score(&m, &n);
		nulls[0] = nulls[1] = nulls[2] = false;
	}
	values[0] = Int32GetDatum(s.r);
	values[1] = Int32GetDatum(s.f);
	values[2] = Int32GetDatum(s.m);
	values[3] = TimestampTzGetDatum(until == RFM_NEVER ? DT_NOEND : until);
	return row(fcinfo, values, nulls);
}

/* (r, f, m, levels) */
PG_FUNCTION_INFO_V1(personalize_rfm_group);
Datum
personalize_rfm_group(PG_FUNCTION_ARGS)
{
	uint32		levels = rfm_levels(PG_GETARG_INT32(3));
	RfmScores	s;

	s.r = guard_int_range("r", PG_GETARG_INT32(0), 1, levels);
	s.f = guard_int_range("f", PG_GETARG_INT32(1), 1, levels);
	s.m = guard_int_range("m", PG_GETARG_INT32(2), 1, levels);
	PG_RETURN_TEXT_P(cstring_to_text(rfm_group(levels, s)));
}
