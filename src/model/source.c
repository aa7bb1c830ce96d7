/*
 * source.c
 *		Interactions, read from the shop's tables.
 *
 * What SQL does well stays in the statement: access paths, partitions, row security, the kinds of events and the
 * horizon, for which there may be indexes.  What costs a call per row there is done here on raw values: a timestamp
 * or date is taken as UTC, a weight is rounded as its type rounds.  Rows go from the executor straight to the
 * sink, without a tuplestore.
 */
#include "base/compat.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "storage/bufmgr.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "model/source.h"

/* Statements of a session that are kept; a group of histories needs two each, an activity table as many as it has sources. */
#define MAX_KEPT_PLANS 64

/* --- statements --- */

/* A row of a statement: key of the basket, of the item, then what the history has of these. */
typedef struct SourceQuery
{
	const HistoryDef *history;
	StringInfoData text;
	Oid			happened_type;	/* InvalidOid: none */
	Oid			weight_type;
	int			happened_at;	/* places in a row */
	int			weight_at;
	int			event_at;
	int			num_parameters;
	Oid			parameter_type[3];
	Datum		parameter[3];
} SourceQuery;

/* Names were right when the history was created; a column may have been renamed or dropped since. */
static AttrNumber
require_column(Oid relation, const char *column)
{
	AttrNumber	found = get_attnum(relation, column);

	if (found == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column \"%s\" any more", registry_name(relation), column),
				 errhint("Give the column its name back, or create the history again.")));
	return found;
}

/* With its schema, as the search path is not ours. */
static char *
collation_name(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * A text under its own collation, said explicitly, so that it meets columns of other collations; where that takes
 * different bytes as equal, under "C", although its index is of no use then.
 */
static char *
text_expression(Oid relation, const char *alias, const char *column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relation, require_column(relation, column), &type, &typmod, &collation);
	if (!OidIsValid(collation) || !get_collation_isdeterministic(collation))
		collation = C_COLLATION_OID;
	return psprintf("(%s.%s)::pg_catalog.text COLLATE %s", alias, quote_identifier(column), collation_name(collation));
}

char *
source_key_expression(Oid relation, const char *alias, const char *column, KeyType type)
{
	require_column(relation, column);
	if (type == KEY_TEXT)
		return text_expression(relation, alias, column);
	return psprintf("(%s.%s)::%s", alias, quote_identifier(column),
					format_type_extended(key_type_oid(type), -1, FORMAT_TYPE_FORCE_QUALIFY));
}

static char *
basket_expression(const HistoryDef *history)
{
	return source_key_expression(history->interactions, "i", history->basket, history->basket_type);
}

/* Returns the number of the parameter. */
static int
add_parameter(SourceQuery *query, Oid type, Datum value)
{
	query->parameter_type[query->num_parameters] = type;
	query->parameter[query->num_parameters] = value;
	return ++query->num_parameters;
}

/* A column as its base type, which is what the receiver knows; its place goes to *at. */
static Oid
add_raw_column(SourceQuery *query, const char *column, int *at, int *num_columns)
{
	Oid			relation = query->history->interactions;
	Oid			type = getBaseType(get_atttype(relation, require_column(relation, column)));

	appendStringInfo(&query->text, ", (i.%s)::%s", quote_identifier(column),
					 format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	*at = (*num_columns)++;
	return type;
}

/* Keys come as the types of the history, which looks through domains; the cast costs nothing. */
static void
add_columns(SourceQuery *query)
{
	const HistoryDef *history = query->history;
	int			num_columns = 2;

	appendStringInfo(&query->text, "SELECT %s, %s", basket_expression(history),
					 source_key_expression(history->interactions, "i", history->item, history->item_type));
	if (history->happened != NULL)
		query->happened_type = add_raw_column(query, history->happened, &query->happened_at, &num_columns);
	if (history->weight != NULL)
		query->weight_type = add_raw_column(query, history->weight, &query->weight_at, &num_columns);
	if (history->event != NULL && history->event_weights != NULL)
	{
		appendStringInfo(&query->text, ", %s", text_expression(history->interactions, "i", history->event));
		query->event_at = num_columns++;
	}
}

static Datum
text_array(char *const *texts, int n)
{
	Datum	   *element = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		element[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(element, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A timestamp that is taken as UTC has the same value as its timestamptz, so a parameter of the column's kind will do. */
static void
add_conditions(SourceQuery *query, TimestampTz horizon_start)
{
	const HistoryDef *history = query->history;

	appendStringInfo(&query->text, " FROM %s AS i WHERE true", registry_name(history->interactions));
	if (history->happened != NULL && !TIMESTAMP_IS_NOBEGIN(horizon_start))
		appendStringInfo(&query->text, " AND i.%s OPERATOR(pg_catalog.>=) $%d", quote_identifier(history->happened),
						 add_parameter(query, query->happened_type == TIMESTAMPTZOID ? TIMESTAMPTZOID : TIMESTAMPOID,
									   TimestampTzGetDatum(horizon_start)));
	if (history->event != NULL)
		appendStringInfo(&query->text, " AND %s OPERATOR(pg_catalog.=) ANY ($%d)",
						 text_expression(history->interactions, "i", history->event),
						 add_parameter(query, TEXTARRAYOID, text_array(history->events, history->num_events)));
}

/* Conditions on NULLs are left to the receiver: one test there instead of an expression for each column. */
static void
init_query(SourceQuery *query, const HistoryDef *history, TimestampTz horizon_start)
{
	*query = (SourceQuery) {.history = history};
	initStringInfo(&query->text);
	add_columns(query);
	add_conditions(query, horizon_start);
}

/* --- rows --- */

/* The executor hands it each row as it comes. */
typedef struct SourceReceiver
{
	DestReceiver pub;
	SourceTake	take;
	void	   *arg;
	MemoryContext row;			/* reset after every row */
} SourceReceiver;

/* Rows of a history, on their way to whoever asked for them. */
typedef struct Interactions
{
	const SourceQuery *query;
	SourceSink	sink;
	void	   *arg;
	uint64		num_rows;
} Interactions;

/* Only for messages. */
static char *
key_text(KeyType type, Datum key)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(key_type_oid(type), &output, &is_varlena);
	return OidOutputFunctionCall(output, key);
}

void
source_too_heavy(const HistoryDef *history, Datum basket, Datum item)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("item %s weighs too much in basket %s of %s", key_text(history->item_type, item),
					key_text(history->basket_type, basket), registry_name(history->relation)),
			 errdetail("Weights of rows, and their sum for an item of a basket, can be at most %u.", PG_UINT32_MAX),
			 errhint("Use a coarser unit for weights.")));
}

/* False for infinity, which is no time at which anything happened. */
static bool
read_happened(Oid type, Datum value, TimestampTz *happened)
{
	int64		day;

	if (type != DATEOID)
	{
		*happened = DatumGetTimestampTz(value);
		return !TIMESTAMP_NOT_FINITE(*happened);
	}
	day = DatumGetDateADT(value);
	if (DATE_NOT_FINITE(day))
		return false;
	*happened = day * USECS_PER_DAY;
	if (!IS_VALID_TIMESTAMP(*happened))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range for timestamp")));
	return true;
}

/* The nearest integer, halves to the even one, as round(double precision) does; past the range it is too heavy anyway. */
static int64
round_float(double weight)
{
	double		rounded = rint(weight);

	return rounded > 1e15 ? INT64CONST(1000000000000000) : rounded < -1e15 ? INT64CONST(-1000000000000000) : (int64) rounded;
}

/* Halves away from zero, as round(numeric) does. */
static int64
round_numeric(Numeric weight)
{
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(weight)));
}

/* False for NaN and infinities. */
static bool
read_weight(Oid type, Datum value, int64 *weight)
{
	double		real;
	Numeric		numeric;

	switch (type)
	{
		case INT2OID:
			*weight = DatumGetInt16(value);
			return true;
		case INT4OID:
			*weight = DatumGetInt32(value);
			return true;
		case INT8OID:
			*weight = DatumGetInt64(value);
			return true;
		case FLOAT4OID:
		case FLOAT8OID:
			real = type == FLOAT4OID ? DatumGetFloat4(value) : DatumGetFloat8(value);
			if (!isfinite(real))
				return false;
			*weight = round_float(real);
			return true;
		case NUMERICOID:
			numeric = DatumGetNumeric(value);
			if (numeric_is_nan(numeric) || numeric_is_inf(numeric))
				return false;
			*weight = round_numeric(numeric);
			return true;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("weights cannot be of type %s", format_type_be(type)),
					 errdetail("They are smallint, integer, bigint, real, double precision or numeric.")));
	}
}

/* The statement lets through only events that count, so one of them it is. */
static int32
event_weight(const HistoryDef *history, Datum event)
{
	text	   *name = DatumGetTextPP(event);

	for (int e = 0; e < history->num_events; e++)
		if (strlen(history->events[e]) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(history->events[e], VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			return history->event_weights[e];
	return 0;
}

/* False where the row does not count. */
static bool
read_row(const SourceQuery *query, const Datum *values, const bool *nulls, SourceRow *row)
{
	if (nulls[0] || nulls[1])
		return false;
	*row = (SourceRow) {values[0], values[1], DT_NOBEGIN, 1};
	if (query->happened_at > 0 &&
		(nulls[query->happened_at] || !read_happened(query->happened_type, values[query->happened_at], &row->happened)))
		return false;
	if (query->weight_at > 0 &&
		(nulls[query->weight_at] || !read_weight(query->weight_type, values[query->weight_at], &row->weight)))
		return false;
	if (query->event_at > 0 &&
		pg_mul_s64_overflow(row->weight, event_weight(query->history, values[query->event_at]), &row->weight))
		source_too_heavy(query->history, row->basket, row->item);
	/* so that sums of any number of rows stay within 64 bits */
	if (row->weight > PG_UINT32_MAX || row->weight < -(int64) PG_UINT32_MAX)
		source_too_heavy(query->history, row->basket, row->item);
	return true;
}

static void
take_interaction(void *arg, const Datum *values, const bool *nulls)
{
	Interactions *interactions = arg;
	SourceRow	row;

	if (!read_row(interactions->query, values, nulls, &row))
		return;
	interactions->num_rows++;
	interactions->sink(interactions->arg, &row);
}

/* Whoever takes it may allocate as he likes: what he does not keep elsewhere is gone with the row. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	SourceReceiver *receiver = (SourceReceiver *) self;
	MemoryContext caller = MemoryContextSwitchTo(receiver->row);

	slot_getallattrs(slot);
	receiver->take(receiver->arg, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(receiver->row);
	return true;
}

/* The columns are known already, and there is nothing to put away at the end. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc columns)
{
}

static void
receiver_end(DestReceiver *self)
{
}

void
source_drain(Portal portal, SourceTake take, void *arg)
{
	SourceReceiver receiver = {
		{receive_row, receiver_startup, receiver_end, receiver_end, DestNone}, take, arg
	};

	if (portal == NULL)
		elog(ERROR, "could not open a cursor: %s", SPI_result_code_string(SPI_result));
	receiver.row = AllocSetContextCreate(CurrentMemoryContext, "personalize source row", ALLOCSET_SMALL_SIZES);
	PortalRunFetch(portal, FETCH_FORWARD, FETCH_ALL, &receiver.pub);
	SPI_cursor_close(portal);
}

static uint64
drain(Portal portal, const SourceQuery *query, SourceSink sink, void *arg)
{
	Interactions interactions = {query, sink, arg};

	source_drain(portal, take_interaction, &interactions);
	return interactions.num_rows;
}

/*
 * A view has no blocks, and policies of rows may call what only one process can.  With a horizon there may be an index that
 * reads less than all blocks; keys of other types may be made by casts of the user.  Who may read some columns only may not ask
 * where a row stands.
 */
bool
source_has_parts(const HistoryDef *history, BlockNumber *num_blocks)
{
	Relation	relation;
	bool		has;

	if (!COMPAT_HAS_BLOCK_SCANS || history->event != NULL || history->horizon != NULL ||
		!key_is_number(history->basket_type) || !key_is_number(history->item_type) ||
		pg_class_aclcheck(history->interactions, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;
	relation = table_open(history->interactions, AccessShareLock);
	has = relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
		relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP && !relation->rd_rel->relrowsecurity;
	*num_blocks = has ? RelationGetNumberOfBlocks(relation) : 0;
	table_close(relation, NoLock);
	return has;
}

/* Children of the table have blocks of the same numbers, and may have more: so the last part is open. */
uint64
source_scan_part(const HistoryDef *history, BlockNumber first, BlockNumber end, SourceSink sink, void *arg)
{
	ItemPointerData from;
	ItemPointerData to;
	SourceQuery query;
	Portal		portal;
	uint64		num_rows;

	ItemPointerSet(&from, first, 0);
	ItemPointerSet(&to, end, 0);
	SPI_connect();
	init_query(&query, history, DT_NOBEGIN);
	appendStringInfo(&query.text, " AND i.ctid OPERATOR(pg_catalog.>=) $%d", add_parameter(&query, TIDOID, PointerGetDatum(&from)));
	appendStringInfo(&query.text, " AND i.ctid OPERATOR(pg_catalog.<) $%d", add_parameter(&query, TIDOID, PointerGetDatum(&to)));
	portal = SPI_cursor_open_with_args(NULL, query.text.data, query.num_parameters, query.parameter_type,
									   query.parameter, NULL, true, CURSOR_OPT_NO_SCROLL);
	num_rows = drain(portal, &query, sink, arg);
	SPI_finish();
	return num_rows;
}

/* Planned for its values each time: how much lies before the horizon decides between an index and all of the table. */
uint64
source_scan(const HistoryDef *history, TimestampTz horizon_start, SourceSink sink, void *arg)
{
	SourceQuery query;
	Portal		portal;
	uint64		num_rows;

	SPI_connect();
	init_query(&query, history, horizon_start);
	portal = SPI_cursor_open_with_args(NULL, query.text.data, query.num_parameters, query.parameter_type,
									   query.parameter, NULL, true, CURSOR_OPT_NO_SCROLL);
	num_rows = drain(portal, &query, sink, arg);
	SPI_finish();
	return num_rows;
}

/* --- kept plans --- */

/*
 * By their text, which says all: names and types of columns are in it, and what else may change
 * (indexes, row security, the role) the server's plan cache looks after.
 */
typedef struct KeptPlan
{
	char	   *text;
	SPIPlanPtr	plan;
} KeptPlan;

static KeptPlan kept[MAX_KEPT_PLANS];
static int	num_kept = 0;

/* The one that was used least recently stands last. */
static void
move_to_front(int at)
{
	KeptPlan	used = kept[at];

	memmove(&kept[1], &kept[0], at * sizeof(KeptPlan));
	kept[0] = used;
}

/* A definition that is gone ages out in this way, too. */
static void
drop_last(void)
{
	KeptPlan   *last = &kept[--num_kept];

	SPI_freeplan(last->plan);
	pfree(last->text);
}

/* Generic: a plan for a number of keys that the planner guesses at ten is a look-up for each, which is right up to thousands. */
SPIPlanPtr
source_kept_plan(const char *text, int num_parameters, Oid *types)
{
	SPIPlanPtr	plan;

	for (int at = 0; at < num_kept; at++)
		if (strcmp(kept[at].text, text) == 0)
		{
			move_to_front(at);
			return kept[0].plan;
		}
	plan = SPI_prepare_cursor(text, num_parameters, types, CURSOR_OPT_GENERIC_PLAN | CURSOR_OPT_NO_SCROLL);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", text, SPI_result_code_string(SPI_result));
	if (num_kept == MAX_KEPT_PLANS)
		drop_last();
	kept[num_kept] = (KeptPlan) {MemoryContextStrdup(TopMemoryContext, text), plan};
	move_to_front(num_kept++);
	return plan;
}

/* From a copy: the server puts detoasted values in the place of those that it is given, and they go with SPI's memory. */
Datum
source_key_array(KeyType type, const Datum *baskets, int n)
{
	Datum	   *keys = palloc((n + 1) * sizeof(Datum));
	int16		length;
	bool		by_value;
	char		align;

	memcpy(keys, baskets, n * sizeof(Datum));
	get_typlenbyvalalign(key_type_oid(type), &length, &by_value, &align);
	return PointerGetDatum(construct_array(keys, n, key_type_oid(type), length, by_value, align));
}

/*
 * Rows of a basket come together, so the caller can make it when the next one begins.  Texts are ordered by their
 * bytes, as keys are, whatever the collation of the column.
 */
uint64
source_fetch(const HistoryDef *history, TimestampTz horizon_start, const Datum *baskets, int n, SourceSink sink, void *arg)
{
	Oid			keys = get_array_type(key_type_oid(history->basket_type));
	SourceQuery query;
	SPIPlanPtr	plan;
	uint64		num_rows;

	if (n == 0)
		return 0;
	SPI_connect();
	init_query(&query, history, horizon_start);
	appendStringInfo(&query.text, " AND %s OPERATOR(pg_catalog.=) ANY ($%d) ORDER BY %s%s", basket_expression(history),
					 add_parameter(&query, keys, source_key_array(history->basket_type, baskets, n)),
					 basket_expression(history), history->basket_type == KEY_TEXT ? " COLLATE pg_catalog.\"C\"" : "");
	plan = source_kept_plan(query.text.data, query.num_parameters, query.parameter_type);
	num_rows = drain(SPI_cursor_open(NULL, plan, query.parameter, NULL, true), &query, sink, arg);
	SPI_finish();
	return num_rows;
}

/* Beyond events and horizon, because whoever asks wants to know whether anything of the basket is left. */
bool
source_has(const HistoryDef *history, Datum basket)
{
	Oid			type = key_type_oid(history->basket_type);
	char	   *text;
	bool		has;

	SPI_connect();
	text = psprintf("SELECT 1 FROM %s AS i WHERE %s OPERATOR(pg_catalog.=) $1 LIMIT 1",
					registry_name(history->interactions), basket_expression(history));
	if (SPI_execute_plan(source_kept_plan(text, 1, &type), &basket, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for a basket");
	has = SPI_processed > 0;
	SPI_finish();
	return has;
}
