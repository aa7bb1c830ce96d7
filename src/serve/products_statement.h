/*
 * products_statement.h
 *		The statements over the product table, and how a row of theirs reads.
 */
#ifndef PERSONALIZE_PRODUCTS_STATEMENT_H
#define PERSONALIZE_PRODUCTS_STATEMENT_H

#include "postgres.h"

#include "executor/spi.h"
#include "nodes/params.h"
#include "tcop/dest.h"

#include "serve/products.h"
#include "serve/rules_parse.h"

/* Parameters of all of them; most leave some unused. */
enum {PRODUCTS_KEYS = 1, PRODUCTS_AS_OF, PRODUCTS_CATEGORY, PRODUCTS_LOW, PRODUCTS_HIGH, PRODUCTS_AFTER, PRODUCTS_LIMIT,
	PRODUCTS_NUM_PARAMETERS = PRODUCTS_LIMIT};

typedef enum ProductsStatement
{
	PRODUCTS_LOOK,				/* the eligible ones among $KEYS */
	PRODUCTS_PAGES,				/* $KEYS, whether they are eligible, and where their rows stand */
	PRODUCTS_ASK,				/* $KEYS, eligible or not, and which conditions hold */
	PRODUCTS_SET,				/* all that are eligible, within the prices asked for */
	PRODUCTS_NEXT,				/* the same in the order of keys, after $AFTER; at most $LIMIT */
	PRODUCTS_NEW				/* those that exploration is for, the newest first; at most $LIMIT */
} ProductsStatement;

#define PRODUCTS_NUM_STATEMENTS 6

/* Columns of a row; caps follow, then the conditions of PRODUCTS_ASK, or whether all hold and the ctid of PRODUCTS_PAGES. */
enum {PRODUCT_KEY = 1, PRODUCT_PRICE, PRODUCT_CATEGORY, PRODUCT_FACTOR, PRODUCT_FIRST_CAP};

typedef struct ProductsPages ProductsPages;

struct Products
{
	WidgetPlan *plan;
	const WidgetRules *rules;
	const CatalogDef *catalog;
	char	   *alias;			/* of the table, in statements: its own name, so that predicates may use it */
	char	   *key;			/* expressions */
	char	   *price;			/* NULL: there is none, or nobody asks for it */
	char	   *category;
	char	   *created;
	Oid			counted;		/* without `created`: items without a row in this model are new */
	Oid			parameter_type[PRODUCTS_NUM_PARAMETERS];
	SPIPlanPtr	statement[PRODUCTS_NUM_STATEMENTS][2];	/* without and with a category of the call; NULL until needed */
	double		set_cost[2];	/* of PRODUCTS_SET; 0: not asked yet */
	bool		pages_tried;
	ProductsPages *pages;		/* products_pages.c; NULL: they cannot be kept */
};

/* A condition beside those of the rules, as statements and reasons order them: dates, then the category of the call. */
extern int	products_num_conditions(const Products *products);
extern const char *products_condition(const Products *products, int condition);

/* Planned when it is first asked for. */
extern SPIPlanPtr products_statement(Products *products, ProductsStatement which, bool with_category);
/* What the planner says it costs to have all that are eligible. */
extern double products_set_cost(Products *products, bool with_category);
extern ParamListInfo products_parameters(const Products *products);
/* Names of pg_catalog only, whoever calls; products_leave_path undoes it, as does an error. */
extern int	products_enter_path(void);
extern void products_leave_path(int nest);

/* A column with a time, as timestamp with time zone. */
extern char *products_moment(const Products *products, const char *column);

/* For other statements over the table: what makes a row eligible, each with AND before it; and a plan with the parameters above. */
extern void products_append_conditions(StringInfo text, const Products *products, bool with_category);
extern SPIPlanPtr products_prepare(Products *products, const char *text);

/* --- products_predicate.c --- */
/* Fails where the text is not one Boolean expression over columns of the table, alone. */
extern void products_check_predicate(const Products *products, const RulePredicate *predicate);
/* Lets statements say as_of, and $1 to $7. */
extern void products_parser_setup(struct ParseState *state, void *products);

/* --- products.c: what a request knows --- */
#define PRODUCTS_QUEUE 4096

struct RequestProducts
{
	Product    *product;		/* by place, of `room` items */
	uint32		room;
	bool		has_limits;		/* prices that all items that are wanted are within */
	double		low;
	double		high;
	double		num_looked;		/* single look-ups, and how many found something eligible */
	double		num_eligible;
	bool		tried;			/* to fetch all that are eligible */
	bool		complete;		/* and they were not too many: whatever is not looked at is not eligible */
	uint32		num_set;
	uint32	   *set;			/* in no order until products_rest */
	/* products_pages.c */
	bool		pages_tried;
	bool		has_pages;
	BlockNumber num_blocks;
	XLogRecPtr *page_lsn;		/* by block */
	/* products_rest.c */
	uint32	   *queue;			/* eligible, read and not yet given out; of PRODUCTS_QUEUE */
	uint32		num_queue;
	uint32		next_queue;
	bool		set_ordered;
	uint32		next_set;
	int64		next_code;		/* -1: no codes are left */
	uint32		last_key;		/* of the items without a code; ITEM_NONE: none yet */
	bool		rest_ended;
};

/* Where an item's row stands. */
typedef struct ProductRow
{
	uint32		item;
	BlockNumber block;
} ProductRow;

typedef struct ProductReceiver
{
	DestReceiver pub;
	Request    *request;
	ProductsStatement which;
	ProductRow *row;			/* of PRODUCTS_PAGES, which has a row at most for each of the items looked for */
	uint32		num_rows;
	uint32	   *item;			/* what came, in the order in which it came; NULL: nobody wants it */
	uint32		num_items;
	uint32		room;
} ProductReceiver;

extern struct RequestProducts *products_state(Request *request);
extern bool products_bound(const Request *request);
/* Its place for what is known. */
extern Product *products_product(Request *request, uint32 item);
extern ParamListInfo products_request_parameters(Request *request);
extern void products_set_parameter(ParamListInfo list, int number, Datum value);
/* Returns the number of rows; with `most` at most so many, 0: all. */
extern uint64 products_run(Request *request, ProductsStatement which, ParamListInfo parameters, ProductReceiver *receiver, uint64 most);

/* --- products_pages.c --- */
/* Answers for the items of which it knows the answer; the others are moved to the front, and their number returned. */
extern uint32 products_pages_serve(Request *request, uint32 *items, uint32 n);
/* Whether to look up by PRODUCTS_PAGES, and note what comes. */
extern bool products_pages_wanted(Request *request);
/* Whether what is looked up now will be known to the next call. */
extern bool products_pages_growing(Request *request);
extern void products_pages_note(Request *request, const ProductRow *row, uint32 n);
extern void products_pages_forget(Products *products);

#endif							/* PERSONALIZE_PRODUCTS_STATEMENT_H */
