/*
 * survival.c
 *		Kaplan-Meier (1958), errors after Greenwood (1926), limits as in R's survival package.
 */
#include <math.h>

#include "kernel/radix.h"
#include "kernel/survival.h"

#define WHOLE_TIMES 1
/* Whole numbers up to here are told apart by a double. */
#define MAX_WHOLE 0x1p53

/* --- counting --------------------------------------------------------------- */

static uint64_t
bits_of(double time)
{
	uint64_t	bits;

	memcpy(&bits, &time, sizeof(bits));
	return bits;
}

static double
time_of(uint64_t bits)
{
	double		time;

	memcpy(&time, &bits, sizeof(time));
	return time;
}

/* Nobody is counted without a count, so no slot needs a mark. */
static bool
is_free(const SurvivalTime *slot)
{
	return slot->events == 0 && slot->censored == 0;
}

/* The low bits of short numbers are 0, and so they stay in products: only the high bits of a product tell numbers apart. */
static SurvivalTime *
slot_of(const SurvivalCounts *c, double time)
{
	uint64_t	hash = bits_of(time) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t	at = ((hash ^ (hash >> 32)) * UINT64_C(0xbf58476d1ce4e5b9)) >> (__builtin_clzll(c->room) + 1);

	while (!is_free(&c->slots[at]) && c->slots[at].time != time)
		at = (at + 1) & (c->room - 1);
	return &c->slots[at];
}

/* Three of four slots are used at most, so that a search ends soon. */
static bool
is_full(const SurvivalCounts *c)
{
	return c->used >= c->room / 4 * 3;
}

static uint64_t
next_room(const SurvivalCounts *c)
{
	return c->room == 0 ? 16 : c->room * 2;
}

/* The slots, and at the end, where three quarters of them are used, the sorted times and their bytes. */
uint64_t
survival_growth(const SurvivalCounts *c)
{
	return is_full(c) ? next_room(c) * sizeof(SurvivalTime) + next_room(c) / 4 * 3 * (sizeof(SurvivalTime) + 3 * WIRE_MAX_VARINT) : 0;
}

static void
grow(Env *env, SurvivalCounts *c)
{
	SurvivalCounts more = {NULL, next_room(c), c->used, c->total};

	more.slots = env_alloc0(env, more.room, sizeof(SurvivalTime));
	for (uint64_t i = 0; i < c->room; i++)
	{
		if (i % 65536 == 0)
			env_check(env, 0, 0);
		if (!is_free(&c->slots[i]))
			*slot_of(&more, c->slots[i].time) = c->slots[i];
	}
	env_release(env, c->slots);
	*c = more;
}

bool
survival_add(Env *env, SurvivalCounts *c, double time, int64_t events, int64_t censored)
{
	SurvivalTime *slot;

	if (events > SURVIVAL_MAX_COUNT - c->total || censored > SURVIVAL_MAX_COUNT - c->total - events)
		return false;
	if (is_full(c))
		grow(env, c);
	slot = slot_of(c, time);
	if (is_free(slot))
	{
		slot->time = time;
		c->used++;
	}
	slot->events += events;
	slot->censored += censored;
	c->total += events + censored;
	return true;
}

/* What the sort takes for words. */
_Static_assert(sizeof(SurvivalTime) == 3 * sizeof(uint64_t) && offsetof(SurvivalTime, time) == 0, "three words, the time first");

/* Doubles that are not negative sort as their bits do. */
SurvivalTime *
survival_sorted(Env *env, const SurvivalCounts *c)
{
	SurvivalTime *times = env_alloc(env, c->used + 1, sizeof(SurvivalTime));
	SurvivalTime *scratch = env_alloc(env, c->used + 1, sizeof(SurvivalTime));
	uint64_t	n = 0;

	for (uint64_t i = 0; i < c->room; i++)
		if (!is_free(&c->slots[i]))
			times[n++] = c->slots[i];
	radix_sort_checked(env, (uint64_t *) times, (uint64_t *) scratch, n, 3, 1);
	env_release(env, scratch);
	return times;
}

/* --- bytes ------------------------------------------------------------------ */

/* Most durations are days or seconds: a gap of whole numbers takes a byte, one of bits eight. */
static bool
are_whole(const SurvivalTime *times, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (times[i].time > MAX_WHOLE || times[i].time != floor(times[i].time))
			return false;
	return true;
}

unsigned char *
survival_encode(Env *env, const SurvivalTime *times, uint64_t n, size_t reserve, size_t *size)
{
	bool		whole = are_whole(times, n);
	unsigned char *bytes = env_alloc(env, reserve + 2 + WIRE_MAX_VARINT + env_array_size(n, 3 * WIRE_MAX_VARINT), 1);
	unsigned char *out = bytes + reserve;
	uint64_t	before = 0;

	*out++ = SURVIVAL_VERSION;
	*out++ = whole ? WHOLE_TIMES : 0;
	out = wire_put_varint(out, n);
	for (uint64_t i = 0; i < n; i++)
	{
		uint64_t	key = whole ? (uint64_t) times[i].time : bits_of(times[i].time);

		out = wire_put_varint(out, key - before);
		out = wire_put_varint(out, (uint64_t) times[i].events);
		out = wire_put_varint(out, (uint64_t) times[i].censored);
		before = key;
	}
	*size = (size_t) (out - bytes);
	return bytes;
}

/* A time takes three bytes or more, so a number that is a lie is known before anything is allocated. */
uint64_t
survival_open(WireReader *in, const void *bytes, size_t size)
{
	const unsigned char *head;
	uint64_t	n;

	*in = wire_reader(bytes, size);
	head = wire_get_bytes(in, 2);
	n = wire_get_varint(in);
	if (in->bad || head[0] != SURVIVAL_VERSION || head[1] > WHOLE_TIMES || n > wire_left(in) / 3)
		return UINT64_MAX;
	return n;
}

/* The next time after `key`; marks what no value can have as damage. */
static SurvivalTime
get_time(WireReader *in, bool whole, bool first, uint64_t *key, int64_t *left)
{
	uint64_t	gap = wire_get_varint(in);
	uint64_t	events = wire_get_varint(in);
	uint64_t	censored = wire_get_varint(in);
	uint64_t	most = whole ? (uint64_t) MAX_WHOLE : bits_of(INFINITY) - 1;

	if ((gap == 0 && !first) || gap > most - *key || events > (uint64_t) *left || censored > (uint64_t) *left - events || events + censored == 0)
	{
		in->bad = true;
		return (SurvivalTime) {0, 0, 0};
	}
	*key += gap;
	*left -= (int64_t) (events + censored);
	return (SurvivalTime) {whole ? (double) *key : time_of(*key), (int64_t) events, (int64_t) censored};
}

SurvivalTime *
survival_decode(Env *env, const void *bytes, size_t size, uint64_t *n)
{
	WireReader	in;
	SurvivalTime *times;
	bool		whole;
	uint64_t	key = 0;
	int64_t		left = SURVIVAL_MAX_COUNT;

	*n = survival_open(&in, bytes, size);
	if (*n == UINT64_MAX)
		return NULL;
	whole = ((const unsigned char *) bytes)[1] == WHOLE_TIMES;
	times = env_alloc(env, *n + 1, sizeof(SurvivalTime));
	for (uint64_t i = 0; i < *n && !in.bad; i++)
	{
		if (i % 65536 == 0)
			env_check(env, 0, 0);
		times[i] = get_time(&in, whole, i == 0, &key, &left);
	}
	if (!in.bad && wire_left(&in) == 0)
		return times;
	env_release(env, times);
	return NULL;
}

/* Varints have longer forms, and whole times may be said as bits: only one way to write a value is right. */
bool
survival_is_canonical(Env *env, const void *bytes, size_t size)
{
	uint64_t	n;
	size_t		again_size;
	SurvivalTime *times = survival_decode(env, bytes, size, &n);
	unsigned char *again;
	bool		same;

	if (times == NULL)
		return false;
	again = survival_encode(env, times, n, 0, &again_size);
	same = again_size == size && memcmp(bytes, again, size) == 0;
	env_release(env, again);
	env_release(env, times);
	return same;
}

/* --- estimates -------------------------------------------------------------- */

/* All are at risk at first. */
SurvivalCurve
survival_begin(const SurvivalTime *times, uint64_t n)
{
	SurvivalCurve curve = {0, 0, 1, 0};

	for (uint64_t i = 0; i < n; i++)
		curve.next += times[i].events + times[i].censored;
	curve.at_risk = curve.next;
	return curve;
}

/* Events before censorings: who was only seen until now was at risk now.  The last event of all makes S 0, and its variance infinite. */
void
survival_step(SurvivalCurve *c, const SurvivalTime *t)
{
	double		n = (double) c->next;
	double		d = (double) t->events;

	c->at_risk = c->next;
	if (t->events > 0)
	{
		c->survival *= (n - d) / n;
		c->variance += d / (n * (n - d));
	}
	c->next -= t->events + t->censored;
}

/* Limits on another scale than S itself keep within 0 and 1 but for the side that is cut. */
bool
survival_limits(double s, double variance, double z, SurvivalLimits type, double *lower, double *upper)
{
	double		width = z * sqrt(variance);

	if (!(s > 0) || (type == SURVIVAL_LOG_LOG && !(s < 1)))
		return false;
	switch (type)
	{
		case SURVIVAL_PLAIN:
			*lower = s - width * s;
			*upper = s + width * s;
			break;
		case SURVIVAL_LOG:
			*lower = exp(log(s) - width);
			*upper = exp(log(s) + width);
			break;
		case SURVIVAL_LOG_LOG:
			*lower = exp(-exp(log(-log(s)) - width / log(s)));
			*upper = exp(-exp(log(-log(s)) + width / log(s)));
			break;
	}
	*lower = *lower < 0 ? 0 : *lower;
	*upper = *upper > 1 ? 1 : *upper;
	return true;
}

/* Where a curve crosses a level, as R has it: the middle, if it is flat just there. */
typedef struct Crossing
{
	double		ended;			/* the share wanted */
	double		first;			/* time when the curve gets to it; NaN: not yet */
	double		beyond;			/* time when it has passed it */
	double		last;			/* where the curve is at its end */
} Crossing;

static void
cross(Crossing *c, double time, double survival)
{
	/* the square root of a double's precision, as R has it */
	const double tolerance = 0x1p-26;

	if (isnan(c->first) && 1 - survival >= c->ended - tolerance)
		c->first = time;
	if (isnan(c->beyond) && 1 - survival >= c->ended + tolerance)
		c->beyond = time;
	c->last = survival;
}

static double
crossed(const Crossing *c, double end)
{
	if (c->ended == 0)
		return 0;
	if (!isnan(c->beyond))
		return (c->first + c->beyond) / 2;
	/* the flat is the curve's last; one that ends undefined does not say */
	return isnan(c->last) ? NAN : (c->first + end) / 2;
}

void
survival_quantile(const SurvivalTime *times, uint64_t n, double p, double z, SurvivalLimits type, double result[3])
{
	SurvivalCurve curve = survival_begin(times, n);
	Crossing	at[3];

	for (int i = 0; i < 3; i++)
		at[i] = (Crossing) {p, NAN, NAN, 1};
	for (uint64_t i = 0; i < n; i++)
	{
		double		limit[2] = {NAN, NAN};

		survival_step(&curve, &times[i]);
		survival_limits(curve.survival, curve.variance, z, type, &limit[0], &limit[1]);
		cross(&at[0], times[i].time, curve.survival);
		cross(&at[1], times[i].time, limit[0]);
		cross(&at[2], times[i].time, limit[1]);
	}
	for (int i = 0; i < 3; i++)
		result[i] = n == 0 ? NAN : crossed(&at[i], times[n - 1].time);
}

/* Abramowitz and Stegun 26.2.23, refined until it stands still: Halley's method triples the digits each time. */
double
normal_quantile(double p)
{
	double		tail = p < 0.5 ? p : 1 - p;
	double		t = sqrt(-2 * log(tail));
	double		x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));

	for (int i = 0; i < 3; i++)
	{
		double		error = (erfc(x / M_SQRT2) / 2 - tail) * sqrt(2 * M_PI) * exp(x * x / 2);

		x += error / (1 - x * error / 2);
	}
	return p < 0.5 ? -x : x;
}
