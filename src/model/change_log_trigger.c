/*
 * change_log_trigger.c
 *		The trigger function that appends the keys of changed rows, in the writer's
 *		transaction.
 *
 * It stands in the way of a shop's writes, so it takes no lock that another writer could want, touches
 * no row that another could touch, and does not fail because a definition has gone bad: then it says that everything may
 * have changed.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "base/server_env.h"
#include "model/change_log.h"
#include "model/change_log_target.h"
#include "model/change_log_watch.h"

PG_FUNCTION_INFO_V1(personalize_log_changes);

/*
 * Distinct keys of one statement.  Nearly all statements change one basket, so the
 * first key stays out of the set until a second comes.
 */
typedef struct Collector
{
	LogTarget  *target;
	uint64		num_keys;		/* 0, 1, or 2 for more */
	LogKey		first;
	ServerEnv	server;
	Keyset		keys;			/* all of them, once there are more */
} Collector;

/* ---------------------------------------------------------------- one key */

static LogKey
log_key(KeyType type, Datum value)
{
	LogKey		key = {0};

	if (key_is_number(type))
		key.number = key_number(type, value);
	else
		key.datum = value;
	return key;
}

/* A toasted form of the same bytes counts as another key: that costs a row of the log at most. */
static bool
same_key(KeyType type, const LogKey *a, const LogKey *b)
{
	if (key_is_number(type))
		return a->number == b->number;
	return datumIsEqual(a->datum, b->datum, false, type == KEY_UUID ? 16 : -1);
}

/* The slot or call that it is from will be gone. */
static LogKey
copy_key(KeyType type, LogKey key, MemoryContext context)
{
	MemoryContext caller;

	if (key_is_number(type))
		return key;
	caller = MemoryContextSwitchTo(context);
	key.datum = datumCopy(key.datum, false, type == KEY_UUID ? 16 : -1);
	MemoryContextSwitchTo(caller);
	return key;
}

/* Numbers widen to the log's type, which the target has made sure of. */
static Datum
log_datum(const LogTarget *target, const LogKey *key)
{
	switch (target->type)
	{
		case KEY_INT2:
			return Int16GetDatum((int16) key->number);
		case KEY_INT4:
			return Int32GetDatum((int32) key->number);
		case KEY_INT8:
			return Int64GetDatum(key->number);
		default:
			return key->datum;
	}
}

/* ---------------------------------------------------------------- once in a transaction */

/*
 * An order is often written line by line: what this (sub)transaction has logged commits or goes with whatever else it does, so the same key
 * needs no second row, unless a refresh in this session has taken the first one since.
 */
static bool
logged_before(const LogTarget *target, const LogKey *key)
{
	FullTransactionId transaction = GetTopFullTransactionIdIfAny();

	return FullTransactionIdIsValid(transaction) && FullTransactionIdEquals(transaction, target->logged_transaction) &&
		target->logged_subtransaction == GetCurrentSubTransactionId() && target->logged_consumed == change_log_times_consumed() &&
		same_key(target->key_type, key, &target->logged);
}

static void
remember_logged(LogTarget *target, const LogKey *key)
{
	FullTransactionId before = target->logged_transaction;

	target->logged_transaction = InvalidFullTransactionId;
	if (FullTransactionIdIsValid(before) && !key_is_number(target->key_type))
		pfree(DatumGetPointer(target->logged.datum));
	target->logged = copy_key(target->key_type, *key, target->context);
	target->logged_subtransaction = GetCurrentSubTransactionId();
	target->logged_consumed = change_log_times_consumed();
	target->logged_transaction = GetTopFullTransactionIdIfAny();
}

static void
write_key(LogTarget *target, const LogKey *key)
{
	if (logged_before(target, key))
		return;
	change_log_append_key(target->log, target->type, log_datum(target, key));
	remember_logged(target, key);
}

/* ---------------------------------------------------------------- sets of keys */

/* num_keys stays 2: what comes next goes into the set again. */
static void
flush_keys(Collector *collector)
{
	change_log_append(collector->target->log, collector->target->type, &collector->keys);
	keyset_release(&collector->server.env, &collector->keys);
	keyset_init(&collector->server.env, &collector->keys, key_is_number(collector->target->type));
}

/* So many keys that they pass maintenance_work_mem are written in parts, which may then repeat a key. */
static void
add_to_set(Collector *collector, Datum key)
{
	key_add(&collector->server.env, &collector->keys, collector->target->key_type, key);
	if ((collector->keys.size & 1023) == 0 && keyset_memory(&collector->keys) > (size_t) maintenance_work_mem * 1024)
		flush_keys(collector);
}

static void
start_set(Collector *collector)
{
	KeyType		type = collector->target->key_type;

	collector->num_keys = 2;
	keyset_init(&collector->server.env, &collector->keys, key_is_number(type));
	if (key_is_number(type))
		keyset_add_number(&collector->server.env, &collector->keys, collector->first.number);
	else
		add_to_set(collector, collector->first.datum);
}

static void
collect(void *arg, Datum value)
{
	Collector  *collector = arg;
	KeyType		type = collector->target->key_type;
	LogKey		key = log_key(type, value);

	if (collector->num_keys == 0)
	{
		collector->num_keys = 1;
		collector->first = copy_key(type, key, collector->server.context);
		return;
	}
	if (same_key(type, &key, &collector->first))
		return;
	if (collector->num_keys == 1)
		start_set(collector);
	add_to_set(collector, value);
}

static void
collect_column(Collector *collector, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		key = slot_getattr(slot, collector->target->attnum, &isnull);

	/* a row without a basket is in none */
	if (!isnull)
		collect(collector, key);
}

/* Only here is the log opened: a statement that changes nothing of ours does not touch it. */
static void
write_keys(Collector *collector)
{
	if (collector->num_keys == 1)
		write_key(collector->target, &collector->first);
	else if (collector->num_keys > 1)
		change_log_append(collector->target->log, collector->target->type, &collector->keys);
}

/* ---------------------------------------------------------------- rows by a column */

/* Whether an update left all columns as they were that the definition reads. */
static bool
unchanged(const LogTarget *target, TupleTableSlot *old, TupleTableSlot *new)
{
	for (int i = 0; i < target->num_used; i++)
	{
		AttrNumber	number = target->used[i];
		Form_pg_attribute attribute = TupleDescAttr(old->tts_tupleDescriptor, number - 1);
		bool		old_null;
		bool		new_null;
		Datum		old_value = slot_getattr(old, number, &old_null);
		Datum		new_value = slot_getattr(new, number, &new_null);

		if (old_null != new_null)
			return false;
		if (!old_null && !datumIsEqual(old_value, new_value, attribute->attbyval, attribute->attlen))
			return false;
	}
	return target->num_used > 0;
}

/* Another trigger may read the same rows, so each has its own place in them. */
static TupleTableSlot *
rows_start(Tuplestorestate *rows, Relation relation, int *place)
{
	*place = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(rows, *place);
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsMinimalTuple);
}

static bool
rows_next(Tuplestorestate *rows, int place, TupleTableSlot *slot)
{
	CHECK_FOR_INTERRUPTS();
	tuplestore_select_read_pointer(rows, place);
	return tuplestore_gettupleslot(rows, true, false, slot);
}

/* Inserted or deleted rows, or both halves of an update that have lost their order. */
static void
collect_rows(Collector *collector, Tuplestorestate *rows, Relation relation)
{
	int			place;
	TupleTableSlot *slot = rows_start(rows, relation, &place);

	while (rows_next(rows, place, slot))
		collect_column(collector, slot);
	ExecDropSingleTupleTableSlot(slot);
}

/* The transition tables hold old and new rows in the same order. */
static void
collect_updated(Collector *collector, Tuplestorestate *old_rows, Tuplestorestate *new_rows, Relation relation)
{
	int			old_place;
	int			new_place;
	TupleTableSlot *old = rows_start(old_rows, relation, &old_place);
	TupleTableSlot *new = rows_start(new_rows, relation, &new_place);

	while (rows_next(old_rows, old_place, old) && rows_next(new_rows, new_place, new))
	{
		if (unchanged(collector->target, old, new))
			continue;
		collect_column(collector, old);
		collect_column(collector, new);
	}
	ExecDropSingleTupleTableSlot(old);
	ExecDropSingleTupleTableSlot(new);
}

/* A row that moves to another partition can lose its new half to a trigger there: then there are no pairs. */
static void
collect_statement(Collector *collector, const TriggerData *trigger)
{
	Tuplestorestate *old = trigger->tg_oldtable;
	Tuplestorestate *new = trigger->tg_newtable;

	if (old != NULL && new != NULL && tuplestore_tuple_count(old) == tuplestore_tuple_count(new))
	{
		collect_updated(collector, old, new, trigger->tg_relation);
		return;
	}
	if (old != NULL)
		collect_rows(collector, old, trigger->tg_relation);
	if (new != NULL)
		collect_rows(collector, new, trigger->tg_relation);
}

/* Under replication there is no statement, only rows. */
static void
collect_row(Collector *collector, const TriggerData *trigger)
{
	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		collect_column(collector, trigger->tg_trigslot);
	else if (!unchanged(collector->target, trigger->tg_trigslot, trigger->tg_newslot))
	{
		collect_column(collector, trigger->tg_trigslot);
		collect_column(collector, trigger->tg_newslot);
	}
}

/* ---------------------------------------------------------------- rows by an expression */

/* The expression gets the row as a value of the table's row type. */
static bool
evaluate_row(Collector *collector, TupleTableSlot *slot)
{
	return log_target_evaluate(collector->target, ROWS_ONE, ExecFetchSlotHeapTupleDatum(slot), collect, collector);
}

static bool
evaluate_statement(Collector *collector, const TriggerData *trigger)
{
	RowSource	rows = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? ROWS_NEW :
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? ROWS_OLD : ROWS_OLD_AND_NEW;

	return log_target_evaluate(collector->target, rows, (Datum) 0, collect, collector);
}

/* False where the expression cannot be understood; the target has the reason then. */
static bool
evaluate(Collector *collector, TriggerData *trigger)
{
	bool		done;

	if (SPI_connect() != SPI_OK_CONNECT || SPI_register_trigger_data(trigger) < 0)
		elog(ERROR, "could not read the rows of trigger \"%s\"", trigger->tg_trigger->tgname);
	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		done = evaluate_statement(collector, trigger);
	else
		done = evaluate_row(collector, trigger->tg_trigslot) &&
			(!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) || evaluate_row(collector, trigger->tg_newslot));
	SPI_finish();
	return done;
}

/* ---------------------------------------------------------------- the trigger */

static bool
no_rows(Tuplestorestate *rows)
{
	return rows == NULL || tuplestore_tuple_count(rows) == 0;
}

/* A statement that met no row has changed nothing. */
static bool
nothing_changed(const TriggerData *trigger)
{
	if (!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) || TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		return false;
	if (trigger->tg_trigger->tgoldtable == NULL && trigger->tg_trigger->tgnewtable == NULL)
		return false;
	return no_rows(trigger->tg_oldtable) && no_rows(trigger->tg_newtable);
}

/* The names stand in the plans of expressions. */
static bool
same_table(const char *name, bool wanted, const char *ours)
{
	return !wanted || (name != NULL && strcmp(name, ours) == 0);
}

/* A trigger made by hand may lack the tables, or name them otherwise. */
static bool
shows_its_rows(const TriggerData *trigger)
{
	const Trigger *definition = trigger->tg_trigger;

	if (!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		return true;
	return same_table(definition->tgoldtable, !TRIGGER_FIRED_BY_INSERT(trigger->tg_event), WATCH_OLD_TABLE) &&
		same_table(definition->tgnewtable, !TRIGGER_FIRED_BY_DELETE(trigger->tg_event), WATCH_NEW_TABLE);
}

/* The reason names the relation: a history may watch several. */
static void
mark_all(const LogTarget *target, const TriggerData *trigger, const char *what)
{
	change_log_mark_all(target->log, psprintf("%s: %s", registry_name(RelationGetRelid(trigger->tg_relation)), what));
}

/* All memory is that of the trigger call, which the server resets after it. */
static void
log_keys(LogTarget *target, TriggerData *trigger)
{
	Collector	collector = {.target = target};

	server_env_init(&collector.server, CurrentMemoryContext);
	if (target->attnum == 0)
	{
		if (!evaluate(&collector, trigger))
		{
			mark_all(target, trigger, target->problem);
			return;
		}
	}
	else if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		collect_statement(&collector, trigger);
	else
		collect_row(&collector, trigger);
	write_keys(&collector);
}

/* From the cheapest answer to the most expensive one. */
static void
log_change(LogTarget *target, TriggerData *trigger)
{
	if (nothing_changed(trigger))
		return;
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		mark_all(target, trigger, "TRUNCATE");
	else if (target->problem != NULL)
		mark_all(target, trigger, target->problem);
	else if (!shows_its_rows(trigger))
		mark_all(target, trigger, psprintf("trigger \"%s\" does not show its rows", trigger->tg_trigger->tgname));
	else
		log_keys(target, trigger);
}

/* The argument is anybody's text; 0 for what cannot be an id. */
static int32
trigger_id(const Trigger *trigger)
{
	char	   *end;
	long		id;

	if (trigger->tgnargs != 1)
		return 0;
	errno = 0;
	id = strtol(trigger->tgargs[0], &end, 10);
	return errno == 0 && *end == '\0' && id > 0 && id <= PG_INT32_MAX ? (int32) id : 0;
}

/* Before the row is written there is nothing to log yet, and a row trigger would have to return the row. */
static void
guard_called_after(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired by an AFTER trigger", "log_changes")));
}

Datum
personalize_log_changes(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	LogTarget  *target;
	int32		id;

	guard_called_after(fcinfo);
	id = trigger_id(trigger->tg_trigger);
	target = id > 0 ? log_target_acquire(id, RelationGetRelid(trigger->tg_relation)) : NULL;
	/* anybody may attach this function to a table; only what the registry knows goes into a log */
	if (target == NULL)
	{
		elog(DEBUG1, "table \"%s\" is not watched", RelationGetRelationName(trigger->tg_relation));
		return PointerGetDatum(NULL);
	}
	log_change(target, trigger);
	log_target_release(target);
	return PointerGetDatum(NULL);
}
