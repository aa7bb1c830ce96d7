/*
 * segment_support.c
 *		What the planner is told about segments: how many customers are in one, and that none is in it twice.
 *
 * Numbers are those of the last refresh; who has changed since does not change a plan.
 */
#include "base/compat.h"

#include <math.h>

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "kernel/ordinal_set.h"
#include "model/segment.h"
#include "serve/segment_support.h"

/* Rows are few while refreshes keep up. */
#define ENTERED_SHARE 0.001
/* A call of a function, with a look at a snapshot and at a set: what an operator costs, and half of one. */
#define OPERATORS_A_CALL 1.5

PG_FUNCTION_INFO_V1(personalize_in_segment_support);
PG_FUNCTION_INFO_V1(personalize_segment_stands_support);
PG_FUNCTION_INFO_V1(personalize_segment_entered_support);
PG_FUNCTION_INFO_V1(personalize_segment_support);

/* --- the segment of a call -------------------------------------------------- */

/* The value of the first argument where it is known while planning. */
static Const *
first_argument(PlannerInfo *root, List *arguments)
{
	Node	   *node = arguments == NIL ? NULL : estimate_expression_value(root, linitial(arguments));

	return node != NULL && IsA(node, Const) && !((Const *) node)->constisnull ? (Const *) node : NULL;
}

/* Nothing is known of what is none, or was not built: the call itself will say so. */
static SegmentDef *
segment_of_arguments(PlannerInfo *root, List *arguments, bool by_id)
{
	Const	   *argument = first_argument(root, arguments);
	SegmentDef *def;

	if (argument == NULL)
		return NULL;
	def = by_id ? segment_by_id(DatumGetInt32(argument->constvalue)) : segment_of_relation(DatumGetObjectId(argument->constvalue));
	return def != NULL && def->built ? def : NULL;
}

static List *
call_arguments(Node *call)
{
	return call != NULL && IsA(call, FuncExpr) ? ((FuncExpr *) call)->args : NIL;
}

/* --- in_segment ------------------------------------------------------------- */

static bool
tell_selectivity(SupportRequestSelectivity *request)
{
	SegmentDef *def = segment_of_arguments(request->root, request->args, false);
	ActivityTableDef *activity = def == NULL ? NULL : activity_table_by_id(def->activity_id);

	if (activity == NULL || activity->num_customers <= 0)
		return false;
	request->selectivity = Min((double) def->num_members / activity->num_customers, 1.0);
	return true;
}

/* The chunks once, before the first row. */
static bool
tell_cost(SupportRequestCost *request)
{
	SegmentDef *def = segment_of_arguments(request->root, call_arguments(request->node), false);

	if (def == NULL)
		return false;
	request->startup = random_page_cost + seq_page_cost * ((double) def->num_members / ORDINAL_PLACES);
	request->per_tuple = OPERATORS_A_CALL * cpu_operator_cost;
	return true;
}

Datum
personalize_in_segment_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	bool		told = false;

	if (IsA(request, SupportRequestSelectivity))
		told = tell_selectivity((SupportRequestSelectivity *) request);
	else if (IsA(request, SupportRequestCost))
		told = tell_cost((SupportRequestCost *) request);
	PG_RETURN_POINTER(told ? request : NULL);
}

/* --- what functions of segments are made of --------------------------------- */

Datum
personalize_segment_stands_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (!IsA(request, SupportRequestSelectivity))
		PG_RETURN_POINTER(NULL);
	((SupportRequestSelectivity *) request)->selectivity = 1;
	PG_RETURN_POINTER(request);
}

Datum
personalize_segment_entered_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *rows = (SupportRequestRows *) request;
	SegmentDef *def;

	if (!IsA(request, SupportRequestRows))
		PG_RETURN_POINTER(NULL);
	def = segment_of_arguments(rows->root, call_arguments(rows->node), true);
	rows->rows = def == NULL ? 1 : ceil(1 + def->num_members * ENTERED_SHARE);
	PG_RETURN_POINTER(request);
}

Datum
personalize_segment_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *rows = (SupportRequestRows *) request;
	SegmentDef *def;

	if (!IsA(request, SupportRequestRows))
		PG_RETURN_POINTER(NULL);
	def = segment_of_arguments(rows->root, call_arguments(rows->node), false);
	if (def == NULL)
		PG_RETURN_POINTER(NULL);
	rows->rows = Max(def->num_members, 1);
	PG_RETURN_POINTER(request);
}

/* --- no customer twice ------------------------------------------------------ */

static get_relation_stats_hook_type previous_hook = NULL;

/* Told apart by the functions that plan them: names may be anybody's. */
static bool
is_planned_by(Node *call, PGFunction support)
{
	Oid			function = call != NULL && IsA(call, FuncExpr) ? get_func_support(((FuncExpr *) call)->funcid) : InvalidOid;
	FmgrInfo	info;

	if (!OidIsValid(function))
		return false;
	fmgr_info(function, &info);
	return info.fn_addr == support;
}

static bool
is_function(const RangeTblEntry *rte, PGFunction support)
{
	return rte->rtekind == RTE_FUNCTION && list_length(rte->functions) == 1 &&
		is_planned_by(((RangeTblFunction *) linitial(rte->functions))->funcexpr, support);
}

/* The inlined function of a segment: the face, and who has entered. */
static bool
is_face_and_entered(const RangeTblEntry *rte)
{
	ListCell   *cell;

	if (rte->rtekind != RTE_SUBQUERY || !rte->inh || rte->subquery == NULL || list_length(rte->subquery->rtable) != 2)
		return false;
	foreach(cell, rte->subquery->rtable)
	{
		RangeTblEntry *part = lfirst(cell);

		if (part->rtekind == RTE_SUBQUERY && list_length(part->subquery->rtable) == 1 &&
			is_function(linitial(part->subquery->rtable), personalize_segment_entered_support))
			return true;
	}
	return false;
}

/* SELECT personalize.segment(…), as it stands in IN. */
static bool
is_selected(const RangeTblEntry *rte)
{
	Query	   *query = rte->rtekind == RTE_SUBQUERY && !rte->inh ? rte->subquery : NULL;

	return query != NULL && query->rtable == NIL && list_length(query->targetList) == 1 &&
		is_planned_by((Node *) ((TargetEntry *) linitial(query->targetList))->expr, personalize_segment_support);
}

/*
 * The planner knows a key of a table as one, but not that of a function or of a UNION ALL, and takes half of all customers to be in any of them.  A support
 * function has no way to say it.
 */
static bool
tell_unique(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *vardata)
{
	if (attnum == 1 && (is_face_and_entered(rte) || is_function(rte, personalize_segment_support) || is_selected(rte)))
	{
		vardata->isunique = true;
		return true;
	}
	return previous_hook != NULL && previous_hook(root, rte, attnum, vardata);
}

void
segment_support_install(void)
{
	previous_hook = get_relation_stats_hook;
	get_relation_stats_hook = tell_unique;
}
