/*
 * segment_read.c
 *		Segments in queries: in_segment(), segment(), and what the functions of segments are made of.
 *
 * shop.vips() is the face without those who have left since the last refresh, and those who have entered: an inlined UNION ALL, in which the planner sees
 * the table and its index.
 */
#include "base/compat.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/guards.h"
#include "serve/segment_stored.h"
#include "serve/segment_state.h"

/* --- one customer ----------------------------------------------------------- */

/* The argument as a key of the segment; false where no key can be this number. */
static inline bool
get_key(const SegmentCall *call, Datum argument, Datum *key)
{
	*key = argument;
	return call->given == call->key_type || key_argument(call->key_type, call->type, argument, "customer", key);
}

PG_FUNCTION_INFO_V1(personalize_in_segment);
Datum
personalize_in_segment(PG_FUNCTION_ARGS)
{
	SegmentCall *call = segment_call(fcinfo, PG_GETARG_OID(0));
	Datum		key;

	/* of any width, as a number that is out of range is just in no set */
	if (call->given != 0 && key_is_number(call->given) && key_is_number(call->key_type))
		PG_RETURN_BOOL(segment_state_has_number(call->state, key_number(call->given, PG_GETARG_DATUM(1))));
	PG_RETURN_BOOL(get_key(call, PG_GETARG_DATUM(1), &key) && segment_state_has(call->state, key));
}

PG_FUNCTION_INFO_V1(personalize_segment_stands);
Datum
personalize_segment_stands(PG_FUNCTION_ARGS)
{
	SegmentCall *call = segment_call_by_id(fcinfo, PG_GETARG_INT32(0));
	Datum		key;

	PG_RETURN_BOOL(get_key(call, PG_GETARG_DATUM(1), &key) && segment_state_stands(call->state, key));
}

/* --- sets of rows ----------------------------------------------------------- */

/* Keys of the segment, as the type that was asked for, perhaps a domain. */
typedef struct MemberSink
{
	ReturnSetInfo *result;
	SegmentState *state;
	KeyType		type;
	KeyType		as;
	Oid			domain;			/* InvalidOid: none */
	void	   *domain_cache;
} MemberSink;

static void
sink_begin(MemberSink *sink, FunctionCallInfo fcinfo, SegmentState *state)
{
	const SegmentDef *def = segment_state_def(state);
	Oid			wanted;

	compat_materialize_scalar(fcinfo);
	*sink = (MemberSink) {(ReturnSetInfo *) fcinfo->resultinfo, state, def->key_type};
	wanted = TupleDescAttr(sink->result->setDesc, 0)->atttypid;
	sink->as = key_type_find(wanted);
	sink->domain = getBaseType(wanted) == wanted ? InvalidOid : wanted;
	if (sink->as != sink->type && (sink->as == 0 || !key_is_number(sink->as) || !key_is_number(sink->type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("customers of segment %s are of type %s, not %s", registry_name(def->relation), key_type_name(sink->type), format_type_be(wanted)),
				 errhint("Call personalize.segment('%s', NULL::%s).", registry_name(def->relation), key_type_name(sink->type))));
}

static void
put_datum(MemberSink *sink, Datum value)
{
	bool		isnull = false;

	if (OidIsValid(sink->domain))
		domain_check(value, false, sink->domain, &sink->domain_cache, CurrentMemoryContext);
	tuplestore_putvalues(sink->result->setResult, sink->result->setDesc, &value, &isnull);
}

static void
put_number(MemberSink *sink, int64 number)
{
	if (!key_number_fits(sink->as, number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("customer " INT64_FORMAT " is out of range for type %s", number, key_type_name(sink->as))));
	put_datum(sink, sink->as == KEY_INT8 ? Int64GetDatum(number) :
			  sink->as == KEY_INT4 ? Int32GetDatum((int32) number) : Int16GetDatum((int16) number));
}

static void
put_key(MemberSink *sink, Datum key)
{
	if (key_is_number(sink->type))
		put_number(sink, key_number(sink->type, key));
	else
		put_datum(sink, key);
}

static void
put_set(MemberSink *sink, OrdinalSet *set)
{
	OrdinalSetCursor cursor;
	OrdinalWalk walk;
	int64_t		number;

	ordinal_walk_begin(&walk, ordinal_set_open(&cursor, set));
	while (ordinal_walk_next(&walk, &number))
	{
		CHECK_FOR_INTERRUPTS();
		put_number(sink, number);
	}
}

static bool
put_if_stands(void *arg, Datum key)
{
	MemberSink *sink = arg;

	if (segment_state_stands(sink->state, key))
		put_key(sink, key);
	return true;
}

static void
put_entered(MemberSink *sink)
{
	int			n;
	const SegmentCorrection *corrections = segment_state_corrections(sink->state, &n);

	for (int i = 0; i < n; i++)
		if (corrections[i].member && !segment_state_was(sink->state, corrections[i].key))
			put_key(sink, corrections[i].key);
}

PG_FUNCTION_INFO_V1(personalize_segment_entered);
Datum
personalize_segment_entered(PG_FUNCTION_ARGS)
{
	MemberSink	sink;

	guard_not_null("segment", PG_ARGISNULL(0));
	sink_begin(&sink, fcinfo, segment_call_by_id(fcinfo, PG_GETARG_INT32(0))->state);
	put_entered(&sink);
	return (Datum) 0;
}

/* segment(segment [, key_type]) */
PG_FUNCTION_INFO_V1(personalize_segment);
Datum
personalize_segment(PG_FUNCTION_ARGS)
{
	MemberSink	sink;
	OrdinalSet *set;

	guard_not_null("segment", PG_ARGISNULL(0));
	sink_begin(&sink, fcinfo, segment_call(fcinfo, PG_GETARG_OID(0))->state);
	set = segment_state_set(sink.state);
	if (set != NULL)
		put_set(&sink, set);
	else
	{
		segment_stored_members(segment_state_def(sink.state), put_if_stands, &sink);
		put_entered(&sink);
	}
	return (Datum) 0;
}
