/*
 * itemvec_convert.c
 *		Sparse vectors from and to arrays, rows and jsonb.
 */
#include "value/itemvec.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "base/guards.h"

/* Checks that the array is a plain list; returns its length. */
static int
list_length_of(ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array of %s must have one dimension, not %d", name, ARR_NDIM(array))));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array of %s must not contain nulls", name)));
	return ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
}

/* Items that appear more than once add up; a null pointer for weights means 1 each. */
static Datum
from_arrays(ArrayType *items, const double *weights)
{
	int			n = list_length_of(items, "items");
	bool		wide = ARR_ELEMTYPE(items) == INT8OID;
	const char *data = ARR_DATA_PTR(items);
	ServerEnv	server;
	ItemvecSums sums;

	server_env_init(&server, CurrentMemoryContext);
	memset(&sums, 0, sizeof(sums));
	/* Without nulls the elements lie side by side, so no array of Datums is made. */
	for (int i = 0; i < n; i++)
	{
		int64		item = wide ? ((const int64 *) data)[i] : ((const int32 *) data)[i];

		itemvec_sums_add(&server.env, &sums, item,
						 weights ? guard_finite("weight", weights[i]) : 1);
	}
	return itemvec_form_sums(&server, &sums);
}

/* Serves bigint[] and integer[]: the array itself says which it is. */
PG_FUNCTION_INFO_V1(personalize_itemvec_from_items);
Datum
personalize_itemvec_from_items(PG_FUNCTION_ARGS)
{
	return from_arrays(PG_GETARG_ARRAYTYPE_P(0), NULL);
}

PG_FUNCTION_INFO_V1(personalize_itemvec_from_arrays);
Datum
personalize_itemvec_from_arrays(PG_FUNCTION_ARGS)
{
	ArrayType  *items = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *weights = PG_GETARG_ARRAYTYPE_P(1);
	int			n_items = list_length_of(items, "items");
	int			n_weights = list_length_of(weights, "weights");

	if (n_items != n_weights)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays of items and weights must have the same length"),
				 errdetail("There are %d items and %d weights.", n_items, n_weights)));
	return from_arrays(items, (const double *) ARR_DATA_PTR(weights));
}

/* Together with weights() the way back from the constructor: both ascend by item. */
PG_FUNCTION_INFO_V1(personalize_itemvec_items);
Datum
personalize_itemvec_items(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	Datum	   *items;
	int			n = 0;

	PG_GETARG_ITEMVEC(0, &a);
	items = palloc(sizeof(Datum) * a.count);
	while (itemvec_next(&a))
		items[n++] = Int64GetDatum(a.item);
	PG_RETURN_ARRAYTYPE_P(construct_array(items, n, INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

PG_FUNCTION_INFO_V1(personalize_itemvec_weights);
Datum
personalize_itemvec_weights(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	Datum	   *weights;
	int			n = 0;

	PG_GETARG_ITEMVEC(0, &a);
	weights = palloc(sizeof(Datum) * a.count);
	while (itemvec_next(&a))
		weights[n++] = Float8GetDatum(a.weight);
	PG_RETURN_ARRAYTYPE_P(construct_array(weights, n, FLOAT8OID, sizeof(float8),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* One row per call, so that LIMIT stops it and nothing is put aside. */
PG_FUNCTION_INFO_V1(personalize_itemvec_unnest);
Datum
personalize_itemvec_unnest(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	ItemvecCursor *a;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->tuple_desc = BlessTupleDesc(call->tuple_desc);
		call->user_fctx = palloc(sizeof(ItemvecCursor));
		/* A copy: the argument may lie in memory that goes before the last row. */
		itemvec_read(PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0))), call->user_fctx);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	a = call->user_fctx;
	if (itemvec_next(a))
	{
		Datum		values[2] = {Int64GetDatum(a->item), Float8GetDatum(a->weight)};
		bool		nulls[2] = {false, false};

		SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
	}
	SRF_RETURN_DONE(call);
}

/* Keys are text in jsonb; they are read by the parser of the text form, to one rule. */
static int64
item_of_key(const JsonbValue *key)
{
	char	   *text = pnstrdup(key->val.string.val, key->val.string.len);
	int64		item;
	bool		overflow;
	const char *end = itemvec_parse_item(text, &item, &overflow);

	if (end == text || *end != '\0' || overflow)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("jsonb key \"%s\" is not an item", text),
				 errdetail("The keys of an itemvec are whole numbers of type bigint.")));
	pfree(text);
	return item;
}

/* A number in quotes is not guessed at: jsonb has numbers, and '1,5' would be next. */
static double
weight_of_value(int64 item, const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weight of item " INT64_FORMAT " is not a number in jsonb", item)));
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
}

PG_FUNCTION_INFO_V1(personalize_itemvec_from_jsonb);
Datum
personalize_itemvec_from_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *json = PG_GETARG_JSONB_P(0);
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	ItemvecInput input;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an itemvec is made from a jsonb object only"),
				 errhint("Write it like {\"42\": 1.5, \"43\": 2}.")));
	itemvec_input_reserve(&input, JB_ROOT_COUNT(json));
	/* Nested values come whole, and are refused as no numbers. */
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		int64		item;

		if (token != WJB_KEY)
			continue;
		CHECK_FOR_INTERRUPTS();
		item = item_of_key(&v);
		JsonbIteratorNext(&it, &v, true);
		itemvec_input_add(&input, item, weight_of_value(item, &v));
	}
	return itemvec_input_form(&input);
}

/* By way of text: the server's own conversion to numeric keeps 15 digits only. */
PG_FUNCTION_INFO_V1(personalize_itemvec_to_jsonb);
Datum
personalize_itemvec_to_jsonb(PG_FUNCTION_ARGS)
{
	ItemvecCursor a;
	StringInfoData text;
	const char *separator = "";
	char		weight[DOUBLE_SHORTEST_DECIMAL_LEN];

	PG_GETARG_ITEMVEC(0, &a);
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	while (itemvec_next(&a))
	{
		double_to_shortest_decimal_buf(a.weight, weight);
		appendStringInfo(&text, "%s\"" INT64_FORMAT "\":%s", separator, a.item, weight);
		separator = ",";
	}
	appendStringInfoChar(&text, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}
