/*
 * lookalike_table.c
 *		Lookalikes of a seed set among the rows of a table of features, and how well such a model finds seeds that it was not shown.
 *
 * Both are one statement each over lookalike_model and lookalike_score, so that the server plans, sorts and spills as for any other; it runs as the
 * caller, with the caller's snapshot.
 */
#include "value/lookalike.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/guards.h"

#define MOST_FOUND 1000000
/* Of a hash of the key: enough that a share is met to a millionth. */
#define HASH_RANGE 1048576.0

typedef struct Table
{
	Oid			key_type;
	char	   *name;			/* quoted, with its schema */
	char	   *key;
	char	   *features;
	const char *order;			/* texts by their bytes */
} Table;

/* Told here, as the parser would speak of a statement that nobody wrote. */
static Oid
column_type(Relation rel, const char *column)
{
	AttrNumber	number = get_attnum(RelationGetRelid(rel), column);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(rel), column),
				 errhint("key_column and features_column name the columns with the customer's key and features.")));
	return get_atttype(RelationGetRelid(rel), number);
}

/* (seed anyarray, features regclass, …, key_column, features_column): the last two are the last arguments. */
static Table
table_argument(FunctionCallInfo fcinfo, int key_column)
{
	Table		t;
	char	   *key = NameStr(*PG_GETARG_NAME(key_column));
	char	   *features = NameStr(*PG_GETARG_NAME(key_column + 1));
	Relation	rel = relation_open(PG_GETARG_OID(1), AccessShareLock);
	Oid			seed_type = ARR_ELEMTYPE(PG_GETARG_ARRAYTYPE_P(0));

	t.key_type = column_type(rel, key);
	if (t.key_type != seed_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("keys of the seed are %s, those of \"%s\" are %s", format_type_be(seed_type), RelationGetRelationName(rel), format_type_be(t.key_type)),
				 errhint("Cast the seed to %s[].", format_type_be(t.key_type))));
	if (column_type(rel, features) != TEXTARRAYOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" must be text[]", features, RelationGetRelationName(rel))));
	t.name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	t.key = pstrdup(quote_identifier(key));
	t.features = pstrdup(quote_identifier(features));
	t.order = type_is_collatable(t.key_type) ? " COLLATE pg_catalog.\"C\"" : "";
	relation_close(rel, NoLock);
	return t;
}

/*
 * Customers with what they are to the model: of the seeds, in it or hidden from it.  They are read twice, which is cheaper than to keep arrays of a
 * million customers in between, and leaves both reads to parallel workers.
 */
static char *
customers_of(const Table *t)
{
	return psprintf("WITH s AS (SELECT DISTINCT u.key, (pg_catalog.hashtextextended(u.key::pg_catalog.text COLLATE pg_catalog.\"C\", $4) OPERATOR(pg_catalog.&) 1048575)"
					" OPERATOR(pg_catalog.<) $3 AS hidden FROM pg_catalog.unnest($1) AS u(key) WHERE u.key IS NOT NULL), "
					"c AS NOT MATERIALIZED (SELECT f.%2$s AS key, f.%3$s AS features, s.key IS NOT NULL AND NOT s.hidden AS in_seed, s.key IS NOT NULL AND s.hidden AS hidden"
					" FROM %1$s AS f LEFT JOIN s ON f.%2$s OPERATOR(pg_catalog.=) s.key WHERE f.%2$s IS NOT NULL AND f.%3$s IS NOT NULL), "
					"m AS MATERIALIZED (SELECT personalize.lookalike_model(c.features, c.in_seed) AS model, pg_catalog.count(*) FILTER (WHERE c.hidden) AS hidden FROM c), "
					"best AS (SELECT c.key, personalize.lookalike_score(m.model, c.features) AS score, c.hidden FROM c, m WHERE NOT c.in_seed ORDER BY 2 DESC, c.key%4$s LIMIT $2) ",
					t->name, t->key, t->features, t->order);
}

static void
run(FunctionCallInfo fcinfo, const Table *t, const char *query, double hidden, int64 hash_seed)
{
	Oid			types[4] = {get_array_type(t->key_type), INT8OID, INT8OID, INT8OID};
	Datum		values[4];

	values[0] = PG_GETARG_DATUM(0);
	values[1] = Int64GetDatum(guard_int_range("k", PG_GETARG_INT32(2), 1, MOST_FOUND));
	values[2] = Int64GetDatum((int64) (guard_float_range("hidden", hidden, 0, 1) * HASH_RANGE));
	values[3] = Int64GetDatum(hash_seed);
	if (SPI_execute_with_args(psprintf("%s%s", customers_of(t), query), 4, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read features");
}

static void
no_seeds(const Table *t)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no key of the seed has features in %s", t->name)));
}

/* Columns come in the order in which they are returned. */
static void
put_row(ReturnSetInfo *result, uint64 row, int columns)
{
	Datum		values[7];
	bool		nulls[7];

	for (int i = 0; i < columns; i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, i + 1, &nulls[i]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* (seed, features, k, key_column, features_column): never more rows than k in memory */
PG_FUNCTION_INFO_V1(personalize_lookalike);
Datum
personalize_lookalike(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Table		t;

	compat_materialize(fcinfo);
	t = table_argument(fcinfo, 3);
	SPI_connect();
	run(fcinfo, &t, "SELECT best.key, best.score, pg_catalog.row_number() OVER () FROM best WHERE (SELECT personalize.num_seeds(m.model) FROM m) OPERATOR(pg_catalog.>) 0", 0, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		put_row(result, i, 3);
	/* all may be seeds, but some must be */
	if (SPI_processed == 0)
	{
		run(fcinfo, &t, "SELECT 1 FROM m WHERE personalize.num_seeds(m.model) OPERATOR(pg_catalog.>) 0", 0, 0);
		if (SPI_processed == 0)
			no_seeds(&t);
	}
	SPI_finish();
	return (Datum) 0;
}

/* (seed, features, k, hidden, hash_seed, key_column, features_column) */
PG_FUNCTION_INFO_V1(personalize_lookalike_lift);
Datum
personalize_lookalike_lift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Table		t;
	bool		isnull;

	compat_materialize(fcinfo);
	t = table_argument(fcinfo, 5);
	SPI_connect();
	run(fcinfo, &t,
		"SELECT x.seeds, x.hidden, x.candidates, x.found, x.recall, x.random, x.recall OPERATOR(pg_catalog./) x.random FROM ("
		"SELECT y.seeds, y.hidden, y.candidates, y.found, y.found::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(y.hidden, 0) AS recall,"
		" LEAST($2, y.candidates)::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(y.candidates, 0) AS random FROM ("
		"SELECT personalize.num_seeds(m.model) AS seeds, m.hidden, personalize.num_customers(m.model) OPERATOR(pg_catalog.-) personalize.num_seeds(m.model) AS candidates,"
		" (SELECT pg_catalog.count(*) FROM best WHERE best.hidden) AS found FROM m) AS y) AS x",
		PG_GETARG_FLOAT8(3), PG_GETARG_INT64(4));
	SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull || DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) == 0)
		no_seeds(&t);
	put_row(result, 0, 7);
	SPI_finish();
	return (Datum) 0;
}
