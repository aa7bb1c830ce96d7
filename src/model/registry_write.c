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

#include "model/registry_rows.h"

/* ---------------------------------------------------------------- definitions */

/* Ids are never used again, so a trigger that is left over from a dropped history finds nothing. */
int32
registry_next_id(void)
{
	static RegistryWrite write = {"SELECT pg_catalog.nextval('personalize.registry_id'::pg_catalog.regclass)::pg_catalog.int4"};
	RegistryArguments arguments = {0};

	return DatumGetInt32(registry_run(&write, &arguments));
}

/* Whatever is state, and not definition, starts with the default of its column. */
void
registry_add_catalog(const CatalogDef *catalog)
{
	static RegistryWrite write = {"INSERT INTO personalize.catalog"
		" (id, relation, item_type, implicit, products, log, item, available, price, category, created, item_group)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, catalog->id);
	argument_relation(&arguments, catalog->relation);
	argument_key_type(&arguments, catalog->item_type);
	argument_bool(&arguments, catalog->implicit);
	argument_relation(&arguments, catalog->products);
	argument_relation(&arguments, catalog->log);
	argument_name(&arguments, catalog->item);
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
		argument_name(&arguments, catalog->attribute[i]);
	registry_run(&write, &arguments);
}

/* NULL, not empty arrays, where all rows count. */
static void
argument_events(RegistryArguments *arguments, const HistoryDef *history)
{
	int			n = history->num_events;
	Datum	   *events = palloc0(sizeof(Datum) * (n + 1));
	Datum	   *weights = palloc0(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		events[i] = CStringGetTextDatum(history->events[i]);
		weights[i] = Int32GetDatum(history->event_weights != NULL ? history->event_weights[i] : 1);
	}
	argument_array(arguments, TEXTARRAYOID, TEXTOID, events, n, n == 0);
	argument_array(arguments, INT4ARRAYOID, INT4OID, weights, n, history->event_weights == NULL);
}

void
registry_add_history(const HistoryDef *history)
{
	static RegistryWrite write = {"INSERT INTO personalize.history"
		" (id, relation, log, catalog_id, interactions, basket, item, happened, weight, event, events, event_weights,"
		" basket_type, item_type, max_basket, horizon)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, history->id);
	argument_relation(&arguments, history->relation);
	argument_relation(&arguments, history->log);
	argument_int(&arguments, history->catalog_id);
	argument_relation(&arguments, history->interactions);
	argument_name(&arguments, history->basket);
	argument_name(&arguments, history->item);
	argument_name(&arguments, history->happened);
	argument_name(&arguments, history->weight);
	argument_name(&arguments, history->event);
	argument_events(&arguments, history);
	argument_key_type(&arguments, history->basket_type);
	argument_key_type(&arguments, history->item_type);
	argument_optional_int(&arguments, history->max_basket);
	argument_interval(&arguments, history->horizon);
	registry_run(&write, &arguments);
}

/* 12 arguments: measure, five parameters, three of ridge, neighbors, min_count. */
static void
argument_scoring(RegistryArguments *arguments, const ModelScoring *scoring)
{
	const MeasureInfo *info = scoring->measure.info;
	const double *params = &scoring->measure.params.shrinkage;

	StaticAssertStmt(sizeof(MeasureParams) == MEASURE_NUM_PARAMS * sizeof(double),
					 "MeasureParams must consist of its parameters");
	argument(arguments, TEXTOID, CStringGetTextDatum(scoring->ridge ? REGISTRY_RIDGE : info->name), false);
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
		argument_float(arguments, params[i], !(info->takes & (1 << i)));
	argument_float(arguments, scoring->lambda, !scoring->ridge);
	argument_float(arguments, scoring->delta, !scoring->ridge);
	argument(arguments, INT4OID, Int32GetDatum(scoring->ridge_size), !scoring->ridge);
	argument_int(arguments, scoring->neighbors);
	argument_float(arguments, scoring->min_count, false);
}

void
registry_add_model(const ModelDef *model)
{
	static RegistryWrite write = {"INSERT INTO personalize.model"
		" (id, relation, pairs, history_id, target_id, sequence, \"window\", damping, half_life, generation_days, weighted, item_type,"
		" measure, shrinkage, a, b, p, z, lambda, delta, ridge_size, neighbors, min_count)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, model->id);
	argument_relation(&arguments, model->relation);
	argument_relation(&arguments, model->pairs);
	argument_int(&arguments, model->history_id);
	argument_optional_int(&arguments, model->target_id);
	argument_bool(&arguments, model->shape.sequence);
	argument_optional_int(&arguments, model->shape.window);
	argument_float(&arguments, model->shape.damping, false);
	argument_interval(&arguments, model->half_life_interval);
	argument_optional_int(&arguments, model->shape.generation_days);
	argument_bool(&arguments, model->weighted);
	argument_key_type(&arguments, model->item_type);
	argument_scoring(&arguments, &model->scoring);
	registry_run(&write, &arguments);
}

/* What the counts say stays as it is: only how they are read changes. */
void
registry_set_scoring(const ModelDef *model)
{
	static RegistryWrite write = {"UPDATE personalize.model"
		" SET measure = $2, shrinkage = $3, a = $4, b = $5, p = $6, z = $7, lambda = $8, delta = $9, ridge_size = $10,"
		" neighbors = $11, min_count = $12"
	" WHERE id OPERATOR(pg_catalog.=) $1"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, model->id);
	argument_scoring(&arguments, &model->scoring);
	registry_run(&write, &arguments);
}

/* Read by the triggers, so it stands before they are made. */
void
registry_add_watch(int32 id, Oid relation, const char *key, bool expression)
{
	static RegistryWrite write = {"INSERT INTO personalize.watch (id, relation, key, expression) VALUES ($1, $2, $3, $4)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, id);
	argument_relation(&arguments, relation);
	argument(&arguments, TEXTOID, CStringGetTextDatum(key), false);
	argument_bool(&arguments, expression);
	registry_run(&write, &arguments);
}

/* What a catalog or history watches goes with it. */
void
registry_forget(Oid relation)
{
	static RegistryWrite write[] = {
		{"DELETE FROM personalize.watch AS w WHERE w.relation OPERATOR(pg_catalog.=) $1"
			" OR EXISTS (SELECT FROM personalize.history AS h WHERE h.id OPERATOR(pg_catalog.=) w.id AND h.relation OPERATOR(pg_catalog.=) $1)"
			" OR EXISTS (SELECT FROM personalize.catalog AS c WHERE c.id OPERATOR(pg_catalog.=) w.id AND c.relation OPERATOR(pg_catalog.=) $1)"
			" OR EXISTS (SELECT FROM personalize.popularity AS p WHERE p.id OPERATOR(pg_catalog.=) w.id AND p.relation OPERATOR(pg_catalog.=) $1)"
			" OR EXISTS (SELECT FROM personalize.activity_table AS a WHERE a.id OPERATOR(pg_catalog.=) w.id AND a.relation OPERATOR(pg_catalog.=) $1)"},
		{"DELETE FROM personalize.activity_source AS s WHERE EXISTS (SELECT FROM personalize.activity_table AS a"
			" WHERE a.id OPERATOR(pg_catalog.=) s.id AND a.relation OPERATOR(pg_catalog.=) $1)"},
		{"DELETE FROM personalize.activity_table AS a WHERE a.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.catalog AS c WHERE c.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.history AS h WHERE h.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.model AS m WHERE m.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.popularity AS p WHERE p.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.sessions AS s WHERE s.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.segment AS s WHERE s.relation OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.rfm_fit AS r WHERE r.relation OPERATOR(pg_catalog.=) $1"},
	};
	RegistryArguments arguments = {0};

	argument(&arguments, OIDOID, ObjectIdGetDatum(relation), false);
	for (size_t i = 0; i < lengthof(write); i++)
		registry_run(&write[i], &arguments);
}

/* CASE without a comparison of its own, whose operator would be looked up by name only. */
#define RENAMED(column) column " = CASE WHEN " column " OPERATOR(pg_catalog.=) $2 THEN $3 ELSE " column " END"

void
registry_rename_column(Oid relation, const char *old_name, const char *new_name)
{
	static RegistryWrite write[] = {
		{"UPDATE personalize.history SET " RENAMED("basket") ", " RENAMED("item") ", " RENAMED("happened") ", "
			RENAMED("weight") ", " RENAMED("event") " WHERE interactions OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.catalog SET " RENAMED("item") ", " RENAMED("available") ", " RENAMED("price") ", "
			RENAMED("category") ", " RENAMED("created") ", " RENAMED("item_group") " WHERE products OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.popularity SET " RENAMED("key") ", by = pg_catalog.array_replace(by, $2, $3)"
			" WHERE segments OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.activity_table SET " RENAMED("key") ", " RENAMED("zone") ", " RENAMED("consent")
			" WHERE customers OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.activity_table SET " RENAMED("scores_customer") ", " RENAMED("scores_model") ", " RENAMED("scores_score")
			" WHERE scores OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.activity_source SET " RENAMED("customer") ", " RENAMED("at") ", " RENAMED("amount") ", " RENAMED("event_column")
			" WHERE relation OPERATOR(pg_catalog.=) $1"},
		{"UPDATE personalize.watch SET key = $3 WHERE relation OPERATOR(pg_catalog.=) $1 AND key OPERATOR(pg_catalog.=) $2::pg_catalog.text"
			" AND NOT expression"},
	};
	RegistryArguments arguments = {0};

	argument(&arguments, OIDOID, ObjectIdGetDatum(relation), false);
	argument_name(&arguments, old_name);
	argument_name(&arguments, new_name);
	for (size_t i = 0; i < lengthof(write); i++)
		registry_run(&write[i], &arguments);
}

/* ---------------------------------------------------------------- state */

/* A snapshot from before the object was made sees neither its row here nor what is in its tables. */
void
registry_run_state(RegistryWrite *write, RegistryArguments *arguments, Oid relation)
{
	if (DatumGetInt32(registry_run(write, arguments)) == 0)
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
	static RegistryWrite write = {"UPDATE personalize.history SET refreshes = refreshes OPERATOR(pg_catalog.+) 1"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, history->id);
	registry_run_state(&write, &arguments, history->relation);
}

/*
 * The start of the transaction is what is noted: everything that was committed before it is in.  The time of the snapshot may be
 * later, never earlier.
 */
void
registry_history_refreshed(const HistoryDef *history, const RefreshReport *report)
{
	static RegistryWrite write = {"UPDATE personalize.history"
		" SET built = $2, horizon_start = $3, num_baskets = $4, last_baskets = $5, last_ms = $6, refreshed = pg_catalog.now(),"
		" rebuilt = CASE WHEN $7 THEN pg_catalog.now() ELSE rebuilt END"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, history->id);
	argument_bool(&arguments, history->built);
	argument_time(&arguments, history->horizon_start);
	argument_bigint(&arguments, history->num_baskets);
	argument_bigint(&arguments, report->baskets);
	argument_float(&arguments, report->ms, false);
	argument_bool(&arguments, report->rebuilt);
	registry_run_state(&write, &arguments, history->relation);
}

void
registry_model_refreshed(const ModelDef *model, const RefreshReport *report)
{
	static RegistryWrite write = {"UPDATE personalize.model"
		" SET built = $2, first_generation = $3, totals = $4, last_pairs = $5, last_items = $6, refreshed = pg_catalog.now(),"
		" rebuilt = CASE WHEN $7 THEN pg_catalog.now() ELSE rebuilt END, last_ms = $8"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};
	Datum	   *totals = palloc0(sizeof(Datum) * (model->num_totals + 1));

	for (int i = 0; i < model->num_totals; i++)
		totals[i] = Int64GetDatum(model->totals[i]);
	argument_int(&arguments, model->id);
	argument_bool(&arguments, model->built);
	argument_int(&arguments, model->first_generation);
	argument_array(&arguments, INT8ARRAYOID, INT8OID, totals, model->num_totals, model->num_totals == 0);
	argument_bigint(&arguments, report->pairs);
	argument_bigint(&arguments, report->items);
	argument_bool(&arguments, report->rebuilt);
	argument_float(&arguments, report->ms, false);
	registry_run_state(&write, &arguments, model->relation);
}

/* Its counts are as old as they were. */
void
registry_model_rescored(const ModelDef *model, const RefreshReport *report)
{
	static RegistryWrite write = {"UPDATE personalize.model SET last_items = $2, last_ms = $3"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, model->id);
	argument_bigint(&arguments, report->items);
	argument_float(&arguments, report->ms, false);
	registry_run_state(&write, &arguments, model->relation);
}

/* Attributes are as of now, whether anything had changed or not. */
void
registry_catalog_refreshed(const CatalogDef *catalog)
{
	static RegistryWrite write = {"UPDATE personalize.catalog SET refreshed = pg_catalog.now() WHERE id OPERATOR(pg_catalog.=) $1"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, catalog->id);
	registry_run(&write, &arguments);
}
