/*
 * source_sessions.c
 *		Candidates from nearest sessions: what was in the sessions that are most like the visitor's.
 *
 * A call reads a row of the model for each of the last items, a row of the history for each of the k nearest sessions, and n of the items met in
 * these, as far as the backend does not know it from before.  All of that by key and without the executor.
 */
#include "base/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "kernel/session_knn.h"
#include "model/sessions.h"
#include "serve/item_codes.h"
#include "serve/source_kind.h"

#define DEFAULT_K 100
#define MAX_K 10000
#define DEFAULT_LAST 9
#define MAX_LAST 100
#define MAX_RECENT 10000

/* Items whose n a backend keeps, for each source; then it begins anew. */
#define MAX_KEPT 65536

static const char *const weights[SESSION_NUM_WEIGHTS] = {
	[SESSION_LINEAR] = "linear",
	[SESSION_QUADRATIC] = "quadratic",
	[SESSION_LOG] = "log",
	[SESSION_INVERSE] = "inverse",
	[SESSION_SAME] = "same",
};

/* What lasts as long as the plan. */
typedef struct OpenedSessions
{
	/* immutable */
	SessionsDef *def;
	HistoryDef *history;
	SessionKnnParams params;
	uint32		last;			/* of the visitor's clicks */
	double		idf;
	ServerEnv	server;			/* the plan's memory */

	/* mutable: n of items, as that transaction has left it; Invalid: not to be kept beyond this call */
	TransactionId writer;
	Keyset		items;
	double	   *n;
	uint32		room;
} OpenedSessions;

/* The visitor's last clicks. */
typedef struct Visit
{
	uint32		length;			/* repeats counted */
	uint32		size;
	uint32		item[MAX_LAST]; /* places, the most recent first */
	uint32		distance[MAX_LAST];
} Visit;

/* One call. */
typedef struct SessionsCall
{
	Request    *request;
	OpenedSessions *opened;
	int64		num_sessions;	/* as the caller's snapshot sees it */
	Visit		visit;
	SessionKnn	knn;
	Relation	face;
	KeyScan    *face_scan;
	Relation	history;
	KeyScan    *history_scan;
} SessionsCall;

/* --- set-up ---------------------------------------------------------------- */

static SessionWeight
option_weight(const WidgetSource *source, const char *name)
{
	char	   *value = source_option_text(source, name, weights[SESSION_LINEAR]);

	for (int w = 0; w < SESSION_NUM_WEIGHTS; w++)
		if (strcmp(weights[w], value) == 0)
			return w;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" of source \"%s\" cannot be \"%s\"", name, source->name, value),
			 errhint("It is one of linear, quadratic, log, inverse, same.")));
}

static uint32
option_count(const WidgetSource *source, const char *name, uint32 otherwise, uint32 most)
{
	double		number = source_option_number(source, name, otherwise, 1, most);

	if (number != (uint32) number)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" of source \"%s\" must be a whole number: %g", name, source->name, number)));
	return (uint32) number;
}

static SessionsDef *
require_sessions(const WidgetSource *source)
{
	SessionsDef *def = sessions_of_relation(source->relation);

	if (def == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("source \"%s\" is no model of nearest sessions", source->name),
				 errhint("personalize.create_sessions() makes one.")));
	return def;
}

static HistoryDef *
require_history(const WidgetDef *widget, const SessionsDef *def, const WidgetSource *source)
{
	HistoryDef *history = registry_require_history_of(def->follower.relation, def->follower.history_id);

	if (history->catalog_id != widget->catalog->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model %s belongs to another catalog than the widget", source->name),
				 errdetail("The widget's catalog is %s.", registry_name(widget->catalog->relation)),
				 errhint("Give all histories of a widget the same catalog: create_history(..., catalog => ...).")));
	return history;
}

static void
read_options(const WidgetSource *source, const SessionsDef *def, OpenedSessions *opened)
{
	static const char *const names[] = {"k", "last", "recent", "decay", "match", "idf", NULL};

	source_options_only(source, names);
	opened->params.k = option_count(source, "k", DEFAULT_K, MAX_K);
	opened->params.recent = option_count(source, "recent", def->recent, MAX_RECENT);
	opened->params.decay = option_weight(source, "decay");
	opened->params.match = option_weight(source, "match");
	opened->last = option_count(source, "last", DEFAULT_LAST, MAX_LAST);
	opened->idf = source_option_number(source, "idf", 1, 0, 10);
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	SessionsDef *def = require_sessions(source);
	HistoryDef *history = require_history(widget, def, source);
	OpenedSessions opened;

	read_options(source, def, &opened);
	request_require_select(source->relation);
	request_require_select(history->relation);
}

static void *
open_source(WidgetPlan *plan, const WidgetSource *source)
{
	OpenedSessions *opened = palloc0(sizeof(OpenedSessions));

	opened->def = require_sessions(source);
	opened->history = require_history(plan->def, opened->def, source);
	read_options(source, opened->def, opened);
	server_env_init(&opened->server, plan->context);
	keyset_init(&opened->server.env, &opened->items, key_is_number(opened->def->item_type));
	widget_plan_reads(plan, opened->history->relation);
	return opened;
}

/* --- the visit --------------------------------------------------------------- */

/* Clicks from the last to the first; an item counts where it came last. */
static void
visit_item(Visit *visit, uint32 last, uint32 item)
{
	if (visit->length == last)
		return;
	visit->length++;
	for (uint32 v = 0; v < visit->size; v++)
		if (visit->item[v] == item)
			return;
	visit->item[visit->size] = item;
	visit->distance[visit->size++] = visit->length;
}

static void
visit_items(Visit *visit, uint32 last, const ItemList *items)
{
	for (uint32 i = items->size; i > 0; i--)
		visit_item(visit, last, items->item[i - 1]);
}

/* A session goes with the item of the page, which is its last click; otherwise what the call gives first, as for all sources. */
static int
visit_kinds(const Request *request, const WidgetSource *source)
{
	if (source->seeds != 0)
		return source->seeds;
	if (request->session.size > 0)
		return SEED_SESSION | SEED_ITEM;
	if (request->anchor != ITEM_NONE)
		return SEED_ITEM;
	return request->cart.size > 0 ? SEED_CART : SEED_CUSTOMER;
}

/* Mostly the page's item is in the session already, which is no second click. */
static bool
page_is_last_click(const Request *request)
{
	return request->session.size > 0 && request->session.item[request->session.size - 1] == request->anchor;
}

static void
make_visit(Request *request, const WidgetSource *source, uint32 last, Visit *visit)
{
	int			kinds = visit_kinds(request, source);

	visit->length = visit->size = 0;
	if ((kinds & SEED_ITEM) && request->anchor != ITEM_NONE && !((kinds & SEED_SESSION) && page_is_last_click(request)))
		visit_item(visit, last, request->anchor);
	if (kinds & SEED_SESSION)
		visit_items(visit, last, &request->session);
	if (kinds & SEED_CART)
		visit_items(visit, last, &request->cart);
	if (kinds & SEED_CUSTOMER)
	{
		const Profile *profile = request_profile(request, source->seed_history);

		for (uint32 i = 0; i < Min(profile->size, last); i++)
			visit_item(visit, last, profile->entry[i].item);
	}
}

/* --- n of items --------------------------------------------------------------- */

/*
 * What the backend knows is of one refresh that has committed.  One of this very transaction may be undone, and another take its place.
 */
static void
open_kept(SessionsCall *call)
{
	OpenedSessions *opened = call->opened;
	SessionsDef seen = *opened->def;

	sessions_as_seen(&seen);
	call->num_sessions = seen.num_sessions;
	if (TransactionIdIsValid(seen.writer) && seen.writer == opened->writer && opened->items.size < MAX_KEPT)
		return;
	keyset_release(&opened->server.env, &opened->items);
	keyset_init(&opened->server.env, &opened->items, key_is_number(opened->def->item_type));
	opened->writer = TransactionIdIsCurrentTransactionId(seen.writer) ? InvalidTransactionId : seen.writer;
}

static HeapTuple
find_row(SessionsCall *call, Datum key)
{
	key_scan_start(call->face_scan, &key);
	return key_scan_next(call->face_scan);
}

/* An item without a row is in no session that counts. */
static double
row_n(const SessionsCall *call, HeapTuple tuple)
{
	bool		isnull = true;
	Datum		n = tuple == NULL ? (Datum) 0 : heap_getattr(tuple, SESSIONS_N, RelationGetDescr(call->face), &isnull);

	return isnull ? 0 : DatumGetFloat8(n);
}

static void
keep_n(OpenedSessions *opened, uint32 kept, double n)
{
	if (kept >= opened->room)
	{
		opened->room = Max(256, kept * 2);
		opened->n = env_resize(&opened->server.env, opened->n, opened->room, sizeof(double));
	}
	opened->n[kept] = n;
}

static double
item_n(SessionsCall *call, uint32 item)
{
	OpenedSessions *opened = call->opened;
	Datum		key = request_key(call->request, item);
	uint32		known = opened->items.size;
	uint32		kept = key_add(&opened->server.env, &opened->items, opened->def->item_type, key);

	/* after an error in between there is one key more than numbers, but it is looked up again */
	if (kept == known)
		keep_n(opened, kept, NAN);
	if (isnan(opened->n[kept]))
		keep_n(opened, kept, row_n(call, find_row(call, key)));
	return opened->n[kept];
}

/* --- candidates ----------------------------------------------------------------- */

static ArrayType *
read_list(const SessionsCall *call, HeapTuple tuple, int column, Oid type, uint32 *size)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(call->face), &isnull);
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(value);

	if (isnull || ARR_NDIM(array) > 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != type)
		model_row_damaged(call->face, tuple, SESSIONS_ITEM, "Its lists are no arrays of one length without nulls.");
	*size = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return array;
}

/* The code of the session at *element, which moves on to the next. */
static inline uint32
read_session(SessionsCall *call, char **element)
{
	Env		   *env = call->knn.env;
	Keyset	   *sessions = &call->knn.sessions;
	char	   *at = *element;

	switch (call->opened->def->basket_type)
	{
		case KEY_INT2:
			*element += sizeof(int16);
			return keyset_add_number(env, sessions, *(int16 *) at);
		case KEY_INT4:
			*element += sizeof(int32);
			return keyset_add_number(env, sessions, *(int32 *) at);
		case KEY_INT8:
			*element += sizeof(int64);
			return keyset_add_number(env, sessions, *(int64 *) at);
		case KEY_UUID:
			*element += UUID_LEN;
			return keyset_add_bytes(env, sessions, at, UUID_LEN);
		default:
			*element = (char *) att_align_nominal(att_addlength_pointer((Size) at, -1, at), TYPALIGN_INT);
			return keyset_add_bytes(env, sessions, VARDATA_ANY(at), VARSIZE_ANY_EXHDR(at));
	}
}

/* The first of a list are the most recent ones: what comes after `recent` of them could be no candidate. */
static void
offer_sessions(SessionsCall *call, HeapTuple tuple, uint32 visited)
{
	uint32		size;
	uint32		num_times;
	ArrayType  *keys = read_list(call, tuple, SESSIONS_SESSIONS, key_type_oid(call->opened->def->basket_type), &size);
	ArrayType  *times = read_list(call, tuple, SESSIONS_HAPPENED, TIMESTAMPTZOID, &num_times);
	char	   *key = ARR_DATA_PTR(keys);
	const int64 *happened = (const int64 *) ARR_DATA_PTR(times);

	if (num_times != size)
		model_row_damaged(call->face, tuple, SESSIONS_ITEM, "Its lists are no arrays of one length without nulls.");
	size = Min(size, call->opened->params.recent);
	for (uint32 i = 0; i < size; i++)
		session_knn_offer(&call->knn, read_session(call, &key), happened[i], visited);
}

static void
offer_visit(SessionsCall *call)
{
	for (uint32 v = 0; v < call->visit.size; v++)
	{
		HeapTuple	tuple = find_row(call, request_key(call->request, call->visit.item[v]));

		CHECK_FOR_INTERRUPTS();
		if (tuple != NULL)
			offer_sessions(call, tuple, v);
	}
}

/* --- neighbors -------------------------------------------------------------------- */

/* Contents of all neighbors, one after the other. */
typedef struct Neighbors
{
	uint32		size;
	uint32	   *session;		/* codes in knn.sessions */
	uint32	   *end;			/* by neighbor, in code */
	uint32	   *code;			/* of items, in the catalog */
	uint32		num_items;
	uint32		room;
} Neighbors;

static void
read_basket(SessionsCall *call, Neighbors *neighbors, HistoryRow *row)
{
	const Basket *basket = &row->basket;

	if (neighbors->num_items + basket->size > neighbors->room)
	{
		neighbors->room = neighbors->room * 2 + basket->size + 1024;
		neighbors->code = env_resize(call->knn.env, neighbors->code, neighbors->room, sizeof(uint32));
	}
	for (uint32 e = 0; e < basket->size; e++)
		neighbors->code[neighbors->num_items++] = basket->entry[e].code;
}

/* A session that the history does not have, as somebody has deleted it there, is empty. */
static void
read_neighbors(SessionsCall *call, Neighbors *neighbors)
{
	KeyType		type = call->opened->def->basket_type;
	HistoryRow	row = {{0}};

	neighbors->end = env_alloc(call->knn.env, neighbors->size + 1, sizeof(uint32));
	for (uint32 i = 0; i < neighbors->size; i++)
	{
		Datum		key = key_datum(&call->knn.sessions, type, neighbors->session[i], type);
		HeapTuple	tuple;

		CHECK_FOR_INTERRUPTS();
		key_scan_start(call->history_scan, &key);
		tuple = key_scan_next(call->history_scan);
		if (tuple != NULL)
		{
			history_row_read(call->knn.env, call->history, tuple, &row);
			read_basket(call, neighbors, &row);
		}
		neighbors->end[i] = neighbors->num_items;
	}
}

/* What a catalog has forgotten is no item any more. */
static uint32
known_items(uint32 *item, uint32 n)
{
	uint32		known = 0;

	for (uint32 i = 0; i < n; i++)
		if (item[i] != ITEM_NONE)
			item[known++] = item[i];
	return known;
}

/* A customer's own session is as like it as can be, and says nothing new. */
static bool
is_own(const SessionsCall *call, uint32 session)
{
	const Request *request = call->request;
	const WidgetDef *widget = request->widget;

	for (int h = 0; h < widget->num_histories && request->has_customer; h++)
		if (widget->history[h].history->id == call->opened->history->id)
			return key_find(&call->knn.sessions, widget->customer_type, key_type_oid(widget->customer_type), request->customer) == session;
	return false;
}

static void
add_neighbors(SessionsCall *call)
{
	Neighbors	neighbors = {0};
	uint32	   *place;
	uint32		start = 0;

	neighbors.session = session_knn_nearest(&call->knn, &neighbors.size);
	read_neighbors(call, &neighbors);
	place = env_alloc(call->knn.env, neighbors.num_items + 1, sizeof(uint32));
	item_codes_places(call->request, neighbors.code, neighbors.num_items, place);
	for (uint32 i = 0; i < neighbors.size; start = neighbors.end[i++])
	{
		uint32	   *item = place + start;
		uint32		n = known_items(item, neighbors.end[i] - start);

		if (!is_own(call, neighbors.session[i]))
			session_knn_add(&call->knn, call->knn.candidate[neighbors.session[i]].similarity, call->visit.item, item, n);
	}
}

/* What each click has brought, so that the strongest is named, and all are where somebody asks why. */
static void
offer_item(SessionsCall *call, uint32 place, uint32 item)
{
	const double *score = session_knn_scores(&call->knn, place);
	double		factor = 1;

	if (call->opened->idf > 0)
		factor = session_knn_idf(call->opened->idf, call->num_sessions, item_n(call, item));
	for (uint32 v = 0; v < call->visit.size; v++)
		if (score[v] > 0)
			request_offer(call->request, item, score[v] * factor, call->visit.item[v]);
}

/* The last click is what the visitor is looking at. */
static void
offer_items(SessionsCall *call)
{
	for (uint32 place = 0; place < call->knn.items.size; place++)
	{
		uint32		item = (uint32) call->knn.items.number[place];

		CHECK_FOR_INTERRUPTS();
		if (item != call->visit.item[0])
			offer_item(call, place, item);
	}
}

/* --- the call --------------------------------------------------------------------- */

/* Columns are read by place and type, and an owner may have changed them. */
static void
guard_columns(Relation relation, const Oid *type, int n)
{
	TupleDesc	columns = RelationGetDescr(relation);

	for (int c = 0; c < n; c++)
		if (columns->natts <= c || TupleDescAttr(columns, c)->attisdropped || TupleDescAttr(columns, c)->atttypid != type[c])
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table %s is not as it was made", registry_name(RelationGetRelid(relation))),
					 errdetail("Column number %d is not what it was.", c + 1),
					 errhint("Undo the change, or drop the object and create it again.")));
}

static void
open_tables(SessionsCall *call)
{
	const OpenedSessions *opened = call->opened;
	const Oid	key = key_type_oid(opened->def->basket_type);
	const Oid	face[SESSIONS_NUM_COLUMNS] = {key_type_oid(opened->def->item_type), FLOAT8OID, get_array_type(key), get_array_type(TIMESTAMPTZOID)};
	const Oid	history[HISTORY_NUM_COLUMNS] = {key, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID};

	call->face = table_open(opened->def->follower.relation, AccessShareLock);
	guard_columns(call->face, face, lengthof(face));
	call->face_scan = key_scan_open(call->face, 1, call->request->snapshot);
	call->history = table_open(opened->history->relation, AccessShareLock);
	guard_columns(call->history, history, lengthof(history));
	call->history_scan = key_scan_open(call->history, 1, call->request->snapshot);
}

static void
close_tables(SessionsCall *call)
{
	key_scan_close(call->face_scan);
	key_scan_close(call->history_scan);
	table_close(call->face, AccessShareLock);
	table_close(call->history, AccessShareLock);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	SessionsCall call = {request, opened};
	ServerEnv	server;

	request_require_select(source->relation);
	request_require_select(call.opened->history->relation);
	make_visit(request, source, call.opened->last, &call.visit);
	if (call.visit.size == 0)
		return;
	open_kept(&call);
	open_tables(&call);
	/* gone with the source's memory */
	server_env_init(&server, CurrentMemoryContext);
	session_knn_init(&server.env, &call.knn, &call.opened->params, key_is_number(call.opened->def->basket_type),
					 call.visit.length, call.visit.size, call.visit.distance);
	offer_visit(&call);
	add_neighbors(&call);
	offer_items(&call);
	close_tables(&call);
}

const SourceKind source_sessions = {"sessions", check, open_source, collect};
