/*
 * keyset.c
 *		Open addressing over codes; the keys themselves stand in arrays by code.
 *
 * So a slot takes four bytes, growing moves no key, and what counts per item can
 * be a plain array by code.
 */
#include "kernel/keyset.h"
#include "kernel/prefix_sort.h"

#define FIRST_ROOM	16
#define CHECK_EVERY 65536		/* keys between looks at interrupts */

/*
 * Ids are often sequential, or multiples of a power of two: the low bits, which choose the
 * slot, have to depend on all others.
 */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return x ^ (x >> 32);
}

/* Begins with the size, because a string and the same one with zeros behind it may end in the same word. */
static uint64_t
hash_bytes(const char *bytes, size_t size)
{
	uint64_t	hash = size;
	uint64_t	word = 0;

	for (; size >= 8; bytes += 8, size -= 8)
	{
		memcpy(&word, bytes, 8);
		hash = mix(hash ^ word);
	}
	word = 0;
	memcpy(&word, bytes, size);
	return mix(hash ^ word);
}

/* Hashes are computed again when the set grows: to keep them would take as much memory as the slots. */
static uint64_t
hash_code(const Keyset *set, uint32_t code)
{
	size_t		size;
	const char *bytes;

	if (set->numbers)
		return mix((uint64_t) set->number[code]);
	bytes = keyset_bytes(set, code, &size);
	return hash_bytes(bytes, size);
}

/* As many as the mask says, all free: KEYSET_NONE is 0xff in every byte. */
static void
make_slots(Env *env, Keyset *set)
{
	uint64_t	slots = set->mask + UINT64_C(1);

	set->slot = memset(env_alloc(env, slots, sizeof(uint32_t)), 0xff, slots * sizeof(uint32_t));
}

/* Small to begin with: GROUP BY may make a state, with its sets, for each of very many groups. */
void
keyset_init(Env *env, Keyset *set, bool numbers)
{
	*set = (Keyset) {.numbers = numbers, .room = FIRST_ROOM, .mask = 2 * FIRST_ROOM - 1};
	if (numbers)
		set->number = env_alloc(env, set->room, sizeof(int64_t));
	else
	{
		/* as much as that many uuids take */
		set->bytes_room = FIRST_ROOM * 16;
		set->bytes = env_alloc(env, set->bytes_room, 1);
		set->start = env_alloc0(env, set->room + 1, sizeof(uint64_t));
	}
	make_slots(env, set);
}

/* The set is empty afterwards, so that to release it twice does no harm. */
void
keyset_release(Env *env, Keyset *set)
{
	env_release(env, set->number);
	env_release(env, set->start);
	env_release(env, set->bytes);
	env_release(env, set->slot);
	*set = (Keyset) {0};
}

/* Every code hashed into twice as many slots as there is room, a power of two: half of them stay free, so that probing ends soon. */
static void
set_room(Env *env, Keyset *set, uint32_t room)
{
	set->room = room;
	set->mask = room * 2 - 1;
	if (set->numbers)
		set->number = env_resize(env, set->number, set->room, sizeof(int64_t));
	else
		set->start = env_resize(env, set->start, set->room + UINT64_C(1), sizeof(uint64_t));
	env_release(env, set->slot);
	make_slots(env, set);
	for (uint32_t code = 0; code < set->size; code++)
	{
		uint32_t	at;

		if (code % CHECK_EVERY == 0)
			env_check(env, 0, 0);
		/* no key is there twice, so there is nothing to compare */
		at = hash_code(set, code) & set->mask;

		while (set->slot[at] != KEYSET_NONE)
			at = (at + 1) & set->mask;
		set->slot[at] = code;
	}
}

static void
grow(Env *env, Keyset *set)
{
	/* the numbers of slots end at 32 bits; asking for too much is how a kernel fails */
	if (set->room > UINT32_MAX / 2)
		env_alloc(env, UINT64_MAX, sizeof(int64_t));
	set_room(env, set, set->room * 2);
}

void
keyset_reserve(Env *env, Keyset *set, uint32_t room)
{
	uint32_t	power = set->room;

	while (power < room && power <= UINT32_MAX / 4)
		power *= 2;
	if (power > set->room)
		set_room(env, set, power);
}

/* The slot of a number: the one that holds it, or the free one where it belongs. */
static uint32_t
number_slot(const Keyset *set, int64_t number)
{
	uint32_t	at = mix((uint64_t) number) & set->mask;

	while (set->slot[at] != KEYSET_NONE && set->number[set->slot[at]] != number)
		at = (at + 1) & set->mask;
	return at;
}

/* The same for bytes; sizes settle most cases without a look at the bytes, which are elsewhere in memory. */
static uint32_t
bytes_slot(const Keyset *set, const char *bytes, size_t size)
{
	uint32_t	at = hash_bytes(bytes, size) & set->mask;

	for (; set->slot[at] != KEYSET_NONE; at = (at + 1) & set->mask)
	{
		size_t		other_size;
		const char *other = keyset_bytes(set, set->slot[at], &other_size);

		if (other_size == size && memcmp(other, bytes, size) == 0)
			break;
	}
	return at;
}

/* A free slot holds KEYSET_NONE, which is just what is to be said of a key that is not there. */
uint32_t
keyset_find_number(const Keyset *set, int64_t number)
{
	return set->slot[number_slot(set, number)];
}

uint32_t
keyset_find_bytes(const Keyset *set, const void *bytes, size_t size)
{
	return set->slot[bytes_slot(set, bytes, size)];
}

/* Looks first: most keys that come are there already, and those must not make the set grow. */
uint32_t
keyset_add_number(Env *env, Keyset *set, int64_t number)
{
	uint32_t	at = number_slot(set, number);

	if (set->slot[at] != KEYSET_NONE)
		return set->slot[at];
	if (set->size == set->room)
	{
		grow(env, set);
		/* the slots are others now */
		at = number_slot(set, number);
	}
	set->number[set->size] = number;
	return set->slot[at] = set->size++;
}

uint32_t
keyset_add_bytes(Env *env, Keyset *set, const void *bytes, size_t size)
{
	uint32_t	at = bytes_slot(set, bytes, size);
	uint64_t	end;

	if (set->slot[at] != KEYSET_NONE)
		return set->slot[at];
	/* counted in keys, not in bytes, which have their own room below */
	if (set->size == set->room)
	{
		grow(env, set);
		at = bytes_slot(set, bytes, size);
	}
	/* twice as much each time, so that moving stays linear; one key alone may be larger than that */
	end = set->start[set->size] + size;
	if (end > set->bytes_room)
	{
		set->bytes_room = end > set->bytes_room * 2 ? end : set->bytes_room * 2;
		set->bytes = env_resize(env, set->bytes, set->bytes_room, 1);
	}
	memcpy(set->bytes + set->start[set->size], bytes, size);
	/* keys stand without a gap, so an end is the next one's start */
	set->start[set->size + 1] = end;
	return set->slot[at] = set->size++;
}

/* Of the same kind, as both keys come from columns of one type; what differs between sets is the codes. */
uint32_t
keyset_add_from(Env *env, Keyset *set, const Keyset *other, uint32_t code)
{
	size_t		size;
	const char *bytes;

	if (set->numbers)
		return keyset_add_number(env, set, other->number[code]);
	bytes = keyset_bytes(other, code, &size);
	return keyset_add_bytes(env, set, bytes, size);
}

/* What is allocated, used or not. */
size_t
keyset_memory(const Keyset *set)
{
	return (set->mask + (size_t) 1) * sizeof(uint32_t) + set->room * sizeof(int64_t) + set->bytes_room;
}

/* By unsigned bytes, under any collation of the database: a beginning stands before what it begins. */
static int
compare_bytes(const void *things, uint64_t one, uint64_t two)
{
	const Keyset *set = things;
	size_t		size_one;
	size_t		size_two;
	const char *a = keyset_bytes(set, one, &size_one);
	const char *b = keyset_bytes(set, two, &size_two);
	int			order = memcmp(a, b, size_one < size_two ? size_one : size_two);

	return order != 0 ? order : (size_one > size_two) - (size_one < size_two);
}

/* The first eight bytes as a number that orders like them; a number with its sign turned. */
static uint64_t
key_prefix(const Keyset *set, uint32_t code)
{
	unsigned char first[8] = {0};
	uint64_t	prefix = 0;
	size_t		size;
	const char *bytes;

	if (set->numbers)
		return (uint64_t) set->number[code] ^ UINT64_C(1) << 63;
	bytes = keyset_bytes(set, code, &size);
	/* a short key ends in zeros here, and ties with one that really does: that is compared */
	memcpy(first, bytes, size < 8 ? size : 8);
	for (int i = 0; i < 8; i++)
		prefix = prefix << 8 | first[i];
	return prefix;
}

uint32_t *
keyset_order(Env *env, const Keyset *set)
{
	/* one more than needed: an empty set asks for some memory, too */
	PrefixRecord *record = env_alloc(env, set->size + UINT64_C(1), sizeof(PrefixRecord));
	uint32_t   *order = env_alloc(env, set->size + UINT64_C(1), sizeof(uint32_t));

	for (uint32_t code = 0; code < set->size; code++)
	{
		if (code % CHECK_EVERY == 0)
			env_check(env, 0, 0);
		record[code] = (PrefixRecord) {key_prefix(set, code), code};
	}
	/* numbers are all prefix and never tie, so they are never compared */
	prefix_sort(env, record, set->size, compare_bytes, set);
	for (uint32_t place = 0; place < set->size; place++)
		/* the inverse of the sort: who asks has codes and wants places */
		order[record[place].id] = place;
	env_release(env, record);
	return order;
}
