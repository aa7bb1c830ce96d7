/*
 * request.c
 *		Items of a request and their keys.
 */
#include "base/compat.h"

#include "serve/request.h"

uint32
request_item(Request *request, Datum key)
{
	return key_add(&request->server.env, &request->items, request->widget->catalog->item_type, key);
}

Datum
request_key(const Request *request, uint32 item)
{
	KeyType		type = request->widget->catalog->item_type;

	return key_datum(&request->items, type, item, type);
}

char *
request_key_text(const Request *request, uint32 item)
{
	elog(ERROR, "not there yet");
}

int
request_compare_keys(const Request *request, uint32 a, uint32 b)
{
	elog(ERROR, "not there yet");
}

uint32
request_num_items(const Request *request)
{
	return request->items.size;
}

uint64
request_hash(const Request *request, const char *purpose, uint32 item)
{
	elog(ERROR, "not there yet");
}
