/*
 * basket_rows.h
 *		Rows of baskets on their way from a query: buffered, packed into sorted runs,
 *		spilled to a temporary file, and merged basket by basket.
 *
 * The aggregates of matrices and the builds of histories both gather rows this way; what
 * a basket means is theirs.
 */
#ifndef PERSONALIZE_BASKET_ROWS_H
#define PERSONALIZE_BASKET_ROWS_H

#include "postgres.h"

#include "storage/buffile.h"

#include "base/server_env.h"
#include "kernel/runs.h"

/* Either in memory or in the file: spilling moves the bytes, the head stays. */
typedef struct BasketRun
{
	RunHead		head;
	int			process;		/* who made it: 0 for this one */
	const uint32 *item;			/* what its items are called by now, or NULL: as they were */
	unsigned char *bytes;		/* NULL where it is in the file */
	int			fileno;			/* its place there */
	off_t		offset;
} BasketRun;

typedef struct BasketRows
{
	/* immutable */
	ServerEnv	server;
	int			words;			/* of a row: see runs.h */
	uint64		max_weight;
	Size		budget;			/* bytes that runs may take in memory, and a share of which the buffer may */
	bool		may_spill;		/* somebody will close the file */
	void		(*check) (void *arg, Size held);	/* may fail; called for each run with the bytes of all, or NULL */
	void	   *arg;

	/* mutable */
	uint64	   *row;			/* the buffer, and as much again for sorting */
	uint64		num_rows;
	uint64		room;
	BasketRun  *run;
	uint32		num_runs;
	uint32		runs_room;
	Size		held;			/* bytes of runs in memory */
	struct ResourceOwnerData *owner;	/* whoever is current at the start owns the file */
	BufFile    *file;
	int			end_fileno;		/* where the next run goes */
	off_t		end_offset;
} BasketRows;

/* Small at first: there may be many at once.  Memory comes from `context`. */
extern void basket_rows_init(BasketRows *rows, MemoryContext context, int words, uint64 max_weight, Size budget);
/* The file, if there is one; everything else goes with the context. */
extern void basket_rows_close(BasketRows *rows);
/* Makes room for a row, or a run of what is there. */
extern void basket_rows_make_room(BasketRows *rows);
/* Turns the buffer into a run; what the rows mean stays the same. */
extern void basket_rows_flush(BasketRows *rows);
/* Takes over bytes, which live in the context of the rows. */
extern void basket_rows_add_run(BasketRows *rows, RunHead head, unsigned char *bytes);
/* The bytes of a run, wherever they are. */
extern void basket_rows_copy_run(const BasketRows *rows, const BasketRun *run, void *to);
/* Starts merging, after basket_rows_flush; readers live in the current context, what is read ahead in env. */
extern void basket_rows_merge(BasketRows *rows, Env *env, RunMerge *merge);
/* Rows of all runs. */
extern uint64 basket_rows_total(const BasketRows *rows);
/* Fails: the weights of one item in one basket add up to too much. */
extern void basket_rows_too_heavy(const BasketRows *rows);

/* Inlined: it runs once a row, and mostly does nothing but find the next place. */
static inline uint64 *
basket_rows_append(BasketRows *rows)
{
	if (rows->num_rows == rows->room)
		basket_rows_make_room(rows);
	return rows->row + rows->num_rows++ * rows->words;
}

/* Numbers in the order of their values when compared as unsigned; the same way back. */
static inline uint64
basket_number(int64 number)
{
	return (uint64) number ^ (UINT64CONST(1) << 63);
}

#endif							/* PERSONALIZE_BASKET_ROWS_H */
