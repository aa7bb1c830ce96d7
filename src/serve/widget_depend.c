/*
 * widget_depend.c
 *		Dependencies of the functions of widgets.
 *
 * They make DROP TABLE of a model or history refuse while a widget reads it.  The server loses them in a dump, and whenever somebody
 * replaces the function; the next refresh makes them again.
 */
#include "base/compat.h"

#include "access/xact.h"

#include "model/setup.h"
#include "serve/widget_setup.h"

static List *
relations_of(const WidgetDef *widget)
{
	List	   *relations = list_make1_oid(widget->catalog->relation);

	if (OidIsValid(widget->catalog->products))
		relations = lappend_oid(relations, widget->catalog->products);
	for (int i = 0; i < widget->num_histories; i++)
		relations = list_append_unique_oid(relations, widget->history[i].history->relation);
	for (int i = 0; i < widget->num_sources; i++)
	{
		if (OidIsValid(widget->source[i].relation))
			relations = list_append_unique_oid(relations, widget->source[i].relation);
		if (OidIsValid(widget->source[i].blend))
			relations = list_append_unique_oid(relations, widget->source[i].blend);
	}
	return relations;
}

void
widget_depend(const WidgetDef *widget)
{
	Oid			function = widget_function(widget);

	if (OidIsValid(function))
		setup_depend_function(function, relations_of(widget));
}

static void
depend_again(int32 id)
{
	char	   *problem;
	WidgetDef  *widget = widget_load(id, &problem);

	if (widget != NULL && problem == NULL)
		widget_depend(widget);
}

void
widget_depend_all(int32 catalog_id)
{
	ListCell   *cell;

	foreach(cell, widget_rows_all())
	{
		const WidgetDef *widget = lfirst(cell);
		Oid			function = widget_function(widget);

		if (widget->catalog != NULL && widget->catalog->id == catalog_id && OidIsValid(function) && !setup_function_depends(function))
			depend_again(widget->id);
	}
}
