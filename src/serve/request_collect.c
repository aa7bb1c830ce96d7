/*
 * request_collect.c
 *		What the sources of a level offer, mixed.
 */
#include "base/compat.h"

#include "serve/request.h"

void
request_offer(Request *request, uint32 item, double score, uint32 because)
{
	elog(ERROR, "not there yet");
}

uint32
request_room(const Request *request, uint32 want)
{
	return want;
}

Candidate *
request_collect(Request *request, int level, uint32 want, uint32 *size)
{
	elog(ERROR, "not there yet");
}

Candidate *
request_source_candidates(Request *request, int source, uint32 *size)
{
	elog(ERROR, "not there yet");
}

int
request_num_levels(const Request *request)
{
	elog(ERROR, "not there yet");
}
