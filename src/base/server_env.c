/*
 * server_env.c
 *		The environment that kernels get inside the server.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/progress.h"
#include "base/server_env.h"

/*
 * Matrices pass the 1 GB that palloc allows on purpose; who may ask for how much
 * is decided before, from the sizes that the kernels state.
 */
static void *
server_env_resize(Env *env, void *ptr, size_t size)
{
	if (size > MaxAllocHugeSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("array of %zu bytes is larger than any server can hold", size)));
	if (ptr == NULL)
		return MemoryContextAllocHuge(((ServerEnv *) env)->context, size);
	return repalloc_huge(ptr, size);
}

static void
server_env_release(Env *env, void *ptr)
{
	if (ptr != NULL)
		pfree(ptr);
}

static void
server_env_check(Env *env, uint64 done, uint64 total)
{
	CHECK_FOR_INTERRUPTS();
	/* without a total it is a look at interrupts only, in the middle of somebody's figures */
	if (total > 0)
		progress_update(done, total);
}

void
server_env_init(ServerEnv *server, MemoryContext context)
{
	server->env.resize = server_env_resize;
	server->env.release = server_env_release;
	server->env.check = server_env_check;
	server->context = context;
}
