/*
 * list_similarity.c
 *		Similarity from the widget's first co-occurrence source; without one, items of the same category are alike.
 *
 * A score is taken relative to the best of its row, as scores of different measures have no common scale.  Whoever may not read the
 * model may not see what is similar by it either.
 */
#include "base/compat.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "model/model_rows.h"
#include "serve/list_similarity.h"
#include "serve/products.h"
#include "serve/source_kind.h"

/* A block's items, by key, and what is known of them. */
typedef struct SimilarityBlock
{
	Request    *request;
	uint32		n;
	const uint32 *item;
	float	   *similarity;
} SimilarityBlock;

static void
set_similarity(SimilarityBlock *block, uint32 a, uint32 b, float value)
{
	float	   *one = &block->similarity[a * block->n + b];
	float	   *other = &block->similarity[b * block->n + a];

	*one = *other = Max(Max(*one, *other), value);
}

static Oid
first_cooccurrence(const WidgetDef *widget)
{
	for (int s = 0; s < widget->num_sources; s++)
		if (strcmp(widget->source[s].kind->name, "cooccurrence") == 0)
			return widget->source[s].relation;
	return InvalidOid;
}

/* By a small set of the block's own keys: what is not in it costs a look. */
static void
read_row(SimilarityBlock *block, const Keyset *keys, uint32 a, HeapTuple tuple, TupleDesc columns)
{
	KeyType		type = block->request->widget->catalog->item_type;
	Oid			oid = key_type_oid(type);
	bool		isnull;
	ArrayType  *neighbors = DatumGetArrayTypeP(heap_getattr(tuple, FACE_NEIGHBORS, columns, &isnull));
	ArrayType  *scores = DatumGetArrayTypeP(heap_getattr(tuple, FACE_SCORES, columns, &isnull));
	int			num_scores = ArrayGetNItems(ARR_NDIM(scores), ARR_DIMS(scores));
	const double *score = (const double *) ARR_DATA_PTR(scores);
	int16		length;
	bool		by_value;
	char		align;
	Datum	   *key;
	int			n;

	get_typlenbyvalalign(oid, &length, &by_value, &align);
	deconstruct_array(neighbors, oid, length, by_value, align, &key, NULL, &n);
	for (int i = 0; i < Min(n, num_scores) && score[0] > 0; i++)
	{
		uint32		b = key_find(keys, type, oid, key[i]);

		if (b != KEYSET_NONE && b != a)
			set_similarity(block, a, b, Min(Max(score[i] / score[0], 0), 1));
	}
}

static void
compare_by_face(SimilarityBlock *block, Oid face)
{
	Env		   *env = &block->request->server.env;
	KeyType		type = block->request->widget->catalog->item_type;
	Relation	relation = table_open(face, AccessShareLock);
	KeyScan    *scan = key_scan_open(relation, 1, block->request->snapshot);
	Keyset		keys;

	keyset_init(env, &keys, key_is_number(type));
	for (uint32 i = 0; i < block->n; i++)
		key_add(env, &keys, type, request_key(block->request, block->item[i]));
	for (uint32 i = 0; i < block->n; i++)
	{
		Datum		key = request_key(block->request, block->item[i]);
		HeapTuple	tuple;

		key_scan_start(scan, &key);
		tuple = key_scan_next(scan);
		if (tuple != NULL)
			read_row(block, &keys, i, tuple, RelationGetDescr(relation));
	}
	keyset_release(env, &keys);
	key_scan_close(scan);
	table_close(relation, NoLock);
}

static void
compare_by_category(SimilarityBlock *block)
{
	for (uint32 a = 0; a < block->n; a++)
	{
		const char *category = product_of(block->request, block->item[a])->category;

		for (uint32 b = 0; category != NULL && b < a; b++)
		{
			const char *other = product_of(block->request, block->item[b])->category;

			if (other != NULL && strcmp(category, other) == 0)
				set_similarity(block, a, b, 1);
		}
	}
}

float *
list_similarities(Request *request, const uint32 *items, uint32 n)
{
	SimilarityBlock		block = {request, n, items};
	Oid			face = first_cooccurrence(request->widget);

	block.similarity = palloc0((Size) n * n * sizeof(float) + 1);
	if (OidIsValid(face))
	{
		request_require_select(face);
		compare_by_face(&block, face);
	}
	else
		compare_by_category(&block);
	return block.similarity;
}
