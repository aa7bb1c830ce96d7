/*
 * list.c
 *		From candidates to the list.
 */
#include "base/compat.h"

#include "serve/list.h"
#include "serve/products.h"
#include "serve/rules.h"

/* One after the other, until the page is full. */
typedef struct ListMaker
{
	Request    *request;
	int64		passed;			/* items that have a position */
	Pick	   *pick;
	uint32		size;
	Keyset		seen;			/* places that were met before */
} ListMaker;

static bool
is_full(const ListMaker *maker)
{
	return maker->size >= maker->request->k;
}

static bool
is_new(ListMaker *maker, uint32 item)
{
	uint32		before = maker->seen.size;

	keyset_add_number(&maker->request->server.env, &maker->seen, item);
	return maker->seen.size > before;
}

static void
take(ListMaker *maker, const Candidate *candidate, int level)
{
	Request    *request = maker->request;

	if (is_full(maker) || !is_new(maker, candidate->item) || rules_refuse(request, candidate->item) != NULL)
		return;
	if (maker->passed++ >= request->offset)
		maker->pick[maker->size++] = (Pick) {candidate->item, maker->passed, candidate->score - level, candidate->source,
			candidate->because, candidate->propensity};
}

static void
take_rest(ListMaker *maker)
{
	uint32		items[64];
	uint32		n;

	while (!is_full(maker) && (n = products_rest(maker->request, items, lengthof(items))) > 0)
		for (uint32 i = 0; i < n; i++)
			take(maker, &(Candidate) {items[i], 0, -1, ITEM_NONE, 1}, request_num_levels(maker->request));
}

Pick *
list_make(Request *request, uint32 *size)
{
	ListMaker	maker = {request};

	maker.pick = MemoryContextAlloc(request->context, request->k * sizeof(Pick));
	keyset_init(&request->server.env, &maker.seen, true);
	for (int level = 0; level < request_num_levels(request) && !is_full(&maker); level++)
	{
		uint32		n;
		Candidate  *candidates = request_collect(request, level, request->k + request->offset, &n);

		for (uint32 i = 0; i < n; i++)
			take(&maker, &candidates[i], level);
	}
	take_rest(&maker);
	*size = maker.size;
	return maker.pick;
}
