/*
 * source_statement.h
 *		What sources that read the shop's tables by SQL have in common: statements, checks, options.
 */
#ifndef PERSONALIZE_SOURCE_STATEMENT_H
#define PERSONALIZE_SOURCE_STATEMENT_H

#include "postgres.h"

#include "serve/source_kind.h"

/* --- statements, with the caller's rights --- */
typedef struct SourceStatement SourceStatement;
typedef void (*SourceStatementRow) (void *arg, const Datum *values, const bool *nulls);

/* Prepared for as long as the plan lasts.  Everything in it must be qualified. */
extern SourceStatement *source_statement(WidgetPlan *plan, const char *text, int num_parameters, const Oid *types);
/* nulls may be NULL: none is.  Values are good until `row` returns; returns the number of rows. */
extern uint64 source_statement_run(SourceStatement *statement, const Datum *parameters, const bool *nulls, SourceStatementRow row, void *arg);
extern int	source_statement_columns(const SourceStatement *statement);

/*
 * Over the product table, with the widget's filter and what else makes a product eligible: key and `value` of the rows for which `where` holds too, the
 * first by `order`.  Expressions may use parameters as products_statement.h numbers them.
 */
typedef struct SourceProducts SourceProducts;

extern SourceProducts *source_products(WidgetPlan *plan, const char *value, const char *where, const char *order);
extern uint64 source_products_run(Request *request, SourceProducts *source, uint32 limit, SourceStatementRow row, void *arg);

/* --- offers --- */
/* Offers of a source that may meet an item more than once, of which the first counts. */
typedef struct SourceOnce
{
	Request    *request;
	bool	   *met;			/* by place */
	uint32		room;
	uint32		position;		/* items offered so far */
} SourceOnce;

extern bool source_once(SourceOnce *once, uint32 item);
/* 1, 1/2, 1/3, …, in the order in which they come. */
extern void source_offer_next(SourceOnce *once, uint32 item);

/* --- checks --- */
/* The relation that the option `name` names, of a source that has none yet; the option then has its full name.  InvalidOid: nothing is named. */
extern Oid	source_option_relation(WidgetSource *source, const char *name);
extern void source_set_option(WidgetSource *source, const char *name, const char *text);
/* With the name that the source's relation has by now; there are options. */
extern Jsonb *source_options_now(const WidgetSource *source);
/* NULL where there is no such option. */
extern JsonbValue *source_option_value(const WidgetSource *source, const char *name);
/* A text like "42 days", or a number of days; in days, within the limits. */
extern double source_option_days(const WidgetSource *source, const char *name, double otherwise, double least, double most);
extern int32 source_option_count(const WidgetSource *source, const char *name, int32 otherwise, int32 most);
/* Opens it once, for nothing: what a statement does not understand fails while the widget is made. */
extern void source_try_open(const WidgetDef *widget, const WidgetSource *source);
/* A column with keys of the widget's items: exists, is readable, has their type or a narrower number. */
extern void source_require_item(const WidgetDef *widget, Oid relation, const char *column);
extern void source_require_products(const WidgetDef *widget, const WidgetSource *source);
/* The widget's products have this attribute, or this fails. */
extern void source_require_attribute(const WidgetDef *widget, const WidgetSource *source, CatalogAttribute attribute);

/* --- parts of statements --- */
/* A column as keys of the widget's items, and an expression of keys as what orders like them: texts by their bytes. */
extern char *source_item_expression(const WidgetDef *widget, Oid relation, const char *alias, const char *column);
extern char *source_item_order(const WidgetDef *widget, const char *key);

#endif							/* PERSONALIZE_SOURCE_STATEMENT_H */
