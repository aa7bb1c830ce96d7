/*
 * rules_parse.h
 *		The rules of a widget, read from its definition: `exclude`, `rules`, `max_per_category`, `max_per`, `filter`.
 *
 * Part of the rules are questions to the product table (products_statement.h): conditions, factors, caps, prices.  The rest is answered by
 * rules.c and list.c.
 */
#ifndef PERSONALIZE_RULES_PARSE_H
#define PERSONALIZE_RULES_PARSE_H

#include "postgres.h"

#include "serve/rules.h"

/* What a buried item's score is multiplied by: behind all others of its level, in the same order. */
#define RULES_BURY 1e-6

/* A predicate over the product table that must hold, or that changes a score. */
typedef struct RulePredicate
{
	const char *rule;			/* "filter", "rule where", "rule boost": what messages call it */
	char	   *text;
	double		factor;			/* of the score where it holds; 1: of a condition */
} RulePredicate;

/* At most so many items of the list have the same value there. */
typedef struct RuleCap
{
	const char *rule;			/* "max_per_category", "max_per brand" */
	char	   *column;			/* of the product table */
	int32		most;
} RuleCap;

/* What the customer did: within so many days, or ever. */
typedef struct RuleEvent
{
	const char *text;			/* as it was given */
	int			history;		/* place among the widget's histories */
	int32		days;			/* -1: ever */
} RuleEvent;

/* To what an item is compared. */
typedef enum RuleBase
{
	RULE_BASE_ITEM,
	RULE_BASE_CART
} RuleBase;

typedef enum RuleCategory
{
	RULE_CATEGORY_ANY,
	RULE_CATEGORY_SAME,
	RULE_CATEGORY_OTHER
} RuleCategory;

struct WidgetRules
{
	const WidgetDef *widget;
	/* of the product table */
	int			num_conditions; /* the filter first */
	RulePredicate *condition;
	int			num_factors;
	RulePredicate *factor;
	double		max_factor;		/* no item's score grows by more */
	int			num_caps;
	RuleCap    *cap;
	char	   *from;			/* columns with the first and the last moment of a product; NULL: none */
	char	   *until;
	/* of prices and categories, compared with those of the anchor or the cart */
	bool		has_price;
	double		min_price;		/* ratios */
	double		max_price;
	RuleBase	price_of;
	double		price_fill;		/* what the cart is to come to; 0: nothing */
	RuleCategory category;
	/* of keys */
	bool		keep_cart;
	bool		no_rest;		/* the list ends with what sources offer */
	bool		exclude_session;
	int			num_include;
	Datum	   *include;		/* of the catalog's type */
	int			num_exclude;
	Datum	   *exclude;
	int			num_events;
	RuleEvent  *event;
};

static inline bool
rules_need_price(const WidgetRules *rules)
{
	return rules->has_price || rules->price_fill > 0;
}

#endif							/* PERSONALIZE_RULES_PARSE_H */
