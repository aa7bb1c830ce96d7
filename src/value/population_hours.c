/*
 * population_hours.c
 *		The type population_hours, its aggregates, and the fit of a response_model to the same rows.
 *
 * A fit also keeps some customers, those whose values have the least hashes, and chooses the weight of visits by them: which they are depends on no
 * order, and merges.
 */
#include "value/response_model.h"

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/clock.h"
#include "base/guards.h"
#include "kernel/send_time.h"

#define SAMPLED_CUSTOMERS 10000
#define MIN_HALF_LIFE RESPONSE_DAY

typedef struct Sampled
{
	uint64		hash;
	struct varlena *value;
} Sampled;

typedef struct PopulationState
{
	ServerEnv	server;
	ResponseCounts counts;
	ResponseHours scratch;		/* of the row that is read */
	int32		as_of;			/* the latest of all rows */
	bool		sampling;
	int			num_sampled;
	Sampled    *sampled;		/* twice as many as are kept */
} PopulationState;

int64
response_half_life(const Interval *half_life)
{
	double		minutes;

	if (half_life == NULL)
		return 0;
	minutes = (half_life->month * 30.0 + half_life->day) * RESPONSE_DAY + half_life->time / (double) USECS_PER_MINUTE;
	if (!(minutes >= MIN_HALF_LIFE && minutes <= RESPONSE_MAX_HALF_LIFE))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("half_life must be between a day and a hundred years"),
				 errhint("Without any, nothing fades.")));
	return (int64) minutes;
}

/* ---------------------------------------------------------------- states */

static PopulationState *
state_new(MemoryContext context, int64 half_life, bool sampling)
{
	PopulationState *s = MemoryContextAllocZero(context, sizeof(PopulationState));

	server_env_init(&s->server, context);
	response_counts_init(&s->counts, half_life);
	response_init(&s->scratch);
	s->as_of = PG_INT32_MIN;
	s->sampling = sampling;
	if (sampling)
		s->sampled = MemoryContextAlloc(context, 2 * SAMPLED_CUSTOMERS * sizeof(Sampled));
	return s;
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* What faded differently would be added as if it had not. */
static void
check_half_lives(int64 a, int64 b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half-lives differ"),
				 errdetail("They are %g and %g days.", a / (double) RESPONSE_DAY, b / (double) RESPONSE_DAY),
				 errhint("Counters that fade differently cannot be added.")));
}

static void
merge_counts(Env *env, ResponseCounts *counts, const ResponseCounts *other)
{
	check_half_lives(counts->decay.half_life, other->decay.half_life);
	if (!response_counts_merge(env, counts, other))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("too many messages for one population_hours")));
}

/* ---------------------------------------------------------------- the sample */

static int
sampled_order(const void *a, const void *b)
{
	const Sampled *x = a;
	const Sampled *y = b;
	int			sizes = (VARSIZE(x->value) > VARSIZE(y->value)) - (VARSIZE(x->value) < VARSIZE(y->value));

	if (x->hash != y->hash)
		return x->hash > y->hash ? 1 : -1;
	return sizes != 0 ? sizes : memcmp(VARDATA(x->value), VARDATA(y->value), VARSIZE(x->value) - VARHDRSZ);
}

/* Equal values are as good as each other, so ties of the hash are broken by the bytes. */
static void
cut_sample(PopulationState *s)
{
	qsort(s->sampled, s->num_sampled, sizeof(Sampled), sampled_order);
	for (; s->num_sampled > SAMPLED_CUSTOMERS; s->num_sampled--)
		pfree(s->sampled[s->num_sampled - 1].value);
}

static void
sample(PopulationState *s, const struct varlena *value)
{
	size_t		size = VARSIZE_ANY_EXHDR(value);
	Sampled    *place = &s->sampled[s->num_sampled];
	uint64		hash = send_time_hash(VARDATA_ANY(value), size, 0);

	/* after a cut the first ones are in order, and whoever comes after the last of them has no chance */
	if (s->num_sampled >= SAMPLED_CUSTOMERS && hash > s->sampled[SAMPLED_CUSTOMERS - 1].hash)
		return;
	place->hash = hash;
	place->value = MemoryContextAlloc(s->server.context, VARHDRSZ + size);
	SET_VARSIZE(place->value, VARHDRSZ + size);
	memcpy(VARDATA(place->value), VARDATA_ANY(value), size);
	if (++s->num_sampled == SAMPLED_CUSTOMERS || s->num_sampled == 2 * SAMPLED_CUSTOMERS)
		cut_sample(s);
}

/* ---------------------------------------------------------------- rows */

/* (hours [, as_of [, half_life]]) */
static Datum
add_customer(FunctionCallInfo fcinfo, bool sampling)
{
	MemoryContext context = aggregate_context(fcinfo);
	PopulationState *s = PG_ARGISNULL(0) ? NULL : (PopulationState *) PG_GETARG_POINTER(0);
	struct varlena *value;
	int64		half_life = RESPONSE_HALF_LIFE;
	int32		as_of;

	if (PG_ARGISNULL(1))
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	guard_not_null("as_of", PG_NARGS() > 2 && PG_ARGISNULL(2));
	as_of = response_guard_minute("as_of", PG_NARGS() > 2 ? PG_GETARG_TIMESTAMPTZ(2) : clock_now());
	if (PG_NARGS() > 3)
		half_life = response_half_life(PG_ARGISNULL(3) ? NULL : PG_GETARG_INTERVAL_P(3));
	if (s == NULL)
		s = state_new(context, half_life, sampling);
	check_half_lives(s->counts.decay.half_life, half_life);
	value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	/* room is kept from row to row */
	s->scratch.num_messages = s->scratch.num_visits = 0;
	s->scratch.count = 0;
	s->scratch.first = RESPONSE_END_MINUTE;
	response_read(PointerGetDatum(value), &s->server.env, &s->scratch);
	response_counts_add(&s->server.env, &s->counts, &s->scratch, as_of, 1);
	s->as_of = Max(s->as_of, as_of);
	if (sampling)
		sample(s, value);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_add);
Datum
personalize_population_hours_add(PG_FUNCTION_ARGS)
{
	return add_customer(fcinfo, false);
}

PG_FUNCTION_INFO_V1(personalize_fit_response_model_add);
Datum
personalize_fit_response_model_add(PG_FUNCTION_ARGS)
{
	return add_customer(fcinfo, true);
}

/* Values of the type were checked when they came in; these bytes may still be those of a later version. */
static void
decode_checked(Env *env, Datum value, ResponseCounts *counts)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

	if (!response_counts_decode(env, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), counts))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value is no population_hours that this version of personalize can read"),
				 errdetail("Known is version %d.", RESPONSE_COUNTS_VERSION)));
}

static Datum
form(Env *env, const ResponseCounts *counts)
{
	size_t		size;
	unsigned char *bytes = response_counts_encode(env, counts, VARHDRSZ, &size);

	SET_VARSIZE(bytes, size);
	return PointerGetDatum(bytes);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_rollup);
Datum
personalize_population_hours_rollup(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	PopulationState *s = PG_ARGISNULL(0) ? NULL : (PopulationState *) PG_GETARG_POINTER(0);
	ResponseCounts counts;

	if (PG_ARGISNULL(1))
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	if (s == NULL)
		s = state_new(context, 0, false);
	decode_checked(&s->server.env, PG_GETARG_DATUM(1), &counts);
	if (PG_ARGISNULL(0))
		s->counts.decay = counts.decay;
	merge_counts(&s->server.env, &s->counts, &counts);
	response_counts_release(&s->server.env, &counts);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_merge);
Datum
personalize_population_hours_merge(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	PopulationState *s = PG_ARGISNULL(0) ? NULL : (PopulationState *) PG_GETARG_POINTER(0);
	PopulationState *other = PG_ARGISNULL(1) ? NULL : (PopulationState *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	if (s == NULL)
		s = state_new(context, other->counts.decay.half_life, other->sampling);
	merge_counts(&s->server.env, &s->counts, &other->counts);
	s->as_of = Max(s->as_of, other->as_of);
	for (int i = 0; i < other->num_sampled; i++)
		sample(s, other->sampled[i].value);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_serialize);
Datum
personalize_population_hours_serialize(PG_FUNCTION_ARGS)
{
	PopulationState *s = (PopulationState *) PG_GETARG_POINTER(0);
	ServerEnv	server;
	StringInfoData out;
	struct varlena *counts;

	aggregate_context(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	counts = (struct varlena *) DatumGetPointer(form(&server.env, &s->counts));
	pq_begintypsend(&out);
	pq_sendint32(&out, s->as_of);
	pq_sendbyte(&out, s->sampling);
	pq_sendint32(&out, VARSIZE(counts) - VARHDRSZ);
	pq_sendbytes(&out, VARDATA(counts), VARSIZE(counts) - VARHDRSZ);
	if (s->sampling)
		cut_sample(s);
	pq_sendint32(&out, s->num_sampled);
	for (int i = 0; i < s->num_sampled; i++)
	{
		int			size = VARSIZE(s->sampled[i].value) - VARHDRSZ;

		pq_sendint32(&out, size);
		pq_sendbytes(&out, VARDATA(s->sampled[i].value), size);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static struct varlena *
receive_bytes(StringInfo in)
{
	int			size = pq_getmsgint(in, 4);
	struct varlena *bytes = palloc(VARHDRSZ + size);

	SET_VARSIZE(bytes, VARHDRSZ + size);
	pq_copymsgbytes(in, VARDATA(bytes), size);
	return bytes;
}

PG_FUNCTION_INFO_V1(personalize_population_hours_deserialize);
Datum
personalize_population_hours_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
	PopulationState *s;
	int32		as_of;
	bool		sampling;
	int			n;

	aggregate_context(fcinfo);
	in.maxlen = in.len;
	as_of = (int32) pq_getmsgint(&in, 4);
	sampling = pq_getmsgbyte(&in);
	/* only read by the merge that follows, so it may go with the caller's context */
	s = state_new(CurrentMemoryContext, 0, sampling);
	s->as_of = as_of;
	decode_checked(&s->server.env, PointerGetDatum(receive_bytes(&in)), &s->counts);
	n = pq_getmsgint(&in, 4);
	for (int i = 0; i < n; i++)
		sample(s, receive_bytes(&in));
	pq_getmsgend(&in);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_final);
Datum
personalize_population_hours_final(PG_FUNCTION_ARGS)
{
	ServerEnv	server;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	server_env_init(&server, CurrentMemoryContext);
	return form(&server.env, &((PopulationState *) PG_GETARG_POINTER(0))->counts);
}

PG_FUNCTION_INFO_V1(personalize_fit_response_model_final);
Datum
personalize_fit_response_model_final(PG_FUNCTION_ARGS)
{
	PopulationState *s;
	ServerEnv	server;
	ResponseModel *m;
	ResponseHours *customers;

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (PopulationState *) PG_GETARG_POINTER(0);
	server_env_init(&server, CurrentMemoryContext);
	m = palloc(sizeof(ResponseModel));
	response_fit(m, &s->counts, s->as_of);
	cut_sample(s);
	customers = palloc(Max(s->num_sampled, 1) * sizeof(ResponseHours));
	for (int i = 0; i < s->num_sampled; i++)
	{
		response_init(&customers[i]);
		response_read(PointerGetDatum(s->sampled[i].value), &server.env, &customers[i]);
	}
	response_choose_visit_weight(&server.env, m, customers, s->num_sampled, s->as_of);
	return response_model_form(m);
}

/* ---------------------------------------------------------------- functions */

/* response_model(population_hours, as_of): visits get their default weight, as there are no customers to try others on. */
PG_FUNCTION_INFO_V1(personalize_response_model_of_counts);
Datum
personalize_response_model_of_counts(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ResponseCounts counts;
	ResponseModel *m = palloc(sizeof(ResponseModel));

	server_env_init(&server, CurrentMemoryContext);
	decode_checked(&server.env, PG_GETARG_DATUM(0), &counts);
	response_fit(m, &counts, response_guard_minute("as_of", PG_GETARG_TIMESTAMPTZ(1)));
	return response_model_form(m);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_plus);
Datum
personalize_population_hours_plus(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ResponseCounts a;
	ResponseCounts b;

	server_env_init(&server, CurrentMemoryContext);
	decode_checked(&server.env, PG_GETARG_DATUM(0), &a);
	decode_checked(&server.env, PG_GETARG_DATUM(1), &b);
	merge_counts(&server.env, &a, &b);
	return form(&server.env, &a);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_customers);
Datum
personalize_population_hours_customers(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	ResponseCounts counts;

	server_env_init(&server, CurrentMemoryContext);
	decode_checked(&server.env, PG_GETARG_DATUM(0), &counts);
	PG_RETURN_INT64(counts.customers);
}

/* ---------------------------------------------------------------- text and binary */

static Datum
received(const char *bytes, size_t size, int sqlstate)
{
	ServerEnv	server;
	bytea	   *result;

	server_env_init(&server, CurrentMemoryContext);
	if (!response_counts_is_canonical(&server.env, bytes, size))
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("malformed population_hours"),
				 errdetail("It has %zu bytes and starts with version %d; known is version %d.",
						   size, size > 0 ? (unsigned char) bytes[0] : 0, RESPONSE_COUNTS_VERSION)));
	result = palloc(VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), bytes, size);
	PG_RETURN_BYTEA_P(result);
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#define SPACE " \t\n\r\v\f"

/* Thousands of counters: as text they are the bytes, two digits each. */
PG_FUNCTION_INFO_V1(personalize_population_hours_in);
Datum
personalize_population_hours_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *p = text + strspn(text, SPACE);
	char	   *bytes = palloc(strlen(text) / 2 + 1);
	size_t		size = 0;

	for (; digit(p[0]) >= 0 && digit(p[1]) >= 0; p += strspn(p, SPACE))
	{
		bytes[size++] = (char) (digit(p[0]) * 16 + digit(p[1]));
		p += 2;
	}
	if (*p != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("malformed population_hours literal: expected two hexadecimal digits at character %d", pg_mbstrlen_with_len(text, p - text) + 1)));
	return received(bytes, size, ERRCODE_INVALID_TEXT_REPRESENTATION);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_out);
Datum
personalize_population_hours_out(PG_FUNCTION_ARGS)
{
	static const char digits[] = "0123456789abcdef";
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	size_t		size = VARSIZE_ANY_EXHDR(value);
	const unsigned char *bytes = (const unsigned char *) VARDATA_ANY(value);
	char	   *text = palloc(2 * size + 1);

	for (size_t i = 0; i < size; i++)
	{
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = '\0';
	PG_RETURN_CSTRING(text);
}

PG_FUNCTION_INFO_V1(personalize_population_hours_recv);
Datum
personalize_population_hours_recv(PG_FUNCTION_ARGS)
{
	StringInfo	in = (StringInfo) PG_GETARG_POINTER(0);
	int			size = in->len - in->cursor;

	return received(pq_getmsgbytes(in, size), size, ERRCODE_INVALID_BINARY_REPRESENTATION);
}
