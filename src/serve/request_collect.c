/*
 * request_collect.c
 *		What the sources of a level offer, mixed.
 */
#include "base/compat.h"

#include <math.h>

#include "kernel/mix.h"
#include "serve/plan.h"
#include "serve/request.h"
#include "serve/source_kind.h"
#include "serve/trace.h"

/* Of sources without an end; also what a popularity model keeps by default. */
#define ROOM		1000
/* Where just these items are to be ranked, any of them may be far behind. */
#define ROOM_AMONG	100000

/* A score beyond it, as of a measure that divides by 0, counts as it: sums stay finite. */
#define MAX_SCORE	1e280

/* What one offer added, for those who ask why. */
typedef struct TracedOffer
{
	uint32		item;
	uint32		because;
	double		score;
} TracedOffer;

typedef struct SourceOffers
{
	bool		collected;
	MixList		list;
	TracedOffer *traced;
	uint32		num_traced;
	uint32		traced_room;
} SourceOffers;

typedef struct LevelCandidates
{
	bool		is_mixed;
	MixList		mixed;
	int		   *sources;		/* their places, by list of the mix */
	Candidate  *candidate;		/* of what is sorted so far */
	uint32		num_ready;
} LevelCandidates;

struct RequestOffers
{
	MixIndex	index;
	SourceOffers *source;
	LevelCandidates *level;
};

/* --- offers -------------------------------------------------------------- */

static struct RequestOffers *
offers_of(Request *request)
{
	MemoryContext caller;

	if (request->offers != NULL)
		return request->offers;
	caller = MemoryContextSwitchTo(request->context);
	request->offers = palloc0(sizeof(struct RequestOffers));
	request->offers->source = palloc0((request->widget->num_sources + 1) * sizeof(SourceOffers));
	request->offers->level = palloc0(request_num_levels(request) * sizeof(LevelCandidates));
	MemoryContextSwitchTo(caller);
	return request->offers;
}

static void
trace_offer(Request *request, SourceOffers *offers, uint32 item, double score, uint32 because)
{
	if (offers->num_traced == offers->traced_room)
	{
		offers->traced_room = Max(16, offers->traced_room * 2);
		offers->traced = env_resize(&request->server.env, offers->traced, offers->traced_room, sizeof(TracedOffer));
	}
	offers->traced[offers->num_traced++] = (TracedOffer) {item, because, score};
}

void
request_offer(Request *request, uint32 item, double score, uint32 because)
{
	struct RequestOffers *offers = request->offers;
	SourceOffers *own = &offers->source[request->collecting];

	if (isnan(score))
		return;
	score = Min(Max(score, -MAX_SCORE), MAX_SCORE);
	mix_offer(&request->server.env, &offers->index, &own->list, item, score, because, 0);
	if (trace_wants(request, item))
		trace_offer(request, own, item, score, because);
}

void
request_set_reason(Request *request, const char *reason)
{
	if (request->reason == NULL)
		request->reason = MemoryContextAllocZero(request->context, request->widget->num_sources * sizeof(char *));
	request->reason[request->collecting] = MemoryContextStrdup(request->context, reason);
}

uint32
request_room(const Request *request, uint32 want)
{
	return request->has_among ? ROOM_AMONG : ROOM;
}

/* A source's rows may be many, and are gone with its own memory. */
static void
collect_source(Request *request, int s, uint32 want)
{
	const WidgetSource *source = &request->widget->source[s];
	SourceOffers *offers = &offers_of(request)->source[s];
	MemoryContext own;
	MemoryContext caller;

	if (offers->collected)
		return;
	own = AllocSetContextCreate(request->context, "personalize source", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(own);
	request->collecting = s;
	source->kind->collect(request, source, widget_plan_opened(request->plan, source), want);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(own);
	mix_close(&request->offers->index, &offers->list);
	offers->collected = true;
}

/* --- mixing -------------------------------------------------------------- */

static MixKind
mix_kind(const Request *request, int level)
{
	return level == 0 && request->widget->mix == WIDGET_MIX_RRF ? MIX_RRF : MIX_SUM;
}

/* A fallback stands alone: its weight says nothing, and its level takes it behind all before. */
static double
weight_of(const WidgetSource *source)
{
	return source->level == 0 ? source->weight : 1;
}

static uint32
rank_of(const MixList *list, uint32 item)
{
	for (uint32 e = 0; e < list->size; e++)
		if (list->entry[e].item == item)
			return e;
	return ITEM_NONE;
}

/* Amounts of an item's offers, so that they add up to what the source adds to the score. */
static void
trace_source(Request *request, int level, int s)
{
	const WidgetSource *source = &request->widget->source[s];
	const SourceOffers *offers = &request->offers->source[s];

	for (uint32 t = 0; t < offers->num_traced; t++)
	{
		const TracedOffer *offer = &offers->traced[t];
		uint32		rank = rank_of(&offers->list, offer->item);
		double		share = 0;

		if (rank != ITEM_NONE)
			share = mix_amount(mix_kind(request, level), &offers->list, rank, weight_of(source)) *
				(offer->score / offers->list.entry[rank].score);
		request->trace->contributed(request->trace, s, offer->item, offer->because, offer->score, share);
	}
}

/* Sources of the level in the order of the definition. */
static void
mix_level(Request *request, int level, uint32 want)
{
	const WidgetDef *widget = request->widget;
	struct RequestOffers *offers = offers_of(request);
	LevelCandidates *own = &offers->level[level];
	MixList    *lists = palloc((widget->num_sources + 1) * sizeof(MixList));
	double	   *weights = palloc((widget->num_sources + 1) * sizeof(double));
	int			n = 0;

	own->sources = palloc((widget->num_sources + 1) * sizeof(int));
	for (int s = 0; s < widget->num_sources; s++)
	{
		if (widget->source[s].level != level)
			continue;
		collect_source(request, s, want);
		lists[n] = offers->source[s].list;
		weights[n] = weight_of(&widget->source[s]);
		own->sources[n++] = s;
	}
	mix_lists(&request->server.env, &offers->index, &request->items, mix_kind(request, level), lists, weights, n, &own->mixed);
	for (int l = 0; l < n; l++)
	{
		/* sorted now, where ranks count */
		offers->source[own->sources[l]].list = lists[l];
		if (request->trace != NULL)
			trace_source(request, level, own->sources[l]);
	}
	own->candidate = env_alloc(&request->server.env, own->mixed.size + UINT64CONST(1), sizeof(Candidate));
	own->is_mixed = true;
}

Candidate *
request_collect(Request *request, int level, uint32 want, uint32 *size)
{
	LevelCandidates *own = &offers_of(request)->level[level];

	if (!own->is_mixed)
	{
		MemoryContext caller = MemoryContextSwitchTo(request->context);

		mix_level(request, level, want);
		MemoryContextSwitchTo(caller);
	}
	*size = own->mixed.size;
	return own->candidate;
}

uint32
request_sort_candidates(Request *request, int level, uint32 n)
{
	LevelCandidates *own = &request->offers->level[level];

	mix_sort(&request->server.env, &own->mixed, &request->items, n);
	for (uint32 e = own->num_ready; e < own->mixed.sorted; e++)
	{
		const MixEntry *entry = &own->mixed.entry[e];

		own->candidate[e] = (Candidate)
		{
			entry->item, entry->score - level, own->sources[entry->source], entry->because, 1
		};
	}
	own->num_ready = own->mixed.sorted;
	return own->num_ready;
}

Candidate *
request_source_candidates(Request *request, int source, uint32 *size)
{
	const WidgetSource *def = &request->widget->source[source];
	MixList    *list = &offers_of(request)->source[source].list;
	MixKind		kind = mix_kind(request, def->level);
	Candidate  *candidate = env_alloc(&request->server.env, list->size + UINT64CONST(1), sizeof(Candidate));

	mix_sort(&request->server.env, list, &request->items, list->size);
	for (uint32 e = 0; e < list->size; e++)
		candidate[e] = (Candidate)
	{
		list->entry[e].item, mix_amount(kind, list, e, weight_of(def)) - def->level, source, list->entry[e].because, 1
	};
	*size = list->size;
	return candidate;
}

int
request_num_levels(const Request *request)
{
	int			levels = 1;

	for (int s = 0; s < request->widget->num_sources; s++)
		levels = Max(levels, request->widget->source[s].level + 1);
	return levels;
}
