/*
 * decayed.c
 *		Forward-decayed counters in integers.
 */
#include <limits.h>
#include <math.h>

#include "kernel/decayed.h"

/* Upper 5 % point of the normal distribution. */
#define Z 1.6448536269514722

/* 2^(2^-k) for k = 1, 2, …, times 2^32. */
static const uint64_t roots[] = {
	6074001000, 5107605667, 4683695048, 4485121744, 4389014833,
	4341736423, 4318288544, 4306612134, 4300785774, 4297875550,
	4296421177, 4295694175, 4295330720, 4295149004, 4295058149, 4295012722,
};

#define FRACTION_BITS 16

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t		q = a / b;

	return q * b > a ? q - 1 : q;
}

/* 2^(f/2^16) for f < 2^16, times 2^32: the product of the roots that the bits of f name. */
static uint64_t
power_of_fraction(uint32_t f)
{
	uint64_t	power = UINT64_C(1) << 32;

	for (int k = 0; k < FRACTION_BITS; k++)
		if (f & (UINT32_C(1) << (FRACTION_BITS - 1 - k)))
			power = (uint64_t) (((unsigned __int128) power * roots[k] + (UINT64_C(1) << 31)) >> 32);
	return power;
}

/* part/h in 1/2^16, rounded down; 0 <= part < h. */
static uint32_t
fraction(int64_t part, int64_t half_life)
{
	return (uint32_t) (((unsigned __int128) part << FRACTION_BITS) / (uint64_t) half_life);
}

int32_t
decay_epoch(const Decay *decay, int64_t time)
{
	int64_t		epoch;

	if (decay->half_life == 0)
		return 0;
	epoch = floor_div(time, decay->half_life * DECAY_EPOCH_HALF_LIVES);
	return epoch < INT32_MIN ? INT32_MIN : epoch > INT32_MAX ? INT32_MAX : (int32_t) epoch;
}

int64_t
decay_weight(const Decay *decay, int64_t time)
{
	int64_t		half_life = decay->half_life;
	int64_t		since;

	if (half_life == 0)
		return DECAY_UNIT;
	since = time - floor_div(time, half_life * DECAY_EPOCH_HALF_LIVES) * half_life * DECAY_EPOCH_HALF_LIVES;
	/* a unit in its place, and half of the last bit to round by */
	return (int64_t) ((((power_of_fraction(fraction(since % half_life, half_life)) << (since / half_life)) >> 15) + 1) >> 1);
}

double
decay_unit_value(const Decay *decay, int32_t epoch, int64_t now)
{
	int64_t		half_life = decay->half_life;
	int64_t		halvings;
	int64_t		age;
	__int128	start;

	if (half_life == 0)
		return 1.0 / DECAY_UNIT;
	/* an epoch may be any number, where a table was damaged */
	start = (__int128) epoch * half_life * DECAY_EPOCH_HALF_LIVES;
	if (start > now || now - start > 1000 * (__int128) half_life)
		return 0;
	age = (int64_t) (now - start);
	/* age = halvings · h − rest, so that the power of the rest is one of a fraction above 0 */
	halvings = (age + half_life - 1) / half_life;
	return ldexp((double) power_of_fraction(fraction(halvings * half_life - age, half_life)), -(int) halvings - 32) / DECAY_UNIT;
}

int32_t
decay_first_epoch(const Decay *decay, int64_t now)
{
	int32_t		epoch = decay_epoch(decay, now);

	if (decay->half_life == 0)
		return INT32_MIN;
	return epoch < INT32_MIN + DECAY_KEPT_EPOCHS ? INT32_MIN : epoch - DECAY_KEPT_EPOCHS;
}

int32_t
decay_quarter(const Decay *decay, int64_t time)
{
	int64_t		part = time - floor_div(time, decay->half_life) * decay->half_life;

	return (int32_t) (floor_div(time, decay->half_life) * 4 + part * 4 / decay->half_life);
}

int32_t
decay_quarter_epoch(int32_t quarter)
{
	return (int32_t) floor_div(quarter, 4 * DECAY_EPOCH_HALF_LIVES);
}

/* Rounded down as the quarters are, so that no event of it is later by more than rounding. */
int64_t
decay_quarter_end(const Decay *decay, int32_t quarter)
{
	int64_t		half_lives = floor_div((int64_t) quarter + 1, 4);
	int64_t		rest = quarter + 1 - half_lives * 4;

	return half_lives * decay->half_life + rest * decay->half_life / 4;
}

int64_t
decay_tick(const Decay *decay, int64_t now)
{
	int64_t		tick = decay->half_life / 32;

	if (decay->half_life == 0)
		return 0;
	return tick == 0 ? now : floor_div(now, tick) * tick;
}

double
rate_lower_bound(double shape, double rate)
{
	double		root;

	if (!(shape > 0) || !(rate > 0))
		return 0;
	root = 1 - 1 / (9 * shape) - Z / (3 * sqrt(shape));
	return root > 0 ? shape * root * root * root / rate : 0;
}

double
share_lower_bound(double successes, double n)
{
	double		share;
	double		bound;

	if (!(n > 0) || !(successes > 0))
		return 0;
	share = successes / n;
	bound = (share + Z * Z / (2 * n) - Z * sqrt((share * (1 - share) + Z * Z / (4 * n)) / n)) / (1 + Z * Z / n);
	return bound > 0 ? bound : 0;
}
