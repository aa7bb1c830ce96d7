/*
 * test_response.c
 *		Messages and visits of a customer, counters of many, hazards: against plain ways to the same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/response_fit.h"
#include "unit.h"

#define START (26 * 365 * RESPONSE_DAY)

static ResponseMessage
random_message(uint64_t *seed)
{
	ResponseMessage m = {START + (int32_t) (unit_random(seed) % 200000), 60, RESPONSE_NONE, RESPONSE_NONE, 0, 0, unit_random(seed) % 5 == 0};

	if (unit_random(seed) % 4 == 0)
		m.offset = (int16_t) (unit_random(seed) % 3 * 345) - 300;
	if (unit_random(seed) % 2)
		m.opened = (int16_t) (unit_random(seed) % RESPONSE_MINUTES);
	if (m.opened != RESPONSE_NONE && unit_random(seed) % 2)
		m.clicked = (int16_t) (m.opened + unit_random(seed) % (uint64_t) (RESPONSE_MINUTES - m.opened));
	if (unit_random(seed) % 6 == 0)
	{
		m.change_at = (int16_t) (1 + unit_random(seed) % (RESPONSE_MINUTES - 1));
		m.change_by = unit_random(seed) % 2 ? 60 : -30;
	}
	return m;
}

static ResponseHours
random_hours(uint64_t *seed, int messages, int visits)
{
	ResponseHours h;

	response_init(&h);
	for (int i = 0; i < messages; i++)
		response_add_message(unit_env(), &h, random_message(seed));
	for (int i = 0; i < visits; i++)
		response_add_visit(unit_env(), &h, (ResponseVisit) {START / 60 + (int32_t) (unit_random(seed) % 4000), unit_random(seed) % 9 ? 60 : 0});
	return h;
}

/* Bytes of a copy, so that what is tested stays unfolded. */
static unsigned char *
bytes_of(const ResponseHours *h, size_t *size)
{
	ResponseHours copy;
	unsigned char *bytes;

	response_init(&copy);
	response_merge(unit_env(), &copy, h);
	response_fold(&copy);
	bytes = response_encode(unit_env(), &copy, 0, size);
	response_release(unit_env(), &copy);
	return bytes;
}

static bool
are_equal(const ResponseHours *a, const ResponseHours *b)
{
	size_t		a_size;
	size_t		b_size;
	unsigned char *x = bytes_of(a, &a_size);
	unsigned char *y = bytes_of(b, &b_size);
	bool		equal = a_size == b_size && memcmp(x, y, a_size) == 0;

	env_release(unit_env(), x);
	env_release(unit_env(), y);
	return equal;
}

/* The same in one go, in parts, and by way of bytes. */
static void
hours_merge_in_any_order(void)
{
	uint64_t	seed = 1;

	for (int round = 0; round < 60; round++)
	{
		ResponseHours a = random_hours(&seed, (int) (unit_random(&seed) % (round % 3 ? 40 : 1500)), (int) (unit_random(&seed) % 1500));
		ResponseHours b = random_hours(&seed, (int) (unit_random(&seed) % 300), (int) (unit_random(&seed) % 30));
		ResponseHours ab;
		ResponseHours ba;
		unsigned char *bytes;
		size_t		size;

		response_init(&ab);
		response_merge(unit_env(), &ab, &a);
		response_merge(unit_env(), &ab, &b);
		response_init(&ba);
		bytes = bytes_of(&b, &size);
		CHECK(response_is_canonical(unit_env(), bytes, size));
		CHECK(response_decode(unit_env(), bytes, size, &ba));
		env_release(unit_env(), bytes);
		response_fold(&a);
		response_merge(unit_env(), &ba, &a);
		CHECK(are_equal(&ab, &ba));
		response_release(unit_env(), &a);
		response_release(unit_env(), &b);
		response_release(unit_env(), &ab);
		response_release(unit_env(), &ba);
	}
}

static void
damaged_hours_are_refused(void)
{
	uint64_t	seed = 2;
	ResponseHours h = random_hours(&seed, 20, 20);
	size_t		size;
	unsigned char *bytes = bytes_of(&h, &size);

	for (size_t cut = 0; cut < size; cut++)
		CHECK(!response_is_canonical(unit_env(), bytes, cut));
	for (int i = 0; i < 20000; i++)
	{
		size_t		at = unit_random(&seed) % size;
		unsigned char was = bytes[at];

		/* whatever is accepted must be what would have been written */
		bytes[at] = (unsigned char) unit_random(&seed);
		response_is_canonical(unit_env(), bytes, size);
		bytes[at] = was;
	}
	CHECK(response_is_canonical(unit_env(), bytes, size));
	env_release(unit_env(), bytes);
	response_release(unit_env(), &h);
}

/* --- counters ----------------------------------------------------------------- */

/* Minute by minute, as nobody would do it in earnest. */
static void
walk(int64_t risk[RESPONSE_WEEK][RESPONSE_LAGS], const ResponseMessage *m, int minutes, int64_t weight)
{
	for (int i = 0; i < minutes; i++)
	{
		int32_t		local = m->minute + m->offset + i + (m->change_at > 0 && i >= m->change_at ? m->change_by : 0);

		risk[response_week_hour(response_floor_div(local, 60))][i / 60] += weight;
	}
}

static void
counters_are_minutes_walked(void)
{
	static int64_t risk[RESPONSE_WEEK][RESPONSE_LAGS];
	uint64_t	seed = 3;
	ResponseHours h = random_hours(&seed, 200, 0);
	ResponseCounts c;
	int			wrong = 0;
	int32_t		as_of = START + 150000;

	memset(risk, 0, sizeof(risk));
	response_fold(&h);
	response_counts_init(&c, 0);
	response_counts_add(unit_env(), &c, &h, as_of, 1);
	for (uint32_t i = 0; i < h.num_messages; i++)
	{
		int			minutes;
		bool		responded;

		if (response_observe(&h.messages[i], RESPONSE_OPEN, as_of, &minutes, &responded))
			walk(risk, &h.messages[i], minutes, RESPONSE_UNIT);
	}
	for (int row = 0; row < RESPONSE_WEEK; row++)
		for (int d = 0; d < RESPONSE_LAGS; d++)
			wrong += c.epochs[0]->tables[RESPONSE_OPEN].risk[row][d] != risk[(row + d) % RESPONSE_WEEK][d];
	CHECK(wrong == 0);
	CHECK(c.num_epochs == 1);
	response_counts_release(unit_env(), &c);
	response_release(unit_env(), &h);
}

static void
counters_can_be_taken_away(void)
{
	uint64_t	seed = 4;
	ResponseCounts whole;
	ResponseCounts parts[2];
	unsigned char *x;
	unsigned char *y;
	size_t		x_size;
	size_t		y_size;

	response_counts_init(&whole, RESPONSE_HALF_LIFE);
	for (int p = 0; p < 2; p++)
		response_counts_init(&parts[p], RESPONSE_HALF_LIFE);
	for (int i = 0; i < 200; i++)
	{
		ResponseHours h = random_hours(&seed, 30, 30);

		response_fold(&h);
		response_counts_add(unit_env(), &whole, &h, START + 190000, 1);
		response_counts_add(unit_env(), &parts[i % 2], &h, START + 190000, 1);
		/* and somebody who has been erased */
		h.messages[0].minute += 5 * RESPONSE_DAY;
		response_counts_add(unit_env(), &whole, &h, START + 190000, 1);
		response_counts_add(unit_env(), &whole, &h, START + 190000, -1);
		response_release(unit_env(), &h);
	}
	CHECK(response_counts_merge(unit_env(), &parts[1], &parts[0]));
	x = response_counts_encode(unit_env(), &whole, 0, &x_size);
	y = response_counts_encode(unit_env(), &parts[1], 0, &y_size);
	CHECK(x_size == y_size && memcmp(x, y, x_size) == 0);
	CHECK(response_counts_is_canonical(unit_env(), x, x_size));
	for (size_t cut = 0; cut < x_size; cut += 7)
		CHECK(!response_counts_is_canonical(unit_env(), x, cut));
	env_release(unit_env(), x);
	env_release(unit_env(), y);
	response_counts_release(unit_env(), &whole);
	for (int p = 0; p < 2; p++)
		response_counts_release(unit_env(), &parts[p]);
}

/* Only so many epochs are kept, whichever come first. */
static void
epochs_are_the_latest(void)
{
	ResponseCounts c;
	int			order[] = {2, 9, 0, 8, 7, 5};

	response_counts_init(&c, RESPONSE_DAY);
	for (int i = 0; i < 6; i++)
	{
		ResponseHours h;

		response_init(&h);
		response_add_message(unit_env(), &h, (ResponseMessage) {START + order[i] * 16 * RESPONSE_DAY, 0, 5, RESPONSE_NONE, 0, 0, 0});
		response_counts_add(unit_env(), &c, &h, START + 365 * RESPONSE_DAY, 1);
		response_release(unit_env(), &h);
	}
	CHECK(c.num_epochs == 3);
	CHECK(c.epochs[0]->epoch + 2 == c.epochs[2]->epoch && c.epochs[0]->epoch + 1 == c.epochs[1]->epoch);
	response_counts_release(unit_env(), &c);
}

/* --- fit and posterior --------------------------------------------------------- */

static double
uniform(uint64_t *seed)
{
	return (unit_random(seed) >> 11) * 0x1p-53;
}

static void
fit_finds_what_was_there(void)
{
	static ResponseModel m;
	uint64_t	seed = 5;
	ResponseCounts c;
	ResponseRates rates;
	double		evening;

	response_counts_init(&c, 0);
	for (int u = 0; u < 6000; u++)
	{
		ResponseHours h;

		response_init(&h);
		for (int i = 0; i < 20; i++)
		{
			ResponseMessage msg = {START + (int32_t) (unit_random(&seed) % 2000) * 60, 0, RESPONSE_NONE, RESPONSE_NONE, 0, 0, 0};

			for (int d = 0; d < RESPONSE_LAGS && msg.opened == RESPONSE_NONE; d++)
			{
				int			hour = response_week_hour(msg.minute / 60 + d) % 24;
				double		rate = (hour >= 18 && hour < 22 ? .09 : .03) * exp(-d / 10.0);

				if (uniform(&seed) < 1 - exp(-rate))
					msg.opened = (int16_t) (d * 60 + unit_random(&seed) % 60);
			}
			response_add_message(unit_env(), &h, msg);
		}
		response_fold(&h);
		response_counts_add(unit_env(), &c, &h, START + 200000, 1);
		response_release(unit_env(), &h);
	}
	response_fit(&m, &c, START + 200000);
	response_rates(&rates, &m.fits[RESPONSE_OPEN]);
	evening = rates.profile[19] / rates.profile[12];
	CHECK_NEAR(rates.mean, (20 * .03 + 4 * .09) / 24, .05);
	CHECK_NEAR(evening, 3, .2);
	CHECK(m.fits[RESPONSE_OPEN].lags[0] == 1);
	CHECK_NEAR(m.fits[RESPONSE_OPEN].lags[5], exp(-.5), .05);
	CHECK_NEAR(m.fits[RESPONSE_OPEN].lags[20], exp(-2), .1);
	response_counts_release(unit_env(), &c);
}

/* The formula as the specification has it, with the kernel as a matrix. */
static double
plain_rate(const ResponseEvidence *e, const ResponseRates *r, double omega, double rho, int c)
{
	double		rows = 0;
	double		o = 0;
	double		risk = 0;
	double		v = 0;
	double		sum_o = 0;
	double		sum_v = 0;
	double		m_o;
	double		m_v;

	for (int h = 0; h < 24; h++)
		rows += exp(-.5 * (h > 12 ? 24 - h : h) * (h > 12 ? 24 - h : h));
	for (int h = 0; h < 24; h++)
	{
		int			other = c / 24 * 24 + h;
		int			distance = abs(c % 24 - h) > 12 ? 24 - abs(c % 24 - h) : abs(c % 24 - h);
		double		k = exp(-.5 * distance * distance) / rows;

		o += k * e->responses[other];
		risk += k * e->risk[other];
		v += k * e->visits[other];
	}
	for (int i = 0; i < RESPONSE_CELLS; i++)
	{
		sum_o += e->responses[i];
		sum_v += e->visits[i];
	}
	m_o = (1.5 + sum_o) / (1.5 + e->expected);
	m_v = (1.5 + sum_v) / (1.5 + rho * 24 * (e->days[0] + e->days[1]));
	return r->mean * m_o * (5 * r->cells[c] / 48 + omega * v + o) / (5.0 / 48 + omega * rho * m_v * e->days[c / 24] + r->mean * m_o * risk);
}

static void
posterior_is_the_formula(void)
{
	static ResponseModel m;
	uint64_t	seed = 6;
	ResponseHours h = random_hours(&seed, 25, 40);
	ResponseRates rates;
	ResponseEvidence e;
	ResponsePosterior p;

	response_fit_default(&m);
	for (int i = 0; i < RESPONSE_WEEK; i++)
	{
		m.fits[0].responses[i] = 1 + i % 7;
		m.fits[0].risk[i] = 50;
	}
	response_fold(&h);
	response_rates(&rates, &m.fits[0]);
	response_evidence(&e, &h, RESPONSE_OPEN, &m.fits[0], &rates, RESPONSE_HALF_LIFE, START + 210000);
	response_posterior(&p, &e, &rates, .25, .02);
	for (int c = 0; c < RESPONSE_CELLS; c++)
		CHECK_NEAR(p.rate[c], plain_rate(&e, &rates, .25, .02, c), 1e-9);
	response_release(unit_env(), &h);
}

void
test_response(void)
{
	RUN(hours_merge_in_any_order);
	RUN(damaged_hours_are_refused);
	RUN(counters_are_minutes_walked);
	RUN(counters_can_be_taken_away);
	RUN(epochs_are_the_latest);
	RUN(fit_finds_what_was_there);
	RUN(posterior_is_the_formula);
}
