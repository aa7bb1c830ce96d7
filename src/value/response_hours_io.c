/*
 * response_hours_io.c
 *		Text and binary forms of response_hours.
 *
 *		{2026-01-05T10:00+01:00 open 35 click 40, 2026-01-02T10:00+01:00 machine, visit 2026-01-05T20+01:00, first 2025-11-01T09:00+00:00, count 300}
 *
 * Times of messages and visits are those of the customer's clock, with what it was ahead of UTC; responses are minutes after delivery.
 */
#include "value/response_hours.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/datetime.h"

/* --- output ----------------------------------------------------------------- */

static void
print_offset(StringInfo out, int32 offset)
{
	appendStringInfo(out, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 60, abs(offset) % 60);
}

static void
print_hour(StringInfo out, int32 hour)
{
	int			year;
	int			month;
	int			day;

	j2date(response_floor_div(hour, 24) + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	appendStringInfo(out, "%04d-%02d-%02dT%02d", year, month, day, hour - response_floor_div(hour, 24) * 24);
}

static void
print_minute(StringInfo out, int32 utc_minute, int32 offset)
{
	int32		minute = utc_minute + offset;
	int32		hour = response_floor_div(minute, 60);

	print_hour(out, hour);
	appendStringInfo(out, ":%02d", minute - hour * 60);
	print_offset(out, offset);
}

static void
print_message(StringInfo out, const ResponseMessage *m)
{
	print_minute(out, m->minute, m->offset);
	if (m->opened != RESPONSE_NONE)
		appendStringInfo(out, " open %d", m->opened);
	if (m->clicked != RESPONSE_NONE)
		appendStringInfo(out, " click %d", m->clicked);
	if (m->machine)
		appendStringInfoString(out, " machine");
	if (m->change_at > 0)
		appendStringInfo(out, " change %d by %d", m->change_at, m->change_by);
}

static void
print_comma(StringInfo out)
{
	if (out->len > 1)
		appendStringInfoString(out, ", ");
}

PG_FUNCTION_INFO_V1(personalize_response_hours_out);
Datum
personalize_response_hours_out(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ResponseHours h;
	StringInfoData out;
	int32		first = RESPONSE_END_MINUTE;

	server_env_init(&server, CurrentMemoryContext);
	response_init(&h);
	response_read(PG_GETARG_DATUM(0), &server.env, &h);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (uint32 i = 0; i < h.num_messages; i++)
	{
		print_comma(&out);
		print_message(&out, &h.messages[i]);
		first = Min(first, h.messages[i].minute);
	}
	for (uint32 i = 0; i < h.num_visits; i++)
	{
		print_comma(&out);
		appendStringInfoString(&out, "visit ");
		print_hour(&out, h.visits[i].hour);
		print_offset(&out, h.visits[i].offset);
		first = Min(first, response_visit_minute(&h.visits[i]));
	}
	if (h.first != first)
	{
		print_comma(&out);
		appendStringInfoString(&out, "first ");
		print_minute(&out, h.first, 0);
	}
	if (h.count != h.num_messages)
	{
		print_comma(&out);
		appendStringInfo(&out, "count " UINT64_FORMAT, h.count);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* --- input ------------------------------------------------------------------ */

typedef struct Parser
{
	const char *text;
	const char *at;
} Parser;

static void
expected(const Parser *p, const char *what)
{
	int			shown = pg_mbcliplen(p->at, strlen(p->at), 20);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed response_hours literal: expected %s at character %d", what, pg_mbstrlen_with_len(p->text, p->at - p->text) + 1),
			 *p->at == '\0' ? errdetail("The literal ends there.") : errdetail("Found there: \"%.*s\".", shown, p->at),
			 errhint("A response_hours is written like {2026-01-05T10:00+01:00 open 35, visit 2026-01-05T20+01:00}.")));
}

static void
skip_space(Parser *p)
{
	p->at += strspn(p->at, " \t\n\r\v\f");
}

/* Space may stand before every word. */
static bool
accept_word(Parser *p, const char *word)
{
	size_t		size = strlen(word);

	skip_space(p);
	if (strncmp(p->at, word, size) != 0)
		return false;
	p->at += size;
	return true;
}

/* Exactly so many digits. */
static int32
digits(Parser *p, int n, const char *what)
{
	int32		value = 0;

	for (; n > 0; n--)
	{
		if (*p->at < '0' || *p->at > '9')
			expected(p, what);
		value = value * 10 + *p->at++ - '0';
	}
	return value;
}

static void
sign(Parser *p, char c, const char *what)
{
	if (*p->at != c)
		expected(p, what);
	p->at++;
}

/* A whole number up to `most`. */
static uint64
number(Parser *p, uint64 most, bool may_be_negative, bool *negative)
{
	uint64		value = 0;
	const char *start;

	skip_space(p);
	*negative = may_be_negative && *p->at == '-';
	p->at += *negative;
	start = p->at;
	while (*p->at >= '0' && *p->at <= '9' && value <= most)
		value = value * 10 + *p->at++ - '0';
	if (p->at == start || value > most)
	{
		p->at = start;
		expected(p, psprintf("a number of at most " UINT64_FORMAT, most));
	}
	return value;
}

/* "2026-01-05T10", as hours since 2000-01-01. */
static int32
parse_hour(Parser *p, const char *what)
{
	int			year;
	int			month;
	int			day;
	int			hour;
	const char *start;

	skip_space(p);
	start = p->at;
	year = digits(p, 4, what);
	sign(p, '-', what);
	month = digits(p, 2, what);
	sign(p, '-', what);
	day = digits(p, 2, what);
	sign(p, 'T', what);
	hour = digits(p, 2, what);
	if (year < 1899 || year > 3000 || month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1] || hour > 23)
	{
		p->at = start;
		expected(p, "a time in the years 1900 to 2999");
	}
	return (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * 24 + hour;
}

static int32
parse_offset(Parser *p)
{
	const char *what = "an offset like +01:00";
	const char *start = p->at;
	bool		negative = *p->at == '-';
	int32		offset;

	if (!negative && *p->at != '+')
		expected(p, what);
	p->at++;
	offset = digits(p, 2, what) * 60;
	sign(p, ':', what);
	offset += digits(p, 2, what);
	if (offset > RESPONSE_MAX_OFFSET)
	{
		p->at = start;
		expected(p, "an offset of at most 24:00");
	}
	return negative ? -offset : offset;
}

/* "2026-01-05T10:00+01:00": minutes of UTC, and the offset. */
static int32
parse_minute(Parser *p, int32 *offset)
{
	const char *what = "a time like 2026-01-05T10:00+01:00";
	int32		minute = parse_hour(p, what) * 60;

	sign(p, ':', what);
	minute += digits(p, 2, what);
	*offset = parse_offset(p);
	return minute - *offset;
}

static int16
parse_lag(Parser *p)
{
	bool		negative;

	return (int16) number(p, RESPONSE_MINUTES - 1, false, &negative);
}

/* What follows the time may come in any order. */
static void
parse_message(Parser *p, Env *env, ResponseHours *h)
{
	Parser		start = *p;
	ResponseMessage m = {0, 0, RESPONSE_NONE, RESPONSE_NONE, 0, 0, 0};
	int32		offset;
	bool		negative;

	m.minute = parse_minute(p, &offset);
	m.offset = (int16) offset;
	for (;;)
		if (accept_word(p, "open "))
			m.opened = parse_lag(p);
		else if (accept_word(p, "click "))
			m.clicked = parse_lag(p);
		else if (accept_word(p, "machine"))
			m.machine = 1;
		else if (accept_word(p, "change "))
		{
			m.change_at = parse_lag(p);
			if (!accept_word(p, "by "))
				expected(p, "\"by\" and minutes");
			m.change_by = (int16) number(p, RESPONSE_MAX_OFFSET, true, &negative);
			m.change_by = negative ? -m.change_by : m.change_by;
		}
		else
			break;
	if (!response_is_message(&m))
		expected(&start, "a message of the years 1900 to 2999, with no click before an open");
	response_add_message(env, h, m);
}

static void
parse_visit(Parser *p, Env *env, ResponseHours *h)
{
	Parser		start = *p;
	ResponseVisit v;

	v.hour = parse_hour(p, "an hour like 2026-01-05T20+01:00");
	v.offset = parse_offset(p);
	if (!response_is_visit(&v))
		expected(&start, "an hour of the years 1900 to 2999");
	response_add_visit(env, h, v);
}

/* Items in any order; first and count say what the others do not. */
static void
parse_item(Parser *p, Env *env, ResponseHours *h, uint64 *count)
{
	bool		negative;

	if (accept_word(p, "visit "))
		parse_visit(p, env, h);
	else if (accept_word(p, "count "))
		*count = number(p, RESPONSE_MAX_COUNT, false, &negative);
	else if (accept_word(p, "first "))
	{
		Parser		start = *p;
		int32		offset;
		int32		first = parse_minute(p, &offset);

		if (first < RESPONSE_MIN_MINUTE || first >= RESPONSE_END_MINUTE)
			expected(&start, "a time in the years 1900 to 2999");
		h->first = Min(h->first, first);
	}
	else
		parse_message(p, env, h);
	skip_space(p);
}

/* first and count may be claimed, but only where something has been dropped. */
static Datum
form_checked(ServerEnv *server, ResponseHours *h)
{
	Datum		value = response_form(&server->env, h);
	struct varlena *bytes = (struct varlena *) DatumGetPointer(value);
	bool		is_empty = h->num_messages + h->num_visits == 0;

	if ((is_empty && h->first != RESPONSE_END_MINUTE) ||
		!response_is_canonical(&server->env, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("malformed response_hours literal: first and count are about what is older than the latest %d messages and %d visits",
						RESPONSE_MESSAGES, RESPONSE_VISITS)));
	return value;
}

PG_FUNCTION_INFO_V1(personalize_response_hours_in);
Datum
personalize_response_hours_in(PG_FUNCTION_ARGS)
{
	Parser		p = {PG_GETARG_CSTRING(0), PG_GETARG_CSTRING(0)};
	ServerEnv	server;
	ResponseHours h;
	uint64		count = 0;

	server_env_init(&server, CurrentMemoryContext);
	response_init(&h);
	if (!accept_word(&p, "{"))
		expected(&p, "\"{\"");
	if (!accept_word(&p, "}"))
	{
		do
		{
			CHECK_FOR_INTERRUPTS();
			parse_item(&p, &server.env, &h, &count);
		} while (accept_word(&p, ","));
		if (!accept_word(&p, "}"))
			expected(&p, "\",\" or \"}\"");
	}
	skip_space(&p);
	if (*p.at != '\0')
		expected(&p, "nothing more");
	if (count > 0)
		h.count = count;
	PG_RETURN_DATUM(form_checked(&server, &h));
}

/* --- binary ----------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(personalize_response_hours_recv);
Datum
personalize_response_hours_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			size = in->len - in->cursor;
	const char *bytes = pq_getmsgbytes(in, size);
	ServerEnv	server;
	bytea	   *result;

	server_env_init(&server, CurrentMemoryContext);
	if (!response_is_canonical(&server.env, bytes, size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed binary response_hours"),
				 errdetail("It has %d bytes and starts with version %d; known is version %d.",
						   size, size > 0 ? (unsigned char) bytes[0] : 0, RESPONSE_VERSION)));
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	PG_RETURN_BYTEA_P(result);
}

/* The bytes are defined one by one, the same on every machine: they are the message. */
PG_FUNCTION_INFO_V1(personalize_response_hours_send);
Datum
personalize_response_hours_send(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
