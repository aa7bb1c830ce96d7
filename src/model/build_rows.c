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

#include "model/build_gather.h"
#include "model/build_rows.h"
#include "model/build_scan.h"
#include "model/history_row.h"
#include "model/source.h"
#include "value/basket_rows.h"

#define CHECK_ROWS 16384		/* between looks at interrupts */

struct BuildRows
{
	/* immutable */
	MemoryContext context;
	const HistoryDef *history;

	/* mutable: reading */
	BuildGather gather;
	WorkerCodes *worker;		/* NULL: none has read */

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

BuildRows *
build_rows_read(MemoryContext parent, const HistoryDef *history, ItemTable *items)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize build", ALLOCSET_DEFAULT_SIZES);
	BuildRows  *rows = MemoryContextAllocZero(context, sizeof(BuildRows));
	bool		begun = build_phase(PROGRESS_READING);

	rows->context = context;
	rows->history = history;
	rows->key_context = AllocSetContextCreate(context, "personalize basket key", ALLOCSET_SMALL_SIZES);
	build_gather_begin(&rows->gather, context, history, items, (Size) maintenance_work_mem * 1024);
	rows->gather.rows.may_spill = true;
	build_scan(&rows->gather, &rows->worker);
	build_gather_end(&rows->gather);
	progress_end(begun);
	return rows;
}

/* Codes that the catalog had before may not have come at all. */
uint64
build_rows_of_item(const BuildRows *rows, uint32 code)
{
	return code < rows->gather.of_item_room ? rows->gather.of_item[code] : 0;
}

/* Rows keep the codes they have; they are translated when runs are read. */
void
build_rows_renumber(BuildRows *rows, const uint32 *code, ItemTable *items)
{
	rows->code = code;
	rows->gather.items = items;
}

const Keyset *
build_rows_keys(const BuildRows *rows)
{
	return &rows->gather.keys;
}

/* --- handing out --------------------------------------------------------- */

/* A worker has its own codes, which become those of this process first. */
static const uint32 *
final_codes(BuildRows *rows, int process)
{
	WorkerCodes *w = process > 0 ? &rows->worker[process - 1] : NULL;

	if (w == NULL)
		return rows->code;
	for (uint32 i = 0; !w->final && rows->code && i < w->num_items; i++)
		w->code[i] = rows->code[w->code[i]];
	w->final = true;
	return w->code;
}

static void
start_merge(BuildRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->context);

	/* the buffer has done its work; the merge reads ahead by as much */
	env_release(&rows->gather.server.env, rows->gather.rows.row);
	rows->gather.rows.row = NULL;
	rows->order = item_table_order(rows->gather.items);
	rows->total = basket_rows_total(&rows->gather.rows);
	for (uint32 r = 0; r < rows->gather.rows.num_runs; r++)
		rows->gather.rows.run[r].item = final_codes(rows, rows->gather.rows.run[r].process);
	basket_rows_merge(&rows->gather.rows, &rows->gather.server.env, &rows->merge);
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
	key = key_datum(&rows->gather.keys, type, (uint32) basket, type);
	MemoryContextSwitchTo(old);
	return key;
}

/* Items have their new codes already.  The events of the oldest kept beside the last one become an event of their own, which weighs nothing. */
static uint32
take_items(BuildRows *rows, const uint64 *row, uint64 n)
{
	int			words = rows->gather.rows.words;
	uint32		taken = 0;

	if (rows->room < 2 * n)
	{
		rows->room = 3 * n;
		env_release(&rows->gather.server.env, rows->item);
		rows->item = env_alloc(&rows->gather.server.env, rows->room, sizeof(SourceItem));
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
		basket_rows_too_heavy(&rows->gather.rows);
	if (n == 0)
		return false;
	rows->unchecked += n;
	if (rows->unchecked >= CHECK_ROWS)
	{
		env_check(&rows->gather.server.env, rows->merge.rows_read, rows->total);
		rows->unchecked = 0;
	}
	*basket = basket_key(rows, words[0]);
	n = take_items(rows, words, n);
	history_row_make(&rows->gather.server.env, rows->history, rows->gather.items, *basket, rows->item, (uint32) n, row);
	return true;
}

/* The file first: it knows nothing of memory contexts. */
void
build_rows_end(BuildRows *rows)
{
	basket_rows_close(&rows->gather.rows);
	MemoryContextDelete(rows->context);
}
