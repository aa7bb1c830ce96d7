/*
 * lookalike.c
 *		The type lookalike_model: bytes, text and binary form.
 *
 * Text is seeds/customers and the same of each feature: 10/100 {"category shoes":7/30,"price 2":4/50}
 */
#include "value/lookalike.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "base/module.h"
#include "base/wire.h"

#define WIRE_VERSION 1

void
lookalike_guard_feature(size_t size)
{
	if (size > LOOKALIKE_MOST_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("name of a feature is too long: %zu bytes", size),
				 errdetail("The limit is %d.", LOOKALIKE_MOST_BYTES)));
}

void
lookalike_check_memory(const Lookalike *l)
{
	if (likely(lookalike_memory(l) / 1024 <= (size_t) personalize_matrix_mem))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("lookalike_model needs more memory than personalize.matrix_mem allows"),
			 errdetail("There are %u different features; allowed are %d MB.", l->features.size, personalize_matrix_mem / 1024),
			 errhint("Features are what many customers have in common: a category or a price band, not a product or a day.")));
}

/* ---------------------------------------------------------------- bytes */

/* Codes in the order of their features. */
static uint32 *
sorted_codes(Lookalike *l)
{
	uint32	   *place = keyset_order(l->env, &l->features);
	uint32	   *codes = env_alloc(l->env, l->features.size + UINT64_C(1), sizeof(uint32));

	for (uint32 code = 0; code < l->features.size; code++)
		codes[place[code]] = code;
	env_release(l->env, place);
	return codes;
}

bytea *
lookalike_form(Lookalike *l)
{
	uint32	   *codes = sorted_codes(l);
	Size		room = VARHDRSZ + 1 + 3 * WIRE_MAX_VARINT + l->features.size * (Size) (3 * WIRE_MAX_VARINT) + (l->features.size > 0 ? l->features.start[l->features.size] : 0);
	bytea	   *value;
	unsigned char *p;

	if (room > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("lookalike_model of %u features is too large for a value", l->features.size)));
	value = palloc(room);
	p = (unsigned char *) VARDATA(value);
	*p++ = LOOKALIKE_VERSION;
	p = wire_put_varint(p, l->customers);
	p = wire_put_varint(p, l->seeds);
	p = wire_put_varint(p, l->features.size);
	for (uint32 i = 0; i < l->features.size; i++)
	{
		size_t		size;
		const char *feature = keyset_bytes(&l->features, codes[i], &size);

		p = wire_put_varint(p, size);
		memcpy(p, feature, size);
		p = wire_put_varint(p + size, l->with[codes[i]]);
		p = wire_put_varint(p, l->seeds_with[codes[i]]);
	}
	SET_VARSIZE(value, (char *) p - (char *) value);
	env_release(l->env, codes);
	return value;
}

static void
damaged(void)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("value of type lookalike_model is damaged")));
}

void
lookalike_read(bytea *value, Lookalike *l)
{
	WireReader	r = wire_reader(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	const unsigned char *version = wire_get_bytes(&r, 1);
	uint64		n;

	if (version == NULL || *version != LOOKALIKE_VERSION)
		damaged();
	l->customers += wire_get_varint(&r);
	l->seeds += wire_get_varint(&r);
	n = wire_get_varint(&r);
	for (uint64 i = 0; i < n; i++)
	{
		size_t		size = wire_get_varint(&r);
		const unsigned char *feature = size > LOOKALIKE_MOST_BYTES ? NULL : wire_get_bytes(&r, size);
		uint64		with = wire_get_varint(&r);
		uint64		seeds_with = wire_get_varint(&r);

		if (r.bad || feature == NULL)
			damaged();
		lookalike_add_counts(l, feature, size, with, seeds_with);
	}
	if (r.bad || wire_left(&r) != 0 || !lookalike_is_sound(l))
		damaged();
}

/* ---------------------------------------------------------------- text */

static void
malformed(const char *text, const char *what, const char *at)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed lookalike_model literal: expected %s at byte %d", what, (int) (at - text) + 1),
			 errhint("A lookalike_model is written like: 10/100 {\"category shoes\":7/30,\"price 2\":4/50}")));
}

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n\r\v\f");
}

static const char *
parse_counts(const char *text, const char *p, uint64 *seeds, uint64 *customers)
{
	for (int i = 0; i < 2; i++)
	{
		char	   *end;
		uint64		number;

		if (*p < '0' || *p > '9')
			malformed(text, "a count", p);
		errno = 0;
		number = strtoull(p, &end, 10);
		if (errno != 0 || number > LOOKALIKE_MOST_CUSTOMERS)
			malformed(text, "a count of customers", p);
		if (i == 0 && *end != '/')
			malformed(text, "\"/\"", end);
		*(i == 0 ? seeds : customers) = number;
		p = end + (i == 0);
	}
	return p;
}

static const char *
parse_feature(const char *text, const char *p, StringInfo name, Lookalike *l)
{
	uint64		seeds;
	uint64		customers;
	uint32		known = l->features.size;

	if (*p != '"')
		malformed(text, "a feature in double quotes", p);
	resetStringInfo(name);
	for (p++; *p != '"'; p++)
	{
		p += *p == '\\';
		if (*p == '\0')
			malformed(text, "\"\\\"\"", p);
		appendStringInfoChar(name, *p);
	}
	lookalike_guard_feature(name->len);
	p = skip_space(p + 1);
	if (*p != ':')
		malformed(text, "\":\"", p);
	p = parse_counts(text, skip_space(p + 1), &seeds, &customers);
	lookalike_add_counts(l, name->data, name->len, customers, seeds);
	if (l->features.size == known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("malformed lookalike_model literal: feature \"%.80s\" stands there twice", name->data)));
	return skip_space(p);
}

static bytea *
form_checked(Lookalike *l)
{
	if (!lookalike_is_sound(l))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("counts of lookalike_model are none that customers could have"),
				 errdetail("Of all, and of those in the seed and not in it, no more have a feature than there are, and each feature has somebody.")));
	return lookalike_form(l);
}

PG_FUNCTION_INFO_V1(personalize_lookalike_in);
Datum
personalize_lookalike_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	ServerEnv	server;
	Lookalike	l;
	const char *p;
	StringInfoData name;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	initStringInfo(&name);
	p = skip_space(parse_counts(text, skip_space(text), &l.seeds, &l.customers));
	if (*p != '{')
		malformed(text, "\"{\"", p);
	p = skip_space(p + 1);
	if (*p != '}')
	{
		for (p = parse_feature(text, p, &name, &l); *p == ','; p = parse_feature(text, skip_space(p + 1), &name, &l))
			CHECK_FOR_INTERRUPTS();
		if (*p != '}')
			malformed(text, "\",\" or \"}\"", p);
	}
	p = skip_space(p + 1);
	if (*p != '\0')
		malformed(text, "the end", p);
	PG_RETURN_BYTEA_P(form_checked(&l));
}

static void
write_quoted(StringInfo out, const char *bytes, size_t size)
{
	appendStringInfoChar(out, '"');
	for (size_t i = 0; i < size; i++)
	{
		if (bytes[i] == '"' || bytes[i] == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, bytes[i]);
	}
	appendStringInfoChar(out, '"');
}

/* Codes of a model that was read from a value ascend with the features. */
PG_FUNCTION_INFO_V1(personalize_lookalike_out);
Datum
personalize_lookalike_out(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Lookalike	l;
	StringInfoData out;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &l);
	initStringInfo(&out);
	appendStringInfo(&out, UINT64_FORMAT "/" UINT64_FORMAT " {", (uint64) l.seeds, (uint64) l.customers);
	for (uint32 code = 0; code < l.features.size; code++)
	{
		size_t		size;
		const char *feature = keyset_bytes(&l.features, code, &size);

		if (code > 0)
			appendStringInfoChar(&out, ',');
		write_quoted(&out, feature, size);
		appendStringInfo(&out, ":" UINT64_FORMAT "/" UINT64_FORMAT, (uint64) l.seeds_with[code], (uint64) l.with[code]);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* ---------------------------------------------------------------- binary */

/* Features travel in the client's encoding. */
PG_FUNCTION_INFO_V1(personalize_lookalike_recv);
Datum
personalize_lookalike_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(in);
	ServerEnv	server;
	Lookalike	l;
	uint32		n;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	l.customers = pq_getmsgint64(in);
	l.seeds = pq_getmsgint64(in);
	n = pq_getmsgint(in, 4);
	/* a feature takes 20 bytes or more, so a count that is a lie is known before anything is allocated */
	if (version != WIRE_VERSION || n > (in->len - in->cursor) / 20)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("lookalike_model has an invalid binary form"),
				 errdetail("Format %d announces %u features, and %d bytes follow.", version, n, in->len - in->cursor)));
	for (uint32 i = 0; i < n; i++)
	{
		int			size = pq_getmsgint(in, 4);
		char	   *feature;
		uint64		with;

		if (size < 0 || size > in->len - in->cursor)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("lookalike_model has an invalid binary form"),
					 errdetail("A feature has %d bytes, and %d follow.", size, in->len - in->cursor)));
		feature = pq_getmsgtext(in, size, &size);
		lookalike_guard_feature(size);
		with = pq_getmsgint64(in);
		lookalike_add_counts(&l, feature, size, with, pq_getmsgint64(in));
		pfree(feature);
	}
	if (l.features.size != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("lookalike_model has an invalid binary form"),
				 errdetail("A feature stands there twice.")));
	PG_RETURN_BYTEA_P(form_checked(&l));
}

PG_FUNCTION_INFO_V1(personalize_lookalike_send);
Datum
personalize_lookalike_send(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Lookalike	l;
	StringInfoData out;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &l);
	pq_begintypsend(&out);
	pq_sendbyte(&out, WIRE_VERSION);
	pq_sendint64(&out, l.customers);
	pq_sendint64(&out, l.seeds);
	pq_sendint32(&out, l.features.size);
	for (uint32 code = 0; code < l.features.size; code++)
	{
		size_t		size;
		const char *feature = keyset_bytes(&l.features, code, &size);

		compat_sendcountedtext(&out, feature, size);
		pq_sendint64(&out, l.with[code]);
		pq_sendint64(&out, l.seeds_with[code]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---------------------------------------------------------------- operators */

PG_FUNCTION_INFO_V1(personalize_lookalike_eq);
Datum
personalize_lookalike_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_PP(0);
	bytea	   *b = PG_GETARG_BYTEA_PP(1);

	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}

PG_FUNCTION_INFO_V1(personalize_lookalike_ne);
Datum
personalize_lookalike_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(personalize_lookalike_eq(fcinfo)));
}

PG_FUNCTION_INFO_V1(personalize_lookalike_merge);
Datum
personalize_lookalike_merge(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Lookalike	l;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &l);
	lookalike_read(PG_GETARG_BYTEA_PP(1), &l);
	PG_RETURN_BYTEA_P(lookalike_form(&l));
}
