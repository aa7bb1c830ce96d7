/*
 * test_trigger.c
 *		Hazards, curves and the best time, against formulas and plain loops.
 */
#include <math.h>

#include "kernel/trigger.h"
#include "unit.h"

static const TriggerQuestion usual = {10, 0.02, 3, 600, NULL};

static double
uniform(uint64_t *random)
{
	return ((double) (unit_random(random) >> 11) + 0.5) / 0x1p53;
}

/* Exponential dwells, of which a part goes on or is open. */
static DropoffTable
sample(double mean, int n, double advance, double open, uint64_t seed)
{
	DropoffCounts c = {{0}};
	DropoffTable table;

	for (int i = 0; i < n; i++)
	{
		int64_t		dwell = (int64_t) (-log(uniform(&seed)) * mean * 1e6);
		double		u = uniform(&seed);

		dropoff_add(unit_env(), &c, dropoff_bin(dwell), u < advance ? DROPOFF_ADVANCE : u < advance + open ? DROPOFF_OPEN : DROPOFF_EXIT, 0);
	}
	dropoff_table(&c, 0, &table);
	dropoff_release(unit_env(), &c);
	return table;
}

static DropoffCurve
curve_of(const DropoffTable *table)
{
	DropoffHazard hazard;
	DropoffCurve curve;

	dropoff_hazard(table, NULL, &hazard);
	dropoff_curve(&hazard, &curve);
	return curve;
}

/* What is left, what has left and what went on are everything, at every time. */
static void
everything(void)
{
	DropoffTable table = sample(40, 3000, 0.3, 0, 1);
	DropoffCurve curve = curve_of(&table);
	DropoffHazard others = curve.hazard;
	DropoffCurve rest;

	memcpy(others.exit, curve.hazard.other, sizeof(others.exit));
	memcpy(others.other, curve.hazard.exit, sizeof(others.other));
	dropoff_curve(&others, &rest);
	for (double t = 0; t < TRIGGER_LAST_TIME; t += 3.7)
		CHECK_NEAR(dropoff_survival(&curve, t) + dropoff_exits(&curve, t) + dropoff_exits(&rest, t), 1, 1e-12);
}

/* Without what is open, S is the share that is left. */
static void
empirical(void)
{
	DropoffTable table = sample(40, 3000, 0.3, 0, 2);
	DropoffCurve curve = curve_of(&table);
	double		left = table.views;

	dropoff_greenwood(&table, &curve);
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
	{
		double		s = left / table.views;

		CHECK_NEAR(curve.survival[bin], s, 1e-12);
		if (left > 0)
			CHECK_NEAR(s * s * curve.variance[bin], s * (1 - s) / table.views, 1e-12);
		left -= dropoff_ended(&table, bin);
	}
}

/* A third is lost from sight; what is true is found. */
static void
censored(void)
{
	DropoffTable table = sample(30, 100000, 0.2, 0.3, 3);
	DropoffCurve curve = curve_of(&table);

	/* open ones do not lower the hazard of the others: it is 0.7 of one in 30 s */
	CHECK_NEAR(dropoff_survival(&curve, 20), exp(-20 * 0.7 / 30), 0.01);
	CHECK_NEAR(dropoff_exits(&curve, 600), 0.5 / 0.7, 0.01);
	CHECK_NEAR(dropoff_mean(&curve), 30 / 0.7, 0.02);
	CHECK_NEAR(dropoff_quantile(&curve, 0.5, 0), log(2) * 30 / 0.7, 0.02);
	dropoff_smooth(&curve.hazard);
	CHECK_NEAR(dropoff_exit_hazard(&curve, 20.5), 0.5 / 30, 0.1);
}

static void
quantiles(void)
{
	DropoffTable table = sample(30, 500, 0.2, 0.1, 4);
	DropoffCurve curve = curve_of(&table);

	dropoff_greenwood(&table, &curve);
	for (double p = 0.05; p < 0.95; p += 0.05)
	{
		double		t = dropoff_quantile(&curve, p, 0);

		CHECK_NEAR(dropoff_survival(&curve, t), 1 - p, 1e-12);
		CHECK(dropoff_quantile(&curve, p, -1.96) < t && !(dropoff_quantile(&curve, p, 1.96) <= t));
	}
	CHECK(dropoff_quantile(&curve, 0, 0) == 0);
	memset(&table, 0, sizeof(table));
	table.views = table.count[DROPOFF_BINS - 1][DROPOFF_EXIT] = 5;
	curve = curve_of(&table);
	CHECK(isnan(dropoff_quantile(&curve, 0.5, 0)) && dropoff_survival(&curve, 3000) == 1);
}

/* Smoothing keeps what is constant, also where bins become longer. */
static void
smoothing(void)
{
	DropoffHazard hazard;

	for (int bin = 0; bin < DROPOFF_BINS; bin++)
		hazard.exit[bin] = hazard.other[bin] = 0.001 * (dropoff_bin_start(bin + 1) - dropoff_bin_start(bin)) / 1e6;
	dropoff_smooth(&hazard);
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
		CHECK_NEAR(hazard.exit[bin], 0.001 * (dropoff_bin_start(bin + 1) - dropoff_bin_start(bin)) / 1e6, 1e-12);
}

/* κ views of the parent: by the formula, in place, and nothing where there is nothing. */
static void
shrinkage(void)
{
	DropoffTable table = sample(30, 40, 0.2, 0.1, 5);
	DropoffTable site = sample(20, 5000, 0.5, 0.1, 6);
	DropoffTable nothing = {0};
	DropoffHazard parent;
	DropoffHazard hazard;
	double		ended = 0;

	dropoff_hazard(&site, NULL, &parent);
	hazard = parent;
	dropoff_hazard(&table, &hazard, &hazard);
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
	{
		double		r = dropoff_at_risk(&table, bin, ended);

		CHECK_NEAR(hazard.exit[bin], (table.count[bin][DROPOFF_EXIT] + 50 * parent.exit[bin]) / (r + 50), 1e-14);
		ended += dropoff_ended(&table, bin);
	}
	hazard = parent;
	dropoff_hazard(&nothing, &hazard, &hazard);
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
		CHECK_NEAR(hazard.exit[bin], parent.exit[bin], 1e-14);
}

/* The best of all starts of bins, by trying each; never at once, though hazards fall. */
static void
best(void)
{
	for (uint64_t seed = 10; seed < 40; seed++)
	{
		DropoffTable table = sample(5 + 4 * seed % 60, 50 + (int) (seed % 5) * 1000, 0.2, 0.1, seed);
		DropoffCurve curve = curve_of(&table);
		TriggerAnswer a;

		dropoff_smooth(&curve.hazard);
		{
			DropoffHazard hazard = curve.hazard;

			dropoff_curve(&hazard, &curve);
		}
		a = trigger_best(&curve, &usual);
		CHECK(a.t >= 3 && a.t <= 600);
		for (int bin = 0; dropoff_bin_start(bin) <= 600000000; bin++)
		{
			double		t = dropoff_bin_start(bin) / 1e6;

			if (t < 3 || t < dropoff_quantile(&curve, 0.05, 0))
				continue;
			CHECK(trigger_utility(&curve, &usual, t) <= a.utility);
			/* ties: the earliest */
			CHECK(t >= a.t || trigger_utility(&curve, &usual, t) < a.utility);
		}
		CHECK_NEAR(a.utility, a.rescued - 0.02 * dropoff_survival(&curve, a.t + 10), 1e-12);
	}
}

/* A test of a trigger that adds a tenth, whenever it is shown, and of which late times were hardly tried. */
static void
efficacy(void)
{
	DropoffTable table = {0};
	TriggerEfficacy e;

	trigger_efficacy(&table, &e);
	CHECK_NEAR(trigger_efficacy_at(&e, 12), 1 - exp(-12 / 8.0), 1e-14);
	CHECK_NEAR(trigger_efficacy_at(NULL, 12), 1 - exp(-12 / 8.0), 1e-14);
	for (int bin = 5; bin < 60; bin++)
	{
		double		n = bin < 40 ? 400 : 4;

		table.count[bin][TRIGGER_SHOWN] = n * 0.8;
		table.count[bin][TRIGGER_SHOWN_CONVERTED] = n * 0.2;
		table.count[bin][TRIGGER_CONTROL] = 180;
		table.count[bin][TRIGGER_CONTROL_CONVERTED] = 20;
	}
	trigger_efficacy(&table, &e);
	CHECK(e.bucket[0].shown == 0 && e.bucket[1].shown == 400);
	CHECK_NEAR(e.bucket[5].shown_converted, 0.2, 1e-12);
	CHECK_NEAR(e.bucket[5].control_converted, 0.1, 1e-12);
	/* half of a bin's own, and all later ones */
	CHECK_NEAR(e.bucket[9].control, 200 * (0.5 + 4.5), 1e-9);
	CHECK_NEAR(trigger_efficacy_at(&e, 12), 0.1, 0.05);
	/* hardly tested, and not tested at all: as good as the others, not nearly as good as 1 */
	CHECK(trigger_efficacy_at(&e, 55) < 0.15 && trigger_efficacy_at(&e, 900) < 0.15);
}

void
test_trigger(void)
{
	RUN(everything);
	RUN(empirical);
	RUN(censored);
	RUN(quantiles);
	RUN(smoothing);
	RUN(shrinkage);
	RUN(best);
	RUN(efficacy);
}
