/*
 * lookalike_read.c
 *		Scores of customers by a lookalike_model, and its features.
 */
#include "value/lookalike.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* What a call site keeps: the model it was called with last, with weights. */
typedef struct CallSite
{
	MemoryContext context;
	struct varlena *value;		/* as it came; of one in TOAST only the pointer, which within a statement is as good */
	Size		size;
	ServerEnv	server;
	Lookalike	model;
} CallSite;

static CallSite *
site_new(FunctionCallInfo fcinfo)
{
	CallSite   *site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));

	site->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "lookalike_model", ALLOCSET_DEFAULT_SIZES);
	return fcinfo->flinfo->fn_extra = site;
}

/* Reading a model takes longer than rating a customer, so it is read once. */
static Lookalike *
model_argument(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;
	struct varlena *value = (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(0));
	Size		size = VARSIZE_ANY(value);
	MemoryContext old;

	if (site != NULL && site->size == size && memcmp(site->value, value, size) == 0)
		return &site->model;
	if (site == NULL)
		site = site_new(fcinfo);
	site->size = 0;
	MemoryContextReset(site->context);
	server_env_init(&site->server, site->context);
	lookalike_init(&site->server.env, &site->model);
	old = MemoryContextSwitchTo(site->context);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &site->model);
	lookalike_weigh(&site->model);
	site->value = palloc(size);
	memcpy(site->value, value, size);
	MemoryContextSwitchTo(old);
	/* an expanded value is changed in place, so its address says nothing */
	site->size = VARATT_IS_EXTERNAL_EXPANDED(value) ? 0 : size;
	return &site->model;
}

PG_FUNCTION_INFO_V1(personalize_lookalike_score);
Datum
personalize_lookalike_score(PG_FUNCTION_ARGS)
{
	Lookalike  *model = model_argument(fcinfo);
	int64		score = 0;
	Datum	   *features;
	bool	   *nulls;
	int			n;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &features, &nulls, &n);
	lookalike_rate_begin(model);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
		{
			text	   *feature = DatumGetTextPP(features[i]);

			score += lookalike_rate(model, VARDATA_ANY(feature), VARSIZE_ANY_EXHDR(feature));
		}
	PG_RETURN_FLOAT8((double) score / LOOKALIKE_UNIT);
}

/* A row a feature, so that one can see what makes the score. */
PG_FUNCTION_INFO_V1(personalize_lookalike_features);
Datum
personalize_lookalike_features(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ServerEnv	server;
	Lookalike	l;

	compat_materialize(fcinfo);
	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &l);
	lookalike_weigh(&l);
	for (uint32 code = 0; code < l.features.size; code++)
	{
		size_t		size;
		const char *feature = keyset_bytes(&l.features, code, &size);
		bool		nulls[4] = {false, false, false, false};
		Datum		row[4];

		CHECK_FOR_INTERRUPTS();
		row[0] = PointerGetDatum(cstring_to_text_with_len(feature, size));
		row[1] = Int64GetDatum(l.with[code]);
		row[2] = Int64GetDatum(l.seeds_with[code]);
		row[3] = Float8GetDatum((double) l.weight[code] / LOOKALIKE_UNIT);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(personalize_lookalike_customers);
Datum
personalize_lookalike_customers(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Lookalike	l;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &l);
	PG_RETURN_INT64(l.customers);
}

PG_FUNCTION_INFO_V1(personalize_lookalike_seeds);
Datum
personalize_lookalike_seeds(PG_FUNCTION_ARGS)
{
	ServerEnv	server;
	Lookalike	l;

	server_env_init(&server, CurrentMemoryContext);
	lookalike_init(&server.env, &l);
	lookalike_read(PG_GETARG_BYTEA_PP(0), &l);
	PG_RETURN_INT64(l.seeds);
}
