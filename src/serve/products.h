/*
 * products.h
 *		The shop's product table as rules need it: what is eligible now, in the caller's snapshot and with the caller's rights.
 *
 * Statements are planned once per backend; row-level security of the product table applies as to any query of the caller.  A catalog that
 * is bound to no product table is its own: all items are eligible, without price and category.
 */
#ifndef PERSONALIZE_PRODUCTS_H
#define PERSONALIZE_PRODUCTS_H

#include "postgres.h"

#include "serve/plan.h"
#include "serve/request.h"

typedef struct Products Products;

typedef struct Product
{
	bool		looked;			/* the rest says something */
	bool		eligible;		/* is there, and passes filter, dates and category */
	bool		has_price;
	double		price;
	const char *category;		/* as text; NULL: none */
	const char **cap;			/* values of the capped columns, by cap; NULL: none */
	double		factor;			/* product of the boosts and buries that hold; 1: none */
	uint32		failed;			/* with a trace: bits of the conditions that do not hold, by Products' order */
} Product;

/* Parses and plans; as the caller.  Fails with a clear message where the filter or a rule's predicate is no predicate over the table. */
extern Products *products_open(WidgetPlan *plan);
/* Looks at these items, those that were looked at before excepted. */
extern void products_look(Request *request, const uint32 *items, uint32 n);
extern const Product *product_of(Request *request, uint32 item);
/*
 * Whatever else is eligible, in the order of the catalog's codes (roughly by popularity) or, for what has no code, of the keys: the next ones after those
 * returned before, at most `most`.  0: there is no more.
 */
extern uint32 products_rest(Request *request, uint32 *items, uint32 most);

#endif							/* PERSONALIZE_PRODUCTS_H */
