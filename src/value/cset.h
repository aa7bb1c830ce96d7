/*
 * cset.h
 *		The SQL type cset: a varlena around the bytes of kernel/ordinal_set.h.
 */
#ifndef PERSONALIZE_VALUE_CSET_H
#define PERSONALIZE_VALUE_CSET_H

#include "base/compat.h"

#include "base/server_env.h"
#include "kernel/ordinal_set.h"

/* Detoasts as far as needed. */
extern OrdinalCursor *cset_open(Datum value, OrdinalBytes *cursor);
/* Fails where bytes turned out to be no set of a version that is known here; to be called when the cursor has been used. */
extern void cset_guard(const OrdinalCursor *cursor);
/* A value of everything that a cursor passes, in the memory context of the environment. */
extern Datum cset_form(Env *env, OrdinalCursor *cursor);
/* A value of a writer that began with VARHDRSZ bytes in reserve. */
extern Datum cset_finish(OrdinalWriter *writer);
/* Fails where a set in memory has become larger than any value. */
extern void cset_guard_memory(const OrdinalSet *set);

#endif							/* PERSONALIZE_VALUE_CSET_H */
