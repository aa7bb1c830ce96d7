/*
 * ordinal_set.h
 *		Exact sets of 64-bit numbers, compressed: numbers of customers, mostly small and close together, but any will do.
 *
 * The numbers fall into chunks of 2^15, and a chunk holds places 0 to 32767.  Its bytes are
 *
 *		two bytes: members less one (the highest bit is 0: another form would set it), then
 *		up to ORDINAL_MAX_SPARSE members: their places, ascending, two bytes each
 *		more: a bitmap of 4096 bytes, place p in bit p % 8 of byte p / 8
 *		all: nothing
 *
 * all little-endian.  An empty chunk has no bytes.  So a chunk is at most ORDINAL_MAX_CHUNK bytes, and a change of one member rewrites no more
 * than that: it fits a heap row, where its column is STORAGE PLAIN.  A whole set is
 *
 *		version, then chunks ascending: number (zigzag) or distance to the one before less one, a varint; bytes of the chunk
 *
 * Equal sets have equal bytes.  A cursor passes the chunks of a set, of bytes, or of an expression over other cursors, ascending, with no more
 * than one chunk of each in memory; counting, writing and walking take any cursor.
 */
#ifndef PERSONALIZE_KERNEL_ORDINAL_SET_H
#define PERSONALIZE_KERNEL_ORDINAL_SET_H

#include "base/env.h"
#include "base/wire.h"

#define ORDINAL_VERSION 1
#define ORDINAL_BITS 15
#define ORDINAL_PLACES (1 << ORDINAL_BITS)	/* of one chunk */
#define ORDINAL_BITMAP (ORDINAL_PLACES / 8) /* bytes */
#define ORDINAL_MAX_SPARSE 2048
#define ORDINAL_MAX_CHUNK (2 + ORDINAL_BITMAP)

/* Of the bytes of a chunk with so many members, those behind the count. */
static inline size_t
ordinal_body_size(uint32_t count)
{
	return count == ORDINAL_PLACES ? 0 : count > ORDINAL_MAX_SPARSE ? ORDINAL_BITMAP : 2 * (size_t) count;
}

/* Chunks of negative numbers have negative numbers. */
static inline int64_t
ordinal_chunk_number(int64_t ordinal)
{
	return ordinal >> ORDINAL_BITS;
}

static inline uint32_t
ordinal_place(int64_t ordinal)
{
	return (uint32_t) (ordinal & (ORDINAL_PLACES - 1));
}

static inline int64_t
ordinal_at(int64_t chunk, uint32_t place)
{
	return (int64_t) ((uint64_t) chunk << ORDINAL_BITS) + place;
}

/* --- one chunk -------------------------------------------------------------- */

/* A look at a chunk; the body is somebody else's.  A bitmap may have few members while it is in memory. */
typedef struct OrdinalChunk
{
	int64_t		number;
	uint32_t	count;			/* members */
	bool		dense;			/* body is a bitmap; else places */
	const unsigned char *body;
} OrdinalChunk;

typedef enum OrdinalOp
{
	ORDINAL_OR,
	ORDINAL_AND,
	ORDINAL_MINUS
} OrdinalOp;

/* The bitmap of a chunk that is full. */
extern const unsigned char ordinal_full[ORDINAL_BITMAP];

/* A chunk of bytes as they are stored; false where they are none.  No bytes are an empty chunk.  Trusts no byte, and checks all of them. */
extern bool ordinal_chunk_decode(int64_t number, const void *bytes, size_t size, OrdinalChunk *chunk);
/* Canonical bytes, up to ORDINAL_MAX_CHUNK of them; returns how many. */
extern size_t ordinal_chunk_encode(const OrdinalChunk *chunk, unsigned char *out);
extern bool ordinal_chunk_contains(const OrdinalChunk *chunk, uint32_t place);
/* Members in ORDINAL_BITMAP bytes, over the chunk that was there. */
extern void ordinal_chunk_bitmap(const OrdinalChunk *chunk, unsigned char *bitmap);
/* Adds members to a bitmap; returns how many it has then. */
extern uint32_t ordinal_chunk_merge(unsigned char *bitmap, const OrdinalChunk *chunk);
/* The first place in a bitmap from there on; ORDINAL_PLACES where there is none. */
extern uint32_t ordinal_next_place(const unsigned char *bitmap, uint32_t from);
/* The first that is not in it. */
extern uint32_t ordinal_next_gap(const unsigned char *bitmap, uint32_t from);
extern OrdinalChunk ordinal_chunk_of_bitmap(int64_t number, const unsigned char *bitmap);
/* Both have the same number.  The result may point into either, or into scratch: ORDINAL_BITMAP bytes, which neither of them is in. */
extern OrdinalChunk ordinal_chunk_combine(OrdinalOp op, const OrdinalChunk *a, const OrdinalChunk *b, unsigned char *scratch);
/* Members of both, which is enough for the count of every expression of two: no result is made. */
extern uint32_t ordinal_chunk_overlap(const OrdinalChunk *a, const OrdinalChunk *b);

/* --- sets in memory --------------------------------------------------------- */

typedef struct OrdinalSet OrdinalSet;

extern OrdinalSet *ordinal_set_create(Env *env);
extern void ordinal_set_release(OrdinalSet *set);
/* Whether that changed anything. */
extern bool ordinal_set_add(OrdinalSet *set, int64_t ordinal);
extern bool ordinal_set_remove(OrdinalSet *set, int64_t ordinal);
/* In constant time. */
extern bool ordinal_set_contains(const OrdinalSet *set, int64_t ordinal);
extern uint64_t ordinal_set_count(const OrdinalSet *set);
extern uint64_t ordinal_set_memory(const OrdinalSet *set);
/* All members of a chunk, beside those that are there. */
extern void ordinal_set_add_chunk(OrdinalSet *set, const OrdinalChunk *chunk);
/* From the first to the last, both of them too. */
extern void ordinal_set_add_range(OrdinalSet *set, int64_t first, int64_t last);

/* --- cursors ---------------------------------------------------------------- */

typedef struct OrdinalCursor OrdinalCursor;

struct OrdinalCursor
{
	/* The next chunk that is not empty, valid until the call after; false at the end. */
	bool		(*next) (OrdinalCursor *cursor, OrdinalChunk *chunk);
	bool		bad;			/* bytes turned out to be no set */
};

typedef struct OrdinalBytes
{
	OrdinalCursor cursor;		/* first, so that an OrdinalCursor * is an OrdinalBytes * */
	WireReader	in;
	int64_t		number;
	bool		started;
} OrdinalBytes;

typedef struct OrdinalSetCursor
{
	OrdinalCursor cursor;
	OrdinalSet *set;
	uint64_t	place;
} OrdinalSetCursor;

typedef struct OrdinalPair
{
	OrdinalCursor cursor;
	OrdinalOp	op;
	OrdinalCursor *a;
	OrdinalCursor *b;
	OrdinalChunk at_a;			/* number INT64_MAX at the end, as no chunk has it */
	OrdinalChunk at_b;
	bool		take_a;			/* was used; the next call goes on */
	bool		take_b;
	unsigned char scratch[ORDINAL_BITMAP];
} OrdinalPair;

/* Members are not looked at one by one: bytes that are damaged give wrong answers, but no wrong memory is touched. */
extern OrdinalCursor *ordinal_bytes_open(OrdinalBytes *cursor, const void *bytes, size_t size);
/* The set must not change meanwhile. */
extern OrdinalCursor *ordinal_set_open(OrdinalSetCursor *cursor, OrdinalSet *set);
extern OrdinalCursor *ordinal_pair_open(OrdinalPair *cursor, OrdinalOp op, OrdinalCursor *a, OrdinalCursor *b);

extern uint64_t ordinal_count(OrdinalCursor *cursor);
extern uint64_t ordinal_overlap(OrdinalCursor *a, OrdinalCursor *b);
extern bool ordinal_intersects(OrdinalCursor *a, OrdinalCursor *b);
/* Everything into a set, beside what is there; ordinal_set_create before makes it a copy. */
extern void ordinal_set_add_all(OrdinalSet *set, OrdinalCursor *cursor);
extern OrdinalSet *ordinal_set_combine(Env *env, OrdinalOp op, OrdinalSet *a, OrdinalSet *b);
/* Bytes of a set, behind `reserve` that are left free; the caller releases them. */
extern unsigned char *ordinal_write(Env *env, OrdinalCursor *cursor, size_t reserve, size_t *size);
/* Whether ordinal_write wrote these bytes, or could have. */
extern bool ordinal_is_canonical(const void *bytes, size_t size);

/* Chunks one after the other, ascending, as a table has them, into the bytes of a set. */
typedef struct OrdinalWriter
{
	Env		   *env;
	unsigned char *bytes;
	size_t		size;			/* with what is reserved */
	size_t		capacity;
	int64_t		number;
	bool		started;
} OrdinalWriter;

extern void ordinal_writer_begin(OrdinalWriter *writer, Env *env, size_t reserve);
extern void ordinal_writer_put(OrdinalWriter *writer, const OrdinalChunk *chunk);

/* Members one by one, ascending. */
typedef struct OrdinalWalk
{
	OrdinalCursor *cursor;
	OrdinalChunk chunk;
	uint32_t	at;				/* place in the places, or in the bitmap */
	bool		inside;
} OrdinalWalk;

extern void ordinal_walk_begin(OrdinalWalk *walk, OrdinalCursor *cursor);
extern bool ordinal_walk_next(OrdinalWalk *walk, int64_t *ordinal);
/* Instead: all of a chunk that follow each other without a gap, from the first to the last. */
extern bool ordinal_walk_run(OrdinalWalk *walk, int64_t *first, int64_t *last);

#endif							/* PERSONALIZE_KERNEL_ORDINAL_SET_H */
