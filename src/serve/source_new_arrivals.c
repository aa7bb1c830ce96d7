/*
 * source_new_arrivals.c
 *		What came into the shop last, by the product table's column `created`.
 */
#include "base/compat.h"

#include <float.h>
#include <math.h>

#include "utils/timestamp.h"

#include "serve/products_statement.h"
#include "serve/source_statement.h"

#define DEFAULT_HALF_LIFE 30
#define MAX_DAYS 36500
#define MAX_LIMIT 100000

typedef struct NewArrivals
{
	SourceProducts *products;
	double		half_life;		/* days */
	int32		limit;			/* 0: none */
} NewArrivals;

/* What is to come has not arrived. */
static void *
open_new_arrivals(WidgetPlan *plan, const WidgetSource *source)
{
	const Products *products = plan->products;
	NewArrivals *arrivals = palloc0(sizeof(NewArrivals));
	double		since = source_option_days(source, "since", 0, 1e-3, MAX_DAYS);
	char	   *where = psprintf("%s OPERATOR(pg_catalog.<=) $%d", products->created, PRODUCTS_AS_OF);

	if (since > 0)
		where = psprintf("%s AND %s OPERATOR(pg_catalog.>=) ($%d OPERATOR(pg_catalog.-) '%.6f days'::pg_catalog.interval)",
						 where, products->created, PRODUCTS_AS_OF, since);
	arrivals->half_life = source_option_days(source, "half_life", DEFAULT_HALF_LIFE, 1e-3, MAX_DAYS);
	arrivals->limit = source_option_value(source, "limit") == NULL ? 0 : source_option_count(source, "limit", 1, MAX_LIMIT);
	arrivals->products = source_products(plan, products->created, where, psprintf("%s DESC", products->created));
	return arrivals;
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"since", "half_life", "limit", NULL};

	source_options_only(source, names);
	source_require_attribute(widget, source, CATALOG_CREATED);
	source_try_open(widget, source);
}

typedef struct Arrived
{
	SourceOnce	once;
	const NewArrivals *arrivals;
} Arrived;

/* Above 0 however old, so that the order by age has no end. */
static void
take_row(void *arg, const Datum *values, const bool *nulls)
{
	Arrived    *arrived = arg;
	Request    *request = arrived->once.request;
	TimestampTz created = DatumGetTimestampTz(values[1]);
	double		days = ((double) request->as_of - (double) created) / USECS_PER_DAY;
	uint32		item = request_item(request, values[0]);

	if (!TIMESTAMP_NOT_FINITE(created) && source_once(&arrived->once, item))
		request_offer(request, item, Max(exp2(-days / arrived->arrivals->half_life), DBL_MIN), ITEM_NONE);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	const NewArrivals *arrivals = opened;
	uint32		room = request_room(request, want);
	Arrived		arrived = {{request}, arrivals};

	source_products_run(request, arrivals->products, arrivals->limit > 0 ? Min(room, arrivals->limit) : room, take_row, &arrived);
}

const SourceKind source_new_arrivals = {"new_arrivals", check, open_new_arrivals, collect};
