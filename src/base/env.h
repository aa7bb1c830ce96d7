/*
 * env.h
 *		What a kernel may ask of its surroundings: memory and a chance to stop.
 *
 * Kernels know neither palloc nor malloc.  In the server the environment is a
 * memory context and the interrupt check; in the unit binary, the fuzzers and
 * the benchmarks it is malloc and nothing.  No call returns a failure: `alloc`
 * and `check` leave the kernel on their own (ereport, abort), so a kernel holds
 * nothing that the environment cannot take back.
 *
 * This header is free of the server, so that kernels can include it.
 */
#ifndef PERSONALIZE_ENV_H
#define PERSONALIZE_ENV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Env Env;

struct Env
{
	void	   *(*resize) (Env *env, void *ptr, size_t size);	/* ptr may be NULL */
	void		(*release) (Env *env, void *ptr);	/* ptr may be NULL */
	void		(*check) (Env *env, uint64_t done, uint64_t total);	/* interrupts, progress */
};

/* n * size, or SIZE_MAX where that does not fit, which no environment can serve. */
static inline size_t
env_array_size(uint64_t n, size_t size)
{
	size_t		bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? SIZE_MAX : bytes;
}

static inline void *
env_alloc(Env *env, uint64_t n, size_t size)
{
	return env->resize(env, NULL, env_array_size(n, size));
}

static inline void *
env_alloc0(Env *env, uint64_t n, size_t size)
{
	return memset(env_alloc(env, n, size), 0, env_array_size(n, size));
}

static inline void *
env_resize(Env *env, void *ptr, uint64_t n, size_t size)
{
	return env->resize(env, ptr, env_array_size(n, size));
}

static inline void
env_release(Env *env, void *ptr)
{
	env->release(env, ptr);
}

static inline void
env_check(Env *env, uint64_t done, uint64_t total)
{
	env->check(env, done, total);
}

#endif							/* PERSONALIZE_ENV_H */
