/*
 * listing.c
 *		A list from streams of items.
 */
#include <stdlib.h>

#include "kernel/listing.h"

/* --- whose turn it is --------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014) of seed and block: which position of the block it is must not be guessed from the one before. */
static uint64_t
block_hash(uint64_t seed, uint64_t block)
{
	uint64_t	z = seed + (block + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool
is_for_exploration(const Listing *listing, uint32_t position)
{
	uint32_t	block = listing->explore_block;

	if (block == 0)
		return false;
	return (position - 1) % block == block_hash(listing->seed, (position - 1) / block) % block;
}

/* A slot was asked for by name, so it comes before exploration. */
int
listing_turn(const Listing *listing, uint32_t position)
{
	for (uint32_t s = 0; s < listing->num_slots; s++)
		if (listing->slot[s].position == position)
			return listing->slot[s].stream;
	return is_for_exploration(listing, position) ? listing->explore_stream : 0;
}

/* --- items and caps ------------------------------------------------------------ */

void
listing_init(Listing *listing)
{
	listing->position = 0;
	listing->used = NULL;
	listing->used_room = 0;
	listing->count = env_alloc0(listing->env, listing->num_caps + UINT64_C(1), sizeof(uint32_t *));
	listing->count_room = env_alloc0(listing->env, listing->num_caps + UINT64_C(1), sizeof(uint32_t));
}

bool
listing_used(const Listing *listing, uint32_t item)
{
	return item < listing->used_room && listing->used[item];
}

/* True the first time. */
static bool
use(Listing *listing, uint32_t item)
{
	if (item >= listing->used_room)
	{
		uint32_t	room = item < 500 ? 1000 : item * 2;

		listing->used = env_resize(listing->env, listing->used, room, 1);
		memset(listing->used + listing->used_room, 0, room - listing->used_room);
		listing->used_room = room;
	}
	if (listing->used[item])
		return false;
	listing->used[item] = 1;
	return true;
}

static uint32_t *
counter(Listing *listing, int cap, uint32_t value)
{
	uint32_t	old = listing->count_room[cap];

	if (value >= old)
	{
		uint32_t	room = value < 50 ? 100 : value * 2;

		listing->count[cap] = env_resize(listing->env, listing->count[cap], room, sizeof(uint32_t));
		memset(listing->count[cap] + old, 0, (room - old) * sizeof(uint32_t));
		listing->count_room[cap] = room;
	}
	return &listing->count[cap][value];
}

/* The first cap that is full for the item; -1: none. */
static int
full_cap(Listing *listing, uint32_t item)
{
	for (int c = 0; c < listing->num_caps; c++)
	{
		uint32_t	value = listing->value(listing->arg, item, c);

		if (value != LISTING_NO_VALUE && *counter(listing, c, value) >= listing->most[c])
			return c;
	}
	return -1;
}

static void
count_item(Listing *listing, uint32_t item)
{
	for (int c = 0; c < listing->num_caps; c++)
	{
		uint32_t	value = listing->value(listing->arg, item, c);

		if (value != LISTING_NO_VALUE)
			++*counter(listing, c, value);
	}
}

/* --- the list -------------------------------------------------------------------- */

/* The next item of a stream that may stand here; what a cap turns away is passed over for good. */
static bool
take(Listing *listing, int which, uint32_t *item)
{
	ListingStream *stream = listing->stream[which];

	while (!stream->ended)
	{
		int			cap;

		if (!stream->next(stream, item))
		{
			stream->ended = true;
			break;
		}
		if (!use(listing, *item))
			continue;
		cap = full_cap(listing, *item);
		if (cap < 0)
		{
			count_item(listing, *item);
			return true;
		}
		if (listing->refused != NULL)
			listing->refused(listing->arg, *item, cap);
	}
	return false;
}

bool
listing_next(Listing *listing, uint32_t *item, int *stream)
{
	env_check(listing->env, 0, 0);
	*stream = listing_turn(listing, ++listing->position);
	if (take(listing, *stream, item))
		return true;
	/* who has nothing left leaves the position to all */
	*stream = 0;
	return take(listing, 0, item);
}

/* --- orders ------------------------------------------------------------------------ */

void
listing_diversify(Env *env, uint32_t n, const double *score, const float *similarity, double weight, uint32_t *order)
{
	float	   *closest = env_alloc0(env, n + UINT64_C(1), sizeof(float));
	uint8_t    *chosen = env_alloc0(env, n + UINT64_C(1), 1);
	double		greatest = 0;

	for (uint32_t i = 0; i < n; i++)
		greatest = score[i] > greatest ? score[i] : greatest;
	for (uint32_t place = 0; place < n; place++)
	{
		uint32_t	best = UINT32_MAX;
		double		best_value = 0;

		for (uint32_t i = 0; i < n; i++)
		{
			double		relevance = greatest > 0 ? score[i] / greatest : 0;
			double		value = (1 - weight) * relevance - weight * closest[i];

			if (!chosen[i] && (best == UINT32_MAX || value > best_value))
			{
				best = i;
				best_value = value;
			}
		}
		order[place] = best;
		chosen[best] = 1;
		for (uint32_t i = 0; i < n; i++)
		{
			float		similar = similarity[(size_t) best * n + i];

			closest[i] = similar > closest[i] ? similar : closest[i];
		}
	}
	env_release(env, closest);
	env_release(env, chosen);
}

typedef struct HashedPlace
{
	uint64_t	hash;
	uint32_t	place;
} HashedPlace;

static int
compare_hashed(const void *a, const void *b)
{
	const HashedPlace *x = a;
	const HashedPlace *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

void
listing_shuffle(Env *env, uint32_t n, const uint64_t *hash, uint32_t *order)
{
	HashedPlace *hashed = env_alloc(env, n + UINT64_C(1), sizeof(HashedPlace));

	for (uint32_t i = 0; i < n; i++)
		hashed[i] = (HashedPlace) {hash[i], i};
	qsort(hashed, n, sizeof(HashedPlace), compare_hashed);
	for (uint32_t i = 0; i < n; i++)
		order[i] = hashed[i].place;
	env_release(env, hashed);
}
