/*
 * lineage.c
 *		Partitions, children and views, from the catalogs.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_rewrite.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "model/lineage.h"

static List *
add_parents(List *family, Relation inherits, Oid relation)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		family = list_append_unique_oid(family, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	return family;
}

/* Inheritance proper may have several parents. */
List *
lineage_ancestors(Oid relation)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	List	   *family = list_make1_oid(relation);

	for (int i = 0; i < list_length(family); i++)
		family = add_parents(family, inherits, list_nth_oid(family, i));
	table_close(inherits, AccessShareLock);
	return family;
}

/* A view's query is a rule, and rules depend on what they read. */
static List *
add_read_by_rule(List *reads, Oid rule)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(RewriteRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (((Form_pg_depend) GETSTRUCT(tuple))->refclassid == RelationRelationId)
			reads = list_append_unique_oid(reads, ((Form_pg_depend) GETSTRUCT(tuple))->refobjid);
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return reads;
}

/* Tables end the search; so do materialized views, whose rows are their own. */
static List *
add_read(List *reads, Oid view)
{
	Relation	rewrite;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (get_rel_relkind(view) != RELKIND_VIEW)
		return reads;
	rewrite = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(view));
	scan = systable_beginscan(rewrite, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		reads = add_read_by_rule(reads, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(rewrite, AccessShareLock);
	return reads;
}

bool
lineage_reads(Oid view, Oid relation)
{
	List	   *reads = list_make1_oid(view);

	for (int i = 0; i < list_length(reads); i++)
	{
		if (list_nth_oid(reads, i) == relation)
			return true;
		reads = add_read(reads, list_nth_oid(reads, i));
	}
	return false;
}
