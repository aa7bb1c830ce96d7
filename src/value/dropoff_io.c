/*
 * dropoff_io.c
 *		Text and binary forms of dropoff and trigger_efficacy: by number of the bin, the four counts.
 *
 *		{0:3/0/0/1, 61:2/1/0/0}
 *		2592000@2026-01-05T10:00:00Z {0:65536/0/0/0} {} {12:131072/0/0/65536}
 *
 * With a half-life its seconds and the latest time stand in front, and the counts of up to three epochs are sums of weights.
 */
#include "value/dropoff.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "value/activity.h"

void
dropoff_read(Datum value, Env *env, DropoffCounts *counts)
{
	bytea	   *bytes = DatumGetByteaPP(value);

	if (!dropoff_decode(env, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), counts))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("counts of page views are damaged")));
}

/* --- input ------------------------------------------------------------------ */

/* What is being read, for messages. */
typedef struct Literal
{
	const char *type;
	const char *text;
} Literal;

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n\r\v\f");
}

static void
expected(const Literal *literal, const char *what, const char *at)
{
	int			shown = pg_mbcliplen(at, strlen(at), 20);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed %s literal: expected %s at character %d", literal->type, what,
					pg_mbstrlen_with_len(literal->text, at - literal->text) + 1),
			 *at == '\0' ? errdetail("The literal ends there.") :
			 errdetail("Found there: \"%.*s\".", shown, at),
			 errhint("It is written like {0:3/0/0/1, 61:2/1/0/0}: by number of the bin, the four counts.")));
}

static const char *
parse_number(const Literal *literal, const char *p, int64 most, int64 *number)
{
	const char *start = p;

	*number = 0;
	for (; *p >= '0' && *p <= '9'; p++)
	{
		if (*number > (most - (*p - '0')) / 10)
			expected(literal, "a smaller number", start);
		*number = *number * 10 + *p - '0';
	}
	if (p == start)
		expected(literal, "a number", p);
	return p;
}

/* Bins ascend, as nothing would come of a bin that stands twice. */
static const char *
parse_bin(const Literal *literal, const char *p, Env *env, DropoffCounts *counts, int epoch, int64 *last)
{
	const char *start = p;
	int64		bin;
	int64		cell[DROPOFF_KINDS];

	p = skip_space(parse_number(literal, p, DROPOFF_BINS - 1, &bin));
	if (bin <= *last)
		expected(literal, "a later bin", start);
	*last = bin;
	if (*p != ':')
		expected(literal, "\":\"", p);
	p = skip_space(p + 1);
	for (int kind = 0; kind < DROPOFF_KINDS; kind++)
	{
		if (kind > 0 && *p++ != '/')
			expected(literal, "\"/\"", p - 1);
		p = parse_number(literal, p, PG_INT64_MAX, &cell[kind]);
	}
	if (!dropoff_set(env, counts, epoch, (int) bin, cell))
		expected(literal, "a bin with views", start);
	return skip_space(p);
}

static const char *
parse_epoch(const Literal *literal, const char *p, Env *env, DropoffCounts *counts, int epoch)
{
	int64		last = -1;

	if (*p != '{' || epoch == DROPOFF_EPOCHS || (epoch > 0 && counts->decay.half_life == 0))
		expected(literal, epoch == 0 ? "\"{\"" : "nothing more", p);
	p = skip_space(p + 1);
	if (*p != '}')
		for (p = parse_bin(literal, p, env, counts, epoch, &last); *p == ','; p = parse_bin(literal, skip_space(p + 1), env, counts, epoch, &last))
			CHECK_FOR_INTERRUPTS();
	if (*p != '}')
		expected(literal, "\",\" or \"}\"", p);
	return skip_space(p + 1);
}

static const char *
parse_decay(const Literal *literal, const char *p, DropoffCounts *counts)
{
	const char *start;
	bool		whole_day;

	p = parse_number(literal, p, DROPOFF_MAX_HALF_LIFE / DROPOFF_SECOND, &counts->decay.half_life);
	counts->decay.half_life *= DROPOFF_SECOND;
	if (*p != '@')
		expected(literal, "\"@\"", p);
	start = p + 1;
	p = activity_parse_time(start, &counts->latest, &whole_day);
	if (p == NULL || whole_day)
		expected(literal, "a time like 2026-01-05T10:00:00Z", start);
	return skip_space(p);
}

static Datum
input(const char *text, const char *type, bool may_decay)
{
	Literal		literal = {type, text};
	const char *p = skip_space(text);
	ServerEnv	server;
	DropoffCounts counts = {{0}};
	int			epoch = 0;

	server_env_init(&server, CurrentMemoryContext);
	if (may_decay && *p >= '0' && *p <= '9')
		p = parse_decay(&literal, p, &counts);
	do
		p = parse_epoch(&literal, p, &server.env, &counts, epoch++);
	while (*p != '\0');
	if (!dropoff_is_sound(&counts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("malformed %s literal: nothing with this half-life can be so", type),
				 errdetail("A half-life is from one hour to a hundred years, and the latest view is in the first epoch.")));
	return dropoff_form(&server.env, &counts);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_in);
Datum
personalize_dropoff_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(input(PG_GETARG_CSTRING(0), "dropoff", true));
}

PG_FUNCTION_INFO_V1(personalize_trigger_efficacy_in);
Datum
personalize_trigger_efficacy_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(input(PG_GETARG_CSTRING(0), "trigger_efficacy", false));
}

/* --- output ----------------------------------------------------------------- */

static void
print_epoch(StringInfo out, const DropoffCells *cells)
{
	bool		first = true;

	appendStringInfoChar(out, '{');
	for (int bin = 0; cells != NULL && bin < DROPOFF_BINS; bin++)
	{
		const int64_t *cell = (*cells)[bin];

		if ((cell[0] | cell[1] | cell[2] | cell[3]) == 0)
			continue;
		appendStringInfo(out, "%s%d:" INT64_FORMAT "/" INT64_FORMAT "/" INT64_FORMAT "/" INT64_FORMAT, first ? "" : ", ", bin,
						 (int64) cell[0], (int64) cell[1], (int64) cell[2], (int64) cell[3]);
		first = false;
	}
	appendStringInfoChar(out, '}');
}

PG_FUNCTION_INFO_V1(personalize_dropoff_out);
Datum
personalize_dropoff_out(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	DropoffCounts counts;
	StringInfoData out;
	int			epochs = DROPOFF_EPOCHS;

	server_env_init(&server, CurrentMemoryContext);
	dropoff_read(PG_GETARG_DATUM(0), &server.env, &counts);
	initStringInfo(&out);
	if (counts.decay.half_life != 0)
	{
		appendStringInfo(&out, INT64_FORMAT "@", (int64) (counts.decay.half_life / DROPOFF_SECOND));
		activity_print_time(&out, counts.latest);
		appendStringInfoChar(&out, ' ');
	}
	while (epochs > 1 && counts.epoch[epochs - 1] == NULL)
		epochs--;
	for (int i = 0; i < epochs; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ' ');
		print_epoch(&out, counts.epoch[i]);
	}
	PG_RETURN_CSTRING(out.data);
}

/* --- binary ----------------------------------------------------------------- */

static Datum
receive(StringInfo in, const char *type, bool may_decay)
{
	int			size = in->len - in->cursor;
	const char *bytes = pq_getmsgbytes(in, size);
	ServerEnv	server;
	bytea	   *result;

	server_env_init(&server, CurrentMemoryContext);
	/* a half-life of 0 is one byte that says so */
	if (!dropoff_is_canonical(&server.env, bytes, size) || (!may_decay && bytes[1] != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("malformed binary %s", type),
				 errdetail("It has %d bytes and starts with version %d; known is version %d.",
						   size, size > 0 ? (unsigned char) bytes[0] : 0, DROPOFF_VERSION)));
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	return PointerGetDatum(result);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_recv);
Datum
personalize_dropoff_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(receive((StringInfo) PG_GETARG_POINTER(0), "dropoff", true));
}

PG_FUNCTION_INFO_V1(personalize_trigger_efficacy_recv);
Datum
personalize_trigger_efficacy_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(receive((StringInfo) PG_GETARG_POINTER(0), "trigger_efficacy", false));
}

/* The bytes are defined one by one, the same on every machine: they are the message. */
PG_FUNCTION_INFO_V1(personalize_dropoff_send);
Datum
personalize_dropoff_send(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbytes(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Equal views have equal bytes. */
PG_FUNCTION_INFO_V1(personalize_dropoff_eq);
Datum
personalize_dropoff_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_PP(0);
	bytea	   *b = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_dropoff_ne);
Datum
personalize_dropoff_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_dropoff_eq(fcinfo)));
}
