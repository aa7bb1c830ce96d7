/*
 * test_dropoff.c
 *		Page views in bins: where bins lie, counts that do not depend on the order, bytes.
 */
#include "kernel/dropoff.h"
#include "unit.h"

#define H (86400 * DROPOFF_SECOND)

static void
bins(void)
{
	CHECK(dropoff_bin(0) == 0 && dropoff_bin(DROPOFF_SECOND - 1) == 0 && dropoff_bin(DROPOFF_SECOND) == 1);
	CHECK(dropoff_bin(60 * DROPOFF_SECOND - 1) == 59 && dropoff_bin(60 * DROPOFF_SECOND) == 60);
	CHECK(dropoff_bin(3600 * DROPOFF_SECOND) == DROPOFF_BINS - 1 && dropoff_bin(INT64_MAX) == DROPOFF_BINS - 1);
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
	{
		CHECK(dropoff_bin(dropoff_bin_start(bin)) == bin && (bin == 0 || dropoff_bin(dropoff_bin_start(bin) - 1) == bin - 1));
		if (bin > 60)
			CHECK(dropoff_bin_start(bin) == dropoff_bin_start(bin - 1) * 11 / 10);
	}
	/* the next would begin after an hour */
	CHECK(dropoff_bin_start(DROPOFF_BINS - 1) * 11 / 10 > 3600 * DROPOFF_SECOND);
}

typedef struct View
{
	int			bin;
	int			kind;
	int64_t		time;
} View;

static void
add_all(DropoffCounts *c, const View *views, int n)
{
	for (int i = 0; i < n; i++)
		CHECK(dropoff_add(unit_env(), c, views[i].bin, views[i].kind, views[i].time));
}

static void
check_same(const DropoffCounts *a, const DropoffCounts *b)
{
	size_t		a_size;
	size_t		b_size;
	unsigned char *x = dropoff_encode(unit_env(), a, 0, &a_size);
	unsigned char *y = dropoff_encode(unit_env(), b, 0, &b_size);

	CHECK(a_size == b_size && memcmp(x, y, a_size) == 0);
	CHECK(dropoff_is_canonical(unit_env(), x, a_size));
	env_release(unit_env(), x);
	env_release(unit_env(), y);
}

/* Forwards, backwards, and in parts that are merged either way: the same bytes; without a half-life and with one that spans many epochs. */
static void
any_order(void)
{
	enum { N = 300 };
	View		views[N];
	uint64_t	random = 3;

	for (int round = 0; round < 20; round++)
	{
		int64_t		half_life = round % 2 == 0 ? 0 : H;
		DropoffCounts c[4] = {{{half_life}}, {{half_life}}, {{half_life}}, {{half_life}}};
		int			split = (int) (unit_random(&random) % N);

		for (int i = 0; i < N; i++)
			views[i] = (View) {(int) (unit_random(&random) % DROPOFF_BINS), (int) (unit_random(&random) % 4),
				((int64_t) (unit_random(&random) % 2000) - 1000) * H / (1 + round / 4)};
		add_all(&c[0], views, N);
		for (int i = N - 1; i >= 0; i--)
			add_all(&c[1], &views[i], 1);
		check_same(&c[0], &c[1]);
		add_all(&c[2], views, split);
		add_all(&c[3], views + split, N - split);
		dropoff_release(unit_env(), &c[1]);
		c[1].latest = 0;
		CHECK(dropoff_merge(unit_env(), &c[1], &c[2]) && dropoff_merge(unit_env(), &c[1], &c[3]));
		check_same(&c[0], &c[1]);
		CHECK(dropoff_merge(unit_env(), &c[3], &c[2]));
		check_same(&c[0], &c[3]);
		for (int i = 0; i < 4; i++)
			dropoff_release(unit_env(), &c[i]);
	}
}

static void
overflow(void)
{
	DropoffCounts a = {{0}};
	DropoffCounts b = {{0}};
	int64_t		cell[DROPOFF_KINDS] = {INT64_MAX, 0, 0, 0};
	int64_t		none[DROPOFF_KINDS] = {0};
	int64_t		negative[DROPOFF_KINDS] = {-1, 1, 0, 0};

	CHECK(dropoff_set(unit_env(), &a, 0, 7, cell));
	CHECK(!dropoff_set(unit_env(), &a, 0, 8, none) && !dropoff_set(unit_env(), &a, 0, 8, negative));
	CHECK(!dropoff_set(unit_env(), &a, 1, 7, cell) && !dropoff_set(unit_env(), &a, 0, DROPOFF_BINS, cell));
	CHECK(dropoff_add(unit_env(), &b, 7, 0, 0));
	CHECK(!dropoff_merge(unit_env(), &b, &a));
	CHECK(!dropoff_add(unit_env(), &a, 7, 0, 0));
	dropoff_release(unit_env(), &a);
	dropoff_release(unit_env(), &b);
}

/* Damage is refused, or is a value that writes itself. */
static void
bytes(void)
{
	DropoffCounts c = {{H}};
	DropoffCounts again;
	uint64_t	random = 5;
	size_t		size;
	unsigned char *b;
	int			accepted = 0;

	for (int i = 0; i < 60; i++)
		dropoff_add(unit_env(), &c, (int) (unit_random(&random) % DROPOFF_BINS), (int) (unit_random(&random) % 4), (int64_t) (unit_random(&random) % 40) * H);
	b = dropoff_encode(unit_env(), &c, 0, &size);
	for (size_t i = 0; i < size; i++)
		CHECK(!dropoff_is_canonical(unit_env(), b, i));
	for (int i = 0; i < 5000; i++)
	{
		unsigned char old = b[i % size];

		b[i % size] = (unsigned char) unit_random(&random);
		if (dropoff_decode(unit_env(), b, size, &again))
		{
			accepted++;
			check_same(&again, &again);
			dropoff_release(unit_env(), &again);
		}
		b[i % size] = old;
	}
	CHECK(accepted > 100);
	env_release(unit_env(), b);
	dropoff_release(unit_env(), &c);
}

void
test_dropoff(void)
{
	RUN(bins);
	RUN(any_order);
	RUN(overflow);
	RUN(bytes);
}
