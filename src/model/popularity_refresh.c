/*
 * popularity_refresh.c
 *		Popularity, kept while its history is refreshed.
 */
#include "base/compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/popularity_counts.h"
#include "model/refresh_group.h"

/* Baskets of one statement that reads their segments. */
#define BATCH_BASKETS 1000

typedef struct Refresh
{
	PopularityDef *def;
	RefreshGroup *group;
	MemoryContext context;
	CounterSet *set;
	uint32	   *segment;		/* by code of the group's changed baskets; NULL without segments */
	Members		members;
	bool		changed;		/* any counter */
	bool		expired;		/* some of them are too old, as it seems */
} Refresh;

/* ---------------------------------------------------------------- segments of the changed baskets */

static void
take_segment(void *arg, Datum basket, Datum segment)
{
	Refresh    *r = arg;
	uint32		code = key_find(&r->group->baskets, r->group->basket_type, key_type_oid(r->group->basket_type), basket);

	if (code == KEYSET_NONE)
		elog(ERROR, "a segment comes for a basket that was not asked for");
	r->segment[code] = counters_segment(r->set, segment);
}

/* Which baskets change is known when the refresh begins, and all are asked for then, many at a time. */
static void
fetch_segments(Refresh *r)
{
	const RefreshGroup *group = r->group;
	MemoryContext batch = AllocSetContextCreate(r->context, "personalize segments", ALLOCSET_DEFAULT_SIZES);
	Datum	   *key = palloc(BATCH_BASKETS * sizeof(Datum));

	r->segment = MemoryContextAllocHuge(r->context, Max(group->baskets.size, 1) * sizeof(uint32));
	memset(r->segment, 0, group->baskets.size * sizeof(uint32));
	for (uint32 first = 0; first < group->baskets.size; first += BATCH_BASKETS)
	{
		int			n = Min(BATCH_BASKETS, group->baskets.size - first);
		MemoryContext caller = MemoryContextSwitchTo(batch);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			key[i] = refresh_basket_key(group, first + i);
		segments_fetch(r->def, group->basket_type, key, n, take_segment, r);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch);
	}
	pfree(key);
	MemoryContextDelete(batch);
}

/* ---------------------------------------------------------------- one basket */

/* A share of what maintenance may take: other models of the group have theirs. */
static Size
counters_memory(const RefreshGroup *group)
{
	return (Size) maintenance_work_mem * 1024 / 4 / Max(group->num_followers, 1);
}

void *
popularity_begin(struct RefreshGroup *group, FollowerDef *follower)
{
	MemoryContext context = AllocSetContextCreate(group->server.context, "personalize popularity refresh", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Refresh    *r = palloc0(sizeof(Refresh));

	r->def = (PopularityDef *) follower;
	r->group = group;
	r->context = context;
	r->set = counters_create(context, counters_memory(group));
	if (OidIsValid(r->def->members))
	{
		fetch_segments(r);
		members_open(&r->members, r->def->members, true);
	}
	MemoryContextSwitchTo(caller);
	return r;
}

/* Only what was counted has a segment that is kept. */
static uint32
move_member(Refresh *r, const FollowerChange *change, uint32 *was)
{
	uint32		code;
	uint32		is = SEGMENT_SHOP;
	ArrayType  *old;

	*was = SEGMENT_SHOP;
	if (!OidIsValid(r->def->members))
		return SEGMENT_SHOP;
	code = key_find(&r->group->baskets, r->group->basket_type, key_type_oid(r->group->basket_type), change->basket);
	if (change->new->basket.size > 0 && code != KEYSET_NONE)
		is = r->segment[code];
	old = members_find(&r->members, change->basket);
	if (old != NULL)
		*was = counters_segment(r->set, PointerGetDatum(old));
	if (old != NULL || is != SEGMENT_SHOP)
		members_set(&r->members, change->basket,
					is == SEGMENT_SHOP ? NULL : (ArrayType *) DatumGetPointer(counters_segment_datum(r->set, is)));
	return is;
}

void
popularity_change(void *state, const FollowerChange *change)
{
	Refresh    *r = state;
	uint32		was;
	uint32		is = move_member(r, change, &was);

	counters_add_basket(r->set, r->def, was, -1, change->old, change->old_target, 0, UINT32_MAX);
	counters_add_basket(r->set, r->def, is, 1, change->new, change->new_target, 0, UINT32_MAX);
	counters_add_time(r->set, r->def, -1, change->old, true);
	/* that this has expired depends on where the last event will be */
	r->expired |= counters_add_time(r->set, r->def, 1, change->new, false);
	r->changed = true;
	if (counters_are_full(r->set))
	{
		MemoryContext caller = MemoryContextSwitchTo(r->context);

		counters_apply(r->set, r->def);
		refresh_see_own_writes();
		MemoryContextSwitchTo(caller);
	}
}

static int64
num_baskets(const Refresh *r)
{
	for (int h = 0; h < r->group->num_histories; h++)
		if (r->group->history[h].def->id == r->def->follower.history_id)
			return r->group->history[h].def->num_baskets;
	return 0;
}

/*
 * Counters were kept for the epochs that counted so far.  Where the last events are gone, or were the first of all, earlier ones count as well: false.
 */
static bool
move_time(Refresh *r, bool *moved)
{
	PopularityDef *def = r->def;
	int32		first = def->first_epoch[0];
	int32		second = def->first_epoch[1];
	int32		quarter = 0;
	bool		any = popularity_last_quarter(def, &quarter);

	*moved = popularity_set_time(def, any, quarter);
	if (def->decay[0].half_life == 0)
		return true;
	if (!any && num_baskets(r) > 0)
		return false;
	if (def->first_epoch[0] < first || def->first_epoch[1] < second)
		return false;
	if (r->expired || def->first_epoch[0] > first || def->first_epoch[1] > second)
		popularity_delete_expired(def);
	return true;
}

void
popularity_finish(void *state, RefreshReport *report)
{
	Refresh    *r = state;
	bool		moved;

	if (OidIsValid(r->def->members))
		members_close(&r->members);
	if (r->changed)
	{
		counters_apply(r->set, r->def);
		refresh_see_own_writes();
	}
	if (!move_time(r, &moved))
		popularity_build(r->group, &r->def->follower, report);
	else if (r->changed || moved)
		report->items = popularity_write_faces(r->def, r->group->items);
	MemoryContextDelete(r->context);
}
