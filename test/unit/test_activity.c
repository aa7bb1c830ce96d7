/*
 * test_activity.c
 *		Activities: the same bytes whatever the order and the parts, and what they say against a plain list of events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/activity.h"
#include "unit.h"

#define MAX_ROWS 3000
static const char *const kind_names[] = {"view", "purchase", "cart", "a", "view more"};

typedef struct Value
{
	unsigned char *bytes;
	size_t		size;
} Value;

/* Few seconds and amounts, so that many are equal; some rows with fractions. */
static uint64_t
random_rows(uint64_t *seed, ActivityEvent *rows)
{
	uint64_t	n = unit_random(seed) % (unit_random(seed) % 4 == 0 ? MAX_ROWS : 40);
	uint64_t	span = unit_random(seed) % 2 ? 20 : 400 * 86400;
	bool		fractions = unit_random(seed) % 3 == 0;

	for (uint64_t i = 0; i < n; i++)
	{
		int64_t		time = (int64_t) (unit_random(seed) % span) * ACTIVITY_SECOND - 3 * ACTIVITY_DAY / 2;

		if (fractions && unit_random(seed) % 5 == 0)
			time += unit_random(seed) % 1000000;
		rows[i] = (ActivityEvent) {time, ACTIVITY_NO_AMOUNT, 1, unit_random(seed) % 5, ACTIVITY_EVENT};
		if (rows[i].kind % 2 == 1 && unit_random(seed) % 4 != 0)
			rows[i].amount = (int64_t) (unit_random(seed) % 7 - 2) * (fractions ? 1 : 2500);
	}
	return n;
}

/* Names get numbers in an order that depends on the seed. */
static Value
make(const ActivityEvent *rows, uint64_t n, uint64_t seed)
{
	Env		   *env = unit_env();
	ActivityNames *names = activity_names_create(env);
	ActivityEvents events = {NULL, 0, 0};
	Value		value;

	for (uint64_t i = 0; i < 5; i++)
	{
		const char *name = kind_names[(i + seed) % 5];

		activity_name(names, name, strlen(name));
	}
	for (uint64_t i = 0; i < n; i++)
	{
		ActivityEvent e = rows[i];

		e.kind = activity_name(names, kind_names[e.kind], strlen(kind_names[e.kind]));
		activity_add(env, &events, e);
		/* folded in between, as long aggregates are */
		if (seed != 0 && i % 701 == seed % 701)
			CHECK(activity_fold(env, &events));
	}
	CHECK(activity_fold(env, &events));
	CHECK(activity_is_sound(&events));
	value.bytes = activity_encode(env, &events, names, 0, &value.size);
	env_release(env, events.events);
	activity_names_release(names);
	return value;
}

static Value
merge(Value a, Value b)
{
	Env		   *env = unit_env();
	ActivityNames *names = activity_names_create(env);
	ActivityEvents events = {NULL, 0, 0};
	Value		value;

	CHECK(activity_decode(env, a.bytes, a.size, names, &events));
	CHECK(activity_decode(env, b.bytes, b.size, names, &events));
	CHECK(activity_fold(env, &events));
	value.bytes = activity_encode(env, &events, names, 0, &value.size);
	env_release(env, events.events);
	activity_names_release(names);
	return value;
}

static int
by_time(const void *a, const void *b)
{
	const ActivityEvent *x = a;
	const ActivityEvent *y = b;

	if (x->time != y->time)
		return x->time < y->time ? 1 : -1;
	return (x->amount < y->amount) - (x->amount > y->amount);
}

/* One kind against its events in order: the latest as they were, the others with their days. */
static void
check_kind(Value value, int kind, const ActivityEvent *rows, uint64_t n)
{
	ActivityEvent *mine = malloc((n + 1) * sizeof(ActivityEvent));
	ActivityKind k;
	ActivityEvent e;
	uint64_t	m = 0;
	uint64_t	at = 0;

	for (uint64_t i = 0; i < n; i++)
		if (rows[i].kind == kind)
			mine[m++] = rows[i];
	qsort(mine, m, sizeof(ActivityEvent), by_time);
	if (m > ACTIVITY_EXACT)
	{
		int64_t		first = mine[m - 1].time;

		for (uint64_t i = ACTIVITY_EXACT; i < m; i++)
			mine[i].time -= ((mine[i].time % ACTIVITY_DAY) + ACTIVITY_DAY) % ACTIVITY_DAY;
		qsort(mine + ACTIVITY_EXACT, m - ACTIVITY_EXACT, sizeof(ActivityEvent), by_time);
		mine[m].time = first;
	}
	CHECK(activity_find(value.bytes, value.size, kind_names[kind], strlen(kind_names[kind]), &k) == (m > 0));
	if (m > 0)
	{
		CHECK(k.count == m);
		while (activity_next_event(&k, &e))
			for (uint32_t c = 0; c < e.count; c++, at++)
				CHECK(at < m && mine[at].time == e.time && mine[at].amount == e.amount &&
					  (e.form == ACTIVITY_EVENT) == (at < ACTIVITY_EXACT));
		CHECK(at == m && !k.in.bad && k.compact == (m > ACTIVITY_EXACT));
		CHECK(!k.compact || k.first == mine[m].time);
	}
	free(mine);
}

static void
test_random(void)
{
	static ActivityEvent rows[MAX_ROWS];
	Env		   *env = unit_env();

	for (uint64_t seed = 1; seed <= 300; seed++)
	{
		uint64_t	state = seed;
		uint64_t	n = random_rows(&state, rows);
		uint64_t	cut = n == 0 ? 0 : unit_random(&state) % (n + 1);
		Value		whole = make(rows, n, 0);
		Value		one = make(rows, cut, seed);
		Value		two = make(rows + cut, n - cut, seed + 1);
		Value		both = merge(two, one);

		for (int kind = 0; kind < 5; kind++)
			check_kind(whole, kind, rows, n);
		CHECK(both.size == whole.size && memcmp(both.bytes, whole.bytes, whole.size) == 0);
		CHECK(activity_is_canonical(env, whole.bytes, whole.size));
		free(whole.bytes);
		free(one.bytes);
		free(two.bytes);
		free(both.bytes);
	}
}

/* Bytes that were changed are refused, or are another value as it would have been written. */
static void
test_damage(void)
{
	static ActivityEvent rows[MAX_ROWS];
	Env		   *env = unit_env();

	for (uint64_t seed = 1; seed <= 200; seed++)
	{
		uint64_t	state = seed;
		Value		value = make(rows, random_rows(&state, rows), 0);

		CHECK(value.size == 2 || !activity_is_canonical(env, value.bytes, value.size - 1));
		for (int i = 0; i < 50; i++)
		{
			size_t		at = unit_random(&state) % value.size;
			unsigned char was = value.bytes[at];

			value.bytes[at] ^= 1 << unit_random(&state) % 8;
			activity_is_canonical(env, value.bytes, value.size);
			value.bytes[at] = was;
		}
		value.bytes[0]++;
		CHECK(!activity_is_canonical(env, value.bytes, value.size));
		free(value.bytes);
	}
}

static void
test_limits(void)
{
	Env		   *env = unit_env();
	ActivityNames *names = activity_names_create(env);
	ActivityEvents events = {NULL, 0, 0};
	char		name[20];

	for (int i = 0; i < ACTIVITY_MAX_KINDS; i++)
		CHECK(activity_name(names, name, sprintf(name, "kind %d", i)) == i);
	CHECK(activity_name(names, "one more", 8) == -1 && activity_name(names, "kind 7", 6) == 7);
	/* more than fit a count: refused, not wrapped around */
	for (int i = 0; i < 300; i++)
		activity_add(env, &events, (ActivityEvent) {0, 1, 1, 0, ACTIVITY_EVENT});
	activity_add(env, &events, (ActivityEvent) {0, 1, 0xffffffff, 0, ACTIVITY_COMPACT});
	CHECK(!activity_fold(env, &events));
	env_release(env, events.events);
	activity_names_release(names);
}

/* Edges of the range of times and amounts come back. */
static void
test_edges(void)
{
	ActivityEvent rows[] = {
		{ACTIVITY_MIN_TIME, ACTIVITY_MAX_AMOUNT, 1, 1, ACTIVITY_EVENT},
		{ACTIVITY_END_TIME - 1, -ACTIVITY_MAX_AMOUNT, 1, 1, ACTIVITY_EVENT},
		{-1, ACTIVITY_NO_AMOUNT, 1, 1, ACTIVITY_EVENT},
		{0, 0, 1, 1, ACTIVITY_EVENT},
	};
	Value		value = make(rows, 4, 0);

	check_kind(value, 1, rows, 4);
	CHECK(activity_is_canonical(unit_env(), value.bytes, value.size));
	free(value.bytes);
}

void
test_activity(void)
{
	RUN(test_random);
	RUN(test_damage);
	RUN(test_limits);
	RUN(test_edges);
}
