/*
 * setup.h
 *		What create_catalog, create_history and create_cooccurrence have in common: names of new
 *		relations, their tables, checks of columns, watched tables, dependencies.
 */
#ifndef PERSONALIZE_SETUP_H
#define PERSONALIZE_SETUP_H

#include "postgres.h"

#include "model/registry.h"

/*
 * Makes again what dump and restore do not carry: the dependencies of a history, its catalog, its models, logs and
 * triggers.  Cheap where they are there.
 */
extern void setup_restore_dependencies(const HistoryDef *history);

#endif							/* PERSONALIZE_SETUP_H */
