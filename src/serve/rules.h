/*
 * rules.h
 *		The rules of a widget: which items may be in its list beside what the product table says, and in what order.
 */
#ifndef PERSONALIZE_RULES_H
#define PERSONALIZE_RULES_H

#include "postgres.h"

#include "serve/plan.h"
#include "serve/products.h"
#include "serve/request.h"

typedef struct WidgetRules WidgetRules;

/* Reads exclude, rules, caps of the definition; fails where one is not understood. */
extern WidgetRules *rules_parse(const WidgetDef *widget);
/* What products_open has to ask the product table for, beside the filter: defined with WidgetRules in rules_parse.h. */

/*
 * Why the item may not be in the list: "cart", "bought 90 days", "not eligible: filter", "price 4.00 is not within 5.00 to 8.00", …; NULL: it may.
 * Caps are the list's (list.h).  products_look must have been at it.  Cheap where nobody traces: then any non-NULL constant.
 */
extern const char *rules_refuse(Request *request, uint32 item);

#endif							/* PERSONALIZE_RULES_H */
