/*
 * test_survival.c
 *		Kaplan-Meier: counting, bytes, estimates against numbers of R and against the empirical distribution.
 */
#include <math.h>

#include "kernel/survival.h"
#include "unit.h"

static SurvivalTime *
sorted(SurvivalCounts *counts, uint64_t *n)
{
	*n = counts->used;
	return survival_sorted(unit_env(), counts);
}

/* Counted in a table, or by looking for each time: the same. */
static void
counts(void)
{
	SurvivalCounts c = {NULL, 0, 0, 0};
	uint64_t	random = 7;
	int64_t		events[200] = {0};
	int64_t		all[200] = {0};
	uint64_t	n;
	SurvivalTime *times;

	for (int i = 0; i < 5000; i++)
	{
		uint64_t	time = unit_random(&random) % 200;
		bool		event = unit_random(&random) % 3 == 0;

		CHECK(survival_add(unit_env(), &c, time / 8.0, event, !event));
		events[time] += event;
		all[time]++;
	}
	times = sorted(&c, &n);
	CHECK(n == 200);
	for (uint64_t i = 0; i < n; i++)
		CHECK(times[i].time == i / 8.0 && times[i].events == events[i] && times[i].censored == all[i] - events[i]);
	CHECK(!survival_add(unit_env(), &c, 1, SURVIVAL_MAX_COUNT - 4999, 0));
	CHECK(survival_add(unit_env(), &c, 1, 0, SURVIVAL_MAX_COUNT - 5000));
	env_release(unit_env(), times);
	env_release(unit_env(), c.slots);
}

/* Every prefix and every changed byte is refused, or is another value that writes itself again. */
static void
bytes(void)
{
	SurvivalTime times[] = {{0, 1, 0}, {5e-324, 0, 3}, {0.5, 1000, 1}, {1.7976931348623157e308, 1, INT64_C(1) << 40}};
	SurvivalTime whole[] = {{0, 1, 0}, {300, 2, 2}, {0x1p53, 1, 1}};
	uint64_t	random = 11;

	for (int kind = 0; kind < 2; kind++)
	{
		size_t		size;
		uint64_t	n;
		unsigned char *b = kind ? survival_encode(unit_env(), whole, 3, 0, &size) : survival_encode(unit_env(), times, 4, 0, &size);
		SurvivalTime *again = survival_decode(unit_env(), b, size, &n);

		CHECK(n == (kind ? 3 : 4) && memcmp(again, kind ? whole : times, n * sizeof(SurvivalTime)) == 0);
		CHECK(survival_is_canonical(unit_env(), b, size));
		env_release(unit_env(), again);
		for (size_t i = 0; i < size; i++)
			CHECK(!survival_is_canonical(unit_env(), b, i));
		for (int i = 0; i < 2000; i++)
		{
			unsigned char old = b[i % size];

			b[i % size] = (unsigned char) unit_random(&random);
			again = survival_decode(unit_env(), b, size, &n);
			for (uint64_t j = 0; again != NULL && j < n; j++)
				CHECK(isfinite(again[j].time) && (j == 0 || again[j].time > again[j - 1].time) && again[j].events + again[j].censored > 0);
			env_release(unit_env(), again);
			b[i % size] = old;
		}
		env_release(unit_env(), b);
	}
}

/* The same number written as whole and as bits is one value only. */
static void
one_form(void)
{
	unsigned char as_bits[] = {1, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xf8, 0x3f, 1, 0};
	unsigned char long_varint[] = {1, 1, 1, 0x81, 0, 1, 0};
	uint64_t	n;
	SurvivalTime *times = survival_decode(unit_env(), as_bits, sizeof(as_bits), &n);

	CHECK(times != NULL && n == 1 && times[0].time == 1);
	CHECK(!survival_is_canonical(unit_env(), as_bits, sizeof(as_bits)));
	CHECK(!survival_is_canonical(unit_env(), long_varint, sizeof(long_varint)));
	env_release(unit_env(), times);
}

/* Without censoring S is the share that is left, and Greenwood is the binomial variance. */
static void
empirical(void)
{
	SurvivalTime times[] = {{1, 10, 0}, {2, 30, 0}, {7, 20, 0}, {9, 40, 0}};
	SurvivalCurve curve = survival_begin(times, 4);
	int64_t		left = 100;

	for (int i = 0; i < 4; i++)
	{
		survival_step(&curve, &times[i]);
		CHECK(curve.at_risk == left);
		left -= times[i].events;
		CHECK_NEAR(curve.survival, left / 100.0, 1e-14);
		if (left > 0)
			CHECK_NEAR(curve.survival * curve.survival * curve.variance, left / 100.0 * (1 - left / 100.0) / 100, 1e-14);
	}
	CHECK(curve.survival == 0 && isinf(curve.variance));
}

/* Remission times of the maintained group of aml, by R's survival 3.5. */
static void
aml(void)
{
	SurvivalTime times[] = {{9, 1, 0}, {13, 1, 1}, {18, 1, 0}, {23, 1, 0}, {28, 0, 1}, {31, 1, 0}, {34, 1, 0}, {45, 0, 1}, {48, 1, 0}, {161, 0, 1}};
	SurvivalCurve curve = survival_begin(times, 10);
	double		lower;
	double		upper;
	double		median[3];

	for (int i = 0; i < 6; i++)
		survival_step(&curve, &times[i]);
	CHECK_NEAR(curve.survival, 0.490909090909091, 1e-14);
	CHECK_NEAR(curve.survival * sqrt(curve.variance), 0.164193267221136, 1e-14);
	CHECK(survival_limits(curve.survival, curve.variance, normal_quantile(0.975), SURVIVAL_LOG, &lower, &upper));
	CHECK_NEAR(lower, 0.254859951199317, 1e-14);
	CHECK_NEAR(upper, 0.945584955200429, 1e-14);
	survival_quantile(times, 10, 0.5, normal_quantile(0.975), SURVIVAL_LOG, median);
	CHECK(median[0] == 31 && median[1] == 18 && isnan(median[2]));
}

static void
normal(void)
{
	CHECK_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
	CHECK_NEAR(normal_quantile(0.5), 0, 1e-15);
	CHECK_NEAR(normal_quantile(0.9), 1.2815515655446004, 1e-14);
	CHECK_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-13);
	CHECK_NEAR(normal_quantile(1e-300), -37.0471, 1e-5);
}

void
test_survival(void)
{
	RUN(counts);
	RUN(bytes);
	RUN(one_form);
	RUN(empirical);
	RUN(aml);
	RUN(normal);
}
