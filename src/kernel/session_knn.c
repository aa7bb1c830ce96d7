/*
 * session_knn.c
 *		Nearest sessions, by VMIS-kNN.
 *
 * Where Serenade leaves something to the order in which its index was made (which of two equally old sessions is kept, which of two equal scores comes
 * first), a total order stands here: the same tables give the same answer.  What is beyond the most recent candidates is left out once all are
 * known, so that it does not matter which item brought them.
 */
#include "kernel/session_knn.h"

#include <math.h>

#define FIRST_ROOM 256

void
session_knn_init(Env *env, SessionKnn *knn, const SessionKnnParams *params, bool numbers,
				 uint32_t length, uint32_t num_visited, const uint32_t *distance)
{
	memset(knn, 0, sizeof(SessionKnn));
	knn->env = env;
	knn->params = *params;
	knn->length = length;
	knn->num_visited = num_visited;
	knn->distance = distance;
	keyset_init(env, &knn->sessions, numbers);
	keyset_init(env, &knn->items, true);
}

void
session_knn_release(SessionKnn *knn)
{
	keyset_release(knn->env, &knn->sessions);
	keyset_release(knn->env, &knn->items);
	env_release(knn->env, knn->candidate);
	env_release(knn->env, knn->score);
}

/* --- weights --------------------------------------------------------------- */

double
session_knn_decay(SessionWeight weight, uint32_t distance, uint32_t length)
{
	double		linear = (double) length - distance + 1;

	switch (weight)
	{
		case SESSION_LINEAR:
			return linear;
		case SESSION_QUADRATIC:
			return linear * linear;
		case SESSION_LOG:
			return 1 / log2(1 + (double) distance);
		case SESSION_INVERSE:
			return 1.0 / distance;
		default:
			return 1;
	}
}

/* Serenade's goes below 0 from the eleventh click on, which would make a match a reason against the items of a session. */
double
session_knn_match(SessionWeight weight, uint32_t distance)
{
	double		linear = distance < 10 ? 1 - 0.1 * distance : 0;

	switch (weight)
	{
		case SESSION_LINEAR:
			return linear;
		case SESSION_QUADRATIC:
			return linear * linear;
		case SESSION_LOG:
			return 1 / log2(1 + (double) distance);
		case SESSION_INVERSE:
			return 1.0 / distance;
		default:
			return 1;
	}
}

double
session_knn_idf(double power, double sessions, double n)
{
	double		idf = n > 0 && sessions > n ? log(sessions / n) : 0;

	if (power == 0 || !(idf > 0))
		return 1;
	return power == 1 ? idf : pow(idf, power);
}

/* --- neighbors --------------------------------------------------------------- */

void
session_knn_offer(SessionKnn *knn, uint32_t session, int64_t happened, uint32_t visited)
{
	uint32_t	had = knn->room;

	if (session >= knn->room)
	{
		knn->room = session >= FIRST_ROOM / 2 ? (session + 1) * 2 : FIRST_ROOM;
		knn->candidate = env_resize(knn->env, knn->candidate, knn->room, sizeof(SessionCandidate));
		memset(knn->candidate + had, 0, (knn->room - had) * sizeof(SessionCandidate));
	}
	knn->candidate[session].happened = happened;
	knn->candidate[session].similarity += session_knn_decay(knn->params.decay, knn->distance[visited], knn->length);
}

static int
compare_keys(const Keyset *set, uint32_t a, uint32_t b)
{
	size_t		a_size;
	size_t		b_size;
	const char *a_bytes;
	const char *b_bytes;
	int			order;

	if (set->numbers)
		return (set->number[a] > set->number[b]) - (set->number[a] < set->number[b]);
	a_bytes = keyset_bytes(set, a, &a_size);
	b_bytes = keyset_bytes(set, b, &b_size);
	order = memcmp(a_bytes, b_bytes, a_size < b_size ? a_size : b_size);
	return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

typedef bool (*Before) (const SessionKnn *knn, uint32_t a, uint32_t b);

static bool
more_recent(const SessionKnn *knn, uint32_t a, uint32_t b)
{
	const SessionCandidate *x = &knn->candidate[a];
	const SessionCandidate *y = &knn->candidate[b];

	if (x->happened != y->happened)
		return x->happened > y->happened;
	return compare_keys(&knn->sessions, a, b) < 0;
}

static bool
nearer(const SessionKnn *knn, uint32_t a, uint32_t b)
{
	const SessionCandidate *x = &knn->candidate[a];
	const SessionCandidate *y = &knn->candidate[b];

	if (x->similarity != y->similarity)
		return x->similarity > y->similarity;
	return more_recent(knn, a, b);
}

/* Lets heap[at] sink to its place in a heap with the last of the order on top. */
static void
sink(const SessionKnn *knn, uint32_t *heap, uint32_t n, uint32_t at, Before before)
{
	uint32_t	moved = heap[at];

	for (uint32_t child = 2 * at + 1; child < n; child = 2 * at + 1)
	{
		if (child + 1 < n && before(knn, heap[child], heap[child + 1]))
			child++;
		if (!before(knn, moved, heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

/* Brings the first k of n to the front, in order; returns how many these are. */
static uint32_t
choose(const SessionKnn *knn, uint32_t *code, uint32_t n, uint32_t k, Before before)
{
	k = k < n ? k : n;
	for (uint32_t at = k / 2; at-- > 0;)
		sink(knn, code, k, at, before);
	for (uint32_t i = k; i < n; i++)
		if (before(knn, code[i], code[0]))
		{
			code[0] = code[i];
			sink(knn, code, k, 0, before);
		}
	for (uint32_t size = k; size > 1; size--)
	{
		uint32_t	last = code[0];

		code[0] = code[size - 1];
		code[size - 1] = last;
		sink(knn, code, size - 1, 0, before);
	}
	return k;
}

uint32_t *
session_knn_nearest(SessionKnn *knn, uint32_t *n)
{
	uint32_t	size = knn->sessions.size;
	uint32_t   *code = env_alloc(knn->env, size > 0 ? size : 1, sizeof(uint32_t));

	for (uint32_t i = 0; i < size; i++)
		code[i] = i;
	env_check(knn->env, 0, size);
	if (size > knn->params.recent)
		size = choose(knn, code, size, knn->params.recent, more_recent);
	*n = choose(knn, code, size, knn->params.k, nearer);
	return code;
}

/* --- their items ------------------------------------------------------------- */

/* The most recent visited item that is among the items; num_visited: none. */
static uint32_t
first_match(const SessionKnn *knn, const uint32_t *visited_code, const uint32_t *item, uint32_t n)
{
	for (uint32_t v = 0; v < knn->num_visited; v++)
		for (uint32_t i = 0; i < n && visited_code[v] != KEYSET_NONE; i++)
			if (item[i] == visited_code[v])
				return v;
	return knn->num_visited;
}

/* Sums of an item's visited items, all 0 when it is new. */
static double *
scores_of(SessionKnn *knn, uint32_t item)
{
	uint32_t	place = keyset_add_number(knn->env, &knn->items, item);
	uint64_t	had = (uint64_t) knn->score_room * knn->num_visited;

	if (place >= knn->score_room)
	{
		knn->score_room = place >= FIRST_ROOM / 2 ? (place + 1) * 2 : FIRST_ROOM;
		knn->score = env_resize(knn->env, knn->score, (uint64_t) knn->score_room * knn->num_visited, sizeof(double));
		memset(knn->score + had, 0, ((uint64_t) knn->score_room * knn->num_visited - had) * sizeof(double));
	}
	return knn->score + (uint64_t) place * knn->num_visited;
}

void
session_knn_add(SessionKnn *knn, double similarity, const uint32_t *visited_code, const uint32_t *item, uint32_t n)
{
	uint32_t	match = first_match(knn, visited_code, item, n);
	double		amount;

	if (match == knn->num_visited)
		return;
	env_check(knn->env, 0, 0);
	amount = similarity * session_knn_match(knn->params.match, knn->distance[match]);
	for (uint32_t i = 0; i < n; i++)
		scores_of(knn, item[i])[match] += amount;
}

const double *
session_knn_scores(const SessionKnn *knn, uint32_t place)
{
	return knn->score + (uint64_t) place * knn->num_visited;
}
