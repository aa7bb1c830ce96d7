/*
 * content.h
 *		Models of what products have in common: co-occurrence models of which the baskets are values of attributes.
 */
#ifndef PERSONALIZE_CONTENT_H
#define PERSONALIZE_CONTENT_H

#include "postgres.h"

#include "model/registry.h"

/* Columns of the view that says which product has which value; a model over such a view is one of content, whoever made it. */
#define CONTENT_TOKEN "token"
#define CONTENT_ITEM "item"

/* Of which the baskets are values, hence nobody's. */
extern bool content_is_history(const HistoryDef *history);
extern bool content_is_model(const ModelDef *model);
/* Of ModelDef *, by id: those whose items have the codes of this catalog. */
extern List *content_models(int32 catalog_id);

#endif							/* PERSONALIZE_CONTENT_H */
