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
	bool		found;			/* is there: known where it is eligible, or was asked about */
	bool		given;			/* came out of products_rest */
	bool		has_price;
	double		price;
	const char *category;		/* as text; NULL: none */
	const char **cap;			/* values of the capped columns, by cap; NULL: none */
	double		factor;			/* product of the boosts and buries that hold; 1: none */
	uint32		failed;			/* where it was asked about: bits of the conditions that do not hold, by products_condition */
} Product;

/* Parses and plans; as the caller.  Fails with a clear message where the filter or a rule's predicate is no predicate over the table. */
extern Products *products_open(WidgetPlan *plan);
/* Looks at these items, those that were looked at before excepted. */
extern void products_look(Request *request, const uint32 *items, uint32 n);
/* The same, eligible or not: prices and categories of those that others are compared with. */
extern void products_ask(Request *request, const uint32 *items, uint32 n);
extern const Product *product_of(Request *request, uint32 item);
/* Whether nothing is known of the item yet, so that it pays to look at several at once. */
extern bool products_unknown(Request *request, uint32 item);
/* About so many more will have to be looked at: fetches all that are eligible instead, where that is cheaper. */
extern void products_expect(Request *request, double more);
/* How many of those looked at were eligible: the share, from above 0 to 1. */
extern double products_share(const Request *request);
/* Prices outside of these need not come along where all that are eligible are fetched. */
extern void products_within(Request *request, double low, double high);
/* What failed, for people: "filter", "dates", …; NULL: it is eligible. */
extern const char *products_reason(Request *request, uint32 item);
/*
 * Whatever else is eligible, in the order of the catalog's codes (roughly by popularity) or, for what has no code, of the keys: the next ones after those
 * returned before, at most `most`.  0: there is no more.
 */
extern uint32 products_rest(Request *request, uint32 *items, uint32 most);
/* Eligible items that are new, for exploration: in no particular order.  Sets *n. */
extern uint32 *products_new(Request *request, uint32 *n);

#endif							/* PERSONALIZE_PRODUCTS_H */
