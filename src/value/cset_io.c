/*
 * cset_io.c
 *		Text and binary form of csets: {1,5,9-12}.
 */
#include "value/cset.h"

#include <errno.h>

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

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
			 errmsg("malformed cset literal: expected %s at character %d", what, pg_mbstrlen_with_len(text, at - text) + 1),
			 *at == '\0' ? errdetail("The literal ends there.") :
			 errdetail("Found there: \"%.*s\".", shown, at),
			 errhint("A cset is written like {1,5,9-12}.")));
}

static const char *
parse_ordinal(const char *text, const char *p, int64 *ordinal)
{
	const char *digits = *p == '-' ? p + 1 : p;
	char	   *end;
	long long	value;

	if (*digits < '0' || *digits > '9')
		expected("a number", text, p);
	errno = 0;
	value = strtoll(p, &end, 10);
	if (errno != 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("member of a cset is out of range for type bigint: \"%.*s\"", (int) Min(end - p, 40), p)));
	*ordinal = value;
	return end;
}

/* So many customers nobody has; a range is a few bytes of text, and takes some for every chunk. */
#define MAX_RANGE (INT64CONST(1) << 35)

static void
add_range(OrdinalSet *set, const char *text, const char *at, int64 first, int64 last)
{
	if (first > last)
		expected("a range whose end is not before its start", text, at);
	if ((uint64) last - (uint64) first >= MAX_RANGE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("range of a cset is too large: " INT64_FORMAT "-" INT64_FORMAT, first, last),
				 errdetail("The limit is " INT64_FORMAT " numbers.", MAX_RANGE)));
	ordinal_set_add_range(set, first, last);
}

static const char *
parse_member(const char *text, const char *p, OrdinalSet *set)
{
	const char *start = skip_space(p);
	int64		first;
	int64		last;

	CHECK_FOR_INTERRUPTS();
	p = parse_ordinal(text, start, &first);
	if (*p == '-')
	{
		p = parse_ordinal(text, p + 1, &last);
		add_range(set, text, start, first, last);
	}
	else
		ordinal_set_add(set, first);
	cset_guard_memory(set);
	p = skip_space(p);
	if (*p != ',' && *p != '}')
		expected("\",\", \"-\" or \"}\"", text, p);
	return p;
}

PG_FUNCTION_INFO_V1(personalize_cset_in);
Datum
personalize_cset_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *p = skip_space(text);
	ServerEnv	server;
	OrdinalSet *set;
	OrdinalSetCursor cursor;

	server_env_init(&server, CurrentMemoryContext);
	set = ordinal_set_create(&server.env);
	if (*p != '{')
		expected("\"{\"", text, p);
	p = skip_space(p + 1);
	if (*p != '}')
		for (p = parse_member(text, p, set); *p == ','; p = parse_member(text, p + 1, set))
			;
	p = skip_space(p + 1);
	if (*p != '\0')
		expected("nothing more", text, p);
	PG_RETURN_DATUM(cset_form(&server.env, ordinal_set_open(&cursor, set)));
}

/* --- output ----------------------------------------------------------------- */

/* Three numbers in a row make a range; two are shorter as they are. */
static void
print_run(StringInfo out, int64 first, int64 last)
{
	CHECK_FOR_INTERRUPTS();
	if (out->len > 1)
		appendStringInfoChar(out, ',');
	appendStringInfo(out, INT64_FORMAT, first);
	if (first < last)
		appendStringInfo(out, "%c" INT64_FORMAT, (uint64) last - (uint64) first > 1 ? '-' : ',', last);
}

/* Runs end with their chunk, and are put together where the next goes on. */
PG_FUNCTION_INFO_V1(personalize_cset_out);
Datum
personalize_cset_out(PG_FUNCTION_ARGS)
{
	OrdinalBytes bytes;
	OrdinalWalk walk;
	StringInfoData out;
	int64		first;
	int64		last;
	int64		next;
	int64		next_last;

	ordinal_walk_begin(&walk, cset_open(PG_GETARG_DATUM(0), &bytes));
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	if (ordinal_walk_run(&walk, &first, &last))
	{
		for (; ordinal_walk_run(&walk, &next, &next_last); last = next_last)
			if ((uint64) next - (uint64) last != 1)
			{
				print_run(&out, first, last);
				first = next;
			}
		print_run(&out, first, last);
	}
	cset_guard(&bytes.cursor);
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* The bytes are defined one by one, the same on every machine: they are the message. */
PG_FUNCTION_INFO_V1(personalize_cset_recv);
Datum
personalize_cset_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			size = in->len - in->cursor;
	const char *bytes = pq_getmsgbytes(in, size);
	bytea	   *result;

	if (!ordinal_is_canonical(bytes, size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed binary cset"),
				 errdetail("It has %d bytes and starts with version %d; known is version %d.",
						   size, size > 0 ? (unsigned char) bytes[0] : 0, ORDINAL_VERSION)));
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(personalize_cset_send);
Datum
personalize_cset_send(PG_FUNCTION_ARGS)
{
	struct varlena *bytes = PG_GETARG_VARLENA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
