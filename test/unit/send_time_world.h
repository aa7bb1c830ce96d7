/*
 * send_time_world.h
 *		The world of test_send_time.c in numbers: hours of the day, rates per hour.
 */
#ifndef PERSONALIZE_SEND_TIME_WORLD_H
#define PERSONALIZE_SEND_TIME_WORLD_H

#define FIRST_HUMP 8.7			/* center of the first hump, mean of all customers */
#define OTHER_HUMP 6.2
#define SPREAD 7.6				/* standard deviation of both from customer to customer */
#define SECOND_HUMP 0.116		/* share */
#define WIDTH 4.95
#define FLOOR 0.394				/* of looks at the inbox */
#define VISIT_FLOOR 0.436
#define LEVEL 0.1114			/* rate right after delivery */
#define LEVEL_SPREAD 0.59		/* of its logarithm */
#define FADING 6.2				/* hours */
#define FADED 0.021				/* what is left in the end */
#define WEEKS 4.9				/* of messages */
#define VISITS 58.6				/* per customer where the history says 1 */

#endif							/* PERSONALIZE_SEND_TIME_WORLD_H */
