/*
 * widget_show.c
 *		A definition as the arguments of create_widget that make it again: for people, and for alter_widget.
 */
#include "base/compat.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "serve/source_kind.h"
#include "serve/widget_setup.h"

/* What stands before tells whether it is the first of its object. */
static void
append_key(StringInfo out, const char *key)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	escape_json(out, key);
	appendStringInfoString(out, ": ");
}

/* Without repeats, as they were stored. */
static void
append_slots(StringInfo out, const WidgetSource *source)
{
	append_key(out, "slots");
	for (int i = 0; i < source->num_slots; i++)
		appendStringInfo(out, "%s%d", i > 0 ? ", " : "[", source->slots[i]);
	appendStringInfoChar(out, ']');
}

/* The customer's history by its event, where it has one. */
static void
append_from(StringInfo out, const WidgetDef *widget, const WidgetSource *source)
{
	const char *separator = "[";

	append_key(out, "from");
	for (int bit = SEED_ITEM; bit <= SEED_CUSTOMER; bit <<= 1)
	{
		const char *name = widget_seed_name(bit);

		if (!(source->seeds & bit))
			continue;
		if (bit == SEED_CUSTOMER && source->seed_history < widget->num_histories &&
			widget->history[source->seed_history].event != NULL)
			name = widget->history[source->seed_history].event;
		appendStringInfoString(out, separator);
		escape_json(out, name);
		separator = ", ";
	}
	appendStringInfoChar(out, ']');
}

/* What is the kind's, without the braces. */
static void
append_options(StringInfo out, const WidgetSource *source)
{
	char	   *options = JsonbToCString(NULL, &source->options->root, VARSIZE(source->options));

	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	appendBinaryStringInfo(out, options + 1, strlen(options) - 2);
}

/* A label stands beside what it is for. */
static bool
has_label(const WidgetSource *source)
{
	return source->named && !widget_name_says(source->name);
}

/* Some kinds have a relation that is no model of theirs. */
static const char *
labeled(const WidgetSource *source)
{
	bool		is_model = OidIsValid(source->relation) && source_kind_of_model(source->relation) == source->kind;

	/* of another version, which knows what the name is */
	if (source->kind == NULL)
		return source->name;
	return is_model ? registry_name(source->relation) : source->kind->name;
}

/* Weights in the shortest form that reads back the same, whatever extra_float_digits says. */
static void
append_object(StringInfo out, const WidgetDef *widget, const WidgetSource *source, bool with_name)
{
	appendStringInfoChar(out, '{');
	if (with_name)
	{
		append_key(out, "source");
		escape_json(out, source->name);
	}
	if (has_label(source))
	{
		append_key(out, "model");
		escape_json(out, labeled(source));
	}
	append_key(out, "weight");
	appendStringInfoString(out, double_to_shortest_decimal(source->weight));
	if (source->num_slots > 0)
		append_slots(out, source);
	if (source->seeds != 0)
		append_from(out, widget, source);
	if (source->options != NULL)
		append_options(out, source);
	appendStringInfoChar(out, '}');
}

/* A bare weight says all of it. */
static bool
is_plain(const WidgetSource *source)
{
	return !has_label(source) && source->num_slots == 0 && source->seeds == 0 && source->options == NULL;
}

/* Two sources of one name need the form of an array. */
static bool
names_differ(const WidgetDef *widget)
{
	for (int i = 0; i < widget->num_sources; i++)
		for (int j = 0; j < i; j++)
			if (widget->source[i].level == 0 && widget->source[j].level == 0 &&
				strcmp(widget->source[i].name, widget->source[j].name) == 0)
				return false;
	return true;
}

/* Of level 0 only: fallbacks have an argument of their own, and stand behind. */
char *
widget_sources_text(const WidgetDef *widget)
{
	StringInfoData out;
	bool		object = names_differ(widget);

	initStringInfo(&out);
	appendStringInfoChar(&out, object ? '{' : '[');
	for (int i = 0; i < widget->num_sources && widget->source[i].level == 0; i++)
	{
		const WidgetSource *source = &widget->source[i];

		if (object)
			append_key(&out, source->name);
		else if (i > 0)
			appendStringInfoString(&out, ", ");
		if (object && is_plain(source))
			appendStringInfoString(&out, double_to_shortest_decimal(source->weight));
		else
			append_object(&out, widget, source, !object);
	}
	appendStringInfoChar(&out, object ? '}' : ']');
	return out.data;
}

/* One without an event stands for all, and is a name then, no object. */
char *
widget_histories_text(const WidgetDef *widget)
{
	StringInfoData out;

	if (widget->num_histories == 0)
		return NULL;
	initStringInfo(&out);
	if (widget->history[0].event == NULL)
	{
		escape_json(&out, registry_name(widget->history[0].history->relation));
		return out.data;
	}
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < widget->num_histories; i++)
	{
		append_key(&out, widget->history[i].event);
		escape_json(&out, registry_name(widget->history[i].history->relation));
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* In the order of their levels, which is that of their places. */
ArrayType *
widget_fallback_array(const WidgetDef *widget)
{
	Datum	   *names = palloc0(sizeof(Datum) * (widget->num_sources + 1));
	int			count = 0;

	for (int i = 0; i < widget->num_sources; i++)
		if (widget->source[i].level > 0)
			names[count++] = CStringGetTextDatum(widget->source[i].name);
	return count == 0 ? NULL : construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}
