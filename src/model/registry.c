/*
 * registry.c
 *		What exists, read from the registry's tables.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "model/registry_rows.h"
#include "value/measure.h"

const char *const catalog_attribute_names[CATALOG_NUM_ATTRIBUTES] = {
	[CATALOG_AVAILABLE] = "available",
	[CATALOG_PRICE] = "price",
	[CATALOG_CATEGORY] = "category",
	[CATALOG_CREATED] = "created",
	[CATALOG_GROUP] = "item_group",
};

/* ---------------------------------------------------------------- definitions */

/* In a relation's row the key types stand as SQL types: people read these tables, and dumps carry them. */
static void *
read_catalog(const RegistryRow *row)
{
	CatalogDef *catalog = palloc0(sizeof(CatalogDef));

	catalog->id = DatumGetInt32(row_datum(row, "id"));
	catalog->relation = DatumGetObjectId(row_datum(row, "relation"));
	catalog->item_type = key_type(DatumGetObjectId(row_datum(row, "item_type")), "item");
	catalog->implicit = DatumGetBool(row_datum(row, "implicit"));
	catalog->products = DatumGetObjectId(row_datum(row, "products"));
	catalog->log = DatumGetObjectId(row_datum(row, "log"));
	catalog->item = row_name(row, "item");
	for (int i = 0; i < CATALOG_NUM_ATTRIBUTES; i++)
		catalog->attribute[i] = row_name(row, catalog_attribute_names[i]);
	catalog->refreshed = row_time(row, "refreshed");
	return catalog;
}

static void
read_events(const RegistryRow *row, HistoryDef *history)
{
	int			num_weights;
	Datum	   *events = row_array(row, "events", TEXTOID, &history->num_events);
	Datum	   *weights = row_array(row, "event_weights", INT4OID, &num_weights);

	history->events = palloc0(sizeof(char *) * (history->num_events + 1));
	for (int i = 0; i < history->num_events; i++)
		history->events[i] = TextDatumGetCString(events[i]);
	if (weights == NULL)
		return;
	/* the arrays are of one length by create_history; whoever edited them must not make us read past the end */
	history->event_weights = palloc0(sizeof(int32) * (history->num_events + 1));
	for (int i = 0; i < history->num_events && i < num_weights; i++)
		history->event_weights[i] = DatumGetInt32(weights[i]);
}

static void *
read_history(const RegistryRow *row)
{
	HistoryDef *history = palloc0(sizeof(HistoryDef));

	history->id = DatumGetInt32(row_datum(row, "id"));
	history->relation = DatumGetObjectId(row_datum(row, "relation"));
	history->log = DatumGetObjectId(row_datum(row, "log"));
	history->catalog_id = DatumGetInt32(row_datum(row, "catalog_id"));
	history->interactions = DatumGetObjectId(row_datum(row, "interactions"));
	history->basket = row_name(row, "basket");
	history->item = row_name(row, "item");
	history->happened = row_name(row, "happened");
	history->weight = row_name(row, "weight");
	history->event = row_name(row, "event");
	read_events(row, history);
	history->basket_type = key_type(DatumGetObjectId(row_datum(row, "basket_type")), "basket");
	history->item_type = key_type(DatumGetObjectId(row_datum(row, "item_type")), "item");
	history->max_basket = DatumGetInt32(row_datum(row, "max_basket"));
	history->horizon = row_interval(row, "horizon");
	history->built = DatumGetBool(row_datum(row, "built"));
	history->horizon_start = row_time(row, "horizon_start");
	history->num_baskets = row_bigint(row, "num_baskets");
	history->refreshed = row_time(row, "refreshed");
	history->rebuilt = row_time(row, "rebuilt");
	history->last_baskets = row_bigint(row, "last_baskets");
	history->last_ms = row_float(row, "last_ms");
	return history;
}

/* Checked again as at creation: a row that was restored from another version may name what this one does not know. */
static void
read_scoring(const RegistryRow *row, ModelScoring *scoring)
{
	static const char *const params[MEASURE_NUM_PARAMS] = {"shrinkage", "a", "b", "p", "z"};
	double		values[MEASURE_NUM_PARAMS];
	bool		given[MEASURE_NUM_PARAMS];
	char	   *measure = row_text(row, "measure");

	scoring->ridge = strcmp(measure, REGISTRY_RIDGE) == 0;
	for (int i = 0; i < MEASURE_NUM_PARAMS; i++)
	{
		bool		isnull;

		row_get(row, params[i], &isnull);
		given[i] = !isnull;
		values[i] = row_float(row, params[i]);
	}
	/* ridge chooses its candidates by the kernel, so the row holds the kernel's parameters */
	measure_init(&scoring->measure, scoring->ridge ? "kernel" : measure, values, given);
	scoring->neighbors = DatumGetInt32(row_datum(row, "neighbors"));
	scoring->min_count = row_float(row, "min_count");
	scoring->lambda = row_float(row, "lambda");
	scoring->delta = row_float(row, "delta");
	scoring->ridge_size = DatumGetInt32(row_datum(row, "ridge_size"));
}

/* The only place that says how long an interval is, so that creation and every later reading agree to the bit. */
double
registry_interval_days(const Interval *interval)
{
	return interval->month * 30.0 + interval->day + interval->time / (double) USECS_PER_DAY;
}

static void *
read_model(const RegistryRow *row)
{
	ModelDef   *model = palloc0(sizeof(ModelDef));
	Datum	   *totals = row_array(row, "totals", INT8OID, &model->num_totals);

	model->id = DatumGetInt32(row_datum(row, "id"));
	model->relation = DatumGetObjectId(row_datum(row, "relation"));
	model->pairs = DatumGetObjectId(row_datum(row, "pairs"));
	model->history_id = DatumGetInt32(row_datum(row, "history_id"));
	model->target_id = DatumGetInt32(row_datum(row, "target_id"));
	model->shape.directed = model->target_id != 0;
	model->shape.sequence = DatumGetBool(row_datum(row, "sequence"));
	model->shape.window = DatumGetInt32(row_datum(row, "window"));
	model->shape.damping = row_float(row, "damping");
	model->shape.generation_days = DatumGetInt32(row_datum(row, "generation_days"));
	model->weighted = DatumGetBool(row_datum(row, "weighted"));
	model->item_type = key_type(DatumGetObjectId(row_datum(row, "item_type")), "item");
	model->half_life_interval = row_interval(row, "half_life");
	/* half_life implies generations: create_cooccurrence sees to it */
	if (model->half_life_interval != NULL)
		model->half_life = registry_interval_days(model->half_life_interval) / model->shape.generation_days;
	read_scoring(row, &model->scoring);
	model->built = DatumGetBool(row_datum(row, "built"));
	model->first_generation = DatumGetInt32(row_datum(row, "first_generation"));
	model->totals = palloc0(sizeof(int64) * (model->num_totals + 1));
	for (int i = 0; i < model->num_totals; i++)
		model->totals[i] = DatumGetInt64(totals[i]);
	model->refreshed = row_time(row, "refreshed");
	model->rebuilt = row_time(row, "rebuilt");
	model->last_pairs = row_bigint(row, "last_pairs");
	model->last_items = row_bigint(row, "last_items");
	model->last_ms = row_float(row, "last_ms");
	return model;
}

static void *
read_watch(const RegistryRow *row)
{
	WatchDef   *watch = palloc0(sizeof(WatchDef));

	watch->id = DatumGetInt32(row_datum(row, "id"));
	watch->relation = DatumGetObjectId(row_datum(row, "relation"));
	watch->key = row_text(row, "key");
	watch->expression = DatumGetBool(row_datum(row, "expression"));
	return watch;
}

/* ---------------------------------------------------------------- look-ups */

HistoryDef *
registry_history(Oid relation)
{
	static RegistryQuery lookup = {"SELECT h.* FROM personalize.history AS h WHERE h.relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return registry_query_first(&lookup, ObjectIdGetDatum(relation), read_history);
}

static RegistryQuery history_by_id =
{"SELECT h.* FROM personalize.history AS h WHERE h.id OPERATOR(pg_catalog.=) $1", INT4OID};

HistoryDef *
registry_history_by_id(int32 id)
{
	return registry_query_first(&history_by_id, Int32GetDatum(id), read_history);
}

void
registry_history_as_seen(HistoryDef *history)
{
	List	   *seen = registry_query_as(true, &history_by_id, Int32GetDatum(history->id), read_history);

	if (seen != NIL)
		*history = *(HistoryDef *) linitial(seen);
	else
	{
		history->built = false;
		history->num_baskets = 0;
		history->refreshed = history->rebuilt = DT_NOBEGIN;
	}
}

CatalogDef *
registry_catalog(Oid relation)
{
	static RegistryQuery lookup = {"SELECT c.* FROM personalize.catalog AS c WHERE c.relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return registry_query_first(&lookup, ObjectIdGetDatum(relation), read_catalog);
}

CatalogDef *
registry_catalog_by_id(int32 id)
{
	static RegistryQuery lookup = {"SELECT c.* FROM personalize.catalog AS c WHERE c.id OPERATOR(pg_catalog.=) $1", INT4OID};

	return registry_query_first(&lookup, Int32GetDatum(id), read_catalog);
}

ModelDef *
registry_model(Oid relation)
{
	static RegistryQuery lookup = {"SELECT m.* FROM personalize.model AS m WHERE m.relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return registry_query_first(&lookup, ObjectIdGetDatum(relation), read_model);
}

/* By id, which, unlike the name, nobody can have given to another one. */
void
registry_model_as_seen(ModelDef *model)
{
	static RegistryQuery lookup = {"SELECT m.* FROM personalize.model AS m WHERE m.id OPERATOR(pg_catalog.=) $1", INT4OID};
	List	   *seen = registry_query_as(true, &lookup, Int32GetDatum(model->id), read_model);

	if (seen != NIL)
		*model = *(ModelDef *) linitial(seen);
	else
	{
		model->built = false;
		model->num_totals = 0;
		model->refreshed = model->rebuilt = DT_NOBEGIN;
	}
}

/* A directed model is one of both of its histories. */
List *
registry_models_of(int32 history_id)
{
	static RegistryQuery lookup = {"SELECT m.* FROM personalize.model AS m"
		" WHERE m.history_id OPERATOR(pg_catalog.=) $1 OR m.target_id OPERATOR(pg_catalog.=) $1 ORDER BY m.id", INT4OID};

	return registry_query(&lookup, Int32GetDatum(history_id), read_model);
}

List *
registry_all_models(void)
{
	static RegistryQuery lookup = {"SELECT m.* FROM personalize.model AS m ORDER BY m.id", InvalidOid};

	return registry_query(&lookup, (Datum) 0, read_model);
}

/* In the order of their creation, in which they are refreshed. */
List *
registry_histories(void)
{
	static RegistryQuery lookup = {"SELECT h.* FROM personalize.history AS h ORDER BY h.id", InvalidOid};

	return registry_query(&lookup, (Datum) 0, read_history);
}

List *
registry_catalogs(void)
{
	static RegistryQuery lookup = {"SELECT c.* FROM personalize.catalog AS c ORDER BY c.id", InvalidOid};

	return registry_query(&lookup, (Datum) 0, read_catalog);
}

/* Models join histories in chains, too: a to b, b to c. */
List *
registry_group(int32 history_id)
{
	static RegistryQuery lookup = {"WITH RECURSIVE joined(id) AS ("
		"SELECT $1 UNION SELECT CASE WHEN m.history_id OPERATOR(pg_catalog.=) j.id THEN m.target_id ELSE m.history_id END"
		" FROM joined AS j JOIN (SELECT history_id, target_id FROM personalize.model UNION ALL"
		" SELECT history_id, target_id FROM personalize.popularity) AS m"
		" ON m.history_id OPERATOR(pg_catalog.=) j.id OR m.target_id OPERATOR(pg_catalog.=) j.id"
		" WHERE m.target_id IS NOT NULL)"
		" SELECT h.* FROM personalize.history AS h JOIN joined AS j ON h.id OPERATOR(pg_catalog.=) j.id ORDER BY h.id", INT4OID};

	return registry_query(&lookup, Int32GetDatum(history_id), read_history);
}

List *
registry_watches(int32 id)
{
	static RegistryQuery lookup = {"SELECT w.* FROM personalize.watch AS w WHERE w.id OPERATOR(pg_catalog.=) $1 ORDER BY w.relation", INT4OID};

	return registry_query(&lookup, Int32GetDatum(id), read_watch);
}

/* For those who lock or look at tables and do not care for keys. */
List *
registry_watched(int32 id)
{
	List	   *relations = NIL;
	ListCell   *cell;

	foreach(cell, registry_watches(id))
		relations = lappend_oid(relations, ((WatchDef *) lfirst(cell))->relation);
	return relations;
}

/* ---------------------------------------------------------------- guards */

/* `kind` with its article, and the function that makes one. */
static void pg_attribute_noreturn()
fail_not_registered(Oid relation, const char *kind, const char *function)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("%s is not %s", registry_name(relation), kind),
			 errhint("personalize.%s() makes one; personalize.status lists those that there are.", function)));
}

/* Guards of arguments: the error names what was given, and what makes the right thing. */
HistoryDef *
registry_require_history(Oid relation)
{
	HistoryDef *history = registry_history(relation);

	if (history == NULL)
		fail_not_registered(relation, "a history", "create_history");
	return history;
}

ModelDef *
registry_require_model(Oid relation)
{
	ModelDef   *model = registry_model(relation);

	if (model == NULL)
		fail_not_registered(relation, "a model", "create_cooccurrence");
	return model;
}

CatalogDef *
registry_require_catalog(Oid relation)
{
	CatalogDef *catalog = registry_catalog(relation);

	if (catalog == NULL)
		fail_not_registered(relation, "a catalog", "create_catalog");
	return catalog;
}

/* Only disabled event triggers let a history go without its models. */
HistoryDef *
registry_require_history_of(Oid model, int32 id)
{
	HistoryDef *history = registry_history_by_id(id);

	if (history == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the history of model %s does not exist any more", registry_name(model)),
				 errhint("Drop the model with personalize.drop_model().")));
	return history;
}

void
registry_fail_gone(const char *kind, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("%s %s does not exist any more", kind, name),
			 errdetail("It was dropped while this command waited for a lock.")));
}

/* Members of the owning role count as owners, superusers as everybody: the rule of ALTER TABLE. */
void
registry_require_owner(Oid relation)
{
	if (!compat_owns_relation(relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, registry_name(relation));
}

/* ---------------------------------------------------------------- names and owners */

/* Messages about what is gone have to name it somehow, so this never fails. */
char *
registry_name(Oid relation)
{
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		return psprintf("relation with OID %u", relation);
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

Oid
registry_owner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* What views and expressions of the shop call runs with the owner's rights, never with those of a superuser who refreshes. */
void
registry_enter_owner(Oid relation, OwnerScope *scope)
{
	Oid			owner = registry_owner(relation);

	GetUserIdAndSecContext(&scope->save_user, &scope->save_context);
	SetUserIdAndSecContext(owner, scope->save_context | SECURITY_RESTRICTED_OPERATION);
	scope->nest_level = NewGUCNestLevel();
	/* pg_temp last, so that no temporary object shadows one of the system */
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
registry_leave_owner(const OwnerScope *scope)
{
	AtEOXact_GUC(false, scope->nest_level);
	SetUserIdAndSecContext(scope->save_user, scope->save_context);
}

/* The four tables have one owner, so any of them tells it; without the extension there is nothing to become. */
void
registry_become_owner(OwnerScope *scope)
{
	Oid			schema = get_namespace_oid("personalize", true);
	Oid			table = OidIsValid(schema) ? get_relname_relid("history", schema) : InvalidOid;

	GetUserIdAndSecContext(&scope->save_user, &scope->save_context);
	if (OidIsValid(table))
		SetUserIdAndSecContext(registry_owner(table), scope->save_context | SECURITY_LOCAL_USERID_CHANGE);
}

void
registry_become_caller(const OwnerScope *scope)
{
	SetUserIdAndSecContext(scope->save_user, scope->save_context);
}
