/*
 * term.h
 *		Search terms in the one form in which they are kept and looked up.
 */
#ifndef PERSONALIZE_TERM_H
#define PERSONALIZE_TERM_H

#include "postgres.h"

/* Lower case, words apart by one space, without punctuation but for what tells products apart; a new string. */
extern char *term_normalize(const char *term, int size);

#endif							/* PERSONALIZE_TERM_H */
