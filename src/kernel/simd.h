/*
 * simd.h
 *		The inner loops that are worth a processor's widest registers, chosen
 *		once per process; the plain form is the default and the reference.
 */
#ifndef PERSONALIZE_SIMD_H
#define PERSONALIZE_SIMD_H

#include <stddef.h>
#include <stdint.h>

#define SIMD_SPAN		512		/* counters handled in one call, and bits of a bitmap line */
#define SIMD_WORDS		(SIMD_SPAN / 64)
#define SIMD_MAX_PLANES 32
#define SIMD_AHEAD		24		/* lines fetched before they are used */

/* One bit of 512 counters: counters stand upright, bit p of all of them in plane p. */
typedef struct SimdPlane
{
	uint64_t	word[SIMD_WORDS];
} __attribute__((aligned(64))) SimdPlane;

typedef struct Simd
{
	const char *name;

	/*
	 * Adds up the given lines of a bitmap, column by column: afterwards the
	 * planes hold how often each of the 512 columns was set.  `lines` are numbers of
	 * lines, `stride` planes apart; SIMD_AHEAD + 8 more must be readable after them,
	 * of which the lines are only fetched.  num_planes must hold the number of lines.
	 */
	void		(*count_columns) (const SimdPlane *bitmap, size_t stride,
								  const uint32_t *lines, size_t num_lines,
								  SimdPlane *planes, int num_planes);

	/*
	 * Which of the 512 counters are at least the bound of their column, given in the
	 * same form and in no fewer planes.
	 */
	void		(*planes_at_least) (const SimdPlane *planes, int num_planes,
									const SimdPlane *bound, int num_bound_planes, uint64_t *mask);

	/* The columns set in mask, ascending, and their counters; returns how many. */
	uint32_t	(*planes_read) (const SimdPlane *planes, int num_planes, const uint64_t *mask,
								uint16_t *column, uint32_t *count);

	/* At least the bound, for 512 plain counters of 1, 2 or 4 bytes; to be at least `own` is enough, too. */
	void		(*bytes_at_least) (const uint8_t *counter, const uint8_t *bound, uint32_t own, uint64_t *mask);
	void		(*shorts_at_least) (const uint16_t *counter, const uint16_t *bound, uint32_t own, uint64_t *mask);
	void		(*longs_at_least) (const uint32_t *counter, const uint32_t *bound, uint32_t own, uint64_t *mask);

	/* a | b, a & b, a & ~b of so many lines of SIMD_SPAN bits, at any address; return how many bits the result has. */
	uint32_t	(*bits_or) (void *result, const void *a, const void *b, size_t lines);
	uint32_t	(*bits_and) (void *result, const void *a, const void *b, size_t lines);
	uint32_t	(*bits_minus) (void *result, const void *a, const void *b, size_t lines);
	/* How many bits a & b has. */
	uint32_t	(*bits_overlap) (const void *a, const void *b, size_t lines);
} Simd;

/* The widest form that this processor runs. */
extern const Simd *simd_best(void);

/* All forms that this processor runs, plain first; for tests. */
extern int	simd_all(const Simd *const **forms);

/* Makes another form the best from now on, NULL the widest again; for tests. */
extern void simd_choose(const Simd *form);

#endif							/* PERSONALIZE_SIMD_H */
