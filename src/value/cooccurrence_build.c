/*
 * cooccurrence_build.c
 *		From baskets to the canonical value, and back.
 */
#include "base/compat.h"

#include "utils/memutils.h"
#include "utils/uuid.h"

#include "base/module.h"
#include "value/cooccurrence.h"

/* Bytes that building takes for each list, entry and item: the lists, their order, one transposition, the ranks. */
#define BUILD_PER_LIST		60
#define BUILD_PER_ENTRY		16
#define BUILD_PER_ITEM		64

#define LARGE_HINT "Build a matrix for each day or month and roll up only those that are read together, or use a maintained model."

/*
 * Every function reads a value through this one: bytes of a later version must not be
 * taken for this one's.
 */
Cooccurrence *
cooccurrence_check(Cooccurrence *m)
{
	if (m->version != COOCCURRENCE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("co-occurrence matrix has unknown version %d", m->version),
				 errdetail("This library reads version %d.", COOCCURRENCE_VERSION),
				 errhint("Install the version of the extension that wrote it, or a later one.")));
	return m;
}

/* As a struct, so that two values can be told apart by what must agree in a merge. */
CooccurrenceKind
cooccurrence_kind(const Cooccurrence *m)
{
	return (CooccurrenceKind) {m->key_type, (m->flags & COOCCURRENCE_WEIGHTED) != 0, m->damping};
}

/*
 * Before allocation, and with both figures: running out of memory would take the server's
 * other sessions along.
 */
void
cooccurrence_check_memory(Size bytes, const char *what)
{
	if (bytes > (Size) personalize_matrix_mem * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s needs %zu MB, personalize.matrix_mem allows %d MB",
						what, bytes / 1024 / 1024 + 1, personalize_matrix_mem / 1024),
				 errhint("Raise personalize.matrix_mem, or work on fewer baskets at a time.")));
}

/* Overflow of the product is an error of its own, which add_size and mul_size raise. */
void
cooccurrence_check_build(const CooccurrenceBuilder *builder, uint64 lists, uint64 entries)
{
	const Baskets *b = &builder->baskets;
	Size		bytes = add_size(keyset_memory(&builder->keys), mul_size(builder->keys.size, BUILD_PER_ITEM));

	lists += b->num_lists;
	entries += b->start[b->num_lists];
	bytes = add_size(bytes, add_size(mul_size(lists, BUILD_PER_LIST), mul_size(entries, BUILD_PER_ENTRY)));
	if (lists > BASKETS_MAX_LISTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many baskets for one co-occurrence matrix: " UINT64_FORMAT, lists),
				 errhint(LARGE_HINT)));
	cooccurrence_check_memory(bytes, "building the co-occurrence matrix");
}

/* --- building ----------------------------------------------------------- */

/*
 * Baskets come in any order, under codes in the order of arrival.  Only the end knows how
 * popular each item is, so ranks, the order of the lists and the bytes are made there, in
 * one go: that is what makes a value independent of how it came about.
 */
void
cooccurrence_builder_init(CooccurrenceBuilder *builder, CooccurrenceKind kind)
{
	server_env_init(&builder->server, CurrentMemoryContext);
	builder->kind = kind;
	/* -0 is 0 in other bytes, and values are equal when their bytes are */
	builder->kind.damping += 0.0;
	builder->single = NULL;
	builder->single_room = 0;
	keyset_init(&builder->server.env, &builder->keys, key_is_number(kind.key_type));
	baskets_init(&builder->server.env, &builder->baskets, kind.weighted);
}

/* By code, in an array that grows with the codes: sets of keys and counts are filled together. */
static void
count_single(CooccurrenceBuilder *builder, uint32 code, uint64 repeat)
{
	if (code >= builder->single_room)
	{
		uint32		room = Max(code + 1, builder->single_room * 2);

		/* twice as much, so that new items one at a time stay cheap */
		builder->single = env_resize(&builder->server.env, builder->single, room, sizeof(uint64));
		memset(builder->single + builder->single_room, 0, (room - builder->single_room) * sizeof(uint64));
		builder->single_room = room;
	}
	builder->single[code] += repeat;
}

void
cooccurrence_builder_reserve(CooccurrenceBuilder *builder, uint64 size)
{
	Baskets    *b = &builder->baskets;

	/* looked at when arrays grow: how many baskets are distinct, or of one item, shows only as they come */
	if (b->num_lists == b->lists_room || b->start[b->num_lists] + size > b->items_room)
		cooccurrence_check_build(builder, 1, size);
	baskets_reserve(&builder->server.env, b, size);
}

void
cooccurrence_builder_close(CooccurrenceBuilder *builder, uint64 size, uint32 repeat)
{
	Baskets    *b = &builder->baskets;

	/* most baskets of most shops hold one item; a count is all there is to say of them */
	if (size == 1 && !builder->kind.weighted)
		count_single(builder, b->item[b->start[b->num_lists]], repeat);
	else
		baskets_close(b, size, repeat);
}

/* Each with its own message, because each has another remedy. */
static void
check_same_kind(CooccurrenceKind one, CooccurrenceKind two)
{
	if (one.key_type != two.key_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("cannot merge co-occurrence matrices of %s and %s items",
						key_type_name(one.key_type), key_type_name(two.key_type)),
				 errhint("Build both with the same item type.")));
	if (one.weighted != two.weighted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot merge a weighted co-occurrence matrix with one that is not")));
	if (one.damping != two.damping)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot merge co-occurrence matrices with damping %g and %g",
						one.damping, two.damping)));
}

void
cooccurrence_builder_add(CooccurrenceBuilder *builder, const Cooccurrence *m)
{
	Env		   *env = &builder->server.env;
	Baskets    *b = &builder->baskets;
	Keyset		keys;
	Baskets		part;
	uint32	   *code;

	check_same_kind(builder->kind, cooccurrence_kind(m));
	/* in full before anything of it is decoded */
	cooccurrence_check_build(builder, m->num_lists, m->num_entries);
	cooccurrence_read_keys(env, m, &keys);
	cooccurrence_read_baskets(env, m, &part);
	/* codes of the part to codes of the whole: keys are looked up once, not once an entry */
	code = env_alloc(env, keys.size + UINT64CONST(1), sizeof(uint32));
	for (uint32 i = 0; i < keys.size; i++)
		code[i] = keyset_add_from(env, &builder->keys, &keys, i);
	for (uint64 l = 0; l < part.num_lists; l++)
	{
		uint64		size = part.start[l + 1] - part.start[l];
		uint64		at;

		if (l % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		cooccurrence_builder_reserve(builder, size);
		at = b->start[b->num_lists];
		for (uint64 e = 0; e < size; e++)
			b->item[at + e] = code[part.item[part.start[l] + e]];
		if (b->weight)
			memcpy(b->weight + at, part.weight + part.start[l], size * sizeof(uint32));
		cooccurrence_builder_close(builder, size, part.repeat[l]);
	}
	env_release(env, code);
	keyset_release(env, &keys);
	baskets_release(env, &part);
}

/* Baskets of one item become lists like the others, one for each item. */
static void
append_singles(CooccurrenceBuilder *builder)
{
	Baskets    *b = &builder->baskets;

	for (uint32 code = 0; code < builder->single_room; code++)
		for (uint64 left = builder->single[code]; left > 0;)
		{
			/* a count of more than 32 bits becomes several lists, as it does when lists are folded */
			uint32		repeat = (uint32) Min(left, UINT32_MAX);

			baskets_reserve(&builder->server.env, b, 1);
			b->item[b->start[b->num_lists]] = code;
			baskets_close(b, 1, repeat);
			left -= repeat;
		}
}

/* Counts what put_keys writes; the value is allocated between the two. */
static Size
keys_size(const CooccurrenceBuilder *builder, const uint32 *code)
{
	Size		total = 0;
	size_t		size;

	for (uint32 r = 0; r < builder->keys.size; r++)
		if (builder->keys.numbers)
			total += wire_varint_size(wire_zigzag(builder->keys.number[code[r]]));
		else
		{
			keyset_bytes(&builder->keys, code[r], &size);
			total += size + (builder->kind.key_type == KEY_UUID ? 0 : wire_varint_size(size));
		}
	return total;
}

/* By rank, so that a key's place is the number that lists use for it: no table of codes is stored. */
static unsigned char *
put_keys(const CooccurrenceBuilder *builder, const uint32 *code, unsigned char *out)
{
	for (uint32 r = 0; r < builder->keys.size; r++)
		if (builder->keys.numbers)
			out = wire_put_varint(out, wire_zigzag(builder->keys.number[code[r]]));
		else
		{
			size_t		size;
			const char *bytes = keyset_bytes(&builder->keys, code[r], &size);

			/* all uuids have one size */
			if (builder->kind.key_type != KEY_UUID)
				out = wire_put_varint(out, size);
			memcpy(out, bytes, size);
			out += size;
		}
	return out;
}

/* Zeroed first: equal values have equal bytes, also between their fields. */
static Cooccurrence *
encode(CooccurrenceBuilder *builder, const uint32 *code)
{
	const Baskets *b = &builder->baskets;
	Size		keys = keys_size(builder, code);
	Size		size = add_size(offsetof(Cooccurrence, data), add_size(keys, baskets_encoded_size(b)));
	Cooccurrence *m;

	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("co-occurrence matrix of %zu MB exceeds the 1 GB that a value can hold", size / 1024 / 1024),
				 errdetail("It has %u items and " UINT64_FORMAT " distinct baskets.", builder->keys.size, b->num_lists),
				 errhint(LARGE_HINT)));
	m = palloc0(size);
	SET_VARSIZE(m, size);
	m->version = COOCCURRENCE_VERSION;
	m->key_type = builder->kind.key_type;
	m->flags = builder->kind.weighted ? COOCCURRENCE_WEIGHTED : 0;
	m->num_items = builder->keys.size;
	m->keys_size = keys;
	m->damping = builder->kind.damping;
	m->num_lists = b->num_lists;
	m->num_entries = b->start[b->num_lists];
	/* counted here, where repeats are final */
	for (uint64 l = 0; l < b->num_lists; l++)
		m->num_baskets += baskets_repeat(b, l);
	baskets_encode(b, put_keys(builder, code, (unsigned char *) m->data));
	return m;
}

/* The builder is spent afterwards, and its memory given back: input functions run in the caller's context. */
Cooccurrence *
cooccurrence_builder_finish(CooccurrenceBuilder *builder)
{
	Env		   *env = &builder->server.env;
	uint32	   *order = keyset_order(env, &builder->keys);
	uint32	   *code;
	Cooccurrence *m;

	/* only now: they count for the ranks, but were in nobody's way while baskets came in */
	append_singles(builder);
	cooccurrence_check_build(builder, 0, 0);
	builder->baskets.num_items = builder->keys.size;
	code = baskets_rank(env, &builder->baskets, order);
	baskets_fold(env, &builder->baskets);
	/* what follows is two passes over all entries, in order and so quick */
	env_check(env, 0, 0);
	m = encode(builder, code);
	env_release(env, order);
	env_release(env, code);
	env_release(env, builder->single);
	keyset_release(env, &builder->keys);
	baskets_release(env, &builder->baskets);
	return m;
}

/* --- reading back ------------------------------------------------------- */

/* One message for all damage: what exactly is wrong would tell nobody how to repair it. */
static void
corrupted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("co-occurrence matrix is damaged")));
}

/* Trusts nothing that it reads: a value may come from a damaged page. */
void
cooccurrence_read_keys(Env *env, const Cooccurrence *m, Keyset *keys)
{
	Size		rest = VARSIZE(m) - offsetof(Cooccurrence, data);
	WireReader	in = wire_reader(m->data, Min(m->keys_size, rest));

	keyset_init(env, keys, key_is_number(m->key_type));
	for (uint32 r = 0; r < m->num_items && !in.bad; r++)
	{
		if (r % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (keys->numbers)
			keyset_add_number(env, keys, wire_unzigzag(wire_get_varint(&in)));
		else
		{
			size_t		size = m->key_type == KEY_UUID ? UUID_LEN : wire_get_varint(&in);
			const unsigned char *bytes = wire_get_bytes(&in, size);

			if (bytes)
				keyset_add_bytes(env, keys, bytes, size);
		}
	}
	/* a key that stands there twice would get one code, and shift all that follow */
	if (in.bad || keys->size != m->num_items)
		corrupted();
}

/* The number of lists is compared, too: a value cut off between two groups would otherwise read well. */
void
cooccurrence_read_baskets(Env *env, const Cooccurrence *m, Baskets *baskets)
{
	Size		skip = offsetof(Cooccurrence, data) + m->keys_size;
	WireReader	in = wire_reader((const char *) m + skip, skip > VARSIZE(m) ? 0 : VARSIZE(m) - skip);

	baskets_init(env, baskets, (m->flags & COOCCURRENCE_WEIGHTED) != 0);
	baskets->num_items = m->num_items;
	if (!baskets_decode(env, &in, baskets) || baskets->num_lists != m->num_lists)
		corrupted();
}
