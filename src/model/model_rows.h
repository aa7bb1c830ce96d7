/*
 * model_rows.h
 *		The columns of the tables that hold histories and models, and rows into and
 *		out of them.  The tables themselves are created by setup files, from the same constants.
 */
#ifndef PERSONALIZE_MODEL_ROWS_H
#define PERSONALIZE_MODEL_ROWS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "base/server_env.h"
#include "kernel/basket.h"
#include "kernel/pair_best.h"
#include "kernel/pair_row.h"
#include "model/item_table.h"
#include "model/registry.h"
#include "model/table_writer.h"

/*
 * History: (basket KEY PRIMARY KEY, items bytea NOT NULL, happened timestamptz, oldest timestamptz).
 * happened: last event, NULL without times.  oldest: the first event that counts, only with a horizon, indexed.
 * No bytes at all for items: what was there takes itself away.  With a horizon such a row stays, for its `oldest`: when that
 * event expires, what is left may be a basket.
 */
enum {HISTORY_BASKET = 1, HISTORY_ITEMS, HISTORY_HAPPENED, HISTORY_OLDEST, HISTORY_NUM_COLUMNS = HISTORY_OLDEST};

/* Log of a history: (basket KEY, reason text); basket NULL: everything may have changed, and why. */
enum {LOG_BASKET = 1, LOG_REASON, LOG_NUM_COLUMNS = LOG_REASON};

/*
 * Pair table: (item integer, generation integer, n bigint, n_target bigint, floor double precision, drift bigint,
 * base bytea, delta bytea), PRIMARY KEY (item, generation); n_target NULL but for directed models; floor NULL where unknown;
 * drift: for ridge, sum of |change| of the row since it was last solved.  All counts in units.
 */
enum {PAIRS_ITEM = 1, PAIRS_GENERATION, PAIRS_N, PAIRS_N_TARGET, PAIRS_FLOOR, PAIRS_DRIFT, PAIRS_BASE, PAIRS_DELTA,
	PAIRS_NUM_COLUMNS = PAIRS_DELTA};

/*
 * Face: (item KEY PRIMARY KEY, n float8, neighbors KEY[], counts float8[], scores float8[]), all NOT NULL.
 * A row for each item with n > 0 (directed: n of the source), also where it has no neighbor.
 */
enum {FACE_ITEM = 1, FACE_N, FACE_NEIGHBORS, FACE_COUNTS, FACE_SCORES, FACE_NUM_COLUMNS = FACE_SCORES};

/* --- any of them --- */
/* What a column holds as text, for messages. */
extern char *model_row_column(Relation relation, HeapTuple tuple, int column);
/* Fails with ERRCODE_DATA_CORRUPTED: what an owner may have written must end in an error, not in a crash. */
extern void model_row_damaged(Relation relation, HeapTuple tuple, int item_column, const char *detail);
/* Whether a varlena of an old row, toasted or not, has the bytes of a new one, which is plain. */
extern bool model_row_same_bytes(Datum old, bool isnull, Datum new);

/* --- history --- */
typedef struct HistoryRow
{
	Basket		basket;			/* size 0: there is a row only where something may expire */
	TimestampTz happened;		/* DT_NOBEGIN: none */
	TimestampTz oldest;			/* DT_NOBEGIN: none */
} HistoryRow;

/* Whether the table has a row for this. */
static inline bool
history_row_exists(const HistoryRow *row)
{
	return row->basket.size > 0 || row->oldest != DT_NOBEGIN;
}

/* Fails with ERRCODE_DATA_CORRUPTED, naming table and key, where the bytes are no basket. */
extern void history_row_read(Env *env, Relation relation, HeapTuple tuple, HistoryRow *row);
/* The same for codes that the catalog has not given, of which arrays by code have no place. */
extern void history_row_guard_codes(Relation relation, const HistoryRow *row, uint32 num_items);
/* Inserts (old NULL), updates where anything differs, or deletes (there is to be no row). Returns whether it wrote. */
extern bool history_row_write(TableWriter *writer, HeapTuple old, Datum key, const HistoryRow *row);

/* --- pairs --- */
typedef struct PairTableRow
{
	uint32		item;
	int32		generation;
	int64		n;				/* units */
	int64		n_target;		/* the same as n but for directed models */
	double		floor;			/* NaN: unknown */
	int64		drift;
	WireReader	base;			/* into detoasted copies in the current memory context, or into the tuple */
	WireReader	delta;
} PairTableRow;

/* `wanted` of these: whether base (which may have to be fetched from TOAST) is needed. */
extern void pair_table_row_read(Relation relation, HeapTuple tuple, bool want_base, PairTableRow *row);
extern void pair_table_insert(TableWriter *writer, bool directed, const PairTableRow *row);
/* Replaces what differs from the old tuple; the base only if `new_base`. */
extern void pair_table_update(TableWriter *writer, HeapTuple old, bool directed, bool new_base, const PairTableRow *row);
/* Fails with ERRCODE_DATA_CORRUPTED, naming table and item. */
extern void pair_table_decode(Env *env, Relation relation, const PairTableRow *row, PairRow *out);

/* --- face --- */
typedef struct FaceRow
{
	uint32		item;			/* code */
	double		n;
	uint32		size;
	CooccurNeighbor *neighbor;	/* codes */
} FaceRow;

/* Codes as keys of the catalog.  An update where nothing differs is not done; returns whether it wrote. */
extern bool face_row_write(TableWriter *writer, HeapTuple old, const ItemTable *items, const FaceRow *row);
/*
 * The columns n, neighbors, counts and scores alone, for other tables that have them in the same places; `differ` fills in their places
 * in `replace`.
 */
extern void face_lists_set(Datum *values, bool *nulls, const ItemTable *items, const FaceRow *row);
extern bool face_lists_differ(Relation relation, HeapTuple old, const Datum *values, bool *replace);
extern void face_lists_read(Relation relation, HeapTuple tuple, const ItemTable *items, FaceRow *row);
/* Keys as codes; room for the neighbors in the current context.  Fails with ERRCODE_DATA_CORRUPTED on what is no list. */
extern void face_row_read(Relation relation, HeapTuple tuple, const ItemTable *items, FaceRow *row);

#endif							/* PERSONALIZE_MODEL_ROWS_H */
