/*
 * rfm.c
 *		Recency, frequency, monetary value.
 */
#include "kernel/rfm.h"

/* ---------------------------------------------------------------- limits and scores */

/* Recency was counted with its sign changed, so that the worst comes first on every side. */
void
rfm_limits(RfmModel *model, const Counted counted[RFM_SIDES])
{
	memset(model->limits, 0, sizeof(model->limits));
	model->customers = counted_total(&counted[RFM_RECENCY]);
	for (int side = 0; side < RFM_SIDES; side++)
		for (uint32_t i = 1; i < model->levels; i++)
		{
			int64_t		limit = counted_quantile(&counted[side], model->customers, i, model->levels);

			model->limits[side][i - 1] = side == RFM_RECENCY ? -limit : limit;
		}
}

bool
rfm_is_sound(const RfmModel *model)
{
	if (!rfm_has_levels(model->levels))
		return false;
	for (uint32_t i = 0; i < model->levels - 1; i++)
	{
		if (model->limits[RFM_RECENCY][i] < 0 || model->limits[RFM_RECENCY][i] > RFM_MOST_DAYS || model->limits[RFM_FREQUENCY][i] < 1)
			return false;
		for (int side = 0; i > 0 && side < RFM_SIDES; side++)
			if (side == RFM_RECENCY ? model->limits[side][i] > model->limits[side][i - 1] : model->limits[side][i] < model->limits[side][i - 1])
				return false;
	}
	return true;
}

/* Today's order is 0 days ago, and no limit is less: then r = 1 for all, as they all tie. */
static int
score_recency(const RfmModel *model, int64_t days)
{
	int			score = 1;

	for (uint32_t i = 0; i < model->levels - 1; i++)
		score += days < model->limits[RFM_RECENCY][i];
	return score;
}

static int
score_above(const RfmModel *model, RfmSide side, int64_t value)
{
	int			score = 1;

	for (uint32_t i = 0; i < model->levels - 1; i++)
		score += value > model->limits[side][i];
	return score;
}

RfmScores
rfm_score(const RfmModel *model, const RfmNumbers *n)
{
	return (RfmScores) {score_recency(model, n->days), score_above(model, RFM_FREQUENCY, n->orders), score_above(model, RFM_MONETARY, n->units)};
}

/* Limits of recency descend, so the last that is passed is the first to be lost. */
int64_t
rfm_recency_falls(const RfmModel *model, int64_t days)
{
	int			score = score_recency(model, days);

	return score == 1 ? RFM_NEVER : model->limits[RFM_RECENCY][score - 2];
}

/* ---------------------------------------------------------------- groups */

/* By the score of recency, and the mean of the other two, rounded up. */
static const char *const groups_of_3[3][3] = {
	{"Inactive", "At risk", "At risk"},
	{"Needs attention", "Needs attention", "Loyal"},
	{"Recent", "Loyal", "Champions"},
};

static const char *const groups_of_5[5][5] = {
	{"Lost", "Lost", "At risk", "At risk", "Cannot lose them"},
	{"Hibernating", "Hibernating", "At risk", "At risk", "Cannot lose them"},
	{"About to sleep", "About to sleep", "Need attention", "Loyal", "Loyal"},
	{"Promising", "Potential loyalist", "Potential loyalist", "Loyal", "Loyal"},
	{"New", "Potential loyalist", "Potential loyalist", "Champions", "Champions"},
};

const char *
rfm_group(uint32_t levels, RfmScores s)
{
	int			worth = (s.f + s.m + 1) / 2;

	return levels == 3 ? groups_of_3[s.r - 1][worth - 1] : groups_of_5[s.r - 1][worth - 1];
}

/* ---------------------------------------------------------------- of an activity */

int64_t
rfm_nearest_units(__int128 sum)
{
	return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t) sum;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Events are read latest first, and no further than the window goes, however long the history is. */
static bool
look_at_kind(RfmWindow *w, ActivityKind *kind, int64_t as_of, int64_t length)
{
	__int128	sum = 0;
	ActivityEvent e;

	while (activity_next_event(kind, &e))
	{
		int64_t		leaves;

		if (e.time > as_of)
		{
			w->changes = e.time;
			continue;
		}
		if (__builtin_add_overflow(e.time, length, &leaves))
			leaves = RFM_NEVER;
		if (leaves <= as_of)
			break;
		/* latest first, so the last of these leaves first */
		w->changes = earlier(w->changes, leaves);
		if (e.amount != ACTIVITY_NO_AMOUNT)
			sum += (__int128) e.amount * e.count;
		if (e.amount < 0 && e.amount != ACTIVITY_NO_AMOUNT)
			continue;
		if (w->orders == 0)
			w->last = e.time;
		w->orders += e.count;
	}
	w->units = rfm_nearest_units(sum);
	return !kind->in.bad;
}

bool
rfm_look(RfmWindow *w, const void *activity, size_t size, const char *event, uint32_t event_size, int64_t as_of, int64_t length)
{
	ActivityReader reader;
	ActivityKind kind;

	*w = (RfmWindow) {.changes = RFM_NEVER};
	if (!activity_open(&reader, activity, size))
		return false;
	while (activity_next_kind(&reader, &kind))
		if (kind.name.size == event_size && memcmp(kind.name.bytes, event, event_size) == 0)
			return look_at_kind(w, &kind, as_of, length);
	return !reader.in.bad;
}
