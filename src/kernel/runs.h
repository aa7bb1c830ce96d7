/*
 * runs.h
 *		Rows (basket, item [, weight [, time [, oldest]]]) on their way to baskets: sorted,
 *		without duplicates, packed to a few bytes a row, and merged.
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
	uint64_t	rows;
	uint64_t	bytes;
} RunHead;

/*
 * Sorts n rows of `words` 64-bit words — basket, item and, with three, weight — and
 * folds duplicates: one row each, weights added up.  Returns the number left, or
 * UINT64_MAX if a sum passed `max_weight`.  scratch is as large as rows.
 *
 * Rows of four words are events: weights are int64, which may be negative and take each other away (no sum may
 * leave int64, whatever max_weight is), then comes the time of the event, of which the last is kept.
 * With five, the time of the first event is kept beside it.  Times order as unsigned numbers.
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
	/* immutable, set by whoever opens the run */
	RunHead		head;
	const uint32_t *item;		/* items by the numbers that are in the run, or NULL: the same */
	void		(*refill) (RunReader *reader);	/* NULL: all is there */

	/* mutable */
	WireReader	in;
	uint64_t	unread;			/* bytes that refill can still bring */
	uint64_t	basket;			/* the last one read */
	uint64_t	time;
	uint64_t   *row;			/* read ahead: whole baskets */
	uint64_t	at;				/* rows of it already merged */
	uint64_t	rows;
	uint64_t	room;
};

/*
 * Merges by slices.  Every run is read some way ahead; up to the least of the last
 * baskets read, all rows of all runs are there, and are sorted together.  That takes
 * a few passes over memory, where a heap would take several comparisons that no
 * processor can predict for each part of a basket.
 */
typedef struct RunMerge
{
	/* immutable */
	Env		   *env;
	RunReader **reader;
	uint32_t	num_readers;
	int			words;			/* of a row */
	uint64_t	max_weight;
	uint64_t	ahead;			/* rows to read ahead, of each run */

	/* mutable */
	uint64_t   *slice;			/* and as much again for sorting */
	uint64_t	room;
	uint64_t	at;
	uint64_t	rows;
	uint64_t	rows_read;
	bool		too_heavy;		/* a weight passed max_weight */
} RunMerge;

/* `ahead` rows are held in memory, of all runs together, about four times over. */
extern void run_merge_init(Env *env, RunMerge *merge, RunReader **readers, uint32_t n,
						   int words, uint64_t max_weight, uint64_t ahead);
/*
 * The next basket: its rows ascend by item.  Returns how
 * many, 0 at the end.
 */
extern uint64_t run_merge_next(RunMerge *merge, const uint64_t **rows);
extern void run_merge_release(RunMerge *merge);

#endif							/* PERSONALIZE_RUNS_H */
