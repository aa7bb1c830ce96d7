/*
 * dropoff.h
 *		How long page views last and how they end, counted in bins of time.
 *
 * A bin is a second up to a minute, then 1.1 times as long as the one before, up to an hour; the last takes whatever is longer.  Four things are
 * counted in each; of a drop-off they are the four endings, of a test of triggers who saw one or not, and bought or not.
 *
 * With a half-life, older views count less.  As kernel/decayed has it: a view adds an integer weight to the counts of its epoch, so that parts merge in
 * any order to the same bytes.  Only epochs that can still matter beside the latest view are kept, which is a property of the set of views, too.
 *
 *		version, half-life and latest time (the second only if there is a half-life), number of epochs, then by epoch, latest first:
 *			number of bins, then by bin, ascending: distance to the one before, the four counts
 */
#ifndef PERSONALIZE_KERNEL_DROPOFF_H
#define PERSONALIZE_KERNEL_DROPOFF_H

#include "base/env.h"
#include "base/wire.h"
#include "kernel/decayed.h"

#define DROPOFF_VERSION 1
#define DROPOFF_BINS 103
#define DROPOFF_KINDS 4
#define DROPOFF_EPOCHS (DECAY_KEPT_EPOCHS + 1)
#define DROPOFF_SECOND INT64_C(1000000)
#define DROPOFF_DAY (86400 * DROPOFF_SECOND)

/* Half-lives are whole seconds, from an hour to a century. */
#define DROPOFF_MIN_HALF_LIFE (3600 * DROPOFF_SECOND)
#define DROPOFF_MAX_HALF_LIFE (36525 * DROPOFF_DAY)
/* Times are microseconds since 2000-01-01, in the years 1 to 9999. */
#define DROPOFF_MIN_TIME (-730119 * DROPOFF_DAY)
#define DROPOFF_END_TIME (2921940 * DROPOFF_DAY)

typedef enum DropoffEnding
{
	DROPOFF_EXIT,				/* left the site */
	DROPOFF_ADVANCE,			/* went on to another page */
	DROPOFF_CONVERT,			/* did what the page is for */
	DROPOFF_OPEN				/* still there when last seen: censored */
} DropoffEnding;

/* --- bins ------------------------------------------------------------------- */

/* Of a duration in microseconds, 0 or more. */
extern int	dropoff_bin(int64_t duration);
/* Where a bin begins; of DROPOFF_BINS: an hour, where the last is cut if it needs an end. */
extern int64_t dropoff_bin_start(int bin);

/* --- counting --------------------------------------------------------------- */

typedef int64_t DropoffCells[DROPOFF_BINS][DROPOFF_KINDS];

typedef struct DropoffCounts
{
	Decay		decay;			/* half-life 0: none, and nothing is in any epoch but the first */
	int64_t		latest;			/* time of the latest view */
	DropoffCells *epoch[DROPOFF_EPOCHS];	/* by age, that of the latest view first; NULL: empty */
} DropoffCounts;

/* One view; `time` means nothing without a half-life.  False where a count does not fit. */
extern bool dropoff_add(Env *env, DropoffCounts *counts, int bin, int kind, int64_t time);
/* Adds all of `more`, which must have the same half-life.  False where a count does not fit. */
extern bool dropoff_merge(Env *env, DropoffCounts *counts, const DropoffCounts *more);
extern bool dropoff_is_empty(const DropoffCounts *counts);
extern void dropoff_release(Env *env, DropoffCounts *counts);
/* Puts into the counts what somebody wrote down; false where it does not fit, or means nothing. */
extern bool dropoff_set(Env *env, DropoffCounts *counts, int epoch, int bin, const int64_t cell[DROPOFF_KINDS]);
/* Whether they can have come from views. */
extern bool dropoff_is_sound(const DropoffCounts *counts);

/* --- bytes ------------------------------------------------------------------ */

/* `reserve` bytes are left free in front.  The caller releases the result. */
extern unsigned char *dropoff_encode(Env *env, const DropoffCounts *counts, size_t reserve, size_t *size);
/* False where the bytes are no value of this version; then nothing is allocated. */
extern bool dropoff_decode(Env *env, const void *bytes, size_t size, DropoffCounts *counts);
/* Whether dropoff_encode wrote these bytes, or could have. */
extern bool dropoff_is_canonical(Env *env, const void *bytes, size_t size);

#endif							/* PERSONALIZE_KERNEL_DROPOFF_H */
