/*
 * runs.c
 *		Sorting, packing and merging rows of baskets.
 *
 * Packed: for each basket the distance from the one before, the number of items,
 * the first item as a distance from the run's least, the others as gaps less one,
 * then the weights less one.  Events have their weights in zigzag form, then their times
 * as distances from the time before, and how much older the oldest is than the last.
 */
#include "kernel/radix.h"
#include "kernel/runs.h"

/* --- making ------------------------------------------------------------- */

/* A second event of the same item in the same basket; false where the sum of the weights passes its limit. */
static inline bool
fold_row(uint64_t *last, const uint64_t *row, int words, uint64_t max_weight)
{
	int64_t		sum;

	if (words == 3)
	{
		/* compared without adding, which could wrap around */
		if (row[2] > max_weight || last[2] > max_weight - row[2])
			return false;
		last[2] += row[2];
	}
	else if (words > 3)
	{
		if (__builtin_add_overflow((int64_t) last[2], (int64_t) row[2], &sum))
			return false;
		last[2] = (uint64_t) sum;
		last[3] = row[3] > last[3] ? row[3] : last[3];
		if (words > 4)
			last[4] = row[4] < last[4] ? row[4] : last[4];
	}
	return true;
}

/* Duplicates go at once: in clickstreams they may be many, and every later step is the cheaper. */
uint64_t
run_sort(uint64_t *rows, uint64_t *scratch, uint64_t n, int words, uint64_t max_weight)
{
	uint64_t	kept = n > 0;

	radix_sort(rows, scratch, n, words, 2);
	for (uint64_t i = 1; i < n; i++)
	{
		/* folded in place: what is kept never gets ahead of what is read */
		uint64_t   *last = rows + (kept - 1) * words;
		const uint64_t *row = rows + i * words;

		if (last[0] == row[0] && last[1] == row[1])
		{
			if (!fold_row(last, row, words, max_weight))
				return UINT64_MAX;
			continue;
		}
		for (int w = 0; w < words; w++)
			rows[kept * words + w] = row[w];
		kept++;
	}
	return kept;
}

/* Ample, but given back after packing; to know it exactly would mean to pack twice. */
uint64_t
run_max_bytes(uint64_t n, int words)
{
	/* each row may be a basket of its own, with a size */
	return n * (words + 1) * WIRE_MAX_VARINT;
}

/* What stands behind the items of a basket; returns the end.  Times of one basket are near each other, and often the same. */
static unsigned char *
pack_values(const uint64_t *row, uint64_t n, int words, uint64_t *time, unsigned char *out)
{
	for (uint64_t i = 0; i < n; i++)
		out = wire_put_varint(out, words == 3 ? row[i * words + 2] - 1 : wire_zigzag((int64_t) row[i * words + 2]));
	for (uint64_t i = 0; words > 3 && i < n; i++)
	{
		uint64_t	now = row[i * words + 3];

		/* distances wrap around, there and back */
		out = wire_put_varint(out, wire_zigzag((int64_t) (now - *time)));
		if (words > 4)
			out = wire_put_varint(out, now - row[i * words + 4]);
		*time = now;
	}
	return out;
}

/* Sorted rows make all distances small and none negative, which is what varints are good at. */
RunHead
run_pack(const uint64_t *rows, uint64_t n, int words, unsigned char *out)
{
	RunHead		head = {.least_item = UINT64_MAX, .rows = n};
	unsigned char *start = out;
	uint64_t	before = 0;
	uint64_t	time = 0;

	/* items ascend only within a basket, so the least may be anywhere */
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
		if (words > 2)
			out = pack_values(row, next - i, words, &time, out);
		before = row[0];
	}
	/* known only now, and what a reader needs to find the end */
	head.bytes = out - start;
	return head;
}

/* --- reading ------------------------------------------------------------ */

/* Refills before a varint could be cut in two, so that decoding needs no test for it. */
static inline uint64_t
get(RunReader *reader)
{
	if (reader->unread > 0 && wire_left(&reader->in) < WIRE_MAX_VARINT)
		reader->refill(reader);
	return wire_get_varint(&reader->in);
}

/* Both parts count: what is left in the buffer, and what has not been brought yet. */
static inline bool
at_end(const RunReader *reader)
{
	return wire_left(&reader->in) == 0 && reader->unread == 0;
}

/* The way back from pack_values. */
static void
read_values(RunReader *reader, uint64_t *row, uint64_t n, int words)
{
	for (uint64_t i = 0; i < n; i++)
		row[i * words + 2] = words == 3 ? get(reader) + 1 : (uint64_t) wire_unzigzag(get(reader));
	for (uint64_t i = 0; words > 3 && i < n; i++)
	{
		reader->time += (uint64_t) wire_unzigzag(get(reader));
		row[i * words + 3] = reader->time;
		if (words > 4)
			row[i * words + 4] = reader->time - get(reader);
	}
}

/* One basket, behind the rows already read ahead. */
static void
read_basket(Env *env, RunReader *reader, int words)
{
	uint64_t	size;
	uint64_t	item;
	uint64_t   *row;

	reader->basket += get(reader);
	size = get(reader);
	if (reader->rows + size > reader->room)
	{
		/* a basket may be larger than all that was to be read ahead */
		reader->room = (reader->rows + size) * 2;
		reader->row = env_resize(env, reader->row, reader->room, words * sizeof(uint64_t));
	}
	row = reader->row + reader->rows * words;
	item = reader->head.least_item + get(reader);
	for (uint64_t i = 0; i < size; i++)
	{
		if (i > 0)
			item += get(reader) + 1;
		row[i * words] = reader->basket;
		/* other numbers are in no order any more, but slices are sorted anyway */
		row[i * words + 1] = reader->item ? reader->item[item] : item;
	}
	if (words > 2)
		read_values(reader, row, size, words);
	reader->rows += size;
}

/* Reads whole baskets only: a slice that ended within one would hand it out in two parts. */
static void
read_ahead(Env *env, RunReader *reader, int words, uint64_t ahead)
{
	uint64_t	left = reader->rows - reader->at;

	/* topped up while there is still half: a run that lags behind makes slices small */
	if (left >= ahead / 2 || at_end(reader))
		return;
	/* what is left is less than half of what was read: cheap to move */
	if (reader->at > 0)
		memmove(reader->row, reader->row + reader->at * words, left * words * sizeof(uint64_t));
	reader->at = 0;
	reader->rows = left;
	while (reader->rows < ahead && !at_end(reader))
		read_basket(env, reader, words);
}

/* --- merging ------------------------------------------------------------ */

void
run_merge_init(Env *env, RunMerge *merge, RunReader **readers, uint32_t n,
			   int words, uint64_t max_weight, uint64_t ahead)
{
	*merge = (RunMerge) {.env = env, .reader = readers, .num_readers = n, .words = words, .max_weight = max_weight};
	/*
	 * each run's share, and one for the slice; with very many runs the least keeps slices
	 * from shrinking to nothing
	 */
	merge->ahead = ahead / (n + 1);
	if (merge->ahead < 64)
		merge->ahead = 64;
}

/* The scratch of the sort is the second half of the same allocation: they grow together. */
static void
append_to_slice(RunMerge *merge, const uint64_t *row, uint64_t n)
{
	/* neither side may have been allocated yet, and memcpy takes no NULL */
	if (n == 0)
		return;
	if (merge->rows + n > merge->room)
	{
		merge->room = (merge->rows + n) * 2;
		merge->slice = env_resize(merge->env, merge->slice, merge->room * 2, merge->words * sizeof(uint64_t));
	}
	memcpy(merge->slice + merge->rows * merge->words, row, n * merge->words * sizeof(uint64_t));
	merge->rows += n;
}

/* All rows of all baskets up to the least of those that some run ends with. */
static void
next_slice(RunMerge *merge)
{
	int			words = merge->words;
	uint64_t	last = UINT64_MAX;
	uint64_t	kept;

	/* the slice before has been handed out */
	merge->at = 0;
	merge->rows = 0;
	for (uint32_t r = 0; r < merge->num_readers; r++)
	{
		read_ahead(merge->env, merge->reader[r], words, merge->ahead);
		/* a run that has ended holds nobody up; if all have, everything goes out */
		if (!at_end(merge->reader[r]) && merge->reader[r]->basket < last)
			last = merge->reader[r]->basket;
	}
	for (uint32_t r = 0; r < merge->num_readers; r++)
	{
		RunReader  *reader = merge->reader[r];
		uint64_t	first = reader->at;

		while (reader->at < reader->rows && reader->row[reader->at * words] <= last)
			reader->at++;
		append_to_slice(merge, reader->row + first * words, reader->at - first);
	}
	merge->rows_read += merge->rows;
	if (merge->rows == 0)
		return;
	/* folds what several runs hold of the same row, too */
	kept = run_sort(merge->slice, merge->slice + merge->room * words, merge->rows, words, merge->max_weight);
	/* stays set: nothing more comes out, and the caller learns it at the end */
	merge->too_heavy |= kept == UINT64_MAX;
	merge->rows = merge->too_heavy ? 0 : kept;
}

uint64_t
run_merge_next(RunMerge *merge, const uint64_t **rows)
{
	int			words = merge->words;
	uint64_t	first;

	if (merge->at == merge->rows)
		next_slice(merge);
	first = merge->at;
	while (merge->at < merge->rows && merge->slice[merge->at * words] == merge->slice[first * words])
		merge->at++;
	/* in place: valid until the next slice is made */
	*rows = merge->slice + first * words;
	return merge->at - first;
}

/* The readers themselves belong to the caller; what was read ahead is the merge's. */
void
run_merge_release(RunMerge *merge)
{
	for (uint32_t r = 0; r < merge->num_readers; r++)
		env_release(merge->env, merge->reader[r]->row);
	env_release(merge->env, merge->slice);
}
