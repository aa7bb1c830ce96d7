/*
 * server_env.h
 *		The environment that kernels get inside the server: a memory context,
 *		interrupts, progress.
 */
#ifndef PERSONALIZE_SERVER_ENV_H
#define PERSONALIZE_SERVER_ENV_H

#include "postgres.h"

#include "base/env.h"

typedef struct ServerEnv
{
	Env			env;			/* first, so that an Env * is a ServerEnv * */
	MemoryContext context;		/* every allocation comes from here */
} ServerEnv;

extern void server_env_init(ServerEnv *server, MemoryContext context);

#endif							/* PERSONALIZE_SERVER_ENV_H */
