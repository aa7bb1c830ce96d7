/*
 * build_rows.c
 *		All interactions of a history, read once and handed out basket by basket.
 *
 * Rows become numbers at once: the basket's key (or its code, where keys are no numbers), the
 * item's code, weight and times.  As such they are sorted in runs, which may go to a file, and merged.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "model/build_rows.h"
#include "model/history_row.h"
#include "model/source.h"
#include "value/basket_rows.h"

#define CHECK_ROWS 16384		/* between looks at interrupts */
#define NUM_DIRECT (512 * 1024) /* item numbers from 0 on whose codes are found without hashing */

struct BuildRows
{
	/* immutable */
	MemoryContext context;
	ServerEnv	server;
	const HistoryDef *history;
	Size		budget;

	/* mutable: reading */
	ItemTable  *items;
	Keyset		keys;			/* of baskets, if they are no numbers */
	BasketRows	rows;
	uint32	   *direct;			/* codes of small item numbers, KEYSET_NONE where not met; NULL for other keys */
	uint64	   *of_item;		/* rows by code */
	uint32		of_item_room;
	uint64		num_rows;

	/* mutable: handing out */
	RunMerge	merge;
	bool		merging;
	uint64		total;
	uint64		unchecked;
	const uint32 *code;			/* new codes by those in the rows, or NULL */
	const uint32 *order;		/* places of new codes among the keys */
	SourceItem *item;
	uint64		room;
	MemoryContext key_context;
};

/* --- reading ------------------------------------------------------------- */

/* Repeats count once where rows have no weights, and times are kept only by those who have them. */
static int
row_words(const HistoryDef *history)
{
	if (history->happened == NULL)
		return history->weight == NULL && history->event_weights == NULL ? 2 : 4;
	return history->horizon ? 5 : 4;
}

/* Keys that are no numbers cannot be spilled: every row may need any of them. */
static void
check_keys(void *arg, Size held)
{
	const BuildRows *rows = arg;
	Size		keys = keyset_memory(&rows->items->keys);

	if (!key_is_number(rows->history->basket_type))
		keys += keyset_memory(&rows->keys);
	if (keys > rows->budget)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("keys of history %s need %zu MB, more than maintenance_work_mem",
						registry_name(rows->history->relation), keys / 1024 / 1024 + 1),
				 errdetail("maintenance_work_mem is %zu MB.", rows->budget / 1024 / 1024),
				 errhint("Set maintenance_work_mem to more, or use numbers as keys.")));
}

/* Grows by half: codes come one after the other. */
static void
count_item(BuildRows *rows, uint32 code)
{
	if (code >= rows->of_item_room)
	{
		uint32		room = code + code / 2 + 1024;

		rows->of_item = env_resize(&rows->server.env, rows->of_item, room, sizeof(uint64));
		memset(rows->of_item + rows->of_item_room, 0, (room - rows->of_item_room) * sizeof(uint64));
		rows->of_item_room = room;
	}
	rows->of_item[code]++;
}

/* Nearly all shops number their items from 1: one look at a small array is a tenth of one at a hash table that no cache holds. */
static inline uint32
code_of(BuildRows *rows, Datum item)
{
	uint64		number;

	if (rows->direct == NULL)
		return item_table_code(rows->items, item);
	number = (uint64) key_number(rows->items->type, item);
	if (number >= NUM_DIRECT)
		return item_table_code(rows->items, item);
	if (rows->direct[number] == KEYSET_NONE)
		rows->direct[number] = item_table_code(rows->items, item);
	return rows->direct[number];
}

/* Called for every row of the shop, so it does nothing but look up codes and store words. */
static void
add_row(void *arg, const SourceRow *in)
{
	BuildRows  *rows = arg;
	KeyType		type = rows->history->basket_type;
	uint32		code = code_of(rows, in->item);
	uint64	   *row = basket_rows_append(&rows->rows);

	count_item(rows, code);
	row[0] = key_is_number(type) ? basket_number(key_number(type, in->basket)) :
		key_add(&rows->server.env, &rows->keys, type, in->basket);
	row[1] = code;
	if (rows->rows.words > 2)
	{
		row[2] = (uint64) in->weight;
		row[3] = basket_number(in->happened);
	}
	if (rows->rows.words > 4)
		row[4] = row[3];
	if (++rows->num_rows % CHECK_ROWS == 0)
		/* how many there will be is not known */
		progress_update(rows->num_rows, 0);
}

BuildRows *
build_rows_read(MemoryContext parent, const HistoryDef *history, ItemTable *items)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize build", ALLOCSET_DEFAULT_SIZES);
	BuildRows  *rows = MemoryContextAllocZero(context, sizeof(BuildRows));
	bool		begun = build_phase(PROGRESS_READING);

	rows->context = context;
	server_env_init(&rows->server, context);
	rows->history = history;
	rows->budget = (Size) maintenance_work_mem * 1024;
	rows->items = items;
	keyset_init(&rows->server.env, &rows->keys, false);
	/* sums of weights are judged when baskets are made, which know their names */
	basket_rows_init(&rows->rows, context, row_words(history), PG_INT64_MAX, rows->budget);
	rows->rows.may_spill = true;
	rows->rows.check = check_keys;
	rows->rows.arg = rows;
	rows->key_context = AllocSetContextCreate(context, "personalize basket key", ALLOCSET_SMALL_SIZES);
	/* beside so little memory the array would be large */
	if (key_is_number(items->type) && rows->budget >= 8 * NUM_DIRECT * sizeof(uint32))
		rows->direct = memset(env_alloc(&rows->server.env, NUM_DIRECT, sizeof(uint32)), 0xff, NUM_DIRECT * sizeof(uint32));
	source_scan(history, history->horizon_start, add_row, rows);
	env_release(&rows->server.env, rows->direct);
	rows->direct = NULL;
	basket_rows_flush(&rows->rows);
	progress_end(begun);
	return rows;
}

/* Codes that the catalog had before may not have come at all. */
uint64
build_rows_of_item(const BuildRows *rows, uint32 code)
{
	return code < rows->of_item_room ? rows->of_item[code] : 0;
}

/* Rows keep the codes they have; they are translated when runs are read. */
void
build_rows_renumber(BuildRows *rows, const uint32 *code, ItemTable *items)
{
	rows->code = code;
	rows->items = items;
}

const Keyset *
build_rows_keys(const BuildRows *rows)
{
	return &rows->keys;
}

/* --- handing out --------------------------------------------------------- */

static void
start_merge(BuildRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->context);

	/* the buffer has done its work; the merge reads ahead by as much */
	env_release(&rows->server.env, rows->rows.row);
	rows->rows.row = NULL;
	rows->order = item_table_order(rows->items);
	rows->total = basket_rows_total(&rows->rows);
	for (uint32 r = 0; r < rows->rows.num_runs; r++)
		rows->rows.run[r].item = rows->code;
	basket_rows_merge(&rows->rows, &rows->server.env, &rows->merge);
	rows->merging = true;
	MemoryContextSwitchTo(old);
}

/* Other keys are copied out of the keyset, which holds their bytes only. */
static Datum
basket_key(BuildRows *rows, uint64 basket)
{
	KeyType		type = rows->history->basket_type;
	MemoryContext old;
	Datum		key;

	if (type == KEY_INT2)
		return Int16GetDatum((int16) basket_number((int64) basket));
	if (type == KEY_INT4)
		return Int32GetDatum((int32) basket_number((int64) basket));
	if (type == KEY_INT8)
		return Int64GetDatum((int64) basket_number((int64) basket));
	MemoryContextReset(rows->key_context);
	old = MemoryContextSwitchTo(rows->key_context);
	key = key_datum(&rows->keys, type, (uint32) basket, type);
	MemoryContextSwitchTo(old);
	return key;
}

/* Items have their new codes already.  The events of the oldest kept beside the last one become an event of their own, which weighs nothing. */
static uint32
take_items(BuildRows *rows, const uint64 *row, uint64 n)
{
	int			words = rows->rows.words;
	uint32		taken = 0;

	if (rows->room < 2 * n)
	{
		rows->room = 3 * n;
		env_release(&rows->server.env, rows->item);
		rows->item = env_alloc(&rows->server.env, rows->room, sizeof(SourceItem));
	}
	for (uint64 i = 0; i < n; i++, row += words)
	{
		uint32		code = (uint32) row[1];
		TimestampTz happened = words > 3 && rows->history->happened ? (int64) basket_number((int64) row[3]) : DT_NOBEGIN;

		rows->item[taken++] = (SourceItem) {rows->order[code], code, happened, words > 2 ? (int64) row[2] : 1};
		if (words > 4 && row[4] != row[3])
			rows->item[taken++] = (SourceItem) {rows->order[code], code, (int64) basket_number((int64) row[4]), 0};
	}
	return taken;
}

/* What is in a basket is known only here, where its parts from all runs have met. */
bool
build_rows_next(BuildRows *rows, Datum *basket, HistoryRow *row)
{
	const uint64 *words;
	uint64		n;

	if (!rows->merging)
		start_merge(rows);
	n = run_merge_next(&rows->merge, &words);
	if (rows->merge.too_heavy)
		basket_rows_too_heavy(&rows->rows);
	if (n == 0)
		return false;
	rows->unchecked += n;
	if (rows->unchecked >= CHECK_ROWS)
	{
		env_check(&rows->server.env, rows->merge.rows_read, rows->total);
		rows->unchecked = 0;
	}
	*basket = basket_key(rows, words[0]);
	n = take_items(rows, words, n);
	history_row_make(&rows->server.env, rows->history, rows->items, *basket, rows->item, (uint32) n, row);
	return true;
}

/* The file first: it knows nothing of memory contexts. */
void
build_rows_end(BuildRows *rows)
{
	basket_rows_close(&rows->rows);
	MemoryContextDelete(rows->context);
}
