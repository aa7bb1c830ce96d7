/*
 * cooccurrence.h
 *		The co-occurrence matrix as a value.
 *
 * The value holds the matrix X'WX as its factor X: the distinct baskets, and how
 * often each was seen, without their keys.  That is never much larger than the
 * counts of pairs and for baskets of more than three items far smaller; it merges
 * by putting baskets together, exactly; and every measure, with or without damping,
 * can be read from it.  Pairs are counted when they are read.
 */
#ifndef PERSONALIZE_COOCCURRENCE_H
#define PERSONALIZE_COOCCURRENCE_H

#include "postgres.h"

#include "base/server_env.h"
#include "kernel/baskets.h"
#include "kernel/cooccur.h"
#include "value/item_key.h"

#define COOCCURRENCE_VERSION	1
#define COOCCURRENCE_WEIGHTED	0x01	/* flag: items carry weights */

#define COOCCURRENCE_MAX_DAMPING 2.0

/*
 * As stored.  Behind it the keys in the order of their ranks, then the lists of
 * baskets_codec.c.  Layout is checked in layout.c; a change needs a new version.
 */
typedef struct Cooccurrence
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	uint8		version;
	uint8		key_type;
	uint8		flags;
	uint8		unused;
	uint32		num_items;
	uint32		keys_size;		/* bytes of keys */
	float8		damping;
	uint64		num_baskets;
	uint64		num_lists;		/* distinct baskets */
	uint64		num_entries;	/* items of all lists */
	char		data[FLEXIBLE_ARRAY_MEMBER];
} Cooccurrence;

#define DatumGetCooccurrence(d) cooccurrence_check((Cooccurrence *) PG_DETOAST_DATUM(d))
#define PG_GETARG_COOCCURRENCE(n) DatumGetCooccurrence(PG_GETARG_DATUM(n))

/* --- cooccurrence_build.c: from baskets to a value --- */

/* What must be the same in all parts of a matrix. */
typedef struct CooccurrenceKind
{
	KeyType		key_type;
	bool		weighted;
	float8		damping;
} CooccurrenceKind;

typedef struct CooccurrenceBuilder
{
	ServerEnv	server;
	CooccurrenceKind kind;
	Keyset		keys;			/* codes of the baskets below */
	Baskets		baskets;		/* of two items and more, or with weights */
	uint64	   *single;			/* baskets of one item, by code */
	uint32		single_room;
} CooccurrenceBuilder;

extern Cooccurrence *cooccurrence_check(Cooccurrence *m);
extern CooccurrenceKind cooccurrence_kind(const Cooccurrence *m);
extern void cooccurrence_builder_init(CooccurrenceBuilder *builder, CooccurrenceKind kind);
/* Room for `size` more codes behind the last basket, as baskets_reserve, within personalize.matrix_mem. */
extern void cooccurrence_builder_reserve(CooccurrenceBuilder *builder, uint64 size);
/* The basket whose `size` codes (and weights) stand in builder->baskets behind the last. */
extern void cooccurrence_builder_close(CooccurrenceBuilder *builder, uint64 size, uint32 repeat);
extern void cooccurrence_builder_add(CooccurrenceBuilder *builder, const Cooccurrence *m);
extern Cooccurrence *cooccurrence_builder_finish(CooccurrenceBuilder *builder);
/* Fails where so many lists and entries more than the builder has cannot be built. */
extern void cooccurrence_check_build(const CooccurrenceBuilder *builder, uint64 lists, uint64 entries);
/* Fails where `bytes` are more than personalize.matrix_mem. */
extern void cooccurrence_check_memory(Size bytes, const char *what);

/* Appends the keys and lists of a value to sets of one's own, with the value's codes. */
extern void cooccurrence_read_keys(Env *env, const Cooccurrence *m, Keyset *keys);
extern void cooccurrence_read_baskets(Env *env, const Cooccurrence *m, Baskets *baskets);

#endif							/* PERSONALIZE_COOCCURRENCE_H */
