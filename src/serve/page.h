/*
 * page.h
 *		Pages: several widgets, with no item twice.
 */
#ifndef PERSONALIZE_PAGE_H
#define PERSONALIZE_PAGE_H

/* A page is something that a person looks at. */
#define PAGE_MAX_SHELVES 100

#endif							/* PERSONALIZE_PAGE_H */
