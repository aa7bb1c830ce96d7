/*
 * main.c
 *		Runs the unit tests of the kernels, without a server.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define MAX_SHOWN 5				/* failed checks printed per test */

typedef struct Suite
{
	const char *name;
	void		(*run) (void);
} Suite;

static const Suite suites[] = {
	{"activity", test_activity},
	{"basket", test_basket},
	{"baskets", test_baskets},
	{"buyer", test_buyer},
	{"cooccur", test_cooccur},
	{"counter_row", test_counter_row},
	{"decayed", test_decayed},
	{"dropoff", test_dropoff},
	{"itemvec", test_itemvec},
	{"keyset", test_keyset},
	{"listing", test_listing},
	{"lookalike", test_lookalike},
	{"measure", test_measure},
	{"mix", test_mix},
	{"ordinal_set", test_ordinal_set},
	{"pair_best", test_pair_best},
	{"pair_block", test_pair_block},
	{"pair_row", test_pair_row},
	{"pairs", test_pairs},
	{"radix", test_radix},
	{"rank_metrics", test_rank_metrics},
	{"repeat", test_repeat},
	{"rfm", test_rfm},
	{"response", test_response},
	{"ridge", test_ridge},
	{"rule", test_rule},
	{"runs", test_runs},
	{"send_time", test_send_time},
	{"session_knn", test_session_knn},
	{"simd", test_simd},
	{"survival", test_survival},
	{"trigger", test_trigger},
};

static long checks;
static long passed;
static long failed;

/* the test that is running */
static char test_name[100];
static long shown;				/* its failed checks */

static void
unit_end(void)
{
	if (test_name[0] == '\0')
		return;
	if (shown == 0)
		passed++;
	else
		failed++;
	test_name[0] = '\0';
}

void
unit_begin(const char *name)
{
	unit_end();
	snprintf(test_name, sizeof(test_name), "%s", name);
	shown = 0;
}

void
unit_check(bool ok, const char *what, const char *file, int line)
{
	checks++;
	if (!ok && shown++ < MAX_SHOWN)
		printf("%s:%d: %s: failed: %s\n", file, line, test_name, what);
}

void
unit_check_near(double got, double want, double tolerance,
				const char *what, const char *file, int line)
{
	bool		ok = fabs(got - want) <= tolerance * fmax(1, fabs(want));

	unit_check(ok, what, file, line);
	if (!ok && shown <= MAX_SHOWN)
		printf("    got %.17g, want %.17g\n", got, want);
}

static void *
malloc_resize(Env *env, void *ptr, size_t size)
{
	void	   *result = realloc(ptr, size ? size : 1);

	if (result == NULL)
	{
		fprintf(stderr, "out of memory: %zu bytes\n", size);
		abort();
	}
	return result;
}

static void
malloc_release(Env *env, void *ptr)
{
	free(ptr);
}

static void
no_check(Env *env, uint64_t done, uint64_t total)
{
}

Env *
unit_env(void)
{
	static Env	env = {malloc_resize, malloc_release, no_check};

	return &env;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t
unit_random(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Arguments name the suites to run; without any, all run. */
static bool
wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
	{
		long		failed_before = failed;
		long		passed_before = passed;

		if (!wanted(suites[i].name, argc, argv))
			continue;
		suites[i].run();
		unit_end();
		printf("%-20s %ld passed, %ld failed\n", suites[i].name,
			   passed - passed_before, failed - failed_before);
		fflush(stdout);
	}
	printf("%ld checks\n", checks);
	printf("%ld passed, %ld failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
