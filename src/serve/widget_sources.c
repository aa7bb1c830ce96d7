/*
 * widget_sources.c
 *		Sources, fallbacks and histories of a widget: from JSON and names to relations that fit each other.
 *
 * In three steps.  JSON is read; names that are relations tell the catalog; then whatever means "the one on this catalog" has a meaning:
 * generic names of models, and the customers' history.
 */
#include "base/compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "base/guards.h"
#include "model/content.h"
#include "model/follower.h"
#include "serve/source_kind.h"
#include "serve/widget_setup.h"

static const struct
{
	const char *name;
	int			bit;
}			seeds[] = {
	{"item", SEED_ITEM}, {"cart", SEED_CART}, {"session", SEED_SESSION}, {"customer", SEED_CUSTOMER},
};

/* A bit for each, as a source may start from several. */
int
widget_seed(const char *name)
{
	for (int i = 0; i < lengthof(seeds); i++)
		if (strcmp(seeds[i].name, name) == 0)
			return seeds[i].bit;
	return 0;
}

const char *
widget_seed_name(int bit)
{
	for (int i = 0; i < lengthof(seeds); i++)
		if (seeds[i].bit == bit)
			return seeds[i].name;
	return NULL;
}

/* ---------------------------------------------------------------- JSON */

/* JSON's strings have no end mark. */
static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static bool
key_is(const JsonbValue *key, const char *name)
{
	return key->val.string.len == strlen(name) && memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

/* Source and key, so that one of many is found in a long text. */
static void pg_attribute_noreturn()
fail_source(const char *name, const char *key, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" of source \"%s\" must be %s", key, name, wanted)));
}

/* Infinity is what a number past a double's range becomes. */
static double
read_weight(const char *name, const JsonbValue *value)
{
	double		weight;

	if (value->type != jbvNumeric)
		fail_source(name, "weight", "a number");
	weight = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!(weight > 0 && weight <= WIDGET_MAX_WEIGHT))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("weight of source \"%s\" is out of range: %g", name, weight),
				 errdetail("It must be greater than 0 and at most %g.", WIDGET_MAX_WEIGHT),
				 errhint("Leave out a source that is to count for nothing.")));
	return weight;
}

/* Elements of an array, or the one value that stands for an array of it: of JsonbValue *. */
static List *
elements_of(JsonbValue *value)
{
	List	   *elements = NIL;
	JsonbIterator *iterator;
	JsonbValue	element;
	JsonbIteratorToken token;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return list_make1(value);
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
		{
			JsonbValue *copy = palloc(sizeof(JsonbValue));

			*copy = element;
			elements = lappend(elements, copy);
		}
	return elements;
}

/* As a double, which holds what a slot may be and compares with what it may not. */
static int32
read_slot(const char *name, const JsonbValue *value)
{
	double		slot = 0;

	if (value->type == jbvNumeric)
		slot = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!(slot >= 1 && slot <= WIDGET_MAX_K) || slot != (int32) slot)
		fail_source(name, "slots", psprintf("an array of positions, whole numbers between 1 and %d", WIDGET_MAX_K));
	return (int32) slot;
}

/* A position can be promised only once: require_slots_free looks at those of other sources. */
static void
read_slots(WidgetSource *source, JsonbValue *value)
{
	List	   *elements = elements_of(value);
	ListCell   *cell;

	source->slots = palloc(sizeof(int32) * (list_length(elements) + 1));
	foreach(cell, elements)
	{
		int32		slot = read_slot(source->name, lfirst(cell));
		bool		repeated = false;

		for (int i = 0; i < source->num_slots; i++)
			repeated |= source->slots[i] == slot;
		if (!repeated)
			source->slots[source->num_slots++] = slot;
	}
}

/* Names only: what events there are is not known yet. */
static void
read_from(DraftSource *draft, JsonbValue *value)
{
	ListCell   *cell;

	foreach(cell, elements_of(value))
	{
		JsonbValue *element = lfirst(cell);

		if (element->type != jbvString)
			fail_source(draft->source.name, "from", "an array of item, cart, session, customer, or an event of histories");
		draft->from = lappend(draft->from, string_of(element));
	}
}

/* What every source takes; false: the key is the kind's to know. */
static bool
read_common(DraftSource *draft, const JsonbValue *key, JsonbValue *value)
{
	if (key_is(key, "source"))
		return true;
	else if (key_is(key, "weight"))
		draft->source.weight = read_weight(draft->source.name, value);
	else if (key_is(key, "slots"))
		read_slots(&draft->source, value);
	else if (key_is(key, "from"))
		read_from(draft, value);
	else if (key_is(key, "model"))
	{
		if (value->type != jbvString)
			fail_source(draft->source.name, "model", "the name of a model or a kind of source");
		draft->model = string_of(value);
	}
	else
		return false;
	return true;
}

/* The keys that are the kind's go into options as they are. */
static void
read_object(DraftSource *draft, JsonbContainer *object)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;
	bool		any = false;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		token = JsonbIteratorNext(&iterator, &value, true);
		Assert(token == WJB_VALUE);
		if (value.type == jbvNull || read_common(draft, &key, &value))
			continue;
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
		any = true;
	}
	if (any)
		draft->source.options = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* What is not said has a weight of 1, and no slot. */
static DraftSource *
draft_source(char *name)
{
	DraftSource *draft = palloc0(sizeof(DraftSource));

	if (*name == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a source has no name")));
	draft->source.name = name;
	draft->source.weight = 1;
	return draft;
}

/* name → weight, or name → object */
static DraftSource *
read_member(const JsonbValue *key, JsonbValue *value)
{
	DraftSource *draft = draft_source(string_of(key));

	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		read_object(draft, value->val.binary.data);
	else if (value->type == jbvNumeric)
		draft->source.weight = read_weight(draft->source.name, value);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source \"%s\" must have a weight or an object of options", draft->source.name),
				 errhint("For example '{\"shop.bought_together\": 0.6, \"new_arrivals\": {\"weight\": 0.4}}'.")));
	return draft;
}

/* "name", or {"source": "name", …} */
static DraftSource *
read_element(JsonbValue *value)
{
	JsonbValue	space;
	JsonbValue *name = NULL;
	DraftSource *draft;

	if (value->type == jbvString)
		return draft_source(string_of(value));
	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		name = getKeyJsonValueFromContainer(value->val.binary.data, "source", 6, &space);
	if (name == NULL || name->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an element of sources must be a name or an object with \"source\"")));
	draft = draft_source(string_of(name));
	read_object(draft, value->val.binary.data);
	return draft;
}

/* In an object the order is JSON's, in an array the one that was written; it only decides who of equals is named as the reason. */
static List *
read_sources(Jsonb *sources)
{
	List	   *drafts = NIL;
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (sources == NULL)
		return NIL;
	if (JB_ROOT_IS_SCALAR(sources))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sources must be a JSON object or array"),
				 errhint("For example '{\"shop.bought_together\": 0.6, \"shop.viewed_together\": 0.4}'.")));
	iterator = JsonbIteratorInit(&sources->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			drafts = lappend(drafts, read_element(&key));
		else if (token == WJB_KEY && JsonbIteratorNext(&iterator, &value, true) == WJB_VALUE)
			drafts = lappend(drafts, read_member(&key, &value));
	}
	return drafts;
}

/* Fallbacks have names only: what needs options is a source with a small weight. */
static List *
read_fallback(List *drafts, ArrayType *fallback)
{
	Datum	   *names;
	bool	   *nulls;
	int			n = 0;

	if (fallback != NULL)
		deconstruct_array(fallback, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		DraftSource *draft;

		guard_not_null("an element of fallback", nulls[i]);
		draft = draft_source(TextDatumGetCString(names[i]));
		draft->source.level = i + 1;
		drafts = lappend(drafts, draft);
	}
	return drafts;
}

/* ---------------------------------------------------------------- names */

/* InvalidOid: there is none of that name. */
static Oid
find_relation(const char *name)
{
	return RangeVarGetRelid(makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name))), NoLock, true);
}

/* Names that mean the model of their kind on the widget's catalog. */
static const struct
{
	const char *name;
	const char *kind;
}			generic_names[] = {
	{"best_sellers", "popularity"}, {"popular", "popularity"}, {"popularity", "popularity"},
	{"trending", "trending"}, {"conversion", "conversion"}, {"repeat", "repeat"}, {"sessions", "sessions"},
};

/* NULL: the name is no generic one. */
static const char *
generic_kind(const char *name)
{
	for (int i = 0; i < lengthof(generic_names); i++)
		if (strcmp(generic_names[i].name, name) == 0)
			return generic_names[i].kind;
	return NULL;
}

/* Whether a source's name says what it is without the name of a relation. */
bool
widget_name_says(const char *name)
{
	return generic_kind(name) != NULL || source_kind(name) != NULL;
}

/* "cooccurrence" and the like are what models are, no names of anything. */
static bool
is_kind_of_models(const char *name)
{
	return strcmp(name, "cooccurrence") == 0 || generic_kind(name) != NULL;
}

/* A misspelled name, or the name of something that is no model. */
static void pg_attribute_noreturn()
fail_unknown(const char *name, Oid relation)
{
	ereport(ERROR,
			(errcode(OidIsValid(relation) ? ERRCODE_WRONG_OBJECT_TYPE : ERRCODE_UNDEFINED_OBJECT),
			 OidIsValid(relation) ? errmsg("source \"%s\" is not a model", name) : errmsg("source \"%s\" is not known", name),
			 errhint("Name a model, of those that personalize.status lists, or a kind of source: %s.", source_kind_list())));
}

/* As the caller, who makes others read it through the widget. */
static void
require_readable(Oid relation)
{
	AclResult	allowed = pg_class_aclcheck(relation, GetUserId(), ACL_SELECT);

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_TABLE, registry_name(relation));
}

/* The lock keeps it from being dropped before the dependency on it is there. */
static void
take_model(DraftSource *draft, Oid relation)
{
	char	   *name = registry_name(relation);

	LockRelationOid(relation, AccessShareLock);
	draft->source.kind = source_kind_of_model(relation);
	if (draft->source.kind == NULL)
		fail_unknown(name, relation);
	draft->source.relation = relation;
	require_readable(relation);
}

/* What the source is: its name, unless that is a label. */
static const char *
meaning(const DraftSource *draft)
{
	return draft->model != NULL ? draft->model : draft->source.name;
}

/* Relations and kinds; generic names wait for the catalog. */
static void
resolve_name(DraftSource *draft)
{
	const char *name = meaning(draft);
	Oid			relation;

	if (generic_kind(name) != NULL)
		return;
	if (!is_kind_of_models(name))
		draft->source.kind = source_kind(name);
	draft->source.named = draft->model != NULL || draft->source.kind != NULL;
	if (draft->source.kind != NULL)
		return;
	relation = find_relation(name);
	if (!OidIsValid(relation))
		fail_unknown(name, relation);
	take_model(draft, relation);
	if (!draft->source.named)
		draft->source.name = registry_name(relation);
}

/* ---------------------------------------------------------------- the catalog */

/* Nothing was named that has one; in most shops there is one only. */
static CatalogDef *
only_catalog(void)
{
	List	   *catalogs = registry_catalogs();

	if (list_length(catalogs) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing says which catalog the widget recommends from"),
				 catalogs == NIL ? errdetail("There is no catalog.") : errdetail("There are %d catalogs.", list_length(catalogs)),
				 errhint("Name it with catalog =>; personalize.create_catalog() makes one.")));
	return linitial(catalogs);
}

/* The one that was named; that of a model or history; the only one there is. */
static void
find_catalog(WidgetDef *widget, List *drafts, Oid catalog)
{
	int32		id = 0;
	ListCell   *cell;

	foreach(cell, drafts)
		if (id == 0)
			id = source_kind_catalog(((DraftSource *) lfirst(cell))->source.relation);
	if (id == 0 && widget->num_histories > 0)
		id = widget->history[0].history->catalog_id;
	if (OidIsValid(catalog))
		widget->catalog = registry_require_catalog(catalog);
	else
		widget->catalog = id != 0 ? registry_catalog_by_id(id) : only_catalog();
	if (widget->catalog == NULL)
		elog(ERROR, "catalog %d does not exist", id);
}

/* Codes of one catalog mean nothing in another. */
static void
require_catalog(const WidgetDef *widget, int32 id, const char *what, const char *name)
{
	CatalogDef *other;

	if (id == 0 || id == widget->catalog->id)
		return;
	other = registry_catalog_by_id(id);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %s is of another catalog than the widget", what, name),
			 errdetail("It is of catalog %s, the widget of %s.",
					   other == NULL ? "(gone)" : registry_name(other->relation), registry_name(widget->catalog->relation)),
			 errhint("Histories share a catalog by create_history(..., catalog => ...).")));
}

/* ---------------------------------------------------------------- generic names */

/* Another model of that kind since does not change what a widget's name for one has meant. */
static Oid
meant_before(const WidgetDef *before, const char *name, List *models)
{
	for (int i = 0; before != NULL && i < before->num_sources; i++)
		if (strcmp(before->source[i].name, name) == 0 && list_member_oid(models, before->source[i].relation))
			return before->source[i].relation;
	return InvalidOid;
}

/* There is none, or nothing says which. */
static void pg_attribute_noreturn()
fail_generic(const WidgetDef *widget, const char *name, const char *kind, int num_models)
{
	char	   *catalog = registry_name(widget->catalog->relation);

	ereport(ERROR,
			(errcode(num_models == 0 ? ERRCODE_UNDEFINED_OBJECT : ERRCODE_AMBIGUOUS_PARAMETER),
			 num_models == 0 ? errmsg("source \"%s\" needs a model of kind %s on catalog %s", name, kind, catalog) :
			 errmsg("source \"%s\" could be any of %d models of catalog %s", name, num_models, catalog),
			 num_models == 0 ? errhint("personalize.create_%s() makes one.", kind) :
			 errhint("Name the model instead, as schema.name.")));
}

/* What is known by relation or kind is resolved already. */
static void
resolve_generic(const WidgetDef *widget, DraftSource *draft, const WidgetDef *before)
{
	const char *kind = generic_kind(meaning(draft));
	List	   *models;
	Oid			model;

	if (draft->source.kind != NULL)
		return;
	draft->source.named = true;
	models = source_kind_models(kind, widget->catalog->id);
	model = list_length(models) == 1 ? linitial_oid(models) : meant_before(before, meaning(draft), models);
	if (!OidIsValid(model))
		fail_generic(widget, meaning(draft), kind, list_length(models));
	take_model(draft, model);
}

/* ---------------------------------------------------------------- histories */

static Oid
require_relation(const char *name)
{
	Oid			relation = find_relation(name);

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("history \"%s\" of histories does not exist", name)));
	return relation;
}

/* One argument has to mean the basket of each of them. */
static void
add_history(WidgetDef *widget, char *event, Oid relation)
{
	WidgetHistory *history = &widget->history[widget->num_histories++];

	LockRelationOid(relation, AccessShareLock);
	history->event = event;
	history->history = registry_require_history(relation);
	require_readable(relation);
	if (history->history->basket_type != widget->history[0].history->basket_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("histories have different types of baskets"),
				 errdetail("%s has %s, %s has %s.",
						   registry_name(widget->history[0].history->relation), key_type_name(widget->history[0].history->basket_type),
						   registry_name(relation), key_type_name(history->history->basket_type)),
				 errhint("Baskets of all of them must be the customers.")));
}

/* Words of `exclude` and `from` must be able to mean it. */
static void
add_event(WidgetDef *widget, const JsonbValue *event, const JsonbValue *history)
{
	char	   *name = string_of(event);

	if (history->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the history of event \"%s\" must be a name", name)));
	if (*name == '\0' || strchr(name, ' ') != NULL || widget_seed(name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("event \"%s\" of histories cannot have that name", name),
				 errhint("Use one word that is none of item, cart, session, customer; for example bought.")));
	add_history(widget, name, require_relation(string_of(history)));
}

/* {"event": "history"}, or "history": one that stands for every event. */
static void
read_histories(WidgetDef *widget, Jsonb *histories)
{
	JsonbIterator *iterator = JsonbIteratorInit(&histories->root);
	JsonbValue	key;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(histories) && !JB_ROOT_IS_SCALAR(histories))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("histories must be a JSON object, event to history"),
				 errhint("For example '{\"bought\": \"shop.customers\"}'.")));
	widget->history = palloc0(sizeof(WidgetHistory) * (JB_ROOT_COUNT(histories) + 1));
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token == WJB_KEY && JsonbIteratorNext(&iterator, &value, true) == WJB_VALUE)
			add_event(widget, &key, &value);
		else if (token == WJB_ELEM && key.type == jbvString)
			add_history(widget, NULL, require_relation(string_of(&key)));
		else if (token == WJB_ELEM && key.type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("histories must be a JSON object, event to history")));
	}
}

/* Baskets of that history are orders, sessions or terms for the source, which makes items of items of it. */
static bool
is_basis_of(const HistoryDef *history, const WidgetSource *source)
{
	ModelDef   *model = registry_model(source->relation);
	FollowerDef *follower = model == NULL && OidIsValid(source->relation) ? follower_of_relation(source->relation) : NULL;
	char	   *terms = source_option_text(source, "history", NULL);

	if (model != NULL)
		return model->history_id == history->id || model->target_id == history->id;
	if (follower != NULL)
		return strcmp(follower->kind->name, "sessions") == 0 && follower->history_id == history->id;
	return terms != NULL && find_relation(terms) == history->relation;
}

/* Of any source, fallbacks too. */
static bool
is_basis(const HistoryDef *history, List *drafts)
{
	ListCell   *cell;

	foreach(cell, drafts)
		if (is_basis_of(history, &((DraftSource *) lfirst(cell))->source))
			return true;
	return false;
}

/* Of the catalog's histories that the caller may read, the one that no model of the widget is made from; or the only one. */
static void
guess_history(WidgetDef *widget, List *drafts)
{
	HistoryDef *guess = NULL;
	int			readable = 0;
	int			free = 0;
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, registry_histories())
	{
		HistoryDef *history = lfirst(cell);

		if (history->catalog_id != widget->catalog->id || content_is_history(history) ||
			pg_class_aclcheck(history->relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			continue;
		if (!is_basis(history, drafts))
			free++;
		appendStringInfo(&names, "%s%s", readable > 0 ? ", " : "", registry_name(history->relation));
		if (readable++ == 0 || !is_basis(history, drafts))
			guess = history;
	}
	if (free != 1 && readable > 1)
		ereport(NOTICE,
				(errmsg("widget %s knows nothing of customers", widget_name(widget)),
				 errdetail("Any of these histories could be theirs: %s. Without one the argument customer is text, and counts for nothing.", names.data),
				 errhint("Use histories => to name one, as in '{\"bought\": \"shop.customers\"}'.")));
	if (free != 1 && readable != 1)
		return;
	widget->history = palloc0(sizeof(WidgetHistory));
	add_history(widget, NULL, guess->relation);
	if (readable > 1)
		ereport(NOTICE,
				(errmsg("customers of widget %s are the baskets of %s", widget_name(widget), registry_name(guess->relation)),
				 errhint("Use histories => to name another history.")));
}

/* ---------------------------------------------------------------- what sources start from */

/* Context by its bit; an event is the customer, by that history. */
static void
resolve_from(const WidgetDef *widget, DraftSource *draft)
{
	WidgetSource *source = &draft->source;
	ListCell   *cell;
	const char *chosen = NULL;

	foreach(cell, draft->from)
	{
		const char *from = lfirst(cell);
		int			seed = widget_seed(from);
		char	   *role = psprintf("source \"%s\", from \"%s\",", source->name, from);

		source->seeds |= seed != 0 ? seed : SEED_CUSTOMER;
		if (seed != 0 && seed != SEED_CUSTOMER)
			continue;
		if (chosen != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("source \"%s\" cannot start from both \"%s\" and \"%s\"", source->name, chosen, from),
					 errhint("Make two sources of it, as two elements of a JSON array.")));
		chosen = from;
		source->seed_history = widget_require_history(widget, seed == SEED_CUSTOMER ? NULL : from, role);
	}
}

/* Looks back only, as each source comes here. */
static void
require_slots_free(const WidgetDef *widget, const WidgetSource *source)
{
	for (int other = 0; other < source->place; other++)
		for (int i = 0; i < widget->source[other].num_slots; i++)
			for (int j = 0; j < source->num_slots; j++)
				if (widget->source[other].slots[i] == source->slots[j])
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("slot %d is promised to both \"%s\" and \"%s\"", source->slots[j],
									widget->source[other].name, source->name)));
}

/* A kind without a check takes no options. */
void
widget_check_source(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const none[] = {NULL};

	require_slots_free(widget, source);
	if (source->kind->check != NULL)
		source->kind->check(widget, source);
	else
		source_options_only(source, none);
}

/* The order is that of what depends on what: see the top. */
void
widget_resolve(WidgetDef *widget, const WidgetArguments *arguments)
{
	List	   *drafts = read_fallback(read_sources(arguments->sources), arguments->fallback);
	ListCell   *cell;

	if (list_length(drafts) > WIDGET_MAX_SOURCES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a widget can have at most %d sources, with fallbacks", WIDGET_MAX_SOURCES)));
	foreach(cell, drafts)
		resolve_name(lfirst(cell));
	if (arguments->histories != NULL)
		read_histories(widget, arguments->histories);
	find_catalog(widget, drafts, arguments->catalog);
	for (int i = 0; i < widget->num_histories; i++)
		require_catalog(widget, widget->history[i].history->catalog_id, "history", registry_name(widget->history[i].history->relation));
	if (widget->num_histories == 0 && !arguments->no_customers)
		guess_history(widget, drafts);
	if (widget->num_histories > 0)
		widget->customer_type = widget->history[0].history->basket_type;
	widget->source = palloc0(sizeof(WidgetSource) * (list_length(drafts) + 1));
	foreach(cell, drafts)
	{
		DraftSource *draft = lfirst(cell);

		resolve_generic(widget, draft, arguments->before);
		require_catalog(widget, source_kind_catalog(draft->source.relation), "source", draft->source.name);
		resolve_from(widget, draft);
		draft->source.place = widget->num_sources++;
		widget->source[draft->source.place] = draft->source;
	}
	for (int i = 0; i < widget->num_sources; i++)
		widget_check_source(widget, &widget->source[i]);
}
