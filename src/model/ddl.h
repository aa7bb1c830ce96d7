/*
 * ddl.h
 *		What event triggers have in common.
 */
#ifndef PERSONALIZE_DDL_H
#define PERSONALIZE_DDL_H

#include "postgres.h"

#include "nodes/nodes.h"

typedef void (*DdlWork) (Node *command);

/* Does the work in a subtransaction, and warns where it fails: nobody's DDL fails because of us. */
extern void ddl_guarded(DdlWork work, Node *command);

#endif							/* PERSONALIZE_DDL_H */
