/*
 * list_similarity.h
 *		How much items of a block are alike, for diversity.
 */
#ifndef PERSONALIZE_LIST_SIMILARITY_H
#define PERSONALIZE_LIST_SIMILARITY_H

#include "postgres.h"

#include "serve/request.h"

/* n * n, from 0 to 1, symmetric, in the current memory context. */
extern float *list_similarities(Request *request, const uint32 *items, uint32 n);

#endif							/* PERSONALIZE_LIST_SIMILARITY_H */
