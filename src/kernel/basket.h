/*
 * basket.h
 *		One basket of a history: its distinct items, each with a weight and the
 *		day and place of its last event.  In memory, and as bytes of a row.
 *
 * In memory entries ascend by code.  The bytes are canonical: equal baskets have
 * equal bytes, and what a basket does not need (weights of one, an order that is
 * that of the codes, days that are all the same) takes none.
 */
#ifndef PERSONALIZE_BASKET_H
#define PERSONALIZE_BASKET_H

#include <stdbool.h>

#include "base/env.h"
#include "base/wire.h"

typedef struct BasketEntry
{
	uint32_t	code;			/* dense code of the item in its catalog */
	uint32_t	weight;			/* at least 1 */
	int32_t		day;			/* days since 2000-01-01 of the last event; 0 in a history without times */
	uint32_t	position;		/* place in the sequence of last events, from 0; the place by code without times */
} BasketEntry;

typedef struct Basket
{
	uint32_t	size;
	uint32_t	room;
	BasketEntry *entry;			/* ascending by code, no code twice */
} Basket;

/* A zeroed basket is an empty one. */
extern void basket_reserve(Env *env, Basket *b, uint32_t room);
extern void basket_release(Env *env, Basket *b);
/* Entries in any order, positions filled in: into the order of their codes. */
extern void basket_sort(Basket *b);

/* Bytes that basket_encode may need at most; it returns the end of what it wrote. */
extern size_t basket_encoded_room(uint32_t size);
extern unsigned char *basket_encode(const Basket *b, unsigned char *out);
/* All of the bytes, which are untrusted; false where they are no basket in canonical form. */
extern bool basket_decode(Env *env, WireReader *in, Basket *b);

/* The day of the last event of all; the basket must not be empty. */
static inline int32_t
basket_last_day(const Basket *b)
{
	int32_t		last = INT32_MIN;

	for (uint32_t e = 0; e < b->size; e++)
		last = b->entry[e].day > last ? b->entry[e].day : last;
	return last;
}

#endif							/* PERSONALIZE_BASKET_H */
