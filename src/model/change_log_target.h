/*
 * change_log_target.h
 *		Where the changes of one relation go for one history or catalog, and what
 *		gives their keys; resolved once, kept until the relation changes.
 */
#ifndef PERSONALIZE_CHANGE_LOG_TARGET_H
#define PERSONALIZE_CHANGE_LOG_TARGET_H

#include "postgres.h"

#include "access/transam.h"
#include "commands/trigger.h"
#include "executor/spi.h"

#include "model/registry.h"

/* Over which rows an expression is evaluated. */
typedef enum RowSource
{
	ROWS_NEW,					/* the transition tables */
	ROWS_OLD,
	ROWS_OLD_AND_NEW,
	ROWS_ONE					/* $1, a row of the relation */
} RowSource;

#define NUM_ROW_SOURCES (ROWS_ONE + 1)

/* One key of a target's key_type. */
typedef struct LogKey
{
	int64		number;			/* where keys are numbers */
	Datum		datum;			/* otherwise */
} LogKey;

typedef struct LogTarget
{
	Oid			log;
	KeyType		type;			/* of the log */
	char	   *problem;		/* why keys cannot be told: then everything may have changed.  Otherwise NULL */
	/* key: a column, or an expression where attnum is 0 */
	AttrNumber	attnum;
	KeyType		key_type;		/* as which values of key come: type, or a narrower number */
	char	   *expression;
	Oid			relation;		/* whose rows these are */
	char	   *alias;			/* what an expression may call the row: the name of the watched table, also in a partition */
	SPIPlanPtr	plan[NUM_ROW_SOURCES];
	/* columns that matter: an UPDATE of none of them changes nothing.  None: all matter */
	int			num_used;
	AttrNumber *used;
	/* the key that this session has logged last; see change_log_trigger.c */
	LogKey		logged;
	FullTransactionId logged_transaction;	/* invalid: none */
	SubTransactionId logged_subtransaction;
	uint64		logged_consumed;
	/* life */
	Oid			source;			/* interactions or products */
	MemoryContext context;
	int			users;			/* triggers at work with it */
	bool		stale;			/* to be made again */
	bool		forgotten;		/* no longer in the cache: the last user frees it */
} LogTarget;

/* NULL: this relation is not watched for this id.  To be released. */
extern LogTarget *log_target_acquire(int32 id, Oid relation);
extern void log_target_release(LogTarget *target);

/* Called for every key; the datum is good until it returns. */
typedef void (*KeySink) (void *arg, Datum key);

/*
 * The expression over these rows; SPI is connected, and knows the trigger's transition tables.  Returns false, with target->problem, where
 * it cannot be understood (any more).  What it raises while it runs is raised.
 */
extern bool log_target_evaluate(LogTarget *target, RowSource rows, Datum row, KeySink sink, void *arg);

/* Whether values of an SQL type can be logged, unchanged, as keys of a type. */
extern bool log_type_fits(Oid type, KeyType log);
/*
 * Fails where the expression cannot be evaluated over rows of the relation, or gives no key of that type.  With `warn` it also
 * warns of what can be evaluated, but may miss a basket.
 */
extern void log_check_expression(Oid relation, const char *expression, KeyType type, bool warn);

#endif							/* PERSONALIZE_CHANGE_LOG_TARGET_H */
