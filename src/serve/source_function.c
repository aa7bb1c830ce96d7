/*
 * source_function.c
 *		Candidates from a function of the shop.
 *
 * The function takes some of what a widget is called with, by the names of its arguments, and returns rows of (item, score), or items alone, the best
 * first.  It runs as the caller, or as it was made to.
 */
#include "base/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "serve/source_statement.h"

/* What a function may ask for. */
typedef enum Argument
{
	ARGUMENT_CUSTOMER, ARGUMENT_ITEM, ARGUMENT_CART, ARGUMENT_SESSION, ARGUMENT_CATEGORY, ARGUMENT_QUERY, ARGUMENT_SEGMENT, ARGUMENT_AS_OF,
	ARGUMENT_SEED, ARGUMENT_K
} Argument;

#define NUM_ARGUMENTS (ARGUMENT_K + 1)

static const char *const argument_names[NUM_ARGUMENTS] = {
	"customer", "item", "cart", "session", "category", "query", "segment", "as_of", "seed", "k"
};

typedef struct Call
{
	SourceStatement *statement;
	int			num_arguments;
	Argument	argument[NUM_ARGUMENTS];	/* of each parameter */
	Oid			type[NUM_ARGUMENTS];
} Call;

/* --- the function --------------------------------------------------------- */

/* By its name where it is the only one, or with its arguments' types, as regprocedure writes it. */
static Oid
find_function(const WidgetSource *source)
{
	char	   *name = source_option_text(source, "function", NULL);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source \"%s\" needs \"function\"", source->name),
				 errhint("For example {\"function\": {\"function\": \"shop.staff_picks\"}}.")));
	return DatumGetObjectId(DirectFunctionCall1(strchr(name, '(') != NULL ? regprocedurein : regprocin, CStringGetDatum(name)));
}

/* Its caller releases the tuple. */
static Form_pg_proc
function_form(Oid function, HeapTuple *tuple)
{
	*tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(*tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	return (Form_pg_proc) GETSTRUCT(*tuple);
}

/* A widget is STABLE and PARALLEL SAFE, and so is all that it calls. */
static void
require_kind(Oid function, const Form_pg_proc form)
{
	if (form->prokind != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a plain function", format_procedure(function))));
	if (form->provolatile == PROVOLATILE_VOLATILE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("a source cannot call %s, which is VOLATILE", format_procedure(function)),
				 errdetail("Widgets are STABLE: within a statement the same call gives the same list."),
				 errhint("ALTER FUNCTION %s STABLE; if it only reads.", format_procedure_qualified(function))));
	if (form->proparallel != PROPARALLEL_SAFE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("a source cannot call %s, which is not PARALLEL SAFE", format_procedure(function)),
				 errhint("ALTER FUNCTION %s PARALLEL SAFE; if it only reads.", format_procedure_qualified(function))));
}

static int
argument_by_name(const char *name)
{
	for (int a = 0; a < NUM_ARGUMENTS; a++)
		if (strcmp(argument_names[a], name) == 0)
			return a;
	return -1;
}

/* --- its arguments -------------------------------------------------------- */

/* The type in which a widget has it. */
static Oid
widget_type(const WidgetDef *widget, Argument argument)
{
	Oid			item = key_type_oid(widget->catalog->item_type);

	switch (argument)
	{
		case ARGUMENT_CUSTOMER:
			return widget->customer_type == 0 ? TEXTOID : key_type_oid(widget->customer_type);
		case ARGUMENT_ITEM:
			return item;
		case ARGUMENT_CART:
		case ARGUMENT_SESSION:
			return get_array_type(item);
		case ARGUMENT_SEGMENT:
			return TEXTARRAYOID;
		case ARGUMENT_AS_OF:
			return TIMESTAMPTZOID;
		case ARGUMENT_SEED:
			return INT8OID;
		case ARGUMENT_K:
			return INT4OID;
		default:
			return TEXTOID;
	}
}

static void pg_attribute_noreturn()
fail_argument(Oid function, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			 errmsg("a source cannot call %s", format_procedure(function)),
			 *name == '\0' ? errdetail("One of its arguments has neither a name nor a default.") :
			 errdetail("Its argument \"%s\" has no default, and no widget has it.", name),
			 errhint("Arguments by these names are filled in: customer, item, cart, session, category, query, segment, as_of, seed, k.")));
}

/* Cast explicitly: a function for bigint is as good for the integers of a widget, and the other way around. */
static void
add_argument(const WidgetDef *widget, Oid function, const char *name, Oid type, bool has_default, Call *call, StringInfo text)
{
	int			argument = argument_by_name(name);

	if (argument < 0 && has_default)
		return;
	if (argument < 0)
		fail_argument(function, name);
	call->argument[call->num_arguments] = argument;
	call->type[call->num_arguments] = widget_type(widget, argument);
	call->num_arguments++;
	appendStringInfo(text, "%s%s => $%d::%s", call->num_arguments > 1 ? ", " : "", quote_identifier(name), call->num_arguments,
					 format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
}

/* VARIADIC is none that could be filled in. */
static bool
is_input(const char *modes, int argument)
{
	return modes == NULL || modes[argument] == PROARGMODE_IN || modes[argument] == PROARGMODE_INOUT;
}

/* Defaults belong to the last arguments; OUT arguments stand between them. */
static void
add_arguments(const WidgetDef *widget, Oid function, HeapTuple tuple, Call *call, StringInfo text)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	int			first_default = form->pronargs - form->pronargdefaults;
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			n = get_func_arg_info(tuple, &types, &names, &modes);
	int			input = 0;

	for (int a = 0; a < n; a++)
		if (is_input(modes, a))
		{
			add_argument(widget, function, names == NULL ? "" : names[a], types[a], input >= first_default, call, text);
			input++;
		}
}

/* --- what it returns ------------------------------------------------------ */

static void pg_attribute_noreturn()
fail_result(Oid function)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			 errmsg("a source cannot call %s", format_procedure(function)),
			 errdetail("It has to return rows with the columns item and score, or items."),
			 errhint("For example RETURNS TABLE (item bigint, score double precision), or RETURNS SETOF bigint with the best first.")));
}

/* By name, so that a function may return more than that, in any order. */
static bool
has_column(TupleDesc columns, const char *name)
{
	for (int i = 0; i < columns->natts; i++)
		if (!TupleDescAttr(columns, i)->attisdropped && strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) == 0)
			return true;
	return false;
}

/* How a row of it is called, and what its item and score are. */
static void
read_result(Oid function, bool *has_score, const char **columns)
{
	TupleDesc	desc;
	Oid			type;

	*has_score = false;
	*columns = "";
	switch (get_func_result_type(function, &type, &desc))
	{
		case TYPEFUNC_COMPOSITE:
			if (!has_column(desc, "item"))
				fail_result(function);
			*has_score = has_column(desc, "score");
			return;
		case TYPEFUNC_SCALAR:
			*columns = "(item)";
			return;
		default:
			fail_result(function);
	}
}

/* WITH ORDINALITY would add a column whose name may be taken; rows are numbered as they come. */
static char *
statement_text(const WidgetDef *widget, Oid function, const char *arguments)
{
	bool		has_score;
	const char *columns;
	HeapTuple	tuple;
	Form_pg_proc form = function_form(function, &tuple);
	char	   *text;

	read_result(function, &has_score, &columns);
	text = psprintf("SELECT f.item::%s%s FROM %s(%s) AS f%s",
					format_type_extended(key_type_oid(widget->catalog->item_type), -1, FORMAT_TYPE_FORCE_QUALIFY),
					has_score ? ", f.score::pg_catalog.float8" : "",
					quote_qualified_identifier(get_namespace_name(form->pronamespace), NameStr(form->proname)), arguments, columns);
	ReleaseSysCache(tuple);
	return text;
}

/* --- the kind ------------------------------------------------------------- */

/* Found anew whenever a plan is made: another function may have come in the place of the one that was named. */
static void *
open_function(WidgetPlan *plan, const WidgetSource *source)
{
	Call	   *call = palloc0(sizeof(Call));
	Oid			function = find_function(source);
	StringInfoData arguments;
	HeapTuple	tuple;

	require_kind(function, function_form(function, &tuple));
	initStringInfo(&arguments);
	add_arguments(plan->def, function, tuple, call, &arguments);
	ReleaseSysCache(tuple);
	call->statement = source_statement(plan, statement_text(plan->def, function, arguments.data), call->num_arguments, call->type);
	return call;
}

/* With schema and types from here on, so that neither another search path nor another function of the name changes what is meant. */
static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"function", NULL};
	Oid			function;
	AclResult	allowed;

	source_options_only(source, names);
	function = find_function(source);
	allowed = compat_function_aclcheck(function, GetUserId(), ACL_EXECUTE);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FUNCTION, get_func_name(function));
	source_set_option(source, "function", format_procedure_qualified(function));
	source_try_open(widget, source);
}

/* --- collecting ----------------------------------------------------------- */

/* Empty where nothing was given, which is easier to write functions for than NULL. */
static Datum
item_array(const Request *request, const ItemList *items)
{
	Oid			type = key_type_oid(request->widget->catalog->item_type);
	Datum	   *keys = palloc((items->size + 1) * sizeof(Datum));
	int16		length;
	bool		by_value;
	char		align;

	for (uint32 i = 0; i < items->size; i++)
		keys[i] = request_key(request, items->item[i]);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(keys, items->size, type, length, by_value, align));
}

/* Levels that are not known are NULL in it. */
static Datum
segment_array(const Request *request)
{
	Datum	   *values = palloc((request->num_segment + 1) * sizeof(Datum));
	bool	   *nulls = palloc((request->num_segment + 1) * sizeof(bool));
	int			size = request->num_segment;
	int			lower = 1;

	for (int i = 0; i < request->num_segment; i++)
	{
		nulls[i] = request->segment[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(request->segment[i]);
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, &size, &lower, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
text_value(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
}

/* What the call did not give is NULL. */
static Datum
argument_value(const Request *request, Argument argument, uint32 want, bool *isnull)
{
	*isnull = false;
	switch (argument)
	{
		case ARGUMENT_CUSTOMER:
			*isnull = !request->has_customer;
			return request->customer;
		case ARGUMENT_ITEM:
			*isnull = request->anchor == ITEM_NONE;
			return *isnull ? (Datum) 0 : request_key(request, request->anchor);
		case ARGUMENT_CART:
			return item_array(request, &request->cart);
		case ARGUMENT_SESSION:
			return item_array(request, &request->session);
		case ARGUMENT_CATEGORY:
			return text_value(request->category, isnull);
		case ARGUMENT_QUERY:
			return text_value(request->query, isnull);
		case ARGUMENT_SEGMENT:
			*isnull = request->num_segment < 0;
			return *isnull ? (Datum) 0 : segment_array(request);
		case ARGUMENT_AS_OF:
			return TimestampTzGetDatum(request->as_of);
		case ARGUMENT_SEED:
			return Int64GetDatum((int64) request->seed);
		default:
			/* the same for every k, so that longer lists begin as shorter ones do */
			return Int32GetDatum((int32) request_room(request, want));
	}
}

typedef struct FunctionRows
{
	SourceOnce	once;
	const WidgetSource *source;
} FunctionRows;

static void
fail_score(const WidgetSource *source, double score)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("function %s gives the score %g", source_option_text(source, "function", ""), score),
			 errdetail("Scores are finite numbers; what is not above 0 is no candidate.")));
}

/* Several rows of an item add up, like all offers of a source. */
static void
take_score(void *arg, const Datum *values, const bool *nulls)
{
	FunctionRows *rows = arg;
	double		score;

	if (nulls[0] || nulls[1])
		return;
	score = DatumGetFloat8(values[1]);
	if (!isfinite(score))
		fail_score(rows->source, score);
	request_offer(rows->once.request, request_item(rows->once.request, values[0]), score, ITEM_NONE);
}

/* Without scores it is the order that counts. */
static void
take_item(void *arg, const Datum *values, const bool *nulls)
{
	FunctionRows *rows = arg;

	if (!nulls[0])
		source_offer_next(&rows->once, request_item(rows->once.request, values[0]));
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	const Call *call = opened;
	FunctionRows rows = {{request}, source};
	Datum		value[NUM_ARGUMENTS];
	bool		isnull[NUM_ARGUMENTS];

	for (int a = 0; a < call->num_arguments; a++)
		value[a] = argument_value(request, call->argument[a], want, &isnull[a]);
	source_statement_run(call->statement, value, isnull, source_statement_columns(call->statement) > 1 ? take_score : take_item, &rows);
}

const SourceKind source_function = {"function", check, open_function, collect};
