/*
 * ordered_type.h
 *		Any type's own order: its default btree comparison, under a collation.
 */
#ifndef PERSONALIZE_ORDERED_TYPE_H
#define PERSONALIZE_ORDERED_TYPE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/typcache.h"

/* Fails for a type that has no order; the entry lives as long as the backend. */
extern TypeCacheEntry *ordered_type(Oid type);

static inline int
ordered_type_compare(TypeCacheEntry *type, Oid collation, Datum x, Datum y)
{
	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, collation, x, y));
}

#endif							/* PERSONALIZE_ORDERED_TYPE_H */
