/*
 * registry_rows.h
 *		Rows of the registry's tables, for those files that know a table: read by the names of their columns, written by
 *		constant statements, all as the role that owns the tables.
 */
#ifndef PERSONALIZE_REGISTRY_ROWS_H
#define PERSONALIZE_REGISTRY_ROWS_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "nodes/pg_list.h"

#include "model/registry.h"

/* A statement with one parameter, and its plan once it was needed. */
typedef struct RegistryQuery
{
	const char *text;
	Oid			type;			/* of $1; InvalidOid: there is none */
	SPIPlanPtr	plan;
} RegistryQuery;

typedef struct RegistryRow
{
	HeapTuple	tuple;
	TupleDesc	desc;
} RegistryRow;

typedef void *(*RegistryReader) (const RegistryRow *row);

/* A list of what `read` makes of each row, in the caller's memory context; as_seen: by the active snapshot, otherwise by the latest. */
extern List *registry_query_as(bool as_seen, RegistryQuery *query, Datum argument, RegistryReader read);
extern List *registry_query(RegistryQuery *query, Datum argument, RegistryReader read);
/* For keys that are unique: the row, or NULL. */
extern void *registry_query_first(RegistryQuery *query, Datum argument, RegistryReader read);

/* By name, so that a column added to a table in a later version moves nothing here. */
extern Datum row_get(const RegistryRow *row, const char *column, bool *isnull);
/* NULL as 0, which for ids, oids and numbers means that there is none. */
extern Datum row_datum(const RegistryRow *row, const char *column);
extern double row_float(const RegistryRow *row, const char *column);
extern int64 row_bigint(const RegistryRow *row, const char *column);
extern TimestampTz row_time(const RegistryRow *row, const char *column);	/* NULL: DT_NOBEGIN */
/* Copies; NULL for NULL. */
extern char *row_name(const RegistryRow *row, const char *column);
extern char *row_text(const RegistryRow *row, const char *column);
extern Interval *row_interval(const RegistryRow *row, const char *column);
/* The elements of an array without NULLs; none for a NULL array. */
extern Datum *row_array(const RegistryRow *row, const char *column, Oid type, int *count);

/* --- writing --- */
#define REGISTRY_MAX_ARGUMENTS 32

/* Immutable but for the plan: a statement, kept once it was needed. */
typedef struct RegistryWrite
{
	const char *text;
	SPIPlanPtr	plan;
} RegistryWrite;

/* One after the other, in the order of $1, $2, …: value and type stay together, as the plan is prepared from them. */
typedef struct RegistryArguments
{
	int			count;
	Oid			type[REGISTRY_MAX_ARGUMENTS];
	Datum		value[REGISTRY_MAX_ARGUMENTS];
	char		null[REGISTRY_MAX_ARGUMENTS];
} RegistryArguments;

extern void argument(RegistryArguments *arguments, Oid type, Datum value, bool isnull);
extern void argument_int(RegistryArguments *arguments, int32 value);
/* Where 0 means that there is none, the table has NULL, for people. */
extern void argument_optional_int(RegistryArguments *arguments, int32 value);
extern void argument_bigint(RegistryArguments *arguments, int64 value);
extern void argument_bool(RegistryArguments *arguments, bool value);
extern void argument_float(RegistryArguments *arguments, double value, bool isnull);
extern void argument_relation(RegistryArguments *arguments, Oid relation);
extern void argument_key_type(RegistryArguments *arguments, KeyType type);
extern void argument_name(RegistryArguments *arguments, const char *name);
extern void argument_interval(RegistryArguments *arguments, Interval *interval);
extern void argument_time(RegistryArguments *arguments, TimestampTz time);
extern void argument_array(RegistryArguments *arguments, Oid array_type, Oid type, Datum *elements, int count, bool isnull);
/* Returns the first column of the first row, if the statement returns any. */
extern Datum registry_run(RegistryWrite *write, RegistryArguments *arguments);
/* State, with RETURNING id: fails with a serialization error where the snapshot does not see the row. */
extern void registry_run_state(RegistryWrite *write, RegistryArguments *arguments, Oid relation);

#endif							/* PERSONALIZE_REGISTRY_ROWS_H */
