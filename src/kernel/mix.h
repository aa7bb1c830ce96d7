/*
 * mix.h
 *		Offers of items by several sources, added up and mixed into one list.
 *
 * Items are codes of a keyset, whose order of keys breaks ties: score descending, key ascending.  Sums are taken in the order of the
 * offers and of the lists, so that the same offers give the same bits.
 */
#ifndef PERSONALIZE_MIX_H
#define PERSONALIZE_MIX_H

#include "kernel/keyset.h"

/* Rank 1 counts as 1 / (MIX_RRF_RANK + 1): reciprocal rank fusion as Cormack, Clarke and Buettcher (2009) have it. */
#define MIX_RRF_RANK 60

typedef enum MixKind
{
	MIX_SUM,					/* Σ weight · (score / best score of the list) */
	MIX_RRF						/* Σ weight / (60 + rank in the list) */
} MixKind;

typedef struct MixEntry
{
	double		score;
	double		most;			/* the largest amount in it */
	uint32_t	item;
	uint32_t	because;		/* what gave that amount; KEYSET_NONE: nothing in particular */
	uint32_t	source;			/* the list that gave it */
} MixEntry;

typedef struct MixList
{
	uint32_t	size;
	uint32_t	room;
	MixEntry   *entry;
	/* once closed */
	double		best;			/* score */
	uint32_t	sorted;			/* so many of the first stand in their order, and before all others */
} MixList;

/* Where in the list that is being made an item stands; shared by lists that are made one after the other. */
typedef struct MixIndex
{
	uint32_t	room;
	uint32_t   *slot;			/* by item, KEYSET_NONE: nowhere */
} MixIndex;

/* A zeroed list is an empty one, and so for an index. Amounts must be finite; negative ones count. */
extern void mix_offer(Env *env, MixIndex *index, MixList *list, uint32_t item, double amount, uint32_t because, uint32_t source);
/* Takes out what does not score above 0; the index is empty then, for the next list. */
extern void mix_close(MixIndex *index, MixList *list);
/* Brings at least the first n of a closed list into their order.  Few are asked for of many, mostly. */
extern void mix_sort(Env *env, MixList *list, const Keyset *items, uint32_t n);
/* Closed lists into one, which is closed, too; by list a weight above 0.  An entry's source is the number of its list. */
extern void mix_lists(Env *env, MixIndex *index, const Keyset *items, MixKind kind, MixList *lists, const double *weights,
					  uint32_t num_lists, MixList *out);
/* What an entry at that place of a closed list, for MIX_RRF a sorted one, adds to the mix. */
extern double mix_amount(MixKind kind, const MixList *list, uint32_t place, double weight);
/* < 0, 0 or > 0 by the keys of two items: numbers by value, anything else by bytes. */
extern int	mix_compare_keys(const Keyset *items, uint32_t a, uint32_t b);

#endif							/* PERSONALIZE_MIX_H */
