/*
 * products_pages.c
 *		What was read of product pages that nobody has changed since.
 *
 * A filter that lets little through makes a call look at very many products, and most of them are as they were at the call before.  So each look
 * also notes on which page of the table the row stands, and that page's LSN, where the page was marked as visible to everybody.  As long as the page
 * has that LSN, no row on it has been inserted, changed or deleted, whether committed or not: whoever does that moves the LSN on, with the page locked.
 * Then the row is what every snapshot sees, the caller's too, and as its key is unique there is no other.  Anything else is looked up as always.
 * So nothing here can be older than the caller's snapshot; nobody has to be told, and nothing expires.
 *
 * Only for plain logged tables, with a unique index on the key, of which the caller may read all columns and rows; and for conditions of
 * built-in immutable functions alone, as those of others may be replaced and times pass.
 */
#include "base/compat.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"

#include "serve/products_statement.h"

/* Items of all widgets together; with their keys 3 MB, and as much again if all of them are eligible. */
#define MAX_ITEMS 65536
/* Pages of a table of which each call keeps the LSN in mind: 256 MB. */
#define MAX_BLOCKS 32768
/* Looks to sit out where most pages are not visible to all, as in a table that is written all the time. */
#define PAUSE 100

/* No page that has been written has it. */
#define LSN_UNKNOWN InvalidXLogRecPtr
/* Of a page that is past the end. */
#define LSN_NONE ((XLogRecPtr) 1)

typedef struct PageItem
{
	XLogRecPtr	lsn;			/* of the page, when the row was read; LSN_UNKNOWN: it is not to be used */
	BlockNumber block;
	uint32		eligible;		/* place among those; ITEM_NONE: the item is not */
} PageItem;

struct ProductsPages
{
	MemoryContext context;
	ServerEnv	server;
	Oid			storage;		/* the table's file: another one has other pages */
	uint32		pause;
	Keyset		keys;
	PageItem   *item;			/* by code of keys */
	uint32		room;
	Product    *eligible;
	uint32		num_eligible;
	uint32		eligible_room;
	Keyset		texts;			/* categories and values of caps, each once */
	char	  **text;
	uint32		text_room;
};

static uint32 num_items_of_all = 0;

/* --- whether it can be ---------------------------------------------------------- */

static bool
may_be_replaced(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

static bool
depends_on_more(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) || check_functions_in_node(node, may_be_replaced, context))
		return true;
	return expression_tree_walker(node, depends_on_more, context);
}

/* Everything that a row is asked is in the targets of the statement. */
static bool
statement_is_lasting(Products *products)
{
	List	   *sources = SPI_plan_get_plan_sources(products_statement(products, PRODUCTS_PAGES, false));
	Query	   *query = linitial_node(Query, ((CachedPlanSource *) linitial(sources))->query_list);

	return !contain_mutable_functions((Node *) query->targetList) && !depends_on_more((Node *) query->targetList, NULL);
}

/* Checked at once, so that there is never a second row, not even within a transaction. */
static bool
has_unique_key(Relation relation, AttrNumber key)
{
	List	   *indexes = RelationGetIndexList(relation);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		found = found || (form->indisunique && form->indimmediate && form->indisvalid && form->indnkeyatts == 1 &&
						  form->indkey.values[0] == key && RelationGetIndexPredicate(index) == NIL);
		index_close(index, NoLock);
	}
	list_free(indexes);
	return found;
}

static bool
table_has_pages(const Products *products, Relation relation)
{
	return relation->rd_rel->relkind == RELKIND_RELATION && relation->rd_rel->relam == HEAP_TABLE_AM_OID &&
		relation->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT && !relation->rd_rel->relhassubclass &&
		has_unique_key(relation, get_attnum(products->catalog->products, products->catalog->item));
}

static ProductsPages *
make_pages(Products *products, Relation relation)
{
	MemoryContext context = AllocSetContextCreate(products->plan->context, "personalize product pages", ALLOCSET_DEFAULT_SIZES);
	ProductsPages *pages = MemoryContextAllocZero(context, sizeof(ProductsPages));

	pages->context = context;
	server_env_init(&pages->server, context);
	keyset_init(&pages->server.env, &pages->keys, key_is_number(products->catalog->item_type));
	keyset_init(&pages->server.env, &pages->texts, false);
	pages->storage = relation->rd_rel->relfilenode;
	return pages;
}

/* On a standby, pages are marked by the primary's snapshots; and reads under SERIALIZABLE must leave their trace. */
static bool
caller_may(const Products *products)
{
	Oid			relation = products->catalog->products;

	return !RecoveryInProgress() && !IsolationIsSerializable() &&
		pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
}

/* Decided once for a request; the lock keeps the file until the end of the transaction, as that of a query does. */
static bool
open_pages(Request *request)
{
	struct RequestProducts *state = products_state(request);
	Products   *products = request->plan->products;
	Relation	relation;
	bool		usable;

	if (request->category != NULL || !caller_may(products))
		return false;
	relation = table_open(products->catalog->products, AccessShareLock);
	if (!products->pages_tried && table_has_pages(products, relation) && statement_is_lasting(products))
		products->pages = make_pages(products, relation);
	products->pages_tried = true;
	state->num_blocks = RelationGetNumberOfBlocks(relation);
	usable = products->pages != NULL && products->pages->storage == relation->rd_rel->relfilenode && state->num_blocks <= MAX_BLOCKS;
	table_close(relation, NoLock);
	if (!usable)
		return false;
	state->page_lsn = MemoryContextAllocZero(request->context, (state->num_blocks + 1) * sizeof(XLogRecPtr));
	return true;
}

static bool
are_open(Request *request)
{
	struct RequestProducts *state = products_state(request);

	if (!state->pages_tried)
		state->has_pages = open_pages(request);
	state->pages_tried = true;
	return state->has_pages;
}

/* --- pages ------------------------------------------------------------------------- */

static XLogRecPtr
read_page(Relation relation, BlockNumber block, bool *all_visible)
{
	Buffer		buffer = ReadBuffer(relation, block);
	XLogRecPtr	lsn;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	lsn = PageGetLSN(BufferGetPage(buffer));
	*all_visible = PageIsAllVisible(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	return lsn;
}

/* Each page once in a request: what changes meanwhile is not the caller's to see. */
static XLogRecPtr
page_lsn(struct RequestProducts *state, Relation relation, BlockNumber block)
{
	bool		all_visible;

	if (block >= state->num_blocks)
		return LSN_NONE;
	if (state->page_lsn[block] == LSN_UNKNOWN)
	{
		XLogRecPtr	lsn = read_page(relation, block, &all_visible);

		state->page_lsn[block] = lsn == LSN_UNKNOWN ? LSN_NONE : lsn;
	}
	return state->page_lsn[block];
}

/* --- serving ------------------------------------------------------------------------- */

static uint32
find_key(Request *request, const ProductsPages *pages, uint32 item)
{
	size_t		size;
	const char *bytes;

	if (request->items.numbers)
		return keyset_find_number(&pages->keys, request->items.number[item]);
	bytes = keyset_bytes(&request->items, item, &size);
	return keyset_find_bytes(&pages->keys, bytes, size);
}

static bool
serve(Request *request, const ProductsPages *pages, Relation relation, uint32 item)
{
	struct RequestProducts *state = products_state(request);
	uint32		code = find_key(request, pages, item);
	const PageItem *known;
	Product    *product;

	if (code == KEYSET_NONE)
		return false;
	known = &pages->item[code];
	if (known->lsn == LSN_UNKNOWN || page_lsn(state, relation, known->block) != known->lsn)
		return false;
	product = products_product(request, item);
	if (known->eligible != ITEM_NONE)
		*product = pages->eligible[known->eligible];
	product->looked = true;
	state->num_eligible += product->eligible;
	state->num_looked++;
	return true;
}

uint32
products_pages_serve(Request *request, uint32 *items, uint32 n)
{
	const ProductsPages *pages;
	Relation	relation;
	uint32		left = 0;

	if (!are_open(request))
		return n;
	pages = request->plan->products->pages;
	relation = table_open(request->plan->products->catalog->products, NoLock);
	for (uint32 i = 0; i < n; i++)
		if (!serve(request, pages, relation, items[i]))
			items[left++] = items[i];
	table_close(relation, NoLock);
	return left;
}

/* --- noting ---------------------------------------------------------------------------- */

bool
products_pages_wanted(Request *request)
{
	ProductsPages *pages;

	if (!are_open(request))
		return false;
	pages = request->plan->products->pages;
	if (pages->pause > 0)
	{
		pages->pause--;
		return false;
	}
	return true;
}

bool
products_pages_growing(Request *request)
{
	return are_open(request) && request->plan->products->pages->pause == 0 && num_items_of_all < MAX_ITEMS;
}

static const char *
kept_text(ProductsPages *pages, const char *text)
{
	uint32		code;

	if (text == NULL)
		return NULL;
	code = keyset_add_bytes(&pages->server.env, &pages->texts, text, strlen(text));
	if (code >= pages->text_room)
	{
		uint32		room = Max(64, pages->text_room * 2);

		pages->text = env_resize(&pages->server.env, pages->text, room, sizeof(char *));
		memset(pages->text + pages->text_room, 0, (room - pages->text_room) * sizeof(char *));
		pages->text_room = room;
	}
	if (pages->text[code] == NULL)
		pages->text[code] = MemoryContextStrdup(pages->context, text);
	return pages->text[code];
}

/* A copy that outlives the request. */
static void
keep_product(ProductsPages *pages, PageItem *item, const Product *product, int num_caps)
{
	Product    *kept;
	const char **cap;

	if (item->eligible == ITEM_NONE)
	{
		if (pages->num_eligible == pages->eligible_room)
		{
			pages->eligible_room = Max(64, pages->eligible_room * 2);
			pages->eligible = env_resize(&pages->server.env, pages->eligible, pages->eligible_room, sizeof(Product));
		}
		item->eligible = pages->num_eligible++;
		pages->eligible[item->eligible].cap = num_caps == 0 ? NULL : MemoryContextAlloc(pages->context, num_caps * sizeof(char *));
	}
	kept = &pages->eligible[item->eligible];
	cap = kept->cap;
	*kept = *product;
	kept->given = false;
	kept->category = kept_text(pages, product->category);
	kept->cap = cap;
	for (int c = 0; c < num_caps; c++)
		kept->cap[c] = kept_text(pages, product->cap[c]);
}

/* NULL: there are too many already. */
static PageItem *
item_for(Request *request, ProductsPages *pages, uint32 item)
{
	uint32		code = find_key(request, pages, item);

	if (code != KEYSET_NONE)
		return &pages->item[code];
	if (num_items_of_all >= MAX_ITEMS)
		return NULL;
	code = keyset_add_from(&pages->server.env, &pages->keys, &request->items, item);
	num_items_of_all++;
	if (code >= pages->room)
	{
		pages->room = Max(256, pages->room * 2);
		pages->item = env_resize(&pages->server.env, pages->item, pages->room, sizeof(PageItem));
	}
	pages->item[code] = (PageItem) {LSN_UNKNOWN, 0, ITEM_NONE};
	return &pages->item[code];
}

static void
note(Request *request, ProductsPages *pages, uint32 item, BlockNumber block, XLogRecPtr lsn)
{
	const Product *product = products_product(request, item);
	PageItem   *kept = item_for(request, pages, item);

	if (kept == NULL)
		return;
	kept->lsn = lsn;
	kept->block = block;
	if (product->eligible)
		keep_product(pages, kept, product, request->plan->rules->num_caps);
	else if (kept->eligible != ITEM_NONE)
		kept->lsn = LSN_UNKNOWN;
}

/* The pages are looked at after the rows were read: what all see then, the rows' snapshot has seen. */
void
products_pages_note(Request *request, const ProductRow *row, uint32 n)
{
	ProductsPages *pages = request->plan->products->pages;
	Relation	relation = table_open(request->plan->products->catalog->products, NoLock);
	BlockNumber block = InvalidBlockNumber;
	XLogRecPtr	lsn = LSN_UNKNOWN;
	bool		all_visible = false;
	uint32		noted = 0;

	for (uint32 i = 0; i < n; i++)
	{
		if (row[i].block != block)
		{
			block = row[i].block;
			lsn = read_page(relation, block, &all_visible);
		}
		if (all_visible && lsn != LSN_UNKNOWN)
		{
			note(request, pages, row[i].item, block, lsn);
			noted++;
		}
	}
	table_close(relation, NoLock);
	if (noted < n / 4)
		pages->pause = PAUSE;
}

void
products_pages_forget(Products *products)
{
	if (products->pages != NULL)
		num_items_of_all -= products->pages->keys.size;
	products->pages = NULL;
}
