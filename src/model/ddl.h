/*
 * ddl.h
 *		What event triggers have in common.
 */
#ifndef PERSONALIZE_DDL_H
#define PERSONALIZE_DDL_H

#include "postgres.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"

typedef void (*DdlWork) (Node *command);

/* Does the work in a subtransaction, and warns where it fails: nobody's DDL fails because of us. */
extern void ddl_guarded(DdlWork work, Node *command);

/*
 * What the server tells of an event, which it does for the time of the event only, and only to SQL: whatever `read` makes of each row of the
 * query, in the caller's memory.
 */
typedef void *(*DdlRead) (HeapTuple tuple, TupleDesc desc);

extern List *ddl_read_event(const char *query, DdlRead read);

#endif							/* PERSONALIZE_DDL_H */
