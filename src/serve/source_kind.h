/*
 * source_kind.h
 *		What all sources of candidates have in common: a row of the table in source_kind.c for each kind.
 *
 * A new kind is a file source_NAME.c with these three functions, its row, its line in doc/widget.md and its test.
 */
#ifndef PERSONALIZE_SOURCE_KIND_H
#define PERSONALIZE_SOURCE_KIND_H

#include "postgres.h"

#include "serve/plan.h"
#include "serve/request.h"
#include "serve/widget.h"

typedef struct SourceKind
{
	const char *name;			/* "cooccurrence", "new_arrivals": what may stand in `sources`, or is found for a model */
	/*
	 * When the widget is made or altered, as the caller: fails where options, relation or rights are not right.  May fill in source->relation
	 * from the options.  NULL: takes no options.
	 */
	void		(*check) (const WidgetDef *widget, WidgetSource *source);
	/* When a backend first needs it; what it returns, in plan->context, lasts as long as the plan.  NULL: nothing to open. */
	void	   *(*open) (WidgetPlan *plan, const WidgetSource *source);
	/*
	 * Offers candidates through request_offer.  `want` is how many results are asked for: sources that could go on for ever offer some
	 * multiple of it, request_room(); those with little offer all.  What a caller may not read fails here.
	 */
	void		(*collect) (Request *request, const WidgetSource *source, void *opened, uint32 want);
} SourceKind;

/* The kinds, each in its own file. */
extern const SourceKind source_buy_again;
extern const SourceKind source_conversion;
extern const SourceKind source_cooccurrence;
extern const SourceKind source_curated;
extern const SourceKind source_embedding;
extern const SourceKind source_function;
extern const SourceKind source_new_arrivals;
extern const SourceKind source_on_sale;
extern const SourceKind source_popularity;
extern const SourceKind source_recently_viewed;
extern const SourceKind source_repeat;
extern const SourceKind source_sessions;
extern const SourceKind source_similar_content;
extern const SourceKind source_terms;
extern const SourceKind source_trending;

/* NULL: there is none of that name. */
extern const SourceKind *source_kind(const char *name);
/* The kind of a model, by the registry that knows the relation; NULL: it is no model. */
extern const SourceKind *source_kind_of_model(Oid relation);
/* Id of the catalog of a model; 0: it is no model. */
extern int32 source_kind_catalog(Oid relation);
/* The models of a kind on a catalog: of Oid. */
extern List *source_kind_models(const char *kind, int32 catalog_id);
/* "cooccurrence, popularity, …" for hints. */
extern char *source_kind_list(void);

/* Options of a source, for `check` and `open`: absent gives the default; a wrong type or value fails, naming source and option. */
extern char *source_option_text(const WidgetSource *source, const char *name, const char *otherwise);
extern double source_option_number(const WidgetSource *source, const char *name, double otherwise, double least, double most);
extern bool source_option_bool(const WidgetSource *source, const char *name, bool otherwise);
/* Fails where there are others than these; the list ends with NULL. */
extern void source_options_only(const WidgetSource *source, const char *const *names);

#endif							/* PERSONALIZE_SOURCE_KIND_H */
