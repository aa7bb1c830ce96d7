/*
 * build_face.c
 *		The face of a model again from its pair table.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/build.h"
#include "model/build_model.h"
#include "model/build_rows.h"
#include "model/build_write.h"
#include "model/score.h"

typedef struct FaceBuild
{
	const ModelDef *model;
	TableWriter *pairs;
	Relation	relation;
	MemoryContext row_context;
	ModelScorer *scorer;
	FaceWriter *face;
	bool		open;			/* an item is being read */
	uint32		item;
	bool		is_source;		/* it has an n of its own */
} FaceBuild;

/* An item without an n of its own is only a neighbor, and has no row. */
static void
finish_item(FaceBuild *b, double *floor)
{
	FaceRow		row;

	model_scorer_finish(b->scorer, &row, floor);
	if (b->is_source)
		face_writer_row(b->face, &row, false);
	b->open = false;
}

/* The rows of an item follow each other; the first of the next one ends it. */
static void
read_row(FaceBuild *b, HeapTuple tuple, PairTableRow *stored)
{
	MemoryContext old = MemoryContextSwitchTo(b->row_context);
	PairRow		row = {0};
	ServerEnv	server;

	server_env_init(&server, b->row_context);
	pair_table_row_read(b->relation, tuple, true, stored);
	pair_table_decode(&server.env, b->relation, stored, &row);
	if (b->open && b->item != stored->item)
		finish_item(b, &(double) {0});
	if (!b->open)
	{
		model_scorer_begin(b->scorer, stored->item);
		*b = (FaceBuild) {b->model, b->pairs, b->relation, b->row_context, b->scorer, b->face, true, stored->item, false};
	}
	b->is_source |= stored->n != 0;
	model_scorer_counts(b->scorer, stored->generation, row.item, row.count, row.size);
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->row_context);
}

/* A model without generations has one row of an item, which keeps its floor; ridge starts to drift anew. */
static void
update_row(FaceBuild *b, HeapTuple tuple, PairTableRow *stored)
{
	double		floor;

	if (b->model->shape.generation_days > 0)
		return;
	finish_item(b, &floor);
	if (stored->drift == 0 && (stored->floor == floor || (isnan(stored->floor) && isnan(floor))))
		return;
	stored->drift = 0;
	stored->floor = floor;
	pair_table_update(b->pairs, tuple, b->model->shape.directed, false, stored);
}

/* In the order of the items, so that all generations of one come together. */
static void
score_all(FaceBuild *b)
{
	KeyScan    *scan = key_scan_open(b->relation, 0, GetActiveSnapshot());
	HeapTuple	tuple;

	key_scan_start(scan, NULL);
	while ((tuple = key_scan_next(scan)) != NULL)
	{
		PairTableRow stored;

		CHECK_FOR_INTERRUPTS();
		read_row(b, tuple, &stored);
		progress_update(stored.item, model_scorer_context(b->scorer)->num_items);
		update_row(b, tuple, &stored);
	}
	if (b->open)
		finish_item(b, &(double) {0});
	key_scan_close(scan);
}

/* The same snapshot for n, counts and neighbors' rows, with all that was written before. */
void
build_face(ModelDef *model, const HistoryDef *history, RefreshReport *report)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize face build", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		begun = build_phase(PROGRESS_SCORING);
	ItemTable  *items = item_table_load(context, registry_catalog_by_id(history->catalog_id));
	FaceBuild	b = {.model = model};

	build_see_own_writes();
	b.pairs = table_writer_open(model->pairs);
	b.relation = table_writer_relation(b.pairs);
	b.row_context = AllocSetContextCreate(context, "personalize pair row", ALLOCSET_DEFAULT_SIZES);
	b.scorer = model_scorer_create(context, model, items);
	model_scorer_read(b.scorer, b.relation, GetActiveSnapshot());
	model_scorer_ready(b.scorer, b.relation, GetActiveSnapshot());
	b.face = face_writer_open(context, model, items);
	score_all(&b);
	report->items = face_writer_close(b.face);
	model_scorer_free(b.scorer);
	table_writer_close(b.pairs);
	PopActiveSnapshot();
	progress_end(begun);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
