/*
 * activity_rows.c
 *		Rows of an activity table: (customer, activity [, ordinal]).
 *
 * Where keys are numbers, they are the ordinals; elsewhere each row has one, which is given once and never again.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "model/activity_source.h"
#include "model/table_layout.h"
#include "value/activity.h"

static Oid
activity_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("activity"),
						   ObjectIdGetDatum(get_namespace_oid("personalize", false)));
}

void
activity_require_layout(const ActivityTableDef *def)
{
	const Oid	type[] = {key_type_oid(def->key_type), activity_type(), INT8OID};
	Relation	log;

	layout_require_table(def->relation, key_is_number(def->key_type) ? ACTIVITY_ACTIVITY : ACTIVITY_ORDINAL, type, 1);
	log = table_open(def->log, AccessShareLock);
	layout_require_log(log, def->key_type);
	table_close(log, NoLock);
}

void
activity_row_read(const ActivityTableDef *def, Relation relation, HeapTuple tuple, Customer *customer)
{
	TupleDesc	columns = RelationGetDescr(relation);
	bool		isnull;

	memset(customer, 0, sizeof(Customer));
	customer->ordinal = -1;
	if (tuple == NULL)
		return;
	customer->exists = true;
	customer->key = heap_getattr(tuple, ACTIVITY_CUSTOMER, columns, &isnull);
	customer->activity = activity_bytes(heap_getattr(tuple, ACTIVITY_ACTIVITY, columns, &isnull), &customer->size);
	if (key_is_number(def->key_type))
		customer->ordinal = key_number(def->key_type, customer->key);
	else
		customer->ordinal = DatumGetInt64(heap_getattr(tuple, ACTIVITY_ORDINAL, columns, &isnull));
}

/* With a header, in the writer's memory. */
static Datum
activity_value(const Customer *customer)
{
	struct varlena *value;

	if (customer->size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("activity of %zu bytes is too large for a value", customer->size)));
	value = palloc(VARHDRSZ + customer->size);
	SET_VARSIZE(value, VARHDRSZ + customer->size);
	memcpy(VARDATA(value), customer->activity, customer->size);
	return PointerGetDatum(value);
}

static bool
same_activity(const ActivityTableDef *def, Relation relation, HeapTuple old, const Customer *customer)
{
	Customer	stored;

	activity_row_read(def, relation, old, &stored);
	return stored.size == customer->size && memcmp(stored.activity, customer->activity, customer->size) == 0;
}

bool
activity_row_write(const ActivityTableDef *def, TableWriter *writer, HeapTuple old, const Customer *customer)
{
	MemoryContext caller;
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	if (!customer->exists)
	{
		if (old != NULL)
			table_writer_delete(writer, old);
		return old != NULL;
	}
	caller = MemoryContextSwitchTo(table_writer_scratch(writer));
	if (old != NULL && same_activity(def, table_writer_relation(writer), old, customer))
	{
		MemoryContextSwitchTo(caller);
		MemoryContextReset(table_writer_scratch(writer));
		return false;
	}
	table_writer_blank(writer, &values, &nulls, &replace);
	values[ACTIVITY_CUSTOMER - 1] = customer->key;
	values[ACTIVITY_ACTIVITY - 1] = activity_value(customer);
	nulls[ACTIVITY_CUSTOMER - 1] = nulls[ACTIVITY_ACTIVITY - 1] = false;
	replace[ACTIVITY_ACTIVITY - 1] = true;
	if (!key_is_number(def->key_type))
	{
		values[ACTIVITY_ORDINAL - 1] = Int64GetDatum(customer->ordinal);
		nulls[ACTIVITY_ORDINAL - 1] = false;
	}
	MemoryContextSwitchTo(caller);
	if (old != NULL)
		table_writer_update(writer, old, values, nulls, replace);
	else
		table_writer_insert(writer, values, nulls);
	return true;
}
