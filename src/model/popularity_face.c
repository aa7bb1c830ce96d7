/*
 * popularity_face.c
 *		From counters to lists: what each item is worth in each segment.
 *
 * Counters come in the order of their key, so a segment comes after all that it is part of.  What is held is an array by item for each level:
 * a segment falls back on what it is part of, and that is the last one of the level above.
 */
#include "base/compat.h"

#include <math.h>

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "model/popularity_counts.h"
#include "model/refresh_group.h"
#include "model/table_layout.h"
#include "model/verify.h"

/* What is thought of an item in a segment: a rate, and how many observations it is worth. */
typedef struct Estimate
{
	double		mean;
	double		strength;
} Estimate;

/* The segment that was last looked at on a level, with what the level below falls back on. */
typedef struct Level
{
	Estimate   *estimate;		/* by item; strength NaN: none */
	uint32		num_items;
	uint32	   *item;			/* that have one */
	uint32		num_best;
	uint32	   *best;			/* the list */
} Level;

typedef struct Pass
{
	/* immutable */
	const PopularityDef *def;
	ItemTable  *items;
	const uint32 *order;		/* by code: place among the keys; NULL where keys are numbers */
	MemoryContext context;
	MemoryContext row_context;
	void		(*visit) (struct Pass *pass, const FaceRow *row);

	CounterTableRow stored;		/* being read */

	/* the segment at hand */
	ArrayType  *segment;		/* NULL: before the first */
	int			level;
	double	   *n[POPULARITY_MAX_WHAT];	/* by item */
	bool	   *met;			/* by item */
	uint32		num_met;
	uint32	   *item;
	double		total[POPULARITY_MAX_WHAT];
	Level	   *levels;			/* num_by + 1 */
	CooccurNeighbor *list;
	double	   *unit[POPULARITY_MAX_WHAT];	/* value of a unit by epoch from the first that counts on */
	int32		last_epoch[POPULARITY_MAX_WHAT];

	/* for the visitor */
	Keyset		seen;			/* segments, as bytes */
	ServerEnv	server;
	TableWriter *writer;		/* of the face */
	Relation	face;
	KeyScan    *scan;
	int64		num_written;
	VerifySink	sink;
	void	   *arg;
} Pass;

/* ---------------------------------------------------------------- scores */

/* The words of the whole shop are the last; what is in a segment is a part of what it falls back on, which bounds what that is worth. */
static Estimate
prior_of(const Pass *pass, const Estimate *parent)
{
	const PopularityDef *def = pass->def;
	Estimate	prior = {0, 0};

	if (parent != NULL)
	{
		prior.mean = parent->mean;
		prior.strength = def->ranks == POPULARITY_SHARE || def->ranks == POPULARITY_REPEAT ? def->kappa : Min(def->kappa, parent->strength);
	}
	else if (def->ranks == POPULARITY_TRENDING)
		prior = (Estimate) {1, def->alpha};
	else if (def->ranks == POPULARITY_REPEAT && pass->total[0] > 0)
		prior = (Estimate) {pass->total[1] / pass->total[0], def->kappa};
	return prior;
}

/* How much of `what` was to be expected of that many observations. */
static double
estimate(const Pass *pass, uint32 item, const Estimate *parent, Estimate *result)
{
	const PopularityDef *def = pass->def;
	Estimate	prior = prior_of(pass, parent);
	double		seen;
	double		of;

	switch (def->ranks)
	{
		case POPULARITY_SHARE:
			seen = pass->n[0][item];
			of = pass->total[0];
			break;
		case POPULARITY_TRENDING:
			/* a steady rate r makes r·h/ln 2 of either half-life */
			seen = pass->n[0][item];
			of = pass->n[1][item] * ((double) def->decay[0].half_life / def->decay[1].half_life);
			break;
		default:
			seen = pass->n[1][item];
			of = pass->n[0][item];
			break;
	}
	result->strength = of + prior.strength;
	result->mean = result->strength > 0 ? (seen + prior.strength * prior.mean) / result->strength : 0;
	if (def->ranks == POPULARITY_TRENDING)
		return rate_lower_bound(result->mean * result->strength, result->strength);
	if (def->ranks == POPULARITY_CONVERSION)
		return share_lower_bound(result->mean * result->strength, result->strength);
	return result->mean;
}

/* ---------------------------------------------------------------- one segment */

/* Ties by key, as everywhere. */
static int
compare_scored(const void *x, const void *y, void *arg)
{
	const CooccurNeighbor *a = x;
	const CooccurNeighbor *b = y;
	const Pass *pass = arg;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (pass->order)
		return pass->order[a->item] < pass->order[b->item] ? -1 : pass->order[a->item] > pass->order[b->item];
	return pass->items->keys.number[a->item] < pass->items->keys.number[b->item] ? -1 :
		pass->items->keys.number[a->item] > pass->items->keys.number[b->item];
}

static void
meet(Pass *pass, uint32 item)
{
	if (pass->met[item])
		return;
	pass->met[item] = true;
	pass->item[pass->num_met++] = item;
}

/* What the level above thinks of an item; of one that it has never met, nothing. */
static const Estimate *
parent_estimate(const Pass *pass, uint32 item)
{
	static const Estimate nothing = {0, 0};
	const Estimate *found;

	if (pass->level == 0)
		return NULL;
	found = &pass->levels[pass->level - 1].estimate[item];
	return isnan(found->strength) ? &nothing : found;
}

static void
forget_level(Level *level)
{
	for (uint32 i = 0; i < level->num_items; i++)
		level->estimate[level->item[i]].strength = NAN;
	level->num_items = level->num_best = 0;
}

/* Moves the first of a heap, whose worst comes first, to where it belongs. */
static void
sift(Pass *pass, uint32 n)
{
	CooccurNeighbor *heap = pass->list;
	CooccurNeighbor moved = heap[0];
	uint32		at = 0;

	for (uint32 child = 1; child < n; child = 2 * at + 1)
	{
		if (child + 1 < n && compare_scored(&heap[child + 1], &heap[child], pass) > 0)
			child++;
		if (compare_scored(&heap[child], &moved, pass) <= 0)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

/* Keeps the best: few of the many that come late are better than the worst that is kept. */
static void
offer(Pass *pass, const CooccurNeighbor *scored, uint32 *n)
{
	uint32		at = *n;

	if (*n == (uint32) pass->def->keep)
	{
		if (compare_scored(scored, &pass->list[0], pass) < 0)
		{
			pass->list[0] = *scored;
			sift(pass, *n);
		}
		return;
	}
	for (; at > 0 && compare_scored(scored, &pass->list[(at - 1) / 2], pass) > 0; at = (at - 1) / 2)
		pass->list[at] = pass->list[(at - 1) / 2];
	pass->list[at] = *scored;
	(*n)++;
}

/* An item that is nowhere in the segment may still be among its best: then it is among the best of what the segment is part of. */
static uint32
score_segment(Pass *pass)
{
	Level	   *level = &pass->levels[pass->level];
	uint32		n = 0;

	if (pass->level > 0)
		for (uint32 i = 0; i < level[-1].num_best; i++)
			meet(pass, level[-1].best[i]);
	forget_level(level);
	for (uint32 i = 0; i < pass->num_met; i++)
	{
		uint32		item = pass->item[i];
		double		score = estimate(pass, item, parent_estimate(pass, item), &level->estimate[item]);

		level->item[level->num_items++] = item;
		if (score > 0)
			offer(pass, &(CooccurNeighbor) {.score = score, .count = pass->n[0][item], .item = item}, &n);
	}
	qsort_arg(pass->list, n, sizeof(CooccurNeighbor), compare_scored, pass);
	for (uint32 i = 0; i < n; i++)
		level->best[level->num_best++] = pass->list[i].item;
	return n;
}

static void
end_segment(Pass *pass)
{
	FaceRow		row;

	if (pass->segment == NULL)
		return;
	row = (FaceRow) {.n = pass->total[0], .size = score_segment(pass), .neighbor = pass->list};
	pass->visit(pass, &row);
	for (uint32 i = 0; i < pass->num_met; i++)
	{
		pass->met[pass->item[i]] = false;
		for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
			pass->n[what][pass->item[i]] = 0;
	}
	pass->num_met = 0;
	memset(pass->total, 0, sizeof(pass->total));
	pfree(pass->segment);
	pass->segment = NULL;
}

/* ---------------------------------------------------------------- counters */

static void pg_attribute_noreturn()
fail_damaged(const Pass *pass, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the counters of %s are damaged", registry_name(pass->def->follower.relation)),
			 errdetail("%s", detail),
			 errhint("Make it again: CALL personalize.refresh(%s, rebuild => true).",
					 quote_literal_cstr(registry_name(pass->def->follower.relation)))));
}

/* Segments that are part of one another come one after the other. */
static void
begin_segment(Pass *pass, Datum segment)
{
	ArrayType  *array = (ArrayType *) PG_DETOAST_DATUM_COPY(segment);
	int			level = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];

	end_segment(pass);
	if (ARR_NDIM(array) > 1 || ARR_HASNULL(array) || level > pass->def->num_by)
		fail_damaged(pass, "A segment is no list of values.");
	if (level > 0 && pass->levels[level - 1].num_items == 0)
		fail_damaged(pass, "A segment stands without what it is part of.");
	/* what was below the last one is not below this */
	for (int below = level + 1; below <= pass->def->num_by; below++)
		forget_level(&pass->levels[below]);
	pass->segment = (ArrayType *) MemoryContextAlloc(pass->context, VARSIZE(array));
	memcpy(pass->segment, array, VARSIZE(array));
	pass->level = level;
}

static void
count(Pass *pass, int what, uint32 item, double value)
{
	meet(pass, item);
	pass->n[what][item] += value;
	pass->total[what] += value;
}

static double
unit_value(const Pass *pass, int what, int32 epoch)
{
	const PopularityDef *def = pass->def;

	if (def->decay[what].half_life == 0)
		return 1.0 / DECAY_UNIT;
	if (epoch > pass->last_epoch[what])
		return 0;
	return pass->unit[what][epoch - def->first_epoch[what]];
}

static void
read_counters(Pass *pass, Relation counts, HeapTuple tuple)
{
	CounterTableRow *stored = &pass->stored;
	bool		isnull;
	Datum		segment = heap_getattr(tuple, COUNTER_SEGMENT, RelationGetDescr(counts), &isnull);
	int			what;

	counters_read_row(&pass->server.env, counts, tuple, stored);
	what = stored->what;
	if (what == POPULARITY_TIMES)
		return;
	if (pass->segment == NULL || !model_row_same_bytes(segment, false, PointerGetDatum(pass->segment)))
		begin_segment(pass, segment);
	for (uint32 c = 0; c < stored->row.size; c++)
	{
		const CounterCell *cell = &stored->row.cell[c];
		int64		item = (int64) stored->chunk * COUNTER_ROW_ITEMS + cell->place;

		/* whoever only compares has said so already, as of any counter that is not to be there */
		if (pass->sink && (item < 0 || item >= pass->items->keys.size || what < 0 || what >= POPULARITY_MAX_WHAT))
			continue;
		if (item < 0 || item >= pass->items->keys.size)
			fail_damaged(pass, "There is an item that the catalog does not have.");
		if (what < 0 || what >= POPULARITY_MAX_WHAT)
			fail_damaged(pass, "There is a counter of no known kind.");
		if (cell->epoch >= pass->def->first_epoch[what])
			count(pass, what, (uint32) item, cell->sum * unit_value(pass, what, cell->epoch));
	}
}

/* ---------------------------------------------------------------- all segments */

static void
init_units(Pass *pass, int what)
{
	const Decay *decay = &pass->def->decay[what];
	int32		first = pass->def->first_epoch[what];
	int32		last = decay_epoch(decay, pass->def->as_of);

	if (decay->half_life == 0)
		return;
	pass->last_epoch[what] = Max(last, first - 1);
	pass->unit[what] = palloc0((pass->last_epoch[what] - first + 2) * sizeof(double));
	for (int32 epoch = first; epoch <= last; epoch++)
		pass->unit[what][epoch - first] = decay_unit_value(decay, epoch, pass->def->as_of);
}

static void
init_pass(Pass *pass, const PopularityDef *def, ItemTable *items)
{
	uint32		size = Max(items->keys.size, 1);

	memset(pass, 0, sizeof(Pass));
	pass->def = def;
	pass->items = items;
	pass->context = AllocSetContextCreate(CurrentMemoryContext, "personalize popularity", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(pass->context);
	pass->row_context = AllocSetContextCreate(pass->context, "personalize popularity row", ALLOCSET_SMALL_SIZES);
	pass->order = key_is_number(items->type) ? NULL : item_table_order(items);
	pass->met = palloc0(size * sizeof(bool));
	pass->item = MemoryContextAllocHuge(pass->context, size * sizeof(uint32));
	pass->list = palloc(def->keep * sizeof(CooccurNeighbor));
	pass->levels = palloc0((def->num_by + 1) * sizeof(Level));
	for (int l = 0; l <= def->num_by; l++)
	{
		pass->levels[l].estimate = MemoryContextAllocHuge(pass->context, size * sizeof(Estimate));
		pass->levels[l].item = MemoryContextAllocHuge(pass->context, size * sizeof(uint32));
		pass->levels[l].best = palloc(def->keep * sizeof(uint32));
		for (uint32 i = 0; i < size; i++)
			pass->levels[l].estimate[i].strength = NAN;
	}
	for (int what = 0; what < POPULARITY_MAX_WHAT; what++)
	{
		pass->n[what] = MemoryContextAllocHuge(pass->context, size * sizeof(double));
		memset(pass->n[what], 0, size * sizeof(double));
		init_units(pass, what);
	}
	server_env_init(&pass->server, pass->context);
	keyset_init(&pass->server.env, &pass->seen, false);
}

static void
run_pass(Pass *pass)
{
	Relation	counts = table_open(pass->def->counts, AccessShareLock);
	KeyScan    *scan = key_scan_open(counts, 0, GetActiveSnapshot());
	HeapTuple	tuple;

	key_scan_start(scan, NULL);
	while ((tuple = key_scan_next(scan)) != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(pass->row_context);

		CHECK_FOR_INTERRUPTS();
		read_counters(pass, counts, tuple);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(pass->row_context);
	}
	end_segment(pass);
	key_scan_close(scan);
	table_close(counts, NoLock);
}

/* ---------------------------------------------------------------- writing */

static bool
was_seen(const Pass *pass, HeapTuple tuple)
{
	bool		isnull;
	ArrayType  *segment = DatumGetArrayTypeP(heap_getattr(tuple, POPULAR_SEGMENT, RelationGetDescr(pass->face), &isnull));

	return keyset_find_bytes(&pass->seen, segment, VARSIZE(segment)) != KEYSET_NONE;
}

static HeapTuple
find_face(Pass *pass)
{
	Datum		key = PointerGetDatum(pass->segment);

	keyset_add_bytes(&pass->server.env, &pass->seen, pass->segment, VARSIZE(pass->segment));
	key_scan_start(pass->scan, &key);
	return key_scan_next(pass->scan);
}

static void
write_face(Pass *pass, const FaceRow *row)
{
	HeapTuple	old = find_face(pass);
	MemoryContext caller = MemoryContextSwitchTo(table_writer_scratch(pass->writer));
	Datum	   *values;
	bool	   *nulls;
	bool	   *replace;

	StaticAssertStmt((int) POPULAR_N == (int) FACE_N && (int) POPULAR_SCORES == (int) FACE_SCORES, "lists stand in the columns of a face");
	table_writer_blank(pass->writer, &values, &nulls, &replace);
	face_lists_set(values, nulls, pass->items, row);
	values[POPULAR_SEGMENT - 1] = PointerGetDatum(pass->segment);
	pass->num_written++;
	if (old == NULL)
		table_writer_insert(pass->writer, values, nulls);
	else if (face_lists_differ(pass->face, old, values, replace))
		table_writer_update(pass->writer, old, values, nulls, replace);
	else
		pass->num_written--;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(table_writer_scratch(pass->writer));
}

/* Lists of segments that nobody is in any more. */
static void
each_unseen(Pass *pass, void (*found) (Pass *pass, HeapTuple tuple))
{
	TableScanDesc scan = table_beginscan(pass->face, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		if (!was_seen(pass, tuple))
			found(pass, tuple);
	table_endscan(scan);
}

static void
delete_unseen(Pass *pass, HeapTuple tuple)
{
	table_writer_delete(pass->writer, tuple);
	pass->num_written++;
}

int64
popularity_write_faces(const PopularityDef *def, ItemTable *items)
{
	MemoryContext caller = CurrentMemoryContext;
	Pass		pass;

	init_pass(&pass, def, items);
	pass.visit = write_face;
	pass.writer = table_writer_open(def->follower.relation);
	pass.face = table_writer_relation(pass.writer);
	pass.scan = key_scan_open(pass.face, 1, GetActiveSnapshot());
	run_pass(&pass);
	each_unseen(&pass, delete_unseen);
	key_scan_close(pass.scan);
	table_writer_close(pass.writer);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(pass.context);
	return pass.num_written;
}

/* ---------------------------------------------------------------- comparing */

static void
differ(const Pass *pass, const char *what, const char *item, double stored, double expected)
{
	if (stored != expected)
		pass->sink(pass->arg, what, item, segment_text(PointerGetDatum(pass->segment)), stored, expected);
}

static char *
key_text(const Pass *pass, uint32 item)
{
	return verify_key_text(pass->items->type, item_table_key(pass->items, item));
}

static void
compare_face(Pass *pass, const FaceRow *row)
{
	HeapTuple	tuple = find_face(pass);
	FaceRow		stored = {0};

	differ(pass, "face", NULL, tuple != NULL, 1);
	if (tuple == NULL)
		return;
	face_lists_read(pass->face, tuple, pass->items, &stored);
	differ(pass, "n", NULL, stored.n, row->n);
	differ(pass, "items", NULL, stored.size, row->size);
	for (uint32 i = 0; i < Min(stored.size, row->size); i++)
	{
		const CooccurNeighbor *s = &stored.neighbor[i];
		const CooccurNeighbor *e = &row->neighbor[i];

		if (s->item != e->item)
			differ(pass, "items", key_text(pass, e->item), NAN, i + 1);
		differ(pass, "counts", key_text(pass, e->item), s->count, e->count);
		differ(pass, "scores", key_text(pass, e->item), s->score, e->score);
	}
}

static void
report_unseen(Pass *pass, HeapTuple tuple)
{
	bool		isnull;

	pass->sink(pass->arg, "face", NULL, segment_text(heap_getattr(tuple, POPULAR_SEGMENT, RelationGetDescr(pass->face), &isnull)), 1, 0);
}

void
popularity_compare_faces(const PopularityDef *def, ItemTable *items, VerifySink sink, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	Pass		pass;

	init_pass(&pass, def, items);
	pass.visit = compare_face;
	pass.sink = sink;
	pass.arg = arg;
	pass.face = table_open(def->follower.relation, AccessShareLock);
	pass.scan = key_scan_open(pass.face, 1, GetActiveSnapshot());
	run_pass(&pass);
	each_unseen(&pass, report_unseen);
	key_scan_close(pass.scan);
	table_close(pass.face, NoLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(pass.context);
}
