/*
 * buyer.h
 *		The types buyer, a customer's days with orders, and buyer_model.
 *
 * A buyer is kept as its days and not as (x, t_x, T, mean): only so do two parts that both know a day merge without counting it twice, and only
 * so can one ask what was known at an earlier day.  Days are of the calendar that `at` came in; a timestamptz is a day of UTC.
 */
#ifndef PERSONALIZE_VALUE_BUYER_H
#define PERSONALIZE_VALUE_BUYER_H

#include "base/compat.h"

#include "utils/date.h"

#include "kernel/buyer.h"

/* Amounts are integers, so that sums do not depend on the order of rows. */
#define BUYER_UNITS_PER_ONE 10000
#define BUYER_MOST_UNITS INT64CONST(1000000000000000000)
/* 0001-01-01 and 9999-12-31, in days since 2000-01-01: what the text form can write. */
#define BUYER_FIRST_DAY (-730119)
#define BUYER_LAST_DAY 2921939
#define BUYER_MOST_DAYS (BUYER_LAST_DAY - BUYER_FIRST_DAY + 1)

/* What was paid on a day less what was given back; 0 and less is no order, but may yet become one in a merge. */
typedef struct BuyerDay
{
	int32		day;			/* since 2000-01-01 */
	int64		units;
} BuyerDay;

typedef struct BuyerDays
{
	uint32		n;
	uint32		room;
	bool		sorted;			/* ascending, each day once */
	BuyerDay   *days;
} BuyerDays;

extern void buyer_days_init(BuyerDays *b, uint32 room);
extern void buyer_days_add(BuyerDays *b, int32 day, int64 units);	/* in the memory that `days` is in */
extern void buyer_days_sort(BuyerDays *b);
extern bytea *buyer_form(BuyerDays *b);
extern void buyer_read(bytea *value, BuyerDays *b); /* checks every byte */
extern void buyer_check_day(int64 day);

/* What the models want to know at the end of a day. */
typedef struct BuyerHistory
{
	uint32		orders;			/* days with one; all else means something only where there are any */
	int32		first;
	int32		last;
	int64		first_units;
	int64		units;			/* of all days, also of those that only gave back */
} BuyerHistory;

#define BUYER_NEVER PG_INT32_MAX
extern BuyerHistory buyer_history(bytea *value, int32 as_of);
extern BuyerTimes buyer_times(const BuyerHistory *h, int32 as_of);	/* in weeks */
extern double buyer_mean(const BuyerHistory *h);	/* of repeat orders; not above 0 where there is none to speak of */
extern int32 buyer_as_of(DateADT as_of);	/* -infinity and infinity are before and after everything */

/*
 * As it is stored; the type's storage is plain, so nothing shortens the header.  A model with a problem may have rates behind its fields: weeks, orders,
 * customers and buyers of all, then of each cell.
 */
#define BUYER_FIELDS 13
#define BUYER_RATE_NUMBERS (4 + 2 * BUYER_RATE_RECENCIES * BUYER_RATE_ORDERS)

typedef struct StoredBuyerModel
{
	int32		vl_len_;
	uint8		version;
	uint8		kind;
	uint8		problem;
	uint8		spend_problem;
	double		field[BUYER_FIELDS];
	uint64		rates[FLEXIBLE_ARRAY_MEMBER];
} StoredBuyerModel;

extern bytea *buyer_model_form(const BuyerModel *model);
extern void buyer_model_read(bytea *value, BuyerModel *model);
extern BuyerKind buyer_kind(const char *name);
extern const char *buyer_kind_name(BuyerKind kind);
extern const char *buyer_problem_text(BuyerProblem problem);

#endif							/* PERSONALIZE_VALUE_BUYER_H */
