/*
 * widget.h
 *		Widgets: what personalize.widget, widget_source and widget_history know of them, as one definition.
 *
 * A widget is an SQL function in the shop's schema, which hands its arguments to personalize.recommend() with the widget's id.
 * The definition is what create_widget and alter_widget were told, checked.
 */
#ifndef PERSONALIZE_WIDGET_H
#define PERSONALIZE_WIDGET_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "model/registry.h"

struct SourceKind;

typedef enum WidgetMix
{
	WIDGET_MIX_SUM,				/* Σ weight · score / best score of the source */
	WIDGET_MIX_RRF				/* Σ weight / (60 + rank in the source) */
} WidgetMix;

/* Of which items a source starts. */
enum
{
	SEED_ITEM = 1,				/* the item of the page */
	SEED_CART = 2,
	SEED_SESSION = 4,
	SEED_CUSTOMER = 8			/* what the customer did, by the history `seed_history` */
};

/* Where candidates come from: the mixed sources have level 0, fallbacks 1, 2, … */
typedef struct WidgetSource
{
	int32		place;			/* 0, 1, … in the order of the definition, fallbacks behind */
	int32		level;
	const struct SourceKind *kind;
	char	   *name;			/* what results say: the model's name as it is now, the kind, or the label that it was given */
	bool		named;			/* the name was given, and is not the model's own */
	Oid			relation;		/* model or table; InvalidOid: none */
	Oid			blend;			/* the other model that the kind reads; InvalidOid: none */
	double		weight;			/* above 0 */
	int			num_slots;		/* positions, from 1, that are this source's while it has anything */
	int32	   *slots;
	int			seeds;			/* of SEED_*; 0: the first of item, cart, session, customer that is there */
	int			seed_history;	/* of SEED_CUSTOMER: place among the widget's histories */
	Jsonb	   *options;		/* what is left, for the kind; NULL: nothing */
} WidgetSource;

/* What a customer did: a history of which the basket is the customer. */
typedef struct WidgetHistory
{
	char	   *event;			/* "bought": what exclude and sources call it; NULL: it stands for every event */
	HistoryDef *history;
} WidgetHistory;

typedef struct WidgetDef
{
	int32		id;
	char	   *schema;			/* of the function */
	char	   *name;
	CatalogDef *catalog;
	KeyType		customer_type;	/* 0: no history of customers, the argument is a text that nothing reads */
	int			num_sources;	/* with fallbacks */
	WidgetSource *source;
	int			num_histories;
	WidgetHistory *history;
	int			num_lost;		/* histories that are gone */
	WidgetMix	mix;
	char	   *filter;			/* a predicate over the product table, NULL: none */
	int			num_exclude;
	char	  **exclude;		/* as given; rules.h reads them */
	Jsonb	   *rules;			/* likewise */
	int32		max_per_category;	/* 0: no cap */
	Jsonb	   *max_per;		/* column -> cap */
	double		diversity;		/* 0 to 1: weight of being unlike what is already in the list */
	int32		shuffle;		/* so many of the first are put in an order of the seed */
	double		explore;		/* share of positions given to new items */
	int32		k;				/* default of the function's argument */
} WidgetDef;

/* --- widget_registry.c --- */
/* All in the current memory context; NULL where there is none. */
extern WidgetDef *widget_by_id(int32 id);
extern List *widgets_all(void); /* of WidgetDef *, by id */
/* The widget of a function, by what its body calls; 0: it is none. */
extern int32 widget_of_function(Oid function);
/* By the name of its function, as the caller's search_path understands it; fails, with a hint, where it is none. */
extern WidgetDef *widget_require(text *name);
extern Oid	widget_function(const WidgetDef *widget);	/* InvalidOid: dropped, or renamed behind our back */
/* schema.name, quoted where needed. */
extern char *widget_name(const WidgetDef *widget);

/* Place of the history that an event means; -1: none does. */
extern int	widget_history_of(const WidgetDef *widget, const char *event);
/* The same, with an error that names the histories there are; `role` ("exclude \"bought\"") is what needs it.  NULL: any event. */
extern int	widget_require_history(const WidgetDef *widget, const char *event, const char *role);
/* Fails where the current user may not call the widget's function: ids can be guessed. */
extern void widget_require_execute(const WidgetDef *widget);

extern void widget_add(const WidgetDef *widget);
extern void widget_replace(const WidgetDef *widget);
extern void widget_forget(int32 id);
extern void widget_rename(int32 id, const char *schema, const char *name);
/* Tells all backends, with the commit, that plans of widgets are to be made again. */
extern void widget_changed(void);
/* Relation of personalize.widget, whose invalidation that is. */
extern Oid	widget_registry_relation(void);

/* --- widget_depend.c --- */
/* The function depends on its models, histories, catalog and products; dumps lose that, so refreshes make it again. */
extern void widget_depend(const WidgetDef *widget);
/* Called by refreshes through a hook of setup.h. */
extern void widget_depend_all(int32 catalog_id);

#endif							/* PERSONALIZE_WIDGET_H */
