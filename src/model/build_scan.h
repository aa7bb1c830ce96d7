/*
 * build_scan.h
 *		Reading the shop's table, in this process or with parallel workers.
 */
#ifndef PERSONALIZE_BUILD_SCAN_H
#define PERSONALIZE_BUILD_SCAN_H

#include "postgres.h"

#include "model/build_gather.h"

/* What a worker called the items in the runs that it made. */
typedef struct WorkerCodes
{
	uint32		num_items;
	uint32	   *code;			/* by those of the worker */
	bool		final;			/* for whoever changes them once more */
} WorkerCodes;

/* All rows of the history's source; *worker, by process less one, is NULL where this process has read alone. */
extern void build_scan(BuildGather *g, WorkerCodes **worker);

#endif							/* PERSONALIZE_BUILD_SCAN_H */
