/*
 * test_measure.c
 *		Published scores, edges, and the promise of measure_need: nothing below
 *		the bound reaches the score, and the bound rises with all its arguments.
 */
#include "kernel/measure.h"

#include <math.h>

#include "unit.h"

/* The tests vary parameters where a measure takes them. */
static const MeasureParams variants[] = {
	{0, 0.6, 0.3, 1, 1.96},
	{10, 0.5, 0.5, 1, 0},
	{0.5, 0, 0, 2, 3},
	{0, 1, 1, 0.5, 1},
	{100, 0.25, 0, 0.01, 0.1},
	{0, 0, 1, 100, 10},
	{0, 1e-8, 1e-8, 3, 100},
};

#define NUM_VARIANTS ((int) (sizeof(variants) / sizeof(variants[0])))

static Measure
variant(int measure, int which)
{
	const MeasureInfo *info = &measure_table[measure];
	const MeasureParams *v = &variants[which];
	Measure		m = {info, info->defaults};

	if (info->takes & MEASURE_SHRINKAGE)
		m.params.shrinkage = v->shrinkage;
	if (info->takes & MEASURE_A)
		m.params.a = v->a;
	if (info->takes & MEASURE_B)
		m.params.b = v->b;
	if (info->takes & MEASURE_P)
		m.params.p = v->p;
	if (info->takes & MEASURE_Z)
		m.params.z = v->z;
	return m;
}

static double
score_of(const char *name, double n_ab, double n_a, double n_b, double n)
{
	const MeasureInfo *info = measure_find(name);

	return info->score(&info->defaults, n_ab, n_a, n_b, n);
}

static double
score_of_cells(const char *name, double k11, double k12, double k21, double k22)
{
	return score_of(name, k11, k11 + k12, k11 + k21, k11 + k12 + k21 + k22);
}

/* Dunning 1993 and the tests of Apache Mahout. */
static void
test_published(void)
{
	static const double known[][6] = {
		{1, 0, 0, 1, 2.772589, 1e-6},
		{10, 0, 0, 10, 27.72589, 1e-6},
		{5, 1995, 0, 100000, 39.33052, 1e-6},
		{1000, 1995, 1000, 100000, 4730.737, 1e-6},
		{1000, 1000, 1000, 100000, 5734.343, 1e-6},
		{1000, 1000, 1000, 99000, 5714.932, 1e-6},
		{110, 2442, 111, 29114, 270.72, 1e-4},
		{29, 13, 123, 31612, 263.90, 1e-4},
	};

	for (int i = 0; i < 8; i++)
	{
		const double *k = known[i];

		CHECK_NEAR(score_of_cells("llr", k[0], k[1], k[2], k[3]), k[4], k[5]);
		CHECK_NEAR(score_of_cells("signed_root_llr", k[0], k[1], k[2], k[3]), sqrt(k[4]), k[5]);
	}
	CHECK(score_of_cells("signed_root_llr", 6, 7567, 1924, 2426487) == 0);
	CHECK(score_of_cells("signed_root_llr", 1, 999, 999, 9001) < 0);
	CHECK_NEAR(score_of("lift", 68, 170, 2513, 9835), 1.565460, 1e-6);
	CHECK_NEAR(score_of("lift", 69, 160, 1072, 9835), 3.956477, 1e-6);
	CHECK_NEAR(score_of("lift", 89, 327, 705, 9835), 3.796886, 1e-6);
}

static void
test_identities(void)
{
	uint64_t	state = 1;

	for (int i = 0; i < 10000; i++)
	{
		double		n_a = 1 + unit_random(&state) % 100000;
		double		n_b = 1 + unit_random(&state) % 100000;
		double		n_ab = unit_random(&state) % (uint64_t) (fmin(n_a, n_b) + 1);
		double		n = n_a + n_b + unit_random(&state) % 1000000;

		CHECK(score_of("cosine", n_ab, n_a, n_b, n) == score_of("cosine", n_ab, n_b, n_a, n));
		CHECK(score_of("cosine", n_ab, n_a, n_b, n) == score_of("asymmetric_cosine", n_ab, n_a, n_b, n));
		CHECK_NEAR(score_of("tversky", n_ab, n_a, n_b, n), score_of("jaccard", n_ab, n_a, n_b, n), 1e-15);
		CHECK_NEAR(score_of("llr", n_ab, n_a, n_b, n), score_of("llr", n_ab, n_b, n_a, n), 1e-9);
		CHECK(score_of("lift_lower_bound", n_ab, n_a, n_b, n) <= score_of("lift", n_ab, n_a, n_b, n));
		CHECK(fabs(score_of("npmi", n_ab, n_a, n_b, n)) <= 1);
	}
}

/* Every table of counts up to 6: no NaN anywhere, LLR is not negative, the sign is right. */
static void
test_never_nan(void)
{
	for (int n = 0; n <= 6; n++)
		for (int n_a = 0; n_a <= n; n_a++)
			for (int n_b = 0; n_b <= n; n_b++)
				for (int n_ab = n_a + n_b > n ? n_a + n_b - n : 0; n_ab <= n_a && n_ab <= n_b; n_ab++)
				{
					double		root = score_of("signed_root_llr", n_ab, n_a, n_b, n);

					CHECK(measure_check_counts(n_ab, n_a, n_b, n) == NULL);
					for (int i = 0; i < measure_table_size; i++)
						for (int v = 0; v < NUM_VARIANTS; v++)
						{
							Measure		m = variant(i, v);

							CHECK(!isnan(measure_score(&m, n_ab, n_a, n_b, n)));
						}
					CHECK(score_of("llr", n_ab, n_a, n_b, n) >= 0);
					CHECK((root > 0) == (n_ab * n > n_a * n_b));
					CHECK((root < 0) == (n_ab * n < n_a * n_b));
				}
}

static void
test_edges(void)
{
	CHECK(score_of("cosine", 0, 0, 3, 10) == 0);
	CHECK(score_of("lift", 0, 0, 3, 10) == 1);
	CHECK(score_of("conviction", 0, 0, 0, 0) == 1);
	CHECK(score_of("pmi", 0, 0, 3, 10) == 0);
	CHECK(score_of("lift_lower_bound", 0, 0, 3, 10) == 0);
	CHECK(score_of("pmi", 0, 2, 3, 10) == -INFINITY);
	CHECK(score_of("npmi", 0, 2, 3, 10) == -1);
	CHECK(score_of("npmi", 2, 2, 2, 10) == 1);
	CHECK(score_of("npmi", 10, 10, 10, 10) == 0);
	CHECK(score_of("conviction", 2, 2, 3, 10) == INFINITY);
	CHECK(score_of("conviction", 2, 2, 10, 10) == 1);
	/* as decay can make it */
	CHECK(score_of("conviction", 1, 2, 10, 10) == 0);
	CHECK(score_of("chi_square", 5, 5, 10, 10) == 0);
	CHECK(score_of("chi_square", 5, 5, 5, 10) == 10);
	CHECK(score_of("lift_lower_bound", 0, 2, 3, 10) == 0);
}

static void
test_checks(void)
{
	const MeasureInfo *kernel = measure_find("kernel");
	MeasureParams params = kernel->defaults;
	const char *range;

	CHECK(measure_find("confidence") == measure_find("conditional"));
	CHECK(measure_find("cosin") == NULL);
	CHECK(measure_find("") == NULL);
	for (int i = 0; i < measure_table_size; i++)
		CHECK(measure_check_params(&measure_table[i], &measure_table[i].defaults, &range) == 0);
	params.p = 0;
	CHECK(measure_check_params(kernel, &params, &range) == MEASURE_P);
	params.a = NAN;
	CHECK(measure_check_params(kernel, &params, &range) == MEASURE_A);
	params.shrinkage = INFINITY;
	CHECK(measure_check_params(kernel, &params, &range) == MEASURE_SHRINKAGE);
	CHECK(measure_check_params(measure_find("count"), &params, &range) == 0);

	CHECK(measure_check_counts(1, 2, 2, 3) == NULL);
	CHECK(measure_check_counts(0.1 + 0.2, 0.4, 0.5, 0.6) == NULL);
	CHECK(measure_check_counts(3, 2, 4, 10) != NULL);
	CHECK(measure_check_counts(3, 4, 2, 10) != NULL);
	CHECK(measure_check_counts(1, 11, 2, 10) != NULL);
	CHECK(measure_check_counts(1, 2, 11, 10) != NULL);
	CHECK(measure_check_counts(1, 6, 6, 10) != NULL);
	CHECK(measure_check_counts(-1, 6, 6, 10) != NULL);
	CHECK(measure_check_counts(NAN, 6, 6, 10) != NULL);
	CHECK(measure_check_counts(1, 6, 6, INFINITY) != NULL);
}

/* Scores worth asking for: those that occur, a hair off them, and odd ones. */
static int
thresholds(const Measure *m, double n_ab, double n_a, double n_b, double n, double *out)
{
	double		score = measure_score(m, n_ab, n_a, n_b, n);
	int			count = 0;

	out[count++] = score;
	out[count++] = nextafter(score, INFINITY);
	out[count++] = nextafter(score, -INFINITY);
	out[count++] = score * 1.5;
	out[count++] = -1.5;
	out[count++] = 0;
	out[count++] = 1;
	out[count++] = nextafter(1, 2);
	out[count++] = INFINITY;
	out[count++] = -INFINITY;
	return count;
}

/* What scores at least the threshold is not below the bound. */
static void
check_conservative(const Measure *m, double threshold, double n_ab, double n_a, double n_b, double n)
{
	double		need = measure_need(m, threshold, n_a, n_b, n);

	CHECK(need >= 0);
	CHECK(n_ab >= need || measure_score(m, n_ab, n_a, n_b, n) < threshold);
}

static void
check_monotone(const Measure *m, double threshold, double n_a, double n_b, double n)
{
	double		need = measure_need(m, threshold, n_a, n_b, n);

	CHECK(measure_need(m, nextafter(threshold, INFINITY), n_a, n_b, n) >= need);
	CHECK(measure_need(m, threshold + 0.01, n_a, n_b, n) >= need);
	if (n_a < n)
		CHECK(measure_need(m, threshold, n_a + 1, n_b, n) >= need);
	if (n_b < n)
		CHECK(measure_need(m, threshold, n_a, n_b + 1, n) >= need);
}

static void
test_need_on_grid(const Measure *m)
{
	int			n = 9;

	for (int n_a = 0; n_a <= n; n_a++)
		for (int n_b = 0; n_b <= n; n_b++)
		{
			/* sums with decay need not fit each other like counts of one set of baskets, so the least is 0 */
			int			low = 0;
			int			high = n_a < n_b ? n_a : n_b;

			for (int at = low; at <= high; at++)
			{
				double		t[16];
				int			count = thresholds(m, at, n_a, n_b, n, t);

				for (int i = 0; i < count; i++)
				{
					check_monotone(m, t[i], n_a, n_b, n);
					for (int n_ab = low; n_ab <= high; n_ab++)
						check_conservative(m, t[i], n_ab, n_a, n_b, n);
				}
			}
		}
}

/* Counts near a limit are where rounding bites, so half of them lie there. */
static double
random_count(uint64_t *state, double low, double high)
{
	double		span = high - low;
	double		at = floor(ldexp((double) (unit_random(state) >> 11), -53) * (span + 1));

	if (unit_random(state) % 2)
		at = fmin(span, at / (1 + span) * 3);
	if (unit_random(state) % 4 == 0)
		at = span - at;
	return floor(low + at);
}

static void
test_need_on_large(const Measure *m)
{
	uint64_t	state = 7;

	for (int i = 0; i < 2000; i++)
	{
		double		n = random_count(&state, 1, i % 2 ? 1e15 : 1e6);
		double		n_a = random_count(&state, 1, n);
		double		n_b = random_count(&state, 1, n);
		double		low = fmax(0, n_a + n_b - n);
		double		at = random_count(&state, low, fmin(n_a, n_b));
		double		other = random_count(&state, low, fmin(n_a, n_b));
		double		t[16];
		int			count = thresholds(m, at, n_a, n_b, n, t);

		for (int k = 0; k < count; k++)
		{
			check_conservative(m, t[k], at, n_a, n_b, n);
			check_conservative(m, t[k], other, n_a, n_b, n);
			check_monotone(m, t[k], n_a, n_b, n);
		}
	}
}

/* A bound that says nothing would pass the tests above. */
static void
test_need_is_useful(void)
{
	for (int i = 0; i < measure_table_size; i++)
	{
		Measure		m = {&measure_table[i], measure_table[i].defaults};
		double		score = measure_score(&m, 100, 200, 300, 10000);
		bool		exact = m.info->score != measure_find("lift_lower_bound")->score;

		if (m.info->need != NULL && exact)
			CHECK_NEAR(measure_need(&m, score, 200, 300, 10000), 100, 1e-6);
	}
}

/* A score changes with n_b, and with n, for some counts if the table says so, and never if it does not. */
static void
test_depends(void)
{
	for (int i = 0; i < measure_table_size * NUM_VARIANTS; i++)
	{
		Measure		m = variant(i / NUM_VARIANTS, i % NUM_VARIANTS);
		uint64_t	state = 9;
		int			by_neighbor = 0;
		int			by_total = 0;

		for (int t = 0; t < 1000; t++)
		{
			double		n_a = 1 + unit_random(&state) % 1000;
			double		n_b = 1 + unit_random(&state) % 1000;
			double		n_ab = 1 + unit_random(&state) % (uint64_t) fmin(n_a, n_b);
			double		n = n_a + n_b + 100 + unit_random(&state) % 1000;
			double		score = measure_score(&m, n_ab, n_a, n_b, n);

			by_neighbor += measure_score(&m, n_ab, n_a, n_b + 1 + unit_random(&state) % 100, n) != score;
			by_total += measure_score(&m, n_ab, n_a, n_b, n + 1 + unit_random(&state) % 100) != score;
		}
		CHECK(m.info->uses_neighbor || by_neighbor == 0);
		CHECK(m.info->uses_total || by_total == 0);
		/* some parameters take the share of n_b away, the defaults never */
		m.params = m.info->defaults;
		CHECK((measure_score(&m, 5, 20, 30, 100) != measure_score(&m, 5, 20, 15, 100)) == m.info->uses_neighbor);
		CHECK((measure_score(&m, 5, 20, 30, 100) != measure_score(&m, 5, 20, 30, 200)) == m.info->uses_total);
	}
}

void
test_measure(void)
{
	RUN(test_published);
	RUN(test_identities);
	RUN(test_edges);
	RUN(test_never_nan);
	RUN(test_checks);
	RUN(test_need_is_useful);
	RUN(test_depends);
	for (int i = 0; i < measure_table_size; i++)
	{
		unit_begin(measure_table[i].name);
		for (int v = 0; v < NUM_VARIANTS; v++)
		{
			Measure		m = variant(i, v);

			test_need_on_grid(&m);
			test_need_on_large(&m);
		}
	}
}
