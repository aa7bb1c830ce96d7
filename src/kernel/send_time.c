/*
 * send_time.c
 *		When to send one message.
 */
#include <math.h>

#include "kernel/send_time.h"

/* --- hours that allow it ----------------------------------------------------- */

typedef struct Reader
{
	const char *text;
	size_t		size;
	size_t		at;
} Reader;

/* In lower case, and 0 at the end, which is no letter, digit or sign. */
static char
peek(const Reader *r)
{
	char		c = r->at < r->size ? r->text[r->at] : '\0';

	return c >= 'A' && c <= 'Z' ? (char) (c + 'a' - 'A') : c;
}

static void
skip_space(Reader *r)
{
	while (r->at < r->size && (r->text[r->at] == ' ' || (r->text[r->at] >= '\t' && r->text[r->at] <= '\r')))
		r->at++;
}

/* Space may stand before every sign. */
static bool
accept(Reader *r, char c)
{
	skip_space(r);
	if (r->at >= r->size || peek(r) != c)
		return false;
	r->at++;
	return true;
}

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* Three letters, or the whole name; -1 where there is neither. */
static int
read_day(Reader *r)
{
	static const char *const names[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
	char		word[16];
	size_t		size = 0;
	size_t		start;

	skip_space(r);
	start = r->at;
	for (; is_letter(peek(r)) && size < sizeof(word) - 1; r->at++)
		word[size++] = peek(r);
	word[size] = '\0';
	for (int day = 0; day < 7; day++)
		if ((size == 3 && memcmp(word, names[day], 3) == 0) || strcmp(word, names[day]) == 0)
			return day;
	r->at = start;
	return -1;
}

/* "mon-fri, sun" as bits. */
static bool
read_days(Reader *r, unsigned *days)
{
	*days = 0;
	do
	{
		int			from = read_day(r);
		int			to = from;

		if (from >= 0 && accept(r, '-'))
			to = read_day(r);
		if (from < 0 || to < 0)
			return false;
		for (int day = from;; day = (day + 1) % 7)
		{
			*days |= 1u << day;
			if (day == to)
				break;
		}
	} while (accept(r, ','));
	return true;
}

static int
read_number(Reader *r)
{
	int			n = 0;
	int			digits = 0;

	for (; peek(r) >= '0' && peek(r) <= '9' && digits < 3; r->at++, digits++)
		n = n * 10 + peek(r) - '0';
	return digits == 1 || digits == 2 ? n : -1;
}

/* "22:00" or "22": a minute of the day; -1 where there is none. */
static int
read_time(Reader *r)
{
	int			hour;
	int			minute = 0;
	size_t		start;

	skip_space(r);
	start = r->at;
	hour = read_number(r);
	if (hour >= 0 && peek(r) == ':')
	{
		r->at++;
		minute = read_number(r);
	}
	if (hour >= 0 && minute >= 0 && minute <= 59 && hour * 60 + minute <= RESPONSE_DAY)
		return hour * 60 + minute;
	r->at = start;
	return -1;
}

/* From `from` on the days that are named; what ends before it begins goes on after midnight. */
static void
set_hours(SendHours *h, unsigned days, int from, int to)
{
	int			minutes = to > from ? to - from : to + RESPONSE_DAY - from;

	for (int day = 0; day < 7; day++)
		for (int i = 0; days >> day & 1 && i < minutes; i++)
		{
			int			minute = (day * RESPONSE_DAY + from + i) % SEND_WEEK_MINUTES;

			h->bits[minute >> 3] |= (uint8_t) (1 << (minute & 7));
		}
}

/* Days, times or both; groups add up. */
static SendHoursProblem
read_group(Reader *r, SendHours *h)
{
	unsigned	days = 127;

	skip_space(r);
	if (is_letter(peek(r)))
	{
		if (!read_days(r, &days))
			return SEND_HOURS_DAY;
		skip_space(r);
		if (r->at == r->size || peek(r) == ';')
		{
			set_hours(h, days, 0, RESPONSE_DAY);
			return SEND_HOURS_OK;
		}
	}
	do
	{
		int			from = read_time(r);
		int			to;

		if (from < 0)
			return SEND_HOURS_TIME;
		if (!accept(r, '-'))
			return SEND_HOURS_DASH;
		to = read_time(r);
		/* equal times might mean a whole day or nothing */
		if (to < 0 || to == from || from == RESPONSE_DAY)
			return SEND_HOURS_TIME;
		set_hours(h, days, from, to);
	} while (accept(r, ','));
	return SEND_HOURS_OK;
}

SendHoursProblem
send_hours_parse(SendHours *h, const char *text, size_t size, size_t *at)
{
	Reader		r = {text, size, 0};
	SendHoursProblem problem;

	memset(h, 0, sizeof(SendHours));
	do
		problem = read_group(&r, h);
	while (problem == SEND_HOURS_OK && accept(&r, ';'));
	skip_space(&r);
	*at = r.at;
	return problem == SEND_HOURS_OK && r.at < size ? SEND_HOURS_END : problem;
}

/* --- chances ----------------------------------------------------------------- */

void
send_chances(SendChances *s, const double *rate, const double *lags, int valid_minutes)
{
	for (int h = 0; h < RESPONSE_WEEK + RESPONSE_LAGS; h++)
		s->week[h] = rate[response_cell(h % RESPONSE_WEEK)];
	for (int h = 0; h < RESPONSE_WEEK; h++)
		s->known[h] = -1;
	s->num_lags = 0;
	for (int d = 0; d < RESPONSE_LAGS && d * 60 < valid_minutes; d++)
	{
		int			left = valid_minutes - d * 60;

		s->lags[d] = lags[d] * (left < 60 ? left / 60.0 : 1);
		s->num_lags++;
	}
}

/* Lags from `from` on; four sums at a time, as each addition waits for the one before it. */
static double
hazard(const SendChances *s, int week_hour, int from, int until)
{
	double		sums[4] = {0};
	int			d = from;

	for (; d + 4 <= until; d += 4)
		for (int k = 0; k < 4; k++)
			sums[k] += s->lags[d + k] * s->week[week_hour + d + k];
	for (; d < until; d++)
		sums[0] += s->lags[d] * s->week[week_hour + d];
	return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* Candidates that begin in the same hour of the week have the same sum, so a month of five-minute slots costs 168 of them. */
double
send_hazard(SendChances *s, int32_t local_minute, int change_at, int change_by)
{
	int			hour = response_week_hour(response_floor_div(local_minute, 60));
	/* the first lag that begins after the clock was changed */
	int			changed = change_at > 0 ? (change_at + 59) / 60 : RESPONSE_LAGS;

	if (changed < s->num_lags)
		return hazard(s, hour, 0, changed) +
			hazard(s, response_week_hour(response_floor_div(local_minute + change_by, 60)), changed, s->num_lags);
	if (s->known[hour] < 0)
		s->known[hour] = hazard(s, hour, 0, s->num_lags);
	return s->known[hour];
}

/* Surviving all lags is exp of minus the sum, so the chances of the lags need not be added one by one. */
double
send_probability(double total)
{
	return -expm1(-total);
}

/* --- choice ------------------------------------------------------------------ */

/* FNV-1a, and the end of splitmix64 (Steele, Lea, Flood 2014), as the low bits of the former alone follow the last byte. */
uint64_t
send_time_hash(const void *bytes, size_t size, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t	h = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

/* The n-th number in [0, 1) that follows from a hash. */
static double
fraction(uint64_t hash, uint64_t n)
{
	return (double) (send_time_hash(&n, 0, hash + n * UINT64_C(0x9e3779b97f4a7c15)) >> 11) * 0x1p-53;
}

SendChoice
send_choose(uint64_t hash, int num_candidates, int best, int control_at, double explore, double control)
{
	SendChoice	c = {best, SEND_OPTIMIZED, 0};

	if (fraction(hash, 1) < control)
	{
		c.chosen = control_at;
		c.policy = SEND_CONTROL;
	}
	else if (fraction(hash, 2) < explore)
	{
		c.chosen = (int) (fraction(hash, 3) * num_candidates);
		c.policy = SEND_EXPLORE;
	}
	c.propensity = (c.chosen == control_at ? control : 0) + (1 - control) * ((c.chosen == best ? 1 - explore : 0) + explore / num_candidates);
	return c;
}
