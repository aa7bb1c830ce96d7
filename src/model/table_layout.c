/*
 * table_layout.c
 *		Checks of the tables that hold catalogs, histories and models.
 */
#include "base/compat.h"

#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "nodes/bitmapset.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"

#include "model/item_table.h"
#include "model/model_rows.h"
#include "model/table_layout.h"

/* What one table must be: the types of its first columns, and how many of these are its primary key. */
typedef struct Layout
{
	int			num_columns;
	const Oid  *type;
	uint64		required;		/* a bit for each column, from 1, that must be NOT NULL */
	int			num_keys;
} Layout;

#define REQUIRED(column) (UINT64CONST(1) << (column))

static void
fail_layout(Relation relation, const char *what, int column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s is not as it was made: %s", registry_name(RelationGetRelid(relation)), what),
			 column > 0 ? errdetail("Column number %d is not what it was.", column) : 0,
			 errhint("Undo the change, or drop the object and create it again.")));
}

static bool
column_fits(Relation relation, int column, Oid type)
{
	Form_pg_attribute attribute;

	if (column > RelationGetNumberOfAttributes(relation))
		return false;
	attribute = TupleDescAttr(RelationGetDescr(relation), column - 1);
	return !attribute->attisdropped && attribute->atttypid == type;
}

/* The first num_keys columns and no others: look-ups pass their keys in that order. */
static bool
has_key(Relation relation, int num_keys)
{
	Bitmapset  *key = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	bool		fits = bms_num_members(key) == num_keys;

	for (int k = 1; k <= num_keys; k++)
		fits = fits && bms_is_member(k - FirstLowInvalidHeapAttributeNumber, key);
	bms_free(key);
	return fits;
}

static void
require_layout(Oid table, const Layout *layout)
{
	Relation	relation = table_open(table, AccessShareLock);

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relam != HEAP_TABLE_AM_OID)
		fail_layout(relation, "it is no heap table", 0);
	for (int column = 1; column <= layout->num_columns; column++)
	{
		if (!column_fits(relation, column, layout->type[column - 1]))
			fail_layout(relation, "a column is of another type or gone", column);
		if ((layout->required & REQUIRED(column)) &&
			!TupleDescAttr(RelationGetDescr(relation), column - 1)->attnotnull)
			fail_layout(relation, "a column may be null", column);
	}
	if (!has_key(relation, layout->num_keys))
		fail_layout(relation, "its primary key is gone or another one", 0);
	table_close(relation, NoLock);
}

void
layout_require_catalog(const CatalogDef *catalog)
{
	const Oid	type[] = {key_type_oid(catalog->item_type), INT4OID};
	const Layout layout = {lengthof(type), type, REQUIRED(ITEM_KEY) | REQUIRED(ITEM_CODE), 1};

	require_layout(catalog->relation, &layout);
}

void
layout_require_log(Relation log, KeyType type)
{
	if (!layout_is_log(log, type))
		fail_layout(log, "it is no change log any more", 0);
}

void
layout_require_history(const HistoryDef *history)
{
	const Oid	type[HISTORY_NUM_COLUMNS] = {key_type_oid(history->basket_type), BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	const Layout layout = {HISTORY_NUM_COLUMNS, type, REQUIRED(HISTORY_BASKET) | REQUIRED(HISTORY_ITEMS), 1};
	Relation	log;

	require_layout(history->relation, &layout);
	log = table_open(history->log, AccessShareLock);
	layout_require_log(log, history->basket_type);
	table_close(log, NoLock);
}

void
layout_require_model(const ModelDef *model)
{
	const Oid	pair_type[PAIRS_NUM_COLUMNS] = {INT4OID, INT4OID, INT8OID, INT8OID, FLOAT8OID, INT8OID, BYTEAOID, BYTEAOID};
	const Oid	key = key_type_oid(model->item_type);
	const Oid	face_type[FACE_NUM_COLUMNS] = {key, FLOAT8OID, get_array_type(key), FLOAT8ARRAYOID, FLOAT8ARRAYOID};
	const Layout pairs = {PAIRS_NUM_COLUMNS, pair_type, REQUIRED(PAIRS_ITEM) | REQUIRED(PAIRS_GENERATION), 2};
	const Layout face = {FACE_NUM_COLUMNS, face_type, REQUIRED(FACE_ITEM), 1};

	require_layout(model->pairs, &pairs);
	require_layout(model->relation, &face);
}

void
layout_require_table(Oid table, int num_columns, const Oid *type, int num_keys)
{
	const Layout layout = {num_columns, type, (REQUIRED(num_columns) - 1) << 1, num_keys};

	require_layout(table, &layout);
}

void
layout_require_owner(Oid table, Oid whose)
{
	Oid			owner = registry_owner(table);
	Oid			expected = registry_owner(whose);

	if (owner == expected || superuser_arg(owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("tables %s and %s have different owners", registry_name(table), registry_name(whose)),
			 errdetail("They are %s and %s.", GetUserNameFromId(owner, false), GetUserNameFromId(expected, false)),
			 errhint("ALTER TABLE ... OWNER TO: a history has one owner with its log, catalog, models and their pairs, an activity table with its log and all tables of its segments.")));
}

/* Columns that were added make rows that are formed here too short, so their number counts as well. */
bool
layout_is_log(Relation relation, KeyType type)
{
	return relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
		RelationGetNumberOfAttributes(relation) == LOG_NUM_COLUMNS &&
		(type == 0 || column_fits(relation, LOG_BASKET, key_type_oid(type))) &&
		column_fits(relation, LOG_REASON, TEXTOID);
}
