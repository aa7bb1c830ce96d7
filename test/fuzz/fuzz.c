/*
 * fuzz.c
 *		Arbitrary bytes into the kernels that read bytes.  What is turned away is
 *		fine; what is accepted has to hold what the headers promise.  An abort, a
 *		sanitizer's report and a large allocation are the failures.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/activity.h"
#include "kernel/basket.h"
#include "kernel/baskets.h"
#include "kernel/counter_row.h"
#include "kernel/cooccur.h"
#include "kernel/dropoff.h"
#include "kernel/itemvec.h"
#include "kernel/ordinal_set.h"
#include "kernel/pair_row.h"
#include "kernel/pairs.h"
#include "kernel/response_counts.h"
#include "kernel/rule_keys.h"
#include "kernel/send_time.h"
#include "kernel/survival.h"
#include "kernel/trigger.h"

#include "fuzz.h"

#define REQUIRE(cond) \
	do { \
		if (!(cond)) \
		{ \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

/* Inputs are a few kilobytes: nothing they say may ask for more than this. */
#define MAX_ALLOCATION	(32 << 20)
#define MAX_K			5

static void *
fuzz_resize(Env *env, void *ptr, size_t size)
{
	REQUIRE(size <= MAX_ALLOCATION);
	return realloc(ptr, size ? size : 1);
}

static void
fuzz_release(Env *env, void *ptr)
{
	free(ptr);
}

static void
fuzz_check(Env *env, uint64_t done, uint64_t total)
{
}

static Env	env = {fuzz_resize, fuzz_release, fuzz_check};

/* --- baskets ---------------------------------------------------------------- */

static bool
decode(const void *bytes, size_t size, uint32_t num_items, bool weighted, Baskets *b)
{
	WireReader	in = wire_reader(bytes, size);

	baskets_init(&env, b, weighted);
	b->num_items = num_items;
	return baskets_decode(&env, &in, b);
}

static bool
same_baskets(const Baskets *a, const Baskets *b)
{
	uint64_t	entries = a->start[a->num_lists];

	return a->num_lists == b->num_lists &&
		memcmp(a->start, b->start, (a->num_lists + 1) * sizeof(uint64_t)) == 0 &&
		memcmp(a->repeat, b->repeat, a->num_lists * sizeof(uint32_t)) == 0 &&
		memcmp(a->item, b->item, entries * sizeof(uint32_t)) == 0 &&
		(a->weight == NULL || memcmp(a->weight, b->weight, entries * sizeof(uint32_t)) == 0);
}

static void
require_lists(const Baskets *b)
{
	for (uint64_t l = 0; l < b->num_lists; l++)
	{
		REQUIRE(b->repeat[l] >= 1 && b->start[l] < b->start[l + 1]);
		for (uint64_t e = b->start[l]; e < b->start[l + 1]; e++)
		{
			REQUIRE(b->item[e] < b->num_items && (e == b->start[l] || b->item[e - 1] < b->item[e]));
			REQUIRE(b->weight == NULL || b->weight[e] >= 1);
		}
	}
}

static void
make_canonical(Baskets *b)
{
	uint32_t   *order = env_alloc(&env, b->num_items, sizeof(uint32_t));

	for (uint32_t i = 0; i < b->num_items; i++)
		order[i] = i;
	env_release(&env, baskets_rank(&env, b, order));
	baskets_fold(&env, b);
	env_release(&env, order);
}

/* Encoded and decoded, and made canonical once more: nothing changes. */
static void
require_round_trip(Baskets *b)
{
	size_t		size = baskets_encoded_size(b);
	unsigned char *bytes = env_alloc(&env, size, 1);
	Baskets		back;

	REQUIRE(baskets_encode(b, bytes) == bytes + size);
	REQUIRE(decode(bytes, size, b->num_items, b->weight != NULL, &back) && same_baskets(b, &back));
	make_canonical(&back);
	REQUIRE(same_baskets(b, &back));
	baskets_release(&env, &back);
	env_release(&env, bytes);
}

/* Both ways through the product of the lists, each once: the same neighbors. */
static void
require_same_neighbors(const Baskets *b)
{
	CooccurQuery query = {{measure_find("cosine")}, 1 + b->num_lists % MAX_K, 1};
	uint64_t   *degree = baskets_degrees(&env, b);
	double	   *marginal = env_alloc(&env, b->num_items, sizeof(double));
	uint32_t   *order = env_alloc(&env, b->num_items, sizeof(uint32_t));
	CooccurOperand x = {.num_items = b->num_items, .num_lists = b->num_lists, .list_start = b->start,
		.list_item = b->item, .marginal = marginal, .total = b->num_lists, .unit = 1, .order = order};
	CooccurTopk *topk;
	CooccurRow *row;

	for (uint32_t i = 0; i < b->num_items; i++)
	{
		marginal[i] = degree[i];
		order[i] = b->num_items - i;
	}
	cooccur_operand_init(&env, &x);
	topk = cooccur_topk(&env, &x, &query);
	row = cooccur_row_create(&env, &x);
	for (uint32_t i = 0; i < b->num_items; i++)
	{
		CooccurNeighbor one[MAX_K];
		CooccurNeighbor two[MAX_K];
		uint32_t	n = cooccur_topk_neighbors(topk, i, one);

		REQUIRE(cooccur_row_neighbors(row, i, &query, two) == n);
		for (uint32_t q = 0; q < n; q++)
			REQUIRE(one[q].item == two[q].item && one[q].count == two[q].count && one[q].score == two[q].score);
	}
	cooccur_topk_release(topk);
	cooccur_row_release(row);
	cooccur_operand_release(&env, &x);
	env_release(&env, degree);
	env_release(&env, marginal);
	env_release(&env, order);
}

/* Two bytes for the number of items, few as a rule and once the most there can be; then the lists. */
static bool
fuzz_baskets(const uint8_t *data, size_t size, bool weighted)
{
	uint32_t	num_items;
	Baskets		b;
	bool		accepted;

	if (size < 2)
		return false;
	num_items = data[0] == 0xff ? UINT32_MAX : data[0] * (1 + data[1] % 8);
	accepted = decode(data + 2, size - 2, num_items, weighted, &b);
	if (accepted)
		require_lists(&b);
	if (accepted && num_items != UINT32_MAX)
	{
		make_canonical(&b);
		require_lists(&b);
		require_round_trip(&b);
		require_same_neighbors(&b);
	}
	baskets_release(&env, &b);
	return accepted;
}

static bool
fuzz_plain_baskets(const uint8_t *data, size_t size)
{
	return fuzz_baskets(data, size, false);
}

static bool
fuzz_weighted_baskets(const uint8_t *data, size_t size)
{
	return fuzz_baskets(data, size, true);
}

/* --- vectors ---------------------------------------------------------------- */

/* All entries, and whether the bytes said nothing else. */
static ItemWeight *
read_vector(const ItemvecCursor *cursor, uint64_t *n, bool *whole)
{
	ItemvecCursor c = *cursor;
	ItemWeight *entries = env_alloc(&env, c.count, sizeof(ItemWeight));

	*n = 0;
	while (itemvec_next(&c))
		entries[(*n)++] = (ItemWeight) {c.item, c.weight};
	*whole = *n == c.count && wire_left(&c.in) == 0 && !c.in.bad;
	return entries;
}

static bool
is_valid(const ItemWeight *entries, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!isfinite(entries[i].weight) || entries[i].weight == 0 || (i > 0 && entries[i - 1].item >= entries[i].item))
			return false;
	return true;
}

static void
require_same_vector(const ItemWeight *entries, uint64_t n)
{
	ItemvecCoding coding;
	size_t		size = itemvec_encoded_size(entries, n, &coding);
	unsigned char *bytes = env_alloc(&env, size, 1);
	ItemvecCursor c;
	ItemWeight *back;
	uint64_t	back_n;
	bool		whole;

	itemvec_encode(entries, n, coding, bytes);
	REQUIRE(itemvec_open(&c, bytes, size));
	back = read_vector(&c, &back_n, &whole);
	REQUIRE(whole && back_n == n && memcmp(back, entries, n * sizeof(ItemWeight)) == 0);
	REQUIRE(n == 0 || itemvec_norm(&c) > 0);
	REQUIRE(isinf(itemvec_norm(&c)) || n == 0 || fabs(itemvec_cosine(&c, &c) - 1) < 1e-12);
	env_release(&env, back);
	env_release(&env, bytes);
}

/* Stored bytes: whatever they are, reading ends, inside of them; two vectors in the halves. */
static bool
fuzz_stored_vector(const uint8_t *data, size_t size)
{
	ItemvecCursor a;
	ItemvecCursor b;
	ItemWeight *out;
	uint64_t	n;
	bool		whole;
	bool		good = itemvec_open(&a, data, size / 2);

	if (!itemvec_open(&b, data + size / 2, size - size / 2) || !good)
		return false;
	out = env_alloc(&env, a.count + b.count, sizeof(ItemWeight));
	for (int op = ITEMVEC_ADD; op <= ITEMVEC_MULTIPLY; op++)
	{
		ItemvecCursor c = a;
		ItemvecCursor d = b;

		REQUIRE(itemvec_combine((ItemvecOp) op, &c, &d, out) <= a.count + b.count);
	}
	env_release(&env, out);
	itemvec_cosine(&a, &b);
	itemvec_jaccard(&a, &b);
	out = read_vector(&a, &n, &whole);
	if (whole && is_valid(out, n))
		require_same_vector(out, n);
	env_release(&env, out);
	return whole;
}

static void
add_all(ItemvecSums *sums, const ItemWeight *entries, uint64_t n, bool backwards)
{
	for (uint64_t i = 0; i < n; i++)
	{
		const ItemWeight *e = entries + (backwards ? n - 1 - i : i);

		itemvec_sums_add(&env, sums, e->item, e->weight);
	}
}

/* What comes over the wire: entries of 16 bytes in any order, items repeated; their sums do not depend on it. */
static bool
fuzz_received_vector(const uint8_t *data, size_t size)
{
	uint64_t	n = size / sizeof(ItemWeight);
	ItemWeight *entries = env_alloc(&env, n, sizeof(ItemWeight));
	ItemWeight *sum[2];
	uint64_t	sum_n[2];
	uint64_t	kept = 0;

	memcpy(entries, data, n * sizeof(ItemWeight));
	for (uint64_t i = 0; i < n; i++)
		if (isfinite(entries[i].weight))
			entries[kept++] = entries[i];
	for (int backwards = 0; backwards < 2; backwards++)
	{
		ItemvecSums sums = {{NULL}};

		add_all(&sums, entries, kept, backwards);
		sum[backwards] = itemvec_sums_round(&env, &sums, &sum_n[backwards]);
		env_release(&env, sums.usual.rows);
		env_release(&env, sums.huge.rows);
	}
	REQUIRE(sum_n[0] == sum_n[1] && memcmp(sum[0], sum[1], sum_n[0] * sizeof(ItemWeight)) == 0);
	itemvec_sort(&env, entries, kept);
	for (uint64_t i = 1; i < kept; i++)
		REQUIRE(entries[i - 1].item <= entries[i].item);
	if (is_valid(sum[0], sum_n[0]))
		require_same_vector(sum[0], sum_n[0]);
	env_release(&env, entries);
	env_release(&env, sum[0]);
	env_release(&env, sum[1]);
	return kept == n;
}

/* --- a basket of a history --------------------------------------------------- */

static void
require_basket(const Basket *b, const uint8_t *data, size_t size)
{
	unsigned char *bytes = env_alloc(&env, basket_encoded_room(b->size), 1);
	uint8_t    *placed = env_alloc0(&env, b->size, 1);

	/* one form only: what was read is what would be written */
	REQUIRE(basket_encode(b, bytes) == bytes + size && memcmp(bytes, data, size) == 0);
	for (uint32_t e = 0; e < b->size; e++)
	{
		const BasketEntry *entry = b->entry + e;

		REQUIRE(entry->weight >= 1 && entry->code < UINT32_MAX && (e == 0 || entry[-1].code < entry->code));
		REQUIRE(entry->position < b->size && !placed[entry->position]);
		placed[entry->position] = 1;
	}
	env_release(&env, bytes);
	env_release(&env, placed);
}

static bool
fuzz_basket(const uint8_t *data, size_t size)
{
	WireReader	in = wire_reader(data, size);
	Basket		b = {0};
	bool		accepted = basket_decode(&env, &in, &b);

	if (accepted)
		require_basket(&b, data, size);
	basket_release(&env, &b);
	return accepted;
}

/* The first byte says how many of the others are the first part; the block of each part is its own. */
static WireReader
split_input(const uint8_t *data, size_t size, uint8_t **rest, size_t *rest_size)
{
	size_t		first = size == 0 ? 0 : data[0] < size ? data[0] : size - 1;

	*rest_size = size == 0 ? 0 : size - 1 - first;
	*rest = memcpy(env_alloc(&env, *rest_size, 1), data + size - *rest_size, *rest_size);
	return wire_reader(data + (size > 0), first);
}

#define MAX_DIFF	64			/* entries of a basket whose pairs are counted */

/* What comes and goes again leaves nothing, by way of another basket. */
static void
require_differences_cancel(const PairShape *shape, const Basket *one, const Basket *two)
{
	PairChanges c;

	pairs_init(&env, &c, *shape);
	pairs_diff(&c, NULL, NULL, one, two);
	pairs_diff(&c, one, two, two, one);
	pairs_fold(&c);
	pairs_diff(&c, two, one, NULL, NULL);
	pairs_fold(&c);
	REQUIRE(c.num_pairs == 0 && c.num_marginals == 0 && c.num_totals == 0);
	pairs_release(&c);
}

static bool
fuzz_pairs(const uint8_t *data, size_t size)
{
	PairShape	shape = {0};
	Basket		one = {0};
	Basket		two = {0};
	uint8_t    *rest;
	size_t		rest_size;
	WireReader	in;
	WireReader	others;
	bool		accepted;

	if (size < 1)
		return false;
	shape.directed = (data[0] & 3) == 1;
	shape.sequence = (data[0] & 3) == 2;
	shape.window = 1 + (data[0] >> 2 & 7);
	shape.damping = (data[0] >> 5 & 3) * 0.5;
	shape.generation_days = data[0] >> 7;
	in = split_input(data + 1, size - 1, &rest, &rest_size);
	others = wire_reader(rest, rest_size);
	accepted = basket_decode(&env, &in, &one) && basket_decode(&env, &others, &two) &&
		one.size <= MAX_DIFF && two.size <= MAX_DIFF;
	if (accepted)
		require_differences_cancel(&shape, &one, &two);
	basket_release(&env, &one);
	basket_release(&env, &two);
	env_release(&env, rest);
	return accepted;
}

/* --- rows of counters ---------------------------------------------------------- */

static bool
fuzz_counter_row(const uint8_t *data, size_t size)
{
	WireReader	in = wire_reader(data, size);
	CounterRow	row = {0};
	CounterRow	back = {0};
	bool		accepted = counter_row_decode(&env, &in, &row);

	if (accepted)
	{
		unsigned char *bytes = env_alloc(&env, counter_row_encoded_room(row.size), 1);
		size_t		length = counter_row_encode(&row, bytes) - bytes;

		REQUIRE(length <= counter_row_encoded_room(row.size));
		in = wire_reader(bytes, length);
		REQUIRE(counter_row_decode(&env, &in, &back) && back.size == row.size);
		for (uint32_t c = 0; c < row.size; c++)
		{
			REQUIRE(row.cell[c].place < COUNTER_ROW_ITEMS && row.cell[c].sum > 0);
			REQUIRE(back.cell[c].place == row.cell[c].place && back.cell[c].epoch == row.cell[c].epoch && back.cell[c].sum == row.cell[c].sum);
		}
		env_release(&env, bytes);
	}
	env_release(&env, row.cell);
	env_release(&env, back.cell);
	return accepted;
}

/* --- rows of counts ------------------------------------------------------------ */

static void
require_row(const PairRow *row, WireReader base, WireReader delta)
{
	int64_t		count;

	for (uint32_t i = 0; i < row->size; i++)
	{
		uint32_t	item = row->item[i];

		REQUIRE(row->count[i] > 0 && item < UINT32_MAX && (i == 0 || row->item[i - 1] < item));
		REQUIRE(pair_row_find(base, delta, item, &count) && count == row->count[i]);
		if (item > 0 && (i == 0 || row->item[i - 1] != item - 1))
			REQUIRE(pair_row_find(base, delta, item - 1, &count) && count == 0);
	}
}

static void
require_row_round_trip(const PairRow *row)
{
	unsigned char *bytes = env_alloc(&env, pair_row_encoded_room(row->size), 1);
	size_t		size = pair_row_encode(row->item, row->count, row->size, bytes) - bytes;
	PairRow		back = {0};

	REQUIRE(size <= pair_row_encoded_room(row->size));
	REQUIRE(pair_row_decode(&env, wire_reader(bytes, size), wire_reader("", 0), &back) && back.size == row->size);
	REQUIRE(row->size == 0 || (memcmp(back.item, row->item, row->size * sizeof(uint32_t)) == 0 &&
							   memcmp(back.count, row->count, row->size * sizeof(int64_t)) == 0));
	pair_row_release(&env, &back);
	env_release(&env, bytes);
}

/* A delta that takes away what base and delta come to leaves nothing of them. */
static void
require_row_taken_back(const PairRow *row, WireReader base, WireReader delta)
{
	size_t		room = pair_delta_encoded_room(wire_left(&delta), row->size);
	unsigned char *bytes = env_alloc(&env, room, 1);
	int64_t    *changes = env_alloc(&env, row->size, sizeof(int64_t));
	PairRow		empty = {0};
	unsigned char *end;
	bool		bad;

	for (uint32_t i = 0; i < row->size; i++)
		changes[i] = -row->count[i];
	end = pair_delta_merge(delta, row->item, changes, row->size, bytes, &bad);
	REQUIRE(!bad && (size_t) (end - bytes) <= room);
	REQUIRE(pair_row_decode(&env, base, wire_reader(bytes, end - bytes), &empty) && empty.size == 0);
	pair_row_release(&env, &empty);
	env_release(&env, changes);
	env_release(&env, bytes);
}

static bool
fuzz_pair_row(const uint8_t *data, size_t size)
{
	uint8_t    *rest;
	size_t		rest_size;
	WireReader	base = split_input(data, size, &rest, &rest_size);
	WireReader	delta = wire_reader(rest, rest_size);
	PairRow		row = {0};
	int64_t		count;
	bool		accepted = pair_row_decode(&env, base, delta, &row);

	if (accepted)
	{
		require_row(&row, base, delta);
		require_row_round_trip(&row);
		require_row_taken_back(&row, base, delta);
	}
	else
		/* it may well be found before the bytes go wrong */
		for (uint32_t item = 0; item < 100; item += 9)
			(void) pair_row_find(base, delta, item, &count);
	pair_row_release(&env, &row);
	env_release(&env, rest);
	return accepted;
}

/* Any delta, and changes made of other bytes: back and forth is the delta without its zeros. */
static bool
fuzz_pair_delta(const uint8_t *data, size_t size)
{
	uint8_t    *rest;
	size_t		rest_size;
	WireReader	delta = split_input(data, size, &rest, &rest_size);
	uint32_t   *items = env_alloc(&env, rest_size, sizeof(uint32_t));
	int64_t    *changes = env_alloc(&env, rest_size, sizeof(int64_t));
	size_t		room = pair_delta_encoded_room(wire_left(&delta), (uint32_t) rest_size);
	unsigned char *there = env_alloc(&env, room, 1);
	unsigned char *back = env_alloc(&env, pair_delta_encoded_room(room, (uint32_t) rest_size), 1);
	unsigned char *plain = env_alloc(&env, pair_delta_encoded_room(wire_left(&delta), 0), 1);
	unsigned char *end;
	unsigned char *plain_end;
	bool		bad;

	for (size_t i = 0; i < rest_size; i++)
	{
		items[i] = (i == 0 ? 0 : items[i - 1] + 1) + rest[i] / 16;
		changes[i] = (int64_t) (rest[i] % 16 - 8) * (rest[i] % 3 ? 1 : INT64_C(1) << 59);
	}
	end = pair_delta_merge(delta, items, changes, (uint32_t) rest_size, there, &bad);
	REQUIRE((size_t) (end - there) <= room);
	if (!bad)
	{
		for (size_t i = 0; i < rest_size; i++)
			changes[i] = -changes[i];
		end = pair_delta_merge(wire_reader(there, end - there), items, changes, (uint32_t) rest_size, back, &bad);
		REQUIRE(!bad);
		plain_end = pair_delta_merge(delta, NULL, NULL, 0, plain, &bad);
		REQUIRE(!bad && end - back == plain_end - plain && memcmp(back, plain, end - back) == 0);
	}
	env_release(&env, items);
	env_release(&env, changes);
	env_release(&env, there);
	env_release(&env, back);
	env_release(&env, plain);
	env_release(&env, rest);
	return !bad;
}

/* --- activities ------------------------------------------------------------- */

/* What is accepted can be walked to the end, and merged with itself to twice as many events. */
static bool
fuzz_activity(const uint8_t *data, size_t size)
{
	ActivityNames *names;
	ActivityEvents events = {NULL, 0, 0};
	ActivityReader r;
	ActivityKind k;
	ActivityEvent e;

	activity_open(&r, data, size);
	while (activity_next_kind(&r, &k))
		while (activity_next_event(&k, &e))
			REQUIRE(e.time >= ACTIVITY_MIN_TIME && e.time <= ACTIVITY_END_TIME && e.count >= 1);
	if (!activity_is_canonical(&env, data, size))
		return false;
	names = activity_names_create(&env);
	REQUIRE(activity_decode(&env, data, size, names, &events) && activity_decode(&env, data, size, names, &events));
	if (activity_fold(&env, &events))
	{
		size_t		twice;
		unsigned char *bytes;

		REQUIRE(activity_is_sound(&events));
		bytes = activity_encode(&env, &events, names, 0, &twice);
		REQUIRE(activity_is_canonical(&env, bytes, twice));
		env_release(&env, bytes);
	}
	env_release(&env, events.events);
	activity_names_release(names);
	return true;
}

/* --- responses -------------------------------------------------------------- */

/* What is accepted merges with itself to a value again, and can be counted and taken away. */
static bool
fuzz_response(const uint8_t *data, size_t size)
{
	ResponseHours h;
	ResponseCounts c;
	unsigned char *bytes;
	size_t		twice;

	if (!response_is_canonical(&env, data, size))
		return false;
	response_init(&h);
	REQUIRE(response_decode(&env, data, size, &h));
	response_counts_init(&c, RESPONSE_HALF_LIFE);
	response_counts_add(&env, &c, &h, 10000000, 1);
	response_counts_add(&env, &c, &h, 10000000, -1);
	for (uint32_t i = 0; i < c.num_epochs; i++)
		REQUIRE(c.epochs[i]->tables[RESPONSE_CLICK].messages == 0);
	response_counts_release(&env, &c);
	REQUIRE(response_decode(&env, data, size, &h));
	response_fold(&h);
	bytes = response_encode(&env, &h, 0, &twice);
	REQUIRE(response_is_canonical(&env, bytes, twice));
	env_release(&env, bytes);
	response_release(&env, &h);
	return true;
}

static bool
fuzz_response_counts(const uint8_t *data, size_t size)
{
	ResponseCounts c;
	unsigned char *again;
	size_t		again_size;
	bool		accepted = response_counts_decode(&env, data, size, &c);

	if (accepted && response_counts_is_canonical(&env, data, size))
	{
		again = response_counts_encode(&env, &c, 0, &again_size);
		REQUIRE(again_size == size && memcmp(again, data, size) == 0);
		env_release(&env, again);
	}
	response_counts_release(&env, &c);
	return accepted;
}

static bool
fuzz_send_hours(const uint8_t *data, size_t size)
{
	SendHours	hours;
	size_t		at;
	SendHoursProblem problem = send_hours_parse(&hours, (const char *) data, size, &at);

	REQUIRE(at <= size);
	return problem == SEND_HOURS_OK;
}

/* --- rules ------------------------------------------------------------------ */

static int64_t
fuzz_period(RuleContext *context, RulePeriod period, int offset)
{
	return context->as_of - context->as_of % ACTIVITY_DAY + (offset - (context->as_of < 0)) * ACTIVITY_DAY;
}

static int64_t
fuzz_day(RuleContext *context, int64_t utc)
{
	return utc;
}

static RuleAnswer
fuzz_ask(RuleContext *context, const Rule *rule, const RuleNode *leaf)
{
	if (leaf->type == RULE_LIFECYCLE)
		return rule_lifecycle(rule, leaf, context);
	REQUIRE(leaf->texts + leaf->num_texts <= rule->num_texts);
	return (RuleAnswer) {(RuleTruth) (leaf->name.size % 3), context->as_of + 1 + leaf->num_texts};
}

static void
fuzz_trace(void *arg, const Rule *rule, const RuleNode *node, int depth, RuleAnswer answer, const RuleEvidence *evidence)
{
	if (depth == 0)
		*(RuleAnswer *) arg = answer;
	REQUIRE(depth < RULE_MAX_DEPTH && node->next <= rule->num_nodes);
}

/* At instants all over time; what is asked three ways is answered the same. */
static void
evaluate_rule(const Rule *rule, const void *activity, size_t size)
{
	static const int64_t instants[] = {ACTIVITY_MIN_TIME, -1, 0, 5 * ACTIVITY_DAY, 400 * ACTIVITY_DAY, ACTIVITY_END_TIME};

	for (int i = 0; i < 6; i++)
	{
		RuleContext context = {instants[i], fuzz_period, fuzz_day, fuzz_ask};
		RuleAnswer	answer;
		RuleAnswer	traced;
		RuleTruth	value;
		RuleNeeds  *needs;

		if (!rule_evaluate(rule, activity, size, &context, &answer))
			continue;
		REQUIRE(rule_matches(rule, activity, size, &context, &value) && value == answer.value && answer.stable_until > instants[i]);
		REQUIRE(rule_trace(rule, activity, size, &context, fuzz_trace, &traced) && traced.value == value && traced.stable_until == answer.stable_until);
		needs = rule_needs(&env, rule, &context);
		REQUIRE(value != RULE_TRUE || !needs->never);
		rule_needs_release(&env, needs);
	}
}

/* What is accepted is printed as what parses to the same; what is not, is wrong at a place in the text. */
static bool
check_rule(const char *text, size_t size, const void *activity, size_t activity_size)
{
	RuleError	error = {0};
	Rule	   *rule = rule_parse(&env, text, size, &error);
	Rule	   *again;
	char	   *printed[2];
	size_t		sizes[2];

	if (rule == NULL)
	{
		REQUIRE(error.at <= size && error.expected != NULL);
		return false;
	}
	printed[0] = rule_print(&env, rule, &sizes[0]);
	again = rule_parse(&env, printed[0], sizes[0], &error);
	REQUIRE(again != NULL && again->num_nodes == rule->num_nodes);
	printed[1] = rule_print(&env, again, &sizes[1]);
	REQUIRE(sizes[0] == sizes[1] && memcmp(printed[0], printed[1], sizes[0]) == 0);
	evaluate_rule(again, activity, activity_size);
	env_release(&env, printed[0]);
	env_release(&env, printed[1]);
	rule_release(&env, rule);
	rule_release(&env, again);
	return true;
}

/* Some are compacted. */
static unsigned char *
make_activity(size_t *size)
{
	ActivityNames *names = activity_names_create(&env);
	ActivityEvents events = {NULL, 0, 0};
	unsigned char *bytes;

	for (int i = 0; i < 600; i++)
		activity_add(&env, &events, (ActivityEvent) {i * (ACTIVITY_DAY / 2), i % 3 == 0 ? ACTIVITY_NO_AMOUNT : (i % 5 - 1) * ACTIVITY_AMOUNT_UNIT, 1,
			activity_name(names, i % 2 == 0 || i < 300 ? "a" : "b", 1), ACTIVITY_EVENT});
	REQUIRE(activity_fold(&env, &events));
	bytes = activity_encode(&env, &events, names, 0, size);
	env_release(&env, events.events);
	activity_names_release(names);
	return bytes;
}

static bool
fuzz_rule(const uint8_t *data, size_t size)
{
	return check_rule((const char *) data, size, "", 0);
}

/* Each byte is a word, up to a byte 255; what follows are the bytes of an activity, or else there is one. */
static bool
fuzz_rule_words(const uint8_t *data, size_t size)
{
	static const char *const words[] = {"did(", "count(", "sum(", "avg(", "min(", "max(", "days(", "last(", "first(", "seq(", "did_not_after(", "regular(",
		"attr(", "score(", "rfm(", "lifecycle(", "in(", "bucket(", "consent(", "list(", "a", "b", "a", ")", ")", ",", ",", "(", " and ", " or ", "not ", "true", "false",
		">=", "<", "=", "<>", "1", "2", "0", "-1", "007.50", "99999999999999999999", "1 day", "36 hours", "7 days", "36525 days", "within ", "every ", "1 of 3", "this ", "previous ",
		"day", "week", "since ", "2026-01-31", "0001-01-01T00:00:00Z", "9999-12-31", "ever", "[amount", "]", "'", "\"", "''", "is null", " in (", "contains ", "younger than ",
		"older than ", "r 1-5", "f 2", "active", "new", "shop.vips", "\"Shop\".", " ", "\xc3\xa9", "$", "did(a)", "last(b) < 2 days", ".", "x"};
	static unsigned char *activity;
	static size_t activity_size;
	char	   *text = env_alloc(&env, size + 1, 24);
	char	   *end = text;
	size_t		length;
	size_t		n = 0;
	bool		accepted;

	for (; n < size && data[n] != 255; n++)
		end += sprintf(end, "%s", words[data[n] % (sizeof(words) / sizeof(words[0]))]);
	/* in a block of its own size */
	length = end - text;
	text = env_resize(&env, text, length, 1);
	if (activity == NULL)
		activity = make_activity(&activity_size);
	accepted = n < size ? check_rule(text, length, data + n + 1, size - n - 1) : check_rule(text, length, activity, activity_size);
	env_release(&env, text);
	return accepted;
}

/* --- survival, drop-off ------------------------------------------------------ */

/* Times ascend, whatever is read; S falls, and limits are on its sides. */
static bool
fuzz_survival(const uint8_t *data, size_t size)
{
	uint64_t	n;
	SurvivalTime *times = survival_decode(&env, data, size, &n);
	SurvivalCurve curve;
	double		before = 1;
	double		quantile[3];

	if (times == NULL)
		return false;
	curve = survival_begin(times, n);
	for (uint64_t i = 0; i < n; before = curve.survival, i++)
	{
		double		lower;
		double		upper;

		survival_step(&curve, &times[i]);
		REQUIRE(times[i].time >= 0 && isfinite(times[i].time) && (i == 0 || times[i].time > times[i - 1].time));
		REQUIRE(curve.survival >= 0 && curve.survival <= before && curve.next >= 0);
		for (SurvivalLimits type = SURVIVAL_PLAIN; type <= SURVIVAL_LOG_LOG; type++)
			if (survival_limits(curve.survival, curve.variance, 1.96, type, &lower, &upper))
				REQUIRE(lower >= 0 && lower <= curve.survival * (1 + 1e-9) && upper >= curve.survival * (1 - 1e-9) && upper <= 1);
	}
	REQUIRE(curve.next == 0);
	survival_quantile(times, n, 0.5, 1.96, SURVIVAL_LOG, quantile);
	env_release(&env, times);
	return survival_is_canonical(&env, data, size);
}

/* What is counted merges with itself or does not fit, and answers of it are shares and times. */
static bool
fuzz_dropoff(const uint8_t *data, size_t size)
{
	TriggerQuestion question = {10, 0.02, 3, 600, NULL};
	DropoffCounts counts;
	DropoffTable table;
	DropoffHazard hazard;
	DropoffCurve curve;
	TriggerEfficacy efficacy;
	TriggerAnswer answer;

	if (!dropoff_is_canonical(&env, data, size))
		return false;
	REQUIRE(dropoff_decode(&env, data, size, &counts));
	dropoff_table(&counts, counts.latest, &table);
	dropoff_hazard(&table, NULL, &hazard);
	dropoff_hazard(&table, &hazard, &hazard);
	dropoff_smooth(&hazard);
	dropoff_curve(&hazard, &curve);
	trigger_efficacy(&table, &efficacy);
	question.efficacy = &efficacy;
	answer = trigger_best(&curve, &question);
	REQUIRE(answer.t >= 3 && answer.t <= 600 && answer.still_here >= 0 && answer.still_here <= 1 && answer.reachable >= 0 && answer.reachable <= 1 + 1e-9);
	for (int bin = 0; bin < DROPOFF_BINS; bin++)
		REQUIRE(curve.survival[bin + 1] <= curve.survival[bin] && curve.exits[bin + 1] >= curve.exits[bin] && curve.exits[bin + 1] + curve.survival[bin + 1] <= 1 + 1e-9);
	dropoff_merge(&env, &counts, &counts);
	dropoff_release(&env, &counts);
	return true;
}

/* --- sets of ordinals ------------------------------------------------------- */

/* Two sets in one input: whatever they are, what is made of them is a set; and counts agree with each other, if both are sound. */
static bool
fuzz_ordinal_set(const uint8_t *data, size_t size)
{
	size_t		half = size == 0 ? 0 : data[0] % size;
	const uint8_t *bytes[2] = {data + (size > 0), data + half};
	size_t		sizes[2] = {half - (half > 0), size - half};
	bool		sound = ordinal_is_canonical(bytes[0], sizes[0]) && ordinal_is_canonical(bytes[1], sizes[1]);
	uint64_t	counts[3];
	OrdinalSet *set = ordinal_set_create(&env);
	OrdinalBytes at[2];

	for (OrdinalOp op = ORDINAL_OR; op <= ORDINAL_MINUS; op++)
	{
		OrdinalPair pair;
		OrdinalWalk walk;
		int64_t		ordinal;
		size_t		made_size;
		unsigned char *made;

		ordinal_pair_open(&pair, op, ordinal_bytes_open(&at[0], bytes[0], sizes[0]), ordinal_bytes_open(&at[1], bytes[1], sizes[1]));
		made = ordinal_write(&env, &pair.cursor, 0, &made_size);
		REQUIRE(!sound || ordinal_is_canonical(made, made_size));
		counts[op] = ordinal_count(ordinal_bytes_open(&at[0], made, made_size));
		ordinal_walk_begin(&walk, ordinal_bytes_open(&at[0], made, made_size));
		for (uint64_t n = 0; n < 100000 && ordinal_walk_next(&walk, &ordinal); n++)
			ordinal_set_add(set, ordinal);
		env_release(&env, made);
	}
	if (sound)
	{
		REQUIRE(counts[ORDINAL_AND] == ordinal_overlap(ordinal_bytes_open(&at[0], bytes[0], sizes[0]), ordinal_bytes_open(&at[1], bytes[1], sizes[1])));
		REQUIRE(counts[ORDINAL_OR] == counts[ORDINAL_MINUS] + ordinal_count(ordinal_bytes_open(&at[1], bytes[1], sizes[1])));
	}
	ordinal_set_release(set);
	return sound;
}

static bool (*const targets[]) (const uint8_t *data, size_t size) = {
	fuzz_plain_baskets,
	fuzz_weighted_baskets,
	fuzz_stored_vector,
	fuzz_received_vector,
	fuzz_basket,
	fuzz_pairs,
	fuzz_pair_row,
	fuzz_pair_delta,
	fuzz_counter_row,
	fuzz_activity,
	fuzz_rule,
	fuzz_rule_words,
	fuzz_survival,
	fuzz_dropoff,
	fuzz_ordinal_set,
	fuzz_response,
	fuzz_response_counts,
	fuzz_send_hours
};

bool
fuzz_input(const uint8_t *data, size_t size)
{
	uint8_t    *copy;
	bool		accepted;

	if (size == 0)
		return false;
	/* in a block of its own size, so that a read past the end is seen */
	copy = memcpy(malloc(size), data + 1, size - 1);
	copy = realloc(copy, size - 1 ? size - 1 : 1);
	accepted = targets[data[0] % (sizeof(targets) / sizeof(targets[0]))] (copy, size - 1);
	free(copy);
	return accepted;
}

#ifdef FUZZ_LIBFUZZER
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_input(data, size);
	return 0;
}
#endif
