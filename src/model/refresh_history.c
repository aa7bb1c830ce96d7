/*
 * refresh_history.c
 *		Changed baskets: read again from the shop's tables, compared with what the history
 *		has, and their difference handed to the models.
 *
 * Baskets come in the order of their keys, in batches: new items of a batch get codes before anything with
 * these codes is written.  Counts are linear in the baskets, so changes can be applied
 * whenever they take too much memory.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/progress.h"
#include "model/history_row.h"
#include "model/refresh_group.h"
#include "model/source.h"

/* Baskets of one statement: enough to spread its cost, few enough for their rows to be held. */
#define BATCH_BASKETS	1000

/* The rows of one history for the baskets of a batch. */
typedef struct BatchRows
{
	SourceItem *item;			/* basket by basket */
	uint64		num_items;
	uint64		room;
	uint64		start[BATCH_BASKETS];
	uint64		end[BATCH_BASKETS];
} BatchRows;

typedef struct Batch
{
	RefreshGroup *group;
	MemoryContext context;		/* reset after each batch */
	MemoryContext scratch;		/* reset after each basket */
	const uint32 *order;		/* code of a changed basket -> its place among their keys */
	const uint32 *at;			/* and back */
	uint32		first;			/* place of the batch's first basket */
	uint32		size;
	Datum		key[BATCH_BASKETS];
	BatchRows  *rows;			/* by history */
	BatchRows  *reading;		/* those of the history that is being read */
} Batch;

/* --- which baskets ------------------------------------------------------- */

Datum
refresh_basket_key(const RefreshGroup *group, uint32 code)
{
	return key_datum(&group->baskets, group->basket_type, code, group->basket_type);
}

/* Flags grow by doubling; those of codes that another history has added meanwhile are false. */
void
refresh_add_basket(RefreshGroup *group, GroupHistory *history, Datum basket)
{
	Env		   *env = &group->server.env;
	uint32		code = key_add(env, &group->baskets, group->basket_type, basket);

	if (code >= history->changed_room)
	{
		uint32		room = Max(code + 1, history->changed_room * 2);

		history->changed = env_resize(env, history->changed, room, sizeof(bool));
		memset(history->changed + history->changed_room, 0, room - history->changed_room);
		history->changed_room = room;
	}
	history->changed[code] = true;
}

static bool
has_changed(const GroupHistory *history, uint32 code)
{
	return code < history->changed_room && history->changed[code];
}

/* --- reading the rows of a batch ----------------------------------------- */

static uint32
place_in_batch(const Batch *batch, Datum basket)
{
	const RefreshGroup *group = batch->group;
	uint32		code = key_find(&group->baskets, group->basket_type, key_type_oid(group->basket_type), basket);

	if (code == KEYSET_NONE || batch->order[code] - batch->first >= batch->size)
		elog(ERROR, "source has rows of a basket that was not asked for");
	return batch->order[code] - batch->first;
}

static void
take_row(void *arg, const SourceRow *row)
{
	Batch	   *batch = arg;
	RefreshGroup *group = batch->group;
	BatchRows  *rows = batch->reading;
	uint32		place = place_in_batch(batch, row->basket);

	if (rows->num_items == rows->room)
	{
		rows->room = rows->room * 2 + 1024;
		rows->item = env_resize(&group->server.env, rows->item, rows->room, sizeof(SourceItem));
	}
	if (rows->start[place] == rows->end[place])
		rows->start[place] = rows->end[place] = rows->num_items;
	/* what follows relies on it */
	if (rows->end[place] != rows->num_items)
		elog(ERROR, "rows of a basket do not come together");
	rows->item[rows->num_items++] = (SourceItem)
	{
		.code = item_table_code(group->items, row->item),
		.happened = row->happened,
		.weight = row->weight,
	};
	rows->end[place]++;
}

static void
read_history(Batch *batch, int h)
{
	GroupHistory *history = &batch->group->history[h];
	Datum	   *wanted = palloc(batch->size * sizeof(Datum));
	int			n = 0;

	batch->reading = &batch->rows[h];
	batch->reading->num_items = 0;
	memset(batch->reading->start, 0, sizeof(batch->reading->start));
	memset(batch->reading->end, 0, sizeof(batch->reading->end));
	for (uint32 b = 0; b < batch->size; b++)
		if (has_changed(history, batch->at[batch->first + b]))
			wanted[n++] = batch->key[b];
	if (n > 0)
		source_fetch(history->def, history->def->horizon_start, wanted, n, take_row, batch);
	history->report.baskets += n;
}

/* Codes first: another refresh may have given some meanwhile. */
static void
settle_codes(Batch *batch)
{
	RefreshGroup *group = batch->group;
	ItemTable  *items = group->items;
	uint32	   *final = items->keys.size > items->num_stored ? item_table_store(items) : NULL;
	const uint32 *order = key_is_number(items->type) ? NULL : item_table_order(items);

	for (int h = 0; h < group->num_histories; h++)
		for (uint64 i = 0; i < batch->rows[h].num_items; i++)
		{
			SourceItem *item = &batch->rows[h].item[i];

			if (final != NULL)
				item->code = final[item->code];
			/* numbers need no table of places: with the sign bit flipped they order as they are */
			item->key = order ? order[item->code] : (uint64) items->keys.number[item->code] ^ UINT64CONST(0x8000000000000000);
		}
}

/* --- one basket ---------------------------------------------------------- */

static void
read_old(Batch *batch, GroupHistory *history, Datum key)
{
	Env		   *env = &batch->group->server.env;

	key_scan_start(history->scan, &key);
	history->old_tuple = key_scan_next(history->scan);
	if (history->old_tuple != NULL)
	{
		Relation	relation = table_writer_relation(history->writer);

		history_row_read(env, relation, history->old_tuple, &history->old);
		history_row_guard_codes(relation, &history->old, batch->group->items->keys.size);
	}
	else
	{
		history->old.basket.size = 0;
		history->old.happened = history->old.oldest = DT_NOBEGIN;
	}
}

/* A basket that has not changed in this history is what it was. */
static const Basket *
new_basket(const GroupHistory *history, bool changed)
{
	return changed ? &history->new.basket : &history->old.basket;
}

static void
diff_model(GroupModel *model, uint32 code)
{
	const GroupHistory *source = model->source;
	const GroupHistory *target = model->target;
	bool		changed = has_changed(source, code) || (target && has_changed(target, code));

	if (model->apply == NULL || !changed)
		return;
	pairs_diff(&model->changes, &source->old.basket, target ? &target->old.basket : NULL,
			   new_basket(source, has_changed(source, code)),
			   target ? new_basket(target, has_changed(target, code)) : NULL);
}

/* A history that has not changed there is what it was, also where the follower's other one has. */
static const HistoryRow *
new_row(const GroupHistory *history, uint32 code)
{
	return has_changed(history, code) ? &history->new : &history->old;
}

static void
tell_follower(GroupFollower *follower, uint32 code, Datum basket)
{
	const GroupHistory *source = follower->source;
	const GroupHistory *target = follower->target;
	FollowerChange change = {.basket = basket, .old = &source->old, .new = new_row(source, code)};

	if (follower->state == NULL || !(has_changed(source, code) || (target && has_changed(target, code))))
		return;
	if (target)
	{
		change.old_target = &target->old;
		change.new_target = new_row(target, code);
	}
	follower->def->kind->change(follower->state, &change);
}

static void
write_new(GroupHistory *history, Datum key)
{
	bool		was = history->old.basket.size > 0;
	bool		is = history->new.basket.size > 0;

	history_row_write(history->writer, history->old_tuple, key, &history->new);
	history->def->num_baskets += is - was;
}

static void
refresh_one(Batch *batch, uint32 b)
{
	RefreshGroup *group = batch->group;
	uint32		code = batch->at[batch->first + b];

	for (int h = 0; h < group->num_histories; h++)
	{
		GroupHistory *history = &group->history[h];
		BatchRows  *rows = &batch->rows[h];

		read_old(batch, history, batch->key[b]);
		if (has_changed(history, code))
			history_row_make(&group->server.env, history->def, group->items, batch->key[b],
							 rows->item + rows->start[b], (uint32) (rows->end[b] - rows->start[b]), &history->new);
	}
	for (int m = 0; m < group->num_models; m++)
		diff_model(&group->model[m], code);
	for (int f = 0; f < group->num_followers; f++)
		tell_follower(&group->follower[f], code, batch->key[b]);
	for (int h = 0; h < group->num_histories; h++)
		if (has_changed(&group->history[h], code))
			write_new(&group->history[h], batch->key[b]);
}

/* --- all of them --------------------------------------------------------- */

/* Arrays grow by doubling, and a fold needs as much again as there are changes. */
static Size
changes_allowed(const RefreshGroup *group)
{
	return (Size) maintenance_work_mem * 1024 / 4 / Max(group->num_models, 1);
}

static Size
changes_size(const PairChanges *changes)
{
	return changes->num_pairs * sizeof(PairChange) + changes->num_marginals * sizeof(MarginalChange) +
		changes->num_totals * sizeof(TotalChange);
}

/*
 * Many changes are often changes of the same pairs, so that folding makes room.  If not, they are applied; that is
 * put off as long as there is room, because each round looks at most rows again.
 */
static void
shrink_changes(RefreshGroup *group, GroupModel *model)
{
	Size		allowed = changes_allowed(group);

	if (model->apply == NULL || changes_size(&model->changes) <= allowed)
		return;
	pairs_fold(&model->changes);
	if (changes_size(&model->changes) <= allowed / 2)
		return;
	apply_changes(model->apply, &model->changes, false);
	progress_phase(PROGRESS_REFRESHING);
}

static void
run_batch(Batch *batch)
{
	RefreshGroup *group = batch->group;
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	for (uint32 b = 0; b < batch->size; b++)
		batch->key[b] = refresh_basket_key(group, batch->at[batch->first + b]);
	for (int h = 0; h < group->num_histories; h++)
		read_history(batch, h);
	settle_codes(batch);
	MemoryContextSwitchTo(batch->scratch);
	for (uint32 b = 0; b < batch->size; b++)
	{
		CHECK_FOR_INTERRUPTS();
		refresh_one(batch, b);
		MemoryContextReset(batch->scratch);
		/* after every basket, as one of many items can have very many pairs */
		for (int m = 0; m < group->num_models; m++)
			shrink_changes(group, &group->model[m]);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(batch->context);
}

static void
open_tables(RefreshGroup *group)
{
	for (int h = 0; h < group->num_histories; h++)
	{
		GroupHistory *history = &group->history[h];

		history->writer = table_writer_open(history->def->relation);
		history->scan = key_scan_open(table_writer_relation(history->writer), 1, GetActiveSnapshot());
	}
	for (int m = 0; m < group->num_models; m++)
	{
		GroupModel *model = &group->model[m];

		if (!model->def->built)
			continue;
		pairs_init(&group->server.env, &model->changes, model->def->shape);
		model->apply = apply_create(group->server.context, model->def, group->items->keys.size);
	}
}

/* What was gathered for histories is written before models are: those may be scored from new items. */
static void
close_tables(RefreshGroup *group)
{
	for (int h = 0; h < group->num_histories; h++)
	{
		key_scan_close(group->history[h].scan);
		table_writer_close(group->history[h].writer);
	}
	for (int m = 0; m < group->num_models; m++)
		if (group->model[m].apply != NULL)
			apply_changes(group->model[m].apply, &group->model[m].changes, true);
}

static uint32 *
invert(Env *env, const uint32 *order, uint32 n)
{
	uint32	   *at = env_alloc(env, n, sizeof(uint32));

	for (uint32 i = 0; i < n; i++)
		at[order[i]] = i;
	return at;
}

static Batch *
open_batch(RefreshGroup *group)
{
	Env		   *env = &group->server.env;
	Batch	   *batch = palloc0(sizeof(Batch));

	batch->group = group;
	batch->context = AllocSetContextCreate(group->server.context, "personalize batch", ALLOCSET_DEFAULT_SIZES);
	batch->scratch = AllocSetContextCreate(group->server.context, "personalize basket", ALLOCSET_DEFAULT_SIZES);
	batch->order = keyset_order(env, &group->baskets);
	batch->at = invert(env, batch->order, group->baskets.size);
	batch->rows = palloc0(group->num_histories * sizeof(BatchRows));
	return batch;
}

void
refresh_begin_followers(RefreshGroup *group)
{
	if (group->num_followers > 0 && group->items == NULL)
		group->items = item_table_load(group->server.context, group->catalog);
	for (int f = 0; f < group->num_followers; f++)
	{
		GroupFollower *follower = &group->follower[f];

		if (follower->def->built && follower->state == NULL)
			follower->state = follower->def->kind->begin(group, follower->def);
	}
}

void
refresh_baskets(RefreshGroup *group)
{
	Batch	   *batch = open_batch(group);
	bool		begun = progress_begin(PROGRESS_REFRESHING);

	group->items = item_table_load(group->server.context, group->catalog);
	open_tables(group);
	refresh_begin_followers(group);
	while (batch->first < group->baskets.size)
	{
		progress_update(batch->first, group->baskets.size);
		batch->size = Min(BATCH_BASKETS, group->baskets.size - batch->first);
		run_batch(batch);
		batch->first += batch->size;
	}
	close_tables(group);
	progress_end(begun);
}
