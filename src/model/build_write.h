/*
 * build_write.h
 *		What was counted goes into pair table and face of a model.
 */
#ifndef PERSONALIZE_BUILD_WRITE_H
#define PERSONALIZE_BUILD_WRITE_H

#include "postgres.h"

#include "model/build_count.h"
#include "model/registry.h"
#include "model/table_writer.h"

/* --- faces: rows that are right already stay as they are ------------------- */
typedef struct FaceWriter FaceWriter;

/* Old rows are those that the active snapshot sees. */
extern FaceWriter *face_writer_open(MemoryContext context, const ModelDef *model, ItemTable *items);
/* While other processes count nothing may be updated: `later` keeps rows in a file until the end, if there are old ones. */
extern void face_writer_row(FaceWriter *writer, const FaceRow *row, bool later);
/* Writes what was kept, deletes the rows of items that got none; returns the number of rows written or deleted. */
extern int64 face_writer_close(FaceWriter *writer);

/* --- whole models ----------------------------------------------------------- */
typedef struct ModelWriter ModelWriter;

/* Deletes all old rows of the pair table. */
extern ModelWriter *model_writer_open(MemoryContext context, const ModelDef *model, ItemTable *items, const BuildSurvey *survey);
/* Every item once, in any order, also those without counts. */
extern void model_writer_item(void *writer, const CountedItem *item);
extern void model_writer_close(ModelWriter *writer, RefreshReport *report);

#endif							/* PERSONALIZE_BUILD_WRITE_H */
