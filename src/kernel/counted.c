/*
 * counted.c
 *		Integers with how often each came, and exact quantiles of them.
 */
#include "kernel/counted.h"

#include <stdlib.h>

#define FIRST_ROOM 64

static int
by_value(const void *a, const void *b)
{
	int64_t		x = ((const CountedValue *) a)->value;
	int64_t		y = ((const CountedValue *) b)->value;

	return (x > y) - (x < y);
}

void
counted_fold(Counted *c)
{
	uint64_t	n = 0;

	if (c->n == 0)
		return;
	qsort(c->values, c->n, sizeof(CountedValue), by_value);
	for (uint64_t i = 0; i < c->n; i++)
		if (n > 0 && c->values[n - 1].value == c->values[i].value)
			c->values[n - 1].count += c->values[i].count;
		else
			c->values[n++] = c->values[i];
	c->n = n;
}

/* Where folding frees less than half, the next fold would come too soon. */
static bool
make_room(Env *env, Counted *c, uint64_t most)
{
	counted_fold(c);
	if (c->room > 0 && c->n < c->room / 2)
		return true;
	if (2 * c->room > most)
		return c->n < c->room;
	c->room = c->room == 0 ? FIRST_ROOM : 2 * c->room;
	c->values = env_resize(env, c->values, c->room, sizeof(CountedValue));
	return true;
}

/* Rows of one customer group often repeat the value before, which then needs no room. */
bool
counted_add(Env *env, Counted *c, int64_t value, uint64_t count, uint64_t most)
{
	if (c->n > 0 && c->values[c->n - 1].value == value)
	{
		c->values[c->n - 1].count += count;
		return true;
	}
	if (c->n == c->room && !make_room(env, c, most))
		return false;
	c->values[c->n++] = (CountedValue) {value, count};
	return true;
}

uint64_t
counted_total(const Counted *c)
{
	uint64_t	total = 0;

	for (uint64_t i = 0; i < c->n; i++)
		total += c->values[i].count;
	return total;
}

int64_t
counted_quantile(const Counted *c, uint64_t total, uint32_t part, uint32_t parts)
{
	uint64_t	up_to = 0;
	uint64_t	i = 0;

	while (i < c->n - 1)
	{
		up_to += c->values[i].count;
		/* in integers, as i/5 of n customers has no rounding to agree on */
		if (up_to * parts >= total * part)
			break;
		i++;
	}
	return c->values[i].value;
}
