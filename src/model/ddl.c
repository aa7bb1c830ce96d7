/*
 * ddl.c
 *		Event triggers that notice DDL on what models are made of.
 */
#include "postgres.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(personalize_ddl_end);
PG_FUNCTION_INFO_V1(personalize_sql_drop);

Datum
personalize_ddl_end(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}

Datum
personalize_sql_drop(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}
