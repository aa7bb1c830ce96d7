/*
 * itemvec.c
 *		Sparse vectors: their bytes, and arithmetic over them.
 */
#include <float.h>
#include <math.h>

#include "kernel/itemvec.h"
#include "kernel/radix.h"

bool
itemvec_open_head(ItemvecCursor *c, const void *bytes, size_t size)
{
	const unsigned char *head;

	c->in = wire_reader(bytes, size);
	head = wire_get_bytes(&c->in, 2);
	if (head == NULL || head[0] != ITEMVEC_VERSION || head[1] > ITEMVEC_FLOATS)
		return false;
	c->coding = (ItemvecCoding) head[1];
	c->count = c->left = wire_get_varint(&c->in);
	c->item = -1;
	c->weight = 1;
	return !c->in.bad;
}

/* An entry takes a byte at least, so a count that passes here may be allocated for. */
bool
itemvec_open(ItemvecCursor *c, const void *bytes, size_t size)
{
	return itemvec_open_head(c, bytes, size) && c->count <= wire_left(&c->in);
}

/*
 * Whole weights of 2^53 and more would need more than eight bytes as a varint,
 * and a double holds them exactly too, so they go with the fractions.
 */
static ItemvecCoding
choose_coding(const ItemWeight *entries, uint64_t n)
{
	ItemvecCoding coding = ITEMVEC_ONES;

	for (uint64_t i = 0; i < n; i++)
	{
		double		w = entries[i].weight;

		if (!(w >= 0 && w < 0x1p53 && (double) (uint64_t) w == w))
			return ITEMVEC_FLOATS;
		if (w != 1)
			coding = ITEMVEC_INTEGERS;
	}
	return coding;
}

/* Modulo 2^64, so that no pair of items is too far apart. */
static uint64_t
gap_before(const ItemWeight *entries, uint64_t i)
{
	int64_t		before = i == 0 ? -1 : entries[i - 1].item;

	return (uint64_t) entries[i].item - (uint64_t) before - 1;
}

size_t
itemvec_encoded_size(const ItemWeight *entries, uint64_t n, ItemvecCoding *coding)
{
	size_t		size = 2 + wire_varint_size(n);

	/* An exact size, so that the value is allocated once and has no slack. */
	*coding = choose_coding(entries, n);
	if (*coding == ITEMVEC_FLOATS)
		size += n * sizeof(double);
	for (uint64_t i = 0; i < n; i++)
	{
		size += wire_varint_size(gap_before(entries, i));
		if (*coding == ITEMVEC_INTEGERS)
			size += wire_varint_size((uint64_t) entries[i].weight);
	}
	return size;
}

void
itemvec_encode(const ItemWeight *entries, uint64_t n, ItemvecCoding coding, unsigned char *out)
{
	*out++ = ITEMVEC_VERSION;
	*out++ = (unsigned char) coding;
	out = wire_put_varint(out, n);
	for (uint64_t i = 0; i < n; i++)
	{
		out = wire_put_varint(out, gap_before(entries, i));
		if (coding == ITEMVEC_INTEGERS)
			out = wire_put_varint(out, (uint64_t) entries[i].weight);
		/* Entries are of any length, so a double may lie anywhere: it is copied, never pointed at. */
		else if (coding == ITEMVEC_FLOATS)
		{
			memcpy(out, &entries[i].weight, sizeof(double));
			out += sizeof(double);
		}
	}
}

typedef struct PairCursor
{
	ItemvecCursor *a;
	ItemvecCursor *b;
	bool		a_waits;		/* its entry has not been handed out yet */
	bool		b_waits;
	int64_t		item;
	double		wa;				/* 0 where the vector lacks the item */
	double		wb;
} PairCursor;

static PairCursor
pair_open(ItemvecCursor *a, ItemvecCursor *b)
{
	PairCursor	p = {.a = a, .b = b};

	p.a_waits = itemvec_next(a);
	p.b_waits = itemvec_next(b);
	return p;
}

/* Walks the items that either vector has, ascending. */
static bool
pair_next(PairCursor *p)
{
	bool		take_a = p->a_waits && (!p->b_waits || p->a->item <= p->b->item);
	bool		take_b = p->b_waits && (!p->a_waits || p->b->item <= p->a->item);

	p->wa = p->wb = 0;
	if (take_a)
	{
		p->item = p->a->item;
		p->wa = p->a->weight;
		p->a_waits = itemvec_next(p->a);
	}
	if (take_b)
	{
		p->item = p->b->item;
		p->wb = p->b->weight;
		p->b_waits = itemvec_next(p->b);
	}
	return take_a || take_b;
}

/*
 * The test of the operation stands inside the loop: reading the next varint costs
 * more than a branch that always goes the same way.
 */
uint64_t
itemvec_combine(ItemvecOp op, ItemvecCursor *a, ItemvecCursor *b, ItemWeight *out)
{
	PairCursor	p = pair_open(a, b);
	uint64_t	n = 0;

	while (pair_next(&p))
	{
		out[n].item = p.item;
		out[n++].weight = op == ITEMVEC_ADD ? p.wa + p.wb :
			op == ITEMVEC_SUBTRACT ? p.wa - p.wb :
			p.wa * p.wb;
	}
	return n;
}

/*
 * Walks both vectors although only shared items count: to jump ahead would need
 * an index, and vectors of a shop have tens of items.
 */
double
itemvec_dot(ItemvecCursor *a, ItemvecCursor *b)
{
	PairCursor	p = pair_open(a, b);
	double		sum = 0;

	while (pair_next(&p))
		sum += p.wa * p.wb;
	return sum;
}

double
itemvec_total(ItemvecCursor *a)
{
	double		sum = 0;

	while (itemvec_next(a))
		sum += a->weight;
	return sum;
}

double
itemvec_norm1(ItemvecCursor *a)
{
	double		sum = 0;

	while (itemvec_next(a))
		sum += fabs(a->weight);
	return sum;
}

/*
 * The power of two that brings the largest weight near 1, or as near as powers
 * of two go; multiplying by it is exact.
 */
static double
scale_of(ItemvecCursor a)
{
	double		largest = 0;

	while (itemvec_next(&a))
		largest = fmax(largest, fabs(a.weight));
	return largest == 0 ? 1 : ldexp(1, -(ilogb(largest) < -1000 ? -1000 : ilogb(largest)));
}

typedef struct Products
{
	double		aa;
	double		bb;
	double		ab;
} Products;

/*
 * Cursors come by value: a walk uses them up, and the caller may need another
 * with other scales.
 */
static Products
products(ItemvecCursor a, ItemvecCursor b, double scale_a, double scale_b)
{
	PairCursor	p = pair_open(&a, &b);
	Products	sum = {0, 0, 0};

	while (pair_next(&p))
	{
		double		x = p.wa * scale_a;
		double		y = p.wb * scale_b;

		sum.aa += x * x;
		sum.bb += y * y;
		sum.ab += x * y;
	}
	return sum;
}

/* Squares of ordinary weights need no scaling; it is there for 1e200 and 1e-200. */
double
itemvec_norm(const ItemvecCursor *a)
{
	Products	plain = products(*a, *a, 1, 1);
	double		scale;

	if (a->count == 0 || isnormal(plain.aa))
		return sqrt(plain.aa);
	scale = scale_of(*a);
	return sqrt(products(*a, *a, scale, scale).aa) / scale;
}

/*
 * One root of the product, not the product of two roots: a vector's cosine with
 * itself is then exactly 1.
 */
double
itemvec_cosine(const ItemvecCursor *a, const ItemvecCursor *b)
{
	Products	sum;

	if (a->count == 0 || b->count == 0)
		return 0;
	sum = products(*a, *b, 1, 1);
	if (!isnormal(sum.aa) || !isnormal(sum.bb) || !isnormal(sum.aa * sum.bb))
		sum = products(*a, *b, scale_of(*a), scale_of(*b));
	return fmax(-1, fmin(1, sum.ab / sqrt(sum.aa * sum.bb)));
}

/* Scaled term by term, because the sum is what may overflow. */
static double
overlap(ItemvecCursor a, ItemvecCursor b, double scale, double *highest)
{
	PairCursor	p = pair_open(&a, &b);
	double		low = 0;
	double		high = 0;

	while (pair_next(&p))
	{
		low += fmin(p.wa, p.wb) * scale;
		high += fmax(p.wa, p.wb) * scale;
	}
	*highest = high;
	return low;
}

double
itemvec_jaccard(const ItemvecCursor *a, const ItemvecCursor *b)
{
	double		high;
	double		low = overlap(*a, *b, 1, &high);

	/* A sum that overflows is at least 2^1023, so what the scale underflows does not count. */
	if (isinf(high))
		low = overlap(*a, *b, 0x1p-64, &high);
	return high == 0 ? 0 : low / high;
}

/* For the short vectors that most groups make: below this length counting digits costs more. */
static void
insertion_sort(ItemWeight *entries, uint64_t n)
{
	for (uint64_t i = 1; i < n; i++)
	{
		ItemWeight	entry = entries[i];
		uint64_t	j = i;

		for (; j > 0 && entries[j - 1].item > entry.item; j--)
			entries[j] = entries[j - 1];
		entries[j] = entry;
	}
}

/* Unsigned words order signed items once the sign is turned. */
static void
turn_signs(ItemWeight *entries, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		entries[i].item ^= INT64_MIN;
}

static void
sort_long(Env *env, ItemWeight *entries, uint64_t n)
{
	ItemWeight *scratch = env_alloc(env, n, sizeof(ItemWeight));

	turn_signs(entries, n);
	radix_sort_checked(env, (uint64_t *) entries, (uint64_t *) scratch, n, 2, 1);
	turn_signs(entries, n);
	env_release(env, scratch);
}

/* Rows often arrive sorted, from an index or another vector: then one look is all. */
void
itemvec_sort(Env *env, ItemWeight *entries, uint64_t n)
{
	uint64_t	i = 1;

	while (i < n && entries[i - 1].item <= entries[i].item)
		i++;
	if (i >= n)
		return;
	if (n <= 32)
		insertion_sort(entries, n);
	else
		sort_long(env, entries, n);
}

/* A total order: of equal weights the larger item is the lighter, so the result is one only. */
static bool
is_lighter(const ItemWeight *a, const ItemWeight *b)
{
	return a->weight < b->weight || (a->weight == b->weight && a->item > b->item);
}

/* The lightest of the heap is on top; puts `entry` where it belongs at or below i. */
static void
sift_down(ItemWeight *heap, uint64_t n, uint64_t i, ItemWeight entry)
{
	for (;;)
	{
		uint64_t	child = 2 * i + 1;

		if (child + 1 < n && is_lighter(&heap[child + 1], &heap[child]))
			child++;
		if (child >= n || !is_lighter(&heap[child], &entry))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = entry;
}

/*
 * A heap of k instead of a sort of n, because k is small as a rule.  The heap is
 * the front of the array itself, which no later entry needs any more.
 */
uint64_t
itemvec_top(Env *env, ItemWeight *entries, uint64_t n, uint64_t k)
{
	if (k >= n || k == 0)
		return k < n ? k : n;
	for (uint64_t i = k / 2; i-- > 0;)
		sift_down(entries, k, i, entries[i]);
	for (uint64_t i = k; i < n; i++)
	{
		if ((i & 0xffff) == 0)
			env_check(env, i, n);
		if (is_lighter(&entries[0], &entries[i]))
			sift_down(entries, k, 0, entries[i]);
	}
	itemvec_sort(env, entries, k);
	return k;
}
