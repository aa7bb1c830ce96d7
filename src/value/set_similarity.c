/*
 * set_similarity.c
 *		Similarity of two arrays as sets, by the formulas of the measures.
 */
#include "base/compat.h"

#include "utils/array.h"

#include "base/ordered_type.h"
#include "value/measure.h"

/* What one sort needs; types and collations differ from call to call. */
typedef struct ElementOrder
{
	TypeCacheEntry *type;
	Oid			collation;
} ElementOrder;

/* Sorted, without duplicates and NULLs. */
typedef struct ElementSet
{
	Datum	   *items;
	int			size;
} ElementSet;

static int
compare_elements(const void *x, const void *y, void *arg)
{
	const ElementOrder *order = arg;

	/* the one place that every long sort passes */
	CHECK_FOR_INTERRUPTS();
	return ordered_type_compare(order->type, order->collation,
								*(const Datum *) x, *(const Datum *) y);
}

/* In place, in the array that deconstruct_array allocates anyway. */
static ElementSet
set_from_array(ArrayType *array, ElementOrder *order)
{
	ElementSet	set = {NULL, 0};
	bool	   *nulls;
	int			count;
	int			filled = 0;

	deconstruct_array(array, order->type->type_id, order->type->typlen,
					  order->type->typbyval, order->type->typalign,
					  &set.items, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			set.items[filled++] = set.items[i];
	if (filled > 1)
		qsort_arg(set.items, filled, sizeof(Datum), compare_elements, order);
	for (int i = 0; i < filled; i++)
		if (i == 0 || compare_elements(&set.items[set.size - 1], &set.items[i], order) != 0)
			set.items[set.size++] = set.items[i];
	return set;
}

/* One pass over both: sorting is the cost, so a hash table would gain little. */
static int
count_common(const ElementSet *a, const ElementSet *b, ElementOrder *order)
{
	int			common = 0;

	for (int i = 0, j = 0; i < a->size && j < b->size;)
	{
		int			cmp = compare_elements(&a->items[i], &b->items[j], order);

		common += cmp == 0;
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return common;
}

/* The sets' sizes take the places of the counts, their union that of all baskets. */
static Datum
set_similarity(FunctionCallInfo fcinfo, const char *name)
{
	ArrayType  *a = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *b = PG_GETARG_ARRAYTYPE_P(1);
	ElementOrder order = {ordered_type(ARR_ELEMTYPE(a)), PG_GET_COLLATION()};
	ElementSet	set_a = set_from_array(a, &order);
	ElementSet	set_b = set_from_array(b, &order);
	double		common = count_common(&set_a, &set_b, &order);
	Measure		measure = {measure_find(name)};

	measure.params = measure.info->defaults;
	PG_RETURN_FLOAT8(measure_score(&measure, common, set_a.size, set_b.size,
								   set_a.size + set_b.size - common));
}

#define SET_FUNCTION(name) \
	PG_FUNCTION_INFO_V1(personalize_set_##name); \
	Datum personalize_set_##name(PG_FUNCTION_ARGS) { return set_similarity(fcinfo, #name); } \
	extern Datum personalize_set_##name(PG_FUNCTION_ARGS)

SET_FUNCTION(jaccard);
SET_FUNCTION(cosine);
SET_FUNCTION(dice);
SET_FUNCTION(overlap);
