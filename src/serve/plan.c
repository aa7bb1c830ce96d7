/*
 * plan.c
 *		Plans of widgets: made at the first call, kept until what they are made from changes.
 */
#include "base/compat.h"

#include "serve/plan.h"

WidgetPlan *
widget_plan(int32 id)
{
	elog(ERROR, "not there yet");
}

WidgetPlan *
widget_plan_make(WidgetDef *widget)
{
	elog(ERROR, "not there yet");
}

void
widget_plan_reads(WidgetPlan *plan, Oid relation)
{
	elog(ERROR, "not there yet");
}
