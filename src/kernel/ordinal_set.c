/*
 * ordinal_set.c
 *		Sets of ordinal_set.h in memory.
 *
 * Chunks stand in the order in which they came and are found by a hash of their number, so that a look-up costs the same in a set of customers
 * numbered from 1 and in one of random keys.  A chunk has room for four places in itself, then a list, and from MAX_PLACES members on a bitmap; all full
 * ones share theirs.
 */
#include "kernel/ordinal_set.h"

#include "kernel/radix.h"

#define OWN_PLACES 4
#define MAX_PLACES 64			/* a search among more takes longer than a look at a bitmap */

typedef struct Chunk
{
	int64_t		number;
	uint32_t	count;
	uint32_t	capacity;		/* of the list of places; 0: a bitmap */
	union
	{
		unsigned char own[2 * OWN_PLACES];	/* capacity is OWN_PLACES */
		unsigned char *body;	/* ordinal_full, which nobody writes to, or the chunk's own */
	}			u;
} Chunk;

struct OrdinalSet
{
	Env		   *env;
	Chunk	   *chunks;
	uint64_t	n;
	uint64_t	capacity;
	uint64_t   *slots;			/* by hash: place of a chunk plus one, or 0 */
	uint64_t	num_slots;		/* a power of two */
	uint64_t	count;
	uint64_t	memory;			/* of everything but this struct */
	bool		unsorted;
};

OrdinalSet *
ordinal_set_create(Env *env)
{
	OrdinalSet *set = env_alloc0(env, 1, sizeof(OrdinalSet));

	set->env = env;
	return set;
}

/* Frees what a chunk has of its own. */
static void
release_body(OrdinalSet *set, const Chunk *c)
{
	if (c->capacity == OWN_PLACES || c->u.body == ordinal_full)
		return;
	set->memory -= c->capacity == 0 ? ORDINAL_BITMAP : 2 * c->capacity;
	env_release(set->env, c->u.body);
}

void
ordinal_set_release(OrdinalSet *set)
{
	Env		   *env = set->env;

	for (uint64_t i = 0; i < set->n; i++)
		release_body(set, &set->chunks[i]);
	env_release(env, set->chunks);
	env_release(env, set->slots);
	env_release(env, set);
}

uint64_t
ordinal_set_count(const OrdinalSet *set)
{
	return set->count;
}

uint64_t
ordinal_set_memory(const OrdinalSet *set)
{
	return set->memory;
}

static inline OrdinalChunk
look_at(const Chunk *c)
{
	return (OrdinalChunk) {c->number, c->count, c->capacity == 0, c->capacity == OWN_PLACES ? c->u.own : c->u.body};
}

/* --- chunks by number ------------------------------------------------------- */

static inline uint64_t
slot_of(const OrdinalSet *set, int64_t number)
{
	/* the upper half of a product with the golden section: close numbers fall far apart */
	return ((uint64_t) number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (set->num_slots - 1);
}

static inline Chunk *
find(const OrdinalSet *set, int64_t number)
{
	if (set->num_slots == 0)
		return NULL;
	for (uint64_t slot = slot_of(set, number);; slot = (slot + 1) & (set->num_slots - 1))
	{
		uint64_t	place = set->slots[slot];

		if (place == 0)
			return NULL;
		if (set->chunks[place - 1].number == number)
			return &set->chunks[place - 1];
	}
}

static void
fill_slots(OrdinalSet *set)
{
	memset(set->slots, 0, set->num_slots * sizeof(uint64_t));
	for (uint64_t i = 0; i < set->n; i++)
	{
		uint64_t	slot = slot_of(set, set->chunks[i].number);

		while (set->slots[slot] != 0)
			slot = (slot + 1) & (set->num_slots - 1);
		set->slots[slot] = i + 1;
	}
}

/* Slots are twice the chunks at least. */
static void
grow(OrdinalSet *set)
{
	uint64_t	before = set->capacity * sizeof(Chunk) + set->num_slots * sizeof(uint64_t);

	env_check(set->env, 0, 0);
	set->capacity = set->capacity == 0 ? 8 : 2 * set->capacity;
	set->chunks = env_resize(set->env, set->chunks, set->capacity, sizeof(Chunk));
	set->num_slots = 2 * set->capacity;
	set->slots = env_resize(set->env, set->slots, set->num_slots, sizeof(uint64_t));
	set->memory += set->capacity * sizeof(Chunk) + set->num_slots * sizeof(uint64_t) - before;
	fill_slots(set);
}

static Chunk *
find_or_make(OrdinalSet *set, int64_t number)
{
	Chunk	   *c = find(set, number);
	uint64_t	slot;

	if (c != NULL)
		return c;
	if (set->n == set->capacity)
		grow(set);
	set->unsorted |= set->n > 0 && set->chunks[set->n - 1].number > number;
	c = &set->chunks[set->n++];
	*c = (Chunk) {number, 0, OWN_PLACES, {{0}}};
	for (slot = slot_of(set, number); set->slots[slot] != 0;)
		slot = (slot + 1) & (set->num_slots - 1);
	set->slots[slot] = set->n;
	return c;
}

/* --- members ---------------------------------------------------------------- */

bool
ordinal_set_contains(const OrdinalSet *set, int64_t ordinal)
{
	const Chunk *c = find(set, ordinal_chunk_number(ordinal));
	OrdinalChunk look;

	if (c == NULL)
		return false;
	look = look_at(c);
	return ordinal_chunk_contains(&look, ordinal_place(ordinal));
}

static void
become_bitmap(OrdinalSet *set, Chunk *c)
{
	OrdinalChunk look = look_at(c);
	unsigned char *bitmap = env_alloc(set->env, ORDINAL_BITMAP, 1);

	ordinal_chunk_bitmap(&look, bitmap);
	release_body(set, c);
	set->memory += ORDINAL_BITMAP;
	c->u.body = bitmap;
	c->capacity = 0;
}

static void
make_room(OrdinalSet *set, Chunk *c)
{
	unsigned char *body;
	uint32_t	capacity = 4 * c->capacity;

	if (capacity > MAX_PLACES)
	{
		become_bitmap(set, c);
		return;
	}
	body = env_alloc(set->env, capacity, 2);
	memcpy(body, look_at(c).body, 2 * c->count);
	release_body(set, c);
	set->memory += 2 * capacity;
	c->u.body = body;
	c->capacity = capacity;
}

/* Where a place is in a list, or would be. */
static uint32_t
search(const unsigned char *places, uint32_t count, uint32_t place)
{
	uint32_t	at = 0;

	/* lists are short */
	while (at < count && (places[2 * at] | places[2 * at + 1] << 8) < place)
		at++;
	return at;
}

static void
add_to_list(Chunk *c, uint32_t place)
{
	unsigned char *places = c->capacity == OWN_PLACES ? c->u.own : c->u.body;
	uint32_t	at = search(places, c->count, place);

	memmove(places + 2 * at + 2, places + 2 * at, 2 * (c->count - at));
	places[2 * at] = (unsigned char) place;
	places[2 * at + 1] = (unsigned char) (place >> 8);
}

/* What has become full needs no bitmap of its own. */
static void
settle(OrdinalSet *set, Chunk *c)
{
	if (c->count < ORDINAL_PLACES)
		return;
	release_body(set, c);
	c->capacity = 0;
	c->u.body = (unsigned char *) ordinal_full;
}

static bool
add_to_chunk(OrdinalSet *set, Chunk *c, uint32_t place)
{
	OrdinalChunk look = look_at(c);

	if (ordinal_chunk_contains(&look, place))
		return false;
	if (c->capacity == c->count)
		make_room(set, c);
	if (c->capacity == 0)
		c->u.body[place / 8] |= (unsigned char) (1 << place % 8);
	else
		add_to_list(c, place);
	c->count++;
	set->count++;
	settle(set, c);
	return true;
}

bool
ordinal_set_add(OrdinalSet *set, int64_t ordinal)
{
	return add_to_chunk(set, find_or_make(set, ordinal_chunk_number(ordinal)), ordinal_place(ordinal));
}

/* Chunks stay, empty or not, as more may come. */
bool
ordinal_set_remove(OrdinalSet *set, int64_t ordinal)
{
	Chunk	   *c = find(set, ordinal_chunk_number(ordinal));
	uint32_t	place = ordinal_place(ordinal);
	OrdinalChunk look;

	if (c == NULL)
		return false;
	look = look_at(c);
	if (!ordinal_chunk_contains(&look, place))
		return false;
	if (c->u.body == ordinal_full && c->capacity == 0)
		become_bitmap(set, c);
	if (c->capacity == 0)
		c->u.body[place / 8] &= (unsigned char) ~(1 << place % 8);
	else
	{
		unsigned char *places = c->capacity == OWN_PLACES ? c->u.own : c->u.body;
		uint32_t	at = search(places, c->count, place);

		memmove(places + 2 * at, places + 2 * at + 2, 2 * (c->count - at - 1));
	}
	c->count--;
	set->count--;
	return true;
}

void
ordinal_set_add_chunk(OrdinalSet *set, const OrdinalChunk *chunk)
{
	Chunk	   *c;

	if (chunk->count == 0)
		return;
	c = find_or_make(set, chunk->number);
	if (!chunk->dense && chunk->count + c->count <= MAX_PLACES)
	{
		for (uint32_t i = 0; i < chunk->count; i++)
			add_to_chunk(set, c, (chunk->body[2 * i] | (uint32_t) chunk->body[2 * i + 1] << 8) % ORDINAL_PLACES);
		return;
	}
	set->count -= c->count;
	if (c->count < ORDINAL_PLACES && chunk->count < ORDINAL_PLACES)
	{
		if (c->capacity != 0)
			become_bitmap(set, c);
		c->count = ordinal_chunk_merge(c->u.body, chunk);
	}
	else
		c->count = ORDINAL_PLACES;
	set->count += c->count;
	settle(set, c);
}

void
ordinal_set_add_range(OrdinalSet *set, int64_t first, int64_t last)
{
	for (int64_t number = ordinal_chunk_number(first); first <= last && number <= ordinal_chunk_number(last); number++)
	{
		uint32_t	from = number == ordinal_chunk_number(first) ? ordinal_place(first) : 0;
		uint32_t	to = number == ordinal_chunk_number(last) ? ordinal_place(last) : ORDINAL_PLACES - 1;
		unsigned char bitmap[ORDINAL_BITMAP] = {0};
		OrdinalChunk chunk;

		env_check(set->env, 0, 0);
		chunk = (OrdinalChunk) {number, to - from + 1, true, bitmap};
		if (chunk.count == ORDINAL_PLACES)
			chunk.body = ordinal_full;
		for (uint32_t place = from; place <= to && chunk.body == bitmap; place++)
			bitmap[place / 8] |= (unsigned char) (1 << place % 8);
		ordinal_set_add_chunk(set, &chunk);
	}
}

/* --- in order --------------------------------------------------------------- */

static void
sort(OrdinalSet *set)
{
	uint64_t   *keys = env_alloc(set->env, set->n, 2 * sizeof(uint64_t));
	uint64_t   *scratch = env_alloc(set->env, set->n, 2 * sizeof(uint64_t));
	Chunk	   *sorted = env_alloc(set->env, set->capacity, sizeof(Chunk));

	for (uint64_t i = 0; i < set->n; i++)
	{
		/* negative numbers come first */
		keys[2 * i] = (uint64_t) set->chunks[i].number ^ UINT64_C(1) << 63;
		keys[2 * i + 1] = i;
	}
	radix_sort_checked(set->env, keys, scratch, set->n, 2, 1);
	for (uint64_t i = 0; i < set->n; i++)
		sorted[i] = set->chunks[keys[2 * i + 1]];
	env_release(set->env, keys);
	env_release(set->env, scratch);
	env_release(set->env, set->chunks);
	set->chunks = sorted;
	set->unsorted = false;
	fill_slots(set);
}

static bool
next_of_set(OrdinalCursor *cursor, OrdinalChunk *chunk)
{
	OrdinalSetCursor *c = (OrdinalSetCursor *) cursor;

	while (c->place < c->set->n)
	{
		*chunk = look_at(&c->set->chunks[c->place++]);
		if (chunk->count > 0)
			return true;
	}
	return false;
}

OrdinalCursor *
ordinal_set_open(OrdinalSetCursor *cursor, OrdinalSet *set)
{
	if (set->unsorted)
		sort(set);
	*cursor = (OrdinalSetCursor) {{next_of_set, false}, set, 0};
	return &cursor->cursor;
}

void
ordinal_set_add_all(OrdinalSet *set, OrdinalCursor *cursor)
{
	OrdinalChunk chunk;

	while (cursor->next(cursor, &chunk))
	{
		env_check(set->env, 0, 0);
		ordinal_set_add_chunk(set, &chunk);
	}
}

OrdinalSet *
ordinal_set_combine(Env *env, OrdinalOp op, OrdinalSet *a, OrdinalSet *b)
{
	OrdinalSet *set = ordinal_set_create(env);
	OrdinalSetCursor at_a;
	OrdinalSetCursor at_b;
	OrdinalPair pair;

	ordinal_set_add_all(set, ordinal_pair_open(&pair, op, ordinal_set_open(&at_a, a), ordinal_set_open(&at_b, b)));
	return set;
}
