/*
 * build_scan.c
 *		Reading the shop's table with parallel workers.
 *
 * Processes take some blocks of the table at a time.  What a worker reads it sorts and packs, so that a
 * run of rows comes through its queue as a few bytes a row; when there are no blocks left it sends the items that it met, in the order of
 * its codes.  The merge brings baskets together wherever they were read.
 */
#include "base/compat.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"

#include "base/progress.h"
#include "model/build_scan.h"

#define KEY_SHARED	UINT64CONST(0x5045525300000011)
#define KEY_QUEUES	UINT64CONST(0x5045525300000012)

#define QUEUE_SIZE	((Size) 2 * 1024 * 1024)	/* a run fits */
#define LEAST_PART	256			/* blocks at a time */
#define MOST_PARTS	128			/* where a part is not found by its blocks, all of the table is read for each */
#define SCANS_PER_WORKER 4		/* of the least size for parallel queries; less is read before a worker has started */
#define LEAST_BUDGET ((Size) 64 * 1024 * 1024)	/* of a build: processes have a buffer each */

typedef struct SharedScan
{
	HistoryDef	history;		/* pointers are those of the process that builds */
	char		column[4][NAMEDATALEN]; /* empty: none */
	BlockNumber num_blocks;
	uint32		part;			/* blocks at a time */
	Size		budget;			/* of a worker */
	pg_atomic_uint64 next;		/* the first block that nobody has taken */
} SharedScan;

/* Ends what a worker sends. */
typedef struct MetItem
{
	int64		number;
	uint64		num_rows;
} MetItem;

PGDLLEXPORT void personalize_scan_worker(dsm_segment *seg, shm_toc *toc);

/* --- both ---------------------------------------------------------------- */

/* Nothing is left where it returns false. */
static bool
scan_part(SharedScan *shared, BuildGather *g)
{
	uint64		first = pg_atomic_fetch_add_u64(&shared->next, shared->part);
	uint64		end = first + shared->part;

	if (first >= Max(shared->num_blocks, 1))
		return false;
	source_scan_part(g->history, (BlockNumber) first, end < shared->num_blocks ? (BlockNumber) end : InvalidBlockNumber,
					 build_gather_row, g);
	return true;
}

/* --- in a worker --------------------------------------------------------- */

/* Of its definition only what says how rows are read. */
static HistoryDef *
open_history(const SharedScan *shared)
{
	HistoryDef *history = palloc(sizeof(HistoryDef));
	char	  **column[] = {&history->basket, &history->item, &history->happened, &history->weight};

	*history = shared->history;
	for (int c = 0; c < lengthof(column); c++)
		*column[c] = shared->column[c][0] ? pstrdup(shared->column[c]) : NULL;
	return history;
}

/* Codes are given as items come: the catalog is the business of the process that builds. */
static ItemTable *
no_items(KeyType type)
{
	ItemTable  *items = palloc0(sizeof(ItemTable));

	items->type = type;
	server_env_init(&items->server, CurrentMemoryContext);
	keyset_init(&items->server.env, &items->keys, true);
	return items;
}

/* False where nobody listens any more. */
static bool
send_runs(BuildGather *g, shm_mq_handle *queue)
{
	BasketRows *rows = &g->rows;

	for (uint32 r = 0; r < rows->num_runs; r++)
	{
		BasketRun  *run = &rows->run[r];
		shm_mq_iovec part[2] = {{(char *) &run->head, sizeof(RunHead)}, {(char *) run->bytes, run->head.bytes}};

		if (compat_mq_sendv(queue, part, 2) != SHM_MQ_SUCCESS)
			return false;
		pfree(run->bytes);
	}
	rows->num_runs = 0;
	rows->held = 0;
	return true;
}

static void
send_items(const BuildGather *g, shm_mq_handle *queue)
{
	uint32		n = g->items->keys.size;
	MetItem    *item = MemoryContextAllocHuge(CurrentMemoryContext, ((Size) n + 1) * sizeof(MetItem));

	for (uint32 i = 0; i < n; i++)
		item[i] = (MetItem) {key_number(g->items->type, item_table_key(g->items, i)), g->of_item[i]};
	(void) compat_mq_send(queue, n * sizeof(MetItem), item);
}

void
personalize_scan_worker(dsm_segment *seg, shm_toc *toc)
{
	SharedScan *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	char	   *queues = shm_toc_lookup(toc, KEY_QUEUES, false);
	shm_mq	   *queue = (shm_mq *) (queues + QUEUE_SIZE * ParallelWorkerNumber);
	shm_mq_handle *handle;
	BuildGather g = {0};

	shm_mq_set_sender(queue, MyProc);
	handle = shm_mq_attach(queue, seg, NULL);
	build_gather_begin(&g, CurrentMemoryContext, open_history(shared), no_items(shared->history.item_type), shared->budget);
	while (scan_part(shared, &g))
		if (!send_runs(&g, handle))
			return;
	build_gather_end(&g);
	/* an empty message divides runs and items */
	if (send_runs(&g, handle) && compat_mq_send(handle, 0, "") == SHM_MQ_SUCCESS)
		send_items(&g, handle);
	shm_mq_detach(handle);
}

/* --- in the leader ------------------------------------------------------- */

typedef struct ScanWorker
{
	shm_mq_handle *queue;		/* NULL when it is done */
	bool		all_runs;		/* items come next */
	int			process;
	WorkerCodes *codes;
} ScanWorker;

static void
receive_run(BuildGather *g, int process, const char *data)
{
	BasketRows *rows = &g->rows;
	RunHead		head;
	unsigned char *bytes;

	memcpy(&head, data, sizeof(RunHead));
	bytes = env_alloc(&g->server.env, head.bytes, 1);
	memcpy(bytes, data + sizeof(RunHead), head.bytes);
	basket_rows_add_run(rows, head, bytes);
	rows->run[rows->num_runs - 1].process = process;
}

static Datum
number_datum(KeyType type, int64 number)
{
	return type == KEY_INT2 ? Int16GetDatum((int16) number) : type == KEY_INT4 ? Int32GetDatum((int32) number) : Int64GetDatum(number);
}

/* An item may be met here for the first time. */
static void
receive_items(BuildGather *g, WorkerCodes *codes, const MetItem *item, uint32 n)
{
	codes->num_items = n;
	codes->code = env_alloc(&g->server.env, (uint64) n + 1, sizeof(uint32));
	for (uint32 i = 0; i < n; i++)
	{
		codes->code[i] = item_table_code(g->items, number_datum(g->items->type, item[i].number));
		build_gather_count(g, codes->code[i], item[i].num_rows);
		g->num_rows += item[i].num_rows;
	}
}

/* All that a worker has sent so far; whether there was anything. */
static bool
drain(BuildGather *g, ScanWorker *w)
{
	bool		any = false;
	Size		size;
	void	   *data;

	while (w->queue != NULL)
	{
		shm_mq_result result = shm_mq_receive(w->queue, &size, &data, true);

		CHECK_FOR_INTERRUPTS();
		if (result == SHM_MQ_WOULD_BLOCK)
			break;
		any = true;
		if (result == SHM_MQ_DETACHED)
			w->queue = NULL;
		else if (w->all_runs)
			receive_items(g, w->codes, data, size / sizeof(MetItem));
		else if (size == 0)
			w->all_runs = true;
		else
			receive_run(g, w->process, data);
	}
	return any;
}

/* Workers that did not start have taken nothing: this process reads on until nothing is left. */
static void
lead(BuildGather *g, SharedScan *shared, ScanWorker *worker, int n)
{
	bool		left = true;
	bool		open = true;

	while (left || open)
	{
		bool		any = false;

		open = false;
		for (int w = 0; w < n; w++)
		{
			any |= drain(g, &worker[w]);
			open |= worker[w].queue != NULL;
		}
		left = left && scan_part(shared, g);
		if (left || any || !open)
			continue;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static SharedScan *
create_shared(ParallelContext *context, const BuildGather *g, BlockNumber num_blocks)
{
	const HistoryDef *history = g->history;
	const char *column[] = {history->basket, history->item, history->happened, history->weight};
	SharedScan *shared = shm_toc_allocate(context->toc, sizeof(SharedScan));

	shared->history = *history;
	for (int c = 0; c < lengthof(column); c++)
		strlcpy(shared->column[c], column[c] ? column[c] : "", NAMEDATALEN);
	shared->num_blocks = num_blocks;
	shared->part = Max(LEAST_PART, num_blocks / MOST_PARTS);
	shared->budget = g->budget / 4;
	pg_atomic_init_u64(&shared->next, 0);
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	return shared;
}

static char *
create_queues(ParallelContext *context)
{
	char	   *queues = shm_toc_allocate(context->toc, QUEUE_SIZE * Max(context->nworkers, 1));

	for (int w = 0; w < context->nworkers; w++)
		shm_mq_set_receiver(shm_mq_create(queues + QUEUE_SIZE * w, QUEUE_SIZE), MyProc);
	shm_toc_insert(context->toc, KEY_QUEUES, queues);
	return queues;
}

static WorkerCodes *
scan_with_workers(BuildGather *g, int num_workers, BlockNumber num_blocks)
{
	WorkerCodes *codes = env_alloc0(&g->server.env, num_workers, sizeof(WorkerCodes));
	ScanWorker *worker = palloc0(num_workers * sizeof(ScanWorker));
	ParallelContext *context;
	SharedScan *shared;
	char	   *queues;

	EnterParallelMode();
	context = CreateParallelContext("personalize", "personalize_scan_worker", num_workers);
	shm_toc_estimate_chunk(&context->estimator, sizeof(SharedScan));
	shm_toc_estimate_chunk(&context->estimator, QUEUE_SIZE * num_workers);
	shm_toc_estimate_keys(&context->estimator, 2);
	InitializeParallelDSM(context);
	shared = create_shared(context, g, num_blocks);
	queues = create_queues(context);
	LaunchParallelWorkers(context);
	for (int w = 0; w < context->nworkers_launched; w++)
		worker[w] = (ScanWorker)
		{
			.queue = shm_mq_attach((shm_mq *) (queues + QUEUE_SIZE * w), context->seg, context->worker[w].bgwhandle),
			.process = w + 1,
			.codes = &codes[w],
		};
	lead(g, shared, worker, context->nworkers_launched);
	WaitForParallelWorkersToFinish(context);
	DestroyParallelContext(context);
	ExitParallelMode();
	pfree(worker);
	return codes;
}

/* As many as are worth their start, beside this process, which reads, too. */
void
build_scan(BuildGather *g, WorkerCodes **worker)
{
	int			n = Min(max_parallel_maintenance_workers, max_parallel_workers);
	BlockNumber num_blocks;

	*worker = NULL;
	if (n == 0 || IsInParallelMode() || g->budget < LEAST_BUDGET || !source_has_parts(g->history, &num_blocks))
		n = 0;
	else
		n = Min(n, num_blocks / Max(SCANS_PER_WORKER * min_parallel_table_scan_size, 1));
	if (n > 0)
		*worker = scan_with_workers(g, n, num_blocks);
	else
		source_scan(g->history, g->history->horizon_start, build_gather_row, g);
}
