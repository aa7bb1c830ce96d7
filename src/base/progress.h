/*
 * progress.h
 *		What a long call is doing, for personalize.progress.
 */
#ifndef PERSONALIZE_PROGRESS_H
#define PERSONALIZE_PROGRESS_H

#include "postgres.h"

/* Values are published in the backend's status, so they are part of the library's contract. */
typedef enum ProgressPhase
{
	PROGRESS_NONE = 0,
	PROGRESS_MERGING = 1,		/* sorted runs into one matrix */
	PROGRESS_MULTIPLYING = 2,	/* baskets into pair counts */
	PROGRESS_RETURNING = 3,		/* rows to the executor */
	PROGRESS_READING = 4,		/* interactions from the shop's tables */
	PROGRESS_WRITING_HISTORY = 5,
	PROGRESS_COUNTING = 6,		/* rows of pair counts, and their best */
	PROGRESS_SCORING = 7,		/* lists of neighbors from counts that are there */
	PROGRESS_COMPARING = 8,		/* stored with counted */
	PROGRESS_REFRESHING = 9,	/* changed baskets of a history */
	PROGRESS_APPLYING = 10,		/* changed counts into a model */
	PROGRESS_COPYING = 11,		/* what a shop knew at a time, for an evaluation */
	PROGRESS_RECOMMENDING = 12, /* lists for the customers of an evaluation */
	PROGRESS_TUNING = 13		/* parameters that are tried */
} ProgressPhase;

extern bool progress_begin(ProgressPhase phase);
extern void progress_phase(ProgressPhase phase);
extern void progress_update(uint64 done, uint64 total);
/* Between the two, figures are not published: those of kernels that do a small part of one unit. */
extern void progress_hold(bool hold);
extern void progress_end(bool begun);

#endif							/* PERSONALIZE_PROGRESS_H */
