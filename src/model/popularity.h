/*
 * popularity.h
 *		Decayed counts of items, by segments of the customers, and what is ranked by them: popularity, trending, conversion, repeat rates.
 *
 * Four kinds of follower share tables and code; they differ in what a basket counts, and how counts become a score.
 */
#ifndef PERSONALIZE_POPULARITY_H
#define PERSONALIZE_POPULARITY_H

#include "postgres.h"

#include "kernel/decayed.h"
#include "model/follower.h"

/*
 * Face: (segment text[] PRIMARY KEY, n float8, items KEY[], counts float8[], scores float8[]), the best items first.  Segment '{}' is the
 * whole shop, '{GB}' and '{GB,25-34}' the levels of `by`.
 */
enum {POPULAR_SEGMENT = 1, POPULAR_N, POPULAR_ITEMS, POPULAR_COUNTS, POPULAR_SCORES, POPULAR_NUM_COLUMNS = POPULAR_SCORES};

/*
 * Counters: (segment text[], chunk integer, what smallint, sums bytea), PRIMARY KEY (segment, chunk, what).  A chunk has the
 * items with codes from 32 · chunk on, as kernel/counter_row.h packs them.
 */
enum {COUNTER_SEGMENT = 1, COUNTER_CHUNK, COUNTER_WHAT, COUNTER_SUMS, COUNTER_NUM_COLUMNS = COUNTER_SUMS, COUNTER_NUM_KEYS = COUNTER_WHAT};

/* Members: (basket KEY PRIMARY KEY, segment text[]): in which segment a basket was counted.  The whole shop needs no row. */
enum {MEMBER_BASKET = 1, MEMBER_SEGMENT, MEMBER_NUM_COLUMNS = MEMBER_SEGMENT};

/* Kinds of counters: `what`. */
#define POPULARITY_MAX_WHAT 2
/* Beside them, of no item: baskets by the quarter of a half-life of their last event, of the whole shop. */
#define POPULARITY_TIMES 2
#define POPULARITY_TIMES_CHUNK (-1)

typedef enum PopularityKind
{
	POPULARITY_SHARE,			/* what = 0: weight; score: share of the segment */
	POPULARITY_TRENDING,		/* 0: weight by the short half-life, 1: by the long one; score: how many times as much as expected */
	POPULARITY_CONVERSION,		/* 0: baskets of the history, 1: those that the target has, too; score: share of the second */
	POPULARITY_REPEAT			/* 0: baskets, 1: those with a weight of at least 2; score: share of the second */
} PopularityKind;

typedef struct PopularityDef
{
	FollowerDef follower;		/* first: it is one */
	/* definition */
	PopularityKind ranks;
	Oid			counts;
	Oid			members;		/* InvalidOid: no segments */
	KeyType		item_type;
	Interval   *half_life;		/* NULL: no decay */
	Interval   *baseline;		/* trending only */
	double		alpha;			/* trending only */
	double		kappa;
	Oid			segments;		/* the relation; InvalidOid: none */
	char	   *key;			/* its columns */
	int			num_by;
	char	  **by;
	int32		keep;
	Decay		decay[POPULARITY_MAX_WHAT];	/* follows from the half-lives */
	/* state */
	int32		first_epoch[POPULARITY_MAX_WHAT];	/* what is older is not counted any more */
	TimestampTz as_of;			/* time of the scores */
} PopularityDef;

extern const FollowerKind popularity_follower;
extern const FollowerKind trending_follower;
extern const FollowerKind conversion_follower;
extern const FollowerKind repeat_follower;

/* --- popularity.c: the registry --- */
extern PopularityDef *popularity_by_id(int32 id);	/* NULL: none */
extern PopularityDef *popularity_of_relation(Oid relation);
/* State as the active snapshot sees it. */
extern void popularity_as_seen(PopularityDef *def);
extern List *popularity_models(void);	/* of PopularityDef *, by id */
extern void popularity_add(const PopularityDef *def);

#endif							/* PERSONALIZE_POPULARITY_H */
