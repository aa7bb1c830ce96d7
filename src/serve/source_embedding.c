/*
 * source_embedding.c
 *		Nearest neighbors by vectors of images or texts, where pgvector is installed.
 *
 * The vectors are the shop's: a column of a table, with an index of pgvector's where there are many.  pgvector is found when a widget is made or called,
 * by the type of the column; nothing here is linked to it.
 */
#include "base/compat.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "model/setup.h"
#include "serve/source_statement.h"

#define EXTENSION "vector"

#define DEFAULT_SEEDS 10
#define MAX_SEEDS 200

typedef struct Embedding
{
	SourceStatement *vector;	/* of an item */
	SourceStatement *nearest;	/* to a vector */
} Embedding;

/* --- pgvector ------------------------------------------------------------- */

static void
require_extension(const WidgetSource *source)
{
	if (!OidIsValid(get_extension_oid(EXTENSION, true)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("source \"%s\" needs the extension %s", source->name, EXTENSION),
				 errdetail("It is not installed in this database."),
				 errhint("Install pgvector, then CREATE EXTENSION %s;", EXTENSION)));
}

static void pg_attribute_noreturn()
fail_type(const WidgetSource *source, const char *column, Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("\"vector\" of source \"%s\" cannot be of type %s", source->name, format_type_be(type)),
			 errdetail("Column \"%s\" of %s must be of type vector, halfvec or sparsevec.", column, registry_name(source->relation))));
}

/* The schema of the type, where its operators are, too: an extension has one schema. */
static char *
vector_schema(const WidgetSource *source, const char *column, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char	   *name;
	char	   *schema;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	name = NameStr(form->typname);
	if (getExtensionOfObject(TypeRelationId, type) != get_extension_oid(EXTENSION, true) ||
		(strcmp(name, "vector") != 0 && strcmp(name, "halfvec") != 0 && strcmp(name, "sparsevec") != 0))
		fail_type(source, column, type);
	schema = get_namespace_name(form->typnamespace);
	ReleaseSysCache(tuple);
	return schema;
}

/* --- the definition ------------------------------------------------------- */

static Oid
column_type(const WidgetSource *source, const char *column)
{
	AttrNumber	number = get_attnum(source->relation, column);

	if (number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column \"%s\" any more", registry_name(source->relation), column)));
	return getBaseType(get_atttype(source->relation, number));
}

/* Of equal distances the order of keys decides, behind that of the index. */
static void *
open_embedding(WidgetPlan *plan, const WidgetSource *source)
{
	const WidgetDef *widget = plan->def;
	Embedding  *embedding = palloc0(sizeof(Embedding));
	char	   *column = source_option_text(source, "vector", "embedding");
	char	   *key = source_item_expression(widget, source->relation, "i", source_option_text(source, "item", "item"));
	const char *table = registry_name(source->relation);
	Oid			types[2] = {key_type_oid(widget->catalog->item_type)};
	char	   *operator;

	require_extension(source);
	operator = psprintf("i.%s OPERATOR(%s.<=>) $1", quote_identifier(column),
						quote_identifier(vector_schema(source, column, column_type(source, column))));
	embedding->vector =
		source_statement(plan, psprintf("SELECT i.%s FROM %s AS i WHERE %s OPERATOR(pg_catalog.=) $1 AND i.%s IS NOT NULL LIMIT 1",
										quote_identifier(column), table, key, quote_identifier(column)), 1, types);
	types[0] = column_type(source, column);
	types[1] = INT8OID;
	embedding->nearest =
		source_statement(plan, psprintf("SELECT %s, 1 OPERATOR(pg_catalog.-) (%s) FROM %s AS i WHERE i.%s IS NOT NULL ORDER BY %s, %s LIMIT $2",
										key, operator, table, quote_identifier(column), operator, source_item_order(widget, key)), 2, types);
	return embedding;
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"table", "item", "vector", "seeds", "recency", NULL};

	source_options_only(source, names);
	source_option_number(source, "recency", 0, 0.01, 36500);
	(void) source_option_count(source, "seeds", DEFAULT_SEEDS, MAX_SEEDS);
	require_extension(source);
	source->relation = source_option_relation(source, "table");
	if (!OidIsValid(source->relation))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source \"%s\" needs \"table\"", source->name),
				 errhint("For example {\"table\": \"shop.products\", \"item\": \"id\", \"vector\": \"embedding\"}.")));
	source_require_item(widget, source->relation, source_option_text(source, "item", "item"));
	setup_require_column("vector", source->relation, source_option_text(source, "vector", "embedding"));
	source_try_open(widget, source);
}

/* --- collecting ----------------------------------------------------------- */

typedef struct Found
{
	Request    *request;
	const Seed *seed;
	bool		has_vector;
	Datum		vector;
} Found;

/* Plain: the operator would fetch and decompress it again for each row. */
static void
take_vector(void *arg, const Datum *values, const bool *nulls)
{
	Found	   *found = arg;
	MemoryContext caller = MemoryContextSwitchTo(found->request->context);

	found->vector = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[0]));
	found->has_vector = true;
	MemoryContextSwitchTo(caller);
}

/* Nothing is as near as the item itself, which would make all others look far. */
static void
take_neighbor(void *arg, const Datum *values, const bool *nulls)
{
	Found	   *found = arg;
	uint32		item;
	double		similarity;

	if (nulls[0] || nulls[1])
		return;
	item = request_item(found->request, values[0]);
	similarity = DatumGetFloat8(values[1]);
	if (item != found->seed->item && similarity > 0)
		request_offer(found->request, item, found->seed->weight * similarity, found->seed->item);
}

static void
collect_seed(Request *request, const Embedding *embedding, const Seed *seed, uint32 want)
{
	Found		found = {request, seed};
	Datum		parameter[2];

	parameter[0] = request_key(request, seed->item);
	source_statement_run(embedding->vector, parameter, NULL, take_vector, &found);
	if (!found.has_vector)
		return;
	parameter[0] = found.vector;
	parameter[1] = Int64GetDatum(request_room(request, want));
	source_statement_run(embedding->nearest, parameter, NULL, take_neighbor, &found);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	SeedList	seeds = request_seeds(request, source, source_option_count(source, "seeds", DEFAULT_SEEDS, MAX_SEEDS));

	for (uint32 s = 0; s < seeds.size; s++)
		collect_seed(request, opened, &seeds.seed[s], want);
}

const SourceKind source_embedding = {"embedding", check, open_embedding, collect};
