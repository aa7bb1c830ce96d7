/*
 * products.c
 *		The shop's product table as rules need it.
 */
#include "base/compat.h"

#include "serve/products.h"

struct Products
{
	WidgetPlan *plan;
};

static const Product anything = {.looked = true, .eligible = true, .factor = 1};

Products *
products_open(WidgetPlan *plan)
{
	Products   *products = MemoryContextAllocZero(plan->context, sizeof(Products));

	products->plan = plan;
	return products;
}

void
products_look(Request *request, const uint32 *items, uint32 n)
{
}

const Product *
product_of(Request *request, uint32 item)
{
	return &anything;
}

uint32
products_rest(Request *request, uint32 *items, uint32 most)
{
	return 0;
}
