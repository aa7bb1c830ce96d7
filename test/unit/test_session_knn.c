/*
 * test_session_knn.c
 *		Nearest sessions against a plain implementation that goes through all sessions and sorts everything.
 */
#include "kernel/session_knn.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

#define MAX_SESSIONS 60
#define MAX_ITEMS 8
#define MAX_VISITED 12
#define NUM_ITEMS 40

typedef struct Session
{
	int64_t		key;
	int64_t		happened;
	uint32_t	size;
	uint32_t	item[MAX_ITEMS];	/* distinct */
	double		similarity;
	bool		candidate;
} Session;

typedef struct Shop
{
	uint32_t	num_sessions;
	Session		session[MAX_SESSIONS];	/* by (happened desc, key) */
	uint32_t	length;			/* clicks of the visitor */
	uint32_t	num_visited;
	uint32_t	visited[MAX_VISITED];	/* the most recent first */
	uint32_t	distance[MAX_VISITED];
} Shop;

static uint64_t state = 7;

static uint32_t
below(uint32_t n)
{
	return (uint32_t) (unit_random(&state) % n);
}

static int
compare_recency(const void *a, const void *b)
{
	const Session *x = a;
	const Session *y = b;

	if (x->happened != y->happened)
		return x->happened > y->happened ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

static int
compare_similarity(const void *a, const void *b)
{
	const Session *x = a;
	const Session *y = b;

	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return compare_recency(a, b);
}

static bool
has(const Session *s, uint32_t item)
{
	for (uint32_t i = 0; i < s->size; i++)
		if (s->item[i] == item)
			return true;
	return false;
}

/* Few times and items, so that ties are frequent. */
static void
make_shop(Shop *shop)
{
	memset(shop, 0, sizeof(Shop));
	shop->num_sessions = below(MAX_SESSIONS + 1);
	for (uint32_t s = 0; s < shop->num_sessions; s++)
	{
		Session    *session = &shop->session[s];

		session->key = (int64_t) (s * 7919 % 101) - 50;
		session->happened = below(15);
		for (uint32_t n = 1 + below(MAX_ITEMS); n > 0; n--)
		{
			uint32_t	item = below(NUM_ITEMS);

			if (!has(session, item))
				session->item[session->size++] = item;
		}
	}
	qsort(shop->session, shop->num_sessions, sizeof(Session), compare_recency);
}

/* Clicks, the last one first; an item counts where it came last. */
static void
make_visit(Shop *shop)
{
	shop->length = 1 + below(MAX_VISITED);
	for (uint32_t d = 1; d <= shop->length; d++)
	{
		uint32_t	item = below(NUM_ITEMS);
		bool		again = false;

		for (uint32_t v = 0; v < shop->num_visited; v++)
			again |= shop->visited[v] == item;
		if (again)
			continue;
		shop->visited[shop->num_visited] = item;
		shop->distance[shop->num_visited++] = d;
	}
}

/* Offers lists in their order, the first `listed` of each item. */
static void
offer_all(SessionKnn *knn, const Shop *shop, uint32_t listed)
{
	for (uint32_t v = 0; v < shop->num_visited; v++)
	{
		uint32_t	n = 0;

		for (uint32_t s = 0; s < shop->num_sessions && n < listed; s++)
		{
			const Session *session = &shop->session[s];

			if (!has(session, shop->visited[v]))
				continue;
			n++;
			session_knn_offer(knn, keyset_add_number(unit_env(), &knn->sessions, session->key), session->happened, v);
		}
	}
}

/* The same, plainly: candidates marked, with their similarity; sorted by it, at most k left.  Returns how many. */
static uint32_t
plain_nearest(Shop *shop, const SessionKnnParams *params, uint32_t listed)
{
	uint32_t	kept = 0;

	for (uint32_t v = 0; v < shop->num_visited; v++)
	{
		uint32_t	n = 0;

		for (uint32_t s = 0; s < shop->num_sessions; s++)
			if (has(&shop->session[s], shop->visited[v]) && n++ < listed)
			{
				shop->session[s].candidate = true;
				shop->session[s].similarity += session_knn_decay(params->decay, shop->distance[v], shop->length);
			}
	}
	for (uint32_t s = 0; s < shop->num_sessions; s++)
		if (shop->session[s].candidate && kept < params->recent)
			shop->session[kept++] = shop->session[s];
	qsort(shop->session, kept, sizeof(Session), compare_similarity);
	return kept < params->k ? kept : params->k;
}

static void
plain_scores(const Shop *shop, const SessionKnnParams *params, uint32_t n, double *score)
{
	memset(score, 0, NUM_ITEMS * sizeof(double));
	for (uint32_t s = 0; s < n; s++)
	{
		const Session *session = &shop->session[s];
		uint32_t	v = 0;

		while (!has(session, shop->visited[v]))
			v++;
		for (uint32_t i = 0; i < session->size; i++)
			score[session->item[i]] += session->similarity * session_knn_match(params->match, shop->distance[v]);
	}
}

static SessionKnnParams
random_params(void)
{
	return (SessionKnnParams)
	{
		1 + below(20), 1 + below(30), below(SESSION_NUM_WEIGHTS), below(SESSION_NUM_WEIGHTS)
	};
}

static double
sum_of(const SessionKnn *knn, uint32_t place)
{
	double		sum = 0;

	for (uint32_t v = 0; v < knn->num_visited; v++)
		sum += session_knn_scores(knn, place)[v];
	return sum;
}

static void
compare_once(void)
{
	Shop		shop;
	SessionKnnParams params = random_params();
	uint32_t	listed = 1 + below(20);
	SessionKnn	knn;
	uint32_t   *nearest;
	uint32_t	n;
	uint32_t	want;
	double		score[NUM_ITEMS];
	double		sum = 0;

	make_shop(&shop);
	make_visit(&shop);
	session_knn_init(unit_env(), &knn, &params, true, shop.length, shop.num_visited, shop.distance);
	offer_all(&knn, &shop, listed);
	nearest = session_knn_nearest(&knn, &n);
	want = plain_nearest(&shop, &params, listed);
	CHECK(n == want);
	for (uint32_t i = 0; i < n && i < want; i++)
	{
		CHECK(knn.sessions.number[nearest[i]] == shop.session[i].key);
		CHECK(knn.candidate[nearest[i]].similarity == shop.session[i].similarity);
		session_knn_add(&knn, knn.candidate[nearest[i]].similarity, shop.visited, shop.session[i].item, shop.session[i].size);
	}
	plain_scores(&shop, &params, want, score);
	for (uint32_t place = 0; place < knn.items.size; place++)
	{
		CHECK_NEAR(sum_of(&knn, place), score[knn.items.number[place]], 1e-12);
		sum += score[knn.items.number[place]];
	}
	for (uint32_t item = 0; item < NUM_ITEMS; item++)
		sum -= score[item];
	CHECK_NEAR(sum, 0, 1e-9);
	env_release(unit_env(), nearest);
	session_knn_release(&knn);
}

static void
test_random(void)
{
	for (int i = 0; i < 3000; i++)
		compare_once();
}

static void
test_weights(void)
{
	/* four clicks: the last, and the first */
	CHECK(session_knn_decay(SESSION_LINEAR, 1, 4) == 4);
	CHECK(session_knn_decay(SESSION_LINEAR, 4, 4) == 1);
	CHECK(session_knn_decay(SESSION_QUADRATIC, 2, 4) == 9);
	CHECK_NEAR(session_knn_decay(SESSION_LOG, 3, 4), 0.5, 1e-15);
	CHECK_NEAR(session_knn_decay(SESSION_INVERSE, 4, 4), 0.25, 1e-15);
	CHECK(session_knn_decay(SESSION_SAME, 4, 4) == 1);
	CHECK_NEAR(session_knn_match(SESSION_LINEAR, 1), 0.9, 1e-15);
	CHECK_NEAR(session_knn_match(SESSION_LINEAR, 9), 0.1, 1e-12);
	CHECK(session_knn_match(SESSION_LINEAR, 10) == 0);
	CHECK(session_knn_match(SESSION_LINEAR, 50) == 0);
	CHECK_NEAR(session_knn_match(SESSION_QUADRATIC, 5), 0.25, 1e-15);
	CHECK_NEAR(session_knn_match(SESSION_INVERSE, 5), 0.2, 1e-15);
}

static void
test_idf(void)
{
	CHECK_NEAR(session_knn_idf(1, 100, 10), log(10), 1e-15);
	CHECK_NEAR(session_knn_idf(2, 100, 10), log(10) * log(10), 1e-15);
	CHECK(session_knn_idf(0, 100, 10) == 1);
	/* an item in all sessions, or of none: no factor rather than 0 or infinity */
	CHECK(session_knn_idf(1, 100, 100) == 1);
	CHECK(session_knn_idf(1, 100, 0) == 1);
	CHECK(session_knn_idf(1, 0, 0) == 1);
}

/* Keys that are bytes, where a shorter one comes before what it begins. */
static void
test_bytes(void)
{
	static const char *const key[] = {"b", "ab", "a", ""};
	const uint32_t distance[] = {1};
	SessionKnnParams params = {3, 10, SESSION_LINEAR, SESSION_LINEAR};
	SessionKnn	knn;
	uint32_t   *nearest;
	uint32_t	n;

	session_knn_init(unit_env(), &knn, &params, false, 1, 1, distance);
	for (uint32_t i = 0; i < 4; i++)
		session_knn_offer(&knn, keyset_add_bytes(unit_env(), &knn.sessions, key[i], strlen(key[i])), 5, 0);
	nearest = session_knn_nearest(&knn, &n);
	CHECK(n == 3 && nearest[0] == 3 && nearest[1] == 2 && nearest[2] == 1);
	env_release(unit_env(), nearest);
	session_knn_release(&knn);
}

/* A neighbor that has lost what was visited, and an item that neighbors do not know, add nothing. */
static void
test_no_match(void)
{
	const uint32_t distance[] = {1, 2};
	const uint32_t visited[] = {KEYSET_NONE, 7};
	const uint32_t other[] = {3, 4};
	const uint32_t some[] = {7, 4};
	SessionKnnParams params = {3, 10, SESSION_LINEAR, SESSION_LINEAR};
	SessionKnn	knn;
	uint32_t   *nearest;
	uint32_t	n;

	session_knn_init(unit_env(), &knn, &params, true, 2, 2, distance);
	nearest = session_knn_nearest(&knn, &n);
	CHECK(n == 0);
	session_knn_add(&knn, 1, visited, other, 2);
	CHECK(knn.items.size == 0);
	session_knn_add(&knn, 2, visited, some, 2);
	CHECK(knn.items.size == 2);
	CHECK(session_knn_scores(&knn, 1)[0] == 0);
	CHECK_NEAR(session_knn_scores(&knn, 1)[1], 2 * 0.8, 1e-15);
	env_release(unit_env(), nearest);
	session_knn_release(&knn);
}

void
test_session_knn(void)
{
	RUN(test_random);
	RUN(test_weights);
	RUN(test_idf);
	RUN(test_bytes);
	RUN(test_no_match);
}
