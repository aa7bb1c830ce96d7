/*
 * trace.h
 *		Why an item is, or is not, in a list: filled while the list is made, where somebody asks.
 */
#ifndef PERSONALIZE_TRACE_H
#define PERSONALIZE_TRACE_H

#include "postgres.h"

#include "serve/request.h"

typedef struct Trace
{
	uint32		item;			/* the one asked about; ITEM_NONE: all */
	/* score: as the source gave it; amount: what of it is in the mixed score */
	void		(*contributed) (struct Trace *trace, int source, uint32 item, uint32 because, double score, double amount);
	void		(*refused) (struct Trace *trace, uint32 item, const char *rule);
	void		(*moved) (struct Trace *trace, uint32 item, const char *rule);	/* boost, cap, slot, diversity, shuffle, exploration */
} Trace;

static inline bool
trace_wants(const Request *request, uint32 item)
{
	return request->trace != NULL && (request->trace->item == ITEM_NONE || request->trace->item == item);
}

#endif							/* PERSONALIZE_TRACE_H */
