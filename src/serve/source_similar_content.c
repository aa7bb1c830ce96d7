/*
 * source_similar_content.c
 *		Items with the same attributes, and how that gives way to what people do.
 *
 * A content model is a co-occurrence model, and is read like one.  With `blend`, which names a model of what people did, a pair scores
 * (1 - kappa) * content + kappa * behavior, where kappa = n / (n + n0) and n is that of the item of the pair that has fewer: a new item is
 * known by its attributes, a known one by its buyers.
 */
#include "base/compat.h"

#include <float.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "model/content.h"
#include "serve/source_statement.h"

/* Rows that a blend reads of each model, at most. */
#define MAX_SEEDS 50

#define DEFAULT_N0 20

extern const SourceKind source_cooccurrence;

typedef struct SimilarContent
{
	double		n0;
	Oid			blend;			/* InvalidOid: content alone */
	SourceStatement *content;
	SourceStatement *behavior;
	SourceStatement *counts;
} SimilarContent;

/* --- the definition ------------------------------------------------------ */

/* The one there is on the widget's catalog, as with other generic names. */
static Oid
only_model(const WidgetDef *widget, const WidgetSource *source)
{
	List	   *models = content_models(widget->catalog->id);

	if (list_length(models) != 1)
		ereport(ERROR,
				(errcode(models == NIL ? ERRCODE_UNDEFINED_OBJECT : ERRCODE_AMBIGUOUS_PARAMETER),
				 models == NIL ?
				 errmsg("source \"%s\" needs a model of content on catalog %s", source->name, registry_name(widget->catalog->relation)) :
				 errmsg("source \"%s\" could be any of %d models of catalog %s", source->name, list_length(models),
						registry_name(widget->catalog->relation)),
				 models == NIL ? errhint("personalize.create_content() makes one.") :
				 errhint("Name it with \"content\".")));
	return ((ModelDef *) linitial(models))->relation;
}

/* Items of another catalog have other codes, and may have other keys. */
static void
require_model(const WidgetDef *widget, const WidgetSource *source, const char *option, Oid relation)
{
	ModelDef   *model = registry_require_model(relation);
	HistoryDef *history = registry_history_by_id(model->history_id);

	if (history == NULL || history->catalog_id != widget->catalog->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model %s belongs to another catalog than the widget", registry_name(relation)),
				 errdetail("It was given as \"%s\" of source \"%s\".", option, source->name)));
	request_require_select(relation);
}

static void
check(const WidgetDef *widget, WidgetSource *source)
{
	static const char *const names[] = {"content", "blend", "n0", "recency", NULL};

	source_options_only(source, names);
	source->relation = source_option_relation(source, "content");
	if (!OidIsValid(source->relation))
		source->relation = only_model(widget, source);
	require_model(widget, source, "content", source->relation);
	source_option_number(source, "recency", 0, 0.01, 36500);
	source_option_number(source, "n0", DEFAULT_N0, 0, 1e9);
	source->blend = source_option_relation(source, "blend");
	if (OidIsValid(source->blend))
		require_model(widget, source, "blend", source->blend);
	else if (source_option_value(source, "n0") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"n0\" of source \"%s\" needs \"blend\"", source->name),
				 errhint("Name the model of what people did, as in \"blend\": \"shop.bought_together\".")));
}

/* What is not above 0 is no neighbor; local ridge has such scores, for what replaces an item. */
static SourceStatement *
open_lists(WidgetPlan *plan, Oid relation, Oid keys)
{
	return source_statement(plan,
							psprintf("SELECT f.item, u.neighbor, u.score FROM %s AS f"
									 " CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(f.neighbors), pg_catalog.unnest(f.scores)) AS u(neighbor, score)"
									 " WHERE f.item OPERATOR(pg_catalog.=) ANY ($1) AND u.score OPERATOR(pg_catalog.>) 0",
									 registry_name(relation)),
							1, &keys);
}

/* Content alone is read without statements, as any co-occurrence model. */
static void *
open_similar_content(WidgetPlan *plan, const WidgetSource *source)
{
	SimilarContent *similar = palloc0(sizeof(SimilarContent));
	Oid			keys = get_array_type(key_type_oid(plan->def->catalog->item_type));

	similar->n0 = source_option_number(source, "n0", DEFAULT_N0, 0, 1e9);
	if (!OidIsValid(source->blend))
		return similar;
	similar->blend = source->blend;
	widget_plan_reads(plan, similar->blend);
	similar->content = open_lists(plan, source->relation, keys);
	similar->behavior = open_lists(plan, similar->blend, keys);
	similar->counts =
		source_statement(plan, psprintf("SELECT f.item, f.n FROM %s AS f WHERE f.item OPERATOR(pg_catalog.=) ANY ($1)",
										registry_name(similar->blend)), 1, &keys);
	return similar;
}

/* --- blending ------------------------------------------------------------ */

typedef struct Pair
{
	uint32		seed;			/* place of the item */
	uint32		item;
	double		score;
} Pair;

typedef struct PairList
{
	Request    *request;
	Pair	   *pair;
	uint32		size;
	uint32		room;
} PairList;

/* A measure may give infinity, of which no share can be told. */
static void
take_pair(void *arg, const Datum *values, const bool *nulls)
{
	PairList   *list = arg;

	if (nulls[0] || nulls[1] || nulls[2])
		return;
	if (list->size == list->room)
	{
		list->room = Max(64, list->room * 2);
		list->pair = env_resize(&list->request->server.env, list->pair, list->room, sizeof(Pair));
	}
	list->pair[list->size++] = (Pair)
	{
		request_item(list->request, values[0]), request_item(list->request, values[1]), Min(DatumGetFloat8(values[2]), DBL_MAX)
	};
}

static Datum
key_array(const Request *request, const uint32 *items, uint32 n)
{
	Oid			type = key_type_oid(request->widget->catalog->item_type);
	Datum	   *keys = palloc((n + 1) * sizeof(Datum));
	int16		length;
	bool		by_value;
	char		align;

	for (uint32 i = 0; i < n; i++)
		keys[i] = request_key(request, items[i]);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(keys, n, type, length, by_value, align));
}

static PairList
read_pairs(Request *request, SourceStatement *statement, Datum seeds)
{
	PairList	list = {request};

	source_statement_run(statement, &seeds, NULL, take_pair, &list);
	return list;
}

/* Every list by its best score, as sources are: those of two models have nothing in common but that. */
static void
normalize(const Request *request, PairList *list, double *best)
{
	memset(best, 0, request_num_items(request) * sizeof(double));
	for (uint32 p = 0; p < list->size; p++)
		best[list->pair[p].seed] = Max(best[list->pair[p].seed], list->pair[p].score);
	for (uint32 p = 0; p < list->size; p++)
		list->pair[p].score /= best[list->pair[p].seed];
}

typedef struct Counts
{
	Request    *request;
	double	   *n;				/* by place */
} Counts;

static void
take_count(void *arg, const Datum *values, const bool *nulls)
{
	Counts	   *counts = arg;

	if (!nulls[0] && !nulls[1])
		counts->n[request_item(counts->request, values[0])] = DatumGetFloat8(values[1]);
}

/* Of all items of both lists, which have places by now. */
static double *
read_counts(Request *request, SourceStatement *statement, const PairList *content, const PairList *behavior, const SeedList *seeds)
{
	Counts		counts = {request, palloc0(request_num_items(request) * sizeof(double))};
	uint32	   *items = palloc((content->size + behavior->size + seeds->size + 1) * sizeof(uint32));
	uint32		n = 0;
	Datum		keys;

	for (uint32 s = 0; s < seeds->size; s++)
		items[n++] = seeds->seed[s].item;
	for (uint32 p = 0; p < content->size; p++)
		items[n++] = content->pair[p].item;
	for (uint32 p = 0; p < behavior->size; p++)
		items[n++] = behavior->pair[p].item;
	keys = key_array(request, items, n);
	source_statement_run(statement, &keys, NULL, take_count, &counts);
	return counts.n;
}

/* What nobody has bought has no row in the model. */
static double
kappa(const SimilarContent *similar, const double *n, const Pair *pair)
{
	double		fewer = Min(n[pair->seed], n[pair->item]);

	return fewer > 0 ? fewer / (fewer + similar->n0) : 0;
}

/* All items of both lists are met before arrays by place are made. */
static void
blend(Request *request, const SimilarContent *similar, const SeedList *seeds)
{
	uint32	   *items = palloc((seeds->size + 1) * sizeof(uint32));
	Datum		keys;
	PairList	content;
	PairList	behavior;
	double	   *weight;
	double	   *n;

	for (uint32 s = 0; s < seeds->size; s++)
		items[s] = seeds->seed[s].item;
	keys = key_array(request, items, seeds->size);
	content = read_pairs(request, similar->content, keys);
	behavior = read_pairs(request, similar->behavior, keys);
	n = read_counts(request, similar->counts, &content, &behavior, seeds);
	weight = palloc(request_num_items(request) * sizeof(double));
	normalize(request, &content, weight);
	normalize(request, &behavior, weight);
	for (uint32 s = 0; s < seeds->size; s++)
		weight[seeds->seed[s].item] = seeds->seed[s].weight;
	for (uint32 p = 0; p < content.size; p++)
		request_offer(request, content.pair[p].item,
					  weight[content.pair[p].seed] * (1 - kappa(similar, n, &content.pair[p])) * content.pair[p].score, content.pair[p].seed);
	for (uint32 p = 0; p < behavior.size; p++)
		request_offer(request, behavior.pair[p].item,
					  weight[behavior.pair[p].seed] * kappa(similar, n, &behavior.pair[p]) * behavior.pair[p].score, behavior.pair[p].seed);
}

static void
collect(Request *request, const WidgetSource *source, void *opened, uint32 want)
{
	const SimilarContent *similar = opened;
	SeedList	seeds;

	if (!OidIsValid(similar->blend))
	{
		source_cooccurrence.collect(request, source, NULL, want);
		return;
	}
	request_require_select(source->relation);
	request_require_select(similar->blend);
	seeds = request_seeds(request, source, MAX_SEEDS);
	if (seeds.size > 0)
		blend(request, similar, &seeds);
}

const SourceKind source_similar_content = {"similar_content", check, open_similar_content, collect};
