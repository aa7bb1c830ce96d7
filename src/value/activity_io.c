/*
 * activity_io.c
 *		Text and binary forms of activities.
 *
 *		{cart: 2026-01-05T10:00:00Z, purchase: 2026-01-05T10:20:00Z=19.99 2025-01-01*3=5 first 2024-12-31T08:00:00Z}
 */
#include "value/activity.h"

#include <ctype.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/datetime.h"

/* --- times and amounts ------------------------------------------------------ */

static void
print_day(StringInfo out, int64 days)
{
	int			year;
	int			month;
	int			day;

	j2date((int) (days + POSTGRES_EPOCH_JDATE), &year, &month, &day);
	appendStringInfo(out, "%04d-%02d-%02d", year, month, day);
}

static int64
floor_days(TimestampTz at)
{
	return at / USECS_PER_DAY - (at % USECS_PER_DAY < 0);
}

void
activity_print_time(StringInfo out, TimestampTz at)
{
	int64		days = floor_days(at);
	int64		left = at - days * USECS_PER_DAY;
	int			fraction = (int) (left % USECS_PER_SEC);
	int			seconds = (int) (left / USECS_PER_SEC);

	print_day(out, days);
	appendStringInfo(out, "T%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
	if (fraction != 0)
	{
		appendStringInfo(out, ".%06d", fraction);
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
	}
	appendStringInfoChar(out, 'Z');
}

/* Exactly n digits, then `after` unless that is 0. */
static const char *
parse_digits(const char *p, int n, char after, int *value)
{
	*value = 0;
	for (; p != NULL && n > 0; n--)
		if (*p >= '0' && *p <= '9')
			*value = *value * 10 + *p++ - '0';
		else
			return NULL;
	return p == NULL || after == 0 ? p : *p == after ? p + 1 : NULL;
}

static const char *
parse_day(const char *p, int64 *days)
{
	int			year;
	int			month;
	int			day;

	p = parse_digits(p, 4, '-', &year);
	p = parse_digits(p, 2, '-', &month);
	p = parse_digits(p, 2, 0, &day);
	if (p == NULL || year < 1 || month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1])
		return NULL;
	*days = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return p;
}

const char *
activity_parse_time(const char *p, TimestampTz *at, bool *whole_day)
{
	int64		days;
	int			hour;
	int			minute;
	int			second;
	int			digit;
	int			unit = USECS_PER_SEC / 10;

	p = parse_day(p, &days);
	if (p == NULL)
		return NULL;
	*at = days * USECS_PER_DAY;
	*whole_day = *p != 'T';
	if (*whole_day)
		return p;
	p = parse_digits(p + 1, 2, ':', &hour);
	p = parse_digits(p, 2, ':', &minute);
	p = parse_digits(p, 2, 0, &second);
	if (p == NULL || hour > 23 || minute > 59 || second > 59)
		return NULL;
	*at += ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	if (*p == '.')
		for (p++; unit > 0 && (parse_digits(p, 1, 0, &digit) != NULL); p++, unit /= 10)
			*at += digit * unit;
	return *p == 'Z' ? p + 1 : NULL;
}

const char *
activity_parse_amount(const char *p, int64 *amount)
{
	bool		negative = *p == '-';
	int64		units = 0;
	int			places = -1;	/* none until there is a point */
	const char *start;

	p += negative;
	start = p;
	for (; isdigit((unsigned char) *p) || (*p == '.' && places < 0 && p > start); p++)
	{
		if (*p == '.')
			places = 0;
		else if (places >= 4 || units > ACTIVITY_MAX_AMOUNT / 10)
			return NULL;
		else
		{
			units = units * 10 + *p - '0';
			places += places >= 0;
		}
	}
	for (places = Max(places, 0); places < 4; places++)
	{
		if (units > ACTIVITY_MAX_AMOUNT / 10)
			return NULL;
		units *= 10;
	}
	*amount = negative ? -units : units;
	return p > start && p[-1] != '.' && units <= ACTIVITY_MAX_AMOUNT ? p : NULL;
}

/* --- input ------------------------------------------------------------------ */

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n\r\v\f");
}

static void
expected(const char *what, const char *text, const char *at)
{
	int			shown = pg_mbcliplen(at, strlen(at), 20);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed activity literal: expected %s at character %d", what, pg_mbstrlen_with_len(text, at - text) + 1),
			 *at == '\0' ? errdetail("The literal ends there.") :
			 errdetail("Found there: \"%.*s\".", shown, at),
			 errhint("An activity is written like {cart: 2026-01-05T10:00:00Z, purchase: 2026-01-05T10:20:00Z=19.99}.")));
}

/* Plain names stand as they are; all others in double quotes, which are doubled inside. */
static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static const char *
parse_name(const char *text, const char *p, ActivityNames *names, int *kind)
{
	StringInfoData name;
	const char *start = p;

	initStringInfo(&name);
	if (*p == '"')
		for (p++;; p++)
		{
			if (*p == '\0')
				expected("the end of a quoted name", text, p);
			if (*p == '"' && *++p != '"')
				break;
			appendStringInfoChar(&name, *p);
		}
	else
		for (; is_plain(*p); p++)
			appendStringInfoChar(&name, *p);
	if (name.len == 0)
		expected("the name of an event", text, start);
	*kind = activity_guard_name(names, name.data, name.len);
	pfree(name.data);
	return p;
}

/* "*3" behind a day, and nowhere else. */
static const char *
parse_count(const char *text, const char *p, ActivityEvent *event)
{
	char	   *end;
	unsigned long count;

	if (*p != '*' || !isdigit((unsigned char) p[1]))
		expected("\"*\" and a count, as the time is a whole day", text, p);
	errno = 0;
	count = strtoul(p + 1, &end, 10);
	if (errno != 0 || count == 0 || count > ACTIVITY_MAX_EVENTS)
		expected("a count of at most 4294967295", text, p + 1);
	event->count = (uint32) count;
	event->form = ACTIVITY_COMPACT;
	return end;
}

static const char *
parse_event(const char *text, const char *p, int kind, ActivityEvent *event)
{
	const char *start = p;
	bool		whole_day;
	bool		first = strncmp(p, "first ", 6) == 0;

	*event = (ActivityEvent) {0, ACTIVITY_NO_AMOUNT, 1, (uint16) kind, ACTIVITY_EVENT};
	p = activity_parse_time(first ? skip_space(p + 6) : p, &event->time, &whole_day);
	if (p == NULL)
		expected("a time like 2026-01-05T10:00:00Z", text, start);
	if (first && !whole_day)
	{
		event->form = ACTIVITY_FIRST;
		event->amount = event->count = 0;
		return p;
	}
	if (whole_day)
		p = parse_count(text, p, event);
	if (*p == '=')
	{
		start = p + 1;
		p = activity_parse_amount(start, &event->amount);
		if (p == NULL)
			expected("an amount with up to four decimal places", text, start);
	}
	return p;
}

/* One kind and its events; stands where a comma or the brace must be. */
static const char *
parse_kind(const char *text, const char *p, Env *env, ActivityNames *names, ActivityEvents *events)
{
	ActivityEvent event;
	int			kind;

	p = skip_space(parse_name(text, skip_space(p), names, &kind));
	if (*p != ':')
		expected("\":\"", text, p);
	p = skip_space(p + 1);
	do
	{
		CHECK_FOR_INTERRUPTS();
		p = parse_event(text, p, kind, &event);
		activity_add(env, events, event);
		if (*p != ' ' && *p != ',' && *p != '}')
			expected("a space, \",\" or \"}\"", text, p);
		p = skip_space(p);
	} while (*p != ',' && *p != '}');
	return p;
}

PG_FUNCTION_INFO_V1(personalize_activity_in);
Datum
personalize_activity_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *p = skip_space(text);
	ServerEnv	server;
	ActivityEvents events = {NULL, 0, 0};
	ActivityNames *names;

	server_env_init(&server, CurrentMemoryContext);
	names = activity_names_create(&server.env);
	if (*p != '{')
		expected("\"{\"", text, p);
	p = skip_space(p + 1);
	if (*p != '}')
		for (p = parse_kind(text, p, &server.env, names, &events); *p == ','; p = parse_kind(text, p + 1, &server.env, names, &events))
			;
	if (*p != '}')
		expected("\"}\"", text, p);
	p = skip_space(p + 1);
	if (*p != '\0')
		expected("nothing more", text, p);
	activity_fold_checked(&server.env, &events);
	if (!activity_is_sound(&events))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("malformed activity literal: days stand for what is older than the latest %d events of a kind", ACTIVITY_EXACT),
				 errhint("Write the time of each event.")));
	PG_RETURN_DATUM(activity_form(&server.env, &events, names));
}

/* --- output ----------------------------------------------------------------- */

static void
print_name(StringInfo out, ActivityName name)
{
	bool		plain = true;

	for (uint32 i = 0; i < name.size; i++)
		plain = plain && is_plain(name.bytes[i]);
	if (!plain)
		appendStringInfoChar(out, '"');
	for (uint32 i = 0; i < name.size; i++)
	{
		if (name.bytes[i] == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, name.bytes[i]);
	}
	appendStringInfoString(out, plain ? ":" : "\":");
}

static void
print_event(StringInfo out, const ActivityEvent *event)
{
	char		amount[ACTIVITY_AMOUNT_SIZE];

	appendStringInfoChar(out, ' ');
	if (event->form == ACTIVITY_EVENT)
		activity_print_time(out, event->time);
	else
	{
		print_day(out, floor_days(event->time));
		appendStringInfo(out, "*%u", event->count);
	}
	if (event->amount == ACTIVITY_NO_AMOUNT)
		return;
	activity_print_amount(amount, event->amount);
	appendStringInfo(out, "=%s", amount);
}

static void
print_kind(StringInfo out, ActivityKind *kind)
{
	ActivityEvent event;

	print_name(out, kind->name);
	while (activity_next_event(kind, &event))
		print_event(out, &event);
	if (kind->compact)
	{
		appendStringInfoString(out, " first ");
		activity_print_time(out, kind->first);
	}
	if (kind->in.bad)
		activity_damaged();
}

PG_FUNCTION_INFO_V1(personalize_activity_out);
Datum
personalize_activity_out(PG_FUNCTION_ARGS)
{
	size_t		size;
	const unsigned char *bytes = activity_bytes(PG_GETARG_DATUM(0), &size);
	ActivityReader reader;
	ActivityKind kind;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	activity_open(&reader, bytes, size);
	while (activity_next_kind(&reader, &kind))
	{
		if (out.len > 1)
			appendStringInfoString(&out, ", ");
		print_kind(&out, &kind);
	}
	if (reader.in.bad)
		activity_damaged();
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Names are texts of the database, which bytes from a client may not be. */
static void
verify_names(const void *bytes, size_t size)
{
	ActivityReader reader;
	ActivityKind kind;

	activity_open(&reader, bytes, size);
	while (activity_next_kind(&reader, &kind))
		pg_verify_mbstr(GetDatabaseEncoding(), kind.name.bytes, kind.name.size, false);
}

PG_FUNCTION_INFO_V1(personalize_activity_recv);
Datum
personalize_activity_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			size = in->len - in->cursor;
	const char *bytes = pq_getmsgbytes(in, size);
	ServerEnv	server;
	bytea	   *result;

	server_env_init(&server, CurrentMemoryContext);
	if (!activity_is_canonical(&server.env, bytes, size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed binary activity"),
				 errdetail("It has %d bytes and starts with version %d; known is version %d.",
						   size, size > 0 ? (unsigned char) bytes[0] : 0, ACTIVITY_VERSION)));
	verify_names(bytes, size);
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	PG_RETURN_BYTEA_P(result);
}

/* The bytes are defined one by one, the same on every machine: they are the message. */
PG_FUNCTION_INFO_V1(personalize_activity_send);
Datum
personalize_activity_send(PG_FUNCTION_ARGS)
{
	size_t		size;
	const unsigned char *bytes = activity_bytes(PG_GETARG_DATUM(0), &size);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, (const char *) bytes, size);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
