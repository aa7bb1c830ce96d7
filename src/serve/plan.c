/*
 * plan.c
 *		Plans of widgets: made at the first call, kept until what they are made from changes.
 *
 * A change is told by an invalidation of a relation, which may arrive in the middle of a call.  So it only marks plans; what is marked is
 * thrown away by the next call that looks for a plan, once nobody uses it.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "serve/item_codes.h"
#include "serve/plan.h"
#include "serve/products.h"
#include "serve/rules.h"
#include "serve/source_kind.h"

/* Of one backend; a page has a dozen widgets, and a plan takes a few tens of kB. */
#define MAX_KEPT	64

#define KEPT_MEMORY (2 * 1024 * 1024)

typedef struct KeptPlan
{
	WidgetPlan	pub;			/* first, so that a WidgetPlan * is a KeptPlan * */
	List	   *reads;			/* of Oid */
	bool	   *is_open;		/* by source */
	void	  **opened;
	int			opening;		/* sources; above 0 when nobody uses the plan: one has failed, and left what it had made */
	struct KeptPlan *next;			/* of those that are kept: used less recently */
} KeptPlan;

static KeptPlan *kept = NULL;

/* Of all relations that this backend was told of: a plan during the making of which it grew may be out of date already. */
static uint64 num_invalidations = 0;

/* --- invalidation -------------------------------------------------------- */

/* May be called anywhere, in a transaction that fails too: so nothing is freed here. */
static void
on_invalidation(Datum arg, Oid relation)
{
	num_invalidations++;
	item_codes_invalidate(relation);
	for (KeptPlan *plan = kept; plan != NULL; plan = plan->next)
		if (!OidIsValid(relation) || list_member_oid(plan->reads, relation))
			plan->pub.stale = true;
}

/*
 * glibc keeps what is freed only up to a limit, which follows the largest block ever freed.  At its default the arrays of a call go back to the kernel at
 * its end, and come again page by page with the next: for a visitor a tenth of the time.  Elsewhere this does nothing.
 */
static void
keep_freed_memory(void)
{
	pfree(palloc(KEPT_MEMORY));
}

/* Once for the backend: a callback cannot be taken back. */
static void
prepare_backend(void)
{
	static bool prepared = false;

	if (prepared)
		return;
	CacheRegisterRelcacheCallback(on_invalidation, (Datum) 0);
	keep_freed_memory();
	prepared = true;
}

void
widget_plan_reads(WidgetPlan *plan, Oid relation)
{
	KeptPlan	   *own = (KeptPlan *) plan;
	MemoryContext caller = MemoryContextSwitchTo(plan->context);

	if (OidIsValid(relation))
		own->reads = list_append_unique_oid(own->reads, relation);
	MemoryContextSwitchTo(caller);
}

static void
read_history(WidgetPlan *plan, const HistoryDef *history)
{
	widget_plan_reads(plan, history->relation);
	widget_plan_reads(plan, history->log);
	widget_plan_reads(plan, history->interactions);
}

/* --- making one ---------------------------------------------------------- */

/* Sources say themselves what they read beside their relation. */
static void
name_relations(WidgetPlan *plan)
{
	const WidgetDef *def = plan->def;

	widget_plan_reads(plan, widget_registry_relation());
	widget_plan_reads(plan, def->catalog->relation);
	widget_plan_reads(plan, def->catalog->products);
	for (int s = 0; s < def->num_sources; s++)
		widget_plan_reads(plan, def->source[s].relation);
	for (int h = 0; h < def->num_histories; h++)
		read_history(plan, def->history[h].history);
}

WidgetPlan *
widget_plan_make(WidgetDef *widget)
{
	KeptPlan	   *plan = palloc0(sizeof(KeptPlan));

	plan->pub.context = CurrentMemoryContext;
	plan->pub.def = widget;
	plan->is_open = palloc0((widget->num_sources + 1) * sizeof(bool));
	plan->opened = palloc0((widget->num_sources + 1) * sizeof(void *));
	name_relations(&plan->pub);
	plan->pub.rules = rules_parse(widget);
	plan->pub.products = products_open(&plan->pub);
	return &plan->pub;
}

/* Only when it is asked for: most calls need no fallback. */
void *
widget_plan_opened(WidgetPlan *plan, const WidgetSource *source)
{
	KeptPlan	   *own = (KeptPlan *) plan;

	if (!own->is_open[source->place] && source->kind->open != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(plan->context);

		own->opening++;
		own->opened[source->place] = source->kind->open(plan, source);
		own->opening--;
		MemoryContextSwitchTo(caller);
	}
	own->is_open[source->place] = true;
	return own->opened[source->place];
}

static WidgetDef *
require_widget(int32 id)
{
	WidgetDef  *widget = widget_by_id(id);

	if (widget == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no widget with id %d", id),
				 errhint("Call the widget's own function; personalize.widgets lists them.")));
	return widget;
}

/* In memory of the call until all has gone well, then the backend's. */
static KeptPlan *
make_plan(int32 id)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize widget", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	uint64		before = num_invalidations;
	KeptPlan	   *plan;

	plan = (KeptPlan *) widget_plan_make(require_widget(id));
	plan->pub.stale = num_invalidations != before;
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	plan->next = kept;
	kept = plan;
	return plan;
}

/* --- keeping them -------------------------------------------------------- */

static void
drop_stale(void)
{
	int			num_kept = 0;

	for (KeptPlan **at = &kept; *at != NULL;)
	{
		KeptPlan	   *plan = *at;

		if (plan->pub.pins == 0 && (plan->pub.stale || plan->opening > 0 || num_kept >= MAX_KEPT))
		{
			*at = plan->next;
			MemoryContextDelete(plan->pub.context);
			continue;
		}
		num_kept++;
		at = &plan->next;
	}
}

/* Moves to the front, so that the one used least recently stands last. */
static KeptPlan *
find_plan(int32 id)
{
	for (KeptPlan **at = &kept; *at != NULL; at = &(*at)->next)
	{
		KeptPlan	   *plan = *at;

		if (plan->pub.def->id != id || plan->pub.stale)
			continue;
		*at = plan->next;
		plan->next = kept;
		kept = plan;
		return plan;
	}
	return NULL;
}

/* The memory of a call goes with it, however it ends. */
static void
unpin(void *plan)
{
	((WidgetPlan *) plan)->pins--;
}

static void
pin(WidgetPlan *plan)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = unpin;
	callback->arg = plan;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	plan->pins++;
}

WidgetPlan *
widget_plan(int32 id)
{
	KeptPlan	   *plan;

	/* a filter may call the widget that it is the filter of */
	check_stack_depth();
	prepare_backend();
	drop_stale();
	plan = find_plan(id);
	if (plan == NULL)
		plan = make_plan(id);
	pin(&plan->pub);
	return &plan->pub;
}
