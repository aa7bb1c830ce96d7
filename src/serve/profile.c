/*
 * profile.c
 *		What a customer did, as it is now, and the items that sources start from.
 *
 * A history has what was committed before its last refresh.  Where the change log may name the customer, the shop's own tables are read
 * instead, with the caller's snapshot: so what this transaction has just done counts, and is gone with its rollback.
 */
#include "base/compat.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "model/model_rows.h"
#include "model/source.h"
#include "model/table_layout.h"
#include "serve/item_codes.h"
#include "serve/source_kind.h"

/*
 * Blocks of a log, of about 200 rows each, that are looked through for one customer.  A longer one costs more than what it may spare:
 * reading some rows of the shop's table by their index.
 */
#define LOG_BLOCKS_READ 8

static const Profile empty_profile = {0, NULL, false};

/* --- whether the history says all ---------------------------------------- */

/* By bytes, as everywhere: a text's own collation may call two customers equal. */
static bool
same_key(KeyType type, Datum a, Datum b)
{
	struct varlena *left;
	struct varlena *right;

	if (key_is_number(type))
		return key_number(type, a) == key_number(type, b);
	if (type == KEY_UUID)
		return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN) == 0;
	left = PG_DETOAST_DATUM_PACKED(a);
	right = PG_DETOAST_DATUM_PACKED(b);
	return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
		memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
}

/* A row without a key says that everything may have changed. */
static bool
log_names(const Request *request, Relation log, KeyType type)
{
	TupleTableSlot *slot = table_slot_create(log, NULL);
	TableScanDesc scan = table_beginscan(log, request->snapshot, 0, NULL);
	bool		found = false;

	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		key = slot_getattr(slot, LOG_BASKET, &isnull);

		found = isnull || same_key(type, key, request->customer);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

static bool
is_pending(const Request *request, const HistoryDef *history)
{
	Relation	log = table_open(history->log, AccessShareLock);
	bool		pending = true;

	/* an owner may have changed it, even to a view; then it is no use to anybody, and a refresh will say so */
	if (layout_is_log(log, history->basket_type))
	{
		BlockNumber num_blocks = RelationGetNumberOfBlocks(log);

		pending = num_blocks > LOG_BLOCKS_READ || (num_blocks > 0 && log_names(request, log, history->basket_type));
	}
	table_close(log, AccessShareLock);
	return pending;
}

/* --- from the history ---------------------------------------------------- */

/* Columns by place and type: an owner may have changed them. */
static void
guard_history(Relation relation, const HistoryDef *history)
{
	TupleDesc	columns = RelationGetDescr(relation);

	if (columns->natts < HISTORY_NUM_COLUMNS ||
		TupleDescAttr(columns, HISTORY_BASKET - 1)->atttypid != key_type_oid(history->basket_type) ||
		TupleDescAttr(columns, HISTORY_ITEMS - 1)->atttypid != BYTEAOID)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("history %s is not as it was made", registry_name(history->relation)),
				 errhint("Drop and create it again.")));
}

/* Without times, places are those of codes, which say nothing. */
static void
take_basket(Request *request, const HistoryDef *history, const Basket *basket, Profile *profile)
{
	uint32	   *codes = palloc((basket->size + 1) * sizeof(uint32));
	uint32	   *places = palloc((basket->size + 1) * sizeof(uint32));

	for (uint32 e = 0; e < basket->size; e++)
		codes[e] = basket->entry[e].code;
	item_codes_places(request, codes, basket->size, places);
	profile->entry = palloc((basket->size + 1) * sizeof(ProfileEntry));
	for (uint32 e = 0; e < basket->size; e++)
	{
		const BasketEntry *entry = &basket->entry[e];

		if (places[e] != ITEM_NONE)
			profile->entry[profile->size++] = (ProfileEntry)
		{
			places[e], entry->weight, entry->day, history->happened ? entry->position : 0
		};
	}
}

static void
read_from_history(Request *request, const HistoryDef *history, Profile *profile)
{
	Relation	relation = table_open(history->relation, AccessShareLock);
	KeyScan    *scan;
	HeapTuple	tuple;
	HistoryRow	row = {{0}};

	guard_history(relation, history);
	scan = key_scan_open(relation, 1, request->snapshot);
	key_scan_start(scan, &request->customer);
	tuple = key_scan_next(scan);
	if (tuple != NULL)
		history_row_read(&request->server.env, relation, tuple, &row);
	key_scan_close(scan);
	table_close(relation, AccessShareLock);
	take_basket(request, history, &row.basket, profile);
}

/* --- from the shop's tables ---------------------------------------------- */

typedef struct FreshRows
{
	Request    *request;
	SourceItem *item;			/* codes are places */
	uint32		size;
	uint32		room;
} FreshRows;

static void
take_row(void *arg, const SourceRow *row)
{
	FreshRows  *rows = arg;
	Env		   *env = &rows->request->server.env;

	if (rows->size == rows->room)
	{
		rows->room = Max(64, rows->room * 2);
		rows->item = env_resize(env, rows->item, rows->room, sizeof(SourceItem));
	}
	rows->item[rows->size++] = (SourceItem)
	{
		.code = request_item(rows->request, row->item), .happened = row->happened, .weight = row->weight
	};
}

/* As the owner of the history, whose right to read these rows is the one that the history was made by. */
static void
fetch_rows(Request *request, const HistoryDef *history, FreshRows *rows)
{
	OwnerScope	scope;

	registry_enter_owner(history->relation, &scope);
	source_fetch(history, history->horizon_start, &request->customer, 1, take_row, rows);
	registry_leave_owner(&scope);
}

/* What the items' keys order like: the definition of a basket breaks ties of time by it. */
static void
order_rows(Request *request, FreshRows *rows)
{
	const Keyset *items = &request->items;
	uint32	   *order = items->numbers ? NULL : keyset_order(&request->server.env, items);

	for (uint32 i = 0; i < rows->size; i++)
		rows->item[i].key = order ? order[rows->item[i].code] :
			(uint64) items->number[rows->item[i].code] ^ UINT64CONST(0x8000000000000000);
}

static void
fail_too_heavy(const Request *request, const HistoryDef *history, const FreshRows *rows)
{
	for (uint32 i = 0; i < rows->size; i++)
		if (rows->item[i].weight > PG_UINT32_MAX)
			source_too_heavy(history, request->customer, request_key(request, rows->item[i].code));
	elog(ERROR, "weight of a basket is out of range");
}

/* The same basket as a refresh would make. */
static void
read_from_source(Request *request, const HistoryDef *cached, Profile *profile)
{
	HistoryDef	history = *cached;
	FreshRows	rows = {request};
	bool		weighs = cached->weight != NULL || cached->event_weights != NULL;
	bool		too_heavy = false;

	registry_history_as_seen(&history);
	fetch_rows(request, &history, &rows);
	order_rows(request, &rows);
	rows.size = source_make_basket(rows.item, rows.size, history.max_basket, &too_heavy);
	if (too_heavy)
		fail_too_heavy(request, &history, &rows);
	profile->entry = palloc((rows.size + 1) * sizeof(ProfileEntry));
	for (uint32 i = 0; i < rows.size; i++)
		profile->entry[i] = (ProfileEntry)
	{
		rows.item[i].code, weighs ? rows.item[i].weight : 1, source_day(rows.item[i].happened), history.happened ? i : 0
	};
	profile->size = rows.size;
	profile->fresh = true;
}

/* --- the profile --------------------------------------------------------- */

static int
most_recent_first(const void *x, const void *y, void *request)
{
	const ProfileEntry *a = x;
	const ProfileEntry *b = y;

	if (a->day != b->day)
		return a->day > b->day ? -1 : 1;
	if (a->position != b->position)
		return a->position > b->position ? -1 : 1;
	return request_compare_keys(request, a->item, b->item);
}

static Profile *
read_profile(Request *request, const HistoryDef *history)
{
	Profile    *profile = palloc0(sizeof(Profile));

	request_require_select(history->relation);
	if (!history->built || is_pending(request, history))
		read_from_source(request, history, profile);
	else
		read_from_history(request, history, profile);
	qsort_arg(profile->entry, profile->size, sizeof(ProfileEntry), most_recent_first, request);
	return profile;
}

const Profile *
request_profile(Request *request, int history)
{
	MemoryContext caller;

	if (!request->has_customer || history < 0 || history >= request->widget->num_histories)
		return &empty_profile;
	if (request->profile[history] != NULL)
		return request->profile[history];
	caller = MemoryContextSwitchTo(request->context);
	request->profile[history] = read_profile(request, request->widget->history[history].history);
	MemoryContextSwitchTo(caller);
	return request->profile[history];
}

uint32
request_item_of_code(Request *request, uint32 code)
{
	uint32		item;

	item_codes_places(request, &code, 1, &item);
	return item;
}

/* --- seeds --------------------------------------------------------------- */

/* Of a customer's items, the most recent: what was long ago says little, and each costs a row. */
#define CUSTOMER_SEEDS 50

typedef struct SeedSet
{
	Request    *request;
	SeedList	list;
	uint32		room;
	bool	   *taken;			/* by place */
	uint32		num_places;
} SeedSet;

/* An item that is there already has come by what counts more. */
static void
add_seed(SeedSet *set, uint32 item, double weight, int kind)
{
	if (set->taken[item])
		return;
	set->taken[item] = true;
	set->list.seed[set->list.size++] = (Seed) {item, weight, kind};
}

/* The latest first. */
static void
add_items(SeedSet *set, const ItemList *items, int kind)
{
	for (uint32 i = items->size; i > 0; i--)
		add_seed(set, items->item[i - 1], 1, kind);
}

/* recency: the weight halves every so many days. */
static void
add_customer(SeedSet *set, const WidgetSource *source)
{
	const Profile *profile = request_profile(set->request, source->seed_history);
	double		recency = source->options ? source_option_number(source, "recency", 0, 0, 36500) : 0;
	int32		today = source_day(set->request->as_of);
	uint32		n = Min(profile->size, CUSTOMER_SEEDS);

	for (uint32 i = 0; i < n; i++)
	{
		double		age = Max(today - profile->entry[i].day, 0);

		add_seed(set, profile->entry[i].item, recency > 0 ? exp2(-age / recency) : 1, SEED_CUSTOMER);
	}
}

/* The kinds that the call gives something for. */
static int
given_kinds(const Request *request)
{
	return (request->anchor != ITEM_NONE ? SEED_ITEM : 0) | (request->cart.size > 0 ? SEED_CART : 0) |
		(request->session.size > 0 ? SEED_SESSION : 0) | (request->has_customer ? SEED_CUSTOMER : 0);
}

static int
wanted_kinds(const Request *request, const WidgetSource *source)
{
	int			given = given_kinds(request);

	if (source->seeds != 0)
		return source->seeds & given;
	/* the lowest bit: item, cart, session, customer */
	return given & -given;
}

/* Stable, so that of equal weights the order of kinds and of time stays. */
static void
strongest_first(SeedList *list)
{
	for (uint32 i = 1; i < list->size; i++)
	{
		Seed		one = list->seed[i];
		uint32		at = i;

		for (; at > 0 && list->seed[at - 1].weight < one.weight; at--)
			list->seed[at] = list->seed[at - 1];
		list->seed[at] = one;
	}
}

/* Room for all before any is added; places are all known once the profile is. */
static void
make_room(SeedSet *set, const WidgetSource *source, int kinds)
{
	const Request *request = set->request;
	uint32		room = 1 + request->cart.size + request->session.size;

	if (kinds & SEED_CUSTOMER)
		room += Min(request_profile(set->request, source->seed_history)->size, CUSTOMER_SEEDS);
	set->list.seed = palloc(room * sizeof(Seed));
	set->taken = palloc0(request->items.size + 1);
}

SeedList
request_seeds(Request *request, const WidgetSource *source, uint32 most)
{
	MemoryContext caller = MemoryContextSwitchTo(request->context);
	int			kinds = wanted_kinds(request, source);
	SeedSet		set = {request};

	make_room(&set, source, kinds);
	if (kinds & SEED_ITEM)
		add_seed(&set, request->anchor, 1, SEED_ITEM);
	if (kinds & SEED_CART)
		add_items(&set, &request->cart, SEED_CART);
	if (kinds & SEED_SESSION)
		add_items(&set, &request->session, SEED_SESSION);
	if (kinds & SEED_CUSTOMER)
		add_customer(&set, source);
	pfree(set.taken);
	strongest_first(&set.list);
	set.list.size = Min(set.list.size, most);
	MemoryContextSwitchTo(caller);
	return set.list;
}
