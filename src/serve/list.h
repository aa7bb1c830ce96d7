/*
 * list.h
 *		From candidates to the list: levels one after the other, rules, caps, slots, diversity, exploration, shuffling, paging.
 *
 * The list does not depend on k and offset but for its length: the first k + offset positions are always the same.  k results come
 * back wherever k items are eligible: after the last fallback follows whatever the product table has.
 */
#ifndef PERSONALIZE_LIST_H
#define PERSONALIZE_LIST_H

#include "postgres.h"

#include "serve/request.h"

/* Where an item comes from that no source has offered. */
enum
{
	LIST_SOURCE_REST = -1,		/* the rest of the shop, or of `among` */
	LIST_SOURCE_PINNED = -2,	/* rule include */
	LIST_SOURCE_NEW = -3		/* exploration */
};

typedef struct Pick
{
	uint32		item;
	int32		rank;			/* from 1, offset included */
	double		score;
	int32		source;			/* place; below 0: LIST_SOURCE_* */
	uint32		because;		/* ITEM_NONE: nothing in particular */
	double		propensity;
} Pick;

/* The page that was asked for: at most k picks. */
extern Pick *list_make(Request *request, uint32 *size);

#endif							/* PERSONALIZE_LIST_H */
