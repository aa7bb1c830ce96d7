/*
 * interleave.h
 *		Random shops, random writers that get in each other's way, and an oracle: models must
 *		be exact after every refresh.
 *
 * One process plays all connections of a seed, one statement after the other; a statement that waits
 * for a lock is left waiting while others go on.  So the order of events depends on the seed alone.
 */
#ifndef INTERLEAVE_H
#define INTERLEAVE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

/* --- chance and text (main.c) --- */
extern uint32_t below(uint32_t n);	/* 0 .. n - 1 */
extern bool chance(int percent);
#define pick(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

/* A text that lives until the seed is over. */
extern char *text(const char *format,...) __attribute__((format(printf, 1, 2)));
/* One line of what happened, printed where a seed fails. */
extern void note(const char *format,...) __attribute__((format(printf, 1, 2)));
/* The seed has failed; what is wrong goes to its report. */
extern void fail(const char *format,...) __attribute__((format(printf, 1, 2)));
extern bool failed(void);

/* --- connections (session.c) --- */
typedef struct Session
{
	const char *name;
	PGconn	   *conn;
	int			pid;
	bool		busy;			/* its statement waits for a lock */
	bool		trusted;		/* setup and checks: an error is a failure */
	bool		lenient;		/* but for conflicts with others */
	int			savepoints;
	const char *copy;			/* what COPY FROM STDIN sends */
	const char *statement;
	char		sqlstate[6];	/* of the last error, or empty */
} Session;

extern void session_open(Session *s, const char *name, const char *conninfo);
extern void session_close(Session *s);
/* Sends, and waits until the statement is over or waits for a lock. */
extern void session_send(Session *s, const char *statement);
/* Looks after those that were waiting. */
extern void sessions_settle(void);
/* Setup and checks: the statement must succeed; returns false, and has failed the seed, where it does not. */
extern bool session_do(Session *s, const char *statement);
/* Rows that a check returns are what is wrong; `what` names the check. */
extern void session_expect_no_rows(Session *s, const char *what, const char *query);
extern char *session_value(Session *s, const char *query);
extern bool session_in_transaction(const Session *s);

#define NUM_WRITERS 4
extern Session monitor;			/* superuser: who is blocked */
extern Session checker;
extern Session writer[NUM_WRITERS];
extern int	num_writers;
extern int	server_version;

/* --- what there is (shop.c) --- */
typedef enum {SOURCE_TABLE, SOURCE_PARTITIONED, SOURCE_VIEW} Source;
typedef enum {KEY_SMALLINT, KEY_INTEGER, KEY_BIGINT, KEY_TEXT, KEY_UUID} Key;

typedef struct History
{
	const char *name;
	const char *relation;
	bool		times;
	bool		weights;
	const char *events;			/* array, or NULL: all rows count */
	const char *event_weights;	/* array, or NULL */
	int			max_basket;		/* 0: no limit */
	const char *horizon;		/* or NULL */
} History;

typedef struct Model
{
	const char *name;
	int			target;			/* -1: none, otherwise a history's number */
	int			window;			/* 0: no sequence */
	double		damping;
	int			generation;		/* days; 0: none */
	int			half_life;		/* days */
	const char *measure;
	bool		scored;			/* whether the oracle knows the score */
	bool		ridge;
	double		parameter[5];	/* in the order of parameter_names; NaN: not given */
	int			neighbors;
	double		min_count;
} Model;

#define NUM_PARAMETERS 5
extern const char *const parameter_names[NUM_PARAMETERS];

typedef struct Shop
{
	Source		source;
	Key			basket;
	Key			item;
	int			num_baskets;
	int			num_items;
	bool		customers;		/* a view whose basket is the order's customer */
	bool		foreign_key;
	bool		expiring;		/* a horizon of a moment: events expire while the test runs */
	bool		decays;			/* times must not be too far apart */
	int			num_histories;
	History		history[2];
	int			num_models;
	Model		model[3];
	int			recent;			/* of nearest sessions, "near" of the first history; 0: none */
	int			longest;		/* 0: any */
	int			next_line;
	bool		ready;			/* histories and models are there */
} Shop;

extern Shop shop;

extern void shop_choose(void);
extern bool shop_create(void);
extern void shop_drop(void);
extern const char *key_type(Key key);
extern const char *basket_literal(void);
extern const char *item_literal(void);
extern const char *time_literal(void);
extern void model_choose_scoring(Model *m);
/* Statements that create a history, and a model, under that name. */
extern const char *history_statement(const History *h, const char *name, const char *catalog, bool build);
extern const char *sessions_statement(const char *name, const char *history, bool build);
extern const char *model_statement(const Model *m, const char *name, const char *history, const char *target, bool build);

/* --- what happens (writer.c) --- */
extern void write_first_lines(Session *s);
extern void write_something(Session *s);
extern void finish_writers(void);

/* --- what must be (check.c) --- */
extern bool oracle_create(void);
extern bool oracle_create_model(const Model *m);
extern void check_busy(void);
extern void check_quiet(void);
extern void alter_something(void);

#endif							/* INTERLEAVE_H */
