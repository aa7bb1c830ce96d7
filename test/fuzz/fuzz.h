/*
 * fuzz.h
 *		What the fuzzed functions share with the program that feeds them:
 *		libFuzzer's own, or driver.c where there is no clang.
 */
#ifndef PERSONALIZE_FUZZ_H
#define PERSONALIZE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs one input, whose first byte chooses the target; true if it was not turned away. */
extern bool fuzz_input(const uint8_t *data, size_t size);

#endif							/* PERSONALIZE_FUZZ_H */
