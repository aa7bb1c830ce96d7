/*
 * build_write.c
 *		What was counted goes into pair table and face of a model.
 *
 * Rows of the pair table are new in a build; nearly all would differ.  A face is compared row by row, as
 * readers and caches live on it, and an unchanged row costs neither WAL nor bloat.
 */
#include "base/compat.h"

#include <math.h>

#include "access/heapam.h"
#include "access/tableam.h"
#include "commands/tablespace.h"
#include "storage/buffile.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/build_join.h"
#include "model/build_write.h"

/* --- faces --------------------------------------------------------------- */

struct FaceWriter
{
	/* immutable */
	MemoryContext context;
	MemoryContext row_context;
	ItemTable  *items;
	TableWriter *writer;
	Relation	relation;
	Snapshot	snapshot;
	KeyScan    *old;			/* NULL: the face was empty */

	/* mutable */
	bool	   *has_row;		/* by item; NULL: nothing to delete */
	BufFile    *later;
	int64		num_later;
	int64		num_written;
};

/* Whether there are old rows decides about everything: without them rows are inserted and nothing is looked up. */
FaceWriter *
face_writer_open(MemoryContext parent, const ModelDef *model, ItemTable *items)
{
	MemoryContext context = AllocSetContextCreate(parent, "personalize face", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	FaceWriter *w = palloc0(sizeof(FaceWriter));

	w->context = context;
	w->row_context = AllocSetContextCreate(context, "personalize face row", ALLOCSET_DEFAULT_SIZES);
	w->items = items;
	w->writer = table_writer_open(model->relation);
	w->relation = table_writer_relation(w->writer);
	w->snapshot = GetActiveSnapshot();
	if (!build_table_is_empty(w->relation, w->snapshot))
	{
		w->old = key_scan_open(w->relation, 1, w->snapshot);
		w->has_row = MemoryContextAllocExtended(context, items->keys.size + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
	MemoryContextSwitchTo(old);
	return w;
}

/* An unchanged row is not written, so nothing that reads it has to look again. */
static void
write_row(FaceWriter *w, const FaceRow *row)
{
	/* the scan keeps what it allocates */
	MemoryContext old = MemoryContextSwitchTo(w->row_context);
	Datum		key = item_table_key(w->items, row->item);
	HeapTuple	tuple = NULL;

	MemoryContextSwitchTo(w->context);
	if (w->old)
	{
		key_scan_start(w->old, &key);
		tuple = key_scan_next(w->old);
	}
	w->num_written += face_row_write(w->writer, tuple, w->items, row);
	MemoryContextSwitchTo(old);
	MemoryContextReset(w->row_context);
}

/* In a file, because lists of all items may be larger than the counts they come from. */
static void
keep_for_later(FaceWriter *w, const FaceRow *row)
{
	if (w->later == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(w->context);

		PrepareTempTablespaces();
		w->later = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	BufFileWrite(w->later, unconstify(FaceRow *, row), sizeof(FaceRow));
	BufFileWrite(w->later, row->neighbor, row->size * sizeof(CooccurNeighbor));
	w->num_later++;
}

/* Rows of an empty face are inserts, which may be done while others count. */
void
face_writer_row(FaceWriter *w, const FaceRow *row, bool later)
{
	if (w->has_row)
		w->has_row[row->item] = true;
	if (later && w->old)
		keep_for_later(w, row);
	else
		write_row(w, row);
}

/* In the order in which they were counted; look-ups do the rest. */
static void
write_kept(FaceWriter *w)
{
	FaceRow		row;
	CooccurNeighbor *neighbor = NULL;

	if (w->later == NULL)
		return;
	if (BufFileSeek(w->later, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not seek in temporary file: %m")));
	for (int64 r = 0; r < w->num_later; r++)
	{
		CHECK_FOR_INTERRUPTS();
		BufFileReadExact(w->later, &row, sizeof(FaceRow));
		neighbor = MemoryContextAllocHuge(w->context, row.size * sizeof(CooccurNeighbor) + 1);
		BufFileReadExact(w->later, neighbor, row.size * sizeof(CooccurNeighbor));
		row.neighbor = neighbor;
		write_row(w, &row);
		pfree(neighbor);
	}
	BufFileClose(w->later);
}

/* Items that are in no basket any more, or not even in the catalog. */
static void
delete_unmet(FaceWriter *w)
{
	TableScanDesc scan;
	HeapTuple	tuple;

	if (w->has_row == NULL)
		return;
	scan = table_beginscan(w->relation, w->snapshot, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		Datum		key = heap_getattr(tuple, FACE_ITEM, RelationGetDescr(w->relation), &isnull);
		uint32		code = key_find(&w->items->keys, w->items->type, key_type_oid(w->items->type), key);

		CHECK_FOR_INTERRUPTS();
		if (code != KEYSET_NONE && w->has_row[code])
			continue;
		table_writer_delete(w->writer, tuple);
		w->num_written++;
	}
	table_endscan(scan);
}

/* Deletions come last: only now it is known which items got no row. */
int64
face_writer_close(FaceWriter *w)
{
	int64		num_written;

	write_kept(w);
	delete_unmet(w);
	if (w->old)
		key_scan_close(w->old);
	table_writer_close(w->writer);
	num_written = w->num_written;
	MemoryContextDelete(w->context);
	return num_written;
}

/* --- whole models -------------------------------------------------------- */

struct ModelWriter
{
	/* immutable */
	const ModelDef *model;
	const BuildSurvey *survey;
	uint64	   *first;			/* by item: the first of its marginals */
	TableWriter *pairs;
	FaceWriter *face;			/* NULL for ridge, which needs all rows first */

	/* mutable */
	int64		num_pairs;
};

/* Each row by itself and not the table as a whole: readers go on seeing the old model until the end. */
static void
delete_all(TableWriter *writer)
{
	Relation	relation = table_writer_relation(writer);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		table_writer_delete(writer, tuple);
	}
	table_endscan(scan);
	table_writer_flush(writer);
}

/* Rows of marginals ascend by item. */
static void
index_marginals(ModelWriter *w, uint32 num_items)
{
	uint64		m = 0;

	w->first = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) num_items + 1) * sizeof(uint64));
	for (uint32 item = 0; item <= num_items; item++)
	{
		while (m < w->survey->num_marginals && pairs_row_item(w->survey->marginal[m].row) < item)
			m++;
		w->first[item] = m;
	}
}

/* Old rows go before anything is counted, since nothing can be deleted while workers run. */
ModelWriter *
model_writer_open(MemoryContext context, const ModelDef *model, ItemTable *items, const BuildSurvey *survey)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ModelWriter *w = palloc0(sizeof(ModelWriter));

	w->model = model;
	w->survey = survey;
	index_marginals(w, items->keys.size);
	w->pairs = table_writer_open(model->pairs);
	delete_all(w->pairs);
	if (!model->scoring.ridge)
		w->face = face_writer_open(context, model, items);
	MemoryContextSwitchTo(old);
	return w;
}

/* A row without counts says n, which scores of others depend on. */
static void
write_pairs(ModelWriter *w, const CountedItem *item, int32 generation, const MarginalChange *n, const CountedRow *row)
{
	PairTableRow out = {
		.item = item->item,
		.generation = generation,
		.n = n ? n->source : 0,
		.n_target = n ? n->target : 0,
		.floor = item->scored ? item->floor : NAN,
		.base = row ? wire_reader(row->base, row->size) : wire_reader("", 0),
		.delta = wire_reader("", 0),
	};

	pair_table_insert(w->pairs, w->model->shape.directed, &out);
}

/* A generation may have counts but no n, or the other way round: pairs may be older than their basket's last event. */
static bool
write_generations(ModelWriter *w, const CountedItem *item)
{
	uint64		m = w->first[item->item];
	uint64		last = w->first[item->item + 1];
	uint32		r = 0;
	bool		is_source = false;

	while (m < last || r < item->num_rows)
	{
		const MarginalChange *n = m < last ? &w->survey->marginal[m] : NULL;
		const CountedRow *row = r < item->num_rows ? &item->row[r] : NULL;
		int32		generation = n ? pairs_row_generation(n->row) : row->generation;

		if (row && row->generation < generation)
			generation = row->generation;
		if (n && pairs_row_generation(n->row) != generation)
			n = NULL;
		if (row && row->generation != generation)
			row = NULL;
		write_pairs(w, item, generation, n, row);
		is_source |= n && n->source != 0;
		m += n != NULL;
		r += row != NULL;
	}
	return is_source;
}

/* Whoever has no n as a source is the neighbor of others, and has no list of its own. */
void
model_writer_item(void *arg, const CountedItem *item)
{
	ModelWriter *w = arg;
	bool		is_source = write_generations(w, item);

	w->num_pairs += item->num_pairs;
	if (w->face && is_source)
		face_writer_row(w->face, &item->face, true);
}

/* Pairs first: what is in the face can be made from them again. */
void
model_writer_close(ModelWriter *w, RefreshReport *report)
{
	table_writer_close(w->pairs);
	if (w->face)
		report->items = face_writer_close(w->face);
	report->pairs = w->num_pairs;
	pfree(w->first);
	pfree(w);
}
