/*
 * recommend.h
 *		A call of a widget from C: for personalize.recommend(), page(), explain_recommendation() and evaluation.
 */
#ifndef PERSONALIZE_RECOMMEND_H
#define PERSONALIZE_RECOMMEND_H

#include "postgres.h"

#include "utils/array.h"

#include "serve/list.h"
#include "serve/request.h"

/* Arguments, as SQL gave them; zeroed is nothing given.  Arrays and keys of any type that can mean the widget's keys. */
typedef struct RecommendArgs
{
	Oid			customer_type;	/* InvalidOid: not given, or NULL; so for the others */
	Datum		customer;
	Oid			item_type;
	Datum		item;
	Oid			cart_type;		/* an array type */
	Datum		cart;
	Oid			session_type;
	Datum		session;
	Oid			exclude_type;
	Datum		exclude;
	Oid			among_type;
	Datum		among;
	text	   *category;
	text	   *query;
	ArrayType  *segment;		/* text[] */
	bool		has_k;
	int32		k;
	bool		has_offset;
	int32		offset;
	bool		has_page;
	int32		page;			/* from 1 */
	bool		has_as_of;
	TimestampTz as_of;
	bool		has_seed;
	int64		seed;
} RecommendArgs;

/* In the current memory context.  Checks the arguments and the caller's rights. */
extern Request *recommend_begin(WidgetPlan *plan, const RecommendArgs *args);
/* "because of 42", "popular in GB", …: short, for people. */
extern char *recommend_reason(const Request *request, const Pick *pick);

#endif							/* PERSONALIZE_RECOMMEND_H */
