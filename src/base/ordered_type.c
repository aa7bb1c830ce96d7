/*
 * ordered_type.c
 *		Any type's own order.
 */
#include "base/compat.h"

#include "utils/builtins.h"

#include "base/ordered_type.h"

TypeCacheEntry *
ordered_type(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_CMP_PROC_FINFO);

	if (!OidIsValid(entry->cmp_proc_finfo.fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s has no default order", format_type_be(type)),
				 errdetail("Its values cannot be compared: it has no default btree operator class.")));
	return entry;
}
