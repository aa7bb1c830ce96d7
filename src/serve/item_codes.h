/*
 * item_codes.h
 *		Keys of a catalog's codes, as rows of histories hold them; met ones are kept by the backend.
 */
#ifndef PERSONALIZE_ITEM_CODES_H
#define PERSONALIZE_ITEM_CODES_H

#include "postgres.h"

#include "serve/request.h"

/* Places of the codes' items; ITEM_NONE where the catalog does not know a code any more. */
extern void item_codes_places(Request *request, const uint32 *codes, uint32 n, uint32 *places);
/* Any change of a catalog's table: what was kept of it is gone.  InvalidOid: of all. */
extern void item_codes_invalidate(Oid relation);

#endif							/* PERSONALIZE_ITEM_CODES_H */
