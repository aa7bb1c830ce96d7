/*
 * activity.c
 *		What one customer did, as a value: its parts checked, and accessors.
 */
#include "value/activity.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/guards.h"

void
activity_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("value is not an activity that this version of personalize can read"),
			 errdetail("Known is version %d.", ACTIVITY_VERSION)));
}

const unsigned char *
activity_bytes(Datum value, size_t *size)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	*size = VARSIZE_ANY_EXHDR(bytes);
	return (const unsigned char *) VARDATA_ANY(bytes);
}

void
activity_read(Datum value, Env *env, ActivityNames *names, ActivityEvents *events)
{
	size_t		size;
	const unsigned char *bytes = activity_bytes(value, &size);

	if (!activity_decode(env, bytes, size, names, events))
	{
		if (names->n == ACTIVITY_MAX_KINDS)
			activity_guard_name(names, "", 1);
		activity_damaged();
	}
}

void
activity_fold_checked(Env *env, ActivityEvents *events)
{
	if (!activity_fold(env, events))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many events of one kind for one activity"),
				 errdetail("The limit is " UINT64_FORMAT ".", ACTIVITY_MAX_EVENTS)));
}

Datum
activity_form(Env *env, const ActivityEvents *events, const ActivityNames *names)
{
	size_t		size;
	unsigned char *bytes = activity_encode(env, events, names, VARHDRSZ, &size);
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("activity of %zu bytes is too large for a value", size)));
	SET_VARSIZE(bytes, size);
	return PointerGetDatum(bytes);
}

/* --- parts ------------------------------------------------------------------ */

int
activity_guard_name(ActivityNames *names, const char *bytes, size_t size)
{
	int			kind;

	if (size == 0 || size > ACTIVITY_MAX_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of an event must have 1 to %d bytes, not %zu", ACTIVITY_MAX_NAME, size)));
	kind = activity_name(names, bytes, size);
	if (kind < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many kinds of events"),
				 errdetail("The limit is %d.", ACTIVITY_MAX_KINDS),
				 errhint("An event is a kind of thing that customers do, like \"purchase\", not a single one.")));
	return kind;
}

TimestampTz
activity_guard_time(TimestampTz at)
{
	if (at < ACTIVITY_MIN_TIME || at >= ACTIVITY_END_TIME)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("time of an event must lie in the years 1 to 9999"),
				 errdetail("It is %s.", timestamptz_to_str(at))));
	return at;
}

static void
amount_out_of_range(const char *amount)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("amount of an event is out of range: %s", amount),
			 errdetail("Amounts are kept to four decimal places, between -461168601842738.79 and 461168601842738.79.")));
}

/* Rounded half away from zero, as numeric is. */
int64
activity_amount_from_float(double amount)
{
	double		units = round(amount * ACTIVITY_AMOUNT_UNIT);

	if (!(fabs(units) < 0x1p62))
		amount_out_of_range(psprintf("%g", amount));
	return (int64) units;
}

/*
 * A numeric is a header, which may hold the weight of the first digit, and digits of base 10000, as it has been stored since version 9.1.  So to count
 * in units of 1/10000 is to read its digits, which takes a twentieth of the time of arithmetic on numerics.
 */
#define NUMERIC_BASE 10000

static const char *
numeric_parts(Datum amount, bool *negative, int *weight, int *num_digits)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(amount);
	const char *at = VARDATA_ANY(bytes);
	int			left = (int) VARSIZE_ANY_EXHDR(bytes);
	uint16		head;
	int16		long_weight;

	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	left -= sizeof(head);
	/* NaN and infinities */
	if ((head & 0xC000) == 0xC000)
		return NULL;
	if (head & 0x8000)
	{
		*negative = (head & 0x2000) != 0;
		*weight = (head & 0x0040 ? -64 : 0) + (head & 0x003F);
	}
	else
	{
		memcpy(&long_weight, at, sizeof(long_weight));
		at += sizeof(long_weight);
		left -= sizeof(long_weight);
		*negative = (head & 0x4000) != 0;
		*weight = long_weight;
	}
	*num_digits = left / (int) sizeof(int16);
	return at;
}

static int64
numeric_digit(const char *digits, int num_digits, int place)
{
	int16		digit;

	if (place < 0 || place >= num_digits)
		return 0;
	memcpy(&digit, digits + place * sizeof(digit), sizeof(digit));
	return digit;
}

/* Rounded half away from zero: the first digit that is left out tells. */
bool
activity_numeric_units(Datum amount, int64 *units)
{
	bool		negative;
	int			weight;
	int			num_digits;
	const char *digits = numeric_parts(amount, &negative, &weight, &num_digits);
	int64		sum = 0;

	StaticAssertStmt(ACTIVITY_AMOUNT_UNIT == NUMERIC_BASE, "units of amounts are digits of numerics");
	if (digits == NULL)
		return false;
	for (int place = 0; num_digits > 0 && place <= weight + 1; place++)
	{
		if (sum > ACTIVITY_MAX_AMOUNT / NUMERIC_BASE)
			return false;
		sum = sum * NUMERIC_BASE + numeric_digit(digits, num_digits, place);
	}
	sum += numeric_digit(digits, num_digits, weight + 2) >= NUMERIC_BASE / 2;
	*units = negative ? -sum : sum;
	return sum <= ACTIVITY_MAX_AMOUNT;
}

int64
activity_amount_from_numeric(Datum amount)
{
	int64		units;

	if (!activity_numeric_units(amount, &units))
		amount_out_of_range(DatumGetCString(DirectFunctionCall1(numeric_out, amount)));
	return units;
}

void
activity_print_amount(char *out, int128 amount)
{
	uint128		left = amount < 0 ? -(uint128) amount : (uint128) amount;
	char		digits[ACTIVITY_AMOUNT_SIZE];
	int			n = 0;
	int			places = 4;

	while (places > 0 && left % 10 == 0)
	{
		left /= 10;
		places--;
	}
	for (int place = 0; left > 0 || place <= places; place++)
	{
		if (place == places && places > 0)
			digits[n++] = '.';
		digits[n++] = (char) ('0' + (int) (left % 10));
		left /= 10;
	}
	if (amount < 0)
		*out++ = '-';
	while (n > 0)
		*out++ = digits[--n];
	*out = '\0';
}

Datum
activity_numeric(int128 amount)
{
	char		text[ACTIVITY_AMOUNT_SIZE];

	activity_print_amount(text, amount);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* --- accessors -------------------------------------------------------------- */

/* Which events an accessor is about: of one kind or all, after a time and up to another. */
typedef struct Range
{
	const char *event;			/* NULL: all */
	size_t		event_size;
	TimestampTz since;
	TimestampTz until;
	ActivityReader reader;
	ActivityKind kind;
	bool		in_kind;
} Range;

static void
open_range(FunctionCallInfo fcinfo, Range *range, bool has_times)
{
	size_t		size;
	const unsigned char *bytes = activity_bytes(PG_GETARG_DATUM(0), &size);

	range->event = NULL;
	if (PG_NARGS() > 1 && !PG_ARGISNULL(1))
	{
		text	   *event = PG_GETARG_TEXT_PP(1);

		range->event = VARDATA_ANY(event);
		range->event_size = VARSIZE_ANY_EXHDR(event);
	}
	range->since = has_times && !PG_ARGISNULL(2) ? PG_GETARG_TIMESTAMPTZ(2) : PG_INT64_MIN;
	range->until = has_times && !PG_ARGISNULL(3) ? PG_GETARG_TIMESTAMPTZ(3) : PG_INT64_MAX;
	range->in_kind = false;
	if (!activity_open(&range->reader, bytes, size))
		activity_damaged();
}

static bool
next_kind(Range *range)
{
	while (activity_next_kind(&range->reader, &range->kind))
		if (range->event == NULL || (range->kind.name.size == range->event_size &&
									 memcmp(range->kind.name.bytes, range->event, range->event_size) == 0))
			return true;
	if (range->reader.in.bad)
		activity_damaged();
	return false;
}

/* Latest first, kind by kind; once a kind's events are before `since`, all that follow are. */
static bool
next_in_range(Range *range, ActivityEvent *event)
{
	for (;;)
	{
		if (!range->in_kind && !next_kind(range))
			return false;
		range->in_kind = activity_next_event(&range->kind, event);
		if (range->kind.in.bad)
			activity_damaged();
		if (!range->in_kind)
			continue;
		if (event->time <= range->since)
			range->in_kind = false;
		else if (event->time <= range->until)
			return true;
	}
}

PG_FUNCTION_INFO_V1(personalize_activity_count);
Datum
personalize_activity_count(PG_FUNCTION_ARGS)
{
	Range		range;
	ActivityEvent event;
	int64		count = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	open_range(fcinfo, &range, true);
	if (range.since == PG_INT64_MIN && range.until == PG_INT64_MAX)
		while (next_kind(&range))
			count += range.kind.count;
	else
		while (next_in_range(&range, &event))
			count += event.count;
	PG_RETURN_INT64(count);
}

/* Of 2^32 events with less than 2^62 each, so 128 bits are enough. */
PG_FUNCTION_INFO_V1(personalize_activity_sum);
Datum
personalize_activity_sum(PG_FUNCTION_ARGS)
{
	Range		range;
	ActivityEvent event;
	int128		sum = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	open_range(fcinfo, &range, true);
	while (next_in_range(&range, &event))
		if (event.amount != ACTIVITY_NO_AMOUNT)
			sum += (int128) event.amount * event.count;
	return activity_numeric(sum);
}

/* The latest of all kinds asked for; false where there are none. */
static bool
last_event(FunctionCallInfo fcinfo, TimestampTz *last)
{
	Range		range;
	ActivityEvent event;
	bool		found = false;

	open_range(fcinfo, &range, false);
	while (next_kind(&range))
	{
		if (!activity_next_event(&range.kind, &event))
			activity_damaged();
		*last = found ? Max(*last, event.time) : event.time;
		found = true;
	}
	return found;
}

PG_FUNCTION_INFO_V1(personalize_activity_last);
Datum
personalize_activity_last(PG_FUNCTION_ARGS)
{
	TimestampTz last;

	if (PG_ARGISNULL(0) || !last_event(fcinfo, &last))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(last);
}

PG_FUNCTION_INFO_V1(personalize_activity_first);
Datum
personalize_activity_first(PG_FUNCTION_ARGS)
{
	TimestampTz first = PG_INT64_MAX;
	Range		range;
	ActivityEvent event;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	open_range(fcinfo, &range, false);
	while (next_kind(&range))
	{
		while (activity_next_event(&range.kind, &event))
			first = event.form == ACTIVITY_COMPACT ? Min(first, range.kind.first) : Min(first, event.time);
		if (range.kind.in.bad)
			activity_damaged();
	}
	if (first == PG_INT64_MAX)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(first);
}

PG_FUNCTION_INFO_V1(personalize_activity_days_since);
Datum
personalize_activity_days_since(PG_FUNCTION_ARGS)
{
	TimestampTz last;
	TimestampTz as_of;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || !last_event(fcinfo, &last))
		PG_RETURN_NULL();
	as_of = activity_guard_time(PG_GETARG_TIMESTAMPTZ(2));
	PG_RETURN_FLOAT8((double) (as_of - last) / USECS_PER_DAY);
}

/* Recency counts whole days that have passed. */
PG_FUNCTION_INFO_V1(personalize_activity_recency);
Datum
personalize_activity_recency(PG_FUNCTION_ARGS)
{
	TimestampTz last;
	TimestampTz as_of;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || !last_event(fcinfo, &last))
		PG_RETURN_NULL();
	as_of = activity_guard_time(PG_GETARG_TIMESTAMPTZ(2));
	PG_RETURN_INT32((int32) floor((double) (as_of - last) / USECS_PER_DAY));
}

PG_FUNCTION_INFO_V1(personalize_activity_unnest);
Datum
personalize_activity_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Range		range;
	ActivityEvent event;

	compat_materialize(fcinfo);
	open_range(fcinfo, &range, false);
	while (next_in_range(&range, &event))
	{
		bool		no_amount = event.amount == ACTIVITY_NO_AMOUNT;
		bool		nulls[5] = {false, false, no_amount, false, false};
		Datum		row[5];

		CHECK_FOR_INTERRUPTS();
		row[0] = PointerGetDatum(cstring_to_text_with_len(range.kind.name.bytes, range.kind.name.size));
		row[1] = TimestampTzGetDatum(event.time);
		row[2] = no_amount ? (Datum) 0 : activity_numeric(event.amount);
		row[3] = Int64GetDatum(event.count);
		row[4] = BoolGetDatum(event.form == ACTIVITY_EVENT);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}

/* --- operators -------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(personalize_activity_add);
Datum
personalize_activity_add(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ActivityNames *names;
	ActivityEvents events = {NULL, 0, 0};
	Datum		result;

	server_env_init(&server, CurrentMemoryContext);
	names = activity_names_create(&server.env);
	activity_read(PG_GETARG_DATUM(0), &server.env, names, &events);
	activity_read(PG_GETARG_DATUM(1), &server.env, names, &events);
	activity_fold_checked(&server.env, &events);
	result = activity_form(&server.env, &events, names);
	pfree(names);
	if (events.events != NULL)
		pfree(events.events);
	PG_RETURN_DATUM(result);
}

/* Equal activities have equal bytes. */
PG_FUNCTION_INFO_V1(personalize_activity_eq);
Datum
personalize_activity_eq(PG_FUNCTION_ARGS)
{
	size_t		a_size;
	size_t		b_size;
	const unsigned char *a = activity_bytes(PG_GETARG_DATUM(0), &a_size);
	const unsigned char *b = activity_bytes(PG_GETARG_DATUM(1), &b_size);

	PG_RETURN_BOOL(a_size == b_size && memcmp(a, b, a_size) == 0);
}

PG_FUNCTION_INFO_V1(personalize_activity_ne);
Datum
personalize_activity_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_activity_eq(fcinfo)));
}
