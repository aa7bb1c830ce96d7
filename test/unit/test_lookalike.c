/*
 * test_lookalike.c
 *		Counts against a plain table, parts against the whole, scores against the formula.
 */
#include <math.h>
#include <stdio.h>

#include "kernel/lookalike.h"

#include "unit.h"

#define CUSTOMERS 300
#define FEATURES 200

static uint64_t state = 5;
static bool has[CUSTOMERS][FEATURES];
static bool seed[CUSTOMERS];

static size_t
name_of(int feature, char *name)
{
	return (size_t) sprintf(name, "feature %d", feature);
}

static void
add_customers(Lookalike *l, int from, int step)
{
	char		name[20];

	for (int c = from; c < CUSTOMERS; c += step)
	{
		lookalike_begin(l, seed[c]);
		/* some twice */
		for (int f = 0; f < 2 * FEATURES; f++)
			if (has[c][f % FEATURES] && (f < FEATURES || f % 3 == 0))
				lookalike_add(l, name, name_of(f % FEATURES, name));
	}
}

static double
formula(int customer)
{
	double		sum = 0;
	double		seeds = 0;

	for (int c = 0; c < CUSTOMERS; c++)
		seeds += seed[c];
	for (int f = 0; f < FEATURES; f++)
	{
		double		with = 0;
		double		seeds_with = 0;

		for (int c = 0; c < CUSTOMERS; c++)
		{
			with += has[c][f];
			seeds_with += has[c][f] && seed[c];
		}
		if (has[customer][f] && with > 0)
			sum += log((seeds_with + .5) / (seeds + 1)) - log((with + .5) / (CUSTOMERS + 1.0));
	}
	return sum;
}

static int64_t
rate(Lookalike *l, int customer, bool backwards)
{
	char		name[20];
	int64_t		score = 0;

	lookalike_rate_begin(l);
	for (int i = 0; i < FEATURES; i++)
	{
		int			f = backwards ? FEATURES - 1 - i : i;

		if (has[customer][f])
			score += lookalike_rate(l, name, name_of(f, name));
	}
	score += lookalike_rate(l, "nobody has it", 13);
	for (int f = 0; f < 5; f++)
		if (has[customer][f])
			score += lookalike_rate(l, name, name_of(f, name));
	return score;
}

static void
whole_and_parts(void)
{
	Lookalike	whole;
	Lookalike	parts;

	for (int c = 0; c < CUSTOMERS; c++)
	{
		seed[c] = unit_random(&state) % 5 == 0;
		for (int f = 0; f < FEATURES; f++)
			has[c][f] = unit_random(&state) % (uint64_t) (2 + f % 40) == 0 && (f % 7 != 0 || seed[c] || unit_random(&state) % 2 == 0);
	}
	lookalike_init(unit_env(), &whole);
	lookalike_init(unit_env(), &parts);
	add_customers(&whole, 0, 1);
	for (int part = 2; part >= 0; part--)
	{
		Lookalike	l;

		lookalike_init(unit_env(), &l);
		add_customers(&l, part, 3);
		lookalike_merge(&parts, &l);
		lookalike_release(&l);
	}
	CHECK(lookalike_is_sound(&whole) && lookalike_is_sound(&parts));
	CHECK(parts.customers == CUSTOMERS && parts.seeds == whole.seeds && parts.features.size == whole.features.size);
	lookalike_weigh(&whole);
	lookalike_weigh(&parts);
	for (int c = 0; c < CUSTOMERS; c++)
	{
		int64_t		score = rate(&whole, c, false);

		CHECK(score == rate(&whole, c, true) && score == rate(&parts, c, false));
		CHECK_NEAR(score / LOOKALIKE_UNIT, formula(c), 1e-9);
	}
	parts.seeds_with[0] = parts.with[0] + 1;
	CHECK(!lookalike_is_sound(&parts));
	lookalike_release(&whole);
	lookalike_release(&parts);
}

static void
nobody(void)
{
	Lookalike	l;

	lookalike_init(unit_env(), &l);
	CHECK(lookalike_is_sound(&l));
	lookalike_weigh(&l);
	lookalike_rate_begin(&l);
	CHECK(lookalike_rate(&l, "x", 1) == 0);
	lookalike_release(&l);
}

void
test_lookalike(void)
{
	RUN(whole_and_parts);
	RUN(nobody);
}
