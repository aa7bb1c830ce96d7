/*
 * shop.c
 *		What a seed's shop is like, and the statements that make it, its histories and its models.
 *
 * All lines are in shop.lines (no, part, b, i, at, w, ev), whatever else there is: a parent shop.orders with cascading
 * foreign keys, partitions, a view of both; shop.views (no, b, i, at) is what a second history may be made of.
 */
#include "interleave.h"

#include <math.h>

Shop		shop;

const char *const parameter_names[NUM_PARAMETERS] = {"shrinkage", "a", "b", "p", "z"};

/* What the oracle can score where counts are no numbers of baskets: its own formulas, see check.c. */
static const struct
{
	const char *name;
	const char *takes;			/* letters: s a b p z */
	bool		weighted;		/* may be asked of weighted models */
}			measures[] = {
	{"count", "", true}, {"cosine", "s", true}, {"asymmetric_cosine", "sa", true}, {"jaccard", "s", true}, {"dice", "s", true},
	{"kernel", "sabp", true}, {"kernel", "", true}, {"kernel", "", true}, {"cosine", "", true},
	{"conditional", "s", false}, {"overlap", "s", false}, {"tversky", "sab", false}, {"lift", "s", false}, {"pmi", "", false},
	{"npmi", "", false}, {"conviction", "", false}, {"leverage", "", false}, {"chi_square", "", false}, {"llr", "", false},
	{"signed_root_llr", "", false}, {"lift_lower_bound", "z", false}, {"lift_lower_bound", "", false}
};

#define NUM_MEASURES (sizeof(measures) / sizeof(measures[0]))

/* --- keys and times --- */

const char *
key_type(Key key)
{
	static const char *const types[] = {"smallint", "integer", "bigint", "text", "uuid"};

	return types[key];
}

/* Texts whose order depends on the collation, and that want quoting in arrays. */
static const char *const names[] = {
	"a", "B", "b", "ä", "Z", "z-1", "", "it''s", "{x,\"y\"}", "10", "9", "NULL", "a b", "A", "\\x", "é"
};

static const char *
literal(Key key, uint32_t k)
{
	switch (key)
	{
		case KEY_SMALLINT:
			return text("'%d'", (int) (k * 37) - 100);
		case KEY_INTEGER:
			return text("'%d'", (int) (k * 100003) - 300000);
		case KEY_BIGINT:
			return text("'%lld'", (long long) (k % 3 ? k : k * 1000000007LL) - 4);
		case KEY_TEXT:
			return text("'%s'", names[k % (sizeof(names) / sizeof(names[0]))]);
		default:
			return text("'%08x-0000-4000-8000-0000000000%02x'", k * 2654435761u, k);
	}
}

const char *
basket_literal(void)
{
	return literal(shop.basket, below(shop.num_baskets));
}

const char *
item_literal(void)
{
	/* some items much more popular than others */
	return literal(shop.item, below(below(shop.num_items) + 1));
}

/* Few different ones, so that ties are common. */
const char *
time_literal(void)
{
	if (shop.expiring)
		return text("clock_timestamp() - interval '%u ms'", below(8) * 100);
	for (int h = 0; h < shop.num_histories; h++)
		if (shop.history[h].horizon)
			return text("current_timestamp - interval '%u days %u hours'", below(14) * 5, below(3) * 12);
	return text("timestamptz '%d-%02u-%02u %02u:00+00'", chance(90) ? 2026 : shop.decays ? 2025 : 1999, below(4) + 1, below(6) * 5 + 1, below(3) * 11);
}

/* --- chance --- */

static void
choose_events(History *h)
{
	bool		weighted = chance(40);

	switch (below(3))
	{
		case 0:
			return;
		case 1:
			h->events = "ARRAY['buy']";
			h->event_weights = weighted ? "ARRAY[3]" : NULL;
			break;
		default:
			h->events = "ARRAY['view', 'buy']";
			h->event_weights = weighted ? "ARRAY[1, 4]" : NULL;
	}
}

static void
choose_history(History *h, int number)
{
	memset(h, 0, sizeof(*h));
	h->name = number == 0 ? "h" : "g";
	h->relation = shop.source == SOURCE_VIEW ? "sold" : "lines";
	h->times = chance(75);
	h->max_basket = chance(60) ? 0 : 1 + (int) below(5);
	if (number == 1 && chance(60))
		h->relation = "views";
	else
	{
		h->weights = chance(35);
		choose_events(h);
	}
	if (h->times && chance(shop.expiring ? 100 : 25))
		h->horizon = shop.expiring ? "500 ms" : "30 days";
	/* what expires may be what took another event away, or kept another item from the most recent */
	if (h->horizon && strcmp(h->relation, "views") != 0 && chance(60))
		h->weights = true;
	if (h->horizon && !h->max_basket && chance(30))
		h->max_basket = 1 + (int) below(4);
}

static bool
is_weighted(const Model *m)
{
	const History *source = &shop.history[0];
	const History *target = &shop.history[m->target >= 0 ? m->target : 0];

	return source->weights || source->event_weights || target->weights || target->event_weights;
}

static double
choose_parameter(char which)
{
	static const double shrinkages[] = {0, 0.5, 1, 10};
	static const double exponents[] = {0, 0.3, 0.5, 0.7, 1};
	static const double powers[] = {0.5, 1, 2};

	return which == 's' ? pick(shrinkages) : which == 'p' ? pick(powers) : which == 'z' ? 1 + below(3) : pick(exponents);
}

void
model_choose_scoring(Model *m)
{
	uint32_t	choice;

	do
		choice = below(NUM_MEASURES);
	while (is_weighted(m) && !measures[choice].weighted);
	m->measure = measures[choice].name;
	/* the functions of SQL refuse counts that are none of baskets */
	m->scored = measures[choice].weighted || (m->window == 0 && m->half_life == 0);
	m->ridge = false;
	for (int i = 0; i < NUM_PARAMETERS; i++)
		m->parameter[i] = strchr(measures[choice].takes, "sabpz"[i]) && chance(80) ? choose_parameter("sabpz"[i]) : NAN;
	m->neighbors = 1 + (int) below(chance(60) ? 3 : 6);
	m->min_count = chance(70) ? 0 : chance(50) ? 2 : 1.5;
	if (m->target < 0 && m->window == 0 && m->half_life == 0 && chance(8))
	{
		m->ridge = true;
		m->scored = false;
		m->measure = "ridge";
		for (int i = 0; i < NUM_PARAMETERS; i++)
			m->parameter[i] = NAN;
	}
}

static void
choose_model(Model *m, int number)
{
	static const char *const model_names[] = {"m0", "m1", "m2"};
	static const double dampings[] = {0.5, 1, 0.25};

	memset(m, 0, sizeof(*m));
	m->name = model_names[number];
	m->target = shop.num_histories == 2 && chance(60) ? 1 : -1;
	m->window = m->target < 0 && shop.history[0].times && chance(30) ? 1 + (int) below(3) : 0;
	m->damping = chance(60) ? 0 : pick(dampings);
	if (shop.history[0].times && (m->target < 0 || shop.history[1].times) && chance(35))
	{
		m->generation = 5 + (int) below(2) * 10;
		m->half_life = m->generation * (1 + (int) below(2));
	}
	shop.decays |= m->half_life > 0;
	model_choose_scoring(m);
}

void
shop_choose(void)
{
	static const Key keys[] = {KEY_SMALLINT, KEY_INTEGER, KEY_BIGINT, KEY_BIGINT, KEY_TEXT, KEY_UUID};

	memset(&shop, 0, sizeof(shop));
	shop.source = (Source) below(3);
	shop.basket = pick(keys);
	shop.item = pick(keys);
	shop.num_baskets = 2 + (int) below(12);
	shop.num_items = 4 + (int) below(12);
	shop.customers = shop.source == SOURCE_VIEW && chance(50);
	shop.foreign_key = shop.source == SOURCE_VIEW || chance(40);
	shop.expiring = chance(12);
	shop.num_histories = chance(30) ? 2 : 1;
	for (int i = 0; i < shop.num_histories; i++)
		choose_history(&shop.history[i], i);
	shop.num_models = 1 + (int) below(3);
	for (int i = 0; i < shop.num_models; i++)
		choose_model(&shop.model[i], i);
	shop.recent = shop.history[0].times && chance(60) ? 1 + (int) below(4) : 0;
	shop.longest = chance(30) ? 2 + (int) below(3) : 0;
}

/* --- statements --- */

static const char *
watch_argument(const History *h)
{
	if (strcmp(h->relation, "sold") != 0)
		return "";
	if (!shop.customers)
		return ", watch => '{\"shop.orders\": \"b\", \"shop.lines\": \"b\"}'";
	/* locks the order, so that a change of its customer and a new line of it see each other */
	return ", watch => '{\"shop.orders\": \"customer\", \"shop.lines\": \"(SELECT o.customer FROM shop.orders AS o WHERE o.b = lines.b FOR SHARE)\"}'";
}

const char *
history_statement(const History *h, const char *name, const char *catalog, bool build)
{
	char	   *s = text("SELECT personalize.create_history('shop.%s', interactions => 'shop.%s', basket => 'b', item => 'i'%s",
						 name, h->relation, watch_argument(h));

	if (h->times)
		s = text("%s, happened => 'at'", s);
	if (h->weights)
		s = text("%s, weight => 'w'", s);
	if (h->events)
		s = text("%s, event => 'ev', events => %s", s, h->events);
	if (h->event_weights)
		s = text("%s, event_weights => %s", s, h->event_weights);
	if (h->max_basket)
		s = text("%s, max_basket => %d", s, h->max_basket);
	if (h->horizon)
		s = text("%s, horizon => '%s'", s, h->horizon);
	if (catalog)
		s = text("%s, catalog => 'shop.%s'", s, catalog);
	return text("%s%s)", s, build ? "" : ", build => false");
}

const char *
model_statement(const Model *m, const char *name, const char *history, const char *target, bool build)
{
	char	   *s = text("SELECT personalize.create_cooccurrence('shop.%s', history => 'shop.%s', measure => '%s', neighbors => %d, min_count => %g",
						 name, history, m->measure, m->neighbors, m->min_count);

	if (m->target >= 0)
		s = text("%s, target => 'shop.%s'", s, target);
	if (m->window)
		s = text("%s, sequence => true, \"window\" => %d", s, m->window);
	if (m->damping > 0)
		s = text("%s, damping => %g", s, m->damping);
	if (m->generation)
		s = text("%s, half_life => '%d days', generation => '%d days'", s, m->half_life, m->generation);
	for (int i = 0; i < NUM_PARAMETERS; i++)
		if (!isnan(m->parameter[i]))
			s = text("%s, %s => %g", s, parameter_names[i], m->parameter[i]);
	return text("%s%s)", s, build ? "" : ", build => false");
}

const char *
sessions_statement(const char *name, const char *history, bool build)
{
	return text("SELECT personalize.create_sessions('shop.%s', history => 'shop.%s', recent => %d, longest => %s%s)", name, history, shop.recent,
				shop.longest ? text("%d", shop.longest) : "NULL", build ? "" : ", build => false");
}

static bool
create_lines(void)
{
	const char *b = key_type(shop.basket);
	const char *reference = shop.foreign_key ? " REFERENCES shop.orders ON DELETE CASCADE ON UPDATE CASCADE" : "";
	const char *columns = text("no integer NOT NULL, part integer NOT NULL, b %s%s, i %s, at timestamptz, w integer, ev text",
							   b, reference, key_type(shop.item));

	if (shop.source != SOURCE_PARTITIONED)
		return session_do(&checker, text("CREATE TABLE shop.lines (%s, PRIMARY KEY (no))", columns));
	return session_do(&checker, text("CREATE TABLE shop.lines (%s, PRIMARY KEY (part, no)) PARTITION BY LIST (part)", columns)) &&
		session_do(&checker, "CREATE TABLE shop.p0 PARTITION OF shop.lines FOR VALUES IN (0)") &&
		session_do(&checker, "CREATE TABLE shop.p1 PARTITION OF shop.lines FOR VALUES IN (1)") &&
		session_do(&checker, "CREATE TABLE shop.p2 PARTITION OF shop.lines DEFAULT");
}

static bool
create_tables(void)
{
	const char *b = key_type(shop.basket);

	return session_do(&checker, "CREATE SCHEMA shop") &&
		session_do(&checker, text("CREATE TABLE shop.orders (b %s PRIMARY KEY, customer %s, status text, at timestamptz)", b, b)) &&
		create_lines() &&
		session_do(&checker, "CREATE INDEX ON shop.lines (b)") &&
		session_do(&checker, "CREATE INDEX ON shop.orders (customer)") &&
		session_do(&checker, text("CREATE TABLE shop.views (no integer PRIMARY KEY, b %s, i %s, at timestamptz)", b, key_type(shop.item))) &&
		session_do(&checker, "CREATE INDEX ON shop.views (b)") &&
		session_do(&checker, text("CREATE VIEW shop.sold AS SELECT o.%s AS b, l.i, o.at, l.w, l.ev"
								  " FROM shop.orders AS o JOIN shop.lines AS l ON l.b OPERATOR(pg_catalog.=) o.b"
								  " WHERE o.status OPERATOR(pg_catalog.<>) 'cancelled'", shop.customers ? "customer" : "b"));
}

/* Every order is there from the beginning; lines come with the writers. */
static bool
create_orders(void)
{
	for (int k = 0; k < shop.num_baskets; k++)
		if (!session_do(&checker, text("INSERT INTO shop.orders VALUES (%s, %s, '%s', %s) ON CONFLICT DO NOTHING", literal(shop.basket, k), basket_literal(),
									   chance(85) ? "paid" : "cancelled", time_literal())))
			return false;
	return true;
}

static bool
create_models(void)
{
	bool		build = chance(80);

	for (int i = 0; i < shop.num_histories; i++)
		if (!session_do(&checker, history_statement(&shop.history[i], shop.history[i].name, i == 0 ? NULL : "h_items", build)))
			return false;
	for (int i = 0; i < shop.num_models; i++)
		if (!session_do(&checker, model_statement(&shop.model[i], shop.model[i].name, "h", "g", build)))
			return false;
	if (shop.recent && !session_do(&checker, sessions_statement("near", "h", build)))
		return false;
	shop.ready = true;
	return true;
}

bool
shop_create(void)
{
	if (!create_tables() || !create_orders())
		return false;
	if (chance(90))
		write_first_lines(&writer[0]);
	for (int i = below(6); i > 0; i--)
		write_something(&writer[0]);
	finish_writers();
	return !failed() && create_models();
}

void
shop_drop(void)
{
	if (chance(50))
		session_do(&checker, "DROP SCHEMA shop CASCADE");
	else
	{
		for (int i = shop.num_histories - 1; i >= 0; i--)
			session_do(&checker, text("SELECT personalize.drop_history('shop.%s', cascade => true)", shop.history[i].name));
		session_do(&checker, "DROP SCHEMA shop CASCADE");
	}
	session_expect_no_rows(&checker, "left in the registry", "SELECT relation::oid FROM personalize.history UNION ALL SELECT relation::oid FROM personalize.model"
						   " UNION ALL SELECT relation::oid FROM personalize.sessions UNION ALL SELECT relation::oid FROM personalize.catalog UNION ALL SELECT relation::oid FROM personalize.watch");
}
