/*
 * send_time.c
 *		best_send_time(): candidates in civil time, chances, the choice.
 *
 * A call site keeps what does not change from customer to customer: models with their rates, hours that are allowed, zones.
 */
#include "value/send_time.h"

#include <math.h>

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "base/guards.h"

#define MAX_WINDOW_DAYS 31
#define MIN_SLOT 5
#define MAX_CANDIDATES (MAX_WINDOW_DAYS * RESPONSE_DAY / MIN_SLOT + 2 * RESPONSE_DAY / MIN_SLOT)

enum
{
	ARG_HOURS, ARG_POPULATION, ARG_WITHIN, ARG_TIME_ZONE, ARG_SEGMENT, ARG_VALID_FOR, ARG_MESSAGE, ARG_QUIET, ARG_LEGAL, ARG_WEEKDAYS,
	ARG_SLOT, ARG_EXPLORE, ARG_CONTROL, ARG_SALT, ARG_DEFAULT_HOUR, ARG_EXPIRES_AT, ARG_AS_OF
};

typedef struct Candidate
{
	int32		utc;			/* minutes since 2000-01-01 */
	int32		local;			/* what the customer's clock says then */
} Candidate;

typedef struct CallSite
{
	SendTimeModels models;
	LocalZones *zones;
	SendHoursTexts hours;
	TupleDesc	result;
	Candidate	candidates[MAX_CANDIDATES];
} CallSite;

/* One call. */
typedef struct Call
{
	CallSite   *site;
	LocalZone  *zone;
	int32		first;			/* minutes that the message may be sent in, both included; none where last < first */
	int32		last;
	int32		as_of;
	int			slot;
	int			valid;			/* minutes */
	int32		expires;
	bool		one_clock;		/* is not changed in all of the window and what follows */
	int32		offset;			/* where one_clock */
	int			num_candidates;
	const ResponseFit *fit;
	SendChances chances;
	ResponsePosterior posterior;
} Call;

/* ---------------------------------------------------------------- arguments */

static double
minutes_of(const Interval *interval)
{
	return (interval->month * 30.0 + interval->day) * RESPONSE_DAY + interval->time / (double) USECS_PER_MINUTE;
}

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	MemoryContext before;

	if (likely(site != NULL))
		return site;
	site = MemoryContextAllocZero(context, sizeof(CallSite));
	send_time_models_init(&site->models, context);
	site->zones = local_zones_create(context);
	site->hours.context = context;
	before = MemoryContextSwitchTo(context);
	if (get_call_result_type(fcinfo, NULL, &site->result) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "best_send_time must return a row");
	site->result = BlessTupleDesc(site->result);
	MemoryContextSwitchTo(before);
	return fcinfo->flinfo->fn_extra = site;
}

/* A bound that lies between two minutes leaves the whole ones inside. */
static int64
first_minute(const RangeBound *lower)
{
	TimestampTz at = DatumGetTimestampTz(lower->val);
	int64		minute = local_utc_minute(at);

	return minute + (at > local_timestamp(minute) || !lower->inclusive);
}

static int64
last_minute(const RangeBound *upper)
{
	TimestampTz at = DatumGetTimestampTz(upper->val);
	int64		minute = local_utc_minute(at);

	return minute - (at == local_timestamp(minute) && !upper->inclusive);
}

static bool
is_bound_infinite(const RangeBound *bound)
{
	return bound->infinite || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(bound->val));
}

static void
guard_window(int64 first, int64 last)
{
	if (first < RESPONSE_MIN_MINUTE || last >= RESPONSE_END_MINUTE - 3 * RESPONSE_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("within must lie in the years 1900 to 2999")));
	if (last - first > (int64) MAX_WINDOW_DAYS * RESPONSE_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("within is longer than %d days", MAX_WINDOW_DAYS),
				 errdetail("It has %g days.", (double) (last - first) / RESPONSE_DAY)));
}

/* Nothing is sent before as_of, or once it has expired. */
static void
read_window(FunctionCallInfo fcinfo, Call *call)
{
	RangeType  *range;
	TypeCacheEntry *type;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;
	int64		first;
	int64		last;

	guard_not_null("within", PG_ARGISNULL(ARG_WITHIN));
	range = PG_GETARG_RANGE_P(ARG_WITHIN);
	/* not range_get_typcache(), which takes fn_extra for itself */
	type = lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO);
	range_deserialize(type, range, &lower, &upper, &empty);
	call->first = 0;
	call->last = -1;
	if (empty)
		return;
	if (is_bound_infinite(&upper) && call->expires == RESPONSE_END_MINUTE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within has no end"),
				 errhint("Give it one, or the message an expires_at.")));
	first = is_bound_infinite(&lower) ? call->as_of : Max(first_minute(&lower), call->as_of);
	last = is_bound_infinite(&upper) ? call->expires - 1 : Min(last_minute(&upper), (int64) call->expires - 1);
	if (last < first)
		return;
	guard_window(first, last);
	call->first = (int32) first;
	call->last = (int32) last;
}

static void
read_times(FunctionCallInfo fcinfo, Call *call)
{
	double		valid = PG_ARGISNULL(ARG_VALID_FOR) ? RESPONSE_MINUTES : minutes_of(PG_GETARG_INTERVAL_P(ARG_VALID_FOR));
	TimestampTz as_of;

	guard_not_null("slot", PG_ARGISNULL(ARG_SLOT));
	call->slot = (int) guard_float_range("slot in minutes", minutes_of(PG_GETARG_INTERVAL_P(ARG_SLOT)), MIN_SLOT, RESPONSE_DAY);
	call->valid = (int) Min(guard_float_range("valid_for in minutes", valid, 1, 1e12), RESPONSE_MINUTES);
	guard_not_null("as_of", PG_ARGISNULL(ARG_AS_OF));
	as_of = PG_GETARG_TIMESTAMPTZ(ARG_AS_OF);
	call->as_of = response_guard_minute("as_of", as_of);
	/* the minute of as_of has begun already */
	call->as_of += as_of > local_timestamp(call->as_of);
	call->expires = RESPONSE_END_MINUTE;
	if (!PG_ARGISNULL(ARG_EXPIRES_AT) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(ARG_EXPIRES_AT)))
		call->expires = response_guard_minute("expires_at", PG_GETARG_TIMESTAMPTZ(ARG_EXPIRES_AT));
}

static text *
text_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : PG_GETARG_TEXT_PP(argument);
}

/* ---------------------------------------------------------------- candidates */

static int
week_minute(int32 local)
{
	int			minute = (int) (((int64) local + 5 * RESPONSE_DAY) % SEND_WEEK_MINUTES);

	return minute < 0 ? minute + SEND_WEEK_MINUTES : minute;
}

static int32
offset_at(Call *call, int32 utc)
{
	return call->one_clock ? call->offset : local_offset(call->zone, utc);
}

static void
read_clock(Call *call)
{
	int			change_at;
	int			change_by;

	/* a day more on either side, as candidates begin with a local day */
	local_clock(call->zone, (int64) call->first - 2 * RESPONSE_DAY, call->last - call->first + 6 * RESPONSE_DAY, &call->offset, &change_at, &change_by);
	call->one_clock = change_at == 0;
}

static int
candidate_order(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	return (x->utc > y->utc) - (x->utc < y->utc);
}

/* Where clocks change, two local times may be one instant, and their order another. */
static void
sort_candidates(Call *call)
{
	Candidate  *c = call->site->candidates;
	int			kept = 0;

	qsort(c, call->num_candidates, sizeof(Candidate), candidate_order);
	for (int i = 0; i < call->num_candidates; i++)
		if (kept == 0 || c[kept - 1].utc != c[i].utc)
			c[kept++] = c[i];
	call->num_candidates = kept;
}

/* Starts of slots, counted from each local midnight. */
static void
list_candidates(Call *call)
{
	int32		midnight = response_floor_div(call->first + offset_at(call, call->first), RESPONSE_DAY) * RESPONSE_DAY;
	int32		end = call->last + RESPONSE_DAY + RESPONSE_MAX_OFFSET;

	for (; midnight <= end && call->num_candidates < MAX_CANDIDATES; midnight += RESPONSE_DAY)
		for (int32 m = midnight; m < midnight + RESPONSE_DAY && call->num_candidates < MAX_CANDIDATES; m += call->slot)
		{
			int32		utc = call->one_clock ? m - call->offset : (int32) local_to_utc(call->zone, m);
			int32		local = call->one_clock ? m : utc + local_offset(call->zone, utc);

			if (utc >= call->first && utc <= call->last && send_hours_hold(&call->site->hours.allowed, week_minute(local)))
				call->site->candidates[call->num_candidates++] = (Candidate) {utc, local};
			if (utc > call->last && call->one_clock)
				return;
		}
	if (!call->one_clock)
		sort_candidates(call);
}

/* Without a slot in hours that allow it: the first minute that does. */
static bool
first_allowed(Call *call)
{
	for (int32 utc = call->first; utc <= call->last; utc++)
	{
		int32		local = utc + offset_at(call, utc);

		if (send_hours_hold(&call->site->hours.allowed, week_minute(local)))
		{
			call->site->candidates[0] = (Candidate) {utc, local};
			return true;
		}
	}
	return false;
}

/* ---------------------------------------------------------------- chances */

static double
hazard_at(Call *call, Candidate c)
{
	int			left = Min(call->valid, call->expires - c.utc);
	int			change_at = 0;
	int			change_by = 0;
	int32		offset;

	if (!call->one_clock)
		local_clock(call->zone, c.utc, RESPONSE_MINUTES, &offset, &change_at, &change_by);
	if (left < call->valid)
	{
		SendChances short_lived;

		send_chances(&short_lived, call->posterior.rate, call->fit->lags, Max(left, 0));
		return send_hazard(&short_lived, c.local, change_at, change_by);
	}
	return send_hazard(&call->chances, c.local, change_at, change_by);
}

/* Of equal chances the earliest. */
static int
best_candidate(Call *call)
{
	double		most = -1;
	int			best = 0;

	for (int i = 0; i < call->num_candidates; i++)
	{
		double		h = hazard_at(call, call->site->candidates[i]);

		if (h > most)
		{
			most = h;
			best = i;
		}
	}
	return best;
}

/* The first candidate at the default hour; -1 where none is. */
static int
default_candidate(const Call *call, int default_hour)
{
	for (int i = 0; i < call->num_candidates; i++)
		if (call->site->candidates[i].local - response_floor_div(call->site->candidates[i].local, RESPONSE_DAY) * RESPONSE_DAY == default_hour * 60)
			return i;
	return -1;
}

/* The next default hour, whether or not the message may be sent then. */
static double
probability_at_default(Call *call, int default_hour)
{
	int32		day = response_floor_div(call->first + offset_at(call, call->first), RESPONSE_DAY);
	Candidate	c;

	do
	{
		c.local = day++ * RESPONSE_DAY + default_hour * 60;
		c.utc = call->one_clock ? c.local - call->offset : (int32) local_to_utc(call->zone, c.local);
	} while (c.utc < call->first);
	c.local = c.utc + offset_at(call, c.utc);
	return send_probability(hazard_at(call, c));
}

/* ---------------------------------------------------------------- the call */

static uint64
message_hash(FunctionCallInfo fcinfo)
{
	text	   *message = PG_GETARG_TEXT_PP(ARG_MESSAGE);
	text	   *salt = text_argument(fcinfo, ARG_SALT);
	uint64		seed = salt == NULL ? 0 : send_time_hash(VARDATA_ANY(salt), VARSIZE_ANY_EXHDR(salt), 0);

	return send_time_hash(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message), seed);
}

/* Without a key there is nothing to draw by, and the best is taken. */
static SendChoice
choose(FunctionCallInfo fcinfo, Call *call, bool nothing_known, int default_hour)
{
	int			at_default = default_candidate(call, default_hour);
	int			best = nothing_known && at_default >= 0 ? at_default : best_candidate(call);
	double		explore = PG_ARGISNULL(ARG_EXPLORE) ? 0 : guard_float_range("explore", PG_GETARG_FLOAT8(ARG_EXPLORE), 0, 1);
	double		control = PG_ARGISNULL(ARG_CONTROL) ? 0 : guard_float_range("control", PG_GETARG_FLOAT8(ARG_CONTROL), 0, 1);
	bool		drawn = !PG_ARGISNULL(ARG_MESSAGE);
	SendChoice	choice = send_choose(drawn ? message_hash(fcinfo) : 0, call->num_candidates, best, Max(at_default, 0), drawn ? explore : 0, drawn ? control : 0);

	if (choice.policy == SEND_OPTIMIZED && nothing_known)
		choice.policy = SEND_FALLBACK;
	return choice;
}

static void
set_text(Datum *value, const char *name)
{
	*value = PointerGetDatum(cstring_to_text(name));
}

static Datum
result_row(FunctionCallInfo fcinfo, Call *call, SendTimeCustomer *customer)
{
	static const char *const policies[] = {"optimized", "explore", "fallback", "control", "expired"};
	int			default_hour = (int) guard_int_range("default_hour", PG_ARGISNULL(ARG_DEFAULT_HOUR) ? 10 : PG_GETARG_INT32(ARG_DEFAULT_HOUR), 0, 23);
	SendChoice	choice = {0, SEND_FALLBACK, 1};
	Datum		values[7];
	bool		nulls[7] = {false};

	if (call->last >= call->first)
	{
		read_clock(call);
		list_candidates(call);
	}
	if (call->num_candidates > 0)
		choice = choose(fcinfo, call, customer->source == RESPONSE_BY_DEFAULT, default_hour);
	else if (!first_allowed(call))
		choice.policy = SEND_EXPIRED;
	nulls[0] = nulls[1] = nulls[3] = nulls[6] = choice.policy == SEND_EXPIRED;
	if (choice.policy != SEND_EXPIRED)
	{
		Candidate	chosen = call->site->candidates[choice.chosen];

		values[0] = TimestampTzGetDatum(local_timestamp(chosen.utc));
		values[1] = Float8GetDatum(send_probability(hazard_at(call, chosen)));
		values[3] = Float8GetDatum(choice.propensity);
		values[6] = Float8GetDatum(probability_at_default(call, default_hour));
	}
	set_text(&values[2], policies[choice.policy]);
	set_text(&values[4], send_time_source_name(customer->source));
	values[5] = Float8GetDatum(customer->messages);
	return HeapTupleGetDatum(heap_form_tuple(call->site->result, values, nulls));
}

PG_FUNCTION_INFO_V1(personalize_best_send_time);
Datum
personalize_best_send_time(PG_FUNCTION_ARGS)
{
	CallSite   *site = call_site(fcinfo);
	Call		call = {site};
	SendTimeCustomer customer;

	guard_not_null("time_zone", PG_ARGISNULL(ARG_TIME_ZONE));
	call.zone = local_zone(site->zones, PG_GETARG_TEXT_PP(ARG_TIME_ZONE));
	read_times(fcinfo, &call);
	read_window(fcinfo, &call);
	send_hours_read(&site->hours, text_argument(fcinfo, ARG_QUIET), text_argument(fcinfo, ARG_LEGAL), text_argument(fcinfo, ARG_WEEKDAYS));
	send_time_models_read(&site->models, PG_ARGISNULL(ARG_POPULATION) ? NULL : &PG_GETARG_DATUM(ARG_POPULATION),
						  PG_ARGISNULL(ARG_SEGMENT) ? NULL : &PG_GETARG_DATUM(ARG_SEGMENT));
	send_time_customer(&site->models, PG_ARGISNULL(ARG_HOURS) ? NULL : &PG_GETARG_DATUM(ARG_HOURS), call.as_of, &customer, &call.posterior);
	call.fit = &site->models.population.model.fits[customer.observable];
	send_chances(&call.chances, call.posterior.rate, call.fit->lags, call.valid);
	return result_row(fcinfo, &call, &customer);
}
