/*
 * km_io.c
 *		Text and binary forms of Kaplan-Meier estimates: by duration, events, and the censored behind a +.
 *
 *		{9:1, 13:1+1, 28:0+1}
 */
#include "value/km.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

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
			 errmsg("malformed km literal: expected %s at character %d", what, pg_mbstrlen_with_len(text, at - text) + 1),
			 *at == '\0' ? errdetail("The literal ends there.") :
			 errdetail("Found there: \"%.*s\".", shown, at),
			 errhint("A km is written like {9:1, 13:1+1, 28:0+1}: by duration, events, and + censored.")));
}

/* strtod would take hexadecimal numbers, infinities and names, too. */
static const char *
parse_time(const char *text, const char *p, double *time)
{
	size_t		length = strspn(p, "0123456789.eE+-");
	char	   *copy = pnstrdup(p, length);
	char	   *end;

	*time = strtod(copy, &end);
	if (end == copy || *end != '\0' || *p == '-' || *p == '+' || isinf(*time))
		expected("a duration", text, p);
	pfree(copy);
	return p + length;
}

static const char *
parse_count(const char *text, const char *p, int64 *count)
{
	const char *start = p;

	*count = 0;
	for (; *p >= '0' && *p <= '9'; p++)
	{
		if (*count > (SURVIVAL_MAX_COUNT - (*p - '0')) / 10)
			expected("a smaller count", text, start);
		*count = *count * 10 + *p - '0';
	}
	if (p == start)
		expected("a count", text, p);
	return p;
}

static const char *
parse_entry(const char *text, const char *p, Env *env, SurvivalCounts *counts)
{
	const char *start = skip_space(p);
	double		time;
	int64		events;
	int64		censored = 0;

	p = skip_space(parse_time(text, start, &time));
	if (*p != ':')
		expected("\":\"", text, p);
	p = parse_count(text, skip_space(p + 1), &events);
	if (*p == '+')
		p = parse_count(text, p + 1, &censored);
	if (events + censored == 0)
		expected("a duration that was observed", text, start);
	km_add(env, counts, time, events, censored);
	return skip_space(p);
}

/* In any order; a duration that stands twice is added up, as in the aggregate. */
PG_FUNCTION_INFO_V1(personalize_km_in);
Datum
personalize_km_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *p = skip_space(text);
	ServerEnv	server;
	SurvivalCounts counts = {NULL, 0, 0, 0};

	server_env_init(&server, CurrentMemoryContext);
	if (*p != '{')
		expected("\"{\"", text, p);
	p = skip_space(p + 1);
	if (*p != '}')
		for (p = parse_entry(text, p, &server.env, &counts); *p == ','; p = parse_entry(text, p + 1, &server.env, &counts))
			CHECK_FOR_INTERRUPTS();
	if (*p != '}')
		expected("\",\" or \"}\"", text, p);
	p = skip_space(p + 1);
	if (*p != '\0')
		expected("nothing more", text, p);
	PG_RETURN_DATUM(km_form(&server.env, &counts));
}

PG_FUNCTION_INFO_V1(personalize_km_out);
Datum
personalize_km_out(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	uint64		n;
	SurvivalTime *times;
	StringInfoData out;

	server_env_init(&server, CurrentMemoryContext);
	times = km_times(PG_GETARG_DATUM(0), &server.env, &n);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (uint64 i = 0; i < n; i++)
	{
		char		time[DOUBLE_SHORTEST_DECIMAL_LEN];

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		double_to_shortest_decimal_buf(times[i].time, time);
		appendStringInfo(&out, "%s%s:" INT64_FORMAT, i == 0 ? "" : ", ", time, times[i].events);
		if (times[i].censored > 0)
			appendStringInfo(&out, "+" INT64_FORMAT, times[i].censored);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(personalize_km_recv);
Datum
personalize_km_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			size = in->len - in->cursor;
	const char *bytes = pq_getmsgbytes(in, size);
	ServerEnv	server;
	bytea	   *result;

	server_env_init(&server, CurrentMemoryContext);
	if (!survival_is_canonical(&server.env, bytes, size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed binary km"),
				 errdetail("It has %d bytes and starts with version %d; known is version %d.",
						   size, size > 0 ? (unsigned char) bytes[0] : 0, SURVIVAL_VERSION)));
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	PG_RETURN_BYTEA_P(result);
}

/* The bytes are defined one by one, the same on every machine: they are the message. */
PG_FUNCTION_INFO_V1(personalize_km_send);
Datum
personalize_km_send(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
