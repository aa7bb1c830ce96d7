/*
 * test_runs.c
 *		Runs against a naive sort of all rows: folding, packing, reading in small
 *		pieces, and merging.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/runs.h"
#include "unit.h"

#define MAX_WORDS	5
#define NO_LIMIT	UINT32_MAX

/* Rows in the making: what goes into one run, or what all of them should come to. */
typedef struct Rows
{
	uint64_t   *word;
	uint64_t	n;
	uint64_t	room;
	int			words;
} Rows;

/* A run in memory, of which the reader sees `piece` bytes at a time, or with 0 all at once. */
typedef struct Source
{
	RunReader	reader;			/* first: a RunReader * is a Source * */
	unsigned char *bytes;
	uint64_t	at;				/* the first that was not handed out */
	unsigned char buffer[64];
	size_t		piece;
} Source;

static void
add_words(Rows *rows, const uint64_t *row)
{
	if (rows->n == rows->room)
	{
		rows->room = rows->room * 2 + 16;
		rows->word = realloc(rows->word, rows->room * rows->words * sizeof(uint64_t));
	}
	memcpy(rows->word + rows->n++ * rows->words, row, rows->words * sizeof(uint64_t));
}

/* Events get a weight of either sign, a time anywhere, and an oldest time that is mostly the same. */
static void
add_row(Rows *rows, uint64_t basket, uint64_t item, uint64_t weight)
{
	uint64_t	time = (basket + weight) * UINT64_C(0x9e3779b97f4a7c15) >> (weight % 2 ? 0 : 40);
	uint64_t	row[MAX_WORDS] = {basket, item, weight, time, weight % 5 ? time : time / 2};

	if (rows->words > 3 && weight % 3 == 0)
		row[2] = -weight;
	add_words(rows, row);
}

/* --- the naive way -------------------------------------------------------- */

static int
compare_rows(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	for (int w = 0; w < 2; w++)
		if (x[w] != y[w])
			return x[w] < y[w] ? -1 : 1;
	return 0;
}

static void
naive_fold(Rows *rows)
{
	uint64_t	kept = 0;
	int			words = rows->words;

	if (rows->n > 0)
		qsort(rows->word, rows->n, words * sizeof(uint64_t), compare_rows);
	for (uint64_t i = 0; i < rows->n; i++)
	{
		uint64_t   *row = rows->word + i * words;

		if (kept > 0 && compare_rows(row, rows->word + (kept - 1) * words) == 0)
		{
			uint64_t   *last = rows->word + (kept - 1) * words;

			if (words > 2)
				last[2] += row[2];
			if (words > 3 && row[3] > last[3])
				last[3] = row[3];
			if (words > 4 && row[4] < last[4])
				last[4] = row[4];
			continue;
		}
		memmove(rows->word + kept++ * words, row, words * sizeof(uint64_t));
	}
	rows->n = kept;
}

/* --- runs ----------------------------------------------------------------- */

static void
refill(RunReader *reader)
{
	Source	   *s = (Source *) reader;
	size_t		left = reader->in.end - reader->in.at;
	size_t		more = s->piece - left;

	if (more > reader->unread)
		more = reader->unread;
	memmove(s->buffer, reader->in.at, left);
	memcpy(s->buffer + left, s->bytes + s->at, more);
	s->at += more;
	reader->unread -= more;
	reader->in.at = s->buffer;
	reader->in.end = s->buffer + left + more;
}

/* Sorts and packs rows, which are the source's from then on. */
static Source *
make_source(Rows *rows, size_t piece)
{
	Source	   *s = calloc(1, sizeof(Source));
	uint64_t   *scratch = malloc((rows->n + 1) * rows->words * sizeof(uint64_t));
	uint64_t	n = run_sort(rows->word, scratch, rows->n, rows->words, NO_LIMIT);

	s->bytes = malloc(run_max_bytes(n, rows->words) + 1);
	s->reader.head = run_pack(rows->word, n, rows->words, s->bytes);
	CHECK(s->reader.head.rows == n);
	CHECK(s->reader.head.bytes <= run_max_bytes(n, rows->words));
	/* no byte more than it says: the sanitizer watches the rest */
	s->bytes = realloc(s->bytes, s->reader.head.bytes + (s->reader.head.bytes == 0));
	s->piece = piece;
	if (piece == 0)
		s->reader.in = wire_reader(s->bytes, s->reader.head.bytes);
	else
	{
		s->reader.in = wire_reader(s->buffer, 0);
		s->reader.unread = s->reader.head.bytes;
		s->reader.refill = refill;
	}
	free(scratch);
	free(rows->word);
	return s;
}

/* Takes the runs, merges them, and compares every basket with the naive result. */
static void
check_merge(Rows *run, uint32_t num_runs, size_t piece, uint64_t ahead)
{
	int			words = run[0].words;
	Rows		want = {.words = words};
	RunReader **reader = malloc((num_runs + 1) * sizeof(RunReader *));
	RunMerge	merge;
	const uint64_t *rows;
	uint64_t	read = 0;
	uint64_t	at = 0;
	uint64_t	n;

	for (uint32_t r = 0; r < num_runs; r++)
	{
		for (uint64_t i = 0; i < run[r].n; i++)
			add_words(&want, run[r].word + i * words);
		reader[r] = &make_source(run + r, piece)->reader;
		read += reader[r]->head.rows;
	}
	naive_fold(&want);
	run_merge_init(unit_env(), &merge, reader, num_runs, words, NO_LIMIT, ahead);
	while ((n = run_merge_next(&merge, &rows)) > 0)
	{
		CHECK(at + n <= want.n);
		if (at + n > want.n)
			break;
		CHECK(memcmp(rows, want.word + at * words, n * words * sizeof(uint64_t)) == 0);
		at += n;
		/* a whole basket */
		CHECK(at == want.n || want.word[at * words] != rows[0]);
	}
	CHECK(at == want.n);
	CHECK(merge.rows_read == read);
	CHECK(!merge.too_heavy);
	CHECK(run_merge_next(&merge, &rows) == 0);
	run_merge_release(&merge);
	for (uint32_t r = 0; r < num_runs; r++)
	{
		CHECK(!reader[r]->in.bad);
		free(((Source *) reader[r])->bytes);
		free(reader[r]);
	}
	free(reader);
	free(want.word);
}

/* --- what goes into them -------------------------------------------------- */

static const uint64_t extreme[] = {
	0, 1, 127, 128, UINT32_MAX, UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1, UINT64_MAX - 1, UINT64_MAX
};

#define NUM_EXTREME (sizeof(extreme) / sizeof(extreme[0]))

typedef enum Shape
{
	MIXED,						/* every run has rows of any basket */
	DISJOINT,					/* a range of baskets each */
	SAME,						/* the same baskets, one row of each in each */
	GIANT,						/* one basket larger than what is read ahead, and one row behind it */
	EXTREME,					/* keys at the ends of their range */
	UNEVEN,						/* empty runs, and ones that end long before others */
	NUM_SHAPES
} Shape;

static const char *const shape_names[] = {"mixed", "disjoint", "same baskets", "giant basket", "extreme keys", "uneven"};

static void
fill_run(Rows *run, Shape shape, uint32_t r, uint64_t *state)
{
	uint64_t	rows = shape == UNEVEN ? (r % 3 == 0 ? 0 : r % 3 == 1 ? 5 : 900) : shape == EXTREME ? 40 : 300;

	for (uint64_t i = 0; i < rows; i++)
	{
		uint64_t	basket = unit_random(state) % 500;
		uint64_t	item = unit_random(state) % 100;

		if (shape == DISJOINT)
			basket += r * 500;
		else if (shape == SAME)
			basket = i;
		else if (shape == GIANT)
			basket = i == 0 ? 8 : 7, item = unit_random(state) % 2000;
		else if (shape == EXTREME)
			basket = extreme[unit_random(state) % NUM_EXTREME], item = extreme[unit_random(state) % NUM_EXTREME];
		add_row(run, basket, item, 1 + (unit_random(state) % 4 == 0 ? unit_random(state) % 100000 : 0));
	}
}

static void
merges(void)
{
	static const size_t pieces[] = {0, 10, 11, 17, 64};
	static const uint32_t counts[] = {0, 1, 2, 7, 30};
	uint64_t	state = 3;
	char		name[80];

	for (Shape shape = 0; shape < NUM_SHAPES; shape++)
		for (int words = 2; words <= MAX_WORDS; words++)
			for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
			{
				snprintf(name, sizeof(name), "merge: %s, %d words, pieces of %zu", shape_names[shape], words, pieces[p]);
				unit_begin(name);
				for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
				{
					/* at least one, which says how many words */
					Rows		run[31] = {{.words = words}};

					for (uint32_t r = 0; r < counts[c]; r++)
					{
						run[r].words = words;
						fill_run(run + r, shape, r, &state);
					}
					check_merge(run, counts[c], pieces[p], c % 2 ? 0 : 5000);
				}
			}
}

/* Slices end where a run was read ahead to; here that is exactly where it, or another, ends. */
static void
boundaries(void)
{
	for (uint64_t first = 60; first <= 68; first++)
		for (uint64_t second = 126; second <= 130; second++)
		{
			Rows		run[3] = {{.words = 2}, {.words = 2}, {.words = 2}};

			for (uint64_t i = 0; i < first; i++)
				add_row(run, i, 5, 1);
			for (uint64_t i = 0; i < second; i++)
				add_row(run + 1, i, 6, 1);
			/* the last basket of one run has the largest key, as the first of another */
			add_row(run + 1, UINT64_MAX, UINT64_MAX, 1);
			for (uint64_t i = 0; i < 100; i++)
				add_row(run + 2, UINT64_MAX, i, 1);
			check_merge(run, 3, first % 2 ? 10 : 0, 0);
		}
}

static void
folding(void)
{
	uint64_t	three[] = {2, 1, 5, 1, 9, 1, 2, 1, 7, 1, 8, 2, 2, 1, 1};
	uint64_t	two[] = {2, 1, 1, 9, 2, 1, 2, 1};
	uint64_t	scratch[15];

	CHECK(run_sort(three, scratch, 0, 3, 100) == 0);
	CHECK(run_sort(three, scratch, 5, 3, 13) == 3);
	CHECK(memcmp(three, (uint64_t[]) {1, 8, 2, 1, 9, 1, 2, 1, 13}, 9 * sizeof(uint64_t)) == 0);
	CHECK(run_sort(two, scratch, 4, 2, 0) == 2);
	CHECK(memcmp(two, (uint64_t[]) {1, 9, 2, 1}, 4 * sizeof(uint64_t)) == 0);
}

/* Two weights of one item in a run; whether they fit is up to the limit. */
static bool
fits(uint64_t one, uint64_t two, uint64_t limit)
{
	uint64_t	rows[] = {1, 1, one, 1, 1, two};
	uint64_t	scratch[6];

	return run_sort(rows, scratch, 2, 3, limit) != UINT64_MAX;
}

static void
heavy_rows(void)
{
	CHECK(fits(1, NO_LIMIT - 1, NO_LIMIT));
	CHECK(!fits(1, NO_LIMIT, NO_LIMIT));
	CHECK(!fits(NO_LIMIT, NO_LIMIT, NO_LIMIT));
	/* a sum of 64 bits may wrap around */
	CHECK(fits(1, UINT64_MAX - 1, UINT64_MAX));
	CHECK(!fits(1, UINT64_MAX, UINT64_MAX));
	CHECK(!fits(UINT64_MAX, 1, UINT64_MAX));
	CHECK(!fits(UINT64_MAX, 1, NO_LIMIT));
	CHECK(!fits(UINT64_MAX, UINT64_MAX, UINT64_MAX));
}

/* Weights of events take each other away, and leave int64 on neither side. */
static void
heavy_events(void)
{
	uint64_t	away[] = {1, 1, (uint64_t) -3, 7, 1, 1, 3, 9};
	uint64_t	above[] = {1, 1, INT64_MAX, 7, 1, 1, 1, 9};
	uint64_t	below[] = {1, 1, (uint64_t) INT64_MIN, 7, 1, 1, (uint64_t) -1, 9};
	uint64_t	scratch[8];

	CHECK(run_sort(away, scratch, 2, 4, 0) == 1 && away[2] == 0 && away[3] == 9);
	CHECK(run_sort(above, scratch, 2, 4, 0) == UINT64_MAX);
	CHECK(run_sort(below, scratch, 2, 4, 0) == UINT64_MAX);
}

/* Weights that fit in each run, but not together; nothing comes out from there on. */
static void
heavy_runs(void)
{
	Rows		run[2] = {{.words = 3}, {.words = 3}};
	RunReader  *reader[2];
	RunMerge	merge;
	const uint64_t *rows;
	uint64_t	baskets = 0;

	for (uint64_t i = 0; i < 2; i++)
	{
		for (uint64_t basket = 0; basket < 1000; basket++)
			add_row(run + i, basket, 1, basket == 500 ? NO_LIMIT - i : 1);
		reader[i] = &make_source(run + i, 10)->reader;
	}
	run_merge_init(unit_env(), &merge, reader, 2, 3, NO_LIMIT, 0);
	while (run_merge_next(&merge, &rows) > 0)
		CHECK(rows[0] == baskets++ && rows[2] == 2);
	CHECK(merge.too_heavy && baskets <= 500);
	CHECK(run_merge_next(&merge, &rows) == 0);
	run_merge_release(&merge);
	for (int i = 0; i < 2; i++)
	{
		free(((Source *) reader[i])->bytes);
		free(reader[i]);
	}
}

void
test_runs(void)
{
	RUN(folding);
	RUN(heavy_rows);
	RUN(heavy_events);
	RUN(heavy_runs);
	RUN(boundaries);
	merges();
}
