/*
 * segment_function.c
 *		The typed function of a segment: SELECT * FROM shop.lapsing_vips().
 *
 * One SELECT, STABLE, without SET, so that the planner puts it into the query that calls it, where the face is a table like others.  Its text names
 * the face, so it is written anew where the face gets another name.
 */
#include "base/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "model/segment_setup.h"
#include "model/setup.h"

/* By its first column, whatever an owner has called it since. */
static char *
key_column(const SegmentDef *def)
{
	return pstrdup(quote_identifier(get_attname(def->relation, SEGMENT_CUSTOMER, false)));
}

static char *
body(const SegmentDef *def)
{
	char	   *key = key_column(def);

	return psprintf("SELECT m.%s FROM ONLY %s AS m WHERE personalize.segment_stands(%d, m.%s)"
					" UNION ALL SELECT e FROM personalize.segment_entered(%d, NULL::%s) AS e",
					key, registry_name(def->relation), def->id, key, def->id, format_type_be_qualified(key_type_oid(def->key_type)));
}

/* ---------------------------------------------------------------- which it is */

/* Of the face, as only that function does. */
static Oid
depending_function(Oid face)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	Oid			function = InvalidOid;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(face));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, key);
	while (!OidIsValid(function) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == ProcedureRelationId && depend->deptype == DEPENDENCY_AUTO)
			function = depend->objid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return function;
}

static bool
has_body(Oid function, const char *start)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		has = false;
	bool		isnull;
	Datum		source;

	if (!HeapTupleIsValid(tuple))
		return false;
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	if (!isnull)
		has = strstr(TextDatumGetCString(source), start) != NULL;
	ReleaseSysCache(tuple);
	return has;
}

/* By its name, which is the face's, and what it calls: dump and restore lose dependencies. */
static Oid
named_function(const SegmentDef *def)
{
	oidvector  *none = buildoidvector(NULL, 0);
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(get_rel_name(def->relation)),
										   PointerGetDatum(none), ObjectIdGetDatum(get_rel_namespace(def->relation)));

	return has_body(function, psprintf("personalize.segment_stands(%d,", def->id)) ? function : InvalidOid;
}

Oid
segment_function(const SegmentDef *def)
{
	Oid			function = depending_function(def->relation);

	if (OidIsValid(function) || get_rel_name(def->relation) == NULL)
		return function;
	return named_function(def);
}

/* ---------------------------------------------------------------- making */

static void
make(const SegmentDef *def, bool replace)
{
	setup_execute("CREATE%s FUNCTION %s() RETURNS TABLE (%s %s) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS %s",
				  replace ? " OR REPLACE" : "", registry_name(def->relation), key_column(def),
				  format_type_be_qualified(key_type_oid(def->key_type)), quote_literal_cstr(body(def)));
	CommandCounterIncrement();
}

void
segment_make_function(const SegmentDef *def)
{
	make(def, false);
}

static char *
function_name(Oid function)
{
	return quote_qualified_identifier(get_namespace_name(get_func_namespace(function)), get_func_name(function));
}

void
segment_follow_name(const SegmentDef *def)
{
	Oid			function = segment_function(def);

	if (!OidIsValid(function))
		return;
	if (get_func_namespace(function) != get_rel_namespace(def->relation))
		setup_execute("ALTER FUNCTION %s() SET SCHEMA %s", function_name(function),
					  quote_identifier(get_namespace_name(get_rel_namespace(def->relation))));
	CommandCounterIncrement();
	if (strcmp(get_func_name(function), get_rel_name(def->relation)) != 0)
		setup_execute("ALTER FUNCTION %s() RENAME TO %s", function_name(function), quote_identifier(get_rel_name(def->relation)));
	CommandCounterIncrement();
	make(def, true);
	setup_depend_segment(def);
}
