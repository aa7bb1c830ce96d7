/*
 * rule.h
 *		Predicates over what one customer did and is: text to tree and back, and evaluation with three values.
 *
 *		count(purchase, 365 days) >= 4 and not did(purchase, 60 days) and attr(country) in (IN, GB)
 *
 * Evaluating gives a value and an instant: the earliest at which the value could change without a new event (`stable_until`).  Windows are
 * half-open, (t - W, t], so that an event at e counts from e on and leaves at e + W.  A tree is made by the parser only, so it keeps the limits.
 */
#ifndef PERSONALIZE_KERNEL_RULE_H
#define PERSONALIZE_KERNEL_RULE_H

#include "kernel/activity.h"

#define RULE_MAX_DEPTH 32		/* of the tree, a condition alone being of depth 1 */
#define RULE_MAX_NESTING 128	/* of parentheses and negations as written */
#define RULE_MAX_LEAVES 256
#define RULE_MAX_TEXT 1000		/* bytes of a name or a literal */
#define RULE_MAX_LIST 100000	/* members of a list */
#define RULE_MAX_PERIODS 1000
#define RULE_MAX_SUM INT64_C(9000000000000000000)	/* that a sum can be compared with, in units of amounts */
#define RULE_NEVER INT64_MAX	/* not without a new event */

/* In order, so that `and` is the least and `or` the greatest. */
typedef enum RuleTruth
{
	RULE_FALSE,
	RULE_UNKNOWN,
	RULE_TRUE
} RuleTruth;

typedef enum RuleType
{
	RULE_ALL,
	RULE_ANY,
	RULE_NOT,
	/* of events */
	RULE_COUNT,
	RULE_SUM,
	RULE_AVG,
	RULE_MIN,
	RULE_MAX,
	RULE_DAYS,					/* different days (UTC) with an event */
	RULE_LAST,
	RULE_FIRST,
	RULE_SEQ,
	RULE_DID_NOT_AFTER,
	RULE_REGULAR,
	/* of what else is known of the customer: the caller's to answer */
	RULE_ATTR,
	RULE_SCORE,
	RULE_RFM,
	RULE_LIFECYCLE,
	RULE_IN,
	RULE_BUCKET,
	RULE_CONSENT,
	RULE_LIST
} RuleType;

typedef enum RuleOp
{
	RULE_EQ,
	RULE_NE,
	RULE_LT,
	RULE_LE,
	RULE_GT,
	RULE_GE,
	RULE_ONE_OF,				/* in (…) */
	RULE_IS_NULL,
	RULE_CONTAINS,				/* an array that holds the value */
	RULE_YOUNGER,				/* a time, less than an interval ago */
	RULE_OLDER					/* a time, an interval ago or more */
} RuleOp;

typedef enum RuleWindowType
{
	RULE_EVER,
	RULE_ROLLING,				/* the last `length` microseconds */
	RULE_THIS,					/* the day, week, month, … that is, up to now */
	RULE_PREVIOUS,				/* the one before, all of it */
	RULE_SINCE					/* from `length`, an instant, or the start of a day in the customer's zone, up to now */
} RuleWindowType;

typedef enum RulePeriod
{
	RULE_DAY,
	RULE_WEEK,
	RULE_MONTH,
	RULE_QUARTER,
	RULE_YEAR
} RulePeriod;

typedef struct RuleWindow
{
	RuleWindowType type;
	RulePeriod	period;
	bool		local;			/* RULE_SINCE: `length` is a day of the zone, in UTC */
	int64_t		length;
} RuleWindow;

typedef struct RuleText
{
	const char *bytes;
	uint32_t	size;
	bool		is_number;
} RuleText;

/* Events that a leaf looks at: a kind, and amounts between two limits. */
typedef struct RuleEvents
{
	uint16_t	kind;			/* place in Rule.kinds */
	bool		filtered;		/* events without amount do not pass then */
	RuleOp		filter;
	int64_t		amount;
} RuleEvents;

typedef struct RuleNode
{
	RuleType	type;
	RuleOp		op;
	uint32_t	next;			/* place behind this node and all below it; children follow their node */
	RuleEvents	a;
	RuleEvents	b;				/* seq, did_not_after: what follows */
	RuleWindow	window;
	int64_t		value;			/* a count, an amount, an age or a distance of time in microseconds */
	int64_t		limits[6];		/* regular: m, n; rfm: from, to of each; bucket: from, to in hundredths of a percent; lifecycle: state, whether it names events */
	RuleText	name;			/* path, model, state, segment as SQL writes it, salt, channel */
	uint32_t	texts;			/* place of the first in Rule.texts */
	uint32_t	num_texts;		/* of one of many: ascending by rule_text_compare, each once */
	uint32_t	at;				/* where it stands in the text that was parsed, in bytes */
} RuleNode;

typedef struct Rule
{
	RuleNode   *nodes;			/* in order of the text: a node, then what is below */
	uint32_t	num_nodes;
	uint32_t	num_leaves;
	RuleText   *texts;
	uint32_t	num_texts;
	RuleText   *kinds;			/* names of events */
	uint32_t	num_kinds;
	char	   *strings;		/* what all texts point into */
	ActivityKind *found;		/* scratch of an evaluation: one for each kind; count 0 where there is none */
} Rule;

/* What is wrong with a text, and where, in bytes. */
typedef struct RuleError
{
	size_t		at;
	const char *expected;
	const char *hint;			/* or NULL */
	bool		limit;			/* too large, not malformed */
} RuleError;

/* NULL, with *error filled, where the text is no rule.  What a rule points at is its own. */
extern Rule *rule_parse(Env *env, const char *text, size_t size, RuleError *error);
extern void rule_release(Env *env, Rule *rule);
/* Canonical: equal rules print equally, and what was printed parses to the same. */
extern char *rule_print(Env *env, const Rule *rule, size_t *size);
/* A node with all below it. */
extern char *rule_print_node(Env *env, const Rule *rule, const RuleNode *node, size_t *size);
/* Parts of that, for other forms: each writes at most RULE_FORMATTED bytes, with a 0 at the end. */
#define RULE_FORMATTED 64
extern const char *const rule_signs[];	/* of RuleOp, up to RULE_OLDER */
extern void rule_format_fixed(char *out, int64_t value, int places);	/* in units of 10^-places, without zeros at the end */
extern void rule_format_interval(char *out, int64_t length);
extern void rule_format_window(char *out, const RuleWindow *window);
/* By bytes, then numbers before others. */
extern int	rule_text_compare(RuleText a, RuleText b);

/* --- what a rule asks -------------------------------------------------------- */

/* The kinds of events are Rule.kinds; those of a lifecycle are among them. */

static inline bool
rule_is_leaf(const RuleNode *node)
{
	return node->type > RULE_NOT;
}

/*
 * Leaves in order of the text; *place is 0 at first:
 *
 *		for (place = 0; (leaf = rule_next_leaf(rule, &place)) != NULL;)
 *			if (leaf->type == RULE_IN)
 *				... leaf->name
 */
static inline const RuleNode *
rule_next_leaf(const Rule *rule, uint32_t *place)
{
	while (*place < rule->num_nodes)
	{
		const RuleNode *node = &rule->nodes[(*place)++];

		if (rule_is_leaf(node))
			return node;
	}
	return NULL;
}

/* Whether any leaf is of that type, and whether any needs more than events and the calendar. */
static inline bool
rule_has(const Rule *rule, RuleType type)
{
	const RuleNode *leaf;

	for (uint32_t place = 0; (leaf = rule_next_leaf(rule, &place)) != NULL;)
		if (leaf->type == type)
			return true;
	return false;
}

static inline bool
rule_asks(const Rule *rule)
{
	const RuleNode *leaf;

	for (uint32_t place = 0; (leaf = rule_next_leaf(rule, &place)) != NULL;)
		if (leaf->type >= RULE_ATTR && leaf->type != RULE_LIFECYCLE)
			return true;
	return false;
}

/* --- evaluation -------------------------------------------------------------- */

typedef struct RuleAnswer
{
	RuleTruth	value;
	int64_t		stable_until;
} RuleAnswer;

/* What the kernel asks of its caller; NULL pointers where a rule has no such leaf. */
typedef struct RuleContext
{
	int64_t		as_of;
	/* Start of the period that holds as_of, moved by so many periods. */
	int64_t		(*period) (struct RuleContext *context, RulePeriod period, int offset);
	/* Start of a day in the customer's zone. */
	int64_t		(*day) (struct RuleContext *context, int64_t utc);
	/* RULE_ATTR and what follows it; a lifecycle may be left to rule_lifecycle. */
	RuleAnswer	(*ask) (struct RuleContext *context, const Rule *rule, const RuleNode *leaf);
} RuleContext;

/* False where the bytes are no activity. */
extern bool rule_evaluate(const Rule *rule, const void *activity, size_t size, RuleContext *context, RuleAnswer *answer);
/* The value alone, which need not look at all leaves. */
extern bool rule_matches(const Rule *rule, const void *activity, size_t size, RuleContext *context, RuleTruth *value);
/* Of a leaf of that type, by the events that it names: for what answers `ask`. */
extern RuleAnswer rule_lifecycle(const Rule *rule, const RuleNode *leaf, RuleContext *context);

/* --- explanation ------------------------------------------------------------- */

/* What was found for a leaf that is of events. */
typedef struct RuleEvidence
{
	int64_t		events;			/* in the window; regular: periods with events */
	int64_t		amounts;		/* events that have one */
	__int128	figure;			/* what is compared: a count, a sum of amounts, an amount, days; avg: the sum */
	int64_t		time;			/* of the event that decides: INT64_MIN where there is none */
	int64_t		then;			/* seq, did_not_after: of the other of both */
} RuleEvidence;

/* `evidence` is NULL for what is not of events. */
typedef void (*RuleTrace) (void *arg, const Rule *rule, const RuleNode *node, int depth, RuleAnswer answer, const RuleEvidence *evidence);

/* Tells of every node, in order of the text and each for itself.  False where the bytes are no activity. */
extern bool rule_trace(const Rule *rule, const void *activity, size_t size, RuleContext *context, RuleTrace trace, void *arg);

#endif							/* PERSONALIZE_KERNEL_RULE_H */
