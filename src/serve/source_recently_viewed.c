/*
 * source_recently_viewed.c
 *		What the visitor of this session and the customer looked at last.
 */
#include "base/compat.h"

#include "serve/source_statement.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 10000

static const char event_option[] = "event";

/* -1: the session alone, as nobody's history says what he viewed. */
static int
history_of(const WidgetDef *widget, const WidgetSource *source)
{
	return widget_history_of(widget, source_option_text(source, event_option, "viewed"));
}

/* The event is asked for only where it is named: without a history there is still the session. */
static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {event_option, "limit", NULL};

	source_options_only(source, names);
	(void) source_option_count(source, "limit", DEFAULT_LIMIT, MAX_LIMIT);
	if (source_option_value(source, event_option) != NULL)
		(void) widget_require_history(widget, source_option_text(source, event_option, NULL), psprintf("source \"%s\"", source->name));
}

/* The session is now, whatever the customer did before. */
static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	const Profile *profile = request_profile(request, history_of(request->widget, source));
	uint32		limit = source_option_count(source, "limit", DEFAULT_LIMIT, MAX_LIMIT);
	SourceOnce	once = {request};

	for (uint32 i = request->session.size; i > 0 && once.position < limit; i--)
		source_offer_next(&once, request->session.item[i - 1]);
	for (uint32 e = 0; e < profile->size && once.position < limit; e++)
		source_offer_next(&once, profile->entry[e].item);
}

const SourceKind source_recently_viewed = {"recently_viewed", check, NULL, collect};
