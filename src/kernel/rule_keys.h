/*
 * rule_keys.h
 *		What an index knows of activities: a few numbers of each kind of event, as keys that sort; and what of them a rule needs.
 *
 * Of each kind an activity has these keys: the hour of its last event, the day of its first, those of the second, third, fifth, tenth, ... last as far as
 * there are so many, the class of the number of its events, and that of the sum of its positive amounts (if there are any).  Keys depend on no clock.  A rule at an instant needs ranges of keys: it can be true only of
 * activities that have a key in each of them, or in one of several.  Nothing follows from keys for certain, so whoever finds them asks the rule again.
 */
#ifndef PERSONALIZE_KERNEL_RULE_KEYS_H
#define PERSONALIZE_KERNEL_RULE_KEYS_H

#include "kernel/rule.h"

typedef enum RuleKeyType
{
	RULE_KEY_COUNT,				/* class of the number of events; every kind that occurs has it */
	RULE_KEY_LAST,				/* hour of the last event */
	RULE_KEY_FIRST,				/* day of the first */
	RULE_KEY_SUM,				/* class of the sum of the amounts above 0 */
	RULE_KEY_NTH				/* and those that follow: day of the n-th last event, n being rule_key_nth[0], [1], ... */
} RuleKeyType;

#define RULE_KEY_NTHS 8
#define RULE_KEY_TYPES (RULE_KEY_NTH + RULE_KEY_NTHS)
#define RULE_KEY_MAX_SIZE (ACTIVITY_MAX_NAME + 1 + 1 + 4)

/* Ascending; rules like round numbers. */
extern const uint8_t rule_key_nth[RULE_KEY_NTHS];

/* Name of the kind, a zero byte, the type, and the value, highest byte first. */
extern size_t rule_key_write(unsigned char *out, ActivityName kind, RuleKeyType type, uint32_t value);

/* The keys of one kind: values by type; false in `has` where there is none. */
typedef struct RuleKeys
{
	uint32_t	values[RULE_KEY_TYPES];
	bool		has[RULE_KEY_TYPES];
} RuleKeys;

/* Of a kind that activity_next_kind gave; damage shows in kind->in.bad. */
extern RuleKeys rule_keys_of(const ActivityKind *kind);

/* --- what a rule needs ------------------------------------------------------ */

typedef struct RuleRange
{
	uint16_t	kind;			/* place in Rule.kinds */
	RuleKeyType type;
	uint32_t	low;			/* both ends belong to it */
	uint32_t	high;
} RuleRange;

typedef struct RuleNeed
{
	RuleType	type;			/* RULE_ALL, RULE_ANY; RULE_COUNT: a range */
	uint32_t	next;			/* place behind this one and all below it */
	uint32_t	range;
} RuleNeed;

typedef struct RuleNeeds
{
	bool		never;			/* the rule cannot be true */
	bool		always;			/* nothing can be said: of any activity, also one without keys, it may be true */
	RuleNeed   *needs;
	uint32_t	num_needs;
	RuleRange  *ranges;			/* no two the same */
	uint32_t	num_ranges;
	double		fraction;		/* of all customers, as a guess without data */
} RuleNeeds;

extern RuleNeeds *rule_needs(Env *env, const Rule *rule, RuleContext *context);
extern void rule_needs_release(Env *env, RuleNeeds *needs);
/* Whether the rule may be true of an activity: `present` says for each range whether it has, or may have, a key there. */
extern bool rule_needs_met(const RuleNeeds *needs, const char *present);

#endif							/* PERSONALIZE_KERNEL_RULE_KEYS_H */
