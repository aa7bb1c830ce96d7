/*
 * rules.c
 *		Which items may be in a list, beside what the product table says.
 */
#include "base/compat.h"

#include "serve/rules_parse.h"

static bool
is_in(const ItemList *list, uint32 item)
{
	for (uint32 i = 0; i < list->size; i++)
		if (list->item[i] == item)
			return true;
	return false;
}

const char *
rules_refuse(Request *request, uint32 item)
{
	if (item == request->anchor)
		return "item";
	if (is_in(&request->cart, item))
		return "cart";
	if (is_in(&request->exclude, item))
		return "exclude";
	if (request->has_among && !is_in(&request->among, item))
		return "among";
	return product_of(request, item)->eligible ? NULL : "not eligible";
}
