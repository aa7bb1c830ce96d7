/*
 * rescore.c
 *		The face of a model after its counts have changed.
 *
 * A score of a → b depends on the count of the pair, n of a and n of b, and for some measures on the total.  So
 * an item whose n has changed is scored anew, from all of its counts.  To those beside it, it is one changed
 * neighbor: where it can be among the best, it is offered to their list, which is patched.  For most
 * neighbors it cannot, and a comparison with a bound tells.  Results are those of scoring everything.
 *
 * Models for which this does not hold (directed ones, where the rows that hold an item cannot be found from
 * its own; generations, where time changes all counts) are scored row by row or as a whole.
 */
#include "base/compat.h"

#include <math.h>

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/progress.h"
#include "model/build.h"
#include "model/rescore.h"
#include "model/score.h"

/* Ridge weights are found again when this share of an item's counts has changed. */
#define RIDGE_DRIFT 0.01

/* Of all items: if more are to be scored anew, all are. */
#define FULL_SHARE 0.5

/* Of all rows: if more are to be patched, they are found by a scan. */
#define SCAN_SHARE 0.1

typedef struct Offer
{
	uint32		item;			/* whose list */
	PairOffer	offer;
} Offer;

typedef struct Rescore
{
	/* immutable */
	ModelApply *apply;
	ItemTable  *items;
	RefreshReport *report;
	ServerEnv	server;			/* memory of this rescoring */
	MemoryContext scratch;		/* reset after each item */
	ModelScorer *scorer;
	Relation	pairs;
	KeyScan    *pairs_scan;
	TableWriter *face;
	KeyScan    *face_scan;

	/* mutable: the counts of an item, decoded one after the other into the same room */
	PairRow		row;
	double	   *count;			/* the same in baskets */
	uint32	   *found;
	uint32		counts_room;

	/* mutable, for patches */
	bool	   *full;			/* by item: scored anew */
	uint32		num_full;
	Offer	   *offer;
	uint64		num_offers;
	uint64		offers_room;
	uint64		max_offers;
} Rescore;

/* --- which way ----------------------------------------------------------- */

static bool
all_scores_change(const ModelApply *apply)
{
	const ModelDef *model = apply->model;
	const MeasureInfo *measure = model->scoring.measure.info;

	if (measure->uses_total && model_total(model) != apply->old_total)
		return true;
	/* counts of all generations decay with the newest one */
	if (model->half_life > 0 && model_newest_generation(model) != apply->old_newest)
		return true;
	if (model->scoring.ridge)
		return false;
	return measure->uses_neighbor && apply->target_changed && !apply->keeps_floors;
}

static void
score_all(ModelApply *apply, const HistoryDef *history, RefreshReport *report)
{
	RefreshReport face = {0};

	build_face(apply->model, history, &face);
	report->items += face.items;
}

/* --- rows ---------------------------------------------------------------- */

static void
fail_unknown_item(const Rescore *r, uint32 item)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("%s has counts of item code %u, which its catalog or face does not have",
					registry_name(r->apply->model->pairs), item),
			 errhint("CALL personalize.refresh(%s, rebuild => true);",
					 quote_literal_cstr(registry_name(r->apply->model->relation)))));
}

static HeapTuple
find_face_row(Rescore *r, uint32 item)
{
	Datum		key = item_table_key(r->items, item);

	key_scan_start(r->face_scan, &key);
	return key_scan_next(r->face_scan);
}

static HeapTuple
find_pairs_row(Rescore *r, uint32 item)
{
	/* symmetric models without generations, and ridge, which is one: all is in generation 0 */
	Datum		key[] = {Int32GetDatum((int32) item), Int32GetDatum(0)};

	key_scan_start(r->pairs_scan, key);
	return key_scan_next(r->pairs_scan);
}

/* An item that is in no basket any more has no row. */
static void
write_face(Rescore *r, HeapTuple old, const FaceRow *face)
{
	if (face->n > 0)
		r->report->items += face_row_write(r->face, old, r->items, face);
	else if (old != NULL)
	{
		table_writer_delete(r->face, old);
		r->report->items++;
	}
}

/* What only tells how the row was scored; `old` is the row as it is in the table. */
static void
write_state(Rescore *r, HeapTuple old, double floor, int64 drift)
{
	PairTableRow row;

	pair_table_row_read(r->pairs, old, false, &row);
	/* bits, since unknown is no number */
	if (memcmp(&row.floor, &floor, sizeof(double)) == 0 && row.drift == drift)
		return;
	row.floor = floor;
	row.drift = drift;
	pair_table_update(r->apply->writer, old, r->apply->model->shape.directed, false, &row);
}

/*
 * The counts of an item into r->row, none where it has no row of the pair table.  Codes come from a table that its
 * owner may write, and are places in arrays.
 */
static void
decode_row(Rescore *r, HeapTuple tuple)
{
	PairTableRow stored;

	r->row.size = 0;
	if (tuple == NULL)
		return;
	pair_table_row_read(r->pairs, tuple, true, &stored);
	pair_table_decode(&r->server.env, r->pairs, &stored, &r->row);
	if (r->row.size > 0 && r->row.item[r->row.size - 1] >= r->items->keys.size)
		fail_unknown_item(r, r->row.item[r->row.size - 1]);
}

/* Scores an item from r->row, and writes its row of the face and its floor.  Rows that are there are given, or NULL. */
static void
score_row(Rescore *r, uint32 item, HeapTuple face_tuple, HeapTuple tuple)
{
	FaceRow		face;
	double		floor;

	model_scorer_begin(r->scorer, item);
	model_scorer_counts(r->scorer, 0, r->row.item, r->row.count, r->row.size);
	model_scorer_finish(r->scorer, &face, &floor);
	write_face(r, face_tuple, &face);
	if (tuple != NULL)
		write_state(r, tuple, floor, 0);
}

/* --- opening and closing ------------------------------------------------- */

static void
open_rescore(Rescore *r, ModelApply *apply, ItemTable *items, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(apply->server.context, "personalize rescore", ALLOCSET_DEFAULT_SIZES);

	memset(r, 0, sizeof(*r));
	server_env_init(&r->server, context);
	r->apply = apply;
	r->items = items;
	r->report = report;
	r->scratch = AllocSetContextCreate(context, "personalize rescored item", ALLOCSET_DEFAULT_SIZES);
	r->pairs = table_writer_relation(apply->writer);
	r->pairs_scan = key_scan_open(r->pairs, 2, GetActiveSnapshot());
	r->face = table_writer_open(apply->model->relation);
	r->face_scan = key_scan_open(table_writer_relation(r->face), 1, GetActiveSnapshot());
	r->scorer = model_scorer_create(context, apply->model, items);
}

static void
close_rescore(Rescore *r)
{
	model_scorer_free(r->scorer);
	key_scan_close(r->pairs_scan);
	key_scan_close(r->face_scan);
	table_writer_close(r->face);
	table_writer_flush(r->apply->writer);
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	MemoryContextDelete(r->server.context);
}

/* --- patches: which rows ------------------------------------------------- */

static bool
n_has_changed(const ModelApply *apply, uint32 item)
{
	return apply->old_n[item] != apply->new_n[item];
}

static void
mark_full(Rescore *r, uint32 item)
{
	r->num_full += !r->full[item];
	r->full[item] = true;
}

/*
 * A changed pair of two items whose n stayed is seen from neither; so is one of which the changes were applied
 * in several rounds and are no longer at hand.
 */
static void
choose_full(Rescore *r)
{
	const ModelApply *apply = r->apply;

	r->full = env_alloc0(&r->server.env, (uint64) r->items->keys.size + 1, sizeof(bool));
	for (uint32 i = 0; i < r->items->keys.size; i++)
		if (n_has_changed(apply, i) || (apply->touched[i] && apply->last == NULL))
			mark_full(r, i);
	for (uint64 p = 0; apply->last != NULL && p < apply->num_last; p++)
		if (!n_has_changed(apply, (uint32) apply->last[p].item))
			mark_full(r, pairs_row_item(apply->last[p].row));
}

static void
fill_scorer(Rescore *r)
{
	const ModelApply *apply = r->apply;

	for (uint32 i = 0; i < r->items->keys.size; i++)
		model_scorer_add(r->scorer, i, 0, apply->new_n[i], apply->new_n[i]);
	model_scorer_ready(r->scorer, NULL, NULL);
}

/* --- patches: offers ----------------------------------------------------- */

/* False where there is no room for more. */
static bool
add_offer(Rescore *r, uint32 item, uint32 other, double count)
{
	if (r->num_offers == r->offers_room)
	{
		if (r->num_offers >= r->max_offers)
			return false;
		r->offers_room = Min(r->offers_room * 2 + 4096, r->max_offers);
		r->offer = env_resize(&r->server.env, r->offer, r->offers_room, sizeof(Offer));
	}
	r->offer[r->num_offers++] = (Offer) {item, {other, count}};
	return true;
}

/* The changed pairs of one row, which ascend by item. */
typedef struct ChangedPairs
{
	const PairChange *at;
	const PairChange *end;
} ChangedPairs;

/* Rows are visited in the order of the changes, so that the next ones are found by going on. */
static ChangedPairs
changed_pairs_of(const ModelApply *apply, uint32 item, uint64 *next)
{
	const PairChange *last = apply->last;
	ChangedPairs found;

	if (last == NULL)
		return (ChangedPairs) {NULL, NULL};
	while (*next < apply->num_last && pairs_row_item(last[*next].row) < item)
		(*next)++;
	found.at = last + *next;
	while (*next < apply->num_last && pairs_row_item(last[*next].row) == item)
		(*next)++;
	found.end = last + *next;
	return found;
}

/* The place of an item in a row, which ascends; its size where it is not there. */
static uint32
find_in_row(const PairRow *row, uint32 item)
{
	uint32		low = 0;
	uint32		high = row->size;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (row->item[middle] < item)
			low = middle + 1;
		else
			high = middle;
	}
	return low < row->size && row->item[low] == item ? low : row->size;
}

/* A changed count has to be offered in any case: the list may have the old one, or a pair that is gone. */
static bool
offer_changed(Rescore *r, uint32 other, const PairRow *row, ChangedPairs changed)
{
	double		value = model_unit_value(r->apply->model, 0);

	for (; changed.at < changed.end; changed.at++)
	{
		uint32		item = (uint32) changed.at->item;
		uint32		at = find_in_row(row, item);

		if (!r->full[item] && !add_offer(r, item, other, at < row->size ? row->count[at] * value : 0))
			return false;
	}
	return true;
}

static void
reserve_counts(Rescore *r, uint32 n)
{
	if (n <= r->counts_room)
		return;
	r->counts_room = n + n / 2;
	r->count = env_resize(&r->server.env, r->count, r->counts_room, sizeof(double));
	r->found = env_resize(&r->server.env, r->found, r->counts_room, sizeof(uint32));
}

/* The other counts matter where they are in a list, by the n that was or is, or can come into one. */
static bool
offer_unchanged(Rescore *r, uint32 other, const PairRow *row)
{
	const ModelApply *apply = r->apply;
	double		value = model_unit_value(apply->model, 0);
	double		least_n = Min(apply->old_n[other], apply->new_n[other]) * value;
	uint32		n;

	reserve_counts(r, row->size);
	for (uint32 i = 0; i < row->size; i++)
		r->count[i] = row->count[i] * value;
	n = pair_best_may_pass_row(model_scorer_best(r->scorer), apply->floor, least_n, row->item, r->count, row->size, r->found);
	for (uint32 f = 0; f < n; f++)
	{
		uint32		item = row->item[r->found[f]];

		if (!r->full[item] && !add_offer(r, item, other, r->count[r->found[f]]))
			return false;
	}
	return true;
}

/* `other`, of which n has changed, to all items that it is, or was, a neighbor of. */
static bool
offer_to_neighbors(Rescore *r, uint32 other, const PairRow *row, ChangedPairs changed)
{
	if (!offer_changed(r, other, row, changed))
		return false;
	return !r->apply->model->scoring.measure.info->uses_neighbor || offer_unchanged(r, other, row);
}

/* An item with a floor that is not known could not be patched anyway; it waits for its turn as such. */
static bool
score_full_rows(Rescore *r)
{
	uint64		next = 0;
	uint32		done = 0;

	for (uint32 item = 0; item < r->items->keys.size; item++)
	{
		MemoryContext old;
		HeapTuple	tuple;
		bool		fits = true;

		if (!r->full[item])
			continue;
		env_check(&r->server.env, done++, r->num_full);
		old = MemoryContextSwitchTo(r->scratch);
		tuple = find_pairs_row(r, item);
		decode_row(r, tuple);
		if (n_has_changed(r->apply, item))
			fits = offer_to_neighbors(r, item, &r->row, changed_pairs_of(r->apply, item, &next));
		if (fits)
			score_row(r, item, find_face_row(r, item), tuple);
		MemoryContextSwitchTo(old);
		MemoryContextReset(r->scratch);
		if (!fits)
			return false;
	}
	return true;
}

/* --- patches: lists ------------------------------------------------------ */

/* By item; those of an item stay in their order.  Returns where the offers of each item begin. */
static uint64 *
sort_offers(Rescore *r, PairOffer **sorted)
{
	Env		   *env = &r->server.env;
	uint32		n = r->items->keys.size;
	uint64	   *start = env_alloc0(env, (uint64) n + 2, sizeof(uint64));

	/* counted one place further, so that filling in moves each start to its place */
	for (uint64 o = 0; o < r->num_offers; o++)
		start[r->offer[o].item + 2]++;
	for (uint32 i = 2; i < n + 2; i++)
		start[i] += start[i - 1];
	*sorted = env_alloc(env, r->num_offers + 1, sizeof(PairOffer));
	for (uint64 o = 0; o < r->num_offers; o++)
		(*sorted)[start[r->offer[o].item + 1]++] = r->offer[o].offer;
	return start;
}

/*
 * The floor in the table need only be one that holds, so it is written where it has grown.  The n of an item whose list is
 * patched has not changed, so its row has it.
 */
static void
patch_row(Rescore *r, uint32 item, HeapTuple old, const PairOffer *offers, uint32 n)
{
	uint32		k = model_scorer_context(r->scorer)->k;
	double		floor = r->apply->floor[item];
	CooccurNeighbor *list;
	HeapTuple	tuple;
	FaceRow		face;

	face_row_read(table_writer_relation(r->face), old, r->items, &face);
	list = palloc_extended(Max(k, face.size) * sizeof(CooccurNeighbor), MCXT_ALLOC_HUGE);
	memcpy(list, face.neighbor, face.size * sizeof(CooccurNeighbor));
	face.neighbor = list;
	if (pair_best_patch(model_scorer_best(r->scorer), item, list, &face.size, &floor, offers, n))
	{
		write_face(r, old, &face);
		if (floor > r->apply->floor[item] && (tuple = find_pairs_row(r, item)) != NULL)
			write_state(r, tuple, floor, 0);
	}
	else
	{
		tuple = find_pairs_row(r, item);
		decode_row(r, tuple);
		score_row(r, item, old, tuple);
	}
}

/* What is to be patched: offers sorted by item. */
typedef struct Patches
{
	PairOffer  *offer;
	uint64	   *start;			/* by item, and the end of the last */
	uint32		num_items;		/* that have any */
} Patches;

static void
patch_item(Rescore *r, const Patches *patches, uint32 item, HeapTuple old)
{
	MemoryContext caller = MemoryContextSwitchTo(r->scratch);
	uint64		first = patches->start[item];

	patch_row(r, item, old, patches->offer + first, (uint32) (patches->start[item + 1] - first));
	MemoryContextSwitchTo(caller);
	MemoryContextReset(r->scratch);
}

/* Rows are looked up, where they are few. */
static void
patch_by_look_up(Rescore *r, const Patches *patches)
{
	for (uint32 item = 0; item < r->items->keys.size; item++)
	{
		HeapTuple	old;

		if (patches->start[item] == patches->start[item + 1])
			continue;
		env_check(&r->server.env, patches->start[item], r->num_offers);
		old = find_face_row(r, item);
		if (old == NULL)
			fail_unknown_item(r, item);
		patch_item(r, patches, item, old);
	}
}

static uint32
item_of_face_row(const Rescore *r, HeapTuple tuple)
{
	const ItemTable *items = r->items;
	bool		isnull;
	Datum		key = heap_getattr(tuple, FACE_ITEM, RelationGetDescr(table_writer_relation(r->face)), &isnull);

	return key_find(&items->keys, items->type, key_type_oid(items->type), key);
}

/* What is written meanwhile comes from the same command as the scan's snapshot, which does not see it. */
static void
patch_by_scan(Rescore *r, const Patches *patches)
{
	TableScanDesc scan = table_beginscan(table_writer_relation(r->face), GetActiveSnapshot(), 0, NULL);
	uint32		done = 0;
	HeapTuple	old;

	while ((old = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		uint32		item = item_of_face_row(r, old);

		if (item == KEYSET_NONE || patches->start[item] == patches->start[item + 1])
			continue;
		env_check(&r->server.env, done++, patches->num_items);
		patch_item(r, patches, item, old);
	}
	table_endscan(scan);
	if (done < patches->num_items)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s lacks %u of its items", registry_name(r->apply->model->relation), patches->num_items - done),
				 errhint("CALL personalize.refresh(%s, rebuild => true);",
						 quote_literal_cstr(registry_name(r->apply->model->relation)))));
}

static void
patch_rows(Rescore *r)
{
	Patches		patches = {0};

	patches.start = sort_offers(r, &patches.offer);
	item_table_index(r->items);
	for (uint32 item = 0; item < r->items->keys.size; item++)
		patches.num_items += patches.start[item] != patches.start[item + 1];
	if (patches.num_items > SCAN_SHARE * r->items->keys.size)
		patch_by_scan(r, &patches);
	else
		patch_by_look_up(r, &patches);
}

/* False where it would not pay, or there is no room. */
static bool
score_by_patches(Rescore *r)
{
	apply_reserve(r->apply, r->items->keys.size);
	r->max_offers = (uint64) maintenance_work_mem * 1024 / 4 / sizeof(Offer);
	choose_full(r);
	if (r->num_full > FULL_SHARE * r->items->keys.size)
		return false;
	fill_scorer(r);
	if (!score_full_rows(r))
		return false;
	patch_rows(r);
	return true;
}

/* --- rows alone ---------------------------------------------------------- */

/* The list as it is with the counts of now; false where it has to be found again. */
static bool
refresh_ridge_counts(Rescore *r, HeapTuple old, const PairRow *row, FaceRow *face)
{
	double		value = model_unit_value(r->apply->model, 0);

	face_row_read(table_writer_relation(r->face), old, r->items, face);
	for (uint32 q = 0; q < face->size; q++)
	{
		uint32		at = find_in_row(row, face->neighbor[q].item);

		if (at == row->size)
			return false;
		face->neighbor[q].count = row->count[at] * value;
	}
	return true;
}

static bool
has_drifted(const PairTableRow *stored, const PairRow *row)
{
	double		sum = 0;

	for (uint32 i = 0; i < row->size; i++)
		sum += row->count[i];
	return stored->drift > RIDGE_DRIFT * sum;
}

/* Weights may lag by as much as a small drift; counts and n do not. */
static void
score_ridge_row(Rescore *r, uint32 item)
{
	HeapTuple	tuple = find_pairs_row(r, item);
	HeapTuple	old = find_face_row(r, item);
	PairTableRow stored = {0};
	FaceRow		face;

	if (tuple != NULL)
		pair_table_row_read(r->pairs, tuple, false, &stored);
	decode_row(r, tuple);
	if (tuple == NULL || old == NULL || has_drifted(&stored, &r->row) || !refresh_ridge_counts(r, old, &r->row, &face))
	{
		score_row(r, item, old, tuple);
		return;
	}
	face.n = stored.n * model_unit_value(r->apply->model, 0);
	write_face(r, old, &face);
}

static void
score_any_row(Rescore *r, uint32 item)
{
	FaceRow		face;
	double		floor;
	HeapTuple	tuple;

	model_scorer_item(r->scorer, r->pairs, GetActiveSnapshot(), item, &face, &floor);
	write_face(r, find_face_row(r, item), &face);
	/* kept right, although only symmetric models make use of it */
	if (!isnan(floor) && (tuple = find_pairs_row(r, item)) != NULL)
		write_state(r, tuple, floor, 0);
}

/* Rows of which a count or n has changed: for the others nothing has. */
static void
score_touched_rows(Rescore *r)
{
	const ModelApply *apply = r->apply;
	bool		ridge = apply->model->scoring.ridge;
	uint32		n = Min(apply->num_items, r->items->keys.size);
	MemoryContext old;

	model_scorer_read(r->scorer, r->pairs, GetActiveSnapshot());
	model_scorer_ready(r->scorer, ridge ? r->pairs : NULL, GetActiveSnapshot());
	old = MemoryContextSwitchTo(r->scratch);
	for (uint32 item = 0; item < n; item++)
	{
		if (!apply->touched[item])
			continue;
		env_check(&r->server.env, item, n);
		if (ridge)
			score_ridge_row(r, item);
		else
			score_any_row(r, item);
		MemoryContextReset(r->scratch);
	}
	MemoryContextSwitchTo(old);
}

/* --- the choice ---------------------------------------------------------- */

void
rescore_model(ModelApply *apply, const HistoryDef *history, ItemTable *items, RefreshReport *report)
{
	Rescore		r;
	bool		begun = progress_begin(PROGRESS_SCORING);
	bool		all = all_scores_change(apply);

	progress_phase(PROGRESS_SCORING);
	if (!all)
	{
		open_rescore(&r, apply, items, report);
		if (apply->keeps_floors)
			all = !score_by_patches(&r);
		else
			score_touched_rows(&r);
		close_rescore(&r);
	}
	if (all)
		score_all(apply, history, report);
	progress_end(begun);
}
