/*
 * registry.c
 *		What exists.
 */
#include "base/compat.h"

#include "model/registry.h"
#include "model/setup.h"

const char *const catalog_attribute_names[CATALOG_NUM_ATTRIBUTES] = {"available", "price", "category", "created", "item_group"};

HistoryDef *
registry_history(Oid relation)
{
	elog(ERROR, "not there yet");
}

HistoryDef *
registry_history_by_id(int32 id)
{
	elog(ERROR, "not there yet");
}

CatalogDef *
registry_catalog(Oid relation)
{
	elog(ERROR, "not there yet");
}

CatalogDef *
registry_catalog_by_id(int32 id)
{
	elog(ERROR, "not there yet");
}

ModelDef *
registry_model(Oid relation)
{
	elog(ERROR, "not there yet");
}

List *
registry_models_of(int32 history_id)
{
	elog(ERROR, "not there yet");
}

List *
registry_histories(void)
{
	elog(ERROR, "not there yet");
}

List *
registry_catalogs(void)
{
	elog(ERROR, "not there yet");
}

List *
registry_group(int32 history_id)
{
	elog(ERROR, "not there yet");
}

List *
registry_watched(int32 id)
{
	elog(ERROR, "not there yet");
}

HistoryDef *
registry_require_history(Oid relation)
{
	elog(ERROR, "not there yet");
}

ModelDef *
registry_require_model(Oid relation)
{
	elog(ERROR, "not there yet");
}

void
registry_require_owner(Oid relation)
{
	elog(ERROR, "not there yet");
}

void
registry_history_refreshed(const HistoryDef *history, const RefreshReport *report)
{
	elog(ERROR, "not there yet");
}

void
registry_model_refreshed(const ModelDef *model, const RefreshReport *report)
{
	elog(ERROR, "not there yet");
}

void
registry_refresh_begins(const HistoryDef *history)
{
	elog(ERROR, "not there yet");
}

int32
registry_next_id(void)
{
	elog(ERROR, "not there yet");
}

void
registry_add_catalog(const CatalogDef *catalog)
{
	elog(ERROR, "not there yet");
}

void
registry_add_history(const HistoryDef *history)
{
	elog(ERROR, "not there yet");
}

void
registry_add_model(const ModelDef *model)
{
	elog(ERROR, "not there yet");
}

void
registry_set_scoring(const ModelDef *model)
{
	elog(ERROR, "not there yet");
}

void
registry_add_watch(int32 id, Oid relation, const char *key, bool expression)
{
	elog(ERROR, "not there yet");
}

void
registry_forget(Oid relation)
{
	elog(ERROR, "not there yet");
}

char *
registry_name(Oid relation)
{
	elog(ERROR, "not there yet");
}

void
registry_enter_owner(Oid relation, OwnerScope *scope)
{
	elog(ERROR, "not there yet");
}

void
registry_leave_owner(const OwnerScope *scope)
{
	elog(ERROR, "not there yet");
}

