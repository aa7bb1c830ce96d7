/*
 * listing.h
 *		A list from streams of items: position by position, with slots, exploration and caps; and the two ways to put a block of items in
 *		another order, for diversity and by chance.
 *
 * A list is made greedily from its beginning, so its first positions do not depend on how long it gets.
 */
#ifndef PERSONALIZE_LISTING_H
#define PERSONALIZE_LISTING_H

#include <stdbool.h>

#include "base/env.h"

#define LISTING_NO_VALUE UINT32_MAX

/* Gives items, the best first; the same item may come from several streams, and more than once. */
typedef struct ListingStream ListingStream;
struct ListingStream
{
	bool		(*next) (ListingStream *stream, uint32_t *item);
	bool		ended;
};

typedef struct ListingSlot
{
	uint32_t	position;		/* from 1 */
	int			stream;
} ListingSlot;

typedef struct Listing
{
	/* immutable */
	Env		   *env;
	ListingStream **stream;		/* stream 0 has all items that belong to nobody else */
	uint32_t	num_slots;
	const ListingSlot *slot;
	int			explore_stream;
	uint32_t	explore_block;	/* one position of so many, chosen by the seed, is that stream's; 0: none */
	uint64_t	seed;
	int			num_caps;
	const uint32_t *most;		/* by cap */
	uint32_t	(*value) (void *arg, uint32_t item, int cap);	/* small numbers, or LISTING_NO_VALUE: not capped */
	void		(*refused) (void *arg, uint32_t item, int cap); /* may be NULL */
	void	   *arg;
	/* mutable */
	uint32_t	position;
	uint8_t    *used;			/* by item: in the list, or refused for good */
	uint32_t	used_room;
	uint32_t  **count;			/* by cap and value */
	uint32_t   *count_room;
} Listing;

/* The immutable part must be filled in. */
extern void listing_init(Listing *listing);
/* The item of the next position and the stream that it came from; false: there is no more. */
extern bool listing_next(Listing *listing, uint32_t *item, int *stream);
/* Whether it is in the list, or was refused for good. */
extern bool listing_used(const Listing *listing, uint32_t item);
/* Whose position it is. */
extern int	listing_turn(const Listing *listing, uint32_t position);

/*
 * Maximal marginal relevance (Carbonell and Goldstein, 1998): each time the item with the most (1 - weight) * score / greatest score - weight * greatest
 * similarity to an item that is already in `order`; ties by place.  Similarities are n * n, from 0 to 1.
 */
extern void listing_diversify(Env *env, uint32_t n, const double *score, const float *similarity, double weight, uint32_t *order);
/* By hash, then by place. */
extern void listing_shuffle(Env *env, uint32_t n, const uint64_t *hash, uint32_t *order);

#endif							/* PERSONALIZE_LISTING_H */
