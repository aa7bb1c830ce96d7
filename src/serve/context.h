/*
 * context.h
 *		Arguments of functions that ask widgets by name, without having their types: page(), explain_recommendation().
 */
#ifndef PERSONALIZE_CONTEXT_H
#define PERSONALIZE_CONTEXT_H

#include "postgres.h"

#include "fmgr.h"

#include "serve/recommend.h"

/* What a call of a widget may say, in the order in which all functions take it. */
enum
{
	CONTEXT_CUSTOMER, CONTEXT_ITEM, CONTEXT_CART, CONTEXT_CATEGORY, CONTEXT_SESSION, CONTEXT_K, CONTEXT_OFFSET, CONTEXT_PAGE,
	CONTEXT_EXCLUDE, CONTEXT_AMONG, CONTEXT_AS_OF, CONTEXT_SEED, CONTEXT_QUERY, CONTEXT_SEGMENT, CONTEXT_NUM
};

/* at: the argument's place in the SQL function, by CONTEXT_*; -1: the function does not take it. */
extern void context_read(FunctionCallInfo fcinfo, const int8 *at, RecommendArgs *args);
/*
 * Plain literals ('{1,2}') for "any" come without a type: arrays are read as arrays of the keys that this widget has.
 * Single keys are read so wherever keys are.
 */
extern RecommendArgs context_for(const RecommendArgs *args, const WidgetDef *widget);
/* What results call the source of a pick. */
extern const char *context_source_name(const Request *request, int32 source);

#endif							/* PERSONALIZE_CONTEXT_H */
