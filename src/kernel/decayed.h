/*
 * decayed.h
 *		Forward-decayed counters in integers, and bounds of the rates that they estimate.
 *
 * An event at time t adds round(2^16 · 2^((t − start)/h)) to the sum of its epoch, which starts every 16 half-lives h from 2000-01-01 on;
 * so what an event has added can be taken away again to the last bit, in any order, at any time.  What all of it is worth at a time `now` is
 * Σ sum(epoch) · 2^(−16) · 2^((start(epoch) − now)/h).  Powers are computed in integers, so every machine adds the same.
 * After Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009.
 */
#ifndef PERSONALIZE_DECAYED_H
#define PERSONALIZE_DECAYED_H

#include <stdbool.h>
#include <stdint.h>

#define DECAY_EPOCH_HALF_LIVES 16
/* What one event at the start of an epoch, or without decay, adds. */
#define DECAY_UNIT 65536
/* Epochs before the present one that still count: what is older weighs less than 2^-32 of what happens now. */
#define DECAY_KEPT_EPOCHS 2

typedef struct Decay
{
	int64_t		half_life;		/* in the unit of the times; 0: nothing loses weight, and all is epoch 0 */
} Decay;

extern int32_t decay_epoch(const Decay *decay, int64_t time);
/* What an event adds: 2^16 to 2^32. */
extern int64_t decay_weight(const Decay *decay, int64_t time);
/* What one unit (1, not 2^16) in a sum of that epoch is worth now.  Epochs that have not begun are worth nothing. */
extern double decay_unit_value(const Decay *decay, int32_t epoch, int64_t now);
/* The first epoch that counts now; INT32_MIN without decay. */
extern int32_t decay_first_epoch(const Decay *decay, int64_t now);
/*
 * When the last event was is kept as a count of events by quarter of a half-life: it can be taken away again as well.  Number of the quarter,
 * the epoch that it is in, and its end.
 */
extern int32_t decay_quarter(const Decay *decay, int64_t time);
extern int32_t decay_quarter_epoch(int32_t quarter);
extern int64_t decay_quarter_end(const Decay *decay, int32_t quarter);
/* The last multiple of h/32 up to now: scores are of such times, and stay as they are between them. */
extern int64_t decay_tick(const Decay *decay, int64_t now);

/* 5 % quantile of a Gamma distribution with this shape and rate, after Wilson and Hilferty; 0 where it would be negative. */
extern double rate_lower_bound(double shape, double rate);
/* 5 % lower bound of a share of n trials, after Wilson (1927); 0 of none. */
extern double share_lower_bound(double successes, double n);

#endif							/* PERSONALIZE_DECAYED_H */
