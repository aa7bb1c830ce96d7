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
	bool		keeps_floors;	/* symmetric, without generations or ridge: the arrays of n and floor are used */

	/* mutable */
	TableWriter *writer;		/* of the pair table */
	uint32		num_items;		/* the arrays have room for */
	int64	   *old_n;			/* units, before the refresh; 0 for new items */
	int64	   *new_n;
	double	   *floor;			/* NaN: unknown */
	bool	   *touched;		/* any of its counts, or its n, has changed */
	int			rounds;			/* how often changes were applied */
	const PairChange *last;		/* all changed pairs, ascending, if there was one round; otherwise NULL */
	uint64		num_last;
	bool		n_changed;		/* of any item */
	bool		target_changed; /* n as the second of a pair, of any item */
	double		old_total;		/* in baskets */
	int32		old_newest;		/* generation */
	int64		num_pairs;		/* directed pairs changed */
} ModelApply;

/* Opens the pair table and reads what rescoring will have to compare with. */
/* num_items: codes that the catalog has given, beyond which a row cannot be right. */
extern ModelApply *apply_create(MemoryContext context, ModelDef *model, uint32 num_items);
/* The arrays have room for the first n items. */
extern void apply_reserve(ModelApply *apply, uint32 n);
/*
 * Folds and applies, totals of the model included; what was written is seen through the active snapshot.  The changes are
 * empty afterwards, but those of the only and last round, which rescoring looks at.
 */
extern void apply_changes(ModelApply *apply, PairChanges *changes, bool last);
extern void apply_free(ModelApply *apply);

#endif							/* PERSONALIZE_APPLY_H */
