/*
 * rank_metrics.c
 *		Metrics of one list, as SQL functions of two arrays of keys.
 */
#include "base/compat.h"

#include "utils/array.h"
#include "utils/lsyscache.h"

#include "base/guards.h"
#include "base/server_env.h"
#include "kernel/rank_metrics.h"
#include "value/item_key.h"

/* The arguments of every function here: recommended, relevant and, but for the whole list, k. */
enum
{
	ARG_RECOMMENDED, ARG_RELEVANT, ARG_K
};

typedef struct KeyArray
{
	Datum	   *key;
	bool	   *null;
	int			size;
} KeyArray;

/* Any element type: whether it is a key is looked at later, with a message of its own. */
static KeyArray
key_array(ArrayType *array)
{
	KeyArray	keys;
	int16		size;
	bool		byval;
	char		align;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &size, &byval, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), size, byval, align, &keys.key, &keys.null, &keys.size);
	return keys;
}

/* A relevant item is hit where it comes first; repeats and NULLs take their positions, as they do on a page. */
static RankHits
find_hits(const KeyArray *recommended, Keyset *relevant, KeyType type, Oid key_type)
{
	RankHits	hits = {.num_relevant = relevant->size};
	uint32	   *position = palloc(sizeof(uint32) * (relevant->size + 1));
	bool	   *hit = palloc0(relevant->size + 1);

	for (int p = 0; p < recommended->size; p++)
	{
		uint32		code = recommended->null[p] ? KEYSET_NONE : key_find(relevant, type, key_type, recommended->key[p]);

		if (code == KEYSET_NONE || hit[code])
			continue;
		hit[code] = true;
		position[hits.num_hits++] = p + 1;
	}
	hits.position = position;
	return hits;
}

/* Relevant items go into a hash, as they may be many and the list is short. */
static RankHits
hits_of_arguments(FunctionCallInfo fcinfo)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(ARG_RELEVANT);
	KeyArray	relevant = key_array(array);
	KeyArray	recommended = key_array(PG_GETARG_ARRAYTYPE_P(ARG_RECOMMENDED));
	KeyType		type = key_type(ARR_ELEMTYPE(array), "items");
	ServerEnv	server;
	Keyset		set;

	server_env_init(&server, CurrentMemoryContext);
	keyset_init(&server.env, &set, key_is_number(type));
	for (int i = 0; i < relevant.size; i++)
		if (!relevant.null[i])
			(void) key_add(&server.env, &set, type, relevant.key[i]);
	return find_hits(&recommended, &set, type, ARR_ELEMTYPE(array));
}

/* Functions without k look at the whole list. */
static uint32
positions(FunctionCallInfo fcinfo)
{
	return PG_NARGS() > ARG_K ? (uint32) guard_int_range("k", PG_GETARG_INT32(ARG_K), 1, PG_INT32_MAX) : RANK_ALL;
}

/* Nothing relevant: there is nothing that a list could be measured by, and avg() is to pass over it. */
static Datum
measure_list(FunctionCallInfo fcinfo, double (*metric) (const RankHits *hits, uint32 k))
{
	uint32		k = positions(fcinfo);
	RankHits	hits = hits_of_arguments(fcinfo);

	if (hits.num_relevant == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(metric(&hits, k));
}

#define LIST_METRIC(name, metric) \
	PG_FUNCTION_INFO_V1(personalize_##name); \
	Datum personalize_##name(PG_FUNCTION_ARGS) { return measure_list(fcinfo, metric); } \
	extern Datum personalize_##name(PG_FUNCTION_ARGS)

LIST_METRIC(recall_at, rank_recall);
LIST_METRIC(precision_at, rank_precision);
LIST_METRIC(hit_at, rank_hit);
LIST_METRIC(ndcg_at, rank_ndcg);
LIST_METRIC(average_precision, rank_average_precision);
LIST_METRIC(reciprocal_rank, rank_reciprocal);
