/*
 * pair_row.c
 *		Rows of counts into bytes and back.
 */
#include "kernel/pair_row.h"

void
pair_row_reserve(Env *env, PairRow *row, uint32_t room)
{
	if (row->room >= room)
		return;
	row->item = env_resize(env, row->item, room, sizeof(uint32_t));
	row->count = env_resize(env, row->count, room, sizeof(int64_t));
	row->room = room;
}

void
pair_row_release(Env *env, PairRow *row)
{
	env_release(env, row->item);
	env_release(env, row->count);
	*row = (PairRow) {0, 0, NULL, NULL};
}

size_t
pair_row_encoded_room(uint32_t size)
{
	return (size_t) size * 2 * WIRE_MAX_VARINT;
}

unsigned char *
pair_row_encode(const uint32_t *items, const int64_t *counts, uint32_t size, unsigned char *out)
{
	return out;
}

bool
pair_row_decode(Env *env, WireReader base, WireReader delta, PairRow *row)
{
	row->size = 0;
	return false;
}

bool
pair_row_find(WireReader base, WireReader delta, uint32_t item, int64_t *count)
{
	*count = 0;
	return false;
}

size_t
pair_delta_encoded_room(size_t delta_size, uint32_t n)
{
	return delta_size + (size_t) (n + 1) * 2 * WIRE_MAX_VARINT;
}

unsigned char *
pair_delta_merge(WireReader delta, const uint32_t *items, const int64_t *changes, uint32_t n,
				 unsigned char *out, bool *bad)
{
	*bad = true;
	return out;
}
