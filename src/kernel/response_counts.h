/*
 * response_counts.h
 *		Responses and time at risk of many customers, by hour of the week and by hours since delivery.
 *
 * A table counts responses by the hour of the week that they came in, responses by lag, and minutes at risk by both.  Minutes at risk stand by the
 * hour that lag 0 would fall in, so that a message adds to neighboring counters: row h, lag d is cell (h + d) mod 168.  Messages fade by forward decay
 * (kernel/decayed.h) in integers: what one has added can be taken away again, and parts merge in any order.
 *
 * Bytes: version, half-life, customers, hours with visits, observed days, number of epochs, by epoch: its number, then for opens and for clicks: messages,
 * responses by hour, responses by lag, and by row the lags up to the last one that is not 0, as differences from one to the next.
 */
#ifndef PERSONALIZE_KERNEL_RESPONSE_COUNTS_H
#define PERSONALIZE_KERNEL_RESPONSE_COUNTS_H

#include "kernel/decayed.h"
#include "kernel/response.h"

#define RESPONSE_COUNTS_VERSION 1
#define RESPONSE_HALF_LIFE (90 * RESPONSE_DAY)	/* minutes */
#define RESPONSE_MAX_HALF_LIFE (36524 * RESPONSE_DAY)
/* Visits say where a customer's hours are now, not years ago. */
#define RESPONSE_VISIT_DAYS 180
/* What one message weighs in an epoch's first minute: weights are decay_weight() over 2^8. */
#define RESPONSE_UNIT (DECAY_UNIT >> 8)
#define RESPONSE_MAX_SUM (INT64_C(1) << 61)

/* What is known of a message: that it was opened, or only that it was clicked. */
typedef enum ResponseObservable
{
	RESPONSE_OPEN,
	RESPONSE_CLICK
} ResponseObservable;
#define RESPONSE_OBSERVABLES 2

typedef struct ResponseTable
{
	int64_t		messages;
	int64_t		responses[RESPONSE_WEEK];
	int64_t		lags[RESPONSE_LAGS];
	int64_t		risk[RESPONSE_WEEK][RESPONSE_LAGS];	/* minutes */
} ResponseTable;

typedef struct ResponseEpoch
{
	int32_t		epoch;
	ResponseTable tables[RESPONSE_OBSERVABLES];
} ResponseEpoch;

typedef struct ResponseCounts
{
	Decay		decay;
	int64_t		customers;
	int64_t		visits;			/* hours with visits, of all customers */
	int64_t		days;			/* on which visits were looked for */
	uint32_t	num_epochs;
	ResponseEpoch *epochs[DECAY_KEPT_EPOCHS + 1];	/* ascending, from the latest back as far as they count */
} ResponseCounts;

extern void response_counts_init(ResponseCounts *counts, int64_t half_life);
extern void response_counts_release(Env *env, ResponseCounts *counts);
/* A customer's messages and visits up to a time, in minutes; sign is 1, or -1 to take them away. */
extern void response_counts_add(Env *env, ResponseCounts *counts, const ResponseHours *hours, int32_t as_of, int sign);
/* False where a sum leaves its range; half-lives must be the same. */
extern bool response_counts_merge(Env *env, ResponseCounts *counts, const ResponseCounts *other);

extern unsigned char *response_counts_encode(Env *env, const ResponseCounts *counts, size_t reserve, size_t *size);
/* Into counts that are not initialized. */
extern bool response_counts_decode(Env *env, const void *bytes, size_t size, ResponseCounts *counts);
extern bool response_counts_is_canonical(Env *env, const void *bytes, size_t size);

/*
 * Whether a message says anything of an observable: for how many minutes it was at risk up to a time, and whether a response ended that.  Opens of machines
 * hide those of humans, so such a message says something of clicks only.
 */
extern bool response_observe(const ResponseMessage *message, ResponseObservable observable, int32_t as_of, int *minutes, bool *responded);
/* What is observable of a customer: clicks, where machines opened at least 8 of the last 10 messages. */
extern ResponseObservable response_observable(const ResponseHours *hours, int32_t as_of);
/* Days on which visits of a customer would have been seen; 0 before the first. */
extern double response_days(const ResponseHours *hours, int32_t as_of);

#endif							/* PERSONALIZE_KERNEL_RESPONSE_COUNTS_H */
