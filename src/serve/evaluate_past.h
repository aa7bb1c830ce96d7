/*
 * evaluate_past.h
 *		A shop as it was at a time: copies of interactions up to then, and histories and models made from them alone.
 *
 * All of it is made in a subtransaction that is rolled back in the end, in tables of names that nobody else uses.  The shop's own tables
 * are read, and nothing else is done to them.
 */
#ifndef PERSONALIZE_EVALUATE_PAST_H
#define PERSONALIZE_EVALUATE_PAST_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "base/progress.h"
#include "model/registry.h"

typedef struct Past
{
	char	   *schema;			/* of the new tables */
	TimestampTz since;			/* the past ends with it */
	TimestampTz until;			/* the test ends with it; DT_NOEND: does not */
	int			num_tables;		/* made so far, for their names */
	CatalogDef *shop_catalog;	/* the one whose items they are */
	CatalogDef *catalog;		/* the new one */
	List	   *copies;			/* of PastCopy * */
	int64		num_rows;		/* copied */
} Past;

/* A relation of the shop's, and what stands for it. */
typedef struct PastCopy
{
	Oid			shop;
	Oid			past;
} PastCopy;

/*
 * Runs `work` in a subtransaction that is always rolled back, with the clock at `at`; an error of it comes out after the rollback.  What
 * it returns must be in memory of the caller's.
 */
extern void past_run(TimestampTz at, void (*work) (void *arg), void *arg);

extern Past *past_begin(const CatalogDef *catalog, char *schema, TimestampTz since, TimestampTz until);
/* The history of what happened until `since`; made once for each history of the shop's. */
extern HistoryDef *past_history(Past *past, const HistoryDef *history);
/* The history of what happened after it, without the limits of the shop's (max_basket, horizon), and with a catalog of its own. */
extern HistoryDef *past_test_history(Past *past, const HistoryDef *history);
/* The model, or what follows a history, made again from past_history; what is neither, or knows only products, stands for itself. */
extern Oid	past_model(Past *past, Oid relation);
/* A model with this definition, which need not be one of the shop's, each time a new one. */
extern Oid	past_make_model(Past *past, const ModelDef *model);
/* Says what is done now. */
extern void past_phase(ProgressPhase phase);
/* Fills all that was made; nothing more can be made then, but may be read through the snapshot that is pushed. */
extern void past_build(Past *past);

#endif							/* PERSONALIZE_EVALUATE_PAST_H */
