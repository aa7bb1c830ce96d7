/*
 * change_log_target.c
 *		The cache behind the trigger function: (id, relation) -> log and key.
 *
 * A target depends on the relation, the interactions, the log and the row of personalize.watch.  The first three
 * announce their changes; the row comes and goes with triggers on the relation, which announces that; and ids are
 * never used again.  So a rolled back creation leaves nothing behind either.
 */
#include "base/compat.h"

#include "access/attnum.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "model/change_log_target.h"
#include "model/change_log_watch.h"

typedef struct CacheKey
{
	int32		id;
	Oid			relation;
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;
	LogTarget  *target;			/* NULL: to be resolved (again) */
} CacheEntry;

static HTAB *targets = NULL;
static CacheEntry *last = NULL; /* that was looked for: a session that writes orders asks for their lines again and again */
static uint64 num_changes = 0;	/* of any relation, as far as this session has heard */

/* ---------------------------------------------------------------- life */

/* Plans live outside of the context. */
static void
free_target(LogTarget *target)
{
	for (int i = 0; i < NUM_ROW_SOURCES; i++)
		if (target->plan[i] != NULL)
			SPI_freeplan(target->plan[i]);
	MemoryContextDelete(target->context);
}

/* Expressions run code, so what a trigger is at work with may have to go meanwhile. */
static void
forget_target(CacheEntry *entry)
{
	LogTarget  *target = entry->target;

	entry->target = NULL;
	target->forgotten = true;
	if (target->users == 0)
		free_target(target);
}

/* Only marks: this may be called in the middle of anything. */
static void
relation_changed(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS scan;
	CacheEntry *entry;

	num_changes++;
	hash_seq_init(&scan, targets);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		LogTarget  *target = entry->target;

		if (target != NULL && (!OidIsValid(relation) || relation == target->relation || relation == target->log ||
							   relation == target->source))
			target->stale = true;
	}
}

/* Callbacks cannot be taken back, so there is one for the whole cache, and it exists as long as the session. */
static void
make_cache(void)
{
	HASHCTL		control = {.keysize = sizeof(CacheKey), .entrysize = sizeof(CacheEntry)};

	targets = hash_create("personalize change log targets", 32, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

/* ---------------------------------------------------------------- resolving */

/* Number and type of a plain column; a virtual one has no value in a transition table. */
static AttrNumber
stored_column(Oid relation, const char *name, Oid *type)
{
	HeapTuple	tuple = SearchSysCacheAttName(relation, name);
	AttrNumber	number = InvalidAttrNumber;

	if (!HeapTupleIsValid(tuple))
		return InvalidAttrNumber;
	if (((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated != 'v')
		number = ((Form_pg_attribute) GETSTRUCT(tuple))->attnum;
	*type = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
	ReleaseSysCache(tuple);
	return number;
}

/* A column is read from the rows directly, without executor; that is what makes the common case cheap. */
static void
resolve_key(LogTarget *target, const char *name)
{
	Oid			type = InvalidOid;

	target->attnum = stored_column(target->relation, name, &type);
	if (target->attnum <= 0)
		target->problem = psprintf("table %s has no stored column \"%s\"", registry_name(target->relation), name);
	else if (!log_type_fits(type, target->type))
		target->problem = psprintf("column \"%s\" of table %s is no %s", name, registry_name(target->relation),
								   key_type_name(target->type));
	else
		target->key_type = key_type_find(type);
}

/* Policies may be on a partition's parent only: reading goes through the interactions, so theirs count. */
static bool
has_row_security(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		on;

	if (!HeapTupleIsValid(tuple))
		return false;
	on = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
	ReleaseSysCache(tuple);
	return on;
}

/*
 * Below a view any column may matter, and a policy may look at any.  Otherwise the definition names those that do; where one
 * of them cannot be compared, all matter, too.
 */
static void
resolve_used(LogTarget *target, const WatchOwner *owner, const WatchDef *watch)
{
	List	   *names = watch_columns(owner, watch->relation);
	AttrNumber *used = palloc((list_length(names) + 1) * sizeof(AttrNumber));
	int			n = 0;
	ListCell   *name;

	if (watch_reads_all(owner, watch->relation) || watch->expression || has_row_security(watch->relation))
		return;
	used[n++] = target->attnum;
	foreach(name, names)
	{
		Oid			type;

		used[n] = stored_column(target->relation, lfirst(name), &type);
		if (used[n++] <= 0)
			return;
	}
	target->used = used;
	target->num_used = n;
}

/* In the context of the target. */
static LogTarget *
resolve(int32 id, Oid relation)
{
	WatchDef   *watch = watch_find(id, relation);
	LogTarget  *target;
	WatchOwner	owner;

	if (watch == NULL || !watch_owner(id, &owner) || !OidIsValid(owner.log))
		return NULL;
	target = palloc0(sizeof(LogTarget));
	target->log = owner.log;
	target->type = owner.type;
	target->source = owner.source;
	target->relation = relation;
	if (watch->expression)
	{
		target->expression = watch->key;
		target->alias = get_rel_name(watch->relation);
	}
	else
		resolve_key(target, watch->key);
	if (target->problem == NULL)
		resolve_used(target, &owner, watch);
	return target;
}

/* What is left in the context beside the target is little. */
static LogTarget *
make_target(int32 id, Oid relation)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "personalize change log target", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	LogTarget  *target = resolve(id, relation);

	MemoryContextSwitchTo(caller);
	if (target == NULL)
	{
		MemoryContextDelete(context);
		return NULL;
	}
	target->context = context;
	MemoryContextSetParent(context, CacheMemoryContext);
	return target;
}

/* What changes while a target is made is met at the next statement: this one holds a lock on the relation. */
static void
fill_entry(CacheEntry *entry)
{
	uint64		changes_before = num_changes;

	entry->target = make_target(entry->key.id, entry->key.relation);
	if (entry->target != NULL && num_changes != changes_before)
		entry->target->stale = true;
}

/* An entry without a target costs a few bytes, so none is ever removed. */
static CacheEntry *
find_entry(int32 id, Oid relation)
{
	CacheKey	key = {id, relation};
	bool		found;

	if (last != NULL && last->key.id == id && last->key.relation == relation)
		return last;
	if (targets == NULL)
		make_cache();
	last = hash_search(targets, &key, HASH_ENTER, &found);
	if (!found)
		last->target = NULL;
	return last;
}

LogTarget *
log_target_acquire(int32 id, Oid relation)
{
	CacheEntry *entry = find_entry(id, relation);

	if (entry->target != NULL && entry->target->stale)
		forget_target(entry);
	if (entry->target == NULL)
		fill_entry(entry);
	/* that there is none is not remembered */
	if (entry->target != NULL)
		entry->target->users++;
	return entry->target;
}

void
log_target_release(LogTarget *target)
{
	if (--target->users == 0 && target->forgotten)
		free_target(target);
}
