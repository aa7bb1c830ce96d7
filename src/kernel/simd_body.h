/*
 * simd_body.h
 *		One form of the loops in simd.h.  simd.c includes it once per instruction
 *		set: the compiler lowers vector types before it inlines, so a shared
 *		inline function would be stuck with the narrowest set.
 *
 * Expects SIMD_NAME(x), SIMD_TARGET and, where the masks of AVX-512 exist,
 * SIMD_HAS_MASKS.
 */

/* Full adder over 512 columns: a + b + c = 2 * carry + sum. */
#define SIMD_ADD(carry, sum, a, b, c) \
	do { \
		Lanes		a_ = (a), b_ = (b), c_ = (c), u_ = a_ ^ b_; \
		(carry) = (a_ & b_) | (u_ & c_); \
		(sum) = u_ ^ c_; \
	} while (0)

/*
 * Eight lines into ones, twos and fours; what overflows into eights (Harley and Seal's
 * counter).  Only every eighth line reaches the planes in memory.
 */
#define SIMD_ADD_EIGHT(eights, line) \
	do { \
		Lanes		t0_, t1_, t2_, t3_, f0_, f1_; \
		SIMD_ADD(t0_, ones, ones, *line[0], *line[1]); \
		SIMD_ADD(t1_, ones, ones, *line[2], *line[3]); \
		SIMD_ADD(f0_, twos, twos, t0_, t1_); \
		SIMD_ADD(t2_, ones, ones, *line[4], *line[5]); \
		SIMD_ADD(t3_, ones, ones, *line[6], *line[7]); \
		SIMD_ADD(f1_, twos, twos, t2_, t3_); \
		SIMD_ADD(eights, fours, fours, f0_, f1_); \
	} while (0)

/*
 * Which lines are added is random, so almost each is a miss of the cache: fetching ahead
 * matters as much as adding quickly.
 */
static SIMD_TARGET void
SIMD_NAME(count_columns) (const SimdPlane *bitmap, size_t stride,
						  const uint32_t *lines, size_t num_lines,
						  SimdPlane *planes, int num_planes)
{
	static const SimdPlane zero = {{0}};
	Lanes		ones = {0};
	Lanes		twos = {0};
	Lanes		fours = {0};
	Lanes	   *plane = (Lanes *) planes;

	for (int p = 0; p < num_planes; p++)
		plane[p] = (Lanes) {0};
	for (size_t at = 0; at < num_lines; at += 8)
	{
		const Lanes *line[8];
		Lanes		carry;

		for (size_t l = 0; l < 8; l++)
		{
			/* past the end come zeros, so that the last eight are like all others */
			line[l] = (const Lanes *) (at + l < num_lines ? bitmap + lines[at + l] * stride : &zero);
			__builtin_prefetch(bitmap + lines[at + l + SIMD_AHEAD] * stride);
		}
		SIMD_ADD_EIGHT(carry, line);
		/* a ripple through all planes: to stop when nothing is carried would be a branch that misleads */
		for (int p = 3; p < num_planes; p++)
		{
			Lanes		next = plane[p] & carry;

			plane[p] ^= carry;
			carry = next;
		}
	}
	/* counters of few lines have fewer planes than the adder */
	plane[0] = ones;
	if (num_planes > 1)
		plane[1] = twos;
	if (num_planes > 2)
		plane[2] = fours;
}

/* A comparison of 512 pairs of numbers at once, bit by bit from the top. */
static SIMD_TARGET void
SIMD_NAME(planes_at_least) (const SimdPlane *planes, int num_planes,
							const SimdPlane *bound, int num_bound_planes, uint64_t *mask)
{
	const Lanes *plane = (const Lanes *) planes;
	const Lanes *wanted = (const Lanes *) bound;
	Lanes		above = {0};
	Lanes		equal = ~above;

	/* a bound with a bit that the counters do not have is out of reach */
	for (int p = num_bound_planes - 1; p >= num_planes; p--)
		equal &= ~wanted[p];
	/* from the highest bit down: above where the counter has a 1 and the bound a 0 */
	for (int p = num_planes - 1; p >= 0; p--)
	{
		above |= equal & plane[p] & ~wanted[p];
		equal &= ~(plane[p] ^ wanted[p]);
	}
	/* at least, so what is equal in all bits passes */
	above |= equal;
	memcpy(mask, &above, sizeof(above));
}

/* Few columns pass, so they are read one by one; a word of 64 that has none costs one test. */
static SIMD_TARGET uint32_t
SIMD_NAME(planes_read) (const SimdPlane *planes, int num_planes, const uint64_t *mask,
						uint16_t *column, uint32_t *count)
{
	uint32_t	n = 0;

	for (int w = 0; w < SIMD_WORDS; w++)
	{
		uint64_t	word[SIMD_MAX_PLANES] __attribute__((aligned(64))) = {0};

		if (mask[w] == 0)
			continue;
		for (int p = 0; p < num_planes; p++)
			word[p] = planes[p].word[w];
		for (uint64_t m = mask[w]; m != 0; m &= m - 1, n++)
		{
			column[n] = (uint16_t) (w * 64 + __builtin_ctzll(m));
			count[n] = 0;
#ifdef SIMD_HAS_MASKS
			/* eight planes a test; those beyond the last are zero */
			for (int p = 0; p < num_planes; p += 8)
				count[n] |= (uint32_t) _mm512_test_epi64_mask(_mm512_load_si512(word + p),
															  _mm512_set1_epi64((long long) (m & -m))) << p;
#else
			for (int p = 0; p < num_planes; p++)
				count[n] |= (uint32_t) ((word[p] & m & -m) != 0) << p;
#endif
		}
	}
	return n;
}

#ifdef SIMD_HAS_MASKS
/* To pass either bound is to pass the smaller: one comparison instead of two. */
#define SIMD_AT_LEAST(name, type, bits) \
static SIMD_TARGET void \
SIMD_NAME(name) (const type *counter, const type *bound, uint32_t own, uint64_t *mask) \
{ \
	const int	lanes = 512 / bits; \
	const __m512i own_bound = _mm512_set1_epi##bits((type) own); \
\
	for (int w = 0; w < SIMD_WORDS; w++) \
	{ \
		mask[w] = 0; \
		for (int q = 0; q < 64; q += lanes) \
			mask[w] |= (uint64_t) _mm512_cmpge_epu##bits##_mask(_mm512_loadu_si512(counter + w * 64 + q), \
						_mm512_min_epu##bits(own_bound, _mm512_loadu_si512(bound + w * 64 + q))) << q; \
	} \
}
#else
/* Most words hold nothing: one vectorized look at the whole word, bit by bit only behind it. */
#define SIMD_AT_LEAST(name, type, bits) \
static SIMD_TARGET void \
SIMD_NAME(name) (const type *counter, const type *bound, uint32_t own, uint64_t *mask) \
{ \
	const type	own_bound = (type) own; \
\
	for (int w = 0; w < SIMD_WORDS; w++, counter += 64, bound += 64) \
	{ \
		type		any = 0; \
\
		mask[w] = 0; \
		for (int i = 0; i < 64; i++) \
			any |= (counter[i] >= bound[i]) | (counter[i] >= own_bound); \
		for (int i = 0; any && i < 64; i++) \
			mask[w] |= (uint64_t) (counter[i] >= bound[i] || counter[i] >= own_bound) << i; \
	} \
}
#endif
SIMD_AT_LEAST(bytes_at_least, uint8_t, 8)
SIMD_AT_LEAST(shorts_at_least, uint16_t, 16)
SIMD_AT_LEAST(longs_at_least, uint32_t, 32)
#undef SIMD_AT_LEAST

/* Words are counted where the compiler finds them best; both wider targets have an instruction for it. */
#define SIMD_COMBINE(name, combined) \
static SIMD_TARGET uint32_t \
SIMD_NAME(name) (void *result, const void *left, const void *right, size_t lines) \
{ \
	uint64_t	count = 0; \
\
	for (size_t l = 0; l < lines; l++) \
	{ \
		Lanes		a; \
		Lanes		b; \
\
		memcpy(&a, (const char *) left + l * sizeof(Lanes), sizeof(Lanes)); \
		memcpy(&b, (const char *) right + l * sizeof(Lanes), sizeof(Lanes)); \
		a = combined; \
		memcpy((char *) result + l * sizeof(Lanes), &a, sizeof(Lanes)); \
		for (int w = 0; w < SIMD_WORDS; w++) \
			count += __builtin_popcountll(a[w]); \
	} \
	return (uint32_t) count; \
}
SIMD_COMBINE(bits_or, a | b)
SIMD_COMBINE(bits_and, a & b)
SIMD_COMBINE(bits_minus, a & ~b)
#undef SIMD_COMBINE

static SIMD_TARGET uint32_t
SIMD_NAME(bits_overlap) (const void *left, const void *right, size_t lines)
{
	uint64_t	count = 0;

	for (size_t w = 0; w < lines * SIMD_WORDS; w++)
	{
		uint64_t	a;
		uint64_t	b;

		memcpy(&a, (const char *) left + w * sizeof(a), sizeof(a));
		memcpy(&b, (const char *) right + w * sizeof(b), sizeof(b));
		count += __builtin_popcountll(a & b);
	}
	return (uint32_t) count;
}

static const Simd SIMD_NAME(form) =
{
	SIMD_LABEL,
	SIMD_NAME(count_columns),
	SIMD_NAME(planes_at_least),
	SIMD_NAME(planes_read),
	SIMD_NAME(bytes_at_least),
	SIMD_NAME(shorts_at_least),
	SIMD_NAME(longs_at_least),
	SIMD_NAME(bits_or),
	SIMD_NAME(bits_and),
	SIMD_NAME(bits_minus),
	SIMD_NAME(bits_overlap)
};

/* the next inclusion defines its own */
#undef SIMD_ADD
#undef SIMD_ADD_EIGHT
#undef SIMD_NAME
#undef SIMD_TARGET
#undef SIMD_LABEL
#undef SIMD_HAS_MASKS
