/*
 * dropoff.c
 *		Page views in bins of time: counting, merging, bytes.
 */
#include "kernel/dropoff.h"

/* --- bins ------------------------------------------------------------------- */

/* Starts from a minute on, in microseconds: each is 11/10 of the one before, rounded down, so that every machine has the same. */
static const int64_t long_start[] = {
	60000000, 66000000, 72600000, 79860000, 87846000, 96630600, 106293660, 116923026, 128615328, 141476860, 155624546,
	171187000, 188305700, 207136270, 227849897, 250634886, 275698374, 303268211, 333595032, 366954535, 403649988, 444014986,
	488416484, 537258132, 590983945, 650082339, 715090572, 786599629, 865259591, 951785550, 1046964105, 1151660515, 1266826566,
	1393509222, 1532860144, 1686146158, 1854760773, 2040236850, 2244260535, 2468686588, 2715555246, 2987110770, 3285821847,
};

#define SHORT_BINS 60

/* Most views are short, and found without a search. */
int
dropoff_bin(int64_t duration)
{
	int			low = 0;
	int			high = DROPOFF_BINS - SHORT_BINS - 1;

	if (duration < SHORT_BINS * DROPOFF_SECOND)
		return (int) (duration / DROPOFF_SECOND);
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (long_start[middle] <= duration)
			low = middle;
		else
			high = middle - 1;
	}
	return SHORT_BINS + low;
}

int64_t
dropoff_bin_start(int bin)
{
	return bin < SHORT_BINS ? bin * DROPOFF_SECOND : bin < DROPOFF_BINS ? long_start[bin - SHORT_BINS] : 3600 * DROPOFF_SECOND;
}

/* --- counting --------------------------------------------------------------- */

static DropoffCells *
cells_of(Env *env, DropoffCounts *c, int epoch)
{
	if (c->epoch[epoch] == NULL)
		c->epoch[epoch] = env_alloc0(env, 1, sizeof(DropoffCells));
	return c->epoch[epoch];
}

bool
dropoff_is_empty(const DropoffCounts *c)
{
	for (int i = 0; i < DROPOFF_EPOCHS; i++)
		if (c->epoch[i] != NULL)
			return false;
	return true;
}

void
dropoff_release(Env *env, DropoffCounts *c)
{
	for (int i = 0; i < DROPOFF_EPOCHS; i++)
	{
		env_release(env, c->epoch[i]);
		c->epoch[i] = NULL;
	}
}

/* How many epochs before that of the latest view; negative: after it. */
static int64_t
age_of(const DropoffCounts *c, int64_t time)
{
	return (int64_t) decay_epoch(&c->decay, c->latest) - decay_epoch(&c->decay, time);
}

/* A view that is later than all others may move every epoch up, and out. */
static void
move_to(Env *env, DropoffCounts *c, int64_t time)
{
	int64_t		by = -age_of(c, time);

	c->latest = time;
	for (int i = DROPOFF_EPOCHS - 1; by > 0 && i >= 0; i--)
	{
		if (i + by < DROPOFF_EPOCHS)
			c->epoch[i + by] = c->epoch[i];
		else
			env_release(env, c->epoch[i]);
		c->epoch[i] = NULL;
	}
}

/* Makes room for what happened at a time; the epoch's number, or -1 if it does not matter any more. */
static int
epoch_for(Env *env, DropoffCounts *c, int64_t time)
{
	int64_t		age;

	if (c->decay.half_life == 0)
		return 0;
	if (dropoff_is_empty(c))
		c->latest = time;
	else if (time > c->latest)
		move_to(env, c, time);
	age = age_of(c, time);
	return age < DROPOFF_EPOCHS ? (int) age : -1;
}

/* What came too early for any epoch that is kept is dropped here as it would be later, so nothing depends on when it came. */
bool
dropoff_add(Env *env, DropoffCounts *c, int bin, int kind, int64_t time)
{
	int			epoch = epoch_for(env, c, time);
	int64_t		weight = c->decay.half_life == 0 ? 1 : decay_weight(&c->decay, time);
	int64_t    *cell;

	if (epoch < 0)
		return true;
	cell = &(*cells_of(env, c, epoch))[bin][kind];
	return !__builtin_add_overflow(*cell, weight, cell);
}

static bool
add_cells(DropoffCells *to, const DropoffCells *from)
{
	bool		overflow = false;

	for (int bin = 0; bin < DROPOFF_BINS; bin++)
		for (int kind = 0; kind < DROPOFF_KINDS; kind++)
			overflow |= __builtin_add_overflow((*to)[bin][kind], (*from)[bin][kind], &(*to)[bin][kind]);
	return !overflow;
}

/* The epochs of both count from their own latest view. */
bool
dropoff_merge(Env *env, DropoffCounts *c, const DropoffCounts *more)
{
	int			first;

	if (dropoff_is_empty(more))
		return true;
	first = epoch_for(env, c, more->latest);
	for (int i = 0; first >= 0 && first + i < DROPOFF_EPOCHS; i++)
		if (more->epoch[i] != NULL && !add_cells(cells_of(env, c, first + i), more->epoch[i]))
			return false;
	return true;
}

bool
dropoff_set(Env *env, DropoffCounts *c, int epoch, int bin, const int64_t cell[DROPOFF_KINDS])
{
	int64_t		any = 0;

	if (epoch >= (c->decay.half_life == 0 ? 1 : DROPOFF_EPOCHS) || bin < 0 || bin >= DROPOFF_BINS)
		return false;
	for (int kind = 0; kind < DROPOFF_KINDS; kind++)
	{
		if (cell[kind] < 0)
			return false;
		any |= cell[kind];
	}
	if (any != 0)
		memcpy((*cells_of(env, c, epoch))[bin], cell, sizeof(int64_t) * DROPOFF_KINDS);
	return any != 0;
}

/* The latest view is in the first epoch. */
bool
dropoff_is_sound(const DropoffCounts *c)
{
	int64_t		half_life = c->decay.half_life;

	if (half_life == 0)
		return c->latest == 0;
	return half_life >= DROPOFF_MIN_HALF_LIFE && half_life <= DROPOFF_MAX_HALF_LIFE && half_life % DROPOFF_SECOND == 0 &&
		c->latest >= DROPOFF_MIN_TIME && c->latest < DROPOFF_END_TIME && c->epoch[0] != NULL;
}

/* --- bytes ------------------------------------------------------------------ */

static bool
is_used(const int64_t cell[DROPOFF_KINDS])
{
	return (cell[0] | cell[1] | cell[2] | cell[3]) != 0;
}

static unsigned char *
put_cells(unsigned char *out, const DropoffCells *cells)
{
	int			used = 0;
	int			before = 0;

	for (int bin = 0; cells != NULL && bin < DROPOFF_BINS; bin++)
		used += is_used((*cells)[bin]);
	out = wire_put_varint(out, used);
	for (int bin = 0; used > 0 && bin < DROPOFF_BINS; bin++)
	{
		if (!is_used((*cells)[bin]))
			continue;
		out = wire_put_varint(out, bin - before);
		for (int kind = 0; kind < DROPOFF_KINDS; kind++)
			out = wire_put_varint(out, (uint64_t) (*cells)[bin][kind]);
		before = bin;
	}
	return out;
}

/* Empty ones at the end are not written. */
static int
num_epochs(const DropoffCounts *c)
{
	int			n = DROPOFF_EPOCHS;

	while (n > 0 && c->epoch[n - 1] == NULL)
		n--;
	return n;
}

unsigned char *
dropoff_encode(Env *env, const DropoffCounts *c, size_t reserve, size_t *size)
{
	int			n = num_epochs(c);
	unsigned char *bytes = env_alloc(env, reserve + 4 * WIRE_MAX_VARINT + n * (DROPOFF_BINS + 1) * (DROPOFF_KINDS + 1) * WIRE_MAX_VARINT, 1);
	unsigned char *out = bytes + reserve;

	*out++ = DROPOFF_VERSION;
	out = wire_put_varint(out, (uint64_t) c->decay.half_life);
	if (c->decay.half_life != 0)
		out = wire_put_varint(out, wire_zigzag(c->latest));
	out = wire_put_varint(out, n);
	for (int i = 0; i < n; i++)
		out = put_cells(out, c->epoch[i]);
	*size = (size_t) (out - bytes);
	return bytes;
}

/* Gaps below the number of bins cannot overflow, and a first bin may be 0. */
static void
get_cells(Env *env, WireReader *in, DropoffCounts *c, int epoch)
{
	uint64_t	left = wire_get_varint(in);
	uint64_t	bin = 0;

	if (left > DROPOFF_BINS)
		in->bad = true;
	for (bool first = true; left > 0 && !in->bad; left--, first = false)
	{
		uint64_t	gap = wire_get_varint(in);
		int64_t		cell[DROPOFF_KINDS];

		for (int kind = 0; kind < DROPOFF_KINDS; kind++)
			cell[kind] = (int64_t) wire_get_varint(in);
		bin += gap;
		if (in->bad || gap >= DROPOFF_BINS || (gap == 0 && !first) || !dropoff_set(env, c, epoch, bin < DROPOFF_BINS ? (int) bin : -1, cell))
			in->bad = true;
	}
}

bool
dropoff_decode(Env *env, const void *bytes, size_t size, DropoffCounts *c)
{
	WireReader	in = wire_reader(bytes, size);
	const unsigned char *version = wire_get_bytes(&in, 1);
	uint64_t	half_life = wire_get_varint(&in);
	uint64_t	epochs;

	memset(c, 0, sizeof(*c));
	if (version == NULL || *version != DROPOFF_VERSION || half_life > DROPOFF_MAX_HALF_LIFE)
		return false;
	c->decay.half_life = (int64_t) half_life;
	if (half_life != 0)
		c->latest = wire_unzigzag(wire_get_varint(&in));
	epochs = wire_get_varint(&in);
	for (uint64_t i = 0; i < epochs && i < DROPOFF_EPOCHS && !in.bad; i++)
		get_cells(env, &in, c, (int) i);
	if (!in.bad && epochs == num_epochs(c) && wire_left(&in) == 0 && dropoff_is_sound(c))
		return true;
	dropoff_release(env, c);
	return false;
}

bool
dropoff_is_canonical(Env *env, const void *bytes, size_t size)
{
	DropoffCounts c;
	unsigned char *again;
	size_t		again_size;
	bool		same;

	if (!dropoff_decode(env, bytes, size, &c))
		return false;
	again = dropoff_encode(env, &c, 0, &again_size);
	same = again_size == size && memcmp(bytes, again, size) == 0;
	env_release(env, again);
	dropoff_release(env, &c);
	return same;
}
