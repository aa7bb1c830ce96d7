/*
 * widget_setup.h
 *		How a widget is defined: what the files that read arguments, keep definitions and make the function have in common.
 */
#ifndef PERSONALIZE_WIDGET_SETUP_H
#define PERSONALIZE_WIDGET_SETUP_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "serve/widget.h"

/* A function is a widget's by this text, with its id behind. */
#define WIDGET_BODY_START "SELECT r.* FROM personalize.recommend("

#define WIDGET_NUM_ARGUMENTS 14	/* of the function, which personalize.recommend() takes behind the id */

#define WIDGET_MAX_K 1000
#define WIDGET_MAX_SOURCES 64
#define WIDGET_MAX_WEIGHT 1e6

/* A source while it is read: from text to what it means. */
typedef struct DraftSource
{
	WidgetSource source;
	char	   *kind_name;
	char	   *model;			/* relation that was named apart from the source's name; NULL: the name says it */
	List	   *from;			/* of char *: as given */
	char	   *history;		/* event of seed_history, from the registry */
} DraftSource;

/* What create_widget was told, NULL or 0 where nothing; alter_widget fills in what stays. */
typedef struct WidgetArguments
{
	Jsonb	   *sources;
	Jsonb	   *histories;
	Oid			catalog;
	ArrayType  *fallback;
	bool		no_customers;	/* histories are not to be guessed */
	const WidgetDef *before;	/* alter_widget: as it was; NULL otherwise */
} WidgetArguments;

/* --- widget_sources.c --- */
/* Sources, fallbacks, histories and the catalog: understood, and fitting each other; fails where they do not. */
extern void widget_resolve(WidgetDef *widget, const WidgetArguments *arguments);
/* What its kind says of it: fails where options, relation or rights are not right. */
extern void widget_check_source(const WidgetDef *widget, WidgetSource *source);
/* The bit of "item", "cart", "session", "customer"; 0: none of them.  And back. */
extern int	widget_seed(const char *name);
extern const char *widget_seed_name(int bit);

/* Whether the name of a source says what it is by itself: the name of a kind, or a generic one. */
extern bool widget_name_says(const char *name);

/* --- widget_setup.c --- */
/* Fails where a call of it would, whatever its arguments. */
extern void widget_check(WidgetDef *widget);

/* --- widget_show.c: a definition as the arguments that make it again --- */
extern char *widget_sources_text(const WidgetDef *widget);	/* JSON */
extern char *widget_histories_text(const WidgetDef *widget);	/* JSON; NULL: none */
extern ArrayType *widget_fallback_array(const WidgetDef *widget);	/* NULL: none */

/* --- widget_function.c --- */
/* CREATE FUNCTION, or with `replace` the same again with other defaults; as the caller. */
extern Oid	widget_make_function(const WidgetDef *widget, bool replace);

/* --- widget_registry.c --- */
/* The definition although something is missing, which *problem says; NULL: there is no such widget. */
extern WidgetDef *widget_load(int32 id, char **problem);
extern List *widget_rows_all(void);	/* of WidgetDef *, without sources and histories */
/* The id in the body of a function, whoever made it. */
extern int32 widget_id_in_function(Oid function);
/* Whether it is the widget's, but for its name. */
extern bool widget_has_function(const WidgetDef *widget, Oid function);
extern bool widget_name_is_taken(Oid schema, const char *name);
/* Parts of a name that may have arguments behind, as regprocedure shows it. */
extern List *widget_name_list(text *name);
extern Oid	widget_require_function(text *name);
/* Forgets the widget of that name if it has no function; whether there was one. */
extern bool widget_forget_stale(const char *schema, const char *name);

#endif							/* PERSONALIZE_WIDGET_SETUP_H */
