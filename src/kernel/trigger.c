/*
 * trigger.c
 *		Hazards of page views, and the best time for a trigger.
 */
#include <math.h>

#include "kernel/trigger.h"

#define SMOOTHING_BINS 3		/* standard deviation of the kernel */
#define PARAMETRIC_SECONDS 8.0
/* Nobody can be reached before so many of all have left. */
#define EARLY_SHARE 0.05

static double
start_of(int bin)
{
	return dropoff_bin_start(bin) / 1e6;
}

static double
width_of(int bin)
{
	return (dropoff_bin_start(bin + 1) - dropoff_bin_start(bin)) / 1e6;
}

/* --- tables ----------------------------------------------------------------- */

void
dropoff_table(const DropoffCounts *c, int64_t as_of, DropoffTable *table)
{
	int32_t		latest = decay_epoch(&c->decay, c->latest);

	memset(table, 0, sizeof(*table));
	for (int epoch = 0; epoch < DROPOFF_EPOCHS; epoch++)
	{
		double		unit = c->decay.half_life == 0 ? 1 : decay_unit_value(&c->decay, latest - epoch, as_of);

		for (int bin = 0; c->epoch[epoch] != NULL && bin < DROPOFF_BINS; bin++)
			for (int kind = 0; kind < DROPOFF_KINDS; kind++)
			{
				table->count[bin][kind] += unit * (*c->epoch[epoch])[bin][kind];
				table->views += unit * (*c->epoch[epoch])[bin][kind];
			}
	}
}

double
dropoff_ended(const DropoffTable *t, int bin)
{
	return t->count[bin][DROPOFF_EXIT] + t->count[bin][DROPOFF_ADVANCE] + t->count[bin][DROPOFF_CONVERT] + t->count[bin][DROPOFF_OPEN];
}

/* What is open was at risk for half of the bin; when all others ended is known. */
double
dropoff_at_risk(const DropoffTable *t, int bin, double ended)
{
	double		left = t->views - ended - t->count[bin][DROPOFF_OPEN] / 2;

	/* weights are sums of fractions, which may leave a little less than nothing */
	return left > 0 ? left : 0;
}

/* Where nobody is at risk any more and no parent says otherwise, nobody leaves. */
static double
chance(double events, double at_risk, const double *parent)
{
	double		h;

	if (parent != NULL)
		h = (events + TRIGGER_KAPPA * *parent) / (at_risk + TRIGGER_KAPPA);
	else
		h = at_risk > 0 ? events / at_risk : 0;
	return h < 1 ? h : 1;
}

void
dropoff_hazard(const DropoffTable *t, const DropoffHazard *parent, DropoffHazard *hazard)
{
	double		ended = 0;

	for (int bin = 0; bin < DROPOFF_BINS; bin++)
	{
		double		at_risk = dropoff_at_risk(t, bin, ended);
		double		other = t->count[bin][DROPOFF_ADVANCE] + t->count[bin][DROPOFF_CONVERT];

		hazard->exit[bin] = chance(t->count[bin][DROPOFF_EXIT], at_risk, parent == NULL ? NULL : &parent->exit[bin]);
		hazard->other[bin] = chance(other, at_risk, parent == NULL ? NULL : &parent->other[bin]);
		ended += dropoff_ended(t, bin);
	}
}

/* Longer bins hold more, so hazards are made comparable first.  The last bin, which has no end, stays as it is. */
static void
smooth(double *hazard)
{
	double		rate[DROPOFF_BINS - 1];

	for (int bin = 0; bin < DROPOFF_BINS - 1; bin++)
		rate[bin] = hazard[bin] / width_of(bin);
	for (int bin = 0; bin < DROPOFF_BINS - 1; bin++)
	{
		double		sum = 0;
		double		weights = 0;

		for (int other = bin - 3 * SMOOTHING_BINS; other <= bin + 3 * SMOOTHING_BINS; other++)
		{
			double		distance = (double) (other - bin) / SMOOTHING_BINS;

			if (other < 0 || other >= DROPOFF_BINS - 1)
				continue;
			sum += exp(-distance * distance / 2) * rate[other];
			weights += exp(-distance * distance / 2);
		}
		hazard[bin] = sum / weights * width_of(bin);
	}
}

void
dropoff_smooth(DropoffHazard *hazard)
{
	smooth(hazard->exit);
	smooth(hazard->other);
}

/* --- curves ----------------------------------------------------------------- */

/* Product-limit and not exp(−Σ h): h is a chance, and of whom it has taken nobody is left to be taken by the next. */
void
dropoff_curve(const DropoffHazard *hazard, DropoffCurve *curve)
{
	memset(curve, 0, sizeof(*curve));
	curve->hazard = *hazard;
	curve->survival[0] = 1;
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
	{
		double		exit = hazard->exit[bin];
		double		all = exit + hazard->other[bin];

		/* more than everybody cannot end, whatever was lent from neighbors and parents */
		if (all > 1)
		{
			exit /= all;
			all = 1;
		}
		curve->exits[bin + 1] = curve->exits[bin] + curve->survival[bin] * exit;
		curve->survival[bin + 1] = curve->survival[bin] * (1 - all);
	}
}

/* Apart from the curve, as the best time does not ask for it. */
void
dropoff_greenwood(const DropoffTable *t, DropoffCurve *curve)
{
	double		ended = 0;

	for (int bin = 0; bin < DROPOFF_BINS; bin++)
	{
		double		n = dropoff_at_risk(t, bin, ended);
		double		d = dropoff_ended(t, bin) - t->count[bin][DROPOFF_OPEN];

		curve->variance[bin + 1] = curve->variance[bin] + (d > 0 ? n > d ? d / (n * (n - d)) : INFINITY : 0);
		ended += dropoff_ended(t, bin);
	}
}

/* The bin of a time, and which part of it has passed. */
static int
place_of(double t, double *part)
{
	int			bin = dropoff_bin((int64_t) (t * 1e6));

	*part = (t - start_of(bin)) / width_of(bin);
	*part = *part < 0 ? 0 : *part;
	return bin;
}

/* In proportion; the end of the last bin is never asked for. */
static double
between(const double *at, double t)
{
	double		part;
	int			bin = place_of(t, &part);

	return part == 0 ? at[bin] : at[bin] + part * (at[bin + 1] - at[bin]);
}

double
dropoff_survival(const DropoffCurve *curve, double t)
{
	return between(curve->survival, t);
}

double
dropoff_exits(const DropoffCurve *curve, double t)
{
	return between(curve->exits, t);
}

double
dropoff_exit_hazard(const DropoffCurve *curve, double t)
{
	double		part;
	int			bin = place_of(t, &part);

	return curve->hazard.exit[bin] / width_of(bin);
}

/* S, or one of its limits, where a bin begins; NaN where that is not defined. */
static double
limit_at(const DropoffCurve *curve, int bin, double z)
{
	return z == 0 ? curve->survival[bin] : curve->survival[bin] * exp(z * sqrt(curve->variance[bin]));
}

double
dropoff_quantile(const DropoffCurve *curve, double p, double z)
{
	double		before = 1;

	if (!(p > 0))
		return 0;
	for (int bin = 0; bin < DROPOFF_BINS - 1; bin++)
	{
		double		after = limit_at(curve, bin + 1, z);

		if (after <= 1 - p)
			return start_of(bin) + (before - (1 - p)) / (before - after) * width_of(bin);
		before = after;
	}
	return NAN;
}

double
dropoff_mean(const DropoffCurve *curve)
{
	double		mean = 0;

	for (int bin = 0; bin < DROPOFF_BINS - 1; bin++)
		mean += (curve->survival[bin] + curve->survival[bin + 1]) / 2 * width_of(bin);
	return mean;
}

/* --- efficacy --------------------------------------------------------------- */

/* Buckets begin with these bins. */
static const unsigned char bucket_bin[TRIGGER_BUCKETS + 1] = {0, 3, 6, 10, 15, 20, 25, 30, 40, 50, 60, 65, 70, 75, 80, 90, DROPOFF_BINS};

/*
 * Who saw a trigger in a bin is compared with those without one who were still there in it: half of those that ended in it were.  Within a
 * bucket, the bins of the control arm weigh as those in which triggers were shown, so that the two have waited equally long.
 */
static void
count_bucket(const DropoffTable *t, const double *present, const double *converted, int from, int until, TriggerBucket *b)
{
	double		bought = 0;
	double		control_bought = 0;

	*b = (TriggerBucket) {start_of(from), start_of(until), 0, 0, 0, 0};
	for (int bin = from; bin < until; bin++)
	{
		double		shown = t->count[bin][TRIGGER_SHOWN] + t->count[bin][TRIGGER_SHOWN_CONVERTED];

		/* nothing to compare with */
		if (shown == 0 || !(present[bin] > 0))
			continue;
		b->shown += shown;
		bought += t->count[bin][TRIGGER_SHOWN_CONVERTED];
		b->control += shown * present[bin];
		control_bought += shown * converted[bin] / present[bin];
	}
	if (b->shown == 0)
		return;
	b->shown_converted = bought / b->shown;
	b->control_converted = control_bought / b->shown;
	b->control /= b->shown;
}

double
trigger_parametric(double t)
{
	return -expm1(-t / PARAMETRIC_SECONDS);
}

/* So many views in each of two arms would make the difference as sure as it is. */
static double
views_of(const TriggerBucket *b)
{
	return b->shown > 0 ? 1 / (1 / b->shown + 1 / b->control) : 0;
}

/*
 * The parametric curve says how efficacy grows, not how large it is.  So its level is learned from all buckets before any of them is shrunk to it:
 * a late bucket that was hardly tested would otherwise look better than all that were.
 */
static double
level_of(const TriggerEfficacy *efficacy)
{
	double		seen = TRIGGER_KAPPA;
	double		promised = TRIGGER_KAPPA;

	for (int k = 0; k < TRIGGER_BUCKETS; k++)
	{
		const TriggerBucket *b = &efficacy->bucket[k];
		double		n = views_of(b);

		seen += n * (b->shown_converted - b->control_converted);
		promised += n * trigger_parametric((b->from + b->until) / 2);
	}
	return seen / promised;
}

void
trigger_efficacy(const DropoffTable *t, TriggerEfficacy *efficacy)
{
	double		present[DROPOFF_BINS];
	double		converted[DROPOFF_BINS];
	double		later = 0;
	double		later_converted = 0;

	for (int bin = DROPOFF_BINS - 1; bin >= 0; bin--)
	{
		double		bought = t->count[bin][TRIGGER_CONTROL_CONVERTED];
		double		ended = t->count[bin][TRIGGER_CONTROL] + bought;

		present[bin] = later + ended / 2;
		converted[bin] = later_converted + bought / 2;
		later += ended;
		later_converted += bought;
	}
	for (int k = 0; k < TRIGGER_BUCKETS; k++)
		count_bucket(t, present, converted, bucket_bin[k], bucket_bin[k + 1], &efficacy->bucket[k]);
	efficacy->level = level_of(efficacy);
}

double
trigger_efficacy_at(const TriggerEfficacy *efficacy, double t)
{
	int			k = 0;
	const TriggerBucket *b;
	double		n;

	if (efficacy == NULL)
		return trigger_parametric(t);
	while (k < TRIGGER_BUCKETS - 1 && t >= efficacy->bucket[k].until)
		k++;
	b = &efficacy->bucket[k];
	n = views_of(b);
	return (n * (b->shown_converted - b->control_converted) + TRIGGER_KAPPA * efficacy->level * trigger_parametric(t)) / (n + TRIGGER_KAPPA);
}

/* --- the best time ---------------------------------------------------------- */

/* A message that would be read beyond the last bin's start is read until there. */
static double
cut(double t)
{
	return t < TRIGGER_LAST_TIME ? t : TRIGGER_LAST_TIME;
}

double
trigger_utility(const DropoffCurve *curve, const TriggerQuestion *q, double t)
{
	double		then = cut(t + q->reading);

	return trigger_efficacy_at(q->efficacy, t) * (dropoff_exits(curve, then) - dropoff_exits(curve, t)) - q->cost * dropoff_survival(curve, then);
}

/* Among the first time allowed and all at which a bin begins, up to the last allowed; of equally good ones the earliest. */
static double
best_time(const DropoffCurve *curve, const TriggerQuestion *q)
{
	double		early = dropoff_quantile(curve, EARLY_SHARE, 0);
	double		best = cut(early > q->t_min ? early : q->t_min);
	double		most;

	best = best < q->t_max ? best : q->t_max;
	most = trigger_utility(curve, q, best);
	for (int bin = dropoff_bin((int64_t) (best * 1e6)) + 1; bin < DROPOFF_BINS && start_of(bin) <= q->t_max; bin++)
	{
		double		utility = trigger_utility(curve, q, start_of(bin));

		if (utility > most)
		{
			most = utility;
			best = start_of(bin);
		}
	}
	return best;
}

TriggerAnswer
trigger_best(const DropoffCurve *curve, const TriggerQuestion *q)
{
	double		t = best_time(curve, q);
	double		leave = curve->exits[DROPOFF_BINS];
	double		left = dropoff_exits(curve, t);
	double		soon = dropoff_exits(curve, cut(t + q->reading)) - left;

	return (TriggerAnswer) {t, trigger_utility(curve, q, t), dropoff_survival(curve, t),
		leave > 0 ? (leave - left) / leave : 0, trigger_efficacy_at(q->efficacy, t) * soon};
}
