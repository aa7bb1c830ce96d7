/*
 * check.c
 *		The oracle: views that count by self-joins of the shop's tables, written from the definition
 *		and sharing nothing with the extension but its measures; and fresh models beside those that were kept.
 */
#include "interleave.h"

#include <math.h>

/* --- baskets --- */

/* Texts are ordered by bytes, whatever collation the shop's columns have. */
static const char *
bytewise(Key key)
{
	return key == KEY_TEXT ? " COLLATE \"C\"" : "";
}

/* What a row weighs. */
static const char *
row_weight(const History *h)
{
	const char *own = h->weights ? "w::bigint" : "1::bigint";

	return h->event_weights ? text("%s * (%s)[pg_catalog.array_position(%s, ev)]", own, h->event_weights, h->events) : own;
}

static const char *
row_condition(const History *h)
{
	char	   *s = "b IS NOT NULL AND i IS NOT NULL";

	if (h->times)
		s = text("%s AND at IS NOT NULL", s);
	if (h->weights)
		s = text("%s AND w IS NOT NULL", s);
	if (h->events)
		s = text("%s AND ev = ANY (%s)", s, h->events);
	if (h->horizon)
		s = text("%s AND at >= (SELECT horizon_start FROM personalize.history WHERE relation::text = 'shop.%s')", s, h->name);
	return s;
}

/* shop.NAME_truth (basket, item, weight, day, place): an item once, at its last event; the most recent max_basket of them. */
static bool
create_baskets(const History *h)
{
	return session_do(&checker, text("CREATE VIEW shop.%s_truth AS"
		" SELECT basket, item, weight, day, row_number() OVER (PARTITION BY basket ORDER BY last, item) AS place"
		" FROM (SELECT *, row_number() OVER (PARTITION BY basket ORDER BY last DESC, item DESC) AS recent,"
		"   coalesce(floor(extract(epoch FROM last - timestamptz '2000-01-01 00:00+00') / 86400)::integer, 0) AS day"
		"   FROM (SELECT b%s AS basket, i%s AS item, max(%s) AS last, %s AS weight FROM shop.%s WHERE %s GROUP BY 1, 2 HAVING sum(%s) > 0) AS e) AS e"
		" WHERE recent <= %d",
		h->name, bytewise(shop.basket), bytewise(shop.item), h->times ? "at" : "NULL::timestamptz",
		h->weights || h->event_weights ? text("sum(%s)", row_weight(h)) : "1::bigint",
		h->relation, row_condition(h), row_weight(h), h->max_basket ? h->max_basket : 500));
}

/* --- counts --- */

static const char *
target_name(const Model *m)
{
	return shop.history[m->target >= 0 ? m->target : 0].name;
}

static const char *
generation_of(const Model *m, const char *day)
{
	return m->generation ? text("floor(%s::float8 / %d)::integer", day, m->generation) : "0";
}

/* Units of a count of one. */
static int
unit(const Model *m)
{
	return m->damping > 0 || m->window ? 65536 : 1;
}

/* What a unit of generation g counts now. */
static const char *
decay(const Model *m)
{
	if (!m->half_life)
		return "1::float8";
	return text("power(2::float8, (g - (SELECT max(g) FROM shop.%s_basket)) / %g::float8)", m->name, (double) m->half_life / m->generation);
}

/* shop.NAME_basket (basket, w, g): what each basket counts in units, and in which generation. */
static bool
create_model_baskets(const Model *m)
{
	const char *w = m->damping > 0
		? text("round(65536 * power(2::float8, -%g::float8 * (length(ltrim(greatest(d, 1)::integer::bit(32)::text, '0')) - 1)))::bigint", m->damping)
		: text("%d::bigint", unit(m));
	const char *more = m->target >= 0 ? text(" UNION ALL SELECT basket, 0, day FROM shop.%s_truth", target_name(m)) : "";

	return session_do(&checker, text("CREATE VIEW shop.%s_basket AS SELECT basket, %s AS w, %s AS g"
		" FROM (SELECT basket, sum(one) AS d, max(day) AS day FROM (SELECT basket, 1 AS one, day FROM shop.h_truth%s) AS e GROUP BY basket) AS e",
		m->name, w, generation_of(m, "day"), more));
}

/* shop.NAME_pair (a, b, c). */
static bool
create_model_pairs(const Model *m)
{
	const char *count = m->window ? "round(w::numeric / (b.place - a.place))::bigint" : "w * a.weight * b.weight";
	const char *which = m->window ? text("b.place > a.place AND b.place - a.place <= %d", m->window) : m->target >= 0 ? "true" : "a.item <> b.item";

	return session_do(&checker, text("CREATE VIEW shop.%s_pair AS SELECT a, b, sum(units * %s ORDER BY g) / %d AS c"
		" FROM (SELECT a.item AS a, b.item AS b, %s AS g, sum(%s) AS units"
		"   FROM shop.h_truth AS a JOIN shop.%s_truth AS b USING (basket) JOIN shop.%s_basket USING (basket) WHERE %s GROUP BY 1, 2, 3) AS e"
		" GROUP BY a, b",
		m->name, decay(m), unit(m), generation_of(m, "greatest(a.day, b.day)"), count, target_name(m), m->name, which));
}

/* shop.NAME_source and shop.NAME_target (item, n). */
static bool
create_model_items(const Model *m, const char *side, const char *history)
{
	return session_do(&checker, text("CREATE VIEW shop.%s_%s AS SELECT item, sum(units * %s ORDER BY g) / %d AS n"
		" FROM (SELECT item, g, sum(w * %s) AS units FROM shop.%s_truth JOIN shop.%s_basket USING (basket) GROUP BY 1, 2) AS e GROUP BY item",
		m->name, side, decay(m), unit(m), m->window ? "1" : "weight * weight", history, m->name));
}

/* --- scores --- */

static double
parameter(const Model *m, int i, double otherwise)
{
	return isnan(m->parameter[i]) ? otherwise : m->parameter[i];
}

/* The measures that know weights, written out: the functions of SQL check that counts are those of baskets. */
static const char *
written_out(const Model *m)
{
	double		s = parameter(m, 0, 0);

	if (strcmp(m->measure, "count") == 0)
		return "c";
	if (strcmp(m->measure, "cosine") == 0 || (strcmp(m->measure, "asymmetric_cosine") == 0 && parameter(m, 1, 0.5) == 0.5))
		return text("c / (sqrt(na * nb) + %g::float8)", s);
	if (strcmp(m->measure, "asymmetric_cosine") == 0)
		return text("c / (power(na, %g::float8) * power(nb, 1 - %g::float8) + %g::float8)", m->parameter[1], m->parameter[1], s);
	if (strcmp(m->measure, "jaccard") == 0)
		return text("c / (na + nb - c + %g::float8)", s);
	if (strcmp(m->measure, "dice") == 0)
		return text("2 * c / (na + nb + %g::float8)", s);
	if (strcmp(m->measure, "kernel") == 0)
		return text("power(c / (power(na + %g::float8, %g::float8) * power(nb, %g::float8)), %g::float8)",
					s, parameter(m, 1, 0.6), parameter(m, 2, 0.3), parameter(m, 3, 1));
	return NULL;
}

static const char *
score(const Model *m)
{
	const char *s;

	if (!m->scored)
		return "0";
	s = written_out(m);
	if (s)
		return s;
	s = text("personalize.%s(c, na, nb, n", m->measure);
	for (int i = 0; i < NUM_PARAMETERS; i++)
		if (!isnan(m->parameter[i]))
			s = text("%s, %s => %g", s, parameter_names[i], m->parameter[i]);
	return text("%s)", s);
}

/* shop.NAME_face (item, n, neighbors, counts, scores). */
static bool
create_model_face(const Model *m)
{
	return session_do(&checker, text("CREATE VIEW shop.%s_face AS"
		" SELECT i.item, i.n, coalesce(neighbors, '{}') AS neighbors, coalesce(counts, '{}') AS counts, coalesce(scores, '{}') AS scores"
		" FROM shop.%s_source AS i LEFT JOIN"
		"  (SELECT a AS item, array_agg(b ORDER BY place) AS neighbors, array_agg(c ORDER BY place) AS counts, array_agg(score ORDER BY place) AS scores"
		"   FROM (SELECT *, row_number() OVER (PARTITION BY a ORDER BY score DESC, b) AS place"
		"     FROM (SELECT a, b, c, (%s)::float8 AS score"
		"       FROM (SELECT a, b, c, x.n AS na, y.n AS nb, (SELECT sum(w * %s ORDER BY g) / %d FROM shop.%s_basket) AS n"
		"         FROM shop.%s_pair JOIN shop.%s_source AS x ON x.item = a JOIN shop.%s_target AS y ON y.item = b"
		"         WHERE a <> b AND c > 0 AND c >= %g::float8 OFFSET 0) AS e) AS e) AS e"
		"   WHERE place <= %d GROUP BY a) AS l ON l.item = i.item",
		m->name, m->name, score(m), decay(m), unit(m), m->name, m->name, m->name, m->name, m->min_count, m->neighbors));
}

bool
oracle_create_model(const Model *m)
{
	return create_model_baskets(m) && create_model_pairs(m) && create_model_items(m, "source", "h") &&
		create_model_items(m, "target", target_name(m)) && create_model_face(m);
}

bool
oracle_create(void)
{
	for (int i = 0; i < shop.num_histories; i++)
		if (!create_baskets(&shop.history[i]))
			return false;
	for (int i = 0; i < shop.num_models; i++)
		if (!oracle_create_model(&shop.model[i]))
			return false;
	return true;
}

/* --- comparisons --- */

/* Half-lives that are no whole number of generations have factors that are none of binary fractions: sums depend on their order. */
static bool
is_exact(const Model *m)
{
	return m->half_life == 0 || m->half_life == m->generation;
}

static const char *
differs(const Model *m, const char *stored, const char *expected)
{
	return is_exact(m) ? text("%s IS DISTINCT FROM %s", stored, expected)
		: text("(%s IS NULL OR %s IS NULL OR abs(%s - %s) > 1e-9)", stored, expected, stored, expected);
}

static void
check_face(const Model *m)
{
	/* the order of nearly equal scores is not the oracle's to say, nor are those of ridge */
	if (!m->scored || !is_exact(m))
		session_expect_no_rows(&checker, text("n of %s", m->name),
			text("SELECT coalesce(f.item, e.item) AS item, f.n AS stored, e.n AS expected FROM shop.%s AS f FULL JOIN shop.%s_face AS e ON e.item = f.item WHERE %s"
				 " UNION ALL SELECT f.item, count, c FROM shop.%s AS f CROSS JOIN LATERAL unnest(neighbors, counts) AS u (neighbor, count)"
				 " LEFT JOIN shop.%s_pair ON a = f.item AND b = neighbor WHERE %s",
				 m->name, m->name, differs(m, "f.n", "e.n"), m->name, m->name, differs(m, "count", "c")));
	else
		session_expect_no_rows(&checker, text("face of %s", m->name),
			text("SELECT coalesce(f.item, e.item) AS item, f::text AS stored, e::text AS expected"
				 " FROM shop.%s AS f FULL JOIN shop.%s_face AS e ON e.item = f.item WHERE f::text IS DISTINCT FROM e::text", m->name, m->name));
}

static void
check_pairs(const Model *m)
{
	session_expect_no_rows(&checker, text("pair counts of %s", m->name),
		text("SELECT * FROM (SELECT i.item AS a, j.item AS b, personalize.pair_count('shop.%s', i.item, j.item) AS stored, coalesce(c, 0) AS expected"
			 " FROM shop.%s_source AS i CROSS JOIN shop.%s_target AS j LEFT JOIN shop.%s_pair AS p ON p.a = i.item AND p.b = j.item"
			 " WHERE %s) AS e WHERE %s", m->name, m->name, m->name, m->name, m->target >= 0 ? "true" : "i.item <> j.item", differs(m, "stored", "expected")));
}

static void
check_model(const Model *m)
{
	session_expect_no_rows(&checker, text("verify(%s)", m->name), text("SELECT * FROM personalize.verify('shop.%s')", m->name));
	check_face(m);
	check_pairs(m);
}

static void
check_models(void)
{
	for (int i = 0; i < shop.num_models; i++)
		check_model(&shop.model[i]);
	if (shop.recent)
		session_expect_no_rows(&checker, "verify(near)", "SELECT * FROM personalize.verify('shop.near')");
}

/* Made again from the shop's tables, with codes of its own, every row must be the same text. */
static void
check_fresh(void)
{
	session_do(&checker, "SAVEPOINT fresh");
	for (int i = 0; i < shop.num_histories; i++)
		session_do(&checker, history_statement(&shop.history[i], text("fresh_%s", shop.history[i].name), i == 0 ? NULL : "fresh_h_items", true));
	for (int i = 0; i < shop.num_models; i++)
	{
		const Model *m = &shop.model[i];

		session_do(&checker, model_statement(m, text("fresh_%s", m->name), "fresh_h", "fresh_g", true));
		/* ridge weights may lag behind the counts */
		session_expect_no_rows(&checker, text("%s and a fresh build of it", m->name),
			text("SELECT coalesce(f.item, e.item) AS item, f::text AS stored, e::text AS fresh FROM shop.%s AS f FULL JOIN shop.fresh_%s AS e ON e.item = f.item"
				 " WHERE %s", m->name, m->name, m->ridge ? "f.n IS DISTINCT FROM e.n" : "f::text IS DISTINCT FROM e::text"));
	}
	if (shop.recent)
	{
		session_do(&checker, sessions_statement("fresh_near", "fresh_h", true));
		session_expect_no_rows(&checker, "near and a fresh build of it",
			"SELECT coalesce(f.item, e.item) AS item, f::text AS stored, e::text AS fresh FROM shop.near AS f FULL JOIN shop.fresh_near AS e ON e.item = f.item"
			" WHERE f::text IS DISTINCT FROM e::text");
	}
	session_do(&checker, "ROLLBACK TO fresh");
}

static void
check_status(void)
{
	session_expect_no_rows(&checker, "status",
		"SELECT relation, kind, built, pending, needs_rebuild, problem FROM personalize.status"
		" WHERE built IS NOT TRUE AND kind <> 'catalog' OR pending > 0 OR needs_rebuild IS NOT NULL OR problem IS NOT NULL");
}

/* Mostly not at all: left to itself, a refresh of so little would often rebuild. */
static const char *
how_to_rebuild(void)
{
	return chance(75) ? ", rebuild => false" : chance(50) ? ", rebuild => true" : "";
}

/* Nobody else has a transaction open: refresh, compare with the oracle and with models built from nothing at the same snapshot. */
void
check_quiet(void)
{
	if (failed())
		return;
	session_do(&checker, "BEGIN");
	session_do(&checker, chance(20) ? "CALL personalize.refresh()" : text("CALL personalize.refresh('shop.h'%s)", how_to_rebuild()));
	if (shop.num_histories > 1)
		session_do(&checker, "CALL personalize.refresh('shop.g')");
	check_status();
	check_models();
	check_fresh();
	session_do(&checker, "COMMIT");
}

/* In the midst of open transactions: a refresh and the oracle with one snapshot, and the status afterwards. */
void
check_busy(void)
{
	if (failed())
		return;
	session_do(&checker, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	session_do(&checker, "SET LOCAL lock_timeout = 30");
	checker.lenient = true;
	if (session_do(&checker, text("CALL personalize.refresh('shop.h'%s)", how_to_rebuild())))
		check_models();
	checker.lenient = false;
	session_do(&checker, chance(85) ? "COMMIT" : "ROLLBACK");
}

/* A model scores differently from now on. */
void
alter_something(void)
{
	Model	   *m = &shop.model[below(shop.num_models)];
	char	   *s;

	if (failed())
		return;
	model_choose_scoring(m);
	s = text("SELECT personalize.alter_model('shop.%s', measure => '%s', neighbors => %d, min_count => %g", m->name, m->measure, m->neighbors, m->min_count);
	for (int i = 0; i < NUM_PARAMETERS; i++)
		if (!isnan(m->parameter[i]))
			s = text("%s, %s => %g", s, parameter_names[i], m->parameter[i]);
	session_do(&checker, text("%s)", s));
	session_do(&checker, text("DROP VIEW shop.%s_face", m->name));
	if (!failed())
		create_model_face(m);
}
