/*
 * rules_request.h
 *		The rules of a widget as they apply to one request.
 */
#ifndef PERSONALIZE_RULES_REQUEST_H
#define PERSONALIZE_RULES_REQUEST_H

#include "postgres.h"

#include "serve/request.h"

struct RequestRules
{
	uint32		size;			/* items that had places when they were marked */
	uint8	   *mark;			/* by place: why the item is out; 0: it is not */
	bool	   *is_among;		/* by place, with `among` */
	bool		has_band;		/* of prices */
	double		low;
	double		high;
	double		lack;			/* what the cart lacks, for price_fill; 0: nothing */
	int			num_categories; /* 0: none to compare with */
	const char **category;
};

extern struct RequestRules *rules_of_request(Request *request);
/* rules_refuse, as far as the product table need not be asked. */
extern const char *rules_refuse_key(Request *request, uint32 item);

#endif							/* PERSONALIZE_RULES_REQUEST_H */
