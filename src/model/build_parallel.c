/*
 * build_parallel.c
 *		Counting all items of a model, in this process or with parallel workers.
 *
 * The block with the baskets lies in dynamic shared memory.  Workers take a few items at a time,
 * count them, and send each as a message through a queue of limited size, so memory is limited too; they touch
 * no table.  The leader writes what comes, and counts items itself whenever nothing has come.
 * Which process counts an item changes nothing about the result.
 */
#include "base/compat.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/memutils.h"

#include "base/progress.h"
#include "model/build_parallel.h"

#define KEY_SHARED	UINT64CONST(0x5045525300000001)
#define KEY_BLOCK	UINT64CONST(0x5045525300000002)
#define KEY_QUEUES	UINT64CONST(0x5045525300000003)

#define QUEUE_SIZE	((Size) 2 * 1024 * 1024)
#define ITEMS_AT_A_TIME	4		/* few: the most popular come first and are most of the work */
#define WORK_PER_WORKER 2e6		/* pairs of places; less is counted before a worker has started */

typedef struct SharedCount
{
	CountPlan	plan;
	pg_atomic_uint64 next;		/* the first item that nobody has taken */
} SharedCount;

PGDLLEXPORT void personalize_build_worker(dsm_segment *seg, shm_toc *toc);

int
build_workers(const CountPlan *plan, double work, Size budget)
{
	int			n = Min(max_parallel_maintenance_workers, max_parallel_workers);

	n = (int) Min((double) n, work / WORK_PER_WORKER);
	/* nor inside a parallel operation, if anybody should get here from one */
	if (IsInParallelMode())
		n = 0;
	for (; n >= 0; n--)
		if (plan->size + plan->process_memory * (n + 1) + QUEUE_SIZE * n <= budget)
			break;
	return n;
}

/* --- in a worker --------------------------------------------------------- */

/* Items from *item up to the end returned; nothing, where none are left. */
static uint32
take_items(SharedCount *shared, uint32 *item)
{
	uint64		first = pg_atomic_fetch_add_u64(&shared->next, ITEMS_AT_A_TIME);

	*item = (uint32) Min(first, shared->plan.num_items);
	return (uint32) Min(first + ITEMS_AT_A_TIME, shared->plan.num_items);
}

void
personalize_build_worker(dsm_segment *seg, shm_toc *toc)
{
	SharedCount *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	char	   *queues = shm_toc_lookup(toc, KEY_QUEUES, false);
	shm_mq	   *queue = (shm_mq *) (queues + QUEUE_SIZE * ParallelWorkerNumber);
	shm_mq_handle *handle;
	Counter    *counter;
	StringInfoData message;
	uint32		item;
	uint32		end;

	shm_mq_set_sender(queue, MyProc);
	handle = shm_mq_attach(queue, seg, NULL);
	counter = counter_create(CurrentMemoryContext, &shared->plan, shm_toc_lookup(toc, KEY_BLOCK, false));
	initStringInfo(&message);
	while ((end = take_items(shared, &item)) > item)
		for (; item < end; item++)
		{
			CHECK_FOR_INTERRUPTS();
			if (!count_is_sampled(shared->plan.sample, item))
				continue;
			counted_item_send(&message, counter_count(counter, item));
			/* the leader has gone, and takes us with it */
			if (compat_mq_send(handle, message.len, message.data) != SHM_MQ_SUCCESS)
				return;
		}
	shm_mq_detach(handle);
}

/* --- in the leader ------------------------------------------------------- */

typedef struct Leader
{
	ParallelContext *context;
	SharedCount *shared;
	shm_mq_handle **queue;		/* NULL where its worker is done */
	Counter    *counter;
	CountedSink sink;
	void	   *arg;
	MemoryContext message_context;
	uint64		num_done;
} Leader;

/* Counts items of all processes: the leader sees every one of them. */
static void
item_done(Leader *l, const CountedItem *item)
{
	l->sink(l->arg, item);
	progress_update(++l->num_done, l->shared->plan.num_items);
}

/* All that a worker has sent so far; whether there was anything. */
static bool
drain(Leader *l, shm_mq_handle **queue)
{
	bool		any = false;
	Size		size;
	void	   *data;

	while (*queue != NULL)
	{
		shm_mq_result result = shm_mq_receive(*queue, &size, &data, true);
		CountedItem item;
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (result == SHM_MQ_WOULD_BLOCK)
			break;
		any = true;
		if (result == SHM_MQ_DETACHED)
		{
			*queue = NULL;
			break;
		}
		old = MemoryContextSwitchTo(l->message_context);
		counted_item_receive(data, size, &item);
		MemoryContextSwitchTo(old);
		item_done(l, &item);
		MemoryContextReset(l->message_context);
	}
	return any;
}

/* A few at a time, so that what workers send does not wait for long. */
static bool
count_some(Leader *l)
{
	uint32		item;
	uint32		end = take_items(l->shared, &item);
	bool		any = item < end;

	for (; item < end; item++)
	{
		CHECK_FOR_INTERRUPTS();
		if (count_is_sampled(l->shared->plan.sample, item))
			item_done(l, counter_count(l->counter, item));
	}
	return any;
}

/* What has come is written first: a full queue stops a worker. */
static void
lead(Leader *l)
{
	int			n = l->context->nworkers_launched;
	bool		open = true;

	while (open)
	{
		bool		any = false;

		open = false;
		for (int w = 0; w < n; w++)
		{
			any |= drain(l, &l->queue[w]);
			open |= l->queue[w] != NULL;
		}
		if (any || count_some(l))
			continue;
		if (open)
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
	}
	/* without a worker there was no queue to wait for */
	while (count_some(l));
}

/* With its worker's handle a queue tells when the worker died before it came that far. */
static void
attach_queues(Leader *l, char *queues)
{
	l->queue = palloc0((l->context->nworkers_launched + 1) * sizeof(shm_mq_handle *));
	for (int w = 0; w < l->context->nworkers_launched; w++)
		l->queue[w] = shm_mq_attach((shm_mq *) (queues + QUEUE_SIZE * w), l->context->seg,
									l->context->worker[w].bgwhandle);
}

/* One each: a queue has one sender and one reader. */
static char *
create_queues(ParallelContext *context)
{
	char	   *queues = shm_toc_allocate(context->toc, QUEUE_SIZE * Max(context->nworkers, 1));

	for (int w = 0; w < context->nworkers; w++)
		shm_mq_set_receiver(shm_mq_create(queues + QUEUE_SIZE * w, QUEUE_SIZE), MyProc);
	shm_toc_insert(context->toc, KEY_QUEUES, queues);
	return queues;
}

static void
count_with_workers(const CountPlan *plan, int num_workers, const CountInput *input, CountedSink sink, void *arg)
{
	Leader		l = {.sink = sink, .arg = arg};
	char	   *block;
	char	   *queues;

	/* what is inserted meanwhile needs both, and neither can be had while workers run */
	(void) GetCurrentTransactionId();
	(void) GetCurrentCommandId(true);
	EnterParallelMode();
	l.context = CreateParallelContext("personalize", "personalize_build_worker", num_workers);
	shm_toc_estimate_chunk(&l.context->estimator, sizeof(SharedCount));
	shm_toc_estimate_chunk(&l.context->estimator, plan->size);
	shm_toc_estimate_chunk(&l.context->estimator, QUEUE_SIZE * Max(num_workers, 1));
	shm_toc_estimate_keys(&l.context->estimator, 3);
	InitializeParallelDSM(l.context);
	l.shared = shm_toc_allocate(l.context->toc, sizeof(SharedCount));
	l.shared->plan = *plan;
	pg_atomic_init_u64(&l.shared->next, 0);
	shm_toc_insert(l.context->toc, KEY_SHARED, l.shared);
	block = shm_toc_allocate(l.context->toc, plan->size);
	count_fill(plan, block, input->history, input->target, input->survey, input->items);
	shm_toc_insert(l.context->toc, KEY_BLOCK, block);
	queues = create_queues(l.context);
	LaunchParallelWorkers(l.context);
	attach_queues(&l, queues);
	l.counter = counter_create(CurrentMemoryContext, plan, block);
	l.message_context = AllocSetContextCreate(CurrentMemoryContext, "personalize message", ALLOCSET_DEFAULT_SIZES);
	lead(&l);
	WaitForParallelWorkersToFinish(l.context);
	counter_free(l.counter);
	MemoryContextDelete(l.message_context);
	DestroyParallelContext(l.context);
	ExitParallelMode();
}

/* In the order of the codes, without queue, copy or file. */
static void
count_alone(const CountPlan *plan, const CountInput *input, CountedSink sink, void *arg)
{
	char	   *block = MemoryContextAllocHuge(CurrentMemoryContext, plan->size + PG_CACHE_LINE_SIZE);
	Counter    *counter;

	count_fill(plan, block, input->history, input->target, input->survey, input->items);
	counter = counter_create(CurrentMemoryContext, plan, block);
	for (uint32 item = 0; item < plan->num_items; item++)
	{
		CHECK_FOR_INTERRUPTS();
		if (count_is_sampled(plan->sample, item))
			sink(arg, counter_count(counter, item));
		progress_update(item, plan->num_items);
	}
	counter_free(counter);
	pfree(block);
}

/* One worker is already worth it, because this process goes on counting, too. */
void
build_count_all(const CountPlan *plan, int num_workers, const CountInput *input, CountedSink sink, void *arg)
{
	if (num_workers > 0)
		count_with_workers(plan, num_workers, input, sink, arg);
	else
		count_alone(plan, input, sink, arg);
}
