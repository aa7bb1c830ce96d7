/*
 * ordinal_cursor.c
 *		Cursors of ordinal_set.h over bytes and expressions, and what takes them.
 */
#include "kernel/ordinal_set.h"

#define MIN_NUMBER (INT64_MIN >> ORDINAL_BITS)
#define MAX_NUMBER (INT64_MAX >> ORDINAL_BITS)

/* --- bytes ------------------------------------------------------------------ */

static bool
get_number(OrdinalBytes *c)
{
	uint64_t	coded = wire_get_varint(&c->in);

	if (!c->started)
		c->number = wire_unzigzag(coded);
	else if (coded >= (uint64_t) (MAX_NUMBER - c->number))
		return false;
	else
		c->number += (int64_t) coded + 1;
	c->started = true;
	return !c->in.bad && c->number >= MIN_NUMBER && c->number <= MAX_NUMBER;
}

static bool
get_chunk(OrdinalBytes *c, OrdinalChunk *chunk)
{
	const unsigned char *head;

	if (!get_number(c) || (head = wire_get_bytes(&c->in, 2)) == NULL)
		return false;
	chunk->number = c->number;
	chunk->count = (head[0] | (uint32_t) head[1] << 8) + 1;
	if (chunk->count > ORDINAL_PLACES)
		return false;
	chunk->dense = chunk->count > ORDINAL_MAX_SPARSE;
	chunk->body = wire_get_bytes(&c->in, ordinal_body_size(chunk->count));
	if (chunk->count == ORDINAL_PLACES)
		chunk->body = ordinal_full;
	return chunk->body != NULL;
}

static bool
next_of_bytes(OrdinalCursor *cursor, OrdinalChunk *chunk)
{
	OrdinalBytes *c = (OrdinalBytes *) cursor;

	if (wire_left(&c->in) == 0)
		return false;
	if (get_chunk(c, chunk))
		return true;
	c->in.bad = cursor->bad = true;
	return false;
}

OrdinalCursor *
ordinal_bytes_open(OrdinalBytes *c, const void *bytes, size_t size)
{
	const unsigned char *version;

	*c = (OrdinalBytes) {{next_of_bytes, false}, wire_reader(bytes, size), 0, false};
	version = wire_get_bytes(&c->in, 1);
	if (version == NULL || *version != ORDINAL_VERSION)
		c->in.bad = c->cursor.bad = true;
	return &c->cursor;
}

/* Varints may be longer than need be: to write the same again is the surest check. */
bool
ordinal_is_canonical(const void *bytes, size_t size)
{
	OrdinalBytes c;
	OrdinalChunk chunk;
	OrdinalChunk checked;
	OrdinalCursor *cursor = ordinal_bytes_open(&c, bytes, size);
	int64_t		before = 0;
	const unsigned char *start = c.in.at;

	while (cursor->next(cursor, &chunk))
	{
		uint64_t	coded = start == (const unsigned char *) bytes + 1 ? wire_zigzag(chunk.number) : (uint64_t) (chunk.number - before - 1);
		const unsigned char *head = c.in.at - ordinal_body_size(chunk.count) - 2;

		if (wire_varint_size(coded) != (size_t) (head - start) || !ordinal_chunk_decode(chunk.number, head, c.in.at - head, &checked))
			return false;
		before = chunk.number;
		start = c.in.at;
	}
	return !cursor->bad;
}

/* --- expressions ------------------------------------------------------------ */

static void
step(OrdinalPair *p, OrdinalCursor *cursor, OrdinalChunk *at)
{
	if (!cursor->next(cursor, at))
		*at = (OrdinalChunk) {INT64_MAX, 0, false, NULL};
	p->cursor.bad |= cursor->bad;
}

/* The least number of both that the operation wants; false at the end. */
static bool
step_both(OrdinalPair *p)
{
	int64_t		least;

	if (p->take_a)
		step(p, p->a, &p->at_a);
	if (p->take_b)
		step(p, p->b, &p->at_b);
	least = p->at_a.number < p->at_b.number ? p->at_a.number : p->at_b.number;
	p->take_a = p->at_a.number == least;
	p->take_b = p->at_b.number == least;
	return p->op == ORDINAL_OR ? least != INT64_MAX : p->at_a.number != INT64_MAX &&
		(p->op == ORDINAL_MINUS || p->at_b.number != INT64_MAX);
}

static bool
next_of_pair(OrdinalCursor *cursor, OrdinalChunk *chunk)
{
	OrdinalPair *p = (OrdinalPair *) cursor;

	while (step_both(p))
	{
		if (p->take_a && p->take_b)
			*chunk = ordinal_chunk_combine(p->op, &p->at_a, &p->at_b, p->scratch);
		else if (p->op == ORDINAL_AND || (p->op == ORDINAL_MINUS && p->take_b))
			continue;
		else
			*chunk = p->take_a ? p->at_a : p->at_b;
		if (chunk->count > 0)
			return true;
	}
	/* nothing is taken beyond an end */
	p->take_a = p->take_b = false;
	return false;
}

OrdinalCursor *
ordinal_pair_open(OrdinalPair *p, OrdinalOp op, OrdinalCursor *a, OrdinalCursor *b)
{
	p->cursor = (OrdinalCursor) {next_of_pair, a->bad || b->bad};
	p->op = op;
	p->a = a;
	p->b = b;
	p->take_a = p->take_b = true;
	return &p->cursor;
}

/* --- what takes a cursor ---------------------------------------------------- */

uint64_t
ordinal_count(OrdinalCursor *cursor)
{
	OrdinalChunk chunk;
	uint64_t	count = 0;

	while (cursor->next(cursor, &chunk))
		count += chunk.count;
	return count;
}

/* Chunks of both, one after the other; false at the end of either. */
static bool
next_common(OrdinalCursor *a, OrdinalCursor *b, OrdinalChunk *at_a, OrdinalChunk *at_b)
{
	if (!a->next(a, at_a) || !b->next(b, at_b))
		return false;
	while (at_a->number != at_b->number)
		if (at_a->number < at_b->number ? !a->next(a, at_a) : !b->next(b, at_b))
			return false;
	return true;
}

uint64_t
ordinal_overlap(OrdinalCursor *a, OrdinalCursor *b)
{
	OrdinalChunk at_a;
	OrdinalChunk at_b;
	uint64_t	count = 0;

	while (next_common(a, b, &at_a, &at_b))
		count += ordinal_chunk_overlap(&at_a, &at_b);
	return count;
}

bool
ordinal_intersects(OrdinalCursor *a, OrdinalCursor *b)
{
	OrdinalChunk at_a;
	OrdinalChunk at_b;

	while (next_common(a, b, &at_a, &at_b))
		if (ordinal_chunk_overlap(&at_a, &at_b) > 0)
			return true;
	return false;
}

void
ordinal_writer_begin(OrdinalWriter *w, Env *env, size_t reserve)
{
	*w = (OrdinalWriter) {env, env_alloc(env, reserve + 64, 1), reserve, reserve + 64, 0, false};
	w->bytes[w->size++] = ORDINAL_VERSION;
}

void
ordinal_writer_put(OrdinalWriter *w, const OrdinalChunk *chunk)
{
	size_t		room = WIRE_MAX_VARINT + 2 + ordinal_body_size(chunk->count);
	unsigned char *out;

	if (chunk->count == 0)
		return;
	if (w->capacity - w->size < room)
	{
		env_check(w->env, 0, 0);
		w->capacity = 2 * w->capacity + room;
		w->bytes = env_resize(w->env, w->bytes, w->capacity, 1);
	}
	out = wire_put_varint(w->bytes + w->size, w->started ? (uint64_t) (chunk->number - w->number - 1) : wire_zigzag(chunk->number));
	w->size = out + ordinal_chunk_encode(chunk, out) - w->bytes;
	w->number = chunk->number;
	w->started = true;
}

unsigned char *
ordinal_write(Env *env, OrdinalCursor *cursor, size_t reserve, size_t *size)
{
	OrdinalWriter w;
	OrdinalChunk chunk;

	ordinal_writer_begin(&w, env, reserve);
	while (cursor->next(cursor, &chunk))
		ordinal_writer_put(&w, &chunk);
	*size = w.size;
	return w.bytes;
}

void
ordinal_walk_begin(OrdinalWalk *walk, OrdinalCursor *cursor)
{
	walk->cursor = cursor;
	walk->inside = false;
}

static bool
walk_in_chunk(OrdinalWalk *walk, uint32_t *place)
{
	const OrdinalChunk *c = &walk->chunk;

	if (c->dense)
	{
		*place = ordinal_next_place(c->body, walk->at);
		walk->at = *place + 1;
		return *place < ORDINAL_PLACES;
	}
	if (walk->at == c->count)
		return false;
	*place = (c->body[2 * walk->at] | (uint32_t) c->body[2 * walk->at + 1] << 8) % ORDINAL_PLACES;
	walk->at++;
	return true;
}

static bool
next_chunk(OrdinalWalk *walk)
{
	walk->inside = walk->cursor->next(walk->cursor, &walk->chunk);
	walk->at = 0;
	return walk->inside;
}

bool
ordinal_walk_next(OrdinalWalk *walk, int64_t *ordinal)
{
	uint32_t	place;

	while (!walk->inside || !walk_in_chunk(walk, &place))
		if (!next_chunk(walk))
			return false;
	*ordinal = ordinal_at(walk->chunk.number, place);
	return true;
}

bool
ordinal_walk_run(OrdinalWalk *walk, int64_t *first, int64_t *last)
{
	const OrdinalChunk *c = &walk->chunk;

	if (!ordinal_walk_next(walk, first))
		return false;
	*last = *first;
	if (c->dense)
	{
		walk->at = ordinal_next_gap(c->body, walk->at);
		*last = ordinal_at(c->number, walk->at - 1);
	}
	else
		while (walk->at < c->count && (c->body[2 * walk->at] | (int64_t) c->body[2 * walk->at + 1] << 8) == ordinal_place(*last) + 1)
		{
			walk->at++;
			++*last;
		}
	return true;
}
