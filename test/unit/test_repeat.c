/*
 * test_repeat.c
 *		Repeat purchases: folding against counting day by day, the rate against its definition.
 */
#include "kernel/repeat.h"

#include <stdlib.h>

#include "unit.h"

#define DAY REPEAT_USECS_PER_DAY

static void
test_fold(void)
{
	RepeatPurchase p[] = {
		{7, 30 * DAY}, {3, 5}, {7, 10 * DAY + 1}, {7, 10 * DAY + 3600}, {3, -1}, {7, 20 * DAY}
	};
	RepeatItem	items[6];

	CHECK(repeat_fold(unit_env(), p, 6, items) == 2);
	/* a second before midnight is another day */
	CHECK(items[0].item == 3 && items[0].times == 2 && items[0].first == -1 && items[0].last == 5);
	/* lines of one day are one purchase, at its last line */
	CHECK(items[1].item == 7 && items[1].times == 3 && items[1].first == 10 * DAY + 1 && items[1].last == 30 * DAY);
	CHECK_NEAR(repeat_interval(&items[1]), 10, 1e-6);
	CHECK(repeat_fold(unit_env(), p, 0, items) == 0);
}

/* Each purchase against all others. */
static void
test_fold_random(void)
{
	uint64_t	state = 11;

	for (int round = 0; round < 200; round++)
	{
		RepeatPurchase p[60];
		RepeatPurchase copy[60];
		RepeatItem	items[60];
		uint32_t	n = unit_random(&state) % 60;
		uint64_t	size;
		uint32_t	total = 0;

		for (uint32_t i = 0; i < n; i++)
			copy[i] = p[i] = (RepeatPurchase) {unit_random(&state) % 5, (int64_t) (unit_random(&state) % (40 * DAY)) - 20 * DAY};
		size = repeat_fold(unit_env(), p, n, items);
		for (uint64_t i = 0; i < size; i++)
		{
			bool		seen[40] = {false};
			uint32_t	times = 0;

			CHECK(i == 0 || items[i - 1].item < items[i].item);
			for (uint32_t j = 0; j < n; j++)
				if (copy[j].item == items[i].item)
				{
					int			at = (copy[j].at + 20 * DAY) / DAY;

					times += !seen[at];
					seen[at] = true;
					total++;
					CHECK(copy[j].at >= items[i].first && copy[j].at <= items[i].last);
				}
			CHECK(times == items[i].times);
		}
		CHECK(total == n);
	}
}

static void
test_usual_interval(void)
{
	RepeatItem	items[] = {{1, 3, 0, 10 * DAY}, {2, 1, 4 * DAY, 4 * DAY}, {3, 2, 0, 20 * DAY}};

	CHECK_NEAR(repeat_usual_interval(items, 3), 10, 1e-12);
	CHECK(repeat_usual_interval(items + 1, 1) == 0);
	CHECK(repeat_usual_interval(items, 0) == 0);
	CHECK(repeat_interval(&items[1]) == 0);
}

static void
test_rate(void)
{
	RepeatPrior prior = {1, 30};

	/* due: nothing is waited for */
	CHECK_NEAR(repeat_rate(3, 10, 10, &prior), 4.0 / 30, 1e-12);
	/* at once, and at twice the interval, where the plain form takes over without a step */
	CHECK_NEAR(repeat_rate(3, 0, 10, &prior), 4.0 / 50, 1e-12);
	CHECK_NEAR(repeat_rate(3, 20, 10, &prior), 4.0 / 50, 1e-12);
	CHECK_NEAR(repeat_rate(3, 19.999999, 10, &prior), 4.0 / 50, 1e-6);
	CHECK_NEAR(repeat_rate(3, 100, 10, &prior), 4.0 / 130, 1e-12);
	/* rising until it is due, falling from there on, higher the more often it was bought */
	for (int t = 1; t < 40; t++)
	{
		CHECK((repeat_rate(2, t, 10, &prior) > repeat_rate(2, t - 1, 10, &prior)) == (t <= 10));
		CHECK(repeat_rate(3, t, 10, &prior) > repeat_rate(2, t, 10, &prior));
	}
	CHECK_NEAR(repeat_rate(1, 5, 0, &prior), 2.0 / 35, 1e-12);
}

void
test_repeat(void)
{
	RUN(test_fold);
	RUN(test_fold_random);
	RUN(test_usual_interval);
	RUN(test_rate);
}
