/*
 * module.h
 *		The settings of the library, personalize.* for SQL.
 */
#ifndef PERSONALIZE_MODULE_H
#define PERSONALIZE_MODULE_H

#include "postgres.h"

extern PGDLLIMPORT int personalize_matrix_mem;	/* kB */

extern void module_define_settings(void);

#endif							/* PERSONALIZE_MODULE_H */
