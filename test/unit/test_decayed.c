/*
 * test_decayed.c
 *		Decayed counters: sums that do not depend on the order and can be taken away
 *		again to the last bit, powers, bounds of rates.
 */
#include <limits.h>
#include <math.h>

#include "kernel/decayed.h"

#include "unit.h"

#define DAY INT64_C(86400000000)
#define NUM_EVENTS 2000
#define NUM_EPOCHS 40

static uint64_t state = 11;

/* Within forty years around 2000, and any microsecond. */
static int64_t
random_time(void)
{
	return (int64_t) (unit_random(&state) % (uint64_t) (14600 * DAY)) - 7300 * DAY;
}

static const int64_t half_lives[] = {60000000, 21600 * INT64_C(1000000), DAY, 7 * DAY, 30 * DAY + 12345, 36500 * DAY};

#define NUM_HALF_LIVES ((int) (sizeof(half_lives) / sizeof(half_lives[0])))

/* What is added is 2^16 at the start of an epoch and twice as much each half-life; never less for a later event of the same epoch. */
static void
weights(void)
{
	for (int h = 0; h < NUM_HALF_LIVES; h++)
	{
		Decay		decay = {half_lives[h]};
		int64_t		length = decay.half_life * DECAY_EPOCH_HALF_LIVES;

		for (int e = -3; e <= 3; e++)
		{
			for (int k = 0; k < DECAY_EPOCH_HALF_LIVES; k++)
				CHECK(decay_weight(&decay, e * length + k * decay.half_life) == (int64_t) DECAY_UNIT << k);
			CHECK(decay_epoch(&decay, e * length) == e);
			CHECK(decay_epoch(&decay, e * length - 1) == e - 1);
			CHECK(decay_weight(&decay, e * length - 1) <= INT64_C(1) << 32);
		}
		for (int i = 0; i < 200; i++)
		{
			int64_t		time = random_time();
			double		exact = DECAY_UNIT * pow(2, (double) (time - decay_epoch(&decay, time) * length) / decay.half_life);

			CHECK(decay_weight(&decay, time) >= DECAY_UNIT);
			CHECK_NEAR((double) decay_weight(&decay, time), exact, 2e-5);
			CHECK(decay_epoch(&decay, time + 1) > decay_epoch(&decay, time) || decay_weight(&decay, time + 1) >= decay_weight(&decay, time));
		}
	}
}

/* The worth of an event is that of its age, whichever epoch it fell into. */
static void
values(void)
{
	for (int h = 0; h < NUM_HALF_LIVES; h++)
	{
		Decay		decay = {half_lives[h]};

		for (int i = 0; i < 200; i++)
		{
			int64_t		time = random_time();
			int64_t		now = time + (int64_t) (unit_random(&state) % (uint64_t) (30 * decay.half_life));
			double		value = decay_weight(&decay, time) * decay_unit_value(&decay, decay_epoch(&decay, time), now);

			CHECK_NEAR(value / pow(2, (double) (time - now) / decay.half_life), 1, 4e-5);
			CHECK(decay_epoch(&decay, time) >= decay_first_epoch(&decay, time));
			CHECK(value == 0 || decay_unit_value(&decay, decay_epoch(&decay, time), now + 1000 * decay.half_life + 1) == 0);
		}
	}
}

static void
nothing_decays(void)
{
	Decay		decay = {0};

	for (int i = 0; i < 100; i++)
	{
		int64_t		time = random_time();

		CHECK(decay_epoch(&decay, time) == 0);
		CHECK(decay_weight(&decay, time) == DECAY_UNIT);
		CHECK(decay_weight(&decay, time) * decay_unit_value(&decay, 0, random_time()) == 1);
		CHECK(decay_first_epoch(&decay, time) == INT32_MIN);
		CHECK(decay_tick(&decay, time) == 0);
	}
}

/* What has not begun is worth nothing, so an event that is dated wrongly does not make all others old. */
static void
future(void)
{
	Decay		decay = {DAY};

	CHECK(decay_unit_value(&decay, 1, 0) == 0);
	CHECK(decay_unit_value(&decay, INT32_MAX, 0) == 0);
	CHECK(decay_unit_value(&decay, 0, 0) > 0);
	CHECK(decay_unit_value(&decay, -1, -1) > 0);
}

/* Sums by epoch of the same events, added in another order with others that are taken away again. */
static void
sums(void)
{
	Decay		decay = {7 * DAY};
	int64_t		time[NUM_EVENTS];
	int64_t		forward[NUM_EPOCHS] = {0};
	int64_t		backward[NUM_EPOCHS] = {0};

	for (int i = 0; i < NUM_EVENTS; i++)
	{
		time[i] = (int64_t) (unit_random(&state) % (uint64_t) (4000 * DAY));
		forward[decay_epoch(&decay, time[i])] += decay_weight(&decay, time[i]);
	}
	for (int i = NUM_EVENTS - 1; i >= 0; i--)
	{
		int64_t		other = (int64_t) (unit_random(&state) % (uint64_t) (4000 * DAY));

		backward[decay_epoch(&decay, other)] += decay_weight(&decay, other);
		backward[decay_epoch(&decay, time[i])] += decay_weight(&decay, time[i]);
		backward[decay_epoch(&decay, other)] -= decay_weight(&decay, other);
	}
	for (int e = 0; e < NUM_EPOCHS; e++)
		CHECK(forward[e] == backward[e]);
	for (int i = 0; i < NUM_EVENTS; i++)
		forward[decay_epoch(&decay, time[i])] -= decay_weight(&decay, time[i]);
	for (int e = 0; e < NUM_EPOCHS; e++)
		CHECK(forward[e] == 0);
}

static void
ticks(void)
{
	for (int h = 0; h < NUM_HALF_LIVES; h++)
	{
		Decay		decay = {half_lives[h]};

		for (int i = 0; i < 200; i++)
		{
			int64_t		time = random_time();
			int64_t		tick = decay_tick(&decay, time);
			int32_t		quarter = decay_quarter(&decay, time);

			CHECK(tick <= time && time - tick < decay.half_life / 32);
			CHECK(decay_tick(&decay, tick) == tick);
			CHECK(decay_quarter_end(&decay, quarter) >= time && decay_quarter_end(&decay, quarter) - time <= decay.half_life / 4 + 1);
			CHECK(decay_quarter_end(&decay, quarter - 1) <= time);
			CHECK(decay_quarter_epoch(quarter) == decay_epoch(&decay, time));
		}
	}
}

/* Exact 5 % quantiles of Gamma distributions: half of chi-square's with twice the degrees of freedom, from tables. */
static void
rate_bounds(void)
{
	CHECK_NEAR(rate_lower_bound(1, 1), 0.0513, 0.02);
	CHECK_NEAR(rate_lower_bound(5, 1), 1.970, 0.01);
	CHECK_NEAR(rate_lower_bound(10, 1), 5.425, 0.005);
	CHECK_NEAR(rate_lower_bound(50, 10), 3.8965, 0.005);
	CHECK_NEAR(rate_lower_bound(1e8, 1e8), 1 - 1.6449e-4, 1e-6);
	CHECK(rate_lower_bound(0, 1) == 0);
	CHECK(rate_lower_bound(1, 0) == 0);
	CHECK(rate_lower_bound(1e-9, 1) == 0);
	CHECK(rate_lower_bound(NAN, 1) == 0);
	/* once out of nothing is less than twenty times as much as expected */
	CHECK(rate_lower_bound(1 + 1, 0.01 + 1) < rate_lower_bound(200 + 1, 10 + 1));
}

static void
share_bounds(void)
{
	/* Wilson, one-sided 5 % */
	CHECK_NEAR(share_lower_bound(1, 1), 1 / (1 + 2.705543), 1e-5);
	CHECK_NEAR(share_lower_bound(5, 10), 0.26929, 1e-4);
	CHECK_NEAR(share_lower_bound(500000, 1000000), 0.4991776, 1e-6);
	CHECK(share_lower_bound(0, 10) == 0);
	CHECK(share_lower_bound(0, 0) == 0);
	CHECK(share_lower_bound(1, 2) < share_lower_bound(40, 100));
	CHECK(share_lower_bound(10, 10) < 1);
}

void
test_decayed(void)
{
	RUN(weights);
	RUN(values);
	RUN(nothing_decays);
	RUN(future);
	RUN(sums);
	RUN(ticks);
	RUN(rate_bounds);
	RUN(share_bounds);
}
