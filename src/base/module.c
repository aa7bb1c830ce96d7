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
							"Sets the most memory that one multiplication of a co-occurrence matrix may use.",
							"neighbors() and pairs() state what they need before they allocate it, and fail with both figures where it is more.",
							&personalize_matrix_mem,
							1024 * 1024, 1024, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("personalize");
}
