/*
 * context.c
 *		Arguments of functions that ask widgets by name.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "serve/context.h"

/* InvalidOid for what is absent or NULL, which mean the same to a widget. */
static Oid
read_any(FunctionCallInfo fcinfo, int at, Datum *value)
{
	if (at < 0 || PG_ARGISNULL(at))
		return InvalidOid;
	*value = PG_GETARG_DATUM(at);
	return get_fn_expr_argtype(fcinfo->flinfo, at);
}

static bool
is_given(FunctionCallInfo fcinfo, int at)
{
	return at >= 0 && !PG_ARGISNULL(at);
}

static void
read_place_in_list(FunctionCallInfo fcinfo, const int8 *at, RecommendArgs *args)
{
	if ((args->has_k = is_given(fcinfo, at[CONTEXT_K])))
		args->k = PG_GETARG_INT32(at[CONTEXT_K]);
	if ((args->has_offset = is_given(fcinfo, at[CONTEXT_OFFSET])))
		args->offset = PG_GETARG_INT32(at[CONTEXT_OFFSET]);
	if ((args->has_page = is_given(fcinfo, at[CONTEXT_PAGE])))
		args->page = PG_GETARG_INT32(at[CONTEXT_PAGE]);
}

static void
read_circumstances(FunctionCallInfo fcinfo, const int8 *at, RecommendArgs *args)
{
	if (is_given(fcinfo, at[CONTEXT_CATEGORY]))
		args->category = PG_GETARG_TEXT_PP(at[CONTEXT_CATEGORY]);
	if (is_given(fcinfo, at[CONTEXT_QUERY]))
		args->query = PG_GETARG_TEXT_PP(at[CONTEXT_QUERY]);
	if (is_given(fcinfo, at[CONTEXT_SEGMENT]))
		args->segment = PG_GETARG_ARRAYTYPE_P(at[CONTEXT_SEGMENT]);
	if ((args->has_as_of = is_given(fcinfo, at[CONTEXT_AS_OF])))
		args->as_of = PG_GETARG_TIMESTAMPTZ(at[CONTEXT_AS_OF]);
	if ((args->has_seed = is_given(fcinfo, at[CONTEXT_SEED])))
		args->seed = PG_GETARG_INT64(at[CONTEXT_SEED]);
}

void
context_read(FunctionCallInfo fcinfo, const int8 *at, RecommendArgs *args)
{
	memset(args, 0, sizeof(*args));
	args->customer_type = read_any(fcinfo, at[CONTEXT_CUSTOMER], &args->customer);
	args->item_type = read_any(fcinfo, at[CONTEXT_ITEM], &args->item);
	args->cart_type = read_any(fcinfo, at[CONTEXT_CART], &args->cart);
	args->session_type = read_any(fcinfo, at[CONTEXT_SESSION], &args->session);
	args->exclude_type = read_any(fcinfo, at[CONTEXT_EXCLUDE], &args->exclude);
	args->among_type = read_any(fcinfo, at[CONTEXT_AMONG], &args->among);
	read_place_in_list(fcinfo, at, args);
	read_circumstances(fcinfo, at, args);
}

static void
read_literal_array(Oid *type, Datum *value, Oid array)
{
	Oid			input;
	Oid			parameter;

	if (*type != UNKNOWNOID)
		return;
	getTypeInputInfo(array, &input, &parameter);
	*value = OidInputFunctionCall(input, DatumGetCString(*value), parameter, -1);
	*type = array;
}

RecommendArgs
context_for(const RecommendArgs *args, const WidgetDef *widget)
{
	RecommendArgs typed = *args;
	Oid			array = get_array_type(key_type_oid(widget->catalog->item_type));

	read_literal_array(&typed.cart_type, &typed.cart, array);
	read_literal_array(&typed.session_type, &typed.session, array);
	read_literal_array(&typed.exclude_type, &typed.exclude, array);
	read_literal_array(&typed.among_type, &typed.among, array);
	return typed;
}

const char *
context_source_name(const Request *request, int32 source)
{
	return source < 0 ? NULL : request->widget->source[source].name;
}
