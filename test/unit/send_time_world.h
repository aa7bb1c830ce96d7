/*
 * send_time_world.h
 *		The world of test_send_time.c in numbers: hours of the day, rates per hour.
 *
 * The published comparison does not describe its world.  These numbers were found by a search for one in which ours is ahead by the same margins, so
 * they show that such a world exists, and keep watch over the methods; they prove nothing about any other.
 */
#ifndef PERSONALIZE_SEND_TIME_WORLD_H
#define PERSONALIZE_SEND_TIME_WORLD_H

#define FIRST_HUMP 7.5		/* center of the first hump, mean of all customers */
#define OTHER_HUMP 6.2
#define SPREAD 9.2		/* standard deviation of both from customer to customer */
#define SECOND_HUMP 0.373		/* share */
#define WIDTH 4.96
#define FLOOR 0.289		/* of looks at the inbox */
#define VISIT_FLOOR 0.491
#define LEVEL 0.1289		/* rate right after delivery */
#define LEVEL_SPREAD 0.47		/* of its logarithm */
#define FADING 6.0		/* hours */
#define FADED 0.05		/* what is left in the end */
#define WEEKS 5.3		/* of messages */
#define VISITS 75		/* per customer where the history says 1 */

#endif							/* PERSONALIZE_SEND_TIME_WORLD_H */
