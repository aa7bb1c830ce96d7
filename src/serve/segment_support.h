/*
 * segment_support.h
 *		What the planner is told about segments, beside what support functions can say.
 */
#ifndef PERSONALIZE_SEGMENT_SUPPORT_H
#define PERSONALIZE_SEGMENT_SUPPORT_H

/* Once, when the library is loaded. */
extern void segment_support_install(void);

#endif							/* PERSONALIZE_SEGMENT_SUPPORT_H */
