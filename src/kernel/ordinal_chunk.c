/*
 * ordinal_chunk.c
 *		Chunks of ordinal_set.h: their bytes, and what two of them make.
 *
 * A bitmap stays bytes in one order on every machine, so that stored ones are used where they lie.
 */
#include "kernel/ordinal_set.h"

#include "kernel/simd.h"

#define LINES (ORDINAL_PLACES / SIMD_SPAN)

const unsigned char ordinal_full[ORDINAL_BITMAP] = {[0 ... ORDINAL_BITMAP - 1] = 0xff};

static inline uint32_t
get_place(const unsigned char *p)
{
	return p[0] | (uint32_t) p[1] << 8;
}

static inline unsigned char *
put_place(unsigned char *p, uint32_t place)
{
	p[0] = (unsigned char) place;
	p[1] = (unsigned char) (place >> 8);
	return p + 2;
}

/* Places of damaged bytes may have one bit more than a chunk has. */
static inline bool
has_bit(const unsigned char *bitmap, uint32_t place)
{
	return bitmap[(place / 8) % ORDINAL_BITMAP] >> (place % 8) & 1;
}

static inline void
put_bit(unsigned char *bitmap, uint32_t place, bool value)
{
	unsigned char *byte = &bitmap[(place / 8) % ORDINAL_BITMAP];

	*byte = (unsigned char) ((*byte & ~(1 << place % 8)) | value << place % 8);
}

static uint32_t
count_bits(const unsigned char *bitmap)
{
	return simd_best()->bits_overlap(bitmap, bitmap, LINES);
}

/* Eight bytes as bits 0 to 63. */
static inline uint64_t
get_word(const unsigned char *p)
{
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* Flipped with all ones, gaps are found like members. */
static uint32_t
find_bit(const unsigned char *bitmap, uint32_t from, uint64_t flip)
{
	uint64_t	word;

	if (from >= ORDINAL_PLACES)
		return ORDINAL_PLACES;
	word = (get_word(bitmap + from / 64 * 8) ^ flip) >> from % 64;
	if (word != 0)
		return from + __builtin_ctzll(word);
	for (from = (from / 64 + 1) * 64; from < ORDINAL_PLACES; from += 64)
		if ((word = get_word(bitmap + from / 8) ^ flip) != 0)
			return from + __builtin_ctzll(word);
	return ORDINAL_PLACES;
}

uint32_t
ordinal_next_place(const unsigned char *bitmap, uint32_t from)
{
	return find_bit(bitmap, from, 0);
}

uint32_t
ordinal_next_gap(const unsigned char *bitmap, uint32_t from)
{
	return find_bit(bitmap, from, ~UINT64_C(0));
}

/* --- bytes ------------------------------------------------------------------ */

static bool
is_ascending(const unsigned char *places, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		if (get_place(places + 2 * i) <= get_place(places + 2 * i - 2))
			return false;
	return get_place(places + 2 * count - 2) < ORDINAL_PLACES;
}

bool
ordinal_chunk_decode(int64_t number, const void *bytes, size_t size, OrdinalChunk *chunk)
{
	const unsigned char *p = bytes;

	*chunk = (OrdinalChunk) {number, 0, false, p};
	if (size == 0)
		return true;
	if (size < 2 || get_place(p) >= ORDINAL_PLACES)
		return false;
	chunk->count = get_place(p) + 1;
	chunk->body = chunk->count == ORDINAL_PLACES ? ordinal_full : p + 2;
	chunk->dense = chunk->count > ORDINAL_MAX_SPARSE;
	if (size != 2 + ordinal_body_size(chunk->count))
		return false;
	return chunk->dense ? count_bits(chunk->body) == chunk->count : is_ascending(chunk->body, chunk->count);
}

/* A damaged bitmap may have more members than it says, or fewer: what is written is as long as was said. */
static void
put_places(unsigned char *out, const OrdinalChunk *chunk)
{
	unsigned char *end = out + ordinal_body_size(chunk->count);
	uint32_t	place = 0;

	while (out < end && (place = ordinal_next_place(chunk->body, place)) < ORDINAL_PLACES)
		out = put_place(out, place++);
	memset(out, 0, end - out);
}

size_t
ordinal_chunk_encode(const OrdinalChunk *chunk, unsigned char *out)
{
	if (chunk->count == 0)
		return 0;
	out = put_place(out, chunk->count - 1);
	if (chunk->dense && chunk->count <= ORDINAL_MAX_SPARSE)
		put_places(out, chunk);
	else
		memcpy(out, chunk->body, ordinal_body_size(chunk->count));
	return 2 + ordinal_body_size(chunk->count);
}

/* --- members ---------------------------------------------------------------- */

bool
ordinal_chunk_contains(const OrdinalChunk *chunk, uint32_t place)
{
	uint32_t	low = 0;
	uint32_t	high = chunk->count;

	if (chunk->dense)
		return has_bit(chunk->body, place);
	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (get_place(chunk->body + 2 * middle) < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low < chunk->count && get_place(chunk->body + 2 * low) == place;
}

void
ordinal_chunk_bitmap(const OrdinalChunk *chunk, unsigned char *bitmap)
{
	if (chunk->dense)
	{
		memcpy(bitmap, chunk->body, ORDINAL_BITMAP);
		return;
	}
	memset(bitmap, 0, ORDINAL_BITMAP);
	for (uint32_t i = 0; i < chunk->count; i++)
		put_bit(bitmap, get_place(chunk->body + 2 * i), true);
}

OrdinalChunk
ordinal_chunk_of_bitmap(int64_t number, const unsigned char *bitmap)
{
	return (OrdinalChunk) {number, count_bits(bitmap), true, bitmap};
}

/* --- two chunks ------------------------------------------------------------- */

static uint32_t
combine_bitmaps(OrdinalOp op, const unsigned char *a, const unsigned char *b, unsigned char *out)
{
	const Simd *simd = simd_best();

	return (op == ORDINAL_OR ? simd->bits_or : op == ORDINAL_AND ? simd->bits_and : simd->bits_minus) (out, a, b, LINES);
}

/* Places of a that are, or are not, in a bitmap. */
static OrdinalChunk
filter_places(const OrdinalChunk *a, const unsigned char *bitmap, bool wanted, unsigned char *scratch)
{
	unsigned char *out = scratch;

	for (uint32_t i = 0; i < a->count; i++)
	{
		uint32_t	place = get_place(a->body + 2 * i);

		/* always written, but not always kept: there is no branch to mispredict; what is written last may lie behind what is kept */
		put_place(out, place);
		out += has_bit(bitmap, place) == wanted ? 2 : 0;
	}
	return (OrdinalChunk) {a->number, (uint32_t) (out - scratch) / 2, false, scratch};
}

/* Of two lists of places whose result is no longer than ORDINAL_MAX_SPARSE. */
static OrdinalChunk
merge_places(OrdinalOp op, const OrdinalChunk *a, const OrdinalChunk *b, unsigned char *scratch)
{
	unsigned char *out = scratch;
	uint32_t	i = 0;
	uint32_t	j = 0;

	while (i < a->count && j < b->count)
	{
		uint32_t	x = get_place(a->body + 2 * i);
		uint32_t	y = get_place(b->body + 2 * j);

		if (x == y ? op != ORDINAL_MINUS : x < y ? op != ORDINAL_AND : op == ORDINAL_OR)
			out = put_place(out, x < y ? x : y);
		i += x <= y;
		j += y <= x;
	}
	/* at most one of them has anything left */
	for (; i < a->count && op != ORDINAL_AND; i++)
		out = put_place(out, get_place(a->body + 2 * i));
	for (; j < b->count && op == ORDINAL_OR; j++)
		out = put_place(out, get_place(b->body + 2 * j));
	return (OrdinalChunk) {a->number, (uint32_t) (out - scratch) / 2, false, scratch};
}

/* A bitmap of a, and the places of b set or cleared in it. */
static OrdinalChunk
change_bitmap(const OrdinalChunk *a, const OrdinalChunk *b, bool value, unsigned char *scratch)
{
	uint32_t	count = a->count;

	ordinal_chunk_bitmap(a, scratch);
	for (uint32_t i = 0; i < b->count; i++)
	{
		uint32_t	place = get_place(b->body + 2 * i);
		bool		before = has_bit(scratch, place);

		put_bit(scratch, place, value);
		count = count + value - before;
	}
	return (OrdinalChunk) {a->number, count, true, scratch};
}

OrdinalChunk
ordinal_chunk_combine(OrdinalOp op, const OrdinalChunk *a, const OrdinalChunk *b, unsigned char *scratch)
{
	if (a->dense && b->dense)
		return (OrdinalChunk) {a->number, combine_bitmaps(op, a->body, b->body, scratch), true, scratch};
	if (!a->dense && !b->dense && (op != ORDINAL_OR || a->count + b->count <= ORDINAL_MAX_SPARSE))
		return merge_places(op, a, b, scratch);
	if (op == ORDINAL_AND)
		return a->dense ? filter_places(b, a->body, true, scratch) : filter_places(a, b->body, true, scratch);
	if (op == ORDINAL_MINUS)
		return a->dense ? change_bitmap(a, b, false, scratch) : filter_places(a, b->body, false, scratch);
	return a->dense ? change_bitmap(a, b, true, scratch) : change_bitmap(b, a, true, scratch);
}

uint32_t
ordinal_chunk_merge(unsigned char *bitmap, const OrdinalChunk *chunk)
{
	if (chunk->dense)
		return combine_bitmaps(ORDINAL_OR, bitmap, chunk->body, bitmap);
	for (uint32_t i = 0; i < chunk->count; i++)
		put_bit(bitmap, get_place(chunk->body + 2 * i), true);
	return count_bits(bitmap);
}

static uint32_t
count_filtered(const OrdinalChunk *a, const unsigned char *bitmap)
{
	uint32_t	count = 0;

	for (uint32_t i = 0; i < a->count; i++)
		count += has_bit(bitmap, get_place(a->body + 2 * i));
	return count;
}

static uint32_t
count_equal(const OrdinalChunk *a, const OrdinalChunk *b)
{
	uint32_t	count = 0;
	uint32_t	i = 0;
	uint32_t	j = 0;

	while (i < a->count && j < b->count)
	{
		uint32_t	x = get_place(a->body + 2 * i);
		uint32_t	y = get_place(b->body + 2 * j);

		count += x == y;
		i += x <= y;
		j += y <= x;
	}
	return count;
}

uint32_t
ordinal_chunk_overlap(const OrdinalChunk *a, const OrdinalChunk *b)
{
	if (a->dense && b->dense)
		return simd_best()->bits_overlap(a->body, b->body, LINES);
	if (a->dense || b->dense)
		return a->dense ? count_filtered(b, a->body) : count_filtered(a, b->body);
	return count_equal(a, b);
}
