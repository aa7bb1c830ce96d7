/*
 * test_listing.c
 *		Lists against the plainest way to make them, whatever their length; diversity against its definition; shuffles.
 */
#include "kernel/listing.h"

#include <stdlib.h>

#include "unit.h"

#define MAX_ITEMS 60
#define MAX_STREAMS 5
#define MAX_CAPS 3

static uint64_t state;

static uint32_t
below(uint64_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

/* --- a shop -------------------------------------------------------------------- */

typedef struct TestStream
{
	ListingStream pub;
	uint32_t	size;
	uint32_t	next;
	uint32_t	item[2 * MAX_ITEMS];
} TestStream;

typedef struct Shop
{
	uint32_t	num_items;
	int			num_streams;
	TestStream	stream[MAX_STREAMS];
	int			num_caps;
	uint32_t	most[MAX_CAPS];
	uint32_t	value[MAX_CAPS][MAX_ITEMS];
	uint32_t	num_slots;
	ListingSlot slot[10];
	uint32_t	explore_block;
	uint64_t	seed;
	uint32_t	refused;		/* calls of the hook */
} Shop;

static bool
next_of_stream(ListingStream *pub, uint32_t *item)
{
	TestStream *stream = (TestStream *) pub;

	if (stream->next == stream->size)
		return false;
	*item = stream->item[stream->next++];
	return true;
}

static uint32_t
value_of(void *arg, uint32_t item, int cap)
{
	return ((Shop *) arg)->value[cap][item];
}

static void
note_refused(void *arg, uint32_t item, int cap)
{
	((Shop *) arg)->refused++;
}

static Shop
random_shop(void)
{
	Shop		shop = {.num_items = 1 + below(MAX_ITEMS), .num_streams = 2 + below(MAX_STREAMS - 1), .num_caps = below(MAX_CAPS + 1)};

	for (int s = 0; s < shop.num_streams; s++)
	{
		shop.stream[s].pub.next = next_of_stream;
		shop.stream[s].size = below(2 * shop.num_items);
		for (uint32_t i = 0; i < shop.stream[s].size; i++)
			shop.stream[s].item[i] = below(shop.num_items);
	}
	for (int c = 0; c < shop.num_caps; c++)
	{
		uint32_t	num_values = 1 + below(200);

		shop.most[c] = 1 + below(4);
		for (uint32_t i = 0; i < shop.num_items; i++)
			shop.value[c][i] = below(6) == 0 ? LISTING_NO_VALUE : below(num_values);
	}
	shop.num_slots = below(6);
	for (uint32_t s = 0; s < shop.num_slots; s++)
		shop.slot[s] = (ListingSlot) {1 + below(20), (int) below(shop.num_streams)};
	shop.explore_block = below(3) ? 0 : 1 + below(6);
	shop.seed = unit_random(&state);
	return shop;
}

static Listing
open_listing(Shop *shop, ListingStream **streams)
{
	Listing		listing = {
		.env = unit_env(), .stream = streams, .num_slots = shop->num_slots, .slot = shop->slot, .explore_stream = 1,
		.explore_block = shop->explore_block, .seed = shop->seed, .num_caps = shop->num_caps, .most = shop->most,
		.value = value_of, .refused = note_refused, .arg = shop
	};

	for (int s = 0; s < shop->num_streams; s++)
	{
		streams[s] = &shop->stream[s].pub;
		streams[s]->ended = false;
		shop->stream[s].next = 0;
	}
	listing_init(&listing);
	return listing;
}

static void
close_listing(Listing *listing)
{
	for (int c = 0; c < listing->num_caps; c++)
		free(listing->count[c]);
	free(listing->count);
	free(listing->count_room);
	free(listing->used);
}

/* --- the plainest way ------------------------------------------------------------ */

/* Whether the list so far leaves room for the item under all caps. */
static bool
fits(const Shop *shop, const uint32_t *list, uint32_t size, uint32_t item)
{
	for (int c = 0; c < shop->num_caps; c++)
	{
		uint32_t	n = 0;

		for (uint32_t i = 0; i < size; i++)
			n += shop->value[c][list[i]] == shop->value[c][item];
		if (shop->value[c][item] != LISTING_NO_VALUE && n >= shop->most[c])
			return false;
	}
	return true;
}

/* A stream's first item that is neither in the list nor was refused before. */
static bool
plain_take(const Shop *shop, int s, uint32_t *list, uint32_t size, bool *refused)
{
	for (uint32_t i = 0; i < shop->stream[s].size; i++)
	{
		uint32_t	item = shop->stream[s].item[i];
		bool		listed = refused[item];

		for (uint32_t j = 0; j < size; j++)
			listed |= list[j] == item;
		if (listed)
			continue;
		if (fits(shop, list, size, item))
		{
			list[size] = item;
			return true;
		}
		refused[item] = true;
	}
	return false;
}

static uint32_t
plain_list(const Shop *shop, const Listing *turns, uint32_t *list)
{
	bool		refused[MAX_ITEMS] = {false};
	uint32_t	size = 0;

	while (plain_take(shop, listing_turn(turns, size + 1), list, size, refused) || plain_take(shop, 0, list, size, refused))
		size++;
	return size;
}

static void
test_lists(void)
{
	uint64_t	refused = 0;

	for (int round = 0; round < 3000; round++)
	{
		Shop		shop = random_shop();
		ListingStream *streams[MAX_STREAMS];
		Listing		listing = open_listing(&shop, streams);
		uint32_t	expected[MAX_ITEMS + 1];
		uint32_t	size = plain_list(&shop, &listing, expected);
		uint32_t	item;
		uint32_t	n = 0;
		int			stream;
		bool		same = true;

		while (listing_next(&listing, &item, &stream))
		{
			same = same && n < size && expected[n] == item;
			same = same && (stream == 0 || stream == listing_turn(&listing, n + 1));
			n++;
		}
		CHECK(same && n == size);
		refused += shop.refused;
		close_listing(&listing);
	}
	/* caps must have had something to do */
	CHECK(refused > 1000);
}

/* One position of every block, and not always the same one. */
static void
test_turns(void)
{
	uint32_t	at[7] = {0};

	for (uint64_t seed = 0; seed < 700; seed++)
	{
		Listing		listing = {.explore_stream = 1, .explore_block = 7, .seed = seed};

		for (uint32_t block = 0; block < 3; block++)
		{
			uint32_t	n = 0;

			for (uint32_t i = 0; i < 7; i++)
				if (listing_turn(&listing, 7 * block + i + 1) == 1)
				{
					n++;
					at[i]++;
				}
			CHECK(n == 1);
		}
	}
	for (uint32_t i = 0; i < 7; i++)
		CHECK(at[i] > 220 && at[i] < 380);
	CHECK(listing_turn(&(Listing) {.num_slots = 1, .slot = &(ListingSlot) {3, 2}, .explore_stream = 1, .explore_block = 1}, 3) == 2);
	CHECK(listing_turn(&(Listing) {.num_slots = 1, .slot = &(ListingSlot) {3, 2}}, 4) == 0);
}

/* --- orders ---------------------------------------------------------------------------- */

static double
plain_value(uint32_t n, const double *score, const float *similarity, double weight, const uint32_t *order, uint32_t place, uint32_t i)
{
	float		closest = 0;
	double		greatest = 0;

	for (uint32_t j = 0; j < n; j++)
		greatest = score[j] > greatest ? score[j] : greatest;
	for (uint32_t p = 0; p < place; p++)
		closest = similarity[order[p] * n + i] > closest ? similarity[order[p] * n + i] : closest;
	return (1 - weight) * (greatest > 0 ? score[i] / greatest : 0) - weight * closest;
}

/* Each place has the best of those that are left, the first of equals. */
static void
check_diverse(uint32_t n, const double *score, const float *similarity, double weight, const uint32_t *order)
{
	bool		taken[MAX_ITEMS] = {false};
	bool		right = true;

	for (uint32_t place = 0; place < n; place++)
	{
		double		chosen = plain_value(n, score, similarity, weight, order, place, order[place]);

		right = right && order[place] < n && !taken[order[place]];
		for (uint32_t i = 0; i < n; i++)
		{
			double		other = plain_value(n, score, similarity, weight, order, place, i);

			right = right && (taken[i] || i == order[place] || other < chosen || (other == chosen && i > order[place]));
		}
		taken[order[place]] = true;
	}
	CHECK(right);
}

static void
test_diversity(void)
{
	for (int round = 0; round < 300; round++)
	{
		uint32_t	n = below(MAX_ITEMS);
		double		weight = below(5) / 4.0;
		double		score[MAX_ITEMS];
		float	   *similarity = calloc(MAX_ITEMS * MAX_ITEMS, sizeof(float));
		uint32_t	order[MAX_ITEMS];

		for (uint32_t i = 0; i < n; i++)
		{
			score[i] = round % 10 == 0 ? 0 : below(20);
			for (uint32_t j = 0; j < i; j++)
				similarity[i * n + j] = similarity[j * n + i] = below(3) ? 0 : below(10) / 10.0f;
		}
		listing_diversify(unit_env(), n, score, similarity, weight, order);
		check_diverse(n, score, similarity, weight, order);
		free(similarity);
	}
}

static void
test_shuffle(void)
{
	for (int round = 0; round < 300; round++)
	{
		uint32_t	n = below(MAX_ITEMS);
		uint64_t	hash[MAX_ITEMS];
		uint32_t	order[MAX_ITEMS];
		bool		right = true;

		for (uint32_t i = 0; i < n; i++)
			hash[i] = below(n);
		listing_shuffle(unit_env(), n, hash, order);
		for (uint32_t i = 1; i < n; i++)
			right = right && (hash[order[i - 1]] < hash[order[i]] || (hash[order[i - 1]] == hash[order[i]] && order[i - 1] < order[i]));
		CHECK(right);
	}
}

void
test_listing(void)
{
	state = 8;
	RUN(test_lists);
	RUN(test_turns);
	RUN(test_diversity);
	RUN(test_shuffle);
}
