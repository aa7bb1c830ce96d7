/*
 * list.c
 *		From candidates to the list.
 *
 *		pins, then level by level the candidates that the rules let through, by score and boosts, then the rest of the shop
 *		  |  in blocks: diversity			a block is as long whatever is asked for
 *		  |  the first ones: shuffled
 *		  v
 *		kernel/listing: slots, exploration, caps; position by position
 *
 * Each step asks the one before for its next item, so nothing is looked at that the page does not need, and nothing depends on the
 * length of the page.
 */
#include "base/compat.h"

#include <math.h>

#include "lib/binaryheap.h"

#include "kernel/listing.h"
#include "serve/list.h"
#include "serve/list_similarity.h"
#include "serve/products.h"
#include "serve/rules_parse.h"
#include "serve/rules_request.h"
#include "serve/trace.h"

/* Items that diversity puts in order at a time. */
#define BLOCK 64
/* Items to look up in the product table at a time. */
#define MIN_LOOK 16
#define MAX_LOOK 4096
/* Items of the rest of the shop that are fetched at a time, at most. */
#define REST_BATCH 32

struct ListMaker;

/* Candidates of a level, or of one source, that the rules let through. */
typedef struct Candidates
{
	struct ListMaker *maker;
	int			level;
	uint32		size;
	Candidate  *candidate;		/* the best first, before boosts */
	uint32		sorted;			/* so many are ready to be looked at */
	uint32		next;
	binaryheap *ready;			/* of Candidate *: with boosts, those that have been looked at; otherwise NULL */
} Candidates;

/* What the kernel pulls from; the candidate that came last is kept, as the kernel knows items only. */
typedef struct ListStream
{
	ListingStream pub;			/* first, so that a ListingStream * is a ListStream * */
	struct ListMaker *maker;
	int			source;			/* of a slot */
	Candidates *candidates;		/* of a slot; NULL until it is its turn */
	Candidate	current;
	uint32		next;			/* exploration */
	uint32		num_new;
	uint32	   *new;
} ListStream;

typedef enum ListPhase
{
	LIST_PINS,
	LIST_LEVELS,
	LIST_AMONG,
	LIST_REST,
	LIST_END
} ListPhase;

typedef struct ListMaker
{
	Request    *request;
	const WidgetRules *rules;
	const struct RequestRules *barred;
	int64		want;			/* positions */
	int64		made;
	/* what comes next */
	ListPhase	phase;
	uint32		next;			/* of pins, or among */
	int			level;
	Candidates *candidates;		/* of the level; NULL: not yet collected */
	uint32		rest[REST_BATCH];
	uint32		num_rest;
	uint32		next_rest;
	uint8	   *seen;			/* by place: came out of some phase, or was refused */
	uint32		seen_room;
	/* a block that was put into another order, and the first ones that were shuffled */
	Candidate	block[BLOCK];
	uint32		num_block;
	uint32		next_block;
	bool		has_pending;	/* came after the block, from another level */
	Candidate	pending;
	int			pending_level;
	Candidate  *shuffled;		/* NULL: not yet */
	uint32		num_shuffled;
	uint32		next_shuffled;
	/* streams */
	Listing		listing;
	ListStream *stream;			/* all; exploration; by slotted source */
	int			num_streams;
	Keyset	   *values;			/* by cap: texts as small numbers */
} ListMaker;

/* --- what was met before ------------------------------------------------------ */

static bool
is_seen(const ListMaker *maker, uint32 item)
{
	return item < maker->seen_room && maker->seen[item];
}

/* True the first time. */
static bool
see(ListMaker *maker, uint32 item)
{
	if (item >= maker->seen_room)
	{
		uint32		room = Max(request_num_items(maker->request) + 1, Max(1024, maker->seen_room * 2));

		maker->seen = env_resize(&maker->request->server.env, maker->seen, room, 1);
		memset(maker->seen + maker->seen_room, 0, room - maker->seen_room);
		maker->seen_room = room;
	}
	if (maker->seen[item])
		return false;
	maker->seen[item] = true;
	return true;
}

static void
trace_refused(Request *request, uint32 item, const char *rule)
{
	if (trace_wants(request, item) && request->trace->refused != NULL)
		request->trace->refused(request->trace, item, rule);
}

static void
trace_moved(Request *request, uint32 item, const char *rule)
{
	if (trace_wants(request, item) && request->trace->moved != NULL)
		request->trace->moved(request->trace, item, rule);
}

static bool
may_be_listed(ListMaker *maker, uint32 item)
{
	const char *rule = rules_refuse(maker->request, item);

	if (rule != NULL)
		trace_refused(maker->request, item, rule);
	return rule == NULL;
}

/* --- looking ahead -------------------------------------------------------------- */

/* As many at once as the positions that are left will take, by the share that was eligible so far. */
static uint32
look_size(const ListMaker *maker)
{
	double		want = Max(maker->want - maker->made, 1) * 1.25 / products_share(maker->request);

	return want > MAX_LOOK ? MAX_LOOK : Max((uint32) want, MIN_LOOK);
}

/* Most are never looked at, so they are brought into their order when it comes to them. */
static const Candidate *
candidate_at(Candidates *from, uint32 at)
{
	if (at >= from->sorted)
		from->sorted = request_sort_candidates(from->maker->request, from->level, at + 1);
	return &from->candidate[at];
}

/* Those of the next candidates about which the product table has not been asked yet. */
static uint32
gather_unknown(Candidates *from, uint32 *items, uint32 most)
{
	uint32		n = 0;

	for (uint32 i = from->next; i < from->size && n < most; i++)
	{
		uint32		item = candidate_at(from, i)->item;

		if (!is_seen(from->maker, item) && products_unknown(from->maker->request, item) &&
			rules_refuse_key(from->maker->request, item) == NULL)
			items[n++] = item;
	}
	return n;
}

static void
look_ahead(Candidates *from)
{
	Request    *request = from->maker->request;
	uint32		most = look_size(from->maker);
	uint32	   *items;
	uint32		n;

	products_expect(request, Min(most, from->size - from->next));
	items = palloc(most * sizeof(uint32));
	n = gather_unknown(from, items, most);
	products_look(request, items, n);
	pfree(items);
}

/* The next that the rules let through, as it was scored; whether `once`, nobody may get it again. */
static bool
next_allowed(Candidates *from, bool once, Candidate *out)
{
	ListMaker  *maker = from->maker;

	while (from->next < from->size)
	{
		uint32		item = candidate_at(from, from->next)->item;

		if (once && is_seen(maker, item))
		{
			from->next++;
			continue;
		}
		if (rules_refuse_key(maker->request, item) == NULL && products_unknown(maker->request, item))
			look_ahead(from);
		if (once)
			see(maker, item);
		*out = *candidate_at(from, from->next++);
		if (may_be_listed(maker, item))
			return true;
	}
	return false;
}

/* --- boosts ------------------------------------------------------------------------ */

/* Its score with boosts; for the filler, how near it comes to what the cart lacks. */
static double
boosted(const Candidates *from, const Candidate *candidate)
{
	const Product *product = product_of(from->maker->request, candidate->item);
	double		score = candidate->score + from->level;

	if (from->maker->barred->lack > 0 && product->price > 0)
		score = from->maker->barred->lack / product->price;
	return score * product->factor - from->level;
}

/* What candidates that were not looked at yet can come to at most. */
static double
bound(Candidates *from)
{
	if (from->next >= from->size)
		return -INFINITY;
	if (from->maker->barred->lack > 0)
		return INFINITY;
	return (candidate_at(from, from->next)->score + from->level) * from->maker->rules->max_factor - from->level;
}

static int
compare_ready(Datum a, Datum b, void *arg)
{
	const Candidate *x = (const Candidate *) DatumGetPointer(a);
	const Candidate *y = (const Candidate *) DatumGetPointer(b);

	if (x->score != y->score)
		return x->score > y->score ? 1 : -1;
	return request_compare_keys(arg, y->item, x->item);
}

static void
make_ready(Candidates *from, const Candidate *candidate)
{
	Candidate  *copy = palloc(sizeof(Candidate));
	double		factor = product_of(from->maker->request, candidate->item)->factor;

	*copy = *candidate;
	copy->score = boosted(from, candidate);
	if (factor != 1)
		trace_moved(from->maker->request, candidate->item, factor > 1 ? "boost" : "bury");
	binaryheap_add(from->ready, PointerGetDatum(copy));
}

/* The best by boosted score, once nothing that was not looked at can come before it. */
static bool
next_boosted(Candidates *from, Candidate *out)
{
	Candidate  *best;
	Candidate	one;

	if (from->ready == NULL)
		from->ready = binaryheap_allocate(from->size + 1, compare_ready, from->maker->request);
	while (binaryheap_empty(from->ready) ||
		   ((Candidate *) DatumGetPointer(binaryheap_first(from->ready)))->score <= bound(from))
	{
		if (!next_allowed(from, true, &one))
			break;
		make_ready(from, &one);
	}
	if (binaryheap_empty(from->ready))
		return false;
	best = (Candidate *) DatumGetPointer(binaryheap_remove_first(from->ready));
	*out = *best;
	pfree(best);
	return true;
}

static bool
next_candidate(Candidates *from, Candidate *out)
{
	const ListMaker *maker = from->maker;

	if (maker->rules->num_factors > 0 || maker->barred->lack > 0)
		return next_boosted(from, out);
	return next_allowed(from, true, out);
}

/* --- phases ---------------------------------------------------------------------------- */

static Candidates *
make_candidates(ListMaker *maker, int level, Candidate *candidate, uint32 size, uint32 sorted)
{
	Candidates *from = palloc0(sizeof(Candidates));

	*from = (Candidates) {maker, level, size, candidate, sorted};
	return from;
}

static uint32
wanted(const ListMaker *maker)
{
	return Max(maker->want, maker->request->widget->shuffle);
}

/* Falls with the phases, as the scores of levels do. */
static Candidate
without_source(ListMaker *maker, uint32 item)
{
	return (Candidate) {item, -request_num_levels(maker->request), LIST_SOURCE_REST, ITEM_NONE, 1};
}

static bool
next_pin(ListMaker *maker, Candidate *out)
{
	while (maker->next < maker->rules->num_include)
	{
		uint32		item = request_item(maker->request, maker->rules->include[maker->next++]);

		if (see(maker, item) && may_be_listed(maker, item))
		{
			*out = without_source(maker, item);
			out->source = LIST_SOURCE_PINNED;
			out->score = 1;
			trace_moved(maker->request, item, "rule include");
			return true;
		}
	}
	return false;
}

static bool
next_of_levels(ListMaker *maker, Candidate *out)
{
	for (; maker->level < request_num_levels(maker->request); maker->level++)
	{
		if (maker->candidates == NULL)
		{
			uint32		n;
			Candidate  *candidate = request_collect(maker->request, maker->level, wanted(maker), &n);

			maker->candidates = make_candidates(maker, maker->level, candidate, n, 0);
		}
		if (next_candidate(maker->candidates, out))
			return true;
		maker->candidates = NULL;
	}
	return false;
}

/* Those that no source has ranked, in the order in which they were given. */
static bool
next_among(ListMaker *maker, Candidate *out)
{
	const ItemList *among = &maker->request->among;

	if (maker->next == 0)
		products_look(maker->request, among->item, among->size);
	while (maker->next < among->size)
	{
		uint32		item = among->item[maker->next++];

		if (see(maker, item) && may_be_listed(maker, item))
		{
			*out = without_source(maker, item);
			return true;
		}
	}
	return false;
}

static bool
next_of_rest(ListMaker *maker, Candidate *out)
{
	for (;;)
	{
		uint32		item;

		if (maker->next_rest == maker->num_rest)
		{
			maker->num_rest = products_rest(maker->request, maker->rest, Min(Max(maker->want - maker->made, 4), REST_BATCH));
			maker->next_rest = 0;
			if (maker->num_rest == 0)
				return false;
		}
		item = maker->rest[maker->next_rest++];
		if (see(maker, item) && may_be_listed(maker, item))
		{
			*out = without_source(maker, item);
			return true;
		}
	}
}

static bool
next_of_phase(ListMaker *maker, Candidate *out)
{
	switch (maker->phase)
	{
		case LIST_PINS:
			return next_pin(maker, out);
		case LIST_LEVELS:
			return next_of_levels(maker, out);
		case LIST_AMONG:
			return maker->request->has_among && next_among(maker, out);
		case LIST_REST:
			return !maker->request->has_among && !maker->rules->no_rest && next_of_rest(maker, out);
		case LIST_END:
			break;
	}
	return false;
}

/* The next that is eligible, each item once. */
static bool
next_eligible(ListMaker *maker, Candidate *out)
{
	while (maker->phase != LIST_END)
	{
		if (next_of_phase(maker, out))
			return true;
		maker->phase++;
		maker->next = 0;
	}
	return false;
}

/* --- diversity ------------------------------------------------------------------------- */

/* Blocks end where levels do, as scores of different levels do not compare; pins and the rest stay as they are. */
static int
block_of(const ListMaker *maker)
{
	return maker->phase == LIST_LEVELS ? maker->level : -1;
}

static bool
next_or_pending(ListMaker *maker, Candidate *out, int *level)
{
	bool		has;

	if (maker->has_pending)
	{
		*out = maker->pending;
		*level = maker->pending_level;
		maker->has_pending = false;
		return true;
	}
	has = next_eligible(maker, out);
	*level = block_of(maker);
	return has;
}

static void
order_block(ListMaker *maker, int level)
{
	Env		   *env = &maker->request->server.env;
	double	   *score = palloc(BLOCK * sizeof(double));
	uint32	   *item = palloc(BLOCK * sizeof(uint32));
	uint32	   *order = palloc(BLOCK * sizeof(uint32));
	Candidate  *copy = palloc(BLOCK * sizeof(Candidate));

	memcpy(copy, maker->block, maker->num_block * sizeof(Candidate));
	for (uint32 i = 0; i < maker->num_block; i++)
	{
		score[i] = copy[i].score + level;
		item[i] = copy[i].item;
	}
	listing_diversify(env, maker->num_block, score, list_similarities(maker->request, item, maker->num_block),
					  maker->request->widget->diversity, order);
	for (uint32 i = 0; i < maker->num_block; i++)
	{
		maker->block[i] = copy[order[i]];
		if (order[i] != i)
			trace_moved(maker->request, maker->block[i].item, "diversity");
	}
}

static void
fill_block(ListMaker *maker)
{
	int			level = -1;
	int			first_level = -1;

	maker->num_block = 0;
	maker->next_block = 0;
	while (maker->num_block < BLOCK)
	{
		Candidate	one;

		if (!next_or_pending(maker, &one, &level))
			break;
		if (maker->num_block > 0 && level != first_level)
		{
			maker->has_pending = true;
			maker->pending = one;
			maker->pending_level = level;
			break;
		}
		first_level = level;
		maker->block[maker->num_block++] = one;
		if (level < 0)
			break;
	}
	if (first_level >= 0 && maker->num_block > 1)
		order_block(maker, first_level);
}

static bool
next_diverse(ListMaker *maker, Candidate *out)
{
	if (maker->request->widget->diversity <= 0)
		return next_eligible(maker, out);
	if (maker->next_block == maker->num_block)
		fill_block(maker);
	if (maker->next_block == maker->num_block)
		return false;
	*out = maker->block[maker->next_block++];
	return true;
}

/* --- shuffling --------------------------------------------------------------------------- */

/* The first that were not pinned: pins stand before them. */
static void
shuffle(ListMaker *maker)
{
	Env		   *env = &maker->request->server.env;
	uint32		most = maker->request->widget->shuffle;
	Candidate  *all = palloc((maker->rules->num_include + most) * sizeof(Candidate));
	uint64	   *hash = palloc(most * sizeof(uint64));
	uint32	   *order = palloc(most * sizeof(uint32));
	uint32		num_pins = 0;
	uint32		n = 0;

	while (n < most && next_diverse(maker, &all[num_pins + n]))
	{
		if (all[num_pins].source == LIST_SOURCE_PINNED)
			num_pins++;
		else
		{
			hash[n] = request_hash(maker->request, "shuffle", all[num_pins + n].item);
			n++;
		}
	}
	listing_shuffle(env, n, hash, order);
	maker->shuffled = palloc((num_pins + n + 1) * sizeof(Candidate));
	memcpy(maker->shuffled, all, num_pins * sizeof(Candidate));
	for (uint32 i = 0; i < n; i++)
	{
		maker->shuffled[num_pins + i] = all[num_pins + order[i]];
		if (order[i] != i)
			trace_moved(maker->request, all[num_pins + order[i]].item, "shuffle");
	}
	maker->num_shuffled = num_pins + n;
}

static bool
next_shuffled(ListMaker *maker, Candidate *out)
{
	if (maker->request->widget->shuffle > 0 && maker->shuffled == NULL)
		shuffle(maker);
	if (maker->next_shuffled < maker->num_shuffled)
	{
		*out = maker->shuffled[maker->next_shuffled++];
		return true;
	}
	return next_diverse(maker, out);
}

/* --- streams for the kernel ---------------------------------------------------------------- */

static bool
stream_all(ListingStream *pub, uint32_t *item)
{
	ListStream *stream = (ListStream *) pub;

	if (!next_shuffled(stream->maker, &stream->current))
		return false;
	*item = stream->current.item;
	return true;
}

/* By the source's own order; what it offers has been collected with its level. */
static void
open_slot(ListStream *stream)
{
	ListMaker  *maker = stream->maker;
	int			level = maker->request->widget->source[stream->source].level;
	uint32		n;
	Candidate  *candidate;

	(void) request_collect(maker->request, level, wanted(maker), &n);
	candidate = request_source_candidates(maker->request, stream->source, &n);
	stream->candidates = make_candidates(maker, level, candidate, n, n);
}

static bool
stream_slot(ListingStream *pub, uint32_t *item)
{
	ListStream *stream = (ListStream *) pub;

	if (stream->candidates == NULL)
		open_slot(stream);
	if (!next_allowed(stream->candidates, false, &stream->current))
		return false;
	trace_moved(stream->maker->request, stream->current.item, "slot");
	*item = stream->current.item;
	return true;
}

/* In an order of the seed, in which each item is as likely as any to be at any place. */
static void
open_exploration(ListStream *stream)
{
	Request    *request = stream->maker->request;
	uint32		n;
	uint32	   *new = products_new(request, &n);
	uint64	   *hash = palloc((n + 1) * sizeof(uint64));
	uint32	   *order = palloc((n + 1) * sizeof(uint32));
	uint32		kept = 0;

	for (uint32 i = 0; i < n; i++)
		if (may_be_listed(stream->maker, new[i]))
		{
			hash[kept] = request_hash(request, "explore", new[i]);
			new[kept++] = new[i];
		}
	listing_shuffle(&request->server.env, kept, hash, order);
	stream->new = palloc((kept + 1) * sizeof(uint32));
	for (uint32 i = 0; i < kept; i++)
		stream->new[i] = new[order[i]];
	stream->num_new = kept;
}

/* Those that may still come: what is in the list already cannot be drawn. */
static uint32
num_left(const ListStream *stream)
{
	uint32		n = 0;

	for (uint32 i = stream->next; i < stream->num_new; i++)
		n += !listing_used(&stream->maker->listing, stream->new[i]);
	return n;
}

static bool
stream_new(ListingStream *pub, uint32_t *item)
{
	ListStream *stream = (ListStream *) pub;

	if (stream->new == NULL)
		open_exploration(stream);
	if (stream->next == stream->num_new)
		return false;
	stream->current = without_source(stream->maker, stream->new[stream->next]);
	stream->current.source = LIST_SOURCE_NEW;
	stream->current.propensity = 1.0 / Max(num_left(stream), 1);
	*item = stream->new[stream->next++];
	trace_moved(stream->maker->request, *item, "exploration");
	return true;
}

/* --- caps ------------------------------------------------------------------------------------ */

static uint32_t
cap_value(void *arg, uint32_t item, int cap)
{
	ListMaker  *maker = arg;
	const Product *product = product_of(maker->request, item);
	const char *value = product->cap != NULL ? product->cap[cap] : NULL;

	if (value == NULL)
		return LISTING_NO_VALUE;
	return keyset_add_bytes(&maker->request->server.env, &maker->values[cap], value, strlen(value));
}

static void
cap_refused(void *arg, uint32_t item, int cap)
{
	ListMaker  *maker = arg;

	trace_refused(maker->request, item, maker->rules->cap[cap].rule);
}

static void
open_caps(ListMaker *maker)
{
	uint32	   *most = palloc((maker->rules->num_caps + 1) * sizeof(uint32));

	maker->values = palloc((maker->rules->num_caps + 1) * sizeof(Keyset));
	for (int c = 0; c < maker->rules->num_caps; c++)
	{
		most[c] = maker->rules->cap[c].most;
		keyset_init(&maker->request->server.env, &maker->values[c], false);
	}
	maker->listing.num_caps = maker->rules->num_caps;
	maker->listing.most = most;
	maker->listing.value = cap_value;
	maker->listing.refused = cap_refused;
	maker->listing.arg = maker;
}

/* --- the list ---------------------------------------------------------------------------------- */

static int
add_stream(ListMaker *maker, bool (*next) (ListingStream *, uint32_t *), int source)
{
	ListStream *stream = &maker->stream[maker->num_streams];

	*stream = (ListStream) {{next, false}, maker, source};
	maker->listing.stream[maker->num_streams] = &stream->pub;
	return maker->num_streams++;
}

static void
add_slots(ListMaker *maker, ListingSlot *slots, const WidgetSource *source)
{
	int			stream = add_stream(maker, stream_slot, source->place);

	for (int s = 0; s < source->num_slots; s++)
		slots[maker->listing.num_slots++] = (ListingSlot) {source->slots[s], stream};
}

static void
open_streams(ListMaker *maker)
{
	const WidgetDef *widget = maker->request->widget;
	ListingSlot *slots;
	int			num_slots = 0;

	for (int s = 0; s < widget->num_sources; s++)
		num_slots += widget->source[s].num_slots;
	slots = palloc((num_slots + 1) * sizeof(ListingSlot));
	maker->stream = palloc((widget->num_sources + 2) * sizeof(ListStream));
	maker->listing.stream = palloc((widget->num_sources + 2) * sizeof(ListingStream *));
	add_stream(maker, stream_all, -1);
	maker->listing.explore_stream = add_stream(maker, stream_new, -1);
	for (int s = 0; s < widget->num_sources; s++)
		if (widget->source[s].num_slots > 0)
			add_slots(maker, slots, &widget->source[s]);
	maker->listing.slot = slots;
	if (widget->explore > 0)
		maker->listing.explore_block = Max(1, (uint32) rint(Min(1 / widget->explore, 1000000)));
	maker->listing.seed = request_hash(maker->request, "explore", ITEM_NONE);
}

static ListMaker *
open_maker(Request *request)
{
	ListMaker  *maker = palloc0(sizeof(ListMaker));

	maker->request = request;
	maker->rules = request->plan->rules;
	maker->want = request->offset + request->k;
	maker->listing.env = &request->server.env;
	maker->barred = rules_of_request(request);
	open_streams(maker);
	open_caps(maker);
	listing_init(&maker->listing);
	return maker;
}

Pick *
list_make(Request *request, uint32 *size)
{
	MemoryContext caller = MemoryContextSwitchTo(request->context);
	Pick	   *pick = palloc(request->k * sizeof(Pick));
	ListMaker  *maker = open_maker(request);
	uint32		item;
	int			stream;

	*size = 0;
	while (maker->made < maker->want && listing_next(&maker->listing, &item, &stream))
	{
		const Candidate *from = &maker->stream[stream].current;

		if (maker->made++ >= request->offset)
			pick[(*size)++] = (Pick) {item, (int32) maker->made, from->score, from->source, from->because, from->propensity};
	}
	MemoryContextSwitchTo(caller);
	return pick;
}
