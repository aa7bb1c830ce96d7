/*
 * request.c
 *		Items of a request: their places, their keys, and chance by hash.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/uuid.h"

#include "kernel/mix.h"
#include "serve/request.h"

uint32
request_item(Request *request, Datum key)
{
	return key_add(&request->server.env, &request->items, request->widget->catalog->item_type, key);
}

Datum
request_key(const Request *request, uint32 item)
{
	KeyType		type = request->widget->catalog->item_type;

	return key_datum(&request->items, type, item, type);
}

/* As the type's output has it, without the quotes that a text gets inside of a list. */
char *
request_key_text(const Request *request, uint32 item)
{
	size_t		size;
	const char *bytes;

	if (request->items.numbers)
		return psprintf(INT64_FORMAT, request->items.number[item]);
	bytes = keyset_bytes(&request->items, item, &size);
	if (request->widget->catalog->item_type == KEY_UUID)
		return DatumGetCString(DirectFunctionCall1(uuid_out, PointerGetDatum(bytes)));
	return pnstrdup(bytes, size);
}

int
request_compare_keys(const Request *request, uint32 a, uint32 b)
{
	return mix_compare_keys(&request->items, a, b);
}

uint32
request_num_items(const Request *request)
{
	return request->items.size;
}

/* --- chance -------------------------------------------------------------- */

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit of the state tells on every bit of the result. */
static uint64
mix_bits(uint64 x)
{
	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Byte by byte, so that machines of both byte orders choose the same. */
static uint64
mix_bytes(uint64 hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = mix_bits(hash ^ (unsigned char) bytes[i]) + UINT64CONST(0x9e3779b97f4a7c15);
	return hash;
}

uint64
request_hash(const Request *request, const char *purpose, uint32 item)
{
	uint64		hash = mix_bytes(mix_bits(request->seed + UINT64CONST(0x9e3779b97f4a7c15)), purpose, strlen(purpose));
	size_t		size;
	const char *bytes;

	if (item == ITEM_NONE)
		return mix_bits(hash);
	if (request->items.numbers)
		return mix_bits(hash ^ mix_bits((uint64) request->items.number[item] + UINT64CONST(0x9e3779b97f4a7c15)));
	bytes = keyset_bytes(&request->items, item, &size);
	return mix_bits(mix_bytes(hash, bytes, size));
}

/* --- rights -------------------------------------------------------------- */

void
request_require_select(Oid relation)
{
	AclResult	result = pg_class_aclcheck(relation, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(relation));
	if (check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("widgets cannot read %s under row-level security", registry_name(relation)),
				 errdetail("Rows are read by their key, without a look at policies."),
				 errhint("Policies belong on the product table, where widgets follow them.")));
}
