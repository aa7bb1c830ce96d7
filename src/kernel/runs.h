/*
 * runs.h
 *		Rows (basket, item [, weight]) on their way to baskets: sorted, without
 *		duplicates, packed to a few bytes a row, and merged.
 *
 * One form serves three ends.  It bounds memory, because a run is small and can be
 * written to a file; it is what a parallel worker sends; and merging runs in order
 * of the baskets brings the parts of a basket together wherever they came from.
 */
#ifndef PERSONALIZE_RUNS_H
#define PERSONALIZE_RUNS_H

#include <stdbool.h>

#include "base/env.h"
#include "base/wire.h"

typedef struct RunHead
{
	uint64_t	least_item;		/* items are stored as distances from here */
	uint64_t	baskets;
	uint64_t	rows;
	uint64_t	bytes;
} RunHead;

/*
 * Sorts n rows of `words` 64-bit words — basket, item and, with three, weight — and
 * folds duplicates: one row each, weights added up.  Returns the number left, or
 * UINT64_MAX if a sum passed `max_weight`.  scratch is as large as rows.
 */
extern uint64_t run_sort(uint64_t *rows, uint64_t *scratch, uint64_t n, int words, uint64_t max_weight);

/* Packs sorted rows; out has room for run_max_bytes. */
extern uint64_t run_max_bytes(uint64_t n, int words);
extern RunHead run_pack(const uint64_t *rows, uint64_t n, int words, unsigned char *out);

/*
 * Reads a run.  Where it is not in memory as a whole, `refill` brings more of it: it
 * moves what is left to the front of its buffer and sets in.at and in.end.
 */
typedef struct RunReader RunReader;

struct RunReader
{
	WireReader	in;
	void		(*refill) (RunReader *reader);	/* NULL: all is there */
	uint64_t	unread;			/* bytes that refill can still bring */
	RunHead		head;
	bool		weighted;

	/* the basket that comes next */
	bool		done;
	uint64_t	basket;
	uint64_t	size;
};

extern void run_open(RunReader *reader);
/* Reads the items of the current basket into item (and weight), then looks at the next basket. */
extern void run_take(RunReader *reader, uint64_t *item, uint64_t *weight);

typedef struct RunMerge
{
	Env		   *env;
	RunReader **heap;			/* by basket */
	uint32_t	size;
	uint64_t	max_weight;
	bool		weighted;
	uint64_t   *row;			/* pairs item, weight of the current basket */
	uint64_t	room;
	uint64_t	rows_read;
	bool		too_heavy;		/* a weight passed max_weight */
} RunMerge;

extern void run_merge_init(Env *env, RunMerge *merge, RunReader **readers, uint32_t n, uint64_t max_weight);
/*
 * The next basket in ascending order: *rows are (item, weight) pairs ascending by
 * item.  Returns how many, 0 at the end.
 */
extern uint64_t run_merge_next(RunMerge *merge, uint64_t *basket, const uint64_t **rows);
extern void run_merge_release(RunMerge *merge);

#endif							/* PERSONALIZE_RUNS_H */
