/*
 * test_buyer.c
 *		Predictions against published and independently computed values, gradients against differences, fits against a simulator.
 */
#include <math.h>
#include <stdlib.h>

#include "kernel/buyer.h"
#include "kernel/minimize.h"
#include "unit.h"

/* The 1997 cohort of CDNOW, in weeks. */
static const BuyerModel bg = {.kind = BUYER_BG, .r = .2425929068890532, .alpha = 4.413531558769629, .a = .7928861316900022, .b = 2.425753376269834};
static const BuyerModel bg_published = {.kind = BUYER_BG, .r = .243, .alpha = 4.414, .a = .793, .b = 2.426};
static const BuyerModel mbg = {.kind = BUYER_MBG, .r = .5248379838832602, .alpha = 6.182992023504433, .a = .8913561553266137, .b = 1.613999333928463};
static const BuyerModel pareto = {.kind = BUYER_PARETO, .r = .5534, .alpha = 10.5802, .a = .6061, .b = 11.6562};
static const BuyerModel spend = {.p = 6.25, .q = 3.74, .v = 15.44};

static const BuyerTimes two = {2, 30.43, 38.86};
static const BuyerTimes once = {1, 1.71, 38.86};
static const BuyerTimes never = {0, 0, 38.86};
static const BuyerTimes often = {29, 36, 38.86};
static const BuyerTimes fresh = {0, 0, 0};

static void
points_of_bg(void)
{
	double		quarter = 90 / 7.0;

	CHECK_NEAR(buyer_expected(&bg, &two, 39), 1.225910480, 1e-7);
	CHECK_NEAR(buyer_expected(&bg, &once, 39), .203250664, 1e-7);
	CHECK_NEAR(buyer_expected(&bg, &never, 39), .194780850, 1e-7);
	CHECK_NEAR(buyer_expected(&bg, &(BuyerTimes) {7, 29.43, 38.86}, 39), 3.337239461, 1e-7);
	CHECK_NEAR(buyer_expected(&bg, &often, 39), 17.077945131, 1e-7);
	CHECK_NEAR(buyer_expected(&bg, &(BuyerTimes) {1000, 99, 100}, 39), 25.25394882, 1e-7);
	CHECK_NEAR(buyer_alive(&bg, &two), .726609165, 1e-7);
	CHECK_NEAR(buyer_alive(&bg, &once), .212227427, 1e-7);
	CHECK(buyer_alive(&bg, &never) == 1);
	CHECK_NEAR(buyer_alive(&bg, &(BuyerTimes) {7, 29.43, 38.86}), .641800614, 1e-7);
	CHECK_NEAR(buyer_alive(&bg, &often), .838601466, 1e-7);
	CHECK_NEAR(buyer_alive(&bg, &(BuyerTimes) {1000, 99, 100}), .076949189, 1e-7);
	CHECK_NEAR(buyer_silent(&bg, &two, quarter), .678840913, 1e-7);
	CHECK_NEAR(buyer_silent(&bg, &once, quarter), .941381320, 1e-7);
	CHECK_NEAR(buyer_silent(&bg, &never, quarter), .938841670, 1e-7);
	CHECK_NEAR(buyer_silent(&bg, &often, quarter), .161815200, 1e-7);
}

static void
points_of_mbg(void)
{
	double		quarter = 90 / 7.0;

	CHECK_NEAR(buyer_alive(&mbg, &two), .706126223, 1e-7);
	CHECK_NEAR(buyer_alive(&mbg, &once), .170819613, 1e-7);
	CHECK_NEAR(buyer_alive(&mbg, &never), .389716366, 1e-7);
	CHECK_NEAR(buyer_alive(&mbg, &often), .831966650, 1e-7);
	CHECK_NEAR(buyer_silent(&mbg, &two, quarter), .668452274, 1e-7);
	CHECK_NEAR(buyer_silent(&mbg, &once, quarter), .945660178, 1e-7);
	CHECK_NEAR(buyer_silent(&mbg, &never, quarter), .951880472, 1e-7);
	CHECK_NEAR(buyer_silent(&mbg, &often, quarter), .168534945, 1e-7);
}

static void
new_customers(void)
{
	static const double weeks[][2] = {{.1429, .0078}, {1, .0533}, {3, .1509}, {31.8571, 1.042}, {32, 1.045}, {78, 1.861}};

	for (int i = 0; i < 6; i++)
		CHECK_NEAR(buyer_expected(&bg_published, &fresh, weeks[i][0]), weeks[i][1], i < 3 ? 5e-5 : 5e-4);
	CHECK_NEAR(buyer_silent(&bg_published, &fresh, 39), .5737864, 5e-8);
	CHECK_NEAR(buyer_alive(&mbg, &fresh), mbg.b / (mbg.a + mbg.b), 1e-15);
}

static void
points_of_pareto(void)
{
	BuyerTimes	t = {26, 30.86, 31};

	CHECK_NEAR(buyer_alive(&pareto, &t), .9979177666, 1e-9);
	CHECK_NEAR(buyer_expected(&pareto, &t, 52), 25.4549, 5e-5);
	/* nobody is silent for no time, and less are the longer it is */
	CHECK(buyer_silent(&pareto, &t, 0) == 1);
	CHECK(buyer_silent(&pareto, &t, 10) > buyer_silent(&pareto, &t, 20));
	/* expected orders are the integral of the rate, which the first ones bound from above */
	CHECK_NEAR((1 - buyer_silent(&pareto, &t, 1e-4)) / buyer_expected(&pareto, &t, 1e-4), 1, 1e-3);
}

static void
points_of_spend(void)
{
	CHECK_NEAR(buyer_expected_spend(&spend, 2, 22.35), 24.66371391, 1e-9);
	CHECK_NEAR(buyer_expected_spend(&spend, 1, 11.77), 18.91685206, 1e-9);
	CHECK_NEAR(buyer_expected_spend(&spend, 0, NAN), 35.21897810, 1e-9);
	CHECK_NEAR(buyer_expected_spend(&spend, 7, 73.74), 71.46967090, 1e-9);
}

/* Steps so small that they are an integral, against one that is known: without discount it is the expectation. */
static void
discounts(void)
{
	CHECK_NEAR(buyer_discounted(&bg, &two, 39, 4, 0, 52.18), buyer_expected(&bg, &two, 39), 1e-12);
	CHECK(buyer_discounted(&bg, &two, 39, 4, .1, 52.18) < buyer_expected(&bg, &two, 39));
	CHECK_NEAR(buyer_discounted(&bg, &two, 39, 4, .1, 52.18), buyer_discounted(&bg, &two, 39, .01, .1, 52.18), 1e-3);
}

/* E = P(alive) ∫ of the rate, by a sum over the chance that nothing was bought: an independent way to the expectation. */
static double
expected_by_sum(const BuyerModel *m, const BuyerTimes *t, double horizon)
{
	double		survived = m->kind == BUYER_MBG ? t->x + 1 : t->x;
	double		sum = 0;
	int			steps = 4000;

	/* over p by its Beta(a, b + survived) density in u = p^a, which takes its pole at 0 away */
	for (int i = 0; i < steps; i++)
	{
		double		u = (i + .5) / steps;
		double		p = pow(u, 1 / m->a);
		double		weight = exp((m->b + survived - 1) * log1p(-p) - lgamma(m->a) - lgamma(m->b + survived) + lgamma(m->a + m->b + survived)) / m->a;

		sum += weight * -expm1(-(m->r + t->x) * log1p(p * horizon / (m->alpha + t->T))) / p / steps;
	}
	return buyer_alive(m, t) * sum;
}

static void
expectation_is_the_integral(void)
{
	static const double a[] = {.5, .999999, 1, 1.000001, 1.7, 2};

	for (int i = 0; i < 6; i++)
		for (int kind = BUYER_BG; kind <= BUYER_MBG; kind++)
		{
			BuyerModel	m = {.kind = kind, .r = .6, .alpha = 5, .a = a[i], .b = 2.2};
			BuyerTimes	t = {3, 20, 30};

			CHECK_NEAR(buyer_expected(&m, &t, 25), expected_by_sum(&m, &t, 25), 1e-4);
		}
	/* no jump at 1, and none where c = a + b + x - 1 passes 0 */
	{
		BuyerModel	below = {.kind = BUYER_BG, .r = .6, .alpha = 5, .a = .3, .b = .7 - 1e-9};
		BuyerModel	above = {.kind = BUYER_BG, .r = .6, .alpha = 5, .a = .3, .b = .7 + 1e-9};
		BuyerModel	far = {.kind = BUYER_BG, .r = .6, .alpha = 5, .a = .3, .b = .8 + 1e-9};
		BuyerModel	near = {.kind = BUYER_BG, .r = .6, .alpha = 5, .a = .3, .b = .8 - 1e-9};

		CHECK_NEAR(buyer_expected(&below, &never, 25), buyer_expected(&above, &never, 25), 1e-7);
		CHECK_NEAR(buyer_expected(&near, &never, 25), buyer_expected(&far, &never, 25), 1e-7);
	}
}

static bool
sane(double x, double most)
{
	return isfinite(x) && x >= 0 && x <= most;
}

static void
extremes(void)
{
	static const double parameters[] = {1e-6, .4, 1, 30, 1e6};
	static const BuyerTimes times[] = {{1000, 10, 100}, {1000, 99, 100}, {0, 0, 0}, {0, 0, 5000}, {1, 1e-9, 5000}, {100000, 5000, 5000}, {5, 0.1, 0.1}};

	CHECK(buyer_expected(&bg, &times[0], 39) == 0 && buyer_alive(&bg, &times[0]) == 0);
	for (int i = 0; i < 625; i++)
		for (int t = 0; t < 7; t++)
			for (int kind = BUYER_BG; kind <= BUYER_PARETO; kind++)
			{
				BuyerModel	m = {.kind = kind, .r = parameters[i % 5], .alpha = parameters[i / 5 % 5], .a = parameters[i / 25 % 5], .b = parameters[i / 125]};

				CHECK(sane(buyer_alive(&m, &times[t]), 1));
				CHECK(sane(buyer_silent(&m, &times[t], 13), 1));
				CHECK(sane(buyer_expected(&m, &times[t], 39), 1e15));
			}
}

/* ---------------------------------------------------------------- rates */

static void
rates(void)
{
	BuyerModel	m = {.kind = BUYER_MBG, .problem = BUYER_FEW, .rates = {.weeks = BUYER_LONG_WINDOW}};
	BuyerRates	more = {.weeks = BUYER_LONG_WINDOW};
	BuyerRates	windows[2] = {{.weeks = BUYER_SHORT_WINDOW}, {.weeks = BUYER_LONG_WINDOW}};
	BuyerTimes	fresh = {0, 0, 1};
	BuyerTimes	old = {5, 10, 90};

	CHECK(!buyer_rates_are_sound(&m.rates) && buyer_rates_choose(windows, 100) == NULL);
	buyer_rates_add(&m.rates, &(BuyerTimes) {0, 0, 4}, 3, 2);
	buyer_rates_add(&more, &(BuyerTimes) {0, 0, 2}, 0, 7);
	buyer_rates_add(&more, &(BuyerTimes) {7, 3, 8}, 1, 1);
	buyer_rates_merge(&m.rates, &more);
	CHECK(buyer_rates_are_sound(&m.rates));
	/* of nine alike two ordered, three times each; of ten in all three, seven times in all */
	CHECK_NEAR(buyer_silent(&m, &fresh, 13), 1 - 2.5 / 10, 1e-15);
	CHECK_NEAR(buyer_silent(&m, &fresh, 26), .75 * .75, 1e-15);
	CHECK_NEAR(buyer_expected(&m, &fresh, 6.5), .25 * 7 / 3 / 2, 1e-15);
	CHECK_NEAR(buyer_silent(&m, &old, 13), 1 - 3.5 / 11, 1e-15);
	CHECK(buyer_silent(&m, &old, 0) == 1 && buyer_expected(&m, &old, 0) == 0);
	CHECK(buyer_can_tell(&m, 52) && !buyer_can_tell(&m, 52.1) && buyer_can_count(&m, 52));
	m.rates.orders = 0;
	CHECK(buyer_can_tell(&m, 52) && !buyer_can_count(&m, 52));
	windows[0] = windows[1] = m.rates;
	CHECK(buyer_rates_choose(windows, 25.9) == &windows[0] && buyer_rates_choose(windows, 26) == &windows[1]);
}

static void
parts(void)
{
	const BuyerModel all = {.kind = BUYER_BG, .r = 1, .alpha = 16, .a = 2, .b = 3, .p = 1, .q = 2, .v = 4, .customers = 5000};
	BuyerModel	part = {.kind = BUYER_BG, .r = 4, .alpha = 1, .a = 2, .b = 27, .p = 16, .q = 2, .v = 1, .customers = 500, .log_likelihood = -9};
	BuyerModel	none = {.kind = BUYER_BG, .problem = BUYER_FEW, .spend_problem = BUYER_FEW, .customers = 5};
	BuyerModel	alone = part;

	buyer_shrink(&alone, &all, 500);
	CHECK(memcmp(&alone, &part, sizeof(part)) == 0);
	buyer_shrink(&alone, &none, 1000);
	CHECK(memcmp(&alone, &part, sizeof(part)) == 0);
	buyer_shrink(&part, &all, 1000);
	CHECK_NEAR(part.r, 2, 1e-12);
	CHECK_NEAR(part.alpha, 4, 1e-12);
	CHECK_NEAR(part.b, 9, 1e-12);
	CHECK_NEAR(part.p, 4, 1e-12);
	CHECK_NEAR(part.v, 2, 1e-12);
	CHECK(part.customers == 500 && part.log_likelihood == 0);
	buyer_shrink(&none, &all, 1000);
	CHECK(none.problem == BUYER_FITTED && none.r == 1 && none.b == 3 && none.spend_problem == BUYER_FITTED && none.v == 4 && none.customers == 5);
}

/* ---------------------------------------------------------------- fitting */

#define MOST 20000

static double
uniform(uint64_t *state)
{
	return ((unit_random(state) >> 11) + .5) * 0x1p-53;
}

static double
exponential(uint64_t *state, double rate)
{
	return -log(uniform(state)) / rate;
}

/* Marsaglia and Tsang (2000) for shapes from 1 on; below, one more power of a uniform. */
static double
gamma_variate(uint64_t *state, double shape)
{
	double		d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
	double		c = 1 / sqrt(9 * d);

	for (;;)
	{
		double		z = sqrt(-2 * log(uniform(state))) * cos(6.283185307179586 * uniform(state));
		double		v = pow(1 + c * z, 3);

		if (v > 0 && log(uniform(state)) < z * z / 2 + d - d * v + d * log(v))
			return shape < 1 ? d * v * pow(uniform(state), 1 / shape) : d * v;
	}
}

/* A customer of MBG/NBD, or one who never drops out. */
static BuyerGroup
simulate(uint64_t *state, const BuyerModel *m, bool stays)
{
	double		T = 20 + 32 * uniform(state);
	double		rate = gamma_variate(state, m->r) / m->alpha;
	double		x = gamma_variate(state, m->a);
	double		p = stays ? 0 : x / (x + gamma_variate(state, m->b));
	BuyerGroup	group = {{0, 0, T}, 1};

	for (double at = 0; uniform(state) >= p;)
	{
		at += exponential(state, rate);
		if (at > T)
			break;
		group.times.x++;
		group.times.t_x = at;
	}
	return group;
}

static void
fit_finds_what_was_simulated(void)
{
	BuyerGroup *groups = env_alloc(unit_env(), MOST, sizeof(BuyerGroup));
	BuyerModel	truth = {.kind = BUYER_MBG, .r = .8, .alpha = 6, .a = 1.2, .b = 3};
	BuyerModel	m = {.kind = BUYER_MBG};
	uint64_t	state = 11;

	for (int i = 0; i < MOST; i++)
		groups[i] = simulate(&state, &truth, false);
	buyer_fit(unit_env(), &m, groups, MOST);
	CHECK(m.problem == BUYER_FITTED);
	CHECK(m.customers == MOST && m.repeaters > MOST / 4);
	CHECK_NEAR(m.r, truth.r, .08);
	CHECK_NEAR(m.alpha, truth.alpha, .08);
	CHECK_NEAR(m.a / (m.a + m.b), truth.a / (truth.a + truth.b), .03);
	CHECK_NEAR(buyer_log_likelihood(&m, groups, MOST, NULL), m.log_likelihood, 1e-9);
	env_release(unit_env(), groups);
}

static void
what_data_cannot_tell(void)
{
	BuyerGroup *groups = env_alloc(unit_env(), MOST, sizeof(BuyerGroup));
	BuyerModel	truth = {.kind = BUYER_MBG, .r = .8, .alpha = 6, .a = 1.2, .b = 3};
	BuyerModel	m = {.kind = BUYER_BG};
	uint64_t	state = 12;

	for (int i = 0; i < 2000; i++)
		groups[i] = simulate(&state, &truth, true);
	buyer_fit(unit_env(), &m, groups, 2000);
	CHECK(m.problem == BUYER_NO_DROPOUT || m.problem == BUYER_EDGE);
	buyer_fit(unit_env(), &m, groups, 60);
	CHECK(m.problem == BUYER_FEW);
	buyer_fit(unit_env(), &m, groups, 0);
	CHECK(m.problem == BUYER_FEW && m.customers == 0);
	for (int i = 0; i < 2000; i++)
		groups[i] = (BuyerGroup) {{1, 3, 7.9}, 1};
	buyer_fit(unit_env(), &m, groups, 2000);
	CHECK(m.problem == BUYER_SHORT);
	/* all alike: no distribution to be seen */
	for (int i = 0; i < 2000; i++)
		groups[i] = (BuyerGroup) {{5, 10, 11}, 1};
	buyer_fit(unit_env(), &m, groups, 2000);
	CHECK(m.problem != BUYER_FITTED);
	env_release(unit_env(), groups);
}

/* The derivative that a model says, against differences of what it is one of. */
static void
gradients(void)
{
	static const BuyerGroup groups[] = {{{0, 0, 20}, 5}, {{0, 0, 30}, 7}, {{1, 2, 30}, 3}, {{2, 20, 30}, 4}, {{9, 29, 30}, 2}};
	BuyerModel	models[] = {bg, mbg};

	for (int k = 0; k < 2; k++)
	{
		double		gradient[4];

		buyer_log_likelihood(&models[k], groups, 5, gradient);
		for (int i = 0; i < 4; i++)
		{
			BuyerModel	low = models[k];
			BuyerModel	high = models[k];

			(&low.r)[i] *= exp(-1e-5);
			(&high.r)[i] *= exp(1e-5);
			CHECK_NEAR((buyer_log_likelihood(&high, groups, 5, NULL) - buyer_log_likelihood(&low, groups, 5, NULL)) / 2e-5, gradient[i], 1e-6);
		}
	}
}

static void
fit_of_spend(void)
{
	BuyerSpend *values = env_alloc(unit_env(), MOST, sizeof(BuyerSpend));
	BuyerModel	m = {0};
	uint64_t	state = 13;

	for (int i = 0; i < MOST; i++)
	{
		uint32_t	x = 1 + unit_random(&state) % 8;
		double		nu = gamma_variate(&state, 3.5) / 15;

		values[i] = (BuyerSpend) {x, gamma_variate(&state, 6 * x) / (nu * x), 1};
	}
	buyer_fit_spend(unit_env(), &m, values, MOST);
	CHECK(m.spend_problem == BUYER_FITTED);
	CHECK_NEAR(m.p, 6, .12);
	CHECK_NEAR(m.q, 3.5, .05);
	CHECK_NEAR(m.v, 15, .12);
	CHECK(fabs(m.spend_correlation) < .05);
	buyer_fit_spend(unit_env(), &m, values, 0);
	CHECK(m.spend_problem == BUYER_NO_SPEND);
	buyer_fit_spend(unit_env(), &m, values, 99);
	CHECK(m.spend_problem == BUYER_FEW);
	env_release(unit_env(), values);
}

/* Rosenbrock's valley, whose minimum is at (1, 1); and with a bound before it. */
static double
valley(void *arg, const double *p, double *gradient)
{
	double		bend = p[1] - p[0] * p[0];

	gradient[0] = -400 * p[0] * bend - 2 * (1 - p[0]);
	gradient[1] = 200 * bend;
	return 100 * bend * bend + (1 - p[0]) * (1 - p[0]);
}

static void
minimum_of_a_valley(void)
{
	Minimum		m = {valley, NULL, 2, {-5, -5}, {5, 5}, {-1.2, 1}};
	Minimum		bounded = {valley, NULL, 2, {-5, -5}, {.5, 5}, {-1.2, 1}};

	minimize(unit_env(), &m);
	CHECK(m.converged);
	CHECK_NEAR(m.point[0], 1, 1e-6);
	CHECK_NEAR(m.point[1], 1, 1e-6);
	minimize(unit_env(), &bounded);
	CHECK(bounded.converged && bounded.point[0] == .5);
	CHECK_NEAR(bounded.point[1], .25, 1e-6);
}

void
test_buyer(void)
{
	RUN(points_of_bg);
	RUN(points_of_mbg);
	RUN(new_customers);
	RUN(points_of_pareto);
	RUN(points_of_spend);
	RUN(discounts);
	RUN(expectation_is_the_integral);
	RUN(extremes);
	RUN(rates);
	RUN(parts);
	RUN(gradients);
	RUN(minimum_of_a_valley);
	RUN(fit_finds_what_was_simulated);
	RUN(what_data_cannot_tell);
	RUN(fit_of_spend);
}
