/*
 * plan.h
 *		What a backend keeps of a widget between calls: definition, opened sources, prepared statements.
 *
 * Made at the first call, thrown away when the widget, or a relation that it reads, is changed by anybody.
 */
#ifndef PERSONALIZE_PLAN_H
#define PERSONALIZE_PLAN_H

#include "postgres.h"

#include "serve/widget.h"

struct WidgetRules;
struct Products;

typedef struct WidgetPlan
{
	MemoryContext context;		/* of all that the plan holds */
	WidgetDef  *def;
	struct WidgetRules *rules;	/* rules.h */
	struct Products *products;	/* products.h: the product table and its statements */
	int			pins;			/* calls that are using it; it outlives an invalidation until they end */
	bool		stale;
} WidgetPlan;

/* Fails where there is no widget of that id.  Released at the end of the call, also by an error. */
extern WidgetPlan *widget_plan(int32 id);
/* For a definition that is not stored (yet): checks, evaluation.  Lives in the current memory context. */
extern WidgetPlan *widget_plan_make(WidgetDef *widget);
/* What `open` of a source's kind has returned, which is called when it is first asked for. */
extern void *widget_plan_opened(WidgetPlan *plan, const WidgetSource *source);
/* Any relation of ours or the shop's that sources read: the plan is stale when it changes. */
extern void widget_plan_reads(WidgetPlan *plan, Oid relation);

#endif							/* PERSONALIZE_PLAN_H */
