/*
 * item_key.c
 *		Keys of baskets and items.
 *
 * Five types, because for these equal bytes, or numbers, mean equal keys and their
 * order depends on no collation: results are the same everywhere.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "value/item_key.h"

/* Names as format_type gives them: they stand in error messages and in the text form. */
static const struct
{
	const char *name;
	Oid			oid;
}			key_types[] = {
	[KEY_INT2] = {"smallint", INT2OID},
	[KEY_INT4] = {"integer", INT4OID},
	[KEY_INT8] = {"bigint", INT8OID},
	[KEY_UUID] = {"uuid", UUIDOID},
	[KEY_TEXT] = {"text", TEXTOID},
};

/* A varchar is a text with a limit. */
KeyType
key_type_find(Oid type)
{
	type = getBaseType(type);
	if (type == VARCHAROID)
		return KEY_TEXT;
	for (KeyType k = KEY_INT2; k <= KEY_TYPE_MAX; k++)
		if (key_types[k].oid == type)
			return k;
	return 0;
}

/* The type of an argument may be unknown at run time, too, if a caller does not say which it is. */
KeyType
key_type(Oid type, const char *role)
{
	KeyType		found = OidIsValid(type) ? key_type_find(type) : 0;

	if (found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s cannot be of type %s", role,
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errdetail("Keys are smallint, integer, bigint, uuid or text."),
				 errhint("Cast it, for example to bigint or text.")));
	return found;
}

const char *
key_type_name(KeyType type)
{
	return key_types[type].name;
}

Oid
key_type_oid(KeyType type)
{
	return key_types[type].oid;
}

KeyType
key_type_by_name(const char *name)
{
	for (KeyType k = KEY_INT2; k <= KEY_TYPE_MAX; k++)
		if (strcmp(key_types[k].name, name) == 0)
			return k;
	return 0;
}

/* All integers are 64 bits from here on, so that types differ only on their way in and out. */
int64
key_number(KeyType type, Datum value)
{
	/* a datum of a narrow type need not have its upper bits set, so its width matters */
	switch (type)
	{
		case KEY_INT2:
			return DatumGetInt16(value);
		case KEY_INT4:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* Bytes go into the set as they are; equal texts under a nondeterministic collation stay two keys. */
uint32
key_add(Env *env, Keyset *set, KeyType type, Datum value)
{
	struct varlena *text;
	uint32		code;

	if (key_is_number(type))
		return keyset_add_number(env, set, key_number(type, value));
	if (type == KEY_UUID)
		return keyset_add_bytes(env, set, DatumGetUUIDP(value)->data, UUID_LEN);
	text = PG_DETOAST_DATUM_PACKED(value);
	code = keyset_add_bytes(env, set, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
	/* rows may be many in one context: what detoasting made must not pile up */
	if ((Pointer) text != DatumGetPointer(value))
		pfree(text);
	return code;
}

/* An untyped literal is read as the type that the set holds. */
static Datum
read_literal(KeyType type, const char *literal)
{
	Oid			input;
	Oid			parameter;

	getTypeInputInfo(key_types[type].oid, &input, &parameter);
	return OidInputFunctionCall(input, unconstify(char *, literal), parameter, -1);
}

uint32
key_find(const Keyset *set, KeyType type, Oid argument_type, Datum argument)
{
	KeyType		given = type;
	struct varlena *text;

	if (argument_type == UNKNOWNOID)
		argument = read_literal(type, DatumGetCString(argument));
	else
		given = key_type(argument_type, "item");
	/* numbers are compared by value, so a bigint finds an integer */
	if (given != type && !(key_is_number(given) && key_is_number(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("items of this matrix are of type %s, not %s",
						key_type_name(type), key_type_name(given))));
	if (key_is_number(given))
		return keyset_find_number(set, key_number(given, argument));
	if (given == KEY_UUID)
		return keyset_find_bytes(set, DatumGetUUIDP(argument)->data, UUID_LEN);
	text = PG_DETOAST_DATUM_PACKED(argument);
	return keyset_find_bytes(set, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

/* Integers of any width can be asked for, as a literal's type may be another than the column's. */
KeyType
key_result(KeyType type, Oid want, const char *function)
{
	KeyType		wanted = key_type_find(want);

	if (wanted != type && (wanted == 0 || !key_is_number(wanted) || !key_is_number(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("items of this matrix are of type %s, not %s",
						key_type_name(type), format_type_be(want)),
				 errhint("Say so with the second argument: %s(m, NULL::%s, ...).",
						 function, key_type_name(type))));
	return wanted;
}

/* A narrower type than the matrix's may have been asked for, so each number is looked at. */
static Datum
number_datum(int64 number, KeyType as)
{
	if (as == KEY_INT8)
		return Int64GetDatum(number);
	if (!key_number_fits(as, number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("item " INT64_FORMAT " is out of range for type %s", number, key_type_name(as))));
	return as == KEY_INT4 ? Int32GetDatum((int32) number) : Int16GetDatum((int16) number);
}

/* Numbers of any width mean each other, as everywhere; what is out of range is just no key. */
bool
key_argument(KeyType type, Oid argument_type, Datum argument, const char *role, Datum *key)
{
	KeyType		given;

	*key = argument;
	if (argument_type == UNKNOWNOID)
	{
		*key = read_literal(type, DatumGetCString(argument));
		return true;
	}
	given = key_type(argument_type, role);
	if (given == type)
		return true;
	if (!key_is_number(given) || !key_is_number(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s must be of type %s, not %s", role, key_type_name(type), key_type_name(given))));
	if (!key_number_fits(type, key_number(given, argument)))
		return false;
	*key = number_datum(key_number(given, argument), type);
	return true;
}

Datum
key_datum(const Keyset *set, KeyType type, uint32 code, KeyType as)
{
	size_t		size;
	const char *bytes;

	if (key_is_number(type))
		return number_datum(set->number[code], as);
	bytes = keyset_bytes(set, code, &size);
	/* the server's uuid is sixteen bytes without alignment, so a pointer into the set will do */
	if (type == KEY_UUID)
		return PointerGetDatum(bytes);
	return PointerGetDatum(cstring_to_text_with_len(bytes, size));
}

/* Numbers and uuids need no quotes, as no character of theirs is syntax. */
void
key_append_text(StringInfo out, const Keyset *set, KeyType type, uint32 code)
{
	size_t		size;
	const char *bytes;

	if (key_is_number(type))
	{
		appendStringInfo(out, INT64_FORMAT, set->number[code]);
		return;
	}
	bytes = keyset_bytes(set, code, &size);
	if (type == KEY_UUID)
	{
		char	   *uuid = DatumGetCString(DirectFunctionCall1(uuid_out, PointerGetDatum(bytes)));

		appendStringInfoString(out, uuid);
		pfree(uuid);
		return;
	}
	/* always quoted: when a text needs it would be one more rule to know */
	appendStringInfoChar(out, '"');
	for (size_t i = 0; i < size; i++)
	{
		if (bytes[i] == '"' || bytes[i] == '\\')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, bytes[i]);
	}
	appendStringInfoChar(out, '"');
}
