/*
 * prefix_sort.c
 *		A radix sort of the beginnings, merge sorts of what ties.
 */
#include "kernel/prefix_sort.h"
#include "kernel/radix.h"

#define CHECK_EVERY 4096			/* records merged between looks at interrupts */

/*
 * Stable; the prefixes are all the same, so only ids move.  Merging, because it asks for
 * the fewest comparisons, each of which may go far into memory.
 */
static void
sort_ties(Env *env, PrefixRecord *record, PrefixRecord *scratch, uint64_t n, PrefixCompare compare, const void *things)
{
	uint64_t	half = n / 2;
	uint64_t	i = 0;
	uint64_t	j = half;

	if (n < 2)
		return;
	sort_ties(env, record, scratch, half, compare, things);
	sort_ties(env, record + half, scratch, n - half, compare, things);
	memcpy(scratch, record, n * sizeof(PrefixRecord));
	for (uint64_t at = 0; at < n; at++)
	{
		/* everything may tie: millions of URLs begin alike */
		if (at % CHECK_EVERY == CHECK_EVERY - 1)
			env_check(env, 0, 0);
		if (j == n || (i < half && compare(things, scratch[i].id, scratch[j].id) <= 0))
			record[at].id = scratch[i++].id;
		else
			record[at].id = scratch[j++].id;
	}
}

void
prefix_sort(Env *env, PrefixRecord *record, uint64_t n, PrefixCompare compare, const void *things)
{
	PrefixRecord *scratch = env_alloc(env, n + 1, sizeof(PrefixRecord));

	radix_sort_checked(env, (uint64_t *) record, (uint64_t *) scratch, n, 2, 1);
	for (uint64_t first = 0, next; first < n; first = next)
	{
		for (next = first + 1; next < n && record[next].prefix == record[first].prefix;)
			next++;
		if (next - first > 1)
		{
			env_check(env, first, n);
			sort_ties(env, record + first, scratch, next - first, compare, things);
		}
	}
	env_release(env, scratch);
}
