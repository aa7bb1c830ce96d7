/*
 * itemvec.h
 *		The SQL type itemvec: a varlena around the bytes of kernel/itemvec.h.
 */
#ifndef PERSONALIZE_VALUE_ITEMVEC_H
#define PERSONALIZE_VALUE_ITEMVEC_H

#include "base/compat.h"

#include "base/server_env.h"
#include "kernel/itemvec.h"

/* Detoasts as far as needed, and fails on bytes that are no vector. */
extern void itemvec_read(Datum value, ItemvecCursor *cursor);
#define PG_GETARG_ITEMVEC(n, cursor) itemvec_read(PG_GETARG_DATUM(n), cursor)

extern ItemWeight *itemvec_decode(ItemvecCursor *cursor);

/* From entries that ascend by item; zeros are left out, what does not fit is an error. */
extern Datum itemvec_form(ItemWeight *entries, uint64 n);

/* From sums, correctly rounded. */
extern Datum itemvec_form_sums(ServerEnv *server, ItemvecSums *sums);

/* A writer's entries in any order, as a type's input functions get them. */
typedef struct ItemvecInput
{
	ItemWeight *entries;
	uint64		n;
	uint64		capacity;
} ItemvecInput;

extern void itemvec_input_reserve(ItemvecInput *input, uint64 capacity);
extern void itemvec_input_add(ItemvecInput *input, int64 item, double weight);
extern Datum itemvec_input_form(ItemvecInput *input);

/* Reads an item at p; returns where it ends, p itself where there is none. */
extern const char *itemvec_parse_item(const char *p, int64 *item, bool *overflow);

#endif							/* PERSONALIZE_VALUE_ITEMVEC_H */
