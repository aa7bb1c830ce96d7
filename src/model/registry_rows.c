/*
 * registry_rows.c
 *		Rows of the registry's tables, read and written.
 *
 * Plans are kept for the session: a trigger of the change log may come here for every statement.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/registry_rows.h"

/* ---------------------------------------------------------------- reading rows */

/*
 * Whoever waited for a lock must see what was committed meanwhile, also under REPEATABLE READ.  A parallel
 * worker cannot take a snapshot of its own and has waited for nothing.
 */
static Snapshot
definition_snapshot(void)
{
	return IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot();
}

/* The server plans again by itself where the extension was dropped and made anew, as it keeps the text. */
static SPIPlanPtr
lookup_plan(RegistryQuery *lookup)
{
	if (lookup->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(lookup->text, OidIsValid(lookup->type) ? 1 : 0, &lookup->type);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare \"%s\": %s", lookup->text, SPI_result_code_string(SPI_result));
		lookup->plan = plan;
	}
	return lookup->plan;
}

/* A list of what `read` makes of each row, in the caller's memory context; as_seen: by the active snapshot. */
List *
registry_query_as(bool as_seen, RegistryQuery *lookup, Datum argument, RegistryReader read)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	List	   *list = NIL;
	OwnerScope	scope;

	registry_become_owner(&scope);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	PushActiveSnapshot(as_seen ? GetActiveSnapshot() : definition_snapshot());
	if (SPI_execute_plan(lookup_plan(lookup), &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the registry: %s", lookup->text);
	PopActiveSnapshot();
	spi = MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RegistryRow			row = {SPI_tuptable->vals[i], SPI_tuptable->tupdesc};

		list = lappend(list, read(&row));
	}
	MemoryContextSwitchTo(spi);
	SPI_finish();
	registry_become_caller(&scope);
	return list;
}

List *
registry_query(RegistryQuery *lookup, Datum argument, RegistryReader read)
{
	return registry_query_as(false, lookup, argument, read);
}

/* For keys that are unique: the row, or NULL. */
void *
registry_query_first(RegistryQuery *lookup, Datum argument, RegistryReader read)
{
	List	   *list = registry_query(lookup, argument, read);

	return list == NIL ? NULL : linitial(list);
}

/* By name, so that a column added to a table in a later version moves nothing here. */
Datum
row_get(const RegistryRow *row, const char *column, bool *isnull)
{
	int			number = SPI_fnumber(row->desc, column);

	if (number <= 0)
		elog(ERROR, "the registry has no column \"%s\"", column);
	return SPI_getbinval(row->tuple, row->desc, number, isnull);
}

/* NULL as 0, which for ids, oids and numbers means that there is none. */
Datum
row_datum(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? (Datum) 0 : value;
}

/* Floats, bigints and times may be passed by reference, where a NULL cannot stand for 0. */
double
row_float(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

int64
row_bigint(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

TimestampTz
row_time(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

/* Copies, all of them: the row goes when SPI is left. */
char *
row_name(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
}

char *
row_text(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

Interval *
row_interval(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);
	Interval   *copy;

	if (isnull)
		return NULL;
	copy = palloc(sizeof(Interval));
	*copy = *DatumGetIntervalP(value);
	return copy;
}

/* The elements of an array without NULLs; none for a NULL array. */
Datum *
row_array(const RegistryRow *row, const char *column, Oid type, int *count)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);
	Datum	   *elements = NULL;
	int16		size;
	bool		byval;
	char		align;

	*count = 0;
	if (isnull)
		return NULL;
	get_typlenbyvalalign(type, &size, &byval, &align);
	deconstruct_array(DatumGetArrayTypePCopy(value), type, size, byval, align, &elements, NULL, count);
	return elements;
}

/* ---------------------------------------------------------------- writing rows */

/* One after the other, in the order of $1, $2, …: value and type stay together, as the plan is prepared from them. */
void
argument(RegistryArguments *arguments, Oid type, Datum value, bool isnull)
{
	int			at = arguments->count++;

	Assert(at < REGISTRY_MAX_ARGUMENTS);
	arguments->type[at] = type;
	arguments->value[at] = value;
	arguments->null[at] = isnull ? 'n' : ' ';
}

void
argument_int(RegistryArguments *arguments, int32 value)
{
	argument(arguments, INT4OID, Int32GetDatum(value), false);
}

/* Where 0 means that there is none, the table has NULL, for people. */
void
argument_optional_int(RegistryArguments *arguments, int32 value)
{
	argument(arguments, INT4OID, Int32GetDatum(value), value == 0);
}

void
argument_bigint(RegistryArguments *arguments, int64 value)
{
	argument(arguments, INT8OID, Int64GetDatum(value), false);
}

void
argument_bool(RegistryArguments *arguments, bool value)
{
	argument(arguments, BOOLOID, BoolGetDatum(value), false);
}

void
argument_float(RegistryArguments *arguments, double value, bool isnull)
{
	argument(arguments, FLOAT8OID, Float8GetDatum(value), isnull);
}

/* As regclass, so that a dump writes the name. */
void
argument_relation(RegistryArguments *arguments, Oid relation)
{
	argument(arguments, REGCLASSOID, ObjectIdGetDatum(relation), !OidIsValid(relation));
}

/* The plain type, whatever domain the shop's column has. */
void
argument_key_type(RegistryArguments *arguments, KeyType type)
{
	argument(arguments, REGTYPEOID, ObjectIdGetDatum(key_type_oid(type)), false);
}

void
argument_name(RegistryArguments *arguments, const char *name)
{
	Name		value = palloc0(sizeof(NameData));

	if (name != NULL)
		namestrcpy(value, name);
	argument(arguments, NAMEOID, NameGetDatum(value), name == NULL);
}

void
argument_interval(RegistryArguments *arguments, Interval *interval)
{
	argument(arguments, INTERVALOID, IntervalPGetDatum(interval), interval == NULL);
}

void
argument_time(RegistryArguments *arguments, TimestampTz time)
{
	argument(arguments, TIMESTAMPTZOID, TimestampTzGetDatum(time), time == DT_NOBEGIN);
}

void
argument_array(RegistryArguments *arguments, Oid array_type, Oid type, Datum *elements, int count, bool isnull)
{
	int16		size;
	bool		byval;
	char		align;

	get_typlenbyvalalign(type, &size, &byval, &align);
	argument(arguments, array_type, PointerGetDatum(construct_array(elements, count, type, size, byval, align)), isnull);
}

/* Returns the first column of the first row, for the one statement that returns any. */
Datum
registry_run(RegistryWrite *write, RegistryArguments *arguments)
{
	Datum		result = (Datum) 0;
	bool		isnull;
	OwnerScope	scope;
	int			code;

	registry_become_owner(&scope);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (write->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(write->text, arguments->count, arguments->type);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare \"%s\": %s", write->text, SPI_result_code_string(SPI_result));
		write->plan = plan;
	}
	code = SPI_execute_plan(write->plan, arguments->value, arguments->null, false, 0);
	if (code < 0)
		elog(ERROR, "could not write the registry: %s", SPI_result_code_string(code));
	if (SPI_tuptable != NULL && SPI_processed > 0)
		result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	SPI_finish();
	registry_become_caller(&scope);
	return result;
}
