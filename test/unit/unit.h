/*
 * unit.h
 *		What a unit test of a kernel needs: checks that count, and an
 *		environment made of malloc.
 */
#ifndef PERSONALIZE_UNIT_H
#define PERSONALIZE_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

/* Runs one test, a function without arguments, under its own name. */
#define RUN(test) (unit_begin(#test), test())
/* The same for what is no such function: a test lasts until the next begins. */
extern void unit_begin(const char *name);

/* A failed check prints where it stands and lets the test go on. */
#define CHECK(cond) unit_check((cond), #cond, __FILE__, __LINE__)
/* Within a relative tolerance of `want`, or an absolute one below 1. */
#define CHECK_NEAR(got, want, tolerance) \
	unit_check_near((got), (want), (tolerance), #got, __FILE__, __LINE__)

extern void unit_check(bool ok, const char *what, const char *file, int line);
extern void unit_check_near(double got, double want, double tolerance,
							const char *what, const char *file, int line);

/* Memory from malloc; aborts where there is none, as a kernel's alloc may not fail. */
extern Env *unit_env(void);

/* A fixed sequence, so that a failure can be repeated; the state is any number. */
extern uint64_t unit_random(uint64_t *state);

/* One function per file test_X.c, listed in main.c. */
extern void test_activity(void);
extern void test_basket(void);
extern void test_baskets(void);
extern void test_buyer(void);
extern void test_cooccur(void);
extern void test_counter_row(void);
extern void test_decayed(void);
extern void test_dropoff(void);
extern void test_itemvec(void);
extern void test_keyset(void);
extern void test_listing(void);
extern void test_lookalike(void);
extern void test_measure(void);
extern void test_mix(void);
extern void test_ordinal_set(void);
extern void test_pair_best(void);
extern void test_pair_block(void);
extern void test_pair_row(void);
extern void test_pairs(void);
extern void test_radix(void);
extern void test_repeat(void);
extern void test_rank_metrics(void);
extern void test_rfm(void);
extern void test_response(void);
extern void test_ridge(void);
extern void test_rule(void);
extern void test_runs(void);
extern void test_send_time(void);
extern void test_session_knn(void);
extern void test_simd(void);
extern void test_survival(void);
extern void test_trigger(void);

#endif							/* PERSONALIZE_UNIT_H */
