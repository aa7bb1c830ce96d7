/*
 * test_send_time.c
 *		The choice of a time: parts against their definitions, and the whole in a simulated world whose best times are known.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/send_time.h"
#include "unit.h"

/* --- parts ---------------------------------------------------------------------- */

static double
uniform(uint64_t *seed)
{
	return (unit_random(seed) >> 11) * 0x1p-53;
}

/* Lag by lag: who has not answered yet answers with this chance. */
static void
chances_are_survival(void)
{
	uint64_t	seed = 1;
	double		rate[RESPONSE_CELLS];
	double		lags[RESPONSE_LAGS];

	for (int c = 0; c < RESPONSE_CELLS; c++)
		rate[c] = uniform(&seed) / 10;
	for (int d = 0; d < RESPONSE_LAGS; d++)
		lags[d] = 1.5 * uniform(&seed);
	for (int round = 0; round < 500; round++)
	{
		int			valid = 60 * (1 + (int) (unit_random(&seed) % RESPONSE_LAGS));
		int32_t		local = (int32_t) (unit_random(&seed) % 100000) - 50000;
		int			change_at = round % 3 ? 0 : 1 + (int) (unit_random(&seed) % (RESPONSE_MINUTES - 1));
		double		left = 1;
		double		p = 0;
		SendChances chances;

		send_chances(&chances, rate, lags, valid);
		for (int d = 0; d * 60 < valid; d++)
		{
			int32_t		at = local + 60 * d + (change_at > 0 && 60 * d >= change_at ? -60 : 0);
			double		stays = exp(-lags[d] * rate[response_cell(response_week_hour(response_floor_div(at, 60)))]);

			p += left * (1 - stays);
			left *= stays;
		}
		CHECK_NEAR(send_probability(send_hazard(&chances, local, change_at, -60)), p, 1e-12);
	}
}

static void
half_an_hour_is_half_a_lag(void)
{
	double		rate[RESPONSE_CELLS];
	double		lags[RESPONSE_LAGS];
	SendChances chances;

	for (int c = 0; c < RESPONSE_CELLS; c++)
		rate[c] = .1;
	for (int d = 0; d < RESPONSE_LAGS; d++)
		lags[d] = 1;
	send_chances(&chances, rate, lags, 90);
	CHECK_NEAR(send_hazard(&chances, 0, 0, 0), .15, 1e-12);
	send_chances(&chances, rate, lags, 0);
	CHECK(send_hazard(&chances, 0, 0, 0) == 0);
}

/* Each time is drawn as often as its propensity says. */
static void
propensities_are_frequencies(void)
{
	enum
	{
		N = 400000, TIMES = 8
	};
	int			drawn[TIMES] = {0};
	double		said[TIMES] = {0};
	int			policies[5] = {0};

	for (uint64_t i = 0; i < N; i++)
	{
		SendChoice	c = send_choose(send_time_hash(&i, sizeof(i), 7), TIMES, 5, 2, .2, .1);

		drawn[c.chosen]++;
		said[c.chosen] = c.propensity;
		policies[c.policy]++;
	}
	for (int t = 0; t < TIMES; t++)
		CHECK_NEAR((double) drawn[t] / N, said[t], .03);
	CHECK_NEAR(policies[SEND_CONTROL] / (double) N, .1, .02);
	CHECK_NEAR(policies[SEND_EXPLORE] / (double) N, .9 * .2, .02);
	CHECK_NEAR(said[5], .9 * (.8 + .2 / 8), 1e-12);
	CHECK_NEAR(said[2], .1 + .9 * .2 / 8, 1e-12);
	CHECK_NEAR(said[0], .9 * .2 / 8, 1e-12);
}

static int
allowed_minutes(const char *text)
{
	SendHours	h;
	size_t		at;
	int			n = 0;

	if (send_hours_parse(&h, text, strlen(text), &at) != SEND_HOURS_OK)
		return -1 - (int) at;
	for (int minute = 0; minute < SEND_WEEK_MINUTES; minute++)
		n += send_hours_hold(&h, minute);
	return n;
}

static void
hours_are_read(void)
{
	SendHours	h;
	size_t		at;

	CHECK(allowed_minutes("00:00-24:00") == SEND_WEEK_MINUTES);
	CHECK(allowed_minutes("22-8") == 7 * 600);
	CHECK(allowed_minutes("mon") == 1440);
	CHECK(allowed_minutes("Friday - MON 10:00-10:01") == 4);
	CHECK(allowed_minutes("mon,wed 8-9, 12:30-13; tue 23:59-0:01") == 2 * 90 + 2);
	CHECK(allowed_minutes("") == -1);
	CHECK(allowed_minutes("mo") == -1);
	CHECK(allowed_minutes("10-10") == -6);
	CHECK(allowed_minutes("10-25") == -4);
	CHECK(allowed_minutes("24-25") == -4);
	CHECK(allowed_minutes("24-1") == -5);
	CHECK(allowed_minutes("10-11;") == -7);
	CHECK(allowed_minutes("10-11 12-13") == -7);
	CHECK(send_hours_parse(&h, "sun 22:00-02:00", 15, &at) == SEND_HOURS_OK);
	CHECK(send_hours_hold(&h, 0) && send_hours_hold(&h, 119) && !send_hours_hold(&h, 120));
	CHECK(send_hours_hold(&h, SEND_WEEK_MINUTES - 1) && !send_hours_hold(&h, SEND_WEEK_MINUTES - 121));
}

/* --- a world -------------------------------------------------------------------- */

/*
 * Customers look at their inbox with a rate that has two humps around the clock, over a floor; interest in a message fades from hour to hour.  They visit
 * the shop by the same hours (or by others, where the world says so).  Each method sees a history and chooses one hour of the day; it is judged by the
 * true chance of a response, as a share of what the best hour has over 10 o'clock.
 */
#define CUSTOMERS 3000
#define SPREAD_DEFAULT 10

typedef enum Method
{
	RAW_MODE,					/* the hour with most opens */
	RATIO,						/* opens by messages sent, by hour of sending */
	BUCKET,						/* the two hours with most visits */
	LINEAR_MEDIAN,				/* lower median of the last 25 opens and 25 visits, an hour before, as if 23 and 1 were far apart */
	OPENS_ONLY,
	OURS,
	METHODS
} Method;

typedef enum Plan
{
	MOSTLY_DEFAULT,				/* 95 % at 10 o'clock */
	FEW_HOURS,					/* three hours, and 5 % anywhere */
	ANYWHERE,
	ALWAYS_DEFAULT
} Plan;

typedef struct History
{
	int			sends;
	double		visits;			/* a unit of these is VISITS */
	Plan		plan;
} History;

static const History histories[] = {
	{8, .5, MOSTLY_DEFAULT}, {30, .5, FEW_HOURS}, {30, 2, FEW_HOURS}, {30, 8, ANYWHERE}, {30, .5, ALWAYS_DEFAULT}};

/* Published shares of the best hour's gain, in percent, by history and method. */
static const int published[5][METHODS] = {
	{12, 1, 22, 5, 16, 43}, {34, 18, 21, 20, 39, 58}, {34, 20, 49, 33, 42, 73}, {39, 12, 81, 83, 51, 91}, {19, 0, 20, 13, 7, 42}};

#include "send_time_world.h"

typedef struct Customer
{
	double		rate[24];
	int			opens[24];
	int			sent[24];
	int			opened[24];
	int			buckets[12];
	int			last_opens[256];
	int			num_opens;
	int			last_visits[1024];
	int			num_visits;
	ResponseHours hours;
} Customer;

static double
normal(uint64_t *seed)
{
	double		u = 1 - uniform(seed);

	return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * uniform(seed));
}

static double
hump(double hour, double center, double width)
{
	double		x = fmod(fabs(hour - center), 24);

	x = x > 12 ? 24 - x : x;
	return exp(-.5 * x * x / width / width);
}

/* Two humps over a floor, mean 1. */
static void
humps(double *profile, double first, double second, double floor)
{
	double		sum = 0;

	for (int h = 0; h < 24; h++)
		sum += profile[h] = (1 - SECOND_HUMP) * hump(h, first, WIDTH) + SECOND_HUMP * hump(h, second, WIDTH);
	for (int h = 0; h < 24; h++)
		profile[h] = (1 - floor) * 24 * profile[h] / sum + floor;
}

static double
fading(int d)
{
	return FADED + (1 - FADED) * exp(-d / FADING);
}

static int
planned_hour(Plan plan, uint64_t *seed)
{
	static const int few[] = {10, 14, 18};
	bool		anywhere = plan == ANYWHERE || (plan != ALWAYS_DEFAULT && uniform(seed) < .05);

	if (anywhere)
		return (int) (unit_random(seed) % 24);
	return plan == FEW_HOURS ? few[unit_random(seed) % 3] : SPREAD_DEFAULT;
}

#define FIRST_DAY (26 * 365)

static void
send_one(Customer *c, int day, Plan plan, uint64_t *seed)
{
	int			hour = planned_hour(plan, seed);
	ResponseMessage m = {(FIRST_DAY + day) * RESPONSE_DAY + hour * 60, 0, RESPONSE_NONE, RESPONSE_NONE, 0, 0, 0};

	for (int d = 0; d < RESPONSE_LAGS && m.opened == RESPONSE_NONE; d++)
		if (uniform(seed) < 1 - exp(-fading(d) * c->rate[(hour + d) % 24]))
			m.opened = (int16_t) (d * 60 + unit_random(seed) % 60);
	c->sent[hour]++;
	if (m.opened != RESPONSE_NONE)
	{
		int			at = (hour + m.opened / 60) % 24;

		c->opens[at]++;
		c->opened[hour]++;
		c->last_opens[c->num_opens++] = at;
	}
	response_add_message(unit_env(), &c->hours, m);
}

static int
poisson(double mean, uint64_t *seed)
{
	double		least = exp(-mean);
	double		p = 1;
	int			n = -1;

	do
	{
		p *= uniform(seed);
		n++;
	} while (p > least && n < 1000);
	return n;
}

static void
visit(Customer *c, const double *profile, int days, uint64_t *seed)
{
	double		left = 24 * uniform(seed);
	int			hour = 0;

	while (hour < 23 && left >= profile[hour])
		left -= profile[hour++];
	c->buckets[hour / 2]++;
	c->last_visits[c->num_visits++] = hour;
	response_add_visit(unit_env(), &c->hours, (ResponseVisit) {(FIRST_DAY + (int32_t) (unit_random(seed) % (uint64_t) days)) * 24 + hour, 0});
}

/* `matching` of the customers are on the site at hours of their inbox, the others at any. */
static void
live(Customer *c, const History *history, double matching, uint64_t *seed)
{
	int			days = (int) (WEEKS * 7);
	double		first = FIRST_HUMP + SPREAD * normal(seed);
	double		second = OTHER_HUMP + SPREAD * normal(seed);
	double		level = LEVEL * exp(LEVEL_SPREAD * normal(seed) - LEVEL_SPREAD * LEVEL_SPREAD / 2);
	double		around[24];
	int			visits;

	memset(c, 0, sizeof(Customer));
	response_init(&c->hours);
	humps(c->rate, first, second, FLOOR);
	for (int h = 0; h < 24; h++)
		c->rate[h] *= level;
	humps(around, uniform(seed) < matching ? first : 24 * uniform(seed), second, VISIT_FLOOR);
	for (int i = 0; i < history->sends; i++)
		send_one(c, (int) ((i + uniform(seed)) * days / history->sends), history->plan, seed);
	visits = poisson(history->visits * VISITS, seed);
	for (int i = 0; i < visits; i++)
		visit(c, around, days, seed);
	/* the shop has looked for visits from the first day on */
	if (c->hours.first > FIRST_DAY * RESPONSE_DAY)
		c->hours.first = FIRST_DAY * RESPONSE_DAY;
	response_fold(&c->hours);
}

static double
true_chance(const Customer *c, int hour)
{
	double		sum = 0;

	for (int d = 0; d < RESPONSE_LAGS; d++)
		sum += fading(d) * c->rate[(hour + d) % 24];
	return 1 - exp(-sum);
}

/* --- methods -------------------------------------------------------------------- */

static int
most(const int *counts, int n)
{
	int			best = -1;

	for (int i = 0; i < n; i++)
		if (counts[i] > 0 && (best < 0 || counts[i] > counts[best]))
			best = i;
	return best;
}

static int
by_ratio(const Customer *c)
{
	double		highest = 0;
	int			best = SPREAD_DEFAULT;

	for (int h = 0; h < 24; h++)
		if (c->sent[h] > 0 && (double) c->opened[h] / c->sent[h] > highest)
		{
			highest = (double) c->opened[h] / c->sent[h];
			best = h;
		}
	return best;
}

static int
compare_hours(const void *a, const void *b)
{
	return *(const int *) a - *(const int *) b;
}

static int
by_linear_median(const Customer *c)
{
	int			hours[50];
	int			n = 0;

	for (int i = c->num_opens > 25 ? c->num_opens - 25 : 0; i < c->num_opens; i++)
		hours[n++] = c->last_opens[i];
	for (int i = c->num_visits > 25 ? c->num_visits - 25 : 0; i < c->num_visits; i++)
		hours[n++] = c->last_visits[i];
	qsort(hours, n, sizeof(int), compare_hours);
	return n > 4 ? (hours[(n - 1) / 2] + 23) % 24 : SPREAD_DEFAULT;
}

static int
by_hazard(const Customer *c, const ResponseModel *m, const ResponseRates *rates, double visit_weight, int32_t as_of)
{
	ResponseEvidence e;
	ResponsePosterior p;
	SendChances chances;
	int			best = 0;
	double		highest = -1;

	response_evidence(&e, &c->hours, RESPONSE_OPEN, &m->fits[RESPONSE_OPEN], rates, m->half_life, as_of);
	response_posterior(&p, &e, rates, visit_weight, m->visit_rate);
	send_chances(&chances, p.rate, m->fits[RESPONSE_OPEN].lags, RESPONSE_MINUTES);
	for (int h = 0; h < 24; h++)
	{
		/* a Tuesday */
		double		hazard = send_hazard(&chances, 3 * RESPONSE_DAY + h * 60, 0, 0);

		if (hazard > highest)
		{
			highest = hazard;
			best = h;
		}
	}
	return best;
}

static void
choose_hours(const Customer *c, const ResponseModel *m, const ResponseRates *rates, int32_t as_of, int *chosen)
{
	int			mode = most(c->opens, 24);
	int			bucket = most(c->buckets, 12);

	chosen[RAW_MODE] = mode < 0 ? SPREAD_DEFAULT : mode;
	chosen[RATIO] = by_ratio(c);
	chosen[BUCKET] = bucket < 0 ? SPREAD_DEFAULT : 2 * bucket + 1;
	chosen[LINEAR_MEDIAN] = by_linear_median(c);
	chosen[OPENS_ONLY] = by_hazard(c, m, rates, 0, as_of);
	chosen[OURS] = by_hazard(c, m, rates, m->fits[RESPONSE_OPEN].visit_weight, as_of);
}

/* Shares of the best hour's gain, in percent; returns the weight of visits that was found. */
static double
judge(const History *history, double matching, uint64_t seed, double *shares, double *relative)
{
	static Customer customers[CUSTOMERS];
	static ResponseHours hours[CUSTOMERS];
	static ResponseModel model;
	int32_t		as_of = (FIRST_DAY + (int) (WEEKS * 7) + 3) * RESPONSE_DAY;
	double		gains[METHODS] = {0};
	double		best_gain = 0;
	double		at_default = 0;
	ResponseCounts counts;
	ResponseRates rates;

	response_counts_init(&counts, RESPONSE_HALF_LIFE);
	for (int u = 0; u < CUSTOMERS; u++)
	{
		live(&customers[u], history, matching, &seed);
		hours[u] = customers[u].hours;
		response_counts_add(unit_env(), &counts, &hours[u], as_of, 1);
	}
	response_fit(&model, &counts, as_of);
	response_choose_visit_weight(unit_env(), &model, hours, CUSTOMERS, as_of);
	response_rates(&rates, &model.fits[RESPONSE_OPEN]);
	for (int u = 0; u < CUSTOMERS; u++)
	{
		double		base = true_chance(&customers[u], SPREAD_DEFAULT);
		double		best = 0;
		int			chosen[METHODS];

		for (int h = 0; h < 24; h++)
			best = fmax(best, true_chance(&customers[u], h));
		choose_hours(&customers[u], &model, &rates, as_of, chosen);
		for (int i = 0; i < METHODS; i++)
			gains[i] += true_chance(&customers[u], chosen[i]) - base;
		best_gain += best - base;
		at_default += base;
		response_release(unit_env(), &hours[u]);
	}
	response_counts_release(unit_env(), &counts);
	for (int i = 0; i < METHODS; i++)
		shares[i] = 100 * gains[i] / best_gain;
	*relative = 100 * gains[OURS] / at_default;
	return model.fits[RESPONSE_OPEN].visit_weight;
}

/* Ours is above each of the others by what was published, less 5 points. */
static void
margins_are_those_published(void)
{
	for (int i = 0; i < 5; i++)
	{
		double		shares[METHODS];
		double		relative;

		judge(&histories[i], 1, 100 + i, shares, &relative);
		for (int method = 0; method < OPENS_ONLY; method++)
		{
			double		margin = shares[OURS] - shares[method];
			int			wanted = published[i][OURS] - published[i][method];

			if (margin < wanted - 5)
				printf("history %d, method %d: %.1f above %.1f, published are %d points\n", i + 1, method, shares[OURS], shares[method], wanted);
			CHECK(margin >= wanted - 5);
		}
		CHECK(shares[OURS] >= published[i][OURS] - 5);
	}
}

/* Where the hours of visits say nothing of the inbox, they are given no weight that does harm. */
static void
other_hours_do_no_harm(void)
{
	static const double matching[] = {0, .25, .5};

	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 3; j++)
		{
			double		shares[METHODS];
			double		relative;

			judge(&histories[i], matching[j], 200 + i, shares, &relative);
			CHECK(relative >= -2);
			if (relative < -2)
				printf("history %d, %g matching: %.1f %% against the default hour\n", i + 1, matching[j], relative);
		}
}

void
test_send_time(void)
{
	RUN(chances_are_survival);
	RUN(half_an_hour_is_half_a_lag);
	RUN(propensities_are_frequencies);
	RUN(hours_are_read);
	RUN(margins_are_those_published);
	RUN(other_hours_do_no_harm);
}
