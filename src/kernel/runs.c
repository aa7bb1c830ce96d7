/*
 * runs.c
 *		Sorting, packing and merging rows of baskets.
 *
 * Packed: for each basket the distance from the one before, the number of items,
 * the first item as a distance from the run's least, the others as gaps less one,
 * then the weights less one.
 */
#include "kernel/radix.h"
#include "kernel/runs.h"

#define CHECK_EVERY 65536		/* baskets between looks at interrupts */

/* --- making ------------------------------------------------------------- */

uint64_t
run_sort(uint64_t *rows, uint64_t *scratch, uint64_t n, int words, uint64_t max_weight)
{
	uint64_t	kept = n > 0;

	radix_sort(rows, scratch, n, words, 2);
	for (uint64_t i = 1; i < n; i++)
	{
		uint64_t   *last = rows + (kept - 1) * words;
		const uint64_t *row = rows + i * words;

		if (last[0] == row[0] && last[1] == row[1])
		{
			if (words == 3 && (row[2] > max_weight || last[2] + row[2] > max_weight))
				return UINT64_MAX;
			if (words == 3)
				last[2] += row[2];
			continue;
		}
		for (int w = 0; w < words; w++)
			rows[kept * words + w] = row[w];
		kept++;
	}
	return kept;
}

uint64_t
run_max_bytes(uint64_t n, int words)
{
	/* each row may be a basket of its own, with a size */
	return n * (words + 1) * WIRE_MAX_VARINT;
}

RunHead
run_pack(const uint64_t *rows, uint64_t n, int words, unsigned char *out)
{
	RunHead		head = {.least_item = UINT64_MAX, .rows = n};
	unsigned char *start = out;
	uint64_t	before = 0;

	for (uint64_t i = 0; i < n; i++)
		if (rows[i * words + 1] < head.least_item)
			head.least_item = rows[i * words + 1];
	for (uint64_t i = 0, next; i < n; i = next)
	{
		const uint64_t *row = rows + i * words;

		for (next = i + 1; next < n && rows[next * words] == row[0];)
			next++;
		out = wire_put_varint(out, row[0] - before);
		out = wire_put_varint(out, next - i);
		out = wire_put_varint(out, row[1] - head.least_item);
		for (uint64_t r = i + 1; r < next; r++)
			out = wire_put_varint(out, rows[r * words + 1] - rows[(r - 1) * words + 1] - 1);
		for (uint64_t r = i; words == 3 && r < next; r++)
			out = wire_put_varint(out, rows[r * words + 2] - 1);
		before = row[0];
		head.baskets++;
	}
	head.bytes = out - start;
	return head;
}

/* --- reading ------------------------------------------------------------ */

static inline uint64_t
get(RunReader *reader)
{
	if (reader->unread > 0 && wire_left(&reader->in) < WIRE_MAX_VARINT)
		reader->refill(reader);
	return wire_get_varint(&reader->in);
}

static void
look_at_basket(RunReader *reader)
{
	if (wire_left(&reader->in) == 0 && reader->unread == 0)
	{
		reader->done = true;
		return;
	}
	reader->basket += get(reader);
	reader->size = get(reader);
}

void
run_open(RunReader *reader)
{
	reader->done = false;
	reader->basket = 0;
	look_at_basket(reader);
}

void
run_take(RunReader *reader, uint64_t *item, uint64_t *weight)
{
	uint64_t	at = reader->head.least_item + get(reader);

	item[0] = at;
	for (uint64_t i = 1; i < reader->size; i++)
		item[i * 2] = at += get(reader) + 1;
	for (uint64_t i = 0; i < reader->size; i++)
		weight[i * 2] = reader->weighted ? get(reader) + 1 : 1;
	look_at_basket(reader);
}

/* --- merging ------------------------------------------------------------ */

static void
sift_down(RunMerge *merge, uint32_t at)
{
	RunReader  *moved = merge->heap[at];

	for (;;)
	{
		uint32_t	child = 2 * at + 1;

		if (child >= merge->size)
			break;
		if (child + 1 < merge->size && merge->heap[child + 1]->basket < merge->heap[child]->basket)
			child++;
		if (merge->heap[child]->basket >= moved->basket)
			break;
		merge->heap[at] = merge->heap[child];
		at = child;
	}
	merge->heap[at] = moved;
}

void
run_merge_init(Env *env, RunMerge *merge, RunReader **readers, uint32_t n, uint64_t max_weight)
{
	*merge = (RunMerge) {.env = env, .max_weight = max_weight, .room = 1024};
	merge->heap = env_alloc(env, n + UINT64_C(1), sizeof(RunReader *));
	merge->row = env_alloc(env, merge->room * 2, 2 * sizeof(uint64_t));
	for (uint32_t i = 0; i < n; i++)
	{
		run_open(readers[i]);
		merge->weighted |= readers[i]->weighted;
		if (!readers[i]->done)
			merge->heap[merge->size++] = readers[i];
	}
	for (uint32_t i = merge->size; i-- > 0;)
		sift_down(merge, i);
}

/* The part of the current basket that the first run has, behind the n rows already there. */
static uint64_t
take_part(RunMerge *merge, uint64_t n)
{
	RunReader  *reader = merge->heap[0];
	uint64_t	need = n + reader->size;

	if (need > merge->room)
	{
		/* the second half is scratch for sorting */
		merge->room = need * 2;
		merge->row = env_resize(merge->env, merge->row, merge->room * 2, 2 * sizeof(uint64_t));
	}
	run_take(reader, merge->row + n * 2, merge->row + n * 2 + 1);
	if (reader->done)
		merge->heap[0] = merge->heap[--merge->size];
	if (merge->size > 0)
		sift_down(merge, 0);
	return need;
}

/* Parts of one basket from several runs may share items. */
static uint64_t
fold_parts(RunMerge *merge, uint64_t n)
{
	uint64_t   *row = merge->row;
	uint64_t	kept = 0;

	radix_sort(row, row + merge->room * 2, n, 2, 1);
	for (uint64_t i = 0; i < n; i++)
		if (kept > 0 && row[(kept - 1) * 2] == row[i * 2])
		{
			if (merge->weighted)
				row[kept * 2 - 1] += row[i * 2 + 1];
			merge->too_heavy |= row[kept * 2 - 1] > merge->max_weight;
		}
		else
		{
			row[kept * 2] = row[i * 2];
			row[kept * 2 + 1] = row[i * 2 + 1];
			kept++;
		}
	return kept;
}

uint64_t
run_merge_next(RunMerge *merge, uint64_t *basket, const uint64_t **rows)
{
	uint64_t	n = 0;
	int			parts = 0;

	if (merge->size == 0)
		return 0;
	*basket = merge->heap[0]->basket;
	for (; merge->size > 0 && merge->heap[0]->basket == *basket; parts++)
		n = take_part(merge, n);
	merge->rows_read += n;
	*rows = merge->row;
	return parts > 1 ? fold_parts(merge, n) : n;
}

void
run_merge_release(RunMerge *merge)
{
	env_release(merge->env, merge->heap);
	env_release(merge->env, merge->row);
}
