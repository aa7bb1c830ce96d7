/*
 * guarded.h
 *		Work that may fail without its caller failing.
 */
#ifndef PERSONALIZE_GUARDED_H
#define PERSONALIZE_GUARDED_H

#include "postgres.h"

/*
 * Does the work in a subtransaction; its error, or NULL.  What the work changed is undone by an error, which is in the current memory
 * context.  A cancelled command stays cancelled.
 */
extern ErrorData *guarded(void (*work) (void *arg), void *arg);

#endif							/* PERSONALIZE_GUARDED_H */
