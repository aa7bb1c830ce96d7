/*
 * counter_row.c
 *		Counters of some neighboring items as bytes.
 *
 * Each counter is a byte with the place and, as a flag, whether the epoch is another one than that of the counter before; then the difference of
 * the epochs, if there is any, and the sum as varints.
 */
#include <limits.h>

#include "kernel/counter_row.h"

#define NEW_EPOCH 0x20
#define PLACE_MASK (COUNTER_ROW_ITEMS - 1)

void
counter_row_reserve(Env *env, CounterRow *row, uint32_t room)
{
	if (room <= row->room)
		return;
	row->room = room < row->room * 2 ? row->room * 2 : room;
	row->cell = env_resize(env, row->cell, row->room, sizeof(CounterCell));
}

size_t
counter_row_encoded_room(uint32_t size)
{
	return (size_t) size * (1 + 2 * WIRE_MAX_VARINT);
}

unsigned char *
counter_row_encode(const CounterRow *row, unsigned char *out)
{
	int32_t		epoch = 0;

	for (uint32_t c = 0; c < row->size; c++)
	{
		const CounterCell *cell = &row->cell[c];

		*out++ = (unsigned char) (cell->place | (cell->epoch != epoch ? NEW_EPOCH : 0));
		if (cell->epoch != epoch)
			out = wire_put_varint(out, wire_zigzag((int64_t) cell->epoch - epoch));
		out = wire_put_varint(out, (uint64_t) cell->sum);
		epoch = cell->epoch;
	}
	return out;
}

/* A difference of 0 with the flag would be another form of what goes without. */
static bool
decode_cell(WireReader *in, int32_t *epoch, CounterCell *cell)
{
	const unsigned char *head = wire_get_bytes(in, 1);
	int64_t		change = 0;
	uint64_t	sum;

	if (head == NULL || *head >= 2 * NEW_EPOCH)
		return false;
	if (*head & NEW_EPOCH)
	{
		change = wire_unzigzag(wire_get_varint(in));
		if (change == 0 || change > (int64_t) INT32_MAX - *epoch || change < (int64_t) INT32_MIN - *epoch)
			return false;
	}
	sum = wire_get_varint(in);
	if (in->bad || sum == 0 || sum > INT64_MAX)
		return false;
	*epoch = (int32_t) (*epoch + change);
	*cell = (CounterCell) {*head & PLACE_MASK, *epoch, (int64_t) sum};
	return true;
}

bool
counter_row_decode(Env *env, WireReader *in, CounterRow *row)
{
	int32_t		epoch = 0;

	row->size = 0;
	while (wire_left(in) > 0)
	{
		CounterCell cell;

		if (!decode_cell(in, &epoch, &cell))
			return false;
		if (row->size > 0)
		{
			const CounterCell *before = &row->cell[row->size - 1];

			if (cell.place < before->place || (cell.place == before->place && cell.epoch <= before->epoch))
				return false;
		}
		counter_row_reserve(env, row, row->size + 1);
		row->cell[row->size++] = cell;
	}
	return !in->bad;
}
