/*
 * apply.c
 *		Changes of counts into the pair table of a model.
 *
 * Rows are visited in the order of their key, each once a round.  A change goes into the row's delta, so that
 * a long base, which lies in TOAST, is neither read nor written; only when the delta has grown long is it merged.
 */
#include "base/compat.h"

#include <math.h>

#include "access/detoast.h"
#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/progress.h"
#include "model/apply.h"
#include "model/score.h"

/* What a round changes in one row of the table. */
typedef struct RowChange
{
	uint64		row;			/* pairs_row */
	int64		n;
	int64		n_target;
	const uint32 *item;
	const int64 *change;
	uint32		size;
} RowChange;

/* A round in progress. */
typedef struct Round
{
	ModelApply *apply;
	const PairChanges *changes;
	KeyScan    *scan;
	MemoryContext scratch;		/* reset after each row */
	uint64		pair;			/* the next of each that is not applied */
	uint64		marginal;
	uint32	   *item;			/* of the row at hand */
	int64	   *change;
	uint32		room;
} Round;

/* --- before the first round ---------------------------------------------- */

void
apply_reserve(ModelApply *apply, uint32 n)
{
	Env		   *env = &apply->server.env;
	uint32		old = apply->num_items;
	uint32		room = Max(n, old + old / 2);

	if (n <= old)
		return;
	apply->touched = env_resize(env, apply->touched, room, sizeof(bool));
	apply->old_n = env_resize(env, apply->old_n, room, sizeof(int64));
	apply->new_n = env_resize(env, apply->new_n, room, sizeof(int64));
	apply->floor = env_resize(env, apply->floor, room, sizeof(double));
	for (uint32 i = old; i < room; i++)
	{
		apply->touched[i] = false;
		apply->old_n[i] = apply->new_n[i] = 0;
		apply->floor[i] = NAN;
	}
	apply->num_items = room;
}

/* n and floor of every item, in one scan that leaves the bases in TOAST. */
static void
read_marginals(ModelApply *apply, uint32 num_items)
{
	Relation	pairs = table_writer_relation(apply->writer);
	TableScanDesc scan = table_beginscan(pairs, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		PairTableRow row;

		CHECK_FOR_INTERRUPTS();
		pair_table_row_read(pairs, tuple, false, &row);
		/* arrays are made by it */
		if (row.item >= num_items)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("item code %u in %s is none of the catalog's", row.item, registry_name(apply->model->pairs)),
					 errhint("CALL personalize.refresh('%s', rebuild => true) makes the model again.",
							 registry_name(apply->model->relation))));
		apply_reserve(apply, row.item + 1);
		apply->old_n[row.item] = apply->new_n[row.item] = row.n;
		apply->floor[row.item] = row.floor;
	}
	table_endscan(scan);
}

ModelApply *
apply_create(MemoryContext parent, ModelDef *model, uint32 num_items)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize apply", ALLOCSET_DEFAULT_SIZES);
	ModelApply *apply = MemoryContextAllocZero(context, sizeof(ModelApply));

	server_env_init(&apply->server, context);
	apply->model = model;
	apply->keeps_floors = pairs_symmetric(&model->shape) && model->shape.generation_days == 0 && !model->scoring.ridge;
	apply->old_total = model_total(model);
	apply->old_newest = model_newest_generation(model);
	apply->writer = table_writer_open(model->pairs);
	if (apply->keeps_floors)
		read_marginals(apply, num_items);
	return apply;
}

void
apply_free(ModelApply *apply)
{
	table_writer_close(apply->writer);
	MemoryContextDelete(apply->server.context);
}

/* --- totals -------------------------------------------------------------- */

/* So that they are the same as after a build: from the first generation that has baskets to the last. */
static void
trim_totals(ModelDef *model)
{
	int			skip = 0;

	while (model->num_totals > 1 && model->totals[model->num_totals - 1] == 0)
		model->num_totals--;
	while (skip < model->num_totals - 1 && model->totals[skip] == 0)
		skip++;
	if (model->shape.generation_days == 0)
		return;
	model->totals += skip;
	model->num_totals -= skip;
	model->first_generation += skip;
	if (model->num_totals == 1 && model->totals[0] == 0)
		model->first_generation = 0;
}

static bool
has_totals(const ModelDef *model)
{
	return model->num_totals > 1 || (model->num_totals == 1 && model->totals[0] != 0);
}

/* Changed totals ascend by generation, so the first and the last say what range is needed. */
static void
apply_totals(ModelApply *apply, const PairChanges *changes)
{
	ModelDef   *model = apply->model;
	int32		first = changes->total[0].generation;
	int32		last = changes->total[changes->num_totals - 1].generation;
	int64	   *totals;

	if (has_totals(model))
	{
		first = Min(first, model->first_generation);
		last = Max(last, model->first_generation + model->num_totals - 1);
	}
	/* they outlive this: they are the model's */
	totals = MemoryContextAllocExtended(MemoryContextGetParent(apply->server.context),
										(Size) ((int64) last - first + 1) * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (has_totals(model))
		memcpy(totals + (model->first_generation - first), model->totals, model->num_totals * sizeof(int64));
	for (uint64 t = 0; t < changes->num_totals; t++)
		totals[changes->total[t].generation - first] += changes->total[t].change;
	model->totals = totals;
	model->num_totals = last - first + 1;
	model->first_generation = first;
	trim_totals(model);
}

/* --- one row ------------------------------------------------------------- */

static void
fail_negative(const Round *round, const RowChange *change)
{
	const ModelDef *model = round->apply->model;

	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("counts of item code %u in %s do not fit what its history says",
					pairs_row_item(change->row), registry_name(model->pairs)),
			 errdetail("A count would fall below zero, so the table must have been changed by other means."),
			 errhint("CALL personalize.refresh(%s, rebuild => true);", quote_literal_cstr(registry_name(model->relation)))));
}

static unsigned char *
encode_base(const uint32 *items, const int64 *counts, uint32 size, PairTableRow *row)
{
	unsigned char *bytes = palloc_extended(pair_row_encoded_room(size) + 1, MCXT_ALLOC_HUGE);
	unsigned char *end = pair_row_encode(items, counts, size, bytes);

	row->base = wire_reader(bytes, end - bytes);
	row->delta = wire_reader(NULL, 0);
	return bytes;
}

static void
insert_row(Round *round, const RowChange *change)
{
	ModelApply *apply = round->apply;
	PairTableRow row = {
		.item = pairs_row_item(change->row),
		.generation = pairs_row_generation(change->row),
		.n = change->n,
		.n_target = change->n_target,
		.floor = NAN,
	};

	if (change->n < 0 || change->n_target < 0)
		fail_negative(round, change);
	for (uint32 i = 0; i < change->size; i++)
		if (change->change[i] < 0)
			fail_negative(round, change);
	encode_base(change->item, change->change, change->size, &row);
	pair_table_insert(apply->writer, apply->model->shape.directed, &row);
}

/* The size of a base without fetching it. */
static Size
base_size(Relation pairs, HeapTuple tuple)
{
	bool		isnull;
	Datum		base = heap_getattr(tuple, PAIRS_BASE, RelationGetDescr(pairs), &isnull);

	return isnull ? 0 : toast_raw_datum_size(base) - VARHDRSZ;
}

/* Base and delta as one new base; how many entries are left. */
static uint32
merge_row(Round *round, HeapTuple tuple, PairTableRow *row)
{
	Relation	pairs = table_writer_relation(round->apply->writer);
	PairTableRow stored;
	PairRow		entries = {0};
	ServerEnv	server;

	server_env_init(&server, round->scratch);
	pair_table_row_read(pairs, tuple, true, &stored);
	row->base = stored.base;
	pair_table_decode(&server.env, pairs, row, &entries);
	encode_base(entries.item, entries.count, entries.size, row);
	return entries.size;
}

static void
merge_delta(Round *round, const RowChange *change, PairTableRow *row)
{
	size_t		size = wire_left(&row->delta);
	unsigned char *bytes = palloc_extended(pair_delta_encoded_room(size, change->size) + 1, MCXT_ALLOC_HUGE);
	bool		bad = false;
	unsigned char *end = pair_delta_merge(row->delta, change->item, change->change, change->size, bytes, &bad);

	if (bad)
		fail_negative(round, change);
	row->delta = wire_reader(bytes, end - bytes);
}

/* What ridge compares with the row's sum to see whether weights may have gone stale. */
static int64
drift_of(const RowChange *change)
{
	int64		drift = 0;

	for (uint32 i = 0; i < change->size; i++)
		drift += change->change[i] < 0 ? -change->change[i] : change->change[i];
	return drift;
}

static void
update_row(Round *round, HeapTuple tuple, const RowChange *change)
{
	ModelApply *apply = round->apply;
	Relation	pairs = table_writer_relation(apply->writer);
	PairTableRow row;
	bool		new_base = false;

	pair_table_row_read(pairs, tuple, false, &row);
	row.n += change->n;
	row.n_target += change->n_target;
	if (row.n < 0 || row.n_target < 0)
		fail_negative(round, change);
	merge_delta(round, change, &row);
	if (apply->model->scoring.ridge)
		row.drift += drift_of(change);
	/* an item of which nothing is left has a row no longer */
	if ((row.n == 0 && row.n_target == 0) || pair_delta_is_long(base_size(pairs, tuple), wire_left(&row.delta)))
	{
		new_base = true;
		if (merge_row(round, tuple, &row) == 0 && row.n == 0 && row.n_target == 0)
		{
			table_writer_delete(apply->writer, tuple);
			return;
		}
	}
	pair_table_update(apply->writer, tuple, apply->model->shape.directed, new_base, &row);
}

static void
apply_row(Round *round, const RowChange *change)
{
	ModelApply *apply = round->apply;
	uint32		item = pairs_row_item(change->row);
	MemoryContext old = MemoryContextSwitchTo(round->scratch);
	Datum		key[] = {Int32GetDatum((int32) item), Int32GetDatum(pairs_row_generation(change->row))};
	HeapTuple	tuple;

	key_scan_start(round->scan, key);
	tuple = key_scan_next(round->scan);
	if (tuple != NULL)
		update_row(round, tuple, change);
	else
		insert_row(round, change);
	MemoryContextSwitchTo(old);
	MemoryContextReset(round->scratch);
	apply_reserve(apply, item + 1);
	apply->touched[item] = true;
	apply->new_n[item] += change->n;
	apply->n_changed |= change->n != 0;
	apply->target_changed |= (apply->model->shape.directed ? change->n_target : change->n) != 0;
}

/* --- a round ------------------------------------------------------------- */

static uint64
next_row(const Round *round)
{
	const PairChanges *c = round->changes;
	uint64		row = UINT64_MAX;

	if (round->pair < c->num_pairs)
		row = c->pair[round->pair].row;
	if (round->marginal < c->num_marginals)
		row = Min(row, c->marginal[round->marginal].row);
	return row;
}

static void
take_pair(Round *round, RowChange *change)
{
	const PairChange *pair = &round->changes->pair[round->pair++];

	if (change->size == round->room)
	{
		round->room = round->room * 2 + 256;
		round->item = env_resize(&round->apply->server.env, round->item, round->room, sizeof(uint32));
		round->change = env_resize(&round->apply->server.env, round->change, round->room, sizeof(int64));
	}
	round->item[change->size] = (uint32) pair->item;
	round->change[change->size++] = pair->change;
}

/* All changes of the next row; false where none is left. */
static bool
take_row(Round *round, RowChange *change)
{
	const PairChanges *c = round->changes;

	memset(change, 0, sizeof(*change));
	change->row = next_row(round);
	if (change->row == UINT64_MAX)
		return false;
	while (round->pair < c->num_pairs && c->pair[round->pair].row == change->row)
		take_pair(round, change);
	if (round->marginal < c->num_marginals && c->marginal[round->marginal].row == change->row)
	{
		change->n = c->marginal[round->marginal].source;
		change->n_target = c->marginal[round->marginal++].target;
	}
	change->item = round->item;
	change->change = round->change;
	return true;
}

static void
apply_rows(ModelApply *apply, const PairChanges *changes)
{
	Round		round = {.apply = apply, .changes = changes};
	RowChange	change;

	round.scratch = AllocSetContextCreate(apply->server.context, "personalize pair row", ALLOCSET_DEFAULT_SIZES);
	round.scan = key_scan_open(table_writer_relation(apply->writer), 2, GetActiveSnapshot());
	while (take_row(&round, &change))
	{
		env_check(&apply->server.env, round.pair, changes->num_pairs);
		apply_row(&round, &change);
	}
	key_scan_close(round.scan);
	env_release(&apply->server.env, round.item);
	env_release(&apply->server.env, round.change);
	MemoryContextDelete(round.scratch);
}

void
apply_changes(ModelApply *apply, PairChanges *changes, bool last)
{
	bool		begun = progress_begin(PROGRESS_APPLYING);

	progress_phase(PROGRESS_APPLYING);
	pairs_fold(changes);
	if (changes->num_totals > 0)
		apply_totals(apply, changes);
	apply_rows(apply, changes);
	table_writer_flush(apply->writer);
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	apply->num_pairs += changes->num_pairs;
	apply->rounds++;
	progress_end(begun);
	if (last && apply->rounds == 1)
	{
		apply->last = changes->pair;
		apply->num_last = changes->num_pairs;
		return;
	}
	pairs_clear(changes);
}
