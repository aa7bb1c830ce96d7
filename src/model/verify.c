/*
 * verify.c
 *		Whether a model is exact: counts again and compares.
 *
 * In two steps, each with everything there is: the history with the shop's tables, and the model with
 * the history, counted by the same code that builds models.  Where the first finds nothing, the
 * second compares with the shop.  Nothing is written.
 */
#include "base/compat.h"

#include <math.h>

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/guards.h"
#include "model/activity_source.h"
#include "model/build_model.h"
#include "model/build_rows.h"
#include "model/follower.h"
#include "model/refresh.h"
#include "model/segment.h"
#include "model/table_layout.h"
#include "model/verify.h"

typedef struct ModelCheck
{
	/* immutable */
	const ModelDef *model;
	const CountInput *input;
	double		unit;			/* a count of one unit, in baskets without decay */
	Relation	pairs;
	Relation	face;
	KeyScan    *pair_scan;
	KeyScan    *face_scan;
	MemoryContext context;
	MemoryContext item_context; /* reset after every item */
	VerifySink	sink;
	void	   *arg;

	/* mutable: the item at hand */
	ServerEnv	server;			/* in item_context */
	uint32		item;
	uint64		marginal;		/* its first one */
} ModelCheck;

/* --- saying so ------------------------------------------------------------ */

/* Codes beyond the catalog have no key to be shown by. */
static char *
item_text(const ModelCheck *c, uint32 code)
{
	const ItemTable *items = c->input->items;

	if (code >= items->keys.size)
		return psprintf("code %u", code);
	return verify_key_text(items->type, item_table_key(items, code));
}

static void
differ(const ModelCheck *c, const char *what, double stored, double expected)
{
	/* the same bits, but for NaN, of which there is none */
	if (stored != expected)
		c->sink(c->arg, what, item_text(c, c->item), NULL, stored, expected);
}

/* In baskets, as SQL shows counts, not in units. */
static void
differ_with(const ModelCheck *c, const char *what, uint32 other, double stored, double expected)
{
	if (stored != expected)
		c->sink(c->arg, what, item_text(c, c->item), item_text(c, other), stored, expected);
}

/* --- rows of the pair table ------------------------------------------------ */

/* Both ascend by item. */
static void
compare_counts(const ModelCheck *c, const PairRow *stored, const PairRow *expected)
{
	uint32		s = 0;
	uint32		e = 0;

	while (s < stored->size || e < expected->size)
	{
		bool		in_stored = e == expected->size || (s < stored->size && stored->item[s] <= expected->item[e]);
		bool		in_expected = s == stored->size || (e < expected->size && expected->item[e] <= stored->item[s]);
		uint32		other = in_stored ? stored->item[s] : expected->item[e];

		differ_with(c, "count", other, in_stored ? stored->count[s] * c->unit : 0,
					in_expected ? expected->count[e] * c->unit : 0);
		s += in_stored;
		e += in_expected;
	}
}

/* A row that says nothing is as good as none. */
static void
compare_pair_row(ModelCheck *c, const PairTableRow *stored, const MarginalChange *n, const CountedRow *row)
{
	PairRow		counts = {0};
	PairRow		expected = {0};

	if (stored)
		pair_table_decode(&c->server.env, c->pairs, stored, &counts);
	if (row && !pair_row_decode(&c->server.env, wire_reader(row->base, row->size), wire_reader("", 0), &expected))
		elog(ERROR, "counts of item code %u do not decode", c->item);
	differ(c, "n", stored ? stored->n * c->unit : 0, n ? n->source * c->unit : 0);
	if (c->model->shape.directed)
		differ(c, "n_target", stored ? stored->n_target * c->unit : 0, n ? n->target * c->unit : 0);
	compare_counts(c, &counts, &expected);
}

/* What is expected of generations before that of the stored row, or of all that are left. */
static void
compare_unstored(ModelCheck *c, const CountedItem *item, uint32 *r, bool all, int32 generation)
{
	const BuildSurvey *survey = c->input->survey;

	for (;;)
	{
		const MarginalChange *n = c->marginal < survey->num_marginals &&
			pairs_row_item(survey->marginal[c->marginal].row) == c->item ? &survey->marginal[c->marginal] : NULL;
		const CountedRow *row = *r < item->num_rows ? &item->row[*r] : NULL;
		int32		next;

		if (n == NULL && row == NULL)
			return;
		next = n ? pairs_row_generation(n->row) : row->generation;
		next = row ? Min(next, row->generation) : next;
		if (!all && next >= generation)
			return;
		n = n && pairs_row_generation(n->row) == next ? n : NULL;
		row = row && row->generation == next ? row : NULL;
		compare_pair_row(c, NULL, n, row);
		c->marginal += n != NULL;
		*r += row != NULL;
	}
}

/* What is expected of earlier generations has no row, or it would have come before. */
static void
compare_stored(ModelCheck *c, const CountedItem *item, uint32 *r, const PairTableRow *stored)
{
	const BuildSurvey *survey = c->input->survey;
	const MarginalChange *n = NULL;
	const CountedRow *row = NULL;

	compare_unstored(c, item, r, false, stored->generation);
	if (c->marginal < survey->num_marginals &&
		survey->marginal[c->marginal].row == pairs_row(c->item, stored->generation))
		n = &survey->marginal[c->marginal++];
	if (*r < item->num_rows && item->row[*r].generation == stored->generation)
		row = &item->row[(*r)++];
	compare_pair_row(c, stored, n, row);
	/* a floor may be higher than need be, never lower */
	if (item->scored && stored->floor < item->floor)
		differ(c, "floor", stored->floor, item->floor);
}

/* Rows come by generation, and so does what is expected. */
static void
compare_pairs(ModelCheck *c, const CountedItem *item)
{
	Datum		key = Int32GetDatum((int32) item->item);
	uint32		r = 0;
	HeapTuple	tuple;

	key_scan_start(c->pair_scan, &key);
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(c->context);
		PairTableRow stored;

		tuple = key_scan_next(c->pair_scan);
		MemoryContextSwitchTo(old);
		if (tuple == NULL)
			break;
		pair_table_row_read(c->pairs, tuple, true, &stored);
		compare_stored(c, item, &r, &stored);
	}
	compare_unstored(c, item, &r, true, 0);
}

/* --- rows of the face ------------------------------------------------------ */

/* Ridge has one generation, so one row says it; others would have the last one's count. */
static double
counted(ModelCheck *c, const CountedItem *item, uint32 other)
{
	int64		count = 0;

	for (uint32 r = 0; r < item->num_rows; r++)
		if (!pair_row_find(wire_reader(item->row[r].base, item->row[r].size), wire_reader("", 0), other, &count))
			elog(ERROR, "counts of item code %u do not decode", c->item);
	return count * c->unit;
}

/* Ridge weights may lag behind the counts; which neighbors they are of, too. */
static void
compare_ridge(ModelCheck *c, const FaceRow *stored, const CountedItem *item)
{
	for (uint32 i = 0; i < stored->size; i++)
		differ_with(c, "counts", stored->neighbor[i].item, stored->neighbor[i].count,
					counted(c, item, stored->neighbor[i].item));
}

/* Place by place: lists have a total order, so there is one right list. */
static void
compare_list(ModelCheck *c, const FaceRow *stored, const FaceRow *expected)
{
	differ(c, "neighbors", stored->size, expected->size);
	for (uint32 i = 0; i < Min(stored->size, expected->size); i++)
	{
		const CooccurNeighbor *s = &stored->neighbor[i];
		const CooccurNeighbor *e = &expected->neighbor[i];

		if (s->item != e->item)
			c->sink(c->arg, "neighbors", item_text(c, c->item), item_text(c, e->item), NAN, i + 1);
		differ_with(c, "counts", e->item, s->count, e->count);
		differ_with(c, "scores", e->item, s->score, e->score);
	}
}

/* n in the order of the generations, as scorers add it up. */
static double
expected_n(const ModelCheck *c, bool *is_source)
{
	const BuildSurvey *survey = c->input->survey;
	double		n = 0;

	*is_source = false;
	for (uint64 m = c->marginal; m < survey->num_marginals && pairs_row_item(survey->marginal[m].row) == c->item; m++)
	{
		n += survey->marginal[m].source * model_unit_value(c->model, pairs_row_generation(survey->marginal[m].row));
		*is_source |= survey->marginal[m].source != 0;
	}
	return n;
}

/* An item without an n of its own has no row. */
static void
compare_face(ModelCheck *c, const CountedItem *item)
{
	Datum		key = item_table_key(c->input->items, item->item);
	MemoryContext old = MemoryContextSwitchTo(c->context);
	bool		is_source;
	double		n = expected_n(c, &is_source);
	HeapTuple	tuple;
	FaceRow		stored = {0};

	key_scan_start(c->face_scan, &key);
	tuple = key_scan_next(c->face_scan);
	MemoryContextSwitchTo(old);
	differ(c, "face", tuple != NULL, is_source);
	if (tuple == NULL || !is_source)
		return;
	face_row_read(c->face, tuple, c->input->items, &stored);
	differ(c, "n", stored.n, n);
	if (item->scored)
		compare_list(c, &stored, &item->face);
	else
		compare_ridge(c, &stored, item);
}

/* --- items ------------------------------------------------------------------ */

/* Marginals ascend by item; items may come in any order. */
static void
find_marginal(ModelCheck *c)
{
	const BuildSurvey *survey = c->input->survey;
	uint64		low = 0;
	uint64		high = survey->num_marginals;

	while (low < high)
	{
		uint64		mid = low + (high - low) / 2;

		if (pairs_row_item(survey->marginal[mid].row) < c->item)
			low = mid + 1;
		else
			high = mid;
	}
	c->marginal = low;
}

/* Items come in any order where workers count, so each look-up stands by itself. */
static void
compare_item(void *arg, const CountedItem *item)
{
	ModelCheck *c = arg;
	MemoryContext old = MemoryContextSwitchTo(c->item_context);

	c->item = item->item;
	find_marginal(c);
	compare_face(c, item);
	compare_pairs(c, item);
	MemoryContextSwitchTo(old);
	MemoryContextReset(c->item_context);
}

/* Rows of items that the catalog does not have, which no look-up would find. */
static void
find_strangers(ModelCheck *c)
{
	const ItemTable *items = c->input->items;
	TableScanDesc scan = table_beginscan(c->face, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;
	bool		isnull;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Datum		key = heap_getattr(tuple, FACE_ITEM, RelationGetDescr(c->face), &isnull);

		CHECK_FOR_INTERRUPTS();
		if (key_find(&items->keys, items->type, key_type_oid(items->type), key) == KEYSET_NONE)
			c->sink(c->arg, "face", verify_key_text(items->type, key), NULL, 1, 0);
	}
	table_endscan(scan);
	scan = table_beginscan(c->pairs, GetActiveSnapshot(), 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		uint32		item = DatumGetInt32(heap_getattr(tuple, PAIRS_ITEM, RelationGetDescr(c->pairs), &isnull));

		CHECK_FOR_INTERRUPTS();
		if (item >= items->keys.size)
			c->sink(c->arg, "row", item_text(c, item), NULL, 1, 0);
	}
	table_endscan(scan);
}

/* --- models ----------------------------------------------------------------- */

/* Generations may stand at the ends with nothing in them. */
static int64
total_of(int32 first, int n, const int64 *totals, int64 generation)
{
	return generation >= first && generation - first < n ? totals[generation - first] : 0;
}

static void
compare_totals(const ModelCheck *c)
{
	const ModelDef *model = c->model;
	const BuildSurvey *survey = c->input->survey;
	int64		first = Min(model->first_generation, survey->first_total);
	int64		last = Max((int64) model->first_generation + model->num_totals, (int64) survey->first_total + survey->num_totals);

	for (int64 g = first; g < last; g++)
	{
		int64		stored = total_of(model->first_generation, model->num_totals, model->totals, g);
		int64		expected = total_of(survey->first_total, survey->num_totals, survey->totals, g);

		if (stored != expected)
			c->sink(c->arg, "total", NULL, NULL, stored * c->unit, expected * c->unit);
	}
}

/* With one snapshot for all of it, the statement's own: refreshes meanwhile are not seen. */
static void
verify_counts(const ModelDef *model, const CountInput *input, VerifySink sink, void *arg)
{
	ModelCheck	c = {.model = model, .input = input, .sink = sink, .arg = arg, .context = CurrentMemoryContext};

	c.unit = 1.0 / pairs_unit(&model->shape);
	c.item_context = AllocSetContextCreate(c.context, "personalize verify item", ALLOCSET_DEFAULT_SIZES);
	server_env_init(&c.server, c.item_context);
	c.pairs = table_open(model->pairs, AccessShareLock);
	c.face = table_open(model->relation, AccessShareLock);
	c.pair_scan = key_scan_open(c.pairs, 1, GetActiveSnapshot());
	c.face_scan = key_scan_open(c.face, 1, GetActiveSnapshot());
	compare_totals(&c);
	build_count(model, input, compare_item, &c);
	find_strangers(&c);
	key_scan_close(c.pair_scan);
	key_scan_close(c.face_scan);
	table_close(c.pairs, NoLock);
	table_close(c.face, NoLock);
}

/* The history first: a difference there explains those that follow from it. */
void
build_verify(const ModelDef *model, const HistoryDef *history, const HistoryDef *target, double sample,
			 VerifySink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize verify", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CatalogDef *catalog = registry_catalog_by_id(history->catalog_id);
	BuildSurvey survey;
	CountInput	input = {.history = history, .target = target, .survey = &survey, .sample = sample};

	layout_require_catalog(catalog);
	layout_require_history(history);
	if (target)
		layout_require_history(target);
	layout_require_model(model);
	input.items = item_table_load(context, catalog);
	verify_history(history, input.items, sink, arg);
	if (target && target->id != history->id)
		verify_history(target, input.items, sink, arg);
	/* new items of pending baskets are not in the model */
	input.items = item_table_load(context, catalog);
	build_survey(model, history, target, input.items->keys.size, &survey);
	verify_counts(model, &input, sink, arg);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* --- SQL ---------------------------------------------------------------------- */

/* Whole models and totals are of no item. */
static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Rows go to a tuplestore: a wrong model may have many. */
static void
put_row(void *arg, const char *what, const char *item, const char *neighbor, double stored, double expected)
{
	ReturnSetInfo *rsinfo = arg;
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(what);
	values[1] = text_or_null(item, &nulls[1]);
	values[2] = text_or_null(neighbor, &nulls[2]);
	values[3] = Float8GetDatum(stored);
	values[4] = Float8GetDatum(expected);
	nulls[3] = isnan(stored);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Shows keys and counts, so it takes what reading them takes. */
static void
guard_select(Oid relation)
{
	AclResult	result = pg_class_aclcheck(relation, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
}

/* The log is read to tell what is pending. */
static void
guard_history(const HistoryDef *history)
{
	guard_select(history->relation);
	guard_select(history->log);
	guard_select(history->interactions);
}

/* Everybody else needs to be able to read all that is compared. */
static void
guard_reader(const ModelDef *model, const HistoryDef *history, const HistoryDef *target)
{
	guard_select(model->relation);
	guard_select(model->pairs);
	guard_history(history);
	if (target)
		guard_history(target);
}

/*
 * Whoever could refresh the model compares as the owner, like a refresh: row-level security then hides the same rows, and
 * a superuser runs no code of somebody's view with more rights than its owner has.
 */
static void
compare(const ModelDef *model, const HistoryDef *history, const HistoryDef *target, double sample, ReturnSetInfo *rsinfo)
{
	bool		mine = compat_owns_relation(history->relation, GetUserId());
	OwnerScope	owner;

	if (!mine)
		guard_reader(model, history, target);
	else
		registry_enter_owner(history->relation, &owner);
	build_verify(model, history, target, sample, put_row, rsinfo);
	if (mine)
		registry_leave_owner(&owner);
}

/* Definition and state that fit the rows of the active snapshot; nothing of it can be dropped until the end of the transaction. */
static ModelDef *
locked_model(Oid relation)
{
	ModelDef   *model = registry_require_model(relation);
	char	   *name = registry_name(relation);

	refresh_lock_tables(model->history_id);
	model = registry_model(relation);
	if (model == NULL || get_rel_name(model->pairs) == NULL)
		registry_fail_gone("model", name);
	registry_model_as_seen(model);
	return model;
}

static HistoryDef *
history_as_seen(const ModelDef *model, int32 id)
{
	HistoryDef *history = registry_require_history_of(model->relation, id);

	registry_history_as_seen(history);
	return history;
}

/* --- followers ----------------------------------------------------------------- */

static void
guard_built(bool built, Oid relation)
{
	if (!built)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model %s has not been built", registry_name(relation)),
				 errhint("CALL personalize.refresh(%s).", quote_literal_cstr(registry_name(relation)))));
}

/* As guard_reader. */
static void
guard_follower_reader(const FollowerDef *follower, const HistoryDef *history, const HistoryDef *target)
{
	ListCell   *cell;

	foreach(cell, list_concat(follower_tables(follower), follower_sources(follower)))
		guard_select(lfirst_oid(cell));
	guard_history(history);
	if (target)
		guard_history(target);
}

/* The history as for a model; then what the follower makes of it. */
static void
compare_follower(FollowerDef *follower, const HistoryDef *history, const HistoryDef *target, ReturnSetInfo *rsinfo)
{
	CatalogDef *catalog = registry_catalog_by_id(history->catalog_id);
	ItemTable  *items;

	layout_require_catalog(catalog);
	layout_require_history(history);
	if (target)
		layout_require_history(target);
	follower->kind->require_layout(follower);
	items = item_table_load(CurrentMemoryContext, catalog);
	verify_history(history, items, put_row, rsinfo);
	if (target)
		verify_history(target, items, put_row, rsinfo);
	if (follower->kind->verify)
		follower->kind->verify(follower, put_row, rsinfo);
}

static HistoryDef *
follower_history_as_seen(const FollowerDef *follower, int32 id)
{
	HistoryDef *history = registry_require_history_of(follower->relation, id);

	registry_history_as_seen(history);
	return history;
}

/* What locked_model, history_as_seen and compare do for a model. */
static void
verify_follower(FollowerDef *follower, ReturnSetInfo *rsinfo)
{
	char	   *name = registry_name(follower->relation);
	HistoryDef *history;
	HistoryDef *target;
	bool		mine;
	OwnerScope	owner;

	refresh_lock_tables(follower->history_id);
	follower = follower_of_relation(follower->relation);
	if (follower == NULL)
		registry_fail_gone("model", name);
	guard_built(follower->built, follower->relation);
	history = follower_history_as_seen(follower, follower->history_id);
	target = follower->target_id ? follower_history_as_seen(follower, follower->target_id) : NULL;
	mine = compat_owns_relation(history->relation, GetUserId());
	if (!mine)
		guard_follower_reader(follower, history, target);
	else
		registry_enter_owner(history->relation, &owner);
	compare_follower(follower, history, target, rsinfo);
	if (mine)
		registry_leave_owner(&owner);
}

/* --- activity tables ------------------------------------------------------------ */

static void
guard_activity_reader(const ActivityTableDef *activity)
{
	ListCell   *cell;

	guard_select(activity->relation);
	guard_select(activity->log);
	foreach(cell, activity_relations(activity))
		guard_select(lfirst_oid(cell));
	foreach(cell, segment_tables(activity->id))
		guard_select(lfirst_oid(cell));
}

/* What locked_model and compare do for a model; then its segments, which follow from it. */
static void
verify_activity(ActivityTableDef *activity, ReturnSetInfo *rsinfo)
{
	char	   *name = registry_name(activity->relation);
	bool		mine;
	OwnerScope	owner;

	if (!activity_lock_tables(activity->id))
		registry_fail_gone("activity table", name);
	activity_table_as_seen(activity);
	guard_built(activity->built, activity->relation);
	mine = compat_owns_relation(activity->relation, GetUserId());
	if (!mine)
		guard_activity_reader(activity);
	else
		registry_enter_owner(activity->relation, &owner);
	activity_verify(activity, put_row, rsinfo);
	segments_verify(activity, InvalidOid, put_row, rsinfo);
	if (mine)
		registry_leave_owner(&owner);
}

/* --- segments ------------------------------------------------------------------ */

/* Whoever shows keys of customers must be able to read them. */
static void
guard_segment_reader(const SegmentDef *segment, const ActivityTableDef *activity)
{
	ListCell   *cell;

	foreach(cell, segment_tables_of(segment))
		guard_select(lfirst_oid(cell));
	guard_select(activity->relation);
	guard_select(activity->log);
	guard_select(activity->customers);
}

/* With the activity that it is of; columns of customers are read as the owner where the caller is one. */
static void
verify_segment(const SegmentDef *segment, ReturnSetInfo *rsinfo)
{
	ActivityTableDef *activity = activity_table_by_id(segment->activity_id);
	bool		mine;
	OwnerScope	owner;

	if (activity == NULL)
		registry_fail_gone("activity", psprintf("of segment %s", registry_name(segment->relation)));
	activity_table_as_seen(activity);
	mine = compat_owns_relation(activity->relation, GetUserId());
	if (!mine)
		guard_segment_reader(segment, activity);
	else
		registry_enter_owner(activity->relation, &owner);
	segments_verify(activity, segment->relation, put_row, rsinfo);
	if (mine)
		registry_leave_owner(&owner);
}

/* --- SQL, again ---------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(personalize_verify);
Datum
personalize_verify(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FollowerDef *follower;
	ActivityTableDef *activity;
	SegmentDef *segment;
	ModelDef   *model;
	HistoryDef *history;
	HistoryDef *target;
	double		sample;
	bool		begun;

	guard_not_null("model", PG_ARGISNULL(0));
	guard_not_null("sample", PG_ARGISNULL(1));
	sample = guard_float_range("sample", PG_GETARG_FLOAT8(1), 0, 1);
	follower = follower_of_relation(PG_GETARG_OID(0));
	if (follower != NULL)
	{
		compat_materialize(fcinfo);
		begun = build_phase(PROGRESS_COMPARING);
		verify_follower(follower, rsinfo);
		progress_end(begun);
		return (Datum) 0;
	}
	activity = activity_table(PG_GETARG_OID(0));
	if (activity != NULL)
	{
		compat_materialize(fcinfo);
		begun = build_phase(PROGRESS_COMPARING);
		verify_activity(activity, rsinfo);
		progress_end(begun);
		return (Datum) 0;
	}
	segment = segment_of_relation(PG_GETARG_OID(0));
	if (segment != NULL)
	{
		compat_materialize(fcinfo);
		begun = build_phase(PROGRESS_COMPARING);
		verify_segment(segment, rsinfo);
		progress_end(begun);
		return (Datum) 0;
	}
	model = locked_model(PG_GETARG_OID(0));
	history = history_as_seen(model, model->history_id);
	target = model->target_id ? history_as_seen(model, model->target_id) : NULL;
	guard_built(model->built, model->relation);
	compat_materialize(fcinfo);
	begun = build_phase(PROGRESS_COMPARING);
	compare(model, history, target, sample, rsinfo);
	progress_end(begun);
	return (Datum) 0;
}
