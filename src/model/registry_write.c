/*
 * registry_write.c
 *		The registry's tables, written.
 *
 * They belong to the role that created the extension, and so do their rows: nobody else
 * may write them.  Statements are constant, run as that role, and only after
 * a caller has shown that the object in question is the current user's.
 */
#include "base/compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "model/registry.h"

#define MAX_ARGUMENTS 32

/* Immutable but for the plan: a statement, kept once it was needed. */
typedef struct Write
{
	const char *text;
	SPIPlanPtr	plan;
} Write;

typedef struct Arguments
{
	int			count;
	Oid			type[MAX_ARGUMENTS];
	Datum		value[MAX_ARGUMENTS];
	char		null[MAX_ARGUMENTS];
} Arguments;

/* One after the other, in the order of $1, $2, …: value and type stay together, as the plan is prepared from them. */
static void
add(Arguments *arguments, Oid type, Datum value, bool isnull)
{
	int			at = arguments->count++;

	Assert(at < MAX_ARGUMENTS);
	arguments->type[at] = type;
	arguments->value[at] = value;
	arguments->null[at] = isnull ? 'n' : ' ';
}

static void
add_int(Arguments *arguments, int32 value)
{
	add(arguments, INT4OID, Int32GetDatum(value), false);
}

/* Where 0 means that there is none, the table has NULL, for people. */
static void
add_optional_int(Arguments *arguments, int32 value)
{
	add(arguments, INT4OID, Int32GetDatum(value), value == 0);
}

static void
add_bigint(Arguments *arguments, int64 value)
{
	add(arguments, INT8OID, Int64GetDatum(value), false);
}

static void
add_bool(Arguments *arguments, bool value)
{
	add(arguments, BOOLOID, BoolGetDatum(value), false);
}

static void
add_float(Arguments *arguments, double value, bool isnull)
{
	add(arguments, FLOAT8OID, Float8GetDatum(value), isnull);
}

/* As regclass, so that a dump writes the name. */
static void
add_relation(Arguments *arguments, Oid relation)
{
	add(arguments, REGCLASSOID, ObjectIdGetDatum(relation), !OidIsValid(relation));
}

/* The plain type, whatever domain the shop's column has. */
static void
add_key_type(Arguments *arguments, KeyType type)
{
	add(arguments, REGTYPEOID, ObjectIdGetDatum(key_type_oid(type)), false);
}

static void
add_name(Arguments *arguments, const char *name)
{
	Name		value = palloc0(sizeof(NameData));

	if (name != NULL)
		namestrcpy(value, name);
	add(arguments, NAMEOID, NameGetDatum(value), name == NULL);
}

static void
add_interval(Arguments *arguments, Interval *interval)
{
	add(arguments, INTERVALOID, IntervalPGetDatum(interval), interval == NULL);
}

static void
add_time(Arguments *arguments, TimestampTz time)
{
	add(arguments, TIMESTAMPTZOID, TimestampTzGetDatum(time), time == DT_NOBEGIN);
}

static void
add_array(Arguments *arguments, Oid array_type, Oid type, Datum *elements, int count, bool isnull)
{
	int16		size;
	bool		byval;
	char		align;

	get_typlenbyvalalign(type, &size, &byval, &align);
	add(arguments, array_type, PointerGetDatum(construct_array(elements, count, type, size, byval, align)), isnull);
}

/* Returns the first column of the first row, for the one statement that returns any. */
static Datum
run(Write *write, Arguments *arguments)
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

/* ---------------------------------------------------------------- definitions */

/* Ids are never used again, so a trigger that is left over from a dropped history finds nothing. */
int32
registry_next_id(void)
{
	static Write write = {"SELECT pg_catalog.nextval('personalize.registry_id'::pg_catalog.regclass)::pg_catalog.int4"};
	Arguments	arguments = {0};

	return DatumGetInt32(run(&write, &arguments));
}

/* Whatever is state, and not definition, starts with the default of its column. */
void
registry_add_catalog(const CatalogDef *catalog)
{
	static Write write = {"INSERT INTO personalize.catalog"
		" (id, relation, item_type, implicit, products, log, item, available, price, category, created, item_group)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
	Arguments	arguments = {0};

	add_int(&arguments, catalog->id);
	add_relation(&arguments, catalog->relation);
	add_key_type(&arguments, catalog->item_type);
	add_bool(&arguments, catalog->implicit);
	add_relation(&arguments, catalog->products);
	add_relation(&arguments, catalog->log);
	add_name(&arguments, catalog->item);
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
		add_name(&arguments, catalog->attribute[i]);
	run(&write, &arguments);
}

/* NULL, not empty arrays, where all rows count. */
static void
add_events(Arguments *arguments, const HistoryDef *history)
{
	int			n = history->num_events;
	Datum	   *events = palloc0(sizeof(Datum) * (n + 1));
	Datum	   *weights = palloc0(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		events[i] = CStringGetTextDatum(history->events[i]);
		weights[i] = Int32GetDatum(history->event_weights != NULL ? history->event_weights[i] : 1);
	}
	add_array(arguments, TEXTARRAYOID, TEXTOID, events, n, n == 0);
	add_array(arguments, INT4ARRAYOID, INT4OID, weights, n, history->event_weights == NULL);
}

void
registry_add_history(const HistoryDef *history)
{
	static Write write = {"INSERT INTO personalize.history"
		" (id, relation, log, catalog_id, interactions, basket, item, happened, weight, event, events, event_weights,"
		" basket_type, item_type, max_basket, horizon)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"};
	Arguments	arguments = {0};

	add_int(&arguments, history->id);
	add_relation(&arguments, history->relation);
	add_relation(&arguments, history->log);
	add_int(&arguments, history->catalog_id);
	add_relation(&arguments, history->interactions);
	add_name(&arguments, history->basket);
	add_name(&arguments, history->item);
	add_name(&arguments, history->happened);
	add_name(&arguments, history->weight);
	add_name(&arguments, history->event);
	add_events(&arguments, history);
	add_key_type(&arguments, history->basket_type);
	add_key_type(&arguments, history->item_type);
	add_optional_int(&arguments, history->max_basket);
	add_interval(&arguments, history->horizon);
	run(&write, &arguments);
}

/* 12 arguments: measure, five parameters, three of ridge, neighbors, min_count. */
static void
add_scoring(Arguments *arguments, const ModelScoring *scoring)
{
	const MeasureInfo *info = scoring->measure.info;
	const double *params = &scoring->measure.params.shrinkage;

	StaticAssertStmt(sizeof(MeasureParams) == MEASURE_NUM_PARAMS * sizeof(double),
					 "MeasureParams must consist of its parameters");
	add(arguments, TEXTOID, CStringGetTextDatum(scoring->ridge ? REGISTRY_RIDGE : info->name), false);
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		add_float(arguments, params[i], !(info->takes & (1 << i)));
	add_float(arguments, scoring->lambda, !scoring->ridge);
	add_float(arguments, scoring->delta, !scoring->ridge);
	add(arguments, INT4OID, Int32GetDatum(scoring->ridge_size), !scoring->ridge);
	add_int(arguments, scoring->neighbors);
	add_float(arguments, scoring->min_count, false);
}

void
registry_add_model(const ModelDef *model)
{
	static Write write = {"INSERT INTO personalize.model"
		" (id, relation, pairs, history_id, target_id, sequence, \"window\", damping, half_life, generation_days, weighted, item_type,"
		" measure, shrinkage, a, b, p, z, lambda, delta, ridge_size, neighbors, min_count)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)"};
	Arguments	arguments = {0};

	add_int(&arguments, model->id);
	add_relation(&arguments, model->relation);
	add_relation(&arguments, model->pairs);
	add_int(&arguments, model->history_id);
	add_optional_int(&arguments, model->target_id);
	add_bool(&arguments, model->shape.sequence);
	add_optional_int(&arguments, model->shape.window);
	add_float(&arguments, model->shape.damping, false);
	add_interval(&arguments, model->half_life_interval);
	add_optional_int(&arguments, model->shape.generation_days);
	add_bool(&arguments, model->weighted);
	add_key_type(&arguments, model->item_type);
	add_scoring(&arguments, &model->scoring);
	run(&write, &arguments);
}

/* What the counts say stays as it is: only how they are read changes. */
void
registry_set_scoring(const ModelDef *model)
{
	static Write write = {"UPDATE personalize.model"
		" SET measure = $2, shrinkage = $3, a = $4, b = $5, p = $6, z = $7, lambda = $8, delta = $9, ridge_size = $10,"
		" neighbors = $11, min_count = $12"
	" WHERE id OPERATOR(pg_catalog.=) $1"};
	Arguments	arguments = {0};

	add_int(&arguments, model->id);
	add_scoring(&arguments, &model->scoring);
	run(&write, &arguments);
}

/* Read by the triggers, so it stands before they are made. */
void
registry_add_watch(int32 id, Oid relation, const char *key, bool expression)
{
	static Write write = {"INSERT INTO personalize.watch (id, relation, key, expression) VALUES ($1, $2, $3, $4)"};
	Arguments	arguments = {0};

	add_int(&arguments, id);
	add_relation(&arguments, relation);
	add(&arguments, TEXTOID, CStringGetTextDatum(key), false);
	add_bool(&arguments, expression);
	run(&write, &arguments);
}

/* What a catalog or history watches goes with it. */
void
registry_forget(Oid relation)
{
	static Write write[] = {
		{"DELETE FROM personalize.watch AS w WHERE w.relation OPERATOR(pg_catalog.=) $1"
			" OR EXISTS (SELECT FROM personalize.history AS h WHERE h.id OPERATOR(pg_catalog.=) w.id AND h.relation OPERATOR(pg_catalog.=) $1)"
			" OR EXISTS (SELECT FROM personalize.catalog AS c WHERE c.id OPERATOR(pg_catalog.=) w.id AND c.relation OPERATOR(pg_catalog.=) $1)"},
		{"DELETE FROM personalize.catalog AS c WHERE c.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.history AS h WHERE h.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.model AS m WHERE m.relation OPERATOR(pg_catalog.=) $1"},
	};
	Arguments	arguments = {0};

	add(&arguments, OIDOID, ObjectIdGetDatum(relation), false);
	for (size_t i = 0; i < lengthof(write); i++)
		run(&write[i], &arguments);
}

/* CASE without a comparison of its own, whose operator would be looked up by name only. */
#define RENAMED(column) column " = CASE WHEN " column " OPERATOR(pg_catalog.=) $2 THEN $3 ELSE " column " END"

void
registry_rename_column(Oid relation, const char *old_name, const char *new_name)
{
	static Write write[] = {
		{"UPDATE personalize.history SET " RENAMED("basket") ", " RENAMED("item") ", " RENAMED("happened") ", "
			RENAMED("weight") ", " RENAMED("event") " WHERE interactions OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.catalog SET " RENAMED("item") ", " RENAMED("available") ", " RENAMED("price") ", "
			RENAMED("category") ", " RENAMED("created") ", " RENAMED("item_group") " WHERE products OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.watch SET key = $3 WHERE relation OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2::pg_catalog.text"
			" AND NOT expression"},
	};
	Arguments	arguments = {0};

	add(&arguments, OIDOID, ObjectIdGetDatum(relation), false);
	add_name(&arguments, old_name);
	add_name(&arguments, new_name);
	for (size_t i = 0; i < lengthof(write); i++)
		run(&write[i], &arguments);
}

/* ---------------------------------------------------------------- state */

/* A snapshot from before the object was made sees neither its row here nor what is in its tables. */
static void
run_state(Write *write, Arguments *arguments, Oid relation)
{
	if (DatumGetInt32(run(write, arguments)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access: %s is newer than the snapshot of this transaction", registry_name(relation)),
				 errhint("The transaction might succeed if retried.")));
}

/*
 * Every refresh writes this row first.  Where its snapshot is older than the last refresh, as may be under
 * REPEATABLE READ, the server refuses the update: what such a refresh reads would undo the other.
 */
void
registry_refresh_begins(const HistoryDef *history)
{
	static Write write = {"UPDATE personalize.history SET refreshes = refreshes OPERATOR(pg_catalog.+) 1"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	Arguments	arguments = {0};

	add_int(&arguments, history->id);
	run_state(&write, &arguments, history->relation);
}

/*
 * The start of the transaction is what is noted: everything that was committed before it is in.  The time of the snapshot may be
 * later, never earlier.
 */
void
registry_history_refreshed(const HistoryDef *history, const RefreshReport *report)
{
	static Write write = {"UPDATE personalize.history"
		" SET built = $2, horizon_start = $3, num_baskets = $4, last_baskets = $5, last_ms = $6, refreshed = pg_catalog.now(),"
		" rebuilt = CASE WHEN $7 THEN pg_catalog.now() ELSE rebuilt END"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	Arguments	arguments = {0};

	add_int(&arguments, history->id);
	add_bool(&arguments, history->built);
	add_time(&arguments, history->horizon_start);
	add_bigint(&arguments, history->num_baskets);
	add_bigint(&arguments, report->baskets);
	add_float(&arguments, report->ms, false);
	add_bool(&arguments, report->rebuilt);
	run_state(&write, &arguments, history->relation);
}

void
registry_model_refreshed(const ModelDef *model, const RefreshReport *report)
{
	static Write write = {"UPDATE personalize.model"
		" SET built = $2, first_generation = $3, totals = $4, last_pairs = $5, last_items = $6, refreshed = pg_catalog.now(),"
		" rebuilt = CASE WHEN $7 THEN pg_catalog.now() ELSE rebuilt END, last_ms = $8"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	Arguments	arguments = {0};
	Datum	   *totals = palloc0(sizeof(Datum) * (model->num_totals + 1));

	for (int i = 0; i < model->num_totals; i++)
		totals[i] = Int64GetDatum(model->totals[i]);
	add_int(&arguments, model->id);
	add_bool(&arguments, model->built);
	add_int(&arguments, model->first_generation);
	add_array(&arguments, INT8ARRAYOID, INT8OID, totals, model->num_totals, model->num_totals == 0);
	add_bigint(&arguments, report->pairs);
	add_bigint(&arguments, report->items);
	add_bool(&arguments, report->rebuilt);
	add_float(&arguments, report->ms, false);
	run_state(&write, &arguments, model->relation);
}

/* Its counts are as old as they were. */
void
registry_model_rescored(const ModelDef *model, const RefreshReport *report)
{
	static Write write = {"UPDATE personalize.model SET last_items = $2, last_ms = $3"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	Arguments	arguments = {0};

	add_int(&arguments, model->id);
	add_bigint(&arguments, report->items);
	add_float(&arguments, report->ms, false);
	run_state(&write, &arguments, model->relation);
}

/* Attributes are as of now, whether anything had changed or not. */
void
registry_catalog_refreshed(const CatalogDef *catalog)
{
	static Write write = {"UPDATE personalize.catalog SET refreshed = pg_catalog.now() WHERE id OPERATOR(pg_catalog.=) $1"};
	Arguments	arguments = {0};

	add_int(&arguments, catalog->id);
	run(&write, &arguments);
}
