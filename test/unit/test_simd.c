/*
 * test_simd.c
 *		Every form of the vector loops that this processor runs, against counts
 *		made one by one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/simd.h"
#include "unit.h"

#define MAX_PLANES	17
#define BITMAP_LINES 64

static uint64_t state;

static SimdPlane *
new_planes(size_t n)
{
	SimdPlane  *planes = aligned_alloc(sizeof(SimdPlane), (n + 1) * sizeof(SimdPlane));

	for (size_t p = 0; p < n; p++)
		for (int w = 0; w < SIMD_WORDS; w++)
			planes[p].word[w] = unit_random(&state);
	return planes;
}

static uint32_t
bit(const SimdPlane *plane, uint32_t column)
{
	return plane->word[column / 64] >> (column % 64) & 1;
}

static uint32_t
counter(const SimdPlane *planes, int num_planes, uint32_t column)
{
	uint32_t	count = 0;

	for (int p = 0; p < num_planes; p++)
		count |= bit(planes + p, column) << p;
	return count;
}

/* The bitmap has few lines, each counted often: what is counted by hand stays little. */
static void
check_count_columns(const Simd *simd, size_t num_lines, size_t stride, int num_planes)
{
	SimdPlane  *bitmap = new_planes(BITMAP_LINES * stride);
	SimdPlane  *planes = new_planes(num_planes);
	uint32_t   *lines = malloc((num_lines + SIMD_AHEAD + 8) * sizeof(uint32_t));
	uint32_t	times[BITMAP_LINES] = {0};

	for (size_t l = 0; l < num_lines + SIMD_AHEAD + 8; l++)
		lines[l] = unit_random(&state) % BITMAP_LINES;
	for (size_t l = 0; l < num_lines; l++)
		times[lines[l]]++;
	simd->count_columns(bitmap + stride - 1, stride, lines, num_lines, planes, num_planes);
	for (uint32_t c = 0; c < SIMD_SPAN; c++)
	{
		uint32_t	want = 0;

		for (int l = 0; l < BITMAP_LINES; l++)
			want += times[l] * bit(bitmap + l * stride + stride - 1, c);
		CHECK(counter(planes, num_planes, c) == want);
	}
	free(bitmap);
	free(planes);
	free(lines);
}

static void
test_count_columns(const Simd *simd)
{
	for (int planes = 1; planes <= MAX_PLANES; planes++)
	{
		size_t		most = ((size_t) 1 << planes) - 1;

		check_count_columns(simd, most, 1 + planes % 3, planes);
		check_count_columns(simd, most / 2 + 1, 1, planes);
		check_count_columns(simd, unit_random(&state) % (most + 1), 2, planes);
	}
	for (size_t lines = 0; lines < 40; lines++)
		check_count_columns(simd, lines, 1, MAX_PLANES);
}

/* Random bounds are never near random counters, so half of the columns are made equal but for the lowest bits. */
static void
check_at_least(const Simd *simd, int num_planes, int num_bound_planes)
{
	SimdPlane  *planes = new_planes(num_planes);
	SimdPlane  *bound = new_planes(num_bound_planes);
	uint64_t	mask[SIMD_WORDS];

	for (int p = 0; p < num_bound_planes; p++)
		for (int w = 0; w < SIMD_WORDS; w += 2)
			bound[p].word[w] = p >= num_planes ? 0 : p < 2 ? bound[p].word[w] : planes[p].word[w];
	simd->planes_at_least(planes, num_planes, bound, num_bound_planes, mask);
	for (uint32_t c = 0; c < SIMD_SPAN; c++)
		CHECK((mask[c / 64] >> (c % 64) & 1) ==
			  (counter(planes, num_planes, c) >= counter(bound, num_bound_planes, c)));
	free(planes);
	free(bound);
}

static void
check_read(const Simd *simd, int num_planes, uint64_t sparse)
{
	SimdPlane  *planes = new_planes(num_planes);
	uint64_t	mask[SIMD_WORDS];
	uint16_t	column[SIMD_SPAN];
	uint32_t	count[SIMD_SPAN];
	uint32_t	n;
	uint32_t	at = 0;

	for (int w = 0; w < SIMD_WORDS; w++)
		mask[w] = sparse == 0 ? UINT64_MAX : sparse > 64 ? 0 :
			unit_random(&state) % sparse ? 0 : unit_random(&state) & unit_random(&state);
	n = simd->planes_read(planes, num_planes, mask, column, count);
	for (uint32_t c = 0; c < SIMD_SPAN; c++)
		if (mask[c / 64] >> (c % 64) & 1)
		{
			CHECK(at < n && column[at] == c && count[at] == counter(planes, num_planes, c));
			at++;
		}
	CHECK(at == n);
	free(planes);
}

static void
test_planes(const Simd *simd)
{
	for (int planes = 1; planes <= MAX_PLANES; planes++)
		for (int more = 0; more < 4; more++)
		{
			check_at_least(simd, planes, planes + more);
			check_read(simd, planes, more == 3 ? 65 : more);
		}
}

/* Counters and bounds anywhere in memory, most of them near each other and near `own`. */
#define DEFINE_CHECK(type, at_least) \
static void \
check_##at_least(const Simd *simd, uint32_t own, type spread) \
{ \
	type	   *counter = malloc((SIMD_SPAN + 1) * sizeof(type)) + sizeof(type); \
	type	   *bound = malloc((SIMD_SPAN + 1) * sizeof(type)) + sizeof(type); \
	uint64_t	mask[SIMD_WORDS]; \
\
	for (int c = 0; c < SIMD_SPAN; c++) \
	{ \
		counter[c] = (type) (own + unit_random(&state) % (spread + UINT64_C(1)) - spread / 2); \
		bound[c] = unit_random(&state) % 4 ? (type) (counter[c] + 1) : (type) unit_random(&state); \
	} \
	simd->at_least(counter, bound, own, mask); \
	for (int c = 0; c < SIMD_SPAN; c++) \
		CHECK((mask[c / 64] >> (c % 64) & 1) == (counter[c] >= bound[c] || counter[c] >= own)); \
	free((char *) counter - sizeof(type)); \
	free((char *) bound - sizeof(type)); \
}

DEFINE_CHECK(uint8_t, bytes_at_least)
DEFINE_CHECK(uint16_t, shorts_at_least)
DEFINE_CHECK(uint32_t, longs_at_least)

static void
test_counters(const Simd *simd)
{
	static const uint32_t owns[] = {0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, INT32_MAX, UINT32_MAX - 1, UINT32_MAX};

	for (size_t i = 0; i < sizeof(owns) / sizeof(owns[0]); i++)
		for (int spread = 0; spread < 128; spread = spread * 2 + 1)
		{
			if (owns[i] <= UINT8_MAX)
				check_bytes_at_least(simd, owns[i], spread);
			if (owns[i] <= UINT16_MAX)
				check_shorts_at_least(simd, owns[i], spread);
			check_longs_at_least(simd, owns[i], spread);
		}
}

static const struct
{
	const char *name;
	void		(*run) (const Simd *simd);
}			tests[] = {
	{"count_columns", test_count_columns},
	{"planes", test_planes},
	{"counters", test_counters},
};

void
test_simd(void)
{
	const Simd *const *forms;
	int			n = simd_all(&forms);
	char		name[40];

	for (int f = 0; f < n; f++)
		for (size_t t = 0; t < sizeof(tests) / sizeof(tests[0]); t++)
		{
			snprintf(name, sizeof(name), "%s %s", tests[t].name, forms[f]->name);
			unit_begin(name);
			tests[t].run(forms[f]);
		}
	unit_begin("choice");
	CHECK(n >= 1 && simd_best() == forms[n - 1]);
	simd_choose(forms[0]);
	CHECK(simd_best() == forms[0]);
	simd_choose(NULL);
	CHECK(simd_best() == forms[n - 1]);
}
