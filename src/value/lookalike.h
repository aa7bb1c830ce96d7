/*
 * lookalike.h
 *		The type lookalike_model: how many customers, and how many of a seed set, have each feature.
 *
 * Stored are the version, customers, seeds and number of features, and of each feature, ascending by its bytes, size, bytes and both counts, all numbers as
 * varints.  Equal models have equal bytes.
 */
#ifndef PERSONALIZE_VALUE_LOOKALIKE_H
#define PERSONALIZE_VALUE_LOOKALIKE_H

#include "base/compat.h"

#include "base/server_env.h"
#include "kernel/lookalike.h"

#define LOOKALIKE_VERSION 1
#define LOOKALIKE_MOST_BYTES 1000	/* of a feature */

extern bytea *lookalike_form(Lookalike *l);
/* Adds what stands in a value; checks every byte. */
extern void lookalike_read(bytea *value, Lookalike *l);
/* Fails where a model has more features than memory is allowed for. */
extern void lookalike_check_memory(const Lookalike *l);
extern void lookalike_guard_feature(size_t size);

#endif							/* PERSONALIZE_VALUE_LOOKALIKE_H */
