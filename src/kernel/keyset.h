/*
 * keyset.h
 *		Keys and their codes: 0, 1, 2, … in the order they came.
 *
 * A set holds numbers, or strings of bytes; a uuid is sixteen bytes, a text its
 * characters.  Both order as their type does, texts by their bytes.
 */
#ifndef PERSONALIZE_KEYSET_H
#define PERSONALIZE_KEYSET_H

#include <stdbool.h>

#include "base/env.h"

#define KEYSET_NONE UINT32_MAX

typedef struct Keyset
{
	bool		numbers;
	uint32_t	size;
	uint32_t	room;
	int64_t    *number;			/* by code, if numbers */
	uint64_t   *start;			/* by code, otherwise: size + 1 places in bytes */
	char	   *bytes;
	uint64_t	bytes_room;
	uint32_t   *slot;			/* hash table of codes, KEYSET_NONE where free */
	uint32_t	mask;
} Keyset;

extern void keyset_init(Env *env, Keyset *set, bool numbers);
/* Room for so many keys at once, for who knows that they will come. */
extern void keyset_reserve(Env *env, Keyset *set, uint32_t room);
extern void keyset_release(Env *env, Keyset *set);
/* The code of a key, a new one where it is not in the set yet. */
extern uint32_t keyset_add_number(Env *env, Keyset *set, int64_t number);
extern uint32_t keyset_add_bytes(Env *env, Keyset *set, const void *bytes, size_t size);
/* The code of a key, or KEYSET_NONE. */
extern uint32_t keyset_find_number(const Keyset *set, int64_t number);
extern uint32_t keyset_find_bytes(const Keyset *set, const void *bytes, size_t size);
/* The place of every code when the keys are sorted. */
extern uint32_t *keyset_order(Env *env, const Keyset *set);
/* Adds the key with that code in another set of the same kind. */
extern uint32_t keyset_add_from(Env *env, Keyset *set, const Keyset *other, uint32_t code);
extern size_t keyset_memory(const Keyset *set);

static inline const char *
keyset_bytes(const Keyset *set, uint32_t code, size_t *size)
{
	*size = set->start[code + 1] - set->start[code];
	return set->bytes + set->start[code];
}

#endif							/* PERSONALIZE_KEYSET_H */
