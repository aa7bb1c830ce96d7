/*
 * follower.c
 *		The kinds of followers that there are.
 */
#include "base/compat.h"

#include "utils/lsyscache.h"

#include "model/follower.h"
#include "model/popularity.h"
#include "model/sessions.h"

static const FollowerKind *const kinds[] = {
	&popularity_follower,
	&trending_follower,
	&conversion_follower,
	&repeat_follower,
	&sessions_follower,
};

static int
compare_ids(const ListCell *x, const ListCell *y)
{
	int32		a = ((const FollowerDef *) lfirst(x))->id;
	int32		b = ((const FollowerDef *) lfirst(y))->id;

	return a < b ? -1 : a > b;
}

List *
followers_all(void)
{
	List	   *all = NIL;

	for (int k = 0; k < lengthof(kinds); k++)
		all = list_concat(all, kinds[k]->all(kinds[k]));
	list_sort(all, compare_ids);
	return all;
}

/* There are few, so nobody minds that all are read. */
List *
followers_of(int32 history_id)
{
	List	   *found = NIL;
	ListCell   *cell;

	foreach(cell, followers_all())
	{
		FollowerDef *def = lfirst(cell);

		if (def->history_id == history_id || def->target_id == history_id)
			found = lappend(found, def);
	}
	return found;
}

FollowerDef *
follower_of_relation(Oid relation)
{
	ListCell   *cell;

	foreach(cell, followers_all())
		if (((FollowerDef *) lfirst(cell))->relation == relation)
			return lfirst(cell);
	return NULL;
}

List *
follower_tables(const FollowerDef *def)
{
	List	   *tables = list_make1_oid(def->relation);

	return def->kind->tables == NULL ? tables : list_concat(tables, def->kind->tables(def));
}

List *
follower_sources(const FollowerDef *def)
{
	return def->kind->sources == NULL ? NIL : def->kind->sources(def);
}
