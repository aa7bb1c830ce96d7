/*
 * recommend_args.c
 *		Arguments of a call, checked and as the widget's types.
 */
#include "base/compat.h"

#include "serve/recommend.h"

Request *
recommend_begin(WidgetPlan *plan, const RecommendArgs *args)
{
	elog(ERROR, "not there yet");
}
