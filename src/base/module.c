/*
 * module.c
 *		The settings of the library.
 */
#include "base/compat.h"

#include "base/module.h"

int			personalize_matrix_mem = 1024 * 1024;

void
module_define_settings(void)
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
