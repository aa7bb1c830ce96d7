/*
 * rules_parse.h
 *		The rules of a widget, read from its definition.
 */
#ifndef PERSONALIZE_RULES_PARSE_H
#define PERSONALIZE_RULES_PARSE_H

#include "postgres.h"

#include "serve/rules.h"

struct WidgetRules
{
	const WidgetDef *widget;
};

#endif							/* PERSONALIZE_RULES_PARSE_H */
