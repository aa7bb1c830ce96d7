/*
 * cooccurrence_merge.c
 *		Matrices into one: the operator + and the aggregate rollup.
 *
 * Baskets are put together, not added up: this is exact as long as no basket has rows
 * in two of the parts, which only the user can know.
 */
#include "base/compat.h"

#include "utils/memutils.h"

#include "value/cooccurrence.h"

/* Merges canonical values; the result does not depend on their order, as the builder makes it canonical again. */
static Cooccurrence *
merge(Cooccurrence **part, int n)
{
	CooccurrenceBuilder builder;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "personalize co-occurrence merge",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Cooccurrence *m;

	cooccurrence_builder_init(&builder, cooccurrence_kind(part[0]));
	for (int i = 0; i < n; i++)
		cooccurrence_builder_add(&builder, part[i]);
	m = cooccurrence_builder_finish(&builder);
	MemoryContextSwitchTo(old);
	/* the caller's context gets the value only, not the many times larger rest */
	m = memcpy(palloc(VARSIZE(m)), m, VARSIZE(m));
	MemoryContextDelete(scratch);
	return m;
}

/* Folding + over many values would build each sum in full: that is what rollup is for. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_add);
Datum
personalize_cooccurrence_add(PG_FUNCTION_ARGS)
{
	Cooccurrence *part[2] = {PG_GETARG_COOCCURRENCE(0), PG_GETARG_COOCCURRENCE(1)};

	PG_RETURN_POINTER(merge(part, 2));
}

/* --- rollup: keeps the parts, which are small, and merges once --- */

typedef struct RollupState
{
	MemoryContext context;
	Cooccurrence **part;
	int			num_parts;
	int			room;
	Size		held;			/* bytes of all parts */
} RollupState;

/* A copy, because the row that the argument came from is gone at the next call. */
static void
rollup_append(RollupState *state, const Cooccurrence *m)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);

	/* compared as it grows: the merge would find out only after all have been copied */
	state->held += VARSIZE(m);
	cooccurrence_check_memory(state->held, "rolling up co-occurrence matrices");
	if (state->num_parts == state->room)
	{
		state->room *= 2;
		state->part = repalloc_huge(state->part, state->room * sizeof(Cooccurrence *));
	}
	state->part[state->num_parts++] = memcpy(palloc(VARSIZE(m)), m, VARSIZE(m));
	MemoryContextSwitchTo(old);
}

/* The context comes along, as appending happens in calls that run in shorter-lived ones. */
static RollupState *
rollup_create(MemoryContext context)
{
	RollupState *state = MemoryContextAllocZero(context, sizeof(RollupState));

	state->context = context;
	state->room = 16;
	state->part = MemoryContextAlloc(context, state->room * sizeof(Cooccurrence *));
	return state;
}

/* NULLs are passed over, and only NULLs make NULL, as with sum(). */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_rollup_trans);
Datum
personalize_cooccurrence_rollup_trans(PG_FUNCTION_ARGS)
{
	RollupState *state = PG_ARGISNULL(0) ? NULL : (RollupState *) PG_GETARG_POINTER(0);
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (!PG_ARGISNULL(1))
	{
		if (state == NULL)
			state = rollup_create(context);
		rollup_append(state, PG_GETARG_COOCCURRENCE(1));
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* No merge yet: that is done once, over all parts. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_rollup_combine);
Datum
personalize_cooccurrence_rollup_combine(PG_FUNCTION_ARGS)
{
	RollupState *state = PG_ARGISNULL(0) ? NULL : (RollupState *) PG_GETARG_POINTER(0);
	RollupState *other = PG_ARGISNULL(1) ? NULL : (RollupState *) PG_GETARG_POINTER(1);
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	/* a part of the other's context cannot be taken over: it may go before this one does */
	if (state == NULL && other != NULL)
		state = rollup_create(context);
	for (int i = 0; other != NULL && i < other->num_parts; i++)
		rollup_append(state, other->part[i]);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/* A worker merges its share: the result is one part of the whole. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_rollup_serialize);
Datum
personalize_cooccurrence_rollup_serialize(PG_FUNCTION_ARGS)
{
	RollupState *state = (RollupState *) PG_GETARG_POINTER(0);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	PG_RETURN_POINTER(merge(state->part, state->num_parts));
}

/* What came is a value like any other, so it is checked like one. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_rollup_deserialize);
Datum
personalize_cooccurrence_rollup_deserialize(PG_FUNCTION_ARGS)
{
	RollupState *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = rollup_create(CurrentMemoryContext);
	rollup_append(state, PG_GETARG_COOCCURRENCE(0));
	PG_RETURN_POINTER(state);
}

/* Keeps the parts: a window may append to them and ask again. */
PG_FUNCTION_INFO_V1(personalize_cooccurrence_rollup_final);
Datum
personalize_cooccurrence_rollup_final(PG_FUNCTION_ARGS)
{
	RollupState *state = PG_ARGISNULL(0) ? NULL : (RollupState *) PG_GETARG_POINTER(0);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(merge(state->part, state->num_parts));
}
