/*
 * products_predicate.c
 *		Predicates over the product table that somebody has written: filter, where, boost, bury.
 *
 * A text is first parsed alone.  Only what is one complete expression by itself, and nothing else, is ever put into a statement, in
 * parentheses and with a line end for comments: so it cannot end the statement, or the parentheses.  Then it is analyzed over the one table, which
 * leaves no place for other tables, aggregates or functions that return sets.
 */
#include "base/compat.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "tcop/tcopprot.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "serve/products_statement.h"

/* Once alone, and once as it stands in statements; of the same length, for positions in messages. */
#define ALONE "SELECT  %s"
#define ENCLOSED "SELECT (%s\n)"
#define PREFIX_LENGTH 8

/* --- errors --------------------------------------------------------------- */

typedef struct PredicateContext
{
	const Products *products;
	const RulePredicate *predicate;
} PredicateContext;

/* The position is that in the text itself, which is shown with it. */
static void
add_context(void *arg)
{
	PredicateContext *context = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(Max(1, position - PREFIX_LENGTH));
		internalerrquery(context->predicate->text);
	}
	errcontext("%s of widget %s", context->predicate->rule, widget_name(context->products->rules->widget));
}

/* --- parsing ---------------------------------------------------------------- */

static void pg_attribute_noreturn()
fail_no_expression(const RulePredicate *predicate)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("%s is not one expression", predicate->rule),
			 errdetail("It was given as \"%s\".", predicate->text),
			 errhint("Write a condition over columns of the product table, as after WHERE: available AND price < 100.")));
}

/* The one target without a name, of a SELECT of which nothing else is there. */
static Node *
only_expression(const RulePredicate *predicate, List *statements)
{
	RawStmt    *raw;
	SelectStmt *select;
	SelectStmt *bare = makeNode(SelectStmt);
	ResTarget  *target;

	if (list_length(statements) != 1)
		fail_no_expression(predicate);
	raw = linitial_node(RawStmt, statements);
	/* a length is known where a semicolon has ended the statement */
	if (!IsA(raw->stmt, SelectStmt) || raw->stmt_len != 0)
		fail_no_expression(predicate);
	select = (SelectStmt *) raw->stmt;
	bare->targetList = select->targetList;
	if (!equal(bare, select) || list_length(select->targetList) != 1)
		fail_no_expression(predicate);
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL || target->indirection != NIL)
		fail_no_expression(predicate);
	return target->val;
}

static bool
refuse_foreign(Node *node, void *context)
{
	const RulePredicate *predicate = context;

	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("%s cannot have parameters", predicate->rule),
				 errdetail("It was given as \"%s\".", predicate->text)));
	if (IsA(node, SubLink))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot have a subquery", predicate->rule),
				 errdetail("It was given as \"%s\".", predicate->text),
				 errhint("Use columns of the product table. A view over it can add what other tables know.")));
	return raw_expression_tree_walker(node, refuse_foreign, context);
}

static Node *
parse(const RulePredicate *predicate)
{
	Node	   *expression = only_expression(predicate, pg_parse_query(psprintf(ALONE, predicate->text)));
	Node	   *enclosed = only_expression(predicate, pg_parse_query(psprintf(ENCLOSED, predicate->text)));

	/* some words mean something after SELECT only */
	if (!equal(expression, enclosed))
		fail_no_expression(predicate);
	refuse_foreign(expression, unconstify(RulePredicate *, predicate));
	return expression;
}

/* --- analysis --------------------------------------------------------------- */

/* Parameters are only in statements of ours: predicates with any are refused. */
static Node *
make_parameter(const Products *products, int number, int location)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = number;
	param->paramtype = products->parameter_type[number - 1];
	param->paramtypmod = -1;
	param->paramcollid = get_typcollation(param->paramtype);
	param->location = location;
	return (Node *) param;
}

static Node *
resolve_parameter(ParseState *state, ParamRef *reference)
{
	if (reference->number < 1 || reference->number > PRODUCTS_NUM_PARAMETERS)
		return NULL;
	return make_parameter(state->p_ref_hook_state, reference->number, reference->location);
}

/* A column of that name comes first. */
static Node *
resolve_as_of(ParseState *state, ColumnRef *reference, Node *found)
{
	Node	   *name = linitial(reference->fields);

	if (found != NULL || list_length(reference->fields) != 1 || !IsA(name, String) || strcmp(strVal(name), "as_of") != 0)
		return NULL;
	return make_parameter(state->p_ref_hook_state, PRODUCTS_AS_OF, reference->location);
}

void
products_parser_setup(ParseState *state, void *products)
{
	state->p_ref_hook_state = products;
	state->p_paramref_hook = resolve_parameter;
	state->p_post_columnref_hook = resolve_as_of;
}

static Node *
analyze(const Products *products, const RulePredicate *predicate, Relation relation)
{
	ParseState *state = make_parsestate(NULL);
	Node	   *expression = parse(predicate);

	state->p_sourcetext = psprintf(ALONE, predicate->text);
	products_parser_setup(state, unconstify(Products *, products));
	addNSItemToQuery(state, addRangeTableEntryForRelation(state, relation, AccessShareLock, NULL, true, true), true, true, true);
	expression = transformWhereClause(state, expression, EXPR_KIND_WHERE, predicate->rule);
	assign_expr_collations(state, expression);
	free_parsestate(state);
	return expression;
}

/* Lists do not depend on how often, or in what order, it is evaluated; and a widget is STABLE. */
static void
refuse_volatile(const RulePredicate *predicate, Node *expression)
{
	if (contain_volatile_functions(expression))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("%s cannot use volatile functions", predicate->rule),
				 errdetail("It was given as \"%s\".", predicate->text),
				 errhint("Widgets are STABLE: within a statement the same call gives the same list.")));
}

void
products_check_predicate(const Products *products, const RulePredicate *predicate)
{
	PredicateContext context = {products, predicate};
	ErrorContextCallback callback = {error_context_stack, add_context, &context};
	Relation	relation = table_open(products->catalog->products, AccessShareLock);
	int			nest = products_enter_path();

	error_context_stack = &callback;
	refuse_volatile(predicate, analyze(products, predicate, relation));
	error_context_stack = callback.previous;
	products_leave_path(nest);
	table_close(relation, NoLock);
}
