/*
 * rfm_agg.c
 *		The aggregate rfm_thresholds: quantiles of recency, frequency and monetary value.
 *
 * Quantiles of parts cannot be put together, so the state holds every different value with its number, 16 bytes each, until the end.  Then they are
 * exact, and the same in any order and with any workers.  Days and numbers of orders repeat; what was paid may not, so memory is checked.
 */
#include "value/rfm.h"

#include "libpq/pqformat.h"

#include "base/guards.h"
#include "base/module.h"
#include "base/server_env.h"
#include "base/wire.h"

#define DEFAULT_LEVELS 5

typedef struct RfmState
{
	ServerEnv	server;
	uint32		levels;
	Counted		counted[RFM_SIDES];
} RfmState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static RfmState *
state_new(MemoryContext context, uint32 levels)
{
	RfmState   *state = MemoryContextAllocZero(context, sizeof(RfmState));

	server_env_init(&state->server, context);
	state->levels = levels;
	return state;
}

static void
add(RfmState *s, RfmSide side, int64 value, uint64 count)
{
	uint64		most = (uint64) personalize_matrix_mem * 1024 / RFM_SIDES / sizeof(CountedValue);

	if (!counted_add(&s->server.env, &s->counted[side], value, count, most))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("rfm_thresholds needs more memory than personalize.matrix_mem allows"),
				 errdetail("There are more than " UINT64_FORMAT " different values; allowed are %d MB.", s->counted[side].n, personalize_matrix_mem / 1024),
				 errhint("Round the monetary value, or take a sample of the customers.")));
}

/* Of the first row; the aggregate is one for each group, whatever the other rows say. */
static uint32
levels_argument(FunctionCallInfo fcinfo)
{
	if (PG_NARGS() < 5)
		return DEFAULT_LEVELS;
	guard_not_null("levels", PG_ARGISNULL(4));
	return rfm_levels(PG_GETARG_INT32(4));
}

/* (recency, frequency, monetary [, levels]): who has no order does not count. */
PG_FUNCTION_INFO_V1(personalize_rfm_add);
Datum
personalize_rfm_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	RfmState   *s = PG_ARGISNULL(0) ? NULL : (RfmState *) PG_GETARG_POINTER(0);
	int64		orders;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		orders = 0;
	else
		orders = guard_int_range("frequency", PG_GETARG_INT64(2), 0, PG_INT64_MAX);
	if (orders == 0 && s == NULL)
		PG_RETURN_NULL();
	if (s == NULL)
		s = state_new(context, levels_argument(fcinfo));
	if (orders == 0)
		PG_RETURN_POINTER(s);
	add(s, RFM_RECENCY, -guard_int_range("recency", PG_GETARG_INT32(1), 0, RFM_MOST_DAYS), 1);
	add(s, RFM_FREQUENCY, orders, 1);
	add(s, RFM_MONETARY, rfm_units(PG_GETARG_FLOAT8(3)), 1);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(personalize_rfm_combine);
Datum
personalize_rfm_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	RfmState   *s = PG_ARGISNULL(0) ? NULL : (RfmState *) PG_GETARG_POINTER(0);
	RfmState   *other = PG_ARGISNULL(1) ? NULL : (RfmState *) PG_GETARG_POINTER(1);

	if (s == NULL && other == NULL)
		PG_RETURN_NULL();
	if (s == NULL)
		s = state_new(context, other->levels);
	for (int side = 0; other != NULL && side < RFM_SIDES; side++)
		for (uint64 i = 0; i < other->counted[side].n; i++)
			add(s, side, other->counted[side].values[i].value, other->counted[side].values[i].count);
	PG_RETURN_POINTER(s);
}

/* Values as gaps, as they ascend. */
static void
write_counted(StringInfo out, Counted *c)
{
	int64		before = 0;

	counted_fold(c);
	pq_sendint64(out, c->n);
	for (uint64 i = 0; i < c->n; i++)
	{
		unsigned char bytes[2 * WIRE_MAX_VARINT];
		unsigned char *end = wire_put_varint(bytes, i == 0 ? wire_zigzag(c->values[i].value) : (uint64) c->values[i].value - (uint64) before);

		end = wire_put_varint(end, c->values[i].count);
		pq_sendbytes(out, (char *) bytes, end - bytes);
		before = c->values[i].value;
	}
}

PG_FUNCTION_INFO_V1(personalize_rfm_serialize);
Datum
personalize_rfm_serialize(PG_FUNCTION_ARGS)
{
	RfmState   *s = (RfmState *) PG_GETARG_POINTER(0);
	StringInfoData out;

	aggregate_context(fcinfo);
	pq_begintypsend(&out);
	pq_sendint32(&out, s->levels);
	for (int side = 0; side < RFM_SIDES; side++)
		write_counted(&out, &s->counted[side]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void
read_counted(RfmState *s, RfmSide side, StringInfo in)
{
	uint64		n = pq_getmsgint64(in);
	WireReader	r = wire_reader(in->data + in->cursor, in->len - in->cursor);
	int64		value = 0;

	for (uint64 i = 0; i < n; i++)
	{
		uint64		gap = wire_get_varint(&r);

		value = i == 0 ? wire_unzigzag(gap) : (int64) ((uint64) value + gap);
		add(s, side, value, wire_get_varint(&r));
		if (r.bad)
			elog(ERROR, "state of rfm_thresholds is damaged");
	}
	in->cursor = (const char *) r.at - in->data;
}

PG_FUNCTION_INFO_V1(personalize_rfm_deserialize);
Datum
personalize_rfm_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData in = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
	RfmState   *s;

	aggregate_context(fcinfo);
	in.maxlen = in.len;
	s = state_new(CurrentMemoryContext, pq_getmsgint(&in, 4));
	for (int side = 0; side < RFM_SIDES; side++)
		read_counted(s, side, &in);
	pq_getmsgend(&in);
	PG_RETURN_POINTER(s);
}

/* Folding in place leaves the same multiset, so a window may go on adding. */
PG_FUNCTION_INFO_V1(personalize_rfm_final);
Datum
personalize_rfm_final(PG_FUNCTION_ARGS)
{
	RfmState   *s;
	RfmModel	m = {0};

	aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (RfmState *) PG_GETARG_POINTER(0);
	for (int side = 0; side < RFM_SIDES; side++)
		counted_fold(&s->counted[side]);
	m.levels = s->levels;
	rfm_limits(&m, s->counted);
	PG_RETURN_BYTEA_P(rfm_form(&m));
}
