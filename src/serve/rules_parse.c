/*
 * rules_parse.c
 *		The rules of a widget, read from its definition.
 */
#include "base/compat.h"

#include "serve/rules_parse.h"

WidgetRules *
rules_parse(const WidgetDef *widget)
{
	WidgetRules *rules = palloc0(sizeof(WidgetRules));

	rules->widget = widget;
	return rules;
}
