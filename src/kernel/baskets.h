/*
 * baskets.h
 *		The factor X of a co-occurrence matrix X'WX: lists of items, one for each
 *		distinct basket, with the number of baskets that are like it.
 *
 * In canonical form items are ranks (0 is in the most baskets, equal ones in the
 * order of their keys), lists ascend, and lists stand in order of size, then of
 * contents, no two the same.  Equal sets of baskets have equal canonical forms,
 * whatever order they came in and however often they were merged.
 */
#ifndef PERSONALIZE_BASKETS_H
#define PERSONALIZE_BASKETS_H

#include <stdbool.h>

#include "base/env.h"
#include "base/wire.h"

typedef struct Baskets
{
	uint32_t	num_items;
	uint64_t	num_lists;
	uint64_t   *start;			/* num_lists + 1 */
	uint32_t   *item;			/* start[num_lists] */
	uint32_t   *weight;			/* parallel to item, at least 1; NULL: all 1 */
	uint32_t   *repeat;			/* per list, at least 1; NULL: all 1 */

	/* room that has been allocated, for those who append */
	uint64_t	lists_room;
	uint64_t	items_room;
} Baskets;

#define BASKETS_MAX_WEIGHT	UINT32_MAX
#define BASKETS_MAX_LISTS	(UINT32_MAX - 1)

/* --- baskets.c: growing, and the canonical form --- */
extern void baskets_init(Env *env, Baskets *b, bool weighted);
extern void baskets_release(Env *env, Baskets *b);
/* Room for one more list of `size` items; fill b->item + b->start[b->num_lists] on, then call baskets_close. */
extern void baskets_reserve(Env *env, Baskets *b, uint64_t size);
extern void baskets_close(Baskets *b, uint64_t size, uint32_t repeat);

/* Baskets that hold each item. */
extern uint64_t *baskets_degrees(Env *env, const Baskets *b);
/*
 * Turns codes into ranks and sorts every list; items that no basket holds come
 * last.  key_order gives the place of a code among the keys.  Returns code of rank.
 */
extern uint32_t *baskets_rank(Env *env, Baskets *b, const uint32_t *key_order);
/* Sorts the lists and folds the same ones together; after baskets_rank. */
extern void baskets_fold(Env *env, Baskets *b);

static inline uint32_t
baskets_repeat(const Baskets *b, uint64_t list)
{
	return b->repeat ? b->repeat[list] : 1;
}

/* --- baskets_codec.c: canonical lists as bytes --- */
extern size_t baskets_encoded_size(const Baskets *b);
extern unsigned char *baskets_encode(const Baskets *b, unsigned char *out);
/*
 * Appends what was encoded to `b`, whose num_items bounds the items; false where
 * the bytes are no lists.  Reads untrusted bytes safely: room grows with what is read.
 */
extern bool baskets_decode(Env *env, WireReader *in, Baskets *b);

#endif							/* PERSONALIZE_BASKETS_H */
