/*
 * counter_row.h
 *		Counters of some neighboring items as bytes: for each the epochs that have a sum,
 *		and the sums.
 *
 * A row of a table takes forty bytes beside what it says, and a counter says six; so counters of
 * 32 items stand in one row.  The bytes are canonical: equal counters have equal bytes.
 */
#ifndef PERSONALIZE_COUNTER_ROW_H
#define PERSONALIZE_COUNTER_ROW_H

#include <stdbool.h>

#include "base/env.h"
#include "base/wire.h"

#define COUNTER_ROW_ITEMS 32

typedef struct CounterCell
{
	uint32_t	place;			/* of the item in the row, below COUNTER_ROW_ITEMS */
	int32_t		epoch;
	int64_t		sum;			/* above 0 */
} CounterCell;

/* A zeroed row is an empty one. */
typedef struct CounterRow
{
	uint32_t	size;
	uint32_t	room;
	CounterCell *cell;			/* ascending by place and epoch, none twice */
} CounterRow;

extern void counter_row_reserve(Env *env, CounterRow *row, uint32_t room);
/* Bytes that counter_row_encode may need at most; it returns the end of what it wrote. */
extern size_t counter_row_encoded_room(uint32_t size);
extern unsigned char *counter_row_encode(const CounterRow *row, unsigned char *out);
/* All of the bytes, which are untrusted; false where they are no counters in their order. */
extern bool counter_row_decode(Env *env, WireReader *in, CounterRow *row);

#endif							/* PERSONALIZE_COUNTER_ROW_H */
