/*
 * segment_sets.c
 *		Segments as sets: segment_set(), segment_overlap().
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "serve/segment_state.h"
#include "value/cset.h"

/* A matrix has a row for each pair. */
#define MAX_SEGMENTS 1000

PG_FUNCTION_INFO_V1(personalize_segment_set);
Datum
personalize_segment_set(PG_FUNCTION_ARGS)
{
	SegmentCall *call = segment_call(fcinfo, PG_GETARG_OID(0));
	OrdinalSetCursor cursor;
	ServerEnv	server;

	server_env_init(&server, CurrentMemoryContext);
	return cset_form(&server.env, ordinal_set_open(&cursor, segment_state_ordinals(call->state)));
}

/* --- overlap ---------------------------------------------------------------- */

typedef struct Overlap
{
	SegmentState *state[MAX_SEGMENTS];
	OrdinalSet *set[MAX_SEGMENTS];
	int			n;
	ReturnSetInfo *result;
} Overlap;

/* Ordinals of other customers mean something else. */
static void
guard_same_customers(const Overlap *overlap, int at)
{
	const ActivityTableDef *first = segment_state_activity(overlap->state[0]);
	const ActivityTableDef *other = segment_state_activity(overlap->state[at]);

	if (first->id == other->id || (first->customers == other->customers && key_is_number(first->key_type) && strcmp(first->key, other->key) == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("segments %s and %s are not of the same customers", registry_name(segment_state_def(overlap->state[0])->relation),
					registry_name(segment_state_def(overlap->state[at])->relation))));
}

static void
open_segments(Overlap *overlap, ArrayType *segments)
{
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(segments, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &elements, &nulls, &overlap->n);
	if (overlap->n > MAX_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many segments"),
				 errdetail("There are %d, and the limit is %d.", overlap->n, MAX_SEGMENTS)));
	for (int i = 0; i < overlap->n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("segments must not hold NULL")));
		segment_require_select(DatumGetObjectId(elements[i]));
		overlap->state[i] = segment_state_open(CurrentMemoryContext, DatumGetObjectId(elements[i]));
		guard_same_customers(overlap, i);
		overlap->set[i] = segment_state_ordinals(overlap->state[i]);
	}
}

static int64
count_both(const Overlap *overlap, int a, int b)
{
	OrdinalSetCursor first;
	OrdinalSetCursor second;

	return ordinal_overlap(ordinal_set_open(&first, overlap->set[a]), ordinal_set_open(&second, overlap->set[b]));
}

/* How much likelier it is to be in b for who is in a: undefined where either is empty. */
static void
put_pair(Overlap *overlap, int a, int b)
{
	double		n_a = ordinal_set_count(overlap->set[a]);
	double		n_b = ordinal_set_count(overlap->set[b]);
	double		both = count_both(overlap, a, b);
	double		customers = segment_state_activity(overlap->state[a])->num_customers;
	bool		empty = n_a == 0 || n_b == 0;
	bool		nulls[7] = {false, false, false, false, false, n_a + n_b == 0, empty};
	Datum		row[7] = {
		ObjectIdGetDatum(segment_state_def(overlap->state[a])->relation),
		ObjectIdGetDatum(segment_state_def(overlap->state[b])->relation),
		Int64GetDatum((int64) n_a),
		Int64GetDatum((int64) n_b),
		Int64GetDatum((int64) both),
		Float8GetDatum(nulls[5] ? 0 : both / (n_a + n_b - both)),
		Float8GetDatum(empty ? 0 : both * customers / (n_a * n_b)),
	};

	tuplestore_putvalues(overlap->result->setResult, overlap->result->setDesc, row, nulls);
}

PG_FUNCTION_INFO_V1(personalize_segment_overlap);
Datum
personalize_segment_overlap(PG_FUNCTION_ARGS)
{
	Overlap    *overlap = palloc0(sizeof(Overlap));
	MemoryContext caller;
	MemoryContext context;

	compat_materialize(fcinfo);
	overlap->result = (ReturnSetInfo *) fcinfo->resultinfo;
	context = AllocSetContextCreate(CurrentMemoryContext, "personalize segment overlap", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	open_segments(overlap, PG_GETARG_ARRAYTYPE_P(0));
	for (int a = 0; a < overlap->n; a++)
		for (int b = a + 1; b < overlap->n; b++)
		{
			CHECK_FOR_INTERRUPTS();
			put_pair(overlap, a, b);
		}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
