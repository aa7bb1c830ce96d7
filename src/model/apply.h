/*
 * apply.h
 *		Changes of counts into the pair table of a model, row by row, and a record of what they
 *		touched, from which the face is brought up to date.
 */
#ifndef PERSONALIZE_APPLY_H
#define PERSONALIZE_APPLY_H

#include "postgres.h"

#include "base/server_env.h"
#include "kernel/pairs.h"
#include "model/model_rows.h"
#include "model/registry.h"

typedef struct ModelApply
{
	/* immutable */
	ServerEnv	server;			/* memory that lasts as long as this */
	ModelDef   *model;
	Relation	relation;		/* the pair table */
	bool		keeps_floors;	/* symmetric, without generations and ridge: the arrays below are used */
	bool		directed;		/* rows have an n_target of their own */

	/* mutable */
	TableWriter *writer;
	uint32		num_items;		/* that the arrays have room for */
	int64	   *old_n;			/* units, before the refresh; 0 for new items */
	int64	   *new_n;
	double	   *floor;			/* NaN: unknown */
	uint8	   *touched;		/* by item: any of its counts, or its n, has changed */
	int			rounds;			/* how often changes were applied */
	PairChange *last;			/* pairs of the only round; NULL after a second one */
	uint64		num_last;
	bool		target_changed;	/* any n_target, or n of a symmetric model */
	bool		total_changed;
	int64		num_pairs;		/* directed pairs changed */
	bool		changed;		/* anything at all */
} ModelApply;

/* Reads what rescoring will have to compare with; the model's totals are changed in place by what follows. */
extern ModelApply *apply_create(MemoryContext context, ModelDef *model, bool keep_pairs);
/* Folds and applies; the changes are empty afterwards, and what was written is seen by the active snapshot. */
extern void apply_changes(ModelApply *apply, PairChanges *changes);
extern void apply_free(ModelApply *apply);

#endif							/* PERSONALIZE_APPLY_H */
