/*
 * change_log_expression.c
 *		Keys of changed rows that an expression gives.
 *
 * The expression runs with the rights of the history's owner, like a refresh: whoever may only add rows need not be able to read
 * what it looks up.  Its names are looked up in pg_catalog only, so that no writer's search_path changes what it means.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"

#include "model/change_log_target.h"
#include "model/change_log_watch.h"

/* Rows that are in memory at a time. */
#define EXPRESSION_BATCH 1000

static const char *const branch_from[NUM_ROW_SOURCES] = {
	[ROWS_NEW] = WATCH_NEW_TABLE,
	[ROWS_OLD] = WATCH_OLD_TABLE,
	[ROWS_ONE] = "(SELECT ($1).*)",
};

bool
log_type_fits(Oid type, KeyType log)
{
	KeyType		found = key_type_find(type);

	/* the types of numbers are numbered by their width */
	return found == log || (found != 0 && key_is_number(found) && key_is_number(log) && found < log);
}

/* Undone by AtEOXact_GUC, or by whatever ends the (sub)transaction first. */
static int
enter_safe_path(void)
{
	int			nest = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest;
}

/* Duplicates are folded by whoever takes the keys: SQL's DISTINCT would follow the key's collation. */
static void
append_branch(StringInfo text, const LogTarget *target, RowSource rows)
{
	appendStringInfo(text, "SELECT (%s\n) FROM %s AS %s", target->expression, branch_from[rows], quote_identifier(target->alias));
}

/* Both halves of an UPDATE in one statement: it is planned and run once. */
static char *
statement(const LogTarget *target, RowSource rows)
{
	StringInfoData text;

	initStringInfo(&text);
	if (rows != ROWS_OLD_AND_NEW)
		append_branch(&text, target, rows);
	else
	{
		append_branch(&text, target, ROWS_OLD);
		appendStringInfoString(&text, " UNION ALL ");
		append_branch(&text, target, ROWS_NEW);
	}
	return text.data;
}

/* Checked when it is planned, so that each row's key can be taken as it comes. */
static void
guard_result(const LogTarget *target, SPIPlanPtr plan)
{
	List	   *sources = SPI_plan_get_plan_sources(plan);
	TupleDesc	desc = list_length(sources) == 1 ? ((CachedPlanSource *) linitial(sources))->resultDesc : NULL;

	if (desc == NULL || desc->natts != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("\"%s\" is not one expression", target->expression)));
	if (!log_type_fits(TupleDescAttr(desc, 0)->atttypid, target->type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("expression \"%s\" is of type %s, not %s", target->expression,
						format_type_be(TupleDescAttr(desc, 0)->atttypid), key_type_name(target->type)),
				 errhint("Cast it to %s.", key_type_name(target->type))));
}

/* Not that of the log: a narrower integer is widened on its way there. */
static KeyType
result_type(SPIPlanPtr plan)
{
	TupleDesc	desc = ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->resultDesc;

	return key_type_find(TupleDescAttr(desc, 0)->atttypid);
}

static SPIPlanPtr
prepare(const LogTarget *target, RowSource rows)
{
	Oid			row_type = rows == ROWS_ONE ? get_rel_type_id(target->relation) : InvalidOid;
	int			nest = enter_safe_path();
	SPIPlanPtr	plan = SPI_prepare(statement(target, rows), OidIsValid(row_type) ? 1 : 0, &row_type);

	if (plan == NULL)
		elog(ERROR, "could not prepare expression \"%s\": %s", target->expression, SPI_result_code_string(SPI_result));
	guard_result(target, plan);
	AtEOXact_GUC(true, nest);
	return plan;
}

/*
 * A definition that has gone bad must not fail the writer's statement, so what cannot be understood is caught;
 * once per session, and again after the relation has changed.
 */
static SPIPlanPtr
try_prepare(LogTarget *target, RowSource rows)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	SPIPlanPtr	volatile plan = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		plan = prepare(target, rows);
		if (SPI_keepplan(plan) != 0)
			elog(ERROR, "could not keep the plan of expression \"%s\"", target->expression);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(target->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		target->problem = error->message;
		plan = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return plan;
}

/* The plan may look into tables: it sees what the statement has done. */
static void
run(SPIPlanPtr plan, Datum row, KeySink sink, void *arg)
{
	int			nest = enter_safe_path();
	Portal		portal = SPI_cursor_open(NULL, plan, &row, NULL, false);

	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, EXPRESSION_BATCH);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			Datum		key = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

			if (!isnull)
				sink(arg, key);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	AtEOXact_GUC(true, nest);
}

/* Plans are kept with the target, and go with it when the relation changes. */
static bool
evaluate(LogTarget *target, RowSource rows, Datum row, KeySink sink, void *arg)
{
	if (target->plan[rows] == NULL)
	{
		target->plan[rows] = try_prepare(target, rows);
		if (target->plan[rows] == NULL)
			return false;
		target->key_type = result_type(target->plan[rows]);
	}
	run(target->plan[rows], row, sink, arg);
	return true;
}

/*
 * With the rights of whoever defined it, like a refresh: a clerk who may only add rows need not be able to read, or lock,
 * the tables that the expression looks up.
 */
bool
log_target_evaluate(LogTarget *target, RowSource rows, Datum row, KeySink sink, void *arg)
{
	OwnerScope	scope;
	bool		told;

	registry_enter_owner(target->log, &scope);
	told = evaluate(target, rows, row, sink, arg);
	registry_leave_owner(&scope);
	return told;
}

static bool
reads_tables(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
		if (((RangeTblEntry *) lfirst(cell))->rtekind == RTE_RELATION)
			return true;
	return false;
}

static bool
has_unlocked_query(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, has_unlocked_query, context);
	if (reads_tables((Query *) node) && ((Query *) node)->rowMarks == NIL)
		return true;
	return query_tree_walker((Query *) node, has_unlocked_query, context, 0);
}

/*
 * Somebody may change the row that is looked up while the writer has not committed yet.  The writer has logged the old basket then, and
 * the row ends up in the new one, which nobody has logged after the writer's commit.
 */
static void
warn_unlocked(const LogTarget *target, SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	if (has_unlocked_query((Node *) linitial_node(Query, source->query_list), NULL))
		ereport(WARNING,
				(errmsg("the key of %s looks up a table without locking what it finds", registry_name(target->relation)),
				 errdetail("Where that row is changed at the same time, a changed basket may go by unnoticed."),
				 errhint("End the query in \"%s\" with FOR SHARE.", target->expression)));
}

/* Analyzed, not run: set-up must not depend on what the tables hold. */
void
log_check_expression(Oid relation, const char *expression, KeyType type, bool warn)
{
	LogTarget	target = {
		.relation = relation,
		.alias = get_rel_name(relation),
		.expression = unconstify(char *, expression),
		.type = type
	};
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = prepare(&target, ROWS_ONE);
	if (warn)
		warn_unlocked(&target, plan);
	SPI_finish();
}
