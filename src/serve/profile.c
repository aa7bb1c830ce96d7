/*
 * profile.c
 *		What a customer did, as it is now, and the items that sources start from.
 */
#include "base/compat.h"

#include "serve/request.h"

const Profile *
request_profile(Request *request, int history)
{
	elog(ERROR, "not there yet");
}

SeedList
request_seeds(Request *request, const WidgetSource *source, uint32 most)
{
	elog(ERROR, "not there yet");
}

uint32
request_item_of_code(Request *request, uint32 code)
{
	elog(ERROR, "not there yet");
}
