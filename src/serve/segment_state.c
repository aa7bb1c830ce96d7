/*
 * segment_state.c
 *		Who is in a segment now, as one statement keeps it.
 *
 * States are shared by all calls of one moment, so that `in_segment(a, id) AND in_segment(b, id)` evaluates a customer of a only once, also where the rule
 * of b names a.  Whoever uses a state pins it; the last one that lets go of it frees it.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "model/activity_source.h"
#include "model/table_layout.h"
#include "model/table_writer.h"
#include "serve/segment_moment.h"
#include "serve/segment_stored.h"
#include "serve/segment_state.h"

/* Chunks of a set that are read at once, even for one customer: of so many blocks, which hold those of eight million. */
#define BLOCKS_AT_ONCE 128
/* Look-ups by index that take as long as reading a block of chunks, and rows of a face as long as one look-up. */
#define LOOKUPS_A_BLOCK 4
#define ROWS_A_LOOKUP 10
/* Customers who are evaluated one by one before all are. */
#define SINGLE_VERDICTS 8

typedef enum Verdict
{
	VERDICT_OPEN,				/* nobody has asked yet */
	VERDICT_OUT,
	VERDICT_IN
} Verdict;

struct SegmentState
{
	/* immutable */
	MemoryContext context;
	ServerEnv	server;			/* its memory */
	SegmentDef *def;
	ActivityTableDef *activity;
	SegmentMoment moment;
	TimestampTz as_of;
	bool		numbers;		/* what keys are */
	/* as of the last refresh */
	bool		loaded;
	OrdinalSet *set;			/* numbers; of other keys ordinals, once they were asked for */
	Keyset		members;		/* other keys */
	bool		too_large;		/* for work_mem: looked up one by one */
	int64		lookups;		/* that are left before loading is cheaper */
	/* since then */
	Keyset		changed;
	uint32		num_pending;	/* the first of them are named by the log, the others due */
	uint8	   *verdict;		/* by code */
	uint32		num_open;
	int			singles;
	bool		settled;		/* set has the verdicts */
	bool	   *was;			/* from then on: what the set had, by code */
	bool		spread;
	unsigned char *bits;		/* after `spread`: all of it as one bitmap, where numbers are close enough; or NULL */
	int64		first_bit;
	uint64		num_bits;
	SegmentCorrection *corrections;	/* once they were asked for */
	SegmentRule *rule;			/* once a verdict was needed */
	CustomerWant want;
	SegmentOthers others;
	/* who uses it */
	int			pins;
	SegmentState *next;
};

static SegmentState *states = NULL;

/* --- guards ----------------------------------------------------------------- */

void
segment_require_select(Oid segment)
{
	AclResult	result = pg_class_aclcheck(segment, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(segment));
	if (check_enable_rls(segment, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s cannot be read under row-level security", registry_name(segment)),
				 errdetail("Members are read as a set, without a look at policies."),
				 errhint("Policies belong on the table of customers.")));
}

static void
guard_built(const SegmentDef *def)
{
	if (!def->built)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("segment %s has not been built", registry_name(def->relation)),
				 errhint("CALL personalize.refresh('%s').", registry_name(def->relation))));
}

static void
fail_too_many_changes(const SegmentState *state)
{
	char	   *name = registry_name(state->def->relation);

	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("too many customers have changed since the last refresh to read segment %s", name),
			 errdetail("The keys of %u of them fill work_mem, which is %d kB.", state->changed.size, work_mem),
			 errhint("CALL personalize.refresh('%s'), or raise work_mem.", name)));
}

/* Once for each statement.  Of workers only the leader speaks. */
static bool
may_warn(int32 id)
{
	static TimestampTz warned_at = 0;
	static int32 warned_of = 0;

	if (IsParallelWorker() || (warned_at == GetCurrentStatementStartTimestamp() && warned_of == id))
		return false;
	warned_at = GetCurrentStatementStartTimestamp();
	warned_of = id;
	return true;
}

static void
warn_everything(const ActivityTableDef *activity, const char *reason)
{
	char	   *name = registry_name(activity->relation);

	if (may_warn(activity->id))
		ereport(WARNING,
				(errmsg("segments of %s are as of the last refresh: everything may have changed since", name),
				 errdetail("%s", reason),
				 errhint("CALL personalize.refresh('%s').", name)));
}

/* A refresh had to leave it as it was. */
static void
warn_left_behind(const SegmentDef *def)
{
	char	   *name = registry_name(def->relation);

	if (may_warn(def->id))
		ereport(WARNING,
				(errmsg("segment %s is as of %s, and not of the last refresh", name, timestamptz_to_str(def->refreshed)),
				 errhint("personalize.segments says what is wrong with it.")));
}

/* --- keys ------------------------------------------------------------------- */

static size_t
memory_limit(void)
{
	return (size_t) work_mem * 1024;
}

static uint32
find_key(const Keyset *set, KeyType type, Datum key)
{
	struct varlena *text;

	if (key_is_number(type))
		return keyset_find_number(set, key_number(type, key));
	if (type == KEY_UUID)
		return keyset_find_bytes(set, DatumGetPointer(key), UUID_LEN);
	text = PG_DETOAST_DATUM_PACKED(key);
	return keyset_find_bytes(set, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

static bool
add_changed(void *arg, Datum key)
{
	SegmentState *state = arg;

	key_add(&state->server.env, &state->changed, state->def->key_type, key);
	if (keyset_memory(&state->changed) > memory_limit())
		fail_too_many_changes(state);
	return true;
}

/* --- members as of the last refresh ----------------------------------------- */

static bool
add_chunk(void *arg, const OrdinalChunk *chunk)
{
	SegmentState *state = arg;

	ordinal_set_add_chunk(state->set, chunk);
	state->too_large = ordinal_set_memory(state->set) > memory_limit();
	return !state->too_large;
}

static bool
add_member(void *arg, Datum key)
{
	SegmentState *state = arg;

	key_add(&state->server.env, &state->members, state->def->key_type, key);
	state->too_large = keyset_memory(&state->members) > memory_limit();
	return !state->too_large;
}

static void
load_chunks(SegmentState *state)
{
	state->set = ordinal_set_create(&state->server.env);
	segment_stored_chunks(state->def, add_chunk, state);
	if (!state->too_large)
		return;
	ordinal_set_release(state->set);
	state->set = NULL;
}

/* What turns out too large for work_mem is thrown away again: then each customer is a look-up. */
static void
load_members(SegmentState *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);

	if (state->numbers)
		load_chunks(state);
	else
	{
		keyset_init(&state->server.env, &state->members, false);
		segment_stored_members(state->def, add_member, state);
		if (state->too_large)
			keyset_release(&state->server.env, &state->members);
	}
	state->loaded = !state->too_large;
	MemoryContextSwitchTo(caller);
}

/* Loading pays once more customers are asked for than that. */
static int64
count_lookups(const SegmentState *state)
{
	BlockNumber blocks;

	if (!state->numbers)
		return state->def->num_members / ROWS_A_LOOKUP;
	blocks = segment_stored_chunk_blocks(state->def);
	return blocks <= BLOCKS_AT_ONCE ? 0 : (int64) blocks * LOOKUPS_A_BLOCK;
}

static bool
must_look_up(SegmentState *state)
{
	if (state->loaded)
		return false;
	if (!state->too_large && state->lookups-- <= 0)
		load_members(state);
	return !state->loaded;
}

bool
segment_state_was(SegmentState *state, Datum key)
{
	uint32		code;

	if (must_look_up(state))
		return segment_stored_member(state->def, key);
	if (!state->numbers)
		return find_key(&state->members, state->def->key_type, key) != KEYSET_NONE;
	code = state->settled ? find_key(&state->changed, state->def->key_type, key) : KEYSET_NONE;
	return code != KEYSET_NONE ? state->was[code] : ordinal_set_contains(state->set, key_number(state->def->key_type, key));
}

static Datum
number_key(KeyType type, int64 number)
{
	return type == KEY_INT8 ? Int64GetDatum(number) : type == KEY_INT4 ? Int32GetDatum((int32) number) : Int16GetDatum((int16) number);
}

static bool
was_number(SegmentState *state, int64 number)
{
	KeyType		type = state->def->key_type;

	if (!must_look_up(state))
		return ordinal_set_contains(state->set, number);
	return key_number_fits(type, number) && segment_stored_member(state->def, number_key(type, number));
}

/* --- verdicts on who has changed -------------------------------------------- */

RuleAnswer
segment_others_in(void *arg, Oid segment, const Customer *customer, int64 as_of)
{
	SegmentOthers *others = arg;
	SegmentState *state = NULL;
	ListCell   *cell;

	foreach(cell, others->states)
		if (((SegmentState *) lfirst(cell))->def->relation == segment)
			state = lfirst(cell);
	if (state == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(others->context);

		state = segment_state_open(others->context, segment);
		others->states = lappend(others->states, state);
		MemoryContextSwitchTo(caller);
	}
	/* who reads needs no time of its end: a timer of the other is one of this one, too */
	return (RuleAnswer) {segment_state_has(state, customer->key) ? RULE_TRUE : RULE_FALSE, RULE_NEVER};
}

static void
open_rule(SegmentState *state)
{
	MemoryContext caller;

	if (state->rule != NULL)
		return;
	caller = MemoryContextSwitchTo(state->context);
	state->rule = segment_rule_open(&state->server.env, state->def);
	segment_rule_want(state->rule, state->activity, &state->want);
	state->others.context = state->context;
	MemoryContextSwitchTo(caller);
}

typedef struct Judge
{
	SegmentState *state;
	MemoryContext scratch;
} Judge;

static void
take_customer(void *arg, const Customer *customer)
{
	Judge	   *judge = arg;
	SegmentState *state = judge->state;
	uint32		code = find_key(&state->changed, state->def->key_type, customer->key);
	MemoryContext caller = MemoryContextSwitchTo(judge->scratch);
	RuleAnswer	answer;

	answer = segment_rule_evaluate(state->rule, state->activity, customer, state->as_of, segment_others_in, &state->others);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(judge->scratch);
	if (code != KEYSET_NONE && state->verdict[code] == VERDICT_OPEN)
	{
		state->verdict[code] = answer.value == RULE_TRUE ? VERDICT_IN : VERDICT_OUT;
		state->num_open--;
	}
}

/* Those of the codes that nobody has asked for yet, in the order in which they are given. */
static void
judge_codes(SegmentState *state, const uint32 *codes, uint32 n, CustomerRead read)
{
	bool		pending = read == CUSTOMER_FRESH;
	Datum	   *keys = palloc((n + 1) * sizeof(Datum));
	int			num_keys = 0;
	KeyType		type = state->def->key_type;
	Judge		judge = {state, AllocSetContextCreate(CurrentMemoryContext, "personalize segment rule", ALLOCSET_DEFAULT_SIZES)};

	for (uint32 i = 0; i < n; i++)
		if (state->verdict[codes[i]] == VERDICT_OPEN && (codes[i] < state->num_pending) == pending)
			keys[num_keys++] = key_datum(&state->changed, type, codes[i], type);
	if (num_keys > 0)
		customers_fetch(state->activity, read, state->rule->wants ? &state->want : NULL, keys, num_keys, take_customer, &judge);
	MemoryContextDelete(judge.scratch);
}

/* As the owner of the segment, by whose right it was made. */
static void
judge(SegmentState *state, const uint32 *codes, uint32 n)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "personalize segment", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(work);
	OwnerScope	scope;

	check_stack_depth();
	registry_enter_owner(state->def->relation, &scope);
	open_rule(state);
	judge_codes(state, codes, n, CUSTOMER_FRESH);
	judge_codes(state, codes, n, CUSTOMER_STORED);
	registry_leave_owner(&scope);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(work);
}

/* Codes in order of their keys. */
static uint32 *
ordered_codes(SegmentState *state)
{
	uint32	   *place = keyset_order(&state->server.env, &state->changed);
	uint32	   *codes = palloc((state->changed.size + 1) * sizeof(uint32));

	for (uint32 code = 0; code < state->changed.size; code++)
		codes[place[code]] = code;
	env_release(&state->server.env, place);
	return codes;
}

static void
judge_all(SegmentState *state)
{
	uint32	   *codes;

	if (state->num_open == 0)
		return;
	codes = ordered_codes(state);
	judge(state, codes, state->changed.size);
	pfree(codes);
}

static bool
verdict_of(SegmentState *state, uint32 code)
{
	if (state->verdict[code] == VERDICT_OPEN)
	{
		if (state->singles++ < SINGLE_VERDICTS)
			judge(state, &code, 1);
		else
			judge_all(state);
	}
	return state->verdict[code] == VERDICT_IN;
}

/* How many chunks there are from the first to the last, and the first of them. */
static uint64
span_of_chunks(OrdinalSet *set, int64 *first)
{
	OrdinalSetCursor cursor;
	OrdinalCursor *chunks = ordinal_set_open(&cursor, set);
	OrdinalChunk chunk;
	int64		last = 0;
	bool		any = false;

	while (chunks->next(chunks, &chunk))
	{
		if (!any)
			*first = chunk.number;
		any = true;
		last = chunk.number;
	}
	return any ? (uint64) last - (uint64) *first + 1 : 0;
}

/* A look into one bitmap takes a few nanoseconds, where a set has to find the chunk first: in a scan that is a fifth of the row. */
static void
spread_bits(SegmentState *state)
{
	OrdinalSetCursor cursor;
	OrdinalCursor *chunks;
	OrdinalChunk chunk;
	int64		first;
	uint64		n = span_of_chunks(state->set, &first);

	state->spread = true;
	if (n == 0 || n > memory_limit() / ORDINAL_BITMAP)
		return;
	state->bits = MemoryContextAllocExtended(state->context, n * ORDINAL_BITMAP, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	state->first_bit = ordinal_at(first, 0);
	state->num_bits = n * ORDINAL_PLACES;
	chunks = ordinal_set_open(&cursor, state->set);
	while (chunks->next(chunks, &chunk))
		ordinal_chunk_bitmap(&chunk, state->bits + (chunk.number - first) * ORDINAL_BITMAP);
}

/* From then on one look at the set tells. */
static void
settle(SegmentState *state)
{
	state->was = MemoryContextAlloc(state->context, state->changed.size + 1);
	for (uint32 code = 0; code < state->changed.size; code++)
	{
		int64		number = state->changed.number[code];
		bool		is = state->verdict[code] == VERDICT_IN;

		state->was[code] = is ? !ordinal_set_add(state->set, number) : ordinal_set_remove(state->set, number);
	}
	state->settled = true;
}

/* --- asking ----------------------------------------------------------------- */

bool
segment_state_has_number(SegmentState *state, int64 number)
{
	uint64		bit = (uint64) number - (uint64) state->first_bit;
	uint32		code;

	if (state->bits != NULL)
		return bit < state->num_bits && (state->bits[bit / 8] >> (bit % 8) & 1) != 0;
	if (state->settled)
	{
		if (!state->spread)
			spread_bits(state);
		return ordinal_set_contains(state->set, number);
	}
	code = keyset_find_number(&state->changed, number);
	if (code != KEYSET_NONE)
		return verdict_of(state, code);
	if (state->loaded && state->num_open == 0)
		settle(state);
	return was_number(state, number);
}

bool
segment_state_has(SegmentState *state, Datum key)
{
	uint32		code;

	if (state->numbers)
		return segment_state_has_number(state, key_number(state->def->key_type, key));
	code = find_key(&state->changed, state->def->key_type, key);
	return code != KEYSET_NONE ? verdict_of(state, code) : segment_state_was(state, key);
}

bool
segment_state_stands(SegmentState *state, Datum key)
{
	uint32		code;

	if (state->changed.size == 0)
		return true;
	code = find_key(&state->changed, state->def->key_type, key);
	return code == KEYSET_NONE || verdict_of(state, code);
}

const SegmentCorrection *
segment_state_corrections(SegmentState *state, int *n)
{
	MemoryContext caller;
	uint32	   *codes;
	KeyType		type = state->def->key_type;

	*n = (int) state->changed.size;
	if (state->corrections != NULL)
		return state->corrections;
	judge_all(state);
	caller = MemoryContextSwitchTo(state->context);
	codes = ordered_codes(state);
	state->corrections = palloc((state->changed.size + 1) * sizeof(SegmentCorrection));
	for (uint32 i = 0; i < state->changed.size; i++)
		state->corrections[i] = (SegmentCorrection) {key_datum(&state->changed, type, codes[i], type), state->verdict[codes[i]] == VERDICT_IN};
	pfree(codes);
	MemoryContextSwitchTo(caller);
	return state->corrections;
}

OrdinalSet *
segment_state_set(SegmentState *state)
{
	if (!state->numbers)
		return NULL;
	if (!state->loaded && !state->too_large)
		load_members(state);
	if (!state->loaded)
		return NULL;
	judge_all(state);
	if (!state->settled)
		settle(state);
	return state->set;
}

/* Other keys than numbers have their ordinals in the activity table. */
static void
correct_ordinals(SegmentState *state)
{
	Relation	relation = table_open(state->activity->relation, AccessShareLock);
	KeyScan    *scan = key_scan_open(relation, 1, NULL);
	int			n;
	const SegmentCorrection *corrections = segment_state_corrections(state, &n);

	for (int i = 0; i < n; i++)
	{
		HeapTuple	row;
		bool		isnull;
		int64		ordinal;

		key_scan_start(scan, &corrections[i].key);
		row = key_scan_next(scan);
		if (row == NULL)
			continue;
		ordinal = DatumGetInt64(heap_getattr(row, ACTIVITY_ORDINAL, RelationGetDescr(relation), &isnull));
		if (corrections[i].member)
			ordinal_set_add(state->set, ordinal);
		else
			ordinal_set_remove(state->set, ordinal);
	}
	key_scan_close(scan);
	table_close(relation, NoLock);
}

OrdinalSet *
segment_state_ordinals(SegmentState *state)
{
	MemoryContext caller;

	if (state->numbers)
		segment_state_set(state);
	else if (state->set == NULL)
	{
		caller = MemoryContextSwitchTo(state->context);
		load_chunks(state);
		if (state->set != NULL)
			correct_ordinals(state);
		MemoryContextSwitchTo(caller);
	}
	if (state->set == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("the set of segment %s does not fit work_mem", registry_name(state->def->relation)),
				 errdetail("It has " INT64_FORMAT " members, and work_mem is %d kB.", state->def->num_members, work_mem),
				 errhint("Raise work_mem.")));
	return state->set;
}

CustomerRead
segment_state_source(const SegmentState *state, Datum key)
{
	uint32		code = find_key(&state->changed, state->def->key_type, key);

	return code != KEYSET_NONE && code < state->num_pending ? CUSTOMER_FRESH : CUSTOMER_STORED;
}

const ActivityTableDef *
segment_state_activity(const SegmentState *state)
{
	return state->activity;
}

TimestampTz
segment_state_as_of(const SegmentState *state)
{
	return state->as_of;
}

const SegmentDef *
segment_state_def(const SegmentState *state)
{
	return state->def;
}

/* --- making one ------------------------------------------------------------- */

static void
read_pending(SegmentState *state)
{
	LogContents pending = {0};

	keyset_init(&state->server.env, &state->changed, state->numbers);
	if (customers_pending(state->activity, &state->server.env, &pending))
	{
		keyset_release(&state->server.env, &state->changed);
		state->changed = pending.keys;
		if (keyset_memory(&state->changed) > memory_limit())
			fail_too_many_changes(state);
	}
	if (pending.all)
		warn_everything(state->activity, pending.reason);
	state->num_pending = state->changed.size;
}

static void
read_definition(SegmentState *state, Oid segment)
{
	state->def = segment_require(segment);
	segment_as_seen(state->def);
	guard_built(state->def);
	segment_require_layout(state->def);
	state->activity = activity_table_by_id(state->def->activity_id);
	if (state->activity == NULL)
		elog(ERROR, "segment %s belongs to no activity", registry_name(segment));
	activity_require_layout(state->activity);
	/* who is looked at with the rights of one runs what the other hangs on views */
	layout_require_owner(state->def->relation, state->activity->relation);
	activity_table_as_seen(state->activity);
	state->numbers = key_is_number(state->def->key_type);
	if (state->def->built_version != state->def->version || state->def->refreshed != state->activity->refreshed)
		warn_left_behind(state->def);
}

/* A refresh may have begun after this statement and be seen all the same; memberships cannot be turned back. */
static SegmentState *
fill_state(MemoryContext context, Oid segment)
{
	SegmentState *state = palloc0(sizeof(SegmentState));

	state->context = context;
	server_env_init(&state->server, context);
	read_definition(state, segment);
	segment_moment_take(&state->moment);
	state->as_of = Max(state->moment.at, state->def->refreshed);
	read_pending(state);
	segment_stored_due(state->def, state->as_of, add_changed, state);
	state->verdict = palloc0(state->changed.size + 1);
	state->num_open = state->changed.size;
	state->lookups = count_lookups(state);
	return state;
}

static SegmentState *
make_state(Oid segment)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize segment", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	SegmentState *state = fill_state(context, segment);

	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	state->next = states;
	states = state;
	return state;
}

static SegmentState *
find_state(Oid segment)
{
	for (SegmentState *state = states; state != NULL; state = state->next)
		if (state->def->relation == segment && segment_moment_holds(&state->moment))
			return state;
	return make_state(segment);
}

/* --- keeping it ------------------------------------------------------------- */

/* Called at the end of a memory context, in a transaction that fails too. */
static void
unpin(SegmentState *state)
{
	if (--state->pins > 0)
		return;
	for (SegmentState **p = &states; *p != NULL; p = &(*p)->next)
		if (*p == state)
		{
			*p = state->next;
			break;
		}
	MemoryContextDelete(state->context);
}

typedef struct Pin
{
	SegmentState *state;		/* or NULL */
	MemoryContextCallback callback;
} Pin;

static void
release_pin(void *arg)
{
	Pin		   *pin = arg;

	if (pin->state != NULL)
		unpin(pin->state);
	pin->state = NULL;
}

static void
prepare_pin(MemoryContext context, Pin *pin)
{
	pin->callback.func = release_pin;
	pin->callback.arg = pin;
	MemoryContextRegisterResetCallback(context, &pin->callback);
}

static SegmentState *
move_pin(Pin *pin, Oid segment)
{
	SegmentState *state;

	/* first, so that memory does not hold both */
	release_pin(pin);
	state = find_state(segment);
	state->pins++;
	pin->state = state;
	return state;
}

SegmentState *
segment_state_open(MemoryContext context, Oid segment)
{
	Pin		   *pin = MemoryContextAllocZero(context, sizeof(Pin));

	prepare_pin(context, pin);
	return move_pin(pin, segment);
}

/* --- calls of functions ----------------------------------------------------- */

typedef struct KeptCall
{
	SegmentCall pub;			/* first, so that a SegmentCall * is a KeptCall * */
	Oid			segment;
	int32		id;				/* 0: it came by its name */
	Oid			user;			/* who may read it */
	Pin			pin;
} KeptCall;

static KeptCall *
make_call(FunctionCallInfo fcinfo)
{
	KeptCall   *call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(KeptCall));

	prepare_pin(fcinfo->flinfo->fn_mcxt, &call->pin);
	call->pub.type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	call->pub.given = OidIsValid(call->pub.type) ? key_type_find(call->pub.type) : 0;
	fcinfo->flinfo->fn_extra = call;
	return call;
}

static void
renew_call(KeptCall *call, Oid segment)
{
	call->pub.state = NULL;
	segment_require_select(segment);
	call->segment = segment;
	call->user = GetUserId();
	call->pub.state = move_pin(&call->pin, segment);
	call->pub.key_type = call->pub.state->def->key_type;
}

SegmentCall *
segment_call(FunctionCallInfo fcinfo, Oid segment)
{
	KeptCall   *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
		call = make_call(fcinfo);
	if (call->pub.state == NULL || call->segment != segment || call->user != GetUserId() || !segment_moment_holds(&call->pub.state->moment))
		renew_call(call, segment);
	return &call->pub;
}

SegmentCall *
segment_call_by_id(FunctionCallInfo fcinfo, int32 id)
{
	KeptCall   *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
		call = make_call(fcinfo);
	if (call->id != id || call->pub.state == NULL)
	{
		SegmentDef *def = segment_by_id(id);

		if (def == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("there is no segment with id %d", id),
					 errhint("Call the segment's own function; personalize.segments lists them.")));
		call->id = id;
		segment_call(fcinfo, def->relation);
	}
	return segment_call(fcinfo, call->segment);
}
