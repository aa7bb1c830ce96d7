/*
 * lineage.h
 *		What a relation's rows are part of, and what a view's rows come from.
 */
#ifndef PERSONALIZE_LINEAGE_H
#define PERSONALIZE_LINEAGE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* The relation and all that it inherits from, as partition or otherwise, nearest first: of Oid. */
extern List *lineage_ancestors(Oid relation);
/* Whether a relation is a view, or one that the view reads, through whatever views between. */
extern bool lineage_reads(Oid view, Oid relation);

#endif							/* PERSONALIZE_LINEAGE_H */
