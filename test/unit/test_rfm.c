/*
 * test_rfm.c
 *		Quantiles of counted values against a sorted list, scores against shares, groups, windows of activities.
 */
#include <stdlib.h>

#include "kernel/rfm.h"

#include "unit.h"

static uint64_t state = 23;

static int
by_value(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/* The same multiset in two orders, and in parts, gives what the sorted list says. */
static void
quantiles(void)
{
	for (int trial = 0; trial < 60; trial++)
	{
		int			n = 1 + (int) (unit_random(&state) % 500);
		uint64_t	range = trial % 3 == 0 ? 3 : trial % 3 == 1 ? 40 : 1000000000;
		int64_t		values[500];
		Counted		once = {0};
		Counted		parts = {0};

		for (int i = 0; i < n; i++)
		{
			values[i] = (int64_t) (unit_random(&state) % range) - 20;
			CHECK(counted_add(unit_env(), &once, values[i], 1, 1024));
		}
		for (int i = n - 1; i >= 0; i--)
			CHECK(counted_add(unit_env(), &parts, values[i], 1, 1024));
		counted_fold(&once);
		counted_fold(&parts);
		CHECK(once.n == parts.n && counted_total(&once) == (uint64_t) n);
		CHECK(memcmp(once.values, parts.values, once.n * sizeof(CountedValue)) == 0);
		qsort(values, n, sizeof(int64_t), by_value);
		for (uint32_t levels = 2; levels <= 7; levels++)
			for (uint32_t i = 1; i < levels; i++)
				CHECK(counted_quantile(&once, n, i, levels) == values[(i * n + levels - 1) / levels - 1]);
		env_release(unit_env(), once.values);
		env_release(unit_env(), parts.values);
	}
}

/* What does not fit is refused, and what repeats always fits. */
static void
memory(void)
{
	Counted		c = {0};
	int			added = 0;

	while (added < 10000 && counted_add(unit_env(), &c, added, 1, 300))
		added++;
	CHECK(added >= 150 && added <= 300 && c.room <= 300);
	env_release(unit_env(), c.values);
	c = (Counted) {0};
	for (int i = 0; i < 100000; i++)
		CHECK(counted_add(unit_env(), &c, i % 40, 1, 300));
	CHECK(counted_total(&c) == 100000);
	env_release(unit_env(), c.values);
}

/* A score is one more than the number of levels of customers that do worse. */
static void
scores(void)
{
	for (int trial = 0; trial < 40; trial++)
	{
		RfmModel	m = {.levels = trial % 2 ? 3 : 5};
		Counted		counted[RFM_SIDES] = {0};
		RfmNumbers	customers[200];
		int			n = 1 + (int) (unit_random(&state) % 200);

		for (int i = 0; i < n; i++)
		{
			customers[i] = (RfmNumbers) {(int64_t) (unit_random(&state) % 90), 1 + (int64_t) (unit_random(&state) % 4), (int64_t) (unit_random(&state) % 1000) - 50};
			counted_add(unit_env(), &counted[RFM_RECENCY], -customers[i].days, 1, 1000);
			counted_add(unit_env(), &counted[RFM_FREQUENCY], customers[i].orders, 1, 1000);
			counted_add(unit_env(), &counted[RFM_MONETARY], customers[i].units, 1, 1000);
		}
		for (int side = 0; side < RFM_SIDES; side++)
			counted_fold(&counted[side]);
		rfm_limits(&m, counted);
		CHECK(rfm_is_sound(&m) && m.customers == (uint64_t) n);
		for (int i = 0; i < n; i++)
		{
			RfmScores	s = rfm_score(&m, &customers[i]);
			int			worse[RFM_SIDES] = {0};

			for (int j = 0; j < n; j++)
			{
				worse[RFM_RECENCY] += customers[j].days > customers[i].days;
				worse[RFM_FREQUENCY] += customers[j].orders < customers[i].orders;
				worse[RFM_MONETARY] += customers[j].units < customers[i].units;
			}
			CHECK(s.r == 1 + worse[RFM_RECENCY] * (int) m.levels / n);
			CHECK(s.f == 1 + worse[RFM_FREQUENCY] * (int) m.levels / n);
			CHECK(s.m == 1 + worse[RFM_MONETARY] * (int) m.levels / n);
		}
		for (int side = 0; side < RFM_SIDES; side++)
			env_release(unit_env(), counted[side].values);
	}
}

/* The score of recency falls on the day that is told, and on none before. */
static void
falls(void)
{
	RfmModel	m = {5, 100, {{90, 30, 30, 0}, {1, 1, 2, 3}, {0, 10, 20, 30}}};

	for (int64_t days = 0; days < 120; days++)
	{
		RfmNumbers	n = {days, 1, 1};
		int			now = rfm_score(&m, &n).r;
		int64_t		at = rfm_recency_falls(&m, days);

		CHECK((at == RFM_NEVER) == (now == 1));
		for (n.days = days; n.days < (at == RFM_NEVER ? 200 : at); n.days++)
			CHECK(rfm_score(&m, &n).r == now);
		if (at != RFM_NEVER)
			CHECK(rfm_score(&m, &n).r < now);
	}
}

static void
groups(void)
{
	for (uint32_t levels = 3; levels <= 5; levels += 2)
		for (int i = 0; i < (int) (levels * levels * levels); i++)
		{
			RfmScores	s = {1 + i / (int) (levels * levels), 1 + i / (int) levels % (int) levels, 1 + i % (int) levels};

			CHECK(rfm_group(levels, s) != NULL && rfm_group(levels, s)[0] != '\0');
		}
	CHECK(strcmp(rfm_group(5, (RfmScores) {5, 5, 5}), "Champions") == 0);
	CHECK(strcmp(rfm_group(5, (RfmScores) {1, 1, 1}), "Lost") == 0);
	CHECK(strcmp(rfm_group(3, (RfmScores) {1, 1, 1}), "Inactive") == 0);
}

/* Bytes that are no activity are told, whatever is wrong with them. */
static void
windows(void)
{
	ActivityNames *names = activity_names_create(unit_env());
	ActivityEvents events = {0};
	RfmWindow	w;
	size_t		size;
	unsigned char *bytes;
	int			kind = activity_name(names, "purchase", 8);

	for (int i = 1; i <= 600; i++)
		activity_add(unit_env(), &events, (ActivityEvent) {i * ACTIVITY_DAY, i % 10 == 0 ? -5 : 10, 1, (uint16_t) kind, ACTIVITY_EVENT});
	CHECK(activity_fold(unit_env(), &events));
	bytes = activity_encode(unit_env(), &events, names, 0, &size);
	for (int now = 1; now <= 900; now += 7)
	{
		int			from = now <= 365 ? 1 : now - 364;
		int			to = now < 600 ? now : 600;
		int			orders = 0;
		int64_t		units = 0;

		CHECK(rfm_look(&w, bytes, size, "purchase", 8, now * ACTIVITY_DAY, 365 * ACTIVITY_DAY));
		for (int i = from; i <= to; i++)
		{
			orders += i % 10 != 0;
			units += i % 10 == 0 ? -5 : 10;
		}
		CHECK(w.orders == orders && w.units == units);
		CHECK(w.changes == (now < 600 ? (now + 1) * ACTIVITY_DAY : from <= to ? (from + 365) * ACTIVITY_DAY : RFM_NEVER));
	}
	CHECK(rfm_look(&w, bytes, size, "purchas", 7, 0, ACTIVITY_DAY) && w.orders == 0 && w.changes == RFM_NEVER);
	for (int i = 0; i < 2000; i++)
	{
		uint64_t	at = unit_random(&state) % size;
		unsigned char was = bytes[at];

		bytes[at] = (unsigned char) unit_random(&state);
		rfm_look(&w, bytes, size - unit_random(&state) % 3, "purchase", 8, 500 * ACTIVITY_DAY, 365 * ACTIVITY_DAY);
		bytes[at] = was;
	}
	env_release(unit_env(), bytes);
	env_release(unit_env(), events.events);
	activity_names_release(names);
}

void
test_rfm(void)
{
	RUN(quantiles);
	RUN(memory);
	RUN(scores);
	RUN(falls);
	RUN(groups);
	RUN(windows);
}
