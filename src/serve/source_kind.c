/*
 * source_kind.c
 *		The table of kinds of sources, and how they read their options.
 */
#include "base/compat.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "model/follower.h"
#include "serve/source_kind.h"

/* Whoever adds one names it in doc/sources.md, too. */
static const SourceKind *const kinds[] = {
	&source_cooccurrence,
	&source_popularity,
	&source_trending,
	&source_conversion,
	&source_repeat,
	&source_sessions,
	&source_buy_again,
	&source_curated,
	&source_embedding,
	&source_function,
	&source_new_arrivals,
	&source_on_sale,
	&source_recently_viewed,
	&source_similar_content,
	&source_terms,
};

/* A dozen, looked up when a definition is read. */
const SourceKind *
source_kind(const char *name)
{
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

/* Followers are called as their kind of source is. */
const SourceKind *
source_kind_of_model(Oid relation)
{
	FollowerDef *follower;

	if (registry_model(relation) != NULL)
		return &source_cooccurrence;
	follower = follower_of_relation(relation);
	return follower != NULL ? source_kind(follower->kind->name) : NULL;
}

/* A follower whose history is gone is of no catalog any more. */
static int32
catalog_of_history(int32 id)
{
	HistoryDef *history = registry_history_by_id(id);

	return history != NULL ? history->catalog_id : 0;
}

/* By the history that it counts, whose codes are the catalog's. */
int32
source_kind_catalog(Oid relation)
{
	ModelDef   *model = OidIsValid(relation) ? registry_model(relation) : NULL;
	FollowerDef *follower = OidIsValid(relation) && model == NULL ? follower_of_relation(relation) : NULL;

	if (model == NULL && follower == NULL)
		return 0;
	return catalog_of_history(model != NULL ? model->history_id : follower->history_id);
}

List *
source_kind_models(const char *kind, int32 catalog_id)
{
	List	   *models = NIL;
	ListCell   *cell;

	foreach(cell, followers_all())
	{
		FollowerDef *follower = lfirst(cell);

		if (strcmp(follower->kind->name, kind) == 0 && catalog_of_history(follower->history_id) == catalog_id)
			models = lappend_oid(models, follower->relation);
	}
	return models;
}

/* What is meant by its own name; co-occurrence models always have one. */
char *
source_kind_list(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lengthof(kinds); i++)
		if (kinds[i] != &source_cooccurrence)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", kinds[i]->name);
	return list.data;
}

/* ---------------------------------------------------------------- options */

/* JSON's null is as good as nothing. */
static JsonbValue *
option(const WidgetSource *source, const char *name, JsonbValue *value)
{
	if (source->options == NULL ||
		getKeyJsonValueFromContainer(&source->options->root, name, strlen(name), value) == NULL ||
		value->type == jbvNull)
		return NULL;
	return value;
}

/* Source and option, as there may be several of a kind. */
static void pg_attribute_noreturn()
fail_option(const WidgetSource *source, const char *name, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" of source \"%s\" must be %s", name, source->name, wanted)));
}

/* A copy: options may be thrown away before what was read from them. */
char *
source_option_text(const WidgetSource *source, const char *name, const char *otherwise)
{
	JsonbValue	space;
	JsonbValue *value = option(source, name, &space);

	if (value == NULL)
		return otherwise == NULL ? NULL : pstrdup(otherwise);
	if (value->type != jbvString)
		fail_option(source, name, "a text");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A number that is too large for a double has no place in a bound of ours either. */
double
source_option_number(const WidgetSource *source, const char *name, double otherwise, double least, double most)
{
	JsonbValue	space;
	JsonbValue *value = option(source, name, &space);
	double		number;

	if (value == NULL)
		return otherwise;
	if (value->type != jbvNumeric)
		fail_option(source, name, "a number");
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!(number >= least && number <= most))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("option \"%s\" of source \"%s\" is out of range: %g", name, source->name, number),
				 errdetail("It must be between %g and %g.", least, most)));
	return number;
}

bool
source_option_bool(const WidgetSource *source, const char *name, bool otherwise)
{
	JsonbValue	space;
	JsonbValue *value = option(source, name, &space);

	if (value == NULL)
		return otherwise;
	if (value->type != jbvBool)
		fail_option(source, name, "true or false");
	return value->val.boolean;
}

static bool
is_among(const JsonbValue *key, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strlen(*names) == key->val.string.len && memcmp(*names, key->val.string.val, key->val.string.len) == 0)
			return true;
	return false;
}

static char *
name_list(const char *const *names)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; names[i] != NULL; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	return list.data;
}

/* A misspelled option must not be one that is left out. */
void
source_options_only(const WidgetSource *source, const char *const *names)
{
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (source->options == NULL)
		return;
	iterator = JsonbIteratorInit(&source->options->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_KEY && !is_among(&value, names))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("source \"%s\" has no option \"%.*s\"", source->name, value.val.string.len, value.val.string.val),
					 errhint("Every source takes weight, slots, from and model%s%s.", *names == NULL ? "" : "; this one also ", name_list(names))));
}
