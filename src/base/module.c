/*
 * module.c
 *		The library's entry and its settings.
 */
#include "base/compat.h"

#include "base/module.h"

PG_MODULE_MAGIC;

int			personalize_matrix_mem = 1024 * 1024;

void		_PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("personalize.matrix_mem",
							"Sets the most memory that building, merging or reading one co-occurrence matrix may use.",
							"What is needed is stated before it is allocated; where it is more, the call fails with both figures.",
							&personalize_matrix_mem,
							1024 * 1024, 1024, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("personalize");
}
