/*
 * activity_source.c
 *		Customers, read from the shop's tables and from ours.
 */
#include "base/compat.h"

#include "model/activity_source.h"

static void pg_attribute_noreturn()
not_yet(void)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("activity tables are not there yet")));
}

void
customers_fetch(const ActivityTableDef *def, CustomerRead read, const CustomerWant *want, const Datum *keys, int n,
				CustomerSink sink, void *arg)
{
	not_yet();
}

void
customers_scan(const ActivityTableDef *def, const CustomerWant *want, CustomerSink sink, void *arg)
{
	not_yet();
}

bool
customers_pending(const ActivityTableDef *def, Env *env, LogContents *contents)
{
	not_yet();
}

RefreshOutcome
activity_table_refresh(int32 id, RefreshMode mode, bool wait, RefreshReport *report)
{
	not_yet();
}

bool
activity_table_lock(int32 id, bool wait, bool *busy)
{
	not_yet();
}

PG_FUNCTION_INFO_V1(personalize_create_activity);
Datum
personalize_create_activity(PG_FUNCTION_ARGS)
{
	not_yet();
}

PG_FUNCTION_INFO_V1(personalize_drop_activity);
Datum
personalize_drop_activity(PG_FUNCTION_ARGS)
{
	not_yet();
}
