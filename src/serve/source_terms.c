/*
 * source_terms.c
 *		Items that were found, or bought, by the words of a search: a history of which the baskets are search terms.
 *
 * A term that nobody has searched for gives way to the longest parts of it that somebody has ("stupid backoff", Brants et al.,
 * EMNLP 2007): an item scores 0.4^(words left out) times its share of what those parts led to.
 */
#include "base/compat.h"

#include <math.h>

#include "access/table.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "model/model_rows.h"
#include "model/table_layout.h"
#include "serve/item_codes.h"
#include "serve/source_statement.h"
#include "value/term.h"

#define BACK_OFF 0.4

/* Of a longer search the first ones; parts grow with the square. */
#define MAX_WORDS 8

typedef struct Terms
{
	Request    *request;
	KeyScan    *scan;
	Relation	relation;
	SourceOnce	once;			/* items that a longer part has led to */
	char	   *word[MAX_WORDS];	/* each ends where the next one begins, less a space */
	char	   *end;
	int			num_words;
} Terms;

/* --- the definition --- */

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"history", NULL};
	HistoryDef *history;

	source_options_only(source, names);
	source->relation = source_option_relation(source, "history");
	if (!OidIsValid(source->relation))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source \"%s\" needs \"history\"", source->name),
				 errhint("Name a history of which the baskets are search terms, as personalize.normalize_term() writes them.")));
	history = registry_require_history(source->relation);
	request_require_select(history->relation);
	if (history->basket_type != KEY_TEXT || history->catalog_id != widget->catalog->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("history %s cannot be that of source \"%s\"", registry_name(history->relation), source->name),
				 history->basket_type != KEY_TEXT ?
				 errdetail("Its baskets are of type %s; search terms are text.", key_type_name(history->basket_type)) :
				 errdetail("It is of another catalog than the widget."),
				 errhint("Make it with create_history(..., basket => the column of terms, catalog => %s).",
						 quote_literal_cstr(registry_name(widget->catalog->relation)))));
}

/* --- words --- */

static void
split(Terms *terms, char *text)
{
	char	   *at = text;

	while (*at != '\0' && terms->num_words < MAX_WORDS)
	{
		terms->word[terms->num_words++] = at;
		at += strcspn(at, " ");
		terms->end = at;
		at += strspn(at, " ");
	}
}

/* Words from `first` on, `n` of them. */
static text *
part(const Terms *terms, int first, int n)
{
	char	   *start = terms->word[first];
	char	   *end = first + n < terms->num_words ? terms->word[first + n] - 1 : terms->end;

	return cstring_to_text_with_len(start, end - start);
}

/* --- rows --- */

static bool
read_row(Terms *terms, text *term, Basket *basket)
{
	Datum		key = PointerGetDatum(term);
	HistoryRow	row = {{0}};
	HeapTuple	tuple;

	key_scan_start(terms->scan, &key);
	tuple = key_scan_next(terms->scan);
	if (tuple == NULL)
		return false;
	history_row_read(&terms->request->server.env, terms->relation, tuple, &row);
	*basket = row.basket;
	return basket->size > 0;
}

static double
total_weight(const Basket *basket)
{
	double		total = 0;

	for (uint32 e = 0; e < basket->size; e++)
		total += basket->entry[e].weight;
	return total;
}

static uint32 *
places_of(Request *request, const Basket *basket)
{
	uint32	   *codes = palloc(basket->size * sizeof(uint32));
	uint32	   *places = palloc(basket->size * sizeof(uint32));

	for (uint32 e = 0; e < basket->size; e++)
		codes[e] = basket->entry[e].code;
	item_codes_places(request, codes, basket->size, places);
	return places;
}

static bool
was_met(const Terms *terms, uint32 item)
{
	return item < terms->once.room && terms->once.met[item];
}

/* What a longer part has led to is not offered again: it would count for more than those that the longer part led to alone. */
static void
offer_row(Terms *terms, const Basket *basket, const uint32 *places, double factor)
{
	double		total = total_weight(basket);

	for (uint32 e = 0; e < basket->size; e++)
		if (places[e] != ITEM_NONE && !was_met(terms, places[e]))
			request_offer(terms->request, places[e], factor * basket->entry[e].weight / total, ITEM_NONE);
}

/* All parts of so many words, before any of their items counts as met. */
static void
offer_length(Terms *terms, int n)
{
	int			num_parts = terms->num_words - n + 1;
	double		factor = pow(BACK_OFF, terms->num_words - n) / num_parts;
	Basket		basket[MAX_WORDS] = {{0}};
	uint32	   *places[MAX_WORDS] = {NULL};

	for (int p = 0; p < num_parts; p++)
		if (read_row(terms, part(terms, p, n), &basket[p]))
		{
			places[p] = places_of(terms->request, &basket[p]);
			offer_row(terms, &basket[p], places[p], factor);
		}
	for (int p = 0; p < num_parts; p++)
		for (uint32 e = 0; places[p] != NULL && e < basket[p].size; e++)
			if (places[p][e] != ITEM_NONE)
				(void) source_once(&terms->once, places[p][e]);
}

/* --- collecting --- */

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	Terms		terms = {.request = request, .once = {request}};
	HistoryDef *history;

	if (request->query == NULL)
		return;
	split(&terms, term_normalize(request->query, strlen(request->query)));
	history = registry_require_history(source->relation);
	request_require_select(source->relation);
	layout_require_history(history);
	terms.relation = table_open(source->relation, AccessShareLock);
	terms.scan = key_scan_open(terms.relation, 1, request->snapshot);
	for (int n = terms.num_words; n > 0; n--)
		offer_length(&terms, n);
	key_scan_close(terms.scan);
	table_close(terms.relation, AccessShareLock);
}

const SourceKind source_terms = {"terms", check, NULL, collect};
