/*
 * request.h
 *		One call of a widget: its arguments, the items met in it, and the candidates that sources offer.
 *
 * Items have places, 0, 1, 2, … in the order in which they are met; all arrays go by place.  Everything is in one
 * memory context and gone with the call.
 */
#ifndef PERSONALIZE_REQUEST_H
#define PERSONALIZE_REQUEST_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/snapshot.h"

#include "base/server_env.h"
#include "kernel/keyset.h"
#include "serve/plan.h"
#include "serve/widget.h"

#define ITEM_NONE KEYSET_NONE

typedef struct ItemList
{
	uint32		size;
	uint32	   *item;			/* places */
} ItemList;

/* What one customer did, of one history: as it is now, with what this transaction and others have committed since the last refresh. */
typedef struct ProfileEntry
{
	uint32		item;			/* place */
	int64		weight;
	int32		day;			/* of the last event, days since 2000-01-01 UTC */
	uint32		position;		/* in the sequence of last events, from 0 */
} ProfileEntry;

typedef struct Profile
{
	uint32		size;
	ProfileEntry *entry;		/* the most recent first: by day desc, position desc, key asc */
	bool		fresh;			/* read from the shop's tables, not from the history */
} Profile;

typedef struct Seed
{
	uint32		item;
	double		weight;			/* above 0 */
	int			kind;			/* SEED_* it came by */
} Seed;

typedef struct SeedList
{
	uint32		size;
	Seed	   *seed;			/* the strongest first */
} SeedList;

/* A candidate of a level, after mixing. */
typedef struct Candidate
{
	uint32		item;
	double		score;			/* as results show it: level 0 above 0, level L from 1 on within (-L, 1 - L] */
	int32		source;			/* place of the source that gave most */
	uint32		because;		/* the seed that gave most to it there; ITEM_NONE: none */
	double		propensity;		/* with which it was chosen; 1 where nothing was left to chance */
} Candidate;

struct Trace;
struct RequestProducts;
struct RequestRules;

typedef struct Request
{
	/* immutable: what was asked */
	MemoryContext context;
	ServerEnv	server;			/* its memory */
	WidgetPlan *plan;
	const WidgetDef *widget;
	bool		has_customer;
	Datum		customer;		/* of widget->customer_type */
	uint32		anchor;			/* the item of the page; ITEM_NONE */
	ItemList	cart;			/* without NULLs and repeats, in the order given */
	ItemList	session;		/* the oldest first, repeats kept */
	bool		has_among;
	ItemList	among;
	ItemList	exclude;
	char	   *category;		/* NULL: any */
	char	   *query;			/* search terms */
	int			num_segment;	/* of a visitor nobody knows: values of the columns that popularity goes by; -1: not given */
	char	  **segment;		/* its elements may be NULL: unknown */
	int32		k;
	int64		offset;
	TimestampTz as_of;			/* default: the start of the statement */
	uint64		seed;			/* of every choice that is left to chance */
	Snapshot	snapshot;		/* the caller's */
	struct Trace *trace;		/* trace.h: NULL unless somebody asks why */

	/* mutable */
	Keyset		items;			/* key <-> place */
	Profile   **profile;		/* by history of the widget, NULL until asked for */
	int			collecting;		/* source that is being collected */
	char	  **reason;			/* by source: why it has what it offers; NULL: what is said of its kind */
	struct RequestProducts *looked;	/* products.c: NULL until it is asked */
	struct RequestRules *barred;	/* rules.c: likewise */
	struct RequestOffers *offers;	/* request_collect.c: what sources have offered so far */
} Request;

/* --- request.c --- */
extern uint32 request_item(Request *request, Datum key);	/* the place of a key of the catalog's type */
extern Datum request_key(const Request *request, uint32 item);
extern char *request_key_text(const Request *request, uint32 item);
/* As the keys' type orders them: numbers by value, uuids and texts by bytes. */
extern int	request_compare_keys(const Request *request, uint32 a, uint32 b);
extern uint32 request_num_items(const Request *request);
/* 64 bits of the seed, a purpose ("shuffle") and a key, or none (ITEM_NONE): the only randomness there is. */
extern uint64 request_hash(const Request *request, const char *purpose, uint32 item);
/* Fails where the caller may not read all of a model or history; what is read by place knows no policies of rows either. */
extern void request_require_select(Oid relation);

/* --- profile.c --- */
extern const Profile *request_profile(Request *request, int history);
/* What a source starts from, by its `seeds`; at most `most`. */
extern SeedList request_seeds(Request *request, const WidgetSource *source, uint32 most);
/* Key of a code of the catalog; ITEM_NONE: the catalog does not know it any more. */
extern uint32 request_item_of_code(Request *request, uint32 code);

/* --- request_collect.c --- */
/*
 * A source's score for an item; several offers of one source for an item add up, and what is not above 0 then is no candidate.
 * because: the seed, or ITEM_NONE.
 */
extern void request_offer(Request *request, uint32 item, double score, uint32 because);
/* Says why the source that is being collected has what it offers, where there is more to say than of its kind: "popular in GB". */
extern void request_set_reason(Request *request, const char *reason);
/*
 * How many candidates to offer where there is no end of them.  The same for every `want`: otherwise a longer list could begin with other
 * items than a shorter one.
 */
extern uint32 request_room(const Request *request, uint32 want);
/*
 * All candidates of a level, mixed; items of earlier levels come again, for the list to pass over.  Sets *size.  They stand by
 * (score desc, key asc), as far as they have been asked for.  Level 0: all mixed sources; a fallback has a level of its own.
 */
extern Candidate *request_collect(Request *request, int level, uint32 want, uint32 *size);
/* Before the first n are looked at; returns how many are ready to be.  The array stays where it is. */
extern uint32 request_sort_candidates(Request *request, int level, uint32 n);
/* The candidates of one source alone, all of them in their order: for slots and exploration.  Level must have been collected. */
extern Candidate *request_source_candidates(Request *request, int source, uint32 *size);
extern int	request_num_levels(const Request *request);	/* with level 0 */

#endif							/* PERSONALIZE_REQUEST_H */
