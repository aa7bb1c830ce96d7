/*
 * lookalike.c
 *		Which customers have the features of a seed set.
 */
#include "kernel/lookalike.h"

#include <math.h>

#define FIRST_ROOM 64

void
lookalike_init(Env *env, Lookalike *l)
{
	memset(l, 0, sizeof(*l));
	l->env = env;
	keyset_init(env, &l->features, false);
}

void
lookalike_release(Lookalike *l)
{
	keyset_release(l->env, &l->features);
	env_release(l->env, l->with);
	env_release(l->env, l->seeds_with);
	env_release(l->env, l->seen);
	env_release(l->env, l->weight);
}

size_t
lookalike_memory(const Lookalike *l)
{
	return keyset_memory(&l->features) + 4 * sizeof(uint64_t) * l->room;
}

static void
grow(Lookalike *l)
{
	uint32_t	room = l->room == 0 ? FIRST_ROOM : 2 * l->room;

	l->with = env_resize(l->env, l->with, room, sizeof(uint64_t));
	l->seeds_with = env_resize(l->env, l->seeds_with, room, sizeof(uint64_t));
	l->seen = env_resize(l->env, l->seen, room, sizeof(uint64_t));
	l->room = room;
}

/* Counts of a feature begin when it comes, so room that is not used yet costs nothing. */
static uint32_t
code_of(Lookalike *l, const void *feature, size_t size)
{
	uint32_t	known = l->features.size;
	uint32_t	code = keyset_add_bytes(l->env, &l->features, feature, size);

	if (code < known)
		return code;
	if (code == l->room)
		grow(l);
	l->with[code] = l->seeds_with[code] = l->seen[code] = 0;
	return code;
}

void
lookalike_begin(Lookalike *l, bool in_seed)
{
	l->customers++;
	l->seeds += in_seed;
	l->in_seed = in_seed;
	l->customer++;
}

void
lookalike_add(Lookalike *l, const void *feature, size_t size)
{
	uint32_t	code = code_of(l, feature, size);

	if (l->seen[code] == l->customer)
		return;
	l->seen[code] = l->customer;
	l->with[code]++;
	l->seeds_with[code] += l->in_seed;
}

void
lookalike_add_counts(Lookalike *l, const void *feature, size_t size, uint64_t with, uint64_t seeds_with)
{
	uint32_t	code = code_of(l, feature, size);

	l->with[code] += with;
	l->seeds_with[code] += seeds_with;
}

/* Codes are each state's own, so features meet by their names. */
void
lookalike_merge(Lookalike *l, const Lookalike *other)
{
	l->customers += other->customers;
	l->seeds += other->seeds;
	for (uint32_t code = 0; code < other->features.size; code++)
	{
		size_t		size;
		const char *feature = keyset_bytes(&other->features, code, &size);

		lookalike_add_counts(l, feature, size, other->with[code], other->seeds_with[code]);
	}
}

bool
lookalike_is_sound(const Lookalike *l)
{
	if (l->seeds > l->customers || l->customers > LOOKALIKE_MOST_CUSTOMERS)
		return false;
	for (uint32_t code = 0; code < l->features.size; code++)
		if (l->with[code] == 0 || l->seeds_with[code] > l->with[code] || l->seeds_with[code] > l->seeds
			|| l->with[code] - l->seeds_with[code] > l->customers - l->seeds)
			return false;
	return true;
}

/* The halves keep a feature that no seed has, or that all have, from deciding alone. */
void
lookalike_weigh(Lookalike *l)
{
	l->weight = env_resize(l->env, l->weight, l->features.size + UINT64_C(1), sizeof(int64_t));
	for (uint32_t code = 0; code < l->features.size; code++)
		l->weight[code] = (int64_t) rint(LOOKALIKE_UNIT * (log((l->seeds_with[code] + 0.5) / (l->seeds + 1.0)) - log((l->with[code] + 0.5) / (l->customers + 1.0))));
}

void
lookalike_rate_begin(Lookalike *l)
{
	l->customer++;
}

int64_t
lookalike_rate(Lookalike *l, const void *feature, size_t size)
{
	uint32_t	code = keyset_find_bytes(&l->features, feature, size);

	/* by the formula, with counts of 0, a new feature would speak for the seed, and all the more the smaller that is */
	if (code == KEYSET_NONE || l->seen[code] == l->customer)
		return 0;
	l->seen[code] = l->customer;
	return l->weight[code];
}
