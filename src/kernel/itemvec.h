/*
 * itemvec.h
 *		Sparse vectors: 64-bit items with finite, nonzero weights.
 *
 * A vector's bytes are
 *
 *		version, coding, count (varint), then per entry: gap (varint), weight
 *
 * where a gap is the distance to the item before, less one, and the first is
 * counted from -1.  The coding is the smallest that is exact for all weights, so
 * that equal vectors are equal bytes.
 */
#ifndef PERSONALIZE_KERNEL_ITEMVEC_H
#define PERSONALIZE_KERNEL_ITEMVEC_H

#include "base/env.h"
#include "base/wire.h"

#define ITEMVEC_VERSION 1

/* So many entries, decoded, are the most that fits an ordinary allocation of the server, 1 GB. */
#define ITEMVEC_MAX_ITEMS ((UINT64_C(1) << 26) - 1)

typedef enum ItemvecCoding
{
	ITEMVEC_ONES = 0,			/* no weight is stored */
	ITEMVEC_INTEGERS = 1,		/* varints; all weights are whole, positive and below 2^53 */
	ITEMVEC_FLOATS = 2			/* eight bytes, in the machine's order */
} ItemvecCoding;

typedef struct ItemWeight
{
	int64_t		item;
	double		weight;
} ItemWeight;

typedef struct ItemvecCursor
{
	WireReader	in;
	ItemvecCoding coding;
	uint64_t	count;			/* entries in all */
	uint64_t	left;			/* entries not yet read */
	int64_t		item;			/* the entry that the last call of next came to */
	double		weight;
} ItemvecCursor;

/* False where the bytes are not a vector of this version; head looks at the first of them only. */
#define ITEMVEC_HEAD_SIZE (2 + WIRE_MAX_VARINT)
extern bool itemvec_open_head(ItemvecCursor *cursor, const void *bytes, size_t size);
extern bool itemvec_open(ItemvecCursor *cursor, const void *bytes, size_t size);

static inline bool
itemvec_next(ItemvecCursor *c)
{
	if (c->left == 0)
		return false;
	c->left--;
	/* Unsigned, because the gap of a negative first item wraps around. */
	c->item = (int64_t) ((uint64_t) c->item + wire_get_varint(&c->in) + 1);
	if (c->coding == ITEMVEC_INTEGERS)
		c->weight = (double) wire_get_varint(&c->in);
	else if (c->coding == ITEMVEC_FLOATS)
	{
		const unsigned char *p = wire_get_bytes(&c->in, sizeof(double));

		if (p != NULL)
			memcpy(&c->weight, p, sizeof(double));
	}
	return !c->in.bad;
}

/* Both want entries in ascending order of items, without zeros. */
extern size_t itemvec_encoded_size(const ItemWeight *entries, uint64_t n, ItemvecCoding *coding);
extern void itemvec_encode(const ItemWeight *entries, uint64_t n, ItemvecCoding coding,
						   unsigned char *out);

typedef enum ItemvecOp
{
	ITEMVEC_ADD,
	ITEMVEC_SUBTRACT,
	ITEMVEC_MULTIPLY
} ItemvecOp;

/*
 * Entry by entry; `out` has room for both vectors.  Returns the number of
 * entries, among which there may be zeros and infinities.
 */
extern uint64_t itemvec_combine(ItemvecOp op, ItemvecCursor *a, ItemvecCursor *b, ItemWeight *out);

/* Sums run in ascending order of items, so they are the same on every machine. */
extern double itemvec_dot(ItemvecCursor *a, ItemvecCursor *b);
extern double itemvec_total(ItemvecCursor *a);
extern double itemvec_norm1(ItemvecCursor *a);
extern double itemvec_norm(const ItemvecCursor *a);
extern double itemvec_cosine(const ItemvecCursor *a, const ItemvecCursor *b);

/* Weighted: sum of minima over sum of maxima; negative weights are the caller's to refuse. */
extern double itemvec_jaccard(const ItemvecCursor *a, const ItemvecCursor *b);

/* In place, to ascending order of items. */
extern void itemvec_sort(Env *env, ItemWeight *entries, uint64_t n);

/* Moves the k heaviest to the front, equal weights by ascending item, and sorts them by item. */
extern uint64_t itemvec_top(Env *env, ItemWeight *entries, uint64_t n, uint64_t k);

/*
 * Sums by item that do not depend on the order of what is added: rows are kept,
 * and when their room is full, the rows of one item become the fewest numbers
 * that together are their exact sum.
 */
typedef struct ItemvecRows
{
	ItemWeight *rows;
	uint64_t	n;
	uint64_t	capacity;
} ItemvecRows;

typedef struct ItemvecSums
{
	ItemvecRows usual;
	ItemvecRows huge;			/* scaled down, so that partial sums cannot overflow */
} ItemvecSums;

extern void itemvec_sums_add(Env *env, ItemvecSums *sums, int64_t item, double weight);
extern void itemvec_sums_merge(Env *env, ItemvecSums *sums, const ItemvecSums *other);
extern void itemvec_sums_compact(Env *env, ItemvecSums *sums);

/* Every sum correctly rounded, in a new array; infinite where it is out of range. */
extern ItemWeight *itemvec_sums_round(Env *env, ItemvecSums *sums, uint64_t *n);

#endif							/* PERSONALIZE_KERNEL_ITEMVEC_H */
