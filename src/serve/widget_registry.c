/*
 * widget_registry.c
 *		Definitions of widgets, in the tables personalize.widget, widget_source and widget_history.
 *
 * A widget is known by its id, which stands in the body of its function, and by name and arguments of that function.  Only where all of them agree
 * is a function the widget's: anybody can write a function with the same body.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "model/content.h"
#include "model/registry_rows.h"
#include "serve/source_kind.h"
#include "serve/source_statement.h"
#include "serve/widget.h"
#include "serve/widget_setup.h"

/* ---------------------------------------------------------------- reading */

/* Copies, as the row goes when SPI is left. */
static Jsonb *
row_jsonb(const RegistryRow *row, const char *column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

static char **
row_texts(const RegistryRow *row, const char *column, int *count)
{
	Datum	   *elements = row_array(row, column, TEXTOID, count);
	char	  **texts = palloc0(sizeof(char *) * (*count + 1));

	for (int i = 0; i < *count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

/* What hangs on the widget is read by widget_load. */
static void *
read_widget(const RegistryRow *row)
{
	WidgetDef  *widget = palloc0(sizeof(WidgetDef));
	char	   *mix = row_text(row, "mix");

	widget->id = DatumGetInt32(row_datum(row, "id"));
	widget->schema = row_name(row, "schema");
	widget->name = row_name(row, "name");
	widget->catalog = registry_catalog(DatumGetObjectId(row_datum(row, "catalog")));
	widget->mix = strcmp(mix, "rrf") == 0 ? WIDGET_MIX_RRF : WIDGET_MIX_SUM;
	widget->filter = row_text(row, "filter");
	widget->exclude = row_texts(row, "exclude", &widget->num_exclude);
	widget->rules = row_jsonb(row, "rules");
	widget->max_per_category = DatumGetInt32(row_datum(row, "max_per_category"));
	widget->max_per = row_jsonb(row, "max_per");
	widget->diversity = row_float(row, "diversity");
	widget->shuffle = DatumGetInt32(row_datum(row, "shuffle"));
	widget->explore = row_float(row, "explore");
	widget->k = DatumGetInt32(row_datum(row, "k"));
	return widget;
}

/* A history that is gone has no definition; load_histories tells of it. */
static void *
read_history(const RegistryRow *row)
{
	WidgetHistory *history = palloc0(sizeof(WidgetHistory));

	history->event = row_text(row, "event");
	history->history = registry_history(DatumGetObjectId(row_datum(row, "history")));
	return history;
}

/* NULL and an empty array are the same here. */
static void
read_slots(const RegistryRow *row, WidgetSource *source)
{
	Datum	   *slots = row_array(row, "slots", INT4OID, &source->num_slots);

	source->slots = palloc0(sizeof(int32) * (source->num_slots + 1));
	for (int i = 0; i < source->num_slots; i++)
		source->slots[i] = DatumGetInt32(slots[i]);
}

/* A name that this version does not know is no seed; the source starts of the others then. */
static void
read_seeds(const RegistryRow *row, WidgetSource *source)
{
	int			count;
	char	  **seeds = row_texts(row, "seeds", &count);

	for (int i = 0; i < count; i++)
		source->seeds |= widget_seed(seeds[i]);
}

/* A model goes by the name that it has now; the name in the table is one that was given instead. */
static void *
read_source(const RegistryRow *row)
{
	DraftSource *draft = palloc0(sizeof(DraftSource));
	WidgetSource *source = &draft->source;

	draft->kind_name = row_text(row, "kind");
	draft->history = row_text(row, "seed_history");
	source->place = DatumGetInt32(row_datum(row, "place"));
	source->level = DatumGetInt32(row_datum(row, "level"));
	source->kind = source_kind(draft->kind_name);
	source->name = row_text(row, "name");
	source->named = source->name != NULL;
	source->relation = DatumGetObjectId(row_datum(row, "relation"));
	source->blend = DatumGetObjectId(row_datum(row, "blend"));
	if (source->name == NULL)
		source->name = OidIsValid(source->relation) ? registry_name(source->relation) : draft->kind_name;
	source->weight = row_float(row, "weight");
	read_slots(row, source);
	read_seeds(row, source);
	source->options = row_jsonb(row, "options");
	if (source->options != NULL)
		source->options = source_options_now(source);
	return draft;
}

/* ---------------------------------------------------------------- definitions */

/* Places count those that are there: who looks at a widget with a problem looks at no place. */
static void
load_histories(WidgetDef *widget, char **problem)
{
	static RegistryQuery query = {"SELECT h.* FROM personalize.widget_history AS h WHERE h.widget_id OPERATOR(pg_catalog.=) $1 ORDER BY h.place", INT4OID};
	List	   *histories = registry_query(&query, Int32GetDatum(widget->id), read_history);
	ListCell   *cell;

	widget->history = palloc0(sizeof(WidgetHistory) * (list_length(histories) + 1));
	foreach(cell, histories)
	{
		WidgetHistory *history = lfirst(cell);

		if (history->history == NULL)
		{
			*problem = "a history that it uses is gone";
			widget->num_lost++;
		}
		else
			widget->history[widget->num_histories++] = *history;
	}
	if (widget->num_histories > 0)
		widget->customer_type = widget->history[0].history->basket_type;
}

/* After the histories, whose places the sources name. */
static bool
is_gone(Oid relation)
{
	return OidIsValid(relation) && get_rel_name(relation) == NULL;
}

static void
load_sources(WidgetDef *widget, char **problem)
{
	static RegistryQuery query = {"SELECT s.* FROM personalize.widget_source AS s WHERE s.widget_id OPERATOR(pg_catalog.=) $1 ORDER BY s.place", INT4OID};
	List	   *sources = registry_query(&query, Int32GetDatum(widget->id), read_source);
	ListCell   *cell;

	widget->source = palloc0(sizeof(WidgetSource) * (list_length(sources) + 1));
	foreach(cell, sources)
	{
		DraftSource *draft = lfirst(cell);

		if (draft->source.kind == NULL)
			*problem = psprintf("this version knows no sources of kind \"%s\"", draft->kind_name);
		else if (is_gone(draft->source.relation) || is_gone(draft->source.blend))
			*problem = psprintf("the relation of a source of kind \"%s\" is gone", draft->kind_name);
		if (draft->history != NULL)
			draft->source.seed_history = Max(widget_history_of(widget, draft->history), 0);
		widget->source[widget->num_sources++] = draft->source;
	}
}

/* The last problem that is found is told; when it is mended, so is the next. */
static void
load(WidgetDef *widget, char **problem)
{
	*problem = NULL;
	if (widget->catalog == NULL)
		*problem = "its catalog is gone";
	load_histories(widget, problem);
	load_sources(widget, problem);
}

/* For those who show, change or drop a widget, and must be able to although something is missing. */
WidgetDef *
widget_load(int32 id, char **problem)
{
	static RegistryQuery query = {"SELECT w.* FROM personalize.widget AS w WHERE w.id OPERATOR(pg_catalog.=) $1", INT4OID};
	WidgetDef  *widget = registry_query_first(&query, Int32GetDatum(id), read_widget);

	if (widget != NULL)
		load(widget, problem);
	return widget;
}

/* Only disabled event triggers, or a restore of a part, let something go without the widget. */
WidgetDef *
widget_by_id(int32 id)
{
	char	   *problem;
	WidgetDef  *widget = widget_load(id, &problem);

	if (widget != NULL && problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("widget %s cannot be used: %s", widget_name(widget), problem),
				 errhint("Give it sources and histories that there are with personalize.alter_widget(), or drop it.")));
	return widget;
}

/* For the event triggers and for lists, which need ids and names only. */
List *
widget_rows_all(void)
{
	static RegistryQuery query = {"SELECT w.* FROM personalize.widget AS w ORDER BY w.id", InvalidOid};

	return registry_query(&query, (Datum) 0, read_widget);
}

/* Without those that cannot be used. */
List *
widgets_all(void)
{
	List	   *usable = NIL;
	ListCell   *cell;

	foreach(cell, widget_rows_all())
	{
		char	   *problem;

		load(lfirst(cell), &problem);
		if (problem == NULL)
			usable = lappend(usable, lfirst(cell));
	}
	return usable;
}

/* ---------------------------------------------------------------- functions */

/* Also after the function is gone, from what the registry has. */
char *
widget_name(const WidgetDef *widget)
{
	return quote_qualified_identifier(widget->schema, widget->name);
}

/* The id that a function's body has where it is of our making; 0: it is not. */
static int32
id_in_body(HeapTuple tuple)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);
	bool		isnull;
	Datum		body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	char	   *string;

	if (isnull || function->prolang != SQLlanguageId)
		return 0;
	string = TextDatumGetCString(body);
	if (strncmp(string, WIDGET_BODY_START, strlen(WIDGET_BODY_START)) != 0)
		return 0;
	return (int32) strtol(string + strlen(WIDGET_BODY_START), NULL, 10);
}

int32
widget_id_in_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	int32		id = 0;

	if (HeapTupleIsValid(tuple))
	{
		id = id_in_body(tuple);
		ReleaseSysCache(tuple);
	}
	return id;
}

/* Functions of a name in a schema: of Oid. */
static List *
functions_named(Oid schema, const char *name)
{
	CatCList   *found = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	List	   *functions = NIL;

	for (int i = 0; i < found->n_members; i++)
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(&found->members[i]->tuple);

		if (function->pronamespace == schema)
			functions = lappend_oid(functions, function->oid);
	}
	ReleaseSysCacheList(found);
	return functions;
}

/* By any function, whatever its arguments: a call by named arguments would be ambiguous. */
bool
widget_name_is_taken(Oid schema, const char *name)
{
	return functions_named(schema, name) != NIL;
}

/* What of a widget whose catalog or history is gone is not known, can be any type. */
static bool
argument_fits(Oid argument, Oid type)
{
	return !OidIsValid(type) || argument == type;
}

/*
 * Arguments as the widget's own has them.  Without them anybody who may create functions in that schema could make one of the name and body, and pass
 * for the widget's owner with it; no two functions of a name can have the same.
 */
static bool
has_arguments(Oid function, const WidgetDef *widget)
{
	Oid			customer = widget->customer_type != 0 ? key_type_oid(widget->customer_type) :
		widget->num_lost > 0 ? InvalidOid : TEXTOID;
	Oid			item = widget->catalog != NULL ? key_type_oid(widget->catalog->item_type) : InvalidOid;
	Oid			items = OidIsValid(item) ? get_array_type(item) : InvalidOid;
	const Oid	type[WIDGET_NUM_ARGUMENTS] = {customer, item, items, TEXTOID, items, INT4OID, INT4OID, INT4OID, items, items,
	TIMESTAMPTZOID, INT8OID, TEXTOID, TEXTARRAYOID};
	Oid		   *argument;
	int			n;
	bool		fits;

	(void) get_func_signature(function, &argument, &n);
	fits = n == WIDGET_NUM_ARGUMENTS;
	for (int a = 0; a < n && fits; a++)
		fits = argument_fits(argument[a], type[a]);
	return fits;
}

/* By body and arguments, wherever it stands. */
bool
widget_has_function(const WidgetDef *widget, Oid function)
{
	WidgetDef	whole = *widget;
	char	   *problem;

	if (widget_id_in_function(function) != widget->id)
		return false;
	if (whole.history == NULL)
		load_histories(&whole, &problem);
	return has_arguments(function, &whole);
}

/* By name, too: the registry has no oid, because dumps and pg_upgrade could not carry it. */
Oid
widget_function(const WidgetDef *widget)
{
	Oid			schema = get_namespace_oid(widget->schema, true);
	ListCell   *cell;

	if (!OidIsValid(schema))
		return InvalidOid;
	foreach(cell, functions_named(schema, widget->name))
		if (widget_has_function(widget, lfirst_oid(cell)))
			return lfirst_oid(cell);
	return InvalidOid;
}

int32
widget_of_function(Oid function)
{
	static RegistryQuery query = {"SELECT w.* FROM personalize.widget AS w WHERE w.id OPERATOR(pg_catalog.=) $1", INT4OID};
	int32		id = widget_id_in_function(function);
	WidgetDef  *widget = id == 0 ? NULL : registry_query_first(&query, Int32GetDatum(id), read_widget);

	return widget != NULL && widget_function(widget) == function ? id : 0;
}

/* With arguments, as regprocedure shows it, or without. */
List *
widget_name_list(text *name)
{
	char	   *string = text_to_cstring(name);
	bool		quoted = false;

	for (char *at = string; *at != '\0'; at++)
	{
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '(' && !quoted)
		{
			*at = '\0';
			break;
		}
	}
	return textToQualifiedNameList(cstring_to_text(string));
}

/* *other is set where there is a function of that name that is no widget's. */
static Oid
find_in_schema(Oid schema, const char *name, bool *other)
{
	ListCell   *cell;

	foreach(cell, functions_named(schema, name))
	{
		if (widget_of_function(lfirst_oid(cell)) != 0)
			return lfirst_oid(cell);
		*other = true;
	}
	return InvalidOid;
}

/* As the server looks up functions: by the search path, or in the schema that is named, which takes USAGE on it. */
Oid
widget_require_function(text *name)
{
	char	   *schema;
	char	   *function;
	Oid			found = InvalidOid;
	bool		other = false;
	ListCell   *cell;

	DeconstructQualifiedName(widget_name_list(name), &schema, &function);
	if (schema != NULL)
		found = find_in_schema(LookupExplicitNamespace(schema, true), function, &other);
	else
		foreach(cell, fetch_search_path(false))
			if (!OidIsValid(found))
				found = find_in_schema(lfirst_oid(cell), function, &other);
	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(other ? ERRCODE_WRONG_OBJECT_TYPE : ERRCODE_UNDEFINED_FUNCTION),
				 other ? errmsg("%s is not a widget", text_to_cstring(name)) : errmsg("widget %s does not exist", text_to_cstring(name)),
				 errhint("personalize.create_widget() makes one; personalize.widgets lists those that there are.")));
	return found;
}

/* For calls: nothing may be missing. */
WidgetDef *
widget_require(text *name)
{
	return widget_by_id(widget_id_in_function(widget_require_function(name)));
}

/* A definition that is not stored has no function, and is its maker's. */
void
widget_require_execute(const WidgetDef *widget)
{
	Oid			function = widget->id != 0 ? widget_function(widget) : InvalidOid;
	AclResult	allowed;

	if (widget->id == 0)
		return;
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function of widget %s does not exist any more", widget_name(widget)),
				 errhint("See personalize.widgets.")));
	allowed = compat_function_aclcheck(function, GetUserId(), ACL_EXECUTE);
	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FUNCTION, widget_name(widget));
}

/* ---------------------------------------------------------------- histories */

/* One without an event stands for all of them; asked for no event in particular, the first. */
int
widget_history_of(const WidgetDef *widget, const char *event)
{
	for (int i = 0; i < widget->num_histories; i++)
		if (widget->history[i].event == NULL || event == NULL || strcmp(widget->history[i].event, event) == 0)
			return i;
	return -1;
}

/* For errors: what could have been meant. */
static char *
event_list(const WidgetDef *widget)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < widget->num_histories; i++)
		appendStringInfo(&list, "%s\"%s\" (%s)", i > 0 ? ", " : "", widget->history[i].event,
						 registry_name(widget->history[i].history->relation));
	return list.data;
}

/* Content models make histories of their own, which are nobody's. */
static char *
candidate_list(const WidgetDef *widget)
{
	StringInfoData list;
	ListCell   *cell;

	initStringInfo(&list);
	foreach(cell, registry_histories())
	{
		HistoryDef *history = lfirst(cell);

		if (history->catalog_id == widget->catalog->id && !content_is_history(history))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", registry_name(history->relation));
	}
	return list.data;
}

/* Either the event is none of those that were named, or nothing was named and could be found. */
int
widget_require_history(const WidgetDef *widget, const char *event, const char *role)
{
	int			place = widget_history_of(widget, event);
	char	   *candidates;

	if (place >= 0)
		return place;
	if (widget->num_histories > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs a history of the event \"%s\"", role, event),
				 errdetail("The widget's histories are %s.", event_list(widget)),
				 errhint("Name it, as in histories => '{\"%s\": \"shop.customers\"}'.", event)));
	candidates = candidate_list(widget);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s needs a history of which the baskets are customers", role),
			 *candidates == '\0' ? errdetail("Catalog %s has no history.", registry_name(widget->catalog->relation)) :
			 errdetail("Histories of catalog %s are %s.", registry_name(widget->catalog->relation), candidates),
			 errhint("Name it, as in histories => '{\"%s\": \"shop.customers\"}'; personalize.create_history() makes one.",
					 event != NULL ? event : "bought")));
}

/* ---------------------------------------------------------------- writing */

Oid
widget_registry_relation(void)
{
	Oid			schema = get_namespace_oid("personalize", true);

	return OidIsValid(schema) ? get_relname_relid("widget", schema) : InvalidOid;
}

/* Plans listen to this relation; nothing of it changes but that. */
void
widget_changed(void)
{
	Oid			relation = widget_registry_relation();

	if (OidIsValid(relation))
		CacheInvalidateRelcacheByRelid(relation);
}

static void
argument_text(RegistryArguments *arguments, const char *text)
{
	argument(arguments, TEXTOID, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text == NULL);
}

/* None is NULL, as for the other lists. */
static void
argument_texts(RegistryArguments *arguments, char **texts, int count)
{
	Datum	   *elements = palloc0(sizeof(Datum) * (count + 1));

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	argument_array(arguments, TEXTARRAYOID, TEXTOID, elements, count, count == 0);
}

static void
argument_jsonb(RegistryArguments *arguments, Jsonb *value)
{
	argument(arguments, JSONBOID, JsonbPGetDatum(value), value == NULL);
}

/* Written once, with the widget: changes write all anew. */
static void
add_history(int32 id, int place, const WidgetHistory *history)
{
	static RegistryWrite write = {"INSERT INTO personalize.widget_history (widget_id, place, event, history) VALUES ($1, $2, $3, $4)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, id);
	argument_int(&arguments, place);
	argument_text(&arguments, history->event);
	argument_relation(&arguments, history->history->relation);
	registry_run(&write, &arguments);
}

/* The history only where it is chosen by name, so that the table says what was said. */
static void
argument_seeds(RegistryArguments *arguments, const WidgetDef *widget, const WidgetSource *source)
{
	char	   *seeds[4];
	int			count = 0;
	const char *event = NULL;

	for (int bit = SEED_ITEM; bit <= SEED_CUSTOMER; bit <<= 1)
		if (source->seeds & bit)
			seeds[count++] = (char *) widget_seed_name(bit);
	argument_texts(arguments, seeds, count);
	if ((source->seeds & SEED_CUSTOMER) && source->seed_history < widget->num_histories)
		event = widget->history[source->seed_history].event;
	argument_text(arguments, event);
}

/* A model's own name is not stored, so that it follows when the model is renamed. */
static void
add_source(const WidgetDef *widget, const WidgetSource *source)
{
	static RegistryWrite write = {"INSERT INTO personalize.widget_source"
		" (widget_id, place, level, kind, name, relation, blend, weight, slots, seeds, seed_history, options)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
	RegistryArguments arguments = {0};
	Datum	   *slots = palloc0(sizeof(Datum) * (source->num_slots + 1));

	for (int i = 0; i < source->num_slots; i++)
		slots[i] = Int32GetDatum(source->slots[i]);
	argument_int(&arguments, widget->id);
	argument_int(&arguments, source->place);
	argument_int(&arguments, source->level);
	argument_text(&arguments, source->kind->name);
	argument_text(&arguments, source->named ? source->name : NULL);
	argument_relation(&arguments, source->relation);
	argument_relation(&arguments, source->blend);
	argument_float(&arguments, source->weight, false);
	argument_array(&arguments, INT4ARRAYOID, INT4OID, slots, source->num_slots, source->num_slots == 0);
	argument_seeds(&arguments, widget, source);
	argument_jsonb(&arguments, source->options);
	registry_run(&write, &arguments);
}

void
widget_add(const WidgetDef *widget)
{
	static RegistryWrite write = {"INSERT INTO personalize.widget"
		" (id, schema, name, catalog, mix, filter, exclude, rules, max_per_category, max_per, diversity, shuffle, explore, k)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, widget->id);
	argument_name(&arguments, widget->schema);
	argument_name(&arguments, widget->name);
	argument_relation(&arguments, widget->catalog->relation);
	argument_text(&arguments, widget->mix == WIDGET_MIX_RRF ? "rrf" : "sum");
	argument_text(&arguments, widget->filter);
	argument_texts(&arguments, widget->exclude, widget->num_exclude);
	argument_jsonb(&arguments, widget->rules);
	argument_optional_int(&arguments, widget->max_per_category);
	argument_jsonb(&arguments, widget->max_per);
	argument_float(&arguments, widget->diversity, false);
	argument_int(&arguments, widget->shuffle);
	argument_float(&arguments, widget->explore, false);
	argument_int(&arguments, widget->k);
	registry_run(&write, &arguments);
	for (int i = 0; i < widget->num_histories; i++)
		add_history(widget->id, i, &widget->history[i]);
	for (int i = 0; i < widget->num_sources; i++)
		add_source(widget, &widget->source[i]);
	widget_changed();
}

/* Children first, though nothing but this file makes them go together. */
void
widget_forget(int32 id)
{
	static RegistryWrite write[] = {
		{"DELETE FROM personalize.widget_source WHERE widget_id OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.widget_history WHERE widget_id OPERATOR(pg_catalog.=) $1"},
		{"DELETE FROM personalize.widget WHERE id OPERATOR(pg_catalog.=) $1"},
	};
	RegistryArguments arguments = {0};

	argument_int(&arguments, id);
	for (int i = 0; i < lengthof(write); i++)
		registry_run(&write[i], &arguments);
	widget_changed();
}

/* The id stays, which is in the function's body. */
void
widget_replace(const WidgetDef *widget)
{
	widget_forget(widget->id);
	CommandCounterIncrement();
	widget_add(widget);
}

/* Event triggers that are disabled leave rows behind, whose names are in the way of others. */
bool
widget_forget_stale(const char *schema, const char *name)
{
	bool		any = false;
	ListCell   *cell;

	foreach(cell, widget_rows_all())
	{
		const WidgetDef *widget = lfirst(cell);

		if (strcmp(widget->schema, schema) != 0 || strcmp(widget->name, name) != 0 || OidIsValid(widget_function(widget)))
			continue;
		widget_forget(widget->id);
		any = true;
	}
	if (any)
		CommandCounterIncrement();
	return any;
}

/* The caller has seen the function there. */
void
widget_rename(int32 id, const char *schema, const char *name)
{
	static RegistryWrite write = {"UPDATE personalize.widget SET schema = $2, name = $3 WHERE id OPERATOR(pg_catalog.=) $1"};
	RegistryArguments arguments = {0};

	argument_int(&arguments, id);
	argument_name(&arguments, schema);
	argument_name(&arguments, name);
	registry_run(&write, &arguments);
	widget_changed();
}
