/*
 * segment_registry.c
 *		The table personalize.segment.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "model/registry_rows.h"
#include "model/segment.h"

static List *
row_relations(const RegistryRow *row, const char *column)
{
	int			count;
	Datum	   *elements = row_array(row, column, REGCLASSOID, &count);
	List	   *relations = NIL;

	for (int i = 0; i < count; i++)
		relations = lappend_oid(relations, DatumGetObjectId(elements[i]));
	return relations;
}

static void *
read_segment(const RegistryRow *row)
{
	SegmentDef *def = palloc0(sizeof(SegmentDef));

	def->id = DatumGetInt32(row_datum(row, "id"));
	def->relation = DatumGetObjectId(row_datum(row, "relation"));
	def->outside = DatumGetObjectId(row_datum(row, "outside"));
	def->set = DatumGetObjectId(row_datum(row, "chunks"));
	def->changes = DatumGetObjectId(row_datum(row, "changes"));
	def->activity_id = DatumGetInt32(row_datum(row, "activity_id"));
	def->key_type = key_type(DatumGetObjectId(row_datum(row, "key_type")), "key");
	def->rule = PointerGetDatum(PG_DETOAST_DATUM_COPY(row_datum(row, "rule")));
	def->version = DatumGetInt32(row_datum(row, "version"));
	def->uses = row_relations(row, "uses");
	def->built = DatumGetBool(row_datum(row, "built"));
	def->built_version = DatumGetInt32(row_datum(row, "built_version"));
	def->built_rfm = DatumGetInt32(row_datum(row, "built_rfm"));
	def->num_members = row_bigint(row, "num_members");
	def->refreshed = row_time(row, "refreshed");
	def->rebuilt = row_time(row, "rebuilt");
	def->last_members = row_bigint(row, "last_members");
	return def;
}

/* ---------------------------------------------------------------- look-ups */

SegmentDef *
segment_of_relation(Oid relation)
{
	static RegistryQuery query = {"SELECT s.* FROM personalize.segment AS s WHERE s.relation OPERATOR(pg_catalog.=) $1", OIDOID};

	return registry_query_first(&query, ObjectIdGetDatum(relation), read_segment);
}

static RegistryQuery segment_of_id =
{"SELECT s.* FROM personalize.segment AS s WHERE s.id OPERATOR(pg_catalog.=) $1", INT4OID};

SegmentDef *
segment_by_id(int32 id)
{
	return registry_query_first(&segment_of_id, Int32GetDatum(id), read_segment);
}

/* What the active snapshot does not see has not been built, for it. */
void
segment_as_seen(SegmentDef *def)
{
	List	   *seen = registry_query_as(true, &segment_of_id, Int32GetDatum(def->id), read_segment);

	if (seen != NIL)
		*def = *(SegmentDef *) linitial(seen);
	else
	{
		def->built = false;
		def->num_members = 0;
		def->refreshed = DT_NOBEGIN;
	}
}

SegmentDef *
segment_require(Oid relation)
{
	SegmentDef *def = segment_of_relation(relation);

	if (def == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a segment", registry_name(relation)),
				 errhint("personalize.create_segment() makes one; personalize.segments lists those that there are.")));
	return def;
}

List *
segments_all(void)
{
	static RegistryQuery query = {"SELECT s.* FROM personalize.segment AS s ORDER BY s.id"};

	return registry_query(&query, (Datum) 0, read_segment);
}

/* ---------------------------------------------------------------- order */

static SegmentDef *
find_relation(const List *segments, Oid relation)
{
	const ListCell *cell;

	foreach(cell, segments)
		if (((SegmentDef *) lfirst(cell))->relation == relation)
			return lfirst(cell);
	return NULL;
}

/* What it names, then itself.  Set-up refuses cycles; rows that somebody restored by hand must not make us run in one. */
static List *
add_in_order(List *ordered, const List *all, SegmentDef *def, int depth)
{
	ListCell   *cell;

	if (list_member_ptr(ordered, def) || depth > list_length(all))
		return ordered;
	foreach(cell, def->uses)
	{
		SegmentDef *used = find_relation(all, lfirst_oid(cell));

		if (used != NULL)
			ordered = add_in_order(ordered, all, used, depth + 1);
	}
	return list_append_unique_ptr(ordered, def);
}

List *
segments_of(int32 activity_id)
{
	static RegistryQuery query = {"SELECT s.* FROM personalize.segment AS s WHERE s.activity_id OPERATOR(pg_catalog.=) $1 ORDER BY s.id", INT4OID};
	List	   *all = registry_query(&query, Int32GetDatum(activity_id), read_segment);
	List	   *ordered = NIL;
	ListCell   *cell;

	foreach(cell, all)
		ordered = add_in_order(ordered, all, lfirst(cell), 0);
	return ordered;
}

List *
segment_tables_of(const SegmentDef *def)
{
	return list_concat(list_make2_oid(def->relation, def->outside), list_make2_oid(def->set, def->changes));
}

List *
segment_tables(int32 activity_id)
{
	List	   *tables = NIL;
	ListCell   *cell;

	foreach(cell, segments_of(activity_id))
		tables = list_concat(tables, segment_tables_of(lfirst(cell)));
	return tables;
}

char *
segment_rule_text(const SegmentDef *def)
{
	size_t		size;
	const char *text = rule_text(def->rule, &size);

	return pnstrdup(text, size);
}

/* ---------------------------------------------------------------- writing */

static void
argument_relations(RegistryArguments *arguments, List *relations)
{
	Datum	   *elements = palloc0((list_length(relations) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *cell;

	foreach(cell, relations)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(cell));
	argument_array(arguments, REGCLASSARRAYOID, REGCLASSOID, elements, n, false);
}

static void
argument_rule(RegistryArguments *arguments, Datum rule)
{
	size_t		size;
	const char *text = rule_text(rule, &size);

	argument(arguments, TEXTOID, PointerGetDatum(cstring_to_text_with_len(text, (int) size)), false);
}

void
segment_register(const SegmentDef *def)
{
	static RegistryWrite write = {"INSERT INTO personalize.segment"
		" (id, relation, outside, chunks, changes, activity_id, key_type, rule, version, uses)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8::personalize.rule, $9, $10)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->id);
	argument_relation(&arguments, def->relation);
	argument_relation(&arguments, def->outside);
	argument_relation(&arguments, def->set);
	argument_relation(&arguments, def->changes);
	argument_int(&arguments, def->activity_id);
	argument_key_type(&arguments, def->key_type);
	argument_rule(&arguments, def->rule);
	argument_int(&arguments, def->version);
	argument_relations(&arguments, def->uses);
	registry_run(&write, &arguments);
}

void
segment_set_rule(const SegmentDef *def)
{
	static RegistryWrite write = {"UPDATE personalize.segment SET rule = $2::personalize.rule, version = $3, uses = $4"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->id);
	argument_rule(&arguments, def->rule);
	argument_int(&arguments, def->version);
	argument_relations(&arguments, def->uses);
	registry_run_state(&write, &arguments, def->relation);
}

void
segment_refreshed(const SegmentDef *def, bool rebuilt)
{
	static RegistryWrite write = {"UPDATE personalize.segment"
		" SET built = true, built_version = $2, num_members = $3, refreshed = $4,"
		" rebuilt = CASE WHEN $5 THEN $4 ELSE rebuilt END, last_members = $6, built_rfm = $7"
	" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, def->id);
	argument_int(&arguments, def->built_version);
	argument_bigint(&arguments, def->num_members);
	argument_time(&arguments, def->refreshed);
	argument_bool(&arguments, rebuilt);
	argument_bigint(&arguments, def->last_members);
	argument_optional_int(&arguments, def->built_rfm);
	registry_run_state(&write, &arguments, def->relation);
}
