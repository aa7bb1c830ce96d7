/*
 * item_key.h
 *		Keys of baskets and items: the five types, and their way into and out of
 *		keysets.
 */
#ifndef PERSONALIZE_ITEM_KEY_H
#define PERSONALIZE_ITEM_KEY_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "kernel/keyset.h"

/* Stored in values: never renumber. */
typedef enum KeyType
{
	KEY_INT2 = 1,
	KEY_INT4 = 2,
	KEY_INT8 = 3,
	KEY_UUID = 4,
	KEY_TEXT = 5
} KeyType;

#define KEY_TYPE_MAX KEY_TEXT

static inline bool
key_is_number(KeyType type)
{
	return type <= KEY_INT8;
}

/* Whether a key of that number type can be this number. */
static inline bool
key_number_fits(KeyType type, int64 number)
{
	return type == KEY_INT2 ? number == (int16) number : type == KEY_INT4 ? number == (int32) number : true;
}

/* The key type of an SQL type, looking through domains; fails with `role` in the message. */
extern KeyType key_type(Oid type, const char *role);
/* The same, but 0 for a type that is none. */
extern KeyType key_type_find(Oid type);
/* "bigint" and so on; and back, 0 if there is none of that name. */
extern const char *key_type_name(KeyType type);
extern KeyType key_type_by_name(const char *name);
extern Oid	key_type_oid(KeyType type);

/* The number in a datum of a number type. */
extern int64 key_number(KeyType type, Datum value);
/* The code of a datum, added where it is new. */
extern uint32 key_add(Env *env, Keyset *set, KeyType type, Datum value);
/*
 * The code of an argument of any type that can mean a key of `type`, or
 * KEYSET_NONE where the set has no such key.  Fails where types do not fit.
 */
extern uint32 key_find(const Keyset *set, KeyType type, Oid argument_type, Datum argument);
/*
 * The same as a datum of `type`; false where no key of that type can be this number.  `role` says in errors
 * what the argument is.
 */
extern bool key_argument(KeyType type, Oid argument_type, Datum argument, const char *role, Datum *key);
/* As what keys of `type` go out where SQL type `want` is asked for; fails, naming `function` in its hint, if they cannot. */
extern KeyType key_result(KeyType type, Oid want, const char *function);
/* A key of `type` as a datum of key type `as`, which came from key_result. */
extern Datum key_datum(const Keyset *set, KeyType type, uint32 code, KeyType as);
extern void key_append_text(StringInfo out, const Keyset *set, KeyType type, uint32 code);

#endif							/* PERSONALIZE_ITEM_KEY_H */
