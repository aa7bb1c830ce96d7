/*
 * session_knn.h
 *		Nearest sessions: from what a visitor has just looked at to the sessions most like that, and to what else was in them.
 *
 * VMIS-kNN (Kersbergen, Sprangers, Schelter: Serenade, SIGMOD 2022).  Three steps, between which the caller reads tables:
 * the most recent sessions of each visited item are offered as candidates; the k most similar are chosen; the items of
 * these add up similarity × weight of the first match.  The idf of an item is a factor of its sum.
 */
#ifndef PERSONALIZE_SESSION_KNN_H
#define PERSONALIZE_SESSION_KNN_H

#include <stdbool.h>

#include "base/env.h"
#include "kernel/keyset.h"

/* How much less a click counts that is some clicks back. */
typedef enum SessionWeight
{
	SESSION_LINEAR,				/* what Serenade does */
	SESSION_QUADRATIC,
	SESSION_LOG,				/* 1 / log2(1 + distance) */
	SESSION_INVERSE,			/* 1 / distance */
	SESSION_SAME
} SessionWeight;

#define SESSION_NUM_WEIGHTS (SESSION_SAME + 1)

typedef struct SessionKnnParams
{
	uint32_t	k;				/* nearest sessions, at least 1 */
	uint32_t	recent;			/* candidates: the most recent ones, at least 1 */
	SessionWeight decay;		/* of a visited item in the similarity */
	SessionWeight match;		/* of the most recent visited item that a session has */
} SessionKnnParams;

typedef struct SessionCandidate
{
	double		similarity;
	int64_t		happened;
} SessionCandidate;

typedef struct SessionKnn
{
	/* immutable */
	Env		   *env;
	SessionKnnParams params;
	uint32_t	length;			/* clicks of the visitor, repeats counted */
	uint32_t	num_visited;	/* distinct items */
	const uint32_t *distance;	/* by visited item, the most recent first: 1 for the last click; ascends */

	/* mutable */
	Keyset		sessions;		/* keys of candidates */
	SessionCandidate *candidate;	/* by code of sessions */
	uint32_t	room;
	Keyset		items;			/* codes of items met in neighbors, as numbers */
	double	   *score;			/* item's place * num_visited + first match */
	uint32_t	score_room;		/* items */
} SessionKnn;

/* `distance` stays the caller's.  numbers: keys of sessions are numbers. */
extern void session_knn_init(Env *env, SessionKnn *knn, const SessionKnnParams *params, bool numbers,
							 uint32_t length, uint32_t num_visited, const uint32_t *distance);
extern void session_knn_release(SessionKnn *knn);

/* The session with that code in knn->sessions, to which the caller has just added it, has this visited item. */
extern void session_knn_offer(SessionKnn *knn, uint32_t session, int64_t happened, uint32_t visited);
/* The nearest ones, by (similarity desc, happened desc, key): codes, in memory of env; sets *n. */
extern uint32_t *session_knn_nearest(SessionKnn *knn, uint32_t *n);

/*
 * A neighbor's items.  visited_code: by visited item, the code under which neighbors have it; KEYSET_NONE: none.
 * One that has no visited item (any more) adds nothing.
 */
extern void session_knn_add(SessionKnn *knn, double similarity, const uint32_t *visited_code, const uint32_t *item, uint32_t n);
/* What each of the visited items has brought to an item, by its place in knn->items: they add up to its score. */
extern const double *session_knn_scores(const SessionKnn *knn, uint32_t place);

/*
 * What a visited item adds to the similarity: length − distance + 1, if linear.  Serenade divides that by the number of distinct items, which is the same for
 * all sessions; whole numbers add up to sums that are equal where they should be.
 */
extern double session_knn_decay(SessionWeight weight, uint32_t distance, uint32_t length);
/* Serenade's weight of the first match: 1 − distance / 10, but never below 0, if linear. */
extern double session_knn_match(SessionWeight weight, uint32_t distance);
/* ln(sessions / n) to that power, 1 where that says nothing: power 0, or an item in all of the sessions. */
extern double session_knn_idf(double power, double sessions, double n);

#endif							/* PERSONALIZE_SESSION_KNN_H */
