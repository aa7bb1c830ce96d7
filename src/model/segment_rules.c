/*
 * segment_rules.c
 *		Rules of segments: what they ask of a customer, and their answers.
 *
 * What events do not tell comes from columns of the shop's table of customers, which are read when they are needed and stored nowhere.
 */
#include "base/compat.h"

#include "utils/lsyscache.h"

#include "model/segment.h"
#include "model/setup.h"
#include "value/activity.h"

/* One for each rule, as in() evaluates one within the other. */
typedef struct SegmentAsk
{
	RuleAttributes attributes;	/* first, so that a RuleContext * is a SegmentAsk * */
	const SegmentRule *rule;
	const ActivityTableDef *activity;
	const Customer *customer;
	SegmentIn	in;
	void	   *arg;
	RuleAnswer	(*ask) (RuleContext *context, const Rule *rule, const RuleNode *leaf);	/* of attributes */
} SegmentAsk;

/* ---------------------------------------------------------------- what a rule asks */

/* The column itself, or that of which the rest of the path is inside; NULL where there is neither. */
static char *
column_of_path(Oid customers, RuleText path)
{
	char	   *name = pnstrdup(path.bytes, path.size);
	char	   *dot;

	if (get_attnum(customers, name) > 0)
		return name;
	dot = strchr(name, '.');
	if (dot == NULL)
		return NULL;
	*dot = '\0';
	return get_attnum(customers, name) > 0 ? name : NULL;
}

static char *
require_column(const SegmentRule *rule, Oid customers, RuleText path)
{
	char	   *column = column_of_path(customers, path);

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("rule asks for attr(%.*s), and %s has no such column", (int) path.size, path.bytes, registry_name(customers)),
				 OidIsValid(rule->def->relation) ? errdetail("It is the rule of segment %s.", registry_name(rule->def->relation)) : 0,
				 errhint("Its columns are %s.", setup_column_list(customers))));
	return column;
}

static List *
add_column(List *columns, char *column)
{
	ListCell   *cell;

	foreach(cell, columns)
		if (strcmp(lfirst(cell), column) == 0)
			return columns;
	return lappend(columns, column);
}

void
segment_rule_want(const SegmentRule *rule, const ActivityTableDef *activity, CustomerWant *want)
{
	for (uint32 i = 0; i < rule->rule->num_nodes; i++)
	{
		const RuleNode *n = &rule->rule->nodes[i];

		if (n->type == RULE_ATTR)
			want->columns = add_column(want->columns, require_column(rule, activity->customers, n->name));
		want->consent |= n->type == RULE_CONSENT;
		want->scores |= n->type == RULE_SCORE;
	}
}

static bool
is_calendar(const RuleNode *n)
{
	return n->window.type == RULE_THIS || n->window.type == RULE_PREVIOUS || (n->window.type == RULE_SINCE && n->window.local);
}

static void
look_at_leaf(SegmentRule *rule, const RuleNode *n)
{
	bool		live = n->type == RULE_ATTR || n->type == RULE_SCORE || n->type == RULE_CONSENT;

	rule->wants |= live || n->type == RULE_BUCKET || n->type == RULE_LIST;
	rule->asks |= live;
	rule->has_calendar |= is_calendar(n);
}

SegmentRule *
segment_rule_open(Env *env, const SegmentDef *def)
{
	SegmentRule *rule = env_alloc0(env, 1, sizeof(SegmentRule));

	rule->def = (SegmentDef *) def;
	rule->rule = rule_read(env, def->rule);
	rule->segments = def->uses;
	for (uint32 i = 0; i < rule->rule->num_nodes; i++)
		look_at_leaf(rule, &rule->rule->nodes[i]);
	if (rule_has(rule->rule, RULE_RFM))
		rule->rfm = segment_rfm_of(def->activity_id);
	rule->ask = env_alloc0(env, 1, sizeof(SegmentAsk));
	return rule;
}

/* Kinds of events that a rule names, and behind them the one that RFM is of. */
static int
num_kinds(const SegmentRule *rule)
{
	return (int) rule->rule->num_kinds + (rule->rfm != NULL);
}

static ActivityName
kind_at(const SegmentRule *rule, int i)
{
	if (i == (int) rule->rule->num_kinds)
		return (ActivityName) {rule->rfm->event, (uint32) strlen(rule->rfm->event)};
	return (ActivityName) {rule->rule->kinds[i].bytes, rule->rule->kinds[i].size};
}

bool
segment_rule_names(const SegmentRule *rule, const ActivityName *kinds, int n)
{
	for (int i = 0; i < num_kinds(rule); i++)
		for (int k = 0; k < n; k++)
			if (activity_name_compare(kind_at(rule, i), kinds[k]) == 0)
				return true;
	return false;
}

/* ---------------------------------------------------------------- what has changed */

static bool
same_events(const ActivityKind *a, const ActivityKind *b)
{
	return a->count == b->count && a->unit == b->unit && a->cents == b->cents && wire_left(&a->in) == wire_left(&b->in) &&
		memcmp(a->in.at, b->in.at, wire_left(&a->in)) == 0;
}

static bool
next_kind(ActivityReader *reader, ActivityKind *kind)
{
	if (activity_next_kind(reader, kind))
		return true;
	if (reader->in.bad)
		activity_damaged();
	return false;
}

static void
open_activity(ActivityReader *reader, const Customer *customer)
{
	if (customer->exists && !activity_open(reader, customer->activity, customer->size))
		activity_damaged();
}

/* Both ascend by name. */
int
segment_changed_kinds(const Customer *old, const Customer *new, ActivityName *kinds)
{
	ActivityReader a = {0};
	ActivityReader b = {0};
	ActivityKind x;
	ActivityKind y;
	bool		more_x;
	bool		more_y;
	int			n = 0;

	open_activity(&a, old);
	open_activity(&b, new);
	more_x = next_kind(&a, &x);
	more_y = next_kind(&b, &y);
	while (more_x || more_y)
	{
		int			order = !more_x ? 1 : !more_y ? -1 : activity_name_compare(x.name, y.name);

		if (order != 0 || !same_events(&x, &y))
			kinds[n++] = order <= 0 ? x.name : y.name;
		if (order <= 0)
			more_x = next_kind(&a, &x);
		if (order >= 0)
			more_y = next_kind(&b, &y);
	}
	return n;
}

/* ---------------------------------------------------------------- answers */

/* Leaves of that type before this one: what in() names is kept in their order. */
static int
place_of_leaf(const Rule *rule, const RuleNode *leaf)
{
	int			place = 0;

	for (const RuleNode *n = rule->nodes; n < leaf; n++)
		place += n->type == RULE_IN;
	return place;
}

static RuleAnswer
ask_segment(const SegmentAsk *ask, const Rule *rule, const RuleNode *leaf)
{
	int			place = place_of_leaf(rule, leaf);

	if (place >= list_length(ask->rule->segments))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("rule of segment %s names more segments than the registry knows", registry_name(ask->rule->def->relation))));
	return ask->in(ask->arg, list_nth_oid(ask->rule->segments, place), ask->customer, ask->attributes.context.as_of);
}

static RuleAnswer
ask_leaf(RuleContext *context, const Rule *rule, const RuleNode *leaf)
{
	SegmentAsk *ask = (SegmentAsk *) context;

	if (leaf->type == RULE_IN)
		return ask_segment(ask, rule, leaf);
	if (leaf->type == RULE_LIFECYCLE)
		return rule_lifecycle(rule, leaf, context);
	if (leaf->type == RULE_RFM && ask->rule->rfm == NULL)
		return (RuleAnswer) {RULE_UNKNOWN, RULE_NEVER};
	if (leaf->type == RULE_RFM)
		return segment_rfm_answer(ask->rule->rfm, leaf, ask->customer, context->as_of);
	return ask->ask(context, rule, leaf);
}

/* Starts of periods stay known from one customer to the next of the same zone. */
static void
prepare(SegmentAsk *ask, int64 as_of, pg_tz *zone)
{
	if (ask->attributes.context.ask == ask_leaf && ask->attributes.context.as_of == as_of && ask->attributes.zone == zone)
		return;
	rule_attributes_init(&ask->attributes, as_of, zone);
	ask->ask = ask->attributes.context.ask;
	ask->attributes.context.ask = ask_leaf;
}

RuleAttributes *
segment_rule_context(const SegmentRule *rule, const ActivityTableDef *activity, const Customer *customer, int64 as_of, SegmentIn in, void *arg)
{
	SegmentAsk *ask = rule->ask;

	prepare(ask, as_of, customer->zone);
	ask->attributes.attributes = customer->attributes;
	ask->rule = rule;
	ask->activity = activity;
	ask->customer = customer;
	ask->in = in;
	ask->arg = arg;
	return &ask->attributes;
}

RuleAnswer
segment_rule_evaluate(const SegmentRule *rule, const ActivityTableDef *activity, const Customer *customer, int64 as_of,
					  SegmentIn in, void *arg)
{
	RuleAttributes *attributes;
	RuleAnswer	answer = {RULE_FALSE, RULE_NEVER};

	if (!customer->exists)
		return answer;
	attributes = segment_rule_context(rule, activity, customer, as_of, in, arg);
	if (!rule_evaluate(rule->rule, customer->activity, customer->size, &attributes->context, &answer))
		activity_damaged();
	return answer;
}

bool
segment_rule_event_at(const SegmentRule *rule, const Customer *customer, int64 time)
{
	for (int i = 0; i < num_kinds(rule); i++)
	{
		ActivityName name = kind_at(rule, i);
		ActivityKind kind;
		ActivityEvent e;

		if (!activity_find(customer->activity, customer->size, name.bytes, name.size, &kind))
			continue;
		while (activity_next_event(&kind, &e) && e.time >= time)
			if (e.time == time)
				return true;
	}
	return false;
}

/* ---------------------------------------------------------------- other names */

static Datum
print_rule(Env *env, const Rule *rule)
{
	size_t		size;
	char	   *text = rule_print(env, rule, &size);

	return rule_form(text, size);
}

static bool
rename_path(Env *env, RuleText *path, const char *old_name, const char *new_name)
{
	size_t		old_size = strlen(old_name);
	size_t		new_size = strlen(new_name);
	char	   *renamed;

	if (path->size < old_size || memcmp(path->bytes, old_name, old_size) != 0 ||
		(path->size > old_size && path->bytes[old_size] != '.'))
		return false;
	renamed = env_alloc(env, new_size + path->size - old_size, 1);
	memcpy(renamed, new_name, new_size);
	memcpy(renamed + new_size, path->bytes + old_size, path->size - old_size);
	*path = (RuleText) {renamed, (uint32) (new_size + path->size - old_size), false};
	return true;
}

Datum
segment_rule_rename_column(Datum value, const char *old_name, const char *new_name)
{
	ServerEnv	server;
	Rule	   *rule;
	bool		renamed = false;

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, value);
	for (uint32 i = 0; i < rule->num_nodes; i++)
		if (rule->nodes[i].type == RULE_ATTR)
			renamed |= rename_path(&server.env, &rule->nodes[i].name, old_name, new_name);
	return renamed ? print_rule(&server.env, rule) : value;
}

Datum
segment_rule_rename_segments(const SegmentDef *def)
{
	ServerEnv	server;
	Rule	   *rule;
	ListCell   *used = list_head(def->uses);

	server_env_init(&server, CurrentMemoryContext);
	rule = rule_read(&server.env, def->rule);
	for (uint32 i = 0; i < rule->num_nodes && used != NULL; i++)
		if (rule->nodes[i].type == RULE_IN)
		{
			char	   *name = registry_name(lfirst_oid(used));

			rule->nodes[i].name = (RuleText) {name, (uint32) strlen(name), false};
			used = lnext(def->uses, used);
		}
	return print_rule(&server.env, rule);
}
