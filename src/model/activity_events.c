/*
 * activity_events.c
 *		Rows of events, from the shop's tables to activities.
 *
 * Rows come in no order, from one relation after the other, straight from the executor; whoever asked puts them to their customers, which costs less
 * than to have them sorted or grouped there.  What the aggregate activity() would refuse does not count here, or counts without its amount: one
 * odd row of the shop must not stop all refreshes.
 */
#include "base/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"

#include "model/activity_source.h"
#include "model/source.h"
#include "value/activity.h"

/* Rows between looks at interrupts. */
#define CHECK_ROWS 16384

/* One relation at a time. */
typedef struct EventReader
{
	const ActivityTableDef *def;
	const ActivitySource *source;
	ActivityNames *names;
	EventSink	sink;
	void	   *arg;
	Oid			at_type;
	Oid			amount_type;	/* InvalidOid: no amounts */
	int			kind_at;		/* place of the kind in a row; 0: it is always the last one */
	int			last_kind;		/* -1: none yet */
	uint64		num_rows;
} EventReader;

/* ---------------------------------------------------------------- a row */

/* Without a zone it is taken as UTC. */
static bool
read_time(Oid type, Datum value, int64 *time)
{
	int64		day;

	if (type != DATEOID)
		*time = DatumGetTimestampTz(value);
	else
	{
		day = DatumGetDateADT(value);
		if (day < ACTIVITY_MIN_TIME / ACTIVITY_DAY || day >= ACTIVITY_END_TIME / ACTIVITY_DAY)
			return false;
		*time = day * ACTIVITY_DAY;
	}
	return *time >= ACTIVITY_MIN_TIME && *time < ACTIVITY_END_TIME;
}

static int64
whole_amount(int64 amount)
{
	int64		most = ACTIVITY_MAX_AMOUNT / ACTIVITY_AMOUNT_UNIT;

	return amount > most || amount < -most ? ACTIVITY_NO_AMOUNT : amount * ACTIVITY_AMOUNT_UNIT;
}

static int64
float_amount(double amount)
{
	return fabs(round(amount * ACTIVITY_AMOUNT_UNIT)) < 0x1p62 ? activity_amount_from_float(amount) : ACTIVITY_NO_AMOUNT;
}

static int64
read_amount(Oid type, Datum value)
{
	int64		units;

	switch (type)
	{
		case INT2OID:
			return whole_amount(DatumGetInt16(value));
		case INT4OID:
			return whole_amount(DatumGetInt32(value));
		case INT8OID:
			return whole_amount(DatumGetInt64(value));
		case FLOAT4OID:
			return float_amount(DatumGetFloat4(value));
		case FLOAT8OID:
			return float_amount(DatumGetFloat8(value));
		default:
			return activity_numeric_units(value, &units) ? units : ACTIVITY_NO_AMOUNT;
	}
}

/* Rows of one kind often come one after the other; -1 for what can be no name. */
static int
read_kind(EventReader *reader, Datum value)
{
	text	   *name = DatumGetTextPP(value);
	const char *bytes = VARDATA_ANY(name);
	size_t		size = VARSIZE_ANY_EXHDR(name);
	const ActivityName *last = reader->last_kind < 0 ? NULL : &reader->names->names[reader->last_kind];

	if (size == 0 || size > ACTIVITY_MAX_NAME)
		return -1;
	if (last == NULL || last->size != size || memcmp(last->bytes, bytes, size) != 0)
		reader->last_kind = activity_guard_name(reader->names, bytes, size);
	return reader->last_kind;
}

static void
take_event(void *arg, const Datum *values, const bool *nulls)
{
	EventReader *reader = arg;
	ActivityEvent event = {0, ACTIVITY_NO_AMOUNT, 1, 0, ACTIVITY_EVENT};
	int			kind = reader->last_kind;

	if (++reader->num_rows % CHECK_ROWS == 0)
		CHECK_FOR_INTERRUPTS();
	if (nulls[0] || nulls[1] || !read_time(reader->at_type, values[1], &event.time))
		return;
	if (reader->kind_at > 0)
		kind = nulls[reader->kind_at] ? -1 : read_kind(reader, values[reader->kind_at]);
	if (kind < 0)
		return;
	event.kind = (uint16) kind;
	if (OidIsValid(reader->amount_type) && !nulls[2])
		event.amount = read_amount(reader->amount_type, values[2]);
	reader->sink(reader->arg, values[0], &event);
}

/* ---------------------------------------------------------------- statements */

/* As its base type, which is what is read here. */
static Oid
add_column(StringInfo sql, Oid relation, const char *column)
{
	Oid			type = getBaseType(get_atttype(relation, get_attnum(relation, column)));

	appendStringInfo(sql, ", (e.%s)::%s", quote_identifier(column), format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	return type;
}

static bool
is_time(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
}

static bool
is_amount(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}

static char *
type_problem(Oid relation, const char *column, bool (*fits) (Oid type), const char *what)
{
	Oid			type = getBaseType(get_atttype(relation, get_attnum(relation, column)));

	return fits(type) ? NULL : psprintf("column \"%s\" of %s is of type %s, and has no %s (any more)", column, registry_name(relation),
										format_type_be(type), what);
}

/* As they were found at creation; the columns are there. */
char *
activity_source_problem(const ActivitySource *source)
{
	char	   *problem = type_problem(source->relation, source->at, is_time, "times");

	if (problem == NULL && source->amount != NULL)
		problem = type_problem(source->relation, source->amount, is_amount, "amounts");
	return problem;
}

static void
require_types(const ActivitySource *source)
{
	char	   *problem = activity_source_problem(source);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s", problem),
				 errhint("Give it a type that it can have, or create the activity table again.")));
}

/* Key, time, and what there is of amount and kind. */
static char *
make_statement(EventReader *reader, bool by_key)
{
	const ActivitySource *source = reader->source;
	StringInfoData sql;
	int			num_columns = 2;

	activity_require_columns(reader->def, source->relation);
	require_types(source);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s", source_key_expression(source->relation, "e", source->customer, reader->def->key_type));
	reader->at_type = add_column(&sql, source->relation, source->at);
	reader->amount_type = source->amount ? add_column(&sql, source->relation, source->amount) : InvalidOid;
	num_columns += source->amount != NULL;
	reader->kind_at = source->event_column ? num_columns : 0;
	if (source->event_column != NULL)
		appendStringInfo(&sql, ", %s", source_key_expression(source->relation, "e", source->event_column, KEY_TEXT));
	appendStringInfo(&sql, " FROM %s AS e", registry_name(source->relation));
	if (by_key)
		appendStringInfo(&sql, " WHERE %s OPERATOR(pg_catalog.=) ANY ($1)",
						 activity_key_expression(source->relation, "e", source->customer, reader->def->key_type));
	return sql.data;
}

static void
read_source(EventReader *reader, const Datum *keys, int n)
{
	KeyType		type = reader->def->key_type;
	Oid			array_type = get_array_type(key_type_oid(type));
	Datum		array;
	char	   *sql;
	Portal		portal;

	SPI_connect();
	sql = make_statement(reader, keys != NULL);
	reader->last_kind = reader->source->event ? activity_guard_name(reader->names, reader->source->event, strlen(reader->source->event)) : -1;
	if (keys != NULL)
	{
		array = source_key_array(type, keys, n);
		portal = SPI_cursor_open(NULL, source_kept_plan(sql, 1, &array_type), &array, NULL, true);
	}
	else
		portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, true, CURSOR_OPT_NO_SCROLL);
	source_drain(portal, take_event, reader);
	SPI_finish();
}

void
activity_events_read(const ActivityTableDef *def, ActivityNames *names, const Datum *keys, int n, EventSink sink, void *arg)
{
	for (int s = 0; s < def->num_sources; s++)
	{
		EventReader reader = {.def = def, .source = &def->sources[s], .names = names, .sink = sink, .arg = arg};

		read_source(&reader, keys, n);
	}
}

/* ---------------------------------------------------------------- one customer */

static bool
has_rows(Oid relation, const char *column, KeyType type, Datum key)
{
	Oid			oid = key_type_oid(type);
	bool		has;

	SPI_connect();
	if (SPI_execute_plan(source_kept_plan(psprintf("SELECT 1 FROM %s AS e WHERE %s OPERATOR(pg_catalog.=) $1 LIMIT 1", registry_name(relation),
												   activity_key_expression(relation, "e", column, type)), 1, &oid),
						 &key, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for a customer");
	has = SPI_processed > 0;
	SPI_finish();
	return has;
}

Oid
activity_events_where(const ActivityTableDef *def, Datum key)
{
	if (has_rows(def->customers, def->key, def->key_type, key))
		return def->customers;
	for (int s = 0; s < def->num_sources; s++)
		if (has_rows(def->sources[s].relation, def->sources[s].customer, def->key_type, key))
			return def->sources[s].relation;
	if (OidIsValid(def->scores) && has_rows(def->scores, def->scores_customer, def->key_type, key))
		return def->scores;
	return InvalidOid;
}

/* So many events are compacted on the way, so that one very busy customer takes little memory. */
#define FOLD_FROM 4096

/* Whatever is left after a fold is there to stay, so the next waits for as much again. */
void
activity_events_add(Env *env, CustomerEvents *events, ActivityEvent event)
{
	activity_add(env, &events->events, event);
	if (likely(events->events.n < Max(events->fold_at, FOLD_FROM)))
		return;
	activity_fold_checked(env, &events->events);
	events->fold_at = events->events.n + Max(events->events.n, FOLD_FROM);
}

const unsigned char *
activity_events_encode(Env *env, CustomerEvents *events, const ActivityNames *names, size_t *size)
{
	ServerEnv	server;

	activity_fold_checked(env, &events->events);
	server_env_init(&server, CurrentMemoryContext);
	return activity_encode(&server.env, &events->events, names, 0, size);
}
