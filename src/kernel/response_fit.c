/*
 * response_fit.c
 *		Hazards of responses: of many by alternating estimates, of one by shrinkage.
 */
#include <math.h>

#include "kernel/response_fit.h"

#define MAX_ROUNDS 20
#define TOLERANCE 1e-4
#define MAX_LAG_WEIGHT 1.5
/* Nothing is impossible, where a response may come that was never seen so late. */
#define MIN_LAG_WEIGHT 1e-3

/* Hours from delivery on, where lags run past the end of the week. */
#define LONG_WEEK (RESPONSE_WEEK + RESPONSE_LAGS + 1)

/* In order, so that the same numbers always give the same bits. */
static double
sum(const double *x, int n)
{
	double		s = 0;

	for (int i = 0; i < n; i++)
		s += x[i];
	return s;
}

/* --- the fit of many -------------------------------------------------------- */

/* One observable's counters, faded to a time, in messages and hours. */
typedef struct Sums
{
	double		messages;
	double		responses[RESPONSE_WEEK];
	double		lags[RESPONSE_LAGS];
	double		risk[RESPONSE_WEEK][RESPONSE_LAGS];	/* by cell and lag */
	double		rate[RESPONSE_WEEK];
} Sums;

/* From rows of deliveries to cells: what stands at lag d of a row lay in the hour d later. */
static void
add_epoch(Sums *s, const ResponseTable *t, double unit)
{
	s->messages += t->messages * unit;
	for (int h = 0; h < RESPONSE_WEEK; h++)
	{
		s->responses[h] += t->responses[h] * unit;
		for (int d = 0; d < RESPONSE_LAGS; d++)
			s->risk[(h + d) % RESPONSE_WEEK][d] += t->risk[h][d] * (unit / 60);
	}
	for (int d = 0; d < RESPONSE_LAGS; d++)
		s->lags[d] += t->lags[d] * unit;
}

/* Σ over lags of risk · w, by cell. */
static void
weigh_risk(const Sums *s, const double *lags, double *risk)
{
	for (int c = 0; c < RESPONSE_WEEK; c++)
	{
		risk[c] = 0;
		for (int d = 0; d < RESPONSE_LAGS; d++)
			risk[c] += s->risk[c][d] * lags[d];
	}
}

static double
overall_rate(const double *responses, const double *risk)
{
	double		o = sum(responses, RESPONSE_WEEK);
	double		r = sum(risk, RESPONSE_WEEK);

	if (r <= 0)
		return RESPONSE_DEFAULT_RATE;
	/* without any response, what one could have been missed by */
	return o > 0 ? o / r : 1 / (r + 1 / RESPONSE_DEFAULT_RATE);
}

/* A cell starts with some hours at the mean rate, so that an empty one is neither 0 nor unknown. */
static double
cell_rate(double responses, double risk, double mean)
{
	return (responses + RESPONSE_LAG_PRIOR * mean) / (risk + RESPONSE_LAG_PRIOR);
}

/* Returns the greatest relative change. */
static double
estimate_rates(Sums *s, const ResponseFit *fit)
{
	double		mean = overall_rate(fit->responses, fit->risk);
	double		most = 0;

	for (int c = 0; c < RESPONSE_WEEK; c++)
	{
		double		rate = cell_rate(fit->responses[c], fit->risk[c], mean);
		double		change = fabs(rate - s->rate[c]) / (rate > 0 ? rate : 1);

		most = change > most ? change : most;
		s->rate[c] = rate;
	}
	return most;
}

/* A quarter from either neighbor; the ends have themselves for the one that is missing. */
static void
smooth(double *w)
{
	double		before = w[0];

	for (int d = 0; d < RESPONSE_LAGS; d++)
	{
		double		after = w[d + 1 < RESPONSE_LAGS ? d + 1 : d];
		double		here = w[d];

		w[d] = before / 4 + here / 2 + after / 4;
		before = here;
	}
}

/* Scaled so that lag 0 is 1, which leaves the rest to the rates.  Returns the greatest relative change. */
static double
estimate_lags(const Sums *s, double *lags)
{
	double		w[RESPONSE_LAGS];
	double		most = 0;
	double		first;

	for (int d = 0; d < RESPONSE_LAGS; d++)
	{
		double		expected = 0;

		for (int c = 0; c < RESPONSE_WEEK; c++)
			expected += s->risk[c][d] * s->rate[c];
		/* of lags that no message has reached yet, those before are the best guess */
		w[d] = expected > 0 ? s->lags[d] / expected : d > 0 ? w[d - 1] : 1;
	}
	smooth(w);
	first = w[0] > 0 ? w[0] : 1;
	for (int d = 0; d < RESPONSE_LAGS; d++)
	{
		double		weight = d == 0 ? 1 : w[d] / first;

		weight = weight > MAX_LAG_WEIGHT ? MAX_LAG_WEIGHT : weight < MIN_LAG_WEIGHT ? MIN_LAG_WEIGHT : weight;
		most = fabs(weight - lags[d]) / weight > most ? fabs(weight - lags[d]) / weight : most;
		lags[d] = weight;
	}
	return most;
}

/* Rates and lags in turn, each given the other; without any response there are no lags to tell, and those of the default stay. */
static void
fit_observable(ResponseFit *fit, Sums *s)
{
	fit->messages = s->messages;
	memcpy(fit->responses, s->responses, sizeof(fit->responses));
	weigh_risk(s, fit->lags, fit->risk);
	estimate_rates(s, fit);
	if (sum(s->lags, RESPONSE_LAGS) <= 0)
		return;
	for (int round = 0; round < MAX_ROUNDS; round++)
	{
		double		change = estimate_lags(s, fit->lags);
		double		rate_change;

		weigh_risk(s, fit->lags, fit->risk);
		rate_change = estimate_rates(s, fit);
		if (change < TOLERANCE && rate_change < TOLERANCE)
			break;
	}
}

/* Interest fades within a day or so, as long as nobody has shown otherwise. */
void
response_fit_default(ResponseModel *m)
{
	memset(m, 0, sizeof(ResponseModel));
	m->half_life = RESPONSE_HALF_LIFE;
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		m->fits[o].visit_weight = RESPONSE_VISIT_WEIGHT;
		for (int d = 0; d < RESPONSE_LAGS; d++)
			m->fits[o].lags[d] = exp2(-d / 12.0);
	}
}

void
response_fit(ResponseModel *m, const ResponseCounts *c, int32_t as_of)
{
	response_fit_default(m);
	m->half_life = (double) c->decay.half_life;
	m->customers = (double) c->customers;
	m->visit_rate = c->days > 0 ? c->visits / (24.0 * c->days) : 0;
	for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
	{
		Sums		s;

		memset(&s, 0, sizeof(s));
		for (uint32_t i = 0; i < c->num_epochs; i++)
			add_epoch(&s, &c->epochs[i]->tables[o], decay_unit_value(&c->decay, c->epochs[i]->epoch, as_of) * 256);
		fit_observable(&m->fits[o], &s);
	}
}

/* --- rates ------------------------------------------------------------------ */

/* A customer's cells mix five days, or two. */
static void
fold_week(const double *week, double *cells, bool mean)
{
	for (int c = 0; c < RESPONSE_CELLS; c++)
		cells[c] = 0;
	for (int h = 0; h < RESPONSE_WEEK; h++)
		cells[response_cell(h)] += mean ? week[h] / (h < 120 ? 5 : 2) : week[h];
}

/* Divides by the mean and returns it. */
static double
normalize(double *profile)
{
	double		mean = sum(profile, RESPONSE_WEEK) / RESPONSE_WEEK;

	for (int c = 0; c < RESPONSE_WEEK; c++)
		profile[c] /= mean;
	return mean;
}

void
response_rates(ResponseRates *r, const ResponseFit *fit)
{
	double		mean = overall_rate(fit->responses, fit->risk);

	for (int c = 0; c < RESPONSE_WEEK; c++)
		r->profile[c] = cell_rate(fit->responses[c], fit->risk[c], mean);
	r->mean = normalize(r->profile);
	r->level = 1;
	r->weight = sum(fit->responses, RESPONSE_WEEK);
	fold_week(r->profile, r->cells, true);
}

/* A Gaussian of one hour around the clock of a day, whose rows sum to 1; what is further than 6 hours away weighs less than 10^-11. */
#define REACH 6
static const double gaussian[REACH + 1] = {
	0.3989422782668618, 0.24197072322446064, 0.0539909662243053, 0.004431848388225066, 0.0001338302250488166, 1.4867195067794922e-06, 6.075882817313814e-09};

/* Day by day, `days` of 24 hours. */
static void
smooth_days(const double *x, double *smoothed, int days)
{
	for (int day = 0; day < days; day++)
	{
		double		around[24 + 2 * REACH];

		memcpy(around, x + day * 24 + 24 - REACH, REACH * sizeof(double));
		memcpy(around + REACH, x + day * 24, 24 * sizeof(double));
		memcpy(around + 24 + REACH, x + day * 24, REACH * sizeof(double));
		for (int h = 0; h < 24; h++)
			smoothed[day * 24 + h] = gaussian[0] * around[h + REACH];
		for (int k = 1; k <= REACH; k++)
			for (int h = 0; h < 24; h++)
				smoothed[day * 24 + h] += gaussian[k] * (around[h + REACH - k] + around[h + REACH + k]);
	}
}

void
response_segment_rates(ResponseRates *r, const ResponseRates *population, const ResponseFit *segment)
{
	double		responses[RESPONSE_WEEK];
	double		risk[RESPONSE_WEEK];
	double		expected = 0;

	for (int c = 0; c < RESPONSE_WEEK; c++)
		expected += population->mean * segment->risk[c] * population->profile[c];
	r->level = (RESPONSE_LEVEL_PRIOR + sum(segment->responses, RESPONSE_WEEK)) / (RESPONSE_LEVEL_PRIOR + expected);
	r->weight = population->mean * r->level * sum(segment->risk, RESPONSE_WEEK);
	smooth_days(segment->responses, responses, 7);
	smooth_days(segment->risk, risk, 7);
	for (int c = 0; c < RESPONSE_WEEK; c++)
		r->profile[c] = (RESPONSE_SEGMENT_PRIOR * population->profile[c] / RESPONSE_WEEK + responses[c]) /
			(RESPONSE_SEGMENT_PRIOR / RESPONSE_WEEK + population->mean * r->level * risk[c]);
	normalize(r->profile);
	/* rates are those of all: what the customer's group answers more, the customer's own level takes up */
	r->mean = population->mean;
	fold_week(r->profile, r->cells, true);
}

/* --- one customer ----------------------------------------------------------- */

/* As add_risk() of the counters, but by hour of the week, with lags weighed. */
static void
expose(double *week, const double *lags, int32_t start, int from, int until, double weight)
{
	int32_t		hour = response_floor_div(start, 60);
	int			past = start - hour * 60;
	double	   *first = week + response_week_hour(hour);
	double		share = past / 60.0;
	int			d = from / 60;

	if (from % 60 == 0)
	{
		int			whole = until / 60;

		for (int i = d; i < whole; i++)
			first[i] += weight * (1 - share) * lags[i];
		if (past > 0)
			for (int i = d; i < whole; i++)
				first[i + 1] += weight * share * lags[i];
		d = whole > d ? whole : d;
	}
	for (; d * 60 < until; d++)
	{
		int			low = from > d * 60 ? from : d * 60;
		int			high = until < (d + 1) * 60 ? until : (d + 1) * 60;
		int			turn = (d + 1) * 60 - past;

		first[d] += weight * lags[d] * (high <= turn ? high - low : low < turn ? turn - low : 0) / 60;
		first[d + 1] += weight * lags[d] * (low >= turn ? high - low : high > turn ? high - turn : 0) / 60;
	}
}

/* Time at risk into hours of a long week; returns the hour of the week in which it ended. */
static int
expose_message(double *week, const ResponseMessage *m, const double *lags, int minutes, double weight)
{
	int32_t		start = m->minute + m->offset;
	bool		changed = m->change_at > 0 && m->change_at <= minutes;

	expose(week, lags, start, 0, changed ? m->change_at : minutes, weight);
	if (changed)
		expose(week, lags, start + m->change_by, m->change_at, minutes, weight);
	return response_week_hour(response_floor_div(start + minutes + (changed ? m->change_by : 0), 60));
}

/* Reading is not merging: here the plain formula will do. */
static double
fade(double half_life, double age)
{
	return half_life > 0 ? exp2(-age / half_life) : 1;
}

/* Visits are not faded in the counters, only here: there they give no more than a rate. */
static void
add_visits(ResponseEvidence *e, const ResponseHours *h, double half_life, int32_t as_of)
{
	for (uint32_t i = 0; i < h->num_visits; i++)
	{
		int32_t		age = as_of - response_visit_minute(&h->visits[i]);

		if (age >= 0 && age < RESPONSE_VISIT_DAYS * RESPONSE_DAY)
			e->visits[response_cell(response_week_hour(h->visits[i].hour))] += fade(half_life, age);
	}
}

/* Days back from now, each by its day of the week where the customer was last. */
static void
add_days(ResponseEvidence *e, const ResponseHours *h, double half_life, int32_t as_of)
{
	double		days = response_days(h, as_of);
	int32_t		offset = h->num_messages > 0 ? h->messages[0].offset : h->num_visits > 0 ? h->visits[0].offset : 0;
	int			day = response_week_hour(response_floor_div(as_of + offset, 60)) / 24;
	double		step = fade(half_life, RESPONSE_DAY);
	double		weight = fade(half_life, RESPONSE_DAY / 2);

	for (; days > 0; days--)
	{
		e->days[day >= 5] += weight * (days < 1 ? days : 1);
		weight *= step;
		day = day == 0 ? 6 : day - 1;
	}
}

void
response_evidence(ResponseEvidence *e, const ResponseHours *h, ResponseObservable observable, const ResponseFit *fit,
				  const ResponseRates *rates, double half_life, int32_t as_of)
{
	double		week[LONG_WEEK] = {0};

	memset(e, 0, sizeof(ResponseEvidence));
	for (uint32_t i = 0; i < h->num_messages; i++)
	{
		const ResponseMessage *m = &h->messages[i];
		int			minutes;
		bool		responded;
		double		weight;
		int			end;

		if (!response_observe(m, observable, as_of, &minutes, &responded))
			continue;
		weight = fade(half_life, as_of - m->minute);
		e->messages += weight;
		end = expose_message(week, m, fit->lags, minutes, weight);
		if (responded)
			e->responses[response_cell(end)] += weight;
	}
	for (int i = RESPONSE_WEEK; i < LONG_WEEK; i++)
		week[i - RESPONSE_WEEK] += week[i];
	for (int c = 0; c < RESPONSE_WEEK; c++)
		e->expected += rates->mean * week[c] * rates->profile[c];
	fold_week(week, e->risk, false);
	add_visits(e, h, half_life, as_of);
	add_days(e, h, half_life, as_of);
}

void
response_posterior(ResponsePosterior *p, const ResponseEvidence *e, const ResponseRates *rates, double visit_weight, double visit_rate)
{
	double		responses[RESPONSE_CELLS];
	double		risk[RESPONSE_CELLS];
	double		visits[RESPONSE_CELLS];
	double		prior = RESPONSE_CUSTOMER_PRIOR / RESPONSE_CELLS;
	double		hourly;

	/* where nobody's visits are known, they say nothing */
	if (!(visit_rate > 0))
		visit_weight = 0;
	p->level = (RESPONSE_LEVEL_PRIOR + sum(e->responses, RESPONSE_CELLS)) / (RESPONSE_LEVEL_PRIOR + e->expected);
	hourly = visit_rate * (RESPONSE_LEVEL_PRIOR + sum(e->visits, RESPONSE_CELLS)) / (RESPONSE_LEVEL_PRIOR + visit_rate * 24 * (e->days[0] + e->days[1]));
	smooth_days(e->responses, responses, 2);
	smooth_days(e->risk, risk, 2);
	smooth_days(e->visits, visits, 2);
	p->weight = 0;
	for (int c = 0; c < RESPONSE_CELLS; c++)
	{
		double		own = visit_weight * hourly * e->days[c >= 24] + rates->mean * p->level * risk[c];
		double		a = (prior * rates->cells[c] + visit_weight * visits[c] + responses[c]) / (prior + own);

		p->weight += own;
		p->rate[c] = rates->mean * p->level * a;
	}
}

/* --- likelihood ------------------------------------------------------------- */

double
response_log_likelihood(const ResponseMessage *m, ResponseObservable observable, const double *lags, const double *rate, bool by_week, int32_t as_of, bool *observed)
{
	double		week[LONG_WEEK] = {0};
	double		log_likelihood = 0;
	int			minutes;
	bool		responded;
	int			end;

	*observed = response_observe(m, observable, as_of, &minutes, &responded);
	if (!*observed)
		return 0;
	end = expose_message(week, m, lags, minutes, 1);
	for (int h = 0; h < LONG_WEEK; h++)
	{
		int			c = h % RESPONSE_WEEK;

		log_likelihood -= week[h] * rate[by_week ? c : response_cell(c)];
	}
	if (responded)
		log_likelihood += log(rate[by_week ? end : response_cell(end)] * lags[minutes / 60 < RESPONSE_LAGS ? minutes / 60 : RESPONSE_LAGS - 1]);
	return log_likelihood;
}

/* --- the weight of visits --------------------------------------------------- */

static const double visit_weights[] = {0, .1, .25, .5, 1};
#define NUM_VISIT_WEIGHTS 5

/* The k-th least of n by halves of the range: nothing has to be sorted, and nothing allocated. */
static int32_t
quantile_minute(const ResponseHours *customers, uint64_t n, uint64_t rank, int32_t as_of)
{
	int64_t		low = RESPONSE_MIN_MINUTE;
	int64_t		high = as_of;

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;
		uint64_t	below = 0;

		for (uint64_t i = 0; i < n; i++)
			for (uint32_t j = 0; j < customers[i].num_messages; j++)
				below += customers[i].messages[j].minute <= middle;
		if (below > rank)
			high = middle;
		else
			low = middle + 1;
	}
	return (int32_t) low;
}

/* The log-likelihoods of one customer's held-out messages under every weight; returns how many there are. */
static uint64_t
try_customer(const ResponseHours *h, const ResponseModel *before, const ResponseRates *rates, ResponseObservable observable, int32_t cut, int32_t as_of, double *scores)
{
	ResponseEvidence e;
	uint64_t	n = 0;

	if (h->num_messages == 0 || h->messages[0].minute <= cut)
		return 0;
	response_evidence(&e, h, observable, &before->fits[observable], rates, before->half_life, cut);
	for (int w = 0; w < NUM_VISIT_WEIGHTS; w++)
	{
		ResponsePosterior p;

		n = 0;
		response_posterior(&p, &e, rates, visit_weights[w], before->visit_rate);
		for (uint32_t i = 0; i < h->num_messages && h->messages[i].minute > cut; i++)
		{
			bool		observed;

			scores[w] += response_log_likelihood(&h->messages[i], observable, before->fits[observable].lags, p.rate, false, as_of, &observed);
			n += observed;
		}
	}
	return n;
}

static void
choose(Env *env, ResponseFit *fit, const ResponseModel *before, const ResponseHours *customers, uint64_t n, ResponseObservable observable, int32_t cut, int32_t as_of)
{
	double		scores[NUM_VISIT_WEIGHTS] = {0};
	uint64_t	held_out = 0;
	ResponseRates rates;
	int			best = 0;

	response_rates(&rates, &before->fits[observable]);
	for (uint64_t i = 0; i < n; i++)
	{
		env_check(env, i, 0);
		held_out += try_customer(&customers[i], before, &rates, observable, cut, as_of, scores);
	}
	for (int w = 1; w < NUM_VISIT_WEIGHTS; w++)
		if (scores[w] > scores[best])
			best = w;
	fit->held_out = (double) held_out;
	if (held_out >= RESPONSE_MIN_HELD_OUT && before->visit_rate > 0)
		fit->visit_weight = visit_weights[best];
}

void
response_choose_visit_weight(Env *env, ResponseModel *m, const ResponseHours *customers, uint64_t n, int32_t as_of)
{
	ResponseCounts counts;
	ResponseModel *before = env_alloc(env, 1, sizeof(ResponseModel));
	uint64_t	messages = 0;
	int32_t		cut;

	for (uint64_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < customers[i].num_messages; j++)
			messages += customers[i].messages[j].minute <= as_of;
	if (messages >= 4)
	{
		cut = quantile_minute(customers, n, messages * 3 / 4, as_of);
		response_counts_init(&counts, (int64_t) m->half_life);
		for (uint64_t i = 0; i < n; i++)
			response_counts_add(env, &counts, &customers[i], cut, 1);
		response_fit(before, &counts, cut);
		for (int o = 0; o < RESPONSE_OBSERVABLES; o++)
			choose(env, &m->fits[o], before, customers, n, o, cut, as_of);
		response_counts_release(env, &counts);
	}
	env_release(env, before);
}
