/*
 * pair_block.c
 *		Counting the rows of a range of items while baskets stream by.
 *
 * Counters are dense, because an increment then is an addition and no search.  A bit for
 * each cache line of them says where a row was touched: a sparse row is read, and cleared, in
 * time of what is in it.
 */
#include "kernel/pair_block.h"

#define SPAN 8					/* items a bit stands for */
#define WORD (SPAN * 64)		/* items a word of bits stands for */

/* The words of a row's bits that a basket sets. */
typedef struct Mark
{
	uint32_t	word;
	uint64_t	bits;
} Mark;

struct PairBlock
{
	/* immutable */
	Env		   *env;
	PairShape	shape;
	uint32_t	num_items;
	uint32_t	max_items;
	int32_t		first_generation;
	uint32_t	num_generations;
	uint64_t	stride;			/* counters of a row, whole spans */
	uint32_t	num_words;		/* of bits in a row */
	bool		plain;			/* a basket adds the same products to all generations there are: one */

	/* mutable: by range */
	uint32_t	first;
	uint32_t	n;
	int64_t    *counter;		/* by row, which is an item in a generation, and item */
	uint64_t   *touched;		/* by row and word */

	/* mutable: by basket, by row read */
	PairOfEntry *pair;
	uint32_t	pairs_room;
	Mark	   *mark;			/* room for each word */
	uint32_t	num_marks;
	uint32_t   *item;			/* what pair_block_row hands out */
	int64_t    *count;
};

/* --- memory ---------------------------------------------------------------- */

static uint32_t
words_of_row(uint32_t num_items)
{
	return num_items / WORD + 1;
}

/* Whole spans, so that no loop over a span has to look for the end of the items. */
static uint64_t
counters_of_row(uint32_t num_items)
{
	return ((uint64_t) num_items + SPAN - 1) / SPAN * SPAN;
}

/* What a row needs for as long as it is counted. */
static double
row_memory(uint32_t num_items)
{
	return (double) counters_of_row(num_items) * sizeof(int64_t) + (double) words_of_row(num_items) * sizeof(uint64_t);
}

/* In doubles, which have room for sizes that no memory has. */
uint32_t
pair_block_items(size_t bytes, uint32_t num_items, uint32_t num_generations)
{
	double		fixed = (double) counters_of_row(num_items) * (sizeof(uint32_t) + sizeof(int64_t)) +
		(double) words_of_row(num_items) * sizeof(Mark) + sizeof(PairBlock);
	double		items = (bytes - fixed) / (row_memory(num_items) * num_generations);

	if (!(items >= 1))
		return 1;
	return items < num_items ? (uint32_t) items : num_items > 1 ? num_items : 1;
}

/* Everything at once: the inner loops must not stop to ask for memory. */
PairBlock *
pair_block_create(Env *env, PairShape shape, uint32_t num_items, uint32_t max_items,
				  int32_t first_generation, uint32_t num_generations)
{
	PairBlock  *block = env_alloc0(env, 1, sizeof(PairBlock));
	uint64_t	rows = (uint64_t) max_items * num_generations;

	block->env = env;
	block->shape = shape;
	block->num_items = num_items;
	block->max_items = max_items;
	block->first_generation = first_generation;
	block->num_generations = num_generations;
	block->stride = counters_of_row(num_items);
	block->num_words = words_of_row(num_items);
	block->plain = !shape.sequence && shape.generation_days == 0;
	block->counter = env_alloc0(env, rows * block->stride + 1, sizeof(int64_t));
	block->touched = env_alloc0(env, rows * block->num_words + 1, sizeof(uint64_t));
	block->mark = env_alloc(env, block->num_words, sizeof(Mark));
	block->item = env_alloc(env, block->stride + 1, sizeof(uint32_t));
	block->count = env_alloc(env, block->stride + 1, sizeof(int64_t));
	return block;
}

void
pair_block_release(PairBlock *block)
{
	Env		   *env = block->env;

	env_release(env, block->counter);
	env_release(env, block->touched);
	env_release(env, block->pair);
	env_release(env, block->mark);
	env_release(env, block->item);
	env_release(env, block->count);
	env_release(env, block);
}

/* What is not read is not needed: nothing is copied. */
static void
reserve_pairs(PairBlock *block, uint32_t room)
{
	if (block->pairs_room >= room)
		return;
	env_release(block->env, block->pair);
	block->pairs_room = room < 64 ? 64 : room * 2;
	block->pair = env_alloc(block->env, block->pairs_room, sizeof(PairOfEntry));
}

/* --- rows ------------------------------------------------------------------ */

static inline uint64_t
row_of(const PairBlock *block, uint32_t item, int32_t generation)
{
	return (uint64_t) (item - block->first) * block->num_generations + ((uint32_t) generation - block->first_generation);
}

/* One comparison: what is before the first one wraps to something large. */
static inline bool
in_generations(const PairBlock *block, int32_t generation)
{
	return (uint32_t) generation - (uint32_t) block->first_generation < block->num_generations;
}

/* Only what was touched: of the rows of a sparse matrix, most of a range is zero still. */
static void
clear_row(PairBlock *block, uint64_t row)
{
	uint64_t   *touched = block->touched + row * block->num_words;
	int64_t    *counter = block->counter + row * block->stride;

	for (uint32_t w = 0; w < block->num_words; w++)
	{
		for (uint64_t m = touched[w]; m != 0; m &= m - 1)
			memset(counter + (uint64_t) w * WORD + __builtin_ctzll(m) * SPAN, 0, SPAN * sizeof(int64_t));
		touched[w] = 0;
	}
}

/* The rows of the range before are cleared, whichever they were. */
void
pair_block_begin(PairBlock *block, uint32_t first, uint32_t n)
{
	uint64_t	rows = (uint64_t) block->n * block->num_generations;

	for (uint64_t row = 0; row < rows; row++)
	{
		if (row % 1024 == 0)
			env_check(block->env, first, block->num_items);
		clear_row(block, row);
	}
	block->first = first;
	block->n = n < block->max_items ? n : block->max_items;
}

/* --- counting -------------------------------------------------------------- */

/* All rows of a basket touch the same spans: found once, they cost a row a word or two. */
static void
mark_spans(PairBlock *block, const Basket *target)
{
	block->num_marks = 0;
	for (uint32_t e = 0; e < target->size; e++)
	{
		uint32_t	word = target->entry[e].code / WORD;

		if (block->num_marks == 0 || block->mark[block->num_marks - 1].word != word)
			block->mark[block->num_marks++] = (Mark) {word, 0};
		block->mark[block->num_marks - 1].bits |= UINT64_C(1) << (target->entry[e].code / SPAN % 64);
	}
}

/*
 * What pairs_of_entry says of the shapes without sequence or generations, as one product.  A symmetric row counts
 * its own item, too, which the loop has no test for; it is left out when the row is read.
 */
static void
add_plain(PairBlock *block, const Basket *source, uint32_t from, uint32_t to, const Basket *target)
{
	uint64_t	weight = (uint64_t) pairs_basket_weight(&block->shape, source->size);

	mark_spans(block, target);
	for (uint32_t at = from; at < to; at++)
	{
		uint64_t	row = source->entry[at].code - block->first;
		/* products wrap as those of pairs_of_entry do */
		uint64_t   *counter = (uint64_t *) block->counter + row * block->stride;
		uint64_t   *touched = block->touched + row * block->num_words;
		uint64_t	add = weight * source->entry[at].weight;

		for (uint32_t m = 0; m < block->num_marks; m++)
			touched[block->mark[m].word] |= block->mark[m].bits;
		for (const BasketEntry *e = target->entry, *end = e + target->size; e < end; e++)
			counter[e->code] += add * e->weight;
	}
}

/* Pair by pair, each to the row of its generation. */
static void
add_entry(PairBlock *block, const Basket *source, const Basket *target, uint32_t at)
{
	uint32_t	n = pairs_of_entry(&block->shape, source, target, at, block->pair);

	for (uint32_t p = 0; p < n; p++)
	{
		const PairOfEntry *pair = block->pair + p;
		uint64_t	row;

		/* never, while the caller knows its generations; but then nothing else is overwritten */
		if (!in_generations(block, pair->generation))
			continue;
		row = row_of(block, source->entry[at].code, pair->generation);
		block->touched[row * block->num_words + pair->item / WORD] |= UINT64_C(1) << (pair->item / SPAN % 64);
		block->counter[row * block->stride + pair->item] += pair->count;
	}
}

/* Codes ascend, so that the items of the range are found without looking at the others. */
void
pair_block_add(PairBlock *block, const Basket *source, const Basket *target)
{
	uint32_t	from = pair_find_entry(source, block->first);
	uint32_t	to = pair_find_entry(source, (uint64_t) block->first + block->n);

	if (from == to)
		return;
	if (!block->shape.directed)
		target = source;
	if (block->plain)
	{
		add_plain(block, source, from, to, target);
		return;
	}
	reserve_pairs(block, source->size > target->size ? source->size : target->size);
	for (uint32_t at = from; at < to; at++)
		add_entry(block, source, target, at);
}

/* --- reading --------------------------------------------------------------- */

/* Bits ascend as items do, and so does what is handed out. */
uint32_t
pair_block_row(PairBlock *block, uint32_t item, int32_t generation, const uint32_t **items, const int64_t **counts)
{
	uint64_t	row = row_of(block, item, generation);
	const uint64_t *touched = block->touched + row * block->num_words;
	const int64_t *counter = block->counter + row * block->stride;
	/* no item has this code: a directed count of an item with itself stays */
	uint32_t	left_out = block->shape.directed ? UINT32_MAX : item;
	uint32_t	n = 0;

	*items = block->item;
	*counts = block->count;
	if (!in_generations(block, generation))
		return 0;
	for (uint32_t w = 0; w < block->num_words; w++)
		for (uint64_t m = touched[w]; m != 0; m &= m - 1)
		{
			uint32_t	from = w * WORD + __builtin_ctzll(m) * SPAN;

			/* written even where nothing was counted, and then written over: no branch to predict */
			for (uint32_t i = from; i < from + SPAN; i++)
			{
				block->item[n] = i;
				block->count[n] = counter[i];
				n += counter[i] != 0 && i != left_out;
			}
		}
	return n;
}
