/*
 * wire.h
 *		Bytes in and out: variable-length integers, and a reader that never
 *		passes the end of what it was given.
 *
 * This header is free of the server, so that kernels can include it.
 */
#ifndef PERSONALIZE_WIRE_H
#define PERSONALIZE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_MAX_VARINT 10		/* bytes of the longest 64-bit varint */

/*
 * A reader over untrusted bytes.  The first read past the end, or a varint that
 * does not fit 64 bits, sets `bad`; every later read yields 0, so a caller may
 * read a group and look once.
 */
typedef struct WireReader
{
	const unsigned char *at;
	const unsigned char *end;
	bool		bad;
} WireReader;

static inline WireReader
wire_reader(const void *bytes, size_t size)
{
	WireReader	r = {(const unsigned char *) bytes, (const unsigned char *) bytes + size, false};

	return r;
}

/* Nothing is left of bytes that turned out bad, so that loops until the end do end. */
static inline size_t
wire_left(const WireReader *r)
{
	return r->bad ? 0 : (size_t) (r->end - r->at);
}

/* A pointer into the input, not a copy; NULL, with `bad` set, where there are fewer. */
static inline const unsigned char *
wire_get_bytes(WireReader *r, size_t size)
{
	const unsigned char *p = r->at;

	if (r->bad || (size_t) (r->end - r->at) < size)
	{
		r->bad = true;
		return NULL;
	}
	r->at += size;
	return p;
}

static inline uint64_t
wire_get_varint(WireReader *r)
{
	uint64_t	v = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		unsigned char byte;

		if (r->bad || r->at == r->end)
			break;
		byte = *r->at++;
		/* the tenth byte has one bit left to give */
		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

/* Writes at p, which must have WIRE_MAX_VARINT bytes of room; returns the new end. */
static inline unsigned char *
wire_put_varint(unsigned char *p, uint64_t v)
{
	while (v >= 0x80)
	{
		*p++ = (unsigned char) (v | 0x80);
		v >>= 7;
	}
	*p++ = (unsigned char) v;
	return p;
}

static inline size_t
wire_varint_size(uint64_t v)
{
	return v < 0x80 ? 1 : (size_t) (70 - __builtin_clzll(v)) / 7;
}

/* Signed values in zigzag order, so that small magnitudes stay small. */
static inline uint64_t
wire_zigzag(int64_t v)
{
	return ((uint64_t) v << 1) ^ (uint64_t) (v >> 63);
}

static inline int64_t
wire_unzigzag(uint64_t v)
{
	return (int64_t) (v >> 1) ^ -(int64_t) (v & 1);
}

#endif							/* PERSONALIZE_WIRE_H */
