/*
 * buyer.c
 *		The type buyer: bytes, text and binary form.
 *
 * Stored are the version, the number of days, and of each day the gap to the one before and the amount, all as varints.  Equal buyers have
 * equal bytes.
 */
#include "value/buyer.h"

#include "common/int.h"
#include "libpq/pqformat.h"
#include "utils/datetime.h"

#include "base/wire.h"

#define STORED_VERSION 1
#define WIRE_VERSION 1
#define WIRE_DAY_SIZE 12

/* ---------------------------------------------------------------- days */

void
buyer_days_init(BuyerDays *b, uint32 room)
{
	b->n = 0;
	b->room = room;
	b->sorted = true;
	b->days = palloc(sizeof(BuyerDay) * Max(room, 1));
}

void
buyer_check_day(int64 day)
{
	if (day < BUYER_FIRST_DAY || day > BUYER_LAST_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("day of an order is out of range"),
				 errdetail("It must be between 0001-01-01 and 9999-12-31.")));
}

static int64
sum_of_units(int64 x, int64 y)
{
	int64		sum;

	if (pg_add_s64_overflow(x, y, &sum) || sum > BUYER_MOST_UNITS || sum < -BUYER_MOST_UNITS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount of a day is out of range"),
				 errdetail("The limit is 1e14.")));
	return sum;
}

static int
by_day(const void *a, const void *b)
{
	int32		x = ((const BuyerDay *) a)->day;
	int32		y = ((const BuyerDay *) b)->day;

	return (x > y) - (x < y);
}

void
buyer_days_sort(BuyerDays *b)
{
	uint32		n = 0;

	if (b->sorted)
		return;
	qsort(b->days, b->n, sizeof(BuyerDay), by_day);
	for (uint32 i = 0; i < b->n; i++)
	{
		if (n > 0 && b->days[n - 1].day == b->days[i].day)
			b->days[n - 1].units = sum_of_units(b->days[n - 1].units, b->days[i].units);
		else
			b->days[n++] = b->days[i];
	}
	b->n = n;
	b->sorted = true;
}

/* Rows of a customer mostly come in order of time, and lines of an order together. */
void
buyer_days_add(BuyerDays *b, int32 day, int64 units)
{
	if (b->n > 0 && b->days[b->n - 1].day == day)
	{
		b->days[b->n - 1].units = sum_of_units(b->days[b->n - 1].units, units);
		return;
	}
	if (b->n == b->room)
	{
		/* half of it may be repetitions */
		buyer_days_sort(b);
		if (b->n > b->room / 2)
		{
			b->room *= 2;
			b->days = repalloc(b->days, sizeof(BuyerDay) * b->room);
		}
	}
	b->sorted &= b->n == 0 || b->days[b->n - 1].day < day;
	b->days[b->n++] = (BuyerDay) {day, units};
}

bytea *
buyer_form(BuyerDays *b)
{
	bytea	   *value;
	unsigned char *p;
	int32		before = 0;

	buyer_days_sort(b);
	value = palloc(VARHDRSZ + 1 + WIRE_MAX_VARINT + (Size) b->n * (5 + WIRE_MAX_VARINT));
	p = (unsigned char *) VARDATA(value);
	*p++ = STORED_VERSION;
	p = wire_put_varint(p, b->n);
	for (uint32 i = 0; i < b->n; i++)
	{
		p = wire_put_varint(p, i == 0 ? wire_zigzag(b->days[i].day) : (uint64) (b->days[i].day - before));
		p = wire_put_varint(p, wire_zigzag(b->days[i].units));
		before = b->days[i].day;
	}
	SET_VARSIZE(value, (char *) p - (char *) value);
	return value;
}

static void
damaged(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type buyer is damaged")));
}

/* The next day of a stored value; what no form would write is damage. */
static BuyerDay
next_day(WireReader *r, bool first, int32 before)
{
	uint64		gap = wire_get_varint(r);
	int64		units = wire_unzigzag(wire_get_varint(r));
	int64		day = first ? wire_unzigzag(gap) : gap > BUYER_MOST_DAYS ? PG_INT32_MAX : before + (int64) gap;

	if (r->bad || day < BUYER_FIRST_DAY || day > BUYER_LAST_DAY || (!first && gap == 0) || units > BUYER_MOST_UNITS || units < -BUYER_MOST_UNITS)
		damaged();
	return (BuyerDay) {(int32) day, units};
}

/* A day takes two bytes or more, so a count that is a lie is known before anything is allocated. */
static WireReader
open_value(bytea *value, uint64 *n)
{
	WireReader	r = wire_reader(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	const unsigned char *version = wire_get_bytes(&r, 1);

	*n = wire_get_varint(&r);
	if (r.bad || *version != STORED_VERSION || *n > wire_left(&r) / 2)
		damaged();
	return r;
}

void
buyer_read(bytea *value, BuyerDays *b)
{
	uint64		n;
	WireReader	r = open_value(value, &n);

	buyer_days_init(b, n);
	for (uint64 i = 0; i < n; i++)
		b->days[b->n++] = next_day(&r, i == 0, i == 0 ? 0 : b->days[i - 1].day);
	if (wire_left(&r) != 0)
		damaged();
}

/* ---------------------------------------------------------------- what the models ask */

int32
buyer_as_of(DateADT as_of)
{
	return DATE_IS_NOEND(as_of) ? BUYER_NEVER : DATE_IS_NOBEGIN(as_of) ? PG_INT32_MIN : as_of;
}

BuyerHistory
buyer_history(bytea *value, int32 as_of)
{
	BuyerHistory h = {0};
	BuyerDay	d = {0};
	uint64		n;
	WireReader	r = open_value(value, &n);

	for (uint64 i = 0; i < n; i++)
	{
		d = next_day(&r, i == 0, d.day);
		if (d.day > as_of)
			break;
		if (d.units > 0)
		{
			if (h.orders++ == 0)
			{
				h.first = d.day;
				h.first_units = d.units;
			}
			h.last = d.day;
		}
		if (h.orders > 0)
			h.units = sum_of_units(h.units, d.units);
	}
	return h;
}

BuyerTimes
buyer_times(const BuyerHistory *h, int32 as_of)
{
	return (BuyerTimes) {h->orders - 1, (h->last - h->first) / 7.0, ((double) as_of - h->first) / 7.0};
}

double
buyer_mean(const BuyerHistory *h)
{
	return h->orders < 2 ? 0 : (double) (h->units - h->first_units) / BUYER_UNITS_PER_ONE / (h->orders - 1);
}

/* ---------------------------------------------------------------- text */

static void
malformed(const char *text, const char *what, const char *at)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed buyer literal: expected %s at byte %d", what, (int) (at - text) + 1),
			 errhint("A buyer is written like {2026-01-31:29.5,2026-03-01:12}.")));
}

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n\r\v\f");
}

static const char *
parse_digits(const char *text, const char *p, int digits, int *number)
{
	*number = 0;
	for (int i = 0; i < digits; i++, p++)
	{
		if (*p < '0' || *p > '9')
			malformed(text, "a date like 2026-01-31", p);
		*number = *number * 10 + (*p - '0');
	}
	return p;
}

static const char *
parse_day(const char *text, const char *p, int32 *day)
{
	const char *start = p;
	int			part[3];

	p = parse_digits(text, p, 4, &part[0]);
	for (int i = 1; i < 3; i++)
	{
		if (*p != '-')
			malformed(text, "a date like 2026-01-31", p);
		p = parse_digits(text, p + 1, 2, &part[i]);
	}
	if (part[0] < 1 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > day_tab[isleap(part[0])][part[1] - 1])
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("there is no day %.10s", start)));
	*day = date2j(part[0], part[1], part[2]) - POSTGRES_EPOCH_JDATE;
	return p;
}

/* Up to four decimals, exactly: more could not be kept. */
static const char *
parse_units(const char *text, const char *p, int64 *units)
{
	bool		negative = *p == '-';
	int			decimals = -1;
	int			digits = 0;

	*units = 0;
	for (p += negative; (*p >= '0' && *p <= '9') || (*p == '.' && decimals < 0); p++)
	{
		if (*p == '.')
		{
			decimals = 0;
			continue;
		}
		if (decimals >= 0 && ++decimals > 4)
			malformed(text, "at most four decimals", p);
		if (pg_mul_s64_overflow(*units, 10, units) || pg_add_s64_overflow(*units, *p - '0', units))
			*units = sum_of_units(PG_INT64_MAX, 1);
		digits++;
	}
	if (digits == 0)
		malformed(text, "an amount", p);
	for (decimals = Max(decimals, 0); decimals < 4; decimals++)
		if (pg_mul_s64_overflow(*units, 10, units))
			*units = sum_of_units(PG_INT64_MAX, 1);
	*units = sum_of_units(0, negative ? -*units : *units);
	return p;
}

static const char *
parse_entry(const char *text, const char *p, BuyerDays *b)
{
	int32		day;
	int64		units;

	p = skip_space(parse_day(text, skip_space(p), &day));
	if (*p != ':')
		malformed(text, "\":\"", p);
	p = parse_units(text, skip_space(p + 1), &units);
	buyer_days_add(b, day, units);
	return skip_space(p);
}

/* Days in any order; a day that stands twice is added up, as in the aggregate. */
PG_FUNCTION_INFO_V1(personalize_buyer_in);
Datum
personalize_buyer_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *p = skip_space(text);
	BuyerDays	b;

	buyer_days_init(&b, 8);
	if (*p != '{')
		malformed(text, "\"{\"", p);
	p = skip_space(p + 1);
	if (*p != '}')
	{
		for (p = parse_entry(text, p, &b); *p == ','; p = parse_entry(text, p + 1, &b))
			CHECK_FOR_INTERRUPTS();
		if (*p != '}')
			malformed(text, "\",\" or \"}\"", p);
	}
	p = skip_space(p + 1);
	if (*p != '\0')
		malformed(text, "the end", p);
	PG_RETURN_BYTEA_P(buyer_form(&b));
}

static void
write_units(StringInfo out, int64 units)
{
	int64		rest = units < 0 ? -units : units;

	appendStringInfo(out, "%s" INT64_FORMAT, units < 0 ? "-" : "", rest / BUYER_UNITS_PER_ONE);
	rest %= BUYER_UNITS_PER_ONE;
	if (rest == 0)
		return;
	appendStringInfo(out, ".%04d", (int) rest);
	while (out->data[out->len - 1] == '0')
		out->data[--out->len] = '\0';
}

PG_FUNCTION_INFO_V1(personalize_buyer_out);
Datum
personalize_buyer_out(PG_FUNCTION_ARGS)
{
	BuyerDays	b;
	StringInfoData out;

	buyer_read(PG_GETARG_BYTEA_PP(0), &b);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (uint32 i = 0; i < b.n; i++)
	{
		int			year;
		int			month;
		int			day;

		j2date(b.days[i].day + POSTGRES_EPOCH_JDATE, &year, &month, &day);
		appendStringInfo(&out, "%s%04d-%02d-%02d:", i == 0 ? "" : ",", year, month, day);
		write_units(&out, b.days[i].units);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* ---------------------------------------------------------------- binary */

PG_FUNCTION_INFO_V1(personalize_buyer_recv);
Datum
personalize_buyer_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(in);
	uint32		n = pq_getmsgint(in, 4);
	int			left = in->len - in->cursor;
	BuyerDays	b;

	if (version != WIRE_VERSION || n != left / WIRE_DAY_SIZE || left % WIRE_DAY_SIZE != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("buyer has an invalid binary form"),
				 errdetail("Format %d announces %u days, and %d bytes follow.", version, n, left)));
	buyer_days_init(&b, Max(n, 8));
	for (uint32 i = 0; i < n; i++)
	{
		int32		day = pq_getmsgint(in, 4);

		buyer_check_day(day);
		buyer_days_add(&b, day, sum_of_units(0, pq_getmsgint64(in)));
	}
	PG_RETURN_BYTEA_P(buyer_form(&b));
}

PG_FUNCTION_INFO_V1(personalize_buyer_send);
Datum
personalize_buyer_send(PG_FUNCTION_ARGS)
{
	BuyerDays	b;
	StringInfoData out;

	buyer_read(PG_GETARG_BYTEA_PP(0), &b);
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, b.n);
	for (uint32 i = 0; i < b.n; i++)
	{
		pq_sendint32(&out, b.days[i].day);
		pq_sendint64(&out, b.days[i].units);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---------------------------------------------------------------- operators */

PG_FUNCTION_INFO_V1(personalize_buyer_eq);
Datum
personalize_buyer_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_PP(0);
	bytea	   *b = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_buyer_ne);
Datum
personalize_buyer_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_buyer_eq(fcinfo)));
}
