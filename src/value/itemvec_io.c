/*
 * itemvec_io.c
 *		Text and binary forms of sparse vectors.
 */
#include "value/itemvec.h"

#include <math.h>

#include "common/int.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

/* Text, binary and jsonb input all end here, so none lets in what another refuses. */
void
itemvec_input_reserve(ItemvecInput *input, uint64 capacity)
{
	if (capacity > ITEMVEC_MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("itemvec has too many entries"),
				 errdetail("The limit is " UINT64_FORMAT ".", ITEMVEC_MAX_ITEMS)));
	input->n = 0;
	input->capacity = Max(capacity, 8);
	input->entries = palloc(sizeof(ItemWeight) * input->capacity);
}

/*
 * Doubles its room without ever asking for more than the limit, so that the error
 * comes from the entry that is too many and not from palloc.
 */
void
itemvec_input_add(ItemvecInput *input, int64 item, double weight)
{
	if (!isfinite(weight))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("weight of item " INT64_FORMAT " must be a finite number, not %s",
						item, isnan(weight) ? "NaN" : weight > 0 ? "Infinity" : "-Infinity")));
	if (input->n == input->capacity)
	{
		ItemvecInput grown;

		itemvec_input_reserve(&grown, input->n == ITEMVEC_MAX_ITEMS ? input->n + 1 :
							  Min(input->n * 2, ITEMVEC_MAX_ITEMS));
		memcpy(grown.entries, input->entries, sizeof(ItemWeight) * input->n);
		grown.n = input->n;
		pfree(input->entries);
		*input = grown;
	}
	input->entries[input->n++] = (ItemWeight) {item, weight};
}

/*
 * Duplicates are refused here and not added up: in a written vector they are a
 * mistake more often than a sum.  Sorting comes first, because input is allowed
 * in any order and only neighbors need a look then.
 */
Datum
itemvec_input_form(ItemvecInput *input)
{
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	itemvec_sort(&server.env, input->entries, input->n);
	for (uint64 i = 1; i < input->n; i++)
		if (input->entries[i].item == input->entries[i - 1].item)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("item " INT64_FORMAT " appears more than once in itemvec",
							input->entries[i].item),
					 errdetail("It has weights %g and %g.",
							   input->entries[i - 1].weight, input->entries[i].weight),
					 errhint("The aggregate itemvec(item, weight) adds up the weights of an item.")));
	return itemvec_form(input->entries, input->n);
}

/* The scanner's white space, whatever the locale says. */
static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n\r\v\f");
}

/*
 * The server's own parser would take white space and, since 16, other bases and
 * underscores: the same text has to mean the same on every version.
 */
const char *
itemvec_parse_item(const char *p, int64 *item, bool *overflow)
{
	bool		negative = *p == '-';
	const char *digits = p + (*p == '-' || *p == '+');
	const char *at = digits;

	*item = 0;
	*overflow = false;
	/* Counts downwards, because the least bigint has no positive counterpart. */
	for (; *at >= '0' && *at <= '9'; at++)
		if (pg_mul_s64_overflow(*item, 10, item) || pg_sub_s64_overflow(*item, *at - '0', item))
			*overflow = true;
	if (!negative && pg_sub_s64_overflow(0, *item, item))
		*overflow = true;
	return at == digits ? p : at;
}

/* In characters, as a person counts, not in bytes. */
static int
place_of(const char *text, const char *at)
{
	return pg_mbstrlen_with_len(text, at - text) + 1;
}

/* Shows a piece only of what was found: the literal may be megabytes long. */
static void
expected(const char *what, const char *text, const char *at)
{
	int			shown = pg_mbcliplen(at, strlen(at), 20);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed itemvec literal: expected %s at character %d", what, place_of(text, at)),
			 *at == '\0' ? errdetail("The literal ends there.") :
			 errdetail("Found there: \"%.*s\".", shown, at),
			 errhint("An itemvec is written like {42:1.5,43:2}.")));
}

static const char *
expect(char c, const char *text, const char *p)
{
	const char	what[] = {'"', c, '"', '\0'};

	p = skip_space(p);
	if (*p != c)
		expected(what, text, p);
	return p + 1;
}

/* strtod takes what a float8 literal may be, and the backend's numeric locale is always C. */
static const char *
parse_weight(const char *text, const char *p, int64 item, double *weight)
{
	char	   *end;

	errno = 0;
	*weight = strtod(p, &end);
	if (end == p)
		expected("a weight", text, p);
	/* The smallest doubles are reported as ERANGE too, but are there. */
	if (errno == ERANGE && (*weight == 0 || isinf(*weight)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("weight of item " INT64_FORMAT " is out of range for type double precision", item),
				 errdetail("It stands at character %d: \"%.*s\".", place_of(text, p),
						   (int) Min(end - p, 40), p)));
	return end;
}

/* Stands behind the white space that follows, where a comma or the brace must be. */
static const char *
parse_entry(const char *text, const char *p, ItemvecInput *input)
{
	const char *start = skip_space(p);
	bool		overflow;
	int64		item;
	double		weight;

	p = itemvec_parse_item(start, &item, &overflow);
	if (p == start)
		expected("an item", text, start);
	if (overflow)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("item \"%.*s\" is out of range for type bigint", (int) Min(p - start, 40), start),
				 errdetail("It stands at character %d.", place_of(text, start))));
	p = expect(':', text, p);
	p = parse_weight(text, skip_space(p), item, &weight);
	itemvec_input_add(input, item, weight);
	return skip_space(p);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_in);
Datum
personalize_itemvec_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *p = skip_space(expect('{', text, text));
	ItemvecInput input;

	itemvec_input_reserve(&input, 0);
	if (*p != '}')
	{
		p = parse_entry(text, p, &input);
		while (*p == ',')
		{
			CHECK_FOR_INTERRUPTS();
			p = parse_entry(text, p + 1, &input);
		}
		if (*p != '}')
			expected("\",\" or \"}\"", text, p);
	}
	p = skip_space(p + 1);
	if (*p != '\0')
		expected("the end", text, p);
	return itemvec_input_form(&input);
}

/*
 * Always the shortest digits that read back as the same number: the type's own
 * output would follow extra_float_digits and could lose some.
 */
PG_FUNCTION_INFO_V1(personalize_itemvec_out);
Datum
personalize_itemvec_out(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	StringInfoData out;
	char		separator = '{';
	char		weight[DOUBLE_SHORTEST_DECIMAL_LEN];

	PG_GETARG_ITEMVEC(0, &a);
	initStringInfo(&out);
	if (a.count == 0)
		appendStringInfoChar(&out, separator);
	while (itemvec_next(&a))
	{
		double_to_shortest_decimal_buf(a.weight, weight);
		appendStringInfo(&out, "%c" INT64_FORMAT ":%s", separator, a.item, weight);
		separator = ',';
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* The wire form has its own version: it stays while the stored form may change. */
#define WIRE_VERSION 1
#define WIRE_ENTRY_SIZE 16

PG_FUNCTION_INFO_V1(personalize_itemvec_recv);
Datum
personalize_itemvec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(in);
	uint32		n = pq_getmsgint(in, 4);
	int			left = in->len - in->cursor;
	ItemvecInput input;

	if (version != WIRE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("itemvec has unknown binary format %d", version),
				 errdetail("Known is format %d.", WIRE_VERSION)));
	/* Before anything is allocated: the count is the sender's word only. */
	if (n != left / WIRE_ENTRY_SIZE || left % WIRE_ENTRY_SIZE != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("itemvec announces %u entries, but %d bytes follow", n, left),
				 errdetail("An entry has %d bytes.", WIRE_ENTRY_SIZE)));
	itemvec_input_reserve(&input, n);
	for (uint32 i = 0; i < n; i++)
	{
		int64		item = pq_getmsgint64(in);

		itemvec_input_add(&input, item, pq_getmsgfloat8(in));
	}
	return itemvec_input_form(&input);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_send);
Datum
personalize_itemvec_send(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	StringInfoData out;

	PG_GETARG_ITEMVEC(0, &a);
	if (a.count > (MaxAllocSize - 64) / WIRE_ENTRY_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("itemvec of " UINT64_FORMAT " items is too large to be sent", a.count)));
	pq_begintypsend(&out);
	/* The size is known, so the buffer does not grow by doubling. */
	enlargeStringInfo(&out, 5 + a.count * WIRE_ENTRY_SIZE);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint32(&out, (uint32) a.count);
	while (itemvec_next(&a))
	{
		pq_sendint64(&out, a.item);
		pq_sendfloat8(&out, a.weight);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}
