/*
 * pair_row.h
 *		A row of exact counts as bytes: `base`, written when the row is built or
 *		merged, and `delta`, the changes since.
 *
 * base: per entry, ascending by item, a varint of the gap to the item before (less one; the first is
 * the item itself) shifted left by one, whose low bit says that a varint of the count less two
 * follows; without it the count is one.  delta: the same gaps, not shifted, each followed by
 * the change in zigzag form.  An empty base or delta is no bytes.
 *
 * The bytes come from a table that its owner may write: reading them is safe.
 */
#ifndef PERSONALIZE_PAIR_ROW_H
#define PERSONALIZE_PAIR_ROW_H

#include <stdbool.h>

#include "base/env.h"
#include "base/wire.h"

typedef struct PairRow
{
	uint32_t	size;
	uint32_t	room;
	uint32_t   *item;			/* ascending */
	int64_t    *count;			/* units, at least 1 */
} PairRow;

extern void pair_row_reserve(Env *env, PairRow *row, uint32_t room);
extern void pair_row_release(Env *env, PairRow *row);

extern size_t pair_row_encoded_room(uint32_t size);
extern unsigned char *pair_row_encode(const uint32_t *items, const int64_t *counts, uint32_t size, unsigned char *out);

/* Base and delta as one; false where the bytes are no row or a count comes out below zero. */
extern bool pair_row_decode(Env *env, WireReader base, WireReader delta, PairRow *row);
/* One count without decoding all; *count is 0 where there is none. */
extern bool pair_row_find(WireReader base, WireReader delta, uint32_t item, int64_t *count);

/* A delta and n more changes, items ascending: writes the new delta, without zeros. */
extern size_t pair_delta_encoded_room(size_t delta_size, uint32_t n);
extern unsigned char *pair_delta_merge(WireReader delta, const uint32_t *items, const int64_t *changes, uint32_t n,
									   unsigned char *out, bool *bad);

/* Whether a delta of that size is to be merged into its base (spec/recommend: 1.5 kB or an eighth). */
static inline bool
pair_delta_is_long(size_t base_size, size_t delta_size)
{
	return delta_size > (base_size / 8 > 1536 ? base_size / 8 : 1536);
}

#endif							/* PERSONALIZE_PAIR_ROW_H */
